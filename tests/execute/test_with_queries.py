"""WITH queries that are computed once: the rows are those of a statement that computes them where they are named."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from gateway.with_queries import MOST_BYTES, Held
from tests.gateway import BOB, RunningGateway, SampleLake, Settings, serving

# Each is asked with MATERIALIZED and with NOT MATERIALIZED in the place of the dots.
SAME = {
    "groups": "WITH x AS … (SELECT o_custkey k, count(*) AS c, avg(o_totalprice) AS m FROM sales.orders GROUP BY 1)"
    " SELECT a.k, a.c, b.m FROM x a JOIN x b ON a.k = b.k + 1 ORDER BY 1, 2, 3",
    "no rows": "WITH x AS … (SELECT o_custkey k, max(o_clerk) m FROM sales.orders WHERE o_orderkey < 0 GROUP BY 1)"
    " SELECT count(*), max(a.m), min(b.k) FROM x a FULL JOIN x b USING (k)",
    "every type": "WITH x AS … (SELECT * FROM small.kinds) SELECT a.* FROM x a WHERE EXISTS (SELECT FROM x b)",
    "texts and rows": "WITH x AS … (SELECT n, ARRAY[n, NULL] AS a, n / 3.0 AS q, n * interval '1 hour' AS i,"
    " to_jsonb(n) AS j, n::text || 'é' AS t, NULLIF(n, 2) AS o FROM small.numbers WHERE n < 9)"
    " SELECT x.*, y.q + x.q, x.a || y.a FROM x JOIN x y USING (n) ORDER BY n",
    "names": 'WITH "X y" ("a b", c) AS … (SELECT n, n + 1 FROM small.numbers WHERE n < 4)'
    ' SELECT "X y"."a b", z.c FROM "X y" JOIN "X y" z ON z.c = "X y"."a b" ORDER BY 1',
    "one of another": "WITH x AS … (SELECT l_orderkey AS k, count(*) AS c FROM sales.lineitem GROUP BY 1),"
    " y AS … (SELECT avg(c) AS m, max(c) AS g FROM x) SELECT count(*) FROM x, y WHERE c > m AND c < (SELECT g FROM y)",
    "one that is not": "WITH w AS (SELECT n FROM small.numbers WHERE n % 2 = 0), x AS … (SELECT sum(n) AS s FROM w)"
    " SELECT a.s, b.s, (SELECT count(*) FROM w) FROM x a, x b",
    "set operations": "WITH x AS … (SELECT n FROM small.numbers WHERE n < 5)"
    " (SELECT n FROM x UNION ALL SELECT n FROM x) EXCEPT ALL SELECT n + 2 FROM x ORDER BY 1",
    "two sources": "WITH x AS … (SELECT c_nationkey AS k, count(*) AS c FROM crm.customer JOIN sales.orders"
    " ON c_custkey = o_custkey GROUP BY 1) SELECT n_name, a.c, b.c FROM x a JOIN x b USING (k)"
    " JOIN crm.nation ON n_nationkey = k ORDER BY 1",
    "beside random values": "WITH x AS … (SELECT n FROM small.numbers WHERE n < 5)"
    " SELECT a.n FROM x a JOIN x b USING (n) WHERE random() >= 0 ORDER BY 1",
    "an infinite moment": "WITH x AS … (SELECT n, 'infinity'::timestamp AS t FROM small.numbers WHERE n < 3)"
    " SELECT a.t::text, b.t = a.t FROM x a JOIN x b USING (n)",
    "values alone": "WITH x AS … (VALUES (1, 'a'), (2, NULL)) SELECT a.*, b.* FROM x a, x b, small.numbers"
    " WHERE n = 1 ORDER BY 1, 3",
}
PER_CUSTOMER = "WITH x AS MATERIALIZED (SELECT o_custkey AS k, count(*) AS c FROM sales.orders GROUP BY 1) "
TWICE = "SELECT count(*), sum(a.c) FROM x a JOIN x b USING (k)"


@pytest.fixture
def ada(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as connection:
        connection.execute("SET lakegate.result_cache = off")
        yield connection


def explained(connection: psycopg.Connection, query: str, options: str = "") -> list[str]:
    return [str(row[0]) for row in connection.execute(f"EXPLAIN {options} {query}".encode()).fetchall()]


def _columns(cursor: psycopg.Cursor) -> list[tuple[str, int]]:
    return [(column.name, column.type_code) for column in cursor.description or ()]


@pytest.mark.parametrize("name", SAME)
def test_rows_are_the_same(ada: psycopg.Connection, name: str) -> None:
    once, each = (SAME[name].replace("…", word) for word in ("MATERIALIZED", "NOT MATERIALIZED"))
    for lines in (explained(ada, once), explained(ada, once, "(ANALYZE)")):
        assert any(line.startswith("With ") and "computed once" in line for line in lines), "\n".join(lines)
    assert not any("computed once" in line for line in explained(ada, each))
    found, expected = ada.execute(once.encode()), ada.execute(each.encode())
    assert _columns(found) == _columns(expected)
    assert sorted(map(repr, found.fetchall())) == sorted(map(repr, expected.fetchall()))


def test_postgresql_has_these_rows(ada: psycopg.Connection, lake: SampleLake) -> None:
    kinds, texts = (SAME[name].replace("…", "MATERIALIZED").encode() for name in ("every type", "texts and rows"))
    with psycopg.connect(lake.reference_dsn) as peer:
        found, expected = ada.execute(kinds).fetchall(), peer.execute(kinds).fetchall()
        assert sorted(map(repr, found)) == sorted(map(repr, expected))
        assert ada.execute(texts).fetchall() == peer.execute(texts).fetchall()


def test_parameters(ada: psycopg.Connection) -> None:
    query = (
        "WITH x AS MATERIALIZED (SELECT n, n + %s AS m FROM small.numbers WHERE n < %s)"
        " SELECT a.n, b.m FROM x a JOIN x b USING (n) WHERE a.n > %s ORDER BY 1"
    )
    for least in (2, 7, 8, 9):
        rows = [(n, n + 100) for n in range(least + 1, 10)]
        assert ada.execute(query, (100, 10, least), prepare=True).fetchall() == rows


def test_the_smaller_statement_computes_it_in_each_place(ada: psycopg.Connection) -> None:
    query = f"{PER_CUSTOMER.replace(' MATERIALIZED', '')}{TWICE}"
    assert not any("computed once" in line for line in explained(ada, query))
    assert ada.execute(query.encode()).fetchall() == ada.execute(f"{PER_CUSTOMER}{TWICE}".encode()).fetchall()


def test_the_larger_statement_computes_it_once(ada: psycopg.Connection) -> None:
    query = "WITH x AS (SELECT n % 10 AS k, count(*) AS c FROM small.series GROUP BY 1) SELECT count(*) FROM x a, x b"
    assert any("computed once" in line for line in explained(ada, query))
    assert not any("computed once" in line for line in explained(ada, f"{query} WHERE a.k = 1 AND b.k = 2"))
    ada.execute("SET lakegate.materialize_with = off")
    assert not any("computed once" in line for line in explained(ada, query))
    each = explained(ada, query, "(ANALYZE)")
    ada.execute("RESET lakegate.materialize_with")
    assert explained(ada, query, "(ANALYZE)") != each
    assert ada.execute(query.encode()).fetchone() == (100,)


def test_what_explain_tells(ada: psycopg.Connection) -> None:
    query = f"{PER_CUSTOMER}{TWICE}"
    lines = explained(ada, query, "(ANALYZE, VERBOSE)")
    [told] = [line for line in lines if line.startswith("With ")]
    assert told.startswith("With x  (computed once, named 2 times, 1000 rows in ")
    assert any('FROM "x" AS "a" JOIN "x" AS "b"' in line for line in lines)
    assert sum("file_groups" in line for line in lines) == 1
    row = ada.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}".encode()).fetchone()
    assert row is not None
    [shown] = row[0][0]["With Queries"]
    assert (shown["Name"], shown["Places"], shown["Actual Rows"]) == ("x", 2, 1000)
    ada.execute("SET lakegate.materialize_with = off")  # what is cheaper alone
    assert any("computed once" in line for line in explained(ada, query))
    assert "Settings: lakegate.materialize_with = 'off', lakegate.result_cache = 'off'" in "\n".join(
        explained(ada, query, "(SETTINGS)")
    )


def test_too_many_rows_are_computed_in_each_place(ada: psycopg.Connection) -> None:
    query = (
        "WITH x AS MATERIALIZED (SELECT n, n::text || 'abcdefgh' AS t FROM small.series)"
        " SELECT count(*), max(a.t) FROM x a, x b WHERE a.n = b.n AND a.n % 1000000 < 1000"
    )
    expected = ada.execute(query.replace(" MATERIALIZED", "").encode()).fetchall()
    assert ada.execute(query.encode()).fetchall() == expected
    assert not any("rows in" in line for line in explained(ada, query, "(ANALYZE)"))


def test_rows_that_are_asked_for(ada: psycopg.Connection) -> None:
    query = (
        "WITH x AS MATERIALIZED (SELECT n, n::text || 'abcdefgh' AS t FROM small.series)"
        " SELECT count(*), max(a.t) FROM x a, x b WHERE a.n = b.n AND a.n < 1000"
    )
    expected = ada.execute(query.replace(" MATERIALIZED", "").encode()).fetchall()
    assert ada.execute(query.encode()).fetchall() == expected
    [told] = [line for line in explained(ada, query, "(ANALYZE)") if line.startswith("With ")]
    assert f"{expected[0][0]} rows in" in told


@pytest.mark.parametrize(
    ("query", "state"),
    [
        ("WITH x AS MATERIALIZED (SELECT n / (n - n) AS q FROM small.numbers) SELECT FROM x a, x b", "22012"),
        ("WITH x AS MATERIALIZED (SELECT n FROM small.numbers) SELECT a.n / 0 FROM x a, x b", "22012"),
        ("WITH x AS MATERIALIZED (SELECT n::text::date AS d FROM small.numbers) SELECT a.d FROM x a, x b", "22007"),
    ],
)
def test_errors(ada: psycopg.Connection, query: str, state: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        ada.execute(query.encode())
    assert caught.value.sqlstate in (state, "22008")
    assert ada.execute("SELECT count(*) FROM small.numbers").fetchone() == (10000,)


def test_random_values_are_computed_once(ada: psycopg.Connection) -> None:
    ada.execute("SET lakegate.materialize_with = off")  # that decides what is cheaper alone
    query = (
        "WITH x AS NOT MATERIALIZED (SELECT n, random() AS r FROM {}) SELECT count(*) FROM x a JOIN x b USING (n, r)"
    )
    assert ada.execute(query.format("small.numbers").encode()).fetchone() == (10000,)
    cut = "WITH x AS (SELECT n FROM small.numbers LIMIT 2000) SELECT count(*) FROM x a JOIN x b USING (n)"
    assert ada.execute(cut.encode()).fetchone() == (2000,)
    with pytest.raises(psycopg.errors.OutOfMemory, match='the WITH query "x" has too many rows') as caught:
        ada.execute(query.format("small.series").encode())
    assert "CREATE TEMPORARY TABLE" in (caught.value.diag.message_hint or "")


def test_worker_processes_read_the_rows(lake: SampleLake) -> None:
    with serving(lake, Settings(engine={"workers": 1})) as gateway, gateway.connect() as connection:
        for name in ("groups", "every type", "one that is not"):
            once, each = (SAME[name].replace("…", word).encode() for word in ("MATERIALIZED", "NOT MATERIALIZED"))
            found, expected = connection.execute(once).fetchall(), connection.execute(each).fetchall()
            assert sorted(map(repr, found)) == sorted(map(repr, expected))


def test_there_is_room_for_a_few_statements() -> None:
    first, others = Held(), [Held() for _ in range(7)]
    assert first.take(MOST_BYTES) and all(one.take(MOST_BYTES) for one in others)
    more = Held()
    assert not more.take(1)
    first.keep(100)
    assert more.take(MOST_BYTES - 100) and not more.take(1)
    for one in (first, more, *others):
        one.keep(0)
    assert Held.in_all == 0


def test_policies_hold(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    ada.execute("ALTER TABLE sales.orders ENABLE ROW LEVEL SECURITY")
    ada.execute("CREATE POLICY few ON sales.orders TO bob USING (o_custkey < 10)")
    try:
        with gateway.connect(BOB) as bob:
            allowed = bob.execute("SELECT count(DISTINCT o_custkey), count(*) FROM sales.orders").fetchall()
            assert bob.execute(f"{PER_CUSTOMER}{TWICE}".encode()).fetchall() == allowed
            told = "\n".join(explained(bob, f"{PER_CUSTOMER}{TWICE}", "(ANALYZE)"))
            assert "Policies apply" in told and "With x" not in told and "once_" not in told
    finally:
        ada.execute("DROP POLICY few ON sales.orders")
        ada.execute("ALTER TABLE sales.orders DISABLE ROW LEVEL SECURITY")


def test_temporary_tables(ada: psycopg.Connection) -> None:
    ada.execute("CREATE TEMP TABLE own AS SELECT generate_series(1, 5) AS n")
    query = (
        "WITH x AS MATERIALIZED (SELECT n FROM own JOIN small.numbers USING (n))"
        " SELECT count(*) FROM x a JOIN x b USING (n)"
    )
    assert ada.execute(query.encode()).fetchone() == (5,)
    ada.execute("INSERT INTO own VALUES (6)")
    assert ada.execute(query.encode()).fetchone() == (6,)


def test_it_can_be_canceled(ada: psycopg.Connection) -> None:
    query = (
        "WITH x AS MATERIALIZED (SELECT a.n % 7 AS k, count(*) AS c"
        " FROM small.numbers a, small.numbers b, small.numbers c WHERE a.n + b.n > c.n GROUP BY 1)"
        " SELECT count(*) FROM x JOIN x y USING (k)"
    )
    timer = threading.Timer(1.0, ada.cancel)
    timer.start()
    started = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled):
        ada.execute(query.encode())
    assert time.monotonic() - started < 30
    timer.join()
    assert ada.execute(f"{PER_CUSTOMER}{TWICE}".encode()).fetchone() is not None
