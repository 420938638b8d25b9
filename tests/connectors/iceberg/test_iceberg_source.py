"""Iceberg tables read as they are: compared with pyiceberg and with rows written by the test."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.manifest import DataFileContent
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.table.sorting import NullOrder
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    IdentityTransform,
    MonthTransform,
    TruncateTransform,
)
from pyiceberg.typedef import Record
from pyiceberg.types import (
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestamptzType,
    UUIDType,
)

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.scans import Constant
from catalog.sqlstate import SqlState
from connectors.iceberg.manifests import LiveFile
from connectors.iceberg.row_deletes import deleted_positions
from connectors.iceberg.source import IcebergSource
from gateway.execute import file_relations
from tests.connectors.iceberg import crafted
from tests.execute.reading import compare, files_of, new_context, pinned, rows, scanned

UTC = datetime.UTC


class Lake:
    """A catalogue in a folder, as its writer (``catalog``) and as the source under test see it."""

    def __init__(self, folder: Path) -> None:
        where = {"uri": f"sqlite:///{folder}/catalog.db", "warehouse": f"file://{folder}/warehouse"}
        self.catalog = SqlCatalog("supply", **where)
        self.catalog.create_namespace("default")
        self.source = IcebergSource("supply", {"type": "sql", **where})

    def create(self, name: str, schema: Schema | pa.Schema, spec: PartitionSpec | None = None) -> Table:
        return self.catalog.create_table(f"default.{name}", schema, partition_spec=spec or PartitionSpec())

    def ids(self, name: str, *comparisons: Any) -> list[int]:
        found: list[int] = rows(new_context(), scanned(self.source, name, *comparisons))["id"].to_pylist()
        return sorted(found)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    made = Lake(tmp_path)
    yield made
    made.source.close()
    made.catalog.close()


def plain(ids: Any) -> pa.Table:
    ids = list(ids)
    return pa.table({"id": pa.array(ids, pa.int64()), "s": pa.array([f"x{number}" for number in ids], pa.string())})


def optional(id_: int, name: str, kind: Any) -> NestedField:
    return NestedField(id_, name, kind, required=False)


def assert_equal_to_pyiceberg(lake: Lake, table: Table) -> pa.Table:
    result = rows(new_context(), scanned(lake.source, table.name()[-1]))
    expected = table.refresh().scan().to_arrow()
    key = lambda row: str(row["id"])  # noqa: E731
    assert sorted(result.to_pylist(), key=key) == sorted(expected.to_pylist(), key=key)
    return result


def test_namespaces_become_schemas(lake: Lake) -> None:
    lake.catalog.create_namespace("eu")
    lake.catalog.create_namespace("eu.west")
    for name in ("default.part", "eu.part", "eu.west.part"):
        lake.catalog.create_table(name, plain([]).schema)
    lake.catalog.load_table("eu.part").append(plain(range(7)))
    found = lake.source.discover()
    assert {table.name: table.rows for table in found.tables} == {
        TableName("supply", "part"): 0,
        TableName("supply_eu", "part"): 7,
        TableName("supply_eu_west", "part"): 0,
    }
    assert set(found.schemas) == {"supply", "supply_eu", "supply_eu_west"}
    assert [(each.name, each.sql_type) for each in found.tables[0].columns] == [("id", "bigint"), ("s", "text")]


def test_a_broken_table_does_not_spoil_the_others(lake: Lake) -> None:
    lake.create("good", plain([]).schema)
    broken = lake.create("broken", plain([]).schema)
    Path(broken.metadata_location.removeprefix("file://")).unlink()
    found = lake.source.discover()
    assert [table.name.name for table in found.tables] == ["good"]
    assert set(found.broken) == {TableName("supply", "broken")}


def test_an_unreachable_catalogue_is_an_error(tmp_path: Path) -> None:
    source = IcebergSource(
        "supply", {"type": "sql", "uri": f"sqlite:///{tmp_path}/none/c.db", "warehouse": "file:///x"}
    )
    with pytest.raises(SqlError, match="supply") as caught:
        source.discover()
    assert caught.value.sqlstate == SqlState.SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION


def test_an_empty_table_has_its_schema(lake: Lake) -> None:
    lake.create("t", plain([]).schema)
    scan = scanned(lake.source, "t")
    assert scan.groups == () and scan.files_known == 0
    assert rows(new_context(), scan).num_rows == 0


def test_all_types(lake: Lake) -> None:
    table = pa.table(
        {
            "id": [0, 1, 2],
            "i": pa.array([1, None, -3], pa.int32()),
            "f": pa.array([1.5, None, -3], pa.float32()),
            "b": [True, None, False],
            "d": pa.array([Decimal("1.25"), None, Decimal("-99999999.99")], pa.decimal128(10, 2)),
            "big": pa.array([Decimal(10) ** 30, None, Decimal(-1)], pa.decimal128(38, 0)),
            "s": ["a'b", None, ""],
            "bin": pa.array([b"\x00'", None, b""], pa.binary()),
            "fix": pa.array([b"0123", None, b"abcd"], pa.binary(4)),
            "day": pa.array([datetime.date(1, 1, 1), None, datetime.date(9999, 12, 31)]),
            "time": pa.array([datetime.time(23, 59, 59, 999999), None, datetime.time()], pa.time64("us")),
            "ts": pa.array(
                [datetime.datetime(2024, 1, 1, 0, 0, 0, 7, UTC), None, datetime.datetime(9999, 12, 31, tzinfo=UTC)],
                pa.timestamp("us", "UTC"),
            ),
            "ntz": pa.array([datetime.datetime(2024, 1, 1, 0, 0, 0, 7), None, None], pa.timestamp("us")),
            "l": pa.array([[1, None], None, []], pa.list_(pa.int32())),
            "st": pa.array([{"x": 1, "y": ["q"]}, None, {"x": None, "y": None}]),
            "m": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())),
        }
    )
    made = lake.create("t", table.schema)
    made.append(table)
    assert assert_equal_to_pyiceberg(lake, made).to_pylist() == table.to_pylist()
    for name in ("i", "d", "big", "s", "day", "time", "ts", "ntz"):
        for value in table[name].to_pylist():
            if value is not None:
                found = lake.ids("t", compare(name, "=", value, type=table.schema.field(name).type))
                assert table[name].to_pylist().index(value) in found


def test_files_are_pruned_by_bounds(lake: Lake) -> None:
    made = lake.create("t", plain([]).append_column("f", pa.array([], pa.float64())).schema)
    for start in range(0, 100, 10):
        chunk = plain(range(start, start + 10))
        floats = [float("nan") if start == 50 and at == 0 else float(start + at) for at in range(10)]
        made.append(chunk.append_column("f", pa.array(floats)))

    def count(*comparisons: Any) -> int:
        return len(files_of(scanned(lake.source, "t", *comparisons)))

    assert count(compare("id", "=", 55)) == 1
    assert count(compare("id", "in", 5, 95, 1000)) == 2
    assert count(compare("id", ">=", 90), compare("id", "<", 95)) == 1
    assert count(compare("s", "=", "x77")) == 2  # "x0" to "x9" may hold it too
    assert count(compare("id", "is_null")) == 0
    assert count(compare("f", ">", 80.0)) == 10  # NaN is greater than all numbers, and pyiceberg does not count it
    assert count(compare("f", "<", 20.0)) == 2
    assert lake.source.scan(pinned(lake.source, "t"), (), (compare("id", "=", 55),)).files_known == 10
    assert lake.ids("t", compare("id", "=", 55)) == list(range(50, 60))


def test_schema_evolution_goes_by_field_id(lake: Lake) -> None:
    made = lake.create(
        "t",
        Schema(
            NestedField(1, "id", LongType(), required=True),
            optional(2, "a", IntegerType()),
            optional(3, "b", StringType()),
            optional(4, "f", FloatType()),
            optional(5, "d", DecimalType(9, 2)),
        ),
    )
    schema = pa.schema(
        [
            pa.field("id", pa.int64(), False),
            ("a", pa.int32()),
            ("b", pa.string()),
            ("f", pa.float32()),
            ("d", pa.decimal128(9, 2)),
        ]
    )
    made.append(pa.table([[1], [10], ["one"], [0.5], [Decimal("1.10")]], schema=schema))
    with made.update_schema() as update:
        update.rename_column("a", "was_a")
        update.delete_column("b")
        update.update_column("f", DoubleType())
        update.update_column("d", DecimalType(20, 2))
        update.move_first("d")
    with made.update_schema() as update:
        update.update_column("was_a", LongType())
        update.add_column("b", LongType())  # a new column under the name of a dropped one
        update.add_column("a", StringType())
    new = {"d": [Decimal("123456789012.34")], "id": [2], "was_a": [2**40], "f": [0.1], "b": [7], "a": ["new"]}
    made.append(pa.table(new, schema=made.refresh().schema().as_arrow()))
    result = assert_equal_to_pyiceberg(lake, made)
    assert result.column_names == ["d", "id", "was_a", "f", "b", "a"]
    old = next(row for row in result.to_pylist() if row["id"] == 1)
    assert old == {"d": Decimal("1.10"), "id": 1, "was_a": 10, "f": 0.5, "b": None, "a": None}
    for comparison in (
        compare("was_a", "=", 10),
        compare("f", "=", 0.5),
        compare("d", "=", Decimal("1.10"), type=pa.decimal128(20, 2)),
        compare("b", "is_null"),
    ):
        assert 1 in lake.ids("t", comparison)
    assert lake.ids("t", compare("was_a", "=", 2**40)) == [2]


def test_a_schema_change_alone_is_a_new_version(lake: Lake) -> None:
    made = lake.create("t", plain([]).schema)
    made.append(plain(range(3)))
    before = pinned(lake.source, "t")
    with made.update_schema() as update:
        update.rename_column("s", "renamed")
    after = lake.source.pin(before.table)
    assert after.version != before.version
    assert [column.name for column in after.table.columns] == ["id", "renamed"]
    context = new_context()
    assert rows(context, lake.source.scan(before, (), ())).column_names == ["id", "s"]
    assert rows(context, lake.source.scan(after, (), ()))["renamed"].to_pylist() == ["x0", "x1", "x2"]


def test_renamed_fields_inside_of_structs_are_refused(lake: Lake) -> None:
    made = lake.create("t", pa.schema([("id", pa.int64()), ("st", pa.struct([("x", pa.int64())]))]))
    made.append(pa.table({"id": [1], "st": [{"x": 5}]}))
    with made.update_schema() as update:
        update.add_column(("st", "y"), LongType())
    assert rows(new_context(), scanned(lake.source, "t")).to_pylist() == [{"id": 1, "st": {"x": 5, "y": None}}]
    with made.update_schema() as update:
        update.rename_column(("st", "x"), "z")
    with pytest.raises(SqlError, match="st") as caught:
        scanned(lake.source, "t")
    assert caught.value.sqlstate == SqlState.FEATURE_NOT_SUPPORTED


def partitioned(lake: Lake) -> tuple[Table, pa.Table]:
    fields = [
        optional(1, "id", LongType()),
        optional(2, "at", TimestamptzType()),
        optional(3, "s", StringType()),
        optional(4, "k", StringType()),
    ]
    spec = PartitionSpec(
        PartitionField(1, 1000, BucketTransform(8), "id_bucket"),
        PartitionField(2, 1001, DayTransform(), "at_day"),
        PartitionField(3, 1002, TruncateTransform(1), "s_start"),
        PartitionField(4, 1003, IdentityTransform(), "k"),
    )
    made = lake.create("t", Schema(*fields), spec)
    start = datetime.datetime(2024, 1, 1, 23, 59, tzinfo=UTC)
    content = pa.table(
        {
            "id": pa.array(range(40), pa.int64()),
            "at": pa.array([start + datetime.timedelta(hours=n) for n in range(40)], pa.timestamp("us", "UTC")),
            "s": [f"{'abc'[n % 3]}{n}" for n in range(40)],
            "k": [None if n % 2 else "even" for n in range(40)],
        }
    )
    crafted.append_partitioned(made, content)
    return made, content


def test_partitions_by_bucket_day_truncate_and_identity(lake: Lake) -> None:
    made, content = partitioned(lake)
    result = assert_equal_to_pyiceberg(lake, made)
    assert result.num_rows == 40
    whole = len(files_of(scanned(lake.source, "t")))
    (table,) = lake.source.discover().tables
    assert table.description == "Partitioned by bucket[8](id), day(at), truncate[1](s), k"
    day = datetime.datetime(2024, 1, 2, 5, tzinfo=UTC)
    for name, operator, value in (
        ("id", "=", 17),
        ("at", "<", day),
        ("at", "=", content["at"][7].as_py()),
        ("s", "=", "b7"),
        ("s", ">=", "c"),
        ("k", "=", "even"),
        ("k", "is_null", None),
        ("id", "in", 17),
    ):
        values = () if value is None else (value,)
        comparison = compare(name, operator, *values, type=content.schema.field(name).type)
        scan = scanned(lake.source, "t", comparison)
        assert 0 < len(files_of(scan)) < whole
        shown = {"is_null": f"{name} IS NULL", "in": f"{name} IN ({value})"}.get(
            operator, f"{name} {operator} '{value}'"
        )
        sql = f"SELECT id FROM {{t}} WHERE {shown} ORDER BY id"
        everything = rows(new_context(), scanned(lake.source, "t"), sql)
        assert rows(new_context(), scan, sql).equals(everything)
        assert everything.num_rows


def test_partition_evolution_and_dropped_partition_fields(lake: Lake) -> None:
    made, content = partitioned(lake)
    with made.update_spec() as update:
        update.remove_field("k").remove_field("id_bucket").add_field("at", MonthTransform(), "at_month")
    more = content.set_column(0, "id", pa.array(range(100, 140), pa.int64()))
    crafted.append_partitioned(made, more)
    with made.update_spec() as update:
        for name in ("at_day", "s_start", "at_month"):
            update.remove_field(name)
    with made.update_schema() as update:
        update.delete_column("k")
    made.append(more.drop_columns("k").set_column(0, "id", pa.array(range(200, 240), pa.int64())))
    with made.update_sort_order() as order:
        order.desc("at", DayTransform(), NullOrder.NULLS_LAST).asc("id", IdentityTransform())
    (table,) = lake.source.discover().tables
    assert table.description == "Sorted by day(at) DESC, id"
    result = assert_equal_to_pyiceberg(lake, made)
    assert result.num_rows == 120
    at = content["at"][7].as_py()
    found = lake.ids("t", compare("at", "=", at, type=pa.timestamp("us", "UTC")))
    assert {7, 107, 207} <= set(found)
    assert len(found) < 120
    assert {17} <= set(lake.ids("t", compare("id", "=", 17)))


def test_imported_files_without_ids_take_partition_values_from_the_manifest(lake: Lake) -> None:
    made, _ = partitioned(lake)
    content = pa.table({"id": pa.array([900], pa.int64()), "s": ["a900"]})
    crafted.add_file(made, content, Record(5, 19723, "a", "hive"))
    scan = scanned(lake.source, "t", compare("k", "=", "hive"))
    assert rows(new_context(), scan).to_pylist() == [{"id": 900, "at": None, "s": "a900", "k": "hive"}]
    assert any(isinstance(column, Constant) for column in scan.groups[0].columns)
    assert 900 in lake.ids("t")


def data_paths(table: Table) -> dict[int, str]:
    """Return data files by their number of rows."""
    return {task.file.record_count: task.file.file_path for task in table.refresh().scan().plan_files()}


@pytest.mark.parametrize("bounds", [True, False])
def test_position_deletes(lake: Lake, bounds: bool) -> None:
    made = lake.create("t", plain([]).schema)
    made.append(plain(range(1000)))
    made.append(plain([5000, 5001]))
    path = data_paths(made)[1000]
    crafted.delete_positions(made, [(path, 1), (path, 2), (path, 999)], bounds)
    result = assert_equal_to_pyiceberg(lake, made)
    assert result.num_rows == 999
    assert lake.ids("t", compare("id", "<", 1000)) == [n for n in range(1000) if n not in (1, 2, 999)]
    scan = scanned(lake.source, "t")
    assert sorted(group.deleted_positions is not None for group in scan.groups) == [False, True]
    made.append(plain([1, 2]))
    assert lake.ids("t").count(1) == 1


def test_equality_deletes_hold_for_older_files_and_match_nulls(lake: Lake) -> None:
    made = lake.create("t", plain([]).schema)
    made.append(plain(range(10)))
    made.append(pa.table({"id": pa.array([None, 20], pa.int64()), "s": ["null", None]}))
    crafted.delete_equal(made, pa.table({"id": pa.array([3, None], pa.int64())}), [1])
    made.append(plain([3]))  # newer than the delete
    assert sorted(str(n) for n in rows(new_context(), scanned(lake.source, "t"))["id"].to_pylist()) == sorted(
        str(n) for n in [*range(3), *range(4, 10), 20, 3]
    )
    crafted.delete_equal(made, pa.table({"s": [None, "x5"], "id": pa.array([20, 6], pa.int64())}), [2, 1])
    assert lake.ids("t") == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    crafted.delete_equal(made, pa.table({"s": ["x5"]}), [2])
    crafted.delete_positions(made, [(data_paths_with_deletes(lake), 0)])
    assert lake.ids("t") == [1, 2, 3, 4, 6, 7, 8, 9]


def data_paths_with_deletes(lake: Lake) -> str:
    """Return the first data file's location (pyiceberg refuses to plan tables with equality deletes)."""
    scan = scanned(lake.source, "t", compare("id", "=", 0))
    return f"file://{files_of(scan)[0]}"


