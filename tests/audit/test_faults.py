"""What cannot be audited is not executed, and what a killed gateway was doing is known."""

from __future__ import annotations

import json
import resource
import time
import urllib.error
import urllib.request
from pathlib import Path

import psycopg
import pytest

from catalog.store.audit_store import Period
from gateway.audit.verify import verify
from tests.audit.reading import Audited, audited
from tests.gateway import SampleLake


def broken(one: Audited) -> str | None:
    (chain,) = [chain for chain in verify(one.lake.server, one.folder, Period()) if chain.node == one.node]
    return chain.broken


def wait_for_journal(folder: Path, text: bytes) -> None:
    deadline = time.monotonic() + 10
    while not any(text in path.read_bytes() for path in folder.glob("*.journal")):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_killed_gateway_leaves_an_intent_without_an_outcome(lake: SampleLake, tmp_path: Path) -> None:
    with audited(lake, tmp_path / "audit", "killed", exit_code=None) as one:
        connection = one.gateway.connect()
        connection.pgconn.send_query(b"select count(*) as killed from origin.slow where 1 = 1")
        connection.pgconn.flush()
        wait_for_journal(one.folder, b"as killed")
        one.gateway.process.kill()
        one.gateway.process.wait()
    with audited(lake, tmp_path / "audit", "killed") as one:  # what the store had not, it gets now
        text = "select count(*) as killed from origin.slow where ? = ?"
        intent = one.wait_for(lambda entry: entry.get("text") == text)
        one.gateway.connect().close()
        one.wait_for(lambda entry: entry["event"] == "logout")
        entries = one.entries()
    assert intent["phase"] == "intent"
    assert not [entry for entry in entries if entry.get("intent") == intent["sequence"]]
    assert len({entry["instance"] for entry in entries}) == 2
    assert [entry["sequence"] for entry in entries] == [*range(1, len(entries) + 1)]
    assert broken(one) is None


def health(port: int) -> tuple[int, dict[str, dict[str, str]]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=10) as answer:
            return answer.status, json.load(answer)["dependencies"]
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["dependencies"]


def test_a_full_disk_refuses_statements_until_there_is_room(lake: SampleLake, tmp_path: Path) -> None:
    with audited(lake, tmp_path / "audit", "full") as one, one.gateway.connect() as connection:
        for _ in range(5):  # so that the journal is larger than the log, whose writes fail beyond the limit too
            connection.execute("select 1 as " + "x" * 60_000)
        size = sum(path.stat().st_size for path in one.folder.glob("*.journal"))
        pid = one.gateway.process.pid
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 200, resource.RLIM_INFINITY))
        for text in ("select 2", "select count(*) from small.numbers", "selec"):
            with pytest.raises(psycopg.errors.IoError, match="audit cannot be written"):
                connection.execute(text.encode())
        with pytest.raises(psycopg.errors.IoError):
            connection.execute("select %s::int", (3,))
        with pytest.raises(psycopg.OperationalError, match="audit cannot be written"):
            one.gateway.connect()
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert connection.execute("select 4").fetchone() == (4,)
        one.gateway.connect().close()
        assert one.outcome("selec")["sqlstate"] == "58030"  # the refusals themselves are in it, written later
    assert broken(one) is None
    assert [record["level"] for record in one.gateway.records("the audit cannot be written: statements are refused")]


def test_health_says_when_statements_are_refused(lake: SampleLake, tmp_path: Path) -> None:
    from benchmarks.gateway_process import free_port
    from tests.gateway import Settings, serving

    port = free_port()
    settings = Settings(
        server={"http_listen": f"127.0.0.1:{port}", "refresh_interval": "0"},
        sources={"small": lake.sources["small"]},
        database="healthy",
        audit={"directory": str(tmp_path / "audit")},
    )
    with serving(lake, settings) as gateway, gateway.connect() as connection:
        status, dependencies = health(port)
        assert (status, dependencies["audit"]["state"], dependencies["audit_store"]["state"]) == (200, "up", "up")
        for _ in range(5):
            connection.execute("select 1 as " + "x" * 60_000)
        pid = gateway.process.pid
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
        with pytest.raises(psycopg.errors.IoError):
            connection.execute("select 2")
        status, dependencies = health(port)
        assert (status, dependencies["audit"]["state"]) == (503, "down")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        status, dependencies = health(port)  # asking finds out
        assert (status, dependencies["audit"]["state"]) == (200, "up")


@pytest.mark.parametrize(("mode", "fsync"), [("synchronous", "os"), ("journal", "group")])
def test_stricter_modes(lake: SampleLake, tmp_path: Path, mode: str, fsync: str) -> None:
    with audited(lake, tmp_path / "audit", "stricter", mode=mode, fsync=fsync) as one:
        with one.gateway.connect() as connection:
            assert connection.execute("select 1").fetchone() == (1,)
            assert connection.execute("select count(*) from small.numbers").fetchone() == (10_000,)
            if mode == "synchronous":  # it is there before the answer
                assert [entry for entry in one.entries() if entry.get("text") == "select count(*) from small.numbers"]
        assert one.outcome("select count(*) from small.numbers")["rows"] == 1
    assert broken(one) is None


def test_a_synchronous_audit_whose_store_is_stuck_refuses(lake: SampleLake, tmp_path: Path) -> None:
    with audited(lake, tmp_path / "audit", "stuck", mode="synchronous") as one, one.gateway.connect() as connection:
        connection.execute("select 1")
        with lake.server.connect("lakegate") as other:
            other.execute("LOCK TABLE audit_heads IN EXCLUSIVE MODE")
            with pytest.raises(psycopg.errors.IoError, match="audit cannot be written"):
                connection.execute("select 2")
            other.rollback()
        assert connection.execute("select 3 as later").fetchone() == (3,)
        assert one.outcome("select ? as later")["sqlstate"] == "00000"  # no refused statement has this text


def test_without_an_audit_nothing_is_written(lake: SampleLake, tmp_path: Path) -> None:
    with audited(lake, tmp_path / "audit", "unwatched", mode="off") as one, one.gateway.connect() as connection:
        assert connection.execute("select count(*) from small.numbers").fetchone() == (10_000,)
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("select * from lakegate.audit_log")
    assert not one.folder.exists()
