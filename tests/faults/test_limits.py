"""More than fits into memory or onto the disk: it spills, or that statement alone fails with a clear error."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.faults.conftest import Strict
from tests.gateway import RunningGateway, SampleLake, Settings, serving

# 1.8 million rows of some 200 bytes: far more than the strict gateway's 64 MB.
_MANY = " union all ".join(["select * from sales.lineitem"] * 30)
SORT = (
    f"select l_comment, l_shipinstruct, l_shipmode, l_orderkey from ({_MANY}) as lines order by l_comment, l_orderkey"
)
GROUPS = f"select l_comment, l_orderkey, l_shipmode, count(*) from ({_MANY}) as lines group by 1, 2, 3"


@pytest.mark.parametrize("query", [SORT, GROUPS], ids=["sort", "groups"])
def test_memory_limit(strict: Strict, query: str) -> None:
    with strict.gateway.connect() as connection, strict.gateway.connect() as bystander:
        before = strict.gateway.memory()
        try:
            found = connection.execute(f"select count(*) from ({query}) as found").fetchone()
            assert found is not None
            assert found[0] in (30 * 60_175, 60_175)
        except psycopg.errors.OutOfMemory as error:
            assert error.diag.message_hint is not None
            assert "memory_limit" in error.diag.message_hint
        assert strict.gateway.memory() - before < 400 << 20
        assert bystander.execute("select n from small.numbers where n = 1").fetchone() == (1,)
        assert connection.execute("select count(*) from sales.lineitem").fetchone() == (60_175,)


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


def test_the_spill_folder_is_full(lake: SampleLake, small_disk: Path) -> None:
    engine = {"memory_limit": "64MB", "spill_directory": str(small_disk)}
    sources = {"sales": lake.sources["sales"]}
    with serving(lake, Settings(engine=engine, sources=sources, database="full")) as gateway:
        _check_that_a_full_disk_fails_one_statement(gateway)
        assert [*small_disk.rglob("*.arrow")] == []


def _check_that_a_full_disk_fails_one_statement(gateway: RunningGateway) -> None:
    with gateway.connect() as connection, gateway.connect() as bystander:
        with pytest.raises(psycopg.errors.DiskFull):
            for _ in connection.cursor().stream(SORT):
                pass
        assert bystander.execute("select count(*) from sales.lineitem").fetchone() == (60_175,)
        assert connection.execute("select count(*) from sales.lineitem").fetchone() == (60_175,)
