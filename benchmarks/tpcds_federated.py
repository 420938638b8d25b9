"""TPC-DS's 99 queries over Delta, Iceberg and PostgreSQL at once: the gateway, the same gateway with the joins in the
order in which they are written, and DuckDB with its extensions.

Processor time is measured beside time: it tells the same on a machine that does other work. PostgreSQL's is not in it,
neither of the gateway's side nor of DuckDB's. The rows are compared with those of DuckDB over tables of its own: its
extensions have lost some.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import duckdb
import psutil
import psycopg
from pydantic import SecretStr
from pyiceberg.catalog.sql import SqlCatalog

from benchmarks import duckdb_peer, tpcds_data
from benchmarks.federation import difference
from benchmarks.gateway_process import GatewayProcess, gateway
from benchmarks.report import Floor, Section, Table
from benchmarks.setting import Setting, cache_directory
from gateway.configuration.config import DeltaSource, FilesSource, IcebergSource, PostgresSource
from gateway.demo.dataset import Layout
from gateway.demo.lake_tables import NAMESPACE

_OURS, _AS_WRITTEN, _DUCKDB = "gateway", "joins as written", "DuckDB"
_SLOWEST = 120.0  # seconds that joins as written may take
_LIMIT = 100  # of most queries: which of the rows that sort alike are among them nobody says
Rows = list[tuple[object, ...]]
Sources = dict[str, dict[str, object]]


@dataclass(frozen=True, slots=True)
class _Taken:
    """Seconds of a query: as the clock counts them, and of processors."""

    clock: float
    processor: float


def run(setting: Setting) -> Section:
    """Run each query twice by each subject, and count the second time."""
    taken: dict[int, dict[str, _Taken]] = {}
    failures: dict[int, str] = {}
    remarks: dict[int, str] = {}
    with ExitStack() as stack:
        sources, dsn = _laid_out(setting)
        running = stack.enter_context(_gateway(setting, sources, dsn))
        ours, as_written = (stack.enter_context(_session(running)) for _ in range(2))
        as_written.execute("SET lakegate.join_reordering = off")
        as_written.execute(f"SET statement_timeout = '{_SLOWEST:.0f}s'".encode())
        theirs = stack.enter_context(_duckdb(sources, dsn))
        reference = stack.enter_context(tpcds_data.generated(setting.scale))
        of_gateway = partial(_processor_seconds, psutil.Process(running.process.pid))
        subjects: dict[str, tuple[Callable[[str], Rows], Callable[[], float]]] = {
            _OURS: (partial(_ask, ours), of_gateway),
            _AS_WRITTEN: (partial(_ask, as_written), of_gateway),
            _DUCKDB: (partial(_ask_duckdb, theirs), time.process_time),
        }
        for number, text in tpcds_data.queries().items():
            rows: dict[str, Rows] = {}
            taken[number] = {}
            for name, (ask, processor) in subjects.items():
                try:
                    rows[name], taken[number][name] = _timed(partial(ask, text), processor)
                except (psycopg.Error, duckdb.Error) as error:
                    failures[number] = f"{name}: {str(error).strip().partition(chr(10))[0]}"
            expected = _ask_duckdb(reference, text)
            for name, found in rows.items():
                if (told := _difference(found, expected)) is not None:
                    (remarks if name == _DUCKDB else failures)[number] = f"{name}: {told}"
    return _section(taken, failures, remarks)


def _timed(work: Callable[[], Rows], processor: Callable[[], float]) -> tuple[Rows, _Taken]:
    work()
    before, started = processor(), time.perf_counter()
    rows = work()
    return rows, _Taken(time.perf_counter() - started, processor() - before)


def _difference(ours: Rows, theirs: Rows) -> str | None:
    if len(ours) == len(theirs) == _LIMIT:
        return None
    return difference(ours, theirs, ordered=False)


def _processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


# The data ------------------------------------------------------------------------------------------------------------


def _laid_out(setting: Setting) -> tuple[Sources, str]:
    """Have the tables in files and in PostgreSQL; return the sources of files, and how PostgreSQL is reached."""
    folder = cache_directory() / f"tpcds-{setting.scale:g}"
    mark = folder / "sources.json"
    dsn = setting.database(f"tpcds_{setting.scale:g}".replace(".", "_"))
    if mark.exists():
        return json.loads(mark.read_text(encoding="utf-8")), dsn
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    setting.report(f"TPC-DS: generating and writing at scale {setting.scale:g}")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    with tpcds_data.generated(setting.scale) as data:
        names = tpcds_data.table_names(data)
        sources = tpcds_data.write_lake(data, folder)
        elsewhere = [name for name in names if name not in (*tpcds_data.DELTA, *tpcds_data.ICEBERG)]
        tpcds_data.write_postgres(data, dsn, elsewhere)
    mark.write_text(json.dumps(sources), encoding="utf-8")
    return sources, dsn


@dataclass(frozen=True, slots=True)
class _Layout(Layout):
    """TPC-DS's sources in the place of TPC-H's, under the same names."""

    files: Sources = field(default_factory=dict)

    @property
    def sources(self) -> dict[str, DeltaSource | IcebergSource | PostgresSource | FilesSource]:
        """The three sources as a configuration has them."""
        properties = self.files["supply"]["catalog"]
        assert isinstance(properties, dict)
        return {
            "sales": DeltaSource(location=str(self.files["sales"]["location"])),
            "supply": IcebergSource(catalog={key: SecretStr(value) for key, value in properties.items()}),
            "crm": PostgresSource(dsn=SecretStr(self.crm_dsn)),
        }


@contextmanager
def _gateway(setting: Setting, sources: Sources, dsn: str) -> Iterator[GatewayProcess]:
    with tempfile.TemporaryDirectory(prefix="lakegate-bench-") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL does not run as root: its account must get through
        layout = _Layout(Path(folder), setting.scale, dsn, made=False, files=sources)
        with gateway(layout, directory=Path(folder)) as running:
            yield running


@contextmanager
def _session(running: GatewayProcess) -> Iterator[psycopg.Connection]:
    with psycopg.connect(running.conninfo, autocommit=True) as connection:
        connection.execute(f"SET search_path = {', '.join(tpcds_data.SCHEMAS)}".encode())
        yield connection


@contextmanager
def _duckdb(sources: Sources, dsn: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB over the same files and the same server; the views cost nothing."""
    with duckdb.connect(config={"threads": duckdb_peer.THREADS}) as connection:
        duckdb_peer.load_extensions(connection)
        for table in tpcds_data.DELTA:
            location = f"{sources['sales']['location']}/{table}"
            connection.execute(f"CREATE VIEW {table} AS FROM delta_scan('{location}')")
        properties = sources["supply"]["catalog"]
        assert isinstance(properties, dict)
        catalog = SqlCatalog("supply", **properties)
        for table in tpcds_data.ICEBERG:
            metadata = catalog.load_table((NAMESPACE, table)).metadata_location
            connection.execute(f"CREATE VIEW {table} AS FROM iceberg_scan('{metadata}')")
        catalog.close()
        connection.execute(f"ATTACH '{dsn}' AS ds_crm (TYPE postgres, READ_ONLY)")
        known = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'ds_crm' AND schema_name = 'public'"
        for (table,) in connection.execute(known).fetchall():
            connection.execute(f"CREATE VIEW {table} AS FROM ds_crm.public.{table}")
        yield connection


