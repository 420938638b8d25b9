"""Constants that would make the engine build more than memory holds, refused before it sees them.

The engine builds a series as one array while it plans, and a repeated string whole, outside of its memory limit. Only
constants are known here; arguments that are computed have to be bounded where the engine runs.
"""

from __future__ import annotations

import math
from decimal import Decimal

import pyarrow as pa
from sqlglot import exp

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.engine_dialect import kinds
from gateway.sql.engine_dialect.kinds import Kind, T, kind
from optimizer.census import Census

MAX_SERIES = 10_000_000  # rows
_PLAIN_DIGITS = 30  # a number of so many digits is no float's end
MAX_LENGTH = 0x3FFFFFFF  # characters: MaxAllocSize of PostgreSQL, which refuses longer strings too


def check(census: Census) -> None:
    """Raise 54000 for a series or a string of a constant size beyond the limits, and for arguments that are wrong."""
    for node in census.find_all(exp.GenerateSeries, exp.ExplodingGenerateSeries):
        rows = _rows(node)
        if rows is not None and rows > MAX_SERIES:
            raise SqlError(
                SqlState.PROGRAM_LIMIT_EXCEEDED,
                f"generate_series of {rows} rows is not supported beside tables of the lake",
                detail=f"The limit is {MAX_SERIES} rows.",
            )
    _check_arguments(census)
    _check_floats(census)
    for text in census.find_all(exp.Repeat, exp.Pad):
        length = _number(text.args.get("times") or text.args.get("expression"))
        if length is not None and length > MAX_LENGTH:
            raise SqlError(SqlState.PROGRAM_LIMIT_EXCEEDED, "requested length too large")


def _check_arguments(census: Census) -> None:
    """Raise for constant arguments that PostgreSQL refuses as soon as there is a row."""
    for key, state, word in (
        ("limit", SqlState.INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, "LIMIT"),
        ("offset", SqlState.INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE, "OFFSET"),
    ):
        for query in census.find_all(exp.Select, exp.SetOperation):
            clause = query.args.get(key)
            rows = _number(clause.args.get("expression") or clause.args.get("count")) if clause is not None else None
            if rows is not None and rows < 0:
                raise SqlError(state, f"{word} must not be negative")
    for percentile in census.find_all(exp.PercentileCont, exp.PercentileDisc):
        fraction = _number(percentile.this)
        if fraction is not None and not 0 <= fraction <= 1:
            raise SqlError(SqlState.NUMERIC_VALUE_OUT_OF_RANGE, f"percentile value {fraction:g} is not between 0 and 1")
    for function in census.find_all(exp.NthValue):
        place = _number(function.args.get("offset"))
        if place is not None and place < 1:
            raise SqlError(SqlState.INVALID_ARGUMENT_FOR_NTH_VALUE, "argument of nth_value must be greater than zero")


def _check_floats(census: Census) -> None:
    """Raise 22003 for numbers that are read as floats and are none; the engine takes them for infinity or zero."""
    for literal in census.find_all(exp.Literal):
        if literal.is_string or ("e" not in literal.name.lower() and len(literal.name) <= _PLAIN_DIGITS):
            continue
        target = _float_type(literal)
        if target is None:
            continue
        value = Decimal(literal.name)
        read = pa.scalar(float(value)).cast(pa.float32() if target.this is T.FLOAT else pa.float64()).as_py()
        if value and (not read or math.isinf(read)):
            name = "real" if target.this is T.FLOAT else "double precision"
            message = f'"{value:f}" is out of range for type {name}'
            raise SqlError(SqlState.NUMERIC_VALUE_OUT_OF_RANGE, message)


def _float_type(literal: exp.Expr) -> exp.DataType | None:
    """Return the float type that a number is read as: that of a cast, or of the other side of an operator."""
    around = literal.parent
    while isinstance(around, exp.Paren | exp.Neg):
        around = around.parent
    if isinstance(around, exp.Cast):
        return around.to if kinds.kind_of_type(around.to) is Kind.FLOAT else None
    if not isinstance(around, exp.Binary | exp.Between | exp.In):
        return None
    floats = any(kind(one) is Kind.FLOAT for one in around.iter_expressions())
    return T.DOUBLE.into_expr() if floats else None


def _rows(node: exp.Expr) -> int | None:
    start, end = _number(node.args.get("start")), _number(node.args.get("end"))
    step = _number(node.args.get("step")) if node.args.get("step") is not None else 1.0
    if start is None or end is None or not step:
        return None
    return max(int((end - start) / step) + 1, 0)


def _number(node: object) -> float | None:
    """Return the value of a numeric constant, or None for anything else."""
    if isinstance(node, exp.Cast | exp.Paren):
        return _number(node.this)
    if isinstance(node, exp.Neg):
        inner = _number(node.this)
        return None if inner is None else -inner
    if isinstance(node, exp.Literal) and not node.is_string:
        return float(node.this)
    return None
