"""Files as a source: every file, and every folder of files of one format, directly below a location is a table."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq
from cachetools import LRUCache

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.scans import Comparison, FileScan, Keys, Snapshot
from catalog.sqlstate import SqlState
from catalog.statistics import TableStatistics
from catalog.tables import Column, Discovery, Table, layout_of
from catalog.types import sql_type_of
from connectors.file_statistics import as_clients_see_it
from connectors.files.file_scan import FilesVersion, scan_files
from connectors.files.listing import DataFile, FileSet, file_sets
from connectors.files.schemas import CsvOptions, FileShape, UnreadableFileError, file_shape
from connectors.files.statistics import statistics_of
from connectors.files.table_columns import DifferentTypesError, table_columns
from connectors.object_stores import filesystem, is_local, plain_location
from connectors.pruning import comparisons_of

_FOOTERS_AT_ONCE = 8


class FilesSource:
    """Implements `catalog.scans.Source`. A file's schema is read once, and again only when the file has changed."""

    kind = "files"

    def __init__(
        self, name: str, location: str, storage_options: Mapping[str, str], csv: CsvOptions | None = None
    ) -> None:
        if csv is not None and len(csv.delimiter.encode()) != 1:
            raise SqlError(SqlState.INVALID_PARAMETER_VALUE, f'the delimiter of source "{name}" must be one character')
        self.name = name
        self._options = dict(storage_options)
        plain = plain_location(location)
        self._location = filesystem(plain, {})[1] if is_local(plain) else plain.rstrip("/")
        self._csv = csv or CsvOptions()
        self._shapes: LRUCache[DataFile, FileShape] = LRUCache(maxsize=100_000)
        self._statistics: LRUCache[str, TableStatistics] = LRUCache(maxsize=10_000)  # by version
        self._lock = threading.Lock()

    def discover(self) -> Discovery:
        """Return all tables. Raises SqlError where the location does not exist or cannot be listed."""
        tables: dict[TableName, Table] = {}
        broken: dict[TableName, str] = {}
        for files in self._listed():
            name = TableName(self.name, files.name)
            try:
                tables[name] = self._table(name, files, self._version(files))
            except SqlError as failure:
                broken[name] = failure.message
        return Discovery(self.name, tuple(tables.values()), {self.name: None}, broken)

    def pin(self, table: Table) -> Snapshot:
        """Return the files there are now. The snapshot's ``table`` has their columns, which may be newer than those of
        the argument.
        """
        files = next((each for each in self._listed(only=table.remote[0])), None)
        if files is None:
            raise SqlError(SqlState.UNDEFINED_FILE, f'the files of table "{table.name}" do not exist any more')
        try:
            version = self._version(files)
        except SqlError as failure:
            raise SqlError(failure.sqlstate, f'table "{table.name}": {failure.message}') from failure
        current = self._table(table.name, files, version)
        table = table if table.columns == current.columns else current
        return Snapshot(table, files.version(), current.rows, current.bytes, version)

    def scan(
        self,
        snapshot: Snapshot,
        columns: tuple[str, ...],
        comparisons: tuple[Comparison, ...],
        keys: tuple[Keys, ...] = (),
    ) -> FileScan:
        """Return the files to read, without those whose partition cannot match; ``columns`` do not matter."""
        version = snapshot.state
        if not isinstance(version, FilesVersion):
            raise TypeError("not a snapshot of a table of files")
        key = f"files:{self.name}:{snapshot.table.remote[0]}:{snapshot.version}"
        of_keys = (one for each in keys for one in comparisons_of(each))
        return scan_files(key, version, (*comparisons, *of_keys), self._csv, self._options)

    def takes(self, table: Table, comparison: Comparison) -> bool:
        """Nothing is applied exactly: comparisons only leave out files."""
        return False

    def statistics(self, table: Table) -> TableStatistics:
        """Return what the footers of the current files say, read once for each version."""
        snapshot = self.pin(table)
        version = snapshot.state
        if not isinstance(version, FilesVersion):
            raise TypeError("not a snapshot of a table of files")
        with self._lock:
            known = self._statistics.get(snapshot.version)
        if known is None:
            known = statistics_of(version, self._footer)
            with self._lock:
                self._statistics[snapshot.version] = known
        return as_clients_see_it(known, {field.name: field.type for field in version.schema}, table)

    def close(self) -> None:
        """Forget schemas and statistics."""
        with self._lock:
            self._shapes.clear()
            self._statistics.clear()

    def _footer(self, file: DataFile) -> pq.FileMetaData:
        store, _ = filesystem(self._location, self._options)
        try:
            return pq.read_metadata(file.path, filesystem=store)
        except (OSError, pa.ArrowException) as failure:
            raise SqlError(SqlState.IO_ERROR, f'file "{_name(file)}" cannot be read') from failure

    def _listed(self, only: str | None = None) -> list[FileSet]:
        try:
            return file_sets(self._location, self._options, only)
        except FileNotFoundError as failure:
            if only is not None:
                return []
            raise self._unreachable() from failure
        except (OSError, pa.ArrowException) as failure:
            raise self._unreachable() from failure

    def _unreachable(self) -> SqlError:
        return SqlError(
            SqlState.IO_ERROR, f'source "{self.name}": cannot list its location', detail=f'It is "{self._location}".'
        )

    def _version(self, files: FileSet) -> FilesVersion:
        """Read the files' schemas. Raises SqlError with the reason for which they are no table."""
        if files.broken is not None:
            raise SqlError(SqlState.FDW_ERROR, files.broken)
        with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as threads:
            shapes = tuple(threads.map(self._shape, files.files))
        try:
            columns = table_columns(files.files, shapes)
        except DifferentTypesError as failure:
            raise SqlError(SqlState.FDW_ERROR, str(failure)) from failure
        return FilesVersion(files.files, shapes, columns)

    def _shape(self, file: DataFile) -> FileShape:
        with self._lock:
            known = self._shapes.get(file)
        if known is not None:
            return known
        try:
            store, _ = filesystem(self._location, self._options)
            known = file_shape(store, file, self._csv)
        except UnreadableFileError as failure:
            raise SqlError(SqlState.FDW_ERROR, f'file "{_name(file)}" cannot be read: {failure}') from failure
        except OSError as failure:
            raise SqlError(SqlState.IO_ERROR, f'file "{_name(file)}" cannot be opened') from failure
        with self._lock:
            self._shapes[file] = known
        return known

    def _table(self, name: TableName, files: FileSet, version: FilesVersion) -> Table:
        return Table(
            name=name,
            source=self.name,
            kind=self.kind,
            remote=(files.entry,),
            columns=tuple(_columns(version.schema)),
            rows=_sum(shape.rows for shape in version.shapes),
            bytes=sum(file.size for file in files.files),
            layout=layout_of(name for name, _ in files.files[0].partitions) if files.files else None,
        )


def _columns(schema: pa.Schema) -> Iterable[Column]:
    for field in schema:
        yield Column(field.name, sql_type_of(field.type), field.type, field.nullable)


def _sum(counts: Iterable[int | None]) -> int | None:
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total


def _name(file: DataFile) -> str:
    return file.path.rsplit("/", 1)[-1]
