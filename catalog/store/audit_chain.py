"""The chain of audit entries: each hash covers the one before, so that nothing in between can be changed unseen.

An entry is JSON text in ASCII on one line. It begins with what else stands in columns of its own, so that these are
covered by the hash too.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

FIRST = bytes(32)  # what comes before the first entry of a node


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a node's chain so far."""

    sequence: int = 0
    hash: bytes = FIRST


class Filed(NamedTuple):
    """What of an entry stands in columns: ``node`` is a UUID, ``at`` in microseconds, as ISO 8601 in UTC; ``filed`` the
    day it is kept under, which never goes back on one node though its clock may.
    """

    node: str
    sequence: int
    filed: str
    at: str
    kind: str  # the class: login, statement, denied or access

    def prefix(self) -> str:
        """Return how the entry's text begins."""
        return (
            f'{{"node":"{self.node}","sequence":{self.sequence},"filed":"{self.filed}",'
            f'"at":"{self.at}","class":"{self.kind}",'
        )


def entry_hash(previous: bytes, entry: bytes) -> bytes:
    """Return the hash of an entry that follows the one with the hash ``previous``."""
    return sha256(previous + entry).digest()


def journal_line(filed: Filed, previous: bytes, hash_: bytes, entry: str) -> bytes:
    """Return an entry as a line of a journal: the columns of ``audit_entries`` up to ``entry``, with tabs between."""
    columns = f"{filed.filed}\t{filed.node}\t{filed.sequence}\t{filed.at}\t{filed.kind}"
    return f"{columns}\t\\x{previous.hex()}\t\\x{hash_.hex()}\t{entry}\n".encode("ascii")


@dataclass(frozen=True, slots=True)
class Line:
    """A journal's line, read back."""

    filed: str
    head: Head
    previous: bytes
    entry: bytes

    @property
    def is_sound(self) -> bool:
        """Whether the hash is that of the entry."""
        return entry_hash(self.previous, self.entry) == self.head.hash


def parse_line(line: bytes) -> Line:
    """Read a line back. Raises ValueError where it is none."""
    filed, _node, sequence, _at, _class, previous, hash_, entry = line.rstrip(b"\n").split(b"\t")
    head = Head(int(sequence), bytes.fromhex(hash_[2:].decode("ascii")))
    return Line(filed.decode("ascii"), head, bytes.fromhex(previous[2:].decode("ascii")), entry)
