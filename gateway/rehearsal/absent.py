"""What a store holds for tables, columns and schemas that no source has now: it waits until they come back.

Statements cannot say it: PostgreSQL has no such relation to say it of. So files of policies are without it, and no
difference to them touches it. Views that read what is gone are like it.

Row policies of tables that are there, but whose conditions ask for what is gone, deny their table. Files have them: a
file that was without them would open the table where what is gone is there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from catalog.errors import SqlError
from catalog.mask_library import SCHEMA
from catalog.names import TableName, quote_identifier
from catalog.sqlstate import SqlState
from catalog.store.rows import ALL_TABLES, PUBLIC, SCHEMA_ITSELF, AccessRows, RowPolicy
from catalog.tables import Catalog
from gateway.sql.expression_text import parse_expression
from gateway.sql.policy_text import view_lineage
from gateway.sql.resolve import Names, references, resolve
from policies.view_difference import view_names, without_views
from policies.views import Views

_SCHEMAS_THEMSELVES = (None, SCHEMA_ITSELF, ALL_TABLES)
_OWN_SCHEMAS = frozenset({SCHEMA, "public"})
ABSENT = frozenset({SqlState.UNDEFINED_TABLE, SqlState.UNDEFINED_COLUMN, SqlState.INVALID_SCHEMA_NAME})
"""Errors of what names something that is not there."""


@dataclass(frozen=True, slots=True)
class UnfitPolicy:
    """A row policy that asks for what no source has now."""

    row: RowPolicy
    reason: str

    def __str__(self) -> str:
        """The policy, its table and what is missing."""
        table = TableName(self.row.schema, self.row.table)
        return f"policy {quote_identifier(self.row.name)} on {table}: {self.reason}"


def without_absent(rows: AccessRows, catalog: Catalog) -> tuple[AccessRows, tuple[str, ...]]:
    """Return a state without what is on absent relations, columns and schemas, and without views that read such, and
    the names of all these. Where nothing is known of the sources yet, nothing is held to be absent.
    """
    if not catalog.tables:
        return rows, ()
    kept, absent = _without_absent(rows, catalog)
    views = _unfit_views(kept, catalog)
    return without_views(kept, views), tuple(sorted({*absent, *map(str, views)}))


def unfit_policies(rows: AccessRows, catalog: Catalog) -> tuple[UnfitPolicy, ...]:
    """Return the row policies of a state that ask for what no source has now. The state is one of `without_absent`."""
    if not catalog.tables:
        return ()
    names = _names(rows, catalog)
    told = ((row, _missing_for(row, names)) for row in rows.row_policies)
    return tuple(UnfitPolicy(row, reason) for row, reason in told if reason is not None)


def closed(row: RowPolicy) -> RowPolicy:
    """Return an unfit policy as one that can be made, and shows nobody a row: for statements that are tried."""
    return replace(row, using="false", check=None, command="ALL", permissive=False, roles=(PUBLIC,))


def with_closed(rows: AccessRows, catalog: Catalog) -> AccessRows:
    """Return a state whose unfit policies are closed."""
    unfit = {one.row for one in unfit_policies(rows, catalog)}
    return replace(rows, row_policies=tuple(closed(row) if row in unfit else row for row in rows.row_policies))


def _names(rows: AccessRows, catalog: Catalog) -> Names:
    views = Views.from_rows(rows, dict)
    return Names(catalog, frozenset(), (), lambda _: True, views=views.tables, view_types={})


def _unfit_views(rows: AccessRows, catalog: Catalog) -> frozenset[TableName]:
    """Return the views that read what is absent, those that read such views among them."""
    found: frozenset[TableName] = frozenset()
    while True:
        names = _names(without_views(rows, found), catalog)
        more = set()
        for row in without_views(rows, found).views:
            try:
                view_lineage(row, names)
            except SqlError as error:
                if error.sqlstate in ABSENT:
                    more.add(TableName(row.schema, row.name))
        if not more:
            return found
        found |= more


def _missing_for(row: RowPolicy, names: Names) -> str | None:
    """Return why the conditions of a policy cannot be given their names, or None. What else may be wrong with them is
    not looked at: they are PostgreSQL's own texts.
    """
    for text in (row.using, row.check):
        if text is None:
            continue
        try:
            query = exp.select("1").from_(exp.table_(row.table, row.schema, quoted=True))
            query = query.where(parse_expression(text))
            resolve(query, references(query, names), names)
        except SqlError as error:
            if error.sqlstate in ABSENT:
                return error.message
    return None


def _without_absent(rows: AccessRows, catalog: Catalog) -> tuple[AccessRows, set[str]]:
    views, absent = view_names(rows), set[str]()
    schemas = {*catalog.schemas, *(one.schema for one in (*catalog.tables, *views)), *_OWN_SCHEMAS}

    def stays(schema: str | None, table: str | None, column: str | None = None) -> bool:
        if not schema or schema in _OWN_SCHEMAS:
            return True
        if table in _SCHEMAS_THEMSELVES or schema not in schemas:
            missing = None if schema in schemas else schema
        else:
            missing = _missing(TableName(schema, table or ""), column)
        absent.update(filter(None, [missing]))
        return missing is None

    def _missing(name: TableName, column: str | None) -> str | None:
        table = catalog.tables.get(name)
        if table is None:
            return None if name in views else str(name)
        return f"{name}.{column}" if column and table.column(column) is None else None

    kept = replace(
        rows,
        grants=tuple(row for row in rows.grants if stays(row.schema, row.table, row.column)),
        tables=tuple(row for row in rows.tables if stays(row.schema, row.table)),
        row_policies=tuple(row for row in rows.row_policies if stays(row.schema, row.table)),
        column_masks=tuple(
            row
            for row in rows.column_masks
            if all(stays(row.schema, row.table, column) for column in (row.column, *row.arguments))
        ),
        tag_assignments=tuple(row for row in rows.tag_assignments if stays(row.schema, row.table, row.column)),
        default_privileges=tuple(row for row in rows.default_privileges if stays(row.schema, None)),
        comments=tuple(row for row in rows.comments if stays(row.schema, row.table, row.column)),
    )
    return kept, absent
