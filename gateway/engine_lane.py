"""The engine's lane of one session: statements over the lake are described by the mirror and executed by the engine.

PostgreSQL itself, in the mirror, says which parameter types and result columns a statement has, and finds its errors
with their positions: the mirror holds the same tables, empty.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import Executor
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Protocol

import pyarrow as pa
import structlog

from catalog.errors import SqlError
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from gateway import copy_out, explain
from gateway.lake import Lake
from gateway.logs import milliseconds_since, soon
from gateway.pipeline import Plan, get_reads, prepare, reads, run
from gateway.portals import Blocks, ReadyRows, Rows, RowSource, encoded, encoded_whole
from gateway.prepared import Description, KeptEncoder, Lane, NamedStatement, PreparedStatement, StatementCache
from gateway.quantities import parse_duration
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_errors import error_of
from gateway.relay.source_connection import Execution
from gateway.relay.source_relay import Asked, WholeStatement
from gateway.session_rows import with_rows
from gateway.sql.copy_statements import CopyTo
from gateway.sql.engine_dialect.moments import Session
from gateway.sql.resolve import Names
from gateway.sql.statements import Statement
from gateway.values.client_encodings import is_converted, require_codec
from gateway.values.parameters import decode_parameter, typed_name
from gateway.values.rows import OutputSettings, RowEncoder
from gateway.values.settings import TEXT
from gateway.wire import backend, frontend
from gateway.wire.fields import ENCODING
from optimizer.stages import Fragmented

_log = structlog.get_logger(__name__)
_NOTHING = frontend.Bind("", "")  # no parameters, and all columns as text
_READ_SETTINGS = ("statement_timeout", "bytea_output", "extra_float_digits")
_REPORTED_SETTINGS = (  # but only at Sync
    *("TimeZone", "DateStyle", "IntervalStyle", "client_encoding", "search_path", "standard_conforming_strings"),
)
_SETTINGS = "SELECT current_user, session_user, " + ", ".join(
    f"pg_catalog.current_setting('{name}')" for name in (*_READ_SETTINGS, *_REPORTED_SETTINGS)
)


class Client(Protocol):
    """Where answers go."""

    def send(self, message: backend.BackendMessage) -> None:
        """Queue a message."""

    def write(self, data: bytes | memoryview) -> None:
        """Queue bytes of complete messages."""

    def relay(self, message: bytes) -> None:
        """Queue a message of the mirror, unchanged."""

    async def drain(self) -> None:
        """Wait until the client has read enough of what is queued."""

    def reading(
        self, lane: str, tables: tuple[str, ...], policies: tuple[str, ...], shadows: tuple[str, ...] = ()
    ) -> None:
        """Note what the statement at hand was planned for."""

    def note_fragments(self) -> Callable[[Fragmented], None]:
        """Return what is told, in any thread, what the statement at hand reads."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement's parameters as the client sent them, with their types as the mirror told them."""

    oids: tuple[int, ...] = ()
    formats: tuple[int, ...] = ()
    values: tuple[bytes | None, ...] = ()


@dataclass(slots=True)
class Portal:
    """A statement with its parameters, ready to be executed or in the midst of it."""

    prepared: PreparedStatement
    fields: tuple[backend.FieldDescription, ...] = ()
    parameters: tuple[pa.Scalar, ...] = ()
    sent: Sent = field(default_factory=Sent)
    encoder: KeptEncoder = field(default_factory=KeptEncoder)
    described: bytes | None = None  # the mirror's own message, where the columns are told as it told them
    rows: RowSource | None = None
    bound: tuple[tuple[int, ...], frontend.Bind] | None = None  # parameters as they came, and their types
    done: bool = field(default=False)
    lane: str = "engine"  # who has answered, for the log
    name: str = ""

    @classmethod
    def of_command(cls, prepared: PreparedStatement) -> Portal:
        """Return the portal of a statement without rows."""
        return cls(prepared)

    def describe(self, client: Client) -> None:
        """Tell the client the portal's columns, in the mirror's own words where it has told them."""
        if self.prepared.lane is Lane.LOAD:
            client.send(backend.NoData())
        elif self.described is not None:
            client.relay(self.described)
        else:
            rowless = self.prepared.lane.is_command or self.prepared.copy is not None
            client.send(backend.NoData() if rowless else backend.RowDescription(self.fields))

    async def close(self) -> None:
        """Stop what still runs."""
        if self.rows is not None:
            rows, self.rows = self.rows, None
            await rows.close()


