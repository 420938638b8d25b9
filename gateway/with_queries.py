"""WITH queries that are named several times are computed before their statement, which reads their rows from memory.

Where they turn out to be many the statement computes them in each place, as it does otherwise; but not those with
random values, which would be others there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from time import monotonic

import pyarrow as pa

from catalog.errors import SqlError
from catalog.scans import ReadyScan, Scan
from catalog.sqlstate import SqlState
from gateway.execute.port import EnginePort, EngineQuery
from gateway.sql.engine_dialect.with_materialized import Materialized, WithQuery

MOST_BYTES = 32 << 20
"""Of the rows of all WITH queries of a statement: they are held in memory while it runs."""


_FEWEST_BYTES = 8 << 20  # of tables as they are stored: one more statement takes 2 ms, less is computed again in that


@dataclass(frozen=True, slots=True)
class Computed:
    """What became of a WITH query: how it was asked, how many rows it has, None where they were not read, and the
    milliseconds that they took.
    """

    query: WithQuery
    asked: EngineQuery
    rows: int | None = None
    milliseconds: float = 0.0


def may_materialize(query: EngineQuery, once: Materialized) -> bool:
    """Whether a statement reads so much that it may be worth two, or its text says so."""
    return once.is_wanted or once.is_necessary or query.bytes is None or query.bytes >= _FEWEST_BYTES


async def materialize(
    query: EngineQuery, once: Materialized, parameters: Sequence[pa.Scalar], engine: EnginePort
) -> tuple[EngineQuery, tuple[Computed, ...]]:
    """Compute the WITH queries; return the statement over their rows, and what became of each. The statement as it was,
    and nothing, where there are too many. Raises SqlError where one of them fails.
    """
    ready: dict[str, Scan] = {}
    told: list[Computed] = []
    left = MOST_BYTES
    for one in once.queries:
        asked = _part(query, one.sql, ready)
        started = monotonic()
        rows = await _rows(asked, parameters, engine, left)
        if rows is None and once.is_necessary:
            raise SqlError(
                SqlState.OUT_OF_MEMORY,
                f'the WITH query "{one.name}" has too many rows to be kept',
                detail=f"It has random values and is named more than once. The limit is {MOST_BYTES >> 20} MB.",
                hint="Keep its rows in a temporary table: CREATE TEMPORARY TABLE … AS.",
            )
        if rows is None:
            return query, ()
        left -= sum(batch.nbytes for batch in rows.batches or ())
        ready[one.relation] = rows
        count = sum(batch.num_rows for batch in rows.batches or ())
        told.append(Computed(one, asked, count, (monotonic() - started) * 1000))
    return _part(query, once.sql, ready), tuple(told)


async def plan_materialized(
    query: EngineQuery, once: Materialized, parameters: Sequence[pa.Scalar], engine: EnginePort
) -> tuple[EngineQuery, tuple[Computed, ...]]:
    """Return what `materialize` does, with no rows of the WITH queries: to be explained, not to be run."""
    ready: dict[str, Scan] = {}
    told: list[Computed] = []
    for one in once.queries:
        asked = _part(query, one.sql, ready)
        none = replace(asked, sql=f'SELECT * FROM ({one.sql}) AS "once" LIMIT 0')
        rows = await _rows(none, parameters, engine, MOST_BYTES)
        assert rows is not None, "no rows, and too many bytes"
        ready[one.relation] = ReadyScan(rows.schema, None)
        told.append(Computed(one, asked))
    return _part(query, once.sql, ready), tuple(told)


def _part(query: EngineQuery, sql: str, ready: Mapping[str, Scan]) -> EngineQuery:
    """Return a part of a statement: of its scans those that it reads."""
    scans = tuple((name, scan) for name, scan in (*query.scans, *ready.items()) if f'"{name}"' in sql)
    fenced = query.fenced & {name for name, _ in scans}
    return replace(query, sql=sql, scans=scans, fenced=fenced, is_plain_scan=False, compares=False, measured=None)


async def _rows(query: EngineQuery, parameters: Sequence[pa.Scalar], engine: EnginePort, most: int) -> ReadyScan | None:
    """Return the rows, None where they are more than so many bytes."""
    running = await engine.start(lambda: query, parameters)
    batches: list[pa.RecordBatch] = []
    try:
        async with aclosing(running.batches()) as read:  # type: ignore[type-var]
            async for batch in read:
                batches.append(
                    batch if not batches or batch.schema == batches[0].schema else batch.cast(batches[0].schema)
                )
                most -= batch.nbytes
                if most < 0:
                    return None
    finally:
        await running.close()
    batches = batches or [pa.RecordBatch.from_pylist([], schema=running.schema)]
    return ReadyScan(batches[0].schema, tuple(batches))  # the plan promises other layouts of some types
