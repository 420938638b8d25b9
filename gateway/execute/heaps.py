"""What the C library's allocator keeps for itself, beside the engine's.

Only the GNU C library has these calls; elsewhere nothing changes.
"""

from __future__ import annotations

import ctypes
import threading

from gateway.values import kept_views

_M_ARENA_MAX = -8  # malloc.h of the GNU C library
_M_MMAP_THRESHOLD = -3
_M_TRIM_THRESHOLD = -1
# Pieces from this size on are the system's own and go back to it when they are freed. malloc would raise its limit with
# each of them, to 32 MB, and then keeps what rows are encoded in, in pieces between others. Smaller ones save no more,
# and cost half as much processor time again: each piece is zeroed anew by the system.
_SYSTEM_BYTES = 2 << 20
# What is free at the end of a heap until it goes back to the system: that of a few blocks of rows, which the next ones
# would have zeroed anew. `trim` gives it back, too.
_KEPT_BYTES = 32 << 20
_library = ctypes.CDLL(None)
_trimming = threading.Lock()


def bound() -> None:
    """Have malloc keep two heaps in place of eight for each core, for the many threads would each fill their own, and
    leave large pieces to the system.
    """
    mallopt = getattr(_library, "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 2)
        mallopt(_M_MMAP_THRESHOLD, _SYSTEM_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def trim() -> None:
    """Give back to the system what lies free between pieces in use: 50 MB after a stream of a large table. Blocks for
    milliseconds, but for where another thread is at it.
    """
    kept_views.give_back()
    malloc_trim = getattr(_library, "malloc_trim", None)
    if malloc_trim is None or not _trimming.acquire(blocking=False):
        return
    try:
        malloc_trim(0)
    finally:
        _trimming.release()
