"""Which orders of joins were considered, and what each was expected to cost: for EXPLAIN, found out when it asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from optimizer.cardinality import Cardinality, Statistics
from optimizer.corrections import corrected_graph
from optimizer.join_block import JoinBlock, Source, get_join_block
from optimizer.join_conditions import conditions_of
from optimizer.join_order import JoinTree, last_joins, left_deep
from optimizer.scopes import queries
from optimizer.stages import AT_SERVER, JoinAtServer, Optimized, RemotePart

_MOST_SHOWN = 3  # besides the order that was chosen
_FEWEST = 3  # tables: of two there is one order


@dataclass(frozen=True, slots=True)
class Order:
    """An order of joins, ``((a b) c)`` with the hashed side first; ``cost`` is in milliseconds of one core, of the
    joins alone.
    """

    text: str
    cost: float


@dataclass(frozen=True, slots=True)
class ConsideredOrders:
    """The order in which the tables of one FROM are joined, how many rows are expected of it, and other orders."""

    chosen: Order
    rows: float
    others: tuple[Order, ...]


def considered_orders(
    optimized: Optimized, statistics: Statistics, parts: Sequence[RemotePart] = (), *, reorders: bool = True
) -> list[ConsideredOrders]:
    """Return what was considered for each FROM with three tables or more, those aside that are in ``parts``: servers
    order their joins. ``reorders`` says whether the cheapest order was taken, and not that of the query; the cheapest
    is among the others, then.
    """
    found = []
    asked = queries(optimized.tree)
    at_servers = {id(one) for part in parts for one in asked[part.place].find_all(exp.Select)}
    for select in optimized.tree.find_all(exp.Select):
        block = get_join_block(select) if id(select) not in at_servers else None
        if block is not None and len(block.sources) >= _FEWEST:
            found += [*_considered(block, Cardinality(statistics), reorders=reorders)]
    return found


def _considered(block: JoinBlock, cardinality: Cardinality, *, reorders: bool) -> Iterator[ConsideredOrders]:
    found = corrected_graph(block, conditions_of(block), cardinality)
    if found is None:
        return
    graph, _ = found
    hints = None if cardinality.hints is None else cardinality.hints.within(block.numbers)
    graph = graph if hints is None else hints.with_rows(graph)
    asked = None if hints is None else hints.order(graph)
    cheapest = last_joins(graph)
    if asked is not None:
        chosen = asked
        cheapest = [one for one in cheapest if one.leaves != asked.leaves]
    else:
        chosen = cheapest.pop(0) if reorders else left_deep(graph, range(len(block.sources)))
    names = [*map(_name, block.sources)]
    others = tuple(_order(one, names) for one in cheapest[:_MOST_SHOWN])
    yield ConsideredOrders(_order(chosen, names), chosen.rows, others)


def _name(source: Source) -> str:
    """Return the alias of a source; joins that are not taken apart have several, and so have those of servers."""
    joined = source.node.this.meta.get(AT_SERVER)
    if isinstance(joined, JoinAtServer):
        return f"[{joined.name.partition(' of ')[2]}]"
    return min(source.aliases) if len(source.aliases) == 1 else f"[{', '.join(sorted(source.aliases))}]"


def _order(tree: JoinTree, names: list[str]) -> Order:
    return Order(_text(tree, names), tree.cost / 1e6)


def _text(tree: JoinTree, names: list[str]) -> str:
    if tree.left is None or tree.right is None:
        return names[tree.relation]
    return f"({_text(tree.left, names)} {_text(tree.right, names)})"
