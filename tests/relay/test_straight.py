"""A statement executed again that goes straight from one connection to the other: what may happen to it on the way is
what happens to any statement.
"""

from __future__ import annotations

import random
import resource
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import pq

from gateway.wire import frontend
from gateway.wire.sent_at_once import END
from tests.audit.reading import audited
from tests.gateway import EVE, RunningGateway, SampleLake

_TITLE = b"SELECT id, title FROM origin.things WHERE id = $1"
_SLOW = b"SELECT count(*) FROM origin.second WHERE n >= $1"
_SERIES = "origin.things CROSS JOIN generate_series(1, 2000) AS g(n) WHERE id = 1"


def _prepare(connection: psycopg.Connection, text: bytes) -> None:
    assert connection.pgconn.prepare(b"s", text).status == pq.ExecStatus.COMMAND_OK


def _rows(
    connection: psycopg.Connection, *values: bytes, name: bytes = b"s"
) -> list[tuple[bytes | None, ...]] | bytes | None:
    """Execute a prepared statement; return its rows, or its SQLSTATE."""
    result = connection.pgconn.exec_prepared(name, values)
    if result.status != pq.ExecStatus.TUPLES_OK:
        return result.error_field(pq.DiagnosticField.SQLSTATE)
    return [tuple(result.get_value(row, at) for at in range(result.nfields)) for row in range(result.ntuples)]


def _text_rows(connection: psycopg.Connection, text: str) -> Sequence[tuple[object, ...]]:
    """Send a text by itself, as a simple query, and return its rows."""
    result = connection.pgconn.exec_(text.encode())
    assert result.status == pq.ExecStatus.TUPLES_OK, result.error_message
    return [tuple(result.get_value(row, at) for at in range(result.nfields)) for row in range(result.ntuples)]


def _at_once(value: bytes) -> bytes:
    return frontend.Bind("", "s", (), (value,), (0,)).encode() + END


def test_answers_of_all_lengths(through: psycopg.Connection, direct: psycopg.Connection) -> None:
    for connection in (through, direct):
        _prepare(connection, f"SELECT n, repeat('x', n) FROM {_SERIES} AND n <= $1 ORDER BY n".encode())
    for most in (3, 3, 3, 0, 300, 3, 2000, 2000, 2):
        assert _rows(through, b"%d" % most) == _rows(direct, b"%d" % most)
    for most in (3, 3, 4, 0, 300, 3, 2000, 5):
        text = f"SELECT n, title, repeat('x', n) FROM {_SERIES} AND n <= {most} ORDER BY n"
        assert _text_rows(through, text) == _text_rows(direct, text)


def test_errors_in_between(through: psycopg.Connection, direct: psycopg.Connection) -> None:
    for connection in (through, direct):
        _prepare(connection, b"SELECT 12 / (id - 2) FROM origin.things WHERE id = $1")
    for value in (b"1", b"3", b"2", b"1", b"2", b"2", b"3", b"1"):
        assert _rows(through, value) == _rows(direct, value)


def test_a_name_is_that_of_the_statement_that_got_it_last(
    through: psycopg.Connection, direct: psycopg.Connection
) -> None:
    texts = (_TITLE, b"SELECT title FROM origin.things WHERE id = $1", b"SELECT n FROM origin.second WHERE n = $1")
    found: list[list[object]] = []
    for connection in (through, direct):
        seen: list[object] = []
        for text in texts:
            _prepare(connection, text)
            connection.pgconn.prepare(b"", text)
            seen += [_rows(connection, b"1", name=name) for name in (b"s", b"s", b"", b"", b"s", b"", b"s")]
            for number in (1, 2, 1, 2):
                _text_rows(connection, f"SELECT id, title FROM origin.things WHERE id = {number}")
                seen += [_rows(connection, b"1"), _rows(connection, b"1", name=b"")]  # which that has closed
            connection.pgconn.exec_(b"DEALLOCATE s")
            seen.append(_rows(connection, b"1"))
        found.append(seen)
    assert found[0] == found[1]
    assert b"26000" in found[0]


