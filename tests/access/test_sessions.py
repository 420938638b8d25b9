"""Sessions after access was given, taken, or a role was set: no statement runs under what was before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import pq

from tests.gateway import ADA, BOB, EVE, PASSWORD, RunningGateway, SampleLake, Settings, serving

Connect = Callable[[str], psycopg.Connection]
COUNT = "SELECT count(*) FROM shop.orders"


@pytest.fixture
def connect(shop_gateway: RunningGateway, clean: None) -> Iterator[Connect]:
    made: list[psycopg.Connection] = []

    def connect(user: str) -> psycopg.Connection:
        made.append(shop_gateway.connect(user))
        return made[-1]

    yield connect
    for connection in made:
        connection.close()


@pytest.fixture
def ada(connect: Connect) -> psycopg.Connection:
    """The superuser, who has let bob read orders by his role team, under a policy."""
    connection = connect(ADA)
    for statement in (
        "CREATE ROLE team",
        "GRANT team TO bob",
        "GRANT USAGE ON SCHEMA shop TO team, eve",
        "GRANT SELECT ON shop.orders TO team",
    ):
        connection.execute(statement)
    return connection


def one(connection: psycopg.Connection, query: str, *, prepare: bool = False) -> object:
    row = connection.execute(query.encode(), prepare=prepare).fetchone()
    assert row is not None
    return row[0]


def sqlstate(connection: psycopg.Connection, query: str, *, prepare: bool = False) -> str | None:
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(query.encode(), prepare=prepare)
    return caught.value.sqlstate


@pytest.mark.parametrize("prepare", [False, True])
def test_what_changes_counts_for_the_next_statement(ada: psycopg.Connection, connect: Connect, prepare: bool) -> None:
    bob = connect(BOB)
    assert one(bob, COUNT, prepare=prepare) == 4
    ada.execute("CREATE POLICY own ON shop.orders TO team USING (owner = current_user)")
    ada.execute("ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY")
    assert one(bob, COUNT, prepare=prepare) == 2
    bob.execute("SET ROLE team")
    assert one(bob, COUNT, prepare=prepare) == 0
    bob.execute("RESET ROLE")
    assert one(bob, COUNT, prepare=prepare) == 2
    ada.execute("ALTER POLICY own ON shop.orders USING (region IN (SELECT region FROM shop.regions))")
    ada.execute("GRANT SELECT ON shop.regions TO team")
    assert one(bob, COUNT, prepare=prepare) == 3
    ada.execute("ALTER TABLE shop.orders DISABLE ROW LEVEL SECURITY")
    assert one(bob, COUNT, prepare=prepare) == 4
    ada.execute("REVOKE team FROM bob")
    assert sqlstate(bob, COUNT, prepare=prepare) == "42P01"


def test_a_membership_without_inherit_gives_nothing_until_it_is_set(ada: psycopg.Connection, connect: Connect) -> None:
    ada.execute("GRANT team TO eve WITH INHERIT FALSE")
    eve = connect(EVE)
    assert sqlstate(eve, COUNT) == "42P01"
    eve.execute("SET ROLE team")
    assert one(eve, COUNT) == 4
    assert one(eve, "SELECT session_user::text || current_user") == "eveteam"
    ada.execute("REVOKE team FROM eve")
    assert sqlstate(eve, COUNT) == "42501"  # what was taken is taken from who is in it, too
    eve.execute("RESET ROLE")
    assert sqlstate(eve, COUNT) == "42P01"


def test_columns(ada: psycopg.Connection, connect: Connect) -> None:
    ada.execute("GRANT SELECT (id, region) ON shop.orders TO eve")
    eve = connect(EVE)
    assert one(eve, "SELECT max(id) FROM shop.orders WHERE region <> 'west'") == 3
    assert sqlstate(eve, "SELECT max(amount) FROM shop.orders") in {"42501", "42703"}
    assert sqlstate(eve, "SELECT id FROM shop.orders WHERE amount > 1") in {"42501", "42703"}
    assert sqlstate(eve, "SELECT * FROM shop.orders") == "42501"
    ada.execute("REVOKE SELECT (id) ON shop.orders FROM eve")
    assert one(eve, "SELECT count(region) FROM shop.orders") == 4
    assert sqlstate(eve, "SELECT id FROM shop.orders") in {"42501", "42703"}


ROLE_CHANGES = [
    (["SELECT set_config('role', 'team', false)"], 0),
    (["SELECT set_config('role', 'team', true)"], 2),
    (["BEGIN", "SET LOCAL ROLE team"], 0),
    (["BEGIN", "SET LOCAL ROLE team", "COMMIT"], 2),
    (["BEGIN", "SET ROLE team", "ROLLBACK"], 2),
    (["BEGIN", "SET ROLE team", "COMMIT"], 0),
    (["BEGIN", "SAVEPOINT a", "SET ROLE team", "ROLLBACK TO a"], 2),
    (["BEGIN", "SAVEPOINT a", "SET ROLE team", "RELEASE a"], 0),
    (["SET ROLE team", "RESET ALL"], 0),
    (["SET ROLE team", "DISCARD ALL"], 2),
    (["SET ROLE team", "SET ROLE NONE"], 2),
    (["SET ROLE team", "SET SESSION AUTHORIZATION DEFAULT"], 2),
    (["SET ROLE team", "RESET SESSION AUTHORIZATION"], 2),
    (['SET "role" TO team'], 0),
    (["SET ROLE team; SELECT 1"], 0),
    (["BEGIN; SET ROLE team; ROLLBACK"], 2),
    (["SET LOCAL ROLE team"], 2),
    (["/* */ SET -- x\n ROLE 'team'"], 0),
    (['SET ROLE U&"t\\0065am"'], 0),
]


@pytest.mark.parametrize("prepare", [False, True])
def test_who_asks_is_who_the_mirror_says(ada: psycopg.Connection, shop_gateway: RunningGateway, prepare: bool) -> None:
    ada.execute("CREATE POLICY own ON shop.orders TO team USING (owner = current_user)")
    ada.execute("ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY")
    for statements, rows in ROLE_CHANGES:
        with shop_gateway.connect(BOB) as bob:
            assert one(bob, COUNT, prepare=prepare) == 2
            for statement in statements:
                bob.execute(statement.encode())
            assert one(bob, COUNT, prepare=prepare) == rows, statements
            assert one(bob, "SELECT current_user::text") == ("team" if rows == 0 else "bob"), statements


AUTHORIZATIONS = [
    (["SET SESSION AUTHORIZATION bob"], "bob", "bob"),
    (["SET SESSION AUTHORIZATION bob", "SET ROLE team"], "bob", "team"),
    (["SET SESSION AUTHORIZATION bob", "SET ROLE team", "RESET ROLE"], "bob", "bob"),
    (["SET SESSION AUTHORIZATION bob", "SET SESSION AUTHORIZATION eve"], "eve", "eve"),
    (["SET SESSION AUTHORIZATION bob", "RESET SESSION AUTHORIZATION"], "ada", "ada"),
    (["SET SESSION AUTHORIZATION bob", "SET SESSION AUTHORIZATION DEFAULT"], "ada", "ada"),
    (["SET SESSION AUTHORIZATION bob", "DISCARD ALL"], "ada", "ada"),
    (["SET SESSION AUTHORIZATION bob", "SET SESSION AUTHORIZATION ada"], "ada", "ada"),
    (["BEGIN", "SET LOCAL SESSION AUTHORIZATION bob"], "bob", "bob"),
    (["BEGIN", "SET LOCAL SESSION AUTHORIZATION bob", "COMMIT"], "ada", "ada"),
    (["BEGIN", "SET SESSION AUTHORIZATION bob", "COMMIT"], "bob", "bob"),
    (["BEGIN", "SET SESSION AUTHORIZATION bob", "ROLLBACK"], "ada", "ada"),
    (["BEGIN", "SAVEPOINT a", "SET SESSION AUTHORIZATION bob", "ROLLBACK TO a"], "ada", "ada"),
    (["SET SESSION AUTHORIZATION bob; SET ROLE team"], "bob", "team"),
    (["BEGIN; SET SESSION AUTHORIZATION bob; ROLLBACK"], "ada", "ada"),
    (["SET LOCAL SESSION AUTHORIZATION bob"], "ada", "ada"),
]


@pytest.mark.parametrize("prepare", [False, True])
def test_session_authorization(ada: psycopg.Connection, shop_gateway: RunningGateway, prepare: bool) -> None:
    """Policies, statements prepared before and the mirror see the session user; nobody has become a superuser there."""
    ada.execute("GRANT SELECT ON shop.orders TO eve")
    ada.execute("CREATE POLICY own ON shop.orders USING (owner = session_user)")
    ada.execute("ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY")
    rows = {"bob": 2, "eve": 1, "ada": 4}
    for statements, session_user, current_user in AUTHORIZATIONS:
        with shop_gateway.connect(ADA) as other:
            assert one(other, COUNT, prepare=prepare) == 4
            for statement in statements:
                other.execute(statement.encode(), prepare=prepare and ";" not in statement)
            assert one(other, COUNT, prepare=prepare) == rows[session_user], statements
            told = "SELECT concat_ws(' ', session_user, current_user, current_setting('is_superuser'))"
            assert one(other, told) == f"{session_user} {current_user} off", statements
    assert one(ada, "SELECT count(*) FROM pg_roles WHERE rolsuper AND rolname IN ('ada', 'bob', 'eve')") == 0


def test_who_may_set_the_session_authorization(ada: psycopg.Connection, connect: Connect) -> None:
    ada.execute("CREATE ROLE deputy LOGIN SUPERUSER")
    bob, second = connect(BOB), connect(ADA)
    assert sqlstate(bob, "SET SESSION AUTHORIZATION ada") == "42501"
    for name in ("postgres", "lakegate", "lakegate_superusers", "pg_read_all_data"):
        assert sqlstate(second, f"SET SESSION AUTHORIZATION {name}") in {"42501", "22023"}, name
    for call in ("raise('x', 'bob')", "authorize('x', 'bob', false)", "raise('', 'ada')"):
        for connection in (bob, second):
            assert sqlstate(connection, f"SELECT lakegate.lakegate_{call}") == "42501"
    assert sqlstate(second, "SELECT * FROM pg_catalog.lakegate_permits") == "42501"
    second.execute("SELECT lakegate.lakegate_lower()")
    second.execute("SET SESSION AUTHORIZATION deputy")
    second.execute("SET ROLE eve")  # as a superuser may
    assert one(second, "SELECT concat_ws(' ', session_user, current_user)") == "deputy eve"
    second.execute("SET SESSION AUTHORIZATION bob")
    assert sqlstate(second, "SET ROLE eve") == "42501"
    second.execute("RESET SESSION AUTHORIZATION")
    second.execute("SET ROLE eve")
    second.execute("SET SESSION AUTHORIZATION bob")
    assert one(second, COUNT) == 4
    ada.execute("REVOKE team FROM bob")
    assert sqlstate(second, COUNT) == "42P01"


def test_a_superuser_no_more_is_not_somebody_else(ada: psycopg.Connection, shop_gateway: RunningGateway) -> None:
    ada.execute("CREATE ROLE deputy LOGIN SUPERUSER PASSWORD 'correct horse'")
    with shop_gateway.connect("deputy") as deputy:
        deputy.execute("SET SESSION AUTHORIZATION bob")
        assert one(deputy, COUNT) == 4
        ada.execute("ALTER ROLE deputy NOSUPERUSER")
        assert sqlstate(deputy, COUNT) == "42501"
        deputy.execute("RESET SESSION AUTHORIZATION")
        assert sqlstate(deputy, COUNT) == "42P01"
        assert sqlstate(deputy, "SET SESSION AUTHORIZATION bob") == "42501"


def test_a_transaction_under_another_authorization_holds_up_little(ada: psycopg.Connection, connect: Connect) -> None:
    other = connect(ADA)
    ada.execute("CREATE ROLE deputy SUPERUSER")
    ada.execute("GRANT deputy TO bob WITH ADMIN OPTION")
    bob = connect(BOB)
    with other.transaction():
        other.execute("SET LOCAL SESSION AUTHORIZATION deputy")
        other.execute("GRANT SELECT ON shop.regions TO eve")  # judged as the other's
        ada_again = connect(ADA)
        assert sqlstate(ada_again, "GRANT SELECT ON shop.regions TO bob") == "55P03"
        assert sqlstate(bob, "GRANT deputy TO eve") == "42501"
        assert one(ada_again, "SELECT count(*) FROM shop.regions") == 2
    ada.execute("GRANT SELECT ON shop.regions TO bob")
    assert one(connect(EVE), "SELECT count(*) FROM shop.regions") == 2
    assert one(ada, COUNT) == 4  # still a superuser


def test_a_role_set_in_a_pipeline(ada: psycopg.Connection, connect: Connect) -> None:
    ada.execute("CREATE POLICY own ON shop.orders TO team USING (owner = current_user)")
    ada.execute("ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY")
    bob = connect(BOB)
    with bob.pipeline():
        before = bob.execute(COUNT)
        bob.execute("SET ROLE team")
        behind = bob.execute(COUNT)
        bob.execute("RESET ROLE")
        after = bob.execute(COUNT)
        assert [cursor.fetchone() for cursor in (before, behind, after)] == [(2,), (0,), (2,)]
    with pytest.raises(psycopg.errors.DivisionByZero), bob.pipeline():
        bob.execute("SET ROLE team")
        bob.execute("SELECT 1/0")
    assert one(bob, COUNT) == 2  # the pipeline's transaction was rolled back, and the role with it


def test_a_role_in_the_startup_packet(ada: psycopg.Connection, shop_gateway: RunningGateway) -> None:
    ada.execute("CREATE POLICY own ON shop.orders TO team USING (owner = current_user)")
    ada.execute("ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY")
    with shop_gateway.connect(BOB, options="-c role=team") as bob:
        assert one(bob, COUNT) == 0
        assert one(bob, "SELECT current_user::text") == "team"
    for role in ("ada", "eve", "lakegate"):
        with pytest.raises(psycopg.OperationalError):
            shop_gateway.connect(BOB, options=f"-c role={role}")


def test_a_superuser_becomes_anybody(ada: psycopg.Connection) -> None:
    ada.execute("SET ROLE eve")
    assert sqlstate(ada, COUNT) == "42P01"
    assert sqlstate(ada, "CREATE ROLE more") == "42501"
    assert sqlstate(ada, "SET ROLE lakegate") == "42501"
    ada.execute("SET ROLE bob")  # PostgreSQL asks who has logged in
    assert one(ada, COUNT) == 4
    ada.execute("RESET ROLE")
    members = "SELECT count(*) FROM pg_auth_members WHERE member = 'ada'::regrole AND set_option"
    assert one(ada, members) == 0


def test_a_transaction_of_a_driver(ada: psycopg.Connection, shop_gateway: RunningGateway) -> None:
    """psycopg begins a transaction by itself: what is given counts when it commits."""
    with psycopg.connect(shop_gateway.dsn(ADA)) as connection:
        connection.execute("CREATE ROLE temporary")
        connection.execute("GRANT temporary TO eve")
        with connection.transaction():
            connection.execute("GRANT SELECT ON shop.orders TO temporary")
        with pytest.raises(psycopg.errors.UndefinedTable), connection.transaction():
            connection.execute("GRANT SELECT ON shop.regions TO temporary")
            connection.execute("GRANT SELECT ON shop.nothing TO temporary")
        assert one(ada, "SELECT count(*) FROM pg_roles WHERE rolname = 'temporary'") == 0
        connection.commit()
        assert one(ada, "SELECT has_table_privilege('eve', 'shop.orders', 'SELECT')") is True
        assert one(ada, "SELECT has_table_privilege('eve', 'shop.regions', 'SELECT')") is False
        connection.execute("DROP OWNED BY temporary")
        connection.execute("DROP ROLE temporary")
        connection.rollback()
        connection.execute("DROP OWNED BY temporary")
        connection.execute("DROP ROLE temporary")
    assert one(ada, "SELECT count(*) FROM pg_roles WHERE rolname = 'temporary'") == 0


def test_a_commit_that_has_become_impossible(ada: psycopg.Connection, shop_gateway: RunningGateway) -> None:
    with psycopg.connect(shop_gateway.dsn(ADA)) as connection:
        connection.execute("GRANT SELECT ON shop.regions TO team")
        connection.execute("CREATE ROLE more")
        ada.execute("CREATE ROLE more")
        with pytest.raises(psycopg.errors.DuplicateObject):
            connection.commit()
        assert connection.info.transaction_status == pq.TransactionStatus.IDLE
        assert one(ada, "SELECT has_table_privilege('team', 'shop.regions', 'SELECT')") is False
        assert one(connection, COUNT) == 4


@pytest.mark.parametrize("prepare", [False, True])
def test_prepared_statements_of_access(ada: psycopg.Connection, prepare: bool) -> None:
    for _ in range(3):
        assert ada.execute("GRANT SELECT ON shop.regions TO team", prepare=prepare).statusmessage == "GRANT"
        assert ada.execute("REVOKE SELECT ON shop.regions FROM team", prepare=prepare).statusmessage == "REVOKE"
    assert sqlstate(ada, "GRANT SELECT ON shop.nothing TO team", prepare=prepare) == "42P01"
    assert sqlstate(ada, "EXPLAIN GRANT SELECT ON shop.regions TO team", prepare=prepare) in {"0A000", "42601"}


def test_a_role_that_sets_its_own_password(
    ada: psycopg.Connection, connect: Connect, shop_gateway: RunningGateway, shop: SampleLake
) -> None:
    secret = "nobody must read this"
    ada.execute(f"CREATE ROLE nan LOGIN PASSWORD '{secret}'")
    shop_gateway.connect("nan", password=secret).close()
    eve = connect(EVE)
    assert sqlstate(eve, f"ALTER ROLE nan PASSWORD '{secret}'") == "42501"
    assert sqlstate(eve, f"ALTER ROLE nan PASWORD '{secret}'") == "42601"
    assert sqlstate(eve, f"ALTER ROLE nan PASSWORD {secret}") == "42601"
    assert sqlstate(eve, f"ALTER ROLE nan PASSWORD '{secret}") == "42601"
    assert sqlstate(eve, f"ALTER ROLE eve PASSWORD '{secret}' PASSWORD '{secret}'") == "42601"
    eve.execute(f"ALTER ROLE eve PASSWORD '{secret}'")
    shop_gateway.connect(EVE, password=secret).close()
    with pytest.raises(psycopg.OperationalError):
        shop_gateway.connect(EVE)
    ada.execute(f"ALTER USER eve PASSWORD '{PASSWORD}'")
    shop_gateway.connect(EVE).close()
    ada.execute("ALTER USER nan PASSWORD NULL")
    with pytest.raises(psycopg.OperationalError):
        shop_gateway.connect("nan", password=secret)
    files = [path for path in shop.folder.rglob("*") if path.is_file()]  # logs, the audit, PostgreSQL's own files
    assert shop_gateway.log in files
    assert [path for path in files if secret.encode() in _content(path)] == []


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # PostgreSQL makes some anew, and deletes what it needs no more
        return b""


def test_two_gateways(ada: psycopg.Connection, shop: SampleLake, connect: Connect) -> None:
    """What one carries out the other knows by NOTIFY, and at once where it is asked for more of it."""
    import time

    with serving(shop, Settings(server={"refresh_interval": "0"})) as other, other.connect(BOB) as bob:
        assert one(bob, COUNT) == 4
        ada.execute("CREATE POLICY none ON shop.orders USING (false)")
        ada.execute("ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY")
        deadline = time.monotonic() + 1
        while one(bob, COUNT) != 0:
            assert time.monotonic() < deadline
        with other.connect(ADA) as second:
            for index in range(5):
                ada.execute(f"CREATE ROLE one_{index}")
                second.execute(f"GRANT one_{index} TO eve")
                ada.execute(f"GRANT SELECT ON shop.regions TO one_{index}")
        assert one(connect(EVE), "SELECT count(*) FROM shop.regions") == 2


def test_psql_tells_the_truth(ada: psycopg.Connection) -> None:
    ada.execute("CREATE POLICY own ON shop.orders TO team USING (owner = current_user)")
    row = ada.execute("SELECT roles, cmd, qual FROM pg_policies WHERE policyname = 'own'").fetchone()
    assert row == (["team"], "ALL", "(owner = CURRENT_USER)")
    row = ada.execute("SELECT array_to_string(relacl, ' ') FROM pg_class WHERE relname = 'orders'").fetchone()
    assert row is not None
    assert "team=r/lakegate" in row[0]


def test_roles_with_rights_by_their_name_are_made_by_superusers(ada: psycopg.Connection, connect: Connect) -> None:
    ada.execute("ALTER ROLE bob CREATEROLE")
    try:
        bob = connect(BOB)
        bob.execute("CREATE ROLE plain")
        assert sqlstate(bob, "CREATE ROLE lakegate_officer") == "42501"
        assert sqlstate(bob, "ALTER ROLE plain RENAME TO lakegate_officer") == "42501"
        bob.execute("DROP ROLE plain")
        ada.execute("CREATE ROLE lakegate_officer")
        ada.execute("DROP ROLE lakegate_officer")
    finally:
        ada.execute("ALTER ROLE bob NOCREATEROLE")
