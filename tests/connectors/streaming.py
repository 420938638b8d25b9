"""Reading of scans of any kind, as the engine does."""

from __future__ import annotations

import itertools

import pyarrow as pa
from datafusion import SessionContext

from catalog.errors import SqlError
from catalog.scans import Comparison, FileScan, RemoteScan, Source
from catalog.tables import Table
from connectors.postgres.source import PostgresSource
from gateway.execute import file_relations, remote_relations
from gateway.execute.remote_relations import RemoteDataset
from tests.execute.reading import in_usual_layout, new_context

_numbers = itertools.count(1)


def table_of(source: Source, name: str, schema: str | None = None) -> Table:
    """Return a table as discovery finds it now."""
    found = source.discover().tables
    return next(table for table in found if table.name.name == name and schema in (None, table.name.schema))


def remote_rows(
    source: PostgresSource, scan: RemoteScan, sql: str = "SELECT * FROM {t}", context: SessionContext | None = None
) -> pa.Table:
    """Return what a query over a scan yields. A failure of the source is raised as what it was."""
    context = context or new_context()
    dataset = RemoteDataset(scan.schema, source.open(scan))
    name = f"remote_{next(_numbers)}"
    remote_relations.register(context, name, dataset)
    try:
        return context.sql(sql.format(t=name)).to_arrow_table()
    except Exception:
        if dataset.failure is not None:
            raise dataset.failure from None
        raise
    finally:
        dataset.close()
        context.deregister_table(name)


def read(
    source: Source,
    table: Table,
    columns: tuple[str, ...] | None = None,
    comparisons: tuple[Comparison, ...] = (),
) -> pa.Table:
    """Pin, scan and read a table; the columns asked for, or all."""
    wanted = tuple(column.name for column in table.columns) if columns is None else columns
    scan = source.scan(source.pin(table), wanted, comparisons)
    if isinstance(scan, RemoteScan):
        assert isinstance(source, PostgresSource)
        return remote_rows(source, scan)
    assert isinstance(scan, FileScan)
    context = new_context()
    result = context.sql(f"SELECT * FROM {file_relations.register(context, scan)}").to_arrow_table()
    return in_usual_layout(result.select(wanted))


def failure_of(call: object) -> SqlError:
    """Return the SqlError that a call raises."""
    try:
        call()  # type: ignore[operator]
    except SqlError as failure:
        return failure
    raise AssertionError("no SqlError was raised")
