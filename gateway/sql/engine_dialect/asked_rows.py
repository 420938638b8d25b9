"""Rows that are asked for: of a WITH query that is computed once, those that some place which names it does not leave
out. Of the sums of several years, of which each place has one, these years.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from optimizer.relations import conjuncts

_NAME = "once"  # what a query is called of which not all rows are asked for
_INNER = frozenset({"", "INNER", "CROSS"})
_COMPARISONS = (exp.EQ, exp.LT, exp.LTE, exp.GT, exp.GTE)


def asked_for(query: exp.Query, places: Sequence[exp.Table], elsewhere: frozenset[str]) -> exp.Query:
    """Return a query with the conditions of the places that name it, of which a row has to meet all of one; itself
    where a place has none. ``elsewhere`` are names of other queries. The query is left as it is.
    """
    plain = _plain_columns(query, elsewhere)
    each = [[_moved(one) for one in _conditions(table, plain)] for table in places]
    if not all(each):
        return query
    asked = exp.or_(*dict.fromkeys(exp.and_(*sorted(some, key=str)) for some in each))
    columns = (exp.column(name, table=_NAME, quoted=True) for name in query.named_selects)
    rows = query.copy().subquery(exp.to_identifier(_NAME, quoted=True), copy=False)
    return exp.select(*columns).from_(rows, copy=False).where(asked, copy=False)


def _plain_columns(query: exp.Expr, elsewhere: frozenset[str]) -> frozenset[str]:
    """Return the columns that are a relation's own, or constant: to ask for these first fails for no row, while what is
    computed may fail where conditions stand no more before it.
    """
    if isinstance(query, exp.SetOperation):
        left, right = (_plain_columns(side, elsewhere) for side in (query.left, query.right))
        pairs = zip(query.left.named_selects, query.right.named_selects, strict=False)
        return frozenset(name for name, other in pairs if name in left and other in right)
    if not isinstance(query, exp.Select):
        return frozenset()
    return frozenset(one.alias_or_name for one in query.selects if _is_plain(one.unalias(), query, elsewhere))


def _is_plain(value: exp.Expr, select: exp.Select, elsewhere: frozenset[str]) -> bool:
    bare = value.unnest()
    if isinstance(bare, exp.Anonymous) and bare.name == "nullif" and isinstance(bare.expressions[1], exp.Null):
        bare = bare.expressions[0]  # a key of groups
    if not isinstance(bare, exp.Column):
        return isinstance(bare, exp.Literal)
    read = (one for one in select.find_all(exp.Table, exp.Subquery) if one.parent_select is select)
    named = [one for one in read if one.alias_or_name == bare.table]
    of = named[0] if len(named) == 1 else None
    if isinstance(of, exp.Table):
        return of.name not in elsewhere
    return isinstance(of, exp.Subquery) and bare.name in _plain_columns(of.this, elsewhere)


def _conditions(table: exp.Table, plain: frozenset[str]) -> list[exp.Expr]:
    """Return comparisons with constants that leave rows out where a relation is named. They are true for no NULL, so
    they leave out what an outer join makes up, too.
    """
    select = table.parent_select
    if not isinstance(select, exp.Select):
        return []
    joins = [join for join in select.find_all(exp.Join) if join.parent_select is select]
    inner = [join.args.get("on") for join in joins if not join.side and join.kind in _INNER and not join.method]
    where = select.args.get("where")
    given = [where.this if where is not None else None, *inner]
    found = [one.unnest() for each in given for one in conjuncts(each)]
    return [one for one in found if _compares(one, table.alias_or_name, plain)]


def _compares(condition: exp.Expr, name: str, plain: frozenset[str]) -> bool:
    if not isinstance(condition, _COMPARISONS):
        return False
    column, constant = condition.left, condition.right
    constant = constant.this if isinstance(constant, exp.Cast) else constant
    is_own = isinstance(column, exp.Column) and column.table == name and column.name in plain
    return is_own and isinstance(constant, exp.Literal)


def _moved(condition: exp.Expr) -> exp.Expr:
    """Return a condition on the query itself."""
    condition = condition.copy()
    condition.this.set("table", exp.to_identifier(_NAME, quoted=True))
    return condition