def test_messages_sent_ahead_wait_for_the_one_before(gateway: RunningGateway) -> None:
    with gateway.connect() as connection:
        _prepare(connection, _SLOW)
        for _ in range(2):
            assert _rows(connection, b"90") == [(b"11",)]
        connection.pgconn.exec_(b"DEALLOCATE s")
        _prepare(connection, _SLOW)
        assert _rows(connection, b"90") == [(b"11",)]
        with socket.socket(fileno=socket.dup(connection.pgconn.socket)) as raw:
            raw.setblocking(True)
            raw.settimeout(10)
            raw.sendall(_at_once(b"91"))
            time.sleep(0.2)
            second = _at_once(b"92") + _at_once(b"93") + frontend.Query("SELECT 'the last'").encode()
            raw.sendall(second[:7])
            time.sleep(0.1)
            raw.sendall(second[7:])
            received = b""
            while b"the last" not in received or not received.endswith(b"Z\0\0\0\5I"):
                received += raw.recv(1 << 16)
    rows = [_row(part) for part in received.split(b"D\0\0\0")[1:]]
    assert rows == [b"10", b"9", b"8", b"the last"]


def _row(part: bytes) -> bytes:
    (size,) = struct.unpack_from(">i", part, 3)
    return part[7 : 7 + size]


def test_many_sessions_get_their_own_rows(gateway: RunningGateway) -> None:
    def ask(seed: int) -> None:
        choose = random.Random(seed)
        with gateway.connect() as connection:
            _prepare(connection, f"SELECT n, n * 7 FROM {_SERIES} AND n = $1".encode())
            for _ in range(150):
                number = choose.randrange(1, 2000)
                own = [(str(number).encode(), str(number * 7).encode())]
                if choose.random() < 0.5:
                    assert _rows(connection, str(number).encode()) == own
                else:
                    assert _text_rows(connection, f"SELECT n, n * 7 FROM {_SERIES} AND n = {number}") == own

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(ask, seed) for seed in range(8)]:
            done.result()


def test_notifications_come_through(gateway: RunningGateway) -> None:
    with gateway.connect() as one, gateway.connect() as other:
        one.execute("LISTEN news")
        _prepare(one, _TITLE)
        for number in range(6):
            assert _rows(one, b"1") == [(b"1", b"a title")]
            other.execute(f"NOTIFY news, 'number {number}'".encode())
        told: list[str] = []
        deadline = time.monotonic() + 5
        while len(told) < 6 and time.monotonic() < deadline:
            assert _rows(one, b"1") == [(b"1", b"a title")]
            while (notify := one.pgconn.notifies()) is not None:
                told.append(notify.extra.decode())
        assert told == [f"number {number}" for number in range(6)]


def test_a_session_is_terminated_and_the_server_left_alone(gateway: RunningGateway, lake: SampleLake) -> None:
    one = gateway.connect()
    with gateway.connect() as other:
        _prepare(one, b"SELECT count(*) AS terminated_marker FROM origin.second WHERE n >= $1")
        assert _rows(one, b"99") == [(b"2",)]
        pid = one.info.backend_pid
        timer = threading.Timer(0.3, lambda: other.execute("SELECT pg_terminate_backend(%s)", (pid,)))
        timer.start()
        one.pgconn.send_query_prepared(b"s", [b"0"])
        one.pgconn.flush()
        select.select([one.pgconn.socket], [], [], 10)  # while which the other session may speak
        one.pgconn.consume_input()
        result = one.pgconn.get_result()
        assert result is not None and result.error_field(pq.DiagnosticField.SQLSTATE) == b"57P01"
        timer.join()
    one.close()
    _wait_until_idle(lake, "%terminated_marker%")


def test_a_client_that_leaves_ends_what_the_server_does(gateway: RunningGateway, lake: SampleLake) -> None:
    one = gateway.connect()
    _prepare(one, b"SELECT count(*) AS left_marker FROM origin.second WHERE n >= $1")
    assert _rows(one, b"99") == [(b"2",)]
    one.pgconn.send_query_prepared(b"s", [b"0"])
    one.pgconn.flush()
    time.sleep(0.2)
    one.close()
    _wait_until_idle(lake, "%left_marker%")


