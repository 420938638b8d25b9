"""Optimize: the same rows, cheaper. The rules are one tuple, applied in order; each step is kept as a value."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from optimizer.rules.fold_date_arithmetic import fold_date_arithmetic
from optimizer.rules.prune_columns import prune_columns
from optimizer.rules.push_down_filters import push_down_filters
from optimizer.rules.scalar_aggregates_as_windows import scalar_aggregates_as_windows
from optimizer.stages import Governed, Optimized, RuleApplied

Rule = Callable[[exp.Query], exp.Query]

RULES: tuple[Rule, ...] = (
    fold_date_arithmetic,  # before those that look for constants
    scalar_aggregates_as_windows,  # before those below: it compares relations as they were governed
    push_down_filters,  # before pruning: a condition that moved inside no longer needs its column outside
    prune_columns,
)


def optimize(governed: Governed, rules: tuple[Rule, ...] = RULES) -> Optimized:
    """Apply the rules; a rule that changes the query's output columns is a fault and is named."""
    tree = governed.tree
    trace: list[RuleApplied] = []
    for rule in rules:
        before, changed = tree, rule(tree)
        if changed.named_selects != before.named_selects:
            raise AssertionError(f"rule {rule.__name__} changed the output columns")
        if changed != before:
            trace.append(RuleApplied(rule.__name__, changed))
        tree = changed
    return Optimized(tree, governed.tables, tuple(trace), governed.policies)
