"""Joins that sort both of their sides: the same rows as those that hash one, in memory where these find no room."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.errors import SqlError
from catalog.scans import FileGroup, FileScan, Physical
from gateway.execute.admitting import AdmittingEngine
from gateway.execute.engine import Engine
from gateway.execute.port import EngineQuery, EngineSettings
from gateway.sql.engine_dialect.function_errors import stated_error
from gateway.sql.engine_dialect.functions import register_functions
from tests.execute.test_admission import no_remote
from tests.gateway import SampleLake, Section, Settings, serving

MEMORY = 64 << 20
LARGE = 6_000_000  # rows, each of eight bytes: their hash table does not fit
ROWS = 12_000
KINDS = {
    "inner": 'FROM "a" a JOIN "b" b ON a.k = b.k',
    "inner, two keys": 'FROM "a" a JOIN "b" b ON a.k = b.k AND a.v = b.v',
    "inner, filtered": 'FROM "a" a JOIN "b" b ON a.k = b.k AND a.v < b.v',
    "left": 'FROM "a" a LEFT JOIN "b" b ON a.k = b.k',
    "left, filtered": 'FROM "a" a LEFT JOIN "b" b ON a.k = b.k AND a.v < b.v AND b.v > 50',
    "right, filtered": 'FROM "a" a RIGHT JOIN "b" b ON a.k = b.k AND a.v < b.v',
    "full": 'FROM "a" a FULL JOIN "b" b ON a.k = b.k',
    "full, filtered": 'FROM "a" a FULL JOIN "b" b ON a.k = b.k AND a.v + b.v > 90',
    "exists": 'FROM "a" a WHERE EXISTS (SELECT 1 FROM "b" b WHERE b.k = a.k)',
    "exists, filtered": 'FROM "a" a WHERE EXISTS (SELECT 1 FROM "b" b WHERE b.k = a.k AND b.v <> a.v)',
    "not exists": 'FROM "a" a WHERE NOT EXISTS (SELECT 1 FROM "b" b WHERE b.k = a.k)',
    "not exists, filtered": 'FROM "a" a WHERE NOT EXISTS (SELECT 1 FROM "b" b WHERE b.k = a.k AND b.v < a.v)',
    "in": 'FROM "a" a WHERE a.k IN (SELECT b.k FROM "b" b WHERE b.v > 80)',
    "not in, with NULL": 'FROM "a" a WHERE a.k NOT IN (SELECT b.k FROM "b" b)',
    "not in": 'FROM "a" a WHERE a.k NOT IN (SELECT b.k FROM "b" b WHERE b.k IS NOT NULL AND b.v > 30)',
    "one that is marked": 'FROM "a" a WHERE a.v = 3 OR EXISTS (SELECT 1 FROM "b" b WHERE b.k = a.k AND b.v > a.v)',
    "of text": 'FROM "a" a JOIN "b" b ON a.t = b.t',
    "of text, left": 'FROM "a" a LEFT JOIN "b" b ON a.t = b.t AND a.v < b.v',
    "without an equality": 'FROM (SELECT * FROM "a" WHERE v < 2) a JOIN (SELECT * FROM "b" WHERE v < 2) b ON a.k < b.k',
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    spill = tmp_path_factory.mktemp("spill")
    made = Engine(EngineSettings(MEMORY, spill, 2), no_remote, register_functions, stated_error)
    yield made
    made.close()


@pytest.fixture(scope="module", params=[range(9000), range(-100_000, 125_000, 25)], ids=["close", "far apart"])
def scans(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[str, FileScan], ...]:
    """Two tables whose keys come several times, or not at all, or are NULL. Those far apart are looked up in an array
    because it is small, others because it is full.
    """
    folder, chance = tmp_path_factory.mktemp("tables"), random.Random(7)
    return tuple((name, _scan(folder / f"{name}.parquet", _table(chance, request.param))) for name in ("a", "b"))


def _table(chance: random.Random, of: range) -> pa.Table:
    keys = [chance.choice((None, *of[:5])) if chance.random() < 0.002 else chance.choice(of) for _ in range(ROWS)]
    values = [None if chance.random() < 0.05 else chance.randrange(100) for _ in range(ROWS)]
    texts = [None if key is None else f"text {key}" for key in keys]
    return pa.table({"k": pa.array(keys, pa.int64()), "v": pa.array(values, pa.int32()), "t": texts})


def _scan(path: Path, table: pa.Table) -> FileScan:
    pq.write_table(table, path)
    group = FileGroup("parquet", (str(path),), tuple(map(Physical, table.column_names)), table.schema)
    return FileScan(str(path), table.schema, (group,), 1)


async def _rows(engine: Engine | AdmittingEngine, query: EngineQuery) -> list[tuple[object, ...]]:
    running = await engine.start(lambda: query)
    try:
        return [tuple(row.values()) async for batch in running.batches() for row in batch.to_pylist()]
    finally:
        await running.close()


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_the_same(kind: str, engine: Engine, scans: tuple[tuple[str, FileScan], ...]) -> None:
    async def run() -> None:
        of_both = "WHERE" not in KINDS[kind] or KINDS[kind].startswith("FROM (")
        columns = "a.k, a.v, b.k AS k2, b.v AS v2" if of_both else "a.k, a.v"
        query = EngineQuery(f"SELECT {columns} {KINDS[kind]}", scans)
        hashed, merged = await _rows(engine, query), await _rows(engine, replace(query, merges=True))
        assert hashed or kind == "not in, with NULL"
        assert sorted(hashed, key=repr) == sorted(merged, key=repr)

    asyncio.run(run())


def test_keys_are_looked_up_in_an_array(engine: Engine, scans: tuple[tuple[str, FileScan], ...]) -> None:
    query = EngineQuery(f"SELECT count(*) {KINDS['inner']}", scans)
    assert "array_map_created_count=1" in asyncio.run(engine.explain(query, (), True))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[str, FileScan], ...]:
    """Two tables of which neither fits into memory."""
    folder = tmp_path_factory.mktemp("large")
    one, other = pa.table({"n": range(LARGE)}), pa.table({"n": range(LARGE - 1, 2 * LARGE - 1)})
    return (("a", _scan(folder / "a.parquet", one)), ("b", _scan(folder / "b.parquet", other)))


def test_what_does_not_fit_hashed_is_merged(engine: Engine, large: tuple[tuple[str, FileScan], ...]) -> None:
    """A client is told nothing of the first try."""
    query = EngineQuery('SELECT count(*), min(a.n) FROM "a" a JOIN "b" b ON a.n = b.n', large)

    async def run() -> None:
        with pytest.raises(SqlError) as failure:
            await _rows(engine, query)
        assert failure.value.sqlstate == "53200"
        admitting = AdmittingEngine(engine, 2, 2)
        assert await _rows(admitting, query) == [(1, LARGE - 1)]
        assert "SortMergeJoinExec" in await admitting.explain(query, (), analyze=False)  # so it is the next time
        assert {one.running for one in admitting.admissions.values()} == {0}

    asyncio.run(run())


def test_it_is_merged_beside_others(engine: Engine, large: tuple[tuple[str, FileScan], ...]) -> None:
    """Three that do not fit by themselves wait for each other, and all end."""
    query = EngineQuery('SELECT count(*) FROM "a" a LEFT JOIN "b" b ON a.n = b.n', large)

    async def run() -> None:
        admitting = AdmittingEngine(engine, 2, 2)
        found = await asyncio.gather(*(_rows(admitting, query) for _ in range(3)))
        assert found == [[(LARGE,)]] * 3
        assert {one.running for one in admitting.admissions.values()} == {0}

    asyncio.run(run())


def test_what_fits_in_no_way_fails(engine: Engine, large: tuple[tuple[str, FileScan], ...]) -> None:
    """An array cannot spill; the statement is not tried for ever."""
    texts = "array_agg(a.n || ' as a text that is long')"
    query = EngineQuery(f'SELECT {texts} FROM "a" a LEFT JOIN "b" b ON a.n = b.n', large)
    alone = EngineQuery(f'SELECT {texts} FROM "a" a', large[:1])

    async def run() -> None:
        for each in (alone, query):
            admitting = AdmittingEngine(engine, 2, 2)
            with pytest.raises(SqlError) as failure:
                await asyncio.wait_for(_rows(admitting, each), 120)
            assert failure.value.sqlstate == "53200"
            assert {one.running for one in admitting.admissions.values()} == {0}

    asyncio.run(run())


@pytest.mark.parametrize("workers", [0, 1], ids=["in the gateway", "in a worker"])
def test_a_client_has_its_rows_and_is_told_how(lake: SampleLake, tmp_path: Path, workers: int) -> None:
    values = pa.array(range(2_000_000), pa.int64())
    pq.write_table(pa.table(dict.fromkeys("nabcd", values)), tmp_path / "large.parquet")
    sums = ", ".join(f"max({table}.{column})" for table in "xy" for column in "abcd")
    query = f"SELECT count(*), {sums} FROM wide.large x JOIN wide.large y ON x.n = y.n".encode()
    sources: dict[str, Section] = {"wide": {"kind": "files", "location": str(tmp_path)}}
    engine = {"memory_limit": "64MB", "workers": workers, "worker_memory_limit": "1GB", "result_cache_memory": "0"}
    settings = Settings(sources=sources, engine=engine, database="merging_joins")
    with serving(lake, settings) as gateway, psycopg.connect(gateway.dsn(), autocommit=True) as connection:
        assert connection.execute(query).fetchall() == [(2_000_000, *[1_999_999] * 8)]
        told = [str(row[0]) for row in connection.execute(b"EXPLAIN " + query).fetchall()]
        assert [line for line in told if line.startswith("Joins: both sides are sorted")], told
        [shown] = connection.execute(b"EXPLAIN (FORMAT JSON) " + query).fetchall()[0][0]
        assert "engine.memory_limit" in shown["Joins"], json.dumps(shown)
        assert "Merge Join" in json.dumps(shown["Plan"])
        few = b"EXPLAIN SELECT count(*) FROM wide.large x JOIN wide.large y ON x.n = y.n WHERE x.a < 10"
        assert not any("Joins:" in str(row[0]) for row in connection.execute(few).fetchall())
