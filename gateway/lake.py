"""The lake as all sessions share it: its sources, the current catalogue, who may see what, the engine.

Everything here is either immutable and replaced whole (catalogue, access) or safe for use by many sessions.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Protocol

import structlog
from cachetools import LRUCache

from catalog.analyzed import Analyzed
from catalog.errors import SqlError
from catalog.feedback import TableThen
from catalog.names import TableName
from catalog.remote_logins import RemoteLogins
from catalog.scans import Snapshot, Source
from catalog.sqlstate import SqlState
from catalog.statistics import TableStatistics
from catalog.tables import Catalog, Discovery, Table
from gateway.counts import CacheState
from gateway.evaluation.evaluator import Evaluator
from gateway.execute.admission import Admission
from gateway.execute.port import EnginePort
from gateway.feedback.cache import FeedbackCache
from gateway.history.log import HistoryLog
from gateway.history.pins import PinnedPlans
from gateway.relay.source_relay import SourceRelay
from gateway.result_cache import ResultCache
from gateway.sql.session_expressions import SessionExpression
from gateway.sql.session_relations import SessionColumn, SessionRelation
from gateway.statistics_cache import StatisticsCache
from gateway.versions_at_once import VersionsAtOnce
from policies.access import Access, Narrowed
from policies.policy_reader import KeptRelations

_log = structlog.get_logger(__name__)
# Seconds that a source has to tell its tables before the others are shown without it.
FIRST_PATIENCE = 5.0  # at the start
PATIENCE = 1.0  # later on
ASKED_PATIENCE = 10.0  # for a client who asked
# That encode rows, for all sessions: they hold the interpreter for half of the time, and a third only waits for it.
_ROW_THREADS = 2
_CHANGED = frozenset({SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE, SqlState.UNDEFINED_TABLE, SqlState.UNDEFINED_COLUMN})


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
        self,
        sources: Mapping[str, Source],
        engine: EnginePort,
        access: Access | Narrowed,
        system_relations: frozenset[str],
        remote_logins: RemoteLogins,
        pure_functions: frozenset[str] = frozenset(),
        evaluator: Evaluator | None = None,
    ) -> None:
        """``evaluator`` is PostgreSQL as the engine's helper, None where there is none."""
        self.sources = sources
        self.relay = SourceRelay(sources, remote_logins, self.source_failed)
        self.pure_functions = pure_functions  # names of those that a source's server may call by itself
        self.engine = engine
        self.admissions: Mapping[str, Admission] = {}  # of the engine's statements, by what they read
        self.access = access
        self.governed = KeptRelations()
        self.system_relations = system_relations
        self.remote_logins = remote_logins
        self.evaluator = evaluator
        self.feedback = FeedbackCache()
        self.history = HistoryLog()
        self.pins = PinnedPlans()
        self.results = ResultCache()  # without room
        self.versions = VersionsAtOnce(lambda tables: self.pin(tables).snapshots)
        self.catalog = Catalog(0, {}, {}, sources=tuple(sources))
        self.system_shapes: dict[tuple[str, str], SessionRelation] = {}  # relations of catalogues, as sessions told
        self.expression_types: LRUCache[SessionExpression, SessionColumn] = LRUCache(4096)  # as sessions told
        self.threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="metadata")
        self.row_threads = ThreadPoolExecutor(_ROW_THREADS, thread_name_prefix="rows")
        self._statistics = StatisticsCache(sources)
        self._versions = itertools.count(1)
        self._loop = asyncio.get_running_loop()
        self._refreshing = asyncio.Lock()
        self._showing = asyncio.Lock()  # so that no older catalogue is shown behind a newer one
        self._looking: dict[str, asyncio.Future[Discovery]] = {}
        self.outdated = asyncio.Event()  # set when a table's columns were found to differ from the catalogue's
        self._found: dict[str, Discovery] = {}
        self._unfinished = True  # whether the mirror still lacks something of the catalogue

    def remember(self, catalog: Catalog) -> None:
        """Begin with the catalogue of an earlier run: its tables stand until their source was looked at."""
        for source in self.sources:
            tables = tuple(table for table in catalog.tables.values() if table.source == source)
            schemas = {table.name.schema: catalog.schemas.get(table.name.schema) for table in tables}
            self._found[source] = Discovery(source, tables, schemas)
        self.catalog = replace(self._joined({}), version=next(self._versions))
        self._unfinished = True  # roles and grants may have changed since

    async def refresh(self, shape: Shape, names: Sequence[str] | None, patience: float) -> Catalog:
        """Look at the sources (all, or those named) again and show the result in the mirror before anyone uses it.

        A source that cannot be reached keeps the tables last seen; its failure says why. ``patience`` is one of the
        constants above.
        """
        async with self._refreshing:
            chosen = [name for name in self.sources if names is None or name in names]
            found = await asyncio.gather(*(self._discover(name, patience) for name in chosen), return_exceptions=True)
            failures = {name: reason for name, reason in self.catalog.failures.items() if name not in chosen}
            for name, outcome in zip(chosen, found, strict=True):
                if isinstance(outcome, Discovery):
                    if outcome is not self._found.get(name):
                        self._statistics.looked_at(name)
                    self._found[name] = outcome
                elif isinstance(outcome, SqlError):
                    failures[name] = outcome.message
                else:
                    _log.error("discovery failed", source=name, exc_info=outcome)
                    failures[name] = "internal error, see the gateway's log"
            catalog = self._joined(failures)
            if not _same(catalog, self.catalog):
                catalog = replace(catalog, version=next(self._versions))
                async with self._showing:
                    await self._show(shape, catalog)
                    self.catalog = catalog
                self._statistics.keep_only(catalog.tables.keys())
            elif self._unfinished:
                await self.show(shape)
            return self.catalog

    async def _discover(self, name: str, patience: float) -> Discovery:
        """Look at a source. One that takes its time is waited for a while; what it says later is taken by a round that
        comes then. Meanwhile what was known of it stands.
        """
        looking = self._looking.get(name)
        if looking is not None and patience == ASKED_PATIENCE:  # it may have begun before what is asked for
            await asyncio.wait([looking], timeout=patience)
            looking = None if looking.done() else looking
        if looking is None:
            looking = self._looking[name] = _in_a_thread(self.sources[name].discover, name)
        done, _ = await asyncio.wait([looking], timeout=patience)
        if done:
            del self._looking[name]
            return looking.result()
        looking.add_done_callback(lambda _: self.outdated.set())
        if name in self._found and name not in self.catalog.failures:
            return self._found[name]
        state = SqlState.SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION
        raise SqlError(state, f'source "{name}" has not answered yet')

    async def show(self, shape: Shape) -> None:
        """Make the mirror show the catalogue: with the newest tables, which a refresh may be about to bring. What a
        client's lock held up is tried again at the next refresh.
        """
        async with self._showing:
            await self._show(shape, self.catalog)

    async def _show(self, shape: Shape, catalog: Catalog) -> None:
        loop = asyncio.get_running_loop()
        self._unfinished = True  # also where it fails
        self._unfinished = not await loop.run_in_executor(self.threads, shape.apply, catalog)

    def look_again(self) -> None:
        """Have the sources looked at soon: a table was found to have changed. From any thread."""
        self._loop.call_soon_threadsafe(self.outdated.set)

    def source_failed(self, failure: SqlError) -> None:
        """Have the sources looked at soon where a failure says that a table has changed. From any thread."""
        if failure.sqlstate in _CHANGED:
            self.look_again()

    def pin(self, tables: Sequence[Table]) -> Pinned:
        """Fix the version of each table for one statement. Blocks; several tables are asked at once."""
        pins = self.threads.map(self._pin, tables) if len(tables) > 1 else map(self._pin, tables)
        snapshots = [*pins]
        for table, snapshot in zip(tables, snapshots, strict=True):
            if snapshot.table.columns != table.columns:
                self.look_again()
                _require_columns(table, snapshot.table)
        return Pinned(MappingProxyType({snapshot.table.name: snapshot for snapshot in snapshots}))

    @property
    def caches(self) -> Mapping[str, CacheState]:
        """What the process keeps, of the engine too, where that runs in this process."""
        kept = {"statistics": self._statistics.state, "results": self.results.state}
        return {**kept, **self.engine.caches}

    def statistics(self, tables: Collection[Table]) -> Mapping[TableName, TableStatistics]:
        """Return what is known of each table's rows; `UNKNOWN` where its source cannot say. Blocks for a second at the
        most, and only for what is not known yet: statistics are kept until the source is looked at again or another
        version of the table is pinned.
        """
        return self._statistics.get(tables)

    def analyzed(self, name: TableName) -> Analyzed | None:
        """Return what ANALYZE has found of a table, None where it never was analyzed."""
        return self._statistics.analyzed(name)

    def table_now(self, name: TableName) -> TableThen:
        """Return which version of a table statements read, and how many rows it is held to have."""
        return self._statistics.now(name)

    def take_analyzed(self, found: Mapping[TableName, Analyzed]) -> None:
        """Take over what ANALYZE has found of tables, here or on another gateway."""
        self._statistics.take_analyzed(found)

    def close(self) -> None:
        """Give back connections and threads."""
        self.relay.close()
        self.engine.close()
        for source in self.sources.values():
            source.close()
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.row_threads.shutdown(wait=False, cancel_futures=True)
        self.versions.close()

    def _pin(self, table: Table) -> Snapshot:
        source = self.sources.get(table.source)
        if source is None:
            raise SqlError(SqlState.UNDEFINED_OBJECT, f'source "{table.source}" is not configured any more')
        snapshot = source.pin(table)
        self._statistics.pinned(table.name, snapshot.version)
        return snapshot

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
    """Columns that came later do not matter to a plan; those it was made for must still be there, and alike: a name
    that went over to another column would take that column's values past its mask.
    """
    now = {column.name: (column.arrow_type, column.identity) for column in current.columns}
    for column in planned.columns:
        if now.get(column.name) != (column.arrow_type, column.identity):
            raise SqlError(
                SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE,
                f'column "{column.name}" of table {planned.name} has just been changed',
                hint="Run the statement again.",
            )


def _in_a_thread(look: Callable[[], Discovery], name: str) -> asyncio.Future[Discovery]:
    """Look in a thread that does not keep the process from ending, as a driver that waits for a server would."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Discovery] = loop.create_future()

    def settle(found: Discovery | None, failure: BaseException | None) -> None:
        if failure is not None:
            future.set_exception(failure)
            future.exception()  # it is told when somebody asks, and else not
        elif found is not None:
            future.set_result(found)

    def work() -> None:
        found, failure = None, None
        try:
            found = look()
        except BaseException as error:  # whatever it is, who waits is told
            failure = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, found, failure)

    threading.Thread(target=work, name=f"discover {name}", daemon=True).start()
    return future


def _same(one: Catalog, other: Catalog) -> bool:
    return replace(one, version=0) == replace(other, version=0)
