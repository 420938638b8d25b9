"""Officers see what policies show to somebody by SET SESSION AUTHORIZATION, and can do nothing in his name."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.gateway import ADA, BOB, EVE, PASSWORD, RunningGateway

_RULES = (
    "CREATE ROLE lakegate_officer",
    f"CREATE ROLE olga LOGIN PASSWORD '{PASSWORD}' IN ROLE lakegate_officer",
    "CREATE ROLE deputy LOGIN SUPERUSER",
    "CREATE ROLE auditor LOGIN BYPASSRLS",
    "CREATE ROLE heir LOGIN",
    "GRANT auditor TO heir WITH INHERIT FALSE, SET TRUE",
    "CREATE ROLE robot LOGIN",
    "GRANT pg_read_all_data TO robot",
    "CREATE ROLE team",
    "GRANT team TO eve",
    "GRANT USAGE ON SCHEMA shop TO bob, team",
    "GRANT SELECT ON shop.orders TO bob, team",
    "ALTER ROLE bob SET lakegate.claim.region = 'north'",
    "CREATE POLICY own ON shop.orders USING (region = lakegate.claim('region') OR owner = current_user)",
    "ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY",
)
_WORK = {"cancel": "query", "terminate": "process"}
_IDS = "SELECT array_agg(id ORDER BY id) FROM shop.orders"


@pytest.fixture
def ada(shop_gateway: RunningGateway, clean: None) -> Iterator[psycopg.Connection]:
    with shop_gateway.connect(ADA) as connection:
        for statement in _RULES:
            connection.execute(statement.encode(), prepare=False)
        yield connection


@pytest.fixture
def olga(shop_gateway: RunningGateway, ada: psycopg.Connection) -> Iterator[psycopg.Connection]:
    with shop_gateway.connect("olga") as connection:
        yield connection


def _refusal(connection: psycopg.Connection, statement: str) -> tuple[str | None, str | None]:
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(statement.encode(), prepare=False)
    return caught.value.sqlstate, caught.value.diag.message_primary


def test_an_officer_sees_what_another_sees(olga: psycopg.Connection) -> None:
    assert _refusal(olga, _IDS)[0] == "42P01"
    olga.execute("SET SESSION AUTHORIZATION bob")
    assert olga.execute("SELECT session_user, current_user").fetchone() == (BOB, BOB)
    assert olga.execute(_IDS.encode()).fetchone() == ([1, 2, 3],)
    olga.execute("SET SESSION AUTHORIZATION eve")
    assert olga.execute(_IDS.encode()).fetchone() == ([2],)
    olga.execute("SET ROLE team")  # as eve may
    assert olga.execute(_IDS.encode()).fetchone() == (None,)
    olga.execute("RESET SESSION AUTHORIZATION")
    assert _refusal(olga, _IDS)[0] == "42P01"


@pytest.mark.parametrize("name", [ADA, "deputy", "auditor", "heir", "robot", "nobody", "lakegate_superusers"])
def test_whom_an_officer_is_not(olga: psycopg.Connection, name: str) -> None:
    assert _refusal(olga, f"SET SESSION AUTHORIZATION {name}")[0] in {"42501", "22023"}
    assert olga.execute("SELECT session_user").fetchone() == ("olga",)


def test_others_are_nobody_else(shop_gateway: RunningGateway, ada: psycopg.Connection) -> None:
    with shop_gateway.connect(EVE) as eve:
        assert _refusal(eve, "SET SESSION AUTHORIZATION bob")[0] == "42501"


def test_an_officer_does_nothing_in_anothers_name(ada: psycopg.Connection, olga: psycopg.Connection) -> None:
    ada.execute("ALTER TABLE shop.regions OWNER TO bob")
    ada.execute("GRANT CREATE ON SCHEMA shop TO bob")
    olga.execute("SET SESSION AUTHORIZATION bob")
    denied = ("42501", 'permission denied while role "bob" is simulated')
    for statement in (
        "ALTER ROLE bob PASSWORD 'another horse battery'",
        "GRANT SELECT ON shop.regions TO olga",
        "CREATE VIEW shop.v AS SELECT * FROM shop.orders",
        "CREATE POLICY p ON shop.regions USING (false)",
        "ALTER TABLE shop.regions OWNER TO olga",
        "ALTER TABLE shop.regions ALTER COLUMN team UNSET MASKING POLICY",
        "DROP OWNED BY bob",
        "ANALYZE shop.regions",
        "EXPLAIN POLICY FOR eve ON shop.regions",
    ):
        assert _refusal(olga, statement) == denied, statement
    assert olga.execute(_IDS.encode()).fetchone() == ([1, 2, 3],)
    ada.execute("REVOKE CREATE ON SCHEMA shop FROM bob")


@pytest.mark.parametrize("signal", ["cancel", "terminate"])
def test_sessions_of_who_is_simulated_are_not_the_officers(
    shop_gateway: RunningGateway, olga: psycopg.Connection, signal: str
) -> None:
    """Neither are they ended, nor is told what they do: bob himself is told of, and ends, his own."""
    with shop_gateway.connect(BOB) as bob, shop_gateway.connect(BOB) as other:
        bob.execute("SELECT 'what bob asks'")
        pid = bob.info.backend_pid
        shown = f"SELECT query FROM pg_stat_activity WHERE pid = {pid}".encode()
        end = f"SELECT pg_{signal}_backend({pid})"
        olga.execute("SET SESSION AUTHORIZATION bob")
        assert _refusal(olga, end) == ("42501", 'permission denied while role "bob" is simulated')
        assert olga.execute(shown).fetchone() == ("<insufficient privilege>",)
        assert bob.execute("SELECT 1").fetchone() == (1,)
        olga.execute("RESET SESSION AUTHORIZATION")
        assert _refusal(olga, end)[1] == f"permission denied to {signal} {_WORK[signal]}"
        bob.execute("SELECT 'what bob asks'")
        assert other.execute(shown).fetchone() == ("SELECT 'what bob asks'",)
        assert other.execute(end.encode()).fetchone() == (True,)


def test_what_somebody_ran_is_not_told_to_who_simulates_him(
    shop_gateway: RunningGateway, olga: psycopg.Connection
) -> None:
    asked = "SELECT count(*) FROM lakegate.statement_history WHERE query LIKE '%own_question%'"
    with shop_gateway.connect(BOB) as bob:
        bob.execute("SELECT id AS own_question FROM shop.orders")
        assert bob.execute(asked.encode()).fetchone() == (1,)
    olga.execute("SET SESSION AUTHORIZATION bob")
    assert olga.execute(asked.encode()).fetchone() == (0,)


def test_a_superuser_who_is_somebody_ends_his_sessions(shop_gateway: RunningGateway, ada: psycopg.Connection) -> None:
    with shop_gateway.connect(BOB) as bob:
        ada.execute("SET SESSION AUTHORIZATION bob")
        assert ada.execute("SELECT pg_cancel_backend(%s)", (bob.info.backend_pid,)).fetchone() == (True,)
        ada.execute("RESET SESSION AUTHORIZATION")


def test_who_is_made_more_is_simulated_no_longer(ada: psycopg.Connection, olga: psycopg.Connection) -> None:
    olga.execute("SET SESSION AUTHORIZATION bob")
    assert olga.execute(_IDS.encode()).fetchone() == ([1, 2, 3],)
    ada.execute("GRANT auditor TO bob")
    assert _refusal(olga, _IDS) == ("42501", 'permission denied to set session authorization "bob"')
    ada.execute("REVOKE auditor FROM bob")
    assert olga.execute(_IDS.encode()).fetchone() == ([1, 2, 3],)
    ada.execute("REVOKE lakegate_officer FROM olga")
    assert _refusal(olga, _IDS)[0] == "42501"
    olga.execute("RESET SESSION AUTHORIZATION")
    assert _refusal(olga, "SET SESSION AUTHORIZATION bob")[0] == "42501"


def test_the_audit_has_both_names(ada: psycopg.Connection, olga: psycopg.Connection) -> None:
    olga.execute("SET SESSION AUTHORIZATION bob")
    olga.execute("SELECT id AS simulated_by_olga FROM shop.orders")
    told: list[tuple[object, ...]] = []
    deadline = time.monotonic() + 10
    while not told and time.monotonic() < deadline:
        told = ada.execute(
            "SELECT user_name, role FROM lakegate.audit_log"
            " WHERE phase = 'outcome' AND text = 'SELECT id AS simulated_by_olga FROM shop.orders'"
        ).fetchall()
    assert told == [("olga", BOB)]
