"""Advice follows from how tables are read and what was misjudged, goes when it was followed, and tells nobody of tables
that he may not read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from tests.gateway import BOB, RunningGateway, SampleLake, Settings, serving

FILES = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables: many small files whose ``key`` is spread over all of them and whose ``day`` is not; and one file whose
    ``state`` is nearly always the same.
    """
    folder: Path = tmp_path_factory.mktemp("advised")
    for number in range(FILES):
        keys = pa.array([(each * FILES + number) for each in range(200)], pa.int64())
        rows = pa.table({"key": keys, "day": pa.array([number] * 200, pa.int64())})
        write_deltalake(str(folder / "events"), rows, mode="append")
    states = pa.array([f"state {each}" if each < 200 else "done" for each in range(20_000)])
    numbers = pa.array(range(20_000), pa.int64())
    write_deltalake(str(folder / "jobs"), pa.table({"id": numbers, "state": states}))
    write_deltalake(str(folder / "runs"), pa.table({"job": numbers, "took": numbers}))
    return folder


@pytest.fixture(scope="module")
def gateway(lake: SampleLake, folder: Path) -> Iterator[RunningGateway]:
    sources = {"lk": {"kind": "delta", "location": str(folder)}, "origin": lake.sources["origin"]}
    settings = Settings(server={"refresh_interval": "0"}, database="advised", engine={"workers": 0}, sources=sources)
    with serving(lake, settings) as running:
        yield running


@pytest.fixture
def ada(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as connection:
        yield connection


def advice(connection: psycopg.Connection, kind: str) -> list[tuple[str, str, str | None]]:
    text = "SELECT object, reason, statement FROM lakegate.advice WHERE kind = %s ORDER BY 1, 2"
    return connection.execute(text, (kind,)).fetchall()


def test_columns_that_leave_no_files_out(ada: psycopg.Connection) -> None:
    for number in range(12):
        ada.execute(f"SELECT count(*) FROM lk.events WHERE key BETWEEN {number * 100} AND {number * 100 + 5}".encode())
        ada.execute("SELECT count(*) FROM lk.events WHERE day = %s", (number,))
    ((table, reason, statement),) = advice(ada, "sort order")
    assert (table, statement) == ("lk.events", None)
    assert reason.startswith("The last 12 statements with conditions on key were expected to keep ")
    assert "keep 0.10% of the rows and read 94% of the files. Have it sorted by key, or" in reason


def test_small_files(ada: psycopg.Connection) -> None:
    ada.execute("SELECT count(*) FROM lk.events")
    ada.execute("SELECT count(*) FROM lk.jobs")
    ((table, reason, statement),) = advice(ada, "small files")
    assert (table, statement) == ("lk.events", None)
    assert reason.startswith(f"It has {FILES} files of 2 kB on average.")


def test_what_was_misjudged_is_to_be_analyzed(ada: psycopg.Connection, folder: Path) -> None:
    query = "SELECT sum(took) FROM lk.jobs JOIN lk.runs ON job = id WHERE state = 'done'"
    ada.execute(query)
    deadline = time.monotonic() + 10
    while not (found := advice(ada, "statistics")):  # what the operators have counted is looked at in a thread
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert found == [
        (
            "lk.jobs",
            "What a statement asked of state was expected to have 100 rows and had 19,800."
            " The table was never analyzed.",
            "ANALYZE lk.jobs (state)",
        )
    ]
    ada.execute(str(found[0][2]).encode())
    assert advice(ada, "statistics") == advice(ada, "stale statistics") == []
    more = pa.table({"id": pa.array(range(10_000), pa.int64()), "state": pa.array(["done"] * 10_000)})
    write_deltalake(str(folder / "jobs"), more, mode="append")
    ada.execute(query)
    assert advice(ada, "stale statistics") == [
        (
            "lk.jobs",
            "It had 20,000 rows when it was analyzed, and has 30,000 now.",
            "ANALYZE lk.jobs (state)",
        )
    ]


def test_slow_statements_that_come_again(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    for _ in range(10):
        ada.execute("SELECT max(n) FROM origin.second WHERE n <= 20")
    ((query, reason, statement),) = advice(ada, "materialization")
    assert query == "SELECT max(n) FROM origin.second WHERE n <= ?" and statement is None
    assert reason.startswith("It ran 10 times as ada and took ") and reason.endswith(
        " s in all, for 1 rows: keep these in a table."
    )
    with gateway.connect(BOB) as bob:
        assert advice(bob, "materialization") == []


def test_others_are_not_told_what_is_asked_of_a_table(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    """Advice follows from what others ask, so it is not for all who may read the table."""
    ada.execute("SELECT count(*) FROM lk.events")
    every = "SELECT DISTINCT object FROM lakegate.advice WHERE object LIKE 'lk.%' ORDER BY 1"
    with gateway.connect(BOB) as bob:

        def told() -> list[str]:
            return [name for (name,) in bob.execute(every).fetchall()]

        ada.execute("GRANT USAGE ON SCHEMA lk TO bob")
        ada.execute("GRANT SELECT ON lk.events TO bob")
        assert told() == []
        ada.execute("ALTER TABLE lk.events OWNER TO bob")
        assert told() == ["lk.events"]
        ada.execute("ALTER TABLE lk.events OWNER TO ada")
        assert told() == []
        ada.execute("GRANT pg_read_all_stats TO bob")
        assert "lk.events" in told()
        ada.execute("REVOKE pg_read_all_stats FROM bob")
        assert told() == []
        assert ada.execute(every).fetchall() != []
        ada.execute("REVOKE ALL ON ALL TABLES IN SCHEMA lk FROM bob")
