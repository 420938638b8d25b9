"""A statement that waits, for a source's connection or for the audit, has the rights of when it goes on."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import psycopg
import pytest
from psycopg import pq

from gateway.audit.audit import Audit, Entry, Waiting
from gateway.relay.source_connection import SourceConnection
from gateway.relay.source_pools import SourcePool
from gateway.sessions.executed_again import ExecutedAgain, Turn
from gateway.sessions.straight import Straight
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


class Held:
    """A gateway's audit that holds one intent back, and a note of what became of each statement executed again: it was
    begun straight, or in its session's turn.
    """

    def __init__(self, patch: pytest.MonkeyPatch, *, straight: bool) -> None:
        self.is_waiting, self.is_changed = threading.Event(), threading.Event()
        self.turns: list[object] = []
        self.done = True if straight else Turn.DONE
        self.left = [True] if straight else [Turn.BEGUN]  # what is noted of one that is not carried out as it was known
        self._patch = patch
        if straight:
            patch.setattr(Straight, "begin", self._begin(Straight.begin))
        else:
            patch.setattr(Audit, "is_prompt", False)
            patch.setattr(ExecutedAgain, "in_turn", self._in_turn(ExecutedAgain.in_turn))

    def hold(self) -> None:
        """Hold the next intent back until things have changed."""
        self.turns.clear()
        self._patch.setattr(Audit, "_written", self._slow(Audit._written))
        self._patch.setattr(Audit, "begin_soon", self._late(Audit.begin_soon))

    def _begin(self, begin: Callable[..., bool]) -> Callable[..., bool]:
        def noted(straight: Straight, *arguments: object) -> bool:
            begun = begin(straight, *arguments)
            if begun or not self.is_waiting.is_set():  # then the officer's statements come, which are not
                self.turns.append(begun)
            return begun

        return noted

    def _in_turn(self, in_turn: Callable[..., Awaitable[Turn]]) -> Callable[..., Awaitable[Turn]]:
        async def noted(again: ExecutedAgain, *arguments: object) -> Turn:
            self.turns.append(turn := await in_turn(again, *arguments))
            return turn

        return noted

    def _slow(self, written: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def slow(audit: Audit, sequence: int) -> None:
            await self._wait()
            await written(audit, sequence)

        return slow

    def _late(self, begin_soon: Callable[..., None]) -> Callable[..., None]:
        tasks = []

        def late(audit: Audit, entry: Entry, waiting: Waiting) -> None:
            async def begin() -> None:
                await self._wait()
                begin_soon(audit, entry, waiting)

            tasks.append(asyncio.get_running_loop().create_task(begin()))

        return late

    async def _wait(self) -> None:
        if not self.is_waiting.is_set():
            self.is_waiting.set()
            assert await asyncio.to_thread(self.is_changed.wait, 30)


@pytest.mark.parametrize("straight", [True, False], ids=["straight", "in turn"])
@pytest.mark.parametrize(("change", "expected", "back"), LATE)
def test_what_changes_while_its_intent_is_written_counts(
    served: OwnGateway, change: str, expected: object, back: str, *, straight: bool
) -> None:
    """Of a statement that a source's server has answered before, and that is executed again."""
    with (
        pytest.MonkeyPatch.context() as patch,
        ThreadPoolExecutor(1) as threads,
        connected(served, ADA) as officer,
        late_policies(officer, back),
        connected(served, TINA) as reader,
    ):
        held = Held(patch, straight=straight)
        reader.pgconn.prepare(b"late", b"SELECT id, text FROM crm.notes WHERE text >= $1 ORDER BY id")
        until = time.monotonic() + 60
        while held.turns[-5:] != [held.done] * 5:  # news of the catalogue that are still to come would be in the way
            assert told(reader) == ALL and time.monotonic() < until
            time.sleep(0.1)
        held.hold()
        asked = threads.submit(told, reader)
        try:
            assert held.is_waiting.wait(30)
            officer.execute(change.encode())
        finally:
            held.is_changed.set()
        assert (asked.result(60), held.turns) == (expected, held.left)
        patch.undo()
        assert told(reader) == expected


@contextmanager
def late_policies(officer: psycopg.Connection[tuple[object, ...]], back: str) -> Iterator[None]:
    """Have rows under a policy, and a mask to be set; take all of it back, also where only some of it came about."""
    try:
        officer.execute("CREATE MASKING POLICY late_mask (value text) RETURNS text AS '***'")
        officer.execute("CREATE POLICY early ON crm.notes USING (id < 4)")
        officer.execute("ALTER TABLE crm.notes ENABLE ROW LEVEL SECURITY")
        yield
    finally:
        for statement in (back, *BACK):
            if statement:
                with suppress(psycopg.errors.UndefinedObject):
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
