"""psycopg's pool: connections are checked, reset and given to the next."""

from __future__ import annotations

import threading

import psycopg
import psycopg_pool
import pytest

from tests.gateway import RunningGateway

pytestmark = pytest.mark.client("psycopg pool", "checked and reset connections, many threads")


def test_threads_share_a_few_connections(gateway: RunningGateway) -> None:
    def reset(connection: psycopg.Connection) -> None:
        connection.execute("RESET ALL")
        connection.execute("UNLISTEN *")
        connection.commit()

    counts: list[int] = []
    with psycopg_pool.ConnectionPool(
        gateway.dsn(), min_size=2, max_size=4, reset=reset, check=psycopg_pool.ConnectionPool.check_connection
    ) as pool:

        def work(number: int) -> None:
            with pool.connection() as connection:
                connection.execute("set statement_timeout = 30000")
                row = connection.execute("select count(*) from small.numbers where n <= %s", (number,)).fetchone()
                assert row is not None
                counts.append(row[0])

        threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        with pool.connection() as connection:
            assert connection.execute("show statement_timeout").fetchone() != ("30s",)
        assert pool.get_stats()["pool_size"] <= 4
    assert sorted(counts) == [*range(20)]


def test_a_broken_connection_is_replaced(gateway: RunningGateway) -> None:
    with psycopg_pool.ConnectionPool(
        gateway.dsn(), min_size=1, max_size=1, check=psycopg_pool.ConnectionPool.check_connection
    ) as pool:
        with pool.connection() as connection:
            pid = connection.info.backend_pid
        with gateway.connect() as ada:
            ada.execute("select pg_terminate_backend(%s, 5000)", (pid,))
        with pool.connection() as connection:
            assert connection.info.backend_pid != pid
            assert connection.execute("select count(*) from small.none").fetchone() == (0,)
