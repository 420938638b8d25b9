"""What statements over the lake took, as it is kept: by statement, by who asked, and by the plan they were run with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from catalog.advice import Advice
from catalog.names import TableName
from catalog.pins import Pin


@dataclass(frozen=True, slots=True)
class StatementPlan:
    """A statement of somebody's with one of its plans. ``user`` has logged in, ``role`` is whose rights counted.
    ``is_personal``: what is read may depend on claims of the login. ``hides_plan``: the
    plan may depend on what is hidden from him. The ids are signed numbers of 64 bits, of the
    statement without its constants and of what the plan is told as.
    """

    user: str
    role: str
    is_personal: bool
    hides_plan: bool
    queryid: int
    planid: int


@dataclass(frozen=True, slots=True)
class Runs:
    """How a statement was run with a plan, in sum. Times are in milliseconds, ``squares`` is the sum of their squares;
    ``rows`` were sent to clients.
    """

    query: str
    plan: str
    calls: int
    total: float
    least: float
    most: float
    squares: float
    rows: int
    first: datetime
    last: datetime

    def added(self, other: Runs) -> Runs:
        """Return both together."""
        return replace(
            self,
            calls=self.calls + other.calls,
            total=self.total + other.total,
            least=min(self.least, other.least),
            most=max(self.most, other.most),
            squares=self.squares + other.squares,
            rows=self.rows + other.rows,
            first=min(self.first, other.first),
            last=max(self.last, other.last),
        )


@dataclass(frozen=True, slots=True)
class ToldPin:
    """A pinned plan, and the table because of which it does not count any more; None: it does."""

    pin: Pin
    changed: TableName | None


@dataclass(frozen=True, slots=True)
class Told:
    """All that people are told of statements."""

    runs: Mapping[StatementPlan, Runs]
    advice: Sequence[Advice]
    pins: Sequence[ToldPin]
