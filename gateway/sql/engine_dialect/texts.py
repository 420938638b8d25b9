"""Values as text in PostgreSQL's output form, in the styles of the session."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from gateway.sql.engine_dialect import kinds, output
from gateway.sql.engine_dialect.build import call, case, cast, number, refuse, text, typed
from gateway.sql.engine_dialect.kinds import Kind, T, kind, type_of
from gateway.sql.engine_dialect.moments import STAMP, Session
from optimizer.copies import copied

Writer = Callable[[exp.Expr, Session], exp.Expr]

_ARRAYS: dict[object, str] = {
    T.BOOLEAN: "bool", T.SMALLINT: "int2", T.INT: "int4", T.BIGINT: "int8", T.FLOAT: "float4", T.DOUBLE: "float8",
    T.TEXT: "text", T.VARCHAR: "text", T.DATE: "date", T.TIMESTAMP: "timestamp",
}  # fmt: skip


def as_text(value: exp.Expr, session: Session) -> exp.Expr:
    """Return a value as text. Raises SqlError (0A000) for types whose text the engine does not write."""
    writer = _WRITERS.get(kind(value))
    if writer is None:
        raise refuse(f"a cast of {type_of(value).sql('postgres').lower()} to text")
    return writer(value, session)


def _same(value: exp.Expr, session: Session) -> exp.Expr:
    return value


def _cast(value: exp.Expr, session: Session) -> exp.Expr:
    return cast(value, "TEXT")


def _without_blanks(value: exp.Expr, session: Session) -> exp.Expr:
    return call("rtrim", value, returns="TEXT")


def _numeric(value: exp.Expr, session: Session) -> exp.Expr:
    return cast(value, "TEXT") if kinds.scale_of(type_of(value)) is not None else output.numeric_digits(value)


def _float(value: exp.Expr, session: Session) -> exp.Expr:
    name = "float4_text" if type_of(value).this is T.FLOAT else "float8_text"
    return call(name, value, cast(number(session.style.extra_float_digits), "BIGINT"), returns="TEXT")


def _date(value: exp.Expr, session: Session) -> exp.Expr:
    return call("date_text", value, text(session.style.date_style), returns="TEXT")


def _timestamp(value: exp.Expr, session: Session) -> exp.Expr:
    return call("timestamp_text", cast(value, STAMP), text(session.style.date_style), returns="TEXT")


def _timestamptz(value: exp.Expr, session: Session) -> exp.Expr:
    arguments = (text(session.style.date_style), text(session.time_zone))
    return call("timestamptz_text", value, *arguments, returns="TEXT")


def _time(value: exp.Expr, session: Session) -> exp.Expr:
    return call("time_text", cast(value, "TIME"), returns="TEXT")


def _interval(value: exp.Expr, session: Session) -> exp.Expr:
    return call("interval_text", value, text(session.style.interval_style), returns="TEXT")


def _bytea(value: exp.Expr, session: Session) -> exp.Expr:
    if session.style.bytea_output == "escape":
        return call("bytea_escape", value, returns="TEXT")
    written = call("encode", value, text("hex"), returns="TEXT")
    return typed(exp.DPipe(this=text("\\x"), expression=written), "TEXT")


def _array(value: exp.Expr, session: Session) -> exp.Expr:
    name = _ARRAYS.get(kinds.element_type(type_of(value)).this)
    if name is None:
        raise refuse(f"a cast of {type_of(value).sql('postgres').lower()} to text")
    return call(f"{name}_array_text", value, text(session.style.date_style), returns="TEXT")


def _other(value: exp.Expr, session: Session) -> exp.Expr:
    name = kinds.carried_as_text(type_of(value))
    if name != "inet":
        return cast(value, "TEXT")
    masked = exp.Like(this=value, expression=text("%/%"))
    six = exp.Like(this=copied(value), expression=text("%:%"))
    widths = case((six, text("/128")), default=text("/32"))
    whole = typed(exp.DPipe(this=copied(value), expression=exp.Paren(this=widths)), "TEXT")
    return typed(exp.Paren(this=case((masked, copied(value)), default=whole)), "TEXT")


_WRITERS: dict[Kind, Writer] = {
    **dict.fromkeys((Kind.TEXT, Kind.JSON, Kind.UUID, Kind.UNKNOWN), _same),
    **dict.fromkeys((Kind.BOOL, Kind.INTEGER), _cast),
    Kind.BPCHAR: _without_blanks,
    Kind.NUMERIC: _numeric,
    Kind.FLOAT: _float,
    Kind.DATE: _date,
    Kind.TIMESTAMP: _timestamp,
    Kind.TIMESTAMPTZ: _timestamptz,
    Kind.TIME: _time,
    Kind.INTERVAL: _interval,
    Kind.BYTEA: _bytea,
    Kind.ARRAY: _array,
    Kind.OTHER: _other,
}
