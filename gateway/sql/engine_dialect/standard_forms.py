"""Forms of SQL's standard that the parser does not read, as tokens that it reads: ``trim(BOTH FROM a, b)``,
``json_array(SELECT …)``, ``ONLY (t)``, and intervals with their fields and digits behind them.
"""

from __future__ import annotations

import re

from sqlglot.tokenizer_core import Token, TokenType

from gateway.sql.engine_dialect.operands import closing, made

Tokens = list[Token]
_TRIMS = {"both": "btrim", "leading": "ltrim", "trailing": "rtrim"}
_QUERIES = frozenset({TokenType.SELECT, TokenType.VALUES, TokenType.WITH})
_NAMES = frozenset({TokenType.VAR, TokenType.IDENTIFIER})
_FIELDS = frozenset({"year", "month", "day", "hour", "minute", "second"})
_BARE = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)\s*\Z")


def _word(tokens: Tokens, place: int) -> str:
    """Return a word in small letters; nothing for texts, quoted names and beyond the end."""
    if place >= len(tokens) or tokens[place].token_type in (TokenType.STRING, TokenType.IDENTIFIER):
        return ""
    return tokens[place].text.lower()


def _is(tokens: Tokens, place: int, kind: TokenType) -> bool:
    return place < len(tokens) and tokens[place].token_type is kind


def trims(tokens: Tokens) -> Tokens:
    """``trim(LEADING FROM a, b)`` is ``ltrim(a, b)``."""
    kept: Tokens = []
    skipped = 0
    for place, token in enumerate(tokens):
        if skipped:
            skipped -= 1
            continue
        name = _TRIMS.get(_word(tokens, place + 2))
        if name and _word(tokens, place) == "trim" and _is(tokens, place + 3, TokenType.FROM):
            kept += [made(token, TokenType.VAR, name), tokens[place + 1]]
            skipped = 3
            continue
        kept.append(token)
    return kept


def only(tokens: Tokens) -> Tokens:
    """``ONLY (t)`` is ``ONLY t``."""
    kept = [*tokens]
    for place in range(len(kept) - 1, 0, -1):
        if _word(kept, place) == "only" and _is(kept, place + 1, TokenType.L_PAREN):
            end = closing(kept, place + 1)
            if all(one.token_type in _NAMES or one.text == "." for one in kept[place + 2 : end]) and end < len(kept):
                del kept[end]
                del kept[place + 1]
    return kept


def json_arrays(tokens: Tokens) -> Tokens:
    """``json_array(SELECT …)`` is ``(SELECT json_arrayagg(a) FROM (SELECT …) AS q (a))``, as PostgreSQL has it."""
    kept = [*tokens]
    for place in range(len(kept) - 3, -1, -1):
        if _word(kept, place) == "json_array" and _is(kept, place + 1, TokenType.L_PAREN):
            end = closing(kept, place + 1)
            if kept[place + 2].token_type in _QUERIES and end < len(kept):
                kept[place : end + 1] = _aggregated(kept, place, end)
    return kept


def _aggregated(tokens: Tokens, place: int, end: int) -> Tokens:
    """Return the query of an aggregate over the query between two places; clauses behind it are the aggregate's."""
    at, query = tokens[place], tokens[place + 2 : end]
    returned = next((n for n, _ in enumerate(query) if _word(query, n) == "returning"), len(query))
    opened, closed = made(at, TokenType.L_PAREN, "("), made(at, TokenType.R_PAREN, ")")
    name, column = made(at, TokenType.IDENTIFIER, "q"), made(at, TokenType.IDENTIFIER, "a")
    head = [opened, made(at, TokenType.SELECT, "SELECT"), made(at, TokenType.VAR, "json_arrayagg"), opened, column]
    label = [made(at, TokenType.ALIAS, "AS"), name, opened, column, closed, closed]
    return [
        *(*head, *query[returned:], closed, made(at, TokenType.FROM, "FROM"), opened),
        *(*query[:returned], closed, *label),
    ]


def interval_fields(tokens: Tokens) -> Tokens:
    """``interval(2) '…'`` is ``'…'::interval(2)``, ``interval '…' DAY TO SECOND`` is ``'…'::interval DAY TO SECOND``,
    and ``interval '…' SECOND(2)`` too is of so many digits.
    """
    kept = [*tokens]
    for place in range(len(kept) - 2, -1, -1):
        if kept[place].token_type is not TokenType.INTERVAL:
            continue
        digits = kept[place + 1 : place + 4] if _is_digits(kept, place + 1) else []
        text = place + 1 + len(digits)
        if not _is(kept, text, TokenType.STRING):
            continue
        if not digits and _word(kept, text + 1) == "second" and _is_digits(kept, text + 2):
            digits = kept[text + 2 : text + 5]
            if _BARE.match(kept[text].text):
                kept[text].text += " second"
            del kept[text + 1 : text + 5]
        is_range = _word(kept, text + 1) in _FIELDS and _word(kept, text + 2) == "to"
        if digits or is_range:
            cast = [kept[text], made(kept[place], TokenType.DCOLON, "::"), kept[place], *digits]
            kept[place : text + 1] = cast
    return kept


def _is_digits(tokens: Tokens, place: int) -> bool:
    """Whether a number stands in parentheses."""
    kinds = [token.token_type for token in tokens[place : place + 3]]
    return kinds == [TokenType.L_PAREN, TokenType.NUMBER, TokenType.R_PAREN]
