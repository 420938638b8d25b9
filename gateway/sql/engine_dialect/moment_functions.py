"""Dates, timestamps and intervals on Arrow arrays, where the engine has no such function or other limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.sql.engine_dialect.array_views import decimals, known_bits, made, viewed
from gateway.sql.engine_dialect.interval_functions import DAY, interval_parts, valid_rows

_FIRST_DAY, _END_DAY = -2_440_588, 2_145_042_541  # PostgreSQL's calendar, in days since 1970
_INFINITE_DAY = 2**31 - 1
_EPOCH = 946_684_800_000_000  # 2000-01-01 in microseconds since 1970
_FIRST_MICROS, _END_MICROS = (day * 86_400_000_000 - _EPOCH for day in (_FIRST_DAY, 106_751_991))  # since 2000
_INFINITE = 2**63 - 1
_MOST_MICROS = _INFINITE - DAY  # of what is rounded
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0])  # beyond the year: none
_FROM_MARCH_0_TO_1970 = 719_468  # days
_MONTH = 30  # days, where intervals are compared
_DAYS_IN_64_BITS = 100_000_000  # of microseconds, with as many that are counted as time
_MANY_DAYS = 2**31
_USUAL_SECONDS = 1e11  # since 1970: some three thousand years
Ints = np.ndarray[Any, np.dtype[np.int64]]


def date_plus(dates: pa.Array, days: pa.Array) -> pa.Array:
    """Add days to dates; infinite ones stay."""
    first, more = viewed(dates, np.int32), viewed(days, np.int64)
    if len(first) and more.min() > -_MANY_DAYS and more.max() < _MANY_DAYS:
        sums = first + more
        if first.min() > _FIRST_DAY and first.max() < _END_DAY and sums.min() >= _FIRST_DAY and sums.max() < _END_DAY:
            return made(pa.date32(), sums.astype(np.int32), known_bits(dates, days))
    start = _numbers(dates.cast(pa.int32()).cast(pa.int64()))
    count = _numbers(days)
    finite = (start != _INFINITE_DAY) & (start != -_INFINITE_DAY - 1)
    total = np.where(finite, start + np.clip(count, -(2**40), 2**40), start)
    valid = valid_rows(dates, days)
    if (finite & valid & ((total < _FIRST_DAY) | (total >= _END_DAY))).any():
        raise ValueError("[22008] date out of range")
    return pa.array(np.where(valid, total, 0).astype(np.int32), mask=~valid).cast(pa.date32())


def date_of_parts(years: pa.Array, months: pa.Array, days: pa.Array) -> pa.Array:
    """Return the dates of years, months and days; years before Christ are negative, and there is no year 0."""
    valid = valid_rows(years, months, days)
    year, month, day = _numbers(years), _numbers(months), _numbers(days)
    civil = np.where(year < 0, year + 1, year)
    leap = (civil % 4 == 0) & ((civil % 100 != 0) | (civil % 400 == 0))
    last = _MONTH_DAYS[np.clip(month, 0, 13)] + (leap & (month == 2))
    wrong = valid & ((year == 0) | (day < 1) | (day > last))
    if wrong.any():
        at = int(np.argmax(wrong))
        written = f"{civil[at]}-{month[at]:02d}-{day[at]:02d}"
        raise ValueError(f"[22008] date field value out of range: {written}")
    shifted = civil - (month <= 2)  # years that begin in March, so that the leap day is their last
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    number = 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400 + of_year - _FROM_MARCH_0_TO_1970
    outside = valid & ((number < _FIRST_DAY) | (number >= _END_DAY))
    if outside.any():
        at = int(np.argmax(outside))
        raise ValueError(f"[22008] date out of range: {civil[at]}-{month[at]:02d}-{day[at]:02d}")
    return pa.array(np.where(valid, number, 0).astype(np.int32), mask=~valid).cast(pa.date32())


def rounded_timestamp(stamps: pa.Array, digits: pa.Array) -> pa.Array:
    """Round timestamps to so many digits of a second, halves away from the beginning of 2000."""
    if not len(stamps):
        return stamps
    unit = 10 ** (6 - digits[0].as_py())
    micros = viewed(stamps, np.int64)
    away = micros - _EPOCH
    if away.min() >= 0 and micros.max() < _MOST_MICROS:
        return made(stamps.type, (away + unit // 2) // unit * unit + _EPOCH, known_bits(stamps))
    rounded = np.sign(away) * ((np.abs(away) + unit // 2) // unit * unit) + _EPOCH
    finite = (micros < _MOST_MICROS) & (micros > -_MOST_MICROS)
    return made(stamps.type, np.where(finite, rounded, micros), known_bits(stamps))


def rounded_time(times: pa.Array, digits: pa.Array) -> pa.Array:
    """Round times of day to so many digits of a second."""
    if not len(times):
        return times
    unit = 10 ** (6 - digits[0].as_py())
    micros = _numbers(times.cast(pa.int64())) // 1000
    rounded = (micros + unit // 2) // unit * unit
    if (rounded >= DAY).any():
        raise ValueError("[0A000] the time 24:00:00 is not available on lake tables")
    return pa.array(rounded * 1000, mask=~valid_rows(times)).cast(times.type)


def interval_size(spans: pa.Array) -> pa.Array:
    """Return the number of microseconds that PostgreSQL compares intervals by: a month has thirty days."""
    kind = pa.decimal128(38, 0)
    months, days, micros = interval_parts(spans)
    whole = months * _MONTH + days
    bits = known_bits(spans)
    if not len(whole) or max(whole.max(), -whole.min()) < _DAYS_IN_64_BITS:  # with the time of day
        return decimals(whole * DAY + micros, kind, bits)
    whole += micros // DAY
    mask = ~valid_rows(spans)
    length = pa.scalar(DAY, pa.int64()).cast(pa.decimal128(19, 0)).cast(pa.decimal128(12, 0))
    large = pc.multiply(pa.array(whole, mask=mask).cast(pa.decimal128(19, 0)), length)
    return pc.add(large, pa.array(micros % DAY, mask=mask).cast(pa.decimal128(19, 0))).cast(kind)


def epoch(stamps: pa.Array) -> pa.Array:
    """Return the seconds since 1970 of timestamps."""
    return decimals(viewed(stamps, np.int64), pa.decimal128(20, 6), known_bits(stamps))


def _numbers(values: pa.Array) -> Ints:
    found: Ints = pc.fill_null(values, 0).to_numpy(zero_copy_only=False)
    return found


def of_epoch(seconds: pa.Array) -> pa.Array:
    """Return the moments so many seconds behind 1970, as PostgreSQL rounds them; infinite where those are."""
    given = viewed(seconds, np.float64)
    if len(given) and given.min() >= 0 and given.max() < _USUAL_SECONDS:
        near = np.rint((given - _EPOCH / 1e6) * 1e6).astype(np.int64) + _EPOCH
        return made(pa.timestamp("us", "UTC"), near, known_bits(seconds))
    floats = pc.fill_null(seconds, 0.0).to_numpy(zero_copy_only=False)
    if np.isnan(floats).any():
        raise ValueError("[22008] timestamp cannot be NaN")
    finite = np.isfinite(floats)
    with np.errstate(invalid="ignore", over="ignore"):
        micros = np.rint((np.where(finite, floats, 0.0) - _EPOCH / 1e6) * 1e6)
    if ((micros < _FIRST_MICROS) | (micros >= _END_MICROS)).any():
        raise ValueError("[22008] timestamp out of range")
    whole = micros.astype(np.int64) + _EPOCH
    whole = np.where(finite, whole, np.where(floats > 0, _INFINITE, -_INFINITE - 1))
    return pc.if_else(pc.is_valid(seconds), pa.array(whole).cast(pa.timestamp("us", "UTC")), None)
