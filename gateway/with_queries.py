"""WITH queries that are named several times are computed before their statement, which reads their rows from memory.

Where they turn out to be many the statement computes them in each place, as it does otherwise; but not those with
random values, which would be others there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from time import monotonic

import pyarrow as pa

from catalog.errors import SqlError
from catalog.scans import ReadyScan, Scan
from catalog.sqlstate import SqlState
from gateway.execute.port import EnginePort, EngineQuery, MakeForm, Messages, RunningStatement
from gateway.sql.engine_dialect.with_materialized import Materialized, WithQuery

MOST_BYTES = 32 << 20
"""Of the rows of all WITH queries of a statement: they are held in memory while it runs."""

_MOST_HELD = 256 << 20  # of all statements; others compute them in each place
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


class Held:
    """Room for the rows of one statement, which it has until it ends."""

    in_all = 0  # bytes, of the statements of this process: one event loop begins and ends them

    def __init__(self) -> None:
        self._bytes = 0

    def take(self, size: int) -> bool:
        """Take room for so many bytes; say whether it is there."""
        if Held.in_all + size > _MOST_HELD:
            return False
        Held.in_all += size
        self._bytes += size
        return True

    def keep(self, size: int) -> None:
        """Give back all but so many bytes."""
        Held.in_all += size - self._bytes
        self._bytes = size


@dataclass(slots=True)
class _Holding:
    """A statement that runs, and the room of what it reads."""

    _running: RunningStatement
    _held: Held

    @property
    def messages(self) -> Messages | None:
        """The rows in the form that was asked for, where the engine makes them so."""
        return self._running.messages

    @property
    def schema(self) -> pa.Schema:
        """The schema that the plan promises."""
        return self._running.schema

    @property
    def whole(self) -> Sequence[pa.RecordBatch] | None:
        """All batches of a statement that has ended by now, None while there may be more."""
        return self._running.whole

    def batches(self) -> AsyncIterator[pa.RecordBatch]:
        """Yield the record batches."""
        return self._running.batches()

    async def close(self) -> None:
        """Stop the work and give back what it holds."""
        try:
            await self._running.close()
        finally:
            self._held.keep(0)


async def start_materialized(
    query: EngineQuery, once: Materialized, parameters: Sequence[pa.Scalar], engine: EnginePort, form: MakeForm
) -> RunningStatement | None:
    """Compute the WITH queries and begin to execute the statement over their rows; None where there are too many."""
    held = Held()
    try:
        query, computed = await materialize(query, once, parameters, engine, held)
        running = await engine.start(lambda: query, parameters, form) if computed else None
    except BaseException:
        held.keep(0)
        raise
    return None if running is None else _Holding(running, held)


async def materialize(
    query: EngineQuery, once: Materialized, parameters: Sequence[pa.Scalar], engine: EnginePort, held: Held
) -> tuple[EngineQuery, tuple[Computed, ...]]:
    """Compute the WITH queries; return the statement over their rows, for which room is ``held``, and what became of
    each. The statement as it was, and nothing, where there are too many. Raises SqlError where one of them fails.
    """
    ready: dict[str, Scan] = {}
    told: list[Computed] = []
    kept, has_room = 0, held.take(MOST_BYTES)
    for one in once.queries:
        asked = _part(query, one.sql, ready)
        started = monotonic()
        rows = await _rows(asked, parameters, engine, MOST_BYTES - kept) if has_room else None
        if rows is None:
            held.keep(0)
            if once.is_necessary:
                raise _too_many(one.name)
            return query, ()
        kept += sum(batch.nbytes for batch in rows.batches or ())
        ready[one.relation] = rows
        count = sum(batch.num_rows for batch in rows.batches or ())
        told.append(Computed(one, asked, count, (monotonic() - started) * 1000))
    held.keep(kept)
    return _part(query, once.sql, ready), tuple(told)


def _too_many(name: str) -> SqlError:
    return SqlError(
        SqlState.OUT_OF_MEMORY,
        f'the WITH query "{name}" has too many rows to be kept',
        detail=f"It has random values and is named more than once. The limit is {MOST_BYTES >> 20} MB.",
        hint="Keep its rows in a temporary table: CREATE TEMPORARY TABLE … AS.",
    )


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
    return replace(
        query,
        sql=sql,
        scans=scans,
        fenced=fenced,
        is_plain_scan=False,
        compares=False,
        measured=None,
        in_whole_numbers=None,
    )


async def _rows(query: EngineQuery, parameters: Sequence[pa.Scalar], engine: EnginePort, most: int) -> ReadyScan | None:
    """Return the rows, None where they are more than so many bytes."""
    running = await engine.start(lambda: query, parameters)
    batches: list[pa.RecordBatch] = []
    try:
        schema = running.schema
        async with aclosing(running.batches()) as read:  # type: ignore[type-var]
            async for batch in read:
                # The plan promises other layouts of some types than those of the rows.
                schema = schema if batches else batch.schema
                batches.append(batch if batch.schema == schema else batch.cast(schema))
                most -= batch.nbytes
                if most < 0:
                    return None
    finally:
        await running.close()
    return ReadyScan(schema, tuple(batches) or (pa.RecordBatch.from_pylist([], schema=schema),))
