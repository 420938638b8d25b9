"""Arrays, JSON of nested values, dictionaries and run-end encoding, compared with PostgreSQL's bytes."""

from __future__ import annotations

import datetime
import decimal
import json
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from catalog.types import sql_type_of
from gateway.values import registry as oids
from gateway.values.rows import OutputColumn, OutputSettings, prepare
from tests.values.conftest import PostgresBytes, array_literal
from tests.values.data_rows import encode_column

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=15)
ODD_TEXTS = st.sampled_from(["", "NULL", "null", "a b", "a,b", '"', "\\", "{}", " x", "x\n", "\v", "nu", "NULLs"])
TWICE = settings(max_examples=40, deadline=None, derandomize=True)
FORMATS = pytest.mark.parametrize("result_format", [0, 1], ids=["text", "binary"])


def _literal(value: Any) -> str | None:
    if isinstance(value, list):
        items = [_literal(item) for item in value]
        if value and isinstance(value[0], list):
            return "{" + ",".join(item or "NULL" for item in items) + "}"
        return array_literal(items)
    return None if value is None else str(value)


ARRAYS = [
    ("int4", pa.list_(pa.int32()), st.integers(-(2**31), 2**31 - 1)),
    ("int8", pa.large_list(pa.int64()), st.integers(-(2**63), 2**63 - 1)),
    ("int2", pa.list_view(pa.int16()), st.integers(-5, 5)),
    ("bool", pa.list_(pa.bool_()), st.booleans()),
    ("text", pa.list_(pa.string()), TEXTS | ODD_TEXTS),
    ("text", pa.list_(pa.string_view()), TEXTS),
    ("varchar", pa.list_(pa.dictionary(pa.int8(), pa.string())), ODD_TEXTS),
    (
        "numeric",
        pa.list_(pa.decimal128(20, 3)),
        st.integers(-(10**15), 10**15).map(lambda n: decimal.Decimal(n) / 1000),
    ),
    ("date", pa.list_(pa.date32()), st.dates(datetime.date(1, 1, 1))),
    ("timestamp", pa.list_(pa.timestamp("us")), st.datetimes(datetime.datetime(1, 1, 1))),
    ("float8", pa.list_(pa.float64()), st.floats(allow_nan=False, allow_infinity=False)),
]


@FORMATS
@pytest.mark.parametrize(("name", "arrow", "elements"), ARRAYS, ids=lambda part: str(part)[:40])
def test_array(
    name: str, arrow: pa.DataType, elements: st.SearchStrategy[Any], result_format: int, postgres_bytes: PostgresBytes
) -> None:
    oid = next(row.array for row in oids.TYPES if row.name == name)

    def text(value: Any) -> Any:
        return (
            f"{value:.3f}"
            if isinstance(value, decimal.Decimal)
            else {True: "t", False: "f"}.get(value, value)
            if isinstance(value, bool)
            else value
        )

    @TWICE
    @given(st.lists(st.none() | st.lists(st.none() | elements, max_size=5), max_size=10), st.integers(0, 3))
    def check(rows: list[Any], skipped: int) -> None:
        literals = [None if row is None else _literal([text(item) for item in row]) for row in rows]
        ours = encode_column(pa.array(rows, arrow)[skipped:], oid, result_format)
        assert ours == postgres_bytes(literals[skipped:], f"{name}[]", result_format)

    check()


@FORMATS
def test_array_of_arrays(result_format: int, postgres_bytes: PostgresBytes) -> None:
    @TWICE
    @given(
        st.lists(
            st.none() | st.tuples(st.integers(0, 3), st.integers(1, 3)).flatmap(
                lambda shape: st.lists(
                    st.lists(st.none() | ODD_TEXTS, min_size=shape[1], max_size=shape[1]),
                    min_size=shape[0], max_size=shape[0],
                )
            ),
            max_size=6,
        )
    )  # fmt: skip
    def check(rows: list[Any]) -> None:
        ours = encode_column(pa.array(rows, pa.list_(pa.list_(pa.string()))), 1009, result_format)
        assert ours == postgres_bytes([_literal(row) for row in rows], "text[]", result_format)

    check()


@FORMATS
def test_array_of_empty_arrays_is_empty(result_format: int, postgres_bytes: PostgresBytes) -> None:
    ours = encode_column(pa.array([[[], []], [[1], [2]]], pa.list_(pa.list_(pa.int32()))), 1007, result_format)
    assert ours == postgres_bytes(["{}", "{{1},{2}}"], "int[]", result_format)


@pytest.mark.parametrize("rows", [[[[1], [2, 3]]], [[[1], None]]])
def test_ragged_arrays_are_refused(rows: list[Any]) -> None:
    with pytest.raises(SqlError) as caught:
        encode_column(pa.array(rows, pa.list_(pa.list_(pa.int32()))), 1007, 0)
    assert caught.value.sqlstate == SqlState.ARRAY_SUBSCRIPT_ERROR


