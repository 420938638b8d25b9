"""PostgreSQL as the judge of who may give and take access: the statements run in the mirror, as the client's role.

The mirror has the gateway's roles and tables, so grammar, names, permissions, grant options, dependencies, messages and
command tags are PostgreSQL's own. All is one transaction. In it the gateway's superusers are superusers, and nowhere
else: what they may is judged too, and the attribute is gone before anybody else could see it. What the statements made
of the catalogues is written to the store, which is the truth; then the mirror's transaction is committed. Where that
fails, the next change of the mirror makes it equal to the store.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import psycopg
from psycopg import pq, sql

from catalog.errors import SqlError
from catalog.mirror.access_state import Before, read_after, read_before
from catalog.mirror.access_statements import (
    AccessAnswer,
    AccessOutcome,
    AccessRequest,
    AccessStatement,
    Checks,
    MakeVerifier,
    Notice,
)
from catalog.mirror.applied import Notes
from catalog.mirror.blockers import LOCK_TIMEOUT, Connect, run_first
from catalog.mirror.comments import change_comments, check_systems, read_systems
from catalog.mirror.elsewhere import ConnectTo, has_copies, put_copies_aside, revoke_copies
from catalog.mirror.marks import mark_roles
from catalog.mirror.masking_views import fill_masking_views
from catalog.mirror.object_privileges import change_object_privileges, check_internal_functions
from catalog.mirror.policies import settle_states
from catalog.mirror.policies_of_views import take_policies_of_views
from catalog.mirror.policy_checks import check_patterns, check_policies
from catalog.mirror.policy_states import find_table, number_of_table, state_noted
from catalog.mirror.privileges import change_privileges
from catalog.mirror.relations import set_numbers
from catalog.mirror.role_settings import change_settings, stage_settings
from catalog.mirror.roles import change_memberships, change_roles
from catalog.mirror.source_views import governed_as_tables, kept_as_they_are
from catalog.mirror.state_notices import state_notices
from catalog.mirror.user_mappings import read_user_mappings
from catalog.mirror.views_as_tables import require_view, views_as_tables, views_with_policies_as_tables
from catalog.predefined_roles import used_groups
from catalog.sqlstate import SqlState
from catalog.store.access import AccessChange
from catalog.store.rows import AccessRows, Membership
from catalog.store.store import MIRROR_MARK
from catalog.tables import Catalog

_SUPERUSERS = """
WITH free AS (
    SELECT a.oid FROM pg_catalog.pg_authid a
    WHERE a.rolname = ANY(%s) AND pg_catalog.shobj_description(a.oid, 'pg_shdescription') = %s FOR UPDATE SKIP LOCKED)
UPDATE pg_catalog.pg_authid r SET rolsuper = v.superuser, rolbypassrls = v.bypass, rolvaliduntil = v.valid_until
FROM unnest(%s::text[], %s::bool[], %s::bool[], %s::timestamptz[]) v (name, superuser, bypass, valid_until), free f
WHERE r.oid = f.oid AND r.rolname = v.name RETURNING r.rolname
"""
_NO_SUPERUSERS = """
UPDATE pg_catalog.pg_authid r SET rolsuper = false, rolbypassrls = false, rolvaliduntil = NULL
WHERE pg_catalog.shobj_description(r.oid, 'pg_shdescription') = %s
  AND (r.rolsuper OR r.rolbypassrls OR r.rolvaliduntil IS NOT NULL)
"""
_STILL_SUPERUSERS = """
SELECT FROM pg_catalog.pg_authid r
WHERE (r.rolsuper OR r.rolbypassrls OR r.rolreplication OR r.rolcreatedb)
  AND (pg_catalog.shobj_description(r.oid, 'pg_shdescription') = %s
       OR r.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid)
"""
_PASSWORDLESS = """
SELECT r.oid, r.rolname FROM pg_catalog.pg_authid r
WHERE r.rolpassword IS NULL AND r.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid
"""
_OURS = (
    "SELECT r.rolname FROM pg_catalog.pg_authid r WHERE pg_catalog.shobj_description(r.oid, 'pg_shdescription') = %s"
)
_NO_MORE_NULL = "UPDATE pg_catalog.pg_authid SET rolpassword = 'to be set' WHERE oid = ANY(%s::oid[])"
_NEW_ROLES = """
SELECT r.rolname FROM pg_catalog.pg_authid r
WHERE r.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid
  AND pg_catalog.shobj_description(r.oid, 'pg_shdescription') IS NULL
