"""The gateway's end of a channel: frames are read as they are asked for, one at a time, so a worker that is not asked
waits with a full socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gateway.execute.workers.messages import BUFFER_SIZE, HEADER, IN_SLOT, LAST, REQUEST_HEADER, Kind
from gateway.execute.workers.shared import SharedSlots

_KEPT = 32 << 20  # bytes for frames that are kept
_SMALL, _LARGE = 64 << 10, 8 << 20  # bytes of frames for which it pays
_UNUSED = 3  # references to memory: the list's, the loop's, and that of who counts
_KINDS = frozenset(kind.value for kind in Kind)
_CLOSED_LOOK = 500.0  # milliseconds between two looks at whether a socket without room was closed
_READ_AT_ONCE = 1 << 20  # bytes, before other sessions have their turn


_Bytes = np.ndarray[tuple[int], np.dtype[np.uint8]]


class ChannelLost(Exception):
    """The worker has closed its end: it is gone."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as it came; ``rows`` are those in a slot that it tells of, which is free when they are let go of."""

    kind: Kind
    body: pa.Buffer
    rows: memoryview | None = None

    def text(self) -> bytes:
        """Return the body of an END."""
        return bytes(self.body.to_pybytes())


class FrameMemory:
    """Memory for the frames of a worker, taken again once nobody has rows in it any more: new memory comes from the
    system page by page, which takes longer than to fill it. Belongs to the event loop.
    """

    def __init__(self) -> None:
        self._kept: list[_Bytes] = []

    def take(self, size: int) -> _Bytes:
        """Return memory for a frame."""
        if not _SMALL <= size <= _LARGE:
            return np.empty(size, np.uint8)
        unused = []
        for memory in self._kept:
            if sys.getrefcount(memory) == _UNUSED:
                if size <= len(memory) <= 4 * size:
                    return memory[:size]
                unused.append(memory)
        memory = np.empty(size + size // 8, np.uint8)
        if sum(map(len, self._kept)) + len(memory) > _KEPT:
            self._kept = [one for one in self._kept if all(one is not each for each in unused)]
        if sum(map(len, self._kept)) + len(memory) <= _KEPT:
            self._kept.append(memory)
        return memory[:size]


class Channel:
    """A socket to one thread of a worker. ``largest`` is how many bytes a frame may have, ``slots`` what both share."""

    def __init__(
        self, number: int, sock: socket.socket, largest: int, memory: FrameMemory, slots: SharedSlots | None
    ) -> None:
        self.number = number
        self.slots = slots
        self.at_rest = True  # all that was asked for was answered
        self._socket = sock
        self._largest = largest
        self._loop = asyncio.get_running_loop()
        self._frame: asyncio.Future[Frame] | None = None
        self._watched = False
        self._kind: Kind | None = None
        self._header = bytearray(HEADER.size)
        self._target = memoryview(self._header)
        self._body: _Bytes | None = None
        self._memory = memory

    def send(self, request: Sequence[bytes | memoryview]) -> None:
        """Send a request, as `messages.pickled_apart` gives it, in any thread. Blocks. Raises ChannelLost if nothing of
        it has reached the worker.
        """
        body, *buffers = request
        sizes = [BUFFER_SIZE.pack(len(buffer)) for buffer in buffers]
        data = memoryview(b"".join((REQUEST_HEADER.pack(len(body), len(buffers)), *sizes, body)))
        try:
            sent = self._send_some(data)
        except OSError:
            raise ChannelLost from None
        with contextlib.suppress(OSError):  # it may have read it all: who waits for the answer will be told
            for part in (data[sent:], *buffers):
                rest = memoryview(part)
                while rest:
                    rest = rest[self._send_some(rest) :]

    def _send_some(self, data: memoryview) -> int:
        """Send what there is room for, and wait until there is some: an event loop that has watched a socket leaves it
        as one that does not wait.
        """
        while True:
            try:
                return self._socket.send(data)
            except BlockingIOError:
                room = select.poll()
                with contextlib.suppress(ValueError):  # it was closed meanwhile, which the next attempt tells
                    room.register(self._socket, select.POLLOUT)
                    room.poll(_CLOSED_LOOK)

    def await_frame(self, patience: float) -> None:
        """Wait in a thread, for some seconds, until a frame begins to come: who reads it then need not be woken."""
        answer = select.poll()
        with contextlib.suppress(ValueError):  # it was closed meanwhile
            answer.register(self._socket, select.POLLIN)
            answer.poll(patience * 1000)

    def request(self) -> asyncio.Future[Frame]:
        """Begin to read the next frame; the last one must be there."""
        self._frame = self._loop.create_future()
        self._read()
        return self._frame

    def close(self) -> None:
        """Let go of the socket; who waits for a frame waits no longer."""
        self._unwatch()
        self._socket.close()
        if self.slots is not None:
            self.slots.close()
        self._settle_with(ChannelLost())

    def _read(self) -> None:
        """Read what is there, up to the end of the frame."""
        most = _READ_AT_ONCE
        try:
            while most > 0:
                count = self._socket.recv_into(self._target, 0, socket.MSG_DONTWAIT)
                if not count:
                    raise ConnectionError
                most -= count
                self._target = self._target[count:]
                if not self._target and self._is_complete():
                    return
        except BlockingIOError:
            pass
        except OSError:
            self._settle_with(ChannelLost())
            return
        self._watch()

    def _is_complete(self) -> bool:
        """Take the part that was read whole; say whether it was the last of the frame, which is handed over then."""
        if self._kind is None:
            kind, size = HEADER.unpack(self._header)
            if size > self._largest or kind not in _KINDS:
                self._settle_with(ChannelLost())
                return True
            self._kind = Kind(kind)
            self._body = self._memory.take(size)
            self._target = self._body.data
            if size:
                return False
        assert self._body is not None
        frame = self._taken(self._kind, pa.py_buffer(self._body))
        self._kind, self._body, self._target = None, None, memoryview(self._header)
        if frame is None:
            self._settle_with(ChannelLost())
            return True
        self._unwatch()
        self.at_rest = frame.kind in LAST
        if self._frame is not None and not self._frame.done():
            self._frame.set_result(frame)
        return True

    def _taken(self, kind: Kind, body: pa.Buffer) -> Frame | None:
        """Return a frame, None for one that no worker sends."""
        if kind is not Kind.SHARED:
            return Frame(kind, body)
        if self.slots is None or len(body) != IN_SLOT.size:
            return None
        _, slot, length = IN_SLOT.unpack(body)
        try:
            return Frame(kind, body, self.slots.take(slot, length))
        except ValueError:
            return None

    def _settle_with(self, failure: Exception) -> None:
        self._unwatch()
        if self._frame is not None and not self._frame.done():
            self._frame.set_exception(failure)
            self._frame.exception()  # it is told when somebody asks, and else not

    def _watch(self) -> None:
        if not self._watched:
            self._watched = True
            self._loop.add_reader(self._socket, self._read)

    def _unwatch(self) -> None:
        if self._watched:
            self._watched = False
            self._loop.remove_reader(self._socket)
