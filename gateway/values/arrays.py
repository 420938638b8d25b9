"""Arrays: lists become array literals or binary arrays, lists of lists become arrays of more dimensions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from catalog.types import is_list
from gateway.values.escaping import between_quotes, escaped_elements
from gateway.values.fields import (
    NULL_LENGTH,
    Bools,
    Field,
    Int64s,
    Short,
    Viewed,
    Words,
    binary_of_field,
    binary_of_views,
    field_of_binary,
    pieces_of,
    validity,
    viewed,
    write_field,
)
from gateway.values.registry import (
    BOOL,
    BOX,
    FLOAT4,
    FLOAT8,
    INT2,
    INT4,
    INT8,
    NUMERIC,
    OID_TYPES,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
)

ElementEncoder = Callable[[pa.Array], Field]

MAX_DIMENSIONS = 6  # MAXDIM
_NEVER_QUOTED = frozenset({BOOL, INT2, INT4, INT8, FLOAT4, FLOAT8, NUMERIC, TIME, UUID, BOX}) | OID_TYPES
_BOXES_MARK = b";"
_EMPTY = b"{}"
_BETWEEN_ARRAYS = 4  # in `_quoted_leads`


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


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of elements, with the backslashes of an array's literal. ``quoted``: which of them stand in quotes
    there; None: none.
    """

    field: Field
    quoted: Bools | None


def written_by(encode: ElementEncoder, element: int) -> Callable[[pa.Array], Texts]:
    """Return what gives the texts of elements of a type as literals have them, of what gives their text alone."""
    if element in _NEVER_QUOTED:
        return lambda elements: Texts(encode(elements), None)
    if element in (TIMESTAMP, TIMESTAMPTZ):
        return lambda elements: _moments(encode(elements))

    def written(elements: pa.Array) -> Texts:
        texts, quoted = escaped_elements(binary_of_field(encode(elements)))
        return Texts(field_of_binary(texts), quoted)

    return written


def _moments(field: Field) -> Texts:
    """Return timestamps as literals have them: all but the infinite ones have a space, in every style."""
    return Texts(field, field.lengths > len("-infinity"))


def array_text(values: pa.Array, write: Callable[[pa.Array], Texts], element: int) -> Field:
    """Encode lists as array literals; ``write`` gives the texts of elements, ``element`` is their type's oid."""
    shape = shape_of(values)
    texts = write(shape.elements)
    mark = _BOXES_MARK if element == BOX else b","  # typdelim
    if len(shape.sizes) == 1:
        return _plain_literals(texts, shape.bounds, mark, validity(values))
    return field_of_binary(_with_nulls_of(values, _literals(texts, shape, mark)))


def _plain_literals(texts: Texts, bounds: Int64s, mark: bytes, valid: Bools) -> Field:
    """Return the literals of arrays of one dimension: a view for what stands before each element, with the end of the
    array before it, and one for the element.
    """
    found, quoted = viewed(texts.field), texts.quoted
    elements, filled = len(found.lengths), np.flatnonzero(np.diff(bounds))
    first, last = bounds[filled], bounds[filled + 1] - 1
    views = np.empty((elements, 2, 2), np.uint64)
    views[:, 0, 0], views[:, 1, 0] = _leads(mark, elements, first, quoted), found.first
    views[:, 0, 1], views[:, 1, 1] = 0, found.second
    views[found.lengths < 0, 1] = _short_view(b"NULL"), 0
    closing = np.full(len(filled), 1, np.int32) if quoted is None else quoted[last] + np.int32(1)
    ending = np.array([[_short_view(b'"}' if len(closing) and closing[-1] > 1 else b"}"), 0]], np.uint64)
    laid = binary_of_views(np.concatenate((views.reshape(-1, 2), ending)), found.buffers)
    bytes_before = np.frombuffer(laid.buffers()[1], np.int32, 2 * elements + 1)
    offsets = np.zeros(len(bounds), np.int32)
    offsets[filled + 1] = bytes_before[2 * (last + 1)] + closing
    buffers = [None, pa.py_buffer(np.maximum.accumulate(offsets)), laid.buffers()[2]]
    return _field_of_literals(pa.Array.from_buffers(pa.binary(), len(bounds) - 1, buffers), valid)


