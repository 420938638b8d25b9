"""TLS with a certificate of a test's own authority, and what SCRAM binds to it."""

from __future__ import annotations

import asyncio
import socket
import ssl

import asyncpg
import psycopg
import pytest

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
