"""CONNECT decides who logs in, EXECUTE which policies and views can be read; both outlive the gateway."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from catalog.server import Server
from tests.access.conftest import peer_dsn
from tests.access.test_scripts import Side
from tests.gateway import ADA, BOB, EVE, RunningGateway, SampleLake, Settings, serving

_REFUSED = 'permission denied for database "lake"'


@pytest.fixture
def ada(shop_gateway: RunningGateway, clean: None) -> Iterator[psycopg.Connection]:
    with shop_gateway.connect(ADA) as connection:
        yield connection


def test_who_may_not_connect_is_not_let_in(
    ada: psycopg.Connection, shop_gateway: RunningGateway, peer: Server, shop: SampleLake
) -> None:
    with psycopg.connect(peer_dsn(peer, ADA), autocommit=True) as theirs, shop_gateway.connect(BOB) as inside:
        inside.execute("SELECT 1")  # until then he is not in
        for connection in (ada, theirs):
            connection.execute("CREATE ROLE team")
            connection.execute("GRANT team TO eve")
            connection.execute("GRANT CONNECT ON DATABASE lake TO team")
            connection.execute("REVOKE CONNECT ON DATABASE lake FROM PUBLIC")
        try:
            for dsn in (shop_gateway.dsn(BOB), peer_dsn(peer, BOB)):
                with pytest.raises(psycopg.OperationalError, match=_REFUSED) as refused:
                    psycopg.connect(dsn)
                assert "User does not have CONNECT privilege." in str(refused.value)
            for dsn in (shop_gateway.dsn(EVE), peer_dsn(peer, EVE), shop_gateway.dsn(ADA)):
                psycopg.connect(dsn).close()
            assert inside.execute("SELECT 1").fetchone() == (1,)  # as in PostgreSQL, who is in stays
        finally:
            theirs.execute("GRANT CONNECT ON DATABASE lake TO PUBLIC")
            theirs.execute("DROP OWNED BY team")
            theirs.execute("DROP ROLE team")
    with serving(shop, Settings(server={"refresh_interval": "0"})) as other:  # as after a restart
        with pytest.raises(psycopg.OperationalError, match=_REFUSED):
            other.connect(BOB)
        other.connect(EVE).close()
        with shop_gateway.connect(EVE) as eve:
            ada.execute("BEGIN")
            ada.execute("GRANT CONNECT ON DATABASE lake TO PUBLIC")
            ada.execute("ROLLBACK")
            assert eve.execute("SELECT has_database_privilege('bob', 'lake', 'CONNECT')").fetchone() == (False,)
        ada.execute("GRANT CONNECT ON DATABASE lake TO PUBLIC")
        other.connect(BOB).close()
    denied = [one for one in shop_gateway.records("login failed") if one["user"] == BOB]
    assert denied == []  # his password was right


def test_functions_that_say_who_asks(ada: psycopg.Connection, shop_gateway: RunningGateway, peer: Server) -> None:
    """As in PostgreSQL who asks needs EXECUTE for what policies and views call, whoever wrote them."""
    ours = Side({name: shop_gateway.dsn(name) for name in (ADA, BOB, EVE)})
    theirs = Side({name: peer_dsn(peer, name) for name in (ADA, BOB, EVE)})

    def say(user: str, statement: str) -> str:
        answers = ours.run(user, statement), theirs.run(user, statement)
        assert answers[0] == answers[1], statement
        return answers[0]

    reads = ("SELECT count(*) FROM shop.orders WHERE id < 0", "SELECT count(*) FROM shop.mine WHERE id < 0")
    try:
        for statement in (
            "GRANT USAGE ON SCHEMA shop TO bob, eve",
            "GRANT SELECT ON shop.orders TO bob, eve",
            "CREATE POLICY own ON shop.orders USING (owner = lakegate.principal())",
            "ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY",
            "CREATE VIEW shop.mine AS SELECT id, lakegate.principal() AS who FROM shop.orders",
            "GRANT SELECT ON shop.mine TO bob, eve",
        ):
            assert not say(ADA, statement).startswith("ERROR")
        for read in reads:
            assert say(BOB, read) == "0\nSELECT 1"
        say(ADA, "REVOKE EXECUTE ON FUNCTION lakegate.principal() FROM PUBLIC")
        say(ADA, "GRANT EXECUTE ON FUNCTION lakegate.principal() TO eve")
        for read in (reads[0], "SELECT count(who) FROM shop.mine WHERE id < 0"):
            assert say(BOB, read).startswith("ERROR 42501 permission denied for function principal")
            assert say(EVE, read) == "0\nSELECT 1"
            assert say(ADA, read) == "0\nSELECT 1"
        say(ADA, "GRANT EXECUTE ON FUNCTION lakegate.principal() TO PUBLIC")
        assert say(BOB, reads[0]) == "0\nSELECT 1"
    finally:
        for side in (ours, theirs):
            for statement in (
                "DROP VIEW shop.mine",
                "DROP POLICY own ON shop.orders",
                "ALTER TABLE shop.orders DISABLE ROW LEVEL SECURITY",
                "DROP OWNED BY bob, eve",
                "GRANT EXECUTE ON FUNCTION lakegate.principal() TO PUBLIC",
            ):
                side.run(ADA, statement)
            side.close()


def test_passwords_end(ada: psycopg.Connection, shop_gateway: RunningGateway, peer: Server) -> None:
    """What VALID UNTIL ends is the password; sessions go on."""
    with psycopg.connect(peer_dsn(peer, ADA), autocommit=True) as theirs:
        for connection in (ada, theirs):
            connection.execute("CREATE ROLE una LOGIN PASSWORD 'correct horse' VALID UNTIL '2001-02-03'")
        try:
            for dsn in (shop_gateway.dsn("una"), peer_dsn(peer, "una")):
                with pytest.raises(psycopg.OperationalError, match='password authentication failed for user "una"'):
                    psycopg.connect(dsn)
            for connection in (ada, theirs):
                connection.execute("ALTER ROLE una VALID UNTIL '2999-01-01'")
            for dsn in (shop_gateway.dsn("una"), peer_dsn(peer, "una")):
                psycopg.connect(dsn).close()
            with shop_gateway.connect("una") as una:
                ada.execute("ALTER ROLE una VALID UNTIL '2001-02-03'")
                assert una.execute("SELECT 1").fetchone() == (1,)
                with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                    shop_gateway.connect("una")
                ada.execute("ALTER ROLE una VALID UNTIL 'infinity'")
                shop_gateway.connect("una").close()
        finally:
            theirs.execute("DROP ROLE una")
