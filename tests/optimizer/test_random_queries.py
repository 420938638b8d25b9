"""Rules and pushdown change a query's cost, never its rows: random queries answered in every way, and by PostgreSQL.

``python -m pytest --random-queries 3000`` asks more of them.
"""

from __future__ import annotations

from collections import Counter
from itertools import cycle

import psycopg
import pytest

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from catalog.statistics import TableStatistics
from optimizer.optimize import RULES, RULES_AS_WRITTEN
from optimizer.rules.scalar_aggregates_as_windows import scalar_aggregates_as_windows
from tests.optimizer.random_queries import QueryMaker
from tests.optimizer.small_lake import STATISTICS, Row, SmallLake

_SEED = 20
_WAYS: dict[str, dict[str, object]] = {
    "all rules": {},
    "no rules": {"rules": ()},
    "joins as written": {"rules": RULES_AS_WRITTEN},
    "no pushdown": {"pushdown": False},
    "no statistics": {"statistics": {}},
    "wrong statistics": {"statistics": {name: TableStatistics(10.0 ** (7 - n)) for n, name in enumerate(STATISTICS)}},
}
# Columns are pruned twice; without the one rule that puts joins where the engine keeps them all others still hold.
_WITHOUT: dict[str, dict[str, object]] = {
    f"without {name}": {"rules": tuple(rule for rule in RULES if rule.__name__ != name)}
    for name in dict.fromkeys(rule.__name__ for rule in RULES)
}
_PARTS: dict[str, dict[str, object]] = {
    "parts": {"parts": STATISTICS},
    "all parts": {"parts": {}},
    "all parts, all rows": {"parts": {}, "rules": tuple(rule for rule in RULES if rule.__name__ != "limit_early")},
}
_FEWEST = 0.6  # part of the queries that must be answered, not refused


def _answer(tables: SmallLake, query: str, way: str) -> Counter[Row] | None:
    """Return the rows without their order, or None for a query that is refused."""
    try:
        return Counter(tables.rows(query, **(_WAYS | _WITHOUT | _PARTS)[way]))  # type: ignore[arg-type]
    except SqlError as error:
        assert error.sqlstate == SqlState.FEATURE_NOT_SUPPORTED, (query, error)
        return None


def test_random_queries(tables: SmallLake, request: pytest.FixtureRequest) -> None:
    maker = QueryMaker(_SEED)
    asked = answered = with_rows = 0
    for _ in range(request.config.getoption("--random-queries")):
        query = maker.query()
        try:
            expected = Counter(tables.reference.execute(query.encode()).fetchall())
        except psycopg.errors.UndefinedColumn:  # an alias that a set operation inside of LATERAL hides
            continue
        asked += 1
        for way in _WAYS:
            found = _answer(tables, query, way)
            assert found is None or found == expected, f"{way}:\n{query}"
            answered += found is not None
            with_rows += bool(found)
    assert answered > _FEWEST * asked * len(_WAYS)
    assert with_rows > answered / 5


def test_each_rule_alone_left_out(tables: SmallLake, request: pytest.FixtureRequest) -> None:
    """No rule is needed for the rows of a query, nor by another rule."""
    maker = QueryMaker(_SEED + 3)
    ways = cycle(_WITHOUT)
    answered = 0
    for _ in range(request.config.getoption("--random-queries")):
        query = maker.query()
        try:
            expected = Counter(tables.reference.execute(query.encode()).fetchall())
        except psycopg.errors.UndefinedColumn:
            continue
        for way in (next(ways), next(ways), next(ways), next(ways)):
            found = _answer(tables, query, way)
            assert found is None or found == expected, f"{way}:\n{query}"
            answered += bool(found)
    assert answered > 5 * len(_WITHOUT)


