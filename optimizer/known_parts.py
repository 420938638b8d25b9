"""Which estimates of a query follow from what runs before have found: for EXPLAIN, found out when it asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from optimizer.cardinality import Cardinality, Statistics
from optimizer.corrections import corrected_graph
from optimizer.feedback import Informed, Observed
from optimizer.join_block import JoinBlock, Source, get_join_block
from optimizer.join_conditions import conditions_of


@dataclass(frozen=True, slots=True)
class KnownPart:
    """A table, a subquery or a join, by the names that the query gives: what was found of it, and how many rows were
    expected otherwise.
    """

    name: str
    observed: Observed
    estimate: float


def known_parts(tree: exp.Query, statistics: Statistics) -> list[KnownPart]:
    """Return the parts of a query of which something was found."""
    if not isinstance(statistics, Informed) or statistics.feedback is None:
        return []
    without, cardinality = Cardinality(statistics.statistics), Cardinality(statistics)
    found: list[KnownPart] = []
    for node in tree.find_all(exp.Subquery):
        if not node.alias or not isinstance(node.this, exp.Query):
            continue
        observed, estimate = statistics.feedback.of_query(node.this), without.of_query(node.this)
        if observed is not None and estimate is not None:
            found.append(KnownPart(node.alias, observed, estimate.rows))
    for select in tree.find_all(exp.Select):
        block = get_join_block(select)
        if block is not None:
            found += _joins(block, cardinality)
    return found


def _joins(block: JoinBlock, cardinality: Cardinality) -> Iterator[KnownPart]:
    graph = corrected_graph(block, conditions_of(block), cardinality)
    for correction in () if graph is None else graph[1]:
        names = (_name(source) for at, source in enumerate(block.sources) if correction.members >> at & 1)
        yield KnownPart(f"({' '.join(sorted(names))})", correction.observed, correction.estimate)


def _name(source: Source) -> str:
    return ", ".join(sorted(source.aliases))
