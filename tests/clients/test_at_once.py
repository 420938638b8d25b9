"""Light statements over small tables, executed by the event loop itself: rows, versions and rights of their time."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from catalog.tables import Table
from gateway.execute.engine import Engine, Running
from gateway.execute.port import EngineQuery
from gateway.sessions.in_callbacks import StraightClient
from gateway.sessions.straight_engine import StraightEngine
from gateway.versions_at_once import Snapshots, VersionsAtOnce
from tests.attacks.own_gateway import OwnGateway, own_gateway
from tests.gateway import ADA, BOB, PASSWORD, SampleLake, Settings


def _rows(start: int, count: int) -> pa.Table:
    return pa.table({"n": pa.array(range(start, start + count), pa.int64()), "part": [start] * count})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of a few files; of one of them each file is a partition."""
    folder = tmp_path_factory.mktemp("once")
    for start in (0, 100, 200):
        write_deltalake(folder / "t", _rows(start, 100), mode="append")
        write_deltalake(folder / "parted", _rows(start, 100), mode="append", partition_by=["part"])
    return folder


@pytest.fixture(scope="module")
def once(lake: SampleLake, folder: Path) -> Iterator[OwnGateway]:
    """A gateway over them that keeps no results."""
    sources: dict[str, Mapping[str, object]] = {"once": {"kind": "delta", "location": str(folder)}}
    engine = {"result_cache_memory": "0", "workers": 0}
    with own_gateway(
        lake, Settings(server={"refresh_interval": "0"}, sources=sources, engine=engine, database="once")
    ) as running:
        yield running


def _connected(once: OwnGateway, user: str) -> psycopg.Connection:
    host, port = once.address
    return psycopg.connect(host=host, port=port, user=user, password=PASSWORD, dbname="once", autocommit=True)


@pytest.fixture
def ada(once: OwnGateway) -> Iterator[psycopg.Connection]:
    with _connected(once, ADA) as connection:
        yield connection


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[EngineQuery]:
    """What was executed at once."""
    found: list[EngineQuery] = []
    at_once = Engine.at_once

    def noted(engine: Engine, query: EngineQuery, parameters: Sequence[pa.Scalar]) -> Running | None:
        running = at_once(engine, query, parameters)
        if running is not None:
            found.append(query)
        return running

    monkeypatch.setattr(Engine, "at_once", noted)
    return found


def _until_at_once(connection: psycopg.Connection, query: bytes, executed: list[EngineQuery]) -> None:
    """Execute a query until that is done at once."""
    connection.execute(b"SELECT count(*) FROM once.t WHERE n >= 0", prepare=True)
    deadline = time.monotonic() + 60
    executed.clear()
    while not executed:
        assert time.monotonic() < deadline
        connection.execute(query, [1], prepare=True)
        connection.execute(b"SELECT count(*) FROM once.t WHERE n >= %s", [0], prepare=True)


COUNT = b"SELECT count(*), min(n), max(n) FROM once.t WHERE n < %s"


def test_rows_are_those_of_the_values(ada: psycopg.Connection, executed: list[EngineQuery]) -> None:
    _until_at_once(ada, COUNT, executed)
    before = len(executed)
    for number in (1, 7, 150, 300, 1000, 0, -5):
        counted = max(0, min(number, 300))
        expected = (counted, 0 if counted else None, counted - 1 if counted else None)
        assert ada.execute(COUNT, [number], prepare=True).fetchone() == expected
    assert len(executed) >= before + 7
    assert ada.execute(COUNT, [None], prepare=True).fetchone() == (0, None, None)


def test_conditions_that_files_alone_apply_are_applied(ada: psycopg.Connection, executed: list[EngineQuery]) -> None:
    """Of a partition that is compared with a value only the files are chosen: the query does not compare again."""
    query = b"SELECT count(*), min(n) FROM once.parted WHERE part = %s"
    for _ in range(4):
        for part in (0, 100, 200, 300):
            expected = (100, part) if part < 300 else (0, None)
            assert ada.execute(query, [part], prepare=True).fetchone() == expected


def test_errors_are_told(ada: psycopg.Connection, executed: list[EngineQuery]) -> None:
    query = b"SELECT sum((n + %s) * 9223372036854775807) FROM once.t WHERE n < %s"
    for _ in range(20):
        with pytest.raises(psycopg.errors.NumericValueOutOfRange):
            ada.execute(query, [1, 3], prepare=True)
    assert ada.execute(COUNT, [2], prepare=True).fetchone() == (2, 0, 1)


