"""Statistics of PostgreSQL tables, beside what their rows truly are."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from decimal import Decimal

import psycopg
import pyarrow as pa
import pytest

from catalog.names import TableName
from catalog.sqlstate import SqlState
from catalog.statistics import ColumnStatistics, TableStatistics
from catalog.tables import Table
from connectors.postgres.column_statistics import PartColumn, column_statistics
from connectors.postgres.shapes import ColumnShape
from connectors.postgres.source import PostgresSource
from connectors.postgres.types import Order, RemoteType
from tests.connectors.conftest import RealServer, execute
from tests.connectors.streaming import failure_of, table_of

SETUP = """
CREATE TABLE orders (
    id int8 PRIMARY KEY, status text NOT NULL, placed date, total numeric(12,2), note text,
    code char(4), done bool, at timestamptz, clock time, raw bytea, tags int4[], ratio float8, plain numeric,
    UNIQUE (placed, total)
);
INSERT INTO orders
SELECT i, CASE WHEN i % 10 = 0 THEN 'odd' ELSE 'usual' END, date '2024-01-01' + (i % 500)::int, i / 4.0,
       CASE WHEN i % 4 <> 0 THEN 'note ' || i END, 'a' || i % 3, i % 4 = 0,
       timestamptz '2024-01-01 00:00Z' + i * interval '1 min', time '00:00' + (i % 1000) * interval '1 min',
       decode(lpad(to_hex(i % 200), 4, '0'), 'hex'), ARRAY[i % 2],
       CASE WHEN i % 100 = 0 THEN 'NaN' ELSE i / 2.0 END, CASE WHEN i % 100 = 0 THEN 'NaN' ELSE i::numeric END
FROM generate_series(1, 2000) i;
CREATE UNIQUE INDEX ON orders (note) INCLUDE (status);
CREATE UNIQUE INDEX ON orders (code) WHERE id = 1;
CREATE UNIQUE INDEX ON orders (lower(note));
CREATE VIEW seen AS SELECT * FROM orders;
CREATE TABLE never (k int4);
CREATE TABLE untold (k int4) WITH (autovacuum_enabled = off);
INSERT INTO untold SELECT generate_series(1, 500);

CREATE TABLE sales (day date NOT NULL, shop int4, amount float8, word text, PRIMARY KEY (day, shop))
    PARTITION BY RANGE (day);
CREATE TABLE sales_1 PARTITION OF sales FOR VALUES FROM ('2024-01-01') TO ('2024-04-10');
CREATE TABLE sales_2 PARTITION OF sales FOR VALUES FROM ('2024-04-10') TO ('2024-07-19') PARTITION BY RANGE (day);
CREATE TABLE sales_2a PARTITION OF sales_2 DEFAULT;
CREATE TABLE sales_3 PARTITION OF sales FOR VALUES FROM ('2024-07-19') TO ('2030-01-01');
CREATE TABLE sales_4 PARTITION OF sales FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');
INSERT INTO sales
SELECT date '2024-01-01' + d, s, CASE WHEN s <= 5 THEN d * 20 + s END, CASE WHEN s % 2 = 0 THEN 'even' ELSE 'odd' END
FROM generate_series(0, 299) d, generate_series(1, 20) s;

CREATE TABLE whole (LIKE sales) PARTITION BY RANGE (day);
CREATE TABLE whole_1 PARTITION OF whole DEFAULT;
INSERT INTO whole SELECT * FROM sales;

