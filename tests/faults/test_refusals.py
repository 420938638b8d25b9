"""Statements that are not served, wrong or too much: the right SQLSTATE, and a hint where one helps."""

from __future__ import annotations

import psycopg
import pytest

from catalog.store.rows import Grant
from catalog.store.store import open_store
from gateway.authentication.scram import verifier
from tests.faults.conftest import wait_until
from tests.gateway import BOB, EVE, PASSWORD, RunningGateway, SampleLake


@pytest.mark.parametrize(
    "statement",
    [
        "create table sales.t (n int)",
        "insert into small.numbers values (1)",
        "update small.numbers set n = 1",
        "delete from small.numbers",
        "truncate small.numbers",
        "drop table small.numbers",
        "copy small.numbers from stdin",
        "do $$ begin end $$",
        "call pg_catalog.nothing()",
        "lock table small.numbers",
        "vacuum",
        "load 'x'",
        "with gone as (delete from small.numbers returning n) select * from gone",
        "select n into copy_of_it from small.numbers",
        "select n from small.numbers for update",
    ],
)
def test_unsupported_statements(gateway: RunningGateway, statement: str) -> None:
    with gateway.connect() as connection:
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            connection.execute(statement)
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            connection.execute(statement, prepare=True)
        assert connection.execute("select count(*) from small.numbers").fetchone() == (10_000,)


@pytest.mark.parametrize(
    "statement",
    [
        "select pg_read_file('/etc/passwd')",
        "select * from pg_ls_dir('/')",
        "select lo_create(1)",
        "select pg_reload_conf()",
        "select rolpassword from pg_authid",
        "select set_config('role', 'lakegate', false)",
        "select dblink_connect('x')",
        "select query_to_xml('select * from small.numbers', true, true, '')",
        "select pg_advisory_lock(1)",
    ],
)
def test_dangerous_functions_of_the_mirror(gateway: RunningGateway, statement: str) -> None:
    with gateway.connect() as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute(statement)
    assert caught.value.sqlstate in ("42501", "42883", "55000", "22023", "0A000"), caught.value


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_parquet('/etc/passwd')",
        "select * from '/etc/passwd'",
        'select * from "/etc/passwd"',
        "select * from small.\"numbers/../../etc\"",
        "select * from information_schema.df_settings",
        "select * from datafusion.public.x",
        "select arrow_typeof(n) from small.numbers",
    ],
)  # fmt: skip
def test_the_engine_is_reached_by_names_of_the_lake_alone(gateway: RunningGateway, statement: str) -> None:
    with gateway.connect() as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute(statement)
    assert caught.value.sqlstate in ("42P01", "42883", "42601", "0A000")


def test_did_you_mean_among_what_the_role_may_see(gateway: RunningGateway) -> None:
    def told(user: str, table: str) -> tuple[str, str | None, str | None]:
        with gateway.connect(user) as connection, pytest.raises(psycopg.errors.UndefinedTable) as caught:
            connection.execute(f"select * from {table}")
        diag = caught.value.diag
        return str(diag.message_primary), diag.message_hint, diag.statement_position

    assert told("ada", "sales.lineitems") == (
        'relation "sales.lineitems" does not exist',
        'Perhaps you meant "sales.lineitem".',
        "15",
    )
    assert told("ada", "costumer")[1] == 'Perhaps you meant "crm.customer".'
    assert told(BOB, "sales.lineitems")[1] is None
    assert told(BOB, "sales.order")[1] == 'Perhaps you meant "sales.orders".'
    assert told(EVE, "crm.customers")[1] is None
    # What a role may not read and what does not exist are told alike.
    assert told(EVE, "crm.customer") == ('relation "crm.customer" does not exist', None, "15")


