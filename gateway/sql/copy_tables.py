"""The table of ``COPY table (columns) TO``: what PostgreSQL checks of it that it does not check of a query."""

from __future__ import annotations

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.sqlstate import SqlState
from catalog.tables import Table, visible_part
from gateway.sql.copy_statements import CopyTo
from gateway.sql.resolve import SYSTEM_SCHEMAS, Names
from policies.views import KIND as VIEW


def check_table(copy: CopyTo, names: Names) -> None:
    """Raise for a view (42809), and for columns that the table does not have, or that may not be known of (42703). A
    table that is not found here is for the planner to judge.
    """
    table = _get_table(copy, names)
    if table is None:
        return
    if table.kind == VIEW:
        raise SqlError(
            SqlState.WRONG_OBJECT_TYPE,
            f'cannot copy from view "{table.name.name}"',
            hint="Try the COPY (SELECT ...) TO variant.",
        )
    known = {column.name for column in visible_part(table, names.columns(table.name)).columns}
    quoted = copy.options.force_quote
    for name in (*copy.columns, *(quoted if isinstance(quoted, tuple) else ())):
        if name not in known:
            message = f'column "{name}" of relation "{table.name.name}" does not exist'
            raise SqlError(SqlState.UNDEFINED_COLUMN, message)
        if copy.columns and name not in copy.columns:
            message = f'FORCE_QUOTE column "{name}" not referenced by COPY'
            raise SqlError(SqlState.INVALID_COLUMN_REFERENCE, message)


def _get_table(copy: CopyTo, names: Names) -> Table | None:
    """Return the table of the lake that is meant, as `resolve` finds it."""
    if copy.table is None or (copy.table.schema is None and copy.table.name in names.system_relations):
        return None
    path = names.search_path if copy.table.schema is None else (copy.table.schema,)
    for schema in path:
        if schema in SYSTEM_SCHEMAS:
            continue
        table = names.get_table(TableName(schema, copy.table.name))
        if table is not None and names.visible(table.name):
            return table
    return None
