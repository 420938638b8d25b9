"""Changes of temporary tables that read the lake: the same statements on the same rows as PostgreSQL itself."""

from __future__ import annotations

import asyncio

import asyncpg
import psycopg
import pytest

from tests.clients.same_sessions import differences
from tests.clients.test_asyncpg import address
from tests.gateway import BOB, RunningGateway, SampleLake, Settings, serving

# Each is one session
SESSIONS = {
    "UPDATE": """
        CREATE TEMP TABLE t AS SELECT n::integer AS id, 'none' AS name, 0::numeric AS total FROM generate_series(1, 8) n
        UPDATE t SET name = k.name FROM small.kinds k WHERE k.id = t.id AND k.id < 3
        UPDATE t SET name = kinds.name FROM small.kinds WHERE kinds.id = t.id AND kinds.id = 3 RETURNING t.id, t.name
        SELECT * FROM t ORDER BY id
        UPDATE t SET total = (SELECT sum(n) FROM small.numbers)
        UPDATE t SET total = (SELECT sum(n) FROM small.numbers WHERE n < t.id) WHERE id < 5 RETURNING id, total
        UPDATE t SET name = 'in' WHERE id IN (SELECT n FROM small.numbers WHERE n % 4 = 0)
        UPDATE t SET (name, total) = (SELECT 'row', max(n) FROM small.numbers WHERE n <= id) WHERE id = 7
        UPDATE t x SET name = 'alias' FROM small.numbers AS m (number) WHERE m.number = x.id AND x.id = 6
        UPDATE t SET name = 'joined' FROM small.kinds JOIN small.numbers ON n = kinds.id WHERE kinds.id = t.id AND n = 1
        UPDATE t SET name = 'sub' FROM (SELECT n, n * 2 AS twice FROM small.numbers) s WHERE s.twice = t.id AND n = 1
        WITH w AS (SELECT n FROM small.numbers WHERE n = 8) UPDATE t SET name = 'with' FROM w WHERE n = id RETURNING *
        WITH w AS (SELECT 8 AS n), v AS (SELECT n FROM w JOIN small.numbers USING (n)) \
            UPDATE t SET name = 'both' FROM v WHERE n = id RETURNING *
        UPDATE t SET name = 'exists' WHERE EXISTS (SELECT FROM small.numbers WHERE n = id + 9999) RETURNING id
        UPDATE t SET name = 'not' WHERE NOT EXISTS (SELECT 1 FROM small.kinds WHERE kinds.id = t.id) RETURNING id
        UPDATE t SET name = x FROM small.kinds
        UPDATE t SET name = nothing FROM small.kinds
        UPDATE t SET name = 'x' FROM small.nowhere
        UPDATE t SET id = n / 0 FROM small.numbers WHERE n = id
        UPDATE t SET name = (SELECT name FROM small.kinds)
        SELECT * FROM t ORDER BY id
        CREATE TEMP VIEW v AS SELECT id, name AS called FROM small.kinds WHERE id < 3
        UPDATE t SET name = called FROM v WHERE v.id = t.id RETURNING *
        SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() ORDER BY 1
    """,
    "DELETE": """
        CREATE TEMP TABLE t AS SELECT n AS id FROM small.numbers WHERE n <= 20
        DELETE FROM t USING small.kinds k WHERE k.id = t.id AND k.id < 3 RETURNING t.id, k.name
        DELETE FROM t WHERE id IN (SELECT max(n) / 1000 FROM small.numbers) RETURNING *
        DELETE FROM t WHERE id > (SELECT avg(n) FROM small.numbers WHERE n < 30)
        DELETE FROM t WHERE id = ANY (ARRAY(SELECT n FROM small.numbers WHERE n = 4))
        SELECT * FROM t ORDER BY id
        DELETE FROM t USING small.none
        DELETE FROM t
        SELECT count(*) FROM t
    """,
    "MERGE": """
        CREATE TEMP TABLE t (id bigint PRIMARY KEY, hits bigint DEFAULT 0)
        INSERT INTO t (id) SELECT n FROM small.numbers WHERE n <= 3
        MERGE INTO t USING small.numbers s ON s.n = t.id WHEN MATCHED THEN UPDATE SET hits = hits + s.n \
            WHEN NOT MATCHED AND s.n < 6 THEN INSERT (id) VALUES (s.n)
        SELECT * FROM t ORDER BY id
        MERGE INTO t USING (SELECT n FROM small.numbers WHERE n < 3) s ON s.n = t.id WHEN MATCHED THEN DELETE
        SELECT * FROM t ORDER BY id
        MERGE INTO t USING small.numbers ON numbers.n = t.id WHEN MATCHED AND n = 3 THEN UPDATE SET hits = 7 \
            RETURNING merge_action(), t.*
    """,
    "INSERT ... RETURNING": """
        CREATE TEMP TABLE t (id bigint PRIMARY KEY, name text DEFAULT 'none', day date)
        INSERT INTO t (id, day) SELECT n, '2024-02-03' FROM small.numbers WHERE n < 4 RETURNING *
        INSERT INTO t (id) SELECT n FROM small.numbers WHERE n < 6 ON CONFLICT (id) DO NOTHING RETURNING id
        INSERT INTO t (id) SELECT n FROM small.numbers WHERE n < 3 ON CONFLICT (id) DO UPDATE SET name = 'again' \
            RETURNING id, name
        INSERT INTO t (id) (SELECT n FROM small.numbers WHERE n = 9) RETURNING id * 2 AS twice, name
        INSERT INTO t (id) SELECT n FROM small.numbers WHERE n = 1 RETURNING id
        INSERT INTO t (id) SELECT n FROM small.numbers WHERE n = 10 RETURNING (SELECT count(*) FROM small.kinds)
        INSERT INTO t (id) VALUES ((SELECT max(n) FROM small.numbers)) RETURNING id
        INSERT INTO t (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = (SELECT name FROM small.kinds WHERE \
            id = 2) RETURNING name
        WITH w AS (SELECT n FROM small.numbers WHERE n = 11) INSERT INTO t (id) SELECT n FROM w RETURNING id
        SELECT * FROM t ORDER BY id
    """,
    "transactions": """
        CREATE TEMP TABLE t AS SELECT n AS id FROM small.numbers WHERE n < 4
        BEGIN
        UPDATE t SET id = id + 10 FROM small.numbers WHERE n = id RETURNING id
        ROLLBACK
        SELECT * FROM t ORDER BY id
        BEGIN
        SAVEPOINT a
        DELETE FROM t WHERE id IN (SELECT n FROM small.numbers)
        UPDATE t SET id = 1 / (SELECT n - 1 FROM small.numbers WHERE n = 1)
        SELECT count(*) FROM t
        ROLLBACK TO a
        UPDATE t SET id = id + 1 WHERE id = (SELECT max(n) - 9997 FROM small.numbers)
        COMMIT
        SELECT * FROM t ORDER BY id
        CREATE TEMP TABLE u (id bigint UNIQUE DEFERRABLE INITIALLY DEFERRED)
        INSERT INTO u VALUES (1), (2)
        UPDATE u SET id = (SELECT min(n) FROM small.numbers)
        SELECT * FROM u ORDER BY id
    """,
}


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("session", SESSIONS)
def test_as_postgresql(gateway: RunningGateway, reference: psycopg.Connection, session: str, binary: bool) -> None:
    assert not differences(gateway, reference, SESSIONS[session], binary=binary, in_order=False)