@pytest.mark.parametrize(
    "statement",
    [
        "selec 1",
        "select 1 +",
        "select * frm small.numbers",
        "select n from small.numbers where",
        "select n,, n from small.numbers",
        "select 'ö' frm small.numbers frm",
        "select 'abc",
        "select (n from small.numbers",
        "explain selec n from small.numbers",
        "explain select n from small.numbers where (",
        "set timezone",
        "nonsense",
        ") select 1",
    ],
)
@pytest.mark.parametrize("prepare", [False, True])
def test_syntax_errors_are_postgresqls_own(
    gateway: RunningGateway, lake: SampleLake, statement: str, prepare: bool
) -> None:
    told = []
    for dsn in (gateway.dsn(), lake.reference_dsn):
        with psycopg.connect(dsn) as connection, pytest.raises(psycopg.errors.SyntaxError) as caught:
            connection.execute(statement, prepare=prepare)
        told.append((caught.value.diag.message_primary, caught.value.diag.statement_position))
    assert told[0] == told[1]


@pytest.mark.parametrize(
    "statement",
    [
        "select n from small.numbers where " + " or ".join(["n = 1"] * 20_000),
        "select n from small.numbers where n = " + "(" * 2_000 + "1" + ")" * 2_000,
        "select " + " + ".join(["n"] * 20_000) + " from small.numbers",
        "select " + "case when n = 1 then " * 1_000 + "1" + " end" * 1_000 + " from small.numbers",
        "select '" + "x" * (2 << 20) + "', n from small.numbers",
        "select n from small.numbers where n in (" + ", ".join(map(str, range(60_000))) + ")",
        " union all ".join(["select n from small.numbers"] * 2_000),
    ],
    ids=["or", "parentheses", "sum", "case", "bytes", "list", "union"],
)
def test_too_complex_statements(gateway: RunningGateway, bystander: psycopg.Connection, statement: str) -> None:
    with gateway.connect() as connection:
        with pytest.raises((psycopg.errors.StatementTooComplex, psycopg.errors.FeatureNotSupported)) as caught:
            connection.execute(statement)
        assert caught.value.sqlstate == "54001"
        assert connection.execute("select n from small.numbers where n = 1").fetchone() == (1,)


def test_a_role_without_grants_reads_nothing(gateway: RunningGateway) -> None:
    with gateway.connect(EVE) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        listed = connection.execute("select table_name from information_schema.tables where table_schema = 'crm'")
        assert listed.fetchall() == []
        for query in ("select * from crm.region", "table sales.orders", "explain select * from small.numbers"):
            with pytest.raises(psycopg.errors.UndefinedTable):
                connection.execute(query)


def test_a_prepared_statement_does_not_outlive_its_grant(gateway: RunningGateway, lake: SampleLake) -> None:
    store = open_store(lake.server)
    query = "select count(*) from crm.region"
    try:
        with gateway.connect(EVE) as connection:
            store.grant(Grant(EVE, "crm", "region"))
            wait_until(lambda: may_read(connection, query), 2)
            assert connection.execute(query, prepare=True).fetchone() == (5,)
            store.revoke(Grant(EVE, "crm", "region"))
            wait_until(lambda: not may_read(connection, query), 2)
    finally:
        store.revoke(Grant(EVE, "crm", "region"))
        store.close()


def test_a_new_user_gets_in_and_a_removed_one_does_not(gateway: RunningGateway, lake: SampleLake) -> None:
    store = open_store(lake.server)
    try:
        store.add_role("newcomer", verifier=verifier(PASSWORD))
        wait_until(lambda: gets_in(gateway, "newcomer"), 2)
        store.remove_role("newcomer")
        wait_until(lambda: not gets_in(gateway, "newcomer"), 2)
    finally:
        store.close()


def may_read(connection: psycopg.Connection, query: str) -> bool:
    try:
        connection.execute(query, prepare=True)
    except psycopg.errors.UndefinedTable:
        return False
    return True


def gets_in(gateway: RunningGateway, user: str) -> bool:
    try:
        gateway.connect(user).close()
    except psycopg.OperationalError as error:
        assert "password authentication failed" in str(error)
        return False
    return True
