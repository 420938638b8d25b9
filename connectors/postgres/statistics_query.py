"""The query of statistics: one for all relations asked for, of catalogues alone, and without a lock on any relation."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.names import quote_literal

MOST_VALUES = 100  # of most common values and of parts of a histogram
MOST_PARTITIONS = 32  # the largest stand for all others where the whole has no statistics of its own

# A partitioned table, or one that others inherit from, has the rows of all that are below it. PostgreSQL keeps
# statistics of the whole (inherited) only where ANALYZE was called for it; autovacuum sees its parts alone.
#
# live: rows as counted since, which are known before the first ANALYZE; standby servers do not have them.
# pg_stats shows each role what it may read. Its conditions must be simple for the indexes to be used, hence the arrays.
_QUERY = """
WITH RECURSIVE asked AS (
    SELECT a.at, n.nspname, c.relname, c.oid, c.relkind
    FROM unnest({schemas}::name[], {names}::name[]) WITH ORDINALITY a(nspname, relname, at)
    JOIN pg_namespace n ON n.nspname = a.nspname
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = a.relname
), member AS (
    SELECT at, oid, true AS whole FROM asked
    UNION
    SELECT m.at, i.inhrelid, false FROM member m JOIN pg_inherits i ON i.inhparent = m.oid
), part AS (
    SELECT m.at, m.whole, n.nspname, c.relname, c.relkind::text AS kind, nullif(c.reltuples, -1)::float8 AS counted,
           pg_stat_get_live_tuples(c.oid)::float8 AS live,
           row_number() OVER (PARTITION BY m.at, m.whole
                              ORDER BY greatest(c.reltuples, pg_stat_get_live_tuples(c.oid)) DESC) AS size
    FROM member m
    JOIN pg_class c ON c.oid = m.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
), as_a_whole AS (
    SELECT DISTINCT a.at
    FROM asked a JOIN pg_stats s ON s.schemaname = a.nspname AND s.tablename = a.relname
    WHERE s.inherited AND s.schemaname = ANY ({schemas}::name[]) AND s.tablename = ANY ({names}::name[])
), wanted AS (
    SELECT p.at, p.whole, p.nspname, p.relname, w.at IS NOT NULL AS inherited
    FROM part p LEFT JOIN as_a_whole w USING (at)
    WHERE p.kind <> 'p' AND w.at IS NULL AND p.size <= {partitions} OR p.whole AND w.at IS NOT NULL
), unique_key AS (
    SELECT a.at, jsonb_agg(
        ARRAY(SELECT k.attname FROM unnest(i.indkey::int2[]) WITH ORDINALITY u(attnum, place)
              JOIN pg_attribute k ON k.attrelid = i.indrelid AND k.attnum = u.attnum
              WHERE u.place <= i.indnkeyatts)) AS keys
    FROM asked a
    JOIN pg_index i ON i.indrelid = a.oid
    JOIN pg_class x ON x.oid = i.indexrelid
    JOIN pg_am m ON m.oid = x.relam
    WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND m.amname = 'btree'
      AND (a.relkind = 'p' OR NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = a.oid))
    GROUP BY a.at
), combination AS (  -- of what CREATE STATISTICS (ndistinct) was made for, with the names of columns by their numbers
    SELECT a.at, jsonb_agg(jsonb_build_object('counts', s.n_distinct::text, 'names', c.names)) AS combined
    FROM asked a
    JOIN pg_stats_ext s ON s.schemaname = a.nspname AND s.tablename = a.relname
    CROSS JOIN LATERAL (SELECT jsonb_object_agg(k.attnum, k.attname) AS names
                        FROM pg_attribute k WHERE k.attrelid = a.oid AND k.attnum > 0) c
    WHERE s.n_distinct IS NOT NULL
      AND s.schemaname = ANY ({schemas}::name[]) AND s.tablename = ANY ({names}::name[])
    GROUP BY a.at
)
SELECT p.at, p.nspname::text || '.' || p.relname AS part, p.kind, p.counted, p.live, k.keys::text AS keys,
       e.combined::text AS combined,
       s."column", s.null_fraction, s.width, s."distinct", s.most_common, s.frequencies, s.common, s.bounds
FROM part p
LEFT JOIN unique_key k ON p.whole AND k.at = p.at
LEFT JOIN combination e ON p.whole AND e.at = p.at
LEFT JOIN (
    SELECT w.at, w.nspname, w.relname, s.attname::text AS "column", s.null_frac::float8 AS null_fraction,
           s.avg_width::float8 AS width, s.n_distinct::float8 AS "distinct",
           (s.most_common_vals::text::text[])[1:{values}] AS most_common,
           (s.most_common_freqs::float8[])[1:{values}] AS frequencies,
           coalesce(array_length(s.most_common_freqs, 1), 0) AS common, b.bounds
    FROM wanted w
    JOIN pg_stats s
      ON s.schemaname = w.nspname AND s.tablename = w.relname AND s.inherited = w.inherited
    CROSS JOIN LATERAL (SELECT s.histogram_bounds::text::text[] AS h) all_bounds
    CROSS JOIN LATERAL (
        SELECT CASE WHEN array_length(h, 1) > {values} + 1
               THEN ARRAY(SELECT h[1 + i * (array_length(h, 1) - 1) / {values}] FROM generate_series(0, {values}) i)
               ELSE h END AS bounds) b
    WHERE s.schemaname = ANY (ARRAY(SELECT nspname FROM wanted))
      AND s.tablename = ANY (ARRAY(SELECT relname FROM wanted))
) s ON s.at = p.at AND s.nspname = p.nspname AND s.relname = p.relname
"""


def statistics_query(remotes: Sequence[tuple[str, ...]]) -> str:
    """Return the query for relations given by schema and name; ``at`` in its rows counts them from 1.

    Its rows are the parts of each relation, each once for every column it has statistics of, or once. The statistics
    are those of the whole where they exist, else each part has its own.
    """
    return _QUERY.format(
        schemas=_array([remote[0] for remote in remotes]),
        names=_array([remote[1] for remote in remotes]),
        values=MOST_VALUES,
        partitions=MOST_PARTITIONS,
    )


def _array(values: Sequence[str]) -> str:
    return f"ARRAY[{', '.join(map(quote_literal, values))}]"
