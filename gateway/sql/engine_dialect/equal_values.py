"""Values that are equal but do not look alike: the intervals ``1 day`` and ``24:00``, the jsonb ``1.0`` and ``1``,
``bpchar`` with more or fewer blanks behind it. The engine tells them apart.

What tells rows apart goes by `measured` values instead: comparisons, counts of distinct ones, partitions, groups, set
operations and IN. Of the equal ones of a group the least is shown, of intervals by months, days and time, of others by
their text; PostgreSQL shows the first that it meets.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from sqlglot import exp

from gateway.sql.engine_dialect import kinds
from gateway.sql.engine_dialect.build import ENGINE, call, case, named, number, refuse, typed
from gateway.sql.engine_dialect.decorrelate import wrapped
from gateway.sql.engine_dialect.kinds import Kind, T, kind, kind_of_type, type_of
from optimizer.census import Census
from optimizer.copies import copied

_HINT = "Use its text, or extract(epoch FROM …) of an interval."
_SETS = (exp.GroupingSets, exp.Rollup, exp.Cube)
_ROWS, _SIDE = "_rows", "_side"


def check(census: Census) -> bool:
    """Measure what is counted, partitioned or looked up by such values, in place; refuse what cannot be. Returns
    whether anything is.
    """
    found = census.find_all(exp.In, exp.Distinct, exp.Window, exp.Any, exp.All)
    for node in found:
        if isinstance(node, exp.In):
            if (query := node.args.get("query")) is not None:
                _measure_query(node, query)
        elif isinstance(node, exp.Any | exp.All):
            if isinstance(node.parent, exp.EQ | exp.NEQ) and isinstance(node.this.unnest(), exp.Query):
                _measure_query(node.parent, node.this)
            elif isinstance(node.parent, exp.Binary) and isinstance(node.this.unnest(), exp.Query):
                _leave_blanks_out(node.parent, node.this)
        elif isinstance(node, exp.Distinct):
            _measure_distinct(node)
        else:
            node.set("partition_by", [measured(key) for key in node.args.get("partition_by") or []])
    return any(not isinstance(one, exp.In) or one.args.get("query") is not None for one in found)


def is_measured(value: exp.Expr) -> bool:
    """Whether equal values of an expression's type may look different."""
    return kind(value) is not Kind.UNKNOWN and _is_measured_type(type_of(value))


def _is_measured_type(sql_type: exp.DataType) -> bool:
    return sql_type.this in (T.INTERVAL, T.JSONB) or has_own_blanks(sql_type)


def has_own_blanks(sql_type: exp.DataType) -> bool:
    """Whether it is ``bpchar`` without a length, whose values have as many blanks behind them as each was given."""
    return sql_type.this is T.BPCHAR and not sql_type.expressions


def measured(value: exp.Expr) -> exp.Expr:
    """Return what values are compared by: how long an interval is, a text that equal jsonb have in common, ``bpchar``
    without its blanks; of other types the values themselves.
    """
    if not is_measured(value):
        return value
    found = kind(value)
    if found is Kind.INTERVAL:
        return call("interval_size", value, returns="DECIMAL(38, 0)")
    return call("rtrim" if found is Kind.BPCHAR else "jsonb_key", value, returns=T.TEXT)


def group(select: exp.Select) -> None:
    """Group by measured values, in place. A DISTINCT of plain rows becomes a GROUP BY."""
    if select.args.get("distinct") is not None:
        _distinct_as_groups(select)
    clause = select.args.get("group")
    keys = [*clause.expressions] if clause is not None else []
    if any(isinstance(one, _SETS) for one in keys):
        _group_sets(select, keys)
        return
    for key in keys:
        _check_elements(key)
    found = [one for one in keys if is_measured(one)]
    if clause is None or not found:
        return
    for top in [*select.selects, *(select.args.get(name) for name in ("having", "order"))]:
        if isinstance(top, exp.Expr):
            _show_least(top, found)
    clause.set("expressions", [measured(one) for one in keys])