def test_equality_deletes_follow_renamed_and_dropped_columns(lake: Lake) -> None:
    made = lake.create("t", plain([]).schema)
    made.append(plain(range(10)))
    crafted.delete_equal(made, pa.table({"s": ["x3"]}), [2])
    with made.update_schema() as update:
        update.rename_column("s", "text")
    crafted.delete_equal(made, pa.table({"text": ["x4"]}), [2])
    assert lake.ids("t") == [0, 1, 2, 5, 6, 7, 8, 9]
    with made.update_schema() as update:
        update.delete_column("text")
    assert lake.ids("t") == [0, 1, 2, 5, 6, 7, 8, 9]


def test_equality_deletes_of_a_partition_stay_in_it(lake: Lake) -> None:
    schema = Schema(optional(1, "id", LongType()), optional(2, "k", StringType()))
    made = lake.create("t", schema, PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "k")))
    made.append(pa.table({"id": [1, 1, 2], "k": ["a", "b", "b"]}))
    crafted.delete_equal(made, pa.table({"id": pa.array([1], pa.int64())}), [1], Record("b"))
    result = rows(new_context(), scanned(lake.source, "t")).to_pylist()
    assert sorted(result, key=str) == [{"id": 1, "k": "a"}, {"id": 2, "k": "b"}]


