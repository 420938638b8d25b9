"""Random values on whole Arrow arrays. Each takes an array of as many values as are wanted, as its last argument."""

from __future__ import annotations

import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_RANDOM = np.random.default_rng()
_PER_MILLISECOND = 1_000_000  # nanoseconds
_FRACTIONS = 4096  # of a millisecond, which twelve bits of a uuid tell
_PLACES = [place for start, end in ((0, 8), (9, 13), (14, 18), (19, 23), (24, 36)) for place in range(start, end)]


def integers(lows: pa.Array, highs: pa.Array, wanted: pa.Array) -> pa.Array:
    """Return whole numbers between bounds, both included."""
    known = pc.and_(pc.is_valid(lows), pc.is_valid(highs)).to_numpy(zero_copy_only=False)
    low, high = (pc.fill_null(each, 0).to_numpy(zero_copy_only=False) for each in (lows, highs))
    if (known & (low > high)).any():
        raise ValueError("[22023] lower bound must be less than or equal to upper bound")
    found = _RANDOM.integers(low, np.where(known, high, low), size=len(wanted), dtype=np.int64, endpoint=True)
    return pa.array(found, mask=~known)


def normal(means: pa.Array, deviations: pa.Array, wanted: pa.Array) -> pa.Array:
    """Return numbers of a normal distribution."""
    known = pc.and_(pc.is_valid(means), pc.is_valid(deviations)).to_numpy(zero_copy_only=False)
    mean, deviation = (pc.fill_null(each, 0.0).to_numpy(zero_copy_only=False) for each in (means, deviations))
    return pa.array(mean + deviation * _RANDOM.standard_normal(len(wanted)), mask=~known)


def clock(wanted: pa.Array) -> pa.Array:
    """Return the time as it is now, in microseconds."""
    return pa.repeat(pa.scalar(time.time_ns() // 1000, pa.timestamp("us", "UTC")), len(wanted))


def uuids_in_order(wanted: pa.Array) -> pa.Array:
    """Return uuids of version 7: the time in milliseconds and fractions, each later than the one before, and chance."""
    count = len(wanted)
    milliseconds, rest = divmod(time.time_ns(), _PER_MILLISECOND)
    fraction = np.int64(rest * _FRACTIONS // _PER_MILLISECOND) + np.arange(count, dtype=np.int64)
    moment = np.int64(milliseconds) + fraction // _FRACTIONS
    words = np.frombuffer(_RANDOM.bytes(16 * count), np.uint8).reshape(count, 16).copy()
    words[:, :6] = moment.astype(">i8").view(np.uint8).reshape(count, 8)[:, 2:]
    part = fraction % _FRACTIONS
    words[:, 6], words[:, 7] = 0x70 | (part >> 8), part & 0xFF
    words[:, 8] = 0x80 | (words[:, 8] & 0x3F)
    digits = np.frombuffer(words.tobytes().hex().encode(), np.uint8).reshape(count, 32)
    written = np.full((count, 36), ord("-"), np.uint8)
    written[:, _PLACES] = digits
    offsets = np.arange(count + 1, dtype=np.int32) * 36
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(written.tobytes()))
