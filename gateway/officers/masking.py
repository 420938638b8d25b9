"""Statements on masking policies, tags and masking secrets carried out: who may, what makes sense; then the store.

Superusers and members of ``lakegate_officer`` may do all of it. The owner of a table may put policies on its columns
and take them off, and set tags on it; but what a tag of the officers has decided for a column he does not change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from catalog.errors import SqlError
from catalog.mask_library import OFFICER
from catalog.mirror.mirror import Mirror
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from catalog.store.masking import MaskingStore, place_of
from catalog.store.rows import (
    AccessRows,
    Actor,
    ColumnMask,
    MaskingPolicy,
    PolicyState,
    TagAssignment,
    TagPolicy,
    TagRow,
)
from catalog.store.store import Store
from catalog.tables import Column, Table
from gateway.officers.officers import is_officer, require_own_table
from gateway.officers.view_tags import look_at_view
from gateway.sql import masking_statements as ast
from gateway.sql.mask_expressions import check_expression, secrets_of
from gateway.sql.masking_parser import parse_masking
from gateway.sql.masking_statements import MaskingStatement, RelationName
from gateway.sql.resolve import Names
from policies.states import in_force
from policies.tags import mask_faults, tags_of, type_of_column
from policies.views import KIND as VIEW


@dataclass(frozen=True, slots=True)
class MaskingCommands:
    """Carries out such statements. `execute` blocks: call it in a thread."""

    store: Store
    mirror: Mirror

    def execute(self, text: str, principal: Principal, names: Names) -> str:
        """Carry out one statement; return its command tag. Raises SqlError, with positions in ``text``."""
        statement = parse_masking(text)
        masking = self.store.masking_by(Actor(principal.session_user or principal.name, principal.name))
        command = _Command(masking, self.mirror, principal, names, self.store.load_access())
        if not isinstance(statement, _FOR_OWNERS):
            command.require_officer()
        _WORK[type(statement)](command, statement)
        return _tag_of(statement)


@dataclass(frozen=True, slots=True)
class _Command:
    """One statement on its way, with what is decided at this moment."""

    masking: MaskingStore
    mirror: Mirror
    principal: Principal
    names: Names
    rows: AccessRows

    # --- policies and secrets ---

    def create_policy(self, statement: ast.CreatePolicy) -> None:
        present = next((one for one in self.rows.masking_policies if one.name == statement.name), None)
        if statement.if_not_exists and present is not None:
            return
        given = statement.state
        if statement.or_replace and present is not None and given not in (PolicyState.ENFORCED, present.state):
            raise SqlError(
                SqlState.INVALID_FUNCTION_DEFINITION,
                f'masking policy "{statement.name}" is not replaced by one in another state',
                detail=f"It is {present.state}.",
                hint=f"ALTER MASKING POLICY {statement.name} {given.upper()} changes the state.",
            )
        head = (statement.name, statement.parameters, statement.returns)
        written = MaskingPolicy(*head, statement.expression.text, given)
        policy = self._checked(written, statement.expression.start)
        self.masking.create_policy(policy, replace=statement.or_replace)

    def set_body(self, statement: ast.SetPolicyBody) -> None:
        present = self._require_policy(statement.name)
        written = replace(present, expression=statement.expression.text)
        checked = self._checked(written, statement.expression.start)
        self.masking.alter_policy(statement.name, checked.expression)

    def set_state(self, statement: ast.SetPolicyState) -> None:
        changed = replace(self._require_policy(statement.name), state=statement.state)
        policies = (changed if one.name == changed.name else one for one in self.rows.masking_policies)
        self._require_no_fault(replace(self.rows, masking_policies=tuple(policies)))
        self.masking.set_policy_state(statement.name, statement.state)

    def _checked(self, written: MaskingPolicy, offset: int) -> MaskingPolicy:
        policy = self.mirror.check_masking_policy(written, offset)
        check_expression(policy)
        for secret in sorted(secrets_of(policy)):
            if secret not in self.rows.masking_secrets:
                raise SqlError(
                    SqlState.UNDEFINED_OBJECT,
                    f'masking secret "{secret}" does not exist',
                    hint=f'CREATE MASKING SECRET "{secret}" makes one.',
                )
        return policy

    def rename_policy(self, statement: ast.RenamePolicy) -> None:
        self.masking.rename_policy(statement.name, statement.new)

    def drop_policy(self, statement: ast.DropPolicy) -> None:
        known = any(policy.name == statement.name for policy in self.rows.masking_policies)
        if known or not statement.if_exists:
            self.masking.drop_policy(statement.name)

    def create_secret(self, statement: ast.CreateSecret) -> None:
        if not (statement.if_not_exists and statement.name in self.rows.masking_secrets):
            self.masking.create_secret(statement.name)

    def rotate_secret(self, statement: ast.RotateSecret) -> None:
        self.masking.rotate_secret(statement.name)

    def drop_secret(self, statement: ast.DropSecret) -> None:
        name = statement.name
        if statement.if_exists and name not in self.rows.masking_secrets:
            return
        users = [policy.name for policy in self.rows.masking_policies if name in secrets_of(policy)]
        if users:
            raise SqlError(
                SqlState.DEPENDENT_OBJECTS_STILL_EXIST,
                f'cannot drop masking secret "{name}" because other objects depend on it',
                detail="\n".join(f'masking policy {user} depends on masking secret "{name}"' for user in users),
            )
        self.masking.drop_secret(name)

    # --- columns ---

    def set_column_policy(self, statement: ast.SetColumnPolicy) -> None:
        table = self._require_table(statement.table)
        column = _require_column(table, statement.column)
        self._require_free_of_tags(table, column)
        policy = self._require_policy(statement.policy)
        self._require_no_loss(policy, table, column)
        names = statement.arguments or (column.name,)
        if names[0] != column.name:
            raise SqlError(SqlState.INVALID_PARAMETER_VALUE, f'the first column in USING is "{column.name}" itself')
        arguments = [_require_column(table, name) for name in names]
        _require_types(policy, arguments)
        check_expression(policy, [one.sql_type for one in arguments])
        name, identities = table.name, tuple(one.identity for one in arguments)
        mask = ColumnMask(name.schema, name.name, column.name, policy.name, tuple(names), identities)
        self.masking.set_column_mask(mask)

    def unset_column_policy(self, statement: ast.UnsetColumnPolicy) -> None:
        table = self._require_table(statement.table)
        column = table.column(statement.column)
        if column is not None:
            self._require_free_of_tags(table, column)
        elif not any(
            (mask.schema, mask.table, mask.column) == (table.name.schema, table.name.name, statement.column)
            for mask in self.rows.column_masks
        ):
            raise _no_column(table, statement.column)
        found = self.masking.unset_column_mask(
            table.name.schema, table.name.name, statement.column, None if column is None else column.identity
        )
        _require(found, f'column "{statement.column}" of relation "{table.name.name}" has no masking policy')

    def _require_no_loss(self, policy: MaskingPolicy, table: Table, column: Column) -> None:
        """What does not govern must not take the place of what does."""
        if policy.state is PolicyState.ENFORCED:
            return
        for mask in in_force(self.rows).column_masks:
            same = mask.column == column.name or (
                column.identity is not None and column.identity in mask.identities[:1]
            )
            if (mask.schema, mask.table) == (table.name.schema, table.name.name) and same:
                raise SqlError(
                    SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE,
                    f'column "{column.name}" has masking policy "{mask.policy}", which is in force',
                    detail=f'Masking policy "{policy.name}" is {policy.state}: the column would have no mask.',
                )

    def _require_free_of_tags(self, table: Table, column: Column) -> None:
        """An owner must not put a mask of his own in the place of what a tag says."""
        if is_officer(self.principal):
            return
        tag = self._masking_tag(table, column)
        if tag is not None:
            raise SqlError(
                SqlState.INSUFFICIENT_PRIVILEGE,
                f'permission denied to change the mask of column "{column.name}"',
                detail=f'The column is masked by its tag "{tag}".',
                hint=f"Only superusers and members of {OFFICER} may.",
            )

    def _masking_tag(self, table: Table, column: Column) -> str | None:
        if table.kind == VIEW:
            return look_at_view(table.name, in_force(self.rows), self.principal, self.names).masking_tag(column)
        kind = type_of_column(column.sql_type)
        tagged = tags_of(self.rows, table, column)
        by_tag = (row for row in self.rows.tag_policies if row.tag in tagged)
        return next((row.tag for row in by_tag if type_of_column(row.value_type) == kind), None)

    # --- tags ---

    def create_tag(self, statement: ast.CreateTag) -> None:
        if not (statement.if_not_exists and self._knows_tag(statement.name)):
            self.masking.create_tag(TagRow(statement.name, statement.values))

    def drop_tag(self, statement: ast.DropTag) -> None:
        if self._knows_tag(statement.name) or not statement.if_exists:
            self.masking.drop_tag(statement.name)

    def unset_tag_policy(self, statement: ast.UnsetTagPolicy) -> None:
        found = self.masking.unset_tag_policy(statement.tag, statement.policy)
        _require(found, f'tag "{statement.tag}" has no masking policy "{statement.policy}"')

    def change_tag(self, statement: ast.SetTag | ast.UnsetTag) -> None:
        value = statement.value if isinstance(statement, ast.SetTag) else ""
        given = self._assignment(statement.place, statement.tag, value, isinstance(statement, ast.SetTag))
        masking = self.masking
        if isinstance(statement, ast.UnsetTag):
            if any(row.tag == given.tag for row in self.rows.tag_policies):
                self.require_officer()
            if self._takes_off_view(statement):
                return
            _require(masking.unset_tag(given), f'tag "{given.tag}" is not set on {place_of(given)}')
            return
        self._require_no_fault(replace(self.rows, tag_assignments=(*self.rows.tag_assignments, given)))
        masking.set_tag(given)

    def _takes_off_view(self, statement: ast.UnsetTag) -> bool:
        """Take a tag off a view's column that has it by what it is made of; return whether that is so."""
        place = statement.place
        table = None if place.table is None or place.column is None else self._require_table(place.table)
        column = table.column(place.column or "") if table is not None and table.kind == VIEW else None
        if table is None or column is None or not self._knows_tag(statement.tag):
            return False
        looked_at = look_at_view(table.name, in_force(self.rows), self.principal, self.names)
        if not looked_at.inherits(column, statement.tag):
            return False
        self.require_officer()
        self.masking.remove_tag(looked_at.removal(column, statement.tag))
        return True

    def _assignment(self, place: ast.Place, tag: str, value: str, sets: bool) -> TagAssignment:
        if place.table is not None:
            table = self._require_table(place.table)
            schema, name = table.name.schema, table.name.name
            if place.column is None:
                return TagAssignment(tag, value, schema, name)
            column = table.column(place.column)
            if column is None and sets:
                raise _no_column(table, place.column)
            return TagAssignment(tag, value, schema, name, place.column, None if column is None else column.identity)
        self.require_officer()
        if place.schema is not None:
            known = {name.schema for name in self.names.catalog.tables} | set(self.names.catalog.schemas)
            if sets and place.schema not in known:
                raise SqlError(SqlState.UNDEFINED_SCHEMA, f'schema "{place.schema}" does not exist')
            return TagAssignment(tag, value, place.schema)
        if place.database != self.names.database:
            raise SqlError(SqlState.UNDEFINED_DATABASE, f'database "{place.database}" does not exist')
        return TagAssignment(tag, value)

    def set_tag_policy(self, statement: ast.SetTagPolicy) -> None:
        policy = self._require_policy(statement.policy)
        if len(policy.parameters) > 1:
            raise SqlError(
                SqlState.INVALID_PARAMETER_VALUE,
                f'masking policy "{policy.name}" looks at other columns, and cannot be a tag\'s',
            )
        kind = policy.parameters[0][1]
        for row in self.rows.tag_policies:
            same_type = type_of_column(row.value_type) == type_of_column(kind)
            if row.tag == statement.tag and same_type and row.policy != policy.name:
                raise SqlError(
                    SqlState.DUPLICATE_OBJECT,
                    f'tag "{statement.tag}" already has masking policy "{row.policy}" for type {kind}',
                )
        row = TagPolicy(statement.tag, kind, policy.name)
        self._require_no_fault(replace(self.rows, tag_policies=(*self.rows.tag_policies, row)))
        self.masking.set_tag_policy(row)

    def _require_no_fault(self, after: AccessRows) -> None:
        """Raise 42P17 where a change would leave a column with two policies."""
        catalog = self.names.catalog
        new = set(mask_faults(in_force(after), catalog)) - set(mask_faults(in_force(self.rows), catalog))
        for fault in sorted(new, key=lambda fault: (fault.table, fault.column)):
            if fault.denied:
                raise SqlError(
                    SqlState.INVALID_OBJECT_DEFINITION,
                    f'column "{fault.column}" of relation {fault.table} would have no one masking policy',
                    detail=f"{fault.reason[0].upper()}{fault.reason[1:]}.",
                )

    # --- what is named ---

    def require_officer(self) -> None:
        """Raise 42501 for others than superusers and officers."""
        if not is_officer(self.principal):
            raise SqlError(
                SqlState.INSUFFICIENT_PRIVILEGE,
                "permission denied to change masking policies and tags",
                hint=f"Only superusers and members of {OFFICER} may.",
            )

    def _require_policy(self, name: str) -> MaskingPolicy:
        for policy in self.rows.masking_policies:
            if policy.name == name:
                return policy
        raise SqlError(SqlState.UNDEFINED_OBJECT, f'masking policy "{name}" does not exist')

    def _knows_tag(self, name: str) -> bool:
        return any(tag.name == name for tag in self.rows.tags)

    def _require_table(self, written: RelationName) -> Table:
        """Return the table meant, for one who may change its masks. What he may not read is as if absent."""
        return require_own_table(written, self.principal, self.names, self.rows)


