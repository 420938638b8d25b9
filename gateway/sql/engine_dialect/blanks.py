"""The blanks behind ``char(n)`` and ``bpchar``. Values of ``char(n)`` may be without them in the engine, and get them
where they count: in patterns, and where rows are put out. What has no length of its own (``CASE`` of ``char(5)`` and a
constant) is ``bpchar``, whose values have the blanks that each was given, and lose them where text is asked for.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.build import call, named, number, typed
from gateway.sql.engine_dialect.call_marks import get_mark
from gateway.sql.engine_dialect.equal_values import has_own_blanks
from gateway.sql.engine_dialect.kinds import Kind, T, kind, type_of
from optimizer.copies import copied

_KEEPING = (
    exp.AggFunc, exp.Alias, exp.Array, exp.Case, exp.Cast, exp.Coalesce, exp.Concat, exp.ConcatWs, exp.Distinct,
    exp.Greatest, exp.Group, exp.If, exp.ILike, exp.Is, exp.Least, exp.Like, exp.Nullif, exp.Ordered, exp.Paren,
    exp.RegexpILike, exp.RegexpLike, exp.Select, exp.SimilarTo, exp.Subquery, exp.Window,
)  # fmt: skip


def with_blanks(value: exp.Expr) -> exp.Expr:
    """Return ``char(n)`` with its blanks; others as they are."""
    parameters = type_of(value).expressions
    if kind(value) is not Kind.BPCHAR or not parameters:
        return value
    length = call("character_length", copied(value), returns="INT")  # a longer one is not cut
    width = call("greatest", number(parameters[0].name), length, returns="BIGINT")
    return call("rpad", value, width, returns="TEXT")


def as_text(node: exp.Expr) -> exp.Expr:
    """A CASE, COALESCE or aggregate that is ``bpchar``, where text is asked for: without its blanks."""
    is_value = has_own_blanks(type_of(node)) or isinstance(node, exp.AggFunc | exp.Window)
    if kind(node) is not Kind.BPCHAR or not is_value or isinstance(node.parent, _KEEPING):
        return node
    above = node.parent
    if isinstance(above, exp.Anonymous) and (get_mark(above) is not None or above.name == "octet_length"):
        return node
    return typed(call("rtrim", node, returns=T.TEXT), copied(type_of(node)))


def put_out(tree: exp.Query) -> bool:
    """Put out each ``char(n)`` that is computed with its blanks, in place: PostgreSQL tells no length of it. Returns
    whether there is any.
    """
    found = False
    if not isinstance(tree, exp.Select) or tree.args.get("distinct"):
        return found
    for column in [*tree.selects]:
        value = column.unalias()
        if kind(value) is Kind.BPCHAR and type_of(value).expressions and not _is_stored(value, tree):
            shown = with_blanks(copied(value))
            value.replace(shown if isinstance(column, exp.Alias) else named(shown, column.alias_or_name))
            found = True
    return found


def _is_stored(value: exp.Expr, select: exp.Select) -> bool:
    """Whether it is a column of a table, whose length is told."""
    if not isinstance(value, exp.Column):
        return False
    items = [select.args.get("from_"), *(select.args.get("joins") or [])]
    found = next((one.this for one in items if one is not None and one.this.alias_or_name == value.table), None)
    inner = found.unnest() if isinstance(found, exp.Subquery) else None
    if not isinstance(inner, exp.Select):
        return isinstance(found, exp.Table) and bool(found.db)
    source = inner.args.get("from_")
    own = next((one.unalias() for one in inner.selects if one.alias_or_name == value.name), None)
    return (
        isinstance(own, exp.Column)
        and source is not None
        and isinstance(source.this, exp.Table)
        and bool(source.this.db)
    )


def gathered(node: exp.ArrayAgg) -> exp.ArrayAgg:
    """``array_agg`` of ``char(n)``, whose elements have their blanks."""
    holder = node.this if isinstance(node.this, exp.Order) else node
    if not isinstance(holder.this, exp.Distinct) and kind(holder.this) is Kind.BPCHAR:
        holder.set("this", with_blanks(holder.this))
    return node
