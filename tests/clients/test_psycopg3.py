"""psycopg 3: simple and prepared statements, both formats, pipelines, asynchronous use, and libpq's own calls."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from contextlib import closing
from decimal import Decimal
from typing import cast

import psycopg
import pytest
from psycopg import pq
from psycopg.rows import dict_row

from tests.gateway import RunningGateway
from tests.small_tables import KINDS

pytestmark = pytest.mark.client(
    "psycopg 3", "text and binary, prepared statements, pipelines, row limits, asynchronous use, cancel"
)


@pytest.fixture
def connection(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as connection:
        yield connection


@pytest.mark.parametrize("binary", [False, True])
def test_every_type_comes_back_as_it_was_written(connection: psycopg.Connection, binary: bool) -> None:
    cursor = connection.cursor(binary=binary, row_factory=dict_row)
    rows = cursor.execute("select * from small.kinds order by id").fetchall()
    for name, (_, _, values) in KINDS.items():
        assert [row[name] for row in rows] == values, name


@pytest.mark.parametrize("binary", [False, True])
def test_the_types_of_a_postgresql_source(connection: psycopg.Connection, binary: bool) -> None:
    row = connection.cursor(binary=binary, row_factory=dict_row).execute("select * from origin.things").fetchone()
    assert row is not None
    assert (row["code"], row["doc"], row["feeling"], row["texts"]) == ("ab   ", {"a": 1}, "happy", ["a", "b c", None])
    assert str(row["uid"]) == "00112233-4455-6677-8899-aabbccddeeff"
    assert row["free"] == Decimal("12345.678")


@pytest.mark.parametrize("form", ["%s", "%b", "%t"])
def test_parameters_of_every_type(connection: psycopg.Connection, form: str) -> None:
    for name, (_, _, values) in KINDS.items():
        if name == "pair":  # a dict needs an adapter of the user's
            continue
        for number, value in enumerate(values[:2], 1):
            cast = "::integer[]" if name == "list" else ""  # psycopg sends [1] as smallint[]
            query = f'select id from small.kinds where "{name}" = {form}{cast}'
            found = connection.execute(query, [value]).fetchall()
            assert found == [(number,)], name


def test_prepared_statements(connection: psycopg.Connection) -> None:
    query = "select n from small.numbers where n between %s and %s order by n"
    for start in range(1, 12):  # psycopg prepares at the fifth
        assert connection.execute(query, [start, start + 1]).fetchall() == [(start,), (start + 1,)]
    connection.prepared_max = 2  # then it gives names back
    for number in range(6):
        query = f"select n + {number} from small.numbers where n = %s"
        assert connection.execute(query, [1], prepare=True).fetchall() == [(1 + number,)]


def test_row_limits_by_libpq(connection: psycopg.Connection) -> None:
    libpq = connection.pgconn
    libpq.send_query_params(b"select n from small.numbers order by n", None)
    libpq.set_chunked_rows_mode(1000)
    sizes = []
    while (result := libpq.get_result()) is not None:
        sizes.append(result.ntuples)
        assert result.status in (pq.ExecStatus.TUPLES_CHUNK, pq.ExecStatus.TUPLES_OK)
    assert sizes == [1000] * 10 + [0]


def test_rows_as_a_stream(connection: psycopg.Connection) -> None:
    stream = connection.cursor().stream("select n from small.numbers order by n")
    with closing(cast("Generator[tuple[int], None, None]", stream)) as rows:
        assert [next(rows) for _ in range(3)] == [(1,), (2,), (3,)]
    assert connection.execute("select 1").fetchone() == (1,)


def test_a_pipeline_over_both_lanes(gateway: RunningGateway) -> None:
    with psycopg.connect(gateway.dsn()) as connection:  # not autocommit: BEGIN is in the pipeline
        with connection.pipeline():
            cursors = [connection.execute("select n from small.numbers where n = %s", [n]) for n in range(1, 6)]
            cursors.append(connection.execute("select current_database()"))
        assert [cursor.fetchone() for cursor in cursors] == [(1,), (2,), (3,), (4,), (5,), ("lake",)]
        assert connection.info.transaction_status == pq.TransactionStatus.INTRANS


def test_an_error_in_a_pipeline_fails_its_transaction(gateway: RunningGateway) -> None:
    with psycopg.connect(gateway.dsn()) as connection:
        with pytest.raises(psycopg.errors.DivisionByZero), connection.pipeline():
            connection.execute("select 1")
            connection.execute("select n / 0 from small.numbers where n = %s", [1])
            connection.execute("select 2")
        assert connection.info.transaction_status == pq.TransactionStatus.INERROR
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("select n from small.numbers where n = 1")
        connection.rollback()
        assert connection.execute("select n from small.numbers where n = 1").fetchone() == (1,)


def test_transactions_and_savepoints(gateway: RunningGateway) -> None:
    with psycopg.connect(gateway.dsn()) as connection:
        with connection.transaction():
            with pytest.raises(psycopg.errors.UndefinedColumn), connection.transaction():
                connection.execute("select nope from small.numbers")
            assert connection.execute("select count(*) from small.none").fetchone() == (0,)
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        assert connection.execute("show transaction_isolation").fetchone() == ("repeatable read",)


def test_errors_have_a_class_a_position_and_a_hint(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable) as caught:
        connection.execute("select * from sales.lineitems")
    assert caught.value.diag.message_hint == 'Perhaps you meant "sales.lineitem".'
    assert caught.value.diag.statement_position == "15"
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        connection.execute("select n from small.numbers where n = 'x'")
    with pytest.raises(psycopg.errors.NoActiveSqlTransaction, match="DECLARE CURSOR can only be used in transaction"):
        connection.execute("declare c cursor for select n from small.numbers")


def test_columns_have_names_types_and_modifiers(connection: psycopg.Connection) -> None:
    cursor = connection.execute("select price, name, list from small.kinds")
    assert cursor.description is not None
    shown = [(column.name, column.type_display, column.precision, column.scale) for column in cursor.description]
    assert shown == [("price", "numeric(15,2)", 15, 2), ("name", "text", None, None), ("list", "int4[]", None, None)]


def test_asynchronous_use_and_cancel(gateway: RunningGateway) -> None:
    async def main() -> None:
        async with await psycopg.AsyncConnection.connect(gateway.dsn(), autocommit=True) as connection:
            cursor = await connection.execute("select count(*) from sales.lineitem")
            assert await cursor.fetchone() == (60175,)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await connection.execute("select pg_sleep(10)")
            cursor = await connection.execute("select n from small.numbers where n = 1")
            assert await cursor.fetchone() == (1,)

    asyncio.run(main())


def test_startup_options_are_session_settings(gateway: RunningGateway) -> None:
    with gateway.connect(
        options="-c timezone=Asia/Tokyo -c search_path=small", application_name="a tool"
    ) as connection:
        assert connection.info.parameter_status("TimeZone") == "Asia/Tokyo"
        assert connection.info.parameter_status("application_name") == "a tool"
        assert connection.execute("select n from numbers where n = 1").fetchone() == (1,)
        moment = connection.execute("select moment from kinds where id = 1").fetchone()
        assert moment is not None
        assert str(moment[0]) == "2024-07-01 21:00:00+09:00"
        connection.execute("set search_path to sales")
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("select n from numbers")


def test_a_server_cursor(gateway: RunningGateway) -> None:
    with psycopg.connect(gateway.dsn()) as connection, connection.cursor("named") as cursor:
        cursor.itersize = 3000
        cursor.execute("select n from small.numbers order by n")
        assert [row[0] for row in cursor] == [*range(1, 10_001)]


def test_copy_out(connection: psycopg.Connection) -> None:
    with connection.cursor().copy("copy (select n from small.numbers order by n limit 3) to stdout") as copy:
        assert [*copy.rows()] == [("1",), ("2",), ("3",)]