def test_parameters_and_portions(gateway: RunningGateway) -> None:
    with gateway.connect() as connection:
        connection.execute("CREATE TEMP TABLE t AS SELECT n AS id FROM small.numbers WHERE n <= 20")
        for least in (18, 19):
            update = "UPDATE t SET id = n + %s FROM small.numbers WHERE n = id AND n <= 20 AND n > %s RETURNING n, id"
            rows = connection.execute(update, (1000, least), prepare=True).fetchall()
            assert sorted(rows) == [(n, n + 1000) for n in range(least + 1, 21) if least == 18]
        insert = "INSERT INTO t SELECT n FROM small.numbers WHERE n = ANY(%s) AND n > (SELECT %s::bigint) RETURNING id"
        assert sorted(connection.execute(insert, ([30, 40, 5], 7)).fetchall()) == [(30,), (40,)]
        with connection.pipeline():
            one = connection.execute("DELETE FROM t WHERE id IN (SELECT n FROM small.numbers WHERE n < %s)", (4,))
            two = connection.execute("UPDATE t SET id = -n FROM small.numbers WHERE n = id AND n < 6 RETURNING id")
            assert (sorted(two.fetchall()), one.rowcount) == ([(-5,), (-4,)], 3)


def test_asyncpg_takes_one_of_several_rows(gateway: RunningGateway) -> None:
    async def use() -> None:
        connection = await asyncpg.connect(**address(gateway))
        await connection.execute("CREATE TEMP TABLE t AS SELECT n AS id FROM small.numbers WHERE n <= 5")
        update = "UPDATE t SET id = n + $1 FROM small.numbers WHERE n = id RETURNING id"
        row = await connection.fetchrow(update, 100)
        assert row["id"] > 100
        assert await connection.fetchval("SELECT count(*) FROM t WHERE id > 100") == 5
        assert await connection.execute("DELETE FROM t USING small.numbers WHERE n = id - 100") == "DELETE 5"
        await connection.close()

    asyncio.run(use())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE t SET id = n FROM ONLY small.numbers",
        "UPDATE t SET id = n FROM small.numbers TABLESAMPLE SYSTEM (50)",
        "UPDATE t SET id = small.numbers.n FROM small.numbers",
        "WITH gone AS (DELETE FROM small.numbers RETURNING n) UPDATE t SET id = n FROM gone",
        "EXPLAIN UPDATE t SET id = n FROM small.numbers",
        "PREPARE p AS UPDATE t SET id = n FROM small.numbers",
    ],
)
def test_what_is_refused(gateway: RunningGateway, statement: str) -> None:
    with gateway.connect() as connection:
        connection.execute("CREATE TEMP TABLE t AS SELECT n AS id FROM small.numbers WHERE n <= 5")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            connection.execute(statement.encode())
        assert connection.execute("SELECT count(*) FROM t WHERE id <= 5").fetchone() == (5,)


