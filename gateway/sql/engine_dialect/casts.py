"""Casts: PostgreSQL's conversions where the engine's differ, and the constants whose type the context gives."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlglot import exp

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.engine_dialect import constants, intervals, kinds
from gateway.sql.engine_dialect.blanks import with_blanks
from gateway.sql.engine_dialect.build import QUOTIENT, arrow_cast, call, cast, number, paren, refuse, text, typed
from gateway.sql.engine_dialect.kinds import Kind, T, kind, kind_of_type, type_of
from gateway.sql.engine_dialect.moments import (
    STAMP,
    ZONED,
    Session,
    local,
    stamp,
    zoned,
)
from gateway.sql.engine_dialect.numbers import float_to_numeric
from gateway.sql.engine_dialect.texts import as_text
from gateway.values.array_input import parse_array
from gateway.values.scalar_input import parse_boolean, parse_bytea, parse_uuid
from optimizer.copies import copied

MOST_DIGITS = 76  # of the engine's decimals
_WHOLE = {T.SMALLINT: "SMALLINT", T.INT: "INT", T.BIGINT: "BIGINT"}


def convert(node: exp.Cast, session: Session) -> exp.Expr:
    """``CAST(x AS t)`` by the kinds of both."""
    if not isinstance(node.to, exp.DataType):
        raise refuse(f"a cast to {node.to.sql('postgres')}")
    found = to_type(node.this, node.to, session)
    return typed(found, copied(type_of(node))) if kind_of_type(node.to) is Kind.NUMERIC else found


def parameter(node: exp.Parameter) -> exp.Expr:
    """``$1``: the engine would infer another type for an interval, and none for an array."""
    if kind(node) not in (Kind.INTERVAL, Kind.ARRAY):
        return node
    if kind(node) is Kind.ARRAY:
        element = kinds.element_type(type_of(node))
        if element.this is T.DECIMAL and not element.expressions:
            return typed(cast(node, kinds.array_type(exp.DataType.build(QUOTIENT))), copied(type_of(node)))
        if kind_of_type(element) is Kind.TIMESTAMPTZ:
            return _of_stamps(node, type_of(node))
    return cast(node, engine_type(type_of(node)))


def time_of_day(node: exp.Column) -> exp.Expr:
    """A ``time`` column: of microseconds in files, of nanoseconds everywhere else in the engine."""
    return cast(node, "TIME") if type_of(node).this is T.TIME else node


def to_type(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    """Return a value converted to a type as PostgreSQL converts it."""
    goal = kind_of_type(target)
    bare = value.unnest()
    if isinstance(bare, exp.Null):
        return cast(bare, engine_type(target))
    if isinstance(bare, exp.Literal) and bare.is_string:
        found = _constant(bare.name, target, goal, session)
    else:
        found = _CONVERSIONS.get(goal, _refused)(value, target, session)
    return typed(found, copied(target))


def engine_type(target: exp.DataType) -> exp.DataType:
    """Return the type that the engine holds a PostgreSQL type in."""
    goal = kind_of_type(target)
    if goal in (Kind.TEXT, Kind.BPCHAR, Kind.JSON, Kind.UUID):
        return T.TEXT.into_expr()
    if goal is Kind.TIMESTAMP:
        return exp.DataType.build(STAMP, dialect="postgres")
    if goal is Kind.NUMERIC and not target.expressions:
        return kinds.decimal_type(38, 0)
    if goal is Kind.ARRAY:
        return kinds.array_type(engine_type(kinds.element_type(target)))
    return copied(target)


def _constant(written: str, target: exp.DataType, goal: Kind, session: Session) -> exp.Expr:
    """A string constant read as a type. PostgreSQL has read it too: what it refuses does not come here."""
    body = written.strip()
    match goal:
        case Kind.BOOL:
            return typed(exp.Boolean(this=parse_boolean(body)), T.BOOLEAN)
        case Kind.NUMERIC:
            return _numeric_constant(_in_digits(body), target)
        case Kind.DATE | Kind.TIMESTAMP | Kind.TIMESTAMPTZ:
            return constants.moment(body, goal, target, session)
        case Kind.INTERVAL:
            return constants.interval(written, target, session)
        case Kind.ARRAY:
            return _array_constant(body, target, session)
        case Kind.JSON if target.this is T.JSONB:
            raise refuse("a constant of type jsonb", "Use json, or compare the text.")
        case Kind.UUID | Kind.JSON:
            return text(parse_uuid(body) if goal is Kind.UUID else written)
        case Kind.TIME:
            return _with_digits(constants.time(written), target)
        case Kind.BYTEA:
            return call("decode", text(parse_bytea(written).hex()), text("hex"), returns=T.VARBINARY)
        case Kind.TEXT | Kind.BPCHAR:
            return _to_text(text(written), target, session)
        case Kind.INTEGER | Kind.FLOAT:
            return cast(text(body if goal is Kind.FLOAT else _in_digits(body)), target)
    raise refuse(f"a constant of type {target.sql('postgres').lower()}")


def _in_digits(body: str) -> str:
    """Return a number such as ``0x1F`` or ``1_000`` in decimal digits alone."""
    bare = body.lstrip("+-").lower()
    if bare[:2] not in ("0x", "0o", "0b"):
        return body.replace("_", "")
    return body[: len(body) - len(bare)] + str(int(bare, 0))


def _numeric_constant(body: str, target: exp.DataType) -> exp.Expr:
    try:
        value = Decimal(body)
    except InvalidOperation:
        message = f'invalid input syntax for type numeric: "{body}"'
        raise SqlError(SqlState.INVALID_TEXT_REPRESENTATION, message) from None
    if not value.is_finite():
        raise refuse("numeric NaN and infinity", "Use double precision.")
    written = format(value, "f")
    if target.expressions:
        return cast(text(written), target)
    places = len(written.partition(".")[2])
    if len(written.lstrip("-").replace(".", "")) > MOST_DIGITS:
        raise refuse(f"a numeric of more than {MOST_DIGITS} digits")
    return cast(text(written), kinds.decimal_type(76 if len(written) > 38 else 38, places))


def _array_constant(written: str, target: exp.DataType, session: Session) -> exp.Expr:
    """``'{1,2,NULL}'``, also of more dimensions."""
    element = kinds.element_type(target)
    while kinds.kind_of_type(element) is Kind.ARRAY:
        element = kinds.element_type(element)
    nested = parse_array(written, str)
    if written.strip().startswith("["):
        raise refuse("an array constant with lower bounds")
    depth, leaf = 1, nested[0] if nested else None
    while isinstance(leaf, list):
        depth, leaf = depth + 1, leaf[0] if leaf else None
    if kinds.kind_of_type(element) is Kind.TIMESTAMPTZ:
        return _of_stamps(_nested_array(nested, element, session), target, depth)
    kind_ = _numeric_element(written) if element.this is T.DECIMAL and not element.expressions else engine_type(element)
    for _ in range(depth):
        kind_ = exp.DataType(this=T.ARRAY, expressions=[kind_], nested=True)
    return cast(_nested_array(nested, element, session), kind_)


def _of_stamps(array: exp.Expr, target: exp.DataType, depth: int = 1) -> exp.Expr:
    """Return an array of timestamptz: SQL has words for nanoseconds alone, which end in 2262."""
    return arrow_cast(array, "List(" * depth + ZONED + ")" * depth, copied(target))


def _numeric_element(written: str) -> exp.DataType:
    """Return a type for the numerics of an array constant; a column of the engine's shows one number of digits."""
    digits = [part for part in re.split(r"[{},\s\"]+", written) if part and part.upper() != "NULL"]
    if not all(re.fullmatch(r"[-+]?\d+(\.\d*)?", one) for one in digits):
        raise refuse("an array constant of these numerics")
    places = max((len(one.partition(".")[2]) for one in digits), default=0)
    before = max((len(one.partition(".")[0]) for one in digits), default=0)
    return kinds.decimal_type(76 if before + places > 38 else 38, places)


