"""A Delta table kept open: its current version, found with two file look-ups where nothing changed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from catalog.statistics import TableStatistics
from connectors.kept_scans import KeptScans
from connectors.object_stores import is_local, plain_location, without_places
from connectors.pruning import Bounds

_SECONDS_TRUSTED = 60.0  # so long the absence of the next commit's file counts; old commits may be cleaned away
_PHYSICAL_NAME = b"delta.columnMapping.physicalName"
_FIELD_ID = b"delta.columnMapping.id"
_FAILURES = (DeltaError, OSError, ValueError, NotImplementedError)


@dataclass(frozen=True, slots=True)
class DeltaColumn:
    """A column under its name and under the one that files and their statistics use.

    ``physical_type`` is ``type`` with the names that files use for nested fields.
    """

    name: str
    physical: str
    field_id: int | None
    type: pa.DataType
    physical_type: pa.DataType
    nullable: bool
    comment: str | None


@dataclass(slots=True, weakref_slot=True)
class DeltaVersion:
    """One version of a table: never changes, but for what is read on demand and then kept.

    ``written_rows`` counts the rows that the files hold, deleted ones among them; None where a file does not say.
    ``bytes`` is the size of all files.
    """

    uri: str
    version: int
    table_id: str
    columns: tuple[DeltaColumn, ...]
    partitions: tuple[str, ...]
    maps_by_id: bool
    actions: pa.Table
    files: pa.Array
    comment: str | None
    has_deletion_vectors: bool
    options: Mapping[str, str]
    written_rows: int | None
    bytes: int
    statistics: TableStatistics | None = None  # once somebody asked
    scans: KeptScans = field(default_factory=KeptScans)
    bounds: dict[str, Bounds | None] = field(default_factory=dict)  # of columns that somebody asked about
    _deleted: pa.Table | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def deleted_positions(self) -> pa.Table | None:
        """Return the rows that deletion vectors take out (``file``, ``position``), None where there are none."""
        if not self.has_deletion_vectors:
            return None
        with self._lock:
            if self._deleted is None:
                table = _opened(self.uri, self.options, self.version)
                self._deleted = _positions(pa.RecordBatchReader.from_stream(table.deletion_vectors()), self.uri)
        return self._deleted if self._deleted.num_rows else None

    def rows(self) -> int | None:
        """Return the number of rows, None where a file does not say."""
        written, deleted = self.written_rows, self.deleted_positions()
        return written if written is None or deleted is None else written - deleted.num_rows


class TableLog:
    """A table's log, followed as it grows. Safe for several threads."""

    def __init__(self, uri: str, options: Mapping[str, str]) -> None:
        self.uri = uri
        self._options = dict(options)
        self._lock = threading.Lock()
        self._table: DeltaTable | None = None
        self._current: DeltaVersion | None = None
        self._commit: tuple[int, int, int] | None = None
        self._looked = 0.0

    def current(self) -> DeltaVersion:
        """Return the current version. Raises SqlError where the log cannot be read or asks for unknown features."""
        with self._lock:
            if self._current is not None and self._unchanged(self._current.version):
                return self._current
            try:
                return self._read()
            except BaseException as failure:
                self._table = self._current = None
                if not isinstance(failure, _FAILURES) and type(failure).__name__ != "PanicException":
                    raise  # the library panics for some paths (brackets): that is a broken table too
                raise SqlError(SqlState.FDW_ERROR, f"cannot read the Delta table: {_reason(failure)}") from failure

    def _unchanged(self, version: int) -> bool:
        """Say whether no commit followed: the next one's file is absent and ours is the file it was."""
        if not is_local(self.uri) or time.monotonic() - self._looked > _SECONDS_TRUSTED:
            return False
        return (
            self._commit is not None
            and not self._commit_identity(version + 1)
            and (self._commit_identity(version) == self._commit)
        )

    def _commit_identity(self, version: int) -> tuple[int, int, int] | None:
        try:
            found = os.stat(f"{self.uri}/_delta_log/{version:020d}.json")  # noqa: PTH116
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _read(self) -> DeltaVersion:
        """Follow the log; from the start where the last commit seen is not there as it was (a table made anew)."""
        looked = time.monotonic()
        table, current = self._table, self._current
        followed = current is not None and (
            not is_local(self.uri)
            or (self._commit is not None and self._commit_identity(current.version) == self._commit)
        )
        if table is None or not followed:
            table, current = _opened(self.uri, self._options), None
        else:
            table.update_incremental()
        version = table.version()
        if current is None or current.version != version:
            current = _version_of(table, self.uri, self._options)
        self._commit = self._commit_identity(version) if is_local(self.uri) else None
        self._table, self._current, self._looked = table, current, looked
        return current


