"""What many requests have in common: scans of files, and the form of rows. A worker is sent each once, and knows it by
its number from then on.

Each side keeps those used last, the worker more of them. It may still lack one, and says so; then it is sent all.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from cachetools import LRUCache

from catalog.scans import FileScan, ReadyScan, RemoteScan, Scan, SessionScan
from gateway.execute.port import EngineQuery, Form

_KEPT = 512
_KEPT_BY_WORKER = 2 * _KEPT

Part = FileScan | Form


@dataclass(frozen=True, slots=True)
class Numbered:
    """A part in whose place its number stands."""

    number: int


Scans = tuple[tuple[str, Scan | Numbered], ...]


class Numbers:
    """The gateway's numbers of parts: equal ones have the same. In any thread."""

    def __init__(self) -> None:
        self._next = itertools.count(1)
        self._known: LRUCache[Hashable, int] = LRUCache(_KEPT)
        self._lock = threading.Lock()

    def number(self, part: Part) -> int:
        """Return a part's number."""
        key: Hashable = part
        if isinstance(part, FileScan):  # its key stands for its files, but not for how they are reached and read
            key = part.key, part.late, part.read, part.compared, frozenset(part.storage.items())
        with self._lock:
            number = self._known.get(key)
            if number is None:
                number = self._known[key] = next(self._next)
            return number


class Sent:
    """Which parts a worker has. In any thread."""

    def __init__(self) -> None:
        self._known: LRUCache[int, bool] = LRUCache(_KEPT)
        self._lock = threading.Lock()

    def missing(self, parts: dict[int, Part]) -> dict[int, Part]:
        """Return those that it lacks."""
        with self._lock:
            return {number: part for number, part in parts.items() if not self._known.get(number)}

    def note(self, numbers: Iterable[int]) -> None:
        """Note that it has them."""
        with self._lock:
            for number in numbers:
                self._known[number] = True

    def forget(self) -> None:
        """Take it that it has none."""
        with self._lock:
            self._known.clear()


class Kept:
    """A worker's parts, by number. In any thread."""

    def __init__(self) -> None:
        self._parts: LRUCache[int, Part] = LRUCache(_KEPT_BY_WORKER)
        self._lock = threading.Lock()

    def keep(self, parts: dict[int, Part]) -> None:
        """Keep what was sent."""
        with self._lock:
            self._parts.update(parts)

    def get(self, number: int) -> Part | None:
        """Return a part, None where it is not kept any more."""
        with self._lock:
            return self._parts.get(number)


def numbered_scans(query: EngineQuery, numbers: Numbers) -> tuple[Scans, dict[int, Part]]:
    """Return a query's scans with numbers in place of those of files, and these by number."""
    parts: dict[int, Part] = {}
    scans: list[tuple[str, Scan | Numbered]] = []
    for name, scan in query.scans:
        if isinstance(scan, FileScan):
            number = numbers.number(scan)
            parts[number] = scan
            scans.append((name, Numbered(number)))
        else:
            scans.append((name, scan))
    return tuple(scans), parts


def known_scans(scans: Scans, kept: Kept) -> tuple[tuple[str, Scan], ...] | None:
    """Return scans with what stands behind numbers, None where one is not kept."""
    found: list[tuple[str, Scan]] = []
    for name, scan in scans:
        known = kept.get(scan.number) if isinstance(scan, Numbered) else scan
        if not isinstance(known, FileScan | RemoteScan | SessionScan | ReadyScan):
            return None
        found.append((name, known))
    return tuple(found)
