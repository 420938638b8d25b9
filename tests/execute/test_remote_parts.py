"""Subqueries and joins over one PostgreSQL source are answered by its server: the same rows and types, and nothing of
hidden rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import psycopg
import pytest

from tests.gateway import BOB, RunningGateway, SampleLake, Settings, serving

SETUP = """
CREATE COLLATION anycase FROM "C"; -- made into ones that only ICU has; this build is without
UPDATE pg_collation SET collisdeterministic = false, collprovider = 'i' WHERE collname = 'anycase';
CREATE COLLATION language FROM "C"; UPDATE pg_collation SET collprovider = 'i' WHERE collname = 'language';
CREATE TABLE sale (id bigint PRIMARY KEY, orderkey bigint, shop integer, note text, code varchar(8) COLLATE "C",
    price numeric(12,2), free numeric, small smallint, ratio double precision, day date, at timestamptz, kept boolean,
    padded char(4), kind text COLLATE anycase);
INSERT INTO sale SELECT i, i % 3000, i % 7, CASE WHEN i % 11 > 0 THEN 'n' || i % 13 END, 'c' || i % 5, i % 1000 / 7.0,
    i % 10 * 1.25, i % 100, i / 4.0, date '2020-01-01' + i % 300, timestamptz '2020-01-01 00:00:00+00' + i *
        interval '1 min',
    i % 2 = 0, 'p' || i % 3, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'B' END FROM generate_series(1, 20000) i;
