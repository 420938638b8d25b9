"""Dates, times and timestamps: text in ISO style from tables of days and of seconds of the day, and binary.

Other styles are in ``date_styles``.

Values are days since 1970, or microseconds since midnight or since 1970; PostgreSQL counts from 2000. The lowest and
the highest int64 (int32 for dates) stand for -infinity and infinity.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.values.fields import (
    LENGTH_BYTES,
    Bools,
    Field,
    Int32s,
    Int64s,
    Prefixed,
    Short,
    Words,
    field_of_binary,
    numbers_of,
    scatter,
    validity,
    with_nulls,
)
from gateway.values.numbers import eight_characters
from gateway.values.zones import Zone, offset_text, suffixes

EPOCH_DAYS = 10_957  # from 1970-01-01 to 2000-01-01
DAY = 86_400_000_000  # microseconds
EPOCH = EPOCH_DAYS * DAY
INFINITY = 2**63 - 1
DATE_INFINITY = 2**31 - 1
_SECOND = 1_000_000
_FIRST_DAY, _LAST_DAY = -25_567, 47_481  # 1900-01-01 to 2099-12-31: the days in the table
_MIN_DAY, _END_DAY = -2_440_588, 2_145_042_541  # 4714-11-24 BC to before 5874898-01-01
_END_TIMESTAMP_DAY = 106_741_035  # 294277-01-01
_DATE = 10  # characters of a date
_DATE_ENTRY = LENGTH_BYTES + _DATE
_STRIDE = 40
_SECONDS_AT = LENGTH_BYTES + _DATE + 1
_FRACTION_AT = _SECONDS_AT + 8


@dataclass(frozen=True, slots=True)
class _DayTable:
    """Days from 1900 to 2099: ``entries`` as values on the wire, ``head`` YYYY-MM- and ``tail`` DD as words."""

    entries: pa.Buffer
    head: Words
    tail: npt.NDArray[np.uint32]


def date_text(values: pa.Array) -> Field:
    """Encode an array of date32 as ``YYYY-MM-DD``, with ``BC`` and ``infinity`` where they apply."""
    days = numbers_of(values, np.int32)
    rows = len(values)
    if not are_usual_days(days):
        _check_days(days, _END_DAY, "date out of range", DATE_INFINITY)
        return field_of_binary(with_infinity(_any_dates(days.astype(np.int64)), days, DATE_INFINITY, values))
    starts = (days.astype(np.int64) - _FIRST_DAY) * _DATE_ENTRY
    lengths = with_nulls(np.full(rows, _DATE, np.int32), values)
    return Prefixed(lengths, np.zeros(rows, np.uint64), starts, _day_table().entries)


def date_binary(values: pa.Array) -> Field:
    """Encode an array of date32 as days since 2000."""
    days = numbers_of(values, np.int32)
    _check_days(days, _END_DAY, "date out of range", DATE_INFINITY)
    finite = (days != DATE_INFINITY) & (days != -DATE_INFINITY - 1)
    moved = np.where(finite, days.astype(np.int64) - EPOCH_DAYS, days).astype(np.int32)
    words = moved.byteswap().view(np.uint32).astype(np.uint64)
    return Short(with_nulls(np.full(len(values), 4, np.int32), values), words)


def time_text(values: pa.Array) -> Field:
    """Encode an array of time64 in microseconds as ``HH:MM:SS`` and the fraction without trailing zeros."""
    return _clock_text(_times(values), None, None, values)


def time_binary(values: pa.Array) -> Field:
    """Encode an array of time64 in microseconds as such."""
    words = _times(values).byteswap().view(np.uint64)
    return Short(with_nulls(np.full(len(values), 8, np.int32), values), words)


def _times(values: pa.Array) -> Int64s:
    """Return microseconds since midnight. Raises SqlError (22008) for what is no time of day."""
    times: Int64s = numbers_of(values, np.int64)
    if int(times.min(initial=0)) < 0 or int(times.max(initial=0)) > DAY:
        raise SqlError(SqlState.DATETIME_VALUE_OUT_OF_RANGE, "time out of range")
    return times


def timestamp_text(values: pa.Array, zone: Zone | None) -> Field:
    """Encode an array of timestamps in microseconds; with a zone as local time and its offset."""
    moments = numbers_of(values, np.int64)
    offsets: Int64s | None = None
    local = moments
    if zone is not None:
        offsets = zone.local(moments // _SECOND)
        finite = np.abs(moments) < INFINITY - DAY
        local = moments + np.where(finite, offsets, 0) * _SECOND
    days = local // DAY
    clock = local - days * DAY
    if are_usual_days(days):
        return _clock_text(clock, days, offsets, values)
    infinite = (moments == INFINITY) | (moments == -INFINITY - 1)
    _check_days(np.where(infinite, 0, days), _END_TIMESTAMP_DAY, "timestamp out of range", None)
    return field_of_binary(
        with_infinity(_any_timestamps(np.where(infinite, 0, days), clock, offsets), moments, INFINITY, values)
    )


def timestamp_binary(values: pa.Array) -> Field:
    """Encode an array of timestamps in microseconds as microseconds since 2000."""
    moments = numbers_of(values, np.int64)
    infinite = (moments == INFINITY) | (moments == -INFINITY - 1)
    _check_days(np.where(infinite, 0, moments // DAY), _END_TIMESTAMP_DAY, "timestamp out of range", None)
    words = np.where(infinite, moments, moments - EPOCH).byteswap().view(np.uint64)
    return Short(with_nulls(np.full(len(values), 8, np.int32), values), words)


def _clock_text(clock: Int64s, days: Int64s | None, offsets: Int64s | None, values: pa.Array) -> Prefixed:
    """Return texts of a day of the table (if any), a time of day, and an offset (if any), in rows of equal stride."""
    rows = len(clock)
    scratch = np.empty((rows, _STRIDE), np.uint8)
    if days is not None:
        table, places = _day_table(), days - _FIRST_DAY
        _column(scratch, LENGTH_BYTES, np.uint64)[:] = table.head.take(places)
        _column(scratch, LENGTH_BYTES + 8, np.uint32)[:] = table.tail.take(places)
    seconds = clock // _SECOND
    _column(scratch, _SECONDS_AT, np.uint64)[:] = _second_table().take(seconds)
    begin = 0 if days is not None else _SECONDS_AT - LENGTH_BYTES
    lengths = np.full(rows, _FRACTION_AT - LENGTH_BYTES - begin, np.int32)
    fraction = clock - seconds * _SECOND
    if fraction.any():
        characters = eight_characters(fraction.view(np.uint64)) >> np.uint64(8)
        point = np.uint64(ord(".") ^ ord("0"))
        _column(scratch, _FRACTION_AT, np.uint64)[:] = characters ^ point
        lengths += _fraction_lengths(fraction)
    starts = np.arange(begin, begin + rows * _STRIDE, _STRIDE, dtype=np.int64)
    if offsets is not None:
        distinct, which = (
            np.unique(offsets, return_inverse=True) if rows and offsets.strides[0] else (offsets[:1], None)
        )
        texts, sizes = suffixes(distinct)
        if which is None:
            which = np.zeros(rows, np.int64)
        scatter(scratch, starts + LENGTH_BYTES + lengths, texts.take(which, axis=0))
        lengths += sizes.take(which)
    prefix = lengths.byteswap().view(np.uint32)
    _column(scratch, begin, np.uint32)[:] = prefix
    words = np.ascontiguousarray(_column(scratch, begin + LENGTH_BYTES, np.uint64))
    return Prefixed(with_nulls(lengths, values), words, starts, pa.py_buffer(scratch))


def _fraction_lengths(fraction: Int64s) -> Int32s:
    """Return how many characters a fraction of a second takes with its point and without trailing zeros."""
    lengths = np.where(fraction != 0, 7, 0).astype(np.int32)
    power = 10
    trailing = (fraction % power == 0) & (fraction != 0)
    while trailing.any():
        lengths -= trailing
        power *= 10
        trailing &= fraction % power == 0
    return lengths


def _any_dates(days: Int64s) -> pa.Array:
    """Return texts of any days as strings, years before 1 marked ``BC``."""
    text, before_christ = _calendar(days)
    return pc.binary_join_element_wise(text, pa.array(np.where(before_christ, " BC", "")), "")


def _any_timestamps(days: Int64s, clock: Int64s, offsets: Int64s | None) -> pa.Array:
    text, before_christ = _calendar(days)
    zones = pa.array(np.zeros(len(days), "U9")) if offsets is None else offset_texts(offsets)
    eras = pa.array(np.where(before_christ, " BC", ""))
    return pc.binary_join_element_wise(text, " ", clock_texts(clock), zones, eras, "")


def clock_texts(clock: Int64s) -> pa.Array:
    """Return microseconds since midnight as strings: ``HH:MM:SS`` and the fraction without trailing zeros."""
    seconds = clock // _SECOND
    fraction = clock - seconds * _SECOND
    lengths = _fraction_lengths(fraction)
    digits = pc.utf8_lpad(pa.array(fraction).cast(pa.string()), 6, "0")
    tails = pa.array(np.zeros(len(clock), "U7"))
    for length in np.unique(lengths):
        if length:
            some = pa.array(lengths == length)
            cut = pc.binary_join_element_wise(".", pc.utf8_slice_codeunits(digits, 0, int(length) - 1), "")
            tails = pc.if_else(some, cut, tails)
    times = pa.array(np.ascontiguousarray(_second_table().take(seconds)).view("S8").astype("U8"))
    return pc.binary_join_element_wise(times, tails, "")


def offset_texts(offsets: Int64s) -> pa.Array:
    """Return offsets from UTC in seconds as strings."""
    distinct, which = np.unique(offsets, return_inverse=True)
    return pa.array([offset_text(int(offset)).decode() for offset in distinct], pa.string()).take(pa.array(which))


def _calendar(days: Int64s) -> tuple[pa.Array, Bools]:
    """Return days as ``YYYY-MM-DD`` with years counted from 1, and which years are before Christ."""
    year, month, day = civil(days)
    before_christ: Bools = year <= 0
    return pc.binary_join_element_wise(*date_parts(year, month, day), "-"), before_christ


def date_parts(year: Int64s, month: Int64s, day: Int64s) -> list[pa.Array]:
    """Return year (counted from 1, of four digits or more), month and day (two digits) as strings."""
    parts = [(np.where(year <= 0, 1 - year, year), 4), (month, 2), (day, 2)]
    return [pc.utf8_lpad(pa.array(part).cast(pa.string()), width, "0") for part, width in parts]


def civil(days: Int64s) -> tuple[Int64s, Int64s, Int64s]:
    """Return year (0 is 1 BC), month and day of days since 1970."""
    shifted = days + 719_468  # from 0000-03-01
    era = shifted // 146_097
    day_of_era = shifted - era * 146_097
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_of_year = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_of_year + 2) // 5 + 1
    month = np.where(month_of_year < 10, month_of_year + 3, month_of_year - 9)
    return year_of_era + era * 400 + (month <= 2), month, day


def checked_days(days: npt.NDArray[np.signedinteger], infinite: Bools, *, of_timestamps: bool) -> Int64s:
    """Return days, 0 for infinite ones. Raises SqlError (22008) if one is outside PostgreSQL's calendar."""
    finite: Int64s = np.where(infinite, 0, days).astype(np.int64)
    end, what = (_END_TIMESTAMP_DAY, "timestamp") if of_timestamps else (_END_DAY, "date")
    _check_days(finite, end, f"{what} out of range", None)
    return finite


