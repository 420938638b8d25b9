"""The same GRANTs in the mirror as in the gateway, so that every question about privileges has its true answer.

Superusers of the gateway have SELECT on each table, by their group, and none of a superuser's other rights here. What
somebody other than a table's owner gave is given in his name: chains of grants are PostgreSQL's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace

import psycopg
from psycopg import sql

from catalog.mirror.applied import Notes
from catalog.mirror.scripts import quoted
from catalog.mirror.views import RELATION
from catalog.names import TableName, always_quoted
from catalog.predefined_roles import GROUPS, privileges_on_all, used_groups
from catalog.store.rows import (
    ALL_TABLES,
    DEFAULT_OBJECTS,
    PUBLIC,
    SCHEMA_ITSELF,
    USAGE,
    AccessRows,
    DefaultPrivilege,
    Grant,
)
from catalog.store.store import SUPERUSERS

_BATCH = 500
_ROUNDS = 16  # the longest chain of grantors
_NAME = "CASE WHEN {0} = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid({0}) END"
_HELD = f"""
SELECT {_NAME.format("a.grantee")}, h.schema, h.name, a.privilege_type,
       CASE WHEN a.grantor <> h.owner THEN pg_catalog.pg_get_userbyid(a.grantor) END, h.attname, a.is_grantable
FROM (
    SELECT n.nspname AS schema, c.relname AS name, c.relowner AS owner, NULL::name AS attname, c.relacl AS acl
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE {RELATION} AND n.nspname !~ '^pg_'
    UNION ALL
    SELECT n.nspname, c.relname, c.relowner, t.attname, t.attacl
    FROM pg_catalog.pg_attribute t
    JOIN pg_catalog.pg_class c ON c.oid = t.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE t.attacl IS NOT NULL AND {RELATION} AND NOT t.attisdropped AND n.nspname !~ '^pg_'
    UNION ALL
    SELECT n.nspname, '{SCHEMA_ITSELF}', n.nspowner, NULL, n.nspacl
    FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_'
) h, pg_catalog.aclexplode(h.acl) a
WHERE a.grantee <> h.owner AND h.schema <> 'information_schema'
"""
_SUBJECTS = f"""
SELECT n.nspname, c.relname
FROM pg_catalog.pg_namespace n
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND {RELATION}
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
# What is everybody's of itself (acldefault) is told where it was taken; those in one schema only add to it.
_DEFAULTS = f"""
SELECT {_NAME.format("a.grantee")}, a.privilege_type,
       CASE WHEN d.defaclrole <> (SELECT o.oid FROM pg_catalog.pg_roles o WHERE o.rolname = user)
            THEN pg_catalog.pg_get_userbyid(d.defaclrole) END,
       n.nspname, a.is_grantable, k.objects, a.held
FROM pg_catalog.pg_default_acl d
JOIN unnest(%s::text[], %s::text[], %s::text[]) k (kind, letter, objects) ON k.kind = d.defaclobjtype::text
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
CROSS JOIN LATERAL (
    SELECT g.grantee, g.privilege_type, g.is_grantable, true AS held
    FROM pg_catalog.aclexplode(d.defaclacl) g
    WHERE d.defaclnamespace <> 0 OR g.is_grantable
       OR (g.grantee, g.privilege_type) NOT IN (
          SELECT s.grantee, s.privilege_type
          FROM pg_catalog.aclexplode(pg_catalog.acldefault(k.letter::"char", d.defaclrole)) s)
    UNION ALL
    SELECT s.grantee, s.privilege_type, false, false
    FROM pg_catalog.aclexplode(pg_catalog.acldefault(k.letter::"char", d.defaclrole)) s
    WHERE d.defaclnamespace = 0 AND (s.grantee, s.privilege_type) NOT IN (
          SELECT g.grantee, g.privilege_type FROM pg_catalog.aclexplode(d.defaclacl) g)
) a
WHERE a.grantee <> d.defaclrole
"""
_KINDS = ["r", "S", "f", "T", "n", "L"]  # of `DEFAULT_OBJECTS`, as pg_default_acl has them
_LETTERS = ["r", "s", "f", "T", "n", "L"]  # and as acldefault() does
_EVERYBODYS = {Grant(PUBLIC, schema, SCHEMA_ITSELF, USAGE) for schema in ("public", "lakegate")}  # always


