"""Worker processes give the rows, errors and plans that the engine gives in this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uvloop

from catalog.errors import SqlError
from catalog.scans import FileGroup, FileScan, Physical, ReadyScan, RemoteScan
from catalog.sqlstate import SqlState
from connectors.postgres.settings import PostgresOptions
from gateway.execute.engine import Engine
from gateway.execute.port import EnginePort, EngineQuery, EngineSettings
from gateway.execute.remote_relations import RemoteDataset
from gateway.execute.workers.messages import RemoteServer, Request, pickled, pickled_apart, unpickled
from gateway.execute.workers.pool import Secrets, WorkerPool, WorkerSettings
from gateway.sql.engine_dialect.function_errors import stated_error
from gateway.sql.engine_dialect.functions import register_functions
from tests.execute.test_remote_relations import SCHEMA

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Engines:
    """A worker's engine and one of this process, in a loop of their own."""

    workers: WorkerPool
    here: Engine
    run: Callable[[Coroutine[Any, Any, Any]], Any]
    failures: list[SqlError]


def no_remote(scan: RemoteScan) -> RemoteDataset:
    raise AssertionError(scan)


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    folder = tmp_path_factory.mktemp("engines")
    settings = EngineSettings(64 << 20, folder / "spill", 2)
    loop = uvloop.new_event_loop()  # as the gateway has
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    failures: list[SqlError] = []

    async def pool() -> WorkerPool:
        nowhere = RemoteServer("host=127.0.0.1 port=1 dbname=none password=hush", PostgresOptions())
        secrets = Secrets(lambda _: None, dict, failures.append)
        return WorkerPool(WorkerSettings(1, 1 << 30, settings, {"away": nowhere}), secrets)

    made = Engines(run(pool()), Engine(settings, no_remote, register_functions, stated_error), run, failures)
    yield made

    async def close() -> None:
        made.workers.close()

    run(close())
    made.here.close()
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


def scan(folder: Path, table: pa.Table, files: int = 1) -> FileScan:
    paths = []
    for number in range(files):
        paths.append(str(folder / f"{number}.parquet"))
        pq.write_table(table, paths[-1], row_group_size=10_000)
    columns = tuple(Physical(name) for name in table.schema.names)
    return FileScan(str(folder), table.schema, (FileGroup("parquet", tuple(paths), columns, table.schema),), files)


async def rows(engine: EnginePort, query: EngineQuery, *parameters: pa.Scalar) -> list[dict[str, Any]]:
    running = await engine.start(lambda: query, parameters)
    try:
        assert isinstance(running.schema, pa.Schema)
        if running.whole is not None:
            return [row for batch in running.whole for row in batch.to_pylist()]
        return [row async for batch in running.batches() for row in batch.to_pylist()]
    finally:
        await running.close()


NUMBERS = pa.table(
    {
        "n": pa.array(range(12_000), pa.int64()),
        "word": pa.array([None if number % 7 == 0 else f"word {number % 100}" for number in range(12_000)]),
        "long": [f"a word that is longer than a view, number {number}" for number in range(12_000)],
        "same": [None if number % 9 == 0 else b"\0\xff" * (1 + number % 3) * 20 for number in range(12_000)],
        "list": pa.array([[number, None] for number in range(12_000)], pa.list_(pa.int32())),
    }
)


@pytest.mark.parametrize("brief", [True, False])
@pytest.mark.parametrize(
    "sql",
    [
        'SELECT * FROM "s"',
        'SELECT * FROM "s" WHERE n < 0',
        'SELECT n FROM "s" WHERE n = 7',
        "SELECT arrow_cast(word, 'Dictionary(Int32, Utf8)') AS word FROM \"s\"",
        'SELECT count(*) AS c, sum(n) AS s FROM "s"',
        'SELECT word, count(*) AS c FROM "s" GROUP BY word ORDER BY word NULLS LAST',
        'SELECT n FROM "s" WHERE n < 3 UNION ALL SELECT n + 1 FROM "s" WHERE n > 11990',
        'SELECT float8_round(CAST(n AS double) * 0.5) AS t, n FROM "s" WHERE n % 5000 = 0',
    ],
)
def test_rows_are_the_same(engines: Engines, tmp_path: Path, sql: str, brief: bool) -> None:
    query = EngineQuery(sql, (("s", scan(tmp_path, NUMBERS, 2)),), not brief, brief, 100_000)
    for _ in range(2):
        found = engines.run(rows(engines.workers, query))
        assert sorted(map(repr, found)) == sorted(map(repr, engines.run(rows(engines.here, query))))