CREATE TABLE parent (k int4 PRIMARY KEY);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parent SELECT generate_series(1, 100);
INSERT INTO child SELECT generate_series(1, 100);
CREATE STATISTICS of_orders (ndistinct) ON status, done, code FROM orders;
CREATE STATISTICS of_expressions (ndistinct) ON (id % 7), done FROM orders;
CREATE STATISTICS of_whole (ndistinct) ON day, word FROM whole;
ANALYZE orders, sales_1, sales_2a, sales_3, whole, parent, child;
"""


@pytest.fixture(scope="module")
def url(server: RealServer) -> str:
    return server.database(SETUP, create="LOCALE 'C'")


@pytest.fixture(scope="module")
def source(url: str) -> Iterator[PostgresSource]:
    made = PostgresSource("pg", url)
    yield made
    made.close()


@pytest.fixture(scope="module")
def orders(source: PostgresSource) -> TableStatistics:
    return source.statistics(table_of(source, "orders"))


def test_rows_and_keys(orders: TableStatistics) -> None:
    assert orders.rows == 2000
    assert set(orders.unique) == {frozenset({"id"}), frozenset({"placed", "total"}), frozenset({"note"})}


@pytest.mark.parametrize(
    ("name", "distinct", "nulls", "least", "greatest"),
    [
        ("id", 2000, 0, 1, 2000),
        ("status", 2, 0, "odd", "usual"),
        ("placed", 500, 0, date(2024, 1, 1), date(2025, 5, 14)),
        ("total", 2000, 0, Decimal("0.25"), Decimal("500.00")),
        ("note", 1500, 0.25, "note 1", "note 999"),
        ("code", 3, 0, "a0", "a2"),
        ("done", 2, 0, False, True),
        ("at", 2000, 0, datetime(2024, 1, 1, 0, 1, tzinfo=UTC), datetime(2024, 1, 2, 9, 20, tzinfo=UTC)),
        ("clock", 1000, 0, time_of_day(0, 0), time_of_day(16, 39)),
        ("raw", 200, 0, b"\x00\x00", b"\x00\xc7"),
        ("ratio", 1981, 0, 0.5, 999.5),
        ("plain", 1981, 0, Decimal(1), Decimal(1999)),
    ],
)  # fmt: skip
def test_columns_are_as_the_rows(
    orders: TableStatistics,
    source: PostgresSource,
    name: str,
    distinct: int,
    nulls: float,
    least: object,
    greatest: object,
) -> None:
    found, column = orders.columns[name], table_of(source, "orders").column(name)
    assert column is not None and found.minimum is not None and found.maximum is not None
    assert found.distinct == pytest.approx(distinct, rel=0.001)
    assert found.null_fraction == pytest.approx(nulls)
    assert found.minimum.type == found.maximum.type == column.arrow_type
    assert (found.minimum.as_py(), found.maximum.as_py()) == (least, greatest)
    assert found.width and found.width > 0
    for value in (*found.histogram, *(value for value, _ in found.most_common)):
        assert value.type == column.arrow_type and value.is_valid


def test_common_values_and_histograms(orders: TableStatistics) -> None:
    common = {value.as_py(): fraction for value, fraction in orders.columns["status"].most_common}
    assert [*common] == ["usual", "odd"]
    assert common == pytest.approx({"usual": 0.9, "odd": 0.1})
    bounds = [bound.as_py() for bound in orders.columns["id"].histogram]
    assert len(bounds) == 101 and bounds == sorted(bounds)
    assert bounds[50] == pytest.approx(1000, abs=5)
    assert orders.columns["id"].most_common == ()


def test_combinations_of_values(source: PostgresSource, orders: TableStatistics) -> None:
    assert dict(orders.combined) == {
        frozenset({"status", "done"}): 4,
        frozenset({"status", "code"}): 6,
        frozenset({"done", "code"}): 6,
        frozenset({"status", "done", "code"}): 12,
    }
    assert dict(source.statistics(table_of(source, "whole")).combined) == {frozenset({"day", "word"}): 600}
    assert source.statistics(table_of(source, "parent")).combined == {}


def test_what_has_no_order_here_has_no_bounds(orders: TableStatistics) -> None:
    tags = orders.columns["tags"]
    assert (tags.minimum, tags.histogram, tags.most_common) == (None, (), ())
    assert tags.null_fraction == 0


def test_text_under_a_language_s_order_has_values_but_no_bounds(server: RealServer) -> None:
    made = server.database(
        'CREATE TABLE t (s text COLLATE "C.utf8"); INSERT INTO t SELECT i FROM generate_series(1, 1000) i; ANALYZE t'
    )
    source = PostgresSource("pg", made)
    found = source.statistics(table_of(source, "t")).columns["s"]
    source.close()
    assert (found.minimum, found.maximum, found.distinct, len(found.histogram)) == (None, None, 1000, 101)


def test_a_histogram_in_a_language_s_order_is_brought_into_that_of_bytes() -> None:
    texts = pa.array(["a", "B", "c", "D"])  # this build of PostgreSQL knows no language's order
    part = PartColumn(4, 0, 1, -1, pa.array([], pa.string()), pa.array([], pa.float64()), 0, texts)
    shape = ColumnShape(RemoteType("text", pa.string(), order=Order.TEXT, literal="text"))
    assert [bound.as_py() for bound in column_statistics([part], shape, 4.0).histogram] == ["B", "D", "a", "c"]


def test_a_table_never_analyzed_is_counted_as_it_grows(source: PostgresSource, url: str) -> None:
    execute(url, "SELECT pg_stat_force_next_flush()")
    untold, never = (source.statistics(table_of(source, name)) for name in ("untold", "never"))
    assert untold.rows == 500 and untold.columns["k"] == ColumnStatistics()
    assert never.rows == 0


def test_a_view_is_unknown(source: PostgresSource) -> None:
    found = source.statistics(table_of(source, "seen"))
    assert (found.rows, found.bytes, dict(found.columns), found.unique) == (None, None, {}, ())


@pytest.mark.parametrize("name", ["sales", "whole"])
def test_a_partitioned_table_is_all_of_its_parts(source: PostgresSource, name: str) -> None:
    found = source.statistics(table_of(source, name))
    day, shop, amount, word = (found.columns[column] for column in ("day", "shop", "amount", "word"))
    assert found.rows == 6000
    assert found.unique == ((frozenset({"day", "shop"}),) if name == "sales" else ())
    assert (day.distinct, shop.distinct, word.distinct) == (300, 20, 2)
    assert amount.distinct == pytest.approx(1500, rel=0.01)
    assert amount.null_fraction == pytest.approx(0.75)
    assert (day.minimum, day.maximum) == (pa.scalar(date(2024, 1, 1)), pa.scalar(date(2024, 10, 26)))
    assert (amount.minimum, amount.maximum) == (pa.scalar(1.0), pa.scalar(5985.0))
    assert {value.as_py(): fraction for value, fraction in word.most_common} == pytest.approx({"even": 0.5, "odd": 0.5})
    bounds = [bound.as_py() for bound in amount.histogram]
    assert bounds == sorted(bounds) and bounds[len(bounds) // 2] == pytest.approx(3000, rel=0.05)


def test_the_children_of_a_table_belong_to_it_and_its_key_does_not_hold_for_them(source: PostgresSource) -> None:
    found = source.statistics(table_of(source, "parent"))
    assert (found.rows, found.unique, found.columns["k"].distinct) == (200, (), 100)


def test_a_role_sees_what_it_may_read(url: str, source: PostgresSource) -> None:
    execute(url, "CREATE ROLE narrow LOGIN; GRANT SELECT (id, status) ON orders TO narrow")
    other = PostgresSource("pg", psycopg.conninfo.make_conninfo(url, user="narrow"))
    found = other.statistics(table_of(other, "orders"))
    other.close()
    assert set(found.columns) == {"id", "status"}
    assert found.columns["id"].distinct == 2000
    assert found.unique == (frozenset({"id"}),)


def test_row_security_hides_values_from_the_role_that_it_binds(url: str) -> None:
    execute(
        url,
        "CREATE ROLE bound LOGIN; CREATE TABLE kept AS SELECT generate_series(1, 50) k; ANALYZE kept;"
        "ALTER TABLE kept ENABLE ROW LEVEL SECURITY; GRANT SELECT ON kept TO bound",
    )
    other = PostgresSource("pg", psycopg.conninfo.make_conninfo(url, user="bound"))
    found = other.statistics(table_of(other, "kept"))
    other.close()
    assert (found.rows, found.columns["k"]) == (50, ColumnStatistics())


def test_long_statistics_are_thinned(server: RealServer) -> None:
    made = server.database(
        "CREATE TABLE t (k int4); INSERT INTO t SELECT i FROM generate_series(0, 10000) i;"
        "ALTER TABLE t ALTER k SET STATISTICS 5000; ANALYZE t"
    )
    source = PostgresSource("pg", made)
    found = source.statistics(table_of(source, "t")).columns["k"]
    source.close()
    assert [bound.as_py() for bound in found.histogram] == pytest.approx([at * 100 for at in range(101)], abs=3)


def test_names_that_need_quotes(server: RealServer) -> None:
    made = server.database("""CREATE SCHEMA "o'S"; CREATE TABLE "o'S"."T ""x" ("a'b" int4 UNIQUE); ANALYZE""")
    source = PostgresSource("pg", made)
    found = source.statistics(table_of(source, 'T "x'))
    source.close()
    assert found.unique == (frozenset({"a'b"}),)


def test_tables_asked_for_at_once_share_a_connection(url: str) -> None:
    source = PostgresSource("pg", psycopg.conninfo.make_conninfo(url, application_name="statistics"))
    tables = source.discover().tables
    with ThreadPoolExecutor(len(tables)) as threads:
        found = dict(zip((table.name.name for table in tables), threads.map(source.statistics, tables), strict=True))
    assert (found["orders"].rows, found["sales"].rows, found["parent"].rows) == (2000, 6000, 200)
    sessions = execute(url, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'statistics'")
    source.close()
    assert sessions == [(1,)]


def test_a_broken_connection_is_replaced(url: str) -> None:
    source = PostgresSource("pg", psycopg.conninfo.make_conninfo(url, application_name="broken"))
    table = table_of(source, "orders")
    assert source.statistics(table).rows == 2000
    execute(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'broken'")
    assert source.statistics(table).rows == 2000
    source.close()


def test_a_server_that_does_not_come_to_an_end_is_given_up(url: str) -> None:
    source = PostgresSource("pg", url)
    table = table_of(source, "orders")
    with psycopg.connect(url) as blocker:
        blocker.execute("LOCK TABLE pg_catalog.pg_inherits IN ACCESS EXCLUSIVE MODE")
        begun = time.monotonic()
        failure = failure_of(lambda: source.statistics(table))
        assert 0.9 < time.monotonic() - begun < 3
        assert failure.sqlstate == SqlState.QUERY_CANCELED
    assert source.statistics(table).rows == 2000
    source.close()


def test_a_locked_table_holds_nobody_up(url: str, source: PostgresSource) -> None:
    table = table_of(source, "orders")
    with psycopg.connect(url) as blocker:
        blocker.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        assert source.statistics(table).rows == 2000


def test_statistics_of_a_source_that_is_away_fail_for_all_who_wait() -> None:
    source = PostgresSource("pg", "postgresql://u:hunter2@127.0.0.1:1/x")
    table = Table(TableName("pg", "t"), "pg", "postgres", ("public", "t"), ())
    failures: list[str] = []
    threads = [
        threading.Thread(target=lambda: failures.append(failure_of(lambda: source.statistics(table)).message))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == ['source "pg" could not be reached'] * 4
