"""What a server can say: one frozen dataclass per message, with PostgreSQL's names and fields.

``encode`` returns the whole message; ``decode`` takes a body without type byte and length, for tests and for
reading a server behind us. Result rows normally leave as blocks encoded elsewhere, not as ``DataRow`` objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from struct import Struct
from struct import error as struct_error
from typing import Literal, Self, cast

from gateway.wire.errors import LocalProtocolError, RemoteProtocolError, malformed
from gateway.wire.fields import (
    ENCODING,
    INT16,
    INT32,
    UINT16,
    UINT32,
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
from gateway.wire.login import (
    AUTHENTICATION,
    AuthenticationCleartextPassword,
    AuthenticationOk,
    AuthenticationSASL,
    AuthenticationSASLContinue,
    AuthenticationSASLFinal,
    BackendKeyData,
    EncryptionRefused,
    NegotiateProtocolVersion,
    ParameterStatus,
    SSLAccepted,
)
from gateway.wire.messages import BackendMessage, Bodiless

__all__ = [
    "AuthenticationCleartextPassword",
    "AuthenticationOk",
    "AuthenticationSASL",
    "AuthenticationSASLContinue",
    "AuthenticationSASLFinal",
    "BackendKeyData",
    "BackendMessage",
    "BindComplete",
    "CloseComplete",
    "CommandComplete",
    "CopyBothResponse",
    "CopyData",
    "CopyDone",
    "CopyInResponse",
    "CopyOutResponse",
    "DataRow",
    "EmptyQueryResponse",
    "EncryptionRefused",
    "ErrorResponse",
    "FieldDescription",
    "FunctionCallResponse",
    "NegotiateProtocolVersion",
    "NoData",
    "NoticeResponse",
    "NotificationResponse",
    "ParameterDescription",
    "ParameterStatus",
    "ParseComplete",
    "PortalSuspended",
    "ReadyForQuery",
    "RowDescription",
    "SSLAccepted",
    "TransactionStatus",
    "decode",
]

TransactionStatus = Literal["I", "T", "E"]  # idle, in a transaction, in a failed one
_FIELD = Struct(">IhIhih")


@dataclass(frozen=True, slots=True)
class ReadyForQuery(BackendMessage):
    """The server waits for the next statement."""

    type_byte = b"Z"
    status: TransactionStatus = "I"

    @classmethod
    def decode(cls, body: bytes) -> ReadyForQuery:
        if body not in (b"I", b"T", b"E"):
            raise malformed("invalid transaction status")
        return cls(cast(TransactionStatus, body.decode()))

    def encode(self) -> bytes:
        return framed(b"Z", self.status.encode())


# Answers to statements


@dataclass(frozen=True, slots=True)
class FieldDescription:
    """A column of a result. ``type_size`` is in bytes, negative for variable sizes; ``format`` is 0 text, 1 binary."""

    name: str
    table_oid: int
    column_number: int
    type_oid: int
    type_size: int
    type_modifier: int
    format: int = 0


@dataclass(frozen=True, slots=True)
class RowDescription(BackendMessage):
    """The columns of the rows that follow."""

    type_byte = b"T"
    fields: tuple[FieldDescription, ...]

    @classmethod
    def decode(cls, body: bytes) -> RowDescription:
        count, at = read_number(UINT16, body, 0)
        columns = []
        for _ in range(count):
            name, at = read_string(body, at)
            try:
                columns.append(FieldDescription(name, *_FIELD.unpack_from(body, at)))
            except struct_error:
                raise malformed("insufficient data left in message") from None
            at += _FIELD.size
        expect_end(body, at)
        return cls(tuple(columns))

    def encode(self) -> bytes:
        try:
            parts = [
                string(column.name)
                + _FIELD.pack(
                    column.table_oid,
                    column.column_number,
                    column.type_oid,
                    column.type_size,
                    column.type_modifier,
                    column.format,
                )
                for column in self.fields
            ]
            return framed(b"T", UINT16.pack(len(parts)) + b"".join(parts))
        except struct_error:
            raise LocalProtocolError("a number of a row description does not fit into its field") from None


@dataclass(frozen=True, slots=True)
class DataRow(BackendMessage):
    """One row, for answers of a few rows; None is NULL. Results go out as blocks instead."""

    type_byte = b"D"
    values: tuple[bytes | None, ...]

    @classmethod
    def decode(cls, body: bytes) -> DataRow:
        row, at = read_values(body, 0)
        expect_end(body, at)
        return cls(row)

    def encode(self) -> bytes:
        return framed(b"D", values(self.values))


@dataclass(frozen=True, slots=True)
class ParameterDescription(BackendMessage):
    """The types of a prepared statement's parameters."""

    type_byte = b"t"
    type_oids: tuple[int, ...]

    @classmethod
    def decode(cls, body: bytes) -> ParameterDescription:
        type_oids, at = read_numbers(UINT32, body, 0)
        expect_end(body, at)
        return cls(type_oids)

    def encode(self) -> bytes:
        return framed(b"t", numbers(UINT32, self.type_oids))


