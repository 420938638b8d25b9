"""Functions that look at a batch as a whole, beside Python's own arithmetic of each value."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from gateway.sql.engine_dialect import float_functions, integer_functions, interval_functions, ordered_sets
from gateway.sql.engine_dialect.array_views import is_known, known_bits, viewed

_LEAST, _MOST = -(2**63), 2**63 - 1
_NUMBERS = [0, 1, -1, 7, -1000, 2**31, 2**32, -(2**40), 2**62, -(2**62), _MOST, _LEAST, None]


@pytest.mark.parametrize(
    ("function", "computed"),
    [
        (integer_functions.plus, lambda one, other: one + other),
        (integer_functions.minus, lambda one, other: one - other),
        (integer_functions.times, lambda one, other: one * other),
    ],
)
def test_bigints_are_exact_or_an_error(
    function: Callable[[pa.Array, pa.Array], pa.Array], computed: Callable[[int, int], int]
) -> None:
    for one in _NUMBERS:
        for other in _NUMBERS:
            left, right = pa.array([3, one], pa.int64())[1:], pa.array([other], pa.int64())
            expected = None if one is None or other is None else computed(one, other)
            if expected is None or _LEAST <= expected <= _MOST:
                assert function(left, right).to_pylist() == [expected]
            else:
                with pytest.raises(ValueError, match=r"^\[22003\] bigint out of range$"):
                    function(left, right)


def test_the_least_bigint_has_no_other_sign() -> None:
    assert integer_functions.negated(pa.array([1, None, _MOST])).to_pylist() == [-1, None, -_MOST]
    with pytest.raises(ValueError, match=r"^\[22003\] bigint out of range$"):
        integer_functions.negated(pa.array([1, _LEAST]))


def test_bits_of_slices() -> None:
    whole = pa.array([None if one % 3 == 0 else one for one in range(40)], pa.int64())
    other = pa.array([None if one % 5 == 0 else one for one in range(40)], pa.int64())
    for start in (0, 1, 7, 8, 9, 16, 40):
        one, two = whole[start:], other[start:]
        expected = [
            left is not None and right is not None for left, right in zip(one.to_pylist(), two.to_pylist(), strict=True)
        ]
        assert is_known(one, two).tolist() == expected
        held = viewed(one, np.int64).tolist()
        assert [value for value in one.to_pylist() if value is not None] == [
            held[at] for at in np.flatnonzero(is_known(one))
        ]
    assert known_bits(pa.array([1]), pa.array([2.0])) is None


_FLOATS = [0.0, -0.0, 1.5, -1e200, 1e200, 1e-200, 5e-324, math.inf, -math.inf, math.nan, -math.nan, None]


@pytest.mark.parametrize(
    "function", [float_functions.plus, float_functions.minus, float_functions.times, float_functions.divide]
)
def test_floats_of_a_batch_are_those_of_each_alone(function: Callable[[pa.Array, pa.Array], pa.Array]) -> None:
    pairs = [(one, other) for one in _FLOATS for other in _FLOATS]
    fine = []
    for one, other in pairs:
        try:
            fine.append((one, other, function(*(pa.array([side], pa.float64()) for side in (one, other)))[0].as_py()))
        except (ValueError, ZeroDivisionError):
            with pytest.raises((ValueError, ZeroDivisionError)):
                function(pa.array([1.0, one, None]), pa.array([2.0, other, 0.0]))
    found = function(*(pa.array([each[side] for each in fine], pa.float64()) for side in (0, 1)))
    assert list(map(_seen, found.to_pylist())) == [_seen(each[2]) for each in fine]
    assert not any(one is not None and math.isnan(one) and math.copysign(1, one) < 0 for one in found.to_pylist())


def _seen(value: float | None) -> str:
    return "nan" if value is not None and math.isnan(value) else repr(value)


def _age(late: dt.datetime, early: dt.datetime) -> tuple[int, int, int]:
    """PostgreSQL's ``timestamp_age`` of a later and an earlier timestamp."""
    months = (late.year - early.year) * 12 + late.month - early.month
    days = late.day - early.day
    micros = round((late - late.replace(hour=0, minute=0, second=0, microsecond=0)) / dt.timedelta(microseconds=1))
    micros -= round((early - early.replace(hour=0, minute=0, second=0, microsecond=0)) / dt.timedelta(microseconds=1))
    if micros < 0:
        micros, days = micros + 86_400_000_000, days - 1
    if days < 0:
        following = dt.date(early.year + early.month // 12, early.month % 12 + 1, 1)
        days += (following - dt.date(early.year, early.month, 1)).days
        months -= 1
    return months, days, micros * 1000


def test_ages_go_by_the_calendar() -> None:
    random = np.random.default_rng(3)
    first = dt.datetime(1, 1, 1)
    span = int((dt.datetime(9998, 12, 1) - first) / dt.timedelta(seconds=1))
    stamps = [
        first + dt.timedelta(seconds=int(one), microseconds=int(one) % 999_999)
        for one in random.integers(0, span, 4000)
    ]
    stamps += [
        dt.datetime(year, month, day)
        for year in (1899, 1900, 1996, 2000, 2100)
        for month, day in ((2, 28), (3, 1), (12, 31))
    ]
    left, right = stamps, stamps[::-1]
    found = interval_functions.age(pa.array(left, pa.timestamp("us")), pa.array(right, pa.timestamp("us"))).to_pylist()
    for one, other, age in zip(left, right, found, strict=True):
        expected = _age(max(one, other), min(one, other))
        assert tuple(age) == (expected if one >= other else tuple(-part for part in expected))


@pytest.mark.parametrize("kind", [pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64()])
def test_ordered_sets_are_those_of_each_list_sorted(kind: pa.DataType) -> None:
    random = np.random.default_rng(5)
    sizes = [*random.integers(0, 9, 60), 0, 1, 1, 130, 64, 65, 1000]
    lists: list[list[float] | None] = [
        [kind.to_pandas_dtype()(one).item() for one in random.integers(-9, 9, size)] for size in sizes
    ]
    lists[3] = None
    if pa.types.is_floating(kind):
        lists[5] = [math.nan, 1.0, math.nan, math.inf]
        lists[6] = [math.nan, -math.inf]
    column = pa.array(lists, pa.list_(pa.field("item", kind)))
    for part in (column, column[2:9], column[-1:], column[:0]):
        sorted_ = [sorted(one or [], key=lambda value: (math.isnan(value), value)) for one in part.to_pylist()]
        assert _shown(ordered_sets.mode(part)) == [_seen(_most_frequent(one)) for one in sorted_]
        for fraction in (0.0, 0.3, 0.5, 1.0, None):
            fractions = pa.array([fraction] * len(part), pa.float64())
            expected = [_seen(_at(one, fraction)) for one in sorted_]
            assert _shown(ordered_sets.discrete(part, fractions)) == expected
            downwards = [_seen(_at(one[::-1], fraction)) for one in sorted_]
            assert _shown(ordered_sets.discrete_downwards(part, fractions)) == downwards


def _shown(values: pa.Array) -> list[str]:
    values.validate(full=True)
    return [_seen(one) for one in values.to_pylist()]


def _at(values: list[float], fraction: float | None) -> float | None:
    return values[max(math.ceil(fraction * len(values)), 1) - 1] if values and fraction is not None else None


def _most_frequent(values: list[float]) -> float | None:
    counted = Counter("nan" if math.isnan(one) else one for one in values)
    found = max(counted, key=lambda one: counted[one], default=None)
    return math.nan if found == "nan" else found  # type: ignore[return-value]


def test_a_fraction_is_between_zero_and_one() -> None:
    with pytest.raises(ValueError, match=r"^\[22003\]"):
        ordered_sets.discrete(pa.array([[1]]), pa.array([1.01]))
