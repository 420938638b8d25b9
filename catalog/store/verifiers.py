"""What logins by password are checked with. It is asked for by each of them, so over a connection of its own, in the
driver's words: from the pool of the store's others it takes four times as long.
"""

from __future__ import annotations

import threading
import time
from typing import Final

import psycopg
import sqlalchemy as sa

from catalog.server import Server
from catalog.store.schema import roles

_OLDEST: Final = 300.0  # seconds that it may lie idle: firewalls forget connections
_QUERY = sa.select(roles.c.verifier).where(roles.c.name == sa.bindparam("role"), roles.c.login)


class Verifiers:
    """The verifiers of roles, as they are when they are asked for. Safe to use from several threads."""

    def __init__(self, server: Server, database: str, dialect: sa.Dialect) -> None:
        self._server = server
        self._database = database
        self._query = str(_QUERY.compile(dialect=dialect)).encode()
        self._kept: psycopg.Connection | None = None
        self._used = 0.0
        self._lock = threading.Lock()

    def get(self, role: str) -> str | None:
        """Return the SCRAM verifier of a role that may log in; None where there is no such role or no password.

        A connection that broke while it was idle is made anew. Raises ServerError, psycopg.Error.
        """
        with self._lock:
            kept, self._kept = self._kept, None
            if kept is not None and time.monotonic() - self._used <= _OLDEST:
                try:
                    return self._asked(kept, role)
                except psycopg.OperationalError:
                    pass  # one that is new says whether the server can be reached
            if kept is not None:
                kept.close()
            made = self._server.connect(self._database, autocommit=True)
            made.prepare_threshold = 0
            return self._asked(made, role)

    def _asked(self, connection: psycopg.Connection, role: str) -> str | None:
        try:
            row = connection.execute(self._query, {"role": role}).fetchone()
        except BaseException:
            connection.close()
            raise
        self._kept, self._used = connection, time.monotonic()
        return None if row is None else row[0]

    def close(self) -> None:
        """Give back the connection."""
        with self._lock:
            if self._kept is not None:
                self._kept.close()
                self._kept = None
