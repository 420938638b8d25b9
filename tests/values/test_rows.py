"""Rows of several columns, coercions to the declared type, sessions' settings, limits and refusals."""

from __future__ import annotations

import datetime
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.values import registry as oids
from gateway.values import rows
from gateway.values.rows import OutputColumn, OutputSettings, prepare
from tests.values.conftest import PostgresBytes
from tests.values.data_rows import encode, encode_column, parse

COLUMNS: list[tuple[pa.Array, int, list[bytes | None]]] = [
    (pa.array([1, None, -3], pa.int32()), oids.INT4, [b"1", None, b"-3"]),
    (pa.array(["a", "a longer text than views hold", None]), oids.TEXT, [b"a", b"a longer text than views hold", None]),
    (pa.array([123456789012, 5, None]), oids.INT8, [b"123456789012", b"5", None]),
    (pa.array([None, "short", "x" * 13], pa.string_view()), oids.TEXT, [None, b"short", b"x" * 13]),
    (pa.array([0, 1, 18262], pa.date32()), oids.DATE, [b"1970-01-01", b"1970-01-02", b"2020-01-01"]),
    (pa.array([b"y" * 300, b"", None]), oids.BYTEA, [b"\\x" + b"79" * 300, b"\\x", None]),
    (pa.array([None] * 3), oids.TEXT, [None] * 3),
]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(range(len(COLUMNS))), max_size=12), st.integers(0, 3))
def test_columns_stand_side_by_side(places: list[int], skipped: int) -> None:
    arrays = [COLUMNS[place][0][skipped:] for place in places]
    declared = [OutputColumn(COLUMNS[place][1]) for place in places]
    ours = encode(arrays, declared, OutputSettings())
    count = 3 - skipped if places else 0
    assert ours == [tuple(COLUMNS[place][2][skipped + row] for place in places) for row in range(count)]


def test_rows_without_columns() -> None:
    batch = pa.RecordBatch.from_struct_array(pa.array([{}, {}, {}], pa.struct([])))
    assert parse(b"".join(prepare(batch.schema, [], OutputSettings()).encode(batch))) == [(), (), ()]


