"""The audit as OCSF events, in files and at collectors."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from catalog.store.store import open_store
from gateway.audit import export as exports
from gateway.audit.export import ExportError, ExportOptions, export
from gateway.audit.ocsf import ocsf_event
from tests.audit.chains import Scene, entry
from tests.audit.reading import Audited
from tests.audit.receivers import http_collector, syslog_over_tcp, syslog_over_udp
from tests.audit.test_chain import tampering
from tests.cli.command import lakegate
from tests.gateway import SampleLake

# Of https://schema.ocsf.io, version 1.5.0: what an event of each class must have, and the enumerations used here.
REQUIRED = {"class_uid", "category_uid", "activity_id", "type_uid", "severity_id", "time", "metadata"}
OF_CLASS: dict[int, tuple[set[str], set[int]]] = {
    6005: (REQUIRED | {"actor", "src_endpoint", "database"}, {*range(11), 99}),
    3002: (REQUIRED | {"user", "service"}, {*range(8), 99}),
    6002: (REQUIRED | {"app"}, {*range(9), 99}),
    2004: (REQUIRED | {"finding_info"}, {*range(4), 99}),
}


def check(event: dict[str, Any]) -> None:
    """Check an event against the schema."""
    required, activities = OF_CLASS[event["class_uid"]]
    assert required <= set(event), event
    assert event["activity_id"] in activities
    assert event["category_uid"] == event["class_uid"] // 1000
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert event["severity_id"] in range(7)
    assert event["status_id"] in {0, 1, 2}
    assert isinstance(event["time"], int)
    assert event["metadata"]["version"] == "1.5.0"
    assert {"name", "vendor_name"} <= set(event["metadata"]["product"])
    if event["class_uid"] == 6005 and event["activity_id"] == 4:
        assert event["query_info"]["query_string"] is not None
        assert event["database"]["type_id"] == 1
        assert event["actor"]["user"]["name"]
        assert event["src_endpoint"]["ip"] == "127.0.0.1"


@pytest.fixture
def scene(lake: SampleLake, tmp_path: Path) -> Any:
    open_store(lake.server, "audit_export").close()
    scene = Scene(lake.server, "audit_export", tmp_path / "journal")
    yield scene
    with tampering(lake, scene.database) as connection:
        connection.execute("DELETE FROM audit_entries")
        connection.execute("DELETE FROM audit_heads")


def run(scene: Scene, to: str, state: Path | None = None, form: str = "json") -> int:
    return export(scene.server, ExportOptions(form, to, state), database=scene.database)


def test_events_of_a_gateway_are_ocsf(watched: Audited) -> None:
    with watched.gateway.connect(application_name="bi tool") as connection:
        connection.execute("select n as exported from small.numbers where n < 3")
    found = watched.outcome("select n as exported from small.numbers where n < ?")
    watched.wait_for(lambda one: one["event"] == "logout" and one["connection"] == found["connection"])
    events = [event for one in watched.entries() if (event := ocsf_event(one)) is not None]
    for event in events:
        check(event)
    assert {event["class_uid"] for event in events} - {2004} == {6005, 3002, 6002}
    (event,) = [one for one in events if "as exported" in one.get("query_info", {}).get("query_string", "")]
    assert event["metadata"]["correlation_uid"] == found["statement"]
    assert event["table"] == {"name": "small.numbers", "uid": "3"}
    assert event["actor"]["app_name"] == "bi tool"
    assert event["unmapped"]["rows"] == 2


def test_an_export_goes_on_where_it_ended(scene: Scene, tmp_path: Path) -> None:
    out, state = tmp_path / "out", tmp_path / "state"
    scene.write(3)
    assert run(scene, str(out), state) == 5
    assert run(scene, str(out), state) == 0
    scene.write(2)
    assert run(scene, str(out), state) == 4
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["sequence"] for line in lines] == [*range(1, 10)]
    assert out.stat().st_mode & 0o077 == 0


def test_syslog_messages_are_those_of_rfc_5424(scene: Scene) -> None:
    with scene.audit() as audit:
        audit.note(entry("two\nlines \x1b[31m"))
    pattern = re.compile(rb"<(\d+)>1 (\S+) (\S+) lakegate - audit - (\{.*\})")
    for serve, scheme in ((syslog_over_tcp, "syslog"), (syslog_over_udp, "syslog+udp")):
        with serve() as (port, received):
            assert run(scene, f"{scheme}://127.0.0.1:{port}") == 3
            deadline = time.monotonic() + 5
            while len(received) < 3 and time.monotonic() < deadline:
                time.sleep(0.01)
        assert len(received) == 3
        for number, message in enumerate(received, 1):
            match = pattern.fullmatch(message)
            assert match is not None, message
            assert int(match[1]) // 8 == 13
            assert match[2].startswith(b"2026-03-10T12:00:00.000Z")
            assert json.loads(match[4])["sequence"] == number
            assert not set(message) & set(range(32))


def test_a_collector_that_fails_is_sent_the_same_again(scene: Scene, tmp_path: Path) -> None:
    state = tmp_path / "state"
    scene.write(1200)
    with http_collector(failing={1}) as (port, taken):
        url = f"http://127.0.0.1:{port}/ingest"
        with pytest.raises(ExportError, match="answered 503"):
            run(scene, url, state)
        run(scene, url, state)
    sequences = [json.loads(line)["sequence"] for body in taken for line in body.splitlines()]
    assert sequences == [*range(1, 1203)]


def test_following_sends_what_comes(scene: Scene) -> None:
    stop = threading.Event()
    scene.write(1)
    with http_collector() as (port, taken):
        options = ExportOptions("json", f"http://127.0.0.1:{port}", None, follow=True)
        thread = threading.Thread(target=export, args=(scene.server, options, stop.is_set, scene.database))
        thread.start()
        scene.write(1)
        deadline = time.monotonic() + 5
        while sum(body.count(b"\n") for body in taken) < 6 and time.monotonic() < deadline:
            time.sleep(0.02)
        stop.set()
        thread.join()
    assert [json.loads(line)["sequence"] for body in taken for line in body.splitlines()] == [*range(1, 7)]


def test_following_waits_for_a_place_that_does_not_answer(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "_POLL", 0.05)
    stop = threading.Event()
    scene.write(3)
    with http_collector(failing={1, 2}) as (port, taken):
        options = ExportOptions("json", f"http://127.0.0.1:{port}", None, follow=True)
        thread = threading.Thread(target=export, args=(scene.server, options, stop.is_set, scene.database))
        thread.start()
        deadline = time.monotonic() + 20
        while not taken and time.monotonic() < deadline:
            time.sleep(0.02)
        stop.set()
        thread.join()
    assert [json.loads(line)["sequence"] for body in taken for line in body.splitlines()] == [1, 2, 3, 4, 5]


def test_a_syslog_server_that_comes_back_gets_what_it_missed(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "_POLL", 0.05)
    stop = threading.Event()
    with syslog_over_tcp() as (port, first):
        options = ExportOptions("json", f"syslog://127.0.0.1:{port}", tmp_path / "state", follow=True)
        thread = threading.Thread(target=export, args=(scene.server, options, stop.is_set, scene.database))
        scene.write(1)
        thread.start()
        _wait_for(first, 3)
    scene.write(1)
    time.sleep(0.2)
    with syslog_over_tcp(port) as (_, second):
        _wait_for(second, 3)
        stop.set()
        thread.join()
    sequences = [json.loads(message.partition(b" - audit - ")[2])["sequence"] for message in [*first, *second]]
    assert sequences == [*range(1, len(sequences) + 1)]


def _wait_for(received: list[bytes], count: int) -> None:
    deadline = time.monotonic() + 20
    while len(received) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(received) >= count


def test_other_places_are_refused(scene: Scene) -> None:
    with pytest.raises(ExportError, match="ftp:// is no place"):
        run(scene, "ftp://host/")


def test_the_commands(watched: Audited, tmp_path: Path, lake: SampleLake) -> None:
    config = str(watched.gateway.log.parent / "lakegate.toml")
    watched.gateway.connect().close()
    time.sleep(0.6)  # until the store has it
    done = lakegate("audit", "verify", "--config", config, folder=tmp_path)
    assert done.code == 0, done
    (line,) = [line for line in done.output.splitlines() if line.startswith(str(watched.node))]
    assert "entries 1 to " in line
    assert line.endswith("head signed by this gateway, whole")
    events = ("--to", "events", "--state", "state")
    done = lakegate("audit", "export", "--config", config, *events, folder=tmp_path)
    assert done.code == 0, done.errors
    for text in (tmp_path / "events").read_text().splitlines():
        check(json.loads(text))
    done = lakegate("audit", "export", "--config", config, "--to", "x", "--format", "xml", folder=tmp_path)
    assert (done.code, "ocsf or json" in done.errors) == (2, True)
    with tampering(lake, "lakegate") as connection:
        connection.execute(
            "UPDATE audit_entries SET entry = replace(entry, 'event', 'evexx') WHERE node = %s AND sequence = 2",
            (watched.node,),
        )
    done = lakegate("audit", "verify", "--config", config, folder=tmp_path)
    assert (done.code, "BROKEN: entry 2 was altered" in done.output) == (1, True)
    with tampering(lake, "lakegate") as connection:
        connection.execute(
            "UPDATE audit_entries SET entry = replace(entry, 'evexx', 'event') WHERE node = %s AND sequence = 2",
            (watched.node,),
        )