@dataclass(frozen=True, slots=True)
class CommandComplete(BackendMessage):
    """A statement is done; ``tag`` is its command and where it has one the number of rows."""

    type_byte = b"C"
    tag: str

    @classmethod
    def decode(cls, body: bytes) -> CommandComplete:
        tag, at = read_string(body, 0)
        expect_end(body, at)
        return cls(tag)

    def encode(self) -> bytes:
        return framed(b"C", string(self.tag))


class ParseComplete(Bodiless, BackendMessage):
    """Parse is done."""

    __slots__ = ()
    type_byte = b"1"


class BindComplete(Bodiless, BackendMessage):
    """Bind is done."""

    __slots__ = ()
    type_byte = b"2"


class CloseComplete(Bodiless, BackendMessage):
    """Close is done."""

    __slots__ = ()
    type_byte = b"3"


class NoData(Bodiless, BackendMessage):
    """What was described returns no rows."""

    __slots__ = ()
    type_byte = b"n"


class PortalSuspended(Bodiless, BackendMessage):
    """Execute's row limit was reached; another Execute goes on."""

    __slots__ = ()
    type_byte = b"s"


class EmptyQueryResponse(Bodiless, BackendMessage):
    """There was no statement in the text; stands for CommandComplete."""

    __slots__ = ()
    type_byte = b"I"


@dataclass(frozen=True, slots=True)
class FunctionCallResponse(BackendMessage):
    """The value that a FunctionCall returned."""

    type_byte = b"V"
    value: bytes | None

    @classmethod
    def decode(cls, body: bytes) -> FunctionCallResponse:
        length, at = read_number(INT32, body, 0)
        if length == -1:
            expect_end(body, at)
            return cls(None)
        if length < 0 or at + length != len(body):
            raise malformed("invalid message format")
        return cls(body[at:])

    def encode(self) -> bytes:
        return framed(b"V", b"\xff\xff\xff\xff" if self.value is None else INT32.pack(len(self.value)) + self.value)


# Errors and what comes unasked


@dataclass(frozen=True, slots=True)
class _Report(BackendMessage):
    fields: Mapping[str, str]

    @classmethod
    def decode(cls, body: bytes) -> Self:
        fields: dict[str, str] = {}
        at = 0
        while at < len(body) and body[at]:
            if not 0x20 < body[at] < 0x7F:
                raise malformed("invalid field of an error or notice")
            fields[chr(body[at])], at = read_string(body, at + 1)
        if at >= len(body):
            raise malformed("insufficient data left in message")
        expect_end(body, at + 1)
        return cls(fields)

    def encode(self) -> bytes:
        parts = []
        for letter, text in self.fields.items():
            if len(letter) != 1 or not " " < letter < "\x7f":
                raise LocalProtocolError("a field of an error is named by one letter")
            # An error must reach the client whatever its text holds, so what cannot travel is shown escaped.
            shown = text.replace("\0", "\\0").encode(ENCODING.get(), "backslashreplace")
            parts.append(letter.encode() + shown + b"\0")
        return framed(self.type_byte, b"".join(parts) + b"\0")