CREATE TABLE shop (shop integer PRIMARY KEY, name text COLLATE "C", city text COLLATE language, secret integer);
INSERT INTO shop SELECT i, 'shop ' || i, 'city ' || i % 3, i FROM generate_series(0, 6) i;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO parts_owner;
ALTER ROLE parts_owner SET transform_null_equals TO on; -- whose sessions would have = NULL mean IS NULL
CREATE SCHEMA own; -- which comes before PostgreSQL's in that role's path
CREATE FUNCTION own.never(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN false;
CREATE OPERATOR own.= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = own.never);
CREATE FUNCTION own.set_config(text, text, boolean) RETURNS text LANGUAGE sql RETURN 'set';
GRANT USAGE ON SCHEMA own TO parts_owner;
ALTER ROLE parts_owner SET search_path TO own, pg_catalog;
ALTER ROLE parts_owner SET quote_all_identifiers TO on;
ANALYZE;
"""
ORDERS = "sales.orders JOIN"
SENT = (
    # what is made of groups, in all types
    f"""SELECT o_orderkey, t.* FROM {ORDERS} (SELECT orderkey, count(*) AS n, sum(id) AS ids, sum(small) AS smalls,
        sum(shop) AS shops, sum(price) AS prices, avg(price) AS mean, avg(id) AS middle, min(day) AS first,
        max(at) AS last,
        bool_and(kept) AS every, sum(ratio) AS ratios, max(code) AS code, min(price) AS least, sum(price * (1 -
        free)) AS net,
        count(DISTINCT shop) AS different, sum(CASE WHEN kept THEN price ELSE 0 END) AS of_kept,
        avg(price) FILTER (WHERE shop > 3) AS few
        FROM web.sale GROUP BY orderkey) t ON t.orderkey = o_orderkey""",
    # joins within, and conditions
    f"""SELECT o_orderkey, t.city, t.n FROM {ORDERS} (SELECT s.orderkey, min(h.name) AS city, count(*) AS n
        FROM web.sale s
        JOIN web.shop h ON h.shop = s.shop WHERE h.name LIKE 'shop _' AND s.note LIKE 'n1%' AND s.price BETWEEN
        10 AND 99.5
        AND s.day >= '2020-02-01' GROUP BY 1 HAVING count(*) > 1) t ON t.orderkey = o_orderkey""",
    f"""SELECT o_orderkey, t.n FROM {ORDERS} (SELECT orderkey, sum(CASE WHEN note = NULL THEN 1 ELSE 0 END) AS n
        FROM web.sale GROUP BY 1) t ON t.orderkey = o_orderkey""",
    # WITH, used once and twice
    f"""WITH top AS (SELECT orderkey, price FROM web.sale ORDER BY price DESC NULLS LAST, id LIMIT 50)
        SELECT o_orderkey, price FROM {ORDERS} top ON orderkey = o_orderkey""",
    f"""WITH g AS (SELECT orderkey, sum(price) AS p FROM web.sale GROUP BY 1)
        SELECT o_orderkey, a.p, b.p FROM {ORDERS} g a ON a.orderkey = o_orderkey JOIN g b ON b.p = a.p AND
        b.orderkey < 40""",
    # subqueries that are values and lists
    """SELECT o_orderkey FROM sales.orders WHERE o_orderkey < (SELECT avg(orderkey) / 10 FROM web.sale)""",
    """SELECT o_orderkey, (SELECT max(price) FROM web.sale) AS most FROM sales.orders
        WHERE o_orderkey IN (SELECT orderkey FROM web.sale WHERE shop = 3 GROUP BY orderkey HAVING sum(price) > 500)""",
    f"""SELECT o_orderkey FROM {ORDERS} (SELECT DISTINCT small, shop FROM web.sale WHERE shop < 2) t ON t.small
        = o_orderkey""",
    # windows, and a subquery in a subquery
    f"""SELECT o_orderkey, t.price FROM {ORDERS} (SELECT orderkey, price FROM (SELECT orderkey, price, row_number() OVER
        (PARTITION BY orderkey ORDER BY price DESC, id) AS place FROM web.sale) r WHERE place = 1 AND price >
        130 LIMIT 100000) t
        ON t.orderkey = o_orderkey""",
    # single values are the engine's
    f"""SELECT o_orderkey, t.* FROM {ORDERS} (SELECT orderkey, 100.0 * sum(price) / nullif(sum(small), 0) AS
        part, upper(max(code)),
        avg(price) / 2 AS half, -orderkey AS negative, sum(price) / count(*), 'x' AS x, 1 AS one, max(day) -
        min(day) AS days,
        coalesce(sum(free), 0) AS sums, avg(id) > 5 AS much FROM web.sale GROUP BY orderkey) t ON t.orderkey =
        o_orderkey""",
    # patterns with signs of their own
    f"""SELECT o_orderkey, t.n FROM {ORDERS} (SELECT shop, count(*) AS n FROM web.sale WHERE note LIKE 'n!1%' ESCAPE '!'
        AND note NOT LIKE 'n1\\_' AND code NOT LIKE 'c|%' ESCAPE '|' AND code LIKE 'c_' ESCAPE '' GROUP BY 1) t
        ON t.shop = o_orderkey""",
    # nothing of it is asked for, and an empty one
    "SELECT count(*) FROM sales.orders, (SELECT shop, count(*) FROM web.sale GROUP BY shop) t WHERE o_orderkey < 10",
    f"""SELECT o_orderkey, n FROM {ORDERS} (SELECT shop, count(*) AS n FROM web.sale WHERE id % 2 = 5 GROUP BY
        1) t ON true""",
    f"SELECT x, y FROM {ORDERS} (SELECT orderkey, sum(price) FROM web.sale GROUP BY 1) t (x, y) ON x = o_orderkey",
    # set operations: by themselves, beneath groups, in WITH and in IN, and of set operations
    f"""SELECT o_orderkey, u.shop FROM {ORDERS} (SELECT shop FROM web.sale UNION SELECT shop FROM web.shop) u
        ON shop = o_orderkey""",
    f"""SELECT o_orderkey, u.* FROM {ORDERS} (SELECT shop AS place, small FROM web.sale EXCEPT SELECT h.shop,
        3::smallint FROM web.shop h) u ON u.place = o_orderkey""",
    f"""SELECT o_orderkey, u.n, u.code FROM {ORDERS} (SELECT shop, min(code) AS code, count(*) AS n, sum(price) FROM
        (SELECT shop, code, price FROM web.sale WHERE small < 40 UNION ALL SELECT shop, code, price FROM web.sale
        WHERE kept AND small > 20) two GROUP BY shop) u ON u.shop = o_orderkey""",
    f"""WITH seen AS (SELECT shop FROM web.sale WHERE small = 7 INTERSECT SELECT shop FROM web.shop WHERE secret < 5)
        SELECT o_orderkey, a.shop FROM {ORDERS} seen a ON a.shop = o_orderkey
        WHERE o_orderkey IN (SELECT shop FROM seen)""",
    """SELECT o_orderkey FROM sales.orders WHERE o_orderkey IN (SELECT shop FROM web.shop UNION SELECT shop + 1
        FROM web.shop EXCEPT (SELECT shop FROM web.sale WHERE small = 7 AND shop < 2))""",
    f"""SELECT count(*), max(u.note) FROM {ORDERS} (SELECT note, day FROM web.sale UNION ALL SELECT note, day
        FROM web.sale LIMIT 40) u ON o_orderkey < 3""",
    # texts of one collation meet
    f"""SELECT o_orderkey, u.t FROM {ORDERS} (SELECT name AS t FROM web.shop UNION SELECT code FROM web.sale) u
        ON o_orderkey < 3""",
)
KEPT = {
    "ESCAPE '!' is left": f"""SELECT n FROM {ORDERS} (SELECT shop, count(*) AS n FROM web.sale
        WHERE note LIKE 'x!' ESCAPE '!' GROUP BY 1) t ON shop = o_orderkey""",
    "MIN(": f"SELECT c FROM {ORDERS} (SELECT min(h.city) AS c FROM web.shop h) t ON o_orderkey < 3",
    "collation": f"""SELECT kind, n FROM {ORDERS} (SELECT kind, max(kind) AS n FROM web.sale GROUP BY 1) t ON
        true WHERE o_orderkey < 3""",
    "LOWER": f"""SELECT c FROM {ORDERS} (SELECT shop, max(lower(code)) AS c FROM web.sale GROUP BY 1) t ON shop
        = o_orderkey""",
    "another type": f"""SELECT c FROM {ORDERS} (SELECT DISTINCT shop, price / shop AS c FROM web.sale WHERE shop > 0) t
        ON shop = o_orderkey""",
    "character(4)": f"""SELECT c FROM {ORDERS} (SELECT shop, max(padded) AS c FROM web.sale GROUP BY 1) t ON
        shop = o_orderkey""",
    "time zone": f"""SELECT c FROM {ORDERS} (SELECT shop, count(*) AS c FROM web.sale WHERE at <
        '2020-01-02 01:00:00' GROUP BY 1) t
        ON shop = o_orderkey""",
    "outside": """SELECT o_orderkey FROM sales.orders WHERE 3 < (SELECT count(*) FROM web.sale WHERE orderkey =
        o_orderkey)""",
    "several types meet in UNION": f"""SELECT count(*) FROM {ORDERS} (SELECT shop FROM web.sale UNION SELECT orderkey
        FROM web.sale WHERE orderkey < 9) t ON t.shop = o_orderkey""",
    'several collations would meet in "h"."city"': f"""SELECT n FROM {ORDERS} (SELECT t.shop, count(*) AS n
        FROM web.sale t JOIN web.shop h ON h.city = t.code GROUP BY 1) g ON g.shop = o_orderkey""",
    "several collations would meet in SELECT": f"""SELECT count(*) FROM {ORDERS} (SELECT city FROM web.shop UNION
        SELECT code FROM web.sale) t ON o_orderkey < 3""",
    "rows are expected": f"""SELECT count(*) FROM {ORDERS} (SELECT s.orderkey, r.id FROM web.sale s JOIN web.sale r
        ON r.shop = s.shop AND r.id < 300) t ON t.orderkey = o_orderkey AND o_orderkey < 3""",
}
SALE = "web.sale s ON s.shop = o_orderkey"
SHOP = "web.shop h ON h.shop = s.shop"
JOINED = (  # tables side by side with others
    f"SELECT o_orderkey, s.id, s.price, s.at, h.name FROM {ORDERS} {SALE} JOIN {SHOP} WHERE h.name = 'shop 3'",
    # by way of what both are equal to, and with other comparisons, of which one is the engine's
    f"""SELECT count(*), sum(s.price) FROM {ORDERS} {SALE} JOIN web.shop h ON h.shop = o_orderkey
        AND h.secret <= s.small WHERE h.name < 'shop 2'""",
    f"""SELECT s.id, h.city FROM {ORDERS} {SALE} JOIN {SHOP} WHERE s.id < 90 AND h.shop < 3 AND s.note < h.city""",
    # and texts of other collations, which the server could not compare
    f"""SELECT s.id FROM {ORDERS} {SALE} JOIN web.shop h ON h.city <> s.code AND h.shop = s.shop
        WHERE h.name = 'shop 3'""",
    # in parentheses, under one alias for two, in subqueries of all kinds
    """SELECT a.name, o_orderkey, b.name AS name FROM (web.shop a JOIN web.shop b ON a.shop = b.secret)
        JOIN sales.orders ON a.shop = o_orderkey
        WHERE EXISTS (SELECT 1 FROM sales.orders a WHERE a.o_orderkey = b.shop)""",
    f"""SELECT o.o_orderkey, (SELECT min(i.o_orderkey) FROM sales.orders i WHERE i.o_orderkey >= h.shop) AS least
        FROM sales.orders o JOIN {SALE.replace("o_orderkey", "o.o_orderkey")} JOIN {SHOP} WHERE h.name = 'shop 2'
        AND s.id < 500 ORDER BY h.name, s.id LIMIT 7""",
    # rows that may be missing are behind
    f"""SELECT s.id, o_orderkey, h.name FROM web.sale s JOIN {SHOP} LEFT JOIN sales.orders ON o_orderkey = s.shop
        WHERE h.name = 'shop 6' AND s.day > '2020-03-01'""",
    # groups of one more subquery; nothing is asked for
    """SELECT h.name, g.n, count(o_orderkey) FROM web.shop h JOIN (SELECT shop, count(*) AS n FROM web.sale
        GROUP BY shop) g ON g.shop = h.shop JOIN sales.orders ON o_orderkey < h.shop GROUP BY 1, 2""",
    "SELECT count(*) FROM sales.orders, web.shop a, web.shop b WHERE a.shop = b.shop AND a.secret = b.secret",
    # what the server could not answer whole
    f"SELECT lower(h.name), s.id FROM web.sale s JOIN {SHOP} WHERE h.name = 'shop 1' AND random() < 2",
)
JOIN_KEPT = {
    "20,000 rows are expected": f"SELECT count(*) FROM {ORDERS} {SALE} JOIN {SHOP}",
    "of type character(4)": f"SELECT s.padded FROM {ORDERS} {SALE} JOIN {SHOP} WHERE h.name = 'shop 3'",
    "holds different texts equal": f"""SELECT s.id FROM {ORDERS} {SALE} JOIN {SHOP} WHERE h.name = 'shop 3'
        AND s.kind <> 'A'""",
    "read by keys": f"""SELECT s.id FROM {ORDERS} web.sale s ON s.orderkey = o_orderkey JOIN {SHOP}
        WHERE h.name = 'shop 3' AND o_totalprice < 2000""",
}


@pytest.fixture(scope="module")
def gateway(lake: SampleLake) -> Iterator[RunningGateway]:
    """A gateway over orders in files and two tables in PostgreSQL."""
    lake.server.create_database("parts", "parts_owner", "parts secret")
    dsn = psycopg.conninfo.make_conninfo(
        "", **lake.server.connection_parameters("parts", "parts_owner", "parts secret")
    )
    with lake.server.connect("parts") as connection:
        connection.execute(SETUP.encode())
    sources = {"sales": lake.sources["sales"], "web": {"kind": "postgres", "dsn": dsn}}
    with serving(lake, Settings(server={"refresh_interval": "0"}, sources=sources, database="parted")) as running:
        yield running


@pytest.fixture
def ada(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as connection:
        connection.execute("SET lakegate.feedback = off")  # what one test runs is not to change another's plans
        yield connection


def explained(connection: psycopg.Connection, query: str, options: str = "") -> str:
    return "\n".join(row[0] for row in connection.execute(f"EXPLAIN {options} {query}".encode()).fetchall())


def answer(connection: psycopg.Connection, query: str) -> tuple[list[tuple[int, int]], list[tuple[object, ...]]]:
    """Return the columns' types and the rows as text, sorted."""
    found = connection.execute(query.encode())
    result = found.pgresult
    assert result is not None
    kinds = [(result.ftype(at), result.fmod(at)) for at in range(result.nfields)]
    rows = [tuple(result.get_value(row, at) for at in range(result.nfields)) for row in range(result.ntuples)]
    return kinds, sorted(rows, key=repr)


