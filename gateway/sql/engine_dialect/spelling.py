"""Spelling: forms of PostgreSQL's that the parser does not read, brought to ones that it reads, word by word.

Each rule of ``RULES`` takes a statement's tokens and returns them, changed. None changes what the statement means.
Beside it stand the words and kinds of tokens of which a statement must have one to be changed by it: most have none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

import sqlglot
from sqlglot.errors import ParseError
from sqlglot.tokenizer_core import Token, TokenType

from gateway.sql.engine_dialect import (
    foreign_types,
    intervals,
    join_aliases,
    json_constructors,
    pattern_operators,
    search_cycle,
    sql_json,
    standard_forms,
)
from gateway.sql.engine_dialect.operands import OPERAND_ENDS, made, operand_end

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
    present: set[str | TokenType] = set()
    for token in tokens:
        present.add(token.text.lower())
        present.add(token.token_type)
        if token.comments:  # sqlglot takes /* sqlglot.meta … */ for marks on nodes, which are the gateway's own to set
            token.comments = []
    for rule, wanted in RULES:
        if not present.isdisjoint(wanted):
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


def other_joins(tokens: Tokens) -> Tokens:
    """``a ANTI JOIN b`` joins ``a AS anti``: words of other dialects are names to PostgreSQL."""
    for token in tokens:
        if token.token_type in _OF_OTHERS:
            token.token_type = TokenType.VAR
    return tokens


_OF_OTHERS = frozenset({TokenType.ANTI, TokenType.ASOF, TokenType.SEMI, TokenType.STRAIGHT_JOIN})


def similar_substrings(tokens: Tokens) -> Tokens:
    """``substring(a SIMILAR b ESCAPE c)`` is ``substring(a FROM b FOR c)``."""
    opened: list[bool] = []  # for each parenthesis: whether it is that of such a call
    for before, token in pairwise(tokens):
        if token.token_type is TokenType.L_PAREN:
            opened.append(_is_word(before, "substring"))
        elif token.token_type is TokenType.R_PAREN and opened:
            opened.pop()
        elif opened and opened[-1] and _is_word(token, "similar"):
            token.token_type, token.text = TokenType.FROM, "FROM"
        elif opened and opened[-1] and token.token_type is TokenType.ESCAPE:
            token.token_type, token.text = TokenType.FOR, "FOR"
    return tokens


def some_is_any(tokens: Tokens) -> Tokens:
    """``= SOME (…)`` is ``= ANY (…)``; the parser takes ``some`` for a function."""
    for before, token in pairwise(tokens):
        if before.token_type in _COMPARED and token.text.upper() == "SOME" and token.token_type is not TokenType.STRING:
            token.token_type, token.text = TokenType.ANY, "ANY"
    return tokens


def prefix_operators(tokens: Tokens) -> Tokens:
    """``@ x`` is ``abs(x)``; the parser takes ``@ 1`` for ``$1``. ``|/`` and ``||/`` take double precision. All of them
    bind less than arithmetic, as ``~`` does: ``|/ 4 + 5`` is 3. Raises ParseError where a value stands before ``@``.
    """
    kept: Tokens = []
    ends: list[tuple[int, Tokens]] = []  # places of tokens behind which an operand ends, and what follows it
    for place, token in enumerate(tokens):
        if _is_prefix(token, tokens[place - 1] if place else None):
            opened, closed = _around_operand(token)
            kept += opened
            ends.append((operand_end(tokens, place + 1), closed))
        else:
            kept.append(token)
        while ends and ends[-1][0] == place:
            kept += ends.pop()[1]
    return kept


def _is_at(token: Token) -> bool:
    return token.token_type is TokenType.PARAMETER and token.text == "@"


def _is_prefix(token: Token, before: Token | None) -> bool:
    if token.token_type is TokenType.RLIKE:
        is_whole = token.text == "~" and before is not None and before.text != "!"  # and not a part of !~
        return is_whole and before is not None and before.token_type in _BEFORE_OPERANDS
    if _is_at(token) and before is not None and before.token_type in OPERAND_ENDS:
        raise ParseError("an operator @ between two values")
    return token.token_type in _ROOTS or _is_at(token)


def _around_operand(token: Token) -> tuple[Tokens, Tokens]:
    """Return what stands before and behind the operand of a prefix operator instead of the operator."""
    begins, ends = made(token, TokenType.L_PAREN, "("), made(token, TokenType.R_PAREN, ")")
    if _is_at(token):
        return [made(token, TokenType.VAR, "abs"), begins], [ends]
    if token.token_type is TokenType.RLIKE:
        return [token, begins], [ends]
    return [token, begins], [ends, made(token, TokenType.DCOLON, "::"), made(token, TokenType.DOUBLE, "float8")]


_ROOTS = frozenset({TokenType.PIPE_SLASH, TokenType.DPIPE_SLASH})
_PREFIXES = _ROOTS | {TokenType.PARAMETER, TokenType.RLIKE}


def like_calls(tokens: Tokens) -> Tokens:
    """``like(text, pattern)``: the parser takes the pattern for the first argument, as SQLite does. It gets a name of
    its own until `short_forms.like_calls` makes the operator of it.
    """
    for place, token in enumerate(tokens[:-1]):
        if token.token_type is TokenType.LIKE and tokens[place + 1].token_type is TokenType.L_PAREN:
            before = place - 1 - (place > 0 and tokens[place - 1].token_type is TokenType.NOT)
            if before >= 0 and tokens[before].token_type in _OPERAND_BEGINS:
                token.token_type, token.text = TokenType.VAR, LIKE_CALL
    return tokens


LIKE_CALL = "like function"  # no name that a statement could write without quotes
_OPERAND_BEGINS = frozenset(
    {
        *(TokenType.SELECT, TokenType.L_PAREN, TokenType.COMMA, TokenType.WHERE, TokenType.AND, TokenType.OR),
        *(TokenType.WHEN, TokenType.THEN, TokenType.ELSE, TokenType.ON, TokenType.HAVING, TokenType.DISTINCT),
        *(TokenType.ORDER_BY, TokenType.GROUP_BY),
    }
)
_BEFORE_OPERANDS = (
    _OPERAND_BEGINS
    | _COMPARED
    | {
        *(TokenType.PLUS, TokenType.DASH, TokenType.STAR, TokenType.SLASH, TokenType.MOD, TokenType.CARET),
        *(TokenType.AMP, TokenType.PIPE, TokenType.HASH, TokenType.NOT),
    }
)


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


def normal_forms(tokens: Tokens) -> Tokens:
    """``a IS NOT NFC NORMALIZED`` becomes ``a IS DISTINCT FROM`` a mark, of which `short_forms.normal_forms` makes the
    function: it binds as closely.
    """
    kept: Tokens = []
    for token in tokens:
        if _is_word(token, "normalized") and (start := _start_of_form(kept)) is not None:
            form, negated, place = kept[start + 1 :], False, kept[start]
            if form and form[0].token_type is TokenType.NOT:
                form, negated = form[1:], True
            name = form[0].text.upper() if form else "NFC"
            kept[start + 1 :] = _words(place, "" if negated else "NOT", "DISTINCT", "FROM")
            kept.append(made(place, TokenType.STRING, NORMALIZED + name))
            continue
        kept.append(token)
    return kept


NORMALIZED = "\0normalized:"  # no text of a client can hold it
LOCAL = "\0local"
_FORMS = frozenset({"nfc", "nfd", "nfkc", "nfkd"})


def _is_word(token: Token, word: str) -> bool:
    return token.token_type not in _TEXTS and token.text.lower() == word


def _start_of_form(tokens: Tokens) -> int | None:
    """Return where ``IS [NOT] [form]`` at the end of the tokens begins, None where there is none."""
    at = len(tokens) - 1
    if at >= 0 and any(_is_word(tokens[at], form) for form in _FORMS):
        at -= 1
    if at >= 0 and tokens[at].token_type is TokenType.NOT:
        at -= 1
    return at if at >= 0 and tokens[at].token_type is TokenType.IS else None


_WORDS = {"NOT": TokenType.NOT, "DISTINCT": TokenType.DISTINCT, "FROM": TokenType.FROM}


def _words(place: Token, *words: str) -> Tokens:
    return [made(place, _WORDS[word], word) for word in words if word]


def local_times(tokens: Tokens) -> Tokens:
    """``a AT LOCAL`` is ``a AT TIME ZONE`` a mark, of which `short_forms.local_times` makes the function."""
    kept: Tokens = []
    for token in tokens:
        if kept and _is_word(token, "local") and _is_word(kept[-1], "at"):
            place = kept.pop()
            kept += [*_at_time_zone(place), made(place, TokenType.STRING, LOCAL)]
        else:
            kept.append(token)
    return kept


def _at_time_zone(place: Token) -> Tokens:
    words = sqlglot.tokenize("AT TIME ZONE", read="postgres")
    return [made(place, token.token_type, token.text) for token in words]


def system_names(tokens: Tokens) -> Tokens:
    """``pg_catalog.lower(x)`` is ``lower(x)``, and ``x::pg_catalog.int4`` is ``x::int4``: there are no other functions
    and types on tables of the lake, and the parser would take the schema for a value.
    """
    kept: Tokens = []
    skipped = 0
    for place, token in enumerate(tokens):
        if skipped:
            skipped -= 1
            continue
        if _is_system_schema(token) and _names_no_relation(tokens, place):
            skipped = 1  # the dot
            continue
        kept.append(token)
    return kept


def _is_system_schema(token: Token) -> bool:
    if token.token_type is TokenType.IDENTIFIER:
        return token.text == "pg_catalog"
    return _is_word(token, "pg_catalog")


def _names_no_relation(tokens: Tokens, place: int) -> bool:
    """Whether a function's name and its arguments, or the type of a cast, stand behind the schema."""
    before = tokens[place - 1].token_type if place else None
    if place + 2 >= len(tokens) or tokens[place + 1].token_type is not TokenType.DOT or before is TokenType.DOT:
        return False
    called = place + 3 < len(tokens) and tokens[place + 3].token_type is TokenType.L_PAREN
    return called or before in (TokenType.DCOLON, TokenType.ALIAS)


