"""Types of expressions as PostgreSQL has them, set on every node of a query.

sqlglot infers types too, but by rules of its own (``1.5`` is a double, ``avg`` too, a date minus a date is a date); the
engine's SQL is made by type, so they have to be PostgreSQL's. The scopes, columns and set operations are sqlglot's
work; what a function or an operator returns is stated here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.optimizer.annotate_types import TypeAnnotator, annotate_types
from sqlglot.schema import MappingSchema

from gateway.sql.engine_dialect import json_subscripts, kinds
from gateway.sql.engine_dialect.coercions import join_types, widen_networks
from gateway.sql.engine_dialect.differences import note_infinity
from gateway.sql.engine_dialect.fixed_types import FIXED, FIXED_NAMES
from gateway.sql.engine_dialect.gathered_aggregates import gather_by_type
from gateway.sql.engine_dialect.kinds import Kind, T, kind, type_of
from gateway.sql.engine_dialect.like_patterns import guard
from gateway.sql.engine_dialect.order_keys import put_keys
from gateway.sql.engine_dialect.postgres_calls import ResultTypes, asks, find_type
from gateway.sql.engine_dialect.row_exclusions import gather_frames
from gateway.sql.engine_dialect.type_names import name_types
from gateway.sql.engine_dialect.typed_sources import as_derived_tables
from optimizer.census import Census, take_census
from optimizer.copies import copied

Infer = Callable[[Any], exp.DataType | exp.DType]
_ASKING = (exp.Condition, exp.JSONValue, exp.AtTimeZone)


def annotate(
    tree: exp.Query,
    schema: MappingSchema,
    parameters: Sequence[exp.DataType] = (),
    types: ResultTypes | None = None,
) -> exp.Query:
    """Set PostgreSQL's types on a qualified query, in place. ``types`` tells those of expressions that the engine's
    dialect does not know.

    ``schema`` gives the types of the tables' columns, ``parameters`` those of ``$1 …``; without them rules take a
    parameter for a constant whose type is not known, and leave what is done with it to the engine.
    """

    def of_parameter(node: exp.Expr) -> exp.DataType | exp.DType:
        place = int(node.name) if node.name.isdigit() else 0
        return copied(parameters[place - 1]) if 0 < place <= len(parameters) else T.UNKNOWN

    metadata = {**METADATA, exp.Parameter: _annotator(of_parameter)}
    found: set[type[exp.Expr]] = set()
    census = take_census(tree)
    if types is not None:
        note_infinity(census)
        found |= {one for one in census.classes if issubclass(one, _ASKING)} - {exp.Column, exp.Literal}
        metadata |= {node: _or_asked(metadata.get(node, {}), types) for node in found}
    with as_derived_tables(census):
        _set_types(tree, schema, metadata, types, census)
    return tree


def _set_types(
    tree: exp.Query, schema: MappingSchema, metadata: dict[Any, Any], types: ResultTypes | None, census: Census
) -> None:
    """Set the types, and again where expressions are made others by them."""
    annotate_types(tree, schema=schema, expression_metadata=metadata, dialect="postgres")
    if types is None:
        return
    if widen_networks(census) | join_types(census) | json_subscripts.spell_out(census):
        annotate_types(tree, schema=schema, expression_metadata=metadata, dialect="postgres")
        census = take_census(tree)
    changed = guard(census) | gather_by_type(census) | put_keys(census) | gather_frames(census)
    if exp.Anonymous in census.classes:
        changed |= name_types(tree, types)
    if changed:
        annotate_types(tree, schema=schema, expression_metadata=metadata, dialect="postgres")


def _or_asked(known: dict[str, Any], types: ResultTypes) -> dict[str, Any]:
    def apply(annotator: TypeAnnotator, node: exp.Expr) -> exp.Expr:
        found = find_type(node, types) if asks(node) else None
        if found is not None:
            annotator._set_type(node, found)
        elif "annotator" in known:
            known["annotator"](annotator, node)
        else:
            annotator._set_type(node, known.get("returns"))
        return node

    return {"annotator": apply}


def _arithmetic(node: exp.Binary) -> exp.DataType | exp.DType:
    left, right = type_of(node.left), type_of(node.right)
    left_kind, right_kind = kind(node.left), kind(node.right)
    if left_kind is Kind.UNKNOWN or right_kind is Kind.UNKNOWN:
        return _with_unknown(node, left if right_kind is Kind.UNKNOWN else right)
    if left_kind in kinds.NUMBERS and right_kind in kinds.NUMBERS:
        return _numbers(node, left, right)
    if isinstance(node, exp.Sub):
        return _difference(left, right, left_kind, right_kind)
    if isinstance(node, exp.Add):
        return _sum(left, right, left_kind, right_kind)
    return T.INTERVAL if Kind.INTERVAL in (left_kind, right_kind) else left


def _with_unknown(node: exp.Binary, other: exp.DataType) -> exp.DataType | exp.DType:
    """``x + '…'``: PostgreSQL reads the constant as the other side's type; with moments, as an interval."""
    other_kind = kinds.kind_of_type(other)
    if other_kind in kinds.MOMENTS and isinstance(node, exp.Sub):
        return T.INT if other_kind is Kind.DATE else T.INTERVAL
    return other


