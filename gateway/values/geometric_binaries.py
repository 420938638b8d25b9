"""Points, lines, boxes, paths, polygons and circles in binary, from PostgreSQL's text of them, a column at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.values.fields import Field, field_of_binary
from gateway.values.text_fields import joined, joined_lists, lists_of, rows_of_bytes, with_nulls_of, words

NUMBERS = {600: 2, 601: 4, 603: 4, 628: 3, 718: 3}
"""How many numbers values have that are nothing else: ``point``, ``lseg``, ``box``, ``line``, ``circle``."""
PATH, POLYGON = 602, 604
_FLOAT = ">f8"


def fixed_binary(values: pa.Array, count: int) -> Field:
    """Encode values of ``count`` numbers each."""
    zeros = ",".join("0" * count)
    data = _numbers(pc.fill_null(values, zeros)).flatten().cast(pa.float64()).to_numpy(zero_copy_only=False)
    rows = np.ascontiguousarray(data.astype(_FLOAT)).view(np.uint8).reshape(len(values), count * 8)
    return field_of_binary(with_nulls_of(values, rows_of_bytes(rows)))


def path_binary(values: pa.Array) -> Field:
    """Encode paths: whether it is closed, how many points, and these."""
    closed = pc.starts_with(pc.fill_null(values, "(0,0)"), "(").to_numpy(zero_copy_only=False)
    return _points(values, rows_of_bytes(closed.astype(np.uint8).reshape(-1, 1)))


def polygon_binary(values: pa.Array) -> Field:
    """Encode polygons: how many points, and these."""
    return _points(values, b"")


def _points(values: pa.Array, heads: pa.Array | bytes) -> Field:
    lists = _numbers(pc.fill_null(values, "0,0"))
    sizes: npt.NDArray[Any] = lists.value_lengths().to_numpy()
    numbers = words(lists.flatten().cast(pa.float64()).to_numpy(zero_copy_only=False), _FLOAT)
    body = joined_lists(lists_of(sizes, numbers))
    return field_of_binary(with_nulls_of(values, joined(heads, words(sizes // 2, ">i4"), body)))


def _numbers(values: pa.Array) -> pa.Array:
    return pc.split_pattern(pc.replace_substring_regex(values, r"[()\[\]{}<>]", ""), ",")
