"""What is read off a sample: common values, histograms, widths."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pytest

from catalog.analyzed import Analyzed, with_analyzed
from catalog.statistics import ColumnStatistics, TableStatistics
from catalog.store.analyzed_tables import pack_statistics, unpack_statistics
from gateway.analyze.sample import TARGET, WIDEST, read_sample

AT = datetime(2026, 1, 2, tzinfo=UTC)


def test_few_values_are_all_common() -> None:
    found = read_sample(pa.array(["a"] * 6 + ["b"] * 3 + [None]), 2)
    assert [(value.as_py(), fraction) for value, fraction in found.most_common] == [("a", 0.6), ("b", 0.3)]
    assert (found.histogram, found.width) == ((), 1.0)
    assert found.null_fraction == pytest.approx(0.1)


def test_many_values_are_a_histogram_beside_those_that_stand_out() -> None:
    rng = np.random.default_rng(7)
    values = np.concatenate([np.full(5000, 42), rng.integers(0, 1_000_000, 25_000)])
    found = read_sample(pa.array(values), 1_000_000)
    [first, *others] = found.most_common
    assert first[0].as_py() == 42
    assert first[1] == pytest.approx(1 / 6, rel=0.01)
    assert all(fraction < 0.001 for _, fraction in others)
    bounds = [bound.as_py() for bound in found.histogram]
    assert len(bounds) == TARGET + 1 and bounds == sorted(bounds)
    assert bounds[50] == pytest.approx(500_000, rel=0.05)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([], pa.int64()),
        pa.array([None, None], pa.string()),
        pa.array([[1], [2, 3]]),
        pa.array(["x" * (WIDEST + 1)] * 3),
        pa.array([float("nan"), 1.0, float("-inf")]),
        pa.array([1], pa.int32()),
    ],
    ids=["no rows", "no values", "lists", "long texts", "floats", "one"],
)
def test_odd_samples(values: pa.Array) -> None:
    found = read_sample(values, float(len(values)))
    assert 0.0 <= found.null_fraction <= 1.0
    assert all(len(str(value.as_py())) <= WIDEST for value, _ in found.most_common)


def statistics(rows: float = 100.0) -> TableStatistics:
    number = ColumnStatistics(
        distinct=50.0,
        null_fraction=0.1,
        minimum=pa.scalar(1),
        maximum=pa.scalar(90),
        histogram=(pa.scalar(1), pa.scalar(45), pa.scalar(90)),
        most_common=((pa.scalar(7), 0.25),),
        width=8.0,
    )
    return TableStatistics(rows=rows, columns=MappingProxyType({"n": number}))


def test_statistics_survive_the_store() -> None:
    kinds = {
        "n": pa.array([3, None, 5]),
        "d": pa.array([date(2020, 1, 1), date(2021, 1, 1)]),
        "t": pa.array([AT], pa.timestamp("us", "UTC")),
        "m": pa.array([Decimal("1.10"), Decimal("2.20")], pa.decimal128(15, 2)),
        "s": pa.array(["ä", "", "z" * 100]),
        "b": pa.array([True, False]),
        "nothing": pa.array([None], pa.string()),
    }
    columns = {}
    for name, values in kinds.items():
        known = tuple(value for value in values if value.is_valid)
        least, most = (known[0], known[-1]) if known else (None, None)
        common = tuple((value, 0.5) for value in known)
        columns[name] = ColumnStatistics(2.0, 0.25, least, most, known, common, width=4.0)
    together = {frozenset({"n", "s"}): 3.0}
    before = TableStatistics(rows=3.0, columns=MappingProxyType(columns), combined=MappingProxyType(together))
    assert unpack_statistics(pack_statistics(before)) == before


def test_what_was_analyzed_counts_in_full_for_its_version() -> None:
    told = TableStatistics(rows=98.0, columns=MappingProxyType({"n": ColumnStatistics(minimum=pa.scalar(0))}))
    found = with_analyzed(told, Analyzed("7", AT, statistics()), "7")
    assert (found.rows, found.columns["n"]) == (100.0, statistics().columns["n"])


def test_what_was_analyzed_is_discounted_for_another_version() -> None:
    told = TableStatistics(rows=125.0, columns=MappingProxyType({"n": ColumnStatistics(maximum=pa.scalar(200))}))
    found = with_analyzed(told, Analyzed("7", AT, statistics()), "8")
    column = found.columns["n"]
    assert (found.rows, column.distinct, column.null_fraction) == (125.0, 62.5, 0.1)
    [(common, fraction)] = column.most_common
    assert common.as_py() == 7
    assert fraction == pytest.approx(0.2)
    assert [bound.as_py() for bound in column.histogram] == [1, 45, 200]


def test_what_was_analyzed_is_given_up_where_the_table_has_changed_much() -> None:
    found = with_analyzed(TableStatistics(rows=1000.0), Analyzed("7", AT, statistics()), "8")
    column = found.columns["n"]
    assert (column.most_common, column.histogram, column.distinct) == ((), (), 500.0)


def test_combinations_grow_with_the_rows_where_they_are_many() -> None:
    few, many = frozenset({"n", "a"}), frozenset({"n", "b"})
    analyzed = Analyzed("7", AT, replace(statistics(), combined={few: 5.0, many: 90.0}))
    assert with_analyzed(TableStatistics(rows=98.0), analyzed, "7").combined == {few: 5.0, many: 90.0}
    assert with_analyzed(TableStatistics(rows=150.0), analyzed, "8").combined == {few: 5.0, many: 135.0}
    assert with_analyzed(TableStatistics(rows=1000.0), analyzed, "8").combined == {}


def test_without_analyze_sources_tell() -> None:
    told = statistics()
    assert with_analyzed(told, None, "1") is told
    assert with_analyzed(TableStatistics(), Analyzed("7", AT, statistics()), "8") == TableStatistics()
