"""What is asked of a view, of a query in FROM or of one in WITH is asked of the tables in it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from optimizer.census import Census, find_around, holds, with_subclasses
from optimizer.entered_queries import Place, over, places
from optimizer.join_sides import clauses
from optimizer.leakproof import is_leakproof
from optimizer.relations import POLICY, conjuncts, get_relation
from optimizer.scopes import get_cte
from optimizer.views import MARK, ViewRelation, get_view_relation, view_relations

_STAYS = with_subclasses(
    (exp.AggFunc, exp.Window, exp.Rand, exp.Uuid, exp.Anonymous, exp.Query, exp.Subquery, exp.Exists)
)


def enter_queries(tree: exp.Query) -> exp.Query:
    """Move conditions of WHERE and ON on columns of one view, derived table or query of WITH into its query, into the
    arms of a set operation; drop the columns of views that nobody asks for.

    Why good: they go on into the tables, so that files are skipped and sources send less.
    When illegal: as in `push_down_filters` on the side of an outer join that may be missing; into a query that limits
    its rows, that groups or numbers them by other columns; on a column that is computed there; into a query of WITH
    that is read twice, or MATERIALIZED. Only leakproof conditions move, but for views that show rows one for one and
    have no fence: what may fail would fail for rows that the query leaves out.
    Before it: names are qualified and have types.
    """
    for view in view_relations(tree):
        _copy_policies(view)
    read_once = _names_read_once(tree)
    waiting = deque(find_around(tree, exp.Select))  # outer ones first: what has moved moves on
    while waiting:
        waiting += _enter_from(waiting.popleft(), read_once)
    for view in view_relations(tree):
        _prune(tree, view)
    return tree


def has_queries(census: Census) -> bool:
    """Whether there is a view, a derived table or a query of WITH."""
    derived = (one for one in census.find_all(exp.Subquery) if isinstance(one.parent, exp.From | exp.Join))
    return census.has(exp.CTE) or any(get_relation(one) is None for one in derived)


@dataclass(frozen=True, slots=True)
class _Entered:
    """A query in FROM, and the places of its columns by the names that the query around it has for them.

    A view that ``is_plain`` has no fence and shows rows one for one: any condition on its columns may enter it.
    """

    query: exp.Expr
    columns: Mapping[str, int]
    is_plain: bool = False


def _names_read_once(tree: exp.Query) -> frozenset[str]:
    """The names of WITH that mean one query, which is read in one place."""
    found = find_around(tree, exp.CTE, exp.Table)
    named = Counter(one.alias for one in found if isinstance(one, exp.CTE))
    read = Counter(one.name for one in found if isinstance(one, exp.Table) and not one.db)
    return frozenset(name for name, number in named.items() if number == read[name] == 1)


def _enter_from(select: exp.Select, read_once: frozenset[str]) -> Iterator[exp.Select]:
    """Move the conditions of a SELECT into the queries that it reads; yield these."""
    if MARK in select.meta:  # the policies of a view stay above its query
        return
    for clause in clauses(select):
        targets = _entered(clause.sources, read_once)
        rest, moved = _move(clause.conditions, targets) if targets else ([], [])
        if moved:
            clause.keep(rest)
            yield from moved


def _entered(nodes: list[exp.Expr], read_once: frozenset[str]) -> dict[str, _Entered]:
    found = ((node.alias_or_name, _get_entered(node, read_once)) for node in nodes)
    return {alias: one for alias, one in found if one is not None}


def _get_entered(node: exp.Expr, read_once: frozenset[str]) -> _Entered | None:
    """Return the query that a source stands for; None for a table, and for what is no query alone."""
    if any(value for name, value in node.args.items() if name not in ("this", "alias", "db", "catalog")):
        return None
    view = get_view_relation(node)
    if view is not None:
        return None if view.renames_columns else _of_view(view)
    if isinstance(node, exp.Subquery):
        return _of_query(node.this, _alias_columns(node)) if get_relation(node) is None and node.alias else None
    if not isinstance(node, exp.Table) or node.name not in read_once:
        return None
    cte = get_cte(node)
    if cte is None or cte.args.get("materialized"):
        return None
    return _of_query(cte.this, _alias_columns(node), _alias_columns(cte))


def _of_view(view: ViewRelation) -> _Entered:
    own = {one.alias_or_name: at for at, one in reversed([*enumerate(view.query.selects)])}
    bare = ((one.alias_or_name, view.outer(one.alias_or_name)) for one in view.select.selects)
    columns = {name: own[column.name] for name, column in bare if column is not None and column.name in own}
    return _Entered(view.query, columns, not view.is_fenced and view.plain_query() is not None)


def _of_query(query: exp.Expr, *renamed: list[str]) -> _Entered | None:
    """A query whose columns may have other names, as its alias says, and as that of WITH says before."""
    if not isinstance(query, exp.Select | exp.SetOperation):
        return None
    names = query.named_selects
    for new in reversed(renamed):
        names = [*new, *names[len(new) :]]
    known = Counter(names)
    return _Entered(query, {name: at for at, name in enumerate(names) if known[name] == 1})


def _alias_columns(node: exp.Expr) -> list[str]:
    alias = node.args.get("alias")
    return [one.name for one in alias.args.get("columns") or ()] if isinstance(alias, exp.TableAlias) else []


def _move(conditions: list[exp.Expr], targets: Mapping[str, _Entered]) -> tuple[list[exp.Expr], list[exp.Select]]:
    """Move the conditions that may be; return those that stay, and the SELECTs that have got some."""
    rest: list[exp.Expr] = []
    moved: list[exp.Select] = []
    for condition in conditions:
        found = _places(condition, targets)
        for place in found or ():
            place.select.where(place.condition, copy=False)
            moved.append(place.select)
        if not found:
            rest.append(condition)
    return rest, moved


def _places(condition: exp.Expr, targets: Mapping[str, _Entered]) -> list[Place] | None:
    tables = {column.table for column in condition.find_all(exp.Column)}
    target = targets.get(next(iter(tables))) if len(tables) == 1 else None
    if target is None or holds(condition, _STAYS):
        return None
    return places(condition, target.query, target.columns, may_fail=target.is_plain)


def _copy_policies(view: ViewRelation) -> None:
    """Ask in the view's query, too, what its row policies ask of rows, where that fails on none. They stay above it."""
    query, where = view.plain_query(), view.select.args.get("where")
    if query is None or where is None:
        return
    for condition in conjuncts(where.this):
        if holds(condition, _STAYS):
            continue
        inside = over(condition, _columns(query))
        if inside is not None and is_leakproof(inside):
            inside.meta.pop(POLICY, None)  # what the policies promise is counted above
            query.where(inside, copy=False)


