"""Intervals on Arrow arrays: months, days and nanoseconds side by side, as numpy records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.sql.engine_dialect.array_views import decimals, is_known, known_bits, made, viewed

Ints = np.ndarray[Any, np.dtype[np.int64]]
_RECORD = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])
_TYPE = pa.month_day_nano_interval()
DAY = 86_400_000_000  # microseconds
_MOST = 2**31  # months, and days
_MOST_MICROSECONDS = 2**63 // 1000  # of which the engine has nanoseconds
_LOW = 0xFFFFFFFF
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097  # of the calendar
_CYCLES = 800  # before 1970: what 64 bits of microseconds reach
_FROM_MARCH_0_TO_1970 = 719_468  # days
_STARTS = np.arange("1970-01", "2370-02", dtype="datetime64[M]").astype("datetime64[D]")
_DAYS: Ints = _STARTS.astype(np.int64)
_LENGTHS: Ints = _DAYS[1:] - _DAYS[:-1]  # of months
_Floats = np.ndarray[Any, np.dtype[np.float64]]
_Valid = np.ndarray[Any, np.dtype[np.bool_]]


def interval_parts(values: pa.Array) -> tuple[Ints, Ints, Ints]:
    """Return months, days and microseconds; of NULLs whatever lies there."""
    records = viewed(values, _RECORD)
    return (
        records["months"].astype(np.int64),
        records["days"].astype(np.int64),
        records["nanoseconds"].astype(np.int64) // 1000,
    )


def make_interval(months: Ints, days: Ints, microseconds: Ints, valid: np.ndarray[Any, np.dtype[np.bool_]]) -> pa.Array:
    """Return intervals, NULL where they are not valid."""
    bits = pa.py_buffer(np.packbits(valid, bitorder="little"))
    of_month, of_day, of_clock = (np.where(valid, part, 0) for part in (months, days, microseconds))
    return _intervals(of_month, of_day, of_clock, bits)


def _intervals(months: Ints | int, days: Ints, microseconds: Ints, bits: pa.Buffer | None) -> pa.Array:
    """Return intervals, NULL where the bits say so."""
    words = np.empty((len(days), 2), np.int64)
    words[:, 0] = days << 32 if isinstance(months, int) else (days << 32) | (months & _LOW)
    np.multiply(microseconds, 1000, out=words[:, 1])
    return made(_TYPE, words, bits)


def valid_rows(*arrays: pa.Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return in which rows none of the arrays is NULL."""
    return is_known(*arrays)


