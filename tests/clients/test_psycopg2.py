"""psycopg2: everything in the simple protocol, inside transactions that it begins itself."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from decimal import Decimal

import psycopg2
import psycopg2.errors
import psycopg2.extras
import pytest

from tests.gateway import RunningGateway

pytestmark = pytest.mark.client("psycopg 2", "parameters, failed transactions, pools that reset, metadata")


@pytest.fixture
def connection(gateway: RunningGateway) -> Iterator[psycopg2.extensions.connection]:
    connection = psycopg2.connect(gateway.dsn())
    yield connection
    connection.close()


def test_queries_with_parameters(connection: psycopg2.extensions.connection) -> None:
    with connection, connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        cursor.execute(
            "select price, day, moment, list from small.kinds where name = %s and day > %s and price = %s",
            ("żółw, \"q\" 'a'", dt.date(2000, 1, 1), Decimal("19.99")),
        )
        row = cursor.fetchone()
        assert row is not None
        assert row["price"] == Decimal("19.99")
        assert row["moment"] == dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC)
        assert row["list"] == [1, None, 3]
        cursor.execute("select count(*) from sales.orders where o_orderkey in %s", ((1, 2, 3),))
        assert cursor.fetchall() == [{"count": 3}]


def test_a_failed_transaction(connection: psycopg2.extensions.connection) -> None:
    cursor = connection.cursor()
    with pytest.raises(psycopg2.errors.DivisionByZero):
        cursor.execute("select n / 0 from small.numbers where n = 1")
    with pytest.raises(psycopg2.errors.InFailedSqlTransaction):
        cursor.execute("select n from small.numbers where n = 1")
    connection.rollback()
    cursor.execute("select n from small.numbers where n = 1")
    assert cursor.fetchone() == (1,)
    connection.commit()


def test_reset_as_pools_do(connection: psycopg2.extensions.connection) -> None:
    cursor = connection.cursor()
    cursor.execute("set timezone to 'Asia/Tokyo'")
    connection.commit()
    connection.reset()
    cursor.execute("show timezone")
    assert cursor.fetchone() == ("UTC",)


def test_metadata(connection: psycopg2.extensions.connection) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute("select price, name from small.kinds where id < 3")
        assert cursor.rowcount == 2
        assert cursor.description is not None
        assert [(column.name, column.type_code, column.scale) for column in cursor.description] == [
            ("price", 1700, 2),
            ("name", 25, None),
        ]
    assert connection.server_version >= 180000
    assert connection.get_parameter_status("server_encoding") == "UTF8"


def test_a_named_cursor(connection: psycopg2.extensions.connection) -> None:
    with connection.cursor("named") as cursor:
        cursor.execute("select n from small.numbers order by n limit 5")
        assert cursor.fetchall() == [(1,), (2,), (3,), (4,), (5,)]


def test_copy_out(connection: psycopg2.extensions.connection) -> None:
    out = io.StringIO()
    with connection.cursor() as cursor:
        cursor.copy_expert("copy (select n from small.numbers order by n limit 3) to stdout", out)
    assert out.getvalue() == "1\n2\n3\n"
