"""What a client's role may not do in the mirror although PostgreSQL lets everybody: it makes nothing and keeps nothing.

Nothing can be created but temporary relations of the session (`catalog.mirror.temporary`): no schema of theirs, no
large objects, no code by DO. What one session does must not fill what all sessions share (the table of locks, the log
of changes). Owners of tables and those who may write them exist here too: whatever his rights, no client's session
changes a definition of the lake or writes its tables, triggers see to it. PUBLIC may have the right to connect, and the
server may have roles that are not the gateway's: these do not get in.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from catalog.mirror.temporary import make_wall
from catalog.store.store import MIRROR_MARK

_FUNCTIONS = """
SELECT p.oid::pg_catalog.regprocedure::text
FROM pg_catalog.pg_proc p
WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
  AND (p.proname ~ '^lo_' OR p.proname IN ('loread', 'lowrite', 'pg_logical_emit_message', 'ts_stat')
       OR p.proname ~ '^(query|cursor|table|schema|database)_to_xml'
       OR p.oid = 'pg_catalog.ts_rewrite(tsquery, text)'::pg_catalog.regprocedure
       OR (p.proname ~ '^pg_(try_)?advisory_' AND p.proname !~ '_unlock'))
  AND pg_catalog.has_function_privilege('public', p.oid, 'EXECUTE')
"""
_LANGUAGES = """
SELECT l.lanname FROM pg_catalog.pg_language l
WHERE l.lanpltrusted AND pg_catalog.has_language_privilege('public', l.oid, 'USAGE')
"""
_PUBLIC_SCHEMA = "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS lakegate;
GRANT USAGE ON SCHEMA lakegate TO PUBLIC;
CREATE OR REPLACE FUNCTION lakegate.principal() RETURNS text LANGUAGE plpgsql STABLE AS
  $$ BEGIN RAISE EXCEPTION 'lakegate.principal() is for policies only' USING ERRCODE = '0A000'; END $$;
CREATE OR REPLACE FUNCTION lakegate.claim(name text) RETURNS text LANGUAGE plpgsql STABLE AS
  $$ BEGIN RAISE EXCEPTION 'lakegate.claim() is for policies only' USING ERRCODE = '0A000'; END $$;
CREATE OR REPLACE FUNCTION lakegate.is_member(role text) RETURNS boolean LANGUAGE plpgsql STABLE AS
  $$ BEGIN RAISE EXCEPTION 'lakegate.is_member() is for policies only' USING ERRCODE = '0A000'; END $$;
CREATE OR REPLACE FUNCTION lakegate.refuse_writing() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION '% is not supported on lake tables', TG_OP USING ERRCODE = '0A000'; END $$;
CREATE OR REPLACE FUNCTION lakegate.refuse_strangers() RETURNS event_trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF pg_catalog.current_setting('is_superuser') = 'off' AND NOT EXISTS (
        -- Not by pg_roles and shobj_description(): each login would take 2 ms longer.
        SELECT FROM pg_catalog.pg_shdescription d
        WHERE d.objoid = pg_catalog.quote_ident(session_user)::pg_catalog.regrole
          AND d.classoid = 'pg_catalog.pg_shdescription'::pg_catalog.regclass AND d.description = '{mark}') THEN
      RAISE EXCEPTION 'permission denied for database "%"', pg_catalog.current_database()
        USING ERRCODE = '42501', DETAIL = 'Only roles of the gateway have the CONNECT privilege.';
    END IF;
  END $$;
"""
_DOOR = "CREATE EVENT TRIGGER lakegate_door ON login EXECUTE FUNCTION lakegate.refuse_strangers()"
_TRIGGERS = "SELECT evtname FROM pg_catalog.pg_event_trigger"


def harden(connection: psycopg.Connection) -> None:
    """Take from PUBLIC what clients need not have; the superuser's own work goes on."""
    connection.execute(_PUBLIC_SCHEMA)
    connection.execute(_SCHEMA.format(mark=MIRROR_MARK).encode())  # another version's may lack some of it
    present = {name for (name,) in connection.execute(_TRIGGERS).fetchall()}
    if "lakegate_door" not in present:
        connection.execute(_DOOR)
    make_wall(connection)
    functions = [row[0] for row in connection.execute(_FUNCTIONS).fetchall()]
    if functions:
        connection.execute(f"REVOKE EXECUTE ON FUNCTION {', '.join(functions)} FROM PUBLIC".encode())
    for (language,) in connection.execute(_LANGUAGES).fetchall():
        connection.execute(sql.SQL("REVOKE USAGE ON LANGUAGE {} FROM PUBLIC").format(sql.Identifier(language)))