def _numbers(node: exp.Binary, left: exp.DataType, right: exp.DataType) -> exp.DataType:
    """Numbers; an exact product or sum keeps track of its scale, as far as that is known."""
    result = kinds.number_type(left, right)
    if result.this is not T.DECIMAL:
        return result
    left_scale = kinds.scale_of(left) if left.this is T.DECIMAL else 0
    right_scale = kinds.scale_of(right) if right.this is T.DECIMAL else 0
    if left_scale is None or right_scale is None or isinstance(node, exp.Div | exp.IntDiv):
        return result
    scale = left_scale + right_scale if isinstance(node, exp.Mul) else max(left_scale, right_scale)
    return kinds.decimal_type(38 if scale <= 38 else 76, scale)


def _difference(left: exp.DataType, right: exp.DataType, of: Kind, by: Kind) -> exp.DataType | exp.DType:
    if of is Kind.DATE and by is Kind.DATE:
        return T.INT
    if of is Kind.DATE:
        return T.DATE if by is Kind.INTEGER else T.TIMESTAMP if by is Kind.INTERVAL else T.INTERVAL
    if (of in kinds.STAMPS and by in kinds.MOMENTS) or (of is Kind.TIME and by is Kind.TIME):
        return T.INTERVAL
    return T.INTERVAL if of is Kind.INTERVAL else left


def _sum(left: exp.DataType, right: exp.DataType, one: Kind, two: Kind) -> exp.DataType | exp.DType:
    pair = {one, two}
    if Kind.DATE in pair:
        return T.DATE if Kind.INTEGER in pair else T.TIMESTAMP
    if pair == {Kind.TIME, Kind.INTERVAL}:
        return T.TIME
    if one in kinds.STAMPS or two in kinds.STAMPS:
        return left if one in kinds.STAMPS else right
    return left


def _literal(node: exp.Literal) -> exp.DataType | exp.DType:
    return T.VARCHAR if node.is_string else kinds.literal_type(str(node.this))


def _negative(node: exp.Neg) -> exp.DataType | exp.DType:
    """``-9223372036854775808`` is a bigint, as ``-2147483648`` is an integer."""
    bare = node.this.unnest()
    if isinstance(bare, exp.Literal) and bare.is_int and int(bare.name) in _LEAST:
        return _LEAST[int(bare.name)]
    return _of_argument(node)


_LEAST: Mapping[int, exp.DType] = {kinds.INT4_MAX + 1: T.INT, kinds.INT8_MAX + 1: T.BIGINT}


def _of_argument(node: exp.Expr) -> exp.DataType | exp.DType:
    return type_of(node.this) if isinstance(node.this, exp.Expr) else T.UNKNOWN


