"""Bursts of what was denied: many refused statements of one user, or failed logins of one user or address, in a window.

One alert a window is told of each. Names come from clients, so what is remembered is bounded.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_REMEMBERED: Final = 4096  # users and addresses
_LONGEST_NAME: Final = 64  # characters


@dataclass(frozen=True, slots=True)
class Burst:
    """What came too often: ``what`` of ``subject``, ``count`` times within ``seconds``."""

    what: str
    subject: str
    count: int
    seconds: float


@dataclass(slots=True)
class _Window:
    began: float
    count: int = 0


class Bursts:
    """Counts by what and subject. Not for several threads."""

    def __init__(self, limit: int, window: float, clock: Callable[[], float] = time.monotonic) -> None:
        """``limit`` within ``window`` seconds is a burst; 0: nothing is."""
        self._limit = limit
        self._window = window
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], _Window] = OrderedDict()

    def add(self, what: str, subject: str) -> Burst | None:
        """Count one; return the burst where it is the one that makes it."""
        if not self._limit:
            return None
        now, key = self._clock(), (what, subject[:_LONGEST_NAME])
        found = self._known.get(key)
        if found is None or now - found.began >= self._window:
            found = self._known[key] = _Window(now)
        self._known.move_to_end(key)
        found.count += 1
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return Burst(what, key[1], found.count, now - found.began) if found.count == self._limit else None

    def __len__(self) -> int:
        return len(self._known)
