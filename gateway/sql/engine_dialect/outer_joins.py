"""RIGHT and FULL joins, which DataFusion 55 answers wrongly under a condition on columns of one name.

It swaps the sides of a RIGHT join where the left one is smaller, and then asks ``a.v = 1 OR b.v = 2``, a condition on
the joined rows, of the rows of one side, where both columns are ``v``. A LEFT join it swaps without that. A FULL join
becomes a RIGHT one to it where a condition is not met by rows without a left side.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from optimizer.relations import conjuncts

_EVERY_ROW = "9223372036854775807"
_ODD = ("using", "method", "global_", "pivots", "match_condition", "hint")


def without_right_joins(tree: exp.Query) -> exp.Query:
    """Write RIGHT joins as LEFT ones, and keep conditions on several tables out of FULL joins, in place."""
    for select in [*tree.find_all(exp.Select)]:
        source, joins = select.args.get("from_"), select.args.get("joins") or []
        if source is None or not joins:
            continue
        if any(join.side == "FULL" for join in _all_joins(source.this, joins)):
            _keep_out(select)
        first, turned = _turned(source.this, joins)
        select.set("from_", exp.From(this=first))
        select.set("joins", turned)
    for node in [*tree.find_all(exp.Table, exp.Subquery)]:
        parent, joins = node.parent, node.args.get("joins") or []
        if isinstance(parent, exp.Subquery) and any(join.side == "RIGHT" for join in joins):  # in parentheses
            node.set("joins", None)
            first, turned = _turned(node, joins)
            first.set("joins", turned)
            parent.set("this", first)
    return tree


def _all_joins(first: exp.Expr, joins: list[exp.Join]) -> Iterator[exp.Join]:
    """Yield joins, those in parentheses too."""
    yield from joins
    for node in (first, *(join.this for join in joins)):
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Subquery | exp.Table):
            yield from _all_joins(node.this, node.this.args.get("joins") or [])


def _turned(first: exp.Expr, joins: list[exp.Join]) -> tuple[exp.Expr, list[exp.Join]]:
    """Return sources such that ``a JOIN b RIGHT JOIN c`` is ``c LEFT JOIN (a JOIN b)``; what stands before a comma is
    joined to nothing behind it.
    """
    while (at := _next_right(joins)) is not None:
        comma = max((place for place in range(at) if _is_comma(joins[place])), default=-1)
        before, right = first if comma < 0 else joins[comma].this, joins[at]
        if between := joins[comma + 1 : at]:
            before.set("joins", between)
            before = exp.Subquery(this=before)
        left = exp.Join(this=before, side="LEFT", on=right.args.get("on"))
        if comma < 0:
            first = right.this
        else:
            joins[comma].set("this", right.this)
        joins = [*joins[: comma + 1], left, *joins[at + 1 :]]
    return first, joins


def _next_right(joins: list[exp.Join]) -> int | None:
    """Return the place of the first RIGHT join; None where there is none, or LATERAL speaks of what is beside it."""
    for at, join in enumerate(joins):
        if isinstance(join.this, exp.Lateral):
            return None
        if join.side == "RIGHT" and not any(join.args.get(key) for key in _ODD):
            return at
    return None


def _is_comma(join: exp.Join) -> bool:
    return not (join.side or join.kind or join.method or join.args.get("on") or join.args.get("using"))


def _keep_out(select: exp.Select) -> None:
    """Have the engine ask conditions on several sources of the joined rows: its optimizer moves no volatile ones, and
    none from outside past a LIMIT.
    """
    where = select.args.get("where")
    if where is not None:
        conditions = [_unmoved(one) if _may_be_moved(one) else one for one in conjuncts(where.this)]
        select.set("where", exp.Where(this=exp.and_(*conditions, copy=False)))
    holder = select.parent
    is_derived = isinstance(holder, exp.CTE) or (
        isinstance(holder, exp.Subquery) and isinstance(holder.parent, exp.From | exp.Join)
    )
    if is_derived and select.args.get("limit") is None:
        select.set("limit", exp.Limit(expression=exp.Literal.number(_EVERY_ROW)))


def _may_be_moved(condition: exp.Expr) -> bool:
    """Whether a condition speaks of several sources. One with a subquery becomes a join, which WHERE alone may hold."""
    return condition.find(exp.Query) is None and len({one.table for one in condition.find_all(exp.Column)}) > 1


def _unmoved(condition: exp.Expr) -> exp.Expr:
    """Return a condition that holds where another does, and is volatile."""
    always = exp.GTE(this=exp.Rand(), expression=exp.Literal.number(0))
    return exp.Case(ifs=[exp.If(this=always, true=condition)])
