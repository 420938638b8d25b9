"""What every kind of source does alike. Where kinds differ, the difference is named in `CAPABILITIES`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.scans import Comparison, FileScan, RemoteScan
from catalog.sqlstate import SqlState
from connectors.registry import open_source
from tests.connectors import lakes
from tests.connectors.conftest import RealServer
from tests.connectors.lakes import OTHER, ROWS, SCHEMA, SQL_TYPES, UNREACHABLE, Lake
from tests.connectors.streaming import failure_of, read, table_of
from tests.execute.reading import compare


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a kind of source can. ``versions``: a pinned snapshot does not change; ``compares``: it applies comparisons
    itself; ``namespaces``: it has schemas; ``row_counts``: a snapshot knows its exact number of rows.
    """

    make: Callable[[Path, RealServer], Lake]
    versions: bool = True
    compares: bool = False
    namespaces: bool = True
    row_counts: bool = True


CAPABILITIES = {
    "delta": Capabilities(lakes.delta),
    "iceberg": Capabilities(lakes.iceberg),
    "postgres": Capabilities(lakes.postgres, versions=False, compares=True, row_counts=False),
    "files": Capabilities(lakes.files, namespaces=False),
}

# Found by this suite and not mended yet. A mark that is no longer true fails its test: take it out then.
DEFECTS: dict[tuple[str, str], str] = {}


