"""Temporary views over tables of the lake: the same statements on the same rows as PostgreSQL itself."""

from __future__ import annotations

import psycopg
import pytest

from tests.clients.same_sessions import differences
from tests.gateway import BOB, RunningGateway

# Each is one session
SESSIONS = {
    "made, read and dropped": """
        CREATE TEMP VIEW v AS SELECT id, name, price FROM small.kinds WHERE id < 5
        SELECT * FROM v ORDER BY id
        SELECT v.id, x.name FROM v JOIN pg_temp.v x ON x.id = v.id + 1 ORDER BY 1
        SELECT count(*) FROM v JOIN small.numbers ON n = id
        SELECT pg_temp.v.id FROM pg_temp.v WHERE pg_temp.v.id = 1
        SELECT a, b FROM v AS t (a, b) ORDER BY 1
        SELECT n FROM small.numbers WHERE n IN (SELECT id FROM v) ORDER BY 1
        SELECT (SELECT max(id) FROM v), EXISTS (SELECT FROM v WHERE id > 100)
        WITH v AS (SELECT 7 AS id) SELECT id FROM v
        WITH kinds AS (SELECT 7 AS id) SELECT v.id FROM v, kinds ORDER BY 1
        CREATE TEMP VIEW v AS SELECT 1
        CREATE OR REPLACE TEMP VIEW v AS SELECT id, name, price, id * 2 AS twice FROM small.kinds WHERE id < 3
        SELECT * FROM v ORDER BY id
        CREATE OR REPLACE TEMP VIEW v AS SELECT 1 AS id
        TABLE v ORDER BY 1
        SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'v'::regclass \
            ORDER BY attnum
        SELECT relkind, relpersistence FROM pg_class WHERE oid = 'v'::regclass
        ALTER VIEW v RENAME TO w
        SELECT id FROM v
        SELECT id FROM w ORDER BY 1
        ALTER VIEW w RENAME COLUMN id TO number
        SELECT number FROM w ORDER BY 1
        ALTER VIEW w SET (security_barrier)
        SELECT number FROM w ORDER BY 1
        DROP VIEW w
        SELECT * FROM w
        DROP VIEW w
        DROP VIEW IF EXISTS w
        CREATE VIEW pg_temp.v AS SELECT n FROM small.numbers WHERE n < 3
        SELECT * FROM v ORDER BY n
        DISCARD TEMP
        SELECT * FROM v
    """,
    "what a view may be": """
        CREATE TEMPORARY VIEW a (x, y) AS SELECT n, n * 2 FROM small.numbers WHERE n < 4
        SELECT x + y AS z FROM a ORDER BY 1
        CREATE TEMP VIEW b AS SELECT x % 2 AS odd, sum(y) AS total FROM a GROUP BY 1
        SELECT * FROM b ORDER BY odd
        CREATE LOCAL TEMP VIEW c WITH (security_barrier) AS SELECT n FROM small.numbers ORDER BY n DESC LIMIT 3
        SELECT * FROM c
        CREATE TEMP VIEW ordered AS SELECT n FROM small.numbers WHERE n < 9 ORDER BY n DESC
        SELECT * FROM ordered
        SELECT n FROM ordered LIMIT 2
        CREATE TEMP VIEW d AS WITH w AS (SELECT n FROM small.numbers WHERE n < 3) SELECT n FROM w UNION ALL SELECT 9
        SELECT * FROM d ORDER BY n
        CREATE TEMP VIEW e AS SELECT *, 'it''s' AS word, DATE '2024-02-03' AS day FROM small.kinds
        SELECT id, word, day FROM e WHERE id = 1
        SELECT count(*) FROM e
        CREATE TEMP VIEW f AS SELECT row_number() OVER (ORDER BY n) AS r, n FROM small.numbers WHERE n < 4
        SELECT * FROM f WHERE r = 2
        CREATE TEMP VIEW broken AS SELECT nothing FROM small.kinds
        CREATE TEMP VIEW broken AS SELECT * FROM small.nowhere
        CREATE TEMP VIEW broken AS SELECT n, n FROM small.numbers
        CREATE TEMP VIEW broken (a, b) AS SELECT n FROM small.numbers
        CREATE TEMP VIEW broken AS SELECT n FROM small.numbers WHERE n = $1
        CREATE TEMP VIEW IF NOT EXISTS a AS SELECT 1
        DROP VIEW a
        DROP VIEW a CASCADE
        SELECT * FROM b
        COPY c TO STDOUT
        SELECT * FROM c TABLESAMPLE SYSTEM (10)
        TRUNCATE c
        CREATE INDEX ON c (n)
        DROP TABLE c
    """,
    "beside temporary tables": """
        CREATE TEMP TABLE t AS SELECT n AS id FROM small.numbers WHERE n < 6
        CREATE TEMP VIEW v AS SELECT t.id, k.name FROM t JOIN small.kinds k USING (id)
        SELECT * FROM v ORDER BY id
        DELETE FROM t WHERE id > 2
        SELECT * FROM v ORDER BY id
        CREATE TEMP VIEW own AS SELECT id FROM t
        CREATE TEMP VIEW two AS SELECT own.id, v.name FROM own JOIN v USING (id)
        SELECT * FROM two ORDER BY id
        SELECT * FROM own ORDER BY id
        WITH t AS (SELECT 1 AS id) SELECT v.id FROM v JOIN t USING (id)
        CREATE TEMP TABLE copied AS SELECT * FROM v
        SELECT * FROM copied ORDER BY id
        INSERT INTO copied SELECT id + 10, name FROM v
        SELECT count(*) FROM copied
        CREATE TEMP VIEW c AS SELECT c.relname, n FROM pg_class c, small.numbers WHERE relname = 'pg_class' AND n = 1
        SELECT * FROM c
        DROP TABLE t
        DROP TABLE t CASCADE
        SELECT * FROM v
        SELECT * FROM own
    """,
    "names and paths": """
        SET search_path = small
        CREATE TEMP VIEW v AS SELECT id FROM kinds WHERE id < 3
        SET search_path = pg_catalog
        SELECT * FROM v ORDER BY id
        SET search_path = small
        CREATE TEMP TABLE kinds AS SELECT 77 AS id
        SELECT * FROM v ORDER BY id
        SELECT * FROM kinds
        DROP TABLE kinds
        CREATE TEMP VIEW kinds AS SELECT id * 10 AS id FROM small.kinds WHERE id = 2
        SELECT * FROM kinds
        SELECT count(*) FROM small.kinds
        SELECT kinds.id, k.id FROM kinds, small.kinds AS k WHERE k.id = 2
        SET search_path = small, pg_temp
        SELECT count(*) FROM kinds
        SELECT * FROM pg_temp.kinds
        SET search_path = small
        SET datestyle = 'SQL, DMY'
        CREATE TEMP VIEW days AS SELECT n FROM numbers WHERE n = 1 AND DATE '2024-02-03' < DATE '2024-03-01'
        SELECT * FROM days
        RESET datestyle
        SELECT * FROM days
    """,
    "transactions": """
        BEGIN
        CREATE TEMP VIEW v AS SELECT n FROM small.numbers WHERE n < 3
        SELECT * FROM v ORDER BY n
        ROLLBACK
        SELECT * FROM v
        CREATE TEMP VIEW v AS SELECT n FROM small.numbers WHERE n < 3
        BEGIN
        SAVEPOINT a
        CREATE OR REPLACE TEMP VIEW v AS SELECT n FROM small.numbers WHERE n = 50
        SELECT * FROM v
        ROLLBACK TO a
        SELECT * FROM v ORDER BY n
        DROP VIEW v
        SELECT * FROM v
        ROLLBACK
        SELECT * FROM v ORDER BY n
        BEGIN
        SELECT 1 / (n - 1) FROM v
        SELECT * FROM v
        ROLLBACK
        SELECT count(*) FROM v
    """,
    "prepared and cursors": """
        CREATE TEMP VIEW v AS SELECT n FROM small.numbers WHERE n < 5
        PREPARE p(bigint) AS SELECT n FROM v WHERE n > $1 ORDER BY 1
        EXECUTE p(2)
        CREATE OR REPLACE TEMP VIEW v AS SELECT n FROM small.numbers WHERE n BETWEEN 3 AND 6
        EXECUTE p(2)
        BEGIN
        DECLARE c CURSOR FOR SELECT n FROM v ORDER BY n
        FETCH 2 FROM c
        CREATE OR REPLACE TEMP VIEW v AS SELECT n FROM small.numbers WHERE n = 1
        ROLLBACK
        EXECUTE p(0)
        DROP VIEW v
        EXECUTE p(0)
        CREATE TEMP VIEW v AS SELECT 4::bigint AS n
        EXECUTE p(0)
        CREATE OR REPLACE TEMP VIEW v AS SELECT n FROM small.numbers WHERE n = 5
        EXECUTE p(0)
        DISCARD ALL
        EXECUTE p(0)
        SELECT * FROM v
    """,
}


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("session", SESSIONS)
def test_as_postgresql(gateway: RunningGateway, reference: psycopg.Connection, session: str, binary: bool) -> None:
    assert not differences(gateway, reference, SESSIONS[session], binary=binary)


