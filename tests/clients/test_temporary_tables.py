"""Temporary tables of a session and joins with catalogues: the same statements on the same rows as PostgreSQL itself,
and the sequences that tools send.
"""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

import pandas
import psycopg
import pytest
import sqlalchemy

from tests.clients.same_sessions import differences
from tests.gateway import BOB, PASSWORD, RunningGateway, SampleLake, Settings, serving

# Each is one session
SESSIONS = {
    "made and changed": """
        CREATE TEMP TABLE t (id integer PRIMARY KEY, name text DEFAULT 'none', price numeric(10,2) CHECK (price > 0))
        INSERT INTO t (id, price) VALUES (1, 1.5), (2, 2.25) RETURNING *
        INSERT INTO t VALUES (1, 'twice', 1)
        INSERT INTO t VALUES (3, 'x', -1)
        UPDATE t SET name = 'one' WHERE id = 1 RETURNING id, name
        DELETE FROM t WHERE id = 2
        SELECT * FROM t
        SELECT * FROM pg_temp.t
        ALTER TABLE t ADD COLUMN extra date DEFAULT '2024-01-01'
        SELECT * FROM t
        CREATE UNIQUE INDEX ON t (name)
        ANALYZE t
        ALTER TABLE t RENAME TO u
        SELECT id FROM t
        SELECT id FROM u
        TRUNCATE u
        SELECT count(*) FROM u
        DROP TABLE u
        DROP TABLE u
        DROP TABLE IF EXISTS u
        CREATE TEMPORARY TABLE IF NOT EXISTS u (a integer)
        CREATE TEMPORARY TABLE u (a integer)
        CREATE LOCAL TEMP TABLE pg_temp.v (a integer) ON COMMIT DELETE ROWS
        INSERT INTO v VALUES (1)
        SELECT * FROM v
        SELECT * FROM absent
        INSERT INTO absent VALUES (1)
        DISCARD TEMP
        SELECT * FROM v
    """,
    "filled from the lake": """
        CREATE TEMP TABLE k AS SELECT * FROM small.kinds
        SELECT * FROM k ORDER BY id
        SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'k'::regclass AND attnum > 0
        CREATE TEMP TABLE IF NOT EXISTS k AS SELECT 1 AS a FROM small.kinds
        CREATE TEMP TABLE k AS SELECT 1 AS a FROM small.kinds
        CREATE TEMP TABLE e (a, b) AS SELECT n, n * 2 FROM small.numbers WHERE n < 4 WITH DATA
        SELECT * FROM e ORDER BY a
        CREATE TEMP TABLE n AS SELECT count(*) AS c, 'x' AS word, avg(n) AS mean FROM small.numbers WITH NO DATA
        SELECT * FROM n
        INSERT INTO n SELECT count(*), 'y', avg(n) FROM small.numbers
        INSERT INTO n (c) SELECT n FROM small.numbers WHERE n <= 2
        SELECT * FROM n ORDER BY c
        INSERT INTO n SELECT 'word', 'z', 1 FROM small.numbers
        INSERT INTO n SELECT 1 / (n - 1), 'z', 1 FROM small.numbers
        SELECT n INTO TEMPORARY TABLE i FROM small.numbers WHERE n < 3 ORDER BY n
        SELECT * FROM i
        CREATE TEMP TABLE u (n bigint PRIMARY KEY, hits integer DEFAULT 1, at date DEFAULT '2020-02-02')
        INSERT INTO u (n) SELECT n FROM small.numbers WHERE n <= 3
        INSERT INTO u (n) SELECT n FROM small.numbers WHERE n <= 4 ON CONFLICT (n) DO UPDATE SET hits = u.hits + 1
        INSERT INTO u (n) (SELECT n FROM small.numbers WHERE n <= 5) ON CONFLICT DO NOTHING
        SELECT * FROM u ORDER BY n
        INSERT INTO u (n, hits) WITH w AS (SELECT n FROM small.numbers WHERE n = 9) SELECT n, 7 FROM w
        SELECT * FROM u WHERE n = 9
        CREATE TEMP TABLE w (n smallint)
        INSERT INTO w SELECT n * 100 FROM small.numbers
        INSERT INTO w SELECT n FROM small.numbers WHERE n < 3
        SELECT * FROM w ORDER BY n
        CREATE TEMP TABLE bad AS SELECT nothing FROM small.kinds
        CREATE TEMP TABLE bad AS SELECT * FROM small.nowhere
        CREATE TEMP TABLE none AS SELECT * FROM small.none
        SELECT count(*) FROM none
    """,
    "beside the lake": """
        CREATE TEMP TABLE t AS SELECT n::integer AS id, 'n' || n AS name FROM generate_series(1, 20) n
        SELECT t.id, t.name, k.name FROM t JOIN small.kinds k USING (id) ORDER BY 1
        SELECT t.id, k.id FROM t LEFT JOIN small.kinds k ON k.id = t.id WHERE t.id BETWEEN 2 AND 5 ORDER BY 1
        SELECT count(*) FROM t, small.numbers WHERE n = id
        SELECT count(*) FROM t, small.numbers
        SELECT id FROM t WHERE id IN (SELECT n FROM small.numbers WHERE n % 7 = 0) ORDER BY 1
        SELECT n FROM small.numbers WHERE n IN (SELECT id FROM t WHERE name IN ('n3', 'n5')) ORDER BY 1
        SELECT n FROM small.numbers WHERE EXISTS (SELECT 1 FROM t WHERE id = n AND id > 18) ORDER BY 1
        SELECT (SELECT name FROM t WHERE id = n) FROM small.numbers WHERE n = 4
        SELECT id FROM t WHERE id > 18 UNION ALL SELECT n FROM small.numbers WHERE n < 3 ORDER BY 1
        WITH a AS (SELECT id FROM t WHERE id < 4) SELECT a.id, n FROM a JOIN small.numbers ON n = a.id ORDER BY 1
        SELECT t.name, sum(n) FROM t JOIN small.numbers ON n % 20 + 1 = id WHERE id < 4 GROUP BY 1 ORDER BY 1
        CREATE TEMP TABLE k AS SELECT * FROM small.kinds
        SELECT k.* FROM k JOIN small.kinds o USING (id) ORDER BY k.id
        SELECT k.price + o.price, k.day - o.day, k.ratio FROM k JOIN small.kinds o USING (id) ORDER BY k.id
        SELECT k.id FROM k, small.none
        SELECT x.id, y.id FROM t x JOIN t y ON y.id = x.id + 1 JOIN small.numbers ON n = x.id WHERE n < 3 ORDER BY 1
        CREATE TEMP TABLE a AS SELECT ARRAY[1, NULL, 3] AS i, ARRAY['x,"y', NULL, ''] AS s, E'a\\nb' AS l, '' AS e
        SELECT a.*, n FROM a, small.numbers WHERE n = 1
        INSERT INTO t SELECT n + t.id, t.name FROM small.numbers JOIN t ON t.id = n WHERE n < 3
        SELECT count(*) FROM t
        SELECT nothing FROM t, small.kinds
        SELECT id FROM t, small.kinds
        SELECT t.id FROM t JOIN small.kinds k ON k.name = t.id
        CREATE TEMP VIEW v AS SELECT id * 2 AS twice FROM t WHERE id < 4
        SELECT v.twice, n FROM v JOIN small.numbers ON n = twice ORDER BY 1
        DROP VIEW v
        DROP TABLE t
        SELECT t.id FROM t JOIN small.kinds k USING (id)
    """,
    "catalogues beside the lake": """
        SELECT c.relname, k.id FROM pg_class c, small.kinds k WHERE c.relname = 'pg_class' ORDER BY 2
        SELECT n.nspname, count(*) FROM pg_namespace n, small.kinds WHERE n.nspname = 'small' GROUP BY 1
        SELECT t.table_schema, t.table_name FROM information_schema.tables t, small.kinds WHERE t.table_name = 'kinds' \
            AND id = 1 AND t.table_schema = 'small'
        SELECT a.attname, format_type(a.atttypid, a.atttypmod), k.id FROM pg_attribute a, small.kinds k \
            WHERE a.attrelid = 'small.kinds'::regclass AND a.attnum = k.id ORDER BY 3
        SELECT k.id, t.typname FROM small.kinds k JOIN pg_type t ON t.oid = 22 + k.id WHERE k.id < 3 ORDER BY 1
        SELECT s.name, s.setting, k.flag FROM pg_settings s, small.kinds k WHERE s.name = 'TimeZone' AND k.id = 1
        SELECT pg_table_is_visible(c.oid), k.id FROM pg_class c, small.kinds k WHERE c.relname = 'pg_type' AND k.id = 1
        SELECT c.oid::regclass::text FROM pg_class c, small.kinds k WHERE c.oid = 'pg_class'::regclass AND k.id = 1
        SELECT i.indkey::text, i.indisprimary FROM pg_index i, small.kinds k \
            WHERE i.indrelid = 'pg_class'::regclass AND i.indisprimary AND k.id = 1
        SELECT p.proname, p.proargtypes::text, p.prosrc FROM pg_proc p, small.kinds k WHERE p.proname = 'btrim' AND \
            k.id = 1 ORDER BY 2
        SELECT no_such_function(c.oid) FROM pg_class c, small.kinds
        SELECT c.nothing FROM pg_class c, small.kinds
        SELECT 1 FROM pg_catalog.pg_nothing, small.kinds
    """,
    "transactions": """
        BEGIN
        CREATE TEMP TABLE d ON COMMIT DROP AS SELECT n FROM small.numbers WHERE n < 4
        CREATE TEMP TABLE e ON COMMIT DELETE ROWS AS SELECT n FROM small.numbers WHERE n < 4
        CREATE TEMP TABLE p ON COMMIT PRESERVE ROWS AS SELECT n FROM small.numbers WHERE n < 4
        SELECT count(*) FROM d JOIN small.numbers USING (n)
        COMMIT
        SELECT count(*) FROM d
        SELECT count(*) FROM e
        SELECT count(*) FROM p JOIN small.numbers USING (n)
        BEGIN
        SAVEPOINT a
        DROP TABLE p
        SELECT count(*) FROM p JOIN small.numbers USING (n)
        ROLLBACK TO a
        SELECT count(*) FROM p JOIN small.numbers USING (n)
        INSERT INTO p SELECT n FROM small.numbers WHERE n = 50
        CREATE TEMP TABLE gone AS SELECT n FROM small.numbers
        ROLLBACK
        SELECT count(*) FROM p
        SELECT count(*) FROM gone
        BEGIN
        CREATE TEMP TABLE failed AS SELECT 1 / (n - 2) AS q FROM small.numbers
        SELECT 1
        ROLLBACK
        SELECT * FROM failed
    """,
    "cursors": """
        CREATE TEMP TABLE t AS SELECT n AS id FROM small.numbers WHERE n <= 20
        BEGIN
        DECLARE c SCROLL CURSOR FOR SELECT t.id, k.name FROM t JOIN small.kinds k USING (id) ORDER BY id
        FETCH 2 FROM c
        INSERT INTO t SELECT id FROM t
        FETCH ALL FROM c
        FETCH BACKWARD 1 FROM c
        DECLARE own CURSOR FOR SELECT id FROM t WHERE id < 3 ORDER BY id
        FETCH ALL FROM own
        DROP TABLE t
        ROLLBACK
        FETCH c
        BEGIN
        DECLARE held CURSOR WITH HOLD FOR SELECT t.id, n FROM t JOIN small.numbers ON n = t.id + 1 ORDER BY 1
        FETCH 1 FROM held
        COMMIT
        CREATE TEMP TABLE made AS SELECT count(*) AS c FROM small.numbers
        FETCH 2 FROM held
        DROP TABLE t
        FETCH 1 FROM held
        CLOSE held
        FETCH held
    """,
    "prepared": """
        CREATE TEMP TABLE t AS SELECT n AS id FROM small.numbers WHERE n <= 20
        PREPARE p(bigint) AS SELECT t.id, n FROM t JOIN small.numbers ON n = id WHERE id < $1 ORDER BY 1
        EXECUTE p(3)
        INSERT INTO t VALUES (0), (1)
        EXECUTE p(3)
        DROP TABLE t
        EXECUTE p(3)
        CREATE TEMP TABLE t AS SELECT n AS id FROM small.numbers WHERE n < 2
        EXECUTE p(3)
        SET search_path = small, pg_catalog
        PREPARE q(int) AS SELECT count(*) FROM kinds WHERE id < $1
        EXECUTE q(3)
        CREATE TEMP TABLE kinds AS SELECT 1 AS id
        DROP TABLE kinds
        EXECUTE q(3)
        CREATE TEMP TABLE kinds AS SELECT 1 AS id
        PREPARE r(int) AS SELECT count(*) FROM kinds WHERE id < $1
        EXECUTE r('3')
        DROP TABLE kinds
        EXECUTE r('3')
    """,
    "discarded": """
        CREATE TEMP TABLE t AS SELECT n FROM small.numbers WHERE n < 3
        PREPARE p AS SELECT count(*) FROM t JOIN small.numbers USING (n)
        EXECUTE p
        BEGIN
        DECLARE c CURSOR WITH HOLD FOR SELECT n FROM t JOIN small.numbers USING (n) ORDER BY 1
        DISCARD ALL
        ROLLBACK
        BEGIN
        DECLARE c CURSOR WITH HOLD FOR SELECT n FROM t JOIN small.numbers USING (n) ORDER BY 1
        FETCH c
        COMMIT
        FETCH c
        DISCARD ALL
        FETCH c
        EXECUTE p
        SELECT * FROM t
        SELECT count(*) FROM t JOIN small.numbers USING (n)
        CREATE TEMP TABLE t AS SELECT n FROM small.numbers WHERE n < 4
        PREPARE p AS SELECT count(*) FROM t JOIN small.numbers USING (n)
        EXECUTE p
    """,
    "names that hide others": """
        SET search_path = small
        CREATE TEMP TABLE kinds AS SELECT 7 AS id
        SELECT * FROM kinds
        SELECT count(*) FROM small.kinds
        SELECT k.id, numbers.n FROM kinds k JOIN numbers ON n = k.id
        SET search_path = small, pg_temp
        SELECT count(*) FROM kinds
        SELECT id FROM pg_temp.kinds
        SET search_path = small
        DROP TABLE kinds
        SELECT count(*) FROM kinds
        CREATE TEMP TABLE pg_class AS SELECT 'mine' AS relname
        SELECT c.relname, n FROM pg_class c, numbers WHERE n = 1
        SELECT c.relname, n FROM pg_catalog.pg_class c, numbers WHERE n = 1 AND c.relname = 'pg_type'
    """,
}


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("session", SESSIONS)
def test_as_postgresql(gateway: RunningGateway, reference: psycopg.Connection, session: str, binary: bool) -> None:
    assert not differences(gateway, reference, SESSIONS[session], binary=binary)


