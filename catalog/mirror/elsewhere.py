"""What mirrors of other databases on the server still show of roles that have nothing any more.

Roles are one set for all databases, and so is what the store gives them: a mirror of another database has copies of it,
which its gateways change a moment later, or when they run again. Until then PostgreSQL would not drop the role. What
roles of the store still have is left alone everywhere, and so is what they made in their sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from contextlib import closing
from dataclasses import replace

import psycopg
import structlog
from psycopg import sql

from catalog.store.access import without_roles
from catalog.store.rows import ALL_TABLES, SCHEMA_ITSELF, AccessRows
from catalog.store.store import MIRROR_MARK

ConnectTo = Callable[[str], psycopg.Connection]  # a database of the server -> a connection as the server's owner

_log = structlog.get_logger(__name__)
_COPIES = """
SELECT d.datname, pg_catalog.array_agg(DISTINCT r.rolname::text)
FROM pg_catalog.pg_shdepend s
JOIN pg_catalog.pg_authid r ON r.oid = s.refobjid
JOIN pg_catalog.pg_database d ON d.oid = s.dbid
WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND d.datname <> pg_catalog.current_database()
  AND pg_catalog.shobj_description(r.oid, 'pg_shdescription') = %s
  AND NOT EXISTS (  -- neither a privilege nor a policy
      SELECT FROM pg_catalog.pg_shdepend o
      WHERE o.refclassid = s.refclassid AND o.refobjid = s.refobjid AND o.dbid = s.dbid AND o.deptype NOT IN ('a', 'r'))
GROUP BY d.datname
"""
_ASIDE = """
DELETE FROM pg_catalog.pg_shdepend s USING pg_catalog.pg_authid r, pg_catalog.pg_database d
WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.refobjid = r.oid AND s.dbid = d.oid
  AND d.datname <> pg_catalog.current_database() AND r.rolname = ANY(%s) AND s.deptype IN ('a', 'r')
"""
_IS_MIRROR = "SELECT pg_catalog.to_regclass('pg_catalog.lakegate_shown') IS NOT NULL"


def revoke_copies(
    connection: psycopg.Connection, access: AccessRows, connect_to: ConnectTo, going: Set[str] = frozenset()
) -> None:
    """Take from roles without any row in the store, and from those that are ``going``, what other mirrors show of
    them. Call it under the lock of all changes of mirrors. What cannot be taken now is left: PostgreSQL will say that
    it is in the way.
    """
    for database, names in connection.execute(_COPIES.encode(), (MIRROR_MARK,)).fetchall():
        roles = [name for name in names if name in going or not _has_anything(access, name)]
        if not roles:
            continue
        try:
            with closing(connect_to(database)) as other:
                _revoke(other, roles)
        except psycopg.OperationalError as error:  # a lock that a client's transaction holds, no connection
            _log.warning("what another mirror shows of a role stays", database=database, reason=error.diag.sqlstate)


def has_copies(connection: psycopg.Connection) -> bool:
    """Whether other mirrors show anything of roles."""
    return bool(connection.execute(_COPIES.encode(), (MIRROR_MARK,)).fetchall())


def put_copies_aside(connection: psycopg.Connection, access: AccessRows, shown: Set[tuple[str, str]]) -> None:
    """Have PostgreSQL judge who may be dropped by what this database has of him: in this transaction, which must be
    rolled back, the dependencies of copies are not there. ``shown`` are this mirror's tables; roles that have
    something in the store on others keep theirs.
    """
    found = {name for _, names in connection.execute(_COPIES.encode(), (MIRROR_MARK,)).fetchall() for name in names}
    unseen = _unseen(access, shown)
    connection.execute(_ASIDE.encode(), ([name for name in found if not _has_anything(unseen, name)],))


def _unseen(access: AccessRows, shown: Set[tuple[str, str]]) -> AccessRows:
    """What a store has on schemas and tables that a mirror does not show."""
    schemas = {schema for schema, _ in shown}
    return replace(
        access,
        grants=tuple(one for one in access.grants if _is_unseen(one.schema, one.table, schemas, shown)),
        tables=tuple(one for one in access.tables if _is_unseen(one.schema, one.table, schemas, shown)),
        row_policies=tuple(one for one in access.row_policies if _is_unseen(one.schema, one.table, schemas, shown)),
        default_privileges=tuple(one for one in access.default_privileges if one.schema and one.schema not in schemas),
        object_grants=(),
    )


def _is_unseen(schema: str, table: str, schemas: Set[str], shown: Set[tuple[str, str]]) -> bool:
    return schema not in schemas or (table not in (ALL_TABLES, SCHEMA_ITSELF) and (schema, table) not in shown)


def _has_anything(access: AccessRows, name: str) -> bool:
    return _given(without_roles(access, frozenset({name}))) != _given(access)


def _given(rows: AccessRows) -> tuple[Iterable[object], ...]:
    return rows.grants, rows.tables, rows.row_policies, rows.default_privileges, rows.object_grants


def _revoke(other: psycopg.Connection, roles: list[str]) -> None:
    if other.execute(_IS_MIRROR.encode()).fetchone() == (True,):
        other.execute(sql.SQL("DROP OWNED BY {}").format(sql.SQL(", ").join(map(sql.Identifier, roles))))
        other.commit()