def test_blocks_join_seamlessly() -> None:
    count = 2 * rows.block_rows(1) + 17
    batch = pa.RecordBatch.from_arrays([pa.array(np.arange(count))], ["n"])
    encoder = prepare(batch.schema, [OutputColumn(oids.INT8)], OutputSettings())
    with ThreadPoolExecutor(2) as pool:
        halves = list(pool.map(encoder.encode, [batch[: count // 2], batch[count // 2 :]]))
    stream = b"".join(block for half in halves for block in half)
    assert parse(stream) == [(str(number).encode(),) for number in range(count)]


def test_large_blocks_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_BLOCK_BYTES", 100)
    batch = pa.RecordBatch.from_arrays([pa.array([str(n) * 30 for n in range(9)])], ["s"])
    blocks = prepare(batch.schema, [OutputColumn(oids.TEXT)], OutputSettings()).encode(batch)
    assert len(blocks) > 1
    assert all(len(block) <= 100 for block in blocks)
    assert parse(b"".join(blocks)) == [(str(n).encode() * 30,) for n in range(9)]


def test_row_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_ROW_BYTES", 50)
    with pytest.raises(SqlError) as caught:
        encode_column(pa.array(["x", "y" * 60]), oids.TEXT, 0)
    assert caught.value.sqlstate == SqlState.PROGRAM_LIMIT_EXCEEDED


def test_large_string_beyond_32_bit_offsets() -> None:
    offsets = pa.py_buffer(np.array([2**33, 2**33 + 3, 2**33 + 3 + 20], np.int64))
    data = pa.py_buffer(b"abc" + b"d" * 20)
    shifted = pa.foreign_buffer(data.address - 2**33, 2**33 + 23, data)
    array = pa.Array.from_buffers(pa.large_string(), 2, [None, offsets, shifted])
    assert encode_column(array, oids.TEXT, 0) == [b"abc", b"d" * 20]


@pytest.mark.parametrize(
    ("array", "oid", "expected"),
    [
        (pa.array([1.5, 2.5, -2.5, 3.0]), oids.INT4, [b"2", b"2", b"-2", b"3"]),
        (pa.array([1, 0]), oids.BOOL, [b"t", b"f"]),
        (pa.array([True, False]), oids.TEXT, [b"true", b"false"]),
        (pa.array([True]), oids.INT4, [b"1"]),
        (pa.array([7, None]), oids.TEXT, [b"7", None]),
        (pa.array([1.25]).cast(pa.decimal128(5, 2)), oids.FLOAT8, [b"1.25"]),
        (pa.array([1.25]).cast(pa.decimal32(5, 2)), oids.FLOAT8, [b"1.25"]),
        (pa.array([datetime.date(2020, 1, 2)]), oids.TIMESTAMP, [b"2020-01-02 00:00:00"]),
        (pa.array([datetime.datetime(2020, 1, 2, 23)]), oids.DATE, [b"2020-01-02"]),
        (pa.array(["(1,2)", None]), 600, [b"(1,2)", None]),
        (pa.array(["{1,2}"]), 1007, [b"{1,2}"]),
        (pa.array(["12.50"]), oids.NUMERIC, [b"12.50"]),
        (pa.array([0.5], pa.float16()), oids.FLOAT4, [b"0.5"]),
        (pa.array([5, -5]).cast(pa.decimal128(21, 0)).cast(pa.decimal128(19, -2), safe=False), oids.NUMERIC, None),
    ],
    ids=str,
)
def test_declared_type_wins(array: pa.Array, oid: int, expected: list[bytes | None] | None) -> None:
    if expected is None:
        expected = [b"0", b"0"]
    assert encode_column(array, oid, 0) == expected


@pytest.mark.parametrize(
    ("array", "oid", "message"),
    [
        (pa.array([40_000]), oids.INT2, "smallint out of range"),
        (pa.array([2**31]), oids.INT4, "integer out of range"),
        (pa.array([2**63], pa.uint64()), oids.INT8, "bigint out of range"),
        (pa.array([-1]), oids.OID, "OID out of range"),
        (pa.array([1e30]), oids.INT8, "bigint out of range"),
        (pa.array([float("nan")]), oids.INT8, "bigint out of range"),
        (pa.array([1e300]), oids.FLOAT4, "value out of range: overflow"),
    ],
    ids=str,
)
@pytest.mark.parametrize("result_format", [0, 1])
def test_values_beyond_the_declared_type_are_errors(
    array: pa.Array, oid: int, message: str, result_format: int
) -> None:
    with pytest.raises(SqlError) as caught:
        encode_column(array, oid, result_format)
    assert (caught.value.sqlstate, caught.value.message) == (SqlState.NUMERIC_VALUE_OUT_OF_RANGE, message)


@pytest.mark.parametrize(
    ("array", "oid", "result_format"),
    [
        (pa.array([2**31 - 2], pa.date32()), oids.DATE, 0),
        (pa.array([2**31 - 2], pa.date32()), oids.DATE, 1),
        (pa.array([-(2**62)], pa.timestamp("us")), oids.TIMESTAMP, 0),
        (pa.array([2**62], pa.timestamp("s")), oids.TIMESTAMP, 0),
    ],
    ids=str,
)
def test_moments_beyond_the_calendar_are_errors(array: pa.Array, oid: int, result_format: int) -> None:
    with pytest.raises(SqlError) as caught:
        encode_column(array, oid, result_format)
    assert caught.value.sqlstate == SqlState.DATETIME_VALUE_OUT_OF_RANGE


def test_infinite_moments() -> None:
    top, bottom = 2**63 - 1, -(2**63)
    moments = pa.array([top, 0, bottom, None], pa.int64()).cast(pa.timestamp("us", "UTC"))
    shown = [b"infinity", b"1970-01-01 00:00:00+00", b"-infinity", None]
    assert encode_column(moments, oids.TIMESTAMPTZ, 0) == shown
    assert encode_column(moments, oids.TIMESTAMPTZ, 1)[0] == top.to_bytes(8, "big")
    days = pa.array([2**31 - 1, -(2**31), 0], pa.date32())
    assert encode_column(days, oids.DATE, 0) == [b"infinity", b"-infinity", b"1970-01-01"]
    assert encode_column(days, oids.DATE, 1)[1] == (-(2**31)).to_bytes(4, "big", signed=True)


@pytest.mark.parametrize(
    "zone",
    ["Europe/Berlin", "europe/berlin", "America/New_York", "Asia/Kolkata", "Africa/Monrovia",
     "Australia/Lord_Howe", "Pacific/Apia", "UTC", "GMT", "5", "-3.5", "<+05>-05", "+02:00"],
)  # fmt: skip
def test_time_zones(zone: str, postgres: psycopg.Connection) -> None:
    rng = np.random.default_rng(7)
    span = 86_400 * 365
    seconds = np.concatenate(
        [rng.integers(-80 * span, 60 * span, 3000), rng.integers(-3000 * span, 9000 * span, 100), [0, 10**9]]
    )
    micros = seconds * 1_000_000 + rng.choice([0, 500_000, 1, 123_456], len(seconds))
    postgres.execute("SELECT set_config('TimeZone', %s, false)", [zone])
    interval = "make_interval(hours => (v / 3600000000)::int, secs => v % 3600000000 / 1e6)"
    query = f"SELECT timestamptz 'epoch' + {interval} FROM unnest($1::int8[]) AS t (v)"
    literal = "{" + ",".join(map(str, micros)) + "}"
    result = postgres.pgconn.exec_params(query.encode(), [literal.encode()])
    theirs = [result.get_value(row, 0) for row in range(result.ntuples)]
    moments = pa.array(micros).cast(pa.timestamp("us", "UTC"))
    session = OutputSettings(time_zone=zone)
    assert encode_column(moments, oids.TIMESTAMPTZ, 0, settings=session) == theirs


def test_bytea_escape(postgres: psycopg.Connection) -> None:
    values = [bytes(range(256)), b"", None, b"\\x", b"plain"]
    postgres.execute("SET bytea_output = 'escape'")
    try:
        query = "SELECT v FROM unnest($1::bytea[]) WITH ORDINALITY AS t (v, n) ORDER BY n"
        items = ("NULL" if value is None else '"\\\\x' + value.hex() + '"' for value in values)
        result = postgres.pgconn.exec_params(query.encode(), [("{" + ",".join(items) + "}").encode()])
    finally:
        postgres.execute("RESET bytea_output")
    theirs = [result.get_value(row, 0) for row in range(result.ntuples)]
    session = OutputSettings(bytea_output="escape")
    assert encode_column(pa.array(values, pa.binary()), oids.BYTEA, 0, settings=session) == theirs


@pytest.mark.parametrize(
    ("arrow", "column", "session", "state"),
    [
        (pa.timestamp("us"), OutputColumn(oids.TIMESTAMPTZ), OutputSettings(time_zone="Mars/Olympus"),
         SqlState.INVALID_PARAMETER_VALUE),
        (pa.int32(), OutputColumn(oids.DATE), OutputSettings(), SqlState.CANNOT_COERCE),
        (pa.date32(), OutputColumn(oids.INT4), OutputSettings(), SqlState.CANNOT_COERCE),
        (pa.binary(), OutputColumn(oids.TEXT), OutputSettings(), SqlState.CANNOT_COERCE),
        (pa.string(), OutputColumn(3615, -1, 1), OutputSettings(), SqlState.FEATURE_NOT_SUPPORTED),  # tsquery
    ],
    ids=str,
)  # fmt: skip
def test_impossible_pairs_are_refused_when_prepared(
    arrow: pa.DataType, column: OutputColumn, session: OutputSettings, state: SqlState
) -> None:
    with pytest.raises(SqlError) as caught:
        prepare(pa.schema([("c", arrow)]), [column], session)
    assert caught.value.sqlstate == state


def test_a_format_that_does_not_exist_is_refused_with_the_first_row() -> None:
    schema = pa.schema([("c", pa.int32())])
    encoder = prepare(schema, [OutputColumn(oids.INT4, -1, 2)], OutputSettings())
    batches = [pa.record_batch([pa.array(values, pa.int32())], schema) for values in ([], [1])]
    assert encoder.encode(batches[0]) == []
    with pytest.raises(SqlError) as caught:
        encoder.encode(batches[1])
    assert caught.value.sqlstate == SqlState.INVALID_PARAMETER_VALUE


def test_too_many_columns_are_refused() -> None:
    names = [str(place) for place in range(rows.MAX_COLUMNS + 1)]
    schema = pa.schema([(name, pa.int8()) for name in names])
    with pytest.raises(SqlError) as caught:
        prepare(schema, [OutputColumn(oids.INT2)] * len(names), OutputSettings())
    assert caught.value.sqlstate == SqlState.TOO_MANY_COLUMNS


@pytest.mark.parametrize(
    ("oid", "texts"),
    [
        (oids.INT4, ["1", None, "-5"]),
        (oids.NUMERIC, ["1.50", None, "-12345678901234567890.123", "NaN", "-Infinity", "0"]),
        (oids.DATE, ["2020-01-02", None]),
        (oids.TIMESTAMP, ["2020-01-02 03:04:05.678"]),
        (oids.BOOL, ["true", "false"]),
        (oids.FLOAT8, ["1.5", "1e300"]),
    ],
)
@pytest.mark.parametrize("kind", [pa.string(), pa.string_view()], ids=str)
def test_text_of_other_types_in_binary(
    oid: int, texts: list[Any], kind: pa.DataType, postgres_bytes: PostgresBytes
) -> None:
    assert encode_column(pa.array(texts, kind), oid, 1) == postgres_bytes(texts, oids.BY_OID[oid].name, 1)


@pytest.mark.parametrize("oid", [oids.INT4, oids.NUMERIC, oids.DATE])
def test_text_that_is_no_value_in_binary(oid: int) -> None:
    with pytest.raises(SqlError) as caught:
        encode_column(pa.array(["1", "x"]), oid, 1)
    assert caught.value.sqlstate == SqlState.INVALID_TEXT_REPRESENTATION


@pytest.mark.parametrize(
    "sql_type",
    ["numeric(15,2)", "numeric", "numeric(5)", "character varying(20)", "character varying", "character(3)",
     "character", "integer[]", "text", "timestamp without time zone", "timestamp(3) with time zone", "timestamptz(3)",
     "time(0) without time zone", "double precision", "numeric(10,3)[]", '"char"', "uuid", "int8", "bpchar"],
)  # fmt: skip
def test_declared_types_are_postgres_own(sql_type: str, postgres: psycopg.Connection) -> None:
    result = postgres.pgconn.exec_(f"SELECT NULL::{sql_type}".encode())
    assert oids.declared_type(sql_type) == (result.ftype(0), result.fmod(0))


def test_unknown_declared_type_is_refused() -> None:
    with pytest.raises(SqlError) as caught:
        oids.declared_type("geometry(Point,4326)")
    assert caught.value.sqlstate == SqlState.UNDEFINED_OBJECT


def test_types_are_postgres_own(postgres: psycopg.Connection) -> None:
    query = "SELECT oid::int8, typname, format_type(oid, NULL), typlen::int, typarray::int8 FROM pg_type"
    known = {row[0]: row for row in postgres.execute(query).fetchall()}
    for row in oids.TYPES:
        assert (row.oid, row.name, row.sql_name, row.size, row.array) == known[row.oid]
