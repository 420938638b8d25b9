"""ADBC connections of one source: read-only sessions that are kept between statements and replaced when they broke."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import adbc_driver_manager
import adbc_driver_postgresql.dbapi as adbc
from psycopg.conninfo import make_conninfo

from catalog.names import quote_literal
from connectors.postgres.errors import remote_error, unreachable

_OLDEST_IDLE = 300.0  # seconds; firewalls forget connections, servers limit them
_BROKEN = "unknown"  # libpq's PQTRANS_UNKNOWN

# Whatever the source's role or database has. Read-only whatever the role may do; names, operators and functions are
# PostgreSQL's own, as for postgres_fdw: in a role's search_path others may have made some of the same names.
_SETTINGS = {
    "search_path": "pg_catalog",
    "default_transaction_read_only": "on",
    "row_security": "on",
    "standard_conforming_strings": "on",
    "quote_all_identifiers": "off",
    "transform_null_equals": "off",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
}
_UNQUOTED = "-c quote_all_identifiers=off"  # from the first query on, which is the driver's
# A server that can looks each second whether its client is still there: a process that was killed cancels nothing.
_CHECKS = """CASE WHEN pg_catalog.current_setting('client_connection_check_interval', true) IS NOT NULL
 AND pg_catalog.strpos(pg_catalog.version(), 'linux') OPERATOR(pg_catalog.>) 0
 THEN pg_catalog.set_config('client_connection_check_interval', '1s', false) END"""


@dataclass(slots=True)
class Connection:
    """An ADBC connection. ``used`` says that it served a statement before, so that it may have broken meanwhile;
    ``checks_text`` that the server does not vouch for its texts' encoding.
    """

    adbc: Any
    checks_text: bool = False
    used: bool = False
    idle_since: float = 0.0

    def is_broken(self) -> bool:
        """Say whether libpq knows that the server is gone."""
        status = self.adbc.adbc_connection.get_option("adbc.postgresql.transaction_status")
        return bool(status == _BROKEN)

    def close(self) -> None:
        """Close, whatever state it is in."""
        try:
            self.adbc.close()
        except adbc_driver_manager.Error:
            pass  # what closing a broken connection says helps nobody


class ConnectionPool:
    """Connections of one source, the one used last first. There is no upper limit: a statement may need several at
    once, and two statements that wait for each other's would never end. The server's own limit answers 53300.
    """

    def __init__(
        self,
        source: str,
        conninfo: str,
        most_idle: int,
        settings: Mapping[str, str] | None = None,
        *,
        is_mapped: bool = False,
    ) -> None:
        """``settings`` are set in each session besides those that all have. ``is_mapped``: the login is not the
        gateway's but a user mapping's.
        """
        self._source, self._conninfo, self._most_idle = source, conninfo, most_idle
        self.is_mapped = is_mapped
        wanted = [
            f"pg_catalog.set_config({quote_literal(key)}, {quote_literal(value)}, false)"
            for key, value in {**_SETTINGS, **(settings or {})}.items()
        ]
        encoding = "pg_catalog.current_setting('server_encoding')"
        self._session = f"SELECT {', '.join([*wanted, _CHECKS, encoding])}"  # in one round trip
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    def acquire(self) -> Connection:
        """Return a connection, which is the caller's until it is released or discarded. Raises SqlError."""
        now = time.monotonic()
        with self._lock:
            stale = [each for each in self._idle if now - each.idle_since > _OLDEST_IDLE]
            self._idle = [each for each in self._idle if now - each.idle_since <= _OLDEST_IDLE]
            connection = self._idle.pop() if self._idle else None
        for each in stale:
            each.close()
        return connection or self.connect()

    def connect(self) -> Connection:
        """Return a new connection. Raises SqlError."""
        connection, encoding = self._open()
        if isinstance(encoding, bytes):  # the driver knows no types: it knows them by names that this role's quotes
            connection.close()
            self._conninfo = make_conninfo(self._conninfo, options=_UNQUOTED)
            connection, encoding = self._open()
        return Connection(connection, checks_text=encoding == "SQL_ASCII")

    def _open(self) -> tuple[Any, str | bytes]:
        """Return a connection whose session is set, and the server's encoding as the driver reads it."""
        try:
            connection = adbc.connect(self._conninfo, autocommit=True)
        except adbc_driver_manager.Error as failure:
            raise unreachable(self._source, failure.sqlstate, is_mapped=self.is_mapped) from None
        try:
            with connection.cursor() as cursor:
                cursor.execute(self._session)
                encoding = cursor.fetchone()[-1]
        except adbc_driver_manager.Error as failure:
            connection.close()
            raise remote_error(self._source, failure.sqlstate, is_mapped=self.is_mapped) from None
        return connection, encoding

    def release(self, connection: Connection) -> None:
        """Take back a connection whose statement ended well."""
        connection.used, connection.idle_since = True, time.monotonic()
        with self._lock:
            if not self._closed and len(self._idle) < self._most_idle:
                self._idle.append(connection)
                return
        connection.close()

    def drop_idle(self) -> None:
        """Close all idle connections: one of them turned out broken, the others probably are."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def close(self) -> None:
        """Close all idle connections; those in use are closed when they are released."""
        with self._lock:
            self._closed = True
        self.drop_idle()