RULES: tuple[tuple[Callable[[Tokens], Tokens], Iterable[str | TokenType]], ...] = (
    (system_names, {"pg_catalog"}),
    (foreign_types.type_constants, {*foreign_types.NAMES, "varying"}),
    (foreign_types.unlimited_constants, {TokenType.BIT, TokenType.CHAR}),
    (foreign_types.containing_operators, {TokenType.LTE, TokenType.GTE}),
    (standard_forms.trims, {"trim"}),
    (standard_forms.only, {"only"}),
    (standard_forms.interval_fields, {TokenType.INTERVAL}),
    (interval_constants, {TokenType.INTERVAL}),
    (pattern_operators.pattern_operators, {TokenType.RLIKE}),
    (prefix_operators, _PREFIXES),
    (some_is_any, {"some"}),
    (other_joins, _OF_OTHERS),
    (similar_substrings, {"similar"}),
    (like_calls, {TokenType.LIKE}),
    (order_using, {TokenType.USING}),
    (join_aliases.join_aliases, {TokenType.USING}),
    (normal_forms, {"normalized"}),
    (local_times, {"local"}),
    (names_behind_as, {TokenType.ALIAS}),
    (search_cycle.recursive_clauses, {TokenType.RECURSIVE}),
    (standard_forms.json_arrays, {"json_array"}),
    (sql_json.json_clauses, sql_json.CALLED),
    (json_constructors.array_aggregates, {"json_arrayagg", "json_array"}),  # of this `json_arrays` makes that
)
