"""Queries that end soon, whatever their constants are, and those that end at once."""

from __future__ import annotations

from sqlglot import exp

from optimizer.stages import Fragmented

_FEW_ROWS = 200_000
_SOME_ROWS = 2_000_000  # read and counted within half a second on one core
_MOST_BYTES = 64 << 20  # of files
_WITHOUT_BOUND = (exp.Join, exp.UDTF, exp.GenerateSeries, exp.With)  # their rows may be more than those of the table
_SORTING = (exp.Order, exp.Window, exp.Distinct)
_ROWS_AT_ONCE = 16_384  # one batch of the engine's
_BYTES_AT_ONCE = 1 << 20  # of files
# Of which a row takes some nanoseconds, whatever its values are. No function is among them that makes a value longer.
_LIGHT = frozenset(
    {
        *(exp.Select, exp.From, exp.Table, exp.TableAlias, exp.Subquery, exp.Identifier, exp.Alias, exp.Paren),
        *(exp.Column, exp.Star, exp.Literal, exp.Boolean, exp.Null, exp.Parameter, exp.Placeholder, exp.Tuple),
        *(exp.Where, exp.And, exp.Or, exp.Not, exp.Is, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE),
        *(exp.In, exp.Between, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Coalesce, exp.Cast, exp.DataType),
        *(exp.DataTypeParam, exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg, exp.Group, exp.Having),
        *(exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Distinct),
    }
)


def is_brief(fragmented: Fragmented) -> bool:
    """Whether a query reads one table, and so little of it that a second later it is done.

    Nobody need be able to break off such a query, so it may run where that is quickest.
    """
    if len(fragmented.fragments) != 1 or fragmented.parts:
        return False
    snapshot = fragmented.fragments[0].snapshot
    if snapshot.rows is None or snapshot.bytes is None or snapshot.bytes > _MOST_BYTES:
        return False
    if fragmented.tree.find(*_WITHOUT_BOUND) is not None:
        return False
    return snapshot.rows <= _FEW_ROWS or (snapshot.rows <= _SOME_ROWS and fragmented.tree.find(*_SORTING) is None)


def is_light(fragmented: Fragmented) -> bool:
    """Whether a brief query over rows in memory takes no longer than a few milliseconds of one core, whatever its
    parameters are: all of its rows are one batch, and little is done with each.

    An event loop may carry it out by itself, while others wait.
    """
    if not is_brief(fragmented):
        return False
    snapshot = fragmented.fragments[0].snapshot
    assert snapshot.rows is not None and snapshot.bytes is not None
    if snapshot.rows > _ROWS_AT_ONCE or snapshot.bytes > _BYTES_AT_ONCE:
        return False
    return all(type(node) in _LIGHT for node in fragmented.tree.walk())