def _group_sets(select: exp.Select, sets: list[exp.Expr]) -> None:
    """Group by the measured values of sets, in place: a key is shown where it is in the set of the row."""
    places = {id(one): one for part in sets for each in part.find_all(exp.Tuple) for one in each.expressions}
    for key in places.values():
        _check_elements(key)
    found = [one for one in places.values() if is_measured(one) or kind(one) is Kind.BPCHAR]
    if not found:
        return
    keys = [copied(one) for one in found]
    for top in [*select.selects, *(select.args.get(name) for name in ("having", "order"))]:
        if isinstance(top, exp.Expr):
            _show_least(top, keys, in_sets=True)
    for one in found:
        one.replace(measured(copied(one)))


def _check_elements(key: exp.Expr) -> None:
    if kind(key) is Kind.ARRAY and _is_measured_type(kinds.element_type(type_of(key))):
        raise refuse(f"GROUP BY or DISTINCT of {type_of(key).sql('postgres').lower()}", _HINT)


def distinct_outside(query: exp.Select) -> exp.Select | None:
    """Return a SELECT whose DISTINCT of groups, windows or subqueries is that of a derived table's rows, which `group`
    makes groups of; None for others.
    """
    distinct = query.args.get("distinct")
    if distinct is None or distinct.args.get("on") is not None or not any(map(is_measured, query.selects)):
        return None
    clauses = any(query.args.get(name) for name in ("group", "having", "windows"))
    if not clauses and all(one.find(exp.AggFunc, exp.Window, exp.Query) is None for one in query.selects):
        return None
    inner = copied(query)
    inner.set("distinct", None)
    _require_names(inner)
    outer = wrapped(inner, count(2_000_000))
    outer.set("distinct", exp.Distinct())
    return outer


def _distinct_as_groups(select: exp.Select) -> None:
    values = [one.unalias() for one in select.selects]
    on = select.args["distinct"].args.get("on")
    for one in on.expressions if on is not None else values:
        _check_elements(one)
        if on is not None and is_measured(one):
            raise refuse("DISTINCT ON intervals, jsonb or bpchar without a length", _HINT)
    if on is not None or not any(is_measured(one) and one.find(exp.Column) is not None for one in values):
        return  # constants are alike
    keys = [copied(one) for one in values if one.find(exp.Column) is not None]
    select.set("distinct", None)
    select.set("group", exp.Group(expressions=keys))


def _show_least(top: exp.Expr, keys: list[exp.Expr], *, in_sets: bool = False) -> None:
    """Put the least of a group's equal values in the place of a key, in place; ``in_sets`` where that may be missing
    from a row's set.
    """
    for node in [*_of_groups(top)]:
        if isinstance(node, exp.Query):
            if any(column in node.find_all(exp.Column) for key in keys for column in key.find_all(exp.Column)):
                raise refuse("a subquery that reads an interval, jsonb or bpchar grouped by", _HINT)
        elif isinstance(node, exp.Grouping):
            node.set("expressions", [measured(copied(one)) if one in keys else one for one in node.expressions])
        elif node in keys:
            least = typed(exp.Min(this=copied(node)), copied(type_of(node)))
            least.meta[ENGINE] = True  # of intervals by months first; they are equal in length
            shown = _in_its_set(least, node) if in_sets else least
            node.replace(named(shown, node.alias_or_name) if isinstance(node.parent, exp.Select) else shown)


def _in_its_set(least: exp.Expr, key: exp.Expr) -> exp.Expr:
    """Return a value of a key where that is in the grouping set of the row, else NULL."""
    grouped = typed(exp.Grouping(expressions=[measured(copied(key))]), T.INT)
    return typed(case((exp.EQ(this=grouped, expression=number(0)), least)), copied(type_of(key)))


