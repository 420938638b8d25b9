"""The part of a SELECT's FROM clause whose tables may be joined in any order, and how an order is written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from optimizer.inner_joins import is_plain, qualifiers
from optimizer.relations import conjuncts
from optimizer.scopes import exposed_names, is_in_parentheses


@dataclass(frozen=True, slots=True)
class Source:
    """What FROM reads in one place, and the aliases by which the query speaks of it: joins in parentheses that may not
    be taken apart have several.
    """

    node: exp.Expr
    aliases: frozenset[str]


@dataclass(frozen=True, slots=True)
class JoinBlock:
    """Sources that are joined by inner joins, and conditions between them.

    ``later`` are the joins that come after them all (outer ones, LATERAL ones and those that need them), ``stays`` the
    conditions that are left in WHERE.
    """

    select: exp.Select
    sources: tuple[Source, ...]
    conditions: tuple[exp.Expr, ...]
    later: tuple[exp.Join, ...]
    stays: tuple[exp.Expr, ...]

    @property
    def numbers(self) -> dict[str, int]:
        """The source that each alias is of."""
        return {alias: number for number, source in enumerate(self.sources) for alias in source.aliases}

    def replace(self, source: exp.Expr, joins: Sequence[exp.Join], where: Sequence[exp.Expr]) -> None:
        """Read the sources in another way, in place. ``where`` are conditions that found no place in a join."""
        self.select.set("from_", exp.From(this=source))
        self.select.set("joins", [*joins, *self.later])
        conditions = [*where, *self.stays]
        self.select.set("where", exp.Where(this=exp.and_(*conditions, copy=False)) if conditions else None)


def get_join_block(select: exp.Select) -> JoinBlock | None:
    """Return the sources of a SELECT that may be joined in any order, or None where they are fewer than two."""
    block = get_joins(select)
    return None if block is None or len(block.sources) < 2 else block


def get_joins(select: exp.Select) -> JoinBlock | None:
    """Return how the sources of a SELECT are joined, or None where that is not to be taken apart.

    An inner join commutes with the outer joins after it, as long as their conditions do not speak of its table, and a
    condition on the preserved side may be applied before. So all inner joins come first, those excepted that need the
    columns of a side that may be missing. RIGHT and FULL joins let the sources before them be missing: a SELECT that
    has them is left alone.
    """
    source = select.args.get("from_")
    if source is None or select.args.get("laterals") or not _is_simple(source.this):
        return None
    sources, conditions = _taken_apart(source.this)
    later: list[exp.Join] = []
    stays: list[exp.Expr] = []
    first = _aliases(sources)
    for join in select.args.get("joins") or []:
        if join.side in ("RIGHT", "FULL") or join.kind in ("SEMI", "ANTI") or _is_odd(join):
            return None
        own, within = _taken_apart(join.this) if _is_inner(join) and _is_simple(join.this) else ([], [])
        on = conjuncts(join.args.get("on"))
        if not own or not all(qualifiers(one) <= first | _aliases(own) for one in on if is_plain(one)):
            later.append(join)
            continue
        sources, first = [*sources, *own], first | _aliases(own)
        conditions += [*within, *(one for one in on if is_plain(one))]
        stays += [one for one in on if not is_plain(one)]
    where = select.args.get("where")
    for condition in conjuncts(where.this if where is not None else None):
        moves = is_plain(condition) and condition.find(exp.Column) is not None and qualifiers(condition) <= first
        (conditions if moves else stays).append(condition)
    conditions = [one for one in conditions if one != exp.true()]
    aliases = sum(len(one.aliases) for one in sources)
    if len(first) != aliases:
        return None
    return JoinBlock(select, tuple(sources), tuple(conditions), tuple(later), tuple(stays))


def _aliases(sources: Sequence[Source]) -> frozenset[str]:
    return frozenset(alias for source in sources for alias in source.aliases)


def _is_inner(join: exp.Join) -> bool:
    return not join.side and join.kind in ("", "INNER", "CROSS") and not _is_odd(join)


def _is_odd(join: exp.Join) -> bool:
    return any(join.args.get(key) for key in ("method", "using", "global_", "pivots", "match_condition", "hint"))


def _is_simple(node: exp.Expr) -> bool:
    """Whether a source cannot look at others: a derived table, a WITH name, or such joins in parentheses."""
    if isinstance(node, exp.Table):
        return isinstance(node.this, exp.Identifier)
    return isinstance(node, exp.Subquery) and not node.args.get("laterals")


def _taken_apart(node: exp.Expr) -> tuple[list[Source], list[exp.Expr]]:
    """Return the sources of inner joins in parentheses and their conditions; any other source is one."""
    joins = _inner_joins(node)
    if joins is None:
        return [Source(node, frozenset(exposed_names(node)))], []
    sources: list[Source] = []
    conditions = [one for join in joins for one in conjuncts(join.args.get("on"))]
    for inner in (node.this, *(join.this for join in joins)):
        own, on = _taken_apart(inner)
        sources += own
        conditions += on
    return sources, conditions


def _inner_joins(node: exp.Expr) -> list[exp.Join] | None:
    """Return the joins in parentheses where they may be taken apart, or None."""
    if not is_in_parentheses(node):
        return None
    joins: list[exp.Join] = node.this.args.get("joins") or []
    for join in joins:
        on = conjuncts(join.args.get("on"))
        if not _is_inner(join) or not _is_simple(join.this) or not all(map(is_plain, on)):
            return None
    return joins if _is_simple(node.this) else None
