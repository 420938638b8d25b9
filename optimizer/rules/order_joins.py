"""Tables are joined in the order that is expected to be the cheapest."""

from __future__ import annotations

from sqlglot import exp

from optimizer.cardinality import Cardinality, Statistics
from optimizer.census import find_around
from optimizer.corrections import corrected_graph
from optimizer.feedback import Informed
from optimizer.hints import BlockHints
from optimizer.join_block import JoinBlock, get_join_block
from optimizer.join_conditions import Conditions, conditions_of, links
from optimizer.join_graph import equalities_between
from optimizer.join_order import JoinGraph, JoinTree, written_order
from optimizer.join_order import order_joins as cheapest
from optimizer.unique_semi_joins import semi_joins_as_sources


def order_joins(tree: exp.Query, statistics: Statistics) -> exp.Query:
    """Join the tables of each block of inner joins by cost: ``a JOIN (b JOIN c ON …) ON …``, the smaller side first.

    Why good: the engine joins in the order in which a query is written, hashes the left side and streams the right
    one past it; a good order is often ten times cheaper than a bad one. Each condition is asked as soon as its tables
    are there; columns that are equal to the same column are equal. ``x IN (SELECT k … GROUP BY k)`` is joined as one
    more table where there are others, since no k comes twice.
    When illegal: outer joins come after the inner ones (`join_block`); what is volatile, and subqueries, stay in WHERE,
    above the joins. LATERAL, RIGHT and FULL joins are left as they are.
    Without statistics of every table in a block its tables keep their order as far as conditions link them.
    Before it: filters are pushed into the tables, so that their rows can be estimated, and columns pruned.
    """
    if not any(select.args.get("joins") for select in find_around(tree, exp.Select)):
        return tree
    cardinality = Cardinality(statistics)
    for select in find_around(tree, exp.Select):  # outer ones first: they are estimated by inner ones as written
        _order(select, cardinality)
    return tree


def joins_as_written(tree: exp.Query, statistics: Statistics) -> exp.Query:
    """Join the tables of each block in the order of FROM, as far as conditions link them: as `order_joins` does where
    nothing is known of the tables. For who knows better; what hints say of the order holds.
    """
    hints = statistics.hints if isinstance(statistics, Informed) else None
    return order_joins(tree, {} if hints is None else Informed({}, None, hints))


def _order(select: exp.Select, cardinality: Cardinality) -> None:
    block = get_join_block(select)
    if block is None:
        return
    if all(cardinality.of_joined(source.node, ()) is not None for source in block.sources):
        block = semi_joins_as_sources(block)
        cardinality = Cardinality(cardinality.statistics)  # relations have other conditions now
    numbers, conditions = block.numbers, conditions_of(block)
    found = corrected_graph(block, conditions, cardinality)
    hints = None if cardinality.hints is None else cardinality.hints.within(numbers)
    linked = links(conditions, numbers)
    if found is None:
        tree = written_order(len(block.sources), linked, () if hints is None else hints.without_statistics())
    else:
        graph, _ = found
        tree = cheapest(graph) if hints is None else _hinted(graph, hints)
    if hints is not None:
        equal = linked[: len(conditions.equal)]
        hints.judge(tree, lambda left, right: any(mask & left and mask & right for mask in equal))
    _write(block, tree, conditions, numbers)


def _hinted(graph: JoinGraph, hints: BlockHints) -> JoinTree:
    graph = hints.with_rows(graph)
    return hints.order(graph) or cheapest(graph)


# Writing it down -----------------------------------------------------------------------------------------------------


def _write(block: JoinBlock, tree: JoinTree, conditions: Conditions, numbers: dict[str, int]) -> None:
    if tree.left is None or tree.right is None:
        return
    rest = [*conditions.others]
    nodes = {number: source.node for number, source in enumerate(block.sources)}
    first, joins = _joined(tree, nodes, conditions.equal, rest, numbers)
    block.replace(first, joins, [condition for _, condition in rest])


def _joined(
    tree: JoinTree,
    nodes: dict[int, exp.Expr],
    equal: tuple[tuple[exp.Column, ...], ...],
    rest: list[tuple[int, exp.Expr]],
    numbers: dict[str, int],
) -> tuple[exp.Expr, list[exp.Join]]:
    """Return the first source of a tree and the joins after it; takes the conditions that it asks from ``rest``."""
    if tree.left is None or tree.right is None:
        node = nodes[tree.relation]
        node.set("joins", None)
        return node, []
    first, joins = _joined(tree.left, nodes, equal, rest, numbers)
    second, others = _joined(tree.right, nodes, equal, rest, numbers)
    if others:
        second.set("joins", others)
        second = exp.Subquery(this=second)
    on = [*equalities_between(equal, tree.left.members, tree.right.members, numbers)]
    on += [condition for mask, condition in rest if mask & tree.members == mask]
    rest[:] = [one for one in rest if one[0] & tree.members != one[0]]
    join = exp.Join(this=second, on=exp.and_(*on, copy=False)) if on else exp.Join(this=second, kind="CROSS")
    return first, [*joins, join]
