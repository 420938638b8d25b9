"""An engine behind `admission`: what would be too much at once waits, and no client is told of it.

Brief statements are let by. All others need a place, of three kinds, so that none waits for those of another kind: over
small tables, over large ones, and with rows that are streamed from servers, one for each stream, for each may keep a
thread of the engine waiting.

Who may read what may have changed while a statement waited: that is looked at again (`gateway.rights`), as PostgreSQL
does when it begins to execute.

How much memory a statement takes is known when it asks for it. One that is refused some, and has given no row yet, is
run again when those over large tables have ended, and is alone among them. Where that was not the reason, or does not
help, its joins sort both of their sides, which spills, instead of hashing one, which cannot; so they do the next time.
"""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import TypeVar

import pyarrow as pa
import structlog
from cachetools import LRUCache

from catalog.errors import SqlError
from catalog.scans import RemoteScan
from gateway.counts import CacheState
from gateway.execute.admission import Admission, Place
from gateway.execute.errors import is_over_memory_limit
from gateway.execute.port import (
    Blocks,
    EnginePort,
    EngineQuery,
    MakeForm,
    Messages,
    Prepare,
    RunningStatement,
    batches_alone,
    explained,
)
from gateway.execute.remote_relations import streams_of

_Item = TypeVar("_Item")
_log = structlog.get_logger(__name__)
_SMALL_BYTES = 4 << 20  # of tables as they are stored
_MERGED = 1024  # texts of queries whose hash tables did not fit
_EXPLAINED = re.compile(r"\AEXPLAIN (ANALYZE )?")
_TOKEN = re.compile(r"\b(scan|part)_[0-9a-f]{16}_")  # in names of relations, another each time


class _NotYet(Exception):
    """A query cannot begin now: there is no place for it, or rights have changed since it was planned."""

    def __init__(self, *, has_place: bool) -> None:
        super().__init__("not yet")
        self.has_place = has_place


class AdmittingEngine:
    """An engine that runs so many ``statements`` at once over small tables and over large ones, and so many ``streams``
    of rows of servers.
    """

    def __init__(self, engine: EnginePort, statements: int, streams: int) -> None:
        self._engine = engine
        self.admission = Admission(statements)
        self.small_admission = Admission(statements)
        self.stream_admission = Admission(streams, lambda place: place.streams)
        self._merged: LRUCache[int, bool] = LRUCache(_MERGED)
        self._lock = threading.Lock()  # of what was merged

    async def start(
        self, prepare: Prepare, parameters: Sequence[pa.Scalar] = (), form: MakeForm = batches_alone
    ) -> RunningStatement:
        """Start a query as soon as there is a place for it. It is planned for the versions that were there before."""
        admitted = _Admitted(self, prepare, parameters, form)
        try:
            await admitted.start()
        except BaseException:
            admitted.leave()
            raise
        return admitted if admitted.is_counted else admitted.running

    async def begin(self, prepare: Prepare, parameters: Sequence[pa.Scalar], form: MakeForm) -> RunningStatement:
        """Start a query now."""
        return await self._engine.start(prepare, parameters, form)

    def holds(self, query: EngineQuery) -> bool:
        """Say what the engine says."""
        return self._engine.holds(query)

    def is_at_hand(self, query: EngineQuery, parameters: Sequence[pa.Scalar]) -> bool:
        """Say what the engine says."""
        return self._engine.is_at_hand(query, parameters)

    def at_once(self, query: EngineQuery, parameters: Sequence[pa.Scalar]) -> RunningStatement | None:
        """Execute a light query here and now: it is brief, and brief ones are let by."""
        return self._engine.at_once(query, parameters)

    def merging(self, query: EngineQuery) -> EngineQuery:
        """Return a query whose hash tables did not fit, and will not the next time, with joins that spill."""
        with self._lock:
            self._merged[hash(_text(query))] = True
        return replace(query, merges=True)

    def as_last_time(self, query: EngineQuery) -> EngineQuery:
        """Return a query with joins that spill where that was necessary before."""
        if not self._merged or query.is_brief:
            return query
        key = hash(_text(query))
        with self._lock:
            merges = self._merged.get(key, False)
        return replace(query, merges=True) if merges else query

    async def explain(self, query: EngineQuery, parameters: Sequence[pa.Scalar], analyze: bool) -> str:
        """Return the engine's own physical plan as text; with ``analyze`` it runs and carries metrics."""
        return await explained(self.start, query, parameters, analyze)

    @property
    def checks(self) -> Mapping[str, tuple[Callable[[], Awaitable[object]], bool]]:
        """Return the engine's."""
        return self._engine.checks

    @property
    def admissions(self) -> Mapping[str, Admission]:
        """Those of each kind, by names for metrics."""
        return {"small": self.small_admission, "large": self.admission, "streams": self.stream_admission}

    @property
    def caches(self) -> Mapping[str, CacheState]:
        """Return the engine's."""
        return self._engine.caches

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()


