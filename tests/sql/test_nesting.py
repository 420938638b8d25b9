"""Queries that the engine would plan again and again are refused before that takes it more than about a second."""

from __future__ import annotations

import pytest

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.engine_dialect import nesting
from gateway.sql.engine_dialect.before_qualify import parse
from optimizer.census import take_census


def _nested(depth: int, opening: str, innermost: str) -> str:
    return f"select n from t where {opening * depth}{innermost}{')' * depth}"


def _chain(length: int, more: str) -> str:
    """Each WITH query names the one before it twice."""
    queries = ", ".join(f"c{at} as (select a.n from c{at - 1} a {more.format(at - 1)})" for at in range(1, length))
    return f"with c0 as (select n from t), {queries} select n from c{length - 1}"


@pytest.mark.parametrize(
    "sql",
    [
        _nested(20, "n = (select max(n) from t where ", "true"),
        _nested(20, "n in (select n from t where ", "true"),
        _nested(200, "exists (select from t where ", "true"),
        _nested(30, "n > all (select n from t where ", "true"),
        _nested(20, "exists (select from t union all select from t where ", "true"),
        f"select n from t where {' or '.join([_nested(13, 'n = (select max(n) from t where ', 'true')[22:]] * 9)}",
        _chain(20, "join c{} b on a.n = b.n"),
        _chain(1500, "join c{} b on a.n = b.n"),
        _chain(12, "where n in (select n from c{})"),
        _chain(20, "union all select n from c{}"),
        f"select n from ({_chain(20, 'join c{} b on a.n = b.n')}) x",
        f"with x as ({_chain(11, 'join c{} b on a.n = b.n')}) select from x a, x b, x c",
    ],
)
def test_too_much_is_refused(sql: str) -> None:
    with pytest.raises(SqlError) as caught:
        nesting.check(take_census(parse(sql)))
    assert caught.value.sqlstate == SqlState.STATEMENT_TOO_COMPLEX


@pytest.mark.parametrize(
    "sql",
    [
        _nested(14, "n = (select max(n) from t where ", "true"),
        f"select n from {'(select n from ' * 100}t{') x' * 100}",
        " union all ".join(["select n from t"] * 1000),
        f"select n from t where n in ({' union all '.join(['select n from t'] * 300)})",
        f"select n from t where {' and '.join(['exists (select from t)'] * 500)}",
        f"with {', '.join(f'c{i} as (select n from t)' for i in range(300))} select n from c1",
        "select n from t join (select n from t) x on exists (select from (select n from (select n from t) y) z)",
        "select n from t cross join lateral (select n from t) x",
        _chain(11, "join c{} b on a.n = b.n"),
        _chain(8, "where n in (select n from c{})"),
        f"with x as (select n from t) select n from x where {' and '.join(['n in (select n from x)'] * 300)}",
        " union all ".join(["(with x as (select n from t) select a.n from x a join x b on a.n = b.n)"] * 50),
        "with recursive x as (select 1 as n union all select a.n + 1 from x a where a.n < 9) select from x a, x b",
        "with recursive x as (select n from y), y as (select n from x) select n from x",
        "with x as (select n from t), y as (with x as (select a.n from x a, x b) select n from x) select n from x, y",
    ],
)
def test_the_rest_passes(sql: str) -> None:
    nesting.check(take_census(parse(sql)))
