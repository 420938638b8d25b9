"""Quotients of short numerics beside Python's own decimals, with the digits that PostgreSQL keeps."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext

import numpy as np
import pyarrow as pa
import pytest

from gateway.sql.engine_dialect.quotient_functions import divided, divided_digits

_EDGES = (0, 1, -1, 9, 10, 99, 101, 9_999, 10_000, 10_001, 99_999_999, 100_000_000, -333_333_333_333)


def _numerics(wholes: Sequence[int | None], scale: int) -> pa.Array:
    values = [None if one is None else Decimal(one).scaleb(-scale) for one in wholes]
    return pa.array(values, pa.decimal128(38, scale))


def _expected(left: Decimal | None, right: Decimal | None, least: int) -> Decimal | None:
    """What `select_div_scale` and `div_var` of PostgreSQL make of two numbers."""
    if left is None or right is None:
        return None
    groups = []
    for side in (abs(left), abs(right)):
        weight = next((one for one in range(6, -3, -1) if side >= Decimal(10_000) ** one), 0)
        groups.append((weight, int(side // Decimal(10_000) ** weight)))
    (weight, first), (other, second) = groups
    scale = min(max(16 - 4 * (weight - other - (first <= second)), least, 0), 28)
    with localcontext(prec=200):
        return (left / right).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)


def _checked(left: Sequence[int | None], right: Sequence[int | None], scales: tuple[int, int], least: int) -> None:
    one, other = _numerics(left, scales[0]), _numerics(right, scales[1])
    found = divided(one, other, pa.array([least] * len(left)))
    found.validate(full=True)
    expected = [_expected(*sides, least) for sides in zip(one.to_pylist(), other.to_pylist(), strict=True)]
    assert found.to_pylist() == expected
    texts = divided_digits(one, other, pa.array([least] * len(left)))
    texts.validate(full=True)
    assert texts.to_pylist() == [None if each is None else _shown(each) for each in expected]


def _shown(value: Decimal) -> str:
    return format(abs(value) if value == 0 else value, "f")


@pytest.mark.parametrize("scales", [(0, 0), (2, 4), (4, 2), (6, 0), (0, 6), (1, 5), (3, 3)])
@pytest.mark.parametrize(("above", "below"), [(9, 3), (15, 10), (12, 1), (4, 8), (18, 3), (6, 14)])
def test_quotients_are_those_of_exact_numbers(scales: tuple[int, int], above: int, below: int) -> None:
    room = 4 * ((max(scales) + 3) // 4)
    above, below = min(above, 18 - room + scales[0]), min(below, 14 - room + scales[1])
    random = np.random.default_rng([above, below, *scales])
    most, largest = 10**above, 10**below
    left = [int(one) for one in random.integers(-most, most, 400)]
    right = [int(one) or 1 for one in random.integers(-largest, largest, 400)]
    unit = 10.0 ** (scales[1] - scales[0])  # smaller ones have more digits than are held
    left = [one if abs(one * unit / other) > 1e-11 else 0 for one, other in zip(left, right, strict=True)]
    _checked(left, right, scales, max(scales))


def test_edges_and_nulls() -> None:
    left = [one for one in (*_EDGES, None) for _ in (*_EDGES, None)]
    right = [one for _ in (*_EDGES, None) for one in (*_EDGES, None)]
    known = [(one, other) for one, other in zip(left, right, strict=True) if other != 0]
    for scales in ((0, 0), (2, 2), (0, 2), (0, 3)):
        _checked([one for one, _ in known], [other for _, other in known], scales, max(scales))


def test_slices_begin_where_they_do() -> None:
    left, right = _numerics([1, 2, None, 7, 10], 2), _numerics([3, None, 3, 3, 4], 0)
    found = divided(left[1:], right[1:], pa.array([2] * 4))
    assert found.to_pylist() == divided(left, right, pa.array([2] * 5)).to_pylist()[1:]
    assert divided(left[:0], right[:0], pa.array([], pa.int64())).to_pylist() == []


def test_a_divisor_of_zero_is_an_error_unless_a_side_is_null() -> None:
    with pytest.raises(ZeroDivisionError, match=r"^\[22012\] division by zero$"):
        divided(_numerics([0], 0), _numerics([0], 0), pa.array([0]))
    assert divided(_numerics([None], 0), _numerics([0], 0), pa.array([0])).to_pylist() == [None]


def test_halves_go_away_from_zero() -> None:
    _checked([5, -5, 15, -15], [2_000_000_000_000] * 4, (0, 0), 0)
    _checked([10**17 + 1, -(10**17) - 1], [2, 2], (0, 0), 0)


def test_the_last_digit_beside_quotients_of_few_digits() -> None:
    _checked([4, None, 1_500_000, -2, 1, 1], [70_000, 1, 3, 300_000, 2_000_000, 9_000], (6, 0), 6)
