"""Names of the gateway's own in a client's session of the mirror: no client makes one, closes it or executes it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import pq

from tests.gateway import RunningGateway

NAMES = ("lakegate own 1", "lakegate own question", "lakegate own load", "lakegate own arguments")
REPEATED = "SELECT count(*) FROM pg_namespace"
OWN = "SELECT name FROM pg_prepared_statement() WHERE starts_with(name, 'lakegate own ')"


@pytest.fixture
def ada(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as connection:
        yield connection


def _state(result: pq.abc.PGresult) -> bytes | None:
    return result.error_field(pq.DiagnosticField.SQLSTATE)


@pytest.mark.parametrize("name", NAMES)
def test_clients_cannot_make_them(name: str, ada: psycopg.Connection) -> None:
    assert _state(ada.pgconn.prepare(name.encode(), b"SELECT 1")) == b"42939"
    for query in ("SELECT 1", "SELECT n FROM small.numbers", "SELECT count(*) FROM crm.nation"):
        with pytest.raises(psycopg.errors.ReservedName, match="is reserved"):
            ada.execute(f'PREPARE "{name}" AS {query}'.encode())
        with ada.transaction(), pytest.raises(psycopg.errors.ReservedName), ada.transaction():
            ada.execute(f'DECLARE "{name}" CURSOR FOR {query}'.encode())


def test_clients_cannot_close_or_execute_them(ada: psycopg.Connection) -> None:
    for _ in range(4):
        assert ada.pgconn.exec_(REPEATED.encode()).ntuples == 1
    rows = ada.execute(OWN.encode()).fetchall()
    assert len(rows) == 1
    name = rows[0][0]
    assert _state(ada.pgconn.exec_prepared(name.encode(), None)) == b"26000"
    assert _state(ada.pgconn.describe_prepared(name.encode())) == b"26000"
    for statement in ("DEALLOCATE", "DEALLOCATE PREPARE", "EXECUTE", "EXPLAIN EXECUTE"):
        assert _state(ada.pgconn.exec_(f'{statement} "{name}"'.encode())) == b"26000", statement
    assert ada.pgconn.close_prepared(name.encode()).status == pq.ExecStatus.COMMAND_OK  # as PostgreSQL, of any name
    assert ada.execute(OWN.encode()).fetchall() == rows
    assert ada.pgconn.exec_(REPEATED.encode()).ntuples == 1


def test_other_names_are_the_clients(ada: psycopg.Connection) -> None:
    for name in ("lakegate load", "lakegate arguments", "lakegate owner"):
        ada.execute(f'PREPARE "{name}" AS SELECT 7'.encode())
        ada.execute("CREATE TEMP TABLE loaded AS SELECT n FROM small.numbers LIMIT 3")
        ada.execute("PREPARE of_lake (bigint) AS SELECT n FROM small.numbers WHERE n = $1")
        assert ada.execute("EXECUTE of_lake (1 + 1)").fetchone() == (2,)
        assert ada.execute(f'EXECUTE "{name}"'.encode()).fetchone() == (7,)
        ada.execute(f'DEALLOCATE PREPARE "{name}"'.encode())
        ada.execute("DEALLOCATE of_lake; DROP TABLE loaded")
    ada.execute("PREPARE all_of_it AS SELECT 1; DEALLOCATE ALL")
    ada.execute("PREPARE prepare AS SELECT 1; DEALLOCATE prepare")
