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
    "SELECT k, k.pair::text, length(k::text) FROM small.kinds k ORDER BY k.id",
    "SELECT c FROM crm.nation c ORDER BY c.n_nationkey",
]

TEXTS = [
    "SELECT pair::text || 'x', length(pair::text), upper(pair::text) FROM small.kinds ORDER BY id",
    "SELECT id FROM small.kinds WHERE pair::text LIKE '%null%'",
    "SELECT ROW(id, pair), ROW(pair)::text FROM small.kinds ORDER BY id",
    "SELECT k::text FROM small.kinds k ORDER BY k.id",
    "SELECT k, k.pair, length(k::text) FROM small.kinds k ORDER BY k.id",
    "SELECT t FROM (SELECT id, pair FROM small.kinds) t ORDER BY t.id",
    "SELECT array_agg(k ORDER BY k.id) FROM small.kinds k",
    "SELECT ROW(a.pair, b.pair) FROM small.kinds a LEFT JOIN small.kinds b ON a.id = b.id + 1 ORDER BY a.id",
    "SELECT pair FROM small.kinds WHERE (id, whole) = (1, 42)",
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
        assert connection.execute(query.encode()).fetchall() == reference.execute(query.encode()).fetchall()


@pytest.mark.parametrize("query", TEXTS)
def test_texts_of_structs(gateway: RunningGateway, reference: psycopg.Connection, query: str) -> None:
    """A column of structs is jsonb; its text is PostgreSQL's wherever a statement reads it."""
    with gateway.connect() as connection:
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
