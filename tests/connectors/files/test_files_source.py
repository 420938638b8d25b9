"""Files as tables: names, schemas, folders, and what is no table."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.scans import Constant
from catalog.sqlstate import SqlState
from connectors.files.listing import table_name
from connectors.files.schemas import CsvOptions
from connectors.files.source import FilesSource
from gateway.execute.errors import sql_error
from tests.connectors.streaming import failure_of, read, table_of
from tests.execute.reading import compare, files_of, new_context, pinned, rows, scanned

SIMPLE = pa.table({"i": pa.array([1, None], pa.int64()), "s": ["é", None]})


def of(location: Path, csv: CsvOptions | None = None) -> FilesSource:
    return FilesSource("files", str(location), {}, csv)


def content(location: Path, name: str) -> list[dict[str, Any]]:
    source = of(location)
    table = table_of(source, name)
    found = read(source, table)
    assert found.schema.types == [column.arrow_type for column in table.columns]
    listed: list[dict[str, Any]] = found.to_pylist()
    return listed


def types(location: Path, name: str) -> dict[str, str]:
    return {column.name: column.sql_type for column in table_of(of(location), name).columns}


def write_avro(path: Path) -> None:
    polars.from_arrow(SIMPLE).write_avro(path)  # type: ignore[union-attr]


def write_arrow_file(path: Path) -> None:
    with pa.ipc.new_file(path, SIMPLE.schema) as writer:
        writer.write_table(SIMPLE)


def write_arrow_stream(path: Path) -> None:
    with pa.ipc.new_stream(path, SIMPLE.schema) as writer:
        writer.write_table(SIMPLE)


CSV, NDJSON = "i,s\n1,é\n,\n", '{"i": 1, "s": "é"}\n{"i": null}\n'


@pytest.mark.parametrize(
    ("file", "write"),
    [
        ("t.parquet", lambda path: pq.write_table(SIMPLE, path)),
        ("t.csv", lambda path: path.write_text(CSV)),
        ("T.CSV", lambda path: path.write_text(CSV)),
        ("t.tsv", lambda path: path.write_text(CSV.replace(",", "\t"))),
        ("t.csv.gz", lambda path: path.write_bytes(gzip.compress(CSV.encode()))),
        ("t.json", lambda path: path.write_text(NDJSON)),
        ("t.ndjson", lambda path: path.write_text(NDJSON)),
        ("t.jsonl", lambda path: path.write_text(NDJSON)),
        ("t.ndjson.gz", lambda path: path.write_bytes(gzip.compress(NDJSON.encode()))),
        ("t.avro", write_avro),
        ("t.arrow", write_arrow_file),
        ("t.ipc", write_arrow_stream),
        ("t.feather", lambda path: pyarrow.feather.write_feather(SIMPLE, path)),
    ],
)
def test_a_file_of_each_format_is_a_table(tmp_path: Path, file: str, write: Callable[[Path], None]) -> None:
    write(tmp_path / file)
    assert content(tmp_path, "t") == SIMPLE.to_pylist()
    assert types(tmp_path, "t") == {"i": "bigint", "s": "text"}


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("Sales 2024 (final).csv.gz", "sales_2024_final"),
        ("2024.parquet", "_2024"),
        ("Über.csv", "ber"),
        ("a.b.csv", "a_b"),
        ("ordner", "ordner"),
        ("日本.csv", "_"),
    ],
)
def test_names_are_plain_in_sql(entry: str, name: str) -> None:
    assert table_name(entry) == name


# CSV


def test_csv_types_lose_nothing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "n,zip,big,f,b,d,nod,ts,tz,e,q\n"
        "1,00701,12345678901234567890,1.5,true,2024-02-29,2024-02-30,1969-12-31 23:59:59.5,"
        '2024-01-01T00:00:00+02:00,,"a\nb"\n'
        '-5,10001,1,1e3,FALSE,1899-01-01,x,2024-01-01T00:00:00,2024-01-01 00:00:00Z,,"say ""hi"""\n'
    )
    assert types(tmp_path, "t") == {
        "n": "bigint",
        "zip": "text",
        "big": "text",
        "f": "double precision",
        "b": "boolean",
        "d": "date",
        "nod": "text",
        "ts": "timestamp without time zone",
        "tz": "timestamp with time zone",
        "e": "text",
        "q": "text",
    }
    first, second = content(tmp_path, "t")
    assert (first["zip"], first["big"], first["q"], first["e"]) == ("00701", "12345678901234567890", "a\nb", None)
    assert (first["d"], first["nod"]) == (date(2024, 2, 29), "2024-02-30")
    assert first["ts"] == datetime(1969, 12, 31, 23, 59, 59, 500_000)
    assert first["tz"] == datetime(2023, 12, 31, 22, tzinfo=UTC)
    assert (second["f"], second["b"], second["q"]) == (1000.0, False, 'say "hi"')


