"""Casts: PostgreSQL's conversions where the engine's differ, and the constants whose type the context gives."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from sqlglot import exp

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.engine_dialect import intervals, kinds, output
from gateway.sql.engine_dialect.build import QUOTIENT, call, case, cast, paren, refuse, text, typed
from gateway.sql.engine_dialect.kinds import Kind, T, kind, kind_of_type, type_of
from gateway.sql.engine_dialect.moments import (
    STAMP,
    Session,
    in_zone,
    local,
    read_in_zone,
    since_midnight,
    stamp,
    utc,
    zoned,
)
from gateway.sql.engine_dialect.numbers import float_to_numeric

_TRUE = frozenset({"t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"})
_FALSE = frozenset({"f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0"})
_ISO_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}\Z")
_BASIC_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})\Z")
_STAMP = re.compile(
    r"(\d{4}-\d{1,2}-\d{1,2})[ T](\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?) ?(Z|[+-]\d{2}(?::?\d{2})?)?\Z"
)
_WHOLE = {T.SMALLINT: "SMALLINT", T.INT: "INT", T.BIGINT: "BIGINT"}
_ISO_HINT = "Write dates and times as 2024-01-31 and 2024-01-31 23:59:59."


def convert(node: exp.Cast, session: Session) -> exp.Expr:
    """``CAST(x AS t)`` by the kinds of both."""
    bare = node.this.unnest()
    if isinstance(bare, exp.Literal) and not bare.is_string and kind_of_type(node.to) is Kind.FLOAT:
        return cast(text(bare.name), node.to)  # 1e300 is no decimal
    if not isinstance(node.to, exp.DataType):
        raise refuse(f"a cast to {node.to.sql('postgres')}")
    found = to_type(node.this, node.to, session)
    return typed(found, type_of(node).copy()) if kind_of_type(node.to) is Kind.NUMERIC else found


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
    return typed(found, target.copy())


def engine_type(target: exp.DataType) -> exp.DataType:
    """Return the type that the engine holds a PostgreSQL type in."""
    goal = kind_of_type(target)
    if goal in (Kind.TEXT, Kind.BPCHAR, Kind.JSON, Kind.UUID):
        return T.TEXT.into_expr()
    if goal is Kind.TIMESTAMP:
        return exp.DataType.build(STAMP, dialect="postgres")
    if goal is Kind.NUMERIC and not target.expressions:
        return kinds.decimal_type(38, 0)
    return target.copy()


def _constant(written: str, target: exp.DataType, goal: Kind, session: Session) -> exp.Expr:
    """A string constant read as a type. PostgreSQL has read it too: what it refuses does not come here."""
    body = written.strip()
    match goal:
        case Kind.BOOL:
            return typed(exp.Boolean(this=_truth(body)), T.BOOLEAN)
        case Kind.NUMERIC:
            return _numeric_constant(body, target)
        case Kind.DATE:
            return cast(text(_date(body)), "DATE")
        case Kind.TIMESTAMP:
            return cast(text(_stamp(body)[0]), STAMP)
        case Kind.TIMESTAMPTZ:
            moment, offset = _stamp(body)
            return utc(text(moment + offset)) if offset else read_in_zone(text(moment), text(session.time_zone))
        case Kind.INTERVAL:
            return intervals.literal(intervals.parse(written))
        case Kind.ARRAY:
            return _array_constant(body, target, session)
        case Kind.JSON if target.this is T.JSONB:
            raise refuse("a constant of type jsonb", "Use json, or compare the text.")
        case Kind.UUID:
            return text(body.lower().strip("{}"))
        case Kind.TEXT | Kind.BPCHAR:
            return _to_text(text(written), target, session)
        case Kind.INTEGER | Kind.FLOAT | Kind.TIME | Kind.JSON:
            return cast(text(body), target) if goal is not Kind.JSON else text(written)
    raise refuse(f"a constant of type {target.sql('postgres').lower()}")


def _truth(body: str) -> bool:
    if body.lower() in _TRUE:
        return True
    if body.lower() in _FALSE:
        return False
    raise SqlError(SqlState.INVALID_TEXT_REPRESENTATION, f'invalid input syntax for type boolean: "{body}"')


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
    return cast(text(written), kinds.decimal_type(76 if len(written) > 38 else 38, places))


def _date(body: str) -> str:
    if _ISO_DATE.match(body):
        return _checked(body)
    if basic := _BASIC_DATE.match(body):
        return _checked("-".join(basic.groups()))
    if moment := _STAMP.match(body):
        return _checked(moment[1])
    raise refuse(f"the date form '{body}'", _ISO_HINT)


def _stamp(body: str) -> tuple[str, str]:
    """Return a timestamp as the engine reads it, and its offset."""
    if _ISO_DATE.match(body) or _BASIC_DATE.match(body):
        return f"{_date(body)} 00:00:00", ""
    if moment := _STAMP.match(body):
        day, clock, offset = moment.groups()
        clock = clock if clock.count(":") == 2 else clock + ":00"
        offset = "+00:00" if offset == "Z" else offset or ""
        return f"{_checked(day)} {clock.rjust(8, '0') if '.' not in clock else clock}", _offset(offset)
    raise refuse(f"the timestamp form '{body}'", _ISO_HINT)


def _offset(written: str) -> str:
    if not written:
        return ""
    digits = written[1:].replace(":", "")
    return f"{written[0]}{digits[:2]}:{digits[2:] or '00'}"


def _checked(day: str) -> str:
    """Return a date with two digits for month and day; the engine takes no less."""
    year, month, of_month = (int(part) for part in day.split("-"))
    try:
        return date(year, month, of_month).isoformat()
    except ValueError:
        message = f'date/time field value out of range: "{day}"'
        raise SqlError(SqlState.DATETIME_FIELD_OVERFLOW, message) from None


def _array_constant(body: str, target: exp.DataType, session: Session) -> exp.Expr:
    """``'{1,2,NULL}'`` of one dimension, elements quoted or not."""
    if not body.startswith("{") or not body.endswith("}") or "{" in body[1:-1]:
        raise refuse("this form of array constant", "Write ARRAY[…].")
    element = kinds.element_type(target)
    pieces = re.findall(r'"((?:[^"\\]|\\.)*)"|([^,]+)', body[1:-1])
    values: list[exp.Expr] = []
    for quoted, plain in pieces:
        if not quoted and plain.strip().upper() == "NULL":
            values.append(exp.Null())
        else:
            written = re.sub(r"\\(.)", r"\1", quoted) if quoted else plain.strip()
            values.append(to_type(exp.Literal.string(written), element, session))
    inner = exp.DataType(this=T.ARRAY, expressions=[engine_type(element)], nested=True)
    return cast(exp.Array(expressions=values), inner)


def _to_text(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    """To text, varchar(n) and char(n): the last two are cut, char(n) is padded."""
    found = as_text(value, session)
    length = int(target.expressions[0].name) if target.expressions else None
    if target.this is T.CHAR and length is None:
        length = 1
    if length is None:
        return found
    cut = call("left", found, exp.Literal.number(length), returns="TEXT")
    return call("rpad", cut, exp.Literal.number(length), returns="TEXT") if target.this is T.CHAR else cut


def as_text(value: exp.Expr, session: Session) -> exp.Expr:
    """Return a value as text in PostgreSQL's output form."""
    match kind(value):
        case Kind.TEXT | Kind.JSON | Kind.UUID | Kind.UNKNOWN:
            return value
        case Kind.BPCHAR:
            return call("rtrim", value, returns="TEXT")
        case Kind.BOOL | Kind.INTEGER | Kind.DATE:
            return cast(value, "TEXT")
        case Kind.NUMERIC if kinds.scale_of(type_of(value)) is not None:
            return cast(value, "TEXT")
        case Kind.NUMERIC:
            return output.numeric_digits(value)
        case Kind.FLOAT:
            real = type_of(value).this is T.FLOAT
            return call("float4_text" if real else "float8_text", value, returns="TEXT")
        case Kind.TIMESTAMP:
            return _trimmed(call("to_char", value, text("%Y-%m-%d %H:%M:%S%.6f"), returns="TEXT"))
        case Kind.TIMESTAMPTZ:
            return _zoned_text(value, session)
        case Kind.TIME:
            return _trimmed(_time_text(value))
        case Kind.BYTEA:
            written = call("encode", value, text("hex"), returns="TEXT")
            return typed(exp.DPipe(this=text("\\x"), expression=written), "TEXT")
    raise refuse(f"a cast of {type_of(value).sql('postgres').lower()} to text")


