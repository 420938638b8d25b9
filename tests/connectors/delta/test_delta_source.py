"""Delta tables read as they are: compared with deltalake and with rows written by the test."""

from __future__ import annotations

import datetime
import math
import shutil
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.schema import Field, PrimitiveType, Schema

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.scans import Constant, Physical
from connectors.delta.source import DeltaSource
from gateway.execute import file_relations
from tests.connectors.delta import crafted
from tests.execute.reading import compare, files_of, new_context, pinned, rows, scanned

UTC = datetime.UTC


def of(location: Path) -> DeltaSource:
    return DeltaSource("sales", str(location), {})


def written(location: Path, name: str) -> pa.Table:
    return pa.RecordBatchReader.from_stream(DeltaTable(location / name).scan()).read_all()


def as_lists(table: pa.Table, *order: str) -> list[dict[str, Any]]:
    found = table.to_pylist()
    return sorted(found, key=lambda row: [str(row[name]) for name in order or table.column_names])


def assert_equal_to_deltalake(location: Path, name: str) -> pa.Table:
    result = rows(new_context(), scanned(of(location), name))
    expected = written(location, name).select(result.column_names)
    assert as_lists(result) == as_lists(expected)
    return result


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path


BASE = pa.table(
    {
        "id": pa.array(range(100), pa.int64()),
        "v": [float(number) for number in range(100)],
        "s": [f"x{number}" for number in range(100)],
        "st": [{"a": number} for number in range(100)],
    }
)


def test_every_folder_with_a_log_is_a_table(lake: Path) -> None:
    write_deltalake(lake / "orders", BASE)
    write_deltalake(lake / "eu/west/orders", BASE.slice(0, 5))
    write_deltalake(lake / "orders/nested/inner", BASE)  # inside of a table: not one itself
    found = of(lake).discover()
    assert {table.name: table.rows for table in found.tables} == {
        TableName("sales", "orders"): 100,
        TableName("sales_eu_west", "orders"): 5,
    }
    assert dict(found.schemas) == {"sales": None, "sales_eu_west": None}
    assert found.tables[0].bytes
    assert [table.name for table in of(lake / "orders").discover().tables] == [TableName("sales", "orders")]


def test_a_broken_table_does_not_spoil_the_others(lake: Path) -> None:
    write_deltalake(lake / "good", BASE)
    write_deltalake(lake / "unknown_feature", BASE)
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["magic"], "writerFeatures": ["magic"]}
    crafted.commit(lake / "unknown_feature", 1, {"protocol": protocol})
    (lake / "brackets[1]/_delta_log").mkdir(parents=True)  # deltalake panics
    (lake / "garbage/_delta_log").mkdir(parents=True)
    (lake / "garbage/_delta_log/00000000000000000000.json").write_text("not json")
    source = of(lake)
    found = source.discover()
    assert [table.name.name for table in found.tables] == ["good"]
    assert {name.name for name in found.broken} == {"garbage", "unknown_feature", "brackets[1]"}
    assert "magic" in found.broken[TableName("sales", "unknown_feature")].lower()


def test_a_location_that_is_missing_is_an_error(lake: Path) -> None:
    with pytest.raises(SqlError, match="sales"):
        of(lake / "nowhere").discover()


def test_columns_have_postgres_types_and_comments(lake: Path) -> None:
    key = Field("id", PrimitiveType("long"), nullable=False, metadata={"comment": "the key"})
    fields = [key, Field("at", PrimitiveType("timestamp"))]
    DeltaTable.create(lake / "t", Schema(fields), description="a table", mode="error")
    (table,) = of(lake).discover().tables
    assert [(each.name, each.sql_type, each.nullable, each.comment) for each in table.columns] == [
        ("id", "bigint", False, "the key"),
        ("at", "timestamp with time zone", True, None),
    ]
    assert table.comment == "a table"
    empty = rows(new_context(), scanned(of(lake), "t"))
    assert empty.num_rows == 0


