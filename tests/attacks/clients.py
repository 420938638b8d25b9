"""A client that keeps every byte it is sent, and one connection for each user that asks for nothing unusual."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from gateway.authentication.scram_client import MECHANISM, ScramClient
from gateway.wire import backend as b
from gateway.wire import frontend as f
from tests.gateway import DATABASE, PASSWORD

_TIMEOUT = 30.0
_PROTOCOL = 196608
Message = tuple[bytes, bytes]  # kind, body


class AttackClient:
    """A logged-in connection. ``received`` is all it was sent since it was last taken."""

    def __init__(self, address: tuple[str, int], user: str, **options: str) -> None:
        self._socket = socket.create_connection(address, timeout=_TIMEOUT)
        self._buffer = b""
        self.received: list[Message] = []
        self.is_closed = False
        self.key: b.BackendMessage | None = None
        parameters = {"user": user, "database": DATABASE, "client_encoding": "UTF8", **options}
        self._socket.sendall(f.StartupMessage(_PROTOCOL, parameters).encode())
        self._log_in(ScramClient(PASSWORD))

    def _log_in(self, scram: ScramClient) -> None:
        while True:
            kind, body = self.message()
            if kind == b"E":
                raise ConnectionRefusedError(shown([(kind, body)])[0])
            if kind == b"Z":
                self.received.clear()
                return
            if kind == b"K":
                self.key = b.decode(ord("K"), body)
            if kind == b"R":
                step, rest = int.from_bytes(body[:4], "big"), body[4:]
                if step == 10:
                    self.send(f.SASLInitialResponse(MECHANISM, scram.first()))
                elif step == 11:
                    self.send(f.SASLResponse(scram.final(rest)))
                elif step == 12:
                    scram.check(rest)

    def send(self, *messages: f.FrontendMessage) -> None:
        """Send messages."""
        self._socket.sendall(b"".join(message.encode() for message in messages))

    def message(self) -> Message:
        """Return the next message."""
        while len(self._buffer) < 5 or len(self._buffer) < 1 + int.from_bytes(self._buffer[1:5], "big"):
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionAbortedError
            self._buffer += data
        end = 1 + int.from_bytes(self._buffer[1:5], "big")
        found = self._buffer[:1], self._buffer[5:end]
        self._buffer = self._buffer[end:]
        self.received.append(found)
        return found

    def ask(self, *messages: f.FrontendMessage) -> list[Message]:
        """Send messages and return what comes up to ReadyForQuery, or the end of the connection."""
        self.received.clear()
        try:
            with suppress(BrokenPipeError):  # what the gateway has said before it closed can still be read
                self.send(*messages)
            while self.message()[0] != b"Z":
                pass
        except (ConnectionAbortedError, ConnectionResetError):
            self.is_closed = True
            self.received.append((b"", b"the connection was closed"))
        return [*self.received]

    def close(self) -> None:
        """Leave."""
        try:
            self.send(f.Terminate())
        except OSError:
            pass  # the gateway was first
        self._socket.close()


def shown(messages: Sequence[Message]) -> list[str]:
    """Return rows, errors, notices and tags as lines; tags of rows only where there are none."""
    lines: list[str] = []
    for kind, body in messages:
        match b.decode(kind[0], body) if kind in {b"D", b"C", b"E", b"N", b"A", b"d"} else kind:
            case b.DataRow(values):
                lines.append(" | ".join(map(_value, values)))
            case b.CopyData(data):
                lines.append(_value(data.removesuffix(b"\n").replace(b"\t", b"\\t")))
            case b.CommandComplete(tag):
                if not (lines and tag.startswith(("SELECT", "EXPLAIN", "SHOW"))) or tag.endswith(" 0"):
                    lines.append(f"({tag})")
            case b.ErrorResponse(fields) | b.NoticeResponse(fields):
                told = f"{fields['V']} {fields['C']}: {fields['M']}"
                more = {name: fields[key] for key, name in _MORE.items() if key in fields}
                lines += [told, *(f"  {name}: {text}" for name, text in more.items() if _is_worth(text))]
            case b"H" | b"G" | b"W":
                lines.append("(COPY)")
            case b"" | b"s":
                lines.append("(suspended)" if kind else body.decode())
    return [line.replace("\n", "\\n") if line.strip() else "(empty)" for line in lines]


_MORE = {"D": "DETAIL", "H": "HINT"}


def _is_worth(text: str) -> bool:
    """Whether a script shows a hint; the list of all statements grows with every version."""
    return not text.startswith("Supported statements are ")


def _value(value: bytes | None) -> str:
    if value is None:
        return "NULL"
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return f"\\x{value.hex()}"
    return text if text.isprintable() or text.replace("\n", "").isprintable() else f"\\x{value.hex()}"


@dataclass(slots=True)
class Clients:
    """One connection a user, made when it is asked for."""

    address: tuple[str, int]
    _open: dict[str, AttackClient] = field(default_factory=dict)

    def get(self, user: str) -> AttackClient:
        """Return the user's connection, another one where the gateway has closed it."""
        if user not in self._open or self._open[user].is_closed:
            self._open[user] = AttackClient(self.address, user)
        return self._open[user]

    def leave(self, users: Sequence[str]) -> None:
        """Close connections whose state may not be as at the start."""
        for user in users:
            if (client := self._open.pop(user, None)) is not None:
                client.close()


@contextmanager
def clients(address: tuple[str, int]) -> Iterator[Clients]:
    """Connections for the length of a block."""
    opened = Clients(address)
    try:
        yield opened
    finally:
        opened.leave([*opened._open])


_PLAIN = re.compile(r"\s*(SELECT|WITH|VALUES|TABLE|\(|EXPLAIN)\b", re.IGNORECASE)


def keeps_session(text: str) -> bool:
    """Whether a statement leaves the session as it was."""
    return _PLAIN.match(text) is not None and ";" not in text and "set_config" not in text.lower()
