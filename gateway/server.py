"""The server: everything a gateway needs is started, clients are served, and all of it is stopped in order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import structlog

from catalog.analyzed import Analyzed
from catalog.errors import SqlError
from catalog.history import ToldPin
from catalog.mirror.access_statements import AccessOutcome, AccessRequest
from catalog.names import TableName
from catalog.pins import Pin, changed_table
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from gateway import garbage_collection
from gateway.activity import as_json
from gateway.answers_together import AnswersTogether
from gateway.audit.audit import Audit
from gateway.authentication.issuers import Issuers
from gateway.authentication.throttle import Throttle, Waiting
from gateway.configuration.auth import TOKEN_METHODS
from gateway.configuration.config import Address, Config
from gateway.explaining.advice import expected_of
from gateway.explaining.explain import hides
from gateway.history.advising import Known, advise
from gateway.history.log import Facts, HistoryLog
from gateway.http.readiness import Check, Readiness, check_dependencies
from gateway.lake import ASKED_PATIENCE, FIRST_PATIENCE, PATIENCE
from gateway.lanes.prepared import StatementCache
from gateway.login import LoginServices, Sessions
from gateway.login_methods import Authentication, Directory
from gateway.metadata import Metadata
from gateway.mirror_logins import MirrorLogins
from gateway.net import ClientConnection, Limits
from gateway.officers.row_policies import PolicyJudge
from gateway.session_news import follow_sessions, keep_history
from gateway.sessions.parking import make_room, park_idle
from gateway.sessions.services import SessionServices
from gateway.sources import AUDIT, open_lake
from gateway.sql.resolve import Names
from gateway.sql.statements import Kind, Statement, asks_about_history, asks_about_sessions
from gateway.tls import TlsFiles
from gateway.told_errors import moved
from gateway.tried_again import log_failure
from optimizer import cost
from policies.access import Narrowed

if TYPE_CHECKING:
    from gateway.metrics import Metrics

_log = structlog.get_logger(__name__)
_PATIENCE_FOR_CHANGES = 10.0  # seconds
_RETRY = 1.0  # seconds until roles and grants are looked at again after a failure
_STOPPED = "terminating connection due to administrator command"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the gateway listens, with the ports that were really taken."""

    postgres: Address
    http: Address | None


