"""A worker's own side: statements come from the gateway's channels, each has a thread, and frames go back.

A statement that is over when it is planned is answered by the thread that planned it. What takes longer is streamed by
the event loop, where it can be broken off.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import structlog

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.execute.engine import Engine, Opened, Running, told
from gateway.execute.errors import StatedError
from gateway.execute.workers.messages import (
    BUFFER_SIZE,
    HEADER,
    LARGEST_MESSAGE,
    READY,
    REQUEST_HEADER,
    Cancel,
    Failure,
    KeepLogins,
    Kind,
    OpenChannel,
    Request,
    failure_bytes,
    unpickled,
)

_OWNED = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
_FEW_BYTES = 32  # a value, below which all is sent that its views are of
_WORDS_OF_VIEW = 4  # the first is the length
_MOST_BYTES = 1 << 30  # offsets have 32 bits
_LAST_WORDS = 1.0  # seconds to tell sources that nobody waits any more
_CANCELED = SqlError(SqlState.QUERY_CANCELED, "canceling statement due to user request")


@dataclass(slots=True)
class _Statement:
    """A statement of a channel. ``running`` is there once it is streamed."""

    number: int
    opened: Opened
    running: Running | None = None
    cancelled: bool = field(default=False)


@dataclass(frozen=True, slots=True)
class WorkerServices:
    """What a worker does statements with. ``prepare`` makes known what comes with a request, ``forget`` ends that."""

    engine: Engine
    stated_error: StatedError
    prepare: Callable[[Request], None]
    forget: Callable[[Request], None]
    keep_logins: Callable[[KeepLogins], None]


class Worker:
    """Serves the gateway at the other end of a control socket until that closes it."""

    def __init__(self, services: WorkerServices, control: socket.socket) -> None:
        self._services = services
        self._control = control
        self._statements: dict[int, _Statement] = {}  # by channel
        self._cancelled: dict[int, int] = {}  # by channel, the statement that was cancelled last: it may come yet
        self._loop = asyncio.get_running_loop()
        self._left = asyncio.Event()

    async def serve(self) -> None:
        """Take messages until the gateway is gone; then have the sources stop."""
        self._control.setblocking(False)
        self._loop.add_reader(self._control, self._take)
        self._control.send(READY)
        await self._left.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                closing = (self._loop.run_in_executor(None, each.opened.close) for each in self._statements.values())
                await asyncio.gather(*closing)

    def _take(self) -> None:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, LARGEST_MESSAGE, 1)
        except BlockingIOError:
            return
        except OSError:
            message, descriptors = b"", []
        if not message:
            self._loop.remove_reader(self._control)
            self._left.set()
            return
        match unpickled(message):
            case OpenChannel(channel):
                sock = socket.socket(fileno=descriptors[0])
                threading.Thread(target=self._serve_channel, args=(channel, sock), daemon=True).start()
            case Cancel(channel, number):
                self._cancelled[channel] = number
                statement = self._statements.get(channel)
                if statement is not None and statement.number == number:
                    self._loop.create_task(_cancel(statement))
            case KeepLogins() as kept:
                self._loop.run_in_executor(None, self._services.keep_logins, kept)

    def _serve_channel(self, channel: int, sock: socket.socket) -> None:
        with sock, contextlib.suppress(ConnectionError):
            while (request := _receive(sock)) is not None:
                with structlog.contextvars.bound_contextvars(**request.context):
                    self._execute(channel, sock, request)

    def _execute(self, channel: int, sock: socket.socket, request: Request) -> None:
        statement = _Statement(request.statement, Opened(self._services.stated_error))
        self._statements[channel] = statement
        if self._cancelled.get(channel) == request.statement:
            statement.cancelled = True
            statement.opened.close()
        self._services.prepare(request)
        try:
            running = self._services.engine.begin(lambda: request.query, request.parameters, statement.opened)
            if running.has_ended():
                answer = _framed(Kind.WHOLE, _whole(_stream(running.schema, running.ready)))
                statement.opened.close()
            else:
                answer = None
        except BaseException as failure:  # whatever it is, who waits is told
            statement.opened.close()
            answer = _framed(Kind.END, _whole(_failure(failure, statement)))
        finally:
            self._services.forget(request)
        if answer is None:
            asyncio.run_coroutine_threadsafe(self._stream(sock, statement, running), self._loop).result()
        else:
            _send_all(sock, answer)
        del self._statements[channel]

    async def _stream(self, sock: socket.socket, statement: _Statement, running: Running) -> None:
        statement.running = running
        end = b""
        try:
            running.begin()
            if statement.cancelled:
                await running.close()
            await self._send(sock, _framed(Kind.SCHEMA, _whole(running.schema.serialize())))
            frames = _BatchFrames()
            async for batch in running.batches():
                await self._send(sock, frames.of(batch))
        except asyncio.CancelledError as failure:
            end = _failure(failure, statement)
        except Exception as failure:  # whatever it is, who waits is told
            end = _failure(failure, statement)
        finally:
            await running.close()
        if statement.cancelled and not end:
            end = _failure(asyncio.CancelledError(), statement)
        await self._send(sock, _framed(Kind.END, _whole(end)))

    async def _send(self, sock: socket.socket, buffers: list[memoryview]) -> None:
        """Send as much as the gateway takes, and wait for it to take the rest."""
        while buffers:
            try:
                sent = sock.sendmsg(buffers, (), socket.MSG_DONTWAIT)
            except BlockingIOError:
                await self._writable(sock)
                continue
            buffers = _without(buffers, sent)

    async def _writable(self, sock: socket.socket) -> None:
        ready = self._loop.create_future()
        self._loop.add_writer(sock, _settle, ready)
        try:
            await ready
        finally:
            self._loop.remove_writer(sock)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def _cancel(statement: _Statement) -> None:
    statement.cancelled = True
    if statement.running is not None:
        await statement.running.close()
    else:
        await asyncio.get_running_loop().run_in_executor(None, statement.opened.close)


def _receive(sock: socket.socket) -> Request | None:
    """Return the next request of a channel, None when there will be no more."""
    sock.setblocking(True)  # an event loop that has watched it has changed that
    header = sock.recv(REQUEST_HEADER.size, socket.MSG_WAITALL)
    if len(header) < REQUEST_HEADER.size:
        return None
    size, count = REQUEST_HEADER.unpack(header)
    sizes = memoryview(bytearray(count * BUFFER_SIZE.size))
    body = memoryview(bytearray(size))
    if not (_fill(sock, sizes) and _fill(sock, body)):
        return None
    lengths = BUFFER_SIZE.iter_unpack(sizes)
    buffers = [pa.allocate_buffer(length) for (length,) in lengths]  # aligned, as the engine wants them
    if not all(_fill(sock, memoryview(buffer)) for buffer in buffers):
        return None
    request: Request = unpickled(body, buffers)
    return request


def _fill(sock: socket.socket, target: memoryview) -> bool:
    """Read as much as there is room for; False where the gateway has gone before."""
    while target:
        count = sock.recv_into(target)
        if not count:
            return False
        target = target[count:]
    return True


class _Pieces:
    """A file that keeps what is written to it, without a copy."""

    closed = False

    def __init__(self) -> None:
        self.views: list[memoryview] = []

    def write(self, data: pa.Buffer | bytes) -> int:
        """Keep a part."""
        view = memoryview(data)
        if view.nbytes:
            self.views.append(view)
        return view.nbytes

    def take(self) -> list[memoryview]:
        """Return what was written since this was called last."""
        views, self.views = self.views, []
        return views

    def flush(self) -> None:
        """Do nothing: there is nothing behind it."""


class _BatchFrames:
    """Frames of the batches of a statement. A new stream is begun where the schema changes, and for each batch with
    dictionaries: one that was sent before would not be sent again.
    """

    def __init__(self) -> None:
        self._schema: pa.Schema | None = None
        self._pieces = _Pieces()
        self._writer: Any = None
        self._has_dictionaries = False

    def of(self, batch: pa.RecordBatch) -> list[memoryview]:
        """Return the frame of a batch: its metadata and its very buffers."""
        kind, batch = Kind.BATCH, _without_rest(batch)
        if self._schema is None or self._has_dictionaries or not batch.schema.equals(self._schema):
            self._has_dictionaries = any(_has_dictionary(each.type) for each in batch.schema)
            self._schema, kind = batch.schema, Kind.STREAM
            self._writer = pa.ipc.new_stream(pa.PythonFile(self._pieces, "w"), batch.schema)
        self._writer.write_batch(batch)
        return _framed(kind, self._pieces.take())


def _framed(kind: Kind, parts: list[memoryview]) -> list[memoryview]:
    return [memoryview(HEADER.pack(kind, sum(part.nbytes for part in parts))), *parts]


def _without_rest(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch whose texts have memory of their own where they need little of what they are views of: of pages of
    a file, say, each of which would be sent whole with each batch.
    """
    given = batch.columns
    columns = [_own(column) for column in given]
    if all(one is other for one, other in zip(columns, given, strict=True)):
        return batch
    fields = [each.with_type(column.type) for each, column in zip(batch.schema, columns, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))


