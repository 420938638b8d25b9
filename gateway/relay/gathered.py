"""What is written to a server within one step of the event loop, sent at once.

A client's Parse, Bind, Describe, Execute and Sync come together mostly. Sent one by one they are five system calls
here, and wake the server up to five times.
"""

from __future__ import annotations

import asyncio

_MOST = 1 << 14  # bytes that are put together; more is on its way already


class Gathered:
    """The writing end of a connection. What is written is sent when the step of the loop has ended, in its order."""

    __slots__ = ("_held", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._held = bytearray()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes, soon."""
        if not self._held:
            self._loop.call_soon(self._send)
        self._held += data
        if len(self._held) > _MOST:
            self._send()

    def is_closing(self) -> bool:
        """Whether the connection is closed, or about to be."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close the connection when all that was written is sent."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        held, self._held = self._held, bytearray()
        if held:
            self._transport.write(held)
