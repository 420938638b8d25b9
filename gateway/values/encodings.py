"""Dictionary and run-end encoded arrays: their distinct values are encoded once and then picked row by row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.values.fields import (
    NULL_LENGTH,
    Bools,
    Field,
    Int64s,
    Prefixed,
    Short,
    Viewed,
    validity,
)


def is_encoded(kind: pa.DataType) -> bool:
    """Return whether arrays of a type hold their distinct values apart from the rows."""
    return bool(pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind))


def distinct_values(values: pa.Array) -> pa.Array:
    """Return the values that the rows of an encoded array refer to."""
    return values.dictionary if pa.types.is_dictionary(values.type) else values.values


def indices_of(values: pa.Array) -> Int64s:
    """Return for each row of an encoded array the place of its value; 0 for NULLs of the rows themselves."""
    if pa.types.is_dictionary(values.type):
        indices: Int64s = pc.fill_null(values.indices, 0).to_numpy(zero_copy_only=False).astype(np.int64)
        return indices
    ends = values.run_ends.to_numpy(zero_copy_only=False)
    rows = np.arange(values.offset, values.offset + len(values))
    return np.searchsorted(ends, rows, side="right")


def missing_rows(values: pa.Array) -> Bools:
    """Return which rows of an encoded array refer to no value at all."""
    if pa.types.is_dictionary(values.type):
        return ~validity(values.indices)
    return np.zeros(len(values), np.bool_)


def picked(encode: Callable[[pa.Array], Field]) -> Callable[[pa.Array], Field]:
    """Return the encoder of encoded arrays whose values ``encode`` encodes."""

    def encode_rows(values: pa.Array) -> Field:
        distinct = distinct_values(values)
        missing = missing_rows(values)
        if len(distinct) == 0:
            return Short(np.full(len(values), NULL_LENGTH, np.int32), np.zeros(len(values), np.uint64))
        field = _pick(encode(distinct), indices_of(values))
        field.lengths[missing] = NULL_LENGTH
        if isinstance(field, Viewed):
            field.first[missing] = 0
        return field

    return encode_rows


def _pick(field: Field, places: Int64s) -> Field:
    """Return the values at ``places`` of a field."""
    lengths = field.lengths.take(places)
    if isinstance(field, Short):
        return Short(lengths, field.words.take(places))
    if isinstance(field, Prefixed):
        return Prefixed(lengths, field.words.take(places), field.starts.take(places), field.buffer)
    return Viewed(lengths, field.first.take(places), field.second.take(places), field.buffers)
