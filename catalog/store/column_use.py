"""How statements read tables, in the metadata store: sums, to which every gateway adds its own."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from catalog.names import TableName
from catalog.store.schema import column_use
from catalog.usage import Misjudged, Use, Uses

_KEY = ("catalog", "schema_name", "table_name", "column_name")
_SUMS = ("scans", "known", "read", "kept")
_LAST = ("files", "bytes", "expected", "found", "misjudged")
_MANY = 100.0  # scans, beyond which what was before counts half with all that is added


class ColumnUse:
    """Uses of tables and columns. Safe to use from several threads; every method blocks."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, database: str, uses: Uses) -> None:
        """Add what was used to what is known. Where much is known already it counts half, so that a table that was
        written anew is judged by how it is read now.
        """
        if not uses:
            return
        columns = column_use.c
        statement = insert(column_use)
        weight = sa.case((columns.scans >= _MANY, 0.5), else_=1.0)
        news = {name: columns[name] * weight + statement.excluded[name] for name in _SUMS}
        news |= {name: sa.func.coalesce(statement.excluded[name], columns[name]) for name in _LAST}
        rows = [_row(database, *key, uses[key]) for key in sorted(uses)]
        with self._engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=news), rows)

    def load(self, database: str) -> Uses:
        """Return all that is known of one database."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(column_use).where(column_use.c.catalog == database))
            return {(TableName(row.schema_name, row.table_name), row.column_name): _use(row) for row in rows}


def _use(row: sa.Row[Any]) -> Use:
    wrong = None if row.misjudged is None else Misjudged(row.expected, row.found, row.misjudged)
    return Use(row.scans, row.known, row.read, row.kept, row.files, row.bytes, wrong)


def _row(database: str, table: TableName, column: str, use: Use) -> dict[str, object]:
    wrong = use.misjudged
    last = (use.files, use.bytes, *((wrong.expected, wrong.found, wrong.at) if wrong else (None, None, None)))
    key = dict(zip(_KEY, (database, table.schema, table.name, column), strict=True))
    return key | {name: getattr(use, name) for name in _SUMS} | dict(zip(_LAST, last, strict=True))
