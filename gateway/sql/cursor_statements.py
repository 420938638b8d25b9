"""DECLARE, FETCH, MOVE, PREPARE and EXECUTE read: which query stands in them, and what they name.

Only what the gateway has to know is read here. PostgreSQL, in the mirror, reads the same text and has the last word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from catalog.errors import SqlError
from catalog.mirror.cursor_texts import CLOSING, OPENING
from catalog.names import MAX_IDENTIFIER_BYTES
from catalog.sqlstate import SqlState
from gateway.sql.statement_reader import StatementReader
from gateway.sql.tokens import Token, tokens

QUERY_HEADS = frozenset({"SELECT", "WITH", "VALUES", "TABLE", "("})
_INTEGER = re.compile(r"[0-9](_?[0-9])*")
_MOST = 2**63 - 1  # rows


@dataclass(frozen=True, slots=True)
class Tail:
    """The query at the end of a statement; ``start`` is its offset in the statement's text."""

    name: str
    query: str
    head: str
    start: int


@dataclass(frozen=True, slots=True)
class Declaration:
    """What DECLARE asks for. ``stand_in`` is the statement for the mirror, of a cursor without rows."""

    tail: Tail
    is_scroll: bool
    is_no_scroll: bool
    is_binary: bool
    is_holdable: bool
    stand_in: str

    @property
    def scrolls(self) -> str:
        """What was said before CURSOR of going back."""
        return "SCROLL" if self.is_scroll else "NO SCROLL" if self.is_no_scroll else ""

    @property
    def holds(self) -> str:
        """What was said behind CURSOR."""
        return "WITH HOLD" if self.is_holdable else ""

    def place(self, position: int) -> int:
        """Return the place in the client's statement of a place in ``stand_in``."""
        inside = position - self.tail.start - len(OPENING)
        return position if inside <= 0 else self.tail.start + min(inside, len(self.tail.query))


@dataclass(frozen=True, slots=True)
class Fetch:
    """FETCH or MOVE. ``direction`` is FORWARD, BACKWARD, ABSOLUTE or RELATIVE; ``count`` None means ALL."""

    name: str
    direction: str
    count: int | None
    is_move: bool

    @property
    def command(self) -> str:
        """The first word of its command tag."""
        return "MOVE" if self.is_move else "FETCH"


@dataclass(frozen=True, slots=True)
class Execution:
    """EXECUTE: the statement's name and the arguments in their parentheses; ``start`` is where these begin."""

    name: str
    arguments: str
    start: int


class _Reader(StatementReader):
    def declaration(self) -> Declaration:
        self._require("DECLARE")
        name = self._name()
        found: set[str] = set()
        while not self._takes("CURSOR"):
            option = self._peek()
            if option not in {"BINARY", "INSENSITIVE", "ASENSITIVE", "SCROLL", "NO"}:
                raise self._error()
            self._require(option)
            if option == "NO":
                self._require("SCROLL")
            found.add(option)
        holdable = self._takes("WITH", "HOLD")
        if not holdable:
            self._takes("WITHOUT", "HOLD")
        self._require("FOR")
        tail = self._tail(name)
        stand_in = self._text[: tail.start] + OPENING + tail.query + CLOSING
        return Declaration(tail, "SCROLL" in found, "NO" in found, "BINARY" in found, holdable, stand_in)

    def preparation(self) -> Tail:
        self._require("PREPARE")
        name = self._name()
        depth = 0
        while depth or not self._takes("AS"):
            token = self._next(("word", "quoted", "number", "sign"))
            depth += {"(": 1, ")": -1}.get(token.text, 0)
        return self._tail(name)

    def execution(self, start: int) -> Execution:
        self._at = start
        self._require("EXECUTE")
        name = self._name()
        begins = self._tokens[self._at].start if self._at < len(self._tokens) else len(self._text)
        return Execution(name, self._text[begins:], begins)

    def deallocation(self) -> str:
        self._require("DEALLOCATE")
        if self._at + 1 < len(self._tokens):
            self._require("PREPARE")
        return self._name()

    def _tail(self, name: str) -> Tail:
        if self._at >= len(self._tokens):
            raise self._error()
        token = self._tokens[self._at]
        head = token.text.upper()
        if token.kind not in {"word", "sign"} or head not in QUERY_HEADS:
            if head in {"INSERT", "UPDATE", "DELETE", "MERGE"} and self._peek(-1) == "AS":
                raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f"{head} is not supported")
            raise self._error()
        return Tail(name, self._text[token.start :], head, token.start)


