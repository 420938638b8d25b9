"""How large tables are: PostgreSQL's functions for it answer with the lake's bytes.

The mirror's tables are empty files. So the functions are replaced by ones that look up what the sources tell, and else,
for indexes and the system's own relations, ask PostgreSQL's. They tell sizes to who may read the whole table.
"""

from __future__ import annotations

from collections.abc import Iterable

import psycopg

_SIZES = "pg_catalog.lakegate_sizes"  # beside PostgreSQL's own, where no list of tables shows it
_IS_ABSENT = "SELECT pg_catalog.to_regclass('{}') IS NULL"
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
REVOKE ALL ON {_SIZES} FROM PUBLIC;
CREATE OR REPLACE VIEW {_TOLD} WITH (security_barrier) AS
SELECT s.relation, CASE WHEN pg_catalog.has_table_privilege(s.relation, 'SELECT') THEN s.bytes ELSE 0 END AS bytes
FROM {_SIZES} s;
GRANT SELECT ON {_TOLD} TO PUBLIC;
"""
_FOR_TABLES = f"""
CREATE OR REPLACE FUNCTION pg_catalog.{{name}}({{type}}) RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN coalesce((SELECT s.bytes FROM {_TOLD} s WHERE s.relation = $1::pg_catalog.oid),
                pg_catalog.lakegate_own_{{name}}($1));
"""
_FOR_FORKS = f"""
CREATE OR REPLACE FUNCTION pg_catalog.pg_relation_size(regclass, text) RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN coalesce((SELECT s.bytes FROM {_TOLD} s WHERE s.relation = $1::pg_catalog.oid AND $2 = 'main'),
                pg_catalog.lakegate_own_relation_size($1, $2));
CREATE OR REPLACE FUNCTION pg_catalog.pg_relation_size(regclass) RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL SAFE RETURN pg_catalog.pg_relation_size($1, 'main');
"""
_FOR_DATABASES = f"""
CREATE OR REPLACE FUNCTION pg_catalog.pg_database_size({{type}}) RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_database d
                         WHERE d.{{key}} = $1 AND d.datname = pg_catalog.current_database())
            THEN (SELECT coalesce(sum(s.bytes), 0)::bigint FROM {_TOLD} s)
            ELSE pg_catalog.lakegate_own_database_size($1) END;
"""
_SET = f"""
WITH wanted AS (
    SELECT v.relation, CASE WHEN c.relrowsecurity THEN 0 ELSE v.bytes END AS bytes
    FROM unnest(%s::oid[], %s::bigint[]) v (relation, bytes) JOIN pg_catalog.pg_class c ON c.oid = v.relation),
gone AS (DELETE FROM {_SIZES} s WHERE NOT EXISTS (SELECT FROM wanted w WHERE w.relation = s.relation))
INSERT INTO {_SIZES} AS s SELECT * FROM wanted
ON CONFLICT (relation) DO UPDATE SET bytes = excluded.bytes WHERE s.bytes <> excluded.bytes
"""


_HIDE = f"""
UPDATE {_SIZES} s SET bytes = 0
FROM pg_catalog.pg_class c WHERE c.oid = s.relation AND c.relrowsecurity AND s.bytes <> 0
"""


def make_sizes(connection: psycopg.Connection) -> None:
    """Make the table, the view and the functions where they are absent. Former versions had no view."""
    if connection.execute(_IS_ABSENT.format(_TOLD).encode()).fetchone() != (True,):
        return
    connection.execute("SET LOCAL allow_system_table_mods = on")
    if connection.execute(_IS_ABSENT.format(_SIZES).encode()).fetchone() == (True,):
        connection.execute(_CREATE.encode())
    connection.execute(_VIEW.encode())
    for name in ("pg_table_size", "pg_total_relation_size"):
        connection.execute(_FOR_TABLES.format(name=name, type="regclass").encode())
    connection.execute(_FOR_FORKS.encode())
    for type_, key in (("oid", "oid"), ("name", "datname")):
        connection.execute(_FOR_DATABASES.format(type=type_, key=key).encode())


def set_sizes(connection: psycopg.Connection, sizes: Iterable[tuple[int, int | None]]) -> None:
    """Make the sizes those of these tables: oid and bytes; None, where the source does not tell, is shown as 0."""
    pairs = [*sizes]
    connection.execute(_SET, ([oid for oid, _ in pairs], [size or 0 for _, size in pairs]))


def hide_sizes(connection: psycopg.Connection) -> None:
    """Take the sizes from tables under row security: they are of rows that a role may not see."""
    connection.execute(_HIDE.encode())
