"""The metadata store: roles, memberships, grants, settings, and the catalogue last seen.

Every function blocks and is called in a thread. A change of roles or grants bumps the access version in its own
transaction and notifies; the bump comes first, so that its row lock puts all changes into one order.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import insert

from catalog.errors import SqlError
from catalog.names import MAX_IDENTIFIER_BYTES, TableName
from catalog.predefined_roles import GROUPS
from catalog.principals import SCOPES
from catalog.server import Server
from catalog.sqlstate import SqlState
from catalog.store.access import AccessChange, read_access, read_memberships, without_roles
from catalog.store.analyzed_tables import AnalyzedTables
from catalog.store.column_use import ColumnUse
from catalog.store.connection import DATABASE, open_engine
from catalog.store.feedback_rows import FeedbackRows
from catalog.store.gateways import serves_otherwise
from catalog.store.listener import CANCELS, CHANNEL, Ears, Listener
from catalog.store.listener import NAME as LISTENER
from catalog.store.mappings import MappingStore
from catalog.store.masking import MaskingStore
from catalog.store.plan_pins import PlanPins
from catalog.store.rows import (
    PUBLIC,
    SCHEMA_ITSELF,
    SCHEMAS,
    SELECT,
    TABLES,
    USAGE,
    AccessRows,
    Actor,
    ApiKey,
    Grant,
    Membership,
    Role,
    TableRights,
)
from catalog.store.saved_catalog import pack_catalog, unpack_catalog
from catalog.store.schema import api_keys, catalogs, grants, memberships, roles, settings
from catalog.store.statement_history import StatementHistory
from catalog.store.verifiers import Verifiers
from catalog.tables import Catalog

_log = structlog.get_logger(__name__)

MIRROR_MARK = "a role of the gateway"  # on roles that the mirror made (catalog.mirror.marks)
_ACCESS_VERSION = "access_version"
SUPERUSERS = "lakegate_superusers"  # in the mirror: the group of the gateway's superusers
_RESERVED = frozenset({PUBLIC, "none", "lakegate", "postgres", SUPERUSERS, *GROUPS.values()})


def open_store(server: Server, database: str = DATABASE) -> Store:
    """Open the metadata database, made and migrated where needed. Raises ServerError where it is out of reach."""
    return Store(server, database, open_engine(server, database))


class Store:
    """The metadata database. Safe to use from several threads."""

    def __init__(self, server: Server, database: str, engine: sa.Engine) -> None:
        self._server = server
        self._database = database
        self._engine = engine
        self.masking = MaskingStore(engine, self._change)
        self.mappings = MappingStore(engine, self._change)
        self.analyzed = AnalyzedTables(engine)
        self.feedback = FeedbackRows(engine)
        self.history = StatementHistory(engine)
        self.column_use = ColumnUse(engine)
        self.pins = PlanPins(engine)
        self._verifiers = Verifiers(server, database, engine.dialect)

    def close(self) -> None:
        """Give back the connections."""
        self._verifiers.close()
        self._engine.dispose()

    # --- roles ---

    def add_role(self, name: str, verifier: str | None = None, *, superuser: bool = False, login: bool = True) -> None:
        """Add a role. ``verifier`` is a SCRAM verifier, never a password; None: it cannot log in by password.

        Raises SqlError: 42710 it exists, 42939 the name is reserved, 42622 or 42602 it is no name.
        """
        check_role_name(name, self._server.superuser)
        with self._change() as connection:
            if _exists(connection, name) or _is_foreign(connection, name):
                raise SqlError(SqlState.DUPLICATE_OBJECT, f'role "{name}" already exists')
            values = {"name": name, "verifier": verifier, "superuser": superuser, "login": login}
            connection.execute(roles.insert().values(values))

    def alter_role(
        self, name: str, *, verifier: str | None = None, superuser: bool | None = None, login: bool | None = None
    ) -> None:
        """Change what is given of a role. Raises SqlError 42704 where there is none."""
        given = {"verifier": verifier, "superuser": superuser, "login": login}
        values = {key: value for key, value in given.items() if value is not None}
        with self._change() as connection:
            _require(connection, name)
            if values:
                connection.execute(roles.update().where(roles.c.name == name).values(values))

    def remove_role(self, name: str) -> None:
        """Remove a role with its memberships and grants. Raises SqlError 42704 where there is none."""
        with self._change() as connection:
            _require(connection, name)
            change = AccessChange(connection, read_access(connection, 0))
            change.write(without_roles(change.before, frozenset({name})))

    def list_roles(self) -> tuple[Role, ...]:
        """Return all roles by name."""
        return self.load_access().roles

    def get_verifier(self, role: str) -> str | None:
        """Return the SCRAM verifier of a role that may log in; None where there is no such role or no password."""
        return self._verifiers.get(role)

    def add_member(self, role: str, member: str) -> None:
        """Make a role a member of another. Raises SqlError: 42704 no such role, 0LP01 it would be its own member."""
        with self._change() as connection:
            _require(connection, role)
            _require(connection, member)
            if role == member or role in _members_below(read_memberships(connection), member):
                raise SqlError(SqlState.INVALID_GRANT_OPERATION, f'role "{role}" is a member of role "{member}"')
            statement = insert(memberships).values(role=role, member=member)
            connection.execute(statement.on_conflict_do_nothing())

    def remove_member(self, role: str, member: str) -> bool:
        """End a membership; return whether there was one."""
        statement = memberships.delete().where(memberships.c.role == role, memberships.c.member == member)
        with self._change() as connection:
            return connection.execute(statement).rowcount > 0

    # --- API keys ---

    def add_api_key(self, key: ApiKey) -> None:
        """Add a key; its times of creation, use and revocation are the store's. Raises SqlError: 42704 no such role,
        22023 no such scope.
        """
        if not key.scopes or not key.scopes <= set(SCOPES):
            raise SqlError(SqlState.INVALID_PARAMETER_VALUE, f"the scopes of a key are among {', '.join(SCOPES)}")
        values = {
            "id": key.id,
            "role": key.role,
            "digest": key.digest,
            "scopes": sorted(key.scopes),
            "comment": key.comment,
            "expires": key.expires,
        }
        with self._change() as connection:
            _require(connection, key.role)
            connection.execute(api_keys.insert().values(values))

    def get_api_key(self, identifier: str) -> ApiKey | None:
        """Return the key of this id, revoked or not, or None."""
        return next(iter(self._read_api_keys(api_keys.c.id == identifier)), None)

    def list_api_keys(self, role: str | None = None) -> tuple[ApiKey, ...]:
        """Return all keys, or those of a role, the oldest first."""
        return self._read_api_keys(sa.true() if role is None else api_keys.c.role == role)

    def revoke_api_key(self, identifier: str) -> None:
        """Revoke a key; of one that is revoked the time stays. Raises SqlError 42704 where there is none."""
        with self._change() as connection:
            values = {"revoked": sa.func.coalesce(api_keys.c.revoked, sa.func.now())}
            if not connection.execute(api_keys.update().where(api_keys.c.id == identifier).values(values)).rowcount:
                raise SqlError(SqlState.UNDEFINED_OBJECT, f'API key "{identifier}" does not exist')

    def note_use_of_api_key(self, identifier: str) -> None:
        """Remember that a key was used, to the minute: a client that logs in often does not write each time."""
        minute = sa.func.now() - sa.text("interval '1 minute'")
        unknown = sa.or_(api_keys.c.last_used.is_(None), api_keys.c.last_used < minute)
        statement = api_keys.update().where(api_keys.c.id == identifier, unknown).values(last_used=sa.func.now())
        with self._engine.begin() as connection:
            connection.execute(statement)

    def _read_api_keys(self, condition: sa.ColumnElement[bool]) -> tuple[ApiKey, ...]:
        names = ("id", "role", "scopes", "digest", "comment", "expires", "created", "last_used", "revoked")
        query = sa.select(*(api_keys.c[name] for name in names)).where(condition)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(api_keys.c.created, api_keys.c.id)).mappings()
            return tuple(ApiKey(**{**row, "scopes": frozenset(row["scopes"])}) for row in rows)

    # --- privileges ---

    def grant(self, *granted: Grant) -> None:
        """Let roles read; what is held stays as it is. With it comes the right to use the schema. Raises SqlError:
        42704 no such role, 0LP01 no such privilege.
        """
        with self._change() as connection:
            for item in granted:
                if item.privilege != SELECT:
                    raise SqlError(
                        SqlState.INVALID_GRANT_OPERATION, f"invalid privilege type {item.privilege} for table"
                    )
                if item.role != PUBLIC:
                    _require(connection, item.role)
            usages = [Grant(item.role, item.schema, SCHEMA_ITSELF, USAGE) for item in granted]
            rows = [{**_key(item), "grantor": item.grantor or ""} for item in (*granted, *usages)]
            if rows:
                connection.execute(insert(grants).on_conflict_do_nothing(), rows)

    def revoke(self, *revoked: Grant) -> int:
        """Take privileges back; return how many of them were held. ``grantor`` is not looked at.

        A table's own grant and one on all tables of its schema are two: taking back the first leaves the second.
        """
        with self._change() as connection:
            return sum(
                connection.execute(
                    grants.delete().where(*(grants.c[name] == value for name, value in _key(item).items()))
                ).rowcount
                for item in revoked
            )

    def load_access(self) -> AccessRows:
        """Return all that decides who may see what, of one moment."""
        with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            return read_access(connection, _read_version(connection))

    def load_newer_access(self, known: AccessRows) -> AccessRows:
        """Return ``known`` where nothing has changed since it was read, else what `load_access` returns."""
        return known if self.access_version() == known.version else self.load_access()

    @contextmanager
    def changing(self, actor: Actor | None = None) -> Iterator[AccessChange]:
        """One change of anything that decides who may see what, with no other between: it is committed at the end of
        the block, and not at all where the block raises. Others are told by NOTIFY. The history has it as the actor's.
        """
        with self._change(actor) as connection:
            yield AccessChange(connection, read_access(connection, _read_version(connection) - 1))

    def adopt_tables(self, names: Iterable[TableName]) -> bool:
        """Give tables that were not known before what default privileges provide for; return whether any was new."""
        with self._change() as connection:
            change = AccessChange(connection, read_access(connection, 0))
            adopted = adopt(change.before, names)
            if adopted is change.before:
                connection.rollback()
                return False
            change.write(adopted)
            return True

    def access_version(self) -> int:
        """Return the version of roles and grants, which grows with every change."""
        with self._engine.connect() as connection:
            return _read_version(connection)

    def listen(self, ears: Ears, name: str = LISTENER) -> Listener:
        """Tell of changes, and of what other gateways say, in a thread of its own, until it is closed. ``name`` is what
        its connection is called.
        """
        return Listener(self._server, self._database, ears, name)

    def tell_cancels(self, texts: Sequence[str]) -> None:
        """Tell all gateways of wishes to cancel, in words that they alone understand."""
        told = sa.select(sa.func.pg_notify(CANCELS, sa.func.unnest(sa.cast(list(texts), sa.ARRAY(sa.Text)))))
        with self._engine.begin() as connection:
            connection.execute(told)

    def serves_otherwise(self, lake: str, sources: Iterable[str]) -> bool:
        """Whether some gateway serves the same lake of other sources, as in `catalog.store.gateways`."""
        with self._server.connect(self._database) as connection:
            return serves_otherwise(connection, lake, sources)

    # --- settings and the catalogue ---

    def get_setting(self, name: str) -> str | None:
        """Return a setting, or None."""
        query = sa.select(settings.c.value).where(settings.c.name == name)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none()

    def set_setting(self, name: str, value: str) -> None:
        """Set a setting."""
        statement = insert(settings).values(name=name, value=value)
        with self._engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": value}))

    def require_secret(self, name: str) -> bytes:
        """Return 32 random bytes of that name, made once and the same for all gateways on this metadata."""
        key = f"secret_{name}"
        statement = insert(settings).values(name=key, value=secrets.token_hex(32)).on_conflict_do_nothing()
        with self._engine.begin() as connection:
            connection.execute(statement)
            return bytes.fromhex(
                connection.execute(sa.select(settings.c.value).where(settings.c.name == key)).scalar_one()
            )

    def save_catalog(self, catalog: Catalog, name: str = "lake") -> None:
        """Keep a catalogue for the next start; ``name`` is the database that clients see."""
        values = {"version": catalog.version, "contents": pack_catalog(catalog), "saved": sa.func.now()}
        statement = insert(catalogs).values(name=name, **values)
        with self._engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))

    def load_catalog(self, name: str = "lake") -> Catalog | None:
        """Return the catalogue kept last, or None where there is none that this version of Lakegate can read."""
        query = sa.select(catalogs.c.contents).where(catalogs.c.name == name)
        with self._engine.connect() as connection:
            contents = connection.execute(query).scalar_one_or_none()
        return unpack_catalog(contents) if contents is not None else None

    def masking_by(self, actor: Actor) -> MaskingStore:
        """Return ``masking`` for one who changes something of it."""
        return MaskingStore(self._engine, lambda: self._change(actor))

    @contextmanager
    def _change(self, actor: Actor | None = None) -> Iterator[sa.Connection]:
        """A transaction that changes roles or grants."""
        number = sa.cast(settings.c.value, sa.BigInteger) + 1
        bump = settings.update().where(settings.c.name == _ACCESS_VERSION).values(value=sa.cast(number, sa.Text))
        with self._engine.begin() as connection:
            connection.execute(bump)
            connection.execute(sa.select(sa.func.pg_notify(CHANNEL, "")))
            if actor is not None:
                told = {"lakegate.user": actor.user, "lakegate.role": actor.role}
                connection.execute(sa.select(*(sa.func.set_config(name, one, True) for name, one in told.items())))
            yield connection


def adopt(access: AccessRows, names: Iterable[TableName]) -> AccessRows:
    """Return the rows with some tables known: new ones get what default privileges provide for. A schema is new with
    the first of its tables.
    """
    known = {TableName(row.schema, row.table) for row in access.tables}
    new = [name for name in names if name not in known]
    if not new:
        return access
    makers = {None, *(role.name for role in access.roles if role.superuser)}
    provided = [row for row in access.default_privileges if row.creator in makers]
    given = {
        Grant(row.role, name.schema, name.name, row.privilege, grantable=row.grantable)
        for name in new
        for row in provided
        if row.objects == TABLES and row.schema in (None, name.schema)
    }
    given |= {
        Grant(row.role, schema, SCHEMA_ITSELF, row.privilege, grantable=row.grantable)
        for schema in {name.schema for name in new} - {name.schema for name in known}
        for row in provided
        if row.objects == SCHEMAS
    }
    return replace(
        access,
        tables=(*access.tables, *(TableRights(name.schema, name.name) for name in new)),
        grants=(*access.grants, *sorted(given - set(access.grants), key=repr)),
    )


def check_role_name(name: str, superuser: str) -> None:
    """Raise SqlError where a role cannot have a name. ``superuser`` is the server's owner."""
    if not name or "\0" in name:
        raise SqlError(SqlState.INVALID_NAME, "a role needs a name")
    if len(name.encode()) > MAX_IDENTIFIER_BYTES:
        raise SqlError(SqlState.NAME_TOO_LONG, f"a role's name has at most {MAX_IDENTIFIER_BYTES} bytes")
    if name in _RESERVED or name == superuser or name.startswith("pg_"):
        raise SqlError(SqlState.RESERVED_NAME, f'role name "{name}" is reserved')


