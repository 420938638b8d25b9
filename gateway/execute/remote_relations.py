"""Scans of servers as relations: a `RemoteDataset` is what DataFusion pulls record batches from.

DataFusion accepts any ``pyarrow.dataset.Dataset``. For each fragment that it executes it calls
``scanner().to_batches()`` and then ``next()`` on what comes back, in one of its worker threads, one batch at a time:
nothing is read ahead, and when the statement ends early the iterator is closed. What it pushes down counts as applied,
so filters are applied here exactly; connectors have their own, earlier way of taking comparisons
(`catalog.scans.Source.takes`).

A worker that waits inside of the driver does not see that its statement is gone: `RemoteDataset.close` cancels it.
As many workers may wait so as there are beyond one a core (`STREAMS`). A partition for which none may is read by a
thread of its own from then on, and the worker that asks it before there are rows gets an empty batch. That is for a
statement with very many partitions: the engine goes on asking a hundred times before it turns to other work.
"""

from __future__ import annotations

import os
import queue
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from datafusion import SessionContext

from catalog.errors import SqlError
from catalog.scans import RemoteScan
from catalog.sqlstate import SqlState

SMALL_ROWS = 200_000  # remote rows that are read before the engine plans
_CORES = os.cpu_count() or 1
STREAMS = max(1, int(os.environ.get("TOKIO_WORKER_THREADS") or _CORES) - _CORES)
"""How many workers may wait for servers at one time."""
_MAY_WAIT = threading.BoundedSemaphore(STREAMS)
_TURN = 0.001  # seconds that a worker waits beyond that
SMALL_BYTES = 32 << 20  # and the most memory they may take; it is not counted against the engine's limit


class Stream(Protocol):
    """One partition's rows, read by one thread and cancelled by any."""

    @property
    def schema(self) -> pa.Schema:
        """The schema of every batch."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows; opens the stream. Closing the iterator ends it."""

    def cancel(self) -> None:
        """End the stream, also while another thread waits for its next batch."""


class Streams(Protocol):
    """The partitions of a scan, and what they hold in common."""

    @property
    def opens(self) -> Sequence[Callable[[Sequence[str] | None], Stream]]:
        """For each partition: make its stream of these columns, in this order (None: all)."""

    def close(self) -> None:
        """Let go of what the partitions hold in common."""


class RemoteDataset(ds.Dataset):  # type: ignore[misc]
    """A scan that DataFusion reads batch by batch, each partition on its own.

    ``failure`` is the first SqlError that a stream raised: the engine wraps it into text of its own. ``failed`` is told
    of it, in the thread that reads.
    """

    def __init__(
        self, schema: pa.Schema, streams: Streams, failed: Callable[[SqlError], None] = lambda _failure: None
    ) -> None:
        self._schema, self._streams, self._failed = schema, streams, failed
        self._open: set[Stream] = set()
        self._lock = threading.Lock()
        self._closed = False
        self.failure: SqlError | None = None

    @property
    def schema(self) -> pa.Schema:
        """The schema of the whole scan."""
        return self._schema

    def get_fragments(self, filter: object = None) -> list[_Partition]:
        """Return the partitions. The filter is given to each partition's scanner again."""
        return [_Partition(self, number) for number in range(len(self._streams.opens))]

    def scanner(self, columns: list[str] | None = None, filter: pc.Expression | None = None, **_: object) -> _Scanner:
        """Return a scanner without rows: DataFusion asks it for the projected schema while planning."""
        _require_exact(filter, self._schema)
        return _Scanner(_projected(self._schema, columns), iter(()))

    def close(self) -> None:
        """Cancel all streams that are still open and let go of the scan. From any thread, more than once.

        Call it for every statement, however it ended: the engine drops iterators without the interpreter's lock, and
        they are closed only when it next calls into Python.
        """
        with self._lock:
            self._closed = True
            streams, self._open = self._open, set()
        for stream in streams:
            stream.cancel()
        self._streams.close()

    def read(
        self, number: int, columns: list[str] | None, filter: pc.Expression | None, *, by_worker: bool = True
    ) -> Iterator[pa.RecordBatch]:
        """Yield a partition's rows with ``columns`` that the filter accepts. A worker of the engine may get empty
        batches among them.
        """
        if isinstance(filter, pa.Scalar):  # a condition without columns, as of a join ON true
            if filter.as_py() is not True:
                return
            filter = None
        try:
            stream = self._opened(number, columns if filter is None else None)
        except SqlError as failure:
            self._note(failure)
            raise
        batches = _by_worker(stream) if by_worker else stream.batches()
        try:
            for batch in batches:
                yield batch if filter is None else _filtered(batch, filter, columns)
        except SqlError as failure:
            self._note(failure)
            raise
        finally:
            batches.close()  # type: ignore[attr-defined]
            with self._lock:
                self._open.discard(stream)

    def read_small(self, most_bytes: int) -> list[pa.RecordBatch] | None:
        """Return all rows of the scan, or None as soon as they are more than ``most_bytes``. Blocks."""
        found: list[pa.RecordBatch] = []
        size = 0
        for number in range(len(self._streams.opens)):
            batches = self.read(number, None, None, by_worker=False)
            try:
                for batch in batches:
                    size += batch.nbytes
                    if size > most_bytes:
                        return None
                    found.append(batch)
            finally:
                batches.close()  # type: ignore[attr-defined]
        return found

    def _opened(self, number: int, columns: list[str] | None) -> Stream:
        with self._lock:
            if self._closed:
                raise SqlError(SqlState.QUERY_CANCELED, "canceling statement due to user request")
            stream = self._streams.opens[number](columns)
            self._open.add(stream)
            return stream

    def _note(self, failure: SqlError) -> None:
        with self._lock:
            self.failure = self.failure or failure
        self._failed(failure)


