"""Numerics made of whole numbers and powers of ten, beside Python's own decimals."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext

import numpy as np
import pyarrow as pa
import pytest

from gateway.sql.engine_dialect.fixed_numerics import MOST_SCALE, rounded
from gateway.sql.engine_dialect.number_functions import real_to_numeric, to_numeric
from gateway.sql.engine_dialect.wide_decimals import wide_decimals

_SMALLEST = Decimal(1).scaleb(-28)


def test_products_are_exact() -> None:
    random = np.random.default_rng(4)
    wholes = random.integers(0, 10**15, 500).astype(np.uint64)
    powers = random.integers(0, 61, 500)
    negative = random.random(500) < 0.5
    found = wide_decimals(wholes, powers, negative, pa.nulls(500, pa.int64()).fill_null(0))
    found.validate(full=True)
    with localcontext(prec=100):
        expected = [
            (-1 if below else 1) * int(whole) * Decimal(10) ** int(power) * _SMALLEST
            for whole, power, below in zip(wholes, powers, negative, strict=True)
        ]
    assert found.to_pylist() == expected


def test_nulls_stay_and_slices_begin_where_they_do() -> None:
    given = pa.array([9.0, None, -0.25, 0.0, 1e30])[1:]
    assert to_numeric(given).to_pylist() == [None, Decimal("-0.25"), Decimal(0), Decimal(10) ** 30]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (0.1, "0.1"),
        (1 / 3, "0.333333333333333"),
        (123456789.123456789, "123456789.123457"),
        (1e-28, "1e-28"),
        (5e-29, "1e-28"),
        (4.9e-29, "0"),
        (-1.5e-28, "-2e-28"),
        (1e-300, "0"),
        (5e-324, "0"),
        (9.99999999999999e46, "9.99999999999999e46"),
    ],
)
def test_floats_have_fifteen_digits(given: float, expected: str) -> None:
    assert to_numeric(pa.array([given])).to_pylist() == [Decimal(expected)]


@pytest.mark.parametrize("scale", range(MOST_SCALE + 1))
def test_floats_of_a_known_scale_are_rounded_as_their_fifteen_digits(scale: int) -> None:
    random = np.random.default_rng(scale)
    sizes = 10.0 ** random.integers(-12, 14 - scale, 3000)
    halves = (random.integers(-(10**6), 10**6, 3000) + 0.5) / 10**scale
    near = np.nextafter(halves, random.choice([-np.inf, np.inf], 3000))
    shorter = random.integers(-(10**9), 10**9, 3000) / 10 ** (scale + 1)
    every = [random.normal(0, 1, 3000) * sizes, halves, near, near * (1 + 4e-15), shorter, np.array([0.0, -0.0, 1e14])]
    for some in every:
        given = pa.array(some, mask=random.random(len(some)) < 0.1)[1:]
        found = rounded(scale, given)
        found.validate(full=True)
        unit = Decimal(1).scaleb(-scale)
        with localcontext(prec=60):
            expected = [
                None if one is None else Decimal(f"{one:.15g}").quantize(unit, ROUND_HALF_UP)
                for one in given.to_pylist()
            ]
        assert found.to_pylist() == expected


def test_floats_beyond_a_numeric_are_an_error() -> None:
    assert rounded(2, pa.array([1e30])).to_pylist() == [Decimal(10) ** 30]
    with pytest.raises(ValueError, match=r"^\[22003\] numeric field overflow$"):
        rounded(2, pa.array([1e37]))
    with pytest.raises(ValueError, match=r"^\[0A000\]"):
        rounded(2, pa.array([1.0, float("nan")]))


def test_fifteen_digits_are_the_nearest_where_a_sixteenth_is_a_five() -> None:
    random = np.random.default_rng(7)
    written = [f"{one}5e{power}" for one in random.integers(10**14, 10**15, 2000) for power in (-22, -9, -3, 0, 2, 5)]
    given = [near for one in map(float, written) for near in (one, np.nextafter(one, 0), np.nextafter(one, np.inf))]
    assert to_numeric(pa.array(given)).to_pylist() == [Decimal(f"{one:.15g}") for one in given]


def test_reals_have_six_digits() -> None:
    given = pa.array([0.1, 1234567.0], pa.float32())
    assert real_to_numeric(given).to_pylist() == [Decimal("0.1"), Decimal(1234570)]


@pytest.mark.parametrize("given", [1e48, -1e200, float("inf"), float("nan")])
def test_what_numerics_do_not_hold_is_refused(given: float) -> None:
    with pytest.raises(ValueError, match=r"\[0A000\]"):
        to_numeric(pa.array([1.0, given]))