_FOR_OWNERS = (ast.SetColumnPolicy, ast.UnsetColumnPolicy, ast.SetTag, ast.UnsetTag)
_WORK: dict[type[MaskingStatement], Callable[[_Command, Any], None]] = {
    ast.CreatePolicy: _Command.create_policy,
    ast.RenamePolicy: _Command.rename_policy,
    ast.SetPolicyBody: _Command.set_body,
    ast.SetPolicyState: _Command.set_state,
    ast.DropPolicy: _Command.drop_policy,
    ast.SetColumnPolicy: _Command.set_column_policy,
    ast.UnsetColumnPolicy: _Command.unset_column_policy,
    ast.CreateTag: _Command.create_tag,
    ast.DropTag: _Command.drop_tag,
    ast.SetTag: _Command.change_tag,
    ast.UnsetTag: _Command.change_tag,
    ast.SetTagPolicy: _Command.set_tag_policy,
    ast.UnsetTagPolicy: _Command.unset_tag_policy,
    ast.CreateSecret: _Command.create_secret,
    ast.RotateSecret: _Command.rotate_secret,
    ast.DropSecret: _Command.drop_secret,
}
_TAGS: dict[type[MaskingStatement], str] = {
    ast.CreatePolicy: "CREATE MASKING POLICY",
    ast.RenamePolicy: "ALTER MASKING POLICY",
    ast.SetPolicyBody: "ALTER MASKING POLICY",
    ast.SetPolicyState: "ALTER MASKING POLICY",
    ast.DropPolicy: "DROP MASKING POLICY",
    ast.CreateTag: "CREATE TAG",
    ast.DropTag: "DROP TAG",
    ast.SetTagPolicy: "ALTER TAG",
    ast.UnsetTagPolicy: "ALTER TAG",
    ast.CreateSecret: "CREATE MASKING SECRET",
    ast.RotateSecret: "ALTER MASKING SECRET",
    ast.DropSecret: "DROP MASKING SECRET",
}


