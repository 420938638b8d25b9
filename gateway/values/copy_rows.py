"""Rows of COPY in its text format and in CSV: Arrow record batches become CopyData messages, one a row.

The values are those of DataRow messages in text, laid end to end in the same way (see ``fields``); a delimiter stands
before each value but a row's first, and a row's line feed before the next row's header, so that neither costs a piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.values.client_encodings import UTF8, in_encoding, is_converted
from gateway.values.columns import ColumnEncoder
from gateway.values.copy_escapes import CopyLayout, escaped, quoted, with_null_text
from gateway.values.fields import INLINE, LENGTH_BYTES, Field, Int64s, Short, Viewed, Words, binary_of_views, viewed
from gateway.values.fields import field_of_binary as field_of
from gateway.values.rows import COPY_DATA, MAX_BLOCK_BYTES, MAX_ROW_BYTES, block_rows, column_encoders
from gateway.values.settings import OutputColumn, OutputSettings

_NEW_LINE = ord("\n")
_HEADER_BYTES = 6  # the row before's line feed, type, int32 length
_MOST_INLINE = INLINE - 1  # bytes of a value that a view holds behind a delimiter
_MAX_VALUES_BYTES = MAX_BLOCK_BYTES // 2  # of a block before escapes, which at most double it


@dataclass(frozen=True, slots=True)
class CopyEncoder:
    """Encodes batches of one schema. Safe to use from several threads.

    ``escapable`` are the columns whose values may need escapes or quotes, ``forced`` those that are always quoted.
    ``encoding`` is that of the lines; the layout's NULL is in it already.
    """

    schema: pa.Schema
    encoders: tuple[ColumnEncoder, ...]
    layout: CopyLayout
    escapable: tuple[bool, ...]
    forced: tuple[bool, ...]
    encoding: str = UTF8

    def fits(self, schema: pa.Schema) -> bool:
        """Whether batches of ``schema`` have the types that this was made for."""
        return bool(schema.equals(self.schema)) or schema.types == self.schema.types

    def encode(self, batch: pa.RecordBatch) -> list[memoryview]:
        """Return the CopyData messages of all rows, in order, as buffers to be sent one after the other.

        Raises SqlError as `rows.RowEncoder.encode` does.
        """
        blocks: list[memoryview] = []
        most = block_rows(batch.num_columns)
        for start in range(0, batch.num_rows, most):
            self._encode_block(batch.slice(start, most), blocks)
        return blocks

    def _encode_block(self, batch: pa.RecordBatch, blocks: list[memoryview]) -> None:
        rows = batch.num_rows
        fields = [encode(column) for encode, column in zip(self.encoders, batch.columns, strict=True)]
        if rows > 1 and rows * sum(int(field.lengths.max()) for field in fields) > _MAX_VALUES_BYTES:
            half = rows // 2
            self._encode_block(batch.slice(0, half), blocks)
            self._encode_block(batch.slice(half), blocks)
            return
        whole = [self._in_layout(field, place) for place, field in enumerate(fields)]
        blocks.append(assembled(rows, whole, self.layout.delimiter))

    def _in_layout(self, field: Field, place: int) -> Field:
        if self.escapable[place] or self.forced[place]:
            if self.layout.quote is None:
                field = escaped(field, self.layout)
            else:
                field = quoted(field, self.layout, alone=len(self.encoders) == 1, forced=self.forced[place])
            if is_converted(self.encoding):  # last: bytes of its characters may be what is escaped in ASCII
                field = in_encoding(field, self.encoding)
        return with_null_text(field, self.layout.null)


@dataclass(frozen=True, slots=True)
class CopyForm:
    """Lines of a COPY: their columns, the settings that change what values look like, and how lines are laid out.
    ``forced`` are the columns that are always quoted, ``encoding`` is that of the lines, and the settings' own does not
    count.
    """

    columns: tuple[OutputColumn, ...]
    settings: OutputSettings
    layout: CopyLayout
    forced: tuple[bool, ...]
    encoding: str = UTF8

    def encoder(self, schema: pa.Schema) -> CopyEncoder:
        """Return the encoder of batches of ``schema``. Raises as `prepare_copy`."""
        encoder = prepare_copy(
            schema, self.columns, replace(self.settings, client_encoding=UTF8), self.layout, self.forced
        )
        return replace(encoder, encoding=self.encoding)


def prepare_copy(
    schema: pa.Schema,
    columns: Sequence[OutputColumn],
    settings: OutputSettings,
    layout: CopyLayout,
    forced: Sequence[bool],
) -> CopyEncoder:
    """Return the encoder of batches of ``schema`` into rows of ``columns``. Raises as `rows.prepare` does."""
    encoders = column_encoders(schema, columns, settings)
    escapable = tuple(layout.may_need_escapes(one.oid) for one in columns)
    return CopyEncoder(schema, encoders, layout, escapable, tuple(forced))


def header_line(names: Sequence[str], layout: CopyLayout, encoding: str = UTF8) -> bytes:
    """Return the CopyData message of the line of column names."""
    schema = pa.schema([(str(place), pa.string()) for place in range(len(names))])
    every, none = (True,) * len(names), (False,) * len(names)
    encoder = CopyEncoder(schema, (field_of,) * len(names), layout, every, none, encoding)
    columns = [pa.array([name]) for name in names]
    batch = pa.RecordBatch.from_struct_array(pa.array([{}], pa.struct([])))
    if names:
        batch = pa.RecordBatch.from_arrays(columns, schema=schema)
    return b"".join(encoder.encode(batch))


def assembled(rows: int, fields: Sequence[Field], delimiter: int) -> memoryview:
    """Return rows end to end; no value may be NULL any more. Raises SqlError (54000) where a row is too long."""
    longest = [int(field.lengths.max()) for field in fields]
    sizes = _sizes(rows, fields, longest)
    if int(sizes.max()) > MAX_ROW_BYTES:
        raise SqlError(
            SqlState.PROGRAM_LIMIT_EXCEEDED,
            "result row is too large",
            detail=f"A row of {int(sizes.max())} bytes exceeds the limit of {MAX_ROW_BYTES} bytes.",
        )
    pieces = [1 if place == 0 or most <= _MOST_INLINE else 2 for place, most in enumerate(longest)]
    in_row = 1 + sum(pieces)
    flat = np.empty((rows * in_row + 1, 2), np.uint64)
    flat[-1] = (1 | _NEW_LINE << 32, 0)
    views = flat[:-1].reshape(rows, 2 * in_row)
    _write_headers(views, sizes)
    buffers: list[pa.Buffer] = []
    at = 2
    for place, (field, count) in enumerate(zip(fields, pieces, strict=True)):
        found = field if isinstance(field, Short) else viewed(field)
        if count == 1 and place:
            _write_inline(views[:, at : at + 2], found, delimiter)
        else:
            if count == 2:
                views[:, at], views[:, at + 1] = 1 | delimiter << 32, 0
            _write(views[:, at + 2 * count - 2 : at + 2 * count], viewed(found), len(buffers))
        if isinstance(found, Viewed):
            buffers += found.buffers
        at += 2 * count
    laid = binary_of_views(flat, buffers)
    return memoryview(laid.buffers()[2])[1 : int(sizes.sum()) + rows + 1]


def _sizes(rows: int, fields: Sequence[Field], longest: Sequence[int]) -> Int64s:
    """Return how long each row's message is by its own count; ``longest``: of each column's values."""
    fixed = LENGTH_BYTES + max(len(fields), 1)
    if sum(longest) > MAX_ROW_BYTES:
        wide = np.full(rows, fixed, np.int64)
        for field in fields:
            wide += field.lengths
        return wide
    sizes = np.full(rows, fixed, np.int32)
    for field in fields:
        sizes += field.lengths
    return sizes.astype(np.int64)


def _write_headers(views: Words, sizes: Int64s) -> None:
    length = sizes.astype(np.int32).byteswap().view(np.uint32).astype(np.uint64)
    views[:, 0] = length << np.uint64(48) | np.uint64(_HEADER_BYTES | _NEW_LINE << 32 | COPY_DATA << 40)
    views[:, 1] = length >> np.uint64(16)


def _write_inline(views: Words, field: Short | Viewed, delimiter: int) -> None:
    """Write one view a row into ``views`` (rows x 2): the delimiter and a short value."""
    sizes = field.lengths.astype(np.uint64)
    mark = np.uint64(1 | delimiter << 32)
    if isinstance(field, Short):
        views[:, 0] = (field.words << np.uint64(40)) + sizes + mark
        views[:, 1] = field.words >> np.uint64(24)
        return
    views[:, 0] = (field.first >> np.uint64(32) << np.uint64(40)) + sizes + mark
    views[:, 1] = field.second << np.uint64(8) | field.first >> np.uint64(56)


def _write(views: Words, field: Viewed, first_buffer: int) -> None:
    """Write one view a row into ``views`` (rows x 2): the value."""
    views[:, 0] = field.first
    views[:, 1] = field.second
    if first_buffer:
        views[:, 1] += (field.lengths > INLINE) * np.uint64(first_buffer)