def _of_groups(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the expressions that are computed behind GROUP BY, an outer one before those in it."""
    yield node
    if isinstance(node, exp.Query) or (isinstance(node, exp.AggFunc) and not isinstance(node.parent, exp.Window)):
        return
    for child in node.iter_expressions():
        yield from _of_groups(child)


def has_arrays(node: exp.Expr) -> bool:
    """Whether an operand of a comparison is an array of intervals."""
    arrays = (type_of(one) for one in node.iter_expressions() if kind(one) is Kind.ARRAY)
    return any(kind_of_type(kinds.element_type(one)) is Kind.INTERVAL for one in arrays)


def set_operation(node: exp.SetOperation) -> exp.Query:
    """Tell the rows of UNION, INTERSECT and EXCEPT apart by measured values: group the rows of both sides, each of
    which knows its side. Returns the query in its place, or the operation itself where there are none.
    """
    for column in node.selects:
        _check_elements(column)
    if not node.args.get("distinct") or not any(map(is_measured, node.selects)):
        return node
    if recursive_name(node) is not None:
        raise refuse("UNION of intervals, jsonb or bpchar in WITH RECURSIVE", f"{_HINT} UNION ALL is available.")
    _require_names(node)
    keep = None if isinstance(node, exp.Union) else isinstance(node, exp.Intersect)
    sides = [_with_side(side, node, place) for place, side in enumerate((node.left, node.right))]
    both = exp.Union(this=sides[0], expression=sides[1], distinct=False)
    grouped = _of_rows(both, node)
    grouped.set("group", exp.Group(expressions=[copied(one.unalias()) for one in grouped.selects]))
    if keep is not None:
        grouped.set("having", exp.Having(this=_condition(both_sides=keep)))
    outer = _of_rows(grouped, node)
    for key in ("order", "limit", "offset", "with_"):
        if node.args.get(key) is not None:
            outer.set(key, node.args[key])
    if node.parent is not None:
        node.replace(outer)
    return outer


def _of_rows(inner: exp.Query, like: exp.SetOperation) -> exp.Select:
    """Return ``SELECT the operation's columns FROM (query)``."""
    source = exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier(_ROWS, quoted=True)))
    columns = [
        named(typed(exp.column(one.alias_or_name, table=_ROWS, quoted=True), copied(type_of(one))), one.alias_or_name)
        for one in like.selects
    ]
    return exp.Select(expressions=columns, from_=exp.From(this=source))


def _with_side(side: exp.Expr, like: exp.SetOperation, place: int) -> exp.Select:
    """Return the rows of one side under the operation's names, each with the side's number."""
    body = copied(side)
    inner = body if isinstance(body, exp.Subquery) else exp.Subquery(this=body)
    query = body.unnest()
    assert isinstance(query, exp.Query)
    columns = [one.alias_or_name for one in query.selects]
    if len(set(columns)) < len(columns):
        raise refuse("a set operation of jsonb, intervals or bpchar beside columns of one name", "Name them apart.")
    inner.set("alias", exp.TableAlias(this=exp.to_identifier(_ROWS, quoted=True)))
    made = [
        named(typed(exp.column(name, table=_ROWS, quoted=True), copied(type_of(own))), one.alias_or_name)
        for name, own, one in zip(columns, query.selects, like.selects, strict=True)
    ]
    number_ = typed(exp.Literal.number(place), T.INT)
    return exp.Select(expressions=[*made, named(number_, _SIDE)], from_=exp.From(this=inner))


def _condition(*, both_sides: bool) -> exp.Expr:
    """Return the condition for groups that have rows of both sides, or of the left one alone."""
    side = typed(exp.column(_SIDE, table=_ROWS, quoted=True), T.INT)
    last = exp.EQ(this=typed(exp.Max(this=side), T.INT), expression=typed(number(int(both_sides)), T.INT))
    if not both_sides:
        return typed(last, T.BOOLEAN)
    first = exp.EQ(this=typed(exp.Min(this=copied(side)), T.INT), expression=typed(number(0), T.INT))
    return typed(exp.And(this=typed(first, T.BOOLEAN), expression=typed(last, T.BOOLEAN)), T.BOOLEAN)