def _exists(connection: sa.Connection, name: str) -> bool:
    return connection.execute(sa.select(roles.c.name).where(roles.c.name == name)).first() is not None


def _is_foreign(connection: sa.Connection, name: str) -> bool:
    """Whether the server has a role of that name that is somebody else's, such as the owner of a source's database."""
    query = sa.text(
        "SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = :name"
        " AND pg_catalog.shobj_description(r.oid, 'pg_shdescription') IS DISTINCT FROM :mark"
    )
    return connection.execute(query, {"name": name, "mark": MIRROR_MARK}).first() is not None


def _require(connection: sa.Connection, name: str) -> None:
    if not _exists(connection, name):
        raise SqlError(SqlState.UNDEFINED_OBJECT, f'role "{name}" does not exist')


def _key(grant: Grant) -> dict[str, str]:
    return {
        "role": grant.role,
        "schema_name": grant.schema,
        "table_name": grant.table,
        "privilege": grant.privilege,
    }


def _read_version(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(settings.c.value).where(settings.c.name == _ACCESS_VERSION)).scalar_one())


def _members_below(rows: Iterable[Membership], role: str) -> set[str]:
    """Return the roles that are members of a role, directly or through others."""
    found: set[str] = set()
    waiting = [role]
    while waiting:
        here = waiting.pop()
        new = {row.member for row in rows if row.role == here} - found
        found |= new
        waiting.extend(new)
    return found
