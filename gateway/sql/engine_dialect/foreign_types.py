"""Constants and operators of types that the parser does not know, as tokens that it reads."""

from __future__ import annotations

from sqlglot.tokenizer_core import Token, TokenType

NAMES = frozenset(
    (
        *("cidr", "macaddr", "macaddr8", "varbit", "jsonpath", "tsvector", "tsquery", "pg_lsn"),
        *("box", "circle", "line", "lseg", "polygon"),  # PATH stands before texts in json_table
    )
)
"""Types whose names stand before constants."""
_FIRST = frozenset({TokenType.LT, TokenType.GT})
_OPERATORS = {"<": "<=", ">": ">="}
_NEVER = TokenType.STRING, TokenType.IDENTIFIER


def type_constants(tokens: list[Token]) -> list[Token]:
    """``cidr '10.0.0.0/8'`` is ``'10.0.0.0/8'::cidr``."""
    tokens = _with_short_names(tokens)
    kept = [*tokens]
    for place in range(len(kept) - 2, -1, -1):
        name, constant = kept[place : place + 2]
        if constant.token_type is TokenType.STRING and name.token_type not in _NEVER and name.text.lower() in NAMES:
            kept[place : place + 2] = [constant, _made(name, TokenType.DCOLON, "::"), name]
    return kept


def _with_short_names(tokens: list[Token]) -> list[Token]:
    """``bit varying '1'`` is ``varbit '1'``."""
    kept: list[Token] = []
    for token in tokens:
        if token.token_type is TokenType.STRING and [one.text.lower() for one in kept[-2:]] == ["bit", "varying"]:
            kept[-2:] = [_made(kept[-2], TokenType.VAR, "varbit")]
        kept.append(token)
    return kept


def unlimited_constants(tokens: list[Token]) -> list[Token]:
    """``bit '101'`` and ``char 'abc'`` are as long as they are written; as types of casts both mean a length of 1."""
    kept: list[Token] = []
    for token in tokens:
        name = kept[-1] if kept and token.token_type is TokenType.STRING else None
        if name is not None and name.token_type is TokenType.BIT and set(token.text) <= {"0", "1"}:
            token.token_type = TokenType.BIT_STRING
            kept.pop()
        elif name is not None and name.token_type is TokenType.CHAR:
            name.text = "bpchar"
            name.token_type = TokenType.BPCHAR
        kept.append(token)
    return kept


def containing_operators(tokens: list[Token]) -> list[Token]:
    """``a <<= b`` and ``a >>= b``, contained in or equal, are ``a OPERATOR(<<=) b``."""
    kept: list[Token] = []
    for token in tokens:
        before = kept[-1] if kept else None
        if before is not None and before.token_type in _FIRST and _is_joined(before, token):
            kept[-1:] = [
                _made(before, TokenType.OPERATOR, "OPERATOR"),
                _made(before, TokenType.L_PAREN, "("),
                before,
                token,
                _made(before, TokenType.R_PAREN, ")"),
            ]
        else:
            kept.append(token)
    return kept


def _is_joined(before: Token, token: Token) -> bool:
    return before.end + 1 == token.start and _OPERATORS[before.text] == token.text


def _made(place: Token, kind: TokenType, text: str) -> Token:
    return Token(kind, text, place.line, place.col, place.start, place.end)