def test_random_parts(tables: SmallLake, request: pytest.FixtureRequest) -> None:
    """Subqueries that the server answers have the rows that the engine would have made."""
    maker = QueryMaker(_SEED + 1)
    asked = request.config.getoption("--random-queries") // 2
    sent = 0
    for number in range(asked):
        query = maker.query()
        try:
            expected = Counter(tables.reference.execute(query.encode()).fetchall())
        except psycopg.errors.UndefinedColumn:
            continue
        tables.parts.clear()
        found = _answer(tables, query, "parts" if number % 2 else "all parts")
        assert found is None or found == expected, f"{query}\n{tables.parts}"
        sent += bool(tables.parts)
    assert sent > asked / 20


def test_random_set_operations(tables: SmallLake, request: pytest.FixtureRequest) -> None:
    """Set operations that the server answers, or that stand in what it answers, have the engine's rows."""
    maker = QueryMaker(_SEED + 4)
    asked = request.config.getoption("--random-queries")
    sent = with_rows = 0
    for _ in range(asked):
        query = maker.set_operations()
        expected = Counter(tables.reference.execute(query.encode()).fetchall())
        tables.parts.clear()
        found = _answer(tables, query, "all parts")
        assert found is None or found == expected, f"{query}\n{tables.parts}"
        operations = ("UNION", "EXCEPT", "INTERSECT")
        at_server = any(word in one.scan.queries[0] for one in tables.parts for word in operations)
        sent += at_server and found is not None
        with_rows += at_server and bool(found)
    assert sent > asked / 3
    assert with_rows > asked / 10


def test_random_joins_at_servers(tables: SmallLake, request: pytest.FixtureRequest) -> None:
    """Joins of a server's tables within a larger FROM have the rows that the engine would have made."""
    maker = QueryMaker(_SEED + 2)
    asked = 2 * request.config.getoption("--random-queries")
    joined = with_rows = outer = 0
    for number in range(asked):
        query = maker.joins()
        try:
            expected = Counter(tables.reference.execute(query.encode()).fetchall())
        except psycopg.errors.UndefinedColumn:
            continue
        tables.parts.clear()
        found = _answer(tables, query, "parts" if number % 4 == 0 else "all parts")
        assert found is None or found == expected, f"{query}\n{tables.parts}"
        inner = any(one.name.startswith("join of") for one in tables.parts)
        other = any(" join of" in one.name for one in tables.parts)
        joined += found is not None and inner
        outer += found is not None and other
        with_rows += bool(found) and (inner or other)
    assert joined > asked / 5
    assert outer > asked / 5
    assert with_rows > asked / 10


def test_random_first_rows(tables: SmallLake, request: pytest.FixtureRequest) -> None:
    """Rows that are taken before they are joined or united are those that would have been taken after it."""
    maker = QueryMaker(_SEED + 5)
    asked = request.config.getoption("--random-queries")
    sent = with_rows = 0
    for _ in range(asked):
        query = maker.first_rows()
        expected = Counter(tables.reference.execute(query.encode()).fetchall())
        for way in ("all parts", "all parts, all rows", "all rules"):
            tables.parts.clear()
            found = _answer(tables, query, way)
            assert found is None or found == expected, f"{way}:\n{query}\n{tables.parts}"
            if way == "all parts":
                limited = any(_is_limited(one.scan.queries[0]) for one in tables.parts)
                sent += limited and found is not None
                with_rows += limited and bool(found)
    assert sent > asked / 4
    assert with_rows > asked / 8


def _is_limited(query: str) -> bool:
    return "ORDER BY" in query and "LIMIT" in query


def test_random_scalar_aggregates(tables: SmallLake, request: pytest.FixtureRequest) -> None:
    maker = QueryMaker(_SEED)
    asked = 2 * request.config.getoption("--random-queries")
    changed = changed_with_rows = 0
    for _ in range(asked):
        query = maker.scalar_aggregate()
        expected = Counter(tables.reference.execute(query.encode()).fetchall())
        applied = any(rule == scalar_aggregates_as_windows.__name__ for rule in tables.optimized(query).trace)
        for way in ("all rules", "no rules"):
            assert _answer(tables, query, way) == expected, f"{way}:\n{query}"
        changed += applied
        changed_with_rows += applied and bool(expected)
    assert asked / 4 < changed < asked * 3 / 4
    assert changed_with_rows > asked / 20


