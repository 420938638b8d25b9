"""Which files below a location make up which table."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import unquote

from pyarrow import fs

from connectors.object_stores import filesystem, is_local, plain_location

_FORMATS = {
    ".parquet": "parquet",
    ".parq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".ndjson": "json",
    ".jsonl": "json",
    ".avro": "avro",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
_COMPRESSIONS = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
_COMPRESSIBLE = frozenset({"csv", "json"})
_NOT_IN_NAMES = re.compile(r"[^a-z0-9_]+")
_PARTITION = re.compile(r"([^=]+)=(.*)\Z")
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file with data. ``location`` is its absolute path or URL, ``path`` the same for the file system object;
    ``partitions`` are the values that its folders give, as text (None: NULL).
    """

    location: str
    path: str
    size: int
    modified: int  # nanoseconds of the Unix epoch
    format: str
    compression: str | None = None
    tabs: bool = False
    partitions: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class FileSet:
    """The files of one table, in order of their paths. ``entry`` is the file or folder below the location; ``broken``
    says why they are no table.
    """

    name: str
    entry: str
    files: tuple[DataFile, ...]
    broken: str | None = None

    def version(self) -> str:
        """Return a name for exactly these files: it changes when one is written, added or removed."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(f"{file.location}\0{file.size}\0{file.modified}\n".encode())
        return digest.hexdigest()[:32]


def file_sets(location: str, options: Mapping[str, str], only: str | None = None) -> list[FileSet]:
    """Return the tables of a location: each file in it, each folder in it with all that is below. With ``only`` the one
    of that entry. Raises what the file system raises.
    """
    store, root = filesystem(location, options)
    selector = root if only is None else f"{root}/{only}"
    prefix = "" if is_local(plain := plain_location(location)) else f"{plain.partition('://')[0]}://"
    by_entry: dict[str, list[DataFile]] = {}
    foreign: dict[str, str] = {}
    for info in _listed(store, selector):
        relative = PurePosixPath(info.path).relative_to(root)
        entry = relative.parts[0]
        if kind := _table_format(relative):
            foreign[entry] = kind
        file = _data_file(info, relative, prefix)
        if file is not None:
            by_entry.setdefault(entry, []).append(file)
    found = [_file_set(entry, files, foreign.get(entry)) for entry, files in sorted(by_entry.items())]
    return _distinct(found)


def _listed(store: fs.FileSystem, path: str) -> Iterable[fs.FileInfo]:
    info = store.get_file_info(path)
    if info.type == fs.FileType.File:
        return [info]
    found = store.get_file_info(fs.FileSelector(path, recursive=True))
    return sorted((each for each in found if each.type == fs.FileType.File), key=lambda each: str(each.path))


def _data_file(info: fs.FileInfo, relative: PurePosixPath, prefix: str) -> DataFile | None:
    """Return the file, or None for what is none of ours: hidden, empty, or of an unknown format."""
    hidden = any(part.startswith((".", "_")) and "=" not in part for part in relative.parts)
    suffixes = [suffix.lower() for suffix in relative.suffixes]
    compression = _COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    format_ = _FORMATS.get(suffixes[-2 if compression else -1]) if len(suffixes) > bool(compression) else None
    if hidden or format_ is None or not info.size or (compression and format_ not in _COMPRESSIBLE):
        return None
    return DataFile(
        location=f"{prefix}{info.path}",
        path=info.path,
        size=info.size,
        modified=info.mtime_ns or 0,
        format=format_,
        compression=compression,
        tabs=".tsv" in suffixes,
        partitions=tuple(_partitions(relative.parts[1:-1])),
    )


def _partitions(folders: Iterable[str]) -> Iterable[tuple[str, str | None]]:
    for folder in folders:
        match = _PARTITION.match(folder)
        if match:
            value = unquote(match[2])
            yield unquote(match[1]), None if value == _HIVE_NULL else value


def _table_format(relative: PurePosixPath) -> str | None:
    """Return which table format's metadata this file is: its data files are not to be read one by one."""
    if "_delta_log" in relative.parts:
        return "delta"
    is_iceberg = (
        len(relative.parts) > 2 and relative.parts[-2] == "metadata" and relative.name.endswith(".metadata.json")
    )
    return "iceberg" if is_iceberg else None


def _file_set(entry: str, files: list[DataFile], foreign: str | None) -> FileSet:
    broken = None
    formats = sorted({file.format for file in files})
    keys = {tuple(key for key, _ in file.partitions) for file in files}
    if foreign is not None:
        broken = f'"{entry}" holds a table in another format: mount it as a source of kind "{foreign}"'
    elif len(formats) > 1:
        broken = f'the files of "{entry}" have several formats: {", ".join(formats)}'
    elif len(keys) > 1:
        broken = f'the files of "{entry}" are partitioned in different ways'
    return FileSet(table_name(entry), entry, tuple(files), broken)


def table_name(entry: str) -> str:
    """Return the table's name for a file or folder: without its suffixes, in lower case, plain in SQL."""
    path = PurePosixPath(entry)
    while path.suffix.lower() in _FORMATS or path.suffix.lower() in _COMPRESSIONS:
        path = path.with_suffix("")
    name = _NOT_IN_NAMES.sub("_", path.name.lower()).strip("_") or "_"
    return f"_{name}" if name[0].isdigit() else name


def _distinct(found: list[FileSet]) -> list[FileSet]:
    """Mark those that share a name: neither is the table of that name."""
    entries: dict[str, list[str]] = {}
    for each in found:
        entries.setdefault(each.name, []).append(each.entry)
    return [
        each
        if len(entries[each.name]) == 1
        else replace(each, broken=f"several files have this name: {', '.join(entries[each.name])}")
        for each in found
    ]
