"""Which subqueries the engine plans where they stand, and the joins that the others become (`decorrelate`).

The engine (DataFusion 55) plans a correlated value that is an aggregate tied by equality, EXISTS and IN as filters with
conditions in their own WHERE, and LATERAL of the same two kinds. Anything else it refuses, or, as a window in LATERAL,
answers wrongly; see apache/datafusion#5483 (more subqueries) and #5492 (unnesting in general).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from sqlglot import exp

from gateway.sql.engine_dialect import correlation, decorrelate
from gateway.sql.engine_dialect.build import number, refuse, typed
from gateway.sql.engine_dialect.correlation import chooses_columns
from gateway.sql.engine_dialect.grouped_columns import shape
from gateway.sql.engine_dialect.kinds import T
from gateway.sql.engine_dialect.lateral_joins import join_laterals
from gateway.sql.engine_dialect.outer_conditions import ask_beside
from gateway.sql.engine_dialect.subqueries import filters
from gateway.sql.engine_dialect.subquery_values import answer, asked_of
from gateway.sql.engine_dialect.tied_values import join_by_ties
from optimizer.census import LEAVES, Census
from optimizer.copies import copied

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)


def to_joins(tree: exp.Query, census: Census) -> bool:
    """Put joins in the place of the subqueries that the engine does not plan, in place, the outer ones first. Returns
    whether there are any subqueries.
    """
    if not _has_subqueries(census):
        return False
    fresh = count()
    asked = _ASKING if census.has(exp.Any, exp.All) else _ASKING[:4]  # comparisons ask by ANY and ALL
    pending: list[exp.Expr] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, exp.Exists):
            _give_column(node)
        if isinstance(node, exp.Select) and (node.args.get("where") is not None or not chooses_columns(node)):
            join_laterals(node, fresh)
            _values(node, fresh, asked)
        if type(node) not in LEAVES and type(node) is not exp.Column:
            pending.extend(node.iter_expressions())
    return True


def _give_column(node: exp.Exists) -> None:
    """``EXISTS (SELECT FROM t)``: the engine's planner breaks down where a query in a condition has no columns."""
    query = node.this.unnest()
    if isinstance(query, exp.Select) and not query.selects:
        query.set("expressions", [typed(exp.alias_(number(1), "one", quoted=True), T.INT)])


def _has_subqueries(census: Census) -> bool:
    """Whether there are queries in expressions, or LATERAL items and functions in FROM."""
    if census.has(exp.Exists, exp.Any, exp.All, exp.Array, exp.Lateral, exp.Unnest):
        return True
    return (
        any(one.args.get("query") is not None for one in census.find_all(exp.In))
        or any(not isinstance(one.parent, _HOLDERS) for one in census.find_all(exp.Subquery))
        or any(not isinstance(one.this, exp.Identifier) for one in census.find_all(exp.Table))
    )


_HOLDERS = (exp.From, exp.Join, exp.CTE, exp.SetOperation, exp.Subquery)
_ASKING: tuple[type[exp.Expr], ...] = (exp.Exists, exp.In, exp.Array, exp.Subquery, *_COMPARISONS)


def _values(select: exp.Select, fresh: Iterator[int], asked: tuple[type[exp.Expr], ...]) -> None:
    for comparison in correlation.own_nodes(select, *_COMPARISONS) if asked is _ASKING else ():
        _as_membership(comparison)
    done: set[int] = set()
    keys: dict[exp.Expr, exp.Expr] = {}  # what stands for the subqueries in GROUP BY
    nodes = correlation.own_nodes(select, *asked)
    for node in sorted(nodes, key=lambda one: _clause(one, select) != "group"):
        query = _query_of(node)
        if query is None or id(query) in done:
            continue
        done.add(id(query))
        if keys and (known := keys.get(shape(node))) is not None:
            node.replace(copied(known))
        elif not _is_planned(node, query, select):
            if _move_condition(node, select, fresh):
                continue
            written = shape(node) if _clause(node, select) == "group" else None
            value = _join_value(select, node, query, fresh)
            if written is not None and value is not None:
                keys[written] = value
        elif isinstance(node, exp.Subquery) and correlation.free_columns(query):
            _join_by_ties(select, node, query, fresh)


