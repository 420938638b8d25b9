"""Clients' views, which PostgreSQL takes for tables while it works on their row security.

PostgreSQL has row security for tables alone, the gateway for views too. So in the transaction that does it, and while
one such statement runs, views are partitioned tables without partitions: these need no files, nor does a view. Nobody
else sees it. Views of sources have it so in `source_views`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import psycopg

from catalog.errors import SqlError
from catalog.mirror.made import STATE_TABLE
from catalog.mirror.source_views import ATTRIBUTE, get_shown_as_tables
from catalog.mirror.views import CLIENTS
from catalog.sqlstate import SqlState

# What the transaction itself wrote stays its own, by its `xmin`; rows of a savepoint are not of the client's doing.
_SHOW = f"""
UPDATE pg_catalog.pg_class c SET relkind = 'p' FROM pg_catalog.pg_namespace n
WHERE n.oid = c.relnamespace AND {CLIENTS} {{which}} AND (c.xmin = {{mine}}) = %(mine)s RETURNING c.oid::bigint
"""
_SHOW_AGAIN = """
UPDATE pg_catalog.pg_class c SET relkind = 'v' WHERE c.oid = ANY(%(oids)s::oid[]) AND (c.xmin = {mine}) = %(mine)s
"""
_MINE = "pg_catalog.pg_current_xact_id()::pg_catalog.xid"
_THESE = "AND (n.nspname, c.relname) IN (SELECT * FROM unnest(%(schemas)s::text[], %(names)s::text[]))"
_WITH_POLICIES = "AND EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid)"
_ADD_SYSTEM_COLUMNS = """
INSERT INTO pg_catalog.pg_attribute ({names}) SELECT {values} FROM pg_catalog.pg_class c, pg_catalog.pg_attribute a
WHERE c.oid = ANY(%s::oid[]) AND a.attrelid = 'pg_catalog.pg_class'::regclass AND a.attnum < 0
"""
_TAKE_SYSTEM_COLUMNS = "DELETE FROM pg_catalog.pg_attribute a WHERE a.attrelid = ANY(%s::oid[]) AND a.attnum < 0"
# A partitioned table that is dropped has a key.
_ADD_KEYS = """
INSERT INTO pg_catalog.pg_partitioned_table (partrelid, partstrat, partnatts, partdefid, partattrs, partclass,
                                             partcollation)
SELECT o, 'l', 1, 0, '1', '0', '0' FROM unnest(%s::oid[]) o
"""
_TAKE_KEYS = "DELETE FROM pg_catalog.pg_partitioned_table t WHERE t.partrelid = ANY(%s::oid[])"

_IF_NO_VIEW = f"""
SELECT c.relname FROM pg_catalog.pg_class c
WHERE c.oid = %s
  AND NOT EXISTS (SELECT FROM {STATE_TABLE} s WHERE s.relation = c.oid AND s.relkind = 'v')
"""


@contextmanager
def views_as_tables(
    connection: psycopg.Connection, views: Collection[tuple[str, str]] | None = None
) -> Iterator[frozenset[int]]:
    """Have PostgreSQL take some views of clients (schema and name; None: all) for tables. Yield which they are."""
    if views is None:
        shown = _show(connection, "")
    else:
        names = sorted(views)
        told = {"schemas": [schema for schema, _ in names], "names": [name for _, name in names]}
        shown = _show(connection, _THESE, **told) if names else []
    yield frozenset(shown)
    _show_again(connection, shown)


def require_view(connection: psycopg.Connection, relation: int, shown: Collection[int]) -> None:
    """Raise SqlError 42809 unless a relation is one of the ``shown`` views, or a view of a source."""
    row = connection.execute(_IF_NO_VIEW.encode(), (relation,)).fetchone()
    if row is not None and relation not in shown:
        raise SqlError(SqlState.WRONG_OBJECT_TYPE, f'"{row[0]}" is not a view')


@contextmanager
def views_with_policies_as_tables(connection: psycopg.Connection) -> Iterator[None]:
    """Have PostgreSQL take views of clients that have policies for tables, while a statement may drop them: it takes
    roles out of policies of tables alone.
    """
    shown = _show(connection, _WITH_POLICIES)
    keyed = [*shown, *get_shown_as_tables(connection)]  # views of sources are refused once PostgreSQL has dropped them
    if keyed:
        with connection.transaction():
            [(names, values)] = connection.execute(ATTRIBUTE).fetchall()
            connection.execute(_ADD_SYSTEM_COLUMNS.format(names=names, values=values).encode(), (shown,))
            connection.execute(_ADD_KEYS, (keyed,))
    yield
    if keyed:
        with connection.transaction():
            connection.execute(_TAKE_KEYS, (keyed,))
            connection.execute(_TAKE_SYSTEM_COLUMNS, (shown,))
    _show_again(connection, shown)


def _show(connection: psycopg.Connection, which: str, **values: list[str]) -> list[int]:
    """Make them tables; those that the transaction has written itself outside of the savepoint, so that they stay its
    own.
    """
    query = _SHOW.format(which=which, mine=_MINE).encode()
    with connection.transaction():
        shown = connection.execute(query, {**values, "mine": False}).fetchall()
    shown += connection.execute(query, {**values, "mine": True}).fetchall()
    return sorted(number for (number,) in shown)


def _show_again(connection: psycopg.Connection, shown: list[int]) -> None:
    if not shown:
        return
    query = _SHOW_AGAIN.format(mine=_MINE).encode()
    with connection.transaction():
        connection.execute(query, {"oids": shown, "mine": False})
    connection.execute(query, {"oids": shown, "mine": True})
