"""What all benchmarks share: the data, laid out once, and the PostgreSQL that is both a source and a peer.

Everything is kept in one folder outside of version control (``.lakegate/bench``, or ``$LAKEGATE_BENCH_DIR``), by scale,
and found again by the next run.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from benchmarks.gateway_process import GatewayProcess, free_port, gateway
from catalog import server as postgres
from gateway.demo import crm, generate
from gateway.demo.dataset import Layout, lay_out

_ROWS_AT_SCALE_1 = 6_001_215
# What an administrator would give a server of this size; the defaults of the embedded server are for catalogues.
_PEER_SETTINGS = {"shared_buffers": "1GB", "work_mem": "64MB", "max_wal_size": "4GB", "effective_io_concurrency": "64"}
_LINEITEM = """
CREATE TABLE lineitem (
    l_orderkey bigint NOT NULL, l_partkey bigint NOT NULL, l_suppkey bigint NOT NULL, l_linenumber integer NOT NULL,
    l_quantity numeric(15,2) NOT NULL, l_extendedprice numeric(15,2) NOT NULL, l_discount numeric(15,2) NOT NULL,
    l_tax numeric(15,2) NOT NULL, l_returnflag text NOT NULL, l_linestatus text NOT NULL, l_shipdate date NOT NULL,
    l_commitdate date NOT NULL, l_receiptdate date NOT NULL, l_shipinstruct text NOT NULL, l_shipmode text NOT NULL,
    l_comment text NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """The data and the peers of a run. ``postgres_conninfo`` reaches PostgreSQL over TCP on loopback, as the gateway is
    reached; its database holds lineitem too.
    """

    scale: float
    quick: bool
    layout: Layout
    gateway: GatewayProcess
    postgres_conninfo: str
    psql: Path
    server: postgres.Server
    report: Callable[[str], None]

    @property
    def lineitem_rows(self) -> int:
        """About how many rows lineitem has."""
        return round(_ROWS_AT_SCALE_1 * self.scale)

    def connect_postgres(self) -> psycopg.Connection:
        """Open a connection to PostgreSQL itself."""
        return psycopg.connect(self.postgres_conninfo, autocommit=True)

    @property
    def crm_conninfo(self) -> str:
        """How the source ``crm`` itself is reached, over TCP on loopback."""
        return _over_tcp(self.layout.crm_dsn)

    def database(self, name: str) -> str:
        """Have another database in PostgreSQL; return how its owner reaches it, over TCP on loopback."""
        return _over_tcp(_database(self.server, name))


def cache_directory() -> Path:
    """Return where data is kept between runs."""
    return Path(os.environ.get("LAKEGATE_BENCH_DIR", ".lakegate/bench")).absolute()


def lay_out_beside(setting: Setting, scale: float) -> Layout:
    """Have data of another scale beside a setting's; PostgreSQL has the source of it, and no lineitem."""
    return _laid_out(setting.server, scale, setting.report)


@contextmanager
def open_setting(scale: float, quick: bool, report: Callable[[str], None]) -> Iterator[Setting]:
    """Have the data laid out, PostgreSQL and a gateway running for the length of a block."""
    directory = cache_directory()
    directory.mkdir(parents=True, exist_ok=True)
    report("starting PostgreSQL")
    server = _start_peer(directory / "postgres")
    try:
        layout = _laid_out(server, scale, report)
        peer = _database(server, f"peer_{_suffix(scale)}")
        _load_lineitem(peer, layout, report)
        programs = server.programs
        assert programs is not None
        report("starting the gateway")
        with gateway(layout) as running:
            yield Setting(scale, quick, layout, running, _over_tcp(peer), programs / "psql", server, report)
    finally:
        server.stop()


def _laid_out(server: postgres.Server, scale: float, report: Callable[[str], None]) -> Layout:
    crm_dsn = _database(server, f"crm_{_suffix(scale)}")
    return lay_out(cache_directory() / f"{scale:g}", scale, crm_dsn, report)


def _suffix(scale: float) -> str:
    return f"{scale:g}".replace(".", "_")


def _start_peer(data_dir: Path) -> postgres.Server:
    """Return a running server with the peer's settings, on the network too."""
    server = postgres.start(data_dir, free_port())
    with server.connect(autocommit=True) as connection:
        found = connection.execute("SELECT name, setting FROM pg_file_settings ORDER BY seqno").fetchall()
        if _PEER_SETTINGS.items() <= dict(found).items():
            return server
        for name, value in _PEER_SETTINGS.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
    server.stop()
    return postgres.start(data_dir, free_port())


def _database(server: postgres.Server, name: str) -> str:
    """Have a database with an owner of its own; return how its owner reaches it, through the unix socket."""
    password = secrets.token_urlsafe(24)
    server.create_database(name, f"{name}_owner", password)
    parameters = server.connection_parameters(name, f"{name}_owner", password)
    parameters.pop("connect_timeout", None)
    return make_conninfo("", **parameters)


def _over_tcp(dsn: str) -> str:
    return make_conninfo(dsn, host="127.0.0.1", sslmode="disable", gssencmode="disable")


def _load_lineitem(dsn: str, layout: Layout, report: Callable[[str], None]) -> None:
    """Copy lineitem into PostgreSQL, for the comparison of sending rows."""
    with psycopg.connect(dsn) as connection:
        if connection.execute("SELECT to_regclass('public.lineitem') IS NOT NULL").fetchone() == (True,):
            return
        report("peer: loading lineitem into PostgreSQL")
        folder = layout.directory / "peer"
        generate.generate(folder, layout.scale, ("lineitem",))
        connection.execute(_LINEITEM)
        crm.copy_into(connection, "lineitem", folder / "lineitem.parquet")
    (folder / "lineitem.parquet").unlink()
    folder.rmdir()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM (FREEZE, ANALYZE) lineitem")
