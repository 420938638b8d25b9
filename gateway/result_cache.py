"""Rows of statements as they were sent, kept to be sent again while a statement would read the same.

What is asked says which rows these are: the query and who asks it, its parameters, the session's settings. Which
versions of its tables were read stands beside them, and is held against the versions of now each time.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from time import monotonic
from types import MappingProxyType
from weakref import ReferenceType, ref

import pyarrow as pa
from cachetools import LRUCache
from sqlglot import exp

from catalog.names import TableName
from catalog.scans import ReadyScan, Snapshot
from gateway.counts import CacheCounts, CacheState
from optimizer.stages import Fragment, Fragmented

_PART = 8  # of all memory one result may take so much
_ASKED = 8192  # questions of which it is known whether they were asked before
_PATIENCE_FOR_A_CLIENT = 2.0  # seconds that others wait for the client of who computes their result
_OVERHEAD = 4096  # bytes of a result, about: its question, and what it has read
_NO_SCAN = ReadyScan(pa.schema([]), ())


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, without the form of the rows: equal ones have equal rows at equal versions. ``query`` tells the
    governed query, ``principal`` who asks, ``made_for`` what was known of names and rights.
    """

    query: bytes
    principal: Hashable
    made_for: Hashable
    parameters: Hashable
    session: Hashable


@dataclass(frozen=True, slots=True)
class Version:
    """Which version of a table was read."""

    name: TableName
    version: str
    object: ReferenceType[object] | None

    @classmethod
    def of(cls, snapshot: Snapshot) -> Version:
        """Return what tells the version of a snapshot from all others."""
        standing = snapshot.standing
        return cls(snapshot.table.name, snapshot.version, None if standing is None else ref(standing))

    def is_that(self, snapshot: Snapshot | None) -> bool:
        """Whether a snapshot is of this version."""
        if snapshot is None or snapshot.version != self.version:
            return False
        return self.object is None or self.object() is snapshot.standing


@dataclass(frozen=True, slots=True)
class Result:
    """Rows as their messages, and what was read for them. ``since`` is when the statement began, ``until`` how long
    they count at the most, by the monotonic clock.
    """

    rows: int
    buffers: tuple[bytes, ...] = field(repr=False)
    fragmented: Fragmented = field(repr=False)
    versions: tuple[Version, ...]
    since: float
    until: float

    @property
    def bytes(self) -> int:
        """How many there are of the rows."""
        return sum(map(len, self.buffers))

    @property
    def age(self) -> float:
        """Seconds since the statement began that had the rows."""
        return monotonic() - self.since

    def counts(self, snapshots: Mapping[TableName, Snapshot]) -> bool:
        """Whether the rows are those that a statement would have that reads these snapshots."""
        return monotonic() < self.until and all(one.is_that(snapshots.get(one.name)) for one in self.versions)


@dataclass(slots=True)
class Counts:
    """How often a statement was answered by kept rows, and how often not though it was asked before; how often rows
    were kept, and given up: because their tables have other versions, or because their time is over, or to make room.
    """

    hits: int = 0
    misses: int = 0
    kept: int = 0
    outdated: int = 0
    displaced: int = 0


