"""What a statement of access made of the mirror's catalogues, read in its own transaction, as rows of the store.

Only what the transaction touched is read in depth: a row of PostgreSQL's catalogues tells by its ``xmin`` who wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import psycopg

from catalog.errors import SqlError
from catalog.mirror.comments import comments_after
from catalog.mirror.object_privileges import (
    OnDatabase,
    check_other_databases,
    object_grants_after,
    read_other_databases,
)
from catalog.mirror.policies import FALSE, PolicyMark, read_policies, read_policy_marks, read_rights
from catalog.mirror.privileges import derived, read_default_privileges, read_privileges
from catalog.mirror.role_settings import StoredSettings, settings_after
from catalog.mirror.roles import read_memberships
from catalog.mirror.sequences import OWNED, seal_sequences
from catalog.mirror.strangers import check_owners, check_privileges, not_ours, require_ours
from catalog.mirror.views import read_view_names, views_after
from catalog.names import TableName
from catalog.predefined_roles import GROUPS
from catalog.sqlstate import SqlState
from catalog.store.access import rename_roles, without_roles
from catalog.store.rows import (
    ALL_TABLES,
    SCHEMA_ITSELF,
    SCHEMAS,
    TABLES,
    AccessRows,
    DefaultPrivilege,
    Grant,
    Membership,
    PolicyState,
    Role,
    RowPolicy,
    TableRights,
)
from catalog.store.store import MIRROR_MARK, adopt, check_role_name
from catalog.store.view_masking import follow_views

MINE = "pg_catalog.pg_current_xact_id()::pg_catalog.xid"  # rows with this xmin were written by this transaction
_ROLES = f"""
SELECT r.oid, r.rolname, pg_catalog.shobj_description(r.oid, 'pg_shdescription') IS NOT DISTINCT FROM '{MIRROR_MARK}',
       r.xmin = {MINE}, r.rolsuper, r.rolcanlogin, r.rolcreaterole, r.rolbypassrls, r.rolinherit,
       CASE WHEN pg_catalog.isfinite(r.rolvaliduntil) THEN r.rolvaliduntil END,
       CASE WHEN r.rolcreatedb THEN 'CREATEDB' WHEN r.rolreplication THEN 'REPLICATION'
            WHEN r.rolconnlimit <> -1 THEN 'CONNECTION LIMIT' END
FROM pg_catalog.pg_authid r
"""
_TOUCHED = f"""
SELECT n.nspname, c.relname, c.relkind::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.xmin = {MINE} OR EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.xmin = {MINE})
   OR EXISTS (SELECT FROM pg_catalog.pg_rewrite w WHERE w.ev_class = c.oid AND w.xmin = {MINE})
EXCEPT ALL
SELECT n.nspname, c.relname, 'S'
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.xmin = {MINE} AND {OWNED}
UNION ALL
SELECT n.nspname, '{SCHEMA_ITSELF}', 'n' FROM pg_catalog.pg_namespace n WHERE n.xmin = {MINE}
"""
# Nothing but roles, relations, schemas, policies, default privileges, and privileges on functions may have changed.
_ELSEWHERE = " UNION ALL ".join(
    f"SELECT '{thing}' WHERE EXISTS (SELECT FROM pg_catalog.{catalogue} x WHERE x.xmin = {MINE}{condition})"
    for thing, catalogue, condition in (
        ("types", "pg_type", " AND x.typrelid = 0 AND x.typelem = 0"),
        ("tablespaces", "pg_tablespace", ""),
        ("languages", "pg_language", ""),
        ("foreign-data wrappers", "pg_foreign_data_wrapper", ""),
        (
            "foreign servers",
            "pg_foreign_server",
            " AND x.srvowner <> (SELECT w.fdwowner FROM pg_catalog.pg_foreign_data_wrapper w WHERE w.oid = x.srvfdw)",
        ),
        ("large objects", "pg_largeobject_metadata", ""),
        ("parameters", "pg_parameter_acl", ""),
        ("event triggers", "pg_event_trigger", ""),
    )
)
Row = TypeVar("Row")
_LOCAL_PARTS = frozenset({"i", "t", "I"})  # indexes and TOAST tables change owner with their table


@dataclass(frozen=True, slots=True)
class _Role:
    oid: int
    role: Role
    ours: bool
    mine: bool  # written by this transaction
    refused: str | None


@dataclass(frozen=True, slots=True)
class Before:
    """The mirror as it was: what the statement's effect is judged by."""

    roles: tuple[_Role, ...]
    foreign_memberships: frozenset[Membership]
    tables: frozenset[tuple[str, str]]  # and views
    policies: dict[int, PolicyMark]
    views: Mapping[int, TableName]
    databases: frozenset[OnDatabase]  # the server's others
    held: frozenset[str] = frozenset()  # roles without their attributes: these stay as the store has them
    groups: frozenset[str] = frozenset()  # of predefined roles, that have members
    settings: StoredSettings | None = None  # where statements may change those with which sessions begin


