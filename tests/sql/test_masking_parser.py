"""Statements on masks and tags, as they are read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql import masking_statements as ast
from gateway.sql.masking_parser import is_masking_statement, parse_masking
from gateway.sql.masking_statements import Expression, MaskingStatement, Place, RelationName
from gateway.sql.statements import Kind, split

PEOPLE = RelationName("people", "hr", 13)
READ: dict[str, MaskingStatement] = {
    "CREATE MASKING POLICY p (value text) RETURNS text AS mask_email(value)": ast.CreatePolicy(
        "p", (("value", "text"),), "text", Expression("mask_email(value)", 53)
    ),
    'create or replace masking policy "P x" (a numeric(10, 2), "b" text[]) returns double  precision as (a + 1) * 2': (
        ast.CreatePolicy(
            "P x",
            (("a", "numeric(10, 2)"), ("b", "text[]")),
            "double  precision",
            Expression("(a + 1) * 2", 99),
            or_replace=True,
        )
    ),
    "CREATE MASKING POLICY IF NOT EXISTS p (v timestamp with time zone) RETURNS timestamp with time zone AS 'AS'": (
        ast.CreatePolicy(
            "p",
            (("v", "timestamp with time zone"),),
            "timestamp with time zone",
            Expression("'AS'", 103),
            if_not_exists=True,
        )
    ),
    "ALTER MASKING POLICY p RENAME TO q": ast.RenamePolicy("p", "q"),
    "ALTER MASKING POLICY p SET BODY AS a;"[:-1]: ast.SetPolicyBody("p", Expression("a", 35)),
    "DROP MASKING POLICY p": ast.DropPolicy("p"),
    "DROP MASKING POLICY IF EXISTS p RESTRICT": ast.DropPolicy("p", if_exists=True),
    "ALTER TABLE hr.people ALTER COLUMN c SET MASKING POLICY p": ast.SetColumnPolicy(PEOPLE, "c", "p"),
    'ALTER TABLE hr.people ALTER c SET MASKING POLICY p USING (c, D, "E")': ast.SetColumnPolicy(
        PEOPLE, "c", "p", ("c", "d", "E")
    ),
    "ALTER TABLE people ALTER COLUMN c UNSET MASKING POLICY": ast.UnsetColumnPolicy(
        RelationName("people", None, 13), "c"
    ),
    "CREATE TAG t": ast.CreateTag("t"),
    "CREATE TAG IF NOT EXISTS t VALUES ('a', 'it''s')": ast.CreateTag("t", ("a", "it's"), if_not_exists=True),
    "DROP TAG t": ast.DropTag("t"),
    "ALTER TABLE hr.people SET TAG t = 'x'": ast.SetTag(Place(table=PEOPLE), "t", "x"),
    "ALTER TABLE hr.people ALTER COLUMN c SET TAG t = ''": ast.SetTag(Place(table=PEOPLE, column="c"), "t", ""),
    "ALTER TABLE hr.people ALTER COLUMN c UNSET TAG t": ast.UnsetTag(Place(table=PEOPLE, column="c"), "t"),
    "ALTER SCHEMA hr SET TAG t = 'x'": ast.SetTag(Place(schema="hr"), "t", "x"),
    "ALTER DATABASE lake UNSET TAG t": ast.UnsetTag(Place(database="lake"), "t"),
    "ALTER TAG t SET MASKING POLICY p": ast.SetTagPolicy("t", "p"),
    "ALTER TAG t UNSET MASKING POLICY p": ast.UnsetTagPolicy("t", "p"),
    "CREATE MASKING SECRET s": ast.CreateSecret("s"),
    "ALTER MASKING SECRET s ROTATE": ast.RotateSecret("s"),
    "DROP MASKING SECRET IF EXISTS s": ast.DropSecret("s", if_exists=True),
    "CREATE /* a */ TAG -- b\n Ünïcode": ast.CreateTag("Ünïcode"),
}


@pytest.mark.parametrize(("text", "expected"), READ.items(), ids=READ)
def test_statements_are_read(text: str, expected: MaskingStatement) -> None:
    assert parse_masking(text) == expected
    assert [(one.kind, one.text) for one in split(f"{text}; SELECT 1")] == [
        (Kind.MASKING, text),
        (Kind.QUERY, "SELECT 1"),
    ]


WRONG = {  # with the position of the error
    "CREATE MASKING": 8,
    "CREATE OR REPLACE TAG t": 19,
    "CREATE OR REPLACE MASKING POLICY IF NOT EXISTS p (v text) RETURNS text AS v": 34,
    "CREATE MASKING POLICY p () RETURNS text AS v": 26,
    "CREATE MASKING POLICY p (v text RETURNS text AS v": 50,
    "CREATE MASKING POLICY p (v text, v int) RETURNS text AS v": 25,
    "CREATE MASKING POLICY p (v text) RETURNS text AS": 49,
    "CREATE MASKING POLICY p (v text) RETURNS text AS v) || (v": 51,
    "CREATE MASKING POLICY p (v text) RETURNS text AS (v": 52,
    "CREATE MASKING POLICY p (v text) RETURNS text AS [v)": 52,
    "ALTER MASKING POLICY p SET BODY AS": 35,
    "ALTER TABLE t ALTER COLUMN c SET MASKING POLICY p USING ()": 58,
    "ALTER TABLE t SET TAG a = b": 27,
    "ALTER TABLE t SET TAG a = E'b'": 27,
    "ALTER TABLE t SET TAG a": 24,
    "CREATE TAG 'a'": 12,
    'CREATE TAG ""': 12,
    "CREATE TAG a b": 14,
    "DROP TAG a, b": 11,
}


@pytest.mark.parametrize(("text", "position"), WRONG.items(), ids=WRONG)
def test_errors_tell_their_place(text: str, position: int) -> None:
    with pytest.raises(SqlError) as caught:
        parse_masking(text)
    assert (caught.value.sqlstate, caught.value.position) == (SqlState.SYNTAX_ERROR, position)


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE t ADD COLUMN tag text",
        "CREATE TABLE tag (a int)",
        "CREATE POLICY p ON t USING (true)",
        "DROP TABLE masking",
        "ALTER ROLE tag SET search_path = tag",
    ],
)
def test_other_statements_are_left_alone(text: str) -> None:
    assert not is_masking_statement(text.upper().split())


WORDS = (
    *("CREATE", "ALTER", "DROP", "OR", "REPLACE", "MASKING", "POLICY", "SECRET", "TAG", "TABLE", "SCHEMA", "DATABASE"),
    *("COLUMN", "SET", "UNSET", "USING", "VALUES", "RETURNS", "AS", "BODY", "RENAME", "TO", "IF", "NOT", "EXISTS"),
    *(
        "ROTATE",
        "CASCADE",
        "RESTRICT",
        "text",
        "p",
        "t.c",
        '"Q"',
        'U&"x"',
        "'v'",
        "E'\\''",
        "$$d$$",
        "1",
        "=",
        ",",
        "(",
    ),
    *(")", "[", "]", ".", ";", "é", '""', "''", "'", '"', "/*", "--", "\0", "x" * 70),
)


@given(st.lists(st.sampled_from(WORDS), max_size=16), st.text(max_size=6))
@settings(max_examples=800, deadline=None)
def test_whatever_is_written_is_read_or_refused(words: list[str], rest: str) -> None:
    text = " ".join([*words, rest])
    try:
        found = parse_masking(text)
    except SqlError as error:
        assert error.position is None or 1 <= error.position <= len(text) + 1
    else:
        assert isinstance(found, MaskingStatement)


@given(st.sampled_from(sorted(READ)), st.integers(0, 120), st.sampled_from(WORDS))
@settings(max_examples=400, deadline=None)
def test_one_word_more_is_read_or_refused(text: str, at: int, word: str) -> None:
    changed = f"{text[:at]} {word} {text[at:]}"
    try:
        parse_masking(changed)
    except SqlError as error:
        assert error.position is None or 1 <= error.position <= len(changed) + 1
