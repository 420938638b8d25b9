"""What runs, told by the mirror: its ``pg_stat_activity`` shows the gateway's clients, and what signals a process is
carried out by the gateway.

A client's session has a server process here at times (`catalog.mirror.processes`), and what that does is not what the
client does. So gateways say what their clients do when somebody asks (`tell_sessions`), and when clients have come and
gone. The view joins it to the processes, and shows the sessions that have none. Who may see the text of a statement
and what runs is as in PostgreSQL: members of the session's role and of ``pg_read_all_stats``, and superusers, who
are the gateway's.

``pg_cancel_backend`` and ``pg_terminate_backend`` judge who may, as PostgreSQL does, and say the rest to the gateway by
a notice with a code of its own, which no client is told and no client can raise.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from catalog.mirror.own_functions import move_own_functions
from catalog.mirror.processes import FRESH, PROCESSES, SESSIONS, get_process, leave_signal
from catalog.predefined_roles import READ_ALL_STATS, SIGNAL_BACKEND, holds_group
from catalog.store.store import MIRROR_MARK, SUPERUSERS

SIGNAL_CODE = "LG001"  # of the notice; its text is the signal's name and the process's number
_IS_ABSENT = f"SELECT pg_catalog.to_regclass('{SESSIONS}') IS NULL"
_CREATE = f"""
CREATE UNLOGGED TABLE {SESSIONS} (node uuid PRIMARY KEY, told timestamptz NOT NULL, sessions jsonb NOT NULL);
REVOKE ALL ON {SESSIONS} FROM PUBLIC;
ALTER FUNCTION pg_catalog.pg_cancel_backend(int) RENAME TO lakegate_own_cancel_backend;
ALTER FUNCTION pg_catalog.pg_terminate_backend(int, bigint) RENAME TO lakegate_own_terminate_backend;
"""
_TELL = f"""
INSERT INTO {SESSIONS} AS s VALUES (%s, pg_catalog.clock_timestamp(), %s::jsonb)
ON CONFLICT (node) DO UPDATE SET told = excluded.told, sessions = excluded.sessions
"""
_FORGET = f"DELETE FROM {SESSIONS} WHERE told < pg_catalog.clock_timestamp() - interval '1 day'"
_OWNER = "pg_catalog.current_setting('is_superuser') = 'on'"  # of the server: sees and does what PostgreSQL lets him
# An officer who simulates a role reads its tables as it does; its sessions are not his. A process keeps the role that
# logged in.
_SIMULATES = f"""EXISTS (
  SELECT FROM pg_catalog.pg_stat_get_activity(lakegate.lakegate_own_backend_pid()) o
  JOIN pg_catalog.pg_authid l ON l.oid = o.usesysid
  WHERE l.rolname <> session_user AND NOT pg_catalog.pg_has_role(l.oid, '{SUPERUSERS}', 'USAGE'))"""


def _may(role: str) -> str:
    """Return the condition that who asks may see what the sessions of a role do."""
    mine = f"(pg_catalog.pg_has_role({role}, 'USAGE') AND NOT (SELECT lakegate.lakegate_simulates()))"
    return f"({_OWNER} OR {mine} OR pg_catalog.pg_has_role('{SUPERUSERS}', 'USAGE') OR {holds_group(READ_ALL_STATS)})"


# What another gateway said longer ago than this is not what runs now; where its clients are, it still is.
_FRESH = "CASE WHEN m.may AND g.told > pg_catalog.statement_timestamp() - interval '5 s' THEN"
_VIEW = f"""
CREATE OR REPLACE VIEW pg_catalog.pg_stat_activity AS
WITH g AS (
    SELECT t.told, r.pid, r.address, r.port, r.state, r.query, pg_catalog.to_timestamp(r.started) AS started,
           pg_catalog.to_timestamp(r.block) AS block, pg_catalog.to_timestamp(r.begun) AS begun,
           pg_catalog.to_timestamp(r.changed) AS changed, r.role, r.application
    FROM {SESSIONS} t, pg_catalog.jsonb_to_recordset(t.sessions) r (
        pid int, address inet, port int, state text, query text, role text, application text,
        started float8, block float8, begun float8, changed float8)
), p AS (
    SELECT a.datid, coalesce(n.number, a.pid) AS pid, a.leader_pid, a.usesysid, a.application_name, a.client_hostname,
           a.client_port, a.backend_start, a.xact_start, a.query_start, a.state_change, a.wait_event_type, a.wait_event,
           a.state, a.backend_xid, a.backend_xmin, a.query_id, a.query, a.backend_type
    FROM pg_catalog.pg_stat_get_activity(NULL) a
    LEFT JOIN {PROCESSES} n ON n.process = a.pid AND (a.backend_start IS NULL OR n.told >= a.backend_start)
), s AS (
    SELECT * FROM p
    UNION ALL
    SELECT c.oid, g.pid, NULL, r.oid, g.application, NULL, g.port, g.started, g.block, g.begun, g.changed, 'Client',
           'ClientRead', g.state, NULL, NULL, NULL, g.query,
           CASE WHEN {_may("r.oid")} THEN 'client backend' END
    FROM g
    JOIN pg_catalog.pg_authid r ON r.rolname = g.role
    JOIN pg_catalog.pg_database c ON c.datname = pg_catalog.current_database()
    WHERE g.told > pg_catalog.clock_timestamp() - {FRESH} AND g.pid NOT IN (SELECT p.pid FROM p WHERE p.pid IS NOT NULL)
)
SELECT s.datid, d.datname, s.pid, s.leader_pid, s.usesysid, u.rolname AS usename, s.application_name,
       CASE WHEN m.may THEN g.address END AS client_addr,
       s.client_hostname,
       CASE WHEN m.may THEN coalesce(g.port, s.client_port) END AS client_port,
       CASE WHEN m.may THEN coalesce(g.started, s.backend_start) END AS backend_start,
       {_FRESH} g.block WHEN m.may THEN s.xact_start END AS xact_start,
       {_FRESH} g.begun WHEN m.may THEN s.query_start END AS query_start,
       {_FRESH} g.changed WHEN m.may THEN s.state_change END AS state_change,
       {_FRESH} CASE WHEN g.state <> 'active' THEN 'Client' WHEN s.state = 'active' THEN s.wait_event_type END
            WHEN m.may THEN s.wait_event_type END AS wait_event_type,
       {_FRESH} CASE WHEN g.state <> 'active' THEN 'ClientRead' WHEN s.state = 'active' THEN s.wait_event END
            WHEN m.may THEN s.wait_event END AS wait_event,
       {_FRESH} g.state WHEN m.may THEN s.state END AS state,
       s.backend_xid, s.backend_xmin,
       CASE WHEN m.may THEN s.query_id END AS query_id,
       {_FRESH} g.query WHEN m.may THEN s.query ELSE '<insufficient privilege>' END AS query,
       s.backend_type
