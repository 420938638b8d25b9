"""In which order relations are joined: exhaustive for few of them, greedy with repairs for many.

Data in, data out: a `JoinGraph` holds what is known of the relations, a `JoinTree` says how to join them. Sets of
relations are bit masks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain

from optimizer import cost

MOST_PAIRS = 3000  # of sub-trees that are tried for one order: about 6 ms
_MOST_REPAIRED = 30  # relations: the greedy order of more is taken as it is
_ATOMS = 7  # sub-trees that a repair of the greedy order joins anew: at most 966 pairs


@dataclass(frozen=True, slots=True)
class EqualColumns:
    """Columns of several relations that a query holds equal: each relation with the number of values that its column
    has, before any filter.
    """

    distinct: tuple[tuple[int, float], ...]

    @property
    def members(self) -> int:
        """The relations, as a mask."""
        mask = 0
        for relation, _ in self.distinct:
            mask |= 1 << relation
        return mask

    def selectivity(self, among: int) -> float:
        """Return the part of the combinations of the relations ``among`` whose values are equal."""
        found = [distinct for relation, distinct in self.distinct if among >> relation & 1]
        return min(found) / math.prod(found) if len(found) > 1 else 1.0


@dataclass(frozen=True, slots=True)
class Predicate:
    """Another condition, on the relations of a mask, and the part of their combinations that meets it."""

    members: int
    selectivity: float


@dataclass(frozen=True, slots=True)
class JoinGraph:
    """What is to be joined: rows and width (in bytes) of each relation, and the conditions between them.

    ``corrections`` are by how much more, or fewer, rows the join of some relations has than all these say; they link
    nothing.
    """

    rows: tuple[float, ...]
    widths: tuple[float, ...]
    equal: tuple[EqualColumns, ...] = ()
    predicates: tuple[Predicate, ...] = ()
    corrections: tuple[Predicate, ...] = ()


@dataclass(frozen=True, slots=True)
class JoinTree:
    """A relation (its number in ``relation``), or a join whose left side is the one that is hashed.

    ``cost`` is in nanoseconds, of the joins alone.
    """

    members: int
    rows: float
    width: float
    cost: float = 0.0
    relation: int = -1
    left: JoinTree | None = None
    right: JoinTree | None = None

    @property
    def leaves(self) -> list[int]:
        """The relations from left to right."""
        if self.left is None or self.right is None:
            return [self.relation]
        return [*self.left.leaves, *self.right.leaves]


@dataclass(frozen=True, slots=True)
class Joining:
    """Joins trees of a graph, as somebody else orders them."""

    graph: JoinGraph
    _estimates: _Estimates

    def leaf(self, number: int) -> JoinTree:
        """Return a relation."""
        return _leaf(self.graph, number)

    def cheaper(self, one: JoinTree, other: JoinTree) -> JoinTree:
        """Return the cheaper of the two joins of two trees."""
        return self._estimates.require_join(one, other)

    def hashed(self, left: JoinTree, right: JoinTree) -> JoinTree:
        """Return the join in which ``left`` is hashed."""
        return replace(self._estimates.require_join(left, right), left=left, right=right)


def joined(graph: JoinGraph) -> Joining:
    """Return what joins trees of a graph."""
    return Joining(graph, _Estimates(graph))


def order_around(graph: JoinGraph, first: JoinTree, most_pairs: int = MOST_PAIRS) -> JoinTree:
    """Return the cheapest tree that has ``first`` in it."""
    leaves = [first, *(_leaf(graph, at) for at in range(len(graph.rows)) if not first.members >> at & 1)]
    return _order_of(leaves, _Estimates(graph), most_pairs)


def order_joins(graph: JoinGraph, most_pairs: int = MOST_PAIRS) -> JoinTree:
    """Return the cheapest tree that is found; relations without any condition between them come last.

    All trees without cross joins are tried where that takes no more than ``most_pairs`` pairs of sub-trees.
    """
    return _order_of([_leaf(graph, number) for number in range(len(graph.rows))], _Estimates(graph), most_pairs)


def _order_of(leaves: list[JoinTree], estimates: _Estimates, most_pairs: int) -> JoinTree:
    components = [_connected_order(part, estimates, most_pairs) for part in _components(leaves, estimates)]
    components.sort(key=lambda tree: tree.rows)
    tree = components[0]
    for other in components[1:]:
        tree = estimates.require_join(tree, other)
    return tree


def written_order(count: int, links: Sequence[int], leading: Sequence[int] = ()) -> JoinTree:
    """Return relations one after another as they are numbered, save that those without a link to any before them wait.

    ``links`` are masks of relations that a condition links; ``leading`` are relations that come first, in this order.
    """
    first, *others = leading or (0,)
    rest = [one for one in range(count) if one != first]
    tree = JoinTree(1 << first, 1.0, 0.0, relation=first)
    for chosen in others:
        rest.remove(chosen)
        leaf = JoinTree(1 << chosen, 1.0, 0.0, relation=chosen)
        tree = JoinTree(tree.members | leaf.members, 1.0, 0.0, left=tree, right=leaf)
    while rest:
        near = [one for one in rest if any(_is_met(link, tree.members, 1 << one) for link in links)]
        chosen = near[0] if near else rest[0]
        rest.remove(chosen)
        leaf = JoinTree(1 << chosen, 1.0, 0.0, relation=chosen)
        tree = JoinTree(tree.members | leaf.members, 1.0, 0.0, left=tree, right=leaf)
    return tree


def _is_met(link: int, members: int, other: int) -> bool:
    return bool(link & other and link & members and (link.bit_count() == 2 or not link & ~(members | other)))


def left_deep(graph: JoinGraph, numbers: Sequence[int]) -> JoinTree:
    """Return relations joined one after another, with what that costs where the engine hashes the smaller side."""
    estimates = _Estimates(graph)
    tree, *others = (_leaf(graph, number) for number in numbers)
    for other in others:
        tree = replace(estimates.require_join(tree, other), left=tree, right=other)
    return tree


def last_joins(graph: JoinGraph, most_pairs: int = MOST_PAIRS) -> list[JoinTree]:
    """Return for each way to make the last join the cheapest tree, the cheapest one first: what `order_joins` chooses
    from. Where it does not try all, and where relations are linked by nothing, there is its choice alone.
    """
    estimates = _Estimates(graph)
    leaves = [_leaf(graph, number) for number in range(len(graph.rows))]
    best = _best(leaves, estimates, most_pairs) if len([*_components(leaves, estimates)]) == 1 else None
    if best is None:
        return [order_joins(graph, most_pairs)]
    every = (1 << len(leaves)) - 1
    pairs = (one for one in _pairs([_near(leaves, place, estimates) for place in range(len(leaves))]))
    last = (estimates.require_join(best[one], best[other]) for one, other in pairs if one | other == every)
    return sorted(last, key=lambda tree: tree.cost)


def _leaf(graph: JoinGraph, number: int) -> JoinTree:
    return JoinTree(1 << number, graph.rows[number], graph.widths[number], relation=number)


def hash_table_first(graph: JoinGraph, one: JoinTree, other: JoinTree) -> JoinTree:
    """Return the cheaper of the two joins of two trees."""
    return _Estimates(graph).require_join(one, other)


def rows_of(graph: JoinGraph, members: int) -> float:
    """Return how many rows the join of some of the relations has."""
    return _Estimates(graph).rows(members)


def with_rows(graph: JoinGraph, members: int, rows: float) -> JoinGraph:
    """Return a graph in which the join of some relations has so many rows, and larger joins more or fewer with it."""
    correction = Predicate(members, rows / _Estimates(graph).fraction(members))
    return replace(graph, corrections=(*graph.corrections, correction))


def row_estimates(graph: JoinGraph) -> Callable[[int], float]:
    """Return a function with the meaning of `rows_of`, for many sets of relations."""
    return _Estimates(graph).rows


@dataclass(slots=True)
class _Estimates:
    """Rows of sets of relations, each computed once, and what joins cost by them."""

    graph: JoinGraph
    neighbours: list[int] = field(default_factory=list)
    equal_neighbours: list[int] = field(default_factory=list)
    bits: list[tuple[int, float]] = field(default_factory=list)
    conditions: list[tuple[int, float]] = field(default_factory=list)
    classes: list[tuple[int, EqualColumns]] = field(default_factory=list)
    known: dict[int, float] = field(default_factory=dict)
    reached: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bits = [(1 << number, rows) for number, rows in enumerate(self.graph.rows)]
        both = (*self.graph.predicates, *self.graph.corrections)
        self.conditions = [(predicate.members, predicate.selectivity) for predicate in both]
        for equal in self.graph.equal:
            if len(equal.distinct) == 2:
                self.conditions.append((equal.members, equal.selectivity(equal.members)))
            else:
                self.classes.append((equal.members, equal))
        linked = [equal.members for equal in self.graph.equal]
        self.equal_neighbours = _neighbours(linked, len(self.bits))
        pairs = [one.members for one in self.graph.predicates if one.members.bit_count() == 2]
        self.neighbours = _neighbours([*linked, *pairs], len(self.bits))

    def rows(self, members: int) -> float:
        """Return how many rows the join of a set of relations has."""
        found = self.known.get(members)
        if found is None:
            self.known[members] = found = max(self.fraction(members), 1.0)
        return found

    def fraction(self, members: int) -> float:
        """Return the same, where it is less than one row too."""
        found = math.prod(rows for bit, rows in self.bits if bit & members)
        for among, selectivity in self.conditions:
            if among & members == among:
                found *= selectivity
        for among, equal in self.classes:
            if among & members:
                found *= equal.selectivity(members)
        return found

    def join(self, one: JoinTree, other: JoinTree, below: float = math.inf) -> JoinTree | None:
        """Return the cheaper of the two joins of two trees, or None where it does not cost less than ``below``."""
        members = one.members | other.members
        rows = self.known.get(members) or self.rows(members)
        width = one.width + other.width
        if self._equal_to(one.members) & other.members:
            total = cost.hash_join(one.rows, one.width, other.rows, rows, width)
            mirrored = cost.hash_join(other.rows, other.width, one.rows, rows, width)
            left, right = (one, other) if total <= mirrored else (other, one)
            total = min(total, mirrored)
        else:
            left, right = (one, other) if one.rows <= other.rows else (other, one)
            total = cost.nested_loop_join(left.rows, right.rows, rows, width)
        total += one.cost + other.cost
        return JoinTree(members, rows, width, total, -1, left, right) if total < below else None

    def require_join(self, one: JoinTree, other: JoinTree) -> JoinTree:
        """Return the cheaper of the two joins of two trees."""
        tree = self.join(one, other)
        assert tree is not None
        return tree

    def _equal_to(self, members: int) -> int:
        found = self.reached.get(members)
        if found is None:
            self.reached[members] = found = _reach(self.equal_neighbours, members)
        return found


def _neighbours(links: list[int], count: int) -> list[int]:
    """Return for each relation the mask of those that it is linked with."""
    found = [0] * count
    for members in links:
        for relation in range(count):
            if members >> relation & 1:
                found[relation] |= members & ~(1 << relation)
    return found


def _reach(neighbours: Sequence[int], members: int) -> int:
    found = 0
    while members:
        lowest = members & -members
        found |= neighbours[lowest.bit_length() - 1]
        members ^= lowest
    return found


def _components(trees: list[JoinTree], estimates: _Estimates) -> Iterator[list[JoinTree]]:
    rest = [*trees]
    while rest:
        part, members = [rest.pop(0)], 0
        while members != (members := _members(part)):
            near = _reach(estimates.neighbours, members)
            part += [tree for tree in rest if tree.members & near]
            rest = [tree for tree in rest if not tree.members & near]
        yield part


def _members(trees: list[JoinTree]) -> int:
    mask = 0
    for tree in trees:
        mask |= tree.members
    return mask


def _connected_order(trees: list[JoinTree], estimates: _Estimates, most_pairs: int) -> JoinTree:
    if len(trees) == 1:
        return trees[0]
    found = _exhaustive(trees, estimates, most_pairs)
    if found is None:
        found = _greedy(trees, estimates)
        is_free = all(tree.left is None for tree in trees)  # nobody else has ordered some of them
        found = _repaired(found, estimates) if is_free and len(trees) <= _MOST_REPAIRED else found
    return found


# Exhaustive: Moerkotte and Neumann's DPccp. ---------------------------------------------------------------------------


def _exhaustive(atoms: list[JoinTree], estimates: _Estimates, most_pairs: int) -> JoinTree | None:
    """Return the cheapest tree over connected ``atoms``, None where more pairs of sub-trees would have to be tried."""
    best = _best(atoms, estimates, most_pairs)
    return None if best is None else best[(1 << len(atoms)) - 1]


def _best(atoms: list[JoinTree], estimates: _Estimates, most_pairs: int) -> dict[int, JoinTree] | None:
    """Return the cheapest tree of each connected set of ``atoms``, by the mask of their places.

    Every pair of disjoint connected sets with a condition between them is met once, smaller sets before those that
    contain them.
    """
    places = [_near(atoms, place, estimates) for place in range(len(atoms))]
    if _least_pairs(places) > most_pairs:
        return None
    best: dict[int, JoinTree] = {1 << place: atom for place, atom in enumerate(atoms)}
    tried = 0
    for one, other in _pairs(places) if len(places) > _ATOMS else _few_pairs(tuple(places)):
        tried += 1
        if tried > most_pairs:
            return None
        left, right = best[one], best[other]
        known = best.get(one | other)
        if known is not None and left.cost + right.cost >= known.cost:
            continue
        tree = estimates.join(left, right, math.inf if known is None else known.cost)
        if tree is not None:
            best[one | other] = tree
    return best


def _near(atoms: list[JoinTree], place: int, estimates: _Estimates) -> int:
    """Return the atoms that a condition links with one, as a mask of places."""
    reached = _reach(estimates.neighbours, atoms[place].members)
    mask = 0
    for other, atom in enumerate(atoms):
        if other != place and atom.members & reached:
            mask |= 1 << other
    return mask


def _least_pairs(near: list[int]) -> int:
    """Return how many pairs there are at least, without looking for them.

    A relation and any of those near to it are a connected set, and each has a pair for every link of its own. Where all
    are near to all, every split of every set is a pair.
    """
    count, most = len(near), max(mask.bit_count() for mask in near)
    if all(mask.bit_count() == count - 1 for mask in near):
        return int((3**count - 2 ** (count + 1) + 1) // 2)
    return int(most * 2 ** (most - 1)) if most else 0


@lru_cache(maxsize=64)
def _few_pairs(near: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Return the pairs of a few atoms: repairs of one order ask for the same ones again and again."""
    return tuple(_pairs(near))


