"""A prepared statement that its source's server has answered before: executed again, it is what it would be if it were
looked at anew, whatever has changed meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import psycopg
import pytest
from psycopg import pq

from tests.gateway import EVE, RunningGateway, SampleLake

_Values = Sequence[bytes | None]
_TEXT = b"SELECT id, title, code, free, clock FROM origin.things WHERE id >= $1::integer ORDER BY id"
_STATEMENTS: tuple[tuple[bytes, Sequence[_Values]], ...] = (
    (_TEXT, ([b"1"], [b"2"], [b"9"], [None], [b" 2 "], [b"x"], [b"99999999999"], [], [b"1", b"2"], [b"3"])),
    (b"SELECT id FROM origin.things WHERE title = $1", ([b"a title"], [b""], [b"\xc3\xa4"], [b"\xff"], [None], [b"a"])),
    (b"SELECT 12 / (id - 2) FROM origin.things WHERE id = $1", ([b"1"], [b"3"], [b"2"], [b"1"], [b"2"], [b"3"])),
    (b"SELECT id FROM origin.things WHERE free > $1 ORDER BY id", ([b"0"], [b"1.5"], [b"12345"], [b"-1.5"], [b"0"])),
    (b"SELECT count(*) FROM origin.things", ([], [], [])),
    (b"SELECT FROM origin.things WHERE id <> $1", ([b"1"], [b"7"], [b"1"])),
)


def _told(connection: psycopg.Connection, values: _Values, form: int = 0, given: Sequence[int] | None = None) -> object:
    """Execute the prepared statement "s"; return its columns and values, or its error."""
    result = connection.pgconn.exec_prepared(b"s", values, param_formats=given, result_format=form)  # type: ignore[arg-type]  # None is NULL
    if result.status != pq.ExecStatus.TUPLES_OK:
        fields = (pq.DiagnosticField.SQLSTATE, pq.DiagnosticField.MESSAGE_PRIMARY)
        return tuple(result.error_field(one) for one in fields)
    columns = [(result.fname(at), result.ftype(at), result.fformat(at)) for at in range(result.nfields)]
    rows = [tuple(result.get_value(row, at) for at in range(result.nfields)) for row in range(result.ntuples)]
    return columns, rows, result.command_status


def _prepare(connection: psycopg.Connection, text: bytes) -> None:
    assert connection.pgconn.prepare(b"s", text).status == pq.ExecStatus.COMMAND_OK


@pytest.mark.parametrize(("text", "given"), _STATEMENTS)
def test_each_time_it_is_answered_as_by_the_server(
    through: psycopg.Connection, direct: psycopg.Connection, text: bytes, given: Sequence[_Values]
) -> None:
    for connection in (through, direct):
        _prepare(connection, text)
    for values in (*given, *given):
        for form in (0, 0, 1, 1, 0):
            assert _told(through, values, form) == _told(direct, values, form), (values, form)


def test_values_in_binary_and_in_text(through: psycopg.Connection, direct: psycopg.Connection) -> None:
    _prepare(through, _TEXT)
    _prepare(direct, _TEXT)
    for value, form in ((b"2", 0), (b"\0\0\0\2", 1), (b"3", 0), (b"\0\0\0\3", 1), (b"\0\0\3", 1), (b"\0\0\0\1", 1)):
        assert _told(through, [value], given=[form]) == _told(direct, [value], given=[form]), (value, form)


def test_what_a_session_does_between(through: psycopg.Connection, direct: psycopg.Connection) -> None:
    for connection in (through, direct):
        connection.execute("SET search_path TO origin")
        _prepare(connection, b"SELECT id, title, moments, span FROM things WHERE id >= $1 ORDER BY id")
    between = (
        *("", "SET TimeZone TO 'Asia/Tokyo'", "SET DateStyle TO 'German'", "SET IntervalStyle TO 'iso_8601'"),
        *("RESET DateStyle", "RESET TimeZone", "SELECT 1", "CREATE TEMP TABLE things AS SELECT 1", "DISCARD TEMP"),
        *("BEGIN", "SET LOCAL TimeZone TO 'America/New_York'", "ROLLBACK", "SELECT 1 / 0", "BEGIN", "SELECT 1 / 0"),
        *("ROLLBACK", "SET statement_timeout TO '10s'", "SET client_encoding TO 'LATIN1'", "RESET client_encoding"),
        *("CREATE TEMP TABLE other (id integer)", "DISCARD TEMP", "SET search_path TO pg_temp", "DISCARD PLANS"),
    )
    for command in between:
        for connection in (through, direct):
            connection.pgconn.exec_(command.encode())
        for value in (b"1", b"2", b"3"):
            assert _told(through, [value]) == _told(direct, [value]), command


def test_rights_count_from_the_next_execution_on(gateway: RunningGateway) -> None:
    with gateway.connect() as ada, gateway.connect(EVE) as eve:
        try:
            ada.execute(f"GRANT USAGE ON SCHEMA origin TO {EVE}".encode())
            ada.execute(f"GRANT SELECT (id, title) ON origin.things TO {EVE}".encode())
            _prepare(eve, b"SELECT id FROM origin.things WHERE id >= $1 ORDER BY id")
            all_, two = [(b"1",), (b"2",), (b"3",)], [(b"1",), (b"3",)]
            assert [_rows(eve, b"1") for _ in range(3)] == [all_] * 3
            ada.execute(f"CREATE POLICY few ON origin.things TO {EVE} USING (id <> 2)".encode())
            ada.execute("ALTER TABLE origin.things ENABLE ROW LEVEL SECURITY")
            assert [_rows(eve, b"1") for _ in range(3)] == [two] * 3
            ada.execute("DROP POLICY few ON origin.things")
            assert [_rows(eve, b"1") for _ in range(3)] == [[]] * 3
            ada.execute("ALTER TABLE origin.things DISABLE ROW LEVEL SECURITY")
            assert [_rows(eve, b"1") for _ in range(3)] == [all_] * 3
            ada.execute(f"REVOKE SELECT (id, title) ON origin.things FROM {EVE}".encode())
            assert [_told(eve, [b"1"])[0] for _ in range(3)] == [b"42P01"] * 3  # type: ignore[index]
        finally:
            ada.execute("ALTER TABLE origin.things DISABLE ROW LEVEL SECURITY")
            ada.execute("DROP POLICY IF EXISTS few ON origin.things")
            ada.execute(f"REVOKE SELECT ON origin.things FROM {EVE}".encode())
            ada.execute(f"REVOKE USAGE ON SCHEMA origin FROM {EVE}".encode())


def _rows(connection: psycopg.Connection, value: bytes) -> object:
    told = _told(connection, [value])
    assert isinstance(told, tuple) and isinstance(told[0], list), told
    return told[1]


def test_it_is_cancelled_and_goes_on(through: psycopg.Connection) -> None:
    _prepare(through, b"SELECT count(*) FROM origin.second WHERE n >= $1")
    assert _told(through, [b"0"])[2] == b"SELECT 1"  # type: ignore[index]
    timer = threading.Timer(0.3, through.cancel)
    timer.start()
    began = time.monotonic()
    assert _told(through, [b"0"])[0] == b"57014"  # type: ignore[index]
    assert time.monotonic() - began < 0.9
    timer.join()
    assert _told(through, [b"0"])[2] == b"SELECT 1"  # type: ignore[index]


def test_a_server_that_ends_its_sessions_is_told_of(through: psycopg.Connection, lake: SampleLake) -> None:
    _prepare(through, b"SELECT id AS ended_marker FROM origin.things WHERE id = $1")
    for value in (b"1", b"2"):
        assert _rows(through, value) == [(value,)]
    with psycopg.connect(lake.metadata_url, autocommit=True) as owner:
        text = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE %s AND pid <> pg_backend_pid()"
        assert owner.execute(text, ("%ended_marker%AS statement OFFSET%",)).fetchall()
    time.sleep(0.2)
    assert _rows(through, b"3") == [(b"3",)]  # over another connection
    assert _rows(through, b"1") == [(b"1",)]


def test_connections_are_shared_by_sessions_in_whichever_format(gateway: RunningGateway) -> None:
    with gateway.connect() as one, gateway.connect() as other:
        for connection in (one, other):
            _prepare(connection, b"SELECT id FROM origin.things WHERE id = $1")
        for _ in range(3):
            assert _told(one, [b"1"])[1] == [(b"1",)]  # type: ignore[index]
            assert _told(other, [b"2"], 1)[1] == [(b"\0\0\0\2",)]  # type: ignore[index]


def test_a_copy_stays_a_copy(through: psycopg.Connection) -> None:
    _prepare(through, b"COPY (SELECT id FROM origin.things ORDER BY id) TO STDOUT")
    for _ in range(3):
        result = through.pgconn.exec_prepared(b"s", [])
        assert result.status == pq.ExecStatus.COPY_OUT
        assert [through.pgconn.get_copy_data(0)[1] for _ in range(3)] == [b"1\n", b"2\n", b"3\n"]
        assert through.pgconn.get_copy_data(0)[0] == -1
        while through.pgconn.get_result() is not None:
            pass
