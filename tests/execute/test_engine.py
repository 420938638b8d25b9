"""The engine gives back everything that a statement opened, whenever it ends."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from catalog.scans import RemoteScan
from gateway.execute.engine import Engine, EngineQuery, EngineSettings
from gateway.execute.remote_relations import RemoteDataset
from gateway.sql.engine_dialect.function_errors import stated_error
from gateway.sql.engine_dialect.functions import register_functions
from tests.execute.test_remote_relations import ROWS, SCHEMA, OnePartition, Partitions

SMALL = RemoteScan("origin", SCHEMA, ("SELECT",), rows=len(ROWS))
QUERY = EngineQuery('SELECT * FROM "scan_x"', (("scan_x", SMALL),))


class Late(Partitions):
    """Rows that come only when the scan is cancelled, as if the cancel had been too late."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = threading.Event()
        self.opens = [lambda _columns: LatePartition(self)]


class LatePartition(OnePartition):
    def __init__(self, owner: Late) -> None:
        super().__init__(owner, None)
        self._late = owner

    def batches(self) -> Iterator[pa.RecordBatch]:
        self._late.reading.set()
        assert self._late.stall.wait(10)
        yield pa.RecordBatch.from_pylist(ROWS, schema=SCHEMA)


def _engine(folder: Path, streams: Callable[[], Partitions]) -> Engine:
    settings = EngineSettings(64 << 20, folder / "spill", 2)
    return Engine(settings, lambda scan: RemoteDataset(scan.schema, streams()), register_functions, stated_error)


def _tables(engine: Engine) -> set[str]:
    return set(engine.context.catalog().schema().names())


async def _ended(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def test_a_statement_gives_its_relations_back(tmp_path: Path) -> None:
    engine = _engine(tmp_path, Partitions)

    async def run() -> int:
        running = await engine.start(lambda: QUERY)
        try:
            assert len(_tables(engine)) == 1
            return sum([batch.num_rows async for batch in running.batches()])
        finally:
            await running.close()

    assert [asyncio.run(run()) for _ in range(3)] == [len(ROWS)] * 3
    assert _tables(engine) == set()


@pytest.mark.parametrize("cancels", [1, 2])
def test_what_is_registered_after_the_cancel_is_given_back(tmp_path: Path, cancels: int) -> None:
    late = Late()
    engine = _engine(tmp_path, lambda: late)

    async def run() -> None:
        statement = asyncio.create_task(engine.start(lambda: QUERY))
        await asyncio.to_thread(late.reading.wait, 5)
        for _ in range(cancels):
            statement.cancel()
        with pytest.raises(asyncio.CancelledError):
            await statement
        await _ended(lambda: late.closed > 1 and not _tables(engine))

    asyncio.run(run())
    assert late.closed > 0


def test_a_condition_without_columns_reaches_a_scan(tmp_path: Path) -> None:
    engine = _engine(tmp_path, Partitions)
    large = RemoteScan("origin", SCHEMA, ("SELECT",))
    scans = (("scan_x", large), ("scan_y", large))

    async def count(condition: str) -> int:
        sql = f'SELECT x.a FROM "scan_x" x LEFT JOIN (SELECT true AS row FROM "scan_y") y ON {condition}'
        running = await engine.start(lambda: EngineQuery(sql, scans))
        try:
            return sum([batch.num_rows async for batch in running.batches()])
        finally:
            await running.close()

    assert asyncio.run(count("true")) == len(ROWS) ** 2
    assert asyncio.run(count("false")) == len(ROWS)
