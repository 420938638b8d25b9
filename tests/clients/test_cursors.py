"""Cursors on the server as drivers use them, and what a session is told unasked."""

from __future__ import annotations

import asyncio
import select
import time

import asyncpg
import psycopg
import psycopg2
import pytest

from tests.clients.test_asyncpg import address
from tests.gateway import RunningGateway, SampleLake

_LONG = "select n from small.series order by n"


@pytest.mark.parametrize("binary", [False, True])
def test_psycopgs_server_cursor(gateway: RunningGateway, binary: bool) -> None:
    with gateway.connect() as connection, connection.transaction():
        with connection.cursor("reader", binary=binary) as cursor:
            cursor.itersize = 1000
            cursor.execute("select n, n::text as t from small.numbers where n > %s order by n", (10,))
            assert [column.name for column in cursor.description or ()] == ["n", "t"]
            assert cursor.fetchone() == (11, "11")
            assert sum(1 for _ in cursor) == 9989
            assert cursor.fetchmany(3) == []
        with connection.cursor("other", scrollable=True) as cursor:
            cursor.execute("select n from small.numbers order by n")
            cursor.scroll(9998)
            assert cursor.fetchall() == [(9999,), (10000,)]
            cursor.scroll(5, mode="absolute")
            assert cursor.fetchmany(2) == [(6,), (7,)]
            cursor.scroll(-3)
            assert cursor.fetchone() == (5,)


def test_psycopgs_cursor_with_hold_outlives_its_transaction(gateway: RunningGateway) -> None:
    with psycopg.connect(gateway.dsn()) as connection:
        cursor = connection.cursor("held", withhold=True)
        cursor.execute("select n from small.numbers order by n")
        assert cursor.fetchone() == (1,)
        connection.commit()
        assert cursor.fetchmany(2) == [(2,), (3,)]
        assert connection.execute("select name, is_holdable from pg_cursors").fetchall() == [("held", True)]
        cursor.close()
        assert connection.execute("select count(*) from pg_cursors").fetchone() == (0,)


def test_psycopg2s_named_cursor(gateway: RunningGateway) -> None:
    connection = psycopg2.connect(gateway.dsn())
    try:
        with connection.cursor("reader", scrollable=True) as cursor:
            cursor.itersize = 500
            cursor.execute("select n from small.numbers where n <= %s order by n", (2000,))
            assert [row[0] for row in cursor] == [*range(1, 2001)]
            cursor.scroll(0, mode="absolute")
            assert cursor.fetchmany(2) == [(1,), (2,)]
    finally:
        connection.close()


def test_asyncpgs_cursor_moves_its_portal(gateway: RunningGateway) -> None:
    async def main() -> None:
        connection = await asyncpg.connect(**address(gateway))
        async with connection.transaction():
            cursor = await connection.cursor("select n from small.numbers where n > $1 order by n", 5)
            assert await cursor.forward(3) == 3
            assert [row[0] for row in await cursor.fetch(2)] == [9, 10]
            assert await cursor.forward(100_000) == 9990
            assert await cursor.fetchrow() is None
        await connection.close()

    asyncio.run(main())


def test_a_cursor_reads_as_much_as_it_is_asked_for(gateway: RunningGateway) -> None:
    with gateway.connect() as connection, connection.transaction():
        connection.execute(f"declare c cursor for {_LONG.removesuffix(' order by n')}")
        before = gateway.memory()
        started = time.monotonic()
        for _ in range(5):
            assert len(connection.execute("fetch 10 from c").fetchall()) == 10
        assert time.monotonic() - started < 2
        assert gateway.memory() - before < 100 << 20


def test_a_scrolling_cursor_lets_go_of_rows_it_passed_long_ago(gateway: RunningGateway) -> None:
    with gateway.connect() as connection:
        connection.execute("begin")
        query = "select n, md5(n::text) || md5((n + 1)::text) as t from small.series where n < 900000 order by n"
        connection.execute(f"declare c scroll cursor for {query}")
        assert connection.execute("move 800000 in c").statusmessage == "MOVE 800000"
        assert connection.execute("fetch prior from c").fetchall()[0][0] == 799_998
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="cannot go back so far"):
            connection.execute("fetch first from c")


