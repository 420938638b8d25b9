"""ANALYZE through the gateway: what it answers, who may, and what it changes of estimates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import LiteralString

import psycopg
import pytest

from tests.gateway import BOB, EVE, RunningGateway, SampleLake, Settings, serving

# Of another database than that of the shared gateway: its estimates stay as they are.
SETTINGS = Settings(server={"refresh_interval": "0"}, database="analyzed")
URGENT: LiteralString = "SELECT * FROM sales.orders WHERE o_orderpriority = '1-URGENT'"


@pytest.fixture(scope="module")
def gateway(lake: SampleLake) -> Iterator[RunningGateway]:
    with serving(lake, SETTINGS) as running:
        yield running


@pytest.fixture
def ada(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as connection:
        yield connection


@pytest.fixture
def notices(ada: psycopg.Connection) -> list[tuple[str | None, str | None]]:
    found: list[tuple[str | None, str | None]] = []
    ada.add_notice_handler(lambda told: found.append((told.severity, told.message_primary)))
    return found


def expected(connection: psycopg.Connection, query: LiteralString) -> tuple[float, float, str]:
    """Return how many rows were expected of a query's table and how many it had, and the advice."""
    [told] = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}").fetchone() or ()
    shown = told if isinstance(told, list) else json.loads(told)

    def nodes(node: dict[str, object]) -> Iterator[dict[str, object]]:
        yield node
        for child in node.get("Plans", ()):  # type: ignore[attr-defined]
            yield from nodes(child)

    node = next(one for one in nodes(shown[0]["Plan"]) if one["Node Type"] in ("Filter", "Foreign Scan"))
    return float(node["Plan Rows"]), float(node["Actual Rows"]), shown[0].get("Worst Estimate", "")  # type: ignore[arg-type]


def test_estimates_follow_what_was_found(
    ada: psycopg.Connection, notices: list[tuple[str | None, str | None]], lake: SampleLake, gateway: RunningGateway
) -> None:
    guessed, actual, advice = expected(ada, URGENT)
    assert not actual / 1.2 < guessed < actual * 1.2
    assert "Run ANALYZE sales.orders" in advice
    assert ada.execute("ANALYZE VERBOSE sales.orders").statusmessage == "ANALYZE"
    assert notices == [
        ("INFO", 'analyzing "sales.orders"'),
        ("INFO", '"orders": 15000 rows of version 0; 15000 rows in sample'),
    ]
    known, actual, advice = expected(ada, URGENT)
    assert actual / 1.1 < known < actual * 1.1
    assert advice == ""
    with serving(lake, SETTINGS) as other, other.connect() as connection:  # as after a restart
        assert expected(connection, URGENT)[0] == known


def test_columns_alone_are_read(ada: psycopg.Connection) -> None:
    query: LiteralString = "SELECT * FROM sales.lineitem WHERE l_shipmode = 'AIR'"
    ada.execute("ANALYZE sales.lineitem (l_shipmode)")
    guessed, actual, _ = expected(ada, query)
    assert actual / 1.2 < guessed < actual * 1.2
    ada.execute("ANALYZE sales.lineitem (l_returnflag)")
    assert expected(ada, query)[0] == guessed


def test_columns_that_depend_on_each_other(ada: psycopg.Connection) -> None:
    """Each part has four of the hundred suppliers."""
    query: LiteralString = "SELECT * FROM sales.lineitem WHERE l_partkey = 155 AND l_suppkey = 4"
    ada.execute("ANALYZE sales.lineitem (l_partkey), sales.lineitem (l_suppkey)")
    guessed, _, _ = expected(ada, query)
    ada.execute("ANALYZE sales.lineitem (l_suppkey, l_partkey)")
    assert guessed < 60_175 / 8000 / 2
    assert expected(ada, query)[0] == pytest.approx(60_175 / 8000, rel=0.1)
    ada.execute("ANALYZE sales.lineitem (l_tax)")  # what is known of others stays
    assert expected(ada, query)[0] == pytest.approx(60_175 / 8000, rel=0.1)


def test_explain_says_which_columns_to_analyze_together(ada: psycopg.Connection) -> None:
    query: LiteralString = "SELECT * FROM sales.lineitem WHERE l_returnflag = 'A' AND l_linestatus = 'O'"
    ada.execute("ANALYZE sales.lineitem (l_returnflag), sales.lineitem (l_linestatus)")
    advice = expected(ada, query)[2]
    assert "Run ANALYZE sales.lineitem (l_returnflag, l_linestatus): it counts which of their values come" in advice
    ada.execute("ANALYZE sales.lineitem (l_linestatus, l_returnflag)")
    assert "Run ANALYZE" not in expected(ada, query)[2]


def test_all_tables_of_the_lake(ada: psycopg.Connection, notices: list[tuple[str | None, str | None]]) -> None:
    assert ada.execute("ANALYZE (VERBOSE)").statusmessage == "ANALYZE"
    analyzed = {str(message).split('"')[1] for _, message in notices if str(message).startswith("analyzing")}
    assert {"sales.orders", "supply.part", "files.holidays", "small.kinds", "small.none"} <= analyzed
    assert not any(name.startswith(("crm.", "origin.")) for name in analyzed)


