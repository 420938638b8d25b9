"""A statement of the engine's lane while it is executed: its batches encoded as DataRow blocks, ahead of the socket.

Encoding runs in threads, a few batches ahead, so that the engine, the encoder and the client's reading overlap; what is
ahead is bounded, so a client that reads slowly slows the engine and its sources.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from typing import Protocol

import pyarrow as pa

from gateway.execute.gathering import Gathering, together
from gateway.execute.port import Blocks, Encoder, Messages, RunningStatement
from gateway.lanes.cursor_rows import CursorRows, FetchedRows
from gateway.sql.cursor_statements import Fetch

_AHEAD = 1  # batches that wait encoded, or are being encoded, beyond the one being sent and the one handed over
_BLOCK_BYTES = 8 << 20  # of rows that are encoded together
_SMALL = 512  # rows below which handing a batch to a thread costs more than encoding it

MakeEncoder = Callable[[pa.Schema], Encoder]


class Client(Protocol):
    """Where rows go."""

    def write(self, data: bytes | memoryview) -> None:
        """Queue bytes of complete messages."""

    async def drain(self) -> None:
        """Wait until the client has read enough of what is queued."""


class ReadyRows:
    """A batch that is there."""

    messages: Messages | None = None

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.schema: pa.Schema = batch.schema
        self.whole: Sequence[pa.RecordBatch] | None = [batch]

    async def batches(self) -> AsyncIterator[pa.RecordBatch]:
        """Yield the batch."""
        for batch in self.whole or ():
            yield batch

    async def close(self) -> None:
        """Do nothing: nothing runs."""


def encoded_whole(running: RunningStatement, prepare: MakeEncoder) -> Blocks | None:
    """Return all rows of a statement that has ended already with few of them; None for any other."""
    if running.messages is not None:
        return running.messages.whole
    batches = running.whole
    if batches is None or sum(batch.num_rows for batch in batches) > _SMALL:
        return None
    encoder = prepare(batches[0].schema if batches else running.schema)
    rows, buffers = 0, []
    for batch in batches:  # of one partition or several, and so of one schema
        rows += batch.num_rows
        buffers += encoder.encode(batch)
    return rows, buffers


async def encoded(running: RunningStatement, prepare: MakeEncoder, threads: Executor) -> AsyncIterator[Blocks]:
    """Yield each batch's row count and DataRow blocks in order.

    As long as batches are small they are encoded here and now: most results are one such batch. The encoder is made
    while the engine works on it. Rows that the engine has made messages of are handed on.
    """
    if running.messages is not None:
        async for made in running.messages.blocks():
            yield made
            del made  # its memory may be what the next rows wait for
        return
    batches = running.batches()
    encoder = prepare(running.schema)
    async for batch in batches:
        if not encoder.fits(batch.schema):  # a plan may choose other layouts than the query promised
            encoder = prepare(batch.schema)
        if batch.num_rows > _SMALL:
            async with aclosing(_encoded_ahead(Gathering(batch, batches, _BLOCK_BYTES), encoder, threads)) as rest:
                async for blocks in rest:
                    yield blocks
            return
        yield _encode(encoder, [batch])


async def _encoded_ahead(gathering: Gathering, encoder: Encoder, threads: Executor) -> AsyncGenerator[Blocks, None]:
    ahead: asyncio.Queue[asyncio.Future[Blocks] | None] = asyncio.Queue(_AHEAD)
    producer = asyncio.create_task(_produce(gathering, encoder, threads, ahead))
    try:
        while (made := await ahead.get()) is not None:
            rows, buffers = await made
            gathering.note(rows, sum(map(len, buffers)))
            yield rows, buffers
        await producer  # raises what ended it early
    finally:
        producer.cancel()
        await asyncio.gather(producer, return_exceptions=True)
        await gathering.close()


async def _produce(
    gathering: Gathering, encoder: Encoder, threads: Executor, ahead: asyncio.Queue[asyncio.Future[Blocks] | None]
) -> None:
    loop = asyncio.get_running_loop()
    try:
        while batches := await gathering.take():
            if len(batches) > 1 or batches[0].num_rows > _SMALL:
                blocks = _in_thread(threads, encoder, batches)
            else:
                blocks = loop.create_future()
                blocks.set_result(_encode(encoder, batches))
            await ahead.put(blocks)
    except asyncio.CancelledError:
        raise  # nobody takes from the queue any more: to wait for room would be for ever
    except BaseException:
        await ahead.put(None)
        raise
    await ahead.put(None)


def _in_thread(threads: Executor, encoder: Encoder, batches: list[pa.RecordBatch]) -> asyncio.Future[Blocks]:
    blocks = asyncio.get_running_loop().run_in_executor(threads, _encode, encoder, batches)
    blocks.add_done_callback(_note_failure)
    return blocks


def _note_failure(blocks: asyncio.Future[Blocks]) -> None:
    """Take note of an error: behind an error before it nobody asks for it, and asyncio would log it with its trace."""
    if not blocks.cancelled():
        blocks.exception()


def _encode(encoder: Encoder, batches: list[pa.RecordBatch]) -> Blocks:
    batch = together(batches)
    return batch.num_rows, encoder.encode(batch)


async def write(blocks: Blocks, client: Client) -> int:
    """Send blocks; return how many rows they have."""
    rows, buffers = blocks
    for buffer in buffers:
        client.write(buffer)
        await client.drain()
    return rows


async def write_all(blocks: AsyncIterator[Blocks], client: Client) -> int:
    """Send all blocks; return how many rows they have."""
    sent = 0
    async with aclosing(blocks) as source:  # type: ignore[type-var]
        async for each in source:
            sent += await write(each, client)
    return sent


class RowSource:
    """The rows of a running statement in portions, for Execute with a row limit, FETCH and MOVE."""

    def __init__(self, running: RunningStatement, prepare: MakeEncoder, *, is_scroll: bool = False) -> None:
        self._prepare = prepare
        self._encoder: Encoder | None = None
        self.rows = CursorRows(running, is_scroll=is_scroll)

    @property
    def exhausted(self) -> bool:
        """Whether the end was reached."""
        return self.rows.at_end

    async def send(self, limit: int, client: Client) -> int:
        """Send at most ``limit`` rows (0: all); return how many. ``exhausted`` tells whether there are no more."""
        sent = 0
        async with aclosing(self.rows.forward(limit or None)) as batches:
            async for batch in batches:
                self._encoder = self._encoder or self._prepare(batch.schema)
                sent += await write(_encode(self._encoder, [batch]), client)
        return sent

    async def move(self, wanted: Fetch) -> int:
        """Move as a MOVE says; return how many rows a FETCH would have had."""
        return await self.rows.move(wanted)

    def fetched(self, wanted: Fetch) -> RunningStatement:
        """Return what a FETCH gives of them."""
        return FetchedRows(self.rows, wanted)

    def require_way(self, wanted: Fetch) -> None:
        """Raise SqlError 55000 where a FETCH would have to go back, and the cursor does not scroll."""
        self.rows.require_way(wanted)

    def hold(self) -> None:
        """Do nothing: the rows are read on when the transaction has ended."""

    async def close(self) -> None:
        """Stop the statement."""
        await self.rows.close()
