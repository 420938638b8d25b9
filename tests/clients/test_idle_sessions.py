"""Sessions that give up their process in the mirror while they are idle, and go on as if they had not."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest

from tests.gateway import ADA, BOB, RunningGateway, SampleLake, Settings, serving

SET = "select name, setting from pg_settings where source in ('session', 'client') order by name"


@pytest.fixture(scope="module")
def restless(lake: SampleLake) -> Iterator[RunningGateway]:
    """A gateway whose sessions are idle after a fifth of a second."""
    with serving(lake, Settings(server={"idle_process_timeout": "200ms"}, database="restless")) as running:
        yield running


@pytest.fixture
def owner(lake: SampleLake) -> Iterator[psycopg.Connection]:
    """The owner of the metadata server, in another database than the mirror."""
    with lake.server.connect(autocommit=True) as connection:
        yield connection


def processes(owner: psycopg.Connection, application: str) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'restless' AND application_name = %s"
    row = owner.execute(query, (application,)).fetchone()
    assert row is not None
    return int(row[0])


def park(owner: psycopg.Connection, application: str) -> None:
    deadline = time.monotonic() + 15
    while processes(owner, application):
        assert time.monotonic() < deadline, "the session has kept its process"
        time.sleep(0.05)


def value(connection: psycopg.Connection, query: str, *parameters: object) -> object:
    row = connection.execute(query.encode(), parameters or None).fetchone()
    assert row is not None
    return row[0]


def test_what_a_session_has_set_and_prepared(restless: RunningGateway, owner: psycopg.Connection) -> None:
    settings = {
        "timezone": "Asia/Tokyo",
        "datestyle": "German, DMY",
        "search_path": '"crm", "we""ird", public',
        "work_mem": "5MB",
        "statement_timeout": "77s",
        "extra_float_digits": "0",
        "default_transaction_read_only": "on",
    }
    with restless.connect(application_name="renamed", options="-c intervalstyle=iso_8601") as one:
        pid = one.info.backend_pid
        for name, setting in settings.items():
            one.execute(f"set {name} = {setting if name == 'search_path' else repr(setting)}".encode())
        one.execute("prepare by_text (int, text) as select $1 + 1, $2 || ';,''x'")
        one.prepare_threshold = 0
        query = "select %s::int + 1, n_name from nation order by 2 limit 1"
        relayed = "select %s::int * 2, current_setting('timezone')"
        for _ in range(2):
            assert one.execute(query, (1,)).fetchone() == (2, "ALGERIA")
            assert one.execute(relayed, (4,)).fetchone() == (8, "Asia/Tokyo")
        before: dict[str, str] = dict(
            one.execute("select name, setting from pg_settings where source in ('session', 'client')")
        )
        for _ in range(2):
            park(owner, "renamed")
            assert one.execute(query, (1,)).fetchone() == (2, "ALGERIA")
            assert one.execute(relayed, (4,)).fetchone() == (8, "Asia/Tokyo")
            assert one.execute("execute by_text (1, 'a')").fetchone() == (2, "a;,'x")
            after: dict[str, str] = dict(
                one.execute("select name, setting from pg_settings where source in ('session', 'client')")
            )
            assert after == before
            assert value(one, "select pg_backend_pid()") == pid == one.info.backend_pid
            assert one.info.parameter_status("TimeZone") == "Asia/Tokyo"
            assert value(one, "select interval '1 day'::text") == "P1D"


@pytest.mark.parametrize(
    ("keeps", "frees"),
    [
        ("create temp table mine as select 1 as n", "drop table mine"),
        ("listen news", "unlisten *"),
        ("set my.tenant = 'x'", "discard all"),
        ("select set_config('my.tenant', 'x', false)", "reset all"),
        ("declare c cursor with hold for select 1", "close c"),
        ("declare c cursor with hold for select n_name from crm.nation", "close c"),
        ("set role bob", "reset role"),
        ("set idle_session_timeout = '1h'", "reset idle_session_timeout"),
        ("begin", "rollback"),
    ],
)
def test_what_lives_in_the_process_keeps_it(
    restless: RunningGateway, owner: psycopg.Connection, keeps: str, frees: str
) -> None:
    with restless.connect(application_name="keeper") as one:
        one.execute(keeps.encode())
        time.sleep(0.8)
        assert processes(owner, "keeper") == 1
        one.execute(frees.encode())
        park(owner, "keeper")
        assert value(one, "select 1") == 1


def test_others_see_and_signal_it(restless: RunningGateway, owner: psycopg.Connection) -> None:
    with restless.connect(BOB, application_name="sleeper") as one, restless.connect() as ada:
        one.execute("select 42")
        pid = one.info.backend_pid
        park(owner, "sleeper")
        query = "select usename, application_name, state, query from pg_stat_activity where pid = %s"
        assert ada.execute(query, (pid,)).fetchone() == (BOB, "sleeper", "idle", "select 42")
        one.cancel_safe()
        assert ada.execute("select pg_cancel_backend(%s)", (pid,)).fetchone() == (True,)
        assert one.execute("select count(*) from pg_stat_activity where pid = pg_backend_pid()").fetchone() == (1,)
        park(owner, "sleeper")
        assert ada.execute("select pg_terminate_backend(%s, 5000)", (pid,)).fetchone() == (True,)
        with pytest.raises(psycopg.errors.AdminShutdown):
            one.execute("select 1")


def test_statements_that_come_while_it_is_given_up(restless: RunningGateway) -> None:
    def work(seed: int) -> None:
        chance = random.Random(seed)
        with restless.connect(ADA, application_name=f"busy {seed}") as one:
            one.execute(f"set work_mem = '{seed + 1}MB'".encode())
            pid = one.info.backend_pid
            for number in range(12):
                time.sleep(chance.uniform(0.15, 0.35))
                with one.pipeline():
                    first = one.execute("select %s::int, current_setting('work_mem')", (number,))
                    second = one.execute("select count(*) + %s from crm.region", (number,))
                    third = one.execute("select pg_backend_pid()")
                    assert first.fetchone() == (number, f"{seed + 1}MB")
                    assert second.fetchone() == (number + 5,)
                    assert third.fetchone() == (pid,)
                assert value(one, "show work_mem") == f"{seed + 1}MB"

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(work, seed) for seed in range(4)]:
            done.result()


def test_idle_sessions_make_room(gateway: RunningGateway, lake: SampleLake, owner: psycopg.Connection) -> None:
    taken = "SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend'"
    free = value(owner, f"SELECT setting::int - ({taken}) FROM pg_settings WHERE name = 'max_connections'")
    assert isinstance(free, int)
    with ExitStack() as opened:
        for _ in range(free - 9):  # three are the superuser's own, and the gateway may need some
            opened.enter_context(lake.server.connect())
        clients = [opened.enter_context(gateway.connect(application_name="crowd")) for _ in range(12)]
        for number in (1, 2):
            for one in clients:
                assert value(one, f"select {number}, pg_backend_pid()") == number
        row = owner.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'crowd'").fetchone()
        assert row is not None and row[0] < 12
