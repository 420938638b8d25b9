"""How a client proves who he is: the rule for his connection chosen, its method carried out, failures made slow.

Whatever fails, a client is told the same for a user that does not exist, for a wrong credential and for a credential of
somebody else; the reason is in the log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn, Protocol

import structlog

from catalog.errors import SqlError
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from catalog.store.rows import ApiKey
from gateway.authentication import api_keys
from gateway.authentication.accepted import Accepted, TokenRefused
from gateway.authentication.certificates import Certificate, names_of
from gateway.authentication.identity import Identity
from gateway.authentication.issuers import Issuers
from gateway.authentication.maps import may_act_as
from gateway.authentication.oauthbearer import OAUTHBEARER, bearer_token, challenge, check_failure_confirmed
from gateway.authentication.rules import Attempt, Memberships, require_rule
from gateway.authentication.scram import SCRAM_SHA_256_PLUS, ScramExchange, mechanisms, mock_verifier
from gateway.authentication.throttle import Throttle
from gateway.configuration.auth import AuthMapping, AuthRule
from gateway.wire import backend, frontend
from gateway.wire.login import (
    AuthenticationCleartextPassword,
    AuthenticationSASL,
    AuthenticationSASLContinue,
    AuthenticationSASLFinal,
)

_log = structlog.get_logger(__name__)
_LOGGED: Final = 100  # characters of what a client claims
_GUESSES: Final = frozenset({SqlState.INVALID_AUTHORIZATION_SPECIFICATION, SqlState.INVALID_PASSWORD})


@dataclass(frozen=True, slots=True)
class Role:
    """What login needs of a role: its SCRAM verifier (None: no password) and whom it acts as."""

    principal: Principal
    verifier: str | None


class AuthenticatingClient(Protocol):
    """The client's side while he proves who he is. The first three are known after the startup message."""

    channel_binding: bytes | None
    peer_address: str

    @property
    def encrypted(self) -> bool:
        """Whether TLS is in use."""

    @property
    def certificate(self) -> Certificate | None:
        """The client's verified certificate as ``ssl`` tells it, if he showed one."""

    def send(self, message: backend.BackendMessage) -> None:
        """Queue a message."""

    async def next_message(self) -> frontend.FrontendMessage:
        """Return the client's next message."""


@dataclass(frozen=True, slots=True)
class Directory:
    """What is known of roles and keys; all are asked anew for every login, so that changes count at once."""

    get_role: Callable[[str], Awaitable[Role | None]]
    memberships: Memberships
    get_api_key: Callable[[str], Awaitable[ApiKey | None]]
    note_use: Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Authentication:
    """What proving needs, shared by all logins. ``secret`` makes users that do not exist look like others."""

    rules: Sequence[AuthRule]
    maps: Mapping[str, Sequence[AuthMapping]]
    directory: Directory
    issuers: Issuers
    throttle: Throttle
    secret: bytes = field(repr=False)


async def authenticate(services: Authentication, client: AuthenticatingClient, attempt: Attempt) -> Identity:
    """Find out who the client is, or raise SqlError: 28000 or 28P01 he is not let in, 08P01 he broke the protocol.

    A failure is answered the later the more have gone before; after too many nothing is checked for a time.
    """
    rule: AuthRule | None = None
    try:
        services.throttle.check(attempt.address, attempt.user)
        rule = require_rule(services.rules, attempt, services.directory.memberships)
        identity = await _prove(services, client, attempt, rule)
        if not rule.method.startswith("scram") and await services.directory.get_role(attempt.user) is None:
            raise SqlError(SqlState.INVALID_AUTHORIZATION_SPECIFICATION, f'role "{attempt.user}" does not exist')
    except SqlError as error:
        _log_refusal(attempt, rule, error)
        raise
    services.throttle.succeeded(attempt.address, attempt.user)
    _log.info("login", user=attempt.user, method=rule.method, identity=identity.authenticated, peer=attempt.address)
    return identity