def test_each_has_the_version_of_its_time(ada: psycopg.Connection, executed: list[EngineQuery], folder: Path) -> None:
    query = b"SELECT count(*) FROM once.t WHERE n >= %s"
    _until_at_once(ada, COUNT, executed)
    for number in range(1, 4):
        before = len(executed)
        assert ada.execute(query, [1000], prepare=True).fetchone() == (10 * (number - 1),)
        assert len(executed) == before + 1
        write_deltalake(folder / "t", _rows(1000 * number, 10), mode="append")
        assert ada.execute(query, [1000], prepare=True).fetchone() == (10 * number,)
        _until_at_once(ada, COUNT, executed)
        _until_at_once(ada, query, executed)


def test_explain_shows_the_files_of_its_values(ada: psycopg.Connection, executed: list[EngineQuery]) -> None:
    _until_at_once(ada, COUNT, executed)
    ada.execute("PREPARE shown (bigint) AS SELECT count(*) FROM once.t WHERE n < $1")
    for _ in range(3):
        lines = "\n".join(line for (line,) in ada.execute("EXPLAIN EXECUTE shown (5)").fetchall())
        assert "Files: 1 of" in lines, lines


@pytest.fixture
def straight(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What was begun without the session's task."""
    found: list[bytes] = []
    begin = StraightEngine.begin

    def noted(session: StraightEngine, data: bytes, ids: tuple[str, str], client: StraightClient) -> bool:
        begun = begin(session, data, ids, client)
        if begun:
            found.append(data)
        return begun

    monkeypatch.setattr(StraightEngine, "begin", noted)
    return found


@dataclass
class Held:
    """Looks at versions that wait for ``go_on`` behind their answer."""

    looked: threading.Event
    go_on: threading.Event


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    """All that begin from now on."""
    made, look = Held(threading.Event(), threading.Event()), VersionsAtOnce.look

    def late(versions: VersionsAtOnce, tables: Sequence[Table]) -> asyncio.Future[Snapshots]:
        async def wait() -> Snapshots:
            found = await look(versions, tables)
            made.looked.set()
            while not made.go_on.is_set():
                await asyncio.sleep(0.01)
            return found

        return asyncio.ensure_future(wait())

    monkeypatch.setattr(VersionsAtOnce, "look", late)
    return made


def _until_straight(connection: psycopg.Connection, executed: list[EngineQuery], straight: list[bytes]) -> None:
    _until_at_once(connection, COUNT, executed)
    straight.clear()
    deadline = time.monotonic() + 60
    while not straight:
        assert time.monotonic() < deadline
        assert connection.execute(COUNT, [1], prepare=True).fetchone() == (1, 0, 0)


def test_straight_rows_are_those_of_the_values(
    ada: psycopg.Connection, executed: list[EngineQuery], straight: list[bytes]
) -> None:
    _until_straight(ada, executed, straight)
    for number in (1, 7, 150, 300, 0, 99):
        before = len(straight)
        expected = (number, 0 if number else None, number - 1 if number else None)
        assert ada.execute(COUNT, [number], prepare=True).fetchone() == expected
        assert len(straight) == before + 1
    rows = b"SELECT n FROM once.t WHERE n < %s ORDER BY n"
    for number in (1, 2, 299, 600, 3, 0, 299, 300):  # none goes wrong where its rows are too many
        expected_rows = [(n,) for n in range(min(number, 300))]
        assert ada.execute(rows, [number], prepare=True).fetchall()[:300] == expected_rows


def test_straight_and_other_executions_are_written_to_the_audit_alike(
    lake: SampleLake, ada: psycopg.Connection, executed: list[EngineQuery], straight: list[bytes]
) -> None:
    query = b"SELECT max(n) AS audited_alike FROM once.t WHERE n < %s"
    _until_at_once(ada, COUNT, executed)
    for _ in range(12):
        assert ada.execute(query, [50], prepare=True).fetchone() == (49,)
    assert straight
    differ = {"sequence", "at", "statement", "intent", "duration_ms", "bytes"}
    kept = [{key: value for key, value in one.items() if key not in differ} for one in _outcomes(lake, "audited_alike")]
    assert kept == [kept[0]] * 12
    assert (
        kept[0]["lane"] == "engine"
        and kept[0]["rows"] == 1
        and kept[0]["tables"] == ["once.t"]
        and kept[0]["sqlstate"] == "00000"
    )


def _outcomes(lake: SampleLake, word: str) -> list[dict[str, object]]:
    """Return what the store has of the outcomes of the twelve statements with a word."""
    deadline = time.monotonic() + 30
    while True:
        with lake.server.connect("lakegate") as connection:
            rows = connection.execute("SELECT entry FROM audit_entries ORDER BY filed, sequence").fetchall()
        entries = [json.loads(row[0]) for row in rows]
        found = [one for one in entries if one.get("phase") == "outcome" and word in one.get("text", "")]
        if len(found) == 12:
            return found
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_what_is_cancelled_during_the_look_is_not_executed(
    once: OwnGateway,
    ada: psycopg.Connection,
    executed: list[EngineQuery],
    straight: list[bytes],
    request: pytest.FixtureRequest,
) -> None:
    _until_straight(ada, executed, straight)
    held: Held = request.getfixturevalue("held")
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(lambda: ada.execute(COUNT, [3], prepare=True).fetchone())
        assert held.looked.wait(60)
        before = len(executed), len(straight)
        with _connected(once, ADA) as other:
            other.execute("SELECT pg_cancel_backend(%s)", [ada.info.backend_pid])
        with pytest.raises(psycopg.errors.QueryCanceled):
            asked.result(60)
        held.go_on.set()
        assert (len(executed), len(straight)) == before
        assert ada.execute(COUNT, [4], prepare=True).fetchone() == (4, 0, 3)


def test_a_client_that_leaves_during_the_look_leaves_nothing(
    once: OwnGateway, executed: list[EngineQuery], straight: list[bytes], request: pytest.FixtureRequest
) -> None:
    leaving = _connected(once, ADA)
    _until_straight(leaving, executed, straight)
    held: Held = request.getfixturevalue("held")
    leaving.pgconn.send_query_prepared(b"_pg3_2", [b"3"])  # of the statements above
    leaving.pgconn.flush()
    assert held.looked.wait(60)
    leaving.close()
    held.go_on.set()
    with _connected(once, ADA) as other:
        assert other.execute(COUNT, [4], prepare=True).fetchone() == (4, 0, 3)


@pytest.fixture
def bob(once: OwnGateway, ada: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """Who may read the table for now."""
    ada.execute("GRANT USAGE ON SCHEMA once TO bob; GRANT SELECT ON once.t TO bob")
    try:
        with _connected(once, BOB) as connection:
            yield connection
    finally:
        ada.execute("REVOKE SELECT ON once.t FROM bob; REVOKE USAGE ON SCHEMA once FROM bob")


@contextmanager
def _during_the_look(bob: psycopg.Connection, held: Held, value: int) -> Iterator[Future[tuple[object, ...] | None]]:
    """Have a statement begun, whose versions are being looked at in the block."""
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(lambda: bob.execute(COUNT, [value], prepare=True).fetchone())
        assert held.looked.wait(60)
        try:
            yield asked
        finally:
            held.go_on.set()


def test_rights_that_are_taken_during_the_look_at_versions_count(
    ada: psycopg.Connection,
    bob: psycopg.Connection,
    executed: list[EngineQuery],
    straight: list[bytes],
    request: pytest.FixtureRequest,
) -> None:
    _until_straight(bob, executed, straight)
    with _during_the_look(bob, request.getfixturevalue("held"), 3) as asked:
        executed.clear()
        ada.execute("REVOKE SELECT ON once.t FROM bob; REVOKE USAGE ON SCHEMA once FROM bob")
    with pytest.raises(psycopg.errors.UndefinedTable):
        asked.result(60)
    assert not executed


def test_a_policy_that_is_made_during_the_look_at_versions_counts(
    ada: psycopg.Connection,
    bob: psycopg.Connection,
    executed: list[EngineQuery],
    straight: list[bytes],
    request: pytest.FixtureRequest,
) -> None:
    _until_straight(bob, executed, straight)
    try:
        with _during_the_look(bob, request.getfixturevalue("held"), 10) as asked:
            ada.execute("CREATE POLICY even ON once.t USING (n % 2 = 0); ALTER TABLE once.t ENABLE ROW LEVEL SECURITY")
        assert asked.result(60) == (5, 0, 8)
    finally:
        ada.execute("DROP POLICY IF EXISTS even ON once.t; ALTER TABLE once.t DISABLE ROW LEVEL SECURITY")
