"""The engine in worker processes: as many as were asked for, and one more that is ready to take the place of one that
ends.

A statement is sent to one worker, once. What ends with its worker is told so and may be run again by who asked for it:
nothing is run twice in silence.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic
from typing import Any

import pyarrow as pa
import structlog

from catalog.errors import SqlError
from catalog.remote_logins import RemoteLogin
from catalog.scans import RemoteScan
from catalog.sqlstate import SqlState
from gateway.counts import CacheState
from gateway.execute.port import (
    EngineQuery,
    EngineSettings,
    MakeForm,
    Prepare,
    RunningStatement,
    batches_alone,
    explained,
)
from gateway.execute.thread_work import in_thread
from gateway.execute.workers.channel import ChannelLost
from gateway.execute.workers.messages import KeepLogins, RemoteServer, Request, Setup, pickled_apart
from gateway.execute.workers.parts import Numbers, Part, numbered_scans
from gateway.execute.workers.process import Exchange, Reason, WorkerProcess, remove_left_over
from gateway.execute.workers.statement import WorkerStatement

_log = structlog.get_logger(__name__)
_SPARE = 1
_START_PATIENCE = 60.0  # seconds that a statement waits for a worker
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
        self._numbers_of_parts = Numbers()
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

    async def start(
        self, prepare: Prepare, parameters: Sequence[pa.Scalar] = (), form: MakeForm = batches_alone
    ) -> RunningStatement:
        """Send a query to a worker; see `EnginePort.start`."""
        sender = _Sender(prepare, tuple(parameters), form, self._numbers_of_parts, self._secrets)
        while True:
            statement = None
            try:
                worker = await self._worker()
                statement = WorkerStatement(worker, worker.exchange(next(self._statements)), self._secrets.failed)
                await in_thread(self.threads, partial(sender.send, worker, statement.exchange))
                while not await statement.begin():
                    worker.sent.forget()
                    await in_thread(self.threads, partial(sender.send, worker, statement.exchange))
                worker.sent.note(sender.parts)
            except ChannelLost:  # the worker had gone before anything reached it
                await asyncio.sleep(_LOST_PAUSE)
                continue
            except BaseException:
                if statement is not None:
                    await statement.close()
                raise
            return statement

    def holds(self, query: EngineQuery) -> bool:
        """Return False: rows are in the workers' memory."""
        return False

    def is_at_hand(self, query: EngineQuery, parameters: Sequence[pa.Scalar]) -> bool:
        """Return False: a worker has to be asked."""
        return False

    def at_once(self, query: EngineQuery, parameters: Sequence[pa.Scalar]) -> RunningStatement | None:
        """Return None: a worker has to be asked."""
        return None

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
    def caches(self) -> Mapping[str, CacheState]:
        """Return nothing: what is kept is in the workers."""
        return {}

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


class _Sender:
    """Makes a statement's request, in a thread: what it asks once, what a worker lacks for each that it is sent to."""

    def __init__(
        self, prepare: Prepare, parameters: tuple[pa.Scalar, ...], form: MakeForm, numbers: Numbers, secrets: Secrets
    ) -> None:
        self._prepare = prepare
        self._parameters = parameters
        self._make_form = form
        self._numbers = numbers
        self._secrets = secrets
        self._context = structlog.contextvars.get_contextvars()
        self._request: Request | None = None
        self.parts: dict[int, Part] = {}

    def send(self, worker: WorkerProcess, exchange: Exchange) -> None:
        """Send the statement. Raises what its preparation fails of, and ChannelLost."""
        if self._request is None:
            self._request = self._made()
        request = replace(self._request, statement=exchange.number, parts=worker.sent.missing(self.parts))
        exchange.send(pickled_apart(request), is_brief=request.query.is_brief)

    def _made(self) -> Request:
        query = self._prepare()
        scans, self.parts = numbered_scans(query, self._numbers)
        form, number = self._make_form(), None
        if form is not None:
            number = self._numbers.number(form)
            self.parts[number] = form
        logins = {name: self._secrets.login(scan) for name, scan in query.scans if isinstance(scan, RemoteScan)}
        return Request(
            0,
            replace(query, scans=(), measured=None, rights=None),
            scans,
            {},
            number,
            self._parameters,
            logins,
            self._secrets.masks(),
            self._context,
            self._secrets.json_types() if query.calls else (),
        )
