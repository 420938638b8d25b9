"""Columns of an Iceberg table and their names in data files, which are told apart by field id, never by name."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
from cachetools import LRUCache
from pyiceberg.io import FileIO
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.name_mapping import NameMapping, parse_mapping_from_json
from pyiceberg.types import IcebergType, NestedField, UUIDType

_NAME_MAPPING = "schema.name-mapping.default"
_FIELD_ID = b"PARQUET:field_id"

_UUID_BYTES = 16

_footers: LRUCache[str, pa.Schema] = LRUCache(maxsize=50_000)  # data files never change
_footers_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class IcebergColumn:
    """A top-level column. ``type`` is what readers get: a uuid, of which files hold the 16 bytes, as text. ``default``
    is what files from before the column hold in its place.

    ``settled`` says that in every file that has the column it has this name and, nested, this shape, and that nothing
    else ever had the name: then no file need be opened to know.
    """

    name: str
    field_id: int
    type: pa.DataType
    iceberg_type: IcebergType
    leaves: frozenset[int]
    required: bool
    comment: str | None
    default: pa.Scalar
    settled: bool

    @property
    def is_uuid(self) -> bool:
        return isinstance(self.iceberg_type, UUIDType)

    @property
    def stored(self) -> pa.DataType:
        """The type that files hold the column in."""
        return pa.binary(_UUID_BYTES) if self.is_uuid else self.type


def columns_of(metadata: TableMetadata) -> tuple[IcebergColumn, ...]:
    """Return the columns of the table's current schema."""
    schema = metadata.schema()
    arrow = schema_to_pyarrow(schema, include_field_ids=False)
    complete = _history_is_complete(metadata)
    return tuple(
        _column(each, plain_type(arrow.field(at).type), complete and _is_settled(each, metadata.schemas))
        for at, each in enumerate(schema.fields)
    )


def plain_type(arrow: pa.DataType) -> pa.DataType:
    """Return the type with plain layouts: no large types, no extensions, no metadata of nested fields."""
    types = pa.types
    if isinstance(arrow, pa.BaseExtensionType):
        return plain_type(arrow.storage_type)
    if types.is_struct(arrow):
        return pa.struct([pa.field(each.name, plain_type(each.type), each.nullable) for each in arrow])
    if types.is_list(arrow) or types.is_large_list(arrow):
        return pa.list_(pa.field("item", plain_type(arrow.value_type), arrow.value_field.nullable))
    if types.is_map(arrow):
        return pa.map_(plain_type(arrow.key_type), plain_type(arrow.item_type))
    if types.is_large_string(arrow):
        return pa.string()
    return pa.binary() if types.is_large_binary(arrow) else arrow


def uuid_text(value: object) -> object:
    """Return a uuid of the metadata, an object or its 16 bytes, as text; others as they are."""
    if isinstance(value, bytes) and len(value) == _UUID_BYTES:
        value = UUID(bytes=value)
    return str(value) if isinstance(value, UUID) else value


def footer(io: FileIO, location: str) -> pa.Schema:
    """Return the Arrow schema of a Parquet file, with field ids in the fields' metadata; each file is read once."""
    with _footers_lock:
        known = _footers.get(location)
    if known is None:
        with io.new_input(location).open() as stream:
            known = pq.read_schema(stream)
        with _footers_lock:
            _footers[location] = known
    return known


def names_by_id(schema: pa.Schema, metadata: TableMetadata) -> dict[int, pa.Field]:
    """Return a file's columns by field id. Files without ids (imported ones) follow the table's name mapping, or where
    it has none, the names of its schema.
    """
    by_id = {int(id_): each for each in schema if (id_ := (each.metadata or {}).get(_FIELD_ID))}
    if by_id:
        return by_id
    mapping = metadata.properties.get(_NAME_MAPPING)
    ids = _mapped_ids(parse_mapping_from_json(mapping)) if mapping else _ids_by_name(metadata.schema())
    return {ids[each.name]: each for each in schema if each.name in ids}


def shape_matches(column: IcebergColumn, found: pa.Field) -> bool:
    """Say whether fields inside of a nested column have the names in the file that they have in the table."""
    there = dict(_nested_ids(found, ""))
    here = dict(_nested_names(column.iceberg_type, ""))
    ids = {id_: name for name, id_ in there.items() if id_ is not None}
    return all(there.get(name, id_) in (None, id_) and ids.get(id_, name) == name for name, id_ in here.items())


def _column(each: NestedField, arrow: pa.DataType, settled: bool) -> IcebergColumn:
    leaves = frozenset(id_ for _, id_ in _nested_names(each.field_type, "")) | {each.field_id}
    given = each.initial_default
    if isinstance(each.field_type, UUIDType):
        arrow, given = pa.string(), uuid_text(given)
    default = pa.scalar(None, arrow) if given is None else pa.scalar(given).cast(arrow)
    return IcebergColumn(
        each.name, each.field_id, arrow, each.field_type, leaves, each.required, each.doc or None, default, settled
    )


def _history_is_complete(metadata: TableMetadata) -> bool:
    """Say whether the metadata still lists every schema that files may have been written with."""
    ids = sorted(schema.schema_id for schema in metadata.schemas)
    known = {snapshot.schema_id for snapshot in metadata.snapshots}
    return metadata.format_version > 1 and ids == list(range(len(ids))) and None not in known


def _is_settled(column: NestedField, schemas: list[Schema]) -> bool:
    for schema in schemas:
        for each in schema.fields:
            same = each.field_id == column.field_id
            if same != (each.name == column.name):
                return False
            if same and not column.field_type.is_primitive and each.field_type != column.field_type:
                return False
    return True


def _mapped_ids(mapping: NameMapping) -> dict[str, int]:
    return {name: each.field_id for each in mapping.root for name in each.names if each.field_id is not None}


def _ids_by_name(schema: Schema) -> dict[str, int]:
    return {each.name: each.field_id for each in schema.fields}


def _nested_names(iceberg_type: IcebergType, path: str) -> Iterator[tuple[str, int]]:
    for each in getattr(iceberg_type, "fields", ()):
        yield f"{path}/{each.name}", each.field_id
        yield from _nested_names(each.field_type, f"{path}/{each.name}")


def _nested_ids(found: pa.Field, path: str) -> Iterator[tuple[str, int | None]]:
    """Yield nested fields of a file as `_nested_names` does those of the table (list elements: ``element``)."""
    types, arrow = pa.types, found.type
    children: list[tuple[str, pa.Field]] = []
    if types.is_struct(arrow):
        children = [(each.name, each) for each in arrow]
    elif types.is_list(arrow) or types.is_large_list(arrow):
        children = [("element", arrow.value_field)]
    elif types.is_map(arrow):
        children = [("key", arrow.key_field), ("value", arrow.item_field)]
    for name, child in children:
        id_ = (child.metadata or {}).get(_FIELD_ID)
        yield f"{path}/{name}", int(id_) if id_ else None
        yield from _nested_ids(child, f"{path}/{name}")
