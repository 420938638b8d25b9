"""Views of sources, shown as what they are: relations of the kinds ``v`` and ``m``, which clients list and describe so.

A view selects its columns from a function that refuses to be called, as a table of the mirror refuses to be scanned.
What it is made of at its source is told by ``pg_get_viewdef``, to its owner and to superusers: it names relations,
columns and constants that a reader of the view may not know of. All others are told the view's own columns and where
they come from, as are ``pg_views`` and ``information_schema``.

PostgreSQL has row security for tables alone, the gateway for views of sources too. So while policies are worked on, in
the transaction that does it, views are partitioned tables without partitions: these need no files, nor does a view.
They have system columns then, as all tables, for these are looked for where privileges are taken away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import psycopg

from catalog.errors import SqlError
from catalog.mirror.made import STATE_TABLE
from catalog.mirror.own_functions import move_own_functions
from catalog.sqlstate import SqlState
from catalog.store.store import SUPERUSERS

# Told to clients as what the wall of tables tells: see gateway/told_errors.py.
_WALL = """
CREATE OR REPLACE FUNCTION lakegate.view_of_source(source text, relation text) RETURNS SETOF record
LANGUAGE plpgsql VOLATILE AS $$
  BEGIN RAISE EXCEPTION 'view "%" has not been populated', relation USING ERRCODE = '55000'; END $$;
"""
_DEFINITIONS = f"""
CREATE OR REPLACE VIEW pg_catalog.lakegate_definitions WITH (security_barrier) AS
SELECT s.relation, s.definition FROM {STATE_TABLE} s JOIN pg_catalog.pg_class c ON c.oid = s.relation
WHERE s.definition IS NOT NULL
  AND (pg_catalog.pg_has_role(c.relowner, 'USAGE') OR pg_catalog.pg_has_role('{SUPERUSERS}', 'USAGE'));
GRANT SELECT ON pg_catalog.lakegate_definitions TO PUBLIC;
"""
_RENAME = "ALTER FUNCTION pg_catalog.pg_get_viewdef({types}) RENAME TO lakegate_own_viewdef"
_FUNCTION = """
CREATE FUNCTION pg_catalog.pg_get_viewdef({types}) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED
RETURN coalesce((SELECT d.definition FROM pg_catalog.lakegate_definitions d WHERE d.relation = {relation}),
                lakegate.lakegate_own_viewdef({arguments}));
"""
_FORMS = (
    *(("oid", "$1", "$1"), ("oid, boolean", "$1", "$1, $2"), ("oid, integer", "$1", "$1, $2")),
    ("text", "pg_catalog.to_regclass($1)", "$1"),
    ("text, boolean", "pg_catalog.to_regclass($1)", "$1, $2"),
)
_IS_ABSENT = "SELECT pg_catalog.to_regclass('pg_catalog.lakegate_definitions') IS NULL"

_AS_TABLES = f"""
UPDATE pg_catalog.pg_class c SET relkind = CASE c.relkind WHEN 'v' THEN 'p'::"char" ELSE 'r'::"char" END
FROM {STATE_TABLE} s, pg_catalog.pg_namespace n
WHERE s.relation = c.oid AND s.relkind <> 'r' AND c.relkind = s.relkind AND n.oid = c.relnamespace
"""
_THESE = " AND (n.nspname, c.relname) IN (SELECT * FROM unnest(%s::text[], %s::text[]))"
# The columns of pg_attribute that every attribute has a value in.
ATTRIBUTE = """
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum),
       string_agg(CASE attname WHEN 'attrelid' THEN 'c.oid' ELSE 'a.' || quote_ident(attname) END, ', ' ORDER BY attnum)
FROM pg_catalog.pg_attribute WHERE attrelid = 'pg_catalog.pg_attribute'::regclass AND attnum > 0 AND attnotnull
"""
_CHANGED = f"{STATE_TABLE} s JOIN pg_catalog.pg_class c ON c.oid = s.relation AND c.relkind <> s.relkind"
_ADD_SYSTEM_COLUMNS = f"""
INSERT INTO pg_catalog.pg_attribute ({{names}}) SELECT {{values}} FROM {_CHANGED}, pg_catalog.pg_attribute a
WHERE s.relkind = 'v' AND a.attrelid = 'pg_catalog.pg_class'::regclass AND a.attnum < 0
"""
_TAKE_SYSTEM_COLUMNS = f"""
DELETE FROM pg_catalog.pg_attribute a USING {_CHANGED} WHERE s.relkind = 'v' AND a.attrelid = c.oid AND a.attnum < 0
"""
_AS_THEY_ARE = f"""
UPDATE pg_catalog.pg_class c SET relkind = s.relkind FROM {STATE_TABLE} s
WHERE s.relation = c.oid AND s.relkind <> 'r' AND c.relkind <> s.relkind
"""
_ABOUT_POLICIES = re.compile(r"\b(?:POLICY|SECURITY|OWNED)\b", re.IGNORECASE)
_ABOUT_VIEWS = re.compile(r"\bVIEW\b", re.IGNORECASE)
# All that ALTER VIEW and CREATE OR REPLACE VIEW can change, but for the owner.
_SHAPES = f"""
SELECT s.relation, c.relname, c.relnamespace, c.reloptions, w.xmin::text,
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
             ORDER BY a.attnum)
