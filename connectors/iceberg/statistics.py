"""Statistics of an Iceberg version out of its manifests, and the distinct counts that writers of sketches note."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import ancestors_of

from catalog.statistics import ColumnStatistics, TableStatistics
from connectors.file_statistics import column_statistics, spread
from connectors.iceberg.manifests import LiveFile
from connectors.iceberg.table_fields import IcebergColumn
from connectors.iceberg.table_version import IcebergVersion, value_bounds

_MOST_BOUNDS = 100_000  # files times columns that are looked at, some 2 microseconds each
_FEWEST_FILES = 64
_SKETCH = "apache-datasketches-theta-v1"
_DISTINCT = "ndv"


def statistics_of(version: IcebergVersion) -> TableStatistics:
    """Return the statistics of a version. ``rows`` counts rows that are deleted by equality, fractions all that were
    deleted. Identifier fields are no keys: nothing enforces them. Of very many files the first, the last and some
    between stand for all.
    """
    rows = version.rows()
    if rows is None:
        rows = sum(file.rows for file in version.files().data)
    noted = _distinct_counts(version.metadata)
    most = max(_FEWEST_FILES, _MOST_BOUNDS // max(1, len(version.columns)))
    files = tuple(spread(version.files().data, most))
    distinct = {field_id: min(count, float(rows)) for field_id, count in noted.items()}
    sampled = len(files) < len(version.files().data)
    columns = {each.name: _column(files, each, distinct.get(each.field_id), sampled) for each in version.columns}
    return TableStatistics(rows=float(rows), bytes=version.bytes(), columns=MappingProxyType(columns))


def _column(
    files: tuple[LiveFile, ...], column: IcebergColumn, distinct: float | None, sampled: bool
) -> ColumnStatistics:
    bounds = value_bounds(files, column)
    found = ColumnStatistics() if bounds is None else column_statistics(bounds, column.type, sampled=sampled)
    if found.distinct is not None or distinct is None:
        return found
    return replace(found, distinct=distinct)


def _distinct_counts(metadata: TableMetadata) -> dict[int, float]:
    """Return distinct values by field id as noted for the current snapshot or the last one before it that has notes;
    they stand in the metadata, the sketches themselves are not read.
    """
    noted = {file.snapshot_id: file for file in metadata.statistics}
    current = metadata.current_snapshot()
    if not noted or current is None:
        return {}
    file = next(
        (noted[each.snapshot_id] for each in ancestors_of(current, metadata) if each.snapshot_id in noted), None
    )
    found: dict[int, float] = {}
    for blob in file.blob_metadata if file is not None else ():
        count = (blob.properties or {}).get(_DISTINCT, "")
        if blob.type == _SKETCH and len(blob.fields) == 1 and count.isascii() and count.isdigit():
            found[blob.fields[0]] = float(count)
    return found
