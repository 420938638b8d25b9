"""Types that come as PostgreSQL's text, in binary: times with zones, places in logs and tables, snapshots, paths of
JSON, documents of text search; a column at a time.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.values.fields import Field, Int64s, field_of_binary
from gateway.values.text_fields import (
    bytes_of_hex,
    group,
    integers,
    joined,
    joined_lists,
    lists_of,
    records,
    rows_of_bytes,
    with_nulls_of,
    words,
)

_TIMETZ = (
    r"^(?P<hour>\d+):(?P<minute>\d+):(?P<second>\d+)(?:\.(?P<fraction>\d+))?"
    r"(?P<sign>[+-])(?P<zone_hour>\d+)(?::(?P<zone_minute>\d+))?(?::(?P<zone_second>\d+))?$"
)
_MICROSECONDS = 1_000_000
_LSN_DIGITS = 8
_TID = r"^\((?P<block>\d+),(?P<place>\d+)\)$"
_SNAPSHOT = r"^(?P<least>\d+):(?P<most>\d+):(?P<running>[\d,]*)$"
_VERSION = b"\x01"  # of jsonpath
_POSITION = r"^(?P<place>\d+)(?P<weight>[ABC]?)$"
_WEIGHTS = pa.array(["", "C", "B", "A"])
_WEIGHT_BITS = 14


def timetz_binary(values: pa.Array) -> Field:
    """Encode times with zones: microseconds of the local time, and seconds that the zone is west of Greenwich."""
    parts = pc.extract_regex(pc.fill_null(values, "0:0:0+0"), _TIMETZ)
    fraction = integers(pc.utf8_rpad(group(parts, "fraction"), 6, "0"))
    local = _seconds(parts, ("hour", "minute", "second")) * _MICROSECONDS + fraction
    zone = _seconds(parts, ("zone_hour", "zone_minute", "zone_second"))
    west = pc.equal(group(parts, "sign"), "-").to_numpy(zero_copy_only=False)
    return records(values, ((">i8", local), (">i4", np.where(west, zone, -zone))))


def _seconds(parts: pa.Array, names: tuple[str, str, str]) -> Int64s:
    hours, minutes, seconds = (integers(group(parts, name)) for name in names)
    return (hours * 60 + minutes) * 60 + seconds


def lsn_binary(values: pa.Array) -> Field:
    """Encode places in the write-ahead log."""
    halves = pc.split_pattern(pc.fill_null(values, "0/0"), "/").flatten()
    data = bytes_of_hex(pc.utf8_lpad(halves, _LSN_DIGITS, "0")).reshape(len(values), _LSN_DIGITS)
    return field_of_binary(with_nulls_of(values, rows_of_bytes(data)))


def xid8_binary(values: pa.Array) -> Field:
    """Encode transactions' numbers with their epochs."""
    numbers = pc.fill_null(values, "0").cast(pa.uint64()).to_numpy(zero_copy_only=False)
    return records(values, ((">u8", numbers),))


def tid_binary(values: pa.Array) -> Field:
    """Encode places of rows in tables: block and place."""
    parts = pc.extract_regex(pc.fill_null(values, "(0,0)"), _TID)
    return records(values, ((">u4", integers(group(parts, "block"))), (">u2", integers(group(parts, "place")))))


def jsonpath_binary(values: pa.Array) -> Field:
    """Encode paths of JSON: a version, and the text."""
    return field_of_binary(joined(_VERSION, values.cast(pa.binary())))


def snapshot_binary(values: pa.Array) -> Field:
    """Encode snapshots: how many transactions were running, the least and the most, and each that was running."""
    parts = pc.extract_regex(pc.fill_null(values, "1:1:"), _SNAPSHOT)
    sizes, running = _numbers(group(parts, "running", ""), ",")
    ends = (words(integers(group(parts, name)), ">i8") for name in ("least", "most"))
    body = joined_lists(lists_of(sizes, words(running, ">i8")))
    return field_of_binary(with_nulls_of(values, joined(words(sizes, ">i4"), *ends, body)))


def vector_binary(values: pa.Array, element: int, size: int) -> Field:
    """Encode ``oidvector`` and ``int2vector``: arrays whose first place is 0; elements have ``size`` bytes."""
    sizes, numbers = _numbers(pc.fill_null(values, ""), " ")
    head = np.zeros((len(values), 5), ">i4")  # dimensions, NULLs, type of elements, how many, first place
    head[:, 0], head[:, 2], head[:, 3] = 1, element, sizes
    each = joined(words(np.full(len(numbers), size), ">i4"), words(numbers, f">i{size}"))
    body = joined_lists(lists_of(sizes, each))
    return field_of_binary(with_nulls_of(values, joined(rows_of_bytes(head.view(np.uint8)), body)))


def _numbers(texts: pa.Array, mark: str) -> tuple[Int64s, Int64s]:
    """Return how many numbers each text has between marks, and all of them."""
    lists = pc.split_pattern(texts, mark)
    there = np.asarray(pc.not_equal(texts, "").to_numpy(zero_copy_only=False))
    sizes = np.where(there, lists.value_lengths().to_numpy(), 0).astype(np.int64)
    return sizes, integers(lists.filter(pa.array(there)).flatten())


def tsvector_binary(values: pa.Array) -> Field:
    """Encode documents of text search: how many words, and of each its characters, a NUL, how many places it has in
    the document, and these with their weights.
    """
    pieces = pc.split_pattern(pc.fill_null(values, ""), "'")  # places, word, places, word, places
    counts = pieces.value_lengths().to_numpy().astype(np.int64)
    flat = pieces.flatten()
    within = np.arange(len(flat)) - np.repeat(np.cumsum(counts) - counts, counts)
    is_word = within % 2 == 1
    is_last = np.zeros(len(flat), np.bool_)
    is_last[np.cumsum(counts) - 1] = True
    # Nothing between two words, where a space would be, is a quotation mark inside of one.
    is_mark = ~is_word & ~is_last & (within > 0) & np.asarray(pc.equal(flat, "").to_numpy(zero_copy_only=False))
    ends = ~is_word & (within > 0) & ~is_mark  # what follows the last part of a word
    rows = np.repeat(np.arange(len(values)), counts)
    parts = np.diff(np.concatenate(([0], np.cumsum(is_word)[ends])))
    words_ = pc.binary_join(lists_of(parts, flat.filter(pa.array(is_word))), "'")
    lexemes = pc.replace_substring(words_, "\\\\", "\\").cast(pa.binary())
    each = joined(lexemes, b"\0", _positions(pc.utf8_trim(flat.filter(pa.array(ends)), ": ")))
    sizes = np.bincount(rows[ends], minlength=len(values)).astype(np.int64)
    return field_of_binary(with_nulls_of(values, joined(words(sizes, ">i4"), joined_lists(lists_of(sizes, each)))))


def _positions(places: pa.Array) -> pa.Array:
    """Return places, as ``1A,2``, as their number and each of them with its weight in the two highest bits."""
    lists = pc.split_pattern(places, ",")
    there = np.asarray(pc.not_equal(places, "").to_numpy(zero_copy_only=False))
    sizes = np.where(there, lists.value_lengths().to_numpy(), 0).astype(np.int64)
    parts = pc.extract_regex(lists.filter(pa.array(there)).flatten(), _POSITION)
    weights = pc.index_in(pc.struct_field(parts, "weight"), _WEIGHTS).to_numpy(zero_copy_only=False)
    numbers = integers(group(parts, "place")) | weights.astype(np.int64) << _WEIGHT_BITS
    return joined(words(sizes, ">u2"), joined_lists(lists_of(sizes, words(numbers, ">u2"))))