def _sum_aggregate(node: exp.Sum) -> exp.DataType | exp.DType:
    argument = type_of(_argument(node))
    if argument.this is T.DECIMAL:
        scale = kinds.scale_of(argument)
        return kinds.decimal_type() if scale is None else kinds.decimal_type(38, scale)
    if argument.this is T.BIGINT:
        return kinds.decimal_type(38, 0)
    return T.BIGINT if argument.this in (T.SMALLINT, T.INT, T.TINYINT) else argument


def _argument(node: exp.Expr) -> exp.Expr:
    """Return what an aggregate takes, under DISTINCT and ORDER BY."""
    inner = node.this
    while isinstance(inner, exp.Order | exp.Distinct | exp.Limit):
        inner = inner.this if inner.this is not None else inner.expressions[0]
    assert isinstance(inner, exp.Expr)
    return inner


def _exact_or_double(node: exp.Expr) -> exp.DataType | exp.DType:
    """Averages and deviations: numeric of exact numbers, else double precision; of intervals, an interval."""
    argument = kind(_argument(node))
    if argument is Kind.INTERVAL:
        return T.INTERVAL
    return kinds.decimal_type() if argument in kinds.EXACT else T.DOUBLE


def _numeric_or_double(node: exp.Func) -> exp.DataType | exp.DType:
    """``sqrt``, ``exp`` and their kin: numeric for numeric, double precision for the rest (integers too)."""
    found = [kind(arg) for arg in node.iter_expressions() if isinstance(arg, exp.Expr)]
    return kinds.decimal_type() if Kind.NUMERIC in found and Kind.FLOAT not in found else T.DOUBLE


def _neighbour(node: exp.Expr) -> exp.DataType:
    """``lag`` and ``lead``: what the value and the default have in common."""
    default = node.args.get("default")
    if default is None:
        return type_of(node.this)
    result = _common([node.this, default])
    scale = kinds.scale_of(result)
    return result if scale is None else kinds.decimal_type(38, scale)  # an integer has more digits than 1.5


def _rounded(node: exp.Func) -> exp.DataType | exp.DType:
    places = node.args.get("decimals")
    if places is not None or kind(node.this) is Kind.NUMERIC:
        fixed = 0 if places is None else _constant(places)
        return kinds.decimal_type() if fixed is None else kinds.decimal_type(38, max(fixed, 0))
    return T.DOUBLE


def _constant(node: exp.Expr) -> int | None:
    node = node.unnest()
    if isinstance(node, exp.Neg):
        inner = _constant(node.this)
        return None if inner is None else -inner
    return int(node.name) if isinstance(node, exp.Literal) and node.is_int else None


def _alternatives(node: exp.Expr) -> exp.DataType:
    if isinstance(node, exp.Case):
        values = [node.args["default"]] if node.args.get("default") is not None else []  # first, as in PostgreSQL
        values += [branch.args["true"] for branch in node.args.get("ifs", [])]
    else:
        values = [node.this] if isinstance(node.this, exp.Expr) else []
        values += node.expressions
    return _common(values)


def _common(values: list[exp.Expr]) -> exp.DataType:
    chosen = kinds.common_type(type_of(value) for value in values if not kinds.is_unknown_constant(value))
    if kinds.kind_of_type(chosen) is Kind.BPCHAR and any(map(_is_text_constant, values)):
        return T.BPCHAR.into_expr()
    if chosen.this is T.UNKNOWN and any(not isinstance(value.unnest(), exp.Null) for value in values):
        return T.TEXT.into_expr()
    return chosen


def _is_text_constant(value: exp.Expr) -> bool:
    return kinds.is_unknown_constant(value) and not isinstance(value.unnest(), exp.Null)


def _random(node: exp.Rand) -> exp.DataType | exp.DType:
    """``random(low, high)`` is of the type of its bounds."""
    return T.DOUBLE if node.this is None else _common([node.this, node.args["lower"]])


def _nullif(node: exp.Nullif) -> exp.DataType:
    return _common([node.this, node.expression]) if kinds.is_unknown_constant(node.this) else type_of(node.this)


