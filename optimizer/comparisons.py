"""Conditions of a tree as `Comparison` values, where they have that plain form: a column against constants."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pyarrow as pa
from sqlglot import exp

from catalog.scans import Comparison
from catalog.tables import Table

_OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_TEXTS = ("text", "varchar", "character varying")
_MIRRORED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_MOST_ELEMENTS = 1000  # of an array that is compared with
_DAY = len("2024-01-31")
_DATE_TIME = (exp.DataType.Type.DATE, exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPTZ)


def comparisons(condition: exp.Expr, table: Table, parameters: Sequence[pa.Scalar]) -> list[Comparison] | None:
    """Return the comparisons that together mean exactly this condition, or None where it has no such form.

    ``parameters`` are the values bound to ``$1 …``. Constants are taken only where the column's own type holds them
    exactly; anything that would need PostgreSQL's cast rules stays with the engine.
    """
    node = condition.unnest()
    if node.args.get("negate") and not isinstance(node, exp.Is):  # sqlglot folds NOT into some predicates
        return None
    if isinstance(node, exp.Between):
        return _between(node, table, parameters)
    if isinstance(node, exp.In):
        return _in(node, table, parameters)
    if isinstance(node, exp.Is):
        return _is_null(node)
    operator = _OPERATORS.get(type(node))
    if operator is None:
        return None
    if isinstance(node.expression, exp.Any):
        return _any(node, table, parameters) if operator == "=" else None
    left, right = _uncast(node.this, table), _uncast(node.expression, table)
    if isinstance(right, exp.Column):
        left, right, operator = right, left, _MIRRORED[operator]
    value = _value(right, left, table, parameters)
    return None if value is None else [Comparison(left.name, operator, (value,))]


def _between(node: exp.Between, table: Table, parameters: Sequence[pa.Scalar]) -> list[Comparison] | None:
    column = node.this.unnest()
    low = _value(node.args["low"].unnest(), column, table, parameters)
    high = _value(node.args["high"].unnest(), column, table, parameters)
    if low is None or high is None or node.args.get("symmetric"):
        return None
    return [Comparison(column.name, ">=", (low,)), Comparison(column.name, "<=", (high,))]


def _in(node: exp.In, table: Table, parameters: Sequence[pa.Scalar]) -> list[Comparison] | None:
    column = _uncast(node.this, table)
    values = [_value(item.unnest(), column, table, parameters) for item in node.expressions]
    if not values or any(value is None for value in values):
        return None
    return [Comparison(column.name, "in", tuple(value for value in values if value is not None))]


def _any(node: exp.Expr, table: Table, parameters: Sequence[pa.Scalar]) -> list[Comparison] | None:
    """``column = ANY (array)``: an element that is NULL is equal to nothing, and what it leaves unknown is left out."""
    column, array = _uncast(node.this, table), node.expression.this.unnest()
    known = table.column(column.name) if isinstance(column, exp.Column) else None
    if known is None:
        return None
    values: list[pa.Scalar | None] = []
    if isinstance(array, exp.Array):
        items = [item.unnest() for item in array.expressions]
        values = [_value(item, column, table, parameters) for item in items if not isinstance(item, exp.Null)]
    elif isinstance(array, exp.Parameter):
        values = [*_elements(_parameter(array, parameters), known.arrow_type)]
    if not 0 < len(values) <= _MOST_ELEMENTS or any(value is None for value in values):
        return None
    return [Comparison(column.name, "in", tuple(value for value in values if value is not None))]


def _elements(bound: pa.Scalar | None, arrow_type: pa.DataType) -> pa.Array:
    """Return the elements of an array as values of a column's type; none where one is none of these."""
    nothing = pa.array([], arrow_type)
    if not isinstance(bound, pa.ListScalar) or not bound.is_valid or len(bound) > _MOST_ELEMENTS:
        return nothing
    found = bound.values.drop_null()
    if found.type == arrow_type:
        return found
    if not pa.types.is_integer(found.type) or not pa.types.is_integer(arrow_type):
        return nothing
    try:
        return found.cast(arrow_type)
    except pa.ArrowInvalid:
        return nothing


def _is_null(node: exp.Is) -> list[Comparison] | None:
    column = node.this.unnest()
    if isinstance(column, exp.Column) and isinstance(node.expression, exp.Null):
        return [Comparison(column.name, "is_not_null" if node.args.get("negate") else "is_null")]
    return None


