"""Intervals as text in the styles sql_standard, postgres_verbose and iso_8601, joined from columns of their parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.values.fields import Bools, Field, Int64s, field_of_binary, validity
from gateway.values.intervals import interval_parts

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class _Parts:
    """The fields that PostgreSQL shows, each with its own sign; those of the time of day have one sign."""

    year: Int64s
    month: Int64s
    day: Int64s
    hour: Int64s
    minute: Int64s
    micros: Int64s  # seconds with their fraction

    def columns(self) -> tuple[Int64s, ...]:
        """Return the fields from the largest to the smallest."""
        return (self.year, self.month, self.day, self.hour, self.minute, self.micros)


def sql_standard(values: pa.Array) -> Field:
    """Encode intervals as ``1-2``, ``3 4:05:06`` or, if both have to be told or signs differ, ``+1-2 +3 -4:05:06``."""
    parts = _parts(values)
    below: Bools = np.logical_or.reduce([column < 0 for column in parts.columns()])
    above: Bools = np.logical_or.reduce([column > 0 for column in parts.columns()])
    has_months, has_day = (parts.year != 0) | (parts.month != 0), parts.day != 0
    has_time = has_day | (parts.hour != 0) | (parts.minute != 0) | (parts.micros != 0)
    plain = ~(below & above) & ~(has_months & has_time)
    months = _joined(_size(parts.year), "-", _size(parts.month))
    clock = _joined(_size(parts.hour), ":", _padded(parts.minute), ":", _seconds(parts.micros, padded=True))
    days = _size(parts.day)
    time_below = (parts.hour < 0) | (parts.minute < 0) | (parts.micros < 0)
    months_below = (parts.year < 0) | (parts.month < 0)
    signed = _joined(_sign(months_below), months, " ", _sign(parts.day < 0), days, " ", _sign(time_below), clock)
    bare = pc.if_else(pa.array(has_months), months, pc.if_else(pa.array(has_day), _joined(days, " ", clock), clock))
    bare = _joined(pa.array(np.where(below, "-", "")), bare)
    texts = pc.if_else(pa.array(plain), pc.if_else(pa.array(below | above), bare, "0"), signed)
    return _field(texts, values)


def iso_8601(values: pa.Array) -> Field:
    """Encode intervals as ``P1Y2M3DT4H5M6.7S``."""
    parts = _parts(values)
    pieces: list[pa.Array | str] = ["P"]
    for column, unit in ((parts.year, "Y"), (parts.month, "M"), (parts.day, "D")):
        pieces.append(_where(column != 0, _joined(_number(column), unit)))
    timed = (parts.hour != 0) | (parts.minute != 0) | (parts.micros != 0)
    nothing = (parts.year == 0) & (parts.month == 0) & (parts.day == 0) & ~timed
    pieces.append(pa.array(np.where(timed, "T", np.where(nothing, "T0S", ""))))
    for column, unit in ((parts.hour, "H"), (parts.minute, "M")):
        pieces.append(_where(column != 0, _joined(_number(column), unit)))
    minus = pa.array(np.where(parts.micros < 0, "-", ""))
    pieces.append(_where(parts.micros != 0, _joined(minus, _seconds(parts.micros, padded=False), "S")))
    return _field(_joined(*pieces), values)


def postgres_verbose(values: pa.Array) -> Field:
    """Encode intervals as ``@ 1 year 2 mons -3 days 4 hours 5 mins 6.7 secs ago``."""
    parts = _parts(values)
    rows = len(values)
    pieces: list[pa.Array | str] = ["@"]
    nothing: Bools = np.ones(rows, np.bool_)  # so far
    backwards: Bools = np.zeros(rows, np.bool_)
    units = ("year", "mon", "day", "hour", "min")
    for column, unit in zip(parts.columns(), units, strict=False):
        used = column != 0
        backwards = backwards | (used & nothing & (column < 0))
        shown = np.where(backwards, -column, column)
        names = pa.array(np.where(shown == 1, f" {unit}", f" {unit}s"))
        pieces.append(_where(used, _joined(" ", _number(shown), names)))
        nothing = nothing & ~used
    used = parts.micros != 0
    backwards = backwards | (used & nothing & (parts.micros < 0))
    minus = pa.array(np.where((parts.micros < 0) != backwards, "-", ""))
    names = pa.array(np.where(np.abs(parts.micros) == _SECOND, " sec", " secs"))
    pieces.append(_where(used, _joined(" ", minus, _seconds(parts.micros, padded=False), names)))
    pieces.append(pa.array(np.where(nothing & ~used, " 0", "")))
    pieces.append(pa.array(np.where(backwards, " ago", "")))
    return _field(_joined(*pieces), values)


def _parts(values: pa.Array) -> _Parts:
    months, days, micros = interval_parts(values)
    years = np.sign(months) * (np.abs(months) // 12)
    sign, size = np.sign(micros), np.abs(micros)
    seconds = size // _SECOND
    hours, minutes = seconds // 3600, seconds // 60 % 60
    rest = size - (hours * 3600 + minutes * 60) * _SECOND
    return _Parts(years, months - 12 * years, days, sign * hours, sign * minutes, sign * rest)


def _joined(*pieces: pa.Array | str) -> pa.Array:
    return pc.binary_join_element_wise(*pieces, "")


def _where(used: Bools, text: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(used), text, "")


def _number(column: Int64s) -> pa.Array:
    return pa.array(column).cast(pa.string())


def _size(column: Int64s) -> pa.Array:
    return _number(np.abs(column))


def _padded(column: Int64s) -> pa.Array:
    return pc.utf8_lpad(_size(column), 2, "0")


def _sign(below: Bools) -> pa.Array:
    return pa.array(np.where(below, "-", "+"))


def _seconds(micros: Int64s, *, padded: bool) -> pa.Array:
    """Return the size of seconds, their fraction without trailing zeros."""
    size = np.abs(micros)
    whole, fraction = size // _SECOND, size % _SECOND
    digits = pc.utf8_rtrim(pc.utf8_lpad(pa.array(fraction).cast(pa.string()), 6, "0"), "0")
    point = pa.array(np.where(fraction != 0, ".", ""))
    return _joined(_padded(whole) if padded else _number(whole), point, digits)


def _field(texts: pa.Array, values: pa.Array) -> Field:
    return field_of_binary(pc.if_else(pa.array(validity(values)), texts, None) if values.null_count else texts)
