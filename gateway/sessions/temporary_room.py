"""The room that temporary tables of a session may take on the metadata server's disk.

PostgreSQL knows no limit of it. So the files are measured: a second after a statement that may fill tables was sent,
and each second on while it runs. One that goes beyond the limit is cancelled, and the next must wait for room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.relay.mirror_connection import MirrorConnection
from gateway.sql.statements import Kind, Statement

_log = structlog.get_logger(__name__)
_PAUSE = 1.0  # seconds between two looks
_FREES = frozenset({"ALTER", "ANALYZE", "DELETE", "DROP", "TRUNCATE"})  # what may be done without room


class TemporaryRoom:
    """Measures the temporary tables of one session. ``measure`` tells the bytes of a server process's."""

    def __init__(self, mirror: MirrorConnection, limit: int, measure: Callable[[int], Awaitable[int]]) -> None:
        self._mirror = mirror
        self.limit = limit
        self._measure = measure
        self._is_full = False
        self._looking: asyncio.Task[None] | None = None

    def filling(self, statement: Statement) -> None:
        """Note that a statement is sent to the mirror."""
        if statement.kind is Kind.TEMPORARY and statement.head not in _FREES and self._looking is None:
            self._looking = asyncio.create_task(self._look())

    async def require(self, statement: Statement) -> None:
        """Raise SqlError 53400 for a statement that would take room where there is none."""
        if self._is_full and statement.kind is Kind.TEMPORARY and statement.head not in _FREES:
            self._is_full = await self._measure(self._mirror.process_id) > self.limit
            if self._is_full:
                raise too_large(self.limit)

    def close(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> None:
        try:
            while True:
                await asyncio.sleep(_PAUSE)
                self._is_full = await self._measure(self._mirror.process_id) > self.limit
                if not self._mirror.unsettled:
                    return
                if self._is_full:
                    await self._mirror.cancel_for(too_large(self.limit))
                    return
        except Exception:
            _log.exception("temporary tables cannot be measured")
        finally:
            self._looking = None


def too_large(limit: int) -> SqlError:
    """Return the error for temporary tables beyond their limit."""
    return SqlError(
        SqlState.CONFIGURATION_LIMIT_EXCEEDED,
        f"temporary tables of the session exceed {limit >> 20} MB",
        hint="Drop those that are not needed any more, or raise temporary_limit in the gateway's configuration.",
    )
