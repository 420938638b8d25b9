"""Logging in to a PostgreSQL server, the mirror's or a source's: encryption, startup, and what it asks for as proof."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from struct import Struct

from gateway.authentication.scram import prepared
from gateway.authentication.scram_client import MECHANISM, ScramClient, ScramRefused
from gateway.relay.received import Received

_STARTUP = Struct(">II")
_PROTOCOL_3_0 = 196608
_SSL_REQUEST = _STARTUP.pack(8, 80877103)
PASSWORD_METHODS = frozenset({"scram-sha-256", "md5", "password"})


@dataclass(frozen=True, slots=True)
class ServerTarget:
    """A server, and as whom it is asked. ``methods`` are the authentications that may be answered; ``must_ask``: the
    server has to ask for the password, so that it lets nobody in for another reason.
    """

    host: str
    port: int
    database: str
    user: str
    password: str | None = field(default=None, repr=False)
    sslmode: str = "prefer"
    context: ssl.SSLContext | None = field(default=None, repr=False, compare=False)
    methods: frozenset[str] = PASSWORD_METHODS
    must_ask: bool = False
    timeout: float = 10.0  # seconds to connect and log in
    socket_options: tuple[tuple[int, int, int], ...] = ()  # of a connection over the network: level, name, value

    @property
    def socket_path(self) -> str | None:
        """The unix socket, or None where ``host`` is on the network."""
        return f"{self.host}/.s.PGSQL.{self.port}" if self.host.startswith("/") else None


class LoginRefused(Exception):
    """The server does not let in, or cannot be reached as its connection string wants. ``sqlstate`` is the server's."""

    def __init__(self, sqlstate: str | None = None) -> None:
        super().__init__("refused by the server")
        self.sqlstate = sqlstate


async def connect(target: ServerTarget, received: Received) -> asyncio.Transport:
    """Open a connection, encrypted where that is wanted. Raises LoginRefused, OSError."""
    loop = asyncio.get_running_loop()
    if target.socket_path is not None:
        transport, _ = await loop.create_unix_connection(lambda: received, target.socket_path)
        return transport
    transport, _ = await loop.create_connection(lambda: received, target.host, target.port)
    for option in target.socket_options:
        transport.get_extra_info("socket").setsockopt(*option)
    if target.context is None:
        return transport
    try:
        transport.write(_SSL_REQUEST)
        while not received.data:
            if not await received.more():
                raise LoginRefused()
        answer = bytes(received.data)
        received.data.clear()
        if answer == b"S":
            encrypted = await loop.start_tls(transport, received, target.context, server_hostname=target.host)
            if encrypted is None:
                raise LoginRefused()
            received.connection_made(encrypted)
            return encrypted
        if answer != b"N" or target.sslmode != "prefer":  # more than one byte would be somebody's in the middle
            raise LoginRefused()
    except BaseException:
        transport.close()
        raise
    return transport


def startup(target: ServerTarget, settings: Mapping[str, str]) -> bytes:
    """Return the startup message."""
    named = {"user": target.user, "database": target.database, **settings}
    body = b"".join(name.encode() + b"\0" + value.encode() + b"\0" for name, value in named.items()) + b"\0"
    return _STARTUP.pack(len(body) + 8, _PROTOCOL_3_0) + body


class Authentication:
    """One exchange: what to answer to each request of the server's."""

    def __init__(self, target: ServerTarget) -> None:
        self._target = target
        self._scram: ScramClient | None = None
        self._proved = False

    def answer(self, message: bytes) -> bytes:
        """Return the answer to an Authentication message, b"" where there is none to give. Raises LoginRefused."""
        code, data = int.from_bytes(message[5:9], "big"), message[9:]
        if code == 0:
            if self._target.must_ask and not self._proved:
                raise LoginRefused()
            return b""
        if code == 3 and "password" in self._target.methods:
            return self._password(self._require_password().encode() + b"\0")
        if code == 5 and "md5" in self._target.methods:
            return self._password(_md5(self._target.user, self._require_password(), data[:4]) + b"\0")
        if code == 10 and "scram-sha-256" in self._target.methods and MECHANISM.encode() in data.split(b"\0"):
            self._scram = ScramClient(prepared(self._require_password()))
            first = self._scram.first()
            return _framed(MECHANISM.encode() + b"\0" + len(first).to_bytes(4, "big") + first)
        if code in (11, 12) and self._scram is not None:
            return self._continue(code, data, self._scram)
        raise LoginRefused()

    def _continue(self, code: int, data: bytes, scram: ScramClient) -> bytes:
        try:
            if code == 11:
                return _framed(scram.final(data))
            scram.check(data)
        except (ScramRefused, ValueError):
            raise LoginRefused("28P01") from None
        self._proved = True
        return b""

    def _password(self, body: bytes) -> bytes:
        self._proved = True
        return _framed(body)

    def _require_password(self) -> str:
        if self._target.password is None:
            raise LoginRefused("28P01")
        return self._target.password


def _md5(user: str, password: str, salt: bytes) -> bytes:
    inner = hashlib.md5(password.encode() + user.encode(), usedforsecurity=False).hexdigest()
    return b"md5" + hashlib.md5(inner.encode() + salt, usedforsecurity=False).hexdigest().encode()


def _framed(body: bytes) -> bytes:
    return b"p" + (len(body) + 4).to_bytes(4, "big") + body
