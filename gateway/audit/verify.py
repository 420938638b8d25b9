"""Walk the chains of the audit and say where one is broken: an entry altered, removed, moved or cut off at the end.

The store alone shows changes by whoever does not make the chain anew. Whoever does is found by the signed head (the key
is with the gateway) and by the gateway's own journal, which has the newest entries.
"""

from __future__ import annotations

import hmac
import json
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from catalog.server import Server
from catalog.store.audit_chain import FIRST, Filed, Head, entry_hash
from catalog.store.audit_store import AuditStore, Period, StoredEntry, sign
from catalog.store.connection import DATABASE
from gateway.audit.journal import read_lines, read_stored


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain that was walked. ``broken`` says what is wrong at the first place where something is, and None where
    nothing is. ``signed``: whether the signature of its head was checked, which needs the folder of its gateway.
    """

    node: UUID
    first: int
    last: int
    retired: int = 0
    waiting: int = 0  # entries of the journal that the store does not have yet
    signed: bool = False
    broken: str | None = None


@dataclass(slots=True)
class _Runs:
    """What runs of retention have said they take."""

    digests: dict[str, tuple[str, int]] = field(default_factory=dict)
    starts: dict[tuple[str, int], str] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=lambda: defaultdict(sha256))
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class Broken(Exception):
    """The first place where a chain is broken."""


def verify(server: Server, folder: Path | None, period: Period, database: str = DATABASE) -> list[Chain]:
    """Walk every chain. ``folder`` is that of a gateway's journal, if it is on this machine."""
    with closing(AuditStore(server, database)) as store, store.snapshot():
        runs = _read_runs(store.entries_of("retention"))
        local = _Local.read(folder)
        return [_verify(store, node, period, runs, local) for node in _nodes(store, local)]


@dataclass(frozen=True, slots=True)
class _Local:
    """What the folder of a gateway knows of its chain."""

    node: UUID | None = None
    key: bytes | None = None
    hashes: dict[int, bytes] = field(default_factory=dict)
    unsound: int | None = None
    stored: int = 0  # the last entry that the store is known to have had

    @classmethod
    def read(cls, folder: Path | None) -> _Local:
        if folder is None or not (folder / "node").is_file():
            return cls()
        hashes, unsound = {}, None
        for line in read_lines(folder):
            hashes[line.head.sequence] = line.head.hash
            if not line.is_sound and unsound is None:
                unsound = line.head.sequence
        key = bytes.fromhex((folder / "key").read_text(encoding="ascii").strip())
        node = UUID((folder / "node").read_text(encoding="ascii").strip())
        return cls(node, key, hashes, unsound, read_stored(folder))


def _nodes(store: AuditStore, local: _Local) -> list[UUID]:
    nodes = store.nodes()
    return nodes if local.node is None or local.node in nodes or not local.hashes else [*nodes, local.node]


def _verify(store: AuditStore, node: UUID, period: Period, runs: _Runs, local: _Local) -> Chain:
    walk = _Walk(node, runs, whole=period == Period())
    here = local if local.node == node else _Local()
    try:
        for row in store.entries(node, period):
            walk.step(row)
        if not walk.first:
            walk.head = _before(store, node, period, runs)
        if period.until is None:
            _check_end(store, node, walk, here)
        if walk.whole:
            walk.check_retired()
        broken = None
    except Broken as found:
        broken = str(found)
    waiting = sum(sequence > walk.head.sequence for sequence in here.hashes)
    return Chain(node, walk.first, walk.head.sequence, walk.retired, waiting, here.key is not None, broken)


