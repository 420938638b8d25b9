"""The files of a Delta version that a scan reads: pruned, grouped, with constants, mapped names and deleted rows."""

from __future__ import annotations

import hashlib
import sys
import threading
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from cachetools import LRUCache

from catalog.scans import Comparison, Constant, FileGroup, FileScan, Keys, Physical
from connectors import pruning
from connectors.delta.table_log import DeltaColumn, DeltaVersion
from connectors.object_stores import filesystem

_MILLISECOND = pa.scalar(1_000, pa.int64())  # in microseconds
_TIE_BREAKERS = ("\ufffd", "\U0010ffff")  # end truncated maxima; the first sorts below characters it should bound

_footers: LRUCache[str, pa.Schema] = LRUCache(maxsize=50_000)  # files never change
_footers_lock = threading.Lock()


def scan_files(version: DeltaVersion, comparisons: tuple[Comparison, ...], keys: tuple[Keys, ...] = ()) -> FileScan:
    """Return the scan of a version that reads only files that may satisfy every comparison and hold one of the keys."""
    chosen = _chosen(version, comparisons, keys)
    return version.scans.require(chosen, lambda: _scan(version, chosen))


def _scan(version: DeltaVersion, chosen: pruning.Mask) -> FileScan:
    deleted = version.deleted_positions()
    fingerprint = f"{version.uri}\n{version.table_id}\n{version.version}\n".encode() + chosen.tobytes()
    return FileScan(
        key=f"delta-{hashlib.sha256(fingerprint).hexdigest()[:32]}",
        schema=pa.schema([pa.field(column.name, column.type, column.nullable) for column in version.columns]),
        groups=tuple(_groups(version, chosen, deleted)),
        files_known=version.actions.num_rows,
        storage=version.options,
    )


# Pruning


def _chosen(version: DeltaVersion, comparisons: tuple[Comparison, ...], keys: tuple[Keys, ...]) -> pruning.Mask:
    chosen = np.ones(version.actions.num_rows, dtype=np.bool_)
    columns = {column.name: column for column in version.columns}
    for comparison in comparisons:
        column = columns.get(comparison.column)
        bounds = bounds_of(version, column) if column is not None else None
        if bounds is not None:
            chosen &= pruning.may_match(comparison, bounds)
    for each in keys:
        column = columns.get(each.column)
        bounds = bounds_of(version, column) if column is not None else None
        if bounds is not None:
            chosen &= pruning.may_hold(each.values, bounds)
    return chosen


def bounds_of(version: DeltaVersion, column: DeltaColumn) -> pruning.Bounds | None:
    """Return a column's statistics from the add actions, None where they carry none. A version has them found once."""
    if column.name not in version.bounds:
        version.bounds[column.name] = _bounds_of(version, column)
    return version.bounds[column.name]


def _bounds_of(version: DeltaVersion, column: DeltaColumn) -> pruning.Bounds | None:
    if column.name in version.partitions:
        return pruning.exact_values(partition_values(version, column))
    lower = statistic(version, "min", column.physical)
    upper = statistic(version, "max", column.physical)
    nulls = statistic(version, "null_count", column.physical)
    if nulls is None or "num_records" not in version.actions.column_names:
        return None
    rows = version.actions["num_records"].combine_chunks()
    if lower is None or upper is None:
        lower = upper = pa.nulls(len(rows), column.type)
    return pruning.Bounds(_as_written(lower), _widened(_as_written(upper)), nulls, rows)


def statistic(version: DeltaVersion, kind: str, physical: str) -> pa.Array | None:
    """Return one statistic (``min``, ``max``, ``null_count``) of a column, an entry a file, or None."""
    if kind not in version.actions.column_names:
        return None
    values = version.actions[kind].combine_chunks()
    at = values.type.get_field_index(physical)
    if at < 0 or pa.types.is_nested(values.type.field(at).type):
        return None
    return pc.struct_field(values, [at])


def partition_values(version: DeltaVersion, column: DeltaColumn) -> pa.Array:
    """Return a partition column's values, an entry a file."""
    values = version.actions["partition"].combine_chunks()
    return pc.struct_field(values, [values.type.get_field_index(column.name)]).cast(column.type)


