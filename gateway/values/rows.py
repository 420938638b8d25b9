"""Rows on the wire: Arrow record batches become PostgreSQL DataRow messages, a block of rows at a time.

No Python runs per row: each column's encoder fills arrays, ``_assemble`` lays all values of all rows end to end with
one Arrow cast (see ``fields``); few rows take a shorter way (``few_rows``). Encoders keep no state, so batches of one
result may be encoded by several threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.values.columns import ColumnEncoder, column_encoder
from gateway.values.few_rows import FEW_BYTES, FEW_ROWS, Viewer, assemble, viewer
from gateway.values.fields import (
    LENGTH_BYTES,
    Field,
    Int64s,
    Words,
    binary_of_views,
    pieces_of,
    write_field,
)
from gateway.values.kept_views import room_for_views
from gateway.values.settings import OutputColumn, OutputSettings

__all__ = ["OutputColumn", "OutputSettings", "RowEncoder", "RowForm", "prepare"]

# Values put together at once: fewer cost calls, and turns of threads; more cost cache misses, and memory.
_BLOCK_VALUES = 1 << 18
_FEWEST_ROWS, _MOST_ROWS = 8192, 1 << 15  # no more: those that come may be much longer than those before
MAX_BLOCK_BYTES = 1 << 30
MAX_ROW_BYTES = 0x3FFFFFFF  # MaxAllocSize of PostgreSQL, which bounds its own messages
MAX_COLUMNS = 1664  # MaxTupleAttributeNumber
_DATA_ROW = ord("D")
COPY_DATA = ord("d")
_HEADER_BYTES = 7  # type, int32 length, int16 number of columns


def block_rows(columns: int) -> int:
    """Return how many rows of so many columns are put together at once."""
    return min(_MOST_ROWS, max(_FEWEST_ROWS, _BLOCK_VALUES // max(columns, 1)))


@dataclass(frozen=True, slots=True)
class RowEncoder:
    """Encodes batches of one schema. Safe to use from several threads.

    ``message`` is the type of the rows' messages: but for it, a row of COPY's binary format is a DataRow.
    """

    schema: pa.Schema
    encoders: tuple[ColumnEncoder, ...]
    viewers: tuple[Viewer, ...]
    message: int = _DATA_ROW

    def fits(self, schema: pa.Schema) -> bool:
        """Whether batches of ``schema`` have the types that this was made for."""
        return bool(schema.equals(self.schema)) or schema.types == self.schema.types

    def encode(self, batch: pa.RecordBatch) -> list[memoryview]:
        """Return the DataRow messages of all rows, in order, as buffers to be sent one after the other.

        Raises SqlError where a value does not fit its declared type (22003 and its kin) and where a row is too long
        for a message (54000).
        """
        if 0 < batch.num_rows <= FEW_ROWS and self.viewers:
            views = [view(column) for view, column in zip(self.viewers, batch.columns, strict=True)]
            block = assemble(views, batch.num_rows, min(FEW_BYTES, MAX_ROW_BYTES, MAX_BLOCK_BYTES), self.message)
            if block is not None:
                return [block]
        blocks: list[memoryview] = []
        most = block_rows(batch.num_columns)
        for start in range(0, batch.num_rows, most):
            self._encode_block(batch.slice(start, most), blocks)
        return blocks

    def _encode_block(self, batch: pa.RecordBatch, blocks: list[memoryview]) -> None:
        rows = batch.num_rows
        fields = [encode(column) for encode, column in zip(self.encoders, batch.columns, strict=True)]
        sizes = _message_sizes(rows, fields)
        if int(sizes.max()) > MAX_ROW_BYTES:
            raise SqlError(
                SqlState.PROGRAM_LIMIT_EXCEEDED,
                "result row is too large",
                detail=f"A row of {int(sizes.max())} bytes exceeds the limit of {MAX_ROW_BYTES} bytes.",
            )
        if int(sizes.sum()) + rows <= MAX_BLOCK_BYTES or rows == 1:
            blocks.append(_assemble(sizes, fields, self.message))
            return
        half = rows // 2
        self._encode_block(batch.slice(0, half), blocks)
        self._encode_block(batch.slice(half), blocks)


@dataclass(frozen=True, slots=True)
class RowForm:
    """Rows of a client's: their columns, and the settings that change what values look like. ``message`` is the type of
    the rows' messages.
    """

    columns: tuple[OutputColumn, ...]
    settings: OutputSettings
    message: int = _DATA_ROW

    def encoder(self, schema: pa.Schema) -> RowEncoder:
        """Return the encoder of batches of ``schema``. Raises as `prepare`."""
        return prepare(schema, self.columns, self.settings, self.message)


def prepare(
    schema: pa.Schema, columns: Sequence[OutputColumn], settings: OutputSettings, message: int = _DATA_ROW
) -> RowEncoder:
    """Return the encoder of batches of ``schema`` into rows of ``columns``.

    Raises SqlError if a column's Arrow type cannot become its PostgreSQL type (42846) or if there is no encoder for
    the type, the format or a setting (0A000, 22023).
    """
    encoders = column_encoders(schema, columns, settings)
    pairs = zip(schema.types, columns, encoders, strict=True)
    return RowEncoder(schema, encoders, tuple(viewer(*each) for each in pairs), message)


def column_encoders(
    schema: pa.Schema, columns: Sequence[OutputColumn], settings: OutputSettings
) -> tuple[ColumnEncoder, ...]:
    """Return the encoder of each column. Raises as `prepare`."""
    if len(schema) != len(columns):
        raise SqlError(SqlState.INTERNAL_ERROR, f"{len(columns)} output columns declared for {len(schema)} columns")
    if len(columns) > MAX_COLUMNS:
        raise SqlError(SqlState.TOO_MANY_COLUMNS, f"target lists can have at most {MAX_COLUMNS} entries")
    return tuple(column_encoder(arrow, column, settings) for arrow, column in zip(schema.types, columns, strict=True))


def _message_sizes(rows: int, fields: Sequence[Field]) -> Int64s:
    """Return how long each row's message is by its own count, which leaves out the type byte."""
    longest = sum(max(int(field.lengths.max()), 0) for field in fields)
    fixed = _HEADER_BYTES - 1 + LENGTH_BYTES * len(fields)
    if longest > MAX_ROW_BYTES:
        wide = np.full(rows, fixed, np.int64)
        for field in fields:
            wide += np.maximum(field.lengths, 0)
        return wide
    sums = np.full(rows, fixed, np.int32)
    for field in fields:
        sums += np.maximum(field.lengths, 0)
    return sums.astype(np.int64)


