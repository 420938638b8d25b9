"""Nodes that stand for a call of PostgreSQL's: known by a mark that no text of a client's can set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from optimizer.census import below

PREFIX = "postgres_"  # of the names of the engine's functions that make calls
_CALL = "postgres call"  # in a node's meta
ORIGINAL = "original"  # likewise: the expression that a call was made of


@dataclass(frozen=True, slots=True)
class Call:
    """A call: the expression, the types of ``c1``, ``c2``, … as SQL writes them, and the type of its result."""

    expression: str
    inputs: tuple[str, ...]
    result: str


def marked(call: Call, inputs: Sequence[exp.Expr], original: exp.Expr) -> exp.Anonymous:
    """Return the node of a call."""
    made = exp.Anonymous(this="postgres_call", expressions=[*inputs])
    made.meta[_CALL], made.meta[ORIGINAL] = call, original
    return made


def get_mark(node: exp.Expr) -> Call | None:
    """Return the call that a node stands for, None for other nodes."""
    found = node.meta.get(_CALL) if isinstance(node, exp.Anonymous) else None
    return found if isinstance(found, Call) else None


def called(tree: exp.Expr) -> frozenset[str]:
    """Return the calls of a translated query, as the engine's functions are told them."""
    return frozenset(node.expressions[0].name for node in below(tree) if is_translated(node))


def get_digits(value: exp.Expr) -> exp.Expr | None:
    """Return the text of a numeric that PostgreSQL has evaluated, with all its digits; None for other numerics."""
    inner = value.this if isinstance(value, exp.Cast) else None
    return inner if isinstance(inner, exp.Anonymous) and is_translated(inner) else None


def is_translated(node: exp.Expr) -> bool:
    """Whether a node is a call, as the engine's functions are told it."""
    return isinstance(node, exp.Anonymous) and node.name.startswith(PREFIX) and bool(node.expressions)
