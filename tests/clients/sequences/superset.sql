-- Apache Superset (its statements): connects, lists tables, reads a dataset, draws charts, runs SQL Lab. As Superset 6.1
-- sent them over psycopg2; those of transactions and repetitions are left out.
--= application_name=superset

SELECT t.oid, typarray
FROM pg_type t JOIN pg_namespace ns
    ON typnamespace = ns.oid
WHERE typname = 'hstore'
;

select pg_catalog.version()
;

select current_schema()
;

show transaction isolation level
;

show standard_conforming_strings
;

SELECT 1
;

SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg_%' ORDER BY nspname
;

SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'shop' AND c.relkind in ('r', 'p')
;

SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'shop' AND c.relkind = 'f'
;

SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'shop' AND c.relkind IN ('v', 'm')
;

SELECT c.oid
FROM pg_catalog.pg_class c
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE (n.nspname = 'shop')
AND c.relname = 'orders' AND c.relkind in
('r', 'v', 'm', 'f', 'p')
;

SELECT a.attname,
  pg_catalog.format_type(a.atttypid, a.atttypmod),
  (
    SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid)
    FROM pg_catalog.pg_attrdef d
    WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum
    AND a.atthasdef
  ) AS DEFAULT,
  a.attnotnull,
  a.attrelid as table_oid,
  pgd.description as comment,
  a.attgenerated as generated,
                  (SELECT json_build_object(
        'always', a.attidentity = 'a',
        'start', s.seqstart,
        'increment', s.seqincrement,
        'minvalue', s.seqmin,
        'maxvalue', s.seqmax,
        'cache', s.seqcache,
        'cycle', s.seqcycle)
    FROM pg_catalog.pg_sequence s
    JOIN pg_catalog.pg_class c on s.seqrelid = c."oid"
    WHERE c.relkind = 'S'
    AND a.attidentity != ''
    AND s.seqrelid = pg_catalog.pg_get_serial_sequence(
        a.attrelid::regclass::text, a.attname
    )::regclass::oid
    ) as identity_options
FROM pg_catalog.pg_attribute a
LEFT JOIN pg_catalog.pg_description pgd ON (
    pgd.objoid = a.attrelid AND pgd.objsubid = a.attnum)
WHERE a.attrelid = 'shop.orders'::regclass
AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
;

SELECT t.typname as "name",
   pg_catalog.format_type(t.typbasetype, t.typtypmod) as "attype",
   not t.typnotnull as "nullable",
   t.typdefault as "default",
   pg_catalog.pg_type_is_visible(t.oid) as "visible",
   n.nspname as "schema"
FROM pg_catalog.pg_type t
   LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'd'
;

    SELECT t.typname as "name",
       pg_catalog.pg_type_is_visible(t.oid) as "visible",
       n.nspname as "schema",
       e.enumlabel as "label"
    FROM pg_catalog.pg_type t
         LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
         LEFT JOIN pg_catalog.pg_enum e ON t.oid = e.enumtypid
    WHERE t.typtype = 'e'
ORDER BY "schema", "name", e.oid
;

SELECT a.attname
FROM pg_attribute a JOIN (
    SELECT unnest(ix.indkey) attnum,
           generate_subscripts(ix.indkey, 1) ord
    FROM pg_index ix
    WHERE ix.indrelid = 'shop.orders'::regclass AND ix.indisprimary
    ) k ON a.attnum=k.attnum
WHERE a.attrelid = 'shop.orders'::regclass
ORDER BY k.ord
;

SELECT conname
   FROM  pg_catalog.pg_constraint r
   WHERE r.conrelid = 'shop.orders'::regclass AND r.contype = 'p'
   ORDER BY 1
;

SELECT r.conname,
      pg_catalog.pg_get_constraintdef(r.oid, true) as condef,
      n.nspname as conschema
FROM  pg_catalog.pg_constraint r,
      pg_namespace n,
      pg_class c
WHERE r.conrelid = 'shop.orders'::regclass AND
      r.contype = 'f' AND
      c.oid = confrelid AND
      n.oid = c.relnamespace
ORDER BY 1
;

SELECT
    i.relname as relname,
    ix.indisunique, ix.indexprs,
    a.attname, a.attnum, c.conrelid, ix.indkey::varchar,
    ix.indoption::varchar, i.reloptions, am.amname,
    pg_get_expr(ix.indpred, ix.indrelid),
    ix.indnkeyatts as indnkeyatts
