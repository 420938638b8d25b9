"""The order of an ordered subquery holds for the query around it, where PostgreSQL's rows would come in it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from optimizer.census import Census, find_around
from optimizer.scopes import get_cte
from optimizer.views import MARK

_GATHERING = (exp.ArrayAgg, exp.GroupConcat)
_BY_PLACE = (exp.RowNumber, exp.Ntile, exp.Lag, exp.Lead)
_SETS = (exp.Explode, exp.ExplodingGenerateSeries)
_CUT = ("limit", "offset")  # FETCH is a limit too
_MOST_LEVELS = 32  # queries in one another


def keep_subquery_order(tree: exp.Query) -> exp.Query:
    """``SELECT json_agg(x) FROM (SELECT … ORDER BY …) s``: what gathers rows, numbers, cuts off or returns them takes
    the order of the only query in FROM for its own.

    Why good: PostgreSQL feeds an aggregate in the order of the rows below it, and tools wrap a user's query as
    ``SELECT * FROM (…) AS t LIMIT 1000``. The engine drops an ORDER BY inside of FROM.
    When illegal: behind joins, DISTINCT, GROUP BY (but for what is gathered in a group) and set operations, whose rows
    come in no order; where the query around has an order of its own.
    Before it: names are qualified, stars are spelt out.
    """
    for select in reversed(find_around(tree, exp.Select)):  # inner ones first: an order goes up level by level
        _keep(select, is_root=select is tree)
    return tree


def has_inner_order(census: Census) -> bool:
    """Whether there is an ordered subquery."""
    return any(_is_inner(order) for order in census.find_all(exp.Order))


def _is_inner(order: exp.Order) -> bool:
    """Whether an ORDER BY is that of a query in FROM or WITH."""
    query = order.parent
    return isinstance(query, exp.Query) and isinstance(query.parent, exp.Subquery | exp.CTE)


def _keep(select: exp.Select, *, is_root: bool) -> None:
    gathering = [node for node in _own(select) if isinstance(node, _GATHERING) and _is_unordered(node)]
    windows = [node for node in _own(select) if isinstance(node, exp.Window)]
    rows = is_root or (any(select.args.get(cut) is not None for cut in _CUT) and MARK not in select.meta)
    rows = rows and select.args.get("order") is None and _passes_rows_on(select)
    if not (gathering or windows or rows) or any(not _is_bare(window) for window in windows):
        return
    keys = _order_of_source(select, 0)
    if not keys:
        return
    for aggregate in gathering:
        value = aggregate.this
        order = exp.Order(this=value.copy(), expressions=[key.copy() for key in keys])
        order.type = value.type
        aggregate.set("this", order)
    for window in windows:
        if isinstance(window.this, _BY_PLACE):
            window.set("order", exp.Order(expressions=[key.copy() for key in keys]))
    if rows:
        select.set("order", exp.Order(expressions=[key.copy() for key in keys]))


def _own(select: exp.Select) -> Iterator[exp.Expr]:
    """Yield the expressions of a query's select list and HAVING, without those of queries inside of it."""
    parts = [*select.expressions, select.args.get("having")]
    for part in parts:
        if part is not None:
            yield from part.walk(prune=lambda node: isinstance(node, exp.Query))


def _is_unordered(aggregate: exp.Expr) -> bool:
    whole = aggregate.parent
    while isinstance(whole, exp.Filter):
        whole = whole.parent
    return not isinstance(aggregate.this, exp.Order | exp.Distinct) and not isinstance(whole, exp.Window)


def _is_bare(window: exp.Window) -> bool:
    """Whether it is ``OVER ()``: others sort the rows."""
    return not any(window.args.get(one) for one in ("partition_by", "order", "spec", "alias"))


