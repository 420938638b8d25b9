"""Which part of the rows meets a condition. Where statistics say nothing, PostgreSQL's defaults hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce

import pyarrow as pa
from sqlglot import exp

from optimizer.column_estimates import ColumnEstimate, Constant, combinations, is_moment, moment
from optimizer.relations import conjuncts

EQUALITY = 0.005
INEQUALITY = 1 / 3
RANGE = 0.05  # of a column between two bounds
PREFIX = 0.02  # LIKE 'a%'
CONTAINED = 0.1  # LIKE '%a%'
SEMI_JOIN = 0.5
_UNKNOWN = 0.25
_LEAST = 1e-9
_MOST_ITEMS = 100  # of an IN list that are looked up

Columns = Callable[[exp.Column], ColumnEstimate | None]
SemiJoins = Callable[[exp.Expr], float | None]
"""The part of rows that ``x IN (SELECT …)`` or EXISTS keeps, where somebody knows."""

_MIRRORED: dict[type[exp.Expr], type[exp.Expr]] = {exp.LT: exp.GT, exp.LTE: exp.GTE, exp.GT: exp.LT, exp.GTE: exp.LTE}


def of_all(conditions: Iterable[exp.Expr], columns: Columns, semi_joins: SemiJoins) -> float:
    """Return the part of the rows that meets all conditions.

    Bounds of one column are taken together, and so are equalities of columns of which it is known how many
    combinations of values they have. Conditions on other columns seldom are independent: the most selective one counts
    in full, the next by its square root, the others by the fourth root and so on.
    """
    parts: list[float] = []
    equal: dict[tuple[str, str], tuple[ColumnEstimate, float]] = {}
    bounds: dict[exp.Column, tuple[float, float]] = {}
    unknown: dict[exp.Column, int] = {}
    for condition in conditions:
        bound = _bound(condition, columns)
        if bound is None:
            part = of_one(condition, columns, semi_joins)
            fixed = _fixed(condition, columns)
            if fixed is None or fixed[0] in equal:
                parts.append(part)
            else:
                equal[fixed[0]] = fixed[1], part
            continue
        column, low, high = bound
        if low is None or high is None:
            unknown[column] = unknown.get(column, 0) + 1
            continue
        known = bounds.get(column, (0.0, 1.0))
        bounds[column] = max(known[0], low), min(known[1], high)
    parts += _together(equal)
    parts += [max(high - low, _narrow(columns(column))) for column, (low, high) in bounds.items()]
    parts += [INEQUALITY if count == 1 else RANGE for count in unknown.values()]
    return max(_LEAST, _backed_off(parts))


def _fixed(condition: exp.Expr, columns: Columns) -> tuple[tuple[str, str], ColumnEstimate] | None:
    """Return the column that a condition holds equal to one value, under its alias and name; None for any other."""
    node = condition.unnest()
    if not isinstance(node, exp.EQ):
        return None
    for one, other in ((node.left.unnest(), node.right), (node.right.unnest(), node.left)):
        if isinstance(one, exp.Column) and other.find(exp.Column, exp.Query) is None:
            found = columns(one)
            return None if found is None or not found.combined else ((one.table, found.name), found)
    return None


def _together(equal: Mapping[tuple[str, str], tuple[ColumnEstimate, float]]) -> Iterator[float]:
    """Yield the parts of the rows that meet equalities. Columns depend on each other where there are fewer
    combinations than if every value of one came with every value of another: so much more often all of their
    equalities are met.
    """
    rest = {key: part for key, (_, part) in equal.items()}
    for alias in {alias for alias, _ in equal}:
        for together, count in combinations([one for (of, _), (one, _) in equal.items() if of == alias]):
            alone = [rest.pop((alias, column.name)) for column in together]
            known = [column.distinct for column in together if column.distinct is not None]
            if len(known) < len(together):
                yield from alone
            else:
                yield min(*alone, math.prod(alone) * max(1.0, math.prod(known) / max(count, 1.0)))
    yield from rest.values()


def _narrow(column: ColumnEstimate | None) -> float:
    return _LEAST if column is None else 1 / max(column.rows, 1.0)


def _backed_off(parts: list[float]) -> float:
    found, exponent = 1.0, 1.0
    for part in sorted(parts):
        found *= max(part, _LEAST) ** exponent
        exponent = max(exponent / 2, 1 / 8)
    return found


def of_one(condition: exp.Expr, columns: Columns, semi_joins: SemiJoins) -> float:
    """Return the part of the rows that meets a condition."""
    node = condition.unnest()
    found = _of_one(node, columns, semi_joins)
    if node.args.get("negate"):
        found = 1 - found
    return min(1.0, max(_LEAST, found))


def _of_one(node: exp.Expr, columns: Columns, semi_joins: SemiJoins) -> float:
    if isinstance(node, exp.Connector | exp.Not | exp.Boolean):
        return _of_parts(node, columns, semi_joins)
    if isinstance(node, exp.In | exp.Exists):
        return _member(node, columns, semi_joins)
    if isinstance(node, exp.EQ | exp.NullSafeEQ | exp.NEQ | exp.NullSafeNEQ):
        equal = _equal(node.left.unnest(), node.right.unnest(), columns)
        return equal if isinstance(node, exp.EQ | exp.NullSafeEQ) else 1 - equal
    if isinstance(node, exp.Between) or type(node) in _MIRRORED:
        return _range(node, columns)
    if isinstance(node, exp.Like | exp.ILike):
        return _like(node)
    if isinstance(node, exp.Is):
        return _is(node, columns)
    column = columns(node) if isinstance(node, exp.Column) else None  # a boolean one
    return _UNKNOWN if column is None else column.equal(1.0)


def _of_parts(node: exp.Expr, columns: Columns, semi_joins: SemiJoins) -> float:
    if isinstance(node, exp.And):
        return of_all(conjuncts(node), columns, semi_joins)
    if isinstance(node, exp.Or):
        either = (of_one(one, columns, semi_joins) for one in node.flatten())
        return reduce(lambda one, other: one + other - one * other, either)
    if isinstance(node, exp.Not):
        return 1 - of_one(node.this, columns, semi_joins)
    return 1.0 if node.this else 0.0


def _range(node: exp.Expr, columns: Columns) -> float:
    bound = _bound(node, columns)
    if bound is None or bound[1] is None or bound[2] is None:
        return RANGE if isinstance(node, exp.Between) else INEQUALITY
    return bound[2] - bound[1]


def _equal(left: exp.Expr, right: exp.Expr, columns: Columns) -> float:
    if isinstance(right, exp.Column) and not isinstance(left, exp.Column):
        left, right = right, left
    column = columns(left) if isinstance(left, exp.Column) else None
    if column is None:
        return EQUALITY
    if isinstance(right, exp.Column):
        other = columns(right)
        known = [one.distinct for one in (column, other) if one is not None]
        return 1 / max((one for one in known if one is not None), default=1 / EQUALITY)
    return column.equal(constant(right, column))


def _member(node: exp.Expr, columns: Columns, semi_joins: SemiJoins) -> float:
    if isinstance(node, exp.Exists) or node.args.get("query") is not None:
        known = semi_joins(node)
        return SEMI_JOIN if known is None else known
    items = node.expressions
    first = sum(_equal(node.this.unnest(), item.unnest(), columns) for item in items[:_MOST_ITEMS])
    return first * max(1.0, len(items) / _MOST_ITEMS)  # the others are held to be like them


def _is(node: exp.Is, columns: Columns) -> float:
    column = columns(node.this.unnest()) if isinstance(node.this.unnest(), exp.Column) else None
    if isinstance(node.expression, exp.Null):
        return EQUALITY if column is None else column.null_fraction
    return 0.5


def _like(node: exp.Expr) -> float:
    pattern = node.expression.unnest()
    if not isinstance(pattern, exp.Literal):
        return CONTAINED
    text = str(pattern.this)
    if "%" not in text and "_" not in text:
        return EQUALITY
    return CONTAINED if text[:1] in ("%", "_") else PREFIX


def _bound(condition: exp.Expr, columns: Columns) -> tuple[exp.Column, float | None, float | None] | None:
    """Return the column of a range condition, and the parts of its rows below the range's ends (None: not known)."""
    node = condition.unnest()
    if isinstance(node, exp.Between) and not node.args.get("negate"):
        column = node.this.unnest()
        low, high = (_below(column, node.args[end].unnest(), columns) for end in ("low", "high"))
        return (column, low, high) if isinstance(column, exp.Column) else None
    kind = type(node)
    if kind not in _MIRRORED:
        return None
    assert isinstance(node, exp.Binary)
    left, right = node.left.unnest(), node.right.unnest()
    if isinstance(right, exp.Column):
        left, right, kind = right, left, _MIRRORED[kind]
    if not isinstance(left, exp.Column) or right.find(exp.Column) is not None:
        return None
    found = _below(left, right, columns)
    if found is None:
        return left, None, None
    estimate = columns(left)
    rest = 1.0 - (estimate.null_fraction if estimate is not None else 0.0)
    return (left, 0.0, found) if kind in (exp.LT, exp.LTE) else (left, found, rest)


