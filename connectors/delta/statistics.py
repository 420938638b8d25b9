"""Statistics of a Delta version out of the add actions of its log."""

from __future__ import annotations

from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from catalog.statistics import ColumnStatistics, TableStatistics
from connectors import pruning
from connectors.delta.file_scan import bounds_of, partition_values, statistic
from connectors.delta.table_log import DeltaColumn, DeltaVersion
from connectors.file_statistics import column_statistics, constant_bounds

_LAST_CHARACTER = "\U0010ffff"  # bounds what it stands for, where the other tie breaker does not


def statistics_of(version: DeltaVersion) -> TableStatistics:
    """Return the statistics of a version. Fractions count rows that deletion vectors took out, ``rows`` does not."""
    rows = version.rows()
    return TableStatistics(
        rows=None if rows is None else float(rows),
        bytes=version.bytes,
        columns=MappingProxyType({column.name: _column(version, column) for column in version.columns}),
    )


def _column(version: DeltaVersion, column: DeltaColumn) -> ColumnStatistics:
    if column.name in version.partitions:
        return column_statistics(constant_bounds(partition_values(version, column), _rows(version)), column.type)
    bounds = bounds_of(version, column)
    if bounds is None:
        return ColumnStatistics()
    if pa.types.is_string(bounds.upper.type) or pa.types.is_large_string(bounds.upper.type):
        upper = statistic(version, "max", column.physical)
        if upper is not None:
            wider = pc.replace_substring_regex(upper, pattern="\ufffd$", replacement=_LAST_CHARACTER)
            bounds = pruning.Bounds(bounds.lower, wider, bounds.nulls, bounds.rows)
    return column_statistics(bounds, column.type)


def _rows(version: DeltaVersion) -> pa.Array:
    if "num_records" not in version.actions.column_names:
        return pa.nulls(version.actions.num_rows, pa.int64())
    return version.actions["num_records"].combine_chunks()
