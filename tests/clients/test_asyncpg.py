"""asyncpg: binary for every type, prepared statements described before they are bound, cursors, cancel."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from tests.gateway import ADA, PASSWORD, RunningGateway
from tests.small_tables import KINDS

pytestmark = pytest.mark.client(
    "asyncpg", "binary for every type, descriptions before binding, cursors, pools, timeouts"
)

Use = Callable[[Any], Awaitable[None]]


@pytest.fixture
def ask(gateway: RunningGateway) -> Callable[[Use], None]:
    """Run a coroutine with a connection."""

    def run(use: Use) -> None:
        async def main() -> None:
            connection = await asyncpg.connect(**address(gateway))
            try:
                await use(connection)
            finally:
                await connection.close()

        asyncio.run(main())

    return run


def address(gateway: RunningGateway) -> dict[str, Any]:
    return {
        "host": gateway.host,
        "port": gateway.port,
        "user": ADA,
        "password": PASSWORD,
        "database": gateway.database,
    }


def test_every_type(ask: Callable[[Use], None]) -> None:
    async def use(connection: Any) -> None:
        rows = await connection.fetch("select * from small.kinds order by id")
        for name, (sql_type, _, values) in KINDS.items():
            found = [row[name] for row in rows]
            if sql_type == "jsonb":
                found = [value if value is None else json.loads(value) for value in found]
            assert found == values, name
        thing = await connection.fetchrow("select * from origin.things order by id")
        assert thing["span"] == dt.timedelta(days=14 * 30 + 8, hours=4, minutes=5, seconds=6, milliseconds=700)
        assert thing["clock"] == dt.time(13, 14, 15, 500000)
        assert thing["free"] == Decimal("12345.678")
        assert thing["moments"] == [dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC)]

    ask(use)


def test_parameters_of_every_type(ask: Callable[[Use], None]) -> None:
    async def use(connection: Any) -> None:
        for name, (sql_type, _, values) in KINDS.items():
            if sql_type == "jsonb":
                continue
            for number, value in enumerate(values[:2], 1):
                query = f'select id from small.kinds where "{name}" = $1'
                assert await connection.fetchval(query, value) == number, name

    ask(use)


def test_prepared_statements_and_introspection(ask: Callable[[Use], None]) -> None:
    async def use(connection: Any) -> None:
        statement = await connection.prepare("select price * $1 as total, name from small.kinds where id = $2")
        assert [one.name for one in statement.get_parameters()] == ["numeric", "int4"]
        assert [(one.name, one.type.name) for one in statement.get_attributes()] == [
            ("total", "numeric"),
            ("name", "text"),
        ]
        assert (await statement.fetchrow(Decimal("2"), 1))["total"] == Decimal("39.98")
        assert await statement.fetchrow(Decimal("2"), 77) is None
        assert connection.get_settings().TimeZone == "UTC"
        assert connection.get_server_version().major == 18

    ask(use)


def test_cursors_suspend_portals(ask: Callable[[Use], None]) -> None:
    async def use(connection: Any) -> None:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            cursor = await connection.cursor("select n from small.numbers order by n")
            assert [row["n"] for row in await cursor.fetch(3)] == [1, 2, 3]
            assert (await cursor.fetchrow())["n"] == 4
            total = 0
            async for row in connection.cursor("select n from small.numbers where n <= $1", 2500, prefetch=700):
                total += row["n"]
            assert total == 2500 * 2501 // 2

    ask(use)


def test_a_timeout_cancels_what_runs(ask: Callable[[Use], None]) -> None:
    async def use(connection: Any) -> None:
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            await connection.fetch("select pg_sleep(20)", timeout=0.3)
        with pytest.raises(TimeoutError):
            await connection.fetch("select n from origin.slow", timeout=0.3)
        assert await connection.fetchval("select n from small.numbers where n = 5") == 5
        assert time.monotonic() - started < 5

    ask(use)


def test_a_pool(gateway: RunningGateway) -> None:
    async def main() -> None:
        async with asyncpg.create_pool(**address(gateway), min_size=2, max_size=3) as pool:
            query = "select count(*) from sales.orders where o_orderkey > $1"
            counts = await asyncio.gather(*(pool.fetchval(query, number) for number in range(8)))
            assert counts == sorted(counts, reverse=True)
            assert counts[0] == 15000

    asyncio.run(main())


def test_errors(ask: Callable[[Use], None]) -> None:
    async def use(connection: Any) -> None:
        with pytest.raises(asyncpg.UndefinedTableError) as caught:
            await connection.fetch("select * from sales.lineitems")
        assert caught.value.hint == 'Perhaps you meant "sales.lineitem".'
        with pytest.raises(asyncpg.DivisionByZeroError):
            await connection.fetch("select n / 0 from small.numbers")
        with pytest.raises(asyncpg.DataError):
            await connection.fetch("select n from small.numbers where n = $1", "text")
        assert await connection.fetchval("select 1") == 1

    ask(use)


def test_copy_out(ask: Callable[[Use], None]) -> None:
    async def use(connection: Any) -> None:
        parts: list[bytes] = []

        async def take(data: bytes) -> None:
            parts.append(data)

        await connection.copy_from_query("select n from small.numbers order by n limit 3", output=take, format="csv")
        assert b"".join(parts) == b"1\n2\n3\n"

    ask(use)


def test_a_whole_row_is_a_record(ask: Callable[[Use], None]) -> None:
    async def use(connection: Any) -> None:
        record = await connection.fetchval("select r from small.numbers r where r.n = 5")
        assert record["n"] == 5

    ask(use)
