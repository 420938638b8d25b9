"""Connections of the HTTP port: few, and none for long, since nobody needs a login to open them."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import cast

from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS_LIMIT = 64
REQUEST_SECONDS = 10.0
"""How long a request may take, from the connection or the answer before it until it is answered."""


class BoundedProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, which by itself waits for ever for a request, on as many connections as there are files. For
    one too many the oldest is given up: who asks for health has been answered by then.
    """

    _since = 0.0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, within the limit."""
        if len(self.connections) >= CONNECTIONS_LIMIT:
            oldest = min(self._all(), key=lambda one: one._since)
            oldest.transport.abort()
            self.connections.discard(oldest)  # it hears of its end in the loop's next turn
        super().connection_made(transport)
        self._begin()

    def on_response_complete(self) -> None:
        """Give the next request its time."""
        super().on_response_complete()
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def _begin(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._since = monotonic()
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def _all(self) -> set[BoundedProtocol]:
        return cast("set[BoundedProtocol]", self.connections)
