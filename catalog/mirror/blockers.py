"""Statements that give and take access go before clients' open transactions, as replay does on a standby.

What a client asks about a table locks it in the mirror to the end of the client's transaction, and nobody knows when
that comes. A statement that must lock it against all others waits for transactions that are young; a client whose
transaction is older loses his session of the mirror, and with it the gateway's.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from contextlib import closing

import psycopg
import structlog
from psycopg import pq

from catalog.store.store import MIRROR_MARK

_log = structlog.get_logger(__name__)

GRACE = 2.0  # seconds that a transaction may hold up such a statement
LOCK_TIMEOUT = "3s"  # of the statement: then who holds it up is not to be ended
_LOOK = 0.25  # seconds between two looks at who holds it up
_END = """
SELECT a.pid, u.rolname, pg_catalog.pg_terminate_backend(a.pid)
FROM pg_catalog.pg_stat_get_activity(NULL) a
JOIN pg_catalog.pg_database d ON d.oid = a.datid AND d.datname = pg_catalog.current_database()
JOIN pg_catalog.pg_roles u ON u.oid = a.usesysid
WHERE a.pid = ANY(lakegate.lakegate_own_blocking_pids(%s)) AND u.rolname <> %s
  AND pg_catalog.shobj_description(a.usesysid, 'pg_shdescription') = %s
  AND a.xact_start < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => %s)
"""

Connect = Callable[[], psycopg.Connection]


def run_first(connection: psycopg.Connection, text: bytes, user: str, connect: Connect) -> pq.abc.PGresult:
    """Run one statement (the extended protocol takes no more); end sessions of clients that hold it up for too long.

    Those of ``user`` himself, whose statement it is, are spared: one of them waits for this. ``connect`` makes another
    connection to the mirror as its owner.
    """
    pgconn = connection.pgconn
    pgconn.send_query_params(text, None)
    waiting = select.poll()
    waiting.register(pgconn.socket, select.POLLIN)
    while pgconn.flush():
        waiting.modify(pgconn.socket, select.POLLIN | select.POLLOUT)
        waiting.poll()
        pgconn.consume_input()
    waiting.modify(pgconn.socket, select.POLLIN)
    while pgconn.is_busy():
        if waiting.poll(_LOOK * 1000):
            pgconn.consume_input()
        else:
            _end_blockers(pgconn.backend_pid, user, connect)
    result = pgconn.get_result()
    if result is None:
        raise psycopg.OperationalError("the mirror closed its connection")
    while pgconn.get_result() is not None:
        pass
    return result


def _end_blockers(pid: int, user: str, connect: Connect) -> None:
    with closing(connect()) as other:
        for ended, name, _ in other.execute(_END, (pid, user, MIRROR_MARK, GRACE)).fetchall():
            _log.warning("ended a session whose transaction held up a change of access", role=name, pid=ended)
