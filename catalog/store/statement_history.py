"""What statements over the lake took, in the metadata store: sums, to which every gateway adds its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from catalog.history import Runs, StatementPlan
from catalog.store.schema import roles, statement_history

MOST = 5000  # statements with a plan that are kept of one database, the ones that were run last
_KEY = ("catalog", "user_name", "role", "is_personal", "hides_plan", "queryid", "planid")


class StatementHistory:
    """Statements by plan. Safe to use from several threads; every method blocks."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, database: str, runs: Mapping[StatementPlan, Runs], most: int = MOST) -> None:
        """Add what was run to what is known; of all no more than ``most`` are kept. What roles ran that are gone is not
        kept: a role that is made later may have their name.
        """
        if not runs:
            return
        named = {name for one in runs for name in (one.user, one.role)}
        columns = statement_history.c
        statement = insert(statement_history)
        new = statement.excluded
        sums = {name: columns[name] + new[name] for name in ("calls", "total", "squares", "rows")}
        ends = {name: sa.func.least(columns[name], new[name]) for name in ("least", "first")}
        ends |= {name: sa.func.greatest(columns[name], new[name]) for name in ("most", "last")}
        of_database = columns.catalog == database
        oldest = sa.select(columns.last).where(of_database).order_by(columns.last.desc()).offset(most).limit(1)
        with self._engine.begin() as connection:
            found = sa.select(roles.c.name, roles.c.created).where(roles.c.name.in_(named))
            made = {
                row.name: row.created for row in connection.execute(found.with_for_update(read=True, key_share=True))
            }
            rows = [_row(database, key, one) for key, one in runs.items() if _is_of_roles(key, one, made)]
            rows.sort(key=lambda row: [row[name] for name in _KEY])  # in one order: of two gateways neither waits
            if not rows:
                return
            connection.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=sums | ends), rows)
            connection.execute(statement_history.delete().where(of_database, columns.last <= oldest.scalar_subquery()))

    def load(self, database: str) -> Mapping[StatementPlan, Runs]:
        """Return all that is known of one database."""
        with self._engine.connect() as connection:
            found = connection.execute(sa.select(statement_history).where(statement_history.c.catalog == database))
            return {
                StatementPlan(row.user_name, row.role, row.is_personal, row.hides_plan, row.queryid, row.planid): Runs(
                    *(getattr(row, one.name) for one in fields(Runs))
                )
                for row in found
            }


def _row(database: str, key: StatementPlan, runs: Runs) -> dict[str, object]:
    known = (database, key.user, key.role, key.is_personal, key.hides_plan, key.queryid, key.planid)
    return dict(zip(_KEY, known, strict=True)) | {one.name: getattr(runs, one.name) for one in fields(Runs)}


def _is_of_roles(key: StatementPlan, runs: Runs, made: Mapping[str, datetime]) -> bool:
    """Whether the roles that are there now have run it, and not ones of the same names before them."""
    return all(name in made and made[name] <= runs.first for name in (key.user, key.role))
