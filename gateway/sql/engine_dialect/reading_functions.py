"""Text that is cast to other types, whole Arrow arrays at a time.

The forms of ISO 8601 are read here. Of a text in another form PostgreSQL's reader says what is wrong with it; where
nothing is, the form is refused (0A000), for it would have to be read value by value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from catalog.errors import SqlError
from gateway.sql.engine_dialect.interval_functions import DAY, make_interval, zone_to_utc
from gateway.values.datetime_input import parse_date, parse_time, parse_timestamp
from gateway.values.fields import binary_of_field
from gateway.values.interval_input import parse_interval
from gateway.values.scalar_input import FALSE_WORDS, SPACE, TRUE_WORDS, invalid, parse_boolean
from gateway.values.settings import InputSettings
from gateway.values.strings import are_uuids, plain_string, uuid_text

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_DATE = r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
_CLOCK = r"(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:\.(?P<fraction>\d{1,6}))?)?"
_ZONE = r"(?P<zone>Z|z|(?P<sign>[+-])(?P<east>\d{2})(?::?(?P<rest>\d{2}))?)"
_DATE_FORM = rf"^\s*{_DATE}\s*$"
_TIME_FORM = rf"^\s*{_CLOCK}\s*$"
_STAMP_FORM = rf"^\s*{_DATE}(?:(?: +|T){_CLOCK} ?{_ZONE}?)?\s*$"
_SPAN_FORM = r"^\s*(?P<count>[+-]?\d{1,9})\s*(?P<unit>[a-zA-Z]+)\s*$"
_EPOCH_MONTH = 1970 * 12


def boolean_of(texts: pa.Array) -> pa.Array:
    """Read booleans."""
    words = pc.utf8_lower(pc.utf8_trim(texts, SPACE))
    true = pc.is_in(words, pa.array(TRUE_WORDS))
    known = pc.or_(true, pc.is_in(words, pa.array(FALSE_WORDS))).to_numpy(zero_copy_only=False)
    _refuse(texts, known, parse_boolean, "boolean")
    return pc.if_else(texts.is_valid(), true, None)


def date_of(texts: pa.Array) -> pa.Array:
    """Read dates."""
    parts = pc.extract_regex(texts, _DATE_FORM)
    days, known = _days(parts)
    _refuse(texts, known, parse_date, "date")
    return pa.array(days.astype(np.int32), mask=_missing(texts)).cast(pa.date32())


def time_of(texts: pa.Array) -> pa.Array:
    """Read times of day."""
    parts = pc.extract_regex(texts, _TIME_FORM)
    _refuse(texts, _matched(parts), parse_time, "time")
    return pa.array(_clock(parts) * 1000, mask=_missing(texts)).cast(pa.time64("ns"))


def timestamp_of(texts: pa.Array) -> pa.Array:
    """Read timestamps; a time zone is left out of account."""
    return _stamps(texts, "UTC", with_zone=False)[0].cast(pa.timestamp("us"))


def timestamptz_of(texts: pa.Array, zones: pa.Array) -> pa.Array:
    """Read timestamps with time zone; those that name none are in the one given, the same for all rows."""
    target = pa.timestamp("us", "UTC")
    if not len(texts):
        return pa.array([], target)
    local, offsets, zoned = _stamps(texts, zones[0].as_py(), with_zone=True)
    moments = pc.subtract(local, pa.array(offsets * 1_000_000)).cast(target)
    if zoned.all():
        return moments
    return pc.if_else(pa.array(zoned), moments, zone_to_utc(local.cast(pa.timestamp("us")), zones))


def interval_of(texts: pa.Array) -> pa.Array:
    """Read intervals of one whole unit: ``3 days``."""
    parts = pc.extract_regex(texts, _SPAN_FORM)
    units = pc.struct_field(parts, "unit")
    sizes: dict[str, tuple[int, int, int]] = {}
    for unit in pc.unique(units).drop_null().to_pylist():  # a few words, whatever the number of rows
        try:
            sizes[unit] = parse_interval(f"1 {unit}")
        except SqlError:
            continue
    known = pc.fill_null(pc.is_in(units, pa.array([*sizes], pa.string())), False).to_numpy(zero_copy_only=False)
    _refuse(texts, known, parse_interval, "interval")
    counts = _numbers(parts, "count")
    columns = np.zeros((3, len(texts)), np.int64)
    for unit, size in sizes.items():
        chosen = pc.fill_null(pc.equal(units, unit), False).to_numpy(zero_copy_only=False)
        columns += np.where(chosen, counts, 0) * np.array(size, np.int64)[:, np.newaxis]
    return make_interval(columns[0], columns[1], columns[2], ~_missing(texts))


def uuid_of(texts: pa.Array) -> pa.Array:
    """Read uuids, as text in PostgreSQL's form."""
    known = pc.fill_null(are_uuids(texts), True).to_numpy(zero_copy_only=False)
    if not known.all():
        raise _stated(invalid("uuid", plain_string(texts)[int(np.flatnonzero(~known)[0])].as_py()))
    return binary_of_field(uuid_text(texts)).cast(pa.string())


