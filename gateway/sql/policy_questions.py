"""The statements that ask who may see what, and why: ``EXPLAIN POLICY`` and ``CHECK ACCESS``.

``EXPLAIN POLICY FOR role [WITH CLAIMS 'json'] ON [schema.]table`` and
``CHECK ACCESS FOR role [WITH CLAIMS 'json'] [TO SELECT] ON [schema.]table[.column] [(column, …)]``. They answer with
rows, and change nothing. A column behind a dot needs the schema, for ``a.b`` is a table in a schema.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.errors import SqlError
from catalog.principals import frozen_claims
from catalog.sqlstate import SqlState
from gateway.sql.masking_statements import RelationName
from gateway.sql.statement_reader import StatementReader

EXPLAIN_COLUMNS = (("kind", "text"), ("name", "text"), ("applies", "boolean"), ("explanation", "text"))
CHECK_COLUMNS = (
    *(("object", "text"), ("allowed", "boolean"), ("masked", "boolean"), ("filtered", "boolean")),
    ("reason", "text"),
)


@dataclass(frozen=True, slots=True)
class ExplainPolicy:
    """``EXPLAIN POLICY``. ``claims`` None: what a claim is worth is not known, and stays as it is written."""

    role: str
    table: RelationName
    claims: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class CheckAccess:
    """``CHECK ACCESS``; ``columns`` empty: the table as such."""

    role: str
    table: RelationName
    columns: tuple[str, ...] = ()
    claims: Mapping[str, object] | None = None


PolicyQuestion = ExplainPolicy | CheckAccess


def is_policy_question(words: Sequence[str]) -> bool:
    """Say whether a statement is one of these, by its first words in upper case."""
    return tuple(words[:3]) in {("EXPLAIN", "POLICY", "FOR"), ("CHECK", "ACCESS", "FOR")}


def stand_in(text: str) -> str:
    """Return a query with the columns of the answer, from which PostgreSQL describes it."""
    words = text.split(maxsplit=1)
    columns = EXPLAIN_COLUMNS if words[0].upper() == "EXPLAIN" else CHECK_COLUMNS
    listed = ", ".join(
        f'NULL::pg_catalog.{"bool" if kind == "boolean" else kind} AS "{name}"' for name, kind in columns
    )
    return f"SELECT {listed}"


def parse_policy_question(text: str) -> PolicyQuestion:
    """Parse one statement. Raises SqlError 42601 with the position in the text, 42622 and 0A000 for names, 22023 for
    claims that are no JSON object.
    """
    return _Parser(text).question()


class _Parser(StatementReader):
    """Reads one statement from its first word to its last."""

    def question(self) -> PolicyQuestion:
        explains = self._takes("EXPLAIN", "POLICY")
        if not explains:
            self._require("CHECK", "ACCESS")
        self._require("FOR")
        role = self._name()
        claims = self._claims() if self._takes("WITH", "CLAIMS") else None
        if not explains and self._takes("TO"):
            self._require("SELECT")
        self._require("ON")
        self._takes("TABLE")
        table = self._relation()
        columns: tuple[str, ...] = ()
        if not explains:
            if table.schema is not None and self._takes("."):
                columns = (self._name(),)
            elif self._peek() == "(":
                columns = self._listed(self._name)
        if self._at < len(self._tokens):
            raise self._error()
        return ExplainPolicy(role, table, claims) if explains else CheckAccess(role, table, columns, claims)

    def _claims(self) -> Mapping[str, object]:
        place = self._tokens[self._at].start + 1 if self._at < len(self._tokens) else len(self._text) + 1
        try:
            found = json.loads(self._string())
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise SqlError(SqlState.INVALID_PARAMETER_VALUE, "claims are a JSON object", position=place)
        return frozen_claims(found)
