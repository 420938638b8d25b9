"""Dates, times and timestamps as clients write them: PostgreSQL's common spellings, in the session's order.

A text is split into tokens as PostgreSQL's ``ParseDateTime`` does; each token says by its looks what it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.values.settings import InputSettings
from gateway.values.zones import ABBREVIATIONS, require_zone

INFINITY = 2**63 - 1
DATE_INFINITY = 2**31 - 1
_DAY = 86_400_000_000
_SECOND = 1_000_000
_MIN_JULIAN, _EPOCH_JULIAN = 0, 2_440_588
_END_DATE, _END_TIMESTAMP = 2_145_042_541, 106_741_035  # days since 1970
_MAX_ZONE = 16 * 3600

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<time>\d{1,3}:\d{0,2}(?::\d{0,2}(?:\.\d*)?)?(?=$|[^\d:.]))
  | (?P<zone>(?<=[\d\sA-Za-z])[+-]\d{1,2}(?::\d{2}){1,2}(?=$|\s) | (?<=[\d\sA-Za-z])[+-]\d{1,6}(?=$|\s))
  | (?P<date>\d+(?:[-/.](?:\d+|[A-Za-z]+)){2}(?=$|[^\w./-]|[Tt]\d|\s) | [A-Za-z]{3,}[-/.]\d+[-/.]\d+)
  | (?P<packed>\d{8}[Tt]\d{4,6}(?:\.\d+)?)
  | (?P<dayofyear>\d{4}[.-]\d{3}(?=$|\s))
  | (?P<julian>[Jj]\d{1,10}(?=$|\s))
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<word>[A-Za-z][A-Za-z_]*(?:/[A-Za-z_+\-0-9]+)*)
  | (?P<infinity>[+-][A-Za-z]+)
  | (?P<filler>[,@])
    )""",
    re.VERBOSE,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAMES = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_DAYS = frozenset(
    {"sun", "sunday", "mon", "monday", "tue", "tues", "tuesday", "wed", "weds", "wednesday"}
    | {"thu", "thur", "thurs", "thursday", "fri", "friday", "sat", "saturday"}
)
_FILLERS = frozenset({"at", "on", "t"}) | _DAYS
Kind = Literal["date", "time without time zone", "timestamp without time zone", "timestamp with time zone"]


@dataclass(slots=True)
class _Fields:
    """What the tokens of one text said."""

    year: int | None = None
    short_year: bool = False  # of two digits
    month: int | None = None
    day: int | None = None
    clock: int | None = None  # microseconds
    zone: str | None = None
    offset: int | None = None  # seconds
    special: str | None = None
    before_christ: bool = False
    half: str | None = None  # am or pm
    days: int | None = None  # since 1970, where the text gives a day of the year or a Julian day
    numbers: list[str] = field(default_factory=list)  # and the month where it has a name, in their order


def parse_date(text: str, settings: InputSettings = InputSettings()) -> int:
    """Return days since 1970. Raises SqlError (22007, 22008)."""
    fields = _read(text, "date", settings)
    if fields.special in {"infinity", "+infinity"}:
        return DATE_INFINITY
    if fields.special == "-infinity":
        return -DATE_INFINITY - 1
    if fields.special is not None:
        return _special(fields, settings.time_zone)[0] // _DAY
    days = _days(fields, text, "date", settings)
    if not _MIN_JULIAN - _EPOCH_JULIAN <= days < _END_DATE:
        raise SqlError(SqlState.DATETIME_VALUE_OUT_OF_RANGE, f'date out of range: "{text}"')
    return days


def parse_time(text: str) -> int:
    """Return microseconds since midnight. Raises SqlError (22007, 22008)."""
    kind: Kind = "time without time zone"
    fields = _read(text, kind, InputSettings())
    if fields.special == "now":
        now = datetime.now(UTC)
        return ((now.hour * 60 + now.minute) * 60 + now.second) * _SECOND + now.microsecond
    if fields.clock is None and len(fields.numbers) == 1:
        fields.clock = _packed_clock(fields.numbers.pop(), text, kind)
    if fields.clock is None or fields.special or (fields.numbers and fields.day is None):
        raise _syntax(text, kind)
    return _clock(fields, text)


