"""Scans of PostgreSQL tables: values, conditions, ranges, and the streams they are read from."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from datetime import time as clock
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from catalog.errors import SqlError
from catalog.scans import Comparison, RemoteScan
from catalog.sqlstate import SqlState
from catalog.tables import Table
from connectors.postgres.settings import PostgresOptions
from connectors.postgres.source import LIVE, PostgresSource
from gateway.execute.remote_relations import RemoteDataset, register
from tests.connectors.conftest import RealServer, execute
from tests.connectors.streaming import failure_of, read, remote_rows, table_of
from tests.execute.reading import compare, new_context

SETUP = """
CREATE TYPE mood AS ENUM ('b', 'a');
CREATE COLLATION anycase FROM "C"; -- made into one that only ICU has; this build is without
UPDATE pg_collation SET collisdeterministic = false, collprovider = 'i' WHERE collname = 'anycase';
CREATE COLLATION language FROM "C"; UPDATE pg_collation SET collprovider = 'i' WHERE collname = 'language';
CREATE TABLE sorted (l text COLLATE language, n text COLLATE anycase);
CREATE TABLE kinds (id int, n12 numeric(12,2), n30 numeric(30,5), n60 numeric(60,10), n numeric, nneg numeric(3,-2),
    nsmall numeric(2,4), ch char(5), u uuid, j jsonb, m mood, ip inet, o oid, mo money, iv interval, x "char",
    ia int[], na numeric(5,2)[], ma mood[], tza timestamptz[]);
INSERT INTO kinds VALUES (1, -9999999999.99, -123.45678, 1e40, 3.5, 12300, 0.0012, 'ab',
    '00000000-0000-0000-0000-0000000000ff', '{"a": 1}', 'a', '10.0.0.1/8', 4294967295, '-12.5', '1 mon 2 days 3 s', 'c',
    '{1,NULL}', '{1.5,NULL}', '{a,b}', '{"2020-01-01 00:00+02"}');
INSERT INTO kinds VALUES (2);
CREATE TABLE texts (id int, c text COLLATE "C", vc varchar COLLATE "C", ch char(4), m mood, ip inet, u uuid, f8 float8,
    f4 float4);
INSERT INTO texts VALUES
    (1, 'a''b\\', 'x', 'x', 'b', '10.0.0.1', 'aaaaaaaa-0000-0000-0000-000000000000', 'NaN', 1.1),
    (2, 'é', 'y', 'xy', 'a', '10.0.0.2', 'BBBBBBBB-0000-0000-0000-000000000000', 0.1, 2.5);
CREATE TABLE big AS SELECT i AS id, i::text AS t, (i * 1.5)::numeric(12,2) AS n, repeat('y', 50) AS y
    FROM generate_series(1, 200000) i;
CREATE TABLE parted (k int, v text) PARTITION BY RANGE (k);
CREATE TABLE parted_a PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_b PARTITION OF parted FOR VALUES FROM (10) TO (20);
INSERT INTO parted SELECT i % 20, repeat('x', 100) FROM generate_series(1, 20000) i;
CREATE VIEW slow AS SELECT i, pg_sleep(0.02)::text AS nothing FROM generate_series(1, 100000) i;
CREATE VIEW failing AS SELECT i, 1 / (i - 150000) AS q, 'secret value' AS s FROM generate_series(1, 300000) i;
CREATE TABLE odd (d date, ts timestamp, tz timestamptz, ti time, iv interval, n numeric, dims int[], starts int[],
    da date[]);
