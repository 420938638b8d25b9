"""Scans of one version of a table, kept by which of its files they read: statements mostly ask for the same ones."""

from __future__ import annotations

import threading
from collections.abc import Callable

from cachetools import LRUCache

from catalog.scans import FileScan
from connectors.pruning import Mask

_MOST_FILES = 20_000  # of all scans that are kept of one version
_OF_ONE = 16  # files that a scan counts for beside its own


class KeptScans:
    """The scans of a version, which never change. Safe for several threads."""

    __slots__ = ("_kept", "_lock")

    def __init__(self) -> None:
        self._kept: LRUCache[bytes, FileScan] = LRUCache(_MOST_FILES, getsizeof=_size)
        self._lock = threading.Lock()

    def require(self, chosen: Mask, make: Callable[[], FileScan]) -> FileScan:
        """Return the scan of the chosen files, which ``make`` gives the first time."""
        key = chosen.tobytes()
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None:
            return kept
        made = make()
        if _size(made) <= _MOST_FILES:
            with self._lock:
                self._kept[key] = made
        return made


def _size(scan: FileScan) -> int:
    return _OF_ONE + sum(len(group.files) for group in scan.groups)
