"""The engine behind its port: plain data in (SQL text, scans, parameters), a stream of record batches out.

DataFusion runs in this process. Three contexts of one runtime serve all statements, so that the memory limit is one;
relations have names that no user can guess, and they are given back when a statement ends.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import structlog
from cachetools import LRUCache
from datafusion import DataFrame, ExecutionPlan, RecordBatchStream, RuntimeEnvBuilder, SessionConfig, SessionContext
from pyarrow.dataset import dataset

from catalog.errors import SqlError
from catalog.scans import FileScan, ReadyScan, RemoteScan, Scan, SessionScan
from gateway.counts import CacheState
from gateway.execute import context_settings, file_relations, heaps, remote_relations
from gateway.execute.at_once import AtOnce, first_batches
from gateway.execute.errors import StatedError, is_panic, sql_error, without_values
from gateway.execute.fences import require_fences
from gateway.execute.hot_relations import HotRelations, Planning
from gateway.execute.kept_plans import KeptPlan, KeptPlans
from gateway.execute.measuring import Measuring
from gateway.execute.opened import Opened, Ready
from gateway.execute.port import EngineQuery, EngineSettings, MakeForm, Messages, batches_alone, explained, hot_row
from gateway.execute.small_relations import SmallRelations
from gateway.execute.thread_work import in_thread

_log = structlog.get_logger(__name__)
_SHARING_RULE = "common_sub_expression_eliminate"
_REORDERING_RULE = "eliminate_cross_join"  # takes trees of inner joins apart: they come in the optimizer's order
_SMALL_BYTES = 64 << 20  # of tables that are read with half of the partitions
_TINY_BYTES = 4 << 20  # of tables that brief queries read with one
_KEPT_PLANS = 256
_KEPT_BYTES = 1 << 14  # longer queries are planned anew each time: they would fill the memory
# Operators whose partitions have nothing to do with each other: none of them sends rows from one to another.
_PARTITION_BY_PARTITION = frozenset(
    {"DataSourceExec", "ProjectionExec", "UnionExec", "CooperativeExec", "CoalesceBatchesExec"}
)


RegisterFunctions = Callable[[SessionContext], None]
Hold = Callable[[Collection[str]], Callable[[], None]]  # says that calls may run; what it returns ends them
OpenRemote = Callable[[RemoteScan], remote_relations.RemoteDataset]


class Engine:
    """DataFusion, one for the process."""

    def __init__(
        self,
        settings: EngineSettings,
        open_remote: OpenRemote,
        register_functions: RegisterFunctions,
        stated_error: StatedError,
        hold: Hold | None = None,
    ) -> None:
        settings.spill_directory.mkdir(parents=True, exist_ok=True)
        runtime = RuntimeEnvBuilder().with_fair_spill_pool(settings.memory_limit)
        runtime = runtime.with_disk_manager_specified(str(settings.spill_directory))

        # All are of one runtime: the memory limit is for all together.
        def new_context(partitions: int, more: dict[str, str] | None = None) -> SessionContext:
            config = SessionConfig(context_settings.ALL | (more or {})).with_target_partitions(partitions)
            context = SessionContext(config.with_batch_size(settings.batch_size), runtime)
            _take_rule(context, _REORDERING_RULE)
            register_functions(context)
            return context

        self.context = new_context(settings.target_partitions, context_settings.of_large(settings.memory_limit))
        # More partitions than cores even out the work of large scans, and cost small queries up to 0.7 ms to plan.
        of_small = context_settings.of_small(settings.memory_limit)
        self._context_of_small = new_context(max(1, settings.target_partitions // 2), of_small)
        self._context_of_tiny = new_context(1)
        self._context_of_merging = new_context(context_settings.MERGING_PARTITIONS, context_settings.MERGING)
        self._partitions = {
            self.context: settings.target_partitions,
            self._context_of_small: max(1, settings.target_partitions // 2),
            self._context_of_tiny: 1,
            self._context_of_merging: context_settings.MERGING_PARTITIONS,
        }
        self._stated_error = stated_error
        self._open_remote = open_remote
        self._hold = hold
        self._numbers = itertools.count(1)
        self._frames: LRUCache[str, DataFrame] = LRUCache(_KEPT_PLANS)
        self._lock = threading.Lock()  # of the frames
        # Most of these wait for servers: small remote tables are read while a statement is planned.
        self.threads = ThreadPoolExecutor(128, thread_name_prefix="engine")
        self._readers = ThreadPoolExecutor(64, thread_name_prefix="scan")
        self._plans = KeptPlans(self._context_of_tiny)
        self.small = SmallRelations(self._context_of_tiny, settings.small_tables_memory, self._readers, self._forget)
        self._at_once = AtOnce(self.small, self._plans)
        unshared = new_context(1)
        _take_rule(unshared, _SHARING_RULE)
        self.hot = HotRelations(self._context_of_tiny, unshared, settings.hot_columns_memory, self._forget)

    async def start(
        self, prepare: Callable[[], EngineQuery], parameters: Sequence[pa.Scalar] = (), form: MakeForm = batches_alone
    ) -> Running:
        """Plan a query and begin to run it; batches are read from what is returned, which must be closed.

        ``prepare`` gives the query; it may block and is called in the thread that plans, so that a statement changes
        threads once.
        """
        opened = Opened(self._stated_error)
        try:
            running = await in_thread(self.threads, lambda: self.begin(prepare, parameters, opened))
        except BaseException as failure:
            opened.close()
            raise told(failure, opened) from failure
        running.begin()
        return running

    def holds(self, query: EngineQuery) -> bool:
        """Whether the rows of all that a query reads are in memory."""
        return self._at_once.holds(query)

    def is_at_hand(self, query: EngineQuery, parameters: Sequence[pa.Scalar]) -> bool:
        """Whether `at_once` would have rows."""
        return self._at_once.is_at_hand(query, parameters)

    def at_once(self, query: EngineQuery, parameters: Sequence[pa.Scalar]) -> Running | None:
        """Execute a light query in this thread, over rows in memory with a plan from before, where that can be."""
        done = self._at_once.execute(query, parameters)
        if done is None:
            return None
        opened = Opened(self._stated_error)
        opened.withholds_values = query.withholds_values
        running = Running(done.frame, done.streams, opened, done.ready, False)
        running.begin()
        return running

    async def explain(self, query: EngineQuery, parameters: Sequence[pa.Scalar], analyze: bool) -> str:
        """Return the engine's own physical plan as text; with ``analyze`` it runs and carries metrics."""
        return await explained(self.start, query, parameters, analyze)

    @property
    def checks(self) -> Mapping[str, tuple[Callable[[], Awaitable[object]], bool]]:
        """Return nothing: it is up as long as the process is."""
        return {}

    @property
    def caches(self) -> Mapping[str, CacheState]:
        """Return those of decoded rows. The engine's own, of footers of files, cannot be asked."""
        return {"small_tables": self.small.state, "hot_columns": self.hot.state}

    def close(self) -> None:
        """Give back the threads."""
        self.threads.shutdown(wait=False, cancel_futures=True)
        self._readers.shutdown(wait=False, cancel_futures=True)
        self.hot.columns.close()

    def begin(self, prepare: Callable[[], EngineQuery], parameters: Sequence[pa.Scalar], opened: Opened) -> Running:
        """Plan a query in this thread, as `start` does in another; blocks. Whoever calls it closes ``opened`` where it
        fails, and tells of failures what `told` says.
        """
        try:
            query = prepare()
            opened.withholds_values = query.withholds_values
            if query.calls and self._hold is not None:
                opened.add_release(self._hold(query.calls))
            context = self._context_for(query)
            measuring: Measuring | None = None
            planned = self._plan(context, query, parameters, opened)
            if isinstance(planned, KeptPlan):
                frame, streams = planned.frame, self._plans.streams(planned, parameters)
            else:
                frame, alone = planned, _one_by_one(context, planned) if _reads_files_alone(query) else None
                streams = alone or iter([frame.execute_stream()])
                if query.measured is not None and _is_alike(query, opened.hot):
                    measuring = Measuring(frame.execution_plan(), query.measured, frozenset(opened.hot))
            for _, scan in query.scans:
                if isinstance(scan, FileScan):
                    file_relations.require_files(scan)
            ready: list[pa.RecordBatch] = []
            if query.is_brief and _reads_local_files(query):
                ready, streams = first_batches(streams)
            if query.is_explained and opened.hot:
                ready = [*ready, pa.RecordBatch.from_pylist([hot_row(opened.hot)], frame.schema())]
            is_large = query.bytes is not None and query.bytes > _SMALL_BYTES
            return Running(frame, streams, opened, ready, is_large, measuring)
        finally:
            opened.close_late()

    def _context_for(self, query: EngineQuery) -> SessionContext:
        if query.merges:
            return self._context_of_merging
        if query.bytes is None or query.bytes > _SMALL_BYTES:
            return self.context
        return self._context_of_tiny if query.is_brief and query.bytes <= _TINY_BYTES else self._context_of_small

    def _plan(
        self, context: SessionContext, query: EngineQuery, parameters: Sequence[pa.Scalar], opened: Opened
    ) -> DataFrame | KeptPlan:
        name, scan = query.scans[0] if query.scans else ("", None)  # what is brief reads one table
        is_small = context is self._context_of_tiny and not query.is_explained
        if not is_small or not isinstance(scan, FileScan):
            return self._plan_anywhere(context, query, parameters, opened)
        fenced = name in query.fenced
        relation = self.small.take(scan, fenced=fenced)
        if relation is None:
            self.small.used(scan, lambda: _whole(context, scan, fenced=fenced), fenced=fenced)
            return self._plan_anywhere(context, query, parameters, opened)
        try:
            kept = self._kept_plan(name, relation, query, parameters)
            return kept or self._plan_over({name: relation}, context, query, parameters)
        finally:
            self.small.leave(scan, fenced=fenced)

    def _kept_plan(
        self, name: str, relation: str, query: EngineQuery, parameters: Sequence[pa.Scalar]
    ) -> KeptPlan | None:
        """Return a plan over a relation in memory from before, or one that is kept from now on, where one may be."""
        sql = query.sql.replace(f'"{name}"', relation)
        is_fixed = not parameters or (query.compares and all(one.is_valid for one in parameters))
        if not is_fixed or query.calls or not _may_be_kept(sql):
            return None
        fenced = {relation.replace('"', "")} if name in query.fenced else set()
        return self._plans.take(sql, parameters, lambda frame: require_fences(frame, fenced))

    def _plan_anywhere(
        self, context: SessionContext, query: EngineQuery, parameters: Sequence[pa.Scalar], opened: Opened
    ) -> DataFrame:
        """Plan a query over columns in memory, files and servers, as they come."""
        with self.hot.planning() as hot:
            relations = self._relations(context, query, opened, hot)
            other = query.in_whole_numbers
            if other is not None and hot.in_whole.issuperset(one.relation for one in other.summed):
                query = replace(query, sql=other.sql)
            return self._plan_over(relations, context, query, parameters, hot)

    def _relations(self, context: SessionContext, query: EngineQuery, opened: Opened, hot: Planning) -> dict[str, str]:
        """Return the name of the relation for each scan, quoted for SQL."""
        remote = [item for item in query.scans if isinstance(item[1], RemoteScan)]
        other = query.in_whole_numbers
        summed = {one.relation: one for one in other.summed} if other is not None else {}
        relations: dict[str, str] = {}
        if len(remote) > 1:  # servers are asked at once
            names = self._readers.map(lambda item: self._relation(context, item[0], item[1], opened), remote)
            relations = dict(zip((name for name, _ in remote), names, strict=True))
        for name, scan in query.scans:
            fenced, found = name in query.fenced, None
            if isinstance(scan, FileScan) and not (query.is_plain_scan or query.is_over_files):
                found = hot.take(context, scan, self._partitions[context], summed.get(name), fenced=fenced)
            if found is not None:
                relations[name], opened.hot[name] = found.name, found.files
            elif name not in relations:
                relations[name] = self._relation(context, name, scan, opened, fenced=fenced)
        return relations

    def _plan_over(
        self,
        relations: Mapping[str, str],
        context: SessionContext,
        query: EngineQuery,
        parameters: Sequence[pa.Scalar],
        hot: Planning | None = None,
    ) -> DataFrame:
        sql = query.sql
        for name, relation in relations.items():
            sql = sql.replace(f'"{name}"', relation)
        fenced = {relations[name].replace('"', "") for name in query.fenced}
        values = {str(number): _parameter(value) for number, value in enumerate(parameters, 1)}
        passing = values or any(not isinstance(scan, FileScan) for _, scan in query.scans)
        if passing or not _may_be_kept(sql):
            return _framed(context, sql, values, fenced, hot)
        return self._planned(context, sql, fenced, hot)

    def _planned(self, context: SessionContext, sql: str, fenced: Collection[str], hot: Planning | None) -> DataFrame:
        """Plan a query over files alone, or take its plan from before: the relations it names never change, and
        each is of one context.
        """
        with self._lock:
            frame = self._frames.get(sql)
        if frame is None:
            frame = _framed(context, sql, {}, fenced, hot)
            with self._lock:
                self._frames[sql] = frame
        return frame

    def _forget(self, relation: str) -> None:
        """Let go of plans over a relation."""
        self._plans.forget(relation)
        with self._lock:
            for sql in [sql for sql in self._frames if f'"{relation}"' in sql]:
                del self._frames[sql]

    def _relation(self, context: SessionContext, name: str, scan: Scan, opened: Opened, *, fenced: bool = False) -> str:
        if isinstance(scan, FileScan):
            return file_relations.register(context, scan, fenced=fenced)
        if isinstance(scan, SessionScan):
            raise RuntimeError("rows of a session are to be read before the engine plans")
        relation = f"{name}_{next(self._numbers)}"
        if isinstance(scan, ReadyScan):
            opened.add(context, relation, Ready())
            if scan.batches is None:  # the engine is to know nothing of how many there are
                context.register_dataset(relation, dataset([], schema=scan.schema))
            else:
                context.register_record_batches(relation, [[*scan.batches]])
            return f'"{relation}"'
        remote = self._open_remote(scan)
        opened.add(context, relation, remote)
        remote_relations.register(context, relation, remote, scan.rows)
        return f'"{relation}"'