def parse_timestamp(text: str, settings: InputSettings, with_zone: bool) -> int:
    """Return microseconds since 1970, in UTC if ``with_zone``. Raises SqlError (22007, 22008, 22023)."""
    kind: Kind = "timestamp with time zone" if with_zone else "timestamp without time zone"
    fields = _read(text, kind, settings)
    if fields.special in {"infinity", "+infinity"}:
        return INFINITY
    if fields.special == "-infinity":
        return -INFINITY - 1
    if fields.special is not None:
        local, offset = _special(fields, settings.time_zone)
        return local - offset * _SECOND if with_zone else local
    days = _days(fields, text, kind, settings)
    local = days * _DAY + (_clock(fields, text) if fields.clock is not None else 0)
    offset = _offset(fields, local, settings.time_zone) if with_zone else 0
    moment = local - offset * _SECOND
    if not (_MIN_JULIAN - _EPOCH_JULIAN) * _DAY <= moment < _END_TIMESTAMP * _DAY:
        raise SqlError(SqlState.DATETIME_VALUE_OUT_OF_RANGE, f'timestamp out of range: "{text}"')
    return moment


def civil_days(year: int, month: int, day: int) -> int:
    """Return days since 1970 of a date of the Gregorian calendar; year 0 is 1 BC."""
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def _read(text: str, kind: Kind, settings: InputSettings) -> _Fields:
    """Return the fields of a text, numbers that could be year, month or day in their order."""
    fields = _Fields()
    at, end = 0, len(text.rstrip())
    if end == 0:
        raise _syntax(text, kind)
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.end() == at or match.lastgroup is None:
            raise _syntax(text, kind)
        if match.lastgroup == "date":
            _take_date(fields, re.split(r"[-/.]", match["date"]), text, kind, settings)
        else:
            _take(fields, match.lastgroup, match[match.lastgroup], text, kind)
        at = match.end()
    return fields


def _take(fields: _Fields, group: str, token: str, text: str, kind: Kind) -> None:
    """Note what one token says."""
    if group == "time":
        if fields.clock is not None:
            raise _syntax(text, kind)
        fields.clock = _split_clock(token, text)
    elif group == "zone":
        if (fields.clock is None and kind != "date") or fields.offset is not None:
            raise _syntax(text, kind)
        fields.offset = _numeric_offset(token, text)
    elif group == "packed":
        _take_packed(fields, token, text, kind)
    elif group == "dayofyear":
        _take_day_of_year(fields, int(token[:4]), int(token[5:]), text)
    elif group == "julian":
        fields.days, fields.day = int(token[1:]) - _EPOCH_JULIAN, 1
    elif group == "number" and fields.clock is None and len(token.partition(".")[0]) in {4, 6} and _has_date(fields):
        fields.clock = _packed_clock(token, text, kind)
    elif group == "number":
        fields.numbers.append(token)
    elif group in {"word", "infinity"}:
        _take_word(fields, token, text, kind)


def _has_date(fields: _Fields) -> bool:
    """Whether a date is complete, so that the next number is a time of day."""
    return fields.day is not None or (len(fields.numbers) == 1 and len(fields.numbers[0]) == 8)


def _take_date(fields: _Fields, parts: list[str], text: str, kind: Kind, settings: InputSettings) -> None:
    if fields.day is not None:
        raise _syntax(text, kind)
    named = [part for part in parts if _month(part) is not None]
    numbers = [part for part in parts if part.isdigit()]
    if len(named) > 1 or len(named) + len(numbers) < len(parts):
        raise _syntax(text, kind)
    _assign(fields, named + numbers, text, kind, settings.date_order)


def _assign(fields: _Fields, parts: list[str], text: str, kind: Kind, order: str) -> None:
    """Say which part is the year, the month and the day, one after the other, as PostgreSQL's ``DecodeNumber`` does."""
    year = month = day = None
    named: int | None = None  # the month, once it was given by name
    for part in parts:
        name = _month(part)
        if name is not None:
            if month is not None and day is None:
                day = month
            named, month = name, part
        elif month is None and (year is not None or day is not None):
            month = part
        elif month is None and (len(part) > 2 or order == "ymd"):
            year = part
        elif month is None:
            day, month = (part, None) if order == "dmy" else (None, part)
        elif year is None and day is None:
            year, day = (part, None) if named is not None and (len(part) > 2 or order == "ymd") else (None, part)
        elif day is not None:
            year = part
        elif named is not None and len(part) > 2 and year is not None and len(year) <= 2:
            day, year = year, part  # what was taken for the year was the day
        else:
            day = part
    if year is None or month is None or day is None:
        raise _syntax(text, kind)
    fields.year, fields.month, fields.day = int(year), int(month) if named is None else named, int(day)
    fields.short_year = len(year) <= 2


