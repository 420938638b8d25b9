"""Which rows of a WITH query that is computed once are asked for."""

from __future__ import annotations

import pytest
from sqlglot import exp

from gateway.sql.engine_dialect.before_qualify import parse
from gateway.sql.engine_dialect.with_materialized import Once, materialized

_QUERY = "SELECT t.y AS y, 's' AS kind, SUM(t.v) AS s FROM t GROUP BY t.y"


def _asked(query: str, statement: str) -> str | None:
    """Return the conditions that a WITH query gets; None for none."""
    tree = parse(f"WITH x AS MATERIALIZED ({query}) {statement}")
    assert isinstance(tree, exp.Query)
    before = tree.sql()
    found = materialized(tree, Once.CHEAPER)
    assert found is not None and tree.sql() == before
    [one] = found.queries
    head, found_where, conditions = one.sql.rpartition(') AS "once" WHERE ')
    assert not found_where or head.startswith('SELECT "once"."y"')
    return conditions.replace('"once".', "").replace('"', "") if found_where else None


@pytest.mark.parametrize(
    ("statement", "conditions"),
    [
        (
            "SELECT a.s, b.s FROM x AS a, x AS b WHERE a.y = 2001 AND a.kind = 's' AND b.y = 2002 AND a.s > 0",
            "(kind = 's' AND y = 2001) OR y = 2002",
        ),
        (
            "SELECT a.s FROM x AS a JOIN (x AS b JOIN x AS c ON b.y = 2 AND c.y >= 3) ON a.y = 1",
            "y = 1 OR y = 2 OR y >= 3",
        ),
        ("SELECT a.s FROM x AS a, x AS b WHERE a.y = 1 AND b.y = 1", "y = 1"),
        ("SELECT s FROM x AS a WHERE a.y = 1 UNION ALL SELECT s FROM x AS b WHERE b.y = 2", "y = 1 OR y = 2"),
        ("SELECT a.s FROM x AS a LEFT JOIN x AS b ON a.s = b.s WHERE a.y = 1 AND b.y = 2", "y = 1 OR y = 2"),
        # one place has none
        ("SELECT a.s FROM x AS a, x AS b WHERE a.y = 1", None),
        ("SELECT a.s FROM x AS a, x AS b WHERE a.y = 1 AND b.y = a.y", None),
        # what an outer join asks leaves no row of its other side out
        ("SELECT a.s FROM x AS a LEFT JOIN x AS b ON a.y = 1 AND b.y = 2", None),
        # an alternative, a condition that is true for NULL, what is computed
        ("SELECT a.s FROM x AS a, x AS b WHERE a.y = 1 AND (b.y = 2 OR a.s > 0)", None),
        ("SELECT a.s FROM x AS a, x AS b WHERE a.y = 1 AND b.y IS NULL", None),
        ("SELECT a.s FROM x AS a, x AS b WHERE a.y = 1 AND b.s = 2", None),
        ("SELECT a.s FROM x AS a, x AS b WHERE a.y = 1 AND b.y = $1", None),
    ],
)
def test_conditions_of_places(statement: str, conditions: str | None) -> None:
    assert _asked(_QUERY, statement) == conditions


_PLACES = "SELECT a.y FROM x AS a, x AS b WHERE a.y = 1 AND b.y = 2"


@pytest.mark.parametrize(
    ("query", "is_asked"),
    [
        ("SELECT t.y AS y FROM t", True),
        ("SELECT t.y AS y FROM (SELECT t.y AS y FROM t) AS t JOIN u ON u.k = t.y", True),
        ("SELECT t.y AS y FROM t UNION ALL SELECT u.y AS y FROM u", True),
        ("SELECT NULLIF(t.y, NULL) AS y FROM t GROUP BY NULLIF(t.y, NULL)", False),  # the text's own, no key of groups
        ("SELECT 10 / t.y AS y FROM t WHERE t.y <> 0", False),  # would be asked beside the condition
        ("SELECT d.y AS y FROM (SELECT 10 / t.y AS y FROM t WHERE t.y <> 0) AS d", False),
        ("SELECT t.y AS y FROM t UNION ALL SELECT 10 / u.y AS y FROM u WHERE u.y <> 0", False),
        ("SELECT MAX(t.y) AS y FROM t", False),
    ],
)
def test_columns_that_may_be_asked_for_first(query: str, is_asked: bool) -> None:
    assert (_asked(query, _PLACES) is not None) is is_asked
