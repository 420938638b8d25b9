"""Streams of record batches out of a PostgreSQL source: opened when first read, cancelled from any thread.

A stream holds one connection from its first batch to its last. A stream that ended well gives it back; one that was
cancelled, closed early or failed closes it, because a cancel request may still be on its way to that session.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import adbc_driver_manager
import pyarrow as pa
from adbc_driver_manager._reader import AdbcRecordBatchReader

from catalog.errors import SqlError
from catalog.names import always_quoted
from catalog.scans import RemoteScan
from catalog.sqlstate import SqlState
from connectors.postgres.connections import Connection, ConnectionPool
from connectors.postgres.decode import ODD_ARRAYS, decode
from connectors.postgres.errors import cancelled, is_lost, remote_error, unreadable
from connectors.postgres.scan_queries import guarded
from connectors.postgres.shared_snapshot import SharedSnapshot

BATCH_ROWS = 65_536
_BATCH_BYTES = 4 << 20  # of COPY data that ADBC puts into one batch; its default of 16 MB delays the first rows
_CANCEL_AGAIN = 0.1  # seconds; a request that arrives between two commands of the session has no effect
_CANCEL_TRIES = 50
_BLANK = pa.record_batch([pa.nulls(BATCH_ROWS)], names=["?"]).select([])

Answer = TypeVar("Answer")


class RemoteStream:
    """One query of a scan. Batches have at most `BATCH_ROWS` rows and the schema of the columns asked for."""

    def __init__(
        self, source: str, pool: ConnectionPool, query: str, schema: pa.Schema, snapshot: SharedSnapshot | None = None
    ) -> None:
        self.schema = schema
        self.infinite = False  # may infinite dates and timestamps be among the values?
        self._source, self._pool, self._query, self._snapshot = source, pool, query, snapshot
        self._state = threading.Condition()
        self._connection: Connection | None = None
        self._cursor: Any = None
        self._busy = False  # a thread is inside of the driver
        self._reading = False  # the query was accepted, rows may come
        self._cancelled = False

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows; nothing is read ahead. Raises SqlError. Closing the iterator ends the query."""
        finished = False
        try:
            reader = self._drive(self._open)
            while (batch := self._drive(lambda: _next(reader))) is not None:
                yield from self._slices(batch)
            finished = True
        finally:
            self._finish(finished)

    def cancel(self) -> None:
        """End the query, from any thread, whether or not another one is reading. Returns within milliseconds where the
        server answers; the reader raises 57014. Does nothing on a stream that has ended.
        """
        with self._state:
            self._cancelled = True
            for _ in range(_CANCEL_TRIES):
                if not self._busy:
                    break
                self._request_cancel()
                self._state.wait_for(lambda: not self._busy, _CANCEL_AGAIN)
        self._finish(False)

    def _slices(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        if not self.schema.names:  # the query counts, and answers with the number of rows
            yield from _blank_batches(batch.column(0)[0].as_py())
            return
        if self._connection is not None and self._connection.checks_text:
            self._require_utf8(batch)
        decoded = decode(batch, self.schema, self._source, infinite=self.infinite)
        for start in range(0, decoded.num_rows, BATCH_ROWS):
            yield decoded.slice(start, BATCH_ROWS)

    def _require_utf8(self, batch: pa.RecordBatch) -> None:
        try:
            batch.validate(full=True)
        except pa.ArrowInvalid:
            raise SqlError(
                SqlState.CHARACTER_NOT_IN_REPERTOIRE, f'source "{self._source}" returned text that is not valid UTF-8'
            ) from None

    def _drive(self, call: Callable[[], Answer]) -> Answer:
        """Call into the driver such that `cancel` can reach the call, and turn its errors into ours."""
        with self._state:
            if self._cancelled:
                raise cancelled()
            self._busy = True
        try:
            return call()
        except adbc_driver_manager.Error as failure:
            raise self._told(failure) from None
        finally:
            with self._state:
                self._busy = False
                self._state.notify_all()

    def _told(self, failure: adbc_driver_manager.Error) -> SqlError:
        """Return our error for the driver's. Without a SQLSTATE it is either the connection's end or, between rows, the
        driver's own complaint about a value.
        """
        if self._cancelled:
            return cancelled()
        if self._reading and not failure.sqlstate and self._connection and not self._connection.is_broken():
            return unreadable(self._source)
        return remote_error(self._source, failure.sqlstate, is_mapped=self._pool.is_mapped)

    def _open(self) -> AdbcRecordBatchReader:
        """Execute on a connection of the pool; where that one broke while it was idle, once more on a new one."""
        connection = self._pool.acquire()
        try:
            return self._execute(connection)
        except adbc_driver_manager.Error as failure:
            if self._cancelled or not connection.used or not is_lost(failure.sqlstate):
                raise
        self._pool.drop_idle()
        with self._state:
            cursor, self._cursor, self._connection = self._cursor, None, None
        _close(connection, cursor)
        return self._execute(self._pool.connect())

    def _execute(self, connection: Connection) -> AdbcRecordBatchReader:
        cursor = connection.adbc.cursor()
        with self._state:
            self._connection, self._cursor = connection, cursor
            if self._cancelled:
                raise cancelled()
        cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BATCH_BYTES)})
        if self._snapshot is not None:
            for command in self._snapshot.commands():
                cursor.execute(command)
        cursor.execute(self._query)
        # The reader that dbapi itself uses; the plain pyarrow one would drop the SQLSTATE of a failure between rows.
        self._reading = True
        handle = cursor.fetch_arrow()
        return AdbcRecordBatchReader._import_from_c(handle.address)

    def _request_cancel(self) -> None:
        if self._cursor is None:
            return
        try:
            self._cursor.adbc_cancel()
        except adbc_driver_manager.Error:
            pass  # the server is gone; the reader finds out by itself

    def _finish(self, well: bool) -> None:
        """Give back what the stream holds, once, and only when no thread is inside of the driver."""
        with self._state:
            if self._busy:
                return
            connection, self._connection = self._connection, None
            cursor = self._cursor
            if connection is not None and not well:
                self._request_cancel()
            self._cursor = None
        if connection is None:
            return
        if well and self._snapshot is None and not self._cancelled:
            cursor.close()
            self._pool.release(connection)
        else:
            _close(connection, cursor)
        if self._snapshot is not None:
            self._snapshot.left()


