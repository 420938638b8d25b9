"""A session's texts made ready: cut into statements, each prepared for who asks, as far as that is certain."""

from __future__ import annotations

import asyncio

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.access_lane import AccessLane
from gateway.engine_lane import EngineLane
from gateway.owed_answers import OwedAnswers
from gateway.pipeline import TypesWanted
from gateway.prepared import LONG_TEXT, Lane, PreparedStatement, ShapesWanted, get_planless
from gateway.relay.mirror_connection import MirrorConnection
from gateway.session_role import SessionRole
from gateway.session_services import SessionServices
from gateway.sql.access import tells_password
from gateway.sql.copy_statements import UnreadCopy
from gateway.sql.hidden_columns import HiddenColumns
from gateway.sql.session_state import changes_session
from gateway.sql.statements import Kind, Statement, known_cut, require_one_reading, split
from gateway.temporary import TemporaryRelations
from gateway.told_errors import moved


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
        temporary: TemporaryRelations,
    ) -> None:
        self._temporary = temporary
        self._services = services
        self._role = role
        self._engine = engine
        self._access = access
        self._mirror = mirror
        self._owed = owed
        self.busy = False

    async def cut(self, text: str) -> tuple[Statement, ...]:
        """Cut a text into statements as the mirror's parser does."""
        require_one_reading(text, self._mirror.parameters)
        known = known_cut(text)
        if known is not None:
            statements = known
        elif len(text) <= LONG_TEXT:
            statements = split(text)
        else:
            statements = await asyncio.get_running_loop().run_in_executor(self._services.lake.threads, split, text)
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
        planless = get_planless(statement)
        if planless is not None:
            return planless
        await self._temporary.know(self._owed.drain)
        await self._temporary.room.require(statement)
        self._role.temporary = self._temporary.names
        prepared = await self._prepare_as_known(statement)
        if prepared is not None and prepared.lane is Lane.RELAY:
            return prepared
        if await self._role.know(self._owed.drain) or prepared is None:
            prepared = await self._prepare_as_known(statement, certain=True)
        assert prepared is not None
        return prepared

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
            names, principal = self._role.names(), self._role.principal()
            return await services.statements.prepare(statement, names, principal, services.lake)
        except SqlError as error:
            if not certain and not self._engine.settings_known and self._mirror.status != "E":
                return None
            if isinstance(error, HiddenColumns | UnreadCopy):
                await self._owed.drain()
                await self._engine.require_syntax(statement)
            raise moved(error, statement.start) from None
        finally:
            self.busy = False
