"""Logins by SCRAM-SHA-256 (4096 iterations): how long one takes, and how many there are in a second, alone and beside a
session that streams rows.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import make_conninfo

from benchmarks.clients import read_by_socket
from benchmarks.measure import in_turn
from benchmarks.report import Floor, Section, Table, spread
from benchmarks.setting import Setting

_CLIENTS = 4
_STREAMED = "SELECT * FROM sales.lineitem"
_STREAMED_BY_PEER = "SELECT * FROM lineitem"


def run(setting: Setting) -> Section:
    """Measure logins one after the other, then by several clients at once, then with a stream beside them."""
    rounds, many = (10, 100) if setting.quick else (30, 400)
    places = {"gateway": setting.gateway.conninfo, "postgres": setting.postgres_conninfo}
    taken = in_turn({name: _login(place) for name, place in places.items()}, rounds, inner=5)
    rates, beside, speeds = {}, {}, {}
    for name, place in places.items():
        rates[name] = _rate(_login(place), many)
        with _streaming(place, _STREAMED if name == "gateway" else _STREAMED_BY_PEER) as stream:
            beside[name] = _rate(_login(place), many)
        speeds[name] = stream[0]
    lines = (
        ("one login, ms: median (min – max)", *(spread(taken[name], 1000, 1) for name in places)),
        (f"logins in a second, {_CLIENTS} clients", *(f"{rates[name]:.0f}" for name in places)),
        ("the same while lineitem is streamed", *(f"{beside[name]:.0f}" for name in places)),
        ("the stream meanwhile, MB/s", *(f"{speeds[name]:.0f}" for name in places)),
    )
    floors = (
        Floor("login by SCRAM, median", taken["gateway"].median * 1000, 15, "ms"),
        Floor("time of 100 logins beside a stream", 100 / beside["gateway"], 1, "s"),
    )
    notes = ("Client and server share the machine; of each login some milliseconds are the client's own hashing.",)
    data = {
        "seconds": {name: taken[name].plain() for name in places},
        "rates": rates,
        "beside": beside,
        "streams": speeds,
    }
    return Section("Logins", (Table(("", "gateway", "PostgreSQL"), lines),), floors, notes, data)


def _login(place: str) -> Callable[[], None]:
    without_tls = make_conninfo(place, sslmode="disable", gssencmode="disable", channel_binding="disable")
    return lambda: psycopg.connect(without_tls).close()


def _rate(login: Callable[[], None], count: int) -> float:
    """Return how many logins there were in a second."""
    started = time.perf_counter()
    with ThreadPoolExecutor(_CLIENTS) as threads:
        for done in [threads.submit(login) for _ in range(count)]:
            done.result()
    return count / (time.perf_counter() - started)


@contextmanager
def _streaming(place: str, query: str) -> Iterator[list[float]]:
    """Read a table over and over during a block; the list then holds the megabytes read in a second."""
    read_bytes = [0]
    running, done = threading.Event(), threading.Event()
    speed: list[float] = []

    def read() -> None:
        with psycopg.connect(place, autocommit=True) as connection:
            while not done.is_set():
                running.set()
                read_bytes[0] += read_by_socket(connection, query, 1)

    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(read)
        running.wait(10)
        started = time.perf_counter()
        try:
            yield speed
        finally:
            done.set()
            reading.result()  # it ends with the table, so that whole tables are counted
            speed.append(read_bytes[0] / (time.perf_counter() - started) / 1e6)
