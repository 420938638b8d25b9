"""Every type, in text and in binary, byte for byte what PostgreSQL sends for the same values."""

from __future__ import annotations

import datetime
import decimal
import math
import struct
import uuid
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.values import registry as oids
from tests.values.conftest import PostgresBytes
from tests.values.data_rows import encode_column


@dataclass(frozen=True, slots=True)
class Case:
    """Values of one Arrow type, and how PostgreSQL gets the same ones: as texts of its type."""

    sql_type: str
    oid: int
    arrow: pa.DataType
    values: st.SearchStrategy[Any]
    text: Any = str  # value -> text that PostgreSQL reads
    typmod: int = -1
    storage: Any = None  # value -> what Arrow stores, if not the value itself


def _float32(value: float) -> float:
    return float(struct.unpack("f", struct.pack("f", value))[0])


def _micros(value: int) -> str:
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=value)
    return moment.isoformat(sep=" ")


def _date(day: int) -> str:
    """Return a day since 1970 in PostgreSQL's words, whatever the year."""
    cycles, inside = divmod(day, 146_097)
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days=inside)
    year = date.year + 400 * cycles
    return f"{year:04}-{date:%m-%d}" if year > 0 else f"{1 - year:04}-{date:%m-%d} BC"


def _timestamp(micros: int) -> str:
    day, clock = divmod(micros, 86_400_000_000)
    date, _, era = _date(day).partition(" ")
    seconds, fraction = divmod(clock, 1_000_000)
    return f"{date} {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:06} {era}"


def _decimals(precision: int, scale: int) -> st.SearchStrategy[decimal.Decimal]:
    limit = 10**precision - 1
    unscaled = st.integers(-limit, limit) | st.integers(-20_000, 20_000)
    context = decimal.Context(prec=80)
    return unscaled.map(lambda number: decimal.Decimal(number).scaleb(-scale, context))


def _decimal_case(precision: int, scale: int, arrow: pa.DataType) -> Case:
    typmod = oids.numeric_typmod(precision, scale)
    return Case(
        f"numeric({precision},{scale})", oids.NUMERIC, arrow, _decimals(precision, scale), "{:f}".format, typmod
    )


def _interval_text(value: tuple[int, int, int]) -> str:
    months, days, nanoseconds = value
    return f"{months} months {days} days {nanoseconds // 1000} microseconds"


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
DOUBLES = (
    st.floats().map(lambda value: math.nan if math.isnan(value) else value)
    | st.integers(-(10**6), 10**6).map(lambda number: number / 100)
    | st.integers(-5, 5).map(float)
    | st.integers(2**52, 2**62).map(float)
    | st.integers(10**15, 10**17).map(lambda number: number * 1e10)
)
FLOATS = (
    st.floats(width=32).map(lambda value: math.nan if math.isnan(value) else value)
    | st.integers(-(10**5), 10**5).map(lambda number: _float32(number / 10))
    | st.integers(2**21, 2**40).map(float).map(_float32)
)
SMALL_YEARS = st.integers(-40_000, 60_000)
ALL_DAYS = st.integers(-2_440_588 + 1, 2_145_042_540) | SMALL_YEARS
DAY = 86_400_000_000
ALL_MICROS = (
    st.integers(-2_440_588 * DAY + DAY, 106_741_034 * DAY)
    | st.integers(-20_000 * DAY, 20_000 * DAY)
    | st.integers(-20_000, 20_000).map(lambda day: day * DAY)
    | st.integers(-(10**9), 10**9).map(lambda second: second * 1_000_000 + 500_000)
)
INTERVALS = st.tuples(
    st.integers(-(2**31) + 1, 2**31 - 1) | st.integers(-30, 30),
    st.integers(-(2**31) + 1, 2**31 - 1) | st.integers(-3, 3),
    st.integers(-(10**15), 10**15).map(lambda number: number * 1000) | st.sampled_from([0, 10**9, -(10**9)]),
)