def register(context: SessionContext, name: str, dataset: RemoteDataset, rows: int | None = None) -> None:
    """Make the dataset readable in ``context`` under ``name``.

    Where ``rows`` (an estimate) says that it is small, it is read at once: of rows in memory the engine knows the
    number, so it joins them the right way round, and filters larger tables by their keys. Blocks.
    """
    if _is_small(rows, dataset.schema):
        batches = dataset.read_small(SMALL_BYTES)
        if batches is not None:
            empty = pa.RecordBatch.from_pylist([], schema=dataset.schema)
            context.register_record_batches(name, [batches or [empty]])
            return
    context.register_table(name, dataset)


def streams_of(scan: RemoteScan) -> int:
    """Return how many partitions of a scan the engine may wait for while it runs: none of one that is read before."""
    return 0 if _is_small(scan.rows, scan.schema) else len(scan.queries)


def _is_small(rows: int | None, schema: pa.Schema) -> bool:
    return rows is not None and rows <= SMALL_ROWS and bool(schema.names)


def _by_worker(stream: Stream) -> Iterator[pa.RecordBatch]:
    """Yield a stream's batches; from when no worker may wait for them on, in turns."""
    batches = stream.batches()
    try:
        while _MAY_WAIT.acquire(blocking=False):
            try:
                batch = next(batches, None)
            finally:
                _MAY_WAIT.release()
            if batch is None:
                return
            yield batch
            del batch  # its memory may be what the next one waits for
    except BaseException:
        batches.close()  # type: ignore[attr-defined]
        raise
    yield from in_turns(stream, batches)


def in_turns(stream: Stream, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield a stream's batches, and an empty one each time that there is none yet: nobody waits longer than a turn.

    A thread reads ahead by one batch. Closing the iterator cancels the stream.
    """
    empty = pa.RecordBatch.from_pylist([], schema=stream.schema)
    ready: queue.Queue[pa.RecordBatch | BaseException | None] = queue.Queue(1)
    left = threading.Event()

    def hand_over(item: pa.RecordBatch | BaseException | None) -> None:
        while not left.is_set():
            try:
                ready.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    def read() -> None:
        try:
            for batch in batches:
                hand_over(batch)
                if left.is_set():
                    return
        except BaseException as failure:  # whatever it is, who reads is told
            hand_over(failure)
        else:
            hand_over(None)

    threading.Thread(target=read, name="remote scan", daemon=True).start()
    try:
        while True:
            try:
                item = ready.get(timeout=_TURN)
            except queue.Empty:
                yield empty
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        left.set()
        stream.cancel()


class _Scanner:
    """What DataFusion uses of a ``pyarrow.dataset.Scanner``; the real one reads ahead in threads of its own."""

    def __init__(self, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
        self.projected_schema = self.dataset_schema = schema
        self._batches = batches

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        return self._batches


class _Partition:
    """What DataFusion uses of a ``pyarrow.dataset.Fragment``."""

    def __init__(self, dataset: RemoteDataset, number: int) -> None:
        self._dataset, self._number = dataset, number

    def scanner(
        self, schema: object = None, columns: list[str] | None = None, filter: pc.Expression | None = None, **_: Any
    ) -> _Scanner:
        batches = self._dataset.read(self._number, columns, filter)
        return _Scanner(_projected(self._dataset.schema, columns), batches)


def _projected(schema: pa.Schema, columns: list[str] | None) -> pa.Schema:
    return schema if columns is None else pa.schema([schema.field(name) for name in columns])


# NaN. PostgreSQL and DataFusion hold it equal to itself and greater than every number, Arrow's kernels unequal to all.

_NOT_FINITE = re.compile(r"\b(nan|inf)\b")
_ROW = "?row"
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def _require_exact(filter: pc.Expression | None, schema: pa.Schema) -> None:
    """Refuse, while planning, the one kind of filter that cannot be applied exactly: a constant NaN or infinity."""
    if filter is None or not any(pa.types.is_floating(field.type) for field in schema):
        return
    if _NOT_FINITE.search(_QUOTED.sub("", str(filter))):
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED, "comparing with NaN or infinity is not supported in this form of query"
        )


def _filtered(batch: pa.RecordBatch, filter: pc.Expression, columns: list[str] | None) -> pa.RecordBatch:
    floating = [index for index, field in enumerate(batch.schema) if pa.types.is_floating(field.type)]
    if any(pc.any(pc.is_nan(batch.column(index))).as_py() for index in floating):
        kept = batch.take(_accepted(batch, floating, filter))
    else:
        kept = batch.filter(filter)
    return kept if columns is None else kept.select(columns)


def _accepted(batch: pa.RecordBatch, floating: list[int], filter: pc.Expression) -> pa.Array:
    """Return the numbers of the rows that the filter accepts when NaN is the greatest number: infinity stands for it,
    which is greater than every constant (`_require_exact`) and equal to other NaN.
    """
    columns = list(batch.columns)
    for index in floating:
        column = columns[index]
        columns[index] = pc.if_else(pc.is_nan(column), pa.scalar(float("inf"), column.type), column)
    rows = pa.array(np.arange(batch.num_rows, dtype=np.int64))
    ordered = pa.RecordBatch.from_arrays(columns, schema=batch.schema).append_column(_ROW, rows)
    return ordered.filter(filter).column(_ROW)