FROM s
LEFT JOIN pg_catalog.pg_database d ON d.oid = s.datid
LEFT JOIN pg_catalog.pg_authid u ON u.oid = s.usesysid
LEFT JOIN pg_catalog.pg_shdescription i
  ON i.objoid = u.oid AND i.classoid = 'pg_catalog.pg_shdescription'::pg_catalog.regclass AND i.description = {{mark}}
LEFT JOIN g ON g.pid = s.pid
CROSS JOIN LATERAL (SELECT {_may("s.usesysid")} AS may) m
WHERE (i.objoid IS NOT NULL AND d.datname = pg_catalog.current_database()) OR {_OWNER}
"""
# To others those sessions of which nothing may be seen are absent, as in PostgreSQL. The server's own are its owner's.
_TLS_VIEW = f"""
CREATE OR REPLACE VIEW pg_catalog.pg_stat_ssl AS
SELECT r.pid, r.tls IS NOT NULL AS ssl, r.tls ->> 'version' AS version, r.tls ->> 'cipher' AS cipher,
       (r.tls ->> 'bits')::int AS bits, r.tls ->> 'client_dn' AS client_dn,
       (r.tls ->> 'client_serial')::numeric AS client_serial, r.tls ->> 'issuer_dn' AS issuer_dn
FROM {SESSIONS} t, pg_catalog.jsonb_to_recordset(t.sessions) r (pid int, role text, tls jsonb)
JOIN pg_catalog.pg_authid u ON u.rolname = r.role
CROSS JOIN LATERAL (SELECT {_may("u.oid")} AS may) m
WHERE m.may AND t.told > pg_catalog.clock_timestamp() - {FRESH}
UNION ALL
SELECT a.pid, a.ssl, a.sslversion, a.sslcipher, a.sslbits, a.ssl_client_dn, a.ssl_client_serial, a.ssl_issuer_dn
FROM pg_catalog.pg_stat_get_activity(NULL) a
WHERE a.client_port IS NOT NULL AND {_OWNER}
  AND NOT EXISTS (SELECT FROM {PROCESSES} n WHERE n.process = a.pid AND n.told >= a.backend_start)
