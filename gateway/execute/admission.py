"""Places for statements that take memory, or threads, of which there is so much: what finds none waits for its turn.

Who came first goes on first. A statement whose rows nobody takes (a cursor that waits for its client) makes room for
one that waits, so that no client waits for himself. `admitting` says which statements need which places.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

_IDLE = 1.0  # seconds that rows were not taken for, until the statement is not counted any more
_LOOK = 0.25  # seconds between two looks for such statements while others wait


@dataclass(eq=False, slots=True)
class Place:
    """A statement that is counted, or is to be. ``is_alone``: when no other is. ``streams``: how many of servers' rows
    it has. ``idle_since``: its rows are there and nobody takes them. ``left``: it has ended, perhaps before it began.
    """

    is_alone: bool = False
    streams: int = 0
    idle_since: float | None = field(default=None)
    left: bool = field(default=False)


def _one(_place: Place) -> int:
    return 1


class Admission:
    """Room for statements that are ``limit`` in all as ``weigh`` weighs them, or for one that is more by itself. `take`
    may be called in any thread, all else in the event loop.
    """

    def __init__(self, limit: int, weigh: Callable[[Place], int] = _one) -> None:
        self._limit = limit
        self._weigh = weigh
        self._lock = threading.Lock()
        self._places: set[Place] = set()
        self._waiting: deque[tuple[Place, asyncio.Future[None]]] = deque()
        self._waiting_alone: deque[tuple[Place, asyncio.Future[None]]] = deque()  # before all others
        self._looking: asyncio.TimerHandle | None = None

    @property
    def running(self) -> int:
        """How many statements are counted."""
        return len(self._places)

    @property
    def waiting(self) -> int:
        """How many statements wait for a place."""
        return len(self._waiting) + len(self._waiting_alone)

    def take(self, place: Place) -> bool:
        """Count a statement if there is room and nobody waits for it; say whether it may go on."""
        with self._lock:
            if place.left:
                return True  # nobody asks for it any more
            if self.waiting or not self._has_room(place):
                return False
            self._places.add(place)
            return True

    async def wait(self, place: Place) -> None:
        """Count a statement as soon as there is room, those that came first first."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            (self._waiting_alone if place.is_alone else self._waiting).append((place, turn))
        self._look()
        await turn

    def leave(self, place: Place) -> None:
        """Count a statement no more."""
        with self._lock:
            place.left = True
            self._places.discard(place)
        if self.waiting:
            self._admit()

    def _look(self) -> None:
        """Look now, and again and again while somebody waits."""
        self._admit()
        if self._looking is not None:
            self._looking.cancel()
        self._looking = asyncio.get_running_loop().call_later(_LOOK, self._look) if self.waiting else None

    def _has_room(self, place: Place) -> bool:
        if not self._places:
            return True
        if place.is_alone or any(each.is_alone for each in self._places):
            return False
        return sum(map(self._weigh, self._places)) + self._weigh(place) <= self._limit

    def _admit(self) -> None:
        """Give room to those who wait, that of statements whose rows nobody takes among it."""
        with self._lock:
            while (following := self._following()) is not None:
                place, turn = following
                if not self._has_room(place):
                    before = monotonic() - _IDLE
                    idle = [one for one in self._places if one.idle_since is not None and one.idle_since < before]
                    self._places.difference_update(idle)
                    if not self._has_room(place):
                        return
                (self._waiting_alone if place.is_alone else self._waiting).popleft()
                self._places.add(place)
                turn.set_result(None)

    def _following(self) -> tuple[Place, asyncio.Future[None]] | None:
        """Return who is next, and forget those who have given up."""
        for waiting in (self._waiting_alone, self._waiting):
            while waiting:
                place, turn = waiting[0]
                if not place.left and not turn.done():
                    return place, turn
                waiting.popleft()
        return None
