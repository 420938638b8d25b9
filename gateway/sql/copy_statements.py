"""``COPY … TO STDOUT``: what is copied, and the options, read by PostgreSQL's grammar.

A COPY stands for a query: it is planned, governed and described as that query, so there is no second way to rows. What
this reader does not understand, PostgreSQL's parser (in the mirror) is asked about; nothing of it is executed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeVar

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.copy_options import Argument, CopyOptions, Option, Star, checked
from gateway.sql.masking_statements import RelationName
from gateway.sql.statement_reader import StatementReader
from gateway.sql.tokens import Token

E = TypeVar("E", bound=SqlError)
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))|''", re.DOTALL)
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_QUERIES = frozenset({"SELECT", "WITH", "VALUES", "TABLE", "("})
_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
_ANYONE = "Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone."


class UnreadCopy(SqlError):
    """The statement is not as the grammar has it, as far as is seen here: PostgreSQL's parser says what is wrong."""


@dataclass(frozen=True, slots=True)
class CopyTo:
    """A ``COPY … TO STDOUT``. ``query`` is what it stands for, which begins at ``offset`` of the statement's text; None
    where it is made of a table's name and columns.
    """

    query: str
    offset: int | None
    options: CopyOptions
    table: RelationName | None = None
    columns: tuple[str, ...] = ()

    def placed(self, error: E) -> E:
        """Return an error of the query with its place in the statement; without one where the query has no place."""
        if error.position is not None:
            error.position = None if self.offset is None else error.position + self.offset
        return error


def read_copy(text: str) -> CopyTo:
    """Return what a COPY statement asks for. Raises SqlError where it is not served, `UnreadCopy` where it is not
    understood.
    """
    return _CopyReader(text).read()


