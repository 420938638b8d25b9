"""Sessions that have been idle for a while give up their process in the mirror, and get another when they go on.

Given up is only what can be had again: settings are set again, prepared statements prepared again. What lives in the
process alone keeps it: a transaction, temporary relations, cursors, LISTEN, another role, and settings that PostgreSQL
does not list, those with a dot in their name.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Mapping
from typing import Protocol

from catalog.errors import SqlError
from gateway.activity import Activity
from gateway.lanes.bound import Portal
from gateway.lanes.prepared import NamedStatements
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_state import STATE, restoring
from gateway.sessions.running_work import RunningWork
from gateway.sessions.unnamed import UnnamedStatement
from gateway.sql.session_state import changes_nothing
from gateway.sql.statements import Statement

_SET = re.compile(r"set\s+(?:session\s+|local\s+)?(?:\w+|\"[^\"]*\")\s*\.", re.IGNORECASE)
_FORGETS = re.compile(r"(?:discard|reset)\s+all", re.IGNORECASE)
_AT_ONCE = 8  # sessions that give up their processes where the mirror has no room


class Parking:
    """One session's. What is given is the session's own."""

    def __init__(
        self,
        mirror: MirrorConnection,
        activity: Activity,
        work: RunningWork,
        portals: Mapping[str, Portal],
        statements: NamedStatements,
        unnamed: UnnamedStatement,
    ) -> None:
        self._mirror = mirror
        self._activity = activity
        self._work = work
        self._portals = portals
        self._statements = statements
        self._unnamed = unnamed
        self._stays = False
        self.under_way: asyncio.Task[bool] | None = None  # the mirror is asked, or told goodbye

    @property
    def idle_since(self) -> float | None:
        """When the session became idle, in seconds since 1970; None where it is not, or must keep its process."""
        at_work = self._work.is_running or self._activity.active or self.under_way is not None
        keeps = self._stays or len(self._portals) > 0 or not self._mirror.may_be_parked
        return None if at_work or keeps else self._activity.changed

    def executed(self, statements: Iterable[Statement]) -> None:
        """Note statements that the mirror has executed."""
        for statement in statements:
            text = statement.text
            if statement.head == "SET":
                self._stays = self._stays or _SET.match(text) is not None
            elif statement.head in ("DISCARD", "RESET"):
                self._stays = self._stays and _FORGETS.fullmatch(text) is None
            elif not self._stays:
                self._stays = not changes_nothing(text)

    async def park(self) -> bool:
        """Give up the process of a session that does nothing, if that can be; return whether it was. The session's next
        message waits for the end of it (`done`).
        """
        if self.idle_since is None:
            return False
        self.under_way = asyncio.get_running_loop().create_task(self._park())
        return await asyncio.shield(self.under_way)

    async def done(self) -> None:
        """Wait until what `park` began has ended."""
        if self.under_way is not None:
            await asyncio.shield(self.under_way)

    async def _park(self) -> bool:
        mirror = self._mirror
        try:
            mirror.extended = False
            row, error = await mirror.ask(STATE)
            unnamed = self._unnamed.parse if self._statements.get("") is not None else None
            messages = None if error is not None else restoring(row, mirror.opening.target.user.encode(), unnamed)
            if messages is None or not mirror.may_be_parked:
                return False
            if mirror.parameters.get("client_encoding") != "UTF8" and not all(one.isascii() for one in messages):
                return False  # they would be read in the encoding of the login
            mirror.park(messages)
            return True
        except SqlError:  # it has ended; the client is told
            return False
        finally:
            self.under_way = None
            mirror.speak()


class Sessions(Protocol):
    """The sessions of a gateway. ``changes``: how often there was something to tell to other gateways."""

    changes: int

    def parking(self) -> list[Parking]:
        """Return what is to be known of all sessions here."""


async def park_idle(sessions: Sessions, limit: float) -> None:
    """Have sessions give up their processes when they have been idle for ``limit`` seconds, until cancelled."""
    while limit:
        await asyncio.sleep(min(limit / 4, 5.0))
        await _park(sessions, time.time() - limit)


async def make_room(sessions: Sessions) -> bool:
    """Have those that have been idle longest give up their processes; return whether one has."""
    return await _park(sessions, time.time(), _AT_ONCE)


async def _park(sessions: Sessions, before: float, most: int | None = None) -> bool:
    idle = [(since, one) for one in sessions.parking() if (since := one.idle_since) is not None and since <= before]
    idle.sort(key=lambda pair: pair[0])
    parked = 0
    for _, session in idle:
        parked += await session.park()
        if parked == most:
            break
    sessions.changes += parked > 0
    return parked > 0