JSON_NUMBERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(-4e15, 4e15).map(lambda value: value + 0.0)
STRUCT = pa.struct(
    [
        ("number", pa.int64()),
        ("b", pa.string()),
        ("aa", pa.float64()),
        ("list", pa.list_(pa.int32())),
        ("flag", pa.bool_()),
        ('q"\\', pa.struct([("x", pa.string_view())])),
        ("empty", pa.struct([])),
        ("price", pa.decimal128(10, 2)),
    ]
)
STRUCTS = st.fixed_dictionaries(
    {
        "number": st.none() | JSON_NUMBERS,
        "b": st.none() | TEXTS | st.text('"\\/\b\f\n\r\t\x01\x1f\x7fé', max_size=6),
        "aa": st.none() | FLOATS,
        "list": st.none() | st.lists(st.none() | st.integers(-9, 9), max_size=3),
        "flag": st.none() | st.booleans(),
        'q"\\': st.none() | st.fixed_dictionaries({"x": st.none() | TEXTS}),
        "empty": st.none() | st.just({}),
        "price": st.none()
        | st.integers(-(10**9), 10**9).map(lambda n: (decimal.Decimal(n) / 100).quantize(decimal.Decimal("0.01"))),
    }
)


class _Number(float):
    """A number that JSON prints as given."""

    def __new__(cls, text: str) -> _Number:
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str

    def __repr__(self) -> str:
        return self.text


def _json(value: Any) -> str | None:
    """Return JSON for PostgreSQL to read, numbers without the fraction that Python adds."""
    if value is None:
        return None

    def show(item: Any) -> str:
        if isinstance(item, dict):
            return "{" + ",".join(f"{json.dumps(key)}:{show(inner)}" for key, inner in item.items()) + "}"
        if isinstance(item, list):
            return "[" + ",".join(show(inner) for inner in item) + "]"
        if isinstance(item, decimal.Decimal):
            return str(item)
        return json.dumps(item).removesuffix(".0") if isinstance(item, float) else json.dumps(item)

    return show(value)


@FORMATS
def test_struct_is_jsonb(result_format: int, postgres_bytes: PostgresBytes) -> None:
    @TWICE
    @given(st.lists(st.none() | STRUCTS, max_size=10), st.integers(0, 3))
    def check(rows: list[Any], skipped: int) -> None:
        ours = encode_column(pa.array(rows, STRUCT)[skipped:], oids.JSONB, result_format)
        assert ours == postgres_bytes([_json(row) for row in rows[skipped:]], "jsonb", result_format)

    check()


@FORMATS
def test_array_of_objects(result_format: int, postgres_bytes: PostgresBytes) -> None:
    @TWICE
    @given(st.lists(st.none() | st.lists(st.none() | STRUCTS, max_size=4), max_size=6), st.integers(0, 2))
    def check(rows: list[Any], skipped: int) -> None:
        literals = [None if row is None else array_literal([_json(item) for item in row]) for row in rows]
        ours = encode_column(pa.array(rows, pa.list_(STRUCT))[skipped:], 3807, result_format)
        assert ours == postgres_bytes(literals[skipped:], "jsonb[]", result_format)

    check()


@FORMATS
def test_array_of_maps(result_format: int, postgres_bytes: PostgresBytes) -> None:
    rows: list[Any] = [[[('a"b', "x\\"), ("", None)]], [], None, [None, [], [("\t", '"')]]]
    literals = [
        None if row is None else array_literal([None if each is None else json.dumps(dict(each)) for each in row])
        for row in rows
    ]
    ours = encode_column(pa.array(rows, pa.list_(pa.map_(pa.string(), pa.string()))), 3807, result_format)
    assert ours == postgres_bytes(literals, "jsonb[]", result_format)


@FORMATS
@pytest.mark.parametrize("kind", ["timestamp", "timestamptz", "date"])
def test_array_of_endless_moments(kind: str, result_format: int, postgres_bytes: PostgresBytes) -> None:
    rows = ["{infinity}", "{2020-01-02,-infinity,NULL,0044-03-15 BC}", "{}", None, "{-infinity,2020-01-02}"]
    number = next(row.array for row in oids.TYPES if row.name == kind)
    unit, zone = ("s", None) if kind == "date" else ("us", "UTC" if kind == "timestamptz" else None)
    days = {"2020-01-02": 18263, "0044-03-15 BC": -735160}
    scale, ends = (1, 2**31) if unit == "s" else (86_400_000_000, 2**63)
    ending = {"infinity": ends - 1, "-infinity": -ends, "NULL": None}
    lists = [
        None
        if row is None
        else [ending[one] if one in ending else days[one] * scale for one in row[1:-1].split(",") if one]
        for row in rows
    ]
    whole = pa.array(lists, pa.list_(pa.int32() if unit == "s" else pa.int64()))
    arrow = whole.cast(pa.list_(pa.date32() if unit == "s" else pa.timestamp(unit, zone)))
    assert encode_column(arrow, number, result_format) == postgres_bytes(rows, f"{kind}[]", result_format)


