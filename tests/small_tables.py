"""Small tables with values of every type, written once as Delta tables and once into PostgreSQL itself."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
from deltalake import write_deltalake

NUMBERS = 10_000
SERIES = 4_000_000

# name: (PostgreSQL's type, Arrow's type, values): ordinary ones, extremes, NULL.
_UTC = dt.UTC
KINDS: dict[str, tuple[str, pa.DataType, list[object]]] = {
    "id": ("integer", pa.int32(), [1, 2, 3]),
    "flag": ("boolean", pa.bool_(), [True, False, None]),
    "tiny": ("smallint", pa.int16(), [1, -32768, None]),
    "whole": ("integer", pa.int32(), [42, -2147483648, None]),
    "big": ("bigint", pa.int64(), [4200000000, -9223372036854775808, None]),
    "price": ("numeric(15,2)", pa.decimal128(15, 2), [Decimal("19.99"), Decimal("-9999999999999.99"), None]),
    "half": ("real", pa.float32(), [1.5, -0.25, None]),
    "ratio": ("double precision", pa.float64(), [0.1, float("-inf"), None]),
    "name": ("text", pa.string(), ["żółw, \"q\" 'a'", "", None]),
    "raw": ("bytea", pa.binary(), [b"\x00\x01\xffabc", b"", None]),
    "day": ("date", pa.date32(), [dt.date(2024, 2, 29), dt.date(1, 1, 2), None]),
    "at": (
        "timestamp",
        pa.timestamp("us"),
        [dt.datetime(2024, 2, 29, 13, 14, 15, 123456), dt.datetime(1969, 12, 31, 23, 59, 59), None],
    ),
    "moment": (
        "timestamptz",
        pa.timestamp("us", "UTC"),
        [dt.datetime(2024, 7, 1, 12, 0, tzinfo=_UTC), dt.datetime(2024, 1, 1, 0, 0, 0, 5, tzinfo=_UTC), None],
    ),
    "list": ("integer[]", pa.list_(pa.int32()), [[1, None, 3], [], None]),
    "words": ("text[]", pa.list_(pa.string()), [["a", 'b "c"', "NULL"], [""], None]),
    "pair": (
        "jsonb",
        pa.struct([("x", pa.int32()), ("y", pa.string())]),
        [{"x": 1, "y": "ä"}, {"x": None, "y": None}, None],
    ),
}

# The types that no lake format has; five gigabytes that nobody keeps; rows that take a hundred seconds, and one.
THINGS = """
CREATE SCHEMA origin;
CREATE TYPE origin.mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE origin.things (
    id integer PRIMARY KEY,
    code char(5),
    title varchar(20),
    clock time,
    span interval,
    doc json,
    docb jsonb,
    uid uuid,
    feeling origin.mood,
    free numeric,
    ints integer[],
    texts text[],
    moments timestamptz[]
);
CREATE VIEW origin.many AS SELECT generate_series(1, 5000000) AS n, repeat('x', 1000) AS filler;
CREATE VIEW origin.slow AS SELECT n FROM small.numbers WHERE pg_sleep(0.01) IS NOT NULL;
CREATE VIEW origin.second AS SELECT n FROM small.numbers WHERE n <= 100 AND pg_sleep(0.01) IS NOT NULL;
COMMENT ON TABLE origin.things IS 'The types that no lake format has';
INSERT INTO origin.things VALUES
    (1, 'ab', 'a title', '13:14:15.5', '1 year 2 mons 3 days 04:05:06.7', '{"a": 1}', '{"b": [1, null]}',
     '00112233-4455-6677-8899-aabbccddeeff', 'happy', 12345.678, '{1,NULL,3}', '{a,"b c",NULL}',
     '{"2024-07-01 12:00:00+00"}'),
    (2, '', '', '00:00', '-1 day', '[]', '{}', '00000000-0000-0000-0000-000000000000', 'sad', -1.5, '{}', '{""}', '{}'),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
"""


def kinds() -> pa.Table:
    """Return the rows of ``small.kinds``."""
    return pa.table({name: pa.array(values, arrow) for name, (_, arrow, values) in KINDS.items()})


def write_delta_tables(folder: Path) -> None:
    """Write ``kinds``, ``numbers`` (in four files), ``series`` and ``none`` as Delta tables."""
    write_deltalake(folder / "kinds", kinds())
    step = NUMBERS // 4
    for start in range(0, NUMBERS, step):
        numbers = pa.table({"n": pa.array(range(start + 1, start + step + 1), pa.int64())})
        write_deltalake(folder / "numbers", numbers, mode="append")
    write_deltalake(folder / "series", pa.table({"n": pa.array(np.arange(SERIES))}))
    write_deltalake(folder / "none", pa.table({"n": pa.array([], pa.int64())}))


def load_reference(connection: psycopg.Connection) -> None:
    """Write the same rows into PostgreSQL: schemas ``small`` and ``origin``."""
    columns = ", ".join(f'"{name}" {sql_type}' for name, (sql_type, _, _) in KINDS.items())
    connection.execute(f"CREATE SCHEMA small; CREATE TABLE small.kinds ({columns})")
    places = ", ".join(["%s"] * len(KINDS))
    rows = zip(*(values for _, _, values in KINDS.values()), strict=True)
    for row in rows:
        given = [json.dumps(value) if isinstance(value, dict) else value for value in row]
        connection.execute(f"INSERT INTO small.kinds VALUES ({places})", given)
    connection.execute(
        f"CREATE TABLE small.numbers AS SELECT n::bigint FROM generate_series(1, {NUMBERS}) AS n;"
        "CREATE TABLE small.none (n bigint)"
    )
    connection.execute(THINGS)