def _require_names(query: exp.Query) -> None:
    names = [one.alias_or_name for one in query.selects]
    if len(set(names)) < len(names) or not all(names):
        raise refuse(
            "a set operation or DISTINCT of jsonb, intervals or bpchar beside columns of one name", "Name them."
        )


def recursive_name(node: exp.SetOperation) -> str | None:
    """Return the name of the CTE that an operation is of, if it reads itself."""
    above = node.parent
    while isinstance(above, exp.Subquery | exp.Paren | exp.SetOperation):
        above = above.parent
    if not isinstance(above, exp.CTE):
        return None
    reads = any(one.name == above.alias and not one.db for one in node.find_all(exp.Table))
    return above.alias if reads else None


def _measure_query(node: exp.Expr, query: exp.Expr) -> None:
    """``x IN (query)``: measure both sides. Of rows, jsonb alone: what else is in them is compared column by column."""
    if isinstance(node.this, exp.Tuple):
        fields = node.this.expressions
        if all(len(select.selects) == len(fields) for select in _selects(query)):  # else they are rows themselves
            for place, value in enumerate(fields):
                _measure_field(value, place, query)
        return
    _leave_blanks_out(node, query)
    if not is_measured(node.this):
        return
    _measure_column(query, 0)
    node.set("this", measured(node.this))


def _measure_field(value: exp.Expr, place: int, query: exp.Expr) -> None:
    """Measure one place of rows that are looked for, in place."""
    types = [type_of(value), *(type_of(select.selects[place]) for select in _selects(query))]
    for one in types:
        if kind_of_type(one) is Kind.ARRAY and _is_measured_type(kinds.element_type(one)):
            raise refuse(f"IN of rows with {one.sql('postgres').lower()}", _HINT)
    if any(one.this is T.JSONB for one in types):
        _measure_column(query, place)
        value.replace(measured(copied(value)))


def _measure_column(query: exp.Expr, place: int) -> None:
    for select in _leaves(query):
        column = select.selects[place]
        column.replace(named(measured(copied(column.unalias())), column.alias_or_name or "value"))


def _leave_blanks_out(node: exp.Expr, query: exp.Expr) -> None:
    """Leave out the blanks behind a ``varchar`` that is looked for among ``char(n)``, or these among it, in place: they
    do not count there, as they do in a text.
    """
    columns = [one.selects[0] for one in _selects(query)]
    own, others = kind(node.this), {kind(column) for column in columns}
    if Kind.BPCHAR not in (own, *others):
        return
    for column in columns:
        value = column.unalias()
        if kind(value) is Kind.BPCHAR or (own is Kind.BPCHAR and _is_varchar(value)):
            column.replace(named(call("rtrim", copied(value), returns=T.TEXT), column.alias_or_name or "value"))
    has_blanks = own is Kind.UNKNOWN or isinstance(node.this.unnest(), exp.Parameter) or _is_varchar(node.this)
    if others == {Kind.BPCHAR} and has_blanks:
        node.set("this", call("rtrim", node.this, returns=T.TEXT))


def _is_varchar(value: exp.Expr) -> bool:
    own, bare = type_of(value), value.unnest()
    return own.this is T.VARCHAR and (bool(own.expressions) or isinstance(bare, exp.Cast))


def _selects(query: exp.Expr) -> list[exp.Select]:
    body = query.unnest()
    if isinstance(body, exp.SetOperation):
        return [*_selects(body.left), *_selects(body.right)]
    return [body] if isinstance(body, exp.Select) else []


def _leaves(query: exp.Expr) -> list[exp.Select]:
    found = _selects(query)
    if not found:
        raise refuse("IN of intervals, jsonb or bpchar of such a query", _HINT)
    return found


def _measure_distinct(node: exp.Distinct) -> None:
    if not isinstance(node.parent, exp.AggFunc):
        return
    if isinstance(node.parent, exp.Count):
        node.set("expressions", [measured(one) for one in node.expressions])
    elif any(map(is_measured, node.expressions)):
        raise refuse("an aggregate of distinct intervals, jsonb or bpchar without a length", _HINT)
