"""Which WITH queries are computed once, and what the statement is then."""

from __future__ import annotations

import re

import pytest
from sqlglot import exp

from gateway.sql.engine_dialect.before_qualify import parse
from gateway.sql.engine_dialect.with_materialized import Materialized, Once, materialized, names_one_twice

_GROUPS = "x AS (SELECT t.k AS k, COUNT(*) AS c FROM t GROUP BY t.k)"
_ROWS = "x AS (SELECT t.k AS k, t.c AS c FROM t)"


def _of(sql: str) -> Materialized | None:
    tree = parse(sql)
    assert isinstance(tree, exp.Query)
    before = tree.sql()
    found = materialized(tree, Once.CHEAPER)
    assert tree.sql() == before
    return found


def _texts(sql: str) -> list[str]:
    """Return the queries and the statement, relations by their places."""
    found = _of(sql)
    assert found is not None
    return [re.sub(r"once_[0-9a-f]{16}_", "once_", text) for text in (*(one.sql for one in found.queries), found.sql)]


@pytest.mark.parametrize(
    ("sql", "texts"),
    [
        (
            f"WITH {_GROUPS} SELECT a.c FROM x AS a JOIN x AS b ON a.k = b.c",
            [
                'SELECT "t"."k" AS "k", COUNT(*) AS "c" FROM "t" GROUP BY "t"."k"',
                'SELECT "a"."c" FROM "once_0" AS "a" JOIN "once_0" AS "b" ON "a"."k" = "b"."c"',
            ],
        ),
        (
            "WITH w AS (SELECT t.k AS k FROM t), x AS (SELECT DISTINCT w.k AS k FROM w) "
            "SELECT x.k FROM x WHERE x.k IN (SELECT x.k FROM x)",
            [
                'WITH "w" AS (SELECT "t"."k" AS "k" FROM "t") SELECT DISTINCT "w"."k" AS "k" FROM "w"',
                'SELECT "x"."k" FROM "once_0" AS "x" WHERE "x"."k" IN (SELECT "x"."k" FROM "once_0" AS "x")',
            ],
        ),
        (
            f"WITH {_GROUPS}, y AS (SELECT MAX(x.c) AS m FROM x) SELECT x.k, y.m, z.m FROM x, y, y AS z",
            [
                'SELECT "t"."k" AS "k", COUNT(*) AS "c" FROM "t" GROUP BY "t"."k"',
                'SELECT MAX("x"."c") AS "m" FROM "once_0" AS "x"',
                'SELECT "x"."k", "y"."m", "z"."m" FROM "once_0" AS "x", "once_1" AS "y", "once_1" AS "z"',
            ],
        ),
        (
            f"WITH {_GROUPS}, y AS (SELECT MAX(x.c) AS m FROM x) SELECT a.m FROM y AS a, y AS b",
            [
                'WITH "x" AS (SELECT "t"."k" AS "k", COUNT(*) AS "c" FROM "t" GROUP BY "t"."k") '
                'SELECT MAX("x"."c") AS "m" FROM "x"',
                'SELECT "a"."m" FROM "once_0" AS "a", "once_0" AS "b"',
            ],
        ),
    ],
)
def test_what_is_computed_once(sql: str, texts: list[str]) -> None:
    tree = parse(sql)
    assert isinstance(tree, exp.Query) and names_one_twice(tree)
    assert _texts(sql) == texts


@pytest.mark.parametrize(
    "sql",
    [
        f"WITH {_GROUPS} SELECT a.c FROM x AS a, x AS b WHERE a.k = 1 AND b.k = 2",
        f"WITH {_GROUPS} SELECT a.c FROM x AS a JOIN x AS b ON a.k = 1 AND b.k = $1",
        f"WITH {_ROWS} SELECT a.c FROM x AS a, x AS b WHERE a.k = b.k",
        f"WITH {_GROUPS.replace('AS (', 'AS NOT MATERIALIZED (')} SELECT a.c FROM x AS a, x AS b",
        f"WITH {_GROUPS} SELECT x.c FROM x",
        f"WITH {_GROUPS}, y AS (SELECT x.c AS c FROM x) SELECT y.c FROM y",
        "WITH RECURSIVE x AS (SELECT 1 AS n UNION SELECT x.n + 1 FROM x WHERE x.n < 5) SELECT 1 FROM x AS a, x AS b",
        "SELECT MAX(t.k) FROM t",
    ],
)
def test_what_is_not(sql: str) -> None:
    assert _of(sql) is None


def test_materialized_decides() -> None:
    asked = _of(f"WITH {_ROWS.replace('AS (', 'AS MATERIALIZED (')} SELECT a.c FROM x AS a, x AS b WHERE a.k = 1")
    assert asked is not None and asked.is_wanted
    usual = _of(f"WITH {_GROUPS} SELECT a.c FROM x AS a, x AS b")
    assert usual is not None and not usual.is_wanted
    assert [(one.name, one.places) for one in usual.queries] == [("x", 2)]
