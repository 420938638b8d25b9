"""Character strings, bytea and uuid."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.values.fields import (
    LENGTH_BYTES,
    Field,
    Int64s,
    Prefixed,
    field_of_binary,
    validity,
    with_nulls,
)

_UUID_BYTES = 16
_UUID_DIGITS = "^[0-9a-fA-F]{32}$"
_UUID_TEXT = 36
_UUID_DASHES = (8, 13, 18, 23)
_NOT_HEX = 255
_OCTAL = 4  # characters of a backslash and three digits


def plain_binary(values: pa.Array) -> pa.Array:
    """Return a string or binary array of any layout as a binary array with 32-bit offsets."""
    if pa.types.is_binary(values.type):
        return values
    if pa.types.is_string_view(values.type):
        return values.cast(pa.string()).cast(pa.binary())
    return values.cast(pa.binary())


def plain_string(values: pa.Array) -> pa.Array:
    """Return a string or binary array of any layout as a string array with 32-bit offsets."""
    return values if pa.types.is_string(values.type) else plain_binary(values).cast(pa.string())


def one_byte_binary(values: pa.Array) -> Field:
    """Encode texts of ``"char"`` as their one byte: nothing is the byte 0, ``\\ooo`` one that is not ASCII's."""
    texts = plain_string(values).dictionary_encode()  # there are 256 at the most
    known = pa.array(map(_one_byte, texts.dictionary.to_pylist()), pa.binary())
    return field_of_binary(known.take(texts.indices))


def _one_byte(text: str) -> bytes:
    return bytes([int(text[1:], 8)]) if len(text) == _OCTAL and text[0] == "\\" else text.encode() or b"\0"


def padded_text(values: pa.Array, width: int) -> Field:
    """Encode strings padded with spaces to ``width`` characters, as ``character(n)`` is."""
    return field_of_binary(pc.utf8_rpad(plain_string(values), width))


def bytea_hex(values: pa.Array) -> Field:
    """Encode binary values as ``\\x`` and two hexadecimal digits a byte."""
    return field_of_binary(pc.binary_join_element_wise(b"\\x", _hex(values), b""))


def bytea_escape(values: pa.Array) -> Field:
    """Encode binary values as characters, octal escapes where they are not printable, doubled backslashes."""
    values = plain_binary(values)
    offsets, data = parts_of(values)
    table, sizes = _escapes()
    widths = sizes.take(data)
    positions = np.concatenate(([0], np.cumsum(widths, dtype=np.int64)))
    escaped = table.take(data, axis=0)[np.arange(4) < widths[:, None]]
    return field_of_binary(rebuilt(values, positions[offsets], escaped))


def uuid_text(values: pa.Array) -> Field:
    """Encode uuids, given as 16 bytes or as text, in lower case with dashes."""
    if not _is_bytes(values.type):
        values = uuid_bytes(values)
    rows = len(values)
    digits = _hex_table().take(_packed(values).reshape(rows, _UUID_BYTES)).view(np.uint8)
    scratch = np.empty((rows, LENGTH_BYTES + _UUID_TEXT), np.uint8)
    scratch[:, :LENGTH_BYTES] = (0, 0, 0, _UUID_TEXT)
    read = write = 0
    text = scratch[:, LENGTH_BYTES:]
    for dash in (*_UUID_DASHES, _UUID_TEXT):
        text[:, write:dash] = digits[:, read : read + dash - write]
        if dash < _UUID_TEXT:
            text[:, dash] = ord("-")
        read, write = read + dash - write, dash + 1
    return fixed_field(scratch, values)


def uuid_binary(values: pa.Array) -> Field:
    """Encode uuids, given as 16 bytes or as text, as 16 bytes."""
    if not _is_bytes(values.type):
        values = uuid_bytes(values)
    rows = len(values)
    scratch = np.empty((rows, LENGTH_BYTES + _UUID_BYTES), np.uint8)
    scratch[:, :LENGTH_BYTES] = (0, 0, 0, _UUID_BYTES)
    scratch[:, LENGTH_BYTES:] = _packed(values).reshape(rows, _UUID_BYTES)
    return fixed_field(scratch, values)


def are_uuids(texts: pa.Array) -> pa.Array:
    """Return which texts are uuids."""
    return pc.match_substring_regex(_digits_of_uuids(texts), _UUID_DIGITS)