def _pairs(near: Sequence[int]) -> Iterator[tuple[int, int]]:
    for place in range(len(near) - 1, -1, -1):
        start, below = 1 << place, (2 << place) - 1
        for one in chain((start,), _grown(near, start, below)):
            yield from ((one, other) for other in _complements(near, one))


def _grown(near: Sequence[int], members: int, excluded: int) -> Iterator[int]:
    """Yield the connected sets that contain ``members`` and more, but nothing that is excluded."""
    around = _reach(near, members) & ~excluded & ~members
    if not around:
        return
    subset = around & -around
    while subset:
        yield members | subset
        subset = (subset - around) & around
    subset = around & -around
    while subset:
        yield from _grown(near, members | subset, excluded | around)
        subset = (subset - around) & around


def _complements(near: Sequence[int], members: int) -> Iterator[int]:
    """Yield the connected sets beside a connected set, linked with it, each pair in one of its two orders."""
    lowest = members & -members
    excluded = ((lowest << 1) - 1) | members
    around = _reach(near, members) & ~excluded
    rest = around
    while rest:
        highest = 1 << (rest.bit_length() - 1)
        yield highest
        yield from _grown(near, highest, excluded | (around & ((highest << 1) - 1)))
        rest ^= highest


# Greedy ---------------------------------------------------------------------------------------------------------------