@pytest.mark.parametrize(
    "query",
    [
        # A condition without columns reaches the scan of a table of which no column is asked for.
        "SELECT a.k FROM pg.one a LEFT JOIN pg.one b ON true",
        "SELECT a.k FROM pg.one a LEFT JOIN pg.one b ON false",
        # The inner query speaks of the outer c, while another c stands deeper in it.
        "SELECT c.k FROM lk.one c JOIN lk.one a ON a.k = c.k"
        " WHERE a.k IN (SELECT b.k FROM lk.one b WHERE b.id IN (SELECT c.id FROM pg.one c) AND b.k = c.k)",
        "SELECT c.k FROM lk.one c JOIN lk.one a ON a.k = c.k"
        " WHERE a.k IN (SELECT d.k FROM (SELECT b.k FROM lk.one b WHERE b.k = c.k) d JOIN pg.one c ON c.id = d.k)",
        # One alias, a table with and one without the columns asked for.
        "SELECT a.s FROM lk.one a WHERE EXISTS (SELECT a.k FROM pg.one a WHERE a.id = 5)",
        # Sides of outer joins that may be missing.
        "SELECT a.k, b.k FROM lk.one a LEFT JOIN pg.one b ON a.k = b.k AND b.id > 3 WHERE b.id IS NULL",
        "SELECT a.k, b.k FROM lk.one a"
        " LEFT JOIN (lk.one b FULL JOIN pg.one c ON b.k = c.id) ON a.id = c.id AND b.k = 1",
        # Arms of a union are told apart by a text.
        "SELECT u.t, u.k FROM (SELECT 'a' AS t, k FROM pg.one UNION ALL SELECT 'b', k FROM lk.one"
        " UNION ALL SELECT s, k FROM lk.one) u WHERE u.t = 'a' AND u.k > 0",
        "SELECT u.n FROM (SELECT 'a' AS t, count(*) AS n FROM pg.one UNION ALL SELECT 'b', count(*) FROM lk.one) u"
        " WHERE u.t IN ('b', 'c')",
        "SELECT u.n FROM (SELECT 'a' AS t, count(*) AS n FROM pg.one GROUP BY k UNION ALL"
        " SELECT 'b', count(*) FROM lk.one GROUP BY GROUPING SETS ((k), ())) u WHERE u.t = 'a'",
        "SELECT count(*) FROM (SELECT 'a' AS t, k FROM pg.one LIMIT 3) u WHERE u.t < 'a' OR u.t IS NULL",
        "SELECT id FROM pg.one WHERE k = ANY (ARRAY[1, 4, NULL]) AND s = ANY (ARRAY['a', 'B', NULL])",
        # What joins in parentheses ask of a table in them is put out by what stands above that table.
        'SELECT c.id FROM pg."order" c, (SELECT count(g.k) AS n FROM lk.one g GROUP BY g.k) b, lk.one a'
        " WHERE a.id = b.n AND a.id = c.id AND a.id <= 2 AND a.k <= (SELECT max(a.id) FROM lk.one a WHERE a.id = c.id)",
        "SELECT b.k, c.k FROM lk.one a, lk.one b FULL JOIN pg.one c ON b.k = c.id WHERE b.k IS NULL AND a.k = 1",
    ],
)
def test_one_query_in_all_ways(tables: SmallLake, query: str) -> None:
    expected = Counter(tables.reference.execute(query.encode()).fetchall())
    for way in _WAYS:
        assert _answer(tables, query, way) == expected, way


def test_each_rule_alone(tables: SmallLake) -> None:
    query = (
        'SELECT a.k, b."with ""quote""" FROM lk.one a LEFT JOIN pg.one b ON a.k = b.k AND b.id > 1'
        " WHERE a.s = 'B' AND a.id IN (SELECT c.id FROM pg.one c WHERE c.k = 4)"
    )
    expected = Counter(tables.reference.execute(query.encode()).fetchall())
    for rule in RULES:
        assert Counter(tables.rows(query, (rule,))) == expected, rule.__name__
