"""From a startup message to a session: who is it, may he come in, and the mirror's session that goes with his."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from catalog.errors import SqlError
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from gateway.authentication.scram import ScramExchange, mechanisms, mock_verifier
from gateway.relay.mirror_connection import Login as MirrorLogin
from gateway.relay.mirror_connection import MirrorConnection, ServerRefused
from gateway.session import Client, Session, SessionServices
from gateway.wire import backend, frontend
from gateway.wire.connection import negotiate
from gateway.wire.login import (
    AuthenticationOk,
    AuthenticationSASL,
    AuthenticationSASLContinue,
    AuthenticationSASLFinal,
    BackendKeyData,
    NegotiateProtocolVersion,
    ParameterStatus,
)

_OUR_PARAMETERS: Final = frozenset({"user", "database", "replication"})
_CANCELED: Final = "canceling statement due to user request"


@dataclass(frozen=True, slots=True)
class Role:
    """What login needs of a role: its SCRAM verifier (None: no password) and whom it acts as."""

    principal: Principal
    verifier: str | None


class LoginClient(Client, Protocol):
    """The client's side while it logs in."""

    channel_binding: bytes | None

    @property
    def cancel_key_length(self) -> int:
        """How many bytes the client's cancel key has."""

    async def next_message(self) -> frontend.FrontendMessage:
        """Return the client's next message."""


class Sessions:
    """The sessions of a process, found by their cancel keys."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._by_key: dict[tuple[int, bytes], Session] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def admit(self) -> None:
        """Raise 53300 when there is no room for one more."""
        if len(self._by_key) >= self._limit:
            raise SqlError(SqlState.TOO_MANY_CONNECTIONS, "sorry, too many clients already")

    def add(self, key: tuple[int, bytes], session: Session) -> None:
        """Remember a session."""
        self._by_key[key] = session

    def forget(self, session: Session) -> None:
        """Drop a session that ended."""
        self._by_key = {key: one for key, one in self._by_key.items() if one is not session}

    async def cancel(self, process_id: int, secret_key: bytes) -> None:
        """Cancel what the session of this key runs; a wrong key does nothing and says nothing."""
        for (known_id, known_key), session in [*self._by_key.items()]:
            if known_id == process_id and secrets.compare_digest(known_key, secret_key):
                await session.cancel(SqlError(SqlState.QUERY_CANCELED, _CANCELED))


@dataclass(frozen=True, slots=True)
class LoginServices:
    """What logging in needs; ``get_role`` and ``mirror_login`` are asked for every login."""

    method: Literal["scram-sha-256", "trust"]
    get_role: Callable[[str], Awaitable[Role | None]]
    mirror_login: Callable[[str], MirrorLogin]
    sessions: Sessions
    session: SessionServices
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)


class Login:
    """One client's way in."""

    def __init__(self, services: LoginServices, client: LoginClient) -> None:
        self._services = services
        self._client = client

    async def log_in(self, startup: frontend.StartupMessage) -> Session:
        """Authenticate and open the session; what goes wrong is an SqlError that ends the connection."""
        answer = negotiate(startup)
        if answer is not None:
            assert isinstance(answer, NegotiateProtocolVersion)
            self._client.send(answer)
        user = startup.parameters["user"]
        role = await self._services.get_role(user)
        if self._services.method == "scram-sha-256":
            await self._scram(user, role)
        if role is None:
            raise SqlError(SqlState.INVALID_AUTHORIZATION_SPECIFICATION, f'role "{user}" does not exist')
        self._check_database(startup)
        self._services.sessions.admit()
        mirror = await self._open_mirror(user, startup)
        try:
            self._services.sessions.admit()  # others have come meanwhile
            return self._welcome(role.principal, mirror)
        except BaseException:
            mirror.close()
            raise

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

    async def _scram(self, user: str, role: Role | None) -> None:
        """Check the password. A user that does not exist or has none is asked alike, and fails alike."""
        known = role.verifier if role is not None else None
        binding = self._client.channel_binding
        self._client.send(AuthenticationSASL(mechanisms(binding)))
        initial = await self._client.next_message()
        if not isinstance(initial, frontend.SASLInitialResponse):
            raise SqlError(SqlState.PROTOCOL_VIOLATION, "expected SASL response")
        exchange = ScramExchange(
            known or mock_verifier(user, self._services.secret),
            user=user,
            mechanism=initial.mechanism,
            channel_binding=binding,
        )
        self._client.send(AuthenticationSASLContinue(exchange.first(initial.data or b"")))
        response = await self._client.next_message()
        if not isinstance(response, frontend.SASLResponse):
            raise SqlError(SqlState.PROTOCOL_VIOLATION, "expected SASL response")
        final = exchange.final(response.data)
        if known is None:  # no proof can meet a mock verifier; this is the second lock on the same door
            raise SqlError(SqlState.INVALID_PASSWORD, f'password authentication failed for user "{user}"')
        self._client.send(AuthenticationSASLFinal(final))

    async def _open_mirror(self, user: str, startup: frontend.StartupMessage) -> MirrorConnection:
        settings = {
            name: value
            for name, value in startup.parameters.items()
            if name not in _OUR_PARAMETERS and not name.startswith("_pq_.")
        }
        try:
            return await MirrorConnection.connect(self._services.mirror_login(user), settings)
        except ServerRefused as refused:
            fields = backend.ErrorResponse.decode(refused.message[5:]).fields
            raise SqlError(SqlState(fields["C"]), fields["M"], detail=fields.get("D"), hint=fields.get("H")) from None

    def _welcome(self, principal: Principal, mirror: MirrorConnection) -> Session:
        session = Session(self._services.session, principal, mirror, self._client)
        key = (mirror.process_id, secrets.token_bytes(self._client.cancel_key_length))
        self._services.sessions.add(key, session)
        self._client.send(AuthenticationOk())
        for name, value in mirror.parameters.items():
            self._client.send(ParameterStatus(name, value))
        self._client.send(BackendKeyData(*key))
        self._client.send(backend.ReadyForQuery("I"))
        return session
