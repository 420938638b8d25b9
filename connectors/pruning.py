"""Which files of a snapshot may hold rows that a comparison accepts: bounds and null counts against constants.

A file is left out only where its statistics prove that no row can match; whatever is unknown keeps the file.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from catalog.scans import Comparison, Keys

Mask = npt.NDArray[np.bool_]

_MOST_VALUES = 100  # of an IN list are compared one by one; a longer list by its smallest and largest
_MOST_KEYS = 10_000  # that are looked up among the bounds; of more too the smallest and largest


@dataclass(frozen=True, slots=True)
class Bounds:
    """Statistics of one column, an entry a file; NULL where unknown.

    ``lower`` and ``upper`` may be wider than the values but never narrower (NaN left out); with ``exact`` every row of
    the file has the value ``lower``. ``nulls`` and ``rows`` are counts. ``nans`` says that NaN may occur besides.
    """

    lower: pa.Array
    upper: pa.Array
    nulls: pa.Array
    rows: pa.Array
    exact: bool = False
    nans: bool = True


def may_match(comparison: Comparison, bounds: Bounds) -> Mask:
    """Return for each file whether a row of it may satisfy the comparison."""
    if comparison.operator == "is_null":
        return _known_true(pc.not_equal(bounds.nulls, 0))
    some_value = _known_true(pc.less(bounds.nulls, bounds.rows))
    if comparison.operator == "is_not_null":
        return some_value
    values = _comparable(comparison.values, bounds.lower.type)
    if not values or comparison.operator not in _TESTS:
        return some_value
    try:
        return some_value & _TESTS[comparison.operator](values, bounds)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # a type without an order: nothing is proven
        return some_value


def may_hold(keys: pa.Array, bounds: Bounds) -> Mask:
    """Return for each file whether a row of it may have one of the keys, which are sorted."""
    some_value = _known_true(pc.less(bounds.nulls, bounds.rows))
    if not len(keys):
        return np.zeros(len(some_value), dtype=np.bool_)
    if pa.types.is_floating(bounds.lower.type):
        return some_value
    if len(keys) > _MOST_KEYS:
        keys = pa.concat_arrays([keys[:1], keys[-1:]])
        is_range = True
    else:
        is_range = False
    try:
        lower, upper, wanted = (_ordered(one, keys) for one in (bounds.lower, bounds.upper, keys))
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # a type without an order: nothing is proven
        return some_value
    if is_range:
        found = (lower <= wanted[-1]) & (upper >= wanted[0])
    else:
        place = np.searchsorted(wanted, lower)
        found = (place < len(wanted)) & (wanted[np.minimum(place, len(wanted) - 1)] <= upper)
    known = pc.and_(pc.is_valid(bounds.lower), pc.is_valid(bounds.upper)).to_numpy(zero_copy_only=False)
    held: Mask = some_value & (np.asarray(found, dtype=np.bool_) | ~known)
    return held


def _ordered(values: pa.Array, keys: pa.Array) -> npt.NDArray[Any]:
    """Return bounds or keys as an array that numpy orders as PostgreSQL does; the first key stands for NULL."""
    filled = pc.fill_null(values.cast(keys.type), keys[0])
    if pa.types.is_date32(filled.type):
        filled = filled.cast(pa.int32())
    elif pa.types.is_timestamp(filled.type):
        filled = filled.cast(pa.int64())
    return np.asarray(filled.to_numpy(zero_copy_only=False))


def comparisons_of(keys: Keys) -> tuple[Comparison, ...]:
    """Return what is true of a column's values if they are keys, in comparisons with few constants."""
    values = keys.values
    if len(values) <= _MOST_VALUES:
        return (Comparison(keys.column, "in", tuple(values)),)
    return Comparison(keys.column, ">=", (values[0],)), Comparison(keys.column, "<=", (values[-1],))


def exact_values(values: pa.Array) -> Bounds:
    """Return the bounds of a column that is constant in each file, as partition columns are."""
    nulls = pc.cast(pc.is_null(values), pa.int64())
    rows = pa.array(np.ones(len(values), dtype=np.int64))
    return Bounds(values, values, nulls, rows, exact=True)


def without_nan(values: pa.Array) -> pa.Array:
    """Return the bounds with NaN, which bounds nothing, made unknown."""
    if not pa.types.is_floating(values.type):
        return values
    return pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)


def _known_true(result: pa.Array) -> Mask:
    """Return ``result`` with unknown counted as true."""
    filled = pc.fill_null(result, True) if result.null_count else result
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _comparable(values: tuple[pa.Scalar, ...], arrow_type: pa.DataType) -> tuple[pa.Scalar, ...]:
    """Return the values in the bounds' type, or nothing where one is NULL, NaN or not exactly of that type."""
    converted = []
    for value in values:
        if not value.is_valid:
            return ()
        try:
            cast = value.cast(arrow_type)
            if not cast.cast(value.type).equals(value):
                return ()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return ()
        if pa.types.is_floating(arrow_type) and math.isnan(cast.as_py()):
            return ()
        converted.append(cast)
    return tuple(converted)


def _equal(values: tuple[pa.Scalar, ...], bounds: Bounds) -> Mask:
    lower, upper = without_nan(bounds.lower), without_nan(bounds.upper)
    return _known_true(pc.less_equal(lower, values[0])) & _known_true(pc.greater_equal(upper, values[0]))


def _not_equal(values: tuple[pa.Scalar, ...], bounds: Bounds) -> Mask:
    if bounds.exact:
        return _known_true(pc.not_equal(bounds.lower, values[0]))
    return np.ones(len(bounds.lower), dtype=np.bool_)


def _less(values: tuple[pa.Scalar, ...], bounds: Bounds) -> Mask:
    return _known_true(pc.less(without_nan(bounds.lower), values[0]))


def _less_equal(values: tuple[pa.Scalar, ...], bounds: Bounds) -> Mask:
    return _known_true(pc.less_equal(without_nan(bounds.lower), values[0]))


def _greater(values: tuple[pa.Scalar, ...], bounds: Bounds) -> Mask:
    return _above(pc.greater, values, bounds)


def _greater_equal(values: tuple[pa.Scalar, ...], bounds: Bounds) -> Mask:
    return _above(pc.greater_equal, values, bounds)


def _above(compare: Callable[..., pa.Array], values: tuple[pa.Scalar, ...], bounds: Bounds) -> Mask:
    """Compare from above. NaN is greater than every number and is in no bounds, so it hides what is above them."""
    if bounds.nans and pa.types.is_floating(bounds.upper.type):
        return np.ones(len(bounds.upper), dtype=np.bool_)
    return _known_true(compare(without_nan(bounds.upper), values[0]))


def _in(values: tuple[pa.Scalar, ...], bounds: Bounds) -> Mask:
    if len(values) > _MOST_VALUES:
        extent = pc.min_max(pa.array([value.as_py() for value in values], type=bounds.lower.type))
        lower, upper = without_nan(bounds.lower), without_nan(bounds.upper)
        return _known_true(pc.less_equal(lower, extent["max"])) & _known_true(pc.greater_equal(upper, extent["min"]))
    found = np.zeros(len(bounds.lower), dtype=np.bool_)
    for value in values:
        found |= _equal((value,), bounds)
    return found


_TESTS: dict[str, Callable[[tuple[pa.Scalar, ...], Bounds], Mask]] = {
    "=": _equal,
    "<>": _not_equal,
    "<": _less,
    "<=": _less_equal,
    ">": _greater,
    ">=": _greater_equal,
    "in": _in,
}