def test_several_statements_in_one(gateway: RunningGateway) -> None:
    with gateway.connect() as connection:
        text = (
            "CREATE TEMP TABLE t (id bigint); INSERT INTO t SELECT n FROM small.numbers WHERE n < 4;"
            " SELECT count(*) FROM t JOIN small.numbers ON n = id; DROP TABLE t; SELECT to_regclass('t')"
        )
        cursor = connection.execute(text)
        tags, rows = [cursor.statusmessage], []
        while cursor.nextset():
            tags.append(cursor.statusmessage)
            rows += cursor.fetchall() if cursor.description else []
    assert tags == ["CREATE TABLE", "INSERT 0 3", "SELECT 1", "DROP TABLE", "SELECT 1"]
    assert rows == [(3,), (None,)]


def test_parameters_and_pipelines(gateway: RunningGateway) -> None:
    with gateway.connect() as connection:
        connection.execute("CREATE TEMP TABLE t AS SELECT n FROM small.numbers WHERE n < %s", (10,), prepare=True)
        connection.execute("INSERT INTO t SELECT n FROM small.numbers WHERE n = ANY(%s)", ([50, 60],))
        row = connection.execute("SELECT count(*) FROM t JOIN small.numbers USING (n) WHERE n > %s", (8,)).fetchone()
        assert row == (3,)
        with connection.pipeline():
            made = connection.execute("CREATE TEMP TABLE p AS SELECT n FROM small.numbers WHERE n < 4")
            counted = connection.execute("SELECT count(*) FROM p JOIN small.numbers USING (n)")
            filled = connection.execute("INSERT INTO p SELECT n + 100 FROM small.numbers WHERE n < 3")
            assert [made.statusmessage, counted.fetchone(), filled.statusmessage] == [None, (3,), "INSERT 0 2"]
        for _ in range(3):  # a prepared statement follows what its names mean
            assert connection.execute("SELECT count(*) FROM p", prepare=True).fetchone() == (5,)
        connection.execute("DROP TABLE p")
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT count(*) FROM p", prepare=True)


