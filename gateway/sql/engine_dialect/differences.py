"""Where the engine has a function, or a cast, but not PostgreSQL's results for these arguments: PostgreSQL is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlglot import exp

from gateway.sql.engine_dialect import kinds
from gateway.sql.engine_dialect.equal_values import has_arrays
from gateway.sql.engine_dialect.kinds import Kind, T, kind, type_of
from gateway.sql.engine_dialect.like_patterns import is_for_postgres
from gateway.sql.engine_dialect.patterns import is_surely_valid, is_valid_constant
from optimizer.census import Census, with_subclasses

_INFINITE = "infinite"  # in a node's meta: moments of its query may be infinite
_QUICK = (T.SMALLINT, T.INT, T.BIGINT, T.DOUBLE, T.DATE)
_OF_BYTES = with_subclasses(
    (
        exp.BitLength, exp.Decode, exp.DPipe, exp.Encode, exp.Length, exp.Overlay, exp.Pad, exp.Reverse,
        exp.StrPosition, exp.Substring, exp.Trim,
    )
)  # fmt: skip


def is_quick_cast(node: exp.Expr) -> bool:
    """Whether a cast of text is to a type whose plain forms the engine reads as PostgreSQL does: PostgreSQL is asked of
    the others alone.
    """
    return isinstance(node, exp.Cast) and node.to.this in _QUICK and kind(node.this) is Kind.TEXT


def differs(node: exp.Expr) -> bool:
    """Whether the engine's result for an expression is not PostgreSQL's."""
    if type(node) in _OF_BYTES and any(kind(one) is Kind.BYTEA for one in node.iter_expressions()):
        return True
    rule = _DIFFERENCES.get(type(node))
    return rule is not None and rule(node)


def _has_dates(node: exp.ArrayToString) -> bool:
    """They look as the session says."""
    return kinds.kind_of_type(kinds.element_type(type_of(node.this))) is Kind.DATE


def _are_ordered_arrays(node: exp.Expr) -> bool:
    """PostgreSQL sorts a NULL among the elements behind all values."""
    return any(kind(one) is Kind.ARRAY for one in node.iter_expressions())


def note_infinity(census: Census) -> None:
    """Note in a query's nodes that the query writes an infinite moment, which may come to any of them, if it does."""
    if any(map(_is_infinite, census.find_all(exp.Literal))):
        expect_infinity(census.nodes)


def expect_infinity(nodes: Iterable[exp.Expr]) -> None:
    """Note in a query's nodes that infinite moments may come to any of them."""
    for node in nodes:
        if type(node) in _DIFFERENCES:
            node.meta[_INFINITE] = True


def _is_infinite(literal: exp.Literal) -> bool:
    if not literal.is_string or not literal.name.rstrip().lower().endswith("infinity"):
        return False
    cast = literal.find_ancestor(exp.Cast)
    return cast is None or kinds.kind_of_type(cast.to) not in (Kind.FLOAT, Kind.NUMERIC)


def _may_be_infinite(node: exp.Expr) -> bool:
    """The engine counts with the number that infinity is written as."""
    return _INFINITE in node.meta and any(kind(one) in kinds.MOMENTS for one in node.iter_expressions())


def _meets_infinity(node: exp.Expr) -> bool:
    """Moments of different types are compared, which the engine brings to one: infinity is another number in each."""
    found = {kind(one) for one in node.iter_expressions()} & kinds.MOMENTS
    return len(found) > 1 and _INFINITE in node.meta


def _equals_elsewhere(node: exp.Expr) -> bool:
    return has_arrays(node) or _meets_infinity(node)


def _is_ordered_elsewhere(node: exp.Expr) -> bool:
    return _are_ordered_arrays(node) or _meets_infinity(node)


def _has_open_pattern(node: exp.Expr) -> bool:
    """A pattern that is no constant is not translated to the engine's grammar; of a wrong one PostgreSQL says why."""
    pattern = node.expression.unnest()
    if isinstance(pattern, exp.Literal) and pattern.is_string:
        return not is_surely_valid(node)
    return not isinstance(pattern, exp.Null)


def _has_wrong_pattern(node: exp.Expr) -> bool:
    return not is_surely_valid(node)


def _calls_for_postgres(node: exp.Anonymous) -> bool:
    """``age`` of what is infinite; elements that are equal, and written otherwise, as 0 and -0."""
    name = node.name.lower()
    if name == "age":
        return _may_be_infinite(node)
    if name == "regexp_match":
        return not is_valid_constant(node.expressions[1])
    return name in ("array_position", "array_replace") and _has_floats(node)


def _has_floats(node: exp.Expr) -> bool:
    found = (type_of(one) for one in node.iter_expressions() if kind(one) is Kind.ARRAY)
    return any(kinds.kind_of_type(kinds.element_type(one)) is Kind.FLOAT for one in found)


