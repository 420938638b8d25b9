"""Leakproof conditions: those that tell nothing of the rows for which they are not true, whatever these hold.

They raise no error and call nothing that may. So they may be asked of rows that a policy hides, before or after the
policy, and a relation's fence does not hold them up. What is not known to be so is held not to be.

What is compared are columns and constants, and the few functions of them that have a value whatever a row holds: with
those many masks are made. Those that make texts longer are not among them: there is a longest text.
"""

from __future__ import annotations

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
_MOST_DIGITS = 28  # of a numeric: beyond, bringing two of them to one scale might not fit


def is_leakproof(condition: exp.Expr) -> bool:
    """Whether a condition over columns of tables is leakproof; its nodes must have their types."""
    if isinstance(condition, _CONNECTORS):
        return all(is_leakproof(child) for child in condition.iter_expressions())
    if isinstance(condition, _COMPARISONS):
        return _are_alike(condition.left, condition.right)
    if isinstance(condition, exp.Between):
        return all(_are_alike(condition.this, condition.args[bound]) for bound in ("low", "high"))
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
    return is_list and all(_are_alike(condition.this, item) for item in items)


def _is_plain_pattern(condition: exp.Like | exp.ILike) -> bool:
    """LIKE with a constant pattern: a backslash at its end would be an error for the rows that come so far."""
    pattern = condition.expression.unnest()
    while isinstance(pattern, exp.Cast):
        pattern = pattern.this.unnest()
    constant = isinstance(pattern, exp.Literal) and pattern.is_string and "\\" not in pattern.name
    return constant and _families(condition.this) == {"text"} and not condition.args.get("escape")


def _are_alike(left: exp.Expr, right: exp.Expr) -> bool:
    """Whether two operands are columns or constants of one family of types, which is compared without an error."""
    return bool(_families(left) & _families(right))


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
    return _type_families(inner.type) if isinstance(inner, exp.Column) else _function_families(inner)


def _function_families(node: exp.Expr) -> frozenset[str]:
    """The family of a function that has a value for all that it may be given."""
    if isinstance(node, exp.Upper | exp.Lower):
        return _TEXT & _families(node.this)
    if isinstance(node, exp.Trim):
        return _TEXT & _families(node.this) if _is_constant(node.args.get("expression")) else frozenset()
    if isinstance(node, exp.Left | exp.Right):
        return _TEXT & _families(node.this) if _is_constant(node.expression) else frozenset()
    if isinstance(node, exp.Coalesce):
        return frozenset.intersection(*map(_families, [node.this, *node.expressions]))
    if isinstance(node, exp.Case):
        return _case_families(node)
    return frozenset({"number"}) if _digits(node) is not None else frozenset()


def _is_constant(node: exp.Expr | None) -> bool:
    return node is None or isinstance(node.unnest(), exp.Literal)


def _case_families(node: exp.Case) -> frozenset[str]:
    branches, default = node.args["ifs"], node.args.get("default")
    if node.this is not None or not all(is_leakproof(branch.this) for branch in branches):
        return frozenset()
    values = [branch.args["true"] for branch in branches] + ([default] if default is not None else [])
    return frozenset.intersection(*map(_families, values))


def _digits(node: exp.Expr) -> tuple[int, int] | None:
    """How many digits a numeric has before and behind the point at the most; None where it is none, or may have more
    than its type takes.
    """
    inner = node.unnest()
    if isinstance(inner, exp.Round):
        return _rounded(inner)
    if isinstance(inner, exp.Cast):
        wanted, given = _declared(inner.to), _digits(inner.this)
        if wanted is None or given is None:
            return None
        return wanted if given[0] + (given[1] > wanted[1]) <= wanted[0] else None
    return _declared(inner.type) if isinstance(inner, exp.Column) and _families(inner) else None


def _rounded(node: exp.Round) -> tuple[int, int] | None:
    given, places = _digits(node.this), node.args.get("decimals")
    places = places.unnest() if places is not None else exp.Literal.number(0)
    if given is None or not isinstance(places, exp.Literal) or not places.is_int:
        return None
    wanted = int(places.name)
    whole = given[0] + (given[1] > wanted)
    return (whole, wanted) if whole + wanted <= _MOST_DIGITS else None


def _declared(of: exp.DataType | None) -> tuple[int, int] | None:
    """The digits of ``numeric(p, s)``."""
    if of is None or of.this is not _Type.DECIMAL:
        return None
    numbers = [int(one.name) for one in of.expressions if one.name.isdigit()]
    if len(numbers) != len(of.expressions) or not numbers:
        return None
    scale = numbers[1] if len(numbers) > 1 else 0
    return (numbers[0] - scale, scale) if scale <= numbers[0] <= _MOST_DIGITS else None


def _cast_families(node: exp.Cast) -> frozenset[str]:
    """The families of a cast constant, which fails for all rows or for none, and of text that is cast to text."""
    inner = node.this.unnest()
    if isinstance(inner, exp.Literal | exp.Null):
        return frozenset({_FAMILIES[node.to.this]}) if node.to.this in _FAMILIES else frozenset()
    unlimited = _FAMILIES.get(node.to.this) == "text" and not node.to.expressions
    if unlimited:
        return _TEXT & _families(inner)
    return frozenset({"number"}) if _digits(node) is not None else frozenset()


def _type_families(of: exp.DataType | None) -> frozenset[str]:
    if of is None or of.this not in _FAMILIES:
        return frozenset()
    if of.this is _Type.DECIMAL:
        digits = [int(one.name) for one in of.expressions[:1] if one.name.isdigit()]
        if not digits or digits[0] > _MOST_DIGITS:
            return frozenset()
    return frozenset({_FAMILIES[of.this]})
