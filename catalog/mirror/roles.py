"""Login roles of the mirror: one for each role of the gateway, without any right beyond the lake.

Only roles that carry the mirror's mark (`catalog.mirror.marks`) are ever changed. Their passwords are made from a
secret of the gateway's, so that nobody else can log in as them, whatever they know of the gateway's own passwords.
A role may change its own password in PostgreSQL: each change of the mirror undoes that.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql

from catalog.mirror.applied import Notes
from catalog.mirror.marks import forget_dropped_roles, mark_roles
from catalog.predefined_roles import GROUPS, used_groups
from catalog.store.rows import AccessRows, Membership, Role
from catalog.store.store import MIRROR_MARK, SUPERUSERS

_ROLES = """
SELECT r.rolname, pg_catalog.shobj_description(r.oid, 'pg_shdescription') IS NOT DISTINCT FROM %s,
       r.rolcanlogin, r.rolcreaterole, r.rolinherit,
       r.rolsuper OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls OR r.rolconnlimit <> -1, r.rolpassword
FROM pg_catalog.pg_authid r
"""
_ROUNDS = 16  # the longest chain of grantors
_TRIES, _PAUSE = 40, 0.05  # and seconds: for sessions that end, and drop their temporary tables, meanwhile
_MEMBERSHIPS = """
SELECT pg_catalog.pg_get_userbyid(m.roleid), pg_catalog.pg_get_userbyid(m.member),
       m.admin_option, m.inherit_option, m.set_option, pg_catalog.pg_get_userbyid(m.grantor)
