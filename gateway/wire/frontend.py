"""What a client can say: one frozen dataclass per message, with PostgreSQL's names and fields.

Bodies are decoded without their type byte and length; ``encode`` returns the whole message. Values of parameters
stay opaque bytes. See "Message Formats" in PostgreSQL's manual.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gateway.wire.errors import LocalProtocolError, malformed
from gateway.wire.fields import (
    INT16,
    INT32,
    UINT32,
    decode_text,
    expect_end,
    framed,
    number,
    numbers,
    read_number,
    read_numbers,
    read_string,
    read_values,
    string,
    values,
)
from gateway.wire.messages import Bodiless, FrontendMessage

__all__ = [
    "CANCEL_REQUEST_CODE",
    "MAX_CANCEL_KEY_LENGTH",
    "NEGOTIATE_GSS_CODE",
    "NEGOTIATE_SSL_CODE",
    "Bind",
    "CancelRequest",
    "Close",
    "CopyData",
    "CopyDone",
    "CopyFail",
    "Describe",
    "Execute",
    "Flush",
    "FrontendMessage",
    "FunctionCall",
    "GSSENCRequest",
    "Parse",
    "PasswordMessage",
    "Query",
    "SASLInitialResponse",
    "SASLResponse",
    "SSLRequest",
    "StartupMessage",
    "Sync",
    "Target",
    "Terminate",
    "decode_startup_packet",
]

CANCEL_REQUEST_CODE = 80877102
NEGOTIATE_SSL_CODE = 80877103
NEGOTIATE_GSS_CODE = 80877104
MAX_CANCEL_KEY_LENGTH = 256

Target = Literal["S", "P"]  # a prepared statement or a portal


# Before the session


@dataclass(frozen=True, slots=True)
class StartupMessage(FrontendMessage):
    """The wish to start a session: protocol version as one number (major in the high 16 bits) and parameters."""

    protocol_version: int
    parameters: Mapping[str, str]

    @classmethod
    def decode(cls, body: bytes) -> StartupMessage:
        version, at = read_number(UINT32, body, 0)
        if body[at:] == b"\0":
            return cls(version, {})
        texts = body[at:-2].split(b"\0")
        # An empty name would end the list early: PostgreSQL then misses the terminator at the end, as here.
        if body[-2:] != b"\0\0" or len(texts) % 2 or b"" in texts[::2]:
            raise malformed("invalid startup packet layout: expected terminator as last byte")
        decoded = [decode_text(text) for text in texts]
        return cls(version, dict(zip(decoded[::2], decoded[1::2], strict=True)))

    def encode(self) -> bytes:
        if "" in self.parameters:
            raise LocalProtocolError("a startup parameter needs a name")
        pairs = b"".join(string(name) + string(value) for name, value in self.parameters.items())
        return _packet(number(UINT32, self.protocol_version) + pairs + b"\0")


@dataclass(frozen=True, slots=True)
class SSLRequest(FrontendMessage):
    """The wish to go on under TLS."""

    @classmethod
    def decode(cls, body: bytes) -> SSLRequest:
        expect_end(body, 4)
        return cls()

    def encode(self) -> bytes:
        return _packet(UINT32.pack(NEGOTIATE_SSL_CODE))


@dataclass(frozen=True, slots=True)
class GSSENCRequest(FrontendMessage):
    """The wish to go on under GSSAPI encryption."""

    @classmethod
    def decode(cls, body: bytes) -> GSSENCRequest:
        expect_end(body, 4)
        return cls()

    def encode(self) -> bytes:
        return _packet(UINT32.pack(NEGOTIATE_GSS_CODE))


@dataclass(frozen=True, slots=True)
class CancelRequest(FrontendMessage):
    """The wish to cancel what another connection runs, with the key which that connection was given."""

    process_id: int
    secret_key: bytes = field(repr=False)

    @classmethod
    def decode(cls, body: bytes) -> CancelRequest:
        process_id, at = read_number(UINT32, body, 4)
        if not 1 <= len(body) - at <= MAX_CANCEL_KEY_LENGTH:
            raise malformed("invalid length of cancel key")
        return cls(process_id, body[at:])

    def encode(self) -> bytes:
        return _packet(UINT32.pack(CANCEL_REQUEST_CODE) + number(UINT32, self.process_id) + self.secret_key)


def decode_startup_packet(body: bytes) -> FrontendMessage:
    """Return the packet with this body (without its length): one of the four messages above."""
    code, _ = read_number(UINT32, body, 0)
    return _STARTUP_PACKETS.get(code, StartupMessage).decode(body)


_STARTUP_PACKETS: dict[int, type[FrontendMessage]] = {
    CANCEL_REQUEST_CODE: CancelRequest,
    NEGOTIATE_SSL_CODE: SSLRequest,
    NEGOTIATE_GSS_CODE: GSSENCRequest,
}


def _packet(body: bytes) -> bytes:
    return UINT32.pack(len(body) + 4) + body


# Authentication: three messages share one type byte, what the server asked for tells them apart


@dataclass(frozen=True, slots=True)
class PasswordMessage(FrontendMessage):
    """A password in clear text."""

    type_byte = b"p"
    password: str = field(repr=False)

    @classmethod
    def decode(cls, body: bytes) -> PasswordMessage:
        password, at = read_string(body, 0)
        expect_end(body, at)
        return cls(password)

    def encode(self) -> bytes:
        return framed(b"p", string(self.password))


@dataclass(frozen=True, slots=True)
class SASLInitialResponse(FrontendMessage):
    """The SASL mechanism chosen and its first data (None: the client sent none)."""

    type_byte = b"p"
    mechanism: str
    data: bytes | None = field(repr=False)

    @classmethod
    def decode(cls, body: bytes) -> SASLInitialResponse:
        mechanism, at = read_string(body, 0)
        length, at = read_number(INT32, body, at)
        if length == -1:
            expect_end(body, at)
            return cls(mechanism, None)
        if length < 0 or at + length != len(body):
            raise malformed("invalid message format")
        return cls(mechanism, body[at:])

    def encode(self) -> bytes:
        data = b"\xff\xff\xff\xff" if self.data is None else INT32.pack(len(self.data)) + self.data
        return framed(b"p", string(self.mechanism) + data)


@dataclass(frozen=True, slots=True)
class SASLResponse(FrontendMessage):
    """Further data of the SASL mechanism."""

    type_byte = b"p"
    data: bytes = field(repr=False)

    @classmethod
    def decode(cls, body: bytes) -> SASLResponse:
        return cls(body)

    def encode(self) -> bytes:
        return framed(b"p", self.data)


# Queries


@dataclass(frozen=True, slots=True)
class Query(FrontendMessage):
    """Statements of the simple protocol."""

    type_byte = b"Q"
    query: str

    @classmethod
    def decode(cls, body: bytes) -> Query:
        query, at = read_string(body, 0)
        expect_end(body, at)
        return cls(query)

    def encode(self) -> bytes:
        return framed(b"Q", string(self.query))


@dataclass(frozen=True, slots=True)
class Parse(FrontendMessage):
    """A statement to prepare; ``parameter_oids`` are the types that the client knows, 0 for those it leaves open."""

    type_byte = b"P"
    name: str
    query: str
    parameter_oids: tuple[int, ...] = ()

    @classmethod
    def decode(cls, body: bytes) -> Parse:
        name, at = read_string(body, 0)
        query, at = read_string(body, at)
        oids, at = read_numbers(UINT32, body, at)
        expect_end(body, at)
        return cls(name, query, oids)

    def encode(self) -> bytes:
        return framed(b"P", string(self.name) + string(self.query) + numbers(UINT32, self.parameter_oids))


@dataclass(frozen=True, slots=True)
class Bind(FrontendMessage):
    """Values for a prepared statement. Formats: none (all text), one (for all), or one each; 0 text, 1 binary."""

    type_byte = b"B"
    portal: str
    statement: str
    parameter_formats: tuple[int, ...] = ()
    parameters: tuple[bytes | None, ...] = ()
    result_formats: tuple[int, ...] = ()

    @classmethod
    def decode(cls, body: bytes) -> Bind:
        portal, at = read_string(body, 0)
        statement, at = read_string(body, at)
        formats, at = read_numbers(INT16, body, at)
        parameters, at = read_values(body, at)
        result_formats, at = read_numbers(INT16, body, at)
        expect_end(body, at)
        return cls(portal, statement, formats, parameters, result_formats)

    def encode(self) -> bytes:
        body = (
            string(self.portal),
            string(self.statement),
            numbers(INT16, self.parameter_formats),
            values(self.parameters),
            numbers(INT16, self.result_formats),
        )
        return framed(b"B", b"".join(body))


@dataclass(frozen=True, slots=True)
class Describe(FrontendMessage):
    """The question what a prepared statement (S) or a portal (P) takes and gives."""

    type_byte = b"D"
    kind: Target
    name: str

    @classmethod
    def decode(cls, body: bytes) -> Describe:
        return cls(*_read_target(body, "DESCRIBE"))

    def encode(self) -> bytes:
        return framed(b"D", self.kind.encode() + string(self.name))


@dataclass(frozen=True, slots=True)
class Execute(FrontendMessage):
    """A portal to run; ``max_rows`` of 0 (or less, as PostgreSQL takes it) means all rows."""

    type_byte = b"E"
    portal: str
    max_rows: int = 0

    @classmethod
    def decode(cls, body: bytes) -> Execute:
        portal, at = read_string(body, 0)
        max_rows, at = read_number(INT32, body, at)
        expect_end(body, at)
        return cls(portal, max_rows)

    def encode(self) -> bytes:
        return framed(b"E", string(self.portal) + number(INT32, self.max_rows))


@dataclass(frozen=True, slots=True)
class Close(FrontendMessage):
    """A prepared statement (S) or a portal (P) that is needed no longer."""

    type_byte = b"C"
    kind: Target
    name: str

    @classmethod
    def decode(cls, body: bytes) -> Close:
        return cls(*_read_target(body, "CLOSE"))

    def encode(self) -> bytes:
        return framed(b"C", self.kind.encode() + string(self.name))


def _read_target(body: bytes, message: str) -> tuple[Target, str]:
    name, at = read_string(body, 1)
    expect_end(body, at)
    if body[0] == 83:
        return "S", name
    if body[0] == 80:
        return "P", name
    raise malformed(f"invalid {message} message subtype {body[0]}")


class Flush(Bodiless, FrontendMessage):
    """The wish to get all answers so far at once."""

    __slots__ = ()
    type_byte = b"H"


class Sync(Bodiless, FrontendMessage):
    """The end of a batch of extended messages: ends its transaction if none is open, and its error."""

    __slots__ = ()
    type_byte = b"S"


class Terminate(Bodiless, FrontendMessage):
    """The end of the session."""

    __slots__ = ()
    type_byte = b"X"


@dataclass(frozen=True, slots=True)
class FunctionCall(FrontendMessage):
    """A call of a function by its oid (legacy; kept so that it can be refused by name)."""

    type_byte = b"F"
    function_oid: int
    argument_formats: tuple[int, ...]
    arguments: tuple[bytes | None, ...]
    result_format: int

    @classmethod
    def decode(cls, body: bytes) -> FunctionCall:
        function_oid, at = read_number(UINT32, body, 0)
        formats, at = read_numbers(INT16, body, at)
        arguments, at = read_values(body, at)
        result_format, at = read_number(INT16, body, at)
        expect_end(body, at)
        return cls(function_oid, formats, arguments, result_format)

    def encode(self) -> bytes:
        formats = numbers(INT16, self.argument_formats)
        body = number(UINT32, self.function_oid) + formats + values(self.arguments) + number(INT16, self.result_format)
        return framed(b"F", body)


# COPY


@dataclass(frozen=True, slots=True)
class CopyData(FrontendMessage):
    """A piece of COPY's data; borders between pieces mean nothing."""

    type_byte = b"d"
    data: bytes = field(repr=False)

    @classmethod
    def decode(cls, body: bytes) -> CopyData:
        return cls(body)

    def encode(self) -> bytes:
        return framed(b"d", self.data)


class CopyDone(Bodiless, FrontendMessage):
    """The end of COPY's data."""

    __slots__ = ()
    type_byte = b"c"


@dataclass(frozen=True, slots=True)
class CopyFail(FrontendMessage):
    """The client gives a COPY up, with its reason."""

    type_byte = b"f"
    message: str

    @classmethod
    def decode(cls, body: bytes) -> CopyFail:
        message, at = read_string(body, 0)
        expect_end(body, at)
        return cls(message)

    def encode(self) -> bytes:
        return framed(b"f", string(self.message))