@pytest.mark.parametrize("force", [False, True])
def test_a_server_that_ends_its_session_in_the_midst(gateway: RunningGateway, lake: SampleLake, force: bool) -> None:
    marker = f"midst_marker_{force}".lower()
    pids = "SELECT pid FROM pg_stat_activity WHERE query LIKE %s AND state = 'active' AND pid <> pg_backend_pid()"
    with gateway.connect() as one, psycopg.connect(lake.metadata_url, autocommit=True) as owner:
        _prepare(one, f"SELECT count(*) AS {marker} FROM origin.second WHERE n >= $1".encode())
        assert _rows(one, b"99") == [(b"2",)]

        def end() -> None:
            for (pid,) in owner.execute(pids, (f"%{marker}%AS statement OFFSET%",)).fetchall():
                owner.execute("SELECT pg_terminate_backend(%s)", (pid,))

        timer = threading.Timer(0.3, end)
        timer.start()
        if force:
            threading.Timer(0.3, one.cancel).start()  # at the same time: either may be told
        found = _rows(one, b"0")
        timer.join()
        assert found in ((b"57014", b"08006", b"57P01", b"58000") if force else (b"08006", b"57P01", b"58000")), found
        for _ in range(3):
            assert _rows(one, b"99") == [(b"2",)]


def _wait_until_idle(lake: SampleLake, pattern: str) -> None:
    text = (
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE %s AND state = 'active' AND pid <> pg_backend_pid()"
        " AND query LIKE '%%origin%%'"
    )
    began = time.monotonic()
    with psycopg.connect(lake.metadata_url, autocommit=True) as owner:
        while owner.execute(text, (pattern,)).fetchone() != (0,):
            assert time.monotonic() - began < 0.6, "the server goes on"
            time.sleep(0.02)


def test_the_audit_has_what_it_has_of_every_execution(lake: SampleLake, tmp_path: Path) -> None:
    shown = "select title as seen from origin.things where id = ?"
    with audited(lake, tmp_path / "audit", "straight") as one:
        with one.gateway.connect() as connection:
            _prepare(connection, _TITLE)
            for value in (b"1", b"2", b"1", b"7"):
                _rows(connection, value)
            for number in (1, 2, 3, 1):
                _text_rows(connection, f"select title as seen from origin.things where id = {number}")
            left = one.gateway.connect()
            _prepare(left, _SLOW)
            _rows(left, b"99")
            left.pgconn.send_query_prepared(b"s", [b"0"])
            left.pgconn.flush()
            time.sleep(0.2)
            left.close()
        one.wait_for(lambda entry: entry.get("sqlstate") == "08006")
        entries = one.entries()
    (broken,) = [entry for entry in entries if entry.get("sqlstate") == "08006"]
    assert broken["lane"] == "source" and broken["tables"] == ["origin.second"]
    for text, rows in ((_TITLE.decode(), [1, 1, 1, 0]), (shown, [1, 1, 1, 1])):
        intents = [entry for entry in entries if entry.get("text") == text and entry["phase"] == "intent"]
        ends = [entry for entry in entries if entry.get("text") == text and entry["phase"] == "outcome"]
        assert [entry["rows"] for entry in ends] == rows
        assert [entry["intent"] for entry in ends] == [entry["sequence"] for entry in intents]
        assert all(end["sequence"] > intent["sequence"] for end, intent in zip(ends, intents, strict=True))
        assert [entry["statement"] for entry in ends] == [entry["statement"] for entry in intents]
        assert len({entry["statement"] for entry in ends}) == 4
        differ = {"sequence", "at", "statement", "intent", "duration_ms", "rows", "bytes"}
        first, *others = [{key: value for key, value in entry.items() if key not in differ} for entry in ends]
        assert others == [first] * 3
        assert first["lane"] == "source" and first["tables"] == ["origin.things"]


