"""Settings that change how values look or how texts are read: each answer is PostgreSQL's to the last byte."""

from __future__ import annotations

import itertools

import pytest

from tests.types.conftest import Both

DATE_STYLES = [
    ", ".join(each) for each in itertools.product(("ISO", "SQL", "Postgres", "German"), ("MDY", "DMY", "YMD"))
]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "-3:30", "<+05>-5"]
MOMENTS = (
    "SELECT day, at, moment FROM small.kinds",
    "SELECT day::text, at::text, moment::text, 'x' || day, concat(at, ';', moment) FROM small.kinds",
    "SELECT moments, clock, clock::text FROM origin.things WHERE id IN (SELECT n FROM small.numbers)",
    "SELECT array[day], array[at], array[moment] FROM small.kinds",
    "SELECT pair FROM small.kinds",
)
READ = (
    "SELECT id FROM small.kinds WHERE day = '29/02/2024' OR day > '12/31/9998'",
    "SELECT id FROM small.kinds WHERE day = '29.02.2024'",
    "SELECT id, date '02/03/2024', timestamp '02-03-04 10:00', timestamptz '1/2/3 4:05' FROM small.kinds",
    "SELECT id FROM small.kinds WHERE at BETWEEN '1/1/60' AND '03-04-2024'",
    "SELECT id FROM small.kinds WHERE moment >= '2024-01-01' AND moment < '02/07/2024 12:00'",
)


@pytest.mark.parametrize("style", DATE_STYLES)
def test_date_style(style: str, both: Both) -> None:
    both.set(DateStyle=style)
    for sql in (*MOMENTS, *READ):
        both.assert_alike(sql)


@pytest.mark.parametrize("style", ["ISO, DMY", "SQL, YMD", "German", "Postgres, MDY"])
def test_parameters_are_read_in_the_date_style(style: str, both: Both) -> None:
    both.set(DateStyle=style, TimeZone="Europe/Berlin")
    for text in (b"1/2/2024", b"13/1/2024", b"2024-02-29", b"01-02-03", b"3 Feb 2024", b"29.2.2024", b"soon"):
        both.assert_alike("SELECT id, $1::date, $2::timestamptz FROM small.kinds WHERE day <= $1", (text, text))


@pytest.mark.parametrize("zone", ZONES)
def test_time_zone(zone: str, both: Both) -> None:
    both.set(TimeZone=zone)
    for style in ("ISO", "SQL", "Postgres"):
        both.set(DateStyle=style)
        for sql in (
            *MOMENTS,
            "SELECT moment::date, moment::timestamp, at::timestamptz, day::timestamptz FROM small.kinds",
            "SELECT id FROM small.kinds WHERE moment < timestamptz '2024-07-01 12:00'",
            "SELECT date_trunc('day', moment), extract(hour from moment), moment + interval '1 day' FROM small.kinds",
            "SELECT ('2024-07-0' || id || ' 10:00')::timestamptz FROM small.kinds",
        ):
            both.assert_alike(sql)


@pytest.mark.parametrize("style", ["postgres", "postgres_verbose", "sql_standard", "iso_8601"])
def test_interval_style(style: str, both: Both) -> None:
    both.set(IntervalStyle=style)
    for sql in (
        "SELECT span, span::text, 'x' || span FROM origin.things WHERE id IN (SELECT n FROM small.numbers)",
        "SELECT at - timestamp '2024-01-01', moment - moment, age(at, timestamp '2000-02-03') FROM small.kinds",
        "SELECT interval '1 year -2 days', '-3:00'::interval, interval 'P1Y2M3DT4H5M6S' FROM small.kinds",
        "SELECT array[at - at], '-1 day'::interval * id FROM small.kinds",
    ):
        both.assert_alike(sql)
    for text in (b"-1 2:03:04", b"1-2 3 4:05:06", b"-1 year 2 days", b"P1Y2M", b"3"):
        both.assert_alike("SELECT id, $1::interval, at + $1 FROM small.kinds", (text,))


