"""Whole rows as json: ``row_to_json(t)``, ``to_jsonb(t)``, ``json_agg(t)``, composed of the columns that the role sees.

An object is put together as text, each value as PostgreSQL writes it, and read back as json.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlglot import exp

from gateway.sql.engine_dialect.build import ENGINE, typed
from gateway.sql.engine_dialect.json_aggregates import ELEMENTS

_OF_ROWS = frozenset({"row_to_json", "to_json", "to_jsonb"})
_BUILDERS = frozenset({"json_build_array", "json_build_object", "jsonb_build_array", "jsonb_build_object"})


Field = tuple[str, exp.Expr]


def replace_row(place: exp.Expr, fields: Sequence[Field], mark: exp.Expr | None = None) -> bool:
    """Put an object of fields, by name, in the place of a row that a json function is given, in place; false where the
    row is given to something else. ``mark`` is NULL where there is no row.
    """
    around = place.parent
    if not isinstance(around, exp.Anonymous):
        return False
    name = around.name.lower()
    if name in _OF_ROWS and place.arg_key == "expressions":
        separator = _separator(around)
        if separator is None:
            return False
        _begin_lines(around)
        around.replace(_object(fields, mark, separator, "jsonb" if name == "to_jsonb" else "json"))
        return True
    if name in _BUILDERS:
        place.replace(_object(fields, mark, ",", "jsonb" if name.startswith("jsonb") else "json"))
        return True
    return False


def _separator(function: exp.Anonymous) -> str | None:
    """Return what stands between members: with ``row_to_json(t, true)`` each has a line of its own."""
    if len(function.expressions) == 1:
        return ","
    pretty = function.expressions[1]
    return (",\n " if pretty.this else ",") if isinstance(pretty, exp.Boolean) else None


def _begin_lines(function: exp.Anonymous) -> None:
    """``json_agg`` begins a line for each row that it is given itself."""
    element = function.parent.parent if isinstance(function.parent, exp.Cast) else None
    aggregate = element.parent if isinstance(element, exp.Coalesce) else None
    while isinstance(aggregate, exp.Order):
        aggregate = aggregate.parent
    if isinstance(aggregate, exp.GroupConcat) and aggregate.meta.get(ELEMENTS):
        aggregate.set("separator", exp.Literal.string(", \n "))


def _object(fields: Sequence[Field], mark: exp.Expr | None, separator: str, kind: str) -> exp.Expr:
    parts: list[exp.Expr] = []
    for at, (name, field) in enumerate(fields):
        key = json.dumps(name, ensure_ascii=False)
        parts.append(exp.Literal.string(f"{separator if at else '{'}{key}:"))
        if isinstance(field, exp.Null):
            parts.append(exp.Literal.string("null"))
            continue
        known = exp.Cast(this=field, to=_type("text")) if isinstance(field, exp.Literal) and field.is_string else field
        value = exp.Cast(this=exp.Anonymous(this=f"to_{kind}", expressions=[known]), to=_type("text"))
        parts.append(exp.Coalesce(this=value, expressions=[exp.Literal.string("null")]))
    parts.append(exp.Literal.string("}" if fields else "{}"))
    text = typed(exp.Concat(expressions=parts, safe=True, coalesce=True), "TEXT")
    text.meta[ENGINE] = True  # one value for PostgreSQL to read, however many columns it is made of
    made: exp.Expr = exp.Cast(this=text, to=_type(kind))
    if mark is None:
        return made
    return exp.Case(ifs=[exp.If(this=exp.Not(this=exp.Is(this=mark, expression=exp.Null())), true=made)])


def _type(name: str) -> exp.DataType:
    return exp.DataType.build(name, dialect="postgres")