class Turn:
    """A statement that computes a result, and that others wait for: of one event loop."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._rows: asyncio.Future[None] = loop.create_future()
        self._ended: asyncio.Future[bool] = loop.create_future()

    def has_rows(self) -> None:
        """Note that rows are sent: from now on it waits for its own client, for whom nobody else should."""
        if not self._rows.done():
            self._rows.set_result(None)

    def end(self, *, is_worth_a_look: bool) -> None:
        """Let those who wait go on: to look for the result, or to compute it."""
        self.has_rows()
        self._ended.set_result(is_worth_a_look)

    async def wait(self, seconds: float) -> bool:
        """Wait so long for rows, and a little for their end. Return whether to look for them again; if not, they are to
        be computed.
        """
        await asyncio.wait((self._rows,), timeout=max(0.0, seconds))
        if self._rows.done():
            await asyncio.wait((self._ended,), timeout=_PATIENCE_FOR_A_CLIENT)
        return self._ended.done() and self._ended.result()


class ResultCache:
    """Results of all sessions, at most ``limit`` bytes. ``lifetimes`` are the seconds that rows of a source without
    versions may be old, by its name. For the event loop's thread alone.
    """

    def __init__(self, limit: int = 0, lifetimes: Mapping[str, float] = MappingProxyType({})) -> None:
        self.limit = limit
        self.lifetimes = lifetimes
        self.bytes = 0
        self.counts = Counts()
        self._kept: OrderedDict[tuple[Question, Hashable], Result] = OrderedDict()
        self._asked: LRUCache[int, bool] = LRUCache(_ASKED)
        self._turns: dict[tuple[Question, Hashable], Turn] = {}

    @property
    def state(self) -> CacheState:
        """What is kept; what was let go of since its tables have other versions is not held to have been displaced."""
        counts = CacheCounts(self.counts.hits, self.counts.misses, self.counts.displaced)
        return CacheState(counts, len(self._kept), self.bytes, self.limit)

    @property
    def most(self) -> int:
        """How many bytes one result may have."""
        return self.limit // _PART

    def was_asked(self, mark: int) -> bool:
        """Whether what has this mark was asked before, and its result may be kept; it counts as asked from now on."""
        may_be_kept = self._asked.get(mark)
        if may_be_kept is None:
            self._asked[mark] = True
        return bool(may_be_kept)

    def is_too_large(self, mark: int) -> None:
        """Note that the result of what has this mark is too large to be kept: nobody need try again."""
        self._asked[mark] = False

    def get(self, question: Question, form: Hashable) -> Result | None:
        """Return what was kept; whether it counts is for the caller to find out."""
        return self._kept.get((question, form))

    def turn(self, question: Question, form: Hashable) -> Turn | None:
        """Return the statement that computes a result now, None where nobody does."""
        return self._turns.get((question, form))

    def begin(self, question: Question, form: Hashable) -> Turn:
        """Note that a statement computes a result from now on; who begins it ends it, however that goes."""
        turn = self._turns[question, form] = Turn()
        return turn

    def end(self, question: Question, form: Hashable, *, is_worth_a_look: bool) -> None:
        """Note that the statement has ended."""
        self._turns.pop((question, form)).end(is_worth_a_look=is_worth_a_look)

    def in_any_form(self, question: Question) -> Iterator[Result]:
        """Yield what was kept, for EXPLAIN."""
        return (result for (asked, _), result in self._kept.items() if asked == question)

    def used(self, question: Question, form: Hashable) -> None:
        """Note that a result was sent again."""
        self.counts.hits += 1
        if (question, form) in self._kept:
            self._kept.move_to_end((question, form))

    def give_up(self, question: Question, form: Hashable, result: Result) -> None:
        """Let go of a result that does not count any more."""
        if self._kept.get((question, form)) is result:
            self._remove(question, form)
            self.counts.outdated += 1

    def keep(self, question: Question, form: Hashable, result: Result) -> bool:
        """Keep a result in the place of an earlier one; those used longest ago make room. Say whether it was kept."""
        if result.bytes > self.most:
            return False
        if (question, form) in self._kept:
            self._remove(question, form)
        self._kept[question, form] = result
        self.bytes += result.bytes + _OVERHEAD
        self.counts.kept += 1
        while self.bytes > self.limit and self._kept:
            self._remove(*next(iter(self._kept)))
            self.counts.displaced += 1
        return True

    def clear(self) -> None:
        """Let go of everything."""
        self._kept.clear()
        self._asked.clear()
        self.bytes = 0

    def _remove(self, question: Question, form: Hashable) -> None:
        self.bytes -= self._kept.pop((question, form)).bytes + _OVERHEAD


def without_data(fragments: Iterable[Fragment]) -> Fragmented:
    """Return fragments with what the audit tells of them, and without files, values and what a version holds."""
    return Fragmented(exp.select(), tuple(map(_without_data, fragments)))


def _without_data(fragment: Fragment) -> Fragment:
    return replace(
        fragment,
        snapshot=replace(fragment.snapshot, state=None),
        scan=_NO_SCAN,
        pushed=tuple(replace(one, values=()) for one in fragment.pushed),
        pruning=tuple(replace(one, values=()) for one in fragment.pruning),
        kept=(),
        bound=(),
    )
