"""Arithmetic on floats as PostgreSQL checks it, on Arrow arrays: infinity that was not given is an error.

A NaN that comes out has no sign: processors give it one (``inf - inf``), and the engine takes it for the least value
then.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.sql.engine_dialect.array_views import is_known, known_bits, made, viewed

_OVERFLOW = "[22003] value out of range: overflow"
_OUTSIDE = "[22003] input is out of range"
_UNDERFLOW = "[22003] value out of range: underflow"


def plus(left: pa.Array, right: pa.Array) -> pa.Array:
    """Add floats."""
    return _finite(pc.add(left, right), left, right)


def minus(left: pa.Array, right: pa.Array) -> pa.Array:
    """Subtract floats."""
    return _finite(pc.subtract(left, right), left, right)


def times(left: pa.Array, right: pa.Array) -> pa.Array:
    """Multiply floats."""
    product = pc.multiply(left, right)
    if _are_usual(product, left, right):
        return product
    product = _finite(product, left, right)
    zero = pc.equal(product, 0.0)
    if pc.any(zero).as_py():
        given = pc.or_(pc.equal(left, 0.0), pc.equal(right, 0.0))
        if pc.any(pc.and_not(zero, given)).as_py():
            raise ValueError(_UNDERFLOW)
    return product


def divide(left: pa.Array, right: pa.Array) -> pa.Array:
    """Divide floats; a zero divisor is an error, but of NaN."""
    quotient = pc.divide(left, right)
    if _are_usual(quotient, left):
        return quotient
    if pc.any(pc.and_(pc.equal(right, 0.0), pc.invert(pc.is_nan(left)))).as_py():
        raise ZeroDivisionError("[22012] division by zero")
    if pc.any(pc.and_(pc.is_inf(quotient), pc.is_finite(left))).as_py():
        raise ValueError(_OVERFLOW)
    if pc.any(pc.and_(pc.equal(quotient, 0.0), pc.and_(pc.not_equal(left, 0.0), pc.is_finite(right)))).as_py():
        raise ValueError(_UNDERFLOW)
    return _without_sign_of_nan(quotient)


def round_to_even(values: pa.Array) -> pa.Array:
    """Round floats to whole numbers, halves to even."""
    return _signless(made(values.type, np.rint(viewed(values, np.float64)), known_bits(values)))


def truncated(values: pa.Array) -> pa.Array:
    """Cut floats at the point; of -0.5 that is -0, which the engine's own does not know."""
    return _signless(made(values.type, np.trunc(viewed(values, np.float64)), known_bits(values)))


def power(base: pa.Array, exponent: pa.Array) -> pa.Array:
    """Raise floats to powers."""
    found = pc.power(base, exponent)
    if _are_usual(found):
        return found
    if pc.any(pc.and_(pc.equal(base, 0.0), pc.less(exponent, 0.0))).as_py():
        raise ValueError("[2201F] zero raised to a negative power is undefined")
    broken = pc.and_(pc.not_equal(pc.floor(exponent), exponent), pc.is_finite(exponent))
    if pc.any(pc.and_(pc.less(base, 0.0), broken)).as_py():
        raise ValueError("[2201F] a negative number raised to a non-integer power yields a complex result")
    found = _finite(found, base, exponent)
    zero = pc.equal(found, 0.0)
    if pc.any(zero).as_py():
        given = pc.or_(pc.equal(base, 0.0), pc.or_(pc.is_inf(base), pc.is_inf(exponent)))
        if pc.any(pc.and_not(zero, given)).as_py():
            raise ValueError(_UNDERFLOW)
    return found


def exponential(values: pa.Array) -> pa.Array:
    """Return e to the power of floats."""
    found = pc.exp(values)
    if _are_usual(found):
        return found
    found = _finite(found, values)
    if pc.any(pc.and_(pc.equal(found, 0.0), pc.is_finite(values))).as_py():
        raise ValueError(_UNDERFLOW)
    return found


