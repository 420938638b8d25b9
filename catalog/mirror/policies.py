"""Owners, row security and its policies in the mirror, so that PostgreSQL's catalogues tell of them and check them.

A policy that its table's present shape does not allow is kept by its name with the condition ``false``, so that its
owner can alter or drop it; its table is told as broken, and the gateway denies it. A draft or shadow stands there for
nobody, with its state beside it (`policy_states`).
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import sql

from catalog.errors import SqlError
from catalog.mirror.applied import Notes
from catalog.mirror.policy_states import TABLE, state_noted
from catalog.mirror.relations import note, runs
from catalog.mirror.source_views import shown_as_tables
from catalog.mirror.views import RELATION
from catalog.mirror.views_as_tables import views_as_tables
from catalog.names import TableName
from catalog.sqlstate import SqlState
from catalog.store.rows import PUBLIC, AccessRows, PolicyState, RowPolicy, TableRights

FALSE = "false"
_COMMANDS = "CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'"
_POLICIES = f"""
SELECT n.nspname, c.relname, p.polname, p.polpermissive, {_COMMANDS} ELSE 'ALL' END,
       ARRAY(SELECT CASE r.id WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(r.id)::text END
             FROM pg_catalog.unnest(p.polroles) WITH ORDINALITY r (id, place)
             WHERE pg_catalog.pg_get_userbyid(r.id) <> user ORDER BY r.place),
       coalesce((SELECT s.state FROM {TABLE} s WHERE s.policy = p.oid), 'enforced'), p.oid::bigint, {{0}}
FROM pg_catalog.pg_policy p
JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE true {{1}}
"""
_TEXTS = "pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)"
_RIGHTS = f"""
SELECT n.nspname, c.relname,
       CASE WHEN r.rolname <> user THEN r.rolname END, c.relrowsecurity, c.relforcerowsecurity
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_roles r ON r.oid = c.relowner
WHERE {RELATION} AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""


@dataclass(frozen=True, slots=True)
class BrokenPolicy:
    """A policy that does not fit its table any more, with PostgreSQL's reason."""

    schema: str
    table: str
    name: str
    reason: str
    state: PolicyState = PolicyState.ENFORCED  # any other does not keep its table from being read


def read_policies(connection: psycopg.Connection, condition: str = "") -> set[RowPolicy]:
    """Return policies with their conditions as PostgreSQL writes them; ``condition`` goes on WHERE."""
    rows = connection.execute(_POLICIES.format(_TEXTS, condition).encode()).fetchall()
    return {_policy(*row) for row in rows}


@dataclass(frozen=True, slots=True)
class PolicyMark:
    """A policy's schema, table and name, and its state."""

    key: tuple[str, str, str]
    state: PolicyState


def read_policy_marks(connection: psycopg.Connection) -> dict[int, PolicyMark]:
    """Return all policies by their numbers, which stay when they get other names."""
    rows = connection.execute(_POLICIES.format("NULL, NULL", "").encode()).fetchall()
    return {
        number: PolicyMark((schema, table, name), PolicyState(state))
        for schema, table, name, _, _, _, state, number, *_ in rows
    }


def read_rights(connection: psycopg.Connection) -> set[TableRights]:
    """Return the mirror's tables and views with owners, None for the mirror's. Asked as the mirror's owner."""
    return {TableRights(*row) for row in connection.execute(_RIGHTS).fetchall()}


def change_owners(connection: psycopg.Connection, access: AccessRows, usable: Set[str], notes: Notes) -> None:
    """Make owners equal to the gateway's. Comes before privileges, which are given in the owner's name."""
    wanted = {(row.schema, row.table): row.owner if row.owner in usable else None for row in access.tables}
    for row in read_rights(connection):
        owner = wanted.get((row.schema, row.table))
        if owner != row.owner:
            name = sql.SQL("CURRENT_USER") if owner is None else sql.Identifier(owner)
            table = sql.Identifier(row.schema, row.table)
            statement = sql.SQL("ALTER TABLE {} OWNER TO {}").format(table, name)
            runs(connection, statement, f"owner of {TableName(row.schema, row.table)}", notes)


