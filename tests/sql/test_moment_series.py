"""Series of moments that would not end, or not in time."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from gateway.sql.engine_dialect.moment_series import series

INFINITY = 2**63 - 1  # microseconds, as the engine has PostgreSQL's
HOUR = 3_600_000_000_000  # nanoseconds


def values(start: object, end: object, step: tuple[int, int, int], zone: str) -> list[datetime]:
    stamps = [pa.array([one], pa.timestamp("us", "UTC")) for one in (start, end)]
    steps = pa.array([pa.MonthDayNano(step)], pa.month_day_nano_interval())
    found: list[datetime] = series(stamps[0], stamps[1], steps, pa.array([zone]))[0].as_py()
    return found


def moment(year: int, month: int = 1, day: int = 1) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "step", "zone"),
    [
        (moment(1960), INFINITY, (0, 1, 0), "UTC"),
        (moment(2020), INFINITY, (0, 0, HOUR), "Europe/Berlin"),
        (moment(1960), INFINITY, (1, 0, 0), "UTC"),
        (moment(1960), INFINITY, (0, 1, 0), "Europe/Berlin"),
        (moment(1960), moment(9999), (0, 1, 0), "Europe/Berlin"),
        (moment(9999), moment(1), (0, -1, 0), "Europe/Berlin"),
        (moment(2024, 1, 31), moment(2024, 12, 31), (1, -29, 0), "UTC"),
    ],
)
def test_too_many_values_are_refused_at_once(start: object, end: object, step: tuple[int, int, int], zone: str) -> None:
    begun = time.monotonic()
    with pytest.raises(ValueError, match=r"^\[54000\] generate_series of \d+ rows is not supported"):
        values(start, end, step, zone)
    assert time.monotonic() - begun < 30


def test_what_ends_is_whole() -> None:
    assert len(values(moment(1960), moment(2260), (0, 1, 0), "UTC")) == 109_574
    assert values(moment(2024), moment(2024, 3), (1, 0, 0), "UTC") == [moment(2024), moment(2024, 2), moment(2024, 3)]
    assert values(moment(2024), moment(2023), (0, 1, 0), "UTC") == []
    assert values(moment(2024), moment(2023, 12, 31), (0, -1, 0), "UTC") == [moment(2024), moment(2023, 12, 31)]
