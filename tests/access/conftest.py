"""A small lake of its own, served by a gateway, and a PostgreSQL with the same tables and roles to compare with."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from psycopg.conninfo import make_conninfo

from catalog import server as servers
from catalog.server import Server
from catalog.store.rows import AccessRows
from catalog.store.store import open_store
from gateway.authentication.scram import verifier
from tests.gateway import ADA, BOB, EVE, PASSWORD, RunningGateway, SampleLake, Settings, serving

ORDERS = pa.table(
    {
        "id": pa.array([1, 2, 3, 4], pa.int32()),
        "region": ["north", "north", "south", "west"],
        "amount": pa.array([10, 20, 30, 40], pa.int64()),
        "owner": ["bob", "eve", "bob", "ada"],
    }
)
REGIONS = pa.table({"region": ["north", "south"], "team": ["bob", "eve"]})


@pytest.fixture(scope="session")
def shop() -> Iterator[SampleLake]:
    """A lake with the tables orders and regions in one Delta source, and its own metadata."""
    folder = Path(tempfile.mkdtemp(prefix="lakegate-access-"))
    folder.chmod(0o711)
    server = servers.start(folder / "metadata", lasting=False)
    store = open_store(server)
    store.add_role(ADA, verifier(PASSWORD), superuser=True)
    for name in (BOB, EVE):
        store.add_role(name, verifier(PASSWORD))
    store.close()
    write_deltalake(folder / "shop" / "orders", ORDERS)
    write_deltalake(folder / "shop" / "regions", REGIONS)
    try:
        yield SampleLake(folder, server, {"shop": {"kind": "delta", "location": str(folder / "shop")}})
    finally:
        server.stop()
        servers.remove(folder / "metadata")
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def shop_gateway(shop: SampleLake) -> Iterator[RunningGateway]:
    with serving(shop, Settings(server={"refresh_interval": "0"})) as running:
        yield running


@pytest.fixture(scope="session")
def peer(shop: SampleLake) -> Iterator[Server]:
    """PostgreSQL itself, with the same superuser, users and tables."""
    server = servers.start(shop.folder / "peer", lasting=False)
    with server.connect(autocommit=True) as connection:
        for statement in (
            "CREATE ROLE ada LOGIN SUPERUSER PASSWORD 'correct horse'",
            "CREATE ROLE bob LOGIN PASSWORD 'correct horse'",
            "CREATE ROLE eve LOGIN PASSWORD 'correct horse'",
            "CREATE DATABASE lake",
            'ALTER DATABASE lake SET search_path = "$user", public, shop',
        ):
            connection.execute(statement)
    with server.connect("lake", autocommit=True) as connection:
        for statement in (
            "CREATE SCHEMA shop",
            "CREATE TABLE shop.orders (id integer, region text, amount bigint, owner text)",
            "CREATE TABLE shop.regions (region text, team text)",
            "CREATE FOREIGN DATA WRAPPER lakegate",
            "CREATE SERVER shop FOREIGN DATA WRAPPER lakegate",
            "CREATE SCHEMA lakegate",
            "GRANT USAGE ON SCHEMA lakegate TO PUBLIC",
            "CREATE FUNCTION lakegate.principal() RETURNS text LANGUAGE sql AS 'SELECT session_user::text'",
            "CREATE FUNCTION lakegate.mask_email(value text) RETURNS text LANGUAGE sql AS $$ SELECT 'a***@b'::text $$",
        ):
            connection.execute(statement)
    try:
        yield server
    finally:
        server.stop()
        servers.remove(shop.folder / "peer")


def peer_dsn(peer: Server, user: str) -> str:
    """Return how a user of the comparison logs in."""
    return make_conninfo("", **peer.connection_parameters("lake", user, PASSWORD))


@pytest.fixture
def clean(shop: SampleLake, shop_gateway: RunningGateway) -> Iterator[None]:
    """Leave nothing but the users behind."""
    with cleaned(shop, shop_gateway):
        yield


@contextmanager
def cleaned(shop: SampleLake, shop_gateway: RunningGateway) -> Iterator[None]:
    """Leave nothing but the users behind at the end of the block."""
    store = open_store(shop.server)
    try:
        yield
    finally:
        with store.changing() as change:
            kept = tuple(role for role in change.before.roles if role.name in {ADA, BOB, EVE})
            change.write(AccessRows(change.before.version, kept))
        version = store.load_access().version
        store.close()
        wait_for_version(shop_gateway, version)


def wait_for_version(gateway: RunningGateway, version: int) -> None:
    """Wait until the gateway's mirror shows a change that another process made."""
    import time

    deadline = time.monotonic() + 5
    with psycopg.connect(gateway.dsn(ADA), autocommit=True) as connection:
        while time.monotonic() < deadline:
            query = "SELECT count(*) FROM pg_roles r WHERE shobj_description(r.oid, 'pg_shdescription') IS NOT NULL"
            roles = connection.execute(query).fetchone()
            policies = connection.execute("SELECT count(*) FROM pg_policies").fetchone()
            held = connection.execute(
                "SELECT count(*) FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = 'shop'::regnamespace"
                " AND a.grantee <> c.relowner AND a.grantee <> 'lakegate_superusers'::regrole"
            ).fetchone()
            if (roles, policies, held) == ((3,), (0,), (0,)):
                return
            time.sleep(0.02)
    raise AssertionError(f"the gateway does not take over version {version}")
