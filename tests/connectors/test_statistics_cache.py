"""Statistics as the gateway keeps them: for how long, how quickly told, and what becomes of sources that fail."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from structlog.testing import capture_logs

from catalog.names import TableName
from catalog.remote_logins import RemoteLogins
from catalog.scans import Comparison, Keys, RemoteScan, Scan, Snapshot, Source
from catalog.statistics import UNKNOWN, TableStatistics
from catalog.tables import Catalog, Discovery, Table
from connectors.delta.source import DeltaSource
from connectors.postgres.source import PostgresSource
from gateway.execute.engine import Engine
from gateway.execute.port import EngineSettings
from gateway.execute.remote_relations import RemoteDataset
from gateway.lake import ASKED_PATIENCE, Lake
from gateway.statistics_cache import StatisticsCache
from policies.access import Access
from tests.connectors import lakes
from tests.connectors.conftest import RealServer, execute
from tests.connectors.streaming import table_of

OTHER = pa.table({"k": pa.array([1, 2], pa.int64())})


class Counted:
    """A real source whose questions for statistics are counted, and held up for ``delay`` seconds."""

    def __init__(self, source: Source, delay: float = 0.0) -> None:
        self._source, self.delay = source, delay
        self.name, self.kind = source.name, source.kind
        self.asked: list[str] = []
        self.most_at_once = self._now = 0

    def discover(self) -> Discovery:
        return self._source.discover()

    def pin(self, table: Table) -> Snapshot:
        return self._source.pin(table)

    def scan(
        self,
        snapshot: Snapshot,
        columns: tuple[str, ...],
        comparisons: tuple[Comparison, ...],
        keys: tuple[Keys, ...] = (),
    ) -> Scan:
        return self._source.scan(snapshot, columns, comparisons)

    def takes(self, table: Table, comparison: Comparison) -> bool:
        return self._source.takes(table, comparison)

    def statistics(self, table: Table) -> TableStatistics:
        self.asked.append(table.name.name)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        time.sleep(self.delay)
        try:
            return self._source.statistics(table)
        finally:
            self._now -= 1

    def close(self) -> None:
        self._source.close()


@pytest.fixture
def source(tmp_path: Path) -> Counted:
    for at in range(8):
        write_deltalake(tmp_path / "lk" / f"t{at}", OTHER)
    return Counted(DeltaSource("lk", str(tmp_path / "lk"), {}))


@pytest.fixture
def tables(source: Counted) -> tuple[Table, ...]:
    return source.discover().tables


def rows(found: dict[TableName, TableStatistics] | Any) -> list[float | None]:
    return [each.rows for each in found.values()]


def test_each_table_is_asked_for_once(source: Counted, tables: tuple[Table, ...]) -> None:
    cache = StatisticsCache({"lk": source})
    with ThreadPoolExecutor(8) as threads:
        found = [*threads.map(lambda _: cache.get(tables), range(16))]
    assert [rows(each) for each in found] == [[2.0] * 8] * 16
    assert sorted(source.asked) == [f"t{at}" for at in range(8)]


def test_a_source_is_asked_a_bounded_number_of_questions_at_once(source: Counted, tmp_path: Path) -> None:
    for at in range(8, 30):
        write_deltalake(tmp_path / "lk" / f"t{at}", OTHER)
    tables = source.discover().tables
    source.delay = 0.05
    cache = StatisticsCache({"lk": source})
    assert rows(cache.get(tables)) == [2] * 30
    assert source.most_at_once == 8


def test_what_is_known_is_told_at_once(source: Counted, tables: tuple[Table, ...]) -> None:
    cache = StatisticsCache({"lk": source})
    cache.get(tables)
    for table in tables:
        cache.pinned(table.name, "0")
    tries = []
    for _ in range(20):
        begun = time.perf_counter()
        for _ in range(100):
            cache.get(tables)
        tries.append((time.perf_counter() - begun) / 100)
    assert min(tries) < 50e-6
    assert len(source.asked) == 8


def test_a_source_looked_at_again_is_asked_again(source: Counted, tables: tuple[Table, ...]) -> None:
    cache = StatisticsCache({"lk": source})
    cache.get(tables[:2])
    cache.looked_at("lk")
    cache.get(tables[:1])
    assert source.asked.count("t0") == 2 and source.asked.count("t1") == 1


def test_another_pinned_version_is_asked_for(source: Counted, tables: tuple[Table, ...], tmp_path: Path) -> None:
    cache = StatisticsCache({"lk": source})
    assert rows(cache.get(tables[:1])) == [2]
    cache.pinned(tables[0].name, "0")  # the first pin is of what was asked
    assert rows(cache.get(tables[:1])) == [2] and len(source.asked) == 1
    write_deltalake(tmp_path / "lk" / "t0", OTHER, mode="append")
    assert rows(cache.get(tables[:1])) == [2]
    cache.pinned(tables[0].name, source.pin(tables[0]).version)
    assert rows(cache.get(tables[:1])) == [4] and len(source.asked) == 2


def test_a_table_with_other_columns_is_asked_for(source: Counted, tables: tuple[Table, ...], tmp_path: Path) -> None:
    cache = StatisticsCache({"lk": source})
    cache.get(tables[:1])
    write_deltalake(tmp_path / "lk" / "t0", pa.table({"other": ["x"]}), mode="overwrite", schema_mode="overwrite")
    found = cache.get([table_of(source, "t0")])
    assert set(found[tables[0].name].columns) == {"other"}


def test_a_table_that_cannot_be_read_is_unknown_and_said_to_be_so_once(
    source: Counted, tables: tuple[Table, ...], tmp_path: Path
) -> None:
    cache = StatisticsCache({"lk": source})
    (tmp_path / "lk/t0/_delta_log/00000000000000000000.json").write_text("nonsense")
    with capture_logs() as logs:
        found = [cache.get(tables[:2]) for _ in range(3)]
    assert [each[tables[0].name] for each in found] == [UNKNOWN] * 3
    assert [each[tables[1].name].rows for each in found] == [2] * 3
    assert [(log["log_level"], log["source"], log["table"]) for log in logs] == [("warning", "lk", "lk.t0")]
    assert source.asked.count("t0") == 1


def test_a_failure_leaves_what_was_known(source: Counted, tables: tuple[Table, ...], tmp_path: Path) -> None:
    cache = StatisticsCache({"lk": source})
    cache.get(tables[:1])
    (tmp_path / "lk/t0/_delta_log/00000000000000000000.json").write_text("nonsense")
    cache.looked_at("lk")
    assert rows(cache.get(tables[:1])) == [2]


def test_a_slow_source_is_waited_for_once_and_counts_when_it_has_answered(
    source: Counted, tables: tuple[Table, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.statistics_cache.PATIENCE", 0.2)
    source.delay = 0.6
    cache = StatisticsCache({"lk": source})
    with capture_logs() as logs:
        begun = time.monotonic()
        assert cache.get(tables[:2])[tables[0].name] is UNKNOWN
        first = time.monotonic() - begun
        assert cache.get(tables[:2])[tables[0].name] is UNKNOWN
        second = time.monotonic() - begun - first
    assert 0.15 < first < 0.55 and second < 0.15
    assert [(log["event"], log["tables"]) for log in logs] == [("statistics are late", ["lk.t0", "lk.t1"])]
    while rows(cache.get(tables[:2])) != [2, 2]:  # the suite's time limit ends it
        time.sleep(0.05)
    assert sorted(source.asked) == ["t0", "t1"]


@contextmanager
def mute_server() -> Iterator[int]:
    """A port where connections are taken and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_postgresql_that_says_nothing_holds_a_statement_for_a_second(
    source: Counted, tables: tuple[Table, ...]
) -> None:
    with mute_server() as port:
        remote = PostgresSource("pg", f"postgresql://u:hunter2@127.0.0.1:{port}/x")
        cache = StatisticsCache({"lk": source, "pg": remote})
        silent = [Table(TableName("pg", f"s{at}"), "pg", "postgres", ("public", f"s{at}"), ()) for at in range(30)]
        with capture_logs() as logs:
            begun = time.monotonic()
            found = cache.get([*silent, *tables])
            assert time.monotonic() - begun < 1.8
            assert [found[table.name] for table in silent] == [UNKNOWN] * 30
            assert [found[table.name].rows for table in tables] == [2] * 8
            begun = time.monotonic()
            cache.get(silent)
            assert time.monotonic() - begun < 0.2
        assert "hunter2" not in str(logs)
        time.sleep(max(0.0, begun + 2.5 - time.monotonic()))  # its thread gives up, and that is kept
        begun = time.monotonic()
        assert cache.get(silent)[silent[0].name] is UNKNOWN
        assert time.monotonic() - begun < 0.2
        remote.close()


