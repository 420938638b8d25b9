"""Numerics of seventy-six digits, made of whole numbers and powers of ten: Arrow's kernels do it ten times slower."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

_NUMERIC = pa.decimal256(76, 28)
_HALF, _LOW = np.uint64(32), np.uint64(2**32 - 1)
_LIMBS = 8  # of 32 bits, the lowest first
_POWERS = np.array(
    [[(10**power >> 32 * limb) & 0xFFFFFFFF for limb in range(_LIMBS)] for power in range(77)], dtype=np.uint64
)
_Wholes = np.ndarray[Any, np.dtype[np.uint64]]


def wide_decimals(
    wholes: _Wholes,
    powers: np.ndarray[Any, np.dtype[np.int64]],
    negative: np.ndarray[Any, np.dtype[np.bool_]],
    like: pa.Array,
) -> pa.Array:
    """Return ``whole · 10^power / 10^28`` as numerics, NULL where ``like`` is. Whole numbers are less than 2^63, and no
    product has more than seventy-six digits.
    """
    words = _signed(_products(wholes, _POWERS[powers]), negative)
    found = pa.Array.from_buffers(_NUMERIC, len(words), [None, pa.py_buffer(words.tobytes())])
    return found if not like.null_count else _without(found, like)


def words_of(
    parts: Sequence[tuple[np.ndarray[Any, np.dtype[np.int64]], int]], negative: np.ndarray[Any, np.dtype[np.bool_]]
) -> _Wholes:
    """Return the sums of whole numbers, each times a power of ten, in four words each."""
    total = np.zeros((len(negative), _LIMBS // 2), dtype="<u8")
    for wholes, power in parts:
        addend = _products(wholes.view(np.uint64), np.broadcast_to(_POWERS[power], (len(wholes), _LIMBS)))
        carry = np.zeros(len(wholes), dtype=bool)
        for word in range(_LIMBS // 2):
            sums = total[:, word] + addend[:, word]
            over = sums < addend[:, word]
            total[:, word] = sums + carry
            carry = over | (carry & (total[:, word] == 0))
    return _signed(total, negative)


def _without(values: pa.Array, like: pa.Array) -> pa.Array:
    valid = np.packbits(like.is_valid().to_numpy(zero_copy_only=False), bitorder="little")
    return pa.Array.from_buffers(values.type, len(values), [pa.py_buffer(valid.tobytes()), values.buffers()[1]])


def _products(wholes: _Wholes, powers: _Wholes) -> _Wholes:
    """Multiply numbers of two limbs by those of eight; return four words each."""
    low, high = wholes & _LOW, wholes >> _HALF
    carry, before = np.zeros_like(wholes), np.zeros_like(wholes)
    words = np.empty((len(wholes), _LIMBS // 2), dtype="<u8")
    for limb in range(_LIMBS):
        factor = powers[:, limb]
        part = low * factor
        total = high * before + (part & _LOW) + carry  # less than 2^64, as a high limb is less than 2^31
        carry, before = (total >> _HALF) + (part >> _HALF), factor
        if limb % 2:
            words[:, limb // 2] |= total << _HALF
        else:
            words[:, limb // 2] = total & _LOW
    return words


def _signed(words: _Wholes, negative: np.ndarray[Any, np.dtype[np.bool_]]) -> _Wholes:
    """Return words of which some are negative, in two's complement."""
    if not negative.any():
        return words
    chosen = ~words[negative]
    carry = np.ones(len(chosen), dtype=bool)
    for word in range(chosen.shape[1]):
        chosen[:, word] += carry
        carry &= chosen[:, word] == 0
    words[negative] = chosen
    return words
