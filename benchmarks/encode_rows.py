"""How fast record batches become DataRow messages: TPC-H lineitem, text and binary, by number of threads.

Beside ours runs the plain way to do it with Arrow: every column cast to text, lengths and values joined row by row.
Run it: ``python -m benchmarks.encode_rows [--scale 0.1] [--seconds 2] [FILE.parquet]``.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gateway.values.rows import OutputColumn, OutputSettings, prepare
from gateway.values.scalars import natural_oid

BATCH_ROWS = 65_536
THREADS = (1, 2)
TEXT, BINARY = 0, 1
Encode = Callable[[pa.RecordBatch], Iterable[memoryview]]


@dataclass(frozen=True, slots=True)
class Speed:
    """What one encoder did: rows and bytes a second."""

    rows: float
    bytes: float


def encode_by_joining(batch: pa.RecordBatch) -> list[memoryview]:
    """Return the rows of ``batch`` in text, put together by one call of ``binary_join_element_wise``."""
    rows = batch.num_rows
    row_length = np.full(rows, 6, dtype=np.int64)
    pieces: list[pa.Array] = []
    for column in batch.columns:
        values = pc.if_else(column, "t", "f") if pa.types.is_boolean(column.type) else column
        text = values.cast(pa.string()).cast(pa.binary())
        length = pc.fill_null(pc.binary_length(text), -1).to_numpy(zero_copy_only=False)
        row_length += 4 + np.maximum(length, 0)
        pieces += [_packed(length.astype(">i4"), 4), pc.fill_null(text, b"")]
    header = np.zeros(rows, dtype=[("type", "S1"), ("length", ">i4"), ("columns", ">i2")])
    header["type"], header["length"], header["columns"] = b"D", row_length, batch.num_columns
    stream = pc.binary_join_element_wise(_packed(header, 7), *pieces, b"")
    offsets = np.frombuffer(stream.buffers()[1], dtype=np.int32)[stream.offset : stream.offset + rows + 1]
    return [memoryview(stream.buffers()[2])[int(offsets[0]) : int(offsets[-1])]]


def measure(encode: Encode, batches: list[pa.RecordBatch], threads: int, seconds: float) -> Speed:
    """Return the best speed of several passes over all batches, batches shared among threads."""
    best = float("inf")
    size = 0
    end = time.perf_counter() + seconds
    with ThreadPoolExecutor(threads) as pool:
        while time.perf_counter() < end:
            start = time.perf_counter()
            sizes = list(pool.map(lambda batch: sum(len(block) for block in encode(batch)), batches))
            best = min(best, time.perf_counter() - start)
            size = sum(sizes)
    return Speed(sum(batch.num_rows for batch in batches) / best, size / best)


def main() -> None:
    """Print one line for each encoder, format and number of threads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each line")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = pq.read_table(arguments.file or _lineitem(Path(folder), arguments.scale))
    batches = table.to_batches(max_chunksize=BATCH_ROWS)
    print(f"{table.num_rows:,} rows of {table.num_columns} columns, batches of {BATCH_ROWS:,} rows")
    print(f"{'encoder':<14}{'format':<8}{'threads':>7}{'rows/s':>14}{'MB/s':>8}{'s/1M rows':>11}{'to joining':>12}")
    for threads in THREADS:
        joining = measure(encode_by_joining, batches, threads, arguments.seconds)
        _report("joining", "text", threads, joining, joining)
        for name, result_format in (("text", TEXT), ("binary", BINARY)):
            columns = [OutputColumn(natural_oid(kind), -1, result_format) for kind in table.schema.types]
            encoder = prepare(table.schema, columns, OutputSettings())
            speed = measure(encoder.encode, batches, threads, arguments.seconds)
            _report("gateway", name, threads, speed, joining)


def _report(encoder: str, name: str, threads: int, speed: Speed, joining: Speed) -> None:
    print(
        f"{encoder:<14}{name:<8}{threads:>7}{speed.rows:>14,.0f}{speed.bytes / 1e6:>8,.0f}"
        f"{1e6 / speed.rows:>11.3f}{speed.rows / joining.rows:>11.2f}x"
    )


def _lineitem(folder: Path, scale: float) -> Path:
    options = ["parquet", "--scale-factor", str(scale), "--tables", "lineitem", "--output-dir", str(folder)]
    subprocess.run(["tpchgen-cli", *options], check=True)
    return folder / "lineitem.parquet"


def _packed(values: np.ndarray, width: int) -> pa.Array:
    """Return a packed numpy array as an Arrow binary array of ``width`` bytes a value."""
    buffers = [None, pa.py_buffer(values.tobytes())]
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(values), buffers).cast(pa.binary())


if __name__ == "__main__":
    main()
