"""Ordered-set aggregates: ``percentile_cont``, ``percentile_disc`` and ``mode`` of the arrays of a group's values."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from gateway.sql.engine_dialect import kinds
from gateway.sql.engine_dialect.build import call, cast, number, paren, refuse, typed
from gateway.sql.engine_dialect.kinds import Kind, T, type_of
from optimizer.copies import copied


def ordered_set(node: exp.Expr) -> exp.Expr:
    """``percentile_cont``, ``percentile_disc`` and ``mode`` WITHIN GROUP, with their FILTER.

    They are picked out of the sorted array of the group.
    """
    group = node.this if isinstance(node, exp.Filter) else node
    assert isinstance(group, exp.WithinGroup)
    function = group.this
    if isinstance(function, exp.PercentileCont):
        return _percentile_cont(node, group, function)
    if isinstance(function, exp.PercentileDisc):
        return _percentile_disc(node, group, function)
    if isinstance(function, exp.Mode):
        return _mode(node, group)
    raise refuse("this ordered-set aggregate", "percentile_cont, percentile_disc and mode are.")


def _percentile_cont(node: exp.Expr, group: exp.WithinGroup, function: exp.Expr) -> exp.Expr:
    """Between the two values next to the place; the engine's own rounds the place to six digits."""
    ordered = group.expression.expressions[0]
    of_intervals = _get_interval(ordered.this) is not None
    value: exp.Expr = cast(ordered.this, "DOUBLE PRECISION")
    name = "percentile_downwards" if ordered.args.get("desc") else "percentile_of"
    values = _sorted(node, group) if of_intervals else _gathered(node, value, ordered.this)

    def at(fraction: exp.Expr) -> exp.Expr:
        if of_intervals:
            place = cast(copied(fraction), "DOUBLE PRECISION")
            return call("interval_percentile", copied(values), place, returns=T.INTERVAL)
        return call(name, copied(values), cast(copied(fraction), "DOUBLE PRECISION"), returns="FLOAT8")

    fractions = function.this.unnest()
    while isinstance(fractions, exp.Cast):
        fractions = fractions.this.unnest()
    if not isinstance(fractions, exp.Array):
        return at(function.this)
    return _unless_none(values, [at(fraction) for fraction in fractions.expressions], type_of(node))


def _unless_none(values: exp.Expr, elements: list[exp.Expr], result: exp.DataType) -> exp.Expr:
    """Return an array of percentiles, NULL where there are no values."""
    known = exp.Not(this=exp.Is(this=paren(copied(values)), expression=exp.Null()))
    made = typed(exp.Array(expressions=elements), result)
    return typed(exp.Case(ifs=[exp.If(this=known, true=made)]), result)


def _gathered(node: exp.Expr, gathered: exp.Expr, value: exp.Expr) -> exp.Expr:
    """Return the array of what is gathered of a group's rows, those whose value is not NULL and that FILTER leaves."""
    present: exp.Expr = exp.Not(this=exp.Is(this=paren(copied(value)), expression=exp.Null()))
    if isinstance(node, exp.Filter):
        present = exp.And(this=present, expression=exp.Paren(this=copied(node.expression.this)))
    return exp.Filter(this=exp.ArrayAgg(this=gathered), expression=exp.Where(this=present))


def _get_interval(key: exp.Expr) -> exp.Expr | None:
    """Return the interval that is sorted by its size, or None."""
    is_size = isinstance(key, exp.Anonymous) and key.name == "interval_size"
    return key.expressions[0] if is_size else None


def _sorted(node: exp.Expr, group: exp.WithinGroup) -> exp.Expr:
    """Return the sorted array of a group's values, without NULLs."""
    ordered = group.expression.expressions[0]
    value = ordered.this
    value = _get_interval(value) or value
    order = exp.Order(this=copied(value), expressions=[copied(ordered)])
    return typed(_gathered(node, order, value), kinds.array_type(type_of(value)))


def _percentile_disc(node: exp.Expr, group: exp.WithinGroup, function: exp.Expr) -> exp.Expr:
    """Of numbers and moments the lists are sorted by a function, of others by the engine."""
    ordered = group.expression.expressions[0]
    if (name := _ELEMENTS.get(type_of(ordered.this).this)) is not None:
        name = f"percentile_disc_{name}{'_downwards' if ordered.args.get('desc') else ''}"
        values = typed(_gathered(node, ordered.this, ordered.this), kinds.array_type(type_of(ordered.this)))
        at = _picked_by(name, values)
    else:
        values = _sorted(node, group)
        at = _element_at(values)
    fractions = function.this.unnest()
    while isinstance(fractions, exp.Cast):
        fractions = fractions.this.unnest()
    if not isinstance(fractions, exp.Array):
        return at(function.this, type_of(node))
    elements = [at(fraction, kinds.element_type(type_of(node))) for fraction in fractions.expressions]
    return _unless_none(values, elements, type_of(node))


_ELEMENTS = {
    T.SMALLINT: "int2",
    T.INT: "int4",
    T.BIGINT: "int8",
    T.FLOAT: "float4",
    T.DOUBLE: "float8",
    T.DATE: "date",
    T.TIMESTAMP: "timestamp",
}
"""Types whose lists are sorted by `ordered_sets`."""


def _picked_by(name: str, values: exp.Expr) -> Callable[[exp.Expr, exp.DataType], exp.Expr]:
    """Return what asks a function for the element at a fraction of arrays."""

    def at(fraction: exp.Expr, result: exp.DataType) -> exp.Expr:
        return call(name, copied(values), cast(copied(fraction), "DOUBLE PRECISION"), returns=result)

    return at


def _element_at(values: exp.Expr) -> Callable[[exp.Expr, exp.DataType], exp.Expr]:
    """Return what makes the element of sorted arrays at a fraction of them."""
    size = call("array_length", copied(values), returns="BIGINT")

    def at(fraction: exp.Expr, result: exp.DataType) -> exp.Expr:
        place = exp.Mul(
            this=cast(copied(fraction), "DOUBLE PRECISION"), expression=cast(copied(size), "DOUBLE PRECISION")
        )
        rank = cast(call("ceil", place, returns="FLOAT8"), "BIGINT")
        return call(
            "array_element", copied(values), call("greatest", rank, number(1), returns="BIGINT"), returns=result
        )

    return at


def _mode(node: exp.Expr, group: exp.WithinGroup) -> exp.Expr:
    key = group.expression.expressions[0].this
    if _get_interval(key) is not None:
        raise refuse("an ordered-set aggregate of intervals", "Use extract(epoch FROM …) of it.")
    element = type_of(key)
    if (name := _ELEMENTS.get(element.this)) is not None:
        return call(f"mode_{name}", _gathered(node, copied(key), key), returns=element)
    found = kinds.kind_of_type(element)
    forms = {
        Kind.TEXT: ("text", "TEXT[]"),
        Kind.BPCHAR: ("text", "TEXT[]"),
        Kind.NUMERIC: ("numeric", "DECIMAL(76, 28)[]"),
    }
    if found not in forms:
        raise refuse(f"mode of {found.name.lower()}")
    name, array = forms[found]
    picked = call(f"mode_{name}", cast(_sorted(node, group), array), returns=element)
    if found is Kind.NUMERIC:
        return typed(cast(picked, element if element.expressions else "DECIMAL(76, 28)"), element)
    return picked