def _columns(query: exp.Select) -> dict[str, exp.Column]:
    """The columns that a query hands on, by their names in it."""
    outputs = ((one.alias_or_name, one.unalias()) for one in query.selects)
    return {name: inner for name, inner in outputs if isinstance(inner, exp.Column)}


def _prune(tree: exp.Query, view: ViewRelation) -> None:
    """Keep the columns that are named somewhere by the view's alias; of an alias used twice those of both."""
    if view.renames_columns or any(join.method or join.args.get("using") for join in tree.find_all(exp.Join)):
        return
    asked = [column for column in tree.find_all(exp.Column) if column.table == view.alias]
    whole = any(isinstance(column.this, exp.Star) for column in asked) or any(
        node.name == view.alias for node in tree.find_all(exp.TableColumn)
    )
    bare = any(not column.table and column.name == view.alias for column in tree.find_all(exp.Column))
    if whole or bare:
        return
    names = {column.name for column in asked}
    view.select.set("expressions", _kept(view.select, names))
    if view.plain_query() is not None:
        where = view.select.args.get("where")
        parts = [*view.select.expressions, *([where] if where is not None else [])]
        names = {column.name for one in parts for column in one.find_all(exp.Column)}
        view.query.set("expressions", _kept(view.query, names))


def _kept(query: exp.Query, names: set[str]) -> list[exp.Expr]:
    """The columns of these names; a relation of which only the rows count still needs one."""
    return [one for one in query.selects if one.alias_or_name in names] or query.selects[:1]
