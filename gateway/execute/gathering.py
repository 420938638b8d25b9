"""A statement's batches as they come, several at a time where they come faster than they are taken.

To encode rows is a few calls for each column of a block. Each call gives other threads a turn, and for few rows that
takes longer than the call: so what has come meanwhile is encoded together.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

import pyarrow as pa

_FEWEST: Final = 8192  # rows, as many as a batch of the engine has
_MOST: Final = 16_384  # as many as encoders take at a time


class Gathering:
    """Reads batches ahead, not more than a block of them. ``most_bytes`` is what the rows of a block should have at the
    most, once they are encoded.
    """

    def __init__(self, batches: AsyncIterator[pa.RecordBatch], most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._most_rows = _FEWEST
        self._arrived: deque[pa.RecordBatch] = deque()
        self._rows = 0
        self._news, self._room = asyncio.Event(), asyncio.Event()
        self._reader = asyncio.create_task(self._read(batches))
        self._reader.add_done_callback(lambda _reader: self._news.set())

    async def _read(self, batches: AsyncIterator[pa.RecordBatch]) -> None:
        async for batch in batches:
            self._arrived.append(batch)
            self._rows += batch.num_rows
            self._news.set()
            while self._rows >= self._most_rows:
                self._room.clear()
                await self._room.wait()

    def note(self, rows: int, size: int) -> None:
        """Take note of how many bytes rows had when they were encoded."""
        if size:
            self._most_rows = min(_MOST, max(_FEWEST, rows * self._most_bytes // size))

    async def take(self) -> list[pa.RecordBatch]:
        """Return the batches of the next block, which have one schema; none at the end. Raises what reading them did,
        behind all that came before.
        """
        while not self._arrived:
            if self._reader.done():
                await self._reader
                return []
            self._news.clear()
            await self._news.wait()
        taken = [self._arrived.popleft()]
        rows, schema = taken[0].num_rows, taken[0].schema
        while self._arrived and rows + self._arrived[0].num_rows <= self._most_rows:
            if not self._arrived[0].schema.equals(schema):
                break
            rows += self._arrived[0].num_rows
            taken.append(self._arrived.popleft())
        self._rows -= rows
        self._room.set()
        return taken

    async def close(self) -> None:
        """Read no further."""
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)


def together(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    """Return the rows of batches of one schema as one batch."""
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)
