"""The order of joins: the cheapest of all trees for few relations, near to it for more, soon for many."""

from __future__ import annotations

import time
from functools import cache
from itertools import combinations
from random import Random

import pytest

from optimizer.join_order import (
    EqualColumns,
    JoinGraph,
    JoinTree,
    Predicate,
    hash_table_first,
    last_joins,
    order_joins,
    rows_of,
    written_order,
)

_SHAPES = ("chain", "star", "cycle", "clique", "tree", "shared column")


def _links(shape: str, count: int, random: Random) -> list[tuple[int, ...]]:
    if shape == "chain":
        return [(place, place + 1) for place in range(count - 1)]
    if shape == "star":
        return [(0, place) for place in range(1, count)]
    if shape == "cycle":
        return [(place, (place + 1) % count) for place in range(count)]
    if shape == "clique":
        return [*combinations(range(count), 2)]
    if shape == "shared column":
        return [
            tuple(range(0, count, 2)),
            tuple(range(count // 2)),
            *((place, place + 1) for place in range(count - 1)),
        ]
    return [(random.randrange(place), place) for place in range(1, count)]


def _graph(shape: str, count: int, random: Random) -> JoinGraph:
    rows = tuple(10 ** random.uniform(0, 7) for _ in range(count))
    equal = tuple(
        EqualColumns(tuple((one, max(1.0, rows[one] * random.random())) for one in link))
        for link in _links(shape, count, random)
        if len(set(link)) > 1
    )
    one, other = random.sample(range(count), 2)
    predicates = (Predicate(1 << one | 1 << other, random.random()),)
    return JoinGraph(rows, tuple(random.uniform(4, 200) for _ in rows), equal, predicates)


def _least_cost(graph: JoinGraph) -> float:
    """The cost of the best of all trees without a cross join."""
    linked = [equal.members for equal in graph.equal] + [one.members for one in graph.predicates]

    @cache
    def best(members: int) -> JoinTree | None:
        if members.bit_count() == 1:
            number = members.bit_length() - 1
            return JoinTree(members, graph.rows[number], graph.widths[number], relation=number)
        found: JoinTree | None = None
        part = members & (members - 1)
        while part:
            left, right = best(part), best(members ^ part)
            if left is not None and right is not None and any(left.members & m and right.members & m for m in linked):
                tree = hash_table_first(graph, left, right)
                if found is None or tree.cost < found.cost:
                    found = tree
            part = (part - 1) & members
        return found

    tree = best((1 << len(graph.rows)) - 1)
    assert tree is not None
    return tree.cost


@pytest.mark.parametrize("shape", _SHAPES)
@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7])
def test_finds_the_cheapest_of_all_trees(shape: str, count: int) -> None:
    random = Random(f"{shape} {count}")
    for _ in range(3):
        graph = _graph(shape, count, random)
        tree = order_joins(graph)
        assert sorted(tree.leaves) == [*range(count)]
        assert tree.cost == pytest.approx(_least_cost(graph), rel=1e-9)


@pytest.mark.parametrize("shape", ["chain", "star", "clique", "tree"])
def test_is_near_to_the_cheapest_where_not_all_trees_are_tried(shape: str) -> None:
    random = Random(shape)
    graph = _graph(shape, 8, random)
    assert order_joins(graph, most_pairs=100).cost <= 1.5 * _least_cost(graph)


@pytest.mark.parametrize("shape", _SHAPES)
def test_is_quick_for_many_relations(shape: str) -> None:
    random = Random(shape)
    for count, most in ((8, 0.05), (17, 0.25), (40, 2.0)):  # several times what it takes on an idle machine
        graph = _graph(shape, count, random)
        begin = time.process_time()
        assert sorted(order_joins(graph).leaves) == [*range(count)]
        assert time.process_time() - begin < most


def test_smaller_side_is_hashed() -> None:
    tree = order_joins(JoinGraph((1e6, 10.0), (8.0, 8.0), (EqualColumns(((0, 10.0), (1, 10.0))),)))
    assert tree.leaves == [1, 0]
    assert tree.rows == pytest.approx(1e6)


def test_two_filtered_branches_are_joined_with_each_other() -> None:
    """customer - orders - lineitem - supplier, with few customers and few suppliers: a bushy tree."""
    rows = (6_000.0, 1.5e6, 6e6, 400.0)
    linked = (((0, 150e3), (1, 150e3)), ((1, 1.5e6), (2, 1.5e6)), ((2, 10e3), (3, 10e3)))
    tree = order_joins(JoinGraph(rows, (20.0,) * 4, tuple(map(EqualColumns, linked))))
    assert tree.left is not None and tree.right is not None
    assert {tree.left.members, tree.right.members} == {0b0011, 0b1100}


def test_relations_without_conditions_come_last() -> None:
    graph = JoinGraph((5.0, 100.0, 3.0, 50.0), (8.0,) * 4, (EqualColumns(((1, 100.0), (3, 50.0))),))
    tree = order_joins(graph)
    assert tree.rows == pytest.approx(5 * 3 * 50)
    assert {1, 3} in ({*part.leaves} for part in (tree.left, tree.right) if part is not None)


def test_a_condition_on_three_relations_counts_once_they_are_joined() -> None:
    equal = tuple(EqualColumns(((place, 10.0), (place + 1, 10.0))) for place in range(2))
    graph = JoinGraph((10.0, 10.0, 10.0), (8.0,) * 3, equal, (Predicate(0b111, 0.5),))
    assert rows_of(graph, 0b011) == pytest.approx(10)
    assert rows_of(graph, 0b111) == pytest.approx(5)


def test_columns_equal_to_the_same_column_divide_once_each() -> None:
    shared = EqualColumns(((0, 10.0), (1, 100.0), (2, 1000.0)))
    graph = JoinGraph((10.0, 100.0, 1000.0), (8.0,) * 3, (shared,))
    assert rows_of(graph, 0b101) == pytest.approx(10)
    assert rows_of(graph, 0b111) == pytest.approx(10)


def test_written_order_waits_for_links() -> None:
    assert written_order(4, [0b1001, 0b1010, 0b0110]).leaves == [0, 3, 1, 2]
    assert written_order(3, []).leaves == [0, 1, 2]


@pytest.mark.parametrize("shape", ["chain", "star", "cycle", "clique", "tree"])
@pytest.mark.parametrize("count", [3, 4, 6, 8])
def test_all_trees_are_tried_where_there_are_no_more_pairs_than_allowed(shape: str, count: int) -> None:
    graph = _graph(shape, count, Random(f"{shape} {count}"))
    pairs = _count_pairs([one.members for one in graph.equal] + [one.members for one in graph.predicates], count)
    assert len(last_joins(graph, most_pairs=pairs)) > 1
    assert len(last_joins(graph, most_pairs=pairs - 1)) == 1


def _count_pairs(links: list[int], count: int) -> int:
    """Count the pairs of connected sets with a link between them, one set of a pair holding the lowest of both."""

    def is_connected(members: int) -> bool:
        found, before = members & -members, 0
        while found != before:
            before = found
            found |= sum(1 << one for one in range(count) if any(m >> one & 1 and m & before for m in links)) & members
        return found == members

    connected = [members for members in range(1, 1 << count) if is_connected(members)]
    beside = (
        (one, other) for one in connected for other in connected if not one & other and one & -one < other & -other
    )
    return sum(any(one & link and other & link for link in links) for one, other in beside)