@pytest.mark.parametrize(
    ("items", "kind"),
    [
        (st.none() | JSON_NUMBERS, pa.int64()),
        (st.text('a"\\\té', max_size=2), pa.string()),
        (st.none() | st.text('a"\\', max_size=2), pa.string()),
    ],
    ids=["numbers", "texts", "texts and nulls"],
)
def test_map_is_jsonb(items: st.SearchStrategy[Any], kind: pa.DataType, postgres_bytes: PostgresBytes) -> None:
    @TWICE
    @given(
        st.lists(st.none() | st.lists(st.tuples(st.text('ab"é', max_size=3), items), max_size=5)),
        st.integers(0, 3),
    )
    def check(rows: list[Any], skipped: int) -> None:
        ours = encode_column(pa.array(rows, pa.map_(pa.string(), kind))[skipped:], oids.JSONB, 0)
        objects = [
            None if row is None else "{" + ",".join(f"{json.dumps(k)}:{json.dumps(v)}" for k, v in row) + "}"
            for row in rows
        ]
        assert ours == postgres_bytes(objects[skipped:], "jsonb", 0)

    check()


def test_scalars_inside_jsonb(postgres: psycopg.Connection) -> None:
    moment = datetime.datetime(2020, 7, 1, 1, 2, 3, 500_000)
    columns: list[tuple[str, pa.Array]] = [
        ("'2020-07-01'::date", pa.array([moment.date()])),
        ("'2020-07-01 01:02:03.5'::timestamp", pa.array([moment], pa.timestamp("us"))),
        ("'2020-07-01 01:02:03.5Z'::timestamptz", pa.array([moment], pa.timestamp("us", "UTC"))),
        ("'\\xab'::bytea", pa.array([b"\xab"])),
        ("'1 day'::interval", pa.array([(0, 1, 0)], pa.month_day_nano_interval())),
        ("'NaN'::float8", pa.array([float("nan")])),
        ("'-Infinity'::float4", pa.array([float("-inf")], pa.float32())),
        ("'-0'::float8", pa.array([-0.0])),
        ("1e-7::float8", pa.array([1e-7])),
        ("1e25::float8", pa.array([1e25])),
        ("null::int", pa.array([None], pa.int32())),
        ("null::text", pa.array([None], pa.null())),
        ("'12:00'::time", pa.array([datetime.time(12)])),
        ("'x'::text", pa.array(["x", None]).dictionary_encode()[:1]),
        ("array[1,null]", pa.array([[1, None]])),
    ]
    postgres.execute("SET TimeZone = 'Asia/Kolkata'")
    for expression, array in columns:
        row = postgres.execute(f"SELECT jsonb_build_object('v', {expression})::text").fetchone()
        ours = encode_column(
            pa.StructArray.from_arrays([array], ["v"]), oids.JSONB, 0, settings=OutputSettings(time_zone="Asia/Kolkata")
        )
        assert row is not None
        assert ours == [row[0].encode()]


@FORMATS
@pytest.mark.parametrize(
    "kind", [pa.string(), pa.string_view(), pa.decimal128(21, 2), pa.int64(), pa.timestamp("us")], ids=str
)
def test_dictionary_and_runs_are_their_values(kind: pa.DataType, result_format: int) -> None:
    strings = pa.array(
        ["1", None, "30", "1", "1", None, "30", "4444444444444"][: 7 if pa.types.is_decimal(kind) else 8]
    )
    plain = strings.cast(pa.int64()).cast(kind) if kind not in (pa.string(), pa.string_view()) else strings.cast(kind)
    oid = oids.BY_SQL_NAME[sql_type_of(kind).partition("(")[0]].oid
    expected = encode_column(plain, oid, result_format)
    codes = pa.array([0, None, 1, 0, 0, 2, 1, 3][: len(plain)], pa.int8())
    values = pa.concat_arrays([plain[:1], plain[2:3], plain[1:2], plain[7:]])
    dictionary = pa.DictionaryArray.from_arrays(codes, values)
    assert encode_column(dictionary, oid, result_format) == expected
    assert encode_column(dictionary[3:], oid, result_format) == expected[3:]
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([1, 2, 3], pa.int32()), plain[:3])
    assert encode_column(runs, oid, result_format) == expected[:3]
    assert encode_column(runs[1:], oid, result_format) == expected[1:3]


def test_nested_value_in_scalar_type_is_refused() -> None:
    schema = pa.schema([("s", pa.struct([("a", pa.int8())]))])
    with pytest.raises(SqlError) as caught:
        prepare(schema, [OutputColumn(oids.INT4)], OutputSettings())
    assert caught.value.sqlstate == SqlState.CANNOT_COERCE


@FORMATS
def test_lists_of_one_length(result_format: int, postgres_bytes: PostgresBytes) -> None:
    values = pa.array([[1, None], None, [3, 4]], pa.list_(pa.int32(), 2))
    expected = postgres_bytes(["{1,NULL}", None, "{3,4}"], "int[]", result_format)
    assert encode_column(values, 1007, result_format) == expected
    assert encode_column(values[1:], 1007, result_format) == expected[1:]
