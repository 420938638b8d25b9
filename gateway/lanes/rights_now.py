"""The rights of a statement, looked at again when it has waited: for a place in the engine, for the result that another
statement computes, for a source's connection.

As PostgreSQL checks rights when it begins to execute, and plans anew what has changed while it waited for a lock. Most
often nothing has, which a look at two numbers tells. Else the statement is planned once more, for who asks now, and
goes on where that is the same query.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.lake import Lake
from gateway.lanes.bound import Portal
from gateway.lanes.prepared import StatementCache
from gateway.pipeline import Asker, Plan
from gateway.rights import RightsChanged


class RightsNow:
    """Those of one statement. ``asker`` tells who asks at this moment. For statements that have a plan."""

    def __init__(self, portal: Portal, asker: Callable[[], Asker], statements: StatementCache, lake: Lake) -> None:
        self._portal = portal
        self._asker = asker
        self._statements = statements
        self._lake = lake

    @property
    def are_current(self) -> bool:
        """Whether nothing has changed since the statement was planned. Raises SqlError: who asks is gone."""
        planned, lake = self._portal.prepared.require_plan(), self._lake
        made_for = planned.made_for
        is_so = made_for.catalog == lake.catalog.version and made_for.access == lake.access.version
        return is_so and planned.principal == self._asker().principal

    async def require(self) -> None:
        """Plan the statement again where something has changed. Raises SqlError, RightsChanged."""
        if not self.are_current and not await self.is_same_query():
            raise RightsChanged

    async def is_same_query(self) -> bool:
        """Whether the statement would read now what it was planned to. Raises SqlError where it may not be read."""
        began = self._portal.prepared
        before = began.require_plan()
        now = self._asker()
        names = replace(now.names, search_path=before.made_for.search_path, temporary=before.made_for.temporary)
        asker = replace(now, names=names, parameters=self._portal.types, tuning=before.tuning)
        planned = (await self._statements.prepare(began.statement, asker, self._lake)).require_plan()
        return _is_same(planned, before)


def _is_same(one: Plan, other: Plan) -> bool:
    if one.principal == other.principal and one.made_for == other.made_for:
        return True
    return one.whole == other.whole and one.optimized.tree.sql() == other.optimized.tree.sql()


async def check_cursor(rights: RightsNow) -> None:
    """Check that rows of a statement that has begun may still be read as when it began. Raises SqlError where who asks
    now may not, 0A000 where he would have to see something else.
    """
    if not await rights.is_same_query():
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED,
            "the cursor cannot go on: what may be read by it has changed since it was opened",
            hint="Close it and run its query again.",
        )
