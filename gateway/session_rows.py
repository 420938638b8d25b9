"""Rows of relations of the client's own session, read over his connection to the mirror, as record batches.

They come by COPY as CSV, which Arrow reads whole columns at a time. Values whose text a setting of the session changes
(floats, dates and times, bytes) are selected as numbers or digits, so that they are exact whatever the settings are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, json

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.scans import Comparison, Keys, ReadyScan, Scan, SessionScan, Snapshot
from catalog.sqlstate import SqlState
from catalog.statistics import UNKNOWN, TableStatistics
from catalog.tables import Discovery, Table
from connectors.postgres.comparisons import condition, takes
from connectors.postgres.decode import decode
from gateway.execute.port import EngineQuery
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_errors import error_of
from gateway.sql.session_relations import SessionColumn, SessionRelation

MOST_BYTES = 128 << 20
"""Of one relation's rows as text: they are held in memory while the statement runs."""

_T = TypeVar("_T")
_SOURCE = "pg_temp"
_LINE = "v"
_UNSAFE = "?column?"


class SessionSource:
    """The session as a source of the relations that a statement names. It compares as PostgreSQL does."""

    name = ""
    kind = "postgres"

    def __init__(self, relations: Mapping[TableName, SessionRelation]) -> None:
        self._relations = relations

    def discover(self) -> Discovery:
        """Return nothing: its relations are those that a statement names."""
        return Discovery(self.name, ())

    def pin(self, table: Table) -> Snapshot:
        """Return a version that says nothing: rows are those that the session sees when it reads them."""
        return Snapshot(table, "live")

    def scan(
        self,
        snapshot: Snapshot,
        columns: tuple[str, ...],
        comparisons: tuple[Comparison, ...],
        keys: tuple[Keys, ...] = (),
    ) -> SessionScan:
        """Return the query for these columns. Raises SqlError 0A000 for a type that the engine has not. Keys are of no
        use: its rows are few.
        """
        relation = self._relations[snapshot.table.name]
        chosen = [relation.column(name) for name in columns]
        fields = [pa.field(one.name, one.type.arrow) for one in chosen] or [pa.field(_UNSAFE, pa.int32())]
        selected = ", ".join(_selected(one) for one in chosen) or "0"
        conditions = [condition(relation.column(one.column).shape, one) for one in comparisons]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return SessionScan(f"SELECT {selected} FROM {relation.written}{where}", pa.schema(fields))

    def takes(self, table: Table, comparison: Comparison) -> bool:
        """Say whether the session applies this comparison: of columns that are the relation's own."""
        column = self._relations[table.name].column(comparison.column)
        return not column.is_computed and takes(column.shape, comparison)

    def statistics(self, table: Table) -> TableStatistics:
        """Return that nothing is known."""
        return UNKNOWN

    def close(self) -> None:
        """Do nothing: it holds nothing."""


async def with_rows(query: EngineQuery, mirror: MirrorConnection) -> EngineQuery:
    """Return the engine's query with the rows of the session's relations in it. Raises SqlError as the session does,
    and 53200 where they are too many.
    """
    scans: list[tuple[str, Scan]] = []
    for name, scan in query.scans:
        if isinstance(scan, SessionScan):
            told = await undisturbed(mirror, mirror.copy_out(_copy(scan.query), MOST_BYTES))
            if isinstance(told, bytes):
                raise error_of(told[5:], 0)
            if told is None:
                raise _too_many()
            batches = await asyncio.to_thread(read_rows, told, scan.schema)
            scans.append((name, ReadyScan(scan.schema, tuple(batches))))
        else:
            scans.append((name, scan))
    return replace(query, scans=tuple(scans))


