"""Every style of dates, intervals and floats, byte for byte what PostgreSQL sends under the same settings."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.values import registry as oids
from gateway.values.settings import OutputSettings
from tests.values.conftest import PostgresBytes
from tests.values.data_rows import encode_column
from tests.values.test_rows_match_postgres import ALL_DAYS, ALL_MICROS, DAY, INTERVALS, _date, _timestamp

STYLES = [", ".join(both) for both in itertools.product(("ISO", "SQL", "Postgres", "German"), ("MDY", "DMY", "YMD"))]
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "America/New_York",
    "Africa/Monrovia",
    "-7",
    "EST5EDT",
]
FEW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
INFINITE_DAYS = st.sampled_from([2**31 - 1, -(2**31)])
INFINITE_MICROS = st.sampled_from([2**63 - 1, -(2**63)])


def _day_text(day: int) -> str:
    return {2**31 - 1: "infinity", -(2**31): "-infinity"}.get(day) or _date(day)


def _moment_text(micros: int, zone: str = "") -> str:
    return {2**63 - 1: "infinity", -(2**63): "-infinity"}.get(micros) or _timestamp(micros) + zone


def _span_text(value: tuple[int, int, int]) -> str:
    """Write an interval with each sign: sql_standard lets the first one count for all that have none."""
    months, days, nanoseconds = value
    return f"{months:+} months {days:+} days {nanoseconds // 1000:+} microseconds"


def _moments(values: list[int | None], arrow: pa.DataType) -> pa.Array:
    return pa.array(values, pa.int32() if arrow == pa.date32() else pa.int64()).cast(arrow)


@pytest.mark.parametrize("style", STYLES)
def test_dates(style: str, postgres_bytes: PostgresBytes) -> None:
    @FEW
    @given(st.lists(st.none() | ALL_DAYS | INFINITE_DAYS, max_size=60), st.integers(0, 5))
    def check(values: list[int | None], skipped: int) -> None:
        ours = encode_column(
            _moments(values, pa.date32())[skipped:], oids.DATE, 0, settings=OutputSettings(date_style=style)
        )
        texts = [None if value is None else _day_text(value) for value in values[skipped:]]
        assert ours == postgres_bytes(texts, "date", 0, DateStyle=style)

    check()


@pytest.mark.parametrize("style", STYLES)
def test_timestamps(style: str, postgres_bytes: PostgresBytes) -> None:
    @FEW
    @given(st.lists(st.none() | ALL_MICROS | INFINITE_MICROS, max_size=60), st.integers(0, 5))
    def check(values: list[int | None], skipped: int) -> None:
        ours = encode_column(
            _moments(values, pa.timestamp("us"))[skipped:], oids.TIMESTAMP, 0, settings=OutputSettings(date_style=style)
        )
        texts = [None if value is None else _moment_text(value) for value in values[skipped:]]
        assert ours == postgres_bytes(texts, "timestamp", 0, DateStyle=style)

    check()


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("style", ["ISO, MDY", "SQL, DMY", "Postgres, MDY", "German, DMY"])
def test_timestamps_with_time_zone(style: str, zone: str, postgres_bytes: PostgresBytes) -> None:
    lately = st.integers(-70 * 365 * DAY, 70 * 365 * DAY)

    @FEW
    @given(st.lists(st.none() | ALL_MICROS | lately | INFINITE_MICROS, max_size=60), st.integers(0, 5))
    def check(values: list[int | None], skipped: int) -> None:
        chosen = OutputSettings(date_style=style, time_zone=zone)
        ours = encode_column(
            _moments(values, pa.timestamp("us", "UTC"))[skipped:], oids.TIMESTAMPTZ, 0, settings=chosen
        )
        texts = [None if value is None else _moment_text(value, " UTC") for value in values[skipped:]]
        assert ours == postgres_bytes(texts, "timestamptz", 0, DateStyle=style, TimeZone=zone)

    check()


@pytest.mark.parametrize("style", ["postgres", "postgres_verbose", "sql_standard", "iso_8601"])
def test_intervals(style: str, postgres_bytes: PostgresBytes) -> None:
    some = st.tuples(
        st.sampled_from([0, 0, 1, 12, 14, -1, -25]),
        st.sampled_from([0, 0, 1, 3, -1]),
        st.sampled_from([0, 1, 60, 3600, 3661, 86_400, -1, -3599]).map(lambda second: second * 10**9)
        | st.sampled_from([500_000, -1_500_000_000, 1_000_000_000]),
    )

    @FEW
    @given(st.lists(st.none() | INTERVALS | some, max_size=80), st.integers(0, 5))
    def check(values: list[Any], skipped: int) -> None:
        ours = encode_column(
            pa.array(values, pa.month_day_nano_interval())[skipped:],
            oids.INTERVAL,
            0,
            settings=OutputSettings(interval_style=style),
        )
        texts = [None if value is None else _span_text(value) for value in values[skipped:]]
        assert ours == postgres_bytes(texts, "interval", 0, IntervalStyle=style)

    check()


@pytest.mark.parametrize("digits", [-15, -5, -1, 0, 1, 3])
@pytest.mark.parametrize(("sql_type", "oid", "dtype"), [("float8", oids.FLOAT8, "f8"), ("float4", oids.FLOAT4, "f4")])
def test_floats(digits: int, sql_type: str, oid: int, dtype: str, postgres_bytes: PostgresBytes) -> None:
    rng = np.random.default_rng(7)
    size = np.dtype(dtype).itemsize
    bits = rng.integers(0, 2 ** (8 * size - 1), 2000).astype(f"u{size}").view(dtype)
    odd = [0.0, -0.0, math.nan, math.inf, -math.inf, 0.1, 0.15, 1e15, 1e16, 123456.5, 1e-5]
    numbers = np.concatenate([bits, rng.integers(-(10**9), 10**9, 2000) / 1000, odd]).astype(dtype)
    values = pa.array([*numbers.tolist(), None], pa.float64()).cast(pa.float64() if size == 8 else pa.float32())
    texts: list[str | None] = [*(repr(number) for number in numbers.tolist()), None]
    ours = encode_column(values, oid, 0, settings=OutputSettings(extra_float_digits=digits))
    assert ours == postgres_bytes(texts, sql_type, 0, extra_float_digits=str(digits))


def test_arrays_quote_what_the_style_makes(postgres_bytes: PostgresBytes) -> None:
    days = [-800_000, 0, None]
    for style in STYLES:
        ours = encode_column(
            pa.array([days], pa.list_(pa.int32())).cast(pa.list_(pa.date32())),
            1182,
            0,
            settings=OutputSettings(date_style=style),
        )
        texts = ",".join("NULL" if day is None else f'"{_date(day)}"' for day in days)
        assert ours == postgres_bytes([f"{{{texts}}}"], "date[]", 0, DateStyle=style)
