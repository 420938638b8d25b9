"""Functions with patterns (``to_char``, ``to_date``, ``to_timestamp``), as PostgreSQL is to read them.

A constant pattern is read as one of strftime's, and written back. Others stay as they were, and are written as if they
were such: ``to_char(t, ('%b'))`` as ``to_char(t, ('TMMon'))``.
"""

from __future__ import annotations

from sqlglot import exp

CALLS = (exp.StrToDate, exp.StrToTime, exp.TimeToStr)
_NAMES: dict[type[exp.Expr], str] = dict(zip(CALLS, ("to_date", "to_timestamp", "to_char"), strict=True))


def with_own_patterns(node: exp.Expr) -> exp.Expr:
    """Return a call in its own words where its pattern is no constant; others as they are."""
    name = _NAMES.get(type(node))
    if name is None or isinstance(node.args["format"], exp.Literal):
        return node
    return exp.Anonymous(this=name, expressions=[node.this, node.args["format"]])
