"""Metrics over real HTTP, of a real gateway."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.gateway_process import free_port
from gateway.configuration.config import Address, Server
from gateway.counts import BOUNDS, CountedCache, StatementCounts
from tests.gateway import ADA, BOB, EVE, RunningGateway, SampleLake, Settings, serving

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
_DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


def ask(port: int, path: str = "/metrics", accept: str = "") -> tuple[int, str, str]:
    """Return the status, the content type and the text of an answer."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def samples(text: str) -> Samples:
    """Return all values by name and labels."""
    families = text_string_to_metric_families(text)
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for each in families for one in each.samples}


def value(found: Samples, name: str, **labels: str) -> float:
    return found.get((name, tuple(sorted(labels.items()))), 0.0)


@pytest.fixture(scope="module", params=["journal", "off"])
def own(request: pytest.FixtureRequest, lake: SampleLake) -> Iterator[tuple[RunningGateway, int]]:
    """A gateway with metrics, with an audit and without one, and its HTTP port."""
    port = free_port()
    settings = Settings(
        server={"refresh_interval": "0", "http_listen": f"127.0.0.1:{port}"},
        engine={"workers": 0, "hot_columns_memory": "16MB", "result_cache_memory": "16MB"},
        audit={"mode": request.param},
    )
    with serving(lake, settings) as running:
        yield running, port


def settled(port: int, name: str, expected: float, before: Samples, **labels: str) -> Samples:
    """Return metrics as soon as one has grown by so much: what a client has received may be counted a moment later."""
    deadline = time.monotonic() + 10
    while True:
        found = samples(ask(port)[2])
        grown = value(found, name, **labels) - value(before, name, **labels)
        if grown == expected:
            return found
        assert time.monotonic() < deadline, f"{name} {labels} has grown by {grown}, not by {expected}"
        time.sleep(0.05)


def test_statements_are_counted_by_lane_and_outcome(own: tuple[RunningGateway, int]) -> None:
    running, port = own
    before = samples(ask(port)[2])
    with running.connect(ADA) as connection:
        for _ in range(3):
            connection.execute("SELECT n FROM small.numbers WHERE n <= 5").fetchall()
        connection.execute("SELECT * FROM crm.nation").fetchall()
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("SELECT 1 / (n - n) FROM small.numbers").fetchall()
    with running.connect(EVE) as connection, pytest.raises(psycopg.Error):
        connection.execute("SELECT * FROM crm.nation")
    ended = "lakegate_statements_total"
    after = settled(port, ended, 2, before, lane="engine", outcome="completed")
    assert (
        value(after, ended, lane="cache", outcome="completed") - value(before, ended, lane="cache", outcome="completed")
        == 1
    )
    assert value(after, ended, lane="source", outcome="completed") > value(
        before, ended, lane="source", outcome="completed"
    )
    assert (
        value(after, ended, lane="engine", outcome="failed") - value(before, ended, lane="engine", outcome="failed")
        == 1
    )
    rows = value(after, "lakegate_sent_rows_total", lane="engine") - value(
        before, "lakegate_sent_rows_total", lane="engine"
    )
    assert rows == 10
    assert value(after, "lakegate_sent_bytes_total", lane="source") > 1000
    took = "lakegate_statement_duration_seconds"
    assert value(after, f"{took}_count", lane="engine") - value(before, f"{took}_count", lane="engine") == 3
    assert value(after, f"{took}_bucket", lane="engine", le="+Inf") == value(after, f"{took}_count", lane="engine")
    assert 0 < value(after, f"{took}_sum", lane="engine") < 100
    assert value(after, "lakegate_cache_hits_total", cache="results") >= 1
    assert value(after, "lakegate_cache_bytes", cache="results") > 0
    assert value(after, "lakegate_cache_hits_total", cache="plans") >= 2
    assert value(after, "lakegate_cache_misses_total", cache="plans") >= 3


