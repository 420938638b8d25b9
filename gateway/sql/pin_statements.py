"""``SELECT lakegate.pin_plan('query', 'hints')`` and ``SELECT lakegate.unpin_plan('query')``, or by its number.

They are calls of functions for PostgreSQL, which describes them; the gateway carries them out where they stand alone,
with constants. Anywhere else PostgreSQL calls the mirror's functions of these names, which refuse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.statement_reader import StatementReader

_FUNCTIONS = ("PIN_PLAN", "UNPIN_PLAN")


@dataclass(frozen=True, slots=True)
class PinPlan:
    """Pin a plan to a query: what ``hints`` say; None: the plan that it has now."""

    query: str
    hints: str | None


@dataclass(frozen=True, slots=True)
class UnpinPlan:
    """Drop what is pinned to a query, given by its text or its number."""

    query: str | int


def is_pin_statement(words: Sequence[str]) -> bool:
    """Say whether a statement is one of these, by its first four words in upper case."""
    return tuple(words[:3]) == ("SELECT", "LAKEGATE", ".") and words[3:4] != [] and words[3] in _FUNCTIONS


def pin_stand_in(text: str) -> str:
    """Return a query with the columns of the answer, from which PostgreSQL describes it."""
    if isinstance(parse_pin(text), PinPlan):
        return "SELECT NULL::pg_catalog.int8 AS pin_plan"
    return "SELECT NULL::pg_catalog.bool AS unpin_plan"


def parse_pin(text: str) -> PinPlan | UnpinPlan:
    """Parse one statement. Raises SqlError: 42601 with the position in the text, 0A000 for what is no plain call."""
    try:
        return _Parser(text).call()
    except SqlError as error:
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED,
            "pin_plan() and unpin_plan() are supported as SELECT lakegate.pin_plan('query', 'hints') alone",
            detail="Their arguments are plain constants.",
            position=error.position,
        ) from None


class _Parser(StatementReader):
    """Reads one statement from its first word to its last."""

    def call(self) -> PinPlan | UnpinPlan:
        self._require("SELECT", "LAKEGATE", ".")
        pins = self._takes("PIN_PLAN")
        if not pins:
            self._require("UNPIN_PLAN")
        self._require("(")
        found: PinPlan | UnpinPlan
        if pins:
            query = self._constant()
            found = PinPlan(query, self._constant() if self._takes(",") else None)
        else:
            found = UnpinPlan(self._query())
        self._require(")")
        if self._at < len(self._tokens):
            raise self._error()
        return found

    def _query(self) -> str | int:
        negative = self._takes("-")
        if negative or (self._at < len(self._tokens) and self._tokens[self._at].kind == "number"):
            digits = self._next(("number",)).text
            if not digits.isdecimal():
                raise self._error(self._at - 1)
            return -int(digits) if negative else int(digits)
        return self._constant()

    def _constant(self) -> str:
        if self._at < len(self._tokens) and self._tokens[self._at].kind == "dollar":
            text = self._next(("dollar",)).text
            tag = text[: text.index("$", 1) + 1]
            return text[len(tag) : -len(tag)]
        return self._string()
