"""Clients' views in the mirror: what is there, and the least change that makes it equal to the store's.

A view that its tables' present shape does not allow is kept by its name and columns as one that cannot be read, so that
its owner can replace or drop it; the gateway tells whoever reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import psycopg
from psycopg import sql

from catalog.errors import SqlError
from catalog.mirror.applied import Notes
from catalog.mirror.made import OF_A_SOURCE
from catalog.mirror.policies_of_views import take_policies
from catalog.mirror.relations import note, runs
from catalog.names import TableName
from catalog.sqlstate import SqlState
from catalog.store.rows import ViewRow

RELATION = f"(c.relkind IN ('r', 'm', 'p') OR (c.relkind = 'v' AND (n.nspname <> 'lakegate' OR {OF_A_SOURCE})))"
"""What of ``pg_class c`` and ``pg_namespace n`` clients see as tables and views of theirs, the system's left out; ``p``
is a view of a source while `source_views` has it so."""

_BROKEN = "lakegate.view_is_broken()"
_FUNCTION = f"""
CREATE OR REPLACE FUNCTION {_BROKEN} RETURNS boolean LANGUAGE plpgsql STABLE AS
  $$ BEGIN RAISE EXCEPTION 'the view does not fit its tables any more' USING ERRCODE = '55000'; END $$
"""
_MINE = "pg_catalog.pg_current_xact_id()::pg_catalog.xid"
CLIENTS = f"""
c.relkind = 'v' AND n.nspname NOT IN ('lakegate', 'information_schema') AND n.nspname !~ '^pg_' AND NOT {OF_A_SOURCE}
"""
"""Whether ``pg_class c`` in ``pg_namespace n`` is a view of a client's."""
_VIEWS = f"""
SELECT n.nspname, c.relname, pg_catalog.rtrim(lakegate.lakegate_own_viewdef(c.oid), ';'),
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 ORDER BY a.attnum),
       ARRAY(SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 ORDER BY a.attnum),
       EXISTS (SELECT FROM pg_catalog.pg_options_to_table(c.reloptions) o
               WHERE o.option_name = 'security_invoker' AND o.option_value::boolean),
       coalesce(c.reloptions, ARRAY[]::text[]), pg_catalog.obj_description(c.oid, 'pg_class'),
       EXISTS (SELECT FROM pg_catalog.pg_rewrite w WHERE w.ev_class = c.oid AND w.xmin = {_MINE})
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE {CLIENTS}
"""
_NAMES = f"""
SELECT c.oid, n.nspname, c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE {CLIENTS}
"""
# What the views that this transaction wrote read. On its own catalogues PostgreSQL notes no dependency.
_QUERIES = f"SELECT w.ev_action::text FROM pg_catalog.pg_rewrite w WHERE w.xmin = {_MINE}"
_STRANGE = """
SELECT r.relname FROM pg_catalog.pg_class r JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
WHERE r.oid = ANY(%s::oid[])
  AND (r.relkind NOT IN ('r', 'v', 'm', 'p') OR n.nspname ~ '^pg_' OR n.nspname IN ('information_schema', 'lakegate'))
ORDER BY r.relname LIMIT 1
"""
_RELATIONS = re.compile(r":relid (\d+)")


def make_view_function(connection: psycopg.Connection) -> None:
    """Make what a view that cannot be read is made of."""
    connection.execute(_FUNCTION.encode())


def read_views(connection: psycopg.Connection) -> dict[TableName, tuple[ViewRow, bool]]:
    """Return the mirror's views, each with whether this transaction has written its query. The connection's search
    path is empty, so that all names in definitions are qualified.
    """
    found = {}
    for schema, name, definition, names, types, invoker, options, comment, mine in connection.execute(
        _VIEWS.encode()
    ).fetchall():
        columns = tuple(zip(names, types, strict=True))
        row = ViewRow(schema, name, definition.strip(), columns, invoker, tuple(options), comment)
        found[TableName(schema, name)] = row, mine
    return found


def read_view_names(connection: psycopg.Connection) -> dict[int, TableName]:
    """Return the names of the mirror's views by what stays the same when one is renamed or moved."""
    return {oid: TableName(schema, name) for oid, schema, name in connection.execute(_NAMES.encode()).fetchall()}


def views_after(connection: psycopg.Connection, before: Iterable[ViewRow]) -> tuple[ViewRow, ...]:
    """Return the views as the transaction made them. Of one that cannot be read what is kept is its query, until it
    gets another. Raises SqlError for what a view may not be.
    """
    old = {TableName(row.schema, row.name): row for row in before}
    after = []
    for name, (row, mine) in sorted(read_views(connection).items()):
        if mine:
            _check_options(row)
        after.append(_still_broken(name, row, old) if _BROKEN in row.definition else row)
    _check_relations(connection)
    return tuple(after)


