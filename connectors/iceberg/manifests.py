"""The live files of an Iceberg snapshot, read from its manifests; each manifest is read once for all snapshots."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyiceberg.avro.file import AvroFile
from pyiceberg.io import FileIO
from pyiceberg.manifest import (
    DATA_FILE_TYPE,
    MANIFEST_ENTRY_SCHEMAS,
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
)
from pyiceberg.table.snapshots import Snapshot

_VERSION = 3  # of the entries' schema: older manifests lack its fields, which are then NULL
_PLACES = {field.field_id: place for place, field in enumerate(DATA_FILE_TYPE[_VERSION].fields)}
_REFERENCED, _OFFSET, _SIZE = _PLACES[143], _PLACES[144], _PLACES[145]


@dataclass(frozen=True, slots=True)
class LiveFile:
    """A data or delete file with what the manifest tells of it. Counts and bounds are by field id.

    ``referenced``, ``offset`` and ``length`` locate a deletion vector and name its data file.
    """

    content: DataFileContent
    location: str
    format: str
    sequence: int
    spec_id: int
    partition: tuple[Any, ...]
    rows: int
    sizes: Mapping[int, int]
    values: Mapping[int, int]
    nulls: Mapping[int, int]
    nans: Mapping[int, int]
    lower: Mapping[int, bytes]
    upper: Mapping[int, bytes]
    equality_ids: tuple[int, ...]
    encrypted: bool
    referenced: str | None
    offset: int | None
    length: int | None


@dataclass(frozen=True, slots=True)
class SnapshotFiles:
    """All live files of a snapshot by what they hold."""

    data: tuple[LiveFile, ...]
    position_deletes: tuple[LiveFile, ...]
    equality_deletes: tuple[LiveFile, ...]


class ManifestReader:
    """Reads the manifests of one table. Safe for several threads."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[LiveFile, ...]] = {}
        self._lock = threading.Lock()

    def read(self, snapshot: Snapshot, io: FileIO) -> SnapshotFiles:
        """Return the snapshot's files; what is kept afterwards are the entries of its manifests."""
        manifests = snapshot.manifests(io)
        with self._lock:
            known = self._known
        entries = {
            manifest.manifest_path: known.get(manifest.manifest_path) or _entries(manifest, io)
            for manifest in manifests
        }
        with self._lock:
            self._known = entries
        files = [file for manifest in manifests for file in entries[manifest.manifest_path]]
        return SnapshotFiles(
            data=tuple(file for file in files if file.content == DataFileContent.DATA),
            position_deletes=tuple(file for file in files if file.content == DataFileContent.POSITION_DELETES),
            equality_deletes=tuple(file for file in files if file.content == DataFileContent.EQUALITY_DELETES),
        )


def _entries(manifest: ManifestFile, io: FileIO) -> tuple[LiveFile, ...]:
    with AvroFile[ManifestEntry](
        io.new_input(manifest.manifest_path),
        MANIFEST_ENTRY_SCHEMAS[_VERSION],
        read_types={-1: ManifestEntry, 2: DataFile},
        read_enums={0: ManifestEntryStatus, 101: FileFormat, 134: DataFileContent},
    ) as reader:
        return tuple(_live_file(entry, manifest) for entry in reader if entry.status != ManifestEntryStatus.DELETED)


def _live_file(entry: ManifestEntry, manifest: ManifestFile) -> LiveFile:
    file = entry.data_file
    details = [file[place] if place < len(file) else None for place in (_REFERENCED, _OFFSET, _SIZE)]
    return LiveFile(
        content=DataFileContent.DATA if file.content is None else file.content,
        location=file.file_path,
        format=str(file.file_format.value).lower(),
        sequence=manifest.sequence_number or 0 if entry.sequence_number is None else entry.sequence_number,
        spec_id=manifest.partition_spec_id,
        partition=tuple(file.partition[at] for at in range(len(file.partition))),
        rows=file.record_count,
        sizes=dict(file.column_sizes or {}),
        values=dict(file.value_counts or {}),
        nulls=dict(file.null_value_counts or {}),
        nans=dict(file.nan_value_counts or {}),
        lower=dict(file.lower_bounds or {}),
        upper=dict(file.upper_bounds or {}),
        equality_ids=tuple(file.equality_ids or ()),
        encrypted=file.key_metadata is not None,
        referenced=details[0],
        offset=details[1],
        length=details[2],
    )
