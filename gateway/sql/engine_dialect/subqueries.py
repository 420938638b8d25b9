"""Subqueries in expressions: those the engine can plan only in another form.

The engine takes EXISTS and IN as filters; elsewhere (select list, CASE, join condition) they become counts. A
correlated scalar subquery must be an aggregate there: one that yields a single row becomes one, and still answers
21000 for more rows.
"""

from __future__ import annotations

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope

from gateway.sql.engine_dialect import unpruned
from gateway.sql.engine_dialect.build import call, case, cast, number, paren, refuse, typed
from gateway.sql.engine_dialect.comparisons import compare
from gateway.sql.engine_dialect.kinds import T, type_of
from gateway.sql.engine_dialect.moments import Session
from optimizer.copies import copied

_COLUMN = "_column"
_ROWS = "_rows"


def exists(node: exp.Exists) -> exp.Expr:
    """``EXISTS`` outside of WHERE: a count of rows."""
    if filters(node):
        return node
    return exp.GT(this=_count(node.this, None), expression=number(0))


def member(node: exp.In, session: Session) -> exp.Expr:
    """``IN (query)``: of rows, or outside of WHERE."""
    query = node.args.get("query")
    if query is None:
        return node
    body = query.unnest()
    if isinstance(node.this, exp.Tuple):
        return _rows_in(node, body, session)
    if filters(node):
        node.set("this", unpruned.values(node.this))
        return node
    value = node.this
    equal = compare(exp.EQ(this=_inner_column(body, value), expression=paren(copied(value))), session)
    unknown = exp.Is(this=_inner_column(body, value), expression=exp.Null())
    some = exp.GT(this=_count(body, None), expression=number(0))
    found = exp.GT(this=_count(body, equal), expression=number(0))
    nulls = exp.GT(this=_count(body, unknown), expression=number(0))
    doubtful = exp.Or(
        this=nulls,
        expression=exp.Paren(
            this=exp.And(this=exp.Is(this=paren(copied(value)), expression=exp.Null()), expression=some)
        ),
    )
    answer = case((found, exp.true()), (doubtful, cast(exp.Null(), "BOOLEAN")), default=exp.false())
    return typed(exp.Paren(this=answer), T.BOOLEAN)


def quantified(node: exp.Binary, session: Session) -> exp.Expr:
    """``= ANY (query)`` is IN, ``<> ALL (query)`` is NOT IN; others the engine plans as filters."""
    quantifier = node.expression
    if not isinstance(quantifier, exp.Any | exp.All):
        return node
    query = quantifier.this.unnest()
    if not isinstance(query, exp.Query):
        return node
    inside = exp.In(this=node.this, query=exp.Subquery(this=query))
    inside.parent = node.parent
    if isinstance(node, exp.EQ) and isinstance(quantifier, exp.Any):
        return typed(inside, T.BOOLEAN)
    if isinstance(node, exp.NEQ) and isinstance(quantifier, exp.All):
        return typed(exp.Not(this=inside), T.BOOLEAN)
    return _by_extreme(node, quantifier, query)


def _by_extreme(node: exp.Binary, quantifier: exp.Expr, query: exp.Query) -> exp.Expr:
    """``> ALL (query)`` by the greatest value, ``> ANY (query)`` by the least; a NULL among them makes it unknown."""
    if isinstance(node, exp.EQ | exp.NEQ):
        raise refuse("= ALL and <> ANY of a query", "Use min and max of the query.")
    upward = isinstance(node, exp.GT | exp.GTE)
    everyone = isinstance(quantifier, exp.All)
    extreme: exp.Expr = exp.Max(this=_reference(query)) if upward == everyone else exp.Min(this=_reference(query))
    bound = _select_from(query, extreme, None)
    total = _count(query, None)
    present = _select_from(query, exp.Count(this=_reference(query)), None)
    compared = type(node)(this=paren(node.this), expression=bound)
    empty = exp.EQ(this=total, expression=number(0))
    nulls = exp.LT(this=present, expression=copied(total))
    decided = exp.Not(this=exp.Paren(this=copied(compared))) if everyone else copied(compared)
    answer = case(
        (empty, exp.true() if everyone else exp.false()),
        (decided, exp.false() if everyone else exp.true()),
        (nulls, cast(exp.Null(), "BOOLEAN")),
        default=compared,
    )
    return typed(exp.Paren(this=answer), T.BOOLEAN)