FROM pg_catalog.pg_auth_members m
"""
# Superusers of the gateway are none here, where they would be real; they see all by a group that sees all.
WITHOUT_RIGHTS = "NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS CONNECTION LIMIT -1"


def mirror_password(secret: bytes, role: str) -> str:
    """Return the password of a role in the mirror."""
    return hmac.new(secret, role.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class _Present:
    """A role of the mirror as it is."""

    login: bool
    create_role: bool
    inherit: bool
    has_rights: bool
    verifier: str | None

    def differs(self, role: Role, verifier: str) -> bool:
        """Whether the role is to be altered."""
        wanted = (role.login, role.create_role, role.inherit, verifier)
        return self.has_rights or (self.login, self.create_role, self.inherit, self.verifier) != wanted


def change_roles(connection: psycopg.Connection, access: AccessRows, secret: bytes, notes: Notes) -> set[str]:
    """Make, change and drop roles; return the names of those that exist now."""
    rows = connection.execute(_ROLES, (MIRROR_MARK,)).fetchall()
    present = {name: _Present(*values) for name, ours, *values in rows if ours}
    foreign = {name: _Present(*values) for name, ours, *values in rows if not ours}
    # Of a server that was restored from a dump: no other role could have this password.
    restored = [
        role.name
        for role in access.roles
        if role.name in foreign and foreign[role.name].verifier == _verifier(secret, role.name)
    ]
    mark_roles(connection, restored)
    present |= {name: foreign.pop(name) for name in restored}
    if SUPERUSERS not in foreign:
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(SUPERUSERS)))
    usable = set()
    for role in access.roles:
        if role.name in foreign:
            notes.add(f"role {role.name}", "the metadata server has another role of this name")
            continue
        usable.add(role.name)
        if role.name not in present:
            _create(connection, role, secret)
        else:
            _alter(connection, role, present[role.name], secret)
    for name in sorted(set(present) - usable):
        _drop(connection, name, notes)
    forget_dropped_roles(connection)
    change_memberships(connection, access, usable, notes)
    return usable


def read_memberships(connection: psycopg.Connection) -> list[Membership]:
    """Return all memberships of the server, those of others included."""
    return [Membership(*row) for row in connection.execute(_MEMBERSHIPS).fetchall()]


def _verifier(secret: bytes, role: str) -> str:
    """Return what PostgreSQL keeps of a role's password, the same each time, so that a changed one is seen.

    One iteration is enough: the password is 256 random bits, and every session of a client logs in with one.
    """
    password = mirror_password(secret, role).encode()
    salt = hmac.new(secret, b"salt of " + role.encode(), hashlib.sha256).digest()[:16]
    salted = hashlib.pbkdf2_hmac("sha256", password, salt, 1)
    stored = hashlib.sha256(hmac.new(salted, b"Client Key", hashlib.sha256).digest()).digest()
    server = hmac.new(salted, b"Server Key", hashlib.sha256).digest()
    return f"SCRAM-SHA-256$1:{_base64(salt)}${_base64(stored)}:{_base64(server)}"


def _base64(value: bytes) -> str:
    return b64encode(value).decode("ascii")


def _create(connection: psycopg.Connection, role: Role, secret: bytes) -> None:
    name = sql.Identifier(role.name)
    connection.execute(sql.SQL("CREATE ROLE {} {}").format(name, _options(role, _verifier(secret, role.name))))
    mark_roles(connection, [role.name])


def _options(role: Role, verifier: str) -> sql.Composed:
    chosen = ["LOGIN" if role.login else "NOLOGIN", "CREATEROLE" if role.create_role else "NOCREATEROLE"]
    chosen += ["INHERIT" if role.inherit else "NOINHERIT", WITHOUT_RIGHTS]
    return sql.SQL(" ".join(chosen) + " PASSWORD {}").format(sql.Literal(verifier))


def _alter(connection: psycopg.Connection, role: Role, present: _Present, secret: bytes) -> None:
    name = sql.Identifier(role.name)
    verifier = _verifier(secret, role.name)
    if present.differs(role, verifier):
        connection.execute(sql.SQL("ALTER ROLE {} {}").format(name, _options(role, verifier)))


def _drop(connection: psycopg.Connection, role: str, notes: Notes) -> None:
    name = sql.Identifier(role)
    connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(name))
    for _ in range(_TRIES):
        try:
            with connection.transaction():
                connection.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(name))
                connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
                connection.execute(sql.SQL("DROP ROLE {}").format(name))
        except psycopg.errors.DependentObjectsStillExist:
            notes.add(f"role {role}", "has privileges in another database of the server: it was only shut out")
            return
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            break
        except psycopg.errors.InternalError_:  # temporary tables of his went while his session ended
            time.sleep(_PAUSE)
        else:
            return
    notes.postpone(f"role {role}")


def add_memberships(connection: psycopg.Connection, memberships: Iterable[Membership]) -> None:
    """Let members into roles, with the options of each membership."""
    for row in memberships:
        options = f" WITH ADMIN {row.admin}, INHERIT {row.inherit}, SET {row.set_role}"
        connection.execute(_membership("GRANT {} TO {}" + options, row))


def change_memberships(
    connection: psycopg.Connection, access: AccessRows, usable: set[str], notes: Notes, *, judged: bool = False
) -> None:
    """Make memberships with their options and grantors. What a grantor gave goes with his right to give it.

    ``judged``: PostgreSQL is to judge statements about them in this transaction, so those in predefined roles stand as
    they were given. They are to be taken back to what gives no right before the transaction ends.
    """
    wanted = {
        replace(row, grantor=row.grantor if row.grantor in usable else None)
        for row in access.memberships
        if row.role in usable and row.member in usable
    }
    superusers = {role.name for role in access.roles if role.superuser} & usable
    wanted |= {Membership(SUPERUSERS, name, set_role=False) for name in superusers}
    wanted |= _in_predefined_roles(connection, access, usable, judged=judged)
    ours = usable | {SUPERUSERS, *GROUPS, *GROUPS.values()}
    for _ in range(_ROUNDS):
        rows = {
            replace(row, grantor=row.grantor if row.grantor in usable else None)
            for row in read_memberships(connection)
            if row.member in usable and row.role in ours
        }
        surplus, missing = rows - wanted, wanted - rows
        if not surplus and not missing:
            return
        givers = {(row.role, row.member) for row in rows if row.admin}
        for row in sorted(surplus, key=repr):
            connection.execute(_membership("REVOKE {} FROM {}", row, " CASCADE"))
        for row in sorted(missing, key=repr):
            if row.grantor is None or (row.role, row.grantor) in givers:
                options = f" WITH ADMIN {row.admin}, INHERIT {row.inherit}, SET {row.set_role}"
                connection.execute(_membership("GRANT {} TO {}" + options, row))
    notes.add("memberships", "some have a grantor who may not give them")


def _in_predefined_roles(
    connection: psycopg.Connection, access: AccessRows, usable: set[str], *, judged: bool
) -> set[Membership]:
    """Return memberships in predefined roles and in the groups that have their rights, which are made as needed."""
    given = [row for row in access.memberships if row.role in GROUPS and row.member in usable]
    given = [row for row in given if GROUPS[row.role] not in usable]  # of a version that did not reserve the names
    for group in sorted(used_groups(given)):
        if connection.execute("SELECT FROM pg_catalog.pg_roles WHERE rolname = %s", (group,)).fetchone() is None:
            connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(group)))
    stated = {Membership(row.role, row.member, inherit=row.inherit and judged, set_role=False) for row in given}
    return stated | {Membership(GROUPS[row.role], row.member, set_role=False) for row in given if row.inherit}


def _membership(statement: str, row: Membership, end: str = "") -> sql.Composed:
    made = sql.SQL(statement).format(sql.Identifier(row.role), sql.Identifier(row.member))
    if row.grantor is not None:
        made += sql.SQL(" GRANTED BY {}").format(sql.Identifier(row.grantor))
    return made + sql.SQL(end)
