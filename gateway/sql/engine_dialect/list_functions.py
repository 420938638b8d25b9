"""Aggregates of the numbers in each of a column's lists: moments, as PostgreSQL's aggregates of double precision have
them, and exclusive or.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_Floats = npt.NDArray[np.float64]


def _parts(lists: pa.Array) -> tuple[_Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the known numbers of all lists, the list that each is of, and how many each list has."""
    chunk = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
    flat, owners = pc.list_flatten(chunk), pc.list_parent_indices(chunk)
    known = flat.is_valid()
    values = flat.filter(known).to_numpy(zero_copy_only=False).astype(np.float64)
    places = owners.filter(known).to_numpy(zero_copy_only=False).astype(np.int64)
    return values, places, np.bincount(places, minlength=len(chunk)).astype(np.int64)


def _sums(values: _Floats, owners: npt.NDArray[np.int64], count: int) -> _Floats:
    with np.errstate(all="ignore"):
        sums = np.bincount(owners, weights=values, minlength=count)
    return sums.astype(np.float64)


def total(lists: pa.Array) -> pa.Array:
    """Return the sum of each list, NULL of one without numbers."""
    values, owners, sizes = _parts(lists)
    return pa.array(_sums(values, owners, len(sizes)), mask=sizes == 0)


def average(lists: pa.Array) -> pa.Array:
    """Return the average of each list, NULL of one without numbers."""
    values, owners, sizes = _parts(lists)
    with np.errstate(all="ignore"):
        means = _sums(values, owners, len(sizes)) / np.maximum(sizes, 1)
    return pa.array(means, mask=sizes == 0)


def _variances(lists: pa.Array, less: int) -> tuple[_Floats, npt.NDArray[np.bool_]]:
    values, owners, sizes = _parts(lists)
    with np.errstate(all="ignore"):
        means = _sums(values, owners, len(sizes)) / np.maximum(sizes, 1)
        deviations = _sums((values - means[owners]) ** 2, owners, len(sizes))
        return deviations / np.maximum(sizes - less, 1), sizes <= less


def variance_samp(lists: pa.Array) -> pa.Array:
    """Return the sample variance of each list, NULL of one with less than two numbers."""
    found, absent = _variances(lists, 1)
    return pa.array(found, mask=absent)


def variance_pop(lists: pa.Array) -> pa.Array:
    """Return the population variance of each list, NULL of one without numbers."""
    found, absent = _variances(lists, 0)
    return pa.array(found, mask=absent)


def deviation_samp(lists: pa.Array) -> pa.Array:
    """Return the square root of `variance_samp`."""
    found, absent = _variances(lists, 1)
    return pa.array(np.sqrt(found), mask=absent)


def deviation_pop(lists: pa.Array) -> pa.Array:
    """Return the square root of `variance_pop`."""
    found, absent = _variances(lists, 0)
    return pa.array(np.sqrt(found), mask=absent)


def exclusive_or(lists: pa.Array) -> pa.Array:
    """Return the exclusive or of each list of whole numbers, NULL of one without numbers."""
    return _bitwise(lists, np.bitwise_xor, 0)


def conjunction(lists: pa.Array) -> pa.Array:
    """Return the bits that all numbers of each list of whole numbers have, NULL of one without numbers."""
    return _bitwise(lists, np.bitwise_and, -1)


def disjunction(lists: pa.Array) -> pa.Array:
    """Return the bits that any number of each list of whole numbers has, NULL of one without numbers."""
    return _bitwise(lists, np.bitwise_or, 0)


def _bitwise(lists: pa.Array, operation: np.ufunc, start: int) -> pa.Array:
    chunk = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
    flat, owners = pc.list_flatten(chunk), pc.list_parent_indices(chunk)
    known = flat.is_valid()
    places = owners.filter(known).to_numpy(zero_copy_only=False)
    found = np.full(len(chunk), start, dtype=np.int64)
    operation.at(found, places, flat.filter(known).to_numpy(zero_copy_only=False))
    return pa.array(found, mask=np.bincount(places, minlength=len(chunk)) == 0)
