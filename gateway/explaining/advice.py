"""Where a plan that was run had other rows than were expected, in a sentence, and what helps."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gateway.plan_tree import PlanNode
from optimizer.cardinality import Cardinality, Statistics
from optimizer.relations import relations
from optimizer.stages import Fragment, Optimized

_LEAST_ROWS = 100.0  # of which a difference matters
_LEAST_FACTOR = 3.0


def expected_rows(optimized: Optimized, statistics: Statistics) -> list[float | None]:
    """Return how many rows each relation of a query was expected to have when its tables were put in order."""
    cardinality = Cardinality(statistics)
    found = (cardinality.of_query(relation.select) for relation in relations(optimized.tree))
    return [None if one is None else one.rows for one in found]


def worst_estimate(root: PlanNode, parts: Sequence[Fragment], analyzed: Collection[str] = ()) -> str | None:
    """Return a sentence on the table whose rows were farthest from what was expected; None where none was far.
    ``analyzed`` are tables whose versions that were read ANALYZE has read before.
    """
    found = [node for node in root.walk() if node.is_by_optimizer and "output_rows" in node.metrics]
    worst = max(found, key=_factor, default=None)
    if worst is None or worst.rows is None or _factor(worst) < _LEAST_FACTOR:
        return None
    actual = worst.metrics["output_rows"]
    table = next(".".join(one.relation) for one in worst.walk() if one.relation is not None)
    direction = "more" if actual > worst.rows else "fewer"
    return (
        f"{table} was expected to have {worst.rows:,.0f} rows and had {actual:,.0f}: "
        f"{_factor(worst):,.0f} times {direction}. {_help(table, worst, parts, analyzed)}"
    )


def _factor(node: PlanNode) -> float:
    expected, actual = max(node.rows or 0.0, 1.0), max(node.metrics["output_rows"], 1.0)
    return max(expected, actual) / min(expected, actual) if max(expected, actual) >= _LEAST_ROWS else 1.0


def _help(table: str, node: PlanNode, parts: Sequence[Fragment], analyzed: Collection[str]) -> str:
    kinds = {part.snapshot.table.kind for part in parts if str(part.snapshot.table.name) == table}
    if kinds == {"postgres"}:
        return "Run ANALYZE on it at its source, so that its statistics are those of today."
    if table not in analyzed:
        return f"Run ANALYZE {table}: its files tell least and greatest values alone, ANALYZE how they are spread."
    return (
        "It was analyzed as it is, but conditions on expressions, or on columns that depend on each other, are "
        "guessed: join it to the most selective table in a WITH first."
    )
