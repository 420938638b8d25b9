"""The cut of a text into statements is PostgreSQL's own: a difference would let a statement through unseen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import Random

import psycopg
import pytest
from psycopg import pq
from sqlglot import exp

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql import complexity
from gateway.sql.session_state import Authorization, authorization_to_set
from gateway.sql.statements import Kind, parse_query, split
from tests.gateway import SampleLake

_PIECES = (
    *("'", "'", "''", "\\", "\\'", "E'", "e'", "U&'", 'u&"', "x'", "B'", "N'", '"', '""', "'a'", "E'a'"),
    *("$$", "$a$", "$\u00a0$", "$é$", "$1", "$a", "a$", ";", ";", "--", "--\n", "/*", "*/", "/", "*", "-", "+", "@"),
    *("\n", "\r", " ", "\t", "\f", "\v", "\u00a0", "\u3000", "é", "\u0661", ",", "(", ")", "a", "x", "e", "n", "u&"),
    *("1", "1e", "0x1", "1.", "SELECT ", "SELECT 1", "SELECT 1;", " UESCAPE ", "::text"),
)
_OPENINGS = (
    *(
        "'",
        "E'",
        "$$",
        "U&'",
        "'a'\n",
        "E'a'\n'",
        "E'a'--x\n'",
        "E'a' --\n --y\r'",
        "",
        '"',
        "/*",
        "x'",
        "$\u00a0$",
        "n'",
    ),
)
_ENDINGS = ("; SELECT 2 --'", "'", "' ; SELECT 2 --'", "$$", "'; SELECT 2", '"', "*/1", "", " --'")


@pytest.fixture
def postgres(lake: SampleLake) -> Iterator[psycopg.Connection]:
    with psycopg.connect(lake.reference_dsn, autocommit=True) as connection:
        yield connection


def _is_one(postgres: psycopg.Connection, text: str) -> bool | None:
    """Say whether PostgreSQL reads a text as one statement, None where it reads none."""
    result = postgres.pgconn.prepare(b"", text.encode())
    if result.status == pq.ExecStatus.COMMAND_OK:
        return True
    message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b""
    if b"multiple commands" in message:
        return False
    wrong = result.error_field(pq.DiagnosticField.SQLSTATE) == b"42601" or b"invalid" in message
    return None if wrong or b"unterminated" in message else True


def _cut(text: str) -> bool | None:
    try:
        statements = split(text)
    except SqlError as error:  # a command that is not served, as one of several statements
        assert error.sqlstate in (SqlState.SYNTAX_ERROR, SqlState.FEATURE_NOT_SUPPORTED)
        return ";" not in text
    return None if statements[0].kind is Kind.UNREADABLE else len(statements) == 1


def test_random_texts_are_cut_as_postgresql_cuts_them(postgres: psycopg.Connection) -> None:
    random = Random(7)
    read = 0
    for _ in range(12_000):
        pieces = "".join(random.choice(_PIECES) for _ in range(random.randrange(1, 9)))
        if random.random() < 0.6:
            pieces = random.choice(_OPENINGS) + pieces + random.choice(_ENDINGS)
        text = f"SELECT {pieces}"
        expected = _is_one(postgres, text)
        if expected is not None:  # what it does not read, it does not execute
            read += 1
            assert _cut(text) == expected, repr(text)
    assert read > 1_000


@pytest.mark.parametrize(
    "text",
    [
        "SELECT $\u00a0$ ' $\u00a0$; VACUUM t; --'",
        "SELECT E'a'\n'\\'' ; VACUUM t; --'",
        "SELECT E'a' -- comment\n'\\'' ; VACUUM t; --'",
        "SELECT 1 /* /* */ ' */ ; VACUUM t --'",
        "SELECT 1 -- '\r; VACUUM t --'",
        "SELECT U&'\\', ' ' ; VACUUM t --'",
    ],
)
def test_a_statement_is_not_hidden_in_what_looks_like_a_string(text: str) -> None:
    with pytest.raises(SqlError, match="VACUUM is not supported"):
        split(text)


@pytest.mark.parametrize("text", ["SELECT 'a", 'SELECT "a', "SELECT /* /* */", "SELECT 'a''", "SELECT 1; SELECT 'b"])
def test_a_text_without_end_is_unreadable(text: str) -> None:
    assert [one.kind for one in split(text)] == [Kind.UNREADABLE]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "array[" * 30 + "1" + "]" * 30,  # time that doubles with each level
        "SELECT " + "numeric(" * 30 + "1" + ")" * 30,
        "SELECT " + '"date"(' * 30 + "1" + ")" * 30,
        "SELECT " + "array[date(" * 15 + "1" + ")]" * 15,
        "SELECT a" + "[1]" * 15_000,
        "SELECT * FROM " + "(SELECT * FROM " * 8_000 + "t" + ") a" * 8_000,  # the end of the process
        "SELECT " + "(" * 20_000 + "1" + ")" * 20_000,
        "SELECT 1" + "+" * 1_000_000,
    ],
)
def test_what_the_parser_cannot_bear_is_refused_at_once(text: str) -> None:
    started = time.process_time()
    with pytest.raises(SqlError) as caught:
        split(text)
    assert caught.value.sqlstate == SqlState.STATEMENT_TOO_COMPLEX
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "text",
    [
        "SELECT array[array[array[array[array[array[1]]]]]], date(date(date('2020-01-01')))",
        f"SELECT n FROM t WHERE n = ANY (ARRAY[{', '.join(map(str, range(10_000)))}])",
        f"SELECT n FROM t WHERE n IN ({', '.join(map(str, range(20_000)))})",
        "SELECT a[1][2][3][4][5][6], " + "(" * 100 + "1" + ")" * 100,
    ],
)
def test_large_statements_are_parsed(text: str) -> None:
    (statement,) = split(text)
    started = time.process_time()
    assert parse_query(statement.text) is not None
    assert time.process_time() - started < 5


def test_the_words_of_the_limits_are_types() -> None:
    assert {"ARRAY", "NUMERIC", "DATE", "VARYING", "PRECISION"} <= complexity.TYPES


@pytest.mark.parametrize(
    ("text", "name", "is_local"),
    [
        ("SET SESSION AUTHORIZATION Bob", "bob", False),
        ('SET SESSION SESSION AUTHORIZATION "Bob ""B"""', 'Bob "B"', False),
        ("SET LOCAL SESSION AUTHORIZATION 'b''ob'", "b'ob", True),
        ("SET session_authorization = bob", "bob", False),
        ('SET "session_authorization" TO bob', "bob", False),
        ("SET LOCAL session_authorization TO 'bob'", "bob", True),
        ('SET SESSION /* x */ AUTHORIZATION "default"', "default", False),
        ("SET SESSION AUTHORIZATION bob, eve", None, False),
        ("SET SESSION AUTHORIZATION E'bob'", None, False),
        ("SET LOCAL SESSION AUTHORIZATION DEFAULT", None, False),
        ('SET SESSION AUTHORIZATION U&"b\\006fb"', None, False),
    ],
)
def test_session_authorization_is_read_as_postgresql_does(text: str, name: str | None, is_local: bool) -> None:
    (statement,) = split(text)
    assert statement.kind is Kind.AUTHORIZATION
    found = authorization_to_set(statement)
    assert found == (None if name is None else Authorization(name, is_local))


@pytest.mark.parametrize("text", ["SET SESSION AUTHORIZATION DEFAULT", "RESET SESSION AUTHORIZATION", "SET ROLE bob"])
def test_what_the_mirror_judges_alone(text: str) -> None:
    (statement,) = split(text)
    assert statement.kind is Kind.SESSION


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("select a from t where a in ($1,$2,$3)", 3),
        ("select f($1,$2), (select b from hidden), f($1,$2)", 4),
        ("select '$1,$2' from t where a = $1or b=$2", 2),
        ("select $x$ $1,$2 $x$, $2 from t /* $1,$2 */", 1),
    ],
)
def test_parameters_beside_each_other_are_no_string(text: str, parameters: int) -> None:
    tree = parse_query(text)
    assert tree is not None
    assert len(list(tree.find_all(exp.Parameter))) == parameters
    assert ("hidden" in text) == any(table.name == "hidden" for table in tree.find_all(exp.Table))
    for column in tree.find_all(exp.Column):
        start, end = column.this.meta["start"], column.this.meta["end"]
        assert text[start : end + 1] == column.name
