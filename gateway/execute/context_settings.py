"""The engine's settings: those of all contexts, and of statements over large and small tables."""

from __future__ import annotations

import os

_CORES = os.cpu_count() or 1
ALL = {
    "datafusion.sql_parser.dialect": "postgresql",
    "datafusion.sql_parser.parse_float_as_decimal": "true",  # 1.5 is numeric in PostgreSQL
    # Queries in each other, of which each takes two: what correlated subqueries become nests deeper than its text.
    "datafusion.sql_parser.recursion_limit": "200",
    "datafusion.sql_parser.map_string_types_to_utf8view": "false",  # Arrow's kernels, which functions use, refuse views
    "datafusion.execution.collect_statistics": "true",
    # Groups of which the least or greatest few are asked for are kept in a heap, which loses groups, or panics, where a
    # float is NaN (aggregates/topk of the engine); all of the groups are made, and then sorted.
    "datafusion.optimizer.enable_topk_aggregation": "false",
    # DISTINCT below a LIMIT takes one for such a heap's, and fails, where its rows come in an order.
    "datafusion.optimizer.enable_distinct_aggregation_soft_limit": "false",
    # The engine compares what it planned with what it made, and takes a CASE that cannot be NULL for one that can.
    "datafusion.execution.skip_physical_aggregate_schema_check": "true",
    "datafusion.catalog.information_schema": "false",
    "datafusion.explain.show_statistics": "true",  # of which EXPLAIN tells the rows alone
    # One core builds a hash table of so many rows, or bytes, while the others wait; above, both sides of a join are
    # sent to the cores by their keys, which costs more for every row of the larger side. The engine's own limits suit
    # many cores.
    "datafusion.optimizer.hash_join_single_partition_threshold_rows": str(max(131_072, 4_000_000 // _CORES)),
    "datafusion.optimizer.hash_join_single_partition_threshold": str(max(1 << 20, (128 << 20) // _CORES)),
}
# Joins that sort both sides need more than one partition, and each partition of each sort keeps some memory for what it
# spills: of both as little as they go with.
MERGING = {
    "datafusion.optimizer.prefer_hash_join": "false",
    "datafusion.execution.sort_spill_reservation_bytes": str(1 << 20),
}
MERGING_PARTITIONS = 2
# A join looks whole numbers up in an array where they come from less than so wide a range, however few they are: in a
# fifth to a half of a hash table's time. The array is not shared, and a join that finds no memory for it fails.
_WIDTH = "datafusion.execution.perfect_hash_join_small_build_threshold"
_WIDEST = 1 << 23
_BYTES_OF_A_NUMBER = 4
_PART_OF_MEMORY = 64  # that such an array takes at the most
_SMALL_PART = 8  # of that, for small tables: many statements join them at once


def of_large(memory_limit: int) -> dict[str, str]:
    """Return what is set besides for statements over large tables."""
    return {_WIDTH: str(_widest(memory_limit))}


def of_small(memory_limit: int) -> dict[str, str]:
    """Return what is set besides for statements over small tables."""
    return {_WIDTH: str(_widest(memory_limit) // _SMALL_PART)}


def _widest(memory_limit: int) -> int:
    return min(_WIDEST, memory_limit // _PART_OF_MEMORY // _BYTES_OF_A_NUMBER)
