"""Sessions without a process in the mirror: they are let in as PostgreSQL would, and nothing tells the difference."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from catalog.store.store import MIRROR_MARK
from tests.gateway import ADA, BOB, DATABASE, PASSWORD, RunningGateway, SampleLake, Settings, serving

EAGER = "-c lakegate_test.eager=1"  # a setting that is nobody's: no kept answer is good for it
REPORTED = (
    *("application_name", "client_encoding", "DateStyle", "default_transaction_read_only", "in_hot_standby"),
    *("integer_datetimes", "IntervalStyle", "is_superuser", "scram_iterations", "search_path", "server_encoding"),
    *("server_version", "session_authorization", "standard_conforming_strings", "TimeZone"),
)
ALTER = f"ALTER DATABASE {DATABASE}"
REFUSALS = {
    "NOLOGIN": ("ALTER ROLE timid NOLOGIN", "ALTER ROLE timid LOGIN"),
    "CONNECTION LIMIT": ("ALTER ROLE timid CONNECTION LIMIT 0", "ALTER ROLE timid CONNECTION LIMIT -1"),
    "VALID UNTIL": ("ALTER ROLE timid VALID UNTIL '2001-01-01'", "ALTER ROLE timid VALID UNTIL 'infinity'"),
    "database's limit": (f"{ALTER} CONNECTION LIMIT 0", f"{ALTER} CONNECTION LIMIT -1"),
    "no connections": (f"{ALTER} ALLOW_CONNECTIONS false", f"{ALTER} ALLOW_CONNECTIONS true"),
    "another password": ("ALTER ROLE timid PASSWORD 'other'", None),
    "a stranger": (
        f"DELETE FROM pg_shdescription WHERE objoid = 'timid'::regrole AND description = '{MIRROR_MARK}'",
        f"INSERT INTO pg_shdescription VALUES ('timid'::regrole, 'pg_shdescription'::regclass, '{MIRROR_MARK}')",
    ),
}  # fmt: skip


@pytest.fixture
def owner(lake: SampleLake) -> Iterator[psycopg.Connection]:
    """The owner of the metadata server, in another database than the mirror."""
    with lake.server.connect(autocommit=True) as connection:
        yield connection


@pytest.fixture
def timid(gateway: RunningGateway, owner: psycopg.Connection) -> Iterator[str]:
    """A role of the gateway that has nothing, and logged in before."""
    with gateway.connect() as ada:
        ada.execute(f"CREATE ROLE timid LOGIN PASSWORD '{PASSWORD}'")
        try:
            wait_until_settled(gateway, owner)
            yield "timid"
        finally:
            ada.execute("DROP ROLE timid")


def wait_until_settled(gateway: RunningGateway, owner: psycopg.Connection) -> None:
    """Wait until the role is there to stay: the gateway may be about to show what tests before have changed."""
    seen, deadline = 0, time.monotonic() + 45
    while seen < 5:
        assert time.monotonic() < deadline, "timid cannot log in"
        try:
            gateway.connect("timid").close()
        except psycopg.OperationalError:
            seen = 0
        else:
            row = owner.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'timid'").fetchone()
            seen = seen + 1 if row == (1,) else 0
        time.sleep(0.05)


def changed(owner: psycopg.Connection, statement: str) -> None:
    """Change a role or the database as soon as the gateway, which has just made the role, does not."""
    for _ in range(100):
        try:
            owner.execute(statement.encode())
        except psycopg.errors.InternalError_ as error:
            assert "concurrently updated" in str(error)
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"{statement}: updated all the time")


def processes(owner: psycopg.Connection, role: str) -> int:
    row = owner.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", (role,)).fetchone()
    assert row is not None
    return int(row[0])


def settled(owner: psycopg.Connection, role: str, wanted: int) -> None:
    deadline = time.monotonic() + 10
    while processes(owner, role) != wanted:
        assert time.monotonic() < deadline, f"{processes(owner, role)} processes of {role}"
        time.sleep(0.02)


def reported(connection: psycopg.Connection) -> dict[str, str | None]:
    return {name: connection.info.parameter_status(name) for name in REPORTED}


def test_a_login_makes_no_process(gateway: RunningGateway, timid: str, owner: psycopg.Connection) -> None:
    settled(owner, timid, 0)
    with gateway.connect(timid, options=EAGER) as eager, gateway.connect(timid) as late:
        assert processes(owner, timid) == 1
        assert reported(late) == reported(eager)
        pid = late.info.backend_pid
        assert late.execute("select pg_backend_pid(), current_user").fetchone() == (pid, timid)
        assert processes(owner, timid) == 2
        assert eager.execute("select pg_backend_pid()").fetchone() == (eager.info.backend_pid,)


def test_a_statement_of_the_engine_makes_none(gateway: RunningGateway, owner: psycopg.Connection) -> None:
    query = "select count(*) from small.numbers where n < 8"
    with gateway.connect(BOB), gateway.connect() as first:
        first.execute(query.encode())  # from now on its description is known
    settled(owner, ADA, 0)
    with gateway.connect() as late:
        assert late.execute(query.encode()).fetchone() == (7,)
        assert processes(owner, ADA) == 0


@pytest.mark.parametrize(("change", "undo"), REFUSALS.values(), ids=REFUSALS)
def test_who_is_refused_is_refused_as_before(
    gateway: RunningGateway, timid: str, owner: psycopg.Connection, change: str, undo: str | None
) -> None:
    changed(owner, change)
    try:
        told = []
        for options in (EAGER, ""):
            with pytest.raises(psycopg.OperationalError) as caught:
                gateway.connect(timid, options=options)
            told.append(str(caught.value).partition("FATAL:")[2])
        assert told[0] == told[1] != ""
    finally:
        if undo is not None:
            changed(owner, undo)
            gateway.connect(timid).close()


@pytest.mark.parametrize(
    "settings",
    [
        {"options": "-c timezone=Nowhere/Land"},
        {"options": "-c work_mem=x"},
        {"options": "-c no_such_setting=1"},
        {"options": "-c role=ada"},
        {"options": "--session_authorization=ada"},
        {"options": "-c session_preload_libraries=x"},
        {"client_encoding": "nothing"},
    ],
    ids=lambda one: next(iter(one.values())),
)
def test_settings_that_are_refused(gateway: RunningGateway, timid: str, settings: dict[str, str]) -> None:
    told = []
    for options in (EAGER, ""):
        with pytest.raises(psycopg.OperationalError) as caught:
            gateway.connect(timid, **{**settings, "options": f"{settings.get('options', '')} {options}"})
        told.append(str(caught.value).partition("FATAL:")[2])
    assert told[0] == told[1] != ""


def test_settings_of_the_role_count_at_once(gateway: RunningGateway, timid: str, owner: psycopg.Connection) -> None:
    changed(owner, "ALTER ROLE timid SET timezone = 'Asia/Tokyo'")
    changed(owner, f"ALTER ROLE timid IN DATABASE {DATABASE} SET work_mem = '3MB'")
    with gateway.connect(timid) as first, gateway.connect(timid, application_name="x%") as late:
        for one in (first, late):
            assert one.info.parameter_status("TimeZone") == "Asia/Tokyo"
            assert one.execute("show work_mem").fetchone() == ("3MB",)
        assert late.info.parameter_status("application_name") == "x%"
        assert late.execute("show application_name").fetchone() == ("x%",)
        changed(owner, "ALTER ROLE timid RESET ALL")
        with gateway.connect(timid) as after:
            assert after.info.parameter_status("TimeZone") == "UTC"


def test_options_are_kept_in_mind(gateway: RunningGateway, timid: str) -> None:
    for _ in range(2):
        with gateway.connect(timid, options="-c timezone=Asia/Tokyo -c search_path=crm") as one:
            assert one.info.parameter_status("TimeZone") == "Asia/Tokyo"
            assert one.execute("show search_path").fetchone() == ("crm",)
        with gateway.connect(timid, options="--search-path=sales") as one:
            assert one.info.parameter_status("search_path") == "sales"


def test_who_is_ended_when_he_is_idle_is_so_from_his_login_on(
    gateway: RunningGateway, timid: str, owner: psycopg.Connection
) -> None:
    changed(owner, f"ALTER ROLE timid IN DATABASE {DATABASE} SET idle_session_timeout = '100ms'")
    for _ in range(2):
        with pytest.raises(psycopg.OperationalError, match="idle-session timeout"), gateway.connect(timid) as one:
            time.sleep(0.5)
            one.execute("select 1")


def test_a_role_that_may_not_log_in_any_more_loses_a_session_that_was_never_opened(
    gateway: RunningGateway, timid: str, owner: psycopg.Connection
) -> None:
    with gateway.connect(timid) as late:
        changed(owner, "ALTER ROLE timid NOLOGIN")
        with pytest.raises(psycopg.OperationalError, match='role "timid" is not permitted to log in'):
            late.execute("select 1")
        changed(owner, "ALTER ROLE timid LOGIN")


def test_messages_that_ask_for_nothing(gateway: RunningGateway, timid: str, owner: psycopg.Connection) -> None:
    settled(owner, timid, 0)
    with gateway.connect(timid) as late:
        late.pgconn.enter_pipeline_mode()
        late.pgconn.pipeline_sync()
        while (result := late.pgconn.get_result()) is None:
            pass
        assert result.status == psycopg.pq.ExecStatus.PIPELINE_SYNC
        late.pgconn.exit_pipeline_mode()
        assert processes(owner, timid) == 0
        assert late.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


FIELDS = "usename, application_name, client_addr::text, state, query, backend_type"
OF = f"SELECT {FIELDS} FROM pg_stat_activity WHERE pid = %s"


def test_others_see_a_session_without_a_process(gateway: RunningGateway, timid: str, owner: psycopg.Connection) -> None:
    gateway.connect(timid, application_name="first of its kind").close()
    with (
        gateway.connect(timid, application_name="idler") as late,
        gateway.connect() as ada,
        gateway.connect(BOB) as bob,
    ):
        pid = late.info.backend_pid
        settled(owner, timid, 0)
        assert ada.execute(OF, (pid,)).fetchone() == (timid, "idler", "127.0.0.1/32", "idle", "", "client backend")
        assert bob.execute(OF, (pid,)).fetchone() == (timid, "idler", None, None, "<insufficient privilege>", None)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied to terminate"):
            bob.execute("select pg_terminate_backend(%s)", (pid,))
        assert ada.execute("select pg_cancel_backend(%s)", (pid,)).fetchone() == (True,)
        late.cancel_safe()
        assert late.execute("select 1").fetchone() == (1,)
        row = ada.execute(OF, (pid,)).fetchone()
        assert row is not None and row[:3] == (timid, "idler", "127.0.0.1/32")
        count = ada.execute("select count(*) from pg_stat_activity where usename = 'timid'").fetchone()
        assert count == (1,)


def test_a_session_without_a_process_is_ended(gateway: RunningGateway, timid: str) -> None:
    with gateway.connect(timid) as late, gateway.connect() as ada:
        pid = late.info.backend_pid
        assert ada.execute("select pg_terminate_backend(%s, 5000)", (pid,)).fetchone() == (True,)
        assert ada.execute(OF, (pid,)).fetchone() is None
        with pytest.raises(psycopg.errors.AdminShutdown):
            late.execute("select 1")


def test_a_cancel_that_comes_before_the_process(gateway: RunningGateway, timid: str) -> None:
    late = gateway.connect(timid)
    late.pgconn.send_query(b"select pg_sleep(20)")
    late.cancel_safe()
    started = time.monotonic()
    late.pgconn.consume_input()
    while late.pgconn.is_busy():
        assert time.monotonic() < started + 10
        late.pgconn.consume_input()
    result = late.pgconn.get_result()
    assert result is not None and result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"57014"
    late.close()


def test_numbers_are_told_wherever_processes_are(gateway: RunningGateway) -> None:
    with gateway.connect() as one, gateway.connect() as other:
        number, process = one.info.backend_pid, other.info.backend_pid
        one.execute("LISTEN news")
        other.execute("NOTIFY news, 'x'")
        one.execute("NOTIFY news, 'y'")
        told = [(note.pid, note.payload) for note in one.notifies(timeout=5, stop_after=2)]
        assert told == [(process, "x"), (number, "y")]
        one.execute("BEGIN")
        one.execute("CREATE TEMP TABLE mine (n int)")
        held = other.execute("select distinct pid from pg_locks where mode = 'AccessExclusiveLock'").fetchall()
        assert (number,) in held
        assert other.execute("select pg_blocking_pids(%s)", (number,)).fetchone() == ([],)
        row = other.execute("select ssl from pg_stat_ssl where pid = pg_backend_pid()").fetchone()
        assert row == (False,)


@contextmanager
def beside(lake: SampleLake) -> Iterator[RunningGateway]:
    with serving(lake, Settings()) as running:
        yield running


def test_sessions_of_another_gateway(gateway: RunningGateway, lake: SampleLake) -> None:
    with beside(lake) as other, other.connect(BOB), other.connect(BOB) as late, gateway.connect() as ada:
        pid = late.info.backend_pid
        deadline = time.monotonic() + 10
        while (row := ada.execute(OF, (pid,)).fetchone()) is None:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert row[0] == BOB
        assert late.execute("select pg_backend_pid()").fetchone() == (pid,)
        with other.connect(BOB) as idle:
            pid = idle.info.backend_pid
            while ada.execute(OF, (pid,)).fetchone() is None:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert ada.execute("select pg_terminate_backend(%s, 10000)", (pid,)).fetchone() == (True,)
            with pytest.raises(psycopg.errors.AdminShutdown):
                idle.execute("select 1")