def _array(node: exp.Array) -> exp.DataType:
    only = node.expressions[0] if len(node.expressions) == 1 else None
    if isinstance(only, exp.Query):
        return kinds.array_type(type_of(only.selects[0]))
    return kinds.array_type(_common(node.expressions) if node.expressions else T.TEXT.into_expr())


def _bracket(node: exp.Bracket) -> exp.DataType:
    whole = type_of(node.this)
    return whole if isinstance(node.expressions[0], exp.Slice) else kinds.element_type(whole)


def _concatenation(node: exp.DPipe) -> exp.DataType | exp.DType:
    left, right = kind(node.left), kind(node.right)
    if Kind.ARRAY in (left, right):
        whole = type_of(node.left if left is Kind.ARRAY else node.right)
        other = type_of(node.right if left is Kind.ARRAY else node.left)
        if kinds.kind_of_type(other) is Kind.ARRAY:
            other = kinds.element_type(other)
        return kinds.array_type(kinds.common_type([kinds.element_type(whole), other]))
    if Kind.JSON in (left, right):
        return T.JSONB
    return T.VARBINARY if left is right is Kind.BYTEA else T.TEXT


def _date_trunc(node: exp.Expr) -> exp.DataType | exp.DType:
    argument = kind(node.this)
    if argument in (Kind.INTERVAL, Kind.TIME):
        return T.INTERVAL
    return T.TIMESTAMP if argument is Kind.TIMESTAMP else T.TIMESTAMPTZ


def _extract(node: exp.Extract) -> exp.DataType:
    fields = {"SECOND": 6, "SECONDS": 6, "EPOCH": 6, "MILLISECOND": 3, "MILLISECONDS": 3, "JULIAN": 20}
    return kinds.decimal_type(38, fields.get(node.name.upper(), 0))


def _at_time_zone(node: exp.AtTimeZone) -> exp.DType:
    return T.TIMESTAMPTZ if kind(node.this) is Kind.TIMESTAMP else T.TIMESTAMP


def _within_group(node: exp.WithinGroup) -> exp.DataType | exp.DType:
    if isinstance(node.this, exp.PercentileCont):
        result: exp.DataType = T.DOUBLE.into_expr()
        if kind(_sorted_by(node)) is Kind.INTERVAL:
            result = T.INTERVAL.into_expr()
    elif isinstance(node.this, exp.PercentileDisc | exp.Mode):
        result = type_of(_sorted_by(node))
    else:
        return type_of(node.this)
    fraction = node.this.this if isinstance(node.this.this, exp.Expr) else None
    return kinds.array_type(result) if fraction is not None and kind(fraction) is Kind.ARRAY else result


def _sorted_by(node: exp.WithinGroup) -> exp.Expr:
    ordered = node.expression.expressions[0].this
    assert isinstance(ordered, exp.Expr)
    return ordered


def _window(node: exp.Expr) -> exp.DataType:
    return type_of(node.this)


def _output(node: exp.Alias) -> exp.DataType | exp.DType:
    """A string constant is text where a query puts it out."""
    value = node.this.unnest()
    return T.TEXT if isinstance(value, exp.Literal) and value.is_string else type_of(node.this)


def _subquery(node: exp.Subquery) -> exp.DataType | exp.DType:
    query = node.unnest()
    return type_of(query.selects[0]) if isinstance(query, exp.Query) and query.selects else T.UNKNOWN


def _series(node: exp.Expr) -> exp.DataType | exp.DType:
    start, end = node.args["start"], node.args["end"]
    ends = {kind(start), kind(end)}
    if not ends.isdisjoint({Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ}):
        return T.TIMESTAMP if Kind.TIMESTAMP in ends and Kind.TIMESTAMPTZ not in ends else T.TIMESTAMPTZ
    common = kinds.common_type([type_of(start), type_of(end)])
    steps = [type_of(one) for one in (start, node.args.get("step")) if one is not None and kind(one) in kinds.EXACT]
    if T.DECIMAL not in (common.this, *(one.this for one in steps)) or common.this not in _COUNTED:
        return common
    scales = [0 if one.this is not T.DECIMAL else kinds.scale_of(one) for one in steps]
    known = [one for one in scales if one is not None and one <= _MOST_SERIES_DIGITS]
    return kinds.decimal_type(38, max(known)) if known and len(known) == len(scales) else kinds.decimal_type()


