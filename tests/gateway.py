"""A real gateway over a small real lake, for every suite that needs one.

``lake`` (one a session) is the data: TPC-H at scale 0.01 laid out over Delta, Iceberg, PostgreSQL and files as in the
demo, and two small sources with values of every type. ``gateway`` (one a session) is ``lakegate serve`` over it, a
process of its own on free ports; it must end with exit code 0. `serving` starts another one with other settings, for
tests that break something. All gateways of a session keep their metadata in the lake's PostgreSQL.

========  ===========  =========================================================
source    kind         tables
========  ===========  =========================================================
sales     Delta        lineitem, orders
supply    Iceberg      part, partsupp, supplier
crm       PostgreSQL   customer, nation, region
files     files        exchange_rates, holidays
small     Delta        kinds (a column a type), numbers (n from 1 to 10000), none (no rows),
                       series (four million n)
origin    PostgreSQL   things (the types that Delta has not); many (5 GB), slow (100 s) and second (1 s)
========  ===========  =========================================================

The database ``reference`` of the lake's PostgreSQL has the same rows under the same names (``small.kinds``,
``origin.things``), to ask PostgreSQL itself what is right.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from catalog.server import Server

ADA = "ada"  # may read everything
BOB = "bob"  # may read crm and sales.orders
EVE = "eve"  # may read nothing
PASSWORD = "correct horse"
DATABASE = "lake"
_START_SECONDS = 120.0
_STOP_SECONDS = 30.0

Section = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SampleLake:
    """The data, and the PostgreSQL that holds metadata and sources. ``sources`` are sections of a configuration."""

    folder: Path
    server: Server
    sources: Mapping[str, Section]

    @property
    def metadata_url(self) -> str:
        """Where gateways keep their metadata."""
        return self.dsn("postgres")

    @property
    def reference_dsn(self) -> str:
        """The database in which PostgreSQL itself has the small tables."""
        return self.dsn("reference")

    def dsn(self, database: str) -> str:
        """Return a connection string of the PostgreSQL's owner."""
        return make_conninfo("", **self.server.connection_parameters(database))


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """A gateway that serves. ``log`` is what it wrote, one JSON object a line."""

    host: str
    port: int
    log: Path
    process: subprocess.Popen[bytes]
    database: str = DATABASE

    def dsn(self, user: str = ADA, password: str = PASSWORD, **parameters: Any) -> str:
        """Return a libpq connection string; parameters are libpq's."""
        given: dict[str, Any] = {"host": self.host, "port": self.port, "dbname": self.database, "sslmode": "disable"}
        return make_conninfo("", user=user, password=password, **(given | parameters))

    def connect(self, user: str = ADA, **parameters: Any) -> psycopg.Connection:
        """Open a psycopg connection in autocommit mode."""
        return psycopg.connect(self.dsn(user, **parameters), autocommit=True)

    def socket(self, timeout: float = 10.0) -> socket.socket:
        """Open a bare TCP connection."""
        return socket.create_connection((self.host, self.port), timeout=timeout)

    def memory(self) -> int:
        """Return the resident bytes of the gateway's process."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def cpu_seconds(self) -> float:
        """Return the processor time that the gateway's process has used, and its worker processes."""
        process = psutil.Process(self.process.pid)
        times = [one.cpu_times() for one in (process, *process.children())]
        return float(sum(each.user + each.system for each in times))

    def records(self, event: str) -> list[dict[str, Any]]:
        """Return the log's records of an event, oldest first."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [record for line in lines if line.startswith("{") and (record := json.loads(line))["event"] == event]

    def statements(self) -> list[dict[str, Any]]:
        """Return the records of all statements that have been answered, oldest first. Theirs are written a moment after
        the answer, or before that of an error, which the gateway answers here.
        """
        with self.connect() as connection, pytest.raises(psycopg.errors.StatementTooComplex):
            connection.execute("(" * 500)
        return self.records("statement")


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs from the usual configuration: keys by section, and sources in place of the lake's own. Those need a
    database of their own, too: else the shared gateway's catalogues would show them in place of its tables.
    """

    server: Section = field(default_factory=dict)
    auth: Section = field(default_factory=dict)
    engine: Section = field(default_factory=dict)
    audit: Section = field(default_factory=dict)
    costs: Section = field(default_factory=dict)
    sources: Mapping[str, Section] | None = None
    database: str = DATABASE
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Require a database of its own."""
        assert self.sources is None or self.database != DATABASE, "other sources, but the shared gateway's database"


@pytest.fixture(scope="session")
def lake() -> Iterator[SampleLake]:
    """The sample lake that tests share."""
    with make_lake() as made:
        yield made


@contextmanager
def make_lake() -> Iterator[SampleLake]:
    """Make a sample lake; its PostgreSQL is stopped and everything deleted at the end."""
    from catalog import server as servers

    folder = Path(tempfile.mkdtemp(prefix="lakegate-lake-"))
    folder.chmod(0o711)  # PostgreSQL does not run as root: its account must get through
    server = servers.start(folder / "metadata", lasting=False)
    try:
        yield SampleLake(folder, server, _make_sources(folder, server))
    finally:
        server.stop()
        servers.remove(folder / "metadata")
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def gateway(lake: SampleLake) -> Iterator[RunningGateway]:
    """The gateway that tests share: leave it as it was."""
    with serving(lake, Settings(server={"refresh_interval": "0"})) as running:
        yield running


@contextmanager
def serving(lake: SampleLake, settings: Settings, *, exit_code: int | None = 0) -> Iterator[RunningGateway]:
    """Serve the lake with settings of one's own for the length of a block; ends by SIGTERM and checks the exit code
    (None: the block ends the process itself, and looks at how).
    """
    folder = Path(tempfile.mkdtemp(dir=lake.folder))
    config = write_config(folder, lake, settings)
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway.cli", "serve", "--config", str(config)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONFAULTHANDLER": "1", **settings.environment},
        )
    try:
        address = _wait_until_listening(process, log)
        host, port = address.rsplit(":", 1)
        yield RunningGateway(host, int(port), log, process, settings.database)
        if exit_code is not None:
            process.send_signal(signal.SIGTERM)
            code = process.wait(_STOP_SECONDS)
            assert code == exit_code, f"{_tail(log)}\nexit code {code}"
            assert (traces := _traces(log)) == "", f"the gateway's log tells of failures\n{traces}"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@contextmanager
def serving_anew(lake: SampleLake, sources: tuple[str, ...], settings: Settings) -> Iterator[RunningGateway]:
    """Serve some of the lake's sources with metadata of their own: nobody has run, granted or made anything yet."""
    from catalog import server as servers

    folder = Path(tempfile.mkdtemp(dir=lake.folder))
    folder.chmod(0o711)  # PostgreSQL does not run as root: its account must get through
    server = servers.start(folder, lasting=False)
    try:
        make_users(server)
        with serving(
            SampleLake(lake.folder, server, {name: lake.sources[name] for name in sources}), settings
        ) as gateway:
            yield gateway
    finally:
        server.stop()
        servers.remove(folder)


