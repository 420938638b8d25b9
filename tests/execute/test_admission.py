"""Statements beyond the limit wait in order; brief ones, and those behind idle ones, do not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.scans import FileGroup, FileScan, Physical, RemoteScan
from gateway.execute.admission import Admission, Place
from gateway.execute.admitting import AdmittingEngine
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
    yield AdmittingEngine(inner, 2, 2)
    inner.close()


@pytest.fixture
def large(tmp_path: Path) -> EngineQuery:
    """A join of which the engine's memory holds one, and not two."""
    path, table = str(tmp_path / "large.parquet"), pa.table({"n": range(2_400_000)})
    pq.write_table(table, path)
    group = FileGroup("parquet", (path,), (Physical("n"),), table.schema)
    scan = FileScan("large", table.schema, (group,), 1)
    return EngineQuery('SELECT a.n FROM "s" a JOIN "s" b ON a.n = b.n', (("s", scan),))


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


def test_statements_that_do_not_fit_together_run_one_after_another(engine: AdmittingEngine, large: EngineQuery) -> None:
    """None of them is told of it, and one that has begun to give rows goes on."""

    async def run() -> None:
        alone = await _count(engine, large)
        assert alone == 2_400_000
        counts = await asyncio.gather(*(_count(engine, large) for _ in range(6)))
        assert counts == [2_400_000] * 6
        assert (engine.admission.running, engine.admission.waiting) == (0, 0)

    asyncio.run(run())


def test_who_waits_to_be_alone_can_give_up(engine: AdmittingEngine, query: EngineQuery) -> None:
    async def run() -> None:
        running = await engine.start(lambda: query)
        alone = Place(is_alone=True)
        waiting = asyncio.create_task(engine.admission.wait(alone))
        other = asyncio.create_task(_count(engine, query))
        await asyncio.sleep(0.05)
        assert engine.admission.waiting == 2
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        engine.admission.leave(alone)
        assert await asyncio.wait_for(other, 5) == 1000
        await running.close()

    asyncio.run(run())


def test_small_tables_do_not_wait_for_large_ones(engine: AdmittingEngine, query: EngineQuery) -> None:
    async def run() -> None:
        running = [await engine.start(lambda: query) for _ in range(2)]
        small = replace(query, bytes=10_000)
        assert await asyncio.wait_for(_count(engine, small), 60) == 1000
        assert engine.small_admission.running == 0
        for each in running:
            await each.close()

    asyncio.run(run())


def test_places_are_weighed() -> None:
    """What is more than all places is let in by itself; who came first goes on first, though a later one would fit."""

    async def run() -> None:
        admission = Admission(4, lambda place: place.streams)
        three, two, one, many = (Place(streams=number) for number in (3, 2, 1, 9))
        assert admission.take(three)
        assert not admission.take(two)
        waiting = [asyncio.create_task(admission.wait(place)) for place in (two, one, many)]
        await asyncio.sleep(0)
        assert admission.waiting == 3
        admission.leave(three)
        await asyncio.gather(*waiting[:2])
        assert (admission.running, admission.waiting) == (2, 1)
        admission.leave(two)
        assert admission.waiting == 1
        admission.leave(one)
        await waiting[2]
        assert not admission.take(Place(streams=1))
        admission.leave(many)
        assert (admission.running, admission.waiting) == (0, 0)

    asyncio.run(run())