def test_what_is_governed_stays_so(gateway: RunningGateway) -> None:
    with gateway.connect(BOB) as connection:
        for statement in (
            "CREATE TEMP TABLE t AS SELECT * FROM small.kinds",
            "SELECT count(*) FROM pg_class, small.kinds",
            "SELECT * INTO TEMP t FROM small.kinds",
        ):
            with pytest.raises(psycopg.errors.UndefinedTable):
                connection.execute(statement.encode())
        connection.execute("CREATE TEMP TABLE t AS SELECT n_name FROM crm.nation")
        assert connection.execute("SELECT count(*) FROM t JOIN crm.nation USING (n_name)").fetchone() == (25,)


def test_temporary_tables_are_the_sessions_own(gateway: RunningGateway) -> None:
    with gateway.connect() as one, gateway.connect() as other:
        one.execute("CREATE TEMP TABLE mine AS SELECT 1 AS a")
        schema = one.execute("SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()").fetchone()
        assert schema is not None
        assert one.execute(f"SELECT a FROM {schema[0]}.mine".encode()).fetchone() == (1,)
        with pytest.raises(psycopg.errors.UndefinedTable):
            other.execute("SELECT * FROM mine")
        for statement in ("SELECT * FROM {}.mine", "INSERT INTO {}.mine VALUES (2)", "DROP TABLE {}.mine"):
            with pytest.raises(psycopg.Error) as raised:
                other.execute(statement.format(schema[0]).encode())
            assert raised.value.sqlstate in {"0A000", "42501", "42P01"}, statement
        assert one.execute("SELECT a FROM mine").fetchone() == (1,)


