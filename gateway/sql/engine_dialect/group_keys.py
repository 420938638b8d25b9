"""GROUP BY and DISTINCT over a join with something that was grouped before: ``FROM s JOIN o GROUP BY s.k, o.status``,
where k was a key of s.

The engine knows that k decided the columns of s, and then takes it to decide all of the new groups, of which it is only
a part. Above them it leaves out keys of ORDER BY, GROUP BY and DISTINCT, and rows of joins (apache/datafusion#23626 was
one such). It knows a key by its column, not by an expression: so keys are grouped by as expressions.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.engine_dialect.build import call, named, number
from gateway.sql.engine_dialect.correlation import is_of_from, items
from gateway.sql.engine_dialect.kinds import Kind, T, kind, type_of
from optimizer.census import below, holds, with_subclasses
from optimizer.copies import copied

ROWS = (exp.Explode, exp.ExplodingGenerateSeries, exp.GenerateSeries)
"""What takes arrays apart in a select list."""
_UNIQUE = with_subclasses((exp.Group, exp.Distinct, exp.SetOperation, exp.AggFunc))
_JOINED = with_subclasses((exp.Join, exp.Unnest, *ROWS))
_AFTER_GROUPS = ("expressions", "group", "having", "order", "distinct", "qualify", "windows")


def keys_of(part: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the keys of a GROUP BY, also those in its sets."""
    for one in part.iter_expressions():
        if isinstance(one, exp.GroupingSets | exp.Rollup | exp.Cube | exp.Tuple | exp.Paren):
            yield from keys_of(one)
        else:
            yield one


def forget_grouped(select: exp.Select) -> None:
    """Group by expressions, in place, where a key may be one of what is joined."""
    keys = _keys(select)
    if len(keys) < 2:
        return  # one key alone does decide its groups
    sources = list(items(select))
    keyed = {one.alias_or_name for one in sources if may_have_keys(one)}
    if not keyed or not (len(sources) > 1 or any(holds(one, _JOINED) for one in sources)):
        return
    wanted = {(one.table, one.name) for one in keys if isinstance(one, exp.Column) and one.table in keyed}
    own, within = _columns(select) if wanted else ([], [])
    if any((one.table, one.name) in wanted for one in within):
        hide_keys(select)  # queries within name the column, and are planned with it
        return
    for column in own:
        if (column.table, column.name) in wanted:
            column.replace(anew(column))


def hide_keys(select: exp.Select) -> None:
    """Make expressions, in place, of the columns of what stands in a SELECT's FROM and may have keys."""
    for holder in holders(select):
        item = holder.this
        if not isinstance(item, exp.Subquery | exp.Table) or not may_have_keys(item):
            continue
        name = item.alias_or_name
        columns = columns_of(select, item, name)
        if columns:
            body = exp.Select(expressions=[named(anew(one), one.name) for one in columns])
            body.set("from_", exp.From(this=copied(item)))
            label = exp.TableAlias(this=exp.to_identifier(name, quoted=True))
            item.replace(exp.Subquery(this=body, alias=label))


def holders(select: exp.Select) -> Iterator[exp.Expr]:
    """Yield the FROM and the joins of a SELECT."""
    source = select.args.get("from_")
    if source is not None:
        yield source
        yield from select.args.get("joins") or ()


def may_have_keys(item: exp.Expr) -> bool:
    """Whether an item of FROM may be made of rows that differ; tables of the lake have no keys to the engine."""
    inside = below(item)
    if any(type(one) is exp.Table and not one.db and isinstance(one.this, exp.Identifier) for one in inside):
        return True  # a common table expression
    return any(type(one) in _UNIQUE for one in inside)


def anew(value: exp.Expr) -> exp.Expr:
    """Return a column's values as an expression, which the engine does not see through; others as they are."""
    if not isinstance(value, exp.Column):
        return value
    if kind(value) in (Kind.ARRAY, Kind.OTHER):
        both = call("make_array", copied(value), copied(value), returns=T.UNKNOWN.into_expr())
        return call("array_element", both, number(1), returns=type_of(value))
    return call("nullif", copied(value), exp.Null(), returns=type_of(value))


def _keys(select: exp.Select) -> list[exp.Expr]:
    """Return what decides a SELECT's groups, or its rows where these differ."""
    group = select.args.get("group")
    if group is not None:
        return list(group.expressions)
    operation = select.parent
    while isinstance(operation, exp.Subquery | exp.Paren) and not operation.alias:
        operation = operation.parent  # an arm in parentheses
    differ = isinstance(operation, exp.SetOperation) and operation.args.get("distinct")
    return [one.unalias() for one in select.selects] if differ or select.args.get("distinct") is not None else []


def _columns(select: exp.Select) -> tuple[list[exp.Column], list[exp.Column]]:
    """Return the columns that a SELECT names behind its groups: itself, and in queries within."""
    own: list[exp.Column] = []
    within: list[exp.Column] = []
    for clause in _AFTER_GROUPS:
        value = select.args.get(clause)
        for node in value if isinstance(value, list) else [value]:
            for column in node.find_all(exp.Column) if isinstance(node, exp.Expr) else ():
                (own if column.find_ancestor(exp.Query) is select else within).append(column)
    return own, within


def columns_of(select: exp.Select, item: exp.Expr, name: str) -> list[exp.Column]:
    """Return the columns of an item that a query names, each once; within it the name may be another item's."""
    known = {one.alias_or_name for one in item.this.selects} if isinstance(item, exp.Subquery) else None
    alias = item.args.get("alias")
    if isinstance(alias, exp.TableAlias) and alias.columns:
        known = None
    found: dict[str, exp.Column] = {}
    for column in select.find_all(exp.Column):
        if column.table == name and (known is None or column.name in known) and is_of_from(column, name, select):
            found.setdefault(column.name, column)
    return [found[one] for one in sorted(found)]
