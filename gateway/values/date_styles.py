"""Dates and timestamps as text in the styles SQL, Postgres and German, joined from whole columns of their parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.values.datetimes import (
    DATE_INFINITY,
    DAY,
    INFINITY,
    checked_days,
    civil,
    clock_texts,
    date_parts,
    with_infinity,
)
from gateway.values.fields import Bools, Field, Int64s, field_of_binary, numbers_of
from gateway.values.zones import Zone, require_zone, require_zone_names

ISO = "iso"
_SECOND = 1_000_000
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed")  # from 1970-01-01 on
_MARKS = {"sql": "/", "german": ".", "postgres": "-"}


@dataclass(frozen=True, slots=True)
class DateStyle:
    """A session's ``DateStyle``: how dates look (``iso``, ``sql``, ``postgres`` or ``german``), and in which order
    numbers are read (``mdy``, ``dmy`` or ``ymd``), which some styles also write.
    """

    style: str = ISO
    order: str = "mdy"

    @property
    def is_iso(self) -> bool:
        """Whether dates look as in ISO 8601, whatever the order."""
        return self.style == ISO

    @property
    def day_first(self) -> bool:
        """Whether the day is written before the month."""
        return self.order == "dmy" or self.style == "german"


def date_style(setting: str) -> DateStyle:
    """Return what the server tells of its ``DateStyle``: ``SQL, DMY``."""
    style, _, order = setting.lower().partition(",")
    return DateStyle(style.strip(), order.strip() or "mdy")


def styled_date(values: pa.Array, style: DateStyle) -> Field:
    """Encode an array of date32 in a style that is not ISO."""
    days = numbers_of(values, np.int32)
    infinite = (days == DATE_INFINITY) | (days == -DATE_INFINITY - 1)
    text, before_christ = _dates(checked_days(days, infinite, of_timestamps=False), style)
    return field_of_binary(with_infinity(_with_era(text, before_christ), days, DATE_INFINITY, values))


def styled_timestamp(values: pa.Array, style: DateStyle, time_zone: str | None) -> Field:
    """Encode an array of timestamps in microseconds in a style that is not ISO; with a time zone as local time and the
    zone's abbreviation.
    """
    moments = numbers_of(values, np.int64)
    infinite: Bools = (moments == INFINITY) | (moments == -INFINITY - 1)
    local, zones = moments, None
    if time_zone is not None:
        seconds = np.where(infinite, 0, moments) // _SECOND
        zone: Zone = require_zone(time_zone)
        local = moments + np.where(infinite, 0, zone.local(seconds)) * _SECOND
        names = require_zone_names(time_zone)
        zones = pa.array([f" {name[:10]}" for name in names.names]).take(pa.array(names.at(seconds)))
    days = checked_days(local // DAY, infinite, of_timestamps=True)
    clock = np.where(infinite, 0, local - (local // DAY) * DAY)
    text, before_christ = (_postgres if style.style == "postgres" else _numbers_first)(days, clock_texts(clock), style)
    if zones is not None:
        text = pc.binary_join_element_wise(text, zones, "")
    return field_of_binary(with_infinity(_with_era(text, before_christ), moments, INFINITY, values))


def _dates(days: Int64s, style: DateStyle) -> tuple[pa.Array, Bools]:
    """Return days as numbers, the year last, and which years are before Christ."""
    numbers = civil(days)
    year, month, day = date_parts(*numbers)
    parts = (day, month, year) if style.day_first else (month, day, year)
    return pc.binary_join_element_wise(*parts, _MARKS[style.style]), numbers[0] <= 0


def _numbers_first(days: Int64s, clock: pa.Array, style: DateStyle) -> tuple[pa.Array, Bools]:
    text, before_christ = _dates(days, style)
    return pc.binary_join_element_wise(text, clock, " "), before_christ


def _postgres(days: Int64s, clock: pa.Array, style: DateStyle) -> tuple[pa.Array, Bools]:
    """Return ``Thu Jan 01 10:00:00 1970``, or with the day before the month."""
    year, month, day = civil(days)
    years, _, of_month = date_parts(year, month, day)
    weekdays = pa.array(_WEEKDAYS).take(pa.array(days % 7))
    months = pa.array(_MONTHS).take(pa.array(month - 1))
    middle = (of_month, months) if style.day_first else (months, of_month)
    return pc.binary_join_element_wise(weekdays, *middle, clock, years, " "), year <= 0


def _with_era(texts: pa.Array, before_christ: Bools) -> pa.Array:
    if not before_christ.any():
        return texts
    return pc.binary_join_element_wise(texts, pa.array(np.where(before_christ, " BC", "")), "")
