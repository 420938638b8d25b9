"""DuckDB over the same three sources: its delta, iceberg and postgres extensions, from wheels, without the network."""

from __future__ import annotations

from importlib import util
from pathlib import Path

import duckdb
from pyiceberg.catalog.sql import SqlCatalog

from gateway.configuration.config import IcebergSource, PostgresSource
from gateway.demo.dataset import SALES, SUPPLY, Layout
from gateway.demo.lake_tables import NAMESPACE

THREADS = 2
_EXTENSIONS = ("avro", "iceberg", "delta", "postgres_scanner")  # iceberg needs avro


def connect(layout: Layout) -> duckdb.DuckDBPyConnection:
    """Return a connection whose search path holds the three sources.

    Each statement reads the newest version of its tables, as the gateway's do (``ATTACH … (TYPE delta, PIN_SNAPSHOT)``
    would keep an older one). The views that stand for the tables cost nothing.
    """
    connection = duckdb.connect(config={"threads": THREADS})
    load_extensions(connection)
    connection.execute("CREATE SCHEMA sales; CREATE SCHEMA supply; CREATE SCHEMA crm")
    for table in SALES:
        connection.execute(f"CREATE VIEW sales.{table} AS FROM delta_scan('{layout.directory / 'sales' / table}')")
    supply, crm = layout.sources["supply"], layout.sources["crm"]
    assert isinstance(supply, IcebergSource)
    assert isinstance(crm, PostgresSource)
    catalog = SqlCatalog("supply", **supply.properties())
    for table in SUPPLY:
        metadata = catalog.load_table((NAMESPACE, table)).metadata_location
        connection.execute(f"CREATE VIEW supply.{table} AS FROM iceberg_scan('{metadata}')")
    catalog.close()
    connection.execute(f"ATTACH '{crm.dsn.get_secret_value()}' AS crm_database (TYPE postgres, READ_ONLY)")
    for table in ("customer", "nation", "region"):
        connection.execute(f"CREATE VIEW crm.{table} AS FROM crm_database.public.{table}")
    connection.execute("SET search_path = 'sales,supply,crm'")
    return connection


def load_extensions(connection: duckdb.DuckDBPyConnection) -> None:
    """Load the extensions' files out of the wheels; nothing is installed into a home folder."""
    for name in _EXTENSIONS:
        spec = util.find_spec(f"duckdb_extension_{name}")
        if spec is None or spec.origin is None:
            raise RuntimeError(f"the package duckdb-extension-{name.replace('_', '-')} is not installed")
        folder = Path(spec.origin).parent / "extensions" / f"v{duckdb.__version__}"
        connection.execute(f"LOAD '{folder / name}.duckdb_extension'")


def extension_versions(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the loaded extensions with their own versions."""
    query = "SELECT extension_name, extension_version FROM duckdb_extensions() WHERE loaded ORDER BY 1"
    wanted = {"avro", "iceberg", "delta", "postgres_scanner", "parquet"}
    return ", ".join(f"{name} {version}" for name, version in connection.execute(query).fetchall() if name in wanted)
