"""The table of ``COPY table (columns) TO``: what PostgreSQL checks of it that it does not check of a query, and which
columns it takes.
"""

from __future__ import annotations

from dataclasses import replace

from catalog.errors import SqlError
from catalog.names import TableName, always_quoted
from catalog.sqlstate import SqlState
from catalog.tables import Table, visible_part
from gateway.sql.copy_statements import CopyTo
from gateway.sql.resolve import SYSTEM_SCHEMAS, Names
from gateway.sql.session_relations import TEMPORARY_SCHEMA, SessionRelation
from policies.views import KIND as VIEW


def of_table(copy: CopyTo, names: Names) -> CopyTo:
    """Return a COPY without the generated columns of its table, which it does not take. Raises for a view (42809), for
    columns that the table does not have, or that may not be known of (42703), and for generated ones (42P10). A table
    that is not found here is for the planner to judge.
    """
    temporary = _get_temporary(copy, names)
    if temporary is not None:
        if temporary.view is not None:
            raise _view(temporary.table)
        return copy
    table = _get_table(copy, names)
    if table is None:
        return copy
    if table.kind == VIEW:
        raise _view(table)
    visible = visible_part(table, names.columns(table.name))
    known = {column.name: column for column in visible.columns}
    taken = [column.name for column in table.columns if not column.generated]
    quoted = copy.options.force_quote
    for name in (*copy.columns, *(quoted if isinstance(quoted, tuple) else ())):
        if name not in known:
            message = f'column "{name}" of relation "{table.name.name}" does not exist'
            raise SqlError(SqlState.UNDEFINED_COLUMN, message)
        if known[name].generated:
            message, detail = f'column "{name}" is a generated column', "Generated columns cannot be used in COPY."
            raise SqlError(SqlState.INVALID_COLUMN_REFERENCE, message, detail=detail)
        if copy.columns and name not in copy.columns:
            message = f'FORCE_QUOTE column "{name}" not referenced by COPY'
            raise SqlError(SqlState.INVALID_COLUMN_REFERENCE, message)
    if copy.columns or len(taken) == len(table.columns) or len(known) < len(table.columns):
        return copy  # of who may not see all columns, what he is told of all is told
    listed = ", ".join(map(always_quoted, taken))
    return replace(copy, query=copy.query.replace("SELECT *", f"SELECT {listed}", 1))


def _view(table: Table) -> SqlError:
    message, hint = f'cannot copy from view "{table.name.name}"', "Try the COPY (SELECT ...) TO variant."
    return SqlError(SqlState.WRONG_OBJECT_TYPE, message, hint=hint)


def _get_temporary(copy: CopyTo, names: Names) -> SessionRelation | None:
    """Return the temporary relation that is meant, where its schema stands before all others."""
    if copy.table is None or (copy.table.schema is None and TEMPORARY_SCHEMA in names.search_path):
        return None
    return names.temporary.get(copy.table.schema or "", copy.table.name)


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
