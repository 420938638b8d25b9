"""The engine in worker processes: as many as were asked for, and one more that is ready to take the place of one that
ends.

A statement is sent to one worker, once. What ends with its worker is told so and may be run again by who asked for it:
nothing is run twice in silence.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any

import pyarrow as pa
import structlog

from catalog.errors import SqlError
from catalog.remote_logins import RemoteLogin
from catalog.scans import RemoteScan
from catalog.sqlstate import SqlState
from gateway.execute.port import EngineQuery, EngineSettings, Prepare, RunningStatement, explained
from gateway.execute.thread_work import in_thread
from gateway.execute.workers.channel import ChannelLost, Frame
from gateway.execute.workers.messages import KeepLogins, Kind, RemoteServer, Request, Setup, failure_of, pickled_apart
from gateway.execute.workers.process import Exchange, Reason, WorkerProcess, remove_left_over

_log = structlog.get_logger(__name__)
_SPARE = 1
_START_PATIENCE = 60.0  # seconds that a statement waits for a worker
_LAST_BREATH = 2.0  # seconds until it is known how a worker has ended
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.05, 5.0  # seconds before a worker is started in place of one that never was ready
_LOST_PAUSE = 0.01  # seconds until it is noticed that a worker is gone
_LAST_WORDS = 1.5  # seconds that workers have to leave by themselves
_HEAP = 4 << 30  # bytes that a worker may ask for beyond its limit: stacks of threads, what is reserved and not used
_AGAIN = "Run the statement again."


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How many workers, of how much memory each (bytes that are its own, without libraries), with which engine and
    which PostgreSQL sources. ``functions`` is how they reach the PostgreSQL that evaluates functions
    (`messages.Setup`).
    """

    count: int
    memory_limit: int
    engine: EngineSettings
    servers: Mapping[str, RemoteServer]
    functions: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What statements need and settings do not hold, as it is when a statement begins: the login of a role at a source,
    the secrets of masks, and the types that have functions which write them as JSON. ``failed`` is told of failures
    that a source has told.
    """

    login: Callable[[RemoteScan], RemoteLogin | None]
    masks: Callable[[], Mapping[str, bytes]]
    failed: Callable[[SqlError], None]
    json_types: Callable[[], tuple[pa.DataType, ...]] = tuple


class WorkerPool:
    """The engine's port over worker processes. Made and used in one event loop."""

    def __init__(self, settings: WorkerSettings, secrets: Secrets) -> None:
        self.settings = settings
        self._secrets = secrets
        self._numbers = itertools.count(1)
        self._statements = itertools.count(1)
        self._loop = asyncio.get_running_loop()
        self._workers: list[WorkerProcess] = []  # the oldest first: the last is the spare one
        self._retired: list[WorkerProcess] = []
        self._ready = asyncio.Event()
        self._pause = _SHORTEST_PAUSE
        self._closed = False
        self.threads = ThreadPoolExecutor(128, thread_name_prefix="engine")  # they wait for sources
        level = logging.getLevelName(logging.getLogger().getEffectiveLevel())
        heap = settings.memory_limit + _HEAP
        self._setup = Setup(settings.engine, settings.servers, level.lower(), heap, settings.functions)
        settings.engine.spill_directory.mkdir(parents=True, exist_ok=True)
        remove_left_over(settings.engine.spill_directory)
        self._fill()

    async def start(self, prepare: Prepare, parameters: Sequence[pa.Scalar] = ()) -> RunningStatement:
        """Send a query to a worker; see `EnginePort.start`."""
        context = structlog.contextvars.get_contextvars()
        number = next(self._statements)

        request: Sequence[bytes | memoryview] = ()

        def send(exchange: Exchange) -> None:
            nonlocal request
            request = request or pickled_apart(requested())
            exchange.send(request)

        def requested() -> Request:
            query = prepare()
            scans = ((name, scan) for name, scan in query.scans if isinstance(scan, RemoteScan))
            logins = {name: self._secrets.login(scan) for name, scan in scans}
            json_types = self._secrets.json_types() if query.calls else ()
            return Request(number, query, tuple(parameters), logins, self._secrets.masks(), context, json_types)

        while True:
            running = None
            try:
                worker = await self._worker()
                running = _Running(worker, worker.exchange(number), self._secrets.failed)
                await in_thread(self.threads, partial(send, running.exchange))
                await running.begin()
            except ChannelLost:  # the worker had gone before anything reached it
                await asyncio.sleep(_LOST_PAUSE)
                continue
            except BaseException:
                if running is not None:
                    await running.close()
                raise
            return running

    async def explain(self, query: EngineQuery, parameters: Sequence[pa.Scalar], analyze: bool) -> str:
        """Return the engine's own physical plan as text; with ``analyze`` it runs and carries metrics."""
        return await explained(self.start, query, parameters, analyze)

    def keep_logins(self, source: str, logins: Collection[RemoteLogin]) -> None:
        """Have all workers let go of connections with other logins than these. From any thread."""
        message = KeepLogins(source, tuple(logins))

        def tell() -> None:
            for worker in [*self._workers, *self._retired]:
                worker.tell(message)

        self._loop.call_soon_threadsafe(tell)

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that take statements; the spare one is not among them."""
        return tuple(worker.pid for worker in self._serving())

    @property
    def checks(self) -> Mapping[str, tuple[Callable[[], Awaitable[object]], bool]]:
        """Return ``engine``, one worker at least takes statements, and ``workers``, all that were asked for do."""
        return {
            "engine": (partial(self._check, 1), True),
            "workers": (partial(self._check, self.settings.count), False),
        }

    async def _check(self, fewest: int) -> None:
        serving = len(self._serving())
        if serving < fewest:
            raise ConnectionError(f"{serving} of {self.settings.count} worker processes are ready")

    def close(self) -> None:
        """End all workers. Waits for them, two seconds at the most."""
        self._closed = True
        workers = [worker for worker in [*self._workers, *self._retired] if not worker.gone.done()]
        for worker in workers:
            worker.stop()
        until = monotonic() + _LAST_WORDS
        for worker in workers:
            worker.wait_stopped(max(0.0, until - monotonic()))
        self.threads.shutdown(wait=False, cancel_futures=True)

    def _serving(self) -> list[WorkerProcess]:
        alive = [worker for worker in self._workers if worker.is_alive]
        return sorted(alive, key=lambda worker: worker.is_suspect)[: self.settings.count]

    async def _worker(self) -> WorkerProcess:
        """Return the worker with the least to do; wait for one where none is ready."""
        serving = self._serving()
        if not serving:
            try:
                async with asyncio.timeout(_START_PATIENCE):
                    while not serving:
                        self._ready.clear()
                        await self._ready.wait()
                        serving = self._serving()
            except TimeoutError:
                message = "no worker process of the engine is ready"
                raise SqlError(SqlState.CANNOT_CONNECT_NOW, message, hint=_AGAIN) from None
        return min(serving, key=lambda worker: (worker.is_suspect, len(worker.running)))

    def _fill(self) -> None:
        while not self._closed and len(self._workers) < self.settings.count + _SPARE:
            number = next(self._numbers)
            worker = WorkerProcess(number, self._setup, self.settings.memory_limit, self._changed)
            self._workers.append(worker)

    def _changed(self, worker: WorkerProcess) -> None:
        """Take note of a worker that is ready, is not to have more statements, or is gone."""
        if worker.is_alive:
            self._pause = _SHORTEST_PAUSE
            self._ready.set()
            return
        if worker in self._workers:
            self._workers.remove(worker)
            if worker.is_ready:
                self._fill()
            else:  # it never was: the next one may fare no better
                self._loop.call_later(self._pause, self._fill)
                self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            if not worker.gone.done():
                self._retired.append(worker)
                if len(self._retired) > self.settings.count:  # or cancelled statements would fill the machine
                    self._retired[0].end(Reason.CANCEL)
        elif worker in self._retired:
            self._retired.remove(worker)


@dataclass(eq=False, slots=True)
class _Running:
    """A statement in a worker."""

    _worker: WorkerProcess
    exchange: Exchange
    _failed: Callable[[SqlError], None]
    _schema: pa.Schema = field(default=None)
    _ready: list[pa.RecordBatch] | None = field(default=None)
    _requested: asyncio.Future[Frame] | None = field(default=None)
    _closed: bool = field(default=False)

    @property
    def schema(self) -> pa.Schema:
        """The schema that the plan promises; batches may have other layouts of the same types."""
        return self._schema

    @property
    def whole(self) -> Sequence[pa.RecordBatch] | None:
        """All batches of a statement that has ended by now."""
        return self._ready

    async def begin(self) -> None:
        """Wait until the statement is planned. Raises what it failed of."""
        frame = await self._frame(self.exchange.channel.request())
        if frame.kind is Kind.WHOLE:
            reader = pa.ipc.open_stream(frame.body)
            self._schema, self._ready = reader.schema, list(reader)
            self._worker.release(self.exchange)
        elif frame.kind is Kind.SCHEMA:
            self._schema = pa.ipc.read_schema(frame.body)
            self._requested = self.exchange.channel.request()
        else:
            self._end(frame)

    async def batches(self) -> AsyncIterator[pa.RecordBatch]:
        """Yield the record batches; one more is read while who takes them is busy with the last."""
        for batch in self._ready or ():
            yield batch
            if self._closed:
                return
        schema = self._schema
        while self._requested is not None:
            frame = await self._frame(self._requested)
            if frame.kind is Kind.END:
                self._requested = None
                self._end(frame)
                return
            self._requested = self.exchange.channel.request()
            if frame.kind is Kind.STREAM:
                reader = pa.ipc.open_stream(frame.body)
                schema = reader.schema
                yield reader.read_next_batch()
            else:
                yield pa.ipc.read_record_batch(frame.body, schema)
            if self._closed:
                return

    async def close(self) -> None:
        """Stop the work. The worker sees to it; nobody waits."""
        if not self._closed:
            self._closed = True
            self._requested = None
            self._worker.abandon(self.exchange)

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
