"""The queries of discovery. All run in one snapshot with an empty search_path, so that names come out qualified.

Relations are those of other schemas than PostgreSQL's own. ``%(only)s`` is NULL or the one relation asked for.
"""

# Rows and sizes of a partitioned table are those of its leaves; its largest leaf decides how scans are split.
RELATIONS = """
WITH relation AS (
    SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples, c.relispartition, c.relpartbound,
           has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT') AS readable
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND (%(only)s::text[] IS NULL OR ARRAY[n.nspname, c.relname]::text[] = %(only)s)
), leaf AS (
    SELECT r.oid AS root, l.oid, l.reltuples
    FROM relation r
    CROSS JOIN LATERAL pg_partition_tree(r.oid) t JOIN pg_class l ON l.oid = t.relid
    WHERE r.relkind = 'p' AND t.isleaf
    UNION ALL
    SELECT oid, oid, reltuples FROM relation WHERE relkind IN ('r', 'm')
), size AS (
    SELECT root, sum(reltuples) FILTER (WHERE reltuples >= 0) AS rows, bool_or(reltuples < 0) AS unknown,
           sum(pg_table_size(oid)) AS bytes,
           max(pg_relation_size(oid)) / current_setting('block_size')::int AS blocks
    FROM leaf GROUP BY root
)
SELECT r.oid, r.nspname, r.relname, r.relkind::text, r.readable, obj_description(r.oid, 'pg_class'),
       CASE WHEN r.relkind = 'f' AND r.reltuples >= 0 THEN r.reltuples::int8
            WHEN NOT s.unknown THEN s.rows::int8 END,
       s.bytes::int8, coalesce(s.blocks, 0)::int8,
       CASE WHEN r.readable AND r.relkind IN ('v', 'm') THEN pg_get_viewdef(r.oid, true) END,
       CASE r.relkind WHEN 'p' THEN pg_get_partkeydef(r.oid) END,
       p.nspname, p.relname, pg_get_expr(r.relpartbound, r.oid)
FROM relation r LEFT JOIN size s ON s.root = r.oid
LEFT JOIN pg_inherits i ON i.inhrelid = r.oid AND r.relispartition
LEFT JOIN (SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace) p
  ON p.oid = i.inhparent
ORDER BY r.nspname <> 'public', r.nspname, r.relname
"""

COLUMNS = """
SELECT a.attrelid, a.attname, a.atttypid, a.atttypmod, a.attnotnull, format_type(a.atttypid, a.atttypmod),
       col_description(a.attrelid, a.attnum), a.attcollation, a.attnum,
       pg_get_expr(d.adbin, d.adrelid),
       CASE WHEN d.adbin IS NOT NULL THEN coalesce(to_jsonb(a) ->> 'attgenerated', '') ELSE '' END
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = ANY(%(relations)s) AND a.attnum > 0 AND NOT a.attisdropped
  AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')
ORDER BY a.attrelid, a.attnum
"""

# Row types of tables are left out, nothing else: a database has some hundred types.
TYPES = """
SELECT t.oid, t.typname, t.typtype::text, t.typnamespace = 'pg_catalog'::regnamespace,
       CASE WHEN t.typcategory = 'A' AND t.typname NOT IN ('int2vector', 'oidvector') THEN t.typelem ELSE 0 END,
       t.typbasetype, t.typtypmod, format_type(t.typbasetype, t.typtypmod),
       format_type(t.oid, NULL),
       CASE t.typtype WHEN 'e' THEN ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid
                                          ORDER BY e.enumsortorder) END
FROM pg_type t
WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c')
"""

# C and the builtin provider order text by code points, as UTF-8's bytes do. to_jsonb() lets one query serve servers
# whose catalogues lack the column.
COLLATIONS = """
WITH used AS (SELECT pg_encoding_to_char(encoding) = 'UTF8' AS utf8, to_jsonb(d) AS database
              FROM pg_database d WHERE datname = current_database())
SELECT c.oid,
       utf8 AND CASE WHEN c.oid = 'pg_catalog.default'::regcollation
                     THEN CASE coalesce(database ->> 'datlocprovider', 'c') WHEN 'b' THEN true
                               WHEN 'c' THEN database ->> 'datcollate' IN ('C', 'POSIX') ELSE false END
                     ELSE c.collprovider = 'b' OR (c.collprovider = 'c' AND c.collcollate IN ('C', 'POSIX')) END,
       c.collisdeterministic
FROM pg_collation c, used
"""

