"""Scans as relations of the engine: every format, constants, casts, deletes, and what plans keep of all this."""

from __future__ import annotations

import datetime
import threading
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from catalog.errors import SqlError
from catalog.scans import Constant, EqualityDelete, FileGroup, FileScan, Physical
from catalog.sqlstate import SqlState
from gateway.execute import file_relations
from tests.execute.reading import new_context, rows


def scan_of(schema: pa.Schema, *groups: FileGroup, key: str = "k") -> FileScan:
    return FileScan(key, schema, groups, sum(len(group.files) for group in groups))


def physical(*names: str) -> tuple[Physical, ...]:
    return tuple(Physical(name) for name in names)


def parquet(path: Path, table: pa.Table) -> str:
    pq.write_table(table, path)
    return str(path)


def plan_of(context: Any, sql: str) -> str:
    context.sql("SET datafusion.explain.show_statistics = true").collect()
    text: str = context.sql(f"EXPLAIN {sql}").to_pydict()["plan"][-1]
    return text


NUMBERS = pa.table({"id": pa.array(range(1000), pa.int64()), "s": [f"x{number}" for number in range(1000)]})


def test_parquet_with_and_without_a_given_schema(tmp_path: Path) -> None:
    file = parquet(tmp_path / "a.parquet", NUMBERS)
    for key, schema in (("inferred", None), ("given", NUMBERS.schema)):
        scan = scan_of(NUMBERS.schema, FileGroup("parquet", (file,), physical("id", "s"), schema), key=key)
        assert rows(new_context(), scan).sort_by("id").equals(NUMBERS)


def test_csv_json_avro_and_arrow(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text('id;s\n1;one\n2;"two;\n2"\n')
    (tmp_path / "b.txt").write_text("id;s\n3;\n")
    (tmp_path / "a.json").write_text('{"id": 1, "s": "one"}\n{"s": "two", "id": 2}\n{"id": 3}\n')
    feather.write_feather(pa.table({"id": [1, 2, 3], "s": ["one", "two", None]}), tmp_path / "a.arrow", "uncompressed")
    polars.DataFrame({"id": [1, 2, 3], "s": ["one", "two", None]}).write_avro(tmp_path / "a.avro")
    schema = pa.schema([("id", pa.int64()), ("s", pa.string())])
    csv = {"format.has_header": "true", "format.delimiter": ";", "format.newlines_in_values": "true"}
    groups = {
        "csv": FileGroup("csv", (f"{tmp_path}/a.txt", f"{tmp_path}/b.txt"), physical("id", "s"), schema, options=csv),
        "json": FileGroup("json", (f"{tmp_path}/a.json",), physical("id", "s"), schema),
        "avro": FileGroup("avro", (f"{tmp_path}/a.avro",), physical("id", "s")),  # these two know their own schema
        "arrow": FileGroup("arrow", (f"{tmp_path}/a.arrow",), physical("id", "s")),
    }
    context = new_context()
    for name, group in groups.items():
        result = rows(context, scan_of(schema, group, key=name)).sort_by("id").to_pylist()
        assert [row["id"] for row in result] == [1, 2, 3], name
        assert result[0]["s"] == "one"
        assert result[1]["s"] == ("two;\n2" if name == "csv" else "two")
        assert not result[2]["s"]
    with pytest.raises(SqlError) as caught:
        rows(context, scan_of(schema, FileGroup("orc", ("x",), physical("id", "s")), key="orc"))
    assert caught.value.sqlstate == SqlState.FEATURE_NOT_SUPPORTED


def test_constants_of_every_type_in_order_of_the_table(tmp_path: Path) -> None:
    file = parquet(tmp_path / "a.parquet", pa.table({"id": [1]}))
    at = datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, datetime.UTC)
    values = [
        pa.scalar("a'b; DROP TABLE x; --\\é"),
        pa.scalar(Decimal("-1.20"), pa.decimal128(10, 2)),
        pa.scalar(at, pa.timestamp("us", "UTC")),
        pa.scalar(datetime.date(1, 1, 1)),
        pa.scalar(b"\x00\xff'"),
        pa.scalar(True),
        pa.scalar(float("inf")),
        pa.scalar(-7, pa.int8()),
        *(
            pa.scalar(None, kind)
            for kind in (
                pa.string(),
                pa.list_(pa.field("element", pa.int32())),
                pa.map_(pa.string(), pa.int64()),
                pa.struct([("x", pa.list_(pa.string()))]),
                pa.timestamp("us", "UTC"),
                pa.decimal128(38, 10),
                pa.binary(16),
            )
        ),
    ]
    schema = pa.schema([*((f"c{at}", value.type) for at, value in enumerate(values)), ("id", pa.int64())])
    columns: tuple[Physical | Constant, ...] = (*map(Constant, values), Physical("id"))
    result = rows(new_context(), scan_of(schema, FileGroup("parquet", (file,), columns))).to_pylist()
    assert list(result[0].values()) == [*(value.as_py() for value in values), 1]