def write_config(folder: Path, lake: SampleLake, settings: Settings) -> Path:
    """Write a configuration file for the lake."""
    server = {
        "listen": "127.0.0.1:0",
        "http_listen": "",
        "data_dir": str(folder / "state"),
        "database": settings.database,
        "metadata_url": lake.metadata_url,
        "shutdown_grace": "5s",
        **settings.server,
    }
    # With LAKEGATE_TEST_WORKERS=1 any test has its statements executed in a worker process.
    workers = int(os.environ.get("LAKEGATE_TEST_WORKERS", "0"))
    # Which columns are hot depends on what ran before, and EXPLAIN says so: tests of it have them on their own.
    engine = {
        "memory_limit": "512MB",
        "target_partitions": 2,
        "hot_columns_memory": "0",
        "workers": workers,
        **settings.engine,
    }
    sources = lake.sources if settings.sources is None else settings.sources
    sections = {
        "server": server,
        "auth": settings.auth,
        "audit": settings.audit,
        "engine": engine,
        "costs": settings.costs,
    }
    sections |= {f"sources.{name}": section for name, section in sources.items()}
    lines = []
    for name, section in sections.items():
        lines += [f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in section.items())]
    path = folder / "lakegate.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _make_sources(folder: Path, server: Server) -> dict[str, Section]:
    from gateway.configuration.config import IcebergSource, PostgresSource
    from gateway.demo.dataset import lay_out
    from tests.small_tables import load_reference, write_delta_tables

    server.create_database("crm", "crm_owner", "crm secret")
    crm = make_conninfo("", **server.connection_parameters("crm", "crm_owner", "crm secret"))
    layout = lay_out(folder / "tpch", 0.01, crm, lambda _step: None)
    write_delta_tables(folder / "small")
    server.create_database("reference", "reference_owner", "reference secret")
    parameters = server.connection_parameters("reference", "reference_owner", "reference secret")
    reference = make_conninfo("", **parameters)
    with psycopg.connect(reference) as connection:
        load_reference(connection)
    make_users(server)
    sources: dict[str, Section] = {}
    for name, source in layout.sources.items():
        match source:
            case IcebergSource():
                sources[name] = {"kind": "iceberg", "catalog": source.properties()}
            case PostgresSource():
                sources[name] = {"kind": "postgres", "dsn": source.dsn.get_secret_value()}
            case _:
                sources[name] = {"kind": source.kind, "location": source.location}
    sources["small"] = {"kind": "delta", "location": str(folder / "small")}
    sources["origin"] = {"kind": "postgres", "dsn": reference}
    return sources


def make_users(server: Server) -> None:
    """Make ada, bob and eve."""
    from catalog.store.rows import Grant
    from catalog.store.store import open_store
    from gateway.authentication.scram import verifier

    store = open_store(server)
    proof = verifier(PASSWORD)
    store.add_role(ADA, verifier=proof, superuser=True)
    for name in (BOB, EVE):
        store.add_role(name, verifier=proof)
    store.grant(Grant(BOB, "crm"), Grant(BOB, "sales", "orders"))
    store.close()


def _wait_until_listening(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        for line in log.read_text(encoding="utf-8").splitlines():
            if '"listening"' in line and (record := json.loads(line))["event"] == "listening":
                return str(record["address"])
        assert process.poll() is None, f"the gateway ended with exit code {process.returncode}\n{_tail(log)}"
        time.sleep(0.02)
    raise AssertionError(f"the gateway does not listen\n{_tail(log)}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8").splitlines()[-25:])


def _traces(log: Path) -> str:
    """Return what the log tells of failures; those that are no records of it go over the lines that follow."""
    lines = log.read_text(encoding="utf-8").splitlines()
    told = [lines[place : place + 20] for place, line in enumerate(lines) if "Traceback" in line]
    return "\n".join("\n".join(trace[:1] if trace[0].startswith("{") else trace) for trace in told)


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else json.dumps(str(value).replace("${", "$${"))
