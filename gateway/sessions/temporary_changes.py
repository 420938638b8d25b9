"""Statements that change a temporary table and read the lake: what they read is copied first, in hidden tables.

The rows of each copy are those of a query that is planned and governed as any other; then PostgreSQL carries the
statement out over the copies, and they are dropped. All of it is one transaction: the client's, or one of its own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Protocol

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.execute.port import RunningStatement
from gateway.lanes.bound import Client, Portal, Returned
from gateway.lanes.engine_lane import EngineLane
from gateway.lanes.prepared import Lane, NamedStatement, PreparedStatement
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_errors import error_of
from gateway.sql.resolve import Names
from gateway.sql.statements import Statement
from gateway.sql.temporary_changes import Change, Copy, refused
from gateway.values.rows import OutputSettings
from gateway.wire import backend, frontend

Prepare = Callable[[str], Awaitable[tuple[PreparedStatement, Names]]]
_MOST_BYTES = 128 << 20  # of rows that a statement gives back: they are held until it has ended


class Filling(Protocol):
    """What fills temporary tables of the session."""

    @property
    def begins(self) -> Callable[[Statement], None]:
        """What is told of each statement."""

    async def fill(self, make: str, table: str, portal: Portal, rows: RunningStatement, output: OutputSettings) -> None:
        """Make a table by a statement and fill it with rows."""

    async def change(self, text: str, portal: Portal | None, sink: Callable[[bytes], None]) -> str:
        """Carry out a statement, with its rows as the portal has them, and return its tag."""


class TemporaryChanges:
    """Carries out such statements of one session. ``prepare`` makes a query ready for who asks."""

    def __init__(
        self, filling: Filling, engine: EngineLane, mirror: MirrorConnection, client: Client, prepare: Prepare
    ) -> None:
        self._filling = filling
        self._engine = engine
        self._mirror = mirror
        self._client = client
        self._prepare = prepare

    async def execute(self, portal: Portal, change: Change, limit: int) -> None:
        """Carry out a statement, where that has not been done, and send at most ``limit`` of the rows that it gives
        back, 0 for all, and how it ended.
        """
        if portal.returned is None:
            self._filling.begins(replace(portal.prepared.statement, head="INSERT"))  # a DELETE too fills the copies
            portal.returned = await self._carried_out(portal, change)
        if portal.fields and not self._mirror.extended:
            portal.describe(self._client)
        rows, sent = portal.returned.rows, 0
        while rows and (not limit or sent < limit):
            self._client.relay(rows.popleft())
            sent += 1
            await self._client.drain()
        suspends = limit > 0 and sent == limit  # as PostgreSQL: also where there are no more
        self._client.send(backend.PortalSuspended() if suspends else backend.CommandComplete(portal.returned.tag))

    async def _carried_out(self, portal: Portal, change: Change) -> Returned:
        found = _Collected(self._client)
        async with self._in_one():
            columns = [await self._without_places(portal, copy) for copy in change.copies]
            with self._mirror.in_use():
                tag = await self._filling.change(change.over(columns), portal, found.take)
                tables = ", ".join(copy.table for copy in change.copies)
                await self._filling.change(f"DROP TABLE {tables}", None, found.take)
            found.check()
        return Returned(found.rows, tag)

    async def _without_places(self, portal: Portal, copy: Copy) -> Sequence[str]:
        """As `_copied`, whose errors have their places in the copy's query."""
        try:
            return await self._copied(portal, copy)
        except SqlError as error:
            error.position = None
            raise

    async def _copied(self, portal: Portal, copy: Copy) -> Sequence[str]:
        """Copy the rows of a query; return the names of its columns."""
        assert portal.bound is not None
        oids, message = portal.bound
        prepared, names = await self._prepare(copy.query)
        if prepared.lane is not Lane.ENGINE:  # what it names has changed since
            raise refused(portal.prepared.statement.head)
        message = frontend.Bind("", "", message.parameter_formats, message.parameters)
        part = await self._engine.bind(NamedStatement(prepared, oids), names, message)
        part.bound = oids, message
        async with self._engine.begin_load(part) as (rows, output):
            with self._mirror.in_use():
                await self._filling.fill(copy.make(len(part.fields)), copy.table, part, rows, output)
        return [one.name for one in part.fields]

    @asynccontextmanager
    async def _in_one(self) -> AsyncIterator[None]:
        """Have all be one transaction: that of the client's block or of his messages until Sync, or one of its own."""
        is_own = self._mirror.status == "I" and not self._mirror.extended
        if is_own:
            await self._mirror.ask("BEGIN")
        try:
            yield
        except BaseException:
            await asyncio.shield(self._ended(is_own=is_own))
            raise
        if is_own:
            _, error = await self._mirror.ask("COMMIT")
            if error is not None:
                raise error_of(error[5:], 0)

    async def _ended(self, *, is_own: bool) -> None:
        """End what has failed."""
        await self._mirror.settle(lambda _message: None)
        if is_own:
            await self._mirror.ask("ROLLBACK")


class _Collected:
    """The rows that a statement gives back, as messages."""

    def __init__(self, client: Client) -> None:
        self.rows: deque[bytes] = deque()
        self._client = client
        self._room = _MOST_BYTES

    def take(self, message: bytes) -> None:
        """Take a message of the mirror's: a row, or a notice for the client."""
        if message[:1] != b"D":
            self._client.relay(message)
            return
        self._room -= len(message)
        if self._room >= 0:
            self.rows.append(bytes(message))

    def check(self) -> None:
        """Raise 53200 where there were too many bytes."""
        if self._room < 0:
            message = f"a statement on a temporary table gives back more than {_MOST_BYTES >> 20} MB"
            raise SqlError(SqlState.OUT_OF_MEMORY, message)