_COUNTED = frozenset({T.DECIMAL, T.SMALLINT, T.INT, T.BIGINT})
_MOST_SERIES_DIGITS = 18  # behind the point: they are counted in bigints


def _explode(node: exp.Expr) -> exp.DataType:
    return kinds.element_type(type_of(node.this))


def _unnest(node: exp.Unnest) -> exp.DataType | exp.DType:
    only = node.expressions[0] if len(node.expressions) == 1 else None
    if only is None:
        return T.UNKNOWN
    return type_of(only) if isinstance(only, exp.ExplodingGenerateSeries) else kinds.element_type(type_of(only))


def _cast(node: exp.Cast) -> exp.DataType:
    """The type cast to; ``numeric`` without modifiers keeps the scale of what is cast, where that is known."""
    if node.to.this is not T.DECIMAL or node.to.expressions:
        return node.to
    source = node.this.unnest()
    if isinstance(source, exp.Literal) and source.is_string:
        written = source.name.strip().lstrip("+-")
        if not written[:1].isdigit() and not written.startswith("."):
            return node.to  # NaN, Infinity
        found = kinds.literal_type(written)
        return found if found.this is T.DECIMAL else kinds.decimal_type(38, 0)
    if kind(source) is Kind.INTEGER:
        return kinds.decimal_type(20, 0)
    return type_of(source) if kind(source) is Kind.NUMERIC else node.to


def _text_bits(node: exp.Expr) -> exp.DataType | exp.DType:
    return T.VARBINARY if kind(node.this) is Kind.BYTEA else T.TEXT


def _integers(node: exp.Binary) -> exp.DataType:
    if kind(node.left) is Kind.UNKNOWN or kind(node.right) is Kind.UNKNOWN:
        return type_of(node.right if kind(node.left) is Kind.UNKNOWN else node.left)
    if kind(node.left) not in kinds.NUMBERS or kind(node.right) not in kinds.NUMBERS:
        return T.UNKNOWN.into_expr()  # PostgreSQL has no such operator, and says so
    return kinds.number_type(type_of(node.left), type_of(node.right))


def _remainder(node: exp.Mod) -> exp.DataType | exp.DType:
    return _arithmetic(node)


def _anonymous(node: exp.Anonymous) -> exp.DataType | exp.DType:
    rule = ANONYMOUS.get(node.name.lower(), T.UNKNOWN)
    if callable(rule) and not isinstance(rule, exp.DType):
        return rule(node)
    return rule


def _first(node: exp.Anonymous) -> exp.DataType | exp.DType:
    return type_of(node.expressions[0]) if node.expressions else T.UNKNOWN


def _common_of_all(node: exp.Anonymous) -> exp.DataType:
    return _common(list(node.expressions))


def _text_array(node: exp.Expr) -> exp.DataType:
    return kinds.array_type(T.TEXT.into_expr())


ANONYMOUS: Mapping[str, exp.DType | Infer] = {
    **FIXED_NAMES,
    **dict.fromkeys(("array_positions", "array_replace", "array_reverse", "array_sort"), _first),
    "date_bin": lambda node: type_of(node.expressions[1]),
    "gcd": _common_of_all,
    "lcm": _common_of_all,
    "mod": _common_of_all,
    "regexp_match": _text_array,
    "regexp_split_to_array": _text_array,
    "to_number": lambda node: kinds.decimal_type(),
}


# A type for each of sqlglot's words for types: nodes share them, as none is ever changed, and making one takes longer
# than all else that is done for a node. By the identity of the word, as its hash is written in Python.
_SHARED: Mapping[int, exp.DataType] = {id(one): one.into_expr() for one in exp.DType}