def _passes_rows_on(select: exp.Select) -> bool:
    """Whether a query returns the rows of FROM one by one."""
    if any(select.args.get(one) is not None for one in ("group", "distinct", "having", "qualify")):
        return False
    windows = {id(node.this) for node in _own(select) if isinstance(node, exp.Window)}
    return not any(
        isinstance(node, _SETS) or (isinstance(node, exp.AggFunc) and id(node) not in windows) for node in _own(select)
    )


def _order_of_source(select: exp.Select, level: int) -> list[exp.Ordered]:
    """Return the order of the rows of FROM, by columns of it; none where it has no order."""
    source = select.args.get("from_")
    item = source.this if source is not None else None
    if item is None or select.args.get("joins") or select.args.get("laterals") or level > _MOST_LEVELS:
        return []
    if item.args.get("joins") or item.args.get("sample") or not item.alias_or_name:
        return []
    if isinstance(item, exp.Subquery):
        found = _order_of(item.this, level, grows=not _names_columns(item))
        if found and isinstance(item.this, exp.Query):
            _drop_order(item.this)
    elif isinstance(item, exp.Table) and (cte := get_cte(item)) is not None:
        found = _order_of(cte.this, level, grows=False) if not _names_columns(item) | _names_columns(cte) else []
    else:
        found = []
    for key in found:
        key.this.set("table", exp.to_identifier(item.alias_or_name, quoted=True))
    return found


def _names_columns(item: exp.Expr) -> bool:
    alias = item.args.get("alias")
    return isinstance(alias, exp.TableAlias) and bool(alias.args.get("columns"))


def _order_of(query: exp.Expr, level: int, *, grows: bool) -> list[exp.Ordered]:
    """Return the order of a query's rows by its own output columns, without their qualifier. Where it ``grows`` a
    column that it sorts by gets to be one of them.
    """
    if isinstance(query, exp.SetOperation):
        grows = False
    elif not isinstance(query, exp.Select):
        return []
    order = query.args.get("order")
    keys: list[exp.Ordered] = [*order.expressions] if isinstance(order, exp.Order) else []
    if not keys:
        if not isinstance(query, exp.Select) or not _passes_rows_on(query) or _has_window(query):
            return []
        keys = _order_of_source(query, level + 1)
    distinct = query.args.get("distinct")
    if MARK in query.meta or (isinstance(distinct, exp.Distinct) and distinct.args.get("on") is None):
        grows = False
    outputs = [_output(query, key.this, grows=grows) for key in keys]
    found: list[exp.Ordered] = []
    for key, name in zip(keys, outputs, strict=True):
        if name is None:
            return []
        column = exp.Column(this=exp.to_identifier(name, quoted=True))
        column.type = next(one.type for one in query.selects if one.alias_or_name == name)
        found.append(exp.Ordered(this=column, desc=key.args.get("desc"), nulls_first=key.args.get("nulls_first")))
    return found


def _has_window(select: exp.Select) -> bool:
    return any(isinstance(node, exp.Window) for node in _own(select))


def _output(query: exp.Query, key: exp.Expr, *, grows: bool) -> str | None:
    """Return the name of the output column that a query sorts by, or None."""
    selects = query.selects
    names = [one.alias_or_name for one in selects]
    if isinstance(key, exp.Literal) and key.is_int:
        place = int(key.name) - 1
        return names[place] if place < len(names) and names.count(names[place]) == 1 else None
    if isinstance(key, exp.Column) and not key.table:
        return key.name if names.count(key.name) == 1 else None
    for one in selects:
        if one.unalias() == key and names.count(one.alias_or_name) == 1:
            return one.alias_or_name
    if not grows or not isinstance(query, exp.Select):
        return None
    name = next(made for at in range(len(names) + 1) if (made := f"order_{at + 1}") not in names)
    column = exp.Alias(this=key.copy(), alias=exp.to_identifier(name, quoted=True))
    column.type = key.type
    query.append("expressions", column)
    return name


def _drop_order(query: exp.Query) -> None:
    """Drop an order that is the outer query's now."""
    if not any(query.args.get(one) is not None for one in (*_CUT, "distinct")):
        query.set("order", None)
