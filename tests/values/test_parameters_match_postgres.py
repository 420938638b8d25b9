"""Parameters: the same texts are accepted and refused as PostgreSQL does, with its SQLSTATE and message."""

from __future__ import annotations

import psycopg
import pyarrow as pa
import pytest
from psycopg.pq import DiagnosticField, ExecStatus

from catalog.errors import SqlError
from gateway.values import registry as oids
from gateway.values.parameters import decode_parameter
from gateway.values.settings import OutputSettings
from tests.values.data_rows import encode_column

ZONE = "Europe/Berlin"

TEXTS: dict[int, list[str]] = {
    oids.DATE: [
        '2020-01-31', '20200131', '2020/1/3', '1/3/2020', 'Jan 3, 2020', 'January 3 2020', '3-Jan-2020', '2020-Jan-03', '3 Jan 2020', '2020.031', '2020-031', 'J2451187', '99-1-8', '1/8/99', '2020-13-01', '2020-02-30', 'abc', '', '0000-01-01', '0001-01-01 BC', '10000-01-01', '5874898-01-01', '4714-11-23 BC', '2020-01-01 10:00', '2020-01-01T10:00:00Z', 'epoch', 'infinity', '-infinity', '990108', 'Jan-08-1999', '08-Jan-99', '2020-1', '01.02.2020', '2020-01-01 foo', '13/1/2020', 'Thu Jan 3 2020', ' 2020-01-01 ', '2020-01-01+02',
    ],
    oids.TIME: [
        '04:05', '04:05:06.789', '040506', '0405', '04:05 AM', '4:05 PM', '13:00 PM', '24:00:00', '24:00:01', '25:00', '04:05:60', '04:60', '04:05:06-08', '04:05:06 PST', '2003-04-12 04:05:06 America/New_York', 'abc', 'allballs', '04:05:06.7891239', '', '12:00 AM',
    ],
    oids.TIMESTAMP: [
        '2020-01-01', '2020-01-01 10:00', '2020-01-01T10:00:00.5Z', '20200101T100000', '20200101100000', '2020-01-01 10:00:00+02', '2020-01-01 10:00 PM', 'Jan 1 10:00:00 2020', 'Wed Jan 01 10:00:00 2020 PST', 'epoch', 'infinity', '294277-01-01', '4714-11-23 BC', '0044-03-15 10:00:00 BC', 'abc', '2020-01-01 25:00', '2020-01-01 10:00 Foo/Bar', '2020-01-01 10:00 foo', '2020-01-01 10:00:00.1234567', '2020-01-01 10:00:00 Europe/Paris', '10:00', '2020-01-01 24:00:00', '2020-01-01 23:59:60', '2020-02-29 00:00', '2019-02-29 00:00', '2020-01-01 10',
    ],
    oids.TIMESTAMPTZ: [
        '2020-07-01 10:00', '2020-01-01 10:00', '2020-01-01 10:00+05:30', '2020-01-01 10:00-0330', '2020-03-29 02:30:00', '2020-10-25 02:30:00', '2020-01-01 10:00 PST', '2020-01-01 10:00 America/New_York', '2020-01-01T10:00:00Z', '2020-01-01 10:00+17', '2020-01-01 10:00 UTC', '2020-01-01 10:00:00 GMT', '2020-01-01 10:00+5', '2020-01-01', '1850-01-01', '2500-07-01 00:00', '2020-01-01 10:00 xyz',
    ],
    oids.INTERVAL: [
        '1 year 2 mons 3 days 04:05:06.789', '1-2', 'P1Y2M3DT4H5M6S', '@ 1 hour ago', '5', '1.5 days', '1.5 months', '-1 day', '1 day -04:00', '2 weeks', 'abc', '', '1 century', '1h 2m 3s', '3 4:05:06', 'PT1.5S', 'P1W', '1 year ago', '100 ms', '10 us', '1.5 years', '-1-2 +3 -4:05:06', '1e3 s', '4:05', '999999999999 years', '1 mon 1 mon', 'P0001-02-03T04:05:06', '1 decade', '0.1', '1 day 1', '.5 s', '1 yr', '1 y 2 d', '30 min', '1:2:3.5', '-0:30',
    ],
    oids.BOOL: [
        't', 'true', 'yes', 'on', '1', 'f', 'fal', 'of', 'o', '2', '', 'TRUE', ' true ', 'y', 'n', 'no', 'off',
    ],
    oids.INT4: [
        '1', ' 12 ', '-5', '+7', '0x1F', '1_000', '1__0', 'abc', '', '99999999999', '2147483648', '-2147483648', '1.0', '0b101', '0o17', '_1', '1_', '0x', '-0x10',
    ],
    oids.INT2: [
        '32768',
    ],
    oids.INT8: [
        '9223372036854775808',
    ],
    oids.OID: [
        '-1', '4294967296', '5', 'abc',
    ],
    oids.FLOAT8: [
        '1', '1e400', '1e-400', 'nan', 'inf', '-Infinity', 'abc', '', '1e', '.5', '5.', '0x10', ' 1 ', '1_0', '+1', '1e5', 'infinit',
    ],
    oids.FLOAT4: [
        '1e40', '1e-50', '1.5',
    ],
    oids.NUMERIC: [
        '1', '1.50', '-1e5', '1e-5', 'abc', '', '.5', '5.', '0x1F', '1_000.5', '1e200000', '+1', ' 1 ', '1._5', '--1',
    ],
    oids.UUID: [
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{A0EEBC999C0B4EF8BB6D6BB9BD380A11}', 'a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11', 'abc', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1',
    ],
    oids.BYTEA: [
        '\\xab', '\\xa', '\\xgg', 'abc', 'a\\\\b', '\\000x', '\\9', '\\x a b', 'é',
    ],
    oids.JSON: [
        '{"a":1}', '[1,', 'nan', '', '"\\u0000"', '{"a":1,"a":2}', '01', '"\x01"',
    ],
    oids.JSONB: [
        '{"bb":1,"a":[1.50,1e3]}', '"\\u0000"', '{"a":1,"a":2}', 'nan', '-0', '1e400',
    ],
    oids.BY_OID[oids.INT4].array: [
        '{1,2}', '{}', '{{1,2},{3,4}}', '{{1},{2,3}}', '{1,NULL}', '1,2', '{1,2', '{a}', '{ 1 , 2 }', '{1,,2}', '{"1",2}', '{1}x', '{{},{}}',
    ],
    oids.BY_OID[oids.TEXT].array: [
        '{a,"b c",NULL,"NULL","x\\"y",a\\,b}', '{a"b"}', '{""}', '{"a}', '{ a b }', '{null}', '{{a},{b,c}}',
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def berlin(postgres: psycopg.Connection) -> psycopg.Connection:
    postgres.execute(f"SET TimeZone = '{ZONE}'")
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


def _we_read(text: str, oid: int) -> bytes | tuple[str, str]:
    try:
        scalar = decode_parameter(text.encode(), oid, 0, ZONE)
    except SqlError as error:
        return error.sqlstate.value, error.message
    return _binary(scalar, oid)


def _binary(scalar: pa.Scalar, oid: int) -> bytes:
    """Return a scalar in binary format."""
    array = pa.nulls(1, scalar.type) if scalar.as_py is None else _array_of(scalar)
    (value,) = encode_column(array, oid, 1, settings=OutputSettings(time_zone=ZONE))
    assert value is not None
    return value


def _array_of(scalar: pa.Scalar) -> pa.Array:
    return pa.repeat(scalar, 1)


CASES = [(oid, text) for oid, texts in TEXTS.items() for text in texts]


@pytest.mark.parametrize(("oid", "text"), CASES, ids=lambda part: repr(part))
def test_text_is_read_as_postgres_does(oid: int, text: str, berlin: psycopg.Connection) -> None:
    assert _we_read(text, oid) == _postgres_reads(berlin, text, oid)
