"""Apache Iceberg as a source: the tables of any catalogue that pyiceberg can load."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyarrow import ArrowException
from pydantic import ValidationError
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.exceptions import ValidationError as IcebergValidationError
from pyiceberg.table import Table as PyIcebergTable
from sqlalchemy import Engine, Select, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.compiler import SQLCompiler

from catalog.errors import SqlError
from catalog.names import TableName, schema_for
from catalog.scans import Comparison, FileScan, Keys, Snapshot
from catalog.sqlstate import SqlState
from catalog.statistics import TableStatistics
from catalog.tables import Column, Discovery, Table
from catalog.types import sql_type_of
from connectors.file_statistics import as_clients_see_it
from connectors.iceberg.file_scan import scan_files
from connectors.iceberg.layout import layout_in_words
from connectors.iceberg.manifests import ManifestReader
from connectors.iceberg.statistics import statistics_of
from connectors.iceberg.table_version import IcebergVersion
from connectors.object_stores import without_places

_FAILURES = (
    OSError,
    ArrowException,
    SQLAlchemyError,
    ValidationError,
    IcebergValidationError,
    ValueError,
    TypeError,
    KeyError,
    NotImplementedError,
)


@dataclass(frozen=True, slots=True)
class _PointerQuery:
    """Where a table's current metadata is, as SQL of the catalogue's driver: it is asked for every statement, and made
    from a syntax tree that takes longer than the answer.
    """

    sql: str
    parameters: tuple[Any, ...] | dict[str, Any]

    @classmethod
    def of(cls, query: Select[str | None], engine: Engine) -> _PointerQuery:
        """Return a query in the words of the engine's driver."""
        compiled = query.compile(dialect=engine.dialect)
        values = dict(compiled.construct_params())
        names = compiled.positiontup if isinstance(compiled, SQLCompiler) and compiled.positional else None
        if names is None:
            return cls(str(compiled), values)
        return cls(str(compiled), tuple(values[name] for name in names))


@dataclass(slots=True)
class _Tracked:
    """A table as last seen. The lock lets one thread at a time read its metadata anew."""

    pointer: _PointerQuery | None
    version: IcebergVersion | None = None
    reader: ManifestReader = field(default_factory=ManifestReader)
    lock: threading.Lock = field(default_factory=threading.Lock)