def _nested_array(values: list[Any], element: exp.DataType, session: Session) -> exp.Expr:
    items = [
        _nested_array(value, element, session)
        if isinstance(value, list)
        else exp.Null()
        if value is None
        else to_type(exp.Literal.string(value), element, session)
        for value in values
    ]
    return exp.Array(expressions=items)


def _to_text(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    """To text, varchar(n) and char(n): the last two are cut. The blanks of char(n) are put behind it at the end."""
    padded = kind_of_type(target) is Kind.BPCHAR
    if padded and target.this is not T.CHAR and not target.expressions and kind(value) is Kind.BPCHAR:
        return with_blanks(value)
    found = as_text(value, session)
    if padded and target.this is not T.CHAR and not target.expressions and kind(value) is not Kind.BPCHAR:
        bare = value.unnest()
        if not isinstance(bare, exp.Literal) or bare.name.endswith(" "):
            raise refuse("a cast to bpchar without a length", "Cast to text, or to char(n).")
    length = int(target.expressions[0].name) if target.expressions else None
    if target.this is T.CHAR and length is None:
        length = 1
    if length is not None:
        found = call("left", found, exp.Literal.number(length), returns="TEXT")
    return call("rtrim", found, returns="TEXT") if padded else found


def _to_integer(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    """PostgreSQL rounds (numerics away from zero, floats to even), the engine cuts off."""
    found = kind(value)
    if found is Kind.FLOAT:
        value = call("float8_round", cast(value, "DOUBLE PRECISION"), returns="FLOAT8")
    elif found is Kind.NUMERIC:
        value = call("round", value, returns="DECIMAL")
    elif found in (Kind.TEXT, Kind.BPCHAR):
        value = _trimmed(value)
    elif found not in (Kind.TEXT, Kind.INTEGER, Kind.BOOL, Kind.UNKNOWN):
        return _refused(value, target, session)
    return cast(value, target)


def _trimmed(value: exp.Expr) -> exp.Expr:
    """Return text without the white space around it, which PostgreSQL's readers of numbers leave out.

    The characters are named by their codes: a line break in a constant would cut the plan, whose lines are checked.
    """
    codes = (call("chr", number(code), returns="TEXT") for code in (9, 10, 11, 12, 13))
    return call("btrim", value, call("concat", text(" "), *codes, returns="TEXT"), returns="TEXT")


def _to_numeric(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    """``numeric`` without modifiers keeps the value's own digits."""
    found = kind(value)
    fixed = bool(target.expressions)
    if found is Kind.FLOAT:
        scale = kinds.scale_of(target) if fixed else None
        value = float_to_numeric(value, scale)
        return cast(value, target) if fixed else value
    if found in kinds.TEXTS:
        value = _trimmed(value)
    if fixed:
        return cast(value, target)
    if found is Kind.INTEGER:
        return cast(value, "DECIMAL(20, 0)")
    return value if found is Kind.NUMERIC else cast(value, QUOTIENT)


def _to_float(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    bare = value.unnest()
    if isinstance(bare, exp.Literal) and not bare.is_string:
        return cast(text(bare.name), target)  # 1e300 is no decimal
    if target.this is T.FLOAT and type_of(value).this is T.DOUBLE:
        return call("float8_real", value, returns=T.FLOAT)
    return cast(_trimmed(value) if kind(value) in kinds.TEXTS else value, target)


def _to_bool(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    if kind(value) is Kind.INTEGER:
        return exp.NEQ(this=paren(value), expression=exp.Literal.number(0))
    if kind(value) is Kind.BOOL:
        return value
    return call("boolean_of_text", value, returns=T.BOOLEAN)


def _to_date(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    if kind(value) in kinds.TEXTS:
        return call("date_of_text", value, returns=T.DATE)
    return cast(local(value, session), "DATE")


def _to_stamp(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    if kind(value) in kinds.TEXTS:
        return _with_digits(call("timestamp_of_text", value, returns=T.TIMESTAMP), target)
    return _with_digits(stamp(value, session), target)


def _to_zoned(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    if kind(value) in kinds.TEXTS:
        return _with_digits(call("timestamptz_of_text", value, session.zone, returns=T.TIMESTAMPTZ), target)
    return _with_digits(zoned(value, session), target)


def _to_time(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    if kind(value) in kinds.TEXTS:
        return _with_digits(call("time_of_text", value, returns=T.TIME), target)
    return _with_digits(cast(local(value, session), "TIME"), target)


_ROUNDINGS = {
    Kind.INTERVAL: "interval_round",
    Kind.TIME: "time_round",
    Kind.TIMESTAMP: "timestamp_round",
    Kind.TIMESTAMPTZ: "timestamptz_round",
}


def _with_digits(value: exp.Expr, target: exp.DataType) -> exp.Expr:
    """Round to the digits of a second that ``timestamp(n)`` and its kin have."""
    digits = int(target.expressions[0].name) if target.expressions else 6
    if digits >= 6:
        return value
    return call(_ROUNDINGS[kind_of_type(target)], value, cast(number(digits), "BIGINT"), returns=target.this)


def _to_interval(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    """Digits of a second are rounded; limited fields, ``interval month``, are another type here, of PostgreSQL's."""
    if kind(value) in kinds.TEXTS:
        return _with_digits(call("interval_of_text", value, returns=T.INTERVAL), target)
    return _with_digits(_to_same(value, target, session), target)


def _to_array(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    element = engine_type(kinds.element_type(target))
    inner = value.unnest()
    while isinstance(inner, exp.Cast) and isinstance(inner.this, exp.Array):
        inner = inner.this
    if isinstance(inner, exp.Array):
        element = _wide_enough(element, [type_of(item) for item in inner.expressions], kinds.element_type(target))
        inner.set("expressions", [to_type(item, kinds.element_type(target), session) for item in inner.expressions])
        value = inner  # without the casts around it: numerics must not become floats again
    elif not _casts_alike(kind_of_type(kinds.element_type(type_of(value))), kind_of_type(kinds.element_type(target))):
        return _refused(value, target, session)
    else:
        element = _wide_enough(element, [kinds.element_type(type_of(value))], kinds.element_type(target))
    if kind_of_type(kinds.element_type(target)) is Kind.TIMESTAMPTZ:
        return _of_stamps(value, target)
    return cast(value, exp.DataType(this=T.ARRAY, expressions=[element], nested=True))


def _wide_enough(element: exp.DataType, given: list[exp.DataType], wanted: exp.DataType) -> exp.DataType:
    """Return the engine's type for elements: of a ``numeric`` without modifiers with all digits that values have."""
    if kind_of_type(wanted) is not Kind.NUMERIC or wanted.expressions:
        return element
    scales = [0 if kind_of_type(one) is Kind.INTEGER else kinds.scale_of(one) for one in given]
    if None in scales:
        return exp.DataType.build(QUOTIENT, dialect="postgres")
    scale = max((one for one in scales if one is not None), default=0)
    return kinds.decimal_type(38 if scale < 20 else 76, scale)


def _casts_alike(source: Kind, target: Kind) -> bool:
    """Return whether the engine's cast of each element is PostgreSQL's."""
    plain = {Kind.INTEGER, Kind.TEXT, Kind.BOOL, Kind.UNKNOWN}
    return source is target or (source in plain and target in {*plain, Kind.NUMERIC, Kind.FLOAT})


def _to_same(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    if kind_of_type(target) is Kind.JSON and target.this is not T.JSON and type_of(value).this is not target.this:
        return _refused(value, target, session)  # jsonb has a form of its own
    if kind(value) is kind_of_type(target) or (kind_of_type(target) is Kind.JSON and target.this is T.JSON):
        return value
    if kind_of_type(target) is Kind.UUID and kind(value) is Kind.TEXT:
        return call("uuid_of_text", value, returns="UUID")
    return _refused(value, target, session)


def _refused(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    source = type_of(value).sql("postgres").lower()
    raise refuse(f"a cast of {source} to {target.sql('postgres').lower()}")


_CONVERSIONS = {
    Kind.TEXT: _to_text,
    Kind.BPCHAR: _to_text,
    Kind.INTEGER: _to_integer,
    Kind.NUMERIC: _to_numeric,
    Kind.FLOAT: _to_float,
    Kind.BOOL: _to_bool,
    Kind.DATE: _to_date,
    Kind.TIMESTAMP: _to_stamp,
    Kind.TIMESTAMPTZ: _to_zoned,
    Kind.TIME: _to_time,
    Kind.ARRAY: _to_array,
    Kind.INTERVAL: _to_interval,
    Kind.JSON: _to_same,
    Kind.UUID: _to_same,
    Kind.BYTEA: _to_same,
}


def operands(node: exp.Binary, session: Session) -> exp.Binary:
    """Read a string constant beside an operator as the other side's type, after a date as PostgreSQL resolves it."""
    for key, other in (("this", node.expression), ("expression", node.this)):
        value = node.args[key]
        bare = value.unnest()
        if isinstance(bare, exp.Literal) and bare.is_string and kind(other) not in (Kind.TEXT, Kind.UNKNOWN):
            target = type_of(other)
            if isinstance(node, exp.Add) and kind(other) in (Kind.TIMESTAMP, Kind.TIMESTAMPTZ, Kind.TIME):
                target = T.INTERVAL.into_expr()
            node.set(
                key, to_type(value, copied(target) if target.this is not T.DECIMAL else kinds.decimal_type(), session)
            )
    return node


def is_midnight(node: exp.Expr) -> exp.Expr | None:
    """Return the date of a timestamp that is surely midnight, as a date; None where it is not sure.

    That is a constant, or a date with days or months added. Comparing dates instead of timestamps gives the same
    rows and lets the engine prune by the column's statistics.
    """
    bare = node.unnest()
    if isinstance(bare, exp.Add | exp.Sub) and isinstance(bare.this, exp.Cast) and kind(bare.this.this) is Kind.DATE:
        span = intervals.constant(bare.expression)
        if span is not None and span.microseconds == 0:
            return typed(type(bare)(this=copied(bare.this.this), expression=copied(bare.expression)), T.DATE)
    if isinstance(bare, exp.Cast) and isinstance(bare.this, exp.Literal) and kind(bare) is Kind.TIMESTAMP:
        moment = datetime.fromisoformat(bare.this.name)
        if moment.time() == datetime.min.time():
            return cast(text(moment.date().isoformat()), "DATE")
    return None
