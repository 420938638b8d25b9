"""How large tables are: PostgreSQL's functions for it answer with the lake's bytes.

The mirror's tables are empty files. So the functions are replaced by ones that look up what the sources tell, and else,
for indexes and the system's own relations, ask PostgreSQL's.
"""

from __future__ import annotations

from collections.abc import Iterable

import psycopg

_SIZES = "pg_catalog.lakegate_sizes"  # beside PostgreSQL's own, where no list of tables shows it
_IS_ABSENT = f"SELECT pg_catalog.to_regclass('{_SIZES}') IS NULL"
_CREATE = f"""
SET LOCAL allow_system_table_mods = on;
CREATE TABLE {_SIZES} (relation oid PRIMARY KEY, bytes bigint NOT NULL);
GRANT SELECT ON {_SIZES} TO PUBLIC;
"""
_FOR_TABLES = """
ALTER FUNCTION pg_catalog.{name}({type}) RENAME TO lakegate_own_{name};
CREATE FUNCTION pg_catalog.{name}({type}) RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN coalesce((SELECT s.bytes FROM pg_catalog.lakegate_sizes s WHERE s.relation = $1::pg_catalog.oid),
                pg_catalog.lakegate_own_{name}($1));
"""
_FOR_FORKS = """
ALTER FUNCTION pg_catalog.pg_relation_size(regclass, text) RENAME TO lakegate_own_relation_size;
CREATE FUNCTION pg_catalog.pg_relation_size(regclass, text) RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN coalesce((SELECT s.bytes FROM pg_catalog.lakegate_sizes s
                 WHERE s.relation = $1::pg_catalog.oid AND $2 = 'main'),
                pg_catalog.lakegate_own_relation_size($1, $2));
CREATE OR REPLACE FUNCTION pg_catalog.pg_relation_size(regclass) RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL SAFE RETURN pg_catalog.pg_relation_size($1, 'main');
"""
_FOR_DATABASES = """
ALTER FUNCTION pg_catalog.pg_database_size({type}) RENAME TO lakegate_own_database_size;
CREATE FUNCTION pg_catalog.pg_database_size({type}) RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_database d
                         WHERE d.{key} = $1 AND d.datname = pg_catalog.current_database())
            THEN (SELECT coalesce(sum(s.bytes), 0)::bigint FROM pg_catalog.lakegate_sizes s)
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
    """Make the table and the functions where they are absent."""
    if connection.execute(_IS_ABSENT).fetchone() != (True,):
        return
    connection.execute(_CREATE.encode())
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
