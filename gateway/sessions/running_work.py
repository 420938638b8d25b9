"""The message that a session carries out now, which others may end from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from catalog.errors import SqlError


class RunningWork:
    """Runs one message's work after the other, in one task. ``ended_by`` is why the one at hand was ended."""

    def __init__(self) -> None:
        self._runner: asyncio.Task[Any] | None = None
        self._task: asyncio.Task[None] | None = None
        self.ended_by: SqlError | None = None
        self.outside: Callable[[SqlError], None] | None = None
        """Ends what is carried out in callbacks, without a task: who does so sets it, with no ``ended_by``, and takes
        it back.
        """

    @property
    def is_running(self) -> bool:
        """Whether a message is being carried out."""
        return self._task is not None or self.outside is not None

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work so that `end` can end it, with the reason it gives. A task of its own would cost each message two
        turns of the event loop.
        """
        if self._runner is None:
            self._runner = asyncio.current_task()
            assert self._runner is not None
        task = self._runner
        self.ended_by = self.outside = None
        self._task = task
        try:
            await work
        except asyncio.CancelledError:
            if self.ended_by is None or task.cancelling() > 1:  # the client has left, too
                raise
        finally:
            self._task = None
            if self.ended_by is not None:
                task.uncancel()
        if self.ended_by is not None:
            raise self.ended_by

    def end(self, reason: SqlError) -> None:
        """End the work at hand, if there is any, where it waits."""
        if self.outside is not None:
            self.ended_by = reason
            self.outside(reason)
        elif self._task is not None:
            self.ended_by = reason
            self._task.cancel()
