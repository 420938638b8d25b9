"""Floats and texts that are declared numeric: the shortest digits of a float become the digits of the number."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.values.coercions import rescaled
from gateway.values.fields import Bools, Field, Int64s, binary_of_field, field_of_binary
from gateway.values.floats import plain_float_text
from gateway.values.numbers import decimal_text, numeric_binary

_MAX_PRECISION = 76
# Sign and scale as the binary format has them, for what has no digits.
_SPECIAL = {"NaN": 0xC000_0000, "Infinity": 0xD000_0020, "-Infinity": 0xF000_0020}


def numeric_float_text(values: pa.Array, scale: int | None) -> Field:
    """Encode floats as numeric text, with ``scale`` digits behind the point if one is declared."""
    texts = plain_float_text(values)
    if scale is None:
        return field_of_binary(pc.if_else(pc.equal(texts, "-0"), "0", texts))
    finite = _finite(values)
    rounded = binary_of_field(decimal_text(rescaled(_decimals(texts, finite)[0], max(scale, 0))))
    return field_of_binary(pc.if_else(pa.array(finite), rounded, texts.cast(pa.binary())))


def numeric_float_binary(values: pa.Array, scale: int | None) -> Field:
    """Encode floats in the binary numeric format, with ``scale`` digits behind the point if one is declared."""
    return numeric_text_binary(plain_float_text(values), scale)


def numeric_text_binary(texts: pa.Array, scale: int | None) -> Field:
    """Encode numbers given as text (without exponents) in the binary numeric format, with ``scale`` digits behind the
    point if one is declared. Raises SqlError (22P02) for what is no number.
    """
    special = np.zeros(len(texts), np.int64)
    for name, code in _SPECIAL.items():
        special[pc.fill_null(pc.equal(texts, name), False).to_numpy(zero_copy_only=False)] = code
    try:
        decimals, scales = _decimals(texts, special == 0)
    except pa.ArrowInvalid:
        raise SqlError(SqlState.INVALID_TEXT_REPRESENTATION, "invalid input syntax for type numeric") from None
    if scale is not None:
        decimals = rescaled(decimals, max(scale, 0))
        scales = np.full(len(texts), max(scale, 0), np.int64)
    return numeric_binary(decimals, scales, special)


def _finite(values: pa.Array) -> Bools:
    """Return which values are numbers; NULLs count as such."""
    finite: Bools = pc.fill_null(pc.is_finite(values), True).to_numpy(zero_copy_only=False)
    return finite


def _decimals(texts: pa.Array, finite: Bools) -> tuple[pa.Array, Int64s]:
    """Return numbers as decimals, zero for what is not finite, and how many digits each has behind the point.

    Raises SqlError (22003) if numbers of one block together need more than 76 digits.
    """
    plain = pc.if_else(pa.array(finite), texts, "0")
    whole = pc.utf8_length(pc.replace_substring_regex(plain, r"\..*", ""))
    scales = pc.subtract(pc.utf8_length(plain), whole)
    scales = pc.fill_null(pc.max_element_wise(pc.subtract(scales, 1), 0), 0).to_numpy(zero_copy_only=False)
    most = int(scales.max(initial=0))
    precision = most + int(pc.max(whole).as_py() or 1)
    if precision > _MAX_PRECISION:
        raise SqlError(SqlState.NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
    kind = pa.decimal128(38, most) if precision <= 38 else pa.decimal256(_MAX_PRECISION, most)
    return plain.cast(kind), scales.astype(np.int64)