def _take_packed(fields: _Fields, token: str, text: str, kind: Kind) -> None:
    if fields.day is not None or fields.clock is not None:
        raise _syntax(text, kind)
    fields.year, fields.month, fields.day = int(token[:4]), int(token[4:6]), int(token[6:8])
    fields.clock = _packed_clock(token[8:].lstrip("Tt"), text, kind)


def _take_day_of_year(fields: _Fields, year: int, day: int, text: str) -> None:
    if not 1 <= day <= 365 + _leap(year):
        raise _out_of_range(text)
    fields.days, fields.day = civil_days(year, 1, 1) + day - 1, day


def _take_word(fields: _Fields, token: str, text: str, kind: Kind) -> None:
    word = token.lower()
    if word in {"infinity", "-infinity", "+infinity", "now", "today", "tomorrow", "yesterday", "epoch"}:
        if fields.special is not None or fields.day is not None:
            raise _syntax(text, kind)
        fields.special = word
    elif _month(word) is not None:
        if any(_month(number) is not None for number in fields.numbers):
            raise _syntax(text, kind)
        fields.numbers.append(word)
    elif word in {"am", "pm"}:
        fields.half = word
    elif word in {"bc", "ad"}:
        fields.before_christ = word == "bc"
    elif word == "allballs":
        fields.clock, fields.offset = 0, 0
    elif word in _FILLERS:
        return
    elif fields.zone is not None or not _known_zone(token):
        raise _syntax(text, kind)
    else:
        fields.zone = token