def read_before(connection: psycopg.Connection) -> Before:
    """Read what is compared later. Comes before anything that the transaction writes but the roles' attributes."""
    roles = _read_roles(connection)
    ours = {one.role.name for one in roles if one.ours}
    tables = frozenset((row.schema, row.table) for row in read_rights(connection))
    marks, views = read_policy_marks(connection), read_view_names(connection)
    databases = read_other_databases(connection)
    return Before(roles, _foreign(read_memberships(connection), ours), tables, marks, views, databases)


def read_after(
    connection: psycopg.Connection, before: Before, access: AccessRows, owner: str, drops_owned: bool
) -> tuple[AccessRows, dict[str, str]]:
    """Return the rows as the transaction made them, and which roles it renamed. Raises SqlError where it changed what
    is not the gateway's. ``owner`` is the server's; ``drops_owned``: by DROP OWNED, which takes for good.
    """
    seal_sequences(connection)
    _refuse_elsewhere(connection)
    check_other_databases(connection, before.databases, access.object_grants, drops_owned=drops_owned)
    after = _read_roles(connection)
    renamed, dropped = _check_roles(before, after, owner)
    rows = without_roles(rename_roles(access, renamed), frozenset(dropped))
    old = {role.name: role for role in rows.roles}
    others = {one.oid for one in before.roles if not one.ours}
    present = [one.role for one in after if one.oid not in others]
    roles = [replace(role, created=old[role.name].created) if role.name in old else role for role in present]
    roles = [old[role.name] if role.name in before.held else role for role in roles]
    names = {role.name for role in roles}
    kept = [role for role in rows.roles if role.name not in names]  # of names that the server has for others
    _check_memberships(connection, before, {one.role.name for one in after}, names, renamed)
    memberships = _memberships(connection, rows, names)
    rows = replace(rows, roles=_in_order([*kept, *roles]), memberships=memberships)
    rows = replace(rows, object_grants=object_grants_after(connection, rows, names))
    if before.settings is not None:
        old_names = frozenset(role.name for role in access.roles)
        rows = replace(rows, role_settings=settings_after(connection, rows, before.settings, names, old_names))
    views = {(row.schema, row.name) for row in rows.views}
    rows = _relations(connection, before, rows, names, drops_owned)
    gone = views - {(row.schema, row.name) for row in rows.views}
    rows = replace(rows, comments=_in_order(comments_after(connection, rows, gone)))
    rows = _policies(connection, before, rows, names, owner)
    return (rows if rows.views == access.views else _with_new_names(connection, rows)), renamed


def _read_roles(connection: psycopg.Connection) -> tuple[_Role, ...]:
    return tuple(_role(*row) for row in connection.execute(_ROLES).fetchall())


