"""Intervals added to moments on the wall clock of a zone, as PostgreSQL adds them (``timestamptz_pl_interval``): first
months, the last day of which is kept to, then days, then time. A zone's clock may leave an hour out, and repeat one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.sql.engine_dialect.interval_functions import DAY, interval_parts, valid_rows, zone_to_utc

Ints = np.ndarray[Any, np.dtype[np.int64]]
Step = tuple[Ints, Ints, Ints]  # months, days and microseconds
_MOMENT = pa.timestamp("us", "UTC")
_FARTHEST = 106_700_000  # days from 1970 that microseconds of 64 bits reach


def plus(moments: pa.Array, intervals: pa.Array, zones: pa.Array) -> pa.Array:
    """Add intervals to moments; ``zones`` has the same zone in each row."""
    return _moved(moments, intervals, zones, 1)


def minus(moments: pa.Array, intervals: pa.Array, zones: pa.Array) -> pa.Array:
    """Subtract intervals from moments."""
    return _moved(moments, intervals, zones, -1)


def _moved(moments: pa.Array, intervals: pa.Array, zones: pa.Array, sign: int) -> pa.Array:
    valid = valid_rows(moments, intervals)
    months, days, micros = (np.where(valid, sign * part, 0) for part in interval_parts(intervals))
    start = pc.fill_null(moments.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    found = moved(start, (months, days, micros), zones[0].as_py() if len(zones) else "UTC")
    return pa.array(found, mask=~valid).cast(_MOMENT)


def moved(moments: Ints, step: Step, zone: str) -> Ints:
    """Return moments, as microseconds since 1970, and intervals added. Raises 22008 where that is out of range."""
    months, days, micros = step
    found = moments
    if months.any():
        found = _on_the_clock(found, zone, months, _later_months)
    if days.any():
        found = _on_the_clock(found, zone, days, _later_days)
    _require_near(found / DAY + micros / DAY)
    total: Ints = found + micros
    return total


def _on_the_clock(moments: Ints, zone: str, count: Ints, later: Callable[[Ints, Ints], Ints]) -> Ints:
    """Move moments on the wall clock of a zone, where they have something to be moved by."""
    if is_utc(zone):
        return later(moments, count)
    shown = pc.local_timestamp(pa.array(moments).cast(_MOMENT).cast(pa.timestamp("us", zone)))
    wall = later(shown.cast(pa.int64()).to_numpy(zero_copy_only=False), count)
    there = zone_to_utc(pa.array(wall).cast(pa.timestamp("us")), pa.array([zone]))
    found: Ints = np.where(count != 0, there.cast(pa.int64()).to_numpy(zero_copy_only=False), moments)
    return found


def _later_months(wall: Ints, months: Ints) -> Ints:
    dates = (wall // DAY).astype("datetime64[D]")
    begun = dates.astype("datetime64[M]")
    _require_near((begun.astype(np.int64) + months) * 30.4)
    of_month = (dates - begun.astype("datetime64[D]")).astype(np.int64)
    target = begun + months
    length = ((target + 1).astype("datetime64[D]") - target.astype("datetime64[D]")).astype(np.int64)
    days = target.astype("datetime64[D]").astype(np.int64) + np.minimum(of_month, length - 1)
    found: Ints = days * DAY + wall % DAY
    return found


def _later_days(wall: Ints, days: Ints) -> Ints:
    _require_near(wall / DAY + days)
    return wall + days * DAY


def _require_near(days: np.ndarray[Any, np.dtype[np.floating[Any]]]) -> None:
    if (np.abs(days) > _FARTHEST).any():
        raise ValueError("[22008] timestamp out of range")


def is_utc(zone: str) -> bool:
    """Whether a zone is UTC, by its name."""
    return zone.upper() == "UTC"