"""
_POLICY_TAGS = frozenset({"CREATE POLICY", "ALTER POLICY", "DROP POLICY", "ALTER TABLE", "ALTER VIEW"})
_LIMITS = (
    f"SET LOCAL statement_timeout = '30s'; SET LOCAL lock_timeout = '{LOCK_TIMEOUT}';"
    " SET LOCAL client_min_messages = notice"
)
_MARKED = "lakegate_"
_DROPS_ROLE = re.compile(r"DROP\s+(ROLE|USER|GROUP)\b", re.IGNORECASE)
_HELD_ROLE = "A transaction has changed its session authorization. Try again when it has ended."
_BACK = (
    "RESET SESSION AUTHORIZATION; SET LOCAL client_min_messages = error; SET LOCAL search_path = '';"
    " SET LOCAL lock_timeout = '1s'"
)
_LOCKED = "The table is in use by open transactions. Try again when they have ended."


@dataclass(frozen=True, slots=True)
class MirrorParts:
    """What the executor needs of the mirror: the secret of the roles' passwords, the server's owner, the catalogue that
    is shown, and memberships that are there for some sessions alone.
    """

    secret: bytes
    owner: str
    catalog: Catalog
    connect: Connect  # to the mirror as its owner
    connect_to: ConnectTo  # and to those of other databases
    defaults: Mapping[str, str]  # settings of all sessions, by the gateway's configuration
    lent: tuple[Membership, ...] = ()


def execute(
    connection: psycopg.Connection,
    change: AccessChange,
    request: AccessRequest,
    parts: MirrorParts,
    checks: Checks,
) -> AccessOutcome:
    """Carry out statements in an open transaction of the mirror's owner; the caller commits the store's, then this.

    Raises SqlError: what PostgreSQL found wrong, or what the gateway refuses.
    """
    if any(statement.text[:4].upper() == "DROP" for statement in request.statements):
        revoke_copies(connection, change.before, parts.connect_to)
    usable = {name for (name,) in connection.execute(_OURS, (MIRROR_MARK,)).fetchall()}
    # What is lent must not be taken for given.
    change_memberships(connection, change.before, usable, Notes(), judged=True)
    before, mapped = read_before(connection), read_user_mappings(connection)
    before = replace(before, groups=frozenset(used_groups(change.before.memberships)))
    held = _make_superusers(connection, change.before) & usable
    for statement in request.statements:
        _require_free(held, statement.session_user, statement.current_user)
    if any(statement.text[:5].upper() == "ALTER" for statement in request.statements):
        before = replace(before, settings=stage_settings(connection, change.before, usable))
    _make_ready_for_drops(connection, change, request, before, parts)
    comments = any(statement.text[:7].upper() == "COMMENT" for statement in request.statements)
    systems = read_systems(connection) if comments else None
    answers = []
    texts = [statement.text for statement in request.statements]
    with governed_as_tables(connection, texts):
        with kept_as_they_are(connection, texts):
            for statement in request.statements:
                answers.append(_run(connection, statement, parts.connect))
                _take_passwords(connection, change, statement, checks.make_verifier)
        drops_owned = any(answer.tag == "DROP OWNED" for answer in answers)
        after, renamed = read_after(connection, replace(before, held=held), change.before, parts.owner, drops_owned)
    _require_free(held, *(row.role for row in set(after.memberships) ^ set(change.before.memberships)))
    _check_names(change.before, after, request)
    change.verifiers = {renamed.get(name, name): verifier for name, verifier in change.verifiers.items()}
    change.verifiers = {name: one for name, one in change.verifiers.items() if any(r.name == name for r in after.roles)}
    if comments:
        check_systems(connection, systems)
    check_internal_functions(connection, (one.text for one in request.statements))
    check_policies(connection)
    judged = checks.judge_policies(change.before, after)
    check_patterns(connection, judged.patterns)
    settle_states(connection, change.before, after)
    change.renamed = renamed
    written = change.write(after)
    if drops_owned:
        mapped = {(renamed.get(role, role) if role is not None else None, source) for role, source in mapped}
        written = change.without_user_mappings(written, mapped - read_user_mappings(connection))
    usable = _settle(connection, change.before, written, parts, comments=comments)
    if before.settings is not None:
        change_settings(connection, written, usable, parts.defaults)
    if answers[-1].tag in _POLICY_TAGS:
        told = state_notices(change.before, written)
        answers[-1] = replace(answers[-1], notices=(*answers[-1].notices, *judged.notices, *told))
    if any(one != other for one, other in zip(_masks(change.before), _masks(written), strict=True)):
        fill_masking_views(connection, written)  # what was set on a view has followed it
    return AccessOutcome(tuple(answers), written)


def _make_ready_for_drops(
    connection: psycopg.Connection, change: AccessChange, request: AccessRequest, before: Before, parts: MirrorParts
) -> None:
    """Take away what other mirrors show of roles that statements drop after they have taken all from them. Until it is
    known that they do, it stays: the statements are tried first. Raises SqlError: what they fail with.
    """
    drops = [statement for statement in request.statements if _DROPS_ROLE.match(statement.text)]
    if not drops or len(request.statements) < 2 or not has_copies(connection):
        return
    shown = before.tables
    if not request.keep:  # all of it is rolled back
        put_copies_aside(connection, change.before, shown)
        return
    texts = [statement.text for statement in request.statements]
    with connection.transaction(force_rollback=True):
        put_copies_aside(connection, change.before, shown)
        with governed_as_tables(connection, texts), kept_as_they_are(connection, texts):
            for statement in request.statements:
                _run(connection, statement, parts.connect)
        left = {oid for (oid,) in connection.execute("SELECT oid FROM pg_catalog.pg_authid").fetchall()}
    going = frozenset(one.role.name for one in before.roles if one.ours and one.oid not in left)
    revoke_copies(connection, change.before, parts.connect_to, going)


def _masks(rows: AccessRows) -> tuple[tuple[object, ...], ...]:
    return rows.column_masks, rows.tag_assignments, rows.tag_removals


def _check_names(before: AccessRows, after: AccessRows, request: AccessRequest) -> None:
    """A role such as ``lakegate_officer`` has rights by its name: superusers alone make one."""
    new = {role.name for role in after.roles} - {role.name for role in before.roles}
    marked = sorted(name for name in new if name.startswith(_MARKED))
    superusers = {role.name for role in before.roles if role.superuser}
    if marked and not all(one.current_user in superusers for one in request.statements):
        raise SqlError(
            SqlState.INSUFFICIENT_PRIVILEGE,
            f'permission denied to create role "{marked[0]}"',
            detail=f"Only superusers may create roles whose names begin with {_MARKED}.",
        )


def _require_free(held: frozenset[str], *names: str) -> None:
    """Raise SqlError where PostgreSQL would judge a role without knowing that it is a superuser."""
    for name in held.intersection(names):
        raise SqlError(SqlState.LOCK_NOT_AVAILABLE, f'role "{name}" is in use', hint=_HELD_ROLE)


def _make_superusers(connection: psycopg.Connection, access: AccessRows) -> frozenset[str]:
    """Give roles their attributes; return those that have none, for open transactions hold them."""
    special = [role for role in access.roles if role.superuser or role.bypass_row_security or role.valid_until]
    values: tuple[list[object], ...] = (
        [role.name for role in special],
        [role.superuser for role in special],
        [role.bypass_row_security for role in special],
        [role.valid_until for role in special],
    )
    found = connection.execute(_SUPERUSERS, (values[0], MIRROR_MARK, *values)).fetchall()
    return frozenset(role.name for role in special) - {name for (name,) in found}


def _settle(
    connection: psycopg.Connection, before: AccessRows, access: AccessRows, parts: MirrorParts, *, comments: bool
) -> set[str]:
    """Leave the mirror's roles as every change of the mirror does: marked, without rights, with secret passwords.
    Return those that it has. ``comments``: some may have been taken away.
    """
    mark_roles(connection, [name for (name,) in connection.execute(_NEW_ROLES).fetchall()])
    connection.execute(_NO_SUPERUSERS, (MIRROR_MARK,))
    shown = replace(access, memberships=(*access.memberships, *parts.lent))
    usable = change_roles(connection, shown, parts.secret, Notes())
    change_object_privileges(connection, access, usable)
    if comments or access.comments != before.comments:
        change_comments(connection, parts.catalog, access, Notes(), every=True)
    if (access.tables, access.grants) != (before.tables, before.grants):
        set_numbers(connection, parts.catalog.tables)
    groups = used_groups(access.memberships) != used_groups(before.memberships)
    if groups or access.views != before.views:  # new views get what was given on all tables of their schema
        change_privileges(connection, access, usable, Notes())
    if connection.execute(_STILL_SUPERUSERS, (MIRROR_MARK,)).fetchone() is not None:
        raise SqlError(SqlState.INTERNAL_ERROR, "a role of the mirror would have kept rights of a superuser")
    return usable


def _run(connection: psycopg.Connection, statement: AccessStatement, connect: Connect) -> AccessAnswer:
    """Run one statement as the client's role."""
    if statement.on_rows:
        with views_as_tables(connection) as views:
            return _run_as(connection, statement, connect, views)
    if not statement.drops and not statement.drops_owned:
        return _run_as(connection, statement, connect)
    gone = _find(connection, statement) if statement.drops else []
    take_policies_of_views(connection, gone)
    with views_with_policies_as_tables(connection):
        return _run_as(connection, statement, connect)


