"""Roles, privileges and policies in the metadata database: read whole, and changed by the difference of two states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from catalog.store.masking import read_masking
from catalog.store.rows import (
    AccessRows,
    Comment,
    DefaultPrivilege,
    Grant,
    Membership,
    ObjectGrant,
    PolicyState,
    Role,
    RoleSettings,
    RowPolicy,
    TableRights,
    ViewRow,
)
from catalog.store.schema import (
    api_keys,
    comments,
    default_privileges,
    grants,
    memberships,
    object_grants,
    role_settings,
    roles,
    row_policies,
    table_rights,
    user_mappings,
    views,
)
from catalog.store.view_masking import read_removals, write_followed

Values = dict[str, Any]


def read_access(connection: sa.Connection, version: int) -> AccessRows:
    """Return all that decides who may see what, as the transaction sees it. ``version`` is told, not looked up."""
    masking = read_masking(connection)
    return AccessRows(
        version,
        tuple(Role(*row) for row in connection.execute(_select(roles, *_ROLE))),
        read_memberships(connection),
        tuple(_grant(*row) for row in connection.execute(_select(grants, *_GRANT))),
        tuple(TableRights(*row) for row in connection.execute(_select(table_rights, *_RIGHTS))),
        tuple(_policy(*row) for row in connection.execute(_select(row_policies, *_POLICY))),
        revoked_keys=_revoked_keys(connection),
        default_privileges=tuple(_default(*row) for row in connection.execute(_select(default_privileges, *_DEFAULT))),
        masking_policies=masking.policies,
        column_masks=masking.column_masks,
        tags=masking.tags,
        tag_assignments=masking.tag_assignments,
        tag_policies=masking.tag_policies,
        masking_secrets=masking.secrets,
        views=tuple(_view(*row) for row in connection.execute(_select(views, *_VIEW))),
        object_grants=tuple(_object_grant(*row) for row in connection.execute(_select(object_grants, *_OBJECT_GRANT))),
        comments=tuple(Comment(*row) for row in connection.execute(_select(comments, *_COMMENT))),
        user_mappings=tuple((row.role, row.source) for row in connection.execute(_MAPPINGS)),
        tag_removals=read_removals(connection),
        role_settings=tuple(_settings(*row) for row in connection.execute(_select(role_settings, *_SETTINGS))),
    )


def _revoked_keys(connection: sa.Connection) -> frozenset[str]:
    in_time = sa.or_(api_keys.c.expires.is_(None), api_keys.c.expires > sa.func.now())
    query = sa.select(api_keys.c.id).where(api_keys.c.revoked.is_not(None), in_time)
    return frozenset(connection.execute(query).scalars())


def read_memberships(connection: sa.Connection) -> tuple[Membership, ...]:
    """Return who is a member of what."""
    rows = connection.execute(_select(memberships, *_MEMBERSHIP))
    return tuple(replace(Membership(*row), grantor=row.grantor or None) for row in rows)


@dataclass(slots=True)
class AccessChange:
    """One change under way: the rows as they are, with no other change between, and a way to write others.

    ``before.version`` is the version that was; what is written gets the next.
    """

    connection: sa.Connection
    before: AccessRows
    renamed: dict[str, str] = field(default_factory=dict)  # roles: old name -> new name
    verifiers: dict[str, str | None] = field(default_factory=dict)  # roles whose password is set, or taken away

    def write(self, after: AccessRows) -> AccessRows:
        """Write the difference; return the rows with their version. Names in ``after`` are those after renaming."""
        before = self.before
        for old, new in self.renamed.items():
            self.connection.execute(roles.update().where(roles.c.name == old).values(name=new))
        before = rename_roles(before, self.renamed)
        self._rename_elsewhere()
        # What names roles goes before them, and comes after.
        tables: Sequence[tuple[sa.Table, Callable[[Any], Values], Sequence[Any], Sequence[Any]]] = (
            (row_policies, _policy_values, before.row_policies, after.row_policies),
            (table_rights, _rights_values, before.tables, after.tables),
            (views, _view_values, before.views, after.views),
            (default_privileges, _default_values, before.default_privileges, after.default_privileges),
            (grants, _grant_values, before.grants, after.grants),
            (object_grants, _object_grant_values, before.object_grants, after.object_grants),
            (comments, _comment_values, before.comments, after.comments),
            (role_settings, _settings_values, before.role_settings, after.role_settings),
            (memberships, _membership_values, before.memberships, after.memberships),
        )
        for table, values, old_rows, new_rows in tables:
            _delete(self.connection, table, [values(row) for row in set(old_rows) - set(new_rows)])
        self._write_roles(before.roles, after.roles)
        for table, values, old_rows, new_rows in reversed(tables):
            missing = [values(row) for row in sorted(set(new_rows) - set(old_rows), key=repr)]
            if missing:
                self.connection.execute(table.insert(), missing)
        write_followed(self.connection, before, after)
        return replace(after, version=before.version + 1)

    def without_user_mappings(self, rows: AccessRows, lost: Set[tuple[str | None, str]]) -> AccessRows:
        """Drop these user mappings; return the rows without them."""
        for role, source in lost:
            named = (user_mappings.c.role.is_not_distinct_from(role), user_mappings.c.source == source)
            self.connection.execute(user_mappings.delete().where(*named))
        return replace(rows, user_mappings=tuple(one for one in rows.user_mappings if one not in lost))

    def _write_roles(self, before: Iterable[Role], after: Iterable[Role]) -> None:
        old, new = {role.name: role for role in before}, {role.name: role for role in after}
        gone = sorted(old.keys() - new.keys())
        if gone:
            self.connection.execute(roles.delete().where(roles.c.name.in_(gone)))
        for name, role in new.items():
            values = _role_values(role)
            if name in self.verifiers:
                values["verifier"] = self.verifiers[name]
            if name not in old:
                self.connection.execute(roles.insert().values(values))
            elif role != old[name] or name in self.verifiers:
                self.connection.execute(roles.update().where(roles.c.name == name).values(values))

    def _rename_elsewhere(self) -> None:
        """Follow a role's new name where no foreign key does."""
        for old, new in self.renamed.items():
            for column in (
                *(grants.c.role, grants.c.grantor, memberships.c.role, memberships.c.grantor),
                *(default_privileges.c.role, default_privileges.c.creator),
                *(object_grants.c.role, object_grants.c.grantor, role_settings.c.role, comments.c.role_name),
            ):
                table = column.table
                assert isinstance(table, sa.Table)
                self.connection.execute(table.update().where(column == old).values({column.name: new}))
            replaced = sa.func.array_replace(row_policies.c.roles, old, new)
            self.connection.execute(row_policies.update().where(row_policies.c.roles.any(old)).values(roles=replaced))


