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
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pyarrow as pa
import structlog
from cachetools import LRUCache

from catalog.errors import SqlError
from catalog.scans import FileScan
from catalog.sqlstate import SqlState
from gateway.execute.engine import Engine, Running, told
from gateway.execute.errors import StatedError
from gateway.execute.opened import Opened
from gateway.execute.port import EngineQuery
from gateway.execute.workers.frames import BatchFrames, framed, stream, whole
from gateway.execute.workers.messages import (
    BUFFER_SIZE,
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
from gateway.execute.workers.parts import Kept, known_scans
from gateway.execute.workers.sending import FormEncoder, MessageSender, Outgoing, send_all, whole_messages
from gateway.execute.workers.shared import SlotWriter

_LAST_WORDS = 1.0  # seconds to tell sources that nobody waits any more
_KEPT_ENCODERS = 256
_CANCELED = SqlError(SqlState.QUERY_CANCELED, "canceling statement due to user request")


@dataclass(frozen=True, slots=True)
class _Channel:
    """Where statements come from, one at a time, and their rows go to."""

    number: int
    socket: socket.socket
    slots: SlotWriter | None


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
        self._parts = Kept()
        self._encoders: LRUCache[int, FormEncoder] = LRUCache(_KEPT_ENCODERS)  # by the number of the form
        self._lock = threading.Lock()  # of the encoders
        self._threads = ThreadPoolExecutor(max(2, os.cpu_count() or 1), thread_name_prefix="rows")

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
            message, descriptors, _, _ = socket.recv_fds(self._control, LARGEST_MESSAGE, 3)
        except BlockingIOError:
            return
        except OSError:
            message, descriptors = b"", []
        if not message:
            self._loop.remove_reader(self._control)
            self._left.set()
            return
        match unpickled(message):
            case OpenChannel(number, is_shared):
                slots = SlotWriter(*descriptors[1:]) if is_shared else None
                channel = _Channel(number, socket.socket(fileno=descriptors[0]), slots)
                threading.Thread(target=self._serve_channel, args=(channel,), daemon=True).start()
            case Cancel(number, cancelled):
                self._cancelled[number] = cancelled
                statement = self._statements.get(number)
                if statement is not None and statement.number == cancelled:
                    self._loop.create_task(_cancel(statement))
            case KeepLogins() as kept:
                self._loop.run_in_executor(None, self._services.keep_logins, kept)

    def _serve_channel(self, channel: _Channel) -> None:
        with channel.socket, contextlib.suppress(ConnectionError):
            while (request := _receive(channel.socket)) is not None:
                with structlog.contextvars.bound_contextvars(**request.context):
                    self._execute(channel, request)
        if channel.slots is not None:
            channel.slots.close()

    def _execute(self, channel: _Channel, request: Request) -> None:
        self._parts.keep(request.parts)
        scans = known_scans(request.scans, self._parts)
        encoder = None if request.form is None else self._encoder(request.form)
        if scans is None or (encoder is None and request.form is not None):
            send_all(channel.socket, framed(Kind.UNKNOWN))
            return
        statement = _Statement(request.statement, Opened(self._services.stated_error))
        self._statements[channel.number] = statement
        if self._cancelled.get(channel.number) == request.statement:
            statement.cancelled = True
            statement.opened.close()
        query = replace(request.query, scans=scans)
        self._services.prepare(request)
        try:
            answer = self._begin(query, request, statement, encoder)
        except BaseException as failure:  # whatever it is, who waits is told
            statement.opened.close()
            answer = framed(Kind.END, whole(_failure(failure, statement)))
        finally:
            self._services.forget(request)
        if isinstance(answer, Running):
            work = self._stream(channel, statement, answer, encoder)
            asyncio.run_coroutine_threadsafe(work, self._loop).result()
        else:
            send_all(channel.socket, answer)
        del self._statements[channel.number]

    def _begin(
        self, query: EngineQuery, request: Request, statement: _Statement, encoder: FormEncoder | None
    ) -> Running | list[memoryview]:
        """Plan a statement; return its whole answer where there is no more to do."""
        running = self._services.engine.begin(lambda: query, request.parameters, statement.opened)
        if not running.has_ended():
            return running
        if encoder is not None:
            answer = whole_messages(running, encoder)
        else:
            answer = framed(Kind.WHOLE, whole(stream(running.schema, running.ready)))
        statement.opened.close()
        return answer

    def _encoder(self, form: int) -> FormEncoder | None:
        with self._lock:
            known = self._encoders.get(form)
            if known is None:
                part = self._parts.get(form)
                if part is not None and not isinstance(part, FileScan):
                    known = self._encoders[form] = FormEncoder(part)
            return known

    async def _stream(
        self, channel: _Channel, statement: _Statement, running: Running, encoder: FormEncoder | None
    ) -> None:
        statement.running = running
        out = Outgoing(channel.socket)
        try:
            running.begin()
            if statement.cancelled:
                await running.close()
            if encoder is not None:
                end = await MessageSender(out, encoder, channel.slots, self._threads).send(running)
            else:
                end = await _send_batches(out, running)
            if statement.cancelled:
                raise asyncio.CancelledError
        except (Exception, asyncio.CancelledError) as failure:  # whatever it is, who waits is told
            end = framed(Kind.END, whole(_failure(failure, statement)))
        finally:
            await running.close()
        await out.send(end)


async def _send_batches(out: Outgoing, running: Running) -> list[memoryview]:
    await out.send(framed(Kind.SCHEMA, whole(running.schema.serialize())))
    frames = BatchFrames()
    async for batch in running.batches():
        await out.send(frames.of(batch))
    return framed(Kind.END)


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
