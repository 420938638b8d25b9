"""Arrays in binary without the flag that there are NULLs: PostgreSQL keeps that of the array of which one is a part."""

from __future__ import annotations

from dataclasses import replace

from tests.differential.generated.servers import Outcome

_ARRAYS = frozenset({1000, 1005, 1007, 1009, 1014, 1015, 1016, 1021, 1022, 1115, 1182, 1183, 1185, 1187, 1231, 2951})
_FLAG = slice(4, 8)  # behind the number of dimensions


def unflagged(outcome: Outcome) -> Outcome:
    """Return rows in binary without the flags of their arrays."""
    arrays = [oid in _ARRAYS for oid, _ in outcome.types]
    rows = (
        tuple(
            value[: _FLAG.start] + bytes(4) + value[_FLAG.stop :] if is_array and value else value
            for value, is_array in zip(row, arrays, strict=True)
        )
        for row in outcome.rows
    )
    return replace(outcome, rows=tuple(rows)) if any(arrays) else outcome
