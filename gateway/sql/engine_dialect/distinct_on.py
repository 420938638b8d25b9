"""DISTINCT ON, where the engine cannot compute its keys beside it: it takes no correlated subquery there, and sorts -0
before 0, which are equal, so that other keys do not say which row is first.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.build import named, typed
from gateway.sql.engine_dialect.comparisons import without_sign_of_zero
from gateway.sql.engine_dialect.kinds import Kind, kind, type_of
from optimizer.copies import copied

_ALIAS = "_first"
_AROUND = ("distinct", "order", "limit", "offset", "with_")


def keys_within(select: exp.Select) -> exp.Select | None:
    """Return a SELECT with DISTINCT ON as one from a derived table, which computes its keys; None where it may stay."""
    distinct, order = select.args.get("distinct"), select.args.get("order")
    on = distinct.args.get("on") if isinstance(distinct, exp.Distinct) else None
    if on is None:
        return None
    outputs = {one.alias_or_name: one.unalias() for one in select.selects}
    keys = [*on.expressions, *([one.this for one in order.expressions] if order is not None else [])]
    if not any(_is_computed_before(_value(key, outputs)) for key in keys):
        return None
    shown = [named(copied(one.unalias()), f"_shown:{place}") for place, one in enumerate(select.selects)]
    hidden: dict[str, exp.Expr] = {}
    outer = exp.Select(
        expressions=[
            named(_column(new.alias, old), old.alias_or_name) for new, old in zip(shown, select.selects, strict=True)
        ]
    )
    inner = copied(select)
    for clause in _AROUND:
        outer.set(clause, inner.args.get(clause))
        inner.set(clause, None)
    for place in _places(outer):
        value = _value(place, outputs)
        column = hidden.setdefault(value.sql(), named(without_sign_of_zero(copied(value)), f"_key:{len(hidden)}"))
        place.replace(_column(column.alias, value))
    inner.set("expressions", [*shown, *hidden.values()])
    alias = exp.TableAlias(this=exp.to_identifier(_ALIAS, quoted=True))
    outer.set("from_", exp.From(this=exp.Subquery(this=inner, alias=alias)))
    return outer


def keys_in_order(select: exp.Select) -> None:
    """Write the keys of DISTINCT ON in the order of ORDER BY, and sort by all of them, in place: the engine wants them
    so, and any order will do.
    """
    distinct, order = select.args.get("distinct"), select.args.get("order")
    on = distinct.args.get("on") if isinstance(distinct, exp.Distinct) else None
    if on is None or order is None or len(on.expressions) < 2:
        return
    outputs = {one.alias_or_name: one.unalias() for one in select.selects}
    places = {_value(one.this, outputs).sql(): place for place, one in reversed([*enumerate(order.expressions)])}
    last = len(places)
    for key in on.expressions:
        if _value(key, outputs).sql() not in places:
            order.append("expressions", exp.Ordered(this=copied(key)))
    on.set("expressions", sorted(on.expressions, key=lambda one: places.get(_value(one, outputs).sql(), last)))


def _places(select: exp.Select) -> list[exp.Expr]:
    """Return the keys of DISTINCT ON and of ORDER BY, where they stand."""
    order = select.args.get("order")
    sorted_by = [one.this for one in order.expressions] if order is not None else []
    return [*select.args["distinct"].args["on"].expressions, *sorted_by]


def _is_computed_before(value: exp.Expr) -> bool:
    return kind(value) is Kind.FLOAT or value.find(exp.Query) is not None


def _value(key: exp.Expr, outputs: dict[str, exp.Expr]) -> exp.Expr:
    """Return what a key is; a name alone is an output's."""
    if isinstance(key, exp.Column) and not key.table and key.name in outputs:
        return outputs[key.name]
    return key


def _column(name: str, of: exp.Expr) -> exp.Column:
    return typed(exp.column(name, table=_ALIAS, quoted=True), copied(type_of(of)))
