"""Rows of the lake into a temporary table: the engine's governed rows are streamed to the mirror's session by COPY.

What lands there is what the user sees when he asks: the query is planned for him, and masks stay masks. The table is
made by PostgreSQL from the same query WITH NO DATA, so that its columns, types and the clauses of the statement are
PostgreSQL's own; rows of INSERT go by way of a stage, so that casts, defaults and conflicts are too. All of it is one
transaction: the client's, or one of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing

from catalog.mirror.prepared_statements import OWN_PREFIX
from gateway.execute.port import RunningStatement
from gateway.lanes.bound import Client, Portal
from gateway.lanes.engine_lane import EngineLane
from gateway.lanes.portals import encoded
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_errors import error_of
from gateway.session_rows import undisturbed
from gateway.sessions.temporary import TemporaryRelations
from gateway.sessions.temporary_changes import Prepare, TemporaryChanges
from gateway.sessions.temporary_room import too_large
from gateway.sql.temporary_loads import Load
from gateway.values.rows import COPY_DATA, OutputColumn, OutputSettings
from gateway.values.rows import prepare as prepare_rows
from gateway.values.settings import BINARY
from gateway.wire import backend, frontend

_OURS = f"{OWN_PREFIX}load"
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # the signature, no flags, no extension
_TRAILER = b"\xff\xff"
_EXISTS = b"\0C42P07\0"  # PostgreSQL's notice that IF NOT EXISTS had an effect


class TemporaryLoad:
    """Fills temporary tables of one session, and changes them by what it reads of the lake. ``prepare`` makes a query
    ready for who asks.
    """

    def __init__(
        self,
        engine: EngineLane,
        mirror: MirrorConnection,
        client: Client,
        temporary: TemporaryRelations,
        prepare: Prepare,
    ) -> None:
        self._changes = TemporaryChanges(self, engine, mirror, client, prepare)
        self.begins = temporary.filling
        self._engine = engine
        self._mirror = mirror
        self._client = client
        self._limit = temporary.room.limit

    async def execute(self, portal: Portal, limit: int = 0) -> None:
        """Make and fill what the portal's statement says, and tell the client how it ended. Of rows that it gives back
        at most ``limit`` are sent, 0 for all.
        """
        load, change = portal.prepared.load, portal.prepared.change
        if change is not None:
            await self._changes.execute(portal, change, limit)
            return
        assert load is not None
        self.begins(portal.prepared.statement)
        running = self._engine.begin_load(portal)
        async with running as (rows, output):
            with self._mirror.in_use():
                try:
                    tag = await self._fill(load, portal, rows, output)
                except BaseException:
                    await asyncio.shield(self._mirror.settle(lambda _message: None))
                    raise
                error = await undisturbed(self._mirror, self._mirror.settle(self._client.relay))
        if error is not None:
            raise error_of(error[5:], portal.prepared.statement.start)
        self._client.send(backend.CommandComplete(tag))

    async def _fill(self, load: Load, portal: Portal, rows: RunningStatement, output: OutputSettings) -> str:
        start = portal.prepared.statement.start
        if await self._make(load, portal):
            return "CREATE TABLE AS"
        count = await self._copy(load.table, portal, rows, output) if load.fills else 0
        if load.stages is None:
            return f"SELECT {count}" if load.fills else "CREATE TABLE AS"
        await self._tell(_statement(load.insert(len(portal.fields)), portal), start)
        tag = self._mirror.tag
        await self._tell(_statement(f"DROP TABLE {load.table}"), start)
        return tag

    async def fill(self, make: str, table: str, portal: Portal, rows: RunningStatement, output: OutputSettings) -> None:
        """Make a table by a statement and fill it with rows."""
        await self._tell(_statement(make, portal), 0)
        await self._copy(table, portal, rows, output)

    async def change(self, text: str, portal: Portal | None, sink: Callable[[bytes], None]) -> str:
        """Carry out a statement, with its rows as the portal has them, and return its tag."""
        results = () if portal is None else tuple(one.format for one in portal.fields)
        error = await undisturbed(self._mirror, self._mirror.run(_statement(text, portal, results), b"C", sink))
        if error is not None:
            failure = error_of(error[5:], 0)
            failure.position = None  # it is one in another text than the client's
            raise failure
        return self._mirror.tag

    async def _make(self, load: Load, portal: Portal) -> bool:
        """Make the table; return whether there is one already, which IF NOT EXISTS leaves as it is."""
        notices: list[bytes] = []
        make = load.make if load.stages is None else load.stage(len(portal.fields))
        await self._tell(_statement(make, portal), portal.prepared.statement.start, notices)
        for notice in notices:
            self._client.relay(notice)
        return load.stages is None and any(_EXISTS in notice for notice in notices)

    async def _copy(self, table: str, portal: Portal, rows: RunningStatement, output: OutputSettings) -> int:
        start = portal.prepared.statement.start
        columns = [OutputColumn(one.type_oid, one.type_modifier, BINARY) for one in portal.fields]
        copy = f"COPY {table} FROM STDIN (FORMAT binary, ENCODING 'UTF8')"
        await self._tell(_statement(copy), start, until=b"G")
        count = size = 0
        try:
            await self._mirror.push(frontend.CopyData(_HEADER).encode())
            blocks = encoded(
                rows, lambda schema: prepare_rows(schema, columns, output, COPY_DATA), self._engine.row_threads
            )
            async with aclosing(blocks) as source:  # type: ignore[type-var]
                async for number, buffers in source:
                    count, size = count + number, size + sum(len(buffer) for buffer in buffers)
                    if size > self._limit:
                        raise too_large(self._limit)
                    for buffer in buffers:
                        await self._mirror.push(buffer)
        except BaseException:
            failed = (frontend.CopyFail("the rows cannot be read"),)
            await asyncio.shield(self._mirror.run(failed, b"C", lambda _message: None))
            raise
        await self._tell((frontend.CopyData(_TRAILER), frontend.CopyDone()), start)
        return count

    async def _tell(
        self,
        messages: Sequence[frontend.FrontendMessage],
        start: int,
        notices: list[bytes] | None = None,
        until: bytes = b"C",
    ) -> None:
        sink = self._client.relay if notices is None else notices.append
        error = await undisturbed(self._mirror, self._mirror.run(messages, until, sink))
        if error is not None:
            raise error_of(error[5:], start)


def _statement(
    text: str, portal: Portal | None = None, results: tuple[int, ...] = ()
) -> tuple[frontend.FrontendMessage, ...]:
    """Return the messages that carry a statement out, with the parameters that the client gave, and the formats of its
    results.
    """
    oids, bound = portal.bound if portal is not None and portal.bound is not None else ((), None)
    formats, values = ((), ()) if bound is None else (bound.parameter_formats, bound.parameters)
    close = (frontend.Close("S", _OURS), frontend.Close("P", _OURS))
    return (*close, frontend.Parse(_OURS, text, oids), frontend.Bind(_OURS, _OURS, formats, values, results), _EXECUTE)


_EXECUTE = frontend.Execute(_OURS)