def test_the_audit_has_one_outcome_for_what_fails_on_the_way(lake: SampleLake, tmp_path: Path) -> None:
    slow, fails = "select count(*) as slowly from origin.second where n >= ", "select 12 / (id - 2) from origin.things"
    with audited(lake, tmp_path / "audit", "straightfails") as one:
        with one.gateway.connect() as connection:

            def canceled(ask: Callable[[], object]) -> object:
                timer = threading.Timer(0.2, connection.cancel)
                timer.start()
                found = ask()
                timer.join()
                return found

            _prepare(connection, _SLOW)
            for value in (b"99", b"98"):
                _rows(connection, value)
                _text_rows(connection, f"{slow}{value.decode()}")
            assert canceled(lambda: _rows(connection, b"0")) == b"57014"
            text, state = f"{slow}0".encode(), pq.DiagnosticField.SQLSTATE
            assert canceled(lambda: connection.pgconn.exec_(text).error_field(state)) == b"57014"
            assert _rows(connection, b"99") == [(b"2",)]
            connection.pgconn.exec_(b"DEALLOCATE s")
            _prepare(connection, f"{fails} where id = $1".encode())
            assert [isinstance(_rows(connection, value), list) for value in (b"1", b"3", b"2", b"1")] == [1, 1, 0, 1]
        one.wait_for(lambda entry: entry.get("event") == "logout")
        entries = one.entries()
    intents = [entry["sequence"] for entry in entries if entry["phase"] == "intent"]
    ends = {entry["intent"]: entry for entry in entries if entry["phase"] == "outcome"}
    assert sorted(ends) == intents and len(ends) == sum(entry["phase"] == "outcome" for entry in entries)
    told = {
        key: [end["sqlstate"] for end in ends.values() if key in str(end["text"])] for key in ("slowly", "$1", "12")
    }
    lanes = sorted((end["sqlstate"], end["lane"]) for end in ends.values() if end["sqlstate"] != "00000")
    assert lanes[0] == ("22012", "source") and lanes[-1] == ("57014", "source")
    assert told["slowly"] == ["00000", "00000", "57014"]
    assert [state for state in told["$1"] if state != "00000"] == ["57014", "22012"]


def test_nothing_is_executed_where_the_audit_cannot_be_written(lake: SampleLake, tmp_path: Path) -> None:
    with audited(lake, tmp_path / "audit", "straightfull") as one, one.gateway.connect() as connection:
        _prepare(connection, _TITLE)
        for _ in range(3):
            assert _rows(connection, b"1") == [(b"1", b"a title")]
            _text_rows(connection, "select title as seen from origin.things where id = 2")
        for _ in range(5):  # so that the journal is larger than the log
            connection.execute("select 1 as " + "x" * 60_000)
        size = sum(path.stat().st_size for path in one.folder.glob("*.journal"))
        pid = one.gateway.process.pid
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 200, resource.RLIM_INFINITY))
        assert _rows(connection, b"1") == b"58030"
        assert _rows(connection, b"1") == b"58030"
        with pytest.raises(psycopg.errors.IoError, match="audit cannot be written"):
            connection.execute("select title as seen from origin.things where id = 2")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        for _ in range(3):
            assert _rows(connection, b"1") == [(b"1", b"a title")]
        assert one.outcome(_TITLE.decode())["sqlstate"] in ("58030", "00000")


def test_rights_that_come_and_go_while_it_is_executed(gateway: RunningGateway) -> None:
    done = threading.Event()
    seen: set[object] = set()

    def ask() -> None:
        with gateway.connect(EVE) as eve:
            while not done.is_set():
                eve.pgconn.exec_(b"DEALLOCATE ALL")
                if eve.pgconn.prepare(b"s", _TITLE).status != pq.ExecStatus.COMMAND_OK:
                    continue
                for _ in range(60):
                    found = _rows(eve, b"1")
                    seen.add(found if isinstance(found, bytes) else str(found))
                    if isinstance(found, bytes):
                        break

    with gateway.connect() as ada, ThreadPoolExecutor(3) as threads:
        ada.execute(f"GRANT USAGE ON SCHEMA origin TO {EVE}".encode())
        try:
            asking = [threads.submit(ask) for _ in range(3)]
            for _ in range(6):
                ada.execute(f"GRANT SELECT (id, title) ON origin.things TO {EVE}".encode())
                time.sleep(0.15)
                ada.execute(f"REVOKE SELECT (id, title) ON origin.things FROM {EVE}".encode())
                with gateway.connect(EVE) as eve, pytest.raises(psycopg.errors.UndefinedTable):
                    eve.execute("SELECT id FROM origin.things")
            done.set()
            for one in asking:
                one.result()
        finally:
            done.set()
            ada.execute(f"REVOKE SELECT ON origin.things FROM {EVE}".encode())
            ada.execute(f"REVOKE USAGE ON SCHEMA origin FROM {EVE}".encode())
    assert seen == {"[(b'1', b'a title')]", b"42P01"}
