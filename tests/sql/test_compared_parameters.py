"""Which parameters do nothing but be compared with columns."""

from __future__ import annotations

import pytest
import sqlglot

from gateway.sql.engine_dialect.compared_parameters import are_compared
from optimizer.census import take_census


@pytest.mark.parametrize(
    "condition",
    [
        "a = $1",
        "$1 < a",
        "a IN ($1, 3, $2)",
        "a BETWEEN $1 AND $2",
        "NOT (a >= $1 OR b = CAST($2 AS INT))",
        "b = 'x$1'",
    ],
)
def test_compared(condition: str) -> None:
    assert _are_compared(f"SELECT a FROM t WHERE {condition}")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a, $1 FROM t",
        "SELECT a FROM t LIMIT $1",
        "SELECT a FROM t ORDER BY $1",
        "SELECT round(a, $1) FROM t",
        "SELECT a FROM t WHERE round(a, $1) = 3",
        "SELECT a FROM t WHERE a = round(b, $1)",
        "SELECT a FROM t WHERE a + $1 = 3",
        "SELECT a FROM t WHERE a + 1 = $1",
        "SELECT a FROM t WHERE $1 = $2",
        "SELECT a FROM t WHERE $1 BETWEEN a AND b",
        "SELECT a FROM t WHERE $1 IN (a, b)",
        "SELECT a FROM t WHERE $1",
        "SELECT a = $1 FROM t",
        "SELECT count(*) FROM t GROUP BY a HAVING a = $1",
        "SELECT CASE WHEN a = $1 THEN 1 END FROM t WHERE b = $2",
        "SELECT a FROM t WHERE CASE WHEN a = $1 THEN b END",
    ],
)
def test_not_compared(query: str) -> None:
    assert not _are_compared(query)


def _are_compared(text: str) -> bool:
    tree = sqlglot.parse_one(text, read="postgres")
    assert isinstance(tree, sqlglot.exp.Query)
    return are_compared(take_census(tree))