class Gateway:
    """A running gateway: its connections, and the way out."""

    def __init__(self, config: Config, metadata: Metadata, audit: Audit, absent: frozenset[str] = frozenset()) -> None:
        self._config = config
        self._audit = audit
        self._absent = absent  # sources of which there are tables and no server, as in rehearsals
        self.metadata = metadata
        self.lake = open_lake(config, metadata)
        self.lake.history = HistoryLog(
            metadata.history.add, Facts(lambda plan: hides(plan, self.lake), lambda plan: expected_of(plan, self.lake))
        )
        limits = config.server.max_connections, config.server.reserved_connections
        self.sessions = Sessions(*limits, audit, metadata.end_elsewhere, metadata.cancels)
        self._connections: set[ClientConnection] = set()
        self._answers = AnswersTogether()
        self._draining = False
        self._others: str | None = None  # what was said of other gateways
        self._taking = asyncio.Lock()  # access is taken over by one at a time
        self._grants_changed = asyncio.Event()
        self._statements = StatementCache()
        self._mirror_logins = MirrorLogins(metadata.login_state)
        metadata.numbers.make_room = partial(make_room, self.sessions)
        self.tls = TlsFiles(config.server)
        self._waiting = Waiting(config.auth.max_unauthenticated, config.auth.max_unauthenticated_of_address)
        self._authentication = _authentication(config, metadata)

    async def start(self) -> None:
        """Show the tables last known, then look at the sources; one that does not answer keeps nobody waiting."""
        known = await asyncio.to_thread(self.metadata.load_catalog)
        if known is not None:
            self.lake.remember(known)
        await self._take_found()
        await self.refresh(None, FIRST_PATIENCE)
        await self._look_at_others()

    async def refresh(self, names: tuple[str, ...] | None, patience: float = ASKED_PATIENCE) -> None:
        """Look at the sources again (all, or those named)."""
        before = self.lake.catalog.failures
        catalog = await self.lake.refresh(self.metadata, names, patience)
        for source, reason in catalog.failures.items():
            if before.get(source) != reason:
                _log.warning("source cannot be read", source=source, reason=reason)

    async def keep_analyzed(self, table: TableName, analyzed: Analyzed) -> None:
        """Keep what ANALYZE has found of a table, and have it count at once."""
        await self.metadata.analyzed.keep(table, analyzed)
        self.lake.take_analyzed({table: analyzed})

    async def _take_found(self) -> None:
        """Take over what is known of rows, found by other gateways or before this one was started."""
        self.lake.take_analyzed(await self.metadata.analyzed.news())
        self.lake.feedback.take(await self.metadata.analyzed.feedback.news())
        await self.take_pins()

    async def keep_current(self) -> None:
        """Look at the sources again and again, and at once when a table has changed, until cancelled."""
        interval = self._config.server.refresh_interval
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(interval or None):
                    await self.lake.outdated.wait()
            self.lake.outdated.clear()
            try:
                await self.refresh(None, PATIENCE)
                await self._look_at_others()
                await self._take_found()
            except Exception as failure:  # the next round may succeed; the catalogue stays as it was
                log_failure(_log, "refresh failed", failure)

    async def _look_at_others(self) -> None:
        """Warn, once, where another gateway serves other sources under the same name."""
        try:
            await self.metadata.check_gateways()
            self._others = None
        except ConnectionError as error:
            if self._others != str(error):
                self._others = str(error)
                _log.warning("gateways differ", reason=self._others)

    async def follow_grants(self) -> None:
        """Take over roles and grants as soon as they change, until cancelled. What was taken away counts whether or not
        the mirror can be changed now.
        """
        showing = asyncio.create_task(self._show_grants())
        try:
            while True:
                try:
                    self._narrow()
                    async for _ in self.metadata.changes():
                        self._narrow()
                        self._grants_changed.set()
                except Exception as failure:  # what was missed is seen when the metadata server answers again
                    log_failure(_log, "roles and grants could not be taken over", failure)
                    await asyncio.sleep(_RETRY)
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)

    async def _show_grants(self) -> None:
        while True:
            self._grants_changed.clear()
            try:
                await self._take_grants()
            except Exception as failure:  # they are narrowed until it succeeds
                log_failure(_log, "roles and grants could not be shown", failure)
                await asyncio.sleep(_RETRY)
            else:
                await self._grants_changed.wait()

    async def _take_grants(self) -> None:
        """What was taken away counts at once, what was given when the mirror shows it."""
        async with self._taking:
            while self.lake.access is not (access := self.metadata.access):
                self._narrow()
                await self.lake.show(self.metadata)
                if self.metadata.access is access:
                    self.lake.access = access

    def _narrow(self) -> None:
        present, access = self.lake.access, self.metadata.access
        if isinstance(present, Narrowed):
            if present.new is not access:
                self.lake.access = Narrowed(present.old, access)
        elif present is not access:
            self.lake.access = Narrowed(present, access)

    async def execute_access(self, request: AccessRequest) -> AccessOutcome:
        """Carry out statements of access; who sent them, and all others here, see their effect when this returns."""
        judge = PolicyJudge(self.lake, self._config.server.database, self._absent)
        outcome = await self.metadata.execute_access(request, judge)
        if request.keep:
            self._grants_changed.set()  # should it fail here, it is tried again
            await self._take_grants()
        return outcome

    async def change_masking(self, statement: Statement, principal: Principal, names: Names) -> str:
        """Carry out a statement on masks or user mappings; when this returns it counts for all that come."""
        try:
            if statement.kind is Kind.USER_MAPPING:
                sources = {name: source for name, source in self.lake.sources.items() if name != AUDIT}
                tag, version = await self.metadata.change_mappings(statement.text, principal, sources)
            else:
                tag, version = await self.metadata.change_masking(statement.text, principal, names)
        except SqlError as error:
            raise moved(error, statement.start) from None
        with suppress(TimeoutError):  # it counts as soon as the mirror can be changed, whatever holds that up
            async with asyncio.timeout(_PATIENCE_FOR_CHANGES):
                while not self.lake.access.version >= version:
                    await asyncio.sleep(0.005)
        return tag

    def connection(self) -> ClientConnection:
        """Make the protocol of one client's connection."""
        services, limits = self._login_services, self._limits
        ended = self._connections.discard
        connection = ClientConnection(services, limits, lambda: self.tls.current, ended, self._answers)
        self._connections.add(connection)
        return connection

    @cached_property
    def _login_services(self) -> LoginServices:
        return LoginServices(
            authentication=self._authentication,
            opening=self.metadata.opening,
            mirror_logins=self._mirror_logins,
            lend=self.metadata.lend,
            take_back=self.metadata.take_back,
            sessions=self.sessions,
            waiting=self._waiting,
            session=self.session_services,
        )

    @cached_property
    def _limits(self) -> Limits:
        server = self._config.server
        return Limits(server.max_message_size, server.authentication_timeout, self._config.engine.idle_session_timeout)

    async def readiness(self) -> Readiness:
        """Say whether clients should come here."""
        checks: dict[str, Check] = {name: _source_check(self, name) for name in self.lake.sources if name != AUDIT}
        checks |= {"policies": self.metadata.check_policies, "gateways": self.metadata.check_gateways}
        if self._audit.is_on:
            checks["audit_store"] = self._audit.check_store
        required: dict[str, Check] = {"metadata": self.metadata.check, "audit": self._audit.check}
        for name, (check, is_required) in self.lake.engine.checks.items():
            (required if is_required else checks)[name] = check
        found = await check_dependencies(required, checks)
        return Readiness(found, draining=self._draining)

    def metrics(self) -> Metrics:
        """Return what the gateway tells of itself in numbers."""
        from gateway.metrics import Measured, Metrics  # its library is one of HTTP

        return Metrics(
            Measured(
                audit=self._audit,
                sessions=self.sessions.shown,
                sessions_limit=self._config.server.max_connections,
                caches=lambda: {"plans": self._statements.state, **self.lake.caches},
                admissions=self.lake.admissions,
                memory_limit=self._config.engine.memory_limit,
                failing_sources=self._failing_sources,
            )
        )

    def _failing_sources(self) -> Mapping[str, bool]:
        return {name: name in self.lake.catalog.failures for name in self.lake.sources if name != AUDIT}

    async def drain(self, stop_now: asyncio.Event) -> None:
        """Take no new clients; give running statements their time, then end all sessions."""
        self._draining = True
        deadline = asyncio.get_running_loop().time() + self._config.server.shutdown_grace
        for connection in [*self._connections]:
            if connection.session is None or not connection.session.busy:
                await connection.end_session(SqlError(SqlState.ADMIN_SHUTDOWN, _STOPPED))
        while any(one.session is not None and one.session.busy for one in self._connections):
            if stop_now.is_set() or asyncio.get_running_loop().time() >= deadline:
                break
            await asyncio.sleep(0.05)
        for connection in [*self._connections]:
            await connection.end_session(SqlError(SqlState.ADMIN_SHUTDOWN, _STOPPED))
        await asyncio.gather(*(one.wait_closed() for one in [*self._connections]))

    async def tell_activity(self) -> None:
        """Have the mirror know what all clients of this gateway do now."""
        await self.metadata.tell_sessions(as_json(self.sessions.shown()))

    async def tell_gateway(self, text: str) -> None:
        """Have the mirror know what a statement may ask of the gateway."""
        if asks_about_sessions(text):
            await self.tell_activity()
        if asks_about_history(text):
            await asyncio.to_thread(self.lake.history.flush)
            known = Known(self.lake.catalog.tables, self.lake.analyzed, self.lake.table_now)
            await self.take_pins()
            tables = {**known.tables, **self.lake.access.views.tables}
            pins = [ToldPin(one, changed_table(one, tables)) for one in self.lake.pins.all()]
            await self.metadata.history.tell(lambda uses: advise(uses, known), pins)

    async def take_pins(self) -> None:
        """Take over the plans that are pinned, here and by other gateways."""
        self.lake.pins.replace(await asyncio.to_thread(self.metadata.pins.load))

    async def pin_plan(self, pin: Pin) -> None:
        """Pin a plan to a statement; it counts at once here, and on other gateways when they look at the sources."""
        await asyncio.to_thread(self.metadata.pins.save, pin)
        await self.take_pins()

    async def unpin_plan(self, queryid: int) -> bool:
        """Drop what is pinned to a statement; return whether anything was."""
        dropped = await asyncio.to_thread(self.metadata.pins.drop, queryid)
        await self.take_pins()
        return dropped

    @cached_property
    def session_services(self) -> SessionServices:
        """What sessions share."""
        return SessionServices(
            lake=self.lake,
            statements=self._statements,
            get_principal=self.metadata.get_principal,
            become=self.metadata.become,
            authorize=self.metadata.authorize,
            keep_analyzed=self.keep_analyzed,
            refresh=self.refresh,
            rows=lambda: self.metadata.rows,
            execute_access=self.execute_access,
            change_masking=self.change_masking,
            answer=self.metadata.answer,
            let_set_role=self.metadata.let_set_role,
            permit=self.metadata.permit,
            tell_gateway=self.tell_gateway,
            pin_plan=self.pin_plan,
            unpin_plan=self.unpin_plan,
            database=self._config.server.database,
            audit=self._audit,
            temporary_limit=self._config.engine.temporary_limit,
            temporary_bytes=self.metadata.temporary_bytes,
        )


