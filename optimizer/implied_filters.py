"""What an OR over several sources says of one of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from optimizer.inner_joins import is_plain, qualifiers
from optimizer.relations import conjuncts


def implied_filter(condition: exp.Expr, alias: str) -> exp.Expr | None:
    """Return a condition on one source that every row meets which meets ``condition``, or None.

    ``(a.x = 1 AND b.y = 2) OR (a.x = 3 AND b.y = 4)`` implies ``a.x IN (1, 3)``. What all alternatives ask stands once
    and by itself, so that it can go where the others may not: into a fence, to a source.
    """
    if not isinstance(condition, exp.Or):
        return None
    arms = [
        dict.fromkeys(one for one in conjuncts(arm) if is_plain(one) and qualifiers(one) == {alias})
        for arm in condition.flatten()
    ]
    if not all(arms):
        return None
    common = [one for one in arms[0] if all(one in arm for arm in arms)]
    rests = [[one for one in arm if one not in common] for arm in arms]
    if not all(rests):  # one alternative asks nothing else
        return exp.and_(*common)
    distinct = [*dict.fromkeys(exp.and_(*rest) for rest in rests)]
    return exp.and_(*common, _members(distinct) or exp.or_(*distinct, copy=False))


def _members(arms: Sequence[exp.Expr]) -> exp.Expr | None:
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