def rename_roles(rows: AccessRows, renamed: Mapping[str, str]) -> AccessRows:
    """Return the rows with other names of roles."""
    if not renamed:
        return rows

    def name(role: str) -> str:
        return renamed.get(role, role)

    def maybe(role: str | None) -> str | None:
        return None if role is None else name(role)

    return replace(
        rows,
        roles=tuple(replace(row, name=name(row.name)) for row in rows.roles),
        memberships=tuple(
            replace(row, role=name(row.role), member=name(row.member), grantor=maybe(row.grantor))
            for row in rows.memberships
        ),
        grants=tuple(replace(row, role=name(row.role), grantor=maybe(row.grantor)) for row in rows.grants),
        tables=tuple(replace(row, owner=maybe(row.owner)) for row in rows.tables),
        row_policies=tuple(replace(row, roles=tuple(map(name, row.roles))) for row in rows.row_policies),
        default_privileges=tuple(
            replace(row, role=name(row.role), creator=maybe(row.creator)) for row in rows.default_privileges
        ),
        object_grants=tuple(
            replace(row, role=name(row.role), grantor=maybe(row.grantor)) for row in rows.object_grants
        ),
        user_mappings=tuple((maybe(role), source) for role, source in rows.user_mappings),
        role_settings=tuple(replace(row, role=maybe(row.role)) for row in rows.role_settings),
        comments=tuple(replace(row, role=name(row.role)) for row in rows.comments),
    )


def without_roles(rows: AccessRows, names: frozenset[str]) -> AccessRows:
    """Return the rows without some roles and all they hold, gave or own. A policy for them alone is for nobody."""
    kept_policies = []
    for policy in rows.row_policies:
        left = tuple(role for role in policy.roles if role not in names)
        if left:
            kept_policies.append(policy if left == policy.roles else replace(policy, roles=left))
    return replace(
        rows,
        roles=tuple(row for row in rows.roles if row.name not in names),
        memberships=tuple(row for row in rows.memberships if names.isdisjoint((row.role, row.member, row.grantor))),
        grants=tuple(row for row in rows.grants if names.isdisjoint((row.role, row.grantor))),
        tables=tuple(replace(row, owner=None) if row.owner in names else row for row in rows.tables),
        row_policies=tuple(kept_policies),
        default_privileges=tuple(row for row in rows.default_privileges if names.isdisjoint((row.role, row.creator))),
        object_grants=tuple(row for row in rows.object_grants if names.isdisjoint((row.role, row.grantor))),
        user_mappings=tuple(row for row in rows.user_mappings if row[0] not in names),
        role_settings=tuple(row for row in rows.role_settings if row.role not in names),
        comments=tuple(row for row in rows.comments if row.role not in names),
    )


