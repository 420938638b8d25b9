"""Statistics of all kinds of source: what they say of the same rows, beside what the rows are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table as PyIcebergTable
from pyiceberg.table.statistics import StatisticsFile
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import LongType, NestedField, StringType

from catalog.statistics import ColumnStatistics, TableStatistics
from connectors.delta.source import DeltaSource
from connectors.files.source import FilesSource
from connectors.files.statistics import MOST_FOOTERS
from connectors.iceberg.source import IcebergSource
from tests.connectors import lakes
from tests.connectors.conftest import RealServer, execute
from tests.connectors.lakes import OTHER, ROWS, SCHEMA, Lake
from tests.connectors.streaming import failure_of, table_of


def _analyzed(folder: Path, server: RealServer) -> Lake:
    lake = lakes.postgres(folder, server)
    url = psycopg.conninfo.make_conninfo(str(lake.settings["dsn"]), user="postgres")
    execute(url, "ANALYZE")
    return lake


@dataclass(frozen=True, slots=True)
class Knows:
    """What a kind's metadata tell: ``distinct`` of every column; nothing of the columns ``silent_of``."""

    make: Callable[[Path, RealServer], Lake]
    distinct: bool = False
    silent_of: tuple[str, ...] = ()


KNOWS = {
    "delta": Knows(lakes.delta, silent_of=("by",)),
    "iceberg": Knows(lakes.iceberg),
    "postgres": Knows(_analyzed, distinct=True),
    "files": Knows(lakes.files),
}


