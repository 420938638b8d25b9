"""The rows both sides answer from: TPC-H and a table of every type, once in PostgreSQL, once for the engine."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

TPCH = ("region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem")
KEYS = {
    "region": "r_regionkey",
    "nation": "n_nationkey",
    "supplier": "s_suppkey",
    "customer": "c_custkey",
    "part": "p_partkey",
    "partsupp": "ps_partkey, ps_suppkey",
    "orders": "o_orderkey",
    "lineitem": "l_orderkey, l_linenumber",
}
INDEXES = ("lineitem (l_partkey)", "orders (o_custkey)", "lineitem (l_suppkey)")


@dataclass(frozen=True, slots=True)
class Relation:
    """A table: its columns as PostgreSQL declares them, and its rows."""

    name: str
    columns: dict[str, str]
    rows: pa.Table


def generate_tpch(folder: Path, scale: str = "0.01") -> None:
    """Write TPC-H's tables as Parquet."""
    command = [str(Path(sys.executable).parent / "tpchgen-cli"), "parquet", "-s", scale, f"--output-dir={folder}"]
    subprocess.run(command, check=True, capture_output=True)


def tpch(folder: Path) -> list[Relation]:
    """Return TPC-H's tables with PostgreSQL's types for them."""
    found = []
    for name in TPCH:
        rows = pq.read_table(folder / f"{name}.parquet")
        columns = {field.name: _sql_type(field.type) for field in rows.schema}
        found.append(Relation(name, columns, rows))
    return found


def _sql_type(arrow: pa.DataType) -> str:
    if pa.types.is_decimal(arrow):
        return f"numeric({arrow.precision},{arrow.scale})"
    names = {pa.int64(): "bigint", pa.int32(): "integer", pa.date32(): "date"}
    return names.get(arrow, "text")


