"""What the C library's allocator keeps for itself, beside the engine's.

Only the GNU C library has these calls; elsewhere nothing changes.
"""

from __future__ import annotations

import ctypes
import threading

_M_ARENA_MAX = -8  # malloc.h of the GNU C library
_library = ctypes.CDLL(None)
_trimming = threading.Lock()


def bound() -> None:
    """Have malloc keep two heaps in place of eight for each core: the many threads would each fill their own."""
    mallopt = getattr(_library, "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 2)


def trim() -> None:
    """Give back to the system what lies free between pieces in use: 50 MB after a stream of a large table. Blocks for
    milliseconds, but for where another thread is at it.
    """
    malloc_trim = getattr(_library, "malloc_trim", None)
    if malloc_trim is None or not _trimming.acquire(blocking=False):
        return
    try:
        malloc_trim(0)
    finally:
        _trimming.release()
