"""What ANALYZE has found of a table's rows, and how it is put together with what the table's source tells.

What was found counts in full for the version of the table that was read. Of another version it is discounted by how
much the number of rows has changed since, and given up where there are twice as many, or half.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from catalog.statistics import ColumnStatistics, TableStatistics

_OF_ROWS = 0.1  # more distinct values than this part of the rows grow with them, as PostgreSQL holds
_LEAST_LIKENESS = 0.5


@dataclass(frozen=True, slots=True)
class Analyzed:
    """Statistics of one version of a table, from reading its rows; of the columns that ANALYZE was asked for."""

    version: str
    at: datetime
    statistics: TableStatistics


def with_analyzed(told: TableStatistics, analyzed: Analyzed | None, version: str | None) -> TableStatistics:
    """Return what is known of a table now. ``told`` is what its source tells of ``version``, the one that is read;
    None: no statement has read it yet, and the number of rows tells versions apart.
    """
    if analyzed is None:
        return told
    found = analyzed.statistics
    unpinned = version is None and told.rows == found.rows
    if analyzed.version == version or unpinned:
        columns = {name: _exact(told.columns.get(name), one) for name, one in found.columns.items()}
        return replace(
            told,
            rows=found.rows,
            columns=MappingProxyType({**told.columns, **columns}),
            combined=MappingProxyType({**told.combined, **found.combined}),
        )
    rows, before = told.rows, found.rows
    if rows is None or before is None:
        return told
    likeness = min(rows, before) / max(rows, before, 1.0)
    growth = rows / max(before, 1.0)
    columns = {
        name: _stale(told.columns.get(name), one, before, growth, likeness) for name, one in found.columns.items()
    }
    combined = found.combined if likeness >= _LEAST_LIKENESS else {}
    grown = {names: count * growth if count > _OF_ROWS * before else count for names, count in combined.items()}
    return replace(
        told,
        columns=MappingProxyType({**told.columns, **columns}),
        combined=MappingProxyType({**grown, **told.combined}),
    )


def _exact(told: ColumnStatistics | None, found: ColumnStatistics) -> ColumnStatistics:
    if told is None:
        return found
    return replace(
        found,
        distinct=told.distinct if found.distinct is None else found.distinct,
        minimum=told.minimum if found.minimum is None else found.minimum,
        maximum=told.maximum if found.maximum is None else found.maximum,
        width=told.width if found.width is None else found.width,
    )


def _stale(
    told: ColumnStatistics | None, found: ColumnStatistics, before: float, growth: float, likeness: float
) -> ColumnStatistics:
    """Return what is held of a column whose table has had ``before`` rows when it was analyzed, and other ones now."""
    now = told if told is not None else ColumnStatistics()
    distinct = found.distinct
    if distinct is not None and distinct > _OF_ROWS * before:
        distinct *= growth
    known = replace(
        now,
        distinct=now.distinct if now.distinct is not None else distinct,
        null_fraction=found.null_fraction if now.null_fraction is None else now.null_fraction,
        width=found.width if now.width is None else now.width,
    )
    if likeness < _LEAST_LIKENESS or now.histogram or now.most_common:
        return known
    common = tuple((value, fraction * likeness) for value, fraction in found.most_common)
    return replace(known, histogram=_widened(found, now), most_common=common)


def _widened(found: ColumnStatistics, now: ColumnStatistics) -> tuple[pa.Scalar, ...]:
    """Return a histogram between the bounds of today, where there are any: rows may have come at both ends."""
    bounds = list(found.histogram)
    if bounds and now.minimum is not None and now.minimum.type == bounds[0].type:
        bounds[0] = min(bounds[0], now.minimum, key=_order)
    if bounds and now.maximum is not None and now.maximum.type == bounds[-1].type:
        bounds[-1] = max(bounds[-1], now.maximum, key=_order)
    return tuple(bounds)


def _order(value: pa.Scalar) -> Any:
    return value.as_py()
