"""SELECTs that join all they read by inner joins: sources and conditions, each a set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from optimizer.census import holds, with_subclasses
from optimizer.copies import copied
from optimizer.relations import conjuncts

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
_MIRRORED: dict[type[exp.Expr], type[exp.Binary]] = {
    exp.EQ: exp.EQ,
    exp.NEQ: exp.NEQ,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
}
_VOLATILE = (exp.Rand, exp.Uuid, exp.Anonymous)  # what has no class of its own may be anything
_MAY_DIFFER = with_subclasses(_VOLATILE)
_NOT_PLAIN = with_subclasses((exp.Query, exp.Subquery, exp.AggFunc, exp.Window, *_VOLATILE))


@dataclass(frozen=True, slots=True)
class InnerJoins:
    """The sources of a SELECT by their alias, in order, and the conditions that each of its joined rows meets: those of
    WHERE and of every ON.
    """

    select: exp.Select
    sources: Mapping[str, exp.Expr]
    conditions: tuple[exp.Expr, ...]

    def replace(self, sources: list[exp.Expr], conditions: list[exp.Expr]) -> None:
        """Give the SELECT other sources and conditions, in place."""
        first, *others = sources
        self.select.set("from_", exp.From(this=first))
        self.select.set("joins", [exp.Join(this=source) for source in others])
        self.select.set("where", exp.Where(this=exp.and_(*conditions, copy=False)) if conditions else None)


def get_inner_joins(select: exp.Select) -> InnerJoins | None:
    """Return what a SELECT joins, or None where a join is not an inner one, where a source may look at others (LATERAL,
    functions) or where an alias has a column list.
    """
    source = select.args.get("from_")
    joins: list[exp.Join] = select.args.get("joins") or []
    if source is None or select.args.get("laterals") or not all(map(_is_inner, joins)):
        return None
    nodes = [source.this, *(join.this for join in joins)]
    if not all(map(_stands_alone, nodes)):
        return None
    sources = {node.alias_or_name: node for node in nodes}
    where = select.args.get("where")
    clauses = [*(join.args.get("on") for join in joins), where.this if where is not None else None]
    conditions = [one for clause in clauses for one in conjuncts(clause) if one != exp.true()]
    return InnerJoins(select, sources, tuple(conditions)) if len(sources) == len(nodes) else None


def _is_inner(join: exp.Join) -> bool:
    odd = any(join.args.get(key) for key in ("method", "side", "using", "global_", "pivots", "match_condition", "hint"))
    return not odd and join.kind in ("", "INNER", "CROSS")


def _stands_alone(node: exp.Expr) -> bool:
    """Whether a source is a derived table or a WITH name, with nothing attached to it."""
    if not isinstance(node, exp.Subquery | exp.Table) or (isinstance(node, exp.Table) and not _is_name(node)):
        return False
    alias = node.args.get("alias")
    if alias is None or alias.args.get("columns"):
        return False
    return not any(value for key, value in node.args.items() if key not in ("this", "alias", "db"))


def _is_name(node: exp.Table) -> bool:
    return isinstance(node.this, exp.Identifier)


def forms(condition: exp.Expr) -> set[exp.Expr]:
    """Return a condition in each way to write it: a comparison also from right to left."""
    if not isinstance(condition, _COMPARISONS):
        return {condition}
    mirrored = _MIRRORED[type(condition)](this=copied(condition.right), expression=copied(condition.left))
    return {condition, mirrored}


def qualifiers(condition: exp.Expr) -> set[str]:
    """Return the aliases that a condition names."""
    return {column.table for column in condition.find_all(exp.Column)}


def is_plain(node: exp.Expr) -> bool:
    """Whether an expression has one value for one row, each time: no volatile function, no query, no aggregate."""
    return not holds(node, _NOT_PLAIN)


def is_volatile(node: exp.Expr) -> bool:
    """Whether a query may have other rows when it runs again."""
    return holds(node, _MAY_DIFFER)


def requalified(node: exp.Expr, names: Mapping[str, str]) -> exp.Expr:
    """Return a copy that speaks of other aliases; columns of those that are not named stay."""
    changed = copied(node)
    for column in changed.find_all(exp.Column):
        if column.table in names:
            column.set("table", exp.to_identifier(names[column.table], quoted=True))
    return changed


def equalities(conditions: tuple[exp.Expr, ...]) -> Iterator[tuple[exp.Column, exp.Column]]:
    """Yield the columns that conditions hold equal, each pair in both orders."""
    for condition in conditions:
        if isinstance(condition, exp.EQ):
            left, right = condition.left.unnest(), condition.right.unnest()
            if isinstance(left, exp.Column) and isinstance(right, exp.Column):
                yield left, right
                yield right, left
