"""Blocks of few rows: the values of all columns are laid together, so that numpy is called as often for twenty columns
as for one.

Each column becomes Arrow views of its values as they are on the wire, most types in one Arrow cast. That gives the same
bytes as `rows`, a quarter of its time for one row of nine columns, half of it for 256, and takes longer for thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.values import coercions
from gateway.values.datetimes import are_usual_days, date_text
from gateway.values.fields import (
    LENGTH_BYTES,
    VIEW,
    Field,
    Int64s,
    Words,
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
_ROW = ord("D")
_CAST = pc.get_function("cast")
_TO_VIEWS = pc.CastOptions.safe(VIEW)
_PLAIN_SCALE = 6  # beyond it Arrow writes small decimals with an exponent
_NULL_LENGTH = np.uint32(0xFFFFFFFF)
_NOTHING, _SHIFT, _LENGTH_VIEW = np.uint64(0), np.uint64(32), np.uint64(LENGTH_BYTES)


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


def assemble(columns: Sequence[pa.Array], rows: int, limit: int) -> memoryview | None:
    """Return the DataRow messages of some rows, given each column's views; None if they exceed ``limit`` bytes."""
    joined = pa.concat_arrays(columns) if len(columns) > 1 else columns[0]
    _, view_buffer, *buffers = joined.buffers()
    words = np.frombuffer(view_buffer, np.uint64, 2 * len(joined), 16 * joined.offset).reshape(len(columns), rows, 2)
    first, second = words[:, :, 0].T, words[:, :, 1].T  # a row of the result is a row of these
    sizes = prefixes = first.astype(np.uint32)
    if joined.null_count:
        valid = joined.is_valid().to_numpy(zero_copy_only=False).reshape(len(columns), rows).T
        first, second = np.where(valid, first, _NOTHING), np.where(valid, second, _NOTHING)
        sizes, prefixes = first.astype(np.uint32), np.where(valid, sizes, _NULL_LENGTH)
    messages = sizes.sum(axis=1, dtype=np.int64) + (_HEADER_BYTES - 1 + LENGTH_BYTES * len(columns))
    total = int(messages.sum()) + rows
    if total > limit:
        return None
    pieces = np.empty((rows, 2 + 4 * len(columns)), np.uint64)
    write_headers(pieces, messages, len(columns))
    values = pieces[:, 2:].reshape(rows, len(columns), 4)
    values[:, :, 0] = prefixes.byteswap().astype(np.uint64) << _SHIFT | _LENGTH_VIEW
    values[:, :, 1] = _NOTHING
    values[:, :, 2], values[:, :, 3] = first, second
    laid = binary_of_views(pieces.reshape(-1, 2), buffers)
    return memoryview(laid.buffers()[2])[:total]


def write_headers(views: Words, sizes: Int64s, columns: int) -> None:
    """Write each row's message type, length (``sizes``) and number of columns as its first view."""
    length = sizes.astype(np.int32).byteswap().view(np.uint32).astype(np.uint64)
    count = int.from_bytes(columns.to_bytes(2, "big"), "little")
    views[:, 0] = length << np.uint64(40) | np.uint64(_HEADER_BYTES | _ROW << 32)
    views[:, 1] = length >> np.uint64(24) | np.uint64(count << 8)


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
