"""Scalar aggregates as windows: where the rule applies, where it must not, and PostgreSQL's rows in every case."""

from __future__ import annotations

from collections import Counter

import pytest

from optimizer.relations import relations
from optimizer.rules.scalar_aggregates_as_windows import scalar_aggregates_as_windows
from tests.optimizer.small_lake import SmallLake

_GROUPS = "(SELECT g.k AS k, g.id AS id, max(g.id) AS v FROM lk.one g GROUP BY g.k, g.id)"

APPLIES = {
    "duplicates in the other table": "SELECT a.id FROM lk.one a, lk.one c WHERE a.k = c.k AND c.id IN (5, 2)"
    " AND a.id <= (SELECT avg(b.id) FROM lk.one b WHERE b.k = c.k)",
    "NULL keys on both sides": 'SELECT a.id, c.id FROM lk.one a, pg.one c WHERE a.k = c.k AND c."Mixed Case" IN (2, 1)'
    " AND a.id <> (SELECT 1 + max(b.id) FROM lk.one b WHERE b.k = c.k)",
    "no key of the other table is in this one": "SELECT a.id FROM lk.one a, lk.one c WHERE a.k = c.id AND c.id = 3"
    " AND a.id <= (SELECT avg(b.id) FROM lk.one b WHERE b.k = c.id)",
    "no rows at all": "SELECT a.id FROM lk.none a, lk.one c WHERE a.k = c.k AND c.id = 5"
    " AND 0 = (SELECT count(*) FROM lk.none b WHERE b.k = c.k)",
    "every value is NULL": "SELECT a.id FROM lk.one a, lk.one c WHERE a.id = c.id AND c.id = 1"
    ' AND a.id <> (SELECT sum(b."select") FROM lk.one b WHERE b.id = c.id)',
    "count of a group": "SELECT a.id FROM lk.one a, lk.one c WHERE a.k = c.k AND c.k = 4"
    " AND a.k > (SELECT count(b.id) FROM lk.one b WHERE b.k = c.k)",
    "a filter that is not the subquery's": "SELECT a.id FROM lk.one a, lk.one c WHERE a.k = c.k AND c.k = 1"
    " AND a.id > 1"
    " AND a.id > (SELECT avg(b.id) FROM lk.one b WHERE b.k = c.k)",
    "a filter that is the subquery's too": "SELECT a.id FROM lk.one a, lk.one c WHERE a.k = c.k AND c.k = 4"
    " AND 0 < a.id"
    " AND a.id = (SELECT min(b.id) FROM lk.one b WHERE b.k = c.k AND b.id > 0)",
    "another table on a column that is no key": "SELECT a.id FROM lk.one a, lk.one c WHERE a.id = c.id"
    " AND a.k IN (1, 4)"
    ' AND c."Mixed Case" = 2 AND a.id < (SELECT avg(b.id) FROM lk.one b WHERE b.k = a.k)',
    "two keys": 'SELECT a.id FROM lk.one a, lk.one c WHERE a.k = c.k AND a."Mixed Case" = c."Mixed Case" AND c.k = 4'
    ' AND a.id >= (SELECT avg(b.id) FROM lk.one b WHERE b.k = c.k AND b."Mixed Case" = c."Mixed Case")',
    "a text key": "SELECT a.id FROM lk.one a, pg.one c WHERE a.s = c.s AND c.id = 5"
    " AND a.s = (SELECT max(b.s) FROM lk.one b WHERE b.s = c.s)",
    "two shared tables": 'SELECT a.id, e.id FROM lk.one a, lk."select" e, pg.one c WHERE a.id = e.id AND a.k = c.k'
    ' AND c.id IN (5, 2) AND e.id >= (SELECT max(f.id) FROM lk.one b JOIN lk."select" f ON f.id = b.id'
    " WHERE b.k = c.k)",
    "the same table twice outside": "SELECT a.id, c.id FROM lk.one a, lk.one c WHERE a.k = c.k AND c.id = 5"
    " AND a.id = 5"
    " AND a.id >= (SELECT avg(b.id) FROM lk.one b WHERE b.k = c.k)",
    "groups, own NULL key": f"SELECT a.id FROM {_GROUPS} a WHERE a.v >= (SELECT avg(b.v) FROM {_GROUPS} b"
    f" WHERE b.k = a.k)",
    "groups, in WITH": "WITH w AS (SELECT k, sum(id) AS v FROM lk.one GROUP BY k)"
    " SELECT w.k, c.id FROM lk.one c, w WHERE c.k = w.k AND w.v = (SELECT max(x.v) FROM w x)",
    "groups, within a WITH query": "WITH w AS (SELECT k, sum(id) AS v FROM lk.one GROUP BY k),"
    " x AS (SELECT k FROM w WHERE v < (SELECT avg(v) FROM w)) SELECT a.k, b.k FROM x a, x b",
    "two subqueries": "SELECT a.id FROM lk.one a, lk.one c WHERE a.k = c.k AND c.k = 4"
    " AND a.id >= (SELECT min(b.id) FROM lk.one b WHERE b.k = c.k)"
    " AND a.id <= (SELECT max(b.id) FROM lk.one b WHERE b.k = c.k)",
    "other subqueries that name the table": "SELECT a.id FROM lk.one a, lk.one c WHERE a.k = c.k AND c.k IN (1, 4)"
    " AND a.id < (SELECT max(b.id) FROM lk.one b WHERE b.k = c.k)"
    " AND EXISTS (SELECT 1 FROM pg.one d WHERE d.k = a.k AND d.id IN (SELECT a.id FROM pg.one a WHERE a.k = d.k))",
    "a join by USING": "SELECT a.id, c.id FROM lk.one a JOIN lk.one c USING (k) WHERE a.k = 4"
    " AND a.id >= (SELECT avg(b.id) FROM lk.one b WHERE b.k = a.k)",
    "a table that both blocks read twice": "SELECT a.id FROM lk.one a, lk.one c WHERE a.k = c.k AND c.k = 4"
    " AND a.id <= (SELECT avg(b.id) FROM lk.one b, lk.one d WHERE b.k = c.k)",
    "grouped above": "SELECT a.k AS a, sum(a.id) AS s FROM lk.one a, pg.one c WHERE a.k = c.k AND c.k IN (1, 4)"
    " AND a.id >= (SELECT avg(b.id) FROM lk.one b WHERE b.k = c.k) GROUP BY a.k HAVING count(*) > 0 ORDER BY s",
    "within an outer join": "SELECT d.id, x.id FROM lk.one d LEFT JOIN (SELECT a.id FROM lk.one a WHERE a.k = 4"
    " AND a.id >= (SELECT avg(b.id) FROM lk.one b WHERE b.k = a.k)) x ON x.id = d.id",
}

