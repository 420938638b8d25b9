"""COPY TO STDOUT as clients send it, and what they make of it."""

from __future__ import annotations

import asyncio
import io
import re
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from importlib import util
from pathlib import Path
from typing import Any
from urllib.parse import quote

import adbc_driver_postgresql.dbapi
import asyncpg
import duckdb
import pandas
import psycopg
import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gateway.wire import backend as b
from gateway.wire import frontend as f
from tests.attacks.clients import AttackClient
from tests.clients.test_psql import Psql
from tests.gateway import ADA, PASSWORD, RunningGateway, SampleLake
from tests.small_tables import KINDS

_FORMATS = ("text", "csv", "binary")


@pytest.fixture(scope="module")
def uri(gateway: RunningGateway) -> str:
    return f"postgresql://{ADA}:{quote(PASSWORD)}@{gateway.host}:{gateway.port}/{gateway.database}"


@pytest.fixture
def connection(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def psql(gateway: RunningGateway, lake: SampleLake) -> Psql:
    return Psql(gateway, lake)


def copied(connection: psycopg.Connection, statement: str) -> bytes:
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copying:
        return b"".join(map(bytes, copying))


@pytest.mark.parametrize("form", _FORMATS)
@pytest.mark.parametrize("table", ["small.kinds", "origin.things"])
def test_a_table_is_copied_as_postgresql_does(
    connection: psycopg.Connection, lake: SampleLake, form: str, table: str
) -> None:
    with psycopg.connect(lake.reference_dsn, autocommit=True) as reference:
        reference.execute("SET TimeZone = 'UTC'")
        columns = ", ".join(f'"{name}"' for name in KINDS) if table == "small.kinds" else "*"
        query = f"COPY (SELECT {columns} FROM {table} ORDER BY id) TO STDOUT (FORMAT {form})"
        assert copied(connection, query) == copied(reference, query)


_TEXT = "chr(233) || '\\\"' || chr(9) || {0} AS {1}, nullif({0}, 1), chr(34920) || ';' AS other"
_IN_LATIN1 = ("LATIN1", "latin-1", "iso 8859-1", "WIN1252", "windows1252")
_ENCODINGS = [
    *((name, _TEXT.partition(", chr(34920)")[0]) for name in _IN_LATIN1),
    *((name, _TEXT.partition("chr(233) || ")[2]) for name in ("SJIS", "shift_jis", "GBK", "BIG5", "EUC_JP")),
    *((name, _TEXT) for name in ("unicode", "SQL_ASCII")),
]
_PLACES = ("n", "small.numbers"), ("id", "origin.things")  # of the engine, and of the source's server
_OPTIONS = ("FORMAT text, HEADER, NULL 'nil'", "FORMAT csv, FORCE_QUOTE *, HEADER", "FORMAT csv, NULL 'nil'")


@pytest.mark.parametrize(("encoding", "columns"), _ENCODINGS, ids=[name for name, _ in _ENCODINGS])
def test_encodings_are_postgresqls(
    connection: psycopg.Connection, lake: SampleLake, encoding: str, columns: str
) -> None:
    with psycopg.connect(lake.reference_dsn, autocommit=True) as reference:
        for column, table in _PLACES:
            name = '"clé"' if encoding in (*_IN_LATIN1, "unicode") else "cle"
            query = f"SELECT {columns.format(column, name)} FROM {table} WHERE {column} < 4 ORDER BY {column}"
            for options in _OPTIONS:
                copy = f"COPY ({query}) TO STDOUT ({options}, ENCODING '{encoding}')"
                assert copied(connection, copy) == copied(reference, copy), copy


@pytest.mark.parametrize(("encoding", "columns"), _ENCODINGS[:6], ids=[name for name, _ in _ENCODINGS[:6]])
def test_without_an_encoding_it_is_the_clients(
    connection: psycopg.Connection, lake: SampleLake, encoding: str, columns: str
) -> None:
    with psycopg.connect(lake.reference_dsn, autocommit=True) as reference:
        for session in (connection, reference):
            session.pgconn.exec_(f"SET client_encoding TO '{encoding}'".encode())
        for column, table in _PLACES:
            query = f"SELECT {columns.format(column, 'cle')} FROM {table} WHERE {column} < 4 ORDER BY {column}"
            for options in (*_OPTIONS, "FORMAT binary", "FORMAT csv, ENCODING 'UTF8'"):
                copy = f"COPY ({query}) TO STDOUT ({options})"
                assert copied(connection, copy) == copied(reference, copy), copy


@pytest.mark.parametrize(("column", "table"), _PLACES)
def test_characters_that_an_encoding_has_not(connection: psycopg.Connection, column: str, table: str) -> None:
    for form in ("text", "csv"):
        copy = f"COPY (SELECT chr(34920) || {column} FROM {table}) TO STDOUT (FORMAT {form}, ENCODING 'LATIN1')"
        with pytest.raises(psycopg.errors.UntranslatableCharacter):
            copied(connection, copy)


def test_psql(psql: Psql, tmp_path: Path) -> None:
    numbers = tmp_path / "numbers.csv"
    printed = psql(
        rf"\copy (select n from small.numbers order by n) to '{numbers}' with (format csv, header)"
        "\ncopy small.kinds (id, name) to stdout csv;\n\\copy small.kinds from stdin\n"
    )
    assert printed.splitlines()[:4] == ["COPY 10000", """1,"żółw, ""q"" 'a'\"""", '2,""', "3,"]
    assert "ERROR:  COPY FROM is not supported" in printed
    assert numbers.read_text().splitlines() == ["n", *map(str, range(1, 10_001))]


def test_several_statements_in_one_text(psql: Psql) -> None:
    printed = psql(
        "select 1 as a \\; copy (select n from small.numbers where n < 3 order by n) to stdout \\;"
        " copy (select 2, 'b') to stdout csv \\; select 3 as c;",
        "-At",
    )
    assert printed.split() == ["1", "1", "2", "2,b", "3"]


@pytest.mark.parametrize("form", ["", "(FORMAT BINARY)"])
def test_psycopg_reads_rows(connection: psycopg.Connection, form: str) -> None:
    statement = f"COPY (SELECT id, price, day, name FROM small.kinds ORDER BY id) TO STDOUT {form}"
    with connection.cursor().copy(statement.encode()) as copying:
        copying.set_types(["int4", "numeric", "date", "text"])
        rows = list(copying.rows())
    wanted = [KINDS[name][2] for name in ("id", "price", "day", "name")]
    assert rows == list(zip(*wanted, strict=True))


def test_psycopg2(gateway: RunningGateway) -> None:
    with psycopg2.connect(gateway.dsn()) as connection, connection.cursor() as cursor:
        file = io.StringIO()
        cursor.copy_expert("COPY (SELECT n FROM small.numbers WHERE n < 4 ORDER BY n) TO STDOUT", file)
        assert file.getvalue() == "1\n2\n3\n"
        file = io.StringIO()
        cursor.copy_expert("COPY small.kinds (id, big) TO STDOUT WITH CSV HEADER", file)
        frame = pandas.read_csv(io.StringIO(file.getvalue()))
        assert list(frame["id"]) == [1, 2, 3]
        assert cursor.rowcount == 3


def test_asyncpg(uri: str) -> None:
    async def main() -> None:
        connection = await asyncpg.connect(uri)
        output = io.BytesIO()
        tag = await connection.copy_from_query(
            "SELECT n FROM small.numbers WHERE n < $1 ORDER BY n", 3, output=output, format="csv", header=True
        )
        assert (tag, output.getvalue()) == ("COPY 2", b"n\n1\n2\n")
        output = io.BytesIO()
        options: dict[str, Any] = {"columns": ["id", "flag"], "output": output, "null": "?"}
        assert await connection.copy_from_table("kinds", schema_name="small", **options) == "COPY 3"
        assert output.getvalue() == b"1\tt\n2\tf\n3\t?\n"
        await connection.close()

    asyncio.run(main())


def test_adbc_by_default_asks_for_copy(uri: str) -> None:
    with adbc_driver_postgresql.dbapi.connect(uri, autocommit=True) as adbc, adbc.cursor() as cursor:
        cursor.execute("select * from small.kinds order by id")
        table = cursor.fetch_arrow_table()
        for name, (sql_type, _, values) in KINDS.items():
            found = table[name].to_pylist()
            if sql_type.startswith("numeric"):  # ADBC gives numeric as text
                found = [value if value is None else Decimal(value) for value in found]
            if sql_type != "jsonb":
                assert found == values, name
        cursor.execute("select n from small.numbers where n < $1 order by n", (4,))
        assert cursor.fetchall() == [(1,), (2,), (3,)]


def test_duckdb_attaches_the_lake(uri: str) -> None:
    spec = util.find_spec("duckdb_extension_postgres_scanner")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "extensions" / f"v{duckdb.__version__}"
    with duckdb.connect() as duck:
        duck.execute(f"LOAD '{folder / 'postgres_scanner'}.duckdb_extension'")
        duck.execute(f"ATTACH '{uri}' AS lake (TYPE postgres, READ_ONLY)")
        assert duck.execute("SELECT count(*), sum(n) FROM lake.small.numbers").fetchall() == [(10_000, 50_005_000)]
        rows = duck.execute("SELECT id, name, price FROM lake.small.kinds ORDER BY id").fetchall()
        assert rows == list(zip(*(KINDS[name][2] for name in ("id", "name", "price")), strict=True))
        joined = "SELECT n_name FROM lake.crm.nation JOIN lake.crm.region ON n_regionkey = r_regionkey"
        assert len(duck.execute(f"{joined} WHERE r_regionkey = 3").fetchall()) == 5


def test_arrow_and_parquet(connection: psycopg.Connection) -> None:
    stream = copied(connection, "COPY small.numbers TO STDOUT (FORMAT arrow)")
    table = pa.ipc.open_stream(stream).read_all()
    assert sorted(table["n"].to_pylist()) == list(range(1, 10_001))
    wanted = {name: values for name, (sql_type, _, values) in KINDS.items() if sql_type != "jsonb"}
    query = "SELECT " + ", ".join(f'"{name}"' for name in wanted) + " FROM small.kinds ORDER BY id"
    for table in (
        pa.ipc.open_stream(copied(connection, f"COPY ({query}) TO STDOUT (FORMAT arrow)")).read_all(),
        pq.read_table(io.BytesIO(copied(connection, f"COPY ({query}) TO STDOUT (FORMAT parquet)"))),
    ):
        assert table.to_pydict() == wanted
        assert table.schema.field("price").type == pa.decimal128(15, 2)
    none = "SELECT n FROM small.numbers WHERE n < 0"
    assert pa.ipc.open_stream(copied(connection, f"COPY ({none}) TO STDOUT (FORMAT arrow)")).read_all().num_rows == 0
    empty = copied(connection, f"COPY ({none}) TO STDOUT (FORMAT parquet)")
    assert pq.read_table(io.BytesIO(empty)).num_rows == 0
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="without tables of the lake"):
        copied(connection, "COPY (SELECT 1) TO STDOUT (FORMAT arrow)")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="cannot be written as Parquet"):
        copied(connection, "COPY (SELECT span FROM origin.things) TO STDOUT (FORMAT parquet)")


