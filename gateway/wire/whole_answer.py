"""What a server mostly sends for Bind, Execute and Sync: all of it in one piece, without an error."""

from __future__ import annotations

from struct import Struct
from typing import Final

_BOUND: Final = b"2\0\0\0\4"
_READY: Final = b"Z\0\0\0\5I"
_SELECTED: Final = b"SELECT "
_DATA_ROW, _COMPLETE = b"DC"
_HEADER: Final = 5  # bytes: a message's type and its length
_header_at: Final = Struct(">BI").unpack_from


def count_of_whole(data: bytes) -> int | None:
    """Return how many rows an answer has; None where the bytes are not BindComplete, rows, the tag of a SELECT, and
    ReadyForQuery outside of a transaction.
    """
    if not data.endswith(_READY) or not data.startswith(_BOUND):
        return None
    at, end = len(_BOUND), len(data) - len(_READY)
    kind, size = _DATA_ROW, -1
    while kind == _DATA_ROW:
        at += 1 + size
        if at + _HEADER > end:
            return None
        kind, size = _header_at(data, at)
    if kind != _COMPLETE or at + 1 + size != end:
        return None
    count = data[at + _HEADER + len(_SELECTED) : end - 1]
    return int(count) if data.startswith(_SELECTED, at + _HEADER) and count.isdigit() else None


def without_bound(data: bytes) -> bytes:
    """Return such an answer as one to a query by itself, without its columns."""
    return data[len(_BOUND) :]
