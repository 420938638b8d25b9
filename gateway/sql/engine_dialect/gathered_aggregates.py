"""Aggregates that PostgreSQL computes of arrays: the engine gathers what they take of a group's rows, see
`catalog.gathering_functions`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from catalog.gathering_functions import MODE, OF_ARRAYS, PERCENTILE, aggregating_name
from gateway.sql.engine_dialect.kinds import NUMBERS, Kind, array_type, carried_as_text, kind, type_of
from optimizer.census import Census
from optimizer.copies import copied

_RANGES = frozenset({"range_agg", "range_intersect_agg"})
_BITS: dict[type[exp.Expr], str] = {
    exp.BitwiseAndAgg: "bit_and",
    exp.BitwiseOrAgg: "bit_or",
    exp.BitwiseXorAgg: "bit_xor",
}
_SUMS: dict[type[exp.Expr], str] = {exp.Sum: "sum"}  # of money
_DEVIATIONS: dict[type[exp.Expr], str] = {
    exp.Stddev: "stddev_samp",
    exp.StddevPop: "stddev_pop",
    exp.StddevSamp: "stddev_samp",
    exp.Variance: "var_samp",
    exp.VariancePop: "var_pop",
}
BY_TYPE: Mapping[type[exp.Expr], str] = {**_BITS, **_DEVIATIONS, **_SUMS}
"""Aggregates of which it depends on what they take whether PostgreSQL computes them, with PostgreSQL's names."""

AGGREGATES = frozenset({*_RANGES, *(name for name in OF_ARRAYS if "_unique" in name)})
"""Names of aggregates that the engine has nothing of; of others it knows the plain forms."""


def around(node: exp.Expr) -> exp.Expr:
    """Return an aggregate with its FILTER and OVER."""
    while isinstance(node.parent, exp.Filter | exp.Window) and node.arg_key == "this":
        node = node.parent
    return node


def gather(node: exp.Anonymous, name: str) -> None:
    """Have PostgreSQL compute an aggregate of arrays, in place. What it does not know of stays: arguments that are
    distinct and sorted.
    """
    values, order, distinct = _taken(node)
    if len(values) != (1 if name in _RANGES else 2) or (distinct and order and name not in _RANGES):
        return
    if name in _RANGES:  # which have no order, and no row twice
        order, distinct = [], False
    whole = around(node)
    arrays = [_array(whole, node, value, order) for value in values]
    whole.replace(exp.Anonymous(this=aggregating_name(name, distinct=distinct), expressions=arrays))


def _taken(node: exp.Anonymous) -> tuple[list[exp.Expr], list[exp.Expr], bool]:
    """Return what an aggregate takes of rows, by what they are sorted, and whether they are distinct."""
    values, order = [*node.expressions], []
    if values and isinstance(values[-1], exp.Order):
        order = values[-1].expressions
        values[-1] = values[-1].this
    if len(values) == 1 and isinstance(values[0], exp.Distinct):
        return [*values[0].expressions], order, True
    return values, order, False


def _array(whole: exp.Expr, node: exp.Expr, value: exp.Expr, order: list[exp.Expr]) -> exp.Expr:
    """Return the array of a value of a group's rows, with the FILTER and OVER of the aggregate."""
    taken = copied(value)
    if order:
        taken = exp.Order(this=taken, expressions=[copied(one) for one in order])
    array = exp.ArrayAgg(this=taken)
    if whole is node:
        return array
    made = copied(whole)
    place = made
    while isinstance(place.this, exp.Filter | exp.Window):
        place = place.this
    place.set("this", array)
    return made


def gather_by_type(census: Census) -> bool:
    """``bit_and`` and its kin of bit strings, sums of money, and deviations of distinct numbers, in a typed query, in
    place; return whether there was any.
    """
    nodes = census.find_all(*BY_TYPE)
    found = [node for node in nodes if _is_of_bits(node) or _is_of_money(node) or _is_of_distinct_numbers(node)]
    for node in found:
        whole = around(node)
        array = _array(whole, node, node.this, [])
        whole.replace(exp.Anonymous(this=aggregating_name(BY_TYPE[type(node)]), expressions=[array]))
    return _gather_ordered_sets(census) or bool(found)


_SORTED_BY_THE_ENGINE = {
    exp.PercentileDisc: frozenset(Kind) - {Kind.JSON, Kind.OTHER},
    exp.Mode: frozenset({*NUMBERS, Kind.TEXT, Kind.BPCHAR, Kind.DATE, Kind.TIMESTAMP, Kind.ARRAY}),
}


def _gather_ordered_sets(census: Census) -> bool:
    """``percentile_disc`` and ``mode`` of values that the engine cannot sort or count, in place."""
    changed = False
    for node in census.find_all(exp.WithinGroup):
        keys = node.expression.expressions
        engines = _SORTED_BY_THE_ENGINE.get(type(node.this))
        if engines is None or len(keys) != 1 or kind(keys[0].this) in engines:
            continue
        whole = around(node)
        array = _array_of_values(whole, node, keys[0].this)
        name = MODE if isinstance(node.this, exp.Mode) else PERCENTILE
        direction = exp.Boolean(this=bool(keys[0].args.get("desc")))
        fraction = [] if name == MODE else [_fraction(node.this.this)]
        whole.replace(exp.Anonymous(this=aggregating_name(name), expressions=[array, direction, *fraction]))
        changed = True
    return changed


def _array_of_values(whole: exp.Expr, node: exp.Expr, value: exp.Expr) -> exp.Expr:
    """Return the array of a group's values; of types whose arrays the engine does not write, by their texts."""
    if kind(value) not in _WRITTEN_AS_TEXTS:
        return _array(whole, node, value, [])
    texts = _array(whole, node, exp.cast(value.copy(), "text", dialect="postgres"), [])
    return exp.Cast(this=texts, to=array_type(type_of(value)))


_WRITTEN_AS_TEXTS = frozenset({Kind.INTERVAL, Kind.TIMESTAMPTZ, Kind.BYTEA})


def _fraction(value: exp.Expr) -> exp.Expr:
    """Return a fraction, or several, in double precision."""
    several = kind(value) is Kind.ARRAY or isinstance(value.unnest(), exp.Array)
    sql_type = exp.DataType.build("double precision[]" if several else "double precision", dialect="postgres")
    return exp.Cast(this=value.copy(), to=sql_type)


def _is_of_money(node: exp.Expr) -> bool:
    if not isinstance(node, exp.Sum) or isinstance(node.this, exp.Distinct | exp.Order):
        return False
    return carried_as_text(type_of(node.this)) == "money"


def _is_of_bits(node: exp.Expr) -> bool:
    if type(node) not in _BITS:
        return False
    taken = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
    return carried_as_text(type_of(taken.this if isinstance(taken, exp.Order) else taken)) in _BIT_TYPES


_BIT_TYPES = frozenset({"bit", "varbit", "bit varying"})


def _is_of_distinct_numbers(node: exp.Expr) -> bool:
    """Whether an aggregate is a deviation of distinct numbers; they are brought to the type of the result, in place."""
    if not isinstance(node.this, exp.Distinct) or kind(node) not in NUMBERS:
        return False
    if type(node) not in _DEVIATIONS:
        return False
    result = "numeric" if kind(node) is Kind.NUMERIC else "double precision"
    value = node.this.expressions[0]
    value.replace(exp.Cast(this=copied(value), to=exp.DataType.build(result, dialect="postgres")))
    return True
