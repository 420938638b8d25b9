"""Plans over rows in memory, executed again and again: each time the rows are those of these parameters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn
from weakref import ref

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datafusion import DataFrame, SessionConfig, SessionContext

from catalog.errors import SqlError
from catalog.scans import FileGroup, FileScan, Physical, RemoteScan
from catalog.sqlstate import SqlState
from gateway.execute.engine import Engine, Running
from gateway.execute.kept_plans import KeptPlans
from gateway.execute.port import EngineQuery, EngineSettings
from gateway.sql.engine_dialect.function_errors import stated_error
from gateway.sql.engine_dialect.functions import register_functions
from tests.small_tables import kinds

NUMBERS = pa.table({"n": pa.array(range(10_000), pa.int64()), "word": [f"w{n}" for n in range(10_000)]})
FENCE = "LIMIT 9223372036854775807"
Rows = list[dict[str, object]]


def _no_remote(_scan: RemoteScan) -> NoReturn:
    raise AssertionError("nothing is read from a server")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    settings = EngineSettings(64 << 20, tmp_path / "spill", 2)
    made = Engine(settings, _no_remote, register_functions, stated_error)
    yield made
    made.close()


def _query(folder: Path, sql: str, table: pa.Table = NUMBERS) -> EngineQuery:
    file = folder / "rows.parquet"
    pq.write_table(table, file)
    group = FileGroup("parquet", (str(file),), tuple(map(Physical, table.column_names)), table.schema)
    scan = FileScan("rows", table.schema, (group,), 1)
    return EngineQuery(sql, (("scan_x", scan),), is_brief=True, bytes=1000, compares=True)


async def _rows(engine: Engine, query: EngineQuery, *parameters: pa.Scalar) -> Rows:
    running = await engine.start(lambda: query, parameters)
    try:
        return [row async for batch in running.batches() for row in batch.to_pylist()]
    finally:
        await running.close()


async def _in_memory(engine: Engine, query: EngineQuery) -> None:
    deadline = time.monotonic() + 60
    while not engine.small.bytes:
        assert time.monotonic() < deadline
        await _rows(engine, replace(query, sql='SELECT * FROM "scan_x"', fenced=frozenset()))
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("column", kinds().column_names)
def test_comparisons_of_every_type(engine: Engine, tmp_path: Path, column: str) -> None:
    table = kinds()
    kind = table.schema.field(column).type
    if pa.types.is_nested(kind):
        pytest.skip("is not compared with parameters by the engine alone")
    values = [value for value in table[column] if value.is_valid]
    sql = f'SELECT id FROM "scan_x" WHERE "{column}" = $1 OR "{column}" > $1 ORDER BY id'
    query = _query(tmp_path, sql, table)

    async def run() -> None:
        from_files = [await _rows(engine, query, value) for value in values]
        await _in_memory(engine, query)
        for _ in range(3):
            assert [await _rows(engine, query, value) for value in values] == from_files
        assert all(from_files)

    asyncio.run(run())


def test_statements_at_once_have_their_own_parameters(engine: Engine, tmp_path: Path) -> None:
    query = _query(tmp_path, 'SELECT count(*) AS c, max(word) AS w FROM "scan_x" WHERE n <= $1 AND n >= $2')

    async def ask(n: int) -> Rows:
        return await _rows(engine, query, pa.scalar(n, pa.int64()), pa.scalar(n % 7, pa.int64()))

    async def run() -> None:
        await _in_memory(engine, query)
        found = await asyncio.gather(*(ask(n) for n in range(10, 310)))
        expected = [{"c": n - n % 7 + 1, "w": max(f"w{m}" for m in range(n % 7, n + 1))} for n in range(10, 310)]
        assert [rows[0] for rows in found] == expected

    asyncio.run(run())


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT n FROM "scan_x" WHERE n < $1 ORDER BY n DESC LIMIT 3',
        'SELECT n FROM "scan_x" WHERE n < $1 ORDER BY n DESC',
        'SELECT n % 3 AS m, count(*) AS c, min(n) AS l FROM "scan_x" WHERE n < $1 GROUP BY 1 ORDER BY 1 LIMIT 2',
        'SELECT DISTINCT n % 5 AS m FROM "scan_x" WHERE n < $1 ORDER BY m',
        'SELECT n, row_number() OVER (ORDER BY n) AS r FROM "scan_x" WHERE n < $1',
        'SELECT max(n) AS a, min(n) AS b FROM "scan_x" WHERE n < $1',
        'SELECT word FROM "scan_x" WHERE n < $1 LIMIT 2',
        'SELECT n FROM "scan_x" WHERE n < $1 UNION ALL SELECT n FROM "scan_x" WHERE n = $1 ORDER BY n',
        'SELECT count(*) AS c FROM "scan_x" WHERE n IN ($1, 3) OR n BETWEEN $1 AND 8',
        "SELECT count(*) AS c FROM \"scan_x\" WHERE word <> '$1' AND n < $1",
    ],
)
def test_every_execution_begins_anew(engine: Engine, tmp_path: Path, sql: str) -> None:
    query = _query(tmp_path, sql)
    values = [pa.scalar(n, pa.int64()) for n in (9_000, 5, 700, 5, 9_000)]

    async def run() -> None:
        from_files = [await _rows(engine, query, value) for value in values]
        await _in_memory(engine, query)
        for _ in range(20):  # more often than one plan is executed
            assert [await _rows(engine, query, value) for value in values] == from_files

    asyncio.run(run())


def test_no_file_may_hold_what_is_asked_for(engine: Engine, tmp_path: Path) -> None:
    """Where all files are left out the rows are a batch without any, for which parameters are asked, too."""
    query = _query(tmp_path, 'SELECT word FROM "scan_x" WHERE n = $1 AND word <> $2')
    query = replace(query, scans=(("scan_x", FileScan("none", NUMBERS.schema, (), 1)),))

    async def run() -> None:
        for n in range(20):
            assert await _rows(engine, query, pa.scalar(n, pa.int64()), pa.scalar("w")) == []
            await asyncio.sleep(0.01)  # rows are taken into memory meanwhile
        assert engine.small.state.entries == 1

    asyncio.run(run())


def test_null_is_no_value_to_plan_by(engine: Engine, tmp_path: Path) -> None:
    query = _query(tmp_path, 'SELECT count(*) AS c FROM "scan_x" WHERE n < $1')

    async def run() -> None:
        await _in_memory(engine, query)
        for value, count in ((None, 0), (7, 7), (None, 0), (8, 8)):
            assert await _rows(engine, query, pa.scalar(value, pa.int64())) == [{"c": count}]

    asyncio.run(run())


def test_a_failure_ends_one_execution(engine: Engine, tmp_path: Path) -> None:
    query = _query(tmp_path, 'SELECT 10 / n AS q FROM "scan_x" WHERE n = $1')

    async def run() -> None:
        await _in_memory(engine, query)
        for _ in range(3):
            assert await _rows(engine, query, pa.scalar(5, pa.int64())) == [{"q": 2}]
            with pytest.raises(SqlError) as caught:
                await _rows(engine, query, pa.scalar(0, pa.int64()))
            assert caught.value.sqlstate is SqlState.DIVISION_BY_ZERO

    asyncio.run(run())


def test_fences_are_required_of_plans_that_are_kept(engine: Engine, tmp_path: Path) -> None:
    inner = f'SELECT n FROM (SELECT n, word FROM "scan_x" WHERE n < 30 {FENCE}) AS t WHERE n >= $1'
    fenced = replace(_query(tmp_path, inner), fenced=frozenset({"scan_x"}))
    bare = replace(fenced, sql='SELECT n FROM "scan_x" WHERE n >= $1')

    async def run() -> None:
        await _in_memory(engine, fenced)
        for n in (0, 28, 0):
            for _ in range(4):  # the relation under a fence is another one
                assert len(await _rows(engine, fenced, pa.scalar(n, pa.int64()))) == 30 - n
            with pytest.raises(SqlError, match="outside of its policy"):
                await _rows(engine, bare, pa.scalar(n, pa.int64()))

    asyncio.run(run())


class Plans:
    """Plans of a context of their own, with one table."""

    def __init__(self) -> None:
        self.context = SessionContext(SessionConfig().with_target_partitions(1))
        self.context.register_record_batches("t", [NUMBERS.to_batches()])
        self.plans = KeptPlans(self.context)
        self.made = 0

    def _require(self, _frame: DataFrame) -> None:
        self.made += 1

    def count(self, sql: str, *values: pa.Scalar, read: bool = True) -> int:
        """Return how many rows there are, and note how often a plan was made for it."""
        taken = self.plans.take(sql, values, self._require)
        assert taken is not None
        streams = self.plans.streams(taken, values)
        rows = 0
        for stream in streams:
            if not read:
                return 0
            rows += sum(batch.to_pyarrow().num_rows for batch in stream)
        return rows


def test_a_plan_is_made_once_for_many_executions() -> None:
    plans = Plans()
    for n in range(50):
        assert plans.count('SELECT n FROM "t" WHERE n < $1', pa.scalar(n, pa.int64())) == n
    assert plans.made == 2  # it, and the one that it is compared with
    assert plans.count('SELECT n FROM "t" WHERE n < $1', pa.scalar(9, pa.int32())) == 9
    assert plans.made == 4  # a parameter of another type is another plan


def test_plans_over_a_relation_are_forgotten_with_it() -> None:
    plans = Plans()
    for made in (1, 1, 2):
        if made == 2:
            plans.plans.forget("t")
        assert plans.count('SELECT n FROM "t" WHERE n < 4') == 4
        assert plans.made == made


def test_a_plan_that_is_executed_while_its_relation_is_given_up_is_not_kept() -> None:
    plans = Plans()
    sql = 'SELECT n FROM "t" WHERE n < 4'
    taken = plans.plans.take(sql, (), plans._require)
    assert taken is not None
    held = ref(taken.plan)
    for stream in plans.plans.streams(taken, ()):
        plans.plans.forget("t")
        assert sum(batch.to_pyarrow().num_rows for batch in stream) == 4
    del taken
    assert held() is None


def test_a_plan_that_was_not_read_to_its_end_is_not_used_again() -> None:
    plans = Plans()
    for made in (1, 2):
        plans.count('SELECT n FROM "t" WHERE n < 4', read=False)
        assert plans.made == made


def test_a_plan_that_goes_on_from_rows_it_saw_is_not_kept() -> None:
    plans = Plans()
    assert plans.plans.take('SELECT n FROM "t" ORDER BY n LIMIT 3', (), lambda _frame: None) is None


def test_a_parameter_that_decides_a_type_has_no_plan() -> None:
    plans = Plans()
    sql, digits = 'SELECT round(CAST(n AS DECIMAL(10, 4)), $1) AS r FROM "t"', pa.scalar(2, pa.int64())
    assert plans.plans.take(sql, (digits,), lambda _frame: None) is None


def _whole(running: Running | None) -> Rows:
    assert running is not None and running.whole is not None
    return [row for batch in running.whole for row in batch.to_pylist()]


def test_at_once_a_query_has_the_rows_that_it_has_in_a_thread(engine: Engine, tmp_path: Path) -> None:
    query = _query(tmp_path, 'SELECT n, word FROM "scan_x" WHERE n < $1 AND word <> $2 ORDER BY n DESC')

    def values(n: int) -> tuple[pa.Scalar, pa.Scalar]:
        return pa.scalar(n, pa.int64()), pa.scalar(f"w{n // 2}")

    async def run() -> None:
        assert not engine.holds(query)
        assert engine.at_once(query, values(3)) is None
        await _in_memory(engine, query)
        assert engine.holds(query)
        assert not engine.is_at_hand(query, values(3))  # nobody has planned it yet
        assert engine.at_once(query, values(3)) is None
        await _rows(engine, query, *values(3))
        for n in range(40):
            assert engine.is_at_hand(query, values(n))
            running = engine.at_once(query, values(n))
            assert _whole(running) == [{"n": m, "word": f"w{m}"} for m in range(n - 1, -1, -1) if m != n // 2]

    asyncio.run(run())


def test_at_once_more_rows_than_are_waited_for_come_as_from_a_thread(engine: Engine, tmp_path: Path) -> None:
    query = _query(tmp_path, 'SELECT n FROM "scan_x" WHERE n >= $1')
    zero = (pa.scalar(0, pa.int64()),)

    async def run() -> None:
        await _in_memory(engine, query)
        expected = await _rows(engine, query, *zero)
        running = engine.at_once(query, zero)
        assert running is not None
        assert [row async for batch in running.batches() for row in batch.to_pylist()] == expected
        await running.close()
        assert len(expected) == 10_000

    asyncio.run(run())


def test_not_at_once_without_values_for_others_types_and_without_the_files(engine: Engine, tmp_path: Path) -> None:
    query = _query(tmp_path, 'SELECT count(*) AS c FROM "scan_x" WHERE n < $1')

    async def run() -> None:
        await _in_memory(engine, query)
        await _rows(engine, query, pa.scalar(3, pa.int64()))
        assert engine.at_once(query, (pa.scalar(None, pa.int64()),)) is None
        assert engine.at_once(query, (pa.scalar(3, pa.int32()),)) is None
        assert engine.is_at_hand(query, (pa.scalar(3, pa.int64()),))
        (tmp_path / "rows.parquet").unlink()
        assert engine.at_once(query, (pa.scalar(3, pa.int64()),)) is None
        with pytest.raises(SqlError) as raised:
            await _rows(engine, query, pa.scalar(3, pa.int64()))
        assert raised.value.sqlstate is SqlState.IO_ERROR

    asyncio.run(run())


def test_what_took_long_is_not_executed_at_once_again(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = _query(tmp_path, 'SELECT count(*) AS c FROM "scan_x" WHERE n < $1')
    three = (pa.scalar(3, pa.int64()),)

    async def run() -> None:
        await _in_memory(engine, query)
        await _rows(engine, query, *three)
        monkeypatch.setattr("gateway.execute.at_once._LONG", 0.0)
        assert _whole(engine.at_once(query, three)) == [{"c": 3}]
        assert not engine.is_at_hand(query, three)
        assert await _rows(engine, query, *three) == [{"c": 3}]

    asyncio.run(run())
