"""A node's journal: audit entries, chained, in files of lines, from before a statement runs until the store has them.

Lines are those of `catalog.store.audit_chain`. Files are named after their first sequence number; the newest two are
kept even when all is stored: where the chain stands is known from them too. The folder also holds the node's id and the
key that its heads are signed with.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from catalog.store.audit_chain import Filed, Head, Line, chained, parse_line

_SEGMENT = 8 << 20  # bytes after which a new file is begun
_KEPT = 2
_SUFFIX = ".journal"
STORED = "stored"


class JournalFull(Exception):
    """More entries wait for the store than the configuration lets."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place between two lines: the file's first sequence number, and bytes into it."""

    segment: int = 0
    offset: int = 0


class Journal:
    """The journal of this process; another process cannot open the same folder. Safe to use from several threads."""

    def __init__(self, folder: Path, limit: int, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._held = _hold(folder / "lock")
        self.node = UUID(_made_once(folder / "node", lambda: str(uuid4())))
        self._node = str(self.node)
        self.key = bytes.fromhex(_made_once(folder / "key", lambda: secrets.token_hex(32)))
        self._anchor = os.open(folder / STORED, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.stored_before = self._known = read_stored(folder)  # the last entry that the store was known to have
        self._file = -1
        self._size = 0
        self._segment = 0
        self.backlog = 0  # bytes that wait for the store
        self.head, self._filed = Head(), "0001-01-01"
        self.torn = 0  # bytes of a last line that a crash cut off
        self._open_newest()

    def close(self) -> None:
        """Let go of the folder."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
            os.close(self._anchor)
            os.close(self._held)

    # --- writing ---

    def append(self, kind: str, members: str) -> int:
        """Append an entry and return its sequence number. ``members`` are those of a JSON object, in ASCII.

        Raises OSError or `JournalFull`; then nothing was appended.
        """
        return self.append_all(((kind, members),))

    def append_all(self, entries: Sequence[tuple[str, str]]) -> int:
        """Append entries in one step, each with its kind and members, and return the last one's sequence number. Raises
        as `append`.
        """
        with self._lock:
            if self.backlog >= self._limit:
                raise JournalFull(f"{self.backlog} bytes wait for the store")
            at = self._clock().isoformat(timespec="microseconds")
            day = max(at[:10], self._filed)
            lines, head = chained(Filed(self._node, 0, day, at, ""), self.head, entries)
            self._write(lines)
            self.head, self._filed = head, day
            return head.sequence

    def _write(self, lines: bytes) -> None:
        if self._file < 0 or self._size >= _SEGMENT:
            self._begin_segment(self.head.sequence + 1)
        written = 0
        try:
            while written < len(lines):
                written += os.write(self._file, lines[written:])
        except OSError:
            if written:
                self._cut_off()
            raise
        self._size += len(lines)
        self.backlog += len(lines)

    def _cut_off(self) -> None:
        """Take back what was written in part; if even that fails, the file is not written to any more."""
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            os.close(self._file)
            self._file = -1

    def _begin_segment(self, first: int) -> None:
        path = self._path(first)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if self._file >= 0:
            os.close(self._file)
        self._file, self._segment, self._size = descriptor, first, os.fstat(descriptor).st_size

    def sync(self) -> None:
        """Wait until the disk has what was appended. Raises OSError."""
        if self._file >= 0:
            os.fdatasync(self._file)

    def follow(self, head: Head) -> None:
        """Go on behind an entry that the store has and the journal has not: it was lost."""
        with self._lock:
            if head.sequence > self.head.sequence:
                self.head = head

    # --- reading ---

    def read(self, position: Position, most: int = 1 << 20) -> tuple[bytes, Position]:
        """Return complete lines from a position on, b"" where there are none, and the position behind them."""
        while True:
            with self._lock:
                end = self._size if position.segment == self._segment else None
            data = self._read_file(position, most, end)
            cut = data.rfind(b"\n") + 1
            if cut or end is not None:
                return data[:cut], replace(position, offset=position.offset + cut)
            if len(data) == most:  # a line longer than that
                most *= 2
                continue
            following = [first for first in self._segments() if first > position.segment]
            if not following:
                return b"", position
            position = Position(following[0])

    def is_newest(self, position: Position) -> bool:
        """Whether a position is in the file that is written to."""
        return position.segment == self._segment

    def _read_file(self, position: Position, most: int, end: int | None) -> bytes:
        try:
            descriptor = os.open(self._path(position.segment), os.O_RDONLY)
        except FileNotFoundError:
            return b""
        try:
            size = most if end is None else min(most, end - position.offset)
            data = os.pread(descriptor, size, position.offset)
            while end is not None and data and b"\n" not in data and position.offset + len(data) < end:
                size *= 2
                data = os.pread(descriptor, size, position.offset)
            return data
        finally:
            os.close(descriptor)

    def after(self, sequence: int) -> Position:
        """Return the position behind an entry (the beginning, where the journal has not that one any more)."""
        segments = self._segments()
        begin = max((first for first in segments if first <= sequence), default=segments[0] if segments else 0)
        position = Position(begin)
        while True:
            lines, behind = self.read(position)
            if not lines:
                return position
            offset = 0
            for line in lines.splitlines(keepends=True):
                if parse_line(line).head.sequence > sequence:
                    return Position(behind.segment, behind.offset - len(lines) + offset)
                offset += len(line)
            position = behind

    def stored(self, position: Position, sequence: int) -> None:
        """Note that the store has everything up to a position; delete files that are not needed any more."""
        with suppress(OSError):  # then `verify` knows of a little less that the store had
            self._known = max(self._known, sequence)
            os.pwrite(self._anchor, b"%020d\n" % self._known, 0)
        with self._lock:
            segments = self._segments()
            ahead = sum(self._path(first).stat().st_size for first in segments if first >= position.segment)
            self.backlog = max(0, ahead - position.offset)
            done = [first for first in segments if first < position.segment]
            for first in done[: max(0, len(segments) - _KEPT)]:
                self._path(first).unlink()

    def _open_newest(self) -> None:
        segments = self._segments()
        if not segments:
            return
        path = self._path(segments[-1])
        contents = path.read_bytes()
        whole = contents.rfind(b"\n") + 1
        if whole < len(contents):
            self.torn = len(contents) - whole
            os.truncate(path, whole)
        self._begin_segment(segments[-1])
        for line in _lines_backwards(self._folder):
            self.head, self._filed = line.head, line.filed
            break
        self.backlog = sum(self._path(first).stat().st_size for first in segments)

    def _segments(self) -> list[int]:
        return segments(self._folder)

    def _path(self, first: int) -> Path:
        return self._folder / f"{first:020}{_SUFFIX}"


def read_stored(folder: Path) -> int:
    """Return the last entry that the store is known to have had."""
    path = folder / STORED
    return int(path.read_text(encoding="ascii") or 0) if path.is_file() else 0


def segments(folder: Path) -> list[int]:
    """Return the first sequence numbers of a journal's files."""
    return sorted(int(path.name.removesuffix(_SUFFIX)) for path in folder.glob(f"*{_SUFFIX}"))


def read_lines(folder: Path) -> Iterator[Line]:
    """Yield a journal's lines in order, of one that may be written to meanwhile."""
    for first in segments(folder):
        with (folder / f"{first:020}{_SUFFIX}").open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield parse_line(line)


def _lines_backwards(folder: Path) -> Iterator[Line]:
    for first in reversed(segments(folder)):
        lines = (folder / f"{first:020}{_SUFFIX}").read_bytes().splitlines()
        yield from (parse_line(line) for line in reversed(lines))


def _made_once(path: Path, make: Callable[[], str]) -> str:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        text = make()
        file.write(text)
    return text


def _hold(path: Path) -> int:
    """Take the folder for this process. Raises BlockingIOError where another one has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise BlockingIOError(f"{path.parent} is in use by another gateway") from None
    return descriptor
