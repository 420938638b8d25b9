"""The engine's dialect: what it writes, what it refuses, and that it leaves its input alone."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from datafusion import SessionContext
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from catalog.errors import SqlError
from gateway.sql.engine_dialect import float_functions, intervals, number_functions
from gateway.sql.engine_dialect.before_qualify import parse, prepare
from gateway.sql.engine_dialect.inference import annotate
from gateway.sql.engine_dialect.intervals import Span
from gateway.sql.engine_dialect.moments import Session
from gateway.sql.engine_dialect.render import render
from tests.differential.subjects import engine_context

COLUMNS = {
    "i2": "smallint",
    "i4": "integer",
    "i8": "bigint",
    "n": "numeric(15,2)",
    "f": "double precision",
    "r": "real",
    "t": "text",
    "c": "char(5)",
    "d": "date",
    "ts": "timestamp",
    "tz": "timestamptz",
    "iv": "interval",
    "a": "integer[]",
    "b": "boolean",
}
TPCH = sorted((Path(__file__).parent.parent / "differential" / "tpch").glob("q*.sql"))


@pytest.fixture(scope="module")
def schema() -> MappingSchema:
    types = {name: exp.DataType.build(sql, dialect="postgres") for name, sql in COLUMNS.items()}
    return MappingSchema({"x": types}, dialect="postgres", normalize=False)


@pytest.fixture(scope="module")
def context() -> SessionContext:
    return engine_context()


def typed(sql: str, schema: MappingSchema, parameters: tuple[str, ...] = ()) -> exp.Query:
    tree = qualify(prepare(parse(sql), schema), schema=schema, dialect="postgres")
    assert isinstance(tree, exp.Query)
    return annotate(tree, schema, [exp.DataType.build(each, dialect="postgres") for each in parameters])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("i4 / 2", "INT"),
        ("i2 + i2", "SMALLINT"),
        ("i4 + i8", "BIGINT"),
        ("i4 * 1.5", "DECIMAL(38, 1)"),
        ("n / 3", "DECIMAL"),
        ("r + i4", "DOUBLE PRECISION"),
        ("r * r", "REAL"),
        ("1.50", "DECIMAL(3, 2)"),
        ("2147483648", "BIGINT"),
        ("d - d", "INT"),
        ("d + 1", "DATE"),
        ("d + interval '1 day'", "TIMESTAMP"),
        ("ts - d", "INTERVAL"),
        ("tz - interval '1 hour'", "TIMESTAMPTZ"),
        ("date_trunc('month', d)", "TIMESTAMPTZ"),
        ("extract(second from ts)", "DECIMAL(38, 6)"),
        ("sum(i4)", "BIGINT"),
        ("sum(i8)", "DECIMAL(38, 0)"),
        ("sum(r)", "REAL"),
        ("avg(i4) over ()", "DECIMAL"),
        ("avg(f)", "DOUBLE PRECISION"),
        ("array_agg(d)", "DATE[]"),
        ("a[1]", "INT"),
        ("a || 1", "INT[]"),
        ("case when b then 1 else 2.5 end", "DECIMAL(2, 1)"),
        ("coalesce(i4, n)", "DECIMAL(15, 2)"),
        ("mode() within group (order by d)", "DATE"),
        ("round(n, 1)", "DECIMAL(38, 1)"),
        ("ceil(i4)", "DOUBLE PRECISION"),
        ("i4::numeric", "DECIMAL(20, 0)"),
        ("$1 + i8", "BIGINT"),
    ],
)
def test_types_are_those_of_postgres(expression: str, expected: str, schema: MappingSchema) -> None:
    tree = typed(f"select {expression} as value from x", schema, ("integer",))
    found = tree.selects[0].type
    assert isinstance(found, exp.DataType)
    assert found.sql("postgres") == expected


@pytest.mark.parametrize("path", TPCH, ids=lambda path: path.stem)
def test_input_is_left_alone(path: Path) -> None:
    columns = {
        "lineitem": "l_orderkey l_partkey l_suppkey l_linenumber l_quantity l_extendedprice l_discount l_tax "
        "l_returnflag l_linestatus l_shipdate l_commitdate l_receiptdate l_shipinstruct l_shipmode l_comment",
        "orders": "o_orderkey o_custkey o_orderstatus o_totalprice o_orderdate o_orderpriority o_clerk o_shippriority "
        "o_comment",
        "customer": "c_custkey c_name c_address c_nationkey c_phone c_acctbal c_mktsegment c_comment",
        "part": "p_partkey p_name p_mfgr p_brand p_type p_size p_container p_retailprice p_comment",
        "partsupp": "ps_partkey ps_suppkey ps_availqty ps_supplycost ps_comment",
        "supplier": "s_suppkey s_name s_address s_nationkey s_phone s_acctbal s_comment",
        "nation": "n_nationkey n_name n_regionkey n_comment",
        "region": "r_regionkey r_name r_comment",
    }
    schema = MappingSchema(
        {table: dict.fromkeys(names.split(), "bigint") for table, names in columns.items()}, dialect="postgres"
    )
    tree = qualify(prepare(parse(path.read_text().strip().rstrip(";")), schema), schema=schema, dialect="postgres")
    assert isinstance(tree, exp.Query)
    tree = annotate(tree, schema)
    before = repr(tree)
    try:
        first = render(tree)
    except SqlError as error:  # the columns have no types of their own here
        first = error.message
    assert repr(tree) == before
    try:
        assert render(tree) == first
    except SqlError as error:
        assert error.message == first


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("select pg_sleep(1) from x", "function pg_sleep"),
        ("select pg_read_file('/etc/passwd') from x", "function pg_read_file"),
        ("select arrow_cast(t, 'Utf8') from x", "function arrow_cast"),
        ("select input_file_name() from x", "function input_file_name"),
        ("select t::json -> 'a' from x", "operator ->"),
        ("select sum(i4) over (order by i4 rows 1 preceding exclude ties) from x", "EXCLUDE"),
        ("select t ~ '(a)\\1' from x", "back reference"),
        ("select t ~ '(?=a)' from x", "looking ahead"),
        ("select i4 from x tablesample system (10) repeatable (1)", "TABLESAMPLE"),
        ("select i4 from x for update", "FOR UPDATE"),
        ("select to_char(n, '999D99') from x", "to_char of numeric"),
        ("select time '24:00' from x", "24:00:00"),
        ("select 'NaN'::numeric from x", "NaN"),
        ('select t collate "de_DE" from x', "COLLATE"),
        ("select i4 from x where t::regclass is null", "regclass"),
    ],
)
def test_what_is_not_there_is_refused_by_name(sql: str, named: str, schema: MappingSchema) -> None:
    with pytest.raises(SqlError) as refused:
        render(typed(sql, schema))
    assert refused.value.sqlstate == "0A000"
    assert named.lower() in refused.value.message.lower()


@pytest.mark.parametrize(
    ("sql", "contains"),
    [
        # comparisons of dates stay comparisons of dates: the engine prunes by them
        ("select 1 from x where d < date '1995-01-01' + interval '1 year'", '"x"."d" < CAST(\'1995-01-01\' AS DATE) +'),
        ("select 1 from x where d >= timestamp '1995-01-01'", '"x"."d" >= CAST(\'1995-01-01\' AS DATE)'),
        ("select 1 from x where d > '1995-01-01'", '"x"."d" > CAST(\'1995-01-01\' AS DATE)'),
        ("select 1 from x where i8 = any('{1,2}')", "\"x\".\"i8\" IN (CAST('1' AS BIGINT), CAST('2' AS BIGINT))"),
        ("select i4 from x order by i4, d desc", 'ORDER BY "i4" ASC NULLS LAST, "x"."d" DESC NULLS FIRST'),
        ("select i4 from x /* secret */ -- more", 'SELECT "x"."i4" AS "i4" FROM "x" AS "x"'),
        ("select n * (1 - n) from x", '"x"."n" * (CAST(1 AS DECIMAL(1, 0)) - "x"."n")'),
    ],
)
def test_text(sql: str, contains: str, schema: MappingSchema) -> None:
    found = render(typed(sql, schema))
    assert contains in found
    assert "secret" not in found


def test_sessions_zone_is_in_the_text(schema: MappingSchema) -> None:
    tree = typed("select tz::date from x", schema)
    assert "Europe/Berlin" in render(tree, Session("Europe/Berlin"))
    with pytest.raises(SqlError):
        render(tree, Session('UTC")), evil('))


def test_inexact_numerics_as_text_sort_as_numbers(schema: MappingSchema, context: SessionContext) -> None:
    rows = pa.table({"n": pa.array([Decimal("10.00"), Decimal("9.00"), Decimal("100000.00")], pa.decimal128(15, 2))})
    context.register_record_batches("x", [rows.to_batches()])
    tree = typed("select n / 3 as third from x order by third", schema)
    found = context.sql(render(tree, numeric_text=True)).to_pydict()["third"]
    assert found == ["3.0000000000000000", "3.3333333333333333", "33333.333333333333"]


@pytest.mark.parametrize(
    ("written", "span"),
    [
        ("1 day", Span(days=1)),
        ("1 day 02:30", Span(days=1, microseconds=9_000_000_000)),
        ("1 day ago", Span(days=-1)),
        ("-1 mon +2 days", Span(months=-1, days=2)),
        ("1-2", Span(months=14)),
        ("3 4:05:06", Span(days=3, microseconds=14_706_000_000)),
        ("P1Y2M3DT4H5M6.5S", Span(14, 3, 14_706_500_000)),
        ("1.5 months", Span(months=1, days=15)),
        ("@ 2 hours", Span(microseconds=7_200_000_000)),
        ("100 ms", Span(microseconds=100_000)),
    ],
)
def test_interval_constants(written: str, span: Span) -> None:
    assert intervals.parse(written) == span


@pytest.mark.parametrize("written", ["", "day", "1 fortnight", "1 day tomorrow", "1 2 3 days x"])
def test_interval_constants_that_are_none(written: str) -> None:
    with pytest.raises(SqlError):
        intervals.parse(written)


def test_intervals_keep_their_time_when_parsed() -> None:
    tree = parse("select interval '1 day 02:30:00', interval '2 days ago', interval '1' year")
    assert [intervals.constant(node) for node in tree.find_all(exp.Interval)] == [
        Span(days=1, microseconds=9_000_000_000),
        Span(days=-2),
        Span(months=12),
    ]


def test_errors_of_functions_begin_with_their_sqlstate() -> None:
    with pytest.raises(ZeroDivisionError, match=r"^\[22012\]"):
        float_functions.divide(pa.array([1.0]), pa.array([0.0]))
    with pytest.raises(ValueError, match=r"^\[2201E\]"):
        float_functions.natural_logarithm(pa.array([1.0, 0.0]))


def test_small_decimals_are_written_without_exponent() -> None:
    values = pa.array([Decimal("0.0000001"), Decimal("-12.5"), None, Decimal(0)], pa.decimal256(76, 28))
    assert number_functions.numeric_text(values).to_pylist() == ["0.0000001", "-12.5", None, "0"]
