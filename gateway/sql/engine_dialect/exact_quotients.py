"""Quotients by a constant that are exact: `amount / 2` is `amount * 0.5` where PostgreSQL rounds no digit of it.

A quotient of the engine's is of 76 digits, and rounded row by row to those that PostgreSQL keeps: sixteen significant
ones, counted in groups of four. Half of a numeric(7,2) has three digits behind the point, and at least twelve are kept.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect import kinds
from gateway.sql.engine_dialect.build import QUOTIENT, cast, number, paren, typed
from gateway.sql.engine_dialect.kinds import T, type_of
from optimizer.census import Census
from optimizer.copies import copied

_MOST_PLACES = 3  # of the constant that a number is multiplied by
_MOST_DIGITS = 34  # of the number: the engine's own numerics hold the product
_KEPT, _GROUP = 16, 4  # significant digits, and in how many they are counted
_LEAST = 11  # digits behind the point: of quotients with more `rounded_quotient` may say that they are too small
_INTEGERS = {T.SMALLINT: 5, T.INT: 10, T.BIGINT: 19}


def multiply(census: Census) -> bool:
    """Multiply in the place of exact quotients, in place. Returns whether there were any."""
    found = False
    for node in census.find_all(exp.Anonymous):
        if node.name == "numeric_quotient" and (product := _product(node)) is not None:
            node.replace(product)
            found = True
    return found


def _product(quotient: exp.Anonymous) -> exp.Expr | None:
    division = quotient.expressions[0]
    if not isinstance(division, exp.Div) or not isinstance(division.this, exp.Cast):
        return None
    divisor, value = _constant(division.expression), division.this.this
    digits = digits_of(value)
    if divisor is None or digits is None:
        return None
    places = next((places for places in range(_MOST_PLACES + 1) if 10**places % divisor == 0), None)
    before, behind = digits
    kept = _KEPT - _GROUP * ((max(before, 1) - 1) // _GROUP)
    if places is None or behind + places > min(kept, _LEAST) or before + behind > _MOST_DIGITS:
        return None
    whole = str(10**places // divisor).zfill(places + 1)
    factor = f"{whole[:-places]}.{whole[-places:]}" if places else whole
    by = cast(number(factor), kinds.decimal_type(max(places, 1), places))
    return cast(typed(exp.Mul(this=paren(copied(value)), expression=by), QUOTIENT), QUOTIENT)


def _constant(divisor: exp.Expr) -> int | None:
    """Return a whole number greater than 0 that is written as a numeric."""
    bare = divisor.unnest()
    bare = bare.this if isinstance(bare, exp.Cast) and kinds.scale_of(bare.to) == 0 else bare
    return int(bare.name) or None if isinstance(bare, exp.Literal) and bare.is_int and not bare.is_string else None


def digits_of(value: exp.Expr) -> tuple[int, int] | None:
    """Return how many digits a number has before and behind the point at the most; None where that is not known."""
    bare = value.unnest()
    if isinstance(bare, exp.Add | exp.Sub | exp.Mul):
        left, right = digits_of(bare.left), digits_of(bare.right)
        if left is None or right is None:
            return None
        if isinstance(bare, exp.Mul):
            return left[0] + right[0], left[1] + right[1]
        return max(left[0], right[0]) + 1, max(left[1], right[1])
    if isinstance(bare, exp.Neg):
        return digits_of(bare.this)
    if isinstance(bare, exp.Cast) and isinstance(bare.this, exp.Literal):  # a constant as the shortest numeric
        return _of_type(bare.to)
    return _of_type(type_of(bare)) if isinstance(bare, exp.Column) else None


def _of_type(found: exp.DataType) -> tuple[int, int] | None:
    if found.this in _INTEGERS:
        return _INTEGERS[found.this], 0
    precision, scale = kinds.precision_of(found), kinds.scale_of(found)
    return (precision - scale, scale) if precision is not None and scale is not None and scale >= 0 else None
