"""Constants like ``'now'``: a statement that comes again reads them again, whoever answers it, and however."""

from __future__ import annotations

import psycopg
import pytest

from tests.gateway import RunningGateway

TABLES = ("small.numbers WHERE n = 2", "crm.nation WHERE n_nationkey = 1", "sales.orders WHERE o_orderkey = 1")
QUERIES = (
    "SELECT 'now'::timestamptz FROM {table}",
    "SELECT TIMESTAMP ' NOW ' FROM {table}",
    "SELECT E'n\\x6fw'::timestamptz FROM {table}",
    "SELECT max(moment) FROM (SELECT CAST('now' AS timestamptz) AS moment FROM {table}) s",
)


def value(connection: psycopg.Connection, query: str, *, prepare: bool) -> object:
    row = connection.execute(query.encode(), prepare=prepare).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("prepare", [False, True], ids=["simple", "prepared"])
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("query", QUERIES)
def test_the_clock_goes_on(gateway: RunningGateway, query: str, table: str, prepare: bool) -> None:
    text = query.format(table=table)
    told: list[object] = []
    for _ in range(2):
        with gateway.connect() as connection:
            told += [value(connection, text, prepare=prepare) for _ in range(4)]
    assert sorted(set(told), key=str) == told


def test_days_are_those_of_the_session(gateway: RunningGateway) -> None:
    query = "SELECT 'today'::date - current_date FROM crm.nation WHERE n_nationkey = 1"
    with gateway.connect() as connection:
        for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"):
            connection.execute(f"SET TimeZone = '{zone}'".encode())
            assert [value(connection, query, prepare=False) for _ in range(3)] == [0, 0, 0]
