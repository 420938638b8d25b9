"""``pg_typeof``: the name of an expression's type, which PostgreSQL tells when a query is planned.

It is put where it is a text: in a cast to text, and in the select list of the whole query, whose columns are told by
name. Elsewhere its value is an object of the database, as in ``pg_typeof(a) = 'int4'``, and it stays refused.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect import kinds
from gateway.sql.engine_dialect.build import cast, text
from gateway.sql.engine_dialect.kinds import T, kind, type_of
from gateway.sql.engine_dialect.postgres_calls import ResultTypes, find_name

_UNKNOWN = "unknown"


def name_types(tree: exp.Query, types: ResultTypes) -> bool:
    """Put names of types in the place of ``pg_typeof`` in a typed query, in place; return whether there was any."""
    calls = [node for node in tree.find_all(exp.Anonymous) if _is_asked(node, tree)]
    found = [(call, name) for call in calls if (name := _name(call.expressions[0], types)) is not None]
    for call, name in found:
        told: exp.Expr = cast(text(name), "TEXT")
        if any(one.find_ancestor(exp.Window, exp.Query, exp.Anonymous) is call for one in call.find_all(exp.AggFunc)):
            told = _of_groups(told)
        call.replace(told)
    return bool(found)


def _of_groups(told: exp.Expr) -> exp.Expr:
    """Have a name stand once for each group, as the aggregate did whose type it is."""
    count = exp.Count(this=exp.Star(), big_int=True)
    none = exp.If(this=exp.Is(this=count, expression=exp.Null()), true=exp.Null())
    return exp.Paren(this=exp.Case(ifs=[none], default=told))


def _is_asked(node: exp.Anonymous, tree: exp.Query) -> bool:
    if node.name.lower() != "pg_typeof" or len(node.expressions) != 1:
        return False
    around = node.parent
    if isinstance(around, exp.Cast):
        return around.to.this in (T.TEXT, T.VARCHAR) and not around.to.expressions
    if isinstance(around, exp.Alias):
        around = around.parent
    return around is tree and isinstance(tree, exp.Select)


def _name(value: exp.Expr, types: ResultTypes) -> str | None:
    bare = value.unnest()
    if isinstance(bare, exp.Null) or (isinstance(bare, exp.Literal) and bare.is_string):
        return _UNKNOWN
    if kind(bare) is kinds.Kind.UNKNOWN and type_of(bare).this is T.UNKNOWN and isinstance(bare, exp.Parameter):
        return None
    if isinstance(bare, exp.Column) and type_of(bare).this in (T.NULL, T.UNKNOWN):
        return "text"  # a NULL that a query puts out
    return find_name(bare, types)
