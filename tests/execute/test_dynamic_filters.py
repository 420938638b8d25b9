"""Large tables of a server are read by keys: what EXPLAIN tells, how it is switched, and where keys may not go."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.gateway import BOB, RunningGateway, SampleLake, Settings, serving

SETUP = """
CREATE TABLE visit AS SELECT i::bigint AS id, (i % 60000)::bigint AS orderkey, repeat('x', 20) AS note,
    CASE WHEN i % 10 > 0 THEN 'Clerk#' || lpad((i % 60000)::text, 9, '0') END AS clerk
FROM generate_series(1, 120000) i;
CREATE INDEX ON visit (orderkey);
ANALYZE visit;
"""
QUERY = """SELECT count(*), sum(id), min(note) FROM sales.orders JOIN web.visit ON orderkey = o_orderkey
WHERE o_orderdate BETWEEN '1995-03-01' AND '1995-03-07'"""


@pytest.fixture(scope="module")
def gateway(lake: SampleLake) -> Iterator[RunningGateway]:
    """A gateway over orders in files and a large table in PostgreSQL."""
    lake.server.create_database("web", "web_owner", "web secret")
    dsn = psycopg.conninfo.make_conninfo("", **lake.server.connection_parameters("web", "web_owner", "web secret"))
    with psycopg.connect(dsn) as connection:
        connection.execute(SETUP.encode())
    sources = {"sales": lake.sources["sales"], "web": {"kind": "postgres", "dsn": dsn}}
    with serving(lake, Settings(server={"refresh_interval": "0"}, sources=sources, database="keyed")) as running:
        yield running


@pytest.fixture
def ada(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as connection:
        yield connection


def explained(connection: psycopg.Connection, query: str = QUERY, options: str = "") -> str:
    return "\n".join(row[0] for row in connection.execute(f"EXPLAIN {options} {query}".encode()).fetchall())


def test_rows_are_those_of_the_whole_table(ada: psycopg.Connection) -> None:
    by_keys = ada.execute(QUERY.encode()).fetchall()
    ada.execute("SET lakegate.dynamic_filters = off")
    assert ada.execute(QUERY.encode()).fetchall() == by_keys
    assert by_keys[0][0] > 0


def test_texts_are_keys(ada: psycopg.Connection) -> None:
    query = """SELECT count(*), sum(id) FROM sales.orders JOIN web.visit ON clerk = o_clerk
    WHERE o_orderdate BETWEEN '1995-03-01' AND '1995-03-02'"""
    days = "FROM sales.orders WHERE o_orderdate BETWEEN '1995-03-01' AND '1995-03-02'"
    keys = ada.execute(f"SELECT count(DISTINCT o_clerk) {days}".encode()).fetchone()
    assert keys is not None
    assert f"Dynamic filter: clerk by {keys[0]} keys of sales.orders\n" in explained(ada, query, "ANALYZE") + "\n"
    by_keys = ada.execute(query.encode()).fetchall()
    ada.execute("SET lakegate.dynamic_filters = off")
    assert ada.execute(query.encode()).fetchall() == by_keys
    assert by_keys[0][0] > 0


def test_parameters(ada: psycopg.Connection) -> None:
    query = QUERY.replace("'1995-03-01'", "%s").replace("'1995-03-07'", "%s")
    for days in (("1995-03-01", "1995-03-07"), ("1996-03-01", "1996-03-01"), ("1995-03-07", "1995-03-01")):
        by_keys = ada.execute(query.encode(), days).fetchall()
        ada.execute("SET lakegate.dynamic_filters = off")
        assert ada.execute(query.encode(), days).fetchall() == by_keys
        ada.execute("RESET lakegate.dynamic_filters")


def test_explain_tells_counts_and_no_keys(ada: psycopg.Connection) -> None:
    assert "Dynamic filter: orderkey by keys of sales.orders, " in explained(ada)
    analyzed = explained(ada, options="ANALYZE")
    keys = ada.execute(
        "SELECT count(*), min(o_orderkey) FROM sales.orders WHERE o_orderdate BETWEEN '1995-03-01' AND '1995-03-07'"
    ).fetchone()
    assert keys is not None
    assert f"Dynamic filter: orderkey by {keys[0]} keys of sales.orders\n" in analyzed + "\n"
    assert "ANY" not in analyzed
    row = ada.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {QUERY}".encode()).fetchone()
    assert row is not None
    [told] = row[0]
    assert [f"orderkey by {keys[0]} keys of sales.orders"] in [one["Dynamic Filters"] for one in told["Fragments"]]


def test_switch(ada: psycopg.Connection) -> None:
    ada.execute("SET lakegate.dynamic_filters = off")
    assert "Dynamic filter" not in explained(ada)
    ada.execute("SET lakegate.dynamic_filters = yes")
    assert "Dynamic filter" in explained(ada)
    with pytest.raises(psycopg.errors.InvalidParameterValue) as caught:
        ada.execute("SET lakegate.dynamic_filters = perhaps")
        ada.execute(QUERY.encode())
    assert caught.value.diag.message_primary == 'parameter "lakegate.dynamic_filters" requires a Boolean value'
    ada.execute("RESET lakegate.dynamic_filters")
    assert "Dynamic filter" in explained(ada)
    with ada.transaction(force_rollback=True):
        ada.execute("SET LOCAL lakegate.dynamic_filters = off")
        assert "Dynamic filter" not in explained(ada)
    assert "Dynamic filter" in explained(ada)


def test_too_many_keys_are_not_used(ada: psycopg.Connection) -> None:
    query = QUERY.replace("o_orderdate BETWEEN '1995-03-01' AND '1995-03-07'", "o_comment LIKE 'a%' OR o_orderkey > 0")
    assert "orders, " not in explained(ada, query, "ANALYZE") or "not used" in explained(ada, query, "ANALYZE")
    everything = ada.execute(query.encode()).fetchall()
    ada.execute("SET lakegate.dynamic_filters = off")
    assert ada.execute(query.encode()).fetchall() == everything


def test_keys_of_hidden_rows_stay_here(gateway: RunningGateway, ada: psycopg.Connection, lake: SampleLake) -> None:
    """Under a row policy keys tell which rows a role sees; the server is read with a login that all share."""
    ada.execute(f"GRANT USAGE ON SCHEMA web TO {BOB}")
    ada.execute(f"GRANT SELECT ON web.visit TO {BOB}")
    with gateway.connect(BOB) as bob, lake.server.connect(autocommit=True) as server:
        expected = bob.execute(QUERY.encode()).fetchall()
        assert "Dynamic filter: orderkey" in explained(bob)
        ada.execute("ALTER TABLE sales.orders ENABLE ROW LEVEL SECURITY")
        ada.execute(f"CREATE POLICY early ON sales.orders FOR SELECT TO {BOB} USING (o_orderdate < '1999-01-01')")
        try:
            assert bob.execute(QUERY.encode()).fetchall() == expected
            assert "= ANY" not in _last_query(server)
        finally:
            ada.execute("DROP POLICY early ON sales.orders")
            ada.execute("ALTER TABLE sales.orders DISABLE ROW LEVEL SECURITY")
        bob.execute(QUERY.encode())
        assert "= ANY" in _last_query(server)


def _last_query(server: psycopg.Connection) -> str:
    """Return what the source was asked for last."""
    found = server.execute(
        "SELECT query FROM pg_stat_activity WHERE datname = 'web' AND strpos(query, 'visit') > 0"
        " ORDER BY query_start DESC LIMIT 1"
    ).fetchone()
    assert found is not None
    return str(found[0])
