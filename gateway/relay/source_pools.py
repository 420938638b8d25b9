"""Idle connections to sources' servers, by server, login and settings: one serves a statement, then the next."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import monotonic

import structlog
from cachetools import LRUCache, TTLCache

from gateway.relay.server_login import LoginRefused, ServerTarget
from gateway.relay.source_connection import SourceConnection, SourceLost

_log = structlog.get_logger(__name__)
_MOST_REFUSED = _MOST_POOLS = 256
_MOST_IDLE = 32  # of one server, login and settings: to log in again costs ten statements
_IDLE = 60.0  # seconds; so long is a server not asked again, too, that has refused
_SWEEP = 10.0  # seconds between two looks for connections that have been idle for long


class SourcePool:
    """Connections to one server, with one login and settings. What was given back last is taken first."""

    def __init__(
        self, target: ServerTarget, settings: Mapping[str, str], refused: TTLCache[ServerTarget, bool]
    ) -> None:
        self.target = target
        self._settings = settings
        self._refused = refused
        self.idle: list[tuple[SourceConnection, float]] = []
        """Those that are there, with when they became idle; `get_idle` takes one."""
        self._sweeping: asyncio.TimerHandle | None = None
        self._is_closed = False

    def get_idle(self) -> SourceConnection | None:
        """Return a connection that is there, if one is."""
        while self.idle:
            connection, _ = self.idle.pop()
            if connection.is_usable:
                return connection
            connection.close()
        return None

    async def take(self) -> SourceConnection | None:
        """Return a connection for one statement; None where none can be had, now or less than a minute ago."""
        connection = self.get_idle()
        if connection is not None or self.target in self._refused:
            return connection
        try:
            return await SourceConnection.open(self.target, self._settings)
        except (LoginRefused, SourceLost, OSError, TimeoutError) as failure:
            self._refused[self.target] = True
            reason = {"sqlstate": getattr(failure, "sqlstate", None), "failure": type(failure).__name__}
            _log.info("a source lets no statements be relayed", host=self.target.host, **reason)
            return None

    def give_back(self, connection: SourceConnection) -> None:
        """Keep a connection for the next statement, where it is in order."""
        if connection.is_usable:
            self.keep(connection)
        else:
            connection.close()

    def keep(self, connection: SourceConnection) -> None:
        """As `give_back`, for a connection that is in order."""
        if self._is_closed or len(self.idle) >= _MOST_IDLE:
            connection.close()
            return
        self.idle.append((connection, monotonic()))
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(_SWEEP, self._sweep)

    def close(self) -> None:
        """Close all idle connections, and keep none from now on."""
        self._is_closed = True
        self._close_before(monotonic() + 1)
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None

    def _sweep(self) -> None:
        self._close_before(monotonic() - _IDLE)
        again = asyncio.get_running_loop().call_later(_SWEEP, self._sweep) if self.idle else None
        self._sweeping = again

    def _close_before(self, moment: float) -> None:
        for connection, since in self.idle:
            if since < moment:
                connection.close()
        self.idle[:] = [one for one in self.idle if one[1] >= moment]


class SourcePools:
    """All of a process. Belongs to the event loop's thread. A pool that has given way to others empties by itself."""

    def __init__(self) -> None:
        self._pools: LRUCache[tuple[ServerTarget, tuple[tuple[str, str], ...]], SourcePool] = LRUCache(_MOST_POOLS)
        self._refused: TTLCache[ServerTarget, bool] = TTLCache(_MOST_REFUSED, _IDLE)

    def pool(self, target: ServerTarget, settings: Mapping[str, str]) -> SourcePool:
        """Return the pool of a server, login and settings."""
        key = (target, tuple(sorted(settings.items())))
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = SourcePool(target, settings, self._refused)
        return pool

    def close(self) -> None:
        """Close all idle connections."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()
        self._refused.clear()
