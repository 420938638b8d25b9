"""The queries of a scan: columns, conditions, and ranges of ctid for tables that several connections read."""

from __future__ import annotations

from collections.abc import Iterable

from catalog.names import always_quoted
from catalog.scans import Comparison
from connectors.postgres.comparisons import condition, takes
from connectors.postgres.decode import ODD_ARRAYS
from connectors.postgres.settings import PostgresOptions
from connectors.postgres.shapes import ROWS_IN_ORDER_OF_STORAGE, RelationShape


def scan_queries(
    remote: tuple[str, ...],
    shape: RelationShape,
    columns: tuple[str, ...],
    comparisons: Iterable[Comparison],
    options: PostgresOptions,
) -> tuple[str, ...]:
    """Return queries whose rows together are those of the scan. Without columns they count the rows."""
    conditions = [
        condition(shape.columns[each.column], each)
        for each in comparisons
        if each.column in shape.columns and takes(shape.columns[each.column], each)
    ]
    relation = ".".join(always_quoted(part) for part in remote)
    head = f"SELECT {_selected(shape, columns)} FROM {relation}"
    return tuple(
        f"{head} WHERE {' AND '.join(found)}" if (found := [*conditions, *ranged]) else head
        for ranged in _ctid_ranges(shape, options)
    )


def _selected(shape: RelationShape, columns: tuple[str, ...]) -> str:
    if not columns:
        return "count(*)"
    selected, odd = [], []
    for name in columns:
        quoted, way = always_quoted(name), shape.columns[name].type
        expression = way.selected.format(quoted)
        selected.append(quoted if expression == quoted else f"{expression} AS {quoted}")
        if way.sql_type.endswith("[]"):
            odd.append(f"array_ndims({quoted}) > 1 OR array_lower({quoted}, 1) <> 1")
    if odd:
        selected.append(f"({' OR '.join(odd)}) AS {always_quoted(ODD_ARRAYS)}")
    return ", ".join(selected)


def _ctid_ranges(shape: RelationShape, options: PostgresOptions) -> list[list[str]]:
    """Return the conditions of each partition. Of a partitioned table every leaf is cut at the same blocks; the last
    range has no end, so rows written since the table was measured are read too.
    """
    if not shape.ctid_ranges or shape.kind not in ROWS_IN_ORDER_OF_STORAGE or shape.bytes < options.parallel_scan_bytes:
        return [[]]
    parts = min(options.parallel_scans, shape.bytes // options.parallel_scan_bytes + 1, max(shape.blocks, 1))
    cuts = [shape.blocks * part // parts for part in range(1, parts)]
    starts = [[], *([f"ctid >= '({cut},0)'::tid"] for cut in cuts)]
    ends = [*([f"ctid < '({cut},0)'::tid"] for cut in cuts), []]
    return [[*start, *end] for start, end in zip(starts, ends, strict=True)]
