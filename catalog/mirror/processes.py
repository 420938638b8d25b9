"""Process numbers of the gateway's sessions, told by the mirror.

A client is told a process number when he logs in, and his session keeps it; the server process here that works for him
comes later, and may be another one after a while. Gateways say which process has which number (`note_process`), and
what PostgreSQL tells of processes tells the numbers: ``pg_backend_pid``, ``pg_blocking_pids``, ``pg_locks`` and the
views below. Numbers are beyond those of processes (2^22 at the most), so that none is both.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from catalog.mirror.own_functions import move_own_functions
from catalog.store.store import MIRROR_MARK

PROCESSES = "pg_catalog.lakegate_processes"
"""Which number a server process has; good for a process that began before it was ``told``."""

SESSIONS = "pg_catalog.lakegate_sessions"
"""What gateways said last of their clients: `catalog.mirror.activity`."""

FRESH = "interval '90 s'"
"""What a gateway has said of sessions without a process counts for that long; it says it again before."""

BLOCK = 1 << 16
"""Numbers that a gateway has for itself."""

_FIRST_BLOCK = 64

FIRST_NUMBER = _FIRST_BLOCK * BLOCK
"""The least number that a session of a gateway may have."""

_IS_ABSENT = f"SELECT pg_catalog.to_regclass('{PROCESSES}') IS NULL"
_CREATE = f"""
CREATE UNLOGGED TABLE {PROCESSES} (process int PRIMARY KEY, number int NOT NULL, told timestamptz NOT NULL);
CREATE INDEX lakegate_processes_number ON {PROCESSES} (number);
REVOKE ALL ON {PROCESSES} FROM PUBLIC;
CREATE UNLOGGED TABLE pg_catalog.lakegate_signals (number int PRIMARY KEY, told timestamptz NOT NULL);
REVOKE ALL ON pg_catalog.lakegate_signals FROM PUBLIC;
CREATE SEQUENCE pg_catalog.lakegate_blocks AS int MINVALUE {_FIRST_BLOCK} MAXVALUE {(1 << 15) - 1} CYCLE;
REVOKE ALL ON SEQUENCE pg_catalog.lakegate_blocks FROM PUBLIC;
ALTER FUNCTION pg_catalog.pg_backend_pid() RENAME TO lakegate_own_backend_pid;
ALTER FUNCTION pg_catalog.pg_blocking_pids(int) RENAME TO lakegate_own_blocking_pids;
"""
_NUMBERS = f"""
CREATE OR REPLACE FUNCTION pg_catalog.pg_backend_pid() RETURNS int
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER SET search_path = '' AS $$
  BEGIN
    RETURN coalesce(
      (SELECT n.number FROM {PROCESSES} n
       WHERE n.process = lakegate.lakegate_own_backend_pid() AND n.told >= (
           SELECT a.backend_start FROM pg_catalog.pg_stat_get_activity(lakegate.lakegate_own_backend_pid()) a)),
      lakegate.lakegate_own_backend_pid());
  END $$;
CREATE OR REPLACE FUNCTION pg_catalog.pg_blocking_pids(int) RETURNS int[]
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = '' AS $$
  BEGIN
    RETURN (SELECT coalesce(pg_catalog.array_agg(coalesce(n.number, b.pid) ORDER BY b.place), '{{}}')
            FROM pg_catalog.unnest(lakegate.lakegate_own_blocking_pids(coalesce(
                (SELECT p.process FROM {PROCESSES} p WHERE p.number = $1 ORDER BY p.told DESC LIMIT 1), $1)))
                WITH ORDINALITY b (pid, place)
            LEFT JOIN {PROCESSES} n ON n.process = b.pid);
  END $$;
"""
_SESSION = f"""
CREATE OR REPLACE FUNCTION lakegate.lakegate_session(INOUT number int, OUT role oid, OUT process int)
RETURNS SETOF record
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = '' AS $$
  SELECT coalesce(n.number, a.pid), a.usesysid, a.pid
  FROM pg_catalog.pg_stat_get_activity(NULL) a
  JOIN pg_catalog.pg_database d ON d.oid = a.datid AND d.datname = pg_catalog.current_database()
  LEFT JOIN {PROCESSES} n ON n.process = a.pid AND n.told >= a.backend_start
  WHERE coalesce(n.number, a.pid) = $1 AND pg_catalog.shobj_description(a.usesysid, 'pg_shdescription') = {{mark}}
  UNION ALL
  SELECT r.pid, u.oid, NULL
  FROM {SESSIONS} t, pg_catalog.jsonb_to_recordset(t.sessions) r (pid int, role text), pg_catalog.pg_authid u
  WHERE r.pid = $1 AND u.rolname = r.role AND t.told > pg_catalog.clock_timestamp() - {FRESH}
  LIMIT 1
