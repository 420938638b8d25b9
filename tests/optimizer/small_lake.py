"""Two schemas with the same small tables, ``lk`` in Parquet files and ``pg`` in PostgreSQL, read by a gateway's stages
in this process; and a database in which PostgreSQL itself has both.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import cast

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from catalog.names import TableName, always_quoted
from catalog.principals import Principal
from catalog.remote_logins import RemoteLogins
from catalog.scans import Comparison, Keys, RemoteScan, Scan, Snapshot, Source
from catalog.statistics import ColumnStatistics, TableStatistics
from catalog.tables import Catalog, Discovery, Table
from connectors.files.source import FilesSource
from connectors.postgres.source import PostgresSource
from gateway.dynamic_filters import Asking, Filtered, key_queries, with_keys
from gateway.execute.engine import Engine
from gateway.execute.port import EngineQuery, EngineSettings
from gateway.execute.remote_relations import RemoteDataset
from gateway.lake import Lake
from gateway.remote_parts import asked_servers, remote_parts
from gateway.sql.engine_dialect.function_errors import stated_error
from gateway.sql.engine_dialect.functions import register_functions
from gateway.sql.engine_dialect.moments import Session
from gateway.sql.engine_dialect.render import render
from gateway.sql.policy_text import policy_reader
from gateway.sql.resolve import Names, references, resolve
from gateway.sql.source_words import PURE_FUNCTIONS
from gateway.sql.statements import parse_query
from optimizer.cardinality import Statistics
from optimizer.dynamic_filters import Thresholds, dynamic_filters
from optimizer.fragment import fragment
from optimizer.optimize import RULES, Rule, optimize
from optimizer.server_tables import Servers
from optimizer.stages import Fragmented, Kept, Optimized, RemotePart
from policies.access import Access
from policies.govern import check_governed, govern
from policies.policy_reader import KeptRelations

COLUMNS = {
    "id": "integer",
    "k": "integer",
    "Mixed Case": "integer",
    "select": "integer",
    'with "quote"': "integer",
    "s": "text",
}
ROWS: tuple[tuple[object, ...], ...] = (
    (1, 1, 2, None, 0, "a"),
    (2, 1, None, 3, 1, "it's"),
    (3, None, 2, 3, 1, None),
    (None, 4, 2, 0, None, ""),
    (5, 4, 1, 1, 5, "B"),
    (5, 4, 1, 1, 5, "B"),
    (-1, 0, 0, None, 2, "ä"),
)
TABLES = {
    "lk": {"one": ROWS, "select": ROWS[1:5], "none": ()},
    "pg": {"one": ROWS[2:], "order": ROWS[:4], "none": ()},
}
_FORCED = Thresholds(gain=0.0, least_rows=0.0, least_bytes=-1, most_keys=math.inf, most_rows=math.inf)
ROLE = Principal("tester", frozenset({"tester"}), superuser=True)
EVERYTHING = Access()  # of which a superuser sees all
Row = tuple[object, ...]


class Unhelpful:
    """A source that applies no condition itself."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.name = source.name
        self.kind = source.kind

    def discover(self) -> Discovery:
        return self._source.discover()

    def pin(self, table: Table) -> Snapshot:
        return self._source.pin(table)

    def scan(
        self,
        snapshot: Snapshot,
        columns: tuple[str, ...],
        comparisons: tuple[Comparison, ...],
        keys: tuple[Keys, ...] = (),
    ) -> Scan:
        assert self.kind != "postgres" or not comparisons
        assert not keys
        return self._source.scan(snapshot, columns, ())

    def takes(self, table: Table, comparison: Comparison) -> bool:
        return False

    def statistics(self, table: Table) -> TableStatistics:
        return self._source.statistics(table)

    def close(self) -> None:
        self._source.close()


