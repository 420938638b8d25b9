"""One version of an Iceberg table: its metadata, its files, and the files' statistics as columns."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from pyiceberg.conversions import from_bytes
from pyiceberg.io import FileIO
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.types import FixedType, PrimitiveType, UUIDType

from catalog.statistics import TableStatistics
from connectors import pruning
from connectors.iceberg.manifests import LiveFile, ManifestReader, SnapshotFiles
from connectors.iceberg.table_fields import IcebergColumn, columns_of
from connectors.kept_scans import KeptScans

_NO_FILES = SnapshotFiles((), (), ())


@dataclass(slots=True, weakref_slot=True)
class IcebergVersion:
    """Never changes, but for what is read on demand and then kept."""

    metadata_location: str
    metadata: TableMetadata
    io: FileIO
    options: Mapping[str, str]
    reader: ManifestReader
    columns: tuple[IcebergColumn, ...] = ()
    statistics: TableStatistics | None = None  # once somebody asked
    scans: KeptScans = field(default_factory=KeptScans)
    _files: SnapshotFiles | None = None
    _bounds: dict[int, pruning.Bounds | None] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.columns = columns_of(self.metadata)

    @property
    def snapshot(self) -> Snapshot | None:
        """The current snapshot, None for a table that was never written."""
        return self.metadata.current_snapshot()

    @property
    def name(self) -> str:
        """What tells this version from every other: snapshot and schema, for a schema may change without a snapshot."""
        snapshot = self.metadata.current_snapshot_id
        return f"{'empty' if snapshot is None else snapshot}/{self.metadata.current_schema_id}"

    def files(self) -> SnapshotFiles:
        """Return the live files, read once."""
        with self._lock:
            if self._files is None:
                snapshot = self.snapshot
                self._files = _NO_FILES if snapshot is None else self.reader.read(snapshot, self.io)
            return self._files

    def bounds(self, column: IcebergColumn) -> pruning.Bounds | None:
        """Return a column's statistics over the data files, None where it has no order."""
        with self._lock:
            if column.field_id not in self._bounds:
                found = value_bounds(self.files().data, column)
                self._bounds[column.field_id] = None if found is None else _nan_above(self.files().data, column, found)
            return self._bounds[column.field_id]

    def rows(self) -> int | None:
        """Return the number of rows by the snapshot's summary; rows deleted by equality still count."""
        return self._total("total-records", 0, "total-position-deletes")

    def bytes(self) -> int | None:
        """Return the size of the data files by the snapshot's summary."""
        return self._total("total-files-size", 0)

    def _total(self, name: str, of_empty: int, *less: str) -> int | None:
        snapshot = self.snapshot
        if snapshot is None:
            return of_empty
        summary: Mapping[str, str] = snapshot.summary.additional_properties if snapshot.summary else {}
        if name not in summary:
            return None
        return int(summary[name]) - sum(int(summary.get(each, 0)) for each in less)


def value_bounds(files: tuple[LiveFile, ...], column: IcebergColumn) -> pruning.Bounds | None:
    """Return a column's statistics over files with NaN left aside, None where it has no order."""
    kind, id_ = column.iceberg_type, column.field_id
    if not isinstance(kind, PrimitiveType) or isinstance(kind, (UUIDType, FixedType)):
        return None
    nulls = pa.array([file.nulls.get(id_) for file in files], pa.int64())
    rows = pa.array([file.values.get(id_, file.rows) for file in files], pa.int64())
    lower = _values([file.lower.get(id_) for file in files], kind, column.type)
    upper = _values([file.upper.get(id_) for file in files], kind, column.type)
    return pruning.Bounds(lower, upper, nulls, rows)


def _nan_above(files: tuple[LiveFile, ...], column: IcebergColumn, found: pruning.Bounds) -> pruning.Bounds:
    """Make upper bounds unknown where NaN, which is above every number, may occur."""
    upper = found.upper
    if pa.types.is_floating(column.type):
        unknown = np.array([file.nans.get(column.field_id) != 0 for file in files], dtype=np.bool_)
        upper = pa.array(
            upper.to_numpy(zero_copy_only=False), column.type, mask=unknown | upper.is_null().to_numpy(False)
        )
    return replace(found, upper=upper, nans=False)


def _values(encoded: Iterable[bytes | None], kind: PrimitiveType, arrow: pa.DataType) -> pa.Array:
    """Return bounds, which manifests store as bytes, in the column's type; NULL for what cannot be decoded."""
    values = [_decoded(each, kind) for each in encoded]
    types = pa.types
    if types.is_date(arrow) or types.is_time(arrow) or types.is_timestamp(arrow):
        stored = pa.int32() if types.is_date(arrow) else pa.int64()
        return pa.array(values, stored).cast(arrow)
    return pa.array(values, arrow)


def _decoded(encoded: bytes | None, kind: PrimitiveType) -> Any:
    if encoded is None:
        return None
    try:
        return from_bytes(kind, encoded)
    except (ValueError, TypeError, ArithmeticError, struct.error):  # the bound of a type before its promotion
        return None
