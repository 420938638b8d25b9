"""Record batches as ADBC reads them from PostgreSQL, brought to a scan's schema without loss, whole columns at a time.

What Arrow cannot hold is an error that names the column, never a wrong value: infinite and out-of-range dates, decimals
with too many digits, arrays that are not plain lists.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

ODD_ARRAYS = "?odd arrays"  # a column that the remote query adds: true where an array is not a plain list

# 4713 BC, PostgreSQL's first day, in the Unix epoch. What lies before it is infinity or a date after the last one Arrow
# holds: the driver adds the distance of the epochs and lets both wrap around into this range.
_EPOCH_DAYS = 10_957  # from Unix's epoch to PostgreSQL's
_FIRST_DAY = -2_440_588
_FIRST_MICROSECOND = _FIRST_DAY * 86_400_000_000
_MICROSECONDS_A_DAY = 86_400_000_000
_INFINITE_DAY, _INFINITE_MICROSECOND = 2**31 - 1, 2**63 - 1


def decode(batch: pa.RecordBatch, schema: pa.Schema, source: str, *, infinite: bool = False) -> pa.RecordBatch:
    """Return the batch with the columns of ``schema``, which come first in it. ``infinite``: infinite dates and
    timestamps become the highest and lowest numbers of their types. Raises SqlError.
    """
    if batch.num_columns > len(schema) and pc.any(batch.column(len(schema))).as_py():
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED,
            f'source "{source}" returned an array of several dimensions, or one that does not start at 1',
            hint="Leave the column out, or flatten it in a view of the source.",
        )
    columns = []
    for index, field in enumerate(schema):
        try:
            column = batch.column(index)
            columns.append(_with_infinity(column, field.type) if infinite else _column(column, field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OverflowError):
            raise _does_not_fit(field, source) from None
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _column(array: pa.Array, target: pa.DataType) -> pa.Array:
    if isinstance(array, pa.ExtensionArray):  # numeric, which ADBC hands over as opaque text
        array = array.storage
    if pa.types.is_list(target) and array.type != target:
        items = _column(array.values, target.value_type)
        validity = array.buffers()[0]
        return pa.Array.from_buffers(
            target, len(array), [validity, array.buffers()[1]], offset=array.offset, children=[items]
        )
    if pa.types.is_decimal(target):
        return _unscaled(array, target) if pa.types.is_integer(array.type) else _parsed(array, target)
    _require_finite(array)
    return array if array.type == target else array.cast(target)


def _unscaled(array: pa.Array, target: pa.Decimal128Type) -> pa.Array:
    """Return bigints as the decimals whose digits they are."""
    return array.cast(pa.decimal128(19, 0)).view(target)


def _parsed(array: pa.Array, target: pa.DataType) -> pa.Array:
    """Return texts as decimals. The cast itself does not see that a number has too many digits, so they are counted."""
    whole, scale = target.precision - target.scale, target.scale
    digits = rf"\d{{1,{whole}}}" if whole else "0"
    fits = pc.match_substring_regex(array, rf"^-?{digits}(\.\d{{0,{scale}}}0*)?$")
    if pc.any(pc.invert(fits)).as_py():
        raise pa.ArrowInvalid("digits")
    return array.cast(target)


def _with_infinity(array: pa.Array, target: pa.DataType) -> pa.Array:
    """As `_column`, with infinite dates and timestamps as the highest and lowest number: the driver has moved them by
    the distance of the epochs.
    """
    kind = array.type
    if pa.types.is_date32(kind):
        numbers, most, distance = array.view(pa.int32()), _INFINITE_DAY, _EPOCH_DAYS
    elif pa.types.is_timestamp(kind) and kind == target:
        numbers, most, distance = array.view(pa.int64()), _INFINITE_MICROSECOND, _EPOCH_DAYS * _MICROSECONDS_A_DAY
    else:
        return _column(array, target)
    highest, lowest = (pa.scalar(-most - back + distance, numbers.type) for back in (2, 1))
    is_infinite = pc.or_(pc.equal(numbers, highest), pc.equal(numbers, lowest))
    _require_finite(pc.if_else(is_infinite, pa.scalar(None, numbers.type), numbers).view(kind))
    found = pc.if_else(pc.equal(numbers, highest), pa.scalar(most, numbers.type), numbers)
    return pc.if_else(pc.equal(numbers, lowest), pa.scalar(-most - 1, numbers.type), found).view(target)


def _require_finite(array: pa.Array) -> None:
    """Raise for dates and times that Arrow's type does not hold, also inside of lists."""
    arrow = array.type
    if pa.types.is_list(arrow):
        _require_finite(array.values)
    elif pa.types.is_date32(arrow):
        _require_between(array.view(pa.int32()), _FIRST_DAY, _INFINITE_DAY - 1)
    elif pa.types.is_timestamp(arrow):
        _require_between(array.view(pa.int64()), _FIRST_MICROSECOND, _INFINITE_MICROSECOND - 1)
    elif pa.types.is_time64(arrow):
        _require_between(array.view(pa.int64()), 0, _MICROSECONDS_A_DAY - 1)


def _require_between(numbers: pa.Array, least: int, most: int) -> None:
    extent = pc.min_max(numbers)
    low, high = extent["min"].as_py(), extent["max"].as_py()
    if low is not None and (low < least or high > most):
        raise OverflowError


def _does_not_fit(field: pa.Field, source: str) -> SqlError:
    arrow = field.type.value_type if pa.types.is_list(field.type) else field.type
    if pa.types.is_temporal(arrow):
        state, what = SqlState.DATETIME_VALUE_OUT_OF_RANGE, "infinite, or out of range"
        hint = "Replace infinity and 24:00 in a view of the source."
    elif pa.types.is_decimal(arrow):
        state, what = SqlState.NUMERIC_VALUE_OUT_OF_RANGE, f"no numeric({arrow.precision},{arrow.scale})"
        hint = "Give the column a precision, or set the source's numeric_scale."
    else:
        state, what, hint = SqlState.DATA_EXCEPTION, f"not readable as {field.type}", "Refresh the source's catalogue."
    message = f'column "{field.name}" of source "{source}" holds a value that is {what}'
    return SqlError(state, message, hint=hint)