def _find(connection: psycopg.Connection, statement: AccessStatement) -> list[int]:
    """Return the views that a statement drops. What is wrong with their names PostgreSQL tells when it runs."""
    found: list[int | None] = []
    try:
        with connection.transaction():
            _act_as(connection, statement)
            found += [find_table(connection, name) for name in statement.drops]
    except psycopg.errors.Error as error:
        if error.sqlstate is None:
            raise
    connection.execute(_BACK)
    return [view for view in found if view is not None]


def _act_as(connection: psycopg.Connection, statement: AccessStatement) -> None:
    """Be the client's role, until `_BACK`."""
    steps = [
        sql.SQL(_LIMITS),
        sql.SQL("SELECT pg_catalog.set_config('search_path', {}, true)").format(sql.Literal(statement.search_path)),
        sql.SQL("SET LOCAL SESSION AUTHORIZATION {}").format(sql.Identifier(statement.session_user)),
    ]
    if statement.current_user != statement.session_user:
        steps.append(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(statement.current_user)))
    connection.execute(sql.SQL("; ").join(steps))  # one round trip


def _run_as(
    connection: psycopg.Connection,
    statement: AccessStatement,
    connect: Connect,
    views: frozenset[int] = frozenset(),
) -> AccessAnswer:
    notices: list[Notice] = []

    def noted(diagnostic: psycopg.errors.Diagnostic) -> None:
        notices.append(Notice(_fields(diagnostic, statement)))

    _act_as(connection, statement)
    connection.add_notice_handler(noted)
    try:
        result = run_first(connection, statement.text.encode(), statement.session_user, connect)
    finally:
        connection.remove_notice_handler(noted)
    if result.status != pq.ExecStatus.COMMAND_OK:
        raise _error(psycopg.errors.error_from_result(result, "utf-8"), statement)
    state = statement.state
    table = None if state is None else number_of_table(connection, state.table)  # as the client reads the name
    view = None if statement.on_view is None else find_table(connection, statement.on_view)
    connection.execute(_BACK)
    if view is not None:
        require_view(connection, view, views)
    if state is not None:  # PostgreSQL has let the client make or alter the policy
        connection.execute(state_noted(sql.Literal(table), state.policy, state.state))
    tag = (result.command_status or b"").decode()
    return AccessAnswer(tag if statement.on_view is None else "ALTER VIEW", tuple(notices))