class _CopyReader(StatementReader):
    """Reads one statement."""

    def read(self) -> CopyTo:
        self._require("COPY")
        legacy: list[Option] = []
        if self._peek() == "BINARY" and self._peek(1) not in {"TO", "FROM", ".", "("}:
            legacy.append(Option("format", "binary", self._place()))
            self._takes("BINARY")
        if self._peek() == "(":
            return self._of_query()
        table = self._relation()
        columns = self._listed(self._name) if self._peek() == "(" else ()
        is_from = self._takes("FROM")
        if not is_from:
            self._require("TO")
        self._target(is_from=is_from)
        options = checked([*legacy, *self._options()])
        _check_distinct(columns)
        listed = ", ".join(map(_quoted, columns)) or "*"
        name = _quoted(table.name) if table.schema is None else f"{_quoted(table.schema)}.{_quoted(table.name)}"
        return CopyTo(f"SELECT {listed} FROM {name}", None, options, table, columns)

    def _of_query(self) -> CopyTo:
        self._takes("(")
        head, first = self._peek(), self._at
        if head in _WRITES:
            raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, "writing is not supported yet")
        if head not in _QUERIES:
            raise self._error()
        depth = 1
        while depth:
            if self._at >= len(self._tokens):
                raise self._error()
            word = self._peek()
            depth += (word == "(") - (word == ")")
            self._at += 1
        last = self._at - 1
        parameter = next((one for one in self._tokens[first:last] if one.kind == "number" and one.text[0] == "$"), None)
        if parameter is not None:
            message = f"there is no parameter {parameter.text}"
            raise SqlError(SqlState.UNDEFINED_PARAMETER, message, position=parameter.start + 1)
        self._require("TO")
        self._target(is_from=False)
        if self._peek() in {"DELIMITERS", "USING"}:  # which only tables have
            raise self._error()
        options = checked(self._options())
        start = self._tokens[first].start
        return CopyTo(self._text[start : self._tokens[last].start], start, options)

    def _target(self, *, is_from: bool) -> None:
        if self._takes("PROGRAM"):
            self._constant()
            raise _refused("an external program", is_from=is_from)
        if not self._takes("STDOUT") and not self._takes("STDIN"):
            self._constant()
            raise _refused("a file", is_from=is_from)
        if is_from:
            raise SqlError(
                SqlState.FEATURE_NOT_SUPPORTED,
                "COPY FROM is not supported",
                detail="Tables of the lake and of its sources cannot be written yet.",
            )

    # --- options ---

    def _options(self) -> list[Option]:
        found: list[Option] = []
        if self._takes("USING", "DELIMITERS") or self._takes("DELIMITERS"):
            found.append(Option("delimiter", self._constant(), self._place(-1)))
        self._takes("WITH")
        if self._peek() == "(":
            found += self._listed(self._generic)
        else:
            while self._at < len(self._tokens):
                found.append(self._old())
        if self._at < len(self._tokens):
            raise self._error()
        return found

    def _generic(self) -> Option:
        position = self._place()
        if self._peek() == "FORMAT" and self._peek(1) == "JSON":  # which PostgreSQL reads as a clause of JSON's
            raise self._error()
        return Option(self._name(), self._argument(), position)

    def _argument(self) -> Argument:
        if self._peek() in {",", ")"}:
            return None
        if self._takes("*"):
            return Star.STAR
        if self._peek() == "(":
            return self._listed(self._word_or_constant)
        sign = -1 if self._takes("-") else 1
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        if token is not None and token.kind == "number":
            self._at += 1
            return sign * int(token.text) if token.text.isdecimal() else ("-" if sign < 0 else "") + token.text
        if self._takes("TRUE"):
            return "true"
        if self._takes("FALSE"):
            return "false"
        return self._word_or_constant()

    def _word_or_constant(self) -> str:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        return self._name() if token is not None and token.kind in {"word", "quoted"} else self._constant()

    def _old(self) -> Option:
        position = self._place()
        for name in ("DELIMITER", "NULL", "QUOTE", "ESCAPE"):
            if self._takes(name):
                self._takes("AS")
                return Option(name.lower(), self._constant(), position)
        if self._takes("ENCODING"):
            return Option("encoding", self._constant(), position)
        for name, argument in (("BINARY", "binary"), ("CSV", "csv")):
            if self._takes(name):
                return Option("format", argument, position)
        for name in ("HEADER", "FREEZE"):
            if self._takes(name):
                return Option(name.lower(), "true", position)
        self._require("FORCE")
        kind = "quote" if self._takes("QUOTE") else "not_null" if self._takes("NOT", "NULL") else "null"
        if kind == "null":
            self._require("NULL")
        return Option(f"force_{kind}", Star.STAR if self._takes("*") else self._names(), position)

    def _names(self) -> tuple[str, ...]:
        found = [self._name()]
        while self._takes(","):
            found.append(self._name())
        return tuple(found)

    # --- tokens ---

    def _place(self, behind: int = 0) -> int:
        at = self._at + behind
        return self._tokens[at].start + 1 if at < len(self._tokens) else len(self._text) + 1

    def _constant(self) -> str:
        token = self._next(("string", "dollar"))
        return _value(token)

    def _error(self, at: int | None = None, message: str | None = None) -> SqlError:
        position = super()._error(at, message).position
        return UnreadCopy(SqlState.FEATURE_NOT_SUPPORTED, "this form of COPY is not supported", position=position)


def _value(token: Token) -> str:
    """Return what a string constant means."""
    text = token.text
    if token.kind == "dollar":
        tag = text.index("$", 1) + 1
        return text[tag:-tag]
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    if text[:2] in {"E'", "e'"} and "\n" not in text and "\r" not in text:
        return _ESCAPE.sub(_unescaped, text[2:-1])
    raise SqlError(
        SqlState.FEATURE_NOT_SUPPORTED,
        "this form of string constant is not supported in COPY",
        hint="Write '…' or E'…'.",
        position=token.start + 1,
    )


def _unescaped(match: re.Match[str]) -> str:
    octal, two, four, eight, letter = match.groups()
    if letter is not None:
        return _LETTERS.get(letter, letter)
    if octal is not None or two is not None:
        return chr(int(octal, 8) & 0xFF if octal is not None else int(two, 16))
    code = four or eight
    return chr(int(code, 16)) if code is not None else "'"


def _refused(what: str, *, is_from: bool) -> SqlError:
    direction = "to or from " if what != "a file" else "from " if is_from else "to "
    return SqlError(
        SqlState.INSUFFICIENT_PRIVILEGE,
        f"permission denied to COPY {direction}{what}",
        detail="A gateway reads and writes no files of its own machine and runs no programs there, whoever asks.",
        hint=_ANYONE,
    )


def _check_distinct(columns: tuple[str, ...]) -> None:
    for place, name in enumerate(columns):
        if name in columns[:place]:
            raise SqlError(SqlState.DUPLICATE_COLUMN, f'column "{name}" specified more than once')


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
