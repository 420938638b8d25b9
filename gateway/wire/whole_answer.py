"""What a server mostly sends for Bind, Execute and Sync: all of it in one piece, without an error."""

from __future__ import annotations

from struct import Struct
from typing import Final

_BOUND: Final = b"2\0\0\0\4"
_READY: Final = b"Z\0\0\0\5I"
_SELECTED: Final = b"SELECT "
_DATA_ROW, _COMPLETE = b"DC"
_HEADER: Final = 5  # bytes: a message's type and its length
ROWS_AT: Final = len(_BOUND)
"""Where the rows of such an answer begin, behind what is told of Bind alone."""
_TAIL, _COUNT_AT = _HEADER + len(_READY), _HEADER + len(_SELECTED)
_header_at: Final = Struct(">BI").unpack_from


def count_of_whole(data: bytes) -> int | None:
    """Return how many rows an answer has; None where the bytes are not BindComplete, rows, the tag of a SELECT, and
    ReadyForQuery outside of a transaction.
    """
    if not data.endswith(_READY) or not data.startswith(_BOUND):
        return None
    at, last = ROWS_AT, len(data) - _TAIL  # `last` is where a header may begin at the latest
    while True:
        if at > last:
            return None
        kind, size = _header_at(data, at)
        if kind != _DATA_ROW:
            break
        at += 1 + size
    if kind != _COMPLETE or at + size != last + _HEADER - 1 or not data.startswith(_SELECTED, at + _HEADER):
        return None
    count = data[at + _COUNT_AT : last + _HEADER - 1]
    return int(count) if count.isdigit() else None