def test_statements_that_hold_queries_make_no_tables(gateway: RunningGateway) -> None:
    with gateway.connect() as connection:
        connection.execute("CREATE TEMP TABLE t AS SELECT n FROM small.numbers WHERE n < 3")
        connection.execute("PREPARE p AS SELECT n FROM small.numbers")
        connection.execute("PREPARE own AS SELECT n FROM t")
        for statement in (
            "PREPARE i AS INSERT INTO t SELECT n FROM small.numbers",
            "PREPARE i AS WITH w AS (SELECT 1) INSERT INTO t SELECT n FROM small.numbers",
            "PREPARE i AS SELECT n INTO TEMP made FROM small.numbers",
            "DECLARE c CURSOR WITH HOLD FOR SELECT n INTO TEMP made FROM small.numbers",
            "CREATE TEMP TABLE made AS EXECUTE p",
            "EXPLAIN ANALYZE CREATE TEMP TABLE made AS EXECUTE p",
        ):
            with pytest.raises(psycopg.Error) as raised:
                connection.execute(statement.encode())
            assert raised.value.sqlstate in {"0A000", "42601"}, (statement, raised.value)
        assert connection.execute("SELECT to_regclass('made'), count(*) FROM t").fetchone() == (None, 2)


def test_the_privilege_on_the_database(gateway: RunningGateway) -> None:
    with gateway.connect() as ada:
        ada.execute("REVOKE TEMPORARY ON DATABASE lake FROM PUBLIC")
        try:
            with gateway.connect(BOB) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE TEMP TABLE t AS SELECT n_name FROM crm.nation")
            ada.execute("CREATE TEMP TABLE t AS SELECT n_name FROM crm.nation")
        finally:
            ada.execute("GRANT TEMPORARY ON DATABASE lake TO PUBLIC")
        with gateway.connect(BOB) as connection:
            connection.execute("CREATE TEMP TABLE t AS SELECT n_name FROM crm.nation")


