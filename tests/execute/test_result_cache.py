"""Kept results: sent again while a statement would read the same, by the same role, under the same settings."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from gateway import result_cache
from gateway.result_cache import Turn
from tests.audit.reading import Audited
from tests.gateway import BOB, EVE, RunningGateway, SampleLake, Settings, serving

LIFETIME = 3.0  # seconds
ROWS = pa.table(
    {
        "n": pa.array(range(1, 11), pa.int64()),
        "t": ["2020-01-01"] * 10,
        "d": pa.array([date(2020, 1, day) for day in range(1, 11)]),
        "ts": pa.array([datetime(2020, 1, day, 12) for day in range(1, 11)], pa.timestamp("us")),
        "z": pa.array([datetime(2020, 1, day, 12, tzinfo=UTC) for day in range(1, 11)], pa.timestamp("us", "UTC")),
        "f": pa.array([n / 3 for n in range(10)], pa.float64()),
        "b": pa.array([b"\x00\xff"] * 10, pa.binary()),
        "who": [BOB, EVE] * 5,
        "j": ['{"a": "2020-01-01"}'] * 10,
        "wide": ["x" * 2000] * 10,
    }
)
SAME = (
    "SELECT n, t FROM shop.k",
    "SELECT count(*), sum(n), min(d) FROM shop.k WHERE d >= '2020-01-02' GROUP BY t",
    "SELECT d::timestamp, ts::date, z::date, d::text, n::text FROM shop.k",
    "SELECT left(t, 4)::integer, left(t, 4)::numeric, 't'::boolean FROM shop.k",
    "SELECT date '2020-01-01', timestamp '2020-01-01 10:00', n FROM shop.k",
    "SELECT ARRAY[t]::text[], d + interval '1 day' FROM shop.k",
    "SELECT 'knowing todays yesterdays', n FROM shop.k",
    "SELECT age(ts, ts), to_char(ts, 'YYYY'), date_trunc('day', ts), extract(year FROM d) FROM shop.k",
    "SELECT j::jsonb -> 'a', j::jsonb ->> 'a', jsonb_typeof(j::jsonb), format('%s', n), lpad(t, 12) FROM shop.k",
    "SELECT to_date(t, 'YYYY-MM-DD'), to_timestamp(t, 'YYYY-MM-DD'), md5(t), to_json(n) FROM shop.k",
    "SELECT DISTINCT ON (t) n, CASE WHEN n > 3 THEN d END, coalesce(d, '2020-01-01') FROM shop.k ORDER BY t, n",
    "SELECT who, string_agg(t, ','), array_agg(n ORDER BY n), count(*) FILTER (WHERE n > 3) FROM shop.k GROUP BY 1",
    "SELECT a.n FROM shop.k a JOIN shop.k b USING (n) ORDER BY 1 LIMIT 3",
    "SELECT n, row_number() OVER (ORDER BY n) FROM shop.k UNION ALL SELECT 1, 2 ORDER BY 1, 2",
)
DIFFERENT = (
    "SELECT now() FROM shop.k",
    "SELECT n FROM shop.k WHERE ts < current_timestamp",
    "SELECT n FROM shop.k WHERE d < CURRENT_DATE - 7",
    "SELECT localtimestamp, n FROM shop.k",
    "SELECT statement_timestamp() FROM shop.k",
    "SELECT transaction_timestamp() FROM shop.k",
    "SELECT n FROM shop.k ORDER BY random()",
    "SELECT random(1, 10) FROM shop.k",
    "SELECT gen_random_uuid() FROM shop.k",
    "SELECT age(ts) FROM shop.k",
    "SELECT n FROM shop.k WHERE d <> 'today'",
    "SELECT n FROM shop.k WHERE d < date 'Yesterday'",
    "SELECT n FROM shop.k WHERE ts < 'now'",
    "SELECT n FROM shop.k WHERE ts < timestamp ' NOW '",
    "SELECT n FROM shop.k WHERE d <> E'\\x74oday'",
    "SELECT t::date FROM shop.k",
    "SELECT t::timestamptz FROM shop.k",
    "SELECT (j::jsonb ->> 'a')::date FROM shop.k",
    "SELECT date(t) FROM shop.k",
    "SELECT timestamptz(t) FROM shop.k",
    "SELECT json_value(j::jsonb, '$.a' RETURNING date) FROM shop.k",
    "SELECT json_query(j::jsonb, '$.a' RETURNING date OMIT QUOTES) FROM shop.k",
    "SELECT x.a FROM shop.k, json_table(j::jsonb, '$' COLUMNS (a date PATH '$.a')) x",
    "SELECT n FROM shop.k WHERE EXISTS (SELECT FROM shop.k o WHERE o.d < current_date)",
    "SELECT n FROM (SELECT n, now() AS m FROM shop.k) s WHERE m IS NOT NULL",
    "SELECT current_setting('TimeZone'), n FROM shop.k",
    "SELECT n, relname FROM shop.k JOIN pg_catalog.pg_class ON relname = t",
)


@pytest.fixture(scope="module")
def shop() -> Iterator[Path]:
    """A folder for a Delta table."""
    folder = Path(tempfile.mkdtemp(prefix="lakegate-results-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def sources(lake: SampleLake, shop: Path) -> dict[str, Any]:
    """The Delta table, and one table in PostgreSQL that is reached twice: with a lifetime of results and without."""
    lake.server.create_database("dated", "dated_owner", "dated secret")
    dsn = psycopg.conninfo.make_conninfo(
        "", **lake.server.connection_parameters("dated", "dated_owner", "dated secret")
    )
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE p AS SELECT i::bigint AS id FROM generate_series(1, 3) i")
    return {
        "shop": {"kind": "delta", "location": str(shop)},
        "dated": {"kind": "postgres", "dsn": dsn, "result_lifetime": f"{LIFETIME}s"},
        "live": {"kind": "postgres", "dsn": dsn},
    }


@pytest.fixture(scope="module", params=[0, 1], ids=["here", "workers"])
def gateway(
    lake: SampleLake, shop: Path, sources: dict[str, Any], request: pytest.FixtureRequest
) -> Iterator[RunningGateway]:
    write_deltalake(shop / "k", ROWS, mode="overwrite")
    engine = {"result_cache_memory": "160kB", "workers": request.param}
    settings = Settings(
        server={"refresh_interval": "0"}, sources=sources, database=f"results{request.param}", engine=engine
    )
    with serving(lake, settings) as running:
        yield running


@pytest.fixture
def ada(gateway: RunningGateway, shop: Path) -> Iterator[psycopg.Connection]:
    write_deltalake(shop / "k", ROWS, mode="overwrite")
    with gateway.connect() as connection:
        yield connection


def lane(gateway: RunningGateway) -> str:
    """Return who answered the last statement over tables."""
    return next(str(one["lane"]) for one in reversed(gateway.statements()) if one["lane"] != "relay")


def again(gateway: RunningGateway, connection: psycopg.Connection, query: str, *values: Any) -> str:
    """Ask three times; return who answered the third time. The rows are the same each time."""
    found = [connection.execute(query.encode(), values or None).fetchall() for _ in range(3)]
    assert found[0] == found[1] == found[2] or query in DIFFERENT
    return lane(gateway)


@pytest.mark.parametrize("query", SAME)
def test_kept(gateway: RunningGateway, ada: psycopg.Connection, query: str) -> None:
    assert again(gateway, ada, query) == "cache"
    ada.execute("SET lakegate.result_cache = off")
    computed = ada.execute(query.encode()).fetchall()
    assert lane(gateway) == "engine"
    ada.execute("RESET lakegate.result_cache")
    assert sorted(ada.execute(query.encode()).fetchall()) == sorted(computed)
    assert lane(gateway) == "cache"


@pytest.mark.parametrize("query", DIFFERENT)
def test_not_kept(gateway: RunningGateway, ada: psycopg.Connection, query: str) -> None:
    assert again(gateway, ada, query) != "cache"


def test_not_the_first_time(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    lanes = []
    for _ in range(3):
        ada.execute("SELECT n, 'once' FROM shop.k")
        lanes.append(lane(gateway))
    assert lanes == ["engine", "engine", "cache"]


def test_parameters(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    query = "SELECT n FROM shop.k WHERE n < %s ORDER BY n"
    for most in (3, 5):
        assert again(gateway, ada, query, most) == "cache"
        assert ada.execute(query, (most,)).fetchall() == [(n,) for n in range(1, most)]
    assert again(gateway, ada, "SELECT n FROM shop.k WHERE d < %s::text::date", "2020-01-03") != "cache"
    assert again(gateway, ada, "SELECT n FROM shop.k WHERE d < %s", "2020-01-03") == "cache"
    assert again(gateway, ada, "SELECT n FROM shop.k WHERE d < %s", "today") != "cache"
    assert again(gateway, ada, "SELECT n FROM shop.k WHERE t = %s", "x" * 5000) != "cache"


def test_zero_has_a_sign(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    query = "SELECT n, %s::float8 FROM shop.k LIMIT 1"
    for value in (0.0, -0.0, 0.0, -0.0, 0.0, -0.0):
        assert str(ada.execute(query, (value,)).fetchall()[0][1]) == str(value)
    assert lane(gateway) == "cache"


def test_formats(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    query = "SELECT n, d, f FROM shop.k ORDER BY n"
    for is_binary in (True, False, True, False, True, False):
        with ada.cursor(binary=is_binary) as cursor:
            assert cursor.execute(query).fetchall()[1] == (2, date(2020, 1, 2), 1 / 3)
    assert lane(gateway) == "cache"


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("DateStyle", ("ISO", "SQL, DMY", "ISO, YMD")),
        ("TimeZone", ("UTC", "America/New_York", "Asia/Tokyo")),
        ("IntervalStyle", ("postgres", "iso_8601", "sql_standard")),
        ("extra_float_digits", ("1", "0", "-5")),
        ("bytea_output", ("hex", "escape")),
        ("client_encoding", ("UTF8", "LATIN1")),
    ],
)
def test_settings_of_the_session(
    gateway: RunningGateway, ada: psycopg.Connection, setting: str, values: tuple[str, ...]
) -> None:
    query = "SELECT d::text, ts::text, z::text, f::text, b::text, (ts - ts)::text, f, 'ä' FROM shop.k WHERE n = 3"
    expected = {}
    for value in values * 3:
        ada.execute(f"SET {setting} = '{value}'".encode())
        ada.execute("SET lakegate.result_cache = off")
        expected[value] = ada.execute(query.encode()).fetchall()
        ada.execute("RESET lakegate.result_cache")
        assert ada.execute(query.encode()).fetchall() == expected[value]
    assert lane(gateway) == "cache"


def test_another_version(gateway: RunningGateway, ada: psycopg.Connection, shop: Path) -> None:
    query = "SELECT count(*), max(n) FROM shop.k"
    assert again(gateway, ada, query) == "cache"
    write_deltalake(shop / "k", ROWS.slice(0, 2), mode="append")
    assert ada.execute(query).fetchone() == (12, 10)
    assert lane(gateway) == "engine"
    assert again(gateway, ada, query) == "cache"


def test_a_table_made_anew(gateway: RunningGateway, ada: psycopg.Connection, shop: Path) -> None:
    """It counts its versions from 0 again."""
    for most in (10, 4):
        shutil.rmtree(shop / "k")
        write_deltalake(shop / "k", ROWS.slice(0, most))
        query = "SELECT count(*), 'anew' FROM shop.k"
        assert ada.execute(query).fetchone() == (most, "anew")
        assert again(gateway, ada, query) == "cache"


def test_of_one_role_alone(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    ada.execute(f"GRANT USAGE ON SCHEMA shop TO {BOB}, {EVE}")
    ada.execute(f"GRANT SELECT ON shop.k TO {BOB}, {EVE}")
    ada.execute("ALTER TABLE shop.k ENABLE ROW LEVEL SECURITY")
    ada.execute("CREATE POLICY own ON shop.k USING (who = current_user)")
    query = "SELECT count(*), min(who), max(who) FROM shop.k"
    try:
        with gateway.connect(BOB) as bob, gateway.connect(EVE) as eve:
            for _ in range(3):
                assert bob.execute(query).fetchone() == (5, BOB, BOB)
                assert eve.execute(query).fetchone() == (5, EVE, EVE)
                assert ada.execute(query).fetchone() == (10, BOB, EVE)
                ada.execute(f"SET ROLE {EVE}")
                assert ada.execute(query).fetchone() == (5, EVE, EVE)
                ada.execute("RESET ROLE")
            assert again(gateway, bob, query) == "cache"
            ada.execute("ALTER POLICY own ON shop.k USING (who = current_user AND n > 4)")
            assert bob.execute(query).fetchone() == (3, BOB, BOB)
            assert again(gateway, bob, query) == "cache"
            ada.execute(f"REVOKE SELECT ON shop.k FROM {BOB}")
            with pytest.raises(psycopg.errors.ProgrammingError):
                bob.execute(query)
    finally:
        ada.execute("DROP POLICY own ON shop.k")
        ada.execute("ALTER TABLE shop.k DISABLE ROW LEVEL SECURITY")
        ada.execute(f"REVOKE SELECT ON shop.k FROM {BOB}, {EVE}")


def test_masking_secrets(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    ada.execute("CREATE MASKING SECRET pepper")
    ada.execute("CREATE MASKING POLICY hidden (v text) RETURNS text AS mask_hash(v, 'pepper')")
    ada.execute("ALTER TABLE shop.k ALTER COLUMN t SET MASKING POLICY hidden")
    ada.execute(f"GRANT USAGE ON SCHEMA shop TO {BOB}")
    ada.execute(f"GRANT SELECT ON shop.k TO {BOB}")
    try:
        with gateway.connect(BOB) as bob:
            query = "SELECT min(t) FROM shop.k"
            assert again(gateway, bob, query) == "cache"
            before = bob.execute(query).fetchone()
            ada.execute("ALTER MASKING SECRET pepper ROTATE")
            assert bob.execute(query).fetchone() != before
            assert again(gateway, bob, query) == "cache"
    finally:
        ada.execute("ALTER TABLE shop.k ALTER COLUMN t UNSET MASKING POLICY")
        ada.execute("DROP MASKING POLICY hidden")
        ada.execute("DROP MASKING SECRET pepper")
        ada.execute(f"REVOKE SELECT ON shop.k FROM {BOB}")


def test_temporary_tables(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    query = "SELECT count(*) FROM k"
    ada.execute("SET search_path = shop")
    assert again(gateway, ada, query) == "cache"
    ada.execute("CREATE TEMP TABLE k AS SELECT 1 AS n")
    assert ada.execute(query).fetchone() == (1,)
    joined = "SELECT count(*) FROM k JOIN shop.k s ON s.n = k.n"
    for count in (1, 2, 3, 4):
        assert ada.execute(joined).fetchone() == (count,)
        ada.execute(f"INSERT INTO k VALUES ({count + 1})".encode())
    ada.execute("DROP TABLE k")
    assert ada.execute(query).fetchone() == (10,)


def test_what_fails_and_what_is_large(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    for _ in range(3):
        with pytest.raises(psycopg.errors.DivisionByZero):
            ada.execute("SELECT n / (n - 10) FROM shop.k ORDER BY n")
    large = "SELECT n, wide, wide FROM shop.k"  # 40 kB, where 20 may be
    assert again(gateway, ada, large) == "engine"
    assert again(gateway, ada, large) == "engine"


SLOW = (
    "SELECT {}, sum(length(a.wide || b.wide || c.wide || d.wide || e.wide))"
    " FROM shop.k a, shop.k b, shop.k c, shop.k d, shop.k e, shop.k f"
)


def slow(mark: str) -> str:
    """Return a query that takes a second or so."""
    return SLOW.format(f"'{mark}'")


def wait_until_active(gateway: RunningGateway, mark: str, count: int) -> None:
    """Wait until so many clients have begun the slow query of that mark."""
    with gateway.connect() as observer:
        deadline = time.monotonic() + 30
        asked = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s"
        while observer.execute(asked, (f"SELECT '{mark}', sum%",)).fetchone() != (count,):
            assert time.monotonic() < deadline
            time.sleep(0.01)


def lanes(gateway: RunningGateway, before: int) -> list[str]:
    """Return who answered the statements over tables that were logged after so many, in order."""
    found = [str(one["lane"]) for one in gateway.statements()[before:]]
    return sorted(lane for lane in found if lane != "relay")


def test_many_at_once_have_it_computed_once(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    expected = ada.execute(slow("at once").encode()).fetchall()
    with ExitStack() as stack, ThreadPoolExecutor(6) as threads:
        clients = [stack.enter_context(gateway.connect()) for _ in range(6)]
        before = len(gateway.statements())
        answers = [threads.submit(client.execute, slow("at once").encode()) for client in clients]
        assert [one.result(60).fetchall() for one in answers] == [expected] * 6
        assert lanes(gateway, before) == ["cache"] * 5 + ["engine"]


def test_another_one_computes_what_was_canceled(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    expected = ada.execute(slow("canceled").encode()).fetchall()
    with ExitStack() as stack, ThreadPoolExecutor(6) as threads:
        first, *others = [stack.enter_context(gateway.connect()) for _ in range(4)]
        before = len(gateway.statements())
        computing = threads.submit(first.execute, slow("canceled").encode())
        wait_until_active(gateway, "canceled", 1)
        waiting = [threads.submit(client.execute, slow("canceled").encode()) for client in others]
        wait_until_active(gateway, "canceled", 4)
        first.cancel()
        with pytest.raises(psycopg.errors.QueryCanceled):
            computing.result(60)
        assert [one.result(60).fetchall() for one in waiting] == [expected] * 3
        assert lanes(gateway, before) == ["cache", "cache", "engine"]


def test_who_waits_may_be_canceled(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    expected = ada.execute(slow("left").encode()).fetchall()
    with gateway.connect() as first, gateway.connect() as second, ThreadPoolExecutor(2) as threads:
        computing = threads.submit(first.execute, slow("left").encode())
        wait_until_active(gateway, "left", 1)
        waiting = threads.submit(second.execute, slow("left").encode())
        wait_until_active(gateway, "left", 2)
        second.cancel()
        with pytest.raises(psycopg.errors.QueryCanceled):
            waiting.result(60)
        assert not computing.done()
        second.execute("SET statement_timeout = '100ms'")
        with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
            second.execute(slow("left").encode())
        assert computing.result(60).fetchall() == expected


def test_nobody_waits_for_rows_of_other_rights(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    query = slow("rights").encode()
    ada.execute(f"GRANT USAGE ON SCHEMA shop TO {BOB}; GRANT SELECT ON shop.k TO {BOB}")
    ada.execute("ALTER TABLE shop.k ENABLE ROW LEVEL SECURITY")
    ada.execute("CREATE POLICY few ON shop.k USING (n < 11)")
    try:
        with gateway.connect(BOB) as first, gateway.connect(BOB) as second, ThreadPoolExecutor(2) as threads:
            expected = first.execute(query).fetchall()
            ada.execute("ALTER POLICY few ON shop.k USING (n < 10)")
            changed = second.execute(query).fetchall()
            assert changed != expected
            ada.execute("ALTER POLICY few ON shop.k USING (n < 11)")
            computing = threads.submit(first.execute, query)
            wait_until_active(gateway, "rights", 1)
            ada.execute("ALTER POLICY few ON shop.k USING (n < 10)")
            assert second.execute(query).fetchall() == changed
            ada.execute(f"REVOKE SELECT ON shop.k FROM {BOB}")
            with pytest.raises(psycopg.errors.ProgrammingError):
                second.execute(query)
            assert computing.result(60).fetchall() == expected
    finally:
        ada.execute("DROP POLICY few ON shop.k")
        ada.execute("ALTER TABLE shop.k DISABLE ROW LEVEL SECURITY")
        ada.execute(f"REVOKE SELECT ON shop.k FROM {BOB}")


def test_what_fails_fails_for_all(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    fails = slow("fails").replace("e.wide", "(1 / (e.n - 10))::text")
    with pytest.raises(psycopg.errors.DivisionByZero):
        ada.execute(fails.encode())
    with ExitStack() as stack, ThreadPoolExecutor(3) as threads:
        clients = [stack.enter_context(gateway.connect()) for _ in range(3)]
        for one in [threads.submit(client.execute, fails.encode()) for client in clients]:
            with pytest.raises(psycopg.errors.DivisionByZero):
                one.result(60)


def test_nobody_waits_for_the_client_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_cache, "_PATIENCE_FOR_A_CLIENT", 0.05)

    async def wait(*, has_rows: bool, seconds: float) -> bool:
        turn = Turn()
        if has_rows:
            turn.has_rows()
        return await turn.wait(seconds)

    started = time.monotonic()
    assert not asyncio.run(wait(has_rows=True, seconds=60))  # its client does not take them
    assert not asyncio.run(wait(has_rows=False, seconds=0.05))
    assert time.monotonic() - started < 5


def test_room_is_made(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    queries = [f"SELECT {number}, wide FROM shop.k WHERE n < 8" for number in range(12)]  # of 14 kB each
    lanes = [again(gateway, ada, query) for query in queries]
    assert lanes == ["cache"] * 12
    ada.execute(queries[11].encode())
    assert lane(gateway) == "cache"
    ada.execute(queries[0].encode())
    assert lane(gateway) == "engine"


def test_portions_and_cursors_are_read(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    query = "SELECT n, 'portion' FROM shop.k ORDER BY n"
    assert again(gateway, ada, query) == "cache"
    with ada.transaction(), ada.cursor("c") as cursor:
        assert len(cursor.execute(query).fetchall()) == 10
    with ada.cursor() as plain, plain.copy(f"COPY ({query}) TO STDOUT") as copy:
        assert len([*copy.rows()]) == 10
    assert lane(gateway) == "engine"


def test_explain(gateway: RunningGateway, ada: psycopg.Connection, shop: Path) -> None:
    query = "SELECT n, 'explained' FROM shop.k"
    assert "cache" not in explained(ada, query)
    assert again(gateway, ada, query) == "cache"
    told = explained(ada, query)
    assert "Result cache: hit, 10 rows (" in told
    assert "s old" in told
    rows = ada.execute(f"EXPLAIN (FORMAT JSON) {query}".encode()).fetchone()
    assert rows is not None
    [shown] = rows[0] if isinstance(rows[0], list) else json.loads(rows[0])
    assert shown["Result Cache"]["Rows"] == 10
    assert 0 <= shown["Result Cache"]["Age"] < 60
    write_deltalake(shop / "k", ROWS.slice(0, 1), mode="append")
    assert "cache" not in explained(ada, query)


def test_explain_of_what_is_hidden(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    ada.execute(f"GRANT USAGE ON SCHEMA shop TO {BOB}")
    ada.execute(f"GRANT SELECT (n) ON shop.k TO {BOB}")
    try:
        with gateway.connect(BOB) as bob:
            assert again(gateway, bob, "SELECT n FROM shop.k") == "cache"
            assert "cache" not in explained(bob, "SELECT n FROM shop.k")
    finally:
        ada.execute(f"REVOKE SELECT (n) ON shop.k FROM {BOB}")


def explained(connection: psycopg.Connection, query: str) -> str:
    return "\n".join(row[0] for row in connection.execute(f"EXPLAIN {query}".encode()).fetchall())


WHOLE = "SELECT count(*) FROM {}.p"
JOINED = "SELECT count(*) FROM {}.p JOIN shop.k ON n = id"


@pytest.mark.parametrize("query", [WHOLE, JOINED], ids=["whole", "joined"])
def test_tables_of_servers(
    gateway: RunningGateway, ada: psycopg.Connection, query: str, sources: dict[str, Any]
) -> None:
    dated, live = query.format("dated"), query.format("live")
    assert again(gateway, ada, live) != "cache"
    before = ada.execute(dated.encode()).fetchone()
    assert again(gateway, ada, dated) == "cache"
    since = time.monotonic()
    assert "Result cache: hit, 1 rows" in explained(ada, dated)
    with psycopg.connect(sources["dated"]["dsn"]) as server:
        server.execute("INSERT INTO p SELECT max(id) + 1 FROM p")
    now = ada.execute(live.encode()).fetchone()
    assert now != before
    assert ada.execute(dated.encode()).fetchone() == before
    while time.monotonic() < since + LIFETIME:
        time.sleep(0.05)
    assert ada.execute(dated.encode()).fetchone() == now


def test_the_audit_has_each(gateway: RunningGateway, ada: psycopg.Connection, lake: SampleLake) -> None:
    query = "SELECT n, b, 'audited' FROM shop.k WHERE n <= 7"
    assert again(gateway, ada, query) == "cache"
    audited = Audited(gateway, lake, gateway.log.parent / "state" / "audit")
    entry = audited.wait_for(lambda one: one.get("lane") == "cache" and one["text"].startswith("SELECT n, b,"))
    assert entry["rows"] == 7
    assert entry["tables"] == ["shop.k"]
    assert entry["columns"] == {"shop.k": ["b", "n"]}
    assert [*entry["snapshots"]] == ["shop.k"]
    assert entry["bytes"] > 100


def test_off_in_the_configuration(lake: SampleLake, sources: dict[str, Any], shop: Path) -> None:
    write_deltalake(shop / "k", ROWS, mode="overwrite")
    settings = Settings(sources=sources, database="results_off", engine={"result_cache_memory": "0"})
    with serving(lake, settings) as running, running.connect() as ada:
        assert again(running, ada, "SELECT n FROM shop.k") == "engine"