def test_narrower_missing_and_nested_columns_are_adapted(tmp_path: Path) -> None:
    old = pa.table({"n": pa.array([1], pa.int32()), "st": [{"x": 1}], 'Odd "name".': [1.5]})
    new = pa.table({"n": pa.array([2**40]), "st": [{"x": 2, "y": "q"}], "more": [["a"]]})
    files = (parquet(tmp_path / "old.parquet", old), parquet(tmp_path / "new.parquet", new))
    struct = pa.struct([("x", pa.int64()), ("y", pa.string())])
    schema = pa.schema(
        [
            ("n", pa.int64()),
            ("st", struct),
            ('Odd "name".', pa.float64()),
            ("more", pa.list_(pa.field("element", pa.string()))),
        ]
    )
    names = physical("n", "st", 'Odd "name".', "more")
    expected = [
        {"n": 1, "st": {"x": 1, "y": None}, 'Odd "name".': 1.5, "more": None},
        {"n": 2**40, "st": {"x": 2, "y": "q"}, 'Odd "name".': None, "more": ["a"]},
    ]
    context = new_context()
    assert (
        rows(context, scan_of(schema, FileGroup("parquet", files, names, schema))).sort_by("n").to_pylist() == expected
    )
    mapped = schema.append(pa.field("m", pa.map_(pa.string(), pa.int32())))  # not expressible in DDL: by footer
    scan = scan_of(mapped, FileGroup("parquet", files, (*names, Physical("m")), mapped), key="m")
    assert rows(context, scan).drop_columns("m").sort_by("n").to_pylist() == expected


def test_nested_fields_are_renamed_by_position(tmp_path: Path) -> None:
    file = parquet(tmp_path / "a.parquet", pa.table({"c-1": [{"c-2": 1, "c-3": {"c-4": "q"}}, None]}))
    there = pa.schema([("c-1", pa.struct([("c-2", pa.int64()), ("c-3", pa.struct([("c-4", pa.string())]))]))])
    here = pa.schema([("st", pa.struct([("a", pa.int64()), ("b", pa.struct([("d", pa.string())]))]))])
    scan = scan_of(here, FileGroup("parquet", (file,), physical("c-1"), there))
    assert rows(new_context(), scan)["st"].to_pylist() == [{"a": 1, "b": {"d": "q"}}, None]
    inside = pa.schema([("c-1", pa.list_(there.field(0).type))]), pa.schema([("st", pa.list_(here.field(0).type))])
    with pytest.raises(SqlError, match="lists"):
        rows(new_context(), scan_of(inside[1], FileGroup("parquet", (file,), physical("c-1"), inside[0])))


def test_timestamps_of_another_zone_keep_their_instant(tmp_path: Path) -> None:
    at = datetime.datetime(2024, 7, 1, 12, tzinfo=datetime.UTC)
    file = parquet(tmp_path / "a.parquet", pa.table({"at": pa.array([at], pa.timestamp("us", "Europe/Paris"))}))
    schema = pa.schema([("at", pa.timestamp("us", "UTC"))])
    scan = scan_of(schema, FileGroup("parquet", (file,), physical("at"), schema))
    assert rows(new_context(), scan)["at"].to_pylist() == [at]


def test_int96_timestamps_beyond_nanoseconds(tmp_path: Path) -> None:
    at = datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC)
    path = tmp_path / "a.parquet"
    table = pa.table({"at": pa.array([at], pa.timestamp("us", "UTC"))})
    pq.write_table(table, path, use_deprecated_int96_timestamps=True, store_schema=False)  # as Spark does
    for key, schema in (("given", table.schema), ("inferred", None)):
        scan = scan_of(table.schema, FileGroup("parquet", (str(path),), physical("at"), schema), key=key)
        assert rows(new_context(), scan)["at"].to_pylist() == [at]


