"""Pruning never leaves out a file that has a matching row, whatever is known of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.scans import Comparison
from connectors import pruning
from connectors.pruning import Bounds, exact_values, may_hold, may_match

_OPERATORS = ("=", "<>", "<", "<=", ">", ">=", "in", "is_null", "is_not_null")
_CONSTANTS = st.one_of(st.integers(-3, 3).map(float), st.sampled_from([math.nan, math.inf, -0.0]))
_NUMBERS = st.one_of(st.none(), _CONSTANTS)
_FILES = st.lists(st.lists(_NUMBERS, min_size=1, max_size=4), min_size=1, max_size=6)


def order(value: float) -> tuple[bool, float]:
    """Order as PostgreSQL does: NaN equals itself and is greater than every other number."""
    return (math.isnan(value), 0.0 if math.isnan(value) else value + 0.0)


def matches(value: float | None, operator: str, constants: list[float]) -> bool:
    if operator in ("is_null", "is_not_null"):
        return (value is None) == (operator == "is_null")
    if value is None:
        return False
    one, other = order(value), order(constants[0])
    return {
        "=": one == other,
        "<>": one != other,
        "<": one < other,
        "<=": one <= other,
        ">": one > other,
        ">=": one >= other,
        "in": one in [order(each) for each in constants],
    }[operator]


def bounds_of(files: list[list[float | None]], known: list[bool]) -> Bounds:
    """Return statistics as writers make them: without NaN, and missing for some files."""
    numbers = [[each for each in file if each is not None and not math.isnan(each)] for file in files]

    def column(values: list[Any], kind: pa.DataType) -> pa.Array:
        return pa.array([value if there else None for value, there in zip(values, known, strict=True)], kind)

    return Bounds(
        lower=column([min(each, default=None) for each in numbers], pa.float64()),
        upper=column([max(each, default=None) for each in numbers], pa.float64()),
        nulls=column([file.count(None) for file in files], pa.int64()),
        rows=column([len(file) for file in files], pa.int64()),
    )


@settings(deadline=None)  # the machine may be busy
@given(_FILES, st.sampled_from(_OPERATORS), st.lists(_CONSTANTS, min_size=1), st.data())
def test_a_file_with_a_matching_row_is_kept(
    files: list[list[float | None]], operator: str, constants: list[float], data: st.DataObject
) -> None:
    known = data.draw(st.lists(st.booleans(), min_size=len(files), max_size=len(files)))
    values = () if operator.startswith("is") else tuple(pa.scalar(each, pa.float64()) for each in constants)
    kept = may_match(Comparison("c", operator, values), bounds_of(files, known))
    for file, stays in zip(files, kept.tolist(), strict=True):
        assert stays or not any(matches(value, operator, constants) for value in file)


@settings(deadline=None)  # the machine may be busy
@given(
    st.lists(_NUMBERS, min_size=1),
    st.sampled_from(_OPERATORS),
    st.lists(_CONSTANTS, min_size=1),
)
def test_partitions_with_a_matching_value_are_kept(
    values: list[float | None], operator: str, constants: list[float]
) -> None:
    scalars = () if operator.startswith("is") else tuple(pa.scalar(each, pa.float64()) for each in constants)
    kept = may_match(Comparison("c", operator, scalars), exact_values(pa.array(values, pa.float64())))
    for value, stays in zip(values, kept.tolist(), strict=True):
        assert stays or not matches(value, operator, constants)


@pytest.mark.parametrize(
    ("operator", "constants", "expected"),
    [
        ("=", [5], [True, False, False, True]),
        ("<>", [5], [True, True, False, True]),
        ("<", [10], [True, False, False, True]),
        ("<=", [10], [True, True, False, True]),
        (">", [9], [False, True, False, True]),
        (">=", [9], [True, True, False, True]),
        ("in", [3, 12], [True, True, False, True]),
        ("in", list(range(100, 300)), [False, False, False, True]),
        ("is_null", [], [False, True, True, True]),
        ("is_not_null", [], [True, True, False, True]),
        ("=", [None], [True, True, False, True]),
        ("like", [5], [True, True, False, True]),
    ],
)
def test_files_without_a_match_are_left_out(operator: str, constants: list[int | None], expected: list[bool]) -> None:
    bounds = Bounds(
        lower=pa.array([0, 10, None, None], pa.int64()),
        upper=pa.array([9, 19, None, None], pa.int64()),
        nulls=pa.array([0, 2, 7, None], pa.int64()),
        rows=pa.array([10, 10, 7, 10], pa.int64()),
    )
    values = tuple(pa.scalar(each, pa.int64()) for each in constants)
    assert may_match(Comparison("c", operator, values), bounds).tolist() == expected


def test_a_constant_that_is_not_of_the_columns_type_proves_nothing() -> None:
    bounds = exact_values(pa.array([1, 2, 3], pa.int32()))
    for value in (pa.scalar(1.5), pa.scalar(2**40), pa.scalar("x")):
        assert may_match(Comparison("c", "=", (value,)), bounds).all()
    assert may_match(Comparison("c", "=", (pa.scalar(2, pa.int64()),)), bounds).tolist() == [False, True, False]


@pytest.mark.parametrize("most", [0, 10_000])
@given(
    files=st.lists(st.lists(st.one_of(st.none(), st.integers(-9, 9)), min_size=1, max_size=4), min_size=1, max_size=6),
    keys=st.sets(st.integers(-9, 9), max_size=5),
    known=st.lists(st.booleans(), min_size=6, max_size=6),
    kind=st.sampled_from([pa.int32(), pa.date32(), pa.timestamp("us"), pa.string(), pa.decimal128(12, 2)]),
)
@settings(max_examples=60, deadline=None)
def test_keys(most: int, files: list[list[int | None]], keys: set[int], known: list[bool], kind: pa.DataType) -> None:
    def typed(values: Sequence[int | None]) -> pa.Array:
        if pa.types.is_string(kind):
            return pa.array([None if value is None else f"{value + 10:02}" for value in values], kind)
        wide = pa.int64() if pa.types.is_timestamp(kind) else pa.int32()
        return pa.array(values, wide).cast(kind)

    numbers = [[each for each in file if each is not None] for file in files]
    ends = [
        (min(file), max(file)) if file and there else (None, None) for file, there in zip(numbers, known, strict=False)
    ]
    bounds = Bounds(
        typed([low for low, _ in ends]),
        typed([high for _, high in ends]),
        pa.array([file.count(None) for file in files]),
        pa.array([len(file) for file in files]),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pruning, "_MOST_KEYS", most)
        held = may_hold(typed(sorted(keys)), bounds)
    for at, file in enumerate(files):
        if keys & {*file}:
            assert held[at], "a file that has a key is read"
        low, high = ends[at]
        if most and low is not None and high is not None and not any(low <= key <= high for key in keys):
            assert not held[at], "a file without any is not"