def test_with_whose_rights(gateway: RunningGateway) -> None:
    """Those of who asks, and nobody reads another's."""
    with gateway.connect() as ada:
        ada.execute("CREATE TEMP VIEW v AS SELECT id FROM small.kinds")
        ada.execute("SET ROLE bob")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for view v"):
            ada.execute("SELECT * FROM v")
        with pytest.raises(psycopg.errors.UndefinedTable):
            ada.execute("CREATE TEMP VIEW w AS SELECT id FROM small.kinds")
        ada.execute("CREATE TEMP VIEW w AS SELECT n_name FROM crm.nation")
        assert ada.execute("SELECT count(*) FROM w").fetchone() == (25,)
        ada.execute("RESET ROLE")
        assert ada.execute("SELECT count(*) FROM w").fetchone() == (25,)
        assert ada.execute("SELECT count(*) > 0 FROM v").fetchone() == (True,)


def test_what_was_granted_counts_now(gateway: RunningGateway) -> None:
    with gateway.connect() as ada, gateway.connect(BOB) as bob:
        ada.execute("GRANT SELECT ON small.numbers TO bob")
        ada.execute("GRANT USAGE ON SCHEMA small TO bob")
        try:
            bob.execute("CREATE TEMP VIEW v AS SELECT n FROM small.numbers WHERE n < 3")
            assert bob.execute("SELECT count(*) FROM v").fetchone() == (2,)
        finally:
            ada.execute("REVOKE SELECT ON small.numbers FROM bob")
            ada.execute("REVOKE USAGE ON SCHEMA small FROM bob")
        with pytest.raises(psycopg.errors.UndefinedTable):
            bob.execute("SELECT count(*) FROM v")


