"""TPC-H over Delta, Iceberg and PostgreSQL at once: the gateway and DuckDB with its extensions, results compared."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial

import duckdb
import psycopg

from benchmarks import duckdb_peer, queries
from benchmarks.measure import Timings, in_turn
from benchmarks.report import Floor, Section, Table, spread
from benchmarks.setting import Setting

_TOLERANCE = 1e-9  # DuckDB divides and averages in floating point
_INEXACT = (float, Decimal)
Rows = list[tuple[object, ...]]


def run(setting: Setting) -> Section:
    """Run the 22 queries, cold once and then warm, both engines in turn."""
    repetitions = 2 if setting.quick else 3
    warm: dict[int, dict[str, Timings]] = {}
    cold: dict[int, dict[str, float]] = {}
    failures: dict[int, str] = {}
    with setting.gateway.connect() as ours, duckdb_peer.connect(setting.layout) as theirs:
        versions = duckdb_peer.extension_versions(theirs)
        for number in queries.NUMBERS:
            text = queries.query(number, setting.scale)
            ask: dict[str, Callable[[], Rows]] = {
                "gateway": partial(_ask_gateway, ours, text),
                "duckdb": partial(_ask_duckdb, theirs, text),
            }
            try:
                cold[number], difference = _first(ask, number)
            except (psycopg.Error, duckdb.Error) as error:
                failures[number] = str(error).strip().partition("\n")[0]
                continue
            if difference is not None:
                failures[number] = difference
            warm[number] = in_turn(ask, repetitions, warm_up=0)
    return _section(warm, cold, failures, versions)


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
    return seconds, difference(rows["gateway"], rows["duckdb"], number in queries.TOTALLY_ORDERED)


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
            lines.append((f"Q{number}", "—", "—", "—", "—", "—", failures[number]))
            continue
        gateway, duck = warm[number]["gateway"], warm[number]["duckdb"]
        lines.append(
            (
                f"Q{number}",
                spread(gateway),
                spread(duck),
                f"{gateway.median / duck.median:.2f}",
                f"{cold[number]['gateway']:.3f}",
                f"{cold[number]['duckdb']:.3f}",
                failures.get(number, "equal"),
            )
        )
    total = {name: sum(each[name].median for each in warm.values()) for name in ("gateway", "duckdb")}
    first = {name: sum(each[name] for each in cold.values()) for name in ("gateway", "duckdb")}
    ratio = total["gateway"] / total["duckdb"] if warm else math.inf
    equal = f"{len(warm.keys() - failures.keys())} of {len(queries.NUMBERS)} equal"
    totals = (f"{total['gateway']:.3f}", f"{total['duckdb']:.3f}", f"{ratio:.2f}")
    lines.append(("total", *totals, f"{first['gateway']:.3f}", f"{first['duckdb']:.3f}", equal))
    columns = (
        "",
        "gateway, s: median (min – max)",
        "DuckDB, s",
        "ratio",
        "gateway cold, s",
        "DuckDB cold, s",
        "results",
    )
    floors = (
        Floor("TPC-H over three sources: total time, of DuckDB's", ratio, 1.3),
        Floor("TPC-H over three sources: queries that failed or differ from DuckDB", len(failures), 0),
    )
    notes = (
        f"DuckDB {duckdb.__version__} with {versions}, {duckdb_peer.THREADS} threads.",
        "Cold is the first run of a query in its process; the files are in the system's cache.",
        "Results are fetched whole, as Python values, from both.",
    )
    data: dict[str, object] = {
        "warm": {number: {name: each.plain() for name, each in pair.items()} for number, pair in warm.items()},
        "cold": cold,
        "failures": failures,
    }
    return Section("TPC-H over three sources", (Table(columns, tuple(lines)),), floors, notes, data)