STAYS = {
    "no equality outside": 'SELECT a.id FROM lk.one a, pg.one c WHERE a.id = c."Mixed Case" AND c.k = 4'
    " AND a.k IN (1, 4) AND a.id >= (SELECT avg(b.id) FROM lk.one b WHERE b.k = c.k)",
    "a filter that is only the subquery's": "SELECT a.id FROM lk.one a, lk.one c WHERE a.k = c.k AND c.k = 1"
    " AND a.id < (SELECT avg(b.id) FROM lk.one b WHERE b.k = c.k AND b.id > 1)",
    "another constant": "SELECT a.id FROM lk.one a, lk.one c WHERE a.k = c.k AND c.k = 1 AND a.id > 0"
    " AND a.id < (SELECT avg(b.id) FROM lk.one b WHERE b.k = c.k AND b.id > 1)",
    "another table": "SELECT a.id FROM lk.one a, lk.one c WHERE a.k = c.k AND c.k = 4"
    " AND a.id <= (SELECT avg(b.id) FROM pg.one b WHERE b.k = c.k)",
    "one more table inside": "SELECT a.id FROM lk.one a, lk.one c WHERE a.k = c.k AND c.k = 4"
    " AND a.id <= (SELECT avg(b.id) FROM lk.one b, pg.one d WHERE b.k = c.k)",
    "a count of an own key that may be NULL": f"SELECT a.id FROM {_GROUPS} a"
    f" WHERE 0 = (SELECT count(b.v) FROM {_GROUPS} b WHERE b.k = a.k)",
    "a value where there are no rows": f"SELECT a.id FROM {_GROUPS} a"
    f" WHERE a.id > (SELECT coalesce(max(b.v), 0) FROM {_GROUPS} b WHERE b.k = a.k)",
    "a comparison that NULL makes true": f"SELECT a.id FROM {_GROUPS} a"
    f" WHERE a.v IS DISTINCT FROM (SELECT max(b.v) FROM {_GROUPS} b WHERE b.k = a.k)",
    "below OR": "SELECT a.id FROM lk.one a, lk.one c WHERE a.k = c.k AND c.k = 4"
    " AND (a.id = 1 OR a.id >= (SELECT avg(b.id) FROM lk.one b WHERE b.k = c.k))",
    "an outer join": "SELECT a.id, c.id FROM lk.one a LEFT JOIN lk.one c ON a.k = c.k WHERE a.k = c.k AND c.k = 4"
    " AND a.id >= (SELECT avg(b.id) FROM lk.one b WHERE b.k = c.k)",
    "LATERAL": "SELECT a.id, l.x FROM lk.one a CROSS JOIN LATERAL (SELECT a.id + 1 AS x) l WHERE a.k = 4"
    " AND a.id >= (SELECT avg(b.id) FROM lk.one b WHERE b.k = a.k)",
    "a series of the row": "SELECT a.id, g FROM lk.one a, generate_series(1, 2) g WHERE a.k = 4"
    " AND a.id >= (SELECT avg(b.id) FROM lk.one b WHERE b.k = a.k)",
    "renamed columns": "SELECT a.x FROM lk.one a (x, y) WHERE a.y = 4"
    " AND a.x >= (SELECT avg(b.id) FROM lk.one b WHERE b.k = a.y)",
    "a correlated block": "SELECT d.id FROM lk.one d WHERE EXISTS (SELECT 1 FROM lk.one a WHERE a.k = 4 AND a.id = d.id"
    " AND a.id >= (SELECT avg(b.id) FROM lk.one b WHERE b.k = a.k))",
    "groups inside": "SELECT a.id FROM lk.one a WHERE a.k = 4"
    " AND a.id >= (SELECT max(b.id) FROM lk.one b WHERE b.k = a.k GROUP BY b.k)",
    "HAVING inside": "SELECT a.id FROM lk.one a WHERE a.k = 4"
    " AND a.id >= (SELECT max(b.id) FROM lk.one b WHERE b.k = a.k HAVING count(*) > 5)",
    "DISTINCT": "SELECT a.id FROM lk.one a WHERE a.k = 4"
    " AND a.id >= (SELECT sum(DISTINCT b.id) FROM lk.one b WHERE b.k = a.k)",
    "FILTER": "SELECT a.id FROM lk.one a WHERE a.k = 4"
    " AND a.id >= (SELECT max(b.id) FILTER (WHERE b.id < 5) FROM lk.one b WHERE b.k = a.k)",
    "two aggregates": "SELECT a.id FROM lk.one a WHERE a.k = 4"
    " AND a.id >= (SELECT max(b.id) - min(b.id) FROM lk.one b WHERE b.k = a.k)",
    "a divisor that may be 0": "SELECT a.id FROM lk.one a WHERE a.k = 4"
    " AND a.id >= (SELECT 5 / max(b.id) FROM lk.one b WHERE b.k = a.k)",
    "floats": "SELECT a.id FROM lk.one a WHERE a.k = 4"
    " AND a.id >= (SELECT avg(b.id::float8) FROM lk.one b WHERE b.k = a.k)",
    "an equality with a computed key": "SELECT a.id FROM lk.one a WHERE a.k = 4"
    " AND a.id >= (SELECT avg(b.id) FROM lk.one b WHERE b.k = a.k + 0)",
    "nothing that leaves few rows": "SELECT a.id FROM lk.one a, lk.one c WHERE a.k = c.k AND c.k > 0"
    " AND a.id >= (SELECT avg(b.id) FROM lk.one b WHERE b.k = c.k)",
    "a table that is cheap to read twice": "SELECT a.id FROM lk.one a WHERE a.id = (SELECT max(b.id) FROM lk.one b)",
    "groups by another key": "SELECT a.k FROM (SELECT k, max(id) AS v FROM lk.one GROUP BY k) a"
    " WHERE a.v = (SELECT max(b.v) FROM (SELECT id, max(id) AS v FROM lk.one GROUP BY id) b)",
    "in the select list": f"WITH w AS {_GROUPS} SELECT w.id, (SELECT max(b.v) FROM w b) AS m FROM w",
}


