"""The engine's lane of one session: statements over the lake are described by the mirror and executed by the engine.

PostgreSQL itself, in the mirror, says which parameter types and result columns a statement has, and finds its errors
with their positions: the mirror holds the same tables, empty.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from time import monotonic

import pyarrow as pa
import structlog

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.dynamic_filters import Asking
from gateway.execute.port import MakeForm, RunningStatement, batches_alone
from gateway.explaining import explain
from gateway.explaining.hints import hint_notices
from gateway.lake import Lake
from gateway.lanes import copy_out
from gateway.lanes.bound import (
    Client,
    Portal,
    RowClient,
    Scalars,
    Sent,
    formatted,
    no_generic_plan,
    require_values,
    send_lines,
    spread,
)
from gateway.lanes.bound_parameters import decoded, with_texts
from gateway.lanes.descriptions import described
from gateway.lanes.finished_runs import note_run
from gateway.lanes.kept_encoder import KeptEncoder
from gateway.lanes.kept_results import KeptResults
from gateway.lanes.portals import ReadyRows, RowSource, encoded, encoded_whole, write, write_all
from gateway.lanes.prepared import Description, Lane, NamedStatement, PreparedStatement, StatementCache
from gateway.lanes.rights_now import RightsNow, check_cursor
from gateway.lanes.session_settings import SETTINGS, Settings, TransactionTimeout, session_settings
from gateway.lanes.whole_lane import WholeLane
from gateway.lanes.whole_rows import WholeRows
from gateway.logs import milliseconds_since, note_statement
from gateway.pipeline import Asker, prepare, run
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_errors import error_of
from gateway.rights import RightsChanged
from gateway.session_answers import with_answers
from gateway.session_rows import with_rows
from gateway.sql.copy_statements import CopyTo
from gateway.sql.cursor_statements import Fetch
from gateway.sql.resolve import Names
from gateway.sql.statements import Statement
from gateway.tuning import USUAL
from gateway.values.client_encodings import require_codec
from gateway.values.parameters import is_surely_valid, typed_name
from gateway.values.registry import sql_name
from gateway.values.rows import OutputSettings, RowEncoder
from gateway.values.settings import BINARY, TEXT
from gateway.wire import backend, frontend
from gateway.wire.fields import ENCODING

_log = structlog.get_logger(__name__)
_NOTHING = frontend.Bind("", "")  # no parameters, and all columns as text
_Names = tuple[str, ...]
_KEPT_TYPES = 16  # of one statement's parameters


class EngineLane:
    """Binds and executes statements of one session."""

    def __init__(
        self,
        lake: Lake,
        statements: StatementCache,
        asker: Callable[[], Asker],
        mirror: MirrorConnection,
        client: Client,
        answer: Callable[[Statement], Awaitable[pa.RecordBatch]],
    ) -> None:
        self._answer = answer
        self._lake = lake
        self._statements = statements
        self._asker = asker
        self.current_user: str | None = None  # as the mirror last told; None: who has logged in
        self.session_user: str | None = None  # so too
        self._mirror = mirror
        self._client = client
        self.whole = WholeLane(lake, client, self._rights)
        self._results = KeptResults(lake, client)
        self.settings: Settings | None = None  # read last; None: something was executed in the mirror since
        self._read: tuple[PreparedStatement, _Names, _Names, _Names] | None = None  # what was read last, for the audit
        self.busy = False
        self.ended_by: SqlError | None = None  # why the message at hand is not to be carried out any further

    @property
    def needs_no_sync(self) -> bool:
        """Whether a Sync means nothing to the mirror: it was sent nothing, has no transaction and measures no time."""
        mirror, settings = self._mirror, self.settings
        return settings is not None and settings.may_be_idle and mirror.status == "I" and not mirror.unsettled

    def settings_changed(self) -> None:
        """Read the session's settings again before the next statement."""
        self.settings = None

    async def bind(self, named: NamedStatement, names: Names, message: frontend.Bind = _NOTHING) -> Portal:
        """Describe the statement, decode its parameters, and have it planned as the session tunes its plans."""
        prepared, values = named.prepared, message.parameters
        description = await self.describe(named, names)
        if prepared.plan is not None:
            prepared = await self._tuned(prepared, names)
        expected = len(description.parameter_oids)
        require_values(message, expected)
        mismatch = "{} parameter formats but {} parameters"
        given = spread(message.parameter_formats, expected, mismatch) if expected else ()  # else none is looked at
        parameters: Scalars | Callable[[], Scalars] = ()
        types: tuple[str, ...] = ()
        if values:
            reading = (await self.read_settings()).output.reading
            oids = description.parameter_oids
            read, formats = await with_texts(self._mirror, message.portal, values, oids, given)
            later = partial(decoded, message.portal, read, oids, formats, reading)
            if all(map(is_surely_valid, read, oids, formats)):  # a source's server may be the only one to read them
                parameters, types = later, tuple(map(sql_name, oids))
            else:
                # Now their types are known, and with them those of what is made of them.
                parameters = later()
                types = tuple(map(typed_name, oids, parameters))
        if prepared.copy is not None:  # its rows are no result: they may change, and have one format
            prepared.require_plan()
            return Portal(prepared, description.fields, name=message.portal)
        named.check_columns(description.fields)
        if values:
            prepared = await self._typed(named, prepared, names, types)
        if not prepared.lane.is_answered and prepared.change is None:
            prepared.require_plan()
        sent = Sent(description.parameter_oids, given, values)
        fields = formatted(description.fields, message.result_formats)
        if prepared.lane is Lane.LOAD:
            bound = description.parameter_oids, message
            return Portal(prepared, fields, parameters, sent, types=types, bound=bound)
        told_in = {one.format for one in fields}
        if not told_in <= {TEXT} and told_in != {BINARY}:  # of each mixture there would have to be one
            mixed = KeptEncoder(description.records)
            return Portal(prepared, fields, parameters, sent, mixed, types=types)
        encoder = description.encoders[told_in.pop() if told_in else TEXT]
        told = None if encoder is not description.encoders[TEXT] else description.message
        return Portal(prepared, fields, parameters, sent, encoder, told, types=types)

    async def get_generic(self, named: NamedStatement, names: Names) -> Portal | None:
        """Return the portal of an EXPLAIN whose parameters have types and no values; None where it has none."""
        oids = (await self.describe(named, names)).parameter_oids
        if not oids:
            return None
        portal = await self.bind(named, names, frontend.Bind("", "", (), (None,) * len(oids)))
        portal.sent = Sent(oids)
        return portal

    async def _tuned(self, prepared: PreparedStatement, names: Names) -> PreparedStatement:
        """Return a statement as the session wants it planned; it was planned as is usual."""
        tuning = (await self.read_settings()).session.tuning.of_plans
        if tuning == USUAL:
            return prepared
        asker = Asker(names, self._asker().principal, tuning=tuning)
        return await self._statements.prepare(prepared.statement, asker, self._lake)

    async def _typed(
        self, named: NamedStatement, prepared: PreparedStatement, names: Names, types: tuple[str, ...]
    ) -> PreparedStatement:
        """Return a statement as it is with parameters of these types."""
        last = named.last_time(names)
        tuning = USUAL if prepared.plan is None else prepared.plan.tuning
        typed = last.typed.get((types, tuning)) if last is not None else None
        if typed is None:
            asker = Asker(names, self._asker().principal, types, tuning)
            typed = await self._statements.prepare(prepared.statement, asker, self._lake)
            if last is not None and len(last.typed) < _KEPT_TYPES:
                last.typed[types, tuning] = typed
        return typed

    def _rights(self, portal: Portal) -> RightsNow:
        return RightsNow(portal, self._asker, self._statements, self._lake)

    async def check(self, portal: Portal) -> None:
        """Check that rows of a statement that has begun may still be read as when it began. Raises SqlError where who
        asks now may not, 0A000 where he would have to see something else.
        """
        if portal.rows is not None and portal.prepared.lane is Lane.ENGINE:
            await check_cursor(self._rights(portal))

    async def _renew(self, portal: Portal) -> None:
        """Bind a portal again that has given nothing yet: other rights count than when it was bound. Raises SqlError
        where it may not be read now, and 0A000 where it would have other columns.
        """
        await portal.close()
        asker = self._asker()
        prepared = await self._statements.prepare(portal.prepared.statement, asker, self._lake)
        sent, formats = portal.sent, tuple(one.format for one in portal.fields)
        message = frontend.Bind(portal.name, "", sent.formats, sent.values, formats)
        fresh = await self.bind(NamedStatement(prepared, sent.oids, portal.fields), asker.names, message)
        portal.bind_again(fresh)

    async def open(self, portal: Portal, *, is_scroll: bool) -> None:
        """Begin to execute a portal whose rows are asked for later: its tables' versions are those of now."""
        settings = await self._begin(portal)
        try:
            async with self._in_time(settings):
                await self._open(portal, settings, is_scroll=is_scroll)
        except RightsChanged:
            await self._renew(portal)
            await self.open(portal, is_scroll=is_scroll)

    async def move(self, cursor: Portal, wanted: Fetch) -> int:
        """Move a cursor; return how many rows a FETCH would have had."""
        settings = await self._begin(cursor)
        async with self._in_time(settings):
            if cursor.rows is None:
                await self._open(cursor, settings, is_scroll=False)
            assert cursor.rows is not None
            return await cursor.rows.move(wanted)

    async def execute(self, portal: Portal, limit: int) -> None:
        """Send the portal's rows (at most ``limit``, 0 for all) and how it ended."""
        for notice in hint_notices(portal.prepared.plan, self._lake) if portal.rows is None else ():
            self._client.send(notice)
        try:
            await self._execute(portal, limit)
        except RightsChanged:
            if portal.cursor is not None:  # its rows are of the versions at DECLARE
                raise
            await self._renew(portal)
            await self.execute(portal, limit)

    async def _execute(self, portal: Portal, limit: int) -> None:
        settings = await self._begin(portal)
        started, was_done = monotonic(), portal.done
        try:
            if settings.is_untimed:
                self.busy = True
                sent, ended = await self._send(portal, limit, settings)
            else:
                async with self._in_time(settings):
                    sent, ended = await self._send(portal, limit, settings)
        except BaseException:
            (portal.cursor or portal).failed = True
            raise
        finally:
            self.busy = False
            if portal.declared is None and (portal.rows is None or portal.rows.exhausted or limit == 0):
                await portal.close()
        if ended:
            portal.done = portal.declared is None
            self._client.send(backend.CommandComplete(portal.tag(sent)))
        else:
            self._client.send(backend.PortalSuspended())
        took = milliseconds_since(started)
        portal.took, portal.rows_sent = portal.took + took, portal.rows_sent + sent
        if ended and not was_done:
            note_run(portal, settings.session.tuning, self._lake.history)
        lane = portal.prepared.lane
        told = portal.lane if lane is Lane.ENGINE or portal.lane == "source" else lane.name.lower()
        note_statement(_log, told, sent, took)

    @asynccontextmanager
    async def begin_load(self, portal: Portal) -> AsyncIterator[tuple[RunningStatement, OutputSettings]]:
        """Begin to read rows that are not for the client; give them, and the settings of the session. The statement can
        be cancelled until the block ends.
        """
        settings = await self._begin(portal)
        async with self._in_time(settings):
            rows = await self._start(portal, settings, self._client)
            try:
                yield rows, settings.output
            finally:
                await rows.close()

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        """Let the engine work for the session in a block, which can be cancelled and ends with its timeouts."""
        async with self._in_time(await self.read_settings()):
            yield

    @property
    def row_threads(self) -> Executor:
        """Where batches are encoded."""
        return self._lake.row_threads

    async def _begin(self, portal: Portal) -> Settings:
        """Note what is read, and return the settings under which it is."""
        read = (portal.cursor or portal).prepared
        if self._read is None or self._read[0] is not read:
            self._read = read, read.tables(), read.policies(), read.shadow_policies()
        self._client.reading(portal.prepared.lane.name.lower(), *self._read[1:])
        settings = await self.read_settings()
        if portal.prepared.copy is None and portal.prepared.lane is not Lane.LOAD:
            require_codec(settings.output.client_encoding)
        if self.ended_by is not None:
            raise self.ended_by
        return settings

    @asynccontextmanager
    async def _in_time(self, settings: Settings) -> AsyncIterator[None]:
        """Let the engine work, as long as the session's settings let it."""
        limit, whole, is_whole = settings.statement_timeout, settings.transaction_timeout, False
        # In a transaction the mirror's session counts its time, and ends it.
        if whole and self._mirror.status == "I" and (limit is None or whole <= limit):
            limit, is_whole = whole, True
        self.busy = True
        if not settings.may_be_idle:
            self._mirror.rest()
        try:
            async with asyncio.timeout(limit):
                yield
        except TimeoutError:
            if is_whole:
                raise TransactionTimeout from None
            raise SqlError(SqlState.QUERY_CANCELED, "canceling statement due to statement timeout") from None
        finally:
            self.busy = False
            await self._mirror.wake()

    async def _open(self, portal: Portal, settings: Settings, *, is_scroll: bool) -> None:
        portal.rows = await self.whole.open(portal, settings.output)
        if portal.rows is not None:
            return
        running = await self._start(portal, settings, self._client)
        portal.rows = RowSource(running, _encoder(portal, settings), is_scroll=is_scroll)

    async def _send(self, portal: Portal, limit: int, settings: Settings) -> tuple[int, bool]:
        if portal.done:
            if portal.prepared.copy is not None:
                message = f'portal "{portal.name}" cannot be run'
                raise SqlError(SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE, message)
            return 0, True
        if portal.prepared.lane is Lane.EXPLAIN:
            return await self._send_plan(portal, settings), True
        if portal.prepared.copy is not None:
            return await self._send_copy(portal, portal.prepared.copy, settings), True
        if portal.rows is None and portal.cursor is not None and portal.wanted is not None:
            portal.rows = await self._fetched(portal.cursor, portal.wanted, portal, settings)
        if limit == 0 and portal.rows is None:
            return await self._send_all(portal, settings), True
        return await self._send_portion(portal, limit, settings)

    async def _send_all(self, portal: Portal, settings: Settings) -> int:
        asked = self._results.asked(portal, settings)
        if asked is None:
            return await self._send_computed(portal, settings, self._client)
        sent = await asked.send(portal, self._rights(portal))
        if sent is None:
            with asked.computing():
                sent = await self._send_computed(portal, settings, asked)
                asked.keep(sent)
        return sent

    async def _send_computed(self, portal: Portal, settings: Settings, client: RowClient) -> int:
        relayed = await self.whole.send(portal, settings.output, client)
        if relayed is not None:
            return relayed
        form = partial(portal.encoder.form, portal.fields, settings.output)
        running = await self._start(portal, settings, client, form)
        try:
            prepare_encoder = _encoder(portal, settings)
            whole = encoded_whole(running, prepare_encoder)
            if whole is not None:
                return await write(whole, client)
            return await write_all(encoded(running, prepare_encoder, self._lake.row_threads), client)
        finally:
            await running.close()

    async def _fetched(self, cursor: Portal, wanted: Fetch, portal: Portal, settings: Settings) -> WholeRows | None:
        """Return what a FETCH gives where a source's server has the cursor."""
        if cursor.rows is None:  # of the extended protocol, and not executed yet
            await self._open(cursor, settings, is_scroll=False)
        if not isinstance(cursor.rows, WholeRows):
            return None
        portal.lane = cursor.lane
        return cursor.rows.fetched(wanted, [one.format for one in portal.fields])

    async def _send_portion(self, portal: Portal, limit: int, settings: Settings) -> tuple[int, bool]:
        if portal.rows is None:
            await self._open(portal, settings, is_scroll=False)
        assert portal.rows is not None
        sent = await portal.rows.send(limit, self._client)
        # PostgreSQL suspends a portal whenever the limit was reached, even if there are no more rows.
        return sent, portal.rows.exhausted

    async def _send_copy(self, portal: Portal, copy: CopyTo, settings: Settings) -> int:
        made = copy_out.copy_out(copy, portal.fields, settings.output)
        relayed = await self.whole.copy(portal, copy.options, settings.output)
        if relayed is not None:
            return relayed
        running = await self._start(portal, settings, self._client, made.form)
        try:
            return await copy_out.send(made, running, self._client, self._lake.row_threads)
        finally:
            await running.close()

    async def _send_plan(self, portal: Portal, settings: Settings) -> int:
        options, planned = portal.prepared.explain, portal.prepared.require_plan()
        assert options is not None
        kept = self._results.kept(portal, settings)
        whole = await self.whole.explain(portal, options, settings.output, kept)
        if whole is not None:
            return send_lines(portal, self._client, whole)
        if portal.sent.is_unknown:
            raise no_generic_plan()
        loop = asyncio.get_running_loop()
        session, started = planned.tuned_session(settings.session), monotonic()
        parameters = await with_answers(planned.asked, portal.parameters, self._mirror)
        fragments = await loop.run_in_executor(None, prepare, planned, parameters, session, self._lake)
        fragments = replace(fragments, query=replace(fragments.query, rights=self._rights(portal)))
        if planned.session:
            fragments = replace(fragments, query=await with_rows(fragments.query, self._mirror))
        asking = Asking(planned.principal, session, parameters, self._lake)
        before = explain.Before(started, kept if kept is not None and kept.counts(fragments.snapshots) else None)
        return send_lines(portal, self._client, await explain.explain(fragments, planned, options, asking, before))

    async def _start(
        self, portal: Portal, settings: Settings, client: RowClient, form: MakeForm = batches_alone
    ) -> RunningStatement:
        if portal.prepared.lane.is_answered:
            return ReadyRows(await self._answer(portal.prepared.statement))
        if portal.cursor is not None and portal.wanted is not None:
            assert isinstance(portal.cursor.rows, RowSource)  # others were given by `_fetched`
            return portal.cursor.rows.fetched(portal.wanted)
        plan, noted = portal.prepared.require_plan(), portal.noting(client.note_fragments())
        session = plan.tuned_session(settings.session)
        if records := portal.encoder.records(portal.fields):
            session = replace(session, records=records)
        asking = Asking(plan.principal, session, portal.parameters, self._lake)
        return await run(plan, asking, noted, self._mirror, self._rights(portal), form)

    async def describe(self, named: NamedStatement, names: Names) -> Description:
        """Return PostgreSQL's description of a statement. Raises SqlError with its errors."""
        last, encoding = named.last_time(names), ENCODING.get()
        before = last.description if last is not None and last.encoding == encoding else None
        if before is not None and self._mirror.status != "E":
            return before
        key = (
            named.prepared.described_as,
            named.parameter_oids,
            self._asker().principal.name,
            names.search_path,
            names.catalog.version,
            self._lake.access.version,
            names.temporary,
            encoding,  # of the names of columns
        )
        known = self._statements.descriptions.get(key)
        if known is None or self._mirror.status == "E":  # then the mirror knows whether the transaction is over
            known = self._statements.descriptions[key] = await described(self._mirror, named)
        if last is not None:
            last.description, last.encoding = known, encoding
        return known

    async def refuse(self, statement: Statement) -> None:
        """Raise what PostgreSQL's parser finds wrong with a statement that cannot be executed."""
        await described(self._mirror, NamedStatement(PreparedStatement(statement, Lane.RELAY), ()))
        raise SqlError(SqlState.SYNTAX_ERROR, "a string, a quoted identifier or a comment is not terminated")

    async def require_syntax(self, statement: Statement) -> None:
        """Raise PostgreSQL's error of syntax, if it finds one; of what else it finds nothing is told."""
        try:
            await described(self._mirror, NamedStatement(PreparedStatement(statement, Lane.RELAY), ()))
        except SqlError as error:
            if error.sqlstate in {SqlState.SYNTAX_ERROR, SqlState.IN_FAILED_SQL_TRANSACTION}:
                raise

    async def read_settings(self) -> Settings:
        """Return the session's settings, asked for where they may have changed; the mirror's are then up to date."""
        if self.settings is None:
            row, error = await self._mirror.ask(SETTINGS)
            if error is not None:
                raise error_of(error[5:], 0)
            told = [(value or b"").decode(ENCODING.get(), "replace") for value in row]
            self.current_user, self.session_user, *others = told
            self.settings = session_settings(others, self._mirror.parameters)
            self.whole.tuning = self.settings.session.tuning
        return self.settings


def _encoder(portal: Portal, settings: Settings) -> Callable[[pa.Schema], RowEncoder]:
    """Make the encoder once the rows' schema is known: a plan's may differ from it in what is nullable."""
    return lambda schema: portal.encoder.require(schema, portal.fields, settings.output)