def _types() -> Relation:
    """A row a case: ordinary, negative, zero, NULL, extremes, text beyond ASCII, blanks, empty arrays."""
    utc = dt.UTC
    D = Decimal
    columns: dict[str, tuple[str, pa.DataType, list[object]]] = {
        "id": ("integer", pa.int32(), list(range(1, 13))),
        "b": ("boolean", pa.bool_(), [True, False, None, True, False, True, None, False, True, True, False, None]),
        "i2": ("smallint", pa.int16(), [1, -2, 0, None, 32767, -32768, 7, 7, 100, 5, 5, None]),
        "i4": ("integer", pa.int32(), [10, -20, 0, None, 2147483647, -2147483648, 7, 7, 3, 5, 5, None]),
        "i8": ("bigint", pa.int64(), [100, -200, 0, None, 2**62, -(2**62), 7, 70, 3, 5, 5, None]),
        "n": (
            "numeric(20,4)",
            pa.decimal128(20, 4),
            [
                D("1.5"),
                D("-2.25"),
                D("0"),
                None,
                D("123456789.1234"),
                D("-0.0001"),
                D("2.5"),
                D("3.5"),
                D("-2.5"),
                D("10"),
                D("0.5"),
                None,
            ],
        ),
        "n2": (
            "numeric(10,2)",
            pa.decimal128(10, 2),
            [
                D("3"),
                D("7"),
                D("0.1"),
                D("1"),
                D("99999999.99"),
                D("-1"),
                D("0.3"),
                D("2"),
                D("6"),
                D("0.25"),
                D("-7.5"),
                None,
            ],
        ),
        "f4": ("real", pa.float32(), [1.5, -2.5, 0.0, None, 1e10, 1e-10, 0.5, 2.5, 3.25, 100.0, 16777216.0, None]),
        "f8": (
            "double precision",
            pa.float64(),
            [1.5, -2.5, 0.0, None, 1e100, 1e-7, 0.1, 2.5, 3.5, 123456789.125, -0.5, None],
        ),
        "t": (
            "text",
            pa.string(),
            [
                "apple",
                "Banana",
                "",
                None,
                "żółć",
                "a b c",
                "apple",
                "100%",
                "x_y",
                "Čeština",
                "tab\there",
                "line\nbreak",
            ],
        ),
        "v": (
            "varchar(20)",
            pa.string(),
            ["one,two,three", "one", ",", None, "a,b", "  pad  ", "ABC", "abc", "aBc", "日本語", "x", ""],
        ),
        "d": (
            "date",
            pa.date32(),
            [
                dt.date(2024, 1, 31),
                dt.date(2023, 2, 28),
                dt.date(2024, 2, 29),
                None,
                dt.date(1970, 1, 1),
                dt.date(1999, 12, 31),
                dt.date(2024, 12, 30),
                dt.date(2021, 1, 3),
                dt.date(1600, 1, 1),
                dt.date(2024, 1, 31),
                dt.date(2024, 3, 31),
                None,
            ],
        ),
        "ts": (
            "timestamp",
            pa.timestamp("us"),
            [
                dt.datetime(2024, 1, 31, 10, 30),
                dt.datetime(2023, 2, 28, 23, 59, 59, 999999),
                dt.datetime(2024, 2, 29),
                None,
                dt.datetime(1969, 12, 31, 12),
                dt.datetime(2000, 1, 1, 0, 0, 1),
                dt.datetime(2024, 1, 31, 10, 30, 15, 500000),
                dt.datetime(2021, 1, 3, 6),
                dt.datetime(1600, 1, 1),
                dt.datetime(2024, 3, 31, 2, 30),
                dt.datetime(2024, 10, 27, 2, 30),
                None,
            ],
        ),
        "tz": (
            "timestamptz",
            pa.timestamp("us", "UTC"),
            [
                dt.datetime(2024, 1, 31, 10, 30, tzinfo=utc),
                dt.datetime(2023, 2, 28, 23, 59, 59, 1, tzinfo=utc),
                dt.datetime(2024, 2, 29, tzinfo=utc),
                None,
                dt.datetime(1969, 12, 31, 12, tzinfo=utc),
                dt.datetime(2000, 1, 1, tzinfo=utc),
                dt.datetime(2024, 7, 1, 22, 30, tzinfo=utc),
                dt.datetime(2021, 1, 3, 6, tzinfo=utc),
                dt.datetime(1700, 1, 1, tzinfo=utc),
                dt.datetime(2024, 3, 31, 1, tzinfo=utc),
                dt.datetime(2024, 10, 27, 1, tzinfo=utc),
                None,
            ],
        ),
        "tm": (
            "time",
            pa.time64("us"),
            [
                dt.time(10, 30),
                dt.time(23, 59, 59, 999999),
                dt.time(0),
                None,
                dt.time(12),
                dt.time(1, 2, 3, 500000),
                dt.time(6),
                dt.time(6),
                dt.time(18, 45),
                dt.time(3),
                dt.time(4),
                None,
            ],
        ),
        "iv": (
            "interval",
            pa.month_day_nano_interval(),
            [
                (14, 3, 0),
                (0, -1, 0),
                (0, 0, 0),
                None,
                (0, 0, 3_723_500_000_000),
                (-1, 0, -1_000_000_000),
                (0, 45, 0),
                (1, 0, 0),
                (12, 0, 0),
                (0, 1, 43_200_000_000_000),
                (0, 7, 0),
                None,
            ],
        ),
        "ai": (
            "integer[]",
            pa.list_(pa.int32()),
            [[1, 2, 3], [3], [], None, [1, None, 2], [5, 5], [2, 3], [10], [1], [4, 5, 6, 7], [0], None],
        ),
        "at": (
            "text[]",
            pa.list_(pa.string()),
            [["a", "b"], ["c"], [], None, ["a", None], ["x y", ""], ["b"], ["d"], ["ż"], ["a", "a"], ["q"], None],
        ),
        "j": (
            "json",
            pa.string(),
            [
                '{"a":1,"b":[1,2]}',
                "[]",
                "null",
                None,
                '"text"',
                "1.50",
                '{"a":{"b":"c"}}',
                "{}",
                '{"a":null}',
                "true",
                "[1]",
                None,
            ],
        ),
        "u": (
            "uuid",
            pa.string(),
            [f"00000000-0000-0000-0000-0000000000{n:02x}" if n != 4 else None for n in range(12)],
        ),
        "y": ("bytea", pa.binary(), [b"abc", b"\x00\xff", b"", None, b"x", b"yy", b"z", b"1", b"2", b"3", b"4", None]),
    }
    rows = pa.table({name: pa.array(values, arrow) for name, (_, arrow, values) in columns.items()})
    return Relation("types", {name: sql for name, (sql, _, _) in columns.items()}, rows)


