"""Comparisons of floats that NaN may meet, which is above every number: statistics in Parquet files leave it aside, and
the engine goes by these, so that of ``f > 5`` it would not read where the largest number is 4 beside a NaN, and of
``f <> 5`` not where all numbers are 5.
"""

from __future__ import annotations

import math

from sqlglot import exp

from gateway.sql.engine_dialect.build import cast, number, paren, typed
from gateway.sql.engine_dialect.kinds import Kind, kind, type_of

UNPRUNED = "unpruned"  # in a node's meta: a column's values, which the engine looks up in no statistics
_UPWARDS: dict[type[exp.Expr], str] = {exp.GT: "this", exp.GTE: "this", exp.LT: "expression", exp.LTE: "expression"}
_UNEQUAL = (exp.NEQ, exp.NullSafeNEQ)
_CONDITIONS = (exp.And, exp.Or, exp.Paren, exp.Not)


def read_all(node: exp.Binary) -> None:
    """Have the engine read all rows for a condition of WHERE or a join on a float, in place, if NaN may meet it. What
    is equal to a column of another table is looked up in statistics, too, once the other one is known.
    """
    negated, above = False, node.parent
    while isinstance(above, _CONDITIONS):
        negated, above = negated or isinstance(above, exp.Not), above.parent
    if not isinstance(above, exp.Where | exp.Join):
        return
    for key, other in (("this", node.expression), ("expression", node.this)):
        column = node.args[key]
        if not _is_column(column):
            continue
        upwards = negated or isinstance(node, _UNEQUAL) or _UPWARDS.get(type(node)) == key
        equal = isinstance(node, exp.EQ) and not is_number(other)
        if equal or (upwards and other.find(exp.Column) is None):
            node.set(key, values(column))


def values(column: exp.Expr) -> exp.Expr:
    """Return the values of a column of floats, which the engine looks up in no statistics; others as they are."""
    if kind(column) is not Kind.FLOAT or not _is_column(column):
        return column
    added = exp.Add(this=paren(column), expression=cast(number(0), type_of(column)))
    added.meta[UNPRUNED] = True
    return typed(added, type_of(column))


def _is_column(node: exp.Expr) -> bool:
    while isinstance(node, exp.Cast | exp.Paren):
        node = node.this
    return isinstance(node, exp.Column)


def is_number(node: exp.Expr) -> bool:
    """Whether a constant is beyond doubt a finite number."""
    while isinstance(node, exp.Cast | exp.Paren | exp.Neg):
        node = node.this
    if not isinstance(node, exp.Literal):
        return False
    try:
        return math.isfinite(float(node.name))
    except ValueError:
        return False
