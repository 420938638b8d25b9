"""What statements took is kept by plan, shown to who ran them and to who reads all statistics, and to nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.gateway import BOB, RunningGateway, SampleLake, Settings, serving

SETTINGS = Settings(server={"refresh_interval": "0"}, database="history", engine={"workers": 0})
JOINED = """SELECT count(*) FROM sales.orders o JOIN crm.customer c ON c_custkey = o_custkey
JOIN sales.lineitem l ON l_orderkey = o_orderkey WHERE c_name < 'Customer#0000000{}'"""
SHOWN = (
    "SELECT count(*) FROM sales.orders o JOIN crm.customer c ON c_custkey = o_custkey"
    " JOIN sales.lineitem l ON l_orderkey = o_orderkey WHERE c_name < ?"
)


@pytest.fixture(scope="module")
def gateway(lake: SampleLake) -> Iterator[RunningGateway]:
    with serving(lake, SETTINGS) as running:
        yield running


@pytest.fixture
def ada(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as connection:
        yield connection


def asked(connection: psycopg.Connection, text: str) -> list[tuple[object, ...]]:
    return connection.execute(text.encode()).fetchall()


def history(connection: psycopg.Connection, query: str) -> list[tuple[object, ...]]:
    return asked(
        connection,
        f"SELECT user_name, role, calls, plans, rows FROM lakegate.statement_history WHERE query = '{query}'",
    )


def test_runs_that_differ_in_constants_are_one_statement(ada: psycopg.Connection) -> None:
    for end in (10, 20, 30):
        ada.execute(JOINED.format(end).encode())
    ada.execute(JOINED.replace("'Customer#0000000{}'", "%s").encode(), ("Customer#000000040",), prepare=True)
    assert history(ada, SHOWN) == [("ada", "ada", 4, 1, 4)]
    ((total, least, most, mean, spread),) = asked(
        ada,
        "SELECT total_exec_time, min_exec_time, max_exec_time, mean_exec_time, stddev_exec_time"
        f" FROM lakegate.statement_history WHERE query = '{SHOWN}'",
    )
    assert 0 < least <= mean <= most <= total and abs(mean * 4 - total) < 1e-6 and 0 < spread < most - least  # type: ignore[operator]


def test_plans_of_one_statement_are_told_apart(ada: psycopg.Connection) -> None:
    query = JOINED.replace("count(*)", "max(l_quantity)").format(50)
    shown = SHOWN.replace("count(*)", "max(l_quantity)")
    ada.execute(query.encode())
    ada.execute(f"/*+ Leading((c (o l))) */ {query}".encode())
    assert history(ada, shown) == [("ada", "ada", 2, 2, 2)]
    plans = asked(ada, f"SELECT plan, calls FROM lakegate.plan_history WHERE query = '{shown}' ORDER BY first_call")
    assert [calls for _, calls in plans] == [1, 1]
    assert "join order ((c o) l)" in str(plans[0][0]) and "join order ((l o) c)" in str(plans[1][0])
    changes = asked(
        ada,
        "SELECT plan_before, plan_after, calls_before, calls_after, factor, is_current,"
        f" mean_after / mean_before FROM lakegate.plan_changes WHERE query = '{shown}'",
    )
    assert [(one[:4], one[5]) for one in changes] == [((plans[0][0], plans[1][0], 1, 1), True)]
    assert changes[0][4] == changes[0][6]


def test_who_has_answered_is_part_of_the_plan(ada: psycopg.Connection) -> None:
    query = "SELECT n_name FROM crm.nation WHERE n_nationkey < {} ORDER BY 1"
    ada.execute(query.format(5).encode())
    ada.execute("SET lakegate.pushdown = off")
    ada.execute(query.format(5).encode())
    shown = query.format("?").replace("BY 1", "BY ?")
    found = asked(ada, f"SELECT plan, rows FROM lakegate.plan_history WHERE query = '{shown}' ORDER BY first_call")
    assert found == [("source crm answers the statement", 5), ("reads crm.nation", 5)]


def test_others_see_their_own_alone(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    query, shown = "SELECT sum(o_totalprice) FROM sales.orders WHERE o_orderkey < {}", "WHERE o_orderkey < ?"
    ada.execute(query.format(100).encode())
    with gateway.connect(BOB) as bob:
        bob.execute(query.format(200).encode())
        mine = "SELECT user_name, calls FROM lakegate.{} WHERE query LIKE '%" + shown + "' ORDER BY 1"
        for view in ("statement_history", "plan_history"):
            assert asked(bob, mine.format(view)) == [("bob", 1)]
            assert asked(ada, mine.format(view)) == [("ada", 1), ("bob", 1)]
        assert asked(bob, "SELECT DISTINCT user_name FROM lakegate.statement_history") == [("bob",)]
        assert asked(bob, "SELECT DISTINCT user_name FROM lakegate.plan_changes") == []
        ada.execute("GRANT pg_read_all_stats TO bob")
        try:
            assert asked(bob, mine.format("statement_history")) == [("ada", 1), ("bob", 1)]
        finally:
            ada.execute("REVOKE pg_read_all_stats FROM bob")
        assert asked(bob, mine.format("statement_history")) == [("bob", 1)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            bob.execute("SELECT * FROM pg_catalog.lakegate_statement_runs")


def test_pg_stat_statements_has_the_columns_of_postgresql(lake: SampleLake, ada: psycopg.Connection) -> None:
    columns = """SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
                 WHERE attrelid = 'pg_stat_statements'::regclass AND attnum > 0 ORDER BY attnum"""
    with lake.server.connect() as owner:
        owner.execute("CREATE EXTENSION pg_stat_statements")
        theirs = owner.execute(columns.encode()).fetchall()
        owner.rollback()
    assert asked(ada, columns) == theirs


def test_pg_stat_statements_tells_what_tools_ask_it(ada: psycopg.Connection) -> None:
    query, shown = "SELECT max(o_orderdate) FROM sales.orders WHERE o_orderkey < {}", "SELECT max(o_orderdate)%"
    for end in (10, 20, 30):
        ada.execute(query.format(end).encode())
    asked_by_tools = f"""
        SELECT left(s.query, 41), r.rolname, d.datname, s.calls, s.rows, s.plans, s.toplevel,
               (s.total_plan_time + s.total_exec_time) / s.calls BETWEEN s.min_exec_time AND s.max_exec_time,
               s.shared_blks_hit + s.wal_records + s.jit_functions, s.stats_since <= now(),
               s.queryid = (SELECT h.queryid FROM lakegate.statement_history h WHERE h.query = s.query)
        FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid JOIN pg_roles r ON r.oid = s.userid
        WHERE d.datname = current_database() AND s.query LIKE '{shown}'"""
    expected = ("SELECT max(o_orderdate) FROM sales.orders", "ada", "history", 3, 3, 0, True, True, 0, True, True)
    assert asked(ada, asked_by_tools) == [expected]
    ada.execute("SET search_path = sales")  # it is found wherever tools look
    assert asked(ada, asked_by_tools) == [expected]


def test_pg_stat_statements_tells_others_nothing(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    ada.execute("SELECT min(o_orderdate) FROM sales.orders")
    with gateway.connect(BOB) as bob:
        bob.execute("SELECT min(o_orderkey) FROM sales.orders")
        mine = "SELECT DISTINCT userid::regrole::text FROM pg_stat_statements ORDER BY 1"
        assert asked(bob, mine) == [("bob",)]
        assert ("ada",) in asked(ada, mine)


def test_what_a_role_ran_goes_with_it(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    made = "CREATE ROLE cid LOGIN PASSWORD 'correct horse' IN ROLE bob"
    ours = "SELECT user_name, role FROM lakegate.statement_history ORDER BY 1, 2"
    ada.execute(made.encode())
    with gateway.connect("cid") as cid:
        cid.execute("SELECT count(*) FROM sales.orders")
        cid.execute("SET ROLE bob")
        cid.execute("SELECT count(*) FROM sales.orders")
        assert asked(cid, ours) == [("cid", "bob")]
        cid.execute("RESET ROLE")
        assert asked(cid, ours) == [("cid", "cid")]
    ada.execute("DROP ROLE cid")
    ada.execute(made.encode())
    try:
        with gateway.connect("cid") as cid:
            assert asked(cid, ours) == []
    finally:
        ada.execute("DROP ROLE cid")


def test_rows_that_may_follow_from_claims_are_not_told(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    ada.execute("ALTER ROLE bob SET lakegate.claim.tenant = 'acme'")
    query = "SELECT count(*) FROM sales.orders WHERE o_custkey = {}"
    told = "SELECT calls, rows FROM lakegate.{} WHERE query LIKE '%o_custkey = ?'"
    try:
        with gateway.connect(BOB) as bob:
            bob.execute(query.format(7).encode())
            for view in ("statement_history", "plan_history"):
                assert asked(bob, told.format(view)) == [(1, None)]
                assert asked(ada, told.format(view)) == [(1, 1)]
    finally:
        ada.execute("ALTER ROLE bob RESET lakegate.claim.tenant")


def test_failures_cursors_and_explain_are_not_in_it(ada: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        ada.execute("SELECT 1 / (o_orderkey - o_orderkey) FROM sales.orders")
    ada.execute("EXPLAIN ANALYZE SELECT o_clerk FROM sales.orders")
    with ada.transaction(), ada.cursor("some") as cursor:
        cursor.execute("SELECT o_comment FROM sales.orders")
        cursor.fetchmany(10)
    text = "COPY (SELECT o_orderkey FROM sales.orders LIMIT 3) TO STDOUT"
    with ada.cursor() as plain, plain.copy(text) as copy:
        assert len([*copy.rows()]) == 3
    texts = asked(
        ada,
        "SELECT query, rows FROM lakegate.statement_history"
        " WHERE query ~ '1 / |o_clerk|o_comment|COPY' OR query ~ '[?] /'",
    )
    assert texts == [("COPY (SELECT o_orderkey FROM sales.orders LIMIT ?) TO STDOUT", 3)]


def test_another_gateway_has_it_too(lake: SampleLake, gateway: RunningGateway, ada: psycopg.Connection) -> None:
    query = "SELECT min(l_quantity) FROM sales.lineitem WHERE l_suppkey IN ({})"
    shown = query.format("?, ...")
    ada.execute(query.format("1, 2, 3").encode())
    assert history(ada, shown) == [("ada", "ada", 1, 1, 1)]
    with serving(lake, SETTINGS) as other, other.connect() as there:
        assert history(there, shown) == [("ada", "ada", 1, 1, 1)]
        there.execute(query.format("4, 5").encode())
        assert history(there, shown) == [("ada", "ada", 2, 1, 2)]
    assert history(ada, shown) == [("ada", "ada", 2, 1, 2)]


def test_it_is_joined_with_tables_of_the_lake(ada: psycopg.Connection) -> None:
    ada.execute("SELECT count(*) FROM crm.region WHERE r_regionkey < 3")
    found = asked(
        ada,
        "SELECT h.rows, r.r_name FROM lakegate.statement_history h JOIN crm.region r ON r.r_regionkey = h.calls"
        " WHERE h.query LIKE '%r_regionkey < ?'",
    )
    assert found == [(1, "AMERICA")]


def test_plans_that_may_follow_from_hidden_rows_are_not_told(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    ada.execute("CREATE POLICY few ON sales.orders TO bob USING (o_orderkey < 100)")
    ada.execute("ALTER TABLE sales.orders ENABLE ROW LEVEL SECURITY")
    query = "SELECT count(*) FROM sales.orders o JOIN crm.customer c ON c_custkey = o_custkey AND c_acctbal > {}"
    told = "WHERE query LIKE '%c_acctbal > ?' AND role = 'bob'"
    try:
        with gateway.connect(BOB) as bob:
            bob.execute(query.format(7).encode())
            for view in ("plan_history", "plan_changes"):
                assert asked(bob, f"SELECT count(*) FROM lakegate.{view} {told}") == [(0,)]
            mine = f"SELECT calls, plans FROM lakegate.statement_history {told}"
            assert asked(bob, mine) == [(1, None)]
            assert asked(ada, mine) == [(1, 1)]
            assert "join order" in str(asked(ada, f"SELECT plan FROM lakegate.plan_history {told}"))
    finally:
        ada.execute("DROP POLICY few ON sales.orders")
        ada.execute("ALTER TABLE sales.orders DISABLE ROW LEVEL SECURITY")
