"""What other gateways must know of this one's sessions, told now and then; and what their clients want of these.

A session without a process in the mirror is nowhere but here. So the mirror is told when clients have come and gone,
and again before what was told is too old to count (`catalog.mirror.processes.FRESH`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import structlog

from gateway.history.log import HistoryLog
from gateway.login import Sessions
from gateway.tried_again import log_failure

_log = structlog.get_logger(__name__)
_PAUSE = 1.0  # seconds between two looks
_STORED = 10  # looks between two times that the store is told what statements took
_AGAIN = 30.0  # seconds until sessions are told again though none has come or gone


async def follow_sessions(
    sessions: Sessions, tell: Callable[[], Awaitable[None]], take_signals: Callable[[], Awaitable[list[int]]]
) -> None:
    """Tell of sessions, and end those that clients of other gateways want to be ended, until cancelled."""
    told, at = sessions.changes, -_AGAIN
    while True:
        await asyncio.sleep(_PAUSE)
        if sessions.changes == told and not len(sessions):
            continue
        try:
            for number in await take_signals():
                sessions.end(number)
            if sessions.changes != told or monotonic() - at > _AGAIN:
                told, at = sessions.changes, monotonic()
                await tell()
        except Exception as failure:  # it is tried again; statements that ask tell first
            log_failure(_log, "sessions could not be told to other gateways", failure)
            told = -1


async def keep_history(history: HistoryLog) -> None:
    """Sum up what statements took, and add it to the store now and then, until cancelled."""
    looks = 0
    while True:
        await asyncio.sleep(_PAUSE)
        looks += 1
        if history.is_empty:
            continue
        try:
            await asyncio.to_thread(history.flush if looks % _STORED == 0 else history.gather)
        except Exception as failure:  # what comes next may be kept
            log_failure(_log, "the history of statements could not be kept", failure)
