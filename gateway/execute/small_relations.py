"""Small tables in memory: what brief queries read again and again is decoded once, and then costs no look into files.

The key of a scan is equal only for equal contents, so rows that are here are right for as long as the key is asked for;
those of an older version are given up when room is needed. Policies stand in the query, around a relation, and are not
touched by where its rows lie.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass

import pyarrow as pa
import structlog
from cachetools import LRUCache
from datafusion import DataFrame, SessionContext

from catalog.scans import FileScan
from gateway.counts import CacheCounts, CacheState

MOST_BYTES = 8 << 20
"""Of one table, as the engine has it."""
_USES = 3  # with which a table is worth its memory
_KNOWN = 4096  # scans whose uses are counted

_log = structlog.get_logger(__name__)
_Key = tuple[str, bool]


@dataclass(slots=True)
class _Kept:
    """A relation that is here. ``users`` are statements that are being planned over it."""

    name: str
    size: int
    users: int = 0


class SmallRelations:
    """Relations of a context whose rows are in memory, at most ``limit`` bytes of them. Safe for several threads.

    ``forget`` is told the name of each that was given up, before its memory is: nothing may hold on to it.
    """

    def __init__(
        self, context: SessionContext, limit: int, threads: Executor, forget: Callable[[str], None] = lambda _name: None
    ) -> None:
        self._context = context
        self._limit = limit
        self._threads = threads
        self._forget = forget
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._uses: LRUCache[_Key, int] = LRUCache(_KNOWN)
        self._bytes = 0
        self._lock = threading.Lock()
        self._counts = CacheCounts()

    @property
    def bytes(self) -> int:
        """How many there are."""
        return self._bytes

    @property
    def state(self) -> CacheState:
        """What is kept; asked are scans of brief queries over tables that may be small."""
        return CacheState(self._counts, len(self._kept), self._bytes, self._limit)

    def take(self, scan: FileScan, *, fenced: bool) -> str | None:
        """Return the name of a scan's relation, quoted for SQL, until `leave`; None where its rows are not here."""
        with self._lock:
            kept = self._kept.get((scan.key, fenced))
            self._counts.note(found=kept is not None)
            if kept is None:
                return None
            self._kept.move_to_end((scan.key, fenced))
            kept.users += 1
            return f'"{kept.name}"'

    def get(self, scan: FileScan, *, fenced: bool) -> str | None:
        """Return what `take` would, for who plans nothing over it."""
        kept = self._kept.get((scan.key, fenced))
        return f'"{kept.name}"' if kept is not None else None

    def leave(self, scan: FileScan, *, fenced: bool) -> None:
        """Give back what `take` has given: the statement is planned."""
        with self._lock:
            self._kept[scan.key, fenced].users -= 1

    def used(self, scan: FileScan, read: Callable[[], DataFrame], *, fenced: bool) -> None:
        """Note that a scan was read from its files. Where that was often, its rows are read once more in a thread and
        kept, if they are few; ``read`` gives the relation of the files.
        """
        key = scan.key, fenced
        with self._lock:
            uses = self._uses[key] = self._uses.get(key, 0) + 1
        if uses == _USES and self._limit:
            self._threads.submit(self._keep, key, read)

    def _keep(self, key: _Key, read: Callable[[], DataFrame]) -> None:
        try:
            frame = read()
            batches = _few_rows(frame.schema(), (batch.to_pyarrow() for batch in frame.execute_stream()))
        except Exception as failure:  # statements find it, too, and tell of it
            _log.info("a small table is not kept", reason=type(failure).__name__)
            return
        if batches:
            self._add(key, batches)

    def _add(self, key: _Key, batches: list[pa.RecordBatch]) -> None:
        size = sum(batch.get_total_buffer_size() for batch in batches)
        with self._lock:
            if key in self._kept or not self._make_room(size):
                self._uses.pop(key, None)  # there may be room when it has been used as often again
                return
            name = f"small_{secrets.token_hex(8)}"  # nobody can guess it
            self._context.register_record_batches(name, [batches])
            self._kept[key] = _Kept(name, size)
            self._bytes += size

    def _make_room(self, size: int) -> bool:
        """Give up those used longest ago, as far as needed and possible; say whether there is room."""
        for key, kept in [*self._kept.items()]:
            if self._bytes + size <= self._limit:
                break
            if not kept.users:
                del self._kept[key]
                self._uses.pop(key, None)
                self._bytes -= kept.size
                self._counts.evicted += 1
                self._forget(kept.name)
                self._context.deregister_table(kept.name)
        return self._bytes + size <= self._limit


def _few_rows(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Return all batches, with the schema that the relation has; none where there are no rows, or too many."""
    found: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        if batch.schema.types != schema.types:
            return []  # a plan over it would not be the one over the files
        size += batch.get_total_buffer_size()
        if size > MOST_BYTES:
            return []
        found.append(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
    return found
