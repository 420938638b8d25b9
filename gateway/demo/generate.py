"""TPC-H rows as Parquet, made by ``tpchgen-cli``."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


class DemoError(Exception):
    """The demo cannot be laid out; its text is for the user."""


def generate(directory: Path, scale: float, tables: Sequence[str]) -> None:
    """Write ``<table>.parquet`` for each table into ``directory``. Raises `DemoError` if the generator is missing or
    fails.
    """
    directory.mkdir(parents=True, exist_ok=True)
    # Without field ids: readers that map columns by them would read NULLs from the Delta tables made of these files.
    command = [_generator(), "parquet", "--field-ids", "false", "--overwrite", "-s", str(scale), "-o", str(directory)]
    done = subprocess.run([*command, "-T", ",".join(tables)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DemoError(f"tpchgen-cli failed: {done.stderr.strip() or done.stdout.strip()}")


def read(path: Path, nullable: bool = False) -> pa.RecordBatchReader:
    """Return a Parquet file as a stream of batches, its strings of a type that every writer takes."""
    file = pq.ParquetFile(path)
    schema = pa.schema([pa.field(f.name, _plain(f.type), nullable or f.nullable) for f in file.schema_arrow])
    batches = (
        pa.RecordBatch.from_arrays(
            [column.cast(f.type) for column, f in zip(batch.columns, schema, strict=True)], schema=schema
        )
        for batch in file.iter_batches(batch_size=65536)
    )
    return pa.RecordBatchReader.from_batches(schema, batches)


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_string_view(kind) else kind


def _generator() -> str:
    beside = Path(sys.executable).with_name("tpchgen-cli")
    found = str(beside) if beside.exists() else shutil.which("tpchgen-cli")
    if found is None:
        raise DemoError("tpchgen-cli is not installed; run: pip install 'lakegate[demo]'")
    return found
