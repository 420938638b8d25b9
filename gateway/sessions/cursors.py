"""SQL's cursors over the lake, and the session's portals among which they are.

The mirror has each cursor too, under the same name and with the same columns, without rows. So its name, its life
through transactions and savepoints, WITH HOLD and ``pg_cursors`` are PostgreSQL's own; each FETCH asks there whether
the cursor still is. The rows are the gateway's: the statement is started by DECLARE, at the versions that its tables
have then, and read as the client asks for them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from catalog.errors import SqlError
from catalog.names import always_quoted
from catalog.sqlstate import SqlState
from gateway.audit.witness import Witness
from gateway.lanes.bound import Portal, formatted
from gateway.lanes.engine_lane import EngineLane
from gateway.lanes.prepared import Lane, NamedStatement, PreparedStatement
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_errors import error_of
from gateway.sessions.owed_answers import OwedAnswers
from gateway.sessions.role import SessionRole
from gateway.sql.cursor_statements import closed_name, declaration, fetch
from gateway.sql.statements import Kind, Statement
from gateway.told_errors import moved
from gateway.values.settings import BINARY, TEXT
from gateway.wire import backend, frontend

_IS_OPEN = "SELECT 1 FROM pg_catalog.pg_cursors c WHERE c.name = $1"
_TEXT = frontend.Bind("", "")
Prepare = Callable[[Statement], Awaitable[PreparedStatement]]


class Cursors:
    """One session's cursors. ``portals`` are all that the gateway itself executes, also those of Bind messages."""

    def __init__(
        self, engine: EngineLane, mirror: MirrorConnection, client: Witness, role: SessionRole, owed: OwedAnswers
    ) -> None:
        self._engine = engine
        self._mirror = mirror
        self._client = client
        self._role = role
        self._owed = owed
        self.portals: dict[str, Portal] = {}
        self._held: set[str] = set()  # WITH HOLD, of a transaction that has not ended: it may be rolled back
        self._gone: list[Portal] = []  # closed in the mirror, and to be stopped here

    # DECLARE --------------------------------------------------------------------------------------------------------

    async def bind_declare(
        self, prepared: PreparedStatement, oids: tuple[int, ...], message: frontend.Bind, prepare: Prepare
    ) -> Portal:
        """Bind the query of a DECLARE. Raises SqlError as the query itself would."""
        assert prepared.query is not None
        query = NamedStatement(await prepare(prepared.query.statement), oids)
        inner = frontend.Bind("", message.statement, message.parameter_formats, message.parameters)
        cursor = await self._engine.bind(query, self._role.names(), inner)
        cursor.declared = declaration(prepared.statement.text)
        return Portal(prepared, cursor=cursor)

    async def declare(self, portal: Portal) -> None:
        """Open the cursor that a portal of DECLARE has."""
        statement, cursor = portal.prepared.statement, portal.cursor
        assert cursor is not None and cursor.declared is not None
        declared, name = cursor.declared, cursor.declared.tail.name
        await self.reap()
        present = self.portals.get(name)
        if present is not None and present.declared is None:
            raise SqlError(SqlState.DUPLICATE_CURSOR, f'cursor "{name}" already exists')
        error = await self._mirror.run_command(declared.stand_in, len(cursor.parameters))
        if error is not None:
            found = error_of(error[5:], 0)
            if found.position is not None:
                found.position = declared.place(found.position)
            raise moved(found, statement.start)
        await self.drop(name)  # one that the mirror has closed by itself
        self.portals[name] = cursor
        try:
            await self._engine.open(cursor, is_scroll=declared.is_scroll)
        except BaseException:
            del self.portals[name]
            if declared.is_holdable and self._mirror.status == "I" and not self._mirror.extended:
                await self._mirror.ask(f"CLOSE {always_quoted(name)}")
            raise
        if declared.is_holdable:
            self._held.add(name)
        self._client.send(backend.CommandComplete("DECLARE CURSOR"))

    # FETCH and MOVE -------------------------------------------------------------------------------------------------

    async def bind_fetch(self, prepared: PreparedStatement, message: frontend.Bind = _TEXT) -> Portal:
        """Bind a FETCH or MOVE to its cursor. Raises SqlError 34000, and 42601 as PostgreSQL says it."""
        statement = prepared.statement
        wanted = fetch(statement.text)
        if wanted is None:
            await self._engine.require_syntax(statement)
            raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f"this form of {statement.head} is not supported here")
        cursor = self._require(wanted.name)
        formats: tuple[int, ...] = message.result_formats
        if not self._mirror.extended and cursor.declared is not None and cursor.declared.is_binary:
            formats = (BINARY,)
        if prepared.lane is Lane.MOVE:
            return Portal(prepared, cursor=cursor, wanted=wanted)
        plain = formatted(cursor.fields, (TEXT,))
        fields = formatted(plain, formats)
        if fields is plain and cursor.declared is not None:
            return Portal(
                prepared, fields, encoder=cursor.encoder, described=cursor.described, cursor=cursor, wanted=wanted
            )
        return Portal(prepared, fields, cursor=cursor, wanted=wanted)

    async def check(self, portal: Portal) -> None:
        """Check a portal before it goes on: its cursor must still be there, and what it reads still be allowed."""
        if self._mirror.status == "E" and not self._mirror.unsettled:  # else Bind has asked whether it still is
            message = "current transaction is aborted, commands ignored until end of transaction block"
            raise SqlError(SqlState.IN_FAILED_SQL_TRANSACTION, message)
        cursor = portal.cursor or portal
        if cursor.rows is None:
            if portal.cursor is not None and cursor.done:
                raise SqlError(SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE, "the portal has been executed to its end")
            return
        if cursor.declared is not None:
            await self._check_open(cursor.declared.tail.name)
        if cursor.failed:
            name = portal.wanted.name if portal.wanted is not None else ""
            raise SqlError(SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE, f'portal "{name}" cannot be run')
        await self._role.know(self._owed.drain)
        await self._engine.check(cursor)
        if portal.wanted is not None and portal.rows is None:
            try:
                cursor.rows.require_way(portal.wanted)
            except SqlError:
                cursor.failed = True
                raise

    async def move(self, portal: Portal) -> None:
        """Carry out a MOVE."""
        assert portal.cursor is not None and portal.wanted is not None
        await self.check(portal)
        try:
            rows = await self._engine.move(portal.cursor, portal.wanted)
        except BaseException:
            portal.cursor.failed = True
            raise
        self._client.send(backend.CommandComplete(f"MOVE {rows}"))

    def _require(self, name: str) -> Portal:
        cursor = self.portals.get(name)
        if cursor is None:
            raise SqlError(SqlState.UNDEFINED_CURSOR, f'cursor "{name}" does not exist')
        return cursor

    async def _check_open(self, name: str) -> None:
        """Raise the mirror's error where the cursor is not open there any more: 34000, or 25P02."""
        _, error = await self._mirror.ask(f"MOVE 0 IN {always_quoted(name)}")
        if error is None:
            return
        found = error_of(error[5:], 0)
        if found.sqlstate == SqlState.UNDEFINED_CURSOR:
            await self.drop(name)
        raise SqlError(found.sqlstate, found.message)

    # How they end ---------------------------------------------------------------------------------------------------

    def executed(self, statement: Statement) -> None:
        """Follow a statement that the mirror has executed: it may have closed cursors."""
        if statement.head == "CLOSE":
            name = closed_name(statement.text)
            self._forget(*([name] if name is not None else [*self.portals]))
        elif statement.head == "DISCARD" and statement.text.rpartition(" ")[2].upper() == "ALL":
            self._forget(*self.portals)
        elif statement.kind is Kind.DECLARE:  # of the mirror's own; one of that name here was not open there any more
            self._forget(declaration(statement.text).tail.name)

    def _forget(self, *names: str) -> None:
        for name in names:
            portal = self.portals.pop(name, None)
            if portal is not None:
                self._gone.append(portal)

    @property
    def is_empty(self) -> bool:
        """Whether no portal of the gateway's is open or to be closed."""
        return not (self.portals or self._gone or self._held)

    @property
    def are_at_rest(self) -> bool:
        """Whether that is so outside of transactions, with nothing asked of the mirror that it has not answered."""
        mirror = self._mirror
        open_ = self.portals or self._gone or self._held  # `is_empty`, which each statement would ask in one more call
        return not open_ and mirror.status == "I" and not mirror.unsettled and self._owed.is_empty

    async def reap(self) -> None:
        """Stop what was closed."""
        while self._gone:
            await self._gone.pop().close()

    async def drop(self, name: str) -> None:
        """Close a portal if it is there."""
        self._forget(name)
        await self.reap()

    async def transaction_ended(self) -> None:
        """Close what ends with a transaction: all but the cursors WITH HOLD of those that were not rolled back."""
        for name, portal in [*self.portals.items()]:
            if portal.declared is None or not portal.declared.is_holdable:
                self._forget(name)
        if self._mirror.status == "I":
            while self._held:
                name = self._held.pop()
                row, _ = await self._mirror.ask(_IS_OPEN, name.encode())
                if not row:
                    self._forget(name)
                elif (held := self.portals.get(name)) is not None and held.rows is not None:
                    held.rows.hold()
        await self.reap()

    async def close(self) -> None:
        """Stop everything: the session ends."""
        self._forget(*self.portals)
        await self.reap()
