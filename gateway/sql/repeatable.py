"""Queries that have the same rows whenever they read the same tables: nothing in them is random or asks the clock.

The clock is asked by functions, and by words: PostgreSQL reads ``'today'`` as a date wherever it reads a text as one,
also a text that a column holds. So a text becomes a date only where it is seen here.
"""

from __future__ import annotations

import re

from sqlglot import exp

from gateway.sql.engine_dialect import volatile
from gateway.sql.engine_dialect.allowed import CLASSES, NAMES
from gateway.sql.engine_dialect.kinds import MOMENTS, Kind, kind, kind_of_type
from gateway.sql.engine_dialect.masks import is_keyed_call

_OF_THIS_RUN: tuple[type[exp.Expr], ...] = (
    exp.CurrentDate, exp.CurrentDatetime, exp.CurrentTime, exp.CurrentTimestamp, exp.Localtime, exp.Localtimestamp,
    *volatile.CLASSES,
)  # fmt: skip
_NAMES = volatile.NAMES | {"now", "statement_timestamp", "transaction_timestamp"}
_WRITTEN_OTHERWISE = (exp.ByteString, exp.National, exp.RawString, exp.UnicodeString)  # by escapes, which may be words
_WORDS = r"(?i)(?<![a-z])(?:now|today|tomorrow|yesterday)(?![a-z])"
_IN_TEXT, _IN_BYTES = re.compile(_WORDS), re.compile(_WORDS.encode())
_TIMELESS = frozenset(  # types whose values do not depend on when their texts are read
    {
        *(Kind.BOOL, Kind.INTEGER, Kind.NUMERIC, Kind.FLOAT, Kind.TEXT, Kind.BPCHAR, Kind.INTERVAL, Kind.JSON),
        *(Kind.BYTEA, Kind.UUID),
    }
)
_MOMENTS = MOMENTS | {Kind.TIME}


def is_repeatable(tree: exp.Expr) -> bool:
    """Whether a query in PostgreSQL's grammar, with types, has the same rows each time over the same tables, for values
    of its parameters that `names_a_moment` lets pass.
    """
    return not any(map(_may_differ, tree.walk()))


def has_words_of_the_clock(tree: exp.Expr) -> bool:
    """Whether a query has constants that mean another moment each time they are read, or may have."""
    return any(
        type(node) is exp.UnicodeString or _IN_TEXT.search(node.name) is not None  # of other kinds escapes are read
        for node in tree.find_all(exp.Literal, *_WRITTEN_OTHERWISE)
    )


def text_has_words_of_the_clock(text: str) -> bool:
    """As `has_words_of_the_clock`, of a text: also where they are no constants, or are names."""
    return _IN_TEXT.search(text) is not None


def names_a_moment(value: bytes | None) -> bool:
    """Whether a value that a client sends for a parameter may be read as a moment of the clock."""
    return value is not None and _IN_BYTES.search(value) is not None


def _may_differ(node: exp.Expr) -> bool:
    if isinstance(node, exp.Literal):
        return bool(node.is_string) and _IN_TEXT.search(node.name) is not None
    if isinstance(node, exp.Cast):
        return not _is_timeless(node.to) and not _is_no_text(node.this.unnest())
    if isinstance(node, (*_OF_THIS_RUN, *_WRITTEN_OTHERWISE)):
        return True
    if isinstance(node, exp.DataType):  # of a cast, or of what has one within: JSON_VALUE(… RETURNING date)
        return not isinstance(node.parent, exp.Cast | exp.DataType) and not _is_timeless(node)
    return isinstance(node, exp.Func) and _may_read_the_clock(node)


def _may_read_the_clock(node: exp.Func) -> bool:
    """Judge a function. Those that PostgreSQL evaluates depend on their arguments, but it also casts what is written
    as a call, ``date(t)``, and within clauses of its own.
    """
    if isinstance(node, exp.Anonymous):
        name = node.name.lower()
        if name in _NAMES or (name == "age" and len(node.expressions) == 1):  # until the midnight that was
            return True
        if name in NAMES or is_keyed_call(node):
            return False
    return type(node) not in CLASSES and kind(node) not in _TIMELESS


def _is_timeless(sql_type: exp.DataType) -> bool:
    if kind_of_type(sql_type) is not Kind.ARRAY:
        return kind_of_type(sql_type) in _TIMELESS
    return bool(sql_type.expressions) and all(
        isinstance(one, exp.DataType) and _is_timeless(one) for one in sql_type.expressions
    )


def _is_no_text(operand: exp.Expr) -> bool:
    """Whether what becomes a moment is one already, or is looked at here: a constant, or a parameter's value."""
    return isinstance(operand, exp.Literal | exp.Null | exp.Parameter) or kind(operand) in _MOMENTS
