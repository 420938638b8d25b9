"""User mappings: with which login a PostgreSQL source is read, and who may say so."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from catalog.store.listener import NAME
from tests.access.remote_users import NORTH, ROWS, SECRET, remote_lake
from tests.gateway import ADA, BOB, EVE, PASSWORD, RunningGateway, SampleLake, Settings, serving

_RIGHTS = (
    "GRANT USAGE ON SCHEMA crm, shop TO bob, eve",
    "GRANT USAGE ON FOREIGN SERVER crm TO bob, eve",
    "GRANT SELECT ON crm.orders, crm.regions, crm.who, shop.regions TO bob, eve",
)
_REFUSED = ("08001", 'source "crm" could not be reached with the login of the user mapping')
_MAPPED = ("PUBLIC", *(ADA, BOB, EVE))


@pytest.fixture(scope="module")
def remote() -> Iterator[SampleLake]:
    with remote_lake() as lake:
        yield lake


@pytest.fixture(scope="module")
def served(remote: SampleLake) -> Iterator[RunningGateway]:
    with serving(remote, Settings(server={"refresh_interval": "0"})) as running, running.connect(ADA) as ada:
        for statement in _RIGHTS:
            ada.execute(statement.encode())
        yield running


@pytest.fixture
def ada(served: RunningGateway) -> Iterator[psycopg.Connection]:
    """A superuser; all mappings are gone after the test."""
    with served.connect(ADA) as connection:
        yield connection
        for name in _MAPPED:
            connection.execute(f"DROP USER MAPPING IF EXISTS FOR {name} SERVER crm".encode())


@pytest.fixture
def bob(served: RunningGateway, ada: psycopg.Connection) -> Iterator[psycopg.Connection]:
    with served.connect(BOB) as connection:
        yield connection


def mapping(whom: str, login: str, password: str = SECRET) -> bytes:
    return f"CREATE USER MAPPING FOR {whom} SERVER crm OPTIONS (user '{login}', password '{password}')".encode()


def login(connection: psycopg.Connection) -> object:
    return connection.execute("SELECT login FROM crm.who").fetchall()[0][0]


def count(connection: psycopg.Connection, table: str = "crm.orders") -> object:
    return connection.execute(f"SELECT count(*), count(id) FROM {table}".encode()).fetchall()[0]


def refusal(connection: psycopg.Connection, statement: str | bytes) -> tuple[str | None, str | None]:
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(statement.encode() if isinstance(statement, str) else statement)
    return caught.value.sqlstate, caught.value.diag.message_primary


# Rows ----------------------------------------------------------------------------------------------------------------


def test_a_mapped_role_reads_with_its_own_login(ada: psycopg.Connection, bob: psycopg.Connection) -> None:
    assert (login(bob), count(bob)) == ("crm_owner", (ROWS, ROWS))
    ada.execute(mapping("bob", "remote_north"))
    assert (login(bob), count(bob)) == ("remote_north", (NORTH, NORTH))
    assert (login(ada), count(ada)) == ("crm_owner", (ROWS, ROWS))
    assert bob.execute("SELECT DISTINCT region FROM crm.orders WHERE id < 100").fetchall() == [("north",)]
    assert bob.execute("SELECT id FROM crm.orders WHERE region = 'south'").fetchall() == []
    joined = "SELECT count(*) FROM crm.orders o JOIN shop.regions r ON r.region = o.region"
    assert bob.execute(joined.encode()).fetchall() == [(NORTH,)]
    ada.execute("DROP USER MAPPING FOR bob SERVER crm")
    assert (login(bob), count(bob)) == ("crm_owner", (ROWS, ROWS))


def test_what_a_login_may_not_read_is_refused(ada: psycopg.Connection, bob: psycopg.Connection) -> None:
    ada.execute(mapping("bob", "remote_regions"))
    told = ("42501", 'the user mapped to source "crm" may not read this table')
    assert refusal(bob, "SELECT id FROM crm.orders") == told
    assert refusal(bob, "SELECT count(*) FROM crm.orders o JOIN crm.regions r USING (region)") == told
    assert bob.execute("SELECT team FROM crm.regions ORDER BY 1").fetchall() == [("bob",), ("eve",)]


def test_policies_of_the_gateway_hold_for_every_login(ada: psycopg.Connection, bob: psycopg.Connection) -> None:
    try:
        ada.execute("CREATE POLICY small ON crm.orders TO bob USING (amount < 600)")
        ada.execute("ALTER TABLE crm.orders ENABLE ROW LEVEL SECURITY")
        assert count(bob) == (60, 60)
        ada.execute(mapping("bob", "remote_north"))
        assert count(bob) == (20, 20)
        ada.execute("REVOKE SELECT ON crm.orders FROM bob")
        assert refusal(bob, "SELECT id FROM crm.orders")[0] == "42P01"
    finally:
        ada.execute("DROP POLICY IF EXISTS small ON crm.orders")
        ada.execute("ALTER TABLE crm.orders DISABLE ROW LEVEL SECURITY")
        ada.execute("GRANT SELECT ON crm.orders TO bob")


def test_public_is_for_all_who_have_none(ada: psycopg.Connection, bob: psycopg.Connection) -> None:
    ada.execute(mapping("PUBLIC", "remote_north"))
    assert (login(ada), login(bob)) == ("remote_north", "remote_north")
    ada.execute(mapping("bob", "remote_regions"))
    assert (login(ada), login(bob)) == ("remote_north", "remote_regions")


def test_set_role_takes_the_role_s_login(ada: psycopg.Connection) -> None:
    ada.execute(mapping("bob", "remote_north"))
    ada.execute("SET ROLE bob")
    assert login(ada) == "remote_north"
    ada.execute("RESET ROLE")
    assert login(ada) == "crm_owner"


def test_views_are_read_with_the_login_of_whose_rights_count(
    served: RunningGateway, ada: psycopg.Connection, bob: psycopg.Connection
) -> None:
    try:
        for statement in (
            "CREATE VIEW crm.owned AS SELECT login FROM crm.who",
            "CREATE VIEW crm.asked WITH (security_invoker) AS SELECT login FROM crm.who",
            "GRANT SELECT ON crm.owned, crm.asked TO eve",
            "ALTER VIEW crm.owned OWNER TO bob",
        ):
            ada.execute(statement.encode())
        ada.execute(mapping("bob", "remote_north"))
        ada.execute(mapping("eve", "remote_regions"))
        with served.connect(EVE) as eve:
            for view, seen in (("owned", "remote_north"), ("asked", "remote_regions")):
                assert eve.execute(f"SELECT login FROM crm.{view}".encode()).fetchall() == [(seen,)]
            both = eve.execute("SELECT o.login, w.login FROM crm.owned o, crm.who w").fetchall()
            assert both == [("remote_north", "remote_regions")]
    finally:
        ada.execute("DROP VIEW IF EXISTS crm.owned, crm.asked")


def test_a_prepared_statement_follows_a_change(ada: psycopg.Connection, bob: psycopg.Connection) -> None:
    query = "SELECT login FROM crm.who WHERE login <> %s"

    def ask() -> object:
        return bob.execute(query, ("x",), prepare=True).fetchall()[0][0]

    assert ask() == "crm_owner"
    ada.execute(mapping("bob", "remote_north"))
    assert ask() == "remote_north"
    ada.execute("ALTER USER MAPPING FOR bob SERVER crm OPTIONS (SET user 'remote_regions')")
    assert ask() == "remote_regions"


def test_the_examples_of_the_documentation_run(ada: psycopg.Connection) -> None:
    text = (Path(__file__).parents[2] / "docs" / "access.md").read_text(encoding="utf-8")
    examples = [one for one in re.findall(r"```sql\n(.*?)```", text, re.DOTALL) if "USER MAPPING" in one]
    assert len(examples) == 1
    ada.execute("CREATE ROLE ann")
    ada.execute(examples[0].encode(), prepare=False)
    assert ada.execute("SELECT usename FROM pg_user_mappings").fetchall() == []
    ada.execute("DROP ROLE ann")


# Who may -------------------------------------------------------------------------------------------------------------


def test_a_role_maps_itself(ada: psycopg.Connection, bob: psycopg.Connection) -> None:
    for whom in ("CURRENT_USER", "USER", "CURRENT_ROLE", "bob"):
        bob.execute(mapping(whom, "remote_north"), prepare=True)
        assert login(bob) == "remote_north"
        assert refusal(bob, mapping("bob", "remote_north")) == (
            "42710",
            'user mapping for "bob" already exists for server "crm"',
        )
        bob.execute("CREATE USER MAPPING IF NOT EXISTS FOR bob SERVER crm OPTIONS (user 'remote_regions')")
        assert login(bob) == "remote_north"
        bob.execute(f"DROP USER MAPPING FOR {whom} SERVER crm".encode())
        assert login(bob) == "crm_owner"
    bob.execute("DROP USER MAPPING IF EXISTS FOR bob SERVER crm")
    assert refusal(bob, "DROP USER MAPPING FOR bob SERVER crm") == (
        "42704",
        'user mapping for "bob" does not exist for server "crm"',
    )


def test_nobody_maps_others_or_what_he_may_not_use(ada: psycopg.Connection, bob: psycopg.Connection) -> None:
    for whom in ("eve", "PUBLIC", "ada", "nobody"):
        assert refusal(bob, mapping(whom, "remote_north")) == ("42501", "must be owner of foreign server crm")
    ada.execute(mapping("eve", "remote_north"))
    assert refusal(bob, "DROP USER MAPPING FOR eve SERVER crm")[0] == "42501"
    assert refusal(bob, "ALTER USER MAPPING FOR eve SERVER crm OPTIONS (SET user 'x')")[0] == "42501"
    for server in ("lakegate", "absent"):
        statement = mapping("bob", "remote_north").replace(b"crm", server.encode())
        assert refusal(bob, statement) == ("42501", f"permission denied for foreign server {server}")
    ada.execute("REVOKE USAGE ON FOREIGN SERVER crm FROM bob")
    assert refusal(bob, mapping("bob", "x")) == ("42501", "permission denied for foreign server crm")
    ada.execute("GRANT USAGE ON FOREIGN SERVER crm TO bob")


def test_a_role_needs_a_password_and_the_source_must_ask_for_it(
    ada: psycopg.Connection, bob: psycopg.Connection
) -> None:
    assert refusal(bob, "CREATE USER MAPPING FOR bob SERVER crm OPTIONS (user 'remote_trusted')") == (
        "2F003",
        "password is required",
    )
    bob.execute(mapping("bob", "remote_trusted"))
    assert refusal(bob, "SELECT id FROM crm.orders") == _REFUSED
    assert refusal(bob, "ALTER USER MAPPING FOR bob SERVER crm OPTIONS (DROP password)")[0] == "2F003"
    ada.execute("ALTER USER MAPPING FOR bob SERVER crm OPTIONS (DROP password)")
    assert (login(bob), count(bob)) == ("remote_trusted", (NORTH, NORTH))
    assert refusal(bob, "ALTER USER MAPPING FOR bob SERVER crm OPTIONS (SET user 'remote_north')")[0] == "2F003"


def test_a_wrong_password(ada: psycopg.Connection, bob: psycopg.Connection) -> None:
    bob.execute(mapping("bob", "remote_north", "wrong"))
    assert refusal(bob, "SELECT id FROM crm.orders") == _REFUSED
    ada.execute("ALTER USER MAPPING FOR bob SERVER crm OPTIONS (DROP password)")
    assert refusal(bob, "SELECT id FROM crm.orders") == _REFUSED  # not with the gateway's own password
    bob.execute(f"ALTER USER MAPPING FOR USER SERVER crm OPTIONS (password '{SECRET}')".encode())
    assert count(bob) == (NORTH, NORTH)


def test_what_makes_no_sense(ada: psycopg.Connection) -> None:
    shop = "CREATE USER MAPPING FOR bob SERVER shop OPTIONS (user 'x', password 'y')"
    assert refusal(ada, shop) == ("42809", 'source "shop" has no logins of users')
    for name in ("absent", "lakegate"):
        assert refusal(ada, shop.replace("shop", name)) == ("42704", f'server "{name}" does not exist')
    assert refusal(ada, mapping("nobody", "x")) == ("42704", 'role "nobody" does not exist')
    assert refusal(ada, "CREATE USER MAPPING FOR bob SERVER crm")[0] == "HV002"
    assert refusal(ada, "CREATE USER MAPPING FOR bob SERVER crm OPTIONS (host 'evil')")[0] == "HV00D"
    twice = "CREATE USER MAPPING FOR bob SERVER crm OPTIONS (user 'x', user 'y')"
    assert refusal(ada, twice) == ("42710", 'option "user" provided more than once')
    ada.execute(mapping("bob", "remote_north"))
    alter = "ALTER USER MAPPING FOR bob SERVER crm OPTIONS ({})"
    assert refusal(ada, alter.format("ADD user 'y'")) == ("42710", 'option "user" provided more than once')
    ada.execute(alter.format("DROP password").encode())
    assert refusal(ada, alter.format("SET password 'x'")) == ("42704", 'option "password" not found')
    with ada.transaction():
        assert refusal(ada, alter.format("SET user 'x'"))[0] == "25001"


def test_pg_user_mappings_has_names_alone(ada: psycopg.Connection, bob: psycopg.Connection) -> None:
    query = "SELECT srvname, usename, umoptions FROM pg_user_mappings ORDER BY 2"
    ada.execute(mapping("PUBLIC", "remote_north"))
    bob.execute(mapping("bob", "remote_north"))
    for who in (ada, bob):
        assert who.execute(query).fetchall() == [("crm", "bob", None), ("crm", "public", None)]
    ada.execute("ALTER USER MAPPING FOR bob SERVER crm OPTIONS (SET user 'x')")
    ada.execute("DROP USER MAPPING FOR PUBLIC SERVER crm")
    assert bob.execute(query).fetchall() == [("crm", "bob", None)]
    servers = bob.execute("SELECT srvname, srvoptions FROM pg_foreign_server ORDER BY 1").fetchall()
    assert servers == [("crm", None), ("shop", None)]


# What stays hidden ---------------------------------------------------------------------------------------------------


def test_explain_tells_nothing_of_what_the_source_may_hide(ada: psycopg.Connection, bob: psycopg.Connection) -> None:
    query = b"EXPLAIN (ANALYZE, VERBOSE) SELECT id FROM crm.orders WHERE amount > 5"
    assert any("Remote SQL" in row[0] for row in bob.execute(query))
    ada.execute(mapping("bob", "remote_north"))
    told = [row[0] for row in bob.execute(query)]
    assert told == [
        "Engine query",
        "  The plan is shown to roles that see all of the tables.",
        "Scan crm.orders  (source crm, postgres)",
    ]
    assert refusal(bob, b"EXPLAIN ANALYZE SELECT * FROM crm.regions")[0] == "42501"


def test_passwords_are_told_nowhere(served: RunningGateway, ada: psycopg.Connection, bob: psycopg.Connection) -> None:
    secret = "told-n0where"
    bob.execute(mapping("bob", "remote_north", secret))
    bob.execute(f"ALTER USER MAPPING FOR bob SERVER crm OPTIONS (SET password '{secret}2')".encode(), prepare=True)
    assert secret not in str(refusal(bob, "SELECT id FROM crm.orders"))
    for mistaken in (
        f"CREATE USER MAPPING FOR bob SERVER crm OPTIONS (user 'x', password {secret})",
        f"CREATE USER MAPPING FOR bob SERVER crm OPTIONS (user 'x' password '{secret}')",
        f"CREATE USER MAPPING FOR bob SERVER crm OPTIONS (user 'x', password '{secret})",
        f"CREATE USER MAPPING FOR bob SERVER crm OPTIONS (user 'x', passwort '{secret}')",
        f"CREATE USER MAPPING FOR bob SERVER absent OPTIONS (user 'x', password '{secret}')",
    ):
        assert secret not in str(refusal(bob, mistaken))
    for query in ("SELECT * FROM pg_user_mappings", "EXPLAIN (VERBOSE) SELECT * FROM crm.who"):
        assert secret not in str(bob.execute(query.encode()).fetchall())
        assert secret not in str(ada.execute(query.encode()).fetchall())
    assert refusal(bob, "SELECT * FROM pg_user_mapping")[0] == "42501"
    deadline = time.monotonic() + 5
    audited: list[str] = []
    while time.monotonic() < deadline and sum("USER MAPPING" in text for text in audited) < 7:
        rows = ada.execute("SELECT text FROM lakegate.audit_log WHERE role = 'bob'").fetchall()
        audited = [str(row[0]) for row in rows]
    assert sum("USER MAPPING" in text for text in audited) >= 7
    assert secret not in str(audited)
    assert secret not in served.log.read_text(encoding="utf-8")


def test_connections_end_with_the_mapping(remote: SampleLake, ada: psycopg.Connection, bob: psycopg.Connection) -> None:
    query = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'remote_north'"

    def connections(wanted: bool) -> int:
        deadline = time.monotonic() + 5
        with remote.server.connect(autocommit=True) as connection:
            while True:
                found = connection.execute(query).fetchone()
                assert found is not None
                if bool(found[0]) == wanted or time.monotonic() > deadline:
                    return int(found[0])
                time.sleep(0.02)

    for change in (
        "DROP USER MAPPING FOR bob SERVER crm",
        f"ALTER USER MAPPING FOR bob SERVER crm OPTIONS (SET user 'remote_regions', SET password '{SECRET}')",
    ):
        ada.execute(mapping("bob", "remote_north"))
        assert login(bob) == "remote_north"
        assert connections(True) in {1, 2}
        ada.execute(change.encode())
        assert connections(False) == 0


def test_a_role_keeps_its_mapping_where_nothing_but_its_new_name_is_heard_of(
    served: RunningGateway, remote: SampleLake, ada: psycopg.Connection
) -> None:
    for statement in ("CREATE ROLE carl", "GRANT USAGE ON SCHEMA crm TO carl", "GRANT SELECT ON crm.who TO carl"):
        ada.execute(statement.encode())
    ada.execute(mapping("carl", "remote_north"))
    with psycopg.connect(remote.metadata_url, autocommit=True) as server:  # for a second the gateway hears of nothing
        ended = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name LIKE %s"
        assert server.execute(ended, (f"{NAME}%",)).fetchall() == [(True,)]
    ada.execute("ALTER ROLE carl RENAME TO carla")
    ada.execute("SET ROLE carla")
    for _ in range(2):
        assert login(ada) == "remote_north"
        time.sleep(1.5)
    ada.execute("RESET ROLE")
    ada.execute("DROP OWNED BY carla")
    ada.execute("DROP ROLE carla")


def test_a_role_takes_its_mapping_along(served: RunningGateway, ada: psycopg.Connection) -> None:
    make = (
        f"CREATE ROLE carl LOGIN PASSWORD '{PASSWORD}'",
        "GRANT USAGE ON SCHEMA crm TO carl",
        "GRANT SELECT ON crm.who TO carl",
    )
    for statement in make:
        ada.execute(statement.encode())
    ada.execute(mapping("carl", "remote_north"))
    with served.connect("carl") as carl:
        assert login(carl) == "remote_north"
    ada.execute("ALTER ROLE carl RENAME TO carla")
    ada.execute(f"ALTER ROLE carla PASSWORD '{PASSWORD}'".encode())
    with served.connect("carla") as carla:
        assert login(carla) == "remote_north"
    assert ada.execute("SELECT usename, srvname FROM pg_user_mappings").fetchall() == [("carla", "crm")]
    assert refusal(ada, "DROP ROLE carla")[0] == "2BP01"
    ada.execute("DROP OWNED BY carla")
    assert ada.execute("SELECT usename FROM pg_user_mappings").fetchall() == []
    assert refusal(ada, "DROP USER MAPPING FOR carla SERVER crm")[0] == "42704"
    ada.execute("DROP ROLE carla")
    for statement in make:
        ada.execute(statement.replace("carl", "carla").encode())
    with served.connect("carla") as carla:
        assert login(carla) == "crm_owner"
    ada.execute("DROP OWNED BY carla")
    ada.execute("DROP ROLE carla")
