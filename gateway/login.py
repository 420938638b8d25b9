"""From a startup message to a session: who is it, is there room, and the mirror's session that goes with his."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.activity import Encryption, Shown
from gateway.audit.audit import Audit
from gateway.audit.logins import LoginAttempt, cancel_entry, passed_on_entry
from gateway.audit.witness import Client
from gateway.authentication.identity import Identity
from gateway.authentication.rules import Attempt
from gateway.authentication.throttle import Waiting
from gateway.cancel_orders import CancelOrder, CancelOrders
from gateway.login_methods import AuthenticatingClient, Authentication, authenticate
from gateway.mirror_logins import MirrorLogins
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_opening import Opening, ServerRefused
from gateway.sessions.credentials import require_principal
from gateway.sessions.parking import Parking
from gateway.sessions.services import SessionServices
from gateway.sessions.session import Session
from gateway.wire import backend, frontend
from gateway.wire.connection import negotiate
from gateway.wire.login import (
    AuthenticationOk,
    BackendKeyData,
    NegotiateProtocolVersion,
    ParameterStatus,
)

_OUR_PARAMETERS: Final = frozenset({"user", "database", "replication"})
_STOPPED: Final = "terminating connection due to administrator command"
End = Callable[[SqlError], Coroutine[Any, Any, None]]
_CANCELED: Final = "canceling statement due to user request"


class LoginClient(AuthenticatingClient, Client, Protocol):
    """The client's side while it logs in."""

    @property
    def cancel_key_length(self) -> int:
        """How many bytes the client's cancel key has."""

    @property
    def encryption(self) -> Encryption | None:
        """The connection's TLS."""

    async def end_session(self, reason: SqlError) -> None:
        """Tell the client why, and close."""


@dataclass(frozen=True, slots=True)
class _Known:
    session: Session
    end: End
    encryption: Encryption | None


class Sessions:
    """The sessions of a process, found by their cancel keys."""

    def __init__(
        self,
        limit: int,
        reserved: int,
        audit: Audit,
        end_elsewhere: Callable[[int], Coroutine[Any, Any, None]],
        cancels: CancelOrders,
    ) -> None:
        """``reserved`` of the ``limit`` places are for superusers. ``end_elsewhere`` ends a session that another
        gateway serves, ``cancels`` has that one cancel what it runs.
        """
        self._limit = limit
        self._reserved = reserved
        self._audit = audit
        self._end_elsewhere = end_elsewhere
        self._cancels = cancels
        cancels.heed = lambda order: self._do(self._cancel_for_others(order))
        self._by_key: dict[tuple[int, bytes], _Known] = {}
        self.changes = 0  # how often a session has come or gone
        self._signals: set[asyncio.Future[None]] = set()

    def __len__(self) -> int:
        return len(self._by_key)

    def admit(self, *, superuser: bool) -> None:
        """Raise 53300 when there is no room for one more."""
        free = self._limit - len(self._by_key)
        if free <= 0:
            raise SqlError(SqlState.TOO_MANY_CONNECTIONS, "sorry, too many clients already")
        if free <= self._reserved and not superuser:
            message = "remaining connection slots are reserved for roles with the SUPERUSER attribute"
            raise SqlError(SqlState.TOO_MANY_CONNECTIONS, message)

    def add(self, key: tuple[int, bytes], session: Session, end: End, encryption: Encryption | None = None) -> None:
        """Remember a session, what ends its connection, and that connection's TLS."""
        self._by_key[key] = _Known(session, end, encryption)
        self.changes += 1

    def parking(self) -> list[Parking]:
        """Return what may have sessions give up their processes in the mirror."""
        return [one.session.parking for one in self._by_key.values()]

    def shown(self) -> list[Shown]:
        """Return what all sessions do."""
        return [replace(one.session.shown(), encryption=one.encryption) for one in self._by_key.values()]

    def signal(self, signal: str, process_id: int) -> None:
        """Carry out what `catalog.mirror.activity` has let a client ask for: cancel a session's statement, or end the
        session.
        """
        known = self._get(process_id)
        if signal == "cancel":
            if known is None:
                self._cancels.order(process_id)
            else:
                self._do(known.session.cancel(SqlError(SqlState.QUERY_CANCELED, _CANCELED)))
        elif known is None:
            self._do(self._end_elsewhere(process_id))
        else:
            self._do(known.end(SqlError(SqlState.ADMIN_SHUTDOWN, _STOPPED)))

    def end(self, process_id: int) -> None:
        """End a session, if it is there, as a client of another gateway has asked."""
        known = self._get(process_id)
        if known is not None:
            self._do(known.end(SqlError(SqlState.ADMIN_SHUTDOWN, _STOPPED)))

    def _get(self, process_id: int) -> _Known | None:
        return next((one for (known_id, _), one in self._by_key.items() if known_id == process_id), None)

    def stopped(self, end: End) -> Callable[[SqlError], None]:
        """Return what ends a session whose process in the mirror was ended."""
        return lambda reason: self._do(end(reason))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._signals.add(task)  # the loop alone would not keep it
        task.add_done_callback(self._signals.discard)

    def forget(self, session: Session) -> None:
        """Drop a session that ended."""
        self.changes += 1
        self._by_key = {key: one for key, one in self._by_key.items() if one.session is not session}

    async def cancel(self, process_id: int, secret_key: bytes, peer: str) -> None:
        """Cancel what the session of this key runs; a wrong key does nothing and says nothing. A session that is not
        here may be another gateway's.
        """
        for (known_id, known_key), known in [*self._by_key.items()]:
            if known_id == process_id and secrets.compare_digest(known_key, secret_key):
                await self._audit.record(cancel_entry(peer, process_id))
                await known.session.cancel(SqlError(SqlState.QUERY_CANCELED, _CANCELED))
                return
        passed_on = self._cancels.pass_on(process_id, secret_key, peer)
        self._audit.note_stranger(passed_on_entry(peer, process_id) if passed_on else cancel_entry(peer, None))

    async def _cancel_for_others(self, order: CancelOrder) -> None:
        for (known_id, key), known in [*self._by_key.items()]:
            if known_id == order.number and self._cancels.proves(order, key):
                if order.is_by_key:
                    await self._audit.record(cancel_entry(order.peer, order.number))
                await known.session.cancel(SqlError(SqlState.QUERY_CANCELED, _CANCELED))
                return
        if order.is_by_key:
            self._audit.note_stranger(cancel_entry(order.peer, None))


