"""Which queries hand on a table as it is read."""

from __future__ import annotations

import pytest
from sqlglot import exp, parse_one

from optimizer.plain_scan import is_plain_scan


def plain(sql: str) -> bool:
    tree = parse_one(sql, dialect="postgres")
    assert isinstance(tree, exp.Query)
    return is_plain_scan(tree)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM t",
        "SELECT a, upper(b) || 'x' AS c FROM (SELECT a, b FROM t) AS t",
        "SELECT a FROM (SELECT a FROM (SELECT a, b FROM t) AS u) AS v",
    ],
)
def test_plain(sql: str) -> None:
    assert plain(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "SELECT a FROM t WHERE a > 1",
        "SELECT a FROM (SELECT a FROM t WHERE a > 1) AS t",
        "SELECT a FROM t ORDER BY a",
        "SELECT a FROM t LIMIT 1",
        "SELECT a FROM t OFFSET 1",
        "SELECT a FROM t FETCH FIRST ROW ONLY",
        "SELECT DISTINCT a FROM t",
        "SELECT a FROM t GROUP BY a",
        "SELECT count(*) FROM t",
        "SELECT a, row_number() OVER () FROM t",
        "SELECT (SELECT max(a) FROM u) FROM t",
        "SELECT unnest(a) FROM t",
        "SELECT generate_series(1, a) FROM t",
        "SELECT a FROM t, u",
        "SELECT a FROM t JOIN u USING (a)",
        "SELECT a FROM generate_series(1, 2) AS g(a)",
        "WITH c AS (SELECT 1 AS a) SELECT a FROM c",
        "SELECT a FROM t UNION ALL SELECT a FROM t",
        "SELECT a FROM t TABLESAMPLE SYSTEM (1)",
    ],
)
def test_not_plain(sql: str) -> None:
    assert not plain(sql)