async def undisturbed(mirror: MirrorConnection, work: Coroutine[Any, Any, _T]) -> _T:
    """Let work on the mirror's connection come to its end, also where the task that waits is cancelled: then it is
    cancelled there first, and its answers are taken.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await mirror.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise


def read_rows(data: bytearray, schema: pa.Schema) -> list[pa.RecordBatch]:
    """Return the rows of a COPY in CSV as batches of a schema. Raises SqlError for values that it cannot hold."""
    if not data:
        return [pa.RecordBatch.from_pylist([], schema=schema)]
    types = {field.name: _csv_type(field.type) for field in schema}
    table = csv.read_csv(
        pa.BufferReader(pa.py_buffer(data)),
        csv.ReadOptions(column_names=schema.names, block_size=min(max(1 << 20, len(data) + 1), 1 << 30)),
        csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        csv.ConvertOptions(
            column_types=types,
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return [decode(_typed(batch, schema), schema, _SOURCE) for batch in table.to_batches()]


def _copy(query: str) -> str:
    return f"COPY ({query}) TO STDOUT (FORMAT csv, ENCODING 'UTF8')"


def _too_many() -> SqlError:
    return SqlError(
        SqlState.OUT_OF_MEMORY,
        "a relation of the session has too many rows to be joined with tables of the lake",
        detail=f"The limit is {MOST_BYTES >> 20} MB.",
        hint="Name fewer columns of it, or ask for fewer rows of it.",
    )


def _selected(column: SessionColumn) -> str:
    """Return what is selected of a column, so that `_typed` reads it back."""
    own, arrow, types = column.selected, column.type.arrow, pa.types
    if types.is_float64(arrow):
        return f"('x' || pg_catalog.encode(pg_catalog.float8send({own}), 'hex'))::pg_catalog.bit(64)::pg_catalog.int8"
    if types.is_float32(arrow):
        return f"('x' || pg_catalog.encode(pg_catalog.float4send({own}), 'hex'))::pg_catalog.bit(32)::pg_catalog.int4"
    if types.is_timestamp(arrow) or types.is_time(arrow):
        return f"(EXTRACT(epoch FROM {own}) * 1000000)::pg_catalog.int8"
    if types.is_date(arrow):
        return f"({own} - '1970-01-01'::pg_catalog.date)"
    if types.is_binary(arrow):
        return f"pg_catalog.encode({own}, 'hex')"
    if types.is_list(arrow) and _is_plain(arrow.value_type):
        return f"pg_catalog.to_json({column.type.selected.format(own)})"
    if types.is_list(arrow) or types.is_interval(arrow):
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED,
            f'column "{column.name}" of type {column.type.sql_type} cannot be read beside tables of the lake',
            hint="Cast it to text, in a temporary table of its own.",
        )
    return column.type.selected.format(own)


def _is_plain(arrow: pa.DataType) -> bool:
    return bool(pa.types.is_integer(arrow) or pa.types.is_string(arrow) or pa.types.is_boolean(arrow))


def _csv_type(arrow: pa.DataType) -> pa.DataType:
    types = pa.types
    if types.is_float64(arrow) or types.is_timestamp(arrow) or types.is_time(arrow):
        return pa.int64()
    if types.is_float32(arrow) or types.is_date(arrow):
        return pa.int32()
    if types.is_decimal(arrow):
        return pa.int64() if arrow.precision <= 18 else pa.string()
    return pa.string() if types.is_binary(arrow) or types.is_list(arrow) else arrow


def _typed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = [_typed_column(batch.column(index), field.type) for index, field in enumerate(schema)]
    return pa.RecordBatch.from_arrays(columns, names=schema.names)


def _typed_column(values: pa.Array, arrow: pa.DataType) -> pa.Array:
    types = pa.types
    if types.is_floating(arrow) or types.is_timestamp(arrow) or types.is_time(arrow) or types.is_date(arrow):
        return values.view(arrow)
    if types.is_binary(arrow):
        return _bytes(values)
    return _lists(values, arrow) if types.is_list(arrow) else values


def _bytes(digits: pa.Array) -> pa.Array:
    """Return texts of hexadecimal digits as the bytes they stand for, all at once."""
    whole = pa.concat_arrays([digits])  # without an offset
    validity, offsets, data = whole.buffers()
    starts = pa.Array.from_buffers(pa.int32(), len(whole) + 1, [None, offsets])
    first, last = starts[0].as_py(), starts[-1].as_py()
    content = pa.py_buffer(bytes.fromhex((data.to_pybytes() if data is not None else b"")[first:last].decode()))
    halves = pc.divide(pc.subtract(starts, pa.scalar(first, pa.int32())), pa.scalar(2, pa.int32()))
    return pa.Array.from_buffers(pa.binary(), len(whole), [validity, halves.buffers()[1], content])


def _lists(texts: pa.Array, arrow: pa.DataType) -> pa.Array:
    """Return JSON arrays as lists. Raises SqlError 0A000 for arrays that are no plain lists."""
    filled = pc.fill_null(texts, "null")
    lines = pc.binary_join_element_wise(f'{{"{_LINE}":', filled, "}\n", "")
    one_list = pa.ListArray.from_arrays(pa.array([0, len(lines)], pa.int32()), lines)
    buffer = pc.binary_join(one_list, "")[0].as_buffer()
    options = json.ParseOptions(explicit_schema=pa.schema([pa.field(_LINE, arrow)]), newlines_in_values=False)
    try:
        table = json.read_json(pa.BufferReader(buffer), json.ReadOptions(block_size=len(buffer) + 1), options)
    except pa.ArrowInvalid as error:
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED, "arrays of several dimensions cannot be read beside tables of the lake"
        ) from error
    return table.column(_LINE).combine_chunks()
