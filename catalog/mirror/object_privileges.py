"""Privileges on the database, sources and functions of the schema ``lakegate``, in the mirror as in the gateway.

CONNECT decides there who may log in, TEMPORARY who may make temporary tables. PUBLIC has both, and EXECUTE on the
functions that clients may call, unless it was taken: the store keeps how things differ from that. Functions of
PostgreSQL itself are everybody's, and those that only the gateway may call are nobody's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql

from catalog.errors import SqlError
from catalog.mask_library import KEYED, SCHEMA
from catalog.mirror.strangers import require_ours
from catalog.sqlstate import SqlState
from catalog.store.rows import PUBLIC, USAGE, AccessRows, ObjectGrant
from catalog.store.store import SUPERUSERS

CONNECT = "CONNECT"
TEMPORARY = "TEMPORARY"
EXECUTE = "EXECUTE"
_ROUNDS = 16  # the longest chain of grantors
_MINE = "pg_catalog.pg_current_xact_id()::pg_catalog.xid"
_SIGNATURE = "pg_catalog.format('%%I(%%s)', p.proname, pg_catalog.oidvectortypes(p.proargtypes))"
_INTERNAL = """
(p.prorettype IN ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
 OR p.proname = 'view_is_broken' OR p.proname = ANY(%(keyed)s))
"""
_OURS = f"p.pronamespace = (SELECT s.oid FROM pg_catalog.pg_namespace s WHERE s.nspname = '{SCHEMA}')"
_FUNCTIONS = f"SELECT {_SIGNATURE} FROM pg_catalog.pg_proc p WHERE {_OURS} AND NOT {_INTERNAL}"
_HELD = f"""
SELECT CASE WHEN a.grantee = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(a.grantee) END, a.privilege_type, h.name,
       CASE WHEN a.grantor <> h.owner THEN pg_catalog.pg_get_userbyid(a.grantor) END, a.is_grantable, true, h.server
FROM (
    SELECT NULL AS name, NULL::name AS server, d.datdba AS owner,
           coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba)) AS acl
    FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
    UNION ALL
    SELECT {_SIGNATURE}, NULL, p.proowner, coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))
    FROM pg_catalog.pg_proc p WHERE {_OURS} AND NOT {_INTERNAL}
    UNION ALL
    SELECT NULL, s.srvname, s.srvowner, s.srvacl FROM pg_catalog.pg_foreign_server s
) h, pg_catalog.aclexplode(h.acl) a
WHERE a.grantee <> h.owner
"""
_INTERNAL_HELD = f"""
SELECT p.oid::pg_catalog.regprocedure::text, CASE WHEN a.grantee = 0 THEN 'public'
                                                  ELSE pg_catalog.pg_get_userbyid(a.grantee) END
FROM pg_catalog.pg_proc p,
     pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
WHERE {_OURS} AND {_INTERNAL} AND a.grantee <> p.proowner
"""
_OTHER_DATABASES = f"""
SELECT d.datname FROM pg_catalog.pg_database d
WHERE d.xmin = {_MINE} AND d.datname <> pg_catalog.current_database()
"""
_ON_OTHERS = """
SELECT d.datname, CASE WHEN a.grantee = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(a.grantee) END,
       a.privilege_type, a.is_grantable
FROM pg_catalog.pg_database d, pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
WHERE d.datname <> pg_catalog.current_database()
"""
_OTHER_FUNCTIONS = f"""
SELECT p.oid::pg_catalog.regprocedure::text FROM pg_catalog.pg_proc p WHERE p.xmin = {_MINE} AND NOT {_OURS} LIMIT 1
"""
_SERVERS = "SELECT s.srvname FROM pg_catalog.pg_foreign_server s"
_KEYED = {"keyed": sorted(KEYED)}
_ALL_FUNCTIONS = re.compile(r"\bALL\s+(FUNCTIONS|ROUTINES)\s+IN\s+SCHEMA\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OnDatabase:
    """What a role may do with a database of the server."""

    database: str
    role: str
    privilege: str
    grantable: bool


def change_object_privileges(connection: psycopg.Connection, access: AccessRows, usable: Set[str]) -> None:
    """Grant and revoke what differs from the gateway's rows. ``usable`` are the roles of the mirror."""
    _close_internal_functions(connection)
    wanted = _wanted(connection, access, usable)
    for _ in range(_ROUNDS):
        present = _read(connection)
        surplus, missing = present - wanted, wanted - present
        givers = {replace(one, grantor=None) for one in present if one.grantable}
        possible = {one for one in missing if one.grantor is None or _right_to_give(one) in givers}
        if not surplus and not possible:
            return
        _run(connection, surplus, "REVOKE {} ON {} FROM {} CASCADE")
        _run(connection, possible, "GRANT {} ON {} TO {}")


def _right_to_give(row: ObjectGrant) -> ObjectGrant:
    return replace(row, role=row.grantor or "", grantor=None, grantable=True)


def read_other_databases(connection: psycopg.Connection) -> frozenset[OnDatabase]:
    """Return who may do what with the server's other databases."""
    return frozenset(OnDatabase(*row) for row in connection.execute(_ON_OTHERS).fetchall())


def check_other_databases(
    connection: psycopg.Connection, before: Set[OnDatabase], given: Iterable[ObjectGrant], *, drops_owned: bool
) -> None:
    """Raise SqlError where the transaction touched other databases. DROP OWNED may: it takes from a role what it has on
    all of them, and those are copies of what was ``given`` on the lake's database, which other mirrors show of theirs.
    """
    touched = {database for (database,) in connection.execute(_OTHER_DATABASES).fetchall()}
    if touched and drops_owned:
        now = read_other_databases(connection)
        copies = {
            (one.role, one.privilege) for one in given if one.held and one.function is None and one.server is None
        }
        taken = {one.database for one in before - now if (one.role, one.privilege) not in copies}
        touched &= {*taken, *(one.database for one in now - before)}
    for database in sorted(touched):
        raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, f"permission denied for database {database}")


