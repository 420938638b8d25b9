"""The statements that make one state of access into another: what is exported is the difference from nothing.

The order is a safe one: masks, tags and row policies come before privileges and memberships are given, what is taken
away goes first, and protection that is not wanted any more goes last. Names of roles, tables and columns are quoted
where they must be. Passwords and keys are never told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from catalog.key_words import sql_name
from catalog.mask_library import SCHEMA
from catalog.names import TableName, quote_literal
from catalog.store.rows import (
    ALL_TABLES,
    AccessRows,
    ColumnMask,
    DefaultPrivilege,
    Grant,
    PolicyState,
    Role,
    TableRights,
    TagAssignment,
)
from policies.access_statements import (
    altered,
    altered_mask,
    by_table,
    can_alter,
    changed_settings,
    comment_statement,
    comment_subject,
    create_policy,
    created_state,
    default_privilege,
    grant_statements,
    grantee,
    grantees,
    in_order,
    masking_body,
    membership_options,
    policy_key,
    policy_name,
    role_options,
    stops_governing,
    table_of,
    unset_tag_policy,
    words,
    written,
)
from policies.view_difference import change_views, drop_views, view_names


@dataclass(frozen=True, slots=True)
class Section:
    """Statements of one kind."""

    name: str
    statements: tuple[str, ...]


def normalised(rows: AccessRows, tables: Iterable[TableName]) -> AccessRows:
    """Return the rows as statements can say them, without what depends on a store: a grant on all tables of a schema,
    those to come included, is one on each table and a default privilege; a superuser's table is nobody's own.
    """
    names = [*tables, *view_names(rows)]
    supers = {role.name for role in rows.roles if role.superuser}
    grants: set[Grant] = set()
    defaults = {replace(row, creator=None if row.creator in supers else row.creator) for row in rows.default_privileges}
    for given in rows.grants:
        row = replace(given, grantor=None if given.grantor in supers else given.grantor)
        if row.table != ALL_TABLES:
            grants.add(row)
            continue
        defaults.add(DefaultPrivilege(row.role, row.privilege, None, row.schema, row.grantable))
        grants |= {replace(row, table=name.name) for name in names if name.schema == row.schema}
    rights = {replace(row, owner=None if row.owner in supers else row.owner) for row in rows.tables}
    return replace(
        rows,
        version=0,
        roles=tuple(replace(role, created=None) for role in rows.roles),
        memberships=tuple(replace(row, grantor=None) for row in rows.memberships),
        grants=tuple(grants),
        default_privileges=tuple(defaults),
        tables=tuple(row for row in rights if row != TableRights(row.schema, row.table)),
        object_grants=tuple(replace(row, grantor=None) for row in rows.object_grants),
        column_masks=tuple(replace(row, identities=()) for row in rows.column_masks),
        tag_assignments=tuple(replace(row, identity=None) for row in rows.tag_assignments),
    )


def difference(before: AccessRows, after: AccessRows, database: str, *, drops: bool = False) -> list[Section]:
    """Return what makes ``before`` into ``after``, both `normalised`; sections without statements are left out.

    Roles and masking secrets that ``after`` does not have stay unless ``drops``.
    """
    views = change_views(before, after)
    made, kept = _Difference(before, after, database, drops), _Difference(views.left, after, database, drops)
    sections = (
        ("roles", made.roles()),
        ("memberships ended", made.memberships_ended()),
        ("privileges taken", made.privileges_taken()),
        ("masking secrets", made.secrets()),
        ("masking policies", made.masking_policies()),
        ("tags", made.tags()),
        ("masks", made.masks()),
        ("views", views.statements),
        ("tags and masks of views", kept.on_views()),
        ("row policies", kept.row_policies()),
        ("row security", kept.row_security(on=True)),
        ("owners", kept.owners()),
        ("privileges", kept.privileges_given()),
        ("default privileges", made.default_privileges()),
        ("privileges on the database and functions", made.object_privileges()),
        ("settings", changed_settings(before.role_settings, after.role_settings, database)),
        ("comments", kept.comments()),
        ("memberships", made.memberships()),
        ("protection ended", kept.protection_ended()),
        ("views ended", drop_views(views.left, after)),
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
                yield words("CREATE ROLE", sql_name(role.name), *role_options(Role(role.name, login=False), role))
            elif options := role_options(present, role):
                yield words("ALTER ROLE", sql_name(role.name), *options)

    def memberships_ended(self) -> Iterator[str]:
        kept = {(row.role, row.member) for row in self.after.memberships}
        for row in in_order(self.before.memberships):
            if (row.role, row.member) not in kept:
                yield f"REVOKE {sql_name(row.role)} FROM {sql_name(row.member)}"

    def memberships(self) -> Iterator[str]:
        known = set(self.before.memberships)
        for row in in_order(self.after.memberships):
            if row not in known:
                yield f"GRANT {sql_name(row.role)} TO {sql_name(row.member)} WITH {membership_options(row)}"

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
        yield from grant_statements("REVOKE", gone)
        yield from grant_statements("REVOKE GRANT OPTION FOR", options)

    def privileges_given(self) -> Iterator[str]:
        known = set(self.before.grants) | {replace(row, grantable=False) for row in self.before.grants}
        yield from grant_statements("GRANT", [row for row in self.after.grants if row not in known])

    def default_privileges(self) -> Iterator[str]:
        kept, known = set(self.after.default_privileges), set(self.before.default_privileges)
        for row in in_order(known - kept):
            yield default_privilege(row, given=not row.held)
        for row in in_order(kept - known):
            yield default_privilege(row, given=row.held)

    def object_privileges(self) -> Iterator[str]:
        old, new = set(self.before.object_grants), set(self.after.object_grants)
        for given, rows in ((False, old - new), (True, new - old)):
            for row in in_order(rows):
                subject = f"DATABASE {sql_name(self.database)}"
                if row.function is not None:
                    subject = f"FUNCTION {SCHEMA}.{row.function}"
                elif row.server is not None:
                    subject = f"FOREIGN SERVER {sql_name(row.server)}"
                if given == row.held:
                    option = "WITH GRANT OPTION" if row.grantable else ""
                    yield words(f"GRANT {row.privilege} ON {subject} TO {grantee(row.role)}", option)
                else:
                    yield f"REVOKE {row.privilege} ON {subject} FROM {grantee(row.role)} CASCADE"

    def comments(self) -> Iterator[str]:
        old, new = set(self.before.comments), set(self.after.comments)
        kept = {comment_subject(row, self.database) for row in new}
        policies = {policy_key(row) for row in self.after.row_policies}
        for row in in_order(old - new):
            dropped = row.policy and (row.schema, row.table, row.policy) not in policies
            if comment_subject(row, self.database) not in kept and not dropped:
                yield f"COMMENT ON {comment_subject(row, self.database)} IS NULL"
        for row in in_order(new - old):
            yield comment_statement(row, self.database)

    def owners(self) -> Iterator[str]:
        known = by_table(self.before.tables)
        for name, row in sorted(by_table(self.after.tables).items()):
            if row.owner != (known[name].owner if name in known else None):
                owner = "CURRENT_USER" if row.owner is None else sql_name(row.owner)
                yield f"ALTER TABLE {written(name)} OWNER TO {owner}"
        for name, row in sorted(known.items()):
            if row.owner is not None and name not in by_table(self.after.tables):
                yield f"ALTER TABLE {written(name)} OWNER TO CURRENT_USER"

    # --- rows ---

    def row_policies(self) -> Iterator[str]:
        known = {policy_key(row): row for row in self.before.row_policies}
        for row in in_order(self.after.row_policies):
            present = known.get(policy_key(row))
            if present is None:
                yield create_policy(row)
            elif can_alter(present, row):
                if not stops_governing(present, row):
                    yield from reversed(altered(present, row))
            else:
                yield from ("BEGIN", f"DROP POLICY {policy_name(row)}", create_policy(row), "COMMIT")

    def row_security(self, *, on: bool) -> Iterator[str]:
        known, wanted = by_table(self.before.tables), by_table(self.after.tables)
        for name in sorted({*known, *wanted} - self._views_ended):
            plain = TableRights(name.schema, name.name)
            old, new = known.get(name, plain), wanted.get(name, plain)
            if old.row_security != new.row_security and new.row_security == on:
                yield f"ALTER TABLE {written(name)} {'ENABLE' if on else 'DISABLE'} ROW LEVEL SECURITY"
            if old.forced != new.forced and new.forced == on:
                yield f"ALTER TABLE {written(name)} {'' if on else 'NO '}FORCE ROW LEVEL SECURITY"

    @property
    def _views_ended(self) -> frozenset[TableName]:
        """Views that are dropped in the end, and with them what is set on them."""
        return view_names(self.before) - view_names(self.after)

    # --- masks and tags ---

    def secrets(self) -> Iterator[str]:
        for name in sorted(set(self.after.masking_secrets) - set(self.before.masking_secrets)):
            yield f"CREATE MASKING SECRET {sql_name(name)}"

    def masking_policies(self) -> Iterator[str]:
        known = {row.name: row for row in self.before.masking_policies}
        for row in in_order(self.after.masking_policies):
            present = known.get(row.name)
            if present is None:
                yield f"CREATE {created_state(row.state)}MASKING POLICY {masking_body(row)}"
            elif not stops_governing(present, row):
                yield from reversed(altered_mask(present, row))

    def tags(self) -> Iterator[str]:
        known = {row.name: row for row in self.before.tags}
        for row in in_order(self.after.tags):
            if known.get(row.name) == row:
                continue
            if row.name in known:  # there is no statement for other values: with it goes, and comes again, all it has
                yield from self._without_tag(row.name)
                yield f"DROP TAG {sql_name(row.name)}"
            values = "" if row.values is None else f"VALUES ({', '.join(map(quote_literal, row.values))})"
            yield words("CREATE TAG", sql_name(row.name), values)
        kept_policies = {row for row in self.before.tag_policies if row.tag not in self._tags_made_anew}
        for new in in_order(set(self.after.tag_policies) - kept_policies):
            replaced = {
                row
                for row in kept_policies - set(self.after.tag_policies)
                if (row.tag, row.value_type) == (new.tag, new.value_type)
            }
            yield from map(unset_tag_policy, in_order(replaced))
            yield f"ALTER TAG {sql_name(new.tag)} SET MASKING POLICY {sql_name(new.policy)}"
        yield from self._tags_set(on_views=False)

    def _tags_set(self, *, on_views: bool) -> Iterator[str]:
        kept = {row for row in self.before.tag_assignments if row.tag not in self._tags_made_anew}
        for given in in_order(set(self.after.tag_assignments) - kept):
            if self._is_view(given.schema, given.table) == on_views:
                yield f"{self._place(given)} SET TAG {sql_name(given.tag)} = {quote_literal(given.value)}"

    @property
    def _tags_made_anew(self) -> set[str]:
        known = {row.name: row for row in self.before.tags}
        return {row.name for row in self.after.tags if row.name in known and known[row.name] != row}

    def _without_tag(self, tag: str) -> Iterator[str]:
        for given in in_order(row for row in self.before.tag_assignments if row.tag == tag):
            yield f"{self._place(given)} UNSET TAG {sql_name(tag)}"
        yield from map(unset_tag_policy, in_order(row for row in self.before.tag_policies if row.tag == tag))

    def _place(self, given: TagAssignment) -> str:
        if given.schema is None:
            return f"ALTER DATABASE {sql_name(self.database)}"
        if given.table is None:
            return f"ALTER SCHEMA {sql_name(given.schema)}"
        relation = self._alter(given)
        return relation if given.column is None else f"{relation} ALTER COLUMN {sql_name(given.column)}"

    def _alter(self, row: ColumnMask | TagAssignment) -> str:
        return f"ALTER {'VIEW' if self._is_view(row.schema, row.table) else 'TABLE'} {table_of(row)}"

    def _is_view(self, schema: str | None, table: str | None) -> bool:
        return TableName(schema or "", table or "") in view_names(self.before) | view_names(self.after)

    def _column(self, row: ColumnMask) -> str:
        return f"{self._alter(row)} ALTER COLUMN {sql_name(row.column)}"

    def on_views(self) -> Iterator[str]:
        """What is set on views, and the tags that officers took off their columns."""
        yield from self._tags_set(on_views=True)
        kept = {row for row in self.before.tag_removals if row.tag not in self._tags_made_anew}
        for row in in_order(set(self.after.tag_removals) - kept):
            view = f"ALTER VIEW {written(TableName(row.schema, row.view))}"
            yield f"{view} ALTER COLUMN {sql_name(row.column)} UNSET TAG {sql_name(row.tag)}"
        yield from self.masks(on_views=True)

    def masks(self, *, on_views: bool = False) -> Iterator[str]:
        idle = {row.name for row in self.after.masking_policies if row.state is not PolicyState.ENFORCED}
        masked = {(row.schema, row.table, row.column) for row in self.before.column_masks}
        for row in in_order(set(self.after.column_masks) - set(self.before.column_masks)):
            if self._is_view(row.schema, row.table) != on_views:
                continue
            if row.policy in idle and (row.schema, row.table, row.column) in masked:
                yield f"{self._column(row)} UNSET MASKING POLICY"  # one that does not govern takes no other's place
            using = f"USING ({', '.join(map(sql_name, row.arguments))})" if len(row.arguments) > 1 else ""
            yield words(f"{self._column(row)} SET MASKING POLICY {sql_name(row.policy)}", using)

    def protection_ended(self) -> Iterator[str]:
        """What masks and filters, and is not wanted any more."""
        before, after = self.before, self.after
        yield from self._states_ended()
        masked = {(row.schema, row.table, row.column) for row in after.column_masks}
        for mask in in_order(before.column_masks):
            if (mask.schema, mask.table, mask.column) not in masked:
                yield f"{self._column(mask)} UNSET MASKING POLICY"
        tags = {row.name: row for row in after.tags}
        renewed = {row.name for row in before.tags if row.name in tags and tags[row.name] != row}
        places = {replace(row, value="") for row in after.tag_assignments}
        for given in in_order(before.tag_assignments):
            if given.tag not in renewed and replace(given, value="") not in places:
                yield f"{self._place(given)} UNSET TAG {sql_name(given.tag)}"
        typed = {(row.tag, row.value_type) for row in after.tag_policies}
        for row in in_order(before.tag_policies):
            if row.tag not in renewed and (row.tag, row.value_type) not in typed:
                yield unset_tag_policy(row)
        for name in sorted({row.name for row in before.tags} - set(tags)):
            yield f"DROP TAG {sql_name(name)}"
        for name in sorted(
            {one.name for one in before.masking_policies} - {one.name for one in after.masking_policies}
        ):
            yield f"DROP MASKING POLICY {sql_name(name)}"
        yield from self.row_security(on=False)
        kept = {policy_key(one) for one in after.row_policies}
        for policy in in_order(before.row_policies):
            of_view = TableName(policy.schema, policy.table) in self._views_ended
            if policy_key(policy) not in kept and not of_view:
                yield f"DROP POLICY {policy_name(policy)}"

    def _states_ended(self) -> Iterator[str]:
        known = {policy_key(row): row for row in self.before.row_policies}
        for policy in in_order(self.after.row_policies):
            present = known.get(policy_key(policy))
            if present is not None and can_alter(present, policy) and stops_governing(present, policy):
                yield from altered(present, policy)
        bodies = {row.name: row for row in self.before.masking_policies}
        for body in in_order(self.after.masking_policies):
            if body.name in bodies and stops_governing(bodies[body.name], body):
                yield from altered_mask(bodies[body.name], body)

    def dropped(self) -> Iterator[str]:
        if not self.drops:
            return
        for name in sorted(set(self.before.masking_secrets) - set(self.after.masking_secrets)):
            yield f"DROP MASKING SECRET {sql_name(name)}"
        gone = sorted({role.name for role in self.before.roles} - {role.name for role in self.after.roles})
        if gone:
            yield f"DROP ROLE {grantees(gone)}"
