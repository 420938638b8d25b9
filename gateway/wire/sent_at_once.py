"""A statement that has come as a whole: what drivers send for one query, up to its Sync, before they wait.

libpq, and drivers like it, end each query with the same 21 bytes: Describe of the unnamed portal, Execute of all its
rows, Sync. Whoever passes such a query on needs not look at each message by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.wire.errors import RemoteProtocolError
from gateway.wire.fields import decode_text
from gateway.wire.frontend import Bind, Describe, Execute, Parse, Sync
from gateway.wire.messages import FrontendMessage

_DESCRIBE, _EXECUTE, _SYNC = Describe("P", ""), Execute(""), Sync()
_RUN: Final = _DESCRIBE.encode() + _EXECUTE.encode()
END: Final = _RUN + _SYNC.encode()
_PARSE, _BIND, _SYNC_TYPE = b"PBS"
_HEADER = 5  # bytes: a message's type and its length


@dataclass(frozen=True, slots=True)
class SentAtOnce(FrontendMessage):
    """Bind of the unnamed portal, with Parse of its statement before it or not; Describe, Execute and Sync. ``data``
    are all their bytes. What Bind has behind the statement's name is not looked at.
    """

    parse: Parse | None
    statement: str  # its name
    data: bytes

    @classmethod
    def decode(cls, body: bytes) -> SentAtOnce:
        """Return the messages of ``body``. Raises ValueError where they are others."""
        found = get_sent_at_once(body)
        if found is None:
            raise ValueError("these are not the messages of one statement")
        return found

    def encode(self) -> bytes:
        return self.data

    def bound_to(self, name: str) -> bytes:
        """Return the bytes from Bind on, of a Bind of another statement."""
        behind = self.data.index(b"\0", self.behind_parse + _HEADER + 1)
        bind = b"\0" + name.encode() + self.data[behind : -len(END)]
        return b"B" + (len(bind) + _HEADER - 1).to_bytes(4, "big") + bind + END

    @property
    def behind_parse(self) -> int:
        """Where Bind begins."""
        return 0 if self.parse is None else _end(self.data, 0)


@dataclass(frozen=True, slots=True)
class InTurn(FrontendMessage):
    """The messages of such a statement, without its Sync, to be carried out one after the other before it."""

    messages: tuple[FrontendMessage, ...]

    @classmethod
    def decode(cls, body: bytes) -> InTurn:
        """Return the messages of ``body``. Raises ValueError where they are others."""
        found = in_turn(SentAtOnce.decode(body))
        if found is None:
            raise ValueError("these are not the messages of one statement")
        return found

    def encode(self) -> bytes:
        return b"".join(one.encode() for one in self.messages) + _SYNC.encode()


def in_turn(message: SentAtOnce) -> InTurn | None:
    """Return the messages of a statement; None where one is malformed."""
    head = message.parse.encode() if message.parse is not None else b""
    try:
        bind = Bind.decode(message.data[len(head) + _HEADER : -len(END)])
    except RemoteProtocolError:
        return None
    first: tuple[FrontendMessage, ...] = () if message.parse is None else (message.parse,)
    return InTurn((*first, bind, _DESCRIBE, _EXECUTE))


@dataclass(frozen=True, slots=True)
class Piped(FrontendMessage):
    """The messages of a prepared statement that is not the last before a Sync, or the last of several: Bind, Describe
    and Execute of the unnamed portal, which nothing that follows can ask for. ``size`` is how many bytes they are.
    """

    messages: tuple[FrontendMessage, ...]
    size: int

    @classmethod
    def decode(cls, body: bytes) -> Piped:
        """No client sends it as one."""
        raise ValueError("these are several messages")

    def encode(self) -> bytes:
        return b"".join(one.encode() for one in self.messages)


def get_piped(data: bytes | bytearray, at: int, most: int) -> Piped | None:
    """Return the statement that begins at a place, of ``most`` bytes at the most; None where something else does, or
    may yet come behind it.
    """
    if len(data) - at < _HEADER + len(_RUN) + _HEADER or data[at] != _BIND:
        return None
    end = at + 1 + int.from_bytes(data[at + 1 : at + _HEADER], "big")
    behind = end + len(_RUN)
    if behind - at > most or not data.startswith(_RUN, end) or not _replaces_portal(data, behind):
        return None
    try:
        bind = Bind.decode(bytes(memoryview(data)[at + _HEADER : end]))
    except RemoteProtocolError:
        return None  # who reads the messages one by one tells what is wrong
    return None if bind.portal else Piped((bind, _DESCRIBE, _EXECUTE), behind - at)


def _replaces_portal(data: bytes | bytearray, at: int) -> bool:
    """Whether what begins at a place ends the unnamed portal: Sync, or another Bind of it."""
    if len(data) < at + _HEADER:
        return False
    return data[at] == _SYNC_TYPE or (data[at] == _BIND and data[at + _HEADER : at + _HEADER + 1] == b"\0")


def get_sent_at_once(data: bytes) -> SentAtOnce | None:
    """Return what some bytes are; None where they are anything else, be it more or malformed."""
    if not data.endswith(END) or data[0] not in (_PARSE, _BIND):
        return None
    at, size, parse = 0, len(data) - len(END), None
    try:
        if data[0] == _PARSE:
            at = _end(data, 0)
            parse = Parse.decode(data[_HEADER:at])
        named = at + _HEADER + 1
        if data[at] != _BIND or _end(data, at) != size or data[named - 1] != 0:
            return None
        ends = data.find(b"\0", named, size)
        statement = decode_text(data[named:ends]) if ends >= 0 else None
    except (RemoteProtocolError, IndexError):
        return None  # who reads the messages one by one tells what is wrong
    if statement is None or (parse is not None and parse.name != statement):
        return None
    return SentAtOnce(parse, statement, data)


def _end(data: bytes, at: int) -> int:
    return at + 1 + int.from_bytes(data[at + 1 : at + _HEADER], "big")
