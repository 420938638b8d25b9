"""A whole statement executed again, carried out in the callbacks of the two connections: from the bytes of the client
to those of the source's server, and back, without a turn of the session's task.

What counts is what `gateway.sessions.executed_again` asks for, by the same code, and the audit has the same entries:
the intent is written with those of other sessions in the same turn of the event loop, then rights are looked at again,
and only then a connection is taken and the server is asked. What the session's task goes on with is an answer that is
long or an error, rights that have changed, a cancel, a server without an idle connection that knows the statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

import structlog

from gateway.history.log import Run
from gateway.lanes.again import Again
from gateway.lanes.prepared import NamedStatement, NamedStatements
from gateway.logs import note_statement
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.source_connection import SourceConnection
from gateway.relay.source_lease import Lease
from gateway.sessions.executed_again import ExecutedAgain
from gateway.sessions.in_callbacks import Begun, InCallbacks, StraightClient
from gateway.sessions.running_work import RunningWork
from gateway.sessions.shaped_statements import ShapedStatements
from gateway.wire import backend, frontend
from gateway.wire.bound_values import NAME_AT, name_end, raw_values
from gateway.wire.sent_at_once import InTurn
from gateway.wire.whole_answer import ROWS_AT, count_of_whole

_log = structlog.get_logger(__name__)
_QUERY = ord("Q")
_HEADER = 5  # bytes: a message's type and its length


@dataclass(slots=True)
class _Begun(Begun):
    """``raw`` are the statement's values, ``head`` is what the client is told before the rows. ``connection`` is the
    one that was asked.
    """

    again: Again
    raw: bytes
    head: bytes
    connection: SourceConnection | None = None

    def messages(self) -> frontend.Query | InTurn:
        """Return what the client has sent."""
        if self.simple:
            return frontend.Query(self.data[_HEADER:-1].decode())
        return InTurn.decode(self.data)


class Straight(InCallbacks[_Begun]):
    """That of one session: one statement at a time. ``shaped`` are its statements that come by themselves."""

    def __init__(
        self,
        again: ExecutedAgain,
        statements: NamedStatements,
        shaped: ShapedStatements,
        work: RunningWork,
        mirror: MirrorConnection,
    ) -> None:
        super().__init__(again, statements, work, mirror)
        self._shaped = shaped
        self._named: dict[bytes, tuple[NamedStatement, Again]] = {}  # of the prepared ones that were executed last

    def forget(self) -> None:
        """Look statements up anew: the session's task has something to do, which may give their names to others."""
        if self._named:
            self._named.clear()

    def begin(self, data: bytes, ids: tuple[str, str], client: StraightClient) -> bool:
        """Begin the statement that all of these bytes are, in UTF-8, if it is known; return whether it was begun. Only
        in a session at rest, which `forget` is called for when it is not any more.
        """
        if data[0] != _QUERY:
            return self._begin_bound(data, ids, client)
        if not self._begin_query(data, ids, client):
            return False
        self._statements.end_unnamed()
        self._named.pop(b"", None)
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
        if not again.place.pool.idle:
            return False
        texts = data[_HEADER:-1].decode(), found.like
        return self._begin(_Begun(client, data, ids, True, again, raw_values(found.values), again.told), texts)

    def _begin_bound(self, data: bytes, ids: tuple[str, str], client: StraightClient) -> bool:
        ends = name_end(data)
        if ends is None:
            return False
        name = data[NAME_AT:ends]
        found = self._named.get(name)
        if found is None or not self._again.is_current(*found):
            found = self._find(name)
            if found is None:
                return False
        named, again = found
        raw = again.values.cut(data, ends)
        if raw is None or not again.takes_raw(raw) or not again.place.pool.idle:
            return False
        text = named.prepared.statement.text
        return self._begin(_Begun(client, data, ids, False, again, raw, again.told_bound), (text, text))

    def _find(self, name: bytes) -> tuple[NamedStatement, Again] | None:
        """Return a prepared statement and what is known of it, to be found at once the next time."""
        named = self._statements.get(name.decode("ascii")) if name.isascii() else None
        again = self._again.current(named) if named is not None else None
        if named is None or again is None:
            return None
        self._named[name] = found = named, again
        return found

    def _go_on(self, begun: _Begun) -> None:
        """Ask the server, if the statement may still be executed as it is known."""
        again = begun.again
        connection = (
            self._lake.relay.get_prepared(again.asked, again.place) if self._again.is_still_current(again) else None
        )
        if connection is None:
            self._hand_over(begun)
            return
        begun.connection, begun.started = connection, monotonic()
        connection.begin(again.asked.execution, again.values, begun.raw, self._answered, self._lost)

    # What the server says -------------------------------------------------------------------------------------------

    def _answered(self, data: bytes) -> bool:
        """Pass on an answer, if this is all of it and no error; return whether it was."""
        begun = self._begun
        if begun is None or begun.handed_over:
            return False
        rows = count_of_whole(data)
        ticket, connection, again = begun.ticket, begun.connection, begun.again
        answer = begun.head + data[ROWS_AT:]
        if rows is None or ticket is None or connection is None:
            self._hand_over(begun)
            return False
        if self._mirror.has_news or not begun.client.answered(answer):
            self._hand_over(begun)
            return False
        connection.take()
        again.place.pool.keep(connection)
        self._client.completed(ticket, ("source", again.read, again.fragmented), rows, len(answer))
        self._note(begun, rows)
        super()._over()
        return True

    def _lost(self) -> None:
        """The server's connection has ended: `finish` finds out the same."""
        if self._begun is not None:
            self._hand_over(self._begun)

    # What the session says ------------------------------------------------------------------------------------------

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
            if begun.connection is None:
                return begun.messages()
            self._client.write(begun.head)
            rows = await self._lake.relay.finish(self._lease(begun, begun.connection), self._client)
            self._client.send(backend.CommandComplete(f"SELECT {rows}"))
            self._note(begun, rows)
        finally:
            self._over()
        return None

    def _note(self, begun: _Begun, rows: int) -> None:
        took, plan = (monotonic() - begun.started) * 1000, begun.again.plan
        self._lake.history.note(Run(plan, plan.text, took, rows, by_server=True))
        note_statement(_log, "source", rows, took, begun.ids)

    def _note_begun(self, begun: _Begun) -> None:
        super()._note_begun(begun)
        if begun.connection is not None:
            self._client.reading_again("source", begun.again.read, begun.again.fragmented)

    def _over(self) -> None:
        begun = self._begun
        super()._over()
        if begun is not None and begun.connection is not None:
            self._lease(begun, begun.connection).end()

    def _lease(self, begun: _Begun, connection: SourceConnection) -> Lease:
        return Lease(begun.again.place, connection, in_full=begun.again.asked.in_full)