class IcebergSource:
    """Implements `catalog.scans.Source`. ``catalog_properties`` are pyiceberg's; ``name`` among them is the
    catalogue's own name where it differs from the source's (an SQL catalogue holds several).
    """

    kind = "iceberg"

    def __init__(self, name: str, catalog_properties: Mapping[str, str]) -> None:
        self.name = name
        self._properties = dict(catalog_properties)
        self._catalog: Catalog | None = None
        self._tables: dict[tuple[str, ...], _Tracked] = {}
        self._pinned: dict[TableName, tuple[Table, Snapshot]] = {}  # for what was last asked, and the answer
        self._lock = threading.Lock()

    def discover(self) -> Discovery:
        """Return all tables. Raises SqlError where the catalogue cannot be reached."""
        tables: dict[TableName, Table] = {}
        broken: dict[TableName, str] = {}
        schemas: dict[str, str | None] = {self.name: None}
        try:
            catalog = self._require_catalog()
            identifiers = [
                (namespace, identifier)
                for namespace in _namespaces(catalog)
                for identifier in sorted(catalog.list_tables(namespace))
            ]
        except Exception as failure:
            raise self._unreachable(failure) from failure
        for namespace, identifier in identifiers:
            schema = schema_for(self.name, "_".join(namespace))
            schemas.setdefault(schema, None)
            name = TableName(schema, identifier[-1])
            if name in tables:
                broken.setdefault(
                    name, f"there are several Iceberg tables of this name: {'.'.join(identifier)} is left out"
                )
                continue
            try:
                tables[name] = self._table(name, identifier, self._current(identifier))
            except SqlError as failure:
                broken[name] = failure.message
        return Discovery(self.name, tuple(tables.values()), schemas, broken)

    def pin(self, table: Table) -> Snapshot:
        """Return the table's current version. Its ``table`` has that version's columns, which may be newer than those
        of the argument; ``rows`` counts rows that are deleted by equality.
        """
        version = self._require_current(table)
        pinned = self._pinned.get(table.name)
        if pinned is not None and pinned[0] is table and pinned[1].state is version:
            return pinned[1]
        current = table
        if _columns_of(version) != table.columns:
            current = self._table(table.name, table.remote, version)
        snapshot = Snapshot(current, version.name, version.rows(), version.bytes(), version)
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
        if not isinstance(version, IcebergVersion):
            raise TypeError("not a snapshot of an Iceberg table")
        try:
            return scan_files(version, comparisons, keys)
        except (OSError, ArrowException) as failure:
            raise SqlError(SqlState.FDW_ERROR, f'cannot read files of "{snapshot.table.name}"') from failure

    def takes(self, table: Table, comparison: Comparison) -> bool:
        """Nothing is applied exactly: comparisons only leave out files."""
        return False

    def statistics(self, table: Table) -> TableStatistics:
        """Return what the current version's manifests say, computed once for each version."""
        version = self._require_current(table)
        if version.statistics is None:
            try:
                version.statistics = statistics_of(version)
            except _FAILURES as failure:
                raise SqlError(
                    SqlState.FDW_ERROR, f'cannot read the manifests of "{table.name}" of source "{self.name}"'
                ) from failure
        return as_clients_see_it(version.statistics, {each.name: each.type for each in version.columns}, table)

    def close(self) -> None:
        """Give back the catalogue's connections."""
        with self._lock:
            catalog, self._catalog = self._catalog, None
            self._tables.clear()
            self._pinned.clear()
        if catalog is not None:
            catalog.close()

    def _require_current(self, table: Table) -> IcebergVersion:
        try:
            return self._current(table.remote)
        except SqlError as failure:
            raise SqlError(
                failure.sqlstate, f'table "{table.name}" of source "{self.name}": {failure.message}'
            ) from failure

    def _require_catalog(self) -> Catalog:
        with self._lock:
            if self._catalog is None:
                properties = dict(self._properties)
                self._catalog = load_catalog(properties.pop("name", self.name), **properties)
            return self._catalog

    def _unreachable(self, failure: Exception) -> SqlError:
        reason = str(failure).strip().split("\n", 1)[0]
        return SqlError(
            SqlState.SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION,
            f'source "{self.name}": the Iceberg catalogue cannot be reached',
            detail=reason or None,
        )

    def _current(self, identifier: tuple[str, ...]) -> IcebergVersion:
        """Return the table's current version; metadata already read is not read again."""
        try:
            catalog = self._require_catalog()
        except Exception as failure:
            raise self._unreachable(failure) from failure
        with self._lock:
            tracked = self._tables.get(identifier)
            if tracked is None:
                tracked = self._tables[identifier] = _Tracked(_pointer_query(catalog, identifier))
        try:
            seen = tracked.version
            if seen is not None and _pointer(catalog, tracked.pointer) == seen.metadata_location:
                return seen
            with tracked.lock:
                return self._refreshed(tracked, catalog.load_table(identifier))
        except NoSuchTableError as failure:
            raise SqlError(SqlState.UNDEFINED_TABLE, "the table is not in the catalogue any more") from failure
        except _FAILURES as failure:
            reason = without_places(str(failure).strip().split("\n", 1)[0])
            raise SqlError(SqlState.FDW_ERROR, f"cannot read the Iceberg table: {reason}") from failure

    def _refreshed(self, tracked: _Tracked, loaded: PyIcebergTable) -> IcebergVersion:
        seen = tracked.version
        if seen is None or seen.metadata_location != loaded.metadata_location:
            options = {key: str(value) for key, value in {**self._properties, **loaded.io.properties}.items()}
            stores = {key: value for key, value in options.items() if key.partition(".")[0] in ("s3", "gcs", "adls")}
            seen = IcebergVersion(loaded.metadata_location, loaded.metadata, loaded.io, stores, tracked.reader)
            tracked.version = seen
        return seen

    def _table(self, name: TableName, identifier: tuple[str, ...], version: IcebergVersion) -> Table:
        return Table(
            name=name,
            source=self.name,
            kind=self.kind,
            remote=identifier,
            columns=_columns_of(version),
            comment=version.metadata.properties.get("comment"),
            rows=version.rows(),
            bytes=version.bytes(),
            layout=layout_in_words(version.metadata),
        )


def _namespaces(catalog: Catalog) -> Iterator[tuple[str, ...]]:
    """Yield all namespaces, nested ones after their parents."""
    waiting = sorted(catalog.list_namespaces())
    while waiting:
        namespace = waiting.pop(0)
        yield namespace
        waiting += [each for each in sorted(catalog.list_namespaces(namespace)) if each != namespace]


def _pointer_query(catalog: Catalog, identifier: tuple[str, ...]) -> _PointerQuery | None:
    """Return the query of where the table's current metadata is; None for catalogues that tell it only with the
    metadata.
    """
    if not isinstance(catalog, SqlCatalog):
        return None
    query = select(IcebergTables.metadata_location).where(
        IcebergTables.catalog_name == catalog.name,
        IcebergTables.table_namespace == ".".join(identifier[:-1]),
        IcebergTables.table_name == identifier[-1],
    )
    return _PointerQuery.of(query, catalog.engine)


def _pointer(catalog: Catalog, query: _PointerQuery | None) -> str | None:
    if query is None or not isinstance(catalog, SqlCatalog):
        return None
    connection = catalog.engine.raw_connection()  # the rest of SQLAlchemy takes twice as long as the answer
    try:
        cursor = connection.cursor()
        cursor.execute(query.sql, query.parameters)
        row = cursor.fetchone()
        cursor.close()
    except catalog.engine.dialect.loaded_dbapi.Error:
        connection.invalidate()
        return None  # the catalogue itself is asked then, and tells why
    finally:
        connection.close()
    return None if row is None else str(row[0])


def _columns_of(version: IcebergVersion) -> tuple[Column, ...]:
    return tuple(
        Column(
            each.name,
            "uuid" if each.is_uuid else sql_type_of(each.type),
            each.type,
            not each.required,
            each.comment,
            f"{version.metadata.table_uuid}/{each.field_id}",
        )
        for each in version.columns
    )
