"""Clients that are only there: what a thousand cost in memory, a storm of five hundred logins, and what it takes until
all of them have asked PostgreSQL something.

Memory is what Linux reckons to the gateway and its embedded PostgreSQL, pages that processes share divided among them
(PSS). The clients keep what hashing their one password gives, as five hundred clients elsewhere would have the
processors for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import psutil
from psycopg.conninfo import conninfo_to_dict

from benchmarks.gateway_process import BenchmarkError, GatewayProcess, gateway
from benchmarks.report import Floor, Section, Table
from benchmarks.setting import Setting
from gateway.relay.received import Received
from gateway.relay.server_login import Authentication, ServerTarget, connect, startup
from gateway.wire import frontend

_IDLE, _STORM = 1000, 500
_AT_ONCE = 16  # clients that log in, or ask, at a time, where it is no storm
_MEGABYTE = 1_000_000
_SETTLE = 2.0  # seconds
_T = TypeVar("_T")


def run(setting: Setting) -> Section:
    """Measure a gateway of its own, which nobody has asked anything."""
    with _fresh(setting) as running:
        return asyncio.run(_measured(running))


@contextmanager
def _fresh(setting: Setting) -> Iterator[GatewayProcess]:
    with TemporaryDirectory(prefix="lakegate-bench-") as directory:
        folder = Path(directory)
        folder.chmod(0o711)  # PostgreSQL does not run as root: its account must get through
        with gateway(setting.layout, directory=folder, server=f"max_connections = {_IDLE + _STORM + 100}") as running:
            yield running


async def _measured(running: GatewayProcess) -> Section:
    target = _target(running)
    first = [await _login(target)]  # what is made once is there now
    await _ask(*first[0])
    await asyncio.sleep(_SETTLE)
    before = _pss(running)
    started = time.perf_counter()
    clients = await _in_turn(_login(target) for _ in range(_IDLE))
    login_seconds = time.perf_counter() - started
    await asyncio.sleep(_SETTLE)
    idle = _pss(running) - before
    started = time.perf_counter()
    burst = await asyncio.wait_for(_storm(target, 0), 60)
    burst_seconds = time.perf_counter() - started
    for transport, _ in burst:
        transport.close()
    await asyncio.sleep(_SETTLE)
    started = time.perf_counter()
    storm = await asyncio.wait_for(_storm(target, 1), 60)
    storm_seconds = time.perf_counter() - started
    started = time.perf_counter()
    await _in_turn(_ask(*client) for client in clients)
    asking_seconds = time.perf_counter() - started
    for transport, _ in (*first, *clients, *storm):
        transport.close()
    lines = (
        (f"{_IDLE} idle clients, MB in all", f"{idle / _MEGABYTE:.0f}"),
        ("the gateway and its PostgreSQL before, MB", f"{before / _MEGABYTE:.0f}"),
        (f"logins in a second, {_AT_ONCE} at a time", f"{_IDLE / login_seconds:.0f}"),
        (f"{_STORM} clients that connect within a second, s until all are in", f"{storm_seconds:.2f}"),
        (f"{_STORM} clients that connect in the same moment, the same", f"{burst_seconds:.2f}"),
        (f"the first statement of {_IDLE} clients, a second, {_AT_ONCE} at a time", f"{_IDLE / asking_seconds:.0f}"),
    )
    floors = (
        Floor(f"memory of {_IDLE} idle clients", idle / _MEGABYTE, 150, "MB"),
        Floor(f"storm of {_STORM} logins", storm_seconds, 1.5, "s"),
    )
    data = {
        **{"idle": idle, "before": before, "login": login_seconds, "storm": storm_seconds},
        **{"burst": burst_seconds, "asking": asking_seconds},
    }
    return Section("Connections", (Table(("", "gateway"), lines),), floors, (), data)


def _target(running: GatewayProcess) -> ServerTarget:
    given = {name: str(value) for name, value in conninfo_to_dict(running.conninfo).items()}
    return ServerTarget(
        given["host"], int(given["port"]), given["dbname"], given["user"], given["password"], "disable", timeout=60
    )


_Client = tuple[asyncio.Transport, Received]


async def _login(target: ServerTarget) -> _Client:
    received = Received()
    transport = await connect(target, received)
    transport.write(startup(target, {}))
    authentication = Authentication(target)
    while (message := await _message(received))[:1] != b"Z":
        if message[:1] == b"R" and (answer := authentication.answer(message)):
            transport.write(answer)
        elif message[:1] == b"E":
            raise BenchmarkError(f"a client was refused: {message!r}")
    return transport, received


async def _ask(transport: asyncio.Transport, received: Received) -> None:
    transport.write(frontend.Query("select pg_backend_pid()").encode())
    while (message := await _message(received))[:1] != b"Z":
        if message[:1] == b"E":
            raise BenchmarkError(f"a statement failed: {message!r}")


async def _message(received: Received) -> bytes:
    while (message := received.take_message()) is None:
        if not await received.more():
            raise BenchmarkError("the gateway closed a connection")
    return message


async def _in_turn(work: Iterator[Awaitable[_T]]) -> list[_T]:
    results: list[_T] = []

    async def one_after_the_other() -> None:
        for each in work:
            results.append(await each)

    await asyncio.gather(*(one_after_the_other() for _ in range(_AT_ONCE)))
    return results


async def _storm(target: ServerTarget, seconds: float) -> list[_Client]:
    async def come(number: int) -> _Client:
        await asyncio.sleep(seconds * number / _STORM)
        return await _login(target)

    return await asyncio.gather(*(come(number) for number in range(_STORM)))


def _pss(running: GatewayProcess) -> int:
    """Return the bytes that the gateway and the processes it started take."""
    process = psutil.Process(running.process.pid)
    total = int(process.memory_full_info().pss)
    for child in process.children(recursive=True):
        try:
            total += int(child.memory_full_info().pss)
        except psutil.NoSuchProcess:
            continue
    return total