def _own(column: pa.Array) -> pa.Array:
    owned = _OWNED.get(column.type)
    if owned is None:
        return column
    _, views, *data = column.buffers()
    behind = sum(buffer.size for buffer in data)
    if behind <= _FEW_BYTES * len(column):
        return column
    lengths = np.frombuffer(views, np.int32)[4 * column.offset :: _WORDS_OF_VIEW][: len(column)]
    needed = int(lengths.sum(dtype=np.int64))  # of NULLs, too, whatever theirs are: it need not be exact
    return column.cast(owned) if 0 <= 2 * needed < behind and needed < _MOST_BYTES else column


def _has_dictionary(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return True
    return any(_has_dictionary(kind.field(number).type) for number in range(kind.num_fields))


def _whole(data: pa.Buffer | bytes) -> list[memoryview]:
    return [memoryview(data)] if len(data) else []


def _stream(promised: pa.Schema, batches: Sequence[pa.RecordBatch]) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batches[0].schema if batches else promised) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue()


def _send_all(sock: socket.socket, buffers: list[memoryview]) -> None:
    while buffers:
        buffers = _without(buffers, sock.sendmsg(buffers))


def _without(buffers: list[memoryview], sent: int) -> list[memoryview]:
    """Return what is left to send."""
    for number, buffer in enumerate(buffers):
        if sent < buffer.nbytes:
            return [buffer[sent:], *buffers[number + 1 :]]
        sent -= buffer.nbytes
    return []


def _failure(failure: BaseException, statement: _Statement) -> bytes:
    if statement.cancelled or isinstance(failure, asyncio.CancelledError):
        return failure_bytes(Failure(_CANCELED))
    known = told(failure, statement.opened)
    by_source = statement.opened.failure is not None
    if isinstance(known, MemoryError | pa.ArrowMemoryError):
        known = SqlError(
            SqlState.OUT_OF_MEMORY,
            "out of memory",
            hint="Raise engine.worker_memory_limit, or ask for fewer rows or groups at once.",
        )
    if isinstance(known, SqlError):
        return failure_bytes(Failure(known, by_source=by_source))
    return failure_bytes(Failure(None, f"{type(known).__name__}: {known}"))


def end_process() -> None:
    """Leave at once: threads of the engine that do not heed a cancel keep nobody waiting."""
    os._exit(0)
