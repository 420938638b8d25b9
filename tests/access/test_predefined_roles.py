"""Memberships in roles that PostgreSQL has of itself: what they give at the gateway, and what they do not."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from catalog.store.store import open_store
from catalog.tables import Catalog
from gateway.rehearsal.policy_file import exported, write_policies
from tests.gateway import ADA, BOB, EVE, RunningGateway, SampleLake

SEEN = "SELECT query FROM pg_stat_activity WHERE pid = %s"
HIDDEN = "<insufficient privilege>"


@pytest.fixture
def ada(shop_gateway: RunningGateway, clean: None) -> Iterator[psycopg.Connection]:
    with shop_gateway.connect(ADA) as connection:
        yield connection


@pytest.fixture
def bob(shop_gateway: RunningGateway, ada: psycopg.Connection) -> Iterator[psycopg.Connection]:
    with shop_gateway.connect(BOB) as connection:
        yield connection


@pytest.fixture
def eve(shop_gateway: RunningGateway, ada: psycopg.Connection) -> Iterator[psycopg.Connection]:
    with shop_gateway.connect(EVE) as connection:
        yield connection


def test_who_reads_all_is_told_why(ada: psycopg.Connection, shop: SampleLake) -> None:
    ada.execute("CREATE ROLE readers IN ROLE pg_read_all_data")
    ada.execute("GRANT readers TO bob")
    told = ada.execute("CHECK ACCESS FOR bob ON shop.orders").fetchall()
    assert told == [("shop.orders", True, False, False, "granted")]
    reasons = {name: why for _, name, applies, why in ada.execute("EXPLAIN POLICY FOR bob ON shop.orders") if applies}
    assert reasons["SELECT ON shop.orders"] == "granted to bob → readers → pg_read_all_data"
    assert reasons["USAGE ON SCHEMA shop"] == "granted to bob → readers → pg_read_all_data"
    store = open_store(shop.server)
    try:
        text = write_policies(exported(store.load_access(), Catalog(0, {}, {}), "lake"), "sql")
    finally:
        store.close()
    assert "GRANT pg_read_all_data TO readers WITH ADMIN FALSE, INHERIT TRUE, SET FALSE;" in text
    assert "lakegate_read_all_data" not in text


def test_memberships_are_told_and_have_no_rights_at_the_metadata_server(ada: psycopg.Connection) -> None:
    ada.execute("CREATE ROLE readers IN ROLE pg_read_all_data")
    ada.execute("GRANT readers TO bob")
    asked = (
        "SELECT pg_has_role(%(who)s, 'pg_read_all_data', 'MEMBER'), pg_has_role(%(who)s, 'pg_read_all_data', 'USAGE')"
    )
    for who, is_member in (("readers", True), ("bob", True), ("eve", False)):
        assert ada.execute(asked, {"who": who}).fetchone() == (is_member, False)
        privilege = ada.execute("SELECT has_table_privilege(%s, 'shop.orders', 'SELECT')", (who,)).fetchone()
        assert privilege == (is_member,)
        passwords = ada.execute("SELECT has_table_privilege(%s, 'pg_catalog.pg_authid', 'SELECT')", (who,)).fetchone()
        assert passwords == (False,)


def test_views_of_a_reader_read_with_his_rights(ada: psycopg.Connection, eve: psycopg.Connection) -> None:
    ada.execute("GRANT pg_read_all_data TO bob")
    ada.execute("CREATE VIEW shop.sums AS SELECT region, sum(amount) AS sum FROM shop.orders GROUP BY region")
    ada.execute("ALTER VIEW shop.sums OWNER TO bob")
    ada.execute("GRANT USAGE ON SCHEMA shop TO eve")
    ada.execute("GRANT SELECT ON shop.sums TO eve")
    assert eve.execute("SELECT sum FROM shop.sums WHERE region = 'north'").fetchone() == (30,)
    ada.execute("REVOKE pg_read_all_data FROM bob")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        eve.execute("SELECT sum FROM shop.sums WHERE region = 'north'")
    ada.execute("DROP VIEW shop.sums")


def test_a_reader_reads_views_that_come_later(ada: psycopg.Connection, bob: psycopg.Connection) -> None:
    ada.execute("GRANT pg_read_all_data TO bob")
    ada.execute("CREATE VIEW shop.few AS SELECT id FROM shop.orders WHERE id < 3")
    assert bob.execute("SELECT count(*) FROM shop.few").fetchone() == (2,)
    assert bob.execute("SELECT has_table_privilege('shop.few', 'select')").fetchone() == (True,)
    ada.execute("DROP VIEW shop.few")


@pytest.mark.parametrize("role", ["pg_monitor", "pg_read_all_stats"])
def test_what_others_do_is_shown(
    ada: psycopg.Connection, bob: psycopg.Connection, eve: psycopg.Connection, role: str
) -> None:
    bob.execute("SELECT 'what bob asks'")
    pid = (bob.info.backend_pid,)
    assert eve.execute(SEEN, pid).fetchone() == (HIDDEN,)
    ada.execute(f"GRANT {role} TO eve".encode())
    assert eve.execute(SEEN, pid).fetchone() == ("SELECT 'what bob asks'",)
    assert eve.execute(SEEN, (ada.info.backend_pid,)).fetchone() == (f"GRANT {role} TO eve",)
    ada.execute(f"REVOKE {role} FROM eve".encode())
    assert eve.execute(SEEN, pid).fetchone() == (HIDDEN,)


@pytest.mark.parametrize("signal", ["cancel", "terminate"])
def test_sessions_of_others_are_signalled(
    ada: psycopg.Connection, bob: psycopg.Connection, eve: psycopg.Connection, signal: str
) -> None:
    ask = f"SELECT pg_{signal}_backend(%s)".encode()
    ada.execute("GRANT pg_signal_backend TO eve")
    assert eve.execute(ask, (bob.info.backend_pid,)).fetchone() == (True,)
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
        eve.execute(ask, (ada.info.backend_pid,))
    assert "Only roles with the SUPERUSER attribute may" in str(caught.value.diag.message_detail)
    ada.execute("REVOKE pg_signal_backend FROM eve")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        eve.execute(ask, (ada.info.backend_pid,))
    assert ada.execute("SELECT 1").fetchone() == (1,)


def test_all_tables_are_maintained_and_none_is_read(ada: psycopg.Connection, eve: psycopg.Connection) -> None:
    ada.execute("GRANT pg_maintain TO eve")
    notices: list[str] = []
    eve.add_notice_handler(lambda told: notices.append(f"{told.severity} {told.message_primary}"))
    eve.execute("ANALYZE shop.orders")
    assert notices == []
    with pytest.raises(psycopg.errors.UndefinedTable):
        eve.execute("SELECT count(*) FROM shop.orders")
    ada.execute("REVOKE pg_maintain FROM eve")
    with pytest.raises(psycopg.errors.UndefinedTable):
        eve.execute("ANALYZE shop.orders")