@pytest.mark.parametrize("files", [1, 3, 20])
def test_deleted_positions(tmp_path: Path, files: int) -> None:
    paths = [str(tmp_path / f"f{at} é%20'.parquet") for at in range(files)]
    for at, path in enumerate(paths):
        pq.write_table(
            pa.table({"id": pa.array(range(at * 1000, at * 1000 + 1000), pa.int64())}), path, row_group_size=100
        )
    positions = [0, 150, 999]
    deleted = pa.table({"file": pa.array([p for p in paths for _ in positions]), "position": positions * files})
    schema = pa.schema([("id", pa.int64())])
    scan = scan_of(schema, FileGroup("parquet", tuple(paths), physical("id"), schema, deleted))
    context = new_context()
    result = set(rows(context, scan)["id"].to_pylist())
    assert set(range(files * 1000)) - result == {at * 1000 + position for at in range(files) for position in positions}
    name = file_relations.register(context, scan)
    assert context.sql(f"SELECT id FROM {name} WHERE id BETWEEN 149 AND 151").sort("id").to_pydict() == {
        "id": [149, 151]
    }
    assert context.sql(f"SELECT count(*) n FROM {name}").to_pydict() == {"n": [files * 997]}


def test_equality_deletes_of_several_columns(tmp_path: Path) -> None:
    data = pa.table({"a": [1, 1, None, 2], "b": ["x", None, None, "x"], "row": [0, 1, 2, 3]})
    deletes = pa.table(
        {"k": pa.array([1, None], pa.int32()), "l": [None, None]},
        schema=pa.schema([("k", pa.int32()), ("l", pa.string())]),
    )
    delete = EqualityDelete((parquet(tmp_path / "d.parquet", deletes),), {"a": "k", "b": "l"})
    file = parquet(tmp_path / "a.parquet", data)
    group = FileGroup("parquet", (file,), physical("a", "b", "row"), data.schema, None, (delete,))
    assert sorted(rows(new_context(), scan_of(data.schema, group))["row"].to_pylist()) == [0, 3]


def test_an_empty_scan_has_the_schema() -> None:
    schema = pa.schema([("id", pa.int64()), ("m", pa.map_(pa.string(), pa.int64()))])
    assert rows(new_context(), scan_of(schema)).num_rows == 0
    assert rows(new_context(), scan_of(schema, FileGroup("parquet", (), physical("id", "m"), schema))).num_rows == 0


def test_the_same_key_is_registered_once(tmp_path: Path) -> None:
    scan = scan_of(NUMBERS.schema, FileGroup("parquet", (parquet(tmp_path / "a", NUMBERS),), physical("id", "s")))
    context = new_context()
    name = file_relations.register(context, scan)
    assert file_relations.register(context, scan) == name
    late = file_relations.register(context, replace(scan, late=True))
    assert late != name
    assert file_relations.register(context, replace(scan, late=True)) == late


def test_a_late_scan_evaluates_conditions_as_it_decodes(tmp_path: Path) -> None:
    scan = scan_of(NUMBERS.schema, FileGroup("parquet", (parquet(tmp_path / "a", NUMBERS),), physical("id", "s")))
    context = new_context()
    found = {}
    for one in (scan, replace(scan, late=True)):
        frame = context.sql(f"SELECT s FROM {file_relations.register(context, one)} WHERE id = 5")
        found[one.late] = frame.to_pydict(), "FilterExec" in frame.execution_plan().display_indent()
    assert found[False][0] == found[True][0]
    assert (found[False][1], found[True][1]) == (True, False)


def test_only_so_many_relations_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_relations, "KEPT_RELATIONS", 2)
    group = FileGroup("parquet", (parquet(tmp_path / "a", NUMBERS),), physical("id", "s"))
    context = new_context()
    names = [file_relations.register(context, scan_of(NUMBERS.schema, group, key=key)) for key in "abac"]
    assert names[0] == names[2]
    assert context.catalog().schema(file_relations.SCHEMA).table_names() == {
        name.split('"')[5] for name in (names[0], names[3])
    }


def test_threads_may_register_the_same_scan(tmp_path: Path) -> None:
    scan = scan_of(NUMBERS.schema, FileGroup("parquet", (parquet(tmp_path / "a", NUMBERS),), physical("id", "s")))
    context = new_context()
    start, found = threading.Barrier(8), []

    def run() -> None:
        start.wait()
        name = file_relations.register(context, scan)
        found.append((name, context.sql(f"SELECT count(*) n FROM {name}").to_pydict()["n"][0]))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert {count for _, count in found} == {1000}
    assert len({name for name, _ in found}) == 1


