"""Which tables an ANALYZE is to read: those named, or all, as far as who asks may maintain them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.predefined_roles import MAINTAIN, MAINTAIN_ALL, is_readable_by_all
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from catalog.store.rows import PUBLIC, AccessRows
from catalog.tables import Column, Table
from gateway.sql.analyze_statements import Analyze, Target
from gateway.sql.resolve import SYSTEM_SCHEMAS, Names
from policies.views import KIND as VIEW

MOST_COMBINED = 8
"""Columns whose combinations are counted; as many as PostgreSQL's CREATE STATISTICS takes."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Tables with the columns that are to be looked at, each with whether their combinations are to be counted, too;
    ``skipped`` says of others, in PostgreSQL's words, why not.
    Numbers of rows are for who asks to know only of tables that are ``owned``: from others rows may be hidden.
    """

    tables: tuple[tuple[Table, tuple[Column, ...], bool], ...]
    skipped: tuple[str, ...] = ()
    owned: Callable[[TableName], bool] = lambda _: False


def choose(statement: Analyze, principal: Principal, names: Names, rows: AccessRows) -> Chosen:
    """Choose the tables. Raises SqlError: 42P01 for what who asks may not know of, 42703 for no such column."""
    owned = _owned(principal, rows)
    maintains = _maintains(principal, rows, owned)
    if not statement.tables:
        every = (table for table in names.catalog.tables.values() if table.kind not in (VIEW, "postgres"))
        return Chosen(tuple((one, one.columns, False) for one in every if maintains(one.name)), owned=owned)
    chosen: list[tuple[Table, tuple[Column, ...], bool]] = []
    skipped: list[str] = []
    for target in statement.tables:
        table = _table(target, names, maintains)
        reason = None if table is None else _reason(table, maintains)
        if table is None:
            skipped.append(f'permission denied to analyze "{target.table.name}", skipping it')
        elif reason is not None:
            skipped.append(reason)
        else:
            chosen.append((table, _columns(target, table), 1 < len(target.columns) <= MOST_COMBINED))
    return Chosen(tuple(chosen), tuple(skipped), owned)


def maintained(principal: Principal, rows: AccessRows) -> Callable[[TableName], bool]:
    """Return which tables a principal owns, or has the privilege MAINTAIN on; all are a superuser's."""
    return _maintains(principal, rows, _owned(principal, rows))


def _owned(principal: Principal, rows: AccessRows) -> Callable[[TableName], bool]:
    """Return which tables are the principal's; all are a superuser's."""
    if principal.superuser:
        return lambda _: True
    owned = {TableName(row.schema, row.table) for row in rows.tables if row.owner in principal.roles}
    return owned.__contains__


def _maintains(
    principal: Principal, rows: AccessRows, owned: Callable[[TableName], bool]
) -> Callable[[TableName], bool]:
    """Return which tables the principal may analyze: those that are his, and those with the privilege MAINTAIN,
    which ``pg_maintain`` has on all.
    """
    roles = {PUBLIC, *principal.roles}
    granted = {
        TableName(row.schema, row.table) for row in rows.grants if row.privilege == MAINTAIN and row.role in roles
    }
    all_of_them = MAINTAIN_ALL in roles
    return lambda name: name in granted or owned(name) or (all_of_them and is_readable_by_all(name.schema))


def _table(target: Target, names: Names, maintains: Callable[[TableName], bool]) -> Table | None:
    """Return the table meant; None for one of PostgreSQL's own catalogues, which nobody analyzes from here."""
    written = target.table
    if written.schema in SYSTEM_SCHEMAS or (written.schema is None and written.name in names.system_relations):
        return None
    for schema in (written.schema,) if written.schema is not None else names.search_path:
        name = TableName(schema, written.name)
        table = names.get_table(name)
        if table is not None and (names.visible(name) or maintains(name)):
            return table
    full = written.name if written.schema is None else f"{written.schema}.{written.name}"
    raise SqlError(SqlState.UNDEFINED_TABLE, f'relation "{full}" does not exist')


def _reason(table: Table, maintains: Callable[[TableName], bool]) -> str | None:
    """Return why a table is left out, None: it is not."""
    if not maintains(table.name):
        return f'permission denied to analyze "{table.name.name}", skipping it'
    if table.kind == VIEW:
        return f'skipping "{table.name.name}" --- cannot analyze non-tables or special system tables'
    if table.kind == "postgres":
        return f'skipping "{table.name.name}" --- its server has statistics of its own, run ANALYZE there'
    return None


def _columns(target: Target, table: Table) -> tuple[Column, ...]:
    if not target.columns:
        return table.columns
    found = []
    for name in target.columns:
        column = table.column(name)
        if column is None:
            message = f'column "{name}" of relation "{table.name.name}" does not exist'
            raise SqlError(SqlState.UNDEFINED_COLUMN, message)
        found.append(column)
    return tuple(found)
