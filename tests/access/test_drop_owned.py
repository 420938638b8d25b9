"""A role that has lost all it had by DROP OWNED can be dropped in the same transaction, whatever it had."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.gateway import ADA, RunningGateway, SampleLake, Settings, serving

_HAD = {
    "nothing": (),
    "a table's privilege": ("GRANT SELECT ON shop.orders TO r",),
    "columns": ("GRANT SELECT (id) ON shop.orders TO r WITH GRANT OPTION",),
    "a schema": ("GRANT USAGE, CREATE ON SCHEMA shop TO r",),
    "the database": ("GRANT CREATE, TEMPORARY ON DATABASE lake TO r",),
    "defaults": ("ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO r",),
    "its own defaults": ("ALTER DEFAULT PRIVILEGES FOR ROLE r GRANT SELECT ON TABLES TO bob",),
    "a policy": ("CREATE POLICY p ON shop.orders TO r USING (true)",),
    "a policy with others": ("CREATE POLICY p ON shop.orders TO r, bob USING (true)",),
    "a draft": ("CREATE DRAFT POLICY p ON shop.orders TO r USING (true)",),
    "a draft with others": ("CREATE DRAFT POLICY p ON shop.orders TO r, bob USING (true)",),
    "a view": ("CREATE VIEW shop.v AS SELECT 1 AS one", "ALTER VIEW shop.v OWNER TO r"),
    "a policy of its view": (
        "CREATE VIEW shop.v AS SELECT 1 AS one",
        "CREATE POLICY p ON shop.v TO r, bob USING (one = 1)",
        "ALTER VIEW shop.v OWNER TO r",
    ),
    "a policy of a view": ("CREATE VIEW shop.v AS SELECT 1 AS one", "CREATE POLICY p ON shop.v TO r USING (one = 1)"),
    "a membership": ("GRANT bob TO r",),
    "settings": ("ALTER ROLE r IN DATABASE lake SET search_path = shop", "ALTER ROLE r SET work_mem = '1MB'"),
    "a function": ("GRANT EXECUTE ON FUNCTION lakegate.mask_email(text) TO r",),
    "a source": ("GRANT USAGE ON FOREIGN SERVER shop TO r",),
    "a claim": ("ALTER ROLE r SET lakegate.claim.x = 'y'",),
    "what it gave on": (
        "GRANT SELECT ON shop.orders TO r WITH GRANT OPTION",
        "SET ROLE r",
        "GRANT SELECT ON shop.orders TO bob",
        "RESET ROLE",
    ),
}


@pytest.mark.parametrize("had", _HAD)
@pytest.mark.parametrize("block", [True, False], ids=["transaction", "one text"])
def test_a_role_goes_with_all_it_had(shop_gateway: RunningGateway, clean: None, had: str, block: bool) -> None:
    with shop_gateway.connect(ADA) as ada:
        for statement in ("CREATE ROLE r LOGIN", "GRANT USAGE ON SCHEMA shop TO r", *_HAD[had]):
            ada.execute(statement.encode(), prepare=False)
        if block:
            for statement in ("BEGIN", "DROP OWNED BY r", "DROP ROLE r", "COMMIT"):
                ada.execute(statement.encode(), prepare=False)
        else:
            ada.execute("DROP OWNED BY r; DROP ROLE r")
        assert ada.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'r'").fetchone() == (0,)
        ada.execute("DROP VIEW IF EXISTS shop.v")


@pytest.fixture(scope="module")
def other_lake(shop: SampleLake, shop_gateway: RunningGateway) -> Iterator[RunningGateway]:
    """A gateway of another lake on the same metadata server: its mirror has copies of what roles have."""
    with serving(shop, Settings(server={"refresh_interval": "0", "database": "other"})) as running:
        yield running


@pytest.mark.parametrize("had", ["the database", "a table's privilege", "a policy", "defaults", "a function"])
@pytest.mark.parametrize("block", [True, False], ids=["transaction", "one by one"])
def test_another_mirror_shows_the_role(
    shop_gateway: RunningGateway, other_lake: RunningGateway, had: str, block: bool
) -> None:
    shown = (
        "SELECT count(*) FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid,"
        " (SELECT oid FROM pg_database WHERE datname = current_database()) own"
        " WHERE r.rolname = 'r' AND d.dbid <> own.oid AND (d.dbid <> 0 OR d.objid <> own.oid)"
    )
    with shop_gateway.connect(ADA) as ada:
        for statement in ("CREATE ROLE r LOGIN", "GRANT USAGE ON SCHEMA shop TO r", *_HAD[had]):
            ada.execute(statement.encode(), prepare=False)
        deadline = time.monotonic() + 20
        while ada.execute(shown.encode()).fetchone() == (0,):
            assert time.monotonic() < deadline, "the other mirror shows nothing of the role"
        begin, end = ("BEGIN", "COMMIT") if block else ("SELECT 1", "SELECT 1")
        for statement in (begin, "DROP OWNED BY r", "DROP ROLE r", end):
            ada.execute(statement.encode(), prepare=False)
        assert ada.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'r'").fetchone() == (0,)


def test_what_is_not_a_copy_is_nobodys_to_drop(shop: SampleLake, shop_gateway: RunningGateway) -> None:
    """Its owner has let the role do something with a database that has nothing to do with the lake."""
    with shop_gateway.connect(ADA) as ada, shop.server.connect(autocommit=True) as owner:
        ada.execute("CREATE ROLE r LOGIN")
        owner.execute("GRANT CREATE ON DATABASE template1 TO r")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for database template1"):
            ada.execute("DROP OWNED BY r")
        owner.execute("REVOKE CREATE ON DATABASE template1 FROM r")
        ada.execute("DROP OWNED BY r")
        ada.execute("DROP ROLE r")
