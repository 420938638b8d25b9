"""Shapes of statements: what is cut out of a text is a constant beyond doubt, and nothing else is cut out."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from gateway.sql.normalised import _normalised, normalised
from gateway.sql.shapes import Constant, alike, selected, shape
from gateway.sql.tokens import tokens

_CASES = Path(__file__).parents[1]
_CONSTANTS = {"string", "number"}


def _corpus() -> set[str]:
    """Return the statements of all golden scripts, whole and cut at the ends of lines."""
    files = sorted(_CASES.glob("*/cases/*.sql"))
    blocks = [block for file in files for block in file.read_text(encoding="utf-8").split("\n\n")]
    return {*blocks, *(line for block in blocks for line in block.splitlines())}


def _another(of: Constant) -> str:
    return {Constant.INT4: "4711", Constant.INT8: "4711000000000", Constant.STRING: "'it''s'"}[of]


def test_what_is_cut_out_is_a_constant_to_the_lexer() -> None:
    shaped = 0
    for text in _corpus():
        found = shape(text)
        if found is None:
            continue  # of an unterminated one, too: then `tokens` raises below
        shaped += 1
        pairs = zip(found.pieces, (*found.constants, ""), strict=True)
        assert "".join(part for pair in pairs for part in pair) == text
        at, starts = 0, set()
        for piece, constant in zip(found.pieces, found.constants, strict=False):
            starts.add((at + len(piece), constant))
            at += len(piece) + len(constant)
        assert normalised(text) == _normalised(text, False)
        others = "".join(
            part for pair in zip(found.pieces, (*map(_another, found.classes), ""), strict=True) for part in pair
        )
        assert normalised(others) == _normalised(others, False) == normalised(text)
        read = {(word.start, word.text) for word in tokens(text) if word.kind in _CONSTANTS}
        assert starts <= read, text
    assert shaped > 500


_OTHERS = (
    *("0", "7", "999999999", "2147483648", "007", "-1", "1.5", "1e5", "0x1F", "1_000", "1a", "", " ", "1 1", "$1"),
    *(
        "''",
        "'a b-c'",
        "'2026-11-23 10:00:00+01'",
        "'it''s'",
        "'$x$'",
        "'a--b'",
        "'/*'",
        "'ä'",
        "'x\\'",
        "'x' 'y'",
        "'",
    ),
    *("E'x'", "'x'--", "'\n'", "'x\0'", '"a"', "NULL", "'" + "x" * 61 + "'", "'" + "x" * 60 + "'"),
)


def test_what_matches_a_shape_has_it() -> None:
    choose, matched, unmatched = random.Random(17), 0, 0
    for text in sorted(_corpus()):
        found = shape(text)
        if found is None:
            continue
        chosen = frozenset(at for at in range(len(found.constants)) if choose.random() < 0.7)
        pattern = alike(found, chosen)
        for _ in range(12 if pattern is not None else 0):
            constants = [choose.choice(_OTHERS) if at in chosen else one for at, one in enumerate(found.constants)]
            other = "".join(part for pair in zip(found.pieces, (*constants, ""), strict=True) for part in pair)
            match = pattern.fullmatch(other.encode()) if pattern is not None else None
            if match is None:
                unmatched += 1
                continue
            matched += 1
            read = shape(other)
            assert read is not None and (read.key, read.pieces) == (found.key, found.pieces), other
            assert read.fixed(chosen) == found.fixed(chosen), other
            assert match.groups() == tuple(read.value(at) for at in sorted(chosen)), other
    assert matched > 500 and unmatched > 500


@pytest.mark.parametrize(
    ("constant", "same", "others"),
    [
        ("1;", ("2;", "0;", "999999999;"), ("2", "01;", "1000000000;", "1.5;", "-1;", "1 ;", "'1';")),
        ("'x'", ("'y z'", "''", "'2026-11-23'"), ("'a''b'", "'a--b'", "'ä'", "'$'", "1", "'x' ")),
        ("4711000000000", (), ("4711000000001", "1")),
    ],
)
def test_plain_constants_match(constant: str, same: tuple[str, ...], others: tuple[str, ...]) -> None:
    before = "SELECT a FROM t WHERE b = "
    found = shape(before + constant)
    pattern = alike(found, frozenset({0})) if found is not None else None
    assert pattern is not None
    assert [one for one in (*same, *others) if pattern.fullmatch((before + one).encode())] == [*same]


@pytest.mark.parametrize("text", ["SELECT 'ä' FROM t WHERE b = 1", f"SELECT a FROM t WHERE {'b' * 2100} = 1"])
def test_texts_that_are_long_or_not_in_ascii_are_not_matched(text: str) -> None:
    found = shape(text)
    assert found is not None and alike(found, frozenset({len(found.constants) - 1})) is None


def test_a_dollar_sign_within_a_string_is_a_character() -> None:
    found = shape("SELECT a FROM t WHERE b = '^($x$)$1$' AND c = '$'")
    assert found is not None and found.constants == ("'^($x$)$1$'", "'$'")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a FROM t WHERE b = '$' AND c = $$x$$",
        "SELECT a FROM t WHERE b = '$x$' AND c = $x$ '1' $x$",
        "SELECT a FROM t WHERE b = $x$'$x$ OR c = '1'",
        "SELECT a FROM t WHERE a$ = 1",
        'SELECT a FROM t WHERE "$x$" = 1',
        "SELECT a FROM t WHERE b = E'\\''",
        "SELECT a FROM t WHERE b = e'x'",
        "SELECT a FROM t WHERE b = U&'x'",
        "SELECT a FROM t WHERE b = u&'x' AND c = 1",
        "SELECT a FROM t WHERE b = N'x'",
        "SELECT a FROM t WHERE b = B'01'",
        "SELECT a FROM t WHERE b = X'1F'",
        "SELECT a FROM t WHERE b = $$x$$ AND c = 1",
        "SELECT a FROM t WHERE b = $x$ ' $x$ AND c = 1",
        "SELECT a FROM t WHERE b = $1 AND c = 1",
        "SELECT a FROM t WHERE b = 'x'\n'y'",
        "SELECT a FROM t WHERE b = 'x' 'y'",
        "SELECT a FROM t WHERE b = 'x' -- '\nAND c = 'y'",
        "SELECT a FROM t /* ' */ WHERE b = 'x'",
        "SELECT a FROM t WHERE b = 'x\\'",
        "SELECT a FROM t WHERE b = 'x",
        "SELECT a FROM t WHERE b = 'x'''",
        'SELECT a FROM t WHERE "b = 1',
        'SELECT a FROM t WHERE U&"b" = 1',
        "SELECT a FROM t WHERE b = 1\x01",
        "SELECT a FROM t WHERE b = 'x'y",
        "SELECT a FROM t",
    ],
)
def test_what_may_be_read_otherwise_has_no_shape(text: str) -> None:
    if text.endswith("'x'''"):
        found = shape(text)
        assert found is not None and found.value(0) == b"x'"
        return
    assert shape(text) is None


@pytest.mark.parametrize(
    "number", ["1.5", ".5", "1.", "1e5", "0x1F", "0b1", "0o7", "1_000", "007", "1a", "99999999999999999999"]
)
def test_other_numbers_than_plain_ones_stay(number: str) -> None:
    found = shape(f"SELECT a FROM t WHERE b = {number} AND c = 7")
    assert found is not None and found.constants == ("7",)


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("SELECT a FROM t WHERE b = 1", {0}),
        ("SELECT a FROM t WHERE 1 = b", {0}),
        ("SELECT a FROM t WHERE t.b >= 1 AND (c < 2 OR NOT d <> 'x')", {0, 1, 2}),
        ("SELECT a FROM t WHERE b IN (1, 2) AND c BETWEEN 3 AND 4", {0, 1, 2, 3}),
        ("SELECT a FROM t WHERE b IN (SELECT c FROM s WHERE d = 1)", {0}),
        ("SELECT a, 5, 'x' FROM t WHERE b = 1 ORDER BY 1 LIMIT 3 OFFSET 4", {2}),
        ("SELECT a, count(*) FROM t WHERE b = 1 GROUP BY 1 HAVING count(*) > 2", {0}),
        ("SELECT a FROM t WHERE b = -1", set()),
        ("SELECT a FROM t WHERE b + 1 = 2", set()),
        ("SELECT a FROM t WHERE b = 1 + 1", set()),
        ("SELECT a FROM t WHERE b = 1::bigint", set()),
        ("SELECT a FROM t WHERE b::date = 'x'", set()),
        ("SELECT a FROM t WHERE b = date '2020-01-01'", set()),
        ("SELECT a FROM t WHERE b = interval '1 day'", set()),
        ("SELECT a FROM t WHERE b = CAST('x' AS varchar(3))", set()),
        ("SELECT a FROM t WHERE b LIKE 'x'", set()),
        ("SELECT a FROM t WHERE b = ANY (ARRAY[1, 2])", set()),
        ("SELECT a FROM t WHERE 1 = 1", set()),
        ("SELECT a FROM t WHERE f(b, 1) = c", set()),
        ("SELECT a = 1 FROM t", set()),
        ("SELECT sum(a) FILTER (WHERE b = 1) FROM t", set()),
        ("SELECT a FROM t JOIN s ON t.b = 1", set()),
        ("SELECT (b = 1) IS TRUE FROM t", set()),
        ("SELECT a FROM t WHERE (b = 1) IS TRUE", set()),
        ("SELECT a FROM t WHERE (b, c) = (1, 2)", set()),
        ("SELECT a FROM t WHERE b IS NOT DISTINCT FROM 1", set()),
        ("SELECT a FROM t WHERE CASE WHEN b = 1 THEN c = 2 ELSE d = 3 END", set()),
        ("SELECT a FROM t WHERE b = 1; SELECT a FROM t WHERE b = 2", set()),
        ("THIS IS = 1 NOT SQL", set()),
    ],
)
def test_constants_that_are_compared_with_a_column_may_be_parameters(text: str, chosen: set[int]) -> None:
    found = shape(text)
    assert found is not None
    assert selected(found) == chosen


def test_the_types_of_integers_are_part_of_the_shape() -> None:
    numbers = ("0", "1", "2147483647", "2147483648", "9223372036854775807")
    found = [shape(f"SELECT a FROM t WHERE b = {number}") for number in numbers]
    keys = [one.key for one in found if one is not None]
    assert keys[0] == keys[1] == keys[2] != keys[3] == keys[4]


def test_a_shape_puts_nothing_of_a_constant_into_the_text() -> None:
    found = shape("SELECT a FROM t WHERE b = 'it''s :1; DROP' AND c = 3 LIMIT 7")
    assert found is not None
    assert found.with_parameters({0, 1}) == "SELECT a FROM t WHERE b = $1 AND c = $2 LIMIT 7"
    assert found.fixed({0, 1}) == ("7",)
    assert [found.value(index) for index in (0, 1)] == [b"it's :1; DROP", b"3"]