async def serve(config: Config, *, ready: Callable[[Endpoints], None] | None = None) -> None:
    """Run a gateway until SIGTERM or SIGINT; a second signal ends running statements at once."""
    stop, stop_now = asyncio.Event(), asyncio.Event()
    _on_signals(stop, stop_now)
    async with running(config, stop_now, _on_hangup) as endpoints:
        _log.info("listening", address=str(endpoints.postgres))
        garbage_collection.leave_little()
        if ready is not None:
            ready(endpoints)
        await stop.wait()
        _log.info("stopping")
    _log.info("stopped")


@asynccontextmanager
async def running(
    config: Config,
    stop_now: asyncio.Event | None = None,
    reloads: Callable[[Callable[[], object]], None] | None = None,
) -> AsyncIterator[Endpoints]:
    """A gateway for the length of a block. ``reloads`` is given what reads certificates again."""
    loop = asyncio.get_running_loop()
    cost.use(config.costs.known)
    async with AsyncExitStack() as stack:
        metadata = await asyncio.to_thread(Metadata.open, config)
        stack.push_async_callback(asyncio.to_thread, metadata.close)
        audit = await asyncio.to_thread(metadata.open_audit, config)
        stack.push_async_callback(asyncio.to_thread, audit.close)
        gateway = Gateway(config, metadata, audit)
        stack.callback(gateway.lake.close)
        await gateway.start()
        listen = config.server.listen
        server = await loop.create_server(gateway.connection, listen.host, listen.port, backlog=512)
        port = server.sockets[0].getsockname()[1]
        http = None
        if config.server.http_listen is not None:
            from gateway.http.health import serve_health  # libraries of HTTP are a tenth of a start without it

            metrics = gateway.metrics().text if config.server.tells_metrics else None
            serving = serve_health(config.server.http_listen, gateway.readiness, metrics)
            http = await stack.enter_async_context(serving)
        tasks = [
            loop.create_task(work)
            for work in (
                *(gateway.keep_current(), gateway.follow_grants(), gateway.tls.follow(), metadata.retire(audit)),
                park_idle(gateway.sessions, config.server.idle_process_timeout),
                follow_sessions(gateway.sessions, gateway.tell_activity, metadata.take_signals),
                keep_history(gateway.lake.history),
            )
        ]
        if reloads is not None:
            reloads(gateway.tls.reload)
        try:
            yield Endpoints(Address(listen.host, port), http)
        finally:
            server.close()
            await gateway.drain(stop_now or asyncio.Event())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(gateway.lake.history.flush)


def _on_signals(stop: asyncio.Event, stop_now: asyncio.Event) -> None:
    def on_signal() -> None:
        if stop.is_set():
            stop_now.set()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)


def _on_hangup(reload: Callable[[], object]) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)


def _authentication(config: Config, metadata: Metadata) -> Authentication:
    auth = config.auth
    if any(rule.method in TOKEN_METHODS for rule in auth.effective_rules):
        from gateway.authentication import tokens  # noqa: F401 - now, and not while sessions wait for the first one

    return Authentication(
        rules=auth.effective_rules,
        maps=auth.maps,
        directory=Directory(metadata.get_role, metadata.memberships, metadata.get_api_key, metadata.note_use),
        issuers=Issuers(),
        throttle=Throttle(
            of_user=auth.failed_logins, of_address=auth.failed_logins_of_address, longest_ban=auth.longest_ban
        ),
        secret=metadata.secret,
    )


def _source_check(gateway: Gateway, name: str) -> Callable[[], asyncio.Future[None]]:
    async def check() -> None:
        reason = gateway.lake.catalog.failures.get(name)
        if reason is not None:
            raise ConnectionError(reason)

    return lambda: asyncio.ensure_future(check())