def _as_membership(node: exp.Binary) -> None:
    """``= ANY (query)`` is ``IN``, ``<> ALL (query)`` is ``NOT IN``."""
    quantifier = node.expression
    if not isinstance(quantifier, exp.Any | exp.All) or not isinstance(quantifier.this, exp.Subquery | exp.Select):
        return
    query, is_in = quantifier.this.unnest(), isinstance(node, exp.EQ) and isinstance(quantifier, exp.Any)
    is_not_in = isinstance(node, exp.NEQ) and isinstance(quantifier, exp.All)
    if not isinstance(query, exp.Query) or not (is_in or is_not_in):
        return  # before anything takes the value out of the comparison
    inside = typed(exp.In(this=node.this, query=exp.Subquery(this=query)), T.BOOLEAN)
    node.replace(inside if is_in else typed(exp.Not(this=inside), T.BOOLEAN))


def _query_of(node: exp.Expr) -> exp.Query | None:
    """Return the query that an expression asks, None for an expression that asks none itself."""
    found: object = None
    if isinstance(node, exp.Exists):
        found = node.this
    elif isinstance(node, exp.In):
        found = node.args.get("query")
    elif isinstance(node, exp.Array) and len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Query):
        found = node.expressions[0]
    elif isinstance(node, exp.Subquery):
        parent = node.parent
        asks = isinstance(parent, exp.Exists | exp.Any | exp.All) or (
            isinstance(parent, exp.In | exp.Array) and _query_of(parent) is not None
        )
        found = None if asks else node.this
    elif isinstance(node, _COMPARISONS) and isinstance(node.expression, exp.Any | exp.All):
        found = node.expression.this
    query = found.unnest() if isinstance(found, exp.Expr) else None
    return query if isinstance(query, exp.Query) and not isinstance(query, exp.Table) else None


def _clause(node: exp.Expr, select: exp.Select) -> str:
    """Return in which clause of a SELECT a node stands; "argument" for those of aggregates and windows."""
    child: exp.Expr = node
    while child.parent is not None and child.parent is not select:
        if isinstance(child, exp.AggFunc | exp.Window | exp.Filter | exp.WithinGroup):
            return "argument"
        child = child.parent
    return "argument" if isinstance(child, exp.AggFunc | exp.Window | exp.Filter) else child.arg_key or ""


def _is_planned(node: exp.Expr, query: exp.Query, select: exp.Select) -> bool:
    """Whether `subqueries` or the engine has a way for it where it stands."""
    clause = _clause(node, select)
    free = bool(correlation.free_columns(query))
    if isinstance(node, exp.Array):
        return not free and clause in ("expressions", "where") and _is_sorted_by_outputs(query)
    if clause in ("limit", "offset"):
        return True
    if clause not in ("expressions", "where", "having", "joins"):
        return False
    if isinstance(node, exp.Exists):
        return _is_planned_existence(node, query, clause, free)
    if isinstance(node, exp.In):
        return _is_planned_membership(node, query, clause, free)
    if isinstance(node, exp.Subquery):
        inside = node.find_ancestor(exp.In, exp.Array, exp.Select) is not select
        if inside or len(query.selects) != 1 or (free and clause in ("having", "joins")):
            return False
        return not free or (correlation.is_planned_as_value(query) and _is_limited_to_one(query))
    return not free and not isinstance(node, exp.EQ | exp.NEQ) and not isinstance(node.this, exp.Tuple)


def _is_planned_existence(node: exp.Exists, query: exp.Query, clause: str, free: bool) -> bool:
    _drop_limit(query)
    if not free:
        return True
    if filters(node):
        return correlation.is_planned_as_filter(query)
    return clause != "having" and _counts(query) and not _is_outer(node)


def _is_planned_membership(node: exp.In, query: exp.Query, clause: str, free: bool) -> bool:
    if is_negated_within(node):
        return False
    if filters(node) and _is_negated(node) and node.this.find(exp.Column) is None:
        return False  # the engine compares a constant in the subquery, and does not see the NULLs there
    if isinstance(node.this, exp.Tuple):
        return filters(node) and not _is_negated(node) and not free
    if filters(node):
        return not free or (not _is_negated(node) and correlation.is_planned_as_filter(query))
    return not free and clause in ("expressions", "where")


def _is_negated(node: exp.In) -> bool:
    """Whether rows are wanted that a correlated IN does not hold of: the engine takes a NULL among the rows for one
    outer row for one among those for each.
    """
    return bool(node.args.get("negate")) or isinstance(
        node.find_ancestor(exp.Not, exp.And, exp.Or, exp.Select), exp.Not
    )


def is_negated_within(node: exp.Expr) -> bool:
    """Whether a negated IN stands below OR or another NOT of a condition: there the engine takes "unknown", as NULLs
    make it, for false and then for true. ``NOT IN`` joined by AND alone is right.
    """
    negations, alternatives, child = int(bool(node.args.get("negate"))), False, node.parent
    direct = isinstance(node.find_ancestor(exp.Not, exp.And, exp.Or, exp.Select), exp.Not)
    while child is not None and not isinstance(child, exp.Where | exp.Having | exp.Join | exp.Select):
        negations += isinstance(child, exp.Not)
        alternatives = alternatives or isinstance(child, exp.Or)
        child = child.parent
    if child is None or isinstance(child, exp.Select) or not negations:
        return False
    return alternatives or negations > 1 or not (direct or node.args.get("negate"))


