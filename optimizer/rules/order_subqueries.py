"""Of the subqueries that rows are looked up in those come first that have the fewest rows."""

from __future__ import annotations

from sqlglot import exp

from optimizer.cardinality import Cardinality, Statistics
from optimizer.census import find_around, holds, with_subclasses
from optimizer.relations import conjuncts, relations

_LOOKING_UP = with_subclasses((exp.Exists, exp.In))


def order_subqueries(tree: exp.Query, statistics: Statistics) -> exp.Query:
    """Order the conditions EXISTS, NOT EXISTS and IN of each WHERE by how many rows their queries have.

    Why good: the engine makes a join of each, in the order in which they are written. What has few rows is read soon,
    and most often leaves fewer; after the first the engine takes what is left for as large as the tables were, and
    hashes the next query's rows instead, so that these should not be the many of TPC-H's Q21, but the least.
    When illegal: in fenced relations, where policies have their order. Elsewhere PostgreSQL promises none. Other
    conditions keep their places before and behind them.
    Without statistics of every table in them they stay as they are.
    Before it: conditions are where they are asked, so that the queries' rows can be estimated.
    """
    if not holds(tree, _LOOKING_UP):
        return tree
    cardinality = Cardinality(statistics)
    fenced = {id(relation.select) for relation in relations(tree) if relation.is_fenced}
    for select in [one for one in find_around(tree, exp.Select) if id(one) not in fenced]:
        where = select.args.get("where")
        conditions = conjuncts(where.this if where is not None else None)
        places = [at for at, one in enumerate(conditions) if _query(one) is not None]
        ordered = _in_order([conditions[at] for at in places], cardinality)
        if ordered is not None:
            for at, condition in zip(places, ordered, strict=True):
                conditions[at] = condition
            select.set("where", exp.Where(this=exp.and_(*conditions, copy=False)))
    return tree


def _in_order(conditions: list[exp.Expr], cardinality: Cardinality) -> list[exp.Expr] | None:
    """Return conditions with queries in the order in which they are to be asked; None where they stay."""
    if len(conditions) < 2:
        return None
    rows = [_rows(condition, cardinality) for condition in conditions]
    known = {at: found for at, found in enumerate(rows) if found is not None}
    order = sorted(known, key=known.__getitem__)
    if len(known) < len(rows) or order == [*known]:
        return None
    return [conditions[at] for at in order]


def _rows(condition: exp.Expr, cardinality: Cardinality) -> float | None:
    """Return how many rows are looked through. EXISTS most often speaks of the rows around it, which says how many are
    found for one of these: all that its FROM has are read.
    """
    query = _query(condition)
    source = (
        query.args.get("from_") if isinstance(query, exp.Select) and not isinstance(_inner(condition), exp.In) else None
    )
    if query is not None and source is not None:
        joined = cardinality.of_joined(source.this, query.args.get("joins") or [])
        return None if joined is None else joined.rows
    found = None if query is None else cardinality.of_query(query)
    return None if found is None else found.rows


def _query(condition: exp.Expr) -> exp.Query | None:
    """Return the query of a condition that the engine makes a join of, None for other conditions."""
    inner = _inner(condition)
    if not isinstance(inner, exp.Exists | exp.In):
        return None
    found = inner.this if isinstance(inner, exp.Exists) else inner.args.get("query")
    found = found.unnest() if isinstance(found, exp.Subquery) else found
    return found if isinstance(found, exp.Query) else None


def _inner(condition: exp.Expr) -> exp.Expr:
    return condition.this.unnest() if isinstance(condition, exp.Not) else condition