@pytest.mark.parametrize("form", [*_FORMATS, "arrow", "parquet"])
def test_an_error_amid_the_rows(connection: psycopg.Connection, form: str) -> None:
    statement = f"COPY (SELECT 10 / (n - 3) FROM origin.second) TO STDOUT (FORMAT {form})"
    with pytest.raises(psycopg.errors.DivisionByZero):
        copied(connection, statement)
    assert copied(connection, "COPY (SELECT 1) TO STDOUT") == b"1\n"


def test_a_cancelled_copy_and_one_out_of_time(connection: psycopg.Connection) -> None:
    started = time.monotonic()
    timer = threading.Timer(0.3, connection.cancel_safe)
    timer.start()
    with pytest.raises(psycopg.errors.QueryCanceled, match="user request"):
        copied(connection, "COPY (SELECT n FROM origin.slow) TO STDOUT")
    timer.join()
    connection.execute("SET statement_timeout = '200ms'")
    for query in ("SELECT n FROM origin.slow", "SELECT pg_sleep(20)"):
        with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
            copied(connection, f"COPY ({query}) TO STDOUT")
    assert copied(connection, "COPY (SELECT n FROM small.numbers WHERE n = 7) TO STDOUT") == b"7\n"
    assert time.monotonic() - started < 10


