"""Queries that the engine would plan again and again are refused before it is busy with them for seconds, or for ever:
no cancel stops it while it plans.

It looks at a subquery that is a value, EXISTS or IN twice as often as at the query around it, so that the time doubles
with each level. And it has a copy of a WITH query for each time that it is named, so that the copies double where each
of several names the one before it twice. Queries in FROM, and those that have become joins, are planned once.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from optimizer.census import Census

MAX_LOOKS = 1 << 16  # at all queries of a statement: fifteen levels take about half a second
MAX_COPIES = 1 << 12  # of all queries of a statement: joins of two take about a second
_FEW = 8  # queries, which cannot be too many however they stand
_ENOUGH = 2 * MAX_LOOKS  # to be refused; more is not counted
_PLANNED_ONCE = (exp.From, exp.Join, exp.Lateral, exp.SetOperation)
Places = list[exp.Expr]


def check(census: Census) -> None:
    """Raise 54001 for subqueries in each other, and for WITH queries, that would be planned too often."""
    queries: list[exp.Expr] = census.find_all(exp.Select, exp.SetOperation)
    if len(queries) <= _FEW:
        return
    places = _places_of_ctes(census)
    copies, looks = dict[int, int](), dict[int, int]()
    for query in queries:
        _count(query, places, copies, looks)
    if sum(copies.values()) > MAX_COPIES + len(queries):
        raise SqlError(
            SqlState.STATEMENT_TOO_COMPLEX,
            "WITH queries are named too often, by each other or by the statement",
            hint="Keep the rows of one in a temporary table: CREATE TEMPORARY TABLE … AS.",
        )
    if sum(looks.values()) > MAX_LOOKS + MAX_COPIES + len(queries):
        raise SqlError(
            SqlState.STATEMENT_TOO_COMPLEX,
            "subqueries are nested too deeply",
            hint="Put the inner ones into FROM, or into WITH.",
        )


def _count(query: exp.Expr, places: Mapping[int, Places], copies: dict[int, int], looks: dict[int, int]) -> None:
    """Note how many copies of a query there are and how often they are looked at, and so for those it depends on."""
    waiting = [query]
    while waiting:
        one = waiting[-1]
        around, doubled = _around(one, places)
        missing = [each for each in around if id(each) not in copies]
        if missing:
            waiting += missing
            continue
        waiting.pop()
        if one.parent is None:
            copies[id(one)] = looks[id(one)] = 1
        else:
            copies[id(one)] = min(sum(copies[id(each)] for each in around), _ENOUGH)
            looks[id(one)] = min(sum(looks[id(each)] for each in around) << doubled, _ENOUGH)


def _around(query: exp.Expr, places: Mapping[int, Places]) -> tuple[Places, bool]:
    """Return the queries that have a copy of a query each, and whether they look at it twice."""
    node = query.parent
    while isinstance(node, exp.Subquery):
        node = node.parent
    if isinstance(node, exp.CTE):
        return places.get(id(node), []), False
    around = _query_around(node)
    return [] if around is None else [around], not isinstance(node, _PLANNED_ONCE)


def _query_around(node: exp.Expr | None) -> exp.Expr | None:
    while node is not None and not isinstance(node, exp.Select | exp.SetOperation):
        node = node.parent
    return node


def _places_of_ctes(census: Census) -> dict[int, Places]:
    """Return the queries in whose FROM each WITH query is named, those within itself and before it left out."""
    clauses = {
        id(clause): {cte.alias: (at, cte) for at, cte in enumerate(clause.expressions)}
        for clause in census.find_all(exp.With)
    }
    names = {name for clause in clauses.values() for name in clause}
    found: dict[int, Places] = {id(cte): [] for clause in clauses.values() for _, cte in clause.values()}
    for table in census.find_all(exp.Table) if names else ():
        cte = _named(table, clauses) if not table.db and table.name in names else None
        place = _query_around(table)
        if cte is not None and place is not None:
            found[id(cte)].append(place)
    return found


def _named(table: exp.Table, clauses: Mapping[int, Mapping[str, tuple[int, exp.CTE]]]) -> exp.CTE | None:
    """Return the WITH query that a name in FROM means."""
    own: exp.Expr | None = None
    node: exp.Expr | None = table
    while node is not None:
        clause = node.args.get("with_")
        if clause is not None:
            at, cte = clauses[id(clause)].get(table.name, (0, None))
            # In a WITH query of the same clause those before it may be named.
            if cte is not None and (own is None or own.parent is not clause or at < (own.index or 0)):
                return cte
        own = node if isinstance(node, exp.CTE) else own
        node = node.parent
    return None
