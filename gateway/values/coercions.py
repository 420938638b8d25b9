"""Arrow arrays brought to the one layout that encoders of a PostgreSQL type expect; the declared type wins.

Each function returns how to convert arrays of one Arrow type, or None if such values cannot be of the type.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.values.fields import numbers_of, validity
from gateway.values.registry import FLOAT4, INT2, INT4, INT8, OID_TYPES, PostgresType, numeric_scale

Coercion = Callable[[pa.Array], pa.Array]

_MAX_SMALL_PRECISION, _MAX_PRECISION = 38, 76  # of decimal128 and decimal256
_INTEGERS = {INT2: pa.int16(), INT4: pa.int32(), INT8: pa.int64()}
_WIDEST_INTEGER = 20  # digits


def unchanged(values: pa.Array) -> pa.Array:
    """Return values that need no coercion."""
    return values


def is_text(kind: pa.DataType) -> bool:
    """Return whether a type is a string of any layout."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def is_bytes(kind: pa.DataType) -> bool:
    """Return whether a type is binary data of any layout."""
    types = pa.types
    variable = types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind)
    return bool(variable or types.is_fixed_size_binary(kind))


def to_boolean(arrow: pa.DataType) -> Coercion | None:
    """Return how to make booleans, which become bytes of 0 and 1."""
    if pa.types.is_boolean(arrow):
        return lambda values: values.cast(pa.uint8())
    if pa.types.is_integer(arrow):
        return lambda values: values.cast(pa.bool_()).cast(pa.uint8())
    return None


def to_integer(arrow: pa.DataType, target: PostgresType) -> Coercion | None:
    """Return how to make integers of the target's width: checked (22003), fractions rounded as PostgreSQL's casts."""
    kind = pa.uint32() if target.oid in OID_TYPES else _INTEGERS[target.oid]
    types = pa.types
    if types.is_integer(arrow):
        fits = arrow.bit_width < kind.bit_width and (types.is_signed_integer(kind) or types.is_unsigned_integer(arrow))
        if arrow == kind or fits:
            return unchanged
        return lambda values: _checked(values, kind, target)
    if types.is_boolean(arrow):
        return lambda values: values.cast(kind)
    if types.is_decimal(arrow):
        return lambda values: _checked(pc.round(values, 0, "half_towards_infinity"), kind, target)
    if types.is_floating(arrow):
        return lambda values: _checked(pc.round(values.cast(pa.float64()), 0, "half_to_even"), kind, target)
    return None


def to_float(arrow: pa.DataType, target: PostgresType) -> Coercion | None:
    """Return how to make floats of the target's width; values beyond it are errors (22003)."""
    kind = pa.float32() if target.oid == FLOAT4 else pa.float64()
    types = pa.types
    if arrow == kind:
        return unchanged
    if types.is_float64(arrow):
        return _to_float32
    if types.is_integer(arrow):
        return lambda values: values.cast(kind, safe=False)
    if types.is_floating(arrow):
        return lambda values: values.cast(kind)
    if types.is_decimal(arrow):
        return lambda values: _wide(values).cast(kind)
    return None


def to_numeric(arrow: pa.DataType, typmod: int) -> Coercion | None:
    """Return how to make integers or decimals (floats stay what they are unless a scale is declared)."""
    types = pa.types
    scale = numeric_scale(typmod)
    if types.is_integer(arrow):
        if scale is None or scale <= 0:
            return unchanged
        return lambda values: rescaled(values.cast(_decimal(_WIDEST_INTEGER)), scale)
    if types.is_decimal(arrow):
        wanted = max(arrow.scale if scale is None else scale, 0)
        if wanted == arrow.scale:
            return unchanged
        return lambda values: rescaled(values, wanted)
    if types.is_float16(arrow):
        return lambda values: values.cast(pa.float32())
    if types.is_floating(arrow):
        return unchanged
    return None


