"""What is known of a table's rows without reading them, in one form for every kind of source.

Everything here is an estimate: plans are chosen by it, never rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """What is known of a column; None and empty where nothing is.

    ``distinct`` counts values other than NULL; ``null_fraction`` is a part of all rows, 0 to 1. ``minimum`` and
    ``maximum`` bound the values (they may be wider than these) and are of the column's Arrow type. ``histogram`` holds
    bounds between which equally many rows lie, those of ``most_common`` left out; ``most_common`` pairs a value with
    its part of all rows. ``width`` is in bytes.
    """

    distinct: float | None = None
    null_fraction: float | None = None
    minimum: pa.Scalar | None = None
    maximum: pa.Scalar | None = None
    histogram: tuple[pa.Scalar, ...] = ()
    most_common: tuple[tuple[pa.Scalar, float], ...] = ()
    width: float | None = None


@dataclass(frozen=True, slots=True)
class TableStatistics:
    """What is known of a table. ``unique`` are sets of columns of which no two rows have the same values; ``combined``
    says of other sets how many different combinations of values there are.
    """

    rows: float | None = None
    bytes: int | None = None
    columns: Mapping[str, ColumnStatistics] = field(default_factory=lambda: MappingProxyType({}))
    unique: tuple[frozenset[str], ...] = ()
    combined: Mapping[frozenset[str], float] = field(default_factory=lambda: MappingProxyType({}))


UNKNOWN = TableStatistics()
