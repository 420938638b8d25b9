"""PostgreSQL's lexical rules, as far as cutting a text into statements and reading its first words need them.

sqlglot's tokenizer lumps the rest of a command such as EXPLAIN into one token, so the cut is made here. The mirror
makes its own cut of the same text: a difference would let a statement through that nobody has looked at. So these are
the rules of PostgreSQL's ``scan.l``, for ``standard_conforming_strings = on``; a character beyond ASCII is a letter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r\n\f\v]++ | --[^\r\n]*+)
    | (?P<comment>/\*)
    | (?P<string>
        # A string goes on after white space with a line's end in it, and E'…' then keeps its escapes.
        [eE]'(?:[^'\\]|\\.|'')*+'
          (?:(?:[ \t\f\v]|--[^\r\n]*+)*+[\r\n](?:[ \t\r\n\f\v]|--[^\r\n]*+[\r\n])*+'(?:[^'\\]|\\.|'')*+')*+
      | (?:[uU]&|[bBxXnN])?'(?:[^']|'')*+')
    | (?P<quoted>(?:[uU]&)?"(?:[^"]|"")*+")
    | (?P<dollar>\$(?P<tag>(?:[A-Za-z_\u0080-\U0010ffff][A-Za-z_0-9\u0080-\U0010ffff]*+)?)\$.*?\$(?P=tag)\$)
    | (?P<word>[A-Za-z_\u0080-\U0010ffff][A-Za-z_0-9$\u0080-\U0010ffff]*+)
    | (?P<number>\$?[0-9][A-Za-z_0-9.\u0080-\U0010ffff]*+)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


class UnterminatedToken(ValueError):
    """A string, a quoted identifier or a comment has no end; PostgreSQL calls it a syntax error."""


class TooManyTokens(ValueError):
    """The text has more tokens than the caller takes."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word, constant or sign; ``start`` and ``end`` are offsets into the text."""

    kind: str  # string, quoted, dollar, word, number, sign
    text: str
    start: int
    end: int


def tokens(text: str, most: int | None = None) -> list[Token]:
    """Return the tokens of a text without white space and comments.

    Raises `UnterminatedToken` where one has no end, `TooManyTokens` beyond ``most``.
    """
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
            if most is not None and len(found) > most:
                raise TooManyTokens(most)
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