def test_a_reader_who_stops_stops_the_source(gateway: RunningGateway) -> None:
    with gateway.connect() as connection:
        before = gateway.memory()
        many = "COPY origin.many TO STDOUT"  # five gigabytes
        with pytest.raises(psycopg.errors.QueryCanceled), connection.cursor().copy(many) as copying:
            assert next(iter(copying))
            time.sleep(1)
            assert gateway.memory() - before < 200 << 20
            connection.cancel_safe()
            for _ in copying:
                pass
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_messages_of_the_extended_protocol(gateway: RunningGateway) -> None:
    client = AttackClient((gateway.host, gateway.port), ADA)
    copy = "COPY (SELECT n FROM small.numbers WHERE n < 3 ORDER BY n) TO STDOUT"
    named = [f.Parse("c", copy), f.Describe("S", "c"), f.Bind("p", "c"), f.Describe("P", "p")]
    once = [*named, f.Execute("p", 1), f.Parse("", "SELECT 5"), f.Bind("", ""), f.Execute(""), f.Sync()]
    messages = client.ask(*once)
    assert b"".join(kind for kind, _ in messages) == b"1tn2nHddcC12DCZ"
    assert messages[5][1] == b.CopyOutResponse(0, (0,)).encode()[5:]
    assert messages[9][1] == b"COPY 2\0"
    again = [f.Bind("q", "c"), f.Execute("q"), f.Execute("q"), f.Parse("", "SELECT 5"), f.Sync()]
    messages = client.ask(*again)
    assert b"".join(kind for kind, _ in messages) == b"2HddcCEZ"
    assert b'portal "q" cannot be run' in messages[-2][1]
    relayed = [f.Parse("", "COPY (SELECT 1) TO STDOUT"), f.Bind("", ""), f.Describe("P", ""), f.Execute(""), f.Sync()]
    assert b"".join(kind for kind, _ in client.ask(*relayed)) == b"12nHdcCZ"
    broken = [f.Parse("", "COPY (SELECT 1 / n FROM small.none) TO STDOUT (FORMAT nonsense)"), f.Bind("", ""), f.Sync()]
    assert b"".join(kind for kind, _ in client.ask(*broken)) == b"EZ"
    client.close()