def natural_logarithm(values: pa.Array) -> pa.Array:
    """Return natural logarithms of positive numbers."""
    _check_positive(values)
    return _signless(pc.ln(values))


def decimal_logarithm(values: pa.Array) -> pa.Array:
    """Return logarithms to base ten of positive numbers."""
    _check_positive(values)
    return _signless(pc.log10(values))


def _check_positive(values: pa.Array) -> None:
    least = pc.min(values).as_py()
    if least is not None and least <= 0:
        number = "zero" if least == 0 else "a negative number"
        raise ValueError(f"[2201E] cannot take logarithm of {number}")


def bounded(values: pa.Array) -> pa.Array:
    """Return floats as they are. Raises 22003 for infinite ones, of which there is no sine."""
    if _are_finite(values):
        return values
    if pc.any(pc.is_inf(values)).as_py():
        raise ValueError(_OUTSIDE)
    return _without_sign_of_nan(values)


def within_one(values: pa.Array) -> pa.Array:
    """Return floats as they are. Raises 22003 for those beyond -1 and 1, which are no sines."""
    if len(values) and np.abs(viewed(values, np.float64)).max() <= 1.0:
        return values
    if pc.any(pc.greater(pc.abs(values), 1.0)).as_py():
        raise ValueError(_OUTSIDE)
    return _without_sign_of_nan(values)


def to_real(values: pa.Array) -> pa.Array:
    """Make reals of doubles. NaN loses its sign."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        short = viewed(values, np.float64).astype(np.float32)
    made_short = made(pa.float32(), short, known_bits(values))
    if _are_usual(made_short):
        return made_short
    wide = pc.fill_null(values, 0.0).to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore", under="ignore"):
        narrow = wide.astype(np.float32)
    if (np.isinf(narrow) & np.isfinite(wide)).any():
        raise ValueError(_OVERFLOW)
    if ((narrow == 0) & (wide != 0)).any():
        raise ValueError(_UNDERFLOW)
    return _without_sign_of_nan(made(pa.float32(), narrow, known_bits(values)))


def _data(values: pa.Array) -> npt.NDArray[np.floating[Any]]:
    return viewed(values, np.float32 if values.type == pa.float32() else np.float64)


def _are_finite(values: pa.Array) -> bool:
    """Whether all values are finite, told by their sum; of very large ones, and of some NULLs, it may say that they are
    not.
    """
    with np.errstate(all="ignore"):
        return math.isfinite(np.add.reduce(_data(values)))


def _are_usual(values: pa.Array, *zeros_of: pa.Array) -> bool:
    """Whether all values are finite, and 0 only where one of ``zeros_of`` is: then nothing was divided by 0, nothing
    has overflowed or become too small, and none is NaN. It is told in a fraction of the time that Arrow's kernels take
    for each of that.
    """
    data = _data(values)
    odd = data == 0
    if zeros_of and odd.any():
        for given in zeros_of:
            odd &= _data(given) != 0
    if not _are_finite(values):
        odd |= ~np.isfinite(data)
    if not odd.any():
        return True
    return bool(values.null_count) and not (odd & is_known(values)).any()


def _finite(result: pa.Array, *given: pa.Array) -> pa.Array:
    if _are_finite(result):
        return result
    finite = pc.is_finite(result)
    if pc.all(finite).as_py() is False:
        odd = pc.invert(finite)
        for values in given:
            odd = pc.and_(odd, pc.is_finite(values))
        if pc.any(odd).as_py():
            raise ValueError(_OVERFLOW)
        return _without_sign_of_nan(result)
    return result


def _signless(values: pa.Array) -> pa.Array:
    return values if _are_finite(values) else _without_sign_of_nan(values)


def _without_sign_of_nan(values: pa.Array) -> pa.Array:
    found = pc.is_nan(values)
    return pc.if_else(found, pa.scalar(float("nan"), values.type), values) if pc.any(found).as_py() else values
