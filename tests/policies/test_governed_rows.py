"""What a principal reads under policies is what PostgreSQL reads from copies that hold no more than that.

``python -m pytest --random-queries 3000`` asks more of it.
"""

from __future__ import annotations

from collections import Counter

import psycopg
import pytest

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from tests.optimizer.random_queries import QueryMaker
from tests.optimizer.small_lake import Row, SmallLake
from tests.policies.governed_copies import WHO, Policies, make_copies, random_policies

_QUERIES_A_WORLD = 12
_FEWEST = 0.6  # part of the queries that must be answered, not refused


def _rows(tables: SmallLake, query: str, policies: Policies, *, pushdown: bool = True) -> Counter[Row] | None:
    """Return the rows without their order, or None for a query that is refused."""
    try:
        return Counter(tables.rows(query, principal=WHO, access=policies.access, pushdown=pushdown))
    except SqlError as error:
        assert error.sqlstate == SqlState.FEATURE_NOT_SUPPORTED, (query, error)
        return None


def test_random_queries_under_random_policies(
    tables: SmallLake, copies: psycopg.Connection, request: pytest.FixtureRequest
) -> None:
    maker = QueryMaker(31)
    asked = answered = with_rows = 0
    for number in range(request.config.getoption("--random-queries")):
        if number % _QUERIES_A_WORLD == 0:
            policies = random_policies(number)
            make_copies(copies, policies)
        query = maker.query() if number % 3 else maker.scalar_aggregate()
        try:
            expected = Counter(copies.execute(query.encode()).fetchall())
        except psycopg.errors.UndefinedColumn:  # an alias that a set operation inside of LATERAL hides
            continue
        asked += 1
        for pushdown in (True, False):
            found = _rows(tables, query, policies, pushdown=pushdown)
            assert found is None or found == expected, f"policies {number}, pushdown {pushdown}:\n{query}"
            answered += found is not None
            with_rows += bool(found)
    assert answered > _FEWEST * asked * 2
    assert with_rows > answered / 8
