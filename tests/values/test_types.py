"""The PostgreSQL types of Arrow's."""

from __future__ import annotations

import psycopg
import pyarrow as pa
import pytest

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from catalog.types import sql_type_of
from gateway.values.registry import declared_type

TYPES: list[tuple[pa.DataType, str]] = [
    (pa.null(), "text"),
    (pa.bool_(), "boolean"),
    (pa.int8(), "smallint"),
    (pa.uint8(), "smallint"),
    (pa.uint16(), "integer"),
    (pa.uint32(), "bigint"),
    (pa.uint64(), "numeric(20,0)"),
    (pa.decimal128(15, 2), "numeric(15,2)"),
    (pa.decimal256(76, 10), "numeric(76,10)"),
    (pa.decimal32(5, -2), "numeric(7,0)"),
    (pa.float16(), "real"),
    (pa.float64(), "double precision"),
    (pa.large_string(), "text"),
    (pa.string_view(), "text"),
    (pa.binary(16), "bytea"),
    (pa.binary_view(), "bytea"),
    (pa.date64(), "date"),
    (pa.time64("ns"), "time without time zone"),
    (pa.timestamp("ms"), "timestamp without time zone"),
    (pa.timestamp("us", "Europe/Berlin"), "timestamp with time zone"),
    (pa.duration("s"), "interval"),
    (pa.month_day_nano_interval(), "interval"),
    (pa.list_(pa.int32()), "integer[]"),
    (pa.list_(pa.list_(pa.decimal128(9, 1))), "numeric(9,1)[]"),
    (pa.list_view(pa.string_view()), "text[]"),
    (pa.list_(pa.struct([("a", pa.int8())])), "jsonb[]"),
    (pa.struct([("a", pa.int8())]), "jsonb"),
    (pa.map_(pa.string(), pa.int8()), "jsonb"),
    (pa.dictionary(pa.int8(), pa.string()), "text"),
    (pa.run_end_encoded(pa.int32(), pa.date32()), "date"),
    (pa.uuid(), "uuid"),
    (pa.json_(), "json"),
    (pa.bool8(), "boolean"),
]


@pytest.mark.parametrize(("arrow", "expected"), TYPES, ids=str)
def test_spelling_is_one_that_postgres_gives(arrow: pa.DataType, expected: str, postgres: psycopg.Connection) -> None:
    assert sql_type_of(arrow) == expected
    oid, typmod = declared_type(expected)
    assert postgres.execute("SELECT format_type(%s::oid, %s)", [oid, typmod]).fetchone() == (expected,)


def test_type_without_counterpart_is_refused() -> None:
    with pytest.raises(SqlError) as caught:
        sql_type_of(pa.sparse_union([pa.field("a", pa.int8())]))
    assert caught.value.sqlstate == SqlState.FEATURE_NOT_SUPPORTED
