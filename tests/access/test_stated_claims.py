"""Claims that superusers state of roles: policies read them, and nobody else sets them."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.gateway import BOB, EVE, PASSWORD, RunningGateway

SETUP = (
    "CREATE ROLE readers",
    f"CREATE ROLE clerk LOGIN CREATEROLE PASSWORD '{PASSWORD}'",
    "GRANT readers TO bob, eve",
    "GRANT USAGE ON SCHEMA shop TO readers",
    "GRANT SELECT ON shop.orders TO readers",
    "CREATE POLICY by_claim ON shop.orders USING (region = lakegate.claim('region'))",
    "ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY",
    "ALTER ROLE bob SET lakegate.claim.region = 'north'",
)
IDS = "SELECT array_agg(id ORDER BY id) FROM shop.orders"
NORTH, SOUTH = [1, 2], [3]


def ids(connection: psycopg.Connection) -> object:
    return (connection.execute(IDS.encode()).fetchone() or ())[0]


def refusal(connection: psycopg.Connection, statement: str) -> tuple[str | None, str | None]:
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(statement.encode())
    return caught.value.sqlstate, caught.value.diag.message_primary


@pytest.fixture
def ada(shop_gateway: RunningGateway, clean: None) -> Iterator[psycopg.Connection]:
    with shop_gateway.connect() as connection:
        for statement in SETUP:
            connection.execute(statement.encode())
        yield connection


def test_policies_read_what_is_stated_of_the_role(ada: psycopg.Connection, shop_gateway: RunningGateway) -> None:
    with shop_gateway.connect(BOB) as bob, shop_gateway.connect(EVE) as eve:
        assert (ids(bob), ids(eve)) == (NORTH, None)
        ada.execute("ALTER ROLE bob SET lakegate.claim.region TO 'south'")
        assert ids(bob) == SOUTH  # in sessions that are there already
        ada.execute("ALTER ROLE bob RENAME TO bert")
        ada.execute("ALTER ROLE bert RENAME TO bob")
        assert ids(bob) == SOUTH
        ada.execute("BEGIN; ALTER ROLE bob RESET lakegate.claim.region; ROLLBACK")
        assert ids(bob) == SOUTH
        ada.execute("ALTER ROLE bob RESET lakegate.claim.region")
        assert ids(bob) is None
        ada.execute("ALTER ROLE bob SET lakegate.claim.region = 'west'; ")
        ada.execute("ALTER ROLE bob RESET ALL")
        assert ids(bob) is None


def test_they_are_the_role_s_own(ada: psycopg.Connection, shop_gateway: RunningGateway) -> None:
    """Members do not have them, who becomes another role keeps his, and who is another session user has its."""
    ada.execute("ALTER ROLE readers SET lakegate.claim.region = 'south'; ")
    with shop_gateway.connect(EVE) as eve, shop_gateway.connect(BOB) as bob:
        assert ids(eve) is None
        eve.execute("SET ROLE readers")
        assert ids(eve) is None
        bob.execute("SET ROLE readers")
        assert ids(bob) == NORTH
    ada.execute("SET SESSION AUTHORIZATION bob")
    assert ids(ada) == NORTH
    ada.execute("SET SESSION AUTHORIZATION eve")
    assert ids(ada) is None
    ada.execute("RESET SESSION AUTHORIZATION")


def test_the_query_of_a_view_reads_those_of_who_asks(ada: psycopg.Connection, shop_gateway: RunningGateway) -> None:
    """The condition of a view keeps rows from its readers, and what they ask; so does one of its policies."""
    ada.execute(
        "CREATE VIEW shop.own AS SELECT id, owner FROM shop.orders"
        " WHERE region = lakegate.claim('region') OR owner = current_user AND lakegate.is_member('readers')"
    )
    ada.execute("GRANT SELECT ON shop.own TO readers")
    with shop_gateway.connect(BOB) as bob, shop_gateway.connect(EVE) as eve:
        query = (
            "SELECT array_agg(id ORDER BY id) FROM shop.own WHERE 1 / (id - 4) < 1"  # the fourth row is nobody's here
        )
        assert bob.execute(query.encode()).fetchone() == ([1, 2, 3],)
        assert eve.execute(query.encode()).fetchone() == ([2],)
    ada.execute("CREATE POLICY p ON shop.own USING (owner = lakegate.claim('owner') OR id = 2)")
    ada.execute("ALTER VIEW shop.own ENABLE ROW LEVEL SECURITY")
    with shop_gateway.connect(BOB) as bob:
        assert bob.execute(query.encode()).fetchone() == ([2],)
    ada.execute("DROP VIEW shop.own")


@pytest.mark.parametrize("role", ["bob", "clerk", "CURRENT_USER"])
def test_only_superusers_state_them(ada: psycopg.Connection, shop_gateway: RunningGateway, role: str) -> None:
    """Neither the role itself, nor one with CREATEROLE of those that it has made."""
    denied = ("42501", 'permission denied to set parameter "lakegate.claim.region"')
    with shop_gateway.connect("clerk") as clerk, shop_gateway.connect(BOB) as bob:
        clerk.execute(f"CREATE ROLE made LOGIN PASSWORD '{PASSWORD}'")
        ada.execute("ALTER ROLE made SET lakegate.claim.region = 'west'")
        for statement in ("SET lakegate.claim.region = 'south'", "RESET lakegate.claim.region"):
            assert refusal(clerk, f"ALTER ROLE made {statement}") == denied
            if role != "clerk":
                assert refusal(bob, f"ALTER ROLE {role} {statement}") == denied
        bob.execute("ALTER ROLE bob RESET ALL")  # of what he may set himself, as in PostgreSQL
        for statement in (
            "SET lakegate.claim.region = 'south'",
            "SELECT set_config('lakegate.claim.region', 'south', false)",
        ):
            bob.execute(statement.encode())
        assert ids(bob) == NORTH
    with shop_gateway.connect(BOB, options="-c lakegate.claim.region=south") as bob:
        assert ids(bob) == NORTH
        ada.execute("DROP ROLE made")


@pytest.mark.parametrize("of", ["ROLE ALL", "DATABASE lake", "ROLE bob IN DATABASE lake"])
def test_they_are_stated_of_single_roles(ada: psycopg.Connection, of: str) -> None:
    denied = ("42501", 'permission denied to set parameter "lakegate.claim.region"')
    assert refusal(ada, f"ALTER {of} SET lakegate.claim.region = 'south'") == denied
    assert refusal(ada, "ALTER ROLE bob SET lakegate.principal = 'ada'")[0] == "42501"


def test_nobody_else_decides_how_their_names_are_written(ada: psycopg.Connection, shop_gateway: RunningGateway) -> None:
    """PostgreSQL writes the name of a parameter as it was written first, also where that was refused."""
    with shop_gateway.connect(BOB) as bob:
        for name in ('lakegate.claim."REGION"', '"Lakegate.claim.region"', '"lakegate"."CLAIM".region'):
            assert refusal(bob, f"ALTER ROLE bob SET {name} = 'x'")[0] == "42602"
            assert refusal(bob, f"ALTER ROLE bob RESET {name}")[0] == "42602"
        escaped = 'U&"lakegate".claim.U&"\\0052EGION"'
        assert refusal(bob, f"ALTER ROLE bob SET {escaped} = 'x'")[0] == "0A000"
        ada.execute("ALTER ROLE bob SET LAKEGATE.Claim.Region = 'south'")
        assert ids(bob) == SOUTH


def test_no_session_has_them_and_nobody_sees_those_of_others(
    ada: psycopg.Connection, shop_gateway: RunningGateway
) -> None:
    ada.execute("ALTER ROLE bob SET timezone = 'Europe/Vienna'")
    with shop_gateway.connect(EVE) as eve, shop_gateway.connect(BOB) as bob:
        query = "SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'bob'::regrole"
        assert eve.execute(query).fetchall() == [(["TimeZone=Europe/Vienna"],)]
        query = "SELECT current_setting('lakegate.claim.region', true), current_setting('timezone')"
        assert bob.execute(query).fetchall() == [(None, "Europe/Vienna")]


def test_answers_to_officers_tell_them(ada: psycopg.Connection) -> None:
    def told(statement: str) -> list[str]:
        rows = ada.execute(statement.encode()).fetchall()
        return [row[3] for row in rows if row[1] == "by_claim"]

    where = "permissive, for ALL, to public: region = "
    assert told("EXPLAIN POLICY FOR bob ON shop.orders") == [where + "'north'"]
    assert told("EXPLAIN POLICY FOR eve ON shop.orders") == [where + "lakegate.claim(CAST('region' AS TEXT))"]
    found = ada.execute(b"""CHECK ACCESS FOR bob WITH CLAIMS '{"team": "a"}' ON shop.orders""").fetchall()
    assert "region = 'north'" in found[0][4]
    code, message = refusal(ada, """CHECK ACCESS FOR bob WITH CLAIMS '{"region": "south"}' ON shop.orders""")
    assert (code, message) == ("28000", 'the credential\'s claim "region" is not the one stated for role "bob"')
