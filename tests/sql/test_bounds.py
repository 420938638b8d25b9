"""Constants beyond the limits are refused before the engine builds what they ask for."""

from __future__ import annotations

import pytest

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.engine_dialect import bounds
from gateway.sql.engine_dialect.before_qualify import parse
from optimizer.census import take_census


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 from t, generate_series(1, 40000000) g",
        "select 1 from t, generate_series(-1, -90000000000, -5) g",
        "select generate_series(1::bigint, 10000001) from t",
        "select repeat(a, 2000000000) from t",
        "select lpad(a, 2000000000) from t",
    ],
)
def test_too_much_is_refused(sql: str) -> None:
    with pytest.raises(SqlError) as caught:
        bounds.check(take_census(parse(sql)))
    assert caught.value.sqlstate == SqlState.PROGRAM_LIMIT_EXCEEDED


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 from t, generate_series(1, 10000000) g",
        "select 1 from t, generate_series(10, 1) g",
        "select 1 from t, generate_series(1, 90000000000, 10000) g",
        "select 1 from t, generate_series(1, a) g",
        "select repeat(a, 1000), repeat(a, b) from t",
    ],
)
def test_the_rest_passes(sql: str) -> None:
    bounds.check(take_census(parse(sql)))
