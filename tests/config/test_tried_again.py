"""Failures of the gateway's own work in its log: a line where a server has failed, a trace where the gateway has."""

from __future__ import annotations

import psycopg
import pytest
import structlog
from structlog.testing import capture_logs

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.tried_again import log_failure
from tests.gateway import SampleLake


def logged(failure: Exception) -> dict[str, object]:
    with capture_logs() as records:
        log_failure(structlog.get_logger(), "not shown", failure)
    assert len(records) == 1
    return dict(records[0])


def test_a_lock_that_others_hold(lake: SampleLake) -> None:
    with lake.server.connect() as holder, lake.server.connect() as other:
        holder.execute("SELECT pg_advisory_xact_lock(5)")
        other.execute("SET lock_timeout = '10ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable) as caught:
            other.execute("SELECT pg_advisory_xact_lock(5)")
    told = logged(caught.value)
    assert (told["log_level"], told["sqlstate"]) == ("warning", "55P03")
    assert told["reason"] == "canceling statement due to lock timeout"


def test_a_row_that_another_has_changed(lake: SampleLake) -> None:
    with lake.server.connect() as connection, pytest.raises(psycopg.errors.InternalError_) as caught:
        connection.execute("DO $$ BEGIN RAISE 'tuple concurrently updated' USING ERRCODE = 'XX000'; END $$")
    assert logged(caught.value)["log_level"] == "warning"


def test_a_server_out_of_reach() -> None:
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect("host=127.0.0.1 port=1 connect_timeout=2")
    told = logged(caught.value)
    assert told["log_level"] == "warning"
    assert "port 1 failed" in str(told["reason"])


def test_an_error_of_the_lake() -> None:
    told = logged(SqlError(SqlState.LOCK_NOT_AVAILABLE, "another gateway is changing access"))
    assert (told["log_level"], told["reason"]) == ("warning", "another gateway is changing access")
    assert "exc_info" not in told


@pytest.mark.parametrize("failure", [KeyError("x"), psycopg.ProgrammingError("a statement of the gateway's own")])
def test_a_mistake_of_the_gateway(failure: Exception) -> None:
    told = logged(failure)
    assert (told["log_level"], told["exc_info"]) == ("error", failure)