def test_room(lake: SampleLake) -> None:
    with serving(lake, Settings(engine={"temporary_limit": "4MB"})) as small, small.connect() as connection:
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded, match="exceed 4 MB"):
            connection.execute("CREATE TEMP TABLE t AS SELECT n, n AS m FROM small.series")
        connection.execute("CREATE TEMP TABLE t AS SELECT repeat('x', 1000) AS x FROM generate_series(1, 100)")
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            connection.execute("INSERT INTO t SELECT t.x FROM t, generate_series(1, 10000000)")
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            connection.execute("INSERT INTO t VALUES ('one more')")
        connection.execute("TRUNCATE t")
        connection.execute("INSERT INTO t VALUES ('one')")


def test_cancelling(gateway: RunningGateway) -> None:
    with gateway.connect() as connection:
        connection.execute("CREATE TEMP TABLE t AS SELECT n FROM small.numbers")
        connection.execute("SET statement_timeout = '200ms'")
        slow = ("CREATE TEMP TABLE s AS TABLE origin.slow", "SELECT count(*) FROM t JOIN origin.slow USING (n)")
        for statement in slow:
            with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
                connection.execute(statement.encode())
        connection.execute("RESET statement_timeout")
        started = time.monotonic()
        threading.Timer(0.3, connection.cancel_safe).start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("INSERT INTO t SELECT n FROM origin.slow")
        assert time.monotonic() - started < 10
        assert connection.execute("SELECT count(*) FROM t JOIN small.numbers USING (n)").fetchone() == (10_000,)


