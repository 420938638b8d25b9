"""Conditions on plain columns of derived tables stand in these, as the engine will have them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from sqlglot import exp

from gateway.sql.engine_dialect.build import cast, typed
from gateway.sql.engine_dialect.correlation import conjuncts, free_columns, items, where_of
from gateway.sql.engine_dialect.group_keys import ROWS
from gateway.sql.engine_dialect.kinds import T, type_of
from optimizer.census import Census, holds, with_subclasses
from optimizer.copies import copied

_TEXTS = {T.TEXT, T.VARCHAR}  # alike for every operator
_OF_MANY_ROWS = with_subclasses((exp.AggFunc, exp.Window, exp.Query, *ROWS))


def sink(select: exp.Select, named: dict[str, exp.CTE], is_wanted: Callable[[list[exp.Select]], bool] = bool) -> bool:
    """Move conditions on plain columns of derived tables into the SELECTs that these are made of, in place, where that
    is wanted of these. Returns whether one was moved.
    """
    where = select.args.get("where")
    if where is None or any(join.side for join in select.args.get("joins") or ()):
        return False
    parts = every = conjuncts(where.this)
    for item in items(select):
        arms = _arms(item, named)
        if arms and is_wanted(arms):
            parts = [part for part in parts if not _sunk(part, item.alias_or_name, arms)]
    if len(parts) < len(every):
        select.set("where", exp.Where(this=all_of(parts)) if parts else None)
    return len(parts) < len(every)


def lifted(select: exp.Select, named: dict[str, exp.CTE]) -> list[exp.Expr]:
    """Return what holds for the rows of a SELECT by conditions in derived tables, over the columns that these put out;
    nothing of those of outer joins, whose rows may be missing.
    """
    if any(join.side or join.kind in ("SEMI", "ANTI") for join in select.args.get("joins") or ()):
        return []
    found: list[exp.Expr] = []
    for item in items(select):
        arms = _arms(item, named)
        if len(arms) == 1:
            found += _put_out(arms[0], item.alias_or_name, [*where_of(arms[0]), *lifted(arms[0], named)])
    return found


def _put_out(arm: exp.Select, item: str, conditions: list[exp.Expr]) -> list[exp.Expr]:
    """Return the conditions of a SELECT that speak of columns which it puts out, by their names outside."""
    outputs = ((one.unalias(), one.alias_or_name) for one in arm.selects)
    names = {(inner.table, inner.name): name for inner, name in outputs if isinstance(inner, exp.Column)}
    found: list[exp.Expr] = []
    for condition in conditions:
        columns = free_columns(condition)
        if condition.find(exp.Query) is None and all((one.table, one.name) in names for one in columns):
            holder = typed(exp.Paren(this=copied(condition)), T.BOOLEAN)
            for column in [*holder.find_all(exp.Column)]:
                outside = exp.column(names[column.table, column.name], table=item, quoted=True)
                column.replace(typed(outside, type_of(column)))
            found.append(holder)
    return found


def _arms(item: exp.Expr, named: dict[str, exp.CTE]) -> list[exp.Select]:
    """Return the SELECTs whose rows are an item's, where each computes of each row one row; none for other items."""
    query = item.this if isinstance(item, exp.Subquery) else None
    if isinstance(item, exp.Table) and not item.db and item.name in named:
        query = named[item.name].this
    arms, waiting = [], [query]
    while waiting:
        one = waiting.pop()
        if isinstance(one, exp.Union) and one.args.get("limit") is None and one.args.get("with_") is None:
            waiting += [one.expression, one.this]
        elif isinstance(one, exp.Select) and _is_projection(one):
            arms.append(one)
        else:
            return []
    return arms


_SHAPING = ("group", "having", "order", "distinct", "qualify", "windows", "limit", "offset", "with_")


def _is_projection(query: exp.Select) -> bool:
    shaped = any(query.args.get(clause) is not None for clause in _SHAPING)
    return not shaped and not any(holds(one, _OF_MANY_ROWS) for one in query.selects)


def _sunk(part: exp.Expr, name: str, arms: list[exp.Select]) -> bool:
    """Move a condition into the SELECTs that an item's rows come from; return whether it could be."""
    columns = free_columns(part)
    places = {one.alias_or_name: at for at, one in enumerate(arms[0].selects)}
    if not columns or part.find(exp.Query) is not None:
        return False
    if not all(one.table == name and one.name in places for one in columns):
        return False
    values = [[one.unalias() for one in arm.selects] for arm in arms]
    if not all(isinstance(each[places[one.name]], exp.Column) for each in values for one in columns):
        return False
    for arm, each in zip(arms, values, strict=True):
        holder = exp.Paren(this=copied(part))
        for column in [*holder.find_all(exp.Column)]:
            column.replace(_as(column, copied(each[places[column.name]])))
        own = arm.args.get("where")
        arm.set("where", exp.Where(this=all_of([*(conjuncts(own.this) if own is not None else ()), holder])))
    return True


def _as(column: exp.Expr, inner: exp.Expr) -> exp.Expr:
    """Return the column of an arm as the type that the set operation makes of it."""
    outer, own = type_of(column), type_of(inner)
    if T.UNKNOWN in (outer.this, own.this) or outer.this is own.this or {outer.this, own.this} <= _TEXTS:
        return inner
    return cast(inner, outer)


def named_once(named: list[exp.CTE], census: Census) -> dict[str, exp.CTE]:
    """Return the WITH queries that are named once, and may be computed where that is."""
    ctes: dict[str, exp.CTE] = {}
    if not named:
        return ctes
    names: Counter[str] = Counter(one.name for one in census.find_all(exp.Table) if not one.db)
    for cte in named:
        holder = cte.parent
        is_recursive = isinstance(holder, exp.With) and bool(holder.args.get("recursive"))
        plain = not is_recursive and not cte.args.get("materialized") and cte.alias not in ctes
        if plain and names[cte.alias] == 1 and not cte.args["alias"].columns:
            ctes[cte.alias] = cte
    return ctes


def all_of(parts: list[exp.Expr]) -> exp.Expr:
    condition = parts[0]
    for part in parts[1:]:
        condition = exp.And(this=condition, expression=part)
    return condition
