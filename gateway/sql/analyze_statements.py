"""``ANALYZE`` as PostgreSQL writes it: options, tables, and columns of tables."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.masking_statements import RelationName
from gateway.sql.statement_reader import StatementReader

_ON = frozenset({"TRUE", "ON", "1"})
_OFF = frozenset({"FALSE", "OFF", "0"})
_BEHIND_OPTIONS = frozenset({",", ")"})


@dataclass(frozen=True, slots=True)
class Target:
    """A table that is to be analyzed, and which of its columns; none are named: all."""

    table: RelationName
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Analyze:
    """An ANALYZE. No tables are named: all that who asks may maintain."""

    verbose: bool = False
    tables: tuple[Target, ...] = ()


def parse_analyze(text: str) -> Analyze:
    """Parse a statement. Raises SqlError: 42601 with the position in the text and for unknown options, 42622 and 0A000
    for names, 42701 for a column that is named twice.
    """
    return _Parser(text).statement()


class _Parser(StatementReader):
    def statement(self) -> Analyze:
        self._require("ANALYZE")
        verbose = self._options() if self._peek() == "(" else self._takes("VERBOSE")
        tables: list[Target] = []
        if self._at < len(self._tokens):
            tables.append(self._table())
            while self._takes(","):
                tables.append(self._table())
        if self._at < len(self._tokens):
            raise self._error()
        return Analyze(verbose, tuple(tables))

    def _table(self) -> Target:
        self._takes("ONLY")
        table = self._relation()
        self._takes("*")
        columns = self._listed(self._name) if self._peek() == "(" else ()
        for place, column in enumerate(columns):
            if column in columns[:place]:
                message = f'column "{column}" of relation "{table.name}" appears more than once'
                raise SqlError(SqlState.DUPLICATE_COLUMN, message)
        return Target(table, columns)

    def _options(self) -> bool:
        """Return whether VERBOSE is on. The other options say how PostgreSQL reads tables of its own."""
        verbose = False
        for place, name, value in self._listed(self._option):
            if name == "buffer_usage_limit":
                continue
            if name not in {"verbose", "skip_locked"}:
                message = f'unrecognized ANALYZE option "{name}"'
                raise SqlError(SqlState.SYNTAX_ERROR, message, position=place)
            if value.upper() not in _ON | _OFF:
                raise SqlError(SqlState.SYNTAX_ERROR, f"{name} requires a Boolean value")
            if name == "verbose":
                verbose = value.upper() in _ON
        return verbose

    def _option(self) -> tuple[int, str, str]:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        name = self._name()
        assert token is not None
        if self._peek() in _BEHIND_OPTIONS:
            return token.start + 1, name, "TRUE"
        value = self._next(("word", "string", "number"))
        return token.start + 1, name, value.text.strip("'")
