"""Columns between Arrow and PostgreSQL: a column goes as one array of texts, a result comes as two values.

These are the lengths of all results (-1 for NULL) and their bytes end to end; no step is taken for each row.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

TEXT_OID = 25
_HEADER = struct.Struct(">iiiii")  # of an array: dimensions, whether it has NULLs, element type, length, lower bound
_INT4 = 4  # bytes
_EPOCH_DAYS = 10_957  # of 2000-01-01, from which PostgreSQL counts
_EPOCH_MICROSECONDS = _EPOCH_DAYS * 86_400_000_000
_MOST_MICROSECONDS = 2**63 // 1000
_INTERVAL = np.dtype([("microseconds", ">i8"), ("days", ">i4"), ("months", ">i4")])
_MONTH_DAY_NANO = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])

Lengths = np.ndarray[Any, np.dtype[np.int64]]


def text_array(values: pa.Array) -> bytes:
    """Return an array of strings in PostgreSQL's binary format for text[]."""
    lengths = pc.fill_null(pc.binary_length(values), -1).to_numpy(zero_copy_only=False).astype(">i4")
    prefixes = pa.Array.from_buffers(pa.binary(4), len(values), [None, pa.py_buffer(lengths)])
    content = pc.fill_null(values.cast(pa.binary()), b"")
    joined = pc.binary_join_element_wise(prefixes.cast(pa.binary()), content, b"")
    header = _HEADER.pack(1, 1, TEXT_OID, len(values), 1)
    return header + joined.buffers()[2].to_pybytes() if len(values) else header


def result_lengths(told: bytes) -> Lengths:
    """Return the lengths out of an int4[] in binary format."""
    return np.frombuffer(told, ">i4", offset=_HEADER.size).reshape(-1, 2)[:, 1].astype(np.int64)


def _validity(lengths: Lengths) -> pa.Buffer | None:
    return None if (lengths >= 0).all() else pa.array(lengths >= 0).buffers()[1]


def variable(lengths: Lengths, content: bytes, kind: pa.DataType) -> pa.Array:
    """Return results as strings or binary values."""
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(np.maximum(lengths, 0), out=offsets[1:])
    return pa.Array.from_buffers(kind, len(lengths), [_validity(lengths), pa.py_buffer(offsets), pa.py_buffer(content)])


def _spread(lengths: Lengths, content: bytes, wire: np.dtype[Any]) -> np.ndarray[Any, np.dtype[Any]]:
    """Return one value a row, zero for NULL."""
    found = np.zeros(len(lengths), wire.newbyteorder("="))
    found[lengths >= 0] = np.frombuffer(content, wire)
    return found


def numbers(lengths: Lengths, content: bytes, wire: str, kind: pa.DataType) -> pa.Array:
    """Return results of fixed size, sent as big-endian numbers of the numpy type ``wire``."""
    found = _spread(lengths, content, np.dtype(wire))
    return pa.Array.from_buffers(kind, len(lengths), [_validity(lengths), pa.py_buffer(found)])


def booleans(lengths: Lengths, content: bytes) -> pa.Array:
    """Return results of type boolean."""
    return pa.array(_spread(lengths, content, np.dtype("u1")) != 0, mask=lengths < 0)


def moments(lengths: Lengths, content: bytes, kind: pa.DataType) -> pa.Array:
    """Return dates or timestamps; the infinities stay the least and the greatest number, as everywhere here."""
    wire, epoch = (">i4", _EPOCH_DAYS) if pa.types.is_date32(kind) else (">i8", _EPOCH_MICROSECONDS)
    found = _spread(lengths, content, np.dtype(wire))
    ends = np.iinfo(found.dtype)
    finite = (found != ends.min) & (found != ends.max)
    found[finite] += epoch
    return pa.Array.from_buffers(kind, len(lengths), [_validity(lengths), pa.py_buffer(found)])


def times(lengths: Lengths, content: bytes) -> pa.Array:
    """Return times of day, in the engine's nanoseconds."""
    found = _spread(lengths, content, np.dtype(">i8")) * 1000
    return pa.Array.from_buffers(pa.time64("ns"), len(lengths), [_validity(lengths), pa.py_buffer(found)])