def _rows_in(node: exp.In, query: exp.Query, session: Session) -> exp.Expr:
    """``(a, b) IN (query)``: the engine takes one column only. As a filter, EXISTS has the same rows."""
    if isinstance(node.parent, exp.Not) or not filters(node):
        raise refuse("(a, b) IN (query) that is negated or outside of WHERE", "Use NOT EXISTS.")
    names = [f"{_COLUMN}{place}" for place in range(len(node.this.expressions))]
    terms: list[exp.Expr] = []
    for name, value, column in zip(names, node.this.expressions, query.selects, strict=True):
        inner = typed(exp.column(name, table=_ROWS, quoted=True), type_of(column))
        terms.append(compare(exp.EQ(this=inner, expression=paren(copied(value))), session))
    source = _renamed(query, names)
    return typed(exp.Exists(this=exp.select("1").from_(source).where(*terms)), T.BOOLEAN)


def _renamed(query: exp.Query, names: list[str]) -> exp.Subquery:
    body = copied(query)
    for name, column in zip(names, body.selects, strict=True):
        _rename(body, column, name)
    return exp.Subquery(this=body, alias=exp.TableAlias(this=exp.to_identifier(_ROWS, quoted=True)))


def _rename(body: exp.Query, column: exp.Expr, name: str) -> None:
    """Give an output column another name; ORDER BY may know it by the old one, so it must not be asked for then."""
    old = column.alias_or_name
    named = exp.Alias(this=copied(column.unalias()), alias=exp.to_identifier(name, quoted=True))
    named.type = type_of(column)
    for ordered in body.find_all(exp.Ordered):
        if isinstance(ordered.this, exp.Column) and not ordered.this.table and ordered.this.name == old:
            ordered.this.set("this", exp.to_identifier(name, quoted=True))
    column.replace(named)


def _reference(query: exp.Query) -> exp.Column:
    return typed(exp.column(_COLUMN, table=_ROWS, quoted=True), type_of(query.selects[0]))


def _inner_column(query: exp.Query, value: exp.Expr) -> exp.Column:
    return _reference(query)


def _select_from(query: exp.Query, what: exp.Expr, condition: exp.Expr | None) -> exp.Subquery:
    source = _renamed(query, [_COLUMN, *(f"{_COLUMN}{at}" for at in range(1, len(query.selects)))])
    outer = exp.select(what).from_(source)
    if condition is not None:
        outer = outer.where(copied(condition))
    return typed(exp.Subquery(this=outer), type_of(what))


def _count(query: exp.Expr, condition: exp.Expr | None) -> exp.Subquery:
    """Return the number of rows of a query, of those that meet a condition.

    A correlated one counts in its own SELECT, where the engine finds the correlation.
    """
    body = query.unnest()
    if isinstance(body, exp.Select) and condition is None and _simple(body):
        counted = copied(body)
        counted.set("expressions", [exp.alias_(exp.Count(this=exp.Star()), "_count", quoted=True)])
        counted.set("order", None)
        counted.set("distinct", None)
        return typed(exp.Subquery(this=counted), T.BIGINT)
    assert isinstance(body, exp.Query)
    return _select_from(body, typed(exp.Count(this=exp.Star()), T.BIGINT), condition)


def _simple(body: exp.Select) -> bool:
    """Return whether each row that WHERE leaves is one row of the result."""
    clauses = ("group", "having", "limit", "offset", "windows", "qualify")
    return not any(body.args.get(key) for key in clauses) and not _aggregates(body)


