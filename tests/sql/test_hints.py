"""Comment hints are read as pg_hint_plan reads them."""

from __future__ import annotations

import pytest

from gateway.sql.hints import NO_HINTS, Mistake, hint_comment, read_hints
from gateway.sql.statements import split
from gateway.tuning import USUAL
from optimizer.hints import JoinMethod, Leading, Rows


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ("/*+ HashJoin(a b) */ SELECT 1", " HashJoin(a b) "),
        ("SELECT /*+ HashJoin(a b) */ 1", " HashJoin(a b) "),
        ("EXPLAIN (COSTS off, VERBOSE)\n/*+x*/ SELECT 1", "x"),
        ("SELECT a.* /*+ HashJoin(a b) */ FROM a", ""),
        ("SELECT '/*+ HashJoin(a b) */'", ""),
        ("-- /*+ HashJoin(a b) */\nSELECT 1", ""),
        ("/* + HashJoin(a b) */ SELECT 1", ""),
        ("/* a */ /*+ HashJoin(a b) */ SELECT 1", ""),
        ("/*+ HashJoin(a b) */ /*+ Leading(a b) */ SELECT 1", " HashJoin(a b) "),
    ],
)
def test_where_they_stand(text: str, comment: str) -> None:
    assert hint_comment(text) == comment
    assert [one.hints for one in split(text)] == [comment]


def test_each_statement_has_its_own() -> None:
    text = "/*+ Leading(a b) */ SELECT 1; SELECT 2; /*+ Leading(c d) */ SELECT ';' /*+ Leading(e f) */"
    assert [one.hints for one in split(text)] == [" Leading(a b) ", "", " Leading(c d) "]
    assert split("SELECT 1;\n/*+ Set(lakegate.feedback off) */;")[0].hints == ""


def test_every_hint() -> None:
    found = read_hints(
        'leading((a ("b c" d))) HASHJOIN(a\n"b c") Rows(a d #1e3)Rows(a d d2 *.5) NoNestLoop(a d)'
        " Set(lakegate.join_reordering off) Set(work_mem '1MB') SeqScan(a) Parallel(a 3 hard)"
    )
    assert found.mistake is None
    assert {*found.hints} == {
        Leading('leading((a ("b c" d)))', ("a", "b c", "d"), ("a", ("b c", "d"))),
        Rows("Rows(a d #1e3)", ("a", "d"), "#", 1000.0),
        Rows("Rows(a d d2 *.5)", ("a", "d", "d2"), "*", 0.5),
        JoinMethod('HASHJOIN(a "b c")', ("a", "b c"), "HashJoin"),
        JoinMethod("NoNestLoop(a d)", ("a", "d"), "NoNestLoop"),
    }
    assert [text for text, _ in found.unheeded] == ["Set(work_mem '1MB')", "SeqScan(a)", "Parallel(a 3 hard)"]
    tuned = found.tuned(USUAL)
    assert not tuned.join_reordering and tuned.feedback and tuned.pushdown and tuned.dynamic_filters


@pytest.mark.parametrize(
    ("comment", "mistake"),
    [
        ("HashJon(a b)", Mistake("HashJon(a b)", 'Unrecognized hint keyword "HashJon".')),
        ("HashJoin a b", Mistake("a b", "Opening parenthesis is necessary.")),
        ("HashJoin(a b", Mistake("", "Closing parenthesis is necessary.")),
        ("HashJoin(a)", Mistake("HashJoin(a)", "HashJoin hint requires at least two relations.")),
        ("HashJoin(a a)", Mistake("HashJoin(a a)", 'Relation name "a" is duplicated.')),
        ("HashJoin((a b))", Mistake("HashJoin((a b))", "Closing parenthesis is necessary.")),
        ('HashJoin(a "b)', Mistake('"b)', "Unterminated quoted string.")),
        (
            "Leading((a b c))",
            Mistake("Leading((a b c))", "Leading hint requires two sets of relations when parentheses nests."),
        ),
        ("Rows(a b)", Mistake("b", "Unrecognized rows value type notation.")),
        ("Rows(a b 10)", Mistake("10", "Unrecognized rows value type notation.")),
        ("Rows(#10)", Mistake("Rows(#10)", "Rows hint needs at least one relation followed by one correction term.")),
        ("Set(a)", Mistake("Set(a)", "Set hint requires name and value of GUC parameter.")),
        (
            "Set(lakegate.feedback perhaps)",
            Mistake("Set(lakegate.feedback perhaps)", 'parameter "lakegate.feedback" requires a Boolean value.'),
        ),
        ("/* a */", Mistake("/* a */", "Nested block comments are not supported.")),
        (")", Mistake(")", 'Unrecognized hint keyword "".')),
    ],
)
def test_what_is_none_ends_the_reading(comment: str, mistake: Mistake) -> None:
    found = read_hints(f"HashJoin(x y) {comment} ")
    assert found.mistake == mistake
    if "/*" not in comment:
        assert [one.text for one in found.hints] == ["HashJoin(x y)"]


def test_the_last_one_counts() -> None:
    found = read_hints("Leading(a b) HashJoin(a b) MergeJoin(b a) Leading(b a) Rows(a b #1) Rows(b a +1)")
    assert [one.text for one in found.hints] == ["MergeJoin(b a)", "Leading(b a)", "Rows(b a +1)"]
    assert found.repeated == ("HashJoin(a b)", "Leading(a b)", "Rows(a b #1)")


def test_hostile_comments_end() -> None:
    assert read_hints("Leading(" + "(" * 5000 + "a").mistake is not None
    assert read_hints("HashJoin(" + "a " * 100_000 + ")").mistake == Mistake(
        "", "The comment is longer than 65536 bytes."
    )
    assert read_hints("  ") is NO_HINTS
