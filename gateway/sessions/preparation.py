"""A session's texts made ready: cut into statements, each prepared for who asks, as far as that is certain."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.lanes.access_lane import AccessLane
from gateway.lanes.engine_lane import EngineLane
from gateway.lanes.prepared import (
    LONG_TEXT,
    Lane,
    LastTime,
    NamedStatement,
    PreparedStatement,
    ShapesWanted,
    get_planless,
    is_outdated,
)
from gateway.pipeline import Asker, TypesWanted
from gateway.relay.mirror_connection import MirrorConnection
from gateway.sessions.late_lanes import LATE, LateLanes
from gateway.sessions.owed_answers import OwedAnswers
from gateway.sessions.relayed_texts import RelayedTexts
from gateway.sessions.reserved_names import refuse_reserved, require_clients
from gateway.sessions.role import SessionRole
from gateway.sessions.services import SessionServices
from gateway.sessions.temporary import TemporaryRelations
from gateway.sql.access import tells_password
from gateway.sql.copy_statements import UnreadCopy
from gateway.sql.cursor_statements import deallocation, declaration, preparation
from gateway.sql.hidden_columns import HiddenColumns
from gateway.sql.resolve import Names
from gateway.sql.session_state import changes_session
from gateway.sql.statements import Kind, Statement, known_cut, require_one_reading, split
from gateway.told_errors import moved

_HOLD_QUERIES = frozenset({Kind.DECLARE, Kind.PREPARE})
_STANDING_IN = frozenset({Lane.DECLARE, Lane.PREPARE})  # another text in the mirror than the client's


@dataclass(frozen=True, slots=True)
class SessionNames:
    """What names mean that are one session's own: of temporary relations, prepared statements and cursors."""

    temporary: TemporaryRelations
    late: LateLanes


