"""What statements took, and how they read tables, kept in the metadata store; people see it in the mirror."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from catalog.advice import Advice
from catalog.history import Runs, StatementPlan, Told, ToldPin
from catalog.pins import Pin
from catalog.store.column_use import ColumnUse
from catalog.store.plan_pins import PlanPins
from catalog.store.statement_history import StatementHistory
from catalog.usage import Uses

TellMirror = Callable[[Told], None]


class KeptHistory:
    """The history of one database's statements, on all gateways."""

    def __init__(
        self, statements: StatementHistory, columns: ColumnUse, database: str, tell_mirror: TellMirror
    ) -> None:
        """``tell_mirror`` has the mirror show what it is given; it blocks."""
        self._statements = statements
        self._columns = columns
        self._database = database
        self._tell_mirror = tell_mirror

    def add(self, runs: Mapping[StatementPlan, Runs], uses: Uses) -> None:
        """Add what statements took, and how they read tables. Blocks."""
        self._statements.add(self._database, runs)
        self._columns.add(self._database, uses)

    async def tell(self, advise: Callable[[Uses], Sequence[Advice]], pins: Sequence[ToldPin]) -> None:
        """Have the mirror show all that is kept, and what is advised by it."""

        def tell() -> None:
            advice = advise(self._columns.load(self._database))
            self._tell_mirror(Told(self._statements.load(self._database), advice, pins))

        await asyncio.to_thread(tell)


class KeptPins:
    """The plans that are pinned to one database's statements. Every method blocks."""

    def __init__(self, store: PlanPins, database: str) -> None:
        self._store = store
        self._database = database

    def load(self) -> tuple[Pin, ...]:
        """Return all pins."""
        return self._store.load(self._database)

    def save(self, pin: Pin) -> None:
        """Pin a plan to a statement."""
        self._store.save(self._database, pin)

    def drop(self, queryid: int) -> bool:
        """Drop what is pinned to a statement; return whether anything was."""
        return self._store.drop(self._database, queryid)