def _digits_of_uuids(texts: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(plain_string(texts), "[-{}]", "")


def uuid_bytes(texts: pa.Array) -> pa.Array:
    """Return uuids in text (dashes and braces anywhere, any case) as fixed 16 bytes. Raises SqlError (22P02)."""
    plain = pc.fill_null(_digits_of_uuids(texts), "0" * 2 * _UUID_BYTES)
    if not pc.all(pc.match_substring_regex(plain, _UUID_DIGITS), min_count=0).as_py():
        raise SqlError(SqlState.INVALID_TEXT_REPRESENTATION, "invalid input syntax for type uuid")
    _, data = parts_of(plain_binary(plain))
    nibbles = _nibbles().take(data).reshape(-1, 2)
    packed = nibbles[:, 0] << 4 | nibbles[:, 1]
    bitmap = pa.py_buffer(np.packbits(validity(texts), bitorder="little")) if texts.null_count else None
    return pa.Array.from_buffers(pa.binary(_UUID_BYTES), len(texts), [bitmap, pa.py_buffer(packed)])


def fixed_field(scratch: npt.NDArray[np.uint8], values: pa.Array) -> Prefixed:
    """Return the field of values that all have the same width, each row of ``scratch`` a length word and a value."""
    rows, stride = scratch.shape
    lengths = with_nulls(np.full(rows, stride - LENGTH_BYTES, np.int32), values)
    starts = np.arange(0, rows * stride, stride, dtype=np.int64)
    return Prefixed(lengths, np.zeros(rows, np.uint64), starts, pa.py_buffer(scratch))


def _is_bytes(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_fixed_size_binary(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
    )


def _packed(values: pa.Array) -> npt.NDArray[np.uint8]:
    """Return the bytes of values of 16 bytes each, zeros for NULLs. Raises SqlError (22P03) for other lengths."""
    if pa.types.is_fixed_size_binary(values.type):
        width = values.type.byte_width
        values = values.cast(pa.binary()) if values.null_count or width != _UUID_BYTES else values
    if pa.types.is_fixed_size_binary(values.type):
        size = _UUID_BYTES * len(values)
        return np.frombuffer(values.buffers()[1], np.uint8, size, _UUID_BYTES * values.offset)
    filled = pc.fill_null(plain_binary(values), bytes(_UUID_BYTES))
    offsets, data = parts_of(filled)
    if (np.diff(offsets) != _UUID_BYTES).any():
        raise SqlError(SqlState.INVALID_BINARY_REPRESENTATION, "incorrect binary data format for type uuid")
    return data


def _hex(values: pa.Array) -> pa.Array:
    values = plain_binary(values)
    offsets, data = parts_of(values)
    return rebuilt(values, 2 * offsets, _hex_table().take(data))


def parts_of(values: pa.Array) -> tuple[Int64s, npt.NDArray[np.uint8]]:
    """Return the offsets, counted from zero, and the bytes of a binary array."""
    if len(values) == 0:
        return np.zeros(1, np.int64), np.empty(0, np.uint8)
    _, offset_buffer, data = values.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32, len(values) + 1, 4 * values.offset).astype(np.int64)
    size = int(offsets[-1] - offsets[0])
    characters = np.frombuffer(data, np.uint8, size, int(offsets[0])) if size else np.empty(0, np.uint8)
    return offsets - offsets[0], characters


def rebuilt(values: pa.Array, offsets: Int64s, data: npt.NDArray[np.generic]) -> pa.Array:
    """Return a binary array with the NULLs of ``values`` and other contents. Raises SqlError (54000) above 2 GiB."""
    if int(offsets[-1]) > np.iinfo(np.int32).max:
        raise SqlError(SqlState.PROGRAM_LIMIT_EXCEEDED, "a column of the result is too large")
    bitmap = pa.py_buffer(np.packbits(validity(values), bitorder="little")) if values.null_count else None
    buffers = [bitmap, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.Array.from_buffers(pa.binary(), len(values), buffers)


@cache
def _hex_table() -> npt.NDArray[np.uint16]:
    return np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), np.uint16)


@cache
def _nibbles() -> npt.NDArray[np.uint8]:
    table = np.full(256, _NOT_HEX, np.uint8)
    for digits in (b"0123456789abcdef", b"0123456789ABCDEF"):
        table[np.frombuffer(digits, np.uint8)] = np.arange(16)
    return table


@cache
def _escapes() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return what each byte looks like in the escape format, in four characters, and how many of them count."""
    texts = [
        b"\\\\" if byte == 0x5C else bytes([byte]) if 32 <= byte <= 126 else b"\\%03o" % byte for byte in range(256)
    ]
    table = np.frombuffer(b"".join(text.ljust(4) for text in texts), np.uint8).reshape(256, 4)
    return table, np.array([len(text) for text in texts], np.int64)
