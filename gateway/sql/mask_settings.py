"""The constants that masks are called with: read from a policy's tree, checked, and written for a mask's body."""

from __future__ import annotations

from decimal import Decimal

from sqlglot import exp

from catalog.errors import SqlError
from catalog.mask_library import WIDEST, Mask
from catalog.names import quote_literal
from catalog.sqlstate import SqlState

_FIELDS = frozenset(
    {"microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"}
)
_FIELDS_OF_DATES = frozenset({"day", "week", "month", "quarter", "year"})
_MOST_KEPT = 1000
_MOST_DIGITS = 15
_LONGEST_PADDING = 8


def settings_of(mask: Mask, given: list[exp.Expr]) -> dict[str, str]:
    """Return the settings of one call as SQL for the mask's body. Raises SqlError 22023 for one that is no constant or
    makes no sense.
    """
    missing = len(mask.settings) - len(given)
    written = [_written(mask, name, node) for name, node in zip(mask.settings, given, strict=False)]
    written += mask.defaults[len(mask.defaults) - missing :] if missing else ()
    return dict(zip(mask.settings, written, strict=True))


def bounds_of(node: exp.Expr) -> list[exp.Expr]:
    """Return the bounds of buckets, the highest first. Raises SqlError 22023."""
    array = _bare(node)
    if not isinstance(array, exp.Array) or not array.expressions:
        raise _wrong("the bounds of mask_buckets are an ARRAY of constants")
    found = [(Decimal(_number(bound, "mask_buckets", "bounds")), bound) for bound in array.expressions]
    return [exp.Paren(this=bound.copy()) for _, bound in sorted(found, key=lambda pair: pair[0], reverse=True)]


def constant_text(node: exp.Anonymous, at: int) -> str:
    """Return the text constant that a call has in a place. Raises SqlError 22023 where it is none."""
    found = _bare(node.expressions[at])
    if not (isinstance(found, exp.Literal) and found.is_string):
        raise _wrong(f"{node.name} takes a constant in a policy")
    return str(found.this)


def _written(mask: Mask, name: str, node: exp.Expr) -> str:
    if name in {"field", "padding"}:
        text = _bare(node)
        if not (isinstance(text, exp.Literal) and text.is_string):
            raise _not_constant(mask.name, name)
        fields = _FIELDS_OF_DATES if mask.value_type == "date" else _FIELDS
        if name == "field" and text.this.lower() not in fields:
            raise _wrong(f"mask_date_trunc of {mask.value_type} takes {', '.join(sorted(fields))}")
        if name == "padding" and not 0 < len(text.this) <= _LONGEST_PADDING:
            raise _wrong(f"the padding of mask_partial has 1 to {_LONGEST_PADDING} characters")
        return quote_literal(str(text.this))
    number = _number(node, mask.name, name)
    value = Decimal(number)
    if name == "width" and not 0 < value <= WIDEST.get(mask.value_type, value):
        widest = WIDEST.get(mask.value_type)
        most = "" if widest is None else f" and at most {widest} for {mask.value_type}"
        raise _wrong(f"the width of mask_bucket is greater than zero{most}")
    if name == "digits" and abs(value) > _MOST_DIGITS:
        raise _wrong(f"the digits of mask_round are {-_MOST_DIGITS} to {_MOST_DIGITS}")
    if name in {"keep_first", "keep_last"} and not 0 <= value <= _MOST_KEPT:
        raise _wrong(f"mask_partial keeps 0 to {_MOST_KEPT} characters on each side")
    return f"({number})"


def _number(node: exp.Expr, function: str, setting: str) -> str:
    bare = _bare(node)
    if isinstance(bare, exp.Neg):
        return f"-{_number(bare.this, function, setting)}"
    if isinstance(bare, exp.Literal):  # a cast text too: '-2'::integer
        written = str(bare.this)
        try:
            if Decimal(written).is_finite():
                return written
        except ArithmeticError:
            pass
    raise _not_constant(function, setting)


def _bare(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Paren | exp.Cast):
        node = node.this
    return node


def _not_constant(function: str, setting: str) -> SqlError:
    return _wrong(f"{setting} of {function} is a constant in a policy")


def _wrong(message: str) -> SqlError:
    return SqlError(SqlState.INVALID_PARAMETER_VALUE, message)
