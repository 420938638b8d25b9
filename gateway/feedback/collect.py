"""What a run has found is compared with what was expected of it, and kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from catalog.feedback import Found
from catalog.names import TableName
from catalog.principals import Principal
from gateway.execute.operators import Operator
from gateway.feedback.cache import FeedbackCache, Now, asker_text, digest
from gateway.feedback.matching import Places, matched
from optimizer.cardinality import Cardinality, Statistics
from optimizer.corrections import corrected_graph
from optimizer.feedback import Informed, join_text, query_text, tables_of
from optimizer.join_block import JoinBlock
from optimizer.join_conditions import conditions_of
from optimizer.join_order import rows_of
from optimizer.relations import relations
from optimizer.stages import Fragmented, Optimized

_MOST_PARTS = 64  # of one statement
_FAR = 2.0  # times more or fewer rows than expected, for which a plan is made anew
_NEAR = 1.2  # an estimate that is no farther off is as good
_LEAST_ROWS = 100.0  # of fewer, found and expected, no difference matters


@dataclass(frozen=True, slots=True)
class Run:
    """A plan that is run: who asked, what is read, and by what its rows were expected. ``filtered`` are relations read
    by keys, with those that the keys are of.
    """

    plan: object
    principal: Principal
    optimized: Optimized
    fragmented: Fragmented
    statistics: Statistics
    filtered: tuple[tuple[int, tuple[TableName, ...]], ...] = ()


def collect(root: Operator, run: Run, cache: FeedbackCache, now: Now) -> None:
    """Keep how many rows the parts of a run have had, where they were expected to have others, and have its plan made
    anew where these were many times more or fewer. Blocks.
    """
    found: dict[str, Found] = {}
    asker, at, is_far = asker_text(run.principal), datetime.now(UTC), False
    for text, tables, rows, expected in _parts(root, run):
        key = digest(asker, text)
        is_small = max(rows, expected) < _LEAST_ROWS
        if not cache.knows(key) and (is_small or _factor(rows, expected) < _NEAR):
            continue
        found[key] = Found(rows, MappingProxyType({name: now(name) for name in tables}), at)
        is_far = is_far or _factor(rows, expected) >= _FAR
        if len(found) == _MOST_PARTS:
            break
    cache.note(found)
    if is_far:
        cache.outdate(run.plan)


def _parts(root: Operator, run: Run) -> Iterator[tuple[str, frozenset[TableName], float, float]]:
    """Yield each part's text, its tables, its rows, and how many were expected."""
    every = [*relations(run.optimized.tree)]
    filtered: dict[int, Places] = {
        target: frozenset(at for at, one in enumerate(every) if one.name in tables) | {target}
        for target, tables in run.filtered
    }
    seen = matched(root, run.optimized.tree, run.fragmented, filtered)
    cardinality = Cardinality(run.statistics)
    for query, rows in seen.queries:
        text, expected = query_text(query), cardinality.of_query(query)
        if text is not None and expected is not None:
            yield text, tables_of(query), rows, expected.rows
    for block, members, rows in seen.joins:
        yield from _join(block, members, rows, cardinality)


def _join(
    block: JoinBlock, members: int, rows: float, cardinality: Cardinality
) -> Iterator[tuple[str, frozenset[TableName], float, float]]:
    conditions = conditions_of(block)
    text, graph = join_text(block, members, conditions), corrected_graph(block, conditions, cardinality)
    if text is None or graph is None:
        return
    nodes = (source.node for number, source in enumerate(block.sources) if members >> number & 1)
    yield text, frozenset().union(*map(tables_of, nodes)), rows, rows_of(graph[0], members)


def informed(statistics: Statistics, principal: Principal, cache: FeedbackCache, now: Now) -> Statistics:
    """Return the statistics of tables with what runs of the principal's statements have found."""
    feedback = cache.of(principal, statistics, now)
    return statistics if feedback is None else Informed(statistics, feedback)


def _factor(one: float, other: float) -> float:
    least, most = sorted((max(1.0, one), max(1.0, other)))
    return most / least