# The lake


class NoMirror:
    """Takes every catalogue."""

    def apply(self, catalog: Catalog) -> bool:
        return True


def in_lake(sources: dict[str, Source], folder: Path, work: Callable[[Lake], Coroutine[Any, Any, None]]) -> None:
    """Run ``work`` with a lake of these sources."""

    def no_remote(scan: RemoteScan) -> RemoteDataset:
        raise AssertionError("nothing is read")

    async def run() -> None:
        engine = Engine(EngineSettings(64 << 20, folder / "spill", 1), no_remote, lambda _: None, lambda _: None)
        lake = Lake(sources, engine, Access(), frozenset(), RemoteLogins())
        try:
            await work(lake)
        finally:
            lake.close()

    asyncio.run(run())


def test_the_lake_asks_anew_after_a_refresh_and_after_a_pin(
    source: Counted, server: RealServer, tmp_path: Path
) -> None:
    made = lakes.postgres(tmp_path, server)
    owner = psycopg.conninfo.make_conninfo(str(made.settings["dsn"]), user="postgres")
    execute(owner, "ANALYZE")
    remote = Counted(made.source)

    async def work(lake: Lake) -> None:
        catalog = await lake.refresh(NoMirror(), None, ASKED_PATIENCE)
        types, staff = TableName("lake", "types"), TableName("lake_hr", "staff")
        t0, t1 = TableName("lk", "t0"), TableName("lk", "t1")
        asked = [catalog.tables[name] for name in (types, staff, t0, t1)]
        found = await asyncio.to_thread(lake.statistics, asked)
        assert {name: each.rows for name, each in found.items()} == {types: 6, staff: 2, t0: 2, t1: 2}
        await asyncio.to_thread(lake.pin, asked)
        await asyncio.to_thread(lake.statistics, asked)
        assert (len(remote.asked), len(source.asked)) == (2, 2)
        write_deltalake(tmp_path / "lk" / "t0", OTHER, mode="append")
        made.append()
        execute(owner, "ANALYZE")
        await asyncio.to_thread(lake.pin, asked)
        found = await asyncio.to_thread(lake.statistics, asked)
        assert {name: each.rows for name, each in found.items()} == {types: 6, staff: 2, t0: 4, t1: 2}
        assert (len(remote.asked), len(source.asked)) == (2, 3)
        catalog = await lake.refresh(NoMirror(), ["lake"], ASKED_PATIENCE)
        found = await asyncio.to_thread(lake.statistics, [catalog.tables[name] for name in (types, staff, t0, t1)])
        assert {name: each.rows for name, each in found.items()} == {types: 7, staff: 2, t0: 4, t1: 2}
        assert (len(remote.asked), len(source.asked)) == (4, 3)

    in_lake({"lk": source, "lake": remote}, tmp_path, work)