def _as_written(bounds: pa.Array) -> pa.Array:
    """Return bounds without those that the log cannot tell: numerics stand in it as floats, which have 15 digits."""
    if not pa.types.is_decimal(bounds.type) or bounds.type.precision <= sys.float_info.dig:
        return bounds
    least = pa.scalar(Decimal(10**sys.float_info.dig).scaleb(-bounds.type.scale), bounds.type)
    return pc.if_else(pc.less(pc.abs(bounds), least), bounds, pa.scalar(None, bounds.type))


def _widened(upper: pa.Array) -> pa.Array:
    """Undo what writers lose: timestamps are cut to milliseconds, long texts end in a tie breaker."""
    if pa.types.is_timestamp(upper.type):
        micros = upper.cast(pa.timestamp("us", upper.type.tz))
        return pc.add(micros.cast(pa.int64()), _MILLISECOND).cast(micros.type)
    if pa.types.is_string(upper.type) or pa.types.is_large_string(upper.type):
        cut = pc.or_(*(pc.ends_with(upper, pattern=breaker) for breaker in _TIE_BREAKERS))
        return pc.if_else(cut, pa.scalar(None, upper.type), upper)
    return upper


# Groups


def _groups(version: DeltaVersion, chosen: pruning.Mask, deleted: pa.Table | None) -> list[FileGroup]:
    """Return a group for each set of files that agree in partition values, column names and having deleted rows."""
    files = version.files.filter(pa.array(chosen))
    if not len(files):
        return []
    keys: dict[str, pa.Array] = {"file": files}
    for column in version.columns:
        if column.name in version.partitions:
            keys[f"partition {column.name}"] = partition_values(version, column).filter(pa.array(chosen))
    with_deletes = (
        pc.is_in(files, value_set=deleted["file"].unique().cast(pa.string())) if deleted is not None else None
    )
    keys["deletes"] = with_deletes if with_deletes is not None else pa.array(np.zeros(len(files), dtype=np.bool_))
    keys["names"] = _names_of_columns(version, files)
    table = pa.table(keys)
    by = [name for name in table.column_names if name != "file"]
    grouped = table.group_by(by, use_threads=False).aggregate([("file", "list")])
    return [_group(version, grouped, at, deleted) for at in range(grouped.num_rows)]


def _group(version: DeltaVersion, grouped: pa.Table, at: int, deleted: pa.Table | None) -> FileGroup:
    files = tuple(grouped["file_list"][at].as_py())
    names = grouped["names"][at].as_py().split("\n") if version.maps_by_id else None
    columns: list[Physical | Constant] = []
    fields: list[pa.Field] = []
    for place, column in enumerate(version.columns):
        physical = names[place] if names is not None else column.physical
        if column.name in version.partitions:
            columns.append(Constant(grouped[f"partition {column.name}"][at]))
        elif not physical or pa.types.is_null(column.type):
            columns.append(Constant(pa.scalar(None, column.type)))
        else:
            columns.append(Physical(physical))
            fields.append(pa.field(physical, column.physical_type))
    positions = None
    if deleted is not None and grouped["deletes"][at].as_py():
        mine = pc.is_in(deleted["file"].cast(pa.string()), value_set=pa.array(files, pa.string()))
        positions = deleted.filter(mine)
    return FileGroup("parquet", files, tuple(columns), pa.schema(fields), positions, immutable=True)


def _names_of_columns(version: DeltaVersion, files: pa.Array) -> pa.Array:
    """Return by file the names of the table's columns in it, joined. Files tell them apart only where columns are
    mapped by field id: elsewhere the log alone gives the names, and a column that a file lacks is NULL.
    """
    if not version.maps_by_id:
        return pa.array([""] * len(files), pa.string())
    return pa.array(["\n".join(_names_in(file, version)) for file in files.to_pylist()], pa.string())


def _names_in(file: str, version: DeltaVersion) -> list[str]:
    footer = _footer(file, version)
    by_id = {int(id_): each.name for each in footer if (id_ := (each.metadata or {}).get(b"PARQUET:field_id"))}
    if not by_id:  # written before the table was mapped
        return [column.physical if column.physical in footer.names else "" for column in version.columns]
    return [by_id.get(column.field_id, "") if column.field_id is not None else "" for column in version.columns]


def _footer(file: str, version: DeltaVersion) -> pa.Schema:
    with _footers_lock:
        known = _footers.get(file)
    if known is None:
        store, path = filesystem(file, version.options)
        known = pq.read_schema(path, filesystem=store)
        with _footers_lock:
            _footers[file] = known
    return known