def test_parameters(engines: Engines, tmp_path: Path) -> None:
    query = EngineQuery('SELECT n FROM "s" WHERE n = $1 AND word = $2', (("s", scan(tmp_path, NUMBERS)),))
    assert engines.run(rows(engines.workers, query, pa.scalar(12), pa.scalar("word 12"))) == [{"n": 12}]


@pytest.mark.parametrize("brief", [True, False])
@pytest.mark.parametrize(
    ("sql", "state"),
    [
        ('SELECT 1 / (n - 11500) AS x FROM "s"', SqlState.DIVISION_BY_ZERO),
        ('SELECT CAST(word AS integer) AS x FROM "s"', SqlState.INVALID_TEXT_REPRESENTATION),
        ('SELECT no_such_function(n) FROM "s"', SqlState.FEATURE_NOT_SUPPORTED),
    ],
)
def test_errors_are_the_same(engines: Engines, tmp_path: Path, sql: str, state: SqlState, brief: bool) -> None:
    query = EngineQuery(sql, (("s", scan(tmp_path, NUMBERS)),), is_brief=brief)
    told = []
    for engine in (engines.workers, engines.here):
        with pytest.raises(SqlError) as caught:
            engines.run(rows(engine, query))
        told.append((caught.value.sqlstate, caught.value.message, caught.value.hint))
    assert told[0] == told[1]
    assert told[0][0] == state
    assert engines.run(rows(engines.workers, EngineQuery("SELECT 1 AS one", ()))) == [{"one": 1}]


def test_the_plan_is_told(engines: Engines, tmp_path: Path) -> None:
    query = EngineQuery('SELECT sum(n) AS s FROM "s"', (("s", scan(tmp_path, NUMBERS)),))
    plan = engines.run(engines.workers.explain(query, (), False))
    assert "AggregateExec" in plan
    assert "rows" in engines.run(engines.workers.explain(query, (), True))


def test_a_source_that_is_away_is_told_of(engines: Engines) -> None:
    query = EngineQuery('SELECT * FROM "s"', (("s", RemoteScan("away", SCHEMA, ("SELECT 1",), reader="ada")),))
    with pytest.raises(SqlError, match='source "away"') as caught:
        engines.run(rows(engines.workers, query))
    assert caught.value.sqlstate.startswith("08")
    assert engines.failures[-1].sqlstate == caught.value.sqlstate


def test_who_takes_no_rows_holds_nobody_up(engines: Engines, tmp_path: Path) -> None:
    """Statements that are left open, taken from slowly and closed early, beside others."""
    everything = EngineQuery('SELECT a.* FROM "s" a, "s" b WHERE b.n < 20', (("s", scan(tmp_path, NUMBERS)),))
    count = EngineQuery('SELECT count(*) AS c FROM "s"', everything.scans, is_brief=True)

    async def run() -> int:
        left = [await engines.workers.start(lambda: everything) for _ in range(8)]
        readers = [running.batches() for running in left]
        firsts = [(await anext(reader)).num_rows for reader in readers]
        assert min(firsts) > 0
        assert await rows(engines.workers, count) == [{"c": 12_000}]
        whole = firsts[0] + sum([batch.num_rows async for batch in readers[0]])
        for running in left:
            await running.close()
        return int(whole)

    assert engines.run(run()) == 20 * NUMBERS.num_rows
    assert engines.run(rows(engines.workers, count)) == [{"c": 12_000}]


def test_statements_that_are_cancelled_at_any_moment(engines: Engines, tmp_path: Path) -> None:
    query = EngineQuery('SELECT * FROM "s"', (("s", scan(tmp_path, NUMBERS)),))

    async def run() -> None:
        for number in range(20):
            task = asyncio.create_task(rows(engines.workers, query))
            await asyncio.sleep(number * 0.001)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert len(await rows(engines.workers, query)) == NUMBERS.num_rows

    engines.run(run())


