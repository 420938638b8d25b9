"""Settings by which a session tunes its plans: what they do, what EXPLAIN and PostgreSQL's views tell of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest

from catalog.own_settings import OWN_SETTINGS
from tests.gateway import BOB, RunningGateway

NAMES = [one.name for one in OWN_SETTINGS]
# As it is written the largest table is hashed, and one that few rows are left of is joined last.
QUERY = """SELECT count(*), sum(l_quantity) FROM sales.lineitem
JOIN sales.orders ON o_orderkey = l_orderkey JOIN crm.customer ON c_custkey = o_custkey
WHERE c_name = 'Customer#000000001'"""


@pytest.fixture
def ada(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as connection:
        yield connection


def value(connection: psycopg.Connection, query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def order(connection: psycopg.Connection, query: str = QUERY) -> list[str]:
    """Return the tables in the order in which the engine is told to join them."""
    lines = [str(row[0]) for row in connection.execute(f"EXPLAIN VERBOSE {query}".encode()).fetchall()]
    sql = next(line for line in lines if line.startswith("  SQL: "))
    return re.findall(r"FROM (?:crm|sales)\.(\w+)", sql)


def test_joins_stay_as_they_are_written(ada: psycopg.Connection) -> None:
    written = ["lineitem", "orders", "customer"]
    assert order(ada) != written
    usual = ada.execute(QUERY.encode()).fetchall()
    ada.execute("SET lakegate.join_reordering = off")
    assert order(ada) == written
    assert ada.execute(QUERY.encode()).fetchall() == usual
    ada.execute("RESET lakegate.join_reordering")
    assert order(ada) != written


def join_orders(connection: psycopg.Connection, query: str = QUERY) -> dict[str, float]:
    """Return the orders that EXPLAIN VERBOSE tells of, the chosen one first, with their costs."""
    lines = "\n".join(str(row[0]) for row in connection.execute(f"EXPLAIN VERBOSE {query}".encode()).fetchall())
    found = re.findall(r"^ +(?:Join order|Considered): (.*)  \(cost ([0-9.,]+) ms", lines, re.MULTILINE)
    return {text: float(cost.replace(",", "")) for text, cost in found}


def test_explain_tells_which_orders_were_considered(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    usual = join_orders(ada)
    chosen, *others = usual
    assert others and usual[chosen] == min(usual.values())
    assert re.findall(r"\w+", chosen) == order(ada)
    row = ada.execute(f"EXPLAIN (VERBOSE, FORMAT JSON) {QUERY}".encode()).fetchone()
    assert row is not None
    [shown] = row[0][0]["Join Orders"]
    assert [shown["Join Order"], *(one["Join Order"] for one in shown["Considered"])] == [*usual]
    assert shown["Rows Expected"] > 0
    ada.execute("SET lakegate.join_reordering = off")
    written = join_orders(ada)
    assert next(iter(written)) == "((lineitem orders) customer)"
    assert chosen in written and written[chosen] < next(iter(written.values()))
    assert join_orders(ada, "SELECT 1 FROM sales.orders JOIN crm.customer ON c_custkey = o_custkey") == {}
    with gateway.connect(BOB) as bob:
        hidden = (
            "SELECT 1 FROM sales.orders a JOIN sales.orders b USING (o_orderkey) JOIN sales.orders c USING (o_orderkey)"
        )
        assert len(join_orders(bob, hidden)) > 1
        ada.execute("ALTER TABLE sales.orders ENABLE ROW LEVEL SECURITY")
        try:
            assert join_orders(bob, hidden) == {}
        finally:
            ada.execute("ALTER TABLE sales.orders DISABLE ROW LEVEL SECURITY")


def test_joins_of_servers_have_their_tables_names(ada: psycopg.Connection) -> None:
    query = """SELECT count(*) FROM sales.orders JOIN crm.customer ON c_custkey = o_custkey JOIN crm.nation
        ON n_nationkey = c_nationkey JOIN sales.lineitem ON l_orderkey = o_orderkey WHERE n_name = 'FRANCE'"""
    assert "[nation, customer]" in next(iter(join_orders(ada, query))) or "[customer, nation]" in str(
        join_orders(ada, query)
    )


def test_prepared_statements_and_cursors_follow(ada: psycopg.Connection) -> None:
    query = QUERY.replace("'Customer#000000001'", "%s")
    usual = ada.execute(query.encode(), ("Customer#000000001",)).fetchall()
    ada.execute("PREPARE twice AS " + QUERY.replace("Customer#000000001", "Customer#000000002"))
    with ada.transaction(force_rollback=True):
        ada.execute("SET LOCAL lakegate.join_reordering = off")
        assert ada.execute(query.encode(), ("Customer#000000001",)).fetchall() == usual
        assert order(ada, "EXECUTE twice") == ["lineitem", "orders", "customer"]
        with ada.cursor("held") as cursor:
            cursor.execute(QUERY.encode())
            ada.execute("SET LOCAL lakegate.join_reordering = on")
            assert cursor.fetchall() == usual  # it goes on as it began
    assert order(ada, "EXECUTE twice") != ["lineitem", "orders", "customer"]


def test_explain_tells_settings(ada: psycopg.Connection) -> None:
    assert "Settings" not in str(ada.execute(f"EXPLAIN (SETTINGS) {QUERY}".encode()).fetchall())
    ada.execute("SET lakegate.join_reordering = off")
    ada.execute("SET lakegate.pushdown TO false")
    text = [row[0] for row in ada.execute(f"EXPLAIN (SETTINGS) {QUERY}".encode()).fetchall()]
    assert "Settings: lakegate.join_reordering = 'off', lakegate.pushdown = 'off'" in text


def test_they_are_known_before_they_are_set(ada: psycopg.Connection) -> None:
    assert [value(ada, f"SHOW {name}") for name in NAMES] == ["on"] * len(NAMES)
    found = ada.execute(
        "SELECT name, setting, vartype, context, source, boot_val FROM pg_settings WHERE name ~ '^lakegate'"
    ).fetchall()
    assert found == [(name, "on", "bool", "user", "default", "on") for name in NAMES]
    ada.execute("SET lakegate.pushdown = off")
    asked = "SELECT setting, source FROM pg_settings WHERE name = 'lakegate.pushdown'"
    assert ada.execute(asked).fetchall() == [("off", "session")]
    ada.execute("RESET ALL")
    assert ada.execute(asked).fetchall() == [("on", "default")]
    assert value(ada, "SELECT setting FROM pg_settings WHERE name = 'work_mem'") is not None


def test_for_a_role(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    ada.execute(f"ALTER ROLE {BOB} SET lakegate.join_reordering = off")
    try:
        with gateway.connect(BOB) as bob:
            assert value(bob, "SHOW lakegate.join_reordering") == "off"
            bob.execute("SET lakegate.join_reordering = on")
            bob.execute("RESET lakegate.join_reordering")
            assert value(bob, "SHOW lakegate.join_reordering") == "off"
    finally:
        ada.execute(f"ALTER ROLE {BOB} RESET lakegate.join_reordering")


@pytest.mark.parametrize(
    ("statement", "state"),
    [
        ("SET lakegate.join_reorder = off", "42602"),
        ('SET SESSION "lakegate".pushdwon TO on', "42602"),
        ("SET lakegate.pushdown = perhaps", "22023"),
        ("SET LOCAL LAKEGATE.Pushdown TO '7'", "22023"),
    ],
)
def test_what_is_none_is_refused(ada: psycopg.Connection, statement: str, state: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        ada.execute(statement.encode())
    assert caught.value.sqlstate == state
    for fine in ("SET lakegate.pushdown = DEFAULT", "SET Lakegate.Pushdown TO 'Off'", "SET lakegate.pushdown = 1"):
        ada.execute(fine.encode())
    assert value(ada, "SHOW lakegate.pushdown") == "1"
