"""Parameters in binary of the types that the engine knows as text alone, as asyncpg and pgjdbc send them: PostgreSQL
reads them, whoever carries out the statement.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterator

import asyncpg
import psycopg
import pytest
from psycopg import pq

from tests.gateway import ADA, DATABASE, PASSWORD, RunningGateway
from tests.types.conftest import BINARY, TEXT, Both

_VALUES = (
    ("inet", "10.1.2.3/24"),
    ("inet", "::1"),
    ("inet", "10.0.0.1"),
    ("cidr", "10.1.0.0/16"),
    ("timetz", "10:11:12.5+05:30"),
    ("int4range", "[1,5)"),
    ("int8range", "empty"),
    ("numrange", "(1.5,2.50]"),
    ("tstzrange", "[2024-01-01 00:00+00,)"),
    ("tsrange", "[2024-01-01,2024-02-01)"),
    ("daterange", "[2024-01-01,2024-02-01)"),
    ("int4multirange", "{[1,3),[5,9)}"),
    ("bit(5)", "10101"),
    ("varbit", "110"),
    ("point", "(1.5,-0)"),
    ("box", "(1,2),(0,0)"),
    ("path", "[(0,0),(1,1)]"),
    ("polygon", "((0,0),(1,1),(1,0))"),
    ("circle", "<(0,0),2>"),
    ("line", "{1,2,3}"),
    ("lseg", "[(0,0),(1,1)]"),
    ("macaddr", "08:00:2b:01:02:03"),
    ("macaddr8", "08:00:2b:01:02:03:04:05"),
    ("xid8", "123456789012"),
    ("pg_lsn", "16/B374D848"),
    ("jsonpath", '$."a"[*]'),
    ("tsvector", "'a':1A 'b':2"),
    ("inet[]", "{10.0.0.1,NULL}"),
    ("int4range[]", '{"[1,2)",empty}'),
)
_NOT_OF_THE_ENGINE = {"xid8", "pg_lsn", "inet[]", "int4range[]"}  # in any format
_QUERIES = (
    "SELECT $1::{} AS v, id FROM origin.things WHERE id = 1",
    "SELECT $1::{} AS v FROM small.numbers WHERE n = 1",
    "SELECT n FROM small.numbers WHERE n = 1 AND ($1::{})::text = $${}$$",
)


@pytest.mark.parametrize(("name", "text"), _VALUES, ids=[f"{name} {text}" for name, text in _VALUES])
def test_they_are_taken_as_by_postgresql(name: str, text: str, both: Both) -> None:
    told = both.postgres.pgconn.exec_params(f"SELECT $1::{name}".encode(), [text.encode()], None, None, BINARY)
    oid, value = told.ftype(0), told.get_value(0, 0)
    written = both.postgres.pgconn.exec_(f"SELECT ($${text}$$::{name})::text".encode()).get_value(0, 0) or b""
    for query in _QUERIES[: 1 if name in _NOT_OF_THE_ENGINE else None]:
        sql = query.format(name, written.decode())
        both.assert_alike(sql, [value], [oid], [BINARY], BINARY)
        both.assert_alike(sql, [None], [oid], [BINARY])


def test_they_are_in_the_style_of_the_session(both: Both) -> None:
    both.set(DateStyle="German", TimeZone="Asia/Tokyo")
    asked = b"SELECT '[2024-01-02 03:04+00,)'::tstzrange"
    told = both.postgres.pgconn.exec_params(asked, [], None, None, BINARY)
    for query in _QUERIES[:2]:
        both.assert_alike(query.format("tstzrange"), [told.get_value(0, 0)], [told.ftype(0)], [BINARY])


def test_malformed_ones_have_the_error_of_postgresql(both: Both) -> None:
    for oid, value in ((869, b"\x02"), (3904, b"\x02"), (1562, b"\0\0\0\x09\0"), (600, b""), (4451, b"\0\0\0\1")):
        for query in _QUERIES[:2]:
            name = {869: "inet", 3904: "int4range", 1562: "varbit", 600: "point", 4451: "int4multirange"}[oid]
            assert both.assert_alike(query.format(name), [value], [oid], [BINARY]).error


@pytest.fixture
def prepared(both: Both) -> Iterator[tuple[psycopg.Connection, psycopg.Connection]]:
    """The same statement prepared in both sessions."""
    yield both.gateway, both.postgres
    for connection in (both.gateway, both.postgres):
        connection.pgconn.exec_(b"ROLLBACK")


def test_they_are_taken_again_and_again_and_within_transactions(
    prepared: tuple[psycopg.Connection, psycopg.Connection],
) -> None:
    answers = []
    for connection in prepared:
        told = list[object]()
        connection.pgconn.exec_(b"BEGIN")
        connection.pgconn.prepare(
            b"s", b"SELECT id, $1 & '10.0.0.255' FROM origin.things WHERE id < 3 ORDER BY id", [869]
        )
        for last in (1, 2, 3, 1, 2, 3):
            value = b"\x02\x20\0\x04\x0a\0\0" + bytes([last])
            result = connection.pgconn.exec_prepared(b"s", [value], [BINARY])
            told.append([result.get_value(row, 1) for row in range(result.ntuples)])
        failed = connection.pgconn.exec_prepared(b"s", [b"\x02"], [BINARY])
        told.append(failed.error_field(pq.DiagnosticField.SQLSTATE))
        told.append(connection.pgconn.transaction_status)
        answers.append(told)
    assert answers[0] == answers[1]


def test_asyncpg_sends_them(gateway: RunningGateway) -> None:
    async def ask() -> None:
        connection = await asyncpg.connect(
            host=gateway.host, port=gateway.port, user=ADA, password=PASSWORD, database=DATABASE, ssl=False
        )
        try:
            address, span = ipaddress.ip_interface("10.1.2.3/24"), asyncpg.Range(1, 5)
            for table, key in (("small.numbers", "n"), ("origin.things", "id")):
                asked = f"SELECT $1::inet, $2::int4range, $3::varbit FROM {table} WHERE {key} = 1"
                row = await connection.fetchrow(asked, address, span, asyncpg.BitString("101"))
                assert tuple(row) == (address, span, asyncpg.BitString("101"))
        finally:
            await connection.close()

    asyncio.run(ask())


_WRONG: tuple[tuple[str, bytes, int, int], ...] = (
    ("int", b"x", TEXT, 23),
    ("int", b"", TEXT, 23),
    ("int", b"\0", BINARY, 23),
    ("date", b"2024-13-01", TEXT, 1082),
    ("text", b"\xff", TEXT, 25),
    ("text", b"\xff", BINARY, 25),
    ("inet", b"\x02", BINARY, 869),
    ("int", b"1", 2, 23),
)


@pytest.mark.parametrize(("name", "value", "form", "oid"), _WRONG, ids=repr)
def test_errors_tell_which_parameter_they_are_of(name: str, value: bytes, form: int, oid: int, both: Both) -> None:
    told = []
    for connection in (both.gateway, both.postgres):
        for table in ("small.numbers", "origin.things"):
            sql = f"SELECT $1::text, $2::{name} FROM {table} LIMIT 1"
            found = connection.pgconn.exec_params(sql.encode(), [b"a", value], [25, oid], [TEXT, form])
            fields = (pq.DiagnosticField.SQLSTATE, pq.DiagnosticField.MESSAGE_PRIMARY, pq.DiagnosticField.CONTEXT)
            told.append([found.error_field(field) for field in fields])
    assert told[:2] == told[2:]
    assert told[0][2] is not None


def test_errors_tell_which_portal_they_are_of(both: Both) -> None:
    contexts = []
    for connection in (both.gateway, both.postgres):
        with connection.transaction(force_rollback=True), pytest.raises(psycopg.DataError) as caught:
            psycopg.ServerCursor(connection, "c").execute("SELECT n FROM small.numbers WHERE n = %t", ["x"])
        contexts.append(caught.value.diag.context)
    assert contexts == ["unnamed portal parameter $1 = '...'"] * 2
