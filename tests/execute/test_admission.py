"""Statements beyond the limit wait in order; brief ones, and those behind idle ones, do not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.scans import FileGroup, FileScan, Physical, RemoteScan
from gateway.execute.admission import Admission, AdmittingEngine
from gateway.execute.engine import Engine
from gateway.execute.port import EngineQuery, EngineSettings
from gateway.execute.remote_relations import RemoteDataset
from gateway.sql.engine_dialect.function_errors import stated_error
from gateway.sql.engine_dialect.functions import register_functions


def no_remote(scan: RemoteScan) -> RemoteDataset:
    raise AssertionError(scan)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[AdmittingEngine]:
    inner = Engine(EngineSettings(64 << 20, tmp_path / "spill", 2), no_remote, register_functions, stated_error)
    yield AdmittingEngine(inner, Admission(2))
    inner.close()


@pytest.fixture
def query(tmp_path: Path) -> EngineQuery:
    path, table = str(tmp_path / "n.parquet"), pa.table({"n": range(1000)})
    pq.write_table(table, path)
    group = FileGroup("parquet", (path,), (Physical("n"),), table.schema)
    return EngineQuery('SELECT n FROM "s"', (("s", FileScan("n", table.schema, (group,), 1)),))


async def _count(engine: AdmittingEngine, query: EngineQuery) -> int:
    running = await engine.start(lambda: query)
    try:
        return sum([batch.num_rows async for batch in running.batches()])
    finally:
        await running.close()


def test_what_comes_beyond_the_limit_waits_its_turn(engine: AdmittingEngine, query: EngineQuery) -> None:
    async def run() -> None:
        running = [await engine.start(lambda: query) for _ in range(2)]
        order: list[int] = []

        async def take(number: int) -> None:
            assert await _count(engine, query) == 1000
            order.append(number)

        tasks = []
        for number in range(4):
            tasks.append(asyncio.create_task(take(number)))
            while engine.admission.waiting <= number:
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)
        assert order == []
        await running[0].close()
        await asyncio.gather(*tasks)
        assert order == [0, 1, 2, 3]
        await running[1].close()
        assert engine.admission.waiting == 0

    asyncio.run(run())


def test_brief_statements_do_not_wait(engine: AdmittingEngine, query: EngineQuery) -> None:
    async def run() -> None:
        running = [await engine.start(lambda: query) for _ in range(2)]
        brief = EngineQuery(query.sql, query.scans, is_brief=True)
        whole = await engine.start(lambda: brief)
        assert whole.whole is not None
        for each in running:
            await each.close()

    asyncio.run(run())


def test_who_gives_up_waiting_takes_no_place(engine: AdmittingEngine, query: EngineQuery) -> None:
    async def run() -> None:
        for moment in range(20):  # some while they are planned, some while they wait
            running = [await engine.start(lambda: query) for _ in range(2)]
            waiting = asyncio.create_task(_count(engine, query))
            await asyncio.sleep(moment * 0.0005)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            for each in running:
                await each.close()
        assert await asyncio.wait_for(_count(engine, query), 5) == 1000
        assert engine.admission.running == 0

    asyncio.run(run())


def test_statements_whose_rows_nobody_takes_make_room(engine: AdmittingEngine, query: EngineQuery) -> None:
    async def run() -> None:
        running = [await engine.start(lambda: query) for _ in range(2)]
        readers = [each.batches() for each in running]
        for reader in readers:
            await anext(reader)
        assert await asyncio.wait_for(_count(engine, query), 5) == 1000
        for each in running:
            await each.close()

    asyncio.run(run())
