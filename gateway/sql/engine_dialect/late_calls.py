"""Calls of PostgreSQL's for those rows alone that a LIMIT leaves: PostgreSQL computes what costs much after it has
sorted (``make_sort_input_target`` of its planner), the engine before.

Between the two the rows are numbered in their order: what is computed of few columns the engine (DataFusion 55) moves
below a sort with a limit again, also out of a derived table around it.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect import correlation
from gateway.sql.engine_dialect.build import named, typed
from gateway.sql.engine_dialect.call_marks import get_mark
from gateway.sql.engine_dialect.group_keys import ROWS
from gateway.sql.engine_dialect.kinds import T, type_of
from optimizer.census import Census
from optimizer.copies import copied

_SORTED, _NUMBERED, _PLACE = "_sorted", "_numbered", "_place"
_OF_MANY_ROWS = (exp.AggFunc, exp.Query, exp.Window, *ROWS)
_OTHER_CLAUSES = ("distinct", "group", "having", "qualify", "windows")


def may_be_late(census: Census) -> bool:
    """Whether a statement may have a SELECT that `behind_limit` changes."""
    return census.has(exp.Limit, exp.Fetch) and any(map(get_mark, census.find_all(exp.Anonymous)))


def behind_limit(select: exp.Select) -> exp.Select | None:
    """Return a SELECT of the first rows by an order as one from a derived table, which has the columns of these rows
    alone; None for one that calls PostgreSQL for none of its output, or by what it is sorted.
    """
    order, limit = select.args.get("order"), select.args.get("limit")
    if order is None or not _is_plain(limit) or any(select.args.get(one) is not None for one in _OTHER_CLAUSES):
        return None
    outputs = {one.alias_or_name: one.unalias() for one in select.selects}
    keys = [_value(one.this, outputs) for one in order.expressions]
    if not any(map(_calls, outputs.values())) or any(map(_calls, keys)):
        return None
    columns = [column for value in outputs.values() for column in value.find_all(exp.Column)]
    tables = {item.alias_or_name for item in correlation.items(select)}
    if any(one.find(*_OF_MANY_ROWS) for one in outputs.values()) or not {one.table for one in columns} <= tables:
        return None
    return _apart(select, columns, keys)


def _is_plain(limit: exp.Expr | None) -> bool:
    """Whether a LIMIT or FETCH is there, and counts rows by a number that is known."""
    options = limit.args.get("limit_options") if limit is not None else None
    asked = options is not None and (options.args.get("with_ties") or options.args.get("percent"))
    return limit is not None and not asked and limit.find(exp.Query) is None


def _calls(value: exp.Expr) -> bool:
    return any(get_mark(one) is not None for one in value.find_all(exp.Anonymous))


def _value(key: exp.Expr, outputs: dict[str, exp.Expr]) -> exp.Expr:
    """Return what a key of ORDER BY is; a name alone is an output's."""
    return outputs[key.name] if isinstance(key, exp.Column) and not key.table and key.name in outputs else key


def _apart(select: exp.Select, columns: list[exp.Column], keys: list[exp.Expr]) -> exp.Select:
    inner = copied(select)
    inner.set("with_", None)
    names: dict[exp.Expr, str] = {}
    for column in columns:
        names.setdefault(column, f"c{len(names)}")
    shown = [named(copied(column), name) for column, name in names.items()]
    inner.set("expressions", [*shown, *(named(copied(key), f"k{at}") for at, key in enumerate(keys))])
    for ordered, key in zip(inner.args["order"].expressions, keys, strict=True):
        ordered.set("this", copied(key))
    by = [copied(ordered) for ordered in inner.args["order"].expressions]
    for at, (ordered, key) in enumerate(zip(by, keys, strict=True)):
        ordered.set("this", _column(_SORTED, f"k{at}", key))
    place = typed(exp.Window(this=exp.RowNumber(), order=exp.Order(expressions=by)), T.BIGINT.into_expr())
    numbered = exp.Select(
        expressions=[*(named(_column(_SORTED, name, of), name) for of, name in names.items()), named(place, _PLACE)],
        from_=_from(inner, _SORTED),
    )
    outer = exp.Select(
        expressions=[named(_of_numbered(one.unalias(), names), one.alias_or_name) for one in select.selects],
        from_=_from(numbered, _NUMBERED),
        order=exp.Order(expressions=[exp.Ordered(this=_column(_NUMBERED, _PLACE, place), nulls_first=False)]),
    )
    outer.set("with_", select.args.get("with_"))
    return outer


def _of_numbered(value: exp.Expr, names: dict[exp.Expr, str]) -> exp.Expr:
    holder = exp.Paren(this=copied(value))
    for column in [*holder.find_all(exp.Column)]:
        column.replace(_column(_NUMBERED, names[column], column))
    made: exp.Expr = holder.this
    return made


def _from(query: exp.Select, alias: str) -> exp.From:
    return exp.From(this=exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True))))


def _column(table: str, name: str, of: exp.Expr) -> exp.Column:
    return typed(exp.column(name, table=table, quoted=True), copied(type_of(of)))
