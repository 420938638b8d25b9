"""What a run has found is compared with what was expected of it, and kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from catalog.feedback import Found
from catalog.names import TableName
from catalog.principals import Principal
from gateway.execute.operators import Operator
from gateway.feedback.cache import FeedbackCache, Now, asker_text, digest
from gateway.feedback.columns import compared_columns, joined_columns
from gateway.feedback.matching import Places, matched
from optimizer.cardinality import Cardinality, Statistics
from optimizer.corrections import corrected_graph
from optimizer.feedback import Informed, join_text, query_text, tables_of
from optimizer.join_block import JoinBlock
from optimizer.join_conditions import conditions_of
from optimizer.join_order import rows_of
from optimizer.relations import relations
from optimizer.stages import Fragmented, Optimized

TellMisjudged = Callable[[TableName, Collection[str], float, float], None]
_MOST_PARTS = 64  # of one statement
_FAR = 2.0  # times more or fewer rows than expected, for which a plan is made anew
_MISJUDGED = 3.0  # times more or fewer, of which people are told
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
    in_memory: frozenset[str] = frozenset()  # names of scans


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a query by its text, the tables that it reads, and the columns by which its rows were expected."""

    text: str
    tables: frozenset[TableName]
    compared: Mapping[TableName, Collection[str]]


def collect(
    root: Operator, run: Run, cache: FeedbackCache, now: Now, misjudged: TellMisjudged = lambda *_: None
) -> None:
    """Keep how many rows the parts of a run have had, where they were expected to have others, and have its plan made
    anew where these were many times more or fewer. ``misjudged`` is told of conditions and joins by columns that were
    far off. Blocks.
    """
    found: dict[str, Found] = {}
    asker, at, is_far = asker_text(run.principal), datetime.now(UTC), False
    for part, rows, expected in _parts(root, run):
        key = digest(asker, part.text)
        is_small = max(rows, expected) < _LEAST_ROWS
        if not cache.knows(key) and (is_small or _factor(rows, expected) < _NEAR):
            continue
        found[key] = Found(rows, MappingProxyType({name: now(name) for name in part.tables}), at)
        is_far = is_far or _factor(rows, expected) >= _FAR
        if _factor(rows, expected) >= _MISJUDGED:
            for table, columns in part.compared.items():
                misjudged(table, columns, expected, rows)
        if len(found) == _MOST_PARTS:
            break
    cache.note(found)
    if is_far:
        cache.outdate(run.plan)


def _parts(root: Operator, run: Run) -> Iterator[tuple[_Part, float, float]]:
    """Yield each part, its rows, and how many were expected."""
    every = [*relations(run.optimized.tree)]
    filtered: dict[int, Places] = {
        target: frozenset(at for at, one in enumerate(every) if one.name in tables) | {target}
        for target, tables in run.filtered
    }
    seen = matched(root, run.optimized.tree, run.fragmented, filtered, run.in_memory)
    cardinality = Cardinality(run.statistics)
    for query, rows in seen.queries:
        text, expected = query_text(query), cardinality.of_query(query)
        if text is not None and expected is not None:
            yield _Part(text, tables_of(query), compared_columns(query)), rows, expected.rows
    for block, members, rows in seen.joins:
        yield from _join(block, members, rows, cardinality)


def _join(
    block: JoinBlock, members: int, rows: float, cardinality: Cardinality
) -> Iterator[tuple[_Part, float, float]]:
    conditions = conditions_of(block)
    text, graph = join_text(block, members, conditions), corrected_graph(block, conditions, cardinality)
    if text is None or graph is None:
        return
    nodes = (source.node for number, source in enumerate(block.sources) if members >> number & 1)
    tables = frozenset[TableName]().union(*map(tables_of, nodes))
    yield _Part(text, tables, joined_columns(block, members, conditions)), rows, rows_of(graph[0], members)


def informed(statistics: Statistics, principal: Principal, cache: FeedbackCache, now: Now) -> Statistics:
    """Return the statistics of tables with what runs of the principal's statements have found."""
    feedback = cache.of(principal, statistics, now)
    return statistics if feedback is None else Informed(statistics, feedback)


def _factor(one: float, other: float) -> float:
    least, most = sorted((max(1.0, one), max(1.0, other)))
    return most / least
