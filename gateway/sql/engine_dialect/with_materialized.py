"""WITH queries that are computed once: the engine has a copy of one for each time that it is named.

That is the better way where each place has conditions of its own, for the engine moves them into its copy. Where a
query that groups, or does away with doubles, is named several times without, its rows are few, and to make them once is
cheaper. MATERIALIZED and NOT MATERIALIZED decide it, as in PostgreSQL. A query whose rows would be others in each
place, because it has random values or takes some rows of many, is computed once in any case.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from sqlglot import exp

from gateway.sql.engine_dialect.asked_rows import asked_for
from gateway.sql.engine_dialect.dialect import generate
from gateway.sql.engine_dialect.volatile import MARK
from optimizer.census import Classes, find_around, holds, with_subclasses
from optimizer.copies import copied
from optimizer.relations import conjuncts

_LEFT_BY_A_CONDITION = 0.3  # of a query's work, where a condition of a constant goes into it
_WORTH = 1.5  # computations without conditions: to keep rows, and to read them again, is work too
_EVERY_ROW = 1 << 62  # a LIMIT of so many is a fence, or keeps rows apart
_FEW_ROWS: Classes = with_subclasses(
    (exp.Group, exp.Distinct, exp.AggFunc, exp.Intersect, exp.Except)
)  # what has them may have much fewer rows than it reads


class Once(Enum):
    """Which WITH queries are to be computed once: none; those whose rows would be others in each place; also those that
    cost less so.
    """

    NEVER = 0
    NECESSARY = 1
    CHEAPER = 2


@dataclass(frozen=True, slots=True)
class WithQuery:
    """A WITH query that is computed once: the relation that has its rows then, its name, and how often it is named.
    ``sql`` names relations of those before it.
    """

    relation: str
    name: str
    sql: str
    places: int


@dataclass(frozen=True, slots=True)
class Materialized:
    """What a statement is in the engine's SQL where ``queries`` are computed before it, in their order. ``is_wanted``:
    one of them is MATERIALIZED, or has a LIMIT, so that its rows may be others in each place. ``is_necessary``: one has
    random values, so that they are others.
    """

    queries: tuple[WithQuery, ...]
    sql: str
    is_wanted: bool = False
    is_necessary: bool = False


def names_one_twice(tree: exp.Query) -> bool:
    """Whether a WITH query of a statement is named more than once, so that `materialized` may find something."""
    clause = tree.args.get("with_")
    return clause is not None and any(len(at) > 1 for at in _places(tree, clause).values())


def materialized(tree: exp.Query, once: Once) -> Materialized | None:
    """Return a query in the engine's terms with its WITH queries computed before it; None where none is to be. The
    tree is left as it is.
    """
    clause = tree.args.get("with_")
    if once is Once.NEVER or clause is None or clause.args.get("recursive"):
        return None
    places = _places(tree, clause)
    chosen = _chosen(tree, clause, places, once)
    if not chosen:
        return None
    token = secrets.token_hex(8)  # no text of a user can name one
    relations = {name: f"once_{token}_{number}" for number, name in enumerate(chosen)}
    ctes = [(at, cte) for at, cte in enumerate(clause.expressions) if cte.alias in chosen]
    queries = tuple(
        WithQuery(
            relations[cte.alias],
            cte.alias,
            _text(_asked_for(cte, clause, places[cte.alias]), clause, at, relations),
            len(places[cte.alias]),
        )
        for at, cte in ctes
    )
    rest = copied(tree)
    rest.set("with_", None)
    sql = _text(rest, clause, len(clause.expressions), relations)
    is_wanted = any(_is_wanted(cte) for _, cte in ctes)
    return Materialized(queries, sql, is_wanted, any(cte.meta.get(MARK) for _, cte in ctes))


def _places(tree: exp.Query, clause: exp.With) -> dict[str, list[exp.Table]]:
    """Return where each query is named, and where those of other clauses are that have the same name."""
    places: dict[str, list[exp.Table]] = {cte.alias: [] for cte in clause.expressions}
    for table in find_around(tree, exp.Table):
        if not table.db and table.name in places:
            places[table.name].append(table)
    return places


def _chosen(tree: exp.Query, clause: exp.With, places: Mapping[str, list[exp.Table]], once: Once) -> list[str]:
    """Return the names of those to be computed once, in their order."""
    inner = {one.alias for one in find_around(tree, exp.CTE) if one.parent is not clause}
    copies: dict[str, int] = {}  # of each, as things are
    work: dict[str, float] = {}  # of all copies, in that of one without conditions
    chosen: list[str] = []
    for cte in reversed(clause.expressions):
        at = [(_owner(table, clause), _part(table)) for table in places[cte.alias]]
        copies[cte.alias] = sum(copies.get(owner, 1) for owner, _ in at)
        work[cte.alias] = sum(part * work.get(owner, 1.0) for owner, part in at)
        pays = once is Once.CHEAPER and work[cte.alias] >= _WORTH and holds(cte.this, _FEW_ROWS)
        wanted = _is_wanted(cte) or (pays and cte.args.get("materialized") is not False)
        if copies[cte.alias] > 1 and wanted and cte.alias not in inner and _has_own_names(cte):
            chosen.append(cte.alias)
            copies[cte.alias], work[cte.alias] = 1, 1.0
    return chosen[::-1]


def _is_wanted(cte: exp.CTE) -> bool:
    """Whether a query is to be computed once in any case."""
    cuts = any(map(_cuts, find_around(cte, exp.Limit, exp.Fetch, exp.Offset)))
    return bool(cte.args.get("materialized") or cte.meta.get(MARK) or cuts)


def _cuts(clause: exp.Expr) -> bool:
    rows = clause.args.get("expression")
    return not (isinstance(rows, exp.Literal) and rows.is_int and int(rows.name) >= _EVERY_ROW)


def _owner(table: exp.Table, clause: exp.With) -> str:
    """Return the name of the WITH query that a name stands in, "" for the statement itself."""
    node: exp.Expr | None = table
    while node is not None and node.parent is not clause:
        node = node.parent
    return node.alias if node is not None else ""


def _part(table: exp.Table) -> float:
    """Return what part of a query's work is left by the conditions on it alone where it is named."""
    select = table.parent_select
    if not isinstance(select, exp.Select):
        return 1.0
    clauses = [select.args.get("where"), *(join for join in select.args.get("joins") or () if not join.side)]
    given = [clause.this if isinstance(clause, exp.Where) else clause.args.get("on") for clause in clauses if clause]
    alone = sum(_is_of(one, table.alias_or_name) for each in given if each is not None for one in conjuncts(each))
    return float(_LEFT_BY_A_CONDITION**alone)