@pytest.fixture(scope="module", params=KNOWS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def lake(kind: str, server: RealServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    made = KNOWS[kind].make(tmp_path_factory.mktemp(kind), server)
    yield made
    made.source.close()


@pytest.fixture
def own_lake(kind: str, server: RealServer, tmp_path: Path) -> Iterator[Lake]:
    made = KNOWS[kind].make(tmp_path, server)
    yield made
    made.source.close()


def statistics(lake: Lake, name: str = "types", schema: str | None = None) -> TableStatistics:
    return lake.source.statistics(table_of(lake.source, name, schema))


def test_rows_and_bytes_are_those_of_the_table(lake: Lake) -> None:
    found = statistics(lake)
    assert found.rows == ROWS.num_rows
    assert found.bytes == table_of(lake.source, "types").bytes
    assert found.bytes


@pytest.mark.parametrize("name", SCHEMA.names)
def test_null_fractions_are_those_of_the_rows(lake: Lake, kind: str, name: str) -> None:
    found = statistics(lake).columns[name].null_fraction
    if name in KNOWS[kind].silent_of:
        assert found is None
        return
    assert found == pytest.approx(ROWS[name].null_count / ROWS.num_rows)


@pytest.mark.parametrize("name", SCHEMA.names)
def test_minimum_and_maximum_are_those_of_the_rows(lake: Lake, kind: str, name: str) -> None:
    column = statistics(lake).columns[name]
    if name in KNOWS[kind].silent_of:
        assert column.minimum is None and column.maximum is None
        return
    assert column.minimum is not None and column.maximum is not None
    assert column.minimum.type == column.maximum.type == SCHEMA.field(name).type
    least, greatest = pc.min(ROWS[name]), pc.max(ROWS[name])
    assert column.minimum.equals(least)
    lossy = kind == "delta" and name in ("ts", "tz")  # the log has them to the millisecond
    assert (
        greatest.as_py() <= column.maximum.as_py() <= greatest.as_py() + timedelta(milliseconds=lossy)
        if lossy
        else column.maximum.equals(greatest)
    )


@pytest.mark.parametrize("name", SCHEMA.names)
def test_distinct_values_are_counted_where_the_kind_can(lake: Lake, kind: str, name: str) -> None:
    distinct = statistics(lake).columns[name].distinct
    assert distinct == (pc.count_distinct(ROWS[name]).as_py() if KNOWS[kind].distinct else None)


def test_an_empty_table_has_no_rows_and_tells_nothing_of_its_values(lake: Lake) -> None:
    found = statistics(lake, "empty")
    assert found.rows == 0
    for column in found.columns.values():
        assert (column.minimum, column.maximum, column.most_common, column.histogram) == (None, None, (), ())


def test_a_table_of_a_namespace(lake: Lake, kind: str) -> None:
    if kind == "files":
        pytest.skip("this kind has no namespaces")
    found = statistics(lake, "staff", "lake_hr")
    column = found.columns["k"]
    assert found.rows == OTHER.num_rows
    assert (column.null_fraction, column.minimum, column.maximum) == (0, pa.scalar(1), pa.scalar(2))


def test_statistics_are_those_of_the_current_version(own_lake: Lake, kind: str) -> None:
    before = table_of(own_lake.source, "types")
    assert own_lake.source.statistics(before).rows == ROWS.num_rows
    own_lake.append()
    if kind == "postgres":
        return  # its counters follow within seconds
    found = own_lake.source.statistics(before)
    assert found.rows == ROWS.num_rows + 1
    assert found.columns["id"].maximum == pa.scalar(100)


def test_a_dropped_table_is_an_error_that_names_it_or_unknown(own_lake: Lake, kind: str) -> None:
    table = table_of(own_lake.source, "types")
    own_lake.drop()
    if kind == "postgres":
        assert own_lake.source.statistics(table).rows is None
    else:
        assert "types" in failure_of(lambda: own_lake.source.statistics(table)).message


def test_columns_of_another_type_than_the_table_had_are_left_out(lake: Lake) -> None:
    table = table_of(lake.source, "types")
    columns = tuple(replace(each, arrow_type=pa.int8()) if each.name == "i" else each for each in table.columns[:3])
    found = lake.source.statistics(replace(table, columns=columns))
    assert found.columns["id"].minimum == pa.scalar(1)
    assert found.columns.get("i", ColumnStatistics()) == ColumnStatistics()
    assert "t" not in found.columns


def test_many_threads_may_ask_at_once(lake: Lake) -> None:
    tables = [table for table in lake.source.discover().tables for _ in range(6)]
    with ThreadPoolExecutor(12) as threads:
        found = [*threads.map(lake.source.statistics, tables)]
    assert found == [lake.source.statistics(table) for table in tables]


# Delta


def test_partition_columns_of_delta_are_counted_exactly(tmp_path: Path) -> None:
    rows = pa.table({"p": ["x", "x", "x", "y", None, None], "d": [date(2024, 1, 1)] * 6, "v": range(6)})
    write_deltalake(tmp_path / "t", rows, partition_by=["p", "d"])
    found = _only(DeltaSource("lake", str(tmp_path), {}))
    p, d = found.columns["p"], found.columns["d"]
    assert p.distinct == 2
    assert p.null_fraction == pytest.approx(1 / 3)
    assert (p.minimum, p.maximum) == (pa.scalar("x"), pa.scalar("y"))
    assert {value.as_py(): fraction for value, fraction in p.most_common} == pytest.approx({"x": 1 / 2, "y": 1 / 6})
    assert (d.distinct, d.minimum) == (1, pa.scalar(date(2024, 1, 1)))
    assert d.most_common == ((pa.scalar(date(2024, 1, 1)), 1.0),)


def test_long_texts_of_delta_are_bounded_although_the_log_cuts_them(tmp_path: Path) -> None:
    greatest = "z" * 100
    write_deltalake(tmp_path / "t", pa.table({"s": ["a" * 100, greatest]}))
    found = _only(DeltaSource("lake", str(tmp_path), {})).columns["s"]
    assert found.minimum is not None and found.minimum.as_py() <= "a" * 100
    assert found.maximum is not None and found.maximum.as_py() >= greatest


def test_delta_without_statistics_knows_its_size_alone(tmp_path: Path) -> None:
    write_deltalake(tmp_path / "t", OTHER, configuration={"delta.dataSkippingNumIndexedCols": "0"})
    source = DeltaSource("lake", str(tmp_path), {})
    found = _only(source)
    assert found.bytes
    assert found.columns["k"] == ColumnStatistics()


def test_a_file_that_does_not_tell_its_bounds_hides_those_of_all(tmp_path: Path) -> None:
    write_deltalake(tmp_path / "t", pa.table({"f": [1.0, 2.0]}))
    write_deltalake(tmp_path / "t", pa.table({"f": [float("nan")]}), mode="append")
    found = _only(DeltaSource("lake", str(tmp_path), {})).columns["f"]
    assert (found.minimum, found.maximum, found.null_fraction) == (None, None, 0)


# Iceberg


def test_distinct_counts_come_from_the_notes_of_sketches(tmp_path: Path) -> None:
    table, source = _iceberg(tmp_path)
    table.append(pa.table({"k": pa.array([1, 2, 3, 3], pa.int64()), "s": ["a", "b", "b", "b"]}))
    noted = table.current_snapshot()
    assert noted is not None
    with table.update_statistics() as update:
        update.set_statistics(_puffin(noted.snapshot_id, {1: "3", 2: "2"}))
    table.append(pa.table({"k": pa.array([4], pa.int64()), "s": pa.array([None], pa.string())}))
    found = _only(source)
    assert found.rows == 5
    assert (found.columns["k"].distinct, found.columns["s"].distinct) == (3, 2)
    assert found.columns["s"].null_fraction == pytest.approx(1 / 5)


def test_identity_partitions_of_iceberg_are_counted(tmp_path: Path) -> None:
    table, source = _iceberg(tmp_path, partitioned_by="s")
    table.append(pa.table({"k": pa.array([1, 2, 3, 4], pa.int64()), "s": ["a", "b", "b", "b"]}))
    found = _only(source).columns["s"]
    assert found.distinct == 2
    assert found.most_common == ((pa.scalar("b"), 0.75), (pa.scalar("a"), 0.25))


def test_identifier_fields_of_iceberg_are_no_keys(tmp_path: Path) -> None:
    schema = Schema(NestedField(1, "k", LongType(), required=True), identifier_field_ids=[1])
    table, source = _iceberg(tmp_path, schema=schema)
    table.append(pa.table({"k": [1, 1]}, schema=pa.schema([pa.field("k", pa.int64(), nullable=False)])))
    assert _only(source).unique == ()


def test_truncated_bounds_of_iceberg_still_bound(tmp_path: Path) -> None:
    table, source = _iceberg(tmp_path)
    table.append(pa.table({"k": pa.array([1], pa.int64()), "s": ["m" * 40]}))
    found = _only(source).columns["s"]
    assert found.minimum is not None and found.minimum.as_py() <= "m" * 40
    assert found.maximum is not None and found.maximum.as_py() >= "m" * 40
    assert found.distinct is None


def test_of_very_many_files_some_stand_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.iceberg.statistics._MOST_BOUNDS", 0)
    monkeypatch.setattr("connectors.iceberg.statistics._FEWEST_FILES", 3)
    table, source = _iceberg(tmp_path, partitioned_by="s")
    table.append(pa.table({"k": pa.array(range(9), pa.int64()), "s": [str(at) for at in range(9)]}))
    found = _only(source)
    assert found.rows == 9
    assert found.columns["k"].null_fraction == 0
    assert found.columns["k"].minimum is not None
    assert (found.columns["s"].distinct, found.columns["s"].most_common) == (None, ())


# Files


def test_only_some_footers_of_many_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t").mkdir()
    for at in range(100):
        pq.write_table(pa.table({"n": [at, None]}), tmp_path / "t" / f"{at:03}.parquet")
    source = FilesSource("lake", str(tmp_path), {})
    table = table_of(source, "t")
    read: list[object] = []
    real = pq.read_metadata

    def counted(path: object, **options: object) -> object:
        read.append(path)
        return real(path, **options)

    monkeypatch.setattr(pq, "read_metadata", counted)
    found = source.statistics(table)
    assert len(read) == MOST_FOOTERS
    assert found.rows == 200
    assert (found.columns["n"].minimum, found.columns["n"].maximum) == (pa.scalar(0), pa.scalar(99))
    assert found.columns["n"].null_fraction == 0.5
    assert source.statistics(table) == found and len(read) == MOST_FOOTERS


def test_folders_give_exact_values_and_files_without_a_column_count_as_null(tmp_path: Path) -> None:
    for folder, table in (("y=2023", pa.table({"a": [1, 2, 3]})), ("y=2024", pa.table({"b": ["x"]}))):
        (tmp_path / "t" / folder).mkdir(parents=True)
        pq.write_table(table, tmp_path / "t" / folder / "1.parquet")
    found = _only(FilesSource("lake", str(tmp_path), {}))
    year = found.columns["y"]
    assert year.minimum is not None and year.maximum is not None
    assert (year.distinct, year.minimum.as_py(), year.maximum.as_py()) == (2, 2023, 2024)
    assert [fraction for _, fraction in year.most_common] == [0.75, 0.25]
    assert found.columns["a"].null_fraction == 0.25
    assert found.columns["b"].null_fraction == 0.75
    assert found.columns["a"].minimum == pa.scalar(1)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_of_every_unit_keep_their_digits(tmp_path: Path, unit: str) -> None:
    values = pa.array([0, 1_700_000_000_123_456_789 // {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[unit]])
    pq.write_table(pa.table({"at": values.cast(pa.timestamp(unit))}), tmp_path / "t.parquet")
    source = FilesSource("lake", str(tmp_path), {})
    kind = table_of(source, "t").columns[0].arrow_type
    assert _only(source).columns["at"].maximum == values.cast(pa.timestamp(unit))[1].cast(kind)


@pytest.mark.parametrize(("name", "text"), [("t.csv", "a,b\n1,x\n2,y\n"), ("t.json", '{"a": 1}\n{"a": 2}\n')])
def test_texts_know_their_size_alone(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    found = _only(FilesSource("lake", str(tmp_path), {}))
    assert (found.rows, found.bytes, dict(found.columns)) == (None, len(text), {})


def test_a_wide_table_looks_at_a_bounded_number_of_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq.write_table(pa.table({f"c{at}": range(200) for at in range(20)}), tmp_path / "t.parquet", row_group_size=1)
    monkeypatch.setattr("connectors.files.statistics._MOST_CHUNKS", 100)
    found = _only(FilesSource("lake", str(tmp_path), {}))
    assert found.rows == 200
    assert (found.columns["c19"].minimum, found.columns["c19"].maximum) == (pa.scalar(0), pa.scalar(199))
    assert found.columns["c19"].distinct is None


def _only(source: DeltaSource | IcebergSource | FilesSource) -> TableStatistics:
    return source.statistics(source.discover().tables[0])


def _iceberg(
    folder: Path, schema: Schema | None = None, partitioned_by: str | None = None
) -> tuple[PyIcebergTable, IcebergSource]:
    properties = {"type": "sql", "uri": f"sqlite:///{folder}/catalog.db", "warehouse": f"file://{folder}/warehouse"}
    catalog = SqlCatalog("lake", **properties)
    catalog.create_namespace("default")
    usual = Schema(NestedField(1, "k", LongType()), NestedField(2, "s", StringType()))
    spec = (
        PartitionSpec(PartitionField(2, 1000, IdentityTransform(), partitioned_by))
        if partitioned_by
        else PartitionSpec()
    )
    return catalog.create_table("default.t", schema or usual, partition_spec=spec), IcebergSource("lake", properties)


def _puffin(snapshot: int, counts: dict[int, str]) -> StatisticsFile:
    blobs = [
        {
            "type": "apache-datasketches-theta-v1",
            "snapshot-id": snapshot,
            "sequence-number": 1,
            "fields": [id_],
            "properties": {"ndv": count},
        }
        for id_, count in counts.items()
    ]
    return StatisticsFile.model_validate(
        {
            "snapshot-id": snapshot,
            "statistics-path": "file:///nowhere.puffin",
            "file-size-in-bytes": 1,
            "file-footer-size-in-bytes": 1,
            "blob-metadata": blobs,
        }
    )
