"""Functions that PostgreSQL evaluates, from a client's side: results, errors, parameters, the end of what runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from catalog.function_database import DATABASE
from tests.gateway import BOB, RunningGateway, SampleLake

_SLOW = "SELECT count(length(jsonb_pretty(to_jsonb(repeat(n::text, 200000))))) FROM small.numbers"
_BUSY = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND state = 'active' AND query ~* 'jsonb_pretty'"


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as connection:
        yield connection


@pytest.fixture
def owner(lake: SampleLake) -> Iterator[psycopg.Connection]:
    """The owner of the server on which functions are evaluated."""
    with psycopg.connect(lake.dsn("postgres"), autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id, doc -> 'a', docb ->> 'b', docb @> '{}', jsonb_typeof(docb) FROM origin.things ORDER BY id",
        "SELECT id, jsonb_build_object('id', id, 'span', span, 'ints', ints, 'texts', texts) FROM origin.things",
        "SELECT to_char(price, 'FM999,999,990.00'), to_char(moment, 'Dy DD Mon') FROM small.kinds",
        "SELECT to_jsonb(words), to_jsonb(list), to_jsonb(day), to_jsonb(name), encode(raw, 'base64') FROM small.kinds",
        "SELECT (id || '.0.0.1')::inet, int4range(id, 9), B'01' || id::bit(4), id::money FROM small.kinds",
        "SELECT uid, uuid_extract_version(uid), to_json(free), clock::text, code || '|' FROM origin.things",
        "SELECT span::text, to_char(span, 'HH24:MI'), feeling::text || '!' FROM origin.things WHERE id = 1",
        "SELECT id, pair ->> 'x', pair -> 'y', pair, pair @> '{\"x\": 1}' FROM small.kinds ORDER BY id",
        "SELECT id FROM small.kinds WHERE (pair ->> 'x')::int = 1 AND pair ? 'y'",
        "SELECT jsonb_agg(pair ORDER BY id), json_object_agg(id, name ORDER BY id) FROM small.kinds",
        "SELECT id FROM origin.things WHERE docb ? 'b' AND docb -> 'b' @> '[1]'",
        "SELECT docb ->> 'b' AS k, count(*) FROM origin.things GROUP BY 1 ORDER BY 1 NULLS FIRST",
        "SELECT format('%s-%s', k.id, t.title) FROM small.kinds k JOIN origin.things t ON k.id = t.id ORDER BY 1",
        "SELECT string_to_array(name, 'w'), parse_ident('a.b') FROM small.kinds ORDER BY id",
        "SELECT to_tsvector('english', name) @@ to_tsquery('english', 'q') FROM small.kinds ORDER BY id",
    ],
)
@pytest.mark.parametrize("binary", [False, True])
def test_results_are_postgresqls(client: psycopg.Connection, lake: SampleLake, query: str, binary: bool) -> None:
    with psycopg.connect(lake.reference_dsn) as reference:
        expected = reference.execute(query).fetchall()
    if binary and ("::inet" in query or "span" in query):
        pytest.skip("there is no binary form of these here")
    assert sorted(map(str, client.execute(query, binary=binary).fetchall())) == sorted(map(str, expected))


def test_parameters_get_their_types(client: psycopg.Connection) -> None:
    for _ in range(3):
        query = "SELECT docb -> %s, jsonb_build_array(id, %s::int) FROM origin.things WHERE docb ? %s"
        assert client.execute(query, ("b", 5, "b")).fetchall() == [([1, None], [1, 5])]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT jsonb_build_object('n', n) FROM small.numbers ORDER BY n LIMIT 2",
        "SELECT k.name, jsonb_build_object('n', n, 'd', k.day) AS j FROM small.numbers CROSS JOIN small.kinds k "
        "ORDER BY k.id, 1, n LIMIT 2",
        "WITH w AS (SELECT to_jsonb(n) AS j FROM small.numbers ORDER BY n DESC FETCH FIRST 3 ROWS ONLY) TABLE w",
    ],
)
def test_a_limit_spares_calls(client: psycopg.Connection, query: str) -> None:
    """The call stands above the sort that keeps the first rows: DataFusion would move it below, for all rows."""
    told = [row[0] for row in client.execute(f"EXPLAIN (VERBOSE) {query}").fetchall()]
    plan = told[told.index("Engine plan") :]
    calls = [at for at, line in enumerate(plan) if "postgres_" in line]
    sorts = [at for at, line in enumerate(plan) if "SortExec: TopK" in line]
    assert len(calls) == 1 and sorts and calls[0] < min(sorts), "\n".join(plan)


def test_errors_are_postgresqls(client: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidTextRepresentation) as raised:
        client.execute("SELECT name::jsonb FROM small.kinds WHERE id = 1")
    assert raised.value.diag.message_primary == "invalid input syntax for type json"
    assert raised.value.diag.message_detail == 'Token "żółw" is invalid.'
    with pytest.raises(psycopg.errors.InvalidTextRepresentation) as raised:
        client.execute("SELECT name::int FROM small.kinds WHERE id = 2")
    assert raised.value.diag.message_primary == 'invalid input syntax for type integer: ""'


@pytest.mark.parametrize(
    "expression",
    [
        "pg_sleep(1)",
        "pg_read_file('/etc/passwd')",
        "current_setting('data_directory')",
        "set_config('work_mem', '1GB', false)",
        "pg_advisory_lock(n)",
        "pg_ls_dir('.')",
        "lo_import('/etc/passwd')",
        "query_to_xml('select 1', true, true, '')",
        "pg_terminate_backend(n::int)",
        "txid_current()",
        "inet_server_addr()",
        "jsonb_build_array(pg_postmaster_start_time())",
        "pg_get_userbyid(n::int)",
        "current_setting(n::text)",
        "'pg_authid'::regclass::oid::int",
        "n::int::regrole::text",
        '"pg_catalog"."pg_sleep"(1)',
        "pg_catalog.pg_read_file('x')",
        "to_json((SELECT rolpassword FROM pg_authid LIMIT 1))",
        "nextval('x')",
        "dblink('host=/tmp', 'select 1')",
        "pg_logical_emit_message(true, 'a', 'b')",
        "xpath('/x', '<x/>'::xml)",
        "postgres_text_0('SELECT 1')",
        "convert_from(pg_read_binary_file('x'), 'UTF8')",
    ],
)
def test_what_speaks_of_the_server_is_not_reached(client: psycopg.Connection, expression: str) -> None:
    with pytest.raises(psycopg.Error) as raised:
        client.execute(f"SELECT {expression}, n FROM small.numbers WHERE n = 1")
    assert raised.value.sqlstate in ("0A000", "42501", "42883", "42P01", "42704", "3F000"), raised.value


@pytest.mark.parametrize(
    "expression",
    [
        "pg_get_userbyid(10)",
        "jsonb_build_array(pg_backend_pid())",
        "to_jsonb(current_setting('port'))",
        "has_database_privilege('postgres', 'connect')",
        "current_setting('lakegate.no_such', true)",
    ],
)
def test_what_the_session_tells_is_its_own(client: psycopg.Connection, expression: str) -> None:
    """Not what the server of functions would tell, nor another role than that of the client."""
    alone = client.execute(f"SELECT {expression}").fetchone()
    assert client.execute(f"SELECT {expression} FROM small.numbers WHERE n = 1").fetchone() == alone


def test_the_role_may_nothing_but_evaluate(gateway: RunningGateway, lake: SampleLake) -> None:
    """Should a text ever come through: PostgreSQL refuses it by its own rights."""
    with psycopg.connect(lake.dsn(DATABASE), autocommit=True) as connection:
        connection.execute("SET SESSION AUTHORIZATION lakegate_functions")
        assert connection.execute("SELECT '{\"a\": 1}'::jsonb -> 'a'").fetchone() == (1,)
        for statement in (
            "SELECT pg_sleep(0)",
            "SELECT current_setting('port')",
            "SELECT pg_read_file('PG_VERSION')",
            "SELECT * FROM pg_class",
            "SELECT * FROM pg_roles",
            "SELECT * FROM pg_settings",
            "CREATE TABLE pg_catalog.t (a int)",
            "CREATE SCHEMA s",
            "CREATE TEMP TABLE t (a int)",
            "DO $$ BEGIN END $$",
            "SELECT pg_advisory_lock(1)",
            "SELECT lo_create(0)",
            "SELECT set_config('work_mem', '1GB', false)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("COPY (SELECT 1) TO PROGRAM 'true'")
        connection.execute("RESET SESSION AUTHORIZATION")


def _becomes_idle(owner: psycopg.Connection) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        row = owner.execute(_BUSY, (DATABASE,)).fetchone()
        if row == (0,):
            return True
        time.sleep(0.05)
    return False


def test_cancelling_ends_what_postgresql_does(client: psycopg.Connection, owner: psycopg.Connection) -> None:
    timer = threading.Timer(1.5, client.cancel_safe)
    timer.start()
    with pytest.raises(psycopg.errors.QueryCanceled):
        client.execute(_SLOW)
    timer.join()
    assert _becomes_idle(owner)


def test_a_timeout_ends_what_postgresql_does(client: psycopg.Connection, owner: psycopg.Connection) -> None:
    client.execute("SET statement_timeout TO '1s'")
    with pytest.raises(psycopg.errors.QueryCanceled):
        client.execute(_SLOW)
    client.execute("RESET statement_timeout")
    assert _becomes_idle(owner)


def test_a_lost_server_process_is_replaced(client: psycopg.Connection, owner: psycopg.Connection) -> None:
    query = "SELECT count(*) FROM small.numbers WHERE to_jsonb(n) @> '1'"
    assert client.execute(query).fetchone() == (1,)
    owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (DATABASE,))
    assert client.execute(query).fetchone() == (1,)


def test_a_server_that_refuses_is_a_clean_error(client: psycopg.Connection, owner: psycopg.Connection) -> None:
    query = "SELECT count(*) FROM small.numbers WHERE to_jsonb(n) @> '2'"
    assert client.execute(query).fetchone() == (1,)
    owner.execute(f"ALTER ROLE {DATABASE} NOLOGIN")
    try:
        owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (DATABASE,))
        with pytest.raises(psycopg.Error) as raised:
            client.execute(query)
        assert raised.value.sqlstate == "08006"
        assert raised.value.diag.message_primary == "the server that evaluates functions cannot be reached"
    finally:
        owner.execute(f"ALTER ROLE {DATABASE} LOGIN")
    assert client.execute(query).fetchone() == (1,)


@pytest.fixture
def bob(gateway: RunningGateway, client: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """A client from whom the first row of ``small.kinds``, the one whose name is no JSON, is hidden."""
    setup = (
        f"GRANT USAGE ON SCHEMA small TO {BOB}",
        f"GRANT SELECT ON small.kinds TO {BOB}",
        "ALTER TABLE small.kinds ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY not_the_first ON small.kinds TO {BOB} USING (id > 1)",
    )
    for statement in setup:
        client.execute(statement.encode())
    try:
        with gateway.connect(BOB) as connection:
            yield connection
    finally:
        client.execute("DROP POLICY not_the_first ON small.kinds")
        client.execute("ALTER TABLE small.kinds DISABLE ROW LEVEL SECURITY")
        client.execute(f"REVOKE SELECT ON small.kinds FROM {BOB}".encode())
        client.execute(f"REVOKE USAGE ON SCHEMA small FROM {BOB}".encode())


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT count(*) FROM small.kinds WHERE nullif(name, '')::jsonb IS NULL", [(2,)]),
        ("SELECT id FROM small.kinds WHERE nullif(name, '')::jsonb = '{}'", []),
        ("SELECT max(nullif(name, '')::json ->> 'a') FROM small.kinds", [(None,)]),
        ("SELECT a.id FROM small.kinds a JOIN small.kinds b ON nullif(a.name, '')::json ->> 'a' = b.name", []),
        ("SELECT id FROM small.kinds WHERE id > 0 AND nullif(name, '')::int > 0", []),
        ("SELECT count(*) FROM (SELECT nullif(name, '')::json -> 'a' AS x FROM small.kinds) d WHERE x IS NOT NULL",
         [(0,)]),
        ("SELECT id, nullif(name, '')::json ->> 'a' || price || day FROM small.kinds",
         [(2, None), (3, None)]),
        ("SELECT id FROM small.kinds ORDER BY (nullif(name, '')::json ->> 'a') || price || day, id", [(2,), (3,)]),
        ("SELECT id FROM small.kinds WHERE jsonb_array_length(coalesce(pair -> 'b', '[]')) > 1", []),
    ],
)  # fmt: skip
def test_rows_that_a_policy_hides_raise_nothing(
    bob: psycopg.Connection, client: psycopg.Connection, query: str, rows: list[tuple[object, ...]]
) -> None:
    assert bob.execute(query.encode()).fetchall() == rows
    if "jsonb_array_length" not in query:
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            client.execute(query.encode())


def test_a_policy_is_not_evaluated_there(client: psycopg.Connection) -> None:
    for condition in (
        "name::json ->> 'a' IS NULL",
        "regexp_count(name, 'x*') > 0",
        "regexp_replace(name, 'x*', '-', 'g') <> ''",
    ):
        with pytest.raises(psycopg.errors.FeatureNotSupported, match='policy "by_name" for table "kinds"'):
            client.execute(f"CREATE POLICY by_name ON small.kinds TO {BOB} USING ({condition})".encode())


def test_a_policy_of_a_view_is_not_evaluated_there(bob: psycopg.Connection, client: psycopg.Connection) -> None:
    for statement in (
        "CREATE VIEW public.of_kinds AS SELECT id, name FROM small.kinds",
        "ALTER VIEW public.of_kinds ENABLE ROW LEVEL SECURITY",
        f"GRANT SELECT ON public.of_kinds TO {BOB}",
    ):
        client.execute(statement.encode())
    try:
        for condition in ("name::json ->> 'a' IS NULL", "regexp_count(name, 'x*') > 0"):
            with pytest.raises(psycopg.errors.FeatureNotSupported, match='policy "by_name" for table "of_kinds"'):
                client.execute(f"CREATE POLICY by_name ON public.of_kinds USING ({condition})".encode())
        client.execute("CREATE POLICY by_name ON public.of_kinds USING (id < 3)")
        assert bob.execute("SELECT regexp_count(name, 'x*') >= 0 FROM public.of_kinds").fetchall() == [(True,), (True,)]
    finally:
        client.execute("DROP VIEW public.of_kinds")
