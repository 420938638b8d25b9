"""Types that come as PostgreSQL's text, in binary: bit strings, ranges and multiranges, a column at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.values.escaping import element_texts
from gateway.values.fields import LENGTH_BYTES, Bools, Field, Int64s, binary_of_field, field_of_binary, validity
from gateway.values.registry import DATE, INT4, INT8, NUMERIC, TIMESTAMP, TIMESTAMPTZ
from gateway.values.strings import plain_string
from gateway.values.text_fields import lists_of

Encoder = Callable[[pa.Array], Field]
BITS = frozenset({1560, 1562})
"""``bit`` and ``varbit``."""
RANGES: dict[int, int] = {3904: INT4, 3926: INT8, 3906: NUMERIC, 3912: DATE, 3908: TIMESTAMP, 3910: TIMESTAMPTZ}
"""The types of ranges, and those of their bounds."""
MULTIRANGES: dict[int, int] = {4451: 3904, 4536: 3926, 4532: 3906, 4535: 3912, 4533: 3908, 4534: 3910}
"""The types of multiranges, and those of their ranges."""
MOMENTS = frozenset({DATE, TIMESTAMP, TIMESTAMPTZ})
"""Types that have infinite values."""
_RANGE = r'^(?P<open>[\[(])"?(?P<low>[^",]*)"?,"?(?P<high>[^"\])]*)"?(?P<close>[\])])$'
_ISO_RANGE = r'^[\[(](|-?infinity|"?\d{4}-\d\d-\d\d[^,B]*),(|-?infinity|"?\d{4}-\d\d-\d\d[^,B]*)[\])]$'
_EMPTY, _LOW_INCLUSIVE, _HIGH_INCLUSIVE, _NO_LOW, _NO_HIGH = 1, 2, 4, 8, 16  # flags of rangetypes.h
_BYTE = 8  # bits


def bits_binary(values: pa.Array) -> Field:
    """Encode bit strings: how many bits, and these, eight to a byte, the last one filled with zeros."""
    texts = pc.fill_null(values.cast(pa.binary()), b"")
    sizes = pc.binary_length(texts).to_numpy(zero_copy_only=False).astype(np.int64)
    written = -(-sizes // _BYTE)
    starts = np.concatenate(([0], np.cumsum(written)))
    bits = np.zeros(int(starts[-1]) * _BYTE, np.uint8)
    within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    bits[np.repeat(starts[:-1] * _BYTE, sizes) + within] = _data(texts) == ord("1")
    packed = pa.py_buffer(np.packbits(bits))
    body = pa.Array.from_buffers(pa.binary(), len(texts), [None, pa.py_buffer(starts.astype(np.int32)), packed])
    return field_of_binary(_with_nulls_of(values, pc.binary_join_element_wise(_words(sizes), body, b"")))


def range_binary(values: pa.Array, bound: Encoder) -> Field:
    """Encode ranges; ``bound`` gives the text of a bound in binary. Flags, and each bound behind its length."""
    parts = pc.extract_regex(values, _RANGE)
    empty = ~validity(parts)
    inclusive = [(_is(parts, "open", "["), _LOW_INCLUSIVE), (_is(parts, "close", "]"), _HIGH_INCLUSIVE)]
    open_ = [(_is(parts, "low", ""), _NO_LOW), (_is(parts, "high", ""), _NO_HIGH)]
    flags = np.where(empty, _EMPTY, 0)
    for holds, flag in (*inclusive, *open_):
        flags = flags + np.where(~empty & holds, flag, 0)
    heads = _bytes(flags.astype(np.uint8).tobytes(), 1, len(values))
    low, high = (_bound(pc.struct_field(parts, name), bound) for name in ("low", "high"))
    return field_of_binary(_with_nulls_of(values, pc.binary_join_element_wise(heads, low, high, b"")))


def range_text(values: pa.Array, bound: Encoder) -> Field:
    """Write ranges of dates or timestamps anew, given in ISO's style; ``bound`` gives the text of a bound. Others stay
    as they are: what PostgreSQL has written in this session has the session's style.
    """
    return field_of_binary(_ranges_anew(plain_string(values), bound))


def multirange_text(values: pa.Array, bound: Encoder) -> Field:
    """As `range_text`, of multiranges."""
    lists = _ranges_of(pc.fill_null(plain_string(values), "{}"))
    written = _ranges_anew(lists.flatten(), bound)
    sizes = lists.value_lengths().to_numpy().astype(np.int64)
    joined = pc.binary_join(lists_of(sizes, written), b",")
    return field_of_binary(_with_nulls_of(values, pc.binary_join_element_wise(b"{", joined, b"}", b"")))


def _ranges_anew(values: pa.Array, bound: Encoder) -> pa.Array:
    parts = pc.extract_regex(values, _RANGE)
    is_iso = pc.fill_null(pc.match_substring_regex(values, _ISO_RANGE), False)
    pieces = [pc.struct_field(parts, name) for name in ("open", "low", "high", "close")]
    for place in (1, 2):
        is_moment = pc.and_(is_iso, pc.match_substring_regex(pc.fill_null(pieces[place], ""), r"^\d"))
        written = binary_of_field(bound(pc.if_else(is_moment, pieces[place], pa.scalar(None, pa.string()))))
        pieces[place] = pc.if_else(is_moment, element_texts(written), pieces[place].cast(pa.binary()))
    opened, low, high, closed = pieces
    anew = pc.binary_join_element_wise(opened.cast(pa.binary()), low, b",", high, closed.cast(pa.binary()), b"")
    return pc.if_else(is_iso, anew, values.cast(pa.binary()))


def with_infinities(moment: Encoder, oid: int) -> Encoder:
    """Return an encoder of dates or timestamps for texts of infinite ones, too, which no type of Arrow holds."""
    size = 4 if oid == DATE else 8
    greatest = (1 << (size * _BYTE - 1)) - 1
    written = {
        text: number.to_bytes(size, "big", signed=True)
        for text, number in (("infinity", greatest), ("-infinity", ~greatest))
    }

    def encode(texts: pa.Array) -> Field:
        infinite = pc.fill_null(pc.is_in(texts, pa.array(written)), False)
        if not pc.any(infinite).as_py():
            return moment(texts)
        found = binary_of_field(moment(pc.if_else(infinite, pa.scalar(None, pa.string()), texts)))
        for text, data in written.items():
            found = pc.if_else(pc.fill_null(pc.equal(texts, text), False), data, found)
        return field_of_binary(found)

    return encode


def multirange_binary(values: pa.Array, bound: Encoder) -> Field:
    """Encode multiranges: how many ranges, and each behind its length."""
    lists = _ranges_of(pc.fill_null(values, "{}"))
    counts = pc.list_value_length(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    ranges = binary_of_field(range_binary(lists.flatten(), bound))
    bounds = pa.array(np.concatenate(([0], np.cumsum(counts))).astype(np.int32))
    joined = pc.binary_join(pa.ListArray.from_arrays(bounds, _behind_lengths(ranges)), b"")
    return field_of_binary(_with_nulls_of(values, pc.binary_join_element_wise(_words(counts), joined, b"")))


def _ranges_of(values: pa.Array) -> pa.Array:
    """Return the ranges of multiranges as lists of texts."""
    bare = pc.utf8_trim(values, "{}")
    lists = pc.split_pattern(pc.replace_substring_regex(bare, r"([\])]),", r"\1;"), ";")
    return pc.if_else(pc.equal(bare, ""), pa.scalar([], lists.type), lists)


def _bound(texts: pa.Array, bound: Encoder) -> pa.Array:
    """Return a bound of each range behind its length; nothing where there is none."""
    absent = pc.fill_null(pc.equal(texts, ""), True)
    written = binary_of_field(bound(pc.if_else(absent, pa.scalar(None, pa.string()), texts)))
    return pc.if_else(absent, b"", _behind_lengths(pc.fill_null(written, b"")))


def _behind_lengths(values: pa.Array) -> pa.Array:
    sizes = pc.binary_length(values).to_numpy(zero_copy_only=False).astype(np.int64)
    return pc.binary_join_element_wise(_words(sizes), values, b"")


def _words(numbers: Int64s) -> pa.Array:
    """Return numbers as big-endian words of four bytes."""
    return _bytes(numbers.astype(">i4").tobytes(), LENGTH_BYTES, len(numbers))


def _bytes(data: bytes, width: int, rows: int) -> pa.Array:
    return pa.Array.from_buffers(pa.binary(width), rows, [None, pa.py_buffer(data)]).cast(pa.binary())


def _data(texts: pa.Array) -> npt.NDArray[np.uint8]:
    """Return the bytes of all texts, one behind another."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32, len(texts) + 1, 4 * texts.offset)
    return np.frombuffer(texts.buffers()[2] or b"", np.uint8)[int(offsets[0]) : int(offsets[-1])]


def _is(parts: pa.Array, name: str, text: str) -> Bools:
    found = pc.fill_null(pc.equal(pc.struct_field(parts, name), text), False)
    return np.asarray(found.to_numpy(zero_copy_only=False))


def _with_nulls_of(values: pa.Array, made: pa.Array) -> pa.Array:
    return pc.if_else(values.is_null(), pa.scalar(None, made.type), made)