CASES = [
    Case("boolean", oids.BOOL, pa.bool_(), st.booleans()),
    Case("smallint", oids.INT2, pa.int16(), st.integers(-(2**15), 2**15 - 1)),
    Case("smallint", oids.INT2, pa.int8(), st.integers(-128, 127)),
    Case("smallint", oids.INT2, pa.uint8(), st.integers(0, 255)),
    Case("integer", oids.INT4, pa.int32(), st.integers(-(2**31), 2**31 - 1) | st.integers(-9, 99)),
    Case("integer", oids.INT4, pa.uint16(), st.integers(0, 2**16 - 1)),
    Case("bigint", oids.INT8, pa.int64(), st.integers(-(2**63), 2**63 - 1) | st.integers(-(10**8), 10**9)),
    Case("bigint", oids.INT8, pa.uint32(), st.integers(0, 2**32 - 1)),
    Case("integer", oids.INT4, pa.int64(), st.integers(-(2**31), 2**31 - 1)),
    Case("oid", oids.OID, pa.int64(), st.integers(0, 2**32 - 1)),
    Case("numeric", oids.NUMERIC, pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    Case("numeric(20,0)", oids.NUMERIC, pa.uint64(), st.integers(0, 2**64 - 1), typmod=oids.numeric_typmod(20, 0)),
    Case("numeric(30,3)", oids.NUMERIC, pa.int32(), st.integers(-9999, 9999), typmod=oids.numeric_typmod(30, 3)),
    _decimal_case(15, 2, pa.decimal128(15, 2)),
    _decimal_case(18, 18, pa.decimal128(18, 18)),
    _decimal_case(19, 0, pa.decimal128(19, 0)),
    _decimal_case(38, 10, pa.decimal128(38, 10)),
    _decimal_case(38, 37, pa.decimal128(38, 37)),
    _decimal_case(76, 33, pa.decimal256(76, 33)),
    _decimal_case(9, 4, pa.decimal32(9, 4)),
    _decimal_case(18, 5, pa.decimal64(18, 5)),
    Case("numeric(38,2)", oids.NUMERIC, pa.decimal128(20, 5), _decimals(20, 5), "{:f}".format,
         oids.numeric_typmod(38, 2)),
    Case("numeric(38,7)", oids.NUMERIC, pa.decimal128(20, 5), _decimals(20, 5), "{:f}".format,
         oids.numeric_typmod(38, 7)),
    Case("numeric", oids.NUMERIC, pa.float64(),
         st.integers(-(10**9), 10**9).map(lambda n: n / 1000) | st.sampled_from([math.nan, math.inf, -math.inf]),
         lambda value: repr(value).removesuffix(".0")),
    Case("numeric(30,2)", oids.NUMERIC, pa.float64(), st.integers(-(10**9), 10**9).map(lambda number: number / 1000),
         repr, oids.numeric_typmod(30, 2)),
    Case("double precision", oids.FLOAT8, pa.float64(), DOUBLES, repr),
    Case("real", oids.FLOAT4, pa.float32(), FLOATS, repr),
    Case("double precision", oids.FLOAT8, pa.float64(), st.integers(-(10**7), 10**7).map(lambda n: n / 100), repr),
    Case("real", oids.FLOAT4, pa.float32(), st.integers(-(10**6), 10**6).map(float), repr),
    Case("double precision", oids.FLOAT8, pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    Case("text", oids.TEXT, pa.string(), TEXTS),
    Case("text", oids.TEXT, pa.large_string(), TEXTS),
    Case("text", oids.TEXT, pa.string_view(), TEXTS),
    Case("text", oids.TEXT, pa.string(), st.text("abc", max_size=8)),
    Case("varchar(50)", oids.VARCHAR, pa.string_view(), TEXTS, typmod=54),
    Case("character(12)", oids.BPCHAR, pa.string(), st.text("aé€", max_size=12), typmod=16),
    Case("name", oids.NAME, pa.string(), st.text("abc", max_size=60)),
    Case("json", oids.JSON, pa.string(), st.sampled_from(['{"a":  1}', "[]", "null"])),
    Case("jsonb", oids.JSONB, pa.string(), st.sampled_from(['{"a": 1}', "[]", "null", '"x"'])),
    Case("bytea", oids.BYTEA, pa.binary(), st.binary(max_size=30), lambda value: "\\x" + value.hex()),
    Case("bytea", oids.BYTEA, pa.binary_view(), st.binary(max_size=30), lambda value: "\\x" + value.hex()),
    Case("bytea", oids.BYTEA, pa.large_binary(), st.binary(max_size=3), lambda value: "\\x" + value.hex()),
    Case("bytea", oids.BYTEA, pa.binary(5), st.binary(min_size=5, max_size=5), lambda value: "\\x" + value.hex()),
    Case("uuid", oids.UUID, pa.binary(16), st.uuids(), str, storage=lambda value: value.bytes),
    Case("uuid", oids.UUID, pa.string(), st.uuids(), str, storage=lambda value: str(value).upper()),
    Case("uuid", oids.UUID, pa.uuid(), st.uuids(), str, storage=lambda value: value.bytes),
    Case("date", oids.DATE, pa.date32(), ALL_DAYS, _date),
    Case("date", oids.DATE, pa.date32(), st.integers(-25_567, 47_481), _date),
    Case("date", oids.DATE, pa.date64(), SMALL_YEARS, _date, storage=lambda day: day * 86_400_000),
    Case("time", oids.TIME, pa.time64("us"), st.integers(0, DAY - 1), lambda value: _micros(value).split()[1]),
    Case("time", oids.TIME, pa.time32("s"), st.integers(0, 86_399), lambda value: _micros(value * 10**6).split()[1]),
    Case("timestamp", oids.TIMESTAMP, pa.timestamp("us"), ALL_MICROS, _timestamp),
    Case("timestamp", oids.TIMESTAMP, pa.timestamp("s"), st.integers(-(10**9), 10**9),
         lambda value: _timestamp(value * 10**6)),
    Case("timestamp", oids.TIMESTAMP, pa.timestamp("ns"), st.integers(-(10**18), 10**18),
         lambda value: _timestamp(value // 1000)),
    Case("timestamptz", oids.TIMESTAMPTZ, pa.timestamp("us", "UTC"), ALL_MICROS,
         lambda value: _timestamp(value) + " UTC"),
    Case("timestamptz", oids.TIMESTAMPTZ, pa.timestamp("ms", "Asia/Tokyo"), st.integers(-(10**12), 10**12),
         lambda value: _timestamp(value * 1000) + " UTC"),
    Case("interval", oids.INTERVAL, pa.month_day_nano_interval(), INTERVALS, _interval_text),
    Case("interval", oids.INTERVAL, pa.duration("us"), st.integers(-(10**15), 10**15),
         lambda value: f"{value} microseconds"),
    Case("bit varying", 1562, pa.string(), st.text("01", max_size=70)),
    Case("bit(9)", 1560, pa.string(), st.text("01", min_size=9, max_size=9), typmod=9),
    Case("int4range", 3904, pa.string(), st.sampled_from(["[1,5)", "empty", "(,7)", "[-3,)", "(,)"])),
    Case("int8range", 3926, pa.string(), st.sampled_from(["[1,50000000000)", "empty", "(,)"])),
    Case("numrange", 3906, pa.string(), st.sampled_from(["[1.50,5]", "(0.001,1000)", "(,7)", "empty", "(,)"])),
    Case("daterange", 3912, pa.string(), st.sampled_from(["[2024-01-31,2024-03-01)", "[1999-12-31,)", "empty"])),
    Case("tsrange", 3908, pa.string(),
         st.sampled_from(['["2024-01-31 10:30:00","2024-03-01 00:00:00.5")', '(,"1999-12-31 23:59:59"]', "empty"])),
    Case("tstzrange", 3910, pa.string(), st.sampled_from(['["2024-01-31 10:30:00+00","2024-03-01 00:00:00+00")'])),
    Case("int4multirange", 4451, pa.string(), st.sampled_from(["{[1,4),[5,7)}", "{}", "{(,)}", "{(,1),[9,)}"])),
    Case("nummultirange", 4532, pa.string(), st.sampled_from(["{[1.5,4],(5,7.25)}", "{}", "{(,)}"])),
    Case("datemultirange", 4535, pa.string(), st.sampled_from(["{[2024-01-31,2024-03-01),[2024-05-01,)}", "{}"])),
]  # fmt: skip


def array_of(case: Case, values: list[Any]) -> pa.Array:
    store = case.storage or (lambda value: value)
    stored = [None if value is None else store(value) for value in values]
    if isinstance(case.arrow, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(case.arrow, pa.array(stored, case.arrow.storage_type))
    if pa.types.is_timestamp(case.arrow) or pa.types.is_duration(case.arrow) or pa.types.is_time64(case.arrow):
        return pa.array(stored, pa.int64()).cast(case.arrow)
    if pa.types.is_date64(case.arrow):
        return pa.array(stored, pa.int64()).cast(case.arrow)
    if pa.types.is_date32(case.arrow) or pa.types.is_time32(case.arrow):
        return pa.array(stored, pa.int32()).cast(case.arrow)
    return pa.array(stored, case.arrow)


@pytest.mark.parametrize("result_format", [0, 1], ids=["text", "binary"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.arrow}-{case.sql_type}")
def test_column_is_what_postgres_sends(case: Case, result_format: int, postgres_bytes: PostgresBytes) -> None:
    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
    @given(st.lists(st.none() | case.values, max_size=60), st.integers(0, 5))
    def check(values: list[Any], skipped: int) -> None:
        ours = encode_column(array_of(case, values)[skipped:], case.oid, result_format, case.typmod)
        texts = [None if value is None else case.text(value) for value in values[skipped:]]
        assert ours == postgres_bytes(texts, case.sql_type, result_format)

    check()


@pytest.mark.parametrize(("sql_type", "oid", "dtype"), [("float8", oids.FLOAT8, "f8"), ("float4", oids.FLOAT4, "f4")])
def test_floats_of_all_sizes(sql_type: str, oid: int, dtype: str, postgres_bytes: PostgresBytes) -> None:
    rng = np.random.default_rng(11)
    limits = np.finfo(dtype)
    bits = rng.integers(0, 2 ** (8 * limits.dtype.itemsize - 1), 4000).astype(f"u{limits.dtype.itemsize}").view(dtype)
    numbers = np.concatenate(
        [
            bits[np.isfinite(bits)],
            2.0 ** np.arange(limits.minexp, limits.maxexp),
            10.0 ** np.arange(-37, 38),
            np.floor(2.0 ** rng.uniform(20, 80, 4000)),  # where digits can lie half-way to the next float
            rng.integers(-(10**9), 10**9, 2000) / 10.0 ** rng.integers(0, 12, 2000),
        ]
    ).astype(dtype)
    texts: list[str | None] = [repr(float(number)) for number in numbers]
    assert encode_column(pa.array(numbers), oid, 0) == postgres_bytes(texts, sql_type, 0)


def test_uuid_of_python_is_ours() -> None:
    value = uuid.UUID("12345678-1234-5678-9abc-def012345678")
    assert encode_column(pa.array([value.bytes], pa.binary()), oids.UUID, 0) == [str(value).encode()]
