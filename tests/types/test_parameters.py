"""Parameters over lake tables: their types are PostgreSQL's, and so are the rows, whichever way they are sent."""

from __future__ import annotations

import asyncio
import datetime as dt
from decimal import Decimal

import asyncpg
import psycopg
import pytest

from tests.gateway import ADA, DATABASE, PASSWORD, RunningGateway
from tests.types.conftest import Both

CASES = (
    ("SELECT id FROM small.kinds WHERE id = ANY($1)", ["{1,2}"]),
    ("SELECT id FROM small.kinds WHERE id = ANY($1)", ["{}"]),
    ("SELECT id FROM small.kinds WHERE id = ANY($1)", [None]),
    ("SELECT id FROM small.kinds WHERE id = ANY($1::int[])", ["{1,NULL}"]),
    ("SELECT id FROM small.kinds WHERE NOT (id = ANY($1))", ["{1,3}"]),
    ("SELECT id FROM small.kinds WHERE id <> ALL($1)", ["{1,3}"]),
    ("SELECT id FROM small.kinds WHERE name = ANY($1)", ['{"",x}']),
    ("SELECT id FROM small.kinds WHERE day = ANY($1)", ["{2024-02-29,infinity}"]),
    ("SELECT id FROM small.kinds WHERE price = ANY($1)", ["{19.990,-1.5,NULL}"]),
    ("SELECT id FROM small.kinds WHERE price = ANY($1)", [None]),
    ("SELECT id FROM small.kinds WHERE big = ANY($1)", ["{4200000000}"]),
    ("SELECT id FROM small.kinds WHERE moment = ANY($1)", ["{2024-07-01 12:00+00}"]),
    ("SELECT id FROM small.kinds WHERE list @> $1", ["{1}"]),
    ("SELECT id FROM small.kinds WHERE list = $1", ["{1,NULL,3}"]),
    ("SELECT id, list || $1 FROM small.kinds", ["{7,8}"]),
    ("SELECT id, $1 = ANY(list) FROM small.kinds", ["3"]),
    ("SELECT id, unnest($1::int[]) FROM small.kinds", ["{1,2}"]),
    ("SELECT id, ($1::int[])[2], array_length($1, 1) FROM small.kinds", ["{5,6}"]),
    ("SELECT n FROM small.numbers WHERE n = ANY($1)", ["{1,5,9999999}"]),
    ("SELECT id FROM small.kinds WHERE id IN ($1, $2)", ["1", "3"]),
    ("SELECT id FROM small.kinds WHERE day > $1", ["2020-01-01"]),
    ("SELECT id FROM small.kinds WHERE day > $1", ["2020-13-01"]),
    ("SELECT id FROM small.kinds WHERE at BETWEEN $1 AND $2", ["2020-01-01", "2025-01-01 10:00"]),
    ("SELECT at + $1, at - $2::interval, day - $3 FROM small.kinds", ["1 day", "2 mons", "2020-01-01"]),
    ("SELECT id FROM small.kinds WHERE flag = $1", ["yes"]),
    ("SELECT id, price * $1, price + $1, price / $1, round(price * $1, 1) FROM small.kinds", ["1.505"]),
    ("SELECT id, price + $1, tiny + $2, whole / $3 FROM small.kinds WHERE id = 1", [None, "5", "-7"]),
    ("SELECT sum(price + $1), avg(price * $1) FROM small.kinds", ["1.50"]),
    ("SELECT id, coalesce(whole, $1), greatest(whole, $2), nullif(name, $3) FROM small.kinds", ["5", "6", "x"]),
    ("SELECT id, CASE WHEN flag THEN $1 ELSE day END FROM small.kinds", ["2024-01-01"]),
    ("SELECT id, $1 || name, $2::text, $3 FROM small.kinds", ["ab", "cd", "ef"]),
    ("SELECT id, $1::numeric(10,2), $2::varchar(2), $3::char(4) FROM small.kinds", ["1.005", "abc", "x"]),
    ("SELECT id, $1::timestamptz(0), $1::date FROM small.kinds", ["2024-01-01 00:00:00.6"]),
    ("SELECT flag, sum(price) FROM small.kinds GROUP BY flag HAVING count(*) > $1", ["0"]),
    ("SELECT id FROM small.kinds WHERE name LIKE $1 OR lower(name) = lower($2)", ["%q%", "X"]),
    ("SELECT id FROM small.kinds WHERE (id, flag) = ($1, $2)", ["1", "t"]),
    ("SELECT id FROM small.kinds WHERE ratio > $1 OR half = $2", ["NaN", "1.5"]),
    ("SELECT id, ratio + $1, $2::float8, $2::real FROM small.kinds", ["0.1", "1e-5"]),
    ("SELECT id FROM small.kinds WHERE raw = $1", ["\\x"]),
    ("SELECT id, $1::json, $2::jsonb FROM small.kinds", ['{"a": 1}', '{"b":1,"a":2}']),
    ("SELECT id FROM origin.things JOIN small.numbers ON n = id WHERE uid = $1",
     ["{00112233-4455-6677-8899-AABBCCDDEEFF}"]),
    ("SELECT id FROM origin.things JOIN small.numbers ON n = id WHERE code = $1 OR clock > $2 OR span > $3",
     ["ab ", "12:00", "1 day"]),
    ("SELECT id FROM small.kinds WHERE whole = $1", ["forty"]),
    ("SELECT id FROM small.kinds WHERE price = $1", ["1,5"]),
    ("SELECT id FROM small.kinds WHERE whole = $1", ["99999999999"]),
)  # fmt: skip


