"""What a SELECT computes is computed for the rows that it keeps: ``10 / n`` never for a row that ``WHERE n <> 0``
leaves out, nor for one that a row filter hides.

The engine (DataFusion 55) moves what is computed below a filter, or below a LIMIT, where fewer columns leave the
computation than enter it and those that the filter asks are among them (``FilterExec::try_swapping_with_projection``;
the rows that are left out then raise errors, with their values). There is no setting against it. It cannot be moved
below a filter that asks a column which is put out nowhere: such a one is put in between, where it may matter. That
column is random, lest it is computed above, and stands above a LIMIT, lest the filter is moved below it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.engine_dialect.build import TOTAL, number
from gateway.sql.engine_dialect.correlation import conjuncts, free_columns, items
from gateway.sql.engine_dialect.sunk_conditions import named_once, sink
from optimizer.census import LEAVES, Census, below, holds, with_subclasses
from optimizer.copies import copied

_KEPT = "_kept"
_NO_LIMIT = (1 << 63) - 1
_PLAIN = with_subclasses(
    (
        exp.AggFunc, exp.Alias, exp.And, exp.Between, exp.Boolean, exp.Column, exp.DataType, exp.Distinct, exp.EQ,
        exp.Filter, exp.GT, exp.GTE, exp.Group, exp.Identifier, exp.In, exp.Is, exp.LT, exp.LTE, exp.Literal, exp.NEQ,
        exp.Not, exp.Null, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Or, exp.Order, exp.Ordered, exp.Paren, exp.Star,
        exp.Tuple, exp.Var, exp.Window, exp.WindowSpec,
    )
)  # fmt: skip
_APART = _PLAIN | {exp.Exists}  # of rows of other items: nothing of it is computed for an item's row alone
_QUERIES = with_subclasses((exp.Query,))
_COLUMN = with_subclasses((exp.Column,))
_AGGREGATES = with_subclasses((exp.AggFunc,))
_ABOVE_WHERE = ("expressions", "group", "having", "order", "distinct", "qualify", "windows")


def put_barriers(census: Census) -> bool:
    """Put a barrier below each of the SELECTs of a query, inner ones first, of which it may matter, in place. Returns
    whether one was put, or a condition moved to another SELECT.
    """
    ctes = census.find_all(exp.CTE)
    once = named_once(ctes, census)
    selects = census.find_all(exp.Select)
    changed = sum(sink(select, once, _compute) for select in selects) > 0
    named = {cte.alias: cte.this for cte in ctes}
    for select in reversed(selects):
        found = [*items(select)]
        alone = len(found) == 1
        if alone and _puts_out_columns(select):
            continue
        for item in _computing(select, found) if found else ():
            if _is_exposed(select, item, alone=alone, named=named):
                _put(select, item, alone=alone)
                changed = True
        if len(found) > 1 and _is_exposed_join(select):
            _put_whole(select)
            changed = True
    return changed


def _puts_out_columns(select: exp.Select) -> bool:
    """Whether a SELECT does no more than to choose rows and columns, as those of governed relations do."""
    if any(select.args.get(clause) for clause in _ABOVE_WHERE[1:]):
        return False
    return all((one.args["this"] if type(one) is exp.Alias else one).__class__ is exp.Column for one in select.selects)


def _compute(arms: list[exp.Select]) -> bool:
    return any(_is_computed(one) for arm in arms for one in arm.selects)


def _is_exposed(select: exp.Select, item: exp.Expr, *, alone: bool, named: dict[str, exp.Expr]) -> bool:
    """Whether what is computed of an item's columns alone stands right above a filter or LIMIT below which it may be
    moved.
    """
    if not isinstance(item, exp.Table | exp.Subquery) or item.args.get("joins"):
        return False
    where = _movable(select, alone=alone)
    return (where is not None and _may_pass(select, item.alias_or_name, where)) or _drops(item, named)


def _movable(select: exp.Select, *, alone: bool) -> exp.Expr | None:
    """Return the WHERE of a SELECT from one item, None where it speaks of other queries."""
    where = select.args.get("where")
    return where if alone and isinstance(where, exp.Expr) and not free_columns(select) else None


def _may_pass(select: exp.Select, name: str, where: exp.Expr) -> bool:
    """Whether what is put out may be moved below a WHERE: it has fewer columns, among them all of a condition's."""
    used, above = _used(select, name), _above_where(select)
    if not any(_asked(part) <= used for part in conjuncts(where.this)):
        return False
    has_groups = select.args.get("group") is not None or any(holds(one, _AGGREGATES) for one in above)
    return has_groups or len(select.selects) < len(used | _asked(where)) or _repeats(above)


