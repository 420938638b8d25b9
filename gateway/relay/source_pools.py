"""Connections to sources' servers between statements: a few of each kind, for a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.relay.source_connection import SourceConnection
from gateway.relay.source_target import SourceTarget

_MOST_IDLE = 8  # of one server, login and settings
_IDLE = 60.0  # seconds
Key = tuple[SourceTarget, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class _Idle:
    connection: SourceConnection
    closing: asyncio.TimerHandle


class SourcePools:
    """All of a process. Belongs to the event loop's thread."""

    def __init__(self) -> None:
        self._idle: dict[Key, list[_Idle]] = {}

    async def take(self, target: SourceTarget, settings: Mapping[str, str]) -> SourceConnection:
        """Return a connection for one statement. Raises as `SourceConnection.open`."""
        idle = self._idle.get(_key(target, settings), [])
        while idle:
            one = idle.pop()
            one.closing.cancel()
            if one.connection.is_usable:
                return one.connection
            one.connection.close()
        return await SourceConnection.open(target, settings)

    def give_back(self, target: SourceTarget, settings: Mapping[str, str], connection: SourceConnection) -> None:
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

    @staticmethod
    def _expire(idle: list[_Idle], connection: SourceConnection) -> None:
        idle[:] = [one for one in idle if one.connection is not connection]
        connection.close()


def _key(target: SourceTarget, settings: Mapping[str, str]) -> Key:
    return target, tuple(sorted(settings.items()))
