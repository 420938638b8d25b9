"""``CREATE``, ``ALTER`` and ``DROP USER MAPPING``, read by the grammar of PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.statement_reader import StatementReader

_OWN = frozenset({"USER", "CURRENT_USER", "CURRENT_ROLE"})
Act = Literal["ADD", "SET", "DROP"]


@dataclass(frozen=True, slots=True)
class Whom:
    """For whom a mapping is: a role by name, who sends the statement (``own``), or all (``name`` None)."""

    name: str | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """What is done with an option; a dropped one has no value."""

    act: Act
    name: str
    value: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class MappingStatement:
    """One statement; ``conditional`` is IF NOT EXISTS of CREATE and IF EXISTS of DROP."""

    head: Literal["CREATE", "ALTER", "DROP"]
    whom: Whom
    server: str
    options: tuple[Option, ...] = ()
    conditional: bool = False


def is_mapping_statement(words: Sequence[str]) -> bool:
    """Say whether a statement is one of these, by its first four words in upper case."""
    return words[0] in {"CREATE", "ALTER", "DROP"} and list(words[1:3]) == ["USER", "MAPPING"]


def parse_mapping(text: str) -> MappingStatement:
    """Parse one statement. Raises SqlError: 42601 with the position in the text, 42622 for names."""
    return _Parser(text).statement()


class _Parser(StatementReader):
    """Reads one statement from its first word to its last."""

    def statement(self) -> MappingStatement:
        if self._takes("CREATE", "USER", "MAPPING"):
            found = self._create()
        elif self._takes("ALTER", "USER", "MAPPING"):
            whom, server = self._place()
            found = MappingStatement("ALTER", whom, server, self._options(alters=True))
        else:
            self._require("DROP", "USER", "MAPPING")
            there = self._takes("IF", "EXISTS")
            found = MappingStatement("DROP", *self._place(), conditional=there)
        if self._at < len(self._tokens):
            raise self._error()
        return found

    def _create(self) -> MappingStatement:
        absent = self._takes("IF", "NOT", "EXISTS")
        whom, server = self._place()
        options = self._options(alters=False) if self._peek() == "OPTIONS" else ()
        return MappingStatement("CREATE", whom, server, options, absent)

    def _place(self) -> tuple[Whom, str]:
        self._require("FOR")
        word = self._peek()
        if word in _OWN:
            self._at += 1
            whom = Whom(own=True)
        elif word == "PUBLIC":
            self._at += 1
            whom = Whom()
        else:
            whom = Whom(self._name())
        self._require("SERVER")
        return whom, self._name()

    def _options(self, *, alters: bool) -> tuple[Option, ...]:
        self._require("OPTIONS")
        options = self._listed(lambda: self._option(alters))
        names = [one.name for one in options]
        for name in names:
            if names.count(name) > 1:
                raise SqlError(SqlState.DUPLICATE_OBJECT, f'option "{name}" provided more than once')
        return options

    def _option(self, alters: bool) -> Option:
        act: Act = "ADD"
        following = self._tokens[self._at + 1].kind if self._at + 1 < len(self._tokens) else ""
        if alters and following in {"word", "quoted"}:
            if self._takes("SET"):
                act = "SET"
            elif self._takes("DROP"):
                return Option("DROP", self._name())
            else:
                self._require("ADD")
        name = self._name()
        if self._at < len(self._tokens) and self._tokens[self._at].kind != "string":
            raise self._error(message="the value of an option is written as a plain string")  # it may be a password
        return Option(act, name, self._string())