def drop_views(connection: psycopg.Connection, wanted: Iterable[ViewRow], notes: Notes) -> None:
    """Drop the views that the store has no more. Comes before tables, which may get their names."""
    gone = read_views(connection).keys() - {TableName(row.schema, row.name) for row in wanted}
    take_policies(connection, gone)
    for name in sorted(gone):
        runs(connection, _drop(name), f"view {name}", notes)


def make_views(connection: psycopg.Connection, wanted: Iterable[ViewRow], notes: Notes) -> dict[TableName, str]:
    """Make the views that are absent or differ; return those that PostgreSQL refuses now, each with the reason. Comes
    when tables are made, and before owners and privileges.
    """
    rows = {TableName(row.schema, row.name): row for row in wanted}
    if not rows:
        return {}
    made: set[TableName] = set()
    while True:  # each round makes views of which all that they read is there; one made anew takes others along
        present = {name: row for name, (row, _) in read_views(connection).items()}
        missing = [
            name for name, row in rows.items() if name not in present or (present[name] != row and name not in made)
        ]
        take_policies(connection, missing)
        reasons = {name: _make(connection, rows[name], notes) for name in sorted(missing)}
        new = {name for name, reason in reasons.items() if reason is None}
        if not new:
            break
        made |= new
    broken = {name: reason for name, reason in reasons.items() if reason}
    for name, reason in broken.items():
        notes.add(f"view {name}", f"is broken: {reason}")
        if name not in present or _BROKEN not in present[name].definition:
            _make(connection, _placeholder(rows[name]), notes)
    return broken


def _still_broken(name: TableName, row: ViewRow, old: dict[TableName, ViewRow]) -> ViewRow:
    kept = old.get(name)
    if kept is None:
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED,
            f'view "{name.name}" cannot be renamed or moved: it does not fit its tables any more',
            hint="Replace its query first, or drop it.",
        )
    return replace(row, definition=kept.definition, columns=kept.columns)


def _check_options(row: ViewRow) -> None:
    if any(option.startswith("check_option=") for option in row.options):
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED, "WITH CHECK OPTION is not supported", hint="Views are for reading."
        )


def _check_relations(connection: psycopg.Connection) -> None:
    found = {int(oid) for (tree,) in connection.execute(_QUERIES.encode()) for oid in _RELATIONS.findall(tree)}
    row = connection.execute(_STRANGE, ([*found],)).fetchone() if found else None
    if row is not None:
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED,
            f'relation "{row[0]}" is not allowed in views',
            hint="A view may read tables and views of the lake.",
        )


def _make(connection: psycopg.Connection, row: ViewRow, notes: Notes) -> str | None:
    """Make a view, in the place of one of its name; return why PostgreSQL refuses it, "" for a client's lock."""
    name = TableName(row.schema, row.name)
    try:
        with connection.transaction():
            connection.execute(_drop(name))
            connection.execute(_create(row))
            if row.comment is not None:
                comment = sql.SQL("COMMENT ON VIEW {} IS {}")
                connection.execute(comment.format(sql.Identifier(name.schema, name.name), sql.Literal(row.comment)))
    except psycopg.OperationalError as error:
        note(error, f"view {name}", notes)
        return ""
    except psycopg.Error as error:
        return error.diag.message_primary or "refused"
    return None


def _drop(name: TableName) -> sql.Composed:
    return sql.SQL("DROP VIEW IF EXISTS {} CASCADE").format(sql.Identifier(name.schema, name.name))


def _create(row: ViewRow) -> sql.Composed:
    columns = sql.SQL(", ").join(sql.Identifier(name) for name, _ in row.columns)
    made = sql.SQL("CREATE VIEW {}").format(sql.Identifier(row.schema, row.name))
    if row.columns:
        made += sql.SQL(" ({})").format(columns)
    options = [option.partition("=") for option in row.options]
    if options:
        listed = [sql.SQL("{} = {}").format(sql.Identifier(key), sql.Literal(value)) for key, _, value in options]
        made += sql.SQL(" WITH ({})").format(sql.SQL(", ").join(listed))
    return made + sql.SQL(" AS ") + sql.SQL(row.definition)


def _placeholder(row: ViewRow) -> ViewRow:
    columns = ", ".join(f"NULL::{sql_type}" for _, sql_type in row.columns)
    return replace(row, definition=f"SELECT {columns} WHERE {_BROKEN}")
