"""Statements of one shape: with whatever constants, each gives what it gives when it is planned by itself."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
import pytest
from psycopg import pq

from tests.gateway import EVE, RunningGateway, SampleLake

_STATEMENTS: Sequence[tuple[str, Sequence[tuple[str, ...]]]] = (
    ("SELECT title FROM origin.things WHERE id = {}", (("1",), ("2",), ("3",), ("4",), ("2147483647",))),
    ("SELECT id FROM origin.things WHERE {} <= id ORDER BY id", (("1",), ("2",), ("0",))),
    ("SELECT id FROM origin.things WHERE id = {}", (("1",), ("2147483648",), ("3" * 10,), ("9223372036854775808",))),
    ("SELECT id, free FROM origin.things WHERE free > {} ORDER BY 1 LIMIT 2", (("0",), ("12345",), ("99",))),
    ("SELECT id FROM origin.things WHERE code = '{}'", (("ab",), ("ab   ",), ("",), (" ab",), ("zz",))),
    ("SELECT id FROM origin.things WHERE title = '{}'", (("a title",), ("",), ("a title ",), ("it''s",), ("ä",))),
    ("SELECT id FROM origin.things WHERE title IN ('{}', '{}')", (("a title", ""), ("", ""), ("x", "a title"))),
    ("SELECT id FROM origin.things WHERE id IN ({}, {}) ORDER BY id", (("1", "2"), ("3", "3"), ("2", "7"))),
    ("SELECT id FROM origin.things WHERE id BETWEEN {} AND {} ORDER BY id", (("1", "2"), ("2", "3"), ("3", "1"))),
    ("SELECT {}, id FROM origin.things WHERE id = {}", (("1", "1"), ("2", "1"), ("2", "2"))),
    ("SELECT id FROM origin.things ORDER BY {}, id LIMIT {}", (("1", "1"), ("1", "2"), ("1", "3"))),
    ("SELECT count(*), '{}' FROM origin.things WHERE id > {}", (("a", "1"), ("b", "1"), ("b", "2"))),
    ("SELECT clock FROM origin.things WHERE clock = '{}'", (("13:14:15.5",), ("1:14:15.5 PM",), ("00:00",))),
    ("SELECT id FROM origin.things WHERE feeling = '{}'", (("happy",), ("sad",), ("happy",))),
    ("SELECT id FROM origin.things WHERE uid = '{}'", (("00112233-4455-6677-8899-aabbccddeeff",), ("0" * 32,))),
    ("SELECT id FROM origin.things WHERE code = '{}' AND NOT id = {}", (("ab", "2"), ("ab", "1"), ("ab", "3"))),
    ("SELECT id % {} AS m, count(*) FROM origin.things WHERE id > {} GROUP BY 1", (("2", "0"), ("3", "0"), ("3", "1"))),
    ("SELECT id FROM origin.things WHERE id = {};", (("1",), ("2",), ("3",))),
    ("SELECT id FROM origin.things a WHERE EXISTS (SELECT FROM origin.things b WHERE b.id = a.id AND b.id = {})",
     (("1",), ("2",), ("5",))),
)  # fmt: skip
_WRONG: Sequence[tuple[str, Sequence[tuple[str, ...]]]] = (
    ("SELECT id FROM origin.things WHERE title = {}", (("1",), ("2",), ("3",))),
    ("SELECT id FROM origin.things WHERE id = '{}'", (("1",), ("x",), ("2",))),
    ("SELECT id FROM origin.things WHERE clock = '{}'", (("00:00",), ("25:00",), ("00:00",))),
    ("SELECT id FROM origin.things WHERE id = {} AND 1 / (id - 1) > 5", (("2",), ("1",), ("3",))),
    ("SELECT nothing FROM origin.things WHERE id = {}", (("2",), ("1",), ("3",))),
    ("SELECT id FROM origin.nothing WHERE id = {}", (("2",), ("1",), ("3",))),
)


def _told(connection: psycopg.Connection, text: str) -> object:
    """Run a text as a simple query; return its columns and values, or its error."""
    result = connection.pgconn.exec_(text.encode())
    if result.status != pq.ExecStatus.TUPLES_OK:
        fields = (pq.DiagnosticField.SQLSTATE, pq.DiagnosticField.MESSAGE_PRIMARY)
        return tuple(result.error_field(one) for one in fields)
    columns = [(result.fname(at), result.fmod(at)) for at in range(result.nfields)]
    rows = [tuple(result.get_value(row, at) for at in range(result.nfields)) for row in range(result.ntuples)]
    return columns, rows, result.command_status


@pytest.mark.parametrize(("text", "constants"), [*_STATEMENTS, *_WRONG])
def test_each_is_answered_as_by_the_server(
    through: psycopg.Connection, direct: psycopg.Connection, text: str, constants: Sequence[tuple[str, ...]]
) -> None:
    for each in (*constants, *constants):
        statement = text.format(*each)
        assert _told(through, statement) == _told(direct, statement), statement


def _texts_at_the_source(lake: SampleLake, marker: str) -> set[str]:
    """Return the statements of that marker that sessions of the source had last."""
    with psycopg.connect(lake.metadata_url, autocommit=True) as owner:
        found = owner.execute(
            "SELECT query FROM pg_stat_activity WHERE query LIKE %s AND pid <> pg_backend_pid()",
            (f"%{marker}%AS statement OFFSET%",),
        )
        return {row[0] for row in found}


def test_constants_are_never_part_of_the_text(through: psycopg.Connection, lake: SampleLake) -> None:
    values = ("x''; DROP TABLE things; SELECT ''", "1) OR (1=1", "''", "''''", "%s {} :1", "ab", "zz\n--"[:3], "ẞ")
    text = "SELECT id AS shaped_marker FROM origin.things WHERE code = '{}'"
    for value in ("first", "second", *values):
        rows = through.execute(text.format(value).encode()).fetchall()
        assert rows == ([(1,)] if value == "ab" else [(2,)] if value in ("", " ") else []), value
    (sent,) = _texts_at_the_source(lake, "shaped_marker")
    assert "$1" in sent and "DROP" not in sent


def test_a_constant_that_decides_something_is_planned_anew(through: psycopg.Connection, lake: SampleLake) -> None:
    text = "SELECT id AS fixed_marker FROM origin.things WHERE id > {} ORDER BY 1 LIMIT {}"
    for low, most in ((0, 1), (1, 1), (0, 2), (1, 2), (1, 2), (0, 3), (0, 3), (1, 3)):
        rows = through.execute(text.format(low, most).encode()).fetchall()
        assert [row[0] for row in rows] == [1, 2, 3][low : low + most]
        if (low, most) == (1, 3):
            assert any("$1" in sent and "LIMIT 3" in sent for sent in _texts_at_the_source(lake, "fixed_marker"))


def test_a_shape_holds_for_who_asked_and_what_he_may_read(gateway: RunningGateway) -> None:
    text = "SELECT id FROM origin.things WHERE id = {}"
    with gateway.connect() as ada, gateway.connect(EVE) as eve:
        for value in (1, 2, 3):
            assert ada.execute(text.format(value).encode()).fetchall() == [(value,)]
        for value in (1, 2, 3):
            with pytest.raises(psycopg.errors.UndefinedTable):
                eve.execute(text.format(value).encode())
        try:
            ada.execute(f"GRANT USAGE ON SCHEMA origin TO {EVE}".encode())
            ada.execute(f"GRANT SELECT (id) ON origin.things TO {EVE}".encode())
            for value in (1, 2, 3):
                assert eve.execute(text.format(value).encode()).fetchall() == [(value,)]
            ada.execute(f"CREATE POLICY few ON origin.things TO {EVE} USING (id <> 2)".encode())
            ada.execute("ALTER TABLE origin.things ENABLE ROW LEVEL SECURITY")
            assert [eve.execute(text.format(value).encode()).fetchall() for value in (1, 2, 3)] == [[(1,)], [], [(3,)]]
            assert [ada.execute(text.format(value).encode()).fetchall() for value in (2, 3)] == [[(2,)], [(3,)]]
            ada.execute("ALTER TABLE origin.things DISABLE ROW LEVEL SECURITY")
            assert eve.execute(text.format(2).encode()).fetchall() == [(2,)]
            ada.execute(f"SET ROLE {EVE}".encode())
            assert ada.execute(text.format(3).encode()).fetchall() == [(3,)]
            ada.execute("RESET ROLE")
        finally:
            ada.execute("ALTER TABLE origin.things DISABLE ROW LEVEL SECURITY")
            ada.execute("DROP POLICY IF EXISTS few ON origin.things")
            ada.execute(f"REVOKE SELECT (id) ON origin.things FROM {EVE}".encode())
            ada.execute(f"REVOKE USAGE ON SCHEMA origin FROM {EVE}".encode())
        for value in (1, 2):
            with pytest.raises(psycopg.errors.UndefinedTable):
                eve.execute(text.format(value).encode())


def test_names_mean_what_they_mean_at_the_moment(through: psycopg.Connection) -> None:
    text = "SELECT id FROM things WHERE id = {}"
    through.execute("SET search_path TO origin")
    for value in (1, 2, 3):
        assert through.execute(text.format(value).encode()).fetchall() == [(value,)]
    through.execute("SET search_path TO public")
    with pytest.raises(psycopg.errors.UndefinedTable):
        through.execute(text.format(1).encode())
    through.execute("SET search_path TO origin")
    through.execute("CREATE TEMP TABLE things (id) AS VALUES (7)")
    assert [through.execute(text.format(value).encode()).fetchall() for value in (1, 7)] == [[], [(7,)]]
    through.execute("DROP TABLE pg_temp.things")
    assert [through.execute(text.format(value).encode()).fetchall() for value in (1, 7)] == [[(1,)], []]


def test_settings_that_change_how_a_text_is_read(through: psycopg.Connection) -> None:
    text = "SELECT id FROM origin.things WHERE code = '{}'"
    for value in ("ab", "b", "ab"):
        assert through.execute(text.format(value).encode()).fetchall() == ([(1,)] if value == "ab" else [])
    through.execute("SET standard_conforming_strings TO off")
    assert through.execute(text.format("ab").encode()).fetchall() == [(1,)]
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        through.execute(text.format("a\\142").encode())
    through.execute("SET standard_conforming_strings TO on; SET client_encoding TO LATIN1")
    assert through.pgconn.exec_(text.format("ab\xe4").encode("latin-1")).ntuples == 0
    assert through.pgconn.exec_(text.format("ab").encode()).ntuples == 1


def test_inside_of_transactions(through: psycopg.Connection) -> None:
    text = "SELECT id FROM origin.things WHERE id + 0 > 0 AND id = {}"
    with through.transaction():
        for value in (1, 2, 3):
            assert through.execute(text.format(value).encode()).fetchall() == [(value,)]
    for value in (1, 2, 3):
        assert through.execute(text.format(value).encode()).fetchall() == [(value,)]
    through.execute("BEGIN")
    assert through.execute(text.format(2).encode()).fetchall() == [(2,)]
    with pytest.raises(psycopg.errors.DivisionByZero):
        through.execute("SELECT 1 / 0")
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        through.execute(text.format(2).encode())
    through.execute("ROLLBACK")
    assert through.execute(text.format(2).encode()).fetchall() == [(2,)]


def test_a_new_session_knows_the_shapes_of_others(gateway: RunningGateway, lake: SampleLake) -> None:
    text = "SELECT id AS early_marker FROM origin.things WHERE id = {}"
    for value in (1, 2, 3):
        with gateway.connect() as connection:
            assert connection.execute(text.format(value).encode()).fetchall() == [(value,)]
    assert any("$1" in sent for sent in _texts_at_the_source(lake, "early_marker"))
    with gateway.connect() as connection:
        connection.execute("SET TimeZone TO 'Asia/Tokyo'")
        assert connection.execute(text.format(2).encode()).fetchall() == [(2,)]
        connection.execute(f"SET ROLE {EVE}".encode())
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute(text.format(3).encode())
