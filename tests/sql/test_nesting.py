"""Subqueries in each other are refused before the engine plans for longer than about a second."""

from __future__ import annotations

import pytest

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.engine_dialect import nesting
from gateway.sql.engine_dialect.before_qualify import parse
from optimizer.census import take_census


def _nested(depth: int, opening: str, innermost: str) -> str:
    return f"select n from t where {opening * depth}{innermost}{')' * depth}"


@pytest.mark.parametrize(
    "sql",
    [
        _nested(20, "n = (select max(n) from t where ", "true"),
        _nested(20, "n in (select n from t where ", "true"),
        _nested(200, "exists (select from t where ", "true"),
        _nested(30, "n > all (select n from t where ", "true"),
        _nested(20, "exists (select from t union all select from t where ", "true"),
        f"select n from t where {' or '.join([_nested(13, 'n = (select max(n) from t where ', 'true')[22:]] * 9)}",
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
    ],
)
def test_the_rest_passes(sql: str) -> None:
    nesting.check(take_census(parse(sql)))
