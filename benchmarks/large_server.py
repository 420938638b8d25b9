"""lineitem in a PostgreSQL server: joined to a few rows of the lake, and summed up where it lies.

The gateway is one of its own, with that server as a further source. PostgreSQL is asked directly for the sums; for the
join there are the same gateway without dynamic filters, and DuckDB with its extensions.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import duckdb
import psycopg

from benchmarks import duckdb_peer
from benchmarks.gateway_process import GatewayProcess, gateway
from benchmarks.measure import Timings, in_turn
from benchmarks.report import Floor, Section, Table, spread
from benchmarks.setting import Setting

_SOURCE = "warehouse"
_OFF, _ON, _DUCKDB, _POSTGRES = "without dynamic filters", "gateway", "DuckDB", "PostgreSQL"
_INDEX = "CREATE INDEX IF NOT EXISTS lineitem_l_orderkey_idx ON lineitem (l_orderkey)"
_JOINS = {
    "urgent orders of a day, by an indexed key": (
        "SELECT count(*), sum(l_quantity), min(l_shipdate) FROM orders JOIN lineitem ON l_orderkey = o_orderkey"
        " WHERE o_orderdate = date '1995-03-15' AND o_orderpriority = '1-URGENT'"
    ),
    "parts of a brand and a size, by a key without an index": (
        "SELECT count(*), sum(l_quantity), min(l_shipdate) FROM part JOIN lineitem ON l_partkey = p_partkey"
        " WHERE p_brand = 'Brand#11' AND p_size = 15"
    ),
}
_SUMS = (
    "SELECT l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice * (1 - l_discount)), avg(l_discount),"
    " count(*) FROM lineitem WHERE l_shipdate <= date '1998-09-02' GROUP BY 1, 2 ORDER BY 1, 2"
)
Rows = list[tuple[object, ...]]


def run(setting: Setting) -> Section:
    """Measure the joins and the sums, all subjects in turn; their rows must be equal."""
    repetitions = 2 if setting.quick else 3
    taken: dict[str, dict[str, Timings]] = {}
    with ExitStack() as stack:
        own = stack.enter_context(_gateway(setting))
        direct = stack.enter_context(setting.connect_postgres())
        direct.execute(_INDEX)
        direct.execute("ANALYZE lineitem")
        on, off = (stack.enter_context(_session(own, filters)) for filters in ("on", "off"))
        theirs = stack.enter_context(duckdb_peer.connect(setting.layout))
        theirs.execute(f"ATTACH '{setting.postgres_conninfo}' AS {_SOURCE} (TYPE postgres, READ_ONLY)")
        for what, query in _JOINS.items():
            asked = {
                _ON: partial(_ask, on, query),
                _OFF: partial(_ask, off, query),
                _DUCKDB: partial(_ask_duckdb, theirs, query.replace("lineitem", f"{_SOURCE}.public.lineitem")),
            }
            taken[what] = _in_turn(asked, repetitions)
        asked = {_ON: partial(_ask, on, _SUMS), _POSTGRES: partial(_ask, direct, _SUMS)}
        taken["sums of all rows"] = _in_turn(asked, repetitions + 2)
    return _section(setting, taken)


def _in_turn(asked: Mapping[str, Callable[[], Rows]], repetitions: int) -> dict[str, Timings]:
    found = {name: ask() for name, ask in asked.items()}
    different = [name for name, rows in found.items() if rows != found[_ON]]
    if different:
        raise ValueError(f"the gateway has {found[_ON]}, but {different[0]} {found[different[0]]}")
    return in_turn(asked, repetitions, warm_up=0)


@contextmanager
def _gateway(setting: Setting) -> Iterator[GatewayProcess]:
    source = f'[sources.{_SOURCE}]\nkind = "postgres"\ndsn = "{setting.postgres_conninfo}"\n'
    with tempfile.TemporaryDirectory(prefix="lakegate-bench-") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL does not run as root: its account must get through
        with gateway(setting.layout, source, Path(folder), (_SOURCE,)) as running:
            yield running


@contextmanager
def _session(own: GatewayProcess, filters: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(own.conninfo, autocommit=True) as connection:
        connection.execute(f"SET search_path = {_SOURCE}, sales, supply".encode())
        connection.execute("SELECT set_config('lakegate.dynamic_filters', %s, false)", (filters,))
        yield connection


def _ask(connection: psycopg.Connection, query: str) -> Rows:
    return connection.execute(query.encode()).fetchall()


def _ask_duckdb(connection: duckdb.DuckDBPyConnection, query: str) -> Rows:
    return connection.execute(query).fetchall()


def _section(setting: Setting, taken: dict[str, dict[str, Timings]]) -> Section:
    subjects = (_ON, _OFF, _DUCKDB, _POSTGRES)
    lines = [(what, *(spread(each[name]) if name in each else "" for name in subjects)) for what, each in taken.items()]
    joined, _, summed = taken.values()
    floors = (
        Floor(
            "a few rows of the lake joined to a server's: time, of that without dynamic filters",
            *_of(joined, _OFF, 0.05),
        ),
        Floor("a few rows of the lake joined to a server's: time, of DuckDB's", *_of(joined, _DUCKDB, 0.2)),
        Floor("sums of a server's rows: time, of asking it directly", *_of(summed, _POSTGRES, 1.05)),
    )
    notes = (
        f"lineitem has {setting.lineitem_rows:,} rows in PostgreSQL, indexed by l_orderkey alone; orders is a table"
        " of Delta, part one of Iceberg.",
        f"DuckDB {duckdb.__version__} with {duckdb_peer.THREADS} threads; all subjects returned the same rows.",
    )
    columns = ("", *(f"{name}, s" for name in subjects))
    data: dict[str, object] = {
        what: {name: each.plain() for name, each in subjects.items()} for what, subjects in taken.items()
    }
    return Section("A server's large table", (Table(columns, tuple(lines)),), floors, notes, data)


def _of(taken: dict[str, Timings], peer: str, limit: float) -> tuple[float, float]:
    return taken[_ON].median / taken[peer].median, limit
