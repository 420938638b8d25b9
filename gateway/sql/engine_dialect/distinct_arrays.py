"""``array_agg(DISTINCT a)``, which PostgreSQL has in order. It is sorted when it is gathered: the engine loses an order
of distinct values beside an aggregate that has another.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect import kinds
from gateway.sql.engine_dialect.aggregates import replaced, require_function
from gateway.sql.engine_dialect.build import call, refuse, text, typed
from gateway.sql.engine_dialect.comparisons import without_sign_of_zero
from gateway.sql.engine_dialect.kinds import Kind, kind, type_of
from optimizer.copies import copied

_SORTED_IN_ARRAYS = frozenset(
    {Kind.BOOL, Kind.DATE, Kind.FLOAT, Kind.INTEGER, Kind.NUMERIC, Kind.TEXT, Kind.TIME, Kind.UUID, *kinds.STAMPS}
)


def gather(node: exp.Expr) -> exp.Expr:
    """``array_agg(DISTINCT a)`` with its FILTER."""
    function = require_function(node)
    if not isinstance(function, exp.ArrayAgg) or (isinstance(node.parent, exp.Filter) and node.arg_key == "this"):
        return node
    order = function.this if isinstance(function.this, exp.Order) else None
    distinct = function.this if order is None else order.this
    if not isinstance(distinct, exp.Distinct) or len(distinct.expressions) != 1:
        return node
    value = distinct.expressions[0]
    if kind(value) is Kind.JSON:
        raise refuse("array_agg of distinct jsonb", "Use jsonb_agg(DISTINCT …).")
    key = order.expressions[0] if order is not None else exp.Ordered(this=copied(value))
    if kind(value) not in _SORTED_IN_ARRAYS:
        function.set("this", exp.Order(this=copied(distinct), expressions=[copied(key)]))
        return node
    values = exp.Distinct(expressions=[without_sign_of_zero(copied(value))])
    array = typed(exp.ArrayAgg(this=values), copied(type_of(function)))
    return in_order(replaced(node, function, array), key)


def in_order(array: exp.Expr, key: exp.Ordered) -> exp.Expr:
    """Return an array in an order of its own elements."""
    descending, first = bool(key.args.get("desc")), key.args.get("nulls_first")
    nulls = "NULLS FIRST" if (descending if first is None else first) else "NULLS LAST"
    directions = (text("DESC" if descending else "ASC"), text(nulls))
    return call("array_sort", array, *directions, returns=copied(type_of(array)))
