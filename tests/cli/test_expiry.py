"""Expiry times are what PostgreSQL makes of them."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest

from gateway.cli.expiry import expiry
from gateway.cli.output import USAGE, CommandError
from tests.gateway import SampleLake

NOW = datetime(2027, 1, 31, 12, 30, 5, tzinfo=UTC)
PERIODS = (
    *("1s", "30 s", "90d", "12h", "5min", "5m", "2w", "3mon", "1y", "1.5h", "1 month", "13 mons", "1 year 6 months"),
    *("1 day 02:03:04", "P1M", "P1Y2M3DT4H5M6S", "PT36H", "1 week 2 days", "2 decades", "@ 1 hour", "1-2", "0:00:01"),
)
TIMES = (
    *("2027-02-01", "2027-02-01 18:00+01", "2027-02-01T18:00:00Z", "2027-02-01 18:00 America/New_York"),
    *("20270201", "Feb 1 2027 10:00", "9999-12-31 23:59:59"),
)


def test_intervals_and_times(lake: SampleLake) -> None:
    with psycopg.connect(lake.dsn("postgres")) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        for text in PERIODS:
            (moment,) = connection.execute("SELECT %s::timestamptz + %s::interval", [NOW, text]).fetchone() or ()
            assert expiry(text, NOW) == moment, text
        for text in TIMES:
            (moment,) = connection.execute("SELECT %s::timestamptz", [text]).fetchone() or ()
            assert expiry(text, NOW) == moment, text


def test_no_end() -> None:
    assert [expiry(text, NOW) for text in ("never", "Never", "infinity")] == [None] * 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("soon", '"soon" is neither an interval nor a time'),
        ("", '"" is neither an interval nor a time'),
        ("90", '"90" has no unit'),
        ("5 parsecs", '"5 parsecs" is neither an interval nor a time'),
        ("0s", '"0s" is over already'),
        ("-1d", '"-1d" is over already'),
        ("1 day ago", '"1 day ago" is over already'),
        ("2026-12-31", '"2026-12-31" is over already'),
        ("-infinity", '"-infinity" is too far away'),
        ("2027-02-30", '"2027-02-30" is neither an interval nor a time'),
        ("10000 years", '"10000 years" is too far away'),
        ("100000 decades 1 s", '"100000 decades 1 s" is too far away'),
        ("999999999 days", '"999999999 days" is too far away'),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(CommandError) as caught:
        expiry(text, NOW)
    assert (str(caught.value), caught.value.code) == (message, USAGE)
    assert "90d" in str(caught.value.hint)