class _Walk:
    """The state of a walk: the last entry seen."""

    def __init__(self, node: UUID, runs: _Runs, *, whole: bool) -> None:
        self.node = node
        self.whole = whole
        self.first = 0
        self.head = Head()
        self.retired = 0
        self._runs = runs

    def step(self, row: StoredEntry) -> None:
        """Take the next row. Raises Broken."""
        if not self.first:
            self._begin(row)
        elif row.sequence <= self.head.sequence:
            raise Broken(f"entry {row.sequence} stands behind entry {self.head.sequence}: entries were moved")
        elif row.sequence != self.head.sequence + 1:
            raise Broken(f"entries {self.head.sequence + 1} to {row.sequence - 1} are missing")
        elif row.previous != self.head.hash:
            raise Broken(f"entry {row.sequence} does not follow entry {self.head.sequence}: one of them was replaced")
        if row.entry is None:
            self.retired += 1
            run = row.retired_by or ""
            self._runs.seen[run].update(row.hash)
            self._runs.counts[run] += 1
            if run not in self._runs.digests:
                raise Broken(f"the text of entry {row.sequence} was taken out, and not by retention")
        elif entry_hash(row.previous, row.entry.encode("utf-8")) != row.hash:
            raise Broken(f"entry {row.sequence} was altered")
        elif not row.entry.startswith(_filed(self.node, row).prefix()):
            raise Broken(f"the columns of entry {row.sequence} were altered")
        self.head = Head(row.sequence, row.hash)

    def _begin(self, row: StoredEntry) -> None:
        self.first = row.sequence
        if not self.whole:
            return
        if row.sequence == 1:
            known: bytes | None = FIRST
        else:
            start = self._runs.starts.get((str(self.node), row.sequence - 1))
            known = bytes.fromhex(start) if start is not None else None
        if known is None:
            raise Broken(f"entries before {row.sequence} are missing, and not by retention")
        if known != row.previous:
            raise Broken(f"entry {row.sequence} does not follow the entries that retention has dropped")

    def check_retired(self) -> None:
        """Compare what was retired with what the runs have said."""
        for run, seen in self._runs.seen.items():
            digest, count = self._runs.digests[run]
            if self._runs.counts[run] != count or seen.hexdigest() != digest:
                raise Broken(f"retention run {run} has retired other entries than it says")


def _before(store: AuditStore, node: UUID, period: Period, runs: _Runs) -> Head:
    """Return where a chain stands that has no entry in a period: at its last one before, or where retention has
    dropped all of them.
    """
    last = store.get_last(node, period.since) if period.since is not None else None
    if last is not None:
        return last
    known = store.get_head(node)
    if known is not None and runs.starts.get((str(node), known.head.sequence)) == known.head.hash.hex():
        return known.head
    return Head()


def _filed(node: UUID, row: StoredEntry) -> Filed:
    at = row.at.isoformat(timespec="microseconds")
    return Filed(str(node), row.sequence, row.filed.isoformat(), at, row.kind)


def _check_end(store: AuditStore, node: UUID, walk: _Walk, local: _Local) -> None:
    known = store.get_head(node)
    head = known.head if known is not None else Head()
    if walk.head.sequence < head.sequence:
        raise Broken(f"entries {walk.head.sequence + 1} to {head.sequence} are missing at the end")
    if walk.head != head:
        raise Broken(f"the head of the chain names entry {head.sequence}, the last is {walk.head.sequence}")
    if head.sequence < local.stored:
        raise Broken(f"entries {head.sequence + 1} to {local.stored} are missing at the end: the store had them")
    if local.key is not None and known is not None:
        if not hmac.compare_digest(sign(local.key, node, head), known.signature):
            raise Broken(f"the signature of the chain's head (entry {head.sequence}) is not its gateway's")
        _check_journal(walk, local)


def _check_journal(walk: _Walk, local: _Local) -> None:
    if local.unsound is not None:
        raise Broken(f"entry {local.unsound} of the journal was altered")
    last = walk.head.sequence
    newer = [sequence for sequence in local.hashes if sequence > last]
    if newer and min(newer) != last + 1:
        raise Broken(f"entries {last + 1} to {min(newer) - 1} are missing at the end: the journal goes on behind them")
    if local.hashes.get(last, walk.head.hash) != walk.head.hash:
        raise Broken(f"entry {last} is not the one that the gateway's journal has")


def _read_runs(texts: list[str]) -> _Runs:
    runs = _Runs()
    for text in texts:
        entry = json.loads(text)
        if entry.get("event") != "retention":  # a claim may be called so, too
            continue
        detail = entry["detail"]
        if "run" in detail:
            runs.digests[detail["run"]] = (detail["digest"], detail["count"])
        for one in detail.get("dropped", ()):
            runs.starts[(one["node"], one["through"])] = one["hash"]
    return runs
