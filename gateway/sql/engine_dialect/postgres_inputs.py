"""A call of PostgreSQL's in the engine's terms: its inputs as texts that PostgreSQL reads back, whatever their type."""

from __future__ import annotations

from sqlglot import exp

from gateway.evaluation.evaluator import call_text, function_name, statement
from gateway.sql.engine_dialect import kinds
from gateway.sql.engine_dialect.build import QUOTIENT, call, case, cast, text, typed
from gateway.sql.engine_dialect.call_marks import Call
from gateway.sql.engine_dialect.kinds import Kind, kind, type_of
from gateway.sql.engine_dialect.moments import Session
from gateway.sql.engine_dialect.texts import as_text
from optimizer.copies import copied

_UTC = Session()  # in which every timestamptz has an exact text


def engine_call(node: exp.Anonymous, found: Call, session: Session) -> exp.Expr:
    """Return the engine's function for a marked node, whose inputs are in the engine's terms already."""
    wanted = call_text(_settings(session), statement(found.expression, found.inputs, found.result))
    inputs = [_written(one) for one in node.expressions]
    result = type_of(node)
    if _is_quick(found):
        return _quick_cast(wanted, found, inputs[0], result)
    made = call(function_name(found.result, len(inputs)), text(wanted), *inputs, returns=copied(result))
    if kinds.kind_of_type(result) is not Kind.NUMERIC:
        return made
    made.type = kinds.T.TEXT.into_expr()
    return typed(cast(made, QUOTIENT), copied(result))


def _settings(session: Session) -> tuple[str, ...]:
    """Return the session's settings on which a call may depend; what it is given is read alike under all of them."""
    style = session.style
    return (
        session.time_zone,
        style.date_style,
        style.interval_style,
        str(style.extra_float_digits),
        style.bytea_output,
    )


def _is_quick(found: Call) -> bool:
    return found.inputs in (("text",), ("varchar",)) and found.expression in _QUICK


def _quick_cast(wanted: str, found: Call, value: exp.Expr, result: exp.DataType) -> exp.Expr:
    """Cast by the engine what it can read, and have PostgreSQL read the rest: other forms of a value, and mistakes."""
    read = exp.TryCast(this=value, to=copied(result))
    asked = call(function_name(found.result, 1), text(wanted), copied(value), returns=copied(result))
    there: exp.Expr = exp.Not(this=exp.Is(this=read, expression=exp.Null()))
    if result.this is kinds.T.DOUBLE:  # the engine takes what is too large for infinity, and too small for zero
        ends = (cast(text(end), "DOUBLE PRECISION") for end in ("1e-300", "1e300"))
        there = exp.Between(this=call("abs", read, returns=copied(result)), low=next(ends), high=next(ends))
    empty = exp.Is(this=copied(value), expression=exp.Null())
    chosen = case((there, copied(read)), (empty, cast(exp.Null(), result)), default=asked)
    return typed(exp.Paren(this=chosen), copied(result))


_QUICK = frozenset(f"CAST(c1 AS {name})" for name in ("SMALLINT", "INT", "BIGINT", "DOUBLE PRECISION", "DATE"))


def _written(value: exp.Expr) -> exp.Expr:
    match kind(value):
        case Kind.INTERVAL:
            return call("interval_input", value, returns="TEXT")
        case Kind.ARRAY if kinds.kind_of_type(kinds.element_type(type_of(value))) in _WRITTEN_ARRAYS:
            return as_text(value, _UTC)
        case Kind.ARRAY:
            return call("list_text", cast(value, "TEXT[]"), returns="TEXT")
        case Kind.OTHER:
            return cast(value, "TEXT")
    return as_text(value, _UTC)


_WRITTEN_ARRAYS = frozenset({Kind.FLOAT, Kind.DATE, Kind.TIMESTAMP})
