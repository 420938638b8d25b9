"""A correlated value that is no aggregate, tied to outer rows by equality: joined as groups of its ties.

The engine would plan it where it stands, if its one row were an aggregate. But whether there are more rows may be asked
for the outer rows alone: groups that no row asks for are no error (21000) of PostgreSQL's.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.engine_dialect import correlation, decorrelate
from gateway.sql.engine_dialect.build import call, named, typed
from gateway.sql.engine_dialect.kinds import MOMENTS, NUMBERS, Kind, T, kind, type_of
from optimizer.copies import copied

_GROUPED_ALIKE = frozenset({Kind.BOOL, Kind.TEXT, Kind.UUID, *MOMENTS, *NUMBERS})
_SETS = (exp.GroupingSets, exp.Rollup, exp.Cube)


def join_by_ties(
    select: exp.Select, query: exp.Query, clause: str, fresh: Iterator[int]
) -> tuple[exp.Expr, list[exp.Expr]] | None:
    """Join the groups of a subquery to a SELECT, in place. Returns what stands for its value, and the columns in that;
    None where the value is an aggregate, one of several rows, or tied otherwise.
    """
    if not isinstance(query, exp.Select) or correlation.is_aggregate(query) or query.args.get("limit") is not None:
        return None
    ties = [one for one in correlation.where_of(query) if correlation.free_within(one, query)]
    if not ties or not all(_groups_alike(one, query) for one in ties) or not _takes_joins(select, clause):
        return None
    decorrelate.spell_crosses(select)
    alias = f"_query{next(fresh)}"
    groups, conditions = _grouped(query, ties, alias)
    join = exp.Join(this=decorrelate.derived(groups, alias), side="LEFT", on=exp.and_(*conditions))
    select.append("joins", join)
    total = typed(exp.column("rows", table=alias, quoted=True), T.BIGINT)
    value = typed(exp.column("v0", table=alias, quoted=True), copied(type_of(query.selects[0])))
    return decorrelate.one_row(copied(total), value), [total, value]


def _groups_alike(tie: exp.Expr, query: exp.Select) -> bool:
    """Whether rows that are equal to an outer value are one group."""
    bare = tie.unnest()
    if not isinstance(bare, exp.EQ):
        return False
    inner, outer = _sides(bare, query)
    kinds = {kind(inner), kind(outer)}
    alike = len(kinds) == 1 or kinds <= NUMBERS
    return alike and kinds <= _GROUPED_ALIKE and next(inner.find_all(exp.Column), None) is not None


def _sides(tie: exp.EQ, query: exp.Select) -> tuple[exp.Expr, exp.Expr]:
    """Return the subquery's side of a tie, and the outer one."""
    return (tie.right, tie.left) if correlation.free_within(tie.left, query) else (tie.left, tie.right)


def _takes_joins(select: exp.Select, clause: str) -> bool:
    """Whether what is joined to a SELECT may be spoken of in a clause."""
    joins = select.args.get("joins") or []
    if select.args.get("from_") is None or any(join.side in ("RIGHT", "FULL") for join in joins):
        return False
    group = select.args.get("group")
    if group is None:
        return clause == "where" or not correlation.aggregates_of(select)
    return not any(isinstance(one, _SETS) for one in group.expressions)


def _grouped(query: exp.Select, ties: list[exp.Expr], alias: str) -> tuple[exp.Select, list[exp.Expr]]:
    """Return how many rows there are for each value of the ties, with one of them, and how outer rows ask for it."""
    groups = copied(query)
    value = groups.selects[0].unalias()
    rest = [copied(one) for one in correlation.where_of(query) if not any(one is tie for tie in ties)]
    groups.set("where", exp.Where(this=exp.and_(*rest)) if rest else None)
    groups.set("order", None)
    rows = typed(exp.Count(this=exp.Star(), big_int=True), T.BIGINT)
    first = call("first_value", copied(value), returns=copied(type_of(value)))
    keys: list[exp.Expr] = []
    conditions: list[exp.Expr] = []
    for at, tie in enumerate(ties):
        bare = tie.unnest()
        assert isinstance(bare, exp.EQ)
        inner, outer = _sides(bare, query)
        keys.append(copied(inner))
        key = typed(exp.column(f"k{at}", table=alias, quoted=True), copied(type_of(inner)))
        conditions.append(typed(exp.EQ(this=key, expression=copied(outer)), T.BOOLEAN))
    told = [named(copied(key), f"k{at}") for at, key in enumerate(keys)]
    groups.set("expressions", [named(rows, "rows"), named(first, "v0"), *told])
    groups.set("group", exp.Group(expressions=keys))
    return groups, conditions
