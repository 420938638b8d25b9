"""LATERAL: which queries and functions in FROM the engine plans where they stand, and the joins that others become."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.engine_dialect import correlation, decorrelate
from gateway.sql.engine_dialect.build import named, refuse, typed
from gateway.sql.engine_dialect.kinds import T, type_of
from gateway.sql.engine_dialect.sources import column_names
from gateway.sql.engine_dialect.volatile import is_volatile
from optimizer.copies import copied


def join_laterals(select: exp.Select, fresh: Iterator[int]) -> None:
    """Put joins in the place of a SELECT's LATERAL items that the engine does not plan, in place."""
    for at, join in enumerate(select.args.get("joins") or ()):
        item = join.this
        if isinstance(item, exp.Lateral) and isinstance(item.this, exp.Subquery):
            query = item.this.unnest()
            if is_volatile(query) and not correlation.free_columns(query):  # PostgreSQL computes it once
                join.set("this", exp.Subquery(this=query, alias=item.args.get("alias")))
            elif not _is_planned_lateral(join, item, query):
                _join_lateral(select, at, join, query, fresh)
        elif (function := _function_query(select, join, fresh)) is not None:
            join.set("this", exp.Lateral(this=exp.Subquery(this=function), alias=_alias_of(item)))
            _join_lateral(select, at, join, function, fresh)


def _has_condition(join: exp.Expr) -> bool:
    on = join.args.get("on")
    return not (on is None or (isinstance(on, exp.Boolean) and on.this))


def _is_planned_lateral(join: exp.Join, item: exp.Lateral, query: exp.Expr) -> bool:
    """Whether `sources` or the engine has a way for it."""
    if not isinstance(query, exp.Select) or query.find(exp.Lateral) is not None:
        return False
    if query.args.get("from_") is None:
        plain = not any(query.args.get(key) for key in ("where", "group", "having", "limit", "offset", "distinct"))
        named = len(item.alias_column_names or query.selects) == len(query.selects)
        unbound = plain and query.find(exp.Query, exp.AggFunc, exp.Window, exp.Explode) is query
        return unbound and named and (not join.side) and not _has_condition(join)
    if any(query.args.get(key) for key in ("group", "having", "offset", "distinct")) or correlation.windows_of(query):
        return False
    if (
        not correlation.free_columns(query)
        or not correlation.only_in_where(query)
        or (join.side and query.args.get("limit"))
        or item.alias_column_names
    ):
        return False
    aggregated = bool(correlation.aggregates_of(query))
    if query.args.get("limit") is not None:
        limit = query.args["limit"].expression
        ordinary = isinstance(limit, exp.Literal) and limit.is_int
        return ordinary and not aggregated and correlation.is_tied(query) and not _has_condition(join)
    if aggregated and any(one.find(exp.Column, exp.AggFunc) is None for one in query.selects):
        return False  # behind the engine's own join a constant is NULL where there are no rows
    return correlation.is_tied(query) if aggregated else True


def _join_lateral(select: exp.Select, at: int, join: exp.Join, query: exp.Expr, fresh: Iterator[int]) -> None:
    """``a JOIN LATERAL q ON c`` is ``a JOIN q' ON c AND keys``, q' being q for each of a's values."""
    item = join.this
    sources = {one.alias_or_name for one in correlation.items(select)}
    free = [column for column in correlation.free_columns(query) if column.table in sources]
    decorrelate.spell_crosses(select)
    if join.side in ("RIGHT", "FULL"):
        raise refuse(f"{join.side} JOIN LATERAL")
    known = decorrelate.domain(select, at, free, fresh)
    body = decorrelate.tied(query, known, fresh) if known.query is not None else copied(query)
    alias = copied(item.args["alias"])
    if alias.args.get("columns"):
        columns = body.selects if isinstance(body, exp.Query) else []
        width = len(columns) - len(known.columns)
        rest = [one.alias_or_name for one in columns[len(alias.columns) : width]]
        names = [*alias.columns, *(exp.to_identifier(name, quoted=True) for name in (*rest, *known.key_names()))]
        alias.set("columns", names)
    join.set("this", exp.Subquery(this=body, alias=alias))
    ties = decorrelate.equal(known.columns, alias.name, known.key_names())
    on = join.args.get("on") if _has_condition(join) else None
    conditions = [*([copied(on)] if on is not None else []), *ties]
    if conditions:
        join.set("on", exp.and_(*conditions))
        join.set("kind", "INNER" if not join.side else None)
    elif join.side:
        join.set("on", exp.true())
    else:
        join.set("on", None)
        join.set("kind", "CROSS")


def _alias_of(item: exp.Expr) -> exp.TableAlias:
    given = item.args.get("alias")
    return exp.TableAlias(this=copied(given.this) if given is not None else exp.to_identifier("unnest", quoted=True))


def _function_query(select: exp.Select, join: exp.Join, fresh: Iterator[int]) -> exp.Select | None:
    """Return the query that a function in FROM is, where it speaks of more than the item that it can be a column of."""
    item = join.this
    inner = item.this if isinstance(item, exp.Lateral) else item
    called = isinstance(inner, exp.Table) and isinstance(inner.this, exp.Func)
    if not (isinstance(inner, exp.Unnest) or called or (inner is not item and isinstance(inner, exp.Func))):
        return None
    tables = {column.table for column in correlation.free_columns(inner)}
    if not tables or (len(tables) == 1 and not join.side and not _has_condition(join)):
        only = next(iter(tables), None)
        if only is None or _stands_beside(select, only):
            return None
    alias = f"_rows{next(fresh)}"
    names = _names_of(select, item)
    moved = copied(item)
    given = moved.args.get("alias") or exp.TableAlias()
    given.set("this", exp.to_identifier(alias, quoted=True))
    moved.set("alias", given)
    columns = []
    for name, sql_type in names:
        column = typed(exp.column(name, table=alias, quoted=True), sql_type)
        columns.append(named(column, name))
    if not given.columns:
        given.set("columns", [exp.to_identifier(names[0][0], quoted=True)])
    return exp.Select(expressions=columns, from_=exp.From(this=moved))


def _stands_beside(select: exp.Select, name: str) -> bool:
    """Whether an item of FROM takes further columns before it is joined: a plain one, and no outer join is near."""
    joins = select.args.get("joins") or []
    if any(join.side for join in joins):
        return False
    holders = [select.args["from_"], *joins]
    return any(one.this.alias_or_name == name and isinstance(one.this, exp.Table | exp.Subquery) for one in holders)


def _names_of(select: exp.Select, item: exp.Expr) -> list[tuple[str, exp.DataType]]:
    """Return a function's columns by the way the query speaks of them."""
    value, ordinality = column_names(item)
    types = {
        column.name: type_of(column)
        for column in select.find_all(exp.Column)
        if column.table == item.alias and type_of(column).this is not T.UNKNOWN
    }
    names = [(value, types.get(value, exp.DataType.build("unknown")))]
    return names if ordinality is None else [*names, (ordinality, exp.DataType.build("bigint"))]
