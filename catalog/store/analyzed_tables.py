"""What ANALYZE has found of tables' rows, in the metadata store."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from catalog.analyzed import Analyzed
from catalog.names import TableName
from catalog.statistics import ColumnStatistics, TableStatistics
from catalog.store.schema import analyzed_tables

_DOCUMENT = b"lakegate"


class AnalyzedTables:
    """Statistics by table. Safe to use from several threads; every method blocks."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def save(self, database: str, table: TableName, analyzed: Analyzed) -> None:
        """Keep what was found of a table in place of what was found before; ``database`` is what clients see."""
        values = {"version": analyzed.version, "at": analyzed.at, "statistics": pack_statistics(analyzed.statistics)}
        key = {"catalog": database, "schema_name": table.schema, "table_name": table.name}
        statement = insert(analyzed_tables).values(**key, **values)
        with self._engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=[*key], set_=values))

    def load(self, database: str, since: datetime | None = None) -> Mapping[TableName, Analyzed]:
        """Return what was found of all tables, or of those that were analyzed later than ``since``."""
        columns = analyzed_tables.c
        later = sa.true() if since is None else columns.at > since
        query = sa.select(analyzed_tables).where(columns.catalog == database, later)
        with self._engine.connect() as connection:
            return {
                TableName(row.schema_name, row.table_name): Analyzed(
                    row.version, row.at, unpack_statistics(row.statistics)
                )
                for row in connection.execute(query)
            }

    def keep_only(self, database: str, tables: Collection[TableName]) -> None:
        """Forget tables that are gone."""
        kept = {(name.schema, name.name) for name in tables}
        columns = analyzed_tables.c
        query = sa.select(columns.schema_name, columns.table_name).where(columns.catalog == database)
        with self._engine.begin() as connection:
            for schema, name in [tuple(row) for row in connection.execute(query)]:
                if (schema, name) not in kept:
                    is_it = (columns.catalog == database, columns.schema_name == schema, columns.table_name == name)
                    connection.execute(analyzed_tables.delete().where(*is_it))


def pack_statistics(statistics: TableStatistics) -> bytes:
    """Return statistics as an Arrow stream of one row: values in their columns' types, numbers in its metadata."""
    combined = [[sorted(names), count] for names, count in statistics.combined.items()]
    document: dict[str, Any] = {"rows": statistics.rows, "columns": {}, "combined": combined}
    fields: list[pa.Field] = []
    arrays: list[pa.Array] = []
    for place, (name, column) in enumerate(statistics.columns.items()):
        common = [value for value, _ in column.most_common]
        document["columns"][name] = {
            "distinct": column.distinct,
            "null_fraction": column.null_fraction,
            "width": column.width,
            "fractions": [fraction for _, fraction in column.most_common],
        }
        lists = {"ends": [column.minimum, column.maximum], "bounds": [*column.histogram], "common": common}
        kind = next((value.type for values in lists.values() for value in values if value is not None), pa.null())
        for what, values in lists.items():
            listed = pa.array([None if value is None else value.as_py() for value in values], kind)
            arrays.append(pa.ListArray.from_arrays(pa.array([0, len(listed)], pa.int32()), listed))
            fields.append(pa.field(f"{place} {what}", arrays[-1].type))
    schema = pa.schema(fields, {_DOCUMENT: json.dumps(document).encode()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as stream:
        stream.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return bytes(sink.getvalue().to_pybytes())


def unpack_statistics(contents: bytes) -> TableStatistics:
    """Return what `pack_statistics` has packed."""
    table = pa.ipc.open_stream(contents).read_all()
    document = json.loads(table.schema.metadata[_DOCUMENT])
    columns = {
        name: _unpack_column(packed, [table[f"{place} {what}"][0].values for what in ("ends", "bounds", "common")])
        for place, (name, packed) in enumerate(document["columns"].items())
    }
    combined = {frozenset(names): count for names, count in document.get("combined", ())}  # older ones have none
    return TableStatistics(
        rows=document["rows"], columns=MappingProxyType(columns), combined=MappingProxyType(combined)
    )


def _unpack_column(packed: Mapping[str, Any], lists: list[pa.Array]) -> ColumnStatistics:
    ends, bounds, common = lists
    minimum, maximum = (end if end.is_valid else None for end in ends)
    return ColumnStatistics(
        distinct=packed["distinct"],
        null_fraction=packed["null_fraction"],
        minimum=minimum,
        maximum=maximum,
        histogram=tuple(bounds),
        most_common=tuple(zip(common, packed["fractions"], strict=True)),
        width=packed["width"],
    )
