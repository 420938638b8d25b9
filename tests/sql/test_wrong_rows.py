"""Forms that the engine would answer with other rows than PostgreSQL's: repaired, or refused by name."""

from __future__ import annotations

import pytest
from sqlglot import exp

from gateway.sql.engine_dialect.before_qualify import parse
from gateway.sql.engine_dialect.render import render
from gateway.sql.engine_dialect.subquery_joins import is_negated_within


@pytest.mark.parametrize(
    "condition",
    [
        "k not in (select x from u) or s = 'a'",
        "not (k in (select x from u) and s = 'a')",
        "not (k not in (select x from u))",
    ],
)
def test_not_in_within_or_and_not_is_left_to_no_filter_of_the_engine(condition: str) -> None:
    assert is_negated_within(_membership(condition))


@pytest.mark.parametrize(
    "condition",
    ["k not in (select x from u) and s = 'a'", "k in (select x from u) or s = 'a'"],
)
def test_other_forms_of_in_are_filters(condition: str) -> None:
    assert not is_negated_within(_membership(condition))


def _membership(condition: str) -> exp.In:
    found = parse(f"select 1 from t where {condition}").find(exp.In)
    assert found is not None
    return found


def test_distinct_from_keeps_its_own_right_side() -> None:
    tree = parse("select 1 as a from t where x is not distinct from true and y = 1")
    assert isinstance(tree, exp.Query)
    assert "(x IS NOT DISTINCT FROM TRUE) AND" in render(tree).replace('"', "")