def test_many_statements_at_once(engines: Engines, tmp_path: Path) -> None:
    scans = (("s", scan(tmp_path, NUMBERS)),)

    async def run() -> list[list[dict[str, Any]]]:
        wanted = (EngineQuery(f'SELECT n FROM "s" WHERE n = {number}', scans, is_brief=True) for number in range(200))
        return await asyncio.gather(*(rows(engines.workers, query) for query in wanted))

    assert engines.run(run()) == [[{"n": number}] for number in range(200)]


def test_what_prepares_a_statement_may_fail(engines: Engines) -> None:
    def prepare() -> EngineQuery:
        raise SqlError(SqlState.UNDEFINED_TABLE, "gone")

    async def run() -> None:
        for _ in range(3):
            with pytest.raises(SqlError, match="gone"):
                await engines.workers.start(prepare)

    engines.run(run())
    assert engines.run(rows(engines.workers, EngineQuery("SELECT 1 AS one", ()))) == [{"one": 1}]


def test_a_request_has_secrets_and_does_not_show_them(tmp_path: Path) -> None:
    query = EngineQuery('SELECT n FROM "s"', (("s", scan(tmp_path, NUMBERS)),))
    request = Request(1, query, query.scans, {}, None, (pa.scalar(1),), {}, {"salt": b"hush"}, {})
    assert "hush" not in repr(request)
    assert unpickled(pickled(request)) == request


def test_rows_that_are_there(engines: Engines) -> None:
    """Whole batches, parts of batches, none: large ones are sent beside what is pickled."""
    batch = NUMBERS.combine_chunks().to_batches()[0]
    none = pa.RecordBatch.from_pylist([], schema=batch.schema)
    for batches in ((batch, batch.slice(100, 5)), (batch.slice(11_999, 1),), (none,)):
        query = EngineQuery('SELECT * FROM "r" ORDER BY n', (("r", ReadyScan(batch.schema, batches)),))
        body, *beside = pickled_apart(query)
        assert len(body) < 10_000
        assert sum(map(len, beside)) < 2 * sum(2_000 + each.nbytes for each in batches)
        assert engines.run(rows(engines.workers, query)) == engines.run(rows(engines.here, query))


def test_null_parameters_of_every_kind(engines: Engines) -> None:
    query = EngineQuery("SELECT CAST($1 AS bigint) AS a, CAST($2 AS varchar) AS b, CAST($3 AS bigint[]) AS c", ())
    given = (pa.scalar(None, pa.int64()), pa.scalar("ż"), pa.scalar(None, pa.list_(pa.int64())))
    assert engines.run(rows(engines.workers, query, *given)) == [{"a": None, "b": "ż", "c": None}]


def test_health_knows_of_workers(engines: Engines) -> None:
    checks = engines.workers.checks
    assert {name: required for name, (_, required) in checks.items()} == {"engine": True, "workers": False}

    async def healthy() -> None:
        for check, _ in checks.values():
            await check()

    engines.run(rows(engines.workers, EngineQuery("SELECT 1 AS one", ())))
    engines.run(healthy())

    async def without_any() -> None:
        closed = WorkerPool(engines.workers.settings, Secrets(lambda _: None, dict, lambda _: None))
        closed.close()
        for check, _ in closed.checks.values():
            with pytest.raises(ConnectionError, match="0 of 1 worker processes"):
                await check()

    engines.run(without_any())


def test_a_statement_that_overflows_the_stack(engines: Engines, tmp_path: Path) -> None:
    """It is not let in by the gateway; this is what would happen otherwise."""
    scans = (("s", scan(tmp_path, NUMBERS)),)
    deep = EngineQuery('SELECT n FROM "s" WHERE ' + " OR ".join(["n = 1", "n < 0"] * 20_000), scans)
    with pytest.raises(SqlError) as caught:
        engines.run(rows(engines.workers, deep))
    assert caught.value.sqlstate == SqlState.CRASH_SHUTDOWN
    assert caught.value.hint == "Run the statement again."
    assert engines.run(rows(engines.workers, EngineQuery("SELECT 1 AS one", ()))) == [{"one": 1}]