def object_grants_after(connection: psycopg.Connection, rows: AccessRows, names: Set[str]) -> tuple[ObjectGrant, ...]:
    """Return the privileges as the transaction made them. Raises SqlError where it touched functions that are not
    given. ``names`` are the gateway's roles.
    """
    for (function,) in connection.execute(_OTHER_FUNCTIONS).fetchall():
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED,
            f"privileges on function {function} are not supported",
            hint=f"Functions of PostgreSQL are everybody's. EXECUTE is given on those in schema {SCHEMA}.",
        )
    functions = _functions(connection)
    known = {PUBLIC, *names}
    held = _read(connection)
    require_ours((one.role for one in held if one.role != SUPERUSERS), names)
    present = {replace(one, grantor=one.grantor if one.grantor in names else None) for one in held if one.role in known}
    standard = _standard(functions)
    taken = {replace(one, held=False) for one in standard - present}
    # Of what the mirror does not have now, and of roles that the server has for others, all stays as it is.
    servers = _servers(connection)
    kept = {row for row in rows.object_grants if _is_absent(row, functions, servers) or row.role not in known}
    return tuple(sorted({*(present - standard), *taken, *kept}, key=repr))


def check_internal_functions(connection: psycopg.Connection, texts: Iterable[str]) -> None:
    """Raise SqlError where somebody was given a function that is the gateway's own, unless all functions of the schema
    were meant: then `change_object_privileges` leaves it out.
    """
    row = connection.execute(_INTERNAL_HELD, _KEYED).fetchone()
    if row is not None and not any(_ALL_FUNCTIONS.search(text) for text in texts):
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED,
            f"privileges on function {row[0]} are not supported",
            hint="It is for masking policies, or the gateway's own.",
        )


def _functions(connection: psycopg.Connection) -> frozenset[str]:
    return frozenset(name for (name,) in connection.execute(_FUNCTIONS, _KEYED).fetchall())


def _servers(connection: psycopg.Connection) -> frozenset[str]:
    return frozenset(name for (name,) in connection.execute(_SERVERS).fetchall())


def _is_absent(row: ObjectGrant, functions: Set[str], servers: Set[str]) -> bool:
    return row.function not in {None, *functions} or row.server not in {None, *servers}


def _read(connection: psycopg.Connection) -> set[ObjectGrant]:
    return {ObjectGrant(*row) for row in connection.execute(_HELD, _KEYED).fetchall()}


def _standard(functions: Collection[str]) -> set[ObjectGrant]:
    """Return what PUBLIC has where nobody has said anything."""
    database = (ObjectGrant(PUBLIC, CONNECT), ObjectGrant(PUBLIC, TEMPORARY))
    return {*database, *(ObjectGrant(PUBLIC, EXECUTE, name) for name in functions)}


def _wanted(connection: psycopg.Connection, access: AccessRows, usable: Set[str]) -> set[ObjectGrant]:
    functions = _functions(connection)
    known, servers = {PUBLIC, *usable}, _servers(connection)
    wanted = {*_standard(functions), *(ObjectGrant(SUPERUSERS, USAGE, server=name) for name in servers)}
    for row in access.object_grants:
        if row.role not in known or _is_absent(row, functions, servers):
            continue
        if row.held:
            wanted.add(replace(row, grantor=row.grantor if row.grantor in usable else None))
        else:  # the gateway's superusers have it all the same
            wanted.discard(replace(row, held=True))
            wanted.add(ObjectGrant(SUPERUSERS, row.privilege, row.function))
    return {one for one in wanted if one.grantable or replace(one, grantable=True) not in wanted}


def _close_internal_functions(connection: psycopg.Connection) -> None:
    for function, role in connection.execute(_INTERNAL_HELD, _KEYED).fetchall():
        grantee = sql.SQL("PUBLIC") if role == PUBLIC else sql.Identifier(role)
        connection.execute(sql.SQL("REVOKE ALL ON FUNCTION {} FROM {} CASCADE").format(sql.SQL(function), grantee))


def _run(connection: psycopg.Connection, rows: Set[ObjectGrant], form: str) -> None:
    """Run one statement for each privilege on each object, with all roles that hold it alike."""
    for key, roles in _grouped(rows).items():
        grantees = [sql.SQL("PUBLIC") if role == PUBLIC else sql.Identifier(role) for role in roles]
        option = " WITH GRANT OPTION" if key.grantable and form.startswith("GRANT") else ""
        if key.server is not None:
            subject = sql.SQL("FOREIGN SERVER {}").format(sql.Identifier(key.server))
        elif key.function is not None:
            subject = sql.SQL("FUNCTION {}.{}").format(sql.Identifier(SCHEMA), sql.SQL(key.function))
        else:
            subject = sql.SQL("DATABASE {}").format(sql.Identifier(connection.info.dbname))
        statement = sql.SQL(form + option).format(sql.SQL(key.privilege), subject, sql.SQL(", ").join(grantees))
        if key.grantor is not None:  # PostgreSQL notes who runs the statement as the grantor
            connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(key.grantor)))
        connection.execute(statement)
        if key.grantor is not None:
            connection.execute("RESET ROLE")


def _grouped(rows: Set[ObjectGrant]) -> Mapping[ObjectGrant, list[str]]:
    groups: dict[ObjectGrant, list[str]] = defaultdict(list)
    for one in sorted(rows, key=repr):
        groups[replace(one, role="")].append(one.role)
    return groups