@dataclass(frozen=True, slots=True)
class SmallLake:
    """The sources, their catalogue and the engine; ``reference`` is PostgreSQL with the same tables."""

    sources: dict[str, Source]
    catalog: Catalog
    engine: Engine
    reference: psycopg.Connection
    filtered: list[Filtered] = field(default_factory=list)
    parts: list[RemotePart] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    functions: frozenset[str] = frozenset()

    def rows(
        self,
        query: str,
        rules: tuple[Rule, ...] = RULES,
        *,
        pushdown: bool = True,
        principal: Principal = ROLE,
        access: Access = EVERYTHING,
        statistics: Statistics | None = None,
        dynamic: bool = False,
        parts: Statistics | None = None,
    ) -> list[Row]:
        """Return a query's rows by way of all stages; raises SqlError for what is not supported. With ``dynamic`` each
        table is read by keys that can be, whatever it costs. With ``parts``, statistics, servers answer those parts of
        the query for which these speak; with none of any table all parts, and joins of equal columns.
        """
        sources = self.sources if pushdown else {name: Unhelpful(one) for name, one in self.sources.items()}
        servers = asked_servers(self.catalog.tables, sources, self.functions) if parts is not None else None
        joins = statistics if parts is None else parts or LIKE_KEYS
        optimized = self.optimized(query, rules, principal, access, joins, servers=servers)
        check_governed(optimized.tree, optimized.tables, principal, access)
        snapshots = {table.name: sources[table.source].pin(table) for table in optimized.tables.values()}
        found, kept = remote_parts(optimized, parts, sources, self.functions) if parts is not None else ((), ())
        self.parts.extend(found)
        self.kept.extend([*(servers.kept if servers is not None else ()), *kept])
        fragmented = fragment(optimized, snapshots, sources, (), found)
        fenced = frozenset(part.relation for part in fragmented.read if part.is_fenced)
        asked = EngineQuery(render(fragmented.tree), fragmented.scans, fenced=fenced)
        if not dynamic:
            return asyncio.run(self._run(asked))
        asking = Asking(principal, Session(), (), cast(Lake, _AsLake(sources, self.engine, access)))
        return asyncio.run(self._run_by_keys(asked, with_forced_filters(optimized), fragmented, asking))

    async def _run_by_keys(
        self, query: EngineQuery, optimized: Optimized, fragmented: Fragmented, asking: Asking
    ) -> list[Row]:
        keys = key_queries(optimized, fragmented, asking)
        query, told = await with_keys(query, fragmented, keys, asking)
        self.filtered.extend(told)
        return await self._run(query)

    def optimized(
        self,
        query: str,
        rules: tuple[Rule, ...] = RULES,
        principal: Principal = ROLE,
        access: Access = EVERYTHING,
        statistics: Statistics | None = None,
        parameters: tuple[str, ...] = (),
        servers: Servers | None = None,
    ) -> Optimized:
        """Return a query after the rules; by the true statistics of its tables unless others are given. ``parameters``
        are the types of ``$1 …``.
        """
        names = Names(self.catalog, frozenset(), (), lambda name: access.may_select(principal, name))
        tree = parse_query(query)
        assert tree is not None, query
        resolved = resolve(tree, references(tree, names), names, parameters)
        governed = govern(resolved, principal, access, policy_reader(names, KeptRelations()))
        return optimize(governed, STATISTICS if statistics is None else statistics, rules, servers)

    async def _run(self, query: EngineQuery) -> list[Row]:
        running = await self.engine.start(lambda: query)
        try:
            batches = [batch async for batch in running.batches()]
        finally:
            await running.close()
        return [tuple(row.values()) for batch in batches for row in _distinctly_named(batch).to_pylist()]


@dataclass(frozen=True, slots=True)
class _AsLake:
    """What dynamic filters ask of a lake."""

    sources: Mapping[str, Source]
    engine: Engine
    access: Access
    remote_logins: RemoteLogins = field(default_factory=RemoteLogins)
    evaluator: None = None


def with_forced_filters(optimized: Optimized) -> Optimized:
    """Return a query with every dynamic filter that gives the right rows, to be used however many keys there are."""
    found = dynamic_filters(optimized.tree, optimized.tables, STATISTICS, _FORCED)
    return replace(optimized, dynamic=tuple(replace(one, keys=math.inf) for one in found))


