"""A source of 2,000 tables with 30 columns: what tools ask of the catalogue, beside the PostgreSQL that has the tables;
how long the mirror takes to show them, to show them again after a restart, and to follow a change.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict

from benchmarks.gateway_process import BenchmarkError, GatewayProcess, gateway
from benchmarks.measure import Timings, in_turn, timed
from benchmarks.report import Floor, Section, Table, spread
from benchmarks.setting import Setting, cache_directory

TABLES, COLUMNS = 2000, 30
SCHEMA = "wide"
_JAR = Path(__file__).parents[1] / "tests" / "clients" / "java" / "postgresql.jar"  # `make clients` brings it
_JAVA = Path(__file__).with_name("java") / "GetColumns.java"
_TYPES = ("bigint", "text", "numeric(15,2)", "date", "timestamptz", "varchar(40)", "boolean", "double precision")
_ALLOWED = 1.3  # of PostgreSQL's time
_PATIENCE = 60.0
_INTERVAL = 1  # seconds between two looks at the sources while changes are timed
# What DBeaver sends when a database, its schemas, the list of tables, then a table's columns, keys and indexes are
# opened. {schema} and {table} are expressions that give oids.
_TREE = (
    "SELECT n.oid,n.*,d.description FROM pg_catalog.pg_namespace n LEFT OUTER JOIN pg_catalog.pg_description d"
    " ON d.objoid=n.oid AND d.objsubid=0 AND d.classoid='pg_namespace'::regclass ORDER BY nspname",
    "SELECT t.oid,t.*,c.relkind,format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name, d.description"
    " FROM pg_catalog.pg_type t LEFT OUTER JOIN pg_catalog.pg_type et ON et.oid=t.typelem"
    " LEFT OUTER JOIN pg_catalog.pg_class c ON c.oid=t.typrelid"
    " LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid=d.objoid"
    " WHERE t.typname IS NOT NULL AND (c.relkind IS NULL OR c.relkind = 'c')"
    " AND (et.typcategory IS NULL OR et.typcategory <> 'C')",
    "SELECT c.oid,c.*,d.description,pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr,"
    " pg_catalog.pg_get_partkeydef(c.oid) as partition_key FROM pg_catalog.pg_class c"
    " LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0"
    " AND d.classoid='pg_class'::regclass WHERE c.relnamespace={schema} AND c.relkind not in ('i','I','c')",
    "select c.oid,pg_catalog.pg_total_relation_size(c.oid) as total_rel_size,pg_catalog.pg_relation_size(c.oid)"
    " as rel_size FROM pg_class c WHERE c.relnamespace={schema}",
    "SELECT c.relname,a.*,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,dsc.description,"
    "dep.objid FROM pg_catalog.pg_attribute a INNER JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid)"
    " LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum)"
    " LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid)"
    " LEFT OUTER JOIN pg_depend dep on dep.refobjid = a.attrelid AND dep.deptype = 'i'"
    " and dep.refobjsubid = a.attnum and dep.classid = dep.refclassid"
    " WHERE NOT a.attisdropped AND c.relkind not in ('i','I','c') AND c.oid={table} ORDER BY a.attnum",
    "SELECT c.oid,c.*,t.relname as tabrelname,rt.relnamespace as refnamespace,d.description FROM"
    " pg_catalog.pg_constraint c INNER JOIN pg_catalog.pg_class t ON t.oid=c.conrelid"
    " LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid=c.confrelid LEFT OUTER JOIN pg_catalog.pg_description d"
    " ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_constraint'::regclass"
    " WHERE c.conrelid={table} ORDER BY c.oid",
    "SELECT i.*,i.indkey as keys,c.relname,c.relnamespace,c.relam,c.reltablespace,tc.relname as tabrelname,"
    "dsc.description,pg_catalog.pg_get_expr(i.indpred, i.indrelid) as pred_expr,"
    "pg_catalog.pg_get_expr(i.indexprs, i.indrelid, true) as expr FROM pg_catalog.pg_index i"
    " INNER JOIN pg_catalog.pg_class c ON c.oid=i.indexrelid"
    " INNER JOIN pg_catalog.pg_class tc ON tc.oid=i.indrelid"
    " LEFT OUTER JOIN pg_catalog.pg_description dsc ON i.indexrelid=dsc.objoid"
    " WHERE i.indrelid={table} ORDER BY tabrelname, c.relname",
)


def run(setting: Setting) -> Section:
    """Make the tables, have a gateway show them, and ask both."""
    rounds = 3 if setting.quick else 15
    peer = setting.database(SCHEMA)
    _make_tables(peer)
    directory = cache_directory() / "catalogue"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    settings = f'[sources.{SCHEMA}]\nkind = "postgres"\ndsn = {json.dumps(peer)}\n'
    with gateway(setting.layout, settings, directory, (SCHEMA,)) as running:
        shown_in = running.startup_seconds + timed(partial(_wait_for_all, running))
        taken, reason = _ask(running, peer, rounds)
    interval = f'refresh_interval = "{_INTERVAL}s"'
    with gateway(setting.layout, settings, directory, (SCHEMA,), interval) as running:
        shown_again_in = running.startup_seconds + timed(partial(_wait_for_all, running))
        followed, slowest = _change(running, peer)
    return _section(taken, (shown_in, shown_again_in, followed, slowest), reason)


def _ask(running: GatewayProcess, peer: str, rounds: int) -> tuple[dict[str, dict[str, Timings]], str]:
    """Return each tool's timings, and why one could not be measured."""
    places = {"gateway": running.conninfo, "postgres": peer}
    jdbc, reason = _by_jdbc(places, max(3, rounds // 3))
    taken = {"JDBC getColumns of all tables": jdbc} if jdbc is not None else {}
    taken["SQLAlchemy, one table reflected"] = _by_sqlalchemy(places, rounds)
    taken["DBeaver's tree"] = _by_dbeaver(places, rounds)
    return taken, reason


def _section(taken: dict[str, dict[str, Timings]], mirror: tuple[float, float, float, float], reason: str) -> Section:
    lines = tuple(
        (name, *(spread(each[one], 1000, 1) for one in ("gateway", "postgres")), f"{_ratio(each):.2f}")
        for name, each in taken.items()
    )
    shown, again, followed, slowest = mirror
    figures = (
        ("from start to all tables shown, s", f"{shown:.2f}"),
        ("from a restart to all tables shown, s", f"{again:.2f}"),
        (f"a column added or dropped in the source shows after, s; looked at every {_INTERVAL} s", f"{followed:.2f}"),
        ("slowest `select 1` meanwhile, ms", f"{slowest * 1000:.1f}"),
    )
    columns = ("statement", "gateway, ms: median (min – max)", "PostgreSQL, ms", "ratio")
    notes = (f"{TABLES} tables of {COLUMNS} columns, in a PostgreSQL source; both are asked over TCP on loopback.",)
    notes += (f"getColumns could not be measured: {reason}",) if reason else ()
    data = {name: {one: each[one].plain() for one in each} for name, each in taken.items()}
    floors = tuple(Floor(f"{TABLES} tables, {name}", _ratio(each), _ALLOWED) for name, each in taken.items())
    return Section(
        "Catalogue", (Table(columns, lines), Table(("the mirror", ""), figures)), floors, notes,
        {**data, "mirror": dict(figures)},
    )  # fmt: skip


def _ratio(taken: dict[str, Timings]) -> float:
    return taken["gateway"].median / taken["postgres"].median


def _make_tables(peer: str) -> None:
    columns = ", ".join(f"c{number} {_TYPES[number % len(_TYPES)]}" for number in range(1, COLUMNS))
    with psycopg.connect(peer, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM pg_class WHERE relname ~ '^t[0-9]{4}$'").fetchone()
        if row == (TABLES,):
            return
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}".encode())
        for start in range(0, TABLES, 100):
            texts = [
                f"CREATE TABLE {SCHEMA}.t{number:04} (id bigint PRIMARY KEY, {columns});"
                for number in range(start, start + 100)
            ]
            connection.execute("".join(texts).encode())
    with psycopg.connect(peer, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _wait_for_all(running: GatewayProcess) -> None:
    """Wait until all tables are shown: a gateway does not wait long for a source before it serves."""
    query, deadline = b"SELECT count(*)::int FROM pg_tables WHERE schemaname = 'wide'", time.monotonic() + _PATIENCE
    with running.connect() as connection:
        while (row := connection.execute(query).fetchone()) != (TABLES,):
            if time.monotonic() > deadline:
                raise BenchmarkError(f"the gateway shows {row} tables")
            time.sleep(0.02)


def _change(running: GatewayProcess, peer: str) -> tuple[float, float]:
    """Add and drop a column in the source; return the seconds until clients see it, and those of the slowest
    `select 1`.
    """
    query = b"SELECT count(*)::int FROM pg_attribute WHERE attrelid = 'wide.t0001'::regclass AND attname = 'added'"
    with psycopg.connect(peer, autocommit=True) as source, running.connect() as connection, _watched(running) as slow:
        seconds = []
        for change, wanted in (("ADD COLUMN added integer", 1), ("DROP COLUMN added", 0)):
            source.execute(f"ALTER TABLE wide.t0001 {change}".encode())
            started = time.perf_counter()
            while connection.execute(query).fetchone() != (wanted,):
                if time.perf_counter() - started > _PATIENCE:
                    raise BenchmarkError("the gateway does not follow a change of the source")
                time.sleep(0.02)
            seconds.append(time.perf_counter() - started)
    return max(seconds), slow[0]


@contextmanager
def _watched(running: GatewayProcess) -> Iterator[list[float]]:
    """Send small statements during a block; the list then holds the seconds of the slowest."""
    slowest, done = [0.0], threading.Event()

    def watch() -> None:
        with running.connect() as connection:
            while not done.wait(0.005):
                slowest[0] = max(slowest[0], timed(lambda: connection.execute("select 1").fetchall()))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield slowest
    finally:
        done.set()
        watcher.join()


def _by_sqlalchemy(places: dict[str, str], rounds: int) -> dict[str, Timings]:
    engines = {
        name: sa.create_engine("postgresql+psycopg://", creator=partial(psycopg.connect, place))
        for name, place in places.items()
    }

    def reflect(engine: sa.Engine) -> None:
        table = sa.Table("t1000", sa.MetaData(), schema=SCHEMA, autoload_with=engine)
        if len(table.columns) != COLUMNS:
            raise BenchmarkError(f"{len(table.columns)} columns were reflected")

    try:
        return in_turn({name: partial(reflect, engine) for name, engine in engines.items()}, rounds, inner=3)
    finally:
        for engine in engines.values():
            engine.dispose()


def _by_dbeaver(places: dict[str, str], rounds: int) -> dict[str, Timings]:
    connections = {name: psycopg.connect(place, autocommit=True) for name, place in places.items()}
    try:
        asked = {name: _tree(connection) for name, connection in connections.items()}
        return in_turn(asked, rounds)
    finally:
        for connection in connections.values():
            connection.close()


def _tree(connection: psycopg.Connection) -> Callable[[], None]:
    names = {"schema": f"'{SCHEMA}'::regnamespace", "table": f"'{SCHEMA}.t1000'::regclass"}
    texts = [text.format(**names).encode() for text in _TREE]

    def ask() -> None:
        for text in texts:
            connection.execute(text).fetchall()

    return ask


def _by_jdbc(places: dict[str, str], rounds: int) -> tuple[dict[str, Timings] | None, str]:
    """Return the timings, or why there are none."""
    java = shutil.which("java")
    if java is None or not _JAR.exists():
        return None, "there is no Java" if java is None else "there is no pgjdbc (make clients)"
    words: list[str] = []
    for place in places.values():
        how = conninfo_to_dict(place)
        url = f"jdbc:postgresql://{how['host']}:{how['port']}/{how['dbname']}?sslmode=disable&gssEncMode=disable"
        words += [url, str(how["user"]), str(how["password"])]
    command = [java, "-cp", str(_JAR), str(_JAVA), *words, str(rounds), SCHEMA]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        raise BenchmarkError(f"getColumns failed: {done.stderr.strip()[-500:]}")
    seconds: dict[str, list[float]] = {name: [] for name in places}
    for line in done.stdout.splitlines():
        subject, milliseconds, columns = line.split()
        if int(columns) != TABLES * COLUMNS:
            raise BenchmarkError(f"getColumns gave {columns} columns")
        seconds[[*places][int(subject)]].append(float(milliseconds) / 1000)
    return {name: Timings(tuple(each)) for name, each in seconds.items()}, ""
