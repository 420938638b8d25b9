"""Columns in memory: every value comes back, in the least memory that holds it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from gateway.execute.hot_arrays import CHUNK_ROWS, gathered, may_be_kept

ROOM = 1 << 24
MANY = CHUNK_ROWS * 2 + 5


def _kept(values: pa.Array, step: int = 1000) -> tuple[pa.Array, ...]:
    batches = [
        pa.RecordBatch.from_arrays([values.slice(at, step)], names=["a"]) for at in range(0, max(1, len(values)), step)
    ]
    found = gathered([values.type], batches, ROOM)
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        (pa.array([None, 1, -(2**31), 2**31 - 1] * 3000, pa.int64()), pa.int32()),
        (pa.array([1, 2**31] * 3000, pa.int64()), pa.int64()),
        (pa.array([-(2**31) - 1, None] * 3000, pa.int64()), pa.int64()),
        (pa.array([None] * 10, pa.int64()), pa.int64()),
        (pa.array([Decimal("9999999999999999.99"), None, Decimal("-0.01")], pa.decimal128(18, 2)), pa.decimal64(18, 2)),
        (pa.array([Decimal(n * n - 500_000) for n in range(MANY)], pa.decimal128(15, 2)), pa.decimal64(15, 2)),
        (pa.array([Decimal(n) if n % 7 else None for n in range(-50, MANY)], pa.decimal128(9, 3)), pa.decimal64(9, 3)),
        (pa.array([None] * 10, pa.decimal128(9, 3)), pa.decimal64(9, 3)),
        (pa.array([], pa.decimal128(9, 3)), pa.decimal64(9, 3)),
        (pa.array([Decimal("99999999999999999.99"), None], pa.decimal128(19, 2)), pa.decimal128(19, 2)),
        (pa.array(["a", None, "żółw that is longer"] * 4000, pa.string_view()), pa.dictionary(pa.int8(), pa.string())),
        (pa.array([f"w{n % 129}" for n in range(MANY)], pa.string()), pa.dictionary(pa.int16(), pa.string())),
        (pa.array([f"w{n}" for n in range(MANY)], pa.string_view()), pa.string()),
        (pa.array(["same"] * 5000 + [f"w{n}" for n in range(MANY)], pa.large_string()), pa.string()),
        (pa.array([f"w{n // 900}" for n in range(900 * 700)], pa.string()), pa.dictionary(pa.int16(), pa.string())),
        (pa.array([None, ""] * 10, pa.string()), pa.dictionary(pa.int8(), pa.string())),
        (pa.array([dt.date(1, 1, 2), None], pa.date32()), pa.date32()),
        (pa.array([0.1, float("nan"), float("-inf"), None, -0.0], pa.float64()), pa.float64()),
        (pa.array([True, None, False] * 5000, pa.bool_()), pa.bool_()),
        (pa.array([], pa.int64()), pa.int64()),
        (pa.array([], pa.string_view()), pa.dictionary(pa.int8(), pa.string())),
    ],
)
def test_values_come_back(values: pa.Array, kept: pa.DataType) -> None:
    chunks = _kept(values)
    assert {chunk.type for chunk in chunks} == {kept}
    assert all(len(chunk) == CHUNK_ROWS for chunk in chunks[:-1])
    text = pa.types.is_string_view(values.type)
    back = pa.chunked_array(chunks).cast(pa.string() if text else values.type).combine_chunks()
    back = back.chunk(0) if isinstance(back, pa.ChunkedArray) else back
    assert str(back.to_pylist()) == str(values.to_pylist())  # NaN is not equal to itself


@pytest.mark.parametrize("number", [10**6, -(10**6), 1 << 64, (1 << 64) + 5, -(1 << 64), 1 << 100])
def test_numerics_of_more_digits_than_their_column(number: int) -> None:
    """Files may hold what their schema forbids: it is not to become another number."""
    wide = pa.array([1, number], pa.decimal128(38, 0))
    values = pa.Array.from_buffers(pa.decimal128(6, 2), 2, wide.buffers())
    with pytest.raises(pa.ArrowInvalid):
        _kept(values)


def test_parts_share_no_memory() -> None:
    chunks = _kept(pa.array(range(MANY), pa.int64()), step=MANY)
    assert len(chunks) == 3
    sizes = [chunk.get_total_buffer_size() * 8 for chunk in chunks[:2]]
    assert sizes == [33 * CHUNK_ROWS] * 2  # 32 bits of a value, and one that says whether it is NULL


def test_no_more_than_there_is_room_for() -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([f"word {n}" for n in range(5000)])], names=["a"])
    assert gathered([pa.string()], [batch], 1000) is None
    assert gathered([pa.string()], [batch], ROOM) is not None


def test_other_types_than_were_planned() -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([1, 2], pa.int32())], names=["a"])
    assert gathered([pa.int64()], [batch], ROOM) is None


def test_nested_values_are_not_kept() -> None:
    assert not any(map(may_be_kept, [pa.list_(pa.int32()), pa.struct([("x", pa.int32())]), pa.binary(), pa.null()]))
