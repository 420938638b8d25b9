"""Leakproof conditions: those that tell nothing of the rows for which they are not true, whatever these hold.

They raise no error and call nothing that may. So they may be asked of rows that a policy hides, before or after the
policy, and a relation's fence does not hold them up. What is not known to be so is held not to be.

What is compared are columns and constants, and the few functions of them that have a value whatever a row holds: with
those many masks are made. Those that make texts longer are not among them: there is a longest text. A parameter whose
type is known is compared as a column of that type is. A cast of one may fail, and is asked where a row is: unlike that
of a constant it is left outside, but for those that take every value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlglot import exp

_CONNECTORS = (exp.And, exp.Or, exp.Not, exp.Paren)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ)
_Type = exp.DataType.Type
_FAMILIES: dict[object, str] = {
    _Type.SMALLINT: "number",
    _Type.INT: "number",
    _Type.BIGINT: "number",
    _Type.DECIMAL: "number",
    _Type.FLOAT: "float",
    _Type.DOUBLE: "float",
    _Type.TEXT: "text",
    _Type.VARCHAR: "text",
    _Type.DATE: "date",
    _Type.TIMESTAMP: "timestamp",
    _Type.TIMESTAMPTZ: "timestamptz",
    _Type.BOOLEAN: "boolean",
    _Type.UUID: "uuid",
}
_ALL = frozenset(_FAMILIES.values())
_NUMBERS = frozenset({"number", "float"})
_TEXT = frozenset({"text"})
_TYPED = (exp.Column, exp.Parameter)
_INTEGERS = {_Type.SMALLINT: (5, 0), _Type.INT: (10, 0), _Type.BIGINT: (19, 0)}  # digits, in the order of their sizes
_MOST_DIGITS = 38  # of a numeric in the engine, which brings what is compared to one number of places
_WRITTEN = re.compile(r"\s*[-+]?0*(?P<whole>[0-9]*)(\.(?P<places>[0-9]*))?\s*")


def is_leakproof(condition: exp.Expr) -> bool:
    """Whether a condition over columns of tables is leakproof; its nodes must have their types."""
    if isinstance(condition, _CONNECTORS):
        return all(is_leakproof(child) for child in condition.iter_expressions())
    if isinstance(condition, _COMPARISONS):
        return _are_alike(condition.left, condition.right)
    if isinstance(condition, exp.Between):
        return _are_alike(condition.this, condition.args["low"], condition.args["high"])
    if isinstance(condition, exp.In):
        return _is_list(condition)
    if isinstance(condition, exp.Is):
        return bool(_families(condition.this)) and isinstance(condition.expression, exp.Null | exp.Boolean)
    if isinstance(condition, exp.Like | exp.ILike):
        return _is_plain_pattern(condition)
    return _families(condition) == {"boolean"}


def _is_list(condition: exp.In) -> bool:
    items = condition.expressions
    is_list = bool(items) and len([*condition.iter_expressions()]) == len(items) + 1
    return is_list and _are_alike(condition.this, *items)


def _is_plain_pattern(condition: exp.Like | exp.ILike) -> bool:
    """LIKE with a constant pattern: a backslash at its end would be an error for the rows that come so far."""
    pattern = condition.expression.unnest()
    while isinstance(pattern, exp.Cast):
        pattern = pattern.this.unnest()
    constant = isinstance(pattern, exp.Literal) and pattern.is_string and "\\" not in pattern.name
    return constant and _families(condition.this) == {"text"} and not condition.args.get("escape")


def _are_alike(*operands: exp.Expr) -> bool:
    """Whether operands are columns or constants of one family of types, which is compared without an error."""
    common = frozenset.intersection(*map(_families, operands))
    if "number" not in common or common == _ALL:  # all of them are constants whose types nothing tells
        return bool(common)
    return _common_digits(operands) is not None


def _families(node: exp.Expr) -> frozenset[str]:
    """The families of types that an operand is of, or can be brought to without an error for single rows. Empty for
    what is neither a column nor a constant.
    """
    inner = node.unnest()
    if isinstance(inner, exp.Neg):
        inner = inner.this.unnest()
        return _NUMBERS if isinstance(inner, exp.Literal) and not inner.is_string else frozenset()
    if isinstance(inner, exp.Null):
        return _ALL
    if isinstance(inner, exp.Literal):
        return _ALL if inner.is_string else _NUMBERS
    if isinstance(inner, exp.Boolean):
        return frozenset({"boolean"})
    if isinstance(inner, exp.Cast):
        return _cast_families(inner)
    return _type_families(inner.type) if isinstance(inner, _TYPED) else _function_families(inner)


def _function_families(node: exp.Expr) -> frozenset[str]:
    """The family of a function that has a value for all that it may be given."""
    if isinstance(node, exp.Upper | exp.Lower):
        return _TEXT & _families(node.this)
    if isinstance(node, exp.Trim):
        return _TEXT & _families(node.this) if _is_constant(node.args.get("expression")) else frozenset()
    if isinstance(node, exp.Left | exp.Right):
        return _TEXT & _families(node.this) if _is_constant(node.expression) else frozenset()
    if isinstance(node, exp.Coalesce):
        found = frozenset.intersection(*map(_families, [node.this, *node.expressions]))
    elif isinstance(node, exp.Case):
        found = _case_families(node)
    else:
        found = frozenset({"number"})
    return found if "number" not in found or _digits(node) is not None else found - {"number"}


def _is_constant(node: exp.Expr | None) -> bool:
    return node is None or isinstance(node.unnest(), exp.Literal)


def _case_families(node: exp.Case) -> frozenset[str]:
    if node.this is not None or not all(is_leakproof(branch.this) for branch in node.args["ifs"]):
        return frozenset()
    return frozenset.intersection(*map(_families, _case_values(node)))


def _case_values(node: exp.Case) -> list[exp.Expr]:
    default = node.args.get("default")
    return [branch.args["true"] for branch in node.args["ifs"]] + ([default] if default is not None else [])


def _common_digits(values: Iterable[exp.Expr]) -> tuple[int, int] | None:
    """The digits before and behind the point that hold each of several numbers; None where there is no room for so
    many: a number with many places would keep a large one from being compared with it.
    """
    found = [*map(_digits, values)]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    whole, places = max(one for one, _ in known), max(one for _, one in known)
    return (whole, places) if whole + places <= _MOST_DIGITS else None


def _digits(node: exp.Expr) -> tuple[int, int] | None:
    """How many digits a number has before and behind the point at the most; None where it is none, or may have more
    than its type takes.
    """
    inner = node.unnest()
    if isinstance(inner, exp.Neg):
        inner = inner.this.unnest()
    if isinstance(inner, exp.Null | exp.Literal):
        return (0, 0) if isinstance(inner, exp.Null) else _written(inner.name)
    if isinstance(inner, exp.Coalesce):
        return _common_digits([inner.this, *inner.expressions])
    if isinstance(inner, exp.Case):
        return _common_digits(_case_values(inner))
    if isinstance(inner, exp.Round):
        return _rounded(inner)
    if isinstance(inner, exp.Cast):
        return _cast_digits(inner)
    return _declared(inner.type) if isinstance(inner, _TYPED) else None


def _written(text: str) -> tuple[int, int] | None:
    found = _WRITTEN.fullmatch(text)
    return None if found is None else (len(found["whole"]), len(found["places"] or ""))


def _cast_digits(node: exp.Cast) -> tuple[int, int] | None:
    """Of a constant that does not fit the cast fails for all rows or for none."""
    inner, wanted, given = node.this.unnest(), _declared(node.to), _digits(node.this)
    if isinstance(inner, exp.Literal | exp.Null):
        return wanted or (given if node.to.this is _Type.DECIMAL and not node.to.expressions else None)
    if wanted is None or given is None or (node.to.this in _INTEGERS and given[1]):
        return None
    if node.to.this in _INTEGERS:
        return wanted if _takes_all(node.to, inner.type) else None
    return wanted if given[0] + (given[1] > wanted[1]) <= wanted[0] else None


def _rounded(node: exp.Round) -> tuple[int, int] | None:
    given, places = _digits(node.this), node.args.get("decimals")
    places = places.unnest() if places is not None else exp.Literal.number(0)
    if given is None or not isinstance(places, exp.Literal) or not places.is_int:
        return None
    wanted = int(places.name)
    whole = given[0] + (given[1] > wanted)
    return (whole, wanted) if whole + wanted <= _MOST_DIGITS else None


def _declared(of: exp.DataType | None) -> tuple[int, int] | None:
    """The digits of an integer and of ``numeric(p, s)``."""
    if of is None or of.this is not _Type.DECIMAL:
        return _INTEGERS.get(of.this) if of is not None else None
    numbers = [int(one.name) for one in of.expressions if one.name.isdigit()]
    if len(numbers) != len(of.expressions) or not numbers:
        return None
    scale = numbers[1] if len(numbers) > 1 else 0
    return (numbers[0] - scale, scale) if scale <= numbers[0] <= _MOST_DIGITS else None


def _cast_families(node: exp.Cast) -> frozenset[str]:
    """The families of a cast constant, which fails for all rows or for none, of text that is cast to text, and of what
    is cast to its own type, or a wider one.
    """
    inner = node.this.unnest()
    if isinstance(inner, _TYPED) and _takes_all(node.to, inner.type):
        return _type_families(node.to)
    if isinstance(inner, exp.Literal | exp.Null):
        return frozenset({_FAMILIES[node.to.this]}) if node.to.this in _FAMILIES else frozenset()
    unlimited = _FAMILIES.get(node.to.this) == "text" and not node.to.expressions
    if unlimited:
        return _TEXT & _families(inner)
    return frozenset({"number"}) if _digits(node) is not None else frozenset()


def _takes_all(to: exp.DataType, of: exp.DataType | None) -> bool:
    """Whether a cast has a value for each of a type."""
    if of is None or to.expressions or of.expressions:
        return False
    if to.this in _INTEGERS and of.this in _INTEGERS:
        return _INTEGERS[of.this] <= _INTEGERS[to.this]
    return to.this is of.this


def _type_families(of: exp.DataType | None) -> frozenset[str]:
    if of is None or of.this not in _FAMILIES:
        return frozenset()
    if of.this is _Type.DECIMAL and _declared(of) is None:
        return frozenset()
    return frozenset({_FAMILIES[of.this]})