def _annotator(infer: Infer) -> dict[str, Any]:
    def apply(annotator: TypeAnnotator, node: exp.Expr) -> exp.Expr:
        found = infer(node)
        annotator._set_type(node, found if isinstance(found, exp.DataType) else _SHARED[id(found)])
        return node

    return {"annotator": apply}


def _fixed(result: exp.DType) -> dict[str, Any]:
    return {"returns": _SHARED[id(result)]}


_UNTYPED: tuple[type[exp.Expr], ...] = (
    exp.CTE, exp.Distinct, exp.From, exp.Group, exp.Having, exp.Identifier, exp.If, exp.Join, exp.Limit, exp.Order,
    exp.Ordered, exp.Select, exp.Star, exp.Table, exp.TableAlias, exp.Tuple, exp.Var, exp.Where, exp.With,
)  # fmt: skip
"""Nodes without a type that most queries have."""


_AS_TAKEN: tuple[type[exp.Expr], ...] = (
    exp.Abs, exp.ArrayConcat, exp.ArrayAppend, exp.ArrayRemove, exp.ArraySlice, exp.AnyValue, exp.BitwiseAndAgg,
    exp.BitwiseLeftShift, exp.BitwiseNot, exp.BitwiseOrAgg, exp.BitwiseRightShift, exp.BitwiseXorAgg, exp.FirstValue,
    exp.LastValue, exp.Max, exp.Min, exp.NthValue, exp.Paren,
)  # fmt: skip
_INFERRED: Mapping[Infer, tuple[type[exp.Expr], ...]] = {
    _arithmetic: (exp.Add, exp.Sub, exp.Mul, exp.Div),
    _remainder: (exp.Mod, exp.IntDiv),
    _integers: (exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor),
    _literal: (exp.Literal,),
    _of_argument: _AS_TAKEN,
    _neighbour: (exp.Lag, exp.Lead),
    _negative: (exp.Neg,),
    (lambda node: type_of(node.expression)): (exp.ArrayPrepend,),
    _sum_aggregate: (exp.Sum,),
    _exact_or_double: (exp.Avg, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Variance, exp.VariancePop),
    _numeric_or_double: (exp.Exp, exp.Ln, exp.Log, exp.Pow, exp.Sign, exp.Sqrt),
    _rounded: (exp.Ceil, exp.Floor, exp.Round, exp.Trunc),
    _random: (exp.Rand,),
    _alternatives: (exp.Case, exp.Coalesce, exp.Greatest, exp.Least),
    _nullif: (exp.Nullif,),
    _array: (exp.Array,),
    _bracket: (exp.Bracket,),
    _concatenation: (exp.DPipe,),
    _date_trunc: (exp.DateTrunc, exp.TimestampTrunc),
    _extract: (exp.Extract,),
    _at_time_zone: (exp.AtTimeZone,),
    _within_group: (exp.WithinGroup,),
    _output: (exp.Alias,),
    _window: (exp.Collate, exp.Filter, exp.Window),
    _subquery: (exp.Subquery,),
    _series: (exp.ExplodingGenerateSeries, exp.GenerateSeries),
    _explode: (exp.Explode, exp.Posexplode),
    _unnest: (exp.Unnest,),
    _cast: (exp.Cast, exp.TryCast),
    _text_bits: (exp.Substring, exp.Trim, exp.Overlay),
    (lambda node: T.VARBINARY if kind(_argument(node)) is Kind.BYTEA else T.TEXT): (exp.GroupConcat,),
    _text_array: (exp.StringToArray, exp.RegexpExtractAll),
    (lambda node: kinds.array_type(type_of(_argument(node)))): (exp.ArrayAgg,),
    _anonymous: (exp.Anonymous, exp.AnonymousAggFunc),
}
METADATA: dict[type[exp.Expr], dict[str, Any]] = {
    **Postgres.EXPRESSION_METADATA,
    **{node: _fixed(T.UNKNOWN) for node in _UNTYPED if node not in Postgres.EXPRESSION_METADATA},
    **{node: _fixed(result) for result, nodes in FIXED.items() for node in nodes},
    **{node: _annotator(infer) for infer, nodes in _INFERRED.items() for node in nodes},
}
