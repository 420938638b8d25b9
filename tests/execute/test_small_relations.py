"""Small tables in memory: the same rows as from their files, no more than there is room for, under the same fences."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datafusion import SessionContext

from catalog.errors import SqlError
from catalog.scans import FileGroup, FileScan, Physical, RemoteScan
from catalog.sqlstate import SqlState
from gateway.execute.engine import Engine
from gateway.execute.port import EngineQuery, EngineSettings
from gateway.execute.small_relations import SmallRelations
from gateway.sql.engine_dialect.function_errors import stated_error
from gateway.sql.engine_dialect.functions import register_functions
from tests.small_tables import kinds

NUMBERS = pa.table({"n": pa.array(range(10_000), pa.int64()), "word": [f"w{n}" for n in range(10_000)]})
ROOM = NUMBERS.get_total_buffer_size() * 5 // 2  # for two of it
FENCE = "LIMIT 9223372036854775807"


def _no_remote(_scan: RemoteScan) -> NoReturn:
    raise AssertionError("nothing is read from a server")


def _scan(folder: Path, name: str, table: pa.Table) -> FileScan:
    file = folder / f"{name}.parquet"
    pq.write_table(table, file)
    group = FileGroup("parquet", (str(file),), tuple(map(Physical, table.column_names)), table.schema)
    return FileScan(name, table.schema, (group,), 1)


def _query(scan: FileScan, sql: str = 'SELECT * FROM "scan_x"') -> EngineQuery:
    return EngineQuery(sql, (("scan_x", scan),), is_brief=True, bytes=1000)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    settings = EngineSettings(64 << 20, tmp_path / "spill", 2)
    made = Engine(settings, _no_remote, register_functions, stated_error)
    yield made
    made.close()


async def _rows(engine: Engine, query: EngineQuery, *parameters: pa.Scalar) -> list[dict[str, object]]:
    running = await engine.start(lambda: query, parameters)
    try:
        return [row async for batch in running.batches() for row in batch.to_pylist()]
    finally:
        await running.close()


async def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def _keep(engine: Engine, query: EngineQuery) -> list[dict[str, object]]:
    """Ask until the table is in memory; return its rows from the files."""
    before = engine.small.bytes
    rows = [await _rows(engine, query) for _ in range(3)]
    await _until(lambda: engine.small.bytes > before)
    return rows[0]


def test_rows_of_every_type_are_the_same(engine: Engine, tmp_path: Path) -> None:
    async def run() -> None:
        scan = _scan(tmp_path, "kinds", kinds())
        from_files = await _keep(engine, _query(scan))
        Path(scan.groups[0].files[0]).write_bytes(b"not read any more")
        assert await _rows(engine, _query(scan)) == from_files
        assert from_files == kinds().to_pylist()

    asyncio.run(run())


def test_parameters(engine: Engine, tmp_path: Path) -> None:
    async def run() -> None:
        scan = _scan(tmp_path, "numbers", NUMBERS)
        await _keep(engine, _query(scan))
        query = _query(scan, 'SELECT count(*) AS c, min(word) AS w FROM "scan_x" WHERE n >= $1')
        for n in (0, 9_999, 20_000):
            expected = [{"c": max(0, 10_000 - n), "w": {0: "w0", 9_999: "w9999"}.get(n)}]
            assert await _rows(engine, query, pa.scalar(n, pa.int64())) == expected

    asyncio.run(run())


def test_files_that_are_gone_are_told(engine: Engine, tmp_path: Path) -> None:
    async def run() -> None:
        scan = _scan(tmp_path, "numbers", NUMBERS)
        await _keep(engine, _query(scan))
        Path(scan.groups[0].files[0]).unlink()
        with pytest.raises(SqlError) as caught:
            await _rows(engine, _query(scan))
        assert caught.value.sqlstate is SqlState.IO_ERROR

    asyncio.run(run())


def test_explain_shows_the_files(engine: Engine, tmp_path: Path) -> None:
    async def run() -> None:
        query = _query(_scan(tmp_path, "numbers", NUMBERS))
        before = await engine.explain(query, (), analyze=False)
        await _keep(engine, query)
        assert "numbers.parquet" in before
        assert await engine.explain(query, (), analyze=False) == before
        assert "numbers.parquet" in await engine.explain(query, (), analyze=True)

    asyncio.run(run())


def test_what_has_a_fence_is_read_from_under_it(engine: Engine, tmp_path: Path) -> None:
    async def run() -> None:
        scan = _scan(tmp_path, "numbers", NUMBERS)
        inner = f'SELECT * FROM (SELECT n, word FROM "scan_x" WHERE n < 3 {FENCE}) AS t'
        fenced = replace(_query(scan, inner), fenced=frozenset({"scan_x"}))
        assert len(await _keep(engine, fenced)) == 3
        assert engine.small.take(scan, fenced=True) is not None
        assert engine.small.take(scan, fenced=False) is None
        with pytest.raises(SqlError, match="outside of its policy"):
            await _rows(engine, replace(fenced, sql='SELECT * FROM "scan_x"'))
        assert len(await _rows(engine, fenced)) == 3

    asyncio.run(run())


def test_many_statements_over_more_tables_than_there_is_room_for(tmp_path: Path) -> None:
    scans = [_scan(tmp_path, f"numbers {at}", NUMBERS.slice(0, 5_000 + at)) for at in range(6)]
    settings = EngineSettings(64 << 20, tmp_path / "spill", 2, small_tables_memory=700_000)

    async def run(engine: Engine) -> None:
        for _ in range(4):  # three times each, and again when others have taken the room
            found = await asyncio.gather(*(_rows(engine, _query(scan)) for scan in scans for _ in range(4)))
            assert [len(rows) for rows in found] == [5_000 + at for at in range(6) for _ in range(4)]
            assert engine.small.bytes <= 700_000
        await _until(lambda: engine.small.bytes > 0)

    engine = Engine(settings, _no_remote, register_functions, stated_error)
    asyncio.run(run(engine))
    engine.close()


class Kept:
    """Relations of a context, and a thread whose work can be waited for."""

    def __init__(self, limit: int) -> None:
        self.context = SessionContext()
        self.pool = ThreadPoolExecutor(1)
        self.forgotten: list[str] = []
        self.relations = SmallRelations(self.context, limit, self.pool, self.forgotten.append)

    def use(self, scan: FileScan, table: pa.Table, times: int = 3) -> str | None:
        """Use a scan of these rows; return its relation, if it is there then."""
        for _ in range(times):
            self.relations.used(scan, lambda: self.context.from_arrow(table), fenced=False)
        self.pool.submit(lambda: None).result(60)
        return self.relations.take(scan, fenced=False)


@pytest.fixture
def small() -> Iterator[Kept]:
    kept = Kept(ROOM)
    yield kept
    kept.pool.shutdown()


def test_two_uses_are_not_enough(small: Kept, tmp_path: Path) -> None:
    assert small.use(_scan(tmp_path, "numbers", NUMBERS), NUMBERS, times=2) is None


def test_large_tables_are_not_kept(small: Kept, tmp_path: Path) -> None:
    many = pa.table({"n": pa.array(range(2_000_000), pa.int64())})
    assert small.use(_scan(tmp_path, "many", many), many) is None
    assert small.relations.bytes == 0


def test_none_is_kept_without_room(tmp_path: Path) -> None:
    kept = Kept(0)
    assert kept.use(_scan(tmp_path, "numbers", NUMBERS), NUMBERS) is None
    kept.pool.shutdown()


def test_what_was_used_longest_ago_makes_room(small: Kept, tmp_path: Path) -> None:
    scans = [_scan(tmp_path, f"numbers {at}", NUMBERS) for at in range(3)]
    names = []
    for scan in scans:
        names.append(small.use(scan, NUMBERS))
        assert names[-1] is not None
        small.relations.leave(scan, fenced=False)
    assert [f'"{one}"' for one in small.forgotten] == names[:1]
    assert not small.context.table_exist(small.forgotten[0])
    assert small.relations.bytes <= ROOM
    assert small.relations.take(scans[0], fenced=False) is None
    assert small.use(scans[0], NUMBERS) is not None  # it may come back


def test_what_a_statement_is_planned_over_stays(small: Kept, tmp_path: Path) -> None:
    scans = [_scan(tmp_path, f"numbers {at}", NUMBERS) for at in range(3)]
    assert small.use(scans[0], NUMBERS) is not None
    assert small.use(scans[1], NUMBERS) is not None
    assert small.use(scans[2], NUMBERS) is None
    assert small.forgotten == []
    small.relations.leave(scans[0], fenced=False)
    assert small.use(scans[2], NUMBERS) is not None
    assert len(small.forgotten) == 1