@pytest.mark.parametrize("server", ["gateway", "postgres"])
def test_notifications_reach_a_session_that_waits(gateway: RunningGateway, lake: SampleLake, server: str) -> None:
    dsn = gateway.dsn() if server == "gateway" else lake.reference_dsn
    with psycopg.connect(dsn, autocommit=True) as one, psycopg.connect(dsn, autocommit=True) as other:
        one.execute("listen news")
        other.execute("notify news, 'first'")
        assert [found.payload for found in one.notifies(timeout=5, stop_after=1)] == ["first"]
        with other.transaction():
            other.execute("select pg_notify('news', 'second')")
            other.execute("select n from small.numbers limit 1").fetchall()
        assert [(found.channel, found.payload) for found in one.notifies(timeout=5, stop_after=1)] == [
            ("news", "second")
        ]
        one.execute("unlisten *")
        other.execute("notify news, 'third'")
        assert [*one.notifies(timeout=0.2)] == []


def test_notifications_come_with_the_next_answer(gateway: RunningGateway) -> None:
    with gateway.connect() as one, gateway.connect() as other:
        seen: list[str] = []
        one.add_notify_handler(lambda found: seen.append(found.payload))
        one.execute("listen news")
        other.execute("notify news, 'during a statement'")
        for _ in range(3):
            one.execute("select n from small.numbers limit 1").fetchall()
        assert seen == ["during a statement"]


@pytest.mark.parametrize("server", ["gateway", "postgres"])
def test_an_idle_transaction_is_ended_at_once(gateway: RunningGateway, lake: SampleLake, server: str) -> None:
    dsn = gateway.dsn() if server == "gateway" else lake.reference_dsn
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("set idle_in_transaction_session_timeout = '200ms'")
        connection.execute("begin")
        started = time.monotonic()
        assert select.select([connection.fileno()], [], [], 5)[0]
        assert time.monotonic() - started < 3
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            connection.execute("select 1")


@pytest.mark.parametrize("prepare", [False, True])
def test_a_session_at_work_in_the_engine_is_not_idle(gateway: RunningGateway, prepare: bool) -> None:
    with gateway.connect() as connection:
        connection.execute("set idle_in_transaction_session_timeout = '300ms'")
        connection.execute("begin")
        assert connection.execute("select 1 from origin.second", prepare=prepare).fetchall()
        connection.execute("commit")
        connection.execute("set idle_session_timeout = '300ms'")
        assert connection.execute("select 1 from origin.second", prepare=prepare).fetchall()
        with pytest.raises(psycopg.errors.IdleSessionTimeout):
            time.sleep(0.6)
            connection.execute("select 1")


@pytest.mark.parametrize("prepare", [False, True])
@pytest.mark.parametrize("begin", ["select 1", "begin"])
def test_a_transaction_that_takes_too_long_ends_its_session(gateway: RunningGateway, begin: str, prepare: bool) -> None:
    with gateway.connect() as connection:
        connection.execute("set transaction_timeout = '300ms'")
        connection.execute(begin.encode())
        with pytest.raises(psycopg.errors.TransactionTimeout):
            connection.execute("select 1 from origin.second", prepare=prepare)
        assert connection.closed


@pytest.mark.parametrize("version", ["3.0", "3.2"])
def test_cancel_in_each_version_of_the_protocol(gateway: RunningGateway, version: str) -> None:
    parameters = {"min_protocol_version": version, "max_protocol_version": version}
    with gateway.connect(**parameters) as connection:
        assert connection.pgconn.full_protocol_version == int(version.replace(".", "000"))
        connection.execute("begin")
        connection.execute("declare c cursor for select * from origin.slow")
        asyncio.run(_cancelled(connection))
        assert connection.execute("rollback").statusmessage == "ROLLBACK"


async def _cancelled(connection: psycopg.Connection) -> None:
    def fetch() -> None:
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("fetch all from c")

    loop = asyncio.get_running_loop()
    fetching = loop.run_in_executor(None, fetch)
    await asyncio.sleep(0.5)
    await loop.run_in_executor(None, connection.cancel_safe)
    await fetching
