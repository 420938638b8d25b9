"""The rows of a table read for its statistics, by the engine: once for counts, bounds and numbers of distinct values of
all rows, once for a sample.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from types import MappingProxyType

import pyarrow as pa

from catalog.analyzed import Analyzed
from catalog.names import always_quoted
from catalog.scans import Scan, Snapshot
from catalog.statistics import ColumnStatistics, TableStatistics
from catalog.tables import Column
from gateway.analyze.sample import SAMPLED_ROWS, WIDEST, has_order, is_text, read_sample
from gateway.execute.port import EnginePort, EngineQuery

_SPARE = 1.2  # a sample may not have fewer rows than were wanted


async def read_statistics(
    engine: EnginePort, snapshot: Snapshot, scan: Scan, columns: Sequence[Column], *, combined: bool = False
) -> tuple[Analyzed, int]:
    """Read a version of a table; return its statistics and how many rows the sample had. ``scan`` reads ``columns``,
    all others are left out. ``combined`` counts how many combinations of their values there are, too.
    """
    combined = combined and all(has_order(column.arrow_type) for column in columns)
    relation = f"scan_{secrets.token_hex(8)}_0"
    source = f'"{relation}"'
    counted = await _rows(
        engine, EngineQuery(_counting(source, columns, combined=combined), ((relation, scan),), bytes=snapshot.bytes)
    )
    total = counted.column("rows")[0].as_py()
    sampling = EngineQuery(_sampling(source, columns, total), ((relation, scan),), bytes=snapshot.bytes)
    sample = await _rows(engine, sampling)
    found = {column.name: _column(column, place, counted, sample) for place, column in enumerate(columns)}
    together = {frozenset(found): float(min(counted.column("combined")[0].as_py(), total))} if combined else {}
    statistics = TableStatistics(
        rows=float(total), columns=MappingProxyType(found), combined=MappingProxyType(together)
    )
    return Analyzed(snapshot.version, datetime.now(UTC), statistics), sample.num_rows


async def _rows(engine: EnginePort, query: EngineQuery) -> pa.Table:
    running = await engine.start(lambda: query)
    try:
        async with aclosing(running.batches()) as batches:  # type: ignore[type-var]
            found = [batch async for batch in batches]
        return pa.Table.from_batches(found, found[0].schema if found else running.schema)
    finally:
        await running.close()


def _counting(source: str, columns: Sequence[Column], *, combined: bool) -> str:
    items = ["count(*) AS rows"]
    for place, column in enumerate(columns):
        name, kind = always_quoted(column.name), column.arrow_type
        # The engine counts distinct values of all types but floats.
        counted = f"CAST({name} AS VARCHAR)" if pa.types.is_floating(kind) else name
        items += [f'count({name}) AS "known {place}"', f'approx_distinct({counted}) AS "distinct {place}"']
        if has_order(kind):
            items += [f'min({name}) AS "least {place}"', f'max({name}) AS "most {place}"']
    if combined:  # a sign between them that stands in hardly any text; NULL is a value here
        texts = (f"coalesce(CAST({always_quoted(column.name)} AS VARCHAR), chr(30))" for column in columns)
        items.append(f"approx_distinct(concat({', chr(31), '.join(texts)})) AS combined")
    return f"SELECT {', '.join(items)} FROM {source}"


def _sampling(source: str, columns: Sequence[Column], rows: int) -> str:
    items = ", ".join(f'{always_quoted(column.name)} AS "{place}"' for place, column in enumerate(columns))
    wanted = SAMPLED_ROWS * _SPARE
    where = f" WHERE random() < {wanted / rows!r}" if rows > wanted else ""
    return f"SELECT {items} FROM {source}{where}"


def _column(column: Column, place: int, counted: pa.Table, sample: pa.Table) -> ColumnStatistics:
    rows = counted.column("rows")[0].as_py()
    known = counted.column(f"known {place}")[0].as_py()
    distinct = float(min(counted.column(f"distinct {place}")[0].as_py(), known))
    kind = column.arrow_type
    values = sample.column(str(place)).combine_chunks()
    told = read_sample(values.cast(kind) if has_order(kind) else values, distinct)
    least, most = (_bound(counted, f"{end} {place}", kind) for end in ("least", "most"))
    return ColumnStatistics(
        distinct=distinct,
        null_fraction=1.0 - known / rows if rows else 0.0,
        minimum=least,
        maximum=most,
        histogram=told.histogram,
        most_common=told.most_common,
        width=told.width,
    )


def _bound(counted: pa.Table, name: str, kind: pa.DataType) -> pa.Scalar | None:
    """Return the least or greatest value, None where all are NULL, and of texts that are too long to be kept."""
    if name not in counted.column_names:
        return None
    value = counted.column(name).combine_chunks().cast(kind)[0]
    if not value.is_valid or (is_text(kind) and len(value.as_py().encode()) > WIDEST):
        return None
    return value
