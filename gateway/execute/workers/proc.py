"""What the system says of a process, from ``/proc``: its memory, its processor time, whether it was stopped."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

_PAGE = os.sysconf("SC_PAGE_SIZE")
_NEARLY_ALL = 0.9


class ProcessFigures:
    """Open files of one process; they stay that process's own when its number is given to another."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")
        self._memory = os.open(self._folder / "statm", os.O_RDONLY)
        self._stat = os.open(self._folder / "stat", os.O_RDONLY)

    def close(self) -> None:
        """Let go of the files."""
        os.close(self._memory)
        os.close(self._stat)

    def memory(self) -> int:
        """Return the bytes that are in memory and its own, files and libraries apart. Raises OSError if it is gone."""
        _, resident, shared, *_ = os.pread(self._memory, 256, 0).split()
        if resident == b"0":  # it has ended, and nobody has asked yet how
            raise ProcessLookupError
        return (int(resident) - int(shared)) * _PAGE

    def is_stopped(self) -> bool:
        """Say whether it was stopped by a signal. Raises OSError if it is gone."""
        return self._fields()[0] in (b"T", b"t")

    def threads(self) -> dict[int, Thread]:
        """Return all threads, by number. Those that end meanwhile are left out. Takes milliseconds."""
        found = {}
        for folder in (self._folder / "task").iterdir():
            with contextlib.suppress(OSError):
                ran, waited, _ = (folder / "schedstat").read_bytes().split()
                found[int(folder.name)] = Thread(monotonic(), (int(ran) + int(waited)) / 1e9)
        return found

    def _fields(self) -> list[bytes]:
        """Return the fields of ``stat`` from the state on: the name before it may hold anything."""
        return os.pread(self._stat, 1024, 0).rpartition(b") ")[2].split()


@dataclass(frozen=True, slots=True)
class Thread:
    """How long a thread has wanted to compute, in seconds, whether or not there was a processor for it, up to a moment
    of `time.monotonic`.
    """

    moment: float
    wanted: float


def has_endless_work(before: dict[int, Thread], after: dict[int, Thread]) -> bool:
    """Say whether some thread has wanted to compute all the time between two looks."""
    return any(
        number in before and now.wanted - before[number].wanted > _NEARLY_ALL * (now.moment - before[number].moment)
        for number, now in after.items()
    )
