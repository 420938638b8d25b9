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

from gateway.values.rows import block_rows

_FEWEST: Final = 8192  # rows, as many as a batch of the engine has


class Gathering:
    """The batches of a statement from its ``first`` on. Reads those that follow ahead, not more than a block of them.
    ``most_bytes`` is what the rows of a block should have at the most, once they are encoded.
    """

    def __init__(self, first: pa.RecordBatch, following: AsyncIterator[pa.RecordBatch], most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._block_rows = block_rows(first.num_columns)
        self._most_rows = _FEWEST
        self._arrived: deque[pa.RecordBatch] = deque([first])
        self._rows = first.num_rows
        self._news, self._room = asyncio.Event(), asyncio.Event()
        self._reader = asyncio.create_task(self._read(following))
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
            self._most_rows = min(self._block_rows, max(_FEWEST, rows * self._most_bytes // size))

    async def take(self) -> list[pa.RecordBatch]:
        """Return the batches of the next block, which have one schema, or part of a large one; none at the end. Raises
        what reading them did, behind all that came before.
        """
        while not self._arrived:
            if self._reader.done():
                await self._reader
                return []
            self._news.clear()
            await self._news.wait()
        taken = [self._at_most_a_block()]
        rows, schema = taken[0].num_rows, taken[0].schema
        while self._arrived and rows + self._arrived[0].num_rows <= self._most_rows:
            if not self._arrived[0].schema.equals(schema):
                break
            rows += self._arrived[0].num_rows
            taken.append(self._arrived.popleft())
        self._rows -= rows
        self._room.set()
        return taken

    def _at_most_a_block(self) -> pa.RecordBatch:
        batch = self._arrived.popleft()
        most = self._most_rows
        if batch.num_rows > most:
            self._arrived.appendleft(batch.slice(most))
        return batch.slice(0, most)

    async def close(self) -> None:
        """Read no further."""
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)


def together(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    """Return the rows of batches of one schema as one batch."""
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)
