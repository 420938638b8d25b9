"""``rank(x) WITHIN GROUP (ORDER BY a)`` and its kin: the place that a row would have, counted from those before it."""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.build import cast, number, paren, refuse, typed
from gateway.sql.engine_dialect.comparisons import compare
from gateway.sql.engine_dialect.kinds import T
from gateway.sql.engine_dialect.moments import Session
from optimizer.copies import copied

FUNCTIONS = (exp.Rank, exp.DenseRank, exp.PercentRank, exp.CumeDist)


def rank(node: exp.Expr, session: Session) -> exp.Expr:
    """Return the aggregate, with its FILTER, as counts of rows."""
    if isinstance(node.parent, exp.Filter) and node.arg_key == "this":
        return node
    group = node.this if isinstance(node, exp.Filter) else node
    if not isinstance(group, exp.WithinGroup) or not isinstance(group.this, FUNCTIONS):
        return node
    function, keys = group.this, group.expression.expressions
    if len(keys) != 1 and isinstance(function, exp.DenseRank):
        raise refuse("dense_rank of a hypothetical row of several columns", "Use a window over UNION ALL.")
    before, peers = _places(list(zip(keys, function.expressions, strict=True)), session)
    key = keys[0]
    rows = _count(node, None)
    if isinstance(function, exp.Rank):
        return typed(exp.Add(this=_count(node, before), expression=number(1)), T.BIGINT)
    if isinstance(function, exp.DenseRank):
        distinct = _count(node, before, exp.Distinct(expressions=[copied(key.this)]))
        nulls = _nulls_before(node, key, function.expressions[0])
        places = exp.Add(this=distinct, expression=number(1))
        return typed(exp.Add(this=places, expression=nulls) if nulls is not None else places, T.BIGINT)
    if isinstance(function, exp.PercentRank):
        share = exp.Div(
            this=_double(_count(node, before)), expression=_double(exp.Nullif(this=rows, expression=number(0)))
        )
        return typed(exp.Coalesce(this=share, expressions=[cast(number(0), "DOUBLE PRECISION")]), T.DOUBLE)
    here = exp.Or(this=exp.Paren(this=before), expression=exp.Paren(this=peers))
    reached = exp.Add(this=_count(node, here), expression=number(1))
    every = exp.Add(this=rows, expression=number(1))
    return typed(exp.Paren(this=exp.Div(this=_double(reached), expression=_double(every))), T.DOUBLE)


def _places(keys: list[tuple[exp.Expr, exp.Expr]], session: Session) -> tuple[exp.Expr, exp.Expr]:
    """Return which rows stand before the hypothetical one, and which beside it: the first key that differs decides."""
    before: list[exp.Expr] = []
    alike: list[exp.Expr] = []
    for key, value in keys:
        before.append(exp.and_(*(copied(one) for one in alike), exp.Paren(this=_before(key, value, session))))
        alike.append(exp.Paren(this=_compared(exp.NullSafeEQ, key, value, session)))
    return exp.or_(*before), exp.and_(*alike)


def _double(node: exp.Expr) -> exp.Expr:
    return cast(node, "DOUBLE PRECISION")


def _compared(how: type[exp.Binary], key: exp.Expr, value: exp.Expr, session: Session) -> exp.Expr:
    return compare(how(this=paren(copied(key.this)), expression=paren(copied(value))), session)


def _is_null(key: exp.Expr) -> exp.Expr:
    return exp.Is(this=paren(copied(key.this)), expression=exp.Null())


def _nulls_first(key: exp.Expr) -> bool:
    first = key.args.get("nulls_first")
    return bool(key.args.get("desc")) if first is None else bool(first)


def _before(key: exp.Expr, value: exp.Expr, session: Session) -> exp.Expr:
    """Return whether a row stands before the hypothetical one; NULL is equal to NULL alone."""
    sooner = _compared(exp.GT if key.args.get("desc") else exp.LT, key, value, session)
    unknown: exp.Expr = exp.Is(this=paren(value.copy()), expression=exp.Null())
    first, last = (_is_null(key), unknown) if _nulls_first(key) else (unknown, _is_null(key))
    apart = exp.And(this=first, expression=exp.Not(this=exp.Paren(this=last)))
    return exp.Or(this=exp.Paren(this=apart), expression=exp.Paren(this=sooner))


def _count(node: exp.Expr, condition: exp.Expr | None, what: exp.Expr | None = None) -> exp.Expr:
    counted = typed(exp.Count(this=what or exp.Star(), big_int=True), T.BIGINT)
    conditions = [condition] if condition is not None else []
    if isinstance(node, exp.Filter):
        conditions.append(copied(node.expression.this))
    if not conditions:
        return counted
    joined = exp.and_(*(exp.Paren(this=copied(one)) for one in conditions))
    return typed(exp.Filter(this=counted, expression=exp.Where(this=joined)), T.BIGINT)


def _nulls_before(node: exp.Expr, key: exp.Expr, value: exp.Expr) -> exp.Expr | None:
    """Return 1 where there are NULLs before the row: they are one place, which DISTINCT does not count."""
    if not _nulls_first(key):
        return None
    is_other = exp.Not(this=exp.Is(this=paren(value.copy()), expression=exp.Null()))
    before = exp.And(this=_is_null(key), expression=is_other)
    return typed(
        exp.Case(
            ifs=[exp.If(this=exp.GT(this=_count(node, before), expression=number(0)), true=number(1))],
            default=number(0),
        ),
        T.BIGINT,
    )