def _role(oid: int, name: str, ours: bool, mine: bool, *attributes: object) -> _Role:
    superuser, login, create_role, bypass, inherit, valid_until, refused = attributes
    assert valid_until is None or isinstance(valid_until, datetime)
    role = Role(name, bool(superuser), bool(login), None, bool(create_role), bool(bypass), bool(inherit), valid_until)
    return _Role(oid, role, ours, mine, str(refused) if refused else None)


def _check_roles(before: Before, after: Iterable[_Role], owner: str) -> tuple[dict[str, str], set[str]]:
    """Return the roles that were renamed, and those that were dropped; refuse to touch others'."""
    there = {one.oid: one for one in after}
    renamed, dropped = {}, set()
    for one in before.roles:
        now = there.get(one.oid)
        if not one.ours:
            if now is None or now.mine or now.role != one.role:
                raise not_ours(one.role.name)
        elif now is None:
            dropped.add(one.role.name)
        elif now.role.name != one.role.name:
            check_role_name(now.role.name, owner)
            renamed[one.role.name] = now.role.name
    known = {one.oid for one in before.roles}
    for one in there.values():
        if one.oid not in known:
            check_role_name(one.role.name, owner)
        if (one.ours or one.oid not in known) and one.refused is not None:
            raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f"{one.refused} is not supported for roles of the gateway")
    return renamed, dropped


def _foreign(rows: Iterable[Membership], ours: Set[str]) -> frozenset[Membership]:
    joinable = {*ours, *GROUPS}
    return frozenset(row for row in rows if row.role not in joinable or row.member not in ours)


def _check_memberships(
    connection: psycopg.Connection, before: Before, existing: Set[str], names: Set[str], renamed: dict[str, str]
) -> None:
    """Refuse to let anybody into a role of others, or out of it; who is dropped has left."""
    was = rename_roles(AccessRows(0, memberships=tuple(before.foreign_memberships)), renamed).memberships
    now = _foreign(read_memberships(connection), names)
    gone = {row for row in set(was) - now if {row.role, row.member} <= existing}
    for row in sorted((now - set(was)) | gone, key=repr):
        if row.role.startswith("pg_") and row.member in names:
            hint = f"Roles of the gateway can be members of {', '.join(sorted(GROUPS))}."
            raise SqlError(
                SqlState.FEATURE_NOT_SUPPORTED, f'membership in role "{row.role}" is not supported', hint=hint
            )
        raise not_ours(row.role if row.role not in names else row.member)


def _memberships(connection: psycopg.Connection, rows: AccessRows, names: Set[str]) -> tuple[Membership, ...]:
    rows_now = [row for row in read_memberships(connection) if row.member in names]
    found = [
        replace(row, grantor=row.grantor if row.grantor in names else None) for row in rows_now if row.role in names
    ]
    found += [_in_predefined_role(row) for row in rows_now if row.role in GROUPS]
    joinable = {*names, *GROUPS}
    others = [row for row in rows.memberships if row.role not in joinable or row.member not in names]
    return _in_order([*found, *others])


def _in_predefined_role(row: Membership) -> Membership:
    """Return a membership as it is kept: the role's rights come with it, the role itself is nobody's."""
    if row.admin:
        message = f'ADMIN OPTION for role "{row.role}" is not supported'
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, message, hint="Superusers of the gateway grant it.")
    return Membership(row.role, row.member, inherit=row.inherit, set_role=False)


def _refuse_elsewhere(connection: psycopg.Connection) -> None:
    row = connection.execute(_ELSEWHERE).fetchone()
    if row is not None:
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f"privileges and owners of {row[0]} are not supported")


