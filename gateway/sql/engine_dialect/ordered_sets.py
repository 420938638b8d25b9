"""Ordered-set aggregates: ``percentile_cont``, ``percentile_disc`` and ``mode`` of each list of a column.

Lists are sorted here and not by the engine, which sorts all rows of a query for them, by the group's key first. Lists
of like length are sorted side by side, as the rows of a matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.sql.engine_dialect.array_views import is_known, made, viewed

_Values = npt.NDArray[Any]
_Ints = npt.NDArray[np.int64]
_FLOATS = {pa.float32(): np.float32, pa.float64(): np.float64}
_INTEGERS = {16: np.int16, 32: np.int32, 64: np.int64}


def percentile(lists: pa.Array, fractions: pa.Array) -> pa.Array:
    """Return the value at a fraction of each list's values in order, between two neighbours in proportion."""
    return _between(lists, fractions, downwards=False)


def percentile_downwards(lists: pa.Array, fractions: pa.Array) -> pa.Array:
    """Return the value at a fraction of each list's values from the greatest on, between two neighbours."""
    return _between(lists, fractions, downwards=True)


def discrete(lists: pa.Array, fractions: pa.Array) -> pa.Array:
    """Return the first value of each list in order that so large a fraction of its values comes up to."""
    return _discrete(lists, fractions, downwards=False)


def discrete_downwards(lists: pa.Array, fractions: pa.Array) -> pa.Array:
    """Return what `discrete` returns, counted from the greatest on."""
    return _discrete(lists, fractions, downwards=True)


def mode(lists: pa.Array) -> pa.Array:
    """Return the most frequent value of each list, the least of several; NULL of an empty one."""
    values, sizes = _parts(lists)
    sorted_ = sorted_within(values, sizes)
    alike = sorted_[1:] == sorted_[:-1]
    if sorted_.dtype.kind == "f":
        alike |= np.isnan(sorted_[1:]) & np.isnan(sorted_[:-1])
    return _picked(sorted_, *_most_frequent(alike, sizes), lists.type.value_type)


def mode_of_sorted(lists: pa.Array) -> pa.Array:
    """Return what `mode` returns, of lists that are sorted."""
    chunk = _array(lists)
    values = pc.list_flatten(chunk)
    codes = values.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    places, known = _most_frequent(codes[1:] == codes[:-1], _sizes(chunk))
    return values.take(pa.array(places, mask=~known))


def _most_frequent(alike: npt.NDArray[np.bool_], sizes: _Ints) -> tuple[_Ints, npt.NDArray[np.bool_]]:
    """Return where the first of the longest runs of each list begins; ``alike`` says which values of all lists are like
    the one before.
    """
    known = sizes > 0
    places = np.zeros(len(sizes), np.int64)
    if not known.any():
        return places, known
    lists = (np.cumsum(sizes) - sizes)[known]  # where each begins
    begins = np.r_[True, ~alike]
    begins[lists] = True
    starts = np.flatnonzero(begins)
    lengths = np.diff(np.r_[starts, len(begins)])
    firsts = np.searchsorted(starts, lists)  # the first run of each list
    longest = np.maximum.reduceat(lengths, firsts)
    chosen = np.flatnonzero(lengths == np.repeat(longest, np.diff(np.r_[firsts, len(starts)])))
    places[known] = starts[chosen[np.searchsorted(chosen, firsts)]]
    return places, known


def sorted_within(values: _Values, sizes: _Ints) -> _Values:
    """Return the values of lists, one list behind the other, each list sorted; NaN is the greatest."""
    if len(sizes) == 1:
        return np.sort(values)
    found = np.empty_like(values)
    classes = np.frexp(np.maximum(sizes - 1, 0).astype(np.float64))[1]  # lists of less than twice the length of another
    present = np.unique(classes[sizes > 0])
    for one in present:
        lists = (classes == one) & (sizes > 0)
        lengths = sizes[lists]
        width = int(lengths.max())
        chosen = slice(None) if len(present) == 1 else np.repeat(lists, sizes)
        if (lengths == width).all():
            matrix = values[chosen].reshape(-1, width)
            found[chosen] = np.sort(matrix, axis=1).reshape(-1)
            continue
        used = np.arange(width) < lengths[:, None]
        matrix = np.full(used.shape, _greatest(values.dtype), values.dtype)
        matrix[used] = values[chosen]
        matrix.sort(axis=1)
        found[chosen] = matrix[used]
    return found


def _greatest(dtype: np.dtype[Any]) -> Any:
    return np.nan if dtype.kind == "f" else np.iinfo(dtype).max


def _array(lists: pa.Array) -> pa.Array:
    return lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists


def _sizes(lists: pa.Array) -> _Ints:
    found: _Ints = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def _parts(lists: pa.Array) -> tuple[_Values, _Ints]:
    """Return the values of all lists, of which none is NULL, and how many each list has."""
    chunk = _array(lists)
    flat = pc.list_flatten(chunk)
    kind = flat.type
    return viewed(flat, _FLOATS.get(kind) or _INTEGERS[kind.bit_width]), _sizes(chunk)


def _picked(values: _Values, places: _Ints, known: npt.NDArray[np.bool_], kind: pa.DataType) -> pa.Array:
    if not len(values):
        return pa.nulls(len(places), kind)
    return made(kind, values[np.where(known, places, 0)], pa.py_buffer(np.packbits(known, bitorder="little")))


def _check(fractions: pa.Array) -> None:
    if pc.any(pc.or_(pc.less(fractions, 0.0), pc.greater(fractions, 1.0))).as_py():
        raise ValueError("[22003] percentile value is not between 0 and 1")


def _fractions(fractions: pa.Array) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = pc.fill_null(fractions, 0.0).to_numpy(zero_copy_only=False)
    return found


def _discrete(lists: pa.Array, fractions: pa.Array, *, downwards: bool) -> pa.Array:
    _check(fractions)
    values, sizes = _parts(lists)
    known = (sizes > 0) & is_known(fractions)
    ranks = np.maximum(np.ceil(_fractions(fractions) * sizes).astype(np.int64), 1)
    starts = np.cumsum(sizes) - sizes
    places = starts + (sizes - ranks if downwards else ranks - 1)
    return _picked(sorted_within(values, sizes), places, known, lists.type.value_type)


def _between(lists: pa.Array, fractions: pa.Array, *, downwards: bool) -> pa.Array:
    _check(fractions)
    values, sizes = _parts(lists)
    starts = np.cumsum(sizes) - sizes
    known = (sizes > 0) & is_known(fractions)
    places = np.where(known, _fractions(fractions) * (sizes - 1), 0.0)
    low, high = np.floor(places).astype(np.int64), np.ceil(places).astype(np.int64)
    if downwards:
        low, high = np.maximum(sizes - 1, 0) - low, np.maximum(sizes - 1, 0) - high
    sorted_ = np.r_[sorted_within(values, sizes), 0.0]
    first, second = sorted_[np.where(known, starts + low, -1)], sorted_[np.where(known, starts + high, -1)]
    with np.errstate(invalid="ignore"):
        between = np.where(low == high, first, first + (places - np.floor(places)) * (second - first))
    return pa.array(between, mask=~known)
