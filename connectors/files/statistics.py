"""Statistics of a table of files: from Parquet footers, and from the values of its folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from catalog.statistics import ColumnStatistics, TableStatistics
from connectors.file_statistics import column_statistics, constant_bounds, spread
from connectors.files.file_scan import FilesVersion, constants_of
from connectors.files.listing import DataFile
from connectors.pruning import Bounds

MOST_FOOTERS = 64  # of larger tables the first, the last and some between stand for all
_MOST_CHUNKS = 50_000  # row groups times columns that are looked at, some 5 microseconds each
_AT_ONCE = 8

Footer = Callable[[DataFile], pq.FileMetaData]


def statistics_of(version: FilesVersion, footer: Footer) -> TableStatistics:
    """Return the statistics of the files. Other formats than Parquet tell no more than their size. Raises what
    ``footer`` does.
    """
    rows = pa.array([shape.rows for shape in version.shapes], pa.int64())
    constants = constants_of(version.files)
    fields = [field for field in version.schema if field.name not in constants]
    columns = _of_footers(version.files, fields, footer) if version.files[0].format == "parquet" else {}
    for name, values in constants.items():
        columns[name] = column_statistics(constant_bounds(values, rows), values.type)
    return TableStatistics(
        rows=None if rows.null_count else float(np.sum(rows.to_numpy())),
        bytes=sum(file.size for file in version.files),
        columns=MappingProxyType(columns),
    )


def _of_footers(files: Sequence[DataFile], fields: Sequence[pa.Field], footer: Footer) -> dict[str, ColumnStatistics]:
    chosen = spread(files, MOST_FOOTERS)
    types = {field.name: field.type for field in fields if not pa.types.is_nested(field.type)}
    most_groups = max(1, _MOST_CHUNKS // (len(chosen) * max(1, len(types))))
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        footers = [*threads.map(footer, chosen)]
    sampled = len(chosen) < len(files) or any(each.num_row_groups > most_groups for each in footers)
    found = [_bounds_of(each, types, most_groups) for each in footers]
    return {
        name: column_statistics(_joined([each[name] for each in found]), kind, sampled=sampled)
        for name, kind in types.items()
    }


def _bounds_of(footer: pq.FileMetaData, types: Mapping[str, pa.DataType], most_groups: int) -> dict[str, Bounds]:
    """Return by column the bounds of a file's row groups; a column that the file lacks is NULL in it."""
    places = {footer.schema.column(at).path: at for at in range(footer.num_columns)}
    stored = footer.schema.to_arrow_schema()
    groups = [footer.row_group(at) for at in spread(range(footer.num_row_groups), most_groups)]
    rows = pa.array([group.num_rows for group in groups], pa.int64())
    found: dict[str, Bounds] = {}
    for name, kind in types.items():
        if name not in places:
            unknown = stored.get_field_index(name) >= 0  # stored in some other way
            empty = pa.nulls(len(groups), kind)
            found[name] = Bounds(empty, empty, pa.nulls(len(groups), pa.int64()) if unknown else rows, rows)
            continue
        chunks = [group.column(places[name]).statistics for group in groups]
        nulls = pa.array([None if each is None or not each.has_null_count else each.null_count for each in chunks])
        lower, upper = (_values(chunks, which, stored.field(name).type, kind) for which in ("min", "max"))
        found[name] = Bounds(lower, upper, nulls.cast(pa.int64()), rows)
    return found


def _values(chunks: Sequence[Any], which: str, stored: pa.DataType, kind: pa.DataType) -> pa.Array:
    """Return one bound of each chunk in the table's type, NULL for what is not known."""
    timestamp = pa.types.is_timestamp(stored)  # as Python's they lose nanoseconds
    name = f"{which}_raw" if timestamp else which
    values = [getattr(each, name) if each is not None and each.has_min_max else None for each in chunks]
    try:
        if timestamp:
            return pa.array(values, pa.int64()).cast(stored).cast(kind)
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return pa.nulls(len(chunks), kind)


def _joined(parts: Sequence[Bounds]) -> Bounds:
    return Bounds(
        pa.concat_arrays([part.lower for part in parts]),
        pa.concat_arrays([part.upper for part in parts]),
        pa.concat_arrays([part.nulls for part in parts]),
        pa.concat_arrays([part.rows for part in parts]),
    )
