"""A source's connection that is let go of before its server has answered: nothing it says reaches who asks next."""

from __future__ import annotations

import asyncio
import time

import uvloop
from cachetools import TTLCache

from gateway.relay.source_connection import Execution
from gateway.relay.source_lease import Lease, Place
from gateway.relay.source_pools import SourcePool
from gateway.relay.source_target import source_target
from gateway.wire.bound_values import BoundValues
from tests.gateway import SampleLake


def test_an_answer_that_comes_while_a_connection_is_let_go_of_is_offered_to_nobody(lake: SampleLake) -> None:
    """The same session may have another statement under way by then."""

    async def break_off() -> list[str]:
        target = source_target(lake.reference_dsn)
        assert target is not None
        pool = SourcePool(target, {"client_encoding": "UTF8"}, TTLCache(1, 1.0))
        connection = await pool.take()
        assert connection is not None
        execution = Execution("SELECT 'of the one before'")
        await connection.prepare(execution.sql, ())
        heard: list[str] = []

        def answered(_data: bytes) -> bool:
            heard.append("an answer")
            return False

        def ended() -> None:
            heard.append("the end")

        connection.begin(execution, BoundValues(0, ((), ()), ((), ())), b"", answered, ended)
        time.sleep(0.3)  # the loop's next look finds the answer
        Lease(Place("origin", pool, False, lambda _error: None), connection, in_full=True).end()
        await asyncio.sleep(0.3)
        assert pool.get_idle() is None
        return heard

    assert uvloop.run(break_off()) == []
