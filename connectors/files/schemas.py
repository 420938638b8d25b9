"""The schema of one file: from its footer or header where there is one, from its values where there is none."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq
from datafusion import SessionContext
from pyarrow import fs

from connectors.files.listing import DataFile
from connectors.files.text_types import text_type

CSV_SAMPLE_BYTES = 4 << 20
_JSON_CHUNK_BYTES = 16 << 20
_AVRO_HEADER_BYTES = 1 << 20
_UTF8_BOM = b"\xef\xbb\xbf"


class UnreadableFileError(Exception):
    """A file that is not what its name says, or whose shape no table can have; the text says why."""


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """How CSV files are written. ``delimiter`` is one character; files called ``.tsv`` have tabs anyway."""

    header: bool = True
    delimiter: str = ","

    def delimiter_of(self, file: DataFile) -> str:
        """Return what separates the values of a file."""
        return "\t" if file.tabs else self.delimiter


@dataclass(frozen=True, slots=True)
class FileShape:
    """A file's schema with the types the engine delivers, and its rows where the format tells. The types of CSV columns
    are what its first megabytes allow.
    """

    schema: pa.Schema
    rows: int | None = None


def file_shape(store: fs.FileSystem, file: DataFile, csv: CsvOptions) -> FileShape:
    """Read a file's schema. Raises UnreadableFileError, and OSError where the file cannot be opened."""
    try:
        shape = _read(store, file, csv)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError) as failure:
        raise UnreadableFileError(f"it is no valid {file.format} file") from failure
    names = shape.schema.names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnreadableFileError(f'column "{twice[0]}" occurs twice in it')
    return shape


def _read(store: fs.FileSystem, file: DataFile, csv: CsvOptions) -> FileShape:
    if file.format == "parquet":
        with store.open_input_file(file.path) as opened:
            parquet = pq.ParquetFile(opened)
            return FileShape(_delivered(parquet.schema_arrow), parquet.metadata.num_rows)
    if file.format == "arrow":
        return FileShape(_delivered(_ipc_schema(store, file.path)))
    if file.format == "avro":
        return FileShape(_delivered(_avro_schema(store, file.path)))
    if file.format == "json":
        return FileShape(_json_schema(store, file))
    return FileShape(_csv_schema(store, file, csv))


def _ipc_schema(store: fs.FileSystem, path: str) -> pa.Schema:
    with store.open_input_file(path) as opened:
        try:
            return pa.ipc.open_file(opened).schema
        except pa.ArrowInvalid:
            opened.seek(0)
            return pa.ipc.open_stream(opened).schema


def _avro_schema(store: fs.FileSystem, path: str) -> pa.Schema:
    """Let the engine translate the schema: it will read the file. The header of a copy is all it needs."""
    with store.open_input_stream(path) as opened, tempfile.NamedTemporaryFile(suffix=".avro") as copy:
        copy.write(opened.read(_AVRO_HEADER_BYTES))
        copy.flush()
        try:
            return SessionContext().read_avro(copy.name).schema()
        except Exception as failure:  # DataFusion raises nothing more exact
            raise UnreadableFileError("it is no valid avro file") from failure


# NDJSON. The whole file is looked through: the engine would cut 1.5 to 1 in a column declared as integer, and leave
# out a key that no sample showed.


def _json_schema(store: fs.FileSystem, file: DataFile) -> pa.Schema:
    schemas = []
    options = pa.json.ReadOptions(block_size=2 * _JSON_CHUNK_BYTES)
    for chunk in _whole_lines(store, file, _JSON_CHUNK_BYTES):
        options.block_size = max(len(chunk), 1 << 20)
        schemas.append(pa.json.read_json(io.BytesIO(chunk), read_options=options).schema)
    try:
        united = pa.unify_schemas(schemas, promote_options="permissive") if schemas else pa.schema([])
    except pa.ArrowTypeError:
        raise UnreadableFileError("a key has values of different types in it") from None
    return pa.schema([pa.field(field.name, _json_type(field.type)) for field in united])


def _whole_lines(store: fs.FileSystem, file: DataFile, size: int) -> Iterator[bytes]:
    """Yield the file in pieces of about ``size`` bytes that end with a line."""
    rest = b""
    with store.open_input_stream(file.path, compression=file.compression) as opened:
        while read := opened.read(size):
            lines, newline, tail = (rest + read).rpartition(b"\n")
            if lines.strip():
                yield lines + newline
            rest = tail if newline else rest + read
    if rest.strip():
        yield rest


def _json_type(arrow: pa.DataType) -> pa.DataType:
    """Return a type that JSON has: what Arrow took for a timestamp was a string, and NULL alone is read as one."""
    if pa.types.is_timestamp(arrow) or pa.types.is_null(arrow) or pa.types.is_date(arrow) or pa.types.is_time(arrow):
        return pa.string()
    if pa.types.is_list(arrow):
        return pa.list_(_json_type(arrow.value_type))
    if pa.types.is_struct(arrow):
        return pa.struct([pa.field(field.name, _json_type(field.type)) for field in arrow])
    return arrow


# CSV. A sample is enough: a later value that does not fit its column's type ends the statement with an error.


def _csv_schema(store: fs.FileSystem, file: DataFile, csv: CsvOptions) -> pa.Schema:
    with store.open_input_stream(file.path, compression=file.compression) as opened:
        sample = opened.read(CSV_SAMPLE_BYTES)
    sample = sample.removeprefix(_UTF8_BOM)
    if len(sample) >= CSV_SAMPLE_BYTES:
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    texts = _csv_texts(sample, csv.delimiter_of(file), csv.header)
    return pa.schema([pa.field(name, text_type(texts.column(at))) for at, name in enumerate(texts.schema.names)])


def _csv_texts(sample: bytes, delimiter: str, header: bool) -> pa.Table:
    """Return the sample as text columns. Rows of a wrong length are the engine's to complain about."""
    parse = pa.csv.ParseOptions(
        delimiter=delimiter, newlines_in_values=True, invalid_row_handler=lambda _: "skip", ignore_empty_lines=True
    )
    read = pa.csv.ReadOptions(autogenerate_column_names=not header, block_size=len(sample) + 1)
    first = pa.csv.read_csv(io.BytesIO(sample), read, parse)
    names = [name.strip() or f"column_{at}" for at, name in enumerate(first.schema.names, 1)]
    if not header:
        names = [f"column_{at}" for at in range(1, len(names) + 1)]
    read = pa.csv.ReadOptions(column_names=names, skip_rows=int(header), block_size=len(sample) + 1)
    convert = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, quoted_strings_can_be_null=False
    )
    return pa.csv.read_csv(io.BytesIO(sample), read, parse, convert)


def _delivered(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(field.name, field.type, field.nullable) for field in schema])


def column_type(arrow: pa.DataType) -> pa.DataType:
    """Return the type a column has for the engine: without layouts that only files have."""
    types = pa.types
    if isinstance(arrow, pa.BaseExtensionType):
        return column_type(arrow.storage_type)
    if types.is_dictionary(arrow) or types.is_run_end_encoded(arrow):
        return column_type(arrow.value_type)
    if types.is_large_string(arrow) or types.is_string_view(arrow) or types.is_null(arrow):
        return pa.string()
    if types.is_large_binary(arrow) or types.is_binary_view(arrow):
        return pa.binary()
    if types.is_float16(arrow):
        return pa.float32()
    if types.is_decimal32(arrow) or types.is_decimal64(arrow):
        return pa.decimal128(arrow.precision, arrow.scale)
    return arrow
