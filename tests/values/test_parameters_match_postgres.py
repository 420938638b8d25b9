"""Parameters: the same texts are accepted and refused as PostgreSQL does, with its SQLSTATE and message."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.pq import DiagnosticField, ExecStatus

from catalog.errors import SqlError
from gateway.values import registry as oids
from gateway.values.parameters import decode_parameter
from gateway.values.settings import InputSettings, OutputSettings
from tests.values.data_rows import encode_column

ZONE = "Europe/Berlin"

BY_NAME = {row.name: row.oid for row in oids.TYPES} | {f"{row.name}[]": row.array for row in oids.TYPES}


def _cases() -> list[tuple[int, str]]:
    lines = Path(__file__).with_name("parameter_texts.txt").read_text(encoding="utf-8").splitlines()
    parts = [line.split(" ", 1) for line in lines if not line.startswith("#")]
    return [(BY_NAME[name], json.loads(text)) for name, text in parts]


@pytest.fixture
def berlin(postgres: psycopg.Connection) -> psycopg.Connection:
    postgres.execute(f"SET TimeZone = '{ZONE}'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'")
    return postgres


def _type_name(oid: int) -> str:
    element = oids.get_element(oid)
    return oids.BY_OID[oid].name if element is None else f"{oids.BY_OID[element].name}[]"


def _postgres_reads(connection: psycopg.Connection, text: str, oid: int) -> bytes | tuple[str, str]:
    """Return the binary form of a parameter, or the SQLSTATE and message of its refusal."""
    result = connection.pgconn.exec_params(
        f"SELECT $1::text::{_type_name(oid)}".encode(), [text.encode()], result_format=1
    )
    if result.status == ExecStatus.TUPLES_OK:
        value = result.get_value(0, 0)
        assert value is not None
        return value
    fields = (DiagnosticField.SQLSTATE, DiagnosticField.MESSAGE_PRIMARY)
    state, message = ((result.error_field(field) or b"").decode() for field in fields)
    return state, message


def _we_read(text: str, oid: int, given: InputSettings = InputSettings(ZONE)) -> bytes | tuple[str, str]:
    try:
        scalar = decode_parameter(text.encode(), oid, 0, given)
    except SqlError as error:
        return error.sqlstate.value, error.message
    return _binary(scalar, oid)


def _binary(scalar: pa.Scalar, oid: int) -> bytes:
    """Return a scalar in binary format."""
    (value,) = encode_column(pa.repeat(scalar, 1), oid, 1, settings=OutputSettings(time_zone=ZONE))
    assert value is not None
    return value


@pytest.mark.parametrize(("oid", "text"), _cases(), ids=repr)
def test_text_is_read_as_postgres_does(oid: int, text: str, berlin: psycopg.Connection) -> None:
    assert _we_read(text, oid) == _postgres_reads(berlin, text, oid)


_ORDERED_TEXTS = (
    *("1/2/2024", "13/1/2024", "1/13/2024", "2024/13/1", "01-02-03", "99-1-8", "13.1.24", "1.13.24", "24-2-13"),
    *("3 Jan 2020", "3 Jan 20", "20 Jan 3", "Jan 3 2020", "Jan 3 20", "Jan 20 3", "2020 Jan 3", "20-Jan-03"),
    *("03-Jan-2020", "Jan-03-20", "Jan-03-2020", "2020-Jan-03", "3-Jan-20", "30-Jan-31", "31-Jan-30", "Jan-31-30"),
    *("3 Feb 99 BC", "1 2 2024", "13 1 2024", "2024 1 13", "1 2 3", "990108", "19990108", "1/2/24 10:00", "Feb 30"),
    *("30 12 2024 23:59:59", "Tue 2 1 2024", "5/4/0099", "1/1/69", "1/1/70", "0/1/2024", "1/0/2024", "Jan Feb 3"),
)


@pytest.mark.parametrize("order", ["MDY", "DMY", "YMD"])
@pytest.mark.parametrize("oid", [oids.DATE, oids.TIMESTAMP, oids.TIMESTAMPTZ])
def test_dates_are_read_in_the_sessions_order(oid: int, order: str, berlin: psycopg.Connection) -> None:
    berlin.execute(f"SET DateStyle = 'ISO, {order}'")
    given = InputSettings(ZONE, order.lower())
    known = [text for found, text in _cases() if found == oid]
    for text in (*known, *_ORDERED_TEXTS):
        assert _we_read(text, oid, given) == _postgres_reads(berlin, text, oid), text


@pytest.mark.parametrize("style", ["postgres", "postgres_verbose", "sql_standard", "iso_8601"])
def test_intervals_are_read_in_the_sessions_style(style: str, berlin: psycopg.Connection) -> None:
    berlin.execute(f"SET IntervalStyle = '{style}'")
    known = [text for oid, text in _cases() if oid == oids.INTERVAL]
    signed = ("-1 2:03:04", "-1-2 3 4:05:06", "-1 year 2 days", "-1 year -2 days", "-1 year +2 days", "-1-2", "-3:00")
    for text in (*known, *signed, "-1 day ago", "- 1 day", "-1 2:03:04 ago", "-P1Y2D", "-1.5 years 3 days"):
        ours = _we_read(text, oids.INTERVAL, InputSettings(interval_style=style))
        assert ours == _postgres_reads(berlin, text, oids.INTERVAL), text


@pytest.mark.parametrize(("oid", "text"), _cases(), ids=repr)
def test_binary_is_read_as_postgres_sends_it(oid: int, text: str, berlin: psycopg.Connection) -> None:
    sent = _postgres_reads(berlin, text, oid)
    if not isinstance(sent, bytes):
        return
    assert _binary(decode_parameter(sent, oid, 1), oid) == sent
    if oid in oids.TEXT_TYPES or oid in {oids.BYTEA, oids.JSONB}:
        return
    for wrong, states in ((sent[:-1], {"08P01"}), (sent + b"\0", {"22P03", "08P01"})):
        with pytest.raises(SqlError) as caught:
            decode_parameter(wrong, oid, 1)
        assert caught.value.sqlstate.value in states


@pytest.mark.parametrize(
    ("value", "oid", "result_format", "state", "message"),
    [
        (b"ab\xffc", oids.TEXT, 0, "22021", 'invalid byte sequence for encoding "UTF8": 0xff'),
        (b"a\0b", oids.TEXT, 1, "22021", 'invalid byte sequence for encoding "UTF8": 0x00'),
        (b"NaN", oids.NUMERIC, 0, "22003", "numeric parameters must be finite"),
        (b"\x02{}", oids.JSONB, 1, "XX000", "unsupported jsonb version number 2"),
        (b"1", oids.INT4, 2, "22023", "unsupported format code: 2"),
        (b"1", 600, 1, "42883", "no binary input function available for the type with OID 600"),
        (b"\0\0\0\x01\0\0\0\0\0\0\0\x14" + b"\0" * 8, 1007, 1, "42804",
         "binary data has array element type 20 instead of expected 23"),
        (b"\0\0\0\x09\0\0\0\0\0\0\0\x17", 1007, 1, "54000",
         "number of array dimensions (9) exceeds the maximum allowed (6)"),
        (b"\0\0\0\x01\0\0\0\0\0\0\0\x17\x7f\xff\xff\xff\0\0\0\x01", 1007, 1, "54000",
         "array size exceeds the maximum allowed (134217727)"),
    ],
)  # fmt: skip
def test_wrong_parameters_are_refused(value: bytes, oid: int, result_format: int, state: str, message: str) -> None:
    with pytest.raises(SqlError) as caught:
        decode_parameter(value, oid, result_format)
    assert (caught.value.sqlstate.value, caught.value.message) == (state, message)


@pytest.mark.parametrize("oid", [0, *(row.oid for row in oids.TYPES), *(row.array for row in oids.TYPES if row.array)])
def test_null_is_null_of_its_type(oid: int) -> None:
    assert decode_parameter(None, oid, 0).as_py() is None


@pytest.mark.parametrize("oid", [0, oids.UNKNOWN, 600])
def test_types_without_reader_are_text(oid: int) -> None:
    assert decode_parameter("(1,é)".encode(), oid, 0) == pa.scalar("(1,é)")


def test_any_bytes_are_a_value_or_an_sql_error() -> None:
    known = [*(row.oid for row in oids.TYPES), *(row.array for row in oids.TYPES if row.array)]

    @settings(max_examples=400, deadline=None, derandomize=True)
    @given(st.binary(max_size=40), st.sampled_from(known), st.sampled_from([0, 1]))
    def check(value: bytes, oid: int, result_format: int) -> None:
        try:
            scalar = decode_parameter(value, oid, result_format)
        except SqlError:
            return
        assert isinstance(scalar, pa.Scalar)

    check()


@pytest.mark.parametrize(
    ("oid", "alphabet"),
    [
        (oids.INT4, "0123456789-+_xX aF."),
        (oids.NUMERIC, "0123456789-+_. x"),
        (oids.FLOAT8, "0123456789-+.eE naif"),
        (oids.BOOL, "truefalsyno10 "),
        (oids.BY_OID[oids.TEXT].array, '{},"\\ aNUL'),
        (oids.BY_OID[oids.INT4].array, "{},12 "),
        (oids.BYTEA, "\\x0123af "),
        (oids.JSONB, '{}[]",:1.0e-ab\\u tru'),
        (oids.DATE, "0123456789-/ BC"),
        (oids.TIME, "0123456789: .PM"),
    ],
)
def test_any_text_is_read_as_postgres_does(oid: int, alphabet: str, berlin: psycopg.Connection) -> None:
    @settings(max_examples=80, deadline=None, derandomize=True)
    @given(st.text(alphabet, max_size=10))
    def check(text: str) -> None:
        ours, theirs = _we_read(text, oid), _postgres_reads(berlin, text, oid)
        if isinstance(ours, bytes) or isinstance(theirs, bytes):
            assert ours == theirs
        else:
            assert ours[0][:2] == theirs[0][:2] == "22"  # which of its data exceptions may differ

    check()
