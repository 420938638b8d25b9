"""SIGTERM: no new clients, running statements get their time, then everybody is told and the exit code is 0."""

from __future__ import annotations

import signal
import threading
import time

import psycopg
import pytest

from tests.gateway import RunningGateway, SampleLake, Settings, serving

SOURCES = ("small", "origin")


def settings(lake: SampleLake, grace: str, database: str) -> Settings:
    sources = {name: lake.sources[name] for name in SOURCES}
    return Settings(server={"shutdown_grace": grace}, sources=sources, database=database)


def in_background(connection: psycopg.Connection, query: str) -> tuple[threading.Thread, list[object]]:
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(connection.execute(query).fetchone())
        except psycopg.Error as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.3)
    return thread, outcome


def refuses(gateway: RunningGateway) -> bool:
    try:
        gateway.connect().close()
    except psycopg.OperationalError:
        return True
    return False


def test_running_statements_get_their_grace(lake: SampleLake) -> None:
    with serving(lake, settings(lake, "3s", "graceful"), exit_code=None) as gateway:
        idle = gateway.connect()
        short = [
            in_background(gateway.connect(), "select 'slept' from pg_sleep(1.2)"),
            in_background(gateway.connect(), "select count(*) from origin.second"),
        ]
        endless = [
            in_background(gateway.connect(), "select pg_sleep(60)"),
            in_background(gateway.connect(), "select count(*) from origin.slow"),
        ]
        started = time.monotonic()
        gateway.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        assert refuses(gateway)
        with pytest.raises(psycopg.errors.AdminShutdown):
            idle.execute("select 1")
        for thread, _ in short:
            thread.join(10)
        assert [outcome for _, (outcome,) in short] == [("slept",), (100,)]
        assert gateway.process.wait(10) == 0
        assert 3 <= time.monotonic() - started < 6
        for thread, (outcome,) in endless:
            thread.join(5)
            assert isinstance(outcome, psycopg.errors.AdminShutdown)
        assert "Traceback" not in gateway.log.read_text(encoding="utf-8")
    with lake.server.connect() as connection:
        query = "select query from pg_stat_activity where state = 'active' and query ~ 'slow|pg_sleep.60'"
        assert connection.execute(query + " and pid <> pg_backend_pid()").fetchall() == []


def test_a_second_signal_ends_running_statements_at_once(lake: SampleLake) -> None:
    with serving(lake, settings(lake, "60s", "impatient"), exit_code=None) as gateway:
        thread, outcome = in_background(gateway.connect(), "select pg_sleep(60)")
        gateway.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert gateway.process.poll() is None
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(10) == 0
        thread.join(5)
        assert isinstance(outcome[0], psycopg.errors.AdminShutdown)
