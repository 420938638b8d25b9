"""A worker's answers to one statement: what ends soon is sent by the thread that planned it, what takes longer by the
event loop, as fast as the gateway takes it.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import pyarrow as pa

from gateway.execute.engine import Running
from gateway.execute.gathering import Gathering, together
from gateway.execute.port import Encoder, Form
from gateway.execute.workers.frames import framed, in_slot, messages
from gateway.execute.workers.messages import Kind
from gateway.execute.workers.shared import SLOT_BYTES, SlotWriter

_BLOCK_BYTES = SLOT_BYTES * 3 // 4  # of rows that are encoded together, as far as that is known beforehand
_SMALL = 512  # rows below which handing a batch to a thread costs more than encoding it
_MOST_BUFFERS = 512  # of one call of the system
_AHEAD = 1  # blocks that are made beyond the one that is sent
_END_PATIENCE = 0.001  # seconds until few rows are sent without the end, if that is not known yet
_SLOT_PATIENCE = 0.1  # seconds until rows go over the socket, if the gateway has no slot to spare


class FormEncoder:
    """A form, and the encoder that was last made for it: mostly the next batches are alike. In any thread."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._last: Encoder | None = None

    def of(self, schema: pa.Schema) -> Encoder:
        """Return the encoder of batches of ``schema``. Raises SqlError."""
        last = self._last
        if last is None or not last.fits(schema):
            last = self._last = self._form.encoder(schema)
        return last


class Outgoing:
    """Sends frames from the event loop, as much as the gateway takes, and waits for it to take the rest."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._loop = asyncio.get_running_loop()

    async def send(self, buffers: Sequence[memoryview]) -> None:
        """Send a frame."""
        while buffers:
            try:
                sent = self._socket.sendmsg(buffers[:_MOST_BUFFERS], (), socket.MSG_DONTWAIT)
            except BlockingIOError:
                await self._writable()
                continue
            buffers = _without(buffers, sent)

    async def _writable(self) -> None:
        ready = self._loop.create_future()
        self._loop.add_writer(self._socket, _settle, ready)
        try:
            await ready
        finally:
            self._loop.remove_writer(self._socket)


def send_all(sock: socket.socket, buffers: Sequence[memoryview]) -> None:
    """Send a frame from a thread."""
    while buffers:
        buffers = _without(buffers, sock.sendmsg(buffers[:_MOST_BUFFERS]))


def whole_messages(running: Running, encoder: FormEncoder) -> list[memoryview]:
    """Return the frame of a statement that has ended. Raises SqlError."""
    rows = 0
    buffers: list[memoryview] = []
    if not running.ready:
        encoder.of(running.schema)  # it may have no messages at all
    for batch in running.ready:
        rows += batch.num_rows
        buffers += encoder.of(batch.schema).encode(batch)
    return messages(Kind.WHOLE_MESSAGES, rows, buffers)


@dataclass(frozen=True, slots=True)
class _Made:
    """A block of rows: in a slot, or in buffers."""

    rows: int
    buffers: list[memoryview]
    slot: int | None = None

    def frame(self) -> list[memoryview]:
        if self.slot is None:
            return messages(Kind.MESSAGES, self.rows, self.buffers)
        return in_slot(self.rows, self.slot, sum(map(len, self.buffers)))


class MessageSender:
    """Makes messages of a statement's batches in threads, a block ahead, and sends them in order."""

    def __init__(self, out: Outgoing, encoder: FormEncoder, slots: SlotWriter | None, threads: Executor) -> None:
        self._out = out
        self._encoder = encoder
        self._slots = slots
        self._threads = threads
        self._loop = asyncio.get_running_loop()
        self._under_way: deque[asyncio.Future[_Made]] = deque()

    async def send(self, running: Running) -> list[memoryview]:
        """Send all rows, and return the frame that is to follow. Raises SqlError, and what the engine fails of."""
        self._encoder.of(running.schema)  # while the engine works on its first batch
        batches = running.batches()
        batch = await anext(batches, None)
        if batch is not None and batch.num_rows <= _SMALL:
            following = asyncio.ensure_future(anext(batches, None))
            await asyncio.wait({following}, timeout=_END_PATIENCE)
            made = self._encoder.of(batch.schema).encode(batch)
            if following.done() and following.result() is None:  # as of most statements
                return messages(Kind.WHOLE_MESSAGES, batch.num_rows, made)
            await self._out.send(messages(Kind.MESSAGES, batch.num_rows, made))
            batch = await following
        if batch is not None:
            await self._send_blocks(batch, batches)
        return framed(Kind.END)

    async def _send_blocks(self, first: pa.RecordBatch, batches: AsyncIterator[pa.RecordBatch]) -> None:
        gathering = Gathering(first, batches, _BLOCK_BYTES)
        try:
            while block := await gathering.take():
                await self._make(block)
                await self._send_made(_AHEAD, gathering)
            await self._send_made(0, gathering)
        finally:
            await gathering.close()
            await self._drop()

    async def _make(self, block: list[pa.RecordBatch]) -> None:
        encoder = self._encoder.of(block[0].schema)
        rows = sum(batch.num_rows for batch in block)
        if rows <= _SMALL:
            made: asyncio.Future[_Made] = self._loop.create_future()
            made.set_result(_Made(rows, encoder.encode(together(block))))
        else:
            slot = None if self._slots is None else await self._slots.take(_SLOT_PATIENCE)
            made = self._loop.run_in_executor(self._threads, self._fill, encoder, block, slot)
        self._under_way.append(made)

    def _fill(self, encoder: Encoder, batches: list[pa.RecordBatch], slot: int | None) -> _Made:
        try:
            block = together(batches)
            buffers = encoder.encode(block)
            if self._slots is not None and slot is not None and self._slots.fill(slot, buffers):
                return _Made(block.num_rows, buffers, slot)
        except BaseException:
            self._give_back(slot)
            raise
        self._give_back(slot)
        return _Made(block.num_rows, buffers)

    def _give_back(self, slot: int | None) -> None:
        if self._slots is not None and slot is not None:
            self._slots.give_back(slot)

    async def _send_made(self, left: int, gathering: Gathering) -> None:
        """Send what is made until only so many blocks are left."""
        while len(self._under_way) > left:
            made = await asyncio.shield(self._under_way[0])
            self._under_way.popleft()
            gathering.note(made.rows, sum(map(len, made.buffers)))
            await self._out.send(made.frame())

    async def _drop(self) -> None:
        """Give back the slots of blocks that nobody will be told of, once no thread writes to them any more."""
        for made in await asyncio.gather(*self._under_way, return_exceptions=True):
            if isinstance(made, _Made):
                self._give_back(made.slot)
        self._under_way.clear()


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _without(buffers: Sequence[memoryview], sent: int) -> list[memoryview]:
    """Return what is left to send."""
    for number, buffer in enumerate(buffers):
        if sent < buffer.nbytes:
            return [buffer[sent:], *buffers[number + 1 :]]
        sent -= buffer.nbytes
    return []
