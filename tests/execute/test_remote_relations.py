"""Remote scans as DataFusion reads them: lazily, filtered exactly, cancelled from outside."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pytest
from datafusion import RecordBatch, SessionContext

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.execute.remote_relations import STREAMS, RemoteDataset, in_turns, register
from tests.execute.reading import new_context

NAN, INF = math.nan, math.inf
SCHEMA = pa.schema([("a", pa.int64()), ("s", pa.string()), ("f", pa.float64())])
ROWS: list[dict[str, Any]] = [
    {"a": 1, "s": "x", "f": 1.0},
    {"a": 2, "s": None, "f": NAN},
    {"a": None, "s": "ä", "f": None},
    {"a": 4, "s": "y", "f": -INF},
]


class Partitions:
    """Partitions of batches in memory, counting what is pulled."""

    def __init__(self, batches: int = 1, partitions: int = 1, failure: SqlError | None = None) -> None:
        self.batches, self.failure = batches, failure
        self.asked: list[Sequence[str] | None] = []
        self.pulled, self.ended, self.cancelled, self.closed = 0, 0, 0, 0
        self.stall = threading.Event()
        self.stalls_after: int | None = None
        self.opens: list[Callable[[Sequence[str] | None], OnePartition]] = [self._open] * partitions

    def _open(self, columns: Sequence[str] | None) -> OnePartition:
        self.asked.append(columns)
        return OnePartition(self, columns)

    def close(self) -> None:
        self.closed += 1


class OnePartition:
    def __init__(self, owner: Partitions, columns: Sequence[str] | None) -> None:
        self._owner = owner
        full = pa.RecordBatch.from_pylist(ROWS, schema=SCHEMA)
        self._batch = full if columns is None else full.select(columns)
        self.schema = self._batch.schema

    def batches(self) -> Iterator[pa.RecordBatch]:
        owner = self._owner
        try:
            for number in range(owner.batches):
                if owner.stalls_after == number:
                    owner.stall.wait(10)
                    raise SqlError(SqlState.QUERY_CANCELED, "canceling statement due to user request")
                owner.pulled += 1
                yield self._batch
            if owner.failure is not None:
                raise owner.failure
        finally:
            owner.ended += 1

    def cancel(self) -> None:
        self._owner.cancelled += 1
        self._owner.stall.set()


@pytest.fixture
def context() -> SessionContext:
    return new_context()


def registered(context: SessionContext, partitions: Partitions) -> RemoteDataset:
    dataset = RemoteDataset(SCHEMA, partitions)
    register(context, "t", dataset)
    return dataset


def ask(context: SessionContext, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = context.sql(sql).to_arrow_table().to_pylist()
    return found


def test_the_engine_asks_only_for_the_columns_it_needs(context: SessionContext) -> None:
    partitions = Partitions()
    registered(context, partitions)
    assert ask(context, "SELECT s, a FROM t") == [{"s": row["s"], "a": row["a"]} for row in ROWS]
    assert ask(context, "SELECT count(*) AS c FROM t") == [{"c": 4}]
    assert [sorted(columns or ()) for columns in partitions.asked] == [["a", "s"], []]


def test_all_partitions_are_read(context: SessionContext) -> None:
    registered(context, Partitions(batches=3, partitions=5))
    assert ask(context, "SELECT count(*) AS c, sum(a) AS s FROM t") == [{"c": 60, "s": 105}]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("a > 1", [2, 4]),
        ("NOT a > 1", [1]),
        ("a <> 1 OR s = 'x'", [1, 2, 4]),
        ("a IS NULL", [None]),
        ("s > 'x'", [None, 4]),
        ("a IN (1, 4, 9)", [1, 4]),
        ("a NOT IN (1, 4)", [2]),
        ("f > 0", [1, 2]),
        ("f < 5", [1, 4]),
        ("f <> 1", [2, 4]),
        ("NOT f > 0", [4]),
        ("f > 0 AND s IS NULL", [2]),
    ],
)
def test_filters_are_applied_as_postgres_would(context: SessionContext, condition: str, expected: list[Any]) -> None:
    """NaN is greater than every number; NULL is never true."""
    registered(context, Partitions())
    assert [row["a"] for row in ask(context, f"SELECT a FROM t WHERE {condition}")] == expected
    assert ask(context, f"SELECT count(*) AS c FROM t WHERE {condition}") == [{"c": len(expected)}]


@pytest.mark.parametrize("constant", ["'NaN'", "'Infinity'", "'-Infinity'"])
def test_a_filter_that_cannot_be_exact_is_refused_while_planning(context: SessionContext, constant: str) -> None:
    partitions = Partitions()
    registered(context, partitions)
    with pytest.raises(Exception, match="NaN or infinity"):
        ask(context, f"SELECT a FROM t WHERE f >= CAST({constant} AS DOUBLE)")
    assert partitions.pulled == 0
    assert len(ask(context, "SELECT a FROM t WHERE s <> 'nan'")) == 3


def test_nothing_is_read_ahead_and_closing_ends_what_a_limit_left_open(context: SessionContext) -> None:
    partitions = Partitions(batches=1000, partitions=2)
    dataset = registered(context, partitions)
    assert len(ask(context, "SELECT a FROM t LIMIT 5")) == 5
    assert partitions.pulled <= 20
    dataset.close()
    assert partitions.ended + partitions.cancelled >= len(partitions.asked)
    assert partitions.closed == 1


def test_a_slow_reader_holds_the_source_back(context: SessionContext) -> None:
    partitions = Partitions(batches=10_000)
    registered(context, partitions)
    stream = context.sql("SELECT a, s FROM t WHERE a > 0").execute_stream()
    next(stream)
    time.sleep(0.2)
    assert partitions.pulled <= 10
    del stream


def test_the_sources_own_error_is_kept(context: SessionContext) -> None:
    failure = SqlError(SqlState.CONNECTION_FAILURE, 'the connection to source "crm" was lost')
    dataset = registered(context, Partitions(batches=3, failure=failure))
    with pytest.raises(Exception, match="crm"):
        ask(context, "SELECT sum(a) FROM t")
    assert dataset.failure is failure


def test_closing_cancels_a_read_that_waits(context: SessionContext) -> None:
    partitions = Partitions(batches=10)
    partitions.stalls_after = 1
    dataset = registered(context, partitions)

    async def cancel() -> float:
        stream = context.sql("SELECT sum(a) FROM t").execute_stream()
        pending = asyncio.ensure_future(stream.__anext__())
        await asyncio.sleep(0.2)
        begun = time.monotonic()
        pending.cancel()
        await asyncio.wait([pending])
        del stream
        await asyncio.to_thread(dataset.close)
        while not partitions.ended and time.monotonic() - begun < 2:
            await asyncio.sleep(0.01)
        return time.monotonic() - begun

    assert asyncio.run(cancel()) < 0.5
    assert (partitions.cancelled, partitions.closed) == (1, 1)
    dataset.close()


def test_a_closed_scan_opens_nothing(context: SessionContext) -> None:
    partitions = Partitions()
    dataset = registered(context, partitions)
    dataset.close()
    with pytest.raises(Exception, match="cancel"):
        ask(context, "SELECT a FROM t")
    assert dataset.failure is not None and dataset.failure.sqlstate == SqlState.QUERY_CANCELED
    assert partitions.asked == []


# Scans that wait, and others


def test_scans_that_wait_leave_workers_for_others(context: SessionContext) -> None:
    """As many as are let in at one time, below operators that ask for all of their rows before they give any."""
    waiting = [Partitions() for _ in range(STREAMS)]
    for number, partitions in enumerate(waiting):
        partitions.stalls_after = 0
        register(context, f"waiting_{number}", RemoteDataset(SCHEMA, partitions))
    register(context, "ready", RemoteDataset(SCHEMA, Partitions(batches=3)))

    async def run() -> None:
        streams = [
            context.sql(f"SELECT w.a FROM waiting_{number} w JOIN ready r ON w.a = r.a ORDER BY 1").execute_stream()
            for number in range(STREAMS)
        ]
        asked = [asyncio.ensure_future(anext(aiter(stream), None)) for stream in streams]
        while not all(partitions.asked for partitions in waiting):
            await asyncio.sleep(0.01)
        for _ in range(5):
            frame = context.sql("SELECT r.a, count(*) AS n FROM ready r JOIN ready s ON r.a = s.a GROUP BY 1")
            assert [batch async for batch in frame.execute_stream()]
        assert not any(each.done() for each in asked)
        for partitions in waiting:
            partitions.stall.set()
        await asyncio.gather(*asked, return_exceptions=True)

    asyncio.run(asyncio.wait_for(run(), 60))


def test_many_scans_that_wait_leave_workers_for_others(context: SessionContext) -> None:
    waiting = [Partitions() for _ in range(STREAMS + 8)]
    for number, partitions in enumerate(waiting):
        partitions.stalls_after = 0
        register(context, f"waiting_{number}", RemoteDataset(SCHEMA, partitions))
    register(context, "ready", RemoteDataset(SCHEMA, Partitions(batches=3)))

    async def run() -> int:
        streams = [context.sql(f"SELECT a FROM waiting_{number}").execute_stream() for number in range(len(waiting))]
        asked = [asyncio.ensure_future(anext(aiter(stream), None)) for stream in streams]
        while not all(partitions.asked for partitions in waiting):
            await asyncio.sleep(0.01)
        frame = context.sql("SELECT count(*) AS n FROM ready")
        found = [batch.to_pyarrow() async for batch in frame.execute_stream()]
        for partitions in waiting:
            partitions.stall.set()
        for answer in await asyncio.gather(*asked, return_exceptions=True):
            # Those that got empty batches meanwhile have one; the others hear of the cancel.
            assert isinstance(answer, Exception) or (
                isinstance(answer, RecordBatch) and answer.to_pyarrow().num_rows == 0
            )
        return int(found[0].column(0)[0].as_py())

    assert asyncio.run(asyncio.wait_for(run(), 60)) == 3 * len(ROWS)


def test_in_turns_gives_every_row_and_empty_batches_where_there_are_none_yet() -> None:
    partitions = Partitions(batches=3)
    partitions.stalls_after = 2
    stream = partitions.opens[0](None)
    batches = in_turns(stream, stream.batches())
    rows = 0
    for batch in batches:
        assert batch.schema == SCHEMA
        rows += batch.num_rows
        if rows == 2 * len(ROWS) and batch.num_rows == 0:
            break
    batches.close()  # type: ignore[attr-defined]
    assert partitions.cancelled == 1


def test_in_turns_raises_what_the_stream_raises() -> None:
    failure = SqlError(SqlState.CONNECTION_FAILURE, "gone")
    with pytest.raises(SqlError) as caught:
        stream = Partitions(failure=failure).opens[0](None)
        for _ in in_turns(stream, stream.batches()):
            pass
    assert caught.value is failure