def _distinctly_named(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.rename_columns([str(place) for place in range(batch.num_columns)])


def _statistics(rows: tuple[Row, ...]) -> TableStatistics:
    columns: dict[str, ColumnStatistics] = {}
    table = _arrow(rows)
    for name in table.column_names if rows else ():
        column = table.column(name)
        values = pc.min_max(column)
        columns[name] = ColumnStatistics(
            float(pc.count_distinct(column).as_py()), column.null_count / len(rows), values["min"], values["max"]
        )
    return TableStatistics(float(len(rows)), None, columns)


@contextmanager
def small_lake(folder: Path, dsn: str) -> Iterator[SmallLake]:
    """Make the tables, in an empty database of PostgreSQL's, and open them."""
    with psycopg.connect(dsn, autocommit=True) as reference:
        make_reference(reference)
        for name, rows in TABLES["lk"].items():
            (folder / "lk").mkdir(parents=True, exist_ok=True)
            pq.write_table(_arrow(rows), folder / "lk" / f"{name}.parquet")
        remote = PostgresSource("pg", dsn)
        sources: dict[str, Source] = {"lk": FilesSource("lk", str(folder / "lk"), {}), "pg": remote}
        try:
            functions = frozenset(name for (name,) in reference.execute(*PURE_FUNCTIONS).fetchall())
            engine = _engine(folder / "spill", remote)
            yield SmallLake(sources, _catalog(sources), engine, reference, functions=functions)
        finally:
            for source in sources.values():
                source.close()


def make_reference(connection: psycopg.Connection) -> None:
    """Make the tables in an empty database of PostgreSQL's."""
    for schema, tables in TABLES.items():
        connection.execute(f"CREATE SCHEMA {schema}".encode())
        for name, rows in tables.items():
            _create(connection, f"{schema}.{always_quoted(name)}", rows)
    connection.execute("ANALYZE")


def _create(connection: psycopg.Connection, table: str, rows: tuple[Row, ...]) -> None:
    types = {"integer": "integer", "text": 'text COLLATE "C"'}
    columns = ", ".join(f"{always_quoted(name)} {types[sql_type]}" for name, sql_type in COLUMNS.items())
    connection.execute(f"CREATE TABLE {table} ({columns})".encode())
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} VALUES (%s, %s, %s, %s, %s, %s)".encode(), rows)


def _arrow(rows: tuple[Row, ...]) -> pa.Table:
    types = {"integer": pa.int32(), "text": pa.string()}
    fields = [pa.field(name, types[sql_type]) for name, sql_type in COLUMNS.items()]
    columns = [pa.array([row[place] for row in rows], field.type) for place, field in enumerate(fields)]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _catalog(sources: dict[str, Source]) -> Catalog:
    found = [source.discover() for source in sources.values()]
    tables = {table.name: table for one in found for table in one.tables if table.name.schema in sources}
    expected = {TableName(schema, name) for schema, named in TABLES.items() for name in named}
    assert expected <= set(tables), sorted(map(str, tables))
    return Catalog(1, MappingProxyType(tables), MappingProxyType(dict.fromkeys(sources)), sources=tuple(sources))


def _engine(spill: Path, remote: PostgresSource) -> Engine:
    def open_remote(scan: RemoteScan) -> RemoteDataset:
        return RemoteDataset(scan.schema, remote.open(scan))

    return Engine(EngineSettings(256 << 20, spill, 2), open_remote, register_functions, stated_error)


STATISTICS: Statistics = MappingProxyType(
    {TableName(schema, name): _statistics(rows) for schema, tables in TABLES.items() for name, rows in tables.items()}
)

# By these a join of equal columns has half of the rows that it reads: servers are asked for each that they can make.
LIKE_KEYS: Statistics = MappingProxyType(
    {
        name: TableStatistics(1e6, None, {column: ColumnStatistics(1e6, 0.0) for column in COLUMNS})
        for name in STATISTICS
    }
)
