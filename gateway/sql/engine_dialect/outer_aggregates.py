"""Aggregates that speak of columns of a query around theirs alone: ``SELECT (SELECT sum(t.a)) FROM t``. They are the
outer query's, which has one row then. The engine takes them for the inner one's.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.build import refuse
from gateway.sql.engine_dialect.correlation import free_columns, items
from optimizer.census import Census

_HINT = "Compute it in a derived table: FROM (SELECT …, sum(t.a) AS s FROM t GROUP BY …)."


def check(census: Census) -> None:
    """Raise 0A000 for an aggregate of a query around the one it stands in."""
    if len(census.find_all(exp.Select)) < 2:
        return
    for node in census.find_all(exp.AggFunc):
        select = node.parent_select
        whole: exp.Expr = node
        while isinstance(whole.parent, exp.Filter | exp.WithinGroup) and whole.arg_key == "this":
            whole = whole.parent
        if select is None or isinstance(whole.parent, exp.Window):
            continue
        free = {column.table for column in free_columns(whole)}
        if free and free.isdisjoint(item.alias_or_name for item in items(select)):
            raise refuse("an aggregate of columns of a query around its own", _HINT)
