"""The catalogue mirror: a real PostgreSQL database with the shape of the lake and nothing in it.

Clients' catalogue queries are relayed to it under a login role of their own, so that PostgreSQL itself answers them. A
statement over lake tables can be parsed and described there (types of parameters and columns, errors with positions),
and never run: each table is marked "not populated" in ``pg_class``, on which every scan ends with SQLSTATE 55000, for
superusers too, while privileges, comments, keys and ``\\d`` tell the truth.

What the wall does not hold up, so that the gateway must: ``COPY table TO`` reads without a scan of the executor and
answers "COPY 0"; a plan from which PostgreSQL removed the table (``WHERE false``, a CTE that nothing reads) runs, with
the right rows. Describing needs USAGE on the schema alone: whether a role may read a table is asked of the gateway's
grants before. A role may change its own password and defaults by ALTER ROLE: nothing of the kind is to be relayed.

What every role sees, as in every PostgreSQL: the names of all tables, columns, roles and databases in ``pg_class``,
``pg_attribute``, ``pg_roles`` and ``pg_database``, and comments. ``information_schema`` shows only what a role has
privileges on. Of other sessions it sees user and state, not the text.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from types import MappingProxyType

import psycopg
import structlog
from psycopg import sql

from catalog.errors import SqlError
from catalog.history import Told
from catalog.mask_library import SCHEMA
from catalog.mirror.access import MirrorParts, execute
from catalog.mirror.access_statements import AccessOutcome, AccessRequest, Checks
from catalog.mirror.activity import end_elsewhere, make_activity, make_sessions, tell_sessions
from catalog.mirror.applied import Applied, Notes
from catalog.mirror.catalogue_care import care_for_catalogues
from catalog.mirror.comments import change_comments
from catalog.mirror.connections import MirrorConnections, OwnConnection
from catalog.mirror.cursor_texts import show_cursor_texts
from catalog.mirror.hardening import harden
from catalog.mirror.history_views import fill_history_views, make_history_views
from catalog.mirror.lent import drop_old_table, keep_lent, lent_by_others
from catalog.mirror.logins import login_state
from catalog.mirror.made import make_record, remember
from catalog.mirror.mask_functions import make_mask_functions
from catalog.mirror.masking import check_policy
from catalog.mirror.masking_views import fill_masking_views, make_masking_views
from catalog.mirror.object_privileges import change_object_privileges
from catalog.mirror.own_functions import move_own_functions
from catalog.mirror.own_settings import show_own_settings
from catalog.mirror.policies import BrokenPolicy, change_owners, change_policies
from catalog.mirror.policy_states import make_policy_states
from catalog.mirror.prepared_statements import show_clients_statements
from catalog.mirror.privilege_lists import make_privilege_lists
from catalog.mirror.privileges import change_privileges
from catalog.mirror.processes import make_processes, new_block, note_process, take_signals
from catalog.mirror.relations import (
    attach_partitions,
    drop_schemas,
    drop_tables,
    hide_numbers,
    make_foreign_keys,
    make_schemas,
    make_tables,
    read_tables,
    set_numbers,
)
from catalog.mirror.role_settings import change_settings
from catalog.mirror.roles import add_memberships, change_roles, mirror_password, read_memberships
from catalog.mirror.scripts import fingerprint, is_mirrorable
from catalog.mirror.session_authorization import end_permit, make_authorization, permit
from catalog.mirror.shown import Shown, make_shown, note_shown, read_shown
from catalog.mirror.sizes import make_sizes
from catalog.mirror.source_views import make_source_views
from catalog.mirror.temporary import temporary_bytes
from catalog.mirror.user_mappings import change_user_mappings
from catalog.mirror.views import drop_views, make_view_function, make_views
from catalog.names import TableName
from catalog.server import Server
from catalog.sqlstate import SqlState
from catalog.store.rows import AccessRows, Actor, MaskingPolicy, Membership, PolicyState
from catalog.store.store import Store
from catalog.tables import Catalog, Table

_log = structlog.get_logger(__name__)


def open_mirror(
    server: Server, secret: bytes, database: str = "lake", defaults: Mapping[str, str] | None = None
) -> Mirror:
    """Make the mirror's database where it is absent. ``secret`` (32 bytes) gives the roles their passwords; sessions
    begin with the settings in ``defaults``. Raises ServerError where the server is out of reach.
    """
    mirror = Mirror(server, secret, database, defaults or {})
    server.ensure_database(database, keep_privileges=True)
    with mirror.change() as connection:
        make_record(connection)
        make_shown(connection)
        make_policy_states(connection)
        show_cursor_texts(connection)
        show_own_settings(connection)
        show_clients_statements(connection)
        harden(connection)
        move_own_functions(connection)
        make_sessions(connection)
        make_processes(connection)
        make_authorization(connection)
        make_mask_functions(connection)
        make_view_function(connection)
        make_source_views(connection)
        make_masking_views(connection)
        make_activity(connection)
        make_privilege_lists(connection)
        make_history_views(connection)
        make_sizes(connection)
        drop_old_table(connection)
        mirror.numbers = new_block(connection)
    return mirror


class Mirror:
    """The mirror's database. `apply` may be called from any thread; calls wait for each other."""

    def __init__(self, server: Server, secret: bytes, database: str, defaults: Mapping[str, str]) -> None:
        self.database = database
        self._defaults = defaults  # settings with which sessions begin
        self._server = server
        self._secret = secret
        self._node = str(uuid.uuid4())
        self._connections = MirrorConnections(server, database)
        self._one_at_a_time = threading.Lock()
        self._telling = OwnConnection(server, database)
        self._done: tuple[Catalog, AccessRows] | None = None
        self._shown: Shown | None = None  # after this gateway's last change
        self._tables_shown: Catalog | None = None  # whose tables were all made
        self._tables_left = False  # to another gateway, which has changed the mirror since
        self._told: frozenset[Membership] = frozenset()  # lent ones that the mirror keeps as this gateway's
        self._catalog: Catalog | None = None  # the last that was given
        self._marks: dict[TableName, tuple[Table, str]] = {}
        self.numbers = range(0)  # process numbers that are this gateway's alone
        self.roles: frozenset[str] = frozenset()  # that the mirror has since this gateway's last change
        self.broken: Mapping[TableName, str] = MappingProxyType({})  # as `Applied.broken`, of the last change
        self.broken_drafts: Mapping[tuple[TableName, str], str] = MappingProxyType({})  # policies that do not govern
        self.broken_views: Mapping[TableName, str] = MappingProxyType({})  # those that do not fit their tables

    def password(self, role: str) -> str:
        """Return the password with which the gateway logs in to the mirror as a role; it is for the gateway alone."""
        return mirror_password(self._secret, role)

    def close(self) -> None:
        """Give back the connections."""
        self._connections.close()
        self._telling.close()

    def apply(
        self,
        catalog: Catalog,
        access: AccessRows,
        lent: Sequence[Membership] = (),
        newest: Callable[[], AccessRows] | None = None,
    ) -> Applied:
        """Make the mirror equal to a catalogue and to the gateway's roles and grants, in one transaction. ``lent`` are
        memberships of some sessions alone.

        ``newest`` returns the rows as they are now. It is asked when no other gateway on the server can change roles
        any more: these are one set for all databases, and those that another gateway has just made are not dropped.
        Only differences are worked on. Tables that PostgreSQL cannot have, or that clients hold locked, are left out
        and noted. Raises psycopg.Error or ServerError where the server fails; then nothing has changed.
        """
        with self._one_at_a_time:
            if self._done is not None and self._is_done(*self._done, catalog, _with_lent(access, lent)):
                return Applied(broken=self.broken, version=access.version)
            self._done = None
            self._catalog = catalog
            with self.change() as connection:
                shown = read_shown(connection)
                if newest is not None:
                    access = newest()
                keep_lent(connection, self._node, lent, all_of_them=True)
                applied, shown = self._change(connection, access, lent, shown)
            self._changed(applied, access, lent, shown)
            self._told = frozenset(lent)
            care_for_catalogues(self._server, self.database, applied)
            return applied

    def temporary_bytes(self, process: int) -> int:
        """Return how much the temporary relations of a server process take on disk."""
        with self._server.connect(self.database) as connection:
            return temporary_bytes(connection, process)

    def tell_sessions(self, sessions: str) -> None:
        """Say what this gateway's clients do now, as in `catalog.mirror.activity`. From any thread; calls wait for each
        other.
        """
        with self._telling.connection() as connection:
            tell_sessions(connection, self._node, sessions)

    def tell_history(self, told: Told) -> None:
        """Say what statements have taken, and what may help, as in `catalog.mirror.history_views`. From any thread."""
        with self._telling.connection() as connection, connection.transaction():
            fill_history_views(connection, told)

    def end_elsewhere(self, number: int) -> None:
        """End a session that another gateway serves."""
        with self._telling.connection() as connection:
            end_elsewhere(connection, number)

    def note_process(self, process: int, number: int) -> None:
        """Say that a server process works for a session of this gateway, as in `catalog.mirror.processes`."""
        with self._telling.connection() as connection:
            note_process(connection, process, number)

    def take_signals(self) -> list[int]:
        """Return the sessions of this gateway that clients of others want to be ended."""
        with self._telling.connection() as connection:
            return take_signals(connection, self.numbers)

    def login_state(self, role: str) -> str | None:
        """Return what `catalog.mirror.logins` knows of a role's logins."""
        with self._telling.connection() as connection:
            return login_state(connection, role)

    def lend(self, memberships: Sequence[Membership]) -> None:
        """Have memberships; the next `apply` that is not given them takes them away again."""
        with self._server.connect(self.database) as connection:
            present = read_memberships(connection)
        missing = [one for one in memberships if one not in present]
        if not missing and self._told.issuperset(memberships):
            return
        with self._one_at_a_time:
            self._done = None if missing else self._done
            with self.change() as connection:
                keep_lent(connection, self._node, memberships, all_of_them=False)
                add_memberships(connection, missing)
            self._told |= {*memberships}

    def check_masking_policy(self, policy: MaskingPolicy, offset: int) -> MaskingPolicy:
        """Return a policy as PostgreSQL spells it, nothing is kept. ``offset`` is where its expression begins in the
        client's statement. Raises SqlError with PostgreSQL's own errors.
        """
        with self.change() as connection:
            return check_policy(connection, policy, offset)

    def execute(
        self, store: Store, request: AccessRequest, checks: Checks, lent: Sequence[Membership] = ()
    ) -> AccessOutcome:
        """Carry out statements that give and take access, here and in the store: see `catalog.mirror.access`. ``lent``
        as in `apply`.

        Raises SqlError where PostgreSQL or the gateway refuses; then nothing has changed. Where the mirror is lost
        after the store has taken the change, it counts, and `apply` is to be called.
        """
        with self._one_at_a_time:
            outcome = None
            try:
                with self.change() as connection:
                    outcome = self._execute(connection, store, request, checks, tuple(lent))
            except _Rehearsed as rehearsed:
                return rehearsed.outcome
            except psycopg.OperationalError:
                if outcome is None:
                    raise
                self._done = None
                _log.warning("the mirror was lost behind a change of access, which counts")
            else:
                self.roles = _names(outcome.access)
                if self._done is not None:  # policies and views that were broken may have been mended
                    done = self._done[0], _with_lent(outcome.access, lent)
                    self._done = None if self.broken or self.broken_drafts or self.broken_views else done
            return outcome

    def let_set_role(self, user: str, role: str) -> None:
        """Let a session of a superuser's SET ROLE to a role, which superusers may and mere members of it may. Raises
        SqlError where PostgreSQL can have no such membership.
        """
        names = (sql.Identifier(role), sql.Identifier(user))
        with self.change() as connection:
            try:
                connection.execute(sql.SQL("GRANT {} TO {} WITH ADMIN FALSE, INHERIT FALSE, SET TRUE").format(*names))
            except psycopg.errors.InvalidGrantOperation as error:
                message = f'SET ROLE to "{role}", a member of "{user}", is not supported'
                raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, message) from error

    def end_set_role(self, user: str, role: str) -> None:
        """Take back what `let_set_role` gave; the session stays what it has become."""
        statement = sql.SQL("REVOKE {} FROM {}")
        with self.change() as connection:
            connection.execute(statement.format(sql.Identifier(role), sql.Identifier(user)))

    def permit(self, process: int, secret: str, role: str) -> None:
        """Let a session of a superuser's, by its server process, set its session authorization to a role."""
        with self.change() as connection:
            permit(connection, process, secret, role)

    def end_permit(self, process: int) -> None:
        """Take back what `permit` gave; the session stays what it has become."""
        with self.change() as connection:
            end_permit(connection, process)

    def _execute(
        self,
        connection: psycopg.Connection,
        store: Store,
        request: AccessRequest,
        checks: Checks,
        lent: tuple[Membership, ...],
    ) -> AccessOutcome:
        first = request.statements[0]
        with store.changing(Actor(first.session_user, first.current_user)) as change:
            shown = read_shown(connection)
            if self._done is None or shown != self._shown or shown.version != change.before.version:
                if self._catalog is None:
                    raise SqlError(SqlState.CANNOT_CONNECT_NOW, "the lake's tables are not known yet")
                applied, shown = self._change(connection, change.before, lent, shown)
                connection.commit()
                self._changed(applied, change.before, lent, shown)
            assert self._catalog is not None
            others = lent_by_others(connection, self._node, _with_lent(change.before, lent))
            shared = (
                self._secret,
                self._server.superuser,
                self._catalog,
                self._connect,
                self._connections.to,
                self._defaults,
            )
            parts = MirrorParts(*shared, (*lent, *others))
            outcome = execute(connection, change, request, parts, checks)
            if not request.keep:
                raise _Rehearsed(outcome)
            self._shown = note_shown(connection, shown, outcome.access.version)
        return outcome

    def _connect(self) -> psycopg.Connection:
        return self._server.connect(self.database, autocommit=True)

    def change(self) -> AbstractContextManager[psycopg.Connection]:
        """One transaction as the mirror's owner, with no other gateway's at the same time."""
        return self._connections.changing()

    def _changed(self, applied: Applied, access: AccessRows, lent: Sequence[Membership], shown: Shown) -> None:
        """Remember a change that was committed."""
        assert self._catalog is not None
        self._shown = shown
        self.roles = _names(access)
        if not applied.postponed:
            self._tables_shown = self._catalog
            self._done = (self._catalog, _with_lent(access, lent))

    def _change(
        self, connection: psycopg.Connection, access: AccessRows, lent: Sequence[Membership], shown: Shown
    ) -> tuple[Applied, Shown]:
        """Show the catalogue and these rows. Its tables are left alone where this gateway has shown them before, and
        another one has changed the mirror at any time since: that one may have looked at the sources later.
        """
        assert self._catalog is not None
        notes = Notes()
        version, given = access.version, _with_lent(access, lent)
        access = _with_lent(given, lent_by_others(connection, self._node, given))
        roles = change_roles(connection, access, self._secret, notes)
        drop_views(connection, access.views, notes)
        is_later = self._tables_left or shown != self._shown
        self._tables_left = self._tables_shown is self._catalog and is_later
        if self._tables_left:
            applied = Applied()
            self.broken_views = MappingProxyType(make_views(connection, access.views, notes))
        else:
            applied = self._change_tables(connection, self._catalog, access, notes)
        fill_masking_views(connection, access)
        change_settings(connection, access, roles, self._defaults)
        sources = {table.source for table in self._catalog.tables.values()} - {SCHEMA}
        change_user_mappings(connection, access.user_mappings, roles, sources)
        change_owners(connection, access, roles, notes)
        change_privileges(connection, access, roles, notes)
        change_object_privileges(connection, access, roles)
        broken = change_policies(connection, access, roles, notes)
        if self._tables_left:
            hide_numbers(connection)
        else:  # again: by now it is known who may read what
            set_numbers(connection, self._catalog.tables)
        change_comments(connection, self._catalog, access, notes)
        self.broken = MappingProxyType(
            {TableName(one.schema, one.table): _reason(one) for one in broken if one.state is PolicyState.ENFORCED}
        )
        self.broken_drafts = MappingProxyType(
            {
                (TableName(one.schema, one.table), one.name): one.reason
                for one in broken
                if one.state is not PolicyState.ENFORCED
            }
        )
        shown = note_shown(connection, shown, version)
        return replace(
            applied,
            postponed=notes.postponed,
            notes=tuple(notes.texts),
            broken=self.broken,
            version=version,
        ), shown

    def _change_tables(
        self, connection: psycopg.Connection, catalog: Catalog, access: AccessRows, notes: Notes
    ) -> Applied:
        schemas: dict[str, str | None] = dict.fromkeys(table.name.schema for table in catalog.tables.values())
        schemas.update(catalog.schemas)
        for row in access.views:  # they stay, and can be dropped, when the source is gone
            schemas.setdefault(row.schema, None)
        for comment in access.comments:
            if not comment.table and comment.schema in schemas:
                schemas[comment.schema] = comment.text
        usable = make_schemas(connection, schemas, notes)
        wanted = self._wanted(catalog, usable, access, notes)
        marks = self._fingerprints(wanted)

        present = read_tables(connection)
        gone = [name for name in present if name not in wanted]
        changed = [name for name in present if name in wanted and present[name].fingerprint != marks[name]]
        dropped = drop_tables(connection, present, gone, notes)
        remade = drop_tables(connection, present, changed, notes)
        missing = [table for name, table in wanted.items() if name not in present or name in remade]
        made = make_tables(connection, missing, notes)
        make_foreign_keys(connection, wanted, made, notes)
        attach_partitions(connection, wanted, notes)
        if made or dropped:
            remember(connection, wanted, {name: marks[name] for name in made})
        set_numbers(connection, wanted)
        self.broken_views = MappingProxyType(make_views(connection, access.views, notes))
        drop_schemas(connection, schemas, notes)
        return Applied(created=len(made - remade), changed=len(made & remade), dropped=len(dropped))

    @staticmethod
    def _wanted(catalog: Catalog, schemas: set[str], access: AccessRows, notes: Notes) -> dict[TableName, Table]:
        wanted = {}
        views = {TableName(row.schema, row.name) for row in access.views}
        for name, table in catalog.tables.items():
            if not is_mirrorable(table):
                notes.add(name, "PostgreSQL can have no such name")
            elif name in views:  # what was granted on the view is not granted on the table
                notes.add(name, "the name is taken by a view")
            elif name.schema in schemas:
                wanted[name] = table
        return wanted

    def _fingerprints(self, tables: Mapping[TableName, Table]) -> dict[TableName, str]:
        """Return all fingerprints; those of tables that are the same values as last time are known."""
        marks = {}
        for name, table in tables.items():
            known = self._marks.get(name)
            marks[name] = (table, known[1] if known is not None and known[0] is table else fingerprint(table))
        self._marks = marks
        return {name: mark for name, (_, mark) in marks.items()}

    @staticmethod
    def _is_done(done: Catalog, granted: AccessRows, catalog: Catalog, access: AccessRows) -> bool:
        if granted is not access and granted != access:
            return False
        return done is catalog or (done.tables == catalog.tables and done.schemas == catalog.schemas)


def _with_lent(access: AccessRows, lent: Sequence[Membership]) -> AccessRows:
    return replace(access, memberships=(*access.memberships, *lent)) if lent else access


def _names(access: AccessRows) -> frozenset[str]:
    return frozenset(role.name for role in access.roles)


class _Rehearsed(Exception):
    """Ends a rehearsal: what it would have done."""

    def __init__(self, outcome: AccessOutcome) -> None:
        super().__init__("rehearsed")
        self.outcome = outcome


def _reason(policy: BrokenPolicy) -> str:
    return f'policy "{policy.name}" does not fit the table any more: {policy.reason}'
