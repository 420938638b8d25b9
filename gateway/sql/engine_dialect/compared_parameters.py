"""Parameters that do nothing but be compared: a plan of the engine is the same whatever their values are."""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.unpruned import UNPRUNED
from optimizer.census import Census

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
_CONDITIONS = (exp.And, exp.Or, exp.Not, exp.Paren)


def are_compared(census: Census) -> bool:
    """Whether each parameter of a query in the engine's terms is compared with a column in a condition on rows.

    Anywhere else it may decide what a plan is, or which type a result has: a place, a number of rows, digits to keep.
    """
    return all(map(_is_compared, census.find_all(exp.Parameter, exp.Placeholder)))


def _is_compared(parameter: exp.Expr) -> bool:
    value = _as_written(parameter)
    node = value.parent
    if isinstance(node, _COMPARISONS):
        other = node.expression if node.this is value else node.this
        is_compared = _is_column(other)
    elif isinstance(node, exp.Between):
        is_compared = value is not node.this and _is_column(node.this)
    elif isinstance(node, exp.In):
        is_compared = any(one is value for one in node.expressions) and _is_column(node.this)
    else:
        return False
    return is_compared and _is_condition(node)


def _as_written(parameter: exp.Expr) -> exp.Expr:
    """Return a parameter with the casts and parentheses around it."""
    node = parameter
    while isinstance(node.parent, exp.Cast | exp.Paren) and node.parent.this is node:
        node = node.parent
    return node


def _is_column(node: exp.Expr) -> bool:
    while isinstance(node, exp.Cast | exp.Paren) or node.meta.get(UNPRUNED):
        node = node.this
    return type(node) is exp.Column


def _is_condition(node: exp.Expr) -> bool:
    above = node.parent
    while isinstance(above, _CONDITIONS):
        above = above.parent
    return isinstance(above, exp.Where) and isinstance(above.parent, exp.Select)
