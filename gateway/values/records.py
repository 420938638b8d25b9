"""Records in binary: structs become the fields' count, and each field's type and value, one behind the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.values.fields import (
    LENGTH_BYTES,
    Field,
    Words,
    binary_of_views,
    field_of_binary,
    pieces_of,
    validity,
    write_field,
)
from gateway.values.scalars import ColumnEncoder

_OID_BYTES = 4
_COUNT_BYTES = 4


def record_binary(values: pa.StructArray, encoders: Sequence[ColumnEncoder], oids: Sequence[int]) -> Field:
    """Encode structs as binary records; ``encoders`` give the fields in binary, ``oids`` are their types."""
    rows = len(values)
    if rows == 0:
        return field_of_binary(pa.array([], pa.binary()))
    fields = [encode(child) for encode, child in zip(encoders, values.flatten(), strict=True)]
    views = np.zeros((rows, 2 * sum(1 + pieces_of(field) for field in fields)), np.uint64)
    buffers: list[pa.Buffer] = []
    at = 0
    for place, (field, oid) in enumerate(zip(fields, oids, strict=True)):
        _write_type(views[:, at : at + 2], oid, len(fields) if place == 0 else None)
        end = at + 2 + 2 * pieces_of(field)
        write_field(views[:, at + 2 : end], field, buffers)
        at = end
    sizes = np.full(rows, _COUNT_BYTES + (_OID_BYTES + LENGTH_BYTES) * len(fields), np.int64)
    for field in fields:
        sizes += np.maximum(field.lengths, 0)
    laid = binary_of_views(views.reshape(-1, 2), buffers)
    offsets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int32)
    records = pa.Array.from_buffers(pa.binary(), rows, [None, pa.py_buffer(offsets), laid.buffers()[2]])
    return field_of_binary(pc.if_else(pa.array(validity(values)), records, None) if values.null_count else records)


def _write_type(views: Words, oid: int, count: int | None) -> None:
    """Write a field's type into views (rows x 2), the first behind the ``count`` of fields."""
    written = b"" if count is None else count.to_bytes(_COUNT_BYTES, "big")
    written += oid.to_bytes(_OID_BYTES, "big")
    view = len(written).to_bytes(4, "little") + written
    views[:] = np.frombuffer(view.ljust(16, b"\0"), np.uint64)