def _tag_of(statement: MaskingStatement) -> str:
    if isinstance(statement, ast.SetTag | ast.UnsetTag):
        place = statement.place
        if place.table is not None:
            return _altered(place.table)
        return f"ALTER {'SCHEMA' if place.schema else 'DATABASE'}"
    if isinstance(statement, ast.SetColumnPolicy | ast.UnsetColumnPolicy):
        return _altered(statement.table)
    return _TAGS[type(statement)]


def _altered(relation: RelationName) -> str:
    return "ALTER VIEW" if relation.is_view else "ALTER TABLE"


def _require_column(table: Table, name: str) -> Column:
    column = table.column(name)
    if column is None:
        raise _no_column(table, name)
    return column


def _no_column(table: Table, name: str) -> SqlError:
    return SqlError(SqlState.UNDEFINED_COLUMN, f'column "{name}" of relation "{table.name.name}" does not exist')


def _require_types(policy: MaskingPolicy, arguments: list[Column]) -> None:
    wanted = [type_of_column(kind) for _, kind in policy.parameters]
    given = [type_of_column(one.sql_type) for one in arguments]
    if wanted != given:
        raise SqlError(
            SqlState.DATATYPE_MISMATCH,
            f'masking policy "{policy.name}" takes other columns',
            detail=f"It takes ({', '.join(wanted)}), the columns are ({', '.join(given)}).",
            hint="Name the columns for its parameters in USING, the masked one first." if len(wanted) > 1 else None,
        )


def _require(found: bool, message: str) -> None:
    if not found:
        raise SqlError(SqlState.UNDEFINED_OBJECT, message)
