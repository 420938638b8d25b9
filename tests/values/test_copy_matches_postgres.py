"""COPY: every type in every format, message for message what PostgreSQL sends for the same values."""

from __future__ import annotations

from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.values import registry as oids
from gateway.values.settings import OutputColumn
from tests.values.conftest import array_literal
from tests.values.copying import our_messages, their_messages
from tests.values.test_rows_match_postgres import CASES, Case, array_of

FORMATS = (
    "",
    "(FORMAT csv)",
    "(FORMAT binary)",
    "(DELIMITER ':', NULL 'a long text for NULL')",
    "(DELIMITER '-', NULL '1', HEADER)",
    "CSV DELIMITER '-' QUOTE '1' ESCAPE '.' NULL 't'",
    "(FORMAT csv, FORCE_QUOTE *, HEADER, ESCAPE '\\')",
)
AWKWARD = (
    *("", "\\N", "\\.", "a,b", 'say "no"', "tab\there", "line\nfeed", "back\\slash", "\r", "\b\f\v", "\x01\x7f"),
    *("NULL", "null", "'", "\\", '"', ",", "\t", "é€𝄞", "12345678901", "123456789012", "1234567890123"),
    *("eleven \\ 11", "twelve \\  12", "longer than twelve bytes", 'longer than twelve,\twith\n"marks"\\'),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.arrow}-{case.sql_type}")
def test_column_is_what_postgres_copies(case: Case, postgres: psycopg.Connection) -> None:
    @settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
    @given(st.lists(st.none() | case.values, max_size=40), st.integers(0, 2))
    def check(values: list[Any], skipped: int) -> None:
        batch = pa.RecordBatch.from_arrays([array_of(case, values)[skipped:]], ["v"])
        texts = [None if value is None else case.text(value) for value in values[skipped:]]
        for options in FORMATS:
            ours = our_messages(options, batch, [OutputColumn(case.oid, case.typmod)])
            assert ours == _postgres(postgres, texts, case.sql_type, options), options

    check()


def _postgres(postgres: psycopg.Connection, texts: list[str | None], sql_type: str, options: str) -> Any:
    postgres.execute("SET TimeZone = 'UTC'")
    postgres.execute("SELECT set_config('copied.texts', %s, false)", [array_literal(texts)])
    unnested = "unnest(current_setting('copied.texts')::text[]) WITH ORDINALITY AS t (v, place)"
    query = f"SELECT v::{sql_type} FROM {unnested} ORDER BY place"
    return their_messages(postgres, f"COPY ({query}) TO STDOUT {options}")


_MANY = 700  # times: blocks of many rows are encoded one after another


def _awkward(arrow: pa.DataType) -> pa.RecordBatch:
    texts = [*AWKWARD, None]
    columns = {
        "first": pa.array(texts, arrow),
        "number": pa.array([None if place % 5 == 0 else place for place in range(len(texts))], pa.int32()),
        'a "quoted", name': pa.array([None, *texts[1:-1], ""], arrow),
        "last": pa.array([text and text * 3 for text in texts], arrow),
    }
    return pa.Table.from_batches([pa.RecordBatch.from_pydict(columns)] * _MANY).combine_chunks().to_batches()[0]


@pytest.fixture(scope="module")
def awkward(postgres: psycopg.Connection) -> str:
    """Return a query of a table of awkward texts."""
    columns = 'first text, number integer, "a ""quoted"", name" text, last text, place serial'
    postgres.execute(f"CREATE TEMP TABLE awkward ({columns})".encode())
    with (
        postgres.cursor() as cursor,
        cursor.copy('COPY awkward (first, number, "a ""quoted"", name", last) FROM STDIN') as copying,
    ):
        for row in _awkward(pa.string()).to_pylist():
            copying.write_row([*row.values()])
    return 'SELECT first, number, "a ""quoted"", name", last FROM awkward ORDER BY place'


@pytest.mark.parametrize("options", FORMATS)
@pytest.mark.parametrize("arrow", [pa.string(), pa.string_view()], ids=str)
def test_awkward_texts_in_rows(options: str, arrow: pa.DataType, awkward: str, postgres: psycopg.Connection) -> None:
    declared = [OutputColumn(oids.TEXT), OutputColumn(oids.INT4), *[OutputColumn(oids.TEXT)] * 2]
    ours = our_messages(options, _awkward(arrow), declared)
    assert ours == their_messages(postgres, f"COPY ({awkward}) TO STDOUT {options}")


@pytest.mark.parametrize("options", FORMATS)
@given(
    buffers=st.lists(st.text('ab ,"\\\t\n', min_size=13, max_size=60), min_size=1, max_size=3),
    places=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 47), st.integers(0, 30)), min_size=1, max_size=20),
)
@settings(max_examples=150, deadline=None)
def test_views_of_any_layout_are_written_as_plain_strings_are(
    options: str, buffers: list[str], places: list[tuple[int, int, int]]
) -> None:
    """Values may lie in each other, apart, backwards, and in several buffers, as in dictionaries and pages of files."""
    data = [buffer.encode() for buffer in buffers]
    taken = [(number % len(data), at, data[number % len(data)][at : at + size]) for number, at, size in places]
    texts = [value.decode() for _, _, value in taken]
    views = b"".join(
        len(value).to_bytes(4, "little")
        + (
            value.ljust(12, b"\0")
            if len(value) <= 12
            else value[:4] + number.to_bytes(4, "little") + at.to_bytes(4, "little")
        )
        for number, at, value in taken
    )
    held = [None, pa.py_buffer(views), *map(pa.py_buffer, data)]
    viewed = pa.Array.from_buffers(pa.string_view(), len(texts), held)
    assert viewed.to_pylist() == texts
    columns = [OutputColumn(oids.TEXT), OutputColumn(oids.TEXT)]
    ours = our_messages(options, pa.RecordBatch.from_pydict({"a": viewed, "b": texts}), columns)
    plain = pa.RecordBatch.from_pydict({"a": texts, "b": texts})
    assert ours == our_messages(options, plain, columns)


@pytest.mark.parametrize("options", FORMATS)
def test_no_rows_and_no_columns(options: str, postgres: psycopg.Connection) -> None:
    nothing = pa.RecordBatch.from_pydict({"a": pa.array([], pa.int32())})
    ours = our_messages(options, nothing, [OutputColumn(oids.INT4)])
    assert ours == their_messages(postgres, f"COPY (SELECT 1 AS a WHERE false) TO STDOUT {options}")
    empty = pa.RecordBatch.from_struct_array(pa.array([{}] * 3, pa.struct([])))
    theirs = their_messages(postgres, f"COPY (SELECT FROM generate_series(1, 3)) TO STDOUT {options}")
    assert our_messages(options, empty, []) == theirs


def test_forced_quotes_of_some_columns(postgres: psycopg.Connection) -> None:
    batch = pa.RecordBatch.from_pydict({"a": pa.array([1, None], pa.int32()), "b": ["x", "y"], "c": ["z", None]})
    columns = [OutputColumn(oids.INT4), OutputColumn(oids.TEXT), OutputColumn(oids.TEXT)]
    options = "WITH CSV FORCE QUOTE a, c"
    query = "SELECT * FROM (VALUES (1, 'x', 'z'), (NULL, 'y', NULL)) AS t (a, b, c)"
    theirs = their_messages(postgres, f"COPY ({query}) TO STDOUT {options}")
    assert our_messages(options, batch, columns) == theirs
