"""``pg_stat_activity`` shows the gateway's clients as they are, and signals reach what they run."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.gateway import ADA, BOB, EVE, RunningGateway

HIDDEN = "<insufficient privilege>"
FIELDS = "usename, application_name, client_addr::text, client_port, state, query, backend_type"
OF = f"SELECT {FIELDS} FROM pg_stat_activity WHERE pid = %s"
SLOW = "select count(*) from origin.slow"


@contextmanager
def running(connection: psycopg.Connection, query: str) -> Iterator[list[str]]:
    """Run a statement beside the block; what it failed with is in the list at the end."""
    failed: list[str] = []

    def run() -> None:
        try:
            connection.execute(query.encode())
        except psycopg.Error as error:
            failed.append(error.diag.sqlstate or str(error))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield failed
    finally:
        thread.join(20)
        assert not thread.is_alive()


def wait_until_active(asker: psycopg.Connection, pid: int) -> tuple[object, ...]:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        row = asker.execute(OF, (pid,)).fetchone()
        if row is not None and row[4] == "active":
            return row
        time.sleep(0.02)
    raise AssertionError(f"{pid} is not active")


def test_a_client_is_shown_as_he_is(gateway: RunningGateway) -> None:
    with gateway.connect(BOB, application_name="report") as bob, gateway.connect(BOB) as other:
        assert bob.execute("select count(*) from crm.region").fetchone() == (5,)
        row = other.execute(OF, (bob.info.backend_pid,)).fetchone()
        port = bob.pgconn.socket and _port(bob)
        text = "select count(*) from crm.region"
        assert row == (BOB, "report", "127.0.0.1/32", port, "idle", text, "client backend")
        bob.execute("begin")
        bob.execute("set application_name = 'renamed'")
        row = other.execute(OF, (bob.info.backend_pid,)).fetchone()
        assert row is not None and row[1] == "renamed" and row[4] == "idle in transaction"
        with pytest.raises(psycopg.errors.DivisionByZero):
            bob.execute("select 1 / 0")
        row = other.execute(OF, (bob.info.backend_pid,)).fetchone()
        assert row is not None and row[4:6] == ("idle in transaction (aborted)", "select 1 / 0")
        times = other.execute(
            "SELECT backend_start <= xact_start, xact_start <= query_start, query_start <= state_change, wait_event"
            " FROM pg_stat_activity WHERE pid = %s", (bob.info.backend_pid,)
        ).fetchone()  # fmt: skip
        assert times == (True, True, True, "ClientRead")


def _port(connection: psycopg.Connection) -> int:
    import socket

    with socket.socket(fileno=socket.dup(connection.pgconn.socket)) as duplicate:
        return int(duplicate.getsockname()[1])


def test_others_see_that_a_client_is_there_and_nothing_of_what_he_asks(gateway: RunningGateway) -> None:
    with gateway.connect(ADA) as ada, gateway.connect(BOB) as bob, gateway.connect(EVE) as eve:
        bob.execute("select 'a secret', count(*) from crm.region")
        pid = bob.info.backend_pid
        assert eve.execute(OF, (pid,)).fetchone() == (BOB, "", None, None, None, HIDDEN, None)
        told = eve.execute("select query ~ 'secret', query_id from pg_stat_activity where pid = %s", (pid,)).fetchone()
        assert told == (False, None)
        row = ada.execute(OF, (pid,)).fetchone()
        assert row is not None and row[4:6] == ("idle", "select 'a secret', count(*) from crm.region")


def test_passwords_are_not_shown(gateway: RunningGateway) -> None:
    with gateway.connect(ADA) as ada, gateway.connect(ADA) as other:
        with pytest.raises(psycopg.errors.UndefinedObject):
            ada.execute("alter role nobody password 'hunter2'")
        row = other.execute(OF, (ada.info.backend_pid,)).fetchone()
        assert row is not None and row[5] == "<a statement with a password>"


def test_the_gateways_own_connections_are_not_shown(gateway: RunningGateway) -> None:
    with gateway.connect(ADA) as ada:
        users = {name for (name,) in ada.execute("select distinct usename from pg_stat_activity").fetchall()}
    assert users <= {ADA, BOB, EVE}


def test_prepared_statements_see_what_runs_now(gateway: RunningGateway) -> None:
    with gateway.connect(BOB) as bob, gateway.connect(BOB) as other:
        query = "select query from pg_stat_activity where pid = %s"
        for number in range(7):
            bob.execute(f"select {number}".encode())
            assert other.execute(query, (bob.info.backend_pid,), prepare=True).fetchone() == (f"select {number}",)


@pytest.mark.parametrize("signal", ["cancel", "terminate"])
def test_signals_reach_what_the_engine_runs(gateway: RunningGateway, signal: str) -> None:
    with gateway.connect(ADA) as ada, gateway.connect(ADA) as victim:
        pid = victim.info.backend_pid
        with running(victim, SLOW) as failed:
            row = wait_until_active(ada, pid)
            assert row[5] == SLOW
            assert ada.execute(f"select pg_{signal}_backend(%s)".encode(), (pid,)).fetchone() == (True,)
        assert failed == ["57014" if signal == "cancel" else "57P01"]
        if signal == "cancel":
            assert victim.execute("select 1").fetchone() == (1,)


def test_an_idle_client_is_ended(gateway: RunningGateway) -> None:
    with gateway.connect(ADA) as ada, gateway.connect(BOB) as victim:
        pid = victim.info.backend_pid
        assert ada.execute("select pg_terminate_backend(%s, 5000)", (pid,)).fetchone() == (True,)
        assert ada.execute("select count(*) from pg_stat_activity where pid = %s", (pid,)).fetchone() == (0,)
        with pytest.raises(psycopg.errors.AdminShutdown):
            victim.execute("select 1")


def test_what_the_mirror_runs_is_cancelled(gateway: RunningGateway) -> None:
    with gateway.connect(BOB) as bob, gateway.connect(BOB) as victim:
        with running(victim, "select pg_sleep(30)") as failed:
            wait_until_active(bob, victim.info.backend_pid)
            bob.execute("select pg_cancel_backend(%s)", (victim.info.backend_pid,))
        assert failed == ["57014"]


@pytest.mark.parametrize("signal", ["cancel", "terminate"])
def test_signals_of_others_are_refused(gateway: RunningGateway, signal: str) -> None:
    with gateway.connect(ADA) as ada, gateway.connect(BOB) as bob, gateway.connect(EVE) as eve:
        for asker, victim in ((eve, bob), (bob, ada)):
            with pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
                asker.execute(f"select pg_{signal}_backend(%s)".encode(), (victim.info.backend_pid,))
            assert str(caught.value.diag.message_primary).startswith(f"permission denied to {signal}")
        for one in (ada, bob, eve):
            assert one.execute("select 1").fetchone() == (1,)


def test_processes_that_are_no_clients_are_not_there(gateway: RunningGateway) -> None:
    with gateway.connect(ADA) as ada:
        notices: list[str] = []
        ada.add_notice_handler(lambda one: notices.append(str(one.message_primary)))
        for pid in (1, 999_999):
            assert ada.execute("select pg_cancel_backend(%s), pg_terminate_backend(%s)", (pid, pid)).fetchone() == (
                False,
                False,
            )
        assert notices == [f"PID {pid} is not a PostgreSQL backend process" for pid in (1, 1, 999_999, 999_999)]


def test_ones_own_session(gateway: RunningGateway) -> None:
    with gateway.connect(BOB) as bob:
        with pytest.raises(psycopg.errors.QueryCanceled):
            bob.execute("select pg_cancel_backend(pg_backend_pid())")
        with pytest.raises(psycopg.errors.AdminShutdown):
            bob.execute("select pg_terminate_backend(pg_backend_pid())")
