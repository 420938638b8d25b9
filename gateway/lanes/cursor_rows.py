"""The rows of a running statement with a place among them, as PostgreSQL counts it: before the first row, on one, or
behind the last.

A cursor that scrolls keeps the rows it has passed, up to a limit: those it passed longest ago are let go first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, suppress

import numpy as np
import pyarrow as pa

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.execute.port import Messages, RunningStatement
from gateway.sql.cursor_statements import Fetch

KEPT_BYTES = 32 << 20
"""Bytes of rows, in the engine's layout, that a scrolling cursor can go back over."""


class CursorRows:
    """Rows in portions, forward and, where it scrolls, backward. Not safe for several tasks at once."""

    def __init__(self, running: RunningStatement, *, is_scroll: bool = False) -> None:
        self._running = running
        self._batches = running.batches()
        self._is_scroll = is_scroll
        self._kept: deque[tuple[int, pa.RecordBatch]] = deque()  # each with the number of its first row
        self._kept_bytes = 0
        self._read = 0  # rows taken from the statement
        self._at = 0  # the row the cursor is on; 0 before the first, one more than there are behind the last

    @property
    def schema(self) -> pa.Schema:
        """The schema of the batches."""
        return self._running.schema

    @property
    def at_end(self) -> bool:
        """Whether the cursor is behind the last row."""
        return self._at > self._read

    async def forward(self, limit: int | None) -> AsyncGenerator[pa.RecordBatch, None]:
        """Yield the next rows, at most ``limit`` (None: all). Fewer leave the cursor behind the last."""
        while not self.at_end and (limit is None or limit > 0):
            if self._at == self._read and not await self._read_batch():
                self._at = self._read + 1
                return
            first, batch = self._holding(self._at + 1)
            start = self._at + 1 - first
            piece = batch.slice(start, None if limit is None else min(limit, batch.num_rows - start))
            self._at += piece.num_rows
            limit = None if limit is None else limit - piece.num_rows
            if not self._is_scroll and self._at == self._read:
                self._kept.clear()
            yield piece

    async def backward(self, limit: int | None) -> AsyncGenerator[pa.RecordBatch, None]:
        """Yield the rows before, the nearest first. Fewer than ``limit`` leave the cursor before the first. Raises
        SqlError 55000 where it does not scroll, 0A000 where rows were let go.
        """
        if not self._is_scroll:
            raise _forward_only()
        lowest = 1 if limit is None else max(1, self._at - limit)
        beyond = limit is None or self._at - limit < 1
        if self._at > lowest:
            self._holding(lowest)
        while self._at > lowest:
            first, batch = self._holding(self._at - 1)
            start = max(lowest, first)
            size = self._at - start
            self._at = start
            yield _reversed(batch.slice(start - first, size))
        if beyond:
            self._at = 0

    async def fetch(self, wanted: Fetch) -> AsyncGenerator[pa.RecordBatch, None]:
        """Yield the rows of a FETCH, or of a MOVE, which counts the same. Raises as `backward`."""
        direction, count = wanted.direction, wanted.count
        if direction == "ABSOLUTE" and count is not None:
            rows = await self._absolute(count)
        elif direction == "RELATIVE" and count:
            await _skip(self.forward(count - 1) if count > 0 else self.backward(-count - 1))
            rows = self.forward(1) if count > 0 else self.backward(1)
        elif count == 0:
            rows = self._present(wanted)
        else:
            back = (direction == "BACKWARD") is (count is None or count > 0)
            size = None if count is None else abs(count)
            rows = self.backward(size) if back else self.forward(size)
        async with aclosing(rows):
            async for batch in rows:
                yield batch

    def require_way(self, wanted: Fetch) -> None:
        """Raise SqlError 55000 where a FETCH would have to go back, and the cursor does not scroll."""
        if self._is_scroll:
            return
        direction, count = wanted.direction, wanted.count
        if direction == "ABSOLUTE":
            back = count is not None and (count < 0 or 0 < self._at >= count)
        elif count == 0:
            on_row = self._at > 0 and not self.at_end
            back = not wanted.is_move and (on_row or direction == "BACKWARD")
        elif wanted.is_move and direction == "BACKWARD" and count is None:
            back = self._at > 0
        else:
            back = (direction == "BACKWARD") is (count is None or count > 0)
        if back:
            raise _forward_only()

    async def move(self, wanted: Fetch) -> int:
        """Move as a MOVE says; return how many rows a FETCH would have had."""
        if wanted.direction == "BACKWARD" and wanted.count is None:
            passed = max(0, self._at - 1)
            self._rewind()
            return passed
        return await _skip(self.fetch(wanted))

    async def close(self) -> None:
        """Stop the statement and let go of its rows."""
        self._kept.clear()
        with suppress(StopAsyncIteration):
            await self._batches.aclose()  # type: ignore[attr-defined]
        await self._running.close()

    async def _absolute(self, count: int) -> AsyncGenerator[pa.RecordBatch, None]:
        if count < 0:
            await _skip(self.forward(None))
            if count < -1:
                await _skip(self.backward(-count - 1))
            return self.backward(1)
        if count <= self._at:
            self._rewind()
        await _skip(self.forward(count - 1 - self._at))
        return self.forward(min(count, 1))

    async def _present(self, wanted: Fetch) -> AsyncGenerator[pa.RecordBatch, None]:
        """Yield the row that the cursor is on, if it is on one."""
        if self._at == 0 or self.at_end:
            return
        if not self._is_scroll and not wanted.is_move:
            raise _forward_only()
        if not self._is_scroll:
            yield pa.RecordBatch.from_pydict({"row": [None]})  # to be counted: the row itself is gone
            return
        first, batch = self._holding(self._at)
        yield batch.slice(self._at - first, 1)

    def _rewind(self) -> None:
        if self._at and not self._is_scroll:
            raise _forward_only()
        self._at = 0

    def _holding(self, row: int) -> tuple[int, pa.RecordBatch]:
        """Return the batch of a row that was read, and the number of its first."""
        for first, batch in reversed(self._kept):
            if first <= row:
                return first, batch
        message = "cursor cannot go back so far: it has let go of those rows"
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, message, detail=f"It keeps {KEPT_BYTES >> 20} MB of rows.")

    async def _read_batch(self) -> bool:
        """Take the next batch of the statement; False where there is none."""
        async for batch in self._batches:
            if batch.num_rows:
                if not self._is_scroll:
                    self._kept.clear()
                self._kept.append((self._read + 1, batch))
                self._read += batch.num_rows
                self._kept_bytes += batch.nbytes
                while self._is_scroll and self._kept_bytes > KEPT_BYTES and len(self._kept) > 1:
                    self._kept_bytes -= self._kept.popleft()[1].nbytes
                return True
        return False