def _uncast(node: exp.Expr, table: Table) -> exp.Expr:
    """Return a column without the cast to text that PostgreSQL writes where a varchar is compared."""
    inner = node.unnest()
    if (
        isinstance(inner, exp.Cast)
        and inner.to.sql("postgres") == "TEXT"
        and isinstance(inner.this.unnest(), exp.Column)
    ):
        column: exp.Expr = inner.this.unnest()
        known = table.column(column.name)
        if known is not None and known.sql_type.partition("(")[0] in _TEXTS:
            return column
    return inner


def _value(node: exp.Expr, column: exp.Expr, table: Table, parameters: Sequence[pa.Scalar]) -> pa.Scalar | None:
    """Return a constant as a scalar of the column's type, or None where PostgreSQL would compare something else."""
    known = table.column(column.name) if isinstance(column, exp.Column) else None
    if known is None:
        return None
    if isinstance(node, exp.Placeholder | exp.Parameter):
        return _bound(node, known.arrow_type, parameters)
    if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal) and not node.this.is_string:
        return _number(f"-{node.this.this}", known.arrow_type)
    if isinstance(node, exp.Boolean) and pa.types.is_boolean(known.arrow_type):
        return pa.scalar(bool(node.this), pa.bool_())
    if isinstance(node, exp.Cast):
        return _typed(node.this.unnest(), node.to, known.arrow_type)
    if isinstance(node, exp.Literal):
        return _text(str(node.this), known.arrow_type) if node.is_string else _number(str(node.this), known.arrow_type)
    return None


def _bound(node: exp.Expr, arrow_type: pa.DataType, parameters: Sequence[pa.Scalar]) -> pa.Scalar | None:
    value = _parameter(node, parameters)
    if value is None or not value.is_valid or value.type == arrow_type:
        return value if value is not None and value.is_valid else None
    bound = value.as_py()  # drivers bind a number as the smallest type that holds it
    is_exact = isinstance(bound, int | Decimal) and not isinstance(bound, bool)
    return _number(f"{bound:f}" if isinstance(bound, Decimal) else str(bound), arrow_type) if is_exact else None


def _parameter(node: exp.Expr, parameters: Sequence[pa.Scalar]) -> pa.Scalar | None:
    number = str(node.this.name if isinstance(node.this, exp.Expr) else node.this)
    return parameters[int(number) - 1] if number.isdigit() and 0 < int(number) <= len(parameters) else None


def _number(text: str, arrow_type: pa.DataType) -> pa.Scalar | None:
    if pa.types.is_integer(arrow_type) or pa.types.is_decimal(arrow_type):
        return _exact(text, arrow_type)
    return None  # a numeric constant against a float column is compared as float8: the engine does that


def _text(text: str, arrow_type: pa.DataType) -> pa.Scalar | None:
    if pa.types.is_string(arrow_type):
        return pa.scalar(text, arrow_type)
    if pa.types.is_date(arrow_type) or pa.types.is_timestamp(arrow_type):
        return _typed_text(text, None, arrow_type)
    return None


def _typed(node: exp.Expr, to: exp.DataType, arrow_type: pa.DataType) -> pa.Scalar | None:
    """Read a constant that is cast."""
    if isinstance(node, exp.Literal) and node.is_string:
        is_text = to.sql("postgres") == "TEXT"
        return (
            _text(node.name, arrow_type)
            if is_text and pa.types.is_string(arrow_type)
            else (_typed_text(node.name, to, arrow_type))
        )
    return None


def _typed_text(text: str, to: exp.DataType | None, arrow_type: pa.DataType) -> pa.Scalar | None:
    """Read ISO dates and timestamps; other spellings, and a constant of another type than the column's, stay away. So
    do a date with a time, which PostgreSQL cuts off, and a timestamp that it rounds.
    """
    if to is not None and (to.this not in _DATE_TIME or to.expressions):
        return None
    wanted = None if to is None else to.this
    is_day = len(text) == _DAY and wanted in (None, exp.DataType.Type.DATE)
    if pa.types.is_date32(arrow_type):
        return _exact(text, arrow_type) if is_day else None
    plain = pa.types.is_timestamp(arrow_type) and arrow_type.tz is None
    if plain and (is_day or wanted in (None, exp.DataType.Type.TIMESTAMP)) and text[:4].isdigit():
        return _exact(text, arrow_type)
    return None


def _exact(text: str, arrow_type: pa.DataType) -> pa.Scalar | None:
    try:
        return pa.scalar(text, pa.string()).cast(arrow_type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
