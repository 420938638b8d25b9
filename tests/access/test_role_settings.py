"""Settings with which sessions begin: what is said to the gateway and to PostgreSQL itself makes the same sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from catalog.server import Server
from tests.access.conftest import peer_dsn
from tests.access.test_scripts import Side
from tests.gateway import ADA, BOB, EVE, RunningGateway, SampleLake, Settings, serving

Say = Callable[[str, str], str]
_TOLD = ("work_mem", "DateStyle", "TimeZone", "lock_timeout", "my.tenant", "search_path", "bytea_output", "role")
_SHOWN = (
    "SELECT coalesce(d.datname, '-'), coalesce(r.rolname, '-'), setconfig FROM pg_db_role_setting s"
    " LEFT JOIN pg_database d ON d.oid = setdatabase LEFT JOIN pg_roles r ON r.oid = setrole WHERE r.rolname = 'bob'"
    " ORDER BY 1, 2"
)


@pytest.fixture
def say(shop_gateway: RunningGateway, peer: Server, clean: None) -> Iterator[Say]:
    """Send a statement to both, which must answer the same; return the answer."""
    ours = Side({name: shop_gateway.dsn(name) for name in (ADA, BOB, EVE)})
    theirs = Side({name: peer_dsn(peer, name) for name in (ADA, BOB, EVE)})

    def said(user: str, statement: str) -> str:
        answers = ours.run(user, statement), theirs.run(user, statement)
        assert answers[0] == answers[1], statement
        return answers[0]

    try:
        yield said
    finally:
        for side in (ours, theirs):
            for statement in (
                *("ALTER ROLE ALL RESET ALL", "ALTER ROLE bob RESET ALL", "ALTER ROLE bob IN DATABASE lake RESET ALL"),
                *("ALTER DATABASE lake RESET lock_timeout", "ALTER DATABASE lake RESET my.tenant", "DROP ROLE team"),
                *("ALTER DATABASE lake RESET work_mem", "REVOKE bob FROM eve"),
            ):
                side.run(ADA, statement)
            side.close()


@pytest.fixture
def begun(shop_gateway: RunningGateway, peer: Server) -> Callable[[], list[str]]:
    """Compare new sessions of bob's; return what the settings are in them."""

    def asked(dsn: str) -> list[str]:
        with psycopg.connect(dsn, autocommit=True) as session:
            query = "SELECT array_agg(coalesce(current_setting(n, true), '-') ORDER BY o) FROM unnest(%s::text[])"
            row = session.execute(query + " WITH ORDINALITY u (n, o)", ([*_TOLD],)).fetchone()
            assert row is not None
            looks = session.execute("SELECT date '2020-02-03', current_user, '\\x61'::bytea::text").fetchall()
            return [*map(str, row[0]), repr(looks)]

    def compared() -> list[str]:
        found = asked(shop_gateway.dsn(BOB)), asked(peer_dsn(peer, BOB))
        ours, theirs = ([one.replace('"shop"', "shop") for one in side] for side in found)
        assert ours == theirs
        return ours

    return compared


def test_sessions_begin_with_what_counts_most(say: Say, begun: Callable[[], list[str]]) -> None:
    def first(*settings: str) -> None:
        assert begun()[: len(settings)] == [*settings]

    first("32MB", "ISO, MDY")
    say(ADA, "ALTER ROLE ALL SET work_mem = '1MB'")
    first("1MB")
    say(ADA, "ALTER DATABASE lake SET work_mem = '2MB'")
    first("2MB")
    say(ADA, "ALTER ROLE bob SET work_mem = '3MB'")
    first("3MB")
    say(ADA, "ALTER USER bob IN DATABASE lake SET work_mem TO '5MB'")
    first("5MB")
    for statement in (
        *("ALTER ROLE bob SET datestyle TO 'German', 'DMY'", "ALTER ROLE bob SET time zone 'Asia/Tokyo'"),
        *("ALTER DATABASE lake SET lock_timeout = '8s'", "ALTER DATABASE lake SET my.tenant = 'north'"),
        *("ALTER ROLE ALL SET lock_timeout = '7s'", 'ALTER ROLE bob SET search_path = shop, "Odd, x"'),
        *("ALTER ROLE bob SET bytea_output = escape", "CREATE ROLE team", "GRANT team TO bob"),
        *("ALTER ROLE bob SET role = team", "ALTER ROLE bob IN DATABASE lake RESET work_mem"),
    ):
        assert not say(ADA, statement).startswith("ERROR")
    first("3MB", "German, DMY", "Asia/Tokyo", "8s", "north", 'shop, "Odd, x"', "escape", "team")
    assert say(ADA, _SHOWN).count("bob") == 1
    for statement in (
        *("ALTER ROLE bob RESET work_mem", "ALTER DATABASE lake RESET lock_timeout", "ALTER ROLE bob RESET role"),
        *("ALTER ROLE bob RENAME TO rob", "ALTER ROLE rob SET timezone TO DEFAULT", "ALTER ROLE rob RENAME TO bob"),
    ):
        assert not say(ADA, statement).startswith("ERROR")
    first("2MB", "German, DMY")
    say(ADA, "ALTER ROLE bob RESET ALL")
    say(ADA, "ALTER DATABASE lake RESET work_mem")
    first("1MB", "ISO, MDY")
    say(ADA, "ALTER ROLE ALL RESET work_mem")
    first("32MB")