def _leads(mark: bytes, elements: int, first: Int64s, quoted: Bools | None) -> Words:
    """Return what stands before each element, as the first halves of views; ``first`` are the first ones of arrays."""
    if quoted is None:
        leads = np.full(elements, _short_view(mark))
        leads[first] = _short_view(b"}{")
    else:
        begins = quoted.view(np.uint8)
        ends = np.concatenate((begins[:1], begins[:-1]))
        places = 2 * ends + begins
        places[first] += _BETWEEN_ARRAYS
        leads = _quoted_leads(mark).take(places)
    leads[:1] = _short_view(b'{"' if quoted is not None and quoted[:1].any() else b"{")
    return leads


@cache
def _quoted_leads(mark: bytes) -> Words:
    """Return what stands between two elements, by whether another array begins (`_BETWEEN_ARRAYS`), whether the one
    before ends with a quote, and whether the other begins with one.
    """
    return np.array(
        [
            _short_view(end + between + begin)
            for between in (mark, b"}{")
            for end in (b"", b'"')
            for begin in (b"", b'"')
        ]
    )


def _short_view(text: bytes) -> np.uint64:
    """Return the first half of a view of at most four bytes; the other half is zero."""
    return np.uint64(len(text)) | _word(text) << np.uint64(32)


def _word(text: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(text, "little"))


def _field_of_literals(literals: pa.Array, valid: Bools) -> Field:
    """Return a field of literals, where those of no element have no bytes."""
    field = field_of_binary(literals)
    empty = field.lengths == 0
    if not empty.any():
        return field
    lengths = np.where(empty, np.where(valid, np.int32(len(_EMPTY)), np.int32(NULL_LENGTH)), field.lengths)
    word, view = (np.where(valid, one, np.uint64(0)) for one in (_word(_EMPTY), _short_view(_EMPTY)))
    if isinstance(field, Short):
        return Short(lengths, np.where(empty, word, field.words))
    first, second = np.where(empty, view, field.first), np.where(empty, np.uint64(0), field.second)
    return Viewed(lengths, first, second, field.buffers)


def _literals(texts: Texts, shape: Shape, mark: bytes) -> pa.Array:
    """Return the literals of arrays of any dimensions, from the innermost to the outermost."""
    made = binary_of_field(texts.field)
    if texts.quoted is not None:
        made = between_quotes(made, texts.quoted)
    made = pc.fill_null(made, b"NULL")
    for depth in range(len(shape.sizes) - 1, -1, -1):
        bounds = _inner_bounds(shape.sizes, depth) if depth else _outer_bounds(shape.sizes)
        lists = pa.ListArray.from_arrays(pa.array(bounds.astype(np.int32)), made)
        made = pc.binary_join_element_wise(b"{", pc.binary_join(lists, mark), b"}", b"")
    return pc.if_else(pa.array(shape.bounds[1:] == shape.bounds[:-1]), b"{}", made)


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
    if not is_list(elements.type):
        return Shape((sizes[0],), elements, _outer_bounds((sizes[0],)))
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
    count = pieces_of(field)
    views = np.empty((len(field.lengths), 2 * count), np.uint64)
    buffers: list[pa.Buffer] = []
    write_field(views, field, buffers)
    pieces = binary_of_views(views.reshape(-1, 2), buffers)
    if len(pieces) == 0:
        return pa.array([b""] * (len(bounds) - 1), pa.binary())
    offsets = np.frombuffer(pieces.buffers()[1], np.int32, len(pieces) + 1)[count * bounds]
    return pa.Array.from_buffers(pa.binary(), len(bounds) - 1, [None, pa.py_buffer(offsets), pieces.buffers()[2]])


def _fixed_rows(data: np.typing.NDArray[np.uint8]) -> pa.Array:
    """Return each row of bytes as one binary value."""
    rows, width = data.shape
    offsets = np.arange(0, (rows + 1) * width, width, dtype=np.int32)[: rows + 1]
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.Array.from_buffers(pa.binary(), rows, buffers)


def _with_nulls_of(values: pa.Array, texts: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(validity(values)), texts, None) if values.null_count else texts
