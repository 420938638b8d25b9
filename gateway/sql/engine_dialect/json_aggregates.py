"""``json_agg`` and its kin, composed: each row's value as PostgreSQL writes it, and ``string_agg`` over these texts."""

from __future__ import annotations

from sqlglot import exp

ELEMENTS = "elements"  # in the meta of a ``string_agg``: it joins the elements of ``json_agg``
AGGREGATES = frozenset({"json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg"})


def composed(node: exp.Anonymous, name: str) -> None:
    """Put what is composed in the place of an aggregate, in place. With DISTINCT it stays as it is: the engine would
    sort the texts.
    """
    node.set("this", name)
    arguments = list(node.expressions)
    if len(arguments) != (2 if "object" in name else 1) or any(isinstance(one, exp.Distinct) for one in arguments):
        return
    last = arguments[-1]
    order = last if isinstance(last, exp.Order) else None
    value = order.this if order is not None else last
    kind = "jsonb" if name.startswith("jsonb") else "json"
    opening, closing = ("[", "]") if "object" not in name else ("{", "}") if kind == "jsonb" else ("{ ", " }")
    written = _element(value, kind) if "object" not in name else _member(arguments[0], value, kind)
    if order is not None:
        order.set("this", written)
    joined = exp.GroupConcat(this=order if order is not None else written, separator=exp.Literal.string(", "))
    joined.meta[ELEMENTS] = name == "json_agg"
    whole = _around(node)
    inner: exp.Expr = joined
    if whole is not node:
        node.replace(joined)
        inner = whole.copy()
    parts = exp.DPipe(this=exp.Literal.string(opening), expression=inner, safe=True)
    text = exp.DPipe(this=parts, expression=exp.Literal.string(closing), safe=True)
    whole.replace(exp.Cast(this=exp.Paren(this=text), to=exp.DataType.build(kind, dialect="postgres")))


def _around(node: exp.Expr) -> exp.Expr:
    """Return an aggregate with its FILTER and OVER."""
    while isinstance(node.parent, exp.Filter | exp.Window) and node.arg_key == "this":
        node = node.parent
    return node


def _call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])


def _text(value: exp.Expr) -> exp.Expr:
    return exp.Cast(this=value, to=exp.DataType.build("text", dialect="postgres"))


def _element(value: exp.Expr, kind: str) -> exp.Expr:
    return exp.Coalesce(this=_text(_call(f"to_{kind}", value)), expressions=[exp.Literal.string("null")])


def _member(key: exp.Expr, value: exp.Expr, kind: str) -> exp.Expr:
    """Write a key and its value as they stand in an object: an object of them alone, without its braces."""
    whole = _text(_call(f"{kind}_build_object", key, value))
    minus = exp.Neg(this=exp.Literal.number(1))
    return exp.Left(this=exp.Right(this=whole, expression=minus), expression=minus.copy())
