"""What is expected of joins, by statistics and by what earlier runs have found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalog.names import TableName
from optimizer.cardinality import Cardinality
from optimizer.feedback import Feedback, Observed, join_text, source_tables
from optimizer.join_block import JoinBlock
from optimizer.join_conditions import Conditions
from optimizer.join_graph import join_graph
from optimizer.join_order import JoinGraph, rows_of, with_rows


@dataclass(frozen=True, slots=True)
class Correction:
    """The join of the sources of a mask: what was observed of it, and how many rows statistics expected."""

    members: int
    observed: Observed
    estimate: float


def corrected_graph(
    block: JoinBlock, conditions: Conditions, cardinality: Cardinality
) -> tuple[JoinGraph, tuple[Correction, ...]] | None:
    """Return what the order of a block's sources depends on, with what earlier runs have found of their joins; None
    where rows of a source cannot be told.
    """
    found = [cardinality.of_joined(source.node, ()) for source in block.sources]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    graph = join_graph(conditions, known, block.numbers, cardinality)
    return (graph, ()) if cardinality.feedback is None else _corrected(graph, block, conditions, cardinality.feedback)


def _corrected(
    graph: JoinGraph, block: JoinBlock, conditions: Conditions, feedback: Feedback
) -> tuple[JoinGraph, tuple[Correction, ...]]:
    """Put in what is known of joins, small ones first: larger ones follow them."""
    found: list[Correction] = []
    for members in sorted(_candidates(source_tables(block), feedback), key=int.bit_count):
        text = join_text(block, members, conditions)
        observed = None if text is None else feedback.look_up(text)
        if observed is not None:
            estimate = rows_of(graph, members)
            found.append(Correction(members, observed, estimate))
            graph = with_rows(graph, members, observed.beside(estimate))
    return graph, tuple(found)


def _candidates(tables: Sequence[frozenset[TableName]], feedback: Feedback) -> Iterator[int]:
    """Yield the masks of sources that read the tables of something that is known, and no others."""
    for wanted in feedback.tables:
        chosen = [at for at, own in enumerate(tables) if own and own <= wanted]
        if len(chosen) > 1 and frozenset().union(*(tables[at] for at in chosen)) == wanted:
            yield sum(1 << at for at in chosen)
