"""Arrays: lists become array literals or binary arrays, lists of lists become arrays of more dimensions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from catalog.types import is_list
from gateway.values.escaping import element_texts
from gateway.values.fields import (
    Field,
    Int64s,
    Viewed,
    binary_of_field,
    binary_of_views,
    field_of_binary,
    validity,
    write_prefixed,
    write_viewed,
)
from gateway.values.registry import BOOL, BOX, FLOAT4, FLOAT8, INT2, INT4, INT8, NUMERIC, OID_TYPES, TIME, UUID

ElementEncoder = Callable[[pa.Array], Field]

MAX_DIMENSIONS = 6  # MAXDIM
_NEVER_QUOTED = frozenset({BOOL, INT2, INT4, INT8, FLOAT4, FLOAT8, NUMERIC, TIME, UUID, BOX}) | OID_TYPES
_BOXES_MARK = b";"


@dataclass(frozen=True, slots=True)
class Shape:
    """Arrays taken apart: ``sizes`` holds each row's size in each dimension, ``elements`` all elements in order,
    ``bounds`` where each row's elements begin, with the end behind the last.
    """

    sizes: tuple[Int64s, ...]
    elements: pa.Array
    bounds: Int64s


def element_type(arrow: pa.DataType) -> pa.DataType:
    """Return the type of the innermost elements of a list type."""
    while is_list(arrow):
        arrow = arrow.value_type
    return arrow


def array_text(values: pa.Array, encode: ElementEncoder, element: int) -> Field:
    """Encode lists as array literals; ``encode`` gives the text of elements, ``element`` is their type's oid."""
    shape = shape_of(values)
    texts = binary_of_field(encode(shape.elements))
    mark = _BOXES_MARK if element == BOX else b","  # typdelim
    if element not in _NEVER_QUOTED:
        texts = element_texts(texts)
    texts = pc.fill_null(texts, b"NULL")
    empty = shape.bounds[1:] == shape.bounds[:-1]
    for depth in range(len(shape.sizes) - 1, -1, -1):
        bounds = _inner_bounds(shape.sizes, depth) if depth else _outer_bounds(shape.sizes)
        lists = pa.ListArray.from_arrays(pa.array(bounds.astype(np.int32)), texts)
        texts = pc.binary_join_element_wise(b"{", pc.binary_join(lists, mark), b"}", b"")
    if len(shape.sizes) > 1:
        texts = pc.if_else(pa.array(empty), b"{}", texts)
    return field_of_binary(_with_nulls_of(values, texts))


def array_binary(values: pa.Array, encode: ElementEncoder, element: int) -> Field:
    """Encode lists as binary arrays; ``encode`` gives elements in binary, ``element`` is their type's oid."""
    shape = shape_of(values)
    rows = len(values)
    missing = np.concatenate(([0], np.cumsum(~validity(shape.elements), dtype=np.int64)))
    empty = shape.bounds[1:] == shape.bounds[:-1]
    head = np.zeros((rows, 3), ">i4")
    head[:, 0] = np.where(empty, 0, len(shape.sizes))
    head[:, 1] = missing[shape.bounds[1:]] > missing[shape.bounds[:-1]]
    head[:, 2] = element
    dimensions = np.ones((rows, len(shape.sizes), 2), ">i4")
    for place, sizes in enumerate(shape.sizes):
        dimensions[:, place, 0] = sizes
    sized = pc.if_else(pa.array(empty), b"", _fixed_rows(dimensions.view(np.uint8).reshape(rows, -1)))
    body = _stream(encode(shape.elements), shape.bounds)
    joined = pc.binary_join_element_wise(_fixed_rows(head.view(np.uint8)), sized, body, b"")
    return field_of_binary(_with_nulls_of(values, joined))


def shape_of(values: pa.Array) -> Shape:
    """Return lists of any depth taken apart.

    Raises SqlError (2202E) if lists inside one row differ in length, or one of them is NULL: PostgreSQL's arrays are
    rectangular; 54000 for more than six dimensions.
    """
    sizes, elements = [lengths_of(values)], _flat(values)
    rows = len(values)
    owners = np.repeat(np.arange(rows), sizes[0])
    while is_list(elements.type):
        if len(sizes) == MAX_DIMENSIONS:
            message = f"number of array dimensions exceeds the maximum allowed ({MAX_DIMENSIONS})"
            raise SqlError(SqlState.PROGRAM_LIMIT_EXCEEDED, message)
        inner = lengths_of(elements)
        each = np.zeros(rows, np.int64)
        each[owners] = inner
        if elements.null_count or not np.array_equal(each[owners], inner):
            message = "multidimensional arrays must have array expressions with matching dimensions"
            raise SqlError(SqlState.ARRAY_SUBSCRIPT_ERROR, message)
        sizes.append(each)
        owners = np.repeat(owners, inner)
        elements = _flat(elements)
    counts = np.bincount(owners, minlength=rows).astype(np.int64)
    return Shape(tuple(sizes), elements, np.concatenate(([0], np.cumsum(counts))))


def lengths_of(values: pa.Array) -> Int64s:
    """Return how many elements each list has, 0 for NULL."""
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.where(validity(values), lengths, 0)


def _flat(values: pa.Array) -> pa.Array:
    """Return the elements of all lists that are not NULL."""
    return values.flatten()  # a cast to an ordinary list would lose elements of list views


def _outer_bounds(sizes: tuple[Int64s, ...]) -> Int64s:
    """Return the bounds of the outermost lists."""
    return np.concatenate(([0], np.cumsum(sizes[0])))


def _inner_bounds(sizes: tuple[Int64s, ...], depth: int) -> Int64s:
    """Return the bounds of all lists at ``depth`` (0 is outermost)."""
    outer = np.ones(len(sizes[0]), np.int64)
    for size in sizes[:depth]:
        outer = outer * size
    return np.concatenate(([0], np.cumsum(np.repeat(sizes[depth], outer))))


def _stream(field: Field, bounds: Int64s) -> pa.Array:
    """Return, row by row, all values of a field between the row's bounds, each behind its length word."""
    if isinstance(field, Viewed):
        views, buffers = np.empty((len(field.lengths), 4), np.uint64), list(field.buffers)
        write_viewed(views, field, 0)
        views = views.reshape(-1, 2)
        bounds = 2 * bounds
    else:
        views = np.empty((len(field.lengths), 2), np.uint64)
        write_prefixed(views, field, 0)
        buffers = [] if not hasattr(field, "buffer") else [field.buffer]
    pieces = binary_of_views(views, buffers)
    if len(pieces) == 0:
        return pa.array([b""] * (len(bounds) - 1), pa.binary())
    offsets = np.frombuffer(pieces.buffers()[1], np.int32, len(pieces) + 1)[bounds]
    return pa.Array.from_buffers(pa.binary(), len(bounds) - 1, [None, pa.py_buffer(offsets), pieces.buffers()[2]])


def _fixed_rows(data: np.typing.NDArray[np.uint8]) -> pa.Array:
    """Return each row of bytes as one binary value."""
    rows, width = data.shape
    offsets = np.arange(0, (rows + 1) * width, width, dtype=np.int32)[: rows + 1]
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.Array.from_buffers(pa.binary(), rows, buffers)


def _with_nulls_of(values: pa.Array, texts: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(validity(values)), texts, None) if values.null_count else texts
