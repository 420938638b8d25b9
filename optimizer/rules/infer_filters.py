"""What alternatives over several tables have in common for one of them is asked of that table."""

from __future__ import annotations

from sqlglot import exp

from optimizer.census import Census, find_around
from optimizer.implied_filters import implied_filter
from optimizer.inner_joins import qualifiers
from optimizer.relations import conjuncts

_BOOLEAN = exp.DataType(this=exp.DType.BOOLEAN)


def infer_filters(tree: exp.Query) -> exp.Query:
    """Add to ``(a.x = 1 AND b.y = 2) OR (a.x = 3 AND b.y = 4)`` what it implies: ``a.x IN (1, 3)``, ``b.y IN (2, 4)``.

    Why good: the added conditions go into the tables, so that sources send fewer rows.
    When illegal: never, since each follows from the one that stays. One on functions without a class of their own,
    which may be volatile, is not repeated.
    Before it: names are qualified.
    """
    for select in find_around(tree, exp.Select):
        for clause in (select.args.get("where"), *(select.args.get("joins") or ())):
            key = "this" if isinstance(clause, exp.Where) else "on"
            if clause is not None and clause.args.get(key) is not None:
                _extend(clause, key)
    return tree


def has_alternatives(census: Census) -> bool:
    """Whether there are alternatives."""
    return census.has(exp.Or)


def _extend(clause: exp.Expr, key: str) -> None:
    conditions = conjuncts(clause.args[key])
    implied: list[exp.Expr] = []
    for condition in conditions:
        named = qualifiers(condition) if isinstance(condition, exp.Or) else set()
        if len(named) > 1 and "" not in named and condition.find(exp.Query) is None:
            found = (implied_filter(condition, alias) for alias in sorted(named))
            implied += [one for each in found for one in conjuncts(each) if one not in conditions]
    if implied:
        clause.set(key, _typed(exp.and_(*conditions, *map(_typed, implied), copy=False)))


def _typed(node: exp.Expr) -> exp.Expr:
    for one in node.find_all(exp.And, exp.Or):
        one.type = _BOOLEAN.copy()
    return node
