"""Wrong statements over tables of the lake, sent to a gateway: the errors are PostgreSQL's, with their positions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import pq

from tests.differential.script import Case, read
from tests.gateway import RunningGateway, SampleLake

CASES = [case for name in ("statements", "families") for case in read(Path(__file__).parent / "errors" / f"{name}.sql")]
Failure = tuple[str, str, str]  # SQLSTATE, message, position


@pytest.fixture(scope="module")
def servers(gateway: RunningGateway, lake: SampleLake) -> Iterator[tuple[psycopg.Connection, psycopg.Connection]]:
    """PostgreSQL itself, and the gateway."""
    with psycopg.connect(lake.reference_dsn, autocommit=True) as reference, gateway.connect() as ours:
        yield reference, ours


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_error(case: Case, servers: tuple[psycopg.Connection, psycopg.Connection]) -> None:
    expected, found = (_failure(server, case.sql) for server in servers)
    if "message" in case.marks:
        assert expected[1] != case.marks["message"], "the message is PostgreSQL's: remove the mark"
        expected = (expected[0], case.marks["message"], expected[2])
    assert found == expected


def _failure(connection: psycopg.Connection, sql: str) -> Failure:
    result = connection.pgconn.exec_(sql.encode())
    assert result.status == pq.ExecStatus.FATAL_ERROR, "there was no error"
    field = pq.DiagnosticField
    found = (result.error_field(one) for one in (field.SQLSTATE, field.MESSAGE_PRIMARY, field.STATEMENT_POSITION))
    state, message, position = ((one or b"").decode() for one in found)
    return state, message, position


def test_there_are_enough_statements() -> None:
    assert len(CASES) >= 300
