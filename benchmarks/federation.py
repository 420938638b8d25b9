"""TPC-H over Delta, Iceberg and PostgreSQL at once: the gateway and DuckDB with its extensions, results compared.

The gateway is measured twice: with the columns that the queries read in memory, as for who asks again and again, and
one that keeps none, over the files as DuckDB is.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path

import duckdb
import psycopg

from benchmarks import duckdb_peer, queries
from benchmarks.gateway_process import gateway
from benchmarks.measure import Timings, in_turn
from benchmarks.report import Floor, Section, Table, spread
from benchmarks.setting import Setting
from gateway.execute.hot_columns import USES

_TOLERANCE = 1e-9  # DuckDB divides and averages in floating point
_INEXACT = (float, Decimal)
_OVER_FILES = '[engine]\nresult_cache_memory = "0"\nhot_columns_memory = "0"\n'
_SLOWEST = 1.3  # of DuckDB's time, that any query may take
_OURS = ("gateway", "files")
Rows = list[tuple[object, ...]]


def run(setting: Setting) -> Section:
    """Run the 22 queries: the first time, and when the columns they read are in memory, all subjects in turn."""
    repetitions = 2 if setting.quick else 3
    warm: dict[int, dict[str, Timings]] = {}
    cold: dict[int, dict[str, float]] = {}
    failures: dict[int, str] = {}
    with (
        setting.gateway.connect() as ours,
        _over_files(setting) as plain,
        duckdb_peer.connect(setting.layout) as theirs,
    ):
        versions = duckdb_peer.extension_versions(theirs)
        for number in queries.NUMBERS:
            text = queries.query(number, setting.scale)
            ask: dict[str, Callable[[], Rows]] = {
                "gateway": partial(_ask_gateway, ours, text),
                "files": partial(_ask_gateway, plain, text),
                "duckdb": partial(_ask_duckdb, theirs, text),
            }
            try:
                cold[number], difference = _first(ask, number)
            except (psycopg.Error, duckdb.Error) as error:
                failures[number] = str(error).strip().partition("\n")[0]
                continue
            if difference is not None:
                failures[number] = difference
            warm[number] = in_turn(ask, repetitions, warm_up=USES)
    return _section(warm, cold, failures, versions)


@contextmanager
def _over_files(setting: Setting) -> Iterator[psycopg.Connection]:
    """A connection to a gateway that keeps no columns in memory."""
    with tempfile.TemporaryDirectory(prefix="lakegate-bench-") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL does not run as root: its account must get through
        with gateway(setting.layout, _OVER_FILES, Path(folder)) as running, running.connect() as connection:
            yield connection


def _ask_gateway(connection: psycopg.Connection, text: str) -> Rows:
    return connection.execute(text.encode()).fetchall()


def _ask_duckdb(connection: duckdb.DuckDBPyConnection, text: str) -> Rows:
    return connection.execute(text).fetchall()


def _first(ask: dict[str, Callable[[], Rows]], number: int) -> tuple[dict[str, float], str | None]:
    """Run a query for the first time; return the seconds, and how the results differ where they do."""
    rows: dict[str, Rows] = {}
    seconds: dict[str, float] = {}
    for name, work in ask.items():
        started = time.perf_counter()
        rows[name] = work()
        seconds[name] = time.perf_counter() - started
    told = (difference(rows[name], rows["duckdb"], number in queries.TOTALLY_ORDERED) for name in _OURS)
    return seconds, next((one for one in told if one is not None), None)


def difference(ours: Rows, theirs: Rows, ordered: bool) -> str | None:
    if len(ours) != len(theirs):
        return f"{len(ours)} rows, DuckDB has {len(theirs)}"
    if not ordered:
        ours, theirs = sorted(ours, key=_sort_key), sorted(theirs, key=_sort_key)
    for at, (mine, other) in enumerate(zip(ours, theirs, strict=True), 1):
        if len(mine) != len(other) or not all(map(_equal, mine, other)):
            return f"row {at} is {mine}, DuckDB's is {other}"
    return None


def _equal(mine: object, other: object) -> bool:
    if isinstance(mine, float) or isinstance(other, float):
        assert isinstance(mine, (float, int, Decimal))
        assert isinstance(other, (float, int, Decimal))
        return math.isclose(mine, other, rel_tol=_TOLERANCE)
    return mine == other


def _sort_key(row: Sequence[object]) -> tuple[object, ...]:
    """Sort by exact columns before those that may differ in their last digits."""
    exact = tuple("" if value is None or isinstance(value, _INEXACT) else str(value) for value in row)
    return (*exact, *(float(value) if isinstance(value, _INEXACT) else 0.0 for value in row))


def _section(
    warm: dict[int, dict[str, Timings]], cold: dict[int, dict[str, float]], failures: dict[int, str], versions: str
) -> Section:
    lines = []
    for number in queries.NUMBERS:
        if number not in warm:
            lines.append((f"Q{number}", *["—"] * 7, failures[number]))
            continue
        each, first = warm[number], cold[number]
        ratios = (f"{each[name].median / each['duckdb'].median:.2f}" for name in _OURS)
        lines.append(
            (
                f"Q{number}",
                *(spread(each[name]) for name in (*_OURS, "duckdb")),
                *ratios,
                f"{first['files']:.3f}",
                f"{first['duckdb']:.3f}",
                failures.get(number, "equal"),
            )
        )
    total = {name: sum(each[name].median for each in warm.values()) for name in (*_OURS, "duckdb")}
    first = {name: sum(each[name] for each in cold.values()) for name in total}
    ratios = {name: total[name] / total["duckdb"] if warm else math.inf for name in _OURS}
    slow = [number for number, each in warm.items() if each["gateway"].median > _SLOWEST * each["duckdb"].median]
    equal = f"{len(warm.keys() - failures.keys())} of {len(queries.NUMBERS)} equal"
    whole = (*(f"{each:.3f}" for each in total.values()), *(f"{each:.2f}" for each in ratios.values()))
    lines.append(("total", *whole, f"{first['files']:.3f}", f"{first['duckdb']:.3f}", equal))
    columns = (
        "",
        "columns in memory, s: median (min – max)",
        "over files, s",
        "DuckDB, s",
        "in memory, of DuckDB's",
        "over files, of DuckDB's",
        "first time over files, s",
        "DuckDB's first time, s",
        "results",
    )
    floors = (
        Floor("TPC-H over three sources: total time with columns in memory, of DuckDB's", ratios["gateway"], 0.5),
        Floor("TPC-H over three sources: total time over files, of DuckDB's", ratios["files"], 0.9),
        Floor(f"TPC-H over three sources: queries above {_SLOWEST} of DuckDB's time", len(slow), 0),
        Floor("TPC-H over three sources: queries that failed or differ from DuckDB", len(failures), 0),
    )
    notes = (
        f"DuckDB {duckdb.__version__} with {versions}, {duckdb_peer.THREADS} threads, over the files.",
        "The files are in the system's cache, also the first time. No results are kept.",
        "Results are fetched whole, as Python values, from all.",
    )
    data: dict[str, object] = {
        "warm": {number: {name: each.plain() for name, each in pair.items()} for number, pair in warm.items()},
        "cold": cold,
        "failures": failures,
    }
    return Section("TPC-H over three sources", (Table(columns, tuple(lines)),), floors, notes, data)