def _padded() -> Relation:
    """Strings of fixed length, as PostgreSQL sources deliver them: padded with blanks."""
    codes = ["ab", "abc", "x", None, "ab"]
    rows = pa.table(
        {
            "id": pa.array([1, 2, 3, 4, 5], pa.int32()),
            "code": pa.array([code if code is None else code.ljust(5) for code in codes], pa.string()),
        }
    )
    return Relation("padded", {"id": "integer", "code": "char(5)"}, rows)


def _pairs() -> Relation:
    """A small table with duplicates and NULLs in both columns, for joins and set operations."""
    rows = pa.table(
        {
            "k": pa.array([1, 1, 2, 3, None, 5, 7, None], pa.int32()),
            "w": pa.array(["one", "uno", "two", None, "none", "five", "seven", None], pa.string()),
            "q": pa.array([1.0, 2.0, 3.0, 4.0, 5.0, float("nan"), float("inf"), None], pa.float64()),
        }
    )
    return Relation("pairs", {"k": "integer", "w": "text", "q": "double precision"}, rows)


def _signs() -> Relation:
    """NaN with a sign and without, as processors write it into files; zeros with a sign, and infinities."""
    wide = np.array([0xFFF8000000000000, 0x7FF8000000000000], dtype="u8").view("f8")
    narrow = np.array([0xFFC00000, 0x7FC00000], dtype="u4").view("f4")
    rest = [-np.inf, np.inf, -1.0, 0.0, 7.5]
    rows = pa.table(
        {
            "id": pa.array(range(8), pa.int32()),
            "g": pa.array([1, 1, 1, 2, 2, 2, 3, 3], pa.int32()),
            "f8": pa.array(np.array([1.0, *wide, *rest])),
            "f4": pa.array(np.array([1.0, *narrow, *rest], dtype="f4")),
        }
    )
    return Relation("signs", {"id": "integer", "g": "integer", "f8": "double precision", "f4": "real"}, rows)


def small() -> list[Relation]:
    """Return the hand-made tables."""
    return [_types(), _padded(), _pairs(), _signs()]


def load(connection: psycopg.Connection, relations: list[Relation], folder: Path) -> None:
    """Create the tables in PostgreSQL, with keys and indexes, and fill them."""
    for relation in relations:
        columns = ", ".join(f'"{name}" {sql_type}' for name, sql_type in relation.columns.items())
        connection.execute(f"create table {relation.name} ({columns})")
        with connection.cursor().copy(f"copy {relation.name} from stdin") as copy:
            copy.write(_copy_text(relation.rows))
        if relation.name in KEYS:
            connection.execute(f"alter table {relation.name} add primary key ({KEYS[relation.name]})")
    for index in INDEXES:
        connection.execute(f"create index on {index}")
    connection.execute("analyze")


def _copy_text(rows: pa.Table) -> bytes:
    """Write rows in COPY's text format."""
    columns = [[_copy_value(value) for value in column.to_pylist()] for column in rows.columns]
    return b"".join("\t".join(row).encode() + b"\n" for row in zip(*columns, strict=True))


def _copy_value(value: object) -> str:
    match value:
        case None:
            return "\\N"
        case bytes():
            return "\\\\x" + value.hex()
        case list():
            return "{" + ",".join("NULL" if item is None else _array_item(item) for item in value) + "}"
        case pa.MonthDayNano():
            return f"{value.months} months {value.days} days {value.nanoseconds // 1000} microseconds"
        case str():
            return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
        case float() if value in (float("inf"), float("-inf")):
            return "Infinity" if value > 0 else "-Infinity"
    return str(value)


def _array_item(item: object) -> str:
    return '"' + item + '"' if isinstance(item, str) else str(item)
