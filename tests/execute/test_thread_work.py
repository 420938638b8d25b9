"""Work in threads for tasks: results, errors, and who is cancelled."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.execute.thread_work import in_thread


def test_results_and_errors_come_back() -> None:
    async def work() -> None:
        with ThreadPoolExecutor(1) as threads:
            assert await in_thread(threads, threading.get_ident) != threading.get_ident()
            with pytest.raises(ZeroDivisionError):
                await in_thread(threads, lambda: 1 // 0)

    asyncio.run(work())


def test_who_is_cancelled_does_not_wait_and_work_not_begun_is_left_out() -> None:
    begun, go_on = threading.Event(), threading.Event()
    done: list[str] = []

    def first() -> None:
        begun.set()
        assert go_on.wait(10)
        done.append("first")

    async def work() -> None:
        with ThreadPoolExecutor(1) as threads:
            tasks = [asyncio.create_task(in_thread(threads, each)) for each in (first, lambda: done.append("second"))]
            await asyncio.to_thread(begun.wait, 10)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) for result in results)
            assert done == []
            go_on.set()

    asyncio.run(work())
    assert done == ["first"]
