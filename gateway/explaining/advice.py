"""Where a plan that was run had other rows than were expected, in a sentence, and what helps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from sqlglot import exp

from catalog.names import quote_identifier
from gateway.history.log import Planned
from gateway.lake import Lake
from gateway.plan_tree import PlanNode
from gateway.sql.session_relations import KIND as SESSION
from optimizer.cardinality import Cardinality, Statistics
from optimizer.relations import relations
from optimizer.stages import NOT_COMPARED, Fragment, Optimized

Analyzed = Mapping[str, Collection[frozenset[str]]]
_NOTHING: Analyzed = MappingProxyType({})
_RANGES = (exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between)
_LEAST_ROWS = 100.0  # of which a difference matters
_LEAST_FACTOR = 3.0


def expected_rows(optimized: Optimized, statistics: Statistics) -> list[float | None]:
    """Return how many rows each relation of a query was expected to have when its tables were put in order."""
    cardinality = Cardinality(statistics)
    found = (cardinality.of_query(relation.select) for relation in relations(optimized.tree))
    return [None if one is None else one.rows for one in found]


def expected_of(planned: Planned, lake: Lake) -> list[float | None]:
    """Return how many rows each relation of a plan is expected to have by the statistics of now; None where that
    depends on parameters that are ends of ranges. May block.
    """
    tables = [table for table in planned.optimized.tables.values() if table.kind != SESSION]
    found = expected_rows(planned.optimized, lake.statistics(tables))
    return [
        None if _has_open_range(relation.select) else rows
        for rows, relation in zip(found, relations(planned.optimized.tree), strict=True)
    ]


def _has_open_range(select: exp.Select) -> bool:
    given = (each for one in select.find_all(*_RANGES) for each in one.find_all(exp.Parameter, exp.Placeholder))
    return next(given, None) is not None


def worst_estimate(root: PlanNode, parts: Sequence[Fragment], analyzed: Analyzed = _NOTHING) -> str | None:
    """Return a sentence on the table whose rows were farthest from what was expected; None where none was far.
    ``analyzed`` are tables whose versions that were read ANALYZE has read before, with the columns whose combinations
    of values it has counted.
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


def _equal_columns(part: Fragment) -> list[str]:
    """Return the columns that conditions on a table hold equal to one value each."""
    return [*dict.fromkeys(one.column for one in (*part.pushed, *part.pruning) if one.operator == "=")]


def _guessed(parts: Sequence[Fragment]) -> str | None:
    """Return what helps where a condition is on an expression, of which statistics tell nothing; None where none is."""
    found = next((text for part in parts for text, reason in part.kept if reason == NOT_COMPARED), None)
    if found is None:
        return None
    return f"Statistics tell nothing of {found}: compare the column itself with constants where that asks the same."


def _help(table: str, node: PlanNode, parts: Sequence[Fragment], analyzed: Analyzed) -> str:
    own = [part for part in parts if str(part.snapshot.table.name) == table]
    equal = max((_equal_columns(part) for part in own), key=len, default=[])
    columns = ", ".join(map(quote_identifier, equal))
    guessed = _guessed(own)
    if guessed is not None and not any(part.pushed or part.pruning for part in own):
        return guessed
    if {part.snapshot.table.kind for part in own} == {"postgres"}:
        if len(equal) > 1:
            return f"Make CREATE STATISTICS (ndistinct) ON {columns} of it at its source, and run ANALYZE there."
        return "Run ANALYZE on it at its source, so that its statistics are those of today."
    if table not in analyzed:
        return f"Run ANALYZE {table}: its files tell least and greatest values alone, ANALYZE how they are spread."
    if len(equal) > 1 and frozenset(equal) not in analyzed[table]:
        return f"Run ANALYZE {table} ({columns}): it counts which of their values come together."
    return guessed or (
        "It was analyzed as it is, but conditions on columns that depend on each other are guessed: join it to the "
        "most selective table in a WITH first."
    )
