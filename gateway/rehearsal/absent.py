"""What a store holds for tables, columns and schemas that no source has now: it waits until they come back.

Statements cannot say it: PostgreSQL has no such relation to say it of. So files of policies are without it, and no
difference to them touches it.
"""

from __future__ import annotations

from dataclasses import replace

from catalog.mask_library import SCHEMA
from catalog.names import TableName
from catalog.store.rows import ALL_TABLES, SCHEMA_ITSELF, AccessRows
from catalog.tables import Catalog
from policies.view_difference import view_names

_SCHEMAS_THEMSELVES = (None, SCHEMA_ITSELF, ALL_TABLES)
_OWN_SCHEMAS = frozenset({SCHEMA, "public"})


def without_absent(rows: AccessRows, catalog: Catalog) -> tuple[AccessRows, tuple[str, ...]]:
    """Return a state without what is on absent relations, columns and schemas, and the names of these. Where nothing is
    known of the sources yet, nothing is held to be absent.
    """
    if not catalog.tables:
        return rows, ()
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
    return kept, tuple(sorted(absent))
