"""What it costs that statements run in worker processes: small ones, and a million rows, beside a gateway whose own
process runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial

import psycopg

from benchmarks.clients import read_by_socket
from benchmarks.gateway_process import gateway
from benchmarks.measure import Timings, in_turn
from benchmarks.report import Floor, Section, Table, spread
from benchmarks.setting import Setting, cache_directory

_ENGINE = '[engine]\nresult_cache_memory = "0"\nworkers = {}\n'
_WORKERS = {"own process": 0, "workers": 2}
_SMALL = {
    "point query": "SELECT * FROM sales.orders WHERE o_orderkey = 4711",
    "small aggregate": "SELECT s_nationkey, count(*) FROM supply.supplier GROUP BY s_nationkey",
    "first rows": "SELECT s_suppkey, s_name FROM supply.supplier LIMIT 5",
}
_ROWS = 1_000_000
_FORMATS = {"text": 0, "binary": 1}


def run(setting: Setting) -> Section:
    """Measure each statement of both gateways in turn."""
    rounds, inner = (10, 5) if setting.quick else (60, 5)
    with ExitStack() as stack:
        both = {name: _connected(setting, stack, workers) for name, workers in _WORKERS.items()}
        small = {
            name: in_turn(_subjects(both, partial(_ask, text=text)), rounds, warm_up=5, inner=inner)
            for name, text in _SMALL.items()
        }
        rows = min(_ROWS, setting.lineitem_rows // 2)
        query = f"SELECT * FROM sales.lineitem LIMIT {rows}"
        streamed = {
            f"{rows:,} rows, {name}": in_turn(
                _subjects(both, partial(read_by_socket, query=query, result_format=code)), rounds // 6
            )
            for name, code in _FORMATS.items()
        }
    lines = [(name, *_both(taken, 1000, "ms"), f"{_added(taken):.2f} ms") for name, taken in small.items()]
    lines += [(name, *_both(taken, 1, "s"), f"{_ratio(taken):.2f} of it") for name, taken in streamed.items()]
    floors = [Floor(f"{name}: added by worker processes", _added(taken), 0.3, "ms") for name, taken in small.items()]
    floors += [
        Floor(f"{name}: time in worker processes, of that in one", _ratio(taken), 1.05)
        for name, taken in streamed.items()
    ]
    notes = ("Two gateways over the same sources, asked in turn by one client each; results are not kept.",)
    columns = ("statement", "in the gateway's process", "in worker processes", "added")
    data: dict[str, object] = {
        name: {each: one.plain() for each, one in taken.items()} for name, taken in {**small, **streamed}.items()
    }
    return Section("Worker processes", (Table(columns, tuple(lines)),), tuple(floors), notes, data)


def _connected(setting: Setting, stack: ExitStack, workers: int) -> psycopg.Connection:
    directory = cache_directory() / "worker_processes" / str(workers)
    directory.mkdir(parents=True, exist_ok=True)
    running = stack.enter_context(gateway(setting.layout, _ENGINE.format(workers), directory))
    return stack.enter_context(running.connect())


def _subjects(
    both: Mapping[str, psycopg.Connection], ask: Callable[[psycopg.Connection], object]
) -> dict[str, Callable[[], object]]:
    return {name: partial(ask, connection) for name, connection in both.items()}


def _ask(connection: psycopg.Connection, text: str) -> list[tuple[object, ...]]:
    return connection.execute(text.encode(), prepare=False).fetchall()


def _both(taken: Mapping[str, Timings], factor: float, unit: str) -> tuple[str, ...]:
    return tuple(f"{spread(taken[name], factor)} {unit}" for name in _WORKERS)


def _added(taken: Mapping[str, Timings]) -> float:
    """Return the difference of the medians in milliseconds."""
    return (taken["workers"].median - taken["own process"].median) * 1000


def _ratio(taken: Mapping[str, Timings]) -> float:
    return taken["workers"].median / taken["own process"].median
