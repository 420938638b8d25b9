"""Blocks of few rows: the values of all columns are laid together, so that numpy is called as often for twenty columns
as for one.

Each column becomes Arrow views of its values as they are on the wire, most types in one Arrow cast. That gives the same
bytes as `rows`, a quarter of its time for one row of nine columns, half of it for 256, and takes longer for thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.values import coercions
from gateway.values.datetimes import are_usual_days, date_text
from gateway.values.fields import (
    LENGTH_BYTES,
    VIEW,
    Field,
    binary_of_views,
    field_of_binary,
    numbers_of,
    views_of_field,
)
from gateway.values.numbers import integer_text
from gateway.values.registry import BOOL, NUMERIC
from gateway.values.settings import TEXT, OutputColumn

Viewer = Callable[[pa.Array], pa.Array]

FEW_ROWS = 256
FEW_BYTES = 1 << 20
_HEADER_BYTES = 7  # type, int32 length, int16 number of columns
_CAST = pc.get_function("cast")
_TO_VIEWS = pc.CastOptions.safe(VIEW)
_PLAIN_SCALE = 6  # beyond it Arrow writes small decimals with an exponent
_NULL_LENGTH, _NOTHING = np.uint32(0xFFFFFFFF), np.uint32(0)
_ON_WIRE = np.dtype(">u4")
_VIEW_BYTES = 16
_DATA_AT = 4  # in a view: its length is before
_LENGTH_AT = _DATA_AT + 1  # of the message, behind its type


def viewer(arrow: pa.DataType, column: OutputColumn, encode: Callable[[pa.Array], Field]) -> Viewer:
    """Return what makes views of a column's values; ``encode`` is the column's encoder of many rows."""
    if encode is field_of_binary and pa.types.is_string_view(arrow):
        return coercions.unchanged
    if encode is integer_text or (encode is field_of_binary and pa.types.is_string(arrow)):
        return _cast
    if encode is date_text:
        return _dates
    if column.format == TEXT and pa.types.is_boolean(arrow) and column.oid == BOOL:
        return _booleans
    if column.format == TEXT and column.oid == NUMERIC and _is_plain_decimal(arrow, column):
        return _cast
    return lambda values: views_of_field(encode(values))


def assemble(columns: Sequence[pa.Array], rows: int, limit: int, message: int) -> memoryview | None:
    """Return the messages of some rows, given each column's views; None if they exceed ``limit`` bytes. ``message`` is
    their type.

    A call of numpy on a few values costs as much as on thousands, most of all when the engine has just had the caches:
    so there are as few as can be.
    """
    count = len(columns)
    joined = pa.concat_arrays(columns) if count > 1 else columns[0]
    _, view_buffer, *buffers = joined.buffers()
    views = np.frombuffer(view_buffer, np.uint32, 4 * len(joined), 16 * joined.offset)
    views = views.reshape(count, rows, 4).transpose(1, 0, 2)  # a row of the result is a row of these
    prefixes = views[:, :, 0]
    if joined.null_count:
        valid = joined.is_valid().to_numpy(zero_copy_only=False).reshape(count, rows).T
        views = np.where(valid[:, :, np.newaxis], views, _NOTHING)
        prefixes = np.where(valid, prefixes, _NULL_LENGTH)
    messages = views[:, :, 0].sum(axis=1, dtype=np.int64) + (_HEADER_BYTES - 1 + LENGTH_BYTES * count)
    total = int(messages.sum()) + rows
    if total > limit:
        return None
    empty = _empty_row(count, message)
    pieces = np.empty((rows, *empty.shape), np.uint32)
    pieces[:] = empty
    pieces[:, 2::2] = views
    bytes_of_row = empty.nbytes
    np.ndarray(rows, _ON_WIRE, pieces, _LENGTH_AT, bytes_of_row)[:] = messages
    np.ndarray((rows, count), _ON_WIRE, pieces, _VIEW_BYTES + _DATA_AT, (bytes_of_row, 2 * _VIEW_BYTES))[:] = prefixes
    laid = binary_of_views(pieces.view(np.uint64).reshape(-1, 2), buffers)
    return memoryview(laid.buffers()[2])[:total]


@lru_cache(maxsize=64)
def _empty_row(columns: int, message: int) -> npt.NDArray[np.uint32]:
    """Return a row of views, four words each: the header, and each column's length and value, still without both."""
    row = np.zeros((1 + 2 * columns, 4), np.uint32)
    header = row[0].view(np.uint8)
    header[0], header[_DATA_AT] = _HEADER_BYTES, message
    header[_LENGTH_AT + LENGTH_BYTES : _DATA_AT + _HEADER_BYTES] = [*columns.to_bytes(2, "big")]
    row[1::2, 0] = LENGTH_BYTES
    return row


def _cast(values: pa.Array) -> pa.Array:
    return _CAST.call([values], _TO_VIEWS)


def _dates(values: pa.Array) -> pa.Array:
    return _cast(values) if are_usual_days(numbers_of(values, np.int32)) else views_of_field(date_text(values))


def _booleans(values: pa.Array) -> pa.Array:
    return _cast(pc.if_else(values, "t", "f"))


def _is_plain_decimal(arrow: pa.DataType, column: OutputColumn) -> bool:
    """Whether Arrow writes decimals of the type as PostgreSQL does."""
    if not pa.types.is_decimal128(arrow) or not 0 <= arrow.scale <= _PLAIN_SCALE:
        return False
    return coercions.to_numeric(arrow, column.typmod) is coercions.unchanged