class _Admitted:
    """A statement from before it has a place until it is closed."""

    def __init__(
        self, engine: AdmittingEngine, prepare: Prepare, parameters: Sequence[pa.Scalar], form: MakeForm
    ) -> None:
        self._engine = engine
        self._prepare = prepare
        self._parameters = parameters
        self._form = form
        self._query: EngineQuery | None = None
        self._admission = engine.admission
        self._place = Place()
        self._started: RunningStatement | None = None

    @property
    def is_counted(self) -> bool:
        """Whether it has a place; brief statements have none."""
        return self._place.is_alone or self._query is None or not self._query.is_brief

    @property
    def running(self) -> RunningStatement:
        """The statement, once it is started."""
        assert self._started is not None
        return self._started

    async def start(self) -> None:
        """Start the statement, when it is its turn."""
        try:
            try:
                self._started = await self._engine.begin(self._prepared, self._parameters, self._form)
            except _NotYet as reason:
                if not reason.has_place:
                    await self._admission.wait(self._place)
                await self._begin()
        except SqlError as error:
            if not self._may_start_again(error):
                raise
            await self._start_again()
        self._place.idle_since = monotonic()  # until somebody asks for rows

    def _prepared(self) -> EngineQuery:
        """Prepare the query, and take a place for it. In a thread."""
        query = self._query = self._engine.as_last_time(self._prepare())
        if not query.is_brief:
            self._take_place(query)
        if query.rights is not None and not query.rights.are_current:
            raise _NotYet(has_place=True)
        return query

    def _take_place(self, query: EngineQuery) -> None:
        self._place.streams = _streams(query)
        if self._place.streams:
            self._admission = self._engine.stream_admission
        elif query.bytes is not None and query.bytes <= _SMALL_BYTES:
            self._admission = self._engine.small_admission
        if not self._admission.take(self._place):
            raise _NotYet(has_place=False)

    async def _begin(self) -> None:
        """Begin what has waited, if it may still be read."""
        query = self._query
        assert query is not None
        if query.rights is not None:
            await query.rights.require()
        self._started = await self._engine.begin(lambda: query, self._parameters, self._form)

    def _may_start_again(self, failure: SqlError) -> bool:
        """Whether a statement that was refused memory may get on with less, or with that of others."""
        return is_over_memory_limit(failure) and not (self._place.is_alone and self._spills())

    def _spills(self) -> bool:
        """Whether nothing of the statement is left to be made to spill."""
        return self._query is None or self._query.merges or not _joins(self._query)

    async def _start_again(self) -> None:
        """Start the statement again when others have ended, since there was not memory for all of them; if it was by
        itself, with joins that spill.
        """
        engine = self._engine
        others = sum(each.running for each in engine.admissions.values()) - (1 if self.is_counted else 0)
        if (self._place.is_alone or not others) and not self._spills():
            assert self._query is not None
            self._query = engine.merging(self._query)
        _log.info("statement waits for memory", others=others, merges=self._query is not None and self._query.merges)
        self.leave()
        self._admission, self._place = engine.admission, Place(is_alone=True)
        await self._admission.wait(self._place)
        try:
            await self._begin()
        except SqlError as error:
            if not self._may_start_again(error):
                raise
            await self._start_again()

    @property
    def messages(self) -> Messages | None:
        """The rows as messages, where the engine makes them."""
        return None if self.running.messages is None else _AdmittedMessages(self)

    @property
    def schema(self) -> pa.Schema:
        """The schema that the plan promises."""
        return self.running.schema

    @property
    def whole(self) -> Sequence[pa.RecordBatch] | None:
        """All batches of a statement that has ended by now."""
        return self.running.whole

    def batches(self) -> AsyncIterator[pa.RecordBatch]:
        """Yield the record batches."""
        return self._items(lambda running: running.batches())

    @property
    def whole_messages(self) -> Blocks | None:
        """All messages of a statement that has ended by now."""
        return None if self.running.messages is None else self.running.messages.whole

    def blocks(self) -> AsyncIterator[Blocks]:
        """Yield the messages."""
        return self._items(_blocks)

    async def _items(self, items: Callable[[RunningStatement], AsyncIterator[_Item]]) -> AsyncIterator[_Item]:
        """Yield what the statement gives, and note since when nobody takes it."""
        has_begun = False
        while True:
            self._place.idle_since = None
            try:
                async for item in items(self.running):
                    has_begun = True
                    self._place.idle_since = monotonic()
                    yield item
                    del item  # its memory may be what the next rows wait for
                    self._place.idle_since = None
                return
            except SqlError as error:
                if has_begun or not self._may_start_again(error):
                    raise
            await self.running.close()
            await self._start_again()

    def leave(self) -> None:
        """Give the place back; of which kind it is a thread may just be finding out."""
        engine = self._engine
        for each in (engine.stream_admission, engine.small_admission, engine.admission):
            each.leave(self._place)

    async def close(self) -> None:
        """Stop the work and give the place back."""
        self.leave()
        await self.running.close()


class _AdmittedMessages:
    """The messages of a statement that has a place."""

    def __init__(self, admitted: _Admitted) -> None:
        self._admitted = admitted

    @property
    def whole(self) -> Blocks | None:
        """All rows of a statement that has ended by now."""
        return self._admitted.whole_messages

    def blocks(self) -> AsyncIterator[Blocks]:
        """Yield the rows."""
        return self._admitted.blocks()


def _blocks(running: RunningStatement) -> AsyncIterator[Blocks]:
    assert running.messages is not None
    return running.messages.blocks()


def _text(query: EngineQuery) -> str:
    """Return what is the same each time that a query is planned."""
    return _TOKEN.sub(r"\1_", _EXPLAINED.sub("", query.sql))


def _joins(query: EngineQuery) -> bool:
    """Whether there may be joins: each reading of a table is a scan of its own, a query of WITH has one for all."""
    return len(query.scans) > 1 or " JOIN " in query.sql


def _streams(query: EngineQuery) -> int:
    return sum(streams_of(scan) for _, scan in query.scans if isinstance(scan, RemoteScan))
