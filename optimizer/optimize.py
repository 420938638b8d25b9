"""Optimize: the same rows, cheaper. The rules are one tuple, applied in order; `steps` shows what each has made.

A rule changes the tree that it is given, and returns it: a copy for each rule was half of the time that planning takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

from sqlglot import exp

from optimizer.cardinality import Statistics
from optimizer.census import Census, take_census
from optimizer.copies import copied
from optimizer.dynamic_filters import dynamic_filters
from optimizer.joins_at_servers import joins_at_servers
from optimizer.late_materialization import late_relations
from optimizer.limit_early import limit_early
from optimizer.outer_joins_at_servers import outer_joins_at_servers
from optimizer.rules.enter_queries import enter_queries, has_queries
from optimizer.rules.fold_date_arithmetic import fold_date_arithmetic, has_intervals
from optimizer.rules.fold_integer_arithmetic import fold_integer_arithmetic, has_integer_arithmetic
from optimizer.rules.infer_filters import has_alternatives, infer_filters
from optimizer.rules.infer_from_equalities import infer_from_equalities
from optimizer.rules.keep_subquery_order import has_inner_order, keep_subquery_order
from optimizer.rules.order_conditions import order_conditions
from optimizer.rules.order_joins import joins_as_written, order_joins
from optimizer.rules.order_subqueries import order_subqueries
from optimizer.rules.prune_columns import prune_columns
from optimizer.rules.prune_derived_columns import prune_derived_columns
from optimizer.rules.push_down_filters import push_down_filters
from optimizer.rules.reduce_outer_joins import has_outer_joins, reduce_outer_joins
from optimizer.rules.scalar_aggregates_as_windows import has_scalar_subqueries, scalar_aggregates_as_windows
from optimizer.server_tables import Servers
from optimizer.stages import Governed, Optimized


@dataclass(frozen=True, slots=True)
class ByStatistics:
    """A rule that is told the statistics of the query's tables."""

    function: Callable[[exp.Query, Statistics], exp.Query]

    @property
    def __name__(self) -> str:
        return self.function.__name__


@dataclass(frozen=True, slots=True)
class ByServers:
    """A rule that may ask what servers have and can answer, besides; it does nothing where that cannot be asked."""

    function: Callable[[exp.Query, Statistics, Servers], exp.Query]

    @property
    def __name__(self) -> str:
        return self.function.__name__


@dataclass(frozen=True, slots=True)
class Seldom:
    """A rule for what few queries have, as a census of the governed query tells: no rule brings it in."""

    function: Callable[[exp.Query], exp.Query]
    is_wanted: Callable[[Census], bool]

    @property
    def __name__(self) -> str:
        return self.function.__name__


@dataclass(frozen=True, slots=True)
class Telling:
    """A rule that tells itself whether it has changed a query: that of a query with all columns is costly to find."""

    function: Callable[[exp.Query], bool]

    @property
    def __name__(self) -> str:
        return self.function.__name__


Rule = Callable[[exp.Query], exp.Query] | ByStatistics | ByServers | Seldom | Telling

NO_STATISTICS: Statistics = MappingProxyType({})

RULES: tuple[Rule, ...] = (
    Seldom(fold_integer_arithmetic, has_integer_arithmetic),
    Seldom(fold_date_arithmetic, has_intervals),  # both before those that look for constants
    Seldom(scalar_aggregates_as_windows, has_scalar_subqueries),  # before those below: it compares governed relations
    Seldom(keep_subquery_order, has_inner_order),  # before columns that only an order names are dropped
    Telling(prune_columns),  # a first time: the trees that the others walk are a third as large
    Seldom(reduce_outer_joins, has_outer_joins),  # before those that ask the sides of joins
    Seldom(infer_filters, has_alternatives),
    infer_from_equalities,
    Seldom(enter_queries, has_queries),  # before those that ask the tables
    Seldom(prune_derived_columns, has_queries),  # conditions that moved inside no longer need their columns outside
    push_down_filters,  # before pruning: a condition that moved inside no longer needs its column outside
    Telling(prune_columns),
    ByStatistics(order_conditions),
    ByServers(joins_at_servers),
    ByServers(outer_joins_at_servers),
    ByServers(limit_early),
    ByStatistics(order_subqueries),
    ByStatistics(order_joins),  # last: tables have their filters, and only the columns that are asked for
)

