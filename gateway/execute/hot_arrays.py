"""Columns in memory in the least of it that gives every value back exactly: numerics as 64 bits, numbers that 32 bits
hold as these, texts that repeat by the number of each. The engine casts them back as it reads, which takes it no longer
than to read as many bytes more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Chunks = tuple[pa.Array, ...]
"""A column: arrays of `CHUNK_ROWS` rows, the last of fewer, which share no memory but their different texts. The engine
counts what a batch holds on to as its size, and chooses the sides of joins by that.
"""
CHUNK_ROWS = 1 << 14  # as many as a large batch of the engine has
MOST_BYTES = 1 << 30
"""Of one column of one file: texts of more would not go into one array."""
_DIGITS = 18  # of a numeric that 64 bits hold
_INT32 = (-(2**31), 2**31 - 1)
_INDICES = ((1 << 7, pa.int8()), (1 << 15, pa.int16()))  # how many values each of them can number
_REPEATED = 1 / 4  # of texts that repeat, different ones at the most
_FEW = 256  # different ones that there may be besides, however few rows there are


def may_be_kept(kind: pa.DataType) -> bool:
    """Whether columns of a type are kept: scalar ones of fixed width, and texts."""
    types = pa.types
    plain = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal128(kind)
    return bool(plain or types.is_date(kind) or types.is_time(kind) or types.is_timestamp(kind) or _is_text(kind))


def gathered(kinds: Sequence[pa.DataType], batches: Iterable[pa.RecordBatch], limit: int) -> list[Chunks] | None:
    """Return the columns of all batches; None where they take more than ``limit`` bytes, or a batch has
    other types than ``kinds``.
    """
    columns = [_Column(kind) for kind in kinds]
    for batch in batches:
        if [*batch.schema.types] != [*kinds]:
            return None
        for column, values in zip(columns, batch.columns, strict=True):
            column.add(values)
        if sum(column.bytes for column in columns) > limit or any(column.bytes > MOST_BYTES for column in columns):
            return None
    return [column.whole() for column in columns]


class _Column:
    """The values of a column so far."""

    def __init__(self, kind: pa.DataType) -> None:
        self._kind = kind
        self._kept = _kept_as(kind)
        self._chunks: list[pa.Array] = []
        self.bytes = 0

    def add(self, values: pa.Array) -> None:
        """Take the values of one more batch."""
        if pa.types.is_dictionary(self._kept):
            chunk = values.cast(pa.string()).dictionary_encode()
            if len(chunk.dictionary) > len(chunk) * _REPEATED + _FEW:
                self._kept = pa.string()
                self._chunks = [one.cast(self._kept) for one in self._chunks]
                self.bytes = sum(one.nbytes for one in self._chunks)
                chunk = chunk.cast(self._kept)
        else:
            chunk = _in_64_bits(values, self._kept) if pa.types.is_decimal64(self._kept) else values.cast(self._kept)
        self._chunks.append(chunk)
        self.bytes += chunk.nbytes

    def whole(self) -> Chunks:
        """Return all values; nothing is shared with the batches."""
        return _cut(self._joined())

    def _joined(self) -> pa.Array:
        chunks = pa.chunked_array(self._chunks, self._kept)
        if pa.types.is_dictionary(self._kept):
            return _numbered(chunks.unify_dictionaries())
        array = pa.concat_arrays([*chunks.chunks, pa.array([], self._kept)])
        return _narrow(array) if self._kept == pa.int64() else array


def largest(column: Chunks) -> int | None:
    """Return the largest of numerics of 64 bits in whole numbers, signs left out; None of other columns."""
    if not pa.types.is_decimal64(column[0].type):
        return None
    ends = [pc.min_max(in_whole_numbers(chunk)) for chunk in column]
    found = [end.as_py() for one in ends for end in one.values() if end.is_valid]
    return max(map(abs, found), default=0)


def in_whole_numbers(chunk: pa.Array) -> pa.Array:
    """Return numerics of 64 bits as the whole numbers that they are kept as, in the same memory."""
    return chunk.view(pa.int64())


def _in_64_bits(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return numerics of 128 bits as such of 64: their lower halves. A cast looks at each, for ten times as long; it is
    left to refuse a value of more digits than the column says it has.
    """
    validity, data = values.buffers()
    if not len(values) or (values.null_count and values.offset):
        return values.cast(kind)
    halves = np.frombuffer(data, np.int64)[2 * values.offset : 2 * (values.offset + len(values))]
    lower, beyond = np.ascontiguousarray(halves[::2]), 10**kind.precision
    if lower.min() <= -beyond or lower.max() >= beyond or not np.array_equal(halves[1::2], lower >> 63):
        return values.cast(kind)
    return pa.Array.from_buffers(kind, len(values), [validity if values.null_count else None, pa.py_buffer(lower)])


def _kept_as(kind: pa.DataType) -> pa.DataType:
    if _is_text(kind):
        return pa.dictionary(pa.int32(), pa.string())
    if pa.types.is_decimal128(kind) and kind.precision <= _DIGITS:
        return pa.decimal64(kind.precision, kind.scale)
    return kind


def _cut(whole: pa.Array) -> Chunks:
    starts = range(0, len(whole), CHUNK_ROWS) or range(1)
    return tuple(_own(whole.slice(start, CHUNK_ROWS)) for start in starts)


def _own(part: pa.Array) -> pa.Array:
    """Return a part of an array with memory of its own."""
    if pa.types.is_dictionary(part.type):
        return pa.DictionaryArray.from_arrays(_own(part.indices), part.dictionary)
    return pa.concat_arrays([part, pa.array([], part.type)])


def _numbered(chunks: pa.ChunkedArray) -> pa.Array:
    """Return texts by their numbers, which are as narrow as they can be; as texts where they hardly repeat."""
    whole = pa.concat_arrays(chunks.chunks) if chunks.num_chunks else pa.array([], chunks.type)
    if len(whole.dictionary) > len(whole) * _REPEATED + _FEW:
        return whole.cast(pa.string())
    for most, index in _INDICES:
        if len(whole.dictionary) <= most:
            return pa.DictionaryArray.from_arrays(whole.indices.cast(index), whole.dictionary)
    return whole


def _narrow(array: pa.Array) -> pa.Array:
    ends = pc.min_max(array)
    lowest, highest = ends["min"].as_py(), ends["max"].as_py()
    fits = lowest is not None and _INT32[0] <= lowest and highest <= _INT32[1]
    return array.cast(pa.int32()) if fits else array


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