def test_in_a_transaction(gateway: RunningGateway) -> None:
    with psycopg.connect(gateway.dsn()) as connection:
        assert copied(connection, "COPY (SELECT n FROM small.numbers WHERE n = 1) TO STDOUT") == b"1\n"
        with pytest.raises(psycopg.errors.UndefinedTable):
            copied(connection, "COPY small.nosuch TO STDOUT")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            copied(connection, "COPY small.numbers TO STDOUT")
        connection.rollback()
        assert copied(connection, "COPY (SELECT n FROM small.numbers WHERE n = 2) TO STDOUT") == b"2\n"


def test_errors_of_tables_and_columns(connection: psycopg.Connection) -> None:
    for options, error, message in (
        ("small.numbers (x)", psycopg.errors.UndefinedColumn, 'column "x" of relation "numbers" does not exist'),
        ("small.numbers (n, n)", psycopg.errors.DuplicateColumn, 'column "n" specified more than once'),
        ("(SELECT x FROM small.numbers)", psycopg.errors.UndefinedColumn, 'column "x" does not exist'),
        ("(SELECT $1)", psycopg.errors.UndefinedParameter, r"there is no parameter \$1"),
    ):
        with pytest.raises(error, match=message):
            copied(connection, f"COPY {options} TO STDOUT")
    for option, cause, told in (
        ("FORCE_QUOTE (x)", psycopg.errors.UndefinedColumn, 'column "x" of relation "kinds" does not exist'),
        ("FORCE_QUOTE (name)", psycopg.errors.InvalidColumnReference, 'FORCE_QUOTE column "name" not referenced'),
        ("ENCODING 'EUC_TW'", psycopg.errors.FeatureNotSupported, "encoding EUC_TW is not supported"),
    ):
        with pytest.raises(cause, match=told):
            copied(connection, f"COPY small.kinds (id) TO STDOUT (FORMAT csv, {option})")


def test_the_examples_of_the_documentation(connection: psycopg.Connection) -> None:
    text = (Path(__file__).parents[2] / "docs" / "copy.md").read_text(encoding="utf-8")
    examples = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    sizes = [len(copied(connection, one)) for each in examples for one in each.split(";") if one.strip()]
    assert len(sizes) == 6
    assert min(sizes) > 20
    python = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {"connection": connection, "pyarrow": pa}
    exec(python[0], names)
    assert names["table"].num_rows == 15_000
