"""The order of types whose texts do not tell it (``inet``, ``money``, ``jsonb``, ranges): PostgreSQL gives bytes for
each value, by which the engine sorts (`catalog.order_functions`); and that of arrays beside NULL.
"""

from __future__ import annotations

from itertools import count

from sqlglot import exp

from catalog.order_functions import DIFFERENT, GREATEST, LEAST, ORDER_OF, SORTED
from gateway.sql.engine_dialect.decorrelate import wrapped
from gateway.sql.engine_dialect.gathered_aggregates import around
from gateway.sql.engine_dialect.kinds import Kind, T, carried_as_text, kind, type_of
from optimizer.census import Census
from optimizer.copies import copied

_SQL_NAMES = {"timetz": "time with time zone"}


def put_keys(census: Census) -> bool:
    """Sort by these bytes in ORDER BY, ``min``, ``max`` and ``array_agg(DISTINCT …)``, in a typed query, in place;
    return whether there was anything to change.
    """
    changed = False
    for array in census.find_all(exp.ArrayAgg):
        changed |= _different(array)
    for least in census.find_all(exp.Min):
        changed |= _extreme(least)
    for greatest in census.find_all(exp.Max):
        changed |= _extreme(greatest)
    for ordered in census.find_all(exp.Ordered):
        if _has_key(ordered.this) and ordered.parent is not None:
            changed |= _sorted(ordered)
        elif has_nulls_apart(ordered):
            changed |= _nulls_apart(ordered)
    return changed


def has_nulls_apart(node: exp.Ordered) -> bool:
    """Whether arrays are sorted with NULL at the end that is not their own: the engine puts elements that are NULL to
    that end, too.
    """
    return bool(node.args.get("desc")) != bool(node.args.get("nulls_first")) and kind(node.this) is Kind.ARRAY


def nulls_outside(query: exp.Query) -> exp.Select | None:
    """Return a DISTINCT or a set operation that arrays are sorted in so as a derived table, which a SELECT around it
    sorts; None for other queries.
    """
    order = query.args.get("order")
    if order is None or not any(map(has_nulls_apart, order.expressions)):
        return None
    distinct = query.args.get("distinct")
    if isinstance(query, exp.Select) and (distinct is None or distinct.args.get("on") is not None):
        return None
    outer = wrapped(query, count(3_000_000))
    for ordered in outer.args["order"].expressions:
        if has_nulls_apart(ordered):
            _nulls_apart(ordered)
    return outer


def _nulls_apart(node: exp.Ordered) -> bool:
    """``ORDER BY a NULLS FIRST`` of arrays, in place; of DISTINCT and set operations see `nulls_outside`."""
    order = node.parent
    query = order.parent if isinstance(order, exp.Order) else None
    distinct = query.args.get("distinct") if query is not None else None
    on = distinct.args.get("on") if isinstance(distinct, exp.Distinct) else None
    if order is None or isinstance(query, exp.SetOperation) or (distinct is not None and on is None):
        return False
    if isinstance(order.this, exp.Distinct):  # of an aggregate: it takes no other key
        return False
    value = _output(query, node.this) if isinstance(query, exp.Select) else node.this
    is_null = exp.Is(this=exp.Paren(this=copied(value)), expression=exp.Null())
    if on is not None and any(key in (node.this, value) for key in on.expressions):
        on.append("expressions", copied(is_null))  # the keys of ORDER BY are those of DISTINCT ON first
    first = exp.Ordered(this=is_null, desc=bool(node.args.get("nulls_first")), nulls_first=False)
    node.set("nulls_first", bool(node.args.get("desc")))
    keys = [key for one in order.expressions for key in ((first, one) if one is node else (one,))]
    order.set("expressions", keys)
    return True


def _has_key(value: exp.Expr) -> bool:
    found = type_of(value)
    if kind(value) is Kind.JSON:
        return found.this is T.JSONB
    name = carried_as_text(found)
    return name is not None and _SQL_NAMES.get(name, name) in SORTED


def _key(value: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=ORDER_OF, expressions=[copied(value)])


def _sorted(node: exp.Ordered) -> bool:
    query = node.parent.parent if isinstance(node.parent, exp.Order) else None
    if not isinstance(query, exp.Select):
        node.set("this", _key(node.this))
        return True
    value = _output(query, node.this)
    distinct = query.args.get("distinct")
    on = distinct.args.get("on") if distinct is not None else None
    if distinct is not None and on is None and not _as_groups(query):
        return False
    for one in [one for one in on.expressions if one == node.this] if on is not None else []:
        one.replace(_key(value))
    node.set("this", _key(value))
    return True


def _output(select: exp.Select, key: exp.Expr) -> exp.Expr:
    """Return the output that a name alone stands for in ORDER BY; other keys as they are."""
    named = isinstance(key, exp.Column) and not key.table
    found = (one.unalias() for one in select.selects if named and one.alias_or_name == key.name)
    return next(found, key)


def _as_groups(select: exp.Select) -> bool:
    """Make a DISTINCT of plain rows a GROUP BY, in place: what DISTINCT is sorted by has to be in its list. Returns
    whether it is one.
    """
    values = [one.unalias() for one in select.selects]
    if any(select.args.get(name) for name in ("group", "having", "windows")) or select.args["distinct"].args.get("on"):
        return False
    if any(one.find(exp.AggFunc, exp.Window, exp.Query) for one in values):
        return False
    select.set("distinct", None)
    select.set("group", exp.Group(expressions=[copied(one) for one in values if one.find(exp.Column) is not None]))
    return True


def _extreme(node: exp.Min | exp.Max) -> bool:
    """``min`` and ``max``: the first value in order, NULL last; of a window's rows PostgreSQL finds it."""
    if isinstance(node.this, exp.Distinct | exp.Order) or not _has_key(node.this):
        return False
    if isinstance(around(node), exp.Window):
        _of_array(node, node.this, LEAST if isinstance(node, exp.Min) else GREATEST)
        return True
    value = copied(node.this)
    if carried_as_text(type_of(value)) == "cidr":  # of which PostgreSQL's result is an inet
        value = exp.Cast(this=value, to=exp.DataType.build("inet", dialect="postgres"))
    ordered = exp.Ordered(this=_key(value), desc=isinstance(node, exp.Max), nulls_first=False)
    node.set("this", exp.Order(this=value, expressions=[ordered]))
    return True


def _different(node: exp.ArrayAgg) -> bool:
    """``array_agg(DISTINCT a)``, which is sorted by ``a``: PostgreSQL takes what is different of the array of all."""
    distinct = node.this
    if not isinstance(distinct, exp.Distinct) or len(distinct.expressions) != 1:
        return False
    value = distinct.expressions[0]
    if not _has_key(value):
        return False
    _of_array(node, value, DIFFERENT)
    return True


def _of_array(node: exp.Expr, value: exp.Expr, function: str) -> None:
    """Have a function take the array of a group's values, with the FILTER and OVER of an aggregate, in place."""
    whole = around(node)
    array: exp.Expr = exp.ArrayAgg(this=copied(value))
    if node is not whole:
        node.replace(array)
        array = copied(whole)
    whole.replace(exp.Anonymous(this=function, expressions=[array]))