_MAPPINGS = sa.select(user_mappings.c.role, user_mappings.c.source).order_by(user_mappings.c.id)
_ROLE = (*("name", "superuser", "login", "created", "create_role", "bypass_row_security", "inherit", "valid_until"),)
_MEMBERSHIP = ("role", "member", "admin", "inherit", "set_role", "grantor")
_GRANT = ("role", "schema_name", "table_name", "privilege", "grantor", "column_name", "grantable")
_RIGHTS = ("schema_name", "table_name", "owner", "row_security", "forced")
_POLICY = (
    *("schema_name", "table_name", "name", "permissive", "command", "roles", "using_expression", "check_expression"),
    "state",
)
_VIEW = (
    *("schema_name", "view_name", "definition", "column_names", "column_types", "security_invoker", "options"),
    "comment",
)
_OBJECT_GRANT = ("role", "privilege", "function_name", "grantor", "grantable", "held", "server_name")
_COMMENT = ("schema_name", "table_name", "column_name", "policy_name", "comment", "role_name")
_SETTINGS = ("role", "of_database", "settings")
_DEFAULT = ("role", "privilege", "creator", "schema_name", "grantable", "objects", "held")


def _select(table: sa.Table, *names: str) -> sa.Select[Any]:
    return sa.select(*(table.c[name] for name in names)).order_by(*table.primary_key.columns)


def _grant(role: str, schema: str, table: str, privilege: str, grantor: str, column: str, grantable: bool) -> Grant:
    return Grant(role, schema, table, privilege, grantor or None, column or None, grantable)


def _policy(schema: str, table: str, name: str, permissive: bool, command: str, *rest: Any) -> RowPolicy:
    names, using, check, state = rest
    return RowPolicy(schema, table, name, permissive, command, tuple(names), using, check, PolicyState(state))


def _view(schema: str, name: str, definition: str, names: list[str], types: list[str], *rest: Any) -> ViewRow:
    security_invoker, options, comment = rest
    columns = tuple(zip(names, types, strict=True))
    return ViewRow(schema, name, definition, columns, security_invoker, tuple(options), comment)


def _object_grant(role: str, privilege: str, function: str, grantor: str, *rest: Any) -> ObjectGrant:
    grantable, held, server = rest
    return ObjectGrant(role, privilege, function or None, grantor or None, grantable, held, server or None)


def _default(role: str, privilege: str, creator: str, schema: str, *rest: Any) -> DefaultPrivilege:
    return DefaultPrivilege(role, privilege, creator or None, schema or None, *rest)


def _settings(role: str, of_database: bool, settings: list[str]) -> RoleSettings:
    return RoleSettings(role or None, of_database, tuple(settings))


def _role_values(row: Role) -> Values:
    return {name: getattr(row, name) for name in _ROLE if name != "created"}


def _membership_values(row: Membership) -> Values:
    return {name: getattr(row, name) for name in _MEMBERSHIP} | {"grantor": row.grantor or ""}


def _grant_values(row: Grant) -> Values:
    values = (row.role, row.schema, row.table, row.privilege, row.grantor or "", row.column or "", row.grantable)
    return dict(zip(_GRANT, values, strict=True))


def _rights_values(row: TableRights) -> Values:
    return dict(zip(_RIGHTS, (row.schema, row.table, row.owner, row.row_security, row.forced), strict=True))


def _policy_values(row: RowPolicy) -> Values:
    head = (row.schema, row.table, row.name, row.permissive, row.command, [*row.roles])
    return dict(zip(_POLICY, (*head, row.using, row.check, row.state.value), strict=True))


def _view_values(row: ViewRow) -> Values:
    names, types = ([column[part] for column in row.columns] for part in (0, 1))
    values = (row.schema, row.name, row.definition, names, types, row.security_invoker, [*row.options], row.comment)
    return dict(zip(_VIEW, values, strict=True))


def _default_values(row: DefaultPrivilege) -> Values:
    values = (row.role, row.privilege, row.creator or "", row.schema or "", row.grantable, row.objects, row.held)
    return dict(zip(_DEFAULT, values, strict=True))


def _object_grant_values(row: ObjectGrant) -> Values:
    values = (row.role, row.privilege, row.function or "", row.grantor or "", row.grantable, row.held)
    return dict(zip(_OBJECT_GRANT, (*values, row.server or ""), strict=True))


def _comment_values(row: Comment) -> Values:
    return dict(zip(_COMMENT, (row.schema, row.table, row.column, row.policy, row.text, row.role), strict=True))


def _settings_values(row: RoleSettings) -> Values:
    return dict(zip(_SETTINGS, (row.role or "", row.of_database, [*row.settings]), strict=True))


def _delete(connection: sa.Connection, table: sa.Table, rows: Sequence[Values]) -> None:
    """Delete rows by their keys."""
    if not rows:
        return
    keys = [*table.primary_key.columns]
    statement = table.delete().where(*(column == sa.bindparam(f"k_{column.name}") for column in keys))
    connection.execute(statement, [{f"k_{column.name}": row[column.name] for column in keys} for row in rows])