def test_another_session_does_not_find_it(gateway: RunningGateway) -> None:
    with gateway.connect() as one, gateway.connect() as other:
        one.execute("CREATE TEMP VIEW mine AS SELECT n FROM small.numbers WHERE n < 3")
        schema = one.execute("SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()").fetchone()
        assert schema is not None
        assert one.execute(f"SELECT count(*) FROM {schema[0]}.mine".encode()).fetchone() == (2,)
        for name in ("mine", "pg_temp.mine", f"{schema[0]}.mine"):
            with pytest.raises(psycopg.Error) as raised:
                other.execute(f"SELECT * FROM {name}".encode())
            assert raised.value.sqlstate in {"42P01", "42501", "55000"}, name


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO v VALUES (1)",
        "UPDATE v SET n = 1",
        "DELETE FROM v",
        "MERGE INTO v USING small.numbers k ON k.n = v.n WHEN MATCHED THEN DELETE",
        "WITH gone AS (DELETE FROM v RETURNING n) INSERT INTO t SELECT n FROM gone",
        "CREATE TEMP VIEW w AS SELECT n FROM small.numbers WITH LOCAL CHECK OPTION",
        "CREATE TEMP RECURSIVE VIEW w (n) AS SELECT n FROM small.numbers UNION SELECT n + 1 FROM w WHERE n < 3",
        "SELECT n FROM v FOR UPDATE",
    ],
)
def test_views_are_for_reading(gateway: RunningGateway, statement: str) -> None:
    with gateway.connect() as connection:
        connection.execute("CREATE TEMP TABLE t (n bigint)")
        connection.execute("CREATE TEMP VIEW v AS SELECT n FROM small.numbers")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            connection.execute(statement.encode())


def test_what_catalogues_and_plans_tell(gateway: RunningGateway) -> None:
    with gateway.connect() as connection:
        connection.execute("CREATE TEMP VIEW v AS SELECT id, name FROM small.kinds WHERE id < 3")
        definition = connection.execute("SELECT pg_get_viewdef('v'::regclass)").fetchone()
        assert definition is not None and "kinds" in definition[0]
        listed = connection.execute(
            "SELECT table_schema LIKE 'pg_temp%' FROM information_schema.views WHERE table_name = 'v'"
        )
        assert listed.fetchall() == [(True,)]
        plan = "\n".join(row[0] for row in connection.execute("EXPLAIN SELECT name FROM v"))
        assert "small.kinds" in plan
        with connection.cursor().copy("COPY (SELECT id FROM v ORDER BY id) TO STDOUT") as copy:
            assert b"".join(copy) == b"1\n2\n"


def test_too_many_in_each_other(gateway: RunningGateway) -> None:
    with gateway.connect() as connection:
        connection.execute("CREATE TEMP VIEW v0 AS SELECT n FROM small.numbers WHERE n = 1")
        for depth in range(1, 20):
            statement = f"CREATE TEMP VIEW v{depth} AS SELECT a.n FROM v{depth - 1} a JOIN v{depth - 1} b USING (n)"
            try:
                connection.execute(statement.encode())
            except psycopg.errors.StatementTooComplex:
                break
        else:
            pytest.fail("views of 2^19 parts were made")
        assert depth > 4
        connection.execute("CREATE TEMP VIEW w0 AS SELECT n FROM small.numbers WHERE n = 1")
        with pytest.raises(psycopg.errors.StatementTooComplex, match="32 levels"):
            for depth in range(1, 40):
                connection.execute(f"CREATE TEMP VIEW w{depth} AS SELECT n FROM w{depth - 1}".encode())
        assert connection.execute("SELECT n FROM w20").fetchone() == (1,)
