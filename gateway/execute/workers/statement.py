"""A statement that a worker runs, from the gateway's side: what comes of it, and why it ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.execute.port import Blocks, Messages
from gateway.execute.workers.channel import ChannelLost, Frame
from gateway.execute.workers.messages import ROWS, Kind, failure_of
from gateway.execute.workers.process import Exchange, Reason, WorkerProcess

_LAST_BREATH = 2.0  # seconds until it is known how a worker has ended
_AGAIN = "Run the statement again."
_NO_COLUMNS = pa.schema([])


@dataclass(eq=False, slots=True)
class WorkerStatement:
    """A statement in a worker. ``failed`` is told of failures that a source has told."""

    _worker: WorkerProcess
    exchange: Exchange
    _failed: Callable[[SqlError], None]
    _schema: pa.Schema = field(default=_NO_COLUMNS)
    _ready: list[pa.RecordBatch] | None = field(default=None)
    _made: _WorkerMessages | None = field(default=None)
    _requested: asyncio.Future[Frame] | None = field(default=None)
    _closed: bool = field(default=False)

    @property
    def messages(self) -> Messages | None:
        """The rows in the form that was asked for."""
        return self._made

    @property
    def schema(self) -> pa.Schema:
        """The schema that the plan promises; batches may have other layouts of the same types."""
        return self._schema

    @property
    def whole(self) -> Sequence[pa.RecordBatch] | None:
        """All batches of a statement that has ended by now."""
        return self._ready

    async def begin(self) -> bool:
        """Wait until the statement is planned; False where the worker lacks what it reads. Raises what it failed of."""
        frame = await self._frame(self.exchange.channel.request())
        match frame.kind:
            case Kind.UNKNOWN:
                return False
            case Kind.WHOLE:
                reader = pa.ipc.open_stream(frame.body)
                self._schema, self._ready = reader.schema, list(reader)
                self._worker.release(self.exchange)
            case Kind.SCHEMA:
                self._schema = pa.ipc.read_schema(frame.body)
                self._requested = self.exchange.channel.request()
            case Kind.WHOLE_MESSAGES:
                self._made = _WorkerMessages(self, None, self._block(frame))
                self._worker.release(self.exchange)
            case Kind.END:
                self._end(frame)
                self._made = _WorkerMessages(self, None, (0, ()))
            case _:
                self._made = _WorkerMessages(self, self._block(frame), None)
                self._requested = self.exchange.channel.request()
        return True

    async def batches(self) -> AsyncIterator[pa.RecordBatch]:
        """Yield the record batches; one more is read while who takes them is busy with the last."""
        for batch in self._ready or ():
            yield batch
            if self._closed:
                return
        schema = self._schema
        while (frame := await self._next()) is not None:
            if frame.kind is Kind.STREAM:
                reader = pa.ipc.open_stream(frame.body)
                schema = reader.schema
                yield reader.read_next_batch()
            else:
                yield pa.ipc.read_record_batch(frame.body, schema)
            if self._closed:
                return

    async def next_block(self) -> Blocks | None:
        """Return rows as they are to be sent, None when there are no more."""
        frame = await self._next()
        return None if frame is None or self._closed else self._block(frame)

    async def close(self) -> None:
        """Stop the work. The worker sees to it; nobody waits."""
        if not self._closed:
            self._closed = True
            self._requested = None
            if self._made is not None:
                self._made.first = None  # its memory is not to wait for a collector of garbage
            self._worker.abandon(self.exchange)

    async def _next(self) -> Frame | None:
        """Return the next frame and ask for one more, None at the end. Raises what the statement failed of."""
        if self._requested is None:
            return None
        frame = await self._frame(self._requested)
        if frame.kind is Kind.END:
            self._requested = None
            self._end(frame)
            return None
        if not self._closed:
            self._requested = self.exchange.channel.request()
        return frame

    def _block(self, frame: Frame) -> Blocks:
        """Return the rows of a frame of messages."""
        body = memoryview(frame.body)
        (rows,) = ROWS.unpack_from(body)
        if frame.rows is not None:
            return rows, [frame.rows]
        return rows, [body[ROWS.size :]] if len(body) > ROWS.size else []

    async def _frame(self, requested: asyncio.Future[Frame]) -> Frame:
        try:
            return await requested
        except ChannelLost:
            await asyncio.wait([self._worker.gone], timeout=_LAST_BREATH)
            self._worker.end(Reason.CRASH)  # if it is there yet it has said what no worker says
            raise _ended_with(self._worker, self.exchange) from None

    def _end(self, frame: Frame) -> None:
        self._worker.release(self.exchange)
        if not len(frame.body):
            return
        failure = failure_of(frame.text())
        if failure.error is None:
            raise RuntimeError(f"the engine failed in its worker process: {failure.text}")
        if failure.by_source:
            self._failed(failure.error)
        raise failure.error


@dataclass(eq=False, slots=True)
class _WorkerMessages:
    """The rows of a statement that its worker makes messages of."""

    _statement: WorkerStatement
    first: Blocks | None
    whole: Blocks | None

    async def blocks(self) -> AsyncIterator[Blocks]:
        """Yield the rows. A block's memory is free for others once nobody refers to it."""
        block, self.first = self.first or self.whole, None
        while block is not None:
            yield block
            block = None
            block = await self._statement.next_block()


def _ended_with(worker: WorkerProcess, exchange: Exchange) -> SqlError:
    """Return what is told of a statement that has ended with its worker."""
    if exchange.blamed:
        return SqlError(
            SqlState.OUT_OF_MEMORY,
            "out of memory",
            detail="The statement took its worker process beyond engine.worker_memory_limit.",
            hint="Raise engine.worker_memory_limit, or ask for fewer rows or groups at once.",
        )
    why = {
        Reason.MEMORY: "Another statement took all of its memory.",
        Reason.CANCEL: "Another statement, which was cancelled, did not end.",
        Reason.STOPPED: "It did not go on.",
        Reason.STOP: "The gateway stops.",
    }
    return SqlError(
        SqlState.CRASH_SHUTDOWN,
        "the worker process that ran the statement has ended",
        detail=why.get(worker.reason or Reason.CRASH, "It crashed, because of this statement or of another one."),
        hint=_AGAIN,
    )
