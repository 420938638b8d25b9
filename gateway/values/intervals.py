"""Intervals: months, days and microseconds, in the ``postgres`` style and in binary."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.values.fields import LENGTH_BYTES, Bools, Field, Int64s, field_of_binary, numbers_of, validity
from gateway.values.strings import fixed_field

_LAYOUT = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])
_NANOSECONDS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_HOUR = 3_600_000_000
_MINUTE = 60_000_000
_SECOND = 1_000_000
_BINARY_BYTES = 16


def interval_parts(values: pa.Array) -> tuple[Int64s, Int64s, Int64s]:
    """Return months, days and microseconds (towards zero) of an array of intervals or durations."""
    rows = len(values)
    if pa.types.is_duration(values.type):
        ticks = numbers_of(values, np.int64).astype(np.int64)
        unit = _NANOSECONDS[values.type.unit]
        micros = ticks * (unit // 1000) if unit >= 1000 else np.trunc(ticks / 1000).astype(np.int64)
        return np.zeros(rows, np.int64), np.zeros(rows, np.int64), micros
    parts = numbers_of(values, _LAYOUT)
    nanoseconds = parts["nanoseconds"]
    micros = np.sign(nanoseconds) * (np.abs(nanoseconds) // 1000)
    return parts["months"].astype(np.int64), parts["days"].astype(np.int64), micros


def interval_binary(values: pa.Array) -> Field:
    """Encode intervals as microseconds, days and months."""
    months, days, micros = interval_parts(values)
    rows = len(values)
    scratch = np.empty((rows, LENGTH_BYTES + _BINARY_BYTES), np.uint8)
    scratch[:, :LENGTH_BYTES] = (0, 0, 0, _BINARY_BYTES)
    scratch[:, 4:12] = micros.astype(">i8").view(np.uint8).reshape(rows, 8)
    scratch[:, 12:16] = days.astype(">i4").view(np.uint8).reshape(rows, 4)
    scratch[:, 16:20] = months.astype(">i4").view(np.uint8).reshape(rows, 4)
    return fixed_field(scratch, values)


def interval_text(values: pa.Array) -> Field:
    """Encode intervals as ``1 year 2 mons 3 days 04:05:06.789``."""
    months, days, micros = interval_parts(values)
    years = np.sign(months) * (np.abs(months) // 12)
    counts = (years, months - 12 * years, days)
    pieces: list[pa.Array] = []
    written = np.zeros(len(values), np.bool_)
    before: Bools = np.zeros(len(values), np.bool_)  # whether the part before was negative
    for count, unit in zip(counts, ("year", "mon", "day"), strict=True):
        used = count != 0
        lead = np.where(written, " ", "") if unit != "year" else np.full(len(values), "")
        sign = np.where(before & (count > 0), "+", "")
        names = np.where(count == 1, f" {unit}", f" {unit}s")
        text = pc.binary_join_element_wise(
            pa.array(lead), pa.array(sign), pa.array(count).cast(pa.string()), pa.array(names), ""
        )
        pieces.append(pc.if_else(pa.array(used), text, ""))
        written |= used
        before = np.where(used, count < 0, before)
    clock = _clock(micros, written, before)
    shown = (micros != 0) | ~written
    pieces.append(pc.if_else(pa.array(shown), clock, ""))
    joined = pc.binary_join_element_wise(*pieces, "")
    return field_of_binary(pc.if_else(pa.array(validity(values)), joined, None) if values.null_count else joined)


def _clock(micros: Int64s, written: Bools, before: Bools) -> pa.Array:
    """Return the time part: a sign, hours of at least two digits, minutes, seconds."""
    size = np.abs(micros)
    lead = np.where(written, " ", "")
    sign = np.where(micros < 0, "-", np.where(before, "+", ""))
    hours, minutes = size // _HOUR, size // _MINUTE % 60
    seconds, fraction = size // _SECOND % 60, size % _SECOND
    two = [pc.utf8_lpad(pa.array(part).cast(pa.string()), 2, "0") for part in (hours, minutes, seconds)]
    digits = pc.utf8_rtrim(pc.utf8_lpad(pa.array(fraction).cast(pa.string()), 6, "0"), "0")
    point = pc.if_else(pc.equal(digits, ""), "", ".")
    head = pc.binary_join_element_wise(pa.array(lead), pa.array(sign), two[0], "")
    tail = pc.binary_join_element_wise(two[2], point, digits, "")
    return pc.binary_join_element_wise(head, two[1], tail, ":")
