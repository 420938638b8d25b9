"""Rows with NaN are read whatever the statistics of their row group say, which leave NaN aside."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gateway.configuration.config import Config, FilesSource
from gateway.rehearsal.stage import open_stage

NAN = 2  # the id of its row, whose group has nothing but 3 beside it
CONDITIONS = {
    "f <> 3": {NAN, 3, 4},
    "3 <> f": {NAN, 3, 4},
    "f IS DISTINCT FROM 3": {NAN, 3, 4},
    "NOT f = 3": {NAN, 3, 4},
    "NOT f IS NOT DISTINCT FROM 3": {NAN, 3, 4},
    "f NOT IN (3, 100)": {NAN, 4},
    "f NOT BETWEEN 1 AND 500": {NAN},
    "f <> 3 AND id < 4": {NAN, 3},
    "f > 150": {NAN, 4},
    "-f < -150": {4},  # -NaN is NaN, as in PostgreSQL
    "(f > 150) IS TRUE": {NAN, 4},
    "f <> 100": {1, NAN, 4, 5, 6},
    "f = 3": {1, 5, 6},
    "f < 150": {1, 3, 5, 6},
}


async def ids(folder: Path, conditions: Sequence[str]) -> list[set[int]]:
    """Return for each condition the rows that it leaves."""
    config = Config().model_copy(update={"sources": {"s": FilesSource(location=str(folder))}})
    async with open_stage(config) as stage:
        answers = [await stage.ask(f"SELECT id FROM s.t WHERE {one}") for one in conditions]
    return [{int(value) for (value,) in one.rows if value is not None} for one in answers]


@pytest.mark.parametrize("float_type", [pa.float64(), pa.float32()], ids=str)
def test_conditions_find_them(tmp_path: Path, float_type: pa.DataType) -> None:
    floats = pa.array([3.0, float("nan"), 100.0, 200.0, 3.0, 3.0], float_type)
    pq.write_table(pa.table({"id": pa.array(range(1, 7)), "f": floats}), tmp_path / "t.parquet", row_group_size=2)
    found = asyncio.run(ids(tmp_path, [*CONDITIONS]))
    assert dict(zip(CONDITIONS, found, strict=True)) == CONDITIONS
