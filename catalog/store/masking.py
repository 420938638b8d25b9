"""Masking policies, tags and masking secrets in the metadata store.

Whether a change is allowed and makes sense is judged by those who call; here only what the tables themselves demand is
checked: names that exist, names that are taken, things that others hang on.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from catalog.errors import SqlError
from catalog.names import MAX_IDENTIFIER_BYTES
from catalog.sqlstate import SqlState
from catalog.store.masking_schema import (
    column_masks,
    masking_policies,
    masking_secrets,
    tag_assignments,
    tag_policies,
    tag_removals,
    tags,
)
from catalog.store.rows import ColumnMask, MaskingPolicy, PolicyState, TagAssignment, TagPolicy, TagRemoval, TagRow
from catalog.store.view_masking import assignment_values, mask_values, removal_values

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class MaskingRows:
    """All that concerns masks, at one moment."""

    policies: tuple[MaskingPolicy, ...]
    column_masks: tuple[ColumnMask, ...]
    tags: tuple[TagRow, ...]
    tag_assignments: tuple[TagAssignment, ...]
    tag_policies: tuple[TagPolicy, ...]
    secrets: tuple[str, ...]


def read_masking(connection: sa.Connection) -> MaskingRows:
    """Return all policies, tags and what they are on, and the names of the secrets."""

    def rows(table: sa.Table) -> Iterable[sa.Row[Any]]:
        return connection.execute(sa.select(table).order_by(*table.primary_key.columns))

    return MaskingRows(
        tuple(
            MaskingPolicy(
                row.name,
                tuple(zip(row.parameters, row.types, strict=True)),
                row.returns,
                row.expression,
                PolicyState(row.state),
            )
            for row in rows(masking_policies)
        ),
        tuple(
            ColumnMask(
                row.schema_name,
                row.table_name,
                row.column_name,
                row.policy,
                tuple(row.arguments),
                tuple(row.identities),
            )
            for row in rows(column_masks)
        ),
        tuple(
            TagRow(row.name, None if row.allowed_values is None else tuple(row.allowed_values)) for row in rows(tags)
        ),
        tuple(
            TagAssignment(
                row.tag,
                row.value,
                row.schema_name or None,
                row.table_name or None,
                row.column_name or None,
                row.identity,
            )
            for row in rows(tag_assignments)
        ),
        tuple(TagPolicy(row.tag, row.value_type, row.policy) for row in rows(tag_policies)),
        tuple(row.name for row in rows(masking_secrets)),
    )


class MaskingStore:
    """Changes of masking policies, tags and secrets. Safe to use from several threads; every method blocks.

    ``change`` opens a transaction that bumps the version of what decides who sees what.
    """

    def __init__(self, engine: sa.Engine, change: Callable[[], AbstractContextManager[sa.Connection]]) -> None:
        self._engine = engine
        self._change = change

    # --- policies ---

    def create_policy(self, policy: MaskingPolicy, *, replace: bool = False) -> None:
        """Add a policy; with ``replace`` one of its name takes its expression and names of parameters.

        Its state stays: what governs goes on to. Raises SqlError: 42710 there is one, 42P13 it is to be replaced by one
        of other types, 42602 it is no name.
        """
        _check_name(policy.name, "a masking policy")
        names, types = [name for name, _ in policy.parameters], [kind for _, kind in policy.parameters]
        values = {"parameters": names, "types": types, "returns": policy.returns, "expression": policy.expression}
        with self._change() as connection:
            present = connection.execute(
                sa.select(masking_policies).where(masking_policies.c.name == policy.name)
            ).one_or_none()
            if present is None:
                new = {"name": policy.name, "state": policy.state.value, **values}
                connection.execute(masking_policies.insert().values(new))
            elif not replace:
                raise SqlError(SqlState.DUPLICATE_OBJECT, f'masking policy "{policy.name}" already exists')
            elif present.types != types:
                raise SqlError(
                    SqlState.INVALID_FUNCTION_DEFINITION,
                    "cannot change the types of a masking policy",
                    hint=f'Use DROP MASKING POLICY "{policy.name}" first.',
                )
            else:
                connection.execute(
                    masking_policies.update().where(masking_policies.c.name == policy.name).values(values)
                )

    def alter_policy(self, name: str, expression: str) -> None:
        """Give a policy another expression. Raises SqlError 42704."""
        with self._change() as connection:
            _require(connection, masking_policies, name, "masking policy")
            connection.execute(
                masking_policies.update().where(masking_policies.c.name == name).values(expression=expression)
            )

    def set_policy_state(self, name: str, state: PolicyState) -> None:
        """Have a policy count, or not. Raises SqlError 42704."""
        with self._change() as connection:
            _require(connection, masking_policies, name, "masking policy")
            connection.execute(
                masking_policies.update().where(masking_policies.c.name == name).values(state=state.value)
            )

    def rename_policy(self, name: str, new: str) -> None:
        """Give a policy another name; it stays on its columns and tags. Raises SqlError: 42704, 42710, 42602."""
        _check_name(new, "a masking policy")
        with self._change() as connection:
            _require(connection, masking_policies, name, "masking policy")
            if _exists(connection, masking_policies, new):
                raise SqlError(SqlState.DUPLICATE_OBJECT, f'masking policy "{new}" already exists')
            connection.execute(masking_policies.update().where(masking_policies.c.name == name).values(name=new))

    def drop_policy(self, name: str) -> None:
        """Remove a policy. Raises SqlError: 42704 there is none, 2BP01 columns or tags have it."""
        with self._change() as connection:
            _require(connection, masking_policies, name, "masking policy")
            on_columns = connection.execute(sa.select(column_masks).where(column_masks.c.policy == name)).all()
            on_tags = connection.execute(sa.select(tag_policies.c.tag).where(tag_policies.c.policy == name)).all()
            users = [f"column {row.schema_name}.{row.table_name}.{row.column_name}" for row in on_columns]
            users += [f"tag {row.tag}" for row in on_tags]
            if users:
                raise _depended_on(f'masking policy "{name}"', users)
            connection.execute(masking_policies.delete().where(masking_policies.c.name == name))

    # --- columns ---

    def set_column_mask(self, mask: ColumnMask) -> None:
        """Put a policy on a column, in the place of the one it has. Raises SqlError 42704 for an unknown policy."""
        identity = mask.identities[0] if mask.identities else None
        with self._change() as connection:
            _require(connection, masking_policies, mask.policy, "masking policy")
            connection.execute(column_masks.delete().where(_is_masked_column(mask, identity)))
            connection.execute(column_masks.insert().values(mask_values(mask)))

    def unset_column_mask(self, schema: str, table: str, column: str, identity: str | None) -> bool:
        """Take the policy off a column; return whether there was one."""
        wanted = _is_masked_column(ColumnMask(schema, table, column, "", ()), identity)
        with self._change() as connection:
            return connection.execute(column_masks.delete().where(wanted)).rowcount > 0

    # --- tags ---

    def create_tag(self, tag: TagRow) -> None:
        """Add a tag. Raises SqlError: 42710 there is one, 42602 it is no name."""
        _check_name(tag.name, "a tag")
        with self._change() as connection:
            if _exists(connection, tags, tag.name):
                raise SqlError(SqlState.DUPLICATE_OBJECT, f'tag "{tag.name}" already exists')
            values = None if tag.values is None else list(tag.values)
            connection.execute(tags.insert().values(name=tag.name, allowed_values=values))

    def drop_tag(self, name: str) -> None:
        """Remove a tag. Raises SqlError: 42704 there is none, 2BP01 it is set somewhere or has policies."""
        with self._change() as connection:
            _require(connection, tags, name, "tag")
            placed = connection.execute(sa.select(tag_assignments).where(tag_assignments.c.tag == name)).all()
            policies = connection.execute(sa.select(tag_policies.c.policy).where(tag_policies.c.tag == name)).all()
            users = [place_of(TagAssignment("", "", *row[1:4])) for row in placed]
            users += [f"masking policy {row.policy}" for row in policies]
            if users:
                raise _depended_on(f'tag "{name}"', users)
            connection.execute(tags.delete().where(tags.c.name == name))

    def set_tag(self, given: TagAssignment) -> None:
        """Set a tag, in the place of its value there. Raises SqlError: 42704 no such tag, 22023 none of its values."""
        with self._change() as connection:
            row = connection.execute(sa.select(tags).where(tags.c.name == given.tag)).one_or_none()
            if row is None:
                raise _unknown("tag", given.tag)
            if row.allowed_values is not None and given.value not in row.allowed_values:
                raise SqlError(
                    SqlState.INVALID_PARAMETER_VALUE,
                    f'tag "{given.tag}" cannot have the value "{given.value}"',
                    hint=f"Its values are {', '.join(row.allowed_values)}.",
                )
            connection.execute(tag_assignments.delete().where(_is_placed(given)))
            connection.execute(tag_assignments.insert().values(assignment_values(given)))
            connection.execute(tag_removals.delete().where(_is_removed(given)))

    def unset_tag(self, given: TagAssignment) -> bool:
        """Take a tag away from where it was set; its value is not looked at. Returns whether it was set there."""
        with self._change() as connection:
            _require(connection, tags, given.tag, "tag")
            return connection.execute(tag_assignments.delete().where(_is_placed(given))).rowcount > 0

    def remove_tag(self, row: TagRemoval) -> None:
        """Take a tag off a view's column that has it by what the column is made of. Raises SqlError 42704."""
        with self._change() as connection:
            _require(connection, tags, row.tag, "tag")
            given = TagAssignment(row.tag, "", row.schema, row.view, row.column, row.identity)
            connection.execute(tag_assignments.delete().where(_is_placed(given)))
            connection.execute(tag_removals.delete().where(_is_removed(given)))
            connection.execute(tag_removals.insert().values(removal_values(row)))

    def set_tag_policy(self, row: TagPolicy) -> None:
        """Have all columns of a type with a tag seen through a policy. Raises SqlError 42704."""
        with self._change() as connection:
            _require(connection, tags, row.tag, "tag")
            _require(connection, masking_policies, row.policy, "masking policy")
            statement = insert(tag_policies).values(tag=row.tag, value_type=row.value_type, policy=row.policy)
            connection.execute(
                statement.on_conflict_do_update(index_elements=["tag", "value_type"], set_={"policy": row.policy})
            )

    def unset_tag_policy(self, tag: str, policy: str) -> bool:
        """Take a policy off a tag; return whether it was there."""
        with self._change() as connection:
            _require(connection, tags, tag, "tag")
            wanted = (tag_policies.c.tag == tag, tag_policies.c.policy == policy)
            return connection.execute(tag_policies.delete().where(*wanted)).rowcount > 0

    # --- secrets ---

    def create_secret(self, name: str) -> None:
        """Make a secret of random bytes. Raises SqlError: 42710 there is one, 42602 it is no name."""
        _check_name(name, "a masking secret")
        with self._change() as connection:
            if _exists(connection, masking_secrets, name):
                raise SqlError(SqlState.DUPLICATE_OBJECT, f'masking secret "{name}" already exists')
            connection.execute(masking_secrets.insert().values(name=name, value=secrets.token_bytes(_SECRET_BYTES)))

    def rotate_secret(self, name: str) -> None:
        """Make a secret anew: what was masked with it is masked otherwise from now on. Raises SqlError 42704."""
        with self._change() as connection:
            _require(connection, masking_secrets, name, "masking secret")
            new = {"value": secrets.token_bytes(_SECRET_BYTES), "created": sa.func.now()}
            connection.execute(masking_secrets.update().where(masking_secrets.c.name == name).values(new))

    def drop_secret(self, name: str) -> None:
        """Remove a secret. Raises SqlError 42704. That no policy needs it is for the caller to know."""
        with self._change() as connection:
            _require(connection, masking_secrets, name, "masking secret")
            connection.execute(masking_secrets.delete().where(masking_secrets.c.name == name))

    def load_secrets(self) -> dict[str, bytes]:
        """Return the secrets themselves, for the engine alone."""
        query = sa.select(masking_secrets.c.name, masking_secrets.c.value)
        with self._engine.connect() as connection:
            return {row.name: bytes(row.value) for row in connection.execute(query)}

    # --- names that changed ---

    def rename_columns(self, masks: Iterable[ColumnMask], assignments: Iterable[TagAssignment]) -> None:
        """Keep the present names of columns that were renamed: the rows of their identities, where they are still
        there, take the names given here.
        """
        with self._change() as connection:
            found: list[tuple[sa.Table, dict[str, object]]] = []
            for mask in masks:  # all are taken away first: two columns may have swapped their names
                columns = column_masks.c
                table = (columns.schema_name == mask.schema, columns.table_name == mask.table)
                gone = column_masks.delete().where(*table, columns.identities == list(mask.identities))
                policy = connection.execute(gone.returning(columns.policy)).scalar_one_or_none()
                if policy is not None:
                    found.append((column_masks, {**mask_values(mask), "policy": policy}))
            for given in assignments:
                columns = tag_assignments.c
                table = (columns.schema_name == given.schema, columns.table_name == given.table)
                same = (columns.tag == given.tag, columns.identity == given.identity)
                gone = tag_assignments.delete().where(*table, *same)
                value = connection.execute(gone.returning(columns.value)).scalar_one_or_none()
                if value is not None:
                    found.append((tag_assignments, {**assignment_values(given), "value": value}))
            for row_of, values in found:
                connection.execute(row_of.insert().values(values))