def _counts(query: exp.Query) -> bool:
    """Whether a correlated EXISTS can be a count of rows in the query's own SELECT."""
    return isinstance(query, exp.Select) and correlation.is_planned_as_filter(query) and correlation.is_tied(query)


def _is_outer(node: exp.Expr) -> bool:
    join = node.find_ancestor(exp.Join, exp.Select)
    return isinstance(join, exp.Join) and bool(join.side)


def _drop_limit(query: exp.Query) -> None:
    """``EXISTS (… LIMIT 1)``: a limit above zero says nothing."""
    limit = query.args.get("limit")
    rows = limit.expression if isinstance(limit, exp.Limit) else None
    if isinstance(rows, exp.Literal) and rows.is_int and int(rows.name) > 0:
        query.set("limit", None)
        if not query.args.get("distinct"):
            query.set("order", None)


def _is_limited_to_one(query: exp.Query) -> bool:
    limit = query.args.get("limit")
    rows = limit.expression if isinstance(limit, exp.Limit) else None
    return limit is None or (isinstance(rows, exp.Literal) and rows.name == "1" and not correlation.is_aggregate(query))


def _is_sorted_by_outputs(query: exp.Query) -> bool:
    order = query.args.get("order")
    keys = [one.this for one in order.expressions] if order is not None else []
    return all(isinstance(key, exp.Column) and not key.table for key in keys)


def _move_condition(node: exp.Expr, select: exp.Select, fresh: Iterator[int]) -> bool:
    """The condition of an inner join goes to WHERE, where what it asks can be joined before it. Returns whether a
    derived table of FROM answers it instead.
    """
    join = node.find_ancestor(exp.Join, exp.Select)
    if not isinstance(join, exp.Join) or join.parent is not select:
        return False
    joins = select.args["joins"]
    if join.side or any(one.side in ("RIGHT", "FULL") for one in joins):
        ask_beside(select, join, node, fresh)
        return True
    condition = join.args["on"]
    join.set("on", None)
    join.set("kind", "CROSS")
    select.where(condition, copy=False)
    return False


def _join_value(select: exp.Select, node: exp.Expr, query: exp.Query, fresh: Iterator[int]) -> exp.Expr | None:
    """Join what a subquery says for each outer value, and let the expression read it there."""
    if select.args.get("from_") is None:
        if not correlation.free_columns(query):
            return None
        raise refuse("this form of correlated subquery")
    clause = _clause(node, select)
    sources = {one.alias_or_name for one in correlation.items(select)}
    asked = asked_of(node, query, fresh)
    free = [column for column in correlation.free_columns(asked) if column.table in sources]
    decorrelate.spell_crosses(select)
    known = decorrelate.domain(select, len(select.args.get("joins") or []), free, fresh)
    alias = f"_query{next(fresh)}"
    joined, value, columns = answer(node, asked, known, alias, fresh)
    on = decorrelate.equal(known.columns, alias, known.key_names())
    join = exp.Join(this=decorrelate.derived(joined, alias), side="LEFT", on=exp.and_(*on) if on else exp.true())
    select.append("joins", join)
    node.replace(value)
    if clause in ("expressions", "having", "order"):
        _keep_in_groups(select, columns)
    return value


def _join_by_ties(select: exp.Select, node: exp.Expr, query: exp.Query, fresh: Iterator[int]) -> None:
    """Join a value that the engine would plan, but for the error that there are several."""
    clause = _clause(node, select)
    joined = join_by_ties(select, query, clause, fresh)
    if joined is None:
        return
    value, columns = joined
    node.replace(value)
    if clause == "expressions":
        _keep_in_groups(select, columns)


def _keep_in_groups(select: exp.Select, columns: list[exp.Expr]) -> None:
    """Beside GROUP BY what is joined is a key too: it is one value for each group."""
    group = select.args.get("group")
    if group is None:
        if correlation.aggregates_of(select):
            raise refuse("this subquery beside an aggregate", "Compute the aggregate in a derived table.")
        return
    if any(isinstance(one, exp.GroupingSets | exp.Rollup | exp.Cube) for one in group.expressions):
        raise refuse("this subquery beside grouping sets", "Group in a derived table.")
    group.set("expressions", [*group.expressions, *(copied(one) for one in columns)])
