"""Which statements could tell a hidden value in an error: those under policies or masks that read values out of texts.

A policy's condition and a mask are computed for rows, and of values, that who asks is not shown. What fails there fails
the statement, as in PostgreSQL; but PostgreSQL's message quotes the value.
"""

from __future__ import annotations

from sqlglot import exp

from catalog.mask_library import KEYED
from policies.fences import is_fenced

_T = exp.DataType.Type
_TEXTS = (_T.TEXT, _T.VARCHAR, _T.CHAR, _T.BPCHAR, _T.NCHAR, _T.NVARCHAR)
# Functions whose errors, where they have any, are about no value.
_PLAIN: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.Abs, exp.And, exp.Array, exp.ArrayAgg, exp.Case, exp.Ceil, exp.Coalesce, exp.Concat, exp.Count,
        exp.Exists, exp.Extract, exp.Floor, exp.Greatest, exp.If, exp.Least, exp.Left, exp.Length, exp.Lower, exp.Max,
        exp.Min, exp.Nullif, exp.Or, exp.Pad, exp.RegexpILike, exp.RegexpLike, exp.RegexpReplace,
        exp.Repeat, exp.Reverse, exp.Right, exp.Round, exp.Sign, exp.StartsWith, exp.StrPosition, exp.Substring,
        exp.Sum, exp.TimestampTrunc, exp.Trim, exp.Upper,
    }
)  # fmt: skip


def may_quote_hidden(tree: exp.Query) -> bool:
    """Whether an error of the query may quote a value of a row or column that its policies and masks hide. The nodes
    must have their types.
    """
    return any(_quotes(part) for select in tree.find_all(exp.Select) if is_fenced(select) for part in _own(select))


def _own(select: exp.Select) -> list[exp.Expr]:
    """What a relation computes itself; what it reads is looked at by itself."""
    where = select.args.get("where")
    return [*select.expressions, *([where] if where is not None else [])]


def _quotes(part: exp.Expr) -> bool:
    return any(_reads_text(node) for node in part.walk())


def _reads_text(node: exp.Expr) -> bool:
    if isinstance(node, exp.Cast):
        inner = node.this.unnest()
        if isinstance(inner, exp.Literal | exp.Null) or node.to.this in _TEXTS:
            return False
        return inner.type is None or inner.type.this in (*_TEXTS, _T.UNKNOWN)
    if isinstance(node, exp.AtTimeZone):
        return True
    if isinstance(node, exp.Anonymous):
        return node.name not in KEYED
    return isinstance(node, exp.Func) and type(node) not in _PLAIN