FROM
    pg_class t
          join pg_index ix on t.oid = ix.indrelid
          join pg_class i on i.oid = ix.indexrelid
          left outer join
              pg_attribute a
              on t.oid = a.attrelid and a.attnum = ANY(ix.indkey)
          left outer join
              pg_constraint c
              on (ix.indrelid = c.conrelid and
                  ix.indexrelid = c.conindid and
                  c.contype in ('p', 'u', 'x'))
          left outer join
              pg_am am
              on i.relam = am.oid
WHERE
    t.relkind IN ('r', 'v', 'f', 'm', 'p')
    and t.oid = 'shop.orders'::regclass
    and ix.indisprimary = 'f'
ORDER BY
    t.relname,
    i.relname
;

SELECT
    pgd.description as table_comment
FROM
    pg_catalog.pg_description pgd
WHERE
    pgd.objsubid = 0 AND
    pgd.objoid = 'shop.orders'::regclass
;

SELECT c.oid
FROM pg_catalog.pg_class c
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE (n.nspname = 'shop')
AND c.relname = 'customer' AND c.relkind in
('r', 'v', 'm', 'f', 'p')
;

SELECT
    cons.conname as name,
    cons.conkey as key,
    a.attnum as col_num,
    a.attname as col_name
FROM
    pg_catalog.pg_constraint cons
    join pg_attribute a
      on cons.conrelid = a.attrelid AND
        a.attnum = ANY(cons.conkey)
WHERE
    cons.conrelid = 'shop.orders'::regclass AND
    cons.contype = 'u'
;

SELECT
    cons.conname as name,
    pg_get_constraintdef(cons.oid) as src
FROM
    pg_catalog.pg_constraint cons
WHERE
    cons.conrelid = 'shop.orders'::regclass AND
    cons.contype = 'c'
;

select relname from pg_class c join pg_namespace n on n.oid=c.relnamespace where n.nspname='shop' and relname='orders'
;

set search_path = "shop"
;

SELECT
  o_orderstatus,
  COUNT(*) AS n
FROM shop.orders
GROUP BY
  1
LIMIT 1
;

SELECT
  COUNT(*) AS count
FROM shop.orders
LIMIT 50000
;

SELECT
  o_orderstatus AS o_orderstatus,
  SUM(o_totalprice) AS t
FROM shop.orders
GROUP BY
  o_orderstatus
ORDER BY
  t DESC
LIMIT 10
;

SELECT
  DATE_TRUNC('MONTH', o_orderdate) AS o_orderdate,
  COUNT(*) AS count
FROM shop.orders
WHERE
  o_orderdate >= TO_DATE('1990-01-01', 'YYYY-MM-DD')
  AND o_orderdate < TO_DATE('2000-01-01', 'YYYY-MM-DD')
GROUP BY
  DATE_TRUNC('MONTH', o_orderdate)
ORDER BY
  o_orderdate ASC
LIMIT 1000
;

SELECT
  o_orderkey AS o_orderkey,
  o_orderdate AS o_orderdate,
  o_totalprice AS o_totalprice
FROM shop.orders
WHERE
  o_orderkey < 5
ORDER BY
  o_orderkey ASC
LIMIT 5
OFFSET 1
;

SELECT
  COUNT(*) AS rowcount
FROM (
  SELECT
    o_orderkey AS o_orderkey
  FROM shop.orders
  LIMIT 50000
) AS rowcount_qry
;

SELECT
  o_clerk AS o_clerk,
  o_comment AS o_comment,
  o_custkey AS o_custkey,
  o_orderdate AS o_orderdate,
  o_orderkey AS o_orderkey,
  o_orderpriority AS o_orderpriority,
  o_orderstatus AS o_orderstatus,
  o_shippriority AS o_shippriority,
  o_totalprice AS o_totalprice
FROM shop.orders
LIMIT 3
;

SELECT
  o_orderstatus AS o_orderstatus,
  COUNT(*) AS count
FROM (
  SELECT
    o_orderstatus,
    COUNT(*) AS n
  FROM shop.orders
  GROUP BY
    1
) AS virtual_table
GROUP BY
  o_orderstatus
ORDER BY
  o_orderstatus ASC
LIMIT 50000
;

SELECT pg_backend_pid()
;

SELECT
  *
FROM shop.orders
ORDER BY
  o_orderkey
LIMIT 8
;

SELECT
  *
FROM shop.types
ORDER BY
  id
LIMIT 101
;

SELECT
  1 AS a
LIMIT 101
;

SELECT
  COUNT(*) AS n
FROM shop.orders
LIMIT 101
;

SELECT
  nothing
FROM shop.orders
LIMIT 101
;
