"""One snapshot for several connections: exported by a transaction that stays open as long as it is needed."""

from __future__ import annotations

import threading
from typing import Any

import adbc_driver_manager

from catalog.names import quote_literal
from connectors.postgres.connections import Connection, ConnectionPool
from connectors.postgres.errors import remote_error

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_EXPORT = "SELECT pg_export_snapshot()"


class SharedSnapshot:
    """The snapshot of a scan's partitions. It is exported when the first partition opens and given back when as many
    have ended as there are, or at `close`; should a partition open later still, the snapshot is a new one.
    """

    def __init__(self, source: str, pool: ConnectionPool, partitions: int) -> None:
        self._source, self._pool, self._partitions = source, pool, partitions
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._cursor: Any = None
        self._name = ""
        self._ended = 0

    def commands(self) -> tuple[str, ...]:
        """Return what a session executes to read from this snapshot. Raises SqlError."""
        with self._lock:
            if self._connection is None:
                self._export()
            return _BEGIN, f"SET TRANSACTION SNAPSHOT {quote_literal(self._name)}"

    def left(self) -> None:
        """Note that a partition has ended."""
        with self._lock:
            self._ended += 1
            if self._ended < self._partitions:
                return
        self.close()

    def close(self) -> None:
        """End the transaction that holds the snapshot; sessions that took it over keep it."""
        with self._lock:
            connection, self._connection = self._connection, None
            cursor, self._cursor = self._cursor, None
            self._ended = 0
        if connection is None:
            return
        try:
            cursor.execute("ROLLBACK")
            cursor.close()
        except adbc_driver_manager.Error:
            connection.close()
        else:
            self._pool.release(connection)

    def __del__(self) -> None:
        self.close()

    def _export(self) -> None:
        connection = self._pool.connect()  # a fresh one: here is nobody to try again
        cursor = connection.adbc.cursor()
        try:
            cursor.execute(_BEGIN)
            cursor.execute(_EXPORT)
            self._name = cursor.fetchone()[0]
        except adbc_driver_manager.Error as failure:
            cursor.close()
            connection.close()
            raise remote_error(self._source, failure.sqlstate, is_mapped=self._pool.is_mapped) from None
        self._connection, self._cursor, self._ended = connection, cursor, 0
