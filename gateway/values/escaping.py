"""Strings between double quotes, with backslashes: whole columns of bytes are looked at, no string alone."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.values.fields import Bools, validity
from gateway.values.strings import parts_of, plain_binary, rebuilt

Bytes = npt.NDArray[np.uint8]
_BACKSLASH = ord("\\")
_ESCAPED = b'"\\'
_QUOTED_FOR = b'{},"\\ \t\n\v\f\r'
_WORD_NULL = np.frombuffer(b"null", np.uint8)
_LOWER_CASE = np.uint8(0x20)


def hits_of(data: Bytes, marks: Collection[int]) -> Bools:
    """Return which bytes are among ``marks``: comparisons of whole columns are far quicker than a table."""
    hits = np.zeros(len(data), np.bool_)
    for first, size in _runs(bytes(sorted(marks))):
        hits |= data == first if size == 1 else data - np.uint8(first) < size
    return hits


@cache
def _runs(marks: bytes) -> tuple[tuple[int, int], ...]:
    """Return runs of codes without a gap: the first of each, and how many there are."""
    starts = [at for at, mark in enumerate(marks) if at == 0 or marks[at - 1] != mark - 1]
    return tuple((marks[at], end - at) for at, end in pairwise([*starts, len(marks)]))


def with_backslashes(values: pa.Array) -> pa.Array:
    """Return a string or binary array as binary, with a backslash before each double quote and each backslash."""
    values = plain_binary(values)
    offsets, data = parts_of(values)
    places = np.flatnonzero(hits_of(data, _ESCAPED))
    if len(places) == 0:
        return values
    return rebuilt(values, offsets + np.searchsorted(places, offsets), _inserted(data, places))


def _inserted(data: Bytes, places: npt.NDArray[np.intp]) -> Bytes:
    """Return bytes with a backslash before each of some places, as `np.insert` does in three times the time."""
    made = np.full(len(data) + len(places), _BACKSLASH, np.uint8)
    kept = np.ones(len(made), np.bool_)
    kept[places + np.arange(len(places))] = False
    made[kept] = data
    return made


def in_quotes(values: pa.Array) -> pa.Array:
    """Return binary values between double quotes, NULLs as they are."""
    return pc.binary_join_element_wise(b'"', values, b'"', b"")


def escaped_elements(values: pa.Array) -> tuple[pa.Array, Bools]:
    """Return the texts of an array's elements with the backslashes that they have in the array's literal, and which of
    them stand in quotes there: those that are empty, could be taken for NULL, or hold a character that means something.
    """
    values = plain_binary(values)
    offsets, data = parts_of(values)
    marked = hits_of(data, _QUOTED_FOR)
    counts = np.concatenate(([0], np.cumsum(marked, dtype=np.int32)))
    sizes = np.diff(offsets)
    needed = (counts[offsets[1:]] > counts[offsets[:-1]]) | (sizes == 0)
    words = np.flatnonzero(sizes == len(_WORD_NULL))
    if len(words):
        letters = data[offsets[words][:, None] + np.arange(len(_WORD_NULL))] | _LOWER_CASE
        needed[words[(letters == _WORD_NULL).all(axis=1)]] = True
    needed &= validity(values)
    return with_backslashes(values), needed


def element_texts(values: pa.Array) -> pa.Array:
    """Return the texts of an array's elements as the array's literal has them, in quotes where they need them."""
    escaped, quoted = escaped_elements(values)
    return between_quotes(escaped, quoted) if quoted.any() else escaped


def between_quotes(values: pa.Array, chosen: Bools) -> pa.Array:
    """Return binary values, between double quotes where they are ``chosen``."""
    between = in_quotes(values)
    return between if chosen.all() else pc.if_else(pa.array(chosen), between, values)
