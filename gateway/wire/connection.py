"""A server's side of one connection, without the network: bytes in, messages out, and the other way round.

    connection.receive_data(data)            # what the socket gave
    event = connection.next_event()          # a message, NEED_DATA, or PAUSED
    socket.write(connection.send(message))   # checked against the state table

Handle an event before you ask for the next: what an error leads to depends on where the connection stands. After a
``RemoteProtocolError`` with ``closes`` send one ErrorResponse and close. After one without, send ErrorResponse and go
on; the statement's end is due as ever (``owes_ready`` tells). Result rows go to the socket without ``send``.
"""

from __future__ import annotations

from enum import Enum
from struct import Struct
from typing import Final, NamedTuple, cast

from gateway.wire import backend as b
from gateway.wire import frontend as f
from gateway.wire.errors import (
    FEATURE_NOT_SUPPORTED,
    INVALID_AUTHORIZATION_SPECIFICATION,
    PROGRAM_LIMIT_EXCEEDED,
    PROTOCOL_VIOLATION,
    LocalProtocolError,
    RemoteProtocolError,
)
from gateway.wire.fields import ENCODING
from gateway.wire.messages import BackendMessage, FrontendMessage
from gateway.wire.sent_at_once import Piped, SentAtOnce, get_piped, get_sent_at_once
from gateway.wire.state import DISCARDED, TRANSITIONS, State

# Limits in bytes, by PostgreSQL's names (libpq/pqcomm.h, libpq/auth.h, libpq/libpq.h). All are checked as soon as a
# length is known, before anything is kept for the body. The first counts the body, the others the length word too.
MAX_STARTUP_PACKET_LENGTH: Final = 10000
PG_MAX_AUTH_TOKEN_LENGTH: Final = 65535
PQ_SMALL_MESSAGE_LIMIT: Final = 10000
PQ_LARGE_MESSAGE_LIMIT: Final = 0x3FFFFFFF - 1
DEFAULT_MESSAGE_LIMIT: Final = 64 * 1024 * 1024

PG_PROTOCOL_EARLIEST: Final = 3 << 16
PG_PROTOCOL_LATEST: Final = 3 << 16 | 2

_HEADER: Final = Struct(">BI")
# As names, for an Enum's attributes are slow.
_READY, _SIMPLE, _SYNCING, _EXTENDED = State.READY, State.SIMPLE, State.SYNCING, State.EXTENDED
_REMEMBERED: Final = 1 << 14  # bytes of a message that is kept as it came until the next one
_ONE_WAY = frozenset({"utf-8", "utf_8", "ascii"})  # names of Python's codecs
_LENGTH: Final = Struct(">I")
_TLS_HANDSHAKE: Final = 0x16
_STARTUP_STATES: Final = frozenset((State.STARTUP, State.STARTUP_ENCRYPTED))
_REQUESTED: Final = {State.SSL_REQUESTED: "SSL", State.GSSENC_REQUESTED: "GSSAPI encryption"}
_LOGIN_STATES: Final = frozenset((State.CLEARTEXT, State.SASL_INITIAL, State.SASL_RESPONSE))
_COPY_IN_STATES: Final = frozenset((State.COPY_IN, State.COPY_IN_EXTENDED, State.COPY_BOTH))
_SMALL: Final = frozenset((f.Describe, f.Execute, f.Close, f.Flush, f.Sync, f.Terminate, f.CopyDone, f.CopyFail))


class Signal(Enum):
    """What ``next_event`` says when it has no message."""

    NEED_DATA = "the next message is not complete: give more bytes"
    PAUSED = "the client may not speak now: answer first (or close)"


NEED_DATA: Final = Signal.NEED_DATA
PAUSED: Final = Signal.PAUSED


class _Rule(NamedTuple):
    """What to do with a client message in a given state."""

    message: type[FrontendMessage]
    state: State
    discarded: bool
    small: bool


def _accepted(state: State) -> dict[int, _Rule]:
    rules = {}
    for message, following in TRANSITIONS[state].items():
        if issubclass(message, FrontendMessage) and message.type_byte:
            rules[message.type_byte[0]] = _Rule(message, following, False, message in _SMALL)
    for message in DISCARDED.get(state, ()):
        if issubclass(message, FrontendMessage):
            rules[message.type_byte[0]] = _Rule(message, state, True, message in _SMALL)
    return rules


_ACCEPTED: Final = {state: _accepted(state) for state in State}
_RELAYED: Final = {
    state: {
        message.type_byte[0]: following
        for message, following in TRANSITIONS[state].items()
        # Behind a broken stream the error that ends the connection is ours; the answers before it are a server's.
        if issubclass(message, BackendMessage) and message.type_byte and state is not State.FAILED
    }
    for state in State
}


