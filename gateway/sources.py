"""The lake of a configuration: its sources opened, its engine set up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from datafusion import SessionContext

from catalog.errors import SqlError
from catalog.remote_logins import RemoteLogin
from catalog.scans import RemoteScan, Source
from catalog.sqlstate import SqlState
from catalog.tables import Discovery
from connectors.postgres.source import PostgresSource
from connectors.registry import open_source
from gateway.configuration.config import Config
from gateway.configuration.config import PostgresSource as PostgresSettings
from gateway.execute.admitting import AdmittingEngine
from gateway.execute.engine import Engine
from gateway.execute.port import EnginePort, EngineSettings
from gateway.execute.remote_relations import STREAMS, RemoteDataset
from gateway.execute.workers.messages import RemoteServer
from gateway.execute.workers.pool import Secrets, WorkerPool, WorkerSettings
from gateway.feedback.cache import FeedbackCache
from gateway.lake import Lake
from gateway.metadata import Metadata
from gateway.result_cache import ResultCache
from gateway.sql.engine_dialect.function_errors import stated_error
from gateway.sql.engine_dialect.functions import register_functions
from gateway.sql.engine_dialect.mask_functions import register_mask_functions

AUDIT = "lakegate"  # the source, and the schema in which clients find its relations
_SMALL_TABLES_PART = 8  # of the memory for statements, rows of small tables may take one
_HOT_COLUMNS_PART = 4  # of the same, hot columns
_LARGE_BATCHES = 4 << 30  # bytes: of less memory too much would be taken by batches of sorts that spill
_RELATIONS = frozenset({"audit_log", "policy_history"})
# How a server says that a table is not any more what it was when the source was looked at.


class AuditSource(PostgresSource):
    """The audit's views as tables like any other: read with grants, under a role that may read nothing else. The
    other tables of the metadata are not there, not even by name.
    """

    def discover(self) -> Discovery:
        """Return the views of the audit and of the history of access alone."""
        found = super().discover()
        tables = tuple(table for table in found.tables if table.remote[0] == AUDIT and table.remote[1] in _RELATIONS)
        return Discovery(found.source, tables)


def open_lake(config: Config, metadata: Metadata) -> Lake:
    """Open every source (none is reached yet) and the engine."""
    sources = {name: open_source(name, settings.plain_settings()) for name, settings in config.sources.items()}
    if config.audit.mode != "off":
        sources[AUDIT] = AuditSource(AUDIT, metadata.audit_dsn)

    logins = metadata.remote_logins
    for name, source in sources.items():
        if isinstance(source, PostgresSource):
            logins.follow(name, source.keep_logins)

    def open_remote(scan: RemoteScan) -> RemoteDataset:
        source: Source | None = sources.get(scan.source)
        if not isinstance(source, PostgresSource):
            raise SqlError(SqlState.INTERNAL_ERROR, f'source "{scan.source}" has no streams')
        return RemoteDataset(scan.schema, source.open(scan, logins.get(scan.source, require_reader(scan))), failed)

    def failed(failure: SqlError) -> None:
        lake.source_failed(failure)

    def register(context: SessionContext) -> None:
        register_functions(context)
        register_mask_functions(context, metadata.keyring)
        metadata.evaluator.register(context)

    engine: EnginePort
    if config.engine.workers:
        engine = _open_workers(config, metadata, sources, failed)
    else:
        engine = Engine(_engine_settings(config), open_remote, register, stated_error, metadata.evaluator.hold)
    admitting = AdmittingEngine(engine, config.engine.statements_at_once, STREAMS * max(1, config.engine.workers))
    lake = Lake(
        sources,
        admitting,
        metadata.access,
        metadata.system_relations,
        logins,
        metadata.pure_functions,
        metadata.evaluator,
    )
    lake.feedback = FeedbackCache(metadata.analyzed.feedback.save)
    lake.results = _result_cache(config)
    lake.admissions = admitting.admissions
    return lake


def _result_cache(config: Config) -> ResultCache:
    found = {name: one.result_lifetime for name, one in config.sources.items() if isinstance(one, PostgresSettings)}
    return ResultCache(config.engine.result_cache_memory, found)


def _open_workers(
    config: Config, metadata: Metadata, sources: Mapping[str, Source], failed: Callable[[SqlError], None]
) -> WorkerPool:
    """Start the engine's worker processes, which are told how PostgreSQL sources are reached."""
    logins = metadata.remote_logins

    def login(scan: RemoteScan) -> RemoteLogin | None:
        return logins.get(scan.source, require_reader(scan))

    servers = {
        name: RemoteServer(source.dsn, source.options)
        for name, source in sources.items()
        if isinstance(source, PostgresSource)
    }
    count, ceiling, evaluator = config.engine.workers, config.engine.worker_ceiling, metadata.evaluator
    settings = WorkerSettings(count, ceiling, _engine_settings(config), servers, evaluator.parameters)
    secrets = Secrets(login, lambda: metadata.keyring.secrets, failed, lambda: evaluator.json_types)
    pool = WorkerPool(settings, secrets)
    for name in servers:
        logins.follow(name, partial(pool.keep_logins, name))
    return pool


def _engine_settings(config: Config) -> EngineSettings:
    engine = config.engine
    memory = engine.memory_limit // max(1, engine.workers)
    partitions, small = engine.target_partitions, min(engine.small_tables_memory, memory // _SMALL_TABLES_PART)
    hot = min(engine.hot_columns_memory // max(1, engine.workers), memory // _HOT_COLUMNS_PART)
    # Of 8192 rows threads hand over twice as often, of 32768 columns leave the processor's cache.
    rows = 16_384 if memory >= _LARGE_BATCHES else 8192
    return EngineSettings(memory, config.spill_directory, partitions, rows, small, hot)


def require_reader(scan: RemoteScan) -> str:
    """Return the role with whose rights a scan is read. A scan without one is not read at all."""
    if scan.reader is None:
        raise SqlError(SqlState.INTERNAL_ERROR, f'source "{scan.source}" is read with nobody\'s rights')
    return scan.reader
