"""Decorrelate: a subquery that the engine cannot plan where it stands becomes a join.

The general way, after Neumann and Kemper ("Unnesting Arbitrary Queries", 2015). The *domain* is the set of the values
that outer rows have for what the subquery asks of them. The subquery is evaluated once for the whole domain, its rows
keep the values that they are for as further columns (*keys*), and the outer rows are joined to them by the keys, NULL
being equal to NULL. So an aggregate groups by the keys too, a window is partitioned by them, LIMIT counts within each.

Costs: FROM of the outer query is evaluated twice. What the engine plans itself is left to it (`subqueries` says which).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.engine_dialect import correlation
from gateway.sql.engine_dialect.build import call, cast, named, number, refuse, typed
from gateway.sql.engine_dialect.kinds import T, type_of
from optimizer.copies import copied

MAX_COPIED = 20_000  # parts of a FROM: each of several LATERAL items copies those before it


@dataclass(frozen=True, slots=True)
class Domain:
    """The outer values: a query of their columns under an alias of its own; ``columns`` are the outer columns."""

    alias: str
    columns: tuple[exp.Column, ...]
    query: exp.Select | None

    def item(self) -> exp.Subquery:
        """Return the domain as an item of FROM."""
        assert self.query is not None
        return derived(copied(self.query), self.alias)

    def values(self) -> list[exp.Column]:
        """Return its columns, as they are spoken of beside `item`."""
        return [_column(self.alias, f"d{at}", one) for at, one in enumerate(self.columns)]

    def key_names(self) -> list[str]:
        """Return the names that its columns have in the result of a tied query."""
        return [f"{self.alias}:{at}" for at in range(len(self.columns))]

    def bind(self, node: exp.Expr) -> None:
        """Put the domain's columns in the place of the outer ones below a node."""
        places = {(one.table, one.name): at for at, one in enumerate(self.columns)}
        values = self.values()
        for column in correlation.free_columns(node):
            at = places.get((column.table, column.name))
            if at is not None:
                column.replace(copied(values[at]))


def domain(select: exp.Select, before: int, free: Sequence[exp.Column], fresh: Iterator[int]) -> Domain:
    """Return the values that a SELECT's rows, of its first ``before`` joins, have for some of its columns."""
    columns = tuple({(one.table, one.name): one for one in free}.values())
    alias = f"_domain{next(fresh)}"
    if not columns:
        return Domain(alias, (), None)
    told = [named(copied(one), f"d{at}") for at, one in enumerate(columns)]
    joins = select.args.get("joins") or []
    before = _needed(joins[:before], {one.table for one in columns})
    query = exp.Select(expressions=told, from_=copied(select.args["from_"]), distinct=exp.Distinct())
    query.set("joins", [copied(join) for join in joins[:before]])
    if before == len(joins) or not any(join.side in ("RIGHT", "FULL") for join in joins[before:]):
        sources = frozenset(item.alias_or_name for item in correlation.items(query))
        plain = [one for one in correlation.where_of(select) if one.find(exp.Query) is None]
        plain = [copied(one) for one in plain if not correlation.free_columns(one, sources)]
        query.set("where", exp.Where(this=exp.and_(*plain)) if plain else None)
    if sum(1 for _ in query.walk()) > MAX_COPIED:
        raise SqlError(SqlState.STATEMENT_TOO_COMPLEX, "correlated subqueries are nested or chained too deeply")
    if query.find(exp.Rand, exp.Uuid) is not None:
        raise refuse("a correlated subquery beside random() or gen_random_uuid()")
    return Domain(alias, columns, query)


def _needed(joins: Sequence[exp.Join], tables: set[str]) -> int:
    """Return how many joins have to be copied for the values of some tables' columns. Without the others there may be
    more values, which does no harm; but a RIGHT or FULL JOIN adds NULLs.
    """
    needed = 0
    for at, join in enumerate(joins, 1):
        alone = exp.Select(from_=exp.From(this=copied(join.this)))
        names = {item.alias_or_name for item in correlation.items(alone)}
        if names & tables or join.side in ("RIGHT", "FULL"):
            needed = at
    return needed


def derived(query: exp.Query, alias: str) -> exp.Subquery:
    """Return a query as an item of FROM."""
    return exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))


