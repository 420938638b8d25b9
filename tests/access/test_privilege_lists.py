"""``information_schema`` lists roles and privileges to superusers and to others as PostgreSQL does."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from catalog.server import Server
from tests.access.conftest import peer, shop, shop_gateway
from tests.gateway import ADA, BOB, EVE, RunningGateway

__all__ = ["peer", "shop", "shop_gateway"]

GRANTS = (
    "CREATE ROLE listed",
    "GRANT listed TO eve WITH ADMIN OPTION",
    "GRANT USAGE ON SCHEMA shop TO bob, listed",
    "GRANT SELECT ON shop.orders TO bob WITH GRANT OPTION",
    "GRANT SELECT (region), UPDATE (team) ON shop.regions TO listed",
    "GRANT SELECT ON shop.regions TO PUBLIC",
    "GRANT USAGE ON FOREIGN SERVER shop TO bob",
)
BACK = (
    "REVOKE ALL ON SCHEMA shop FROM bob, listed",
    "REVOKE ALL ON shop.orders, shop.regions FROM bob, listed, PUBLIC",
    "REVOKE ALL ON FOREIGN SERVER shop FROM bob",
    "DROP ROLE listed",
)
OURS = "NOT IN ('lakegate', 'lakegate_superusers')"
TABLES = f"table_schema = 'shop' AND grantee {OURS}"
LISTS = (
    f"SELECT grantee, table_name, privilege_type, is_grantable FROM information_schema.table_privileges WHERE {TABLES}",
    f"SELECT grantee, table_name, privilege_type FROM information_schema.role_table_grants WHERE {TABLES}",
    "SELECT grantee, table_name, column_name, privilege_type, is_grantable FROM information_schema.column_privileges"
    f" WHERE {TABLES}",
    "SELECT grantee, table_name, column_name, privilege_type FROM information_schema.role_column_grants"
    f" WHERE {TABLES}",
    "SELECT grantee, object_type, object_name, privilege_type, is_grantable FROM information_schema.usage_privileges"
    f" WHERE object_name = 'shop' AND grantee {OURS}",
    "SELECT grantee, role_name, is_grantable FROM information_schema.applicable_roles WHERE role_name = 'listed'",
    "SELECT grantee, role_name FROM information_schema.administrable_role_authorizations",
    "SELECT role_name FROM information_schema.enabled_roles WHERE role_name IN ('ada', 'bob', 'eve', 'listed')",
)


@pytest.fixture
def granted(shop_gateway: RunningGateway, peer: Server) -> Iterator[psycopg.Connection]:
    """PostgreSQL with the same grants as the gateway."""
    with (
        shop_gateway.connect(ADA) as ada,
        psycopg.connect(make_conninfo("", **peer.connection_parameters("lake")), autocommit=True) as owner,
    ):
        for statement in GRANTS:
            ada.execute(statement.encode())
            owner.execute(statement.encode())
        yield owner
        for statement in BACK:
            ada.execute(statement.encode())
            owner.execute(statement.encode())


def test_lists(shop_gateway: RunningGateway, granted: psycopg.Connection) -> None:
    found = 0
    for user in (ADA, BOB, EVE):
        with shop_gateway.connect(user) as connection:
            granted.execute(f"SET SESSION AUTHORIZATION {user}".encode())
            for query in LISTS:
                expected = sorted(granted.execute(query.encode()).fetchall())
                assert sorted(connection.execute(query.encode()).fetchall()) == expected, (user, query)
                found += len(expected)
            granted.execute("RESET SESSION AUTHORIZATION")
    assert found > 30


def test_who_a_superuser_stands_in_for_sees_his_own(shop_gateway: RunningGateway, granted: psycopg.Connection) -> None:
    with shop_gateway.connect(ADA) as ada, shop_gateway.connect(EVE) as eve:
        ada.execute("SET SESSION AUTHORIZATION eve")
        for query in LISTS:
            rows = sorted(eve.execute(query.encode()).fetchall())
            assert sorted(ada.execute(query.encode()).fetchall()) == rows, query
