"""``lakegate.audit_log``: the audit asked in SQL, by whom it was granted to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from catalog.store.rows import Grant
from catalog.store.store import open_store
from tests.audit.reading import Audited
from tests.gateway import BOB, EVE, SampleLake

AUDITOR = "auditing_auditor"


@pytest.fixture(scope="module")
def auditor(watched: Audited, lake: SampleLake) -> Iterator[str]:
    from gateway.authentication.scram import verifier
    from tests.gateway import PASSWORD

    store = open_store(lake.server)
    store.add_role(AUDITOR, verifier(PASSWORD))
    store.grant(Grant(AUDITOR, "lakegate", "audit_log"))
    try:
        yield AUDITOR
    finally:
        store.remove_role(AUDITOR)
        store.close()


def connected(watched: Audited, user: str) -> psycopg.Connection:
    """Log in as soon as the gateway has heard of the role and of what is granted to it."""
    for _ in range(200):
        try:
            connection = watched.gateway.connect(user)
        except psycopg.OperationalError:
            continue
        if connection.execute("select has_table_privilege('lakegate.audit_log', 'select')").fetchone() == (True,):
            return connection
        connection.close()
    raise AssertionError(f"{user} cannot log in")


def test_an_auditor_finds_statements(watched: Audited, auditor: str) -> None:
    with watched.gateway.connect(BOB) as connection:
        connection.execute("select c_name, c_phone from crm.customer where c_custkey = 7")
    watched.outcome("select c_name, c_phone from crm.customer where c_custkey = ?")
    with connected(watched, auditor) as connection:
        found = connection.execute(
            "select user_name, lane, rows, sqlstate, columns"
            " from lakegate.audit_log where node = %s and phase = 'outcome' and 'crm.customer' = any (tables)"
            " and text like '%%c_phone from crm.customer%%'"
            " order by sequence desc limit 1",
            (str(watched.node),),
        ).fetchone()
        assert found is not None
        assert found[:4] == (BOB, "source", 1, "00000")
        assert json.loads(found[4]) == {"crm.customer": ["c_custkey", "c_name", "c_phone"]}
        counts = connection.execute("select class, count(*) from lakegate.audit_log group by class").fetchall()
        assert {row[0] for row in counts} >= {"login", "statement", "access"}


def test_an_auditor_finds_what_is_running(watched: Audited, auditor: str) -> None:
    running = watched.gateway.connect()
    with closing(running), connected(watched, auditor) as connection:
        running.pgconn.send_query(b"select count(*) as running from origin.slow")
        running.pgconn.flush()
        watched.wait_for(lambda entry: "as running" in entry.get("text", ""))
        found = connection.execute(
            "select text from lakegate.audit_log i where phase = 'intent' and node = %s and not exists"
            " (select 1 from lakegate.audit_log o where o.node = i.node and o.intent = i.sequence)",
            (str(watched.node),),
        ).fetchall()
    assert ("select count(*) as running from origin.slow",) in found


@pytest.mark.parametrize("user", [BOB, EVE])
def test_others_do_not_see_it(watched: Audited, user: str) -> None:
    with watched.gateway.connect(user) as connection:
        with pytest.raises(psycopg.Error) as refused:
            connection.execute("select * from lakegate.audit_log")
        assert refused.value.sqlstate in {"42P01", "42501"}


def test_what_an_auditor_asks_is_audited_too(watched: Audited, auditor: str) -> None:
    with connected(watched, auditor) as connection:
        connection.execute("select max(sequence) as asked from lakegate.audit_log")
    entry = watched.outcome("select max(sequence) as asked from lakegate.audit_log")
    assert (entry["user"], entry["tables"]) == (auditor, ["lakegate.audit_log"])


def test_the_rest_of_the_metadata_is_not_there(watched: Audited) -> None:
    with watched.gateway.connect() as connection:
        names = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
            " where table_schema like 'lakegate%' order by 1"
        ).fetchall()
        found = {name for (name,) in names}
        assert {"lakegate.audit_log", "lakegate.policy_history"} <= found
        assert not found & {
            f"lakegate.{name}" for name in ("roles", "grants", "api_keys", "audit_entries", "access_history")
        }
        for text in ("lakegate.roles", "lakegate_public.roles", "lakegate.audit_entries", "access_history"):
            with pytest.raises(psycopg.errors.UndefinedTable):
                connection.execute(f"select * from {text}".encode())


def test_the_role_that_reads_it_may_read_nothing_else(lake: SampleLake, watched: Audited) -> None:
    from catalog.store.audit_store import READER

    store = open_store(lake.server)
    password = store.require_secret("audit_reader").hex()
    store.close()
    parameters = lake.server.connection_parameters("lakegate", READER, password)
    with psycopg.connect(**parameters, autocommit=True) as connection:
        for view in ("audit_log", "policy_history"):
            found = connection.execute(f"select count(*) > 0 from lakegate.{view}".encode())
            assert found.fetchone() == (True,)
        for text in (
            "select * from roles",
            "select * from settings",
            "select * from audit_entries",
            "select * from access_history",
            "create table x ()",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(text.encode())
