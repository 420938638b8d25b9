"""Batches that are gathered while nobody takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import wraps

import pyarrow as pa
import pytest

from gateway.execute.gathering import Gathering, together
from gateway.values.rows import block_rows

_BATCH = 4096


def in_loop(test: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    """Have a test run in an event loop."""

    @wraps(test)
    def run() -> None:
        asyncio.run(test())

    return run


def _batch(at: int, rows: int = _BATCH, name: str = "n") -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({name: pa.array(range(at, at + rows))})


async def _several(batches: list[pa.RecordBatch | Exception]) -> AsyncIterator[pa.RecordBatch]:
    for batch in batches:
        await asyncio.sleep(0)
        if isinstance(batch, Exception):
            raise batch
        yield batch


async def _gathering(batches: AsyncIterator[pa.RecordBatch]) -> Gathering:
    return Gathering(await anext(batches), batches, 1 << 20)


async def _settled() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


@in_loop
async def test_what_has_come_is_taken_together_up_to_a_block() -> None:
    gathering = await _gathering(_several([_batch(at * _BATCH) for at in range(23)]))
    gathering.note(1000, 1000)  # small rows: blocks of as many as there may be
    taken = []
    while True:
        await _settled()
        if not (batches := await gathering.take()):
            break
        taken.append(together(batches))
    assert [one.num_rows for one in taken] == [block_rows(1), block_rows(1), 7 * _BATCH]
    assert pa.Table.from_batches(taken).column("n").to_pylist() == list(range(23 * _BATCH))
    await gathering.close()


@in_loop
async def test_a_large_batch_becomes_several_blocks() -> None:
    most = block_rows(1)
    gathering = await _gathering(_several([_batch(0, 2 * most + 5), _batch(2 * most + 5)]))
    gathering.note(1000, 1000)
    taken = []
    while batches := await gathering.take():
        await _settled()
        taken.append(together(batches))
    assert [one.num_rows for one in taken] == [most, most, 5 + _BATCH]
    assert pa.Table.from_batches(taken).column("n").to_pylist() == list(range(2 * most + 5 + _BATCH))
    await gathering.close()


@in_loop
async def test_rows_with_many_bytes_make_smaller_blocks() -> None:
    gathering = await _gathering(_several([_batch(at * _BATCH) for at in range(6)]))
    gathering.note(1, 1 << 10)
    sizes = []
    while True:
        await _settled()
        if not (batches := await gathering.take()):
            break
        sizes.append(sum(one.num_rows for one in batches))
    assert sizes == [2 * _BATCH] * 3
    await gathering.close()


@in_loop
async def test_one_batch_is_not_held_back() -> None:
    following = asyncio.Event()

    async def slow() -> AsyncIterator[pa.RecordBatch]:
        yield _batch(0)
        await following.wait()
        yield _batch(_BATCH)

    gathering = await _gathering(slow())
    assert [one.num_rows for one in await gathering.take()] == [_BATCH]
    following.set()
    assert [one.num_rows for one in await gathering.take()] == [_BATCH]
    assert await gathering.take() == []
    await gathering.close()


@in_loop
async def test_other_columns_begin_another_block() -> None:
    gathering = await _gathering(_several([_batch(0), _batch(0, name="m"), _batch(0, name="m")]))
    gathering.note(1000, 1000)
    await _settled()
    assert [one.schema.names for one in await gathering.take()] == [["n"]]
    assert [one.schema.names for one in await gathering.take()] == [["m"], ["m"]]
    await gathering.close()


@in_loop
async def test_an_error_comes_behind_the_rows_before_it() -> None:
    gathering = await _gathering(_several([_batch(0), ValueError("torn")]))
    await _settled()
    assert len(await gathering.take()) == 1
    with pytest.raises(ValueError, match="torn"):
        await gathering.take()
    await gathering.close()


@in_loop
async def test_no_more_than_a_block_is_read_ahead() -> None:
    read = 0

    async def counted() -> AsyncIterator[pa.RecordBatch]:
        nonlocal read
        for at in range(100):
            read += 1
            yield _batch(at * _BATCH)

    gathering = await _gathering(counted())
    await _settled()
    assert read == 2
    await gathering.close()