"""
_SIMULATION = f"""
CREATE OR REPLACE FUNCTION lakegate.lakegate_simulates() RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = '' AS $$ SELECT {_SIMULATES} $$;
"""
_FUNCTIONS = f"""
CREATE OR REPLACE FUNCTION lakegate.lakegate_signal(pid int, signal text, verb text, told text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
  DECLARE
    target oid;
    bystander boolean;
  BEGIN
    IF signal NOT IN ('cancel', 'terminate') THEN  -- a client may call this, too; the gateway reads the notice
      RAISE EXCEPTION 'invalid signal: %', signal USING ERRCODE = '22023';
    END IF;
    SELECT s.role INTO target FROM lakegate.lakegate_session(pid) s;
    IF target IS NULL THEN
      RAISE WARNING 'PID % is not a PostgreSQL backend process', pid;
      RETURN false;
    END IF;
    bystander := NOT pg_catalog.pg_has_role('{SUPERUSERS}', 'USAGE');
    IF lakegate.lakegate_simulates() THEN
      RAISE EXCEPTION 'permission denied while role "%" is simulated', session_user USING ERRCODE = '42501',
        HINT = 'RESET SESSION AUTHORIZATION goes back to who logged in.';
    END IF;
    IF bystander AND pg_catalog.pg_has_role(target, '{SUPERUSERS}', 'USAGE') THEN
      RAISE EXCEPTION 'permission denied to %', verb USING ERRCODE = '42501', DETAIL = pg_catalog.format(
        'Only roles with the SUPERUSER attribute may %s of roles with the SUPERUSER attribute.', told);
    END IF;
    IF bystander AND NOT pg_catalog.pg_has_role(target, 'USAGE') AND NOT {holds_group(SIGNAL_BACKEND)} THEN
      RAISE EXCEPTION 'permission denied to %', verb USING ERRCODE = '42501', DETAIL = CASE signal
        WHEN 'cancel' THEN 'Only roles with privileges of the role whose query is being canceled or with privileges of'
          ' the "pg_signal_backend" role may cancel this query.'
        ELSE 'Only roles with privileges of the role whose process is being terminated or with privileges of'
          ' the "pg_signal_backend" role may terminate this process.' END;
    END IF;
    RAISE INFO USING MESSAGE = signal || ' ' || pid, ERRCODE = '{SIGNAL_CODE}';
    RETURN true;
  END $$;
CREATE OR REPLACE FUNCTION pg_catalog.pg_cancel_backend(int) RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE AS $$
  BEGIN
    IF $1 = pg_catalog.pg_backend_pid() THEN
      RETURN lakegate.lakegate_own_cancel_backend(lakegate.lakegate_own_backend_pid());
    ELSIF {_OWNER} THEN
      RETURN lakegate.lakegate_own_cancel_backend(
        coalesce((SELECT s.process FROM lakegate.lakegate_session($1) s), $1));
    END IF;
    RETURN lakegate.lakegate_signal($1, 'cancel', 'cancel query', 'cancel queries');
  END $$;
CREATE OR REPLACE FUNCTION pg_catalog.pg_terminate_backend(pid int, timeout bigint DEFAULT 0) RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE AS $$
  DECLARE
    ends timestamptz;
  BEGIN
    IF timeout < 0 THEN
      RAISE EXCEPTION '"timeout" must not be negative' USING ERRCODE = '22003';
    END IF;
    IF pid = pg_catalog.pg_backend_pid() THEN
      RETURN lakegate.lakegate_own_terminate_backend(lakegate.lakegate_own_backend_pid(), timeout);
    ELSIF {_OWNER} THEN
      RETURN lakegate.lakegate_own_terminate_backend(
        coalesce((SELECT s.process FROM lakegate.lakegate_session(pid) s), pid), timeout);
    END IF;
    IF NOT lakegate.lakegate_signal(pid, 'terminate', 'terminate process', 'terminate processes') THEN
      RETURN false;
    END IF;
    ends := pg_catalog.clock_timestamp() + timeout * interval '1 ms';
    WHILE timeout > 0 LOOP
      PERFORM pg_catalog.pg_stat_clear_snapshot();
      EXIT WHEN NOT EXISTS (SELECT FROM lakegate.lakegate_session(pid));
      IF pg_catalog.clock_timestamp() >= ends THEN
        RAISE WARNING 'backend with PID % did not terminate within % milliseconds', pid, timeout;
        RETURN false;
      END IF;
      PERFORM pg_catalog.pg_sleep(0.01);
    END LOOP;
    RETURN true;
  END $$;
"""


def make_activity(connection: psycopg.Connection) -> None:
    """Make the table of sessions where it is absent, and the view and the functions anew; `make_processes` goes
    before.
    """
    mark = sql.Literal(MIRROR_MARK)
    connection.execute("SET LOCAL allow_system_table_mods = on")
    connection.execute(_SIMULATION.encode())
    connection.execute(sql.SQL(_VIEW).format(mark=mark))
    connection.execute(_TLS_VIEW.encode())
    connection.execute(_FUNCTIONS.encode())


def make_sessions(connection: psycopg.Connection) -> None:
    """Make the table of sessions where it is absent."""
    if connection.execute(_IS_ABSENT).fetchone() == (True,):
        connection.execute("SET LOCAL allow_system_table_mods = on")
        connection.execute(_CREATE.encode())
        move_own_functions(connection)


def tell_sessions(connection: psycopg.Connection, node: str, sessions: str) -> None:
    """Say what the clients of a gateway do now. ``sessions`` is a JSON array with an object for each: ``pid``,
    ``address``, ``port``, ``state``, ``query``, ``role``, ``application``, maybe ``tls``, and in seconds since 1970
    ``started``, ``block``, ``begun`` and ``changed``.
    """
    connection.execute(_TELL, (node, sessions))
    connection.execute(_FORGET.encode())


def end_elsewhere(connection: psycopg.Connection, number: int) -> None:
    """Have PostgreSQL end the server process of a client that another gateway serves. One that has no process now is
    ended by his gateway.
    """
    process = get_process(connection, number)
    if process is not None:
        connection.execute("SELECT lakegate.lakegate_own_terminate_backend(%s, 0)", (process,))
    else:
        leave_signal(connection, number)
