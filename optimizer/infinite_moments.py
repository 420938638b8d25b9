"""Whether a query only hands on, compares and sorts dates and timestamps, so that infinite ones may be among them.

The engine writes infinity as the largest number of its type, with which it would count as with any other. What compares
or sorts such values has PostgreSQL's results; arithmetic, functions and casts have not.
"""

from __future__ import annotations

from sqlglot import exp

_MOMENTS = frozenset({exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMPNTZ})
_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In)
_HANDED_ON = (
    *(exp.Alias, exp.Select, exp.Subquery, exp.Ordered, exp.Group, exp.Distinct, exp.Is, exp.Min, exp.Max, exp.Count),
    *(exp.Paren, exp.From, exp.Join, exp.CTE, exp.With, exp.Exists, exp.Window),
)


def may_be_infinite(tree: exp.Expr) -> bool:
    """Whether infinite dates and timestamps of sources do no harm in a query. Types that are not known are such."""
    if tree.find(exp.SetOperation) is not None:  # its sides may be of different types
        return False
    carriers = tree.find_all(exp.Column, exp.Min, exp.Max, exp.Subquery, exp.Paren)
    return all(_is_plain(one) for one in carriers if _may_be_moment(one))


def _may_be_moment(node: exp.Expr) -> bool:
    if isinstance(node, exp.Subquery) and isinstance(node.parent, exp.From | exp.Join):
        return False
    return node.type is None or node.type.this in _MOMENTS or node.type.this is exp.DType.UNKNOWN


def _is_plain(node: exp.Expr) -> bool:
    parent = node.parent
    if isinstance(parent, _COMPARED):
        compared = (one for one in parent.iter_expressions() if not isinstance(one, exp.Literal))
        kinds = {one.type.this if one.type is not None else None for one in compared}
        return len(kinds) == 1 and None not in kinds
    return parent is None or isinstance(parent, _HANDED_ON)