def _relations(
    connection: psycopg.Connection, before: Before, rows: AccessRows, names: Set[str], drops_owned: bool
) -> AccessRows:
    """Take over privileges, owners, row security and default privileges."""
    rights = {(row.schema, row.table): row for row in read_rights(connection)}
    rows, changed = _with_views(connection, before, rows, set(rights))
    for schema, table in sorted(before.tables - rights.keys() - changed):
        hint = "REASSIGN OWNED gives what a role owns to another."
        name = TableName(schema, table)
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f"dropping table {name} is not supported", hint=hint)
    touched = _touched(connection, rights)
    all_defaults = read_default_privileges(connection)
    require_ours((role for row in all_defaults for role in (row.role, row.creator)), names)
    defaults = {row for row in all_defaults if _is_usable(row, names)}
    if any(row.creator is None and row.objects not in {TABLES, SCHEMAS} for row in defaults):
        detail = "Functions, types and sequences of its owner are the gateway's own."
        message = "permission denied to change default privileges"
        raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, message, detail=detail)
    old_defaults = {row for row in rows.default_privileges if _is_usable(row, names)}
    if defaults != old_defaults:
        rows = adopt(rows, [TableName(*key) for key in sorted(rights)])
        others = set(rows.default_privileges) - old_defaults
        rows = replace(rows, default_privileges=_in_order([*defaults, *others]))
    if not touched:
        return rows
    new = rights.keys() - before.tables
    held = {one for one in read_privileges(connection) if (one.schema, one.table) in touched}
    check_owners((rights[key] for key in touched if key in rights), names)
    views = read_view_names(connection)
    made = {(name.schema, name.name) for oid, name in views.items() if oid not in before.views}  # anew, some of them
    check_privileges(held, touched, new | made, before.groups, names)
    actual = {
        replace(one, grantor=one.grantor if one.grantor in names else None)
        for one in held
        if one.role in names or one.role == "public"
    }
    return _with_grants(_with_rights(rows, rights, touched), actual, touched, (set(rights), new), drops_owned)


def _with_views(
    connection: psycopg.Connection, before: Before, rows: AccessRows, present: Set[tuple[str, str]]
) -> tuple[AccessRows, set[tuple[str, str]]]:
    """Take over views; return also those that are gone, with which all goes that was given on them."""
    known = {(row.schema, row.name) for row in rows.views}
    gone = (known & before.tables) - present
    absent = [row for row in rows.views if (row.schema, row.name) not in before.tables]  # held up by a client's lock
    views = _in_order([*views_after(connection, rows.views), *absent])
    if views != rows.views:
        there = read_view_names(connection)
        rows = follow_views(replace(rows, views=views), {name: there.get(oid) for oid, name in before.views.items()})
    if not gone:
        return rows, gone
    return replace(
        rows,
        tables=tuple(row for row in rows.tables if (row.schema, row.table) not in gone),
        grants=tuple(row for row in rows.grants if (row.schema, row.table) not in gone),
    ), gone


def _touched(connection: psycopg.Connection, rights: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    tables = set(rights)
    found = set()
    for schema, name, kind in connection.execute(_TOUCHED).fetchall():
        if kind in _LOCAL_PARTS:
            continue
        of_the_system = schema.startswith("pg_") or schema == "information_schema"
        of_the_system = of_the_system or (schema, kind) == ("lakegate", "n")
        if of_the_system or (kind != "n" and (schema, name) not in tables):
            subject = f"schema {schema}" if kind == "n" else f"relation {name}"
            raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, f"permission denied for {subject}")
        found.add((schema, name))
    return found


def _is_usable(row: DefaultPrivilege, names: Set[str]) -> bool:
    return (row.role == "public" or row.role in names) and (row.creator is None or row.creator in names)


def _with_rights(
    rows: AccessRows, rights: dict[tuple[str, str], TableRights], touched: Set[tuple[str, str]]
) -> AccessRows:
    was = {(row.schema, row.table): row for row in rows.tables}
    changed = {
        key: rights[key]
        for key in touched
        if key in rights and rights[key] != was.get(key, TableRights(*key))  # what is not told has no owner of its own
    }
    return replace(rows, tables=_in_order({**was, **changed}.values())) if changed else rows


