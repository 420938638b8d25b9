"""Two hundred clients at once, of all kinds: none gets an error that he did not ask for, and who asks for little is
answered while others go on asking for much. What does not fit into the engine's memory waits.

Nothing here is measured: who asks for much, or for what does not come, goes on until all others are done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import psycopg
import pytest

from tests.faults.conftest import wait_until
from tests.gateway import RunningGateway, SampleLake, Settings, serving

Connection = psycopg.AsyncConnection[tuple[object, ...]]

AT_ONCE = 4
PATIENCE = 240.0  # seconds after which somebody counts as starved
OF_SHORT: tuple[tuple[str, tuple[object, ...], list[tuple[object, ...]]], ...] = (
    ("select n from small.numbers where n = %s", (77,), [(77,)]),
    ("select count(*) from small.numbers a join small.kinds b on a.n = b.id where b.id = 1", (), [(1,)]),
    ("select n_name from crm.nation where n_nationkey = 3", (), [("CANADA",)]),
    ("select relname from pg_class where relname = 'pg_class'", (), [("pg_class",)]),
    ("select 1", (), [(1,)]),
)
JOIN = "select count(*), sum(a.n) from small.series a join small.series b on a.n = b.n"  # two are too many
SORT = "select n from small.series order by n % 977, n offset 3999998"
SLOW = "select count(*) from origin.slow s join small.numbers n on s.n = n.n"  # a hundred seconds, none of them ours
MOST = 4_000_000


@pytest.fixture(scope="module")
def crowded(lake: SampleLake) -> Iterator[RunningGateway]:
    """A gateway that takes a few statements at a time. Two of those that ask for much do not fit into its memory
    together.
    """
    engine = {"memory_limit": "256MB", "concurrent_statements": AT_ONCE}
    with serving(lake, Settings(server={"refresh_interval": "0"}, engine=engine, database="crowded")) as running:
        yield running


class Crowd:
    """Clients of a gateway. ``done``: all of those who ask for little are; ``over``: those who ask for much, too."""

    def __init__(self, gateway: RunningGateway) -> None:
        self._gateway = gateway
        self.done, self.over = asyncio.Event(), asyncio.Event()

    async def client(self, ask: Callable[[Connection], Awaitable[None]]) -> None:
        """Connect, ask, and leave."""
        connection = await psycopg.AsyncConnection.connect(self._gateway.dsn(), autocommit=True)
        try:
            await ask(connection)
        finally:
            await connection.close()

    async def little(self, number: int, connection: Connection) -> None:
        """Ask for little, in all ways."""
        for turn in range(2):
            query, parameters, expected = OF_SHORT[(number + turn) % len(OF_SHORT)]
            assert await _rows(connection, query, parameters) == expected

    async def few_of_many(self, connection: Connection) -> None:
        """Ask by a cursor, and take some."""
        async with connection.transaction(), connection.cursor("c") as cursor:
            await cursor.execute("select n from small.series")
            assert len(await cursor.fetchmany(500)) == 500

    async def copied(self, connection: Connection) -> None:
        """Have a table copied."""
        data = b""
        async with connection.cursor() as cursor, cursor.copy("copy small.numbers (n) to stdout") as copy:
            async for part in copy:
                data += bytes(part)
        assert len(data.splitlines()) == 10_000

    async def joined(self, connection: Connection) -> None:
        """Ask for much until all others are done."""
        while not self.done.is_set():
            assert await _rows(connection, JOIN) == [(MOST, MOST * (MOST - 1) // 2)]

    async def sorted(self, connection: Connection) -> None:
        """Ask for much that is written to the disk, until all others are done."""
        while not self.done.is_set():
            assert [n for (n,) in await _rows(connection, SORT)] == [3_998_860, 3_999_837]

    async def cancelled(self, connection: Connection) -> None:
        """Wait for a server in vain, and cancel when all others are done."""
        asked = asyncio.create_task(_rows(connection, SLOW))
        await self.over.wait()
        while not asked.done():  # it may not have begun
            connection.cancel()
            await asyncio.wait([asked], timeout=0.5)
        failure = asked.exception()  # none where the others took so long that the server has answered
        assert failure is None or isinstance(failure, psycopg.errors.QueryCanceled)

    async def gone(self, connection: Connection) -> None:
        """Wait for a server in vain, and be gone without a word when all others are done."""
        connection.pgconn.send_query(SLOW.encode())
        connection.pgconn.flush()
        await self.over.wait()
        connection.pgconn.finish()


async def _rows(connection: Connection, query: str, parameters: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    return await (await connection.execute(query.encode(), parameters or None)).fetchall()


@pytest.mark.timeout(1.5 * PATIENCE)
def test_two_hundred_clients(crowded: RunningGateway, running_at_source: Callable[[str], int]) -> None:
    async def run() -> None:
        crowd = Crowd(crowded)
        patient = (
            *(crowd.client(crowd.cancelled) for _ in range(26)),
            *(crowd.client(crowd.gone) for _ in range(10)),
        )
        much = (*(crowd.client(crowd.joined) for _ in range(3)), crowd.client(crowd.sorted))
        little = (
            *(crowd.client(partial(crowd.little, number)) for number in range(140)),
            *(crowd.client(crowd.few_of_many) for _ in range(10)),
            *(crowd.client(crowd.copied) for _ in range(10)),
        )
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            for each in patient:
                group.create_task(each)
            async with asyncio.TaskGroup() as those_who_end:
                for each in much:
                    those_who_end.create_task(each)
                await asyncio.gather(*little)
                crowd.done.set()
            crowd.over.set()

    asyncio.run(run())
    wait_until(lambda: running_at_source('"slow"') == 0, 10)
    with crowded.connect() as connection:
        assert connection.execute(JOIN).fetchone() == (MOST, MOST * (MOST - 1) // 2)
