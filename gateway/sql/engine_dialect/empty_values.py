"""Subqueries that are values and may have no row.

The engine (DataFusion 55) takes such a value for one that is never NULL where the subquery's column is not, as a
constant or a count: without rows it fails, or finds it IS NOT NULL. The column is put into a CASE that the engine takes
for one that may be NULL.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.correlation import free_columns, own_nodes
from gateway.sql.engine_dialect.kinds import type_of
from gateway.sql.engine_dialect.subqueries import is_scalar
from optimizer.census import Census

_NEVER_EMPTY = ("group", "having", "limit", "offset", "where")


def make_nullable(tree: exp.Query, census: Census) -> exp.Query:
    """Let such subqueries be NULL, in place. Correlated ones become joins, behind which all is."""
    for node in census.find_all(exp.Subquery):
        query = node.this
        if not isinstance(query, exp.Query) or not is_scalar(node) or _has_one_row(query) or free_columns(query):
            continue
        if len(query.selects) == 1 and query.selects[0].alias_or_name:
            node.set("this", _nullable(query))
    return tree


def _has_one_row(query: exp.Query) -> bool:
    """Whether a query surely has a row: it aggregates all there are, or reads nothing."""
    if not isinstance(query, exp.Select):
        return False
    absent = [key for key in _NEVER_EMPTY if query.args.get(key) is not None]
    if absent == ["where"] or not absent:
        aggregates = any(not isinstance(one.parent, exp.Window) for one in own_nodes(query, exp.AggFunc))
        return aggregates or (not absent and query.args.get("from_") is None)
    return False


def _nullable(query: exp.Query) -> exp.Select:
    name, result = query.selects[0].alias_or_name, type_of(query.selects[0])
    never = exp.LT(this=exp.Rand(), expression=exp.Literal.number("-1.0"))
    column = exp.column(name, "one", quoted=True)
    value = exp.Case(ifs=[exp.If(this=never, true=exp.Null())], default=column)
    value.type = column.type = result.copy()
    named = exp.Alias(this=value, alias=exp.to_identifier(name, quoted=True))
    named.type = value.type
    alias = exp.TableAlias(this=exp.to_identifier("one", quoted=True))
    return exp.Select(expressions=[named], from_=exp.From(this=exp.Subquery(this=query.copy(), alias=alias)))
