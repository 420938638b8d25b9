"""Statements carried out in the callbacks of connections, without a turn of the session's task: what is the same for
those that a source's server answers (`gateway.sessions.straight`) and for those of the engine
(`gateway.sessions.straight_engine`).

The intent is written first, then `InCallbacks._go_on` carries the statement out. As soon as anything is otherwise than
it mostly is, the session's task goes on where this stands (`HandedOver`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import structlog

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.audit.audit import Ticket
from gateway.audit.entries import Outcome
from gateway.lanes.prepared import NamedStatements
from gateway.relay.mirror_connection import MirrorConnection
from gateway.sessions.executed_again import ExecutedAgain
from gateway.sessions.running_work import RunningWork
from gateway.told_errors import internal_error
from gateway.wire.messages import FrontendMessage

_log = structlog.get_logger(__name__)
_LEFT = str(SqlState.CONNECTION_FAILURE)


class StraightClient(Protocol):
    """The client's connection."""

    def answered(self, data: bytes) -> bool:
        """Send the whole answer of the statement at hand, up to ReadyForQuery; return whether it may still be sent."""

    def hand_over(self, *, simple: bool) -> None:
        """Have the session's task carry out `HandedOver` next, of a query by itself or not."""


@dataclass(frozen=True, slots=True)
class HandedOver(FrontendMessage):
    """What is left of a statement, in the place of the client's message."""

    @classmethod
    def decode(cls, body: bytes) -> HandedOver:
        """No client sends it."""
        raise ValueError("this is no message of a client")

    def encode(self) -> bytes:
        raise ValueError("this is no message of a client")


@dataclass(slots=True)
class Begun:
    """A statement under way. ``data`` is the client's message, ``ids`` are those of the connection and statement,
    ``ticket`` is there when its intent was written.
    """

    client: StraightClient
    data: bytes
    ids: tuple[str, str]
    simple: bool  # a query by itself
    ticket: Ticket | None = field(default=None, kw_only=True)
    started: float = field(default=0.0, kw_only=True)  # when it was gone on with; 0 before
    handed_over: bool = field(default=False, kw_only=True)
    reason: SqlError | None = field(default=None, kw_only=True)  # why it is not to go on


_Begun = TypeVar("_Begun", bound=Begun)


class InCallbacks(ABC, Generic[_Begun]):
    """Those of one session: one statement at a time."""

    def __init__(
        self,
        again: ExecutedAgain,
        statements: NamedStatements,
        work: RunningWork,
        mirror: MirrorConnection,
    ) -> None:
        self._again = again
        self._lake, self._engine = again.lake, again.engine
        self._client, self._role = again.client, again.role
        self._statements = statements
        self._work = work
        self._mirror = mirror
        self._begun: _Begun | None = None
        self._end = self._end_for  # made once

    @property
    def is_under_way(self) -> bool:
        """Whether a statement is."""
        return self._begun is not None

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is under way in the session, nor left of what was. It stays so until its task has something
        to do, or it is parked.
        """
        return not (self._work.is_running or self._role.has_set_role) and self._again.is_at_rest

    @abstractmethod
    def _go_on(self, begun: _Begun) -> None:
        """Carry out a statement whose intent was written."""

    def _begin(self, begun: _Begun, texts: tuple[str, str]) -> bool:
        """Begin a statement of these ``texts`` (`Witness.executes_soon`); return whether it was begun."""
        asks = (self._role.asking, self._mirror.parameters.get("application_name", ""))
        if not self._client.executes_soon(texts, begun.ids, asks, self):
            return False
        self._begun = begun
        self._engine.busy = True
        self._work.outside, self._work.ended_by = self._end, None
        return True

    # What the audit says --------------------------------------------------------------------------------------------

    def begun(self, ticket: Ticket) -> None:
        """The intent was written."""
        begun = self._begun
        if begun is None:  # the session has ended in the same turn
            ticket.end(Outcome(_LEFT))
            return
        begun.ticket = ticket
        if begun.handed_over:
            self._note_begun(begun)
            return
        try:
            self._go_on(begun)
        except Exception:
            self._broken(begun)

    def refused(self, error: SqlError) -> None:
        """The intent could not be written."""
        if self._begun is not None and not self._begun.handed_over:
            self._end_for(error)

    # How it ends ----------------------------------------------------------------------------------------------------

    def _broken(self, begun: _Begun) -> None:
        """Note the exception at hand and tell the client, as in `Session.handle`, which would not see it."""
        _log.exception("internal error", connection=begun.ids[0], statement=begun.ids[1])
        self._end_for(internal_error())

    def _end_for(self, reason: SqlError) -> None:
        begun = self._begun
        if begun is not None and begun.reason is None:
            begun.reason = reason
            self._hand_over(begun)

    def _hand_over(self, begun: _Begun) -> None:
        if not begun.handed_over:
            begun.handed_over = True
            self._note_begun(begun)
            begun.client.hand_over(simple=begun.simple)

    def _note_begun(self, begun: _Begun) -> None:
        """Have the audit follow a statement as it does all others, if its intent was written."""
        if begun.ticket is not None:
            self._client.begun(begun.ticket, simple=begun.simple)

    def _over(self) -> None:
        self._begun = None
        self._engine.busy = False
        self._work.outside = None

    def close(self) -> None:
        """End what is under way: the session ends, and so does what the audit has of it."""
        begun = self._begun
        if begun is not None:
            if not begun.handed_over:
                self._note_begun(begun)
            self._over()
