"""Estimates of rows, compared with the true ones where the statistics allow to know them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import cast

import pyarrow as pa
import pytest
from sqlglot import exp

from catalog.names import TableName
from catalog.statistics import ColumnStatistics, TableStatistics
from gateway.sql.policy_text import policy_reader
from gateway.sql.resolve import references, resolve
from gateway.sql.statements import parse_query
from optimizer.cardinality import Cardinality
from optimizer.column_estimates import ColumnEstimate
from optimizer.join_block import get_join_block
from optimizer.join_conditions import conditions_of
from optimizer.join_graph import join_graph
from optimizer.join_order import rows_of
from optimizer.optimize import RULES, optimize
from optimizer.stages import Governed
from policies.govern import govern
from policies.policy_reader import KeptRelations
from tests.plans.lake import ACCESS, PRINCIPALS, STATISTICS, names


def _days(*offsets: int) -> tuple[pa.Scalar, ...]:
    return tuple(pa.scalar(date(2000, 1, 1) + timedelta(days=offset)) for offset in offsets)


_CUSTOMER = TableStatistics(
    1000.0,
    None,
    MappingProxyType(
        {
            "c_custkey": ColumnStatistics(1000.0, 0.0, pa.scalar(1), pa.scalar(1000)),
            "c_name": ColumnStatistics(
                500.0, 0.2, pa.scalar("a"), pa.scalar("z"), most_common=((pa.scalar("anna"), 0.3),)
            ),
            "c_nationkey": ColumnStatistics(25.0, 0.0, pa.scalar(0), pa.scalar(24)),
            "c_acctbal": ColumnStatistics(
                900.0,
                0.0,
                pa.scalar(Decimal("0.00")),
                pa.scalar(Decimal("1000.00")),
                histogram=tuple(pa.scalar(Decimal(bound)) for bound in ("0.00", "10.00", "20.00", "100.00", "1000.00")),
            ),
        }
    ),
)
_KNOWN = MappingProxyType({**STATISTICS, TableName("crm", "customer"): _CUSTOMER})


def _governed(query: str, who: str = "analyst") -> Governed:
    path = names(("sales", "supply", "crm"))
    tree = parse_query(query)
    assert tree is not None
    found = references(tree, path)
    return govern(resolve(tree, found, path), PRINCIPALS[who], ACCESS, policy_reader(path, KeptRelations()))


def _rows(query: str) -> float:
    found = Cardinality(_KNOWN).of_query(optimize(_governed(query), rules=RULES[:-1]).tree)
    assert found is not None
    return found.rows


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("c_custkey = 7", 1),
        ("7 = c_custkey", 1),
        ("c_custkey = 5000", 1),  # outside of the bounds, and never less than one row
        ("c_nationkey = 7", 40),
        ("c_nationkey IN (1, 2, 3)", 120),
        ("c_nationkey NOT IN (1, 2, 3)", 880),
        ("c_nationkey <> 7", 960),
        ("c_name = 'anna'", 300),  # one of the most common
        ("c_name = 'berta'", 1),  # one of 499 that share half of the rows
        ("c_name IS NULL", 200),
        ("c_name IS NOT NULL", 800),
        ("c_acctbal < 20", 500),
        ("c_acctbal >= 20", 500),
        ("c_acctbal < 15", 375),  # within a bucket
        ("c_acctbal BETWEEN 10 AND 20", 250),
        ("c_acctbal > 10 AND c_acctbal <= 20", 250),
        ("c_acctbal < 10 OR c_acctbal > 100", 438),
        ("NOT c_acctbal < 20", 500),
        ("c_custkey > 500", 501),  # by the bounds alone
        ("c_nationkey = 7 AND c_acctbal < 10", 20),  # 40 · √¼: conditions are seldom independent
        ("c_name LIKE 'an%'", 20),
        ("c_name LIKE '%an%'", 100),
        ("c_custkey = c_nationkey", 1),
        ("true", 1000),
        ("false", 1),
    ],
)
def test_conditions_on_a_table(condition: str, expected: float) -> None:
    assert _rows(f"SELECT c_custkey FROM customer WHERE {condition}") == pytest.approx(expected, rel=0.02, abs=0.6)


def test_values_behind_a_mask_are_as_many_as_those_before() -> None:
    masked = optimize(_governed("SELECT c_name FROM customer GROUP BY c_name", "otto"), rules=()).tree
    found = Cardinality(_KNOWN).of_query(masked)
    assert "LEFT(" in masked.sql("postgres")
    assert found is not None and found.rows == pytest.approx(500)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # A key and those that refer to it: as many as refer, by counted values and by bounds alone.
        ("SELECT 1 FROM customer, nation WHERE c_nationkey = n_nationkey", 1000),
        ("SELECT 1 FROM orders, lineitem WHERE o_orderkey = l_orderkey", 6_001_215),
        ("SELECT 1 FROM part, lineitem WHERE p_partkey = l_partkey AND p_size = 3", 120_024),
        ("SELECT 1 FROM customer, nation", 25_000),
        ("SELECT 1 FROM customer LEFT JOIN orders ON c_custkey = o_custkey AND o_orderdate = '1992-01-01'", 1000),
        (
            "SELECT 1 FROM orders JOIN (customer JOIN nation ON c_nationkey = n_nationkey) ON o_custkey = c_custkey",
            10_000,
        ),
        # Groups, distinct rows and limits.
        ("SELECT c_nationkey FROM customer GROUP BY c_nationkey", 25),
        ("SELECT DISTINCT c_nationkey FROM customer WHERE c_custkey < 11", 10),
        ("SELECT c_nationkey, c_custkey FROM customer GROUP BY c_nationkey, c_custkey", 1000),
        ("SELECT count(*) FROM customer", 1),
        ("SELECT c_custkey, count(*) OVER () FROM customer", 1000),
        ("SELECT c_custkey FROM customer LIMIT 10", 10),
        ("SELECT x.k FROM (SELECT c_nationkey AS k FROM customer GROUP BY c_nationkey) x WHERE x.k = 3", 1),
        ("WITH w AS (SELECT c_custkey AS k FROM customer WHERE c_nationkey = 1) SELECT k FROM w", 40),
        # Groups of 40 rows each: few have three times as many.
        ("SELECT c_nationkey FROM customer GROUP BY c_nationkey HAVING count(*) > 120", 1.24),
        # Semi-joins: as many as there are keys.
        ("SELECT c_name FROM customer WHERE c_nationkey IN (SELECT n_nationkey FROM nation WHERE n_name = 'PERU')", 40),
        # Set operations.
        ("SELECT c_custkey FROM customer UNION ALL SELECT n_nationkey FROM nation", 1025),
        ("SELECT c_custkey FROM customer INTERSECT SELECT n_nationkey FROM nation", 25),
        ("SELECT c_custkey FROM customer EXCEPT SELECT n_nationkey FROM nation", 1000),
        ("SELECT 1", 1),
    ],
)
def test_queries(query: str, expected: float) -> None:
    assert _rows(query) == pytest.approx(expected, rel=0.02)


def test_tables_without_statistics_are_unknown() -> None:
    governed = _governed('SELECT 1 FROM customer, files."Rates"')
    assert Cardinality(_KNOWN).of_query(governed.tree) is None


@pytest.mark.parametrize(
    ("low", "high", "rows", "distinct"),
    [
        (pa.scalar(1), pa.scalar(10), 1000.0, 10),
        (pa.scalar(1), pa.scalar(10_000), 1000.0, 1000),
        (*_days(0, 6), 1000.0, 7),
        (pa.scalar(Decimal("0.00")), pa.scalar(Decimal("0.10")), 1000.0, 11),
        (pa.scalar("A"), pa.scalar("F"), 1000.0, 6),
        (pa.scalar("Abc"), pa.scalar("Fgh"), 1000.0, None),
        (pa.scalar(0.5), pa.scalar(0.6), 1000.0, None),
    ],
)
def test_values_that_nobody_counted(low: pa.Scalar, high: pa.Scalar, rows: float, distinct: float | None) -> None:
    assert ColumnEstimate(ColumnStatistics(minimum=low, maximum=high), rows).distinct == pytest.approx(distinct)


@pytest.mark.parametrize(("value", "expected"), [("b", 0.0), ("m", 0.5), ("zz", 1.0), ("g", 0.19)])
def test_places_of_texts(value: str, expected: float) -> None:
    statistics = ColumnStatistics(histogram=tuple(pa.scalar(text) for text in ("ca", "m", "x")))
    assert ColumnEstimate(statistics, 10.0).below(value) == pytest.approx(expected, abs=0.06)


def _depending(*sets: tuple[str, float]) -> MappingProxyType[TableName, TableStatistics]:
    """Return statistics of a million lineitems, with how many combinations columns have."""
    counted = {"l_partkey": 1000.0, "l_suppkey": 50.0, "l_orderkey": 20.0}
    columns = {name: ColumnStatistics(count) for name, count in counted.items()}
    combined = {frozenset(names.split()): count for names, count in sets}
    line = TableStatistics(1e6, None, MappingProxyType(columns), (), MappingProxyType(combined))
    return MappingProxyType({TableName("sales", "lineitem"): line})


_BOTH = "l_partkey = 3 AND l_suppkey = 7"
_TWICE = "FROM lineitem a JOIN lineitem b ON a.l_partkey = b.l_partkey AND a.l_suppkey = b.l_suppkey"


@pytest.mark.parametrize(
    ("query", "combined", "expected"),
    [
        (f"SELECT 1 FROM lineitem WHERE {_BOTH}", (), 1000 * 50**-0.5),  # neither is held to decide the other, nor not
        (f"SELECT 1 FROM lineitem WHERE {_BOTH}", [("l_partkey l_suppkey", 1000)], 1000),  # the part has one supplier
        (f"SELECT 1 FROM lineitem WHERE {_BOTH}", [("l_partkey l_suppkey", 4000)], 250),
        (f"SELECT 1 FROM lineitem WHERE {_BOTH}", [("l_partkey l_suppkey", 50_000)], 20),  # independent
        (f"SELECT 1 FROM lineitem WHERE {_BOTH}", [("l_partkey l_orderkey", 1000)], 1000 * 50**-0.5),
        (
            f"SELECT 1 FROM lineitem WHERE {_BOTH} AND l_orderkey = 4",  # the larger set counts
            [("l_partkey l_suppkey", 50_000), ("l_orderkey l_partkey l_suppkey", 2000)],
            500,
        ),
        ("SELECT 1 FROM lineitem WHERE l_partkey = l_suppkey AND l_suppkey = 7", [("l_partkey l_suppkey", 4000)], 141),
        ("SELECT l_partkey, l_suppkey FROM lineitem GROUP BY 1, 2", (), 50_000),
        ("SELECT l_partkey, l_suppkey FROM lineitem GROUP BY 1, 2", [("l_partkey l_suppkey", 4000)], 4000),
        ("SELECT DISTINCT l_suppkey, l_partkey, l_orderkey FROM lineitem", [("l_partkey l_suppkey", 4000)], 80_000),
        (f"SELECT a.l_partkey, b.l_suppkey {_TWICE} GROUP BY 1, 2", [("l_partkey l_suppkey", 4000)], 50_000),
    ],
)
def test_columns_that_depend_on_each_other(query: str, combined: list[tuple[str, float]], expected: float) -> None:
    tree = optimize(_governed(query), rules=RULES[:-1]).tree
    found = Cardinality(_depending(*combined)).of_query(tree)
    assert found is not None and found.rows == pytest.approx(expected, rel=0.02)


def test_joins_by_columns_that_depend_on_each_other() -> None:
    """Of four thousand combinations each finds its own; without counts every key is held to divide the rows anew."""
    block = get_join_block(cast(exp.Select, optimize(_governed(f"SELECT 1 {_TWICE}"), rules=RULES[:-1]).tree))
    assert block is not None
    numbers = {"a": 0, "b": 1}
    for sets, expected in (((), 1e12 / 50_000), ((("l_partkey l_suppkey", 4000),), 1e12 / 4000)):
        cardinality = Cardinality(_depending(*sets))
        found = [cardinality.of_joined(source.node, ()) for source in block.sources]
        graph = join_graph(conditions_of(block), [one for one in found if one], numbers, cardinality)
        assert rows_of(graph, 3) == pytest.approx(expected)
