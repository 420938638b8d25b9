"""Two gateways on one metadata server: what one changes counts at the other, and nobody is believed for ever."""

from __future__ import annotations

import json
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from benchmarks.gateway_process import free_port
from catalog.mirror.connections import CHANGE_LOCK
from catalog.store.gateways import connection_name
from catalog.store.listener import Ears
from catalog.store.rows import Grant
from catalog.store.store import open_store
from tests.gateway import BOB, RunningGateway, SampleLake, Settings, serving

GRACE = 4.0
DENIED = "42501"
WITHIN = 1.0  # seconds in which a change is to count everywhere


@pytest.fixture(scope="module")
def health_port() -> int:
    """Where the second gateway tells of its health."""
    return free_port()


@pytest.fixture(scope="module")
def second(shop: SampleLake, shop_gateway: RunningGateway, health_port: int) -> Iterator[RunningGateway]:
    """Another gateway, which soon believes nothing any more."""
    listen = f"127.0.0.1:{health_port}"
    settings = Settings(server={"refresh_interval": "0", "metadata_grace": f"{GRACE:g}s", "http_listen": listen})
    with serving(shop, settings) as running:
        yield running


def rows(connection: psycopg.Connection, query: str = "SELECT id, owner FROM shop.orders ORDER BY id") -> object:
    """Return what a client gets: rows, or the error's SQLSTATE."""
    try:
        return connection.execute(query.encode()).fetchall()
    except psycopg.errors.UndefinedTable:  # what nothing of may be read is as if absent
        return DENIED
    except psycopg.Error as error:
        return error.sqlstate


def soon(expected: object, look: Callable[[], object], within: float = WITHIN) -> float:
    """Wait until it looks as expected; return the seconds that it took."""
    began = time.monotonic()
    while (found := look()) != expected:
        assert time.monotonic() - began < within, found
        time.sleep(0.01)
    return time.monotonic() - began


@pytest.mark.usefixtures("clean")
def test_what_one_gateway_changes_counts_at_the_other_within_a_second(
    shop_gateway: RunningGateway, second: RunningGateway
) -> None:
    everything = [(1, "bob"), (2, "eve"), (3, "bob"), (4, "ada")]
    with shop_gateway.connect() as officer, second.connect(BOB) as reader:
        assert rows(reader) == DENIED
        officer.execute("GRANT USAGE ON SCHEMA shop TO bob")
        officer.execute("GRANT SELECT ON shop.orders TO bob")
        soon(everything, lambda: rows(reader))
        prepared = "SELECT id, owner FROM shop.orders WHERE id < %s ORDER BY id"
        for _ in range(2):
            assert reader.execute(prepared, (9,), prepare=True).fetchall() == everything
        officer.execute("CREATE POLICY own ON shop.orders TO bob USING (owner = current_user)")
        officer.execute("ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY")
        soon([(1, "bob"), (3, "bob")], lambda: reader.execute(prepared, (9,), prepare=True).fetchall())
        officer.execute("CREATE MASKING POLICY node_hidden (value text) RETURNS text AS '***'")
        officer.execute("ALTER TABLE shop.orders ALTER COLUMN owner SET MASKING POLICY node_hidden")
        soon([(1, "***"), (3, "***")], lambda: rows(reader))
        with second.connect() as other_officer:  # and the other way round
            other_officer.execute("ALTER TABLE shop.orders ALTER COLUMN owner UNSET MASKING POLICY")
            other_officer.execute("DROP MASKING POLICY node_hidden")
            other_officer.execute("REVOKE SELECT ON shop.orders FROM bob")
        with shop_gateway.connect(BOB) as elsewhere:
            soon(DENIED, lambda: rows(elsewhere))


@pytest.mark.usefixtures("clean")
def test_what_is_taken_counts_although_the_mirror_cannot_be_changed(
    shop: SampleLake, second: RunningGateway, shop_gateway: RunningGateway
) -> None:
    store = open_store(shop.server)
    with second.connect(BOB) as reader:
        store.grant(Grant(BOB, "shop", "orders"))
        soon([(4,)], lambda: rows(reader, "SELECT count(*) FROM shop.orders"))
        with shop.server.connect(autocommit=True) as guard:
            guard.execute("SELECT pg_advisory_lock(%s)", (CHANGE_LOCK,))
            store.grant(Grant(BOB, "shop", "regions"))  # the gateways wait for the lock to show this
            time.sleep(0.1)
            store.revoke(Grant(BOB, "shop", "orders"))
            soon(DENIED, lambda: rows(reader, "SELECT count(*) FROM shop.orders"))
        soon([(2,)], lambda: rows(reader, "SELECT count(*) FROM shop.regions"))
    store.close()


