"""Alerts: one in a window for each user, or address, of whom much is denied."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psycopg

from gateway.audit.bursts import Burst, Bursts
from gateway.audit.ocsf import ocsf_event
from tests.audit.reading import audited
from tests.audit.test_export import check
from tests.gateway import BOB, EVE, SampleLake


def test_a_burst_is_told_once_in_a_window() -> None:
    now = 0.0
    bursts = Bursts(3, 60.0, clock=lambda: now)
    told = []
    for step in range(20):
        now = step * 10.0
        told.append(bursts.add("denied", "bob"))
    at = [step for step, one in enumerate(told) if one is not None]
    assert at == [2, 8, 14]
    assert told[8] == Burst("denied", "bob", 3, 20.0)
    assert bursts.add("denied", "eve") is None
    assert bursts.add("failed logins", "bob") is None


def test_what_is_slow_is_no_burst_and_zero_tells_nothing() -> None:
    now = 0.0
    slow = Bursts(3, 60.0, clock=lambda: now)
    for step in range(20):
        now = step * 31.0
        assert slow.add("denied", "bob") is None
    silent = Bursts(0, 60.0)
    assert [silent.add("denied", "bob") for _ in range(9)] == [None] * 9
    assert len(silent) == 0


def test_names_that_clients_make_up_do_not_fill_the_memory() -> None:
    bursts = Bursts(2, 60.0)
    for number in range(10_000):
        bursts.add("failed logins", f"{number}{'x' * 1000}")
    assert len(bursts) == 4096


def test_a_gateway_tells_of_bursts(lake: SampleLake, tmp_path: Path) -> None:
    with audited(lake, tmp_path / "audit", "bursts", alert_denied=3, alert_window="60s") as one:
        with one.gateway.connect(BOB) as bob:
            for _ in range(5):
                with suppress(psycopg.Error):
                    bob.execute("SELECT n FROM small.numbers WHERE n = 4711")
            bob.execute("SELECT 1")
        for _ in range(4):
            with suppress(psycopg.Error):
                one.gateway.connect(EVE, password="wrong")
        one.wait_for(lambda entry: entry["event"] == "alert" and "address" in entry["detail"]["what"])
        alerts = [entry for entry in one.entries() if entry["event"] == "alert"]
        told = [entry["detail"] for entry in alerts]
        assert [(one["what"], one["subject"], one["count"]) for one in told] == [
            ("denied statements of a user", BOB, 3),
            ("failed logins of a user", EVE, 3),
            ("failed logins from an address", "127.0.0.1", 3),
        ]
        assert {entry["class"] for entry in alerts} == {"denied"}
        assert "4711" not in str(alerts)
        for entry in alerts:
            event = ocsf_event(entry)
            assert event is not None
            check(event)
            assert (event["class_uid"], event["severity_id"]) == (2004, 4)
        logged = one.gateway.records("much is denied")
        assert [record["subject"] for record in logged] == [BOB, EVE, "127.0.0.1"]
