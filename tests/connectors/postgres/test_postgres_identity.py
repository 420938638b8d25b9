"""Columns that change places at the source between plan and scan: their names are never believed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pyarrow as pa
import pytest

from catalog.errors import SqlError
from catalog.scans import Comparison
from catalog.sqlstate import SqlState
from catalog.tables import Table
from connectors.postgres.settings import PostgresOptions
from connectors.postgres.source import PostgresSource
from tests.connectors.conftest import RealServer, execute
from tests.connectors.streaming import read, remote_rows, table_of

SETUP = """
CREATE TABLE staff (id int, open text, "se'cret" text, gone text);
INSERT INTO staff SELECT i, 'open', 'secret', 'gone' FROM generate_series(1, 5000) i;
CREATE TABLE impostor (id int, open text);
INSERT INTO impostor VALUES (1, 'impostor');
CREATE TABLE parted (k int, open text, secret text) PARTITION BY RANGE (k);
CREATE TABLE parted_a (secret text, k int, open text);
ALTER TABLE parted ATTACH PARTITION parted_a FOR VALUES FROM (0) TO (10);
INSERT INTO parted VALUES (1, 'open', 'secret');
CREATE VIEW seen AS SELECT id, open FROM staff;
ANALYZE;
"""
SWAP = """
ALTER TABLE staff RENAME open TO tmp;
ALTER TABLE staff RENAME "se'cret" TO open;
ALTER TABLE staff RENAME tmp TO "se'cret";
"""
FOUR_WAYS = PostgresOptions(parallel_scans=4, parallel_scan_bytes=8192)


@pytest.fixture
def database(server: RealServer) -> str:
    return server.database(SETUP)


@pytest.fixture(params=[PostgresOptions(), FOUR_WAYS], ids=["one query", "several on one snapshot"])
def source(database: str, request: pytest.FixtureRequest) -> Iterator[PostgresSource]:
    opened = PostgresSource("crm", database, request.param)
    yield opened
    opened.close()


def error_of(source: PostgresSource, planned: Table, *columns: str, comparison: Comparison | None = None) -> str:
    """Scan as a statement that was planned with the table as it was found before."""
    scan = source.scan(source.pin(planned), columns, () if comparison is None else (comparison,))
    with pytest.raises(SqlError) as caught:
        remote_rows(source, scan)
    assert caught.value.sqlstate is SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE
    return caught.value.message


def values(source: PostgresSource, table: str, column: str) -> set[object]:
    return set(read(source, table_of(source, table), (column,)).column(0).to_pylist())


def test_all_is_read_where_nothing_has_changed(source: PostgresSource) -> None:
    assert values(source, "staff", "se'cret") == {"secret"}
    assert values(source, "parted", "open") == {"open"}  # whose partition has the columns in another order
    assert values(source, "seen", "open") == {"open"}


def test_swapped_columns_are_not_read(source: PostgresSource, database: str) -> None:
    planned = table_of(source, "staff")
    execute_all(database, SWAP)
    assert error_of(source, planned, "open") == 'columns of a table of source "crm" have just been changed'
    assert error_of(source, planned, "id", "se'cret")
    assert error_of(source, planned, "id", comparison=Comparison("open", "=", (pa.scalar("secret"),)))
    assert error_of(source, planned, comparison=Comparison("open", "=", (pa.scalar("secret"),)))
    source.discover()
    fresh = PostgresSource("crm", database)
    assert values(fresh, "staff", "open") == {"secret"}
    fresh.close()


def test_a_plan_made_before_the_source_was_looked_at_again_is_not_carried_out(
    source: PostgresSource, database: str
) -> None:
    planned = table_of(source, "staff")
    execute_all(database, SWAP)
    source.discover()  # by another statement: the connector knows the new columns, the plan does not
    with pytest.raises(SqlError, match="just been changed"):
        remote_rows(source, source.scan(source.pin(planned), ("open",), ()))


def test_columns_that_change_while_the_scan_waits_for_their_table_are_not_read(
    source: PostgresSource, database: str
) -> None:
    """The scan's snapshot is of before the change, the lock on the table comes after it."""
    scan = source.scan(source.pin(table_of(source, "staff")), ("open",), ())
    outcome: list[object] = []

    def scans() -> None:
        try:
            outcome.append(remote_rows(source, scan).num_rows)
        except SqlError as error:
            outcome.append(error.sqlstate)

    waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'staff'::regclass AND NOT granted"
    with psycopg.connect(database) as changing:
        changing.execute(SWAP)
        reader = threading.Thread(target=scans)
        reader.start()
        deadline = time.monotonic() + 10
        while execute(database, waiting)[0][0] == 0:
            assert time.monotonic() < deadline
            time.sleep(0.005)
    reader.join()
    assert outcome == [SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE]


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE staff RENAME TO old; ALTER TABLE impostor RENAME TO staff",
        "ALTER TABLE staff DROP COLUMN open; ALTER TABLE staff ADD COLUMN open text DEFAULT 'another'",
        "CREATE SCHEMA aside; ALTER TABLE staff SET SCHEMA aside; ALTER TABLE impostor RENAME TO staff",
        "DROP VIEW seen; DROP TABLE staff; ALTER TABLE impostor RENAME TO staff",
    ],
    ids=["renamed", "dropped column", "moved", "dropped"],
)
def test_what_has_taken_a_name_is_not_read(source: PostgresSource, database: str, change: str) -> None:
    planned = table_of(source, "staff")
    execute_all(database, "DROP VIEW IF EXISTS seen; " + change.replace("DROP VIEW seen; ", ""))
    assert error_of(source, planned, "open")
    assert error_of(source, planned, "id", "open")


def test_other_columns_may_change(source: PostgresSource, database: str) -> None:
    planned = table_of(source, "staff")
    execute_all(database, "ALTER TABLE staff DROP COLUMN gone; ALTER TABLE staff ADD COLUMN more int")
    assert remote_rows(source, source.scan(source.pin(planned), ("open",), ())).num_rows == 5000


def test_an_error_of_the_table_itself_stays_what_it_is(source: PostgresSource) -> None:
    planned = table_of(source, "staff")
    scan = source.scan(source.pin(planned), ("open",), ())
    with pytest.raises(SqlError) as caught:
        remote_rows(source, replace(scan, queries=("SELECT open FROM nowhere",)))
    assert caught.value.sqlstate is SqlState.UNDEFINED_TABLE


def execute_all(database: str, script: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(script.encode())
