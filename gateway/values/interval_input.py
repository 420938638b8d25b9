"""Intervals as clients write them: PostgreSQL's verbose form, SQL's ``1-2 3 4:05:06`` and ISO 8601's ``P1Y2M``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

_DAY = 86_400_000_000
_HOUR, _MINUTE, _SECOND = 3_600_000_000, 60_000_000, 1_000_000
_LIMIT = 2**31
_MICROS_LIMIT = 2**63
_DAYS_OF_MONTH = 30

# unit -> (what it counts, how many of them)
_UNITS: dict[str, tuple[str, int]] = {
    **dict.fromkeys(("us", "usec", "usecs", "usecond", "useconds", "microsecond", "microseconds"), ("micros", 1)),
    **dict.fromkeys(("ms", "msec", "msecs", "mseconds", "msecond", "millisecond", "milliseconds"), ("micros", 1000)),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), ("micros", _SECOND)),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), ("micros", _MINUTE)),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), ("micros", _HOUR)),
    **dict.fromkeys(("d", "day", "days"), ("days", 1)),
    **dict.fromkeys(("w", "week", "weeks"), ("days", 7)),
    **dict.fromkeys(("mon", "mons", "month", "months"), ("months", 1)),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years"), ("months", 12)),
    **dict.fromkeys(("dec", "decs", "decade", "decades"), ("months", 120)),
    **dict.fromkeys(("c", "cent", "century", "centuries"), ("months", 1200)),
    **dict.fromkeys(("mil", "mils", "millennium", "millennia"), ("months", 12_000)),
}
_CLOCK = r"(?P<sign>[+-]?)(?P<hours>\d+):(?P<minutes>\d{1,2})(?::(?P<seconds>\d{1,2}(?:\.\d*)?))?"
_TOKEN = re.compile(
    rf"""\s*(?:
    (?P<clock>{_CLOCK})(?=$|\s)
  | (?P<years>[+-]?\d+-\d{{1,2}})(?=$|\s)
  | (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:\s*(?P<unit>[A-Za-z]+)(?=$|[\s\d+])|(?=$|\s))
  | (?P<ago>[Aa][Gg][Oo])(?=\s*$)
  | (?P<at>@)
    )""",
    re.VERBOSE,
)
_APART = re.compile(r"(?<!\S)([+-])\s+(?=\d)")  # a sign apart from its number
_OTHER_SIGNS = re.compile(r"(?<=\s)[+-]|\A-P")
_ISO_PART = re.compile(r"([+-]?\d*\.?\d+)([A-Z])")
_ISO_UNITS = {
    False: {"Y": ("months", 12), "M": ("months", 1), "W": ("days", 7), "D": ("days", 1)},
    True: {"H": ("micros", _HOUR), "M": ("micros", _MINUTE), "S": ("micros", _SECOND)},
}
_ISO_ALTERNATIVE = re.compile(r"(?:(\d{4})-(\d{2})-(\d{2}))?(?:T(\d{2}):(\d{2}):(\d{2}(?:\.\d+)?))?\Z")


@dataclass(slots=True)
class _Sum:
    months: int = 0
    days: int = 0
    micros: Fraction = field(default_factory=Fraction)
    seen: set[object] = field(default_factory=set)

    def add(self, number: Fraction, counted: str, factor: int) -> None:
        """Add a number of units; a fraction spills over into days (30 a month) and time, as PostgreSQL does."""
        if counted == "micros":
            self.micros += number * factor
        elif counted == "days":
            total = number * factor
            whole = int(total)
            self.days += whole
            self.micros += (total - whole) * _DAY
        else:
            self._add_months(number, factor)

    def _add_months(self, number: Fraction, factor: int) -> None:
        total = number * factor
        if factor > 1:
            self.months += _round(total)  # parts of a year are rounded to months
            return
        whole = int(total)
        self.months += whole
        self.add((total - whole) * _DAYS_OF_MONTH, "days", 1)


def parse_interval(text: str, style: str = "postgres") -> tuple[int, int, int]:
    """Return months, days and microseconds. In the style ``sql_standard`` a sign at the beginning holds for all fields
    if it is the only one. Raises SqlError (22007, 22015).
    """
    stripped = _APART.sub(r"\1", text.strip())
    if style == "sql_standard" and stripped.startswith("-") and not _OTHER_SIGNS.search(stripped):
        months, days, micros = parse_interval(stripped[1:])
        return -months, -days, -micros
    total = _iso(stripped[1:], text) if stripped[:1] == "P" else _verbose(stripped, text)
    micros = _round(total.micros)
    fits = -_LIMIT <= total.months < _LIMIT and -_LIMIT <= total.days < _LIMIT
    if not fits or not -_MICROS_LIMIT <= micros < _MICROS_LIMIT:
        raise SqlError(SqlState.INTERVAL_FIELD_OVERFLOW, f'interval field value out of range: "{text}"')
    return total.months, total.days, micros


def _verbose(stripped: str, text: str) -> _Sum:
    """Return the sum of what the tokens of a text say."""
    total, negate = _Sum(), False
    at = 0
    while at < len(stripped):
        match = _TOKEN.match(stripped, at)
        if match is None:
            raise _syntax(text)
        at = match.end()
        if match["ago"]:
            negate = True
        elif match["clock"]:
            _once(total, {"hour", "minute", "second"}, text)
            total.micros += _clock(match, text)
        elif match["years"]:
            _once(total, {"year", "month"}, text)
            years, months = match["years"].lstrip("+-").split("-")
            if int(months) > 11:
                raise SqlError(SqlState.INTERVAL_FIELD_OVERFLOW, f'interval field value out of range: "{text}"')
            sign = -1 if match["years"][0] == "-" else 1
            total.months += sign * (int(years) * 12 + int(months))
        elif match["number"]:
            _number(total, match, stripped[at:], text)
    if not total.seen:
        raise _syntax(text)
    if negate:
        total.months, total.days, total.micros = -total.months, -total.days, -total.micros
    return total


def _number(total: _Sum, match: re.Match[str], rest: str, text: str) -> None:
    """Add a number with its unit; without one it counts days before a time of day, seconds at the end."""
    unit = (match["unit"] or "").lower()
    if not unit:
        clock_follows = re.match(rf"\s*{_CLOCK}(?=$|\s)", rest) is not None
        unit = "day" if clock_follows else "second"
    if unit not in _UNITS:
        raise _syntax(text)
    counted, factor = _UNITS[unit]
    _once(total, {_NAMES.get((counted, factor), (counted, factor))}, text)
    total.add(Fraction(match["number"] if match["number"][-1] != "." else match["number"] + "0"), counted, factor)


_NAMES = {
    ("micros", _HOUR): "hour", ("micros", _MINUTE): "minute", ("micros", _SECOND): "second",
    ("months", 12): "year", ("months", 1): "month",
}  # fmt: skip


def _once(total: _Sum, fields: set[object], text: str) -> None:
    """Note that a text gave these fields; it may do so once."""
    if total.seen & fields:
        raise _syntax(text)
    total.seen |= fields


def _clock(match: re.Match[str], text: str) -> Fraction:
    seconds = Fraction(match["seconds"].rstrip(".")) if match["seconds"] else Fraction(0)
    minutes = int(match["minutes"])
    if minutes > 59 or seconds > 60:
        raise SqlError(SqlState.INTERVAL_FIELD_OVERFLOW, f'interval field value out of range: "{text}"')
    size = int(match["hours"]) * _HOUR + minutes * _MINUTE + seconds * _SECOND
    return -size if match["sign"] == "-" else Fraction(size)


def _iso(body: str, text: str) -> _Sum:
    """Return the sum of a text of ISO 8601 behind its P, in either format."""
    total = _Sum()
    alternative = _ISO_ALTERNATIVE.match(body) if body else None
    if alternative is not None:
        years, months, days, hours, minutes, seconds = (Fraction(part or 0) for part in alternative.groups())
        total.add(years * 12 + months, "months", 1)
        total.add(days, "days", 1)
        total.micros += hours * _HOUR + minutes * _MINUTE + seconds * _SECOND
        return total
    date, mark, time = body.partition("T")
    if not body or (mark and not time):
        raise _syntax(text)
    for part, in_time in ((date, False), (time, True)):
        at = 0
        while at < len(part):
            match = _ISO_PART.match(part, at)
            unit = _ISO_UNITS[in_time].get(match[2]) if match else None
            if match is None or unit is None:
                raise _syntax(text)
            total.add(Fraction(match[1]), *unit)
            at = match.end()
    return total


def _round(number: Fraction) -> int:
    return round(number)


def _syntax(text: str) -> SqlError:
    return SqlError(SqlState.INVALID_DATETIME_FORMAT, f'invalid input syntax for type interval: "{text}"')