def _check(tables: SmallLake, query: str) -> bool:
    """Compare the rows with PostgreSQL's; return whether the rule applied."""
    expected = Counter(tables.reference.execute(query.encode()).fetchall())
    assert Counter(tables.rows(query)) == expected
    assert Counter(tables.rows(query, rules=(scalar_aggregates_as_windows,))) == expected
    assert Counter(tables.rows(query, pushdown=False)) == expected
    return any(rule == scalar_aggregates_as_windows.__name__ for rule in tables.optimized(query).trace)


@pytest.mark.parametrize("name", APPLIES)
def test_applies(tables: SmallLake, name: str) -> None:
    assert _check(tables, APPLIES[name])


@pytest.mark.parametrize("name", STAYS)
def test_stays(tables: SmallLake, name: str) -> None:
    assert not _check(tables, STAYS[name])


def test_what_has_no_fixed_rows_stays(tables: SmallLake) -> None:
    """Volatile functions, and a correlation that the engine does not take."""
    for query in (
        "SELECT a.id FROM lk.one a WHERE a.k = 4"
        " AND a.id >= (SELECT max(b.id + random()::int) FROM lk.one b WHERE b.k = a.k)",
        "WITH w AS (SELECT k, max(random()) AS v FROM lk.one GROUP BY k)"
        " SELECT w.k FROM w WHERE w.k = (SELECT max(k) FROM w)",
        "SELECT a.id FROM lk.one a WHERE a.k = 4 AND a.id >= (SELECT avg(b.id) FROM lk.one b WHERE b.k <= a.k)",
    ):
        assert not tables.optimized(query, rules=(scalar_aggregates_as_windows,)).trace


