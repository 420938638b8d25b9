"""Room for the views of a block of rows, taken again for the next one.

What goes back to the system is zeroed anew, page by page, which takes as long as filling it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np

from gateway.values.fields import Words

_MOST_KEPT: Final = 2  # as many threads of a gateway encode at a time
_MOST_BYTES: Final = 12 << 20  # of each: two views for each value of a block
_free: deque[Words] = deque(maxlen=_MOST_KEPT)


@contextmanager
def room_for_views(rows: int, pieces: int) -> Iterator[Words]:
    """Give room for ``pieces`` views in each of ``rows``, of two words each. What it holds at first means nothing, and
    none of it may be used behind the block.
    """
    words = 2 * rows * pieces
    try:
        room = _free.pop()
    except IndexError:
        room = np.empty(0, np.uint64)
    if room.size < words:
        room = np.empty(words, np.uint64)
    yield room[:words].reshape(rows, 2 * pieces)
    if room.nbytes <= _MOST_BYTES:
        _free.append(room)


def give_back() -> None:
    """Keep none of it: nobody encodes much for now."""
    _free.clear()
