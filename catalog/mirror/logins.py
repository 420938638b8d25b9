"""Whether a role's login in the mirror would be let in, and which settings it would begin with, asked without a login.

`login_state` names the state of everything that decides: the role, the database, their settings and the server's. As
long as that is the same, logins end as the last one did. Where something counts that only a login can tell, there is
no such name.
"""

from __future__ import annotations

import psycopg

from catalog.store.store import MIRROR_MARK

_STATE = f"""
SELECT pg_catalog.concat_ws(' ', r.oid, r.xmin, d.xmin, pg_catalog.pg_conf_load_time(), (
    SELECT pg_catalog.string_agg(
        s.setdatabase || '/' || s.setrole || '/' || s.xmin, ' ' ORDER BY s.setdatabase, s.setrole)
    FROM pg_catalog.pg_db_role_setting s WHERE s.setdatabase IN (0, d.oid) AND s.setrole IN (0, r.oid)))
FROM pg_catalog.pg_authid r, pg_catalog.pg_database d
WHERE r.rolname = %s AND d.datname = pg_catalog.current_database()
  AND r.rolcanlogin AND NOT r.rolsuper AND r.rolconnlimit = -1 AND d.datallowconn AND d.datconnlimit = -1
  AND coalesce(r.rolvaliduntil > pg_catalog.clock_timestamp(), true)
  AND pg_catalog.has_database_privilege(r.oid, d.oid, 'CONNECT')
  AND pg_catalog.shobj_description(r.oid, 'pg_shdescription') = '{MIRROR_MARK}'
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c
    WHERE s.setdatabase IN (0, d.oid) AND s.setrole IN (0, r.oid) AND c ~* '^(role|session_authorization)=')
"""


def login_state(connection: psycopg.Connection, role: str) -> str | None:
    """Return a name of the state in which a role's logins begin; None: one may be refused, or must be counted."""
    row = connection.execute(_STATE.encode(), (role,)).fetchone()
    return None if row is None else str(row[0])
