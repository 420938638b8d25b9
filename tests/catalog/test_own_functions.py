"""Functions of the gateway's own are not among PostgreSQL's, also in a mirror that an older gateway has made."""

from __future__ import annotations

from catalog.mirror.mirror import open_mirror
from catalog.server import Server
from catalog.store.store import Store

_OWN = (
    "SELECT p.oid::regprocedure::text FROM pg_proc p"
    r" WHERE p.proname LIKE 'lakegate\_%' AND p.pronamespace = '{}'::regnamespace ORDER BY 1"
)


def test_they_are_moved(server: Server, store: Store) -> None:
    database = "lake_own_functions"
    secret = store.require_secret("mirror")
    open_mirror(server, secret, database).close()
    try:
        with server.connect(database, autocommit=True) as connection:
            own = connection.execute(_OWN.format("lakegate").encode()).fetchall()
            assert len(own) > 15
            assert connection.execute(_OWN.format("pg_catalog").encode()).fetchall() == []
            connection.execute("SET allow_system_table_mods = on")
            connection.execute("SET event_triggers = off")
            for (function,) in own:
                connection.execute(f"ALTER FUNCTION {function} SET SCHEMA pg_catalog".encode())
        open_mirror(server, secret, database).close()
        with server.connect(database, autocommit=True) as connection:
            assert connection.execute(_OWN.format("lakegate").encode()).fetchall() == own
            assert connection.execute(_OWN.format("pg_catalog").encode()).fetchall() == []
            told = "SELECT pg_backend_pid() > 0, pg_blocking_pids(1), pg_table_size('pg_class') > 0,"
            told += " length(pg_get_viewdef('pg_catalog.pg_views'::regclass)) > 9, pg_cancel_backend(1)"
            assert connection.execute(told.encode()).fetchall() == [(True, [], True, True, False)]
    finally:
        with server.connect(autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{database}" WITH (FORCE)'.encode())
