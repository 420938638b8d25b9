"""Hot columns: the same rows as from the files, for statements that read them again and again, within their room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.errors import SqlError
from catalog.scans import Constant, FileGroup, FileScan, Physical, RemoteScan
from catalog.sqlstate import SqlState
from gateway.execute.engine import Engine
from gateway.execute.hot_columns import USES
from gateway.execute.port import EngineQuery, EngineSettings, without_hot
from gateway.execute.workers.parts import Numbers
from gateway.sql.engine_dialect.function_errors import stated_error
from gateway.sql.engine_dialect.functions import register_functions
from tests.small_tables import kinds

ROWS = 20_000
NUMBERS = pa.table({"n": pa.array(range(ROWS), pa.int64()), "word": [f"w{n % 7}" for n in range(ROWS)]})
COLUMN = ROWS * 33 // 8  # bytes of n: 32 bits, and one that says whether it is NULL
FENCE = "LIMIT 9223372036854775807"
SUM = 'SELECT sum(n) AS s, count(*) AS c FROM "scan_x"'


def _no_remote(_scan: RemoteScan) -> NoReturn:
    raise AssertionError("nothing is read from a server")


def _group(folder: Path, tables: dict[str, pa.Table], **more: Any) -> FileGroup:
    files = []
    for name, table in tables.items():
        file = folder / f"{name}.parquet"
        if not file.exists():
            pq.write_table(table, file)
        files.append(str(file))
    schema = next(iter(tables.values())).schema
    columns = tuple(map(Physical, schema.names))
    return replace(FileGroup("parquet", tuple(files), columns, schema, immutable=True), **more)


def _scan(key: str, *groups: FileGroup, read: tuple[str, ...] = ("n",)) -> FileScan:
    schema = groups[0].schema
    assert schema is not None
    return FileScan(key, schema, groups, sum(len(one.files) for one in groups), read=read)


def _query(scan: FileScan, sql: str = SUM) -> EngineQuery:
    return EngineQuery(sql, (("scan_x", scan),), bytes=1 << 30)


@contextmanager
def _engine(folder: Path, memory: int = 64 << 20) -> Iterator[Engine]:
    settings = EngineSettings(256 << 20, folder / "spill", 2, hot_columns_memory=memory)
    made = Engine(settings, _no_remote, register_functions, stated_error)
    try:
        yield made
    finally:
        made.close()


async def _rows(engine: Engine, query: EngineQuery) -> list[dict[str, object]]:
    running = await engine.start(lambda: query)
    try:
        return [row async for batch in running.batches() for row in batch.to_pylist()]
    finally:
        await running.close()


async def _hot(engine: Engine, query: EngineQuery) -> int:
    """Return of how many files the columns are in memory."""
    return without_hot(await engine.explain(query, (), analyze=False))[1].get("scan_x", 0)


async def _settled(engine: Engine) -> None:
    """Wait until nothing is read for memory."""
    done = asyncio.wrap_future(engine.hot.columns.submitted())
    await asyncio.wait_for(done, 60)


async def _warm(engine: Engine, query: EngineQuery, times: int = USES) -> list[dict[str, object]]:
    rows = [await _rows(engine, query) for _ in range(times)]
    await _settled(engine)
    return rows[0]


def _run(folder: Path, work: Callable[[Engine], Coroutine[Any, Any, None]], memory: int = 64 << 20) -> None:
    with _engine(folder, memory) as engine:
        asyncio.run(work(engine))


def test_values_of_every_type_are_the_same(tmp_path: Path) -> None:
    table = kinds()
    group = _group(tmp_path, {"kinds": table})
    names = tuple(name for name in table.column_names if not pa.types.is_nested(table.schema.field(name).type))
    plain = tuple(name for name in names if not pa.types.is_binary(table.schema.field(name).type))

    async def work(engine: Engine) -> None:
        for read, files in ((plain, 1), (names, 0)):
            query = _query(_scan("kinds", group, read=read), f'SELECT {", ".join(read)} FROM "scan_x" ORDER BY id')
            from_files = await _warm(engine, query)
            assert await _hot(engine, query) == files
            assert await _rows(engine, query) == from_files == table.select(list(read)).to_pylist()

    _run(tmp_path, work)


def test_types_are_those_of_the_files(tmp_path: Path) -> None:
    query = _query(_scan("v1", _group(tmp_path, {"a": NUMBERS}), read=("n", "word")), 'SELECT n, word FROM "scan_x"')

    async def schema(engine: Engine) -> pa.Schema:
        running = await engine.start(lambda: query)
        await running.close()
        return running.schema

    async def work(engine: Engine) -> None:
        before = await schema(engine)
        await _warm(engine, query)
        assert await _hot(engine, query) == 1
        assert await schema(engine) == before

    _run(tmp_path, work)


def test_joins_of_columns_in_memory(tmp_path: Path) -> None:
    one = _scan("v1", _group(tmp_path, {"a": NUMBERS}), read=("n", "word"))
    other = _scan("v2", _group(tmp_path, {"b": NUMBERS.slice(5, 10)}))
    query = EngineQuery(
        'SELECT a.n, a.word FROM "s" AS a JOIN "t" AS b ON a.n = b.n ORDER BY 1', (("s", one), ("t", other))
    )

    async def work(engine: Engine) -> None:
        expected = await _warm(engine, query)
        assert without_hot(await engine.explain(query, (), analyze=True))[1] == {"s": 1, "t": 1}
        assert await _rows(engine, query) == expected == NUMBERS.slice(5, 10).to_pylist()

    _run(tmp_path, work)


def test_partition_values_and_files_of_other_layouts(tmp_path: Path) -> None:
    large = pa.table(
        {"n": pa.array([2**40 + n for n in range(100)], pa.int64()), "word": [f"x{n}" for n in range(100)]}
    )
    groups = []
    for at, table in enumerate((NUMBERS, large)):
        one = _group(tmp_path, {f"f{at}": table})
        assert one.schema is not None
        groups.append(replace(one, columns=(Physical("n"), Constant(pa.scalar([None, "None"][at], pa.string())))))
    scan = _scan("v1", *groups, read=("n", "word"))
    query = _query(scan, 'SELECT word, count(*) AS c, min(n) AS low FROM "scan_x" GROUP BY 1 ORDER BY 1')

    async def work(engine: Engine) -> None:
        expected = [{"word": "None", "c": 100, "low": 2**40}, {"word": None, "c": ROWS, "low": 0}]
        assert await _warm(engine, query) == expected
        assert await _hot(engine, query) == 2
        assert await _rows(engine, query) == expected

    _run(tmp_path, work)


def test_a_partition_without_a_value_beside_one_with(tmp_path: Path) -> None:
    group = _group(tmp_path, {"f0": NUMBERS, "f1": NUMBERS.slice(0, 10)})
    for values in (["x", None], [None, "x"]):
        parts = [
            replace(group, files=(file,), columns=(Physical("n"), Constant(pa.scalar(value, pa.string()))))
            for file, value in zip(group.files, values, strict=True)
        ]
        query = _query(_scan(f"v {values}", *parts, read=("n", "word")), 'SELECT word, n FROM "scan_x" WHERE n > 19997')

        async def work(engine: Engine, query: EngineQuery = query, first: str | None = values[0]) -> None:
            assert await _warm(engine, query) == [{"word": first, "n": ROWS - 2}, {"word": first, "n": ROWS - 1}]
            assert await _hot(engine, query) == 2
            count = replace(query, sql='SELECT word IS NULL AS w, count(*) AS c FROM "scan_x" GROUP BY 1 ORDER BY c')
            counted = [{"w": first is not None, "c": 10}, {"w": first is None, "c": ROWS}]
            assert await _rows(engine, count) == counted

        _run(tmp_path, work)


def test_the_next_version_finds_the_columns_of_files_that_it_kept(tmp_path: Path) -> None:
    first = _scan("v1", _group(tmp_path, {"a": NUMBERS}))
    both = _scan("v2", _group(tmp_path, {"a": NUMBERS, "b": NUMBERS.slice(10, 10)}))

    async def work(engine: Engine) -> None:
        await _warm(engine, _query(first))
        assert await _hot(engine, _query(both)) == 1
        added = sum(range(10, 20))
        assert await _rows(engine, _query(both)) == [{"s": sum(range(ROWS)) + added, "c": ROWS + 10}]
        gone = _scan("v3", _group(tmp_path, {"b": NUMBERS.slice(10, 10)}))
        assert await _rows(engine, _query(gone)) == [{"s": added, "c": 10}]

    _run(tmp_path, work)


def test_a_file_that_is_written_again_is_another(tmp_path: Path) -> None:
    def scan(key: str, *, immutable: bool) -> FileScan:
        return _scan(key, _group(tmp_path, {"a": NUMBERS}, immutable=immutable))

    async def work(engine: Engine) -> None:
        for immutable in (True, False):
            pq.write_table(NUMBERS, tmp_path / "a.parquet")
            await _warm(engine, _query(scan(f"v1 {immutable}", immutable=immutable)))
            pq.write_table(NUMBERS.slice(0, 10), tmp_path / "a.parquet")
            query = _query(scan(f"v2 {immutable}", immutable=immutable))
            assert await _hot(engine, query) == 0
            assert await _rows(engine, query) == [{"s": 45, "c": 10}]

    _run(tmp_path, work)


def test_files_with_deleted_rows_are_read_as_files(tmp_path: Path) -> None:
    kept = _group(tmp_path, {"a": NUMBERS})
    deleted = pa.table({"file": [str(tmp_path / "b.parquet")] * 2, "position": pa.array([0, 1], pa.int64())})
    other = _group(tmp_path, {"b": NUMBERS.slice(0, 10)}, deleted_positions=deleted)
    query = _query(_scan("v1", kept, other))

    async def work(engine: Engine) -> None:
        expected = [{"s": sum(range(ROWS)) + sum(range(2, 10)), "c": ROWS + 8}]
        assert await _warm(engine, query) == expected
        assert await _hot(engine, query) == 1
        assert await _rows(engine, query) == expected

    _run(tmp_path, work)


def test_files_that_are_gone_are_told(tmp_path: Path) -> None:
    query = _query(_scan("v1", _group(tmp_path, {"a": NUMBERS})))

    async def work(engine: Engine) -> None:
        await _warm(engine, query)
        (tmp_path / "a.parquet").unlink()
        with pytest.raises(SqlError) as caught:
            await _rows(engine, query)
        assert caught.value.sqlstate is SqlState.IO_ERROR

    _run(tmp_path, work)


@pytest.mark.parametrize("all_hot", [True, False])
def test_what_has_a_fence_is_read_from_under_it(tmp_path: Path, all_hot: bool) -> None:
    scan = _scan("v1", _group(tmp_path, {"a": NUMBERS}))
    both = scan if all_hot else _scan("v2", _group(tmp_path, {"a": NUMBERS, "b": NUMBERS.slice(0, 1)}))
    inner = f'SELECT * FROM (SELECT n FROM "scan_x" WHERE n = 3 {FENCE}) AS t'

    async def work(engine: Engine) -> None:
        await _warm(engine, _query(scan))
        fenced = replace(_query(both, inner), fenced=frozenset({"scan_x"}))
        assert await _rows(engine, fenced) == [{"n": 3}]
        assert await _hot(engine, fenced) == 1
        for sql in (SUM, f'SELECT n FROM "scan_x" UNION ALL SELECT n FROM (SELECT n FROM "scan_x" {FENCE}) AS t'):
            with pytest.raises(SqlError, match="outside of its policy"):
                await _rows(engine, replace(fenced, sql=sql))

    _run(tmp_path, work)


@pytest.mark.parametrize("all_hot", [True, False])
def test_rows_under_a_fence_change_threads_once_without_the_columns_of_conditions(
    tmp_path: Path, all_hot: bool
) -> None:
    scan = _scan("v1", _group(tmp_path, {"a": NUMBERS}), read=("n", "word"))
    other = _group(tmp_path, {"a": NUMBERS, "b": NUMBERS.slice(0, 9000)})
    both = scan if all_hot else _scan("v2", other, read=("n", "word"))
    inner = f"SELECT sum(n) AS s FROM (SELECT n FROM \"scan_x\" WHERE word <> 'w3' {FENCE}) AS t"

    async def work(engine: Engine) -> None:
        await _warm(engine, _query(scan))
        fenced = replace(_query(both, inner), fenced=frozenset({"scan_x"}))
        plan, hot = without_hot(await engine.explain(fenced, (), analyze=False))
        assert hot == {"scan_x": 1}
        assert plan.count("CoalescePartitionsExec: fetch=") == 1
        assert plan.count("FilterExec: ") == plan.count("projection=[n@0], fetch=") == (1 if all_hot else 2)
        expected = sum(n for n in range(ROWS) if n % 7 != 3)
        more = 0 if all_hot else sum(n for n in range(9000) if n % 7 != 3)
        assert await _rows(engine, fenced) == [{"s": expected + more}]

    _run(tmp_path, work)


def test_what_is_read_once_takes_no_memory(tmp_path: Path) -> None:
    scan = _scan("v1", _group(tmp_path, {"a": NUMBERS}))
    stream = replace(_query(scan, 'SELECT n FROM "scan_x"'), is_plain_scan=True)

    async def work(engine: Engine) -> None:
        await _warm(engine, stream, times=5 * USES)
        await _warm(engine, _query(replace(scan, late=True)), times=5 * USES)  # of which few rows are asked for
        await _warm(engine, _query(replace(scan, read=())), times=5 * USES)  # as by ANALYZE
        await _warm(engine, _query(scan), times=USES - 1)
        assert engine.hot.columns.bytes == 0
        await _warm(engine, _query(scan), times=1)
        assert engine.hot.columns.bytes >= COLUMN

    _run(tmp_path, work)


def test_none_is_kept_without_room(tmp_path: Path) -> None:
    query = _query(_scan("v1", _group(tmp_path, {"a": NUMBERS})))

    async def work(engine: Engine) -> None:
        await _warm(engine, query, times=5)
        assert await _hot(engine, query) == 0

    _run(tmp_path, work, memory=0)


def test_what_is_read_more_often_displaces_what_is_read_less(tmp_path: Path) -> None:
    queries = [_query(_scan(f"v{at}", _group(tmp_path, {f"f{at}": NUMBERS}))) for at in range(3)]

    async def work(engine: Engine) -> None:
        async def hot() -> list[int]:
            return [await _hot(engine, query) for query in queries]

        for query in queries:
            await _warm(engine, query)
        assert await hot() == [1, 1, 0]  # each as often as the others: nothing changes
        await _warm(engine, queries[2], times=3 * USES)
        assert sorted(await hot()) == [0, 1, 1]
        assert await _hot(engine, queries[2]) == 1
        assert engine.hot.columns.bytes <= 2 * COLUMN + 4096
        for query in queries:
            assert await _rows(engine, query) == [{"s": sum(range(ROWS)), "c": ROWS}]

    _run(tmp_path, work, memory=2 * COLUMN + 4096)


def test_many_statements_over_more_columns_than_there_is_room_for(tmp_path: Path) -> None:
    scans = [_scan(f"v{at}", _group(tmp_path, {f"f{at}": NUMBERS.slice(0, 9_000 + at)})) for at in range(6)]
    sums = [[{"s": sum(range(9_000 + at)), "c": 9_000 + at}] for at in range(6)]

    async def work(engine: Engine) -> None:
        for turn in range(8):
            wanted = [at for at in range(6) for _ in range(1 + (at + turn) % 4)]
            found = await asyncio.gather(*(_rows(engine, _query(scans[at])) for at in wanted))
            assert found == [sums[at] for at in wanted]
            assert engine.hot.columns.bytes <= 100_000
        await _settled(engine)
        assert engine.hot.columns.bytes > 0

    _run(tmp_path, work, memory=100_000)


def test_a_worker_is_told_which_columns_are_read(tmp_path: Path) -> None:
    scan, numbers = _scan("v1", _group(tmp_path, {"a": NUMBERS})), Numbers()
    assert numbers.number(scan) == numbers.number(replace(scan))
    assert numbers.number(scan) != numbers.number(replace(scan, read=("n", "word")))
