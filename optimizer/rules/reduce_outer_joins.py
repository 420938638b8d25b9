"""An outer join whose missing rows are left out afterwards is an inner one."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from optimizer.census import Census, find_around
from optimizer.join_sides import is_comma
from optimizer.relations import conjuncts
from optimizer.scopes import exposed_names

_OUTER = ("LEFT", "RIGHT", "FULL")
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Like, exp.ILike)
_STRICT = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg, exp.Paren, exp.Cast, exp.Upper, exp.Lower)
_NOBODY: frozenset[str] = frozenset()


def reduce_outer_joins(tree: exp.Query) -> exp.Query:
    """Join ``a LEFT JOIN b … WHERE b.x > 5`` as ``a JOIN b``; likewise the sides of RIGHT and FULL joins.

    Why good: a condition on b goes into b, so that sources send less, and inner joins can be ordered.
    When illegal: for a condition that may be true of NULL. Those that count are in WHERE, and in ON of a later join
    that keeps none of the rows for which it is not true.
    Before it: names are qualified.
    """
    for select in find_around(tree, exp.Select):
        joins: list[exp.Join] = select.args.get("joins") or []
        if any(join.side in _OUTER for join in joins) and not any(map(_is_by_name, joins)):
            _reduce(select, joins)
    return tree


def has_outer_joins(census: Census) -> bool:
    """Whether there is an outer join."""
    return any(join.side in _OUTER for join in census.find_all(exp.Join))


def _is_by_name(join: exp.Join) -> bool:
    return bool(join.args.get("using") or join.method)


def _reduce(select: exp.Select, joins: list[exp.Join]) -> None:
    where = select.args.get("where")
    needed = _rejecting(where.this) if where is not None else _NOBODY
    for join, left in reversed([*zip(joins, _left_sides(select, joins), strict=True)]):
        right = frozenset(exposed_names(join.this))  # what a later join needs of its rows counts for those before
        if join.kind in ("SEMI", "ANTI"):
            continue
        keeps_left = join.side in ("LEFT", "FULL") and needed.isdisjoint(right)
        keeps_right = join.side in ("RIGHT", "FULL") and needed.isdisjoint(left)
        side = {(True, True): "FULL", (True, False): "LEFT", (False, True): "RIGHT"}.get((keeps_left, keeps_right))
        if side != (join.side or None):
            join.set("side", side)
            join.set("kind", None if side is None and join.kind == "OUTER" else join.args.get("kind"))
        condition = join.args.get("on")
        if condition is not None and not keeps_left:
            needed |= _rejecting(condition)


def _left_sides(select: exp.Select, joins: list[exp.Join]) -> Iterator[frozenset[str]]:
    """Yield the aliases on the left side of each join."""
    left = frozenset(exposed_names(select.args["from_"].this))
    for join in joins:
        right = frozenset(exposed_names(join.this))
        yield left
        left = right if is_comma(join) else left | right


def _rejecting(condition: exp.Expr) -> frozenset[str]:
    """The aliases whose rows must be there for a condition to be true."""
    return _NOBODY.union(*(_aliases_of(one) for one in conjuncts(condition)))


def _aliases_of(condition: exp.Expr) -> frozenset[str]:
    node = condition.unnest()
    if isinstance(node, exp.And):
        return _rejecting(node)
    if isinstance(node, exp.Or):
        return _aliases_of(node.left) & _aliases_of(node.right)
    if isinstance(node, exp.Is):
        is_there = isinstance(node.expression, exp.Null) and bool(node.args.get("negate"))
        return _strict(node.this) if is_there else _NOBODY
    if isinstance(node, exp.Not):
        return _of_negated(node.this.unnest())
    return _of_comparison(node)


def _of_negated(node: exp.Expr) -> frozenset[str]:
    """What is NULL is so when it is negated; ``NOT x IS NULL`` is false of it."""
    if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null) and not node.args.get("negate"):
        return _strict(node.this)
    is_of_query = isinstance(node, exp.In) and not node.expressions  # which may have no rows
    return _NOBODY if is_of_query else _of_comparison(node)


def _of_comparison(node: exp.Expr) -> frozenset[str]:
    if isinstance(node, _COMPARISONS):
        is_of_many = isinstance(node.expression, exp.All | exp.Any)  # or of none
        return _NOBODY if is_of_many else _strict(node.this) | _strict(node.expression)
    if isinstance(node, exp.In):
        return _NOBODY if node.args.get("negate") and not node.expressions else _strict(node.this)
    if isinstance(node, exp.Between):
        return _strict(node.this)
    return _strict(node) if isinstance(node, exp.Column) else _NOBODY


def _strict(operand: exp.Expr) -> frozenset[str]:
    """The aliases whose missing rows make an operand NULL."""
    if isinstance(operand, exp.Column):
        return frozenset({operand.table}) if isinstance(operand.this, exp.Identifier) and operand.table else _NOBODY
    return _NOBODY.union(*map(_strict, operand.iter_expressions())) if isinstance(operand, _STRICT) else _NOBODY
