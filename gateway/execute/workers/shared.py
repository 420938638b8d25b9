"""Memory that the gateway and a worker share, for rows that are a client's messages already: the worker lays them
there, and the gateway sends them from there, so that nobody copies them in between.

A channel has a few slots. The worker takes one that is free; it is free again when nobody in the gateway refers to its
rows any more. One byte for each slot says so, and an event wakes a worker that waits. A slot is never needed: rows go
over the channel's socket where there is none.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import weakref
from collections.abc import Sequence
from functools import partial

import numpy as np

SLOTS = 4  # one is being sent, one was read ahead, two are being filled
SLOT_BYTES = 4 << 20
SMALLEST = 128 << 10  # bytes for which a slot pays: a connection holds back what is less, and the slot with it
_FLAGS_BYTES = mmap.PAGESIZE  # before the slots, a byte for each: 0 is free
_SIZE = _FLAGS_BYTES + SLOTS * SLOT_BYTES

Octets = np.ndarray[tuple[int], np.dtype[np.uint8]]


class SharedSlots:
    """The gateway's side. Its memory costs what was written to it, until `trim`."""

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("rows")
        os.ftruncate(self.descriptor, _SIZE)
        self.event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._memory = mmap.mmap(self.descriptor, _SIZE)
        self._octets: Octets = np.frombuffer(self._memory, np.uint8)
        self._held: dict[int, weakref.ref[Octets]] = {}
        self._is_used = False
        self._closed = False

    def take(self, slot: int, length: int) -> memoryview:
        """Return the rows in a slot; it is free when nothing refers to them. Raises ValueError for what is no slot."""
        if slot >= SLOTS or length > SLOT_BYTES or slot in self._held:
            raise ValueError(f"{length} bytes in slot {slot}")
        self._is_used = True
        start = _FLAGS_BYTES + slot * SLOT_BYTES
        rows = self._octets[start : start + length]
        self._held[slot] = weakref.ref(rows, partial(self._free, slot))
        return rows.data

    def trim(self) -> None:
        """Give the memory back to the system, where nobody refers to it."""
        if self._is_used and not self._held:
            self._is_used = False
            self._memory.madvise(mmap.MADV_REMOVE, _FLAGS_BYTES, _SIZE - _FLAGS_BYTES)

    def forget_descriptor(self) -> None:
        """Let go of the memory's descriptor once the worker has it: this process has it mapped."""
        os.close(self.descriptor)

    def close(self) -> None:
        """Let go of the event; the memory goes with the last rows that somebody refers to."""
        self._closed = True
        os.close(self.event)

    def _free(self, slot: int, _: object) -> None:
        del self._held[slot]
        self._octets[slot] = 0
        if not self._closed:
            os.eventfd_write(self.event, 1)


class SlotWriter:
    """The worker's side, for one statement at a time. `fill` and `give_back` may be called in any thread."""

    def __init__(self, descriptor: int, event: int) -> None:
        """Take charge of both descriptors."""
        self._octets: Octets = np.frombuffer(mmap.mmap(descriptor, _SIZE), np.uint8)
        os.close(descriptor)
        self._event = event

    async def take(self, patience: float) -> int | None:
        """Return a slot that was free, or becomes so within some seconds."""
        slot = self._find()
        if slot is None:
            await self._changed(patience)
            slot = self._find()
        if slot is not None:
            self._octets[slot] = 1
        return slot

    def fill(self, slot: int, buffers: Sequence[memoryview]) -> bool:
        """Lay buffers into a slot one after the other; False if they are too few or too many bytes."""
        length = sum(map(len, buffers))
        if not SMALLEST <= length <= SLOT_BYTES:
            return False
        at = _FLAGS_BYTES + slot * SLOT_BYTES
        for buffer in buffers:
            self._octets[at : at + len(buffer)] = np.frombuffer(buffer, np.uint8)
            at += len(buffer)
        return True

    def give_back(self, slot: int) -> None:
        """Make a slot free that the gateway was not told of."""
        self._octets[slot] = 0

    def close(self) -> None:
        """Let go of the event."""
        os.close(self._event)

    def _find(self) -> int | None:
        return next((slot for slot in range(SLOTS) if not self._octets[slot]), None)

    async def _changed(self, patience: float) -> None:
        """Wait until the gateway has made a slot free since this was asked last, or for so long."""
        loop = asyncio.get_running_loop()
        freed = asyncio.Event()
        loop.add_reader(self._event, freed.set)
        try:
            async with asyncio.timeout(patience):
                await freed.wait()
        except TimeoutError:
            return
        finally:
            loop.remove_reader(self._event)
        os.eventfd_read(self._event)