def both_ways(connection: psycopg.Connection, query: str) -> None:
    sent = answer(connection, query)
    connection.execute("SET lakegate.pushdown = off")
    try:
        assert answer(connection, query) == sent
    finally:
        connection.execute("RESET lakegate.pushdown")


@pytest.mark.parametrize("query", SENT)
def test_rows_and_types_are_the_engines(ada: psycopg.Connection, query: str) -> None:
    assert "Part by source web" in explained(ada, query)
    both_ways(ada, query)


@pytest.mark.parametrize("reason", KEPT)
def test_what_is_left_to_the_engine(ada: psycopg.Connection, reason: str) -> None:
    told = explained(ada, KEPT[reason])
    assert "Part by source" not in told
    assert reason in told, told
    both_ways(ada, KEPT[reason])


@pytest.mark.parametrize("query", JOINED)
def test_joins_within_a_larger_from(ada: psycopg.Connection, query: str) -> None:
    told = explained(ada, query)
    assert "Part by source web: join of " in told, told
    both_ways(ada, query)


@pytest.mark.parametrize("reason", JOIN_KEPT)
def test_joins_that_are_left_to_the_engine(ada: psycopg.Connection, reason: str) -> None:
    told = explained(ada, JOIN_KEPT[reason])
    assert "Part by source" not in told
    assert f"{reason}" in told and "Not pushed down: join of " in told, told
    both_ways(ada, JOIN_KEPT[reason])