def _column(alias: str, name: str, like: exp.Expr) -> exp.Column:
    return typed(exp.column(name, table=alias, quoted=True), copied(type_of(like)))


def equal(left: Sequence[exp.Expr], alias: str, names: Sequence[str]) -> list[exp.Expr]:
    """Return the conditions that columns have the values of those of an item of FROM, NULL being equal to NULL."""
    pairs = zip(left, names, strict=True)
    return [exp.NullSafeEQ(this=copied(one), expression=_column(alias, name, one)) for one, name in pairs]


def spell_crosses(select: exp.Select) -> None:
    """``FROM a, b`` becomes ``FROM a CROSS JOIN b``, in place: a condition of a later join may speak of each."""
    comma = False
    for join in select.args.get("joins") or ():
        if comma and join.side in ("RIGHT", "FULL"):
            raise refuse("a correlated subquery beside a comma and a RIGHT or FULL JOIN", "Write CROSS JOIN.")
        if not (join.kind or join.side or join.method or join.args.get("on") or join.args.get("using")):
            comma = True
            join.set("kind", "CROSS")


def tied(query: exp.Expr, known: Domain, fresh: Iterator[int]) -> exp.Query:
    """Return a query's rows for each value of the domain, the keys as its last columns. Its order is lost."""
    body = query.unnest()
    if body.args.get("with_"):
        raise refuse("WITH RECURSIVE in a correlated subquery", "Write it in front of the statement.")
    if isinstance(body, exp.SetOperation):
        return _tied_sets(body, known, fresh)
    if not isinstance(body, exp.Select):
        raise refuse("this form of correlated subquery")
    body = copied(body)
    limited = bool(body.args.get("limit") or body.args.get("offset"))
    if limited and body.args.get("distinct"):
        body = wrapped(body, fresh)
    _with_domain(body, known, fresh)
    if not body.args.get("group") and (aggregates := correlation.aggregates_of(body)):
        body = _without_groups(body, aggregates, known, fresh)
    else:
        _by_keys(body, known)
        _add_keys(body, known.values(), known)
    order = body.args.get("order")
    body.set("order", None)
    if isinstance(on := body.args.get("distinct"), exp.Distinct) and on.args.get("on") is not None:
        keys = [exp.Ordered(this=copied(value)) for value in known.values()]
        body.set("order", exp.Order(expressions=[*keys, *(order.expressions if order is not None else [])]))
    return _limited(body, order, known, fresh) if limited else body


def _tied_sets(body: exp.SetOperation, known: Domain, fresh: Iterator[int]) -> exp.Query:
    if body.args.get("limit") or body.args.get("offset"):
        return tied(wrapped(body, fresh), known, fresh)
    whole = copied(body)
    whole.set("order", None)
    whole.set("this", tied(body.left, known, fresh))
    whole.set("expression", tied(body.right, known, fresh))
    return whole


def wrapped(body: exp.Query, fresh: Iterator[int]) -> exp.Select:
    """Return ``SELECT … FROM (query) ORDER BY … LIMIT …``, in which the order speaks of the query's columns.

    Raises 0A000 where it speaks of others, which beside DISTINCT and in set operations PostgreSQL refuses too.
    """
    alias = f"_rows{next(fresh)}"
    inner = copied(body)
    outer = exp.Select(
        expressions=[named(_column(alias, one.alias_or_name, one), one.alias_or_name) for one in body.selects]
    )
    for key in ("order", "limit", "offset"):
        outer.set(key, inner.args.get(key))
        inner.set(key, None)
    written = {one.unalias().sql(): one.alias_or_name for one in body.selects}
    for ordered in outer.args["order"].expressions if outer.args.get("order") is not None else ():
        name = ordered.this.name if isinstance(ordered.this, exp.Column) and not ordered.this.table else None
        name = name or written.get(ordered.this.sql())
        if name is None:
            raise refuse("this ORDER BY in a correlated subquery", "Order by columns of the select list.")
        ordered.set("this", _column(alias, name, ordered.this))
    outer.set("from_", exp.From(this=derived(inner, alias)))
    for column, one in zip(outer.selects, body.selects, strict=True):
        column.type = copied(type_of(one))
    return outer


