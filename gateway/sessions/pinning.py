"""Plans pinned to statements: who may, and whether the hints can be followed; then the store.

Who may is who may ANALYZE all tables that the statement names: their owners, holders of MAINTAIN, superusers. He also
has to be one who may run it. Hints choose plans and never rows, so that those who see other rows may have them, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.pins import Pin, shape_of
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from gateway.analyze.choice import maintained
from gateway.explaining.explain import hides
from gateway.history.identity import LONGEST, query_id, statement_text
from gateway.history.plan_text import leading_hint
from gateway.pipeline import Asker, Plan
from gateway.sessions.services import SessionServices
from gateway.sql.pin_statements import PinPlan, UnpinPlan, parse_pin
from gateway.sql.resolve import Names
from gateway.sql.statements import Kind, Statement, split
from optimizer.hints import IS_OF_THE_TEXT

_AS_IT_IS = "Set(lakegate.feedback on)"  # a hint that changes nothing, before which pins do not count
Noted = Callable[[tuple[str, ...]], None]


@dataclass(frozen=True, slots=True)
class Pinning:
    """Carries out such statements for somebody."""

    services: SessionServices
    principal: Principal
    names: Names

    async def answer(self, text: str, noted: Noted) -> pa.RecordBatch:
        """Carry out a statement; return the number of the statement whose plan was pinned, or whether one was taken
        away. ``noted`` is told which tables it is about. Raises SqlError: 42501 for who may not, 22023 for hints that
        cannot be read or are not followed, 0A000 where there is nothing to choose, and as the query itself does.
        """
        asked = parse_pin(text)
        if isinstance(asked, PinPlan):
            pin = await self._pin(asked, noted)
            return pa.RecordBatch.from_pydict({"pin_plan": pa.array([pin.queryid], pa.int64())})
        dropped = await self._unpin(asked, noted)
        return pa.RecordBatch.from_pydict({"unpin_plan": pa.array([dropped])})

    async def _pin(self, asked: PinPlan, noted: Noted) -> Pin:
        hints = asked.hints
        if hints is None:
            plan = await self._plan(asked.query, _AS_IT_IS)
            if hides(plan, self.services.lake):  # his pins tell him their hints
                raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, "the plan is shown to roles that see all of the tables")
            hints = leading_hint(plan.optimized, plan.parts) if plan.whole is None else None
            if hints is None:
                raise SqlError(
                    SqlState.FEATURE_NOT_SUPPORTED,
                    "the plan of the statement cannot be told as hints",
                    detail="It joins nothing, or in several places, or servers answer it or parts of it.",
                    hint="Say which hints are to hold for it.",
                )
        plan = await self._plan(asked.query, hints)
        self._require_right([table.name for table in plan.named], noted)
        _require_followed(plan, in_full=not hides(plan, self.services.lake))
        shown = statement_text(split(asked.query)[0].text)
        tables = {table.name: shape_of(table) for table in plan.named}
        at, by = datetime.now(UTC), self.principal.login or self.principal.session_user or self.principal.name
        pin = Pin(query_id(shown, tables), shown[:LONGEST], " ".join(hints.split()), tables, by, at)
        await self.services.pin_plan(pin)
        return pin

    async def _unpin(self, asked: UnpinPlan, noted: Noted) -> bool:
        queryid = asked.query
        if isinstance(queryid, str):
            plan = await self._plan(queryid, _AS_IT_IS)
            shown = statement_text(split(queryid)[0].text)
            queryid = query_id(shown, [table.name for table in plan.named])
        pin = self.services.lake.pins.get(queryid)
        if pin is None:
            return False
        self._require_right(pin.tables, noted)
        return await self.services.unpin_plan(queryid)

    async def _plan(self, query: str, hints: str) -> Plan:
        """Plan a query with hints in the place of its own."""
        try:
            statements = split(query)
            if len(statements) != 1 or statements[0].kind is not Kind.QUERY:
                raise SqlError(SqlState.INVALID_PARAMETER_VALUE, "plans are pinned to a single query")
            statement = Statement(statements[0].text, Kind.QUERY, statements[0].head, hints=hints)
            asker = Asker(self.names, self.principal)
            prepared = await self.services.statements.prepare(statement, asker, self.services.lake)
            if prepared.plan is None and prepared.failure is None:
                raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, "the query reads no table of the lake")
            return prepared.require_plan()
        except SqlError as error:
            error.position = None  # it would be one in the constant
            raise

    def _require_right(self, tables: Collection[TableName], noted: Noted) -> None:
        noted(tuple(map(str, tables)))
        maintains = maintained(self.principal, self.services.rows())
        for name in sorted(tables):
            if not maintains(name):
                raise SqlError(
                    SqlState.INSUFFICIENT_PRIVILEGE,
                    f"permission denied for table {name.name}",
                    detail="To pin a plan takes the privilege MAINTAIN on each table of the statement.",
                )


def _require_followed(plan: Plan, *, in_full: bool) -> None:
    mistake = plan.hints.mistake
    if mistake is not None:
        message = f'hint syntax error at or near "{mistake.near}"'
        raise SqlError(SqlState.INVALID_PARAMETER_VALUE, message, detail=mistake.detail)
    if not plan.followed:
        raise SqlError(SqlState.INVALID_PARAMETER_VALUE, "there are no hints to pin")
    for text, reason in plan.followed:
        if reason is not None and (in_full or reason in IS_OF_THE_TEXT):
            detail = f"{reason[:1].upper()}{reason[1:]}."
            raise SqlError(SqlState.INVALID_PARAMETER_VALUE, f"hint is not used: {text}", detail=detail)
