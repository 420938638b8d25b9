"""Data frames: the ADBC driver, pandas and polars."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import quote

import adbc_driver_postgresql.dbapi
import pandas
import polars
import pyarrow as pa
import pytest
import sqlalchemy as sa
from adbc_driver_postgresql import StatementOptions

from tests.gateway import ADA, PASSWORD, RunningGateway
from tests.small_tables import KINDS, kinds

_ADBC = pytest.mark.client("ADBC", "every type, tables and columns, COPY or without")
_PANDAS = pytest.mark.client("pandas", "queries, tables, chunks, over SQLAlchemy")
_POLARS = pytest.mark.client(
    "polars", "read_database over SQLAlchemy and ADBC, read_database_uri by connectorx (parted) and ADBC"
)


@pytest.fixture(scope="module")
def uri(gateway: RunningGateway) -> str:
    return f"postgresql://{ADA}:{quote(PASSWORD)}@{gateway.host}:{gateway.port}/{gateway.database}"


@pytest.fixture
def adbc(uri: str) -> Iterator[Any]:
    with adbc_driver_postgresql.dbapi.connect(uri, autocommit=True) as connection:
        yield connection


@pytest.fixture
def engine(uri: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(uri.replace("postgresql:", "postgresql+psycopg:"))
    yield engine
    engine.dispose()


def without_copy(cursor: Any) -> Any:
    cursor.adbc_statement.set_options(**{StatementOptions.USE_COPY.value: "false"})
    return cursor


@_ADBC
def test_adbc_reads_every_type_without_copy(adbc: Any) -> None:
    with adbc.cursor() as cursor:
        without_copy(cursor).execute("select * from small.kinds order by id")
        table = cursor.fetch_arrow_table()
    expected = kinds()
    for name, (sql_type, _, values) in KINDS.items():
        found = table[name].to_pylist()
        if sql_type.startswith("numeric"):  # ADBC gives numeric as text
            found = [value if value is None else Decimal(value) for value in found]
        if sql_type != "jsonb":
            assert found == values, name
    assert table.schema.field("list").type == expected.schema.field("list").type


@_ADBC
def test_adbc_lists_tables_and_columns(adbc: Any) -> None:
    schema = adbc.adbc_get_table_schema("lineitem", db_schema_filter="sales")
    assert schema.field("l_shipdate").type == pa.date32()
    objects = adbc.adbc_get_objects(depth="tables", catalog_filter="lake", db_schema_filter="supply").read_all()
    tables = objects.to_pylist()[0]["catalog_db_schemas"][0]["db_schema_tables"]
    assert {table["table_name"] for table in tables} == {"part", "partsupp", "supplier"}


@_ADBC
def test_adbc_reads_by_copy(adbc: Any) -> None:
    with adbc.cursor() as cursor:
        cursor.execute("select n from small.numbers where n < 4 order by n")
        assert cursor.fetch_arrow_table()["n"].to_pylist() == [1, 2, 3]


@_PANDAS
def test_pandas(engine: sa.Engine) -> None:
    frame = pandas.read_sql(
        sa.text("select n_name, n_regionkey from crm.nation where n_regionkey = :region order by n_name"),
        engine,
        params={"region": 3},
    )
    assert list(frame["n_name"])[:2] == ["FRANCE", "GERMANY"]
    assert frame["n_regionkey"].dtype == "int64"
    table = pandas.read_sql_table("region", engine, schema="crm")
    assert len(table) == 5


@_PANDAS
def test_pandas_in_chunks(engine: sa.Engine) -> None:
    chunks = pandas.read_sql("select n from small.numbers order by n", engine, chunksize=4000)
    assert [len(chunk) for chunk in chunks] == [4000, 4000, 2000]


@_PANDAS
def test_pandas_streams_chunks(engine: sa.Engine) -> None:
    with engine.connect().execution_options(stream_results=True) as connection:
        chunks = pandas.read_sql(sa.text("select n from small.numbers order by n"), connection, chunksize=4000)
        assert [len(chunk) for chunk in chunks] == [4000, 4000, 2000]


@_POLARS
def test_polars(engine: sa.Engine) -> None:
    frame = polars.read_database(
        "select l_returnflag, sum(l_quantity) as quantity from sales.lineitem group by 1 order by 1", engine
    )
    assert frame["l_returnflag"].to_list() == ["A", "N", "R"]
    assert frame["quantity"].dtype == polars.Decimal


@_POLARS
def test_polars_over_adbc(adbc: Any) -> None:
    with adbc.cursor() as cursor:
        frame = polars.read_database("select n from small.numbers where n < 4 order by n", without_copy(cursor))
    assert frame["n"].to_list() == [1, 2, 3]


@_POLARS
@pytest.mark.parametrize("engine", ["connectorx", "adbc"])
def test_polars_reads_a_uri(uri: str, engine: Literal["connectorx", "adbc"]) -> None:
    query = "select l_orderkey, l_quantity, l_shipdate, l_comment from sales.lineitem where l_orderkey < 100"
    frame = polars.read_database_uri(query, uri, engine=engine)
    assert frame.shape == (105, 4)
    assert frame["l_shipdate"].dtype == polars.Date
    assert frame["l_orderkey"].max() == 99


@_POLARS
def test_polars_reads_a_uri_in_parts(uri: str) -> None:
    frame = polars.read_database_uri(
        "select o_orderkey, o_custkey from sales.orders", uri, partition_on="o_orderkey", partition_num=4
    )
    assert frame.shape == (15_000, 2)
    assert frame["o_orderkey"].n_unique() == 15_000
