"""A PostgreSQL database as a source of tables."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping

import pyarrow as pa
from sqlglot import exp

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.remote_logins import RemoteLogin
from catalog.scans import Comparison, Keys, RemoteScan, Snapshot
from catalog.sqlstate import SqlState
from catalog.statistics import TableStatistics
from catalog.tables import Discovery, Table
from connectors.postgres import comparisons, discovery
from connectors.postgres.connections import ConnectionPool
from connectors.postgres.keys import written_keys
from connectors.postgres.login_pools import LoginPools
from connectors.postgres.remote_part import WrittenPart, remote_part
from connectors.postgres.scan_queries import Asked, guard, scan_queries
from connectors.postgres.settings import PostgresOptions, connection_string, login_conninfo
from connectors.postgres.shapes import RelationShape
from connectors.postgres.statistics import StatisticsReader
from connectors.postgres.stream import RemoteStreams
from connectors.postgres.whole_statement import Written, whole_statement

LIVE = "live"


class PostgresSource:
    """A database that is read over ADBC, by one role that needs no more than SELECT, and by those of user mappings.

    Every method may be called from any thread; all but `takes` and `pin` may ask the server. Errors are SqlError.
    """

    kind = "postgres"

    def __init__(self, name: str, dsn: str, options: PostgresOptions | None = None) -> None:
        self.name = name
        self.options = options or PostgresOptions()
        self.dsn = dsn  # for another process that reads the source
        self._conninfo = connection_string(name, dsn)
        self.pool = ConnectionPool(name, self._conninfo, self.options.idle_connections)
        self.logins = LoginPools(name, self._conninfo)
        self._statistics = StatisticsReader(name, self._conninfo, lambda table: self._shape(table).columns)
        self._shapes: dict[tuple[str, str], RelationShape] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"PostgresSource({self.name!r})"

    def discover(self) -> Discovery:
        """Return all relations that the role may read; those that it may not are named as broken."""
        found = discovery.discover(self.name, self._conninfo, self.options)
        with self._lock:
            self._shapes = dict(found.shapes)
        return found.discovery

    def pin(self, table: Table) -> Snapshot:
        """Return the one version there is: a scan reads what is committed when it starts. Two pins of the version
        `LIVE` may hold different rows, so nothing may be cached by it.
        """
        return Snapshot(table, LIVE, table.rows, table.bytes)

    def scan(
        self,
        snapshot: Snapshot,
        columns: tuple[str, ...],
        comparisons: tuple[Comparison, ...],
        keys: tuple[Keys, ...] = (),
    ) -> RemoteScan:
        """Return the queries for these columns. Large tables get several, which read one snapshot of the server; those
        that are read by keys get one, so that the keys are looked up once.
        """
        table = snapshot.table
        shape = self._shape(table)
        missing = [name for name in columns if name not in shape.columns]
        if missing:
            raise SqlError(
                SqlState.UNDEFINED_COLUMN,
                f'column "{missing[0]}" of table {table.name} does not exist any more in source "{self.name}"',
                hint="Refresh the source's catalogue.",
            )
        arrow_types = {column.name: column.arrow_type for column in table.columns}
        schema = pa.schema([pa.field(name, arrow_types[name]) for name in columns])
        asked = Asked(comparisons, written_keys(shape.columns, keys))
        queries = scan_queries(table.remote, shape, columns, asked, self.options)
        read = [*columns, *(each.column for each in comparisons), *(each.column for each in keys)]
        return RemoteScan(self.name, schema, queries, snapshot.rows, guard=guard(table, read))

    def takes(self, table: Table, comparison: Comparison) -> bool:
        """Say whether the server compares as PostgreSQL does with what the column's values become here: not ranges of
        text under a collation other than C, not types that travel as text.
        """
        column = self._shape(table).columns.get(comparison.column)
        return column is not None and comparisons.takes(column, comparison)

    def whole_statement(self, tree: exp.Query, tables: Mapping[TableName, Table]) -> Written | None:
        """Return a query over governed relations of this source as the server is to answer it alone, or None. ``tree``
        is used up.
        """
        return whole_statement(tree, tables, self._shape)

    def part(self, query: exp.Query, tables: Mapping[TableName, Table]) -> WrittenPart:
        """Return the statement for a part of a query, over governed relations of this source. Raises NotSent where its
        rows might be others than the engine's.
        """
        return remote_part(query, tables, self._shape)

    def conninfo(self, login: RemoteLogin | None = None) -> str:
        """Return the connection string for a login, with its password; None: the gateway's own."""
        return self._conninfo if login is None else login_conninfo(self._conninfo, login)

    def open(self, scan: RemoteScan, login: RemoteLogin | None = None) -> RemoteStreams:
        """Return the streams of a scan, not opened yet. They are read as ``login``; None: as the gateway."""
        return RemoteStreams(self.name, self.pool if login is None else self.logins.pool(login), scan)

    def keep_logins(self, logins: Collection[RemoteLogin]) -> None:
        """Close the connections of all logins but these, and the gateway's; those in use when they are done."""
        self.logins.keep_only(logins)

    def statistics(self, table: Table) -> TableStatistics:
        """Return what ANALYZE left. A server that does not answer within a second or two is an error."""
        return self._statistics.get(table)

    def close(self) -> None:
        """Close all idle connections."""
        self.pool.close()
        self.logins.close()
        self._statistics.close()

    def _shape(self, table: Table) -> RelationShape:
        """Return what discovery found; a process that has not discovered asks for this one relation."""
        remote = (table.remote[0], table.remote[1])
        with self._lock:
            shape = self._shapes.get(remote)
        if shape is None:
            shape = discovery.discover(self.name, self._conninfo, self.options, only=remote).shapes.get(remote)
            if shape is None:
                raise SqlError(
                    SqlState.UNDEFINED_TABLE,
                    f'table {table.name} does not exist any more in source "{self.name}"',
                    hint="Refresh the source's catalogue.",
                )
            with self._lock:
                self._shapes[remote] = shape
        return shape
