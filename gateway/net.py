"""A client's TCP connection: bytes to messages and back, encryption, login, then a session until one side leaves.

Reading goes on while a statement runs, so a client that left or cancels is noticed at once; what a client sends ahead
is bounded, and rows wait for a client that reads slowly.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

import structlog

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.activity import Encryption
from gateway.answers_together import AnswersTogether
from gateway.authentication.certificates import Certificate
from gateway.login import Login, LoginServices
from gateway.logs import bind_connection, bind_statement
from gateway.relay.mirror_errors import MirrorLost
from gateway.sessions.in_callbacks import HandedOver
from gateway.sessions.session import Session
from gateway.tls import ALPN, Tls, encryption_of, give_received
from gateway.tls_alerts import Alerting
from gateway.told_errors import error_response
from gateway.wire import backend, frontend
from gateway.wire.connection import NEED_DATA, Connection, Signal
from gateway.wire.errors import LocalProtocolError, RemoteProtocolError
from gateway.wire.login import EncryptionRefused, SSLAccepted

_log = structlog.get_logger(__name__)
_READ_AHEAD: Final = 1 << 18  # bytes that a client may send while a statement runs
_WRITE_HIGH: Final = 1 << 20
_HELD: Final = 1 << 13  # bytes kept for one packet, as many as PostgreSQL keeps, until the client is waited for
_LINGER: Final = 5.0  # seconds that a client has to read the last it is told
_TLS_HANDSHAKE: Final = 0x16
_CONNECTIONS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a connection, in bytes and seconds; 0 means none."""

    message_size: int
    authentication_timeout: float
    idle_timeout: float


