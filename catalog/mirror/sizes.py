"""How large tables are: PostgreSQL's functions for it tell the lake's bytes, its statistics the lake's rows.

The mirror's tables are empty files. So the functions are replaced by ones that look up what the sources tell, and else,
for indexes and the system's own relations, ask PostgreSQL's; ``n_live_tup`` of ``pg_stat_all_tables`` likewise. They
tell sizes to who may read the whole table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg

from catalog.mirror.own_functions import move_own_functions

_SIZES = "pg_catalog.lakegate_sizes"  # beside PostgreSQL's own, where no list of tables shows it
_IS_ABSENT = "SELECT pg_catalog.to_regclass('{}') IS NULL"
_HAS_ROWS = """
SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = pg_catalog.to_regclass('{}') AND a.attname = 'rows'
"""
_CREATE = f"""
CREATE TABLE {_SIZES} (relation oid PRIMARY KEY, bytes bigint NOT NULL);
ALTER FUNCTION pg_catalog.pg_table_size(regclass) RENAME TO lakegate_own_pg_table_size;
ALTER FUNCTION pg_catalog.pg_total_relation_size(regclass) RENAME TO lakegate_own_pg_total_relation_size;
ALTER FUNCTION pg_catalog.pg_relation_size(regclass, text) RENAME TO lakegate_own_relation_size;
ALTER FUNCTION pg_catalog.pg_database_size(oid) RENAME TO lakegate_own_database_size;
ALTER FUNCTION pg_catalog.pg_database_size(name) RENAME TO lakegate_own_database_size;
"""
# A size tells of rows: it is for who may read all of the table.
_TOLD = "pg_catalog.lakegate_told_sizes"
_VIEW = f"""
ALTER TABLE {_SIZES} ADD COLUMN IF NOT EXISTS rows bigint NOT NULL DEFAULT 0;
REVOKE ALL ON {_SIZES} FROM PUBLIC;
CREATE OR REPLACE VIEW {_TOLD} WITH (security_barrier) AS
SELECT s.relation, CASE WHEN m.may THEN s.bytes ELSE 0 END AS bytes, CASE WHEN m.may THEN s.rows ELSE 0 END AS rows
FROM {_SIZES} s, LATERAL (SELECT pg_catalog.has_table_privilege(s.relation, 'SELECT')) m (may);
GRANT SELECT ON {_TOLD} TO PUBLIC;
"""
_FOR_TABLES = f"""
CREATE OR REPLACE FUNCTION pg_catalog.{{name}}({{type}}) RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN coalesce((SELECT s.bytes FROM {_TOLD} s WHERE s.relation = $1::pg_catalog.oid),
                lakegate.lakegate_own_{{name}}($1));
"""
_FOR_FORKS = f"""
CREATE OR REPLACE FUNCTION pg_catalog.pg_relation_size(regclass, text) RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN coalesce((SELECT s.bytes FROM {_TOLD} s WHERE s.relation = $1::pg_catalog.oid AND $2 = 'main'),
                lakegate.lakegate_own_relation_size($1, $2));
CREATE OR REPLACE FUNCTION pg_catalog.pg_relation_size(regclass) RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL SAFE RETURN pg_catalog.pg_relation_size($1, 'main');
"""
_FOR_DATABASES = f"""
CREATE OR REPLACE FUNCTION pg_catalog.pg_database_size({{type}}) RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_database d
                         WHERE d.{{key}} = $1 AND d.datname = pg_catalog.current_database())
            THEN (SELECT coalesce(sum(s.bytes), 0)::bigint FROM {_TOLD} s)
            ELSE lakegate.lakegate_own_database_size($1) END;
"""
_STATISTICS = "pg_stat_all_tables"
_OF_STATISTICS = f"""
SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attnum), pg_catalog.pg_get_viewdef(a.attrelid)
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = 'pg_catalog.{_STATISTICS}'::pg_catalog.regclass AND a.attnum > 0
GROUP BY a.attrelid
"""
_SET = f"""
WITH wanted AS (
    SELECT v.relation, CASE WHEN c.relrowsecurity THEN 0 ELSE v.bytes END AS bytes,
           CASE WHEN c.relrowsecurity THEN 0 ELSE v.rows END AS rows
    FROM unnest(%s::oid[], %s::bigint[], %s::bigint[]) v (relation, bytes, rows)
    JOIN pg_catalog.pg_class c ON c.oid = v.relation),
gone AS (DELETE FROM {_SIZES} s WHERE NOT EXISTS (SELECT FROM wanted w WHERE w.relation = s.relation))
INSERT INTO {_SIZES} AS s (relation, bytes, rows) SELECT * FROM wanted
ON CONFLICT (relation) DO UPDATE SET bytes = excluded.bytes, rows = excluded.rows
WHERE (s.bytes, s.rows) <> (excluded.bytes, excluded.rows)
"""
_HIDE = f"""
UPDATE {_SIZES} s SET bytes = 0, rows = 0
FROM pg_catalog.pg_class c WHERE c.oid = s.relation AND c.relrowsecurity AND (s.bytes, s.rows) <> (0, 0)
"""


@dataclass(frozen=True, slots=True)
class Size:
    """The bytes and rows of a relation of the mirror; None where its source does not tell, which is shown as 0."""

    relation: int
    bytes: int | None = None
    rows: int | None = None


def make_sizes(connection: psycopg.Connection) -> None:
    """Make the table, the views and the functions where they are absent. Former versions had no view, or no rows."""
    if connection.execute(_HAS_ROWS.format(_TOLD).encode()).fetchone() is not None:
        return
    connection.execute("SET LOCAL allow_system_table_mods = on")
    if connection.execute(_IS_ABSENT.format(_SIZES).encode()).fetchone() == (True,):
        connection.execute(_CREATE.encode())
        move_own_functions(connection)
    connection.execute(_VIEW.encode())
    for name in ("pg_table_size", "pg_total_relation_size"):
        connection.execute(_FOR_TABLES.format(name=name, type="regclass").encode())
    connection.execute(_FOR_FORKS.encode())
    for type_, key in (("oid", "oid"), ("name", "datname")):
        connection.execute(_FOR_DATABASES.format(type=type_, key=key).encode())
    _tell_rows(connection)


def _tell_rows(connection: psycopg.Connection) -> None:
    """Have the statistics of tables tell the lake's rows."""
    [(columns, definition)] = connection.execute(_OF_STATISTICS.encode()).fetchall()
    told = ["coalesce(s.rows, o.n_live_tup) AS n_live_tup" if one == "n_live_tup" else f"o.{one}" for one in columns]
    text = (
        f"CREATE OR REPLACE VIEW pg_catalog.{_STATISTICS} AS SELECT {', '.join(told)}"
        f" FROM ({definition.rstrip().rstrip(';')}) o LEFT JOIN {_TOLD} s ON s.relation = o.relid"
    )
    connection.execute(text.encode())


def set_sizes(connection: psycopg.Connection, sizes: Iterable[Size]) -> None:
    """Make the sizes those of these relations."""
    told = [(one.relation, one.bytes or 0, one.rows or 0) for one in sizes]
    connection.execute(_SET, [[one[at] for one in told] for at in range(3)])


def hide_sizes(connection: psycopg.Connection) -> None:
    """Take the sizes from tables under row security: they are of rows that a role may not see."""
    connection.execute(_HIDE.encode())
