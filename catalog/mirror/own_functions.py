"""Functions of the gateway's own are in the schema ``lakegate``, which is on no search path: what lists functions that
can be called by their names alone (``\\dfS``, completion) has PostgreSQL's.

Among them are PostgreSQL's functions in whose places there are others (``lakegate_own_backend_pid``).
"""

from __future__ import annotations

import psycopg

from catalog.mask_library import SCHEMA

_MISPLACED = r"""
SELECT p.oid::pg_catalog.regprocedure::text FROM pg_catalog.pg_proc p
WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND p.proname LIKE 'lakegate\_%'
"""


def move_own_functions(connection: psycopg.Connection) -> None:
    """Move those that were just renamed, or that an older gateway has left among PostgreSQL's. In a transaction."""
    connection.execute("SET LOCAL allow_system_table_mods = on")
    for (function,) in connection.execute(_MISPLACED).fetchall():
        connection.execute(f"ALTER FUNCTION {function} SET SCHEMA {SCHEMA}".encode())
