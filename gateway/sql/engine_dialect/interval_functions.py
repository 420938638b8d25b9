"""Intervals on Arrow arrays: months, days and nanoseconds side by side, as numpy records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_RECORD = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])
_TYPE = pa.month_day_nano_interval()
DAY = 86_400_000_000  # microseconds
_MOST = 2**31  # months, and days
_MOST_MICROSECONDS = 2**63 // 1000  # of which the engine has nanoseconds
Ints = np.ndarray[Any, np.dtype[np.int64]]
_Floats = np.ndarray[Any, np.dtype[np.float64]]
_Valid = np.ndarray[Any, np.dtype[np.bool_]]


def interval_parts(values: pa.Array) -> tuple[Ints, Ints, Ints]:
    """Return months, days and microseconds; of NULLs whatever lies there."""
    buffer = values.buffers()[1]
    if buffer is None:
        nothing = np.zeros(len(values), dtype=np.int64)
        return nothing, nothing, nothing
    records = np.frombuffer(buffer, dtype=_RECORD)[values.offset : values.offset + len(values)]
    return (
        records["months"].astype(np.int64),
        records["days"].astype(np.int64),
        records["nanoseconds"].astype(np.int64) // 1000,
    )


def make_interval(months: Ints, days: Ints, microseconds: Ints, valid: np.ndarray[Any, np.dtype[np.bool_]]) -> pa.Array:
    """Return intervals, NULL where they are not valid."""
    records = np.zeros(len(valid), dtype=_RECORD)
    records["months"], records["days"] = np.where(valid, months, 0), np.where(valid, days, 0)
    records["nanoseconds"] = np.where(valid, microseconds, 0) * 1000
    bits = pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())
    return pa.Array.from_buffers(_TYPE, len(valid), [bits, pa.py_buffer(records.tobytes())])


def valid_rows(*arrays: pa.Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return in which rows none of the arrays is NULL."""
    found = np.ones(len(arrays[0]), dtype=np.bool_)
    for array in arrays:
        found &= array.is_valid().to_numpy(zero_copy_only=False)
    return found


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
        fits = (np.abs(whole_months) < _MOST) & (np.abs(whole_days) < _MOST) & (np.abs(total) < _MOST_MICROSECONDS)
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
    difference = _micros(left) - _micros(right)
    days = np.sign(difference) * (np.abs(difference) // DAY)
    return make_interval(np.zeros_like(days), days, difference - days * DAY, valid_rows(left, right))


def between_times(left: pa.Array, right: pa.Array) -> pa.Array:
    """Subtract times of day."""
    difference = (_micros(left) - _micros(right)) // 1000
    nothing = np.zeros_like(difference)
    return make_interval(nothing, nothing, difference, valid_rows(left, right))


def age(left: pa.Array, right: pa.Array) -> pa.Array:
    """Subtract timestamps by the calendar: years and months first, then days, then time (``timestamp_age``)."""
    one, other = _micros(left), _micros(right)
    earlier = one < other
    late, early = _calendar(np.where(earlier, other, one)), _calendar(np.where(earlier, one, other))
    months, days, micros = late[0] - early[0], late[1] - early[1], late[2] - early[2]
    days, micros = days - (micros < 0), np.where(micros < 0, micros + DAY, micros)
    borrowed = days < 0
    days = np.where(borrowed, days + _days_of(early[0]), days)
    months = months - borrowed
    sign = np.where(earlier, -1, 1)
    return make_interval(months * sign, days * sign, micros * sign, valid_rows(left, right))


def _calendar(micros: Ints) -> tuple[Ints, Ints, Ints]:
    """Return months since 1970, the day of the month, and the microseconds of the day."""
    days = micros // DAY
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    return (
        months.astype(np.int64),
        (days.astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64),
        micros - days * DAY,
    )


def _days_of(months: Ints) -> Ints:
    start = months.astype("datetime64[M]")
    length: Ints = ((start + 1).astype("datetime64[D]") - start.astype("datetime64[D]")).astype(np.int64)
    return length


def field(names: pa.Array, values: pa.Array) -> pa.Array:
    """Return one field of intervals; ``names`` holds the same name in each row."""
    if len(values) == 0:
        return pa.array([], pa.decimal128(38, 6))
    months, days, micros = interval_parts(values)
    number = _field(names[0].as_py(), months, days, micros)
    whole = pa.array(number, mask=~valid_rows(values)).cast(pa.decimal128(38, 0))
    millionth = pc.multiply(whole.cast(pa.decimal128(26, 0)), pa.scalar(1, pa.decimal128(1, 0)))
    return pc.divide(millionth.cast(pa.decimal128(26, 6)), pa.scalar(1_000_000, pa.decimal128(7, 0))).cast(
        pa.decimal128(38, 6)
    )


def _field(name: str, months: Ints, days: Ints, micros: Ints) -> Ints:
    """Return a field in millionths."""
    years = np.trunc(months / 12).astype(np.int64)
    rest = months - years * 12
    clock = np.sign(micros) * (np.abs(micros) % 3_600_000_000)
    seconds = np.sign(micros) * (np.abs(micros) % 60_000_000)
    fields = {
        "YEAR": years * 1_000_000,
        "DECADE": np.trunc(years / 10).astype(np.int64) * 1_000_000,
        "CENTURY": np.trunc(years / 100).astype(np.int64) * 1_000_000,
        "MILLENNIUM": np.trunc(years / 1000).astype(np.int64) * 1_000_000,
        "QUARTER": np.where(months < 0, -1, 1) * (np.abs(rest) // 3 + 1) * 1_000_000,
        "MONTH": rest * 1_000_000,
        "DAY": days * 1_000_000,
        "HOUR": np.trunc(micros / 3_600_000_000).astype(np.int64) * 1_000_000,
        "MINUTE": np.trunc(clock / 60_000_000).astype(np.int64) * 1_000_000,
        "SECOND": seconds,
        "MILLISECOND": seconds * 1000,
        "MICROSECOND": seconds * 1_000_000,
        "EPOCH": (years * 31_557_600 + rest * 2_592_000 + days * 86_400) * 1_000_000 + micros,
    }
    found: Ints = fields[name]
    return found
