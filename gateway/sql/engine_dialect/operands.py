"""Where the operand of an operator ends, among tokens."""

from __future__ import annotations

from sqlglot.errors import ParseError
from sqlglot.tokenizer_core import Token, TokenType

Tokens = list[Token]
_TYPE_NAMES = frozenset(
    ("SMALLINT", "INT", "BIGINT", "DECIMAL", "FLOAT", "DOUBLE", "REAL", "INTERVAL", "MONEY", "NUMERIC", "INT128")
)


def made(place: Token, kind: TokenType, text: str) -> Token:
    """Return a token in the place of another."""
    return Token(kind, text, place.line, place.col, place.start, place.end)


def operand_end(tokens: Tokens, start: int) -> int:
    """Return the place of the last token of what an operator takes on its right side: what binds closer is
    arithmetic, casts, fields, subscripts and calls.
    """
    depth, place = 0, start
    while place < len(tokens):
        token = tokens[place]
        if token.token_type in _CLOSING and depth == 0:
            break
        depth += (token.token_type in _OPENS) - (token.token_type in _CLOSES)
        following = tokens[place + 1] if place + 1 < len(tokens) else None
        if depth == 0 and token.token_type in OPERAND_ENDS and not _goes_on(following):
            return place
        place += 1
    raise ParseError("an operator without a value")


def closing(tokens: Tokens, opening: int) -> int:
    """Return where the parentheses that open there end, or the end of all."""
    depth = 0
    for place in range(opening, len(tokens)):
        depth += (tokens[place].token_type in _OPENING) - (tokens[place].token_type in _CLOSING)
        if depth <= 0:
            return place
    return len(tokens)


def _goes_on(token: Token | None) -> bool:
    return token is not None and token.token_type in _CLOSER


_OPENING = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET})
_CLOSING = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET})
_OPENS, _CLOSES = _OPENING | {TokenType.CASE}, _CLOSING | {TokenType.END}
_CLOSER = _OPENING | {
    *(TokenType.OVER, TokenType.FILTER),
    *(TokenType.PLUS, TokenType.DASH, TokenType.STAR, TokenType.SLASH, TokenType.MOD, TokenType.CARET),
    *(TokenType.COLLATE, TokenType.DCOLON, TokenType.DOT),
}
OPERAND_ENDS = _CLOSES | {
    *(TokenType.VAR, TokenType.IDENTIFIER, TokenType.NULL),
    *(TokenType.NUMBER, TokenType.STRING, TokenType.BIT_STRING, TokenType.HEX_STRING),
    *(token for token in TokenType if token.name in _TYPE_NAMES),
}