@pytest.fixture(scope="module", params=CAPABILITIES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def can(kind: str) -> Capabilities:
    return CAPABILITIES[kind]


@pytest.fixture(scope="module")
def lake(kind: str, can: Capabilities, server: RealServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Return a lake that tests only read."""
    made = can.make(tmp_path_factory.mktemp(kind), server)
    yield made
    made.source.close()


@pytest.fixture
def own_lake(can: Capabilities, server: RealServer, tmp_path: Path) -> Iterator[Lake]:
    """Return a lake that the test may change."""
    made = can.make(tmp_path, server)
    yield made
    made.source.close()


def expect_defect(request: pytest.FixtureRequest, behaviour: str, kind: str) -> None:
    """Mark the test as failing where the kind is known to."""
    if (behaviour, kind) in DEFECTS:
        request.applymarker(pytest.mark.xfail(strict=True, reason=DEFECTS[behaviour, kind]))


def by_id(table: pa.Table) -> pa.Table:
    return table.sort_by("id")


# Discovery


def test_discovery_lists_the_tables_under_their_names(lake: Lake, can: Capabilities) -> None:
    names = {table.name for table in lake.source.discover().tables}
    expected = {TableName("lake", "types"), TableName("lake", "empty")}
    assert names == (expected | {TableName("lake_hr", "staff")} if can.namespaces else expected)


def test_discovery_lists_the_schemas(lake: Lake, can: Capabilities) -> None:
    assert set(lake.source.discover().schemas) == ({"lake", "lake_hr"} if can.namespaces else {"lake"})


def test_tables_tell_where_they_come_from(lake: Lake, kind: str) -> None:
    for table in lake.source.discover().tables:
        assert (table.source, table.kind) == ("lake", kind)
        assert table.remote and all(isinstance(part, str) for part in table.remote)


def test_columns_have_postgres_types_and_the_arrow_types_that_scans_yield(lake: Lake) -> None:
    for name in ("types", "empty"):
        columns = table_of(lake.source, name).columns
        assert {column.name: column.sql_type for column in columns} == SQL_TYPES
        assert [column.arrow_type for column in columns] == SCHEMA.types
        assert all(column.nullable for column in columns)


def test_a_broken_table_is_named_with_a_reason_and_the_others_work(lake: Lake) -> None:
    found = lake.source.discover()
    assert set(found.broken) == {TableName("lake", "broken")}
    assert found.broken[TableName("lake", "broken")]
    assert TableName("lake", "broken") not in {table.name for table in found.tables}


def test_garbage_in_one_table_does_no_harm_to_the_others(
    own_lake: Lake, kind: str, request: pytest.FixtureRequest
) -> None:
    if own_lake.garble is None:
        pytest.skip("metadata of this kind are out of reach")
    expect_defect(request, "garbage", kind)
    own_lake.garble()
    found = open_source("lake", own_lake.settings).discover()
    assert set(found.broken) == {TableName("lake", "broken"), TableName("lake", "types")}
    assert TableName("lake", "empty") in {table.name for table in found.tables}


def test_discovery_without_changes_finds_the_same(lake: Lake) -> None:
    assert lake.source.discover() == lake.source.discover()


def test_a_dropped_table_is_not_found_again_and_reading_it_fails_clearly(own_lake: Lake) -> None:
    table = table_of(own_lake.source, "types")
    own_lake.drop()
    assert TableName("lake", "types") not in {each.name for each in own_lake.source.discover().tables}
    failure = failure_of(lambda: read(own_lake.source, table))
    assert "types" in failure.message or "lake" in failure.message


# Reading


def test_rows_are_those_that_were_written(lake: Lake) -> None:
    found = read(lake.source, table_of(lake.source, "types"))
    assert found.schema.types == SCHEMA.types
    assert by_id(found).to_pylist() == ROWS.to_pylist()


def test_an_empty_table_has_columns_and_no_rows(lake: Lake) -> None:
    found = read(lake.source, table_of(lake.source, "empty"))
    assert (found.num_rows, found.schema.names, found.schema.types) == (0, SCHEMA.names, SCHEMA.types)


def test_a_table_of_a_namespace(lake: Lake, can: Capabilities) -> None:
    if not can.namespaces:
        pytest.skip("this kind has no namespaces")
    found = read(lake.source, table_of(lake.source, "staff", "lake_hr"))
    assert found.sort_by("k").to_pylist() == OTHER.to_pylist()


@pytest.mark.parametrize("columns", [("t",), ("tz", "id"), ("n", "by", "b")])
def test_columns_come_in_the_order_asked_for(lake: Lake, columns: tuple[str, ...]) -> None:
    found = read(lake.source, table_of(lake.source, "types"), columns)
    assert found.schema.names == list(columns)
    assert sorted(map(str, found.to_pylist())) == sorted(map(str, ROWS.select(columns).to_pylist()))


def test_without_columns_the_rows_are_counted(lake: Lake) -> None:
    assert read(lake.source, table_of(lake.source, "types"), ()).num_rows == ROWS.num_rows


def test_scans_are_plain_data(lake: Lake, can: Capabilities) -> None:
    table = table_of(lake.source, "types")
    scan = lake.source.scan(lake.source.pin(table), ("id",), ())
    assert isinstance(scan, RemoteScan if can.compares else FileScan)
    if isinstance(scan, RemoteScan):
        assert scan.source == "lake" and "reader_of" not in repr(scan)  # the login
    else:
        assert scan.schema.names == list(SQL_TYPES)
        assert scan.files_known == sum(len(group.files) for group in scan.groups) == 2


def test_many_threads_may_use_a_source(lake: Lake) -> None:
    counts: list[int] = []

    def work() -> None:
        counts.append(read(lake.source, table_of(lake.source, "types"), ("id",)).num_rows)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [ROWS.num_rows] * 4


# Comparisons

VALUES: dict[str, list[Any]] = {
    "id": [3, 5],
    "i": [7, -(2**31), 2**31 - 1],
    "f": [0.1, -1.5, 1e300],
    "b": [True],
    "t": ["", 'it\'s \\ "q"', "Zürich 日本 🚲", "zzz"],
    "n": [Decimal("-9999999999.99"), Decimal("0.01")],
    "d": [date(1969, 12, 31), date(1, 1, 1), date(2024, 2, 29)],
    "ts": [datetime(1969, 12, 31, 23, 59, 59), datetime(2024, 2, 29, 1, 2, 3, 456789)],
    "tz": [datetime(2024, 2, 29, 1, 2, 3, 456789, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)],
    "by": [b"", b"\x00", b"'\\"],
}
_KERNELS: dict[str, Callable[..., Any]] = {
    "=": pc.equal,
    "<>": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}


def matching(rows: pa.Table, comparison: Comparison) -> set[int]:
    """Return the ids of the rows that a comparison accepts, by Arrow's own kernels."""
    column = rows.column(comparison.column)
    if comparison.operator == "is_null":
        mask = pc.is_null(column)
    elif comparison.operator == "is_not_null":
        mask = pc.is_valid(column)
    elif comparison.operator == "in":
        values = pa.array([value.as_py() for value in comparison.values], column.type)
        mask = pc.and_(pc.is_in(column, value_set=values), pc.is_valid(column))
    else:
        mask = _KERNELS[comparison.operator](column, comparison.values[0])
    return set(rows.filter(mask).column("id").to_pylist())


def comparisons(column: str) -> list[Comparison]:
    """Return comparisons of a column with every operator and value."""
    arrow, values = SCHEMA.field(column).type, VALUES[column]
    single = [compare(column, operator, value, type=arrow) for operator in _KERNELS for value in values]
    lists = [compare(column, "in", *values, type=arrow), compare(column, "in", values[0], None, type=arrow)]
    return [*single, *lists, compare(column, "is_null"), compare(column, "is_not_null")]


@pytest.mark.parametrize("column", VALUES)
def test_a_comparison_never_loses_a_row_and_is_exact_where_promised(lake: Lake, can: Capabilities, column: str) -> None:
    table = table_of(lake.source, "types")
    for comparison in comparisons(column):
        found = read(lake.source, table, None, (comparison,))
        expected = matching(ROWS, comparison)
        promised = lake.source.takes(table, comparison)
        assert promised == can.compares, comparison
        assert matching(found, comparison) == expected, comparison
        if promised:
            assert set(found.column("id").to_pylist()) == expected, comparison


def test_several_comparisons_are_all_applied(lake: Lake) -> None:
    both = (compare("i", "=", 7, type=pa.int32()), compare("n", ">", Decimal("1.00"), type=pa.decimal128(12, 2)))
    found = read(lake.source, table_of(lake.source, "types"), None, both)
    assert matching(found, both[0]) & matching(found, both[1]) == {6}


def test_a_column_that_is_compared_need_not_be_read(lake: Lake) -> None:
    found = read(lake.source, table_of(lake.source, "types"), ("t",), (compare("id", "<=", 3, type=pa.int64()),))
    assert found.schema.names == ["t"] and 3 <= found.num_rows <= ROWS.num_rows


# Versions


def test_a_pinned_snapshot_stays_what_it_was(own_lake: Lake, can: Capabilities) -> None:
    source = own_lake.source
    table = table_of(source, "types")
    before = source.pin(table)
    own_lake.append()
    after = source.pin(table)
    columns = tuple(SCHEMA.names)
    old, new = source.scan(before, columns, ()), source.scan(after, columns, ())
    if not can.versions:
        assert before.version == after.version and old == new
        assert read(source, table).num_rows == ROWS.num_rows + 1
        return
    assert before.version != after.version
    assert isinstance(old, FileScan) and isinstance(new, FileScan)
    assert old.key != new.key
    assert (old.files_known, new.files_known) == (2, 3)
    assert read(source, table).num_rows == ROWS.num_rows + 1


def test_a_pin_knows_its_rows_where_the_kind_can(lake: Lake, can: Capabilities) -> None:
    snapshot = lake.source.pin(table_of(lake.source, "types"))
    assert snapshot.rows == (ROWS.num_rows if can.row_counts else None)
    assert snapshot.version


def test_equal_pins_give_equal_scans(lake: Lake) -> None:
    table = table_of(lake.source, "types")
    first, second = (lake.source.scan(lake.source.pin(table), ("id",), ()) for _ in range(2))
    if isinstance(first, FileScan) and isinstance(second, FileScan):
        assert first.key == second.key
    else:
        assert first == second


# Failures


def test_an_unreachable_source_is_named(kind: str, request: pytest.FixtureRequest) -> None:
    expect_defect(request, "unreachable", kind)
    source = open_source("faraway", UNREACHABLE[kind])
    failure = failure_of(source.discover)
    assert '"faraway"' in failure.message
    assert failure.sqlstate[:2] in ("08", "58"), failure.sqlstate
    assert "hunter2" not in f"{failure.message} {failure.detail} {failure.hint} {source!r}"


def test_closing_twice_does_no_harm(own_lake: Lake) -> None:
    own_lake.source.discover()
    own_lake.source.close()
    own_lake.source.close()


# The registry


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ({"kind": "oracle"}, SqlState.FDW_INVALID_ATTRIBUTE_VALUE),
        ({}, SqlState.FDW_INVALID_ATTRIBUTE_VALUE),
        ({"kind": "delta"}, SqlState.FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
        ({"kind": "postgres", "dsn": "host=h password=hunter2", "tabel": 1}, SqlState.FDW_INVALID_OPTION_NAME),
        ({"kind": "postgres", "dsn": "host=h", "parallel_scans": 0}, SqlState.INVALID_PARAMETER_VALUE),
    ],
)
def test_wrong_settings_are_told_by_name(settings: dict[str, object], state: SqlState) -> None:
    with pytest.raises(SqlError) as raised:
        open_source("crm", settings)
    assert raised.value.sqlstate == state
    assert "hunter2" not in f"{raised.value.message} {raised.value.hint}"
