"""Rows of relations of the client's own session, read over his connection to the mirror, as record batches.

They come by COPY as CSV, which Arrow reads whole columns at a time; `gateway.session_values` says in which form.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import pyarrow as pa
from pyarrow import csv

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
from gateway.session_values import selected, sent_type, typed
from gateway.sql.session_relations import SessionRelation

MOST_BYTES = 128 << 20
"""Of one relation's rows as text: they are held in memory while the statement runs."""

_T = TypeVar("_T")
_SOURCE = "pg_temp"
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
        """Return the query for these columns. Keys are of no use: its rows are few."""
        relation = self._relations[snapshot.table.name]
        chosen = [relation.column(name) for name in columns]
        fields = [pa.field(one.name, one.type.arrow) for one in chosen] or [pa.field(_UNSAFE, pa.int32())]
        words = ", ".join(selected(one.selected, one.type) for one in chosen) or "0"
        conditions = [condition(relation.column(one.column).shape, one) for one in comparisons]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return SessionScan(f"SELECT {words} FROM {relation.written}{where}", pa.schema(fields))

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
            batches = await asyncio.to_thread(read_rows, told, scan.schema, infinite=scan.infinite)
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


def read_rows(data: bytearray, schema: pa.Schema, *, infinite: bool = False) -> list[pa.RecordBatch]:
    """Return the rows of a COPY in CSV as batches of a schema. ``infinite``: dates and timestamps may be infinite.
    Raises SqlError for values that it cannot hold.
    """
    if not data:
        return [pa.RecordBatch.from_pylist([], schema=schema)]
    types = {field.name: sent_type(field.type) for field in schema}
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
    return [_decoded(batch, schema, infinite=infinite) for batch in table.to_batches()]


def _decoded(batch: pa.RecordBatch, schema: pa.Schema, *, infinite: bool) -> pa.RecordBatch:
    columns = [typed(column, field.type) for column, field in zip(batch.columns, schema, strict=True)]
    done = [infinite and (pa.types.is_date(one.type) or pa.types.is_timestamp(one.type)) for one in schema]
    rest = [place for place, is_done in enumerate(done) if not is_done]
    part = pa.schema([schema.field(place) for place in rest])
    given = pa.RecordBatch.from_arrays([columns[place] for place in rest], names=part.names)
    for place, column in zip(rest, decode(given, part, _SOURCE).columns if rest else (), strict=True):
        columns[place] = column
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _copy(query: str) -> str:
    return f"COPY ({query}) TO STDOUT (FORMAT csv, ENCODING 'UTF8')"


def _too_many() -> SqlError:
    return SqlError(
        SqlState.OUT_OF_MEMORY,
        "a relation of the session has too many rows to be joined with tables of the lake",
        detail=f"The limit is {MOST_BYTES >> 20} MB.",
        hint="Name fewer columns of it, or ask for fewer rows of it.",
    )
