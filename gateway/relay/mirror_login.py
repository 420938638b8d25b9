"""How the gateway reaches the catalogue mirror and proves who it is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from struct import Struct

from catalog.errors import SqlError
from catalog.server import Address
from catalog.sqlstate import SqlState
from gateway.authentication.scram_client import MECHANISM, ScramClient, ScramRefused
from gateway.relay.received import Received

_HEADER = Struct(">cI")
_STARTUP = Struct(">II")
_PROTOCOL_3_0 = 196608


@dataclass(frozen=True, slots=True)
class Login:
    """As whom the gateway logs in for a client; ``password`` never leaves the gateway."""

    address: Address
    user: str
    password: str = field(repr=False)


async def connected(address: Address, received: Received) -> asyncio.Transport:
    """Open a connection to the mirror. Raises SqlError 57P03."""
    loop = asyncio.get_running_loop()
    try:
        if address.socket_path is not None:
            transport, _ = await loop.create_unix_connection(lambda: received, address.socket_path)
        else:
            transport, _ = await loop.create_connection(lambda: received, address.host, address.port)
    except OSError as error:
        raise SqlError(
            SqlState.CANNOT_CONNECT_NOW, "the catalogue mirror cannot be reached", hint="Try again in a moment."
        ) from error
    return transport


def startup(login: Login, parameters: Mapping[str, str]) -> bytes:
    """Return the startup message with a client's settings."""
    settings = {"user": login.user, "database": login.address.database, **parameters}
    body = b"".join(name.encode() + b"\0" + value.encode() + b"\0" for name, value in settings.items()) + b"\0"
    return _STARTUP.pack(len(body) + 8, _PROTOCOL_3_0) + body


def authentication(message: bytes, scram: ScramClient) -> bytes:
    """Return what to answer to an Authentication message, b"" where nothing is asked. Raises ScramRefused."""
    code, data = int.from_bytes(message[5:9], "big"), message[9:]
    if code == 0:
        return b""
    if code == 10 and MECHANISM.encode() in data.split(b"\0"):
        first = scram.first()
        return framed(b"p", MECHANISM.encode() + b"\0" + len(first).to_bytes(4, "big") + first)
    if code == 11:
        return framed(b"p", scram.final(data))
    if code == 12:
        scram.check(data)
        return b""
    raise ScramRefused(f"the mirror asks for an unknown authentication method ({code})")


def framed(kind: bytes, body: bytes) -> bytes:
    """Return a message of a type with its length."""
    return _HEADER.pack(kind, len(body) + 4) + body
