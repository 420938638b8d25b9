"""Clients that stop reading, vanish, cancel, or wait too long: their work ends, and nobody else notices."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from gateway.wire import frontend
from tests.faults.conftest import IDLE, Strict, wait_until
from tests.gateway import RunningGateway

# It takes ten seconds of processor time, and DataFusion looks for a cancel every 128 batches alone.
LONG = "select max(md5(md5(md5(n::text)))) from small.series"


class Deaf:
    """A client that asks and does not read the answer."""

    def __init__(self, gateway: RunningGateway, query: str) -> None:
        self._libpq = gateway.connect()
        self.socket = socket.socket(fileno=self._libpq.pgconn.socket)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.sendall(frontend.Query(query).encode())

    def vanish(self) -> None:
        """Go without a word."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.detach()
        self._libpq.close()


def test_a_client_is_asked_now_and_then_whether_it_is_still_there(gateway: RunningGateway) -> None:
    with gateway.connect() as connection, socket.socket(fileno=socket.dup(connection.pgconn.socket)) as client:
        ends = (f":{gateway.port:04X}", f":{client.getsockname()[1]:04X}")

        def timer() -> str:
            rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()]
            (found,) = (row[5][:2] for row in rows if row[1].endswith(ends[0]) and row[2].endswith(ends[1]))
            return found

        wait_until(lambda: timer() == "02", 2.0)  # of keepalive; 01 as long as what was sent has not arrived


@pytest.mark.parametrize(
    "query",
    [
        "select * from origin.many",
        "select a.*, b.* from sales.lineitem a, small.numbers b",
        "select i, repeat('x', 1000) from generate_series(1, 1000000) as i",
    ],
    ids=["source", "lake", "catalogue"],
)
def test_a_client_that_stops_reading_costs_little_memory(
    gateway: RunningGateway, bystander: psycopg.Connection, query: str
) -> None:
    with gateway.connect() as warm:  # what the first batches of any statement need is no growth
        warm.execute("select n from origin.many where n < 100000").fetchall()
        warm.execute("select * from sales.lineitem").fetchall()
    before = gateway.memory()
    client = Deaf(gateway, query)
    try:
        time.sleep(1.2)
        used = gateway.cpu_seconds()
        bystander.execute("select n from small.numbers where n = 3")
        time.sleep(0.3)
        assert gateway.memory() - before < 100 << 20
        assert gateway.cpu_seconds() - used < 0.2, "the work goes on although nobody reads"
    finally:
        client.vanish()


@pytest.mark.parametrize(
    ("query", "at_source"),
    [
        ("select n from origin.slow", '"slow"'),
        ("select count(*) from origin.slow", '"slow"'),
        ("select * from origin.many", '"many"'),
        ("select pg_sleep(100) as vanished", "as vanished"),
    ],
)
def test_when_a_client_vanishes_its_work_at_a_source_ends(
    gateway: RunningGateway,
    bystander: psycopg.Connection,
    running_at_source: Callable[[str], int],
    query: str,
    at_source: str,
) -> None:
    client = Deaf(gateway, query)
    wait_until(lambda: running_at_source(at_source) > 0, 5)
    client.vanish()
    wait_until(lambda: running_at_source(at_source) == 0, 0.5)


def test_when_a_client_vanishes_the_engines_work_ends(gateway: RunningGateway, bystander: psycopg.Connection) -> None:
    before = gateway.cpu_seconds()
    client = Deaf(gateway, LONG)
    wait_until(lambda: gateway.cpu_seconds() - before > 0.7, 5)
    client.vanish()
    wait_until(lambda: used_in_a_moment(gateway) < 0.03, 4)
    assert gateway.cpu_seconds() - before < 5


def used_in_a_moment(gateway: RunningGateway) -> float:
    used = gateway.cpu_seconds()
    time.sleep(0.2)
    return gateway.cpu_seconds() - used


@pytest.mark.parametrize("query", [LONG, "select n from origin.slow", "select pg_sleep(100)"])
def test_the_right_key_cancels(gateway: RunningGateway, bystander: psycopg.Connection, query: str) -> None:
    with gateway.connect() as connection:
        threading.Timer(0.3, connection.cancel_safe).start()
        started = time.monotonic()
        with pytest.raises(psycopg.errors.QueryCanceled, match="canceling statement due to user request"):
            connection.execute(query)
        assert time.monotonic() - started < 0.3 + 0.5
        assert connection.execute("select n from small.numbers where n = 1").fetchone() == (1,)


def test_a_wrong_key_does_nothing(gateway: RunningGateway) -> None:
    with gateway.connect() as connection:
        process_id = connection.pgconn.backend_pid

        def cancel() -> None:
            for key in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0" * 32):
                with gateway.socket() as stranger:
                    stranger.sendall(frontend.CancelRequest(process_id, key).encode())
                    assert stranger.recv(1) == b""

        threading.Timer(0.2, cancel).start()
        assert connection.execute("select pg_sleep(0.6)").fetchone() == ("",)


def test_a_cancel_of_an_idle_session_does_not_hit_its_next_statement(gateway: RunningGateway) -> None:
    with gateway.connect() as connection:
        connection.execute("select n from small.numbers where n = 1")
        connection.cancel_safe()
        time.sleep(0.1)
        assert connection.execute("select n from small.numbers where n = 2").fetchone() == (2,)


@pytest.mark.parametrize("query", [LONG, "select n from origin.slow", "select pg_sleep(100)"])
def test_statement_timeout(gateway: RunningGateway, bystander: psycopg.Connection, query: str) -> None:
    with gateway.connect() as connection:
        connection.execute("set statement_timeout to '300ms'")
        started = time.monotonic()
        with pytest.raises(psycopg.errors.QueryCanceled, match="canceling statement due to statement timeout"):
            connection.execute(query)
        assert 0.25 < time.monotonic() - started < 1
        connection.execute("set statement_timeout to '10s'")
        assert connection.execute("select n from small.numbers where n = 1").fetchone() == (1,)
        connection.execute("begin")
        connection.execute("set local statement_timeout to '300ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(query)
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("select 1")
        connection.execute("rollback")


def test_the_configured_statement_timeout_is_shown(strict: Strict) -> None:
    with strict.gateway.connect() as connection:
        assert connection.execute("show statement_timeout").fetchone() == ("20s",)


def test_idle_session_timeout(strict: Strict) -> None:
    with strict.gateway.connect() as idle, strict.gateway.connect() as waiting:
        waiting.execute("begin")
        with strict.gateway.connect() as busy:
            for _ in range(4):
                busy.execute("select 1")
                time.sleep(IDLE * 0.4)
            assert busy.execute("select n from small.numbers where n = 1").fetchone() == (1,)
        with pytest.raises(psycopg.errors.IdleSessionTimeout):
            idle.execute("select 1")
        assert waiting.execute("select 1").fetchone() == (1,)  # idle in a transaction is another timeout's matter


def test_the_mirrors_end_of_a_session_ends_it_for_the_client(gateway: RunningGateway) -> None:
    with gateway.connect() as connection:
        connection.execute("set idle_in_transaction_session_timeout to '100ms'")
        connection.execute("begin")
        time.sleep(0.4)
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            connection.execute("select 1")
        assert connection.closed