def test_all_types_as_values_and_as_partitions(lake: Path) -> None:
    table = pa.table(
        {
            "i8": pa.array([1, None, -3], pa.int8()),
            "i16": pa.array([1, None, -3], pa.int16()),
            "i32": pa.array([1, None, -3], pa.int32()),
            "i64": pa.array([1, None, -(2**60)], pa.int64()),
            "f32": pa.array([1.5, None, -3], pa.float32()),
            "f64": pa.array([1.5, None, math.inf]),
            "b": [True, None, False],
            "d": pa.array([Decimal("1.25"), None, Decimal("99999999.99")], pa.decimal128(10, 2)),
            "s": ['a\'b; "c" \\ %20 é/ß', None, "x=y"],
            "bin": pa.array([b"\x00'", None, b""], pa.binary()),
            "day": pa.array([datetime.date(1, 1, 1), None, datetime.date(9999, 12, 31)]),
            "ts": pa.array(
                [datetime.datetime(2024, 1, 1, 0, 0, 0, 7, UTC), None, datetime.datetime(9999, 12, 31, tzinfo=UTC)],
                pa.timestamp("us", "UTC"),
            ),
            "ntz": pa.array([datetime.datetime(2024, 1, 1, 0, 0, 0, 7), None, None], pa.timestamp("us")),
            "l": pa.array([[1, None], None, []], pa.list_(pa.int32())),
            "st": pa.array([{"x": 1, "y": ["q"]}, None, {"x": None, "y": None}]),
            "m": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())),
            "row": pa.array([0, 1, 2]),
        }
    )
    write_deltalake(lake / "plain", table)
    result = assert_equal_to_deltalake(lake, "plain")
    assert as_lists(result, "row") == as_lists(table, "row")
    parts = ["i8", "i64", "f32", "f64", "b", "d", "s", "day", "ts", "ntz"]
    write_deltalake(lake / "parted", table, partition_by=parts)
    scan = scanned(of(lake), "parted")
    assert len(scan.groups) == 3
    assert as_lists(rows(new_context(), scan), "row") == as_lists(table, "row")


def test_partitions_are_pruned_and_their_constants_fold(lake: Path) -> None:
    days = pa.table({"day": [f"d{number % 5}" for number in range(50)], "v": range(50)})
    write_deltalake(lake / "t", days, partition_by=["day"])
    source = of(lake)
    assert len(scanned(source, "t", compare("day", "=", "d3")).groups) == 1
    assert len(scanned(source, "t", compare("day", "in", "d3", "d4", "none")).groups) == 2
    assert len(scanned(source, "t", compare("day", "<>", "d3")).groups) == 4
    assert len(scanned(source, "t", compare("day", "is_null")).groups) == 0
    assert scanned(source, "t", compare("day", "=", "d3")).files_known == 5
    assert [table.description for table in source.discover().tables] == ["Partitioned by day"]
    context = new_context()
    name = file_relations.register(context, scanned(source, "t"))
    plan = str(context.sql(f"SELECT sum(v) FROM {name} WHERE day = 'd3'").execution_plan())
    assert plan.count("DataSourceExec") == 1
    assert context.sql(f"SELECT sum(v) s FROM {name} WHERE day = 'd3'").to_pydict() == {"s": [sum(range(3, 50, 5))]}


def test_bounds_are_those_of_the_version(lake: Path) -> None:
    source = of(lake)
    for appended in range(3):
        write_deltalake(lake / "t", pa.table({"n": range(appended * 10, appended * 10 + 10)}), mode="append")
        for _ in range(2):  # found once, then known
            for above in range(4):
                kept = files_of(scanned(source, "t", compare("n", ">=", above * 10)))
                assert len(kept) == max(0, appended + 1 - above)


