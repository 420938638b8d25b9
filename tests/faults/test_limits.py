"""More than fits into memory or onto the disk: it spills, or that statement alone fails with a clear error."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.faults.conftest import WIDE_ROWS, Strict
from tests.gateway import SampleLake, Settings, serving

SORT = "select word, n from torn.wide order by word"
GROUPS = "select word, count(*) from torn.wide group by word"
JOIN = "select a.word, b.n from torn.wide a join torn.wide b on a.word = b.word"


# A limit on the engine's memory, and what the allocators keep of it for each thread of the engine. Rows are 80 MB.
MOST_BYTES = 640 << 20


@pytest.mark.parametrize("query", [SORT, GROUPS, JOIN], ids=["sort", "groups", "join"])
def test_more_than_the_memory_limit_spills_or_fails_alone(strict: Strict, query: str) -> None:
    with strict.gateway.connect() as connection:
        before = strict.gateway.memory()
        try:
            rows = sum(1 for _ in connection.cursor().stream(query, size=1000))
            assert rows == WIDE_ROWS
            assert written_blocks(connection, query) > 0
        except psycopg.errors.OutOfMemory as error:
            assert error.diag.message_hint is not None
            assert "memory_limit" in error.diag.message_hint
        assert strict.gateway.memory() - before < MOST_BYTES
        assert connection.execute("select n from small.numbers where n = 1").fetchone() == (1,)
    with strict.gateway.connect() as bystander:
        assert bystander.execute("select count(*) from sales.lineitem").fetchone() == (60_175,)


def written_blocks(connection: psycopg.Connection, query: str) -> int:
    """Return how many blocks of temporary files a query writes."""
    row = connection.execute(f"explain (analyze, format json) {query}".encode()).fetchone()
    assert row is not None
    return sum(node.get("Temp Written Blocks", 0) for node in nodes(row[0][0]["Plan"]))


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of eight megabytes."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", tmp_path], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", "-l", tmp_path], check=True)


def test_the_spill_folder_is_full(lake: SampleLake, strict: Strict, small_disk: Path) -> None:
    engine = {"memory_limit": "64MB", "spill_directory": str(small_disk)}
    sources = {"torn": {"kind": "delta", "location": str(strict.folder / "torn")}}
    settings = Settings(engine=engine, sources=sources, database="full")
    with serving(lake, settings) as gateway, gateway.connect() as connection, gateway.connect() as bystander:
        with pytest.raises(psycopg.errors.DiskFull):
            connection.execute(SORT)
        assert bystander.execute("select count(*) from torn.dropped").fetchone() == (10_000,)
        assert connection.execute("select count(*) from torn.dropped").fetchone() == (10_000,)
        assert [path for path in small_disk.rglob("*") if path.is_file()] == []
