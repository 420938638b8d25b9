"""A statement that waits, for a source's connection or for the audit, has the rights of when it goes on."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import pq

from gateway.audit.audit import Audit
from gateway.lanes.prepared import NamedStatements
from gateway.relay.source_connection import SourceConnection
from gateway.relay.source_pools import SourcePool
from gateway.sessions.executed_again import ExecutedAgain, Turn
from gateway.wire.sent_at_once import InTurn
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


ALL = [(b"1", b"note 1"), (b"2", b"note 2"), (b"3", b"note 3")]
MASKED = [(b"1", b"***"), (b"2", b"***"), (b"3", b"***")]
LATE = (
    ("ALTER POLICY early ON crm.notes USING (id < 2)", ALL[:1], ""),
    (
        "ALTER TABLE crm.notes ALTER COLUMN text SET MASKING POLICY late_mask",
        MASKED,
        "ALTER TABLE crm.notes ALTER COLUMN text UNSET MASKING POLICY",
    ),
    ("REVOKE SELECT ON crm.notes FROM analysts", b"42P01", "GRANT SELECT ON crm.notes TO analysts"),
    ("CREATE POLICY elsewhere ON crm.vault USING (true)", ALL, "DROP POLICY elsewhere ON crm.vault"),
)


@pytest.mark.parametrize(("change", "expected", "back"), LATE)
def test_what_changes_while_its_intent_is_written_counts(
    served: OwnGateway, change: str, expected: object, back: str
) -> None:
    """Of a statement that a source's server has answered before, and that is executed again."""
    is_waiting, is_changed, written, in_turn = (
        threading.Event(),
        threading.Event(),
        Audit._written,
        ExecutedAgain.in_turn,
    )
    turns: list[object] = []

    async def slow(audit: Audit, sequence: int) -> None:
        if not is_waiting.is_set():
            is_waiting.set()
            assert await asyncio.to_thread(is_changed.wait, 30)
        await written(audit, sequence)

    async def noted(again: ExecutedAgain, message: InTurn, statements: NamedStatements) -> Turn:
        turn = await in_turn(again, message, statements)
        turns.append(turn)
        return turn

    with connected(served, ADA) as officer, connected(served, TINA) as reader, ThreadPoolExecutor(1) as threads:
        try:
            officer.execute("CREATE MASKING POLICY late_mask (value text) RETURNS text AS '***'")
            officer.execute("CREATE POLICY early ON crm.notes USING (id < 4)")
            officer.execute("ALTER TABLE crm.notes ENABLE ROW LEVEL SECURITY")
            reader.pgconn.prepare(b"late", b"SELECT id, text FROM crm.notes WHERE text >= $1 ORDER BY id")
            assert [told(reader) for _ in range(3)] == [ALL] * 3
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(ExecutedAgain, "in_turn", noted)
                until = time.monotonic() + 60
                while turns[-5:] != [Turn.DONE] * 5:  # news of the catalogue that are still to come would be in the way
                    assert told(reader) == ALL and time.monotonic() < until
                    time.sleep(0.1)
                turns.clear()
                patch.setattr(Audit, "_written", slow)
                asked = threads.submit(told, reader)
                assert is_waiting.wait(30)
                officer.execute(change.encode())
                is_changed.set()
                assert (asked.result(60), turns) == (expected, [Turn.BEGUN])
            assert told(reader) == expected
        finally:
            is_changed.set()
            for statement in (back, *BACK):
                officer.execute(statement.encode())


BACK = (
    "ALTER TABLE crm.notes DISABLE ROW LEVEL SECURITY",
    "DROP POLICY IF EXISTS early ON crm.notes",
    "DROP MASKING POLICY late_mask",
)


def told(connection: psycopg.Connection[tuple[object, ...]]) -> object:
    """Execute the prepared statement; return its rows, or its SQLSTATE."""
    result = connection.pgconn.exec_prepared(b"late", [b""])
    if result.status != pq.ExecStatus.TUPLES_OK:
        return result.error_field(pq.DiagnosticField.SQLSTATE)
    return [tuple(result.get_value(row, at) for at in range(result.nfields)) for row in range(result.ntuples)]
