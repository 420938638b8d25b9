"""What mirrors of other databases on the server still show of roles that have nothing any more.

Roles are one set for all databases, and so is what the store gives them: a mirror of another database has copies of it,
which its gateways change a moment later, or when they run again. Until then PostgreSQL would not drop the role. What
roles of the store still have is left alone everywhere, and so is what they made in their sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing

import psycopg
import structlog
from psycopg import sql

from catalog.store.access import without_roles
from catalog.store.rows import AccessRows
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
_IS_MIRROR = "SELECT pg_catalog.to_regclass('pg_catalog.lakegate_shown') IS NOT NULL"


def revoke_copies(connection: psycopg.Connection, access: AccessRows, connect_to: ConnectTo) -> None:
    """Take from roles without any row in the store what other mirrors show of them. Call it under the lock of all
    changes of mirrors. What cannot be taken now is left: PostgreSQL will say that it is in the way.
    """
    for database, names in connection.execute(_COPIES.encode(), (MIRROR_MARK,)).fetchall():
        roles = [name for name in names if not _has_anything(access, name)]
        if not roles:
            continue
        try:
            with closing(connect_to(database)) as other:
                _revoke(other, roles)
        except psycopg.OperationalError as error:  # a lock that a client's transaction holds, no connection
            _log.warning("what another mirror shows of a role stays", database=database, reason=error.diag.sqlstate)


def _has_anything(access: AccessRows, name: str) -> bool:
    return _given(without_roles(access, frozenset({name}))) != _given(access)


def _given(rows: AccessRows) -> tuple[Iterable[object], ...]:
    return rows.grants, rows.tables, rows.row_policies, rows.default_privileges, rows.object_grants


def _revoke(other: psycopg.Connection, roles: list[str]) -> None:
    if other.execute(_IS_MIRROR.encode()).fetchone() == (True,):
        other.execute(sql.SQL("DROP OWNED BY {}").format(sql.SQL(", ").join(map(sql.Identifier, roles))))
        other.commit()
