"""Whole statements of a session executed again: of a statement that a source's server has answered before only what may
have changed since is looked at, and then the server is asked at once.

What was found out the last time (plan, rights, description, what is sent) counts while names mean the same, under the
same settings, outside of transactions, and where nothing else is under way in the session. Where any of this is
otherwise the statement goes the way of all others. The audit has its two entries, as of every statement. It may be
waited for: what has changed by then sends the statement the way of all others, too, with its intent written.
"""

from __future__ import annotations

from enum import Enum, auto
from time import monotonic
from typing import cast

import structlog

from catalog.errors import SqlError
from gateway.audit.witness import Witness
from gateway.history.log import Run
from gateway.lake import Lake
from gateway.lanes.again import Again, LightAgain
from gateway.lanes.bound import Portal
from gateway.lanes.engine_lane import EngineLane
from gateway.lanes.prepared import NamedStatement, NamedStatements, is_outdated
from gateway.logs import milliseconds_since, note_statement
from gateway.pipeline import Plan
from gateway.relay.source_lease import Lease
from gateway.sessions.cursors import Cursors
from gateway.sessions.role import SessionRole
from gateway.sessions.temporary import TemporaryRelations
from gateway.wire import backend, frontend
from gateway.wire.sent_at_once import InTurn, Piped

_log = structlog.get_logger(__name__)


class Turn(Enum):
    """What became of a statement that has come at once."""

    DONE = auto()  # but for ReadyForQuery
    BEGUN = auto()  # the audit has its intent, and nothing was sent: it goes the way of all others
    NOT_KNOWN = auto()


class ExecutedAgain:
    """Those of one session."""

    def __init__(
        self,
        lake: Lake,
        engine: EngineLane,
        client: Witness,
        role: SessionRole,
        cursors: Cursors,
        temporary: TemporaryRelations,
    ) -> None:
        self.lake = lake
        self.engine = engine
        self.client = client
        self.role = role
        self._cursors = cursors
        self._temporary = temporary

    async def in_turn(self, message: InTurn | Piped, statements: NamedStatements) -> Turn:
        """Bind, describe and execute a prepared statement that has come at once. Raises SqlError as it does."""
        bind = message.messages[0]
        named = statements.get(bind.statement) if type(bind) is frontend.Bind else None
        known = self._known(named, cast(frontend.Bind, bind)) if named is not None else None
        if named is None or known is None:
            return Turn.NOT_KNOWN
        again, lease = known
        try:
            await self.client.executes(named.prepared.statement.text)  # which waits for the audit
            if not again.asked.rights.are_current:
                return Turn.BEGUN
            self.client.write(again.told_bound)
            await self._run(again, lease, cast(frontend.Bind, bind).parameters)
        finally:
            lease.end()
        return Turn.DONE

    async def note_turn(self, message: InTurn | Piped, statements: NamedStatements, portal: Portal | None) -> None:
        """Remember such a statement, of which nothing was known."""
        bind = message.messages[0]
        named = statements.get(bind.statement) if type(bind) is frontend.Bind else None
        if named is not None and portal is not None:
            await self.note(named, cast(frontend.Bind, bind), portal)

    async def query(self, named: NamedStatement, message: frontend.Bind) -> bool:
        """Describe and execute a statement that came by itself and was noted; return whether that was done, up to
        CommandComplete. Raises SqlError as the statement does.
        """
        known = self._known(named, message)
        if known is None:
            return False
        again, lease = known
        try:
            self.client.write(again.told)
            await self._run(again, lease, message.parameters)
        finally:
            lease.end()
        return True

    async def note(self, named: NamedStatement, message: frontend.Bind, portal: Portal) -> None:
        """Remember a statement that was executed for a message, if a source's server has answered it."""
        last, settings = named.last, self.engine.settings
        if last is None or settings is None or portal.lane != "source" or not settings.is_untimed:
            return
        again = await self.engine.whole.again(portal, settings, message)
        last.again = again if again is not None and self.is_planned(named, again.plan) else None

    def _known(self, named: NamedStatement, message: frontend.Bind) -> tuple[Again, Lease] | None:
        """Return what is known of a statement, and a connection where it is prepared, if all is as it was and nothing
        else is under way.
        """
        again = self.current(named) if self.is_at_rest else None
        if again is None or not again.takes(message):
            return None
        connection = self.lake.relay.get_prepared(again.asked, again.place)
        return (again, Lease(again.place, connection, in_full=again.asked.in_full)) if connection is not None else None

    def current(self, named: NamedStatement) -> Again | None:
        """Return what is known of a statement, if all is as it was, of a session that `is_at_rest`."""
        again = named.last.again if named.last is not None else None
        return again if again is not None and self.is_current(named, again) else None

    def is_current(self, named: NamedStatement, again: Again) -> bool:
        """Whether what was known of a statement still is, and all is as it was, of a session that `is_at_rest`."""
        last = named.last
        if last is None or last.again is not again or again.logins is not self.lake.remote_logins.version:
            return False
        return self._is_as_it_was(named, again)

    def current_light(self, named: NamedStatement) -> LightAgain | None:
        """As `current`, for a light statement of the engine's."""
        light = named.last.light if named.last is not None else None
        return light if light is not None and self._is_as_it_was(named, light) else None

    def _is_as_it_was(self, named: NamedStatement, known: Again | LightAgain) -> bool:
        last = named.last
        if last is None or known.settings is not self.engine.settings or last.prepared is not named.prepared:
            return False
        try:
            return self.role.still_means(last.names) and not is_outdated(named.prepared.plan, self.lake)
        except SqlError:
            return False  # it is told as of every statement

    def is_planned(self, named: NamedStatement, plan: Plan) -> bool:
        """Whether a plan was made for who asks now, under the names that the statement has, which say so from then on:
        they are this session's, and others when he or what he may read is.
        """
        try:
            is_same = named.last is not None and named.last.names is self.role.names()
        except SqlError:
            return False
        return is_same and self.role.is_planned_for(plan)

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is open in the session, asked of the mirror or to be followed."""
        return self._cursors.are_at_rest and self._temporary.has_none

    def is_still_current(self, again: Again) -> bool:
        """Whether that is so yet, a moment after `current`: only what others may have changed meanwhile is asked."""
        if again.logins is not self.lake.remote_logins.version or again.settings is not self.engine.settings:
            return False
        try:
            return self.role.is_unchanged()
        except SqlError:
            return False

    def is_still_light(self, known: Again | LightAgain) -> bool:
        """As `is_still_current`, for a statement that is sent to no server."""
        if known.settings is not self.engine.settings:
            return False
        try:
            return self.role.is_unchanged()
        except SqlError:
            return False

    async def _run(self, again: Again, lease: Lease, values: tuple[bytes | None, ...]) -> None:
        engine, client = self.engine, self.client
        client.reading_again("source", again.read, again.fragmented)
        if engine.ended_by is not None:
            raise engine.ended_by
        started = monotonic()
        engine.busy = True
        try:
            rows = await self.lake.relay.execute(lease, again.execution(values), client)
        finally:
            engine.busy = False
        client.send(backend.CommandComplete(f"SELECT {rows}"))
        took = milliseconds_since(started)
        self.lake.history.note(Run(again.plan, again.plan.text, took, rows, by_server=True))
        note_statement(_log, "source", rows, took)
