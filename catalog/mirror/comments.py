"""Comments that COMMENT statements made, over those that the sources tell.

A comment taken away lets the source's own be seen again. Those on views are kept with their definitions. Of roles and
the database no source tells anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from psycopg import sql

from catalog.errors import SqlError
from catalog.mirror.applied import Notes
from catalog.mirror.made import OF_A_SOURCE
from catalog.mirror.relations import runs
from catalog.mirror.scripts import SHOWN_KINDS
from catalog.mirror.views import RELATION
from catalog.sqlstate import SqlState
from catalog.store.rows import AccessRows, Comment
from catalog.store.store import MIRROR_MARK
from catalog.tables import Catalog

# Of all that could have a comment, or only of what has one: in a great lake that is much less.
_ALL, _DESCRIBED = "LEFT JOIN", "JOIN"
Key = tuple[str, str, str, str]  # as in `Comment`
_OURS = "n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'lakegate')"
_MINE = "d.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid"
_ON = "pg_catalog.pg_description d ON d.classoid = 'pg_catalog.{}'::pg_catalog.regclass AND d.objoid"
_OBJECTS = f"""
SELECT n.nspname, '', '', '', d.description, {_MINE}, false, 'n'
FROM pg_catalog.pg_namespace n {{join}} {_ON.format("pg_namespace")} = n.oid WHERE {_OURS}
UNION ALL
SELECT n.nspname, c.relname, coalesce(a.attname, ''), '', d.description, {_MINE},
       c.relkind = 'v' AND NOT {OF_A_SOURCE}, c.relkind::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
{{join}} {_ON.format("pg_class")} = c.oid AND d.objsubid = a.attnum
WHERE {RELATION} AND {_OURS}
UNION ALL
SELECT n.nspname, c.relname, '', '', d.description, {_MINE}, false, c.relkind::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
{{join}} {_ON.format("pg_class")} = c.oid AND d.objsubid = 0
WHERE (c.relkind IN ('r', 'm', 'p') OR (c.relkind = 'v' AND {OF_A_SOURCE})) AND {_OURS}
UNION ALL
SELECT n.nspname, c.relname, '', p.polname, d.description, {_MINE}, true, c.relkind::text
FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
{{join}} {_ON.format("pg_policy")} = p.oid WHERE {_OURS}
"""
_ROLE = f"""
(r.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid
 OR pg_catalog.shobj_description(r.oid, 'pg_shdescription') IS NOT DISTINCT FROM '{MIRROR_MARK}')
"""
_SHARED = f"""
SELECT r.rolname, pg_catalog.shobj_description(r.oid, 'pg_authid') FROM pg_catalog.pg_authid r WHERE {_ROLE}
UNION ALL
SELECT '', pg_catalog.shobj_description(b.oid, 'pg_database')
FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database()
"""
_SYSTEMS = f"""
SELECT count(*), pg_catalog.sum(pg_catalog.hashtext(d.description))
FROM pg_catalog.pg_description d
LEFT JOIN pg_catalog.pg_class c ON d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objoid
LEFT JOIN pg_catalog.pg_namespace n
  ON n.oid = CASE d.classoid WHEN 'pg_catalog.pg_class'::pg_catalog.regclass THEN c.relnamespace ELSE d.objoid END
WHERE d.classoid IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_namespace'::pg_catalog.regclass)
  AND NOT ({_OURS})
UNION ALL
SELECT count(*), pg_catalog.sum(pg_catalog.hashtext(d.description))
FROM pg_catalog.pg_shdescription d
LEFT JOIN pg_catalog.pg_authid r ON d.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND r.oid = d.objoid
LEFT JOIN pg_catalog.pg_database b ON d.classoid = 'pg_catalog.pg_database'::pg_catalog.regclass AND b.oid = d.objoid
WHERE d.classoid IN ('pg_catalog.pg_authid'::pg_catalog.regclass, 'pg_catalog.pg_database'::pg_catalog.regclass)
  AND (r.oid IS NULL OR NOT {_ROLE}) AND b.datname IS DISTINCT FROM pg_catalog.current_database()