def _is_infinite_cast(node: exp.Cast) -> bool:
    return kinds.kind_of_type(node.to) in kinds.MOMENTS and kind(node.this) in kinds.MOMENTS and _may_be_infinite(node)


def _always(node: exp.Expr) -> bool:
    return True


def _has_no_plain_pattern(node: exp.Expr) -> bool:
    """Patterns that sqlglot would change have come in parentheses; of numbers and intervals the engine writes none."""
    pattern = node.args.get("format")
    return (
        not isinstance(pattern, exp.Literal)
        or not pattern.name
        or kind(node.this) not in kinds.MOMENTS
        or _may_be_infinite(node)
    )


def _is_numeric(node: exp.Expr) -> bool:
    """The engine computes them in double precision."""
    found = [kind(one) for one in node.iter_expressions()]
    return Kind.NUMERIC in found and Kind.FLOAT not in found


def _is_logarithm_of_numerics(node: exp.Log) -> bool:
    """``log(b, x)`` is of numerics, integers too; of one argument as others."""
    return node.args.get("expression") is not None or _is_numeric(node)


def _is_cut_elsewhere(node: exp.Expr) -> bool:
    """``date_trunc`` in a zone, of what is infinite, or of an interval, which a time of day becomes."""
    return node.args.get("zone") is not None or kind(node.this) in (Kind.INTERVAL, Kind.TIME) or _may_be_infinite(node)


def _is_shifted_elsewhere(node: exp.Expr) -> bool:
    """``AT TIME ZONE`` of what is infinite, or of a time of day, which becomes one with a zone."""
    return kind(node.this) is Kind.TIME or _may_be_infinite(node)


def _is_padded(node: exp.Expr) -> bool:
    return kind(node.this) is Kind.BPCHAR


def _rounds_by_row(node: exp.Expr) -> bool:
    """A numeric is rounded to a number of digits that is no constant: each value has its own."""
    places = node.args.get("decimals")
    while isinstance(places, exp.Neg | exp.Paren):
        places = places.this
    return places is not None and not isinstance(places, exp.Literal) and kind(node.this) in kinds.EXACT


def _has_array(node: exp.Expr) -> bool:
    return node.args.get("min_value") is None


_DIFFERENCES: dict[type[exp.Expr], Callable[[Any], bool]] = {
    exp.Add: _may_be_infinite,
    exp.Anonymous: _calls_for_postgres,
    exp.ArrayContainedBy: _has_floats,
    exp.ArrayContainsAll: _has_floats,
    exp.ArrayOverlaps: _has_floats,
    exp.ArrayPosition: lambda node: (
        node.args.get("zero_based") is not None or _has_floats(node)
    ),  # where to begin, as sqlglot reads it
    exp.ArrayRemove: _always,  # the engine removes the first of equal elements only
    exp.ArrayToString: _has_dates,
    exp.AtTimeZone: _is_shifted_elsewhere,
    exp.Between: _is_ordered_elsewhere,
    exp.BitwiseLeftShift: _always,  # bits that leave an int4 are an error there
    exp.BitwiseXor: _always,  # the engine takes ``x # x`` for zero where x is NULL
    exp.Cast: _is_infinite_cast,
    exp.DateTrunc: _is_cut_elsewhere,
    exp.EQ: _equals_elsewhere,
    exp.Exp: _is_numeric,
    exp.Extract: _may_be_infinite,
    exp.GT: _is_ordered_elsewhere,
    exp.GTE: _is_ordered_elsewhere,
    exp.ILike: is_for_postgres,
    exp.In: _meets_infinity,
    exp.LT: _is_ordered_elsewhere,
    exp.LTE: _is_ordered_elsewhere,
    exp.Length: _is_padded,
    exp.Like: is_for_postgres,
    exp.Ln: _is_numeric,
    exp.Log: _is_logarithm_of_numerics,
    exp.NEQ: _equals_elsewhere,
    exp.NullSafeEQ: _meets_infinity,
    exp.NullSafeNEQ: _meets_infinity,
    exp.Pow: _is_numeric,
    exp.RegexpCount: _has_wrong_pattern,
    exp.RegexpILike: _has_open_pattern,
    exp.RegexpLike: _has_open_pattern,
    exp.RegexpReplace: _has_open_pattern,
    exp.RegexpSubstr: _has_wrong_pattern,
    exp.Round: _rounds_by_row,
    exp.SimilarTo: _has_wrong_pattern,
    exp.Sqrt: _is_numeric,
    exp.StrToDate: _has_no_plain_pattern,
    exp.StrToTime: _has_no_plain_pattern,
    exp.Sub: _may_be_infinite,
    exp.Substring: _has_wrong_pattern,
    exp.TimeToStr: _has_no_plain_pattern,
    exp.TimestampTrunc: _is_cut_elsewhere,
    exp.Trunc: _rounds_by_row,
    exp.WidthBucket: _has_array,
}
