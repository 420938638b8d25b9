"""The catalogue as bytes, so that a gateway that starts knows the tables last seen before its sources answer."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from catalog.names import TableName
from catalog.tables import Catalog, Column, Constraint, Enumeration, Index, IndexKey, OwnedSequence, Partition, Table

_FORMAT = 8


def pack_catalog(catalog: Catalog) -> bytes:
    """Return a catalogue as bytes; a source's failures are not kept, they are of the moment."""
    document = {
        "format": _FORMAT,
        "version": catalog.version,
        "sources": catalog.sources,
        "schemas": dict(catalog.schemas),
        "broken": [[name.schema, name.name, reason] for name, reason in catalog.broken.items()],
        "tables": [_pack_table(table) for table in catalog.tables.values()],
    }
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 1)


def unpack_catalog(contents: bytes) -> Catalog | None:
    """Return the catalogue that `pack_catalog` has packed, or None where another version of Lakegate did."""
    document = json.loads(zlib.decompress(contents))
    if document["format"] != _FORMAT:
        return None
    tables = [_unpack_table(packed) for packed in document["tables"]]
    return Catalog(
        version=document["version"],
        tables=MappingProxyType({table.name: table for table in tables}),
        schemas=MappingProxyType(document["schemas"]),
        broken=MappingProxyType({TableName(schema, name): reason for schema, name, reason in document["broken"]}),
        sources=tuple(document["sources"]),
    )


def _pack_table(table: Table) -> dict[str, Any]:
    types = pa.schema([pa.field(str(index), column.arrow_type) for index, column in enumerate(table.columns)])
    return {
        "name": [table.name.schema, table.name.name],
        "source": table.source,
        "kind": table.kind,
        "remote": table.remote,
        "columns": [
            [
                *(column.name, column.sql_type, column.nullable, column.comment, column.identity),
                *(_pack_enumeration(column), column.default, column.generated),
                None if column.sequence is None else [*asdict(column.sequence).values()],
            ]
            for column in table.columns
        ],
        "types": b64encode(types.serialize().to_pybytes()).decode("ascii"),
        "comment": table.comment,
        "rows": table.rows,
        "bytes": table.bytes,
        "constraints": [[item.name, item.kind, item.definition, item.comment] for item in table.constraints],
        "indexes": [asdict(one) for one in table.indexes],
        "layout": table.layout,
        "relkind": table.relkind,
        "definition": table.definition,
        "partitioned_by": table.partitioned_by,
        "partition": None if table.partition is None else [*_key(table.partition.of), table.partition.bound],
    }


def _pack_enumeration(column: Column) -> list[Any] | None:
    return None if column.enumeration is None else [column.enumeration.name, column.enumeration.labels]


def _unpack_enumeration(packed: list[Any] | None) -> Enumeration | None:
    return None if packed is None else Enumeration(packed[0], tuple(packed[1]))


def _unpack_column(packed: list[Any], arrow_type: pa.DataType) -> Column:
    name, sql_type, nullable, comment, identity, enumeration, default, generated, sequence = packed
    told = (default, generated, None if sequence is None else OwnedSequence(*sequence))
    return Column(name, sql_type, arrow_type, nullable, comment, identity, _unpack_enumeration(enumeration), *told)


def _key(name: TableName) -> tuple[str, str]:
    return name.schema, name.name


def _unpack_partition(packed: list[str] | None) -> Partition | None:
    return None if packed is None else Partition(TableName(*packed[:2]), packed[2])


def _unpack_index(packed: dict[str, Any]) -> Index:
    keys = tuple(IndexKey(**key) for key in packed["keys"])
    return Index(**{**packed, "keys": keys, "included": tuple(packed["included"])})


def _unpack_table(packed: dict[str, Any]) -> Table:
    types = pa.ipc.read_schema(pa.py_buffer(b64decode(packed["types"]))).types
    return Table(
        name=TableName(*packed["name"]),
        source=packed["source"],
        kind=packed["kind"],
        remote=tuple(packed["remote"]),
        columns=tuple(
            _unpack_column(one, arrow_type) for one, arrow_type in zip(packed["columns"], types, strict=True)
        ),
        comment=packed["comment"],
        rows=packed["rows"],
        bytes=packed["bytes"],
        constraints=tuple(Constraint(*item) for item in packed["constraints"]),
        indexes=tuple(_unpack_index(one) for one in packed["indexes"]),
        layout=packed["layout"],
        relkind=packed["relkind"],
        definition=packed["definition"],
        partitioned_by=packed["partitioned_by"],
        partition=_unpack_partition(packed["partition"]),
    )
