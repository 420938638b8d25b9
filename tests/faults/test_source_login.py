"""Logging in to sources' servers: real ones, which ask for proof in every way, under the event loop of the gateway."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
import trustme
import uvloop
from psycopg.conninfo import make_conninfo

from connectors.postgres.settings import connection_string
from gateway.relay import source_pools
from gateway.relay.received import Received
from gateway.relay.server_login import LoginRefused, ServerTarget, connect
from gateway.relay.source_connection import Execution, Nobody, SourceConnection
from gateway.relay.source_pools import SourcePools
from gateway.relay.source_target import source_target
from tests.faults.conftest import Strict
from tests.gateway import ADA, PASSWORD, SampleLake

SECRET = "a pa55word at the source"
_ASKED = {"md5": "md5", "password": "password", "scram": "scram-sha-256"}
_T = TypeVar("_T")


@pytest.fixture(scope="module")
def logins(lake: SampleLake) -> Iterator[None]:
    """Roles of the lake's server, each named for how it has to log in."""
    with lake.server.connect(autocommit=True) as owner:
        row = owner.execute("SHOW hba_file").fetchone()
        assert row is not None
        rules = Path(str(row[0]))
        before = rules.read_text(encoding="utf-8")
        for name, method in {**_ASKED, "trust": "trust"}.items():
            encryption = "md5" if name == "md5" else "scram-sha-256"
            owner.execute(f"SET password_encryption TO '{encryption}'".encode())
            owner.execute(f"CREATE ROLE login_{name} LOGIN PASSWORD '{SECRET}'".encode())
            before_all = rules.read_text(encoding="utf-8")
            rules.write_text(f"local all login_{name} {method}\n{before_all}", encoding="utf-8")
        owner.execute("GRANT CONNECT ON DATABASE reference TO login_md5, login_password, login_scram, login_trust")
        owner.execute("SELECT pg_reload_conf()")
        for name in (*_ASKED, "trust"):  # until the new rules count
            _until_let_in(_conninfo(lake, name))
        yield
        rules.write_text(before, encoding="utf-8")
        for name in (*_ASKED, "trust"):
            owner.execute(f"DROP OWNED BY login_{name}; DROP ROLE login_{name}".encode())
        owner.execute("SELECT pg_reload_conf()")


def _until_let_in(conninfo: str) -> None:
    for _ in range(100):
        try:
            psycopg.connect(conninfo).close()
        except psycopg.OperationalError:
            threading.Event().wait(0.02)
        else:
            return
    pytest.fail("the rules of pg_hba.conf do not count")


def _conninfo(lake: SampleLake, name: str, password: str = SECRET, **more: str) -> str:
    return make_conninfo("", **lake.server.connection_parameters("reference", f"login_{name}", password), **more)


def _target(conninfo: str) -> ServerTarget:
    target = source_target(conninfo)
    assert target is not None
    return target


def _run(work: Callable[[], Awaitable[_T]]) -> _T:
    async def main() -> _T:
        async with asyncio.timeout(20):
            return await work()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


