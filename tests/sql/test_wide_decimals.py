"""Numerics made of whole numbers and powers of ten, beside Python's own decimals."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pyarrow as pa
import pytest

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


def test_reals_have_six_digits() -> None:
    given = pa.array([0.1, 1234567.0], pa.float32())
    assert real_to_numeric(given).to_pylist() == [Decimal("0.1"), Decimal(1234570)]


@pytest.mark.parametrize("given", [1e48, -1e200, float("inf"), float("nan")])
def test_what_numerics_do_not_hold_is_refused(given: float) -> None:
    with pytest.raises(ValueError, match=r"\[0A000\]"):
        to_numeric(pa.array([1.0, given]))