def test_a_csv_value_behind_the_sample_that_does_not_fit_is_an_error_and_not_null(tmp_path: Path) -> None:
    lines = ["i,s\n", *(f"{number},{'x' * 50}\n" for number in range(100_000)), "oops,x\n"]
    (tmp_path / "t.csv").write_text("".join(lines))
    assert types(tmp_path, "t")["i"] == "bigint"
    with pytest.raises(Exception, match="oops") as raised:
        rows(new_context(), scanned(of(tmp_path), "t"), "SELECT sum(i) FROM {t}")
    known = sql_error(raised.value, lambda _text: None)
    assert known is not None and known.sqlstate == SqlState.INVALID_TEXT_REPRESENTATION


def test_csv_rows_of_another_length_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3\n")
    with pytest.raises(Exception, match="incorrect number of fields"):
        content(tmp_path, "t")


def test_csv_without_header_and_with_another_delimiter(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("1;x\n2;y\n")
    source = of(tmp_path, CsvOptions(header=False, delimiter=";"))
    assert read(source, table_of(source, "t")).to_pylist() == [
        {"column_1": 1, "column_2": "x"},
        {"column_1": 2, "column_2": "y"},
    ]


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbfa,b\r\n1,2\r\n")
    assert content(tmp_path, "t") == [{"a": 1, "b": 2}]


def test_csv_files_of_a_folder_go_by_their_headers(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "1.csv").write_text("a,b\n1,007\n")
    (tmp_path / "t" / "2.csv").write_text("b,c,a\nx,true,2.5\n")
    assert sorted(content(tmp_path, "t"), key=lambda row: row["a"]) == [
        {"a": 1.0, "b": "007", "c": None},
        {"a": 2.5, "b": "x", "c": True},
    ]


# NDJSON


def test_json_types_are_those_of_the_whole_file(tmp_path: Path) -> None:
    filler = "".join(f'{{"i": {number}, "pad": "{"x" * 200}"}}\n' for number in range(100_000))
    (tmp_path / "t.json").write_text(filler + '{"i": 1.5, "late": {"k": [1, 2]}}\n')
    assert types(tmp_path, "t") == {"i": "double precision", "pad": "text", "late": "jsonb"}
    found = rows(new_context(), scanned(of(tmp_path), "t"), "SELECT i, late FROM {t} WHERE late IS NOT NULL")
    assert found.to_pylist() == [{"i": 1.5, "late": {"k": [1, 2]}}]


def test_json_strings_stay_strings(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text('{"d": "2024-01-01T00:00:00Z", "n": null, "a": ["2024-01-01"]}\n')
    assert content(tmp_path, "t") == [{"d": "2024-01-01T00:00:00Z", "n": None, "a": ["2024-01-01"]}]


@pytest.mark.parametrize("text", ['{"a": 1}\n{"a": "x"}\n', '{"a": {"b": 1}}\n{"a": [1]}\n', "[1, 2]\n", "nonsense\n"])
def test_json_that_is_no_table_is_broken(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.json").write_text(text)
    found = of(tmp_path).discover()
    assert found.tables == () and 't.json" cannot be read' in found.broken[TableName("files", "t")]


# Folders


def test_folders_give_partition_columns(tmp_path: Path) -> None:
    for year, region, values in (
        ("2023", "a%2Fb", [1]),
        ("2024", "a%2Fb", [2, 3]),
        ("2024", "__HIVE_DEFAULT_PARTITION__", [4]),
    ):
        folder = tmp_path / "sales" / f"year={year}" / f"region={region}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"v": values}), folder / "part-0.parquet")
    (tmp_path / "sales" / "_SUCCESS").touch()
    assert sorted(content(tmp_path, "sales"), key=lambda row: row["v"]) == [
        {"v": 1, "year": 2023, "region": "a/b"},
        {"v": 2, "year": 2024, "region": "a/b"},
        {"v": 3, "year": 2024, "region": "a/b"},
        {"v": 4, "year": 2024, "region": None},
    ]
    (table,) = FilesSource("files", str(tmp_path), {}).discover().tables
    assert table.description == "Partitioned by year, region"


def test_partitions_that_cannot_match_are_left_out(tmp_path: Path) -> None:
    for day in ("2024-01-01", "2024-01-02", "2024-01-03"):
        (tmp_path / "t" / f"day={day}").mkdir(parents=True)
        pq.write_table(pa.table({"v": [1]}), tmp_path / "t" / f"day={day}" / "x.parquet")
    source = of(tmp_path)
    whole = scanned(source, "t")
    last = scanned(source, "t", compare("day", ">=", date(2024, 1, 2), type=pa.date32()))
    none = scanned(source, "t", compare("day", "is_null"))
    assert (len(files_of(whole)), len(files_of(last)), len(files_of(none))) == (3, 2, 0)
    assert last.files_known == 3
    assert len({whole.key, last.key, none.key}) == 3
    assert rows(new_context(), none).num_rows == 0


def test_files_of_a_folder_may_differ_where_nothing_is_lost(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    pq.write_table(pa.table({"a": pa.array([1], pa.int32()), "b": ["x"]}), tmp_path / "t" / "1.parquet")
    second = pa.table({"c": pa.array(["y"]).dictionary_encode(), "a": pa.array([2**40], pa.int64())})
    pq.write_table(second, tmp_path / "t" / "2.parquet")
    assert types(tmp_path, "t") == {"a": "bigint", "b": "text", "c": "text"}
    assert sorted(content(tmp_path, "t"), key=lambda row: row["a"]) == [
        {"a": 1, "b": "x", "c": None},
        {"a": 2**40, "b": None, "c": "y"},
    ]


def test_what_is_no_table_is_broken_with_its_reason_and_the_others_work(tmp_path: Path) -> None:
    pq.write_table(SIMPLE, tmp_path / "good.parquet")
    (tmp_path / "bad.parquet").write_text("nonsense")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "good.parquet").read_bytes()[:-20])
    (tmp_path / "bad.avro").write_text("nonsense")
    (tmp_path / "twice.csv").write_text("a,a\n1,2\n")
    (tmp_path / "same.csv").write_text("a\n1\n")
    (tmp_path / "same.json").write_text('{"a": 1}\n')
    for folder, files in {
        "mixed": {"a.csv": "a\n1\n", "b.json": "{}\n"},
        "lake/_delta_log": {"0.json": "{}\n"},
        "types": {"a.csv": "a\n1\n"},
    }.items():
        (tmp_path / folder).mkdir(parents=True)
        for name, text in files.items():
            (tmp_path / folder / name).write_text(text)
    pq.write_table(SIMPLE, tmp_path / "lake" / "x.parquet")
    (tmp_path / "types" / "a.csv").unlink()
    pq.write_table(pa.table({"a": [1]}), tmp_path / "types" / "1.parquet")
    pq.write_table(pa.table({"a": ["x"]}), tmp_path / "types" / "2.parquet")
    (tmp_path / "README.md").write_text("not a table")
    (tmp_path / "empty").mkdir()
    (tmp_path / "zero.csv").touch()
    found = of(tmp_path).discover()
    assert [str(table.name) for table in found.tables] == ["files.good"]
    reasons = {name.name: reason for name, reason in found.broken.items()}
    assert set(reasons) == {"bad", "cut", "twice", "same", "mixed", "lake", "types"}
    assert reasons["cut"] == 'file "cut.parquet" cannot be read: it is no valid parquet file'
    assert reasons["bad"] == "several files have this name: bad.avro, bad.parquet"
    assert 'column "a" occurs twice' in reasons["twice"]
    assert reasons["mixed"] == 'the files of "mixed" have several formats: csv, json'
    assert 'kind "delta"' in reasons["lake"]
    assert reasons["types"] == 'column "a" is int64 in one file and string in another: "1.parquet" and "2.parquet"'


# Versions


def test_a_version_names_exactly_the_files(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    pq.write_table(pa.table({"a": [1]}), tmp_path / "t" / "1.parquet")
    source = of(tmp_path)
    first, again = pinned(source, "t"), pinned(source, "t")
    pq.write_table(pa.table({"a": [2], "b": ["new"]}), tmp_path / "t" / "2.parquet")
    second = source.pin(first.table)
    assert first.version == again.version != second.version
    assert (first.rows, second.rows) == (1, 2)
    assert [column.name for column in second.table.columns] == ["a", "b"]
    old = source.scan(first, ("a",), ())
    assert rows(new_context(), old).to_pylist() == [{"a": 1}]
    os.utime(tmp_path / "t" / "1.parquet", ns=(1, 1))
    assert source.pin(first.table).version != second.version


def test_a_table_whose_files_are_gone_says_so(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")
    source = of(tmp_path)
    table = table_of(source, "t")
    (tmp_path / "t.csv").unlink()
    assert failure_of(lambda: source.pin(table)).sqlstate == SqlState.UNDEFINED_FILE


def test_schemas_are_read_again_only_for_files_that_changed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("x\n1\n")
    source = of(tmp_path)
    before = {table.name.name: table for table in source.discover().tables}
    stamp = (tmp_path / "a.csv").stat().st_mtime_ns
    (tmp_path / "a.csv").write_text("y\n1\n")
    os.utime(tmp_path / "a.csv", ns=(stamp, stamp))  # same path, size and time: held to be the same file
    (tmp_path / "b.csv").write_text("yy\n1\n")
    after = {table.name.name: table for table in source.discover().tables}
    assert after["a"] == before["a"]
    assert [column.name for column in after["b"].columns] == ["yy"]


def test_constants_have_the_tables_types(tmp_path: Path) -> None:
    (tmp_path / "t" / "n=07").mkdir(parents=True)
    (tmp_path / "t" / "n=07" / "x.csv").write_text("a\n1\n")
    group = scanned(of(tmp_path), "t").groups[0]
    assert group.columns[1] == Constant(pa.scalar("07"))


@pytest.mark.parametrize("delimiter", ["", ";;", "é"])
def test_a_delimiter_of_several_bytes_is_refused(tmp_path: Path, delimiter: str) -> None:
    with pytest.raises(SqlError, match="delimiter"):
        of(tmp_path, CsvOptions(delimiter=delimiter))
