"""Patterns of LIKE that end in a backslash, which escapes nothing: PostgreSQL raises an error where a text reaches it,
the engine finds that nothing matches. They go to PostgreSQL, of patterns that are no constants those rows alone.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.build import ENGINE, text, typed
from gateway.sql.engine_dialect.kinds import Kind, T, kind
from optimizer.census import Census
from optimizer.copies import copied

_ASKED = "pattern that ends in a backslash"  # in a node's meta
_CONSTANTS = (exp.Literal, exp.Null, exp.Parameter, exp.Placeholder)
_BACKSLASH = "\\"


def guard(census: Census) -> bool:
    """Have PostgreSQL evaluate LIKE for the rows whose pattern ends in a backslash, in place; return whether there is a
    pattern that might.
    """
    changed = False
    for node in census.find_all(exp.Like, exp.ILike):
        pattern = node.expression.unnest()
        if (
            kind(node.this) is Kind.BYTEA
            or isinstance(node.parent, exp.Escape)
            or isinstance(pattern, exp.Any | exp.All)
            or _ends_otherwise(pattern)
        ):
            continue
        asked = copied(node)
        asked.meta[_ASKED] = True
        ends = typed(exp.Anonymous(this="ends_with", expressions=[copied(pattern), text(_BACKSLASH)]), T.BOOLEAN)
        ends.meta[ENGINE] = True
        chosen = exp.Case(ifs=[exp.If(this=ends, true=asked)], default=copied(node))
        node.replace(typed(exp.Paren(this=typed(chosen, T.BOOLEAN)), T.BOOLEAN))
        changed = True
    return changed


def is_for_postgres(node: exp.Expr) -> bool:
    """Whether PostgreSQL evaluates a LIKE: its pattern ends in a backslash that escapes nothing, or may do so."""
    if _ASKED in node.meta:
        return True
    pattern = node.expression.unnest()
    if isinstance(pattern, exp.Any | exp.All):
        array = pattern.this.unnest()
        while isinstance(array, exp.Cast):
            array = array.this.unnest()
        return isinstance(array, exp.Array) and any(map(_is_open, array.expressions))
    if isinstance(node.parent, exp.Escape):
        return False
    return _is_open(pattern)


def _is_open(pattern: exp.Expr) -> bool:
    """Whether a constant ends in a backslash that escapes nothing."""
    if not isinstance(pattern, exp.Literal) or not pattern.is_string:
        return False
    written = pattern.name
    return (len(written) - len(written.rstrip(_BACKSLASH))) % 2 == 1


def _ends_otherwise(pattern: exp.Expr) -> bool:
    """Whether a pattern is a constant, or text with a constant behind it that ends in no backslash."""
    if isinstance(pattern, exp.DPipe):
        last = pattern.expression.unnest()
        return isinstance(last, exp.Literal) and last.is_string and last.name[-1:] not in ("", _BACKSLASH)
    return isinstance(pattern, _CONSTANTS)
