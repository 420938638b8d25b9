"""Logins and requests to cancel, as the audit has them: whoever they come from, whether or not they are let in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic

import structlog

from catalog.errors import SqlError
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from gateway.audit.audit import Audit, Entry
from gateway.audit.entries import Kind, Who, as_members
from gateway.logs import milliseconds_since


class LoginAttempt:
    """One client's login, from its startup message on."""

    def __init__(self, audit: Audit, startup: Mapping[str, str], peer: str) -> None:
        self._audit = audit
        self._startup = startup
        self._peer = peer
        self._started = monotonic()

    async def succeeded(self, principal: Principal, method: str) -> None:
        """Write that the client was let in, before he is told. Raises SqlError where that cannot be done."""
        entry = self._entry(principal, str(SqlState.SUCCESSFUL_COMPLETION), method)
        await self._audit.record(entry)

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Write it when the block raises: the client was not let in."""
        try:
            yield
        except BaseException as error:
            state = SqlState.CONNECTION_FAILURE
            if isinstance(error, SqlError):
                state = error.sqlstate
            elif isinstance(error, asyncio.CancelledError):
                state = SqlState.QUERY_CANCELED  # he took too long, or left
            nobody = Principal(self._startup.get("user", ""), frozenset())
            self._audit.note(self._entry(nobody, str(state), None))
            raise

    def _entry(self, principal: Principal, sqlstate: str, method: str | None) -> Entry:
        application = self._startup.get("application_name", "")
        database = self._startup.get("database") or principal.name
        who = Who.of(principal, self._peer, application, database)
        members = {
            "connection": structlog.contextvars.get_contextvars().get("connection"),
            "sqlstate": sqlstate,
            "duration_ms": milliseconds_since(self._started),
            "detail": {"method": method},
        }
        return Entry("login", f"{as_members(members)},{who.json()}", Kind.LOGIN)


def cancel_entry(peer: str, process_id: int | None) -> Entry:
    """Return the entry of a request to cancel what a session runs; None: its key was that of no session."""
    state = SqlState.SUCCESSFUL_COMPLETION if process_id is not None else SqlState.INVALID_AUTHORIZATION_SPECIFICATION
    return _cancel_entry(peer, state, {"process": process_id})


def passed_on_entry(peer: str, process_id: int) -> Entry:
    """Return the entry of a request to cancel what a session runs that another gateway may have, and judges."""
    return _cancel_entry(peer, SqlState.SUCCESSFUL_COMPLETION, {"process": None, "passed_on": process_id})


def _cancel_entry(peer: str, state: SqlState, detail: Mapping[str, int | None]) -> Entry:
    members = {
        "connection": structlog.contextvars.get_contextvars().get("connection"),
        "address": peer,
        "sqlstate": str(state),
        "detail": detail,
    }
    return Entry("cancel", as_members(members), Kind.LOGIN)
