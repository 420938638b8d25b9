"""Arithmetic on bigints that do not wrap around, on Arrow arrays."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc


def plus(left: pa.Array, right: pa.Array) -> pa.Array:
    """Add bigints."""
    return _checked(pc.add_checked, left, right)


def minus(left: pa.Array, right: pa.Array) -> pa.Array:
    """Subtract bigints."""
    return _checked(pc.subtract_checked, left, right)


def times(left: pa.Array, right: pa.Array) -> pa.Array:
    """Multiply bigints."""
    return _checked(pc.multiply_checked, left, right)


def negated(values: pa.Array) -> pa.Array:
    """Return bigints of the other sign."""
    return _checked(pc.negate_checked, values)


def _checked(operation: Callable[..., pa.Array], *sides: pa.Array) -> pa.Array:
    try:
        return operation(*sides)
    except pa.ArrowInvalid:
        raise ValueError("[22003] bigint out of range") from None
