"""Values of COPY's text format and of its CSV with their escapes and quotes, as PostgreSQL writes them.

Few values need any, so the others stay where they are: bytes are looked at a column at a time, and the values that need
escapes are written anew together, into one buffer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.values.escaping import hits_of
from gateway.values.fields import INLINE, SHORT, Bools, Field, Int64s, Short, Viewed, binary_of_views, viewed
from gateway.values.registry import (
    BOOL,
    DATE,
    FLOAT4,
    FLOAT8,
    INT2,
    INT4,
    INT8,
    INTERVAL,
    NUMERIC,
    OID_TYPES,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
)
from gateway.values.strings import parts_of

Bytes = npt.NDArray[np.uint8]
_BACKSLASH = ord("\\")
_CONTROLS = b"\b\t\n\v\f\r"  # in the order of their codes, without a gap
_LETTERS = b"btnvfr"
_MOST_BETWEEN = 2  # times the bytes of the values themselves
_PLAIN = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-.:/@ ")
_PLAIN_TYPES = frozenset(
    (
        *(BOOL, INT2, INT4, INT8, FLOAT4, FLOAT8, NUMERIC, DATE, TIME, TIMESTAMP, TIMESTAMPTZ, INTERVAL, UUID),
        *OID_TYPES,
    )
)


@dataclass(frozen=True, slots=True)
class CopyLayout:
    """How COPY lays values out. Characters are single bytes; ``quote`` and ``escape`` are None in the text format."""

    delimiter: int
    null: bytes
    quote: int | None = None
    escape: int | None = None

    @property
    def marks(self) -> bytes:
        """The characters for which a value is escaped, or quoted."""
        if self.quote is None:
            return bytes({*_CONTROLS, _BACKSLASH, self.delimiter})
        return bytes({self.delimiter, self.quote, *b"\r\n"})

    def may_need_escapes(self, oid: int) -> bool:
        """Say whether values of a type can hold a mark, or look like NULL."""
        if oid not in _PLAIN_TYPES or not _PLAIN.isdisjoint(self.marks):
            return True
        return self.quote is not None and bool(self.null) and _PLAIN.issuperset(self.null)


def escaped(field: Field, layout: CopyLayout) -> Field:
    """Return values with the escapes of COPY's text format."""
    rows = _rows_with(field, layout.marks)
    if len(rows) == 0:
        return field
    views = viewed(field)
    return _rewritten(views, rows, _with_escapes(_binary(views, rows), layout))


def quoted(field: Field, layout: CopyLayout, *, alone: bool, forced: bool) -> Field:
    """Return values in quotes where CSV needs them. ``alone``: it is the only column; ``forced``: all are quoted."""
    if forced:
        rows = np.flatnonzero(field.lengths >= 0)
    else:
        found = [_rows_with(field, layout.marks), _rows_equal(field, layout.null)]
        if alone:
            found.append(_rows_equal(field, b"\\."))  # else it may be taken for the end of the data
        rows = _joined(*found)
    if len(rows) == 0:
        return field
    views = viewed(field)
    return _rewritten(views, rows, _with_quotes(_binary(views, rows), layout))


def with_null_text(field: Field, null: bytes) -> Field:
    """Return values with ``null`` where they are NULL."""
    if int(field.lengths.min(initial=0)) >= 0:
        return field
    missing = field.lengths < 0
    lengths = np.where(missing, np.int32(len(null)), field.lengths)
    if isinstance(field, Short) and len(null) <= SHORT:
        return Short(lengths, np.where(missing, _word(null), field.words))
    views = viewed(field)
    if len(null) <= INLINE:
        first, second, buffers = _word(null[:4]) << np.uint64(32) | np.uint64(len(null)), _word(null[4:]), views.buffers
    else:
        first, second = np.uint64(len(null)), np.uint64(len(views.buffers))
        buffers = (*views.buffers, pa.py_buffer(null))
    return Viewed(lengths, np.where(missing, first, views.first), np.where(missing, second, views.second), buffers)


def _word(data: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(data, "little"))


# Which rows -----------------------------------------------------------------------------------------------------------


def _rows_with(field: Field, marks: bytes) -> Int64s:
    """Return the rows whose values hold one of the bytes ``marks``."""
    if isinstance(field, Short):
        rows = _words_with(field.words, marks)
        return rows[field.lengths[rows] > 0]
    views = viewed(field)
    long = np.flatnonzero(views.lengths > INLINE)
    first, second = views.first >> np.uint64(32), views.second
    if len(long):  # of which a view holds the first bytes, and a place
        second = second.copy()
        second[long] = 0
    inline = _joined(_words_with(first, marks), _words_with(second, marks))
    inline = inline[views.lengths[inline] > 0]
    return _joined(inline, _long_with(views, long, marks))