def test_who_may_set_what(say: Say) -> None:
    for user, statement in (
        (BOB, "ALTER ROLE bob SET work_mem = '7MB'"),
        (BOB, "ALTER ROLE current_user SET extra_float_digits TO 0"),
        (BOB, "ALTER ROLE bob SET my.own = 'x'"),
        (BOB, "ALTER ROLE bob SET log_statement = 'all'"),
        (BOB, "ALTER ROLE bob SET nothing = 'all'"),
        (BOB, "ALTER ROLE bob SET work_mem = 'lots'"),
        (BOB, "ALTER ROLE eve SET work_mem = '1MB'"),
        (BOB, "ALTER ROLE ALL SET work_mem = '1MB'"),
        (BOB, "ALTER DATABASE lake SET work_mem = '1MB'"),
        (ADA, "CREATE ROLE team CREATEROLE"),
        (ADA, "GRANT bob TO team WITH ADMIN TRUE"),
        (ADA, "GRANT team TO eve"),
        (EVE, "ALTER ROLE bob SET bytea_output = 'escape'"),
        (EVE, "SET ROLE team"),
        (EVE, "ALTER ROLE bob SET bytea_output = 'escape'"),
        (EVE, "ALTER ROLE ada SET bytea_output = 'escape'"),
        (ADA, "ALTER ROLE nobody SET work_mem = '1MB'"),
        (ADA, "ALTER ROLE bob IN DATABASE nothing SET work_mem = '1MB'"),
        (ADA, "ALTER DATABASE nothing SET work_mem = '1MB'"),
        (ADA, "ALTER ROLE bob SET TRANSACTION ISOLATION LEVEL serializable"),
        (ADA, "ALTER ROLE bob RESET nothing"),
        (ADA, "BEGIN"),
        (ADA, "ALTER ROLE bob RESET ALL"),
        (ADA, "ROLLBACK"),
        (ADA, _SHOWN),
    ):
        say(user, statement)


@pytest.mark.parametrize(
    "setting",
    [
        *("session_replication_role = replica", "event_triggers = off", "session_preload_libraries = 'x'"),
        *("local_preload_libraries = 'x'", "log_statement = 'none'", "lakegate.\"user\" = 'x'", "plpgsql.x = 1"),
        *("session_authorization = eve", "dynamic_library_path = '/'", "allow_system_table_mods = on"),
    ],
)
def test_what_opens_walls_is_refused(shop_gateway: RunningGateway, setting: str) -> None:
    with shop_gateway.connect(ADA) as ada:
        for subject in ("ROLE bob", "ROLE ALL", "DATABASE lake", "ROLE bob IN DATABASE lake"):
            with pytest.raises(psycopg.Error) as refused:
                ada.execute(f"ALTER {subject} SET {setting}".encode())
            assert refused.value.sqlstate in {"42501", "42602"}
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ada.execute("ALTER ROLE ALL SET role = eve")
        with pytest.raises(psycopg.errors.SyntaxError):
            ada.execute("ALTER ROLE bob SET password 'correct battery'")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            ada.execute("ALTER ROLE bob SET work_mem FROM CURRENT")


def test_the_gateway_goes_on_whatever_is_set_for_all(shop: SampleLake, shop_gateway: RunningGateway, say: Say) -> None:
    """Its own sessions are not read-only, nor out of time; another gateway keeps what was set when it starts."""
    settings = ("default_transaction_read_only = on", "statement_timeout = '1ms'", "datestyle = 'German'")
    with shop_gateway.connect(ADA, options="-c default_transaction_read_only=off -c statement_timeout=0") as ada:
        for setting in settings:
            ada.execute(f"ALTER DATABASE lake SET {setting}".encode())
        try:
            ada.execute("CREATE ROLE team")
            ada.execute("GRANT USAGE ON SCHEMA shop TO team")
            with serving(shop, Settings(server={"refresh_interval": "0"})) as other:
                options = "-c default_transaction_read_only=off -c statement_timeout=1min"
                with other.connect(ADA, options=options) as session:
                    assert session.execute("SHOW datestyle").fetchone() == ("German, DMY",)
                    session.execute("REVOKE USAGE ON SCHEMA shop FROM team")
        finally:
            for setting in settings:
                ada.execute(f"ALTER DATABASE lake RESET {setting.split()[0]}".encode())
    with shop_gateway.connect(BOB) as bob:
        assert bob.execute("SHOW default_transaction_read_only").fetchone() == ("off",)
