"""EXPLAIN in each of its formats, with PostgreSQL's options and errors: what draws PostgreSQL's plans draws these."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest
import yaml

from gateway.explaining.advice import worst_estimate
from gateway.explaining.formats import written
from gateway.explaining.text_plan import plan_lines
from gateway.plan_tree import Shape, as_postgres, plan_tree, without_statistics
from tests.gateway import RunningGateway, SampleLake

JOINED = """SELECT c_mktsegment, count(*) FROM crm.customer JOIN sales.orders ON c_custkey = o_custkey
WHERE o_orderdate > '1997-01-01' AND c_name LIKE 'C%' GROUP BY 1 ORDER BY 2 LIMIT 3"""
WHOLE = "SELECT n_name, count(*) FROM crm.customer JOIN crm.nation ON c_nationkey = n_nationkey GROUP BY 1"
BOTH = (JOINED, WHOLE)


@pytest.fixture
def ada(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def postgres(lake: SampleLake) -> Iterator[psycopg.Connection]:
    """PostgreSQL itself."""
    with psycopg.connect(lake.reference_dsn, autocommit=True) as connection:
        yield connection


def told(connection: psycopg.Connection, options: str, query: str = JOINED) -> Any:
    rows = connection.execute(f"EXPLAIN ({options}) {query}".encode()).fetchall()
    return rows[0][0] if len(rows) == 1 else "\n".join(row[0] for row in rows)


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


@pytest.mark.parametrize("query", BOTH)
def test_json_has_what_postgres_has(ada: psycopg.Connection, postgres: psycopg.Connection, query: str) -> None:
    [reference] = told(postgres, "ANALYZE, FORMAT JSON", "SELECT s FROM generate_series(1, 3) s")
    [shown] = told(ada, "ANALYZE, FORMAT JSON", query)
    assert {"Plan", "Planning Time", "Execution Time", "Triggers"} <= shown.keys()
    every = {"Node Type", "Parallel Aware", "Startup Cost", "Total Cost", "Plan Rows", "Plan Width"}
    assert every <= reference["Plan"].keys()
    for node in nodes(shown["Plan"]):
        assert every <= node.keys(), node
        assert node["Total Cost"] >= node["Startup Cost"] >= 0
        assert isinstance(node["Plan Rows"], int)
    assert {"Actual Total Time", "Actual Rows", "Actual Loops"} <= shown["Plan"].keys()
    assert all("Parent Relationship" in node for top in nodes(shown["Plan"]) for node in top.get("Plans", ()))


def test_scans_are_named(ada: psycopg.Connection) -> None:
    [shown] = told(ada, "FORMAT JSON")
    scans = {node["Relation Name"]: node for node in nodes(shown["Plan"]) if "Relation Name" in node}
    assert scans["orders"]["Files"] == scans["orders"]["Files Known"] == 1
    assert 'FROM "public"."customer"' in scans["customer"]["Remote SQL"]
    assert scans["customer"]["Schema"] == "crm"
    kinds = {node["Node Type"] for node in nodes(shown["Plan"])}
    assert {"Foreign Scan", "Hash Join", "Aggregate", "Sort"} <= kinds
    assert {"Filter", "Result", "Projection"} & kinds


def test_options_are_honoured(ada: psycopg.Connection) -> None:
    [plain] = told(ada, "FORMAT JSON, COSTS OFF")
    assert not any("Plan Rows" in node or "Total Cost" in node for node in nodes(plain["Plan"]))
    assert "Planning Time" not in plain
    assert "Planning Time" in told(ada, "FORMAT JSON, SUMMARY")[0]
    assert "Execution Time" not in told(ada, "FORMAT JSON, ANALYZE, SUMMARY OFF")[0]
    [timeless] = told(ada, "FORMAT JSON, ANALYZE, TIMING OFF, BUFFERS OFF")
    assert not any("Actual Total Time" in node or "Shared Read Blocks" in node for node in nodes(timeless["Plan"]))
    [full] = told(ada, "FORMAT JSON, ANALYZE")
    assert any(node.get("Shared Read Blocks", 0) > 0 for node in nodes(full["Plan"]))
    assert "Settings" not in told(ada, "FORMAT JSON, SETTINGS")[0]
    ada.execute("SET lakegate.dynamic_filters = off")
    assert told(ada, "FORMAT JSON, SETTINGS")[0]["Settings"] == {"lakegate.dynamic_filters": "off"}
    assert "Rules" in told(ada, "FORMAT JSON, VERBOSE")[0]


@pytest.mark.parametrize("query", BOTH)
def test_formats_say_the_same(ada: psycopg.Connection, query: str) -> None:
    [shown] = told(ada, "FORMAT JSON, COSTS OFF", query)
    [same] = yaml.safe_load(told(ada, "FORMAT YAML, COSTS OFF", query))
    assert same == json.loads(json.dumps(shown))
    root = ET.fromstring(told(ada, "FORMAT XML, COSTS OFF", query))
    space = "{http://www.postgresql.org/2009/explain}"
    assert root.tag == f"{space}explain"
    kinds = [one.text for one in root.iter(f"{space}Node-Type")]
    assert kinds == [node["Node Type"] for node in nodes(shown["Plan"])]
    tree = told(ada, "FORMAT TREE, COSTS OFF", query)
    chart = told(ada, "FORMAT MERMAID, COSTS OFF", query)
    assert len(re.findall(r"^[│ ]*[├└]─ ", tree, re.MULTILINE)) == len(kinds) - 1 == chart.count(" --> ")
    assert chart.splitlines()[0] == "flowchart BT"


def test_each_operation_that_stays_has_a_reason(ada: psycopg.Connection) -> None:
    reason = "the statement reads crm, sales, and no server has all of them"
    [shown] = told(ada, "FORMAT JSON")
    kept = {one["Operation"]: one["Reason"] for one in shown["Not Pushed Down"]}
    assert kept == dict.fromkeys(("joins", "aggregates", "ORDER BY", "LIMIT"), reason)
    text = "\n".join(row[0] for row in ada.execute(f"EXPLAIN {JOINED}".encode()))
    assert f"Not pushed down: aggregates  ({reason})" in text
    assert "not a comparison of a column with constants" in text
    assert "statistics=[" not in text
    assert "Not pushed down" not in "\n".join(row[0] for row in ada.execute(f"EXPLAIN {WHOLE}".encode()))


@pytest.mark.parametrize(
    ("condition", "help_"),
    [
        ("o_totalprice > 400000", "Run ANALYZE sales.orders: "),
        ("o_comment LIKE '%e%'", 'Statistics tell nothing of "orders"."o_comment" LIKE \'%e%\': '),
        ("o_comment LIKE '%e%' AND o_totalprice > 500", "Run ANALYZE sales.orders: "),  # it may be either one
    ],
)
def test_a_wrong_estimate_is_told(ada: psycopg.Connection, condition: str, help_: str) -> None:
    query = f"SELECT count(*) FROM sales.orders JOIN crm.customer ON o_custkey = c_custkey WHERE {condition}"
    text = told(ada, "ANALYZE", query)
    pattern = r"^Worst estimate: sales.orders was expected to have .* (?:more|fewer)\. (.*)$"
    [found] = re.findall(pattern, text, re.MULTILINE)
    assert found.startswith(help_)
    assert "Worst estimate" not in told(ada, "VERBOSE", query)


@pytest.mark.parametrize(
    "options",
    [
        *("FORMAT foo", "ANALYZE maybe", "BAR", "WAL", "TIMING", "ANALYZE, GENERIC_PLAN", "FORMAT", "SERIALIZE"),
        *("SERIALIZE x, ANALYZE", "COSTS 2", "verbose, Analyse nope", "\"format\" 'Json x'"),
    ],
)
def test_errors_are_postgres_own(ada: psycopg.Connection, postgres: psycopg.Connection, options: str) -> None:
    """The query differs, so that only what stands before it is compared."""

    def failure(connection: psycopg.Connection, query: str) -> tuple[str | None, ...]:
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(f"EXPLAIN ({options}) {query}".encode())
        return caught.value.sqlstate, caught.value.diag.message_primary, caught.value.diag.statement_position

    assert failure(ada, JOINED) == failure(postgres, "SELECT 1")


GENERIC = "SELECT n_name FROM crm.customer JOIN crm.nation ON c_nationkey = n_nationkey WHERE c_custkey = $1"


def test_one_server_makes_a_generic_plan(ada: psycopg.Connection) -> None:
    text = "\n".join(row[0] for row in ada.execute(f"EXPLAIN (GENERIC_PLAN) {GENERIC}".encode()))
    assert text.startswith("Whole statement by source crm")
    assert re.search(r"c_custkey = \$1\)", text.split("Remote SQL", 1)[1].split("\n", 1)[1])
    [shown] = told(ada, "GENERIC_PLAN, FORMAT JSON", GENERIC)
    assert "$1" in json.dumps(shown["Plan"])
    with pytest.raises(psycopg.errors.UndefinedParameter):
        ada.execute(f"EXPLAIN {GENERIC}".encode())
    assert ada.execute("SELECT count(*) FROM crm.nation").fetchone() == (25,)  # nothing is left over of the answers


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM sales.orders WHERE o_orderkey = $1",
        "SELECT count(*) FROM sales.orders JOIN crm.customer ON o_custkey = c_custkey WHERE c_custkey = $1",
    ],
)
def test_the_engine_has_no_generic_plans(ada: psycopg.Connection, query: str) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="GENERIC_PLAN") as caught:
        ada.execute(f"EXPLAIN (GENERIC_PLAN) {query}".encode())
    assert "EXPLAIN EXECUTE" in (caught.value.diag.message_hint or "")
    assert told(ada, "GENERIC_PLAN", query.replace("$1", "7")).startswith("Engine query")
    with_value = f"EXPLAIN (GENERIC_PLAN) {query.replace('$1', '%s')}"
    assert ada.execute(with_value.encode(), (7,)).fetchone() == ("Engine query",)  # of the extended protocol
    ada.execute(f"PREPARE asked AS {query}".encode())
    assert ada.execute("EXPLAIN EXECUTE asked(7)").fetchone() == ("Engine query",)


def test_generic_plans_have_postgres_errors(ada: psycopg.Connection, postgres: psycopg.Connection) -> None:
    failures = []
    for connection, table in ((ada, "sales.orders"), (postgres, "pg_class")):
        with pytest.raises(psycopg.errors.UndefinedColumn) as caught:
            connection.execute(f"EXPLAIN (GENERIC_PLAN) SELECT $1 + nothing FROM {table}".encode())
        failures.append((caught.value.diag.message_primary, caught.value.diag.statement_position))
    assert failures[0] == failures[1]


PLAN = "\n".join(
    (
        "HashJoinExec: mode=CollectLeft, join_type=LeftSemi, on=[(a@0, b@1), (s@2, left(t, 3)@4)], filter=x@0 < y@1, "
        "metrics=[output_rows=1.50 K, elapsed_compute=2.5ms, build_mem_used=79.7 KB], "
        'statistics=[Rows=Inexact(10), Bytes=Absent, [(Col[0]: Min=Exact(Utf8("secret")))]]',
        "  CoalescePartitionsExec, metrics=[output_rows=3, elapsed_compute=10µs], "
        "statistics=[Rows=Absent, Bytes=Absent, []]",
        "    FilterExec: s@0 = a, metrics=[b], projection=[x@0], metrics=[output_rows=3, elapsed_compute=1.50s]",
        "  SortExec: TopK(fetch=3), expr=[a@0 ASC, b@1 DESC], preserve_partitioning=[true], "
        "metrics=[output_rows=0, elapsed_compute=5ns, spilled_bytes=1.0 GB]",
    )
)


def test_engine_plans_are_read() -> None:
    root = plan_tree(PLAN)
    assert root is not None
    assert "secret" not in without_statistics(PLAN)
    shown = as_postgres(root, Shape(costs=True, timing=True, buffers=True))
    assert (shown["Node Type"], shown["Join Type"], shown["Hash Cond"]) == (
        "Hash Join",
        "Semi",
        "(a = b) AND (s = left(t, 3))",
    )
    assert (shown["Plan Rows"], shown["Actual Rows"], shown["Join Filter"]) == (10, 1500.0, "x < y")
    assert shown["Actual Total Time"] == pytest.approx(1502.51)
    gather, sort = root.children
    assert [child.name for child in gather.children] == ["Filter"]
    assert as_postgres(sort, Shape(False, False, False))["Temp Written Blocks"] == 131072
    assert worst_estimate(root, ()) is None
    assert plan_tree("") is None


TEXT = """Hash Semi Join  (cost=30.00..60.10 rows=10 width=8) (actual time=1500.010..1502.510 rows=1500.00 loops=1)
  Hash Cond: (a = b) AND (s = left(t, 3))
  Join Filter: x < y
  Memory Usage: 80kB
  ->  Gather  (cost=0.00..30.00 rows=1000 width=8) (actual time=0.000..1500.010 rows=3.00 loops=1)
        ->  Filter  (cost=0.00..10.00 rows=1000 width=8) (actual time=0.000..1500.000 rows=3.00 loops=1)
              Filter: s = a
  ->  Sort  (cost=0.00..10.00 rows=1000 width=8) (actual time=0.000..0.000 rows=0.00 loops=1)
        Sort Key: a NULLS FIRST, b DESC
        Limit: 3
        Buffers: temp written=131072"""


def test_text_is_written_as_by_postgresql() -> None:
    root = plan_tree(PLAN)
    assert root is not None
    assert "\n".join(plan_lines(as_postgres(root, Shape(True, True, True, verbose=True)))) == TEXT
    bare = plan_lines(as_postgres(root, Shape(costs=False, timing=False, buffers=False)))
    assert bare[0] == "Hash Semi Join (actual rows=1500.00 loops=1)"


NODE = re.compile(
    r" *(?:->  )?[A-Z][A-Za-z]+(?: [A-Z][A-Za-z]+)*(?: on [a-z_.]+)?  \(cost=[\d.]+\.\.[\d.]+ rows=\d+ width=\d+\)"
)


def test_text_has_all_nodes_and_the_engines_words_when_asked(ada: psycopg.Connection) -> None:
    [shown] = told(ada, "FORMAT JSON")
    text = told(ada, "COSTS").splitlines()
    plan = text[1 : next(at for at, line in enumerate(text) if line.startswith("Scan "))]
    written_nodes = [line for line in plan if NODE.fullmatch(line)]
    assert len(written_nodes) == len([*nodes(shown["Plan"])]), plan
    assert any("Foreign Scan on sales.orders" in line for line in written_nodes)
    assert any(line.strip().startswith("Hash Cond: ") for line in plan)
    assert "Exec" not in "".join(text)
    assert any(line.startswith("  ") and "HashJoinExec: " in line for line in told(ada, "VERBOSE").splitlines())
    assert "(cost=" not in told(ada, "COSTS OFF")


def test_intervals_in_conditions_are_postgresqls(ada: psycopg.Connection) -> None:
    query = (
        "SELECT count(*) FROM sales.orders a JOIN sales.orders b ON a.o_orderdate = b.o_orderdate + interval '1 mon'"
    )
    assert re.search(r"Hash Cond: .*INTERVAL '1 mons'", told(ada, "VERBOSE", query))


def test_labels_hold_any_text() -> None:
    plan = {"Node Type": "Filter", "Filter": 'a = "<b>" [x] & |;', "Plans": []}
    [chart] = written({"Plan": plan}, "MERMAID")
    assert '"' not in chart.replace('["', "").replace('"]', "")
    [document] = written({"Plan": plan}, "XML")
    assert [one.text for one in ET.fromstring(document).iter() if one.tag.endswith("}Filter")] == [plan["Filter"]]
    assert yaml.safe_load(written({"Plan": plan}, "YAML")[0])[0]["Plan"]["Filter"] == plan["Filter"]
