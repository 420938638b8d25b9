"""Light queries over rows in memory, executed in the thread that asks: the event loop's.

Threads that wait for one another's turns in Python take several times as long as the engine for such a query.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import thread_time

import pyarrow as pa
from cachetools import LRUCache, TTLCache
from datafusion import DataFrame, RecordBatchStream

from catalog.scans import FileScan
from gateway.execute import file_relations
from gateway.execute.kept_plans import KeptPlans
from gateway.execute.port import EngineQuery
from gateway.execute.small_relations import SmallRelations

_READY_ROWS = 8192  # so many of a brief query are waited for
_LONG = 0.002  # seconds of the processor: a query that takes more is not executed at once for a while
_LATELY = 8  # executions over which that is seen: on a busy machine one that is short takes long by chance
_KNOWN, _WHILE = 1024, 60.0  # queries, and seconds

Batches = tuple[list[pa.RecordBatch], Iterator[RecordBatchStream]]


@dataclass(frozen=True, slots=True)
class Executed:
    """What an execution has given: its first batches, and streams of more."""

    frame: DataFrame
    ready: list[pa.RecordBatch]
    streams: Iterator[RecordBatchStream]


class AtOnce:
    """Executes with plans from before. But for `holds` all is called in one thread."""

    def __init__(self, small: SmallRelations, plans: KeptPlans) -> None:
        self._small = small
        self._plans = plans
        self._long: TTLCache[str, bool] = TTLCache(_KNOWN, _WHILE)
        self._took: LRUCache[str, float] = LRUCache(_KNOWN)  # lately, on average

    def holds(self, query: EngineQuery) -> bool:
        """Whether the rows of all that a query reads are in memory."""
        return self._over_memory(query) is not None

    def is_at_hand(self, query: EngineQuery, parameters: Sequence[pa.Scalar]) -> bool:
        """Whether `execute` would have rows."""
        sql = self._over_memory(query)
        return sql is not None and sql not in self._long and self._plans.has_idle(sql, [one.type for one in parameters])

    def execute(self, query: EngineQuery, parameters: Sequence[pa.Scalar]) -> Executed | None:
        """Execute a light query; None where its rows are not in memory or no plan is idle, and where it fails."""
        sql, (_, scan), started = self._over_memory(query), query.scans[0], thread_time()
        is_fixed = all(one.is_valid for one in parameters)  # as of each plan that is kept
        kept = self._plans.take_idle(sql, [one.type for one in parameters]) if sql is not None and is_fixed else None
        if sql is None or kept is None or not isinstance(scan, FileScan) or file_relations.missing_files(scan):
            return None
        try:
            ready, streams = first_batches(self._plans.streams(kept, parameters))
        except Exception:  # it fails again where it is started as any other, which tells why and may have it wait
            return None
        self._note_time(sql, thread_time() - started)
        return Executed(kept.frame, ready, streams)

    def _note_time(self, sql: str, seconds: float) -> None:
        before = self._took.get(sql, 0.0)
        self._took[sql] = average = before + (seconds - before) / _LATELY
        if average > _LONG:
            self._long[sql] = True
            del self._took[sql]

    def _over_memory(self, query: EngineQuery) -> str | None:
        """Return a query of one table over its rows in memory. None where they are not there, and where to look whether
        their files are would be to wait for a store.
        """
        name, scan = query.scans[0]
        if not isinstance(scan, FileScan) or not file_relations.is_local_scan(scan):
            return None
        relation = self._small.get(scan, fenced=name in query.fenced)
        return query.sql.replace(f'"{name}"', relation) if relation is not None else None


def first_batches(streams: Iterator[RecordBatchStream]) -> Batches:
    """Wait for the first rows; return them, and the streams that have more. The work is done in this thread as far as
    the plan lets it, without the changes of threads that an event loop needs.
    """
    first = next(streams)
    found: list[pa.RecordBatch] = []
    while sum(batch.num_rows for batch in found) < _READY_ROWS:
        batch = next(first, None)
        if batch is None:
            return found, streams
        found.append(batch.to_pyarrow())
    return found, itertools.chain([first], streams)
