"""The demo's PostgreSQL database: customers, nations and regions with keys, indexes and comments."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pyarrow as pa
from psycopg import sql
from pyarrow import csv

from gateway.demo.generate import DemoError, read

TABLES = ("region", "nation", "customer")  # in the order of their foreign keys
MARK_PREFIX = "TPC-H demonstration data"

_DEFINITIONS = """
CREATE TABLE region (
    r_regionkey bigint PRIMARY KEY,
    r_name      text NOT NULL UNIQUE,
    r_comment   text NOT NULL
);
CREATE TABLE nation (
    n_nationkey bigint PRIMARY KEY,
    n_name      text NOT NULL UNIQUE,
    n_regionkey bigint NOT NULL REFERENCES region,
    n_comment   text NOT NULL
);
CREATE TABLE customer (
    c_custkey    bigint PRIMARY KEY,
    c_name       text NOT NULL,
    c_address    text NOT NULL,
    c_nationkey  bigint NOT NULL REFERENCES nation,
    c_phone      text NOT NULL,
    c_acctbal    numeric(15,2) NOT NULL,
    c_mktsegment text NOT NULL,
    c_comment    text NOT NULL
);
COMMENT ON TABLE region IS 'Regions of the world';
COMMENT ON TABLE nation IS 'Nations, each in one region';
COMMENT ON TABLE customer IS 'Customers, each of one nation';
COMMENT ON COLUMN customer.c_acctbal IS 'Balance of the account in US dollars; below zero is a debt';
COMMENT ON COLUMN customer.c_mktsegment IS 'Line of business: AUTOMOBILE, BUILDING, FURNITURE, HOUSEHOLD, MACHINERY';
COMMENT ON COLUMN customer.c_phone IS 'Country code (nation key + 10) and number';
COMMENT ON COLUMN nation.n_name IS 'Name in capital letters, such as GERMANY';
"""
_AFTER_LOADING = """
CREATE INDEX nation_regionkey ON nation (n_regionkey);
CREATE INDEX customer_nationkey ON customer (c_nationkey);
CREATE INDEX customer_mktsegment ON customer (c_mktsegment);
"""


def is_loaded(dsn: str, mark: str) -> bool:
    """Say whether the database holds the demo's tables with this mark."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "SELECT to_regclass('public.customer') IS NOT NULL"
            " AND obj_description('public'::regnamespace, 'pg_namespace') = %s",
            [mark],
        ).fetchone()
        return row is not None and bool(row[0])


def load(dsn: str, generated: Path, mark: str) -> None:
    """Create and fill the tables in one transaction. Tables of an earlier demo are replaced; raises `DemoError` rather
    than touch tables of somebody else.
    """
    with psycopg.connect(dsn) as connection:
        _remove_earlier(connection)
        connection.execute(_DEFINITIONS)
        for table in TABLES:
            copy_into(connection, table, generated / f"{table}.parquet")
        connection.execute(_AFTER_LOADING)
        connection.execute(sql.SQL("COMMENT ON SCHEMA public IS {}").format(mark))
        connection.execute("ANALYZE region, nation, customer")


def copy_into(connection: psycopg.Connection[tuple[object, ...]], table: str, source: Path) -> None:
    """Append a Parquet file to a table that has the same columns in the same order."""
    statement = sql.SQL("COPY {} FROM STDIN (FORMAT csv)").format(sql.Identifier(table))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for batch in read(source):
            lines = pa.BufferOutputStream()
            csv.write_csv(batch, lines, csv.WriteOptions(include_header=False))
            copy.write(memoryview(lines.getvalue()))


def _remove_earlier(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    taken = connection.execute(
        "SELECT count(*), coalesce(obj_description('public'::regnamespace, 'pg_namespace'), '')"
        " FROM pg_tables WHERE schemaname = 'public' AND tablename = ANY(%s)",
        [list(TABLES)],
    ).fetchone()
    if taken is None or not taken[0]:
        return
    if not str(taken[1]).startswith(MARK_PREFIX):
        raise DemoError("the database already has tables named region, nation or customer that are not the demo's")
    connection.execute("DROP TABLE customer, nation, region")