def test_a_first_sign_may_be_of_all_fields(both: Both) -> None:
    both.set(IntervalStyle="sql_standard")
    both.assert_alike("SELECT interval '-1 2:03:04' FROM small.kinds")
    both.assert_alike("SELECT interval '-1 2:03:04' + at FROM small.kinds")
    both.assert_alike("SELECT '-1 2:03:04'::interval, interval '-1 day -02:03:04' FROM small.kinds")


@pytest.mark.parametrize("digits", ["-15", "-2", "0", "1", "3"])
def test_extra_float_digits(digits: str, both: Both) -> None:
    both.set(extra_float_digits=digits)
    for sql in (
        "SELECT half, ratio, ratio::text, half || '', array[ratio], ratio / 3 FROM small.kinds WHERE id < 3",
        "SELECT n / 7::float8, (n * 1e10)::real, n::float8 FROM small.numbers WHERE n < 300",
    ):
        both.assert_alike(sql)


@pytest.mark.parametrize("output", ["hex", "escape"])
def test_bytea_output(output: str, both: Both) -> None:
    both.set(bytea_output=output)
    both.assert_alike("SELECT raw, raw::text, 'x' || raw::text, array[raw] FROM small.kinds")


EVALUATED = (
    "SELECT to_json(day), to_jsonb(moment), json_build_array(at, span), row_to_json(k) FROM evaluated k",
    "SELECT format('%s/%s', day, span), format('%s|%s', at, moment), format('%L', ratio) FROM evaluated",
    "SELECT justify_interval(span), span * 1.5, justify_days(-span), format('%s', justify_hours(span)) FROM evaluated",
    "SELECT daterange(day, NULL), tstzrange(moment, NULL), tsrange(at, NULL)::text FROM evaluated WHERE id < 3",
    "SELECT format('%s', raw), raw || '\\x00ff'::bytea, to_jsonb(raw), encode(raw, 'escape') FROM evaluated",
    "SELECT (to_jsonb(k) ->> 'moment')::timestamptz, (to_jsonb(k) ->> 'day')::date FROM evaluated k",
    "SELECT (format('%s', day))::date, (format('%s', span))::interval FROM evaluated WHERE isfinite(day)",
    "SELECT format('%s', ratio / 3), to_jsonb(half), json_agg(ratio ORDER BY id) OVER () FROM evaluated",
)
_COLUMNS = "id, day, at, moment, raw, ratio, half, at - timestamp '2024-01-01 10:00' - interval '1 month' AS span"


@pytest.mark.parametrize(
    "settings",
    [
        {"DateStyle": "German", "IntervalStyle": "sql_standard", "TimeZone": "Asia/Kolkata"},
        {"DateStyle": "SQL, DMY", "IntervalStyle": "iso_8601", "extra_float_digits": "-5"},
        {"DateStyle": "Postgres, YMD", "IntervalStyle": "postgres_verbose", "bytea_output": "escape"},
        {"extra_float_digits": "0", "bytea_output": "escape", "TimeZone": "America/New_York"},
    ],
    ids=lambda settings: settings.get("DateStyle", "ISO"),
)
@pytest.mark.parametrize("sql", EVALUATED)
def test_what_postgres_evaluates(sql: str, settings: dict[str, str], both: Both) -> None:
    both.set(**settings)
    both.assert_alike(f"WITH evaluated AS (SELECT {_COLUMNS} FROM small.kinds) {sql}")


def test_binary_results_do_not_depend_on_settings(both: Both) -> None:
    both.set(DateStyle="German", IntervalStyle="iso_8601", extra_float_digits="-5", TimeZone="Asia/Kolkata")
    both.assert_alike("SELECT day, at, moment, ratio, half, at - at FROM small.kinds", result_format=1)


def test_settings_of_a_transaction_end_with_it(both: Both) -> None:
    for connection in (both.gateway, both.postgres):
        connection.execute("BEGIN")
        connection.execute("SET LOCAL DateStyle = 'German'; SET LOCAL TimeZone = 'Asia/Tokyo'")
    both.assert_alike(MOMENTS[0])
    for connection in (both.gateway, both.postgres):
        connection.execute("ROLLBACK")
    told = both.assert_alike(MOMENTS[0])
    assert (b"2024-02-29", b"2024-02-29 13:14:15.123456", b"2024-07-01 12:00:00+00") in told.rows
