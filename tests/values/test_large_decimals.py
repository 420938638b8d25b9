"""Decimals at the edges of words: which way a block of them is split is decided by its largest value."""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from itertools import product
from struct import iter_unpack, unpack_from

import pyarrow as pa
import pytest

from gateway.values.fields import binary_of_field
from gateway.values.numbers import decimal_text, numeric_binary

EDGES = [0, 1, 10**8 - 1, 10**8, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**64 + 1, 10**19, 10**20, 2**96, 10**37]
VALUES = [*EDGES, *(-one for one in EDGES[1:])]
BLOCKS = [*([one] for one in VALUES), *([one, other] for one, other in product(VALUES, (1, -1, -(2**63), 2**64 - 1)))]


def _decimal(data: bytes) -> Decimal:
    count, weight, sign, scale = unpack_from(">hhHh", data)
    digits = [digit for (digit,) in iter_unpack(">h", data[8:])]
    assert len(digits) == count
    assert not digits or (digits[0] and digits[-1])
    number = sum(Decimal(digit).scaleb(4 * (weight - place)) for place, digit in enumerate(digits))
    return Decimal(-number if sign else number).quantize(Decimal(1).scaleb(-scale))


@pytest.mark.parametrize("kind", [pa.decimal128, pa.decimal256])
@pytest.mark.parametrize("scale", [0, 2, 7, 10, 17])
def test_every_digit_is_there(kind: type[pa.DataType], scale: int) -> None:
    with localcontext(Context(prec=60)):
        for block in BLOCKS:
            numbers = [Decimal(one).scaleb(-scale) for one in block]
            values = pa.array([*numbers, None], kind(38, scale))
            texts = binary_of_field(decimal_text(values)).to_pylist()
            assert texts == [*(f"{one:.{scale}f}".encode() for one in numbers), None]
            packed = binary_of_field(numeric_binary(values)).to_pylist()
            assert [None if one is None else _decimal(one) for one in packed] == [*numbers, None]
