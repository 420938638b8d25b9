"""Principals under which plans and rows are kept: those that policies tell apart are not equal."""

from __future__ import annotations

import pytest

from catalog.principals import NO_CLAIMS, Principal, frozen_claims


@pytest.mark.parametrize(
    ("one", "other"),
    [(True, 1), (False, 0), (1, 1.0), (0.0, -0.0), ([1], [True]), ({"a": 1}, {"a": True}), (1, "1"), (None, "null")],
)
def test_claims_that_python_takes_for_equal(one: object, other: object) -> None:
    first, second = (
        Principal("ann", frozenset({"ann"}), claims=frozen_claims({"level": value})) for value in (one, other)
    )
    assert first != second
    assert {first: "plan"}.get(second) is None


def test_equal_claims() -> None:
    first, second = (Principal("ann", frozenset({"ann"}), claims=frozen_claims({"tenant": ["a", 1]})) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)
    assert Principal("ann", frozenset({"ann"}), claims=NO_CLAIMS) == Principal("ann", frozenset({"ann"})) != first