FROM {STATE_TABLE} s JOIN pg_catalog.pg_class c ON c.oid = s.relation
JOIN pg_catalog.pg_rewrite w ON w.ev_class = c.oid
WHERE s.relkind <> 'r'
"""
Shapes = dict[int, tuple[object, ...]]


def make_source_views(connection: psycopg.Connection) -> None:
    """Make what views of sources are made of, and have PostgreSQL's functions tell their definitions."""
    connection.execute(_WALL)
    if connection.execute(_IS_ABSENT).fetchone() != (True,):
        return
    connection.execute("SET LOCAL allow_system_table_mods = on")
    connection.execute(_DEFINITIONS.encode())
    for types, _, _ in _FORMS:
        connection.execute(_RENAME.format(types=types).encode())
    move_own_functions(connection)
    for types, relation, arguments in _FORMS:
        connection.execute(_FUNCTION.format(types=types, relation=relation, arguments=arguments).encode())


@contextmanager
def shown_as_tables(connection: psycopg.Connection, tables: Iterable[tuple[str, str]]) -> Iterator[None]:
    """Have PostgreSQL take those of some relations (schema and name) that are views of sources for tables."""
    names = sorted(set(tables))
    if names:
        _make_tables(connection, _AS_TABLES + _THESE, [schema for schema, _ in names], [name for _, name in names])
    yield
    if names:
        _make_views(connection)


@contextmanager
def governed_as_tables(connection: psycopg.Connection, texts: Iterable[str]) -> Iterator[None]:
    """Let clients' statements on row security, and what is read of their effect, find tables where there are views."""
    on_policies = any(_ABOUT_POLICIES.search(text) for text in texts)
    if on_policies:
        _make_tables(connection, _AS_TABLES)
    yield
    if on_policies:
        _make_views(connection)


def get_shown_as_tables(connection: psycopg.Connection) -> list[int]:
    """Return the views of sources that PostgreSQL takes for partitioned tables now."""
    found = connection.execute(f"SELECT s.relation::bigint FROM {_CHANGED} WHERE s.relkind = 'v'".encode()).fetchall()
    return [relation for (relation,) in found]


@contextmanager
def kept_as_they_are(connection: psycopg.Connection, texts: Iterable[str]) -> Iterator[None]:
    """Let no statement of a client's change a view of a source. Raises SqlError."""
    before = _read_shapes(connection) if any(_ABOUT_VIEWS.search(text) for text in texts) else None
    yield
    if before is not None:
        _check_shapes(before, _read_shapes(connection))


def _make_tables(connection: psycopg.Connection, statement: str, *values: object) -> None:
    with connection.transaction():  # rows of a savepoint are not of the client's doing: see `access_state.MINE`
        connection.execute(statement.encode(), values or None)
        [(names, columns)] = connection.execute(ATTRIBUTE).fetchall()
        connection.execute(_ADD_SYSTEM_COLUMNS.format(names=names, values=columns).encode())


def _make_views(connection: psycopg.Connection) -> None:
    with connection.transaction():
        connection.execute(_TAKE_SYSTEM_COLUMNS.encode())
        connection.execute(_AS_THEY_ARE.encode())


def _read_shapes(connection: psycopg.Connection) -> Shapes:
    return {relation: (name, *rest) for relation, name, *rest in connection.execute(_SHAPES.encode()).fetchall()}


def _check_shapes(before: Shapes, after: Shapes) -> None:
    for relation, shape in before.items():
        if after.get(relation) != shape:
            raise SqlError(
                SqlState.FEATURE_NOT_SUPPORTED,
                f'view "{shape[0]}" cannot be changed',
                detail="It is a view of a source, which defines it.",
            )
