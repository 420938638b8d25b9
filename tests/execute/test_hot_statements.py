"""Hot columns behind a gateway: statements have the same rows, EXPLAIN says where they come from, plans still learn."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.gateway import ADA, BOB, RunningGateway, SampleLake, Settings, serving_anew

QUERY = """SELECT o_orderpriority, count(*), sum(l_extendedprice), max(l_shipdate), min(l_shipmode)
FROM sales.lineitem JOIN sales.orders ON o_orderkey = l_orderkey JOIN crm.customer ON c_custkey = o_custkey
WHERE l_quantity > 5 AND c_acctbal > 0 AND EXISTS (SELECT * FROM sales.orders o WHERE o.o_custkey = c_custkey)
GROUP BY 1 ORDER BY 1"""

TEXTS = """SELECT o_orderpriority, min(o_orderstatus), count(*), sum(o_totalprice) FROM sales.orders WHERE {condition}
GROUP BY 1 ORDER BY 1"""
CONDITIONS = (
    "o_orderpriority = '1-URGENT'",
    "o_orderpriority = '1-URGENT' OR o_orderpriority = '2-HIGH' AND o_orderstatus = 'F'",
    "o_orderpriority IN ('1-URGENT', '2-HIGH') AND o_orderstatus <> 'F'",
    "o_orderpriority IN ('1-URGENT', '2-HIGH', '3-MEDIUM', 'none', '')",
    "o_orderpriority NOT IN ('1-URGENT', '2-HIGH') AND o_orderpriority LIKE '%L%'",
    "o_orderpriority = 'none' OR o_orderpriority = '1-urgent'",
    "o_orderpriority > '3' AND o_orderpriority <> '5-LOW' AND NOT (o_orderstatus = 'F' OR o_orderstatus = 'P')",
    "upper(o_orderpriority) = '5-LOW' AND o_orderpriority = '5-LOW'",
    "nullif(o_orderpriority, '5-LOW') = '5-LOW' OR coalesce(nullif(o_orderstatus, 'F'), 'F') IN ('F', 'O')",
    "o_orderpriority IN (SELECT o_orderpriority FROM sales.orders WHERE o_orderstatus = 'P')",
)


@pytest.fixture(params=[0, 1], ids=["in the gateway", "in a worker"])
def gateway(lake: SampleLake, request: pytest.FixtureRequest) -> Iterator[RunningGateway]:
    settings = Settings(engine={"hot_columns_memory": "64MB", "workers": request.param})
    with serving_anew(lake, ("sales", "crm"), settings) as running:
        yield running


@pytest.fixture
def ada(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect(ADA) as connection:
        connection.execute("SET lakegate.result_cache = off")
        yield connection


def _explained(ada: psycopg.Connection, options: str) -> str:
    rows = ada.execute(f"EXPLAIN ({options}) {QUERY}".encode()).fetchall()
    return "\n".join(row[0] if isinstance(row[0], str) else json.dumps(row[0]) for row in rows)


def test_a_statement_that_is_run_again_and_again(ada: psycopg.Connection) -> None:
    text = _explained(ada, "ANALYZE")
    assert "Hot columns" not in text
    rows = ada.execute(QUERY).fetchall()
    assert len(rows) == 5
    deadline = time.monotonic() + 60
    for options in ("FORMAT TEXT", "ANALYZE", "VERBOSE"):  # a worker that is replaced in between has to read them again
        while (text := _explained(ada, options)).count("Hot columns: in memory of 1 of 1 files") < 3:
            assert time.monotonic() < deadline
            assert ada.execute(QUERY).fetchall() == rows
        assert "hot_columns" not in text
        assert text.count("Hot columns") == 3
    [shown] = json.loads(_explained(ada, "ANALYZE, FORMAT JSON"))
    assert [one.get("Hot Files") for one in shown["Fragments"] if one["Source"] == "sales"] == [1, 1, 1]
    assert ada.execute(QUERY).fetchall() == rows
    assert ada.execute(QUERY.replace("> 5", "> %s").encode(), ("5",)).fetchall() == rows


def test_others_are_not_told_what_was_read(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    """Columns are in memory since somebody has read them, which is told to who may know what others do."""
    deadline = time.monotonic() + 60
    while "Hot columns" not in _explained(ada, "ANALYZE"):
        assert time.monotonic() < deadline
        ada.execute(QUERY)
    ada.execute("GRANT USAGE ON SCHEMA sales, crm TO bob")
    ada.execute("GRANT SELECT ON sales.lineitem, sales.orders, crm.customer TO bob")
    with gateway.connect(BOB) as bob:
        for options in ("FORMAT TEXT, VERBOSE", "ANALYZE", "VERBOSE", "FORMAT JSON"):
            told = _explained(bob, options)
            assert "Hot" not in told and "lineitem" in told
            assert "TEXT" not in options or told.count("file_groups=") == 3
    ada.execute("GRANT pg_read_all_stats TO bob")
    with gateway.connect(BOB) as bob:
        assert "Hot columns" in _explained(bob, "FORMAT TEXT")


def test_conditions_compare_the_different_texts(ada: psycopg.Connection) -> None:
    queries = [TEXTS.format(condition=condition) for condition in CONDITIONS]
    rows = [ada.execute(query.encode()).fetchall() for query in queries]
    assert [len(each) for each in rows] == [1, 2, 2, 3, 1, 0, 2, 1, 5, 5]
    deadline = time.monotonic() + 60
    for query, expected in zip(queries, rows, strict=True):
        text = ""
        while "Hot columns: in memory of 1 of 1 files" not in text:
            assert time.monotonic() < deadline
            assert ada.execute(query.encode()).fetchall() == expected
            text = "\n".join(line for (line,) in ada.execute(f"EXPLAIN {query}".encode()))
        assert ada.execute(query.encode()).fetchall() == expected
    parameters = TEXTS.format(condition="o_orderpriority IN (%s, %s) AND o_orderstatus = 'F'")
    plain = parameters.replace("(%s, %s)", "('1-URGENT', '5-LOW')")
    assert ada.execute(parameters.encode(), ("1-URGENT", "5-LOW")).fetchall() == ada.execute(plain.encode()).fetchall()
    plan = [line for (line,) in ada.execute(f"EXPLAIN (VERBOSE) {queries[1]}".encode()).fetchall()]
    [condition] = [line for line in plan if "FilterExec" in line]
    assert "CAST" not in condition, plan
    assert "common_expr" not in condition, plan


def test_one_that_streams_a_table_keeps_nothing(ada: psycopg.Connection) -> None:
    for _ in range(6):
        assert len(ada.execute("SELECT * FROM sales.orders").fetchall()) == 15_000
    rows = ada.execute("EXPLAIN SELECT o_clerk, count(*) FROM sales.orders GROUP BY 1 HAVING count(*) > 1").fetchall()
    assert not any("Hot columns" in line for (line,) in rows)
