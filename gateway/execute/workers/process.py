"""One worker process from the gateway's side: it is started, watched and ended here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from time import monotonic

import structlog

from gateway.execute.workers.channel import Channel, ChannelLost, FrameMemory
from gateway.execute.workers.messages import READY, Cancel, OpenChannel, Setup, pickled
from gateway.execute.workers.parts import Sent
from gateway.execute.workers.proc import ProcessFigures, has_endless_work
from gateway.execute.workers.shared import SharedSlots

_log = structlog.get_logger(__name__)
_LOOK = 0.02  # seconds between two looks at the memory of a worker that works; it grows by 2 GB a second at the most
_IDLE_LOOK = 1.0
_STOPPED_PATIENCE = 2.0  # seconds that a worker may be stopped (SIGSTOP)
_CANCEL_PATIENCE = 1.0  # seconds that a statement may take to end when it was cancelled
_BURN_LOOK = 0.6  # seconds that a worker may compute without a pause for a statement that has ended
_TOO_FULL = 0.75  # of its limit, for a worker that does nothing
_SEND_BUFFER = 4 << 20  # bytes of rows that may wait in a channel: a batch, so that it is sent at once
_CHANNELS_WITH_SLOTS = 32  # of one worker
_PATIENCE, _BRIEF_PATIENCE = 0.002, 0.02  # seconds that a thread waits for the answer to any statement, to a brief one
_SAID = 2000  # bytes of what it wrote last that are looked at


class Reason(Enum):
    """Why a worker has ended."""

    STOP = "the gateway stops"
    CRASH = "crashed"
    MEMORY = "memory limit"
    CANCEL = "a cancelled statement went on"
    STOPPED = "did not go on"
    RETIRED = "retired"


@dataclass(eq=False, slots=True)
class Exchange:
    """A statement that a worker runs. ``memory`` is what the worker used when it began, ``blamed`` says that it may be
    what the worker ended of.
    """

    number: int
    channel: Channel
    memory: int
    blamed: bool = field(default=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _sent: bool = field(default=False)
    _given_up: bool = field(default=False)

    def send(self, request: Sequence[bytes | memoryview], *, is_brief: bool) -> None:
        """Send the statement, in any thread, if somebody still waits for it. Raises ChannelLost if nothing of it has
        reached the worker. An answer that comes soon is waited for, but not read.
        """
        with self._lock:
            if self._given_up:
                return
            self._sent, self.channel.at_rest = True, False
        self.channel.send(request)
        self.channel.await_frame(_BRIEF_PATIENCE if is_brief else _PATIENCE)

    def give_up(self) -> bool:
        """Say whether it was not sent, and never will be."""
        with self._lock:
            self._given_up = not self._sent
            return self._given_up


class WorkerProcess:
    """A process and its channels. ``ended`` is called once, when it is gone; all methods belong to the event loop."""

    def __init__(self, number: int, setup: Setup, memory_limit: int, ended: Callable[[WorkerProcess], None]) -> None:
        self.running: set[Exchange] = set()
        self.reason: Reason | None = None
        self.is_ready = False
        self.sent = Sent()
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._memory_limit = memory_limit
        self._tell = ended
        self._loop = asyncio.get_running_loop()
        self._channels: list[Channel] = []  # those without a statement
        self._opened: list[Channel] = []
        self._frames = FrameMemory()
        self._begun = monotonic()
        self._stopped_at: float | None = None
        self._is_clean = False
        self._seen_off = 0  # statements that were cancelled and may still be computed
        self._spill = setup.settings.spill_directory / f"worker-{os.getpid()}-{number}"
        self._stderr = os.memfd_create("stderr")
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = _spawn(theirs, self._stderr)
        self.pid = self._process.pid
        self._figures = ProcessFigures(self.pid)
        self._memory = 0
        self._looked = 0.0
        self._look: asyncio.TimerHandle | None = None
        self._control.setblocking(False)
        self._control.send(pickled(replace(setup, settings=replace(setup.settings, spill_directory=self._spill))))
        self._loop.add_reader(self._control, self._hear)
        self._tasks: set[asyncio.Task[None]] = set()
        self._look_again(_IDLE_LOOK)

    @property
    def is_suspect(self) -> bool:
        """Whether it may still compute for a statement that was cancelled."""
        return self._seen_off > 0

    @property
    def is_alive(self) -> bool:
        """Whether it may be given statements."""
        return self.reason is None and self.is_ready

    def exchange(self, number: int) -> Exchange:
        """Return what a statement is sent with; it is to be released or abandoned. Raises ChannelLost."""
        channel = self._channels.pop() if self._channels else self._open_channel()
        if not self.running and monotonic() - self._looked > _LOOK:
            self._looked = monotonic()
            with contextlib.suppress(OSError):
                self._memory = self._figures.memory()
            self._look_again(_LOOK)
        exchange = Exchange(number, channel, self._memory)
        self.running.add(exchange)
        return exchange

    def release(self, exchange: Exchange) -> None:
        """Take back the channel of a statement that has ended."""
        if exchange in self.running:
            self.running.discard(exchange)
            if self.reason is None:
                self._channels.append(exchange.channel)
            elif self.reason is Reason.RETIRED and not self.running:
                self._kill()

    def abandon(self, exchange: Exchange) -> None:
        """Let go of a statement, and stop it if it was sent. If it does not end, the worker does."""
        if exchange not in self.running:
            return
        if exchange.give_up() or exchange.channel.at_rest:
            self.release(exchange)
        elif not self.gone.done():
            self.tell(Cancel(exchange.channel.number, exchange.number))
            self._run(self._see_off(exchange))

    def tell(self, message: object) -> None:
        """Send a message on the control socket."""
        with contextlib.suppress(OSError):  # it is gone, or stopped: that is noticed elsewhere
            self._control.send(pickled(message))

    def end(self, reason: Reason) -> None:
        """End the process now; what it runs ends with it."""
        if self.reason in (None, Reason.RETIRED) and not self.gone.done():
            self.reason = reason
            self._kill()

    def retire(self) -> None:
        """Give it no more statements, and end it with the last of them."""
        if self.reason is None:
            self.reason = Reason.RETIRED
            self._tell(self)
            if not self.running:
                self._kill()

    def stop(self) -> None:
        """Have the worker leave by itself: its sources are told to stop first."""
        self.reason = self.reason or Reason.STOP
        self._loop.remove_reader(self._control)
        self._control.close()

    def wait_stopped(self, patience: float) -> None:
        """Wait for a worker that was told to stop, and kill it if it takes longer, in seconds. Blocks."""
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._clean_up()

    def _open_channel(self) -> Channel:
        ours, theirs = socket.socketpair()
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        number = len(self._opened) + 1
        slots = SharedSlots() if number <= _CHANNELS_WITH_SLOTS else None
        descriptors = [theirs.fileno()] if slots is None else [theirs.fileno(), slots.descriptor, slots.event]
        with theirs:
            channel = Channel(number, ours, self._memory_limit, self._frames, slots)
            try:
                socket.send_fds(self._control, [pickled(OpenChannel(number, slots is not None))], descriptors)
            except OSError:
                channel.close()
                raise ChannelLost from None
            finally:
                if slots is not None:
                    slots.forget_descriptor()
        self._opened.append(channel)
        return channel

    def _hear(self) -> None:
        try:
            message = self._control.recv(64)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if message == READY:
            self.is_ready = True
            _log.info("worker started", pid=self.pid, milliseconds=round((monotonic() - self._begun) * 1000))
            self._tell(self)
        elif not self.gone.done():
            self._loop.remove_reader(self._control)
            self._run(self._see_end())

    async def _see_end(self) -> None:
        """Find out why the worker is gone, tell, and let go of what it had."""
        try:
            code = await self._loop.run_in_executor(None, self._process.wait, 1.0)
        except subprocess.TimeoutExpired:  # it has let go of its socket and lives on
            self._process.kill()
            code = await self._loop.run_in_executor(None, self._process.wait)
        said = self._said()
        if self.reason is None:
            self.reason = Reason.MEMORY if "memory allocation of" in said else Reason.CRASH
        if self.reason is Reason.MEMORY:
            self._blame()
        _log.log(
            logging.INFO if self.reason in (Reason.STOP, Reason.RETIRED) else logging.WARNING,
            "worker ended",
            pid=self.pid,
            reason=self.reason.value,
            exit_code=code,
            statements=len(self.running),
            memory=self._memory,
        )
        if said:
            _log.debug("worker said", pid=self.pid, text=said)
        self.gone.set_result(None)
        self._clean_up()
        self._tell(self)

    def _kill(self) -> None:
        self._process.kill()

    def _run(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)  # the loop itself keeps none
        task.add_done_callback(self._tasks.discard)

    def _said(self) -> str:
        size = os.fstat(self._stderr).st_size
        return os.pread(self._stderr, _SAID, max(0, size - _SAID)).decode(errors="replace")

    def _clean_up(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None
        if self._is_clean:
            return
        self._is_clean = True
        self._figures.close()
        os.close(self._stderr)
        for channel in self._opened:
            channel.close()
        self._control.close()
        shutil.rmtree(self._spill, ignore_errors=True)

    def _look_again(self, seconds: float) -> None:
        if self._look is not None:
            self._look.cancel()
        self._look = self._loop.call_later(seconds, self._look_at)

    def _look_at(self) -> None:
        """Look at the worker's memory, and whether it goes on at all."""
        self._looked = monotonic()
        try:
            self._memory = self._figures.memory()
            stopped = self._figures.is_stopped()
        except OSError:
            self._look = None
            return  # it is gone, which its socket tells
        if self._memory > self._memory_limit:
            self.end(Reason.MEMORY)
        elif not self.running:
            for channel in self._channels:
                if channel.slots is not None:
                    channel.slots.trim()
            if self._memory > _TOO_FULL * self._memory_limit:
                self.retire()  # or the next statement would be blamed for what others have left
        if not stopped:
            self._stopped_at = None
        elif self._stopped_at is None:
            self._stopped_at = monotonic()
        elif monotonic() - self._stopped_at > _STOPPED_PATIENCE:
            self.end(Reason.STOPPED)
        self._look_again(_LOOK if self.running else _IDLE_LOOK)

    def _blame(self) -> None:
        """Find the statements that may have taken the memory: while they ran the worker grew by about as much as it
        did while any of them ran.
        """
        growth = {exchange: self._memory - exchange.memory for exchange in self.running}
        most = max(growth.values(), default=0)
        for exchange, grown in growth.items():
            exchange.blamed = grown * 2 >= most

    async def _see_off(self, exchange: Exchange) -> None:
        """Wait for the end of a cancelled statement; end the worker where it computes on."""
        self._seen_off += 1
        try:
            await self._see_whether_it_ends(exchange)
        finally:
            self._seen_off -= 1

    async def _see_whether_it_ends(self, exchange: Exchange) -> None:
        try:
            async with asyncio.timeout(_CANCEL_PATIENCE):
                while not exchange.channel.at_rest:
                    await exchange.channel.request()
        except ChannelLost:
            return
        except TimeoutError:
            if self.running == {exchange}:
                self.end(Reason.CANCEL)
            else:
                self.running.discard(exchange)
                self.retire()
            return
        self.release(exchange)
        if await self._goes_on():
            if self.running:
                self.retire()
            else:
                self.end(Reason.CANCEL)

    async def _goes_on(self) -> bool:
        """Say whether something computes in the worker as what heeds no cancel does: without a pause. Where other
        statements run it may be one of them.
        """
        try:
            before = await self._loop.run_in_executor(None, self._figures.threads)
            await asyncio.sleep(_BURN_LOOK)
            after = await self._loop.run_in_executor(None, self._figures.threads)
        except OSError:
            return False
        return not self.gone.done() and has_endless_work(before, after)


def _spawn(control: socket.socket, stderr: int) -> subprocess.Popen[bytes]:
    """Start the program. Its own words go to a file in memory: what native code says there tells of a crash."""
    log = os.dup(2)  # the gateway's standard error is the log of both
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "gateway.engine_worker", str(control.fileno()), str(log), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stderr=stderr,
            pass_fds=(control.fileno(), log),
        )
    finally:
        os.close(log)


def remove_left_over(spill_directory: Path) -> None:
    """Remove the spill folders of workers whose gateway is gone."""
    for folder in spill_directory.glob("worker-*-*"):
        owner = folder.name.split("-")[1]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(folder, ignore_errors=True)