def _long_with(field: Viewed, long: Int64s, marks: bytes) -> Int64s:
    """Return which of the rows ``long``, whose values stand in buffers, hold one of the bytes ``marks``.

    Buffers are looked at where they stand. Their values are copied first only where these lie far apart, as those of
    some rows of many, or where what is found may belong to several of them, as in a dictionary.
    """
    if len(long) == 0:
        return long
    sizes = field.lengths[long].astype(np.int64)
    numbers, starts = field.second[long].astype(np.uint32), (field.second[long] >> np.uint64(32)).astype(np.int64)
    found: list[Int64s] = []
    for number, buffer in enumerate(field.buffers):
        rows = np.flatnonzero(numbers == number) if len(field.buffers) > 1 else np.arange(len(long))
        if len(rows) == 0:
            continue
        begins = starts[rows]
        ends = begins + sizes[rows]
        low, high = int(begins.min()), int(ends.max())
        if high - low > _MOST_BETWEEN * int(sizes[rows].sum()):
            return long[_owners_of_copies(field, long, marks)]
        hits = low + np.flatnonzero(hits_of(np.frombuffer(buffer, np.uint8)[low:high], marks))
        if len(hits) == 0:
            continue
        if (begins[1:] < ends[:-1]).any():
            return long[_owners_of_copies(field, long, marks)]
        owners = np.searchsorted(begins, hits, side="right") - 1
        found.append(rows[_once(owners[hits < ends[owners]])])
    return long[_joined(*found)]


def _owners_of_copies(field: Viewed, rows: Int64s, marks: bytes) -> Int64s:
    """Return which of ``rows``, by their places among these, hold one of the bytes ``marks``."""
    offsets, data = parts_of(_binary(field, rows))
    return _once(np.searchsorted(offsets, np.flatnonzero(hits_of(data, marks)), side="right") - 1)


def _once(places: Int64s) -> Int64s:
    """Return numbers that are in order once each."""
    return places[np.concatenate(([True], places[1:] != places[:-1]))] if len(places) > 1 else places


def _words_with(words: npt.NDArray[np.uint64], marks: bytes) -> Int64s:
    hits = hits_of(np.ascontiguousarray(words).view(np.uint8), marks)
    return np.flatnonzero(hits.view(np.uint64))


def _joined(*rows: Int64s) -> Int64s:
    """Return the rows of several lists in order, once each."""
    some = [each for each in rows if len(each)]
    if len(some) < 2:
        return some[0] if some else np.empty(0, np.int64)
    return np.unique(np.concatenate(some))


def _rows_equal(field: Field, value: bytes) -> Int64s:
    rows = np.flatnonzero(field.lengths == len(value))
    if len(rows) == 0 or not value:
        return rows
    equal: Bools = pc.equal(_binary(viewed(field), rows), pa.scalar(value, pa.binary())).to_numpy(zero_copy_only=False)
    return rows[equal]


def _binary(field: Viewed, rows: Int64s) -> pa.Array:
    views = np.empty((len(rows), 2), np.uint64)
    views[:, 0], views[:, 1] = field.first[rows], field.second[rows]
    return binary_of_views(views, field.buffers)


# What they become -----------------------------------------------------------------------------------------------------


def _with_escapes(values: pa.Array, layout: CopyLayout) -> pa.Array:
    """Return values with a backslash before each mark; control characters become letters."""
    offsets, data = parts_of(values)
    letters = np.arange(256, dtype=np.uint8)
    letters[np.frombuffer(_CONTROLS, np.uint8)] = np.frombuffer(_LETTERS, np.uint8)
    hits = hits_of(data, layout.marks)
    before = np.concatenate(([0], np.cumsum(hits)))
    places = np.arange(len(data)) + before[1:]
    written = np.empty(len(data) + int(before[-1]), np.uint8)
    written[places] = np.where(hits, letters[data], data)
    written[places[hits] - 1] = _BACKSLASH
    ends = (offsets + before[offsets]).astype(np.int32)
    return pa.Array.from_buffers(pa.binary(), len(values), [None, pa.py_buffer(ends), pa.py_buffer(written)])


def _with_quotes(values: pa.Array, layout: CopyLayout) -> pa.Array:
    """Return values between quotes, with an escape before each quote and each escape."""
    assert layout.quote is not None and layout.escape is not None
    data = parts_of(values)[1]
    for mark in {layout.escape: None, layout.quote: None}:  # in this order: it must not escape its own escapes
        if (data == mark).any():
            values = pc.replace_substring(values, bytes((mark,)), bytes((layout.escape, mark)))
    quote = bytes((layout.quote,))
    return pc.binary_join_element_wise(quote, values, quote, b"")


def _rewritten(field: Viewed, rows: Int64s, values: pa.Array) -> Viewed:
    """Return a field with other values in some rows."""
    sizes = np.diff(parts_of(values)[0]).astype(np.int32)
    array = values.cast(pa.binary_view())
    _, view_buffer, *added = array.buffers()
    views = np.frombuffer(view_buffer, np.uint64, 2 * len(rows)).reshape(-1, 2)
    lengths, first, second = field.lengths.copy(), field.first.copy(), field.second.copy()
    lengths[rows] = sizes
    first[rows] = views[:, 0]
    second[rows] = views[:, 1] + (sizes > INLINE) * np.uint64(len(field.buffers))
    return Viewed(lengths, first, second, (*field.buffers, *added))
