"""Statistics of a whole table out of those that formats keep by file: the same for Delta, Iceberg and Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.statistics import ColumnStatistics, TableStatistics
from catalog.tables import Table
from connectors.pruning import Bounds, without_nan

Each = TypeVar("Each")
_MOST_COMMON = 100
_UNORDERED = (pa.ArrowNotImplementedError, pa.ArrowInvalid)


def column_statistics(bounds: Bounds, arrow_type: pa.DataType, *, sampled: bool = False) -> ColumnStatistics:
    """Return what the bounds of a column's files say of it. Minimum and maximum leave NaN aside; they are None where a
    file with values does not tell its own. Values are counted where every file holds no more than one, unless these are
    not all files (``sampled``).
    """
    total = None if bounds.rows.null_count else pc.sum(bounds.rows).as_py()
    nulls = None if bounds.nulls.null_count else pc.sum(bounds.nulls).as_py()
    null_fraction = nulls / total if total and nulls is not None else None
    with_values = pc.is_valid(bounds.lower) if bounds.exact else pc.fill_null(pc.less(bounds.nulls, bounds.rows), True)
    try:
        lower = without_nan(bounds.lower.filter(with_values)).cast(arrow_type)
        upper = without_nan(bounds.upper.filter(with_values)).cast(arrow_type)
        found = ColumnStatistics(
            null_fraction=null_fraction, minimum=_extreme(lower, "min"), maximum=_extreme(upper, "max")
        )
        if bounds.exact or (not sampled and _one_value_each(lower, upper)):
            return _counted(found, lower, pc.subtract(bounds.rows, bounds.nulls).filter(with_values), total)
    except _UNORDERED:
        return ColumnStatistics(null_fraction=null_fraction)
    return found


def constant_bounds(values: pa.Array, rows: pa.Array) -> Bounds:
    """Return the bounds of a column that is constant in each file, as partition columns are."""
    nulls = pc.if_else(pc.is_null(values), rows, pa.scalar(0, pa.int64()))
    return Bounds(values, values, nulls, rows, exact=True)


def as_clients_see_it(found: TableStatistics, schema: Mapping[str, pa.DataType], table: Table) -> TableStatistics:
    """Return the statistics without columns that the table does not have, or has with another type than the version
    they were taken of.
    """
    kept = {column.name for column in table.columns if schema.get(column.name) == column.arrow_type}
    if kept.issuperset(found.columns):
        return found
    columns = {name: column for name, column in found.columns.items() if name in kept}
    return replace(found, columns=MappingProxyType(columns))


def spread(items: Sequence[Each], most: int) -> list[Each]:
    """Return at most so many of the items, evenly chosen, the first and the last among them."""
    if len(items) <= most:
        return [*items]
    return [items[at] for at in np.unique(np.linspace(0, len(items) - 1, most).astype(int)).tolist()]


def _extreme(values: pa.Array, which: str) -> pa.Scalar | None:
    if not len(values) or values.null_count:
        return None
    return pc.min_max(values)[which]


def _one_value_each(lower: pa.Array, upper: pa.Array) -> bool:
    """Say whether each file is known to hold one value. Not of floating numbers: NaN may be there besides."""
    if pa.types.is_floating(lower.type) or not len(lower) or lower.null_count or upper.null_count:
        return False
    return bool(pc.all(pc.equal(lower, upper)).as_py())


def _counted(found: ColumnStatistics, values: pa.Array, rows: pa.Array, total: int | None) -> ColumnStatistics:
    """Add what follows from the value and the number of non-NULL rows of every file."""
    counted = pa.table({"value": values, "rows": rows}).group_by("value").aggregate([("rows", "sum")])
    found = replace(found, distinct=float(counted.num_rows))
    if rows.null_count or not total:
        return found
    top = counted.take(pc.select_k_unstable(counted, _MOST_COMMON, [("rows_sum", "descending")]))
    fractions = pc.divide(top["rows_sum"].cast(pa.float64()), float(total)).to_pylist()
    return replace(found, most_common=tuple(zip(top["value"], fractions, strict=True)))
