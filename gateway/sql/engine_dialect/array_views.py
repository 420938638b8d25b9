"""Arrow arrays as numpy views of their buffers, and arrays made of such: nothing is copied, and bits that say which
values are NULL are joined as bits.

What lies in the place of a NULL is whatever lay there: who looks at values for errors asks `is_known` before he raises.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_Bits = npt.NDArray[np.uint8]
Known = npt.NDArray[np.bool_]


def viewed(values: pa.Array, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return the values of a column of fixed width, as many of ``dtype`` as there are rows."""
    buffer = values.buffers()[1]
    if buffer is None or not len(values):
        return np.zeros(len(values), dtype)
    return np.frombuffer(buffer, dtype, len(values), values.offset * np.dtype(dtype).itemsize)


def known_bits(*arrays: pa.Array) -> pa.Buffer | None:
    """Return the bits of the rows in which no array has NULL; None where that is all of them."""
    found: _Bits | None = None
    for array in arrays:
        if array.null_count:
            bits = _bits(array)
            found = bits if found is None else found & bits
    return None if found is None else pa.py_buffer(found)


def is_known(*arrays: pa.Array) -> Known:
    """Return in which rows no array has NULL."""
    bits = known_bits(*arrays)
    if bits is None:
        return np.ones(len(arrays[0]), np.bool_)
    return np.unpackbits(np.frombuffer(bits, np.uint8), count=len(arrays[0]), bitorder="little").view(np.bool_)


def _bits(array: pa.Array) -> _Bits:
    first, rest = divmod(array.offset, 8)
    size = (len(array) + 7) // 8
    buffer = array.buffers()[0]
    if buffer is None:  # all of a column of no type
        return np.zeros(size, np.uint8)
    if rest:
        return np.packbits(array.is_valid().to_numpy(zero_copy_only=False), bitorder="little")
    return np.frombuffer(buffer, np.uint8, size, first)


def made(kind: pa.DataType, data: npt.NDArray[Any], bits: pa.Buffer | None) -> pa.Array:
    """Return an array of such data, one element or row of them for each value."""
    return pa.Array.from_buffers(kind, len(data), [bits, pa.py_buffer(np.ascontiguousarray(data))])


def decimals(wholes: npt.NDArray[np.int64], kind: pa.Decimal128Type, bits: pa.Buffer | None) -> pa.Array:
    """Return whole numbers as numerics of a scale, of which they count the last digits."""
    words = np.empty((len(wholes), 2), np.int64)
    words[:, 0] = wholes
    np.right_shift(wholes, 63, out=words[:, 1])
    return made(kind, words, bits)
