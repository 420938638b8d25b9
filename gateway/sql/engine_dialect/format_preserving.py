"""FF1 of NIST SP 800-38G over decimal digits: a number of digits becomes another of as many, by a key, and back.

Whole arrays of numbers of one length are encrypted at once: the ten rounds are ten calls of AES over all of them. FF1
asks for a million possible values at least, so for six digits; up to eighteen each half fits into 64 bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

FEWEST = 6
MOST = 18
_BLOCK = 16
_ROUNDS = 10
_HALF_BYTES = {half: -(-int(np.ceil(half * np.log2(10))) // 8) for half in range(1, MOST // 2 + 1)}

Numbers = np.ndarray[Any, np.dtype[np.uint64]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]


class DigitCipher:
    """Encrypts and decrypts with one key (16, 24 or 32 bytes) and one tweak."""

    def __init__(self, key: bytes, tweak: bytes = b"") -> None:
        # With the first cipher: 10 MB that a gateway without such masks does not need.
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import ECB

        self._aes = Cipher(AES(key), ECB()).encryptor()  # noqa: S305 - the block cipher itself: FF1 is its mode
        self._tweak = tweak

    def encrypt(self, digits: Bytes) -> Bytes:
        """Return the encrypted digits; both are matrices of the digits 0 to 9, a number a row."""
        return self._rounds(digits, range(_ROUNDS))

    def decrypt(self, digits: Bytes) -> Bytes:
        """Return what was encrypted."""
        return self._rounds(digits, range(_ROUNDS - 1, -1, -1))

    def _rounds(self, digits: Bytes, rounds: range) -> Bytes:
        length = digits.shape[1]
        if not FEWEST <= length <= MOST:
            raise ValueError(f"numbers of {FEWEST} to {MOST} digits, not {length}")
        middle = length // 2
        left, right = _number(digits[:, :middle]), _number(digits[:, middle:])
        state, head = self._state(length)
        encrypts = rounds.step > 0
        for turn in rounds:
            modulus = np.uint64(10 ** (middle if turn % 2 == 0 else length - middle))
            if encrypts:
                mixed = (left + self._mix(right, turn, state, head, length) % modulus) % modulus
                left, right = right, mixed
            else:
                mixed = (right + modulus - self._mix(left, turn, state, head, length) % modulus) % modulus
                left, right = mixed, left
        return np.concatenate([_digits(left, middle), _digits(right, length - middle)], axis=1)

    def _state(self, length: int) -> tuple[bytes, bytes]:
        """Return what is alike for all numbers of a length: the cipher's state before the last block, and how that
        block begins.
        """
        middle, tweak = length // 2, self._tweak
        start = b"\x01\x02\x01" + (10).to_bytes(3, "big") + b"\x0a" + bytes([middle % 256])
        start += length.to_bytes(4, "big") + len(tweak).to_bytes(4, "big")
        half = _HALF_BYTES[length - middle]
        fixed = tweak + bytes((-len(tweak) - half - 1) % _BLOCK)
        whole = len(fixed) // _BLOCK * _BLOCK
        state = self._aes.update(start)
        for at in range(0, whole, _BLOCK):
            state = self._aes.update(bytes(a ^ b for a, b in zip(state, fixed[at : at + _BLOCK], strict=True)))
        return state, fixed[whole:]

    def _mix(self, numbers: Numbers, turn: int, state: bytes, head: bytes, length: int) -> Numbers:
        """Return the round's pseudo-random number for each: the first eight bytes of the last block, encrypted."""
        half = _HALF_BYTES[length - length // 2]
        blocks = np.empty((len(numbers), _BLOCK), dtype=np.uint8)
        blocks[:, : len(head)] = np.frombuffer(head, dtype=np.uint8)
        blocks[:, len(head)] = turn
        blocks[:, len(head) + 1 :] = numbers.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 8 - half :]
        blocks ^= np.frombuffer(state, dtype=np.uint8)
        encrypted = np.frombuffer(self._aes.update(blocks.tobytes()), dtype=np.uint8).reshape(-1, _BLOCK)
        return np.ascontiguousarray(encrypted[:, :8]).view(">u8").ravel().astype(np.uint64)


def _powers(count: int) -> Numbers:
    return np.array([10**place for place in range(count - 1, -1, -1)], dtype=np.uint64)


def _number(digits: Bytes) -> Numbers:
    found: Numbers = (digits.astype(np.uint64) * _powers(digits.shape[1])).sum(axis=1, dtype=np.uint64)
    return found


def _digits(numbers: Numbers, count: int) -> Bytes:
    return (numbers[:, None] // _powers(count) % np.uint64(10)).astype(np.uint8)
