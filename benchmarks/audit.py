"""What the audit adds to small statements in each of its modes: a gateway for each, asked in turn."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import psycopg
from psycopg import pq

from benchmarks.gateway_process import BenchmarkError, GatewayProcess, gateway
from benchmarks.measure import Timings, in_turn
from benchmarks.report import Floor, Section, Table, spread
from benchmarks.setting import Setting

_MODES = {
    "off": 'mode = "off"',
    "journal, os": 'mode = "journal"\nfsync = "os"',
    "journal, group": 'mode = "journal"\nfsync = "group"',
    "synchronous": 'mode = "synchronous"',
}
_DEFAULT = "journal, os"
_STATEMENTS = {
    "select 1": "select 1",
    "point query": "SELECT * FROM sales.orders WHERE o_orderkey = 4711",
    "point query, each time another": "SELECT * FROM sales.orders WHERE o_orderkey = {}",
}
_CLIENTS = 8


def run(setting: Setting) -> Section:
    """Measure each statement in all modes in turn, then eight clients at once in each."""
    rounds, inner = (10, 10) if setting.quick else (40, 10)
    lines: list[tuple[str, ...]] = []
    floors: list[Floor] = []
    data: dict[str, object] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lakegate-bench-")))
        folder.chmod(0o711)
        gateways = {name: stack.enter_context(_gateway(setting, folder, name)) for name in _MODES}
        connections = {name: stack.enter_context(one.connect()) for name, one in gateways.items()}
        for name, text in _STATEMENTS.items():
            subjects: dict[str, Callable[[], object]] = {
                mode: partial(_ask, connection, text, iter(range(1, 1 << 30)))
                for mode, connection in connections.items()
            }
            taken = in_turn(subjects, rounds, warm_up=3, inner=inner)
            without = taken["off"]
            for mode, timings in taken.items():
                lines.append((name, mode, spread(timings, 1000), f"{_added(timings, without):.3f}"))
            floors.append(Floor(f"{name}: added by the default audit", _added(taken[_DEFAULT], without), 0.5, "ms"))
            data[name] = {mode: timings.median for mode, timings in taken.items()}
        rates = {mode: _rate(one, 1.0 if setting.quick else 4.0) for mode, one in gateways.items()}
    data["statements a second"] = rates
    rows = tuple((mode, f"{rate:.0f}") for mode, rate in rates.items())
    tables = (
        Table(("statement", "audit", "ms: median (min – max)", "added, ms"), tuple(lines)),
        Table(("audit", f"select 1 a second, {_CLIENTS} clients"), rows),
    )
    return Section("Audit", tables, tuple(floors), (), data)


@contextmanager
def _gateway(setting: Setting, folder: Path, mode: str) -> Iterator[GatewayProcess]:
    directory = folder / mode.replace(", ", "-")
    directory.mkdir(mode=0o711)
    with gateway(setting.layout, f"[audit]\n{_MODES[mode]}", directory) as running:
        yield running


def _ask(connection: psycopg.Connection, text: str, numbers: Iterator[int]) -> object:
    result = connection.pgconn.exec_(text.format(next(numbers)).encode())
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise BenchmarkError(result.error_message.decode(errors="replace"))
    return result


def _added(timings: Timings, without: Timings) -> float:
    return (timings.median - without.median) * 1000


def _rate(one: GatewayProcess, seconds: float) -> float:
    """Return how many statements a second several clients get through together."""
    counts = [0] * _CLIENTS
    deadline = time.perf_counter() + seconds

    def ask(number: int) -> None:
        with one.connect() as connection:
            while time.perf_counter() < deadline:
                connection.pgconn.exec_(b"select 1")
                counts[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(_CLIENTS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)