@dataclass(frozen=True, slots=True)
class _Settings:
    output: OutputSettings
    statement_timeout: float | None  # seconds


class EngineLane:
    """Binds and executes statements of one session."""

    def __init__(
        self,
        lake: Lake,
        statements: StatementCache,
        principal: Callable[[], Principal],
        mirror: MirrorConnection,
        client: Client,
        answer: Callable[[Statement], Awaitable[pa.RecordBatch]],
    ) -> None:
        self._answer = answer
        self._lake = lake
        self._statements = statements
        self._principal = principal
        self.current_user: str | None = None  # as the mirror last told; None: who has logged in
        self.session_user: str | None = None  # so too
        self._mirror = mirror
        self._client = client
        self._settings: _Settings | None = None
        self.busy = False
        self.ended_by: SqlError | None = None  # why the message at hand is not to be carried out any further

    @property
    def settings_known(self) -> bool:
        """Whether nothing was executed in the mirror since the settings were read."""
        return self._settings is not None

    def settings_changed(self) -> None:
        """Read the session's settings again before the next statement."""
        self._settings = None

    async def bind(self, named: NamedStatement, names: Names, message: frontend.Bind = _NOTHING) -> Portal:
        """Describe the statement and decode its parameters."""
        prepared, values = named.prepared, message.parameters
        description = await self._describe(named, names)
        if prepared.copy is not None:  # its rows are no result: they may change, and have one format
            prepared.require_plan()
            return Portal(prepared, description.fields, name=message.portal)
        named.check_columns(description.fields)
        expected = len(description.parameter_oids)
        if len(values) != expected:
            raise SqlError(
                SqlState.PROTOCOL_VIOLATION,
                f"bind message supplies {len(values)} parameters,"
                f' but prepared statement "{message.statement}" requires {expected}',
            )
        given = _spread(message.parameter_formats, expected, "{} parameter formats but {} parameters")
        parameters: tuple[pa.Scalar, ...] = ()
        if values:
            reading = (await self.read_settings()).output.reading
            parameters = tuple(
                decode_parameter(value, oid, form, reading)
                for value, oid, form in zip(values, description.parameter_oids, given, strict=True)
            )
            # Now their types are known, and with them those of what is made of them.
            types = tuple(map(typed_name, description.parameter_oids, parameters))
            prepared = await self._statements.prepare(prepared.statement, names, self._principal(), self._lake, types)
        if prepared.lane is not Lane.POLICY_QUESTION:
            prepared.require_plan()
        formats = _spread(message.result_formats, len(description.fields), "{} result formats but query has {} columns")
        fields = description.fields
        if any(formats):
            fields = tuple(replace(one, format=form) for one, form in zip(fields, formats, strict=True))
        sent = Sent(description.parameter_oids, given, values)
        if len(set(formats)) > 1:  # of each mixture there would have to be one
            return Portal(prepared, fields, parameters, sent)
        if prepared.lane is Lane.LOAD:
            return Portal(prepared, fields, parameters, sent, bound=(description.parameter_oids, message))
        encoder = description.encoders[formats[0] if formats else TEXT]
        return Portal(prepared, fields, parameters, sent, encoder, None if any(formats) else description.message)

    async def execute(self, portal: Portal, limit: int) -> None:
        """Send the portal's rows (at most ``limit``, 0 for all) and how it ended."""
        prepared = portal.prepared
        lane, shadows = prepared.lane.name.lower(), prepared.shadow_policies()
        self._client.reading(lane, prepared.tables(), prepared.policies(), shadows)
        settings = await self.read_settings()
        if prepared.copy is None:
            require_codec(settings.output.client_encoding)
        elif prepared.copy.options.encoding is None and is_converted(settings.output.client_encoding):
            message = f"COPY in client_encoding {settings.output.client_encoding} is not supported"
            raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, message, hint="Give it the option ENCODING 'UTF8'.")
        if self.ended_by is not None:
            raise self.ended_by
        started = monotonic()
        self.busy = True
        try:
            if settings.statement_timeout is None:
                sent, ended = await self._send(portal, limit, settings)
            else:
                async with asyncio.timeout(settings.statement_timeout):
                    sent, ended = await self._send(portal, limit, settings)
        except TimeoutError:
            raise SqlError(SqlState.QUERY_CANCELED, "canceling statement due to statement timeout") from None
        finally:
            self.busy = False
            if portal.rows is None or portal.rows.exhausted or limit == 0:
                await portal.close()
        if ended:
            portal.done = True
            self._client.send(backend.CommandComplete(_tag(prepared, sent)))
        else:
            self._client.send(backend.PortalSuspended())
        duration = milliseconds_since(started)
        told = portal.lane if prepared.lane is Lane.ENGINE else lane
        soon(_log.info, "statement", lane=told, rows=sent, milliseconds=duration)

    @asynccontextmanager
    async def begin_load(self, portal: Portal) -> AsyncIterator[tuple[Rows, OutputSettings]]:
        """Begin to read rows that are not for the client; give them, and the settings of the session. The statement can
        be cancelled until the block ends.
        """
        prepared = portal.prepared
        self._client.reading("load", prepared.tables(), prepared.policies(), prepared.shadow_policies())
        settings = await self.read_settings()
        if self.ended_by is not None:
            raise self.ended_by
        self.busy = True
        rows: Rows | None = None
        try:
            async with asyncio.timeout(settings.statement_timeout):
                rows = await self._start(portal, settings)
                yield rows, settings.output
        except TimeoutError:
            raise SqlError(SqlState.QUERY_CANCELED, "canceling statement due to statement timeout") from None
        finally:
            self.busy = False
            if rows is not None:
                await rows.close()

    @property
    def threads(self) -> Executor:
        """Where batches are encoded."""
        return self._lake.threads

    async def _send(self, portal: Portal, limit: int, settings: _Settings) -> tuple[int, bool]:
        if portal.done:
            if portal.prepared.copy is not None:
                message = f'portal "{portal.name}" cannot be run'
                raise SqlError(SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE, message)
            return 0, True
        if portal.prepared.lane is Lane.EXPLAIN:
            return await self._send_plan(portal, settings), True
        if portal.prepared.copy is not None:
            return await self._send_copy(portal, portal.prepared.copy, settings), True
        if limit == 0 and portal.rows is None:
            return await self._send_all(portal, settings), True
        return await self._send_portion(portal, limit, settings)

    async def _send_all(self, portal: Portal, settings: _Settings) -> int:
        planned = portal.prepared.plan
        if planned is not None and planned.whole is not None and _may_relay(portal, settings.output):
            relayed = await self._relay(portal, planned, planned.whole, settings)
            if relayed is not None:
                return relayed
        running = await self._start(portal, settings)
        try:
            prepare_encoder = _encoder(portal, settings)
            whole = encoded_whole(running, prepare_encoder)
            if whole is not None:
                return await self._write_blocks(whole)
            return await self._write(encoded(running, prepare_encoder, self._lake.threads))
        finally:
            await running.close()

    async def _relay(self, portal: Portal, planned: Plan, whole: WholeStatement, settings: _Settings) -> int | None:
        """Have a source's server answer alone; None: it does not, and has sent nothing."""
        asked = await self._asked(portal, planned, whole, settings)
        sent = await self._lake.relay.send(asked, self._client)
        if sent is not None:
            portal.lane = "source"
            self._client.reading("source", (), ())
        return sent

    async def _asked(self, portal: Portal, planned: Plan, whole: WholeStatement, settings: _Settings) -> Asked:
        noted, fragmented = self._client.note_fragments(), get_reads(planned)
        if fragmented is None:
            loop = asyncio.get_running_loop()
            fragmented = await loop.run_in_executor(None, reads, planned, portal.parameters, self._lake)
        noted(fragmented)
        sent = portal.sent
        execution = Execution(
            whole.sent, sent.oids, sent.formats, sent.values, tuple(one.format for one in portal.fields)
        )
        in_full = not explain.hides(fragmented, planned, self._lake)
        return Asked(whole, execution, portal.fields, settings.output, in_full)

    async def _send_portion(self, portal: Portal, limit: int, settings: _Settings) -> tuple[int, bool]:
        if portal.rows is None:
            running = await self._start(portal, settings)
            portal.rows = RowSource(running, _encoder(portal, settings))
        sent = await self._write(portal.rows.take(limit or 1 << 62))
        # PostgreSQL suspends a portal whenever the limit was reached, even if there are no more rows.
        return sent, portal.rows.exhausted

    async def _send_copy(self, portal: Portal, copy: CopyTo, settings: _Settings) -> int:
        as_utf8 = replace(settings.output, client_encoding="UTF8")  # COPY has an ENCODING of its own
        made = copy_out.copy_out(copy, portal.fields, as_utf8)
        running = await self._start(portal, settings)
        try:
            return await copy_out.send(made, running, self._client, self._lake.threads)
        finally:
            await running.close()

    async def _send_plan(self, portal: Portal, settings: _Settings) -> int:
        options, planned = portal.prepared.explain, portal.prepared.require_plan()
        assert options is not None
        if planned.whole is not None and _may_relay(portal, settings.output):
            lines = await self._explain_whole(portal, planned, planned.whole, settings)
            if lines is not None:
                return self._send_lines(lines)
        loop = asyncio.get_running_loop()
        session = Session(settings.output.time_zone, settings.output)
        fragments = await loop.run_in_executor(None, prepare, planned, portal.parameters, session, self._lake)
        if planned.session:
            fragments = replace(fragments, query=await with_rows(fragments.query, self._mirror))
        return self._send_lines(await explain.explain(fragments, planned, options, portal.parameters, self._lake))

    async def _explain_whole(
        self, portal: Portal, planned: Plan, whole: WholeStatement, settings: _Settings
    ) -> list[str] | None:
        """Return what EXPLAIN tells of a statement that a source's server answers alone; None where that is not so."""
        options = portal.prepared.explain
        assert options is not None
        asked = await self._asked(portal, planned, whole, settings)
        if not asked.in_full:
            return None
        server = await self._lake.relay.explain(asked, analyze=options.analyze, verbose=options.verbose)
        fragmented = get_reads(planned)
        if server is None or fragmented is None:
            return None
        return explain.explain_whole(whole, fragmented, options, server)

    def _send_lines(self, lines: Sequence[str]) -> int:
        for line in lines:
            self._client.send(backend.DataRow((line.encode(ENCODING.get(), "backslashreplace"),)))
        return len(lines)

    async def _start(self, portal: Portal, settings: _Settings) -> Rows:
        if portal.prepared.lane is Lane.POLICY_QUESTION:
            return ReadyRows(await self._answer(portal.prepared.statement))
        session = Session(settings.output.time_zone, settings.output)
        noted = self._client.note_fragments()
        return await run(portal.prepared.require_plan(), portal.parameters, session, self._lake, noted, self._mirror)

    async def _write(self, blocks: AsyncIterator[Blocks]) -> int:
        sent = 0
        async with aclosing(blocks) as source:  # type: ignore[type-var]
            async for each in source:
                sent += await self._write_blocks(each)
        return sent

    async def _write_blocks(self, blocks: Blocks) -> int:
        rows, buffers = blocks
        for buffer in buffers:
            self._client.write(buffer)
            await self._client.drain()
        return rows

    async def _describe(self, named: NamedStatement, names: Names) -> Description:
        key = (
            named.prepared.described_as,
            named.parameter_oids,
            self._principal().name,
            names.search_path,
            names.catalog.version,
            self._lake.access.version,
            names.temporary,
            ENCODING.get(),  # of the names of columns
        )
        known = self._statements.descriptions.get(key)
        if known is None or self._mirror.status == "E":  # then the mirror knows whether the transaction is over
            known = self._statements.descriptions[key] = await self._ask_mirror(named)
        return known

    async def refuse(self, statement: Statement) -> None:
        """Raise what PostgreSQL's parser finds wrong with a statement that cannot be executed."""
        await self._ask_mirror(NamedStatement(PreparedStatement(statement, Lane.RELAY), ()))
        raise SqlError(SqlState.SYNTAX_ERROR, "a string, a quoted identifier or a comment is not terminated")

    async def require_syntax(self, statement: Statement) -> None:
        """Raise PostgreSQL's error of syntax, if it finds one; of what else it finds nothing is told."""
        try:
            await self._ask_mirror(NamedStatement(PreparedStatement(statement, Lane.RELAY), ()))
        except SqlError as error:
            if error.sqlstate in {SqlState.SYNTAX_ERROR, SqlState.IN_FAILED_SQL_TRANSACTION}:
                raise

    async def _ask_mirror(self, named: NamedStatement) -> Description:
        statement = named.prepared.statement
        parameter_oids: tuple[int, ...] = ()
        fields: tuple[backend.FieldDescription, ...] = ()
        told: bytes | None = None
        for message in await self._mirror.describe(named.prepared.described_as, named.parameter_oids):
            kind, body = message[:1], message[5:]
            if kind == b"t":
                parameter_oids = backend.ParameterDescription.decode(body).type_oids
            elif kind == b"T":
                fields, told = backend.RowDescription.decode(body).fields, message
            elif kind == b"E":
                error, copy = error_of(body, statement.start), named.prepared.copy
                raise error if copy is None else copy.placed(error)
        return Description(parameter_oids, fields, told)

    async def read_settings(self) -> _Settings:
        """Return the session's settings, asked for where they may have changed; the mirror's are then up to date."""
        if self._settings is None:
            row, error = await self._mirror.ask(_SETTINGS)
            if error is not None:
                raise error_of(error[5:], 0)
            told = [(value or b"").decode(ENCODING.get(), "replace") for value in row]
            current, session, timeout, bytea_output, digits, *others = told
            self.current_user, self.session_user = current, session
            reported = self._mirror.parameters
            reported.update(zip(_REPORTED_SETTINGS, others, strict=True))
            output = OutputSettings(
                time_zone=reported.get("TimeZone", "UTC"),
                date_style=reported.get("DateStyle", "ISO, MDY"),
                interval_style=reported.get("IntervalStyle", "postgres"),
                extra_float_digits=int(digits),
                bytea_output=bytea_output,
                client_encoding=reported.get("client_encoding", "UTF8"),
            )
            self._settings = _Settings(output, parse_duration(timeout) or None)
        return self._settings


