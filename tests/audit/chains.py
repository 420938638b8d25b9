"""An audit without a gateway: a journal, a store of its own, and a clock that can be set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from catalog.server import Server
from catalog.store.audit_store import Period
from gateway.audit.audit import Audit, Entry
from gateway.audit.entries import Kind, as_members
from gateway.audit.journal import Journal
from gateway.audit.verify import Chain, verify
from gateway.configuration.config import Audit as AuditConfig


@dataclass(slots=True)
class Clock:
    """The time that entries get."""

    now: datetime = field(default_factory=lambda: datetime(2026, 3, 10, 12, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True, slots=True)
class Scene:
    """Where an audit is kept."""

    server: Server
    database: str
    folder: Path
    clock: Clock = field(default_factory=Clock)
    limit: int = 1 << 30

    @contextmanager
    def audit(self, config: AuditConfig | None = None) -> Iterator[Audit]:
        """Open the audit for the length of a block; then the store has everything."""
        journal = Journal(self.folder, self.limit, self.clock)
        audit = Audit.open(config or AuditConfig(), self.server, journal, self.database)
        try:
            yield audit
        finally:
            audit.close()

    def write(self, count: int, kind: Kind = Kind.STATEMENT) -> None:
        """Write so many entries."""
        with self.audit() as audit:
            for number in range(count):
                audit.note(entry(f"number {number}", kind))

    def verify(self, period: Period | None = None, *, local: bool = True) -> Chain:
        """Return the one chain there is."""
        (chain,) = verify(self.server, self.folder if local else None, period or Period(), self.database)
        return chain


def entry(text: str, kind: Kind = Kind.STATEMENT) -> Entry:
    """Return an entry of the test's own."""
    return Entry("test", as_members({"text": text}), kind)
