"""Answers of one turn of the event loop are sent when it has ended, in their order, whatever becomes of one of them."""

from __future__ import annotations

import asyncio

from gateway.answers_together import AnswersTogether


def test_they_are_sent_behind_the_turn_and_one_that_fails_keeps_none_back() -> None:
    async def work() -> None:
        sent: list[int] = []
        failed: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failed.append(context["exception"]))
        answers = AnswersTogether()

        def fail() -> None:
            raise RuntimeError

        for turn in (0, 1):
            answers.add(lambda: sent.append(1))
            answers.add(fail)
            answers.add(lambda: sent.append(2))
            assert sent == [1, 2] * turn
            await asyncio.sleep(0.01)
            assert sent == [1, 2] * (turn + 1)
            assert len(failed) == turn + 1

    asyncio.run(work())
