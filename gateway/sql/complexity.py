"""Texts that would keep the parser busy without end, or take it off its stack, are refused before it sees them.

sqlglot parses in compiled code: recursion without a limit (some thousand derived tables in each other end the process),
and time that doubles with each ``array[`` or ``numeric(`` within another, because it tries each as a type first.
"""

from __future__ import annotations

from functools import lru_cache

from sqlglot.dialects.postgres import Postgres
from sqlglot.parser import Parser

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.tokens import Token

MAX_TOKENS = 50_000
MAX_NESTING = 400  # brackets within each other
MAX_SUBSCRIPTS = 16  # in a row; PostgreSQL's arrays have six dimensions
MAX_COST = 200_000  # tokens, each counted double for every bracket around it that is tried twice; about a second
MAX_DIGITS = 1000  # of a number; Python reads no more than 4300
_OPENING = frozenset("([")
_CLOSING = frozenset(")]")


def check(words: list[Token]) -> None:
    """Raise 54001 for tokens whose parsing would take too long or too much stack, 54000 for too long numbers."""
    tried_twice: list[bool] = []  # for each open bracket
    doublings = cost = subscripts = 0
    before = ""
    for token in words:
        text = token.text
        cost += 1 << doublings
        if text in _OPENING:
            tried_twice.append(text == "[" or _is_type(before))
            doublings += tried_twice[-1]
            subscripts = subscripts + 1 if text == "[" and before == "]" else 0
        elif text in _CLOSING and tried_twice:
            doublings -= tried_twice.pop()
        if len(tried_twice) > MAX_NESTING or cost > MAX_COST or subscripts > MAX_SUBSCRIPTS:
            raise SqlError(SqlState.STATEMENT_TOO_COMPLEX, "statement is nested too deeply")
        if len(text) > MAX_DIGITS and text[0] in "0123456789.":
            raise SqlError(
                SqlState.PROGRAM_LIMIT_EXCEEDED, f"a number of more than {MAX_DIGITS} digits is not supported"
            )
        before = text


@lru_cache(maxsize=4096)
def _is_type(word: str) -> bool:
    return len(word) < 64 and word.strip('"').upper() in TYPES


TYPES = frozenset(
    words.split()[-1] for words, kind in Postgres.Tokenizer.KEYWORDS.items() if kind in Parser.TYPE_TOKENS
)