OUTER = {  # what is told of the join, and a statement
    # the few of a large table that others find, and what else is asked of them
    "left join of s, r": f"""SELECT o_orderkey, s.id, r.price, r.code, r.at FROM {ORDERS} web.sale s
        ON s.shop = o_orderkey LEFT JOIN web.sale r ON r.id = s.id AND r.small > 10
        WHERE s.small < 40 AND (r.price IS NULL OR r.note LIKE 'n1%')""",
    # both may be missing; one is found by nothing but its name
    "left join of h, r": """SELECT o_orderkey, h.name, r.secret, count(*) OVER (PARTITION BY r.name) AS n
        FROM sales.orders LEFT JOIN web.shop h ON h.shop = o_orderkey AND o_totalprice > 1000
        LEFT JOIN web.shop r ON r.shop = h.secret
        AND r.name <> 'shop 2' WHERE o_orderkey < 20""",
    # FROM begins with it, and with another join of all that
    "full join of a, b": """SELECT a.shop, b.shop, o_orderkey FROM web.shop a FULL JOIN web.shop b ON b.shop = a.secret
        AND a.shop > 2 LEFT JOIN sales.orders ON o_orderkey = b.shop""",
    "right join of a, b": """SELECT a.name AS name, b.name, o_orderkey FROM web.shop a RIGHT JOIN web.shop b
        ON b.shop = a.secret AND a.shop > 2 RIGHT JOIN sales.orders ON o_orderkey = b.shop WHERE o_orderkey < 20""",
    # three of them, of which two are joined by an inner join
    "left join of join of": f"""SELECT s.id, h.name, r.small FROM {ORDERS} {SALE} JOIN {SHOP} LEFT JOIN web.sale r
        ON r.id = s.id AND r.kept WHERE h.name = 'shop 3' AND s.id < 3000""",
}
OUTER_KEPT = {
    "rows are expected of it": f"""SELECT count(*) FROM {ORDERS} web.sale s ON s.shop = o_orderkey
        LEFT JOIN web.sale r ON r.small = s.small AND r.id < 500""",
    "read by keys": f"""SELECT count(*) FROM {ORDERS} web.sale s ON s.shop = o_orderkey
        LEFT JOIN web.sale r ON r.id = s.id WHERE o_orderkey < 3""",
    'LOWER("r"."code")': f"""SELECT r.id FROM {ORDERS} web.sale s ON s.shop = o_orderkey
        LEFT JOIN web.sale r ON r.id = s.id AND lower(r.code) = lower(s.code) WHERE s.small < 4""",
}


