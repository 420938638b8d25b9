"""The queries of a scan: columns, conditions, and ranges of ctid for tables that several connections read.

A query names its columns, and a name may have gone over to another column since the table was planned: what is said of
a column, a mask above all, would then be said of another one. So each query has a guard that asks, before its first
row, which columns have these names, and fails where they are not those that were planned. It is asked of the server's
caches, which follow the lock that the query holds on the table, and not of its catalogues' tables: a snapshot taken
before the lock would show the names of before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.names import always_quoted, quote_literal
from catalog.scans import Comparison
from catalog.tables import Table
from connectors.postgres.comparisons import condition, takes
from connectors.postgres.decode import ODD_ARRAYS
from connectors.postgres.settings import PostgresOptions
from connectors.postgres.shapes import ROWS_IN_ORDER_OF_STORAGE, RelationShape

# 1259 is pg_class. ``lakegate.columns_were_changed`` is a setting that no server has: to ask for it is an error of its
# own, 42704.
_GUARD = """(SELECT CASE WHEN pg_catalog.bool_and((pg_catalog.pg_identify_object_as_address(1259, {relation}, u.number))
 .object_names IS NOT DISTINCT FROM ARRAY[{path}, u.name]) THEN 0
 ELSE pg_catalog.current_setting('lakegate.columns_were_changed')::pg_catalog.int8 END
 FROM ROWS FROM (pg_catalog.unnest(ARRAY[{numbers}]), pg_catalog.unnest(ARRAY[{names}])) u (number, name))"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a scan's rows have to meet: comparisons, and conditions that were written of keys."""

    comparisons: Iterable[Comparison]
    by_keys: tuple[str, ...] = ()


def scan_queries(
    remote: tuple[str, ...],
    shape: RelationShape,
    columns: tuple[str, ...],
    asked: Asked,
    options: PostgresOptions,
) -> tuple[str, ...]:
    """Return queries whose rows together are those of the scan. Without columns they count the rows."""
    conditions = [
        condition(shape.columns[each.column], each)
        for each in asked.comparisons
        if each.column in shape.columns and takes(shape.columns[each.column], each)
    ]
    conditions += asked.by_keys
    relation = ".".join(always_quoted(part) for part in remote)
    head = f"SELECT {_selected(shape, columns)} FROM {relation}"
    return tuple(
        f"{head} WHERE {' AND '.join(found)}" if (found := [*conditions, *ranged]) else head
        for ranged in ([[]] if asked.by_keys else _ctid_ranges(shape, options))
    )


def guard(table: Table, names: Iterable[str]) -> str | None:
    """Return an expression that is 0 where columns are those that were planned, by their numbers, and else fails."""
    wanted = {*names}
    known = [(column.name, column.identity.split("/")) for column in table.columns if column.identity is not None]
    checked = [(name, identity) for name, identity in known if name in wanted]
    if not checked:
        return None
    return _GUARD.format(
        relation=checked[0][1][0],
        path=", ".join(map(quote_literal, table.remote[:2])),
        numbers=", ".join(number for _, (_, number) in checked),
        names=", ".join(quote_literal(name) for name, _ in checked),
    )


def guarded(query: str, guard: str | None) -> str:
    """Return a query that fails where its guard does: an offset is computed once, and before all rows."""
    return query if guard is None else f"{query} OFFSET {guard}"


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
