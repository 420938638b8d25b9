"""Connections to sources' servers between statements: a few of each kind, for a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from cachetools import TTLCache

from gateway.relay.server_login import LoginRefused, ServerTarget
from gateway.relay.source_connection import SourceConnection, SourceLost

_log = structlog.get_logger(__name__)
_MOST_REFUSED = 256
_MOST_IDLE = 8  # of one server, login and settings
_IDLE = 60.0  # seconds; so long is a server not asked again, too, that has refused
Key = tuple[ServerTarget, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class _Idle:
    connection: SourceConnection
    closing: asyncio.TimerHandle


class SourcePools:
    """All of a process. Belongs to the event loop's thread."""

    def __init__(self) -> None:
        self._idle: dict[Key, list[_Idle]] = {}
        self._refused: TTLCache[ServerTarget, bool] = TTLCache(_MOST_REFUSED, _IDLE)

    async def take(self, target: ServerTarget, settings: Mapping[str, str]) -> SourceConnection | None:
        """Return a connection for one statement; None where none can be had, now or less than a minute ago."""
        idle = self._idle.get(_key(target, settings), [])
        while idle:
            one = idle.pop()
            one.closing.cancel()
            if one.connection.is_usable:
                return one.connection
            one.connection.close()
        if target in self._refused:
            return None
        try:
            return await SourceConnection.open(target, settings)
        except (LoginRefused, SourceLost, OSError, TimeoutError) as failure:
            self._refused[target] = True
            reason = {"sqlstate": getattr(failure, "sqlstate", None), "failure": type(failure).__name__}
            _log.info("a source lets no statements be relayed", host=target.host, **reason)
            return None

    def give_back(self, target: ServerTarget, settings: Mapping[str, str], connection: SourceConnection) -> None:
        """Keep a connection for the next statement, where it is in order."""
        idle = self._idle.setdefault(_key(target, settings), [])
        if not connection.is_usable or len(idle) >= _MOST_IDLE:
            connection.close()
            return
        idle.append(_Idle(connection, asyncio.get_running_loop().call_later(_IDLE, self._expire, idle, connection)))

    def close(self) -> None:
        """Close all idle connections."""
        for idle in self._idle.values():
            for one in idle:
                one.closing.cancel()
                one.connection.close()
        self._idle.clear()
        self._refused.clear()

    @staticmethod
    def _expire(idle: list[_Idle], connection: SourceConnection) -> None:
        idle[:] = [one for one in idle if one.connection is not connection]
        connection.close()


def _key(target: ServerTarget, settings: Mapping[str, str]) -> Key:
    return target, tuple(sorted(settings.items()))