def _is_of(condition: exp.Expr, name: str) -> bool:
    """Whether a condition compares a relation's columns with constants."""
    columns = [*condition.find_all(exp.Column)]
    if not columns or any(column.table != name for column in columns):
        return False
    return condition.find(exp.Query) is None and condition.find(exp.Null) is None


def _asked_for(cte: exp.CTE, clause: exp.With, places: Sequence[exp.Table]) -> exp.Expr:
    """Return a WITH query, of its rows those alone that are asked for, where they would be the same in each place."""
    query: exp.Expr = cte.this
    if not isinstance(query, exp.Query) or cte.meta.get(MARK) or cte.args["alias"].args.get("columns"):
        return query
    return asked_for(query, places, frozenset(one.alias for one in clause.expressions))


def _has_own_names(cte: exp.CTE) -> bool:
    """Whether the columns have names, of which none is another's."""
    names = [column.name for column in cte.args["alias"].args.get("columns") or ()] or cte.this.named_selects
    return bool(names) and "" not in names and "*" not in names and len({*names}) == len(names)


def _text(query: exp.Expr, clause: exp.With, before: int, relations: Mapping[str, str]) -> str:
    """Write a query with those of the clause before it that it needs; others are relations where they are named."""
    query = copied(query)
    needed: list[exp.Expr] = []
    parts = [query]
    for cte in reversed(clause.expressions[:before]):
        if cte.alias not in relations and any(_names(part, cte.alias) for part in parts):
            copy = copied(cte)
            needed.append(copy)
            parts.append(copy)
    for part in parts:
        _read_rows(part, relations)
    if needed:
        own = query.args.get("with_")
        query.set("with_", exp.With(expressions=[*needed[::-1], *(own.expressions if own is not None else ())]))
    return generate(query)


def _names(part: exp.Expr, name: str) -> bool:
    return any(not table.db and table.name == name for table in find_around(part, exp.Table))


def _read_rows(part: exp.Expr, relations: Mapping[str, str]) -> None:
    for table in find_around(part, exp.Table):
        relation = relations.get(table.name) if not table.db else None
        if relation is not None:
            if not table.alias:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
            table.set("this", exp.to_identifier(relation, quoted=True))
