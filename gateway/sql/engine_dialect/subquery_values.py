"""What is joined in the place of a subquery in an expression, and how the expression reads it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.engine_dialect import correlation, decorrelate
from gateway.sql.engine_dialect.build import call, case, cast, named, number, paren, typed
from gateway.sql.engine_dialect.kinds import T, type_of
from optimizer.copies import copied


def asked_of(node: exp.Expr, query: exp.Query, fresh: Iterator[int]) -> exp.Query:
    """Return the query whose rows are to be joined. For IN, ANY and ALL it counts the rows that compare as true, as
    false and as unknown.
    """
    if not isinstance(node, exp.In | exp.EQ | exp.NEQ | exp.LT | exp.LTE | exp.GT | exp.GTE):
        return query
    alias = f"_rows{next(fresh)}"
    width = len(query.selects)
    body = copied(query)
    inner = decorrelate.derived(body, alias)
    inner.args["alias"].set("columns", [exp.to_identifier(f"c{at}", quoted=True) for at in range(width)])
    columns: list[exp.Expr] = [
        typed(exp.column(f"c{at}", table=alias, quoted=True), copied(type_of(one)))
        for at, one in enumerate(query.selects)
    ]
    right = columns[0] if width == 1 else exp.Tuple(expressions=columns)
    kind = exp.EQ if isinstance(node, exp.In) else type(node)
    compared = typed(kind(this=paren(copied(node.this)), expression=right), T.BOOLEAN)
    everyone = isinstance(node.expression, exp.All) if not isinstance(node, exp.In) else False
    decided: exp.Expr = exp.Not(this=exp.Paren(this=compared)) if everyone else compared
    unknown = exp.Is(this=exp.Paren(this=copied(compared)), expression=exp.Null())
    counted = []
    for name, condition in (("decided", decided), ("unknown", unknown)):
        number_of = exp.Filter(
            this=typed(exp.Count(this=exp.Star(), big_int=True), T.BIGINT), expression=exp.Where(this=condition)
        )
        counted.append(named(typed(number_of, T.BIGINT), name))
    return exp.Select(expressions=counted, from_=exp.From(this=inner))


Answer = tuple[exp.Query, exp.Expr, list[exp.Expr]]  # what is joined, what is read of it, and the columns in that


def answer(node: exp.Expr, asked: exp.Query, known: decorrelate.Domain, alias: str, fresh: Iterator[int]) -> Answer:
    if isinstance(node, exp.Exists):
        return _existence(asked, known, alias, fresh)
    if isinstance(node, exp.Array):
        return _array(node, asked, known, alias, fresh)
    if isinstance(node, exp.Subquery):
        return _one_value(asked, known, alias, fresh)
    return _membership(node, asked, known, alias, fresh)


def _outputs(body: exp.Query, known: decorrelate.Domain, alias: str) -> list[exp.Column]:
    width = len(body.selects) - len(known.columns)
    return [
        typed(exp.column(one.alias_or_name, table=alias, quoted=True), copied(type_of(one)))
        for one in body.selects[:width]
    ]


def _named(query: exp.Query) -> exp.Query:
    """Return a query whose output columns have names, all different."""
    body = copied(query)
    for at, one in enumerate(body.selects):
        one.replace(named(copied(one.unalias()), f"v{at}"))
    order = body.args.get("order")
    names = {one.alias_or_name: f"v{at}" for at, one in enumerate(query.selects)}
    for ordered in order.expressions if order is not None else ():
        if isinstance(ordered.this, exp.Column) and not ordered.this.table and ordered.this.name in names:
            ordered.this.set("this", exp.to_identifier(names[ordered.this.name], quoted=True))
    return body


def _existence(asked: exp.Query, known: decorrelate.Domain, alias: str, fresh: Iterator[int]) -> Answer:
    body = decorrelate.tied(_named(asked), known, fresh)
    inner = f"_rows{next(fresh)}"
    keys = [exp.column(key, table=inner, quoted=True) for key in known.key_names()]
    hit = named(typed(exp.true(), T.BOOLEAN), "hit")
    columns = [named(typed(key, type_of(one)), key.name) for key, one in zip(keys, known.columns, strict=True)]
    joined = exp.Select(expressions=[hit, *columns], from_=exp.From(this=decorrelate.derived(body, inner)))
    if known.columns:
        joined.set("distinct", exp.Distinct())
    else:
        joined.set("limit", exp.Limit(expression=number(1)))
    column = typed(exp.column("hit", table=alias, quoted=True), T.BOOLEAN)
    value = typed(exp.Paren(this=exp.Not(this=exp.Is(this=column, expression=exp.Null()))), T.BOOLEAN)
    return joined, value, [column]


def _one_value(asked: exp.Query, known: decorrelate.Domain, alias: str, fresh: Iterator[int]) -> Answer:
    body = decorrelate.tied(_named(asked), known, fresh)
    if correlation.is_aggregate(asked) or _is_first(asked):
        values = _outputs(body, known, alias)
        return body, _row(values), list(values)
    inner = f"_rows{next(fresh)}"
    outputs = _outputs(body, known, inner)
    columns: list[exp.Expr] = []
    for at, one in enumerate(outputs):
        first = call("first_value", one, returns=copied(type_of(one)))
        columns.append(named(first, f"v{at}"))
    rows = typed(exp.Count(this=exp.Star(), big_int=True), T.BIGINT)
    columns.append(named(rows, "rows"))
    joined = _gathered(columns, body, known, inner)
    total = typed(exp.column("rows", table=alias, quoted=True), T.BIGINT)
    values = [typed(exp.column(f"v{at}", table=alias, quoted=True), type_of(one)) for at, one in enumerate(outputs)]
    return joined, _row([decorrelate.one_row(copied(total), one) for one in values]), [total, *values]


def _gathered(columns: list[exp.Expr], body: exp.Query, known: decorrelate.Domain, inner: str) -> exp.Select:
    """Return aggregates over a tied query, by its keys."""
    keys = [
        typed(exp.column(key, table=inner, quoted=True), copied(type_of(one)))
        for key, one in zip(known.key_names(), known.columns, strict=True)
    ]
    told = [named(copied(key), key.name) for key in keys]
    joined = exp.Select(expressions=[*columns, *told], from_=exp.From(this=decorrelate.derived(body, inner)))
    if keys:
        joined.set("group", exp.Group(expressions=list(keys)))
    return joined


def _row(values: list[exp.Expr] | list[exp.Column]) -> exp.Expr:
    return values[0] if len(values) == 1 else exp.Tuple(expressions=list(values))


def _is_first(query: exp.Query) -> bool:
    limit = query.args.get("limit")
    rows = limit.expression if isinstance(limit, exp.Limit) else None
    return isinstance(rows, exp.Literal) and rows.name == "1"


def _membership(
    node: exp.Expr, asked: exp.Query, known: decorrelate.Domain, alias: str, fresh: Iterator[int]
) -> Answer:
    body = decorrelate.tied(asked, known, fresh)
    everyone = not isinstance(node, exp.In) and isinstance(node.expression, exp.All)
    decided, unknown = (
        exp.GT(this=exp.column(name, table=alias, quoted=True), expression=number(0)) for name in ("decided", "unknown")
    )
    answer = case(
        (decided, exp.false() if everyone else exp.true()),
        (unknown, cast(exp.Null(), "BOOLEAN")),
        default=exp.true() if everyone else exp.false(),
    )
    columns = [typed(exp.column(name, table=alias, quoted=True), T.BIGINT) for name in ("decided", "unknown")]
    value: exp.Expr = typed(exp.Paren(this=typed(answer, T.BOOLEAN)), T.BOOLEAN)
    if isinstance(node, exp.In) and node.args.get("negate"):
        value = typed(exp.Not(this=value), T.BOOLEAN)
    return body, value, list(columns)


def _array(node: exp.Array, asked: exp.Query, known: decorrelate.Domain, alias: str, fresh: Iterator[int]) -> Answer:
    asking = _named(asked)
    order = asking.args.get("order")
    ordered = order is not None
    if ordered and not (isinstance(asking, exp.Select) and not asking.args.get("distinct")):
        wrapped = decorrelate.wrapped(asking, fresh)
        asking, order = wrapped, wrapped.args.get("order")
    if ordered:
        assert isinstance(asking, exp.Select)
        asking.append("expressions", named(decorrelate.place(asking, order, _NOTHING), "place"))
    body = decorrelate.tied(asking, known, fresh)
    inner = f"_rows{next(fresh)}"
    outputs = _outputs(body, known, inner)
    value: exp.Expr = outputs[0]
    if ordered:
        value = exp.Order(this=value, expressions=[exp.Ordered(this=outputs[1])])
    array = typed(exp.ArrayAgg(this=value), copied(type_of(node)))
    joined = _gathered([named(array, "v0")], body, known, inner)
    column = typed(exp.column("v0", table=alias, quoted=True), copied(type_of(node)))
    empty = cast(exp.Array(expressions=[]), type_of(node))
    return joined, typed(exp.Coalesce(this=column, expressions=[empty]), copied(type_of(node))), [column]


_NOTHING = decorrelate.Domain("", (), None)