CONSTRAINTS = """
SELECT c.conrelid, c.conname, c.contype::text, pg_get_constraintdef(c.oid),
       ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.conrelid AND attnum = ANY(c.conkey)),
       n.nspname, r.relname, quote_ident(n.nspname) || '.' || quote_ident(r.relname),
       obj_description(c.oid, 'pg_constraint')
FROM pg_constraint c
LEFT JOIN pg_class r ON r.oid = c.confrelid
LEFT JOIN pg_namespace n ON n.oid = r.relnamespace
WHERE c.conrelid = ANY(%(relations)s) AND c.contype IN ('p', 'u', 'f', 'c')
  AND coalesce(to_jsonb(c) ->> 'conperiod', 'false') = 'false'
ORDER BY c.conrelid, c.contype <> 'p', c.conname
"""

# Not those that belong to a constraint. Operator classes and collations are told by their names, which have to be
# PostgreSQL's own, where they are not those of the column.
INDEXES = """
WITH index AS (
    SELECT i.indexrelid, i.indrelid, c.relname, i.indisunique, m.amname,
           NOT (i.indisunique AND coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false)) AS nulls_distinct,
           pg_get_expr(i.indpred, i.indrelid) AS predicate, i.indnkeyatts, i.indoption::int2[] AS options,
           i.indkey::int2[] AS numbers, i.indclass::oid[] AS classes, i.indcollation::oid[] AS collations
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_am m ON m.oid = c.relam
    WHERE i.indrelid = ANY(%(relations)s) AND i.indisvalid
      AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = i.indexrelid AND o.contype IN ('p', 'u', 'x'))
)
SELECT i.indrelid, i.relname, i.indisunique, i.amname, i.nulls_distinct, i.predicate, i.indnkeyatts,
       array_agg(a.attname::text ORDER BY k.position),
       array_agg(CASE k.number WHEN 0 THEN pg_get_indexdef(i.indexrelid, k.position::int, false) ELSE '' END
                 ORDER BY k.position),
       (array_agg(CASE WHEN NOT o.opcdefault THEN o.opcname::text END ORDER BY k.position))[:i.indnkeyatts],
       (array_agg(CASE WHEN l.oid <> 'pg_catalog.default'::regcollation AND l.oid IS DISTINCT FROM a.attcollation
                       THEN l.collname::text END ORDER BY k.position))[:i.indnkeyatts],
       i.options
FROM index i
CROSS JOIN LATERAL unnest(i.numbers, i.classes, i.collations)
           WITH ORDINALITY k(number, of_class, of_collation, position)
LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number AND k.number <> 0
LEFT JOIN pg_opclass o ON o.oid = k.of_class
LEFT JOIN pg_collation l ON l.oid = k.of_collation
GROUP BY i.indexrelid, i.indrelid, i.relname, i.indisunique, i.amname, i.nulls_distinct, i.predicate, i.indnkeyatts,
         i.options
HAVING bool_and(coalesce(o.opcdefault OR o.opcnamespace = 'pg_catalog'::regnamespace, true))
   AND bool_and(coalesce(l.collnamespace = 'pg_catalog'::regnamespace, true))
ORDER BY i.indrelid, i.relname
"""

# Those of identity columns, and those that are the default of the column to which they belong (serial). A sequence that
# lies in another schema than its table is left out.
SEQUENCES = """
SELECT a.attrelid, a.attnum, s.relname, a.attidentity::text, format_type(q.seqtypid, NULL), q.seqstart, q.seqincrement,
       q.seqmin, q.seqmax, q.seqcache, q.seqcycle
FROM pg_depend d
JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_sequence q ON q.seqrelid = s.oid
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
JOIN pg_class t ON t.oid = a.attrelid AND t.relnamespace = s.relnamespace
LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.objsubid = 0
  AND d.refobjid = ANY(%(relations)s)
  AND (d.deptype = 'i' AND a.attidentity <> '' OR d.deptype = 'a' AND a.attidentity = ''
       AND pg_get_expr(e.adbin, e.adrelid) = 'nextval(' || quote_literal(s.oid::regclass::text) || '::regclass)')
"""

SCHEMAS = """
SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND has_schema_privilege(oid, 'USAGE')
ORDER BY nspname <> 'public', nspname
"""