def change_privileges(connection: psycopg.Connection, access: AccessRows, usable: Set[str], notes: Notes) -> None:
    """Grant and revoke what differs, over the tables and schemas that the mirror has now. ``usable`` are its roles."""
    wanted = wanted_privileges(connection, access, usable)
    for _ in range(_ROUNDS):
        present = read_privileges(connection)
        surplus, missing = present - wanted, wanted - present
        givers = {(one.role, one.schema, one.table, one.privilege) for one in present if one.grantable}
        possible = {
            one
            for one in missing
            if one.grantor is None or (one.grantor, one.schema, one.table, one.privilege) in givers
        }
        if not surplus and not possible:
            break
        _take(connection, surplus)
        _give(connection, possible, notes)
        if not surplus and all(one.grantor is None for one in missing):
            break
    change_default_privileges(connection, access, usable)


def read_privileges(connection: psycopg.Connection) -> set[Grant]:
    """Return all privileges that somebody other than the owner has on the mirror's schemas, tables and columns."""
    return {Grant(*row) for row in connection.execute(_HELD).fetchall()} - _EVERYBODYS


def wanted_privileges(connection: psycopg.Connection, access: AccessRows, usable: Set[str]) -> set[Grant]:
    """Return the privileges that the gateway's rows give on what the mirror has now."""
    tables: dict[str, list[str]] = defaultdict(list)
    for schema, name in connection.execute(_SUBJECTS).fetchall():
        tables[schema] += [name] if name is not None else []
    wanted: set[Grant] = set()
    for row in access.grants:
        grantor = row.grantor if row.grantor in usable else None
        if row.schema not in tables or not (row.role == PUBLIC or row.role in usable):
            continue
        if row.table == ALL_TABLES:
            wanted |= derived(replace(row, grantor=grantor), tables[row.schema])
        elif row.table == SCHEMA_ITSELF or row.table in tables[row.schema]:
            wanted.add(replace(row, grantor=grantor))
    for schema, names in tables.items():
        wanted |= of_groups(schema, names, used_groups(access.memberships))
    return without_weaker(wanted) - _EVERYBODYS


def of_groups(schema: str, tables: Sequence[str], used: Set[str]) -> set[Grant]:
    """Return what the mirror's own groups have in a schema: that of superusers, and those ``used`` that stand for
    predefined roles.
    """
    found = {Grant(SUPERUSERS, schema, SCHEMA_ITSELF, USAGE), *(Grant(SUPERUSERS, schema, name) for name in tables)}
    for given in privileges_on_all(schema):
        row = replace(given, role=GROUPS[given.role])
        if row.role in used:
            found |= derived(row, tables) if row.table == ALL_TABLES else {row}
    return found


def derived(row: Grant, tables: Iterable[str]) -> set[Grant]:
    """Return what a privilege on all tables of a schema is for each of some."""
    return {replace(row, table=name) for name in tables}


def without_weaker(grants: Set[Grant]) -> set[Grant]:
    """Leave out what is held with the right to grant it too: PostgreSQL keeps one of the two."""
    return {one for one in grants if one.grantable or replace(one, grantable=True) not in grants}


def read_default_privileges(connection: psycopg.Connection) -> set[DefaultPrivilege]:
    """Return the default privileges. Asked as the mirror's owner."""
    found = connection.execute(_DEFAULTS.encode(), (_KINDS, _LETTERS, [*DEFAULT_OBJECTS])).fetchall()
    return {DefaultPrivilege(*row) for row in found}


