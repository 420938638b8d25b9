"""What parsers of the gateway's own statements have in common: tokens, names, strings and the places of errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from catalog.errors import SqlError
from catalog.names import MAX_IDENTIFIER_BYTES
from catalog.sqlstate import SqlState
from gateway.sql.masking_statements import RelationName
from gateway.sql.tokens import Token, UnterminatedToken, tokens

T = TypeVar("T")


class StatementReader:
    """The tokens of one statement, and how far they are read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        try:
            self._tokens = tokens(text)
        except UnterminatedToken as error:
            place = error.args[0] if error.args and isinstance(error.args[0], int) else 0
            raise SqlError(SqlState.SYNTAX_ERROR, "a string or comment has no end", position=place + 1) from None

    def _listed(self, item: Callable[[], T]) -> tuple[T, ...]:
        self._require("(")
        found = [item()]
        while self._takes(","):
            found.append(item())
        self._require(")")
        return tuple(found)

    def _relation(self) -> RelationName:
        position = self._tokens[self._at].start + 1 if self._at < len(self._tokens) else len(self._text) + 1
        first = self._name()
        if not self._takes("."):
            return RelationName(first, None, position)
        return RelationName(self._name(), first, position)

    def _name(self) -> str:
        token = self._next(("word", "quoted"))
        if token.kind == "quoted":
            if not token.text.startswith('"'):
                raise SqlError(
                    SqlState.FEATURE_NOT_SUPPORTED, "U& names are not supported here", position=token.start + 1
                )
            name = token.text[1:-1].replace('""', '"')
        elif token.text.isascii():
            name = token.text.lower()
        else:
            name = "".join(letter.lower() if letter.isascii() else letter for letter in token.text)
        if not name or "\0" in name:
            raise self._error(self._at - 1)
        if len(name.encode("utf-8", "surrogatepass")) > MAX_IDENTIFIER_BYTES:
            raise SqlError(
                SqlState.NAME_TOO_LONG,
                f"a name has at most {MAX_IDENTIFIER_BYTES} bytes",
                position=token.start + 1,
            )
        return name

    def _string(self) -> str:
        token = self._next(("string",))
        if not token.text.startswith("'"):
            raise self._error(self._at - 1, "only plain strings '…' are supported here")
        if "\0" in token.text:
            raise self._error(self._at - 1)
        return token.text[1:-1].replace("''", "'")

    # --- tokens ---

    def _peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        if at >= len(self._tokens) or self._tokens[at].kind not in {"word", "sign"}:
            return ""
        return self._tokens[at].text.upper()

    def _takes(self, *words: str) -> bool:
        """Pass words if they are next."""
        if any(self._peek(ahead) != word for ahead, word in enumerate(words)):
            return False
        self._at += len(words)
        return True

    def _require(self, *words: str) -> None:
        for word in words:
            if not self._takes(word):
                raise self._error()

    def _next(self, kinds: tuple[str, ...]) -> Token:
        if self._at >= len(self._tokens) or self._tokens[self._at].kind not in kinds:
            raise self._error()
        self._at += 1
        return self._tokens[self._at - 1]

    def _error(self, at: int | None = None, message: str | None = None) -> SqlError:
        place = self._at if at is None else at
        if place >= len(self._tokens):
            return SqlError(
                SqlState.SYNTAX_ERROR, message or "syntax error at end of input", position=len(self._text) + 1
            )
        token = self._tokens[place]
        return SqlError(
            SqlState.SYNTAX_ERROR, message or f'syntax error at or near "{token.text}"', position=token.start + 1
        )