def _opened(uri: str, options: Mapping[str, str], version: int | None = None) -> DeltaTable:
    return DeltaTable(uri, version=version, storage_options=dict(options) or None)


def _version_of(table: DeltaTable, uri: str, options: Mapping[str, str]) -> DeltaVersion:
    metadata = table.metadata()
    protocol = table.protocol()
    actions = pa.table(table.get_add_actions(flatten=False))
    mode = metadata.configuration.get("delta.columnMapping.mode", "none")
    schema = pa.schema(table.schema().to_arrow())
    return DeltaVersion(
        uri=uri,
        version=table.version(),
        table_id=str(metadata.id),
        columns=tuple(_column(each, mode != "none") for each in schema),
        partitions=tuple(metadata.partition_columns),
        maps_by_id=mode == "id",
        actions=actions,
        files=pa.array([_absolute(path, uri) for path in actions["path"].to_pylist()], pa.string()),
        comment=metadata.description,
        has_deletion_vectors="deletionVectors" in (protocol.reader_features or ()),
        options=options,
        written_rows=_written_rows(actions),
        bytes=int(pc.sum(actions["size_bytes"]).as_py() or 0),
    )


def _written_rows(actions: pa.Table) -> int | None:
    counts = actions["num_records"] if "num_records" in actions.column_names else None
    return None if counts is None or counts.null_count else int(pc.sum(counts).as_py() or 0)


def _column(each: pa.Field, mapped: bool) -> DeltaColumn:
    metadata = each.metadata or {}
    field_id = metadata.get(_FIELD_ID)
    comment = metadata.get(b"comment")
    return DeltaColumn(
        name=each.name,
        physical=metadata.get(_PHYSICAL_NAME, each.name.encode()).decode() if mapped else each.name,
        field_id=int(field_id) if field_id and mapped else None,
        type=_plain(each.type),
        physical_type=_plain(each.type, mapped),
        nullable=each.nullable,
        comment=comment.decode() if comment else None,
    )


def _plain(arrow: pa.DataType, physical: bool = False) -> pa.DataType:
    """Return the type without metadata of nested fields; with ``physical`` they have the names that files use."""
    types = pa.types
    if types.is_struct(arrow):
        return pa.struct([_plain_field(each, physical) for each in arrow])
    if types.is_list(arrow) or types.is_large_list(arrow):
        return pa.list_(pa.field("item", _plain(arrow.value_type, physical), arrow.value_field.nullable))
    if types.is_map(arrow):
        return pa.map_(_plain(arrow.key_type, physical), _plain(arrow.item_type, physical))
    return _SMALL.get(arrow, arrow)


_SMALL = {pa.large_string(): pa.string(), pa.large_binary(): pa.binary()}


def _plain_field(each: pa.Field, physical: bool) -> pa.Field:
    name = (each.metadata or {}).get(_PHYSICAL_NAME, each.name.encode()).decode() if physical else each.name
    return pa.field(name, _plain(each.type, physical), each.nullable)


def _absolute(path: str, uri: str) -> str:
    """Return a file of the log, whose paths are percent-encoded and may be absolute, as a plain location."""
    if "://" in path or path.startswith(("/", "file:")):
        return plain_location(unquote(path))
    return f"{uri}/{unquote(path)}"


def _positions(vectors: pa.RecordBatchReader, uri: str) -> pa.Table:
    """Return the positions that selection vectors leave out."""
    files: list[pa.Array] = []
    positions: list[pa.Array] = []
    for batch in vectors:
        paths, selections = batch.column(0).to_pylist(), batch.column(1)
        for at, path in enumerate(paths):
            kept = selections[at].values.to_numpy(zero_copy_only=False)
            deleted = np.flatnonzero(~kept).astype(np.int64)
            name = pa.array([_absolute(path, uri)], pa.string())
            files.append(pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(deleted), dtype=np.int32)), name))
            positions.append(pa.array(deleted))
    schema = pa.schema([("file", pa.dictionary(pa.int32(), pa.string())), ("position", pa.int64())])
    chunks: dict[str, Any] = {
        "file": pa.chunked_array(files, schema.field("file").type),
        "position": pa.chunked_array(positions, pa.int64()),
    }
    return pa.table(chunks, schema=schema).unify_dictionaries().combine_chunks()


def _reason(failure: BaseException) -> str:
    """Return the first line of what the library says, without places."""
    return without_places(str(failure).strip().split("\n", 1)[0])
