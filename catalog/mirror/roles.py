"""Login roles of the mirror: one for each role of the gateway, without any right of its own.

Only roles that carry the mirror's mark (the comment on the role) are ever changed. Their passwords are made from a
secret of the gateway's, so that nobody else can log in as them, whatever they know of the gateway's own passwords.
A role may change its own password and its own defaults in PostgreSQL: each change of the mirror undoes that.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass

import psycopg
from psycopg import sql

from catalog.mirror.applied import Notes
from catalog.store.rows import AccessRows, Membership, Role
from catalog.store.store import MIRROR_MARK

_ROLES = """
SELECT r.rolname, pg_catalog.shobj_description(r.oid, 'pg_authid') IS NOT DISTINCT FROM %s,
       r.rolcanlogin, r.rolpassword,
       pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'CONNECT'),
       EXISTS (SELECT FROM pg_catalog.pg_db_role_setting s WHERE s.setrole = r.oid)
FROM pg_catalog.pg_authid r
"""
_MEMBERSHIPS = """
SELECT pg_catalog.pg_get_userbyid(m.roleid), pg_catalog.pg_get_userbyid(m.member) FROM pg_catalog.pg_auth_members m
"""
_WITHOUT_RIGHTS = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT"


def mirror_password(secret: bytes, role: str) -> str:
    """Return the password of a role in the mirror."""
    return hmac.new(secret, role.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class _Present:
    """A role of the mirror as it is."""

    login: bool
    verifier: str | None
    connects: bool
    has_defaults: bool


def change_roles(connection: psycopg.Connection, access: AccessRows, secret: bytes, notes: Notes) -> set[str]:
    """Make, change and drop roles; return the names of those that exist now."""
    rows = connection.execute(_ROLES, (MIRROR_MARK,)).fetchall()
    present = {name: _Present(*values) for name, ours, *values in rows if ours}
    foreign = {name for name, ours, *_ in rows if not ours}
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
    _change_memberships(connection, access.memberships, usable)
    return usable


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
    password = sql.Literal(_verifier(secret, role.name))
    options = sql.SQL(("LOGIN " if role.login else "NOLOGIN ") + _WITHOUT_RIGHTS)
    connection.execute(sql.SQL("CREATE ROLE {} {} PASSWORD {}").format(name, options, password))
    connection.execute(sql.SQL("COMMENT ON ROLE {} IS {}").format(name, sql.Literal(MIRROR_MARK)))
    _let_in(connection, role.name)


def _alter(connection: psycopg.Connection, role: Role, present: _Present, secret: bytes) -> None:
    name = sql.Identifier(role.name)
    verifier = _verifier(secret, role.name)
    if present.login != role.login or present.verifier != verifier:
        options = sql.SQL("LOGIN" if role.login else "NOLOGIN")
        connection.execute(sql.SQL("ALTER ROLE {} {} PASSWORD {}").format(name, options, sql.Literal(verifier)))
    if present.has_defaults:
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER ROLE {} RESET ALL").format(name))
        connection.execute(sql.SQL("ALTER ROLE {} IN DATABASE {} RESET ALL").format(name, database))
    if not present.connects:  # its mirror was made for another database
        _let_in(connection, role.name)


def _let_in(connection: psycopg.Connection, role: str) -> None:
    database = sql.Identifier(connection.info.dbname)
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, sql.Identifier(role)))


def _drop(connection: psycopg.Connection, role: str, notes: Notes) -> None:
    name = sql.Identifier(role)
    connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(name))
    try:
        with connection.transaction():
            connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
            connection.execute(sql.SQL("DROP ROLE {}").format(name))
    except psycopg.errors.DependentObjectsStillExist:
        notes.add(f"role {role}", "has privileges in another database of the server: it was only shut out")


def _change_memberships(connection: psycopg.Connection, wanted: tuple[Membership, ...], usable: set[str]) -> None:
    """Let members inherit, as the gateway does; they cannot SET ROLE, the session's identity is the gateway's."""
    present = {row for row in read_memberships(connection) if row.member in usable}
    missing = {row for row in wanted if row.role in usable and row.member in usable}
    for row in sorted(present - missing):
        statement = sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(row.role), sql.Identifier(row.member))
        connection.execute(statement)
    add_memberships(connection, sorted(missing - present))


def read_memberships(connection: psycopg.Connection) -> set[Membership]:
    """Return all memberships of the server."""
    return {Membership(*row) for row in connection.execute(_MEMBERSHIPS).fetchall()}


def add_memberships(connection: psycopg.Connection, memberships: Iterable[Membership]) -> None:
    """Let members inherit from roles."""
    for row in memberships:
        grant = sql.SQL("GRANT {} TO {} WITH INHERIT TRUE, SET FALSE")
        connection.execute(grant.format(sql.Identifier(row.role), sql.Identifier(row.member)))
