"""How many statements the engine has at one time: those that would not fit into its memory wait for their turn.

Brief statements are let by. All others are counted; beyond the limit they wait, and go on in the order in which they
came. A statement whose rows nobody takes (a cursor that waits for its client) makes room for one that waits, so that
no client waits for himself.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TypeVar

import pyarrow as pa

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

_Item = TypeVar("_Item")

_IDLE = 1.0  # seconds that rows were not taken for, until the statement is not counted any more
_LOOK = 0.25  # seconds between two looks for such statements while others wait


@dataclass(eq=False, slots=True)
class _Place:
    """A statement that is counted, or is to be. ``idle_since``: its rows are there and nobody takes them. ``left``: it
    has ended, perhaps before it began.
    """

    idle_since: float | None = field(default=None)
    left: bool = field(default=False)


class _MustWait(Exception):
    """There is no place for a query now."""

    def __init__(self, query: EngineQuery) -> None:
        super().__init__()
        self.query = query


class Admission:
    """Places for ``limit`` statements. `take` may be called in any thread, all else in the event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._places: set[_Place] = set()
        self._waiting: deque[tuple[_Place, asyncio.Future[None]]] = deque()
        self._looking: asyncio.TimerHandle | None = None

    @property
    def running(self) -> int:
        """How many statements are counted."""
        return len(self._places)

    @property
    def waiting(self) -> int:
        """How many statements wait for a place."""
        return len(self._waiting)

    def take(self, place: _Place) -> bool:
        """Count a statement if there is room and nobody waits for it; say whether it may go on."""
        with self._lock:
            if place.left:
                return True  # nobody asks for it any more
            if len(self._places) >= self._limit or self._waiting:
                return False
            self._places.add(place)
            return True

    async def wait(self, place: _Place) -> None:
        """Count a statement as soon as there is room, those that came first first."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._waiting.append((place, turn))
        self._look()
        await turn

    def leave(self, place: _Place) -> None:
        """Count a statement no more."""
        with self._lock:
            place.left = True
            self._places.discard(place)
        if self._waiting:
            self._admit()

    def _look(self) -> None:
        """Look now, and again and again while somebody waits."""
        self._admit()
        if self._looking is not None:
            self._looking.cancel()
        self._looking = asyncio.get_running_loop().call_later(_LOOK, self._look) if self._waiting else None

    def _admit(self) -> None:
        """Give room to those who wait, that of statements whose rows nobody takes among it."""
        with self._lock:
            while self._waiting and (self._waiting[0][0].left or self._waiting[0][1].done()):
                self._waiting.popleft()
            if self._waiting and len(self._places) >= self._limit:
                before = monotonic() - _IDLE
                idle = [one for one in self._places if one.idle_since is not None and one.idle_since < before]
                self._places.difference_update(idle)
            while self._waiting and len(self._places) < self._limit:
                place, turn = self._waiting.popleft()
                if not place.left and not turn.done():
                    self._places.add(place)
                    turn.set_result(None)


class AdmittingEngine:
    """An engine behind an `Admission`."""

    def __init__(self, engine: EnginePort, admission: Admission) -> None:
        self._engine = engine
        self.admission = admission

    async def start(
        self, prepare: Prepare, parameters: Sequence[pa.Scalar] = (), form: MakeForm = batches_alone
    ) -> RunningStatement:
        """Start a query as soon as there is a place for it. It is planned for the versions that were there before."""
        place = _Place()
        counted = False

        def ready() -> EngineQuery:
            nonlocal counted
            query = prepare()
            if not query.is_brief:
                if not self.admission.take(place):
                    raise _MustWait(query)
                counted = True
            return query

        try:
            try:
                running = await self._engine.start(ready, parameters, form)
            except _MustWait as waits:
                query, counted = waits.query, True
                await self.admission.wait(place)
                running = await self._engine.start(lambda: query, parameters, form)
        except BaseException:
            self.admission.leave(place)
            raise
        return _Admitted(running, self.admission, place) if counted else running

    async def explain(self, query: EngineQuery, parameters: Sequence[pa.Scalar], analyze: bool) -> str:
        """Return the engine's own physical plan as text; with ``analyze`` it runs and carries metrics."""
        return await explained(self.start, query, parameters, analyze)

    @property
    def checks(self) -> Mapping[str, tuple[Callable[[], Awaitable[object]], bool]]:
        """Return the engine's."""
        return self._engine.checks

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()


class _Admitted:
    """A statement that has a place until it is closed."""

    def __init__(self, running: RunningStatement, admission: Admission, place: _Place) -> None:
        self._running, self._admission, self._place = running, admission, place
        place.idle_since = monotonic()  # until somebody asks for rows

    @property
    def messages(self) -> Messages | None:
        """The rows as messages, where the engine makes them."""
        messages = self._running.messages
        return None if messages is None else _AdmittedMessages(messages, self._place)

    @property
    def schema(self) -> pa.Schema:
        """The schema that the plan promises."""
        return self._running.schema

    @property
    def whole(self) -> Sequence[pa.RecordBatch] | None:
        """All batches of a statement that has ended by now."""
        return self._running.whole

    def batches(self) -> AsyncIterator[pa.RecordBatch]:
        """Yield the record batches."""
        return _noting(self._running.batches(), self._place)

    async def close(self) -> None:
        """Stop the work and give the place back."""
        self._admission.leave(self._place)
        await self._running.close()


@dataclass(frozen=True, slots=True)
class _AdmittedMessages:
    """The messages of a statement that has a place."""

    messages: Messages
    place: _Place

    @property
    def whole(self) -> Blocks | None:
        """All rows of a statement that has ended by now."""
        return self.messages.whole

    def blocks(self) -> AsyncIterator[Blocks]:
        """Yield the rows."""
        return _noting(self.messages.blocks(), self.place)


async def _noting(items: AsyncIterator[_Item], place: _Place) -> AsyncIterator[_Item]:
    """Yield what a statement gives, and note since when nobody takes it."""
    place.idle_since = None
    async for item in items:
        place.idle_since = monotonic()
        yield item
        del item  # its memory may be what the next rows wait for
        place.idle_since = None
