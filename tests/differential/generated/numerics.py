"""Numerics without the zeros at their end, or but for their last digits, so that a wrong value is told from these."""

from __future__ import annotations

import re
import struct
from decimal import Decimal

NUMERIC, NUMERIC_ARRAY = 1700, 1231
_TEXTS = frozenset({25, 114, 1043, 3802})  # of which numerics may be a part
_ZEROS = re.compile(rb"(\d+)\.(?:(\d*[1-9])0*|0+)(?!\d)")
_SIGNIFICANT = Decimal("1e-15")
_NEGATIVE, _BASE = 0x4000, 10000
_HEAD = struct.Struct(">hhHh")  # digits, weight, sign, scale


def canonical(value: bytes, oid: int, *, binary: bool) -> bytes:
    """Return a numeric, an array of them, or a text of such in one form for all scales; other values as they are."""
    if oid == NUMERIC:
        return _binary(value) if binary else _text(value)
    if oid == NUMERIC_ARRAY:
        return _binary_array(value) if binary else _text(value)
    return _text(value) if oid in _TEXTS else value


def _text(value: bytes) -> bytes:
    return _ZEROS.sub(lambda found: found[1] + (b"." + found[2] if found[2] else b""), value)


def _binary(value: bytes) -> bytes:
    """Digits are of base 10000; the scale says how many decimal ones behind the point are shown."""
    count, weight, sign, _ = _HEAD.unpack_from(value)
    digits = value[_HEAD.size :]
    while count and digits.endswith(b"\0\0"):
        digits, count = digits[:-2], count - 1
    return _HEAD.pack(count, weight if count else 0, sign, 0) + digits


def _binary_array(value: bytes) -> bytes:
    """Dimensions, flags and the element's type, each dimension's length and lower bound, then elements by length."""
    (dimensions,) = struct.unpack_from(">i", value)
    at = 12 + 8 * dimensions
    parts = [value[:at]]
    while at < len(value):
        (length,) = struct.unpack_from(">i", value, at)
        at += 4
        parts.append(b"NULL" if length < 0 else _binary(value[at : at + length]))
        at += max(length, 0)
    return b"|".join(parts)


def near(one: bytes, other: bytes, *, binary: bool) -> bool:
    """Whether two numerics have fifteen digits in common."""
    a, b = (_read(value) if binary else Decimal(value.decode()) for value in (one, other))
    if not (a.is_finite() and b.is_finite()):
        return a.is_nan() and b.is_nan()
    return abs(a - b) <= max(abs(a), abs(b)) * _SIGNIFICANT


def _read(value: bytes) -> Decimal:
    count, weight, sign, _ = _HEAD.unpack_from(value)
    if sign not in (0, _NEGATIVE):
        return Decimal("NaN")
    digits = struct.unpack_from(f">{count}H", value, _HEAD.size)
    whole = sum(digit * _BASE ** (count - 1 - at) for at, digit in enumerate(digits))
    return Decimal(-whole if sign else whole).scaleb(4 * (weight + 1 - count))


def float_elements(value: bytes) -> list[bytes]:
    """Return the head of an array of floats, and its elements, each with nothing but its value; NULL is empty."""
    (dimensions,) = struct.unpack_from(">i", value)
    at = 12 + 8 * dimensions
    parts = [value[:at]]
    while at < len(value):
        (length,) = struct.unpack_from(">i", value, at)
        at += 4
        parts.append(value[at : at + max(length, 0)])
        at += max(length, 0)
    return parts
