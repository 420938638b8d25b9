"""Deleted rows of Iceberg: position delete files, deletion vectors, equality delete files."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from cachetools import LRUCache
from pyiceberg.io import FileIO
from pyiceberg.table.metadata import TableMetadata
from pyroaring import BitMap64

from catalog.errors import SqlError
from catalog.scans import EqualityDelete
from catalog.sqlstate import SqlState
from connectors.iceberg.manifests import LiveFile
from connectors.iceberg.table_fields import footer, names_by_id
from connectors.object_stores import plain_location

_FILE_PATH = 2147483546  # field id of a position delete's file_path
_VECTOR_FRAME = 8  # bytes before a vector's bitmap (length and magic); four of a checksum follow it
_SCHEMA = pa.schema([("file", pa.dictionary(pa.int32(), pa.string())), ("position", pa.int64())])
_MOST_KEPT = 8_000_000  # positions of delete files kept in memory

_positions: LRUCache[tuple[str, int | None], pa.Table] = LRUCache(
    maxsize=_MOST_KEPT, getsizeof=lambda table: max(1, table.num_rows)
)
_positions_lock = threading.Lock()


def deleted_positions(io: FileIO, deletes: Sequence[LiveFile], data: Sequence[LiveFile]) -> pa.Table | None:
    """Return the deleted rows of the data files (``file`` as a plain location, ``position``), None for none. A delete
    file is for data that is not newer than itself.
    """
    found = []
    for delete in deletes:
        older = [
            file.location for file in data if file.sequence <= delete.sequence and _may_name(delete, file.location)
        ]
        if older:
            table = _read(io, delete)
            mine = pc.is_in(table["file"].cast(pa.string()), value_set=pa.array(older, pa.string()))
            found.append(table.filter(mine))
    if not found:
        return None
    together = pa.concat_tables(found).unify_dictionaries().combine_chunks()
    if not together.num_rows:
        return None
    encoded = together["file"].combine_chunks()
    names = pa.array([plain_location(name) for name in encoded.dictionary.to_pylist()], pa.string())
    return together.set_column(0, "file", pa.DictionaryArray.from_arrays(encoded.indices, names))


def applying(deletes: Sequence[LiveFile], file: LiveFile, global_specs: frozenset[int]) -> tuple[int, ...]:
    """Return which equality deletes hold for a data file: those that are newer, of its partition or of no partition."""
    return tuple(
        at
        for at, delete in enumerate(deletes)
        if delete.sequence > file.sequence
        and (delete.spec_id in global_specs or (delete.spec_id, delete.partition) == (file.spec_id, file.partition))
    )


def equality_deletes(
    io: FileIO, deletes: Sequence[LiveFile], names: Mapping[int, str], metadata: TableMetadata
) -> tuple[EqualityDelete, ...]:
    """Return the delete files as the engine takes them, those alike together; ``names`` are the data files' columns."""
    alike: dict[tuple[tuple[tuple[str, str], ...], tuple[str, ...]], list[str]] = {}
    for delete in deletes:
        if delete.format != "parquet":
            raise unsupported(f"equality deletes in the format {delete.format}")
        fields = names_by_id(footer(io, delete.location), metadata)
        if any(id_ not in fields or id_ not in names for id_ in delete.equality_ids):
            raise unsupported("equality deletes on a column that the data files lack, or inside of a struct")
        pairs = tuple((names[id_], fields[id_].name) for id_ in delete.equality_ids)
        kinds = tuple(str(fields[id_].type) for id_ in delete.equality_ids)  # files of one external table are alike
        alike.setdefault((pairs, kinds), []).append(plain_location(delete.location))
    return tuple(EqualityDelete(tuple(files), dict(pairs)) for (pairs, _), files in alike.items())


def unsupported(what: str) -> SqlError:
    """Return the error for something that Iceberg tables may have and we do not read."""
    return SqlError(SqlState.FEATURE_NOT_SUPPORTED, f"Iceberg: {what} cannot be read")


def _may_name(delete: LiveFile, location: str) -> bool:
    """Say whether a delete file may have rows of a data file, by the file it names or the bounds of its names."""
    if delete.referenced is not None:
        return delete.referenced == location
    lower, upper, name = delete.lower.get(_FILE_PATH), delete.upper.get(_FILE_PATH), location.encode()
    return (lower is None or lower <= name) and (upper is None or name <= upper or name.startswith(upper))


def _read(io: FileIO, delete: LiveFile) -> pa.Table:
    key = (delete.location, delete.offset)
    with _positions_lock:
        known = _positions.get(key)
    if known is None:
        if delete.format == "puffin":
            known = _read_vector(io, delete)
        elif delete.format == "parquet":
            known = _read_positions(io, delete)
        else:
            raise unsupported(f"position deletes in the format {delete.format}")
        if known.num_rows <= _MOST_KEPT:
            with _positions_lock:
                _positions[key] = known
    return known


def _read_positions(io: FileIO, delete: LiveFile) -> pa.Table:
    with io.new_input(delete.location).open() as stream:
        table = pq.read_table(stream, columns=["file_path", "pos"], read_dictionary=["file_path"])
    files = table["file_path"]
    if not pa.types.is_dictionary(files.type):
        files = files.dictionary_encode()
    return pa.table({"file": files.cast(_SCHEMA.field("file").type), "position": table["pos"].cast(pa.int64())})


def _read_vector(io: FileIO, delete: LiveFile) -> pa.Table:
    if delete.referenced is None or delete.offset is None or delete.length is None:
        raise unsupported("a deletion vector that does not name its data file")
    with io.new_input(delete.location).open() as stream:
        stream.seek(delete.offset)
        blob = stream.read(delete.length)
    bitmap = BitMap64.deserialize(bytes(blob[_VECTOR_FRAME:-4]))
    positions = np.frombuffer(bitmap.to_array(), dtype=np.uint64).astype(np.int64)
    names = pa.array([delete.referenced], pa.string())
    indices = pa.array(np.zeros(len(positions), dtype=np.int32))
    return pa.table({"file": pa.DictionaryArray.from_arrays(indices, names), "position": pa.array(positions)})
