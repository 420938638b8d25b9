"""The lake of a configuration: its sources opened, its engine set up."""

from __future__ import annotations

from datafusion import SessionContext

from catalog.errors import SqlError
from catalog.scans import RemoteScan, Source
from catalog.sqlstate import SqlState
from connectors.postgres.source import PostgresSource
from connectors.registry import open_source
from gateway.config import Config, DeltaSource, FilesSource, IcebergSource, SourceConfig
from gateway.config import PostgresSource as PostgresSettings
from gateway.execute.engine import Engine, EngineSettings
from gateway.execute.remote_relations import RemoteDataset
from gateway.lake import Lake
from gateway.metadata import Metadata
from gateway.sql.engine_dialect.functions import register_functions


def open_lake(config: Config, metadata: Metadata) -> Lake:
    """Open every source (none is reached yet) and the engine."""
    sources = {name: open_source(name, plain_settings(settings)) for name, settings in config.sources.items()}

    def open_remote(scan: RemoteScan) -> RemoteDataset:
        source: Source | None = sources.get(scan.source)
        if not isinstance(source, PostgresSource):
            raise SqlError(SqlState.INTERNAL_ERROR, f'source "{scan.source}" has no streams')
        return RemoteDataset(scan.schema, source.open(scan))

    def register(context: SessionContext) -> None:
        register_functions(context)

    engine = Engine(
        EngineSettings(config.engine.memory_limit, config.spill_directory, config.engine.target_partitions),
        open_remote,
        register,
    )
    return Lake(sources, engine, metadata.grants, metadata.system_relations)


def plain_settings(settings: SourceConfig) -> dict[str, object]:
    """Return a source's settings with its secrets in plain text, for the connector alone."""
    match settings:
        case DeltaSource() | FilesSource():
            return {"kind": settings.kind, "location": settings.location, "storage_options": settings.storage()}
        case IcebergSource():
            return {"kind": settings.kind, "catalog": settings.properties()}
        case PostgresSettings():
            return {"kind": settings.kind, "dsn": settings.dsn.get_secret_value()}
