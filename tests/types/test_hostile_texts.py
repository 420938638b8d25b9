"""Texts that no person writes end soon: with PostgreSQL's answer or SQLSTATE or a limit, never in an engine's words."""

from __future__ import annotations

import re
import time

import pytest
from psycopg import pq
from psycopg.pq.abc import PGresult

from tests.types.conftest import Both

_LIMITS = (b"54001", b"54000")
_ENGINE = re.compile(rb"(?i)datafusion|arrow|sqlglot|sqlparser|python|traceback|recursion|internal error|panick|XX000")
_SECONDS = 30.0  # on a machine that does other things too

_INTEGERS = ", ".join(map(str, range(5000)))
_STRINGS = ", ".join(repr(str(number)) for number in range(5000))
_VALUES = ", ".join(f"({number})" for number in range(2000))
_JOINS = " ".join(f"JOIN small.numbers a{number} USING (n)" for number in range(1, 40))
_INNER = "(SELECT max(n) FROM small.numbers WHERE n < "
_UNION = " UNION ALL ".join(f"SELECT n FROM small.numbers WHERE n = {number}" for number in range(200))
_CONDITIONS = " OR ".join(f"n = {number}" for number in range(3000))

_WITH = ", ".join(f"c{at} AS (SELECT a.n FROM c{at - 1} a JOIN c{at - 1} b USING (n))" for at in range(1, 30))

TEXTS = {
    "a list of 5000": f"SELECT n FROM small.numbers WHERE n IN ({_INTEGERS})",
    "a list of 5000 texts": f"SELECT n FROM small.numbers WHERE n::text IN ({_STRINGS})",
    "an array of 5000": f"SELECT n FROM small.numbers WHERE n = ANY (ARRAY[{_INTEGERS}])",
    "values of 2000 rows": f"SELECT count(*) FROM small.numbers JOIN (VALUES {_VALUES}) v (i) ON i = n",
    "1000 parentheses": f"SELECT {'(' * 1000}n{')' * 1000} FROM small.numbers WHERE n = 1",
    "10000 parentheses": f"SELECT {'(' * 10000}n{')' * 10000} FROM small.numbers WHERE n = 1",
    "100 derived tables": f"SELECT n FROM {'(SELECT n FROM ' * 100}small.numbers{') x' * 100} WHERE n < 3",
    "1000 derived tables": f"SELECT n FROM {'(SELECT n FROM ' * 1000}small.numbers{') x' * 1000} WHERE n < 3",
    "a union of 200": _UNION,
    "2000 terms": f"SELECT {' + '.join(['n'] * 2000)} FROM small.numbers WHERE n = 1",
    "3000 conditions": f"SELECT n FROM small.numbers WHERE {_CONDITIONS}",
    "500 cases": f"SELECT {'CASE WHEN n = 1 THEN 1 ELSE ' * 500}2{' END' * 500} FROM small.numbers WHERE n < 3",
    "200 functions": f"SELECT {'abs(' * 200}n{')' * 200} FROM small.numbers WHERE n = 1",
    "30 subqueries": f"SELECT n FROM small.numbers WHERE n = {_INNER * 30}9{')' * 30}",
    "30 WITH queries": f"WITH c0 AS (SELECT n FROM small.numbers WHERE n < 5), {_WITH} SELECT n FROM c29",
    "a join of 40": f"SELECT count(*) FROM small.numbers a0 {_JOINS} WHERE n < 5",
    "1664 columns": f"SELECT {', '.join(['n'] * 1664)} FROM small.numbers WHERE n = 1",
    "1665 columns": f"SELECT {', '.join(['n'] * 1665)} FROM small.numbers WHERE n = 1",
    "a long literal": f"SELECT length('{'x' * 2_000_000}') FROM small.numbers WHERE n = 1",
    "a long name": f"SELECT n AS {'a' * 5000} FROM small.numbers WHERE n = 1",
    "a long number": f"SELECT {'9' * 70} FROM small.numbers WHERE n = 1",
    "a number of 2000 digits": f"SELECT {'9' * 2000} FROM small.numbers WHERE n = 1",
    "a number of too many digits": f"SELECT n FROM small.numbers WHERE n < {'9' * 140_000}",
    "a text that is no number": "SELECT 'x'::int FROM small.numbers",
    "a text that is no number in a list": "SELECT n FROM small.numbers WHERE n IN (1, 'x')",
    "a date that is none": "SELECT n FROM small.numbers WHERE date '2024-02-30' > now()",
    "a number too large": "SELECT n FROM small.numbers WHERE n = 99999999999999999999::int",
    "a cast that is none": "SELECT day::int FROM small.kinds",
    "a bad escape": "SELECT n FROM small.numbers WHERE n::text LIKE 'x\\'",
    "a bad pattern": "SELECT n FROM small.numbers WHERE n::text ~ '('",
    "a backward range": "SELECT int4range(n::int, 1) FROM small.numbers WHERE n = 9",
    "an unfinished string": "SELECT 'x FROM small.numbers",
    "an unfinished comment": "SELECT n FROM small.numbers /* x",
    "a code point of half a pair": "SELECT U&'\\D800' FROM small.numbers",
    "a NUL in an escape": "SELECT E'\\000' FROM small.numbers",
    "an empty list": "SELECT n FROM small.numbers WHERE n IN ()",
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_text(name: str, both: Both) -> None:
    _compare(TEXTS[name].encode(), both)


@pytest.mark.parametrize(
    "text", [b"SELECT '\xff' FROM small.numbers", b'SELECT n AS "\xc3\x28" FROM small.numbers', b"\xf0\x28"]
)
def test_bytes_that_are_no_text(text: bytes, both: Both) -> None:
    _compare(text, both)


def _compare(text: bytes, both: Both) -> None:
    started = time.monotonic()
    ours = both.gateway.pgconn.exec_(text)
    took = time.monotonic() - started
    state = ours.error_field(pq.DiagnosticField.SQLSTATE)
    message = ours.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b""
    assert took < _SECONDS
    assert not _ENGINE.search(message), message
    if state in _LIMITS:
        return
    theirs = both.postgres.pgconn.exec_(text)
    assert state == theirs.error_field(pq.DiagnosticField.SQLSTATE), message
    assert sorted(_rows(ours)) == sorted(_rows(theirs))


def _rows(result: PGresult) -> list[tuple[bytes, ...]]:
    columns = range(result.nfields)
    return [tuple(result.get_value(row, at) or b"" for at in columns) for row in range(result.ntuples)]