class Connection:
    """The state of one client connection and the bytes not yet read from it.

    ``encrypted``: the bytes come out of a TLS layer from the start. ``message_limit``: bytes of the largest message
    of a session; a larger one is dropped as it arrives and reported as ``program_limit_exceeded``.
    """

    __slots__ = ("_asked", "_at", "_buffer", "_discard", "_last", "_message_limit", "_protocol_version", "_state")

    def __init__(self, *, encrypted: bool = False, message_limit: int = DEFAULT_MESSAGE_LIMIT) -> None:
        self._state = State.STARTUP_ENCRYPTED if encrypted else State.STARTUP
        self._message_limit = message_limit
        self._protocol_version = PG_PROTOCOL_LATEST
        self._asked: set[type[FrontendMessage]] = set()
        # Bytes while one piece holds whole messages, which then cost no copy; else a bytearray that grows.
        self._buffer: bytes | bytearray = b""
        self._at = 0
        self._discard = 0
        self._last: tuple[FrontendMessage | None, bytes] = (None, b"")

    @property
    def state(self) -> State:
        """Where the connection stands."""
        return self._state

    @property
    def owes_ready(self) -> bool:
        """Whether the client waits for ReadyForQuery and nothing is to be read before it."""
        return self._state is State.SIMPLE or self._state is State.SYNCING

    @property
    def unread(self) -> bytes:
        """The bytes received and not yet returned as messages."""
        return bytes(memoryview(self._buffer)[self._at :])

    @property
    def protocol_version(self) -> int:
        """The version in use as one number, known after the startup message."""
        return self._protocol_version

    @property
    def cancel_key_length(self) -> int:
        """How many bytes the cancel key should have: 4 until version 3.2, then 32 as in PostgreSQL."""
        return 32 if self._protocol_version >= PG_PROTOCOL_LATEST else 4

    # From the client

    def receive_data(self, data: bytes | bytearray | memoryview) -> None:
        """Take bytes that came from the client. Raises ``RemoteProtocolError`` if none may come, as in a handshake."""
        if self._state is State.HANDSHAKE and data:
            raise self._failure(PROTOCOL_VIOLATION, "received unencrypted data after SSL request")
        if self._state is State.CLOSED or self._state is State.FAILED:
            return
        if self._at == len(self._buffer):
            self._buffer = bytes(data)
            self._at = 0
            return
        if isinstance(self._buffer, bytes):
            self._buffer = bytearray(memoryview(self._buffer)[self._at :])
        else:
            del self._buffer[: self._at]
        self._at = 0
        self._buffer += data

    def next_event(self) -> FrontendMessage | Signal:
        """Return the next message of the client, NEED_DATA, or PAUSED. Raises ``RemoteProtocolError``."""
        state = self._state
        if state in _STARTUP_STATES:
            return self._next_startup_packet()
        accepted = _ACCEPTED[state]
        if not accepted:
            return PAUSED
        while not self._discard or self._discarded():
            buffer, at = self._buffer, self._at
            if len(buffer) - at < 5:
                return NEED_DATA
            type_byte, length = _HEADER.unpack_from(buffer, at)
            rule = accepted.get(type_byte)
            if rule is None:
                raise self._failure(PROTOCOL_VIOLATION, self._unexpected(type_byte))
            self._check_length(rule, length)
            if rule.discarded:
                self._discard = length + 1
                continue
            end = at + length + 1
            if len(buffer) < end:
                return NEED_DATA
            whole = buffer[at:end] if isinstance(buffer, bytes) else bytes(memoryview(buffer)[at:end])
            self._at = end
            self._state = rule.state
            message = self._decoded(rule.message, whole[5:])
            self._last = (message, whole) if len(whole) <= _REMEMBERED else (None, b"")
            return message
        return NEED_DATA

    def get_sent_at_once(self) -> SentAtOnce | None:
        """Return the statement that all unread bytes are, without taking it (`take_sent_at_once`); None where they are
        something else, or could be read in two ways.
        """
        buffer = self._buffer
        if self._state is not State.READY or self._at or self._discard or not isinstance(buffer, bytes):
            return None
        if not buffer or len(buffer) > min(_REMEMBERED, self._message_limit) or ENCODING.get() not in _ONE_WAY:
            return None
        return get_sent_at_once(buffer)

    def take_sent_at_once(self) -> None:
        """Take what `get_sent_at_once` has returned: the client waits for ReadyForQuery now."""
        self._at = len(self._buffer)
        self._state = State.SYNCING

    def take_piped(self) -> Piped | None:
        """Take the statement that the unread bytes begin with; None where they begin with something else, or could be
        read in two ways.
        """
        if (self._state is not _READY and self._state is not _EXTENDED) or self._discard:
            return None
        found = get_piped(self._buffer, self._at, min(_REMEMBERED, self._message_limit))
        if found is None or ENCODING.get() not in _ONE_WAY:
            return None
        self._at += found.size
        self._state = _EXTENDED
        return found

    def may_take_straight(self, size: int) -> bool:
        """Whether a statement of so many bytes, with which nothing came before or behind it, need not be read here."""
        at_rest = self._state is _READY and self._at == len(self._buffer) and not self._discard
        return at_rest and size <= _REMEMBERED and size <= self._message_limit

    def take_straight(self, *, simple: bool) -> None:
        """Note that such a statement is answered by `send`: the client waits for ReadyForQuery. One whose whole answer
        goes to the client without is none of the connection's.
        """
        self._state = _SIMPLE if simple else _SYNCING

    def bytes_of(self, message: FrontendMessage) -> bytes:
        """Return a message of the client as it came, if it is the last one; else encode it. One that is not in UTF-8,
        where each text is written in one way alone, is encoded too: its bytes could be read as another text.
        """
        last, whole = self._last
        return whole if last is message and ENCODING.get() in _ONE_WAY else message.encode()

    def _decoded(self, message: type[FrontendMessage], body: bytes) -> FrontendMessage:
        try:
            return message.decode(body)
        except RemoteProtocolError as error:
            # A login does not go on after an error, nor does a session after Terminate, however it was written.
            if message.type_byte == b"p" or self._state is State.CLOSED:
                error.closes = True
                error.answer = message.type_byte == b"p"  # who says farewell is not answered
                self._fail()
            raise

    def _check_length(self, rule: _Rule, length: int) -> None:
        state = self._state
        if state in _LOGIN_STATES:
            limit = PG_MAX_AUTH_TOKEN_LENGTH
        else:
            limit = PQ_SMALL_MESSAGE_LIMIT if rule.small else PQ_LARGE_MESSAGE_LIMIT
        if not 4 <= length <= limit:
            answer = state in _LOGIN_STATES  # a session's PostgreSQL closes without a word
            raise self._failure(PROTOCOL_VIOLATION, "invalid message length", answer=answer)
        if length > self._message_limit and not rule.discarded and not rule.small and state not in _LOGIN_STATES:
            self._discard = length + 1
            self._state = rule.state
            raise RemoteProtocolError(
                PROGRAM_LIMIT_EXCEEDED,
                f"{rule.message.__name__} message of {length} bytes exceeds the limit of {self._message_limit} bytes",
            )

    def _discarded(self) -> bool:
        """Drop what is there of the bytes to drop; return whether that was all of them."""
        dropped = min(self._discard, len(self._buffer) - self._at)
        self._at += dropped
        self._discard -= dropped
        return not self._discard

    def _unexpected(self, type_byte: int) -> str:
        if self._state in _LOGIN_STATES:
            awaited = "password" if self._state is State.CLEARTEXT else "SASL"
            return f"expected {awaited} response, got message type {type_byte}"
        if self._state in _COPY_IN_STATES:
            return f"unexpected message type 0x{type_byte:02X} during COPY from stdin"
        return f"invalid frontend message type {type_byte}"

    def _next_startup_packet(self) -> FrontendMessage | Signal:
        buffer, at = self._buffer, self._at
        available = len(buffer) - at
        if available and buffer[at] == _TLS_HANDSHAKE:
            raise self._failure(
                PROTOCOL_VIOLATION, "received a TLS handshake instead of a startup packet", answer=False
            )
        if available < 4:
            return NEED_DATA
        (length,) = _LENGTH.unpack_from(buffer, at)
        if not 8 <= length <= MAX_STARTUP_PACKET_LENGTH + 4:
            raise self._failure(PROTOCOL_VIOLATION, "invalid length of startup packet", answer=False)
        if available < length:
            return NEED_DATA
        body = bytes(memoryview(buffer)[at + 4 : at + length])
        self._at = at + length
        return self._startup_packet(body)

    def _startup_packet(self, body: bytes) -> FrontendMessage:
        code: int = _LENGTH.unpack_from(body)[0]
        try:
            message = f.decode_startup_packet(body)
        except RemoteProtocolError as error:
            # A body of an old version does not have this version's form, and its version is the reason to tell.
            self._check_version(code)
            error.closes = True
            error.answer = code != f.CANCEL_REQUEST_CODE
            self._fail()
            raise
        following = TRANSITIONS[self._state].get(type(message))
        if following is None or type(message) in self._asked:
            raise self._unsupported_version(code)
        if isinstance(message, f.StartupMessage):
            self._check_version(code)
            if not message.parameters.get("user"):
                raise self._failure(
                    INVALID_AUTHORIZATION_SPECIFICATION, "no PostgreSQL user name specified in startup packet"
                )
            self._protocol_version = min(code, PG_PROTOCOL_LATEST)
        elif following in _REQUESTED:
            self._asked.add(type(message))  # each may be asked once
        self._state = following
        return message

    def _check_version(self, code: int) -> None:
        requests = (f.CANCEL_REQUEST_CODE, f.NEGOTIATE_SSL_CODE, f.NEGOTIATE_GSS_CODE)
        if code >> 16 != PG_PROTOCOL_EARLIEST >> 16 and code not in requests:
            raise self._unsupported_version(code)

    def _unsupported_version(self, code: int) -> RemoteProtocolError:
        return self._failure(
            FEATURE_NOT_SUPPORTED,
            f"unsupported frontend protocol {code >> 16}.{code & 0xFFFF}: server supports 3.0 to 3.2",
        )

    # To the client

    def send(self, message: BackendMessage) -> bytes:
        """Return the bytes of a message and note that it is sent.

        Raises ``LocalProtocolError`` if it is not legal now, and ``RemoteProtocolError`` if encryption is answered
        while bytes wait that came behind the request: somebody in the middle may have put them there.
        """
        following = TRANSITIONS[self._state].get(type(message))
        if following is None:
            raise LocalProtocolError(f"{type(message).__name__} is not legal in state {self._state.name}")
        if self._state in _REQUESTED and self._at < len(self._buffer) and not isinstance(message, b.ErrorResponse):
            what = _REQUESTED[self._state]
            raise self._failure(PROTOCOL_VIOLATION, f"received unencrypted data after {what} request")
        kind = type(message)  # no message has subclasses; isinstance asks their abstract class, which takes longer
        if kind is b.BackendKeyData:
            self._check_cancel_key(cast(b.BackendKeyData, message))
        data = message.encode()
        if kind is b.ErrorResponse and cast(b.ErrorResponse, message).fields.get("V") in ("FATAL", "PANIC"):
            following = State.CLOSED
        self._state = following
        return data

    def _check_cancel_key(self, message: b.BackendKeyData) -> None:
        if self._protocol_version < PG_PROTOCOL_LATEST and len(message.secret_key) != 4:
            raise LocalProtocolError("a cancel key has 4 bytes before protocol 3.2")

    def skip(self) -> None:
        """Drop the Query that was read last, and all up to Sync: an error was answered to what came before it."""
        if self._state is not State.SIMPLE:
            raise LocalProtocolError(f"there is no statement to drop in state {self._state.name}")
        self._state = State.SKIPPING

    def relayed(self, type_byte: int) -> None:
        """Note that a message of this type went to the client without ``send``, straight from a server behind us.

        Types that are not awaited change nothing: that server answers for what it says.
        """
        self._state = _RELAYED[self._state].get(type_byte, self._state)

    def encryption_started(self) -> None:
        """Note that the TLS handshake is done: what is received from here on comes out of it."""
        if self._state is not State.HANDSHAKE:
            raise LocalProtocolError(f"no TLS handshake is under way in state {self._state.name}")
        self._state = State.STARTUP_ENCRYPTED

    def _fail(self) -> None:
        self._state = State.FAILED
        self._buffer = b""
        self._at = self._discard = 0

    def _failure(self, sqlstate: str, message: str, *, answer: bool = True) -> RemoteProtocolError:
        self._fail()
        return RemoteProtocolError(sqlstate, message, closes=True, answer=answer)


def negotiate(startup: f.StartupMessage) -> b.NegotiateProtocolVersion | None:
    """Return what to tell a client that asked for a newer version or for protocol options not known here.

    None means that its wishes are met. Version 3.1 never was; as in PostgreSQL 18 it is taken for 3.0 unchanged.
    """
    options = tuple(name for name in startup.parameters if name.startswith("_pq_."))
    if startup.protocol_version <= PG_PROTOCOL_LATEST and not options:
        return None
    return b.NegotiateProtocolVersion(min(startup.protocol_version, PG_PROTOCOL_LATEST), options)
