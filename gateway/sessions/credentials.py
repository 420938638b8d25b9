"""Whether a session may go on: what its client logged in with may have expired or been revoked since."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from catalog.errors import SqlError
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from gateway.authentication.identity import Identity
from gateway.wire import frontend
from gateway.wire.sent_at_once import InTurn, Piped, SentAtOnce

GetPrincipal = Callable[[Identity], Principal | None]

_BEGIN_WORK: Final = frozenset(
    (
        *(frontend.Query, frontend.Parse, frontend.Bind, frontend.Describe, frontend.Execute, frontend.FunctionCall),
        *(SentAtOnce, InTurn, Piped),
    )
)


class SessionEnded(SqlError):
    """The session is over: who it was for is not let in with this credential any more."""

    def __init__(self, message: str) -> None:
        super().__init__(SqlState.INVALID_AUTHORIZATION_SPECIFICATION, message, hint="Log in again.")


def check_credential(identity: Identity, get_principal: GetPrincipal, message: frontend.FrontendMessage) -> None:
    """Raise SessionEnded where a message begins work, and the credential is not good any more."""
    if type(message) not in _BEGIN_WORK:
        return
    if identity.expires is not None and time.time() >= identity.expires:
        raise SessionEnded(f"terminating connection because the credential of method {identity.method} has expired")
    if identity.key is not None and get_principal(identity) is None:
        raise SessionEnded("terminating connection because its API key was revoked")


def require_principal(identity: Identity, get_principal: GetPrincipal) -> Principal:
    """Return who asks, with the memberships of this moment. Raises SqlError 28000: the role is gone."""
    principal = get_principal(identity)
    if principal is None:
        raise gone(identity)
    return principal


def gone(identity: Identity) -> SqlError:
    """Return what is told to who was let in as a role that is gone."""
    return SqlError(SqlState.INVALID_AUTHORIZATION_SPECIFICATION, f'role "{identity.role}" does not exist any more')