def intervals(lengths: Lengths, content: bytes) -> pa.Array:
    """Return intervals. Raises 22008 for times that are longer than the engine has nanoseconds for, some 292 years."""
    sent = np.frombuffer(content, _INTERVAL)
    if (np.abs(sent["microseconds"].astype(np.float64)) >= _MOST_MICROSECONDS).any():
        raise SqlError(SqlState.DATETIME_FIELD_OVERFLOW, "interval out of range")
    found = np.zeros(len(lengths), _MONTH_DAY_NANO)
    rows = lengths >= 0
    found["months"][rows], found["days"][rows] = sent["months"], sent["days"]
    found["nanoseconds"][rows] = sent["microseconds"] * 1000
    buffers = [_validity(lengths), pa.py_buffer(found)]
    return pa.Array.from_buffers(pa.month_day_nano_interval(), len(lengths), buffers)


def lists(
    lengths: Lengths, content: bytes, kind: pa.DataType, element: Callable[[Lengths, bytes], pa.Array] | None = None
) -> pa.Array:
    """Return arrays: each comes as the number of its elements (-1: it has a form that lists have not), their lengths
    and what ``element`` makes of their bytes; without it these are texts.
    """
    data = np.frombuffer(content, np.uint8)
    rows = lengths >= 0
    ends = np.cumsum(np.maximum(lengths, 0))
    starts = (ends - np.maximum(lengths, 0))[rows]
    counts = _int4s(data, starts)
    if (counts < 0).any():
        message = "arrays of several dimensions, or with other lower bounds than 1, are not supported on lake tables"
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, message)
    sizes = _int4s(data, _ranges(starts + _INT4, counts, _INT4))
    first = starts + _INT4 + counts * _INT4
    chosen = data[_ranges(first, ends[rows] - first, 1)]
    if element is not None:
        elements = element(sizes, chosen.tobytes())
    else:
        elements = variable(sizes, chosen.tobytes(), pa.string()).cast(kind.value_type)
    offsets = np.zeros(len(lengths) + 1, np.int32)
    each = np.zeros(len(lengths), np.int64)
    each[rows] = counts
    np.cumsum(each, out=offsets[1:])
    children = [elements]
    return pa.Array.from_buffers(kind, len(lengths), [_validity(lengths), pa.py_buffer(offsets)], children=children)


def _int4s(data: np.ndarray[Any, np.dtype[np.uint8]], places: Lengths) -> Lengths:
    """Return the big-endian numbers of four bytes at these places."""
    found = data[places[:, None] + np.arange(_INT4)]
    return np.ascontiguousarray(found).view(">i4").ravel().astype(np.int64)


def _ranges(starts: Lengths, counts: Lengths, step: int) -> Lengths:
    """Return ``start, start + step, …`` for each start, so many of them, one after the other."""
    before = np.cumsum(counts) - counts
    within = np.arange(int(counts.sum())) - np.repeat(before, counts)
    return np.repeat(starts, counts) + within * step


def interval_text(values: pa.Array) -> pa.Array:
    """Write intervals so that PostgreSQL reads them back, whatever the style: each part has a sign of its own, since in
    ``sql_standard`` a first minus alone is that of all parts.
    """
    parts = np.frombuffer(values.buffers()[1], _MONTH_DAY_NANO)[values.offset : values.offset + len(values)]
    pieces = [pa.array(np.ascontiguousarray(parts[name])).cast(pa.string()) for name in ("months", "days")]
    pieces.append(pa.array(np.ascontiguousarray(parts["nanoseconds"]) // 1000).cast(pa.string()))
    months, days, rest = (
        pc.if_else(pc.starts_with(one, "-"), one, pc.binary_join_element_wise("+", one, "")) for one in pieces
    )
    joined = pc.binary_join_element_wise(months, " mons ", days, " days ", rest, " microseconds", "")
    return pc.if_else(pc.is_valid(values), joined, pa.scalar(None, pa.string()))


def _signed(numbers: pa.Array) -> pa.Array:
    return pc.if_else(pc.starts_with(numbers, "-"), numbers, pc.binary_join_element_wise("+", numbers, ""))


def list_text(values: pa.Array) -> pa.Array:
    """Write lists of strings in PostgreSQL's form ``{"a",NULL}``."""
    flat = values.flatten()
    escaped = pc.replace_substring(pc.replace_substring(flat, "\\", "\\\\"), '"', '\\"')
    quoted = pc.fill_null(pc.binary_join_element_wise('"', escaped, '"', ""), "NULL")
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)
    offsets = np.zeros(len(values) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), quoted), ",")
    braced = pc.binary_join_element_wise("{", joined, "}", "")
    return pc.if_else(pc.is_valid(values), braced, pa.scalar(None, pa.string()))