# Those for who orders the joins by himself.
RULES_AS_WRITTEN: tuple[Rule, ...] = (*RULES[:-2], ByStatistics(joins_as_written))

# Those for a statement whose hints order its joins: servers are not to join some of its tables before.
RULES_FOR_LEADING: tuple[Rule, ...] = tuple(one for one in RULES if not isinstance(one, ByServers))

# Those for a server that answers the whole query: it plans by itself, but what may pass a fence it cannot know.
SOURCE_RULES: tuple[Rule, ...] = (
    Seldom(reduce_outer_joins, has_outer_joins),  # before those that ask the sides of joins
    Seldom(infer_filters, has_alternatives),
    infer_from_equalities,
    Seldom(enter_queries, has_queries),
    push_down_filters,
    Telling(prune_columns),
)


def optimize(
    governed: Governed,
    statistics: Statistics = NO_STATISTICS,
    rules: tuple[Rule, ...] = RULES,
    servers: Servers | None = None,
) -> Optimized:
    """Apply the rules; a rule that changes the query's output columns is a fault and is named. The governed tree is
    used up: hand in a copy of one that is needed further.

    Tables without statistics are joined in the order in which they are written. Without ``servers`` no joins are left
    to these.
    """
    tree = governed.tree
    trace: list[str] = []  # without the trees: plans are kept by the thousand
    for rule, after, changed in _applied(tree, statistics, rules, servers):
        tree = after
        if changed:
            trace.append(rule.__name__)
    late = late_relations(tree, statistics)
    dynamic = dynamic_filters(tree, governed.tables, statistics) if len(statistics) > 1 else ()
    return Optimized(tree, governed.tables, tuple(trace), governed.policies, late, governed.shadows, dynamic)


def steps(
    governed: Governed,
    statistics: Statistics = NO_STATISTICS,
    rules: tuple[Rule, ...] = RULES,
    servers: Servers | None = None,
) -> Iterator[tuple[str, exp.Query]]:
    """Yield the rules that change a query, each with the query after it."""
    for rule, tree, changed in _applied(copied(governed.tree), statistics, rules, servers):
        if changed:
            yield rule.__name__, copied(tree)


def _applied(
    tree: exp.Query, statistics: Statistics, rules: tuple[Rule, ...], servers: Servers | None
) -> Iterator[tuple[Rule, exp.Query, bool]]:
    """Yield the query after each rule that may change it, and whether that has."""
    outputs, census = tree.named_selects, take_census(tree)
    known: int | None = None  # the tree's hash, where it is known; nodes keep theirs until they are changed
    for rule in rules:
        if isinstance(rule, Seldom) and not rule.is_wanted(census):
            continue
        if isinstance(rule, Telling):
            changed = rule.function(tree)
            known = None if changed else known
        else:
            before = hash(tree) if known is None else known
            tree = apply(rule, tree, statistics, servers)
            known = hash(tree)
            changed = known != before
        if changed and tree.named_selects != outputs:
            raise AssertionError(f"rule {rule.__name__} changed the output columns")
        yield rule, tree, changed


def apply(rule: Rule, tree: exp.Query, statistics: Statistics, servers: Servers | None = None) -> exp.Query:
    """Return a query after one rule, which has changed it in place."""
    if isinstance(rule, ByServers):
        return tree if servers is None else rule.function(tree, statistics, servers)
    if isinstance(rule, ByStatistics):
        return rule.function(tree, statistics)
    if isinstance(rule, Telling):
        rule.function(tree)
        return tree
    return rule.function(tree) if isinstance(rule, Seldom) else rule(tree)
