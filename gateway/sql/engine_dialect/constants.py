"""Constants of dates, timestamps and intervals, read as the session reads them and written as the engine does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sqlglot import exp

from gateway.sql.engine_dialect import intervals
from gateway.sql.engine_dialect.build import arrow_cast, cast, number, refuse, text
from gateway.sql.engine_dialect.kinds import Kind, T
from gateway.sql.engine_dialect.moments import STAMP, Session, utc
from gateway.values.datetime_input import parse_date, parse_time, parse_timestamp
from gateway.values.interval_input import parse_interval

_DAY = 86_400_000_000
_FIRST, _LAST = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31, in days since 1970: those that the engine reads
_MILLENNIUM = 946_684_800_000_000  # 2000-01-01 in microseconds since 1970
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN, _LABELLED = "Timestamp(Microsecond, None)", 'Timestamp(Microsecond, Some("UTC"))'
_ROUNDED: dict[int, int] = {digits: 10 ** (6 - digits) for digits in range(7)}


def moment(written: str, goal: Kind, target: exp.DataType, session: Session) -> exp.Expr:
    """Return a date or a timestamp. Raises SqlError (22007, 22008) for what PostgreSQL does not read as one."""
    reading = session.reading
    if goal is Kind.DATE:
        days = parse_date(written, reading)
        if not _FIRST <= days <= _LAST:
            return arrow_cast(cast(number(days), "INT"), "Date32", T.DATE)
        return cast(text((date(1970, 1, 1) + timedelta(days=days)).isoformat()), "DATE")
    zoned = goal is Kind.TIMESTAMPTZ
    micros = _rounded(parse_timestamp(written, reading, with_zone=zoned), target)
    if not _FIRST * _DAY <= micros < (_LAST + 1) * _DAY:
        return arrow_cast(cast(number(micros), "BIGINT"), _LABELLED if zoned else _PLAIN, T.TIMESTAMPTZ)
    shown = (_EPOCH + timedelta(microseconds=micros)).replace(tzinfo=None).isoformat(" ")
    return utc(text(f"{shown}+00:00")) if zoned else cast(text(shown), STAMP)


def _rounded(micros: int, target: exp.DataType) -> int:
    """Return a moment with as many digits of a second as the type has: ``timestamp(3)``. Halves go away from 2000."""
    if not target.expressions or abs(micros) >= 2**63 - 1:
        return micros
    unit = _ROUNDED[min(int(target.expressions[0].name), 6)]
    away = micros - _MILLENNIUM
    size = (abs(away) + unit // 2) // unit * unit
    return _MILLENNIUM + (size if away >= 0 else -size)


def time(written: str) -> exp.Expr:
    """Return a time of day. Raises SqlError (22007, 22008)."""
    micros = parse_time(written)
    if micros >= _DAY:
        raise refuse("the time 24:00:00")
    return cast(text((_EPOCH + timedelta(microseconds=micros)).time().isoformat()), "TIME")


def interval(written: str, target: exp.DataType, session: Session) -> exp.Expr:
    """Return an interval. Raises SqlError (22007, 22015)."""
    months, days, micros = parse_interval(written, session.reading.interval_style)
    if target.expressions:
        unit = _ROUNDED[min(int(target.expressions[0].name), 6)]
        size = (abs(micros) + unit // 2) // unit * unit
        micros = size if micros >= 0 else -size
    return intervals.literal(intervals.Span(months, days, micros))


def interval_literal(node: exp.Interval, session: Session) -> exp.Expr:
    """``INTERVAL '…'``: the engine reads neither ``02:00`` nor abbreviations nor ISO 8601."""
    span = intervals.constant(node)
    if span is None:
        raise refuse("this form of interval", "Write it like interval '1 day 02:30:00'.")
    if session.style.interval_style == "sql_standard" and _is_mixed(span):
        raise refuse("an interval of both signs in the IntervalStyle sql_standard", "Cast the text to interval.")
    return intervals.literal(span)


def _is_mixed(span: intervals.Span) -> bool:
    """Whether one sign may have been meant for all fields, which is not known any more."""
    first, *others = [part for part in (span.months, span.days, span.microseconds) if part] or [0]
    return first < 0 and any(part > 0 for part in others)