@pytest.mark.parametrize("name", OUTER)
def test_outer_joins_within_a_larger_from(ada: psycopg.Connection, name: str) -> None:
    told = explained(ada, OUTER[name])
    assert f"Part by source web: {name.removeprefix('left join of join of')}" in told, told
    assert told.count("Part by source web: ") == 1 and " join of " in told
    both_ways(ada, OUTER[name])
    assert answer(ada, OUTER[name])[1]


@pytest.mark.parametrize("reason", OUTER_KEPT)
def test_outer_joins_that_are_left_to_the_engine(ada: psycopg.Connection, reason: str) -> None:
    told = explained(ada, OUTER_KEPT[reason])
    assert "Part by source" not in told
    assert reason in told and "Not pushed down: left join of " in told, told
    both_ways(ada, OUTER_KEPT[reason])


@pytest.fixture
def bob(gateway: RunningGateway, ada: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """A role that may read everything, at first."""
    for schema in ("web", "sales"):
        ada.execute(f"GRANT USAGE ON SCHEMA {schema} TO {BOB}".encode())
        ada.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {BOB}".encode())
    with gateway.connect(BOB) as connection:
        yield connection
    ada.execute("DROP POLICY IF EXISTS few ON web.shop")
    ada.execute("ALTER TABLE web.shop DISABLE ROW LEVEL SECURITY")
    for schema in ("web", "sales"):  # roles are those of all gateways: he has what he had
        ada.execute(f"REVOKE SELECT ON ALL TABLES IN SCHEMA {schema} FROM {BOB}".encode())
    ada.execute(f"REVOKE USAGE ON SCHEMA web FROM {BOB}".encode())
    ada.execute(f"GRANT SELECT ON sales.orders TO {BOB}".encode())


def last_sent(server: psycopg.Connection) -> str:
    """Return what the source was asked for last."""
    found = server.execute(
        "SELECT query FROM pg_stat_activity WHERE datname = 'parts' AND strpos(query, 'shop') > 0"
        " ORDER BY query_start DESC LIMIT 1"
    ).fetchone()
    assert found is not None
    return str(found[0])


def hide(ada: psycopg.Connection, condition: str) -> None:
    ada.execute("DROP POLICY IF EXISTS few ON web.shop")
    ada.execute("ALTER TABLE web.shop ENABLE ROW LEVEL SECURITY")
    ada.execute(f"CREATE POLICY few ON web.shop FOR SELECT TO {BOB} USING ({condition})".encode())


LEAKY = (
    "SELECT count(*) AS n, sum(100 / secret) AS s FROM web.shop",
    "SELECT count(*) AS n, 1 AS s FROM web.shop WHERE 100 / secret > 20",
    "SELECT count(*) AS n, max(secret) AS s FROM web.shop GROUP BY 100 / secret ORDER BY 100 / secret LIMIT 2",
    "SELECT count(*) AS n, 1 AS s FROM web.shop HAVING min(100 / secret) > 1",
    "SELECT shop AS n, 100 / secret AS s FROM web.shop ORDER BY 100 / secret LIMIT 3",
    "SELECT count(*) AS n, 1 AS s FROM web.shop a JOIN web.shop b ON 100 / a.secret = 100 / b.secret",
    "SELECT count(*) FILTER (WHERE 100 / secret > 1) AS n, 1 AS s FROM web.shop",
    "SELECT shop AS n, 100 / secret AS s FROM web.shop EXCEPT SELECT shop, secret FROM web.shop WHERE 1 / secret > 3",
    "SELECT sum(x) AS n, 1 AS s FROM (SELECT 100 / secret AS x FROM web.shop UNION ALL SELECT shop FROM web.shop) u",
)


@pytest.mark.parametrize("inner", LEAKY)
def test_hidden_rows_are_not_looked_at(
    lake: SampleLake, ada: psycopg.Connection, bob: psycopg.Connection, inner: str
) -> None:
    """The division fails on the row that a policy hides, and on no other."""
    query = f"SELECT o_orderkey, t.n, t.s FROM sales.orders JOIN ({inner}) t ON o_orderkey < 3"
    hide(ada, "secret > 0")
    both_ways(bob, query)
    answer(bob, query)
    with lake.server.connect(autocommit=True) as server:
        assert "AS part" in last_sent(server)
    told = explained(bob, query)
    assert "Part by" not in told and "secret" not in told
    with pytest.raises(psycopg.errors.DivisionByZero) as caught:
        ada.execute(query.encode())
    assert caught.value.diag.message_primary == "division by zero"


LEAKY_JOINS = (
    "LEFT JOIN web.shop b ON b.shop = a.shop AND 100 / a.secret >= 100 / b.secret WHERE b.name IS NULL OR b.name > ''",
    "LEFT JOIN (SELECT shop, 100 / secret AS s FROM web.shop) b ON b.shop = a.shop WHERE b.s IS NULL OR b.s > -a.shop",
    "JOIN web.shop b ON b.shop = a.shop AND 100 / a.secret >= 100 / b.secret",
    "JOIN web.shop b ON b.shop = a.shop WHERE 100 / a.secret > 1 AND 100 / (a.secret + b.secret) > 1",
    "JOIN (SELECT shop, 100 / secret AS s FROM web.shop) b ON b.shop = a.shop AND b.s = 100 / a.secret",
    "JOIN (SELECT shop, max(100 / secret) AS s FROM web.shop GROUP BY shop) b ON b.shop = a.shop AND b.s > -o_orderkey",
)


@pytest.mark.parametrize("join", LEAKY_JOINS)
def test_joins_do_not_look_at_hidden_rows(
    lake: SampleLake, ada: psycopg.Connection, bob: psycopg.Connection, join: str
) -> None:
    """The division fails on the row that a policy hides, which a join of both tables would meet."""
    read = "SELECT o_orderkey, a.shop FROM sales.orders JOIN web.shop a ON a.shop < o_orderkey"
    query = f"{read} {join}"
    hide(ada, "secret > 0")
    both_ways(bob, query)
    assert answer(bob, query)[1]
    with lake.server.connect(autocommit=True) as server:
        sent = last_sent(server)
    assert "AS part" in sent and sent.count('"shop" AS "shop"') > 1, sent
    told = explained(bob, query)
    assert "Part by" not in told and "join of" not in told and "secret" not in told
    with pytest.raises(psycopg.errors.DivisionByZero):
        ada.execute(query.encode())


def test_joins_compare_masked_values(ada: psycopg.Connection, bob: psycopg.Connection) -> None:
    query = """SELECT count(*), min(a.name) FROM sales.orders JOIN web.shop a ON a.shop = o_orderkey
        JOIN web.shop b ON b.name = a.name AND b.shop = a.shop WHERE o_orderkey < 4"""
    by_value = query.replace("AND b.shop = a.shop", "AND b.name = 'shop 2'")
    ada.execute("CREATE MASKING POLICY dark (value text) RETURNS text AS 'dark'")
    ada.execute("ALTER TABLE web.shop ALTER COLUMN name SET MASKING POLICY dark")
    try:
        assert bob.execute(query.encode()).fetchall() == [(3, "dark")]
        assert bob.execute(by_value.encode()).fetchall() == [(0, None)]
        both_ways(bob, query)
    finally:
        ada.execute("ALTER TABLE web.shop ALTER COLUMN name UNSET MASKING POLICY")
        ada.execute("DROP MASKING POLICY dark")
    assert ada.execute(by_value.encode()).fetchall() == [(1, "shop 2")]


def test_masks_come_before_aggregates(ada: psycopg.Connection, bob: psycopg.Connection) -> None:
    query = """SELECT o_orderkey, t.* FROM sales.orders JOIN (SELECT count(DISTINCT name) AS n, max(name) AS m,
        min(name) FILTER (WHERE name LIKE 's%') AS f FROM web.shop) t ON o_orderkey < 2"""
    ada.execute(
        "CREATE MASKING POLICY blind (value text) RETURNS text AS CASE WHEN value > 'x' THEN value ELSE 'hidden' END"
    )
    ada.execute("ALTER TABLE web.shop ALTER COLUMN name SET MASKING POLICY blind")
    try:
        assert bob.execute(query.encode()).fetchall() == [(1, 1, "hidden", None)]
        both_ways(bob, query)
    finally:
        ada.execute("ALTER TABLE web.shop ALTER COLUMN name UNSET MASKING POLICY")
        ada.execute("DROP MASKING POLICY blind")
    assert ada.execute(query.encode()).fetchall() == [(1, 7, "shop 6", "shop 0")]


def test_policies_hold_for_statements_prepared_before(ada: psycopg.Connection, bob: psycopg.Connection) -> None:
    query = "SELECT o_orderkey, t.n FROM sales.orders JOIN (SELECT count(*) AS n FROM web.shop) t ON o_orderkey < 2"
    bob.execute(f"PREPARE counted AS {query}".encode())
    seen = []
    for condition in ("true", "secret > 3", "false", "shop IN (SELECT shop FROM web.sale WHERE id < 4)"):
        hide(ada, condition)
        seen.append(bob.execute("EXECUTE counted").fetchall())
    assert seen == [[(1, 7)], [(1, 3)], [(1, 0)], [(1, 3)]]


def test_columns_that_were_not_granted(ada: psycopg.Connection, bob: psycopg.Connection) -> None:
    ada.execute(f"REVOKE SELECT ON web.shop FROM {BOB}".encode())
    ada.execute(f"GRANT SELECT (shop, city) ON web.shop TO {BOB}".encode())
    try:
        query = (
            "SELECT o_orderkey, t.n FROM sales.orders JOIN (SELECT count({}) AS n FROM web.shop) t ON o_orderkey < 2"
        )
        assert bob.execute(query.format("shop").encode()).fetchall() == [(1, 7)]
        for what in ("secret", "shop.secret + 1", "CASE WHEN secret > 3 THEN 1 END"):
            with pytest.raises(psycopg.errors.UndefinedColumn):
                bob.execute(query.format(what).encode())
    finally:
        ada.execute(f"REVOKE SELECT (shop, city) ON web.shop FROM {BOB}".encode())


def test_parameters_outside_of_parts(ada: psycopg.Connection) -> None:
    """A statement that is executed again keeps its parts."""
    query = """SELECT o_orderkey, t.n FROM sales.orders JOIN (SELECT shop, count(*) AS n FROM web.sale GROUP BY shop) t
        ON t.shop = o_orderkey WHERE o_orderkey < %s ORDER BY 1"""
    found = [ada.execute(query.encode(), (most,), prepare=True).fetchall() for most in (3, 2, 100, 3)]
    assert [len(rows) for rows in found] == [2, 1, 6, 2]
    assert found[0] == found[3] == found[2][:2]
    within = query.replace("GROUP BY", "WHERE price > %s GROUP BY")
    assert ada.execute(within.encode(), (1000, 100)).fetchall() == []
    assert len(ada.execute(within.encode(), (10, 100)).fetchall()) == 6


BOUND = {
    f"""SELECT o_orderkey, t.n FROM {ORDERS} (SELECT shop, count(*) AS n FROM web.sale WHERE price > %s GROUP BY shop) t
        ON t.shop = o_orderkey""": ((100,), (1000,), (Decimal("99.5"),), (None,), (-(2**40),)),
    f"SELECT o_orderkey, s.id FROM {ORDERS} {SALE} JOIN {SHOP} WHERE h.name = %s AND s.id BETWEEN %s AND 15000": (
        ("shop 3", 7),
        ("shop '3", 1),
        ("\\' OR true --", 1),
        (None, 5),
        ("shop 4", -1),
    ),
    f"SELECT count(*), min(s.id) FROM {ORDERS} {SALE} JOIN {SHOP} WHERE h.name = 'shop 2' AND s.day >= %s": (
        (date(2020, 3, 1),),
        (date(1, 1, 1),),
        (date(9999, 12, 31),),
    ),
}


@pytest.mark.parametrize("query", BOUND)
@pytest.mark.parametrize("kept", [True, False])
def test_parameters_in_parts(lake: SampleLake, ada: psycopg.Connection, query: str, kept: bool) -> None:
    for values in BOUND[query]:
        rows = sorted(ada.execute(query.encode(), values, prepare=kept).fetchall())
        with lake.server.connect(autocommit=True) as server:
            assert "AS part" in last_sent(server)
        ada.execute("SET lakegate.pushdown = off")
        assert sorted(ada.execute(query.encode(), values, prepare=kept).fetchall()) == rows
        with lake.server.connect(autocommit=True) as server:
            assert "AS part" not in last_sent(server)
        ada.execute("RESET lakegate.pushdown")


def test_values_without_a_constant(ada: psycopg.Connection) -> None:
    query = f"SELECT count(*) FROM {ORDERS} {SALE} JOIN {SHOP} WHERE h.name = 'shop 2' AND s.day < %s"
    found = [ada.execute(query.encode(), (day,), prepare=True).fetchall() for day in ("2020-02-01", "infinity")]
    assert found == [[(296,)], [(2857,)]]
    told = [row[0] for row in ada.execute(f"EXPLAIN {query}".encode(), ("infinity",)).fetchall()]
    assert any(line.startswith("Not pushed down: join of s, h") and "cannot be written" in line for line in told), told


def test_settings_and_explain(ada: psycopg.Connection) -> None:
    query = SENT[0]
    told = explained(ada, query)
    assert "Part by source web: subquery t  (web.sale)\n" in told
    assert "  Remote SQL: SELECT " in told and "Scan web.sale" not in told
    row = ada.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}".encode()).fetchone()
    assert row is not None
    [shown] = row[0]
    assert [one["Tables"] for one in shown["Remote Parts"]] == [["web.sale"]]
    assert [one["Table"] for one in shown["Fragments"]] == ["sales.orders"]
    ada.execute("SET lakegate.pushdown = off")
    off = explained(ada, query, "(SETTINGS)")
    assert "Not pushed down: subquery t  (lakegate.pushdown is off)" in off and "Scan web.sale" in off
    assert "Whole statement" not in explained(ada, "SELECT count(*) FROM web.sale")
    ada.execute("RESET lakegate.pushdown")
    assert "Whole statement" in explained(ada, "SELECT count(*) FROM web.sale")


def test_a_changed_column_is_no_other(lake: SampleLake, ada: psycopg.Connection) -> None:
    query = "SELECT o_orderkey, t.n FROM sales.orders JOIN (SELECT sum(secret) AS n FROM web.shop) t ON o_orderkey < 2"
    assert ada.execute(query.encode()).fetchall() == [(1, 21)]
    with lake.server.connect("parts", autocommit=True) as server:
        server.execute("ALTER TABLE shop RENAME secret TO was; ALTER TABLE shop RENAME shop TO secret")
        try:
            with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
                ada.execute(query.encode())
        finally:
            server.execute("ALTER TABLE shop RENAME secret TO shop; ALTER TABLE shop RENAME was TO secret")
    assert ada.execute(query.encode()).fetchall() == [(1, 21)]
