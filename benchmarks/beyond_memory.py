"""TPC-H's queries that join and group most, over ten times the data that fits: the gateway with a memory limit, and
DuckDB with the same limit over the same files. Both may write to disk; the rows are compared.

The gateway is one of its own, with a process's memory that nothing before has taken. The data is laid out beside that
of the other benchmarks, at ten times its scale.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psutil
import psycopg

from benchmarks import duckdb_peer, queries
from benchmarks.federation import difference
from benchmarks.gateway_process import GatewayProcess, gateway
from benchmarks.report import Floor, Section, Table
from benchmarks.setting import Setting, lay_out_beside

_TIMES = 10  # the scale of the other benchmarks
_LIMIT = 2_000_000_000  # bytes at that scale; less where the data is less
_LEAST = 64 << 20  # that the gateway takes for a limit
_OTHER = 1_000_000_000  # bytes that a process may have beside what its engine counts
_NUMBERS = (9, 18, 21)
_MEGABYTE = 1_000_000
_SAMPLE_SECONDS = 0.01
_SPILL = "spill"


@dataclass(frozen=True, slots=True)
class _Run:
    """What became of a query: its rows or why there are none, the seconds, and the most bytes that were seen."""

    rows: list[tuple[object, ...]] | None
    failure: str
    seconds: float
    rss: int
    spilled: int


def run(setting: Setting) -> Section:
    """Run each query once in both engines, one after the other."""
    scale = _TIMES * setting.scale
    limit = max(_LEAST, round(_LIMIT * min(1.0, setting.scale)))
    layout = lay_out_beside(setting, scale)
    engine = f'[engine]\nresult_cache_memory = "0"\nmemory_limit = {limit}\n'
    ours, theirs = {}, {}
    with tempfile.TemporaryDirectory(prefix="lakegate-bench-") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL does not run as root: its account must get through
        with gateway(layout, engine, Path(folder)) as running, running.connect() as connection:
            for number in _NUMBERS:
                ours[number] = _ask_gateway(running, connection, queries.query(number, scale))
    with tempfile.TemporaryDirectory(prefix="lakegate-bench-") as folder, duckdb_peer.connect(layout) as peer:
        peer.execute(f"SET memory_limit = '{limit}B'")
        peer.execute(f"SET temp_directory = '{folder}'")
        for number in _NUMBERS:
            theirs[number] = _ask_duckdb(peer, queries.query(number, scale))
    return _section(scale, limit, ours, theirs)


def _ask_gateway(running: GatewayProcess, connection: psycopg.Connection, text: str) -> _Run:
    rows, failure, started = None, "", time.perf_counter()
    with _watched(running.process.pid, running.data_dir / _SPILL) as most:
        try:
            rows = connection.execute(text.encode()).fetchall()
        except psycopg.Error as error:
            failure = str(error).strip().partition("\n")[0]
    return _Run(rows, failure, time.perf_counter() - started, *most)


def _ask_duckdb(peer: duckdb.DuckDBPyConnection, text: str) -> _Run:
    rows, failure, started = None, "", time.perf_counter()
    try:
        rows = peer.execute(text).fetchall()
    except duckdb.Error as error:
        failure = str(error).strip().partition("\n")[0]
    return _Run(rows, failure, time.perf_counter() - started, 0, 0)  # its memory is this process's


@contextmanager
def _watched(process: int, spilling: Path) -> Iterator[list[int]]:
    """Watch a gateway during a block; the list then holds the most resident bytes of it and its worker processes, and
    the most bytes that lay in the folder for what spills.
    """
    most = [0, 0]
    done = threading.Event()

    def watch() -> None:
        while True:
            most[0] = max(most[0], _rss_with_workers(process))
            most[1] = max(most[1], _size(spilling))
            if done.wait(_SAMPLE_SECONDS):
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield most
    finally:
        done.set()
        watcher.join()


def _rss_with_workers(process: int) -> int:
    """Return the resident bytes of a gateway and its children, those of its embedded PostgreSQL left out."""
    total, own = 0, psutil.Process(process)
    for one in (own, *own.children(recursive=True)):
        try:
            total += 0 if one.name() == "postgres" else one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def _size(folder: Path) -> int:
    """Return the bytes of files below a folder, from which others may go meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total


def _section(scale: float, limit: int, ours: dict[int, _Run], theirs: dict[int, _Run]) -> Section:
    lines, data, failed, most = [], {}, 0, 0
    for number in _NUMBERS:
        one, other = ours[number], theirs[number]
        told = _told(one, other, ordered=number in queries.TOTALLY_ORDERED)
        failed += told != "equal"
        most = max(most, one.rss)
        peer = f"{other.seconds:.1f}" if other.rows is not None else other.failure
        gateways = f"{one.seconds:.1f}", f"{one.rss / _MEGABYTE:,.0f}", f"{one.spilled / _MEGABYTE:,.0f}"
        lines.append((f"Q{number}", *gateways, peer, told))
        data[str(number)] = {
            "seconds": one.seconds,
            "rss": one.rss,
            "spilled": one.spilled,
            "failure": one.failure,
            "duckdb": other.seconds,
        }
    columns = ("", "gateway, s", "peak RSS, MB", "spilled at once, MB", "DuckDB, s", "results")
    floors = (
        Floor(f"TPC-H at scale {scale:g} in {limit / _MEGABYTE:,.0f} MB: queries that failed or differ", failed, 0),
        Floor("peak RSS of the gateway meanwhile", most / _MEGABYTE, (limit + _OTHER) / _MEGABYTE, "MB"),
    )
    notes = (
        "One after the other, each once; the gateway's own process and its workers, watched every 10 ms.",
        f"DuckDB {duckdb.__version__} with {duckdb_peer.THREADS} threads and the same limit, over the same files.",
    )
    return Section("Beyond memory", (Table(columns, tuple(lines)),), floors, notes, data)


def _told(one: _Run, other: _Run, *, ordered: bool) -> str:
    if one.rows is None:
        return one.failure
    if other.rows is None:
        return "DuckDB has none to compare with"
    return difference(one.rows, other.rows, ordered) or "equal"
