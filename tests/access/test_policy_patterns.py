"""Patterns in row policies: what PostgreSQL makes of them is what the engine answers, on tables of files too."""

from __future__ import annotations

import psycopg
import pytest

from catalog.server import Server
from tests.access.conftest import ORDERS, peer_dsn
from tests.gateway import ADA, BOB, RunningGateway

CONDITIONS = (
    "regexp_like(owner, '^b')",
    "regexp_like(owner, '^B', 'i')",
    "regexp_like(owner, '^B', 'c')",
    "regexp_like(owner, 'O|V', '')",
    "regexp_like(owner || E'\\n', 'b\\M', 'i')",
    "NOT regexp_like(region, 'TH$', 'i')",
    "owner SIMILAR TO '(b|e)%'",
    "owner NOT SIMILAR TO '(b|e)%'",
    "owner SIMILAR TO 'b#_%' ESCAPE '#' OR owner SIMILAR TO 'a_a' ESCAPE '#'",
    "owner SIMILAR TO '___\\'",
    "owner || '%' SIMILAR TO '_{3}#%' ESCAPE '#'",
    "owner || '%' NOT SIMILAR TO 'b_b#%' ESCAPE '#'",
    "owner || '\\' SIMILAR TO 'b_b\\' ESCAPE '!'",
    "owner || '\\' SIMILAR TO 'b_b\\' ESCAPE ''",
    "owner || '#' SIMILAR TO '%##' ESCAPE '#'",
    "owner || '.' SIMILAR TO '%[!.]' ESCAPE '!'",
    "owner SIMILAR TO '[a-e]%' ESCAPE '%'",
    "owner SIMILAR TO '#w%' ESCAPE '#'",
    "owner SIMILAR TO '\\w%'",
    "owner || id::text SIMILAR TO '#D+[#d]' ESCAPE '#'",
    "owner || id::text NOT SIMILAR TO '%[^#s1]' ESCAPE '#'",
    "owner SIMILAR TO 'b#mo%' ESCAPE '#'",
    "owner || '\\b' ~ 'a\\\\b'",
    "owner ~ '\\bb' OR owner ~ '\\<e' OR owner ~ '^[a&&b]'",
)


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("condition", CONDITIONS)
def test_rows_are_those_of_postgresql(shop_gateway: RunningGateway, peer: Server, condition: str) -> None:
    asked = "SELECT id FROM shop.orders ORDER BY id"
    with psycopg.connect(peer_dsn(peer, ADA), autocommit=True) as server:
        server.execute("TRUNCATE shop.orders")
        values = zip(*(ORDERS[name].to_pylist() for name in ("id", "region", "amount", "owner")), strict=True)
        server.cursor().executemany("INSERT INTO shop.orders VALUES (%s, %s, %s, %s)", [*values])
        try:
            expected = _answered(server, peer_dsn(peer, BOB), condition, asked)
        finally:
            server.execute("DROP POLICY IF EXISTS matching ON shop.orders")
            server.execute("ALTER TABLE shop.orders DISABLE ROW LEVEL SECURITY; REVOKE ALL ON shop.orders FROM bob")
            server.execute("REVOKE USAGE ON SCHEMA shop FROM bob; TRUNCATE shop.orders")
    with shop_gateway.connect() as officer:
        assert _answered(officer, shop_gateway.dsn(BOB), condition, asked) == expected


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize(
    "condition",
    [
        "owner SIMILAR TO '#\"b#\"%' ESCAPE '#'",
        "owner SIMILAR TO '(b)%#1' ESCAPE '#'",
        "owner SIMILAR TO 'b%' ESCAPE '##'",
    ],
)
def test_what_the_engine_has_no_pattern_for_is_refused(shop_gateway: RunningGateway, condition: str) -> None:
    """Separators, which only substring() has a use for, and what is wrong."""
    with shop_gateway.connect() as officer:
        assert _answered(officer, shop_gateway.dsn(BOB), condition, "SELECT id FROM shop.orders") == "0A000"


def _answered(
    officer: psycopg.Connection[tuple[object, ...]], reader: str, condition: str, asked: str
) -> list[tuple[object, ...]] | str | None:
    try:
        officer.execute(f"CREATE POLICY matching ON shop.orders USING ({condition})".encode())
        officer.execute("ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY")
        officer.execute("GRANT USAGE ON SCHEMA shop TO bob")
        officer.execute("GRANT SELECT ON shop.orders TO bob")
        with psycopg.connect(reader, autocommit=True) as connection:
            return connection.execute(asked.encode()).fetchall()
    except psycopg.Error as error:
        return error.sqlstate
