"""Encoded columns: what a type's encoder gives and what rows are put together from.

Rows are laid end to end by one Arrow cast from ``binary_view`` to ``binary``: a view is 16 bytes that either hold up to
12 bytes of data or say where longer data stands, so the pieces of all rows are written with a few numpy operations a
column and copied once, in C++. A value and the int32 length in front of it fit together into one view if the value has
at most 8 bytes; that is why ``Short`` exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]

INLINE = 12  # bytes of data that an Arrow view holds itself
SHORT = 8  # bytes of a value that a view holds beside the value's length word
LENGTH_BYTES = 4
VIEW = pa.string_view()  # of any bytes: nobody reads them as text
_BYTES_VIEW = pa.binary_view()
_CAST, _TO_BINARY = pc.get_function("cast"), pc.CastOptions.safe(pa.binary())
NULL_LENGTH = -1
_ONE_BYTE = 256
_BOTH_LENGTHS = np.uint64(1 | 1 << 56)


@dataclass(frozen=True, slots=True)
class Short:
    """Values of at most 8 bytes each.

    ``lengths`` counts bytes, -1 for NULL; ``words`` holds the bytes, first byte lowest, zero where none.
    """

    lengths: Int32s
    words: Words


@dataclass(frozen=True, slots=True)
class Prefixed:
    """Values which stand in ``buffer`` right behind their big-endian length word, at ``starts`` (of the length word).

    Values of at most 8 bytes (and NULLs) are in ``words`` as in ``Short``, their ``starts`` mean nothing.
    """

    lengths: Int32s
    words: Words
    starts: Int64s
    buffer: pa.Buffer


@dataclass(frozen=True, slots=True)
class Viewed:
    """Values as Arrow views without length words: ``first`` and ``second`` are the two halves of each view,
    ``buffers`` what long views point into.
    """

    lengths: Int32s
    first: Words
    second: Words
    buffers: tuple[pa.Buffer, ...]


Field = Short | Prefixed | Viewed


def field_of_binary(values: pa.Array) -> Short | Viewed:
    """Return a field whose values are those of a string or binary array of any layout."""
    if pa.types.is_fixed_size_binary(values.type):
        values = values.cast(pa.binary())
    if pa.types.is_large_string(values.type) or pa.types.is_large_binary(values.type):
        values = _narrow(values)
    if not (pa.types.is_string_view(values.type) or pa.types.is_binary_view(values.type)):
        values = values.cast(pa.string_view() if pa.types.is_string(values.type) else pa.binary_view())
    rows, offset = len(values), values.offset
    _, view_buffer, *data = values.buffers()
    if rows == 0:
        return Short(np.empty(0, np.int32), np.empty(0, np.uint64))
    views = np.frombuffer(view_buffer, np.uint64, 2 * rows, 16 * offset).reshape(rows, 2)
    first, second = views[:, 0], views[:, 1]
    lengths = np.frombuffer(view_buffer, np.int32, 4 * rows, 16 * offset)[::4].copy()
    longest = int(lengths.max())
    if values.null_count:
        valid = validity(values)
        first, second = np.where(valid, first, np.uint64(0)), np.where(valid, second, np.uint64(0))
        lengths[~valid] = NULL_LENGTH
        longest = int(lengths.max())
    if longest <= SHORT:
        return Short(lengths, (first >> np.uint64(32)) | (second << np.uint64(32)))
    return Viewed(lengths, first, second, tuple(data))


def binary_of_field(field: Field) -> pa.Array:
    """Return the values of a field as a binary array, NULL where they are."""
    return views_of_field(field, _BYTES_VIEW).cast(pa.binary())


def views_of_field(field: Field, kind: pa.DataType = VIEW) -> pa.Array:
    """Return the values of a field as an array of views, NULL where they are."""
    found = viewed(field)
    views = np.empty((len(found.lengths), 2), np.uint64)
    views[:, 0], views[:, 1] = found.first, found.second
    return _array_of_views(kind, views, found.buffers, found.lengths < 0)


def viewed(field: Field) -> Viewed:
    """Return the same values as views; NULLs are views of nothing."""
    if isinstance(field, Viewed):
        return field
    sizes = np.maximum(field.lengths, 0).astype(np.uint64)
    is_long = sizes > SHORT
    if isinstance(field, Prefixed) and len(sizes) and is_long.all():
        return Viewed(field.lengths, *_long_views(field.buffer, field.starts + LENGTH_BYTES, sizes), (field.buffer,))
    first, second = sizes | field.words << np.uint64(32), field.words >> np.uint64(32)
    if isinstance(field, Short) or not is_long.any():
        return Viewed(field.lengths, first, second, ())
    long = np.flatnonzero(is_long)
    first[long], second[long] = _long_views(field.buffer, field.starts[long] + LENGTH_BYTES, sizes[long])
    return Viewed(field.lengths, first, second, (field.buffer,))


def _long_views(buffer: pa.Buffer, starts: Int64s, sizes: Words) -> tuple[Words, Words]:
    """Return the two halves of the views of values of more than eight bytes."""
    data = np.frombuffer(buffer, np.uint8)
    head = gather_words(data, starts)
    first = sizes | head << np.uint64(32)
    if int(sizes.min()) > INLINE:
        return first, starts.view(np.uint64) << np.uint64(32)
    # The last eight bytes of a value hold what follows its first eight if it has no more than twelve.
    last = gather_words(data, starts + sizes.astype(np.int64) - SHORT)
    rest = last >> (np.uint64(16) - np.minimum(sizes, np.uint64(16)) << np.uint64(3))
    inline = head >> np.uint64(32) | rest << np.uint64(32)
    if int(sizes.max()) <= INLINE:
        return first, inline
    return first, np.where(sizes <= INLINE, inline, starts.view(np.uint64) << np.uint64(32))


def binary_of_views(views: Words, buffers: Sequence[pa.Buffer]) -> pa.Array:
    """Return the data that rows of ``views`` (two words each) stand for, copied together into one binary array."""
    return _CAST.call([_array_of_views(_BYTES_VIEW, views, buffers)], _TO_BINARY)


def _array_of_views(
    kind: pa.DataType, views: Words, buffers: Sequence[pa.Buffer], null: Bools | None = None
) -> pa.Array:
    bitmap = None
    if null is not None and null.any():
        bitmap = pa.py_buffer(np.packbits(~null, bitorder="little"))
    views = np.ascontiguousarray(views)
    return pa.Array.from_buffers(kind, len(views), [bitmap, pa.py_buffer(views), *buffers])


def pieces_of(field: Field) -> int:
    """Return how many views a row has for a value and the length word in front of it."""
    return 2 if isinstance(field, Viewed) else 1


def write_field(views: Words, field: Field, buffers: list[pa.Buffer]) -> None:
    """Write each row's value behind its length word into its views (see `pieces_of`), and add what they point into to
    ``buffers``, the buffers of all views.
    """
    if isinstance(field, Viewed):
        _write_viewed(views, field, len(buffers))
        buffers += field.buffers
        return
    _write_prefixed(views, field, len(buffers))
    if isinstance(field, Prefixed):
        buffers.append(field.buffer)


def _write_prefixed(views: Words, field: Short | Prefixed, first_buffer: int) -> None:
    """Write one view a row into ``views`` (rows x 2): the value behind its length word.

    ``first_buffer`` is the number that the field's buffer gets among the buffers of the views.
    """
    lengths = field.lengths
    least, most = int(lengths.min(initial=0)), int(lengths.max(initial=0))
    if least >= 0 and most < _ONE_BYTE:
        # View length and big-endian length word at once: the first in the low half, the second in the top byte.
        views[:, 0] = lengths.astype(np.uint64) * _BOTH_LENGTHS + np.uint64(LENGTH_BYTES)
    else:
        sizes = np.maximum(lengths, 0) + np.int32(LENGTH_BYTES)
        views[:, 0] = length_words(lengths) << np.uint64(32) | sizes.astype(np.uint64)
    if isinstance(field, Short) or most <= SHORT:
        views[:, 1] = field.words
        return
    places = field.starts.view(np.uint64) << np.uint64(32) | np.uint64(first_buffer)
    shortest = int(lengths.min())
    views[:, 1] = places if shortest > SHORT else np.where(lengths > SHORT, places, field.words)


def _write_viewed(views: Words, field: Viewed, first_buffer: int) -> None:
    """Write two views a row into ``views`` (rows x 4): the length word, and the value."""
    views[:, 0] = length_words(field.lengths) << np.uint64(32) | np.uint64(LENGTH_BYTES)
    views[:, 1] = 0
    views[:, 2] = field.first
    if first_buffer:
        views[:, 3] = field.second + (field.lengths > INLINE) * np.uint64(first_buffer)
    else:
        views[:, 3] = field.second


def length_words(lengths: Int32s) -> Words:
    """Return lengths as the wire has them, big-endian, each in the low half of a word."""
    return lengths.byteswap().view(np.uint32).astype(np.uint64)


def validity(values: pa.Array) -> Bools:
    """Return which values of an array are not NULL."""
    if values.null_count == 0:
        return np.ones(len(values), np.bool_)
    result: Bools = values.is_valid().to_numpy(zero_copy_only=False)
    return result


def numbers_of(values: pa.Array, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return the packed values of a fixed-width array as ``dtype`` lays them out in memory, zero for NULLs.

    The result may share memory with the array: do not write into it.
    """
    kind = np.dtype(dtype)
    if len(values) == 0:
        return np.empty(0, kind)
    numbers = np.frombuffer(values.buffers()[1], kind, len(values), kind.itemsize * values.offset)
    if values.null_count:
        numbers = numbers.copy()
        numbers[~validity(values)] = np.zeros((), kind)
    return numbers


