"""A million rows of sixteen columns to a client: the gateway, PostgreSQL and buenavista sending the same rows, as the
result of a query and by COPY.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import psycopg

from benchmarks.buenavista_peer import buenavista
from benchmarks.clients import read_by_libpq, read_by_socket
from benchmarks.gateway_process import BenchmarkError
from benchmarks.measure import Timings, in_turn, timed
from benchmarks.report import Floor, Section, Table, spread
from benchmarks.setting import Setting

_ROWS = 1_000_000
_FORMATS = {"text": 0, "binary": 1}
_COPIES = ("text", "csv", "binary")
Read = Callable[[psycopg.Connection, str, int], int]
_CLIENTS: dict[str, Read] = {"libpq (psycopg)": read_by_libpq, "counting socket": read_by_socket}


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read the rows: by which client, in which format (and its code), with which statement. ``limit`` is the
    time it may take, of PostgreSQL's.
    """

    client: str
    format: str
    code: int
    statement: str  # the table's name is to be filled in
    limit: float


def run(setting: Setting) -> Section:
    """Measure both servers with both clients in both formats, and COPY in three."""
    rows = min(_ROWS, setting.lineitem_rows // 2)
    repetitions = 3 if setting.quick else 7
    query = "SELECT * FROM {} LIMIT " + str(rows)
    lines, floors = [], []
    data: dict[str, object] = {}
    readings = [_Reading(client, *form, query, 1.0) for client in _CLIENTS for form in _FORMATS.items()]
    for name in _COPIES:
        copy = f"COPY ({query}) TO STDOUT (FORMAT {name})"
        readings.append(_Reading("counting socket", f"COPY {name}", 0, copy, 0.9))
    with setting.gateway.connect() as ours, setting.connect_postgres() as theirs:
        sizes = _sizes(ours, theirs, readings)
        for one in readings:
            read, code = _CLIENTS[one.client], one.code
            subjects: dict[str, Callable[[], object]] = {
                "gateway": partial(read, ours, one.statement.format("sales.lineitem"), code),
                "postgres": partial(read, theirs, one.statement.format("lineitem"), code),
            }
            taken = in_turn(subjects, repetitions)
            ratio = taken["gateway"].median / taken["postgres"].median
            both = spread(taken["gateway"]), spread(taken["postgres"])
            lines.append((one.client, one.format, *both, f"{ratio:.2f}"))
            floors.append(Floor(f"{rows:,} rows, {one.format}, {one.client}: time, of PostgreSQL's", ratio, one.limit))
            data[f"{one.client}, {one.format}"] = {each: timings.plain() for each, timings in taken.items()}
    columns = ("client", "format", "gateway, s: median (min – max)", "PostgreSQL 18, s", "ratio")
    compared, remark = _buenavista(setting, rows)
    if compared is not None:
        data["buenavista"] = compared.plain()
    notes = (
        f"{rows:,} rows x 16 columns of lineitem; bytes of the answer: {sizes}.",
        "libpq holds the whole result, as every ordinary client does; the socket only counts bytes.",
        remark,
    )
    return Section("Rows to a client", (Table(columns, tuple(lines)),), tuple(floors), notes, data)


def _sizes(ours: psycopg.Connection, theirs: psycopg.Connection, readings: Sequence[_Reading]) -> str:
    """Return the bytes of the answers, and make sure that both servers send as much: the same rows, the same types."""
    told = {}
    for one in readings:
        if one.format in told:
            continue
        mine = read_by_socket(ours, one.statement.format("sales.lineitem"), one.code)
        other = read_by_socket(theirs, one.statement.format("lineitem"), one.code)
        if abs(mine - other) > other // 100:
            raise BenchmarkError(
                f"the answers differ in {one.format}: {mine:,} bytes from the gateway, {other:,} from PostgreSQL"
            )
        told[one.format] = f"{one.format} {mine / 1e6:.0f} MB (PostgreSQL {other / 1e6:.0f} MB)"
    return ", ".join(told.values())


def _buenavista(setting: Setting, rows: int) -> tuple[Timings | None, str]:
    """Measure what buenavista can do, once: it takes a Python object a value."""
    wanted = rows // (50 if setting.quick else 5)
    layout = setting.layout
    try:
        with ExitStack() as stack:
            conninfo = stack.enter_context(
                buenavista(layout.directory / "sales" / "lineitem", layout.directory / "buenavista.log")
            )
            connection = stack.enter_context(psycopg.connect(conninfo, autocommit=True))
            query = f"SELECT * FROM lineitem LIMIT {wanted}"
            taken = Timings(tuple(timed(lambda: read_by_libpq(connection, query, 0)) for _ in range(2)))
    except (BenchmarkError, psycopg.Error) as error:
        return None, f"buenavista could not be measured: {str(error).strip()}"
    return taken, (
        f"buenavista 0.5 on DuckDB over the same Delta table, text, libpq: {taken.median:.1f} s for {wanted:,} rows, "
        f"which is {taken.median * rows / wanted:.0f} s for {rows:,}."
    )
