"""The lake of a configuration: its sources opened, its engine set up."""

from __future__ import annotations

from datafusion import SessionContext

from catalog.errors import SqlError
from catalog.scans import RemoteScan, Source
from catalog.sqlstate import SqlState
from catalog.tables import Discovery
from connectors.postgres.source import PostgresSource
from connectors.registry import open_source
from gateway.config import Config
from gateway.execute.engine import Engine, EngineSettings
from gateway.execute.remote_relations import RemoteDataset
from gateway.lake import Lake
from gateway.metadata import Metadata
from gateway.sql.engine_dialect.function_errors import stated_error
from gateway.sql.engine_dialect.functions import register_functions
from gateway.sql.engine_dialect.mask_functions import register_mask_functions

AUDIT = "lakegate"  # the source, and the schema in which clients find its relations
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
        if scan.reader is None:
            raise SqlError(SqlState.INTERNAL_ERROR, f'source "{scan.source}" is read with nobody\'s rights')
        return RemoteDataset(scan.schema, source.open(scan, logins.get(scan.source, scan.reader)), failed)

    def failed(failure: SqlError) -> None:
        lake.source_failed(failure)

    def register(context: SessionContext) -> None:
        register_functions(context)
        register_mask_functions(context, metadata.keyring)
        metadata.evaluator.register(context)

    engine = Engine(
        EngineSettings(config.engine.memory_limit, config.spill_directory, config.engine.target_partitions),
        open_remote,
        register,
        stated_error,
        metadata.evaluator.hold,
    )
    lake = Lake(
        sources,
        engine,
        metadata.access,
        metadata.system_relations,
        logins,
        metadata.pure_functions,
        metadata.evaluator,
    )
    return lake
