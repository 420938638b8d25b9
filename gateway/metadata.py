"""The metadata server as a gateway uses it: roles, grants, the last catalogue, and the mirror.

What blocks is called in threads. Roles and grants are held as one immutable value that is replaced when they change.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import psycopg
import pyarrow as pa
import structlog
from psycopg.conninfo import make_conninfo

from catalog.errors import SqlError
from catalog.function_database import open_function_database
from catalog.mirror.access_statements import AccessOutcome, AccessRequest, Checks, JudgePolicies
from catalog.mirror.mirror import open_mirror
from catalog.names import always_quoted
from catalog.own_settings import OWN_SETTINGS
from catalog.own_views import STAT_STATEMENTS
from catalog.principals import Principal
from catalog.remote_logins import RemoteLogins, UserMapping
from catalog.scans import Source
from catalog.server import Server, ServerError, external, start
from catalog.sqlstate import SqlState
from catalog.store.audit_store import READER, AuditStore
from catalog.store.connection import DATABASE
from catalog.store.gateways import connection_name
from catalog.store.listener import Ears
from catalog.store.rows import AccessRows, ApiKey, Membership
from catalog.store.store import Store, open_store
from catalog.tables import Catalog
from gateway.analyze.kept import KeptStatistics
from gateway.audit.audit import Audit
from gateway.audit.journal import Journal
from gateway.audit.retention import retire
from gateway.authentication.identity import Identity
from gateway.authentication.passwords import DEFAULT_MIN_LENGTH, check_password
from gateway.authentication.scram import parse_verifier, verifier
from gateway.cancel_orders import CancelOrders
from gateway.configuration.config import DEFAULT_GRACE, Config
from gateway.configuration.config import Audit as AuditConfig
from gateway.evaluation.evaluator import Evaluator
from gateway.history.kept import KeptHistory, KeptPins
from gateway.lent_memberships import LentMemberships, lendable
from gateway.login_methods import Role
from gateway.officers.masking import MaskingCommands
from gateway.officers.policy_answers import PolicyAnswers
from gateway.officers.user_mappings import MappingCommands
from gateway.relay.mirror_login import mirror_target
from gateway.relay.mirror_opening import Opening, ProcessNumbers
from gateway.sessions.services import Permit
from gateway.sql.engine_dialect.mask_functions import Keyring
from gateway.sql.resolve import Names
from gateway.sql.source_words import PURE_FUNCTIONS
from gateway.tried_again import log_failure
from policies.access import Access
from policies.claims import with_proved
from policies.roles import Roles
from policies.simulation import authorized, logged_in_as, may_authorize
from policies.states import in_force
from policies.tags import mask_faults, renamed

_log = structlog.get_logger(__name__)
Logins = tuple[UserMapping, ...]  # at sources
_MOST_PRINCIPALS = 4096  # of sessions, that are at hand
_RETIRE = 6 * 3600.0  # seconds between two looks at what the audit need not keep any more
_SYSTEM_RELATIONS = (
    "SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 'v')"
)


class Metadata:
    """Everything a gateway keeps in PostgreSQL."""

    def __init__(
        self,
        server: Server,
        database: str,
        defaults: Mapping[str, str],
        password_min_length: int = DEFAULT_MIN_LENGTH,
        grace: float = DEFAULT_GRACE,
    ) -> None:
        """``grace`` is how long, in seconds, what is known of access counts where the server does not answer."""
        self._server = server
        self._database = database
        self._store: Store = open_store(server)
        self.secret = self._store.require_secret("mock_scram")
        self._mirror = open_mirror(server, self._store.require_secret("mirror"), database, defaults)
        functions = open_function_database(server, self._store.require_secret("mirror"))
        self.evaluator = Evaluator(functions)
        self.analyzed = KeptStatistics(self._store.analyzed, self._store.feedback, database)
        self.history = KeptHistory(self._store.history, self._store.column_use, database, self._mirror.tell_history)
        self.pins = KeptPins(self._store.pins, database)
        secret = self._store.require_secret("cancel_orders")
        self.cancels = CancelOrders(secret, database, self._mirror.numbers, self._store.tell_cancels)
        self.numbers = ProcessNumbers(self._mirror.numbers, self._note_process)
        self.masking = MaskingCommands(self._store, self._mirror)
        self._mappings = MappingCommands(self._store)
        self.keyring = Keyring()
        self.remote_logins = RemoteLogins()
        self._password_min_length = password_min_length
        self._grace = grace
        # Of its own: what was taken away must not wait for threads that wait for the mirror.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="access")
        self._current_at = math.inf  # when the rows were last the store's, for certain; of time.monotonic
        self._noted: set[str] = set()
        self._lent = LentMemberships()
        self._audit_config = AuditConfig()
        self._saved: Catalog | None = None
        self._sources: tuple[str, ...] = ()  # of this gateway, as other gateways are to know them
        self._mask_faults: tuple[str, ...] = ()
        self._take(*self._load())
        self.system_relations = self._read_system_relations()
        self.pure_functions = self._read_pure_functions()

    @classmethod
    def open(cls, config: Config) -> Metadata:
        """Start or reach the metadata server."""
        url = config.server.metadata_url
        if url is not None:
            server = external(url.get_secret_value())
        else:
            config.server.data_dir.mkdir(parents=True, exist_ok=True)
            server = start(config.server.data_dir)
        try:
            return cls.on(server, config)
        except BaseException:
            if server.embedded:
                server.stop()
            raise

    @classmethod
    def on(cls, server: Server, config: Config) -> Metadata:
        """Use a server that runs."""
        defaults = {one.name: one.usual for one in OWN_SETTINGS} | {  # these are there so that SHOW knows them
            "statement_timeout": f"{round(config.engine.statement_timeout * 1000)}",
            # So that psql's \d and unqualified names find the tables of all sources.
            "search_path": ", ".join(['"$user"', "public", *map(always_quoted, config.sources)]),
        }
        made = cls(
            server, config.server.database, defaults, config.auth.password_min_length, config.server.metadata_grace
        )
        made._sources = tuple(f"{name} {source.kind}" for name, source in config.sources.items())
        return made

    @property
    def rows(self) -> AccessRows:
        """All that decides who may see what, as it was last read."""
        return self._rows

    def apply(self, catalog: Catalog) -> bool:
        """Make the mirror show this catalogue and these grants, and keep it for the next start.

        Returns False where clients' locks held something up: then it is to be called again soon.
        """
        rows = self._rows
        if rows.default_privileges:  # tables that are new get what these provide for; word of it comes by NOTIFY
            self._store.adopt_tables(catalog.tables)
        lent = self._lendable(self._lent.all())
        applied = self._mirror.apply(catalog, rows, lent, partial(self._store.load_newer_access, rows))
        found = mask_faults(in_force(rows), catalog)
        faults = self._mask_faults = tuple(f"{one.table}.{one.column}: {one.reason}" for one in found)
        self._note("not mirrored as it is", applied.notes)
        self._note("column is not masked as was said", faults)
        if catalog is not self._saved:
            self._store.save_catalog(catalog, self._database)
            self.analyzed.keep_only(catalog.tables.keys())
            self._saved = catalog
        masks, assignments = renamed(rows, catalog)
        if masks or assignments:
            self._store.masking.rename_columns(masks, assignments)
        return applied.postponed == 0

    def _note(self, event: str, notes: Iterable[str]) -> None:
        """Log each note once."""
        for note in notes:
            if note not in self._noted:
                self._noted.add(note)
                _log.warning(event, note=note)

    def load_catalog(self) -> Catalog | None:
        """Return the catalogue of the last run."""
        return self._store.load_catalog(self._database)

    async def changes(self) -> AsyncIterator[Access]:
        """Yield who may see what anew whenever something of it has changed."""
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        told = [0]

        def on_change(version: int) -> None:
            told[0] = version
            loop.call_soon_threadsafe(changed.set)

        def on_heard(version: int, at: float) -> None:
            if version == self._rows.version:
                self._current_at = at

        self._current_at = min(self._current_at, time.monotonic())  # from here on it is known how old they are

        ears = Ears(on_change, on_heard, lambda text: loop.call_soon_threadsafe(self.cancels.told, text))
        listener = self._store.listen(ears, connection_name(self._database, self._sources))
        try:
            while True:
                await changed.wait()
                changed.clear()
                if told[0] == self._rows.version:  # this gateway's own change
                    continue
                began = time.monotonic()
                rows, logins = await self._load_newest()
                changes = rows.version != self._rows.version
                if changes:
                    self._take(rows, logins)
                self._current_at = began
                if changes:
                    yield self.access
        finally:
            await asyncio.to_thread(listener.close)

    async def _load_newest(self) -> tuple[AccessRows, Logins]:
        """Read what `_load` does; never rows of before a change of this gateway's own that was taken over meanwhile."""
        while True:
            known = self._rows
            rows, logins = await asyncio.get_running_loop().run_in_executor(self._reader, self._load)
            if self._rows is known:
                return rows, logins

    async def get_role(self, name: str) -> Role | None:
        """Return a role that may log in."""
        verifier = await asyncio.to_thread(self._store.get_verifier, name)  # of unknown ones too: it takes as long
        principal, row = self._roles.get_principal(name), self._roles.by_name.get(name)
        if principal is None or row is None or not row.login or name not in self._mirror.roles:
            return None
        expired = row.valid_until is not None and row.valid_until < datetime.now(UTC)
        return Role(principal, None if expired else verifier)

    def get_principal(self, identity: Identity) -> Principal | None:
        """Return who a client is now, with the memberships of this moment; None for a role that does not exist any
        more, and for an API key that was revoked. Raises SqlError 57P03 where nobody can know any more.
        """
        if time.monotonic() - self._current_at > self._grace:
            raise SqlError(
                SqlState.CANNOT_CONNECT_NOW,
                "it is not known who may read what: the metadata server does not answer",
                hint="Try again in a moment.",
            )
        known = self._principals.get(identity)
        if known is not None:
            return known
        if len(self._principals) >= _MOST_PRINCIPALS:
            self._principals.clear()
        if identity.key is not None and identity.key in self._rows.revoked_keys:
            return None
        found = self._roles.get_principal(identity.role, identity.granted)
        if found is None:
            return None
        principal = self._principals[identity] = replace(
            found,
            claims=with_proved(found, identity.claims),
            authenticated=identity.authenticated,
            method=identity.method,
            scopes=identity.scopes,
        )
        return principal

    def memberships(self, name: str) -> frozenset[str]:
        """Return the roles that a role is a member of, itself included; none for no such role."""
        return self._roles.memberships(name)

    async def get_api_key(self, identifier: str) -> ApiKey | None:
        """Return an API key, revoked or not."""
        return await asyncio.to_thread(self._store.get_api_key, identifier)

    async def note_use(self, identifier: str) -> None:
        """Remember that an API key was used."""
        await asyncio.to_thread(self._store.note_use_of_api_key, identifier)

    async def lend(self, identity: Identity) -> None:
        """Let the mirror know of the roles that a session alone has: else it would not describe what they may read.

        While such a session lasts, catalogue queries of all sessions of its role tell of these privileges. They let
        nobody read anything: that is judged by each session's own principal. `take_back` is due even if this fails.
        """
        wanted = self._lent.lend(identity)  # before, so that a change of the mirror that goes on leaves it in place
        if lent := self._lendable(wanted):
            await asyncio.to_thread(self._mirror.lend, lent)

    def take_back(self, identity: Identity) -> None:
        """End what `lend` did; the mirror is told with the next change."""
        self._lent.take_back(identity)

    def _lendable(self, wanted: Iterable[Membership]) -> list[Membership]:
        return lendable(wanted, self._roles, self._mirror.roles)

    def become(self, login: Principal, name: str) -> Principal | None:
        """Return who a client is after SET ROLE; None where he may not be that, or not any more."""
        found = self._roles.get_principal(name, session_user=login.name)
        if found is None or not self._roles.may_set_role(login.name, name):
            return None
        return logged_in_as(found, login, login.login)

    def authorize(self, login: Principal, name: str) -> Principal | None:
        """Return who a client is after SET SESSION AUTHORIZATION; None where he may not be that, or not any more."""
        return authorized(self._roles, login, name)

    async def permit(self, login: str, name: str, process: int) -> Permit | None:
        """Let the session in the mirror of a superuser or officer, that of a server process, set its authorization;
        None: he may not, or PostgreSQL can judge by itself.
        """
        principal = self._roles.get_principal(login)
        if principal is None or name == login or not may_authorize(self._roles, principal, name):
            return None
        secret = secrets.token_hex(32)
        await asyncio.to_thread(self._mirror.permit, process, secret, name)
        return Permit(secret, partial(asyncio.to_thread, self._mirror.end_permit, process))

    async def temporary_bytes(self, process: int) -> int:
        """Return how much the temporary relations of a session in the mirror take, that of a server process."""
        return await asyncio.to_thread(self._mirror.temporary_bytes, process)

    async def execute_access(self, request: AccessRequest, judge: JudgePolicies) -> AccessOutcome:
        """Carry out statements of access; what they change counts from now on. Raises SqlError."""
        checks = Checks(self._new_verifier, judge)
        try:
            lent = self._lendable(self._lent.all())
            outcome = await asyncio.to_thread(self._mirror.execute, self._store, request, checks, lent)
            # Others may have changed these before, and word of it that comes now tells of nothing newer.
            logins = await asyncio.to_thread(self._load_secrets)
        except psycopg.OperationalError as error:
            raise SqlError(
                SqlState.CANNOT_CONNECT_NOW, "the metadata server cannot be reached", hint="Try again in a moment."
            ) from error
        if outcome.access.version > self._rows.version and request.keep:
            self._take(outcome.access, logins)
        return outcome

    def _new_verifier(self, role: str, password: str) -> str:
        """Return what is kept of a password that a role is to have. Raises SqlError where it may not be one."""
        try:
            return str(parse_verifier(password))  # clients such as psql send the verifier in the password's place
        except ValueError:
            check_password(role, password, min_length=self._password_min_length)
            return verifier(password)

    async def let_set_role(self, user: str, role: str) -> Callable[[], Awaitable[None]] | None:
        """Let a superuser's session become a role in the mirror; return how that is ended, None: nothing was to do."""
        principal = self._roles.get_principal(user)
        if principal is None or not principal.superuser or role == user or role not in self._roles.by_name:
            return None
        await asyncio.to_thread(self._mirror.let_set_role, user, role)

        async def end() -> None:
            await asyncio.to_thread(self._mirror.end_set_role, user, role)

        return end

    async def tell_sessions(self, sessions: str) -> None:
        """Have the mirror know what the clients of this gateway do now (`catalog.mirror.activity`)."""
        await asyncio.to_thread(self._mirror.tell_sessions, sessions)

    async def end_elsewhere(self, number: int) -> None:
        """End a session that another gateway serves."""
        await asyncio.to_thread(self._mirror.end_elsewhere, number)

    async def take_signals(self) -> list[int]:
        """Return the sessions of this gateway that clients of others want to be ended."""
        return await asyncio.to_thread(self._mirror.take_signals)

    async def login_state(self, role: str) -> str | None:
        """Return what is known of a role's logins in the mirror: see `catalog.mirror.logins`."""
        return await asyncio.to_thread(self._mirror.login_state, role)

    async def _note_process(self, process: int, number: int) -> None:
        await asyncio.to_thread(self._mirror.note_process, process, number)

    def opening(self, role: str, settings: Mapping[str, str]) -> Opening:
        """Return how a new session of a role is opened in the mirror, with the settings of its startup message."""
        target = mirror_target(self._server.address(self._database), role, self._mirror.password(role))
        return Opening(target, settings, self.numbers.take(), self.numbers)

    def open_audit(self, config: Config) -> Audit:
        """Begin the audit, and have the role that reads it for auditors. Blocks."""
        self._audit_config = config.audit
        if config.audit.mode == "off":
            return Audit.off()
        try:
            journal = Journal(config.audit_directory, config.audit.journal_limit)
        except (OSError, ValueError) as error:
            raise ServerError(f"the audit's journal in {config.audit_directory} cannot be used: {error}") from error
        with closing(AuditStore(self._server)) as store:
            store.ensure_reader(self._audit_password)
        return Audit.open(config.audit, self._server, journal)

    @property
    def audit_dsn(self) -> str:
        """How the engine reads ``lakegate.audit_log``."""
        given = self._server.connection_parameters(DATABASE, READER, self._audit_password)
        return make_conninfo("", **given)

    @property
    def _audit_password(self) -> str:
        return self._store.require_secret("audit_reader").hex()

    async def retire(self, audit: Audit) -> None:
        """Take out of the audit what is older than its retention, at once and every few hours, until cancelled."""
        while audit.is_on:
            try:
                await asyncio.to_thread(retire, audit, self._server, self._audit_config)
            except Exception as failure:  # it is tried again; what should have gone stays meanwhile
                log_failure(_log, "the audit's retention could not be carried out", failure)
            await asyncio.sleep(_RETIRE)

    async def answer(self, text: str, principal: Principal, names: Names) -> pa.RecordBatch:
        """Answer a question about policies, as they are now. Raises SqlError."""
        answers = PolicyAnswers(self._rows, self._roles, self.access, self._mirror.broken_drafts)
        return await asyncio.to_thread(answers.answer, text, principal, names)

    async def change_masking(self, text: str, principal: Principal, names: Names) -> tuple[str, int]:
        """Carry out a statement on masks; return its command tag, and the version from which it counts."""
        tag = await asyncio.to_thread(self.masking.execute, text, principal, names)
        return tag, await asyncio.to_thread(self._store.access_version)

    async def change_mappings(self, text: str, principal: Principal, sources: Mapping[str, Source]) -> tuple[str, int]:
        """Carry out a statement on user mappings; return its command tag, and the version from which it counts."""
        tag = await asyncio.to_thread(self._mappings.execute, text, principal, sources)
        return tag, await asyncio.to_thread(self._store.access_version)

    async def check(self) -> None:
        """Raise unless the metadata server answers."""
        await asyncio.to_thread(self._store.access_version)

    async def check_policies(self) -> None:
        """Raise ConnectionError while a policy in force does not fit its table any more, and so denies it, or a mask
        its column.
        """
        faults = [f"{table}: {reason}" for table, reason in self._mirror.broken.items()]
        if faults or self._mask_faults:
            raise ConnectionError("; ".join((*faults, *self._mask_faults)))

    async def check_gateways(self) -> None:
        """Raise ConnectionError while another gateway serves the same database of other sources."""
        if await asyncio.to_thread(self._store.serves_otherwise, self._database, self._sources):
            raise ConnectionError(
                f'another gateway serves the database "{self._database}" of other sources: their tables take turns in'
                " catalogues"
            )

    def close(self) -> None:
        """Give back connections; stop the server if it is ours."""
        self._reader.shutdown(wait=False, cancel_futures=True)
        self.evaluator.close()
        self._mirror.close()
        self._store.close()
        if self._server.embedded:
            self._server.stop()

    def _load(self) -> tuple[AccessRows, Logins]:
        """Read what decides who may see what, and the logins at sources of the same moment."""
        while True:
            version = self._store.access_version()
            logins = self._load_secrets()
            rows = self._store.load_access()
            if rows.version == version:
                return rows, logins

    def _load_secrets(self) -> Logins:
        """Take over the secrets of masks, which are there before the masks, and return the logins at sources."""
        self.keyring.replace(self._store.masking.load_secrets())
        return self._store.mappings.load()

    def _take(self, rows: AccessRows, logins: Logins) -> None:
        self._rows = rows
        self._principals: dict[Identity, Principal] = {}  # of sessions, some of which have ended
        self._roles = Roles.from_rows(rows)
        known = {role.name for role in rows.roles}
        # None who comes later by the name of a role that is gone has its logins.
        self.remote_logins.replace([one for one in logins if one.role is None or one.role in known])
        self.access = Access.from_rows(rows, lambda: self._mirror.broken, lambda: self._mirror.broken_views)

    def _read_system_relations(self) -> frozenset[str]:
        with psycopg.connect(**self._server.connection_parameters(self._server.maintenance_database)) as connection:
            return frozenset({row[0] for row in connection.execute(_SYSTEM_RELATIONS)} | {STAT_STATEMENTS})

    def _read_pure_functions(self) -> frozenset[str]:
        with psycopg.connect(**self._server.connection_parameters(self._server.maintenance_database)) as connection:
            return frozenset(row[0] for row in connection.execute(*PURE_FUNCTIONS))