def test_many_partitions_are_read_as_one_and_joined_with_their_values(lake: Path) -> None:
    table = pa.table({"part": [None, *range(99)], "v": range(100)})
    write_deltalake(lake / "t", table, partition_by=["part"])
    scan = scanned(of(lake), "t")
    assert len(scan.groups) == 100
    context = new_context()
    assert as_lists(rows(context, scan), "v") == as_lists(table, "v")
    name = file_relations.register(context, scan)
    plan = str(context.sql(f"SELECT * FROM {name}").execution_plan())
    assert plan.count("DataSourceExec: file_groups") == 1
    assert context.sql(f"SELECT v FROM {name} WHERE part = 41").to_pydict() == {"v": [42]}


def test_files_are_pruned_by_statistics_and_never_wrongly(lake: Path) -> None:
    for start in range(0, 100, 10):
        write_deltalake(lake / "t", BASE.slice(start, 10), mode="append")
    source = of(lake)

    def count(*comparisons: Any) -> int:
        return len(files_of(scanned(source, "t", *comparisons)))

    assert count(compare("id", "=", 55)) == 1
    assert count(compare("id", "<", 20)) == 2
    assert count(compare("id", "<=", 20)) == 3
    assert count(compare("id", ">=", 90), compare("id", "<>", 95)) == 1
    assert count(compare("id", "in", 5, 95, 1000)) == 2
    assert count(compare("id", "in", *range(200, 400))) == 0
    assert count(compare("s", "=", "x77")) == 2  # "x0" to "x9" may hold it too
    assert count(compare("id", "is_null")) == 0
    assert count(compare("id", "is_not_null")) == 10
    assert count(compare("v", "<", 5.0)) == 1
    assert count(compare("v", ">", 95.0)) == 10  # NaN is greater than all numbers and in no statistics
    assert count(compare("v", "=", math.nan)) == 10
    assert count(compare("id", "=", None, type=pa.int64())) == 10
    assert count(compare("st", "is_null")) == 10


def test_statistics_that_writers_cut_do_not_prune(lake: Path) -> None:
    at = datetime.datetime(2024, 1, 1, 0, 0, 0, 999, UTC)  # the log says 00:00:00.000
    write_deltalake(
        lake / "t",
        pa.table({"at": pa.array([at], pa.timestamp("us", "UTC")), "s": ["z" * 200], "e": ["\U0010ffff" * 99]}),
    )
    source = of(lake)
    for comparison in (
        compare("at", "=", at, type=pa.timestamp("us", "UTC")),
        compare("s", "=", "z" * 200),
        compare("s", ">=", "z" * 200),
        compare("e", "=", "\U0010ffff" * 99),
    ):
        assert len(files_of(scanned(source, "t", comparison))) == 1
    assert not files_of(scanned(source, "t", compare("s", ">", "zzzzzzzz{")))


@pytest.mark.parametrize("precision", [15, 16, 20, 38])
def test_numerics_of_more_digits_than_a_float_has_do_not_prune(lake: Path, precision: int) -> None:
    """The log has them as floats: the least value of a file was then above it, or the greatest below."""
    kind = pa.decimal128(precision, 4)
    most = Decimal(10**precision - 1).scaleb(-4, context=Context(prec=38))
    values = [most, most.copy_negate(), Decimal("12345678901.2345")]
    values += [Decimal("1234567890123.4567")] if precision > 16 else []
    for value in values:
        write_deltalake(lake / "t", pa.table({"n": pa.array([value], kind)}), mode="append")
    source = of(lake)

    def found(operator: str, value: Decimal) -> list[str]:
        return files_of(scanned(source, "t", compare("n", operator, value, type=kind)))

    for value in values:
        for operator in ("=", "<=", ">="):
            scan = scanned(source, "t", compare("n", operator, value, type=kind))
            assert value in rows(new_context(), scan)["n"].to_pylist()
    unknown = 0 if precision == 15 else len(values) - 1
    assert len(found("=", Decimal("1.5"))) == unknown
    assert len(found("=", Decimal("12345678901.2345"))) == unknown + 1


