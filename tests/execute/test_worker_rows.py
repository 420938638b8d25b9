"""Rows that a worker makes a client's messages of: the same bytes as made here, wherever they are laid."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from catalog.errors import SqlError
from catalog.scans import ReadyScan
from catalog.sqlstate import SqlState
from gateway.execute.port import Blocks, EnginePort, EngineQuery, Form
from gateway.execute.workers.shared import SLOT_BYTES, SLOTS, SMALLEST, SharedSlots, SlotWriter
from gateway.lanes.portals import encoded, encoded_whole
from gateway.values.copy_escapes import CopyLayout
from gateway.values.copy_rows import CopyForm
from gateway.values.rows import COPY_DATA, RowForm
from gateway.values.settings import BINARY, TEXT, OutputColumn, OutputSettings
from tests.execute.test_workers import NUMBERS, Engines, engines, scan

__all__ = ["engines"]  # the fixture

INT8, VARCHAR, BYTEA, INT4_ARRAY = 20, 25, 17, 1007
OIDS = (INT8, VARCHAR, VARCHAR, BYTEA, INT4_ARRAY)


def form_of(code: int, oids: tuple[int, ...] = OIDS, message: int = ord("D")) -> RowForm:
    return RowForm(tuple(OutputColumn(oid, -1, code) for oid in oids), OutputSettings(), message)


LINES = CopyForm(form_of(TEXT).columns, OutputSettings(), CopyLayout(ord("\t"), b"\\N"), (False,) * len(OIDS))
CSV = CopyForm(
    form_of(TEXT).columns, OutputSettings(), CopyLayout(ord(","), b"", ord('"'), ord('"')), (True,) * len(OIDS)
)


async def answer(engine: EnginePort, query: EngineQuery, form: Form) -> tuple[int, bytes]:
    """Return how many rows there are, and all their messages."""
    running = await engine.start(lambda: query, (), lambda: form)
    try:
        whole = encoded_whole(running, form.encoder)
        blocks = [whole] if whole is not None else [each async for each in _copied(running, form)]
        return sum(rows for rows, _ in blocks), b"".join(bytes(part) for _, parts in blocks for part in parts)
    finally:
        await running.close()


async def _copied(running: object, form: Form) -> AsyncIterator[Blocks]:
    async for rows, parts in encoded(running, form.encoder, None):  # type: ignore[arg-type]
        yield rows, [memoryview(bytes(part)) for part in parts]


@pytest.mark.parametrize("brief", [True, False])
@pytest.mark.parametrize("form", [form_of(TEXT), form_of(BINARY), form_of(BINARY, OIDS, COPY_DATA), LINES, CSV])
@pytest.mark.parametrize("condition", ["n >= 0", "n = 77", "n < 0", "n % 5000 = 0"])
def test_messages_are_the_same(engines: Engines, tmp_path: Path, form: Form, condition: str, brief: bool) -> None:
    scans = (("s", scan(tmp_path, NUMBERS)),)
    query = EngineQuery(f'SELECT * FROM "s" WHERE {condition} ORDER BY n', scans, is_brief=brief, bytes=100_000)
    expected = engines.run(answer(engines.here, query, form))
    for _ in range(2):
        assert engines.run(answer(engines.workers, query, form)) == expected


@pytest.mark.parametrize("width", [1, 60, 3_000, 200_000])
def test_rows_of_any_width(engines: Engines, width: int) -> None:
    """Few bytes, some that fill slots, and blocks that no slot can hold."""
    rows = max(40, min(60_000, 40_000_000 // width))
    table = pa.table({"word": pa.array([chr(97 + number % 26) * width for number in range(rows)])})
    batch = table.combine_chunks().to_batches()[0]
    query = EngineQuery('SELECT word FROM "r"', (("r", ReadyScan(batch.schema, (batch,))),))
    form = form_of(TEXT, (VARCHAR,))
    count, made = engines.run(answer(engines.workers, query, form))
    assert count == rows
    assert len(made) == rows * (1 + 4 + 2 + 4 + width)
    assert made.count(b"a" * width) >= rows // 26


def test_who_lets_go_of_nothing_gets_all_rows(engines: Engines, tmp_path: Path) -> None:
    """There are a few slots; what has no slot goes another way."""
    query = EngineQuery('SELECT a.* FROM "s" a, "s" b WHERE b.n < 8', (("s", scan(tmp_path, NUMBERS)),))
    form = form_of(TEXT)

    async def run() -> list[Blocks]:
        running = await engines.workers.start(lambda: query, (), lambda: form)
        assert running.messages is not None
        blocks = [each async for each in running.messages.blocks()]
        await running.close()
        return blocks

    blocks = engines.run(run())
    assert sum(rows for rows, _ in blocks) == 8 * NUMBERS.num_rows
    made = b"".join(bytes(part) for _, parts in blocks for part in parts)
    assert made.count(b"a word that is longer than a view, number 11999D") + made.count(b"number 11999") >= 8
    del blocks
    assert engines.run(answer(engines.workers, query, form))[0] == 8 * NUMBERS.num_rows


def test_statements_that_are_left_give_back_their_slots(engines: Engines, tmp_path: Path) -> None:
    query = EngineQuery('SELECT a.* FROM "s" a, "s" b WHERE b.n < 8', (("s", scan(tmp_path, NUMBERS)),))
    form = form_of(TEXT)

    async def run() -> None:
        for number in range(20):
            running = await engines.workers.start(lambda: query, (), lambda: form)
            assert running.messages is not None
            blocks = running.messages.blocks()
            for _ in range(number % 4):
                await anext(blocks)
            await asyncio.sleep(number % 3 * 0.01)
            await running.close()
            await blocks.aclose()  # type: ignore[attr-defined]
            del running, blocks
        worker = engines.workers._serving()[0]
        async with asyncio.timeout(10):
            while worker.running:
                await asyncio.sleep(0.01)
        for channel in worker._channels:
            assert channel.slots is not None
            assert not channel.slots._held
            assert bytes(channel.slots._octets[:SLOTS]) == bytes(SLOTS)

    engines.run(run())
    assert engines.run(answer(engines.workers, query, form))[0] == 8 * NUMBERS.num_rows


def test_what_cannot_be_told_is_the_same_error(engines: Engines, tmp_path: Path) -> None:
    table = pa.table({"word": ["a", "ż"] * 3_000})
    form = RowForm((OutputColumn(VARCHAR),), OutputSettings(client_encoding="LATIN1"))
    for brief in (True, False):
        query = EngineQuery('SELECT word FROM "s"', (("s", scan(tmp_path, table)),), is_brief=brief, bytes=1_000)
        told = []
        for engine in (engines.workers, engines.here):
            with pytest.raises(SqlError) as caught:
                engines.run(answer(engine, query, form))
            told.append((caught.value.sqlstate, caught.value.message))
        assert told[0] == told[1]
        assert told[0][0] == SqlState.UNTRANSLATABLE_CHARACTER


def test_an_error_behind_some_rows(engines: Engines, tmp_path: Path) -> None:
    sql = 'SELECT 1 / (n - 11999) AS x FROM "s"'
    query = EngineQuery(sql, (("s", scan(tmp_path, NUMBERS)),), is_plain_scan=True)
    with pytest.raises(SqlError) as caught:
        engines.run(answer(engines.workers, query, form_of(TEXT, (INT8,))))
    assert caught.value.sqlstate == SqlState.DIVISION_BY_ZERO


def test_a_worker_that_has_forgotten_is_told_again(engines: Engines, tmp_path: Path) -> None:
    """Of scans and forms a worker is sent numbers, once it has had them."""
    query = EngineQuery('SELECT n FROM "s" WHERE n = 7', (("s", scan(tmp_path, NUMBERS)),), is_brief=True)
    form = form_of(BINARY, (INT8,))
    expected = engines.run(answer(engines.here, query, form))
    number = engines.workers._numbers_of_parts.number(query.scans[0][1])  # type: ignore[arg-type]
    engines.workers._serving()[0].sent.note([number, engines.workers._numbers_of_parts.number(form)])
    assert engines.run(answer(engines.workers, query, form)) == expected


@pytest.fixture
def slots() -> Iterator[tuple[SharedSlots, SlotWriter]]:
    """Both sides, in one process."""
    ours = SharedSlots()
    theirs = SlotWriter(os.dup(ours.descriptor), os.dup(ours.event))
    ours.forget_descriptor()
    yield ours, theirs
    theirs.close()
    ours.close()


def test_a_slot_is_free_when_nobody_has_its_rows(slots: tuple[SharedSlots, SlotWriter]) -> None:
    ours, theirs = slots
    data = os.urandom(SMALLEST)

    async def run() -> None:
        taken = [await theirs.take(0) for _ in range(SLOTS + 1)]
        assert taken == [*range(SLOTS), None]
        assert theirs.fill(2, [memoryview(data)[:100], memoryview(data)[100:]])
        rows = ours.take(2, len(data))
        part = rows[5:]
        assert bytes(rows) == data
        with pytest.raises(ValueError, match="in slot 2"):
            ours.take(2, 1)
        waiting = asyncio.create_task(theirs.take(5))
        await asyncio.sleep(0.01)
        del rows
        await asyncio.sleep(0.01)
        assert not waiting.done()
        ours.trim()  # which it must not do to rows that somebody has
        assert bytes(part) == data[5:]
        del part
        assert await waiting == 2
        ours.trim()

    asyncio.run(run())


def test_what_is_no_slot_is_refused(slots: tuple[SharedSlots, SlotWriter]) -> None:
    ours, theirs = slots
    for slot, length in ((SLOTS, 10), (0, SLOT_BYTES + 1)):
        with pytest.raises(ValueError, match="in slot"):
            ours.take(slot, length)
    assert not theirs.fill(0, [memoryview(bytes(SMALLEST - 1))])
    assert not theirs.fill(0, [memoryview(bytes(SLOT_BYTES)), memoryview(b"x")])