@dataclass(slots=True)
class Running:
    """A statement that runs: its batches are read once. Closing stops its work."""

    _frame: DataFrame
    _streams: Iterator[RecordBatchStream]
    _opened: Opened
    _ready: list[pa.RecordBatch]
    _is_large: bool
    _measuring: Measuring | None = None
    _stream: RecordBatchStream | None = field(default=None)
    _requested: asyncio.Future[Any] | None = field(default=None)
    _closed: bool = field(default=False)

    @property
    def messages(self) -> Messages | None:
        """None: there are batches."""
        return None

    @property
    def schema(self) -> pa.Schema:
        """The schema that the plan promises; batches may have other layouts of the same types."""
        return self._frame.schema()

    def begin(self) -> None:
        """Have the engine work on the next batch."""
        self._request()

    def has_ended(self) -> bool:
        """Whether the rows that are there are all, for a statement that no event loop has begun. Blocks for little."""
        if self._stream is None:
            self._stream = next(self._streams, None)
        return self._stream is None

    @property
    def ready(self) -> Sequence[pa.RecordBatch]:
        """The batches that were there when the query was planned."""
        return self._ready

    @property
    def whole(self) -> Sequence[pa.RecordBatch] | None:
        """All batches of a statement that has ended by now, None while there may be more."""
        return self._ready if self._requested is None and not self._closed else None

    async def batches(self) -> AsyncIterator[pa.RecordBatch]:
        """Yield the record batches. The engine is one batch ahead of who takes them, and no further."""
        following = self._requested
        for batch in self._ready:
            yield batch
            if self._closed:
                return
        while following is not None:
            try:
                batch = await following
            except StopAsyncIteration:
                self._stream = None
                following = self._request()
                continue
            except BaseException as failure:
                raise told(failure, self._opened) from failure
            following = self._request()
            found = batch.to_pyarrow()
            if self._measuring is not None:
                self._measuring.rows += found.num_rows
            yield found
            if self._closed:
                return

    def _request(self) -> asyncio.Future[Any] | None:
        """Ask for the next batch, of the next partition where one has ended; None when there are no more."""
        if self._stream is None and not self._closed:
            self._stream = next(self._streams, None)
        if self._stream is None:
            return None
        self._requested = asyncio.ensure_future(self._stream.__anext__())
        self._requested.add_done_callback(_settle)  # it may fail when nobody asks any more
        return self._requested

    async def close(self) -> None:
        """Stop the work and give back its relations. Dropping the stream is what stops the engine's tasks."""
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        measuring, self._measuring = self._measuring, None
        if measuring is not None and self._stream is None:  # all rows were read
            loop.call_soon(loop.run_in_executor, None, measuring.tell)  # behind the end of the answer
        self._closed = True
        self._stream, self._streams = None, iter(())
        if self._requested is not None:
            self._requested.cancel()
            self._requested = None
        if self._opened:
            await loop.run_in_executor(None, self._opened.close)
        if self._is_large:
            loop.run_in_executor(None, heaps.trim)


