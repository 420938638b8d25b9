"""What statements took, noted as they end: looked at in a thread, summed up, and added to the metadata store."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import structlog
from cachetools import LRUCache
from sqlalchemy.exc import SQLAlchemyError

from catalog.history import Runs, StatementPlan
from catalog.principals import Principal
from catalog.tables import Table
from gateway.history.identity import LONGEST, number_of, query_id, statement_text
from gateway.history.plan_text import plan_text, whole_text
from gateway.relay.source_relay import WholeStatement
from optimizer.stages import Optimized, RemotePart

_log = structlog.get_logger(__name__)
_MOST_NOTED = 50_000  # runs that were not looked at yet; of more the oldest are not counted
_MOST = 5000  # statements by plan that wait for the store
Save = Callable[[Mapping[StatementPlan, Runs]], None]


class Planned(Protocol):
    """A plan, as far as it is told."""

    @property
    def optimized(self) -> Optimized:
        """The query that the engine runs, where it does."""

    @property
    def principal(self) -> Principal:
        """Who asks."""

    @property
    def named(self) -> tuple[Table, ...]:
        """The tables that the statement names."""

    @property
    def whole(self) -> WholeStatement | None:
        """The query as one source's server answers it alone."""

    @property
    def parts(self) -> tuple[RemotePart, ...]:
        """Subqueries that servers answer."""


@dataclass(frozen=True, slots=True)
class Run:
    """A statement that was run to its end. ``took`` is in milliseconds, ``rows`` were sent. ``by_server``: one source's
    server has answered alone; ``pushes``: servers have answered the plan's parts.
    """

    plan: Planned
    text: str
    took: float
    rows: int
    by_server: bool = False
    pushes: bool = True
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class _Known:
    """What a statement and its plan are kept as; ``plan`` is here so that no other one gets its id."""

    plan: Planned
    key: StatementPlan
    query: str
    shown: str


class HistoryLog:
    """Runs of this process. Safe for several threads."""

    def __init__(self, save: Save | None = None, hides: Callable[[Planned], bool] = lambda _: True) -> None:
        """``save`` adds them to the store and may block; ``hides`` says whether a plan may depend on what who asks may
        not know.
        """
        self._save = save
        self._hides = hides
        self._noted: deque[Run] = deque(maxlen=_MOST_NOTED)
        self._sums: dict[StatementPlan, Runs] = {}
        self._known: LRUCache[tuple[int, bool, bool], _Known] = LRUCache(2048)
        self._lock = threading.Lock()  # of the sums and of what is known

    def note(self, run: Run) -> None:
        """Take note of a run. Does not block."""
        self._noted.append(run)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits for the store."""
        return not self._noted and not self._sums

    def gather(self) -> None:
        """Sum up what was noted. Blocks."""
        with self._lock:
            while self._noted:
                self._add(self._noted.popleft())

    def flush(self) -> None:
        """Sum up what was noted, and add it to the store; what that does not take now waits. Blocks."""
        self.gather()
        with self._lock:
            sums, self._sums = self._sums, {}
        if not sums or self._save is None:
            return
        try:
            self._save(sums)
        except SQLAlchemyError as failure:
            _log.warning("the history of statements cannot be kept", reason=type(failure).__name__)
            with self._lock:
                for key, runs in sums.items():
                    self._take(key, runs)

    def _add(self, run: Run) -> None:
        known = self._identify(run)
        runs = Runs(known.query, known.shown, 1, run.took, run.took, run.took, run.took**2, run.rows, run.at, run.at)
        self._take(known.key, runs)

    def _take(self, key: StatementPlan, runs: Runs) -> None:
        before = self._sums.get(key)
        if before is not None:
            self._sums[key] = before.added(runs)
        elif len(self._sums) < _MOST:
            self._sums[key] = runs

    def _identify(self, run: Run) -> _Known:
        place = (id(run.plan), run.by_server, run.pushes)
        known = self._known.get(place)
        if known is None or known.plan is not run.plan:
            known = self._known[place] = _identified(run, self._hides)
        return known


def _identified(run: Run, hides: Callable[[Planned], bool]) -> _Known:
    plan, principal = run.plan, run.plan.principal
    query = statement_text(run.text)
    shown = whole_text(plan.whole.source) if run.by_server and plan.whole is not None else _engine_text(run)
    key = StatementPlan(
        principal.login or principal.session_user or principal.name,
        principal.name,
        bool(principal.claims),
        hides(plan),
        query_id(query, [table.name for table in plan.named]),
        number_of(shown),
    )
    return _Known(plan, key, query[:LONGEST], shown[:LONGEST])


def _engine_text(run: Run) -> str:
    parts: Sequence[RemotePart] = run.plan.parts if run.pushes else ()
    return plan_text(run.plan.optimized, parts)
