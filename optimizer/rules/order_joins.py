"""Tables are joined in the order that is expected to be the cheapest."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from sqlglot import exp

from optimizer.cardinality import Cardinality, Joined, Sources, Statistics, equal_columns
from optimizer.column_estimates import ColumnEstimate
from optimizer.copies import copied
from optimizer.implied_filters import implied_filter
from optimizer.join_block import JoinBlock, get_join_block
from optimizer.join_order import EqualColumns, JoinGraph, JoinTree, Predicate, written_order
from optimizer.join_order import order_joins as cheapest
from optimizer.relations import conjuncts
from optimizer.unique_semi_joins import semi_joins_as_sources

T = exp.DType
_INTEGERS = frozenset({T.SMALLINT, T.INT, T.BIGINT})
_ALIKE = frozenset({T.DECIMAL, T.TEXT, T.VARCHAR, T.DATE, T.TIMESTAMP, T.TIMESTAMPTZ, T.BOOLEAN, T.UUID})


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
    if not any(select.args.get("joins") for select in tree.find_all(exp.Select)):
        return tree
    changed = copied(tree)
    cardinality = Cardinality(statistics)
    for select in [*changed.find_all(exp.Select)]:  # outer ones first: they are estimated by inner ones as written
        _order(select, cardinality)
    return changed


@dataclass(frozen=True, slots=True)
class _Conditions:
    """The conditions of a block by what they say: columns that are equal, and others with the mask of their sources."""

    equal: tuple[tuple[exp.Column, ...], ...]
    others: tuple[tuple[int, exp.Expr], ...]


def _order(select: exp.Select, cardinality: Cardinality) -> None:
    block = get_join_block(select)
    if block is None:
        return
    if all(cardinality.of_joined(source.node, ()) is not None for source in block.sources):
        block = semi_joins_as_sources(block)
        cardinality = Cardinality(cardinality.statistics)  # relations have other conditions now
    numbers = {alias: number for number, source in enumerate(block.sources) for alias in source.aliases}
    conditions = _conditions(block, numbers)
    found = [cardinality.of_joined(source.node, ()) for source in block.sources]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        tree = written_order(len(found), _links(conditions, numbers))
    else:
        tree = cheapest(_graph(conditions, known, numbers, cardinality))
    _write(block, tree, conditions, numbers)


# What is known of the block ------------------------------------------------------------------------------------------


def _conditions(block: JoinBlock, numbers: dict[str, int]) -> _Conditions:
    """Gather columns that are equal to each other, by way of others too."""
    groups: list[list[exp.Column]] = []
    others: list[tuple[int, exp.Expr]] = []
    for condition in block.conditions:
        pair = _equal_pair(condition, numbers)
        if pair is None:
            others.append((_mask(condition, numbers), condition))
            continue
        near = [group for group in groups if any(column in group for column in pair)]
        groups = [group for group in groups if group not in near]
        groups.append([*dict.fromkeys([*(column for group in near for column in group), *pair])])
    equal: list[tuple[exp.Column, ...]] = []
    for group in groups:
        chosen = {numbers[column.table]: column for column in reversed(group)}
        for column in group:
            number = numbers[column.table]
            if column is not chosen[number]:
                others.append((1 << number, _boolean(exp.EQ(this=chosen[number].copy(), expression=column.copy()))))
        equal.append(tuple(chosen.values()))
    return _Conditions(tuple(equal), tuple(others))


def _equal_pair(condition: exp.Expr, numbers: dict[str, int]) -> tuple[exp.Column, exp.Column] | None:
    """Return two columns of different sources that a condition holds equal, of types in which equality is transitive
    and both are compared as they are.
    """
    if not isinstance(condition, exp.EQ):
        return None
    left, right = condition.left.unnest(), condition.right.unnest()
    if not isinstance(left, exp.Column) or not isinstance(right, exp.Column):
        return None
    if numbers[left.table] == numbers[right.table] or not _are_alike(left, right):
        return None
    return left, right


def _are_alike(left: exp.Column, right: exp.Column) -> bool:
    one, other = left.type, right.type
    if not isinstance(one, exp.DataType) or not isinstance(other, exp.DataType):
        return False
    return (one.this in _INTEGERS and other.this in _INTEGERS) or (one.this is other.this and one.this in _ALIKE)


def _mask(condition: exp.Expr, numbers: dict[str, int]) -> int:
    mask = 0
    for column in condition.find_all(exp.Column):
        mask |= 1 << numbers[column.table]
    return mask


def _links(conditions: _Conditions, numbers: dict[str, int]) -> list[int]:
    """Return the masks of sources that a condition links."""
    equal = [sum({1 << numbers[column.table] for column in group}) for group in conditions.equal]
    return [*equal, *(mask for mask, _ in conditions.others)]


def _graph(
    conditions: _Conditions, found: list[Joined], numbers: dict[str, int], cardinality: Cardinality
) -> JoinGraph:
    sources = Sources({alias: estimate for one in found for alias, estimate in one.sources.items()})
    rows = [one.rows for one in found]
    widths = tuple(sum(estimate.width for estimate in one.sources.values()) for one in found)
    predicates: list[Predicate] = []
    for mask, condition in conditions.others:
        part = cardinality.selectivity([condition], sources)
        if mask.bit_count() == 1:
            rows[mask.bit_length() - 1] *= part
            continue
        for alias, number in numbers.items():  # what it says of one source was asked of that source before
            implied = conjuncts(implied_filter(condition, alias)) if mask >> number & 1 else []
            part = min(1.0, part / cardinality.selectivity(implied, sources)) if implied else part
        predicates.append(Predicate(mask, part))
    columns = [
        [(numbers[column.table], sources.column(column), rows[numbers[column.table]]) for column in group]
        for group in conditions.equal
    ]
    equal = tuple(equal_columns(group) for group in columns)
    predicates += _keys_of_several(equal, columns)
    return JoinGraph(tuple(max(1.0, one) for one in rows), widths, equal, tuple(predicates))


def _keys_of_several(
    equal: tuple[EqualColumns, ...], columns: list[list[tuple[int, ColumnEstimate | None, float]]]
) -> Iterator[Predicate]:
    """Two tables that several columns link: their combinations are no more than the smaller table has rows.

    Without this each further column of a key would be held to divide the rows anew.
    """
    base = {number: column.rows for group in columns for number, column, _ in group if column is not None}
    for one, other in combinations(sorted(base), 2):
        linked = [dict(each.distinct) for each in equal if each.members >> one & each.members >> other & 1]
        if len(linked) < 2:
            continue
        counts = [math.prod(each[number] for each in linked) for number in (one, other)]
        capped = [min(count, base[number]) for count, number in zip(counts, (one, other), strict=True)]
        if capped != counts:
            alone = math.prod(max(each[one], each[other]) for each in linked)
            yield Predicate(1 << one | 1 << other, max(1.0, alone / min(capped)))


# Writing it down -----------------------------------------------------------------------------------------------------


def _write(block: JoinBlock, tree: JoinTree, conditions: _Conditions, numbers: dict[str, int]) -> None:
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
    on = [*_equalities(equal, tree.left.members, tree.right.members, numbers)]
    on += [condition for mask, condition in rest if mask & tree.members == mask]
    rest[:] = [one for one in rest if one[0] & tree.members != one[0]]
    join = exp.Join(this=second, on=exp.and_(*on, copy=False)) if on else exp.Join(this=second, kind="CROSS")
    return first, [*joins, join]


def _equalities(
    equal: tuple[tuple[exp.Column, ...], ...], left: int, right: int, numbers: dict[str, int]
) -> Iterator[exp.Expr]:
    """Yield one equality of each group of columns that both sides have."""
    for group in equal:
        one = next((column for column in group if left >> numbers[column.table] & 1), None)
        other = next((column for column in group if right >> numbers[column.table] & 1), None)
        if one is not None and other is not None:
            yield _boolean(exp.EQ(this=one.copy(), expression=other.copy()))


def _boolean(node: exp.Expr) -> exp.Expr:
    node.type = exp.DataType(this=T.BOOLEAN)
    return node