def _take_passwords(
    connection: psycopg.Connection, change: AccessChange, statement: AccessStatement, make_verifier: MakeVerifier
) -> None:
    """See whose password was set: it is NULL now, as that of a new role. The mirror's is another, set in the end."""
    found = connection.execute(_PASSWORDLESS).fetchall()
    for _, name in found:
        change.verifiers[name] = None if statement.password is None else make_verifier(name, statement.password)
    if found:
        connection.execute(_NO_MORE_NULL, ([oid for oid, _ in found],))


def _error(error: psycopg.Error, statement: AccessStatement) -> Exception:
    """Return PostgreSQL's error as the gateway's."""
    diagnostic = error.diag
    if diagnostic.sqlstate is None:
        return error
    hint = diagnostic.message_hint
    if isinstance(error, psycopg.errors.LockNotAvailable):
        hint = _LOCKED
    position = diagnostic.statement_position
    return SqlError(
        SqlState(diagnostic.sqlstate),
        diagnostic.message_primary or "refused",
        detail=diagnostic.message_detail,
        hint=hint,
        position=statement.position(int(position)) if position else None,
    )


def _fields(diagnostic: psycopg.errors.Diagnostic, statement: AccessStatement) -> dict[str, str]:
    position = diagnostic.statement_position
    fields = {
        "S": diagnostic.severity,
        "V": diagnostic.severity_nonlocalized,
        "C": diagnostic.sqlstate,
        "M": diagnostic.message_primary,
        "D": diagnostic.message_detail,
        "H": diagnostic.message_hint,
        "P": str(statement.position(int(position))) if position else None,
    }
    return {key: value for key, value in fields.items() if value is not None}
