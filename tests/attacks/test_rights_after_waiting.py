"""A statement that waits for a source's connection has the rights of the moment at which there is one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from gateway.relay.source_connection import SourceConnection
from gateway.relay.source_pools import SourcePool
from tests.attacks.own_gateway import OwnGateway, own_gateway
from tests.attacks.worlds import TINA
from tests.gateway import ADA, PASSWORD, SampleLake


@pytest.fixture(scope="module")
def served(world_lakes: dict[str, SampleLake], world_gateways: object) -> Iterator[OwnGateway]:
    """The first world, governed, in a thread."""
    with own_gateway(world_lakes["A"]) as running:
        yield running


def connected(running: OwnGateway, user: str) -> psycopg.Connection[tuple[object, ...]]:
    """Connect a user."""
    host, port = running.address
    database = running.gateway._config.server.database
    return psycopg.connect(host=host, port=port, user=user, password=PASSWORD, dbname=database, autocommit=True)


def test_a_policy_made_while_it_waits_for_a_connection_counts(served: OwnGateway) -> None:
    query = b"SELECT id FROM crm.notes WHERE id > 0 ORDER BY id"
    is_waiting, is_changed, take = threading.Event(), threading.Event(), SourcePool.take

    async def slow(pool: SourcePool) -> SourceConnection | None:
        is_waiting.set()
        assert await asyncio.to_thread(is_changed.wait, 30)
        return await take(pool)

    with connected(served, ADA) as officer, connected(served, TINA) as reader, ThreadPoolExecutor(1) as threads:
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(SourcePool, "get_idle", lambda _: None)
                patch.setattr(SourcePool, "take", slow)
                asked = threads.submit(reader.execute, query)
                assert is_waiting.wait(30)
                officer.execute("CREATE POLICY late ON crm.notes USING (id < 3)")
                officer.execute("ALTER TABLE crm.notes ENABLE ROW LEVEL SECURITY")
                is_changed.set()
                assert asked.result(60).fetchall() == [(1,), (2,)]
        finally:
            officer.execute("ALTER TABLE crm.notes DISABLE ROW LEVEL SECURITY")
            officer.execute("DROP POLICY IF EXISTS late ON crm.notes")
