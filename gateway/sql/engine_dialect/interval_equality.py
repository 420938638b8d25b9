"""Intervals that are equal but do not look alike: ``1 day`` and ``24:00``. The engine tells them apart.

Comparisons go by `interval_size`; so do counts of distinct ones and partitions here. Where the rows of a result are
told apart by intervals, it is refused: which of the equal ones PostgreSQL would show is not known.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect import kinds
from gateway.sql.engine_dialect.build import call, refuse
from gateway.sql.engine_dialect.kinds import Kind, kind, kind_of_type, type_of
from optimizer.census import Census

_HINT = "Use extract(epoch FROM …) of it, or its text."


def check(census: Census) -> None:
    """Refuse what is told apart by intervals, but for GROUP BY and DISTINCT (`queries`), and measure what is counted or
    partitioned by them, in place.
    """
    for node in census.find_all(exp.SetOperation, exp.In, exp.Distinct, exp.Window):
        if isinstance(node, exp.SetOperation):
            _check_operation(node)
        elif isinstance(node, exp.In):
            if node.args.get("query") is not None and kind(node.this) is Kind.INTERVAL:
                raise refuse("IN of intervals of a query", _HINT)
        elif isinstance(node, exp.Distinct):
            _measure_distinct(node)
        else:
            node.set("partition_by", [measured(key) for key in node.args.get("partition_by") or []])


def measured(value: exp.Expr) -> exp.Expr:
    """Return how long an interval is, of other values themselves."""
    return call("interval_size", value, returns="DECIMAL(38, 0)") if kind(value) is Kind.INTERVAL else value


def has_arrays(node: exp.Expr) -> bool:
    """Whether an operand of a comparison is an array of intervals."""
    arrays = (type_of(one) for one in node.iter_expressions() if kind(one) is Kind.ARRAY)
    return any(kind_of_type(kinds.element_type(one)) is Kind.INTERVAL for one in arrays)


def _check_operation(node: exp.SetOperation) -> None:
    if isinstance(node, exp.Union) and not node.args.get("distinct"):
        return
    if any(kind(column) is Kind.INTERVAL for column in node.selects):
        raise refuse("UNION, INTERSECT or EXCEPT of intervals", f"{_HINT} UNION ALL is available.")


def _measure_distinct(node: exp.Distinct) -> None:
    if not isinstance(node.parent, exp.AggFunc):
        return
    if isinstance(node.parent, exp.Count):
        node.set("expressions", [measured(one) for one in node.expressions])
    elif any(kind(one) is Kind.INTERVAL for one in node.expressions):
        raise refuse("an aggregate of distinct intervals", _HINT)