def _micros(stamps: pa.Array) -> Ints:
    found: Ints = pc.fill_null(stamps.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    return found


def rounded(values: pa.Array, digits: pa.Array) -> pa.Array:
    """Round the seconds of intervals, to as many digits in all rows; halves go away from zero."""
    if len(values) == 0:
        return values
    unit = 10 ** (6 - digits[0].as_py())
    months, days, micros = interval_parts(values)
    size = (np.abs(micros) + unit // 2) // unit * unit
    return make_interval(months, days, np.sign(micros) * size, valid_rows(values))


def times(values: pa.Array, factors: pa.Array) -> pa.Array:
    """Multiply intervals; fractions of months become days (thirty a month), of days time."""
    factor = pc.fill_null(factors, 0.0).to_numpy(zero_copy_only=False)
    return _scaled(values, factor, np.multiply, valid_rows(values, factors))


def divided(values: pa.Array, divisors: pa.Array) -> pa.Array:
    """Divide intervals, as `times` multiplies them."""
    valid = valid_rows(values, divisors)
    divisor = pc.fill_null(divisors, 1.0).to_numpy(zero_copy_only=False)
    if (valid & (divisor == 0)).any():
        raise ValueError("[22012] division by zero")
    return _scaled(values, np.where(valid, divisor, 1.0), np.divide, valid)


def _within(parts: _Floats) -> _Valid:
    """Whether months or days fit."""
    return (parts >= -_MOST) & (parts < _MOST)


def _scaled(values: pa.Array, factor: _Floats, by: Callable[[Any, _Floats], _Floats], valid: _Valid) -> pa.Array:
    """Return each part of intervals multiplied or divided ``by`` a factor. Raises 22008 where one is too large."""
    months, days, micros = interval_parts(values)
    with np.errstate(all="ignore"):
        month_part, day_part = by(months, factor), by(days, factor)
        whole_months, whole_days = np.trunc(month_part), np.trunc(day_part)
        month_days = np.round((month_part - whole_months) * 30, 6)
        seconds = np.round((day_part - whole_days + month_days - np.trunc(month_days)) * DAY)
        carried = np.trunc(seconds / DAY)
        whole_days += np.trunc(month_days) + carried
        total = np.rint(by(micros, factor) + seconds - carried * DAY)
        fits = _within(whole_months) & _within(whole_days) & (np.abs(total) < _MOST_MICROSECONDS)
    if not (fits | ~valid).all():  # NaN does not fit, either
        raise ValueError("[22008] interval out of range")
    parts = [np.where(valid, part, 0).astype(np.int64) for part in (whole_months, whole_days, total)]
    return make_interval(parts[0], parts[1], parts[2], valid)


def percentile(lists: pa.Array, fractions: pa.Array) -> pa.Array:
    """Return the interval at a fraction of each sorted list, between two neighbours in proportion."""
    lists = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
    bad = pc.or_(pc.less(fractions, 0.0), pc.greater(fractions, 1.0))
    if pc.any(bad).as_py():
        raise ValueError("[22003] percentile value is not between 0 and 1")
    sizes = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    starts = np.cumsum(sizes) - sizes
    valid = (sizes > 0) & valid_rows(fractions)
    places = np.where(valid, pc.fill_null(fractions, 0.0).to_numpy(zero_copy_only=False) * (sizes - 1), 0.0)
    low, high = np.floor(places).astype(np.int64), np.ceil(places).astype(np.int64)
    months, days, micros = (np.r_[part, 0] for part in interval_parts(lists.flatten()))
    first, second = np.where(valid, starts + low, -1), np.where(valid, starts + high, -1)
    apart = make_interval(
        months[second] - months[first], days[second] - days[first], micros[second] - micros[first], valid
    )
    step = interval_parts(_scaled(apart, places - low, np.multiply, valid))
    return make_interval(months[first] + step[0], days[first] + step[1], micros[first] + step[2], valid)


def zone_to_utc(stamps: pa.Array, zones: pa.Array) -> pa.Array:
    """Read timestamps as the wall clock of one zone.

    Of a time that a change of the clock leaves out, the offset before it counts; of one that it repeats, the later.
    """
    target = pa.timestamp("us", "UTC")
    if len(stamps) == 0:
        return pa.array([], target)
    try:
        assumed = pc.assume_timezone(stamps, zones[0].as_py(), ambiguous="latest", nonexistent="earliest")
    except pa.ArrowInvalid as error:
        raise ValueError(f'[22023] time zone "{zones[0].as_py()}" not recognized') from error
    offsets = pc.subtract(pc.local_timestamp(assumed).cast(pa.int64()), assumed.cast(pa.int64()))
    return pc.subtract(stamps.cast(pa.int64()), offsets).cast(target)


def between(left: pa.Array, right: pa.Array) -> pa.Array:
    """Subtract timestamps: whole days and the rest, of one sign."""
    difference = viewed(left, np.int64) - viewed(right, np.int64)
    days = difference // DAY
    rest = difference - days * DAY
    short = (difference < 0) & (rest != 0)
    days += short
    rest -= short * DAY
    return _intervals(0, days, rest, known_bits(left, right))


def between_times(left: pa.Array, right: pa.Array) -> pa.Array:
    """Subtract times of day."""
    difference = (viewed(left, np.int64) - viewed(right, np.int64)) // 1000
    return _intervals(0, np.zeros_like(difference), difference, known_bits(left, right))


def age(left: pa.Array, right: pa.Array) -> pa.Array:
    """Subtract timestamps by the calendar: years and months first, then days, then time (``timestamp_age``)."""
    one, other = viewed(left, np.int64), viewed(right, np.int64)
    late, early = _calendar(np.maximum(one, other)), _calendar(np.minimum(one, other))
    months, days, micros = late[0] - early[0], late[1] - early[1], late[2] - early[2]
    below = micros < 0
    days -= below
    micros += below * DAY
    borrowed = days < 0
    days += borrowed * _LENGTHS[early[0] % len(_LENGTHS)]
    months -= borrowed
    sign = 1 - 2 * (one < other).astype(np.int64)
    return _intervals(months * sign, days * sign, micros * sign, known_bits(left, right))


def _calendar(micros: Ints) -> tuple[Ints, Ints, Ints]:
    """Return months since 1970, the day of the month from 0 on, and the microseconds of the day.

    Days are counted in years that begin in March, whose last day is the leap day: then the length of months follows
    a rule of 153 days in five of them.
    """
    days = micros // DAY
    since = (days + (_CYCLES * _CYCLE_DAYS + _FROM_MARCH_0_TO_1970)).astype(np.uint32)
    cycle = since // _CYCLE_DAYS
    of_cycle = since - cycle * _CYCLE_DAYS
    year = (of_cycle - of_cycle // 1460 + of_cycle // 36_524 - of_cycle // 146_096) // 365
    of_year = of_cycle - (365 * year + (year >> 2) - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5
    years = cycle.astype(np.int64) * _CYCLE_YEARS + year - (_CYCLES * _CYCLE_YEARS + 1970)
    return years * 12 + month + 2, day.astype(np.int64), micros - days * DAY


def field(names: pa.Array, values: pa.Array) -> pa.Array:
    """Return one field of intervals in millionths; ``names`` holds the same name in each row."""
    kind = pa.decimal128(38, 6)
    if len(values) == 0:
        return pa.array([], kind)
    return decimals(_field(names[0].as_py(), values), kind, known_bits(values))


def whole_field(names: pa.Array, values: pa.Array) -> pa.Array:
    """Return one field of intervals that has whole numbers alone; ``names`` holds the same name in each row."""
    kind = pa.decimal128(38, 0)
    if len(values) == 0:
        return pa.array([], kind)
    return decimals(_field(names[0].as_py(), values) // 1_000_000, kind, known_bits(values))


def _field(name: str, values: pa.Array) -> Ints:
    """Return a field in millionths."""
    months, days, micros = interval_parts(values)
    found: Ints = _FIELDS[name](months, days, micros)
    return found


def _cut(values: Ints, by: int) -> Ints:
    """Divide whole numbers, and cut off what is behind the point."""
    found: Ints = np.sign(values) * (np.abs(values) // by)
    return found


def _years(months: Ints) -> Ints:
    return _cut(months, 12)


def _seconds(micros: Ints) -> Ints:
    return micros - _cut(micros, 60_000_000) * 60_000_000


_FIELDS: dict[str, Callable[[Ints, Ints, Ints], Ints]] = {
    "YEAR": lambda months, days, micros: _years(months) * 1_000_000,
    "DECADE": lambda months, days, micros: _cut(months, 120) * 1_000_000,
    "CENTURY": lambda months, days, micros: _cut(months, 1200) * 1_000_000,
    "MILLENNIUM": lambda months, days, micros: _cut(months, 12_000) * 1_000_000,
    "QUARTER": lambda months, days, micros: (
        np.where(months < 0, -1, 1) * (np.abs(months - _years(months) * 12) // 3 + 1) * 1_000_000
    ),
    "MONTH": lambda months, days, micros: (months - _years(months) * 12) * 1_000_000,
    "DAY": lambda months, days, micros: days * 1_000_000,
    "HOUR": lambda months, days, micros: _cut(micros, 3_600_000_000) * 1_000_000,
    "MINUTE": lambda months, days, micros: (_cut(micros, 60_000_000) - _cut(micros, 3_600_000_000) * 60) * 1_000_000,
    "SECOND": lambda months, days, micros: _seconds(micros),
    "MILLISECOND": lambda months, days, micros: _seconds(micros) * 1000,
    "MICROSECOND": lambda months, days, micros: _seconds(micros) * 1_000_000,
    "EPOCH": lambda months, days, micros: (
        (_years(months) * 31_557_600 + (months - _years(months) * 12) * 2_592_000 + days * 86_400) * 1_000_000 + micros
    ),
}