def test_only_the_view_is_in_the_context(tmp_path: Path) -> None:
    scan = scan_of(NUMBERS.schema, FileGroup("parquet", (parquet(tmp_path / "a", NUMBERS),), physical("id", "s")))
    context = new_context()
    file_relations.register(context, scan)
    assert len(context.catalog().schema(file_relations.SCHEMA).table_names()) == 1
    assert not context.catalog().schema("public").table_names()


def test_views_keep_pruning_statistics_dynamic_filters_and_counts(tmp_path: Path) -> None:
    schema = pa.schema(
        [("part", pa.string()), ("id", pa.int64()), ("at", pa.timestamp("us", "UTC")), ("gone", pa.int64())]
    )
    groups = []
    for part in range(4):
        ids = pa.array(range(part * 1000, part * 1000 + 1000), pa.int64())
        table = pa.table({"id": ids, "at": ids.cast(pa.timestamp("us", "UTC"))})
        file = parquet(tmp_path / f"{part}.parquet", table)
        columns = (
            Constant(pa.scalar(f"p{part}")),
            Physical("id"),
            Physical("at"),
            Constant(pa.scalar(None, pa.int64())),
        )
        groups.append(FileGroup("parquet", (file,), columns, table.schema))
    context = new_context()
    name = file_relations.register(context, scan_of(schema, *groups))
    small = pa.table({"k": pa.array([5], pa.int64())})
    context.register_record_batches("small", [small.to_batches()])
    assert "ProjectionExec: expr=[4000 as" in plan_of(context, f"SELECT count(*) FROM {name}")
    assert plan_of(context, f"SELECT id FROM {name} WHERE part = 'p2'").count("DataSourceExec") == 1
    assert "Rows=Exact(4000)" in plan_of(context, f"SELECT id, part FROM {name}")
    pruned = plan_of(context, f"SELECT id FROM {name} WHERE at > timestamptz '1970-01-01 00:00:00.003Z'")
    assert "pruning_predicate=at_null_count" in pruned
    joined = plan_of(context, f"SELECT * FROM {name} t JOIN small ON t.id = small.k")
    assert "DynamicFilter" in joined
    assert "mode=CollectLeft" in joined
    assert joined.index("DataSourceExec: partitions=1") < joined.index("DataSourceExec: file_groups")


def test_a_fence_over_many_groups_is_one(tmp_path: Path) -> None:
    """The engine repeats a LIMIT on each part of a union; conditions reach the files all the same."""
    schema = pa.schema([("part", pa.string()), ("id", pa.int64()), ("s", pa.string()), ("k", pa.int64())])
    groups = []
    for part in range(4):
        ids = pa.array(range(part * 10_000, (part + 1) * 10_000), pa.int32())
        table = pa.table({"id": ids, "s": ["x"] * 10_000, "k": ids.cast(pa.int64())})
        file = parquet(tmp_path / f"{part}.parquet", table)
        columns = (Constant(pa.scalar(f"p{part}")), Physical("id"), Physical("s"), Physical("k"))
        groups.append(FileGroup("parquet", (file,), columns, table.schema))
    context = new_context()
    scan = scan_of(schema, *groups)
    plain, fenced = (file_relations.register(context, scan, fenced=fenced) for fenced in (False, True))
    query = "SELECT sum(id) AS s FROM (SELECT id FROM {t} WHERE s = 'x' AND id > 7 {fence}) AS t WHERE id % 2 = 0"
    fence = "LIMIT 9223372036854775807"
    plan = plan_of(context, query.format(t=fenced, fence=fence))
    assert plan.count("CoalescePartitionsExec: fetch=") == 1
    assert plan.count("projection=[id@0], fetch=") == 4
    assert plan.count("pruning_predicate=s_null_count") == 4
    sums = {context.sql(query.format(t=name, fence=fence)).to_pydict()["s"][0] for name in (plain, fenced)}
    assert sums == {sum(range(8, 40_000, 2))}
    one = query.format(t=fenced, fence=fence).replace("s = 'x'", "part = 'p2'")
    assert plan_of(context, one).count("DataSourceExec") == 1
    joined = plan_of(
        context, f"SELECT * FROM (VALUES (5)) AS v (v) JOIN (SELECT k FROM {fenced} {fence}) AS t ON k = v"
    )
    assert joined.count("DynamicFilter") == 4