@pytest.mark.parametrize(
    ("statement", "warning"),
    [
        ("ANALYZE crm.customer", 'skipping "customer" --- its server has statistics of its own, run ANALYZE there'),
        ("ANALYZE pg_class", 'permission denied to analyze "pg_class", skipping it'),
    ],
)
def test_what_is_skipped(
    statement: LiteralString, warning: str, ada: psycopg.Connection, notices: list[tuple[str | None, str | None]]
) -> None:
    assert ada.execute(statement).statusmessage == "ANALYZE"
    assert notices == [("WARNING", warning)]


@pytest.mark.parametrize(
    ("statement", "sqlstate"),
    [
        ("ANALYZE sales.nowhere", "42P01"),
        ("ANALYZE sales.orders (nothing)", "42703"),
        ("ANALYZE sales.orders (o_orderkey, o_orderkey)", "42701"),
        ("ANALYZE (unheard_of) sales.orders", "42601"),
        ("ANALYZE (VERBOSE perhaps) sales.orders", "42601"),
        ("ANALYZE sales.orders sales.lineitem", "42601"),
        ("ANALYZE sales.orders,", "42601"),
    ],
)
def test_mistakes(statement: LiteralString, sqlstate: str, ada: psycopg.Connection) -> None:
    with pytest.raises(psycopg.Error) as caught:
        ada.execute(statement)
    assert caught.value.sqlstate == sqlstate


def test_who_may_not(gateway: RunningGateway) -> None:
    with gateway.connect(BOB) as bob:
        told: list[str | None] = []
        bob.add_notice_handler(lambda one: told.append(one.message_primary))
        bob.execute("ANALYZE sales.orders")
        assert told == ['permission denied to analyze "orders", skipping it']
        told.clear()
        assert bob.execute("ANALYZE").statusmessage == "ANALYZE"
        assert told == []
    with gateway.connect(EVE) as eve, pytest.raises(psycopg.errors.UndefinedTable):  # it is as if absent
        eve.execute("ANALYZE sales.orders")


def test_the_privilege_maintain(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    """Its holders may, also without reading the table; how many rows there are they are not told."""
    told: list[str | None] = []
    with gateway.connect(EVE) as eve:
        eve.add_notice_handler(lambda one: told.append(one.message_primary))
        may: LiteralString = "SELECT has_table_privilege('eve', 'small.numbers', 'MAINTAIN')"
        assert ada.execute(may).fetchone() == (False,)
        ada.execute("CREATE ROLE keeper_of_statistics ROLE eve")
        try:
            ada.execute("GRANT MAINTAIN ON small.numbers TO keeper_of_statistics")
            ada.execute("GRANT USAGE ON SCHEMA small TO keeper_of_statistics")
            assert ada.execute(may).fetchone() == (True,)
            held: LiteralString = (
                "SELECT a.privilege_type FROM pg_class c, aclexplode(c.relacl) a"
                " WHERE c.oid = 'small.numbers'::regclass AND a.grantee = 'keeper_of_statistics'::regrole"
            )
            assert ada.execute(held).fetchall() == [("MAINTAIN",)]
            assert eve.execute("ANALYZE VERBOSE small.numbers").statusmessage == "ANALYZE"
            assert told == ['analyzing "small.numbers"']
            told.clear()
            assert eve.execute("ANALYZE VERBOSE").statusmessage == "ANALYZE"  # all that he may
            assert told == ['analyzing "small.numbers"']
            with pytest.raises(psycopg.Error) as caught:
                eve.execute("SELECT n FROM small.numbers")
            assert caught.value.sqlstate in {"42P01", "42501"}
            ada.execute("REVOKE MAINTAIN ON small.numbers FROM keeper_of_statistics")
            with pytest.raises(psycopg.errors.UndefinedTable):
                eve.execute("ANALYZE small.numbers")
        finally:
            ada.execute("DROP OWNED BY keeper_of_statistics")
            ada.execute("DROP ROLE keeper_of_statistics")


def test_temporary_tables_are_postgresql_s(ada: psycopg.Connection) -> None:
    ada.execute("CREATE TEMPORARY TABLE few AS SELECT 1 AS n; ANALYZE few")
    ada.execute("ANALYZE few (n)")
    assert ada.execute("SELECT reltuples FROM pg_class WHERE relname = 'few'").fetchone() == (1.0,)
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        ada.execute("ANALYZE few, sales.orders")


def test_timeouts_and_failed_transactions(ada: psycopg.Connection) -> None:
    ada.execute("SET statement_timeout = '1ms'")
    with pytest.raises(psycopg.errors.QueryCanceled):
        ada.execute("ANALYZE small.series")
    ada.execute("RESET statement_timeout")
    with pytest.raises(psycopg.errors.InFailedSqlTransaction), ada.transaction():
        with pytest.raises(psycopg.errors.UndefinedTable):
            ada.execute("ANALYZE nowhere")
        ada.execute("ANALYZE sales.orders")
    with ada.transaction():
        ada.execute("ANALYZE sales.orders")