def with_infinity(texts: pa.Array, numbers: npt.NDArray[np.signedinteger], infinity: int, values: pa.Array) -> pa.Array:
    """Return texts with NULLs and both infinities in their places; ``numbers`` are those of ``values``."""
    if (numbers == infinity).any() or (numbers == -infinity - 1).any():
        texts = pc.if_else(pa.array(numbers == infinity), "infinity", texts)
        texts = pc.if_else(pa.array(numbers == -infinity - 1), "-infinity", texts)
    return pc.if_else(pa.array(validity(values)), texts, None) if values.null_count else texts


def are_usual_days(days: npt.NDArray[np.signedinteger]) -> bool:
    """Whether all days since 1970 are of this century or the one before: nothing infinite, before Christ or long."""
    least, most = np.minimum.reduce(days, initial=0), np.maximum.reduce(days, initial=0)
    return bool(least >= _FIRST_DAY and most <= _LAST_DAY)


def _check_days(days: npt.NDArray[np.signedinteger], end: int, message: str, infinity: int | None) -> None:
    """Raise SqlError (22008) if a day is outside PostgreSQL's calendar."""
    outside = (days < _MIN_DAY) | (days >= end)
    if infinity is not None:
        outside &= (days != infinity) & (days != -infinity - 1)
    if outside.any():
        raise SqlError(SqlState.DATETIME_VALUE_OUT_OF_RANGE, message)