def _repeats(above: list[exp.Expr]) -> bool:
    """Whether something is computed more than once: the engine does that apart from all else."""
    found = [node for one in above for node in _computed(one)]
    return len(found) > 1 and any(count > 1 for count in Counter(found).values())


def _computing(select: exp.Select, found: list[exp.Expr]) -> list[exp.Expr]:
    """Return the items of which more than columns is put out: of a join's, in its conditions, as keys of it are
    computed below.
    """
    if len(found) > 1:
        parts = [part for on in _conditions(select) for part in conjuncts(on)]
        sides = [side for part in parts for side in part.iter_expressions()]
        names = {name for side in sides if _is_computed(side) and len(tables := _tables(side)) == 1 for name in tables}
        names |= _computed_in_queries(parts)
        return [item for item in found if item.alias_or_name in names] if names else []
    above = _above_where(select)
    if select.args.get("group") is None and not any(holds(one, _AGGREGATES) for one in above):
        return found if any(map(_is_computed, above)) else []
    # Groups compute their keys and values themselves, but for what is in more than one of them.
    return found if _repeats(above) else []


def _computed_in_queries(parts: list[exp.Expr]) -> set[str]:
    """Return the tables of whose columns queries in conditions compute: such a key of a semi join is computed below."""
    queries = [one for part in parts if holds(part, _QUERIES) for one in below(part) if type(one) in _QUERIES]
    computed = [
        one
        for query in queries
        for one in below(query)
        if not _is_plain(one, _PLAIN)
        and isinstance(one, exp.Condition)
        and not isinstance(one, exp.Query | exp.SubqueryPredicate)
    ]
    return {column.table for one in computed for column in one.find_all(exp.Column)}


def _conditions(select: exp.Select) -> list[exp.Expr]:
    """Return the conditions that keys of joins may be taken from."""
    where = select.args.get("where")
    return [*_ons(select), where.this] if where is not None else _ons(select)


def _ons(select: exp.Select) -> list[exp.Expr]:
    """Return the conditions of the joins of a SELECT, those in parentheses too."""
    joins = [join for node in (select, *items(select)) for join in node.args.get("joins") or ()]
    return [join.args["on"] for join in joins if join.args.get("on") is not None]


def _tables(node: exp.Expr) -> set[str]:
    return {one.table for one in free_columns(node)}


def _is_computed(node: exp.Expr) -> bool:
    bare = node.this if type(node) is exp.Alias else node
    return type(bare) is not exp.Column and next(_computed(bare), None) is not None


def _is_plain(node: exp.Expr, plain: frozenset[type[exp.Expr]]) -> bool:
    return type(node) in plain or (node._meta is not None and bool(node._meta.get(TOTAL)))


