"""Before a client is in: wrong passwords, garbage, oversized and slow packets; each ends that connection alone."""

from __future__ import annotations

import socket
import statistics
import struct
import time

import psycopg
import pytest

from tests.faults.conftest import LARGEST_MESSAGE, Strict
from tests.gateway import ADA, RunningGateway


def read_all(connection: socket.socket) -> bytes:
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


def startup(**parameters: str) -> bytes:
    body = struct.pack(">I", 196608)
    body += b"".join(f"{name}\0{value}\0".encode() for name, value in parameters.items()) + b"\0"
    return struct.pack(">I", len(body) + 4) + body


def refused(gateway: RunningGateway, user: str, password: str) -> tuple[str, float]:
    started = time.monotonic()
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(gateway.dsn(user, password))
    return str(caught.value).rsplit("FATAL:", 1)[1].strip(), time.monotonic() - started


def test_a_wrong_password_and_an_unknown_user_get_one_answer(
    gateway: RunningGateway, bystander: psycopg.Connection
) -> None:
    known, unknown = [], []
    for number in range(6):  # each failure is answered later than the one before, of either user alike
        answer, seconds = refused(gateway, ADA, f"guess {number}")
        assert answer == 'password authentication failed for user "ada"'
        known.append(seconds)
        answer, seconds = refused(gateway, "nobody", f"guess {number}")
        assert answer == 'password authentication failed for user "nobody"'
        unknown.append(seconds)
    ratio = statistics.median(known) / statistics.median(unknown)
    assert 0.5 < ratio < 2, (known, unknown)


def test_another_database(gateway: RunningGateway) -> None:
    with pytest.raises(psycopg.OperationalError, match='database "other" does not exist'):
        gateway.connect(dbname="other")


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\0" * 64,
        b"\xff" * 64,
        b"\x16\x03\x01\x02\x00\x01",  # TLS without asking
        struct.pack(">II", 8, 131072),  # protocol 2.0
        struct.pack(">I", 0x7FFFFFFF) + b"x" * 1000,
        b"\x00\x00",
    ],
    ids=["http", "zeros", "ones", "tls", "protocol 2.0", "huge length", "cut short"],
)
def test_garbage(gateway: RunningGateway, bystander: psycopg.Connection, garbage: bytes) -> None:
    with gateway.socket() as connection:
        connection.sendall(garbage)
        connection.shutdown(socket.SHUT_WR)
        answer = read_all(connection)
    assert not answer or (answer[:1] == b"E" and b"FATAL" in answer)


def test_a_startup_packet_over_the_limit_is_not_read(gateway: RunningGateway, bystander: psycopg.Connection) -> None:
    with gateway.socket() as connection:
        connection.sendall(startup(user="ada", application_name="x" * 20_000))
        assert read_all(connection) == b""


def test_a_password_over_the_limit_is_not_read(gateway: RunningGateway, bystander: psycopg.Connection) -> None:
    with gateway.socket() as connection:
        connection.sendall(startup(user="ada", database="lake"))
        assert connection.recv(1) == b"R"
        connection.sendall(b"p" + struct.pack(">I", 10_000_000) + b"SCRAM")
        assert b"C08P01" in read_all(connection)


def test_a_statement_before_login_is_refused(gateway: RunningGateway) -> None:
    with gateway.socket() as connection:
        connection.sendall(startup(user="ada", database="lake") + b"Q" + struct.pack(">I", 13) + b"select 1\0")
        answer = read_all(connection)
    assert b"C08P01" in answer
    assert b"DataRow" not in answer


def test_a_message_over_the_limit_is_dropped_and_the_session_goes_on(strict: Strict) -> None:
    with strict.gateway.connect() as connection:
        with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="exceeds the limit"):
            connection.execute("select '" + "x" * 2 * LARGEST_MESSAGE + "'")
        assert connection.execute("select 1").fetchone() == (1,)
        with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="exceeds the limit"):
            connection.execute("select %s::text", ["x" * 2 * LARGEST_MESSAGE])
        assert connection.execute("select n from small.numbers where n = %s", [1]).fetchone() == (1,)


@pytest.mark.parametrize("said", [b"", startup(user="ada", database="strict")], ids=["silent", "half way"])
def test_a_login_that_takes_too_long(strict: Strict, said: bytes) -> None:
    with strict.gateway.socket() as connection:
        started = time.monotonic()
        connection.sendall(said)
        answer = read_all(connection)
    assert 0.9 < time.monotonic() - started < 3
    assert (b"canceling authentication due to timeout" in answer) == bool(said)


def test_too_many_connections(strict: Strict) -> None:
    opened = []
    try:
        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            for _ in range(13):
                opened.append(strict.gateway.connect())
        assert opened[0].execute("select 1").fetchone() == (1,)
    finally:
        for connection in opened:
            connection.close()
