"""Open transactions of clients do not hold up those who give and take access."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.gateway import BOB, EVE, RunningGateway

GRACE = 2.0
POLICY = "CREATE POLICY own ON shop.orders TO bob USING (owner = current_user)"


@pytest.fixture
def officer(shop_gateway: RunningGateway, clean: None) -> Iterator[psycopg.Connection]:
    """Who changes access; bob and eve may read the table."""
    with shop_gateway.connect() as connection:
        connection.execute("GRANT USAGE ON SCHEMA shop TO bob, eve")
        connection.execute("GRANT SELECT ON shop.orders TO bob, eve")
        yield connection


@pytest.mark.parametrize("then", ["SELECT id FROM shop.orders", "SELECT count(*) FROM pg_class", "COMMIT"])
def test_a_transaction_that_stays_open_is_ended(
    shop_gateway: RunningGateway, officer: psycopg.Connection, then: str
) -> None:
    with shop_gateway.connect(BOB) as idle, shop_gateway.connect(EVE) as bystander:
        idle.execute("BEGIN")
        idle.execute("SELECT id FROM shop.orders")
        began = time.monotonic()
        officer.execute(POLICY)
        assert time.monotonic() - began < GRACE + 1
        assert bystander.execute("SELECT count(*) FROM shop.orders").fetchone() == (4,)
        with pytest.raises(psycopg.errors.AdminShutdown) as caught:
            idle.execute(then.encode())
        assert "held up a change of who may read what" in (caught.value.diag.message_detail or "")
        assert caught.value.diag.message_hint == "Connect and run the transaction again."
    began = time.monotonic()
    officer.execute("ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY")
    assert time.monotonic() - began < 1
    with shop_gateway.connect(BOB) as again:
        assert again.execute("SELECT id FROM shop.orders ORDER BY id").fetchall() == [(1,), (3,)]


def test_a_transaction_that_ends_in_time_is_waited_for(
    shop_gateway: RunningGateway, officer: psycopg.Connection
) -> None:
    with shop_gateway.connect(BOB) as busy:
        busy.execute("BEGIN")
        busy.execute("SELECT id FROM shop.orders")
        ending = threading.Timer(0.7, busy.execute, ("COMMIT",))
        ending.start()
        officer.execute(POLICY)
        ending.join()
        assert busy.execute("SELECT count(*) FROM shop.orders").fetchone() == (4,)


def test_those_who_hold_nothing_up_go_on(shop_gateway: RunningGateway, officer: psycopg.Connection) -> None:
    with shop_gateway.connect(BOB) as other:
        other.execute("BEGIN")
        other.execute("SELECT team FROM pg_catalog.pg_class, (SELECT 1) one (team)")
        time.sleep(GRACE + 0.1)
        officer.execute(POLICY)
        officer.execute("GRANT SELECT ON shop.regions TO bob")
        other.execute("COMMIT")


def test_ones_own_transaction_is_not_ended(shop_gateway: RunningGateway, officer: psycopg.Connection) -> None:
    officer.execute("BEGIN")
    officer.execute("SELECT id FROM shop.orders")
    with pytest.raises(psycopg.errors.LockNotAvailable) as caught:
        officer.execute(POLICY)
    assert "open transactions" in (caught.value.diag.message_hint or "")
    officer.execute("ROLLBACK")
    officer.execute(POLICY)


def test_who_does_not_own_a_table_ends_nobodys_transaction(
    shop_gateway: RunningGateway, officer: psycopg.Connection
) -> None:
    with shop_gateway.connect(BOB) as reader, shop_gateway.connect(EVE) as other:
        reader.execute("BEGIN")
        reader.execute("SELECT id FROM shop.orders")
        time.sleep(GRACE + 0.1)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            other.execute(POLICY)
        assert reader.execute("SELECT count(*) FROM shop.orders").fetchone() == (4,)
        reader.execute("COMMIT")
