"""``string_agg``: the engine's takes a constant text as separator, one order for all of a query, and no moving frame.

What it does not take is gathered in an array, which is joined when the group is complete. A separator that differs from
row to row is gathered with its value.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.aggregates import replaced, require_function
from gateway.sql.engine_dialect.build import call, cast, paren, refuse, text, typed
from gateway.sql.engine_dialect.distinct_arrays import in_order
from gateway.sql.engine_dialect.kinds import Kind, T, kind
from gateway.sql.engine_dialect.windows import is_moving
from gateway.values.scalar_input import parse_bytea
from optimizer.copies import copied

_APART = "apart"  # in a node's meta: another aggregate of its query has another order
_OF_ROWS = (exp.Column, exp.Query, exp.Rand, exp.Uuid)


def keep_apart(tree: exp.Expr) -> None:
    """Note which of several ordered ``string_agg`` of one query are gathered in arrays, in place."""
    for select in tree.find_all(exp.Select):
        found = [one for one in select.find_all(exp.GroupConcat) if one.parent_select is select]
        arrays = select.find_all(exp.ArrayAgg) if found else ()
        ordered = [one for one in (*found, *arrays) if isinstance(one.this, exp.Order | exp.Distinct)]
        for one in found:
            if (len(ordered) > 1 and one in ordered) or _is_moving(one):
                one.meta[_APART] = True


def _is_moving(function: exp.Expr) -> bool:
    """Whether an aggregate is of a frame that the engine leaves rows behind of."""
    window = function.parent.parent if isinstance(function.parent, exp.Filter) else function.parent
    return isinstance(window, exp.Window) and is_moving(window)


def join(node: exp.Expr) -> exp.Expr:
    """``string_agg`` with its FILTER and OVER."""
    function = require_function(node)
    if not isinstance(function, exp.GroupConcat):
        return node
    if not isinstance(node, exp.Window) and isinstance(node.parent, exp.Window | exp.Filter) and node.arg_key == "this":
        return node
    separator = _constant(function.args.get("separator"))
    bare = _value(function.this)
    if kind(bare) is Kind.BYTEA:
        return _of_pairs(node, function, bare, separator, "BYTEA")
    if isinstance(separator, exp.Literal) and not function.meta.get(_APART):
        function.set("separator", separator)
        return node
    if separator.find(*_OF_ROWS) is not None:
        return _of_pairs(node, function, bare, separator, "TEXT")
    gathered = _in_order(node, function, bare)
    between = separator if isinstance(separator, exp.Literal) else _or_nothing(cast(copied(separator), "TEXT"))
    return call("array_to_string", gathered, between, returns="TEXT")


def _in_order(node: exp.Expr, function: exp.Expr, value: exp.Expr) -> exp.Expr:
    """Return the array of a group's values, distinct ones in order (`distinct_arrays`)."""
    argument = copied(function.this)
    distinct = argument.this if isinstance(argument, exp.Order) else argument
    if not isinstance(distinct, exp.Distinct):
        return _gathered(node, function, exp.ArrayAgg(this=argument), value, "TEXT[]")
    key = argument.expressions[0] if isinstance(argument, exp.Order) else exp.Ordered(this=copied(value))
    return in_order(_gathered(node, function, exp.ArrayAgg(this=distinct), value, "TEXT[]"), key)


def _constant(separator: exp.Expr | None) -> exp.Expr:
    """Return a separator, a constant without its casts; NULL separates by nothing."""
    bare = separator if separator is not None else exp.Null()
    while isinstance(bare, exp.Paren) or (isinstance(bare, exp.Cast) and bare.to.this in (T.TEXT, T.VARCHAR)):
        if isinstance(bare, exp.Cast) and bare.to.expressions:
            break
        bare = bare.this
    if isinstance(bare, exp.Null):
        return text("")
    return bare if isinstance(bare, exp.Literal) and bare.is_string else separator or bare


def _or_nothing(separator: exp.Expr) -> exp.Expr:
    return typed(exp.Coalesce(this=separator, expressions=[text("")]), T.TEXT)


def _value(argument: exp.Expr) -> exp.Expr:
    """Return the value that is joined, without its order and DISTINCT."""
    value = argument.this if isinstance(argument, exp.Order) else argument
    return value.expressions[0] if isinstance(value, exp.Distinct) else value


def _of_pairs(node: exp.Expr, function: exp.Expr, value: exp.Expr, separator: exp.Expr, kept: str) -> exp.Expr:
    argument = copied(function.this)
    if argument.find(exp.Distinct) is not None and argument.find(exp.Distinct) in (argument, argument.this):
        raise refuse("string_agg of distinct values with such a separator")
    pair = exp.Array(expressions=[cast(copied(one), kept) for one in (_read(separator, kept), value)])
    if isinstance(argument, exp.Order):
        argument.set("this", pair)
        pair_argument: exp.Expr = argument
    else:
        pair_argument = pair
    gathered = _gathered(node, function, exp.ArrayAgg(this=pair_argument), value, f"{kept}[]")
    return call("pairs_joined" if kept == "TEXT" else "bytea_pairs_joined", gathered, returns=kept)


def _read(separator: exp.Expr, kept: str) -> exp.Expr:
    """Return a separator; of bytes, a constant as PostgreSQL reads it."""
    if kept != "BYTEA" or not isinstance(separator, exp.Literal):
        return separator
    return call("decode", text(parse_bytea(separator.name).hex()), text("hex"), returns=T.VARBINARY)


def _gathered(node: exp.Expr, function: exp.Expr, array: exp.Expr, value: exp.Expr, result: str) -> exp.Expr:
    """Return the array of a group's values that are not NULL, with the FILTER and OVER of the whole."""
    present: exp.Expr = exp.Not(this=exp.Is(this=paren(copied(value)), expression=exp.Null()))
    whole = replaced(node, function, typed(array, result))
    filtered = whole if isinstance(whole, exp.Filter) else whole.find(exp.Filter) if whole is not array else None
    if filtered is not None and filtered.find(exp.ArrayAgg) is array:
        condition = filtered.expression.this
        filtered.expression.set("this", exp.And(this=exp.Paren(this=condition), expression=present))
        return whole
    place = exp.Filter(expression=exp.Where(this=present))
    if whole is array:
        place.set("this", array)
        return typed(place, result)
    array.replace(place)
    place.set("this", array)
    return whole
