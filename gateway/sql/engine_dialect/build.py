"""Small builders for the trees that rules make: each sets the node's type, since later rules go by it."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

from sqlglot import exp

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from optimizer.copies import copied

E = TypeVar("E", bound=exp.Expr)
QUOTIENT_SCALE = (
    28  # digits after the point of an inexact numeric (a quotient, an average): PostgreSQL keeps 16 or more
)
ENGINE = "engine"  # in a node's meta: it is in the engine's terms already
SAMPLED = "made of TABLESAMPLE"  # in a subquery's meta: its star stands for the columns that may be read
TOTAL = "total"  # in a node's meta: it fails for no value, wherever the engine computes it
POLICY = "of a policy"  # in a node's meta: it is of a policy or a mask, whose texts do not depend on who asks
QUOTIENT = f"DECIMAL(76, {QUOTIENT_SCALE})"


@cache
def _parsed(sql: str) -> exp.DataType:
    return exp.DataType.build(sql, dialect="postgres")


def data_type(sql: str) -> exp.DataType:
    """Return the type written in ``sql``."""
    return copied(_parsed(sql))


def typed(node: E, result: str | exp.DataType | exp.DType) -> E:
    """Set the type of a node and return it. Nodes share types, which are never changed."""
    node.type = _parsed(result) if isinstance(result, str) else result
    return node


def cast(node: exp.Expr, to: str | exp.DataType) -> exp.Cast:
    """Return ``CAST(node AS to)`` as the engine understands it; no rule looks at it again."""
    target = _parsed(to) if isinstance(to, str) else to
    made = typed(exp.Cast(this=node, to=_as_node(target)), target)
    made.meta[ENGINE] = True
    return made


def _as_node(of: exp.DataType) -> exp.DataType:
    """Return a type that may stand in a tree."""
    if of.expressions or not isinstance(of.this, exp.DType) or of.this is exp.DType.USERDEFINED:
        return copied(of)
    return exp.DataType(**of.args)


def call(name: str, *arguments: exp.Expr, returns: str | exp.DataType | exp.DType) -> exp.Anonymous:
    """Return a call of one of the engine's functions, by the engine's name."""
    return typed(exp.Anonymous(this=name, expressions=list(arguments)), returns)


def arrow_cast(node: exp.Expr, arrow_type: str, returns: str | exp.DataType | exp.DType) -> exp.Anonymous:
    """Return a cast to a type that SQL has no words for."""
    return call("arrow_cast", node, text(arrow_type), returns=returns)


def number(value: int | str) -> exp.Expr:
    """Return a number as constant, without a type."""
    return exp.Literal.number(value)


def text(value: str) -> exp.Literal:
    """Return a string constant of type text."""
    return typed(exp.Literal.string(value), "TEXT")


def named(value: exp.Expr, name: str) -> exp.Alias:
    """Return ``value AS name`` with the value's type. (sqlglot's `alias_` would make a subquery a derived table.)"""
    made = exp.Alias(this=value, alias=exp.to_identifier(name, quoted=True))
    return typed(made, value.type) if isinstance(value.type, exp.DataType) else made


def paren(node: exp.Expr) -> exp.Expr:
    """Put a compound expression in parentheses, so that it can be an operand."""
    if isinstance(node, exp.Binary | exp.Unary | exp.Between | exp.In | exp.Case) and not isinstance(node, exp.Paren):
        wrapped = exp.Paren(this=node)
        return typed(wrapped, node.type) if isinstance(node.type, exp.DataType) else wrapped
    return node


def case(*branches: tuple[exp.Expr, exp.Expr], default: exp.Expr | None = None) -> exp.Case:
    """Return ``CASE WHEN … THEN … ELSE … END``."""
    return exp.Case(ifs=[exp.If(this=when, true=then) for when, then in branches], default=default)


def refuse(construct: str, hint: str | None = None) -> SqlError:
    """Return the error for what PostgreSQL can and the engine cannot; raise it."""
    return SqlError(SqlState.FEATURE_NOT_SUPPORTED, f"{construct} is not available on lake tables", hint=hint)
