"""The lake as all sessions share it: its sources, the current catalogue, the grants, the engine.

Everything here is either immutable and replaced whole (catalogue, grants) or safe for use by many sessions.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Protocol

import structlog

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.principals import Principal
from catalog.scans import Snapshot, Source
from catalog.sqlstate import SqlState
from catalog.tables import Catalog, Discovery, Table
from gateway.execute.engine import Engine

_log = structlog.get_logger(__name__)


class Grants(Protocol):
    """Who may read what, one immutable version of it."""

    @property
    def version(self) -> int:
        """Grows with every change."""

    def may_select(self, principal: Principal, table: TableName) -> bool:
        """Say whether the principal may read the table."""


class Shape(Protocol):
    """The mirror, as far as a new catalogue must reach it."""

    def apply(self, catalog: Catalog) -> bool:
        """Make the mirror show this catalogue; False if something of it must wait. Blocks."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """The versions of the tables that one statement reads."""

    snapshots: Mapping[TableName, Snapshot]

    @property
    def versions(self) -> tuple[tuple[TableName, str], ...]:
        """Tables with their versions, for caches that are exact by snapshot."""
        return tuple((name, snapshot.version) for name, snapshot in self.snapshots.items())


class Lake:
    """Shared by all sessions of a process."""

    def __init__(
        self, sources: Mapping[str, Source], engine: Engine, grants: Grants, system_relations: frozenset[str]
    ) -> None:
        self.sources = sources
        self.engine = engine
        self.grants = grants
        self.system_relations = system_relations
        self.catalog = Catalog(0, {}, {}, sources=tuple(sources))
        self.threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="metadata")
        self._versions = itertools.count(1)
        self._refreshing = asyncio.Lock()
        self.outdated = asyncio.Event()  # set when a table's columns were found to differ from the catalogue's
        self._found: dict[str, Discovery] = {}
        self._unfinished = False  # whether the mirror still lacks something of the catalogue

    def remember(self, catalog: Catalog) -> None:
        """Begin with the catalogue of an earlier run: its tables stand until their source was looked at."""
        for source in self.sources:
            tables = tuple(table for table in catalog.tables.values() if table.source == source)
            schemas = {table.name.schema: catalog.schemas.get(table.name.schema) for table in tables}
            self._found[source] = Discovery(source, tables, schemas)
        self.catalog = replace(self._joined({}), version=next(self._versions))

    async def refresh(self, shape: Shape, names: Sequence[str] | None = None) -> Catalog:
        """Look at the sources (all, or those named) again and show the result in the mirror before anyone uses it.

        A source that cannot be reached keeps the tables last seen; its failure says why.
        """
        async with self._refreshing:
            loop = asyncio.get_running_loop()
            chosen = [name for name in self.sources if names is None or name in names]
            found = await asyncio.gather(
                *(loop.run_in_executor(self.threads, self.sources[name].discover) for name in chosen),
                return_exceptions=True,
            )
            failures = {name: reason for name, reason in self.catalog.failures.items() if name not in chosen}
            for name, outcome in zip(chosen, found, strict=True):
                if isinstance(outcome, Discovery):
                    self._found[name] = outcome
                elif isinstance(outcome, SqlError):
                    failures[name] = outcome.message
                else:
                    _log.error("discovery failed", source=name, exc_info=outcome)
                    failures[name] = "internal error, see the gateway's log"
            catalog = self._joined(failures)
            if not _same(catalog, self.catalog):
                catalog = replace(catalog, version=next(self._versions))
                await self.show(shape, catalog)
                self.catalog = catalog
            elif self._unfinished:
                await self.show(shape, catalog)
            return self.catalog

    async def show(self, shape: Shape, catalog: Catalog) -> None:
        """Make the mirror show a catalogue; what a client's lock held up is tried again at the next refresh."""
        loop = asyncio.get_running_loop()
        self._unfinished = True  # also where it fails
        self._unfinished = not await loop.run_in_executor(self.threads, shape.apply, catalog)

    async def pin(self, tables: Sequence[Table]) -> Pinned:
        """Fix the version of each table for one statement."""
        loop = asyncio.get_running_loop()
        pins = (loop.run_in_executor(self.threads, self._pin, table) for table in tables)
        snapshots = await asyncio.gather(*pins)
        for table, snapshot in zip(tables, snapshots, strict=True):
            if snapshot.table.columns != table.columns:
                self.outdated.set()
                _require_columns(table, snapshot.table)
        return Pinned(MappingProxyType({snapshot.table.name: snapshot for snapshot in snapshots}))

    def close(self) -> None:
        """Give back connections and threads."""
        self.engine.close()
        for source in self.sources.values():
            source.close()
        self.threads.shutdown(wait=False, cancel_futures=True)

    def _pin(self, table: Table) -> Snapshot:
        source = self.sources.get(table.source)
        if source is None:
            raise SqlError(SqlState.UNDEFINED_OBJECT, f'source "{table.source}" is not configured any more')
        return source.pin(table)

    def _joined(self, failures: Mapping[str, str]) -> Catalog:
        tables: dict[TableName, Table] = {}
        schemas: dict[str, str | None] = {}
        broken: dict[TableName, str] = {}
        for discovery in self._found.values():
            schemas.update(discovery.schemas)
            broken.update(discovery.broken)
            for table in discovery.tables:
                schemas.setdefault(table.name.schema, None)
                if table.name in tables:  # two namespaces that give one schema: the first in the file keeps the name
                    broken.setdefault(table.name, f'the name is taken by source "{tables[table.name].source}"')
                else:
                    tables[table.name] = table
        return Catalog(
            self.catalog.version,
            MappingProxyType(tables),
            MappingProxyType(schemas),
            MappingProxyType(broken),
            MappingProxyType(dict(failures)),
            tuple(self.sources),
        )


def _require_columns(planned: Table, current: Table) -> None:
    """Columns that came later do not matter to a plan; those it was made for must still be there, and alike."""
    now = {column.name: column.arrow_type for column in current.columns}
    for column in planned.columns:
        if now.get(column.name) != column.arrow_type:
            raise SqlError(
                SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE,
                f'column "{column.name}" of table {planned.name} has just been changed',
                hint="Run the statement again.",
            )


def _same(one: Catalog, other: Catalog) -> bool:
    return replace(one, version=0) == replace(other, version=0)