def _with_domain(body: exp.Select, known: Domain, fresh: Iterator[int]) -> None:
    """Add the domain to FROM, and tie to it what in FROM speaks of outer columns."""
    if known.query is None:
        return
    spell_crosses(body)
    joins = list(body.args.get("joins") or [])
    outer_joined = any(join.side in ("RIGHT", "FULL") for join in joins)
    source = body.args.get("from_")
    for holder in [source, *joins] if source is not None else []:
        if not correlation.free_columns(holder, frozenset(one.alias_or_name for one in correlation.items(body))):
            continue
        if outer_joined:
            raise refuse("a correlated subquery with a RIGHT or FULL JOIN of outer columns")
        _tie_item(body, holder, known, fresh)
    if source is None:
        body.set("from_", exp.From(this=known.item()))
    elif outer_joined:
        body.append("joins", exp.Join(this=known.item(), kind="CROSS"))
    else:
        body.set("joins", [exp.Join(this=source.this, kind="CROSS"), *joins])
        body.set("from_", exp.From(this=known.item()))
    known.bind(body)


def _tie_item(body: exp.Select, holder: exp.Expr, known: Domain, fresh: Iterator[int]) -> None:
    """Tie a derived table by its keys. LATERAL and functions come after the domain, and may speak of it."""
    item = holder.this
    if not isinstance(item, exp.Subquery) or not correlation.free_columns(item.this):
        return
    item.set("this", tied(item.this, known, fresh))
    alias = item.args["alias"]
    if alias.columns:
        alias.set("columns", [*alias.columns, *(exp.to_identifier(key, quoted=True) for key in known.key_names())])
    ties = equal(known.values(), item.alias, known.key_names())
    if isinstance(holder, exp.Join) and holder.side:
        holder.set("on", exp.and_(holder.args.get("on"), *ties))
    else:
        body.where(*ties, copy=False)


def _by_keys(body: exp.Select, known: Domain) -> None:
    """Group, window and choose among the rows of each key."""
    values = known.values()
    group = body.args.get("group")
    if group is not None and values:
        sets = [one for one in group.expressions if isinstance(one, exp.GroupingSets)]
        for one in [each for found in sets for each in found.expressions]:
            if not isinstance(one, exp.Tuple) or not one.expressions:
                raise refuse("these grouping sets in a correlated subquery")
            one.set("expressions", [*one.expressions, *(copied(value) for value in values)])
        if not sets:
            group.set("expressions", [*group.expressions, *(copied(value) for value in values)])
    for window in correlation.windows_of(body):
        if window.args.get("alias") is None:
            window.set("partition_by", [*(window.args.get("partition_by") or []), *(copied(value) for value in values)])
    distinct = body.args.get("distinct")
    on = distinct.args.get("on") if isinstance(distinct, exp.Distinct) else None
    if on is not None:
        on.set("expressions", [*(copied(value) for value in values), *on.expressions])


def _add_keys(body: exp.Select, values: Sequence[exp.Expr], known: Domain) -> None:
    for value, key in zip(values, known.key_names(), strict=True):
        body.append("expressions", named(copied(value), key))


def grouped(
    body: exp.Select, aggregates: Sequence[exp.Expr], known: Domain, alias: str
) -> tuple[exp.Select, dict[str, exp.Expr]]:
    """Return the query of aggregates, each a column, grouped by the keys; and by the aggregate's text what stands for
    it where there may be no such group.
    """
    unique = {one.sql(): one for one in aggregates}
    instead: dict[str, exp.Expr] = {}
    inner = copied(body)
    for key in ("expressions", "having", "order", "limit", "offset", "group", "distinct"):
        inner.set(key, None)
    inner.set("expressions", [])
    for at, (written, one) in enumerate(unique.items()):
        inner.append("expressions", named(copied(one), f"a{at}"))
        column: exp.Expr = _column(alias, f"a{at}", one)
        counts = isinstance(one.find(exp.AggFunc), exp.Count) and one.find(exp.GroupConcat) is None
        instead[written] = typed(exp.Coalesce(this=column, expressions=[number(0)]), T.BIGINT) if counts else column
    _add_keys(inner, known.values(), known)
    if known.columns:
        inner.set("group", exp.Group(expressions=[copied(value) for value in known.values()]))
    return inner, instead


