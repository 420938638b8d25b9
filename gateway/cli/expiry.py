"""When what is made on the command line ends: after an interval, or at a time, as PostgreSQL reads both."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta

from catalog.errors import SqlError
from gateway.cli.output import USAGE, CommandError
from gateway.values.datetime_input import INFINITY, parse_timestamp
from gateway.values.interval_input import parse_interval
from gateway.values.settings import InputSettings

NEVER = "never"
_HINT = 'write such as "90d", "12h", "1 year 6 months", "2027-01-31 18:00+01" or "never"'


def expiry(text: str, now: datetime) -> datetime | None:
    """Return the moment that a text means; None: never. A time without a zone is in UTC, as all that commands print.
    Raises CommandError for other texts, and for what is over already.
    """
    if text.strip().lower() in {NEVER, "infinity"}:
        return None
    try:
        moment = _at(text) or _after(text, now)
    except OverflowError:  # Python's times end with the year 9999
        raise _refusal(f'"{text}" is too far away') from None
    if moment <= now:
        raise _refusal(f'"{text}" is over already')
    return moment


def _at(text: str) -> datetime | None:
    """Return the moment of a time; None: it is none, so that `2027-02-01` is no interval."""
    if text.strip().isdecimal() and len(text.strip()) < 8:  # PostgreSQL takes it for seconds or a year
        raise _refusal(f'"{text}" has no unit')
    try:
        micros = parse_timestamp(text, InputSettings(), with_zone=True)
    except SqlError:
        return None
    if abs(micros) >= INFINITY:
        raise OverflowError
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)


def _after(text: str, now: datetime) -> datetime:
    try:
        months, days, micros = parse_interval(text)
    except SqlError:
        raise _refusal(f'"{text}" is neither an interval nor a time') from None
    year, month = divmod(now.year * 12 + now.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    day = min(now.day, monthrange(year, month + 1)[1])
    return now.replace(year=year, month=month + 1, day=day) + timedelta(days=days, microseconds=micros)


def _refusal(message: str) -> CommandError:
    return CommandError(message, hint=_HINT, code=USAGE)