class _Rows(Nobody):
    """Keeps DataRow messages."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> None:
        self.data += data


def _log_in(target: ServerTarget, sql: str = "SELECT current_user::text") -> bytes:
    """Log in and return the DataRow of a query, which says who that is at the server."""

    async def work() -> bytes:
        connection = await SourceConnection.open(target, {"client_encoding": "UTF8"})
        found = _Rows()
        try:
            await connection.prepare(sql, ())
            assert await connection.run(Execution(sql), found) == 1
        finally:
            connection.close()
        return bytes(found.data)

    return _run(work)


# How a server asks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("must_ask", [False, True])
@pytest.mark.parametrize("name", _ASKED)
def test_who_knows_the_password_is_let_in(lake: SampleLake, logins: None, name: str, must_ask: bool) -> None:
    target = replace(_target(_conninfo(lake, name)), must_ask=must_ask)
    assert _log_in(target).endswith(f"login_{name}".encode())


def test_a_server_that_does_not_ask(lake: SampleLake, logins: None) -> None:
    target = _target(_conninfo(lake, "trust"))
    assert _log_in(target).endswith(b"login_trust")
    with pytest.raises(LoginRefused) as refused:
        _log_in(replace(target, must_ask=True))
    assert refused.value.sqlstate is None


@pytest.mark.parametrize("name", _ASKED)
def test_a_wrong_password(lake: SampleLake, logins: None, name: str) -> None:
    with pytest.raises(LoginRefused) as refused:
        _log_in(_target(_conninfo(lake, name, "wrong")))
    assert refused.value.sqlstate == "28P01"


@pytest.mark.parametrize("name", _ASKED)
def test_no_password(lake: SampleLake, logins: None, name: str) -> None:
    with pytest.raises(LoginRefused) as refused:
        _log_in(replace(_target(_conninfo(lake, name)), password=None))
    assert refused.value.sqlstate == "28P01"


@pytest.mark.parametrize("name", ["md5", "password"])
def test_a_weaker_way_than_wanted_is_not_answered(lake: SampleLake, logins: None, name: str) -> None:
    target = _target(_conninfo(lake, name, require_auth="scram-sha-256"))
    with _listening_in(target) as (through, sent), pytest.raises(LoginRefused):
        _log_in(through)
    assert b"login_" in sent
    assert b"p\0\0" not in sent  # no message with a password, or what is made of it


def test_what_a_connection_string_demands_of_the_server(lake: SampleLake, logins: None) -> None:
    asked = _target(_conninfo(lake, "scram", require_auth="scram-sha-256"))
    assert asked.must_ask
    assert _log_in(asked).endswith(b"login_scram")
    with pytest.raises(LoginRefused):
        _log_in(_target(_conninfo(lake, "trust", require_auth="scram-sha-256")))


def test_constants_are_read_as_they_are_written(lake: SampleLake, logins: None) -> None:
    """Where a server reads backslashes, a constant that ends with one would go on with the statement behind it."""
    with lake.server.connect(autocommit=True) as owner:
        owner.execute("ALTER ROLE login_scram SET standard_conforming_strings TO off")
        owner.execute("ALTER ROLE login_scram SET transform_null_equals TO on")
        owner.execute("ALTER ROLE login_scram SET array_nulls TO off")
        owner.execute("ALTER ROLE login_scram SET timezone_abbreviations TO 'Australia'")
        owner.execute("ALTER ROLE login_scram SET quote_all_identifiers TO on")
    abbreviation = "timestamptz '2024-01-01 00:00 EST' = timestamptz '2024-01-01 05:00+00'"
    nulls = "array_position('{NULL}'::text[], NULL) IS NOT NULL"
    truths = f"(1 = NULL) IS NULL, {abbreviation}, {nulls}, quote_ident('plain') = 'plain'"
    read = _log_in(_target(_conninfo(lake, "scram")), rf"SELECT '\', {truths}")
    assert read.endswith(b"\0\0\0\x01\\" + 4 * b"\0\0\0\x01t")


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, [1, 15, 5, 3, 30_000]),
        ({"keepalives_idle": "7", "keepalives_count": "0", "tcp_user_timeout": "0"}, [1, 7, 5, None, 0]),
        ({"keepalives": "0"}, [0, None, None, None, 30_000]),
    ],
)
def test_a_server_that_vanishes_is_noticed_as_by_libpq(more: dict[str, str], expected: list[int | None]) -> None:
    names = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE), *((socket.IPPROTO_TCP, name) for name in names)]
    given = connection_string(
        "origin", make_conninfo("", host="127.0.0.1", dbname="x", user="x", sslmode="disable", **more)
    )

    async def connected() -> list[int]:
        listener = socket.create_server(("127.0.0.1", 0))
        transport = await connect(replace(_target(given), port=listener.getsockname()[1]), Received())
        try:
            return [transport.get_extra_info("socket").getsockopt(*option) for option in options]
        finally:
            transport.abort()
            listener.close()

    usual = socket.socket()  # whose options are the system's own
    own = [usual.getsockopt(*option) for option in options]
    usual.close()
    assert _run(connected) == [mine if one is None else one for one, mine in zip(expected, own, strict=True)]


def test_what_only_libpq_can_do_is_left_to_it(lake: SampleLake) -> None:
    for more in ({"options": "-c role=other"}, {"service": "crm"}, {"sslcrldir": "/tmp"}, {"gssencmode": "require"}):
        assert source_target(_conninfo(lake, "scram", **more)) is None


@contextmanager
def _listening_in(target: ServerTarget) -> Iterator[tuple[ServerTarget, bytearray]]:
    """Give a target that reaches the same server through here, and what is sent to it."""
    sent = bytearray()
    listener = socket.create_server(("127.0.0.1", 0))
    path = target.socket_path
    assert path is not None

    def pass_on() -> None:
        client, _ = listener.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(path)
        backward = threading.Thread(target=_pump, args=(server, client, bytearray()))
        backward.start()
        _pump(client, server, sent)
        backward.join()
        client.close()
        server.close()

    thread = threading.Thread(target=pass_on)
    thread.start()
    try:
        yield replace(target, host="127.0.0.1", port=listener.getsockname()[1]), sent
    finally:
        thread.join()
        listener.close()


def _pump(source: socket.socket, sink: socket.socket, seen: bytearray) -> None:
    try:
        while data := source.recv(65536):
            seen += data
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one of the two is gone


# Encryption -----------------------------------------------------------------------------------------------------------


def _encrypted(strict: Strict, sslmode: str, host: str = "localhost", password: str = PASSWORD, **more: str) -> str:
    gateway = strict.gateway
    given = {"host": host, "port": str(gateway.port), "dbname": gateway.database, "sslmode": sslmode}
    return make_conninfo("", user=ADA, password=password, **given, **more)


def test_a_verified_server(strict: Strict) -> None:
    for sslmode, host in (("verify-full", "localhost"), ("verify-ca", "127.0.0.1")):
        target = _target(_encrypted(strict, sslmode, host, sslrootcert=str(strict.authority)))
        assert _log_in(target).endswith(ADA.encode())


def test_a_server_of_another_name(strict: Strict) -> None:
    target = _target(_encrypted(strict, "verify-full", "127.0.0.1", sslrootcert=str(strict.authority)))
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        _log_in(target)


def test_a_server_of_another_authority(strict: Strict, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    for sslmode in ("require", "verify-ca", "verify-full"):  # "require" verifies where there is something to verify by
        with pytest.raises(ssl.SSLCertVerificationError):
            _log_in(_target(_encrypted(strict, sslmode, sslrootcert=str(other))))


def test_encryption_without_a_name(strict: Strict) -> None:
    for sslmode in ("require", "prefer"):
        assert _log_in(_target(_encrypted(strict, sslmode, "127.0.0.1"))).endswith(ADA.encode())


def test_a_wrong_password_behind_encryption(strict: Strict) -> None:
    with pytest.raises(LoginRefused) as refused:
        _log_in(_target(_encrypted(strict, "require", password="wrong")))
    assert refused.value.sqlstate == "28P01"


def test_a_server_without_encryption(lake: SampleLake, logins: None, strict: Strict) -> None:
    plain = _target(_conninfo(lake, "scram"))
    for sslmode, is_let_in in (("require", False), ("prefer", True)):
        context = _target(_encrypted(strict, sslmode)).context
        assert context is not None
        with _listening_in(plain) as (through, sent):
            target = replace(through, sslmode=sslmode, context=context)
            if is_let_in:
                assert _log_in(target).endswith(b"login_scram")
            else:
                with pytest.raises(LoginRefused):
                    _log_in(target)
                assert b"login_scram" not in sent


def test_what_is_said_before_encryption_is_not_heard(strict: Strict) -> None:
    """Bytes behind the server's yes are somebody's in the middle, who would speak in its name."""
    target = _target(_encrypted(strict, "require"))
    with _answering(b"SR\0\0\0\x08\0\0\0\0") as port, pytest.raises(LoginRefused):
        _log_in(replace(target, host="127.0.0.1", port=port))
    with _answering(b"") as port, pytest.raises(LoginRefused):
        _log_in(replace(target, host="127.0.0.1", port=port))


@contextmanager
def _answering(answer: bytes) -> Iterator[int]:
    """Give the port of a server that answers once with the same, whatever is asked."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = listener.accept()
        client.recv(1024)
        client.sendall(answer)
        client.shutdown(socket.SHUT_WR)
        client.recv(1024)
        client.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        thread.join()
        listener.close()


