"""What is known of tables' rows, kept in the process: planning asks for it and never waits long."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Collection, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace

import structlog

from catalog.analyzed import Analyzed, with_analyzed
from catalog.errors import SqlError
from catalog.feedback import TableThen
from catalog.names import TableName
from catalog.scans import Source
from catalog.statistics import UNKNOWN, TableStatistics
from catalog.tables import Table
from gateway.counts import CacheCounts, CacheState

_log = structlog.get_logger(__name__)
PATIENCE = 1.0  # seconds that a statement waits for what is not known yet
_AT_ONCE = 8  # questions to one source
_RETRY = 30.0  # seconds until a table whose statistics could not be read is tried again


@dataclass(frozen=True, slots=True)
class _Kept:
    """Statistics, and what must be as it was for them to count: the table, its pinned version, the source's round."""

    statistics: TableStatistics
    table: Table
    version: str | None
    round: int
    until: float = float("inf")  # by the monotonic clock


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question on its way."""

    answer: Future[None]
    since: float


class StatisticsCache:
    """Keeps the statistics of every table that was asked for, until its source is looked at again or another version of
    it is pinned. Safe for several threads.
    """

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self._analyzed: dict[TableName, Analyzed] = {}
        self._kept: dict[TableName, _Kept] = {}
        self._versions: dict[TableName, str] = {}
        self._rounds: dict[str, int] = dict.fromkeys(sources, 0)
        self._asked: dict[TableName, _Asked] = {}
        self._queues: dict[str, deque[tuple[Table, _Asked]]] = {name: deque() for name in sources}
        self._threads: dict[str, int] = dict.fromkeys(sources, 0)
        self._lock = threading.Lock()
        self._asked_for = CacheCounts()

    @property
    def state(self) -> CacheState:
        """What is kept."""
        return CacheState(self._asked_for, len(self._kept))

    def get(self, tables: Collection[Table]) -> Mapping[TableName, TableStatistics]:
        """Return what is known of each table. Blocks for `PATIENCE` at the most: what a source has not said by then is
        what it said last, or `UNKNOWN`, and counts from when it comes.
        """
        now = time.monotonic()
        found: dict[TableName, TableStatistics] = {}
        missing: list[Table] = []
        for table in tables:
            kept = self._kept.get(table.name)
            if kept is not None and self._counts(kept, table, now):
                found[table.name] = kept.statistics
            else:
                missing.append(table)
        with self._lock:
            self._asked_for.hits += len(found)
            self._asked_for.misses += len(missing)
        if missing:
            asked = {table.name: self._ask(table) for table in missing}
            self._wait({name: each for name, each in asked.items() if each is not None})
            for table in missing:
                found[table.name] = self._last(table)
        return found

    def analyzed(self, name: TableName) -> Analyzed | None:
        """Return what ANALYZE has found of a table, None where it never was analyzed."""
        return self._analyzed.get(name)

    def take_analyzed(self, found: Mapping[TableName, Analyzed]) -> None:
        """Take over what ANALYZE has found of tables: from now on it counts."""
        with self._lock:
            self._analyzed.update(found)
            for name in found:
                self._kept.pop(name, None)

    def now(self, name: TableName) -> TableThen:
        """Return which version of a table is read, empty before any was, and how many rows it is held to have."""
        kept = self._kept.get(name)
        return TableThen(self._versions.get(name, ""), None if kept is None else kept.statistics.rows)

    def looked_at(self, source: str) -> None:
        """Note that a source was looked at again: what it said of its tables' rows is asked anew."""
        self._rounds[source] += 1

    def pinned(self, name: TableName, version: str) -> None:
        """Note which version of a table statements read now. Statistics from before the first pin count as of it."""
        if self._versions.get(name) == version:
            return
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None and kept.version is None:
                self._kept[name] = replace(kept, version=version)
            self._versions[name] = version

    def keep_only(self, names: Collection[TableName]) -> None:
        """Forget all other tables."""
        with self._lock:
            for gone in self._kept.keys() - names:
                del self._kept[gone]
            for gone in self._versions.keys() - names:
                del self._versions[gone]
            for gone in self._analyzed.keys() - names:
                del self._analyzed[gone]

    def _counts(self, kept: _Kept, table: Table, now: float) -> bool:
        return (
            kept.round == self._rounds.get(table.source)
            and kept.version == self._versions.get(table.name)
            and (kept.table is table or kept.table == table)
            and kept.until > now
        )

    def _last(self, table: Table) -> TableStatistics:
        kept = self._kept.get(table.name)
        if kept is None or (kept.table is not table and kept.table.columns != table.columns):
            return UNKNOWN
        return kept.statistics

    def _ask(self, table: Table) -> _Asked | None:
        """Return the question about a table; it is asked once for all who want to know. None: just answered."""
        with self._lock:
            asked, kept = self._asked.get(table.name), self._kept.get(table.name)
            if asked is None and kept is not None and self._counts(kept, table, time.monotonic()):
                return None
            if asked is None:
                asked = self._asked[table.name] = _Asked(Future(), time.monotonic())
                self._queues[table.source].append((table, asked))
                if self._threads[table.source] < _AT_ONCE:
                    self._threads[table.source] += 1
                    # A thread that does not keep the process from ending, as a source that hangs would.
                    name = f"statistics {table.source}"
                    threading.Thread(target=self._work, args=(table.source,), name=name, daemon=True).start()
            return asked

    def _wait(self, asked: Mapping[TableName, _Asked]) -> None:
        """Wait for the answers. Nobody waits for a question that somebody before has waited for in vain."""
        now = time.monotonic()
        waited = {each.answer: name for name, each in asked.items() if now - each.since < PATIENCE}
        late = wait(waited, timeout=PATIENCE).not_done
        if late:
            _log.warning("statistics are late", tables=sorted(str(waited[each]) for each in late), patience=PATIENCE)

    def _work(self, source: str) -> None:
        """Read what was asked of a source until nothing is left."""
        while True:
            with self._lock:
                if not self._queues[source]:
                    self._threads[source] -= 1
                    return
                table, asked = self._queues[source].popleft()
            self._read(table, asked)

    def _read(self, table: Table, asked: _Asked) -> None:
        version, round_ = self._versions.get(table.name), self._rounds.get(table.source, 0)  # from before the answer
        try:
            told = self._sources[table.source].statistics(table)
            found = with_analyzed(told, self._analyzed.get(table.name), version)
            kept = _Kept(found, table, version, round_)
        except BaseException as failure:  # whatever it is, also a panic of a library, the statement is planned without
            kept = _Kept(self._last(table), table, version, round_, time.monotonic() + _RETRY)
            _log_failure(table, failure)
        with self._lock:
            self._kept[table.name] = kept
            del self._asked[table.name]
        asked.answer.set_result(None)


def _log_failure(table: Table, failure: BaseException) -> None:
    words = {"source": table.source, "table": str(table.name)}
    if isinstance(failure, SqlError):
        _log.warning("statistics cannot be read", **words, sqlstate=failure.sqlstate.value, reason=failure.message)
    else:
        _log.error("statistics cannot be read", **words, exc_info=failure)
