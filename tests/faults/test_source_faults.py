"""Sources that are away, die in the middle of a statement, lose files, or change."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from tests.faults.conftest import Strict, wait_until
from tests.gateway import RunningGateway, SampleLake


def exists(gateway: RunningGateway, table: str) -> bool:
    with gateway.connect() as connection:
        try:
            connection.execute(f"select * from {table}")
        except psycopg.errors.UndefinedTable:
            return False
        except psycopg.errors.FdwError:
            return True  # it is known, though its files have gone
    return True


def test_a_source_that_is_away_keeps_nobody_from_starting(strict: Strict) -> None:
    with strict.gateway.connect() as connection:
        with pytest.raises(psycopg.errors.SqlclientUnableToEstablishSqlconnection, match='source "away"') as caught:
            connection.execute("select * from away.customers")
        assert caught.value.diag.statement_position == "15"
        with pytest.raises(psycopg.errors.SqlclientUnableToEstablishSqlconnection, match='source "mute"'):
            connection.execute("select * from mute.customers")
        assert connection.execute("select count(*) from crm.region").fetchone() == (5,)
    assert {record["source"] for record in strict.gateway.records("source cannot be read")} == {"away", "mute"}


def test_a_source_dies_in_the_middle_of_a_statement(
    gateway: RunningGateway, lake: SampleLake, bystander: psycopg.Connection, running_at_source: Callable[[str], int]
) -> None:
    died: list[float] = []

    def die() -> None:
        wait_until(lambda: running_at_source('"slow"') > 0, 5)
        with lake.server.connect(autocommit=True) as server:
            server.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'reference_owner'")
        died.append(time.monotonic())

    with gateway.connect() as connection:
        dying = threading.Thread(target=die)
        dying.start()
        with pytest.raises(psycopg.OperationalError) as caught:
            connection.execute("select * from origin.slow")
        dying.join()
        assert time.monotonic() - died[0] < 2
        assert caught.value.sqlstate is not None
        assert caught.value.sqlstate[:2] in ("08", "57")
        assert "origin" in str(caught.value)
        assert connection.execute("select count(*) from origin.things").fetchone() == (3,)


def test_connections_of_a_pool_that_died_while_idle_are_replaced(gateway: RunningGateway, lake: SampleLake) -> None:
    with gateway.connect() as connection, lake.server.connect(autocommit=True) as server:
        connection.execute("select * from origin.things").fetchall()
        server.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'reference_owner'")
        assert connection.execute("select count(*) from origin.things").fetchone() == (3,)


def test_a_data_file_is_gone(strict: Strict) -> None:
    def remove_one() -> None:
        next((strict.folder / "torn" / "doomed").glob("*.parquet")).unlink()

    with strict.gateway.connect() as connection:
        assert connection.execute("select count(*) from torn.doomed where n > 0").fetchone() == (10_000,)
        remove_one()
        for query in ("select count(*) from torn.doomed where n > 0", "select n from torn.doomed"):
            with pytest.raises(psycopg.errors.IoError):
                connection.execute(query)
        with pytest.raises(psycopg.errors.IoError):
            connection.execute("select sum(n) from torn.doomed")
        assert connection.execute("select count(*) from small.numbers").fetchone() == (10_000,)


def test_tables_come_and_go_within_the_interval(strict: Strict) -> None:
    folder: Path = strict.folder / "torn" / "late"
    assert not exists(strict.gateway, "torn.late")
    write_deltalake(folder, pa.table({"n": [1, 2]}))
    wait_until(lambda: exists(strict.gateway, "torn.late"), 5)
    with strict.gateway.connect() as connection:
        assert connection.execute("select to_regclass('torn.late') is not null").fetchone() == (True,)
    shutil.rmtree(folder)
    with strict.gateway.connect() as connection:
        listed = "select to_regclass('torn.late') is null"
        wait_until(lambda: connection.execute(listed).fetchone() == (True,), 5)
    wait_until(lambda: not exists(strict.gateway, "torn.late"), 5)


def test_tables_come_and_go_at_once_after_refresh(gateway: RunningGateway, lake: SampleLake) -> None:
    folder = lake.folder / "small" / "later"
    with gateway.connect() as connection:
        write_deltalake(folder, pa.table({"n": [1, 2]}))
        assert not exists(gateway, "small.later")
        assert connection.execute("refresh source small").statusmessage == "REFRESH SOURCE"
        assert connection.execute("select sum(n) from small.later").fetchone() == (3,)
        prepared = "select * from small.later where n = %s"
        connection.execute(prepared, [1], prepare=True)
        write_deltalake(folder, pa.table({"n": [1, 2], "more": ["a", "b"]}), mode="overwrite", schema_mode="overwrite")
        connection.execute("refresh source small")
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="cached plan must not change result type"):
            connection.execute(prepared, [1], prepare=True)
        assert connection.execute("select more from small.later where n = 2").fetchone() == ("b",)
        shutil.rmtree(folder)
        connection.execute("refresh source")
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("select sum(n) from small.later")
        with pytest.raises(psycopg.errors.UndefinedObject, match='source "nosuch" does not exist'):
            connection.execute("refresh source nosuch")


def test_new_rows_are_read_at_once(gateway: RunningGateway, lake: SampleLake) -> None:
    """The version of a table is looked up for every statement; only the list of tables is kept."""
    folder = lake.folder / "small" / "none"
    with gateway.connect() as connection:
        assert connection.execute("select count(*) from small.none").fetchone() == (0,)
        write_deltalake(folder, pa.table({"n": pa.array([1], pa.int64())}), mode="append")
        try:
            assert connection.execute("select count(*) from small.none").fetchone() == (1,)
        finally:
            write_deltalake(folder, pa.table({"n": pa.array([], pa.int64())}), mode="overwrite")
        assert connection.execute("select count(*) from small.none").fetchone() == (0,)
