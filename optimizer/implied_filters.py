"""What an OR over several sources says of one of them."""

from __future__ import annotations

from sqlglot import exp

from optimizer.inner_joins import is_plain, qualifiers
from optimizer.relations import conjuncts


def implied_filter(condition: exp.Expr, alias: str) -> exp.Expr | None:
    """Return a condition on one source that every row meets which meets ``condition``, or None.

    ``(a.x = 1 AND b.y = 2) OR (a.x = 3 AND b.y = 4)`` implies ``a.x IN (1, 3)``.
    """
    if not isinstance(condition, exp.Or):
        return None
    arms: list[exp.Expr] = []
    for arm in condition.flatten():
        own = [one for one in conjuncts(arm) if is_plain(one) and qualifiers(one) == {alias}]
        if not own:
            return None
        arms.append(exp.and_(*own))
    distinct = [*dict.fromkeys(arms)]
    return _members(distinct) or (distinct[0] if len(distinct) == 1 else exp.or_(*distinct, copy=False))


def _members(arms: list[exp.Expr]) -> exp.Expr | None:
    """Return ``column IN (constants)`` for alternatives that are equalities of one column."""
    first = arms[0].left if isinstance(arms[0], exp.EQ) else None
    if len(arms) < 2 or not isinstance(first, exp.Column):
        return None
    values: list[exp.Expr] = []
    for arm in arms:
        if not isinstance(arm, exp.EQ) or arm.left != first or not isinstance(arm.right, exp.Literal):
            return None
        values.append(arm.right.copy())
    found = exp.In(this=first.copy(), expressions=values)
    found.type = exp.DataType(this=exp.DType.BOOLEAN)
    return found
