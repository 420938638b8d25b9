"""What runs have found counts for the next plan, of whoever ran them and of nobody else."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from catalog.store.connection import DATABASE as METADATA
from tests.gateway import ADA, BOB, RunningGateway, SampleLake, Settings, serving

# Of another database than that of the shared gateway: its estimates stay as they are.
SETTINGS = Settings(server={"refresh_interval": "0"}, database="feedback", engine={"workers": 0})
# Nothing tells that nearly all comments have an "a".
JOINED = """SELECT count(*) FROM sales.lineitem JOIN sales.orders ON o_orderkey = l_orderkey
JOIN crm.customer ON c_custkey = o_custkey WHERE l_comment LIKE '%a%' AND c_name < 'Customer#000000100'"""
GROUPED = """SELECT count(*) FROM (SELECT l_suppkey, l_quantity FROM sales.lineitem GROUP BY 1, 2) a
JOIN supply.supplier ON s_suppkey = l_suppkey"""


@pytest.fixture(scope="module")
def gateway(lake: SampleLake) -> Iterator[RunningGateway]:
    with serving(lake, SETTINGS) as running:
        yield running


@pytest.fixture
def ada(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as connection:
        yield connection


def explained(connection: psycopg.Connection, query: str, options: str = "VERBOSE") -> list[str]:
    return [str(row[0]) for row in connection.execute(f"EXPLAIN ({options}) {query}".encode()).fetchall()]


def feedback(connection: psycopg.Connection, query: str) -> dict[str, tuple[int, int]]:
    """Return for each part the rows that were found and those that statistics expect."""
    found = (
        re.match(r"Feedback: (.*) had ([0-9,]+) rows  \(([0-9,]+) expected", line)
        for line in explained(connection, query)
    )
    return {one[1]: (int(one[2].replace(",", "")), int(one[3].replace(",", ""))) for one in found if one}


def learnt(connection: psycopg.Connection, query: str, part: str) -> dict[str, tuple[int, int]]:
    """Run a query, and wait until what was found of a part of it counts."""
    connection.execute(query.encode())
    deadline = time.monotonic() + 10
    while part not in (found := feedback(connection, query)):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def counted(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_the_next_plan_knows_what_the_last_run_found(ada: psycopg.Connection) -> None:
    assert feedback(ada, JOINED) == {}
    rows = counted(ada, JOINED)
    found = learnt(ada, JOINED, "(customer lineitem orders)")
    assert found["(customer lineitem orders)"][0] == rows
    comments = counted(ada, "SELECT count(*) FROM sales.lineitem WHERE l_comment LIKE '%a%'")
    assert found["lineitem"][0] == comments
    assert f"{rows:,} rows expected" in "\n".join(explained(ada, JOINED))
    assert counted(ada, JOINED) == rows


def test_conditions_and_tables_in_another_order_are_the_same(ada: psycopg.Connection) -> None:
    learnt(ada, JOINED, "(customer lineitem orders)")
    other = """SELECT sum(l.l_quantity) FROM crm.customer c, sales.orders o, sales.lineitem l
        WHERE c.c_name < 'Customer#000000100' AND l.l_orderkey = o.o_orderkey AND o.o_custkey = c.c_custkey
        AND l.l_comment LIKE '%a%'"""
    assert {"(c l o)", "l"} <= feedback(ada, other).keys()
    assert feedback(ada, other.replace("%a%", "%b%")).keys().isdisjoint({"(c l o)", "l"})


def test_groups(ada: psycopg.Connection) -> None:
    found = learnt(ada, GROUPED, "a")
    assert found["a"][0] == counted(
        ada, "SELECT count(*) FROM (SELECT DISTINCT l_suppkey, l_quantity FROM sales.lineitem) a"
    )


def test_it_can_be_switched_off(ada: psycopg.Connection) -> None:
    learnt(ada, JOINED, "lineitem")
    ada.execute("SET lakegate.feedback = off")
    assert feedback(ada, JOINED) == {}
    assert "Settings: lakegate.feedback = 'off'" in explained(ada, JOINED, "SETTINGS")
    query = JOINED.replace("%a%", "%e%")
    ada.execute(query.encode())
    ada.execute("SET lakegate.feedback = on")
    assert "lineitem" not in feedback(ada, query)


def test_rows_that_nobody_read_to_their_end_say_nothing(ada: psycopg.Connection) -> None:
    query = JOINED.replace("count(*)", "l_comment").replace("%a%", "%i%")
    with ada.transaction(), ada.cursor("some") as cursor:
        cursor.execute(query.encode())
        cursor.fetchmany(2)
    limited = query.replace("%i%", "%u%")
    ada.execute(f"{limited} LIMIT 3".encode())
    learnt(ada, query.replace("%i%", "%o%"), "lineitem")  # which was later
    assert "lineitem" not in feedback(ada, query)
    assert "lineitem" not in feedback(ada, limited)
    learnt(ada, query, "lineitem")  # once it is read to its end


def test_others_have_no_part_in_it(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    learnt(ada, JOINED, "lineitem")
    ada.execute(f"GRANT SELECT ON sales.lineitem TO {BOB}")
    try:
        with gateway.connect(BOB) as bob:
            assert feedback(bob, JOINED) == {}
            learnt(bob, JOINED, "lineitem")
        with hidden(ada), gateway.connect(BOB) as bob:
            assert "Feedback" not in "\n".join(explained(bob, JOINED))
    finally:
        ada.execute(f"REVOKE SELECT ON sales.lineitem FROM {BOB}")


@contextmanager
def hidden(ada: psycopg.Connection) -> Iterator[None]:
    ada.execute("ALTER TABLE sales.lineitem ENABLE ROW LEVEL SECURITY")
    ada.execute("CREATE POLICY few ON sales.lineitem USING (l_quantity < 10)")
    try:
        yield
    finally:
        ada.execute("DROP POLICY few ON sales.lineitem")
        ada.execute("ALTER TABLE sales.lineitem DISABLE ROW LEVEL SECURITY")


def test_it_outlives_the_gateway(lake: SampleLake, gateway: RunningGateway, ada: psycopg.Connection) -> None:
    found = learnt(ada, JOINED, "(customer lineitem orders)")
    with serving(lake, SETTINGS) as other, other.connect() as connection:
        deadline = time.monotonic() + 10
        while not (again := feedback(connection, JOINED)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert again.keys() == found.keys()


def test_the_store_holds_no_conditions(lake: SampleLake, ada: psycopg.Connection) -> None:
    learnt(ada, JOINED, "lineitem")
    with lake.server.connect(METADATA) as connection:
        rows = connection.execute("SELECT * FROM plan_feedback").fetchall()
    assert rows
    assert "Customer#" not in str(rows) and ADA not in str(rows)
