"""TLS with a certificate of a test's own authority, and what SCRAM binds to it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time

import asyncpg
import psycopg
import pytest

from gateway.wire import frontend as f
from tests.faults.conftest import Strict
from tests.gateway import ADA, PASSWORD, RunningGateway


def test_a_verified_certificate_with_channel_binding(strict: Strict) -> None:
    parameters = {"sslmode": "verify-full", "sslrootcert": str(strict.authority), "host": "localhost"}
    with strict.gateway.connect(**parameters, channel_binding="require") as connection:
        assert connection.pgconn.ssl_in_use
        assert connection.execute("select count(*) from sales.lineitem").fetchone() == (60_175,)
        rows = connection.execute("select l_comment from sales.lineitem").fetchall()
        assert len(rows) == 60_175


def test_a_certificate_for_another_host_is_the_clients_to_refuse(strict: Strict) -> None:
    with pytest.raises(psycopg.OperationalError, match="does not match host name"):
        strict.gateway.connect(sslmode="verify-full", sslrootcert=str(strict.authority))
    with strict.gateway.connect(sslmode="verify-ca", sslrootcert=str(strict.authority)) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_wrong_password_over_tls(strict: Strict) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(strict.gateway.dsn(ADA, "wrong", sslmode="require", channel_binding="require"))


def test_cancel_over_tls(strict: Strict) -> None:
    with strict.gateway.connect(sslmode="require") as connection:
        connection.execute("set statement_timeout to '5s'")

        async def main() -> None:
            tls = ssl.create_default_context(cafile=str(strict.authority))
            client = await asyncpg.connect(
                host="localhost",
                port=strict.gateway.port,
                user=ADA,
                password=PASSWORD,
                database=strict.gateway.database,
                ssl=tls,
            )
            with pytest.raises(TimeoutError):
                await client.fetch("select pg_sleep(10)", timeout=0.3)
            assert await client.fetchval("select n from small.numbers where n = 3") == 3
            await client.close()

        asyncio.run(main())
        assert connection.execute("select 1").fetchone() == (1,)


def test_without_a_certificate_tls_is_refused_and_the_client_decides(gateway: RunningGateway) -> None:
    with gateway.connect(sslmode="prefer") as connection:
        assert not connection.pgconn.ssl_in_use
    with pytest.raises(psycopg.OperationalError, match="server does not support SSL"):
        gateway.connect(sslmode="require")
    with pytest.raises(psycopg.OperationalError):
        gateway.connect(sslmode="require", sslnegotiation="direct")


def test_a_handshake_that_fails_harms_nobody(strict: Strict) -> None:
    for said in (b"\x16\x03\x01\x00\x05hello", b"garbage" * 10, b""):
        with strict.gateway.socket() as connection:
            connection.sendall(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")
            assert connection.recv(1) == b"S"
            connection.sendall(said)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
    with strict.gateway.connect(sslmode="require") as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_tls_without_a_question(strict: Strict) -> None:
    """``sslnegotiation=direct`` saves a round trip: the client begins with the handshake, and names its protocol."""
    parameters = {"sslmode": "verify-full", "sslrootcert": str(strict.authority), "host": "localhost"}
    with strict.gateway.connect(**parameters, sslnegotiation="direct", channel_binding="require") as connection:
        assert connection.pgconn.ssl_in_use
        assert len(connection.execute("select l_comment from sales.lineitem").fetchall()) == 60_175


@pytest.mark.parametrize("pieces", [1, 3, 20])
def test_a_direct_handshake_in_pieces_is_the_same(strict: Strict, pieces: int) -> None:
    with socket.create_connection((strict.gateway.host, strict.gateway.port), timeout=10) as plain:
        tls = _handshake(plain, strict, ("postgresql",), pieces)
        tls.write(f.StartupMessage(196608, {"user": ADA, "database": strict.gateway.database}).encode())
        plain.sendall(tls.outgoing.read())
        assert _answer(plain, tls)[:1] == b"R"


def test_direct_tls_needs_the_name_of_the_protocol(strict: Strict) -> None:
    with socket.create_connection((strict.gateway.host, strict.gateway.port), timeout=10) as plain:
        tls = _handshake(plain, strict, (), 1)
        answer = _answer(plain, tls)
        assert b"C08P01\0" in answer
        assert b"without ALPN protocol negotiation extension" in answer


def test_direct_tls_is_not_for_gateways_without_a_certificate(gateway: RunningGateway) -> None:
    with pytest.raises(psycopg.OperationalError):
        gateway.connect(sslmode="require", sslnegotiation="direct")
    assert gateway.connect().execute("select 1").fetchone() == (1,)


def test_no_request_of_encryption_is_taken_under_direct_tls(strict: Strict) -> None:
    with socket.create_connection((strict.gateway.host, strict.gateway.port), timeout=10) as plain:
        tls = _handshake(plain, strict, ("postgresql",), 1)
        tls.write(f.SSLRequest().encode())
        plain.sendall(tls.outgoing.read())
        assert b"C0A000\0" in _answer(plain, tls)


class _Tls:
    """A client's end of TLS, whose bytes go where a test puts them."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.write, self.read, self.do_handshake = self._object.write, self._object.read, self._object.do_handshake


def _handshake(plain: socket.socket, strict: Strict, protocols: tuple[str, ...], pieces: int) -> _Tls:
    context = ssl.create_default_context(cafile=str(strict.authority))
    if protocols:
        context.set_alpn_protocols(list(protocols))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    tls = _Tls(context)
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            _send(plain, tls.outgoing.read(), pieces)
            tls.incoming.write(plain.recv(1 << 16))
        else:
            plain.sendall(tls.outgoing.read())
            return tls


def _send(plain: socket.socket, data: bytes, pieces: int) -> None:
    size = max(1, len(data) // pieces)
    for at in range(0, len(data), size):
        plain.sendall(data[at : at + size])
        if pieces > 1:
            time.sleep(0.0005)


def _answer(plain: socket.socket, tls: _Tls) -> bytes:
    while True:
        try:
            return tls.read(1 << 16)
        except ssl.SSLWantReadError:
            data = plain.recv(1 << 16)
            if not data:
                return b""
            tls.incoming.write(data)
