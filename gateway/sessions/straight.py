"""A whole statement executed again, carried out in the callbacks of the two connections: from the bytes of the client
to those of the source's server, and back, without a turn of the session's task.

What counts is what `gateway.sessions.executed_again` asks for, by the same code, and the audit has the same entries:
the intent is written with those of other sessions in the same turn of the event loop, then rights are looked at again,
and only then the server is asked. As soon as anything is otherwise than it mostly is, the session's task goes on where
this stands (`HandedOver`): an answer that is long or an error, rights that have changed, a cancel.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import Protocol

import structlog

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.audit.audit import Ticket
from gateway.audit.entries import Outcome
from gateway.history.log import Run
from gateway.lanes.again import Again
from gateway.lanes.prepared import NamedStatements
from gateway.logs import note_statement
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.source_lease import Lease
from gateway.sessions.executed_again import ExecutedAgain
from gateway.sessions.parking import Parking
from gateway.sessions.running_work import RunningWork
from gateway.sessions.shaped_statements import ShapedStatements
from gateway.told_errors import internal_error
from gateway.wire import backend, frontend
from gateway.wire.bound_values import name_at_once, raw_values
from gateway.wire.messages import FrontendMessage
from gateway.wire.sent_at_once import InTurn
from gateway.wire.whole_answer import count_of_whole, without_bound

_log = structlog.get_logger(__name__)
_LEFT = str(SqlState.CONNECTION_FAILURE)
_QUERY = ord("Q")
_HEADER = 5  # bytes: a message's type and its length


class StraightClient(Protocol):
    """The client's connection."""

    def answered(self, data: bytes) -> bool:
        """Send the whole answer of the statement at hand, up to ReadyForQuery; return whether it may still be sent."""

    def hand_over(self) -> None:
        """Have the session's task carry out `HandedOver` next."""


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
    """A statement under way. ``data`` is the client's message; ``raw`` are its values."""

    again: Again
    lease: Lease
    client: StraightClient
    data: bytes
    raw: bytes
    ids: tuple[str, str]  # of the connection and the statement
    simple: bool
    sent: float = 0.0  # when the server was asked; 0 before
    handed_over: bool = False
    reason: SqlError | None = None  # why it is not to go on

    @property
    def head(self) -> bytes:
        """What the client is told before the rows."""
        return self.again.told if self.simple else self.again.told_bound

    def bind(self, name: str) -> bytes:
        """Return the message that binds its values to the statement of this name."""
        return self.again.values.message(name, self.raw)

    def messages(self) -> frontend.Query | InTurn:
        """Return what the client has sent."""
        if self.simple:
            return frontend.Query(self.data[_HEADER:-1].decode())
        return InTurn.decode(self.data)


