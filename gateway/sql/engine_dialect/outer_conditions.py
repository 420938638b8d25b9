"""Subqueries in the conditions of outer joins, which the engine does not plan, and which WHERE cannot take.

What such a subquery says of the rows of one side is told by that side: ``a LEFT JOIN b ON EXISTS (… b.x …)`` joins
``a`` to a derived table of ``b`` with one column more. What it says of both sides of a LEFT JOIN is told by one
of ``b`` beside each value that ``a`` has for what is asked, where the plain conditions hold. There the subquery stands
in a select list, from where `subquery_joins` takes it further.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.engine_dialect import correlation, decorrelate
from gateway.sql.engine_dialect.build import named, refuse, typed
from gateway.sql.engine_dialect.group_keys import columns_of
from gateway.sql.engine_dialect.kinds import type_of
from optimizer.copies import copied


def ask_beside(select: exp.Select, join: exp.Join, node: exp.Expr, fresh: Iterator[int]) -> None:
    """Have a derived table in FROM say what a subquery in a join's condition does, in place. Raises 0A000 where none
    can.
    """
    _turn(select, join)
    joins = select.args["joins"]
    at = next(place for place, one in enumerate(joins) if one is join)
    tables = {column.table for column in correlation.free_columns(node)}
    holders = [select.args["from_"], *joins[: at + 1]]
    if not tables <= {item.alias_or_name for item in correlation.items(_of(holders))}:
        raise refuse("this subquery in the condition of an outer join", "Join a derived table that has its rows.")
    if len(tables) < 2:
        name = next(iter(tables), join.this.alias_or_name)
        for place, holder in enumerate(holders):
            if holder.this.alias_or_name == name and not _is_extended(place, holders):
                _tell(select, holder, node, fresh)
                return
    if join.side != "LEFT" or join.args.get("using") or not _is_plain(join.this):
        raise refuse("this subquery in the condition of an outer join", "Join a derived table that has its rows.")
    _tell_of_both(select, join, at, node, fresh)


def _turn(select: exp.Select, join: exp.Join) -> None:
    """``a RIGHT JOIN b`` in the first place is ``b LEFT JOIN a``, in place."""
    source = select.args["from_"]
    if join.side == "RIGHT" and select.args["joins"][0] is join and not source.this.args.get("joins"):
        first, second = source.this, join.this
        source.set("this", second)
        join.set("this", first)
        join.set("side", "LEFT")


def _of(holders: list[exp.Expr]) -> exp.Select:
    """Return a SELECT of what some holders of items hold, to ask of its items."""
    joins = [exp.Join(this=copied(one.this)) for one in holders[1:]]
    return exp.Select(from_=exp.From(this=copied(holders[0].this)), joins=joins)


def _is_plain(item: exp.Expr) -> bool:
    return isinstance(item, exp.Table | exp.Subquery) and bool(item.alias_or_name) and not item.args.get("joins")


def _is_extended(place: int, holders: list[exp.Expr]) -> bool:
    """Whether an item may be NULL for rows that the last join joins: a derived table has no such rows."""
    own, between = holders[place], holders[place + 1 : -1]
    if not _is_plain(own.this):
        return True
    optional = place and own is not holders[-1] and own.args.get("side") in ("LEFT", "FULL")
    return bool(optional) or any(one.args.get("side") in ("RIGHT", "FULL") for one in between)


def _tell(select: exp.Select, holder: exp.Expr, node: exp.Expr, fresh: Iterator[int]) -> None:
    """Derive an item of FROM with one column more, and put that in the place of a node."""
    item = holder.this
    label, name = item.alias_or_name, f"_told{next(fresh)}"
    told = [named(copied(one), one.name) for one in columns_of(select, item, label)]
    body = exp.Select(expressions=[*told, named(copied(node), name)], from_=exp.From(this=copied(item)))
    node.replace(_column(label, name, node))
    holder.set("this", decorrelate.derived(body, label))


def _tell_of_both(select: exp.Select, join: exp.Join, at: int, node: exp.Expr, fresh: Iterator[int]) -> None:
    """Derive the right side of a LEFT JOIN beside what the left one has for a node and the plain conditions."""
    item, name = join.this, f"_told{next(fresh)}"
    label = item.alias_or_name
    plain = [one for one in correlation.conjuncts(join.args["on"]) if one.find(exp.Query) is None]
    free = [one for part in (node, *plain) for one in correlation.free_columns(part)]
    known = decorrelate.domain(select, at, [one for one in free if one.table != label], fresh)
    own = columns_of(select, item, label)
    asked, *conditions = (exp.Paren(this=copied(one)) for one in (node, *plain))
    for part in (asked, *conditions):
        known.bind(part)
    keys = [f"_for{place}:{name}" for place in range(len(known.columns))]
    told = [named(copied(one), one.name) for one in own]
    told += [named(value, key) for value, key in zip(known.values(), keys, strict=True)]
    told.append(named(typed(asked.this, copied(type_of(node))), name))
    domain = exp.Join(this=known.item(), on=exp.and_(*conditions) if conditions else exp.true())
    body = exp.Select(expressions=told, from_=exp.From(this=copied(item)), joins=[domain])
    node.replace(_column(label, name, node))
    others = [one for one in correlation.conjuncts(join.args["on"]) if not any(one is other for other in plain)]
    same = decorrelate.equal(known.columns, label, keys)
    join.set("on", exp.and_(*same, *(copied(one) for one in others)))
    join.set("this", decorrelate.derived(body, label))


def _column(table: str, name: str, like: exp.Expr) -> exp.Column:
    return typed(exp.column(name, table=table, quoted=True), copied(type_of(like)))
