"""What ``pg_stats`` says of a column, in Arrow's types, and of all partitions together where each speaks for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.statistics import ColumnStatistics
from connectors.postgres.shapes import ColumnShape
from connectors.postgres.statistics_query import MOST_VALUES
from connectors.postgres.types import Order
from connectors.pruning import without_nan

_NOT_FINITE = pa.array(["infinity", "-infinity", "Infinity", "-Infinity", "NaN"])
_NEARLY_ALL = 0.999


@dataclass(frozen=True, slots=True)
class PartColumn:
    """A row of ``pg_stats`` for a part with so many rows. ``distinct`` is ``n_distinct``: negative, a part of the rows;
    0, unknown. ``common`` counts the most common values, of which the first are here, as text like the bounds.
    """

    rows: float
    null_fraction: float
    width: float
    distinct: float
    most_common: pa.Array
    frequencies: pa.Array
    common: int
    bounds: pa.Array


@dataclass(frozen=True, slots=True)
class _Values:
    """A part's values in the column's type; ``complete`` says that there are no others."""

    common: pa.Array
    frequencies: pa.Array
    bounds: pa.Array
    complete: bool


def column_statistics(parts: Sequence[PartColumn], shape: ColumnShape, rows: float | None) -> ColumnStatistics:
    """Return the statistics of a column of ``rows`` rows from those of its table's parts. Minimum and maximum are those
    of the rows that ANALYZE looked at.
    """
    weights = np.array([part.rows for part in parts])
    weights = weights / weights.sum() if weights.sum() else np.full(len(parts), 1 / len(parts))
    values = [_values(part, shape) for part in parts]
    lows, highs = _extents(values) if shape.takes_order() else (None, None)
    apart = lows is not None and highs is not None and _apart(lows, highs)
    return ColumnStatistics(
        distinct=_distinct(parts, apart, rows),
        null_fraction=float(np.dot(weights, [part.null_fraction for part in parts])),
        minimum=None if lows is None else pc.min(lows),
        maximum=None if highs is None else pc.max(highs),
        histogram=_histogram(parts, values, weights) if shape.type.order in (Order.ALL, Order.TEXT) else (),
        most_common=_most_common(values, weights),
        width=float(np.dot(weights, [part.width for part in parts])),
    )


def _values(part: PartColumn, shape: ColumnShape) -> _Values:
    common, bounds = _from_text(part.most_common, shape), _from_text(part.bounds, shape)
    kept = pc.is_valid(common)
    bounds = bounds.drop_null()
    all_of_them = pc.sum(part.frequencies).as_py() or 0.0
    complete = not len(part.bounds) and part.common == len(common) and all_of_them + part.null_fraction >= _NEARLY_ALL
    if shape.type.order is Order.TEXT and not shape.byte_order:  # bounds are still values evenly picked
        bounds = bounds.take(pc.array_sort_indices(bounds))
    return _Values(common.filter(kept), part.frequencies.filter(kept), bounds, complete)


def _from_text(texts: pa.Array, shape: ColumnShape) -> pa.Array:
    """Return PostgreSQL's texts in the column's type, NULL for what that does not hold."""
    arrow, types = shape.type.arrow, pa.types
    try:
        if types.is_string(arrow):
            return pc.utf8_rtrim(texts, " ") if shape.type.literal == "bpchar" else texts
        if types.is_boolean(arrow):
            return pc.equal(texts, "t")
        if types.is_binary(arrow):
            return pa.array([bytes.fromhex(text.removeprefix("\\x")) for text in texts.to_pylist()], arrow)
        if types.is_floating(arrow):
            return texts.cast(arrow)
        texts = pc.if_else(pc.is_in(texts, value_set=_NOT_FINITE), pa.scalar(None, pa.string()), texts)
        if types.is_time(arrow):
            return pc.binary_join_element_wise("1970-01-01", texts, " ").cast(pa.timestamp("us")).cast(arrow)
        return texts.cast(arrow)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError):
        return pa.nulls(len(texts), arrow)


def _extents(values: Sequence[_Values]) -> tuple[pa.Array, pa.Array] | tuple[None, None]:
    """Return the least and the greatest value of each part, NaN aside; nothing where one does not tell."""
    found = []
    for each in values:
        everything = without_nan(pa.concat_arrays([each.common, each.bounds])).drop_null()
        if not len(everything) or (len(each.bounds) < 2 and not each.complete):
            return None, None
        found.append(pc.min_max(everything))
    arrow = values[0].bounds.type
    return pa.array([each["min"] for each in found], arrow), pa.array([each["max"] for each in found], arrow)


def _apart(lows: pa.Array, highs: pa.Array) -> bool:
    """Say whether no two ranges meet."""
    order = pc.array_sort_indices(lows)
    return bool(pc.all(pc.less(highs.take(order)[:-1], lows.take(order)[1:])).as_py())


def _distinct(parts: Sequence[PartColumn], apart: bool, rows: float | None) -> float | None:
    """Return how many values there are. Parts whose ranges do not meet share none; else a count that PostgreSQL holds
    to grow with the table is added up, and of those that it holds to be fixed the greatest stands for all.
    """
    if any(part.distinct == 0 or (part.distinct < 0 and not part.rows) for part in parts):
        return None
    counts = [part.distinct if part.distinct > 0 else -part.distinct * part.rows for part in parts]
    growing = sum(count for part, count in zip(parts, counts, strict=True) if part.distinct < 0)
    fixed = max((part.distinct for part in parts if part.distinct > 0), default=0.0)
    found = sum(counts) if apart else growing + fixed
    seen = sum(part.rows for part in parts)
    if rows and seen and len(parts) > 1 and (apart or growing):  # parts that are not among these have more
        found *= max(1.0, rows / seen)
    found = float(round(found)) or 1.0  # single precision makes 6 rows times a third a little more than 2
    return found if rows is None else min(found, rows)


def _most_common(values: Sequence[_Values], weights: np.ndarray) -> tuple[tuple[pa.Scalar, float], ...]:
    if len(values) == 1:
        return tuple(zip(values[0].common, values[0].frequencies.to_pylist(), strict=True))
    fractions = [
        each.frequencies.to_numpy(zero_copy_only=False) * weight for each, weight in zip(values, weights, strict=True)
    ]
    table = pa.table({"value": pa.concat_arrays([each.common for each in values]), "rows": np.concatenate(fractions)})
    try:
        counted = table.group_by("value").aggregate([("rows", "sum")]).sort_by([("rows_sum", "descending")])
    except pa.ArrowNotImplementedError:  # values that are not compared, lists for one
        return ()
    counted = counted.slice(0, MOST_VALUES)
    return tuple(zip(counted["value"], counted["rows_sum"].to_pylist(), strict=True))


def _histogram(parts: Sequence[PartColumn], values: Sequence[_Values], weights: np.ndarray) -> tuple[pa.Scalar, ...]:
    """Return bounds between which equally many rows lie. Of several parts, each stretch between two bounds counts as
    rows at its end.
    """
    if len(values) == 1:
        return tuple(values[0].bounds) if len(values[0].bounds) > 1 else ()
    points, rows = [], []
    for part, each, weight in zip(parts, values, weights, strict=True):
        stretches = len(each.bounds) - 1
        if stretches < 1:
            continue
        others = max(0.0, 1 - part.null_fraction - (pc.sum(each.frequencies).as_py() or 0.0))
        points.append(each.bounds)
        rows.append(np.concatenate([[0.0], np.full(stretches, others * weight / stretches)]))
    if not points:
        return ()
    bounds = pa.concat_arrays(points)
    order = pc.array_sort_indices(bounds)
    reached = np.cumsum(np.concatenate(rows)[order.to_numpy()])
    wanted = np.linspace(0, reached[-1], MOST_VALUES + 1)
    places = np.minimum(np.searchsorted(reached, wanted * (1 - 1e-12)), len(bounds) - 1)
    places[0] = 0
    return tuple(bounds.take(order.take(pa.array(places))))
