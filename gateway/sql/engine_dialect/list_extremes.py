"""The least and the greatest element of each of a column's lists, which the engine finds of numbers and moments alone:
of texts it fails where there are no rows.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def least(lists: pa.Array) -> pa.Array:
    """Return the least known element of each list, NULL of one without any."""
    return _first(lists, "ascending")


def greatest(lists: pa.Array) -> pa.Array:
    """Return the greatest known element of each list, NULL of one without any."""
    return _first(lists, "descending")


def _first(lists: pa.Array, order: str) -> pa.Array:
    chunk = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
    flat = pc.list_flatten(chunk)
    rows = pa.table({"owner": pc.list_parent_indices(chunk), "value": flat}).filter(flat.is_valid())
    sorted_rows = pc.sort_indices(rows, sort_keys=[("owner", "ascending"), ("value", order)])
    owners = rows["owner"].take(sorted_rows).to_numpy()
    owned, firsts = np.unique(owners, return_index=True)
    places = np.zeros(len(chunk), np.int64)
    places[owned] = sorted_rows.to_numpy()[firsts]
    absent = np.ones(len(chunk), np.bool_)
    absent[owned] = False
    return rows["value"].combine_chunks().take(pa.array(places, mask=absent))
