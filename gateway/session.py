"""A client's session after login: each message of the protocol carried out, on the lane of its statement.

The mirror's session is the session's state: settings, transactions and prepared statements live there, so their rules
and errors are PostgreSQL's own. Statements of the engine's lane are described there, and executed here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import structlog

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from catalog.tables import Catalog
from gateway.audit.audit import Audit
from gateway.audit.witness import Client, Witness
from gateway.authentication.identity import Identity
from gateway.credentials import GetPrincipal, check_credential, require_principal
from gateway.engine_lane import EngineLane, Portal
from gateway.lake import Lake
from gateway.logs import soon
from gateway.prepared import LONG_TEXT, Lane, NamedStatement, NamedStatements, PreparedStatement, StatementCache
from gateway.relay.mirror_connection import MirrorConnection, MirrorLost
from gateway.sql.resolve import Names
from gateway.sql.statements import Kind, Statement, known_cut, require_one_reading, split
from gateway.told_errors import error_response, moved, told_error
from gateway.wire import backend, frontend
from gateway.wire.errors import RemoteProtocolError
from policies.access import Access, Narrowed

_log = structlog.get_logger(__name__)
_SIMPLE = frozenset({frontend.Query, frontend.FunctionCall})  # each ends with ReadyForQuery


@dataclass(frozen=True, slots=True)
class SessionServices:
    """What a session shares with others. ``get_principal`` is asked for every statement."""

    lake: Lake
    statements: StatementCache
    get_principal: GetPrincipal
    refresh: Callable[[tuple[str, ...] | None], Awaitable[None]]
    change_masking: Callable[[Statement, Principal, Names], Awaitable[str]]
    database: str
    audit: Audit


@dataclass(frozen=True, slots=True)
class _Owed:
    """An answer that the mirror still owes: the types of message that may end it, and what it settles."""

    ends: bytes
    settled: Callable[[], None] | None = None


class Session:
    """Carries out a client's messages, one at a time."""

    def __init__(self, services: SessionServices, identity: Identity, mirror: MirrorConnection, client: Client) -> None:
        self._services = services
        self.identity = identity
        self._mirror = mirror
        self._who = self._principal()  # as he was last known
        self._client = Witness(client, services.audit, self)
        self._engine = EngineLane(services.lake, services.statements, self._principal, mirror, self._client)
        self._statements = NamedStatements()
        self._portals: dict[str, Portal] = {}
        self._relayed: dict[str, Statement] = {}  # what the mirror's portals were made of
        self._known_names: tuple[tuple[Catalog, Access | Narrowed, str, Principal], Names] | None = None
        self._expected: deque[_Owed] = deque()
        self._path_changed = False  # search_path, maybe, and the mirror tells only at Sync
        self._unsynced = False  # something was executed there since Sync: any setting may have changed
        self._interruptible = False  # work of the gateway's own goes on, which `cancel` may break off
        self._running: asyncio.Task[None] | None = None
        self._ended_by: SqlError | None = None

    # One method a message -------------------------------------------------------------------------------------------

    async def handle(self, message: frontend.FrontendMessage) -> None:
        """Carry out one message; errors a client can see have been sent when this returns, but for SessionEnded."""
        check_credential(self.identity, self._services.get_principal, message)
        simple = type(message) in _SIMPLE
        self._mirror.extended = not simple
        try:
            await self._cancellable(self._dispatch(message))
        except (RemoteProtocolError, MirrorLost, ConnectionError):
            raise
        except SqlError as error:
            await self._fail(error)
        except Exception:
            _log.exception("internal error")
            await self._fail(
                SqlError(
                    SqlState.INTERNAL_ERROR,
                    "internal error",
                    detail="The gateway's log has it under this statement's correlation id: "
                    f"{structlog.contextvars.get_contextvars().get('statement', 'unknown')}.",
                )
            )
        if simple:
            self._ready()

    async def _dispatch(self, message: frontend.FrontendMessage) -> None:
        await self._client.receive(message)
        match message:
            case frontend.Query():
                await self._query(message)
            case frontend.Parse():
                await self._parse(message)
            case frontend.Bind():
                await self._bind(message)
            case frontend.Describe():
                await self._describe(message)
            case frontend.Execute():
                await self._execute(message)
            case frontend.Close():
                await self._close(message)
            case frontend.Flush():
                await self._drain_mirror()
                await self._client.flush()
            case frontend.Sync():
                await self._sync()
            case frontend.FunctionCall():
                raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, "function calls by message are not supported")
            case _:  # CopyData and its kin outside of COPY are ignored, as PostgreSQL does
                return

    async def _query(self, message: frontend.Query) -> None:
        await self._drain_mirror()  # of messages that no Sync has followed
        if self._unsynced:
            await self._engine.read_settings()
            self._unsynced = False
        started = monotonic()
        statements = await self._cut(message.query)
        prepared: list[PreparedStatement] = []
        for statement in statements:
            if prepared:
                await asyncio.sleep(0)  # thousands of statements must not keep other sessions waiting
            prepared.append(await self._prepare(statement))
        await self._drop_portal("")
        self._statements.close("")
        if all(one.lane is Lane.RELAY for one in prepared):
            self._mirror.write(message.encode())
            error = await self._mirror.relay_until_ready(self._pass_on, self._client.drain)
            if error is None:
                self._executed(*statements)
            soon(_log.info, "statement", lane="relay", milliseconds=_since(started))
        else:
            for one in prepared:
                await self._query_one(one)
        if self._mirror.status != "T":
            await self._drop_portals()

    async def _query_one(self, prepared: PreparedStatement) -> None:
        if prepared.lane is Lane.RELAY:
            self._mirror.write(frontend.Query(prepared.statement.text).encode())
            start = prepared.statement.start
            error = await self._mirror.relay_until_ready(lambda data: self._pass_on(data, start), self._client.drain)
            if error is not None:
                raise _AlreadySent()
            self._executed(prepared.statement)
            return
        if prepared.lane.is_command:
            await self._command(prepared)
            return
        portal = await self._engine.bind(NamedStatement(prepared, ()), self._names())
        try:
            self._describe_rows(portal)
            await self._engine.execute(portal, 0)
        finally:
            await portal.close()

    async def _parse(self, message: frontend.Parse) -> None:
        statements = await self._cut(message.query)
        if len(statements) > 1:
            raise SqlError(SqlState.SYNTAX_ERROR, "cannot insert multiple commands into a prepared statement")
        if self._path_changed:
            await self._drain_mirror()
            await self._engine.read_settings()
            self._path_changed = False
        prepared = await self._prepare(statements[0])
        if prepared.lane.is_command:
            message = frontend.Parse(message.name, "", ())  # the mirror keeps the name; the gateway executes
        named = NamedStatement(prepared, message.parameter_oids)
        self._to_mirror(message, b"1", self._statements.parsing(message.name, named))

    async def _bind(self, message: frontend.Bind) -> None:
        named = self._statements.get(message.statement)
        if named is None or named.prepared.lane is not Lane.RELAY:
            await self._drain_mirror()  # it may say that the statement could not be made, or was closed
            named = self._statements.get(message.statement)
        if named is None:
            which = f'prepared statement "{message.statement}"' if message.statement else "unnamed prepared statement"
            raise SqlError(SqlState.UNDEFINED_PSTATEMENT, f"{which} does not exist")
        if not message.portal:
            await self._drop_portal("")
        if message.portal in self._portals:
            raise SqlError(SqlState.DUPLICATE_CURSOR, f'cursor "{message.portal}" already exists')
        if named.prepared.lane is Lane.RELAY:
            self._relayed[message.portal] = named.prepared.statement
            self._to_mirror(message, b"2")
            return
        if named.prepared.lane.is_command:
            self._portals[message.portal] = Portal.of_command(named.prepared)
        else:  # planned again where the catalogue, the grants or the search path have changed since
            named.prepared = await self._prepare(named.prepared.statement)
            self._portals[message.portal] = await self._engine.bind(named, self._names(), message)
        self._client.send(backend.BindComplete())

    async def _describe(self, message: frontend.Describe) -> None:
        if message.kind == "P" and (portal := self._portals.get(message.name)) is not None:
            await self._drain_mirror()
            self._describe_rows(portal)
            return
        self._to_mirror(message, b"Tn")

    def _describe_rows(self, portal: Portal) -> None:
        if portal.described is not None:
            self._client.relay(portal.described)
        else:
            self._client.send(portal.row_description())

    async def _execute(self, message: frontend.Execute) -> None:
        portal = self._portals.get(message.portal)
        if portal is None:
            relayed = self._relayed.get(message.portal)
            self._unsynced = True
            self._path_changed = self._path_changed or (relayed is not None and changes_search_path(relayed))
            self._to_mirror(message, b"CIs", lambda: self._executed(*([relayed] if relayed else [])))
            return
        await self._drain_mirror()
        if portal.prepared.lane.is_command:
            await self._command(portal.prepared)
        else:
            await self._engine.execute(portal, max(message.max_rows, 0))

    async def _close(self, message: frontend.Close) -> None:
        if message.kind == "P" and message.name in self._portals:
            await self._drain_mirror()
            await self._drop_portal(message.name)
            self._client.send(backend.CloseComplete())
            return
        self._to_mirror(message, b"3", lambda: self._statements.close(message.name) if message.kind == "S" else None)

    async def _sync(self) -> None:
        self._mirror.write(frontend.Sync().encode())
        await self._mirror.relay_until_ready(self._take, self._client.drain)
        self._expected.clear()
        self._path_changed = self._unsynced = False
        if self._mirror.status != "T":
            self._relayed.clear()
            await self._drop_portals()
        self._ready()
        await self._client.drain()

    # What the audit asks --------------------------------------------------------------------------------------------

    def who(self) -> tuple[Principal, Mapping[str, str], str]:
        """Return the principal, the session's reported settings and the database."""
        self._who = self._services.get_principal(self.identity) or self._who
        return self._who, self._mirror.parameters, self._services.database

    def statement_text(self, name: str) -> str | None:
        """Return the text of a prepared statement."""
        named = self._statements.get(name)
        return named.prepared.statement.text if named is not None else None

    # Lanes ----------------------------------------------------------------------------------------------------------

    async def _cut(self, text: str) -> tuple[Statement, ...]:
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
            await self._drain_mirror()
            await self._engine.refuse(statements[0])
        return statements

    def _principal(self) -> Principal:
        return require_principal(self.identity, self._services.get_principal)

    async def _prepare(self, statement: Statement) -> PreparedStatement:
        services = self._services
        self._interruptible = True
        try:
            return await services.statements.prepare(statement, self._names(), self._principal(), services.lake)
        except SqlError as error:
            raise moved(error, statement.start) from None
        finally:
            self._interruptible = False

    def _names(self) -> Names:
        lake, principal = self._services.lake, self._principal()
        path, catalog, access = self._mirror.parameters.get("search_path", ""), lake.catalog, lake.access
        if self._known_names is not None:
            known, names = self._known_names
            if known[0] is catalog and known[1] is access and known[2:] == (path, principal):
                return names
        names = self._new_names(path, principal, catalog, access)
        self._known_names = (catalog, access, path, principal), names
        return names

    def _new_names(self, path: str, principal: Principal, catalog: Catalog, access: Access | Narrowed) -> Names:
        def visible(name: TableName) -> bool:
            return access.may_select(principal, name)

        def columns(name: TableName) -> frozenset[str] | None:
            return access.columns(principal, name)

        relations, database = self._services.lake.system_relations, self._services.database
        return Names(catalog, relations, search_path(path, principal.name), visible, database, columns)

    def _executed(self, *statements: Statement) -> None:
        """Keep step with statements of the mirror that changed the session (``set_config`` is among the queries)."""
        self._engine.settings_changed()
        for statement in statements:
            if statement.kind is Kind.SESSION:
                self._statements.executed(statement)

    async def _command(self, prepared: PreparedStatement) -> None:
        """Carry out a statement that is the gateway's own."""
        if (statement := prepared.statement).kind is Kind.REFRESH:
            await self._refresh(statement)
            return
        if self._mirror.status != "I":
            raise SqlError(SqlState.ACTIVE_SQL_TRANSACTION, f"this {statement.head} cannot run inside a transaction")
        tag = await self._services.change_masking(statement, self._principal(), self._names())
        self._client.send(backend.CommandComplete(tag))

    async def _refresh(self, statement: Statement) -> None:
        words = statement.text.split()
        names = None if len(words) < 3 else (words[2].strip('"'),)
        if names is not None and names[0] not in self._services.lake.sources:
            raise SqlError(SqlState.UNDEFINED_OBJECT, f'source "{names[0]}" does not exist')
        self._client.reading("refresh")
        self._interruptible = True
        try:
            await self._services.refresh(names)
        finally:
            self._interruptible = False
        self._client.send(backend.CommandComplete("REFRESH SOURCE"))

    # The mirror -----------------------------------------------------------------------------------------------------

    def _to_mirror(
        self, message: frontend.FrontendMessage, ends: bytes, settled: Callable[[], None] | None = None
    ) -> None:
        self._mirror.write(message.encode())
        self._expected.append(_Owed(ends, settled))

    async def _drain_mirror(self) -> None:
        """Pass on the answers the mirror still owes, so that ours come after them."""
        if not self._expected:
            return
        self._mirror.write(frontend.Flush().encode())
        while self._expected:
            message = await self._mirror.message()
            self._take(message)
            if message[:1] == b"E":
                raise _AlreadySent()
            if message[:1] == b"D":
                await self._client.drain()

    def _take(self, message: bytes) -> None:
        """Pass an answer of the mirror on, and do what it settles."""
        self._pass_on(message)
        kind = message[:1]
        if kind == b"E":
            self._expected.clear()
            self._statements.failed()
        elif self._expected and kind in self._expected[0].ends:
            owed = self._expected.popleft()
            if owed.settled is not None:
                owed.settled()

    def _pass_on(self, data: bytes, start: int = 0) -> None:
        self._client.relay(told_error(data, start) if data[:1] == b"E" else data)

    # Ends -----------------------------------------------------------------------------------------------------------

    async def _fail(self, error: SqlError) -> None:
        """Tell the client; in the extended protocol the connection then skips to Sync by itself."""
        try:
            await self._drain_mirror()
        except _AlreadySent:  # the mirror failed first: the client sees that error alone
            return
        if isinstance(error, _AlreadySent):
            return
        _log.info("error", sqlstate=str(error.sqlstate))
        self._client.send(error_response(error))
        self._statements.failed()
        await self._mirror.fail()

    def _ready(self) -> None:
        self._client.send(backend.ReadyForQuery(self._mirror.status))  # type: ignore[arg-type]

    async def _cancellable(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work in a task that `cancel` can end from outside, with the reason it gives."""
        self._ended_by = self._engine.ended_by = None
        self._running = asyncio.create_task(work)
        try:
            await self._running
        except asyncio.CancelledError:
            if self._ended_by is None or not self._running.cancelled():
                raise
            raise self._ended_by from None
        finally:
            if not self._running.done():
                self._running.cancel()
                await asyncio.gather(self._running, return_exceptions=True)
            self._running = None

    async def cancel(self, reason: SqlError) -> None:
        """End the statement that runs, if one does. Work of the mirror is cancelled there and answers itself."""
        if self._running is None:
            return
        if self._engine.busy or self._interruptible:
            self._ended_by = reason
            self._running.cancel()
        else:
            self._engine.ended_by = reason  # should the engine's turn be about to come
            await self._mirror.cancel()

    async def protocol_error(self, error: RemoteProtocolError, *, ready: bool) -> None:
        """Answer a message that was malformed but whose end is known."""
        await self._fail(SqlError(SqlState(error.sqlstate), error.message))
        if ready:
            self._ready()

    @property
    def busy(self) -> bool:
        """Whether a message is being carried out or a transaction is open."""
        return self._running is not None

    @property
    def in_transaction(self) -> bool:
        """Whether the client has opened a transaction."""
        return self._mirror.status != "I"

    async def close(self) -> None:
        """Stop everything and say goodbye to the mirror."""
        self._client.left()
        try:
            await self._drop_portals()
            if self._mirror.unsettled:  # a server at work does not notice that nobody listens
                await self._mirror.cancel()
        except (SqlError, OSError):
            pass  # it is gone already
        finally:
            self._mirror.close()

    async def _drop_portal(self, name: str) -> None:
        portal = self._portals.pop(name, None)
        if portal is not None:
            await portal.close()

    async def _drop_portals(self) -> None:
        for name in [*self._portals]:
            await self._drop_portal(name)


class _AlreadySent(SqlError):
    """The error has reached the client as the mirror's own message."""

    def __init__(self) -> None:
        super().__init__(SqlState.INTERNAL_ERROR, "already sent")


def search_path(setting: str, user: str) -> tuple[str, ...]:
    """Return the schemas of a ``search_path`` setting, ``$user`` replaced; quoted names keep their case."""
    parts = [part.strip() for part in setting.split(",")] if setting else ["$user", "public"]
    names = (part[1:-1].replace('""', '"') if part.startswith('"') else part.lower() for part in parts)
    return tuple(user if name == "$user" else name for name in names if name)


def changes_search_path(statement: Statement) -> bool:
    """Say whether a statement may change ``search_path``, or end what changed it for a time."""
    words = {"SET", "RESET", "DISCARD", "COMMIT", "END", "ROLLBACK", "ABORT"}
    return statement.head in words or "set_config" in statement.text.lower()


def _since(started: float) -> float:
    return round((monotonic() - started) * 1000, 3)