class RemoteStreams:
    """The partitions of a scan, each opened by the engine when it gets there, all on one snapshot of the source."""

    def __init__(self, source: str, pool: ConnectionPool, scan: RemoteScan) -> None:
        self._source, self._pool, self._scan = source, pool, scan
        parallel = len(scan.queries) > 1
        self._snapshot = SharedSnapshot(source, pool, len(scan.queries)) if parallel else None
        self.opens = tuple(self._opener(query) for query in scan.queries)

    def close(self) -> None:
        """Let go of the snapshot. Streams that are still read are not touched."""
        if self._snapshot is not None:
            self._snapshot.close()

    def _opener(self, query: str) -> Callable[[Sequence[str] | None], RemoteStream]:
        def open_stream(columns: Sequence[str] | None) -> RemoteStream:
            wanted = self._scan.schema
            sql = query
            if columns is not None and list(columns) != wanted.names:
                wanted = pa.schema([wanted.field(name) for name in columns])
                sql = narrowed(query, columns)
            sql = guarded(sql, self._scan.guard)
            stream = RemoteStream(self._source, self._pool, sql, wanted, self._snapshot)
            stream.infinite = self._scan.infinite
            return stream

        return open_stream


def narrowed(query: str, columns: Sequence[str]) -> str:
    """Return a scan's query for fewer columns, or other order; for none, the number of its rows."""
    if not columns:
        return f"SELECT count(*) FROM ({query}) AS scan"
    odd = [always_quoted(ODD_ARRAYS)] if always_quoted(ODD_ARRAYS) in query else []
    return f"SELECT {', '.join([*map(always_quoted, columns), *odd])} FROM ({query}) AS scan"


def _close(connection: Connection, cursor: Any) -> None:
    try:
        cursor.close()
    except adbc_driver_manager.Error:
        pass  # of a broken connection
    connection.close()


def _next(reader: AdbcRecordBatchReader) -> pa.RecordBatch | None:
    try:
        return reader.read_next_batch()
    except StopIteration:
        return None


def _blank_batches(rows: int) -> Iterator[pa.RecordBatch]:
    for start in range(0, rows, BATCH_ROWS):
        yield _BLANK.slice(0, min(BATCH_ROWS, rows - start))
