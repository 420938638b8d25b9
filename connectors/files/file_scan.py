"""Scans of a table of files: groups of files that are read alike, without partitions that cannot match."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from catalog.scans import Comparison, Constant, FileGroup, FileScan, Physical
from connectors.files.listing import DataFile
from connectors.files.schemas import CsvOptions, FileShape
from connectors.files.table_columns import partition_columns
from connectors.pruning import exact_values, may_match

_INFERRED_BY_THE_ENGINE = frozenset({"avro", "arrow"})  # their readers take no other schema than the file's own


@dataclass(frozen=True, slots=True)
class FilesVersion:
    """The files of a snapshot, the shape of each, and the columns of the table that they make."""

    files: tuple[DataFile, ...]
    shapes: tuple[FileShape, ...]
    schema: pa.Schema


def scan_files(
    key: str,
    version: FilesVersion,
    comparisons: Iterable[Comparison],
    csv: CsvOptions,
    storage: Mapping[str, str],
) -> FileScan:
    """Return the scan of a version; ``key`` names it, and is completed with the choice of files."""
    constants = constants_of(version.files)
    kept = _kept(constants, comparisons, len(version.files))
    groups: dict[object, list[int]] = defaultdict(list)
    for at in np.flatnonzero(kept).tolist():
        groups[_likeness(version, at)].append(at)
    if not kept.all():
        key = f"{key}:{hashlib.sha256(np.packbits(kept).tobytes()).hexdigest()[:16]}"
    return FileScan(
        key=key,
        schema=version.schema,
        groups=tuple(_group(version, members, constants, csv) for members in groups.values()),
        files_known=len(version.files),
        storage=dict(storage),
    )


def constants_of(files: Sequence[DataFile]) -> dict[str, pa.Array]:
    """Return the partition columns' values, an entry a file."""
    return {
        field.name: pa.array([file.partitions[at][1] for file in files], pa.string()).cast(field.type)
        for at, field in enumerate(partition_columns(files))
    }


def _kept(constants: Mapping[str, pa.Array], comparisons: Iterable[Comparison], files: int) -> np.ndarray:
    kept = np.ones(files, dtype=np.bool_)
    for comparison in comparisons:
        values = constants.get(comparison.column)
        if values is not None:
            kept &= may_match(comparison, exact_values(values))
    return kept


def _likeness(version: FilesVersion, at: int) -> object:
    """Return what files of one group have in common. NDJSON goes by names of keys, whichever a file has."""
    file, schema = version.files[at], version.shapes[at].schema
    if file.format == "json":
        physical: object = None
    elif file.format == "csv":
        physical = tuple(schema.names)
    else:
        physical = schema.to_string(show_field_metadata=False)
    return file.partitions, file.compression, file.tabs, physical


def _group(
    version: FilesVersion, members: Sequence[int], constants: Mapping[str, pa.Array], csv: CsvOptions
) -> FileGroup:
    file = version.files[members[0]]
    physical = _physical(version, members[0], constants)
    columns: list[Physical | Constant] = []
    for field in version.schema:
        if field.name in constants:
            columns.append(Constant(constants[field.name][members[0]]))
        elif field.name in physical.names:
            columns.append(Physical(field.name))
        else:
            columns.append(Constant(pa.scalar(None, field.type)))
    return FileGroup(
        format=file.format,
        files=tuple(version.files[at].location for at in members),
        columns=tuple(columns),
        schema=None if file.format in _INFERRED_BY_THE_ENGINE else physical,
        options=_options(file, csv),
    )


def _physical(version: FilesVersion, at: int, constants: Mapping[str, pa.Array]) -> pa.Schema:
    """Return the columns to declare for a file: its own, or for text the table's types under the file's names."""
    file, own = version.files[at], version.shapes[at].schema
    if file.format == "json":
        return pa.schema([field for field in version.schema if field.name not in constants])
    if file.format == "csv":
        types = {field.name: field.type for field in version.schema}
        return pa.schema([pa.field(name, pa.string() if name in constants else types[name]) for name in own.names])
    return own


def _options(file: DataFile, csv: CsvOptions) -> dict[str, str]:
    options = {}
    if file.compression is not None:
        options["format.compression"] = file.compression
    if file.format == "csv":
        options["format.has_header"] = str(csv.header).lower()
        options["format.delimiter"] = csv.delimiter_of(file)
        options["format.newlines_in_values"] = "true"  # without it a large file is cut at any line break
    return options