def _greedy(trees: list[JoinTree], estimates: _Estimates) -> JoinTree:
    """Join the two trees with the smallest result, again and again (Fegaras' GOO)."""
    rest = [*trees]
    pairs = {
        (one.members, other.members): estimates.require_join(one, other)
        for place, one in enumerate(rest)
        for other in rest[place + 1 :]
        if _reach(estimates.neighbours, one.members) & other.members
    }
    while len(rest) > 1:
        chosen = min(pairs.values(), key=lambda tree: (tree.rows, tree.cost))
        rest = [tree for tree in rest if not tree.members & chosen.members]
        pairs = {key: tree for key, tree in pairs.items() if not tree.members & chosen.members}
        reached = _reach(estimates.neighbours, chosen.members)
        for tree in rest:
            if tree.members & reached:
                pairs[chosen.members, tree.members] = estimates.require_join(chosen, tree)
        rest.append(chosen)
    return rest[0]


def _repaired(tree: JoinTree, estimates: _Estimates) -> JoinTree:
    """Join the sub-trees at the top of each join anew, from the leaves up."""
    if tree.left is None or tree.right is None:
        return tree
    changed = estimates.require_join(_repaired(tree.left, estimates), _repaired(tree.right, estimates))
    if changed.members.bit_count() < _ATOMS:
        return changed
    atoms = [changed]
    while len(atoms) < _ATOMS:
        opened = max((one for one in atoms if one.left is not None), key=lambda one: one.cost, default=None)
        if opened is None or opened.left is None or opened.right is None:
            break
        atoms.remove(opened)
        atoms += [opened.left, opened.right]
    found = _exhaustive(atoms, estimates, MOST_PAIRS)
    return found if found is not None and found.cost < changed.cost else changed