$$;
"""
_VIEWS = ("pg_locks", "pg_stat_gssapi")
_VIEW_COLUMNS = """
SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attnum), pg_catalog.pg_get_viewdef(a.attrelid)
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = pg_catalog.to_regclass('pg_catalog.' || %s) AND a.attnum > 0
GROUP BY a.attrelid
"""
_NOTE = f"""
INSERT INTO {PROCESSES} VALUES (%s, %s, pg_catalog.clock_timestamp())
ON CONFLICT (process) DO UPDATE SET number = excluded.number, told = excluded.told
"""
_PROCESS = f"""
SELECT n.process FROM {PROCESSES} n
JOIN pg_catalog.pg_stat_get_activity(NULL) a ON a.pid = n.process AND n.told >= a.backend_start
WHERE n.number = %s
"""
_LEAVE = """
INSERT INTO pg_catalog.lakegate_signals VALUES (%s, pg_catalog.clock_timestamp())
ON CONFLICT (number) DO UPDATE SET told = excluded.told
"""
_TAKE = """
DELETE FROM pg_catalog.lakegate_signals
WHERE number BETWEEN %s AND %s OR told < pg_catalog.clock_timestamp() - interval '1 hour' RETURNING number
"""
_NEXT_BLOCK = "SELECT pg_catalog.nextval('pg_catalog.lakegate_blocks')"


def make_processes(connection: psycopg.Connection) -> None:
    """Make the table and the views where they are absent, and the functions anew."""
    connection.execute("SET LOCAL allow_system_table_mods = on")
    if connection.execute(_IS_ABSENT).fetchone() == (True,):
        connection.execute(_CREATE.encode())
        move_own_functions(connection)
        for view in _VIEWS:
            _translate(connection, view)
    connection.execute(_NUMBERS.encode())
    connection.execute(sql.SQL(_SESSION).format(mark=sql.Literal(MIRROR_MARK)))


def _translate(connection: psycopg.Connection, view: str) -> None:
    """Make a view of PostgreSQL's tell numbers in the place of processes."""
    row = connection.execute(_VIEW_COLUMNS, (view,)).fetchone()
    if row is None:
        return
    columns, definition = row
    told = [
        "coalesce(n.number, o.pid) AS pid" if column == "pid" else sql.Identifier("o", column).as_string(connection)
        for column in columns
    ]
    text = (
        f"CREATE OR REPLACE VIEW pg_catalog.{view} AS SELECT {', '.join(told)}"
        f" FROM ({definition.rstrip().rstrip(';')}) o LEFT JOIN {PROCESSES} n ON n.process = o.pid"
    )
    connection.execute(text.encode())


def new_block(connection: psycopg.Connection) -> range:
    """Return numbers that no other gateway has."""
    row = connection.execute(_NEXT_BLOCK).fetchone()
    assert row is not None
    return range(row[0] * BLOCK, (row[0] + 1) * BLOCK)


def note_process(connection: psycopg.Connection, process: int, number: int) -> None:
    """Say that a server process works for the session of this number from now on."""
    connection.execute(_NOTE.encode(), (process, number))


def get_process(connection: psycopg.Connection, number: int) -> int | None:
    """Return the server process that works for a session; None where none does."""
    row = connection.execute(_PROCESS.encode(), (number,)).fetchone()
    return None if row is None else int(row[0])


def leave_signal(connection: psycopg.Connection, number: int) -> None:
    """Have the gateway that serves a session without a process end it."""
    connection.execute(_LEAVE, (number,))


def take_signals(connection: psycopg.Connection, block: range) -> list[int]:
    """Return the sessions among a gateway's that others want to be ended."""
    rows = connection.execute(_TAKE, (block.start, block.stop - 1)).fetchall()
    return [number for (number,) in rows if number in block]