@dataclass(frozen=True, slots=True)
class LoginServices:
    """What logging in needs. ``lend`` lets the mirror know of roles that a session alone has, before it begins, and
    ``take_back`` that it has ended.
    """

    authentication: Authentication
    opening: Callable[[str, Mapping[str, str]], Opening]
    mirror_logins: MirrorLogins
    lend: Callable[[Identity], Awaitable[None]]
    take_back: Callable[[Identity], None]
    sessions: Sessions
    waiting: Waiting
    session: SessionServices


class Login:
    """One client's way in."""

    def __init__(self, services: LoginServices, client: LoginClient) -> None:
        self._services = services
        self._client = client

    async def log_in(self, startup: frontend.StartupMessage) -> Session:
        """Authenticate and open the session; what goes wrong is an SqlError that ends the connection."""
        attempt = LoginAttempt(self._services.session.audit, startup.parameters, self._client.peer)
        with attempt.failing():
            return await self._log_in(startup, attempt)

    async def _log_in(self, startup: frontend.StartupMessage, attempt: LoginAttempt) -> Session:
        answer = negotiate(startup)
        if answer is not None:
            assert isinstance(answer, NegotiateProtocolVersion)
            self._client.send(answer)
        identity = await authenticate(self._services.authentication, self._client, self._attempt(startup))
        self._check_database(startup)
        self._services.sessions.admit(superuser=True)  # who is none is told below
        try:
            await self._services.lend(identity)
            mirror = await self._open_mirror(identity.role, startup)
            try:
                principal = require_principal(identity, self._services.session.get_principal)
                self._services.sessions.admit(superuser=principal.superuser)
                await attempt.succeeded(principal, identity.method)
                self._services.sessions.admit(superuser=principal.superuser)  # others have come meanwhile
                return self._welcome(identity, mirror)
            except BaseException:
                mirror.close()
                raise
        except BaseException:
            self._services.take_back(identity)
            raise

    def _attempt(self, startup: frontend.StartupMessage) -> Attempt:
        user = startup.parameters["user"]
        database = startup.parameters.get("database") or user
        return Attempt(self._client.peer_address, database, user, self._client.encrypted)

    def _check_database(self, startup: frontend.StartupMessage) -> None:
        database = startup.parameters.get("database") or startup.parameters["user"]
        served = self._services.session.database
        if startup.parameters.get("replication", "false").lower() not in ("false", "off", "no", "0"):
            raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, "replication connections are not supported")
        if database != served:
            raise SqlError(
                SqlState.UNDEFINED_DATABASE,
                f'database "{database}" does not exist',
                hint=f'This gateway serves the database "{served}".',
            )

    async def _open_mirror(self, user: str, startup: frontend.StartupMessage) -> MirrorConnection:
        settings = {
            name: value
            for name, value in startup.parameters.items()
            if name not in _OUR_PARAMETERS and not name.startswith("_pq_.")
        }
        try:
            return await self._services.mirror_logins.connect(self._services.opening(user, settings))
        except ServerRefused as refused:
            raise refused.as_sql_error() from None

    def _welcome(self, identity: Identity, mirror: MirrorConnection) -> Session:
        session = Session(self._services.session, identity, mirror, self._client)
        key = (mirror.number, secrets.token_bytes(self._client.cancel_key_length))
        self._services.sessions.add(key, session, self._client.end_session, self._client.encryption)
        mirror.on_signal = self._services.sessions.signal
        mirror.on_stop = self._services.sessions.stopped(self._client.end_session)
        self._client.send(AuthenticationOk())
        for name, value in mirror.parameters.items():
            self._client.send(ParameterStatus(name, value))
        self._client.send(BackendKeyData(*key))
        self._client.send(backend.ReadyForQuery("I"))
        return session
