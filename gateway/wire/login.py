"""What a server says until a client is in: answers about encryption, authentication, versions, settings, cancel key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Self

from gateway.wire.errors import LocalProtocolError, malformed
from gateway.wire.fields import INT32, UINT32, expect_end, framed, number, read_number, read_string, string
from gateway.wire.frontend import MAX_CANCEL_KEY_LENGTH
from gateway.wire.messages import BackendMessage


class AuthenticationMessage(BackendMessage):
    """One of the messages with type R, told apart by ``code``; these have no further body unless they say so."""

    __slots__ = ()
    type_byte = b"R"
    code: ClassVar[int]

    @classmethod
    def decode(cls, body: bytes) -> Self:
        expect_end(body, cls._read_code(body))
        return cls()

    def encode(self) -> bytes:
        return self._framed(b"")

    @classmethod
    def _read_code(cls, body: bytes) -> int:
        code, at = read_number(INT32, body, 0)
        if code != cls.code:
            raise malformed(f"unexpected authentication request {code}")
        return at

    def _framed(self, rest: bytes) -> bytes:
        return framed(b"R", INT32.pack(self.code) + rest)


# Before the session: answers of one byte without length


class _OneByte(BackendMessage):
    __slots__ = ()
    byte: ClassVar[bytes]

    @classmethod
    def decode(cls, body: bytes) -> Self:
        if body != cls.byte:
            raise malformed("unexpected answer to an encryption request")
        return cls()

    def encode(self) -> bytes:
        return self.byte


@dataclass(frozen=True, slots=True)
class SSLAccepted(_OneByte):
    """Yes to SSLRequest: the TLS handshake must follow."""

    byte = b"S"


@dataclass(frozen=True, slots=True)
class EncryptionRefused(_OneByte):
    """No to SSLRequest or GSSENCRequest: the client may go on in the clear or ask for the other."""

    byte = b"N"


# Authentication and start


@dataclass(frozen=True, slots=True)
class AuthenticationOk(AuthenticationMessage):
    """The client is who it says."""

    code = 0


@dataclass(frozen=True, slots=True)
class AuthenticationCleartextPassword(AuthenticationMessage):
    """Asks for a password in clear text."""

    code = 3


@dataclass(frozen=True, slots=True)
class AuthenticationSASL(AuthenticationMessage):
    """Asks for SASL, by one of these mechanisms in the server's order of preference."""

    code = 10
    mechanisms: tuple[str, ...]

    @classmethod
    def decode(cls, body: bytes) -> AuthenticationSASL:
        mechanisms, at = _read_names(body, cls._read_code(body))
        expect_end(body, at)
        return cls(mechanisms)

    def encode(self) -> bytes:
        if "" in self.mechanisms:
            raise LocalProtocolError("a SASL mechanism needs a name")
        return self._framed(b"".join(map(string, self.mechanisms)) + b"\0")


@dataclass(frozen=True, slots=True)
class _SASLData(AuthenticationMessage):
    data: bytes = field(repr=False)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        return cls(body[cls._read_code(body) :])

    def encode(self) -> bytes:
        return self._framed(self.data)


class AuthenticationSASLContinue(_SASLData):
    """Data of the SASL mechanism that asks for a response."""

    __slots__ = ()
    code = 11


class AuthenticationSASLFinal(_SASLData):
    """The last data of the SASL mechanism."""

    __slots__ = ()
    code = 12


@dataclass(frozen=True, slots=True)
class NegotiateProtocolVersion(BackendMessage):
    """The newest version spoken here (as one number), and the protocol options of the client not known here."""

    type_byte = b"v"
    protocol_version: int
    options: tuple[str, ...] = ()

    @classmethod
    def decode(cls, body: bytes) -> NegotiateProtocolVersion:
        version, at = read_number(UINT32, body, 0)
        count, at = read_number(UINT32, body, at)
        options: list[str] = []
        for _ in range(min(count, len(body))):  # each takes a byte at least, so a false count ends soon
            option, at = read_string(body, at)
            options.append(option)
        expect_end(body, at)
        if len(options) != count:
            raise malformed("insufficient data left in message")
        return cls(version, tuple(options))

    def encode(self) -> bytes:
        counts = number(UINT32, self.protocol_version) + UINT32.pack(len(self.options))
        return framed(b"v", counts + b"".join(map(string, self.options)))


@dataclass(frozen=True, slots=True)
class ParameterStatus(BackendMessage):
    """A setting that clients follow, and its value now."""

    type_byte = b"S"
    name: str
    value: str

    @classmethod
    def decode(cls, body: bytes) -> ParameterStatus:
        name, at = read_string(body, 0)
        value, at = read_string(body, at)
        expect_end(body, at)
        return cls(name, value)

    def encode(self) -> bytes:
        return framed(b"S", string(self.name) + string(self.value))


@dataclass(frozen=True, slots=True)
class BackendKeyData(BackendMessage):
    """What a CancelRequest for this connection must carry; the key is random bytes, 4 of them before protocol 3.2."""

    type_byte = b"K"
    process_id: int
    secret_key: bytes = field(repr=False)

    @classmethod
    def decode(cls, body: bytes) -> BackendKeyData:
        process_id, at = read_number(UINT32, body, 0)
        if not 4 <= len(body) - at <= MAX_CANCEL_KEY_LENGTH:
            raise malformed("invalid length of cancel key")
        return cls(process_id, body[at:])

    def encode(self) -> bytes:
        if not 4 <= len(self.secret_key) <= MAX_CANCEL_KEY_LENGTH:
            raise LocalProtocolError("a cancel key has 4 to 256 bytes")
        return framed(b"K", number(UINT32, self.process_id) + self.secret_key)


def _read_names(body: bytes, at: int) -> tuple[tuple[str, ...], int]:
    names = []
    while body[at : at + 1] != b"\0":
        name, at = read_string(body, at)
        names.append(name)
    return tuple(names), at + 1


AUTHENTICATION: dict[int, type[AuthenticationMessage]] = {
    message.code: message
    for message in (
        AuthenticationOk,
        AuthenticationCleartextPassword,
        AuthenticationSASL,
        AuthenticationSASLContinue,
        AuthenticationSASLFinal,
    )
}
