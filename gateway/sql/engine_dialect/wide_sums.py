"""Sums that may leave the engine's 38 digits, where it begins at the other end without a word: those of numerics that
are as long, or of products of long ones, are added in 76 digits, and what leaves 38 is an error.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect import kinds
from gateway.sql.engine_dialect.build import QUOTIENT, cast, typed
from gateway.sql.engine_dialect.kinds import Kind, T, kind, type_of
from optimizer.copies import copied

_MOST_SAFE = 26  # digits of a value: twelve remain for the number of rows
_MOST_OF_TWO = 36  # digits of two factors together, which are rarely both as large as their types allow
_MOST_OF_MORE = 47  # of more factors: three of numeric(15,2), and what is added to them
_LONGEST = 99
_INTEGERS = {T.TINYINT: 3, T.SMALLINT: 5, T.INT: 10, T.BIGINT: 19}


def widened(value: exp.Expr) -> exp.Expr:
    """Return what is added, with 76 digits where its sum may need more than 38."""
    if kind(value) is not Kind.NUMERIC or not _may_overflow(value):
        return value
    scale = kinds.scale_of(type_of(value))
    if scale is None:
        return typed(cast(copied(value), QUOTIENT), copied(type_of(value)))
    return typed(cast(copied(value), kinds.decimal_type(76, scale)), copied(type_of(value)))


def _may_overflow(value: exp.Expr) -> bool:
    digits, factors = _digits(value)
    most = _MOST_SAFE if factors == 1 else _MOST_OF_TWO if factors == 2 else _MOST_OF_MORE
    return digits > most


def _digits(value: exp.Expr) -> tuple[int, int]:
    """Return how many digits a number may have, and of how many factors it is."""
    bare = value.unnest()
    if isinstance(bare, exp.Literal):
        return len(bare.name.replace(".", "")), 1
    if isinstance(bare, exp.Mul):
        (one, few), (other, more) = _digits(bare.left), _digits(bare.right)
        return one + other, few + more
    if isinstance(bare, exp.Add | exp.Sub):
        (one, few), (other, more) = _digits(bare.left), _digits(bare.right)
        return max(one, other) + 1, max(few, more)
    if isinstance(bare, exp.Neg | exp.Abs):
        return _digits(bare.this)
    if isinstance(bare, exp.Case | exp.Coalesce):
        parts = [_digits(one) for one in _branches(bare)]
        return max((one for one, _ in parts), default=0), max((few for _, few in parts), default=1)
    if isinstance(bare, exp.Cast) and kind(bare.this) in kinds.EXACT:
        digits, factors = _digits(bare.this)
        return min(digits, kinds.precision_of(bare.to) or _LONGEST), factors
    if isinstance(bare, exp.Null):
        return 0, 1
    found = type_of(bare)
    return _INTEGERS.get(found.this) or kinds.precision_of(found) or _LONGEST, 1


def _branches(chosen: exp.Expr) -> list[exp.Expr]:
    if isinstance(chosen, exp.Case):
        default = chosen.args.get("default")
        return [*(one.args["true"] for one in chosen.args["ifs"]), *([default] if default is not None else [])]
    return [chosen.this, *chosen.expressions]
