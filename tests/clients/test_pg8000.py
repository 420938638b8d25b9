"""pg8000: pure Python, its own protocol code; every statement prepared, Flush before Sync."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pg8000.dbapi
import pg8000.native
import pytest
import sqlalchemy as sa

from tests.gateway import ADA, PASSWORD, RunningGateway
from tests.small_tables import KINDS

pytestmark = pytest.mark.client("pg8000", "types, parameters, prepared statements, transactions, SQLAlchemy over it")


@pytest.fixture
def connection(gateway: RunningGateway) -> Iterator[Any]:
    connection = pg8000.native.Connection(
        ADA, password=PASSWORD, host=gateway.host, port=gateway.port, database=gateway.database
    )
    yield connection
    connection.close()


def test_every_type(connection: Any) -> None:
    rows = connection.run("select * from small.kinds order by id")
    names = [column["name"] for column in connection.columns]
    assert names == [*KINDS]
    for at, (name, (sql_type, _, values)) in enumerate(KINDS.items()):
        found = [row[at] for row in rows]
        assert found == values, (name, sql_type)


def test_parameters(connection: Any) -> None:
    query = "select n from small.numbers where n between :low and :high and n <> :not order by n"
    assert connection.run(query, low=3, high=6, **{"not": 5}) == [[3], [4], [6]]
    assert connection.run("select id from small.kinds where price = :p", p=Decimal("19.99")) == [[1]]
    assert connection.run("select id from small.kinds where name = :name", name="") == [[2]]


def test_prepared_statements(connection: Any) -> None:
    statement = connection.prepare("select count(*) from small.numbers where n > :n")
    assert [statement.run(n=n) for n in (0, 9_990, 10_000)] == [[[10_000]], [[10]], [[0]]]
    statement.close()


def test_errors_and_transactions(gateway: RunningGateway) -> None:
    connection = pg8000.dbapi.connect(
        ADA, password=PASSWORD, host=gateway.host, port=gateway.port, database=gateway.database
    )
    cursor = connection.cursor()
    with pytest.raises(pg8000.dbapi.DatabaseError) as caught:
        cursor.execute("select nothing from small.numbers")
    assert caught.value.args[0]["C"] == "42703"
    with pytest.raises(pg8000.dbapi.DatabaseError) as caught:
        cursor.execute("select 1")
    assert caught.value.args[0]["C"] == "25P02"
    connection.rollback()
    cursor.execute("select n from small.numbers where n = %s", (7,))
    assert cursor.fetchall() == ([7],)
    connection.close()


def test_sqlalchemy_reflects_over_it(gateway: RunningGateway) -> None:
    url = sa.URL.create("postgresql+pg8000", ADA, PASSWORD, gateway.host, gateway.port, gateway.database)
    engine = sa.create_engine(url)
    customer = sa.Table("customer", sa.MetaData(), autoload_with=engine, schema="crm")
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(customer).where(customer.c.c_custkey < 4)) == 3
    engine.dispose()
