"""The tables that generated statements read: the same columns in files, in PostgreSQL and in a view over files.

========  ==========================================================================================
``wild``  a row a corner: NULL, extremes, empty and long text, NaN, infinities, negative zero, the ends of dates
``tame``  ordinary values with duplicates and NULL, so that few expressions over them fail
``none``  no rows
========  ==========================================================================================

``lk`` is in Parquet files. ``db`` is in PostgreSQL and has the types that files have not. ``lk.seen`` is a view.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

_UTC = dt.UTC
_D = Decimal
_INF = float("inf")
_LONG = "long " * 60


@dataclass(frozen=True, slots=True)
class Column:
    """A column: PostgreSQL's declaration, the type's short name, Arrow's type, and values for ``wild`` and ``tame``."""

    declared: str
    sql_type: str
    arrow: pa.DataType | None
    wild: tuple[object, ...]
    tame: tuple[object, ...]


def _moment(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=_UTC)  # type: ignore[arg-type, misc]


COLUMNS: dict[str, Column] = {
    "id": Column("integer", "int4", pa.int32(), tuple(range(1, 13)), tuple(range(1, 9))),
    "b": Column(
        *("boolean", "bool", pa.bool_()),
        (True, False, None, True, False, True, None, False, True, True, False, None),
        (True, False, None, True, True, False, False, None),
    ),
    "i2": Column(
        *("smallint", "int2", pa.int16()),
        (1, -2, 0, None, 32767, -32768, 7, 7, 100, 5, 5, None),
        (1, 2, None, 3, -1, 2, 0, 5),
    ),
    "i4": Column(
        *("integer", "int4", pa.int32()),
        (10, -20, 0, None, 2**31 - 1, -(2**31), 7, 7, 3, 5, 5, None),
        (4, 1, 2, None, 2, -3, 0, 7),
    ),
    "i8": Column(
        *("bigint", "int8", pa.int64()),
        (100, -200, 0, None, 2**63 - 1, -(2**63), 7, 70, 3, 5, 5, None),
        (10, 3, None, 2, 2, -5, 0, 12),
    ),
    "n": Column(
        *("numeric(20,4)", "numeric", pa.decimal128(20, 4)),
        (
            *(_D("1.5"), _D("-2.25"), _D("0"), None, _D("9999999999999999.9999"), _D("-0.0001"), _D("2.5"), _D("3.5")),
            *(_D("-2.5"), _D("10"), _D("0.5"), None),
        ),
        (_D("1.5"), _D("2.25"), None, _D("-0.5"), _D("10"), _D("2.25"), _D("0"), _D("3.1250")),
    ),
    "f4": Column(
        *("real", "float4", pa.float32()),
        (1.5, -2.5, 0.0, None, 1e30, 1e-30, -0.0, float("nan"), _INF, -_INF, 16777216.0, None),
        (1.5, 2.0, None, -0.5, 3.25, 2.0, 4.0, 0.25),
    ),
    "f8": Column(
        *("double precision", "float8", pa.float64()),
        (1.5, -2.5, 0.0, None, 1.7e308, 5e-324, -0.0, float("nan"), _INF, -_INF, 0.1, None),
        (1.5, 2.5, None, -0.5, 3.0, 2.5, 4.0, 0.125),
    ),
    "t": Column(
        *("text", "text", pa.string()),
        (
            *("apple", "Banana", "", None, "żółć ÄÖ", "a b  c", "100%", "x_y\\z", "12", " 2024-01-31 "),
            *("tab\tnew\nline 'q' \"d\"", _LONG),
        ),
        ("abc", "de", None, "", "abc", "Xyz", "ä b", "f,g"),
    ),
    "v": Column(
        *("text", "text", pa.string()),
        (
            *("one,two,three", "one", ",", None, "a,b", "  pad  ", "ABC", "日本語", "e\u0301", "\U0001f600 smile"),
            *("İstanbul ß", ""),
        ),
        ("a", "b", "a", None, "c", "", "abc", "B"),
    ),
    "y": Column(
        *("bytea", "bytea", pa.binary()),
        (b"abc", b"\x00\xff", b"", None, b"x", b"yy", b"\\", b"'", b"2", b"\xc5\xbc", b"4" * 70, None),
        (b"a", b"bc", None, b"", b"a", b"\x00", b"d", b"ef"),
    ),
    "d": Column(
        *("date", "date", pa.date32()),
        (
            *(dt.date(2024, 1, 31), dt.date(2023, 2, 28), dt.date(2024, 2, 29), None, dt.date(1, 1, 1)),
            *(dt.date(9999, 12, 31), dt.date(2024, 12, 30), dt.date(2021, 1, 3), dt.date(1582, 10, 15)),
            *(dt.date(1970, 1, 1), dt.date(2000, 3, 31), None),
        ),
        (
            *(dt.date(2024, 1, 31), dt.date(2024, 2, 29), None, dt.date(2023, 12, 31), dt.date(2024, 1, 31)),
            *(dt.date(2020, 5, 17), dt.date(1999, 7, 4), dt.date(2024, 3, 1)),
        ),
    ),
    "ts": Column(
        *("timestamp", "timestamp", pa.timestamp("us")),
        (
            *(dt.datetime(2024, 1, 31, 10, 30), dt.datetime(2023, 2, 28, 23, 59, 59, 999999)),
            *(dt.datetime(2024, 2, 29), None, dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999)),
            *(dt.datetime(2024, 1, 31, 10, 30, 15, 500000), dt.datetime(2021, 1, 3, 6), dt.datetime(1600, 1, 1)),
            *(dt.datetime(2024, 3, 31, 2, 30), dt.datetime(1969, 12, 31, 12, 0, 0, 1), None),
        ),
        (
            *(dt.datetime(2024, 1, 31, 10, 30), dt.datetime(2024, 2, 29), None, dt.datetime(2023, 12, 31, 23, 59, 59)),
            *(dt.datetime(2024, 1, 31, 10, 30), dt.datetime(2020, 5, 17, 4, 5, 6, 700000), dt.datetime(1999, 7, 4)),
            dt.datetime(2024, 3, 31, 2, 30),
        ),
    ),
    "tz": Column(
        *("timestamptz", "timestamptz", pa.timestamp("us", "UTC")),
        (
            *(_moment(2024, 1, 31, 10, 30), _moment(2023, 2, 28, 23, 59, 59, 1), _moment(2024, 2, 29), None),
            *(_moment(1, 1, 2), _moment(9999, 12, 30), _moment(2024, 7, 1, 22, 30), _moment(2021, 1, 3, 6)),
            *(_moment(1700, 1, 1), _moment(2024, 3, 31, 1), _moment(2024, 10, 27, 1), None),
        ),
        (
            *(_moment(2024, 1, 31, 10, 30), _moment(2024, 2, 29), None, _moment(2023, 12, 31, 23, 59, 59)),
            *(_moment(2024, 1, 31, 10, 30), _moment(2024, 7, 1, 22), _moment(1999, 7, 4), _moment(2024, 3, 31, 1)),
        ),
    ),
    "tm": Column(
        *("time", "time", pa.time64("us")),
        (
            *(dt.time(10, 30), dt.time(23, 59, 59, 999999), dt.time(0), None, dt.time(12), dt.time(1, 2, 3, 500000)),
            *(dt.time(6), dt.time(6), dt.time(18, 45), dt.time(3), dt.time(4), None),
        ),
        (
            *(dt.time(10, 30), dt.time(0), None, dt.time(12), dt.time(12), dt.time(1, 2, 3, 500000), dt.time(6)),
            dt.time(23, 59, 59),
        ),
    ),
    "ai": Column(
        *("integer[]", "int4[]", pa.list_(pa.int32())),
        ([1, 2, 3], [3], [], None, [1, None, 2], [5, 5], [2**31 - 1], [10], [1], [4, 5, 6, 7], [None], None),
        ([1, 2], [3], None, [], [1, 2], [2, None], [5], [4, 1, 4]),
    ),
    "at": Column(
        *("text[]", "text[]", pa.list_(pa.string())),
        (
            *(["a", "b"], ["c"], [], None, ["a", None], ["x y", ""], ['"'], ["NULL"], ["ż"], ["a", "a"], ["{,}"]),
            None,
        ),
        (["a", "b"], ["c"], None, [], ["a", "b"], ["b", None], ["d"], ["", "a"]),
    ),
}
"""The columns of tables in files, which tables in PostgreSQL have, too."""

