"""Rows of values that are dear to write: numerics, moments with a time zone, arrays and json, beside PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.clients import read_by_socket
from benchmarks.gateway_process import BenchmarkError, gateway
from benchmarks.measure import in_turn
from benchmarks.report import Floor, Section, Table, spread
from benchmarks.setting import Setting, cache_directory

_ROWS = 250_000
_SOURCE = "wide_values"
_FORMATS = {"text": 0, "binary": 1}
_LIMIT = 1.0  # of PostgreSQL's time


def run(setting: Setting) -> Section:
    """Send each table in both formats from both servers, the socket only counting bytes."""
    rows = _ROWS // 10 if setting.quick else _ROWS
    directory = cache_directory() / f"{_SOURCE}_{rows}"
    folder = directory / "files"
    folder.mkdir(parents=True, exist_ok=True)
    tables = _tables(rows)
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet", store_decimal_as_integer=True)
    settings = f'[sources.{_SOURCE}]\nkind = "files"\nlocation = {json.dumps(str(folder))}\n'
    peer = setting.database(f"{_SOURCE}_{rows}")
    lines, floors, data = [], [], {}
    with (
        gateway(setting.layout, settings, directory, (_SOURCE,)) as running,
        running.connect() as ours,
        psycopg.connect(peer, autocommit=True) as theirs,
    ):
        for name in tables:
            _load(ours, theirs, name)
            for form, code in _FORMATS.items():
                taken = in_turn(_subjects(ours, theirs, name, code), 3 if setting.quick else 7)
                ratio = taken["gateway"].median / taken["postgres"].median
                lines.append((name, form, spread(taken["gateway"]), spread(taken["postgres"]), f"{ratio:.2f}"))
                floors.append(Floor(f"{rows:,} rows of {name}, {form}: time, of PostgreSQL's", ratio, _LIMIT))
                data[f"{name}, {form}"] = {one: timings.plain() for one, timings in taken.items()}
    columns = ("values", "format", "gateway, s: median (min – max)", "PostgreSQL 18, s", "ratio")
    notes = (f"{rows:,} rows of eight columns; four of arrays, three of json (a struct, a map, a list of structs).",)
    return Section("Rows of dear values", (Table(columns, tuple(lines)),), tuple(floors), notes, data)


def _subjects(
    ours: psycopg.Connection, theirs: psycopg.Connection, name: str, code: int
) -> Mapping[str, Callable[[], object]]:
    mine = partial(read_by_socket, ours, f"SELECT * FROM {_SOURCE}.{name}", code)
    other = partial(read_by_socket, theirs, f"SELECT * FROM {name}", code)
    if (sent := mine()) != (expected := other()):
        raise BenchmarkError(f"{name}: the gateway sends {sent} bytes, PostgreSQL {expected}")
    return {"gateway": mine, "postgres": other}


def _load(ours: psycopg.Connection, theirs: psycopg.Connection, name: str) -> None:
    """Copy a table from the gateway into PostgreSQL, with the types that the gateway tells."""
    if theirs.execute("SELECT to_regclass(%s) IS NOT NULL", (name,)).fetchone() == (True,):
        return
    told = ours.execute(
        "SELECT string_agg(quote_ident(attname) || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)"
        " FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0",
        (f"{_SOURCE}.{name}",),
    ).fetchone()
    assert told is not None
    theirs.execute(f"CREATE TABLE {name} ({told[0]})".encode())
    with (
        ours.cursor().copy(f"COPY {_SOURCE}.{name} TO STDOUT".encode()) as rows,
        theirs.cursor().copy(f"COPY {name} FROM STDIN".encode()) as loaded,
    ):
        for block in rows:
            loaded.write(block)
    theirs.execute(f"VACUUM (FREEZE, ANALYZE) {name}".encode())


def _tables(rows: int) -> dict[str, pa.Table]:
    """Make the tables; always the same values."""
    chance = np.random.default_rng(7)
    return {
        "numerics": pa.table({f"n{at}": _numerics(chance, rows, at) for at in range(8)}),
        "moments": pa.table({f"m{at}": _moments(chance, rows) for at in range(8)}),
        "arrays": pa.table(
            {
                "ints": _lists(chance, pa.array(chance.integers(-(10**6), 10**6, 5 * rows), pa.int32()), rows),
                "texts": _lists(chance, _words(chance, 5 * rows), rows),
                "floats": _lists(chance, pa.array(chance.normal(size=5 * rows)), rows),
                "moments": _lists(chance, _moments(chance, 5 * rows), rows),
            }
        ),
        "jsons": pa.table(
            {
                "structs": _structs(chance, rows),
                "maps": pa.MapArray.from_arrays(
                    np.arange(rows + 1, dtype=np.int32) * 2,
                    pa.array(["first", "second"] * rows),
                    pa.array(chance.integers(0, 10**6, 2 * rows)),
                ),
                "lists": _lists(chance, _structs(chance, 3 * rows), rows),
            }
        ),
    }


def _numerics(chance: np.random.Generator, rows: int, at: int) -> pa.Array:
    digits, scale = (12, 2) if at % 2 else (34, 10)
    values = pa.array(chance.integers(-(10**9), 10**9, rows)).cast(pa.decimal128(19, 0)).cast(pa.decimal128(32, 10))
    return values.cast(pa.decimal128(digits, scale), safe=False)


def _moments(chance: np.random.Generator, rows: int) -> pa.Array:
    return pa.array(chance.integers(0, 2 * 10**15, rows)).cast(pa.timestamp("us", "UTC"))


def _words(chance: np.random.Generator, rows: int) -> pa.Array:
    words = pa.array(["plain", 'with "quotes"', "a, comma", "", "NULL", "ein längeres Wort mit Umlaut"])
    return words.take(pa.array(chance.integers(0, len(words), rows)))


def _lists(chance: np.random.Generator, values: pa.Array, rows: int) -> pa.Array:
    most = len(values) // rows
    offsets = np.concatenate([[0], np.cumsum(chance.integers(0, most + 1, rows))]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, values)


def _structs(chance: np.random.Generator, rows: int) -> pa.Array:
    columns = [pa.array(chance.integers(0, 10**9, rows)), _words(chance, rows), pa.array(chance.random(rows) < 0.5)]
    return pa.StructArray.from_arrays(columns, names=["number", "word", "flag"])
