"""Whole rows of tables in binary: records with the types and values that PostgreSQL itself sends."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import psycopg
import pytest

from tests.clients.test_asyncpg import address
from tests.gateway import RunningGateway

QUERIES = [
    "SELECT k FROM small.kinds k ORDER BY k.id",
    "SELECT k.id, k, k AS twice FROM small.kinds k ORDER BY k.id",
    "SELECT numbers FROM small.numbers WHERE n BETWEEN 300 AND 9000 ORDER BY n",
    "SELECT k FROM small.numbers LEFT JOIN small.kinds k ON k.id = n WHERE n < 30 ORDER BY n",
    "SELECT n FROM small.none n",
    "SELECT k FROM small.kinds k WHERE k.id < 3 ORDER BY k.id LIMIT 1",
    "SELECT c FROM crm.nation c ORDER BY c.n_nationkey",
]


def _sent(connection: psycopg.Connection, query: str) -> list[list[object]]:
    """Return the rows as they came, with the fields of records taken apart."""
    cursor = connection.cursor(binary=True)
    cursor.execute(query.encode())
    result = cursor.pgresult
    assert result is not None
    values = [[result.get_value(row, place) for place in range(result.nfields)] for row in range(result.ntuples)]
    records = [place for place in range(result.nfields) if result.ftype(place) >= 16384]
    return [
        [_fields(value) if place in records and value is not None else value for place, value in enumerate(row)]
        for row in values
    ]


def _fields(record: bytes) -> list[tuple[int, bytes | None]]:
    count, at = int.from_bytes(record[:4], "big"), 4
    found: list[tuple[int, bytes | None]] = []
    for _ in range(count):
        oid, length = (int.from_bytes(record[place : place + 4], "big", signed=True) for place in (at, at + 4))
        at += 8
        found.append((oid if oid < 16384 else 0, record[at : at + length] if length >= 0 else None))
        at += max(length, 0)
    assert at == len(record)
    return found


@pytest.mark.parametrize("query", QUERIES)
def test_as_postgresql(gateway: RunningGateway, reference: psycopg.Connection, query: str) -> None:
    with gateway.connect() as connection:
        if "crm." in query:
            expected = connection.execute(query.replace("SELECT c", "SELECT c.*").encode()).fetchall()
            found = _sent(connection, query)
            assert [int.from_bytes(fields[0][1], "big") for [fields] in found] == [row[0] for row in expected]  # type: ignore[index]
            return
        for _ in range(3):  # executed again, in other ways
            assert _sent(connection, query) == _sent(reference, query)
        if "kinds" not in query:  # of which the engine makes no text
            assert connection.execute(query.encode()).fetchall() == reference.execute(query.encode()).fetchall()


def test_asyncpg(gateway: RunningGateway) -> None:
    async def use() -> None:
        connection = await asyncpg.connect(**address(gateway))
        rows: list[Any] = await connection.fetch("SELECT k FROM small.kinds k WHERE k.id < $1 ORDER BY k.id", 4)
        assert [row["k"]["id"] for row in rows] == [1, 2, 3]
        plain = await connection.fetch("SELECT * FROM small.kinds WHERE id < 4 ORDER BY id")
        assert [dict(row["k"]) for row in rows] == [dict(row) for row in plain]
        await connection.close()

    asyncio.run(use())