def to_date(arrow: pa.DataType) -> Coercion | None:
    """Return how to make date32; timestamps lose their time of day."""
    types = pa.types
    if types.is_date32(arrow):
        return unchanged
    if types.is_date64(arrow):
        return lambda values: values.cast(pa.date32())
    if types.is_timestamp(arrow):
        return lambda values: _without_zone(values).cast(pa.date32(), safe=False)
    return None


def to_time(arrow: pa.DataType) -> Coercion | None:
    """Return how to make time64 in microseconds; nanoseconds are cut off."""
    if pa.types.is_time(arrow):
        return lambda values: values.cast(pa.time64("us"), safe=False)
    return None


def to_timestamp(arrow: pa.DataType) -> Coercion | None:
    """Return how to make timestamps in microseconds without a zone; nanoseconds are cut off towards the past.

    With or without zone, the number is the same: the wall clock of UTC.
    """
    types = pa.types
    if types.is_timestamp(arrow):
        if arrow.unit == "ns":
            return _floored
        if arrow.unit == "us":
            return unchanged
        return lambda values: _widened(values, pa.timestamp("us"))
    if types.is_date(arrow):
        return lambda values: _widened(values.cast(pa.timestamp("s")), pa.timestamp("us"))
    return None


def _checked(values: pa.Array, kind: pa.DataType, target: PostgresType) -> pa.Array:
    try:
        return values.cast(kind)
    except pa.ArrowInvalid:
        name = "OID" if target.oid in OID_TYPES else target.sql_name
        raise SqlError(SqlState.NUMERIC_VALUE_OUT_OF_RANGE, f"{name} out of range") from None


def _to_float32(values: pa.Array) -> pa.Array:
    wide = numbers_of(values, np.float64)
    with np.errstate(over="ignore"):
        narrow = wide.astype(np.float32)
    if (np.isinf(narrow) & np.isfinite(wide)).any():
        raise SqlError(SqlState.NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow")
    return pa.array(narrow, mask=~validity(values))


def _decimal(precision: int, scale: int = 0) -> pa.DataType:
    return pa.decimal128(precision, scale) if precision <= _MAX_SMALL_PRECISION else pa.decimal256(precision, scale)


def _wide(values: pa.Array) -> pa.Array:
    """Return decimals of at least 128 bits: Arrow casts no smaller ones to floats."""
    kind = values.type
    return values.cast(_decimal(kind.precision, kind.scale)) if kind.bit_width < 128 else values


def rescaled(values: pa.Array, scale: int) -> pa.Array:
    """Return decimals with ``scale`` digits after the point: rounded half away from zero, or padded."""
    kind = values.type
    # One digit more than given: Arrow's round answers 0 where the result does not fit into the precision.
    precision = min(kind.precision + max(scale - kind.scale, 0) + 1, _MAX_PRECISION)
    try:
        if scale < kind.scale:
            values = pc.round(values.cast(_decimal(precision, kind.scale)), scale, "half_towards_infinity")
        return values.cast(_decimal(precision, scale))
    except pa.ArrowInvalid:
        message = "value overflows numeric format"
        raise SqlError(SqlState.NUMERIC_VALUE_OUT_OF_RANGE, message) from None


def _without_zone(values: pa.Array) -> pa.Array:
    return values.cast(pa.timestamp(values.type.unit, "UTC")).cast(pa.timestamp(values.type.unit))


def _floored(values: pa.Array) -> pa.Array:
    moments = numbers_of(values, np.int64) // 1000
    return pa.array(moments, pa.int64(), mask=~validity(values)).cast(pa.timestamp("us"))


def _widened(values: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        return values.cast(kind if values.type.tz is None else pa.timestamp(kind.unit, values.type.tz))
    except pa.ArrowInvalid:
        raise SqlError(SqlState.DATETIME_VALUE_OUT_OF_RANGE, "timestamp out of range") from None
