"""A pinned plan holds for a statement whoever runs it, until it is taken away or a table of it changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from tests.gateway import BOB, RunningGateway, SampleLake, Settings, serving

JOINED = "SELECT count(*) FROM lk.a JOIN lk.b ON a.x = b.x JOIN lk.c ON b.y = c.y WHERE a.x < {}"
HINT = "Leading(((c b) a))"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tables that are joined in a row, with few rows in the first and many in the last."""
    folder: Path = tmp_path_factory.mktemp("pinned")
    for name, rows in (("a", 100), ("b", 1000), ("c", 10_000)):
        numbers = pa.array(range(rows), pa.int64())
        write_deltalake(str(folder / name), pa.table({"x": numbers, "y": numbers}))
    return folder


@pytest.fixture(scope="module")
def settings(lake: SampleLake, folder: Path) -> Settings:
    sources = {"lk": {"kind": "delta", "location": str(folder)}, "crm": lake.sources["crm"]}
    return Settings(server={"refresh_interval": "0"}, database="pinned", engine={"workers": 0}, sources=sources)


@pytest.fixture(scope="module")
def gateway(lake: SampleLake, settings: Settings) -> Iterator[RunningGateway]:
    with serving(lake, settings) as running:
        yield running


@pytest.fixture
def ada(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as connection:
        for (queryid,) in connection.execute("SELECT queryid FROM lakegate.pinned_plans").fetchall():
            connection.execute(f"SELECT lakegate.unpin_plan({queryid})".encode())
        yield connection


def asked(connection: psycopg.Connection, text: str) -> list[tuple[object, ...]]:
    return connection.execute(text.encode()).fetchall()


def order(connection: psycopg.Connection, query: str) -> str:
    """Return the order in which a query's tables are joined."""
    lines = "\n".join(str(line) for (line,) in asked(connection, f"EXPLAIN VERBOSE {query}"))
    found = re.search(r"Join order: (\S.*?)  \(cost", lines)
    assert found is not None, lines
    return found[1]


def pinned(connection: psycopg.Connection, query: str) -> list[str]:
    return [str(line) for (line,) in asked(connection, f"EXPLAIN {query}") if str(line).startswith("Pinned plan")]


def test_a_pin_holds_for_all_constants_and_ways_to_send(ada: psycopg.Connection) -> None:
    usual, rows = order(ada, JOINED.format(50)), asked(ada, JOINED.format(50))
    assert pinned(ada, JOINED.format(50)) == [] and usual != "(a (b c))"
    ada.execute(JOINED.format("%s").encode(), (50,), prepare=True)
    ((queryid,),) = asked(ada, f"SELECT lakegate.pin_plan('{JOINED.format(1)}', '{HINT}')")
    assert order(ada, JOINED.format(50)) == "(a (b c))"
    assert asked(ada, JOINED.format(50)) == rows
    assert pinned(ada, JOINED.format(7)) and pinned(ada, JOINED.format(7))[0].startswith(
        f"Pinned plan: {HINT}  (by ada"
    )
    ada.execute(JOINED.format("%s").encode(), (50,), prepare=True)  # prepared before it was pinned
    plans = asked(ada, f"SELECT calls, plan FROM lakegate.plan_history WHERE queryid = {queryid} ORDER BY last_call")
    assert plans[-1][1] == "join order (a (b c))" and len(plans) == 2
    assert asked(ada, "SELECT query, hints, tables, pinned_by, is_valid, reason FROM lakegate.pinned_plans") == [
        (JOINED.format("?"), HINT, ["lk.a", "lk.b", "lk.c"], "ada", True, None)
    ]
    own = f"/*+ Leading((b a)) */ EXPLAIN VERBOSE {JOINED.format(50)}"
    assert not any(str(line).startswith("Pinned") for (line,) in asked(ada, own))  # its own hints count
    assert asked(ada, f"SELECT lakegate.unpin_plan({queryid})") == [(True,)]
    assert asked(ada, f"SELECT lakegate.unpin_plan($${JOINED.format(3)}$$)") == [(False,)]
    assert order(ada, JOINED.format(50)) == usual and pinned(ada, JOINED.format(50)) == []


def test_the_plan_of_now_is_pinned(ada: psycopg.Connection) -> None:
    usual = order(ada, JOINED.format(50))
    ada.execute(f"SELECT lakegate.pin_plan($a${JOINED.format(50)}$a$)".encode())
    assert order(ada, JOINED.format(50)) == usual
    (line,) = pinned(ada, JOINED.format(50))
    assert line.startswith("Pinned plan: Leading((")


def test_a_table_that_changes_ends_it(ada: psycopg.Connection, folder: Path) -> None:
    ada.execute(f"SELECT lakegate.pin_plan('{JOINED.format(1)}', '{HINT}')".encode())
    more = pa.table({"x": pa.array([1], pa.int64()), "y": pa.array([1], pa.int64()), "z": pa.array(["new"])})
    write_deltalake(str(folder / "b"), more, mode="append", schema_mode="merge")
    ada.execute("REFRESH SOURCE lk")
    (line,) = pinned(ada, JOINED.format(1))
    assert line == f"Pinned plan: {HINT}  (not used: lk.b is not as it was when the plan was pinned)"
    assert asked(ada, "SELECT is_valid, reason FROM lakegate.pinned_plans") == [
        (False, "lk.b is not as it was when the plan was pinned")
    ]
    ada.execute(f"SELECT lakegate.pin_plan('{JOINED.format(1)}', '{HINT}')".encode())
    assert asked(ada, "SELECT is_valid FROM lakegate.pinned_plans") == [(True,)]


def test_it_holds_for_others_who_may_not_pin(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    pin = f"SELECT lakegate.pin_plan('{JOINED.format(1)}', '{HINT}')"
    with gateway.connect(BOB) as bob:
        with pytest.raises(psycopg.errors.UndefinedTable):
            bob.execute(pin.encode())
        ada.execute("GRANT USAGE ON SCHEMA lk TO bob")
        ada.execute("GRANT SELECT ON ALL TABLES IN SCHEMA lk TO bob")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            bob.execute(pin.encode())
        ((queryid,),) = asked(ada, pin)
        assert order(bob, JOINED.format(9)) == "(a (b c))"
        assert asked(bob, "SELECT * FROM lakegate.pinned_plans") == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            bob.execute(f"SELECT lakegate.unpin_plan({queryid})".encode())
        ada.execute("GRANT MAINTAIN ON ALL TABLES IN SCHEMA lk TO bob")
        assert asked(bob, f"SELECT lakegate.unpin_plan({queryid})") == [(True,)]
        assert asked(bob, pin) == [(queryid,)]
        assert asked(bob, "SELECT pinned_by FROM lakegate.pinned_plans") == [("bob",)]
        ada.execute("REVOKE ALL ON ALL TABLES IN SCHEMA lk FROM bob")
        ada.execute("REVOKE USAGE ON SCHEMA lk FROM bob")


def test_what_is_refused(ada: psycopg.Connection) -> None:
    query = JOINED.format(1)
    for text, sqlstate in (
        (f"SELECT lakegate.pin_plan('{query}', 'Leading(a')", "22023"),
        (f"SELECT lakegate.pin_plan('{query}', 'MergeJoin(a b)')", "22023"),
        (f"SELECT lakegate.pin_plan('{query}', '')", "22023"),
        (f"SELECT lakegate.pin_plan('{query}; SELECT 1', '{HINT}')", "22023"),
        ("SELECT lakegate.pin_plan('SELECT x FROM lk.a')", "0A000"),
        ("SELECT lakegate.pin_plan('SELECT 1', 'Leading(a b)')", "0A000"),
        ("SELECT lakegate.pin_plan('SELECT n_name FROM crm.nation', 'Leading(a b)')", "22023"),
        ("SELECT lakegate.pin_plan('SELECT x FROM lk.none', 'Leading(a b)')", "42P01"),
        (f"SELECT lakegate.pin_plan('{query}', '{HINT}') FROM lk.a", "0A000"),
        (f"SELECT * FROM lakegate.pin_plan('{query}', '{HINT}')", "0A000"),
        (f"EXPLAIN ANALYZE SELECT lakegate.pin_plan('{query}', '{HINT}')", "0A000"),
        (f"BEGIN; SELECT lakegate.pin_plan('{query}', '{HINT}')", "25001"),
    ):
        with pytest.raises(psycopg.Error) as refused:
            ada.execute(text.encode())
        assert refused.value.sqlstate == sqlstate, (text, refused.value)
        ada.execute("ROLLBACK")
    assert asked(ada, "SELECT * FROM lakegate.pinned_plans") == []


def test_another_gateway_has_it_too(lake: SampleLake, settings: Settings, ada: psycopg.Connection) -> None:
    ada.execute(f"SELECT lakegate.pin_plan('{JOINED.format(1)}', '{HINT}')".encode())
    with serving(lake, settings) as other, other.connect() as there:
        assert order(there, JOINED.format(9)) == "(a (b c))"
