"""Queries that end soon, whatever their constants are."""

from __future__ import annotations

from sqlglot import exp

from optimizer.stages import Fragmented

_FEW_ROWS = 200_000
_SOME_ROWS = 2_000_000  # read and counted within half a second on one core
_MOST_BYTES = 64 << 20  # of files
_WITHOUT_BOUND = (exp.Join, exp.UDTF, exp.GenerateSeries, exp.With)  # their rows may be more than those of the table
_SORTING = (exp.Order, exp.Window, exp.Distinct)


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