"""


def read_systems(connection: psycopg.Connection) -> object:
    """Return what changes when a comment does that is on one of the system's own relations and schemas, on another
    database, or on a role that is not the gateway's.
    """
    return connection.execute(_SYSTEMS.encode()).fetchall()


def check_systems(connection: psycopg.Connection, before: object) -> None:
    """Raise SqlError 42501 where the transaction has touched such a comment."""
    if read_systems(connection) != before:
        raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, "permission denied to comment on objects of the system")


def comments_after(connection: psycopg.Connection, rows: AccessRows, gone: Iterable[tuple[str, str]]) -> set[Comment]:
    """Return the comments as the transaction made them. ``gone`` are the views that it dropped or renamed. Of what the
    mirror does not have now all stays.
    """
    dropped = set(gone)
    found: set[Comment] = set()
    present: dict[Key, bool] = {}
    tables = set()
    for *names, text, mine, own, _ in _read(connection, every=bool(rows.comments)):
        key: Key = (names[0], names[1], names[2], names[3])
        present[key] = text is not None
        tables.add(key[:2])
        if text is not None and (mine or own):  # of views' columns and policies no source tells anything
            found.add(Comment(*key, text))
    for row in rows.comments:
        key = (row.schema, row.table, row.column, row.policy)
        if row.schema and present.get(key, key[:2] not in tables and key[:2] not in dropped):
            found.add(row)
    newest = {(one.schema, one.table, one.column, one.policy): one for one in rows.comments if one in found}
    newest |= {(one.schema, one.table, one.column, one.policy): one for one in found - set(rows.comments)}
    shared = _read_shared(connection)
    others = (row for row in rows.comments if not row.schema and row.role not in shared)  # another's roles by name
    told = (Comment("", text=text, role=role) for role, text in shared.items() if text is not None)
    return {*newest.values(), *others, *told}


def change_comments(
    connection: psycopg.Connection, catalog: Catalog, access: AccessRows, notes: Notes, *, every: bool = False
) -> None:
    """Make the mirror's comments equal to the gateway's, over the sources'. ``every``: a source's may be missing."""
    _change_shared(connection, {row.role: row.text for row in access.comments if not row.schema})
    told = {(row.schema, row.table, row.column, row.policy): row.text for row in access.comments if row.schema}
    source = _of_sources(catalog)
    for schema, table, column, policy, text, _mine, _own, kind in _read(connection, every=every or bool(told)):
        key = (schema, table, column, policy)
        wanted = told.get(key) or source.get(key) or None
        if wanted != text and (wanted is not None or key != ("public", "", "", "")):
            subject = sql.SQL("COMMENT ON {} IS {}").format(_subject(key, kind), sql.Literal(wanted))
            runs(connection, subject, f"comment on {'.'.join(filter(None, key))}", notes)


def _change_shared(connection: psycopg.Connection, told: Mapping[str, str]) -> None:
    """Make the comments on the gateway's roles and database equal to these, by the role's name ("": the database)."""
    for role, text in _read_shared(connection).items():
        if told.get(role) != text:
            subject = sql.SQL("ROLE {}" if role else "DATABASE {}")
            name = sql.Identifier(role or connection.info.dbname)
            connection.execute(sql.SQL("COMMENT ON {} IS {}").format(subject.format(name), sql.Literal(told.get(role))))


def _read_shared(connection: psycopg.Connection) -> dict[str, str | None]:
    return dict(connection.execute(_SHARED.encode()).fetchall())


def _read(connection: psycopg.Connection, *, every: bool) -> list[tuple[Any, ...]]:
    return connection.execute(_OBJECTS.format(join=_ALL if every else _DESCRIBED).encode()).fetchall()


def _of_sources(catalog: Catalog) -> dict[Key, str | None]:
    found: dict[Key, str | None] = {(name, "", "", ""): _clean(text) for name, text in catalog.schemas.items()}
    for name, table in catalog.tables.items():
        found[(name.schema, name.name, "", "")] = _clean(table.description)
        for column in table.columns:
            found[(name.schema, name.name, column.name, "")] = _clean(column.comment)
    return found


def _clean(text: str | None) -> str | None:
    """Return a source's text as the mirror can have it."""
    return None if text is None else text.replace("\0", "").encode("utf-8", "replace").decode()


def _subject(key: Key, kind: str) -> sql.Composed:
    schema, table, column, policy = key
    if policy:
        return sql.SQL("POLICY {} ON {}").format(sql.Identifier(policy), sql.Identifier(schema, table))
    if column:
        return sql.SQL("COLUMN {}").format(sql.Identifier(schema, table, column))
    if table:
        return sql.SQL(f"{SHOWN_KINDS[kind]} {{}}").format(sql.Identifier(schema, table))
    return sql.SQL("SCHEMA {}").format(sql.Identifier(schema))
