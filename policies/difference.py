"""The statements that make one state of access into another: what is exported is the difference from nothing.

The order is a safe one: masks, tags and row policies come before privileges and memberships are given, what is taken
away goes first, and protection that is not wanted any more goes last. Names of roles, tables and columns are quoted
where they must be. Passwords and keys are never told.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from catalog.key_words import sql_name
from catalog.mask_library import SCHEMA
from catalog.names import TableName, quote_literal
from catalog.store.rows import (
    ALL_TABLES,
    PUBLIC,
    SCHEMA_ITSELF,
    AccessRows,
    ColumnMask,
    Comment,
    DefaultPrivilege,
    Grant,
    MaskingPolicy,
    Membership,
    PolicyState,
    Role,
    RowPolicy,
    TableRights,
    TagAssignment,
    TagPolicy,
)

T = TypeVar("T")
_STATES = {PolicyState.DRAFT: "DRAFT", PolicyState.SHADOW: "SHADOW", PolicyState.ENFORCED: "ENFORCE"}


@dataclass(frozen=True, slots=True)
class Section:
    """Statements of one kind."""

    name: str
    statements: tuple[str, ...]


def normalised(rows: AccessRows, tables: Iterable[TableName]) -> AccessRows:
    """Return the rows as statements can say them, without what depends on a store: a grant on all tables of a schema,
    those to come included, is one on each table and a default privilege; a superuser's table is nobody's own.
    """
    names = [*tables]
    views = {(row.schema, row.name) for row in rows.views}  # they are in no file, and what is set on them neither
    supers = {role.name for role in rows.roles if role.superuser}
    grants: set[Grant] = set()
    defaults = {replace(row, creator=None if row.creator in supers else row.creator) for row in rows.default_privileges}
    for given in rows.grants:
        if (given.schema, given.table) in views:
            continue
        row = replace(given, grantor=None if given.grantor in supers else given.grantor)
        if row.table != ALL_TABLES:
            grants.add(row)
            continue
        defaults.add(DefaultPrivilege(row.role, row.privilege, None, row.schema, row.grantable))
        grants |= {replace(row, table=name.name) for name in names if name.schema == row.schema}
    own = (row for row in rows.tables if (row.schema, row.table) not in views)
    rights = {replace(row, owner=None if row.owner in supers else row.owner) for row in own}
    return replace(
        rows,
        version=0,
        roles=tuple(replace(role, created=None) for role in rows.roles),
        memberships=tuple(replace(row, grantor=None) for row in rows.memberships),
        grants=tuple(grants),
        default_privileges=tuple(defaults),
        tables=tuple(row for row in rights if row != TableRights(row.schema, row.table)),
        object_grants=tuple(replace(row, grantor=None) for row in rows.object_grants),
        comments=tuple(row for row in rows.comments if (row.schema, row.table) not in views),
        column_masks=tuple(
            replace(row, identities=()) for row in rows.column_masks if (row.schema, row.table) not in views
        ),
        tag_assignments=tuple(
            replace(row, identity=None) for row in rows.tag_assignments if (row.schema, row.table) not in views
        ),
    )


def difference(before: AccessRows, after: AccessRows, database: str, *, drops: bool = False) -> list[Section]:
    """Return what makes ``before`` into ``after``, both `normalised`; sections without statements are left out.

    Roles and masking secrets that ``after`` does not have stay unless ``drops``.
    """
    made = _Difference(before, after, database, drops)
    sections = (
        ("roles", made.roles()),
        ("memberships ended", made.memberships_ended()),
        ("privileges taken", made.privileges_taken()),
        ("masking secrets", made.secrets()),
        ("masking policies", made.masking_policies()),
        ("tags", made.tags()),
        ("masks", made.masks()),
        ("row policies", made.row_policies()),
        ("row security", made.row_security(on=True)),
        ("owners", made.owners()),
        ("privileges", made.privileges_given()),
        ("default privileges", made.default_privileges()),
        ("privileges on the database and functions", made.object_privileges()),
        ("comments", made.comments()),
        ("memberships", made.memberships()),
        ("protection ended", made.protection_ended()),
        ("dropped", made.dropped()),
    )
    told = (Section(name, tuple(statements)) for name, statements in sections)
    return [section for section in told if section.statements]


@dataclass(frozen=True, slots=True)
class _Difference:
    before: AccessRows
    after: AccessRows
    database: str
    drops: bool

    # --- roles ---

    def roles(self) -> Iterator[str]:
        known = {role.name: role for role in self.before.roles}
        for role in sorted(self.after.roles):
            present = known.get(role.name)
            if present is None:
                yield _words("CREATE ROLE", sql_name(role.name), *_options(Role(role.name, login=False), role))
            elif options := _options(present, role):
                yield _words("ALTER ROLE", sql_name(role.name), *options)

    def memberships_ended(self) -> Iterator[str]:
        kept = {(row.role, row.member) for row in self.after.memberships}
        for row in _sorted(self.before.memberships):
            if (row.role, row.member) not in kept:
                yield f"REVOKE {sql_name(row.role)} FROM {sql_name(row.member)}"

    def memberships(self) -> Iterator[str]:
        known = set(self.before.memberships)
        for row in _sorted(self.after.memberships):
            if row not in known:
                yield f"GRANT {sql_name(row.role)} TO {sql_name(row.member)} WITH {_membership_options(row)}"

    # --- privileges ---

    def privileges_taken(self) -> Iterator[str]:
        kept = {replace(row, grantable=False) for row in self.after.grants}
        still_grantable = set(self.after.grants)
        gone, options = [], []
        for row in self.before.grants:
            if replace(row, grantable=False) not in kept:
                gone.append(row)
            elif row.grantable and row not in still_grantable:
                options.append(row)
        yield from _grant_statements("REVOKE", gone)
        yield from _grant_statements("REVOKE GRANT OPTION FOR", options)

    def privileges_given(self) -> Iterator[str]:
        known = set(self.before.grants) | {replace(row, grantable=False) for row in self.before.grants}
        yield from _grant_statements("GRANT", [row for row in self.after.grants if row not in known])

    def default_privileges(self) -> Iterator[str]:
        kept, known = set(self.after.default_privileges), set(self.before.default_privileges)
        for row in _sorted(known - kept):
            yield _words(*_default_head(row), f"REVOKE {row.privilege} ON TABLES FROM {_grantee(row.role)}")
        for row in _sorted(kept - known):
            option = "WITH GRANT OPTION" if row.grantable else ""
            yield _words(*_default_head(row), f"GRANT {row.privilege} ON TABLES TO {_grantee(row.role)}", option)

    def object_privileges(self) -> Iterator[str]:
        old, new = set(self.before.object_grants), set(self.after.object_grants)
        for given, rows in ((False, old - new), (True, new - old)):
            for row in _sorted(rows):
                subject = f"DATABASE {sql_name(self.database)}"
                if row.function is not None:
                    subject = f"FUNCTION {SCHEMA}.{row.function}"
                if given == row.held:
                    option = "WITH GRANT OPTION" if row.grantable else ""
                    yield _words(f"GRANT {row.privilege} ON {subject} TO {_grantee(row.role)}", option)
                else:
                    yield f"REVOKE {row.privilege} ON {subject} FROM {_grantee(row.role)} CASCADE"

    def comments(self) -> Iterator[str]:
        old, new = set(self.before.comments), set(self.after.comments)
        kept = {_comment_subject(row) for row in new}
        policies = {_policy_key(row) for row in self.after.row_policies}
        for row in _sorted(old - new):
            dropped = row.policy and (row.schema, row.table, row.policy) not in policies
            if _comment_subject(row) not in kept and not dropped:
                yield f"COMMENT ON {_comment_subject(row)} IS NULL"
        for row in _sorted(new - old):
            yield f"COMMENT ON {_comment_subject(row)} IS {quote_literal(row.text)}"

    def owners(self) -> Iterator[str]:
        known = _by_table(self.before.tables)
        for name, row in sorted(_by_table(self.after.tables).items()):
            if row.owner != (known[name].owner if name in known else None):
                owner = "CURRENT_USER" if row.owner is None else sql_name(row.owner)
                yield f"ALTER TABLE {_written(name)} OWNER TO {owner}"
        for name, row in sorted(known.items()):
            if row.owner is not None and name not in _by_table(self.after.tables):
                yield f"ALTER TABLE {_written(name)} OWNER TO CURRENT_USER"

    # --- rows ---

    def row_policies(self) -> Iterator[str]:
        known = {_policy_key(row): row for row in self.before.row_policies}
        for row in _sorted(self.after.row_policies):
            present = known.get(_policy_key(row))
            if present is None:
                yield _create_policy(row)
            elif _can_alter(present, row):
                if not _ends(present, row):
                    yield from reversed(_altered(present, row))
            else:
                yield from ("BEGIN", f"DROP POLICY {_policy_name(row)}", _create_policy(row), "COMMIT")

    def row_security(self, *, on: bool) -> Iterator[str]:
        known, wanted = _by_table(self.before.tables), _by_table(self.after.tables)
        for name in sorted({*known, *wanted}):
            plain = TableRights(name.schema, name.name)
            old, new = known.get(name, plain), wanted.get(name, plain)
            if old.row_security != new.row_security and new.row_security == on:
                yield f"ALTER TABLE {_written(name)} {'ENABLE' if on else 'DISABLE'} ROW LEVEL SECURITY"
            if old.forced != new.forced and new.forced == on:
                yield f"ALTER TABLE {_written(name)} {'' if on else 'NO '}FORCE ROW LEVEL SECURITY"

    # --- masks and tags ---

    def secrets(self) -> Iterator[str]:
        for name in sorted(set(self.after.masking_secrets) - set(self.before.masking_secrets)):
            yield f"CREATE MASKING SECRET {sql_name(name)}"

    def masking_policies(self) -> Iterator[str]:
        known = {row.name: row for row in self.before.masking_policies}
        for row in _sorted(self.after.masking_policies):
            present = known.get(row.name)
            if present is None:
                yield f"CREATE {_created(row.state)}MASKING POLICY {_masking_body(row)}"
            elif not _ends(present, row):
                yield from reversed(_altered_mask(present, row))

    def tags(self) -> Iterator[str]:
        known = {row.name: row for row in self.before.tags}
        for row in _sorted(self.after.tags):
            if known.get(row.name) == row:
                continue
            if row.name in known:  # there is no statement for other values: with it goes, and comes again, all it has
                yield from self._without_tag(row.name)
                yield f"DROP TAG {sql_name(row.name)}"
            values = "" if row.values is None else f"VALUES ({', '.join(map(quote_literal, row.values))})"
            yield _words("CREATE TAG", sql_name(row.name), values)
        made_anew = {row.name for row in self.after.tags if row.name in known and known[row.name] != row}
        kept_policies = {row for row in self.before.tag_policies if row.tag not in made_anew}
        for new in _sorted(set(self.after.tag_policies) - kept_policies):
            replaced = {
                row
                for row in kept_policies - set(self.after.tag_policies)
                if (row.tag, row.value_type) == (new.tag, new.value_type)
            }
            yield from map(_unset_tag_policy, _sorted(replaced))
            yield f"ALTER TAG {sql_name(new.tag)} SET MASKING POLICY {sql_name(new.policy)}"
        kept = {row for row in self.before.tag_assignments if row.tag not in made_anew}
        for given in _sorted(set(self.after.tag_assignments) - kept):
            yield f"{self._place(given)} SET TAG {sql_name(given.tag)} = {quote_literal(given.value)}"

    def _without_tag(self, tag: str) -> Iterator[str]:
        for given in _sorted(row for row in self.before.tag_assignments if row.tag == tag):
            yield f"{self._place(given)} UNSET TAG {sql_name(tag)}"
        yield from map(_unset_tag_policy, _sorted(row for row in self.before.tag_policies if row.tag == tag))

    def _place(self, given: TagAssignment) -> str:
        if given.schema is None:
            return f"ALTER DATABASE {sql_name(self.database)}"
        if given.table is None:
            return f"ALTER SCHEMA {sql_name(given.schema)}"
        table = f"ALTER TABLE {_table(given)}"
        return table if given.column is None else f"{table} ALTER COLUMN {sql_name(given.column)}"

    def masks(self) -> Iterator[str]:
        idle = {row.name for row in self.after.masking_policies if row.state is not PolicyState.ENFORCED}
        masked = {(row.schema, row.table, row.column) for row in self.before.column_masks}
        for row in _sorted(set(self.after.column_masks) - set(self.before.column_masks)):
            if row.policy in idle and (row.schema, row.table, row.column) in masked:
                yield f"{_masked(row)} UNSET MASKING POLICY"  # one that does not govern takes no other's place
            using = f"USING ({', '.join(map(sql_name, row.arguments))})" if len(row.arguments) > 1 else ""
            yield _words(f"{_masked(row)} SET MASKING POLICY {sql_name(row.policy)}", using)

    def protection_ended(self) -> Iterator[str]:
        """What masks and filters, and is not wanted any more."""
        before, after = self.before, self.after
        yield from self._states_ended()
        masked = {(row.schema, row.table, row.column) for row in after.column_masks}
        for mask in _sorted(before.column_masks):
            if (mask.schema, mask.table, mask.column) not in masked:
                yield f"{_masked(mask)} UNSET MASKING POLICY"
        tags = {row.name: row for row in after.tags}
        renewed = {row.name for row in before.tags if row.name in tags and tags[row.name] != row}
        places = {replace(row, value="") for row in after.tag_assignments}
        for given in _sorted(before.tag_assignments):
            if given.tag not in renewed and replace(given, value="") not in places:
                yield f"{self._place(given)} UNSET TAG {sql_name(given.tag)}"
        typed = {(row.tag, row.value_type) for row in after.tag_policies}
        for row in _sorted(before.tag_policies):
            if row.tag not in renewed and (row.tag, row.value_type) not in typed:
                yield _unset_tag_policy(row)
        for name in sorted({row.name for row in before.tags} - set(tags)):
            yield f"DROP TAG {sql_name(name)}"
        for name in sorted(
            {one.name for one in before.masking_policies} - {one.name for one in after.masking_policies}
        ):
            yield f"DROP MASKING POLICY {sql_name(name)}"
        yield from self.row_security(on=False)
        kept = {_policy_key(one) for one in after.row_policies}
        for policy in _sorted(before.row_policies):
            if _policy_key(policy) not in kept:
                yield f"DROP POLICY {_policy_name(policy)}"

    def _states_ended(self) -> Iterator[str]:
        known = {_policy_key(row): row for row in self.before.row_policies}
        for policy in _sorted(self.after.row_policies):
            present = known.get(_policy_key(policy))
            if present is not None and _can_alter(present, policy) and _ends(present, policy):
                yield from _altered(present, policy)
        bodies = {row.name: row for row in self.before.masking_policies}
        for body in _sorted(self.after.masking_policies):
            if body.name in bodies and _ends(bodies[body.name], body):
                yield from _altered_mask(bodies[body.name], body)

    def dropped(self) -> Iterator[str]:
        if not self.drops:
            return
        for name in sorted(set(self.before.masking_secrets) - set(self.after.masking_secrets)):
            yield f"DROP MASKING SECRET {sql_name(name)}"
        gone = sorted({role.name for role in self.before.roles} - {role.name for role in self.after.roles})
        if gone:
            yield f"DROP ROLE {_roles(gone)}"


def _options(old: Role, new: Role) -> list[str]:
    """The attributes in which two roles differ."""
    words = (
        ("superuser", "SUPERUSER"),
        ("login", "LOGIN"),
        ("create_role", "CREATEROLE"),
        ("bypass_row_security", "BYPASSRLS"),
        ("inherit", "INHERIT"),
    )
    found = [
        word if getattr(new, name) else f"NO{word}" for name, word in words if getattr(old, name) != getattr(new, name)
    ]
    if old.valid_until != new.valid_until:
        until = "infinity" if new.valid_until is None else new.valid_until.isoformat()
        found.append(f"VALID UNTIL {quote_literal(until)}")
    return found


def _membership_options(row: Membership) -> str:
    options = (("ADMIN", row.admin), ("INHERIT", row.inherit), ("SET", row.set_role))
    return ", ".join(f"{name} {'TRUE' if value else 'FALSE'}" for name, value in options)


def _grant_statements(verb: str, grants: Sequence[Grant]) -> Iterator[str]:
    """Statements for privileges, those on columns of one table together. One that another role gave is taken and given
    as that role.
    """
    grouped: dict[tuple[object, ...], list[Grant]] = {}
    for row in _sorted(grants):
        key = (row.grantor or "", row.schema, row.table, row.role, row.privilege, row.grantable, row.column is None)
        grouped.setdefault(key, []).append(row)
    in_order = sorted(grouped.values(), key=lambda each: (each[0].grantor or "", each[0].schema, each[0].table))
    for rows in in_order if verb == "GRANT" else reversed(in_order):  # what others gave on goes before what they have
        row = rows[0]
        columns = ", ".join(sql_name(each.column) for each in rows if each.column is not None)
        privilege = f"{row.privilege} ({columns})" if columns else row.privilege
        schema = row.table == SCHEMA_ITSELF
        on = f"SCHEMA {sql_name(row.schema)}" if schema else _table(row)
        option = "WITH GRANT OPTION" if verb == "GRANT" and row.grantable else ""
        to = "TO" if verb == "GRANT" else "FROM"
        statement = _words(f"{verb} {privilege} ON {on} {to} {_grantee(row.role)}", option)
        if row.grantor is None:
            yield statement
        else:
            yield from (f"SET ROLE {sql_name(row.grantor)}", statement, "RESET ROLE")


def _default_head(row: DefaultPrivilege) -> tuple[str, ...]:
    return (
        "ALTER DEFAULT PRIVILEGES",
        f"FOR ROLE {sql_name(row.creator)}" if row.creator is not None else "",
        f"IN SCHEMA {sql_name(row.schema)}" if row.schema is not None else "",
    )


def _create_policy(row: RowPolicy) -> str:
    kind = "PERMISSIVE" if row.permissive else "RESTRICTIVE"
    head = f"CREATE {_created(row.state)}POLICY {_policy_name(row)} AS {kind} FOR {row.command} TO {_roles(row.roles)}"
    return _words(head, *_conditions(row))


def _ends(old: RowPolicy | MaskingPolicy, new: RowPolicy | MaskingPolicy) -> bool:
    """Whether a policy does not govern any more."""
    return old.state is PolicyState.ENFORCED and new.state is not PolicyState.ENFORCED


def _altered(old: RowPolicy, new: RowPolicy) -> list[str]:
    """What gives a policy its state, then its conditions: in this order where it does not govern in the end."""
    state = [] if old.state == new.state else [f"ALTER POLICY {_policy_name(new)} {_STATES[new.state]}"]
    if replace(old, state=new.state) == new:
        return state
    return [*state, _words(f"ALTER POLICY {_policy_name(new)} TO {_roles(new.roles)}", *_conditions(new))]


def _altered_mask(old: MaskingPolicy, new: MaskingPolicy) -> list[str]:
    """As `_altered`."""
    state = [] if old.state == new.state else [f"ALTER MASKING POLICY {sql_name(new.name)} {_STATES[new.state]}"]
    if replace(old, expression=new.expression, state=new.state) != new:
        return [*state, f"CREATE OR REPLACE MASKING POLICY {_masking_body(new)}"]
    if old.expression != new.expression:
        return [*state, f"ALTER MASKING POLICY {sql_name(new.name)} SET BODY AS {new.expression}"]
    return state


def _created(state: PolicyState) -> str:
    return "" if state is PolicyState.ENFORCED else f"{_STATES[state]} "


def _can_alter(old: RowPolicy, new: RowPolicy) -> bool:
    same = (old.permissive, old.command) == (new.permissive, new.command)
    taken = (old.using is not None and new.using is None) or (old.check is not None and new.check is None)
    return same and not taken


def _conditions(row: RowPolicy) -> list[str]:
    using = [] if row.using is None else [f"USING ({row.using})"]
    return using if row.check is None else [*using, f"WITH CHECK ({row.check})"]


def _policy_key(row: RowPolicy) -> tuple[str, str, str]:
    return row.schema, row.table, row.name


def _policy_name(row: RowPolicy) -> str:
    return f"{sql_name(row.name)} ON {_table(row)}"


def _masking_body(row: MaskingPolicy) -> str:
    parameters = ", ".join(f"{sql_name(name)} {kind}" for name, kind in row.parameters)
    return f"{sql_name(row.name)} ({parameters}) RETURNS {row.returns} AS {row.expression}"


def _masked(row: ColumnMask) -> str:
    return f"ALTER TABLE {_table(row)} ALTER COLUMN {sql_name(row.column)}"


def _unset_tag_policy(row: TagPolicy) -> str:
    return f"ALTER TAG {sql_name(row.tag)} UNSET MASKING POLICY {sql_name(row.policy)}"


def _written(name: TableName) -> str:
    return f"{sql_name(name.schema)}.{sql_name(name.name)}"


def _table(row: Grant | RowPolicy | ColumnMask | TagAssignment) -> str:
    return _written(TableName(row.schema or "", row.table or ""))


def _by_table(rows: Iterable[TableRights]) -> dict[TableName, TableRights]:
    return {TableName(row.schema, row.table): row for row in rows}


def _roles(names: Iterable[str]) -> str:
    return ", ".join(_grantee(name) for name in sorted(names))


def _comment_subject(row: Comment) -> str:
    name = sql_name(row.schema) if not row.table else _written(TableName(row.schema, row.table))
    if row.policy:
        return f"POLICY {sql_name(row.policy)} ON {name}"
    if row.column:
        return f"COLUMN {name}.{sql_name(row.column)}"
    return f"TABLE {name}" if row.table else f"SCHEMA {name}"


def _grantee(name: str) -> str:
    return "PUBLIC" if name == PUBLIC else sql_name(name)


def _words(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _sorted(rows: Iterable[T], key: Callable[[T], Hashable] = repr) -> list[T]:
    return sorted(rows, key=key)  # type: ignore[arg-type]  # None in some places does not compare: by text
