"""Floats as numerics of a known number of digits behind the point, on Arrow arrays."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.sql.engine_dialect.array_views import decimals, known_bits, viewed
from gateway.sql.engine_dialect.number_functions import to_numeric

MOST_SCALE = 9
_FIFTEEN_DIGITS = 1e15
_ERROR = 1e-14  # of a number that is rounded to fifteen digits, with that of a product


def rounded(scale: int, values: pa.Array) -> pa.Array:
    """Return floats as numerics with so many digits behind the point.

    PostgreSQL writes a float with fifteen significant digits, and rounds those. Where these reach behind the last digit
    that is kept, only numbers next to a half may be rounded otherwise than at once: they are asked for one by one.
    """
    kind = pa.decimal128(38, scale)
    with np.errstate(all="ignore"):
        digits = viewed(values, np.float64) * 10.0**scale
        size = np.abs(digits)
        if not len(digits) or not size.max() < _FIFTEEN_DIGITS:  # or NaN
            return _in_general(values, kind)
        nearest = np.rint(digits)
        half = np.abs(np.abs(digits - nearest) - 0.5) <= size * _ERROR
    wholes = nearest.astype(np.int64)
    if half.any():
        doubtful = np.flatnonzero(half)
        some = _in_general(values.take(pa.array(doubtful)), kind)
        wholes[doubtful] = viewed(some, np.dtype(("<i8", 2)))[:, 0]
    return decimals(wholes, kind, known_bits(values))


def _in_general(values: pa.Array, kind: pa.Decimal128Type) -> pa.Array:
    wide = pc.round(to_numeric(values), ndigits=kind.scale, round_mode="half_towards_infinity")
    try:
        return wide.cast(pa.decimal256(76, kind.scale)).cast(kind)
    except pa.ArrowInvalid:
        raise ValueError("[22003] numeric field overflow") from None