async def _prove(services: Authentication, client: AuthenticatingClient, attempt: Attempt, rule: AuthRule) -> Identity:
    try:
        return await _Proof(services, client, attempt, rule).run()
    except SqlError as error:
        if error.sqlstate in _GUESSES and not isinstance(error, _NoGuess):
            await asyncio.sleep(services.throttle.failed(attempt.address, attempt.user))
        raise


def _log_refusal(attempt: Attempt, rule: AuthRule | None, error: SqlError) -> None:
    user, database = attempt.user[:_LOGGED], attempt.database[:_LOGGED]
    fields = {"user": user, "database": database, "peer": attempt.address, "tls": attempt.encrypted}
    reason = (error.reason if isinstance(error, _Refused) else error.message)[: 5 * _LOGGED]
    method = None if rule is None else rule.method
    _log.warning("login failed", **fields, method=method, sqlstate=str(error.sqlstate), reason=reason)


class _Refused(SqlError):
    """A proof that failed; ``reason`` is for the log alone."""

    def __init__(self, sqlstate: SqlState, message: str, reason: str) -> None:
        super().__init__(sqlstate, message)
        self.reason = reason


class _NoGuess(_Refused):
    """Nothing was tried: a client without a token asked where to get one."""


class _Proof:
    """One client's proof by the method of one rule."""

    def __init__(
        self, services: Authentication, client: AuthenticatingClient, attempt: Attempt, rule: AuthRule
    ) -> None:
        self._services = services
        self._client = client
        self._attempt = attempt
        self._rule = rule

    async def run(self) -> Identity:
        """Carry out the method."""
        match self._rule.method:
            case "scram-sha-256" | "scram-sha-256-plus":
                return await self._scram()
            case "cert":
                return self._certificate()
            case "jwt":
                return await self._token_as_password()
            case "oauth":
                return await self._oauth()
            case "api-key":
                return await self._api_key()
            case "trust":
                if not self._attempt.is_loopback:
                    raise SqlError(SqlState.INVALID_AUTHORIZATION_SPECIFICATION, f"nobody trusts {self._attempt}")
                return Identity(self._attempt.user, "trust", self._attempt.user)
            case method:
                raise AssertionError(method)

    # Passwords by SCRAM ---------------------------------------------------------------------------------------------

    async def _scram(self) -> Identity:
        """Check the password. A user that does not exist or has none is asked alike, and fails alike."""
        user = self._attempt.user
        binding = self._client.channel_binding
        offered = mechanisms(binding)
        if self._rule.method == "scram-sha-256-plus":
            if binding is None:
                self._refuse_way("SCRAM-SHA-256-PLUS needs TLS with a certificate that can be bound to")
            offered = (SCRAM_SHA_256_PLUS,)
        role = await self._services.directory.get_role(user)
        known = role.verifier if role is not None else None
        initial = await self._chosen(offered)
        exchange = ScramExchange(
            known or mock_verifier(user, self._services.secret),
            user=user,
            mechanism=initial.mechanism,
            channel_binding=binding,
        )
        self._client.send(AuthenticationSASLContinue(exchange.first(initial.data or b"")))
        final = exchange.final(await self._response())
        if known is None:  # no proof can meet a mock verifier; this is the second lock on the same door
            raise SqlError(SqlState.INVALID_PASSWORD, f'password authentication failed for user "{user}"')
        self._client.send(AuthenticationSASLFinal(final))
        return Identity(user, self._rule.method, user)

    async def _chosen(self, offered: tuple[str, ...]) -> frontend.SASLInitialResponse:
        self._client.send(AuthenticationSASL(offered))
        message = await self._client.next_message()
        if not isinstance(message, frontend.SASLInitialResponse):
            raise SqlError(SqlState.PROTOCOL_VIOLATION, "expected SASL response")
        if message.mechanism not in offered:
            raise SqlError(SqlState.PROTOCOL_VIOLATION, "client selected an invalid SASL authentication mechanism")
        return message

    async def _response(self) -> bytes:
        message = await self._client.next_message()
        if not isinstance(message, frontend.SASLResponse):
            raise SqlError(SqlState.PROTOCOL_VIOLATION, "expected SASL response")
        return message.data

    # Certificates ---------------------------------------------------------------------------------------------------

    def _certificate(self) -> Identity:
        certificate = self._client.certificate
        if certificate is None:
            self._refuse_way("connection requires a valid client certificate")
        user = self._attempt.user
        names = names_of(certificate)
        proved = may_act_as(user, names, self._rule.map, self._services.maps)
        if proved is None:
            shown = ", ".join(name[:200] for name in names)
            raise self._failed("certificate", f"the certificate is of {shown}")
        return Identity(user, "cert", proved)

    # Tokens ---------------------------------------------------------------------------------------------------------

    async def _token_as_password(self) -> Identity:
        if not self._client.encrypted:
            self._refuse_way("a token is taken over TLS alone")
        return await self._accepted(await self._password(), "token")

    async def _oauth(self) -> Identity:
        self._require_privacy("a token")
        initial = await self._chosen((OAUTHBEARER,))
        data = initial.data
        if data is None:
            self._client.send(AuthenticationSASLContinue(b""))
            data = await self._response()
        token = bearer_token(data)
        try:
            if token is None:
                message = self._message("OAuth bearer")
                raise _NoGuess(SqlState.INVALID_AUTHORIZATION_SPECIFICATION, message, "no token was sent")
            return await self._accepted(token, "OAuth bearer")
        except SqlError:  # the client is told the issuer first, and then that it failed
            assert self._rule.issuer is not None
            self._client.send(AuthenticationSASLContinue(challenge(self._rule.issuer, self._rule.scope)))
            check_failure_confirmed(await self._response())
            raise

    async def _accepted(self, text: str, kind: str) -> Identity:
        try:
            accepted: Accepted = await self._services.issuers.accept(text, self._rule)
        except TokenRefused as refused:
            raise self._failed(kind, f"the token is refused: {refused}") from None
        user, rule = self._attempt.user, self._rule
        if may_act_as(user, (accepted.user,), rule.map, self._services.maps) is None:
            raise self._failed(kind, f"the token is of {accepted.user[:200]}")
        expires = accepted.expires + rule.clock_skew + rule.expiry_grace
        return Identity(user, rule.method, accepted.user, accepted.roles, accepted.claims, expires=expires)

    # API keys -------------------------------------------------------------------------------------------------------

    async def _api_key(self) -> Identity:
        self._require_privacy("an API key")
        text = await self._password()
        identifier = api_keys.key_id(text)
        if identifier is None:
            raise self._failed("API key", "not an API key")
        key = await self._services.directory.get_api_key(identifier)
        if key is None or not api_keys.is_key(text, key.digest):
            raise self._failed("API key", "no such key")
        if key.role != self._attempt.user:
            raise self._failed("API key", f"key {identifier} is of role {key.role}")
        if key.revoked is not None:
            raise self._failed("API key", f"key {identifier} was revoked")
        expires = None if key.expires is None else key.expires.timestamp()
        if expires is not None and expires <= time.time():
            raise self._failed("API key", f"key {identifier} has expired")
        await self._services.directory.note_use(identifier)
        return Identity(key.role, "api-key", identifier, scopes=key.scopes, expires=expires, key=identifier)

    async def _password(self) -> str:
        self._client.send(AuthenticationCleartextPassword())
        message = await self._client.next_message()
        if not isinstance(message, frontend.PasswordMessage):
            raise SqlError(SqlState.PROTOCOL_VIOLATION, "expected password response")
        return message.password

    # Refusals -------------------------------------------------------------------------------------------------------

    def _require_privacy(self, what: str) -> None:
        if not (self._client.encrypted or self._attempt.is_loopback):
            self._refuse_way(f"{what} is taken over TLS alone")

    def _refuse_way(self, message: str) -> NoReturn:
        raise _NoGuess(SqlState.INVALID_AUTHORIZATION_SPECIFICATION, message, message)

    def _failed(self, kind: str, reason: str) -> SqlError:
        return _Refused(SqlState.INVALID_AUTHORIZATION_SPECIFICATION, self._message(kind), reason)

    def _message(self, kind: str) -> str:
        return f'{kind} authentication failed for user "{self._attempt.user}"'
