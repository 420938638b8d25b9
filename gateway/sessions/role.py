"""As whom a session's statements run: who has logged in, and the role that SET ROLE has made of him.

The mirror's session is asked for its ``current_user``, which PostgreSQL has checked, whenever it may have changed: by
SET ROLE, the end of a transaction, ``set_config``. What the gateway's own roles do not allow counts for nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from time import time

from catalog.errors import SqlError
from catalog.mirror.session_authorization import AUTHORIZE
from catalog.names import TableName
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from catalog.tables import Catalog
from gateway.authentication.identity import Identity as Login
from gateway.lanes.access_lane import Identity
from gateway.lanes.bound import Client
from gateway.lanes.engine_lane import EngineLane
from gateway.pipeline import Plan
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_errors import error_of
from gateway.sessions.credentials import gone
from gateway.sessions.services import SessionServices
from gateway.sql.resolve import Names
from gateway.sql.session_relations import NO_NAMES, TemporaryNames
from gateway.sql.session_state import authorization_to_set, role_to_set, search_path
from gateway.sql.statements import Statement
from gateway.wire import backend
from policies.access import Access, Narrowed


class SessionRole:
    """Who asks in one session."""

    def __init__(self, services: SessionServices, login: Login, engine: EngineLane, mirror: MirrorConnection) -> None:
        self._services, self._get_principal = services, services.get_principal
        self._lake = services.lake
        self._login = login
        self.expires = login.expires  # in seconds since 1970; None: never
        self._known: tuple[tuple[Catalog, Access | Narrowed, str, Principal], Names] | None = None
        self._engine = engine
        self._mirror = mirror
        self.temporary: TemporaryNames = NO_NAMES  # what `gateway.sessions.temporary` found last
        self._end_set_role: Callable[[], Awaitable[None]] | None = None

    async def know(self, drain: Callable[[], Awaitable[None]]) -> bool:
        """Ask the mirror who `current_user` is, where that may have changed; return whether it has. ``drain`` takes
        the answers that the mirror still owes.
        """
        if self._engine.settings is not None or self._mirror.status == "E":
            return False
        before = (self._engine.current_user, self._engine.session_user)
        await drain()
        await self._engine.read_settings()
        return (self._engine.current_user, self._engine.session_user) != before

    @property
    def has_expired(self) -> bool:
        """Whether what he logged in with is not good any more, by the clock."""
        return self.expires is not None and time() >= self.expires

    @property
    def has_set_role(self) -> bool:
        """Whether what `let_set_role` gave is still to be taken back."""
        return self._end_set_role is not None

    def is_unchanged(self) -> bool:
        """Whether who asks and what he may read is as `names` has found it. Raises SqlError as `principal`."""
        if self._known is None:
            return False
        (catalog, access, _, known), lake = self._known[0], self._lake
        if catalog is not lake.catalog or access is not lake.access:
            return False
        user, current = self._engine.session_user, self._engine.current_user
        if (user is None or user == known.name) and (current is None or current == known.name):
            now = self._get_principal(self._login)  # mostly: what `principal` returns then
            if now is known:
                return True
        principal = self.principal()
        return principal is known or principal == known

    def still_means(self, names: Names) -> bool:
        """Whether `names` would return these very names. Raises SqlError as it does."""
        if self._known is None or self._known[1] is not names or names.temporary is not self.temporary:
            return False
        return self._known[0][2] == self._mirror.parameters.get("search_path", "") and self.is_unchanged()

    @property
    def asking(self) -> Principal:
        """Who asks, as `names` has just found it."""
        return self.principal() if self._known is None else self._known[0][3]

    def is_planned_for(self, plan: Plan) -> bool:
        """Whether a plan was made for who asks now and what he may read, as `names` has just found it."""
        if self._known is None:
            return False
        catalog, access, _, principal = self._known[0]
        made_for = plan.made_for
        if made_for.catalog != catalog.version or made_for.access != access.version:
            return False
        return plan.principal is principal or plan.principal == principal

    @property
    def login(self) -> str:
        """The role that logged in, whoever it acts as."""
        return self._login.role

    def principal(self) -> Principal:
        """Return who asks, with the memberships of this moment. Raises SqlError where he may not be that any more."""
        login = self._get_principal(self._login)
        if login is None:
            raise gone(self._login)
        session_user, current = self._engine.session_user, self._engine.current_user
        if session_user is not None and session_user != login.name:
            login = self._authorized(login, session_user)
        if current is None or current == login.name:
            return login
        principal = self._services.become(login, current)
        if principal is None:
            hint = "RESET ROLE goes back to who logged in."
            raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, f'permission denied to set role "{current}"', hint=hint)
        return principal

    def _authorized(self, login: Principal, name: str) -> Principal:
        principal = self._services.authorize(login, name)
        if principal is None:
            message = f'permission denied to set session authorization "{name}"'
            hint = "RESET SESSION AUTHORIZATION goes back to who logged in."
            raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, message, hint=hint)
        return principal

    def names(self) -> Names:
        """Return what names mean to him."""
        lake, principal = self._lake, self.principal()
        path, catalog, access = self._mirror.parameters.get("search_path", ""), lake.catalog, lake.access
        if self._known is not None:
            known, names = self._known
            same = known[0] is catalog and known[1] is access and known[2] == path
            if same and (known[3] is principal or known[3] == principal):
                return names if names.temporary is self.temporary else replace(names, temporary=self.temporary)
        names = self._new_names(path, principal, catalog, access)
        self._known = (catalog, access, path, principal), names
        return names

    def _new_names(self, path: str, principal: Principal, catalog: Catalog, access: Access | Narrowed) -> Names:
        def visible(name: TableName) -> bool:
            return access.may_select(principal, name)

        def columns(name: TableName) -> frozenset[str] | None:
            return access.columns(principal, name)

        relations, database = self._services.lake.system_relations, self._services.database
        path_now, views = search_path(path, principal.name), access.views
        own, types = self.temporary, self._services.lake.evaluator
        found = Names(catalog, relations, path_now, visible, database, columns, views.tables, views.types)
        return replace(found, temporary=own, types=types)

    def told(self) -> Identity:
        """Return as whom the gateway's own session in the mirror is to act for him. Raises SqlError: he may not."""
        principal = self.require_admin()
        session_user = principal.session_user or principal.name
        return Identity(session_user, principal.name, self._mirror.parameters.get("search_path", ""))

    def require_admin(self) -> Principal:
        """Return who asks. Raises SqlError 42501 where he came with an API key that is not for administration, or is
        simulated by an officer.
        """
        principal = self.principal()
        if principal.has_scope("admin"):
            return principal
        if self._login.scopes is None or "admin" in self._login.scopes:
            message = f'permission denied while role "{principal.name}" is simulated'
            hint = "RESET SESSION AUTHORIZATION goes back to who logged in."
            raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, message, hint=hint)
        raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, "the API key does not have the scope admin")

    async def let_set_role(self, *statements: Statement) -> None:
        """Superusers may SET ROLE to every role; in the mirror they are none, and are let to this one for now."""
        for role in filter(None, map(role_to_set, statements)):
            await self.end_set_role()
            if self._engine.session_user not in (None, self._login.role) and self._mirror.status != "E":
                await self._engine.read_settings()  # he may have been reset
            user = self._engine.session_user or self._login.role
            self._end_set_role = await self._services.let_set_role(user, role)

    async def set_authorization(self, statement: Statement, client: Client) -> None:
        """Carry out SET SESSION AUTHORIZATION, in the mirror. Superusers of the gateway are none there, and are let to
        do it; all else PostgreSQL judges. Raises SqlError.
        """
        client.reading("relay", (), ())
        wanted = authorization_to_set(statement)
        permit = None
        if wanted is not None:
            await self._mirror.require_open()
            permit = await self._services.permit(self._login.role, wanted.name, self._mirror.process_id)
        if wanted is None or permit is None:
            _, error = await self._mirror.ask(statement.text)
        else:
            is_local = b"true" if wanted.is_local else b"false"
            try:
                _, error = await self._mirror.ask(AUTHORIZE, permit.secret.encode(), wanted.name.encode(), is_local)
            finally:
                await permit.end()
        self._engine.settings_changed()
        if error is not None:
            raise error_of(error[5:], statement.start)
        await self._engine.read_settings()  # for the audit: the next statement is this role's
        client.send(backend.CommandComplete("SET"))

    async def end_set_role(self) -> None:
        """Take back what `let_set_role` gave: the mirror has done what it was for."""
        end, self._end_set_role = self._end_set_role, None
        if end is not None:
            await end()
