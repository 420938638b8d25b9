"""Commits that pyiceberg cannot write: row deletes of every kind, files without field ids or partition columns."""

from __future__ import annotations

import struct
import uuid
import zlib
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyiceberg.table.update.snapshot as updates
from pyiceberg import manifest
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation
from pyiceberg.typedef import Record
from pyroaring import BitMap64

_PATH, _POSITION = 2147483546, 2147483545
_POSITIONS = pa.schema(
    [
        pa.field("file_path", pa.string(), False, {"PARQUET:field_id": str(_PATH)}),
        pa.field("pos", pa.int64(), False, {"PARQUET:field_id": str(_POSITION)}),
    ]
)


class _DeletesWriter(manifest.ManifestWriterV2):
    def content(self) -> manifest.ManifestContent:
        return manifest.ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}


class _RowDelta(updates._FastAppendFiles):
    def new_manifest_writer(self, spec: Any) -> Any:
        schema = self._transaction.table_metadata.schema()
        return _DeletesWriter(spec, schema, self.new_manifest_output(), self._snapshot_id, self._compression)


def delete_positions(table: Table, rows: list[tuple[str, int]], bounds: bool = True) -> None:
    """Commit a position delete file."""
    content = pa.table({"file_path": [path for path, _ in rows], "pos": [at for _, at in rows]}, schema=_POSITIONS)
    names = sorted(path.encode() for path, _ in rows)
    limits = ({_PATH: names[0]}, {_PATH: names[-1]}) if bounds else ({}, {})
    _commit_deletes(table, content, DataFileContent.POSITION_DELETES, limits=limits)


def delete_equal(table: Table, content: pa.Table, ids: list[int], partition: Record | None = None) -> None:
    """Commit an equality delete file with the columns of ``content``, which stand for these field ids."""
    fields = [
        pa.field(each.name, each.type, True, {"PARQUET:field_id": str(id_)})
        for each, id_ in zip(content.schema, ids, strict=True)
    ]
    content = content.cast(pa.schema(fields))
    _commit_deletes(table, content, DataFileContent.EQUALITY_DELETES, ids, partition)


def add_file(table: Table, content: pa.Table, partition: Record, spec_id: int = 0) -> str:
    """Append a file that says as little as imported ones do: no field ids, no counts, no bounds."""
    path = _new_path(table, "imported")
    pq.write_table(content, path)
    _commit(table, updates._FastAppendFiles, _file(path, content.num_rows, DataFileContent.DATA, partition, spec_id))
    return path


def append_partitioned(table: Table, content: pa.Table) -> None:
    """Append rows, a file for each partition of the current spec, with field ids but without counts and bounds."""
    spec, schema = table.spec(), table.schema()
    sources = [schema.find_field(each.source_id) for each in spec.fields]
    transforms = [
        each.transform.transform(source.field_type) for each, source in zip(spec.fields, sources, strict=True)
    ]
    rows: dict[tuple[Any, ...], list[int]] = {}
    for at, row in enumerate(content.to_pylist()):
        values = [row[source.name] for source in sources]
        stored = [int(each.timestamp() * 1e6) if isinstance(each, datetime) else each for each in values]
        rows.setdefault(tuple(f(v) for f, v in zip(transforms, stored, strict=True)), []).append(at)
    content = content.cast(schema_to_pyarrow(schema))
    files = []
    for partition, members in rows.items():
        path = _new_path(table, "part")
        pq.write_table(content.take(members), path)
        files.append(_file(path, len(members), DataFileContent.DATA, Record(*partition), spec.spec_id))
    _commit(table, updates._FastAppendFiles, *files)


def vector_bytes(positions: list[int]) -> bytes:
    """Return a deletion vector as it stands in a Puffin file."""
    body = struct.pack("<I", 1681511377) + BitMap64(positions).serialize()
    return struct.pack(">I", len(body)) + body + struct.pack(">I", zlib.crc32(body))


def _commit_deletes(
    table: Table,
    content: pa.Table,
    kind: DataFileContent,
    ids: list[int] | None = None,
    partition: Record | None = None,
    limits: tuple[dict[int, bytes], dict[int, bytes]] = ({}, {}),
) -> None:
    path = _new_path(table, "deletes")
    pq.write_table(content, path)
    spec = table.metadata.default_spec_id
    _commit(table, _RowDelta, _file(path, content.num_rows, kind, partition or Record(), spec, ids, limits))


def _commit(table: Table, producer: Any, *files: DataFile) -> None:
    with table.transaction() as transaction:
        update = producer(operation=Operation.APPEND, transaction=transaction, io=table.io)
        for file in files:
            update.append_data_file(file)
        update.commit()
    table.refresh()


def _new_path(table: Table, kind: str) -> str:
    folder = Path(table.location().removeprefix("file://")) / "data"
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder / f"{kind}-{uuid.uuid4()}.parquet")


def _file(
    path: str,
    rows: int,
    kind: DataFileContent,
    partition: Record,
    spec_id: int,
    ids: list[int] | None = None,
    limits: tuple[dict[int, bytes], dict[int, bytes]] = ({}, {}),
) -> DataFile:
    file = DataFile.from_args(
        _table_format_version=2,
        content=kind,
        file_path=f"file://{path}",
        file_format=FileFormat.PARQUET,
        partition=partition,
        record_count=rows,
        file_size_in_bytes=Path(path).stat().st_size,
        column_sizes={},
        value_counts={},
        null_value_counts={},
        nan_value_counts={},
        lower_bounds=limits[0],
        upper_bounds=limits[1],
        key_metadata=None,
        split_offsets=None,
        equality_ids=ids,
        sort_order_id=None,
    )
    file.spec_id = spec_id
    return file