def change_policies(
    connection: psycopg.Connection, access: AccessRows, usable: Set[str], notes: Notes
) -> tuple[BrokenPolicy, ...]:
    """Make row security and policies equal to the gateway's; return the policies that PostgreSQL refuses now."""
    rights = {(row.schema, row.table): row for row in read_rights(connection)}
    wanted_rights = {(row.schema, row.table): row for row in access.tables}
    present = {_key(policy): policy for policy in read_policies(connection)}
    wanted = {_key(policy): _usable(policy, usable) for policy in access.row_policies if _key(policy)[:2] in rights}
    governed = {(row.schema, row.table) for row in (*access.tables, *rights.values()) if row.row_security or row.forced}
    with _taken_for_tables(connection, governed | {key[:2] for key in (*present, *wanted)}):
        for place, there in sorted(rights.items()):
            _set_row_security(connection, wanted_rights.get(place, TableRights(*place)), there, notes)
        return _make_equal(connection, present, wanted, notes)


@contextmanager
def _taken_for_tables(connection: psycopg.Connection, relations: Set[tuple[str, str]]) -> Iterator[None]:
    """Have PostgreSQL take those of some relations (schema and name) that are views for tables."""
    with shown_as_tables(connection, relations), views_as_tables(connection, relations):
        yield


def _make_equal(
    connection: psycopg.Connection,
    present: dict[tuple[str, str, str], RowPolicy],
    wanted: dict[tuple[str, str, str], RowPolicy],
    notes: Notes,
) -> tuple[BrokenPolicy, ...]:
    for key, policy in sorted(present.items()):
        if key not in wanted:
            runs(connection, _drop(policy), f"policy {key[2]} of {key[0]}.{key[1]}", notes)
    broken = []
    for key, policy in sorted(wanted.items()):
        if present.get(key) == policy:
            continue
        reason = _make(connection, policy, present.get(key), notes)
        if reason is not None:
            broken.append(BrokenPolicy(*key, reason, policy.state))
            notes.add(TableName(*key[:2]), f'policy "{key[2]}" is broken: {reason}')
    return tuple(broken)


def settle_states(connection: psycopg.Connection, before: AccessRows, after: AccessRows) -> None:
    """Have policies stand in the mirror as their states want it. Raises SqlError 55000 for one that is to govern and
    does not fit its table any more.
    """
    roles = {name for (name,) in connection.execute("SELECT r.rolname FROM pg_catalog.pg_roles r").fetchall()}
    usable = roles & {role.name for role in after.roles}
    were = {_key(policy): policy.state for policy in before.row_policies}
    told = [
        policy
        for policy in after.row_policies
        if PolicyState.ENFORCED is not policy.state or were.get(_key(policy), policy.state) is not policy.state
    ]
    gone = were.keys() - {_key(policy) for policy in after.row_policies}
    present = {_key(policy): policy for policy in read_policies(connection)} if told or gone else {}
    for key in sorted(gone & present.keys()):  # with the only role it was for, of which PostgreSQL does not know
        with _taken_for_tables(connection, {key[:2]}):
            connection.execute(_drop(present[key]))
    for policy in sorted(told, key=_key):
        there, wanted = present.get(_key(policy)), _usable(policy, usable)
        if there is None or there in (wanted, _placeholder(wanted)):
            continue
        with _taken_for_tables(connection, {_key(policy)[:2]}):
            reason = _make(connection, wanted, there, Notes())
        if reason is not None and policy.state is PolicyState.ENFORCED:
            raise SqlError(
                SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE,
                f'policy "{policy.name}" does not fit table "{policy.table}" any more',
                detail=f"{reason[0].upper()}{reason[1:]}.",
                hint="ALTER POLICY gives it another condition.",
            )


