"""Real clients log in and ask: libpq (through psycopg) and asyncpg, against a small server built on the wire alone."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import psycopg
import pytest
import trustme

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.authentication.channel_binding import tls_server_end_point
from gateway.authentication.scram import ScramExchange, mechanisms, mock_verifier, verifier
from gateway.wire import backend as b
from gateway.wire import frontend as f
from gateway.wire.connection import NEED_DATA, Connection, Signal, negotiate
from gateway.wire.errors import RemoteProtocolError
from gateway.wire.messages import BackendMessage

USERS = {"ada": verifier("pässword")}
COLUMNS = b.RowDescription((b.FieldDescription("answer", 0, 0, 23, 4, -1, 0),))
KEY = bytes(range(32))
PROCESS_ID = 4711


class Server:
    """Answers every statement with one row, 42; cancels and unknown statements are noted."""

    def __init__(self, tls: ssl.SSLContext | None = None, binding: bytes | None = None) -> None:
        self.tls = tls
        self.binding = binding
        self.seen: list[f.FrontendMessage] = []
        self.cancelled = asyncio.Event()
        self.mechanism = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(self, reader, writer)
        try:
            await session.run()
        except RemoteProtocolError as error:
            session.say(report(error.sqlstate, error.message, "FATAL"))
        except SqlError as error:
            session.say(report(error.sqlstate, error.message, "FATAL"))
        except ConnectionError:
            return
        finally:
            writer.close()


class Session:
    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.connection = Connection()
        self.binary = False

    def say(self, *messages: BackendMessage) -> None:
        self.writer.write(b"".join(map(self.connection.send, messages)))

    async def hear(self) -> f.FrontendMessage:
        while isinstance(event := self.connection.next_event(), Signal):
            assert event is NEED_DATA
            data = await self.reader.read(65536)
            if not data:
                raise ConnectionError
            self.connection.receive_data(data)
        self.server.seen.append(event)
        return event

    async def run(self) -> None:
        startup = await self.hear()
        while isinstance(startup, f.SSLRequest | f.GSSENCRequest):
            await self.encrypt(startup)
            startup = await self.hear()
        if isinstance(startup, f.CancelRequest):
            if startup.process_id == PROCESS_ID and KEY.startswith(startup.secret_key):
                self.server.cancelled.set()
            return
        assert isinstance(startup, f.StartupMessage)
        if negotiated := negotiate(startup):
            self.say(negotiated)
        await self.authenticate(startup.parameters["user"])
        settings = {"server_version": "18.0", "client_encoding": "UTF8", "server_encoding": "UTF8"}
        self.say(b.AuthenticationOk(), *(b.ParameterStatus(*pair) for pair in settings.items()))
        self.say(b.BackendKeyData(PROCESS_ID, KEY[: self.connection.cancel_key_length]), b.ReadyForQuery())
        while not isinstance(message := await self.hear(), f.Terminate):
            try:
                await self.answer(message)
            except SqlError as error:
                self.say(report(error.sqlstate, error.message, "ERROR"))
                if self.connection.owes_ready:
                    self.say(b.ReadyForQuery())

    async def encrypt(self, request: f.FrontendMessage) -> None:
        if self.server.tls is None or isinstance(request, f.GSSENCRequest):
            self.say(b.EncryptionRefused())
            return
        self.say(b.SSLAccepted())
        await self.writer.start_tls(self.server.tls)
        self.connection.encryption_started()

    async def authenticate(self, user: str) -> None:
        self.say(b.AuthenticationSASL(mechanisms(self.server.binding)))
        initial = await self.hear()
        assert isinstance(initial, f.SASLInitialResponse)
        self.server.mechanism = initial.mechanism
        exchange = ScramExchange(
            USERS.get(user) or mock_verifier(user, b"server secret"),
            user=user,
            mechanism=initial.mechanism,
            channel_binding=self.server.binding,
        )
        self.say(b.AuthenticationSASLContinue(exchange.first(initial.data or b"")))
        response = await self.hear()
        assert isinstance(response, f.SASLResponse)
        self.say(b.AuthenticationSASLFinal(exchange.final(response.data)))

    async def answer(self, message: f.FrontendMessage) -> None:
        row = (b.DataRow((b"42",)), b.CommandComplete("SELECT 1"))
        match message:
            case f.Query("wait"):
                await self.server.cancelled.wait()
                raise SqlError(SqlState.QUERY_CANCELED, "canceling statement due to user request")
            case f.Query("copy in"):
                self.say(b.CopyInResponse(0, (0,)))
                while isinstance(await self.hear(), f.CopyData):
                    pass
                self.say(b.CommandComplete("COPY 1"), b.ReadyForQuery())
            case f.Query("copy out"):
                self.say(b.CopyOutResponse(0, (0,)), b.CopyData(b"42\n"), b.CopyDone())
                self.say(b.CommandComplete("COPY 1"), b.ReadyForQuery())
            case f.Query():
                self.say(COLUMNS, *row, b.ReadyForQuery())
            case f.Parse(_, "error"):
                raise SqlError(SqlState.SYNTAX_ERROR, "syntax error")
            case f.Parse():
                self.say(b.ParseComplete())
            case f.Describe("S"):
                self.say(b.ParameterDescription(()), COLUMNS)
            case f.Describe():
                self.say(b.RowDescription((replace(COLUMNS.fields[0], format=int(self.binary)),)))
            case f.Bind(result_formats=formats):
                self.binary = formats[:1] == (1,)
                self.say(b.BindComplete())
            case f.Execute():
                self.say(b.DataRow((b"\0\0\0\x2a" if self.binary else b"42",)), row[1])
            case f.Close():
                self.say(b.CloseComplete())
            case f.Sync():
                self.say(b.ReadyForQuery())


def report(sqlstate: str, message: str, severity: str) -> b.ErrorResponse:
    return b.ErrorResponse({"S": severity, "V": severity, "C": sqlstate, "M": message})


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[int]:
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listener:
        yield listener.sockets[0].getsockname()[1]


def against(server: Callable[[], Server], use: Callable[[Server, int], Awaitable[None]]) -> None:
    async def main() -> None:
        started = server()
        async with serving(started) as port:
            await asyncio.wait_for(use(started, port), 20)

    asyncio.run(main())


def libpq(port: int, **options: object) -> psycopg.Connection[tuple[int]]:
    defaults: dict[str, object] = {"user": "ada", "password": "pässword", "dbname": "lake", "gssencmode": "disable"}
    return psycopg.connect(host="127.0.0.1", port=port, autocommit=True, **{**defaults, **options})  # type: ignore[arg-type]


def ask(port: int, **options: object) -> None:
    with libpq(port, **options) as connection:
        assert connection.execute("select 42").fetchone() == (42,)
        with pytest.raises(psycopg.errors.SyntaxError):
            connection.execute("error", prepare=True)
        assert connection.execute("select 42", prepare=True, binary=True).fetchone() == (42,)
        with connection.pipeline():
            cursors = [connection.execute("select 42") for _ in range(3)]
        assert [cursor.fetchone() for cursor in cursors] == [(42,)] * 3
        with connection.cursor().copy("copy in") as copy:
            copy.write("1\n")
        with connection.cursor().copy("copy out") as copy:
            assert [*copy] == [b"42\n"]


@pytest.mark.parametrize("protocol", ["3.0", "3.2"])
def test_libpq(protocol: str) -> None:
    async def use(server: Server, port: int) -> None:
        await asyncio.to_thread(ask, port, max_protocol_version=protocol)
        assert server.mechanism == "SCRAM-SHA-256"
        assert isinstance(server.seen[0], f.SSLRequest)
        async with asyncio.timeout(5):
            while not isinstance(server.seen[-1], f.Terminate):
                await asyncio.sleep(0.01)

    against(Server, use)


def test_libpq_with_a_wrong_password_or_user() -> None:
    async def use(server: Server, port: int) -> None:
        for options in ({"password": "password"}, {"user": "nobody"}):
            with pytest.raises(psycopg.OperationalError, match="password authentication failed for user"):
                await asyncio.to_thread(ask, port, **options)

    against(Server, use)


@pytest.mark.parametrize(("protocol", "key_length"), [("3.0", 4), ("3.2", 32)])
def test_libpq_cancels(protocol: str, key_length: int) -> None:
    def wait(port: int) -> None:
        with libpq(port, max_protocol_version=protocol) as connection:
            connection.cancel_safe()
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute("wait")

    async def use(server: Server, port: int) -> None:
        await asyncio.to_thread(wait, port)
        assert f.CancelRequest(PROCESS_ID, KEY[:key_length]) in server.seen

    against(Server, use)


def tls_server(tmp_path: Path) -> Server:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "root.crt")
    issued = authority.issue_cert("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    return Server(context, tls_server_end_point(ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())))


@pytest.mark.parametrize(
    ("channel_binding", "mechanism"), [("require", "SCRAM-SHA-256-PLUS"), ("disable", "SCRAM-SHA-256")]
)
def test_libpq_over_tls(tmp_path: Path, channel_binding: str, mechanism: str) -> None:
    async def use(server: Server, port: int) -> None:
        options = {"sslmode": "verify-full", "sslrootcert": str(tmp_path / "root.crt")}
        await asyncio.to_thread(ask, port, channel_binding=channel_binding, **options)
        assert server.mechanism == mechanism

    against(lambda: tls_server(tmp_path), use)


def test_asyncpg() -> None:
    async def use(server: Server, port: int) -> None:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=port, user="ada", password="pässword", database="lake"
        )
        assert await connection.fetchval("select 42") == 42
        assert await connection.execute("select 42") == "SELECT 1"
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await connection.fetchval("error")
        assert await connection.fetchval("select 42") == 42
        connection.terminate()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(host="127.0.0.1", port=port, user="ada", password="x", database="lake")

    against(Server, use)