# Connections that are kept --------------------------------------------------------------------------------------------


def test_a_server_that_refuses_is_not_asked_again_for_a_while(
    lake: SampleLake, logins: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert source_pools._IDLE == 60.0
    monkeypatch.setattr(source_pools, "_IDLE", 0.3)
    wrong, right = (_target(_conninfo(lake, "scram", password)) for password in ("wrong", SECRET))
    opened: list[ServerTarget] = []
    real = SourceConnection.open

    async def counted(target: ServerTarget, settings: dict[str, str]) -> SourceConnection:
        opened.append(target)
        return await real(target, settings)

    monkeypatch.setattr(SourceConnection, "open", counted)

    async def work() -> None:
        pools = SourcePools()
        for _ in range(3):
            assert await pools.pool(wrong, {}).take() is None
        assert opened == [wrong]
        other = await pools.pool(right, {}).take()  # of another login nothing is known
        assert other is not None
        pools.pool(right, {}).give_back(other)
        assert await pools.pool(right, {}).take() is other
        await asyncio.sleep(0.35)
        assert await pools.pool(wrong, {}).take() is None
        assert opened == [wrong, right, wrong]
        pools.close()  # as where a login has changed
        assert await pools.pool(wrong, {}).take() is None
        assert opened == [wrong, right, wrong, wrong]
        other.close()

    _run(work)


def test_a_connection_that_has_ended_is_not_given_again(lake: SampleLake, logins: None) -> None:
    target = _target(_conninfo(lake, "scram"))

    async def work() -> None:
        pools = SourcePools()
        first = await pools.pool(target, {}).take()
        assert first is not None
        pools.pool(target, {}).give_back(first)
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'login_scram'"
        with lake.server.connect(autocommit=True) as owner:
            owner.execute(end)
        while first.is_usable:
            await asyncio.sleep(0.01)
        second = await pools.pool(target, {}).take()
        assert second is not None and second is not first and second.is_usable
        pools.pool(target, {}).give_back(second)
        pools.close()
        await asyncio.sleep(0)
        assert not second.is_usable

    _run(work)


def test_a_pool_keeps_so_many_connections_for_so_long(
    lake: SampleLake, logins: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_pools, "_MOST_IDLE", 2)
    monkeypatch.setattr(source_pools, "_IDLE", 0.2)
    monkeypatch.setattr(source_pools, "_SWEEP", 0.05)
    target = _target(_conninfo(lake, "scram"))

    async def work() -> None:
        pools = SourcePools()
        pool = pools.pool(target, {})
        assert pools.pool(target, {}) is pool is not pools.pool(target, {"TimeZone": "Asia/Tokyo"})
        taken = [await pool.take() for _ in range(3)]
        for one in taken:
            assert one is not None
            pool.give_back(one)
        assert [one is not None and one.is_usable for one in taken] == [True, True, False]
        assert pool.get_idle() is taken[1]  # the last one first
        kept = taken[0]
        while kept is not None and kept.is_usable:
            await asyncio.sleep(0.01)
        assert pool.get_idle() is None
        late = taken[1]
        assert late is not None and late.is_usable
        pools.close()  # as where a login has changed while a statement runs
        pool.give_back(late)
        assert not late.is_usable

    _run(work)
