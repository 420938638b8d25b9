"""What happens is counted as it happens, in plain numbers, for whoever asks for metrics."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from cachetools import LRUCache

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Seconds, up to which durations are counted together."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(slots=True)
class CacheCounts:
    """How often a cache had what it was asked for, and had not, and how many entries were given up for others."""

    hits: int = 0
    misses: int = 0
    evicted: int = 0

    def note(self, *, found: bool) -> None:
        """Count one question."""
        if found:
            self.hits += 1
        else:
            self.misses += 1


@dataclass(frozen=True, slots=True)
class CacheState:
    """A cache now: its counts, its entries, and where it is measured so its bytes and the most that it may have."""

    counts: CacheCounts
    entries: int
    bytes: int | None = None
    limit: int | None = None


class CountedCache(LRUCache[_Key, _Value]):
    """A cache that counts what it gives up for others; questions are counted by whoever asks."""

    def __init__(self, maxsize: float, getsizeof: Callable[[_Value], float] | None = None) -> None:
        super().__init__(maxsize, getsizeof)
        self.counts = CacheCounts()

    def popitem(self) -> tuple[_Key, _Value]:
        """Give up what was used longest ago."""
        self.counts.evicted += 1
        return super().popitem()


@dataclass(slots=True)
class Lane:
    """The statements of a lane that have ended: how many in which way, how long they took, and what was sent for them.
    ``within`` has how many took no longer than each of `BOUNDS`, and longer than the one before; the last are those
    that took longer than all.
    """

    outcomes: dict[str, int] = field(default_factory=dict)
    within: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0
    rows: int = 0
    bytes: int = 0


class StatementCounts:
    """All statements of a process by their lanes. For the event loop's thread alone."""

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}

    @property
    def lanes(self) -> Mapping[str, Lane]:
        """What was counted."""
        return self._lanes

    def note(self, lane: str, outcome: str, seconds: float, rows: int, sent: int) -> None:
        """Count a statement that has ended; ``sent`` are bytes."""
        self.note_each(outcome, ((lane, seconds, rows, sent),))

    def note_each(self, outcome: str, ended: Iterable[tuple[str, float, int, int]]) -> None:
        """As `note`, for statements that have ended in the same way: of each its lane, seconds, rows and bytes."""
        for lane, seconds, rows, sent in ended:
            found = self._lanes.get(lane)
            if found is None:
                found = self._lanes[lane] = Lane()
            found.outcomes[outcome] = found.outcomes.get(outcome, 0) + 1
            found.within[bisect_left(BOUNDS, seconds)] += 1
            found.seconds += seconds
            found.rows += rows
            found.bytes += sent
