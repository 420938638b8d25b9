"""Reading what encoders write: DataRow messages back into values."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pyarrow as pa

from gateway.values.few_rows import FEW_ROWS
from gateway.values.rows import OutputColumn, OutputSettings, prepare

Row = tuple[bytes | None, ...]


def parse(stream: bytes) -> list[Row]:
    """Return the rows of a stream of DataRow messages, checking every length."""
    rows: list[Row] = []
    at = 0
    while at < len(stream):
        kind, length, count = struct.unpack_from(">cih", stream, at)
        assert kind == b"D"
        end, at = at + 1 + length, at + 7
        values: list[bytes | None] = []
        for _ in range(count):
            (size,) = struct.unpack_from(">i", stream, at)
            at += 4
            assert size >= -1
            values.append(None if size < 0 else stream[at : at + size])
            at += max(size, 0)
        assert at == end
        rows.append(tuple(values))
    return rows


def encode(columns: Sequence[pa.Array], declared: Sequence[OutputColumn], settings: OutputSettings) -> list[Row]:
    """Return the rows of ``columns`` after a trip through the encoder, which must do alike with them many times over:
    few rows and many are encoded in different ways.
    """
    names = [str(place) for place in range(len(columns))]
    batch = pa.RecordBatch.from_arrays(list(columns), names)
    encoder = prepare(batch.schema, declared, settings)
    rows = parse(b"".join(encoder.encode(batch)))
    if 0 < batch.num_rows <= FEW_ROWS:
        times = FEW_ROWS // batch.num_rows + 1
        many = pa.Table.from_batches([batch] * times).combine_chunks().to_batches()
        assert parse(b"".join(block for each in many for block in encoder.encode(each))) == rows * times
    return rows


def encode_column(
    values: pa.Array, oid: int, result_format: int, typmod: int = -1, settings: OutputSettings | None = None
) -> list[bytes | None]:
    """Return one column's values as encoded."""
    rows = encode([values], [OutputColumn(oid, typmod, result_format)], settings or OutputSettings())
    return [value for (value,) in rows]
