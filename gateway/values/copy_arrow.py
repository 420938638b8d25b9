"""Rows of COPY as Arrow and Parquet: the columns that a statement declares, in the Arrow types of their types.

An Arrow stream's batches are messages of their own, so several threads may make them. A Parquet file is written from
its beginning to its end: a `ParquetFile` belongs to one caller at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from catalog.types import is_list
from gateway.values.coercions import is_text
from gateway.values.encodings import is_encoded
from gateway.values.fields import LENGTH_BYTES, binary_of_field
from gateway.values.registry import (
    BOOL,
    BYTEA,
    DATE,
    FLOAT4,
    FLOAT8,
    INT2,
    INT4,
    INT8,
    INTERVAL,
    JSONB,
    NUMERIC,
    OID_TYPES,
    TEXT_TYPES,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    numeric_scale,
)
from gateway.values.rows import COPY_DATA
from gateway.values.scalars import FAMILIES
from gateway.values.settings import OutputColumn
from gateway.values.strings import uuid_text

END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"
_MOST = 1 << 26  # bytes of one message
_GROUP_ROWS, _GROUP_BYTES = 1 << 17, 1 << 26  # of a row group, which is held until it is full
_WIDEST = 38  # digits of decimal128
_TYPES: dict[int, pa.DataType] = {
    BOOL: pa.bool_(),
    INT2: pa.int16(),
    INT4: pa.int32(),
    INT8: pa.int64(),
    FLOAT4: pa.float32(),
    FLOAT8: pa.float64(),
    BYTEA: pa.binary(),
    DATE: pa.date32(),
    TIME: pa.time64("us"),
    TIMESTAMP: pa.timestamp("us"),
    TIMESTAMPTZ: pa.timestamp("us", "UTC"),
    INTERVAL: pa.month_day_nano_interval(),
    **dict.fromkeys(OID_TYPES, pa.uint32()),
    **dict.fromkeys((*TEXT_TYPES, JSONB, UUID), pa.string()),
}


@dataclass(frozen=True, slots=True)
class ArrowEncoder:
    """Encodes batches of one schema as messages of an Arrow stream. Safe to use from several threads."""

    schema: pa.Schema
    columns: tuple[OutputColumn, ...]
    target: pa.Schema

    def fits(self, schema: pa.Schema) -> bool:
        """Whether batches of ``schema`` have the types that this was made for."""
        return bool(schema.equals(self.schema)) or schema.types == self.schema.types

    def encode(self, batch: pa.RecordBatch) -> list[memoryview]:
        """Return the batch's message in CopyData messages. Raises SqlError where a value does not fit its type."""
        return framed(self.converted(batch).serialize()) if batch.num_rows else []

    def converted(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch in the types that the statement declares."""
        pairs = zip(batch.columns, self.columns, self.target.types, strict=True)
        return pa.RecordBatch.from_arrays([_converted(*each) for each in pairs], schema=self.target)


def prepare_arrow(
    schema: pa.Schema, names: Sequence[str], columns: Sequence[OutputColumn], target: pa.Schema | None = None
) -> ArrowEncoder:
    """Return the encoder of batches of ``schema``. ``target``: the schema that the client was told, if it was."""
    if target is None:
        pairs = zip(names, schema.types, columns, strict=True)
        target = pa.schema([pa.field(name, _target(arrow, column)) for name, arrow, column in pairs])
    return ArrowEncoder(schema, tuple(columns), target)


class ParquetFile:
    """A Parquet file in the making; what is ready of it is taken in pieces. Blocks: call it in a thread."""

    def __init__(self, encoder: ArrowEncoder) -> None:
        self._encoder = encoder
        self._held: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0
        self._sink = _Sink()
        try:
            self._writer = pq.ParquetWriter(self._sink, encoder.target)
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
            raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f"the rows cannot be written as Parquet: {error}") from None

    def write(self, batch: pa.RecordBatch) -> list[memoryview]:
        """Take a batch and return the CopyData messages of what is ready."""
        if not self._encoder.fits(batch.schema):
            encoder = self._encoder
            self._encoder = prepare_arrow(batch.schema, encoder.target.names, encoder.columns, encoder.target)
        converted = self._encoder.converted(batch)
        self._held.append(converted)
        self._rows += converted.num_rows
        self._bytes += converted.nbytes
        if self._rows >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._write_group()
        return self._sink.take()

    def close(self) -> list[memoryview]:
        """Return the CopyData messages of the rest."""
        self._write_group()
        self._writer.close()
        return self._sink.take()

    def _write_group(self) -> None:
        held, self._held, self._rows, self._bytes = self._held, [], 0, 0
        if held:
            table = pa.Table.from_batches(held)
            try:
                self._writer.write_table(table, row_group_size=table.num_rows)
            except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
                message = f"the rows cannot be written as Parquet: {error}"
                raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, message) from None


class _Sink:
    """Where a file's bytes wait to be taken; as much of a file as a writer needs."""

    closed = False

    def __init__(self) -> None:
        self._data = bytearray()
        self._taken = 0

    def write(self, data: bytes) -> int:
        """Append bytes."""
        self._data += data
        return len(data)

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._taken + len(self._data)

    def flush(self) -> None:
        """Do nothing: bytes wait to be taken."""

    def close(self) -> None:
        """Do nothing: the rest waits to be taken."""

    def take(self) -> list[memoryview]:
        """Return what was written since the last time in CopyData messages."""
        data, self._data = self._data, bytearray()
        self._taken += len(data)
        return framed(data)


def framed(data: pa.Buffer | bytes | bytearray) -> list[memoryview]:
    """Return bytes in CopyData messages."""
    whole = memoryview(data).cast("B")
    found: list[memoryview] = []
    for start in range(0, len(whole), _MOST):
        piece = whole[start : start + _MOST]
        header = bytes((COPY_DATA,)) + (len(piece) + LENGTH_BYTES).to_bytes(LENGTH_BYTES, "big")
        found += [memoryview(header), piece]
    return found


def _target(arrow: pa.DataType, column: OutputColumn) -> pa.DataType:
    plain = _plain(arrow)
    if pa.types.is_nested(plain):
        return plain
    scale = numeric_scale(column.typmod)
    if column.oid == NUMERIC and scale is not None:
        precision = max((column.typmod - LENGTH_BYTES) >> 16 & 0xFFFF, scale)
        return pa.decimal128(precision, scale) if precision <= _WIDEST else pa.decimal256(precision, scale)
    return _TYPES.get(column.oid, plain)


def _plain(arrow: pa.DataType) -> pa.DataType:
    """Return a type in the layout that every reader of Arrow knows."""
    if isinstance(arrow, pa.BaseExtensionType):
        return _plain(arrow.storage_type)
    if is_encoded(arrow):
        return _plain(arrow.value_type)
    if is_list(arrow):
        return pa.list_(_plain(arrow.value_type))
    if pa.types.is_struct(arrow):
        return pa.struct([pa.field(one.name, _plain(one.type), one.nullable) for one in arrow])
    if is_text(arrow):
        return pa.string()
    is_bytes = pa.types.is_large_binary(arrow) or pa.types.is_binary_view(arrow)
    return pa.binary() if is_bytes else arrow


def _converted(values: pa.Array, column: OutputColumn, target: pa.DataType) -> pa.Array:
    if isinstance(values.type, pa.BaseExtensionType):
        values = values.storage
    if is_encoded(values.type):
        values = values.cast(values.type.value_type)
    if values.type == target:
        return values
    if column.oid == UUID:
        return binary_of_field(uuid_text(values)).cast(target)
    family = FAMILIES.get(column.oid)
    if family is not None and not pa.types.is_nested(target) and not is_text(values.type):
        coerce = family.coerce(values.type, column)
        values = values if coerce is None else coerce(values)
    try:
        return values.cast(target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        message = f"cannot write a column of type {values.type} as {target}"
        raise SqlError(SqlState.CANNOT_COERCE, message) from None
