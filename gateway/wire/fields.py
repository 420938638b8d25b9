"""The parts that message bodies are made of: strings, counts, lists of numbers and values with their length.

Readers take a body and an offset and return what they read with the offset behind it. A body too short or not of
its form is a ``RemoteProtocolError``; text that cannot be sent is a ``LocalProtocolError``.
"""

from __future__ import annotations

from contextvars import ContextVar
from struct import Struct, pack, unpack_from
from struct import error as struct_error

from gateway.wire.errors import CHARACTER_NOT_IN_REPERTOIRE, LocalProtocolError, RemoteProtocolError, malformed

INT16 = Struct(">h")
UINT16 = Struct(">H")
INT32 = Struct(">i")
UINT32 = Struct(">I")
MAX_UINT16 = 0xFFFF

ENCODING: ContextVar[str] = ContextVar("encoding", default="utf-8")
"""Python's codec for strings on the wire, which each session sets by its ``client_encoding``."""

_TOO_SHORT = "insufficient data left in message"
# Length of a UTF-8 character by the high bits of its first byte, as PostgreSQL counts it for its error message.
_UTF8_LENGTHS = ((0x80, 0x00, 1), (0xE0, 0xC0, 2), (0xF0, 0xE0, 3), (0xF8, 0xF0, 4))


def read_string(body: bytes, at: int) -> tuple[str, int]:
    """Read a string that ends in a NUL byte."""
    end = body.find(b"\0", at)
    if end < 0:
        raise malformed("invalid string in message")
    try:
        return body[at:end].decode(ENCODING.get()), end + 1
    except UnicodeDecodeError as error:
        raise _invalid(error) from None


def decode_text(data: bytes) -> str:
    """Return ``data`` as text."""
    try:
        return data.decode(ENCODING.get())
    except UnicodeDecodeError as error:
        raise _invalid(error) from None


def _invalid(error: UnicodeDecodeError) -> RemoteProtocolError:
    first, name = error.object[error.start], error.encoding.upper().replace("UTF-8", "UTF8")
    length = next((length for mask, bits, length in _UTF8_LENGTHS if first & mask == bits), 1)
    shown = " ".join(f"0x{byte:02x}" for byte in error.object[error.start : error.start + length])
    return RemoteProtocolError(CHARACTER_NOT_IN_REPERTOIRE, f'invalid byte sequence for encoding "{name}": {shown}')


def read_number(layout: Struct, body: bytes, at: int) -> tuple[int, int]:
    """Read one number of the given layout."""
    try:
        return layout.unpack_from(body, at)[0], at + layout.size
    except struct_error:
        raise malformed(_TOO_SHORT) from None


def read_numbers(layout: Struct, body: bytes, at: int) -> tuple[tuple[int, ...], int]:
    """Read a 16-bit count and that many numbers of the given layout."""
    try:
        (count,) = UINT16.unpack_from(body, at)
        if not count:
            return (), at + 2
        end = at + 2 + count * layout.size
        return unpack_from(f">{count}{layout.format[1:]}", body, at + 2), end
    except struct_error:
        raise malformed(_TOO_SHORT) from None


def read_values(body: bytes, at: int) -> tuple[tuple[bytes | None, ...], int]:
    """Read a 16-bit count and that many values, each behind its 32-bit length; length -1 is NULL."""
    length_at = INT32.unpack_from
    values: list[bytes | None] = []
    try:
        (count,) = UINT16.unpack_from(body, at)
        at += 2
        for _ in range(count):
            (length,) = length_at(body, at)
            at += 4
            if length < 0:
                if length != -1:
                    raise malformed(_TOO_SHORT)
                values.append(None)
                continue
            values.append(body[at : at + length])
            at += length
    except struct_error:
        raise malformed(_TOO_SHORT) from None
    if at > len(body):  # slicing does not complain, so the last value may have been cut
        raise malformed(_TOO_SHORT)
    return tuple(values), at


def expect_end(body: bytes, at: int) -> None:
    """Raise unless the body ends here."""
    if at != len(body):
        raise malformed("invalid message format")


def string(text: str) -> bytes:
    """Return ``text`` with its closing NUL byte."""
    if "\0" in text:
        raise LocalProtocolError("a string on the wire cannot contain a NUL character")
    try:
        return text.encode(ENCODING.get()) + b"\0"
    except UnicodeEncodeError:
        raise LocalProtocolError("a string on the wire must be of the client's encoding") from None


def numbers(layout: Struct, items: tuple[int, ...]) -> bytes:
    """Return a 16-bit count and the items in the given layout."""
    if len(items) > MAX_UINT16:
        raise LocalProtocolError(f"a message cannot hold a list of {len(items)} numbers")
    try:
        return pack(f">H{len(items)}{layout.format[1:]}", len(items), *items)
    except struct_error:
        raise LocalProtocolError("a number does not fit into its field") from None


def number(layout: Struct, item: int) -> bytes:
    """Return one number in the given layout."""
    try:
        return layout.pack(item)
    except struct_error:
        raise LocalProtocolError("a number does not fit into its field") from None


def values(items: tuple[bytes | None, ...]) -> bytes:
    """Return a 16-bit count and the items, each behind its length."""
    if len(items) > MAX_UINT16:
        raise LocalProtocolError(f"a message cannot hold {len(items)} values")
    parts = [UINT16.pack(len(items))]
    for item in items:
        parts.append(b"\xff\xff\xff\xff" if item is None else INT32.pack(len(item)) + item)
    return b"".join(parts)


def framed(type_byte: bytes, body: bytes) -> bytes:
    """Return the whole message: type byte, length (which counts itself), body."""
    return type_byte + UINT32.pack(len(body) + 4) + body
