"""Sequences of columns are there, as in PostgreSQL, and nobody advances, reads or is given one."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.clients.conftest import Shop
from tests.gateway import BOB

REFUSED = {
    "SELECT nextval('shop.numbered_id_seq')": psycopg.errors.InsufficientPrivilege,
    "SELECT nextval(pg_get_serial_sequence('shop.numbered', 'old'))": psycopg.errors.InsufficientPrivilege,
    "SELECT setval('shop.numbered_always_seq', 7)": psycopg.errors.InsufficientPrivilege,
    "SELECT * FROM shop.numbered_id_seq": psycopg.Error,
    "SELECT last_value FROM shop.numbered_old_seq": psycopg.Error,
    "COPY shop.numbered_id_seq TO STDOUT": psycopg.Error,
    "INSERT INTO shop.numbered (label) VALUES ('x')": psycopg.errors.FeatureNotSupported,
    "ALTER SEQUENCE shop.numbered_id_seq RESTART": psycopg.errors.UndefinedTable,
    "DROP SEQUENCE shop.numbered_id_seq": psycopg.errors.UndefinedTable,
    "CREATE TEMPORARY TABLE own (LIKE shop.numbered INCLUDING ALL)": psycopg.errors.FeatureNotSupported,
    "GRANT USAGE ON SEQUENCE shop.numbered_id_seq TO bob": psycopg.errors.FeatureNotSupported,
}


@pytest.fixture
def owned_by_bob(shop: Shop) -> Iterator[None]:
    with shop.gateway.connect() as ada:
        ada.execute("GRANT USAGE ON SCHEMA shop TO bob")
        ada.execute("ALTER TABLE shop.numbered OWNER TO bob")
        ada.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA shop TO bob, public")
        yield
        ada.execute("REVOKE ALL ON ALL SEQUENCES IN SCHEMA shop FROM bob, public")
        ada.execute("ALTER TABLE shop.numbered OWNER TO lakegate")
        ada.execute("REVOKE USAGE ON SCHEMA shop FROM bob")


@pytest.mark.usefixtures("owned_by_bob")
@pytest.mark.parametrize("statement", REFUSED)
def test_they_are_of_no_use(shop: Shop, statement: str) -> None:
    for role in ("ada", BOB):
        with shop.gateway.connect(role) as connection, pytest.raises(REFUSED[statement]):
            connection.execute(statement.encode())


@pytest.mark.usefixtures("owned_by_bob")
def test_catalogues_tell_of_them_as_postgresql_does(shop: Shop) -> None:
    columns = "SELECT column_name, is_identity, identity_generation, identity_start, identity_increment, column_default"
    queries = (
        f"{columns} FROM information_schema.columns WHERE table_name = 'numbered' ORDER BY 1",
        "SELECT sequencename, data_type, start_value, increment_by FROM pg_sequences"
        " WHERE schemaname = 'shop' ORDER BY 1",
        "SELECT pg_get_serial_sequence('shop.numbered', 'old'), pg_get_serial_sequence('shop.numbered', 'label')",
        "SELECT c.relname, d.deptype, a.attname FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND relkind = 'S'"
        " JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid"
        " WHERE d.refobjid = 'shop.numbered'::regclass AND c.relname LIKE 'numbered%' ORDER BY 1",
    )
    with shop.gateway.connect(BOB) as ours, psycopg.connect(shop.peer_dsn()) as theirs:
        for query in queries:
            told = [connection.execute(query.encode()).fetchall() for connection in (ours, theirs)]
            assert told[0] == told[1]