def test_sessions_are_counted_by_what_they_do(own: tuple[RunningGateway, int]) -> None:
    running, port = own
    with running.connect(BOB) as idle, running.connect(BOB) as block:
        idle.execute("SELECT 1")
        block.execute("BEGIN")
        now = samples(ask(port)[2])
        assert value(now, "lakegate_sessions", state="idle") >= 1
        assert value(now, "lakegate_sessions", state="idle in transaction") == 1
        block.execute("ROLLBACK")
    assert value(now, "lakegate_sessions_limit") == 1000


def test_sources_the_engine_the_audit_and_the_process_are_told(own: tuple[RunningGateway, int]) -> None:
    now = samples(ask(own[1])[2])
    for source in ("sales", "supply", "crm", "small", "origin"):
        assert value(now, "lakegate_source_up", source=source) == 1
    assert value(now, "lakegate_engine_memory_limit_bytes") == 512 << 20
    assert ("lakegate_engine_waiting", (("kind", "streams"),)) in now
    assert value(now, "lakegate_audit_store_failing_seconds") == 0
    assert ("lakegate_audit_waiting_entries", ()) in now
    assert value(now, "process_resident_memory_bytes") > 50 << 20


def test_nothing_that_a_user_has_chosen_is_told(own: tuple[RunningGateway, int]) -> None:
    running, port = own
    with running.connect(BOB, application_name="hunter2") as connection:
        connection.execute("SELECT count(*) AS hunter2 FROM sales.orders WHERE o_comment = 'hunter2'").fetchall()
        text = ask(port)[2]
    for word in ("hunter2", ADA, BOB, EVE, "orders", "numbers", running.database + '"'):
        assert word not in re.sub(r"^#.*$", "", text, flags=re.MULTILINE), word


def test_openmetrics_is_told_to_who_asks_for_it(own: tuple[RunningGateway, int]) -> None:
    status, content_type, text = ask(own[1], accept="application/openmetrics-text; version=1.0.0")
    assert status == 200
    assert content_type.startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")
    assert ask(own[1])[1].startswith("text/plain")


def test_each_metric_is_documented(own: tuple[RunningGateway, int]) -> None:
    lines = re.findall(r"^# TYPE (lakegate_\w+)", ask(own[1])[2], flags=re.MULTILINE)
    told = {name.removesuffix("_total") for name in lines}
    documented = set(re.findall(r"`(lakegate_\w+)`", _DOCUMENT.read_text(encoding="utf-8")))
    assert told == documented


def test_where_others_reach_the_port_metrics_have_to_be_asked_for() -> None:
    everywhere, here = Address("0.0.0.0", 8433), Address("127.0.0.1", 8433)
    told = [
        Server(http_listen=address, metrics=metrics).tells_metrics
        for address in (here, everywhere)
        for metrics in (None, True, False)
    ]
    assert told == [True, True, False, False, True, False]
    assert not Server(http_listen=None, metrics=True).tells_metrics


def test_metrics_may_be_turned_off(lake: SampleLake) -> None:
    port = free_port()
    server = {"refresh_interval": "0", "http_listen": f"127.0.0.1:{port}", "metrics": False}
    with serving(lake, Settings(server=server)):
        assert ask(port)[0] == 404
        assert ask(port, "/health/live")[0] == 200


def test_durations_are_counted_where_they_belong() -> None:
    counts = StatementCounts()
    for seconds in (0.0, 0.001, 0.0011, 1e9):
        counts.note("engine", "completed", seconds, 1, 10)
    lane = counts.lanes["engine"]
    assert lane.within[:2] == [2, 1]
    assert lane.within[len(BOUNDS)] == 1
    assert (sum(lane.within), lane.rows, lane.bytes) == (4, 4, 40)


def test_what_makes_room_is_counted() -> None:
    cache: CountedCache[int, str] = CountedCache(2)
    for key in range(5):
        cache[key] = "x"
    assert (len(cache), cache.counts.evicted) == (2, 3)
