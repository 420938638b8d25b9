"""What statements took, kept in the metadata store, and told to the mirror, where people see it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from catalog.history import Runs, StatementPlan
from catalog.store.statement_history import StatementHistory


class KeptHistory:
    """The history of one database's statements, on all gateways."""

    def __init__(
        self,
        store: StatementHistory,
        database: str,
        tell_mirror: Callable[[Mapping[StatementPlan, Runs]], None],
    ) -> None:
        """``tell_mirror`` has the mirror show what it is given; it blocks."""
        self._store = store
        self._database = database
        self._tell_mirror = tell_mirror

    def add(self, runs: Mapping[StatementPlan, Runs]) -> None:
        """Add what statements took. Blocks."""
        self._store.add(self._database, runs)

    async def tell(self) -> None:
        """Have the mirror show all that is kept."""
        await asyncio.to_thread(lambda: self._tell_mirror(self._store.load(self._database)))
