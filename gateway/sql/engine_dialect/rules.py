"""The rules by which an expression of PostgreSQL's becomes the engine's, by its class.

A rule is a pure function of a node whose children are done; some also take the session's settings. What no rule names
is alike in both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from gateway.sql.engine_dialect import (
    aggregates,
    arrays,
    blanks,
    casts,
    comparisons,
    constants,
    distinct_arrays,
    formats,
    hypothetical,
    intervals,
    masks,
    moments,
    numbers,
    ordered_set_aggregates,
    patterns,
    postgres_inputs,
    records,
    sources,
    strings,
    subqueries,
    text_aggregates,
)
from gateway.sql.engine_dialect.call_marks import get_mark
from gateway.sql.engine_dialect.kinds import Kind, T, is_unknown_constant, kind
from gateway.sql.engine_dialect.moments import Session

Rule = Callable[..., exp.Expr]


def _concatenation(node: exp.DPipe, session: Session) -> exp.Expr:
    if Kind.ARRAY in (kind(node.left), kind(node.right)):
        return arrays.concatenate(node, session)
    return strings.concatenate(node, session)


def _arithmetic(node: exp.Binary, session: Session) -> exp.Expr:
    """``+ - * / %`` by the kinds of both sides; a string constant takes the other side's."""
    node = casts.operands(node, session)
    found = {kind(node.left), kind(node.right)}
    if Kind.INTERVAL in found and isinstance(node, exp.Mul | exp.Div):
        return moments.interval_factor(node)
    if isinstance(node, exp.Div):
        return numbers.divide(node)
    if found <= {Kind.INTEGER, Kind.NUMERIC, Kind.FLOAT}:
        return numbers.add_or_multiply(node)
    return moments.add_or_subtract(node, session)


def _cast(node: exp.Cast, session: Session) -> exp.Expr:
    if isinstance(node.this, exp.IntDiv):
        return numbers.integer_division(node)
    return casts.convert(node, session)


def _aggregate(node: exp.Expr) -> exp.Expr:
    """Aggregates go with their FILTER and OVER: the outermost of them is the node to replace."""
    if isinstance(node.parent, exp.Window | exp.Filter | exp.WithinGroup) and node.arg_key == "this":
        return node
    return aggregates.aggregate(node)


def _ordered_set(node: exp.Expr) -> exp.Expr:
    if isinstance(node.parent, exp.Filter) and node.arg_key == "this":
        return node
    inner = node.this if isinstance(node, exp.Filter) else node
    return ordered_set_aggregates.ordered_set(node) if isinstance(inner, exp.WithinGroup) else node


_ANONYMOUS: dict[str, Rule] = {
    "age": moments.age,
    "array_length": arrays.plain,
    "array_lower": arrays.upper,
    "array_position": arrays.plain,
    "array_replace": arrays.plain,
    "array_upper": arrays.upper,
    "cardinality": arrays.cardinality,
    "clock_timestamp": moments.clock,
    "every": aggregates.every,
    "gcd": numbers.greatest_common,
    "lcm": numbers.greatest_common,
    "make_date": moments.make,
    "octet_length": strings.octet_length,
    "random_normal": numbers.random_normal,
    "regexp_match": patterns.match_groups,
    "regexp_split_to_array": patterns.split_to_array,
    "statement_timestamp": moments.now,
    "transaction_timestamp": moments.now,
    "uuidv4": numbers.random_uuid,
    "uuidv7": numbers.random_uuid_in_order,
}


def _at_time_zone(node: exp.AtTimeZone, session: Session) -> exp.Expr:
    if is_unknown_constant(node.this):
        node.set("this", casts.to_type(node.this, T.TIMESTAMPTZ.into_expr(), session))
    return moments.at_time_zone(node, session)


def _anonymous(node: exp.Anonymous, session: Session) -> exp.Expr:
    if masks.is_keyed_call(node):
        return masks.keyed(node)
    if (found := get_mark(node)) is not None:
        return postgres_inputs.engine_call(node, found, session)
    rule = _ANONYMOUS.get(node.name.lower())
    if rule is None:
        return node
    return rule(node, session) if rule in WITH_SESSION else rule(node)


