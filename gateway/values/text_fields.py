"""Pieces that texts of types are taken apart into, whole columns at a time: numbers, digits, and bytes end to end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.values.fields import Field, Int64s, field_of_binary
from gateway.values.strings import parts_of, plain_binary

_NOTHING = b""


def group(parts: pa.Array, name: str, missing: str = "0") -> pa.Array:
    """Return what a group of a regular expression has matched in each row; ``missing`` where that is nothing."""
    found = pc.fill_null(pc.struct_field(parts, name), missing)
    return pc.if_else(pc.equal(found, ""), missing, found)


def integers(texts: pa.Array) -> Int64s:
    """Return texts of digits as numbers."""
    return np.asarray(texts.cast(pa.int64()).to_numpy(zero_copy_only=False))


def bytes_of_hex(digits: pa.Array) -> npt.NDArray[np.uint8]:
    """Return the bytes that all digits stand for, one row behind another; each row has an even number of them."""
    _, data = parts_of(plain_binary(digits))
    return np.frombuffer(bytes.fromhex(data.tobytes().decode("ascii")), np.uint8)


def rows_of_bytes(data: npt.NDArray[np.uint8]) -> pa.Array:
    """Return each row of bytes as one value."""
    rows, width = data.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(width)
    content = pa.py_buffer(np.ascontiguousarray(data))
    return pa.Array.from_buffers(pa.binary(), rows, [None, pa.py_buffer(offsets), content])


def lists_of(sizes: Int64s, elements: pa.Array) -> pa.Array:
    """Return lists of so many elements each."""
    return pa.ListArray.from_arrays(pa.array(np.concatenate(([0], np.cumsum(sizes))).astype(np.int32)), elements)


def records(values: pa.Array, columns: Sequence[tuple[str, npt.NDArray[Any]]]) -> Field:
    """Return values that each have the same parts, given by their type on the wire; NULLs where ``values`` has them."""
    found = np.zeros(len(values), np.dtype([(f"part {place}", kind) for place, (kind, _) in enumerate(columns)]))
    for place, (_, column) in enumerate(columns):
        found[f"part {place}"] = column
    data = found.view(np.uint8).reshape(len(values), found.itemsize)
    return field_of_binary(with_nulls_of(values, rows_of_bytes(data)))


def words(numbers: npt.NDArray[Any], kind: str) -> pa.Array:
    """Return each number as the bytes it has on the wire: ``kind`` is a type of numpy, as ``>i4``."""
    data = numbers.astype(kind)
    return rows_of_bytes(data.view(np.uint8).reshape(len(data), data.itemsize))


def joined(*pieces: pa.Array | bytes) -> pa.Array:
    """Return the pieces of each row end to end."""
    return pc.binary_join_element_wise(*pieces, _NOTHING)


def joined_lists(lists: pa.Array) -> pa.Array:
    """Return the elements of each list end to end."""
    return pc.binary_join(lists, _NOTHING)


def with_nulls_of(values: pa.Array, made: pa.Array) -> pa.Array:
    """Return ``made`` with the NULLs of ``values``."""
    return pc.if_else(values.is_null(), pa.scalar(None, made.type), made)
