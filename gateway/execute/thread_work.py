"""Work in a thread for which a task waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import TypeVar

_Result = TypeVar("_Result")


async def in_thread(threads: Executor, work: Callable[[], _Result]) -> _Result:
    """Return what ``work`` gives in one of the threads, as `run_in_executor` does with half of its callbacks.

    Who is cancelled waits no longer; work that has begun goes on then, and what it gives is dropped.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_Result] = loop.create_future()

    def settle(result: _Result | None, failure: BaseException | None) -> None:
        if done.done():
            return
        if failure is not None:
            done.set_exception(failure)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def in_turn() -> None:
        if done.cancelled():
            return
        result, failure = None, None
        try:
            result = work()
        except BaseException as error:  # whatever it is, who waits is told
            failure = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, failure)

    threads.submit(in_turn)
    return await done