class ErrorResponse(_Report):
    """An error, keyed by field letter: S and V severity, C SQLSTATE, M message, D detail, H hint, P position, ..."""

    __slots__ = ()
    type_byte = b"E"


class NoticeResponse(_Report):
    """A notice or warning, keyed like an error."""

    __slots__ = ()
    type_byte = b"N"


@dataclass(frozen=True, slots=True)
class NotificationResponse(BackendMessage):
    """A NOTIFY on a channel that the client listens to."""

    type_byte = b"A"
    process_id: int
    channel: str
    payload: str

    @classmethod
    def decode(cls, body: bytes) -> NotificationResponse:
        process_id, at = read_number(UINT32, body, 0)
        channel, at = read_string(body, at)
        payload, at = read_string(body, at)
        expect_end(body, at)
        return cls(process_id, channel, payload)

    def encode(self) -> bytes:
        return framed(b"A", number(UINT32, self.process_id) + string(self.channel) + string(self.payload))


# COPY


@dataclass(frozen=True, slots=True)
class _CopyResponse(BackendMessage):
    format: int
    column_formats: tuple[int, ...]

    @classmethod
    def decode(cls, body: bytes) -> Self:
        if not body:
            raise malformed("insufficient data left in message")
        column_formats, at = read_numbers(INT16, body, 1)
        expect_end(body, at)
        return cls(body[0], column_formats)

    def encode(self) -> bytes:
        if self.format not in (0, 1):
            raise LocalProtocolError("COPY's format is 0 (text) or 1 (binary)")
        return framed(self.type_byte, bytes((self.format,)) + numbers(INT16, self.column_formats))


class CopyInResponse(_CopyResponse):
    """The client should send COPY's data now. ``format`` is 0 text, 1 binary."""

    __slots__ = ()
    type_byte = b"G"


class CopyOutResponse(_CopyResponse):
    """COPY's data follows. ``format`` is 0 text, 1 binary."""

    __slots__ = ()
    type_byte = b"H"


class CopyBothResponse(_CopyResponse):
    """Data flows both ways (replication)."""

    __slots__ = ()
    type_byte = b"W"


@dataclass(frozen=True, slots=True)
class CopyData(BackendMessage):
    """A piece of COPY's data; to the client each piece is one row."""

    type_byte = b"d"
    data: bytes = field(repr=False)

    @classmethod
    def decode(cls, body: bytes) -> CopyData:
        return cls(body)

    def encode(self) -> bytes:
        return framed(b"d", self.data)


class CopyDone(Bodiless, BackendMessage):
    """The end of COPY's data."""

    __slots__ = ()
    type_byte = b"c"


def decode(type_byte: int, body: bytes) -> BackendMessage:
    """Return the message with this type (as a number) and body, or raise ``RemoteProtocolError``."""
    if type_byte == 82:
        code, _ = read_number(INT32, body, 0)
        authentication = AUTHENTICATION.get(code)
        if authentication is None:
            raise malformed(f"unexpected authentication request {code}")
        return authentication.decode(body)
    message = _MESSAGES.get(type_byte)
    if message is None:
        raise RemoteProtocolError("08P01", f"invalid backend message type {type_byte}", closes=True)
    return message.decode(body)


_MESSAGES: dict[int, type[BackendMessage]] = {
    message.type_byte[0]: message
    for message in (
        BackendKeyData,
        BindComplete,
        CloseComplete,
        CommandComplete,
        CopyBothResponse,
        CopyData,
        CopyDone,
        CopyInResponse,
        CopyOutResponse,
        DataRow,
        EmptyQueryResponse,
        ErrorResponse,
        FunctionCallResponse,
        NegotiateProtocolVersion,
        NoData,
        NoticeResponse,
        NotificationResponse,
        ParameterDescription,
        ParameterStatus,
        ParseComplete,
        PortalSuspended,
        ReadyForQuery,
        RowDescription,
    )
}
