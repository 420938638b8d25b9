"""Conditions on one table are asked of that table's source."""

from __future__ import annotations

from sqlglot import exp

from optimizer.census import find_around, holds, with_subclasses
from optimizer.copies import copied
from optimizer.join_sides import clauses
from optimizer.leakproof import is_leakproof
from optimizer.relations import Relation, get_relation
from optimizer.scopes import source_select

_STAYS = with_subclasses(
    (exp.AggFunc, exp.Window, exp.Rand, exp.Uuid, exp.Anonymous, exp.Exists, exp.Query, exp.Subquery)
)


def push_down_filters(tree: exp.Query) -> exp.Query:
    """Move conjuncts of WHERE and ON that name one governed relation into that relation.

    Why good: a source that understands them sends fewer rows; files and row groups are skipped.
    When illegal: on the side of an outer join that may be missing, a condition in WHERE filters after the join:
    ``a LEFT JOIN b … WHERE b.x IS NULL`` must not become a filter on b (`optimizer.join_sides`). A fence lets leakproof
    conditions pass. Volatile functions stay where they are, and so do subqueries, but for ``a.x IN (SELECT …)`` whose
    query speaks of nothing outside: it is a semi-join that pays before the other joins.
    Before it: names are qualified.
    """
    for select in reversed(find_around(tree, exp.Select)):  # inner ones first: a condition moves as it then is
        _push_within(select)
    return tree


def _push_within(select: exp.Select) -> None:
    for clause in clauses(select):
        targets = _by_alias(clause.sources)
        conditions = clause.conditions if targets else []
        rest = _push(conditions, targets)
        if len(rest) < len(conditions):
            clause.keep(rest)


def _by_alias(nodes: list[exp.Expr]) -> dict[str, Relation]:
    found = (get_relation(node) for node in nodes)
    return {
        relation.alias: relation
        for relation in found
        if relation is not None
        and not relation.renames_columns
        and not relation.derived.args.get("joins")  # it is the left side of joins of its own, which may be outer ones
    }


def _push(conditions: list[exp.Expr], targets: dict[str, Relation]) -> list[exp.Expr]:
    """Move what can be moved; return the rest."""
    rest = []
    for condition in conditions:
        relation = _target(condition, targets)
        inside = _inside(condition, relation) if relation is not None else None
        if relation is None or inside is None or not _may_enter(inside, relation):
            rest.append(condition)
        else:
            relation.select.where(inside, copy=False)
    return rest


def _may_enter(inside: exp.Expr, relation: Relation) -> bool:
    """Whether a condition, as it would be inside, tells nothing of rows that a fenced relation hides."""
    if not relation.is_fenced:
        return True
    if isinstance(inside, exp.In) and inside.args.get("query") is not None:  # equality with what others hold
        return is_leakproof(exp.Is(this=inside.this, expression=exp.null()))
    return is_leakproof(inside)


def _target(condition: exp.Expr, targets: dict[str, Relation]) -> Relation | None:
    if isinstance(condition, exp.In) and condition.args.get("query") is not None:
        return _semi_join_target(condition, targets)
    tables = {column.table for column in condition.find_all(exp.Column)}
    if len(tables) != 1 or holds(condition, _STAYS):
        return None
    return targets.get(next(iter(tables)))


def _semi_join_target(condition: exp.In, targets: dict[str, Relation]) -> Relation | None:
    """The relation of ``column IN (uncorrelated query)``, or None."""
    column, query = condition.this.unnest(), condition.args["query"]
    if not isinstance(column, exp.Column) or condition.args.get("negate"):
        return None
    if any(one.table == column.table or source_select(one, query) is None for one in query.find_all(exp.Column)):
        return None
    return targets.get(column.table)


def _inside(condition: exp.Expr, relation: Relation) -> exp.Expr:
    """Speak of the base table's columns instead of the alias's; a relation's columns keep their names."""
    inside = copied(condition)
    outputs = {column.alias_or_name: column.unalias() for column in relation.select.expressions}
    for column in [column for column in inside.find_all(exp.Column) if column.table == relation.alias]:
        replacement = copied(outputs[column.name])
        replacement.type = column.type
        if column is inside:
            inside = replacement
        else:
            column.replace(replacement)
    return inside
