"""Answers that are ready in the same turn of the event loop, sent one behind the other when all of it was computed.

To send an answer wakes a client. Where he runs on the same machine he may take the processor at once, and what this
process computes next begins with cold caches: so it does all of that first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class AnswersTogether:
    """Those of a process. Belongs to the event loop's thread."""

    def __init__(self) -> None:
        self._due: deque[Callable[[], None]] = deque()

    def add(self, send: Callable[[], None]) -> None:
        """Have an answer sent at the end of this turn."""
        if not self._due:
            asyncio.get_running_loop().call_soon(self._send)
        self._due.append(send)

    def _send(self) -> None:
        due = self._due
        try:
            while due:
                due.popleft()()
        finally:
            if due:  # one has failed, for which the others do not wait
                asyncio.get_running_loop().call_soon(self._send)
