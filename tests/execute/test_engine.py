"""The engine gives back everything that a statement opened, whenever it ends."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.errors import SqlError
from catalog.scans import FileGroup, FileScan, Physical, RemoteScan
from catalog.sqlstate import SqlState
from gateway.execute.engine import Engine
from gateway.execute.port import EngineQuery, EngineSettings
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


def _files(folder: Path, count: int) -> FileScan:
    """Return a scan of files that hold the numbers from 0 on, a thousand each."""
    paths = []
    for number in range(count):
        paths.append(str(folder / f"{number}.parquet"))
        pq.write_table(pa.table({"n": range(number * 1000, number * 1000 + 1000)}), paths[-1])
    schema = pa.schema([("n", pa.int64())])
    return FileScan("numbers", schema, (FileGroup("parquet", tuple(paths), (Physical("n"),), schema),), count)


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ('SELECT n FROM "scan_x"', 5000),
        ('SELECT n FROM "scan_x" UNION ALL SELECT n + 5000 FROM "scan_x"', 10000),
        # What is no plain scan at all gives its rows all the same.
        ('SELECT DISTINCT n FROM "scan_x" WHERE n >= 1000', 4000),
        ('SELECT x.n FROM "scan_x" x JOIN "scan_x" y USING (n)', 5000),
        ('SELECT n FROM "scan_x" ORDER BY n DESC', 5000),
        ('SELECT n FROM "scan_x" LIMIT 7', 7),
    ],
)
def test_a_plain_scan_gives_every_row_once(tmp_path: Path, sql: str, rows: int) -> None:
    engine = _engine(tmp_path, Partitions)
    scans = (("scan_x", _files(tmp_path, 5)),)

    async def numbers() -> list[int]:
        running = await engine.start(lambda: EngineQuery(sql, scans, is_plain_scan=True))
        try:
            return [number async for batch in running.batches() for number in batch.column(0).to_pylist()]
        finally:
            await running.close()

    found = asyncio.run(numbers())
    assert len(found) == len(set(found)) == rows


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("files", [1, 3, 20])
def test_a_brief_query_gives_every_row_once(tmp_path: Path, files: int, plain: bool) -> None:
    engine = _engine(tmp_path, Partitions)
    query = EngineQuery('SELECT n FROM "s"', (("s", _files(tmp_path, files)),), plain, is_brief=True)

    async def numbers() -> list[int]:
        running = await engine.start(lambda: query)
        try:
            return [number async for batch in running.batches() for number in batch.column(0).to_pylist()]
        finally:
            await running.close()

    assert sorted(asyncio.run(numbers())) == [*range(files * 1000)]


def test_a_brief_query_that_fails_says_why(tmp_path: Path) -> None:
    engine = _engine(tmp_path, Partitions)
    scans = (("s", _files(tmp_path, 1)),)
    query = EngineQuery('SELECT 1 / n AS x FROM "s"', scans, is_brief=True)
    with pytest.raises(SqlError) as caught:
        asyncio.run(engine.start(lambda: query))
    assert caught.value.sqlstate == SqlState.DIVISION_BY_ZERO


def test_a_query_asked_again_gives_the_same_rows_and_the_present_time(tmp_path: Path) -> None:
    engine = _engine(tmp_path, Partitions)
    scans = (("scan_x", _files(tmp_path, 2)),)

    async def first(sql: str) -> list[dict[str, object]]:
        running = await engine.start(lambda: EngineQuery(sql, scans))
        try:
            return [row async for batch in running.batches() for row in batch.to_pylist()]
        finally:
            await running.close()

    total = 'SELECT sum(n) AS total FROM "scan_x"'
    assert asyncio.run(first(total)) == asyncio.run(first(total)) == [{"total": sum(range(2000))}]
    moment = 'SELECT now() AS moment FROM "scan_x" LIMIT 1'
    assert asyncio.run(first(moment)) != asyncio.run(first(moment))


def test_a_plain_scan_gives_all_rows_each_time_and_to_all_at_once(tmp_path: Path) -> None:
    engine = _engine(tmp_path, Partitions)
    query = EngineQuery('SELECT n FROM "s"', (("s", _files(tmp_path, 5)),), is_plain_scan=True)

    async def count() -> int:
        running = await engine.start(lambda: query)
        try:
            return sum([batch.num_rows async for batch in running.batches()])
        finally:
            await running.close()

    async def run() -> list[int]:
        return [await count(), await count(), *await asyncio.gather(count(), count(), count())]

    assert asyncio.run(run()) == [5000] * 5


def test_a_plain_scan_that_is_closed_reads_no_further(tmp_path: Path) -> None:
    engine = _engine(tmp_path, Partitions)
    scan = _files(tmp_path, 3)

    async def batches() -> int:
        running = await engine.start(lambda: EngineQuery('SELECT n FROM "s"', (("s", scan),), is_plain_scan=True))
        count = 0
        async for _ in running.batches():
            count += 1
            await running.close()
        return count

    assert asyncio.run(batches()) == 1


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