def test_columns_added_later_are_null_in_old_files(lake: Path) -> None:
    write_deltalake(lake / "t", pa.table({"id": [1, 2]}))
    new = pa.table({"id": [3], "tags": [["a"]], "m": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))})
    write_deltalake(lake / "t", new, mode="append", schema_mode="merge")
    result = assert_equal_to_deltalake(lake, "t")
    assert as_lists(result, "id")[0] == {"id": 1, "tags": None, "m": None}
    assert len(files_of(scanned(of(lake), "t", compare("tags", "is_not_null")))) == 2


@pytest.mark.parametrize("mode", ["name", "id"])
def test_column_mapping_renames_drops_and_adds(lake: Path, mode: str) -> None:
    path = lake / "t"
    write_deltalake(path, BASE.append_column("part", pa.array(["p", "q"] * 50)), partition_by=["part"])
    changed = crafted.metadata(path, 0)
    crafted.mapped(changed["fields"])
    for field in changed["fields"]:
        field["name"] = {"v": "value", "part": "Partition"}.get(field["name"], field["name"])
        if field["name"] == "st":
            field["type"]["fields"][0]["name"] = "renamed"
    changed["fields"] = [field for field in changed["fields"] if field["name"] != "s"]
    changed["partitionColumns"] = ["Partition"]
    crafted.commit_mapping(path, 1, changed, mode)
    again = {"delta.columnMapping.id": 42, "delta.columnMapping.physicalName": "col-42"}
    changed["fields"].append({"name": "s", "type": "long", "nullable": True, "metadata": again})
    crafted.commit_mapping(path, 2, changed, mode)
    result = as_lists(rows(new_context(), scanned(of(lake), "t")), "id")
    assert len(result) == 100
    assert {"id": 7, "value": 7.0, "st": {"renamed": 7}, "Partition": "q", "s": None} in result
    assert result == as_lists(written(lake, "t").select(["id", "value", "st", "Partition", "s"]), "id")
    assert len(files_of(scanned(of(lake), "t", compare("value", "<", 1.0)))) == 1
    if mode == "name":
        row = {"id": [1000], "value": [1.0], "st": [{"renamed": 5}], "Partition": ["p"], "s": pa.array([9], pa.int64())}
        write_deltalake(path, pa.table(row), mode="append")
        latest = rows(new_context(), scanned(of(lake), "t"), "SELECT * FROM {t} WHERE id = 1000").to_pylist()
        assert latest == [{"id": 1000, "value": 1.0, "st": {"renamed": 5}, "Partition": "p", "s": 9}]


@pytest.mark.parametrize("inline", [True, False])
def test_deletion_vectors(lake: Path, inline: bool) -> None:
    path = lake / "t"
    for start in (0, 50):
        write_deltalake(path, BASE.slice(start, 50), mode="append")
    first, second = crafted.adds(path, 2)
    crafted.delete_rows(path, 2, first, [0, 5, 49], inline)
    source = of(lake)
    assert pinned(source, "t").rows == 97
    result = assert_equal_to_deltalake(lake, "t")
    assert result.num_rows == 97
    assert set(range(100)) - set(result["id"].to_pylist()) == {0, 5, 49}
    crafted.delete_rows(path, 3, second, list(range(50)), inline)
    context = new_context()
    scan = scanned(source, "t")
    assert rows(context, scan, "SELECT count(*), min(id), max(id) FROM {t}").to_pylist()[0].values()
    assert sorted(rows(context, scan)["id"].to_pylist()) == [n for n in range(50) if n not in (0, 5, 49)]
    assert rows(context, scanned(source, "t", compare("id", "=", 5)), "SELECT * FROM {t} WHERE id = 5").num_rows == 0


