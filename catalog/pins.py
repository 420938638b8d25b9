"""Plans that are pinned to statements, as they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from catalog.names import TableName
from catalog.tables import Table


@dataclass(frozen=True, slots=True)
class Pin:
    """Hints that hold for a statement, whoever runs it: the number and text of the statement without constants, the
    hints, and the tables that it names, with digests of their columns then. ``by`` has pinned it; None: he is gone.
    """

    queryid: int
    query: str
    hints: str
    tables: Mapping[TableName, str]
    by: str | None
    at: datetime


def shape_of(table: Table) -> str:
    """Return a digest of a table's columns: another one where a column came, went, or has another name or type."""
    columns = "\n".join(f"{column.name} {column.sql_type} {column.identity}" for column in table.columns)
    return blake2b(columns.encode("utf-8", "replace"), digest_size=16).hexdigest()


def changed_table(pin: Pin, tables: Mapping[TableName, Table]) -> TableName | None:
    """Return a table that is not as it was when the plan was pinned, or not there any more; None: all are."""
    for name, shape in sorted(pin.tables.items()):
        table = tables.get(name)
        if table is None or shape_of(table) != shape:
            return name
    return None
