"""Sums of whole numbers over columns in memory: taken where all values are known to fit, else the sums of numerics."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.scans import FileScan
from catalog.whole_numbers import Combined, InWholeNumbers, Size, Summed
from gateway.execute.engine import Engine
from gateway.execute.port import EngineQuery
from tests.execute.test_hot_columns import FENCE, _group, _query, _rows, _run, _scan, _settled, _warm

_PLAIN = "SELECT sum(n) AS s, count(n) AS c, 'numerics' AS form FROM {source}"
_WHOLE = (
    'SELECT CAST(sum("n#whole") AS DECIMAL(19, 0)) * CAST(0.01 AS DECIMAL(2, 2)) AS s, count("n#whole") AS c, '
    "'whole' AS form FROM {source}"
)
_MOST = 10**15 - 1  # hundredths that numeric(15,2) holds


def _cents(values: list[int | None]) -> pa.Table:
    numbers = [None if value is None else Decimal(value).scaleb(-2) for value in values]
    return pa.table({"n": pa.array(numbers, pa.decimal128(15, 2))})


def _both(scan: FileScan, sums: tuple[Size, ...] = ("n",), source: str = '"scan_x"', scale: int = 2) -> EngineQuery:
    other = InWholeNumbers(_WHOLE.format(source=source), (Summed("scan_x", {"n": scale}, sums),))
    return replace(_query(scan, _PLAIN.format(source=source)), in_whole_numbers=other)


def _form(folder: Path, query: Callable[[], EngineQuery], expected: Decimal | None) -> str:
    """Return the form that the engine takes over columns in memory; its sum must be that of the files."""
    found: list[str] = []

    async def work(engine: Engine) -> None:
        asked = query()
        [cold] = await _warm(engine, asked)
        assert cold["form"] == "numerics"
        await _settled(engine)
        [hot] = await _rows(engine, asked)
        assert hot["s"] == cold["s"] == expected
        assert hot["c"] == cold["c"]
        found.append(str(hot["form"]))

    _run(folder, work)
    return found[0]


def test_values_with_nulls_in_several_files(tmp_path: Path) -> None:
    maker = random.Random(20)
    values = [maker.choice([None, maker.randint(-_MOST // 40_000, _MOST // 40_000)]) for _ in range(40_000)]
    tables = {"a": _cents(values[:30_000]), "b": _cents(values[30_000:]), "c": _cents([])}
    group = _group(tmp_path, tables)
    total = Decimal(sum(value for value in values if value is not None)).scaleb(-2)
    assert _form(tmp_path, lambda: _both(_scan("v1", group)), total) == "whole"


def test_no_values_at_all(tmp_path: Path) -> None:
    group = _group(tmp_path, {"a": _cents([None, None])})
    assert _form(tmp_path, lambda: _both(_scan("v1", group)), None) == "whole"


@pytest.mark.parametrize(
    ("sums", "form"),
    [
        (("n",), "whole"),
        ((Combined("n", 1000, is_product=True),), "whole"),  # 3 · 10^18
        ((Combined("n", 3075, is_product=True),), "numerics"),  # 9.225 · 10^18, and 64 bits hold 9.223 · 10^18
        (("n", Combined("n", 10_000, is_product=True)), "numerics"),
        ((Combined("n", "m"),), "numerics"),  # of which nothing is known
    ],
)
def test_what_leaves_64_bits_is_not_taken(tmp_path: Path, sums: tuple[Size, ...], form: str) -> None:
    group = _group(tmp_path, {"a": _cents([_MOST, -_MOST]), "b": _cents([1])})
    assert _form(tmp_path, lambda: _both(_scan("v1", group), sums), Decimal("0.01")) == form


@pytest.mark.parametrize(
    ("query", "form"),
    [
        (lambda scan: _both(scan, scale=3), "numerics"),  # planned for another type of the column
        (lambda scan: replace(_both(scan), is_over_files=True), "numerics"),
        (lambda scan: _both(scan, source='(SELECT n, "n#whole" FROM "scan_x") AS x'), "whole"),
    ],
)
def test_what_is_asked_of_the_relation(tmp_path: Path, query: Callable[[FileScan], EngineQuery], form: str) -> None:
    group = _group(tmp_path, {"a": _cents([1, 2, 3])})
    asked = query(_scan("v1", group))
    asked = replace(asked, sql=asked.sql.replace('n, "n#whole"', "n"))
    assert _form(tmp_path, lambda: asked, Decimal("0.06")) == form


def test_below_a_fence(tmp_path: Path) -> None:
    group = _group(tmp_path, {"a": _cents([1, 2]), "b": _cents([3])})
    asked = _both(_scan("v1", group), source=f'(SELECT * FROM "scan_x" WHERE n > 0.01 {FENCE}) AS x')
    assert _form(tmp_path, lambda: replace(asked, fenced=frozenset({"scan_x"})), Decimal("0.05")) == "whole"


def test_a_file_that_is_not_in_memory(tmp_path: Path) -> None:
    """A commit adds a file, whose values nobody has looked at."""
    first = _group(tmp_path, {"a": _cents([1, 2])})

    async def work(engine: Engine) -> None:
        await _warm(engine, _both(_scan("v1", first)))
        [row] = await _rows(engine, _both(_scan("v1", first)))
        assert row["form"] == "whole"
        both = _both(_scan("v2", _group(tmp_path, {"a": _cents([]), "b": _cents([_MOST])})))
        [row] = await _rows(engine, both)
        assert (row["form"], row["s"]) == ("numerics", Decimal(_MOST + 3).scaleb(-2))

    _run(tmp_path, work)


def test_a_column_of_the_same_name_as_its_whole_numbers(tmp_path: Path) -> None:
    table = _cents([1, 2]).append_column("n#whole", pa.array([7, 8], pa.int64()))
    pq.write_table(table, tmp_path / "a.parquet")
    group = _group(tmp_path, {"a": table})
    scan = _scan("v1", group, read=("n", "n#whole"))
    assert _form(tmp_path, lambda: _both(scan), Decimal("0.03")) == "numerics"