class ClientConnection(asyncio.Protocol):
    """One client. The protocol's callbacks feed a task that serves messages in order."""

    def __init__(
        self,
        login: LoginServices,
        limits: Limits,
        tls: Callable[[], Tls | None],
        ended: Callable[[ClientConnection], None],
        answers: AnswersTogether,
    ) -> None:
        self._login_services = login
        self._limits = limits
        self._tls = tls
        self._ended = ended
        self._answers = answers
        self._wire = Connection(message_limit=limits.message_size)
        self._transport: asyncio.Transport | None = None
        self._held: list[bytes | memoryview] = []
        self._held_bytes = 0
        self.sent_bytes = 0  # queued for the client so far
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._is_slow = False  # as that says, too, which is a function of Python
        self._waiting = False  # for the client's next message; else what arrives is sent ahead
        self._ahead = 0
        self._lost = False
        self._first = True
        self._handshake = b""  # received before there was anything to decrypt it
        self._decrypted = b""  # received before the connection was told that it is encrypted
        self._protocol_failure: RemoteProtocolError | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending = False
        self._upgrading = False
        self.session: Session | None = None
        self.channel_binding: bytes | None = None
        self.encrypted = False
        self.peer = ""
        self.peer_address = ""
        self._name, self._statements = "", 0
        self._straight = False  # a statement is carried out in callbacks: the task below waits for its end
        self._handed_over = False

    # Callbacks of the transport -------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._transport.set_write_buffer_limits(high=_WRITE_HIGH)
        if self._task is None:
            peer = transport.get_extra_info("peername")
            self.peer = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "local"
            self.peer_address = str(peer[0]) if isinstance(peer, tuple) else ""
            if self.peer_address:  # as PostgreSQL: a client that vanished without a word is not waited for for ever
                transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._task = asyncio.get_running_loop().create_task(self._serve())
            self._task.add_done_callback(lambda _task: self._ended(self))

    def data_received(self, data: bytes) -> None:
        if self._waiting and self.session is not None and self._is_begun_straight(self.session, data):
            return
        if (self._first and data[0] == _TLS_HANDSHAKE) or self._handshake:
            self._handshake += data  # of a client that encrypts without asking before
        elif self._upgrading:
            self._decrypted += data  # a client sends on as soon as the handshake is done for him
        else:
            self._take(data)
        self._first = False
        if not self._waiting or self._straight:
            self._ahead += len(data)
            if self._ahead > _READ_AHEAD and self._transport is not None:
                self._transport.pause_reading()
        if not self._straight:
            self._arrived.set()

    def _is_begun_straight(self, session: Session, data: bytes) -> bool:
        """Whether the session carries out what has come without the task, which waits for its messages."""
        if self._straight or self._handed_over or self._ending or self._lost or self._limits.idle_timeout:
            return False
        if self._is_slow or not self._wire.may_take_straight(len(data)):
            return False
        ids = (self._name, f"{self._name}.{self._statements + 1}")
        if not session.begin_straight(data, ids, self):
            return False
        self._statements += 1
        self._straight, self._ahead = True, 0
        return True

    def _take(self, data: bytes) -> None:
        try:
            self._wire.receive_data(data)
        except RemoteProtocolError as error:
            self._protocol_failure = error

    def eof_received(self) -> bool:
        self._leave()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._upgrading:
            self._leave()

    def pause_writing(self) -> None:
        self._is_slow = True
        self._writable.clear()

    def resume_writing(self) -> None:
        self._is_slow = False
        self._writable.set()

    def _leave(self) -> None:
        """The client is gone: stop what runs for it."""
        self._lost = True
        self._arrived.set()
        self._writable.set()
        self._stop()

    def _stop(self) -> None:
        """End what is done for the client, unless that is under way."""
        if self._task is not None and not self._ending:
            self._ending = True  # once: a second cancel would break off the end of what ran
            self._task.cancel()

    # What a session needs of its client -----------------------------------------------------------------------------

    def send(self, message: backend.BackendMessage) -> None:
        """Queue a message."""
        self._write(self._wire.send(message))

    def bytes_of(self, message: frontend.FrontendMessage) -> bytes:
        """Return a message of the client's as bytes."""
        return self._wire.bytes_of(message)

    def write(self, data: bytes | memoryview) -> None:
        """Queue rows: bytes of complete DataRow messages."""
        self._write(data)

    def relay(self, message: bytes) -> None:
        """Queue one message of the mirror, unchanged."""
        self._wire.relayed(message[0])
        self._write(message)

    async def flush(self) -> None:
        """Send what is held back, and wait as `drain` does."""
        self._send_held()
        await self.drain()

    def push(self) -> None:
        """Send what is held back, without waiting."""
        self._send_held()

    def skip(self) -> None:
        """Drop the statement that was read last, and all up to Sync."""
        self._wire.skip()

    def end(self, reason: SqlError | None) -> None:
        """End the connection; None: the client was told why."""
        if reason is not None and not self._ending:
            self._say_fatal(reason)
        self._stop()

    def answered(self, data: bytes) -> bool:
        """Send the whole answer of a statement that was begun straight, with all that are ready in this turn of the
        event loop; return whether it may still be sent.
        """
        if self._ending or self._lost or self._transport is None:
            return False
        self._straight = False
        self.sent_bytes += len(data)
        self._held_bytes += len(data)
        self._held.append(data)
        self._answers.add(self._send_held)
        if self._ahead:  # it came meanwhile
            self._arrived.set()
        return True

    def hand_over(self, *, simple: bool) -> None:
        """Have the task go on with a statement that was begun straight: ``simple``, a query by itself."""
        self._wire.take_straight(simple=simple)
        self._straight, self._handed_over = False, True
        self._arrived.set()

    async def drain(self) -> None:
        """Wait until the client has read enough of what is queued."""
        if not self._writable.is_set():
            await self._writable.wait()
        if self._lost:
            raise ConnectionResetError

    def _write(self, data: bytes | memoryview) -> None:
        self._held.append(data)
        self._held_bytes += len(data)
        self.sent_bytes += len(data)
        if self._held_bytes >= _HELD:
            self._send_held()

    def _send_held(self) -> None:
        held, self._held, self._held_bytes = self._held, [], 0
        if held and self._transport is not None and not self._lost:
            self._transport.writelines(held)

    # Serving --------------------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        self._name = str(next(_CONNECTIONS))
        bind_connection(self._name)
        _log.info("connected", peer=self.peer)
        try:
            await self._converse()
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client left; what ran for it is stopped below
        except RemoteProtocolError as error:
            if error.answer:
                self._say_fatal(SqlError(SqlState(error.sqlstate), error.message))
        except SqlError as error:
            if not (isinstance(error, MirrorLost) and error.told):
                self._say_fatal(error)
        except Exception:
            _log.exception("internal error")
            self._say_fatal(SqlError(SqlState.INTERNAL_ERROR, "internal error"))
        finally:
            await self._end()

    async def _end(self) -> None:
        self._ending = True
        session, self.session = self.session, None
        if session is not None:
            self._login_services.sessions.forget(session)
            self._login_services.take_back(session.identity)
            await asyncio.shield(session.close())
        if self._transport is not None:
            self._send_held()
            self._transport.close()
            if self._transport.get_write_buffer_size():
                asyncio.get_running_loop().call_later(_LINGER, self._transport.abort)
        _log.info("disconnected")

    async def _converse(self) -> None:
        waiting = self._login_services.waiting
        crowded = waiting.enter(self.peer_address)
        try:
            self.session = await self._logged_in(crowded)
        finally:
            waiting.leave(self.peer_address)
        if self.session is not None:
            await self._serve_messages(self.session)

    async def _logged_in(self, crowded: SqlError | None) -> Session | None:
        """Return the session of a client who is let in; None for one who wanted none, or said nothing in time."""
        startup: frontend.StartupMessage | None = None
        timeout = self._limits.authentication_timeout or None
        try:
            async with asyncio.timeout(timeout if crowded is None else _LINGER):
                startup = await self._startup(crowded)
                if startup is None:
                    return None
                return await Login(self._login_services, self).log_in(startup)
        except TimeoutError:
            if startup is not None:  # who has said nothing yet is told nothing, as in PostgreSQL
                raise SqlError(SqlState.QUERY_CANCELED, "canceling authentication due to timeout") from None
            return None

    async def _startup(self, crowded: SqlError | None) -> frontend.StartupMessage | None:
        """Return the startup message. ``crowded`` is the answer to everything but the wish to cancel."""
        while self._first and not self._lost:
            await self._more()
        if self._handshake:
            await self._take_handshake(crowded)
        while True:
            message = await self.next_message()
            if crowded is not None and not isinstance(message, frontend.CancelRequest):
                raise crowded
            match message:
                case frontend.SSLRequest():
                    await self._answer_ssl()
                case frontend.GSSENCRequest():
                    self.send(EncryptionRefused())
                case frontend.CancelRequest() as request:
                    await self._login_services.sessions.cancel(request.process_id, request.secret_key, self.peer)
                    return None
                case frontend.StartupMessage() as startup:
                    return startup
                case _:
                    raise LocalProtocolError(f"{type(message).__name__} before the startup message")

    async def _answer_ssl(self) -> None:
        tls = self._tls()
        if tls is None:
            self.send(EncryptionRefused())
            return
        self.send(SSLAccepted())
        self._send_held()
        await self._encrypt(tls, b"")
        self._wire.encryption_started()
        self._take(self._decrypted)

    async def _take_handshake(self, crowded: SqlError | None) -> None:
        """Begin TLS with a client that has begun it without a question (``sslnegotiation=direct``)."""
        tls = self._tls()
        if tls is None or crowded is not None:
            raise ConnectionResetError
        handshake, self._handshake = self._handshake, b""
        transport = await self._encrypt(tls, handshake)
        self._wire = Connection(encrypted=True, message_limit=self._limits.message_size)
        self._take(self._decrypted)
        if transport.get_extra_info("ssl_object").selected_alpn_protocol() != ALPN:
            raise SqlError(
                SqlState.PROTOCOL_VIOLATION,
                "received direct SSL connection request without ALPN protocol negotiation extension",
            )

    async def _encrypt(self, tls: Tls, received: bytes) -> asyncio.Transport:
        """Put TLS between the connection and the socket. ``received`` was read from the socket before."""
        plain, loop = self._transport, asyncio.get_running_loop()
        assert plain is not None
        self._upgrading = True
        try:
            handshake = loop.start_tls(plain, self, Alerting(tls.context, plain.write), server_side=True)
            if received:
                plain.pause_reading()  # until the new protocol is in our place and has what was read for it
                begun = loop.create_task(handshake)
                loop.call_soon(loop.call_soon, give_received, plain, received)
                transport = await begun
            else:
                transport = await handshake
        except (ssl.SSLError, OSError) as error:
            raise ConnectionResetError from error
        finally:
            self._upgrading = False
        if transport is None:
            raise ConnectionResetError
        self._transport = transport
        transport.set_write_buffer_limits(high=_WRITE_HIGH)
        self.channel_binding = tls.channel_binding
        self.encrypted = True
        return transport

    async def _serve_messages(self, session: Session) -> None:
        while True:
            try:
                message = await self._next_or_idle(session)
            except RemoteProtocolError as error:
                if error.closes:
                    await session.answer_what_is_owed()
                    raise
                await session.protocol_error(error, ready=self._wire.owes_ready)
                continue
            if type(message) is frontend.Terminate:
                return
            self._statements += type(message) is not HandedOver
            with bind_statement(f"{self._name}.{self._statements}"):
                await session.handle(message)
            if not self._writable.is_set():
                await self.drain()

    async def _next_or_idle(self, session: Session) -> frontend.FrontendMessage:
        limit = self._limits.idle_timeout
        if not limit or session.in_transaction:
            return await self.next_message()
        try:
            async with asyncio.timeout(limit):
                return await self.next_message()
        except TimeoutError:
            raise SqlError(
                SqlState.IDLE_SESSION_TIMEOUT, "terminating connection due to idle-session timeout"
            ) from None

    async def next_message(self) -> frontend.FrontendMessage:
        """Return the client's next message, waiting for it."""
        while True:
            if self._handed_over:
                self._handed_over = False
                return HandedOver()
            if self._protocol_failure is not None:
                raise self._protocol_failure
            if (at_once := self._taken_at_once()) is not None:
                return at_once
            event = self._wire.next_event()
            if type(event) is not Signal:
                return cast(frontend.FrontendMessage, event)
            if event is not NEED_DATA:
                raise LocalProtocolError(f"nothing may be read in state {self._wire.state.name}")
            if self._lost:
                raise ConnectionResetError
            await self._more()

    def _taken_at_once(self) -> frontend.FrontendMessage | None:
        """Return a statement that has come as a whole, if the session carries it out so."""
        found = self._wire.get_sent_at_once() if self.session is not None else None
        taken = self.session.take(found) if found is not None and self.session is not None else None
        if taken is not None:
            self._wire.take_sent_at_once()
            return taken
        return self._wire.take_piped() if found is None else None

    async def _more(self) -> None:
        """Send what is held, and wait until something arrives."""
        self._send_held()
        self._arrived.clear()
        self._waiting, self._ahead = True, 0
        if self._transport is not None and not self._transport.is_reading():
            self._transport.resume_reading()
        await self._arrived.wait()
        self._waiting = False

    async def end_session(self, reason: SqlError) -> None:
        """Tell the client why, and close."""
        if not self._ending:
            self._say_fatal(reason)
            self._stop()

    @property
    def certificate(self) -> Certificate | None:
        """The client's verified certificate as ``ssl`` tells it, if he showed one."""
        transport = self._transport
        return (transport.get_extra_info("peercert") if transport is not None else None) or None

    @property
    def encryption(self) -> Encryption | None:
        """The connection's TLS, as others may be told of it."""
        found = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        return encryption_of(found) if found is not None else None

    @property
    def cancel_key_length(self) -> int:
        """How many bytes the client's cancel key has."""
        return self._wire.cancel_key_length

    async def wait_closed(self) -> None:
        """Wait until everything of this connection has ended."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def _say_fatal(self, error: SqlError) -> None:
        _log.info("connection ends", sqlstate=str(error.sqlstate))
        try:
            self.send(error_response(error, severity="FATAL"))
        except LocalProtocolError:  # the connection is beyond any answer
            self._abort()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
