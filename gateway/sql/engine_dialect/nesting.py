"""Subqueries within each other, of which the engine's time doubles with each level, are refused beyond a second of it.

The engine plans each subquery that is a value, EXISTS or IN twice as often as the query around it, whatever is in it,
and no cancel stops it while it plans. Those in FROM, and those that have become joins, it plans once.
"""

from __future__ import annotations

from sqlglot import exp

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from optimizer.census import Census

MAX_PLANNED = 1 << 16  # queries, each counted as often as it is planned: fifteen levels, or more side by side
_MAX_DOUBLINGS = MAX_PLANNED.bit_length()
_PLANNED_ONCE = (exp.From, exp.Join, exp.Lateral, exp.CTE, exp.SetOperation)


def check(census: Census) -> None:
    """Raise 54001 for subqueries that the engine would plan for longer than that."""
    levels: dict[int, int] = {}
    planned = 0
    for query in census.find_all(exp.Select, exp.SetOperation):  # those around others come first
        levels[id(query)] = level = min(_level(query, levels), _MAX_DOUBLINGS)
        planned += 1 << level
    if planned > MAX_PLANNED + len(levels):
        raise SqlError(
            SqlState.STATEMENT_TOO_COMPLEX,
            "subqueries are nested too deeply",
            hint="Put the inner ones into FROM, or into WITH.",
        )


def _level(query: exp.Expr, levels: dict[int, int]) -> int:
    node = query.parent
    while isinstance(node, exp.Subquery):
        node = node.parent
    doubled = 0 if node is None or isinstance(node, _PLANNED_ONCE) else 1
    while node is not None and id(node) not in levels:
        node = node.parent
    return 0 if node is None else levels[id(node)] + doubled
