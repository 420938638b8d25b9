"""Two gateways on one metadata server: what one changes counts at the other, and nobody is believed for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from catalog.mirror.connections import CHANGE_LOCK
from catalog.store.rows import Grant
from catalog.store.store import open_store
from tests.gateway import BOB, RunningGateway, SampleLake, Settings, serving

GRACE = 4.0
DENIED = "42501"
WITHIN = 1.0  # seconds in which a change is to count everywhere


@pytest.fixture(scope="module")
def second(shop: SampleLake, shop_gateway: RunningGateway) -> Iterator[RunningGateway]:
    """Another gateway, which soon believes nothing any more."""
    settings = Settings(server={"refresh_interval": "0", "metadata_grace": f"{GRACE:g}s"})
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