def _take_rule(context: SessionContext, name: str) -> None:
    if not context.remove_optimizer_rule(name):
        raise RuntimeError(f"the engine has no rule {name}")


def _framed(
    context: SessionContext, sql: str, values: Mapping[str, pa.Scalar], fenced: Collection[str], hot: Planning | None
) -> DataFrame:
    frame = context.sql(sql, param_values=dict(values) or None)
    require_fences(frame, fenced)
    return frame if hot is None else hot.simplified(context, frame)


def _whole(context: SessionContext, scan: FileScan, *, fenced: bool) -> DataFrame:
    return context.sql(f"SELECT * FROM {file_relations.register(context, scan, fenced=fenced)}")


def _is_alike(query: EngineQuery, hot: Mapping[str, int]) -> bool:
    """Whether each scan is read from memory alone, or not at all: what operators count tells nothing of others."""
    scans = {name: scan for name, scan in query.scans if isinstance(scan, FileScan)}
    return all(hot[name] == sum(len(group.files) for group in scans[name].groups) for name in hot)


def _may_be_kept(sql: str) -> bool:
    return len(sql) <= _KEPT_BYTES and "now()" not in sql  # a plan keeps the time it was made at


def _settle(request: asyncio.Future[Any]) -> None:
    if not request.cancelled():
        request.exception()


