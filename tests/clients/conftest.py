"""A gateway over the tables that clients' sequences ask, and a PostgreSQL that has them itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.clients.wire_replay import Where
from tests.gateway import ADA, PASSWORD, RunningGateway, SampleLake, Settings, serving

PSQL = pytest.mark.client(
    "psql",
    r"15-18: every \d command, \gdesc, \watch, \crosstabview, \bind, pipelines, \sf, \ef, \gexec, \copy, FETCH_COUNT,"
    " Ctrl-C; Tab (Debian's psql)",
)
SQLALCHEMY = pytest.mark.client(
    "SQLAlchemy 2",
    "the inspector's every method, reflection, Core, the ORM, over psycopg and psycopg2;"
    " its dialect suite but for writing",
)
SEQUENCES = Path(__file__).parent / "sequences"
# The engine ends a cross join under an aggregate by itself alone: it must not take for ever
HEAVY = "SELECT count(*) FROM small.numbers a, small.numbers b WHERE a.n::text || b.n::text ~ '(x|y)+z'"
SCHEMA_FILE = Path(__file__).parent / "schema.sql"
SCHEMA = "shop"
DATABASE = "shop"


@dataclass(frozen=True, slots=True)
class Shop:
    """The same tables behind a gateway and in PostgreSQL, both asked as superuser ``ada`` in a database ``shop``."""

    gateway: RunningGateway
    peer: Where
    server: SampleLake

    @property
    def ours(self) -> Where:
        """The gateway."""
        return Where(self.gateway.host, self.gateway.port, ADA, PASSWORD, self.gateway.database)

    def peer_dsn(self) -> str:
        """Return libpq's connection string of PostgreSQL itself."""
        peer = self.peer
        return make_conninfo(
            "", host=peer.host, port=peer.port, user=peer.user, password=peer.password, dbname=peer.database
        )


@pytest.fixture
def reference(lake: SampleLake) -> Iterator[psycopg.Connection]:
    """A session of PostgreSQL itself, which has the sample lake's small tables."""
    with psycopg.connect(lake.reference_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def shop(lake: SampleLake) -> Iterator[Shop]:
    """Both; the gateway's settings are those of every installation."""
    server = lake.server
    server.create_database(DATABASE, "shop_owner", "shop secret")
    owner = server.connection_parameters(DATABASE, "shop_owner", "shop secret")
    with psycopg.connect(make_conninfo("", **owner)) as connection:
        connection.execute(SCHEMA_FILE.read_bytes())
    with server.connect(DATABASE, autocommit=True) as connection:
        path = sql.SQL("ALTER DATABASE {} SET search_path = '$user', public, shop").format(sql.Identifier(DATABASE))
        connection.execute(path)
    address = server.address(DATABASE)
    password = str(server.connection_parameters(DATABASE).get("password", ""))
    peer = Where(address.host, address.port, server.superuser, password, DATABASE)
    sources = {"shop": {"kind": "postgres", "dsn": make_conninfo("", **owner)}}
    settings = Settings(server={"refresh_interval": "0"}, sources={**lake.sources, **sources}, database="shop_lake")
    with serving(lake, settings) as running:
        yield Shop(running, peer, lake)
