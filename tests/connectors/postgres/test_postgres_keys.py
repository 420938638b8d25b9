"""Keys of a join's other side as conditions of a scan: each row that has one of them comes, in every type."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from catalog.scans import Comparison, Keys, RemoteScan
from connectors.postgres import keys as written
from connectors.postgres.source import PostgresSource
from tests.connectors.conftest import RealServer
from tests.connectors.streaming import read, remote_rows, table_of

SETUP = r"""
CREATE TYPE mood AS ENUM ('b', 'a');
CREATE TABLE kinds (i2 smallint, i4 int, i8 bigint, n numeric(12,2), d date, ts timestamp, tz timestamptz, t text,
    vc varchar(9), ch char(6), m mood, o oid, mo money, f float8, u uuid, l text COLLATE "C");
INSERT INTO kinds VALUES (-32768, 1, 9223372036854775807, -1.50, '2020-02-29', '1969-12-31 23:59:59.999999',
    '2020-01-01 00:00+02', 'it''s "quoted" \ {a,b}', 'NULL', 'ab', 'a', 4294967295, '-12.5', 1.5,
    '00000000-0000-0000-0000-0000000000ff', 'a');
INSERT INTO kinds VALUES (7, 2, 8, 12300.00, '0001-01-01', '9999-12-31 12:00', '2000-06-01 12:00:00.5+00', '', ' x ',
    'c', 'b', 0, '3', 'NaN', 'aaaaaaaa-0000-0000-0000-000000000000', 'ä');
INSERT INTO kinds (i4) VALUES (3);
ANALYZE;
"""
ASKED = ("i2", "i4", "i8", "n", "d", "ts", "tz", "t", "vc", "ch", "m", "o", "mo", "l")


@pytest.fixture(scope="module")
def source(server: RealServer) -> Iterator[PostgresSource]:
    opened = PostgresSource("crm", server.database(SETUP, create="LOCALE 'C.UTF-8' ENCODING 'UTF8'"))
    yield opened
    opened.close()


def scan(source: PostgresSource, column: str, values: pa.Array) -> RemoteScan:
    snapshot = source.pin(table_of(source, "kinds"))
    return source.scan(snapshot, ("i4", column) if column != "i4" else ("i4",), (), (Keys(column, values),))


def values_of(source: PostgresSource, column: str) -> pa.Array:
    found = read(source, table_of(source, "kinds"), (column,)).column(0).combine_chunks().drop_null()
    return found.take(pc.array_sort_indices(found))


@pytest.mark.parametrize("column", ASKED)
def test_rows_with_keys_come(source: PostgresSource, column: str) -> None:
    values = values_of(source, column)
    assert len(values) == 2 + (column == "i4")
    for chosen in (values, values[:1], values[1:2]):
        asked = scan(source, column, chosen)
        assert "= ANY" in asked.queries[0]
        assert sorted(remote_rows(source, asked).column(column).to_pylist()) == sorted(chosen.to_pylist())
    assert remote_rows(source, scan(source, column, values[:0])).num_rows == 0


def test_many_keys_are_a_range(source: PostgresSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "MOST_KEYS", 1)
    for column, ranged in {"i8": True, "n": True, "d": True, "tz": True, "l": True, "ch": False, "m": False}.items():
        values = values_of(source, column)
        asked = scan(source, column, values)
        assert ("BETWEEN" in asked.queries[0]) is ranged
        assert set(values.to_pylist()) <= set(remote_rows(source, asked).column(column).to_pylist())


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("f", pa.array([1.5])),  # NaN and zeros are compared otherwise by others
        ("u", pa.array(["no uuid"])),  # which would be an error there
        ("i4", pa.array([1], pa.int64())),  # of another type
        ("d", pa.array([-(10**6)], pa.int32()).cast(pa.date32())),  # before Christ
        ("ts", pa.array([2**62], pa.timestamp("us"))),
    ],
)
def test_what_cannot_be_written_is_not_asked(source: PostgresSource, column: str, values: pa.Array) -> None:
    assert " WHERE " not in scan(source, column, values).queries[0]


def test_beside_comparisons(source: PostgresSource) -> None:
    snapshot = source.pin(table_of(source, "kinds"))
    by = (Keys("i4", pa.array([1, 2, 5], pa.int32())), Keys("n", pa.array([Decimal("12300.00")], pa.decimal128(12, 2))))
    asked = source.scan(snapshot, ("i4",), (Comparison("i8", ">", (pa.scalar(1),)),), by)
    assert remote_rows(source, asked).column("i4").to_pylist() == [2]
    assert len(asked.queries) == 1


def test_texts_that_no_server_holds(source: PostgresSource) -> None:
    values = pa.array(["", "a\0b", 'it\'s "quoted" \\ {a,b}'])
    found = remote_rows(source, scan(source, "t", values)).column("t").to_pylist()
    assert sorted(found) == [values[0].as_py(), values[2].as_py()]


def test_dates_are_those_of_the_key(source: PostgresSource) -> None:
    day = pa.array([date(2020, 2, 29)], pa.date32())
    assert remote_rows(source, scan(source, "d", day)).column("i4").to_pylist() == [1]
    moment = pa.array([datetime(2019, 12, 31, 22, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    assert remote_rows(source, scan(source, "tz", moment)).column("i4").to_pylist() == [1]
