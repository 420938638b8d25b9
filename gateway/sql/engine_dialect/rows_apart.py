"""SELECTs that take arrays apart: ``SELECT unnest(t.a) FROM t ORDER BY t.b``, and ``FROM t, unnest(t.a)``.

The engine does four things with them that PostgreSQL does not:

- It sorts their rows by outputs alone, and in any order where keys are equal. PostgreSQL sorts before it takes arrays
  apart, unless the order is that of the elements: those of one row stay in their places.
- An output with the name of an input column is that column to it, whatever was written.
- What was unique beneath (the keys of GROUP BY, the rows of DISTINCT) is unique to it above, too, where each stands
  once for each element: it leaves out keys of ORDER BY and GROUP BY, a DISTINCT, and rows of joins
  (apache/datafusion#24787). It knows a key by its column, not by an expression.
"""

from __future__ import annotations

from itertools import count

from sqlglot import exp

from gateway.sql.engine_dialect.build import named, number, typed
from gateway.sql.engine_dialect.correlation import items
from gateway.sql.engine_dialect.decorrelate import wrapped
from gateway.sql.engine_dialect.group_keys import ROWS, anew, hide_keys, holders
from gateway.sql.engine_dialect.kinds import Kind, T, kind_of_type, type_of
from gateway.sql.engine_dialect.sources import places
from optimizer.copies import copied

_KEY, _PLACE, _OUTPUT = "_key", "_place", "_output"


def sorted_outside(select: exp.Select) -> exp.Select | None:
    """Return a SELECT that takes arrays apart in its outputs as a derived table, from which another one selects, sorts
    and limits; None where it may stay as it is.
    """
    if select.args.get("from_") is None or not _rows(select):
        return None
    order = select.args.get("order")
    is_grouped = select.args.get("group") is not None or _aggregates(select)
    if order is None and not is_grouped and not _hides_inputs(select):
        return None
    outputs = select.selects
    inner = copied(select)
    inner_order = inner.args.get("order")
    names = [f"{_OUTPUT}:{place}" for place in range(len(outputs))]
    if inner_order is not None:
        _sort_by(inner_order, dict(zip((one.alias_or_name for one in outputs), names, strict=True)))
    inner.set("expressions", [_renamed(one, name, is_grouped) for one, name in zip(inner.selects, names, strict=True)])
    if inner_order is not None and inner.args.get("distinct") is None:
        _give_sort_keys(inner, inner_order, is_grouped)
    outer = wrapped(inner, count(1_000_000))
    shown = outer.selects[: len(outputs)]
    outer.set("expressions", [named(new.unalias(), old.alias_or_name) for new, old in zip(shown, outputs, strict=True)])
    return outer


def forget_keys(select: exp.Select) -> None:
    """Make expressions, in place, of the columns of what stands in a SELECT's FROM and may have keys, where arrays are
    taken apart.
    """
    if _rows(select) or any(_gives_rows(one) for one in holders(select)):
        hide_keys(select)


def _rows(select: exp.Select) -> list[exp.Expr]:
    """Return the functions whose rows stand in a SELECT's own outputs."""
    found = (one for output in select.selects for one in output.find_all(*ROWS))
    return [one for one in found if one.find_ancestor(exp.Select) is select]


def _aggregates(select: exp.Select) -> bool:
    found = (one for output in select.selects for one in output.find_all(exp.AggFunc))
    return any(one.find_ancestor(exp.Select) is select and not isinstance(one.parent, exp.Window) for one in found)


def _hides_inputs(select: exp.Select) -> bool:
    """Whether an output has the name of an input column that it is not."""
    own = {item.alias_or_name for item in items(select)}
    inputs = {column.name for column in select.find_all(exp.Column) if column.table in own}
    for output in select.selects:
        value = output.unalias()
        if output.alias_or_name in inputs and not (
            isinstance(value, exp.Column) and value.name == output.alias_or_name
        ):
            return True
    return False


def _renamed(output: exp.Expr, name: str, is_grouped: bool) -> exp.Alias:
    value = output.unalias()
    return named(anew(value) if is_grouped else value, name)


def _sort_by(order: exp.Expr, names: dict[str, str]) -> None:
    """Have ORDER BY name outputs by other names, in place."""
    for ordered in order.expressions:
        key = ordered.this
        if isinstance(key, exp.Column) and not key.table and key.name in names:
            key.set("this", exp.to_identifier(names[key.name], quoted=True))


def _give_sort_keys(select: exp.Select, order: exp.Expr, is_grouped: bool) -> None:
    """Add to a SELECT's outputs, in place, by what its rows are to be sorted: what ORDER BY names beside them, and the
    places that elements have in their arrays.
    """
    given = {one.unalias().sql() for one in select.selects}
    added: list[exp.Expr] = []
    for place, ordered in enumerate(order.expressions):
        key = ordered.this
        if isinstance(key, exp.Column) and not key.table:
            continue  # an output
        key = anew(key) if is_grouped else key
        ordered.set("this", key)
        if key.sql() not in given:
            added.append(named(copied(key), f"{_KEY}:{place}"))
    for place, value in enumerate(_places(select)):
        added.append(named(value, f"{_PLACE}:{place}"))
        order.append("expressions", exp.Ordered(this=copied(value), nulls_first=False))
    select.set("expressions", [*select.selects, *added])


def _places(select: exp.Select) -> list[exp.Expr]:
    """Return the places of elements. Rows that are grouped have none any more."""
    group = select.args.get("group")
    if group is not None and any(key.find(*ROWS) is not None for key in group.expressions):
        return []
    return [place for one in _rows(select) if (place := _place(one)) is not None]


def _place(rows: exp.Expr) -> exp.Expr | None:
    """Return what rises with each element; None for a series of which only its step tells in which direction."""
    if isinstance(rows, exp.Explode):
        return typed(exp.Explode(this=places(rows.this)), T.BIGINT)
    step = rows.args.get("step")
    bare = step.unnest() if step is not None else number(1)
    falls = isinstance(bare, exp.Neg)
    if falls and kind_of_type(type_of(rows)) is Kind.INTEGER and isinstance(bare.this, exp.Literal):
        return typed(exp.Neg(this=copied(rows)), copied(type_of(rows)))
    rises = isinstance(bare, exp.Literal | exp.Interval | exp.Cast) and "-" not in bare.sql()
    return copied(rows) if rises else None


def _gives_rows(holder: exp.Expr) -> bool:
    """Whether an item of FROM is a function that gives rows, or a LATERAL query with one."""
    item = holder.this
    if isinstance(item, exp.Lateral):
        return item.find(*ROWS, exp.Unnest) is not None
    return isinstance(item, exp.Unnest) or (isinstance(item, exp.Table) and isinstance(item.this, exp.Func))
