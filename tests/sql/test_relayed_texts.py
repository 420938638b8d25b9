"""What the mirror executes is what the gateway has looked at, whatever settings a client makes; and who asks is looked
up for each statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import pq

from catalog.store.rows import Grant
from catalog.store.store import Store, open_store
from gateway.authentication.scram import verifier
from tests.faults.conftest import wait_until
from tests.gateway import PASSWORD, RunningGateway, SampleLake
from tests.wire.wire_script import Wire


@pytest.fixture
def connection(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as opened:
        yield opened


@pytest.fixture
def store(lake: SampleLake) -> Iterator[Store]:
    opened = open_store(lake.server)
    yield opened
    opened.close()


def _prepared(connection: psycopg.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT gid FROM pg_prepared_xacts")]


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("SET standard_conforming_strings = off", rb"SELECT '\'' ; PREPARE TRANSACTION $$hidden$$; --'"),
        ("SET standard_conforming_strings = off", rb"SELECT '\''; PREPARE TRANSACTION $$hidden$$"),
        (
            "SELECT set_config('standard_'||'conforming_strings', 'off', false)",
            rb"SELECT '\'' ; PREPARE TRANSACTION $$hidden$$; --'",
        ),
        ("SET client_encoding = 'SJIS'", b"SELECT E'\xc2\x95\x5c' ; PREPARE TRANSACTION $$hidden$$; --'"),
        ("SELECT 1", "SELECT $\u00a0$ ' $\u00a0$; PREPARE TRANSACTION $$hidden$$; --'".encode()),
        ("SELECT 1", b"SELECT E'a'\n'\\'' ; PREPARE TRANSACTION $$hidden$$; --'"),
    ],
)  # fmt: skip
def test_no_statement_is_hidden_from_the_gateway(connection: psycopg.Connection, setting: str, text: bytes) -> None:
    connection.execute(setting.encode())
    result = connection.pgconn.exec_(text)
    assert result.status == pq.ExecStatus.FATAL_ERROR
    assert result.error_field(pq.DiagnosticField.SQLSTATE) == b"0A000"
    assert _prepared(connection) == []
    connection.execute("SET standard_conforming_strings TO on; SET client_encoding TO 'UTF8'")
    assert connection.execute("SELECT E'\\''").fetchone() == ("'",)


def test_a_setting_made_without_sync_is_seen(gateway: RunningGateway) -> None:
    """A simple query may follow extended messages that no Sync has ended; the mirror tells settings only at Sync."""
    script = r"""
Parse "" "select set_config('standard_conforming_strings', 'off', false)"
Bind "" ""
Execute "" 0
Query "select '\\'' ; prepare transaction $$hidden$$; --'"
""".strip()
    wire = Wire(gateway.dsn())
    try:
        answers = wire.run(script)
        assert answers[-3].startswith("ErrorResponse ERROR 0A000 "), answers
        assert answers[-2] == "ParameterStatus standard_conforming_strings off"
        assert wire.run('Query "select count(*) from pg_prepared_xacts"')[1] == 'DataRow "0"'
    finally:
        wire.close()


@pytest.mark.parametrize(
    "statement",
    [
        "EXPLAIN DELETE FROM pg_class",
        "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
        "EXPLAIN (ANALYZE) MERGE INTO small.numbers USING small.none ON true WHEN MATCHED THEN DELETE",
        "EXPLAIN (COSTS off) UPDATE small.numbers SET n = 1",
    ],
)
def test_explain_takes_queries_alone(connection: psycopg.Connection, statement: str) -> None:
    for prepare in (False, True):
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            connection.execute(statement.encode(), prepare=prepare)


def test_a_membership_that_was_taken_away_counts_in_a_session_that_runs(gateway: RunningGateway, store: Store) -> None:
    query = "SELECT count(*) FROM crm.region"
    store.add_role("readers")
    store.add_role("member", verifier=verifier(PASSWORD))
    store.grant(Grant("readers", "crm", "region"))
    store.add_member("readers", "member")
    try:
        wait_until(lambda: _answers(lambda: gateway.connect("member").close()), 5)
        with gateway.connect("member") as connection:
            wait_until(lambda: _answers(lambda: connection.execute(query)), 5)
            store.remove_member("readers", "member")
            wait_until(lambda: not _answers(lambda: connection.execute(query)), 5)
            store.add_member("readers", "member")
            wait_until(lambda: _answers(lambda: connection.execute(query)), 5)
            store.remove_role("member")
            wait_until(lambda: not _answers(lambda: connection.execute(query)), 5)
    finally:
        store.remove_role("readers")


def _answers(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except psycopg.Error:
        return False
    return True
