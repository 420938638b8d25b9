"""Orders of joins under torture: chains, stars and cliques of up to 17 relations, with skew and correlations.

Planned in this process, as the gateway does, with the statistics that PostgreSQL has of the tables. What a plan costs
is reckoned by the optimizer's own costs, of the rows that the joins really have; the best is found by trying all.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import psycopg
from sqlglot import exp

from benchmarks import join_data
from benchmarks.join_data import Counted, Query
from benchmarks.report import Floor, Section, Table
from benchmarks.setting import Setting
from catalog.names import TableName
from catalog.principals import Principal
from catalog.statistics import TableStatistics
from catalog.tables import Catalog
from connectors.postgres.source import PostgresSource
from gateway import garbage_collection
from gateway.sql.engine_dialect.before_qualify import parse
from gateway.sql.engine_dialect.render import render
from gateway.sql.policy_text import policy_reader
from gateway.sql.resolve import Names, references, resolve
from optimizer import cost
from optimizer.cardinality import Cardinality
from optimizer.corrections import corrected_graph
from optimizer.join_block import get_join_block
from optimizer.join_conditions import conditions_of
from optimizer.join_order import row_estimates
from optimizer.optimize import RULES, optimize
from optimizer.scopes import is_in_parentheses
from policies.access import Access
from policies.govern import govern
from policies.policy_reader import KeptRelations

_COUNTS = range(4, join_data.MOST + 1)
_MOST_TRIED = 10  # relations whose best plan is looked for
_SOURCE = "torture"
_WIDTH = 16.0  # bytes of a row of each relation: two columns of those that are handed on
_ROLE = Principal("bench", frozenset({"bench"}), superuser=True)


@dataclass(frozen=True, slots=True)
class _Planned:
    """A query's milliseconds of planning, its plan's cost of the best one's (None where nobody looked for that), and of
    each join the factor by which its rows were misjudged.
    """

    milliseconds: float
    of_best: float | None
    errors: tuple[float, ...]


def run(setting: Setting) -> Section:
    """Plan queries of each shape and number of relations."""
    numbers = 2 if setting.quick else 5
    conninfo = setting.database("join_orders")
    every = {shape: join_data.relations(shape) for shape in join_data.SHAPES}
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for relations in every.values():
            join_data.load(connection, relations)
    names, known = _known(conninfo)
    garbage_collection.leave_little()  # as the gateway does when it has started
    found = {
        (shape, count): [
            _planned(join_data.query(shape, every[shape], count, at), names, known) for at in range(numbers)
        ]
        for shape in join_data.SHAPES
        for count in _COUNTS
    }
    return _section(found)


def _known(conninfo: str) -> tuple[Names, dict[TableName, TableStatistics]]:
    source = PostgresSource(_SOURCE, conninfo)
    try:
        tables = {one.name: one for one in source.discover().tables}
        known = {name: source.statistics(table) for name, table in tables.items()}
    finally:
        source.close()
    return Names(Catalog(1, tables, {_SOURCE: None}), frozenset(), (_SOURCE,), lambda name: True), known


def _planned(query: Query, names: Names, known: Mapping[TableName, TableStatistics]) -> _Planned:
    taken, tree = min((_timed(query.text(), names, known) for _ in range(3)), key=lambda one: one[0])
    counted, near = Counted(query), query.near()
    select = tree.find(exp.Select)
    assert select is not None
    joins = _Joins(counted, _estimates(query.text(), names, known))
    chosen = joins.of_source(select.args["from_"].this, select.args.get("joins") or ())
    of_best = None
    if len(near) <= _MOST_TRIED:
        of_best = chosen.cost / _best(counted, near)
    return _Planned(taken, of_best, tuple(joins.errors))


def _timed(text: str, names: Names, known: Mapping[TableName, TableStatistics]) -> tuple[float, exp.Query]:
    """Return the milliseconds of processor time that planning takes, and the optimized query."""
    started = time.thread_time()
    tree = parse(text)
    assert isinstance(tree, exp.Query)
    governed = govern(
        resolve(tree, references(tree, names), names), _ROLE, Access(), policy_reader(names, KeptRelations())
    )
    optimized = optimize(governed, known)
    kept = optimized.tree
    render(kept)
    return (time.thread_time() - started) * 1000, kept


def _estimates(text: str, names: Names, known: Mapping[TableName, TableStatistics]) -> Callable[[int], float]:
    """Return how many rows the optimizer expects of sets of relations, by the masks of their numbers."""
    tree = parse(text)
    assert isinstance(tree, exp.Query)
    governed = govern(
        resolve(tree, references(tree, names), names), _ROLE, Access(), policy_reader(names, KeptRelations())
    )
    before = optimize(governed, known, RULES[:-1]).tree
    assert isinstance(before, exp.Select)
    block = get_join_block(before)
    assert block is not None
    found = corrected_graph(block, conditions_of(block), Cardinality(known))
    assert found is not None
    places = {number: int(alias[1:]) for alias, number in block.numbers.items()}
    rows = row_estimates(found[0])
    return lambda members: rows(sum(1 << number for number, place in places.items() if members >> place & 1))


@dataclass(frozen=True, slots=True)
class _Costed:
    members: int
    cost: float


class _Joins:
    """Reckons what joins as they are written cost, and how they were misjudged."""

    def __init__(self, counted: Counted, expected: Callable[[int], float]) -> None:
        self._counted = counted
        self._expected = expected
        self.errors: list[float] = []

    def of_source(self, first: exp.Expr, joins: Sequence[exp.Join]) -> _Costed:
        """Return the joins of sources as they are written: each time what stands left is hashed."""
        if is_in_parentheses(first):
            found = self.of_source(first.this, first.this.args.get("joins") or ())
        else:
            found = _Costed(1 << int(first.alias_or_name[1:]), 0.0)
        for join in joins:
            other = self.of_source(join.this, ())
            found = self._joined(found, other)
        return found

    def _joined(self, one: _Costed, other: _Costed) -> _Costed:
        members = one.members | other.members
        own, rows = _joined_cost(self._counted, one.members, other.members)
        expected = max(1.0, self._expected(members))
        self.errors.append(max(expected / rows, rows / expected))
        return _Costed(members, one.cost + other.cost + own)


def _joined_cost(counted: Counted, left: int, right: int) -> tuple[float, float]:
    """Return what a join costs whose left side is hashed, and its rows."""
    sides = [max(1.0, counted.rows(members)) for members in (left, right)]
    rows = max(1.0, counted.rows(left | right))
    widths = [_WIDTH * members.bit_count() for members in (left, left | right)]
    return cost.hash_join(sides[0], widths[0], sides[1], rows, widths[1]), rows


def _best(counted: Counted, near: Sequence[int]) -> float:
    """Return the cost of the cheapest of all trees without a cross join."""
    best: dict[int, float] = {}
    for members in join_data.connected_sets(near):
        least = 0.0 if members.bit_count() == 1 else float("inf")
        left = (members - 1) & members
        while left:
            right = members ^ left
            if left in best and right in best:
                sides = best[left] + best[right]
                if sides < least:
                    least = min(least, sides + _joined_cost(counted, left, right)[0])
            left = (left - 1) & members
        best[members] = least
    return best[max(best)]


def _section(found: Mapping[tuple[str, int], Sequence[_Planned]]) -> Section:
    lines = []
    for (shape, count), each in found.items():
        ratios = [one.of_best for one in each if one.of_best is not None]
        errors = [error for one in each for error in one.errors]
        lines.append(
            (
                f"{shape} of {count}",
                f"{statistics.median(one.milliseconds for one in each):.1f}",
                f"{max(one.milliseconds for one in each):.1f}",
                f"{statistics.median(ratios):.2f}" if ratios else "",
                f"{max(ratios):.2f}" if ratios else "",
                f"{statistics.median(errors):.2f}",
                f"{_high(errors):.1f}",
            )
        )
    planned = [one for each in found.values() for one in each]
    ratios = [one.of_best for one in planned if one.of_best is not None]
    errors = [error for one in planned for error in one.errors]
    floors = (
        Floor("orders of joins: planning a query, slowest", max(one.milliseconds for one in planned), 50, "ms"),
        Floor("orders of joins: cost of the plan to the best one's, median", statistics.median(ratios), 1.5),
        Floor("orders of joins: the same of 95 in 100", _high(ratios), 1.5),
        Floor("orders of joins: rows of joins misjudged by, median", statistics.median(errors), 3),
        Floor("orders of joins: rows of joins misjudged by, 95 in 100", _high(errors), 30),
    )
    notes = (
        f"{len(planned)} queries over tables of 200 to 50,000 rows; planning is processor time, the least of three.",
        f"Plans of up to {_MOST_TRIED} relations are compared with the best of all trees without cross joins, both by"
        " the optimizer's costs of the rows that the joins really have.",
        "Rows are compared for each join of the chosen plans. Nobody told PostgreSQL which columns depend on others.",
    )
    columns = (
        "",
        "planning, ms: median",
        "most",
        "cost to the best: median",
        "most ",
        "rows misjudged by: median",
        "95 in 100",
    )
    data: dict[str, object] = {
        f"{shape} of {count}": [{"ms": one.milliseconds, "of_best": one.of_best, "errors": one.errors} for one in each]
        for (shape, count), each in found.items()
    }
    return Section("Orders of joins", (Table(columns, tuple(lines)),), floors, notes, data)


def _high(values: Sequence[float]) -> float:
    return sorted(values)[len(values) * 95 // 100]
