"""The gateway and PostgreSQL itself side by side, asked the same and compared to the last byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import pq

from tests.gateway import RunningGateway, SampleLake

TEXT, BINARY = 0, 1


@dataclass(frozen=True, slots=True)
class Told:
    """What a server answers: columns as (name, type oid, type modifier) and rows, or an error's fields."""

    columns: tuple[tuple[bytes, int, int], ...] = ()
    rows: tuple[tuple[bytes | None, ...], ...] = ()
    error: tuple[str, ...] = ()


class Both:
    """A session of the gateway and one of PostgreSQL with the same rows under the same names."""

    def __init__(self, gateway: psycopg.Connection, postgres: psycopg.Connection) -> None:
        self.gateway, self.postgres = gateway, postgres

    def set(self, **settings: str) -> None:
        """Change settings in both."""
        for name, value in settings.items():
            for connection in (self.gateway, self.postgres):
                connection.pgconn.exec_(f"SET {name} = '{value}'".encode())

    def assert_alike(
        self,
        sql: str | bytes,
        parameters: Sequence[bytes | None] = (),
        types: Sequence[int] = (),
        formats: Sequence[int] = (),
        result_format: int = TEXT,
    ) -> Told:
        """Ask both and compare the answers; rows in any order. Return the answer."""
        ours, theirs = (
            _ask(connection, sql, parameters, types, formats, result_format)
            for connection in (self.gateway, self.postgres)
        )
        assert (ours.error, ours.columns) == (theirs.error, theirs.columns), sql
        assert sorted(ours.rows, key=repr) == sorted(theirs.rows, key=repr), sql
        return ours


def _ask(
    connection: psycopg.Connection,
    sql: str | bytes,
    parameters: Sequence[bytes | None],
    types: Sequence[int],
    formats: Sequence[int],
    result_format: int,
) -> Told:
    text = sql.encode() if isinstance(sql, str) else sql
    result = connection.pgconn.exec_params(text, parameters, types or None, formats or None, result_format)
    if result.status == pq.ExecStatus.TUPLES_OK:
        columns = tuple((result.fname(at) or b"", result.ftype(at), result.fmod(at)) for at in range(result.nfields))
        rows = tuple(tuple(result.get_value(row, at) for at in range(result.nfields)) for row in range(result.ntuples))
        return Told(columns, rows)
    fields = (pq.DiagnosticField.SQLSTATE, pq.DiagnosticField.MESSAGE_PRIMARY, pq.DiagnosticField.STATEMENT_POSITION)
    return Told(error=tuple((result.error_field(field) or b"").decode("latin-1") for field in fields))


@pytest.fixture(scope="module")
def sessions(gateway: RunningGateway, lake: SampleLake) -> Iterator[Both]:
    """Two sessions for a module."""
    with gateway.connect() as ours, psycopg.connect(lake.reference_dsn, autocommit=True) as theirs:
        yield Both(ours, theirs)


@pytest.fixture
def both(sessions: Both) -> Both:
    """Two sessions as if they were new."""
    for connection in (sessions.gateway, sessions.postgres):
        connection.pgconn.exec_(b"DISCARD ALL")
        connection.pgconn.exec_(b"SET TimeZone = 'UTC'")
    return sessions