def put(node: exp.Expr, instead: dict[str, exp.Expr], aggregates: Sequence[exp.Expr]) -> exp.Expr:
    """Return a copy of an expression with columns in the place of its aggregates."""
    whole = exp.Paren(this=copied(node))
    texts = {one.sql() for one in aggregates}
    for found in [one for one in whole.walk() if type(one) in {type(each) for each in aggregates}]:
        if found.sql() in texts:
            found.replace(copied(instead[found.sql()]))
    result = whole.this
    result.parent = None
    assert isinstance(result, exp.Expr)
    return result


def _without_groups(
    body: exp.Select, aggregates: Sequence[exp.Expr], known: Domain, fresh: Iterator[int]
) -> exp.Select:
    """One row for each key, also where there are no rows to aggregate."""
    if correlation.windows_of(body):
        raise refuse("a window over an aggregate in a correlated subquery")
    alias = f"_groups{next(fresh)}"
    inner, instead = grouped(body, aggregates, known, alias)
    columns = [put(one, instead, aggregates) for one in body.selects]
    outer = exp.Select(expressions=columns)
    if known.query is None:
        return body
    join = exp.Join(
        this=derived(inner, alias), side="LEFT", on=exp.and_(*equal(known.values(), alias, known.key_names()))
    )
    outer.set("from_", exp.From(this=known.item()))
    outer.set("joins", [join])
    having = body.args.get("having")
    if having is not None:
        outer.set("where", exp.Where(this=put(having.this, instead, aggregates)))
    _add_keys(outer, known.values(), known)
    return outer


def place(body: exp.Select, order: exp.Expr | None, known: Domain) -> exp.Window:
    """Return the number of a row among those of its key, in their order."""
    names = {column.alias: column.unalias() for column in body.selects if isinstance(column, exp.Alias)}
    keys = [copied(key) for key in order.expressions] if order is not None else []
    for key in keys:
        if isinstance(key.this, exp.Column) and not key.this.table and key.this.name in names:
            key.set("this", copied(names[key.this.name]))
    by = [copied(value) for value in known.values()]
    ordered = exp.Order(expressions=keys) if keys else None
    return typed(exp.Window(this=exp.RowNumber(), partition_by=by, order=ordered, over="OVER"), T.BIGINT)


def _limited(body: exp.Select, order: exp.Expr | None, known: Domain, fresh: Iterator[int]) -> exp.Select:
    """LIMIT and OFFSET within each key."""
    limit, offset = body.args.get("limit"), body.args.get("offset")
    body.set("limit", None)
    body.set("offset", None)
    body.append("expressions", named(place(body, order, known), "_place"))
    alias = f"_rows{next(fresh)}"
    outer = exp.Select(
        expressions=[named(_column(alias, one.alias_or_name, one), one.alias_or_name) for one in body.selects[:-1]],
        from_=exp.From(this=derived(body, alias)),
    )
    skipped: exp.Expr = number(0)
    if offset is not None:
        skipped = cast(exp.Coalesce(this=copied(offset.expression), expressions=[number(0)]), "BIGINT")
        outer.where(exp.GT(this=_column(alias, "_place", number(0)), expression=skipped), copy=False)
    if limit is not None:
        count = limit.args.get("count") if isinstance(limit, exp.Fetch) else limit.expression
        if limit.args.get("limit_options") is not None and limit.args["limit_options"].args.get("with_ties"):
            raise refuse("FETCH FIRST … WITH TIES in a correlated subquery", "Use rank() in a derived table.")
        rows = cast(copied(count), "BIGINT") if count is not None else number(1)
        last = exp.Add(this=copied(skipped), expression=rows)
        past = exp.GT(this=_column(alias, "_place", number(0)), expression=exp.Paren(this=last))
        outer.where(exp.Not(this=exp.Coalesce(this=past, expressions=[exp.false()])), copy=False)
    return outer


def one_row(count: exp.Expr, value: exp.Expr) -> exp.Expr:
    """Return a value that there may be once; more are 21000."""
    several = call("one_row", exp.Coalesce(this=count, expressions=[number(0)]), returns=T.BOOLEAN)
    chosen = exp.Case(ifs=[exp.If(this=several, true=value)])
    return typed(chosen, copied(type_of(value)))