RULES: tuple[tuple[Rule, tuple[type[exp.Expr], ...]], ...] = (
    # values
    (strings.blank_padded, (exp.Column,)),
    (casts.time_of_day, (exp.Column,)),
    (casts.parameter, (exp.Parameter,)),
    (constants.interval_literal, (exp.Interval,)),
    (_cast, (exp.Cast, exp.TryCast)),
    # numbers
    (_arithmetic, (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)),
    (numbers.negate, (exp.Neg,)),
    (intervals.negate, (exp.Neg,)),
    (numbers.round_to, (exp.Round, exp.Trunc, exp.Ceil, exp.Floor)),
    (numbers.sign, (exp.Sign,)),
    (numbers.square_root, (exp.Sqrt,)),
    (numbers.power, (exp.Pow,)),
    (numbers.transcendental, (exp.Exp, exp.Ln, exp.Log)),
    (
        numbers.double_function,
        (exp.Acos, exp.Asin, exp.Atan, exp.Atan2, exp.Cbrt, exp.Cos, exp.Cosh, exp.Cot, exp.Sin,
         exp.Sinh, exp.Tan, exp.Tanh),
    ),
    (numbers.angle, (exp.Degrees, exp.Radians)),
    (numbers.bitwise_not, (exp.BitwiseNot,)),
    (
        numbers.bitwise,
        (exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.BitwiseLeftShift, exp.BitwiseRightShift),
    ),
    (numbers.to_hex, (exp.LowerHex, exp.Hex)),
    (numbers.width_bucket, (exp.WidthBucket,)),
    (numbers.random, (exp.Rand,)),
    (numbers.random_uuid, (exp.Uuid,)),
    # moments
    (moments.extract, (exp.Extract,)),
    (moments.truncate, (exp.TimestampTrunc, exp.DateTrunc)),
    (_at_time_zone, (exp.AtTimeZone,)),
    (moments.now, (exp.CurrentTimestamp, exp.Localtimestamp)),
    (moments.current_date, (exp.CurrentDate,)),
    (moments.from_epoch, (exp.UnixToTime,)),
    (formats.to_char, (exp.TimeToStr,)),
    (formats.to_date, (exp.StrToDate,)),
    (formats.to_timestamp, (exp.StrToTime,)),
    # text
    (_concatenation, (exp.DPipe,)),
    (strings.concat, (exp.Concat, exp.ConcatWs)),
    (strings.substring, (exp.Substring,)),
    (strings.trim, (exp.Trim,)),
    (strings.length, (exp.Length,)),
    (strings.position, (exp.StrPosition,)),
    (strings.pad, (exp.Pad,)),
    (strings.repeat, (exp.Repeat,)),
    (strings.character, (exp.Chr,)),
    (strings.in_case, (exp.Lower, exp.Upper)),
    (strings.initcap, (exp.Initcap,)),
    (strings.md5, (exp.MD5,)),
    (strings.encode, (exp.Encode, exp.Decode)),
    (strings.format_text, (exp.Format,)),
    (strings.split_part, (exp.SplitPart,)),
    (strings.edge, (exp.Left, exp.Right)),
    (strings.overlay, (exp.Overlay,)),
    (patterns.like, (exp.Like, exp.ILike)),
    (patterns.escape, (exp.Escape,)),
    (patterns.similar, (exp.SimilarTo,)),
    (patterns.matches, (exp.RegexpLike, exp.RegexpILike)),
    (patterns.replace, (exp.RegexpReplace,)),
    (patterns.count, (exp.RegexpCount,)),
    (patterns.substring_match, (exp.RegexpSubstr,)),
    # arrays
    (subqueries.array_of, (exp.Array,)),
    (arrays.literal, (exp.Array,)),
    (arrays.subscript, (exp.Bracket,)),
    (arrays.length, (exp.ArraySize,)),
    (arrays.change, (exp.ArrayAppend, exp.ArrayPrepend, exp.ArrayConcat, exp.ArrayRemove)),
    (arrays.array_position, (exp.ArrayPosition,)),
    (arrays.contains, (exp.ArrayContainsAll, exp.ArrayContainedBy, exp.ArrayOverlaps)),
    (arrays.joined, (exp.ArrayToString,)),
    (sources.exploded, (exp.ExplodingGenerateSeries, exp.GenerateSeries)),
    # conditions
    (records.is_null, (exp.Is,)),
    (records.overlaps, (exp.Overlaps,)),
    (records.equals, (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)),
    (subqueries.quantified, (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)),
    (
        comparisons.compare,
        (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ),
    ),
    (comparisons.null_safe, (exp.NullSafeEQ,)),
    (comparisons.between, (exp.Between,)),
    (comparisons.member, (exp.In,)),
    (comparisons.alternatives, (exp.Coalesce, exp.Greatest, exp.Least)),
    (comparisons.nullif, (exp.Nullif,)),
    (comparisons.case, (exp.Case,)),
    (blanks.gathered, (exp.ArrayAgg,)),
    (blanks.as_text, (exp.AnyValue, exp.Case, exp.Coalesce, exp.Greatest, exp.Least, exp.Max, exp.Min, exp.Window)),
    # aggregates and windows
    (
        _aggregate,
        (exp.Avg, exp.Sum, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Variance, exp.VariancePop, exp.RegrR2,
         exp.BitwiseXorAgg, exp.Max, exp.Min, exp.Filter, exp.Window),
    ),
    (hypothetical.rank, (exp.WithinGroup, exp.Filter)),
    (_ordered_set, (exp.WithinGroup, exp.Filter)),
    (aggregates.window, (exp.Window,)),
    (aggregates.sorted_distinct, (exp.GroupConcat,)),
    (distinct_arrays.gather, (exp.ArrayAgg, exp.Filter)),
    (text_aggregates.join, (exp.GroupConcat, exp.Filter, exp.Window)),
    (aggregates.pairs, (exp.RegrCount,)),
    (
        aggregates.correlate,
        (exp.Corr, exp.CovarPop, exp.CovarSamp, exp.RegrAvgx, exp.RegrAvgy, exp.RegrIntercept, exp.RegrR2,
         exp.RegrSlope, exp.RegrSxx, exp.RegrSxy, exp.RegrSyy),
    ),
    (aggregates.grouping, (exp.Grouping,)),
    (aggregates.first, (exp.AnyValue,)),
    (aggregates.extreme, (exp.Min, exp.Max)),
    (aggregates.sorted_by, (exp.Ordered,)),
    (aggregates.count_distinct, (exp.Count,)),
    # subqueries
    (subqueries.exists, (exp.Exists,)),
    (subqueries.member, (exp.In,)),
    (subqueries.scalar, (exp.Subquery,)),
    # functions by name
    (_anonymous, (exp.Anonymous,)),
)  # fmt: skip

WITH_SESSION: frozenset[Any] = frozenset(
    {
        _anonymous, _arithmetic, _at_time_zone, _cast, _concatenation, arrays.change, arrays.contains, arrays.literal,
        comparisons.alternatives, comparisons.between, comparisons.case, comparisons.compare, comparisons.member,
        comparisons.nullif, constants.interval_literal, formats.to_char, formats.to_timestamp, hypothetical.rank,
        moments.age, moments.current_date, moments.extract, moments.now, moments.truncate,
        records.equals, records.overlaps, sources.exploded, strings.concat, strings.format_text, subqueries.member,
        subqueries.quantified,
    }
)  # fmt: skip
"""Rules that also take the session's settings."""

BY_CLASS: dict[type[exp.Expr], tuple[tuple[Rule, bool], ...]] = {
    node: tuple((rule, rule in WITH_SESSION) for rule, classes in RULES if node in classes)
    for _, each in RULES
    for node in each
}
"""The rules for each class, and whether they take the session's settings."""