def _reads_files_alone(query: EngineQuery) -> bool:
    return query.is_plain_scan and all(isinstance(scan, FileScan) for _, scan in query.scans)


def _reads_local_files(query: EngineQuery) -> bool:
    """Whether no object store has to be waited for, which could take long and cannot be broken off."""
    return all(isinstance(scan, FileScan) and file_relations.is_local_scan(scan) for _, scan in query.scans)


def _one_by_one(context: SessionContext, frame: DataFrame) -> Iterator[RecordBatchStream] | None:
    """Return the plan's partitions, each begun when it is asked for; None if they exchange rows.

    The plan is made here, for one execution: its partitions share a queue of files, which is empty when they were read.
    """
    plan = frame.execution_plan()
    if not _partitions_are_independent(plan):
        return None
    return (context.execute(plan, partition) for partition in range(plan.partition_count))


def _partitions_are_independent(plan: ExecutionPlan) -> bool:
    """Whether a partition of a plan can be read to its end before the next is begun."""
    operator = plan.display().partition(":")[0].strip()
    return operator in _PARTITION_BY_PARTITION and all(map(_partitions_are_independent, plan.children()))


def told(failure: BaseException, opened: Opened) -> BaseException:
    """Return what is raised for a failure: a source's own error first, then the engine's in PostgreSQL's terms."""
    if isinstance(failure, (SqlError, asyncio.CancelledError)):
        return failure
    if is_panic(failure):  # which no `except Exception` takes: the connection would end without a word
        failure = RuntimeError(f"the engine panicked: {failure}")
    if opened.failure is not None:
        return opened.failure
    known = sql_error(failure, opened.stated_error)
    if known is not None:
        known = without_values(known) if opened.withholds_values else known
        _log.info("engine refused", sqlstate=str(known.sqlstate), reason=type(failure).__name__)
        return known
    return failure


def _parameter(value: pa.Scalar) -> pa.Scalar:
    """Return a parameter as the engine's driver takes it: of lists it knows no NULL, and the SQL says the type."""
    return value if value.is_valid or not pa.types.is_nested(value.type) else pa.scalar(None, pa.null())
