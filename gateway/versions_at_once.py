"""The versions that tables have now, looked at for many statements at once.

A look takes a change of threads, for a store may be far away. Statements that come while a thread is looking wait for
its next look, and have that one together: it begins after each of them, so none reads an older version than alone.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy

from catalog.names import TableName
from catalog.scans import Snapshot
from catalog.tables import Table

_THREADS = 16
Snapshots = Mapping[TableName, Snapshot]
_Wanted = list[tuple[Sequence[Table], asyncio.Future[Snapshots]]]


class VersionsAtOnce:
    """Looks of one event loop. ``pin`` gives the versions of tables, blocks, and raises SqlError."""

    def __init__(self, pin: Callable[[Sequence[Table]], Snapshots]) -> None:
        self._pin = pin
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="versions")
        self._waiting: dict[frozenset[str], _Wanted] = {}  # by the sources that are asked: one may be slow
        self._lock = threading.Lock()  # of what waits

    async def of(self, tables: Sequence[Table]) -> Snapshots:
        """Return the versions that tables have now. Raises SqlError."""
        return await self.look(tables)

    def look(self, tables: Sequence[Table]) -> asyncio.Future[Snapshots]:
        """Begin a look at the versions that tables have now, which may fail with SqlError."""
        found: asyncio.Future[Snapshots] = asyncio.get_running_loop().create_future()
        sources = frozenset(one.source for one in tables)
        with self._lock:
            is_looking = sources in self._waiting
            self._waiting.setdefault(sources, []).append((tables, found))
        if not is_looking:
            self._threads.submit(self._look, sources)
        return found

    def close(self) -> None:
        """Give back the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _look(self, sources: frozenset[str]) -> None:
        """Look for all who wait, until nobody does."""
        while True:
            with self._lock:
                wanted = self._waiting[sources]
                if not wanted:
                    del self._waiting[sources]
                    return
                self._waiting[sources] = []
            looked: dict[tuple[int, ...], Snapshots | BaseException] = {}
            for tables, _ in wanted:
                key = tuple(map(id, tables))
                if key not in looked:
                    looked[key] = self._looked(tables)
            told = [(found, looked[tuple(map(id, tables))]) for tables, found in wanted]
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                wanted[0][1].get_loop().call_soon_threadsafe(_tell, told)

    def _looked(self, tables: Sequence[Table]) -> Snapshots | BaseException:
        try:
            return self._pin(tables)
        except BaseException as failure:  # whatever it is, who waits is told
            return failure


def _tell(told: Sequence[tuple[asyncio.Future[Snapshots], Snapshots | BaseException]]) -> None:
    for found, outcome in told:
        if found.done():
            continue  # it was cancelled
        if isinstance(outcome, BaseException):
            found.set_exception(copy(outcome))  # each statement tells its own place in the text
        else:
            found.set_result(outcome)
