"""What statements took, noted as they end: looked at in a thread, summed up, and added to the metadata store."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import time
from typing import NamedTuple, Protocol

import structlog
from cachetools import LRUCache
from sqlalchemy.exc import SQLAlchemyError

from catalog.history import Runs, StatementPlan
from catalog.names import TableName
from catalog.principals import Principal
from catalog.tables import Table
from catalog.usage import Misjudged, Use, Uses
from gateway.history.identity import LONGEST, number_of, query_id, statement_text
from gateway.history.plan_text import plan_text, whole_text
from gateway.history.uses import uses_of
from gateway.relay.source_relay import WholeStatement
from optimizer.stages import Fragmented, Optimized, RemotePart

_log = structlog.get_logger(__name__)
_MOST_NOTED = 50_000  # runs that were not looked at yet; of more the oldest are not counted
_MOST = 5000  # statements by plan that wait for the store
Save = Callable[[Mapping[StatementPlan, Runs], Uses], None]


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
class Facts:
    """What else is known of plans. ``hides``: the plan may depend on what is hidden from who asks. ``expected`` are the
    rows of each relation of its tree, None where nobody can say; it may block.
    """

    hides: Callable[[Planned], bool]
    expected: Callable[[Planned], Sequence[float | None]]


_NO_FACTS = Facts(lambda _: True, lambda _: ())


class Run(NamedTuple):
    """A statement that was run to its end. ``took`` is in milliseconds, ``rows`` were sent. ``by_server``: one source's
    server has answered alone; ``pushes``: servers have answered the plan's parts. ``read`` is what
    was read, where it is known.
    """

    plan: Planned
    text: str
    took: float
    rows: int
    by_server: bool = False
    pushes: bool = True
    read: Fragmented | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """What a statement and its plan are kept as; ``plan`` is here so that no other one gets its id."""

    plan: Planned
    key: StatementPlan
    query: str
    shown: str
    expected: Sequence[float | None]


class HistoryLog:
    """Runs of this process. Safe for several threads."""

    def __init__(self, save: Save | None = None, facts: Facts = _NO_FACTS) -> None:
        """``save`` adds them to the store and may block."""
        self._save = save
        self._facts = facts
        self._uses: dict[tuple[TableName, str], Use] = {}
        self._noted: deque[tuple[Run, float]] = deque(maxlen=_MOST_NOTED)  # with when they ended, in seconds since 1970
        self._sums: dict[StatementPlan, Runs] = {}
        self._known: LRUCache[tuple[int, bool, bool], _Known] = LRUCache(2048)
        self._lock = threading.Lock()  # of the sums and of what is known

    def note(self, run: Run) -> None:
        """Take note of a run. Does not block."""
        self._noted.append((run, time()))

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits for the store."""
        return not self._noted and not self._sums and not self._uses

    def gather(self) -> None:
        """Sum up what was noted. Blocks."""
        with self._lock:
            # By the plan's id, and by what of its runs is told apart: most of what was noted was run again and again.
            same: dict[tuple[int, bool, bool], list[tuple[Run, float]]] = {}
            while self._noted:
                noted = self._noted.popleft()
                run = noted[0]
                same.setdefault((id(run.plan), run.by_server, run.pushes), []).append(noted)
            for runs in same.values():
                self._add([run for run, _ in runs], _moment(runs[0][1]), _moment(runs[-1][1]))

    def flush(self) -> None:
        """Sum up what was noted, and add it to the store; what that does not take now waits. Blocks."""
        self.gather()
        with self._lock:
            sums, self._sums = self._sums, {}
            uses, self._uses = self._uses, {}
        if self._save is None or not (sums or uses):
            return
        try:
            self._save(sums, uses)
        except SQLAlchemyError as failure:
            _log.warning("the history of statements cannot be kept", reason=type(failure).__name__)
            with self._lock:
                for key, runs in sums.items():
                    self._take(key, runs)
                self._use(uses)

    def misjudged(self, table: TableName, columns: Collection[str], expected: float, found: float) -> None:
        """Take note of conditions on columns, or a join by them, that had other rows than expected. From any thread."""
        wrong = Misjudged(expected, found, datetime.now(UTC))
        with self._lock:
            self._use({(table, column): Use(misjudged=wrong) for column in columns})

    def _use(self, uses: Uses) -> None:
        for key, use in uses.items():
            before = self._uses.get(key)
            self._uses[key] = use if before is None else before.added(use)

    def _add(self, runs: Sequence[Run], first: datetime, last: datetime) -> None:
        """Sum up runs of one plan."""
        known, took = self._identify(runs[0]), [run.took for run in runs]
        squares, rows = sum(one * one for one in took), sum(run.rows for run in runs)
        summed = (len(runs), sum(took), min(took), max(took), squares, rows)
        self._take(known.key, Runs(known.query, known.shown, *summed, first, last))
        for run in runs:
            if run.read is not None:
                self._use(uses_of(run.read, known.expected))

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
            known = self._known[place] = _identified(run, self._facts)
        return known


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _identified(run: Run, facts: Facts) -> _Known:
    plan, principal = run.plan, run.plan.principal
    query = statement_text(run.text)
    shown = whole_text(plan.whole.source) if run.by_server and plan.whole is not None else _engine_text(run)
    key = StatementPlan(
        principal.login or principal.session_user or principal.name,
        principal.name,
        bool(principal.claims),
        facts.hides(plan),
        query_id(query, [table.name for table in plan.named]),
        number_of(shown),
    )
    expected = facts.expected(plan) if run.read is not None else ()
    return _Known(plan, key, query[:LONGEST], shown[:LONGEST], expected)


def _engine_text(run: Run) -> str:
    parts: Sequence[RemotePart] = run.plan.parts if run.pushes else ()
    return plan_text(run.plan.optimized, parts)