class Straight:
    """That of one session: one statement at a time."""

    def __init__(
        self,
        again: ExecutedAgain,
        statements: NamedStatements,
        shaped: ShapedStatements,
        work: RunningWork,
        parking: Parking,
        mirror: MirrorConnection,
    ) -> None:
        self._again = again
        self._lake, self._engine = again.lake, again.engine
        self._client, self._role = again.client, again.role
        self._statements = statements
        self._shaped = shaped
        self._work = work
        self._parking = parking
        self._mirror = mirror
        self._begun: Begun | None = None

    def begin(self, data: bytes, ids: tuple[str, str], client: StraightClient) -> bool:
        """Begin the statement that all of these bytes are, in UTF-8, if it is known; return whether it was begun."""
        if self._work.is_running or self._parking.is_under_way or self._role.has_set_role or self._role.has_expired:
            return False
        if data[0] != _QUERY:
            return self._begin_bound(data, ids, client)
        if not self._begin_query(data, ids, client):
            return False
        self._statements.close("")
        return True

    def _begin_query(self, data: bytes, ids: tuple[str, str], client: StraightClient) -> bool:
        if int.from_bytes(data[1:_HEADER], "big") != len(data) - 1 or data.find(0, _HEADER) != len(data) - 1:
            return False
        try:
            found = self._shaped.known(data[_HEADER:-1])
        except UnicodeDecodeError:
            return False
        again = self._again.current(found.named) if found is not None else None
        if found is None or again is None or not again.takes_texts(found.values):
            return False
        texts = data[_HEADER:-1].decode(), found.like
        return self._begin(texts, again, (data, raw_values(found.values), ids, client))

    def _begin_bound(self, data: bytes, ids: tuple[str, str], client: StraightClient) -> bool:
        found = name_at_once(data)
        named = self._statements.get(found[0]) if found is not None else None
        again = self._again.current(named) if named is not None else None
        if found is None or named is None or again is None:
            return False
        raw = again.values.cut(data, found[1])
        if raw is None or not again.takes_raw(raw):
            return False
        text = named.prepared.statement.text
        return self._begin((text, text), again, (data, raw, ids, client))

    def _begin(
        self,
        texts: tuple[str, str],
        again: Again,
        of_client: tuple[bytes, bytes, tuple[str, str], StraightClient],
    ) -> bool:
        data, raw, ids, client = of_client
        lease = self._lake.relay.get_prepared(again.asked, again.place)
        if lease is None:
            return False
        asks = (self._role.asking, self._mirror.parameters.get("application_name", ""))
        if not self._client.executes_soon(texts, ids, asks, self):
            lease.end()
            return False
        self._begun = Begun(again, lease, client, data, raw, ids, data[0] == _QUERY)
        self._engine.busy = True
        self._work.begin(self._end_for)
        return True

    # What the audit says --------------------------------------------------------------------------------------------

    def begun(self, ticket: Ticket) -> None:
        """The intent was written: ask the server, if the statement may still be executed as it is known."""
        begun = self._begun
        if begun is None:  # the session has ended in the same turn
            ticket.end(Outcome(_LEFT))
            return
        self._client.begun(ticket, simple=begun.simple)
        if begun.handed_over:
            return
        try:
            if self._again.is_still_current(begun.again) and begun.lease.connection.is_usable:
                self._send(begun)
            else:
                self._hand_over(begun)
        except Exception:  # as in `Session.handle`, which would not see it
            _log.exception("internal error", connection=begun.ids[0], statement=begun.ids[1])
            self._end_for(internal_error())

    def refused(self, error: SqlError) -> None:
        """The intent could not be written."""
        if self._begun is not None and not self._begun.handed_over:
            self._end_for(error)

    def _send(self, begun: Begun) -> None:
        self._client.reading_again("source", begun.again.read, begun.again.fragmented)
        begun.sent = monotonic()
        begun.lease.connection.begin(begun.again.asked.execution, begun.bind, self._answered, self._lost)

    # What the server says -------------------------------------------------------------------------------------------

    def _answered(self, data: bytes) -> bool:
        """Pass on an answer, if this is all of it and no error; return whether it was."""
        begun = self._begun
        if begun is None or begun.handed_over:
            return False
        rows = count_of_whole(data)
        if rows is None or self._mirror.has_news or not begun.client.answered(begun.head + without_bound(data)):
            self._hand_over(begun)
            return False
        begun.lease.connection.take()
        self._client.completed(rows)
        self._note(begun, rows)
        self._over(begun)
        return True

    def _lost(self) -> None:
        """The server's connection has ended: `finish` finds out the same."""
        if self._begun is not None:
            self._hand_over(self._begun)

    # What the session says ------------------------------------------------------------------------------------------

    def _end_for(self, reason: SqlError) -> None:
        begun = self._begun
        if begun is not None and begun.reason is None:
            begun.reason = reason
            self._hand_over(begun)

    def _hand_over(self, begun: Begun) -> None:
        if not begun.handed_over:
            begun.handed_over = True
            begun.client.hand_over()

    async def finish(self) -> frontend.Query | InTurn | None:
        """Carry out what is left of the statement that was handed over, up to CommandComplete. Return its messages
        where the server was asked nothing: they are to go the way of all others, with their intent written. Raises
        SqlError.
        """
        begun = self._begun
        assert begun is not None
        self._mirror.extended = not begun.simple
        try:
            if begun.reason is not None:
                raise begun.reason
            if not begun.sent:
                return begun.messages()
            self._client.write(begun.head)
            rows = await self._lake.relay.finish(begun.lease, self._client)
            self._client.send(backend.CommandComplete(f"SELECT {rows}"))
            self._note(begun, rows)
        finally:
            self._over(begun)
        return None

    def _note(self, begun: Begun, rows: int) -> None:
        took, plan = (monotonic() - begun.sent) * 1000, begun.again.plan
        self._lake.history.note(Run(plan, plan.text, took, rows, by_server=True))
        note_statement(_log, "source", rows, took, begun.ids)

    def _over(self, begun: Begun) -> None:
        self._begun = None
        self._engine.busy = False
        self._work.done()
        begun.lease.end()

    def close(self) -> None:
        """End what is under way: the session ends."""
        if self._begun is not None:
            self._over(self._begun)