@lru_cache(256)
def declaration(text: str) -> Declaration:
    """Read a DECLARE. Raises SqlError 42601 with its place in the text."""
    return _Reader(text).declaration()


@lru_cache(256)
def preparation(text: str) -> Tail:
    """Read a PREPARE. Raises SqlError 42601 with its place in the text, 0A000 for what is no query."""
    return _Reader(text).preparation()


def deallocation(text: str) -> str:
    """Return the name in a DEALLOCATE, ``all`` for all. Raises SqlError 42601 with its place in the text."""
    return _Reader(text).deallocation()


def execution(text: str, start: int = 0) -> Execution:
    """Read an EXECUTE that begins with the token ``start``. Raises SqlError 42601 with its place in the text."""
    return _Reader(text).execution(start)


@lru_cache(1024)
def fetch(text: str) -> Fetch | None:
    """Read a FETCH or MOVE; None where it is not understood, and PostgreSQL is to say what is wrong."""
    words = tokens(text)
    name = _name(words[-1]) if len(words) > 1 else None
    if not name:
        return None
    said = [token.text.upper() for token in words[1:-1]]
    if said and said[-1] in {"FROM", "IN"}:
        said.pop()
    is_move = words[0].text.upper() == "MOVE"
    going = _direction(said)
    return None if going is None else Fetch(name, going[0], going[1], is_move)


def fetched_name(text: str) -> str | None:
    """Return the cursor that a FETCH or MOVE names, or None where it is not understood."""
    words = tokens(text)
    return _name(words[-1]) if len(words) > 1 else None


def closed_name(text: str) -> str | None:
    """Return the cursor that a CLOSE names; None for ALL, or where it is not understood."""
    words = tokens(text)
    return None if words[-1].text.upper() == "ALL" else _name(words[-1])


def _name(token: Token) -> str | None:
    """Return the name in a token, cut as PostgreSQL cuts it."""
    if token.kind == "quoted" and token.text.startswith('"'):
        name = token.text[1:-1].replace('""', '"')
    elif token.kind == "word":
        name = "".join(letter.lower() if letter.isascii() else letter for letter in token.text)
    else:
        return None
    return name.encode("utf-8", "surrogatepass")[:MAX_IDENTIFIER_BYTES].decode("utf-8", "ignore")


_SHORT: dict[str, tuple[str, int]] = {
    "NEXT": ("FORWARD", 1),
    "PRIOR": ("BACKWARD", 1),
    "FIRST": ("ABSOLUTE", 1),
    "LAST": ("ABSOLUTE", -1),
}


def _direction(words: list[str]) -> tuple[str, int | None] | None:
    if not words:
        return "FORWARD", 1
    head, rest = words[0], words[1:]
    if head in _SHORT:
        return _SHORT[head] if not rest else None
    if head in {"FORWARD", "BACKWARD"}:
        if not rest:
            return head, 1
        return (head, None) if rest == ["ALL"] else _counted(head, rest)
    if head in {"ABSOLUTE", "RELATIVE"}:
        return _counted(head, rest)
    return ("FORWARD", None) if words == ["ALL"] else _counted("FORWARD", words)


def _counted(direction: str, words: list[str]) -> tuple[str, int] | None:
    sign = -1 if words[:1] == ["-"] else 1
    digits = words[1:] if words[:1] in (["-"], ["+"]) else words
    if len(digits) != 1 or not _INTEGER.fullmatch(digits[0]) or int(digits[0]) > _MOST:
        return None
    return direction, sign * int(digits[0])
