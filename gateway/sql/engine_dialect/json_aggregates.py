"""``json_agg`` and its kin, composed: each row's value as PostgreSQL writes it, and ``string_agg`` over these texts."""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.gathered_aggregates import around, gather
from optimizer.copies import copied

ELEMENTS = "elements"  # in the meta of a ``string_agg``: it joins the elements of ``json_agg``
_COMPOSED = ("json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg")
AGGREGATES = frozenset(f"{name}{strict}" for name in _COMPOSED for strict in ("", "_strict"))


def composed(node: exp.Anonymous, name: str) -> None:
    """Put what is composed in the place of an aggregate, in place. With DISTINCT the values are gathered in an array,
    of which PostgreSQL takes the different ones: the engine would sort the texts.
    """
    if "object" in name and any(one.find(exp.Distinct) is not None for one in node.expressions):
        node.set("this", name)
        gather(node, name)
        return
    strict = name.endswith("_strict")
    name = name.removesuffix("_strict")
    node.set("this", name)
    if strict:
        _of_rows_without_value(node, "{  }" if name == "json_object_agg" else "{}" if "object" in name else "[]")
    arguments = list(node.expressions)
    if len(arguments) == 1 and "object" not in name and _distinct(node, name, strict=strict):
        return
    if len(arguments) != (2 if "object" in name else 1) or any(isinstance(one, exp.Distinct) for one in arguments):
        return
    last = arguments[-1]
    order = last if isinstance(last, exp.Order) else None
    value = order.this if order is not None else last
    if strict:
        _leave_out(node, value, arguments[0] if "object" in name else None)
    kind = "jsonb" if name.startswith("jsonb") else "json"
    opening, closing = ("[", "]") if "object" not in name else ("{", "}") if kind == "jsonb" else ("{ ", " }")
    written = _element(value, kind) if "object" not in name else _member(arguments[0], value, kind)
    if order is not None:
        order.set("this", written)
    joined = exp.GroupConcat(this=order if order is not None else written, separator=exp.Literal.string(", "))
    joined.meta[ELEMENTS] = name == "json_agg"
    whole = around(node)
    inner: exp.Expr = joined
    if whole is not node:
        node.replace(joined)
        inner = copied(whole)
    parts = exp.DPipe(this=exp.Literal.string(opening), expression=inner, safe=True)
    text = exp.DPipe(this=parts, expression=exp.Literal.string(closing), safe=True)
    whole.replace(exp.Cast(this=exp.Paren(this=text), to=exp.DataType.build(kind, dialect="postgres")))


def _of_rows_without_value(node: exp.Anonymous, empty: str) -> None:
    """Have an aggregate that leaves out NULLs be empty where it left out all rows, in place; of no rows it is NULL."""
    whole = around(node)
    counted = exp.Count(this=exp.Star(), big_int=True)
    count: exp.Expr = counted
    if whole is not node:
        count = copied(whole)
        inner = next(one for one in count.find_all(exp.Anonymous) if one == node)
        inner.replace(counted)
    kind = exp.DataType.build("jsonb" if node.name.startswith("jsonb") else "json", dialect="postgres")
    nothing = exp.Cast(this=exp.Literal.string(empty), to=kind)
    some = exp.GT(this=count, expression=exp.Literal.number(0))
    place = exp.Coalesce(this=exp.Null(), expressions=[exp.Case(ifs=[exp.If(this=some, true=nothing)])])
    whole.replace(place)
    place.set("this", whole)


def _distinct(node: exp.Anonymous, name: str, *, strict: bool) -> bool:
    """``json_agg(DISTINCT a ORDER BY a)``; false where it is another aggregate, or sorted in another way."""
    value = node.expressions[0]
    down = False
    if isinstance(value, exp.Order):
        ordered, value = value.expressions, value.this
        key = ordered[0]
        down = bool(key.args.get("desc"))
        if len(ordered) > 1 or bool(key.args.get("nulls_first")) != down:
            return False
    if not isinstance(value, exp.Distinct) or len(value.expressions) != 1:
        return False
    gathered, whole = value.expressions[0], around(node)
    if strict:
        _leave_out(node, gathered, None)
        whole = around(node)
    array = exp.ArrayAgg(this=copied(gathered))
    inner: exp.Expr = array
    if whole is not node:
        node.replace(array)
        inner = copied(whole)
    whole.replace(exp.Anonymous(this=f"{name}_distinct", expressions=[inner, exp.Boolean(this=down)]))
    return True


def _leave_out(node: exp.Anonymous, value: exp.Expr, key: exp.Expr | None) -> None:
    """Leave out the rows whose value is NULL, in place; but those without a key, which is an error."""
    known: exp.Expr = exp.Not(this=exp.Is(this=exp.Paren(this=copied(value)), expression=exp.Null()))
    if key is not None:
        absent = exp.Is(this=exp.Paren(this=copied(key)), expression=exp.Null())
        known = exp.Paren(this=exp.Or(this=known, expression=absent))
    filtered = node.parent
    if isinstance(filtered, exp.Filter) and node.arg_key == "this":
        condition = filtered.expression
        condition.set("this", exp.And(this=exp.Paren(this=condition.this), expression=known))
        return
    place = exp.Filter(expression=exp.Where(this=known))
    node.replace(place)
    place.set("this", node)


def _call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=[copied(argument) for argument in arguments])


def _text(value: exp.Expr) -> exp.Expr:
    return exp.Cast(this=value, to=exp.DataType.build("text", dialect="postgres"))


def _element(value: exp.Expr, kind: str) -> exp.Expr:
    return exp.Coalesce(this=_text(_call(f"to_{kind}", value)), expressions=[exp.Literal.string("null")])


def _member(key: exp.Expr, value: exp.Expr, kind: str) -> exp.Expr:
    """Write a key and its value as they stand in an object: an object of them alone, without its braces."""
    whole = _text(_call(f"{kind}_build_object", key, value))
    minus = exp.Neg(this=exp.Literal.number(1))
    return exp.Left(this=exp.Right(this=whole, expression=minus), expression=copied(minus))
