"""What a server sends, kept until somebody takes it: the reading half of a connection, without a stream's copies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from struct import Struct
from typing import cast

_ROWS = frozenset(b"Dd")  # DataRow, CopyData
_DESCRIPTION = ord("T")
_BEFORE_END = frozenset(b"12nTD")  # ParseComplete, BindComplete, NoData, RowDescription, DataRow
_HEADER = 5  # bytes: a message's type and its length
_HEADER_AT = Struct(">BI").unpack_from
_MOST = 1 << 20  # bytes kept until the server has to wait


class Received(asyncio.Protocol):
    """Collects what comes in ``data``, from whose head its one reader takes. Beyond a mebibyte the server waits.
    ``ended``: nothing more will come.

    ``on_unasked``, if it is set, is called when something comes, or the connection ends, and the reader does not wait.
    """

    def __init__(self) -> None:
        self.data = bytearray()
        self._transport: asyncio.Transport | None = None
        self._arrived: asyncio.Future[None] | None = None
        self._paused = False
        self.ended = False
        self._room: asyncio.Future[None] | None = None  # while too much waits to be sent
        self.on_unasked: Callable[[], None] | None = None
        self.on_end: Callable[[], None] | None = None  # called where nobody waits for more
        self.on_first: Callable[[bytes], bool] | None = (
            None  # is offered what comes next; what it does not take is kept
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        first, self.on_first = self.on_first, None
        if first is not None and first(data):
            return
        self.data += data
        if len(self.data) > _MOST and self._transport is not None:
            self._transport.pause_reading()
            self._paused = True
        self._wake()

    def eof_received(self) -> bool:
        self.connection_lost(None)
        return True  # writing goes on until the reader has seen why

    def connection_lost(self, exc: Exception | None) -> None:
        unread = not self.ended and (self._arrived is None or self._arrived.done())
        self.ended = True
        self.resume_writing()
        self._wake()
        if unread and self.on_end is not None:
            self.on_end()

    def pause_writing(self) -> None:
        self._room = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._room = None

    async def room(self) -> None:
        """Wait until the server has taken enough of what is on its way to it."""
        while self._room is not None and not self.ended:
            await asyncio.shield(self._room)

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)
        elif self.on_unasked is not None:
            self.on_unasked()

    async def more(self) -> bool:
        """Wait until something is added to ``data``; return False where nothing will be."""
        if self.ended:
            return False
        self._read_on()
        size = len(self.data)
        self._arrived = asyncio.get_running_loop().create_future()
        await self._arrived
        return len(self.data) > size

    def take_message(self) -> bytes | None:
        """Take the message at the head; None where it is not there as a whole."""
        if len(self.data) < _HEADER:
            return None
        end = 1 + int.from_bytes(self.data[1:_HEADER], "big")
        return self._take(end) if end <= len(self.data) else None

    def take_rows(self) -> bytes:
        """Take all complete DataRow or CopyData messages at the head: their headers alone are looked at."""
        return self._take_rows(0) if self.data and self.data[0] in _ROWS else b""

    def take_described_rows(self) -> bytes:
        """As `take_rows`, with the RowDescription that they may come behind."""
        data = self.data
        if not data or (data[0] not in _ROWS and data[0] != _DESCRIPTION):
            return b""
        if data[0] != _DESCRIPTION:
            return self._take_rows(0)
        end = 1 + int.from_bytes(data[1:_HEADER], "big") if len(data) >= _HEADER else len(data) + 1
        return self._take_rows(end) if end <= len(data) else b""

    def take_before_end(self) -> bytes:
        """As `take_rows`, with all that an answer to a query has before its rows."""
        return self._take_rows(0, _BEFORE_END) if self.data and self.data[0] in _BEFORE_END else b""

    def _take_rows(self, end: int, kinds: frozenset[int] = _ROWS) -> bytes:
        data, size = self.data, len(self.data)
        header_at, last = _HEADER_AT, size - _HEADER  # this is once a row
        while end <= last:
            kind, length = header_at(data, end)
            following = end + 1 + length
            if kind not in kinds or following > size:
                break
            end = following
        return self._take(end)

    def _take(self, end: int) -> bytes:
        taken = bytes(memoryview(self.data)[:end])
        del self.data[:end]
        if self._paused and len(self.data) <= _MOST:  # what comes next may come to nobody who waits for `more`
            self._read_on()
        return taken

    def _read_on(self) -> None:
        if self._paused and self._transport is not None:
            self._transport.resume_reading()
            self._paused = False
