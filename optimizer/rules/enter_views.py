"""What is asked of a view is asked of the tables in it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from optimizer.census import Census
from optimizer.leakproof import is_leakproof
from optimizer.relations import POLICY, conjuncts
from optimizer.views import ViewRelation, get_view_relation, view_relations

_STAYS = (exp.AggFunc, exp.Window, exp.Rand, exp.Uuid, exp.Anonymous, exp.Query, exp.Subquery, exp.Exists)


def enter_views(tree: exp.Query) -> exp.Query:
    """Move conditions of WHERE on columns of one view into the view's query; drop columns that nobody asks for.

    Why good: they go on into the tables, so that files are skipped and sources send less.
    When illegal: as in `push_down_filters` on the side of an outer join that may be missing; into a query that groups,
    limits or numbers its rows; on a column that is computed there. A fence lets leakproof conditions pass.
    Before it: names are qualified.
    """
    for view in view_relations(tree):
        _copy_policies(view)
    for select in [*tree.find_all(exp.Select)]:  # outer ones first: what has moved moves on
        _enter_from(select)
    for view in [*view_relations(tree)]:
        _prune(tree, view)
    return tree


def has_views(census: Census) -> bool:
    """Whether there is a view."""
    return any(get_view_relation(one) is not None for one in census.find_all(exp.Subquery))


def _enter_from(select: exp.Select) -> None:
    where, source = select.args.get("where"), select.args.get("from_")
    joins: list[exp.Join] = select.args.get("joins") or []
    if where is None or source is None:
        return
    if any(join.side in ("RIGHT", "FULL") or join.args.get("using") or join.method for join in joins):
        return
    nodes = [source.this, *(join.this for join in joins if join.side != "LEFT")]
    found = [view for view in map(get_view_relation, nodes) if view is not None]
    views = {view.alias: view for view in found if not view.renames_columns and not view.derived.args.get("joins")}
    rest = [condition for condition in conjuncts(where.this) if not _enters(condition, views)]
    select.set("where", exp.Where(this=exp.and_(*rest, copy=False)) if rest else None)


def _enters(condition: exp.Expr, views: dict[str, ViewRelation]) -> bool:
    """Move one condition where it may be moved; return whether it was."""
    columns = [*condition.find_all(exp.Column)]
    tables = {column.table for column in columns}
    view = views.get(next(iter(tables))) if len(tables) == 1 else None
    query = view.plain_query() if view is not None else None
    if view is None or query is None or condition.find(*_STAYS) is not None:
        return False
    inside = _inside(condition, {column.name: view.output(column.name) for column in columns})
    if inside is None or (view.is_fenced and not is_leakproof(inside)):
        return False
    query.where(inside, copy=False)
    return True


def _inside(condition: exp.Expr, outputs: Mapping[str, exp.Column | None]) -> exp.Expr | None:
    """A condition over what columns are in a view's query; None where one of them is computed there."""
    inside = condition.copy()
    for column in [*inside.find_all(exp.Column)]:
        output = outputs.get(column.name)
        if output is None:
            return None
        replacement = output.copy()
        replacement.type = column.type
        if column is inside:
            inside = replacement
        else:
            column.replace(replacement)
    return inside


def _copy_policies(view: ViewRelation) -> None:
    """Ask in the view's query, too, what its row policies ask of rows, where that fails on none. They stay above it."""
    query, where = view.plain_query(), view.select.args.get("where")
    if query is None or where is None:
        return
    for condition in conjuncts(where.this):
        if condition.find(*_STAYS) is not None:
            continue
        inside = _inside(condition, {one.alias_or_name: _column(one) for one in query.selects})
        if inside is not None and is_leakproof(inside):
            inside.meta.pop(POLICY, None)  # what the policies promise is counted above
            query.where(inside, copy=False)


def _column(output: exp.Expr) -> exp.Column | None:
    inner = output.unalias()
    return inner if isinstance(inner, exp.Column) else None


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
