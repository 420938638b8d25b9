"""Joins, pairs and files measured on this machine, by the engine, with one core."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from math import sqrt
from pathlib import Path
from time import process_time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datafusion import SessionConfig, SessionContext

_BUILDS = (10_000, 100_000, 500_000)
_PROBES = (400_000, 1_200_000)
_COLUMNS = (0, 4)  # of 8 bytes each, besides the key
_EVERY = (1, 20)  # which of the streamed rows find a partner
_PAIRS = 4000  # rows on either side
_FILE_ROWS = 2_000_000
_TIMES = 3  # the fastest run counts
_KEY = 8  # bytes


@dataclass(frozen=True, slots=True)
class MeasuredJoin:
    """A hash join: rows and bytes of a row of the hashed side, rows of the streamed side, rows and bytes of a row that
    came out, and how long that took beyond reading both sides, in nanoseconds.
    """

    build_rows: float
    build_width: float
    probe_rows: float
    rows: float
    width: float
    nanoseconds: float


def fastest(work: Callable[[], object], clock: Callable[[], float] = process_time) -> float:
    """Return how many nanoseconds some work takes by a clock, usually that of the process, which does not count what
    others do on the machine; the fastest of a few runs counts.
    """
    taken = []
    for _ in range(_TIMES):
        started = clock()
        work()
        taken.append(clock() - started)
    return min(taken) * 1e9


def measured_joins(scale: float) -> Iterator[MeasuredJoin]:
    """Join tables in memory of different sizes, with different columns. ``scale`` is a factor of the rows."""
    numbers = np.random.default_rng(7)
    for build, probe, wide, tall, every in product(_BUILDS, _PROBES, _COLUMNS, _COLUMNS, _EVERY):
        if probe == _PROBES[0] and (wide, tall) != (0, 0):
            continue  # that rows count in proportion is to be seen once
        yield _measured(numbers, max(1, round(build * scale)), max(1, round(probe * scale)), wide, tall, every)


def _measured(numbers: np.random.Generator, build: int, probe: int, wide: int, tall: int, every: int) -> MeasuredJoin:
    context = _context()
    _register(context, "build", numbers.permutation(build), "w", wide)
    keys = numbers.integers(0, build * every, probe)
    _register(context, "probe", keys, "v", tall)
    builds, probes = _sums("w", wide), _sums("v", tall)
    alone = sum(
        _run(context, f"SELECT count(k){sums} FROM {name}") for name, sums in (("build", builds), ("probe", probes))
    )
    joined = _run(context, f"SELECT count(*){builds}{probes} FROM build JOIN probe ON build.k = probe.k")
    rows, width = int((keys < build).sum()), 8 * (wide + tall)
    return MeasuredJoin(build, _KEY + 8 * wide, probe, rows, width, max(0.0, joined - alone))


def measured_pair(scale: float) -> float:
    """Return how many nanoseconds it takes to compare a pair of rows."""
    context, rows = _context(), max(10, round(_PAIRS * sqrt(scale)))
    for name in ("build", "probe"):
        _register(context, name, np.arange(rows), "v", 0)
    # No pair meets the condition: what comes out is not measured here.
    taken = _run(context, "SELECT count(*) FROM build JOIN probe ON build.k > probe.k + 1000000")
    return taken / (rows * rows)


def measured_file_row(scale: float) -> float:
    """Return how many nanoseconds it takes to read two columns of a row of a Parquet file."""
    rows = max(1000, round(_FILE_ROWS * scale))
    numbers = np.random.default_rng(7)
    table = pa.table({name: numbers.integers(0, rows, rows) for name in ("a", "b", "c")})
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "rows.parquet")
        pq.write_table(table, path)
        context = _context()
        context.register_parquet("rows", path)
        return _run(context, "SELECT sum(a), sum(b) FROM rows") / rows


def _context() -> SessionContext:
    return SessionContext(SessionConfig().with_target_partitions(1))


def _register(context: SessionContext, name: str, keys: object, prefix: str, columns: int) -> None:
    table = pa.table({"k": pa.array(keys, pa.int64())})
    for number in range(columns):
        table = table.append_column(f"{prefix}{number}", table.column("k"))
    context.register_record_batches(name, [table.to_batches(8192)])


def _sums(prefix: str, columns: int) -> str:
    return "".join(f", sum({prefix}{number})" for number in range(columns))


def _run(context: SessionContext, query: str) -> float:
    return fastest(lambda: context.sql(query).collect())
