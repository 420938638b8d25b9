"""What is set on views' columns follows them: through new names of views and columns, until the view is dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from catalog.names import TableName
from catalog.store.masking_schema import column_masks, tag_assignments, tag_removals
from catalog.store.rows import AccessRows, ColumnMask, TagAssignment, TagRemoval, ViewRow

_Values = dict[str, Any]


def view_column(number: int) -> str:
    """Return the identity of a view's column by its place, which counts from 1: it outlives RENAME COLUMN and CREATE OR
    REPLACE VIEW, which only adds columns.
    """
    return f"view/{number}"


def read_removals(connection: sa.Connection) -> tuple[TagRemoval, ...]:
    """Return which tags were taken off which columns."""
    rows = connection.execute(sa.select(tag_removals).order_by(*tag_removals.primary_key.columns))
    return tuple(
        TagRemoval(row.tag, row.schema_name, row.view_name, row.column_name, row.identity, row.made_of) for row in rows
    )


def follow_views(rows: AccessRows, moved: Mapping[TableName, TableName | None]) -> AccessRows:
    """Return rows in which what was set on views is on them under their names of now, and those of their columns.
    ``moved`` tells the name of each view that was there, None: it is gone, and what was set on it goes with it.
    """
    there = {TableName(row.schema, row.name): row for row in rows.views}
    now = {old: None if name is None else there.get(name) for old, name in moved.items()}
    masks = (_moved_mask(row, now) for row in rows.column_masks)
    assignments = (_moved_assignment(row, now) for row in rows.tag_assignments)
    removals = (_moved_removal(row, now) for row in rows.tag_removals)
    return replace(
        rows,
        column_masks=tuple(row for row in masks if row is not None),
        tag_assignments=tuple(row for row in assignments if row is not None),
        tag_removals=tuple(row for row in removals if row is not None),
    )


def write_followed(connection: sa.Connection, before: AccessRows, after: AccessRows) -> None:
    """Write the difference."""
    tables: Sequence[tuple[sa.Table, Callable[[Any], _Values], Sequence[Any], Sequence[Any]]] = (
        (column_masks, mask_values, before.column_masks, after.column_masks),
        (tag_assignments, assignment_values, before.tag_assignments, after.tag_assignments),
        (tag_removals, removal_values, before.tag_removals, after.tag_removals),
    )
    for table, values, old, new in tables:
        keys = [column.name for column in table.primary_key.columns]
        for row in set(old) - set(new):
            found = values(row)
            connection.execute(table.delete().where(*(table.c[key] == found[key] for key in keys)))
        for row in set(new) - set(old):
            connection.execute(table.insert().values(values(row)))


def mask_values(mask: ColumnMask) -> _Values:
    """Return a row of ``column_masks``."""
    return {
        "schema_name": mask.schema,
        "table_name": mask.table,
        "column_name": mask.column,
        "policy": mask.policy,
        "arguments": list(mask.arguments),
        "identities": list(mask.identities) or [None] * len(mask.arguments),
    }


def assignment_values(given: TagAssignment) -> _Values:
    """Return a row of ``tag_assignments``."""
    return {
        "tag": given.tag,
        "schema_name": given.schema or "",
        "table_name": given.table or "",
        "column_name": given.column or "",
        "identity": given.identity,
        "value": given.value,
    }


def removal_values(row: TagRemoval) -> _Values:
    """Return a row of ``tag_removals``."""
    return {
        "tag": row.tag,
        "schema_name": row.schema,
        "view_name": row.view,
        "column_name": row.column,
        "identity": row.identity,
        "made_of": row.made_of,
    }


def _moved_mask(row: ColumnMask, moved: Mapping[TableName, ViewRow | None]) -> ColumnMask | None:
    view = moved.get(TableName(row.schema, row.table), row)
    if view is None or not isinstance(view, ViewRow):
        return None if view is None else row
    identities = row.identities or (None,) * len(row.arguments)
    names = tuple(_name(view, *one) for one in zip(row.arguments, identities, strict=True))
    return replace(row, schema=view.schema, table=view.name, column=names[0], arguments=names)


def _moved_assignment(row: TagAssignment, moved: Mapping[TableName, ViewRow | None]) -> TagAssignment | None:
    view = moved.get(TableName(row.schema or "", row.table or ""), row)
    if view is None or not isinstance(view, ViewRow):
        return None if view is None else row
    column = None if row.column is None else _name(view, row.column, row.identity)
    return replace(row, schema=view.schema, table=view.name, column=column)


def _moved_removal(row: TagRemoval, moved: Mapping[TableName, ViewRow | None]) -> TagRemoval | None:
    view = moved.get(TableName(row.schema, row.view), row)
    if view is None or not isinstance(view, ViewRow):
        return None if view is None else row
    return replace(row, schema=view.schema, view=view.name, column=_name(view, row.column, row.identity))


def _name(view: ViewRow, column: str, identity: str | None) -> str:
    """The name of a view's column now."""
    names = (name for number, (name, _) in enumerate(view.columns, 1) if view_column(number) == identity)
    return next(names, column)