@contextmanager
def store_away(shop: SampleLake) -> Iterator[None]:
    """Let nobody reach the metadata; the mirror, another database, goes on."""
    with shop.server.connect(autocommit=True) as owner:
        owner.execute("ALTER DATABASE lakegate ALLOW_CONNECTIONS false")
        owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'lakegate'")
        try:
            yield
        finally:
            owner.execute("ALTER DATABASE lakegate ALLOW_CONNECTIONS true")


@pytest.mark.usefixtures("clean")
def test_without_the_store_statements_go_on_for_the_grace_time_and_no_longer(
    shop: SampleLake, second: RunningGateway, shop_gateway: RunningGateway
) -> None:
    query = "SELECT count(*) FROM shop.orders"
    with second.connect() as reader, shop_gateway.connect() as patient:
        assert rows(reader, query) == [(4,)]
        with store_away(shop):
            began = time.monotonic()
            # The last word from the store came a second before, or a little more.
            while time.monotonic() - began < GRACE - 2.5:
                assert rows(reader, query) == [(4,)]
                time.sleep(0.05)
            soon("57P03", lambda: rows(reader, query), within=GRACE)
            assert rows(reader, "EXPLAIN " + query) == "57P03"
            assert rows(patient, query) == [(4,)]
        soon([(4,)], lambda: rows(reader, query), within=5)


def state(port: int, dependency: str) -> tuple[str, str]:
    """Return the status that a gateway tells, and the state of one of the things it is made of."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=10) as answer:
        told = json.load(answer)
    return told["status"], told["dependencies"][dependency]["state"]


@pytest.mark.usefixtures("clean")
def test_health_tells_of_a_policy_that_denies_its_table(
    shop: SampleLake, second: RunningGateway, health_port: int
) -> None:
    place, query = shop.folder / "shop" / "fragile", "SELECT id FROM shop.fragile"
    write_deltalake(place, pa.table({"id": [1, 2], "team": ["a", "b"]}))
    try:
        with second.connect() as officer, second.connect(BOB) as reader:
            officer.execute("REFRESH SOURCE shop")
            officer.execute("GRANT USAGE ON SCHEMA shop TO bob")
            officer.execute("GRANT SELECT ON shop.fragile TO bob")
            officer.execute("CREATE POLICY own ON shop.fragile USING (team = 'a')")
            officer.execute("ALTER TABLE shop.fragile ENABLE ROW LEVEL SECURITY")
            soon([(1,)], lambda: rows(reader, query))
            assert state(health_port, "policies") == ("ready", "up")
            write_deltalake(place, pa.table({"id": [1, 2]}), mode="overwrite", schema_mode="overwrite")
            officer.execute("REFRESH SOURCE shop")
            assert rows(reader, query) == "55000"
            assert state(health_port, "policies") == ("degraded", "down")
            said = officer.execute("EXPLAIN POLICY FOR bob ON shop.fragile").fetchall()
            assert [row for row in said if 'column "team" does not exist' in row[3]]
            officer.execute("ALTER POLICY own ON shop.fragile USING (id = 2)")
            soon([(2,)], lambda: rows(reader, query))
            assert state(health_port, "policies") == ("ready", "up")
    finally:
        shutil.rmtree(place)
        with second.connect() as officer:
            officer.execute("DROP POLICY IF EXISTS own ON shop.fragile")
            officer.execute("REFRESH SOURCE shop")


def test_gateways_of_other_sources_are_told_of(shop: SampleLake, second: RunningGateway, health_port: int) -> None:
    assert state(health_port, "gateways") == ("ready", "up")  # there are two, of the same sources
    store = open_store(shop.server)
    elsewhere = store.listen(Ears(lambda _: None), connection_name("elsewhere", ["other delta"]))
    try:
        assert not store.serves_otherwise("lake", ["shop delta"])
        assert state(health_port, "gateways") == ("ready", "up")
        with second.connect(application_name=connection_name("lake", ["other delta"])) as client:
            client.execute("SHOW application_name")  # a client says what it likes
            assert state(health_port, "gateways") == ("ready", "up")
        other = store.listen(Ears(lambda _: None), connection_name("lake", ["shop delta", "more files"]))
        try:
            soon(("degraded", "down"), lambda: state(health_port, "gateways"), within=5)
        finally:
            other.close()
        soon(("ready", "up"), lambda: state(health_port, "gateways"), within=5)
    finally:
        elsewhere.close()
        store.close()
