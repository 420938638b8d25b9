"""SET SESSION AUTHORIZATION for superusers of the gateway, who are none in the mirror, where PostgreSQL asks for one.

The gateway's own connection leaves a permit for the session of one server process: a secret's digest, good for
seconds, and for one role. With the secret, which the client never sees, that session calls ``lakegate_authorize``: in
one statement the attribute is given to who logged in, the authorization is set, and the attribute is taken back. All
that is uncommitted, so nobody else sees it, and an error on the way undoes all of it. Nothing else is done in between.
"""

from __future__ import annotations

import psycopg

from catalog.store.store import MIRROR_MARK

_SECONDS = 30
_PERMITS = "pg_catalog.lakegate_permits"
_IS_ROLE = f"pg_catalog.shobj_description(r.oid, 'pg_shdescription') = '{MIRROR_MARK}'"
# In a function with settings of its own a setting for the transaction would end with it: so all names are qualified.
_TABLE = f"""
SET LOCAL allow_system_table_mods = on;
CREATE TABLE {_PERMITS} (
  process integer PRIMARY KEY, digest bytea NOT NULL, role name NOT NULL, ends timestamptz NOT NULL);
REVOKE ALL ON {_PERMITS} FROM PUBLIC;
"""
_SCRIPT = f"""
CREATE OR REPLACE FUNCTION lakegate.lakegate_raise(secret text, wanted text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET lock_timeout = '2s' AS $$
  DECLARE found boolean;
  BEGIN
    SELECT true INTO found FROM {_PERMITS} p, pg_roles r
    WHERE p.process = lakegate.lakegate_own_backend_pid() AND p.digest = sha256(convert_to(secret, 'UTF8'))
      AND p.role = wanted AND p.ends > clock_timestamp() AND r.rolname = wanted AND {_IS_ROLE};
    IF found IS NULL THEN
      RAISE EXCEPTION 'permission denied to set session authorization "%"', wanted USING ERRCODE = '42501';
    END IF;
    UPDATE pg_authid r SET rolsuper = true
    WHERE r.oid = (SELECT a.usesysid FROM pg_stat_get_activity(lakegate.lakegate_own_backend_pid()) a)
      AND r.rolname <> wanted AND {_IS_ROLE};
  END $$;
CREATE OR REPLACE FUNCTION lakegate.lakegate_lower() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
  BEGIN
    UPDATE pg_authid r SET rolsuper = false
    WHERE r.oid = (SELECT a.usesysid FROM pg_stat_get_activity(lakegate.lakegate_own_backend_pid()) a)
      AND r.rolsuper AND {_IS_ROLE};
    IF EXISTS (SELECT FROM pg_authid r WHERE r.rolname = session_user AND (r.rolsuper OR NOT {_IS_ROLE}))
       OR current_setting('is_superuser') <> 'off' THEN
      RAISE EXCEPTION 'the session would have kept rights of a superuser' USING ERRCODE = 'XX000';
    END IF;
  END $$;
CREATE OR REPLACE FUNCTION lakegate.lakegate_authorize(secret text, wanted text, is_local boolean) RETURNS void
LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM lakegate.lakegate_raise(secret, wanted);
    PERFORM pg_catalog.set_config('session_authorization', wanted, is_local);
    PERFORM lakegate.lakegate_lower();
  END $$;
"""
AUTHORIZE = "SELECT lakegate.lakegate_authorize($1, $2, $3)"
"""What the session asks: the secret, the role, and whether it is for the transaction alone."""

_PERMIT = f"""
INSERT INTO {_PERMITS}
VALUES (%s, sha256(convert_to(%s, 'UTF8')), %s, clock_timestamp() + interval '{_SECONDS} seconds')
ON CONFLICT (process) DO UPDATE SET digest = excluded.digest, role = excluded.role, ends = excluded.ends
"""


def make_authorization(connection: psycopg.Connection) -> None:
    """Make the table of permits where it is absent, and the functions anew."""
    row = connection.execute("SELECT pg_catalog.to_regclass(%s) IS NULL", (_PERMITS,)).fetchone()
    if row is not None and row[0]:
        connection.execute(_TABLE.encode())
    connection.execute(_SCRIPT.encode())


def permit(connection: psycopg.Connection, process: int, secret: str, role: str) -> None:
    """Let the session of a server process become a role, once it names the secret."""
    connection.execute(_PERMIT.encode(), (process, secret, role))


def end_permit(connection: psycopg.Connection, process: int) -> None:
    """Take the permit back; the session stays what it has become."""
    connection.execute(f"DELETE FROM {_PERMITS} WHERE process = %s OR ends < clock_timestamp()".encode(), (process,))
