"""``inet``, ``cidr``, ``macaddr`` and ``macaddr8`` in binary, from PostgreSQL's text of them, a column at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.values.fields import Bools, Field, field_of_binary
from gateway.values.text_fields import bytes_of_hex, group, integers, joined, rows_of_bytes, with_nulls_of

Bytes = npt.NDArray[np.uint8]
_FOUR, _SIX = 2, 3  # PGSQL_AF_INET and PGSQL_AF_INET6
_MASKED = r"^(?P<address>[^/]+)(?:/(?P<bits>\d+))?$"
_V4 = r"^(?P<a>\d+)\.(?P<b>\d+)\.(?P<c>\d+)\.(?P<d>\d+)$"
_DOTTED = r"^(?P<head>.*:)(?P<a>\d+)\.(?P<b>\d+)\.(?P<c>\d+)\.(?P<d>\d+)$"
_HALVES = r"^(?P<left>.*?)(?:(?P<gap>::)(?P<right>.*))?$"
_GROUPS, _GROUP_DIGITS = 8, 4
_HEX = pa.array([f"{number:02x}" for number in range(256)])


def inet_binary(values: pa.Array, *, is_cidr: bool = False) -> Field:
    """Encode ``inet`` and ``cidr``: family, bits of the mask, whether it is a ``cidr``, how many bytes, and these."""
    parts = pc.extract_regex(pc.fill_null(values, "0/0"), _MASKED)
    address = group(parts, "address")
    is_six = np.asarray(pc.match_substring(address, ":").to_numpy(zero_copy_only=False))
    bits = integers(group(parts, "bits", "-1"))
    bits = np.where(bits < 0, np.where(is_six, 128, 32), bits)
    head = (np.where(is_six, _SIX, _FOUR), bits, np.full(len(values), is_cidr), np.where(is_six, 16, 4))
    heads = rows_of_bytes(np.stack(head, axis=1).astype(np.uint8))
    return field_of_binary(with_nulls_of(values, joined(heads, _addresses(address, is_six))))


def macaddr_binary(values: pa.Array, size: int) -> Field:
    """Encode hardware addresses of ``size`` bytes."""
    digits = pc.replace_substring(pc.fill_null(values, "00" * size), ":", "")
    return field_of_binary(with_nulls_of(values, rows_of_bytes(bytes_of_hex(digits).reshape(len(values), size))))


def _addresses(address: pa.Array, is_six: Bools) -> pa.Array:
    """Return the bytes of addresses of both families."""
    four = rows_of_bytes(_bytes_of_four(address.filter(pa.array(~is_six))))
    six = rows_of_bytes(_bytes_of_six(address.filter(pa.array(is_six))))
    places = np.where(is_six, np.cumsum(is_six) - 1 + len(four), np.cumsum(~is_six) - 1)
    return pa.concat_arrays([four, six]).take(pa.array(places))


def _bytes_of_four(address: pa.Array) -> Bytes:
    parts = pc.extract_regex(address, _V4)
    return np.stack([integers(group(parts, name)) for name in "abcd"], axis=1).astype(np.uint8)


def _bytes_of_six(address: pa.Array) -> Bytes:
    """Return the sixteen bytes of each; ``::`` stands for as many groups of zeros as are missing."""
    parts = pc.extract_regex(_without_dots(address), _HALVES)
    rows = len(address)
    found = np.zeros((rows, _GROUPS, 2), np.uint8)
    for name in ("left", "right"):
        half = group(parts, name, "")
        there = np.asarray(pc.not_equal(half, "").to_numpy(zero_copy_only=False))
        lists = pc.split_pattern(half.filter(pa.array(there)), ":")
        sizes = lists.value_lengths().to_numpy().astype(np.int64)
        owners = np.repeat(np.flatnonzero(there), sizes)
        places = np.arange(len(owners)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        if name == "right":
            places += _GROUPS - np.repeat(sizes, sizes)
        found[owners, places] = bytes_of_hex(pc.utf8_lpad(lists.flatten(), _GROUP_DIGITS, "0")).reshape(-1, 2)
    return found.reshape(rows, 2 * _GROUPS)


def _without_dots(address: pa.Array) -> pa.Array:
    """Return addresses whose last four bytes are in hexadecimal digits, as ``::ffff:0a00:0001``."""
    parts = pc.extract_regex(address, _DOTTED)
    a, b, c, d = (_HEX.take(pa.array(integers(group(parts, name)))) for name in "abcd")
    written = pc.binary_join_element_wise(group(parts, "head", ""), a, b, ":", c, d, "")
    return pc.if_else(parts.is_valid(), written, address)