def _computed(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield what is computed in an expression, the queries in it left out."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if type(one) in _QUERIES or type(one) in _COLUMN or type(one) in LEAVES:
            continue
        if not _is_plain(one, _APART) and holds(one, _COLUMN):
            yield one
        waiting.extend(one.iter_expressions())


def _above_where(select: exp.Select) -> list[exp.Expr]:
    found: list[exp.Expr] = []
    for key in _ABOVE_WHERE:
        value = select.args.get(key)
        found += value if isinstance(value, list) else [value] if isinstance(value, exp.Expr) else []
    return found


def _used(select: exp.Select, name: str) -> frozenset[str]:
    """Return the columns of an item that a SELECT speaks of above its WHERE."""
    return frozenset(one.name for part in _above_where(select) for one in free_columns(part) if one.table == name)


def _asked(where: exp.Expr) -> frozenset[str]:
    return frozenset(one.name for one in where.find_all(exp.Column))


def _drops(item: exp.Expr, named: dict[str, exp.Expr]) -> bool:
    """Whether an item has a filter that asks columns of its output alone, or a LIMIT."""
    if isinstance(item, exp.Table):
        query = named.get(item.name) if not item.db else None
        return query is not None and _query_drops(
            query, {name: one for name, one in named.items() if name != item.name}
        )
    return _query_drops(item.this, named)


def _query_drops(query: exp.Expr, named: dict[str, exp.Expr]) -> bool:
    if isinstance(query, exp.Subquery | exp.Paren):
        return query.args.get("limit") is not None or _query_drops(query.this, named)
    if isinstance(query, exp.SetOperation):
        return query.args.get("limit") is not None or any(
            _query_drops(side, named) for side in (query.this, query.expression)
        )
    if not isinstance(query, exp.Select):
        return False
    limit, where = query.args.get("limit"), query.args.get("where")
    if query.args.get("having") is not None or (limit is not None and not _is_fence(limit)):
        return True
    if query.args.get("group") is not None:
        return False  # what is computed above groups is computed of them
    if where is not None and isinstance(where.this, exp.Column) and where.this.name == _KEPT:
        return False
    put_out = {one.unalias().name for one in query.selects if isinstance(one.unalias(), exp.Column)}
    if where is not None and any(_asked(part) <= put_out for part in conjuncts(where.this)):
        return True
    found = [*items(query)]
    # Nothing but columns is moved below a join.
    return len(found) == 1 and isinstance(found[0], exp.Table | exp.Subquery) and _drops(found[0], named)


def _is_fence(limit: exp.Expr) -> bool:
    return isinstance(limit, exp.Limit) and str(limit.expression.this) == str(_NO_LIMIT)


def _put(select: exp.Select, item: exp.Expr, *, alone: bool) -> None:
    """Put the barrier above an item; the WHERE of a SELECT that has no other goes below it."""
    name = item.alias_or_name
    where = _movable(select, alone=alone)
    above = select.args.get("where") if where is None else None
    parts = [*_above_where(select), *([above] if above is not None else [])]
    parts += [*_ons(select), *(one for one in items(select) if isinstance(one, exp.Lateral))]
    columns = sorted({one.name for part in parts for one in free_columns(part) if one.table == name})
    holder = exp.Subquery(alias=exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
    item.replace(holder)
    inner = exp.Select(expressions=_columns(columns, name), from_=exp.From(this=item))
    if where is not None:
        select.set("where", None)
        inner.set("where", where)
    inner.set("limit", exp.Limit(expression=number(_NO_LIMIT)))
    holder.set("this", _barrier(inner, columns, name))


def _barrier(inner: exp.Select, columns: list[str], name: str) -> exp.Select:
    kept = exp.GTE(this=exp.Rand(), expression=number(0))
    marked = exp.Select(
        expressions=[*_columns(columns, name), exp.Alias(this=kept, alias=exp.to_identifier(_KEPT, quoted=True))],
        from_=exp.From(this=_derived(inner, name)),
    )
    barrier = exp.Select(expressions=_columns(columns, name), from_=exp.From(this=_derived(marked, name)))
    barrier.set("where", exp.Where(this=exp.column(_KEPT, table=name, quoted=True)))
    return barrier


def _is_exposed_join(select: exp.Select) -> bool:
    """Whether something may be moved below a WHERE that stays above an outer join."""
    where = select.args.get("where")
    if where is None or not any(join.side for join in select.args.get("joins") or ()) or free_columns(select):
        return False
    above = _above_where(select)
    used = {(one.table, one.name) for part in above for one in free_columns(part)}
    asked = [{(one.table, one.name) for one in part.find_all(exp.Column)} for part in conjuncts(where.this)]
    if not any(one <= used for one in asked) or select.find(exp.Lateral) is not None:
        return False
    if select.args.get("group") is not None or any(holds(one, _AGGREGATES) for one in above):
        return _repeats(above)
    computes = any(map(_is_computed, above))
    return computes and (len(select.selects) < len(used.union(*asked)) or _repeats(above))


def _put_whole(select: exp.Select) -> None:
    """Put the barrier above all that a SELECT reads, and its WHERE."""
    columns = [one for part in _above_where(select) for one in free_columns(part) if one.table]
    names: dict[exp.Expr, str] = {}
    for column in columns:
        names.setdefault(copied(column), f"c{len(names)}")
    inner = exp.Select(expressions=[exp.alias_(copied(one), name, quoted=True) for one, name in names.items()])
    for clause in ("from_", "joins", "laterals", "where"):
        inner.set(clause, select.args.get(clause))
        select.set(clause, None)
    inner.set("limit", exp.Limit(expression=number(_NO_LIMIT)))
    for one in [one for one in select.selects if isinstance(one, exp.Column)]:
        one.replace(exp.alias_(copied(one), one.name, quoted=True))
    for column in [one for part in _above_where(select) for one in free_columns(part) if one.table]:
        column.replace(exp.column(names[column], table=_KEPT, quoted=True))
    select.set("from_", exp.From(this=_derived(_barrier(inner, [*names.values()], _KEPT), _KEPT)))


def _derived(query: exp.Select, name: str) -> exp.Subquery:
    return exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(name, quoted=True)))


def _columns(names: list[str], table: str) -> list[exp.Expr]:
    return [copied(exp.column(name, table=table, quoted=True)) for name in names] or [number(1)]
