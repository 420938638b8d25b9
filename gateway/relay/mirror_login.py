"""How the gateway reaches the catalogue mirror, and as whom."""

from __future__ import annotations

import asyncio

from catalog.errors import SqlError
from catalog.server import Address
from catalog.sqlstate import SqlState
from gateway.relay.received import Received
from gateway.relay.server_login import ServerTarget, connect


def mirror_target(address: Address, user: str, password: str) -> ServerTarget:
    """Return the mirror as a client's role logs in to it; the password is the gateway's own secret."""
    methods = frozenset({"scram-sha-256"})
    return ServerTarget(address.host, address.port, address.database, user, password, "disable", methods=methods)


async def connected(target: ServerTarget, received: Received) -> asyncio.Transport:
    """Open a connection to the mirror. Raises SqlError 57P03."""
    try:
        return await connect(target, received)
    except OSError as error:
        raise SqlError(
            SqlState.CANNOT_CONNECT_NOW, "the catalogue mirror cannot be reached", hint="Try again in a moment."
        ) from error