def _days(fields: _Fields, text: str, kind: Kind, settings: InputSettings) -> int:
    """Return the day that the fields give, checking each of them."""
    if fields.days is not None:
        return fields.days
    if fields.day is None:
        _assign_numbers(fields, text, kind, settings.date_order)
    elif fields.numbers:
        raise _syntax(text, kind)
    year, month, day = fields.year, fields.month, fields.day
    if year is None or month is None or day is None:
        raise _syntax(text, kind)
    if fields.before_christ:
        if year <= 0:
            raise _out_of_range(text)
        year = 1 - year
    elif fields.short_year:
        year += 2000 if year < 70 else 1900
    elif year <= 0:
        raise _out_of_range(text)
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        raise _out_of_range(text, hint=True)
    lengths = (31, 28 + _leap(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    if day > lengths[month - 1]:
        raise _out_of_range(text)
    return civil_days(year, month, day)


def _assign_numbers(fields: _Fields, text: str, kind: Kind, order: str) -> None:
    """Give parts that stand alone their meaning: ``20200131``, ``January 31 2020``, ``31 Jan 2020``."""
    parts = fields.numbers
    if len(parts) == 1 and parts[0].isdigit() and len(parts[0]) in {6, 8}:
        digits = parts[0]
        fields.year, fields.month, fields.day = int(digits[:-4]), int(digits[-4:-2]), int(digits[-2:])
        fields.short_year = len(digits) == 6
        return
    if len(parts) == 1 and len(parts[0]) == 14:
        raise _out_of_range(text)
    if len(parts) != 3 or not all(part.isalnum() for part in parts):
        raise _syntax(text, kind)
    _assign(fields, parts, text, kind, order)


def _special(fields: _Fields, time_zone: str) -> tuple[int, int]:
    """Return local microseconds and the offset in seconds of ``now``, ``today`` and their like."""
    if fields.special == "epoch":
        return 0, 0
    utc = datetime.now(UTC).replace(tzinfo=None)
    offset = int(require_zone(time_zone).offset_of(int(utc.replace(tzinfo=UTC).timestamp())))
    local = utc + timedelta(seconds=offset)
    micros = (local - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    if fields.special == "now":
        return micros, offset
    days = micros // _DAY + {"today": 0, "tomorrow": 1, "yesterday": -1}[str(fields.special)]
    local_day = days * _DAY + (fields.clock or 0)
    return local_day, require_zone(time_zone).offset_at(local_day // _SECOND)


def _offset(fields: _Fields, local: int, time_zone: str) -> int:
    if fields.offset is not None:
        return fields.offset
    if fields.zone is not None:
        return _named_offset(fields.zone, local)
    return require_zone(time_zone).offset_at(local // _SECOND)


def _named_offset(name: str, local: int) -> int:
    hours = ABBREVIATIONS.get(name.lower())
    return hours * 3600 if hours is not None else require_zone(name).offset_at(local // _SECOND)


def _known_zone(name: str) -> bool:
    """Return whether a word names a time zone; what looks like one and does not is an error of its own (22023)."""
    if name.lower() in ABBREVIATIONS:
        return True
    try:
        require_zone(name)
    except SqlError:
        if "/" not in name:
            return False
        message = f'time zone "{name.lower()}" not recognized'
        raise SqlError(SqlState.INVALID_PARAMETER_VALUE, message) from None
    return True


def _numeric_offset(token: str, text: str) -> int:
    digits = token[1:]
    if ":" in digits:
        parts = [int(part) for part in digits.split(":")]
    elif len(digits) > 2:
        digits = digits.rjust(6 if len(digits) > 4 else 4, "0")
        parts = [int(digits[at : at + 2]) for at in range(0, len(digits), 2)]
    else:
        parts = [int(digits)]
    hours, minutes, seconds = (*parts, 0, 0)[:3]
    total = hours * 3600 + minutes * 60 + seconds
    if minutes > 59 or seconds > 59 or total >= _MAX_ZONE:
        message = f'time zone displacement out of range: "{text}"'
        raise SqlError(SqlState.INVALID_TIME_ZONE_DISPLACEMENT_VALUE, message)
    return -total if token[0] == "-" else total


def _split_clock(token: str, text: str) -> int:
    hours, minutes, seconds = (*token.split(":"), "0")[:3]
    whole, _, fraction = seconds.partition(".")
    return _join_clock(int(hours), int(minutes or 0), int(whole or 0), fraction, text)


def _packed_clock(token: str, text: str, kind: Kind) -> int:
    digits, _, fraction = token.partition(".")
    if len(digits) not in {4, 6}:
        raise _syntax(text, kind)
    return _join_clock(int(digits[:2]), int(digits[2:4]), int(digits[4:] or 0), fraction, text)


def _join_clock(hours: int, minutes: int, seconds: int, fraction: str, text: str) -> int:
    micros = round(int(fraction or 0) * 10.0 ** (6 - len(fraction))) if fraction else 0
    clock = ((hours * 60 + minutes) * 60 + seconds) * _SECOND + micros
    if minutes > 59 or seconds > 60 or clock > _DAY:
        raise _out_of_range(text)
    return clock


def _clock(fields: _Fields, text: str) -> int:
    clock = fields.clock or 0
    if fields.half is None:
        return clock
    hour = clock // (3600 * _SECOND)
    if hour > 12:
        raise _out_of_range(text)
    if fields.half == "am":
        return clock - 12 * 3600 * _SECOND if hour == 12 else clock
    return clock if hour == 12 else clock + 12 * 3600 * _SECOND


def _month(word: str) -> int | None:
    word = word.lower()
    if word == "sept":
        return 9
    names = _MONTHS if len(word) == 3 else _MONTH_NAMES
    return names.index(word) + 1 if word in names else None


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _syntax(text: str, kind: Kind) -> SqlError:
    name = kind.split(" without ")[0] if kind != "timestamp with time zone" else kind
    return SqlError(SqlState.INVALID_DATETIME_FORMAT, f'invalid input syntax for type {name}: "{text}"')


def _out_of_range(text: str, hint: bool = False) -> SqlError:
    advice = 'Perhaps you need a different "DateStyle" setting.' if hint else None
    message = f'date/time field value out of range: "{text}"'
    return SqlError(SqlState.DATETIME_VALUE_OUT_OF_RANGE, message, hint=advice)
