"""The chain of audit entries: each hash covers the one before, so that nothing in between can be changed unseen.

An entry is JSON text in ASCII on one line. It begins with what else stands in columns of its own, so that these are
covered by the hash too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

FIRST = bytes(32)  # what comes before the first entry of a node
_BEGUN = sha256()  # to be copied: to look the algorithm up takes longer


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
        before, between = _around_sequence(self.node, self.filed, self.at)
        return f'{before}{self.sequence}{between}{self.kind}",'


def _around_sequence(node: str, filed: str, at: str) -> tuple[str, str]:
    """Return how an entry begins, before its sequence number and behind it, up to its class."""
    return f'{{"node":"{node}","sequence":', f',"filed":"{filed}","at":"{at}","class":"'


def entry_hash(previous: bytes, entry: bytes) -> bytes:
    """Return the hash of an entry that follows the one with the hash ``previous``."""
    return sha256(previous + entry).digest()


def chained(filed: Filed, head: Head, entries: Iterable[tuple[str, str]]) -> tuple[bytes, Head]:
    """Return entries that follow a head as lines of a journal, and the last one's head. A line has the columns of
    ``audit_entries`` up to ``entry``, with tabs between. ``entries`` are their classes and the rests of their texts;
    ``filed`` has the node, the day and the time of all.
    """
    node, _, day, at, _ = filed
    sequence, hash_ = head.sequence, head.hash
    before, between = _around_sequence(node, day, at)
    line_before, line_between, previous = f"{day}\t{node}\t", f"\t{at}\t", hash_.hex()
    pieces: list[str] = []
    for kind, members in entries:
        sequence += 1
        entry = f'{before}{sequence}{between}{kind}",{members}}}'
        hashed = _BEGUN.copy()
        hashed.update(hash_)
        hashed.update(entry.encode("ascii"))
        hash_ = hashed.digest()
        now = hash_.hex()
        pieces += (line_before, str(sequence), line_between, kind, "\t\\x", previous, "\t\\x", now, "\t", entry, "\n")
        previous = now
    return "".join(pieces).encode("ascii"), Head(sequence, hash_)


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