def test_relations_with_other_fences_stay(tables: SmallLake) -> None:
    """Both reads of a relation are under the same policies, or they are not the same rows."""
    query = (
        "SELECT a.id FROM lk.one a, pg.one c WHERE a.k = c.k AND c.k = 4"
        " AND a.id >= (SELECT avg(b.id) FROM lk.one b WHERE b.k = c.k)"
    )
    tree = tables.optimized(query, ()).tree
    assert scalar_aggregates_as_windows(tree.copy()) != tree
    for fenced, applies in ((("a", "b"), True), (("c",), True), (("a",), False), (("b",), False)):
        changed = tree.copy()
        for relation in [*relations(changed)]:
            if relation.alias in fenced:
                relation.select.limit((1 << 63) - 1, copy=False)
        assert (scalar_aggregates_as_windows(changed.copy()) != changed) == applies, fenced


def test_relations_with_other_filters_stay(tables: SmallLake) -> None:
    query = (
        "SELECT a.id FROM lk.one a, pg.one c WHERE a.k = c.k AND c.k = 4"
        " AND a.id >= (SELECT avg(b.id) FROM lk.one b WHERE b.k = c.k)"
    )
    for filtered, applies in ((("a", "b"), True), (("c",), True), (("a",), False), (("b",), False)):
        tree = tables.optimized(query, ()).tree.copy()
        for relation in [*relations(tree)]:
            if relation.alias in filtered:
                relation.select.where("id > 1", copy=False)
        assert (scalar_aggregates_as_windows(tree.copy()) != tree) == applies, filtered