def _with_grants(
    rows: AccessRows,
    actual: Set[Grant],
    touched: Set[tuple[str, str]],
    tables: tuple[Set[tuple[str, str]], Set[tuple[str, str]]],
    drops_owned: bool,
) -> AccessRows:
    """Replace the privileges on what was touched. What comes from a privilege on all tables of a schema stays that,
    unless a part of it was taken: then it becomes one for each present table, and a default privilege for others.
    """
    all_tables, new = tables
    whole = [row for row in rows.grants if row.table == ALL_TABLES]
    explicit = {row for row in rows.grants if row.table != ALL_TABLES}
    defaults = set(rows.default_privileges)
    kept: set[Grant] = set()
    implied: set[Grant] = set()
    for row in whole:
        present = [name for schema, name in all_tables if schema == row.schema]
        parts = derived(row, present)
        here = {one for one in parts if (one.schema, one.table) in touched - new}
        implied |= {one for one in parts if (one.schema, one.table) in new}
        if all(one in actual or replace(one, grantable=True) in actual for one in here):
            kept.add(row)
            implied |= here
            continue
        explicit |= parts - here
        if not drops_owned:
            defaults.add(DefaultPrivilege(row.role, row.privilege, None, row.schema, row.grantable))
    broken_up = len(kept) < len(whole)
    if broken_up:
        rows = adopt(rows, [TableName(*key) for key in sorted(all_tables)])
        explicit |= {row for row in rows.grants if row.table != ALL_TABLES and (row.schema, row.table) not in touched}
    before = {row for row in explicit if (row.schema, row.table) in touched}
    now = (actual - implied) | (before & actual)
    return replace(rows, grants=_in_order([*kept, *(explicit - before), *now]), default_privileges=_in_order(defaults))


def _policies(
    connection: psycopg.Connection, before: Before, rows: AccessRows, names: Set[str], owner: str
) -> AccessRows:
    old = {(row.schema, row.table, row.name): row for row in rows.row_policies}
    mirrored = {mark.key for mark in before.policies.values()}
    found = {key: row for key, row in old.items() if key not in mirrored}
    origins = {}
    for number, mark in read_policy_marks(connection).items():
        known = before.policies.get(number)
        origin = origins[mark.key] = None if known is None else old.get(known.key)
        if origin is not None:
            schema, table, name = mark.key  # views are renamed and moved, too
            found[mark.key] = replace(origin, schema=schema, table=table, name=name, state=mark.state)
    for policy in read_policies(connection, f"AND p.xmin = {MINE}"):
        key = (policy.schema, policy.table, policy.name)
        old_policy = origins[key]
        governs = old_policy is None or old_policy.state is PolicyState.ENFORCED
        require_ours((role for role in policy.roles if governs or role != owner), names)
        roles = tuple(role for role in policy.roles if role in names or role == "public")
        found[key] = _as_meant(replace(policy, roles=roles), old_policy)
    return replace(rows, row_policies=_in_order(found.values()))


def _with_new_names(connection: psycopg.Connection, rows: AccessRows) -> AccessRows:
    """Return rows in which conditions of policies name views and their columns as these are called now."""
    told = {(one.schema, one.table, one.name): one for one in read_policies(connection)}

    def renamed(old: RowPolicy) -> RowPolicy:
        new = told.get((old.schema, old.table, old.name))
        return old if new is None else replace(_as_meant(new, old), roles=old.roles)

    return replace(rows, row_policies=_in_order(map(renamed, rows.row_policies)))


def _as_meant(policy: RowPolicy, old: RowPolicy | None) -> RowPolicy:
    """Keep what a policy is in the store and not in the mirror, until it is altered: there one that does not fit stands
    by ``false`` alone, and one that does not govern is for nobody.
    """
    if old is None:
        return policy
    using = old.using if policy.using == FALSE and old.using is not None else policy.using
    check = old.check if policy.check == FALSE and old.check is not None else policy.check
    return replace(policy, using=using, check=check, roles=policy.roles or old.roles)


def _in_order(rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=repr))
