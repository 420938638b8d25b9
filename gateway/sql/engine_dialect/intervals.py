"""Interval constants in each form PostgreSQL takes them, as the engine writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from sqlglot import exp

from gateway.sql.engine_dialect.build import call, refuse, typed

MICROSECONDS_A_DAY = 86_400_000_000
_MONTHS = {"millennium": 12000, "century": 1200, "decade": 120, "year": 12, "quarter": 3, "month": 1}
_DAYS = {"week": 7, "day": 1}
_MICROSECONDS = {
    "hour": 3_600_000_000,
    "minute": 60_000_000,
    "second": 1_000_000,
    "millisecond": 1000,
    "microsecond": 1,
}
_SHORT = {
    "mil": "millennium", "mils": "millennium", "millennia": "millennium", "millenniums": "millennium",
    "c": "century", "cent": "century", "centuries": "century", "dec": "decade", "decs": "decade",
    "y": "year", "yr": "year", "yrs": "year", "mon": "month", "mons": "month", "w": "week", "d": "day",
    "h": "hour", "hr": "hour", "hrs": "hour", "m": "minute", "min": "minute", "mins": "minute",
    "s": "second", "sec": "second", "secs": "second", "ms": "millisecond", "msec": "millisecond",
    "msecs": "millisecond", "us": "microsecond", "usec": "microsecond", "usecs": "microsecond",
}  # fmt: skip
_CLOCK = re.compile(r"([+-]?)(\d+):(\d+)(?::(\d+(?:\.\d*)?))?\Z")
_YEAR_MONTH = re.compile(r"([+-]?)(\d+)-(\d+)\Z")
_ISO = re.compile(r"P(?:([-+.\d]+)Y)?(?:([-+.\d]+)M)?(?:([-+.\d]+)W)?(?:([-+.\d]+)D)?"
                  r"(?:T(?:([-+.\d]+)H)?(?:([-+.\d]+)M)?(?:([-+.\d]+)S)?)?\Z")  # fmt: skip
_PIECE = re.compile(r"[+-]?\d+-\d+|[+-]?\d+:\d+(?::\d+(?:\.\d*)?)?|[+-]?(?:\d+\.?\d*|\.\d+)|[a-zA-Z]+|@|\s+")


@dataclass(frozen=True, slots=True)
class Span:
    """An interval as PostgreSQL stores it."""

    months: int = 0
    days: int = 0
    microseconds: int = 0

    def __add__(self, other: Span) -> Span:
        return Span(self.months + other.months, self.days + other.days, self.microseconds + other.microseconds)

    def __neg__(self) -> Span:
        return Span(-self.months, -self.days, -self.microseconds)


def parse(written: str, unit: str | None = None) -> Span:
    """Read an interval's text, with the field that follows it in ``INTERVAL '1' YEAR`` where there is one."""
    body = written.strip()
    if iso := _ISO.match(body):
        units = ("year", "month", "week", "day", "hour", "minute", "second")
        return _total(zip(iso.groups(), units, strict=True))
    pieces = [piece for piece in _PIECE.findall(body) if not piece.isspace() and piece != "@"]
    if re.sub(r"\s|@", "", body) != "".join(pieces) or not pieces:
        raise refuse(f"the interval form '{written}'", "Write it like '1 year 2 mons 3 days 04:05:06'.")
    back = pieces[-1].lower() == "ago"
    span = _pieces(pieces[:-1] if back else pieces, (unit or "second").lower(), written)
    return -span if back else span


def _pieces(pieces: list[str], last_unit: str, written: str) -> Span:
    span, at = Span(), 0
    while at < len(pieces):
        piece = pieces[at]
        at += 1
        if clock := _CLOCK.match(piece):
            sign, hours, minutes, seconds = clock.groups()
            amount = Decimal(hours) * 3600 + Decimal(minutes) * 60 + Decimal(seconds or 0)
            span += Span(microseconds=int((-amount if sign == "-" else amount) * 1_000_000))
        elif years := _YEAR_MONTH.match(piece):
            months = int(years[2]) * 12 + int(years[3])
            span += Span(months=-months if years[1] == "-" else months)
        elif piece[-1].isalpha():
            raise refuse(f"the interval form '{written}'", "Write it like '1 year 2 mons 3 days 04:05:06'.")
        elif at < len(pieces) and pieces[at].isalpha():
            span += _amount(Decimal(piece), pieces[at].lower(), written)
            at += 1
        elif at < len(pieces) and _CLOCK.match(pieces[at]):
            span += _amount(Decimal(piece), "day", written)  # '3 04:05:06'
        else:
            span += _amount(Decimal(piece), last_unit, written)
    return span


def _total(parts: zip[tuple[str | None, str]]) -> Span:
    span = Span()
    for amount, unit in parts:
        if amount:
            span += _amount(Decimal(amount), unit, amount)
    return span


def _amount(amount: Decimal, unit: str, written: str) -> Span:
    """An amount of a unit; a fraction goes to the next smaller one, thirty days a month."""
    name = _SHORT.get(unit) or (unit[:-1] if unit.endswith("s") and unit[:-1] in _KNOWN else unit)
    if name in _MONTHS:
        months = amount * _MONTHS[name]
        if name in ("month", "quarter") and months != int(months):
            return Span(months=int(months)) + _amount((months - int(months)) * 30, "day", written)
        return Span(months=round(months))
    if name in _DAYS:
        days = amount * _DAYS[name]
        return Span(days=int(days), microseconds=round((days - int(days)) * MICROSECONDS_A_DAY))
    if name in _MICROSECONDS:
        return Span(microseconds=round(amount * _MICROSECONDS[name]))
    raise refuse(f"the interval unit '{unit}'", f"It was written in '{written}'.")


_KNOWN = frozenset({*_MONTHS, *_DAYS, *_MICROSECONDS})


def literal(span: Span) -> exp.Interval:
    """Return an interval constant in the engine's words."""
    return typed(exp.Interval(this=exp.Literal.string(written(span))), exp.DType.INTERVAL)


def written(span: Span) -> str:
    """Return an interval in words that both PostgreSQL and the engine read."""
    seconds = format(Decimal(span.microseconds) / 1_000_000, "f")
    parts = [(str(span.months), "MONTH"), (str(span.days), "DAY"), (seconds, "SECOND")]
    found = [f"{amount} {unit}" for amount, unit in parts if amount != "0"]
    return " ".join(found) or "0 SECOND"


def constant(node: exp.Expr) -> Span | None:
    """Return the interval a node stands for where it is a constant, else None."""
    bare = node.unnest()
    if isinstance(bare, exp.Interval) and isinstance(bare.this, exp.Literal):
        unit = bare.args.get("unit")
        if isinstance(unit, exp.IntervalSpan):
            return None
        return parse(bare.this.name, unit.name if unit is not None else None)
    return None


def negate(node: exp.Neg) -> exp.Expr:
    """``- interval '1 day'``: the engine reads the sign and the constant as one text."""
    span = constant(node.this)
    return node if span is None else literal(-span)


def times(node: exp.Expr, factor: exp.Expr) -> exp.Expr:
    """Return an interval times a double: the engine has no such operator."""
    return call("interval_times", node, factor, returns=exp.DType.INTERVAL)