def test_tableau_extract(gateway: RunningGateway) -> None:
    """It probes for temporary tables, and keeps an extract's filter in one."""
    with gateway.connect() as connection:
        connection.execute(
            'CREATE LOCAL TEMPORARY TABLE "#Tableau_01_Connect" ( "COL" INTEGER ) ON COMMIT PRESERVE ROWS'
        )
        connection.execute('INSERT INTO "#Tableau_01_Connect" ("COL") VALUES (1)')
        assert connection.execute('SELECT "COL" FROM "#Tableau_01_Connect" LIMIT 1').fetchall() == [(1,)]
        connection.execute('DROP TABLE "#Tableau_01_Connect"')
        connection.execute(
            'SELECT * INTO LOCAL TEMPORARY TABLE "#Tableau_02_Filter" FROM (SELECT n."n_regionkey" AS "r", COUNT(1)'
            ' AS "c" FROM "crm"."nation" n GROUP BY 1 HAVING (COUNT(1) > 0)) t'
        )
        connection.execute('CREATE INDEX "_tidx" ON "#Tableau_02_Filter" ("r")')
        connection.execute('ANALYZE "#Tableau_02_Filter"')
        rows = connection.execute(
            'SELECT "region"."r_name" AS "r_name", SUM("t0"."c") AS "sum:c:ok" FROM "crm"."region" "region"'
            ' INNER JOIN "#Tableau_02_Filter" "t0" ON ("region"."r_regionkey" = "t0"."r") GROUP BY 1 ORDER BY 1'
        ).fetchall()
        assert [name for name, _ in rows] == ["AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"]
        connection.execute('DROP TABLE IF EXISTS "#Tableau_02_Filter" CASCADE')