class FetchedRows:
    """What one FETCH gives of a cursor's rows."""

    messages: Messages | None = None
    whole: Sequence[pa.RecordBatch] | None = None

    def __init__(self, rows: CursorRows, wanted: Fetch) -> None:
        self._rows = rows
        self._wanted = wanted

    @property
    def schema(self) -> pa.Schema:
        """The schema of the batches."""
        return self._rows.schema

    def batches(self) -> AsyncIterator[pa.RecordBatch]:
        """Yield the batches, once."""
        return self._rows.fetch(self._wanted)

    async def close(self) -> None:
        """Do nothing: the cursor goes on."""


async def _skip(rows: AsyncGenerator[pa.RecordBatch, None]) -> int:
    passed = 0
    async with aclosing(rows):
        async for batch in rows:
            passed += batch.num_rows
    return passed


def _reversed(batch: pa.RecordBatch) -> pa.RecordBatch:
    fields = [field.with_type(_taken(field.type)) for field in batch.schema]
    rows = pa.array(np.arange(batch.num_rows - 1, -1, -1))
    return batch.cast(pa.schema(fields)).take(rows)


def _taken(kind: pa.DataType) -> pa.DataType:
    """Return the layout of a type of which Arrow can take rows: of views it cannot."""
    if pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_list(kind):
        return pa.list_(_taken(kind.value_type))
    return kind


def _forward_only() -> SqlError:
    return SqlError(
        SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE,
        "cursor can only scan forward",
        hint="Declare it with SCROLL option to enable backward scan.",
    )