def place_of(given: TagAssignment) -> str:
    """Return where a tag is set, for people."""
    if given.schema is None:
        return "the database"
    names = [name for name in (given.schema, given.table, given.column) if name is not None]
    return f"{('schema', 'table', 'column')[len(names) - 1]} {'.'.join(names)}"


def _is_placed(given: TagAssignment) -> sa.ColumnElement[bool]:
    """The row of a tag in its place: a column is the one of the identity, whatever its name was."""
    columns, place = tag_assignments.c, assignment_values(given)
    named = columns.column_name == place["column_name"]
    column = sa.or_(named, columns.identity == given.identity) if given.identity is not None else named
    return sa.and_(
        columns.tag == given.tag,
        columns.schema_name == place["schema_name"],
        columns.table_name == place["table_name"],
        column,
    )


def _is_removed(given: TagAssignment) -> sa.ColumnElement[bool]:
    columns = tag_removals.c
    place = (columns.schema_name == given.schema, columns.view_name == given.table, columns.identity == given.identity)
    return sa.and_(columns.tag == given.tag, *place)


def _is_masked_column(mask: ColumnMask, identity: str | None) -> sa.ColumnElement[bool]:
    columns = column_masks.c
    named = columns.column_name == mask.column
    column = sa.or_(named, columns.identities[1] == identity) if identity is not None else named
    return sa.and_(columns.schema_name == mask.schema, columns.table_name == mask.table, column)


def _check_name(name: str, what: str) -> None:
    if not name or "\0" in name:
        raise SqlError(SqlState.INVALID_NAME, f"{what} needs a name")
    if len(name.encode("utf-8", "surrogatepass")) > MAX_IDENTIFIER_BYTES:
        raise SqlError(SqlState.NAME_TOO_LONG, f"the name of {what} has at most {MAX_IDENTIFIER_BYTES} bytes")


def _exists(connection: sa.Connection, table: sa.Table, name: str) -> bool:
    return connection.execute(sa.select(table.c.name).where(table.c.name == name)).first() is not None


def _require(connection: sa.Connection, table: sa.Table, name: str, what: str) -> None:
    if not _exists(connection, table, name):
        raise _unknown(what, name)


def _unknown(what: str, name: str) -> SqlError:
    return SqlError(SqlState.UNDEFINED_OBJECT, f'{what} "{name}" does not exist')


def _depended_on(what: str, users: list[str]) -> SqlError:
    return SqlError(
        SqlState.DEPENDENT_OBJECTS_STILL_EXIST,
        f"cannot drop {what} because other objects depend on it",
        detail="\n".join(f"{user} depends on {what}" for user in users[:20]),
    )