def test_looker_derived_table(gateway: RunningGateway) -> None:
    """It probes whether it may make tables, and builds a derived table by CREATE TEMPORARY TABLE AS."""
    with gateway.connect() as connection:
        connection.execute("DROP TABLE IF EXISTS connection_test_abc")
        connection.execute("CREATE TEMPORARY TABLE connection_test_abc AS SELECT 1 AS a")
        connection.execute(
            "CREATE TEMPORARY TABLE lr_abc_orders AS (WITH o AS (SELECT o_custkey, o_totalprice FROM sales.orders)"
            " SELECT o_custkey, COUNT(*) AS orders, SUM(o_totalprice) AS total FROM o GROUP BY 1)"
        )
        connection.execute("CREATE INDEX ON lr_abc_orders (o_custkey)")
        found = connection.execute(
            "SELECT customer.c_name, lr.orders FROM crm.customer JOIN lr_abc_orders AS lr ON lr.o_custkey = c_custkey"
            " ORDER BY 2 DESC, 1 FETCH NEXT 1 ROWS ONLY"
        ).fetchall()
        plain = connection.execute(
            "SELECT c_name, count(*) FROM crm.customer JOIN sales.orders ON o_custkey = c_custkey"
            " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"
        ).fetchall()
        assert found == plain


def test_metabase_and_dbt(gateway: RunningGateway) -> None:
    """dbt makes temporary relations in transactions and renames them; Metabase asks for tables beside its rows."""
    with gateway.connect() as connection:
        connection.execute("begin")
        connection.execute(
            '/* {"app": "dbt"} */ create temporary table "orders__dbt_tmp123" as (select o_orderkey from sales.orders)'
        )
        connection.execute("commit")
        columns = connection.execute(
            "select column_name, data_type from information_schema.columns where table_name = 'orders__dbt_tmp123'"
        ).fetchall()
        assert columns == [("o_orderkey", "bigint")]
        connection.execute('create temporary table "orders" (like "orders__dbt_tmp123")')
        tag = connection.execute('insert into "orders" ("o_orderkey") (select "o_orderkey" from "orders__dbt_tmp123")')
        assert tag.statusmessage == "INSERT 0 15000"
        connection.execute('delete from "orders" using "orders__dbt_tmp123" where "orders".o_orderkey < 100')
        connection.execute('alter table "orders" rename to "orders__dbt_backup"')
        connection.execute('drop table if exists "orders__dbt_backup" cascade')


def test_the_documentation(gateway: RunningGateway) -> None:
    text = (Path(__file__).parents[2] / "docs" / "temporary-tables.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    with gateway.connect() as connection:
        for statement in [one.strip() for block in blocks for one in block.split(";") if one.strip()]:
            cursor = connection.execute(statement.encode())
            if cursor.description and "count(*)" in statement:
                assert cursor.fetchone() == (25,)


def test_data_frames(gateway: RunningGateway) -> None:
    """A data frame goes into a temporary table, and is joined with the lake."""
    url = f"postgresql+psycopg://ada:{PASSWORD.replace(' ', '%20')}@{gateway.host}:{gateway.port}/lake?sslmode=disable"
    engine = sqlalchemy.create_engine(url)
    frame = pandas.DataFrame({"nation": [1, 2, 30], "weight": [0.5, 1.5, 2.5]})
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TEMPORARY TABLE weights (nation bigint, weight double precision)"))
        frame.to_sql("weights", connection, if_exists="append", index=False)
        query = "SELECT n_name, weight FROM weights JOIN crm.nation ON n_nationkey = nation ORDER BY 1"
        joined = pandas.read_sql(sqlalchemy.text(query), connection)
    engine.dispose()
    assert joined.to_dict("list") == {"n_name": ["ARGENTINA", "BRAZIL"], "weight": [0.5, 1.5]}


def test_one_that_a_text_has_committed_before_it_failed(gateway: RunningGateway) -> None:
    with gateway.connect() as connection:
        connection.execute("SET search_path = crm")
        assert connection.execute("SELECT count(*) FROM nation").fetchone() == (25,)
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("CREATE TEMP TABLE nation AS SELECT 1 AS id; COMMIT; SELECT 1 / 0")
        assert connection.execute("SELECT count(*) FROM nation").fetchone() == (1,)