class Preparation:
    """Prepares the statements of one session. ``busy``: a plan is being made, which `cancel` may break off."""

    def __init__(
        self,
        services: SessionServices,
        role: SessionRole,
        engine: EngineLane,
        access: AccessLane,
        mirror: MirrorConnection,
        owed: OwedAnswers,
        own: SessionNames,
    ) -> None:
        self._temporary, self._late = own.temporary, own.late
        self._services = services
        self._role = role
        self._engine = engine
        self._access = access
        self._mirror = mirror
        self._owed = owed
        self.relayed = RelayedTexts(services, role, own.temporary)
        self.busy = False

    async def prepare_text(self, text: str) -> tuple[tuple[Statement, ...], list[PreparedStatement | None]]:
        """Cut a text into statements, and prepare them as `prepare_all`."""
        known = self.relayed.get(text)
        if known is not None:
            return (known.statement,), [known]
        statements = await self.cut(text)
        return statements, await self.prepare_all(statements)

    async def cut(self, text: str) -> tuple[Statement, ...]:
        """Cut a text into statements as the mirror's parser does."""
        require_one_reading(text, self._mirror.parameters)
        known = known_cut(text, self._role.login)
        if known is not None:
            statements = known
        elif len(text) <= LONG_TEXT:
            statements = split(text, self._role.login)
        else:
            loop, threads = asyncio.get_running_loop(), self._services.lake.threads
            statements = await loop.run_in_executor(threads, split, text, self._role.login)
        if statements[0].kind is Kind.UNREADABLE:
            if tells_password(text):
                raise SqlError(SqlState.SYNTAX_ERROR, "a string, a quoted identifier or a comment is not terminated")
            await self._owed.drain()
            await self._engine.refuse(statements[0])
        return self._temporary.reread(statements)

    async def prepare_all(self, statements: tuple[Statement, ...]) -> list[PreparedStatement | None]:
        """Prepare the statements of a text; None for those that wait until the ones before have been executed."""
        if any(self._access.ends_here(one) for one in statements):
            return [None] * len(statements)
        prepared: list[PreparedStatement | None] = []
        certain = True  # that nothing before changes who asks
        for statement in statements:
            if prepared:
                await asyncio.sleep(0)  # thousands of statements must not keep other sessions waiting
            try:
                made = await self.prepare(statement)
            except SqlError:
                if certain:
                    raise
                return [None] * len(statements)
            prepared.append(made if certain or made.lane is Lane.RELAY else None)
            certain = certain and not changes_session(statement) and statement.kind is not Kind.TEMPORARY
        return prepared

    async def prepare(self, statement: Statement) -> PreparedStatement:
        """Prepare a statement for who asks now. Raises SqlError with its place in the client's text."""
        if statement.about_gateway:
            await self._services.tell_gateway(statement.text)
        if statement.kind in _HOLD_QUERIES:
            return await self._with_query(statement)
        settled = None if statement.kind is Kind.QUERY else await self._settled(statement)
        if settled is not None:
            return settled
        await self._temporary.know(self._owed.drain)
        await self._temporary.room.require(statement)
        self._role.temporary = self._temporary.names
        prepared = await self._prepare_as_known(statement)
        if prepared is not None and prepared.lane is Lane.RELAY:
            self.relayed.note(prepared)
            return prepared
        if await self._role.know(self._owed.drain) or prepared is None:
            prepared = await self._prepare_as_known(statement, certain=True)
        assert prepared is not None
        return prepared

    async def prepare_part(self, query: str) -> tuple[PreparedStatement, Names]:
        """Prepare a query that is part of a statement, and return what names mean in it."""
        return await self.prepare(Statement(query, Kind.QUERY, "SELECT")), self._role.names()

    async def renew(self, named: NamedStatement) -> None:
        """Prepare a named statement again where the catalogue, the grants, the search path, the temporary tables or
        what it names may have changed since. Raises SqlError 0A000 where the mirror would have to have another text.
        """
        before, statement = named.prepared.lane, named.prepared.statement
        if before is Lane.RELAY and statement.kind not in LATE and not self._temporary.may_mean_others(statement):
            return
        is_settled = self._engine.settings is not None and not self._temporary.is_outdated
        is_last = named.last is not None and named.last.names is self._role.names()
        if is_settled and is_last and not self._is_outdated(named.prepared):
            return
        prepared = await self.prepare(statement)
        if prepared.lane is Lane.RELAY and before in _STANDING_IN:
            message = "what the statement names has changed since it was prepared"
            raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, message, hint="Prepare it again.")
        named.prepared = prepared
        named.last = LastTime(self._role.names(), prepared) if prepared.lane is Lane.ENGINE else None

    def _is_outdated(self, prepared: PreparedStatement) -> bool:
        """Whether its plan is to be made anew."""
        return is_outdated(prepared.plan, self._services.lake)

    async def _settled(self, statement: Statement) -> PreparedStatement | None:
        """Return a statement that needs no plan of its own; None for one that does."""
        if statement.head == "DEALLOCATE":
            require_clients(_deallocated(statement))
        executed = self._late.executed(statement)
        if executed is not None and self._late.executed(executed.prepared.statement) is None:  # else it may be itself
            await self.renew(executed)
        return self._late.get(statement) or get_planless(statement)

    async def _with_query(self, statement: Statement) -> PreparedStatement:
        """Prepare a DECLARE or PREPARE: the lane is that of the query in it."""
        try:
            text = statement.text
            tail = preparation(text) if statement.kind is Kind.PREPARE else declaration(text).tail
        except SqlError as error:
            raise moved(error, statement.start) from None
        refuse_reserved(tail.name, "prepared statement" if statement.kind is Kind.PREPARE else "cursor")
        start, hints = statement.start + tail.start, statement.hints
        query = await self.prepare(Statement(tail.query, Kind.QUERY, tail.head, start, hints=hints))
        if query.lane is Lane.RELAY:
            return PreparedStatement(statement, Lane.RELAY)
        lane = Lane.PREPARE if statement.kind is Kind.PREPARE else Lane.DECLARE
        return PreparedStatement(statement, lane, query=query)

    async def _prepare_as_known(self, statement: Statement, *, certain: bool = False) -> PreparedStatement | None:
        """As `_prepare_once`, asking the mirror for the columns of its catalogues that the statement names."""
        while True:
            try:
                return await self._prepare_once(statement, certain=certain)
            except ShapesWanted as wanted:
                await self._owed.drain()
                for name in wanted.names:
                    self._services.lake.system_shapes[name] = await self._temporary.describe(name)
            except TypesWanted as wanted_types:
                await self._owed.drain()
                for expression in wanted_types.expressions:
                    column = await self._temporary.describe_expression(expression)
                    self._services.lake.expression_types[expression] = column

    async def _prepare_once(self, statement: Statement, *, certain: bool) -> PreparedStatement | None:
        """Prepare a statement for who asked last; None where it is refused to him, who may be another now."""
        services = self._services
        self.busy = True
        try:
            asker = Asker(self._role.names(), self._role.principal())
            return await services.statements.prepare(statement, asker, services.lake)
        except SqlError as error:
            if not certain and self._engine.settings is None and self._mirror.status != "E":
                return None
            if isinstance(error, HiddenColumns | UnreadCopy) or self._mirror.status == "E":  # which is told first
                await self._owed.drain()
                await self._engine.require_syntax(statement)
            raise moved(error, statement.start) from None
        finally:
            self.busy = False


def _deallocated(statement: Statement) -> str:
    try:
        return deallocation(statement.text)
    except SqlError as error:
        raise moved(error, statement.start) from None
