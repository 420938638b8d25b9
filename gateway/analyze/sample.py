"""What a sample of a table's rows tells of a column, as PostgreSQL's own ANALYZE reads it: the most common values with
their part of the rows, and a histogram of the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

TARGET = 100  # most common values and parts of a histogram, as PostgreSQL's default_statistics_target
SAMPLED_ROWS = 300 * TARGET
WIDEST = 1024  # bytes of a text; longer ones are counted, and not kept
_MORE_COMMON = 1.25  # than values are on average


@dataclass(frozen=True, slots=True)
class ColumnSample:
    """What a sample tells of a column. Fractions are of all rows; ``width`` is in bytes."""

    null_fraction: float
    width: float | None
    most_common: tuple[tuple[pa.Scalar, float], ...] = ()
    histogram: tuple[pa.Scalar, ...] = ()


def has_order(kind: pa.DataType) -> bool:
    """Whether estimates know where a value of a type lies among others."""
    ordered = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean, pa.types.is_date32)
    return is_text(kind) or pa.types.is_timestamp(kind) or any(is_one(kind) for is_one in ordered)


def is_text(kind: pa.DataType) -> bool:
    """Whether a type has texts for values."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def read_sample(values: pa.Array, distinct: float) -> ColumnSample:
    """Return what a sample of a column tells. ``distinct`` is how many values the whole column has."""
    if len(values) == 0:
        return ColumnSample(0.0, None)
    known = values.drop_null()
    null_fraction = 1.0 - len(known) / len(values)
    width = _width(known)
    if len(known) == 0 or not has_order(values.type):
        return ColumnSample(null_fraction, width)
    if is_text(known.type):
        known = known.filter(pc.less_equal(pc.binary_length(known), WIDEST))
    counted = pc.value_counts(known.sort())  # in order of the values
    singles, counts = counted.field("values"), counted.field("counts").to_numpy()
    common = _common(counts, distinct)
    fractions = counts[common] / len(values)
    by_fraction = np.argsort(-fractions, kind="stable")
    most_common = tuple((singles[int(common[at])], float(fractions[at])) for at in by_fraction)
    rest = np.setdiff1d(np.arange(len(singles)), common, assume_unique=True)
    return ColumnSample(null_fraction, width, most_common, _histogram(singles, rest, counts))


def _common(counts: npt.NDArray[np.int64], distinct: float) -> npt.NDArray[np.intp]:
    """Return which values are the most common: all where there are few, else those that stand out."""
    if len(counts) <= TARGET and distinct <= len(counts):
        return np.arange(len(counts))
    average = counts.sum() / max(distinct, 1.0)
    candidates: npt.NDArray[np.intp] = np.argsort(-counts, kind="stable")[:TARGET]
    least = max(2.0, _MORE_COMMON * average)
    stands_out: npt.NDArray[np.intp] = candidates[counts[candidates] >= least]
    return stands_out


def _histogram(singles: pa.Array, rest: npt.NDArray[np.intp], counts: npt.NDArray[np.int64]) -> tuple[pa.Scalar, ...]:
    """Return bounds between which equally many rows lie, of the values that are not among the most common."""
    if len(rest) < 2:
        return ()
    ends = np.cumsum(counts[rest])
    parts = min(TARGET, len(rest) - 1)
    places = np.searchsorted(ends, np.linspace(1, ends[-1], parts + 1))
    return tuple(singles[int(rest[at])] for at in places)


def _width(values: pa.Array) -> float | None:
    if len(values) == 0:
        return None
    if is_text(values.type) or pa.types.is_binary(values.type):
        return float(pc.mean(pc.binary_length(values)).as_py())
    return float(values.nbytes / len(values))