def _trimmed(value: exp.Expr) -> exp.Expr:
    """Cut the zeros behind a fraction, and the point where nothing is left of it."""
    return call("rtrim", call("rtrim", value, text("0"), returns="TEXT"), text("."), returns="TEXT")


def _zoned_text(value: exp.Expr, session: Session) -> exp.Expr:
    clock = _trimmed(call("to_char", local(value, session), text("%Y-%m-%d %H:%M:%S%.6f"), returns="TEXT"))
    if session.time_zone == "UTC":
        return typed(exp.DPipe(this=clock, expression=text("+00")), "TEXT")
    labelled = in_zone(value.copy(), text(session.time_zone))
    offset = call("to_char", labelled, text("%:z"), returns="TEXT")
    whole = call("regexp_replace", offset, text(":00$"), text(""), returns="TEXT")
    return typed(exp.DPipe(this=clock, expression=whole), "TEXT")


def _time_text(value: exp.Expr) -> exp.Expr:
    """Write a time with six digits behind the point."""
    moment = exp.Add(this=cast(text("1970-01-01"), STAMP), expression=exp.Paren(this=since_midnight(value)))
    return call("to_char", moment, text("%H:%M:%S%.6f"), returns="TEXT")


def _to_integer(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    """PostgreSQL rounds (numerics away from zero, floats to even), the engine cuts off."""
    found = kind(value)
    if found is Kind.FLOAT:
        value = call("float8_round", cast(value, "DOUBLE PRECISION"), returns="FLOAT8")
    elif found is Kind.NUMERIC:
        value = call("round", value, returns="DECIMAL")
    elif found is Kind.BPCHAR:
        value = call("rtrim", value, returns="TEXT")
    elif found not in (Kind.TEXT, Kind.INTEGER, Kind.BOOL, Kind.UNKNOWN):
        return _refused(value, target, session)
    return cast(value, target)


def _to_numeric(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    """``numeric`` without modifiers keeps the value's own digits."""
    found = kind(value)
    fixed = bool(target.expressions)
    if found is Kind.FLOAT:
        value = float_to_numeric(cast(value, "DOUBLE PRECISION"))
        return cast(value, target) if fixed else value
    if fixed:
        return cast(value, target)
    if found is Kind.INTEGER:
        return cast(value, "DECIMAL(20, 0)")
    return value if found is Kind.NUMERIC else cast(value, QUOTIENT)


def _to_float(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    return cast(value, target)


def _to_bool(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    if kind(value) is Kind.INTEGER:
        return exp.NEQ(this=paren(value), expression=exp.Literal.number(0))
    if kind(value) is Kind.BOOL:
        return value
    lowered = call("lower", call("btrim", value, returns="TEXT"), returns="TEXT")
    return case(
        (exp.In(this=lowered, expressions=[text(word) for word in sorted(_TRUE)]), exp.Boolean(this=True)),
        (exp.In(this=lowered.copy(), expressions=[text(word) for word in sorted(_FALSE)]), exp.Boolean(this=False)),
        default=cast(value.copy(), "BOOLEAN"),  # raises for anything else
    )


def _to_date(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    return cast(local(value, session), "DATE")


def _to_stamp(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    return stamp(value, session) if kind(value) in kinds.MOMENTS else cast(value, STAMP)


def _to_zoned(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    if kind(value) in kinds.MOMENTS:
        return zoned(value, session)
    return read_in_zone(value, text(session.time_zone))


def _to_time(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    return cast(local(value, session), "TIME")


def _to_array(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    element = engine_type(kinds.element_type(target))
    inner = value.unnest()
    while isinstance(inner, exp.Cast) and isinstance(inner.this, exp.Array):
        inner = inner.this
    if isinstance(inner, exp.Array):
        inner.set("expressions", [to_type(item, kinds.element_type(target), session) for item in inner.expressions])
    elif not _casts_alike(kind_of_type(kinds.element_type(type_of(value))), kind_of_type(kinds.element_type(target))):
        return _refused(value, target, session)
    return cast(value, exp.DataType(this=T.ARRAY, expressions=[element], nested=True))


def _casts_alike(source: Kind, target: Kind) -> bool:
    """Return whether the engine's cast of each element is PostgreSQL's."""
    plain = {Kind.INTEGER, Kind.TEXT, Kind.BOOL, Kind.UNKNOWN}
    return source is target or (source in plain and target in {*plain, Kind.NUMERIC, Kind.FLOAT})


def _to_same(value: exp.Expr, target: exp.DataType, session: Session) -> exp.Expr:
    if kind(value) is kind_of_type(target) or (kind_of_type(target) is Kind.JSON and target.this is T.JSON):
        return value
    if kind_of_type(target) is Kind.UUID and kind(value) is Kind.TEXT:
        return call("lower", value, returns="UUID")
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
    Kind.INTERVAL: _to_same,
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
            if kind(other) is Kind.INTERVAL and isinstance(node, exp.Add):
                raise refuse("a string constant beside an interval", "Write timestamp '…' or date '…'.")
            node.set(
                key, to_type(value, target.copy() if target.this is not T.DECIMAL else kinds.decimal_type(), session)
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
            return typed(type(bare)(this=bare.this.this.copy(), expression=bare.expression.copy()), T.DATE)
    if isinstance(bare, exp.Cast) and isinstance(bare.this, exp.Literal) and kind(bare) is Kind.TIMESTAMP:
        moment = datetime.fromisoformat(bare.this.name)
        if moment.time() == datetime.min.time():
            return cast(text(moment.date().isoformat()), "DATE")
    return None