def test_what_is_governed_stays_so(gateway: RunningGateway) -> None:
    with gateway.connect(BOB) as connection:
        connection.execute("CREATE TEMP TABLE t AS SELECT 1 AS id")
        for statement in ("UPDATE t SET id = n FROM small.numbers", "DELETE FROM t WHERE id IN (TABLE small.numbers)"):
            with pytest.raises(psycopg.errors.UndefinedTable):
                connection.execute(statement.encode())
        updated = connection.execute("UPDATE t SET id = (SELECT count(*) FROM crm.nation) RETURNING id")
        assert updated.fetchone() == (25,)


def test_nothing_is_left_behind(gateway: RunningGateway) -> None:
    left = "SELECT count(*) FROM pg_class WHERE relname LIKE 'lakegate\\_rows%'"
    with gateway.connect() as connection:
        connection.execute("CREATE TEMP TABLE t AS SELECT n AS id FROM small.numbers WHERE n <= 5")
        connection.execute("SET statement_timeout = '300ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("DELETE FROM t USING small.numbers, origin.slow s WHERE s.n = id")
        connection.execute("RESET statement_timeout")
        assert connection.execute(left.encode()).fetchone() == (0,)
        for prepare in (False, True):
            with pytest.raises(psycopg.errors.DivisionByZero):
                connection.execute(
                    "UPDATE t SET id = 1 / (numbers.n - 3) FROM small.numbers WHERE n = id", prepare=prepare
                )
            assert connection.execute(left.encode()).fetchone() == (0,)
        assert connection.execute("SELECT sum(id) FROM t").fetchone() == (15,)


def test_room(lake: SampleLake) -> None:
    with serving(lake, Settings(engine={"temporary_limit": "4MB"})) as small, small.connect() as connection:
        connection.execute("CREATE TEMP TABLE t AS SELECT 1::bigint AS id")
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded, match="exceed 4 MB"):
            connection.execute("UPDATE t SET id = n FROM small.series WHERE n = id")
        assert connection.execute("UPDATE t SET id = (SELECT count(*) FROM small.kinds) RETURNING true").fetchone()
