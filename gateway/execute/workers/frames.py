"""Frames that a worker sends: record batches, messages, failures. A frame is buffers to be sent one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from gateway.execute.workers.messages import HEADER, IN_SLOT, ROWS, Kind

_OWNED = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
_FEW_BYTES = 32  # a value, below which all is sent that its views are of
_WORDS_OF_VIEW = 4  # the first is the length
_MOST_BYTES = 1 << 30  # offsets have 32 bits


class _Pieces:
    """A file that keeps what is written to it, without a copy."""

    closed = False

    def __init__(self) -> None:
        self.views: list[memoryview] = []

    def write(self, data: pa.Buffer | bytes) -> int:
        """Keep a part."""
        view = memoryview(data)
        if view.nbytes:
            self.views.append(view)
        return view.nbytes

    def take(self) -> list[memoryview]:
        """Return what was written since this was called last."""
        views, self.views = self.views, []
        return views

    def flush(self) -> None:
        """Do nothing: there is nothing behind it."""


class BatchFrames:
    """Frames of the batches of a statement. A new stream is begun where the schema changes, and for each batch with
    dictionaries: one that was sent before would not be sent again.
    """

    def __init__(self) -> None:
        self._schema: pa.Schema | None = None
        self._pieces = _Pieces()
        self._writer: Any = None
        self._has_dictionaries = False

    def of(self, batch: pa.RecordBatch) -> list[memoryview]:
        """Return the frame of a batch: its metadata and its very buffers."""
        kind, batch = Kind.BATCH, _without_rest(batch)
        if self._schema is None or self._has_dictionaries or not batch.schema.equals(self._schema):
            self._has_dictionaries = any(_has_dictionary(each.type) for each in batch.schema)
            self._schema, kind = batch.schema, Kind.STREAM
            self._writer = pa.ipc.new_stream(pa.PythonFile(self._pieces, "w"), batch.schema)
        self._writer.write_batch(batch)
        return framed(kind, self._pieces.take())


def framed(kind: Kind, parts: Sequence[memoryview] = ()) -> list[memoryview]:
    """Return a frame with these contents."""
    return [memoryview(HEADER.pack(kind, sum(part.nbytes for part in parts))), *parts]


def _without_rest(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch whose texts have memory of their own where they need little of what they are views of: of pages of
    a file, say, each of which would be sent whole with each batch.
    """
    given = batch.columns
    columns = [_own(column) for column in given]
    if all(one is other for one, other in zip(columns, given, strict=True)):
        return batch
    fields = [each.with_type(column.type) for each, column in zip(batch.schema, columns, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))


def _own(column: pa.Array) -> pa.Array:
    owned = _OWNED.get(column.type)
    if owned is None:
        return column
    _, views, *data = column.buffers()
    behind = sum(buffer.size for buffer in data)
    if behind <= _FEW_BYTES * len(column):
        return column
    lengths = np.frombuffer(views, np.int32)[4 * column.offset :: _WORDS_OF_VIEW][: len(column)]
    needed = int(lengths.sum(dtype=np.int64))  # of NULLs, too, whatever theirs are: it need not be exact
    return column.cast(owned) if 0 <= 2 * needed < behind and needed < _MOST_BYTES else column


def _has_dictionary(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return True
    return any(_has_dictionary(kind.field(number).type) for number in range(kind.num_fields))


def messages(kind: Kind, rows: int, buffers: Sequence[memoryview]) -> list[memoryview]:
    """Return a frame of MESSAGES, or of WHOLE_MESSAGES."""
    return framed(kind, [memoryview(ROWS.pack(rows)), *buffers])


def in_slot(rows: int, slot: int, length: int) -> list[memoryview]:
    """Return a frame that tells of rows in a slot."""
    return framed(Kind.SHARED, [memoryview(IN_SLOT.pack(rows, slot, length))])


def whole(data: pa.Buffer | bytes) -> list[memoryview]:
    """Return the contents of a frame that are in one piece."""
    return [memoryview(data)] if len(data) else []


def stream(promised: pa.Schema, batches: Sequence[pa.RecordBatch]) -> pa.Buffer:
    """Return batches as one stream of Arrow's."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batches[0].schema if batches else promised) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue()
