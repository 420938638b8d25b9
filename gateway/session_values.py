"""How values of the session's own relations travel as CSV: what is selected of a column, and how it is read back.

Values whose text a setting of the session changes (floats, dates and times, intervals, bytes) are selected as numbers
or digits, so that they are exact whatever the settings are. Arrays travel as JSON.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from connectors.postgres.types import RemoteType
from gateway.evaluation.transport import intervals

_LINE = "v"
_INT32, _INT64 = 2**31 - 1, 2**63 - 1


def selected(own: str, way: RemoteType) -> str:
    """Return what is selected of a column, an expression in SQL, so that `typed` reads it back."""
    arrow = way.arrow
    if not pa.types.is_list(arrow):
        return _sent(own, arrow) or way.selected.format(own)
    element = _sent("one.value", arrow.value_type)
    if element is None:
        sent = f"pg_catalog.to_json({way.selected.format(own)})"
    else:
        elements = f"pg_catalog.unnest({own}) WITH ORDINALITY AS one (value, place)"
        listed = f"SELECT pg_catalog.json_agg({element} ORDER BY one.place) FROM {elements}"
        sent = f"CASE WHEN {own} IS NOT NULL THEN coalesce(({listed}), '[]') END"
    odd = f"pg_catalog.array_ndims({own}) > 1 OR pg_catalog.array_lower({own}, 1) <> 1"
    return f"CASE WHEN {odd} THEN '[[]]' ELSE {sent} END"  # which is no list of plain values


def _sent(own: str, arrow: pa.DataType) -> str | None:
    """Return what is selected of values of an Arrow type whose text depends on settings; None for others."""
    types = pa.types
    if types.is_float64(arrow):
        return f"('x' || pg_catalog.encode(pg_catalog.float8send({own}), 'hex'))::pg_catalog.bit(64)::pg_catalog.int8"
    if types.is_float32(arrow):
        return f"('x' || pg_catalog.encode(pg_catalog.float4send({own}), 'hex'))::pg_catalog.bit(32)::pg_catalog.int4"
    if types.is_timestamp(arrow):
        return _moment(own, f"(EXTRACT(epoch FROM {own}) * 1000000)::pg_catalog.int8", _INT64)
    if types.is_time(arrow):
        return f"(EXTRACT(epoch FROM {own}) * 1000000)::pg_catalog.int8"
    if types.is_date(arrow):
        return _moment(own, f"({own} - '1970-01-01'::pg_catalog.date)", _INT32)
    if types.is_binary(arrow):
        return f"pg_catalog.encode({own}, 'hex')"
    return f"pg_catalog.encode(pg_catalog.interval_send({own}), 'hex')" if types.is_interval(arrow) else None


def _moment(own: str, finite: str, most: int) -> str:
    """Infinite ones are the highest and the lowest number, as everywhere in the engine."""
    least = f"({-most} - 1)"
    return f"CASE {own} WHEN 'infinity' THEN {most} WHEN '-infinity' THEN {least} ELSE {finite} END"


def sent_type(arrow: pa.DataType) -> pa.DataType:
    """Return the type as which a column of CSV is read that values of an Arrow type were sent in."""
    types = pa.types
    if types.is_decimal(arrow):
        return pa.int64() if arrow.precision <= 18 else pa.string()
    return pa.string() if types.is_list(arrow) else _plain_type(arrow)


def _plain_type(arrow: pa.DataType) -> pa.DataType:
    types = pa.types
    if types.is_float64(arrow) or types.is_timestamp(arrow) or types.is_time(arrow):
        return pa.int64()
    if types.is_float32(arrow) or types.is_date(arrow):
        return pa.int32()
    texts = types.is_binary(arrow) or types.is_interval(arrow) or types.is_decimal(arrow)
    return pa.string() if texts else arrow


def typed(values: pa.Array, arrow: pa.DataType) -> pa.Array:
    """Return values that were sent as the values that they are; decimals stay what they were sent as."""
    types = pa.types
    if types.is_list(arrow):
        lists = _lists(values, pa.list_(_plain_type(arrow.value_type)))
        buffers = lists.buffers()[:2]
        children = [typed(lists.values, arrow.value_type)]
        return pa.Array.from_buffers(pa.list_(children[0].type), len(lists), buffers, children=children)
    if types.is_floating(arrow) or types.is_timestamp(arrow) or types.is_time(arrow) or types.is_date(arrow):
        return values.view(arrow)
    if types.is_interval(arrow):
        content = _bytes(values)
        lengths = pc.fill_null(pc.binary_length(content), -1).to_numpy(zero_copy_only=False).astype(np.int64)
        return intervals(lengths, content.buffers()[2].to_pybytes() if content.buffers()[2] else b"")
    return _bytes(values) if types.is_binary(arrow) else values


def _bytes(digits: pa.Array) -> pa.Array:
    """Return texts of hexadecimal digits as the bytes they stand for, all at once."""
    whole = pa.concat_arrays([digits])  # without an offset
    validity, offsets, data = whole.buffers()
    starts = pa.Array.from_buffers(pa.int32(), len(whole) + 1, [None, offsets])
    first, last = starts[0].as_py(), starts[-1].as_py()
    content = pa.py_buffer(bytes.fromhex((data.to_pybytes() if data is not None else b"")[first:last].decode()))
    halves = pc.divide(pc.subtract(starts, pa.scalar(first, pa.int32())), pa.scalar(2, pa.int32()))
    return pa.Array.from_buffers(pa.binary(), len(whole), [validity, halves.buffers()[1], content])


def _lists(texts: pa.Array, arrow: pa.DataType) -> pa.Array:
    """Return JSON arrays as lists. Raises SqlError 0A000 for arrays that are no plain lists."""
    filled = pc.fill_null(texts, "null")
    lines = pc.binary_join_element_wise(f'{{"{_LINE}":', filled, "}\n", "")
    one_list = pa.ListArray.from_arrays(pa.array([0, len(lines)], pa.int32()), lines)
    buffer = pc.binary_join(one_list, "")[0].as_buffer()
    options = json.ParseOptions(explicit_schema=pa.schema([pa.field(_LINE, arrow)]), newlines_in_values=False)
    try:
        table = json.read_json(pa.BufferReader(buffer), json.ReadOptions(block_size=len(buffer) + 1), options)
    except pa.ArrowInvalid as error:
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED,
            "arrays of several dimensions, or with other lower bounds than 1, cannot be read beside tables of the lake",
        ) from error
    return table.column(_LINE).combine_chunks()