REMOTE: dict[str, Column] = {
    "iv": Column(
        *("interval", "interval", None),
        (
            *("1 year 2 mons 3 days 04:05:06.7", "-1 day", "0", None, "1 day", "23:00", "-1 mon +40 days -00:00:01"),
            *("1000 years", "00:00:00.000001", "45 days", "100:00:00", None),
        ),
        ("1 day", "02:00", None, "1 mon", "1 day", "-3 days", "00:00:30", "1 year"),
    ),
    "u": Column(
        *("uuid", "uuid", None),
        (*(uuid.UUID(int=number * 2**120) for number in range(10)), None, uuid.UUID(int=2**128 - 1)),
        tuple(uuid.UUID(int=number) if number != 3 else None for number in (1, 2, 3, 4, 1, 6, 7, 8)),
    ),
    "j": Column(
        *("jsonb", "jsonb", None),
        (
            *('{"a":1,"b":[1,2,{"c":null}]}', "[]", "null", None, '"text"', "1.50", '{"a":{"b":"c"}}', "{}"),
            *('{"a":null,"ä":true}', "true", '[1,"2",null]', None),
        ),
        ('{"a":1}', '{"a":2,"b":[1,2]}', None, "[1,2,3]", '{"a":1}', '"s"', "{}", '{"b":{"c":"d"}}'),
    ),
    "c": Column(
        *("char(5)", "bpchar", None),
        ("ab", "abcde", "", None, "x y", "Z", "ab", "é", "1", " a", "12345", None),
        ("ab", "c", None, "", "ab", "de", "f", "AB"),
    ),
    "w": Column(
        *("varchar(12)", "varchar", None),
        ("one", "Two ", "", None, "ñandú", "12345678.25", "-7", "true", "2024-02-29", "a|b", "%", None),
        ("one", "two", None, "", "one", "x", "y z", "Q"),
    ),
    "m": Column(
        *("numeric(9,2)", "numeric", None),
        ("1", "-2.50", "0.01", None, "9999999.99", "-9999999.99", "3", "4", "5.5", "6", "7", None),
        ("1", "2", None, "3.5", "-1.25", "2", "0", "8"),
    ),
}
"""The columns that tables in PostgreSQL alone have."""

