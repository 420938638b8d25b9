"""What is known of a block of joins: how many rows come of its sources, and what conditions leave of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import combinations

from sqlglot import exp

from optimizer.cardinality import Cardinality, Joined, Sources, equal_columns
from optimizer.column_estimates import ColumnEstimate
from optimizer.copies import copied
from optimizer.implied_filters import implied_filter
from optimizer.join_conditions import Conditions, boolean
from optimizer.join_order import EqualColumns, JoinGraph, Predicate
from optimizer.relations import conjuncts


def join_graph(
    conditions: Conditions, found: list[Joined], numbers: Mapping[str, int], cardinality: Cardinality
) -> JoinGraph:
    """Return what the order of a block's sources depends on; ``found`` is what is expected of each."""
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
    """Two tables that several columns link: their combinations are those that were counted, and no more than the
    smaller table has rows.

    Without this each further column of a key would be held to divide the rows anew.
    """
    base = {number: column.rows for group in columns for number, column, _ in group if column is not None}
    for one, other in combinations(sorted(base), 2):
        places = [at for at, each in enumerate(equal) if each.members >> one & each.members >> other & 1]
        if len(places) < 2:
            continue
        linked = [dict(equal[at].distinct) for at in places]
        counted = max(_counted([columns[at] for at in places], number) for number in (one, other))
        if counted < math.inf:
            alone = math.prod(max(each[one], each[other]) for each in linked)
            yield Predicate(1 << one | 1 << other, max(1.0, alone / max(counted, 1.0)))
            continue
        counts = [math.prod(each[number] for each in linked) for number in (one, other)]
        capped = [min(count, base[number]) for count, number in zip(counts, (one, other), strict=True)]
        if capped != counts:
            alone = math.prod(max(each[one], each[other]) for each in linked)
            yield Predicate(1 << one | 1 << other, max(1.0, alone / min(capped)))


def _counted(groups: list[list[tuple[int, ColumnEstimate | None, float]]], number: int) -> float:
    """Return how many combinations of values a table has in the columns that link it, infinite where nobody counted."""
    own = [column for group in groups for place, column, _ in group if place == number and column is not None]
    return own[0].combined.get(frozenset(column.name for column in own), math.inf) if own else math.inf


def equalities_between(
    equal: tuple[tuple[exp.Column, ...], ...], left: int, right: int, numbers: Mapping[str, int]
) -> Iterator[exp.Expr]:
    """Yield one equality of each group of columns that both sides have."""
    for group in equal:
        one = next((column for column in group if left >> numbers[column.table] & 1), None)
        other = next((column for column in group if right >> numbers[column.table] & 1), None)
        if one is not None and other is not None:
            yield boolean(exp.EQ(this=copied(one), expression=copied(other)))