def change_default_privileges(connection: psycopg.Connection, access: AccessRows, usable: Set[str]) -> None:
    """Make default privileges equal to the gateway's."""
    schemas = {schema for schema, _ in connection.execute(_SUBJECTS).fetchall()}
    wanted = {
        row
        for row in access.default_privileges
        if (row.creator is None or row.creator in usable)
        and (row.role == PUBLIC or row.role in usable)
        and (row.schema is None or row.schema in schemas)
    }
    present = read_default_privileges(connection)
    surplus, missing = present - wanted, wanted - present
    for row in sorted({row for row in surplus if row.held} | {row for row in missing if not row.held}, key=repr):
        connection.execute(_default(row, f"REVOKE {row.privilege} ON {row.objects} FROM {{}}"))
    for row in sorted({row for row in missing if row.held} | {row for row in surplus if not row.held}, key=repr):
        option = " WITH GRANT OPTION" if row.grantable else ""
        connection.execute(_default(row, f"GRANT {row.privilege} ON {row.objects} TO {{}}{option}"))


def _default(row: DefaultPrivilege, change: str) -> sql.Composed:
    creator = sql.SQL("") if row.creator is None else sql.SQL("FOR ROLE {} ").format(sql.Identifier(row.creator))
    schema = sql.SQL("") if row.schema is None else sql.SQL("IN SCHEMA {} ").format(sql.Identifier(row.schema))
    return sql.SQL("ALTER DEFAULT PRIVILEGES {}{}").format(creator, schema) + sql.SQL(change).format(_grantee(row.role))


def _take(connection: psycopg.Connection, grants: Set[Grant]) -> None:
    for key, subjects in _grouped(grants).items():
        for batch in _batches(subjects):
            _as_grantor(connection, key.grantor, _statement("REVOKE {} ON {} FROM {} CASCADE", key, batch))


def _give(connection: psycopg.Connection, grants: Set[Grant], notes: Notes) -> None:
    by_schemas_first = sorted(_grouped(grants).items(), key=lambda item: item[0].table != SCHEMA_ITSELF)
    for key, subjects in by_schemas_first:
        form = "GRANT {} ON {} TO {}" + (" WITH GRANT OPTION" if key.grantable else "")
        for batch in _batches(subjects):
            try:
                with connection.transaction():
                    _as_grantor(connection, key.grantor, _statement(form, key, batch))
            except (psycopg.errors.UndefinedColumn, psycopg.errors.InsufficientPrivilege) as error:
                notes.add(f"privilege of {key.role}", error.diag.message_primary or "refused")


def _grouped(grants: Set[Grant]) -> Mapping[Grant, Sequence[str]]:
    """Gather what one statement can do: the same privilege of the same role on several tables or schemas."""
    groups: dict[Grant, list[str]] = defaultdict(list)
    for one in sorted(grants, key=repr):
        if one.table == SCHEMA_ITSELF:
            groups[replace(one, schema="")].append(always_quoted(one.schema))
        else:
            groups[replace(one, schema="", table="-")].append(quoted(TableName(one.schema, one.table)))
    return groups


def _batches(subjects: Sequence[str]) -> list[Sequence[str]]:
    return [subjects[start : start + _BATCH] for start in range(0, len(subjects), _BATCH)]


def _statement(form: str, key: Grant, subjects: Sequence[str]) -> sql.Composed:
    privilege = sql.SQL(key.privilege)
    if key.column is not None:
        privilege = sql.SQL("{} ({})").format(privilege, sql.Identifier(key.column))  # type: ignore[assignment]
    kind = "SCHEMA " if key.table == SCHEMA_ITSELF else "TABLE "
    return sql.SQL(form).format(privilege, sql.SQL(kind + ", ".join(subjects)), _grantee(key.role))


def _grantee(role: str) -> sql.Composable:
    return sql.SQL("PUBLIC") if role == PUBLIC else sql.Identifier(role)


def _as_grantor(connection: psycopg.Connection, grantor: str | None, statement: sql.Composed) -> None:
    """PostgreSQL notes who runs the statement as the grantor; the mirror's owner stands for the table's."""
    if grantor is None:
        connection.execute(statement)
        return
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(grantor)))
    connection.execute(statement)
    connection.execute("RESET ROLE")