ANALYZE;
"""


@pytest.fixture(scope="module")
def database(server: RealServer) -> str:
    return server.database(SETUP, create="LOCALE 'C.UTF-8' ENCODING 'UTF8'")


@pytest.fixture
def source(database: str) -> Iterator[PostgresSource]:
    opened = PostgresSource("crm", database)
    yield opened
    opened.close()


def scan_of(source: PostgresSource, name: str, columns: tuple[str, ...], *comparisons: Comparison) -> RemoteScan:
    return source.scan(source.pin(table_of(source, name)), columns, comparisons)


def one_row(source: PostgresSource, name: str, *columns: str) -> dict[str, Any]:
    found = read(source, table_of(source, name), columns or None).to_pylist()
    return next(row for row in found if row.get("id", 1) == 1)


def active(database: str) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lakegate' AND state = 'active'"
    count = execute(database, query)[0][0]
    assert isinstance(count, int)
    return count


def idle_in_transaction(database: str) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lakegate' AND state LIKE 'idle in%'"
    count = execute(database, query)[0][0]
    assert isinstance(count, int)
    return count


# Values


def test_values_arrive_as_they_are(source: PostgresSource) -> None:
    row = one_row(source, "kinds")
    assert row.pop("iv") == pa.MonthDayNano([1, 2, 3_000_000_000])
    assert row == {
        "id": 1,
        "n12": Decimal("-9999999999.99"),
        "n30": Decimal("-123.45678"),
        "n60": Decimal("1e40"),
        "n": Decimal("3.5"),
        "nneg": Decimal(12300),
        "nsmall": Decimal("0.0012"),
        "ch": "ab",
        "u": "00000000-0000-0000-0000-0000000000ff",
        "j": '{"a": 1}',
        "m": "a",
        "ip": "10.0.0.1/8",
        "o": 4294967295,
        "mo": Decimal("-12.50"),
        "x": "c",
        "ia": [1, None],
        "na": [Decimal("1.50"), None],
        "ma": ["a", "b"],
        "tza": [datetime(2019, 12, 31, 22, tzinfo=UTC)],
    }


def test_a_row_of_nulls(source: PostgresSource) -> None:
    found = read(source, table_of(source, "kinds")).to_pylist()
    assert {name: value for name, value in found[1].items() if value is not None} == {"id": 2}


def test_decimals_of_18_digits_are_exact_next_to_nulls(server: RealServer) -> None:
    values = "(999999999999999999), (NULL), (-999999999999999999), (9007199254740993)"
    source = PostgresSource("crm", server.database(f"CREATE TABLE t (v numeric(18)); INSERT INTO t VALUES {values}"))
    assert read(source, table_of(source, "t")).column("v").to_pylist() == [
        Decimal(999999999999999999),
        None,
        Decimal(-999999999999999999),
        Decimal(9007199254740993),
    ]


@pytest.mark.parametrize(
    ("column", "value", "state"),
    [
        ("d", "infinity", SqlState.DATETIME_VALUE_OUT_OF_RANGE),
        ("d", "-infinity", SqlState.DATETIME_VALUE_OUT_OF_RANGE),
        ("ts", "infinity", SqlState.DATETIME_VALUE_OUT_OF_RANGE),
        ("ts", "-infinity", SqlState.DATETIME_VALUE_OUT_OF_RANGE),
        ("ts", "294276-12-31", SqlState.DATETIME_VALUE_OUT_OF_RANGE),
        ("tz", "infinity", SqlState.DATETIME_VALUE_OUT_OF_RANGE),
        ("ti", "24:00", SqlState.DATETIME_VALUE_OUT_OF_RANGE),
        ("iv", "infinity", SqlState.DATA_EXCEPTION),
        ("n", "NaN", SqlState.NUMERIC_VALUE_OUT_OF_RANGE),
        ("n", "123456789012345678901", SqlState.NUMERIC_VALUE_OUT_OF_RANGE),
        ("n", "0.1234567890123456789", SqlState.NUMERIC_VALUE_OUT_OF_RANGE),
        ("dims", "{{1,2},{3,4}}", SqlState.FEATURE_NOT_SUPPORTED),
        ("starts", "[0:1]={1,2}", SqlState.FEATURE_NOT_SUPPORTED),
        ("da", "{2020-01-01,infinity}", SqlState.DATETIME_VALUE_OUT_OF_RANGE),
    ],
)
def test_what_arrow_cannot_hold_is_an_error_and_no_wrong_value(
    database: str, source: PostgresSource, column: str, value: str, state: SqlState
) -> None:
    execute(database, f"TRUNCATE odd; INSERT INTO odd ({column}) VALUES ('{value}')")
    failure = failure_of(lambda: read(source, table_of(source, "odd"), (column,)))
    assert failure.sqlstate == state
    assert "crm" in failure.message
    assert value not in f"{failure.message} {failure.detail} {failure.hint}".replace("24:00 in", "").replace(
        "infinity and", ""
    )


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("d", "4713-01-01 BC", -2_440_550),
        ("ts", "294246-12-31 00:00", 9_223_371_158_400_000_000),
        ("n", "12345678901234567890.123456789012345678", Decimal("12345678901234567890.123456789012345678")),
        ("n", "-0.5000000000000000000000", Decimal("-0.5")),
        ("dims", "{}", []),
    ],
)
def test_the_outermost_values_arrive(
    database: str, source: PostgresSource, column: str, value: str, expected: object
) -> None:
    execute(database, f"TRUNCATE odd; INSERT INTO odd ({column}) VALUES ('{value}')")
    found = read(source, table_of(source, "odd"), (column,)).column(0)
    if column == "d":
        found = found.cast(pa.int32())
    elif column == "ts":
        found = found.cast(pa.int64())
    assert found.to_pylist() == [expected]


def test_numeric_without_precision_is_read_with_the_scale_asked_for(database: str) -> None:
    execute(database, "TRUNCATE odd; INSERT INTO odd (n) VALUES (0.1234567890123456789)")
    source = PostgresSource("crm", database, PostgresOptions(numeric_scale=30))
    table = table_of(source, "odd")
    assert table.column("n") is not None
    assert read(source, table, ("n",)).column("n").to_pylist() == [Decimal("0.1234567890123456789")]


# Conditions


def takes(source: PostgresSource, table: Table, column: str, operator: str, *values: Any) -> bool:
    found = table.column(column)
    assert found is not None
    return source.takes(table, compare(column, operator, *values, type=found.arrow_type))


def test_text_is_compared_remotely_only_where_the_collation_allows(source: PostgresSource) -> None:
    table = table_of(source, "texts")
    assert takes(source, table, "c", "<", "b") and takes(source, table, "vc", ">=", "b")
    assert takes(source, table, "c", "=", "b")
    collated = table_of(source, "sorted")
    assert not takes(source, collated, "l", "<", "b") and takes(source, collated, "l", "in", "b", "c")
    assert not takes(source, collated, "n", "=", "b") and takes(source, collated, "n", "is_null")


def test_the_database_collation_counts_for_columns_without_one(server: RealServer) -> None:
    setup = "CREATE TABLE t (v text); INSERT INTO t VALUES ('a'), ('B')"
    expected = {
        "LOCALE 'C'": True,
        "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'": True,
        "LOCALE 'C' ENCODING 'LATIN1'": False,  # whose bytes have another order than UTF-8's
    }
    for create, ordered in expected.items():
        source = PostgresSource("crm", server.database(setup, create=create))
        table = table_of(source, "t")
        assert takes(source, table, "v", "<", "b") == ordered, create
        assert takes(source, table, "v", "=", "b"), create


def test_types_that_travel_as_text_are_not_ordered_remotely(source: PostgresSource) -> None:
    texts, kinds = table_of(source, "texts"), table_of(source, "kinds")
    assert takes(source, texts, "m", "=", "a") and not takes(source, texts, "m", "<", "a")
    assert not takes(source, texts, "ip", "=", "10.0.0.1") and takes(source, texts, "ip", "is_not_null")
    assert not takes(source, kinds, "j", "=", "{}")
    assert not takes(source, texts, "u", "=", "no uuid")
    assert not takes(source, texts, "ch", "=", "x ")  # equal to 'x' as character(4), not as text
    assert not takes(source, texts, "no such column", "=") if texts.column("no such column") else True


@pytest.mark.parametrize(
    ("column", "operator", "values", "ids"),
    [
        ("c", "=", ["a'b\\"], [1]),
        ("c", ">", ["b"], [2]),
        ("ch", "=", ["x"], [1]),
        ("m", "in", ["a", "nothing"], [2]),
        ("u", "=", ["AAAAAAAA-0000-0000-0000-000000000000"], [1]),
        ("u", ">", ["aaaaaaaa-0000-0000-0000-000000000000"], [2]),
        ("f8", "=", [float("nan")], [1]),
        ("f8", ">", [1.0], [1]),
        ("f8", "=", [0.1], [2]),
        ("f4", "=", [1.1], [1]),
        ("c", "in", ["é", None], [2]),
        ("c", "=", [None], []),
        ("c", "is_null", [], []),
    ],
)
def test_conditions_in_the_remote_query_mean_what_postgres_means(
    source: PostgresSource, column: str, operator: str, values: list[Any], ids: list[int]
) -> None:
    table = table_of(source, "texts")
    found = table.column(column)
    assert found is not None
    comparison = compare(column, operator, *values, type=found.arrow_type)
    assert source.takes(table, comparison)
    assert read(source, table, ("id",), (comparison,)).column("id").to_pylist() == ids


def test_a_comparison_uses_the_index(database: str, source: PostgresSource) -> None:
    execute(database, "CREATE INDEX IF NOT EXISTS big_id ON big (id); ANALYZE big")
    scan = scan_of(source, "big", ("t",), compare("id", "in", 5, 7, type=pa.int32()))
    plan = "\n".join(str(row[0]) for row in execute(database, f"EXPLAIN {scan.queries[0]}"))
    assert "Index" in plan


def test_text_can_break_out_of_no_constant(database: str, source: PostgresSource) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    execute(database, f"ALTER DATABASE {name} SET standard_conforming_strings = off")
    fresh = PostgresSource("crm", database)
    try:
        table = table_of(fresh, "texts")
        for text in ("'; DROP TABLE texts; --", "\\'; DROP TABLE texts; --", "a'b\\"):
            found = read(fresh, table, ("id",), (compare("c", "=", text, type=pa.string()),))
            assert found.num_rows == (text == "a'b\\")
    finally:
        fresh.close()
        execute(database, f"ALTER DATABASE {name} RESET standard_conforming_strings")


# Queries


def test_a_scan_selects_the_columns_asked_for_in_their_order(source: PostgresSource) -> None:
    scan = scan_of(source, "big", ("t", "id"))
    assert scan.queries == ('SELECT "t", "id" FROM "public"."big"',)
    assert scan.schema.names == ["t", "id"]
    assert "user" not in repr(scan) and scan.source == "crm"


def test_the_engine_may_narrow_a_scan(source: PostgresSource) -> None:
    scan = scan_of(source, "kinds", ("id", "ia", "n12"))
    assert remote_rows(source, scan, "SELECT n12, ia FROM {t} WHERE id IS NOT NULL").column("ia").to_pylist() == [
        [1, None],
        None,
    ]
    assert remote_rows(source, scan, "SELECT count(*) AS c FROM {t}").column("c").to_pylist() == [2]


def test_a_scan_without_columns_counts_remotely(source: PostgresSource) -> None:
    scan = scan_of(source, "big", ())
    assert scan.queries == ('SELECT count(*) FROM "public"."big"',)
    batches = [batch for open_ in source.open(scan).opens for batch in open_(None).batches()]
    assert sum(batch.num_rows for batch in batches) == 200_000
    assert max(batch.num_rows for batch in batches) <= 65_536


def test_batches_are_small(source: PostgresSource) -> None:
    sizes = [batch.num_rows for batch in source.open(scan_of(source, "big", ("id",))).opens[0](None).batches()]
    assert sum(sizes) == 200_000 and max(sizes) <= 65_536


def test_a_pin_has_no_version_that_could_be_cached(source: PostgresSource) -> None:
    assert source.pin(table_of(source, "big")).version == LIVE


def test_a_source_that_never_discovered_asks_for_one_relation(database: str, source: PostgresSource) -> None:
    table = table_of(source, "texts")
    fresh = PostgresSource("crm", database)
    assert fresh.takes(table, compare("c", "<", "b", type=pa.string()))
    assert read(fresh, table, ("id",)).num_rows == 2
    fresh.close()


def test_a_column_dropped_since_discovery_is_named(database: str, source: PostgresSource) -> None:
    execute(database, "CREATE TABLE shrinking (a int, b int)")
    table = table_of(source, "shrinking")
    execute(database, "ALTER TABLE shrinking DROP COLUMN b")
    failure = failure_of(lambda: read(source, table))
    assert (failure.sqlstate, failure.hint) == (SqlState.UNDEFINED_COLUMN, "Refresh the source's catalogue.")
    execute(database, "DROP TABLE shrinking")
    assert failure_of(lambda: read(source, table, ("a",))).sqlstate == SqlState.UNDEFINED_TABLE


# Parallel scans


@pytest.fixture
def parallel(database: str) -> Iterator[PostgresSource]:
    opened = PostgresSource("crm", database, PostgresOptions(parallel_scan_bytes=100_000, parallel_scans=3))
    yield opened
    opened.close()


@pytest.mark.parametrize("name", ["big", "parted"])
def test_a_large_table_is_read_by_several_connections(parallel: PostgresSource, name: str) -> None:
    table = table_of(parallel, name)
    scan = parallel.scan(parallel.pin(table), (table.columns[0].name,), ())
    assert len(scan.queries) == 3 and all("ctid" in query for query in scan.queries)
    rows = [sum(batch.num_rows for batch in open_(None).batches()) for open_ in parallel.open(scan).opens]
    assert sum(rows) == table.rows
    assert min(rows) > sum(rows) // 6


def test_partitions_share_one_snapshot(database: str, parallel: PostgresSource) -> None:
    execute(
        database,
        "CREATE TABLE moving AS SELECT i AS id, repeat('x', 200) AS x FROM generate_series(1, 5000) i; ANALYZE",
    )
    streams = parallel.open(scan_of(parallel, "moving", ("id",)))
    counts = []
    for number, open_ in enumerate(streams.opens):
        counts.append(sum(batch.num_rows for batch in open_(None).batches()))
        if not number:  # new versions of all rows, later in the file: a second snapshot would read them again
            execute(database, "UPDATE moving SET x = repeat('y', 200)")
    assert sum(counts) == 5000
    assert idle_in_transaction(database) == 0
    streams.close()
    execute(database, "DROP TABLE moving")


def test_a_snapshot_is_let_go_when_the_scan_is_closed_early(database: str, parallel: PostgresSource) -> None:
    streams = parallel.open(scan_of(parallel, "big", ("id",)))
    batches = streams.opens[0](None).batches()
    next(batches)
    assert idle_in_transaction(database) >= 1
    batches.close()  # type: ignore[attr-defined]
    streams.close()
    assert idle_in_transaction(database) == 0


def test_parallel_scans_through_the_engine(parallel: PostgresSource) -> None:
    scan = scan_of(parallel, "big", ("id", "n"))
    found = remote_rows(parallel, scan, "SELECT count(*) AS c, sum(id) AS i, sum(n) AS n FROM {t}").to_pylist()
    assert found == [{"c": 200_000, "i": 20_000_100_000, "n": Decimal("30000150000.00")}]


# Failures, cancelling, connections


def test_a_failure_between_rows_has_a_sqlstate_and_tells_nothing(source: PostgresSource) -> None:
    failure = failure_of(lambda: read(source, table_of(source, "failing")))
    assert failure.sqlstate == SqlState.DIVISION_BY_ZERO
    assert (failure.message, failure.detail) == ("division by zero", None)


def test_a_blocked_read_is_cancelled_at_once(database: str, source: PostgresSource) -> None:
    scan = scan_of(source, "slow", ("i", "nothing"))
    dataset = RemoteDataset(scan.schema, source.open(scan))
    context = new_context()
    register(context, "slow", dataset)

    async def cancel() -> float:
        stream = context.sql("SELECT * FROM slow").execute_stream()
        pending = asyncio.ensure_future(stream.__anext__())
        await asyncio.sleep(0.4)
        assert active(database) == 1
        begun = time.monotonic()
        pending.cancel()
        await asyncio.wait([pending])
        del stream
        await asyncio.to_thread(dataset.close)
        return time.monotonic() - begun

    assert asyncio.run(cancel()) < 0.5
    assert active(database) == 0
    assert failure_of(lambda: list(dataset.read(0, None, None))).sqlstate == SqlState.QUERY_CANCELED
    assert read(source, table_of(source, "texts")).num_rows == 2


def test_cancelling_before_and_after_reading(database: str, source: PostgresSource) -> None:
    scan = scan_of(source, "texts", ("id",))
    stream = source.open(scan).opens[0](None)
    stream.cancel()
    assert failure_of(lambda: list(stream.batches())).sqlstate == SqlState.QUERY_CANCELED
    stream = source.open(scan).opens[0](None)
    assert len(list(stream.batches())) == 1
    stream.cancel()
    assert active(database) == 0


def test_cancelling_between_batches_ends_the_query(database: str, source: PostgresSource) -> None:
    stream = source.open(scan_of(source, "big", ("id", "y"))).opens[0](None)
    batches = stream.batches()
    next(batches)
    assert active(database) == 1
    stream.cancel()
    assert wait_until(lambda: active(database) == 0)
    assert failure_of(lambda: list(batches)).sqlstate == SqlState.QUERY_CANCELED


def test_a_limit_ends_the_query(database: str, source: PostgresSource) -> None:
    found = remote_rows(source, scan_of(source, "big", ("id", "y")), "SELECT * FROM {t} LIMIT 3")
    assert found.num_rows == 3
    assert wait_until(lambda: active(database) == 0)


def test_connections_are_used_again(database: str, source: PostgresSource) -> None:
    table = table_of(source, "texts")
    pids = {execute_backend(source, table) for _ in range(3)}
    assert len(pids) == 1


def test_a_restarted_server_is_reached_by_the_next_statement(server: RealServer, source: PostgresSource) -> None:
    table = table_of(source, "texts")
    batches = source.open(scan_of(source, "big", ("id", "y"))).opens[0](None).batches()
    next(batches)
    assert read(source, table).num_rows == 2  # leaves an idle connection behind
    server.restart()
    assert failure_of(lambda: list(batches)).sqlstate == SqlState.CONNECTION_FAILURE
    assert read(source, table).num_rows == 2


def test_sessions_are_read_only_and_independent_of_the_servers_settings(source: PostgresSource) -> None:
    connection = source.pool.acquire()
    with connection.adbc.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('transaction_read_only'), current_setting('TimeZone'),"
            " current_setting('standard_conforming_strings'), current_setting('client_encoding'),"
            " current_setting('search_path'), current_setting('row_security')"
        )
        assert cursor.fetchone() == ("on", "UTC", "on", "UTF8", "pg_catalog", "on")
    source.pool.release(connection)


def test_many_readers_at_once(source: PostgresSource) -> None:
    scan = scan_of(source, "big", ("id",))
    counts: list[int] = []

    def count() -> None:
        counts.append(sum(batch.num_rows for batch in source.open(scan).opens[0](None).batches()))

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [200_000] * 8


def test_text_of_an_unknown_encoding_is_checked(server: RealServer) -> None:
    database = server.database(create="ENCODING 'SQL_ASCII' LOCALE 'C'")
    execute(database, "CREATE TABLE t AS SELECT convert_from('\\xff', 'SQL_ASCII') AS v")
    source = PostgresSource("crm", database)
    failure = failure_of(lambda: read(source, table_of(source, "t")))
    assert failure.sqlstate == SqlState.CHARACTER_NOT_IN_REPERTOIRE


# Connection strings


@pytest.mark.parametrize(
    "dsn",
    ["postgresql://u:hunter2@127.0.0.1:1/x", "host=127.0.0.1 port=1 user=u password=hunter2"],
)
def test_credentials_are_in_no_text(dsn: str) -> None:
    source = PostgresSource("crm", dsn)
    failure = failure_of(source.discover)
    assert failure.sqlstate == SqlState.SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION
    assert failure.message == 'source "crm" could not be reached'
    assert failure.__cause__ is None
    for text in (repr(source), repr(failure), str(failure.detail)):
        assert "hunter2" not in text
    stream = source.open(RemoteScan("crm", pa.schema([("a", pa.int32())]), ("SELECT 1",))).opens[0](None)
    assert "hunter2" not in str(failure_of(lambda: list(stream.batches())))


@pytest.mark.parametrize(
    ("dsn", "told"),
    [
        ("postgresql://u:hunter2@h/x?options=-csession_preload_libraries%3Devil", "options"),
        ("host=h service=hunter2", "service"),
        ("host=h passfile=/etc/hunter2", "passfile"),
        ("postgresql://u:hunter2@h/x?hunter2", "connection string"),
        ("password=hunter2 nonsense", "connection string"),
    ],
)
def test_a_connection_string_that_says_too_much_is_refused(dsn: str, told: str) -> None:
    failure = failure_of(lambda: PostgresSource("crm", dsn))
    assert told in failure.message and "hunter2" not in repr(failure)


def test_a_refused_login_is_told(server: RealServer, database: str) -> None:
    nobody = psycopg.conninfo.make_conninfo(database, user="nobody")
    failure = failure_of(PostgresSource("crm", nobody).discover)
    assert failure.sqlstate[:2] == "08" and 'source "crm"' in failure.message


def execute_backend(source: PostgresSource, table: Table) -> int:
    """Read a table and return the process that served it."""
    assert read(source, table).num_rows == 2
    connection = source.pool.acquire()
    with connection.adbc.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    source.pool.release(connection)
    return int(pid)


def wait_until(condition: Any, seconds: float = 2.0) -> bool:
    """Return whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_literals_of_every_comparable_type(server: RealServer) -> None:
    rows = {
        "i2": (-32768, "int2"),
        "i8": (-(2**63), "int8"),
        "b": (True, "bool"),
        "n": (Decimal("-0.01"), "numeric(12,2)"),
        "d": (date(1, 1, 1), "date"),
        "ti": (clock(23, 59, 59, 999_999), "time"),
        "ts": (datetime(1960, 2, 3, 4, 5, 6, 7), "timestamp"),
        "tz": (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "timestamptz"),
        "by": (b"\x00'\\\xff", "bytea"),
        "f8": (1e-300, "float8"),
        "f4": (3.4028234663852886e38, "float4"),
        "nm": ("a" * 63, "name"),
        "o": (4_294_967_295, "oid"),
    }
    database = server.database(f"CREATE TABLE t ({', '.join(f'{name} {kind}' for name, (_, kind) in rows.items())})")
    with psycopg.connect(database, autocommit=True) as connection:
        marks = ", ".join(f"%s::{kind}" for _, kind in rows.values())
        connection.execute(f"INSERT INTO t VALUES ({marks})".encode(), [value for value, _ in rows.values()])
    source = PostgresSource("crm", database)
    table = table_of(source, "t")
    for column in table.columns:
        value = rows[column.name][0]
        for operator, expected in (("=", 1), ("<>", 0), ("<", 0), ("<=", 1), (">", 0), (">=", 1), ("in", 1)):
            comparison = compare(column.name, operator, value, type=column.arrow_type)
            assert source.takes(table, comparison), column
            assert read(source, table, (column.name,), (comparison,)).num_rows == expected, (column, operator)


