"""Statements of one session that the gateway carries out itself: access, masks, sources, questions about policies."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from functools import partial

import pyarrow as pa

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.analyze.analyze import Analyzing, analyze
from gateway.analyze.choice import choose
from gateway.audit.entries import ACCESS_LANE
from gateway.audit.witness import Witness
from gateway.lanes.access_lane import AccessLane
from gateway.lanes.engine_lane import EngineLane
from gateway.relay.mirror_connection import MirrorConnection
from gateway.sessions.hidden_relations import name_known, refuse_hidden
from gateway.sessions.owed_answers import OwedAnswers
from gateway.sessions.pinning import Pinning
from gateway.sessions.role import SessionRole
from gateway.sessions.services import SessionServices
from gateway.sql.analyze_statements import parse_analyze
from gateway.sql.statements import Kind, Statement
from gateway.told_errors import moved
from gateway.wire import backend


class OwnStatements:
    """Carries them out. ``busy``: a source is being looked at, which `cancel` may break off."""

    def __init__(
        self,
        services: SessionServices,
        role: SessionRole,
        engine: EngineLane,
        access: AccessLane,
        mirror: MirrorConnection,
        owed: OwedAnswers,
        client: Witness,
    ) -> None:
        self._services = services
        self._role = role
        self._engine = engine
        self._access = access
        self._mirror = mirror
        self._owed = owed
        self._client = client
        self.busy = False

    async def run(self, statement: Statement, *, in_block: bool) -> None:
        """Carry out a statement and tell the client. ``in_block``: a transaction was begun behind the last Sync."""
        if statement.kind is Kind.REFRESH:
            await self._refresh(statement)
        elif statement.kind is Kind.ANALYZE:
            await self._analyze(statement)
        elif statement.kind is Kind.ACCESS:
            await self.give_access((statement,), in_block=in_block)
        elif statement.kind is Kind.AUTHORIZATION:
            await self._role.set_authorization(statement, self._client)
        else:
            await self._change_masking(statement, in_block=in_block)

    async def give_access(self, statements: tuple[Statement, ...], *, in_block: bool) -> None:
        """Carry out statements of access, or rehearse them where a transaction is open."""
        self._client.reading(ACCESS_LANE)
        if self._mirror.status == "E":  # the mirror says so, whatever is asked
            await self._engine.refuse(Statement("SELECT", Kind.QUERY, "SELECT"))
        await self._role.know(self._owed.drain)
        in_transaction = in_block or self._mirror.status == "T"
        sent = tuple(self._known(statement) for statement in statements)
        await self._access.run(sent, self._role.told(), in_transaction=in_transaction)

    def _known(self, statement: Statement) -> Statement:
        """Return a statement of access as it concerns what who asks may know of. Raises SqlError."""
        known = self._role.principal(), self._role.names(), self._services.rows()
        try:
            refuse_hidden(statement.text, *known)
            return replace(statement, text=name_known(statement.text, *known))
        except SqlError as error:
            raise moved(error, statement.start) from None

    async def _change_masking(self, statement: Statement, *, in_block: bool) -> None:
        self._client.reading(ACCESS_LANE)
        await self._role.know(self._owed.drain)
        if in_block or self._mirror.status != "I":
            message = f"this {statement.head} cannot run inside a transaction block"
            raise SqlError(SqlState.ACTIVE_SQL_TRANSACTION, message)
        tag = await self._services.change_masking(statement, self._role.require_admin(), self._role.names())
        self._client.send(backend.CommandComplete(tag))

    async def _analyze(self, statement: Statement) -> None:
        if self._mirror.status == "E":
            await self._engine.refuse(statement)
        await self._role.know(self._owed.drain)
        services, principal = self._services, self._role.require_admin()
        try:
            asked = parse_analyze(statement.text)
        except SqlError as error:
            raise moved(error, statement.start) from None
        chosen = choose(asked, principal, self._role.names(), services.rows())
        self._client.reading("analyze", tuple(str(table.name) for table, *_ in chosen.tables))
        work = Analyzing(services.lake, services.keep_analyzed, self._client.note_fragments())
        told = analyze(chosen, work, verbose=asked.verbose)
        async with self._engine.in_time(), aclosing(told):
            async for notice in told:
                self._client.send(notice)
        self._client.send(backend.CommandComplete("ANALYZE"))

    async def answer(self, statement: Statement) -> pa.RecordBatch:
        """Answer a question about policies, or pin a plan."""
        principal = self._role.require_admin()
        if statement.kind is Kind.PLAN_PIN:
            if self._mirror.status != "I":
                raise SqlError(SqlState.ACTIVE_SQL_TRANSACTION, "plans cannot be pinned inside a transaction block")
            pinning = Pinning(self._services, principal, self._role.names())
            return await pinning.answer(statement.text, partial(self._client.reading, ACCESS_LANE))
        try:
            return await self._services.answer(statement.text, principal, self._role.names())
        except SqlError as error:
            raise moved(error, statement.start) from None

    async def _refresh(self, statement: Statement) -> None:
        words = statement.text.split()
        names = None if len(words) < 3 else (words[2].strip('"'),)
        if names is not None and names[0] not in self._services.lake.sources:
            raise SqlError(SqlState.UNDEFINED_OBJECT, f'source "{names[0]}" does not exist')
        self._client.reading("refresh")
        self.busy = True
        try:
            await self._services.refresh(names)
        finally:
            self.busy = False
        self._client.send(backend.CommandComplete("REFRESH SOURCE"))
