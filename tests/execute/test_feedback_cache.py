"""How much what runs have found counts later, for whom, and how much of it is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from catalog.feedback import Found, TableThen
from catalog.names import TableName
from catalog.principals import Principal, frozen_claims
from gateway.feedback.cache import FeedbackCache, asker_text, digest, discounted

T, U = TableName("s", "t"), TableName("s", "u")
NOW = datetime(2026, 11, 22, tzinfo=UTC)
ADA = Principal("ada", frozenset({"ada"}))


def found(rows: float = 10.0, version: str = "1", at: datetime = NOW, table: TableName = T) -> Found:
    return Found(rows, {table: TableThen(version, 100.0)}, at)


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        (found(), TableThen("1", 100.0), (10.0, 1.0)),
        (found(), TableThen("2", 100.0), (10.0, 0.7)),
        (found(), TableThen("2", 150.0), (15.0, 0.7 * 100 / 150)),
        (found(), TableThen("2", 201.0), None),
        (found(), TableThen("2", 49.0), None),
        (found(), TableThen("2", None), (10.0, 0.7)),
        (found(version="live"), TableThen("live", 100.0), (10.0, 1.0)),
        (found(version="live", at=NOW - timedelta(days=2)), TableThen("live", 100.0), (10.0, 0.25)),
    ],
)
def test_what_is_stale_is_discounted(then: Found, now: TableThen, expected: tuple[float, float] | None) -> None:
    observed = discounted(then, lambda _: now, NOW)
    assert (None if observed is None else (observed.rows, observed.weight)) == (
        None if expected is None else pytest.approx(expected)
    )


def test_it_lies_between_what_was_found_and_what_is_expected() -> None:
    observed = discounted(found(rows=10_000.0, version="0"), lambda _: TableThen("1", 100.0), NOW)
    assert observed is not None
    assert observed.beside(1.0) == pytest.approx(10_000**0.7)
    assert replace(observed, weight=1.0).beside(7.0) == pytest.approx(10_000.0)


@pytest.mark.parametrize(
    "other",
    [
        replace(ADA, name="bob"),
        replace(ADA, roles=frozenset({"ada", "sales"})),
        replace(ADA, session_user="bob"),
        replace(ADA, superuser=True),
        replace(ADA, claims=frozen_claims({"tenant": 7})),
    ],
)
def test_who_asks_decides(other: Principal) -> None:
    cache = FeedbackCache()
    cache.note({digest(asker_text(ADA), "part"): found()})
    for principal, expected in ((ADA, 10.0), (other, None)):
        feedback = cache.of(principal, [T, U], lambda _: TableThen("1", 100.0))
        assert feedback is not None
        observed = feedback.look_up("part")
        assert (observed and observed.rows) == expected


def test_only_so_much_is_kept() -> None:
    cache = FeedbackCache(most=3)
    cache.note({str(number): found(table=T) for number in range(3)})
    cache.note({"u": found(table=U)})
    assert not cache.knows("0") and cache.knows("u")
    cache.note({str(number): found(table=U) for number in range(3)})
    assert cache.of(ADA, [T], lambda _: TableThen("1", None)) is None  # nothing of this table is left
    assert cache.of(ADA, [U], lambda _: TableThen("1", None)) is not None


def test_what_was_found_later_counts() -> None:
    cache = FeedbackCache()
    cache.take({digest(asker_text(ADA), "part"): found(rows=5.0, at=NOW)})
    cache.take({digest(asker_text(ADA), "part"): found(rows=3.0, at=NOW - timedelta(hours=1))})
    feedback = cache.of(ADA, [T], lambda _: TableThen("1", 100.0))
    assert feedback is not None and (observed := feedback.look_up("part")) is not None
    assert observed.rows == 5.0