def test_an_error_of_the_role_is_told_without_the_servers_words(database: str) -> None:
    execute(database, "DROP ROLE IF EXISTS limited; CREATE ROLE limited LOGIN; GRANT SELECT ON texts TO limited")
    source = PostgresSource("crm", psycopg.conninfo.make_conninfo(database, user="limited"))
    table = table_of(source, "texts")
    execute(database, "DROP OWNED BY limited")
    failure = failure_of(lambda: read(source, table))
    source.close()
    execute(database, "DROP ROLE limited")
    assert isinstance(failure, SqlError)
    assert failure.sqlstate == SqlState.INSUFFICIENT_PRIVILEGE
    assert failure.message == 'the role of source "crm" may not read this table'


def test_functions_of_views_need_a_path_of_their_own(database: str) -> None:
    execute(
        database,
        "CREATE SCHEMA apart; CREATE TABLE apart.numbered AS SELECT 7 AS n;"
        "CREATE FUNCTION apart.f() RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN n FROM numbered; END';"
        "CREATE VIEW apart.of_function AS SELECT apart.f() AS n",
    )
    source = PostgresSource("crm", database)
    try:
        failure = failure_of(lambda: read(source, table_of(source, "of_function")))
        assert failure.sqlstate == SqlState.UNDEFINED_TABLE and "SET search_path" in (failure.hint or "")
        execute(database, "ALTER FUNCTION apart.f() SET search_path = apart")
        assert read(source, table_of(source, "of_function")).column("n").to_pylist() == [7]
    finally:
        source.close()
        execute(database, "DROP SCHEMA apart CASCADE")
