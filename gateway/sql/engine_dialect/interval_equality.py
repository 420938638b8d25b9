"""Intervals that are equal but do not look alike: ``1 day`` and ``24:00``. The engine tells them apart.

Comparisons go by `interval_size`; so do counts of distinct ones, partitions and groups here. Of the equal ones of a
group the least by months, days and time is shown; PostgreSQL shows the first that it meets. Where set operations tell
rows apart by intervals, it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.engine_dialect import kinds
from gateway.sql.engine_dialect.build import ENGINE, call, named, refuse, typed
from gateway.sql.engine_dialect.kinds import Kind, T, kind, kind_of_type, type_of
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


def group(select: exp.Select) -> None:
    """Group by how long intervals are, in place. A DISTINCT of plain rows becomes a GROUP BY."""
    if select.args.get("distinct") is not None:
        _distinct_as_groups(select)
    clause = select.args.get("group")
    keys = [*clause.expressions] if clause is not None else []
    if any(isinstance(one, _SETS) for one in keys):
        if any(kind(one) is Kind.INTERVAL for key in keys for one in key.find_all(exp.Column)):
            raise refuse("GROUPING SETS beside intervals", _HINT)
        return
    found = [one for one in keys if kind(one) is Kind.INTERVAL]
    if clause is None or not found:
        return
    for top in [*select.selects, *(select.args.get(name) for name in ("having", "order"))]:
        if isinstance(top, exp.Expr):
            _show_least(top, found)
    clause.set("expressions", [measured(one) for one in keys])


_SETS = (exp.GroupingSets, exp.Rollup, exp.Cube)


def _distinct_as_groups(select: exp.Select) -> None:
    values = [one.unalias() for one in select.selects]
    if not any(kind(one) is Kind.INTERVAL and one.find(exp.Column) is not None for one in values):
        return  # constants are alike
    clauses = any(select.args.get(name) for name in ("group", "having", "windows"))
    if (
        clauses
        or select.args["distinct"].args.get("on") is not None
        or any(one.find(exp.AggFunc, exp.Window, exp.Query) for one in values)
    ):
        raise refuse("DISTINCT of interval beside groups, windows or subqueries", _HINT)
    keys = [one.copy() for one in values if one.find(exp.Column) is not None]
    select.set("distinct", None)
    select.set("group", exp.Group(expressions=keys))


def _show_least(top: exp.Expr, keys: list[exp.Expr]) -> None:
    """Put the least of a group's equal intervals in the place of a key, in place."""
    for node in [*_of_groups(top)]:
        if isinstance(node, exp.Query):
            if any(column in node.find_all(exp.Column) for key in keys for column in key.find_all(exp.Column)):
                raise refuse("a subquery that reads an interval grouped by", _HINT)
        elif node in keys:
            least = typed(exp.Min(this=node.copy()), T.INTERVAL)
            least.meta[ENGINE] = True  # by months first; they are equal in length
            node.replace(named(least, node.alias_or_name) if isinstance(node.parent, exp.Select) else least)


def _of_groups(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the expressions that are computed behind GROUP BY, an outer one before those in it."""
    yield node
    if isinstance(node, exp.Query) or (isinstance(node, exp.AggFunc) and not isinstance(node.parent, exp.Window)):
        return
    for child in node.iter_expressions():
        yield from _of_groups(child)


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
