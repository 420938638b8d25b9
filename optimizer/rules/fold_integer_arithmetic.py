"""Constants that are written as sums, differences and products of integers."""

from __future__ import annotations

from sqlglot import exp

from optimizer.census import Census, take_census

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul)
_MOST = 2**31 - 1  # of type integer; beyond it PostgreSQL raises an error


def fold_integer_arithmetic(tree: exp.Query) -> exp.Query:
    """Compute ``1999 + 1`` where something is compared with it: ``d_year IN (1999, 1999 + 1)``.

    Why good: sources and files are asked for columns and constants alone, and estimates know no others.
    When illegal: what is no integer of PostgreSQL's type integer, or would be none, stays, and so does what is not
    compared: ``ORDER BY 1 + 1`` is a constant, ``ORDER BY 2`` a column.
    Before it: types are set. It comes before the rules that compare conditions or look for constants.
    """
    for node in take_census(tree).find_all(*_COMPARISONS, exp.Between, exp.In):
        operands = node.expressions
        if isinstance(node, exp.Between):
            operands = [node.args["low"], node.args["high"]]
        elif isinstance(node, exp.Binary):
            operands = [node.left, node.right]
        for operand in operands:
            value = _value(operand)
            if value is not None and operand.find(*_ARITHMETIC) is not None:
                made = exp.Literal.number(value)
                made.type = exp.DataType(this=exp.DType.INT)
                operand.replace(made)
    return tree


def has_integer_arithmetic(census: Census) -> bool:
    """Whether there is a constant to compute."""
    return any(_value(node) is not None for node in census.find_all(*_ARITHMETIC))


def _value(node: exp.Expr) -> int | None:
    """Return what a constant amounts to; None for what is none, or not one that is written without a sign."""
    inner = node.unnest()
    if isinstance(inner, exp.Literal):
        return int(inner.this) if inner.is_int and len(inner.this) < 11 and int(inner.this) <= _MOST else None
    if not isinstance(inner, _ARITHMETIC):
        return None
    left, right = _value(inner.left), _value(inner.right)
    if left is None or right is None:
        return None
    found = left * right if isinstance(inner, exp.Mul) else left - right if isinstance(inner, exp.Sub) else left + right
    return found if 0 <= found <= _MOST else None