@pytest.mark.parametrize(("sql", "values"), CASES, ids=[f"{place}" for place in range(len(CASES))])
def test_types_and_rows_are_those_of_postgres(sql: str, values: list[str | None], both: Both) -> None:
    described = []
    for connection in (both.gateway, both.postgres):
        connection.pgconn.prepare(b"asked", sql.encode())
        found = connection.pgconn.describe_prepared(b"asked")
        parameters = [found.param_type(place) for place in range(found.nparams)]
        described.append((parameters, [found.ftype(place) for place in range(found.nfields)]))
    assert described[0] == described[1]
    given = [None if value is None else value.encode() for value in values]
    both.assert_alike(sql, given)
    both.assert_alike(sql, given, result_format=1)


def test_timestamps_without_zone_are_of_the_session(both: Both) -> None:
    both.set(TimeZone="America/New_York")
    both.assert_alike("SELECT id, $1::timestamptz FROM small.kinds WHERE moment > $1", [b"2024-07-01 07:00"])


def test_psycopg_sends_arrays_in_text_and_binary(gateway: RunningGateway) -> None:
    query = "SELECT n FROM small.numbers WHERE n = ANY(%s) ORDER BY n"
    with gateway.connect() as connection:
        for placeholder in ("%s", "%b", "%t"):
            found = connection.execute(query.replace("%s", placeholder).encode(), [[3, 1, 20000]]).fetchall()
            assert found == [(1,), (3,)]
        days = [dt.date(2024, 2, 29), None]
        assert connection.execute("SELECT id FROM small.kinds WHERE day = ANY(%b)", [days]).fetchall() == [(1,)]
        prices = [Decimal("19.99"), Decimal("1E+2")]
        for placeholder in ("%t", "%b"):
            priced = f"SELECT id FROM small.kinds WHERE price = ANY({placeholder})"
            assert connection.execute(priced.encode(), [prices]).fetchall() == [(1,)]
        words = ["a", 'b "c"', "NULL"]
        assert connection.execute("SELECT id FROM small.kinds WHERE words = %b", [words]).fetchall() == [(1,)]


def test_asyncpg_describes_and_binds_in_binary(gateway: RunningGateway) -> None:
    async def ask() -> None:
        connection = await asyncpg.connect(
            host=gateway.host, port=gateway.port, user=ADA, password=PASSWORD, database=DATABASE, ssl=False
        )
        try:
            query = "SELECT id, price * $2 FROM small.kinds WHERE id = ANY($1) AND day <= $3"
            statement = await connection.prepare(query)
            assert [one.name for one in statement.get_parameters()] == ["int4[]", "numeric", "date"]
            rows = await statement.fetch([1, 2, None], Decimal("1.5"), dt.date(2024, 2, 29))
            assert sorted((row[0], str(row[1])) for row in rows) == [(1, "29.985"), (2, "-14999999999999.985")]
            moment = dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC)
            found = await connection.fetch(
                "SELECT moment, at + $2 FROM small.kinds WHERE moment = $1", moment, dt.timedelta(1)
            )
            assert [tuple(row) for row in found] == [(moment, dt.datetime(2024, 3, 1, 13, 14, 15, 123456))]
            with pytest.raises(asyncpg.DataError):
                await connection.fetch("SELECT id FROM small.kinds WHERE id = ANY($1)", ["one"])
        finally:
            await connection.close()

    asyncio.run(ask())


def test_errors_of_parameters_have_their_sqlstate(gateway: RunningGateway) -> None:
    with gateway.connect() as connection:
        with pytest.raises(psycopg.errors.DatetimeFieldOverflow):
            connection.execute("SELECT id FROM small.kinds WHERE day > %t", ["2024-13-01"])
        with pytest.raises(psycopg.errors.DatetimeFieldOverflow) as caught:
            connection.execute("SELECT id FROM small.kinds WHERE day > '2024-13-01'")
        assert caught.value.diag.statement_position == "40"