def with_nulls(lengths: Int32s, values: pa.Array) -> Int32s:
    """Return ``lengths`` with -1 where ``values`` are NULL."""
    if values.null_count:
        lengths[~validity(values)] = NULL_LENGTH
    return lengths


def scatter(scratch: npt.NDArray[np.uint8], starts: Int64s, data: npt.NDArray[np.uint8]) -> None:
    """Write each row of ``data`` into the packed bytes of ``scratch``, from the row's own start on."""
    width = data.shape[1]
    windows = np.ndarray((max(scratch.size - width + 1, 0),), np.dtype((np.void, width)), scratch, 0, (1,))
    windows[starts] = np.ascontiguousarray(data).view(np.dtype((np.void, width))).reshape(len(data))


def gather_words(scratch: npt.NDArray[np.uint8], starts: Int64s) -> Words:
    """Return the eight bytes from each start on in the packed bytes of ``scratch``."""
    windows = np.ndarray((max(scratch.size - SHORT + 1, 0),), np.uint64, scratch, 0, (1,))
    words: Words = windows[starts]
    return words


def _narrow(values: pa.Array) -> pa.Array:
    """Return a large string or binary array with 32-bit offsets, even where its own offsets need 64 bits."""
    kind = pa.string() if pa.types.is_large_string(values.type) else pa.binary()
    if len(values) == 0:
        return pa.array([], kind)
    _, offset_buffer, data = values.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64, len(values) + 1, 8 * values.offset)
    start, end = int(offsets[0]), int(offsets[-1])
    narrow = pa.py_buffer((offsets - start).astype(np.int32))
    bitmap = None
    if values.null_count:
        bitmap = pa.py_buffer(np.packbits(validity(values), bitorder="little"))
    piece = data.slice(start, end - start) if data is not None else None
    return pa.Array.from_buffers(kind, len(values), [bitmap, narrow, piece])