def test_deletion_vectors_of_version_three(lake: Lake, tmp_path: Path) -> None:
    made = lake.create("t", plain([]).schema)
    made.append(plain(range(10)))
    path = data_paths(made)[10]
    blob = crafted.vector_bytes([0, 7, 2**33])
    puffin = tmp_path / f"{uuid.uuid4()}.puffin"
    puffin.write_bytes(b"PFA1" + blob + b"rest")
    nothing: dict[int, Any] = {}
    vector = LiveFile(
        content=DataFileContent.POSITION_DELETES,
        location=f"file://{puffin}",
        format="puffin",
        sequence=2,
        spec_id=0,
        partition=(),
        rows=3,
        sizes=nothing,
        values=nothing,
        nulls=nothing,
        nans=nothing,
        lower=nothing,
        upper=nothing,
        equality_ids=(),
        encrypted=False,
        referenced=path,
        offset=4,
        length=len(blob),
    )
    version: Any = pinned(lake.source, "t").state
    found = deleted_positions(made.io, [vector], version.files().data)
    assert found is not None
    assert found["position"].to_pylist() == [0, 7, 2**33]
    assert set(found["file"].to_pylist()) == {path.removeprefix("file://")}


def test_a_pinned_snapshot_keeps_its_rows(lake: Lake) -> None:
    made = lake.create("t", plain([]).schema)
    made.append(plain(range(10)))
    before = pinned(lake.source, "t")
    made.append(plain(range(10, 15)))
    made.delete("id < 5")
    after = lake.source.pin(before.table)
    context = new_context()
    assert sorted(rows(context, lake.source.scan(before, (), ()))["id"].to_pylist()) == list(range(10))
    assert sorted(rows(context, lake.source.scan(after, (), ()))["id"].to_pylist()) == list(range(5, 15))
    assert (before.rows, after.rows) == (10, 10)
    assert lake.source.pin(before.table).state is after.state


