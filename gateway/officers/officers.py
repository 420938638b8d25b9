"""Who looks after policies: superusers and members of ``lakegate_officer`` after all, owners after their tables."""

from __future__ import annotations

from catalog.errors import SqlError
from catalog.mask_library import OFFICER
from catalog.names import TableName
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from catalog.store.rows import AccessRows
from catalog.tables import Table
from gateway.sql.masking_statements import RelationName
from gateway.sql.resolve import SYSTEM_SCHEMAS, Names
from policies.views import KIND as VIEW


def is_officer(principal: Principal) -> bool:
    """Say whether a principal looks after masks and tags."""
    return principal.superuser or OFFICER in principal.roles


def require_own_table(written: RelationName, principal: Principal, names: Names, rows: AccessRows) -> Table:
    """Return the table or view meant, for an officer or its owner. Raises SqlError: 42501 for others who may read it;
    what they may not read is as if absent (42P01). 42809: the statement is for views, and it is none.
    """
    for schema in (written.schema,) if written.schema is not None else names.search_path:
        name = TableName(schema, written.name)
        table = None if schema in SYSTEM_SCHEMAS else names.get_table(name)
        if table is None:
            continue
        owner = next((row.owner for row in rows.tables if (row.schema, row.table) == (name.schema, name.name)), None)
        if is_officer(principal) or (owner is not None and owner in principal.roles):
            if written.is_view and table.kind != VIEW and table.relkind != "v":
                raise SqlError(SqlState.WRONG_OBJECT_TYPE, f'"{name.name}" is not a view')
            return table
        if names.visible(name):
            kind = VIEW if table.kind == VIEW else "table"
            raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, f"must be owner of {kind} {name.name}")
    full = written.name if written.schema is None else f"{written.schema}.{written.name}"
    raise SqlError(SqlState.UNDEFINED_TABLE, f'relation "{full}" does not exist', position=written.position)
