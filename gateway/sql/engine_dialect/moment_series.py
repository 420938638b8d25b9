"""``generate_series`` of timestamps on Arrow arrays, counted as PostgreSQL does: each value is the last plus the step.

Months and days are counted on the wall clock of a zone, time of day is elapsed time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.sql.engine_dialect.bounds import MAX_SERIES
from gateway.sql.engine_dialect.interval_functions import DAY, interval_parts, valid_rows
from gateway.sql.engine_dialect.zoned_intervals import is_utc, moved

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]
_MOMENT = pa.timestamp("us", "UTC")
_MONTH = 30  # days, by which PostgreSQL tells whether a step goes up or down
_MOST_STEPS = 100_000  # that are taken one by one: days of 270 years, within seconds


def series(starts: pa.Array, ends: pa.Array, steps: pa.Array, zones: pa.Array) -> pa.Array:
    """Return an array of moments for each row, NULL where an argument is; ``zones`` has the same zone in each row.

    Raises 22023 for a step of zero, and 54000 for more values than a series may have.
    """
    valid = valid_rows(starts, ends, steps)
    months, days, micros = (np.where(valid, part, 0) for part in interval_parts(steps))
    sign = np.sign(((months * _MONTH + days) * DAY + micros).astype(np.float64)).astype(np.int64)
    if (valid & (sign == 0)).any():
        raise ValueError("[22023] step size cannot equal zero")
    first, last = _micros(starts), _micros(ends)
    zone = zones[0].as_py() if len(zones) else "UTC"
    if (months == 0).all() and ((days == 0).all() or is_utc(zone)):
        values, sizes = _evenly(first, last, np.where(valid, days * DAY + micros, 1), valid)
    else:
        values, sizes = _step_by_step(first, last, (months, days, micros, sign), zone, valid)
    offsets = np.r_[0, np.cumsum(sizes)].astype(np.int32)
    found = pa.ListArray.from_arrays(pa.array(offsets), pa.array(values).cast(_MOMENT), mask=pa.array(~valid))
    return found.cast(pa.list_(pa.field("item", _MOMENT)))


def _micros(moments: pa.Array) -> Ints:
    found: Ints = pc.fill_null(moments.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    return found


def _evenly(first: Ints, last: Ints, step: Ints, valid: Bools) -> tuple[Ints, Ints]:
    """Count in steps of one length; return the values of all rows and how many each has."""
    _check(float(_about(first, last, step, valid).sum()))  # integers cannot count a series up to infinity
    sizes = np.where(valid, np.maximum((last - first) // step + 1, 0), 0)
    owners = np.repeat(np.arange(len(first)), sizes)
    places = np.arange(len(owners)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return first[owners] + places * step[owners], sizes


def _about(first: Ints, last: Ints, step: Ints, valid: Bools) -> Floats:
    found: Floats = np.where(valid, np.maximum((last.astype(np.float64) - first) / step + 1, 0), 0)
    return found


def _check(rows: float, most: int = MAX_SERIES) -> None:
    if rows > most:
        raise ValueError(f"[54000] generate_series of {rows:.0f} rows is not supported beside tables of the lake")


def _step_by_step(
    first: Ints, last: Ints, step: tuple[Ints, Ints, Ints, Ints], zone: str, valid: Bools
) -> tuple[Ints, Ints]:
    """Count all rows together, one step after the other: where a clock leaves an hour out, all later values move."""
    months, days, micros, sign = step
    length = np.where(valid, (months * _MONTH + days) * DAY + micros, 1)
    _check(float(_about(first, last, length, valid).max(initial=0)), _MOST_STEPS)
    rows: list[Ints] = []
    values: list[Ints] = []
    total, current = 0, first
    left = np.flatnonzero(valid & (sign * current <= sign * last))
    while len(left):
        total += len(left)
        _check(total)
        _check(len(rows), _MOST_STEPS)  # months less days may come back to where they were
        rows.append(left)
        values.append(current[left])
        later = moved(current[left], (months[left], days[left], micros[left]), zone)
        current = current.copy() if len(rows) == 1 else current
        current[left] = later
        left = left[sign[left] * later <= sign[left] * last[left]]
    if not rows:
        return np.empty(0, np.int64), np.zeros(len(first), np.int64)
    owners = np.concatenate(rows)
    order = np.argsort(owners, kind="stable")
    return np.concatenate(values)[order], np.bincount(owners, minlength=len(first)).astype(np.int64)