def _below(column: exp.Expr, value: exp.Expr, columns: Columns) -> float | None:
    estimate = columns(column) if isinstance(column, exp.Column) else None
    found = constant(value, estimate) if estimate is not None else None
    return None if found is None or estimate is None else estimate.below(found)


def constant(node: exp.Expr, column: ColumnEstimate) -> Constant | None:
    """Return a constant's place on a column's axis, or None for what is not known before it runs."""
    if isinstance(node, exp.Neg):
        found = constant(node.this.unnest(), column)
        return -found if isinstance(found, float) else None
    if isinstance(node, exp.Cast):
        return constant(node.this.unnest(), column)
    if isinstance(node, exp.Boolean):
        return float(bool(node.this))
    if not isinstance(node, exp.Literal):
        return None
    text = str(node.this)
    if node.is_string and not _is_text(column):
        found = moment(text) if _is_of_moments(column) else None
        return found if found is not None else _float(text)
    return text if node.is_string else _float(text)


def number(node: exp.Expr) -> float | None:
    """Return the value of a number that is written out."""
    return _float(str(node.this)) if isinstance(node, exp.Literal) and not node.is_string else None


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _kind(column: ColumnEstimate) -> pa.DataType | None:
    statistics = column.statistics
    known = [*statistics.histogram[:1], *(value for value, _ in statistics.most_common[:1])]
    scalar = next((one for one in (statistics.minimum, *known) if one is not None), None)
    return None if scalar is None else scalar.type


def _is_text(column: ColumnEstimate) -> bool:
    kind = _kind(column)
    return kind is None or bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_of_moments(column: ColumnEstimate) -> bool:
    kind = _kind(column)
    return kind is not None and is_moment(kind)
