"""A gateway with an audit of its own, and what its audit says."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.gateway import RunningGateway, SampleLake, Settings, serving

Entry = dict[str, Any]
SOURCES = ("small", "origin", "crm", "sales")


@dataclass(frozen=True, slots=True)
class Audited:
    """A gateway whose journal is in ``folder``."""

    gateway: RunningGateway
    lake: SampleLake
    folder: Path

    @property
    def node(self) -> UUID:
        """The id of the gateway's chain."""
        return UUID((self.folder / "node").read_text(encoding="ascii"))

    def entries(self) -> list[Entry]:
        """Return what the store has of this gateway, in order."""
        query = "SELECT entry FROM audit_entries WHERE node = %s ORDER BY filed, sequence"
        with self.lake.server.connect("lakegate") as connection:
            return [json.loads(row[0]) for row in connection.execute(query, (self.node,)).fetchall()]

    def wait_for(self, wanted: Callable[[Entry], bool], seconds: float = 5.0) -> Entry:
        """Return the newest entry that is wanted, as soon as the store has one."""
        deadline = time.monotonic() + seconds
        while True:
            entries = self.entries()
            found = [entry for entry in entries if wanted(entry)]
            if found:
                return found[-1]
            assert time.monotonic() < deadline, "\n".join(json.dumps(entry) for entry in entries[-8:])
            time.sleep(0.05)

    def outcome(self, text: str) -> Entry:
        """Return how the newest statement of this normalised text ended."""
        return self.wait_for(lambda entry: entry.get("text") == text and entry["phase"] != "intent")


@contextmanager
def audited(
    lake: SampleLake, folder: Path, database: str, *, exit_code: int | None = 0, **audit: object
) -> Iterator[Audited]:
    """Serve with an audit of one's own for the length of a block."""
    sources = {name: lake.sources[name] for name in SOURCES}
    settings = Settings(
        server={"refresh_interval": "0"},
        sources=sources,
        database=database,
        audit={"directory": str(folder), **audit},
    )
    with serving(lake, settings, exit_code=exit_code) as gateway:
        yield Audited(gateway, lake, folder)
