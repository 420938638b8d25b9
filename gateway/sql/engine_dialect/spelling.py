"""Spelling: forms of PostgreSQL's that the parser does not read, brought to ones that it reads, word by word.

Each rule of ``RULES`` takes a statement's tokens and returns them, changed. None changes what the statement means.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from sqlglot.tokenizer_core import Token, TokenType

from gateway.sql.engine_dialect import intervals
from gateway.sql.engine_dialect.build import refuse

Tokens = list[Token]
_COMPARED = frozenset({TokenType.EQ, TokenType.NEQ, TokenType.LT, TokenType.LTE, TokenType.GT, TokenType.GTE})
_DIRECTIONS = {TokenType.LT: (TokenType.ASC, "ASC"), TokenType.GT: (TokenType.DESC, "DESC")}
_RESERVED = frozenset(  # words that PostgreSQL takes as a column's name behind AS, and the parser does not
    (
        *(
            "ALL",
            "AND",
            "ANY",
            "AS",
            "ASC",
            "BOTH",
            "CASE",
            "CAST",
            "CHECK",
            "COLLATE",
            "COLUMN",
            "CONSTRAINT",
            "CREATE",
        ),
        *("DEFAULT", "DESC", "DISTINCT", "ELSE", "END", "EXCEPT", "FETCH", "FOR", "FOREIGN", "FROM", "GRANT", "GROUP"),
        *(
            "HAVING",
            "IN",
            "INTERSECT",
            "INTO",
            "IS",
            "JOIN",
            "LATERAL",
            "LEADING",
            "LIKE",
            "LIMIT",
            "ON",
            "OR",
            "ORDER",
        ),
        *("PRIMARY", "REFERENCES", "SELECT", "SOME", "TABLE", "THEN", "TO", "TRAILING", "UNION", "UNIQUE", "USING"),
        *("WHEN", "WHERE", "WINDOW", "WITH", "NATURAL", "CROSS", "INNER", "LEFT", "RIGHT", "FULL", "OUTER"),
    )
)


def respelt(tokens: Tokens) -> Tokens:
    """Return a statement's tokens as the parser reads them."""
    for token in tokens:  # sqlglot takes /* sqlglot.meta … */ for marks on nodes, which are the gateway's own to set
        token.comments = []
        if token.token_type is TokenType.PARAMETER and token.text == "@":  # the parser takes ``@ 1`` for ``$1``
            raise refuse("the operator @", "Use abs().")
    for rule in RULES:
        tokens = rule(tokens)
    return tokens


def interval_constants(tokens: Tokens) -> Tokens:
    """Of ``interval '1 day 02:30'`` and ``interval '1 day ago'`` the parser would read the day alone."""
    for before, token in pairwise(tokens):
        if before.token_type is TokenType.INTERVAL and token.token_type is TokenType.STRING and _is_cut(token.text):
            token.text = intervals.written(intervals.parse(token.text))
    return tokens


def _is_cut(interval: str) -> bool:
    words = interval.split()
    return len(words) > 1 and (":" in interval or words[-1].lower() == "ago")


def some_is_any(tokens: Tokens) -> Tokens:
    """``= SOME (…)`` is ``= ANY (…)``; the parser takes ``some`` for a function."""
    for before, token in pairwise(tokens):
        if before.token_type in _COMPARED and token.text.upper() == "SOME" and token.token_type is not TokenType.STRING:
            token.token_type, token.text = TokenType.ANY, "ANY"
    return tokens


def order_using(tokens: Tokens) -> Tokens:
    """``ORDER BY a USING <`` is ``ORDER BY a ASC``, ``USING >`` is ``DESC``."""
    kept: Tokens = []
    for token in tokens:
        if kept and kept[-1].token_type is TokenType.USING and token.token_type in _DIRECTIONS:
            token.token_type, token.text = _DIRECTIONS[token.token_type]
            kept.pop()
        kept.append(token)
    return kept


def names_behind_as(tokens: Tokens) -> Tokens:
    """``AS order``: behind AS every word is a name, but those that begin a query or say how a WITH query is kept."""
    if tokens and tokens[0].token_type is TokenType.CREATE:  # AS SELECT of a view
        return tokens
    for before, token in pairwise(tokens):
        behind = before.token_type is TokenType.ALIAS
        if behind and token.text.upper() in _RESERVED and token.token_type not in _TEXTS:
            token.token_type, token.text = TokenType.IDENTIFIER, token.text.lower()
    return tokens


_TEXTS = frozenset({TokenType.STRING, TokenType.IDENTIFIER})

RULES: tuple[Callable[[Tokens], Tokens], ...] = (
    interval_constants,
    some_is_any,
    order_using,
    names_behind_as,
)