def test_a_dropped_table_and_a_removed_file_are_told(lake: Lake) -> None:
    made = lake.create("t", plain([]).schema)
    made.append(plain(range(10)))
    snapshot = pinned(lake.source, "t")
    scan = lake.source.scan(snapshot, (), ())
    assert file_relations.missing_files(scan) == []
    Path(files_of(scan)[0]).unlink()
    assert file_relations.missing_files(scan) == files_of(scan)
    lake.catalog.drop_table("default.t")
    with pytest.raises(SqlError) as caught:
        lake.source.pin(snapshot.table)
    assert caught.value.sqlstate == SqlState.UNDEFINED_TABLE


IDS = [uuid.UUID(int=number << 120 | 7) for number in range(6)]


def with_uuids(ids: Any) -> pa.Table:
    stored = [None if number == 2 else IDS[number].bytes for number in ids]
    return pa.table({"id": pa.array(ids, pa.int64()), "u": pa.array(stored, pa.binary(16)).cast(pa.uuid())})


UUIDS = Schema(NestedField(1, "id", LongType()), NestedField(2, "u", UUIDType()))


@pytest.mark.parametrize("transform", [None, IdentityTransform(), BucketTransform(3)])
def test_uuids_are_texts_of_the_type_uuid(lake: Lake, transform: Any) -> None:
    if transform is None:
        lake.create("t", UUIDS).append(with_uuids(range(6)))
    else:
        made = lake.create("t", UUIDS, PartitionSpec(PartitionField(2, 1000, transform, "p")))
        crafted.append_partitioned(made, with_uuids([0, 1, 3, 4, 5]))
    columns = lake.source.discover().tables[0].columns
    assert [(each.name, each.sql_type, each.arrow_type) for each in columns][1] == ("u", "uuid", pa.string())
    found = rows(new_context(), scanned(lake.source, "t")).to_pylist()
    assert {each["id"]: each["u"] for each in found} == {
        at: None if at == 2 else str(one) for at, one in enumerate(IDS) if transform is None or at != 2
    }
    for number in (0, 1, 4):
        assert number in lake.ids("t", compare("u", "=", str(IDS[number])))


def test_rows_are_deleted_by_uuids_and_columns_of_them_renamed(lake: Lake) -> None:
    made = lake.create("t", UUIDS)
    made.append(with_uuids(range(6)))
    crafted.delete_equal(made, pa.table({"u": pa.array([IDS[4].bytes], pa.binary(16))}), [2])
    assert lake.ids("t") == [0, 1, 2, 3, 5]
    with made.update_schema() as update:
        update.rename_column("u", "v")
    with made.update_schema() as update:
        update.add_column("u", LongType())
    found = rows(new_context(), scanned(lake.source, "t")).sort_by("id")
    assert found["v"].to_pylist()[:3] == [str(IDS[0]), str(IDS[1]), None]
