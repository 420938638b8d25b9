"""The chain of entries: whole through restarts and lost connections, and broken by whatever is done to it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from catalog.errors import SqlError
from catalog.store.audit_chain import entry_hash
from catalog.store.audit_store import Period
from catalog.store.store import open_store
from gateway.audit.audit import Audit, Entry
from gateway.audit.entries import Kind, as_members
from gateway.audit.retention import retire
from gateway.audit.verify import verify
from gateway.configuration.config import Audit as AuditConfig
from tests.audit.chains import Clock, Scene, entry
from tests.gateway import SampleLake

Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture(scope="module")
def database(lake: SampleLake) -> str:
    open_store(lake.server, "audit_chain").close()
    return "audit_chain"


@pytest.fixture
def scene(lake: SampleLake, database: str, tmp_path: Path) -> Iterator[Scene]:
    yield Scene(lake.server, database, tmp_path / "journal")
    with tampering(lake, database) as connection:
        connection.execute("DELETE FROM audit_entries")
        connection.execute("DELETE FROM audit_heads")


def tampering(lake: SampleLake, database: str) -> Connection:
    """A connection of somebody who may do everything in the store, and knows how to get round a trigger."""
    connection = lake.server.connect(database)
    connection.execute("SET session_replication_role = replica")
    return connection


def test_entries_follow_each_other_over_restarts(scene: Scene) -> None:
    scene.write(5)
    scene.write(3)
    chain = scene.verify()
    assert (chain.first, chain.last, chain.broken, chain.signed) == (1, 12, None, True)  # two starts, two stops
    assert not scene.verify(local=False).signed


def test_a_clock_that_is_set_back_breaks_nothing(scene: Scene) -> None:
    scene.write(2)
    scene.clock.now -= timedelta(days=100)
    scene.write(2)
    scene.clock.now += timedelta(days=200)
    scene.write(2)
    chain = scene.verify()
    assert (chain.last, chain.broken) == (12, None)
    with scene.server.connect(scene.database) as connection:
        days = connection.execute("SELECT filed FROM audit_entries ORDER BY sequence").fetchall()
        times = connection.execute("SELECT at FROM audit_entries ORDER BY sequence").fetchall()
    assert days == sorted(days)
    assert times != sorted(times)  # what the clock said is told as it was


def test_a_lost_connection_to_the_store_loses_nothing_and_doubles_nothing(scene: Scene) -> None:
    with scene.audit() as audit:
        for round_ in range(2):
            for number in range(50):
                audit.note(entry(f"{round_}.{number}"))
            with scene.server.connect() as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (scene.database,)
                )
            audit.store(entry(f"end of {round_}"))
    assert scene.verify().last == 104
    assert scene.verify().broken is None


def test_a_line_that_was_cut_off_by_a_crash_is_forgotten(scene: Scene) -> None:
    scene.write(3)
    (path,) = scene.folder.glob("*.journal")
    with path.open("ab") as file:
        file.write(path.read_bytes().splitlines()[-1][:100])
    scene.write(1)
    assert (scene.verify().last, scene.verify().broken) == (8, None)


def test_a_journal_that_was_lost_is_gone_on_from_the_store(scene: Scene) -> None:
    scene.write(3)
    for path in scene.folder.glob("*.journal"):
        path.unlink()
    scene.write(1)
    chain = scene.verify()
    assert (chain.last, chain.broken) == (8, None)
    with scene.server.connect(scene.database) as connection:
        (text,) = connection.execute("SELECT entry FROM audit_entries WHERE sequence = 6").fetchone() or ("",)
    assert json.loads(text)["detail"]["lost_from_journal"] == 5


def test_two_processes_cannot_write_one_chain(scene: Scene) -> None:
    with scene.audit(), pytest.raises(BlockingIOError, match="in use by another gateway"):
        scene.write(1)


def test_files_of_the_journal_go_when_the_store_has_them(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.audit.journal._SEGMENT", 4096)
    with scene.audit() as audit:
        for number in range(200):
            audit.note(entry(f"number {number} " + "x" * 200))
        audit.store(entry("the last"))
    assert len([*scene.folder.glob("*.journal")]) <= 3
    assert (scene.verify().last, scene.verify().broken) == (203, None)
    scene.write(1)
    assert scene.verify().broken is None


def test_entries_that_come_without_a_pause_are_stored_a_few_times_a_second(scene: Scene) -> None:
    with scene.audit() as audit:
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            audit.note(entry("and another one"))
            time.sleep(0.001)
        assert audit._shipper is not None
        assert 2 <= audit._shipper.batches <= 8
        audit.store(entry("the last"))
    assert scene.verify().broken is None


def store_soon(audit: Audit, text: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            return audit.store(entry(text))
        except SqlError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_backlog_beyond_the_limit_refuses(scene: Scene) -> None:
    small = Scene(scene.server, scene.database, scene.folder, scene.clock, limit=2500)
    with small.audit() as audit:
        with pytest.raises(SqlError, match="audit cannot be written") as refused:
            for _ in range(30):
                audit.note(entry("x" * 300))
            audit.store(entry("one too many"))
        assert refused.value.sqlstate == "58030"
        store_soon(audit, "what the store has taken does not count any more")
    with small.audit() as audit:
        store_soon(audit, "and neither does it after a restart")
    assert scene.verify().broken is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET entry = '{}'",
        "UPDATE audit_entries SET entry = NULL, retired_by = 'me'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
        "TRUNCATE audit_months.audit_2026_03",
        "UPDATE audit_months.audit_2026_03 SET at = now()",
    ],
)
def test_the_store_refuses_changes(scene: Scene, statement: str) -> None:
    scene.write(1)
    with scene.server.connect(scene.database) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def forge(connection: Connection, first: int, last: int) -> None:
    """Alter an entry and make the chain anew behind it, as far as one can without the key."""
    for sequence in range(first, last + 1):
        query = "SELECT p.hash, e.entry FROM audit_entries p JOIN audit_entries e ON p.sequence + 1 = e.sequence"
        row = connection.execute(query + " WHERE e.sequence = %s", (sequence,)).fetchone()
        assert row is not None and isinstance(row[0], bytes) and isinstance(row[1], str)
        text = row[1].replace("number 2", "number 7")
        values = (text, row[0], entry_hash(row[0], text.encode()), sequence)
        connection.execute("UPDATE audit_entries SET entry = %s, previous = %s, hash = %s WHERE sequence = %s", values)
    connection.execute("UPDATE audit_heads SET hash = (SELECT hash FROM audit_entries WHERE sequence = %s)", (last,))


TAMPERED: dict[str, tuple[str | Callable[[Connection], None], str]] = {
    "text": ("UPDATE audit_entries SET entry = replace(entry, 'number 2', 'number 7')", "entry 4 was altered"),
    "a blank": ("UPDATE audit_entries SET entry = entry || ' ' WHERE sequence = 5", "entry 5 was altered"),
    "time": ("UPDATE audit_entries SET at = at - interval '1 us' WHERE sequence = 3", "columns of entry 3"),
    "class": ("UPDATE audit_entries SET class = 'login' WHERE sequence = 3", "columns of entry 3"),
    "day": ("UPDATE audit_entries SET filed = filed + 1 WHERE sequence = 3", "entries 3 to 3 are missing"),
    "middle removed": ("DELETE FROM audit_entries WHERE sequence = 4", "entries 4 to 4 are missing"),
    "first removed": ("DELETE FROM audit_entries WHERE sequence = 1", "entries before 2 are missing"),
    "last removed": ("DELETE FROM audit_entries WHERE sequence = 7", "entries 7 to 7 are missing at the end"),
    "all removed": ("DELETE FROM audit_entries", "entries 1 to 7 are missing at the end"),
    "all and head removed": (
        "WITH gone AS (DELETE FROM audit_entries) DELETE FROM audit_heads",
        "entries 1 to 7 are missing at the end: the store had them",
    ),
    "last removed, head too": (
        "WITH gone AS (DELETE FROM audit_entries WHERE sequence = 7)"
        " UPDATE audit_heads SET sequence = 6, hash = (SELECT hash FROM audit_entries WHERE sequence = 6)",
        "entries 7 to 7 are missing at the end",
    ),
    "swapped": (
        "UPDATE audit_entries a SET entry = b.entry, hash = b.hash FROM audit_entries b"
        " WHERE (a.sequence, b.sequence) IN ((3, 4), (4, 3))",
        "entry 3 was altered",
    ),
    "rehashed alone": (
        "UPDATE audit_entries SET entry = 'x', hash = sha256(previous || 'x') WHERE sequence = 4",
        "columns of entry 4|does not follow",
    ),
    "made anew": (lambda connection: forge(connection, 4, 7), "signature of the chain's head"),
    "retired": ("UPDATE audit_entries SET entry = NULL, retired_by = 'me' WHERE sequence = 4", "not by retention"),
    "added": (
        "INSERT INTO audit_entries SELECT filed, node, 8, at, class, hash, sha256(hash || 'x'), 'x'"
        " FROM audit_entries WHERE sequence = 7",
        "columns of entry 8 were altered",
    ),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_tampering_is_found(scene: Scene, lake: SampleLake, case: str) -> None:
    scene.write(5)
    assert scene.verify().broken is None
    done, said = TAMPERED[case]
    with tampering(lake, scene.database) as connection:
        if isinstance(done, str):
            connection.execute(done.encode())
        else:
            done(connection)
    broken = scene.verify().broken
    assert broken is not None
    assert any(part in broken for part in said.split("|")), broken


def test_a_store_that_was_put_back_to_an_older_state_is_found_by_the_journal(scene: Scene, lake: SampleLake) -> None:
    scene.write(2)
    with lake.server.connect(scene.database) as connection:
        head = connection.execute("SELECT sequence, hash, signature FROM audit_heads").fetchone()
    scene.write(2)
    assert head is not None
    with tampering(lake, scene.database) as connection:
        connection.execute("DELETE FROM audit_entries WHERE sequence > 4")
        connection.execute("UPDATE audit_heads SET sequence = %s, hash = %s, signature = %s", head)
    assert scene.verify(local=False).broken is None  # nothing in the store shows it
    chain = scene.verify()
    assert chain.broken == "entries 5 to 8 are missing at the end: the store had them"
    scene.write(1)  # the gateway's journal still has them
    assert (scene.verify().last, scene.verify().broken) == (11, None)


def test_a_journal_that_was_altered_is_found(scene: Scene) -> None:
    scene.write(3)
    (path,) = scene.folder.glob("*.journal")
    path.write_bytes(path.read_bytes().replace(b"number 1", b"number 9"))
    assert scene.verify().broken == "entry 3 of the journal was altered"


def test_one_period_can_be_verified_by_itself(scene: Scene) -> None:
    for _ in range(3):
        scene.write(2)
        scene.clock.now += timedelta(days=1)
    chain = scene.verify(Period(date(2026, 3, 11), date(2026, 3, 11)))
    assert (chain.first, chain.last, chain.broken) == (5, 8, None)


def test_a_period_without_entries_is_whole_where_the_chain_is(scene: Scene, lake: SampleLake) -> None:
    scene.write(2)
    later = Period(date(2026, 3, 11))
    assert (scene.verify(later).first, scene.verify(later).broken) == (0, None)
    with tampering(lake, scene.database) as connection:
        connection.execute("DELETE FROM audit_entries WHERE sequence = 4")
    assert scene.verify(later).broken == "entries 4 to 4 are missing at the end"


CLASSES = AuditConfig(retention=400, retention_login=30, retention_statement=90, retention_denied=400)


def test_classes_are_retired_and_months_dropped_and_the_chain_holds(scene: Scene, lake: SampleLake) -> None:
    for kind in (Kind.LOGIN, Kind.STATEMENT, Kind.DENIED):
        scene.write(2, kind)
    scene.clock.now += timedelta(days=40)
    scene.write(2, Kind.LOGIN)
    with scene.audit() as audit:
        assert retire(audit, scene.server, CLASSES, scene.clock.now.date(), scene.database) == 2
        assert retire(audit, scene.server, CLASSES, scene.clock.now.date(), scene.database) == 0
    assert (scene.verify().retired, scene.verify().broken) == (2, None)

    scene.clock.now += timedelta(days=60)
    with scene.audit() as audit:
        assert retire(audit, scene.server, CLASSES, scene.clock.now.date(), scene.database) == 4
    chain = scene.verify()
    assert (chain.first, chain.retired, chain.broken) == (1, 6, None)

    with tampering(lake, scene.database) as connection:  # under a run that has said which ones it takes
        connection.execute(
            "UPDATE audit_entries SET entry = NULL, retired_by = (SELECT max(retired_by) FROM audit_entries)"
            " WHERE sequence = 10"
        )
    assert "has retired other entries" in str(scene.verify().broken)


def test_months_are_dropped_and_the_chain_holds(scene: Scene, lake: SampleLake) -> None:
    scene.write(3)
    scene.clock.now = datetime(2027, 5, 20, tzinfo=UTC)
    scene.write(3)
    with scene.audit() as audit:
        assert retire(audit, scene.server, AuditConfig(), date(2027, 5, 20), scene.database) == 1
    chain = scene.verify()
    assert (chain.first, chain.broken) == (6, None)
    with tampering(lake, scene.database) as connection:
        connection.execute("DELETE FROM audit_entries WHERE sequence = 6")
    assert "not by retention" in str(scene.verify().broken)


def test_a_gateway_that_is_gone_keeps_no_entry_and_breaks_nothing(
    scene: Scene, lake: SampleLake, tmp_path: Path
) -> None:
    scene.write(3)
    other = replace(scene, folder=tmp_path / "other", clock=Clock(datetime(2027, 5, 20, tzinfo=UTC)))
    with other.audit() as audit:
        claims = as_members({"claims": {"event": "retention"}})
        audit.note(Entry("statement", claims, Kind.ACCESS))
        assert retire(audit, scene.server, AuditConfig(), date(2027, 5, 20), scene.database) == 1
    chains = verify(scene.server, None, Period(), scene.database)
    assert [(chain.first > 0, chain.broken) for chain in sorted(chains, key=lambda chain: chain.first)] == [
        (False, None),
        (True, None),
    ]
    with tampering(lake, scene.database) as connection:
        connection.execute("UPDATE audit_heads SET sequence = 4 WHERE sequence = 5")
    assert [chain.broken for chain in verify(scene.server, None, Period(), scene.database) if not chain.first] == [
        "entries 1 to 4 are missing at the end"
    ]


def test_the_folder_is_for_the_gateway_alone(scene: Scene) -> None:
    scene.write(1)
    assert scene.folder.stat().st_mode & 0o077 == 0
    for path in scene.folder.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
