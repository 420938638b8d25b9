"""Questions about policies answered: `EXPLAIN POLICY` and `CHECK ACCESS`, for those who look after the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from catalog.store.rows import AccessRows
from catalog.tables import Table
from gateway.officers.officers import require_own_table
from gateway.officers.view_tags import look_at_view
from gateway.sql.expression_text import parse_expression
from gateway.sql.policy_questions import (
    CHECK_COLUMNS,
    EXPLAIN_COLUMNS,
    CheckAccess,
    PolicyQuestion,
    parse_policy_question,
)
from gateway.sql.resolve import Names
from policies.access import Access
from policies.claims import with_proved
from policies.explain import Question, Wordings
from policies.identity import bind_identity, bind_role
from policies.masks import Mask
from policies.roles import Roles
from policies.states import in_force
from policies.views import KIND as VIEW

_ARROW = {"text": pa.string(), "boolean": pa.bool_()}


@dataclass(frozen=True, slots=True)
class PolicyAnswers:
    """Answers such questions of one moment."""

    rows: AccessRows
    roles: Roles
    access: Access
    broken_drafts: Mapping[tuple[TableName, str], str]

    def answer(self, text: str, asker: Principal, names: Names) -> pa.RecordBatch:
        """Return the rows of an answer. Raises SqlError with positions in ``text``: 42501 and 42P01 for who may not
        ask, 42704 for no such role, 42703 for no such column.
        """
        question = parse_policy_question(text)
        table = require_own_table(question.table, asker, names, self.rows)
        asked = self._asked(question, table, names)
        if isinstance(question, CheckAccess):
            for column in question.columns:
                if table.column(column) is None:
                    message = f'column "{column}" of relation "{table.name.name}" does not exist'
                    raise SqlError(SqlState.UNDEFINED_COLUMN, message)
            verdicts = [asked.verdict(column) for column in question.columns or (None,)]
            told = [(one.subject, one.allowed, one.masked, one.filtered, one.reason) for one in verdicts]
            return _batch(CHECK_COLUMNS, told)
        found = asked.findings()
        return _batch(EXPLAIN_COLUMNS, [(one.kind, one.name, one.applies, one.explanation) for one in found])

    def _asked(self, question: PolicyQuestion, table: Table, names: Names) -> Question:
        principal = self.roles.get_principal(question.role)
        if principal is None:
            raise SqlError(SqlState.UNDEFINED_OBJECT, f'role "{question.role}" does not exist')
        if question.claims is not None:
            principal = replace(principal, claims=with_proved(principal, question.claims))
        told = wordings(principal, question.claims is not None)
        view = look_at_view(table.name, in_force(self.rows), principal, names).judged if table.kind == VIEW else None
        return Question(self.rows, self.access, principal, table, told, self.broken_drafts, view)


def wordings(principal: Principal, claims_known: bool) -> Wordings:
    """Return how conditions and masks are told for a principal."""
    bind = bind_identity if claims_known else bind_role

    def condition(text: str) -> str:
        return bind(parse_expression(text), principal).unnest().sql("postgres")

    def mask(one: Mask) -> str:
        expression = bind(parse_expression(one.policy.expression), principal)
        return one.over_columns(expression).unnest().sql("postgres")

    return Wordings(condition, mask)


def _batch(columns: Sequence[tuple[str, str]], rows: Sequence[tuple[object, ...]]) -> pa.RecordBatch:
    arrays = [pa.array([row[at] for row in rows], _ARROW[kind]) for at, (_, kind) in enumerate(columns)]
    return pa.record_batch(arrays, names=[name for name, _ in columns])
