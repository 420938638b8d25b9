"""The normalised text of a statement holds nothing of its constants, however malformed it is."""

from __future__ import annotations

import json

import pytest

from gateway.audit.entries import Outcome, Reading
from gateway.sql.normalised import SHORT, _normalised, known_reading, normalised

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("select 1", "select ?"),
        ("SELECT  a -- why\n FROM t /* x /* y */ */ WHERE b='c' AND d=1.5e3", "SELECT a FROM t WHERE b=? AND d=?"),
        ("select $1, $2::int", "select $1, $2::int"),
        ('select "Column" from "s"."t"', 'select "Column" from "s"."t"'),
        ("select 'a''b', E'a\\'b', $q$c$q$, $$d$$, U&'\\0061', x'1f'", "select ?, ?, ?, ?, ?, ?"),
        ("select '1'::int + -2", "select ?::int + -?"),
        ("select 'a'\n'b'", "select ? ?"),
        ("select 1; select 'x'", "select ?; select ?"),
        ("", ""),
        ("select\n\x1b[31mred", "select \x1b[?"),  # escaped as JSON, later
    ],
)
def test_constants_become_question_marks(text: str, kept: str) -> None:
    assert normalised(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        f"alter role ada password '{SECRET}'",
        f"alter role ada password '{SECRET}",
        f"alter role ada password E'{SECRET}\\'",
        f'alter role ada password "{SECRET}"',
        f'alter role ada password "{SECRET}',
        f"alter role ada password {SECRET}",
        f"alter role ada password $${SECRET}$$",
        f"alter role ada password $${SECRET}",
        f"alter role ada password $x${SECRET}$y$",
        f"alter role ada password 'a'{SECRET}'b'",
        f"alter role ada password 'a'{SECRET}",
        f"alter role ada password 'a'{SECRET}'",
        f"alter role ada password 'it's {SECRET}'",
        f"select 1 /* {SECRET}",
        f"select 1 /* {SECRET} */",
        f"select 1 -- {SECRET}",
        f"select U&'{SECRET}",
        f"select '{SECRET}\0{SECRET}'",
        f"select 1{SECRET}",
        f"select 0x{SECRET}",
        f"select '' /* ' */ {SECRET}'",
    ],
)
def test_nothing_of_a_secret_is_kept(text: str) -> None:
    assert SECRET not in normalised(text)


def test_strings_with_escapes_are_not_read_as_if_they_had_none() -> None:
    text = f"select 'a\\' {SECRET} '"
    assert SECRET not in normalised(text, backslashes=True)


def test_setting_a_secret_without_quotes_hides_it() -> None:
    assert SECRET not in normalised(f"SET app.api_key TO {SECRET}")
    assert normalised("SET search_path TO sales, public") == "SET search_path TO sales, public"


def test_policies_and_their_tables_are_named() -> None:
    reading = Reading("engine", ("sales.orders",), policies=("tenants ON sales.orders",))
    assert json.loads(f"{{{Outcome(reading=reading).json()}}}")["policies"] == ["tenants ON sales.orders"]


def test_what_was_read_is_known_however_long() -> None:
    text = f"SELECT {', '.join(f'a AS known_{number}' for number in range(200))} FROM t WHERE b = {SECRET!r}"
    assert len(text) > SHORT and known_reading(text) is None
    assert normalised(text) == known_reading(text) == _normalised(text, False)
    other = text.replace(SECRET, "another")
    assert known_reading(other) == normalised(other) == normalised(text)
    assert known_reading(text + "\\") is None
    assert normalised(text + "\\", backslashes=True) != normalised(text + "\\")


def test_what_was_read_is_known_to_who_has_sent_it_alone() -> None:
    text = "SELECT a AS known_to_one FROM t WHERE b = 'x'"
    assert normalised(text, "ada") == known_reading(text, "ada")
    assert known_reading(text, "bob") is None