def _aggregates(body: exp.Select) -> bool:
    return any(
        isinstance(found, exp.AggFunc) and found.find_ancestor(exp.Window, exp.Query) is body
        for column in body.selects
        for found in column.find_all(exp.AggFunc)
    )


def filters(node: exp.Expr) -> bool:
    """Return whether the engine takes a subquery here as a filter: under WHERE, with AND, OR and NOT only between."""
    child, parent = node, node.parent
    while isinstance(parent, exp.And | exp.Or | exp.Not | exp.Paren):
        child, parent = parent, parent.parent
    return isinstance(parent, exp.Where | exp.Having) and child is parent.this


def scalar(node: exp.Subquery) -> exp.Expr:
    """A correlated scalar subquery that is no aggregate becomes one."""
    body = node.this
    if not isinstance(body, exp.Select) or not is_scalar(node):
        return node
    if body.args.get("group") or _aggregates(body) or not _correlated(body):
        return node
    column = body.selects[0]
    value = copied(column.unalias())
    if body.args.get("distinct") or body.args.get("offset"):
        raise refuse("this form of correlated subquery", "Join the table instead.")
    single = _first(body, value) if body.args.get("limit") is not None else _only(value)
    body.set("expressions", [exp.alias_(single, column.alias_or_name or _COLUMN, quoted=True)])
    body.set("limit", None)
    body.set("order", None)
    return node


def _only(value: exp.Expr) -> exp.Expr:
    """Return the one value there may be; more are 21000."""
    several = call("one_row", exp.Count(this=exp.Star()), returns=T.BOOLEAN)
    return case((several, exp.Min(this=value)))


def _first(body: exp.Select, value: exp.Expr) -> exp.Expr:
    limit = body.args["limit"].expression
    if not (isinstance(limit, exp.Literal) and limit.name == "1"):
        raise refuse("this form of correlated subquery", "Use LIMIT 1.")
    order = body.args.get("order")
    if order is None:
        return exp.Min(this=value)
    names = {column.alias: column.unalias() for column in body.selects}
    keys = [copied(key) for key in order.expressions]
    for key in keys:
        if isinstance(key.this, exp.Column) and not key.this.table and key.this.name in names:
            key.set("this", copied(names[key.this.name]))
    return call("first_value", exp.Order(this=value, expressions=keys), returns=type_of(value))


def is_scalar(node: exp.Subquery) -> bool:
    """Whether a subquery is a value."""
    parent = node.parent
    return (
        not isinstance(
            parent,
            exp.From
            | exp.Join
            | exp.Lateral
            | exp.CTE
            | exp.In
            | exp.Exists
            | exp.SetOperation
            | exp.Subquery
            | exp.Any
            | exp.All,
        )
        and parent is not None
    )


def _correlated(body: exp.Select) -> bool:
    scope = build_scope(body)
    return isinstance(scope, Scope) and bool(scope.external_columns)


def array_of(node: exp.Array) -> exp.Expr:
    """``ARRAY(query)``: the array of a query's values in its order, empty without rows."""
    only = node.expressions[0] if len(node.expressions) == 1 else None
    if not isinstance(only, exp.Query):
        return node
    query = copied(only)
    value: exp.Expr = _reference(query)
    order = query.args.get("order")
    source = _renamed(query, [_COLUMN])
    if order is not None:
        keys = source.this.args["order"].expressions
        if not all(isinstance(key.this, exp.Column) and key.this.name == _COLUMN for key in keys):
            raise refuse("ARRAY of a query sorted by something else than its column", "Use array_agg(… ORDER BY …).")
        keys = [copied(key) for key in keys]
        for key in keys:
            key.set("this", copied(value))
        value = exp.Order(this=value, expressions=keys)
    gathered = exp.Subquery(this=exp.select(exp.ArrayAgg(this=value)).from_(source))
    empty = cast(exp.Array(expressions=[]), type_of(node))
    found = exp.Coalesce(this=gathered, expressions=[empty])
    return typed(found, type_of(node))
