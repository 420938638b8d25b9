"""PostgreSQL's lexical rules, as far as cutting a text into statements and reading its first words need them.

sqlglot's tokenizer lumps the rest of a command such as EXPLAIN into one token, so the cut is made here.
Source: PostgreSQL documentation, "Lexical Structure".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r\n\f\v]+ | --[^\r\n]*)
    | (?P<comment>/\*)
    | (?P<string>[eE]'(?:[^'\\]|\\.|'')*' | (?:[uU]&|[bBxXnN])?'(?:[^']|'')*')
    | (?P<quoted>(?:[uU]&)?"(?:[^"]|"")*")
    | (?P<dollar>\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$)
    | (?P<word>[^\W\d][\w$]*)
    | (?P<number>\$?\d[\w.]*)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


class UnterminatedToken(ValueError):
    """A string, a quoted identifier or a comment has no end; PostgreSQL calls it a syntax error."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word, constant or sign; ``start`` and ``end`` are offsets into the text."""

    kind: str  # string, quoted, dollar, word, number, sign
    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """Return the tokens of a text without white space and comments; raise `UnterminatedToken` where one has no end."""
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:  # cannot happen: the last alternative takes any character
            raise UnterminatedToken(position)
        kind = "dollar" if match["dollar"] else str(match.lastgroup)
        position = match.end()
        if kind == "comment":
            position = _comment_end(text, position)
        elif kind != "space":
            if kind == "sign" and match[0] in "'\"":
                raise UnterminatedToken(match.start())
            found.append(Token(kind, match[0], match.start(), match.end()))
    return found


def _comment_end(text: str, position: int) -> int:
    """Return where a block comment ends; they nest."""
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(text, position)
        if edge is None:
            raise UnterminatedToken(position)
        depth += 1 if edge[0] == "/*" else -1
        position = edge.end()
    return position
