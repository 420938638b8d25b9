"""The fence in which a governed relation ends."""

from __future__ import annotations

from sqlglot import exp

FENCE = (1 << 63) - 1
"""The LIMIT that nothing of the query around a relation passes: the engine does not move conditions below a LIMIT, so
none of them is asked of a hidden row. (DataFusion merges and reorders the conditions of plain subqueries.)
"""


def fence(select: exp.Select) -> None:
    """End a relation in the fence."""
    select.set("limit", exp.Limit(expression=exp.Literal.number(FENCE)))


def is_fenced(select: exp.Select) -> bool:
    """Whether a governed relation ends in the fence."""
    limit = select.args.get("limit")
    return isinstance(limit, exp.Limit) and str(limit.expression.this) == str(FENCE)
