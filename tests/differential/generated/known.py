"""The differences that remain, with patterns of the statements they show in. ``docs/differences.md`` tells users."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.differential.generated.verdicts import DIGITS, SCALE, SIGN, Verdict


@dataclass(frozen=True, slots=True)
class Known:
    """A difference that is known: what it is called in the page, and patterns of statements and of verdicts."""

    title: str
    sql: str
    verdict: str


_GROUPING = r"(?i)union|intersect|except|distinct|group by|min\(|max\("
_SCALES_MEET = (
    r"(?i)\b(union|intersect|except|having|values|as|from) \(|\b(union|intersect|except) all|\bhaving\b"
    r"|\b(generate_series|coalesce|greatest|least|nullif|array_agg|jsonb?_agg|string_agg|min|max|sum|avg)\w*\(|\bcase\b"
)
_ARRAYS = r"(?i)numeric\[\]|array\[|array\(|array_agg"
_TOO_MANY_DIGITS = r"an error, not an answer: 22003 (value out of range|a quotient has more digits behind the point)"

KNOWN: tuple[Known, ...] = (
    Known("zeros after the point", _SCALES_MEET, rf"answered wrongly: {SCALE}: .*\(type (1700|25|114|1043|3802)\)"),
    Known("zeros after the point", _ARRAYS, rf"answered wrongly: {SCALE}: .*\(type (1231|25|114|1043|3802)\)"),
    Known("errors of sources", r"\bdb\.", r"other error: (HV000|55000|22\w\w\w source)"),
    Known("which of two errors", r"(?i)range\(", r"other error: 42601 invalid range bound flags\nnot 22\w\w\w"),
    Known(
        "which of two errors", r"(?i)range\(", r"other error: 22000 range constructor flags .*\nnot (42601|22\w\w\w)"
    ),
    Known(
        "summer time from 2100 on",
        r"(?i)timestamptz|\btz\b",
        r"answered wrongly: .*(2[1-9]|[3-9]\d|1\d\d)\d\d-\d\d-\d\d .*\(type 1184\)",
    ),
    Known(
        "summer time from 2100 on", r"(?i)timestamptz|\btz\b", r"answered wrongly: row \d+: b'\\x0[1-3].*\(type 1184\)"
    ),
    Known("which of equal values", _GROUPING, f"answered wrongly: {SIGN}"),
    Known("digits of variances", r"(?i)(var_\w+|variance|stddev\w*)\(", f"answered wrongly: {DIGITS}"),
    Known("ranges behind the year 9999", r"(?i)daterange", r"an error, not an answer: 22P02 .* type date$"),
    Known("digits of products", r"(?<!select) [*/] (?!from)", _TOO_MANY_DIGITS),
    Known("digits of sums", r"(?i)\b(sum|avg|var_\w+|variance|stddev\w*)\(", _TOO_MANY_DIGITS),
    Known("long intervals", r"(?i)interval|\biv\b", r"an error, not an answer: 22008 interval out of range"),
    Known("infinite moments", r"(?i)infinity", r"an error, not an answer: 22(003|P02|008|007)"),
)


def known(sql: str, values: Sequence[tuple[str | None, ...]], verdict: Verdict) -> str | None:
    """Return the title of the known difference that the verdict of a statement is, or None. The statement should have
    been cut down: the patterns ask what it cannot do without.
    """
    text = f"{verdict.kind}: {verdict.text}"
    for one in KNOWN:
        if re.search(one.sql, f"{sql} {values}") and re.search(one.verdict, text):
            return one.title
    return None