def _assemble(sizes: Int64s, fields: Sequence[Field], message: int) -> memoryview:
    """Return the rows of ``fields`` end to end; ``sizes`` are the messages' own lengths."""
    rows = len(sizes)
    pieces = [pieces_of(field) for field in fields]
    in_row = 1 + sum(pieces)
    with room_for_views(rows, in_row) as views:
        _write_headers(views, sizes, len(fields), message)
        buffers: list[pa.Buffer] = []
        at = 2
        for field, count in zip(fields, pieces, strict=True):
            write_field(views[:, at : at + 2 * count], field, buffers)
            at += 2 * count
        laid = binary_of_views(views.reshape(rows * in_row, 2), buffers)
    return memoryview(laid.buffers()[2])[: int(sizes.sum()) + rows]


def _write_headers(views: Words, sizes: Int64s, columns: int, message: int) -> None:
    """Write each row's message type, length (``sizes``) and number of columns as its first view."""
    length = sizes.astype(np.int32).byteswap().view(np.uint32).astype(np.uint64)
    count = int.from_bytes(columns.to_bytes(2, "big"), "little")
    views[:, 0] = length << np.uint64(40) | np.uint64(_HEADER_BYTES | message << 32)
    views[:, 1] = length >> np.uint64(24) | np.uint64(count << 8)
