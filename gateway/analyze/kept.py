"""What ANALYZE has found, kept in the metadata store, where other gateways find it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from catalog.analyzed import Analyzed
from catalog.feedback import Found
from catalog.names import TableName
from catalog.store.analyzed_tables import AnalyzedTables
from catalog.store.feedback_rows import FeedbackRows

_OVERLAP = timedelta(minutes=1)  # clocks of gateways may differ


class KeptFeedback:
    """What runs of plans have found of one database's tables, in the store."""

    def __init__(self, rows: FeedbackRows, database: str) -> None:
        self._rows = rows
        self._database = database
        self._last: datetime | None = None

    def save(self, found: Mapping[str, Found]) -> None:
        """Keep what was found of parts. Blocks."""
        self._rows.save(self._database, found)

    async def news(self) -> Mapping[str, Found]:
        """Return what was found since this was asked last, at first all."""
        since = None if self._last is None else self._last - _OVERLAP
        found = await asyncio.to_thread(self._rows.load, self._database, since)
        self._last = max((one.at for one in found.values()), default=self._last)
        return found


class KeptStatistics:
    """The statistics of one database's tables in the store, and their feedback. ``database`` is what clients see."""

    def __init__(self, tables: AnalyzedTables, feedback: FeedbackRows, database: str) -> None:
        self.feedback = KeptFeedback(feedback, database)
        self._tables = tables
        self._database = database
        self._known: dict[TableName, datetime] = {}

    async def keep(self, table: TableName, analyzed: Analyzed) -> None:
        """Keep what was found of a table."""
        await asyncio.to_thread(self._tables.save, self._database, table, analyzed)

    async def news(self) -> Mapping[TableName, Analyzed]:
        """Return what was found since this was asked last, at first all."""
        since = max(self._known.values()) - _OVERLAP if self._known else None
        found = await asyncio.to_thread(self._tables.load, self._database, since)
        news = {name: one for name, one in found.items() if self._known.get(name) != one.at}
        self._known.update((name, one.at) for name, one in news.items())
        return news

    def keep_only(self, tables: Collection[TableName]) -> None:
        """Forget tables that are gone. Blocks."""
        self._tables.keep_only(self._database, tables)