def _ask(connection: psycopg.Connection, text: str) -> Rows:
    return connection.execute(text.encode()).fetchall()


def _ask_duckdb(connection: duckdb.DuckDBPyConnection, text: str) -> Rows:
    return connection.execute(text).fetchall()


# The report ----------------------------------------------------------------------------------------------------------


def _section(taken: dict[int, dict[str, _Taken]], failures: dict[int, str], remarks: dict[int, str]) -> Section:
    names = (_OURS, _AS_WRITTEN, _DUCKDB)
    whole = {number: each for number, each in taken.items() if len(each) == len(names)}
    lines = []
    for number, each in taken.items():
        cells = [f"{each[name].clock:.3f} ({each[name].processor:.3f})" if name in each else "—" for name in names]
        ratio = _ratio(each, _DUCKDB, lambda one: one.processor)
        lines.append((f"Q{number}", *cells, f"{ratio:.2f}", failures.get(number, remarks.get(number, ""))))
    totals = {
        peer: tuple(sum(_measure(each[peer], kind) for each in whole.values()) for kind in ("clock", "processor"))
        for peer in names
    }
    of_all = [f"{clock:.2f} ({processor:.2f})" for clock, processor in totals.values()]
    lines.append(("total", *of_all, f"{totals[_OURS][1] / totals[_DUCKDB][1]:.2f}", f"{len(whole)} of 99"))
    floors = [Floor("TPC-DS over three sources: queries that failed or differ", len(failures), 0)]
    for peer, limit in ((_AS_WRITTEN, 0.8), (_DUCKDB, 1.2)):
        told = "of that with joins as written" if peer == _AS_WRITTEN else "of DuckDB's"
        for at, kind in enumerate(("time", "processor time")):
            ratio = totals[_OURS][at] / totals[peer][at]
            floors.append(Floor(f"TPC-DS over three sources: total {kind}, {told}", ratio, limit))
    notes = (
        "The scale is TPC-DS's own, where 1 is about 1 GB.",
        "The second run of each query in its session: seconds, and those of processors in parentheses without"
        " PostgreSQL's.",
        f"DuckDB {duckdb.__version__} with {duckdb_peer.THREADS} threads. Of rows that a LIMIT cuts the number is"
        " compared: some sort alike.",
        f"Joins as written may take {_SLOWEST:.0f} s; totals are of queries that all have answered.",
    )
    columns = ("", *(f"{name}, s" for name in names), "processor, of DuckDB's", "")
    data: dict[str, object] = {
        str(number): {name: [one.clock, one.processor] for name, one in each.items()} for number, each in taken.items()
    }
    return Section("TPC-DS over three sources", (Table(columns, tuple(lines)),), tuple(floors), notes, data)


def _measure(one: _Taken, kind: str) -> float:
    return one.clock if kind == "clock" else one.processor


def _ratio(each: dict[str, _Taken], peer: str, of: Callable[[_Taken], float]) -> float:
    return of(each[_OURS]) / max(of(each[peer]), 0.001) if _OURS in each and peer in each else math.nan