_PLAIN = tuple(COLUMNS)
TABLES: dict[str, tuple[str, ...]] = {
    "lk.wild": _PLAIN,
    "lk.tame": _PLAIN,
    "lk.none": _PLAIN,
    "db.wild": (*_PLAIN, *REMOTE),
    "db.tame": (*_PLAIN, *REMOTE),
    "lk.seen": ("id", "i4", "t", "n", "d", "u", "j", "iv"),
}
"""Each table's columns by name, as statements read them."""

_VIEW = """
CREATE VIEW lk.seen AS
SELECT id, i4, t, n, d, lpad(id::text, 32, '0')::uuid AS u, jsonb_build_object('a', i4, 'b', v) AS j,
  make_interval(days => i4) AS iv
FROM lk.tame
"""


def columns_of(table: str) -> dict[str, str]:
    """Return the types of a table's columns, by name."""
    known = COLUMNS | REMOTE
    return {name: known[name].sql_type for name in TABLES[table]}


def write_files(folder: Path) -> None:
    """Write the tables of ``lk``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("wild", "tame", "none"):
        arrays = [pa.array(_values(column, name), column.arrow) for column in COLUMNS.values()]
        pq.write_table(pa.table(arrays, names=[*COLUMNS]), folder / f"{name}.parquet")


def load(connection: psycopg.Connection) -> None:
    """Make all tables and the view in an empty database of PostgreSQL's."""
    for schema in ("lk", "db"):
        connection.execute(f"CREATE SCHEMA {schema}".encode())
    for table, names in TABLES.items():
        if table != "lk.seen":
            _create(connection, table, names)
    create_view(connection)
    connection.execute("ANALYZE")


def create_view(connection: psycopg.Connection) -> None:
    """Make the view, in PostgreSQL or through a gateway."""
    connection.execute(_VIEW)


def _create(connection: psycopg.Connection, table: str, names: tuple[str, ...]) -> None:
    known = COLUMNS | REMOTE
    declared = ", ".join(f"{name} {known[name].declared}" for name in names)
    connection.execute(f"CREATE TABLE {table} ({declared})".encode())
    filling = table.split(".")[1]
    rows = zip(*(_values(known[name], filling) for name in names), strict=True)
    places = ", ".join(f"%s::{known[name].declared}" for name in names)
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} VALUES ({places})".encode(), [*rows])


def _values(column: Column, filling: str) -> tuple[object, ...]:
    return {"wild": column.wild, "tame": column.tame}.get(filling, ())
