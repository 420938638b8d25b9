"""A client's session after login: each message of the protocol carried out, on the lane of its statement.

The mirror's session is the session's state: settings, transactions and prepared statements live there, so their rules
and errors are PostgreSQL's own. Statements of the engine's lane are described there, and executed here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

import pyarrow as pa
import structlog

from catalog.errors import SqlError
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from gateway.activity import Shown
from gateway.audit.witness import Client, Witness
from gateway.authentication.identity import Identity
from gateway.lanes.access_lane import AccessLane
from gateway.lanes.bound import Portal, name_keeper, require_formats, require_no_parameters, require_values
from gateway.lanes.engine_lane import EngineLane
from gateway.lanes.prepared import Lane, NamedStatement, NamedStatements, PreparedStatement
from gateway.lanes.session_settings import TransactionTimeout
from gateway.logs import milliseconds_since, note_statement
from gateway.pipeline import Asker
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_errors import MirrorLost
from gateway.sessions.credentials import check_credential
from gateway.sessions.cursors import Cursors
from gateway.sessions.executed_again import ExecutedAgain
from gateway.sessions.in_callbacks import HandedOver
from gateway.sessions.late_lanes import LATE, LateLanes
from gateway.sessions.one_block import in_block
from gateway.sessions.owed_answers import BehindError, OwedAnswers
from gateway.sessions.own_statements import OwnStatements
from gateway.sessions.parking import Parking
from gateway.sessions.passed_on import PassedOn
from gateway.sessions.preparation import Preparation, SessionNames
from gateway.sessions.prepared_in_sql import PreparedInSql
from gateway.sessions.repeated_queries import RepeatedQueries
from gateway.sessions.reserved_names import closing, refuse_reserved
from gateway.sessions.role import SessionRole
from gateway.sessions.running_work import RunningWork
from gateway.sessions.services import SessionServices
from gateway.sessions.shaped_statements import ShapedStatements
from gateway.sessions.straight import Straight
from gateway.sessions.straight_engine import StraightEngine
from gateway.sessions.straight_ways import StraightWays
from gateway.sessions.temporary import TemporaryRelations
from gateway.sessions.temporary_load import TemporaryLoad
from gateway.sessions.temporary_room import TemporaryRoom
from gateway.sessions.together import Together
from gateway.sessions.unasked import Unasked
from gateway.sessions.unnamed import UnnamedStatement
from gateway.sql.session_state import changes_search_path, role_to_set
from gateway.sql.statements import Kind, Statement
from gateway.told_errors import AlreadySent, error_response, internal_error, not_here
from gateway.values.client_encodings import CODECS
from gateway.wire import backend, frontend
from gateway.wire.errors import RemoteProtocolError
from gateway.wire.fields import ENCODING
from gateway.wire.sent_at_once import InTurn, Piped, SentAtOnce

_log = structlog.get_logger(__name__)
_NO_PARAMETERS = frontend.Bind("", "")
_DESCRIBED = frozenset({Kind.DECLARE, Kind.FETCH})  # by the mirror, though the gateway carries them out
_SIMPLE = frozenset(
    {frontend.Query, frontend.FunctionCall, SentAtOnce, InTurn, HandedOver}
)  # each ends with ReadyForQuery


class Session:
    """Carries out a client's messages, one at a time."""

    def __init__(self, services: SessionServices, identity: Identity, mirror: MirrorConnection, client: Client) -> None:
        self._services = services
        self.identity = identity
        self._mirror = mirror
        self._client = Witness(client, services.audit, self)
        self._engine = EngineLane(services.lake, services.statements, self._asker, mirror, self._client, self._answer)
        self._role = role = SessionRole(services, identity, self._engine, mirror)
        self._who = role.principal()  # as he was last known
        self._access = access = AccessLane(services.execute_access, self._client)
        self._in_block = False  # a transaction block was begun behind the last Sync
        self._statements = NamedStatements()
        self._owed = owed = OwedAnswers(mirror, self._client, self._statements)
        self.answer_what_is_owed = owed.ends_in_error
        room = TemporaryRoom(mirror, services.temporary_limit, services.temporary_bytes)
        self._temporary = temporary = TemporaryRelations(mirror, room)
        self._cursors = cursors = Cursors(self._engine, mirror, self._client, role, owed)
        self._portals = cursors.portals
        self._unnamed = unnamed = UnnamedStatement(owed)
        own = SessionNames(temporary, LateLanes(self._statements, cursors.portals))
        self._preparation = preparation = Preparation(services, role, self._engine, access, mirror, owed, own)
        self._load = TemporaryLoad(self._engine, mirror, self._client, temporary, preparation.prepare_part)
        self._in_sql = PreparedInSql(self._engine, mirror, self._client, role, self._statements, preparation)
        self._shaped = ShapedStatements(services, role, self._engine, mirror, temporary, owed)
        self._repeated = repeated = RepeatedQueries(mirror, self._client, owed)
        self._passed_on = PassedOn(repeated, unnamed, self._engine, self._statements, cursors)
        self._own = OwnStatements(services, role, self._engine, access, mirror, owed, self._client)
        self._again = ExecutedAgain(services.lake, self._engine, self._client, role, cursors, temporary)
        self._work = work = RunningWork()
        self._relayed: dict[str, Statement] = {}  # what the mirror's portals were made of
        self._path_changed = False  # search_path, maybe, and the mirror tells only at Sync
        self._unsynced = False  # something was executed there since Sync: any setting may have changed
        self._handlers = self._by_message()
        self._spoken = ""
        self.parking = Parking(mirror, self._client.activity, work, self._portals, self._statements, unnamed)
        whole = Straight(self._again, self._statements, self._shaped, work, mirror)
        light = StraightEngine(self._again, self._statements, work, mirror)
        self._straight = StraightWays((whole, light), role, self.parking, self._is_between)
        self._together = Together(
            self._again, self._straight, self._statements, self._portals, self._client, self._carry_out
        )
        self.begin_straight = self._straight.begin
        self._unasked = Unasked(mirror, self._client, self._engine, self._work, self.parking)
        mirror.on_unasked(self._unasked.spoken)
        self._speak()

    def _by_message(self) -> Mapping[type[frontend.FrontendMessage], Callable[[Any], Awaitable[None]]]:
        return {
            **{frontend.Query: self._query, frontend.Parse: self._parse, frontend.Bind: self._bind},
            **{frontend.Describe: self._describe, frontend.Execute: self._execute, frontend.Close: self._close},
            **{frontend.Flush: self._flush, frontend.Sync: self._sync, frontend.FunctionCall: self._call},
            **{SentAtOnce: self._sent_at_once, InTurn: self._in_turn, HandedOver: self._handed_over},
            Piped: self._piped,
        }

    # One method a message -------------------------------------------------------------------------------------------

    async def handle(self, message: frontend.FrontendMessage) -> None:
        """Carry out one message; errors a client can see have been sent when this returns, but for SessionEnded."""
        self._straight.disturbed()
        check_credential(self.identity, self._services.get_principal, message)
        simple = type(message) in _SIMPLE
        await self.parking.done()
        try:
            self._engine.ended_by = None
            await self._work.run(self._dispatch(message))
        except (RemoteProtocolError, MirrorLost, TransactionTimeout, ConnectionError):
            raise
        except SqlError as error:
            await self._fail(error)
            simple = simple and not isinstance(error, BehindError)
            if type(message) is InTurn or (self._mirror.extended and type(message) is HandedOver):
                await self._synced()
        except Exception:
            _log.exception("internal error")
            await self._fail(internal_error())
        self._speak()
        if simple:
            self._ready()
        if self._mirror.may_have_spoken:
            self._unasked.spoken()

    def _speak(self) -> None:
        """Read and write strings in the client's encoding; one that there is no codec for is passed on byte by byte."""
        told = self._mirror.parameters.get("client_encoding", "UTF8")
        if told != self._spoken:
            self._spoken = told
            ENCODING.set(CODECS.get(told, "latin-1"))

    async def _dispatch(self, message: frontend.FrontendMessage) -> None:
        if type(message) in _SIMPLE and (self._mirror.unsettled or not self._owed.is_empty):
            await self._owed.drain_before_query(settles=not self._unsynced)
        self._mirror.extended = type(message) not in _SIMPLE
        await self._client.receive(message)
        await self._carry_out(message)

    async def _carry_out(self, message: frontend.FrontendMessage) -> None:
        carry_out = self._handlers.get(type(message))  # CopyData and its kin outside of COPY are ignored
        if carry_out is not None:
            await carry_out(message)

    async def _query(self, message: frontend.Query) -> None:
        if self._unsynced:
            await self._engine.read_settings()
            self._unsynced = False
        started = monotonic()
        await self._cursors.drop("")
        self._statements.end_unnamed()
        if not await self._shaped.query(message.query, self._again, self._execute_portal):
            await self._query_text(message, started)
        await self._role.end_set_role()
        await self._cursors.reap()
        if self._mirror.status == "I":
            await self._cursors.transaction_ended()

    async def _query_text(self, message: frontend.Query, started: float) -> None:
        statements, prepared = await self._preparation.prepare_text(message.query)
        if all(one is not None and one.lane is Lane.RELAY for one in prepared):
            await self._role.let_set_role(*statements)
            for statement in statements:
                self._temporary.room.filling(statement)
            error = await self._repeated.answer(message, prepared)
            self._executed(*([] if error is not None else statements), tried=statements[:-1])
            note_statement(_log, "relay", None, milliseconds_since(started))
        elif all(one.kind is Kind.ACCESS for one in statements):
            await self._own.give_access(statements, in_block=self._in_block)
        else:
            async with in_block(statements, self._mirror, self._client):
                await self._query_each(statements, prepared)

    async def _query_each(
        self, statements: tuple[Statement, ...], prepared: Sequence[PreparedStatement | None]
    ) -> None:
        for statement, one in zip(statements, prepared, strict=True):
            if statement.kind is Kind.ACCESS and self._mirror.status == "I" and len(statements) > 1:
                raise not_here(statement)
            await self._query_one(statement, one or await self._preparation.prepare(statement))

    async def _query_one(self, statement: Statement, prepared: PreparedStatement) -> None:
        if statement.kind in LATE:  # the statements before may have made what it names
            prepared = await self._preparation.prepare(statement)
        if prepared.lane is Lane.RELAY:
            await self._role.let_set_role(statement)
            commits = self._access.ends_here(statement) and self._mirror.status == "T"
            self._temporary.room.filling(statement)
            if not await self._owed.query(statement, self._access.commit if commits else None):
                self._executed()
                raise AlreadySent()
            self._executed(statement)
            return
        require_no_parameters(prepared, self._mirror.status)
        named = NamedStatement(prepared, ())
        generic = await self._engine.get_generic(named, self._role.names()) if prepared.is_generic else None
        portal = generic or await self._bound(named, _NO_PARAMETERS)
        if prepared.lane.is_command:
            await self._command(portal)
            return
        await self._execute_portal(portal)
        self._shaped.note(portal)

    async def _execute_portal(self, portal: Portal) -> None:
        """Execute a statement that was sent by itself."""
        try:
            await self._cursors.check(portal)
            if portal.prepared.lane is Lane.LOAD:
                await self._load.execute(portal)
            else:
                if portal.prepared.copy is None:
                    portal.describe(self._client)
                await self._engine.execute(portal, 0)
        finally:
            await portal.close()

    def take(self, message: SentAtOnce) -> SentAtOnce | InTurn | None:
        """Return what is to be carried out for a statement at once; None: its messages are to be given one by one."""
        between = self._unsynced or self._path_changed or self._work.is_running
        return None if between else self._passed_on.take(message, self._preparation.relayed, self._temporary)

    async def _sent_at_once(self, message: SentAtOnce) -> None:
        self._relayed.pop("", None)
        await self._passed_on.pass_on(message)
        self._in_block = False

    async def _in_turn(self, message: InTurn) -> None:
        self._mirror.extended = True
        if await self._together.execute(message):
            await self._synced()

    async def _piped(self, message: Piped) -> None:
        if self._unsynced or self._path_changed:
            await self._together.carry_out_each(message)
        else:
            await self._together.execute(message)

    def _is_between(self) -> bool:
        return self._unsynced or self._path_changed or self._spoken != "UTF8"

    async def _handed_over(self, _message: HandedOver) -> None:
        """Carry out what is left of a statement that was begun straight."""
        left = await self._straight.finish()
        if type(left) is InTurn:
            await self._together.execute_each(left, is_begun=True)
            await self._synced()
        elif type(left) is frontend.Query:
            await self._query(left)

    async def _bound(self, named: NamedStatement, message: frontend.Bind) -> Portal:
        """Return the portal of a statement that the gateway executes."""
        prepared = named.prepared
        if prepared.lane is Lane.DECLARE:
            return await self._cursors.bind_declare(prepared, named.parameter_oids, message, self._preparation.prepare)
        if prepared.lane in (Lane.FETCH, Lane.MOVE):
            return await self._cursors.bind_fetch(prepared, message)
        if prepared.lane is Lane.EXECUTE:
            return await self._in_sql.bind(prepared, message)
        if prepared.lane.is_command:
            require_values(message, len(named.parameter_oids))
            return Portal.of_command(prepared)
        return await self._engine.bind(named, self._role.names(), message)

    async def _parse(self, message: frontend.Parse) -> None:
        refuse_reserved(message.name, "prepared statement")
        if not message.name:
            self._statements.end_unnamed()  # whether this one succeeds or not
        known = None if self._path_changed else self._preparation.relayed.get(message.query)
        statements = (known.statement,) if known is not None else await self._preparation.cut(message.query)
        if len(statements) > 1:
            raise SqlError(SqlState.SYNTAX_ERROR, "cannot insert multiple commands into a prepared statement")
        if self._path_changed:
            await self._owed.drain()
            await self._engine.read_settings()
            self._path_changed = False
        prepared = known or await self._preparation.prepare(statements[0])
        if prepared.lane.is_command and statements[0].kind not in _DESCRIBED:
            message = frontend.Parse(message.name, name_keeper(self._mirror.status), ())  # the gateway executes
        elif prepared.lane.is_answered or prepared.lane is Lane.DECLARE:
            if prepared.query is not None:
                await self._owed.drain()  # its errors are told with their places in the client's text
                await self._engine.describe(NamedStatement(prepared.query, message.parameter_oids), self._role.names())
            message = frontend.Parse(message.name, prepared.described_as, message.parameter_oids)
        named = NamedStatement(prepared, message.parameter_oids)
        self._unnamed.made(message)
        self._owed.send(message, b"1", self._statements.parsing(message.name, named))

    async def _bind(self, message: frontend.Bind) -> None:
        named = self._statements.get(message.statement)
        if named is None or named.prepared.lane is not Lane.RELAY:
            await self._owed.drain()  # it may say that the statement could not be made, or was closed
            named = self._statements.require(message.statement)
        if not message.portal:
            await self._cursors.drop("")
        refuse_reserved(message.portal, "cursor")
        if message.portal in self._portals:
            raise SqlError(SqlState.DUPLICATE_CURSOR, f'cursor "{message.portal}" already exists')
        await self._preparation.renew(named)
        if named.prepared.lane is Lane.RELAY:
            if named.prepared.statement.about_gateway:
                await self._services.tell_gateway(named.prepared.statement.text)
            self._relayed[message.portal] = named.prepared.statement
            self._unnamed.used(message.statement)
            self._owed.send(message, b"2")
            return
        await self._owed.drain()
        require_formats(message)
        self._portals[message.portal] = await self._bound(named, message)
        self._client.send(backend.BindComplete())

    async def _describe(self, message: frontend.Describe) -> None:
        if message.kind == "P" and (portal := self._portals.get(message.name)) is not None:
            await self._owed.drain()
            portal.describe(self._client)
            return
        if message.kind == "S":
            await self._owed.require_statement(message.name)
            self._unnamed.used(message.name)
        self._owed.send(message, b"Tn")

    async def _execute(self, message: frontend.Execute) -> None:
        portal = self._portals.get(message.portal)
        if portal is None:
            relayed = self._relayed.get(message.portal)
            self._unsynced = True
            if relayed is not None:
                self._temporary.filling(relayed)
            self._path_changed = self._path_changed or (relayed is not None and changes_search_path(relayed))
            if relayed is not None and (self._access.ends_here(relayed) or role_to_set(relayed) is not None):
                await self._owed.drain()
                await self._role.let_set_role(relayed)
                commit = self._access.commit if self._access.ends_here(relayed) else None
                await self._owed.execute_alone(message, commit)
                self._executed(relayed)
                return
            self._owed.send(message, b"CIs", lambda: self._executed(*([relayed] if relayed else [])))
            return
        await self._owed.drain()
        if portal.prepared.lane.is_command:
            statement = portal.prepared.statement
            if statement.kind is Kind.ACCESS and self._unsynced and not self._in_block and self._mirror.status == "I":
                raise not_here(statement)
            await self._command(portal)
        elif portal.prepared.lane is Lane.LOAD:
            await self._load.execute(portal, max(message.max_rows, 0))
        else:
            await self._cursors.check(portal)
            await self._engine.execute(portal, max(message.max_rows, 0))

    async def _close(self, message: frontend.Close) -> None:
        if message.kind == "P" and (portal := self._portals.get(message.name)) is not None:
            await self._owed.drain()
            await self._cursors.drop(message.name)
            if portal.declared is None:
                self._client.send(backend.CloseComplete())
                return
        self._owed.send(
            closing(message), b"3", lambda: self._statements.close(message.name) if message.kind == "S" else None
        )

    async def _flush(self, _message: frontend.Flush) -> None:
        await self._owed.drain()
        await self._client.flush()

    async def _call(self, _message: frontend.FunctionCall) -> None:
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, "function calls by message are not supported")

    async def _sync(self, _message: frontend.Sync) -> None:
        await self._synced()
        self._ready()
        await self._client.drain()

    async def _synced(self) -> None:
        error: bytes | None = None
        if not self._mirror.is_untouched and (self._unsynced or not self._engine.needs_no_sync):
            self._mirror.write(frontend.Sync().encode())
            error = await self._mirror.relay_until_ready(self._owed.take, self._client.drain)
        self._owed.clear()
        self._temporary.synced(failed=error is not None)
        if self._unsynced:  # what was executed may have been rolled back
            self._engine.settings_changed()
        self._path_changed = self._unsynced = self._in_block = False
        await self._role.end_set_role()
        if self._mirror.status == "I":
            self._relayed.clear()
            await self._cursors.transaction_ended()
        await self._cursors.reap()

    # What the audit asks --------------------------------------------------------------------------------------------

    def who(self) -> tuple[Principal, Mapping[str, str], str]:
        """Return the principal, the session's reported settings and the database."""
        with suppress(SqlError):
            self._who = self._role.principal()
        return self._who, self._mirror.parameters, self._services.database

    def statement_text(self, name: str) -> str | None:
        """Return the text of a prepared statement."""
        named = self._statements.get(name)
        return named.prepared.statement.text if named is not None else None

    def _asker(self) -> Asker:
        return Asker(self._role.names(), self._role.principal())

    async def _answer(self, statement: Statement) -> pa.RecordBatch:
        return await self._own.answer(statement)

    async def _command(self, portal: Portal) -> None:
        """Carry out a statement that is the gateway's own."""
        statement, lane = portal.prepared.statement, portal.prepared.lane
        if lane is Lane.DECLARE:
            await self._cursors.declare(portal)
        elif lane is Lane.MOVE:
            await self._cursors.move(portal)
        elif lane is Lane.PREPARE:
            await self._in_sql.prepare(portal.prepared)
        else:
            if statement.kind is Kind.AUTHORIZATION:
                self._unsynced |= self._mirror.extended  # it may be rolled back yet
            await self._own.run(statement, in_block=self._in_block)

    def _executed(self, *statements: Statement, tried: Sequence[Statement] = ()) -> None:
        """Keep step with statements of the mirror that changed the session (``set_config`` is among the queries). None:
        the text has failed; those of it that were ``tried`` may have been committed."""
        self._engine.settings_changed()
        self._temporary.changed(*(statements or tried))
        self.parking.executed(statements or tried)
        self._repeated.executed(statements or tried)
        for statement in statements:
            self._cursors.executed(statement)
            if statement.kind in (Kind.SESSION, Kind.PREPARE):
                self._statements.executed(statement)
                self._access.executed(statement)
                self._in_block = statement.head in {"BEGIN", "START"} or (
                    self._in_block and statement.head not in {"COMMIT", "END", "ABORT"}
                )

    # Ends -----------------------------------------------------------------------------------------------------------

    async def _fail(self, error: SqlError) -> None:
        """Tell the client; in the extended protocol the connection then skips to Sync by itself."""
        self._temporary.synced(failed=True)
        if await self._owed.ends_in_error() or isinstance(error, AlreadySent):
            return  # the mirror failed first: the client sees that error alone
        _log.info("error", sqlstate=str(error.sqlstate))
        self._client.send(error_response(error))
        self._statements.failed()
        await self._mirror.fail()

    def _ready(self) -> None:
        if self._mirror.status == "I":
            self._access.ended()
            self._in_block = False
        self._unasked.tell_all()
        self._client.send(backend.ReadyForQuery(self._mirror.status))  # type: ignore[arg-type]

    async def cancel(self, reason: SqlError) -> None:
        """End the statement that runs, if one does. Work of the mirror is cancelled there and answers itself."""
        if not self._work.is_running or self._work.ended_by is not None:
            return
        if self._engine.busy or self._preparation.busy or self._own.busy:
            self._work.end(reason)
        else:
            self._engine.ended_by = reason  # should the engine's turn be about to come
            await self._mirror.cancel()

    async def protocol_error(self, error: RemoteProtocolError, *, ready: bool) -> None:
        """Answer a message that was malformed but whose end is known."""
        self._straight.disturbed()
        if ready and await self._owed.skips():
            return
        await self._fail(SqlError(SqlState(error.sqlstate), error.message))
        if ready:
            self._ready()

    @property
    def busy(self) -> bool:
        """Whether a message is being carried out or a transaction is open."""
        return self._work.is_running

    def shown(self) -> Shown:
        """Return the session as others may see it."""
        mirror, application = self._mirror, self._mirror.parameters.get("application_name", "")
        return Shown(
            mirror.number, self.identity.role, application, self._client.peer, mirror.status, self._client.activity
        )

    @property
    def in_transaction(self) -> bool:
        """Whether the client has opened a transaction."""
        return self._mirror.status != "I"

    async def close(self) -> None:
        """Stop everything and say goodbye to the mirror."""
        await self.parking.done()
        self._straight.close()
        self._client.left()
        self._temporary.room.close()
        try:
            await self._cursors.close()
            if self._mirror.unsettled:  # a server at work does not notice that nobody listens
                await self._mirror.cancel()
        except (SqlError, OSError):
            pass  # it is gone already
        finally:
            self._mirror.close()