def _may_relay(portal: Portal, output: OutputSettings) -> bool:
    """Whether a source's server may answer: it sends UTF-8, and policies and masks there see the session's styles."""
    if is_converted(output.client_encoding):
        return False
    styles = replace(output, extra_float_digits=min(output.extra_float_digits, 1), client_encoding="UTF8")
    return styles == OutputSettings(time_zone=output.time_zone) or not portal.prepared.policies()


def _encoder(portal: Portal, settings: _Settings) -> Callable[[pa.Schema], RowEncoder]:
    """Make the encoder once the rows' schema is known: a plan's may differ from it in what is nullable."""
    return lambda schema: portal.encoder.require(schema, portal.fields, settings.output)


def _tag(prepared: PreparedStatement, rows: int) -> str:
    if prepared.copy is not None:
        return f"COPY {rows}"
    if prepared.lane is Lane.ENGINE:
        return f"SELECT {rows}"
    return "EXPLAIN" if prepared.statement.head == "EXPLAIN" else "CHECK ACCESS"


def _spread(formats: Sequence[int], count: int, mismatch: str) -> tuple[int, ...]:
    """Apply the protocol's rule for format codes: none means text, one stands for all."""
    if len(formats) not in (0, 1, count):
        raise SqlError(SqlState.PROTOCOL_VIOLATION, f"bind message has {mismatch.format(len(formats), count)}")
    for code in formats:
        if code not in (0, 1):
            raise SqlError(SqlState.INVALID_PARAMETER_VALUE, f"unsupported format code: {code}")
    if len(formats) == 1:
        return (formats[0],) * count
    return tuple(formats) or (0,) * count