def _column(scratch: npt.NDArray[np.uint8], at: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return bytes ``at`` of each row of ``scratch`` as numbers of ``dtype``."""
    rows, stride = scratch.shape
    return np.ndarray((rows,), np.dtype(dtype), scratch, at, (stride,)) if rows else np.empty(0, dtype)


@cache
def _day_table() -> _DayTable:
    texts, _ = _calendar(np.arange(_FIRST_DAY, _LAST_DAY + 1, dtype=np.int64))
    count = len(texts)
    plain = np.frombuffer(texts.buffers()[2], np.uint8, count * _DATE).reshape(count, _DATE)
    entries = np.zeros((count, _DATE_ENTRY), np.uint8)
    entries[:, LENGTH_BYTES - 1] = _DATE
    entries[:, LENGTH_BYTES:] = plain
    head = np.ascontiguousarray(plain[:, :8]).view(np.uint64).reshape(count)
    tail = np.full((count, 4), ord(" "), np.uint8)
    tail[:, :2] = plain[:, 8:]
    return _DayTable(pa.py_buffer(entries), head, tail.view(np.uint32).reshape(count))


@cache
def _second_table() -> Words:
    """Return ``HH:MM:SS`` of each second of a day, 24:00:00 included."""
    times = (f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}" for second in range(86_401))
    return np.frombuffer("".join(times).encode(), np.uint64)
