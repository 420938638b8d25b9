"""Numerics of WITH RECURSIVE: the engine keeps the digits behind the point that the first part has, PostgreSQL those
that each row comes to. What comes to more is refused: ``n * 1.1`` would have the one digit of the ``1.0`` before it.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from sqlglot import exp

from gateway.sql.engine_dialect.build import QUOTIENT_SCALE, cast, refuse, typed
from gateway.sql.engine_dialect.kinds import Kind, decimal_type, kind, kind_of_type, scale_of, type_of
from optimizer.copies import copied

_MANY = 20  # digits behind the point that leave few of 38 before it
_CHOICES = (exp.Coalesce, exp.Greatest, exp.Least)
_SAME = (exp.Abs, exp.Alias, exp.Filter, exp.Max, exp.Min, exp.Neg, exp.Paren, exp.Sum)


def check(operation: exp.SetOperation, name: str) -> None:
    """Refuse a recursive query, ``name``, whose numerics may come to more digits than they begin with."""
    tables = {one.alias_or_name for one in operation.right.find_all(exp.Table) if one.name == name and not one.db}
    pairs = zip(list(operation.left.selects), list(operation.right.selects), strict=False)
    for first, later in pairs:
        if kind(first) is not Kind.NUMERIC:
            continue
        begun = _digits(first, set(), 0)
        come = None if begun is None else _digits(later, tables, begun)
        if begun is None or come is None or come > begun:
            raise refuse(
                "a numeric in WITH RECURSIVE that may come to further digits",
                "Cast it to one type in both parts: numeric(p, s), or double precision.",
            )
        if not _is_declared(first.unalias().unnest()):
            _widen(first, begun)


def _is_declared(value: exp.Expr) -> bool:
    """Whether a numeric has modifiers in PostgreSQL, too."""
    return isinstance(value, exp.Column) or (isinstance(value, exp.Cast) and bool(value.to.expressions))


def _widen(first: exp.Expr, digits: int) -> None:
    """Give a numeric without modifiers room before the point, in place: of ``1.5`` the engine has two digits."""
    wide = cast(copied(first.unalias()), decimal_type(38 if digits < _MANY else 76, digits))
    first.replace(typed(exp.alias_(wide, first.alias_or_name, quoted=True), copied(type_of(first))))


def _digits(value: exp.Expr, tables: set[str], own: int) -> int | None:
    """Return how many digits an expression has behind the point; those of a column of the recursive query are known.
    None where its rows tell.
    """
    if isinstance(value, _SAME):
        return _digits(value.this, tables, own)
    if isinstance(value, exp.Null) or kind(value) is Kind.INTEGER:
        return 0
    if isinstance(value, exp.Column) and value.table in tables:
        return own
    if isinstance(value, exp.Cast) and kind_of_type(value.to) is Kind.NUMERIC and not value.to.expressions:
        return _digits(value.this, tables, own)
    if isinstance(value, exp.Literal):
        return _of_constant(value)
    if isinstance(value, exp.Add | exp.Sub | exp.Mul):
        sides = [_digits(side, tables, own) for side in (value.left, value.right)]
        known = [one for one in sides if one is not None]
        return None if len(known) < 2 else sum(known) if isinstance(value, exp.Mul) else max(known)
    if isinstance(value, exp.Case):
        last = value.args.get("default")
        return _most([*(one.args["true"] for one in value.args["ifs"]), *([last] if last else [])], tables, own)
    if isinstance(value, _CHOICES):
        return _most([value.this, *value.expressions], tables, own)
    if not tables and isinstance(value, exp.Avg | exp.Div):
        return QUOTIENT_SCALE
    return scale_of(type_of(value))


def _of_constant(value: exp.Literal) -> int | None:
    try:
        exponent = Decimal(value.name).as_tuple().exponent
    except InvalidOperation:
        return None
    return max(-exponent, 0) if isinstance(exponent, int) else None


def _most(values: list[exp.Expr], tables: set[str], own: int) -> int | None:
    found = [_digits(one, tables, own) for one in values]
    known = [one for one in found if one is not None]
    return max(known) if len(known) == len(found) else None