def _stamps(texts: pa.Array, time_zone: str, *, with_zone: bool) -> tuple[pa.Array, Ints, Bools]:
    """Return local microseconds, the offset in seconds that was given, and where one was."""
    parts = pc.extract_regex(texts, _STAMP_FORM)
    days, known = _days(parts)

    def read(text: str) -> Any:
        return parse_timestamp(text, InputSettings(time_zone), with_zone)

    _refuse(texts, known, read, "timestamp with time zone" if with_zone else "timestamp")
    east = _numbers(parts, "east") * 3600 + _numbers(parts, "rest") * 60
    minus = pc.fill_null(pc.equal(pc.struct_field(parts, "sign"), "-"), False).to_numpy(zero_copy_only=False)
    zoned = pc.not_equal(pc.fill_null(pc.struct_field(parts, "zone"), ""), "").to_numpy(zero_copy_only=False)
    local = pa.array(days * DAY + _clock(parts), mask=_missing(texts))
    return local, np.where(minus, -east, east), zoned


def _days(parts: pa.Array) -> tuple[Ints, Bools]:
    """Return days since 1970, and which rows are dates."""
    year, month, day = (_numbers(parts, name) for name in ("year", "month", "day"))
    months = (year * 12 + month - 1 - _EPOCH_MONTH).astype("datetime64[M]")
    first = months.astype("datetime64[D]").astype(np.int64)
    length = (months + 1).astype("datetime64[D]").astype(np.int64) - first
    known = _matched(parts) & (year > 0) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= length)
    return first + day - 1, known


def _clock(parts: pa.Array) -> Ints:
    """Return microseconds since midnight."""
    hours, minutes, seconds = (_numbers(parts, name) for name in ("hour", "minute", "second"))
    fraction = pc.utf8_rpad(pc.fill_null(pc.struct_field(parts, "fraction"), ""), 6, "0")
    micros: Ints = fraction.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros


def _numbers(parts: pa.Array, name: str) -> Ints:
    """Return a part of each text as a number, 0 where there is none."""
    texts = pc.fill_null(pc.struct_field(parts, name), "")
    found: Ints = pc.if_else(pc.equal(texts, ""), "0", texts).cast(pa.int64()).to_numpy(zero_copy_only=False)
    return found


def _matched(parts: pa.Array) -> Bools:
    found: Bools = parts.is_valid().to_numpy(zero_copy_only=False)
    return found


def _missing(texts: pa.Array) -> Bools:
    found: Bools = texts.is_null().to_numpy(zero_copy_only=False)
    return found


def _refuse(texts: pa.Array, known: Bools, read: Callable[[str], Any], type_name: str) -> None:
    """Raise PostgreSQL's error of the first text in another form, 0A000 where it has none."""
    others = np.flatnonzero(~known & ~_missing(texts))
    if not len(others):
        return
    try:
        read(plain_string(texts)[int(others[0])].as_py())
    except SqlError as error:
        raise _stated(error) from None
    message = f"a cast of text in this form to {type_name} is not available on lake tables"
    raise ValueError(f"[0A000] {message}")


def _stated(error: SqlError) -> ValueError:
    return ValueError(f"[{error.sqlstate.value}] {error.message}")
