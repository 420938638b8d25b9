"""Reading of scans as the engine does, for tests of connectors too."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from datafusion import SessionConfig, SessionContext

from catalog.scans import Comparison, FileScan, Snapshot, Source
from gateway.execute import file_relations


def new_context(partitions: int = 2) -> SessionContext:
    """Return a context with the settings that the gateway gives its own."""
    config = SessionConfig().with_target_partitions(partitions)
    config = config.set("datafusion.sql_parser.map_string_types_to_utf8view", "false")
    return SessionContext(config.set("datafusion.sql_parser.dialect", "postgresql"))


def rows(context: SessionContext, scan: FileScan, sql: str = "SELECT * FROM {t}") -> pa.Table:
    """Return what a query over the scan (``{t}``) yields; a whole table must have the scan's columns and types. Strings
    are given in Arrow's usual layout: its kernels read few others.
    """
    result = context.sql(sql.format(t=file_relations.register(context, scan))).to_arrow_table()
    result = in_usual_layout(result)
    if sql == "SELECT * FROM {t}":
        assert result.schema.names == scan.schema.names
        assert result.schema.types == scan.schema.types
    return result


def in_usual_layout(table: pa.Table) -> pa.Table:
    """Return a table with strings in place of string views."""
    usual = [f.with_type(pa.string()) if pa.types.is_string_view(f.type) else f for f in table.schema]
    return table.cast(pa.schema(usual)) if usual else table  # a cast would lose the rows of no columns


def pinned(source: Source, name: str) -> Snapshot:
    """Return the current snapshot of the table of that name, found anew."""
    table = next(table for table in source.discover().tables if table.name.name == name)
    return source.pin(table)


def scanned(source: Source, name: str, *comparisons: Comparison) -> FileScan:
    """Return the current scan of a table."""
    snapshot = pinned(source, name)
    scan = source.scan(snapshot, tuple(column.name for column in snapshot.table.columns), comparisons)
    assert isinstance(scan, FileScan)
    return scan


def files_of(scan: FileScan) -> list[str]:
    """Return all data files of a scan."""
    return [file for group in scan.groups for file in group.files]


def compare(column: str, operator: str, *values: Any, type: pa.DataType | None = None) -> Comparison:
    """Return a comparison with constants of a type."""
    return Comparison(column, operator, tuple(pa.scalar(value, type) for value in values))
