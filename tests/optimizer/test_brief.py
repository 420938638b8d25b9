"""Which queries end soon."""

from __future__ import annotations

import pyarrow as pa
import pytest
from sqlglot import exp, parse_one

from catalog.names import TableName
from catalog.scans import FileScan, Snapshot
from catalog.tables import Table
from optimizer.brief import is_brief, is_light
from optimizer.stages import Fragment, Fragmented

EMPTY = FileScan("k", pa.schema([]), (), 0)


def brief(sql: str, *sizes: tuple[int | None, int | None]) -> bool:
    """Ask of a query over tables of so many rows and bytes."""
    return is_brief(fragmented(sql, *sizes))


def fragmented(sql: str, *sizes: tuple[int | None, int | None]) -> Fragmented:
    """Return a query over tables of so many rows and bytes."""
    tree = parse_one(sql, dialect="postgres")
    assert isinstance(tree, exp.Query)
    table = Table(TableName("s", "t"), "s", "delta", (), ())
    snapshots = [Snapshot(table, "1", rows, size, None) for rows, size in sizes]
    fragments = tuple(Fragment(f"scan_{at}", snapshot, EMPTY, ()) for at, snapshot in enumerate(snapshots))
    return Fragmented(tree, fragments)


SMALL, MIDDLE, LARGE = (10_000, 1 << 20), (1_500_000, 50 << 20), (6_000_000, 300 << 20)


@pytest.mark.parametrize("sql", ["SELECT a FROM t WHERE a = 1", "SELECT a, count(*) FROM t GROUP BY a"])
def test_brief(sql: str) -> None:
    assert brief(sql, SMALL)
    assert brief(sql, MIDDLE)
    assert not brief(sql, LARGE)
    assert not brief(sql, (None, 1 << 20))
    assert not brief(sql, (10, None))
    assert not brief(sql, (10, 100 << 20))


@pytest.mark.parametrize(
    "sql", ["SELECT a FROM t ORDER BY a", "SELECT DISTINCT a FROM t", "SELECT row_number() OVER () FROM t"]
)
def test_what_sorts_is_brief_for_few_rows(sql: str) -> None:
    assert brief(sql, SMALL)
    assert not brief(sql, MIDDLE)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM t, u",
        "SELECT generate_series(1, 1000000000) FROM t",
        "SELECT a FROM t, LATERAL (SELECT 1) AS l",
        "WITH c AS (SELECT a FROM t) SELECT c.a FROM c, c AS d",
    ],
)
def test_what_may_have_more_rows_than_the_table_is_not_brief(sql: str) -> None:
    assert not brief(sql, SMALL)


def test_two_tables_are_not_brief() -> None:
    assert not brief("SELECT a FROM t UNION ALL SELECT a FROM u", SMALL, SMALL)


LIGHT = (
    "SELECT count(*) FROM t WHERE a = $1",
    "SELECT a, sum(b + 1) FROM (SELECT * FROM t) AS t WHERE a IN ($1, 3) OR b > 1 GROUP BY a HAVING max(b) < 9",
    "SELECT DISTINCT a FROM t WHERE NOT a IS NULL ORDER BY a LIMIT 3 OFFSET 1",
    "SELECT CAST(a AS numeric(15, 2)), coalesce(b, 'x') FROM t WHERE a BETWEEN -1 AND 5",
)
HEAVY = (
    "SELECT repeat(a, 1000000) FROM t WHERE b < $1",
    "SELECT count(*) FROM t WHERE a LIKE $1",
    "SELECT count(*) FROM t WHERE a ~ $1",
    "SELECT a || a FROM t",
    "SELECT string_agg(a, ',') FROM t",
    "SELECT row_number() OVER () FROM t",
    "SELECT a / b FROM t",
)


@pytest.mark.parametrize("sql", LIGHT)
def test_light(sql: str) -> None:
    assert is_light(fragmented(sql, SMALL))
    assert not is_light(fragmented(sql, (16_385, 1000)))
    assert not is_light(fragmented(sql, (10, (1 << 20) + 1)))
    assert not is_light(fragmented(sql, (None, 1000)))
    assert not is_light(fragmented(sql, SMALL, SMALL))


@pytest.mark.parametrize("sql", HEAVY)
def test_what_may_take_long_for_a_row_is_not_light(sql: str) -> None:
    assert brief(sql, SMALL)
    assert not is_light(fragmented(sql, SMALL))
