"""What statements took, and how they read tables, kept in the metadata store; people see it in the mirror."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from catalog.advice import Advice
from catalog.history import Runs, StatementPlan
from catalog.store.column_use import ColumnUse
from catalog.store.statement_history import StatementHistory
from catalog.usage import Uses

TellMirror = Callable[[Mapping[StatementPlan, Runs], Sequence[Advice]], None]


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

    async def tell(self, advise: Callable[[Uses], Sequence[Advice]]) -> None:
        """Have the mirror show all that is kept, and what is advised by it."""

        def tell() -> None:
            advice = advise(self._columns.load(self._database))
            self._tell_mirror(self._statements.load(self._database), advice)

        await asyncio.to_thread(tell)