def _key(policy: RowPolicy) -> tuple[str, str, str]:
    return policy.schema, policy.table, policy.name


def _policy(schema: str, table: str, name: str, permissive: bool, command: str, *rest: Any) -> RowPolicy:
    roles, state, _, using, check = rest
    return RowPolicy(schema, table, name, permissive, command, tuple(roles), using, check, PolicyState(state))


def _usable(policy: RowPolicy, usable: Set[str]) -> RowPolicy:
    """Return a policy as it stands in the mirror: one that does not govern is for nobody."""
    if policy.state is not PolicyState.ENFORCED:
        return replace(policy, roles=())
    return replace(policy, roles=tuple(role for role in policy.roles if role == PUBLIC or role in usable))


def _set_row_security(connection: psycopg.Connection, wanted: TableRights, there: TableRights, notes: Notes) -> None:
    changes = []
    if wanted.row_security != there.row_security:
        changes.append("ENABLE ROW LEVEL SECURITY" if wanted.row_security else "DISABLE ROW LEVEL SECURITY")
    if wanted.forced != there.forced:
        changes.append("FORCE ROW LEVEL SECURITY" if wanted.forced else "NO FORCE ROW LEVEL SECURITY")
    for change in changes:
        table = sql.Identifier(wanted.schema, wanted.table)
        runs(connection, sql.SQL("ALTER TABLE {} " + change).format(table), f"{wanted.schema}.{wanted.table}", notes)


def _drop(policy: RowPolicy) -> sql.Composed:
    table = sql.Identifier(policy.schema, policy.table)
    return sql.SQL("DROP POLICY {} ON {}").format(sql.Identifier(policy.name), table)


def _make(connection: psycopg.Connection, policy: RowPolicy, present: RowPolicy | None, notes: Notes) -> str | None:
    """Make a policy anew, with the condition ``false`` where its own is refused; return why."""
    subject = f"policy {policy.name} of {policy.schema}.{policy.table}"
    drop = [] if present is None else [_drop(present)]
    try:
        with connection.transaction():
            for statement in (*drop, _create(policy)):
                connection.execute(statement)
    except psycopg.OperationalError as error:
        note(error, subject, notes)
    except psycopg.Error as error:
        placeholder = _placeholder(policy)
        if present != placeholder:
            runs(connection, sql.SQL("; ").join([*drop, _create(placeholder)]), subject, notes)
        return error.diag.message_primary or "refused"
    return None


def _placeholder(policy: RowPolicy) -> RowPolicy:
    using, check = (None if text is None else FALSE for text in (policy.using, policy.check))
    return replace(policy, using=using, check=check)


def _create(policy: RowPolicy) -> sql.Composed:
    roles = [sql.SQL("PUBLIC") if role == PUBLIC else sql.Identifier(role) for role in policy.roles]
    if not roles:  # all of them are gone, or it does not govern: it is for nobody
        roles = [sql.SQL("CURRENT_USER")]
    statement = sql.SQL("CREATE POLICY {} ON {} AS {} FOR {} TO {}").format(
        sql.Identifier(policy.name),
        sql.Identifier(policy.schema, policy.table),
        sql.SQL("PERMISSIVE" if policy.permissive else "RESTRICTIVE"),
        sql.SQL(policy.command),
        sql.SQL(", ").join(roles),
    )
    for clause, text in (("USING", policy.using), ("WITH CHECK", policy.check)):
        if text is not None:
            statement += sql.SQL(f" {clause} (") + sql.SQL(text) + sql.SQL(")")
    if policy.state is PolicyState.ENFORCED:
        return statement
    name = sql.Identifier(policy.schema, policy.table).as_string(None)
    table = sql.SQL("{}::pg_catalog.regclass").format(sql.Literal(name))
    return statement + sql.SQL("; ") + state_noted(table, policy.name, policy.state)
