"""No statement reads a mirrored table, and every statement over one is still parsed and described by PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pyarrow as pa
import pytest

from catalog.mirror.mirror import Mirror
from catalog.names import TableName
from catalog.server import Server
from catalog.store.rows import SCHEMA_ITSELF, USAGE, AccessRows, Grant, Role
from catalog.tables import Catalog, Column, Constraint, Table

ORDERS = Table(
    TableName("sales", "orders"),
    "sales",
    "delta",
    (),
    (
        Column("o_orderkey", "bigint", pa.int64(), nullable=False),
        Column("o_total", "numeric(15,2)", pa.decimal128(15, 2)),
        Column("o_comment", "text", pa.string()),
    ),
    rows=1000,
    constraints=(Constraint("orders_pkey", "p", "PRIMARY KEY (o_orderkey)"),),
)
GRANTS = (Grant("wall_reader", "sales"), Grant("wall_reader", "sales", SCHEMA_ITSELF, USAGE))
ACCESS = AccessRows(1, (Role("wall_reader"),), (), GRANTS)


@pytest.fixture(scope="module")
def lake(mirror: Mirror) -> Mirror:
    mirror.apply(Catalog(1, {ORDERS.name: ORDERS}, {}), ACCESS)
    return mirror


@pytest.fixture(params=["wall_reader", None], ids=["client", "superuser"])
def connection(server: Server, lake: Mirror, request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    role = request.param
    password = lake.password(role) if role else None
    with psycopg.connect(**server.connection_parameters(lake.database, role, password), autocommit=True) as connection:
        yield connection


READS = [
    "SELECT * FROM sales.orders",
    "TABLE sales.orders",
    "SELECT FROM sales.orders",
    "SELECT count(*) FROM sales.orders",
    "SELECT max(o_orderkey) FROM sales.orders",
    "SELECT * FROM sales.orders LIMIT 0",
    "SELECT * FROM sales.orders WHERE o_orderkey = 1",
    "SELECT * FROM sales.orders WHERE ctid = '(0,1)'",
    "SELECT * FROM sales.orders WHERE ctid > '(0,1)'",
    "SELECT * FROM sales.orders TABLESAMPLE system (100)",
    "SELECT * FROM ONLY sales.orders o",
    "SELECT o FROM sales.orders o",
    "SELECT EXISTS (SELECT FROM sales.orders)",
    "SELECT ARRAY(SELECT o_orderkey FROM sales.orders)",
    "SELECT (SELECT o_comment FROM sales.orders)",
    "SELECT relname, (SELECT count(*) FROM sales.orders) FROM pg_class",
    "SELECT * FROM pg_class c LEFT JOIN sales.orders o ON o.o_orderkey = c.oid::bigint",
    "SELECT * FROM pg_class c JOIN sales.orders o ON true WHERE c.relname = 'no such relation'",
    "SELECT 1 FROM pg_class WHERE oid::bigint NOT IN (SELECT o_orderkey FROM sales.orders)",
    "SELECT * FROM pg_class c, LATERAL (SELECT * FROM sales.orders WHERE o_orderkey = c.oid::bigint) l",
    "SELECT 1 UNION ALL SELECT o_orderkey FROM sales.orders",
    "WITH o AS MATERIALIZED (SELECT * FROM sales.orders) SELECT count(*) FROM o",
    "WITH RECURSIVE r AS (SELECT 1::bigint n UNION SELECT o_orderkey FROM sales.orders, r) SELECT * FROM r",
    "SELECT sum(o_total) OVER (ORDER BY o_orderkey) FROM sales.orders",
    "VALUES ((SELECT count(*) FROM sales.orders))",
    "EXPLAIN ANALYZE SELECT * FROM sales.orders",
    "COPY (SELECT * FROM sales.orders) TO STDOUT",
    "COPY (TABLE sales.orders) TO STDOUT",
]


@pytest.mark.parametrize("statement", READS)
def test_nothing_is_read(connection: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        run(connection, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT ts_stat('SELECT to_tsvector(o_comment) FROM sales.orders')",
        "SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, ''b''::tsquery FROM sales.orders')",
        "SELECT query_to_xml('SELECT 1', true, true, '')",
        "SELECT table_to_xml('sales.orders', true, true, '')",
        "SELECT database_to_xml(true, true, '')",
    ],
)
def test_functions_that_run_sql_in_strings_are_not_given(server: Server, lake: Mirror, statement: str) -> None:
    parameters = server.connection_parameters(lake.database, "wall_reader", lake.password("wall_reader"))
    with psycopg.connect(**parameters) as client, pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(client, statement)


@pytest.mark.parametrize("setting", ["enable_seqscan", "enable_indexscan", "enable_bitmapscan"])
def test_nothing_is_read_by_any_plan(connection: psycopg.Connection, setting: str) -> None:
    for name in ("enable_seqscan", "enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan"):
        connection.execute(f"SET {name} = {'on' if name == setting else 'off'}".encode())
    for statement in ("SELECT * FROM sales.orders WHERE o_orderkey = 1", "SELECT o_orderkey FROM sales.orders"):
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            run(connection, statement)


def run(connection: psycopg.Connection, statement: str) -> None:
    if statement.startswith("COPY"):
        with connection.cursor().copy(statement.encode()) as copy:
            for _ in copy:
                pass
    else:
        connection.execute(statement.encode()).fetchall()


def test_cursors_and_prepared_statements_are_refused_too(connection: psycopg.Connection) -> None:
    connection.execute("PREPARE mine (bigint) AS SELECT * FROM sales.orders WHERE o_orderkey = $1")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        connection.execute("EXECUTE mine (1)")
    for hold in ("", "WITH HOLD"):
        connection.execute("BEGIN")
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            connection.execute(f"DECLARE c CURSOR {hold} FOR SELECT * FROM sales.orders".encode())
        connection.execute("ROLLBACK")


def test_a_plan_without_the_table_has_the_right_rows(connection: psycopg.Connection) -> None:
    assert connection.execute("SELECT * FROM sales.orders WHERE false").fetchall() == []
    assert connection.execute("WITH o AS (SELECT * FROM sales.orders) SELECT 1").fetchall() == [(1,)]


def test_what_the_gateway_itself_must_refuse(connection: psycopg.Connection) -> None:
    """COPY of a bare table reads below the executor. Should PostgreSQL ever refuse it, the docstring can be shorter."""
    run(connection, "COPY sales.orders TO STDOUT")


def test_a_client_cannot_take_the_wall_down(server: Server, lake: Mirror) -> None:
    parameters = server.connection_parameters(lake.database, "wall_reader", lake.password("wall_reader"))
    statements = [
        "UPDATE pg_class SET relispopulated = true WHERE relname = 'orders'",
        "REFRESH MATERIALIZED VIEW sales.orders",
        "VACUUM FULL sales.orders",
        "ALTER TABLE sales.orders OWNER TO wall_reader",
        "INSERT INTO sales.orders VALUES (1)",
        "TRUNCATE sales.orders",
        "SELECT * FROM sales.orders FOR UPDATE",
        "SET allow_system_table_mods = on",
        "SELECT pg_catalog.set_config('session_replication_role', 'replica', false)",
    ]
    with psycopg.connect(**parameters, autocommit=True) as connection:
        for statement in statements:
            if statement.startswith("VACUUM"):
                connection.execute(statement.encode())  # a warning: nothing is done
                continue
            with pytest.raises(psycopg.Error) as caught:
                connection.execute(statement.encode())
            assert caught.value.sqlstate in {"42501", "42809", "0A000"}, statement
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            connection.execute("SELECT * FROM sales.orders")


def test_the_wall_outlives_maintenance(server: Server, lake: Mirror) -> None:
    """A vacuum against the wraparound of transaction numbers comes to every table, whatever is configured."""
    with server.connect(lake.database, autocommit=True) as connection:
        connection.execute("VACUUM (FREEZE, ANALYZE) sales.orders")
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            connection.execute("SELECT * FROM sales.orders")
    lake.apply(Catalog(2, {ORDERS.name: ORDERS}, {"sales": "again"}), ACCESS)
    with server.connect(lake.database) as connection:
        row = connection.execute("SELECT reltuples, relpages FROM pg_class WHERE relname = 'orders'").fetchone()
    assert row == (-1, 0)


def test_plans_can_be_shown(connection: psycopg.Connection) -> None:
    rows = connection.execute("EXPLAIN SELECT * FROM sales.orders").fetchall()
    assert "orders" in str(rows)


def test_parameters_and_columns_are_described(connection: psycopg.Connection) -> None:
    wire = connection.pgconn
    statement = (
        b"SELECT o.*, o_total * $2 AS more, c.relname FROM sales.orders o JOIN pg_class c ON c.oid::bigint = o_orderkey"
        b" WHERE o_comment LIKE $1 AND o_orderkey = $3 LIMIT $4"
    )
    assert wire.prepare(b"s", statement).status == psycopg.pq.ExecStatus.COMMAND_OK
    described = wire.describe_prepared(b"s")
    assert described.status == psycopg.pq.ExecStatus.COMMAND_OK
    assert [described.param_type(number) for number in range(described.nparams)] == [25, 1700, 20, 20]
    columns = [
        (described.fname(number), described.ftype(number), described.fmod(number))
        for number in range(described.nfields)
    ]
    assert columns == [
        (b"o_orderkey", 20, -1),
        (b"o_total", 1700, 983046),
        (b"o_comment", 25, -1),
        (b"more", 1700, -1),
        (b"relname", 19, -1),
    ]
    result = wire.exec_prepared(b"s", [b"a", b"1", b"1", b"1"])
    assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"55000"


def test_errors_have_their_positions(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.UndefinedColumn) as caught:
        connection.execute("SELECT o_orderkey, o_totl FROM sales.orders")
    assert caught.value.diag.statement_position == "20"
    assert "o_total" in (caught.value.diag.message_hint or "")