def test_deletion_vectors_of_many_files_join_on_the_file_too(lake: Path) -> None:
    path = lake / "t"
    for start in range(0, 100, 5):
        write_deltalake(path, BASE.slice(start, 5), mode="append")
    for version, add in enumerate(crafted.adds(path, 20), 20):
        crafted.delete_rows(path, version, add, [version % 5], inline=True)
    context = new_context()
    scan = scanned(of(lake), "t")
    result = assert_equal_to_deltalake(lake, "t")
    assert result.num_rows == 80
    plan = str(context.sql(f"SELECT * FROM {file_relations.register(context, scan)}").execution_plan())
    assert plan.count("HashJoinExec") == 1


def test_a_pinned_snapshot_keeps_its_rows(lake: Path) -> None:
    write_deltalake(lake / "t", BASE)
    source, context = of(lake), new_context()
    before = pinned(source, "t")
    scan = source.scan(before, (), ())
    write_deltalake(lake / "t", BASE, mode="append")
    DeltaTable(lake / "t").delete("id < 50")
    after = source.pin(before.table)
    assert (before.version, after.version) == ("0", "2")
    assert rows(context, source.scan(before, (), ())).num_rows == 100
    assert rows(context, source.scan(after, (), ())).num_rows == 100  # 200 less twice 50
    assert source.scan(before, (), ()).key == scan.key != source.scan(after, (), ()).key
    assert source.pin(before.table).state is after.state


def test_a_new_schema_is_pinned_with_its_rows(lake: Path) -> None:
    write_deltalake(lake / "t", pa.table({"id": [1]}))
    source = of(lake)
    old = pinned(source, "t")
    write_deltalake(lake / "t", pa.table({"id": [2], "more": ["x"]}), mode="append", schema_mode="merge")
    new = source.pin(old.table)
    assert [column.name for column in new.table.columns] == ["id", "more"]
    assert rows(new_context(), source.scan(old, (), ())).to_pylist() == [{"id": 1}]


def test_a_table_made_anew_is_noticed(lake: Path) -> None:
    write_deltalake(lake / "t", BASE)
    write_deltalake(lake / "t", BASE, mode="append")
    source = of(lake)
    snapshot = pinned(source, "t")
    shutil.rmtree(lake / "t")
    write_deltalake(lake / "t", BASE.slice(0, 3))
    again = source.pin(snapshot.table)
    assert (again.version, again.rows) == ("0", 3)
    assert rows(new_context(), source.scan(again, (), ())).num_rows == 3
    shutil.rmtree(lake / "t")
    with pytest.raises(SqlError, match=r"sales\.t"):
        source.pin(snapshot.table)


def test_a_removed_file_is_told(lake: Path) -> None:
    write_deltalake(lake / "t", BASE)
    write_deltalake(lake / "t", BASE, mode="append")
    scan = scanned(of(lake), "t")
    context = new_context()
    assert rows(context, scan).num_rows == 200
    assert file_relations.missing_files(scan) == []
    gone = files_of(scan)[0]
    Path(gone).unlink()
    assert file_relations.missing_files(scan) == [gone]


def test_paths_with_every_odd_character(lake: Path) -> None:
    odd = lake / "sp ace {a} *?'\"#&é"
    texts = ["a b", "x%y", "q'z/w", "é", "[1]", "a*b?", "#", "a:b", "{c}", "back\\slash", 'dq"']
    write_deltalake(odd / "t", pa.table({"p": texts, "v": range(len(texts))}), partition_by=["p"])
    scan = scanned(of(odd), "t")
    assert file_relations.missing_files(scan) == []
    assert dict(zip(*rows(new_context(), scan).to_pydict().values(), strict=True)) == dict(
        zip(texts, range(11), strict=True)
    )


def test_columns_need_no_place_in_a_scan_without_partitions(lake: Path) -> None:
    write_deltalake(lake / "t", BASE, partition_by=["s"])
    group = scanned(of(lake), "t", compare("s", "=", "x7")).groups[0]
    assert [type(column) for column in group.columns] == [Physical, Physical, Constant, Physical]
