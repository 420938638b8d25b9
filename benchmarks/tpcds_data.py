"""TPC-DS: rows and query texts of DuckDB's generator, laid out over Delta, Iceberg and PostgreSQL.

========  ===========  ==========================================================================
source    kind         tables
========  ===========  ==========================================================================
sales     Delta        store_sales, store_returns, catalog_sales, catalog_returns, web_sales, web_returns
supply    Iceberg      inventory, item, date_dim, time_dim, warehouse, catalog_page, promotion
crm       PostgreSQL   the rest: customers, their addresses and demographics, stores, sites, reasons
========  ===========  ==========================================================================

The texts are the specification's with its own parameters, as PostgreSQL runs them unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import util
from pathlib import Path

import duckdb
import psycopg
import pyarrow as pa
from deltalake import write_deltalake
from psycopg import sql
from pyarrow import csv
from pyiceberg.catalog.sql import SqlCatalog

from gateway.demo.lake_tables import NAMESPACE, catalog_properties

DELTA = ("store_sales", "store_returns", "catalog_sales", "catalog_returns", "web_sales", "web_returns")
ICEBERG = ("inventory", "item", "date_dim", "time_dim", "warehouse", "catalog_page", "promotion")
SCHEMAS = ("sales", "supply", "crm")
NUMBERS = range(1, 100)
_PRIMARY_KEYS = {
    "customer": "c_customer_sk",
    "customer_address": "ca_address_sk",
    "customer_demographics": "cd_demo_sk",
    "household_demographics": "hd_demo_sk",
}


@contextmanager
def generated(scale: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """Have a DuckDB with TPC-DS's tables at a scale (1 is about 1 GB) for the length of a block."""
    with duckdb.connect(config={"threads": 2}) as connection:
        _load_extension(connection)
        connection.execute(f"CALL dsdgen(sf = {scale:g})")
        yield connection


def queries() -> dict[int, str]:
    """Return the 99 queries by their numbers."""
    with duckdb.connect() as connection:
        _load_extension(connection)
        found = connection.execute("SELECT query_nr, query FROM tpcds_queries()").fetchall()
    return {number: text.strip().rstrip(";") for number, text in found}


def _load_extension(connection: duckdb.DuckDBPyConnection) -> None:
    spec = util.find_spec("duckdb_extension_tpcds")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package duckdb-extension-tpcds is not installed")
    folder = Path(spec.origin).parent / "extensions" / f"v{duckdb.__version__}"
    connection.execute(f"LOAD '{folder / 'tpcds.duckdb_extension'}'")


def table_names(data: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the names of the tables, in order."""
    return [name for (name,) in data.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()]


def rows(data: duckdb.DuckDBPyConnection, table: str) -> pa.Table:
    """Return a table; its integers are of four bytes, as the specification has them."""
    found: pa.Table = data.execute(f"SELECT * FROM {table}").to_arrow_table()
    plain = {pa.int64(): pa.int32(), pa.large_string(): pa.string()}
    return found.cast(pa.schema([field.with_type(plain.get(field.type, field.type)) for field in found.schema]))


def write_lake(data: duckdb.DuckDBPyConnection, directory: Path) -> dict[str, dict[str, object]]:
    """Write the tables of Delta and Iceberg below an empty folder; return these sources as a configuration has them."""
    for name in DELTA:
        write_deltalake(str(directory / "sales" / name), rows(data, name))
    (directory / "supply").mkdir(parents=True)
    properties = catalog_properties(directory / "supply")
    catalog = SqlCatalog("supply", **properties)
    try:
        catalog.create_namespace(NAMESPACE)
        for name in ICEBERG:
            found = rows(data, name)
            catalog.create_table((NAMESPACE, name), schema=found.schema).append(found)
    finally:
        catalog.close()
    return {
        "sales": {"kind": "delta", "location": str(directory / "sales")},
        "supply": {"kind": "iceberg", "catalog": properties},
    }


def write_postgres(data: duckdb.DuckDBPyConnection, dsn: str, tables: list[str]) -> None:
    """Create tables in a database and fill them."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        for name in tables:
            found = rows(data, name)
            columns = [
                sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(sql_type(field))) for field in found.schema
            ]
            if name in _PRIMARY_KEYS:
                columns.append(sql.SQL("PRIMARY KEY ({})").format(sql.Identifier(_PRIMARY_KEYS[name])))
            definition = sql.SQL("CREATE TABLE {} ({})").format(sql.Identifier(name), sql.SQL(", ").join(columns))
            connection.execute(definition)
            lines = pa.BufferOutputStream()
            csv.write_csv(found, lines, csv.WriteOptions(include_header=False))
            statement = sql.SQL("COPY {} FROM STDIN (FORMAT csv)").format(sql.Identifier(name))
            with connection.cursor().copy(statement) as copy:
                copy.write(memoryview(lines.getvalue()))
        connection.execute("ANALYZE")


def sql_type(field: pa.Field) -> str:
    """Return the type of a column as SQL writes it."""
    if pa.types.is_decimal(field.type):
        return f"numeric({field.type.precision},{field.type.scale})"
    return {pa.int32(): "integer", pa.date32(): "date", pa.string(): "text"}[field.type]
