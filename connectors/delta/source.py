"""Delta Lake as a source: every folder with a ``_delta_log`` at or below a location is a table."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from pyarrow import ArrowException, fs

from catalog.errors import SqlError
from catalog.names import TableName, schema_for
from catalog.scans import Comparison, FileScan, Keys, Snapshot
from catalog.sqlstate import SqlState
from catalog.statistics import TableStatistics
from catalog.tables import Column, Discovery, Table, layout_of
from catalog.types import sql_type_of
from connectors.delta.file_scan import scan_files
from connectors.delta.statistics import statistics_of
from connectors.delta.table_log import DeltaVersion, TableLog
from connectors.file_statistics import as_clients_see_it
from connectors.object_stores import filesystem, is_local, plain_location

_LOG = "_delta_log"


class DeltaSource:
    """Implements `catalog.scans.Source`. ``storage_options`` are those of the deltalake library."""

    kind = "delta"

    def __init__(self, name: str, location: str, storage_options: Mapping[str, str]) -> None:
        self.name = name
        self._options = dict(storage_options)
        plain = plain_location(location)
        self._location = filesystem(plain, {})[1] if is_local(plain) else plain.rstrip("/")
        self._logs: dict[str, TableLog] = {}
        self._pinned: dict[TableName, tuple[Table, Snapshot]] = {}  # for what was last asked, and the answer
        self._lock = threading.Lock()

    def discover(self) -> Discovery:
        """Return all tables. Raises SqlError where the location does not exist or cannot be listed."""
        tables: dict[TableName, Table] = {}
        broken: dict[TableName, str] = {}
        for uri, namespace, name in self._folders():
            table_name = TableName(schema_for(self.name, namespace), name)
            if table_name in tables or table_name in broken:
                broken.setdefault(table_name, f"there are several Delta tables of this name: {uri} is left out")
                continue
            try:
                tables[table_name] = self._table(table_name, uri, self._log(uri).current())
            except SqlError as failure:
                broken[table_name] = failure.message
        schemas: dict[str, str | None] = {self.name: None}
        schemas.update((name.schema, None) for name in (*tables, *broken))
        return Discovery(self.name, tuple(tables.values()), schemas, broken)

    def pin(self, table: Table) -> Snapshot:
        """Return the table's current version. Its ``table`` has that version's columns, which may be newer than those
        of the argument.
        """
        version = self._require_current(table)
        pinned = self._pinned.get(table.name)
        if pinned is not None and pinned[0] is table and pinned[1].state is version:
            return pinned[1]
        current = table
        if _columns_of(version) != table.columns:
            current = self._table(table.name, table.remote[0], version)
        snapshot = Snapshot(current, str(version.version), version.rows(), version.bytes, version)
        self._pinned[table.name] = table, snapshot
        return snapshot

    def scan(
        self,
        snapshot: Snapshot,
        columns: tuple[str, ...],
        comparisons: tuple[Comparison, ...],
        keys: tuple[Keys, ...] = (),
    ) -> FileScan:
        """Return the files to read; ``columns`` do not matter, files are read by column anyway."""
        version = snapshot.state
        if not isinstance(version, DeltaVersion):
            raise TypeError("not a snapshot of a Delta table")
        try:
            return scan_files(version, comparisons, keys)
        except (OSError, ArrowException) as failure:
            raise SqlError(SqlState.FDW_ERROR, f'cannot read files of "{snapshot.table.name}"') from failure

    def takes(self, table: Table, comparison: Comparison) -> bool:
        """Nothing is applied exactly: comparisons only leave out files."""
        return False

    def statistics(self, table: Table) -> TableStatistics:
        """Return what the current version's log says, computed once for each version."""
        version = self._require_current(table)
        if version.statistics is None:
            version.statistics = statistics_of(version)
        return as_clients_see_it(version.statistics, {each.name: each.type for each in version.columns}, table)

    def close(self) -> None:
        """Forget the open tables."""
        with self._lock:
            self._logs.clear()
            self._pinned.clear()

    def _require_current(self, table: Table) -> DeltaVersion:
        try:
            return self._log(table.remote[0]).current()
        except SqlError as failure:
            raise SqlError(
                failure.sqlstate, f'table "{table.name}" of source "{self.name}": {failure.message}'
            ) from failure

    def _log(self, uri: str) -> TableLog:
        with self._lock:
            return self._logs.setdefault(uri, TableLog(uri, self._options))

    def _table(self, name: TableName, uri: str, version: DeltaVersion) -> Table:
        return Table(
            name=name,
            source=self.name,
            kind=self.kind,
            remote=(uri,),
            columns=_columns_of(version),
            comment=version.comment,
            rows=version.written_rows,
            bytes=version.bytes,
            layout=layout_of(version.partitions),
        )

    def _folders(self) -> Iterator[tuple[str, str, str]]:
        """Yield each table's location, namespace (parent folders joined by ``_``) and name, in order of the path."""
        try:
            store, root = filesystem(self._location, self._options)
            yield from self._below(store, root, PurePosixPath())
        except (OSError, ArrowException) as failure:
            raise SqlError(
                SqlState.IO_ERROR,
                f'source "{self.name}": cannot list its location',
                detail=f'It is "{self._location}": {failure}',
            ) from failure

    def _below(self, store: fs.FileSystem, folder: str, relative: PurePosixPath) -> Iterator[tuple[str, str, str]]:
        entries = store.get_file_info(fs.FileSelector(folder))
        folders = sorted(entry.base_name for entry in entries if entry.type == fs.FileType.Directory)
        if _LOG in folders:
            name = relative.name or PurePosixPath(self._location).name
            namespace = "_".join(relative.parts[:-1])
            yield (f"{self._location}/{relative}" if relative.parts else self._location), namespace, name
            return
        for name in folders:
            if not name.startswith((".", "_")):
                yield from self._below(store, f"{folder}/{name}", relative / name)


def _columns_of(version: DeltaVersion) -> tuple[Column, ...]:
    return tuple(
        Column(
            column.name,
            sql_type_of(column.type),
            column.type,
            column.nullable,
            column.comment,
            # Without column mapping a column cannot be renamed, only another one be written in its place.
            None if column.field_id is None else f"{version.table_id}/{column.field_id}",
        )
        for column in version.columns
    )
